//! Whether two groups of runs differ in a metric by more than their seeds do.
//!
//! Welch's t test (unequal variances; Welch, Biometrika 34, 1947) with the interval
//! of the difference of the means, Hedges' g with the exact small-sample factor
//! (Hedges, J. Educational Statistics 6, 1981), and Holm's adjustment for many tests
//! (Holm, Scand. J. Statistics 6, 1979). The Student distribution is that of `statrs`;
//! unlike evaluations, these numbers are worked out when asked for and never stored.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// What a test of two samples says. Differences are those of the first mean to the
/// second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WelchTest {
    /// Mean of the first less mean of the second.
    pub difference: f64,
    /// Low end of the interval of the difference.
    pub low: f64,
    /// High end of it.
    pub high: f64,
    /// The statistic.
    pub t: f64,
    /// Degrees of freedom by Welch and Satterthwaite.
    pub degrees_of_freedom: f64,
    /// Two-sided probability of a difference at least as great when there is none.
    pub p_value: f64,
}

/// Why two samples cannot be tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoTest {
    /// A sample has fewer values than the test needs, two unless it says otherwise: nothing
    /// is known of its spread.
    TooFew,
    /// All values of each sample are the same.
    NoSpread,
    /// A value is no finite number, or the numbers are too great to be squared.
    NotFinite,
}

/// Count, mean and variance (n - 1) of a sample.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub(super) n: f64,
    pub(super) mean: f64,
    pub(super) variance: f64,
}

pub(super) fn sample(values: &[f64]) -> Result<Sample, NoTest> {
    if values.iter().any(|value| !value.is_finite()) {
        return Err(NoTest::NotFinite);
    }
    let [first, _, ..] = values else {
        return Err(NoTest::TooFew);
    };
    let n = values.len() as f64;
    // Equal values have no spread, whatever the rounding of their mean would say.
    if values.iter().all(|value| value == first) {
        return Ok(Sample {
            n,
            mean: *first,
            variance: 0.0,
        });
    }
    // Sorted, so that the order of the runs cannot change the last bit.
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mean = sorted.iter().sum::<f64>() / n;
    let squares: f64 = sorted.iter().map(|value| (value - mean).powi(2)).sum();
    let variance = squares / (n - 1.0);
    match mean.is_finite() && variance.is_finite() {
        true => Ok(Sample { n, mean, variance }),
        false => Err(NoTest::NotFinite),
    }
}

/// Tests whether the means of two samples differ; `confidence` is that of the interval.
///
/// # Errors
/// Why no test can be made.
pub fn welch_test(a: &[f64], b: &[f64], confidence: f64) -> Result<WelchTest, NoTest> {
    let (a, b) = (sample(a)?, sample(b)?);
    let (part_a, part_b) = (a.variance / a.n, b.variance / b.n);
    let squared_error = part_a + part_b;
    if squared_error == 0.0 {
        return Err(NoTest::NoSpread);
    }
    // As shares of the whole, so that small variances do not vanish when squared.
    let (share_a, share_b) = (part_a / squared_error, part_b / squared_error);
    let degrees_of_freedom =
        1.0 / (share_a * share_a / (a.n - 1.0) + share_b * share_b / (b.n - 1.0));
    let error = squared_error.sqrt();
    let difference = a.mean - b.mean;
    let t = difference / error;
    let student = StudentsT::new(0.0, 1.0, degrees_of_freedom).map_err(|_| NoTest::NotFinite)?;
    let half = student.inverse_cdf(0.5 + confidence / 2.0) * error;
    Ok(WelchTest {
        difference,
        low: difference - half,
        high: difference + half,
        t,
        degrees_of_freedom,
        p_value: (2.0 * student.sf(t.abs())).min(1.0),
    })
}

/// The difference of the means in pooled standard deviations, without the bias that
/// small samples bring.
///
/// # Errors
/// Why there is none.
pub fn hedges_g(a: &[f64], b: &[f64]) -> Result<f64, NoTest> {
    let (a, b) = (sample(a)?, sample(b)?);
    let degrees = a.n + b.n - 2.0;
    let pooled = ((a.n - 1.0) * a.variance + (b.n - 1.0) * b.variance) / degrees;
    if pooled == 0.0 {
        return Err(NoTest::NoSpread);
    }
    let log_factor = libm::lgamma(degrees / 2.0) - libm::lgamma((degrees - 1.0) / 2.0);
    let factor = libm::exp(log_factor) / (degrees / 2.0).sqrt();
    Ok(factor * (a.mean - b.mean) / pooled.sqrt())
}

