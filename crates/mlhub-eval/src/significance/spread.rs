//! Intervals of the mean over seeds.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::seeds::{NoTest, sample};
use crate::bootstrap::percentile;
use crate::draws::draw;
use crate::sum::mean;

/// Fewest values for a bootstrap interval of their mean: of 8 there are 6,435 resamples.
pub const MIN_BOOTSTRAP_SEEDS: usize = 8;

/// A mean with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanInterval {
    /// The mean.
    pub mean: f64,
    /// Standard deviation (n - 1) of the values.
    pub deviation: f64,
    /// Low end.
    pub low: f64,
    /// High end.
    pub high: f64,
}

/// Student's t interval of the mean of values that are about normal.
///
/// # Errors
/// [`NoTest::TooFew`] for fewer than two values; [`NoTest::NotFinite`].
pub fn student_interval(values: &[f64], confidence: f64) -> Result<MeanInterval, NoTest> {
    let sample = sample(values)?;
    let student = StudentsT::new(0.0, 1.0, sample.n - 1.0).map_err(|_| NoTest::NotFinite)?;
    let half = student.inverse_cdf(0.5 + confidence / 2.0) * (sample.variance / sample.n).sqrt();
    Ok(MeanInterval {
        mean: sample.mean,
        deviation: sample.variance.sqrt(),
        low: sample.mean - half,
        high: sample.mean + half,
    })
}

/// Percentile bootstrap interval of the mean: `samples` resamples from `seed`. Draws
/// pick from the values in ascending order, so that the order of runs does not matter.
///
/// # Errors
/// [`NoTest::TooFew`] for fewer than [`MIN_BOOTSTRAP_SEEDS`] values or no resample;
/// [`NoTest::NotFinite`].
pub fn bootstrap_interval(
    values: &[f64],
    confidence: f64,
    (samples, seed): (u32, u64),
) -> Result<MeanInterval, NoTest> {
    let all = sample(values)?;
    if values.len() < MIN_BOOTSTRAP_SEEDS || samples == 0 {
        return Err(NoTest::TooFew);
    }
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    let mut counts = vec![0; values.len()];
    let mut means: Vec<f64> = (0..samples)
        .map(|number| {
            draw(seed, number, &mut counts);
            let drawn = values.iter().zip(&counts);
            // A mean of n values times its count: the sum of products over n.
            mean(drawn.map(|(value, count)| value * f64::from(*count)))
        })
        .collect();
    means.sort_unstable_by(f64::total_cmp);
    let tail = 0.5 * (1.0 - confidence);
    Ok(MeanInterval {
        mean: all.mean,
        deviation: all.variance.sqrt(),
        low: percentile(&means, tail),
        high: percentile(&means, 1.0 - tail),
    })
}
