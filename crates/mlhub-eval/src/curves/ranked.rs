//! ROC and precision-recall curves, both from one walk by descending score.

use rayon::prelude::*;

use super::bands::{BandSamples, CurveBand};
use super::thin::{Collector, Point};
use super::{MAX_CURVE_LABELS, MAX_CURVE_POINTS, PrecisionRecallCurve, RocCurve};
use crate::metrics::{OneVsRest, Prepared, walk};
use crate::predictions::Predictions;
use crate::ranking::Ranking;
use crate::sum::CompensatedSum;
use crate::weights::{Given, RowWeights, Unit};

/// Curves of the ranked classes. A class without rows (or without other rows) has
/// no ROC curve; one without rows has no precision-recall curve either.
pub(super) fn curves(
    prepared: &Prepared<'_>,
    predictions: &Predictions,
    bands: &BandSamples,
) -> (Vec<RocCurve>, Vec<PrecisionRecallCurve>) {
    let of_classes: Vec<_> = prepared
        .rankings
        .par_iter()
        .zip(&prepared.ranked)
        .take(MAX_CURVE_LABELS)
        .enumerate()
        .map(|(place, (ranking, class))| {
            let label = &predictions.labels()[*class];
            let (mut roc, mut precision_recall) = match predictions.weight() {
                None => of_class(prepared, ranking, *class, label, &Unit),
                Some(weights) => of_class(prepared, ranking, *class, label, &Given(weights)),
            };
            if let Some(curve) = &mut roc {
                (curve.band, curve.no_band) = told(bands.roc(place));
            }
            if let Some(curve) = &mut precision_recall {
                (curve.band, curve.no_band) = told(bands.precision_recall(place));
            }
            (roc, precision_recall)
        })
        .collect();
    let (roc, precision_recall): (Vec<_>, Vec<_>) = of_classes.into_iter().unzip();
    (
        roc.into_iter().flatten().collect(),
        precision_recall.into_iter().flatten().collect(),
    )
}

/// A band, or why there is none.
fn told(band: Result<CurveBand, String>) -> (Option<CurveBand>, Option<String>) {
    match band {
        Ok(band) => (Some(band), None),
        Err(why) => (None, Some(why)),
    }
}

fn of_class<W: RowWeights>(
    prepared: &Prepared<'_>,
    ranking: &Ranking,
    class: usize,
    label: &str,
    weights: &W,
) -> (Option<RocCurve>, Option<PrecisionRecallCurve>) {
    let scores = prepared
        .scores
        .expect("rankings exist only where scores do");
    let mut roc = Collector::default();
    let mut precision_recall = Collector::default();
    let at_start = |y| Point {
        x: 0.0,
        y,
        threshold: f64::INFINITY,
    };
    roc.push(at_start(0.0));
    precision_recall.push(at_start(1.0));
    let mut positive = CompensatedSum::default();
    let mut negative = CompensatedSum::default();
    for (row, ends_group) in ranking.iter() {
        let is_positive = prepared.y_true[row] as usize == class;
        let sum = if is_positive {
            &mut positive
        } else {
            &mut negative
        };
        sum.add(weights.weight(row));
        if !ends_group {
            continue;
        }
        let threshold = scores.score(row, class);
        let (positive, negative) = (positive.value(), negative.value());
        // Unscaled, so that with whole weights "on a line" is decided exactly.
        roc.push(Point {
            x: negative,
            y: positive,
            threshold,
        });
        if positive + negative > 0.0 {
            precision_recall.push(Point {
                x: positive,
                y: positive / (positive + negative),
                threshold,
            });
        }
    }
    let (positives, negatives) = (positive.value(), negative.value());
    let OneVsRest {
        auroc,
        average_precision,
        ..
    } = walk(ranking, prepared.y_true, class, weights, None);
    let roc = (positives > 0.0 && negatives > 0.0).then(|| {
        let points = scaled(roc, negatives, positives);
        RocCurve {
            label: label.to_owned(),
            auroc,
            false_positive_rate: points.iter().map(|point| point.x).collect(),
            true_positive_rate: points.iter().map(|point| point.y).collect(),
            thresholds: points.iter().map(|point| point.threshold).collect(),
            band: None,
            no_band: None,
        }
    });
    let precision_recall = (positives > 0.0).then(|| {
        let points = scaled(precision_recall, positives, 1.0);
        PrecisionRecallCurve {
            label: label.to_owned(),
            average_precision,
            recall: points.iter().map(|point| point.x).collect(),
            precision: points.iter().map(|point| point.y).collect(),
            thresholds: points.iter().map(|point| point.threshold).collect(),
            band: None,
            no_band: None,
        }
    });
    (roc, precision_recall)
}

fn scaled(collector: Collector, x_total: f64, y_total: f64) -> Vec<Point> {
    let mut points = collector.into_points(MAX_CURVE_POINTS);
    for point in &mut points {
        point.x /= x_total;
        point.y /= y_total;
    }
    points
}
