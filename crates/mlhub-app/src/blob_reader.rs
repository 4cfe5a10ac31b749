//! Reading blobs so that nobody is served bytes that are not what their hash says.
//!
//! A whole content is hashed as it is passed on, and its last piece is given out
//! only when the hash is right: a reader of a damaged blob gets an error instead
//! of an end. A range is given out of a content that was checked whole a short
//! time ago. Which artifact it is of is in the message; bytes never are.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use mlhub_core::store::BlobStore;
use mlhub_core::{Clock, Error, ErrorKind, Result, Timestamp};

/// Bytes read at once.
const PIECE_BYTES: usize = 1024 * 1024;
/// Contents remembered as checked.
const CHECKED_MAX: usize = 1000;
/// How long a check counts.
const CHECKED_FOR_MS: i64 = 10 * 60 * 1000;

/// Contents that were read whole lately and were right.
#[derive(Debug, Default)]
pub(crate) struct Checked(Mutex<VecDeque<(String, Timestamp)>>);

impl Checked {
    fn add(&self, hash: &str, now: Timestamp) {
        let mut checked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        checked.retain(|(known, _)| known != hash);
        if checked.len() >= CHECKED_MAX {
            checked.pop_front();
        }
        checked.push_back((hash.to_owned(), now));
    }

    fn remove(&self, hash: &str) {
        let mut checked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        checked.retain(|(known, _)| known != hash);
    }

    fn has(&self, hash: &str, now: Timestamp) -> bool {
        let mut checked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that went back makes no check last longer.
        checked.retain(|(_, time)| (0..CHECKED_FOR_MS).contains(&now.0.saturating_sub(time.0)));
        checked.iter().any(|(known, _)| known == hash)
    }
}

/// What reading a blob needs.
#[derive(Clone)]
pub(crate) struct BlobSource {
    pub(crate) blobs: Arc<dyn BlobStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) checked: Arc<Checked>,
}

/// A content being read.
pub struct BlobReader {
    source: BlobSource,
    /// What it is, for messages.
    what: String,
    hash: String,
    size_bytes: u64,
    next: u64,
    end: u64,
    /// Absent for a range of a content that was checked before.
    hasher: Option<Box<blake3::Hasher>>,
    damaged: bool,
}

impl BlobSource {
    /// Reads a content from its start to its end.
    pub(crate) fn whole(&self, what: String, hash: &str, size_bytes: u64) -> BlobReader {
        BlobReader {
            source: self.clone(),
            what,
            hash: hash.to_owned(),
            size_bytes,
            next: 0,
            end: size_bytes,
            hasher: Some(Box::default()),
            damaged: false,
        }
    }

    /// Reads `start..end`, after a check of the whole content unless there was
    /// one lately.
    pub(crate) async fn range(
        &self,
        what: String,
        hash: &str,
        size_bytes: u64,
        (start, end): (u64, u64),
    ) -> Result<BlobReader> {
        if !self.checked.has(hash, self.clock.now()) {
            let mut whole = self.whole(what.clone(), hash, size_bytes);
            while whole.next().await?.is_some() {}
        }
        Ok(BlobReader {
            next: start.min(size_bytes),
            end: end.min(size_bytes),
            hasher: None,
            ..self.whole(what, hash, size_bytes)
        })
    }
}

impl BlobReader {
    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// `Internal`, naming the artifact, when its content is gone or is not what
    /// its hash says.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        if self.next >= self.end {
            // Nothing was read of an empty content, and nothing can be wrong with it.
            return Ok(None);
        }
        let limit = (self.end - self.next).min(PIECE_BYTES as u64) as usize;
        let read = self.source.blobs.read(&self.hash, self.next, limit).await;
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(self.damaged("is not in the blob store any more"));
            }
            Err(error) => return Err(error),
        };
        if bytes.is_empty() {
            return Err(self.damaged("is shorter than it was when it was stored"));
        }
        self.next += bytes.len() as u64;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&bytes);
            if self.next == self.end {
                self.check()?;
            }
        }
        Ok(Some(bytes))
    }

    /// Whether an error was that the content is gone or not what it was.
    pub fn is_damaged(&self) -> bool {
        self.damaged
    }

    fn check(&mut self) -> Result<()> {
        let right = self
            .hasher
            .as_ref()
            .is_none_or(|hasher| hasher.finalize().to_hex().as_str() == self.hash);
        if right {
            let now = self.source.clock.now();
            self.source.checked.add(&self.hash, now);
            return Ok(());
        }
        Err(self.damaged("is not what it was when it was stored: its hash differs"))
    }

    fn damaged(&mut self, how: &str) -> Error {
        self.damaged = true;
        self.source.checked.remove(&self.hash);
        Error::new(
            ErrorKind::Internal,
            format!(
                "the content of {} ({} bytes, BLAKE3 {}) {how}; store it again, or restore it from a backup. Everything else is untouched",
                self.what, self.size_bytes, self.hash
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_goes_back_makes_no_check_last_longer() {
        let checked = Checked::default();
        let then = Timestamp(1_700_000_000_000);
        checked.add("a", then);
        assert!(checked.has("a", then));
        assert!(!checked.has("a", Timestamp(then.0 - 1)));
        checked.add("a", then);
        assert!(!checked.has("a", Timestamp(then.0 + CHECKED_FOR_MS)));
    }
}