/// Probabilities of several tests adjusted so that the chance of even one false
/// finding among all of them stays below the level they are compared with; in the
/// order they came.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut adjusted = vec![1.0; p_values.len()];
    let mut greatest: f64 = 0.0;
    for (place, index) in order.into_iter().enumerate() {
        let tests_left = (p_values.len() - place) as f64;
        greatest = greatest.max(p_values[index] * tests_left).min(1.0);
        adjusted[index] = greatest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Case {
        name: String,
        a: Vec<f64>,
        b: Vec<f64>,
        difference: f64,
        t: f64,
        df: f64,
        p: f64,
        low: f64,
        high: f64,
        g: f64,
    }

    /// Made by `tests/golden/make_significance.py` with SciPy 1.17.1.
    const GOLDEN: &str = include_str!("../../tests/golden/significance.json");

    fn near(what: &str, found: f64, expected: f64) {
        let error = (found - expected).abs();
        let allowed = 1e-8 * expected.abs().max(1e-6);
        assert!(error <= allowed, "{what}: {found} and not {expected}");
    }

    #[test]
    fn tests_are_those_of_scipy() {
        let cases: Vec<Case> = serde_json::from_str(GOLDEN).expect("the golden file");
        assert!(cases.len() >= 6);
        for case in cases {
            let found = welch_test(&case.a, &case.b, 0.95).expect(&case.name);
            let name = &case.name;
            near(
                &format!("{name} difference"),
                found.difference,
                case.difference,
            );
            near(&format!("{name} t"), found.t, case.t);
            near(&format!("{name} df"), found.degrees_of_freedom, case.df);
            near(&format!("{name} p"), found.p_value, case.p);
            near(&format!("{name} low"), found.low, case.low);
            near(&format!("{name} high"), found.high, case.high);
            near(
                &format!("{name} g"),
                hedges_g(&case.a, &case.b).expect(name),
                case.g,
            );
        }
    }

    #[test]
    fn what_cannot_be_tested_says_why() {
        let test = |a: &[f64], b: &[f64]| welch_test(a, b, 0.95).map(|_| ());
        assert_eq!(test(&[0.9], &[0.8, 0.7]), Err(NoTest::TooFew));
        assert_eq!(test(&[], &[0.8, 0.7]), Err(NoTest::TooFew));
        // The mean of three 0.9 is not 0.9 as a float; there is no spread all the same.
        assert_eq!(test(&[0.9; 3], &[0.7; 3]), Err(NoTest::NoSpread));
        assert_eq!(hedges_g(&[0.9; 3], &[0.7; 3]), Err(NoTest::NoSpread));
        assert_eq!(test(&[0.9, f64::NAN], &[0.8, 0.7]), Err(NoTest::NotFinite));
        assert_eq!(
            test(&[f64::MAX, -f64::MAX], &[0.8, 0.7]),
            Err(NoTest::NotFinite)
        );
    }

    #[test]
    fn many_tests_are_adjusted_as_holm_says() {
        // By hand: 0.005 * 5, 0.01 * 4, 0.03 * 3, then 0.04 * 2 raised to the one before.
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005, 0.5]);
        for (found, expected) in adjusted.iter().zip([0.04, 0.09, 0.09, 0.025, 0.5]) {
            near("adjusted", *found, expected);
        }
        assert_eq!(holm(&[0.6, 0.7]), [1.0, 1.0]);
        assert_eq!(holm(&[]), Vec::<f64>::new());
    }

    proptest! {
        #[test]
        fn sides_mirror_each_other_and_order_does_not_matter(
            a in prop::collection::vec(-1e3f64..1e3, 2..8),
            b in prop::collection::vec(-1e3f64..1e3, 2..8),
        ) {
            let mut turned = a.clone();
            turned.reverse();
            let one = welch_test(&a, &b, 0.95);
            prop_assert_eq!(one, welch_test(&turned, &b, 0.95));
            if let (Ok(one), Ok(other)) = (one, welch_test(&b, &a, 0.95)) {
                prop_assert_eq!(one.difference, -other.difference);
                prop_assert_eq!(one.low, -other.high);
                prop_assert_eq!(one.p_value, other.p_value);
                prop_assert!((0.0..=1.0).contains(&one.p_value));
                // The interval leaves out 0 exactly when the test finds a difference.
                let outside = one.low > 0.0 || one.high < 0.0;
                let clear = (one.p_value - 0.05).abs() > 1e-6;
                prop_assert!(!clear || outside == (one.p_value < 0.05));
            }
        }

        #[test]
        fn an_adjusted_probability_is_never_smaller(p in prop::collection::vec(0.0f64..=1.0, 0..20)) {
            let adjusted = holm(&p);
            prop_assert!(p.iter().zip(&adjusted).all(|(p, adjusted)| p <= adjusted && *adjusted <= 1.0));
        }
    }
}
