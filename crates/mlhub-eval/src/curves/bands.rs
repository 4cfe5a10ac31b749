//! Bands of whole ROC and precision-recall curves: vertical averaging over the resamples that the
//! intervals of the metrics are made of (Fawcett, An introduction to ROC analysis, 2006).
//!
//! In each resample the curve is read at fixed places of its horizontal axis; the band holds the
//! middle share of what was read at each place. It is a band of each place by itself: the share
//! says nothing about the whole curve lying inside.

use serde::{Deserialize, Serialize};

use crate::bootstrap::{Bootstrap, percentile};
use crate::metrics::{Prepared, Running};
use crate::ranking::Ranking;
use crate::weights::RowWeights;

/// The method's name in results.
pub const METHOD_VERTICAL: &str = "percentile bootstrap, vertical averaging";

/// Resamples that bands are made of: the first ones.
pub const MAX_BAND_SAMPLES: u32 = 1000;

/// Curves that get bands: those of the first classes.
pub const MAX_BAND_CURVES: usize = 20;

/// Rows times curves up to which bands are made: each of them is read once in every resample, which
/// is as much again as the AUROC of every resample takes.
pub const MAX_BAND_CELLS: usize = 4_000_000;

/// Places of a ROC curve that are read: false positive rates 0, 0.01, ..., 1.
const ROC_PLACES: usize = 101;

/// Places of a precision-recall curve that are read: recalls 0.01, ..., 1. At recall 0 precision
/// is 1 by convention.
const RECALL_PLACES: usize = 100;

const PLACES: usize = ROC_PLACES + RECALL_PLACES;

/// The range of a curve at places of its horizontal axis; the lists are of equal length.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurveBand {
    /// False positive rate or recall, ascending.
    pub x: Vec<f64>,
    /// Lower end of true positive rate or precision.
    pub low: Vec<f64>,
    /// Upper end of true positive rate or precision.
    pub high: Vec<f64>,
    /// Probability mass at each place by itself.
    pub confidence: f64,
    /// [`METHOD_VERTICAL`].
    pub method: String,
    /// Resamples drawn.
    pub samples: u32,
    /// Resamples without the class, or without other classes; they are left out.
    pub undefined: u32,
    /// Seed they were drawn from.
    pub seed: u64,
}

/// What the bands of an evaluation are made of.
pub(crate) enum BandSamples {
    /// Per resample, [`PLACES`] readings of each banded curve; NaN where undefined.
    Read {
        readings: Vec<Vec<f64>>,
        options: Bootstrap,
    },
    /// Why there are no bands.
    None(String),
}

/// Why so many ranked classes over so many rows get no bands, when they get none.
pub(crate) fn obstacle(rows: usize, ranked: usize) -> Option<String> {
    let curves = ranked.min(MAX_BAND_CURVES);
    (rows.saturating_mul(curves) > MAX_BAND_CELLS).then(|| {
        format!(
            "no bands of {curves} classes over {rows} rows: rows times classes are bounded by {MAX_BAND_CELLS}"
        )
    })
}

/// The curves of one resample at all places.
pub(crate) fn read<W: RowWeights>(prepared: &Prepared<'_>, weights: &W) -> Vec<f64> {
    let banded = prepared.rankings.iter().zip(&prepared.ranked);
    let curves = prepared.rankings.len().min(MAX_BAND_CURVES);
    let mut readings = vec![f64::NAN; curves * PLACES];
    for ((ranking, class), readings) in banded.zip(readings.chunks_exact_mut(PLACES)) {
        read_class(prepared, ranking, *class, weights, readings);
    }
    readings
}

/// `readings` stay NaN where the curve is undefined.
fn read_class<W: RowWeights>(
    prepared: &Prepared<'_>,
    ranking: &Ranking,
    class: usize,
    weights: &W,
    readings: &mut [f64],
) {
    let is_positive = |row: usize| prepared.y_true[row] as usize == class;
    let (positives, negatives) = totals::<W>(prepared.rows, is_positive, weights);
    if positives <= 0.0 {
        return;
    }
    let (roc, precisions) = readings.split_at_mut(ROC_PLACES);
    let mut roc = Places::new(roc, negatives, |place| place as f64 / 100.0);
    let mut precisions = Places::new(precisions, positives, |place| (place + 1) as f64 / 100.0);
    let (mut positive, mut negative) = (Running::<W>::default(), Running::<W>::default());
    // Where the group of equal scores before this one ended.
    let (mut positive_before, mut negative_before) = (0.0, 0.0);
    for (row, ends_group) in ranking.iter() {
        let sum = if is_positive(row) {
            &mut positive
        } else {
            &mut negative
        };
        sum.add(weights.weight(row));
        if !ends_group {
            continue;
        }
        let (above, below) = (positive.value(), negative.value());
        // On the line from the group before; at the top where the curve rises straight up.
        while below > roc.next {
            let share = (roc.next - negative_before) / (below - negative_before);
            roc.set((positive_before + share * (above - positive_before)) / positives);
        }
        // The first threshold that reaches the recall, as in average precision.
        while above >= precisions.next {
            precisions.set(above / (above + below));
        }
        (positive_before, negative_before) = (above, below);
    }
    precisions.fill(positives / (positives + negatives));
    if negatives > 0.0 {
        roc.fill(1.0);
    }
}

