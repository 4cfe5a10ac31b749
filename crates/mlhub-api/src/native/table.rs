//! Points as a table, piece by piece: JSON lines, CSV, Parquet, Arrow IPC.
//!
//! Columns: `run`, `metric`, `attempt`, `step`, `time_ms` (in Parquet and Arrow
//! `time`, a UTC timestamp of milliseconds), `value`. Rows come as they are
//! given; at most [`BATCH_ROWS`] of them are held. Knows no HTTP.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow_array::builder::StringDictionaryBuilder;
use arrow_array::types::{Int32Type, TimestampMillisecondType};
use arrow_array::{ArrayRef, Float64Array, Int64Array, PrimitiveArray, RecordBatch, UInt32Array};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, Field, Schema, TimeUnit};
use mlhub_core::metric::Point;
use mlhub_protocol::rest::TableFormat;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

/// Rows of a record batch, and of a Parquet row group.
const BATCH_ROWS: usize = 65_536;
/// Bytes a text row takes at most beside run and metric, for reserving room.
const TEXT_ROW_BYTES: usize = 96;

/// Writes rows in one format.
pub(crate) enum TableWriter {
    Json,
    Csv { headed: bool },
    Arrow(Columns, Option<Box<StreamWriter<Vec<u8>>>>),
    Parquet(Columns, Option<Box<ArrowWriter<Vec<u8>>>>),
}

impl TableWriter {
    pub(crate) fn new(format: TableFormat) -> Result<Self, ArrowError> {
        Ok(match format {
            TableFormat::Json => Self::Json,
            TableFormat::Csv => Self::Csv { headed: false },
            TableFormat::Arrow => {
                let writer = StreamWriter::try_new(Vec::new(), &schema())?;
                Self::Arrow(Columns::default(), Some(Box::new(writer)))
            }
            TableFormat::Parquet => {
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(ZstdLevel::default()))
                    .set_max_row_group_row_count(Some(BATCH_ROWS))
                    .build();
                let writer = ArrowWriter::try_new(Vec::new(), schema(), Some(properties))?;
                Self::Parquet(Columns::default(), Some(Box::new(writer)))
            }
        })
    }

    /// Takes rows of one series and attempt; returns what is ready to be sent.
    pub(crate) fn rows(
        &mut self,
        run: &str,
        metric: &str,
        attempt: u32,
        points: &[Point],
    ) -> Result<Vec<u8>, ArrowError> {
        match self {
            Self::Json => Ok(json_rows(run, metric, attempt, points)),
            Self::Csv { headed } => {
                let head = !std::mem::replace(headed, true);
                Ok(csv_rows(head, run, metric, attempt, points))
            }
            Self::Arrow(columns, Some(writer)) => {
                columns.put(run, metric, attempt, points, |batch| writer.write(&batch))?;
                Ok(std::mem::take(writer.get_mut()))
            }
            Self::Parquet(columns, Some(writer)) => {
                columns.put(run, metric, attempt, points, |batch| {
                    writer.write(&batch).map_err(ArrowError::from)
                })?;
                Ok(std::mem::take(writer.inner_mut()))
            }
            Self::Arrow(_, None) | Self::Parquet(_, None) => Ok(Vec::new()),
        }
    }

    /// The end of the table.
    pub(crate) fn finish(&mut self) -> Result<Vec<u8>, ArrowError> {
        match self {
            Self::Csv { headed: false } => Ok(csv_rows(true, "", "", 0, &[])),
            Self::Json | Self::Csv { .. } => Ok(Vec::new()),
            Self::Arrow(columns, writer) => {
                let Some(mut writer) = writer.take() else {
                    return Ok(Vec::new());
                };
                columns.flush(|batch| writer.write(&batch))?;
                writer.into_inner()
            }
            Self::Parquet(columns, writer) => {
                let Some(mut writer) = writer.take() else {
                    return Ok(Vec::new());
                };
                columns.flush(|batch| writer.write(&batch).map_err(ArrowError::from))?;
                Ok(writer.into_inner()?)
            }
        }
    }
}

fn schema() -> Arc<Schema> {
    let name = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let time = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    Arc::new(Schema::new(vec![
        Field::new("run", name.clone(), false),
        Field::new("metric", name, false),
        Field::new("attempt", DataType::UInt32, false),
        Field::new("step", DataType::Int64, false),
        Field::new("time", time, false),
        Field::new("value", DataType::Float64, false),
    ]))
}

