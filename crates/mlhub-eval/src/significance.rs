//! Whether two results differ by more than chance does.
//!
//! `seeds` tests groups of runs by the values of their seeds (Welch), `ranks` by the
//! order of the values (Mann and Whitney), `dominance` by their whole distribution
//! (almost stochastic order). `paired` tests two sets of predictions of the same
//! examples; the tests it chooses from are `discordant` (McNemar), `areas` (DeLong),
//! `ranks` (Wilcoxon) and `flips` (permutation and bootstrap of any metric).
//!
//! Nothing here is stored. Random numbers come from the seed that is handed in, so a
//! result is the same on every machine; only the Student distribution of `seeds` is that
//! of `statrs`, where the platform may show in the last bits.

mod areas;
mod choice;
mod discordant;
mod dominance;
mod flips;
mod outcome;
mod paired;
mod pairs;
mod ranks;
mod seeds;
mod spread;

pub use areas::{DeLongTest, delong};
pub use discordant::{MCNEMAR_EXACT_ROWS, McNemarTest, mcnemar};
pub use dominance::{
    Dominance, MAX_DOMINANCE_VALUES, MIN_DOMINANCE_VALUES, almost_stochastic_order,
};
pub use flips::MAX_ALL_FLIPS;
pub use paired::{
    DEFAULT_PAIRED_SAMPLES, DifferenceInterval, Effect, MIN_BOOTSTRAP_UNITS, MIN_DELONG_CLASS_ROWS,
    NoPairedTest, PairedMethod, PairedOptions, PairedTest, paired_test,
};
pub use pairs::{PairError, PairedPredictions};
pub use ranks::{
    MANN_WHITNEY_EXACT_VALUES, MannWhitneyTest, WILCOXON_EXACT_PAIRS, WilcoxonTest, mann_whitney,
    wilcoxon,
};
pub use seeds::{NoTest, WelchTest, hedges_g, holm, welch_test};
pub use spread::{MIN_BOOTSTRAP_SEEDS, MeanInterval, bootstrap_interval, student_interval};
