//! `DeLong`'s test of two AUROCs over the same rows.
//!
//! The variance of the difference is that of E. DeLong, D. DeLong and D. Clarke-Pearson
//! (Biometrics 44, 1988), from mean ranks in O(n log n) (X. Sun and W. Xu, IEEE Signal
//! Processing Letters 21, 2014). Rows must be independent of each other and count alike.

use super::seeds::NoTest;
use crate::normal;
use crate::ranking::{Order, Ranking};
use crate::sum::sum_rows;

/// What `DeLong`'s test says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DeLongTest {
    /// AUROC of the first scores.
    pub auroc_a: f64,
    /// AUROC of the second scores.
    pub auroc_b: f64,
    /// The first less the second.
    pub difference: f64,
    /// Variance of the difference.
    pub variance: f64,
    /// Low end of the interval of the difference.
    pub low: f64,
    /// High end of it.
    pub high: f64,
    /// The difference in its standard errors.
    pub z: f64,
    /// Two-sided probability of a difference at least as great when there is none.
    pub p_value: f64,
}

/// Tests whether two scores of the same rows have the same AUROC.
///
/// # Errors
/// [`NoTest::TooFew`] with fewer than two positive or two negative rows,
/// [`NoTest::NoSpread`] when the difference has no variance (the same order twice, or each
/// order perfect or none at all), [`NoTest::NotFinite`] for such a score or columns of
/// unequal length.
pub fn delong(
    positive: &[bool],
    a: &[f64],
    b: &[f64],
    confidence: f64,
) -> Result<DeLongTest, NoTest> {
    let are_finite = a.iter().chain(b).all(|score| score.is_finite());
    if !are_finite || a.len() != positive.len() || b.len() != positive.len() {
        return Err(NoTest::NotFinite);
    }
    let rows_of = |class: bool| -> Vec<usize> {
        let rows = positive.iter().enumerate();
        rows.filter(|(_, is)| **is == class)
            .map(|row| row.0)
            .collect()
    };
    let (positives, negatives) = (rows_of(true), rows_of(false));
    if positives.len() < 2 || negatives.len() < 2 {
        return Err(NoTest::TooFew);
    }
    let a = Placements::of(a, &positives, &negatives);
    let b = Placements::of(b, &positives, &negatives);
    let (auroc_a, auroc_b) = (a.auroc(), b.auroc());
    let difference = auroc_a - auroc_b;
    let variance = variance_of_differences(&a.of_positives, &b.of_positives)
        / positives.len() as f64
        + variance_of_differences(&a.of_negatives, &b.of_negatives) / negatives.len() as f64;
    if variance == 0.0 {
        return Err(NoTest::NoSpread);
    }
    let error = variance.sqrt();
    let half = normal::quantile(0.5 + confidence / 2.0) * error;
    let z = difference / error;
    Ok(DeLongTest {
        auroc_a,
        auroc_b,
        difference,
        variance,
        low: (difference - half).max(-1.0),
        high: (difference + half).min(1.0),
        z,
        p_value: normal::two_sided(z),
    })
}

/// Of each row, the share of rows of the other class that it is on the right side of, ties
/// one half.
struct Placements {
    of_positives: Vec<f64>,
    of_negatives: Vec<f64>,
}

impl Placements {
    fn of(scores: &[f64], positives: &[usize], negatives: &[usize]) -> Self {
        let among_all = mean_ranks(scores.len(), |row| scores[row]);
        let among_positives = mean_ranks(positives.len(), |place| scores[positives[place]]);
        let among_negatives = mean_ranks(negatives.len(), |place| scores[negatives[place]]);
        let below = |rows: &[usize], among_own: &[f64], others: usize| -> Vec<f64> {
            let own = rows.iter().zip(among_own);
            own.map(|(row, own)| (among_all[*row] - own) / others as f64)
                .collect()
        };
        let of_positives = below(positives, &among_positives, negatives.len());
        let mut of_negatives = below(negatives, &among_negatives, positives.len());
        for share in &mut of_negatives {
            *share = 1.0 - *share;
        }
        Self {
            of_positives,
            of_negatives,
        }
    }

    fn auroc(&self) -> f64 {
        let shares = &self.of_positives;
        sum_rows(shares.len(), |row| shares[row]) / shares.len() as f64
    }
}

/// Rank of each value from 1, ties their mean rank.
fn mean_ranks(rows: usize, value: impl Fn(usize) -> f64 + Sync) -> Vec<f64> {
    let mut ranks = vec![0.0; rows];
    let (mut below, mut tied) = (0_usize, Vec::new());
    for (row, ends_group) in Ranking::new(rows, Order::Ascending, value).iter() {
        tied.push(row);
        if ends_group {
            let rank = below as f64 + 0.5 * (tied.len() + 1) as f64;
            below += tied.len();
            for row in tied.drain(..) {
                ranks[row] = rank;
            }
        }
    }
    ranks
}

/// Variance (n - 1) of `a - b`; exactly 0 when all differences are the same.
fn variance_of_differences(a: &[f64], b: &[f64]) -> f64 {
    let rows = a.len();
    let difference = |row: usize| a[row] - b[row];
    if (1..rows).all(|row| difference(row) == difference(0)) {
        return 0.0;
    }
    let mean = sum_rows(rows, difference) / rows as f64;
    let squares = sum_rows(rows, |row| {
        let deviation = difference(row) - mean;
        deviation * deviation
    });
    squares / (rows - 1) as f64
}
