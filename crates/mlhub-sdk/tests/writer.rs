//! The writer against a plain list, with threads, and against a reader that
//! comes at any moment.

use std::path::Path;
use std::sync::Arc;

use mlhub_protocol::event_log::{Frame, Record, read_frame, read_header};
use mlhub_sdk::EventWriter;
use proptest::prelude::*;

/// One thing that was logged, as a reader sees it.
#[derive(Debug, Clone, PartialEq)]
enum Seen {
    Metrics(i64, i64, Vec<(String, u64)>),
    Event(String),
}

/// Everything in a file up to its end, and whether a torn frame was the end.
fn read(path: &Path) -> (Vec<Seen>, bool) {
    let bytes = std::fs::read(path).expect("readable");
    let mut at = read_header(&bytes).expect("a log").expect("whole");
    let (mut found, mut names) = (Vec::new(), std::collections::HashMap::new());
    loop {
        match read_frame(&bytes[at..]) {
            Frame::Record(record, size) => {
                at += size;
                match record {
                    Record::Key { id, name } => {
                        assert!(names.insert(id, name.to_owned()).is_none());
                    }
                    Record::Metrics {
                        step,
                        time_ms,
                        values,
                    } => {
                        let values = values
                            .iter()
                            .map(|(id, value)| (names[&id].clone(), value.to_bits()));
                        found.push(Seen::Metrics(step, time_ms, values.collect()));
                    }
                    Record::Event(json) => {
                        found.push(Seen::Event(String::from_utf8(json.to_vec()).expect("text")));
                    }
                    Record::Other { .. } => panic!("nothing else was written"),
                }
            }
            Frame::End => return (found, false),
            Frame::Cut(_) | Frame::Torn => return (found, true),
        }
    }
}

fn log(writer: &EventWriter, step: Option<i64>, time_ms: i64, values: &[(&str, f64)]) -> i64 {
    let mut session = writer.session();
    let values: Vec<_> = values
        .iter()
        .filter_map(|(name, value)| Some((session.key(name)?, *value)))
        .collect();
    session.metrics(step, Some(time_ms), &values)
}

#[derive(Debug, Clone)]
enum Call {
    Metrics(Option<i64>, i64, Vec<(usize, u64)>),
    Event(usize),
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        4 => (
            prop::option::of(-5i64..50),
            any::<i64>(),
            prop::collection::vec((0usize..30, any::<u64>()), 1..12)
        )
            .prop_map(|(step, time, values)| Call::Metrics(step, time, values)),
        // Some are larger than an extent, so that windows are crossed in all ways.
        1 => prop_oneof![1usize..100, 60_000usize..200_000].prop_map(Call::Event),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_was_logged_is_read_closed_or_not(calls in prop::collection::vec(call(), 0..120)) {
        let folder = tempfile::tempdir().expect("temporary folder");
        let writer = EventWriter::create(&folder.path().join("main.mlog")).expect("made");
        let (mut expected, mut next) = (Vec::new(), 0);
        for call in &calls {
            match call {
                Call::Metrics(step, time_ms, values) => {
                    let named: Vec<(String, u64)> =
                        values.iter().map(|(name, bits)| (format!("metric/{name}"), *bits)).collect();
                    let floats: Vec<(&str, f64)> =
                        named.iter().map(|(name, bits)| (name.as_str(), f64::from_bits(*bits))).collect();
                    let used = log(&writer, *step, *time_ms, &floats);
                    prop_assert_eq!(used, step.unwrap_or(next));
                    next = next.max(used + 1);
                    expected.push(Seen::Metrics(used, *time_ms, named));
                }
                Call::Event(size) => {
                    let text = "e".repeat(*size);
                    prop_assert!(writer.session().event(text.as_bytes()));
                    expected.push(Seen::Event(text));
                }
            }
        }
        let path = writer.path();
        prop_assert_eq!(read(&path), (expected.clone(), false));
        writer.close().expect("closed");
        prop_assert_eq!(read(&path), (expected, false));
        prop_assert_eq!(writer.dropped(), 0);
        // Closed is cut to size: nothing follows the last frame.
        let bytes = std::fs::read(&path).expect("readable");
        let mut at = read_header(&bytes).expect("a log").expect("whole");
        while let Frame::Record(_, size) = read_frame(&bytes[at..]) {
            at += size;
        }
        prop_assert_eq!(at, bytes.len());
        prop_assert!(!log_is_open(&writer));
    }
}

