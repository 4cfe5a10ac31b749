//! What whoever watches is told, also when a request comes a second time because
//! its first answer was lost.

use std::time::Duration;

use mlhub_app::{LiveEvent, LiveSubscription};
use mlhub_core::deletion::DeletionAction;
use mlhub_core::metric::{Point, SeriesPoints};
use mlhub_core::store::IngestOutcome;
use mlhub_core::{RunState, Timestamp};
use mlhub_protocol::rest::Snapshot;

use crate::deletion::request;
use crate::hub::{TestHub, batch};

/// Far longer than any change takes to be told.
const PATIENCE: Duration = Duration::from_secs(60);

async fn told(listener: &mut LiveSubscription) -> Vec<&'static str> {
    let next = tokio::time::timeout(PATIENCE, listener.next()).await;
    match next.expect("nothing is told") {
        Some(LiveEvent::Run(change)) => change.changed,
        other => panic!("not a change of a run: {other:?}"),
    }
}

#[tokio::test]
async fn what_comes_a_second_time_is_told_again() {
    let hub = TestHub::new();
    let run = hub.running("live-again", Snapshot::default()).await;
    let point = Point {
        step: 1,
        time: Timestamp(1),
        value: 0.5,
    };
    let series = SeriesPoints {
        name: "loss".to_owned(),
        points: vec![point],
    };
    let events = batch(&run, 1, vec![series]);
    let first = hub.hub.attempt_events(&hub.caller, events.clone()).await;
    assert!(matches!(first.unwrap(), IngestOutcome::Stored { .. }));
    // Nobody listened until now.
    let mut listener = hub.hub.live().subscribe();
    let again = hub.hub.attempt_events(&hub.caller, events).await;
    assert_eq!(again.unwrap(), IngestOutcome::Duplicate);
    assert_eq!(told(&mut listener).await, ["metrics"]);
    hub.start(&run, 1).await.unwrap();
    assert_eq!(told(&mut listener).await, ["state"]);
    for _delivery in 0..2 {
        hub.end(&run, 1, RunState::Failed).await.unwrap();
        assert_eq!(told(&mut listener).await, ["metrics", "state"]);
    }
}

#[tokio::test]
async fn a_deletion_tells_what_it_removes() {
    let hub = TestHub::new();
    let run = hub.running("live-gone", Snapshot::default()).await;
    hub.end(&run, 1, RunState::Failed).await.unwrap();
    let mut listener = hub.hub.live().subscribe();
    let told_of: [(DeletionAction, &[&str]); 4] = [
        (DeletionAction::DropLogs, &["logs"]),
        (DeletionAction::DropArtifacts, &["artifacts"]),
        (DeletionAction::Delete, &["deleted", "state"]),
        (DeletionAction::Restore, &["deleted", "state"]),
    ];
    for (action, changed) in told_of {
        let request = request(action, &["live-gone"]);
        hub.hub.deletion_run(&hub.caller, &request).await.unwrap();
        assert_eq!(told(&mut listener).await, changed, "{action:?}");
    }
}
