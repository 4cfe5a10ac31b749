//! The engine behind the traits: groups of batches, sealing, owners.
//!
//! Each case compares with a naive store that keeps every point in a list.

use std::collections::BTreeMap;

use futures::future::join_all;
use mlhub_core::metric::{Point, Reduction, SeriesKey, SeriesPoints, SeriesWindow};
use mlhub_core::store::{IngestBatch, IngestOutcome, RunStore, SeriesStore};
use mlhub_core::{ErrorKind, Timestamp, limits};
use mlhub_series::{Summary, visible};
use proptest::prelude::*;

use super::TestStore;
use super::make::{again, any_value, batch, bits, id, latest, point, run, samples};

/// Points of the widest answer asked for here.
const WHOLE: Reduction = Reduction::Page {
    skip: 0,
    limit: 1_000_000,
};

pub(crate) type Bits = Vec<(i64, i64, u64)>;

/// All points of a series by attempt, as bits.
pub(crate) async fn stored(store: &dyn SeriesStore, run: &str, name: &str) -> Vec<(u32, Bits)> {
    let parts = store.points(&id(run), name).await.expect("points");
    parts
        .iter()
        .map(|part| (part.attempt, part.points.iter().map(bits).collect()))
        .collect()
}

/// What readings of a series say: the whole, an envelope, a window of steps.
async fn readings(store: &TestStore, run: &str, name: &str) -> Vec<(u64, Bits)> {
    let key = SeriesKey {
        run: id(run),
        name: name.to_owned(),
        origin: Timestamp(0),
    };
    let part = SeriesWindow {
        from: Some(3),
        to: Some(2000),
        ..SeriesWindow::default()
    };
    let envelope = Reduction::Envelope { max_points: 40 };
    let lttb = Reduction::Lttb { max_points: 32 };
    let asked = [
        (SeriesWindow::default(), WHOLE),
        (SeriesWindow::default(), envelope),
        (part, envelope),
        (part, lttb),
    ];
    let mut answers = Vec::new();
    for (window, reduction) in asked {
        let keys = [key.clone(), key.clone()];
        let mut views = store
            .series_read(&keys, window, reduction)
            .await
            .expect("read");
        assert_eq!(views.len(), 2);
        let view = views.pop().expect("one");
        answers.push((view.total, view.points.iter().map(bits).collect()));
    }
    answers
}

pub(crate) async fn sealing_changes_no_answer(store: TestStore) {
    store.run_create(&[run("aaaa")]).await.expect("made");
    let mut step = 0;
    // Sizes around those of buckets and chunks; sealed after each, so that short
    // chunks are replaced again and again.
    let sizes = [1, 254, 1, 1, 4095, 4097, 3, 9000, 256, 5];
    for (offset, size) in (0u64..).zip(sizes) {
        let points: Vec<Point> = (0..size)
            .map(|index| point(step + index, ((step + index) as f64 * 0.7).sin()))
            .collect();
        step += size;
        let events = batch("aaaa", offset, offset + 1, "loss", &points);
        store.ingest(events.clone()).await.expect("ingest");
        let before = (
            stored(&*store, "aaaa", "loss").await,
            readings(&store, "aaaa", "loss").await,
        );
        let summary = store.summaries(&[id("aaaa")], None).await.expect("summary");
        assert_eq!(summary[0].count, step.cast_unsigned());
        store.series_seal().await.expect("seal");
        let after = (
            stored(&*store, "aaaa", "loss").await,
            readings(&store, "aaaa", "loss").await,
        );
        assert_eq!(before, after, "after {size} more points");
        assert_eq!(after.0[0].1.len() as i64, step);
        assert_eq!(
            store.summaries(&[id("aaaa")], None).await.expect("summary"),
            summary
        );
    }
}

pub(crate) async fn a_group_of_many_senders_fails_one_by_one(store: TestStore) {
    for index in 0..20 {
        store
            .run_create(&[run(&format!("run{index}"))])
            .await
            .expect("made");
    }
    let mut batches = Vec::new();
    for index in 0..20 {
        let mut good = batch(&format!("run{index}"), 0, 10, "loss", &[point(1, 1.0)]);
        good.tags = vec![("t".to_owned(), index.to_string())];
        batches.push(good);
        // No such run, no such attempt, a gap, and too many params.
        batches.push(batch(&format!("none{index}"), 0, 10, "x", &[point(1, 1.0)]));
        let mut late = batch(&format!("run{index}"), 0, 10, "x", &[point(1, 1.0)]);
        late.attempt = 7;
        batches.push(late);
        let mut gap = batch(&format!("run{index}"), 90, 99, "x", &[point(1, 1.0)]);
        gap.writer = "other".to_owned();
        batches.push(gap);
    }
    let many = 0..=limits::KEYS_PER_RUN_MAX;
    let mut greedy = batch("run0", 0, 10, "x", &[point(1, 1.0)]);
    greedy.writer = "greedy".to_owned();
    greedy.params = many.map(|key| (format!("p{key}"), String::new())).collect();
    batches.push(greedy);
    let outcomes = join_all(batches.iter().map(|batch| store.ingest(batch.clone()))).await;
    let last = outcomes.last().expect("greedy").as_ref();
    assert_eq!(last.expect_err("greedy").kind(), ErrorKind::TooLarge);
    for outcomes in outcomes.chunks_exact(4) {
        assert!(matches!(outcomes[0], Ok(IngestOutcome::Stored { .. })));
        for refused in &outcomes[1..3] {
            let error = refused.as_ref().expect_err("refused");
            assert_eq!(error.kind(), ErrorKind::NotFound);
        }
        let expected = IngestOutcome::Misaligned { expected: 0 };
        assert_eq!(*outcomes[3].as_ref().expect("an answer"), expected);
    }
    for index in 0..20 {
        let run = format!("run{index}");
        assert_eq!(stored(&*store, &run, "loss").await[0].1.len(), 1);
        assert_eq!(stored(&*store, &run, "x").await, []);
    }
    let params = store.params(&[id("run0")]).await.expect("params");
    assert!(params.get(&id("run0")).is_none_or(BTreeMap::is_empty));
}

