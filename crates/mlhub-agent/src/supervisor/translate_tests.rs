//! Tests of the translation from lines to batches.

use proptest::prelude::*;

use super::log_metrics::LogMetrics;
use super::tail::LINE_MAX_BYTES;
use super::translate::{Kind, Translated, Writer};

fn writer(folder: &tempfile::TempDir, bytes: &[u8]) -> Writer {
    let path = folder.path().join("main.jsonl");
    std::fs::write(&path, bytes).expect("write");
    Writer::new("main.jsonl", path, Kind::EventFile, LogMetrics::default())
}

fn all(mut writer: Writer, max_lines: usize) -> Vec<Translated> {
    let mut found = Vec::new();
    while let Some((after, translated)) = writer.next(true, max_lines).expect("readable") {
        writer = after;
        found.push(translated);
    }
    found
}

#[test]
fn fields_of_a_line_go_to_their_places() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let lines = concat!(
        "{\"time_ms\":5,\"step\":2,\"metrics\":{\"loss\":NaN},\"params\":{\"lr\":0.1,\"a\":\"x\"},\"tags\":{\"t\":\"1\"}}\n",
        "{\"params\":{\"lr\":0.2},\"tags\":{\"t\":\"2\"},\"checkpoint\":{\"step\":2,\"path\":\"checkpoints/2\"}}\n",
        "{\"artifact\":{\"path\":\"artifacts/m\"},\"predictions\":{\"split\":\"test\",\"path\":\"predictions/test.csv\"}}\n",
        "{\"progress\":{\"done\":1}}\n{\"progress\":{\"done\":2}}\n",
        "{\"error\":{\"field\":\"params.lr\",\"message\":\"too big\"}}\n",
    );
    let found = all(writer(&folder, lines.as_bytes()), usize::MAX);
    let [one] = found.as_slice() else {
        panic!("one batch");
    };
    assert_eq!((one.batch.start, one.batch.end), (0, lines.len() as u64));
    assert_eq!(one.batch.points.len(), 1);
    assert!(one.batch.points[0].value.0.is_nan());
    assert_eq!(one.batch.params["lr"], "0.1");
    assert_eq!(one.batch.params["a"], "x");
    assert_eq!(one.batch.tags["t"], "2");
    let kinds: Vec<_> = one.batch.records.iter().map(|r| r.kind.as_str()).collect();
    assert_eq!(kinds, ["checkpoint", "error", "progress"]);
    assert_eq!(one.batch.records[2].body["done"], 2.0);
    assert_eq!(one.requests.files[0].path, "artifacts/m");
    assert_eq!(
        one.requests.predictions["test"].path,
        "predictions/test.csv"
    );
    let error = one.requests.error.as_ref().expect("an error");
    assert_eq!(error.field.as_deref(), Some("params.lr"));
}

#[test]
fn records_of_free_kinds_are_kept_and_others_are_not() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let lines = concat!(
        "{\"record\":{\"kind\":\"media\",\"body\":{\"path\":\"artifacts/a.png\"}},\"time_ms\":7}\n",
        "{\"record\":{\"kind\":\"checkpoint\",\"body\":{}}}\n",
        "{\"record\":{\"kind\":\"No Kind\",\"body\":{}}}\n",
    );
    let found = all(writer(&folder, lines.as_bytes()), usize::MAX);
    let records = &found[0].batch.records;
    assert_eq!(records.len(), 2);
    assert_eq!((records[0].kind.as_str(), records[0].time_ms), ("media", 7));
    assert_eq!(records[0].body["path"], "artifacts/a.png");
    assert_eq!(records[1].kind, "warning");
    let message = records[1].body["message"].as_str().expect("a message");
    assert!(message.contains("2 line(s)"), "{message}");
}

#[test]
fn unreadable_lines_give_one_warning_without_their_content() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let mut bytes = b"{\"metrics\":{\"a\":1}}\nsecret one\n\n".to_vec();
    bytes.extend(std::iter::repeat_n(b'x', 10 * LINE_MAX_BYTES));
    bytes.extend_from_slice(b"\n{\"metrics\":{\"a\":2}}\n");
    let found = all(writer(&folder, &bytes), usize::MAX);
    let points: usize = found.iter().map(|one| one.batch.points.len()).sum();
    assert_eq!(points, 2);
    let warnings: Vec<_> = found.iter().flat_map(|one| &one.batch.records).collect();
    assert_eq!(warnings.len(), 1);
    let text = warnings[0].body["message"].as_str().expect("text");
    assert!(
        text.contains("main.jsonl: 2 line(s)") && text.contains("byte 20"),
        "{text}"
    );
    assert!(!text.contains("secret"));
}

