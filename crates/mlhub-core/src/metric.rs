//! Metric points and their running summaries.

use std::collections::HashMap;

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

/// Points of one series, in the order they were logged.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesPoints {
    /// The metric's name.
    pub name: String,
    /// Its points.
    pub points: Vec<Point>,
}

impl SeriesPoints {
    /// Sorts named points into series, each name once, in the order in which
    /// the names first appear.
    pub fn group(points: impl IntoIterator<Item = (String, Point)>) -> Vec<Self> {
        let mut series: Vec<Self> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut last: Option<usize> = None;
        for (name, point) in points {
            let place = match last.filter(|place| series[*place].name == name) {
                Some(place) => place,
                None => match places.get(&name) {
                    Some(place) => *place,
                    None => {
                        places.insert(name.clone(), series.len());
                        series.push(Self {
                            name,
                            points: Vec::new(),
                        });
                        series.len() - 1
                    }
                },
            };
            series[place].points.push(point);
            last = Some(place);
        }
        series
    }
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
