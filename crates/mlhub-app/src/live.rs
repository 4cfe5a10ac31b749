//! What changes while one watches: a bounded feed of run changes.
//!
//! A listener that falls behind loses nothing silently: it is told to reset and
//! fetch anew. The feed never blocks a writer and keeps no history. What many
//! small batches change in a run is gathered and told at once, and costs nothing
//! while nobody listens.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mlhub_core::run::Run;
use mlhub_core::store::Store;
use mlhub_core::{Name, Result, RunId, RunState, Timestamp};
use tokio::sync::broadcast;

use crate::Hub;

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
    /// What changed: `state`, `metrics`, `logs`, `artifacts`, `evaluation`, `tags`,
    /// `records`, `deleted`.
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
    /// The id given out last. Held while its event is sent, so that ids are sent in
    /// their order.
    last_id: Mutex<u64>,
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
            last_id: Mutex::new(start),
            gathered: Mutex::default(),
        }
    }

    /// The id of the newest change.
    pub fn last_id(&self) -> u64 {
        *self.numbering()
    }

    /// Starts listening.
    pub fn subscribe(&self) -> LiveSubscription {
        LiveSubscription {
            receiver: self.sender.subscribe(),
        }
    }

    /// Tells whoever listens of a change. Never waits.
    pub fn publish(&self, run: &RunId, project: &Name, state: RunState, changed: &[&'static str]) {
        self.send(|id| {
            LiveEvent::Run(RunChange {
                id,
                run: run.clone(),
                project: project.clone(),
                state,
                changed: changed.to_vec(),
            })
        });
    }

    /// Gives the next id to an event and sends it.
    fn send(&self, event: impl FnOnce(u64) -> LiveEvent) {
        let mut last = self.numbering();
        *last += 1;
        // No listener is not an error.
        let _unheard = self.sender.send(event(*last));
    }

    fn numbering(&self) -> MutexGuard<'_, u64> {
        self.last_id.lock().unwrap_or_else(PoisonError::into_inner)
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
            *self.numbering() += 1;
            if self.sender.receiver_count() == 0 {
                return;
            }
        }
        // Without a runtime the hub is ending, and its listeners with it.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let first = {
            let mut gathered = self.gathered();
            let first = gathered.is_empty();
            gathered.entry(run.clone()).or_default().extend(changed);
            first
        };
        if first {
            let (feed, store) = (Arc::clone(self), Arc::clone(store));
            runtime.spawn(async move {
                tokio::time::sleep(GATHER).await;
                feed.tell(&*store).await;
            });
        }
    }

    /// Publishes what was gathered.
    async fn tell(&self, store: &dyn Store) {
        let gathered = std::mem::take(&mut *self.gathered());
        let ids: Vec<RunId> = gathered.keys().cloned().collect();
        self.told(&gathered, store.runs_get(&ids).await);
    }

    /// Publishes what was gathered, of the runs that were read.
    fn told(&self, gathered: &BTreeMap<RunId, BTreeSet<&'static str>>, read: Result<Vec<Run>>) {
        match read {
            Ok(runs) => {
                for run in runs {
                    let changed = gathered.get(&run.id).into_iter().flatten();
                    let changed: Vec<&'static str> = changed.copied().collect();
                    self.publish(&run.id, &run.project, run.state, &changed);
                }
            }
            Err(error) => {
                tracing::warn!(error = %error, "live listeners are told to fetch anew");
                self.send(|_id| LiveEvent::Reset);
            }
        }
    }

    fn gathered(&self) -> MutexGuard<'_, BTreeMap<RunId, BTreeSet<&'static str>>> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells of a change of a run when it is dropped: made before the change is asked
/// for, it tells whatever becomes of the change and of whoever waits for it. To tell
/// of a change that was not made is harmless, not to tell of one that was is not.
#[must_use = "it tells when it is dropped"]
pub(crate) struct Telling {
    feed: Arc<LiveFeed>,
    store: Arc<dyn Store>,
    run: RunId,
    changed: Vec<&'static str>,
}

impl Drop for Telling {
    fn drop(&mut self) {
        if !self.changed.is_empty() {
            self.feed.gather(&self.store, &self.run, &self.changed);
        }
    }
}

