//! Who may need blobs and who removes them: backups, exports and imports on one
//! side, removals on the other. Either side may have many at once, never both.
//!
//! A removal does not wait: it is refused while somebody needs blobs, or waits to.
//! That two removals keep out of each other's way is not known here.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mlhub_core::{Error, ErrorKind, Result};
use tokio::sync::Notify;

/// The two sides.
#[derive(Debug, Default)]
pub(crate) struct BlobGuard {
    sides: Mutex<Sides>,
    removed: Notify,
}

#[derive(Debug, Default)]
struct Sides {
    keeping: usize,
    removing: usize,
}

/// Blobs stay while this lives.
#[derive(Debug)]
pub(crate) struct Kept(Arc<BlobGuard>);

/// Blobs may be removed while this lives.
#[derive(Debug)]
pub(crate) struct Removable(Arc<BlobGuard>);

impl BlobGuard {
    fn sides(&self) -> MutexGuard<'_, Sides> {
        self.sides.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for removals that are under way; none begins meanwhile.
    pub(crate) async fn keep(self: &Arc<Self>) -> Kept {
        self.sides().keeping += 1;
        let kept = Kept(Arc::clone(self));
        loop {
            let removed = self.removed.notified();
            if self.sides().removing == 0 {
                return kept;
            }
            removed.await;
        }
    }

    /// Leave to remove blobs.
    ///
    /// # Errors
    /// `Unavailable` while somebody may still need them.
    pub(crate) fn remove(self: &Arc<Self>) -> Result<Removable> {
        let mut sides = self.sides();
        if sides.keeping > 0 {
            return Err(Error::new(
                ErrorKind::Unavailable,
                "a backup, export or import is under way, which may need what would be removed; try again when it has ended",
            ));
        }
        sides.removing += 1;
        Ok(Removable(Arc::clone(self)))
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.sides().keeping -= 1;
    }
}

impl Drop for Removable {
    fn drop(&mut self) {
        self.0.sides().removing -= 1;
        self.0.removed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn many_of_one_side_and_never_both() {
        let guard = Arc::new(BlobGuard::default());
        let first = guard.remove().expect("nobody needs them");
        let second = guard.remove().expect("removals do not refuse each other");
        let mut keeping = Box::pin(guard.keep());
        assert!(keeping.as_mut().now_or_never().is_none());
        let error = guard.remove().expect_err("somebody waits to need them");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        drop(first);
        assert!(keeping.as_mut().now_or_never().is_none());
        drop(second);
        let kept = keeping.await;
        let also = guard.keep().now_or_never().expect("nothing is removed");
        drop(kept);
        assert!(guard.remove().is_err());
        drop(also);
        let removal = guard.remove().expect("nobody needs them");
        let mut waiting = Box::pin(guard.keep());
        assert!(waiting.as_mut().now_or_never().is_none());
        drop(waiting);
        drop(removal);
        guard.remove().expect("who gave up waiting needs nothing");
    }
}
