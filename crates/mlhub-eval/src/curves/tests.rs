//! Curves through the public entry point: ends, bounds, agreement with metrics.

use crate::*;
use proptest::prelude::*;

fn evaluated(input: PredictionsInput) -> Evaluation {
    let options = EvaluateOptions {
        bootstrap: None,
        threads: 1,
        ..EvaluateOptions::default()
    };
    evaluate(&Predictions::new(input).unwrap(), &options).unwrap()
}

pub(super) fn binary(y_true: Vec<u32>, y_score: Vec<f64>) -> PredictionsInput {
    PredictionsInput {
        ids: (0..y_true.len()).map(|row| row.to_string()).collect(),
        task: Task::Binary,
        labels: vec!["no".to_owned(), "yes".to_owned()],
        y_true: Targets::Classes(y_true),
        y_pred: None,
        y_score: Some(y_score),
        weight: None,
        group: None,
        numbers: Vec::new(),
    }
}

fn regression(y_true: Vec<f64>, y_pred: Vec<f64>) -> PredictionsInput {
    PredictionsInput {
        task: Task::Regression,
        labels: vec![],
        y_true: Targets::Values(y_true),
        y_pred: Some(Targets::Values(y_pred)),
        y_score: None,
        ..binary(vec![0; 0], vec![])
    }
}

fn trapezoid(x: &[f64], y: &[f64]) -> f64 {
    (1..x.len())
        .map(|at| (x[at] - x[at - 1]) * f64::midpoint(y[at], y[at - 1]))
        .sum()
}

#[test]
fn small_binary_curves_are_exact() {
    let mut input = binary(vec![0, 1, 0, 1], vec![0.1, 0.4, 0.4, 0.8]);
    input.weight = Some(vec![1.0, 2.0, 1.0, 2.0]);
    let curves = evaluated(input).curves;
    let confusion = curves.confusion.unwrap();
    assert_eq!(confusion.counts, [[2, 0], [1, 1]]);
    assert_eq!(confusion.weights.unwrap(), [[2.0, 0.0], [2.0, 2.0]]);
    let [roc] = curves.roc.as_slice() else {
        panic!("one curve")
    };
    assert_eq!(roc.label, "yes");
    assert_eq!(roc.false_positive_rate, [0.0, 0.0, 0.5, 1.0]);
    assert_eq!(roc.true_positive_rate, [0.0, 0.5, 1.0, 1.0]);
    assert_eq!(roc.thresholds, [f64::INFINITY, 0.8, 0.4, 0.1]);
    let [precision_recall] = curves.precision_recall.as_slice() else {
        panic!("one curve")
    };
    assert_eq!(precision_recall.recall, [0.0, 0.5, 1.0, 1.0]);
    assert_eq!(precision_recall.precision, [1.0, 1.0, 0.8, 4.0 / 6.0]);
    let calibration = curves.calibration.unwrap();
    assert_eq!(calibration.bins.len(), RELIABILITY_BINS);
    assert_eq!(calibration.bins[6].count, 2);
    assert_eq!(calibration.bins[6].fraction_positive, Some(2.0 / 3.0));
    assert_eq!(calibration.bins[14].mean_predicted, None);
}

#[test]
fn one_class_only_has_no_roc() {
    let curves = evaluated(binary(vec![1, 1], vec![0.5, 0.6])).curves;
    assert!(curves.roc.is_empty());
    assert_eq!(curves.precision_recall.len(), 1);
}

#[test]
fn extreme_regression_values_stay_in_the_grid() {
    for (y_true, y_pred) in [
        (vec![f64::MAX, -f64::MAX], vec![-f64::MAX, f64::MAX]),
        (vec![3.0], vec![3.0]),
        (vec![1e300, 1e300], vec![1e300, 1e300]),
        (vec![0.0, 5e-324], vec![5e-324, 0.0]),
    ] {
        let rows = y_true.len();
        let mut input = regression(y_true, y_pred);
        input.ids = (0..rows).map(|row| row.to_string()).collect();
        let curves = evaluated(input).curves;
        let grid = curves.predicted_true.unwrap();
        assert!(grid.low < grid.high);
        assert_eq!(grid.counts.iter().sum::<u64>(), rows as u64);
        assert_eq!(
            curves.residuals.unwrap().counts.iter().sum::<u64>(),
            rows as u64
        );
    }
}

proptest! {
    #[test]
    fn binary_curves_agree_with_the_metrics(
        rows in proptest::collection::vec((0_u32..2, 0_u32..40), 2..400),
    ) {
        let (y_true, scores): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        let y_score = scores.iter().map(|score| f64::from(*score) / 40.0).collect();
        let evaluation = evaluated(binary(y_true, y_score));
        let value = |name: &str| evaluation.metrics.iter().find(|m| m.name == name).unwrap().value;
        for roc in &evaluation.curves.roc {
            let (x, y) = (&roc.false_positive_rate, &roc.true_positive_rate);
            prop_assert_eq!((x[0], y[0]), (0.0, 0.0));
            prop_assert_eq!((x[x.len() - 1], y[y.len() - 1]), (1.0, 1.0));
            prop_assert!(x.is_sorted() && y.is_sorted());
            prop_assert!((trapezoid(x, y) - value("auroc")).abs() < 1e-12);
            prop_assert_eq!(roc.auroc.to_bits(), value("auroc").to_bits());
        }
        for curve in &evaluation.curves.precision_recall {
            prop_assert_eq!(curve.recall[curve.recall.len() - 1], 1.0);
            prop_assert!(curve.recall.is_sorted());
            prop_assert_eq!(curve.average_precision.to_bits(), value("average_precision").to_bits());
        }
        let calibration = evaluation.curves.calibration.as_ref().unwrap();
        let ece: f64 = calibration.bins.iter().filter_map(|bin| {
            Some(bin.weight * (bin.mean_predicted? - bin.fraction_positive?).abs())
        }).sum::<f64>() / evaluation.n as f64;
        prop_assert!((ece - value("ece")).abs() < 1e-12);
    }
}

#[test]
fn many_thresholds_are_thinned() {
    let rows = 20_000_u32;
    let score = |row: u32| f64::from(row.wrapping_mul(2_654_435_761)) / f64::from(u32::MAX);
    let y_true = (0..rows)
        .map(|row| u32::from(row % 3 == 0 || score(row) > 0.7))
        .collect();
    let evaluation = evaluated(binary(y_true, (0..rows).map(score).collect()));
    let roc = &evaluation.curves.roc[0];
    assert_eq!(roc.thresholds.len(), MAX_CURVE_POINTS);
    let area = trapezoid(&roc.false_positive_rate, &roc.true_positive_rate);
    assert!((area - roc.auroc).abs() < 1e-3, "{area} {}", roc.auroc);
}
