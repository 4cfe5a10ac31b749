//! Tests by the order of values alone: Wilcoxon's signed ranks for pairs, Mann and
//! Whitney's U for two samples.
//!
//! Exact where that is small, by counting all assignments; else the normal approximation
//! with corrections for ties and continuity, as SciPy has it.

use super::seeds::NoTest;
use crate::normal;
use crate::sum::CompensatedSum;

/// Pairs up to which Wilcoxon's probability is exact, when no two are tied.
pub const WILCOXON_EXACT_PAIRS: usize = 50;

/// Values of both samples together up to which Mann and Whitney's probability is exact,
/// ties or not.
pub const MANN_WHITNEY_EXACT_VALUES: usize = 64;

/// What Wilcoxon's signed-rank test says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WilcoxonTest {
    /// Sum of the ranks of the positive differences.
    pub positive_ranks: f64,
    /// Sum of the ranks of the negative ones.
    pub negative_ranks: f64,
    /// Differences that are not 0, which alone are ranked.
    pub pairs: u64,
    /// The standardised statistic; `None` when the probability is exact.
    pub z: Option<f64>,
    /// Two-sided probability of sums so far apart when differences lie symmetrically
    /// around 0.
    pub p_value: f64,
    /// Matched-pairs rank-biserial correlation (Kerby, 2014), from -1 to 1: the share of
    /// ranks that are positive less that of the negative ones.
    pub rank_biserial: f64,
}

/// Whether differences of pairs lie symmetrically around 0 (Wilcoxon, Biometrics
/// Bulletin 1, 1945); zeros are left out.
///
/// # Errors
/// [`NoTest::TooFew`] for fewer than two pairs, [`NoTest::NoSpread`] when all are 0,
/// [`NoTest::NotFinite`].
pub fn wilcoxon(differences: &[f64]) -> Result<WilcoxonTest, NoTest> {
    if differences.iter().any(|difference| !difference.is_finite()) {
        return Err(NoTest::NotFinite);
    }
    if differences.len() < 2 {
        return Err(NoTest::TooFew);
    }
    let mut ordered: Vec<f64> = differences
        .iter()
        .copied()
        .filter(|difference| *difference != 0.0)
        .collect();
    if ordered.is_empty() {
        return Err(NoTest::NoSpread);
    }
    ordered.sort_unstable_by(|a, b| a.abs().total_cmp(&b.abs()));
    let pairs = ordered.len();
    let (mut positive, mut tied) = (0.0, 0.0);
    let mut start = 0;
    for group in ordered.chunk_by(|a, b| a.abs() == b.abs()) {
        let count = group.len() as f64;
        let rank = start as f64 + 0.5 * (count + 1.0);
        // Halves of whole numbers: exact.
        positive += rank * group.iter().filter(|value| **value > 0.0).count() as f64;
        tied += count * (count * count - 1.0);
        start += group.len();
    }
    let n = pairs as f64;
    let all = 0.5 * n * (n + 1.0);
    let negative = all - positive;
    let (z, p_value) = if pairs <= WILCOXON_EXACT_PAIRS && tied == 0.0 {
        (None, signed_ranks_below(positive.min(negative), pairs))
    } else {
        let deviation = positive - 0.5 * all;
        let variance = (n * (n + 1.0) * (2.0 * n + 1.0) - 0.5 * tied) / 24.0;
        let z = towards_zero(deviation, 0.5) / variance.sqrt();
        (Some(z), normal::two_sided(z))
    };
    Ok(WilcoxonTest {
        positive_ranks: positive,
        negative_ranks: negative,
        pairs: pairs as u64,
        z,
        p_value,
        rank_biserial: (positive - negative) / all,
    })
}

/// The correction for continuity; never past 0.
fn towards_zero(deviation: f64, by: f64) -> f64 {
    (deviation.abs() - by).max(0.0).copysign(deviation)
}

/// Twice the probability that signs at random give ranks 1 to `pairs` a positive sum of
/// at most `fewer`, at most 1.
fn signed_ranks_below(fewer: f64, pairs: usize) -> f64 {
    let fewer = fewer as usize;
    // Sets of ranks by their sum; all counts are below 2^50, so exact.
    let mut sets = vec![0.0_f64; fewer + 1];
    sets[0] = 1.0;
    for rank in 1..=pairs.min(fewer) {
        for sum in (rank..=fewer).rev() {
            sets[sum] += sets[sum - rank];
        }
    }
    let below: f64 = sets.iter().sum();
    (2.0 * below * libm::exp2(-(pairs as f64))).min(1.0)
}

