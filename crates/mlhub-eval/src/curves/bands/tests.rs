//! Bands through the public entry point: against a reference that copies every resample out, and
//! what holds for all bands.

use proptest::prelude::*;

use super::*;
use crate::curves::tests::binary;
use crate::draws::draw;
use crate::{EvaluateOptions, Evaluation, Predictions, PredictionsInput, evaluate};

const SEED: u64 = 5;

fn evaluated(input: PredictionsInput, samples: u32, threads: usize) -> Evaluation {
    let options = EvaluateOptions {
        bootstrap: Some(Bootstrap {
            samples,
            seed: SEED,
            confidence: 0.9,
            ..Bootstrap::default()
        }),
        threads,
        ..EvaluateOptions::default()
    };
    evaluate(&Predictions::new(input).unwrap(), &options).unwrap()
}

/// Points of both curves of examples `(is positive, score, weight)`, one per distinct score:
/// `(positives above, negatives above)`.
fn corners(examples: &[(bool, f64, f64)]) -> Vec<(f64, f64)> {
    let mut scores: Vec<f64> = examples.iter().map(|example| example.1).collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    scores.dedup();
    let above = |is_positive: bool, score: f64| -> f64 {
        examples
            .iter()
            .filter(|example| example.0 == is_positive && example.1 >= score)
            .map(|example| example.2)
            .sum()
    };
    let corners = scores
        .iter()
        .map(|score| (above(true, *score), above(false, *score)));
    std::iter::once((0.0, 0.0)).chain(corners).collect()
}

/// The highest true positive rate on the line through the corners at a false positive rate.
fn roc_at(corners: &[(f64, f64)], rate: f64) -> f64 {
    let (positives, negatives) = corners[corners.len() - 1];
    let at = rate * negatives;
    if let Some(on) = corners
        .iter()
        .rev()
        .find(|corner| (corner.1 - at).abs() < 1e-9)
    {
        return on.0 / positives;
    }
    let next = corners.iter().position(|corner| corner.1 > at).unwrap();
    let ((y0, x0), (y1, x1)) = (corners[next - 1], corners[next]);
    (y0 + (y1 - y0) * (at - x0) / (x1 - x0)) / positives
}

/// Precision at the first corner that reaches a recall.
fn precision_at(corners: &[(f64, f64)], recall: f64) -> f64 {
    let positives = corners[corners.len() - 1].0;
    let reached = |corner: &&(f64, f64)| corner.0 > 0.0 && corner.0 >= recall * positives - 1e-9;
    let (above, below) = corners.iter().find(reached).unwrap();
    above / (above + below)
}

fn reference(
    examples: &[(bool, f64, f64)],
    samples: u32,
    places: &[f64],
    read: impl Fn(&[(f64, f64)], f64) -> f64,
    defined: impl Fn((f64, f64)) -> bool,
) -> Vec<(f64, f64)> {
    let mut curves = Vec::new();
    for sample in 0..samples {
        let mut counts = vec![0; examples.len()];
        draw(SEED, sample, &mut counts);
        let drawn: Vec<_> = examples
            .iter()
            .zip(&counts)
            .flat_map(|(example, count)| std::iter::repeat_n(*example, *count as usize))
            .collect();
        let corners = corners(&drawn);
        if defined(corners[corners.len() - 1]) {
            curves.push(corners);
        }
    }
    let ends = places.iter().map(|place| {
        let mut values: Vec<f64> = curves.iter().map(|corners| read(corners, *place)).collect();
        values.sort_by(f64::total_cmp);
        (percentile(&values, 0.05), percentile(&values, 0.95))
    });
    ends.collect()
}

fn assert_close(band: &CurveBand, expected: &[(f64, f64)]) {
    for (place, (low, high)) in expected.iter().enumerate() {
        let found = (band.low[place], band.high[place]);
        assert!(
            (found.0 - low).abs() < 1e-9 && (found.1 - high).abs() < 1e-9,
            "at {}: {found:?}, expected {:?}",
            band.x[place],
            (low, high)
        );
    }
}

fn check_against_reference(examples: &[(bool, f64, f64)], weighted: bool) {
    let mut input = binary(
        examples
            .iter()
            .map(|example| u32::from(example.0))
            .collect(),
        examples.iter().map(|example| example.1).collect(),
    );
    input.weight = weighted.then(|| examples.iter().map(|example| example.2).collect());
    let curves = evaluated(input, 60, 1).curves;
    let roc = curves.roc[0].band.as_ref().expect("a ROC band");
    let both = |(positives, negatives): (f64, f64)| positives > 0.0 && negatives > 0.0;
    assert_close(roc, &reference(examples, 60, &roc.x, roc_at, both));
    let precision = curves.precision_recall[0].band.as_ref().expect("a band");
    let some = |(positives, _): (f64, f64)| positives > 0.0;
    let expected = reference(examples, 60, &precision.x, precision_at, some);
    assert_close(precision, &expected);
}

/// 12 examples with ties; weights are halves, so that sums are exact in any order.
fn examples(weight: impl Fn(u32) -> f64) -> Vec<(bool, f64, f64)> {
    let scores = [9, 8, 8, 7, 6, 6, 6, 5, 4, 3, 3, 1];
    let truths = [1, 1, 0, 1, 0, 1, 1, 0, 1, 0, 0, 0];
    (0..12_u32)
        .map(|row| {
            let at = row as usize;
            (truths[at] == 1, f64::from(scores[at]) / 10.0, weight(row))
        })
        .collect()
}