/// Rows not yet in a record batch.
#[derive(Default)]
pub(crate) struct Columns {
    runs: StringDictionaryBuilder<Int32Type>,
    metrics: StringDictionaryBuilder<Int32Type>,
    attempts: Vec<u32>,
    steps: Vec<i64>,
    times: Vec<i64>,
    values: Vec<f64>,
}

impl Columns {
    fn put(
        &mut self,
        run: &str,
        metric: &str,
        attempt: u32,
        mut points: &[Point],
        mut write: impl FnMut(RecordBatch) -> Result<(), ArrowError>,
    ) -> Result<(), ArrowError> {
        while !points.is_empty() {
            let room = BATCH_ROWS - self.steps.len();
            let (now, later) = points.split_at(room.min(points.len()));
            self.runs.append_n(run, now.len())?;
            self.metrics.append_n(metric, now.len())?;
            self.attempts
                .resize(self.attempts.len() + now.len(), attempt);
            self.steps.extend(now.iter().map(|point| point.step));
            self.times.extend(now.iter().map(|point| point.time.0));
            self.values.extend(now.iter().map(|point| point.value));
            if self.steps.len() == BATCH_ROWS {
                self.flush(&mut write)?;
            }
            points = later;
        }
        Ok(())
    }

    fn flush(
        &mut self,
        mut write: impl FnMut(RecordBatch) -> Result<(), ArrowError>,
    ) -> Result<(), ArrowError> {
        if self.steps.is_empty() {
            return Ok(());
        }
        let times: PrimitiveArray<TimestampMillisecondType> =
            std::mem::take(&mut self.times).into();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.runs.finish()),
            Arc::new(self.metrics.finish()),
            Arc::new(UInt32Array::from(std::mem::take(&mut self.attempts))),
            Arc::new(Int64Array::from(std::mem::take(&mut self.steps))),
            Arc::new(times.with_timezone("UTC")),
            Arc::new(Float64Array::from(std::mem::take(&mut self.values))),
        ];
        write(RecordBatch::try_new(schema(), columns)?)
    }
}

fn json_rows(run: &str, metric: &str, attempt: u32, points: &[Point]) -> Vec<u8> {
    let head = format!(
        "{{\"run\":{},\"metric\":{},\"attempt\":{attempt},\"step\":",
        serde_json::Value::from(run),
        serde_json::Value::from(metric)
    );
    let mut out = String::with_capacity(points.len() * (head.len() + TEXT_ROW_BYTES));
    for point in points {
        out.push_str(&head);
        // Writing into a string cannot fail.
        let _ = write!(
            out,
            "{},\"time_ms\":{},\"value\":",
            point.step, point.time.0
        );
        match text_of(point.value) {
            Text::Number(number) => out.push_str(&number.to_string()),
            Text::Word(word) => {
                let _ = write!(out, "\"{word}\"");
            }
        }
        out.push_str("}\n");
    }
    out.into_bytes()
}

fn csv_rows(head: bool, run: &str, metric: &str, attempt: u32, points: &[Point]) -> Vec<u8> {
    let start = format!("{},{},{attempt},", csv_field(run), csv_field(metric));
    let mut out = String::with_capacity(64 + points.len() * (start.len() + TEXT_ROW_BYTES));
    if head {
        out.push_str("run,metric,attempt,step,time_ms,value\r\n");
    }
    for point in points {
        out.push_str(&start);
        // Writing into a string cannot fail.
        let _ = write!(out, "{},{},", point.step, point.time.0);
        match text_of(point.value) {
            Text::Number(number) => out.push_str(&number.to_string()),
            Text::Word(word) => out.push_str(word),
        }
        out.push_str("\r\n");
    }
    out.into_bytes()
}

/// A value in text, so that reading it gives its bits back (but for NaN payloads).
enum Text {
    Number(serde_json::Number),
    Word(&'static str),
}

fn text_of(value: f64) -> Text {
    match serde_json::Number::from_f64(value) {
        Some(number) => Text::Number(number),
        None if value.is_nan() => Text::Word("NaN"),
        None if value > 0.0 => Text::Word("Infinity"),
        None => Text::Word("-Infinity"),
    }
}

/// Quoted where RFC 4180 asks for it.
fn csv_field(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
