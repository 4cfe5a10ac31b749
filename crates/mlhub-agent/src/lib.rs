//! mlhub-agent.