impl Hub {
    /// Tells of a change of the run when what is returned is dropped.
    pub(crate) fn telling(&self, run: &RunId, changed: &[&'static str]) -> Telling {
        Telling {
            feed: Arc::clone(&self.live),
            store: Arc::clone(&self.store),
            run: run.clone(),
            changed: changed.to_vec(),
        }
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

#[cfg(test)]
mod tests {
    use mlhub_core::run::NewRun;
    use mlhub_core::{Caller, Error, ErrorKind};
    use mlhub_store::SqliteStore;

    use super::*;

    fn id(text: &str) -> RunId {
        text.parse().expect("an id")
    }

    #[test]
    fn a_failure_of_the_store_tells_listeners_to_fetch_anew() {
        let feed = LiveFeed::starting_at(Timestamp(1));
        let mut receiver = feed.sender.subscribe();
        let before = feed.last_id();
        let gathered = BTreeMap::from([(id("run-1"), BTreeSet::from(["logs"]))]);
        let failure = Error::new(ErrorKind::Unavailable, "the database is away");
        feed.told(&gathered, Err(failure));
        assert!(matches!(receiver.try_recv(), Ok(LiveEvent::Reset)));
        assert!(receiver.try_recv().is_err(), "nothing else is told");
        assert!(feed.last_id() > before, "who returns later resets too");
    }

    #[test]
    fn ids_are_sent_in_their_order_whoever_publishes() {
        let feed = Arc::new(LiveFeed::starting_at(Timestamp(1)));
        let mut receiver = feed.sender.subscribe();
        let publishers: Vec<_> = (0..4)
            .map(|number| {
                let feed = Arc::clone(&feed);
                std::thread::spawn(move || {
                    let (run, project) =
                        (id(&format!("run-{number}")), "p".parse().expect("a name"));
                    for _ in 0..500 {
                        feed.publish(&run, &project, RunState::Running, &["logs"]);
                    }
                })
            })
            .collect();
        for publisher in publishers {
            publisher.join().expect("publishes");
        }
        let mut last = 0;
        for _ in 0..2000 {
            let Ok(LiveEvent::Run(change)) = receiver.try_recv() else {
                panic!("an event is missing");
            };
            assert!(change.id > last);
            last = change.id;
        }
        assert_eq!(last, feed.last_id());
    }

    #[tokio::test]
    async fn what_is_told_without_a_listener_is_seen_by_the_id() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.path()).expect("opens"));
        let feed = Arc::new(LiveFeed::starting_at(Timestamp(1)));
        let before = feed.last_id();
        feed.gather(&store, &id("run-1"), &["logs"]);
        assert!(feed.last_id() > before);
        assert!(feed.gathered().is_empty(), "nobody is told of it later");
    }

    #[tokio::test]
    async fn what_batches_change_in_a_run_is_told_once_with_all_kinds() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.path()).expect("opens"));
        store.run_create(&[new_run("run-1")]).await.expect("made");
        let feed = Arc::new(LiveFeed::starting_at(Timestamp(1)));
        let mut receiver = feed.sender.subscribe();
        for changed in [&["metrics"][..], &["tags", "metrics"], &["logs"]] {
            feed.gather(&store, &id("run-1"), changed);
        }
        // One that is given up tells as well.
        drop(Telling {
            feed: Arc::clone(&feed),
            store: Arc::clone(&store),
            run: id("run-1"),
            changed: vec!["artifacts"],
        });
        let Ok(LiveEvent::Run(change)) = receiver.recv().await else {
            panic!("the change is not told");
        };
        assert_eq!(change.run, id("run-1"));
        assert_eq!(change.changed, ["artifacts", "logs", "metrics", "tags"]);
        assert!(receiver.try_recv().is_err(), "it is told once");
        assert!(feed.gathered().is_empty());
    }

    fn new_run(text: &str) -> NewRun {
        NewRun {
            id: id(text),
            project: "p".parse().expect("a name"),
            experiment: "e".parse().expect("a name"),
            name: "n".parse().expect("a name"),
            adapter: None,
            adapter_version: None,
            seed: None,
            group: None,
            dataset: None,
            owner: Caller::local("ann").user,
            notes: String::new(),
            params: BTreeMap::new(),
            tags: BTreeMap::new(),
            snapshot: serde_json::json!({}),
            host: None,
            created_at: Timestamp(1),
        }
    }
}