#[test]
fn too_long_names_and_bodies_are_left_out_and_counted() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let line = format!(
        "{{\"metrics\":{{\"{}\":1,\"ok\":2,\"\":3}},\"warning\":\"{}\"}}\n",
        "k".repeat(5000),
        "w".repeat(70_000)
    );
    let found = all(writer(&folder, line.as_bytes()), usize::MAX);
    assert_eq!(found[0].batch.points.len(), 1);
    let message = found[0].batch.records[0].body["message"].as_str();
    assert!(message.expect("text").contains("3 line(s)"));
}

#[test]
fn output_gives_metrics_and_events_but_no_complaints() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("stdout.log");
    std::fs::write(
        &path,
        "hello\n{\"metrics\":{\"a\":1}}\n{\"x\":1}\nloss=0.5\nloss=0.25\n",
    )
    .expect("write");
    let patterns = [mlhub_protocol::run_dir::LogMetric {
        stream: "stdout".to_owned(),
        pattern: "loss=(?P<loss>.*)".to_owned(),
    }];
    let metrics = LogMetrics::compile(&patterns, "stdout").expect("usable");
    let mut writer = Writer::new("stdout", path, Kind::Output { json: true }, metrics);
    let found = all(writer.clone(), usize::MAX);
    let names: Vec<_> = found[0]
        .batch
        .points
        .iter()
        .map(|point| (point.name.as_str(), point.step))
        .collect();
    assert_eq!(names, [("a", 0), ("loss", 0), ("loss", 1)]);
    assert!(found[0].batch.records.is_empty());
    // Counters are the same when reading starts in the middle.
    let _ = writer.seek(found[0].batch.end - 10).expect("readable");
    assert_eq!(all(writer, usize::MAX)[0].batch.points[0].step, 1);
}

#[test]
fn a_log_without_news_is_not_read_and_a_forked_process_is_known_by_its_name() {
    use mlhub_protocol::event_log;
    let folder = tempfile::tempdir().expect("temporary folder");
    let log = |name: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, event_log::header()).expect("write");
        let mut writer = Writer::new(name, path, Kind::EventLog, LogMetrics::default());
        writer.offset = event_log::header().len() as u64;
        writer
    };
    let fresh = log("main.mlog");
    assert!(fresh.is_read() && !fresh.is_orphaned());
    assert!(fresh.next(true, usize::MAX).expect("readable").is_none());
    let own = std::process::id();
    for (name, orphaned) in [
        ("main-fork2000000000.mlog".to_owned(), true),
        ("rank0-a-fork-1-fork2000000000-2.mlog".to_owned(), true),
        (format!("main-fork{own}.mlog"), false),
        (format!("main-fork{own}-2.mlog"), false),
        ("main-forked.mlog".to_owned(), false),
    ] {
        assert_eq!(log(&name).is_orphaned(), orphaned, "{name}");
    }
}

proptest! {
    #[test]
    fn any_cut_into_batches_says_the_same(
        choices in proptest::collection::vec(0usize..5, 1..40),
        max_lines in 1usize..7,
        resume in 0usize..40,
    ) {
        let lines = [
            "{\"time_ms\":1,\"metrics\":{\"a\":1}}\n",
            "{\"time_ms\":1,\"step\":9,\"metrics\":{\"b\":2,\"c\":NaN}}\n",
            "torn {\n",
            "\n",
            "{\"time_ms\":1,\"checkpoint\":{\"step\":1,\"path\":\"x\"},\"artifact\":{\"path\":\"y\"}}\n",
        ];
        let text: String = choices.iter().map(|choice| lines[*choice]).collect();
        let folder = tempfile::tempdir().expect("temporary folder");
        let base = writer(&folder, text.as_bytes());
        let points = |batches: &[Translated]| batches.iter().flat_map(|one| one.batch.points.clone()).collect::<Vec<_>>();
        let whole = all(base.clone(), usize::MAX);
        let pieces = all(base.clone(), max_lines);
        prop_assert_eq!(points(&whole), points(&pieces));
        for pair in pieces.windows(2) {
            prop_assert_eq!(pair[0].batch.end, pair[1].batch.start);
        }
        // Starting again at any boundary goes on with the same points, and the
        // requests before it are not lost.
        let keep = resume % pieces.len();
        let mut again = base;
        let before = again.seek(pieces[keep].batch.start).expect("readable");
        let rest = all(again, max_lines);
        prop_assert_eq!(points(&rest), points(&pieces[keep..]));
        let files: usize = whole.iter().map(|one| one.requests.files.len()).sum();
        let later: usize = rest.iter().map(|one| one.requests.files.len()).sum();
        prop_assert_eq!(before.files.len() + later, files);
    }
}
