//! Sums and counts of rows that come in parts, of which none is held: the kernels of `label`,
//! `probability` and `regression`, whichever of them the metrics at hand take.
//!
//! The same accumulators make the values of rows that are all there, so values are the same to
//! the last bit however the rows are cut.

use super::label::LabelTally;
use super::probability::ProbabilityFold;
use super::regression::RegressionFold;
use super::{Kind, LabelCounts, Prepared};
use crate::sum::RowSum;
use crate::weights::RowWeights;

/// What is kept of the rows that came.
pub(crate) struct Fold {
    total: RowSum,
    labels: Option<LabelTally>,
    kernels: Vec<(Kind, Kernel)>,
}

enum Kernel {
    Probability(ProbabilityFold),
    Regression(RegressionFold),
}

impl Fold {
    /// No rows yet, all of which must come with weights of the kind `W`; counts of so many
    /// `labels` are kept for kinds that take them, and when `counted`. `None` when a kind needs
    /// all rows at once.
    pub(crate) fn of<W: RowWeights>(kinds: &[Kind], labels: usize, counted: bool) -> Option<Self> {
        let mut kernels = Vec::new();
        let mut counted = counted;
        for kind in kinds {
            match kind {
                Kind::Label(_) => counted = true,
                Kind::Probability(metric) => {
                    kernels.push((*kind, Kernel::Probability(ProbabilityFold::new(*metric))));
                }
                Kind::Regression(metric) => {
                    kernels.push((*kind, Kernel::Regression(RegressionFold::of(*metric)?)));
                }
                _ => return None,
            }
        }
        Some(Self {
            total: RowSum::default(),
            labels: counted.then(|| LabelTally::new::<W>(labels)),
            kernels,
        })
    }

    pub(crate) fn add<W: RowWeights>(&mut self, prepared: &Prepared<'_>, weights: &W) {
        self.total.extend(prepared.rows, |row| weights.weight(row));
        if let Some(labels) = &mut self.labels {
            labels.add(prepared, weights);
        }
        for (_, kernel) in &mut self.kernels {
            match kernel {
                Kernel::Probability(fold) => fold.add(&prepared.probability, weights),
                Kernel::Regression(fold) => {
                    let columns = prepared.regression.as_ref();
                    columns.into_iter().for_each(|of| fold.add(of, weights));
                }
            }
        }
    }

    /// All rows were there. True when they must come once more, to `add_again`.
    pub(crate) fn end_first(&mut self) -> bool {
        let total = self.total.value();
        let mut again = false;
        for (_, kernel) in &mut self.kernels {
            if let Kernel::Regression(fold) = kernel {
                fold.end_first(total);
                again |= fold.takes_two();
            }
        }
        again
    }

    pub(crate) fn add_again<W: RowWeights>(&mut self, prepared: &Prepared<'_>, weights: &W) {
        let Some(columns) = &prepared.regression else {
            return;
        };
        for (_, kernel) in &mut self.kernels {
            if let Kernel::Regression(fold) = kernel {
                fold.add_again(columns, weights);
            }
        }
    }

    pub(crate) fn folded(self) -> Folded {
        Folded {
            total: self.total.value(),
            counts: self.labels.map(LabelTally::counts),
            kernels: self.kernels,
        }
    }
}

/// What all rows come to.
pub(crate) struct Folded {
    /// Their weight.
    pub(crate) total: f64,
    pub(crate) counts: Option<LabelCounts>,
    kernels: Vec<(Kind, Kernel)>,
}

impl Folded {
    /// The value of a kind that was folded; NaN where undefined.
    pub(crate) fn value(&self, kind: Kind) -> f64 {
        if let (Kind::Label(metric), Some(counts)) = (kind, &self.counts) {
            return counts.value(metric);
        }
        let kernel = self.kernels.iter().find(|(of, _)| *of == kind);
        kernel.map_or(f64::NAN, |(_, kernel)| match kernel {
            Kernel::Probability(fold) => fold.value(self.total),
            Kernel::Regression(fold) => fold.value(self.total),
        })
    }
}
