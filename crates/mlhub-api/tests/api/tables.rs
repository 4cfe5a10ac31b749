//! Exported tables, read back: each format as the same rows.

use std::io::Cursor;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type, TimestampMillisecondType, UInt32Type};
use arrow_array::{RecordBatch, StringArray};
use bytes::Bytes;
use mlhub_protocol::Number;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

/// run, metric, attempt, step, time, bits of the value.
pub(crate) type Row = (String, String, u32, i64, i64, u64);

pub(crate) fn rows_of_batches(batches: impl IntoIterator<Item = RecordBatch>) -> Vec<Row> {
    let mut rows = Vec::new();
    for batch in batches {
        let text = |column: usize, row: usize| {
            let names = batch.column(column).as_dictionary::<Int32Type>();
            let values = names.downcast_dict::<StringArray>().unwrap();
            values.into_iter().nth(row).flatten().unwrap().to_owned()
        };
        let (first, last) = (0, batch.num_rows() - 1);
        let one = text(0, first) == text(0, last) && text(1, first) == text(1, last);
        let names = one.then(|| (text(0, first), text(1, first)));
        for row in 0..batch.num_rows() {
            let (run, metric) = names
                .clone()
                .unwrap_or_else(|| (text(0, row), text(1, row)));
            rows.push((
                run,
                metric,
                batch.column(2).as_primitive::<UInt32Type>().value(row),
                batch.column(3).as_primitive::<Int64Type>().value(row),
                batch
                    .column(4)
                    .as_primitive::<TimestampMillisecondType>()
                    .value(row),
                batch
                    .column(5)
                    .as_primitive::<Float64Type>()
                    .value(row)
                    .to_bits(),
            ));
        }
    }
    rows
}

pub(crate) fn arrow_rows(body: &Bytes) -> Vec<Row> {
    let reader = arrow_ipc::reader::StreamReader::try_new(Cursor::new(body.clone()), None).unwrap();
    rows_of_batches(reader.map(Result::unwrap))
}

pub(crate) fn parquet_rows(body: &Bytes) -> Vec<Row> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(body.clone()).unwrap();
    rows_of_batches(reader.build().unwrap().map(Result::unwrap))
}

pub(crate) fn json_rows(body: &Bytes) -> Vec<Row> {
    let lines = body
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let row: Value = serde_json::from_slice(line).unwrap();
            let value: Number = serde_json::from_value(row["value"].clone()).unwrap();
            (
                row["run"].as_str().unwrap().to_owned(),
                row["metric"].as_str().unwrap().to_owned(),
                row["attempt"].as_u64().unwrap() as u32,
                row["step"].as_i64().unwrap(),
                row["time_ms"].as_i64().unwrap(),
                value.0.to_bits(),
            )
        })
        .collect()
}

/// Fields of these tests hold no line ends and at most one quoted field.
pub(crate) fn csv_rows(body: &Bytes) -> Vec<Row> {
    let text = std::str::from_utf8(body).unwrap();
    let mut lines = text.split("\r\n").filter(|line| !line.is_empty());
    assert_eq!(lines.next(), Some("run,metric,attempt,step,time_ms,value"));
    lines
        .map(|line| {
            let (run, rest) = line.split_once(',').unwrap();
            let (metric, rest) = match rest.strip_prefix('"') {
                Some(quoted) => {
                    let (metric, rest) = quoted.rsplit_once("\",").unwrap();
                    (metric.replace("\"\"", "\""), rest)
                }
                None => {
                    let (metric, rest) = rest.split_once(',').unwrap();
                    (metric.to_owned(), rest)
                }
            };
            let fields: Vec<&str> = rest.split(',').collect();
            let value: f64 = fields[3].parse().unwrap();
            (
                run.to_owned(),
                metric,
                fields[0].parse().unwrap(),
                fields[1].parse().unwrap(),
                fields[2].parse().unwrap(),
                value.to_bits(),
            )
        })
        .collect()
}
