//! What the pure crates must be handed from outside: time and entropy.

use serde::{Deserialize, Serialize};

/// A point in wall-clock time: milliseconds since the Unix epoch, UTC.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Milliseconds since the Unix epoch.
    pub fn as_millis(self) -> i64 {
        self.0
    }
}

/// Reads the wall clock. Order is never derived from it, only display.
pub trait Clock: Send + Sync {
    /// The present time.
    fn now(&self) -> Timestamp;
}

/// Gives random bytes, for identifiers only.
pub trait Entropy: Send + Sync {
    /// Sixteen fresh random bytes.
    fn bytes(&self) -> [u8; 16];
}