#[derive(Debug, Clone)]
enum Act {
    /// Points for a series, by an earlier attempt when not 0, sent so often.
    Log(u8, u32, usize, Vec<(i64, f64)>),
    Resume(Option<i64>),
    Seal,
}

fn act() -> impl Strategy<Value = Act> {
    let sizes = prop::sample::select(vec![1usize, 1, 3, 300, 2000]);
    let values = prop::collection::vec((-2i64..12, any_value()), 1..6);
    prop_oneof![
        6 => (0u8..3, 0u32..3, sizes, values).prop_map(|(name, back, times, values)| Act::Log(name, back, times, values)),
        1 => prop::option::of(-2i64..12).prop_map(Act::Resume),
        2 => Just(Act::Seal),
    ]
}

/// What a naive store would hold of one run.
#[derive(Default)]
struct Naive {
    attempts: Vec<(u32, Option<i64>)>,
    offsets: BTreeMap<u32, u64>,
    series: BTreeMap<(String, u32), Vec<Point>>,
}

impl Naive {
    fn parts(&self, name: &str) -> Vec<mlhub_core::metric::AttemptPoints> {
        let mine = self.series.iter().filter(|((of, _), _)| of == name);
        mine.map(|((_, attempt), points)| mlhub_core::metric::AttemptPoints {
            attempt: *attempt,
            points: points.clone(),
        })
        .collect()
    }

    async fn check(&self, store: &dyn SeriesStore, run: &str) {
        for name in ["m0", "m1", "m2"] {
            let parts = self.parts(name);
            let expected: Vec<(u32, Bits)> = parts
                .iter()
                .map(|part| (part.attempt, part.points.iter().map(bits).collect()))
                .collect();
            assert_eq!(stored(store, run, name).await, expected);
            let shown = visible(&self.attempts, &parts);
            let oracle = Summary::of(&shown);
            let names = [name.to_owned()];
            let found = store
                .summaries(&[id(run)], Some(&names))
                .await
                .expect("summaries")
                .pop();
            assert_eq!(found.as_ref().map_or(0, |found| found.count), oracle.count);
            if let Some(found) = found {
                assert_eq!(found.non_finite, oracle.non_finite);
                let latest = latest(&self.attempts, &parts);
                assert_eq!(Some(bits(&found.last)), latest.as_ref().map(bits));
                assert_eq!(found.min.map(f64::to_bits), oracle.min.map(f64::to_bits));
                assert_eq!(found.max.map(f64::to_bits), oracle.max.map(f64::to_bits));
            }
            let key = SeriesKey {
                run: id(run),
                name: name.to_owned(),
                origin: Timestamp(0),
            };
            let views = store
                .series_read(&[key], SeriesWindow::default(), WHOLE)
                .await
                .expect("read");
            let read: Bits = views[0].points.iter().map(bits).collect();
            assert_eq!(read, shown.iter().map(bits).collect::<Bits>());
        }
    }
}

async fn play<S: RunStore + SeriesStore + ?Sized>(
    store: &S,
    run: &str,
    naive: &mut Naive,
    act: Act,
) {
    match act {
        Act::Seal => store.series_seal().await.expect("seal"),
        Act::Resume(step) => {
            let number = again(store, run, step).await.number;
            naive.attempts.push((number, step));
        }
        Act::Log(name, back, times, values) => {
            let newest = naive.attempts.len() as u32;
            let attempt = newest.saturating_sub(back).max(1);
            let name = format!("m{name}");
            let points: Vec<Point> = (0..times)
                .flat_map(|_| values.iter().map(|(step, value)| point(*step, *value)))
                .collect();
            let start = naive.offsets.entry(attempt).or_default();
            let events = IngestBatch {
                attempt,
                ..batch(run, *start, *start + 7, &name, &points)
            };
            *start += 7;
            let outcome = store.ingest(events.clone()).await.expect("ingest");
            assert!(matches!(outcome, IngestOutcome::Stored { .. }));
            let again = store.ingest(events.clone()).await.expect("again");
            assert_eq!(again, IngestOutcome::Duplicate);
            let series = naive.series.entry((name, attempt)).or_default();
            series.extend(points);
        }
    }
}