fn log_is_open(writer: &EventWriter) -> bool {
    let before = writer.dropped();
    log(writer, None, 0, &[("late", 1.0)]);
    writer.dropped() == before
}

#[test]
fn threads_share_a_file_and_lose_nothing() {
    const THREADS: i64 = 8;
    const RECORDS: i64 = 2000;
    let folder = tempfile::tempdir().expect("temporary folder");
    let writer = Arc::new(EventWriter::create(&folder.path().join("main.mlog")).expect("made"));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let writer = Arc::clone(&writer);
            scope.spawn(move || {
                for step in 0..RECORDS {
                    log(
                        &writer,
                        Some(step),
                        thread,
                        &[("shared", 1.0), (&format!("own{thread}"), 2.0)],
                    );
                }
            });
        }
    });
    let (found, torn) = read(&writer.path());
    assert!(!torn);
    assert_eq!(
        i64::try_from(found.len()).expect("small"),
        THREADS * RECORDS
    );
    for thread in 0..THREADS {
        let steps: Vec<i64> = found
            .iter()
            .filter_map(|seen| match seen {
                Seen::Metrics(step, time, _) if *time == thread => Some(*step),
                _ => None,
            })
            .collect();
        assert_eq!(
            steps,
            (0..RECORDS).collect::<Vec<_>>(),
            "each thread's own order"
        );
    }
}

#[test]
fn a_reader_that_comes_at_any_moment_sees_a_prefix() {
    const RECORDS: usize = 30_000;
    let folder = tempfile::tempdir().expect("temporary folder");
    let writer = EventWriter::create(&folder.path().join("main.mlog")).expect("made");
    let path = writer.path();
    let mut looks = 0;
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            for _ in 0..RECORDS {
                log(&writer, None, 7, &[("a", 1.0), ("b", f64::NAN)]);
            }
        });
        loop {
            let over = writing.is_finished();
            let (found, torn) = read(&path);
            assert!(!torn, "a frame is seen whole or not at all");
            for (at, seen) in found.iter().enumerate() {
                let Seen::Metrics(step, 7, values) = seen else {
                    panic!("only metrics were written");
                };
                assert_eq!(
                    (*step, values.len()),
                    (i64::try_from(at).expect("small"), 2)
                );
            }
            looks += 1;
            if over {
                assert_eq!(found.len(), RECORDS);
                break;
            }
        }
    });
    assert!(looks > 1);
}

#[test]
fn a_name_that_is_taken_gets_a_number_and_bad_names_are_told_once() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("main.mlog");
    let first = EventWriter::create(&path).expect("made");
    let second = EventWriter::create(&path).expect("made");
    assert_eq!(first.path(), path);
    assert_eq!(second.path(), folder.path().join("main-2.mlog"));
    let long = "k".repeat(5000);
    log(
        &second,
        None,
        1,
        &[("", 1.0), ("nul\0", 1.0), (&long, 1.0), ("good", 1.0)],
    );
    let warning = second.session().take_warning().expect("told");
    assert!(warning.contains("4096 bytes"), "{warning}");
    log(&second, None, 1, &[("", 1.0)]);
    assert_eq!(second.session().take_warning(), None);
    assert_eq!(read(&second.path()).0.len(), 1);
    assert!(EventWriter::create(&folder.path().join("none/main.mlog")).is_err());
}

#[test]
fn what_is_too_large_or_too_late_is_counted_and_told() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let writer = EventWriter::create(&folder.path().join("main.mlog")).expect("made");
    assert!(!writer.session().event(&vec![b'x'; 1024 * 1024]));
    assert!(
        writer
            .session()
            .take_warning()
            .expect("told")
            .contains("1048576")
    );
    // More values than a record holds become several records of the step.
    let many: Vec<(u32, f64)> = {
        let mut session = writer.session();
        let id = session.key("m").expect("a key");
        (0..100_000).map(|_| (id, 1.0)).collect()
    };
    assert_eq!(writer.session().metrics(Some(3), Some(0), &many), 3);
    let (found, _) = read(&writer.path());
    let values: usize = found
        .iter()
        .map(|seen| match seen {
            Seen::Metrics(3, 0, values) => values.len(),
            _ => 0,
        })
        .sum();
    assert_eq!(values, 100_000);
    writer.close().expect("closed");
    writer.close().expect("closing twice is closing once");
    log(&writer, None, 0, &[("m", 1.0)]);
    assert!(
        writer
            .session()
            .take_warning()
            .expect("told")
            .contains("has ended")
    );
    assert_eq!(writer.dropped(), 2);
}
