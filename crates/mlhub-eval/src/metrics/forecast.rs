//! Metrics of forecasts of several series: errors held against the size of what is forecast,
//! and quantiles.
//!
//! Plain errors are those of a regression (`regression`). What belongs to a row is worked out
//! once; only MASE looks at which rows are of one series.

use super::{ForecastMetric, Kind};
use crate::draws::Groups;
use crate::predictions::{Predictions, Targets};
use crate::sum::{CompensatedSum, sum_rows};
use crate::weights::RowWeights;

/// Start of the names of columns that hold a quantile of each row, which ends in its level.
pub(super) const QUANTILE: &str = "y_pred_q";

/// The column that holds the in-sample error of a naive forecast of the row's series.
pub(super) const SCALE: &str = "scale";

/// How far the levels of the two ends of a central interval may be from adding up to 1.
const LEVEL_TOLERANCE: f64 = 1e-9;

/// The widest interval between two quantiles that leave the same share below and above.
pub(super) struct Central<'a> {
    /// The share outside, between 0 and 1.
    outside: f64,
    low: &'a [f64],
    high: &'a [f64],
}

impl<'a> Central<'a> {
    pub(super) fn of(predictions: &'a Predictions) -> Option<Self> {
        let quantiles = predictions.numbered(QUANTILE);
        quantiles.iter().find_map(|(level, low)| {
            let is_opposite = |other: f64| (level + other - 1.0).abs() <= LEVEL_TOLERANCE;
            let mut above = quantiles.iter().filter(|(other, _)| other > level);
            let (_, high) = above.find(|(other, _)| is_opposite(*other))?;
            Some(Self {
                outside: 2.0 * level,
                low,
                high,
            })
        })
    }
}

/// Errors as shares of the scale of their series.
struct Scaled {
    /// Absolute error / scale per row; 0 for a series without scale.
    error: Vec<f64>,
    /// 1 / weight of the row's series; 0 for a series without scale or weight.
    share: Vec<f64>,
    series: usize,
    without_scale: usize,
}

/// The rows of a forecasting task.
pub(crate) struct Forecast<'a> {
    y_true: &'a [f64],
    y_pred: &'a [f64],
    /// Mean over the quantiles of the row's pinball loss; empty without quantiles.
    pinball: Vec<f64>,
    central: Option<Central<'a>>,
    scaled: Option<Scaled>,
}

impl<'a> Forecast<'a> {
    /// `None` unless the predictions are numbers.
    pub(super) fn of(predictions: &'a Predictions) -> Option<Self> {
        let (Targets::Values(y_true), Some(Targets::Values(y_pred))) =
            (predictions.y_true(), predictions.y_pred())
        else {
            return None;
        };
        Some(Self {
            y_true,
            y_pred,
            pinball: pinball(y_true, &predictions.numbered(QUANTILE)),
            central: Central::of(predictions),
            scaled: scaled(predictions, y_true, y_pred),
        })
    }

    /// What a reader should know of the value: series that it leaves out.
    pub(crate) fn left_out(&self, kind: Kind) -> Option<String> {
        let scaled = self.scaled.as_ref()?;
        let is_told = kind == Kind::Forecast(ForecastMetric::Mase) && scaled.without_scale > 0;
        is_told.then(|| {
            format!(
                "{} of {} series have a scale of 0 and are left out",
                scaled.without_scale, scaled.series
            )
        })
    }

    pub(super) fn value<W: RowWeights>(
        &self,
        metric: ForecastMetric,
        weights: &W,
        total: f64,
    ) -> f64 {
        let rows = self.y_true.len();
        let sum =
            |term: &dyn Fn(usize) -> f64| sum_rows(rows, |row| weights.weight(row) * term(row));
        match metric {
            ForecastMetric::Wape => {
                let size = sum(&|row| self.y_true[row].abs());
                let error = sum(&|row| self.error(row).abs());
                if size > 0.0 { error / size } else { f64::NAN }
            }
            ForecastMetric::Mase => self.scaled.as_ref().map_or(f64::NAN, |scaled| {
                // Each series counts alike: once, or as often as it is drawn. 0 / 0 is the NaN
                // of no series with a scale.
                sum(&|row| scaled.share[row] * scaled.error[row]) / sum(&|row| scaled.share[row])
            }),
            ForecastMetric::CoverageGap => self.central.as_ref().map_or(f64::NAN, |central| {
                let covered = sum(&|row| self.covered(central, row)) / total;
                (covered - (1.0 - central.outside)).abs()
            }),
            _ if self.lacks(metric) => f64::NAN,
            _ => sum(&|row| self.of_row(metric, row)) / total,
        }
    }

