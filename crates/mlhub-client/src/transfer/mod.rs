//! Transfers that resume: the one part of the client that repeats calls.
//!
//! Memory is flat: one part is held at a time. A broken connection costs at most
//! the part that was under way. How often and how long is tried again is bounded
//! by [`Patience`]; whoever wants to wait longer calls again, and the transfer
//! goes on where it was. Several files at once are the caller's business.

mod download;
mod place;
mod upload;

use std::time::{Duration, Instant};

use crate::{ClientError, ClientErrorKind};

pub use download::{Downloaded, Wanted, download};
pub use place::OutFolder;
pub use upload::{Sent, Upload, hash_reader, upload};

/// How long a transfer tries on its own while nothing gets through.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Time without progress after which the last error is returned. Zero
    /// returns the first error.
    pub without_progress: Duration,
}

impl Patience {
    /// The caller tries again by itself.
    pub const NONE: Self = Self {
        without_progress: Duration::ZERO,
    };
    /// What a person at a terminal would wait.
    pub const INTERACTIVE: Self = Self {
        without_progress: Duration::from_secs(60),
    };
}

/// First pause after a failure; doubled up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// Longest pause after a failure.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Decides whether to try again.
struct Trying {
    patience: Patience,
    since: Instant,
    pause: Duration,
}

impl Trying {
    fn new(patience: Patience) -> Self {
        Self {
            patience,
            since: Instant::now(),
            pause: PAUSE_MIN,
        }
    }

    fn progress(&mut self) {
        self.since = Instant::now();
        self.pause = PAUSE_MIN;
    }

    /// Waits, or gives the error back when it is final or patience is at its end.
    fn again(&mut self, error: ClientError) -> Result<(), ClientError> {
        let busy = is_busy(&error);
        // A hub that says 500 met a defect or damaged content: the same again.
        let worth = (error.is_retryable() && error.status != Some(500)) || busy;
        if !worth || self.since.elapsed() >= self.patience.without_progress {
            return Err(error);
        }
        std::thread::sleep(self.pause);
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        Ok(())
    }
}

/// Whether somebody else is sending the same upload just now.
pub fn is_busy(error: &ClientError) -> bool {
    error.status == Some(409)
        && error
            .details
            .as_ref()
            .is_some_and(|details| details["busy"] == true)
}

fn local(what: &str, cause: &std::io::Error) -> ClientError {
    ClientError::new(
        ClientErrorKind::Local,
        "local file",
        format!("{what}: {cause}"),
    )
}
