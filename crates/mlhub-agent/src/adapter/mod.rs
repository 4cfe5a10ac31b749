//! The adapter host: discovery, environments, launch preparation, conformance kit.