    /// The numbers that the metric is the mean of; `None` when it is none.
    pub(super) fn row_values(&self, metric: ForecastMetric) -> Option<Vec<f64>> {
        let is_mean = !matches!(
            metric,
            ForecastMetric::Wape | ForecastMetric::Mase | ForecastMetric::CoverageGap
        );
        let rows = 0..self.y_true.len();
        (is_mean && !self.lacks(metric)).then(|| rows.map(|row| self.of_row(metric, row)).collect())
    }

    /// Whether the quantiles of a mean over rows are not there.
    fn lacks(&self, metric: ForecastMetric) -> bool {
        match metric {
            ForecastMetric::MeanPinball | ForecastMetric::Crps => self.pinball.is_empty(),
            ForecastMetric::IntervalCoverage
            | ForecastMetric::IntervalWidth
            | ForecastMetric::IntervalScore => self.central.is_none(),
            _ => false,
        }
    }

    fn error(&self, row: usize) -> f64 {
        self.y_pred[row] - self.y_true[row]
    }

    /// What a row adds to a mean over rows; NaN for what is none.
    fn of_row(&self, metric: ForecastMetric, row: usize) -> f64 {
        match (metric, &self.central) {
            (ForecastMetric::Bias, _) => self.error(row),
            (ForecastMetric::MeanPinball, _) => self.pinball[row],
            (ForecastMetric::Crps, _) => 2.0 * self.pinball[row],
            (ForecastMetric::IntervalCoverage, Some(central)) => self.covered(central, row),
            (ForecastMetric::IntervalWidth, Some(central)) => central.high[row] - central.low[row],
            (ForecastMetric::IntervalScore, Some(central)) => {
                let (low, high, y) = (central.low[row], central.high[row], self.y_true[row]);
                let beyond = if y < low {
                    low - y
                } else if y > high {
                    y - high
                } else {
                    0.0
                };
                (high - low) + 2.0 / central.outside * beyond
            }
            _ => f64::NAN,
        }
    }

    /// 1 when the truth is within the interval or on its ends, else 0.
    fn covered(&self, central: &Central<'_>, row: usize) -> f64 {
        let is_within = (central.low[row]..=central.high[row]).contains(&self.y_true[row]);
        f64::from(u8::from(is_within))
    }
}

/// Mean over the quantiles of the loss that each makes smallest, per row.
fn pinball(y_true: &[f64], quantiles: &[(f64, &[f64])]) -> Vec<f64> {
    if quantiles.is_empty() {
        return vec![];
    }
    let of_row = |(row, y): (usize, &f64)| {
        let mut sum = CompensatedSum::default();
        for (level, values) in quantiles {
            sum.add(super::regression::pinball(y - values[row], *level));
        }
        sum.value() / quantiles.len() as f64
    };
    y_true.iter().enumerate().map(of_row).collect()
}

/// `None` without scales.
fn scaled(predictions: &Predictions, y_true: &[f64], y_pred: &[f64]) -> Option<Scaled> {
    let scale = predictions.one_number(SCALE)?;
    let rows = y_true.len();
    let groups = match predictions.group() {
        Some(names) => Groups::of(names),
        None => Groups {
            of_row: vec![0; rows],
            count: 1,
        },
    };
    let mut of_series = vec![(CompensatedSum::default(), 0.0); groups.count];
    for (row, series) in groups.of_row.iter().enumerate() {
        let (weight, of_scale) = &mut of_series[*series as usize];
        weight.add(predictions.weight().map_or(1.0, |weights| weights[row]));
        *of_scale = scale[row];
    }
    let is_used = |row: usize| {
        let (weight, scale) = &of_series[groups.of_row[row] as usize];
        weight.value() > 0.0 && *scale > 0.0
    };
    let share = |row: usize| match is_used(row) {
        true => 1.0 / of_series[groups.of_row[row] as usize].0.value(),
        false => 0.0,
    };
    let error = |row: usize| match is_used(row) {
        true => (y_true[row] - y_pred[row]).abs() / scale[row],
        false => 0.0,
    };
    Some(Scaled {
        error: (0..rows).map(error).collect(),
        share: (0..rows).map(share).collect(),
        series: groups.count,
        without_scale: of_series.iter().filter(|(_, scale)| *scale <= 0.0).count(),
    })
}
