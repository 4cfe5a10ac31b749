//! AUROC and average precision: one walk over the rows in the order of a score
//! column gives both, for any row weights, ties taken as groups.
//!
//! For several classes the same walk counts the pairs of each class against each
//! other one, so the pairwise AUROC costs no extra sorting.

use super::{Prepared, RankMetric};
use crate::ranking::Ranking;
use crate::sum::{CompensatedSum, mean};
use crate::weights::RowWeights;

/// One class against the rest.
#[derive(Clone, Copy)]
pub(crate) struct OneVsRest {
    /// Weight of the class.
    positive: f64,
    /// NaN when one side has no weight.
    pub(crate) auroc: f64,
    /// 0 when the class has no weight.
    pub(crate) average_precision: f64,
}

/// Per-class values of the ranked classes.
pub(super) struct RankValues {
    classes: Vec<OneVsRest>,
    pairwise: Pairwise,
}

/// Means over the pairs of classes that occur.
#[derive(Clone, Copy)]
struct Pairwise {
    /// Each pair counts the same.
    plain: f64,
    /// Each pair counts by its rows.
    by_rows: f64,
}

impl RankValues {
    /// `pairwise` also computes the pairwise AUROC; only for unweighted rows.
    pub(super) fn collect<W: RowWeights>(
        prepared: &Prepared<'_>,
        weights: &W,
        pairwise: bool,
    ) -> Self {
        let labels = prepared.labels;
        let mut right_pairs = vec![0.0; if pairwise { labels * labels } else { 0 }];
        let classes = prepared
            .rankings
            .iter()
            .zip(&prepared.ranked)
            .map(|(ranking, class)| {
                let pairs = right_pairs.get_mut(class * labels..(class + 1) * labels);
                walk(ranking, prepared.y_true, *class, weights, pairs)
            })
            .collect();
        let pairwise = if pairwise {
            pairwise_auroc(prepared, weights, &right_pairs)
        } else {
            Pairwise {
                plain: f64::NAN,
                by_rows: f64::NAN,
            }
        };
        Self { classes, pairwise }
    }

    pub(super) fn value(&self, metric: RankMetric) -> f64 {
        let aurocs = self.classes.iter().map(|class| class.auroc);
        let precisions = self.classes.iter().map(|class| class.average_precision);
        match metric {
            RankMetric::Auroc | RankMetric::AurocOvrMacro => mean(aurocs),
            RankMetric::AveragePrecision | RankMetric::AveragePrecisionMacro => mean(precisions),
            RankMetric::AurocOvrWeighted => weighted_mean(
                self.classes
                    .iter()
                    .map(|class| (class.positive, class.auroc)),
            ),
            RankMetric::AurocOvoMacro => self.pairwise.plain,
            RankMetric::AurocOvoWeighted => self.pairwise.by_rows,
        }
    }
}

/// Walks rows by descending score. With `pairs`, adds up per other class the
/// number of (this class, other class) pairs in the right order, ties one half.
pub(crate) fn walk<W: RowWeights>(
    ranking: &Ranking,
    y_true: &[u32],
    class: usize,
    weights: &W,
    pairs: Option<&mut [f64]>,
) -> OneVsRest {
    let mut walk = Walk::<W> {
        positive: Running::default(),
        negative: Running::default(),
        area: Running::default(),
        precision_area: CompensatedSum::default(),
        pairs,
    };
    let mut group_positive = 0.0;
    let mut group_others: Vec<(usize, f64)> = Vec::new();
    for (row, ends_group) in ranking.iter() {
        let weight = weights.weight(row);
        if weight > 0.0 {
            let row_class = y_true[row] as usize;
            let is_positive = row_class == class;
            if ends_group && group_positive == 0.0 && group_others.is_empty() {
                // Most rows of most columns: a group of one.
                if is_positive {
                    walk.add_group(weight, &[]);
                } else {
                    walk.add_group(0.0, &[(row_class, weight)]);
                }
                continue;
            }
            if is_positive {
                group_positive += weight;
            } else {
                group_others.push((row_class, weight));
            }
        }
        if ends_group {
            walk.add_group(group_positive, &group_others);
            group_positive = 0.0;
            group_others.clear();
        }
    }
    walk.finish()
}

/// The state of a walk: what ranks above the next group of equal scores.
struct Walk<'a, W> {
    positive: Running<W>,
    negative: Running<W>,
    area: Running<W>,
    precision_area: CompensatedSum,
    pairs: Option<&'a mut [f64]>,
}

impl<W: RowWeights> Walk<'_, W> {
    /// Adds rows of one score: the weight of the class, and each other row's class
    /// and weight.
    #[inline]
    fn add_group(&mut self, positive: f64, others: &[(usize, f64)]) {
        let above = self.positive.value() + 0.5 * positive;
        for (other, weight) in others {
            self.area.add(weight * above);
            self.negative.add(*weight);
            if let Some(pairs) = &mut self.pairs {
                pairs[*other] += weight * above;
            }
        }
        if positive > 0.0 {
            self.positive.add(positive);
            let precision = self.positive.value() / (self.positive.value() + self.negative.value());
            self.precision_area.add(positive * precision);
        }
    }

    fn finish(self) -> OneVsRest {
        let (positive, negative) = (self.positive.value(), self.negative.value());
        OneVsRest {
            positive,
            // 0 / 0 is the NaN of a missing class.
            auroc: self.area.value() / (positive * negative),
            average_precision: if positive > 0.0 {
                self.precision_area.value() / positive
            } else {
                0.0
            },
        }
    }
}

/// A sum that is plain where plain is exact.
pub(crate) struct Running<W> {
    sum: CompensatedSum,
    weights: std::marker::PhantomData<W>,
}

impl<W> Default for Running<W> {
    fn default() -> Self {
        Self {
            sum: CompensatedSum::default(),
            weights: std::marker::PhantomData,
        }
    }
}

impl<W: RowWeights> Running<W> {
    pub(crate) fn add(&mut self, value: f64) {
        if W::EXACT {
            self.sum.add_exact(value);
        } else {
            self.sum.add(value);
        }
    }

    pub(crate) fn value(&self) -> f64 {
        self.sum.value()
    }
}

/// Hand and Till's mean over the pairs of classes that occur.
fn pairwise_auroc<W: RowWeights>(
    prepared: &Prepared<'_>,
    weights: &W,
    right_pairs: &[f64],
) -> Pairwise {
    let labels = prepared.labels;
    let mut rows = vec![0.0; labels];
    for (row, class) in prepared.y_true.iter().enumerate() {
        rows[*class as usize] += weights.weight(row);
    }
    let present: Vec<usize> = (0..labels).filter(|class| rows[*class] > 0.0).collect();
    let pairs = || {
        present.iter().enumerate().flat_map(|(place, first)| {
            let rows = &rows;
            present[place + 1..].iter().map(move |second| {
                let pairs = rows[*first] * rows[*second];
                let forth = right_pairs[first * labels + second] / pairs;
                let back = right_pairs[second * labels + first] / pairs;
                (rows[*first] + rows[*second], f64::midpoint(forth, back))
            })
        })
    };
    Pairwise {
        plain: mean(pairs().map(|(_, auroc)| auroc)),
        by_rows: weighted_mean(pairs()),
    }
}

/// Mean of (weight, value); NaN for none.
fn weighted_mean(values: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (mut sum, mut total) = (CompensatedSum::default(), CompensatedSum::default());
    for (weight, value) in values {
        sum.add(weight * value);
        total.add(weight);
    }
    sum.value() / total.value()
}