/// What Mann and Whitney's test says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MannWhitneyTest {
    /// Pairs of a value of each sample in which the first is greater, ties one half.
    pub u: f64,
    /// The standardised statistic; `None` when the probability is exact.
    pub z: Option<f64>,
    /// Two-sided probability of so uneven a U when both samples are of one distribution.
    pub p_value: f64,
    /// Rank-biserial correlation, from -1 to 1: the share of pairs in which the first is
    /// greater less the share in which the second is (Cliff's delta).
    pub rank_biserial: f64,
}

/// Whether values of one sample tend to be greater than those of another (Mann and
/// Whitney, Ann. Math. Statistics 18, 1947).
///
/// # Errors
/// [`NoTest::TooFew`] for a sample of fewer than two values, [`NoTest::NoSpread`] when all
/// values are the same, [`NoTest::NotFinite`].
pub fn mann_whitney(a: &[f64], b: &[f64]) -> Result<MannWhitneyTest, NoTest> {
    if a.iter().chain(b).any(|value| !value.is_finite()) {
        return Err(NoTest::NotFinite);
    }
    if a.len() < 2 || b.len() < 2 {
        return Err(NoTest::TooFew);
    }
    let of_first = a.iter().map(|value| (*value, true));
    let mut values: Vec<(f64, bool)> = of_first.chain(b.iter().map(|v| (*v, false))).collect();
    values.sort_unstable_by(|a, b| (a.0 + 0.0).total_cmp(&(b.0 + 0.0)));
    // Twice the mean rank of each value: a whole number.
    let mut doubled_ranks = Vec::with_capacity(values.len());
    let (mut doubled_sum, mut tied) = (0_usize, 0.0);
    for group in values.chunk_by(|a, b| a.0 == b.0) {
        let doubled = 2 * doubled_ranks.len() + group.len() + 1;
        let of_first = group.iter().filter(|value| value.1).count();
        doubled_sum += doubled * of_first;
        doubled_ranks.extend(std::iter::repeat_n(doubled, group.len()));
        let count = group.len() as f64;
        tied += count * (count * count - 1.0);
    }
    let (first, second) = (a.len() as f64, b.len() as f64);
    let all = first + second;
    if tied == all * (all * all - 1.0) {
        return Err(NoTest::NoSpread);
    }
    let u = 0.5 * doubled_sum as f64 - 0.5 * first * (first + 1.0);
    let (z, p_value) = if values.len() <= MANN_WHITNEY_EXACT_VALUES {
        (None, rank_sums_beyond(doubled_sum, a.len(), &doubled_ranks))
    } else {
        let variance = first * second / 12.0 * (all + 1.0 - tied / (all * (all - 1.0)));
        let z = towards_zero(u - 0.5 * first * second, 0.5) / variance.sqrt();
        (Some(z), normal::two_sided(z))
    };
    Ok(MannWhitneyTest {
        u,
        z,
        p_value,
        rank_biserial: (2.0 * u - first * second) / (first * second),
    })
}

/// Twice the lesser tail of the sum of `chosen` of the ranks drawn without replacement, at
/// most 1.
fn rank_sums_beyond(observed: usize, chosen: usize, ranks: &[usize]) -> f64 {
    let greatest: usize = ranks.iter().sum();
    // sets[k][s]: sets of k ranks of sum s. At most 64 over 32, some 2^61: good to 1e-15.
    let mut sets = vec![vec![0.0_f64; greatest + 1]; chosen + 1];
    sets[0][0] = 1.0;
    for rank in ranks {
        for count in (1..=chosen).rev() {
            let (fewer, more) = sets.split_at_mut(count);
            let from = &fewer[count - 1][..=greatest - rank];
            for (set, before) in more[0][*rank..].iter_mut().zip(from) {
                *set += before;
            }
        }
    }
    let sum = |part: &[f64]| {
        let mut sum = CompensatedSum::default();
        part.iter().for_each(|count| sum.add(*count));
        sum.value()
    };
    let sums = &sets[chosen];
    let tail = sum(&sums[..=observed]).min(sum(&sums[observed..]));
    (2.0 * tail / sum(sums)).min(1.0)
}
