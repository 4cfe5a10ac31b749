//! McNemar's test: whether two classifiers are right equally often on the same rows.
//!
//! Only rows on which one is right and the other wrong say anything (McNemar,
//! Psychometrika 12, 1947). Rows must be independent of each other and count alike;
//! for weighted or grouped rows there is the permutation test.

use crate::normal;

/// Discordant rows up to which the probability is that of the binomial distribution.
/// Beyond, its normal approximation is better than 1e-3 of the probability around 0.05.
pub const MCNEMAR_EXACT_ROWS: u64 = 1000;

/// What McNemar's test says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct McNemarTest {
    /// Rows on which the first alone is right.
    pub only_a: u64,
    /// Rows on which the second alone is right.
    pub only_b: u64,
    /// Share of all rows on which the first is right, less that of the second.
    pub difference: f64,
    /// Low end of the interval of the difference.
    pub low: f64,
    /// High end of it.
    pub high: f64,
    /// Chi-square with continuity correction; `None` when the probability is exact.
    pub chi_square: Option<f64>,
    /// Two-sided probability of so uneven a split, or a more uneven one, when both are
    /// right equally often.
    pub p_value: f64,
    /// Cohen's g: the first's share of the discordant rows less one half; `None` without
    /// such a row.
    pub cohen_g: Option<f64>,
}

/// Tests `only_a` against `only_b` discordant rows of `rows` rows in all; the interval is
/// that of Bonett and Price (J. Educational and Behavioral Statistics 37, 2012), which
/// stays honest when there are few or none.
///
/// Without a discordant row the probability is 1.
#[must_use]
pub fn mcnemar(only_a: u64, only_b: u64, rows: u64, confidence: f64) -> McNemarTest {
    let discordant = only_a + only_b;
    let (first, second, all) = (only_a as f64, only_b as f64, rows as f64);
    let (chi_square, p_value) = if discordant <= MCNEMAR_EXACT_ROWS {
        (None, exact(only_a.min(only_b), discordant))
    } else {
        // statsmodels squares the corrected difference of equal counts, -1; nothing is
        // less uneven than those.
        let apart = ((first - second).abs() - 1.0).max(0.0);
        let chi_square = apart * apart / (first + second);
        (Some(chi_square), normal::two_sided(chi_square.sqrt()))
    };
    let (share_a, share_b) = ((first + 1.0) / (all + 2.0), (second + 1.0) / (all + 2.0));
    let centre = share_a - share_b;
    let error = ((share_a + share_b - centre * centre) / (all + 2.0)).sqrt();
    let half = normal::quantile(0.5 + confidence / 2.0) * error;
    McNemarTest {
        only_a,
        only_b,
        difference: (first - second) / all,
        low: (centre - half).max(-1.0),
        high: (centre + half).min(1.0),
        chi_square,
        p_value,
        cohen_g: (discordant > 0).then(|| first / (first + second) - 0.5),
    }
}

/// Twice the probability of at most `fewer` heads of `throws`, at most 1.
fn exact(fewer: u64, throws: u64) -> f64 {
    // 2^-1000 is far above the smallest float.
    let mut term = libm::exp2(-(throws as f64));
    let mut below = 0.0;
    for heads in 0..=fewer {
        below += term;
        term *= (throws - heads) as f64 / (heads + 1) as f64;
    }
    (2.0 * below).min(1.0)
}
