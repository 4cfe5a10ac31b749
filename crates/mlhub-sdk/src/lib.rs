//! What the SDKs share: writing the binary event log from inside a training.
//!
//! [`EventWriter`] appends records to a memory-mapped file and returns. What it
//! returned from is in the page cache, so it survives a SIGKILL of the process;
//! against a power cut there is [`EventWriter::flush`]. It knows no network, no
//! hub and no Python, starts no thread, and never stops a training: a full disk
//! is a warning and a count.

mod exit;
mod fork;
mod log_file;
mod mmap;
mod writer;

pub use exit::tell_exit;
pub use writer::{EventWriter, KEYS_MAX, Session};