/// Random histories of batches, resumes and sealing.
pub(crate) async fn histories_agree_with_a_naive_store(store: TestStore) {
    let histories = samples(prop::collection::vec(act(), 1..12), 10);
    for (index, history) in histories.into_iter().enumerate() {
        let text = format!("hist{index}");
        store.run_create(&[run(&text)]).await.expect("made");
        let mut naive = Naive {
            attempts: vec![(1, None)],
            ..Naive::default()
        };
        for act in history {
            play(&*store, &text, &mut naive, act).await;
            naive.check(&*store, &text).await;
        }
    }
}

/// The same, with the store dropped and opened again at random moments.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn histories_survive_restarts() {
    let histories = samples(
        prop::collection::vec((act(), prop::bool::weighted(0.3)), 1..10),
        8,
    );
    let folder = tempfile::tempdir().expect("temp folder");
    let open = || mlhub_store::SqliteStore::open(folder.path()).expect("open");
    let mut store = open();
    for (index, history) in histories.into_iter().enumerate() {
        let text = format!("hist{index}");
        store.run_create(&[run(&text)]).await.expect("made");
        let mut naive = Naive {
            attempts: vec![(1, None)],
            ..Naive::default()
        };
        for (act, restart) in history {
            play(&store, &text, &mut naive, act).await;
            if restart {
                drop(store);
                store = open();
            }
            naive.check(&store, &text).await;
        }
    }
}

/// Writers of one attempt may log one series: their points stand as they arrived,
/// which is decided once. Each writer's own points keep their order.
pub(crate) async fn writers_of_one_series_stand_as_they_arrived(store: TestStore) {
    const WRITERS: i64 = 8;
    const BATCHES: i64 = 30;
    store.run_create(&[run("aaaa")]).await.expect("made");
    let send = async |writer: i64| {
        for number in 0..BATCHES {
            let step = writer * 1000 + number;
            let (start, points) = (number.cast_unsigned(), [point(step, step as f64)]);
            let mut events = batch("aaaa", start, start + 1, "loss", &points);
            events.writer = format!("rank-{writer}");
            let outcome = store.ingest(events.clone()).await.expect("ingest");
            assert!(matches!(outcome, IngestOutcome::Stored { .. }));
        }
    };
    join_all((0..WRITERS).map(&send)).await;
    let arrived = stored(&*store, "aaaa", "loss").await;
    let [(1, points)] = arrived.as_slice() else {
        panic!("one attempt: {arrived:?}")
    };
    assert_eq!(points.len() as i64, WRITERS * BATCHES);
    for writer in 0..WRITERS {
        let steps = points.iter().map(|(step, _, _)| *step);
        let own: Vec<i64> = steps.filter(|step| step / 1000 == writer).collect();
        let expected = writer * 1000..writer * 1000 + BATCHES;
        assert_eq!(own, expected.collect::<Vec<_>>());
    }
    let read = readings(&store, "aaaa", "loss").await;
    let last = points.iter().max_by_key(|(step, time, _)| (*step, *time));
    for _ in 0..2 {
        assert_eq!(stored(&*store, "aaaa", "loss").await, arrived);
        assert_eq!(readings(&store, "aaaa", "loss").await, read);
        let summary = store.summaries(&[id("aaaa")], None).await.expect("summary");
        assert_eq!(Some(bits(&summary[0].last)), last.copied());
        store.series_seal().await.expect("seal");
    }
}

/// Names that look alike are two names; long ones are kept to the stated limit.
pub(crate) async fn names_keep_their_bytes(store: TestStore) {
    store.run_create(&[run("aaaa")]).await.expect("made");
    let long = "k".repeat(limits::KEY_MAX_BYTES);
    let names = [
        "\u{e9}",
        "e\u{301}",
        "\u{202e}abc",
        "a b/c.d",
        long.as_str(),
    ];
    let mut events = batch("aaaa", 0, 1, "x", &[]);
    events.series = names
        .iter()
        .zip(0i64..)
        .map(|(name, index)| SeriesPoints {
            name: (*name).to_owned(),
            points: vec![point(index, index as f64)],
        })
        .collect();
    store.ingest(events.clone()).await.expect("ingest");
    for sealed in [false, true] {
        for (index, name) in names.iter().enumerate() {
            let expected = bits(&point(index as i64, index as f64));
            assert_eq!(
                stored(&*store, "aaaa", name).await,
                [(1, vec![expected])],
                "sealed: {sealed}"
            );
        }
        store.series_seal().await.expect("seal");
    }
    let huge = batch("aaaa", 1, 2, &"k".repeat(1024 * 1024), &[point(0, 0.0)]);
    let error = store
        .ingest(huge.clone())
        .await
        .expect_err("a name of 1 MB");
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.public_message().contains("4096"), "{error}");
}
