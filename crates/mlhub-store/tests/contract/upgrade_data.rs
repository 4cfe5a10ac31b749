//! A database of the first schema with data in every table that later schemas
//! changed, written by hand: no code that reads it has a part in making it.

use std::collections::BTreeMap;

use mlhub_core::metric::{AttemptPoints, Point};
use mlhub_core::store::Store;
use mlhub_core::{RunId, Timestamp};
use mlhub_series::{Summary, visible};
use refinery::{Migration, Runner};

use super::make::{bits, id, latest, map, point};

/// The first schema.
const BASE: &str = include_str!("../../migrations/V1__base.sql");
/// Batches of the long series; each was a chunk of its own.
const BATCHES: i64 = 700;

/// A value of a column.
pub(super) enum Cell {
    Int(i64),
    Text(String),
    Blob(Vec<u8>),
    Null,
}

impl From<i64> for Cell {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Cell {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<Vec<u8>> for Cell {
    fn from(value: Vec<u8>) -> Self {
        Self::Blob(value)
    }
}

/// A row and the table it is for.
pub(super) struct Row {
    pub(super) table: &'static str,
    pub(super) columns: &'static str,
    pub(super) cells: Vec<Cell>,
}

macro_rules! row {
    ($table:literal, $columns:literal, $($cell:expr),+ $(,)?) => {
        Row { table: $table, columns: $columns, cells: vec![$(Cell::from($cell)),+] }
    };
}

/// The migration to the first schema, in the words of a database.
pub(super) fn first_migration(words: &[(&str, &str)]) -> Runner {
    let sql = words
        .iter()
        .fold(BASE.to_owned(), |sql, (word, name)| sql.replace(word, name));
    let base = Migration::unapplied("V1__base", &sql).expect("a migration");
    Runner::new(&[base])
}

/// One metric of the run: its name, and its points by attempt in batches.
struct Series {
    name: &'static str,
    label: i64,
    batches: Vec<(i64, Vec<Point>)>,
}

impl Series {
    fn parts(&self) -> Vec<AttemptPoints> {
        let mut parts: BTreeMap<i64, Vec<Point>> = BTreeMap::new();
        for (attempt, points) in &self.batches {
            parts.entry(*attempt).or_default().extend(points);
        }
        let parts = parts.into_iter();
        parts
            .map(|(attempt, points)| AttemptPoints {
                attempt: u32::try_from(attempt).expect("small"),
                points,
            })
            .collect()
    }
}

/// Attempt 2 resumed at step 900, attempt 3 at none.
fn attempts() -> [(u32, Option<i64>); 3] {
    [(1, None), (2, Some(900)), (3, None)]
}

fn all_series() -> Vec<Series> {
    let special = [
        f64::NAN,
        f64::from_bits(0x7ff8_dead_beef_0001),
        f64::INFINITY,
        f64::NEG_INFINITY,
        -0.0,
        f64::from_bits(1),
    ];
    let long = |attempt: i64, from: i64| {
        (0..BATCHES).map(move |batch| {
            let first = from + batch * 7;
            let points = (first..first + 7).map(|step| point(step, (step as f64 * 0.3).sin()));
            (attempt, points.collect())
        })
    };
    vec![
        Series {
            name: "loss",
            label: 1,
            batches: long(1, 0).chain(long(2, 901)).collect(),
        },
        Series {
            name: "\u{e9} odd/name",
            label: 2,
            batches: special
                .iter()
                .zip([5, 5, -3, i64::MAX, i64::MIN, 5])
                .map(|(value, step)| (3, vec![point(step, *value)]))
                .collect(),
        },
        // All of it was superseded.
        Series {
            name: "gone",
            label: 3,
            batches: vec![(1, vec![point(2000, 1.0)])],
        },
    ]
}

/// Every row of the database.
pub(super) fn rows() -> Vec<Row> {
    let mut rows = vec![
        row!("project", "name, description, created_at", "p", "old", 1),
        row!(
            "experiment",
            "project, name, seq, description, created_at",
            "p",
            "e",
            1,
            "",
            1
        ),
        row!(
            "run",
            "seq, id, project, experiment, name, state, owner, attempt, created_at, stop_requested, \
             changed_at, event_seq",
            1,
            "aaaa",
            "p",
            "e",
            "n",
            "running",
            "me",
            3,
            1000,
            0,
            1000,
            9000
        ),
        row!(
            "run_text",
            "run, notes, snapshot",
            1,
            "a note",
            "{\"version\":1}"
        ),
        row!("label", "hash, name", hash("loss"), "loss"),
        row!(
            "label",
            "hash, name",
            hash("\u{e9} odd/name"),
            "\u{e9} odd/name"
        ),
        row!("label", "hash, name", hash("gone"), "gone"),
        row!("label", "hash, name", hash("lr"), "lr"),
        row!("param", "run, label, value, sort_rank", 1, 4, "0.5", 0),
        row!("tag", "run, label, value", 1, 4, "tagged"),
        row!(
            "record",
            "run, seq, attempt, kind, written_at, body",
            1,
            1,
            1,
            "progress",
            5,
            "{\"done\":1}"
        ),
        row!(
            "artifact",
            "run, path_hash, path, hash, size_bytes, kind, attempt, created_at",
            1,
            hash("model.bin"),
            "model.bin",
            "00ff",
            12,
            "file",
            1,
            5
        ),
    ];
    for (number, resumed) in attempts() {
        let number = i64::from(number);
        let resumed = resumed.map_or(Cell::Null, Cell::Int);
        rows.push(Row {
            table: "attempt",
            columns: "run, number, state, created_at, resumed_from_step",
            cells: vec![
                1.into(),
                number.into(),
                "running".into(),
                1000.into(),
                resumed,
            ],
        });
        rows.push(row!(
            "writer_offset",
            "run, attempt, writer, end_offset",
            1,
            number,
            "rank-0",
            number * 70
        ));
    }
    rows.push(row!(
        "log_stream",
        "run, attempt, stream, size_bytes",
        1,
        1,
        "stdout",
        5
    ));
    rows.push(row!(
        "log_piece",
        "run, attempt, stream, start_offset, body",
        1,
        1,
        "stdout",
        0,
        b"hello".to_vec()
    ));
    for series in all_series() {
        for (seq, (attempt, points)) in (0i64..).zip(&series.batches) {
            let step_max = points.iter().map(|point| point.step).max().expect("some");
            rows.push(row!(
                "chunk",
                "run, label, attempt, seq, step_max, body",
                1,
                series.label,
                *attempt,
                seq,
                step_max,
                first_schema(points)
            ));
        }
        rows.extend(summary(&series));
    }
    rows
}

fn hash(name: &str) -> Vec<u8> {
    blake3::hash(name.as_bytes()).as_bytes().to_vec()
}

fn summary(series: &Series) -> Option<Row> {
    let summary = Summary::of(&visible(&attempts(), &series.parts()));
    let last = latest(&attempts(), &series.parts())?;
    let bits = |value: f64| value.to_bits().cast_signed();
    let optional = |value: Option<f64>| value.map_or(Cell::Null, |value| Cell::Int(bits(value)));
    let attempt = series.batches.last().map_or(1, |(attempt, _)| *attempt);
    Some(Row {
        table: "summary",
        columns: "run, label, points, non_finite, last_attempt, last_step, last_time, last_bits, \
                  min_bits, max_bits, sort_rank",
        cells: vec![
            1.into(),
            series.label.into(),
            summary.count.cast_signed().into(),
            summary.non_finite.cast_signed().into(),
            attempt.into(),
            last.step.into(),
            last.time.0.into(),
            bits(last.value).into(),
            optional(summary.min),
            optional(summary.max),
            0.into(),
        ],
    })
}

/// Everything that was stored reads back as it was, and more can be added.
pub(super) async fn check(store: &dyn Store) {
    let run: RunId = id("aaaa");
    for series in all_series() {
        let stored = store.points(&run, series.name).await.expect("points");
        let plain = |parts: &[AttemptPoints]| -> Vec<(u32, Vec<_>)> {
            let parts = parts.iter();
            parts
                .map(|part| (part.attempt, part.points.iter().map(bits).collect()))
                .collect()
        };
        assert_eq!(plain(&stored), plain(&series.parts()), "{}", series.name);
        let shown = Summary::of(&visible(&attempts(), &series.parts()));
        let names = [series.name.to_owned()];
        let found = store
            .summaries(std::slice::from_ref(&run), Some(&names))
            .await;
        let found = found.expect("summaries").pop();
        assert_eq!(found.as_ref().map_or(0, |found| found.count), shown.count);
        let last = found.map(|found| bits(&found.last));
        let latest = latest(&attempts(), &series.parts());
        assert_eq!(last, latest.as_ref().map(bits));
    }
    for (number, _) in attempts() {
        let offsets = store.offsets(&run, number).await.expect("offsets");
        assert_eq!(offsets["rank-0"], u64::from(number) * 70);
    }
    let runs = std::slice::from_ref(&run);
    assert_eq!(
        store.params(runs).await.expect("params")[&run],
        map(&[("lr", "0.5")])
    );
    assert_eq!(
        store.tags(runs).await.expect("tags")[&run],
        map(&[("lr", "tagged")])
    );
    let records = store.records(&run, None, 10).await.expect("records");
    assert_eq!(records[0].1.time, Timestamp(5));
    let text = store
        .log_read(&run, 1, "stdout", 0, 100)
        .await
        .expect("log");
    assert_eq!(text, b"hello");
    let checked = store.points_check(None).await.expect("check");
    assert_eq!(checked.damaged, []);
}

/// A chunk of version 1 of the codec, written by hand from its description.
pub(crate) fn first_schema(points: &[Point]) -> Vec<u8> {
    let mut out = vec![1];
    let varint = |out: &mut Vec<u8>, mut value: u64| {
        while value >= 0x80 {
            out.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        out.push(value as u8);
    };
    varint(&mut out, points.len() as u64);
    for of in [|point: &Point| point.step, |point: &Point| point.time.0] {
        let mut before = 0i64;
        for point in points {
            let delta = of(point).wrapping_sub(before);
            varint(&mut out, ((delta << 1) ^ (delta >> 63)).cast_unsigned());
            before = of(point);
        }
    }
    for point in points {
        out.extend_from_slice(&point.value.to_bits().to_le_bytes());
    }
    out
}
