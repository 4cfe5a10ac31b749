//! What changes while one watches: a bounded feed of run changes.
//!
//! A listener that falls behind loses nothing silently: it is told to reset and
//! fetch anew. The feed never blocks a writer and keeps no history. What many
//! small batches change in a run is gathered and told at once, and costs nothing
//! while nobody listens.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mlhub_core::store::Store;
use mlhub_core::{Name, RunId, RunState, Timestamp};
use tokio::sync::broadcast;

/// Changes a slow listener may be behind before it is told to reset.
const FEED_CAPACITY: usize = 4096;
/// How long the changes that batches make are gathered.
const GATHER: Duration = Duration::from_millis(100);
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
    sender: broadcast::Sender<LiveEvent>,
    last_id: AtomicU64,
    /// What was gathered and not told yet, by run.
    gathered: Mutex<BTreeMap<RunId, BTreeSet<&'static str>>>,
}

impl LiveFeed {
    /// Starts a feed whose ids depend on `now`, so that an id of the feed of an
    /// earlier start is not taken for one of this.
    pub(crate) fn starting_at(now: Timestamp) -> Self {
        let start = u64::try_from(now.0).unwrap_or(0).saturating_mul(IDS_PER_MS);
        Self {
            sender: broadcast::channel(FEED_CAPACITY).0,
            last_id: AtomicU64::new(start),
            gathered: Mutex::default(),
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
        let _unheard = self.sender.send(LiveEvent::Run(RunChange {
            id,
            run: run.clone(),
            project: project.clone(),
            state,
            changed: changed.to_vec(),
        }));
    }
}

impl LiveFeed {
    /// Tells whoever listens of a change, soon and together with what changes in
    /// the run meanwhile. Never waits; without a listener it reads nothing.
    pub(crate) fn gather(
        self: &Arc<Self>,
        store: &Arc<dyn Store>,
        run: &RunId,
        changed: &[&'static str],
    ) {
        if self.sender.receiver_count() == 0 {
            // A listener that returns sees by the id that it missed something. One
            // that came between the two looks is told.
            self.last_id.fetch_add(1, Ordering::SeqCst);
            if self.sender.receiver_count() == 0 {
                return;
            }
        }
        let first = {
            let mut gathered = self.gathered();
            let first = gathered.is_empty();
            gathered.entry(run.clone()).or_default().extend(changed);
            first
        };
        if first {
            let (feed, store) = (Arc::clone(self), Arc::clone(store));
            tokio::spawn(async move {
                tokio::time::sleep(GATHER).await;
                feed.tell(&*store).await;
            });
        }
    }

    /// Publishes what was gathered.
    async fn tell(&self, store: &dyn Store) {
        let gathered = std::mem::take(&mut *self.gathered());
        let ids: Vec<RunId> = gathered.keys().cloned().collect();
        match store.runs_get(&ids).await {
            Ok(runs) => {
                for run in runs {
                    let changed = gathered.get(&run.id).into_iter().flatten();
                    let changed: Vec<&'static str> = changed.copied().collect();
                    self.publish(&run.id, &run.project, run.state, &changed);
                }
            }
            Err(error) => {
                tracing::warn!(error = %error, "live listeners are told to fetch anew");
                self.last_id.fetch_add(1, Ordering::AcqRel);
                // No listener is not an error.
                let _unheard = self.sender.send(LiveEvent::Reset);
            }
        }
    }

    fn gathered(&self) -> MutexGuard<'_, BTreeMap<RunId, BTreeSet<&'static str>>> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One listener's end of the feed.
pub struct LiveSubscription {
    receiver: broadcast::Receiver<LiveEvent>,
}

impl LiveSubscription {
    /// Waits for the next event; `None` when the hub is gone.
    pub async fn next(&mut self) -> Option<LiveEvent> {
        match self.receiver.recv().await {
            Ok(event) => Some(event),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(LiveEvent::Reset),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}
