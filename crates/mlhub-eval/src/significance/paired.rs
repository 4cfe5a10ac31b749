//! One test of two sets of predictions in one metric: which test it is follows from the
//! metric, unless one is asked for.
//!
//! | metric | test |
//! |---|---|
//! | a share of right rows | McNemar; permutation for weighted or grouped rows |
//! | AUROC of a binary task | `DeLong`; bootstrap for weighted or grouped rows |
//! | another mean over rows or queries | permutation of signs |
//! | any other | bootstrap of the difference |
//! | one that a single row decides | none |

use serde::{Deserialize, Serialize};

use super::pairs::PairedPredictions;
use super::{choice, outcome};
use crate::bootstrap::{Bootstrap, MAX_SAMPLES};
use crate::evaluate::{EvaluateError, MAX_THREADS, check_bootstrap};

/// Draws when nothing else is asked for; the least probability is then 0.0001.
pub const DEFAULT_PAIRED_SAMPLES: u32 = 9_999;

/// Fewest rows, groups or queries for a bootstrap: of 8 there are 6,435 resamples.
pub const MIN_BOOTSTRAP_UNITS: usize = 8;

/// Fewest rows of each class for `DeLong`'s test, which is of large samples.
pub const MIN_DELONG_CLASS_ROWS: usize = 10;

/// A test of pairs of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PairedMethod {
    /// Rows on which one side alone is right, against an even split.
    #[serde(rename = "mcnemar")]
    McNemar,
    /// Two AUROCs by their placements.
    #[serde(rename = "delong")]
    DeLong,
    /// Sides of each row, group or query swapped at random.
    Permutation,
    /// Signed ranks of the differences of rows or queries.
    Wilcoxon,
    /// The difference over resamples of both sides at once.
    Bootstrap,
}

impl PairedMethod {
    /// The name used in messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::McNemar => "McNemar test",
            Self::DeLong => "DeLong test",
            Self::Permutation => "paired permutation test",
            Self::Wilcoxon => "Wilcoxon signed-rank test",
            Self::Bootstrap => "paired bootstrap test",
        }
    }
}

/// How to test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairedOptions {
    /// The test; chosen by the metric when `None`.
    pub method: Option<PairedMethod>,
    /// Resamples and permutations, 1 to [`MAX_SAMPLES`].
    pub samples: u32,
    /// Seed of all of them.
    pub seed: u64,
    /// Probability mass of the interval, between 0 and 1 exclusive.
    pub confidence: f64,
    /// Threads; 0 takes one per core. The result does not depend on it.
    pub threads: usize,
}

impl Default for PairedOptions {
    fn default() -> Self {
        Self {
            method: None,
            samples: DEFAULT_PAIRED_SAMPLES,
            seed: 0,
            confidence: 0.95,
            threads: 0,
        }
    }
}

/// An interval of a difference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DifferenceInterval {
    /// Low end.
    pub low: f64,
    /// High end.
    pub high: f64,
    /// Probability mass.
    pub confidence: f64,
    /// How it was made.
    pub method: String,
}

/// A difference in a measure that can be held against other metrics and data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// The measure.
    pub measure: String,
    /// Its value; above 0 when the metric of the first is the greater one.
    pub value: f64,
}

/// What a test of two sets of predictions says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedTest {
    /// Definition id, `name@version`.
    pub definition: String,
    /// Value of the first predictions.
    pub value_a: f64,
    /// Value of the second.
    pub value_b: f64,
    /// The first value less the second.
    pub difference: f64,
    /// Interval of the difference; `None` where too few rows allow none.
    pub interval: Option<DifferenceInterval>,
    /// Two-sided probability of a difference at least as great when there is none.
    pub p_value: f64,
    /// Which test.
    pub method: PairedMethod,
    /// How its probability was found: exactly, or by which approximation.
    pub detail: String,
    /// Effect size, where one is known for the test.
    pub effect: Option<Effect>,
    /// Rows of each side.
    pub n: u64,
    /// What is independent of each other: `rows`, `groups` or `queries`.
    pub unit: String,
    /// How many of these the test stands on.
    pub units: u64,
    /// Resamples or permutations drawn; 0 when nothing was.
    pub samples: u32,
    /// Seed they were drawn from.
    pub seed: u64,
}

/// Why two sets of predictions cannot be tested in a metric.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoPairedTest {
    /// An option that cannot be followed.
    #[error(transparent)]
    Options(#[from] EvaluateError),
    /// The metric cannot be computed from these predictions.
    #[error("`{definition}` cannot be computed: {reason}")]
    NotApplicable {
        /// The metric.
        definition: String,
        /// Why not.
        reason: String,
    },
    /// A value, or most values of resamples, is NaN or infinite.
    #[error("`{definition}` is undefined or infinite {place}")]
    Undefined {
        /// The metric.
        definition: String,
        /// In which predictions.
        place: &'static str,
    },
    /// Too little to tell a difference from chance.
    #[error("{found} {unit} are too few: the {method} needs {needed}")]
    TooFew {
        /// What there is.
        found: usize,
        /// What is counted.
        unit: &'static str,
        /// The test.
        method: &'static str,
        /// What there should be.
        needed: usize,
    },
    /// Both sides have the same value in every row that the metric looks at.
    #[error("no row tells the two apart in this metric: there is nothing to test")]
    Identical,
    /// The difference has no spread that could be measured.
    #[error("the difference does not vary over the rows, so chance cannot be measured")]
    NoSpread,
    /// The test asked for is not one of this metric.
    #[error("the {method} does not fit `{definition}`: {reason}")]
    WrongMethod {
        /// The test.
        method: &'static str,
        /// The metric.
        definition: String,
        /// Why not.
        reason: &'static str,
    },
    /// One row alone decides the value.
    #[error(
        "`{definition}` is decided by a single row: other rows say nothing of how it would vary, so \
         no test is honest"
    )]
    Extreme {
        /// The metric.
        definition: String,
    },
}

/// Whether two sets of predictions differ in a metric (`name@version`) by more than the
/// choice of the rows explains.
///
/// Rows, or groups or queries where there are any, are taken as independent draws. Nothing
/// is said about other seeds or training sets: for that, compare groups of runs.
///
/// # Errors
/// [`NoPairedTest`] says why nothing honest can be said.
pub fn paired_test(
    pair: &PairedPredictions<'_>,
    definition: &str,
    options: &PairedOptions,
) -> Result<PairedTest, NoPairedTest> {
    check(options)?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(options.threads)
        .build()
        .map_err(EvaluateError::ThreadPool)?;
    pool.install(|| {
        let chosen = choice::Question::new(pair, definition)?;
        outcome::answer(&chosen, options)
    })
}

fn check(options: &PairedOptions) -> Result<(), EvaluateError> {
    const _: () = assert!(DEFAULT_PAIRED_SAMPLES <= MAX_SAMPLES);
    check_bootstrap(Some(Bootstrap {
        samples: options.samples,
        seed: options.seed,
        confidence: options.confidence,
        ..Bootstrap::default()
    }))?;
    if options.threads > MAX_THREADS {
        return Err(EvaluateError::Threads {
            found: options.threads,
        });
    }
    Ok(())
}
