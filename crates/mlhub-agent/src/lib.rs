//! What runs on the machine of the work: adapters and supervisors.
//!
//! [`adapter`] finds plugins, makes their environments and says how a program
//! is started; [`supervisor`] starts it, minds it and ships what it writes;
//! [`serving`] keeps programs that answer for trained models.
//! None holds rules of the hub: those are `mlhub-app`'s.

pub mod adapter;
pub mod serving;
pub mod supervisor;
