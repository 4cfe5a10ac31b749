//! What anomaly detection has of its own: precision at as many places as there are
//! anomalies, and a threshold for the scores.
//!
//! Its other metrics are those of two classes (`rank`, `label`).

use super::Prepared;
use crate::definition::Task;
use crate::predictions::{Predictions, Targets};
use crate::ranking::{Order, Ranking};
use crate::sum::CompensatedSum;
use crate::weights::{Given, RowWeights, Unit};

/// Index of the label of the anomalies.
const ANOMALY: u32 = 1;

/// Precision of the positive class among the first rows whose weight is that of the class;
/// rows of the score where it is reached count in part. NaN when the class has no weight.
pub(super) fn r_precision<W: RowWeights>(prepared: &Prepared<'_>, weights: &W) -> f64 {
    let (Some(ranking), Some(positive)) =
        (prepared.rankings.first(), prepared.ranked_positive.first())
    else {
        return f64::NAN;
    };
    let mut wanted = CompensatedSum::default();
    for ((row, _), is_positive) in ranking.iter().zip(positive) {
        if *is_positive {
            wanted.add(weights.weight(row));
        }
    }
    let wanted = wanted.value();
    if wanted == 0.0 {
        return f64::NAN;
    }
    let (mut all, mut found) = (CompensatedSum::default(), CompensatedSum::default());
    let (mut group_all, mut group_found) = (CompensatedSum::default(), CompensatedSum::default());
    for ((row, ends_group), is_positive) in ranking.iter().zip(positive) {
        let weight = weights.weight(row);
        group_all.add(weight);
        if *is_positive {
            group_found.add(weight);
        }
        if !ends_group {
            continue;
        }
        let missing = wanted - all.value();
        if group_all.value() >= missing {
            let part = if missing > 0.0 {
                missing / group_all.value()
            } else {
                0.0
            };
            return ((found.value() + part * group_found.value()) / wanted).min(1.0);
        }
        all.add(group_all.value());
        found.add(group_found.value());
        (group_all, group_found) = Default::default();
    }
    // The weights of all rows reach that of some, but for rounding.
    found.value() / wanted
}

/// The score from which on rows should count as anomalies for the largest F1 of these
/// predictions, to be given as [`crate::EvaluateOptions::threshold`] for another split. Its F1 on
/// these very rows is too good to be told.
///
/// Among scores of equal F1 it is the lowest one: it finds more anomalies for the same F1, and a
/// missed anomaly is taken as the greater risk. `None` unless it is an anomaly task with
/// anomalies that have weight.
#[must_use]
pub fn best_f1_threshold(predictions: &Predictions) -> Option<f64> {
    if predictions.task() != Task::Anomaly {
        return None;
    }
    let (Targets::Classes(y_true), Some(scores)) = (predictions.y_true(), predictions.y_score())
    else {
        return None;
    };
    match predictions.weight() {
        None => best_threshold(y_true, scores, &Unit),
        Some(weights) => best_threshold(y_true, scores, &Given(weights)),
    }
}

fn best_threshold<W: RowWeights>(y_true: &[u32], scores: &[f64], weights: &W) -> Option<f64> {
    let ranking = Ranking::new(scores.len(), Order::Descending, |row| scores[row]);
    let mut anomalies = CompensatedSum::default();
    for (row, (_, class)) in scores.iter().zip(y_true).enumerate() {
        if *class == ANOMALY {
            anomalies.add(weights.weight(row));
        }
    }
    let anomalies = anomalies.value();
    if anomalies <= 0.0 {
        return None;
    }
    let (mut taken, mut found) = (CompensatedSum::default(), CompensatedSum::default());
    let mut best: Option<(f64, f64)> = None;
    for (row, ends_group) in ranking.iter() {
        let weight = weights.weight(row);
        taken.add(weight);
        if y_true[row] == ANOMALY {
            found.add(weight);
        }
        // Of whole weights this is the nearest number to an exact ratio: equal ratios are equal.
        let f1 = 2.0 * found.value() / (anomalies + taken.value());
        if ends_group && best.is_none_or(|(of_best, _)| f1 >= of_best) {
            best = Some((f1, scores[row]));
        }
    }
    best.map(|(_, threshold)| threshold)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predictions::PredictionsInput;
    use proptest::prelude::*;

    fn anomalies(rows: &[(u32, i32)], weight: Option<Vec<f64>>) -> Predictions {
        Predictions::new(PredictionsInput {
            ids: (0..rows.len()).map(|row| row.to_string()).collect(),
            task: Task::Anomaly,
            labels: vec!["0".to_owned(), "1".to_owned()],
            y_true: Targets::Classes(rows.iter().map(|row| row.0).collect()),
            y_pred: None,
            y_score: Some(rows.iter().map(|row| f64::from(row.1)).collect()),
            weight,
            group: None,
            numbers: Vec::new(),
        })
        .expect("valid anomalies")
    }

    proptest! {
        #[test]
        fn the_best_threshold_is_the_lowest_of_the_best(
            rows in prop::collection::vec((0_u32..2, -4_i32..5), 1..40),
        ) {
            let found = best_f1_threshold(&anomalies(&rows, None));
            let anomalies = rows.iter().filter(|row| row.0 == 1).count();
            let f1 = |threshold: i32| {
                let taken = rows.iter().filter(|row| row.1 >= threshold);
                let right = taken.clone().filter(|row| row.0 == 1).count();
                2.0 * right as f64 / (anomalies + taken.count()) as f64
            };
            let mut best: Option<(f64, i32)> = None;
            let mut scores: Vec<i32> = rows.iter().map(|row| row.1).collect();
            scores.sort_unstable();
            for score in scores {
                if best.is_none_or(|(of_best, _)| f1(score) > of_best) {
                    best = Some((f1(score), score));
                }
            }
            let expected = best.filter(|_| anomalies > 0).map(|(_, score)| f64::from(score));
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn rows_without_weight_move_no_threshold() {
        let rows = [(1, 5), (0, 4), (1, 3), (0, 2)];
        assert_eq!(best_f1_threshold(&anomalies(&rows, None)), Some(3.0));
        let weighted = |weight: [f64; 4]| best_f1_threshold(&anomalies(&rows, Some(weight.into())));
        assert_eq!(weighted([1.0, 9.0, 1.0, 1.0]), Some(5.0));
        assert_eq!(weighted([0.0, 1.0, 0.0, 1.0]), None);
    }
}
