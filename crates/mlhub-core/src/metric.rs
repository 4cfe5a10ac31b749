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
        let mut grouping = Grouping::default();
        for (name, point) in points {
            grouping.push(&name, point);
        }
        grouping.series
    }
}

/// Series up to which a name is looked for by comparing.
const GROUPING_SCAN_MAX: usize = 16;

/// Named points on their way to series, each name once, in the order in which
/// the names first appear. Names that come in turn, as those of training steps
/// do, are found without hashing.
#[derive(Debug, Default)]
pub struct Grouping {
    series: Vec<SeriesPoints>,
    places: HashMap<String, usize>,
    last: usize,
}

impl Grouping {
    /// Takes a point.
    pub fn push(&mut self, name: &str, point: Point) {
        let place = match self.find(name) {
            Some(place) => place,
            None => self.add(name),
        };
        self.series[place].points.push(point);
        self.last = place;
    }

    /// The series.
    pub fn finish(self) -> Vec<SeriesPoints> {
        self.series
    }

    fn find(&self, name: &str) -> Option<usize> {
        let is = |place: &usize| self.series.get(*place).is_some_and(|one| one.name == name);
        let next = if self.last + 1 < self.series.len() {
            self.last + 1
        } else {
            0
        };
        if let Some(near) = [next, self.last].into_iter().find(is) {
            return Some(near);
        }
        if self.series.len() <= GROUPING_SCAN_MAX {
            return (0..self.series.len()).find(is);
        }
        self.places.get(name).copied()
    }

    fn add(&mut self, name: &str) -> usize {
        let place = self.series.len();
        self.series.push(SeriesPoints {
            name: name.to_owned(),
            points: Vec::new(),
        });
        if self.series.len() == GROUPING_SCAN_MAX + 1 {
            let named = self.series.iter().enumerate();
            self.places = named
                .map(|(place, one)| (one.name.clone(), place))
                .collect();
        } else if self.series.len() > GROUPING_SCAN_MAX {
            self.places.insert(name.to_owned(), place);
        }
        place
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
    /// The latest point of the newest attempt that logged any: that of the largest step, of
    /// those the latest time, of those the one logged last. An attempt that goes on behind
    /// every step is one with the attempt before it.
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

/// What a window of a series counts along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Axis {
    /// The training step.
    #[default]
    Step,
    /// Milliseconds since the key's origin (the start of its run).
    Relative,
    /// Milliseconds since the epoch, UTC.
    Wall,
}

/// The part of a series to read. Points in it need not be neighbours: steps and
/// times may repeat and go back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SeriesWindow {
    /// What `from` and `to` count.
    pub axis: Axis,
    /// The first coordinate wanted; from the beginning when absent.
    pub from: Option<i64>,
    /// The last coordinate wanted, itself included; to the end when absent.
    pub to: Option<i64>,
    /// Only this attempt, with what later attempts superseded; the visible
    /// history of all attempts when absent.
    pub attempt: Option<u32>,
}

/// How many points to read, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduction {
    /// Every point, page by page: at most `limit` after the first `skip` in the window.
    Page {
        /// Points of the window to leave out.
        skip: u64,
        /// Points at most.
        limit: usize,
    },
    /// At most `max_points` (at least 4) points: of each of `max_points / 4`
    /// equal parts of the axis the first, the last, the smallest and the largest.
    Envelope {
        /// Points at most.
        max_points: usize,
    },
    /// At most `max_points` (at least 5) points: of each of
    /// `(max_points - 2) / 3` equal parts of the axis the one that makes the
    /// largest triangle with its neighbours, and the smallest and the largest.
    Lttb {
        /// Points at most.
        max_points: usize,
    },
}

/// Names one series to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesKey {
    /// The run.
    pub run: RunId,
    /// The metric's name.
    pub name: String,
    /// Where the relative axis has its zero.
    pub origin: Timestamp,
}

/// So many neighbouring points of an answer come from one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptSpan {
    /// The attempt's number, from 1.
    pub attempt: u32,
    /// Points of the answer.
    pub count: usize,
}

/// What was read of one series. It does not depend on how the series is stored.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SeriesView {
    /// Points in the window, before reduction.
    pub total: u64,
    /// Those of them that are NaN or infinite.
    pub non_finite: u64,
    /// Whether `points` holds all of them.
    pub exact: bool,
    /// The points, by attempt, then in the order they were logged.
    pub points: Vec<Point>,
    /// Which attempts they come from, in order.
    pub attempts: Vec<AttemptSpan>,
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
