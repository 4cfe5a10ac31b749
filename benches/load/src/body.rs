//! Requests with batches of points in the form each server takes.
//!
//! Every batch is new: steps go on and values differ, so that nothing is a
//! duplicate and nothing compresses unfairly well.

use std::net::SocketAddr;

use clap::ValueEnum;
use mlhub_core::Timestamp;
use mlhub_core::metric::{Point, SeriesPoints};
use mlhub_protocol::batch::{self, BatchHead, ColumnBatch};
use mlhub_protocol::rest::{EventBatch, PointView};

/// The wire form of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shape {
    /// Our events endpoint, JSON.
    HubJson,
    /// Our events endpoint, the columnar binary form.
    HubBinary,
    /// MLflow's log-batch, JSON.
    Mlflow,
    /// MLflow's log-metric, JSON: the first point of a batch.
    MlflowMetric,
}

/// Bytes of a writer's stream that a batch says it covers.
const STREAM_BYTES: u64 = 1;
/// Series of a run that a batch spreads its points over.
const SERIES: usize = 10;
/// Where made-up wall clocks begin, milliseconds since the epoch.
const TIME_FIRST_MS: i64 = 1_790_000_000_000;

/// The batches of one connection.
pub(crate) struct Batches {
    shape: Shape,
    run: String,
    writer: String,
    points: usize,
    next: u64,
}

impl Batches {
    pub(crate) fn new(shape: Shape, run: &str, connection: usize, points: usize) -> Self {
        Self {
            shape,
            run: run.to_owned(),
            writer: format!("load-{}-{connection}.jsonl", std::process::id()),
            points,
            next: 0,
        }
    }

    /// The next request, whole.
    pub(crate) fn next_request(&mut self, address: SocketAddr) -> Vec<u8> {
        let number = self.next;
        self.next += 1;
        let (path, kind, body) = match self.shape {
            Shape::HubJson => (
                self.events_path(),
                "application/json",
                serde_json::to_vec(&self.hub(number)).unwrap_or_default(),
            ),
            Shape::HubBinary => (
                self.events_path(),
                batch::CONTENT_TYPE,
                self.columns(number).encode().unwrap_or_default(),
            ),
            Shape::Mlflow => (
                "/api/2.0/mlflow/runs/log-batch".to_owned(),
                "application/json",
                serde_json::to_vec(&self.mlflow(number)).unwrap_or_default(),
            ),
            Shape::MlflowMetric => (
                "/api/2.0/mlflow/runs/log-metric".to_owned(),
                "application/json",
                serde_json::to_vec(&self.mlflow_metric(number)).unwrap_or_default(),
            ),
        };
        let mut request = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend(body);
        request
    }

    fn events_path(&self) -> String {
        format!("/api/v1/runs/{}/attempts/1/events", self.run)
    }

    fn points(&self, number: u64) -> impl Iterator<Item = (String, i64, i64, f64)> {
        let points = self.points;
        (0..points).map(move |index| {
            let step = (number as usize * points + index) / SERIES;
            let value =
                f64::from(((step as f64).sqrt().sin() * 0.1 + 1.0 / (1.0 + step as f64)) as f32);
            let name = format!("metric_{}", index % SERIES);
            (name, step as i64, TIME_FIRST_MS + step as i64 * 10, value)
        })
    }

    fn hub(&self, number: u64) -> EventBatch {
        EventBatch {
            writer: self.writer.clone(),
            start: number * STREAM_BYTES,
            end: (number + 1) * STREAM_BYTES,
            points: self
                .points(number)
                .map(|(name, step, time_ms, value)| PointView {
                    name,
                    step,
                    time_ms,
                    value: value.into(),
                })
                .collect(),
            ..EventBatch::default()
        }
    }

    fn columns(&self, number: u64) -> ColumnBatch {
        let points = self.points(number).map(|(name, step, time_ms, value)| {
            let time = Timestamp(time_ms);
            (name, Point { step, time, value })
        });
        ColumnBatch {
            head: BatchHead {
                writer: self.writer.clone(),
                start: number * STREAM_BYTES,
                end: (number + 1) * STREAM_BYTES,
                ..BatchHead::default()
            },
            series: SeriesPoints::group(points),
        }
    }

    fn mlflow(&self, number: u64) -> serde_json::Value {
        let metrics: Vec<serde_json::Value> = self
            .points(number)
            .map(|(key, step, timestamp, value)| {
                serde_json::json!({"key": key, "value": value, "timestamp": timestamp, "step": step})
            })
            .collect();
        serde_json::json!({"run_id": self.run, "metrics": metrics, "params": [], "tags": []})
    }

    fn mlflow_metric(&self, number: u64) -> serde_json::Value {
        let mut metric = self.mlflow(number)["metrics"][0].take();
        metric["run_id"] = self.run.as_str().into();
        metric
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_go_on_where_the_last_ended() {
        let batches = Batches::new(Shape::HubJson, "r", 3, 20);
        let (first, second) = (batches.hub(0), batches.hub(1));
        assert_eq!((first.end, second.end), (second.start, 2 * STREAM_BYTES));
        assert_eq!(first.points.len(), 20);
        assert_eq!(first.points[19].step + 1, second.points[0].step);
    }

    #[test]
    fn both_forms_of_a_batch_say_the_same() {
        let batches = Batches::new(Shape::HubBinary, "r", 0, 20);
        assert_eq!(batches.columns(3), ColumnBatch::from(batches.hub(3)));
    }
}