/// Weights of the class and of the others.
fn totals<W: RowWeights>(
    rows: usize,
    is_positive: impl Fn(usize) -> bool,
    weights: &W,
) -> (f64, f64) {
    let (mut positive, mut negative) = (Running::<W>::default(), Running::<W>::default());
    for row in 0..rows {
        let sum = if is_positive(row) {
            &mut positive
        } else {
            &mut negative
        };
        sum.add(weights.weight(row));
    }
    (positive.value(), negative.value())
}

/// Readings being filled in, from the left.
struct Places<'a, F> {
    readings: &'a mut [f64],
    done: usize,
    /// Where the next one is, as a weight; infinite after the last.
    next: f64,
    total: f64,
    share: F,
}

impl<'a, F: Fn(usize) -> f64> Places<'a, F> {
    fn new(readings: &'a mut [f64], total: f64, share: F) -> Self {
        Self {
            next: share(0) * total,
            readings,
            done: 0,
            total,
            share,
        }
    }

    fn set(&mut self, value: f64) {
        self.readings[self.done] = value;
        self.done += 1;
        self.next = if self.done < self.readings.len() {
            (self.share)(self.done) * self.total
        } else {
            f64::INFINITY
        };
    }

    fn fill(&mut self, value: f64) {
        while self.done < self.readings.len() {
            self.set(value);
        }
    }
}

impl BandSamples {
    /// The band of a ROC curve, by its place among the ranked classes; or why there is none.
    pub(super) fn roc(&self, curve: usize) -> Result<CurveBand, String> {
        self.band(curve, 0, (0..ROC_PLACES).map(|place| place as f64 / 100.0))
    }

    /// The band of a precision-recall curve.
    pub(super) fn precision_recall(&self, curve: usize) -> Result<CurveBand, String> {
        let recalls = (1..=RECALL_PLACES).map(|place| place as f64 / 100.0);
        self.band(curve, ROC_PLACES, recalls)
    }

    fn band(
        &self,
        curve: usize,
        offset: usize,
        x: impl Iterator<Item = f64>,
    ) -> Result<CurveBand, String> {
        let (readings, options) = match self {
            Self::Read { readings, options } => (readings, options),
            Self::None(why) => return Err(why.clone()),
        };
        if curve >= MAX_BAND_CURVES {
            return Err(format!("bands are of the first {MAX_BAND_CURVES} classes"));
        }
        let start = curve * PLACES + offset;
        let samples = readings.len();
        let defined: Vec<&[f64]> = readings
            .iter()
            .map(|sample| &sample[start..])
            .filter(|sample| !sample[0].is_nan())
            .collect();
        let undefined = samples - defined.len();
        if undefined >= defined.len() {
            return Err(format!(
                "the curve is undefined in {undefined} of {samples} resamples"
            ));
        }
        let tail = 0.5 * (1.0 - options.confidence);
        let x: Vec<f64> = x.collect();
        let ends = (0..x.len()).map(|place| {
            let mut values: Vec<f64> = defined.iter().map(|sample| sample[place]).collect();
            values.sort_unstable_by(f64::total_cmp);
            (percentile(&values, tail), percentile(&values, 1.0 - tail))
        });
        let (low, high) = ends.unzip();
        Ok(CurveBand {
            x,
            low,
            high,
            confidence: options.confidence,
            method: METHOD_VERTICAL.to_owned(),
            samples: u32::try_from(samples).expect("at most MAX_BAND_SAMPLES"),
            undefined: u32::try_from(undefined).expect("at most MAX_BAND_SAMPLES"),
            seed: options.seed,
        })
    }
}

#[cfg(test)]
mod tests;
