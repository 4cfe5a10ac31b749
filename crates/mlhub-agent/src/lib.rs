//! What runs on the machine of the work: adapters and supervisors.
//!
//! [`adapter`] finds plugins, makes their environments and says how a program
//! is started; [`supervisor`] starts it, minds it and ships what it writes;
//! [`serving`] keeps programs that answer for trained models; [`export`] runs one that
//! writes a model in another format, [`custom_metric`] one that computes a metric;
//! [`onboard`] reads a repository and proposes an experiment file for it.
//! None holds rules of the hub: those are `mlhub-app`'s.

pub mod adapter;
pub mod custom_metric;
pub mod export;
pub mod onboard;
pub mod serving;
pub mod supervisor;
