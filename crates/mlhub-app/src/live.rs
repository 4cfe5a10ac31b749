//! What changes while one watches: a bounded feed of run changes.
//!
//! A listener that falls behind loses nothing silently: it is told to reset and
//! fetch anew. The feed never blocks a writer and keeps no history.

use std::sync::atomic::{AtomicU64, Ordering};

use mlhub_core::{Name, RunId, RunState, Timestamp};
use tokio::sync::broadcast;

/// Changes a slow listener may be behind before it is told to reset.
const FEED_CAPACITY: usize = 4096;
/// Ids a feed may give out per millisecond of its life before they could meet
/// those of the feed of a later start.
const IDS_PER_MS: u64 = 1 << 20;

/// A change of a run.
#[derive(Debug, Clone)]
pub struct RunChange {
    /// Its place in the feed; ids go on rising over restarts of the hub.
    pub id: u64,
    /// The run.
    pub run: RunId,
    /// Its project.
    pub project: Name,
    /// Its state after the change.
    pub state: RunState,
    /// What changed: `state`, `metrics`, `logs`, `artifacts`, `evaluation`, `tags`, `records`.
    pub changed: Vec<&'static str>,
}

/// What a listener receives.
#[derive(Debug, Clone)]
pub enum LiveEvent {
    /// A run changed.
    Run(RunChange),
    /// Changes were missed: fetch anew.
    Reset,
}

/// The feed.
pub struct LiveFeed {
    sender: broadcast::Sender<RunChange>,
    last_id: AtomicU64,
}

impl LiveFeed {
    /// Starts a feed whose ids depend on `now`, so that an id of the feed of an
    /// earlier start is not taken for one of this.
    pub(crate) fn starting_at(now: Timestamp) -> Self {
        let start = u64::try_from(now.0).unwrap_or(0).saturating_mul(IDS_PER_MS);
        Self {
            sender: broadcast::channel(FEED_CAPACITY).0,
            last_id: AtomicU64::new(start),
        }
    }

    /// The id of the newest change.
    pub fn last_id(&self) -> u64 {
        self.last_id.load(Ordering::Acquire)
    }

    /// Starts listening.
    pub fn subscribe(&self) -> LiveSubscription {
        LiveSubscription {
            receiver: self.sender.subscribe(),
        }
    }

    /// Tells whoever listens of a change. Never waits.
    pub fn publish(&self, run: &RunId, project: &Name, state: RunState, changed: &[&'static str]) {
        let id = self.last_id.fetch_add(1, Ordering::AcqRel) + 1;
        // No listener is not an error.
        let _unheard = self.sender.send(RunChange {
            id,
            run: run.clone(),
            project: project.clone(),
            state,
            changed: changed.to_vec(),
        });
    }
}

/// One listener's end of the feed.
pub struct LiveSubscription {
    receiver: broadcast::Receiver<RunChange>,
}

impl LiveSubscription {
    /// Waits for the next event; `None` when the hub is gone.
    pub async fn next(&mut self) -> Option<LiveEvent> {
        match self.receiver.recv().await {
            Ok(change) => Some(LiveEvent::Run(change)),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(LiveEvent::Reset),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}
