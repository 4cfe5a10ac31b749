//! The wall clock jumps, years ahead and years back, between requests and between
//! starts: order is the order of arrival, and nothing lives for ever or dies at once.

use std::collections::BTreeSet;

use bytes::Bytes;
use mlhub_app::{RunSearchRequest, UploadBegun};
use mlhub_core::metric::{Point, SeriesPoints};
use mlhub_core::store::{IngestOutcome, SeriesStore as _};
use mlhub_core::{ErrorKind, RunId, RunState, Timestamp, limits};
use mlhub_protocol::rest::Snapshot;

use crate::hub::{TestHub, batch, creation};

const YEAR_MS: i64 = 365 * 24 * 60 * 60 * 1000;
/// Where the clock jumps to: ahead, back before the first time, to the beginning of
/// time, and ahead again.
const JUMPS: [i64; 5] = [
    1_700_000_000_000 + 30 * YEAR_MS,
    1_700_000_000_000 - 30 * YEAR_MS,
    0,
    1_700_000_000_000 + 200 * YEAR_MS,
    1_700_000_000_000,
];

/// Sends one point, timed by the client at `time`, as part `number` of a stream.
async fn send(hub: &TestHub, run: &RunId, number: u64, time: i64) {
    let point = Point {
        step: number.cast_signed(),
        time: Timestamp(time),
        value: number as f64,
    };
    let series = SeriesPoints {
        name: "loss".to_owned(),
        points: vec![point],
    };
    let mut events = batch(run, 1, vec![series]);
    (events.start, events.end) = (number, number + 1);
    let outcome = hub.hub.attempt_events(&hub.caller, events.clone()).await;
    assert!(matches!(outcome.unwrap(), IngestOutcome::Stored { .. }));
    let again = hub.hub.attempt_events(&hub.caller, events).await;
    assert_eq!(again.unwrap(), IngestOutcome::Duplicate);
}

/// Ids of the runs as a list shows them, two a page; the clock moves between pages.
async fn listed(hub: &TestHub) -> Vec<String> {
    let mut ids = Vec::new();
    let mut cursor = None;
    for jump in JUMPS.iter().cycle() {
        let request = RunSearchRequest {
            limit: Some(2),
            cursor,
            ..RunSearchRequest::default()
        };
        let page = hub.hub.run_search(&hub.caller, request).await.unwrap();
        ids.extend(page.runs.iter().map(|one| one.row.run.id.to_string()));
        hub.jump(*jump);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    ids
}

#[tokio::test]
async fn order_is_that_of_arrival_whatever_the_clock_says() {
    let mut hub = TestHub::new();
    let run = hub.running("first", Snapshot::default()).await;
    let mut made = vec!["first".to_owned()];
    let mut number = 0;
    for (round, jump) in JUMPS.into_iter().enumerate() {
        // Once between requests, once between starts.
        for restart in [false, true] {
            if restart {
                hub = hub.at(jump);
            } else {
                hub.jump(jump);
            }
            send(&hub, &run, number, jump).await;
            number += 1;
            if round % 2 == 0 {
                hub.store.series_seal().await.unwrap();
            }
            let id = format!("run-{round}-{restart}");
            hub.run(&id).await;
            made.push(id);
        }
    }
    let points = hub.store.points(&run, "loss").await.unwrap();
    let steps: Vec<i64> = points[0].points.iter().map(|point| point.step).collect();
    assert_eq!(steps, (0..number.cast_signed()).collect::<Vec<_>>());
    let mut newest_first = listed(&hub).await;
    newest_first.reverse();
    assert_eq!(newest_first, made);
    let mut drawn = BTreeSet::new();
    for jump in JUMPS {
        hub.jump(jump);
        let mut creation = creation(&["xxxx"], Snapshot::default());
        creation.runs[0].id = None;
        let rows = hub.hub.run_create(&hub.caller, creation).await.unwrap();
        drawn.insert(rows[0].run.id.to_string());
    }
    assert_eq!(drawn.len(), JUMPS.len(), "ids do not come from the clock");
    // A run that began in the future still ends, and says so.
    hub.end(&run, 1, RunState::Finished).await.unwrap();
    assert_eq!(hub.state(&run).await, RunState::Finished);
}

#[tokio::test]
async fn an_upload_expires_neither_early_nor_never() {
    let hub = TestHub::new();
    let hash = blake3::hash(b"content").to_hex().to_string();
    let begun = hub
        .hub
        .upload_begin(&hub.caller, 7, Some(hash))
        .await
        .unwrap();
    let UploadBegun::Wanted(state) = begun else {
        panic!("nobody sent it")
    };
    let id = state.record.id;
    let put = async |offset: u64, bytes: &'static [u8]| {
        let mut part = hub.hub.upload_part(&hub.caller, &id, offset).await?;
        part.write(Bytes::from_static(bytes)).await?;
        part.keep(None).await
    };
    put(0, b"cont").await.unwrap();
    // Behind the time of the last part, by little and by years.
    for jump in [0, 1_000_000_000_000] {
        hub.jump(jump);
        assert_eq!(hub.hub.uploads_expire().await.unwrap(), (0, 0));
        hub.hub.upload_get(&hub.caller, &id).await.unwrap();
    }
    assert_eq!(put(4, b"ent").await.unwrap(), 7, "it goes on");
    // Years ahead it is given up whole, and the sender is told to begin again.
    hub.jump(1_700_000_000_000 + 200 * YEAR_MS + limits::UPLOAD_IDLE_MAX_MS);
    assert_eq!(hub.hub.uploads_expire().await.unwrap(), (1, 7));
    let error = hub.hub.upload_get(&hub.caller, &id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.public_message().contains("begin it again"), "{error}");
}