#[test]
fn bands_are_those_of_resamples_copied_out() {
    check_against_reference(&examples(|_| 1.0), false);
    check_against_reference(&examples(|row| 0.5 + f64::from(row % 3) / 2.0), true);
}

#[test]
fn bands_do_not_depend_on_threads_and_values_not_on_bands() {
    let rows = 500_u32;
    let score = |row: u32| f64::from(row.wrapping_mul(2_654_435_761) >> 8) / f64::from(1 << 24);
    let y_true: Vec<u32> = (0..rows)
        .map(|row| u32::from(score(row) > f64::from(row % 7) / 7.0))
        .collect();
    let input = || binary(y_true.clone(), (0..rows).map(score).collect());
    let one = evaluated(input(), 200, 1);
    assert_eq!(one, evaluated(input(), 200, 3));
    let band = one.curves.roc[0].band.as_ref().unwrap();
    assert_eq!((band.samples, band.seed, band.undefined), (200, SEED, 0));
    assert_eq!(band.method, METHOD_VERTICAL);
    let without = evaluate(
        &Predictions::new(input()).unwrap(),
        &EvaluateOptions {
            bootstrap: Some(Bootstrap {
                samples: 200,
                seed: SEED,
                confidence: 0.9,
                ..Bootstrap::default()
            }),
            curves: false,
            ..EvaluateOptions::default()
        },
    );
    assert_eq!(one.metrics, without.unwrap().metrics);
}

#[test]
fn what_has_no_band_says_why() {
    // Of two rows, half of the resamples hold one of them twice.
    let mut without = 0;
    for samples in 1..=16 {
        let undefined = (0..samples).filter(|sample| {
            let mut counts = [0; 2];
            draw(SEED, *sample, &mut counts);
            counts.contains(&2)
        });
        let mostly = 2 * undefined.count() >= samples as usize;
        let curve = &evaluated(binary(vec![0, 1], vec![0.2, 0.7]), samples, 1)
            .curves
            .roc[0];
        assert_eq!(curve.band.is_none(), mostly, "{samples} samples");
        if let Some(why) = &curve.no_band {
            assert!(why.contains("undefined in"), "{why:?}");
            without += 1;
        }
    }
    assert!((1..16).contains(&without), "{without}");
    let single = evaluated(binary(vec![1], vec![0.7]), 10, 1).curves;
    assert_eq!(
        single.precision_recall[0].no_band.as_deref(),
        Some("too few rows for an interval")
    );
    assert_eq!(obstacle(MAX_BAND_CELLS, 1), None);
    assert_eq!(obstacle(MAX_BAND_CELLS / MAX_BAND_CURVES, 50), None);
    let why = obstacle(MAX_BAND_CELLS / 2 + 1, 2).unwrap_or_default();
    assert!(why.contains("bounded by 4000000"), "{why:?}");
}

#[test]
fn only_the_first_classes_have_bands() {
    let classes = MAX_BAND_CURVES as u32 + 1;
    let rows = classes * 6;
    let mut input = binary((0..rows).map(|row| row % classes).collect(), vec![]);
    input.y_score = Some(
        (0..rows * classes)
            .map(|cell| f64::from(cell.wrapping_mul(2_654_435_761) >> 8) / f64::from(1 << 24))
            .collect(),
    );
    input.task = crate::Task::Multiclass;
    input.labels = (0..classes).map(|class| class.to_string()).collect();
    let curves = evaluated(input, 20, 1).curves;
    assert!(curves.roc[MAX_BAND_CURVES - 1].band.is_some());
    let last = &curves.roc[MAX_BAND_CURVES];
    assert!(last.band.is_none());
    assert_eq!(
        last.no_band.as_deref(),
        Some("bands are of the first 20 classes")
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn bands_rise_with_the_curve_and_hold_most_of_it(seed: u32) {
        let noise = |row: u32, at: u32| {
            let mixed = row.wrapping_mul(2_654_435_761) ^ seed.wrapping_add(at).wrapping_mul(2_246_822_519);
            f64::from((mixed ^ (mixed >> 15)).wrapping_mul(3_266_489_917) >> 8) / f64::from(1 << 24)
        };
        let y_true: Vec<u32> = (0..300).map(|row| u32::from(noise(row, 1) > 0.5)).collect();
        let y_score = y_true.iter().zip(0..).map(|(truth, row)| {
            (f64::from(*truth) * 0.5 + noise(row, 2)) / 1.5
        }).collect();
        let examples: Vec<_> = y_true.iter().zip(&y_score as &Vec<f64>)
            .map(|(truth, score)| (*truth == 1, *score, 1.0)).collect();
        let corners = corners(&examples);
        let curves = evaluated(binary(y_true, y_score), 100, 1).curves;
        let band = curves.roc[0].band.as_ref().unwrap();
        prop_assert!(band.low.is_sorted() && band.high.is_sorted());
        prop_assert_eq!(band.high[100], 1.0);
        let mut inside = 0;
        for (place, x) in band.x.iter().enumerate() {
            prop_assert!(band.low[place] <= band.high[place]);
            let y = roc_at(&corners, *x);
            inside += usize::from(band.low[place] - 1e-12 <= y && y <= band.high[place] + 1e-12);
        }
        prop_assert!(inside >= 85, "{inside} of 101 places hold the curve itself");
        let precision = curves.precision_recall[0].band.as_ref().unwrap();
        let inside = precision.x.iter().enumerate().filter(|(place, x)| {
            let y = precision_at(&corners, **x);
            precision.low[*place] - 1e-12 <= y && y <= precision.high[*place] + 1e-12
        }).count();
        prop_assert!(inside >= 85, "{inside} of 100 places hold the curve itself");
    }
}
