//! Who may remove contents, and who needs them to stay.
//!
//! Backups, exports and imports keep contents: they copy or name them after the
//! records that name them. Removals may go on side by side, but not while
//! somebody keeps; they are refused at once then, and keepers wait for removals
//! under way to end. A keeper that waits holds new removals off.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mlhub_core::{Error, ErrorKind, Result};
use tokio::sync::Notify;

#[derive(Debug, Default)]
struct Counts {
    keepers: usize,
    removals: usize,
}

#[derive(Debug, Default)]
struct State {
    counts: Mutex<Counts>,
    /// Told when the last removal ended.
    removed: Notify,
}

impl State {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The agreement between keepers and removals.
#[derive(Debug, Default, Clone)]
pub(crate) struct Kept(Arc<State>);

/// Contents stay while it lives.
#[derive(Debug)]
pub(crate) struct Keeping(Arc<State>);

/// Contents that nothing uses may be removed while it lives.
#[derive(Debug)]
pub(crate) struct Removing(Arc<State>);

impl Kept {
    /// Keeps contents, from when the removals under way have ended.
    pub(crate) async fn keep(&self) -> Keeping {
        self.0.counts().keepers += 1;
        // Counted before it waits: from here on no removal begins, and giving the
        // wait up takes the count back.
        let keeping = Keeping(Arc::clone(&self.0));
        loop {
            let removed = self.0.removed.notified();
            if self.0.counts().removals == 0 {
                return keeping;
            }
            removed.await;
        }
    }

    /// Leave to remove contents.
    ///
    /// # Errors
    /// `Unavailable` while somebody keeps them.
    pub(crate) fn remove(&self) -> Result<Removing> {
        let mut counts = self.0.counts();
        if counts.keepers > 0 {
            return Err(Error::new(
                ErrorKind::Unavailable,
                "a backup, export or import is under way, which may need what would be removed; try again when it has ended",
            ));
        }
        counts.removals += 1;
        Ok(Removing(Arc::clone(&self.0)))
    }
}

impl Drop for Keeping {
    fn drop(&mut self) {
        self.0.counts().keepers -= 1;
    }
}

impl Drop for Removing {
    fn drop(&mut self) {
        let mut counts = self.0.counts();
        counts.removals -= 1;
        if counts.removals == 0 {
            self.0.removed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn removals_share_and_a_keeper_waits_for_them() {
        let kept = Kept::default();
        let first = kept.remove().expect("nobody keeps");
        let second = kept.remove().expect("another removal is no reason");
        let mut keeping = Box::pin(kept.keep());
        assert!(futures::poll!(&mut keeping).is_pending());
        assert_eq!(
            kept.remove().expect_err("somebody waits").kind(),
            ErrorKind::Unavailable
        );
        drop(first);
        assert!(futures::poll!(&mut keeping).is_pending());
        drop(second);
        let keeping = keeping.await;
        let also = kept.keep().await;
        drop(keeping);
        assert!(kept.remove().is_err());
        drop(also);
        kept.remove().expect("nobody keeps any more");
    }

    #[tokio::test]
    async fn a_wait_given_up_holds_nothing() {
        let kept = Kept::default();
        let removing = kept.remove().expect("nobody keeps");
        {
            let mut keeping = Box::pin(kept.keep());
            assert!(futures::poll!(&mut keeping).is_pending());
        }
        kept.remove().expect("nobody waits any more");
        drop(removing);
    }
}
