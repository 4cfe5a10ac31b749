//! Almost stochastic order and intervals over seeds against brute force, deepsig and SciPy.
//!
//! The values are in `golden/seeds.json`, made by `golden/make_seeds.py`.

use mlhub_eval::{NoTest, almost_stochastic_order, bootstrap_interval, student_interval};
use serde::Deserialize;

const DRAWS: (u32, u64) = (500, 3);

#[derive(Deserialize)]
struct Golden {
    dominance: Vec<DominanceCase>,
    means: Vec<MeanCase>,
}

#[derive(Deserialize)]
struct DominanceCase {
    name: String,
    a: Vec<f64>,
    b: Vec<f64>,
    violation_ratio: f64,
    deviation: f64,
    min_epsilon: f64,
    deepsig: f64,
    deepsig_deviation: f64,
}

#[derive(Deserialize)]
struct MeanCase {
    name: String,
    values: Vec<f64>,
    mean: f64,
    deviation: f64,
    student: [f64; 2],
    bootstrap: [f64; 2],
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/seeds.json")).expect("the golden file")
}

fn near(what: &str, found: f64, expected: f64, relative: f64) {
    let apart = (found - expected).abs();
    assert!(
        apart <= relative * expected.abs() || apart <= 1e-15,
        "{what}: {found:?} and not {expected:?}"
    );
}

#[test]
fn dominance_is_the_brute_force_on_the_same_draws() {
    for case in golden().dominance {
        let found = almost_stochastic_order(&case.a, &case.b, 0.95, DRAWS).expect(&case.name);
        // Differences of four digits lose some of the twelve.
        near(
            &case.name,
            found.violation_ratio,
            case.violation_ratio,
            1e-11,
        );
        near(&case.name, found.deviation, case.deviation, 1e-11);
        near(&case.name, found.min_epsilon, case.min_epsilon, 1e-11);
    }
}

/// The package draws for itself and sums on a grid of 200 places.
#[test]
fn dominance_is_that_of_deepsig_within_its_error() {
    for case in golden().dominance {
        let found = almost_stochastic_order(&case.a, &case.b, 0.95, DRAWS).expect(&case.name);
        let apart = (found.min_epsilon - case.deepsig).abs();
        // Four standard errors of the mean of three of its results, and the error of the grid.
        let allowed = 4.0 * case.deepsig_deviation / 3_f64.sqrt() + 0.02;
        assert!(
            apart <= allowed && allowed < 0.2,
            "{}: {} and not {} within {allowed}",
            case.name,
            found.min_epsilon,
            case.deepsig
        );
    }
}

#[test]
fn intervals_of_means_are_those_of_scipy_and_numpy() {
    for case in golden().means {
        let student = student_interval(&case.values, 0.95).expect(&case.name);
        near(&case.name, student.mean, case.mean, 1e-12);
        near(&case.name, student.deviation, case.deviation, 1e-12);
        // The quantile of `statrs` is good to some nine digits.
        near(&case.name, student.low, case.student[0], 1e-9);
        near(&case.name, student.high, case.student[1], 1e-9);
        let bootstrap = bootstrap_interval(&case.values, 0.95, DRAWS).expect(&case.name);
        near(&case.name, bootstrap.low, case.bootstrap[0], 1e-12);
        near(&case.name, bootstrap.high, case.bootstrap[1], 1e-12);
        assert_eq!(bootstrap.mean, student.mean);
    }
}

#[test]
fn one_seed_has_no_interval() {
    assert_eq!(student_interval(&[0.9], 0.95), Err(NoTest::TooFew));
    assert_eq!(
        bootstrap_interval(&[0.9; 7], 0.95, DRAWS),
        Err(NoTest::TooFew)
    );
    let same = student_interval(&[0.9, 0.9, 0.9], 0.95).expect("an interval");
    assert_eq!((same.low, same.high), (0.9, 0.9));
}
