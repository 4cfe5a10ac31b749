//! Metric points and their running summaries.

use serde::{Deserialize, Serialize};

use crate::id::RunId;
use crate::ports::Timestamp;

/// One logged value. NaN and the infinities are values like any other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// The training step; may repeat, go backwards, or be negative.
    pub step: i64,
    /// When it was logged, by the clock of the machine that logged it.
    pub time: Timestamp,
    /// The value, kept bit for bit.
    pub value: f64,
}

/// A point together with the name of its series.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedPoint {
    /// The metric's name.
    pub name: String,
    /// The value and where it stands.
    pub point: Point,
}

/// What is known of one visible series without reading its points.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricSummary {
    /// The run.
    pub run: RunId,
    /// The metric's name.
    pub name: String,
    /// Points in the visible history.
    pub count: u64,
    /// Points that are NaN or infinite.
    pub non_finite: u64,
    /// The point logged last.
    pub last: Point,
    /// The smallest finite value, if any.
    pub min: Option<f64>,
    /// The largest finite value, if any.
    pub max: Option<f64>,
}

/// The points of one series from one attempt, in the order they were logged.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptPoints {
    /// The attempt's number, from 1.
    pub attempt: u32,
    /// Its points.
    pub points: Vec<Point>,
}

/// The direction in which a metric gets better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Greater is better.
    Maximize,
    /// Smaller is better.
    Minimize,
    /// Neither.
    None,
}
