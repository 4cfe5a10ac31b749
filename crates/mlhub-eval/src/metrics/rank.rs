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
    /// NaN when one side has no weight.
    pub(crate) auroc: f64,
    /// 0 when the class has no weight.
    pub(crate) average_precision: f64,
}

/// Per-class values of the ranked classes.
pub(super) struct RankValues {
    classes: Vec<OneVsRest>,
    pairwise: f64,
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
            f64::NAN
        };
        Self { classes, pairwise }
    }

    pub(super) fn value(&self, metric: RankMetric) -> f64 {
        let aurocs = self.classes.iter().map(|class| class.auroc);
        let precisions = self.classes.iter().map(|class| class.average_precision);
        match metric {
            RankMetric::Auroc | RankMetric::AurocOvrMacro => mean(aurocs),
            RankMetric::AveragePrecision | RankMetric::AveragePrecisionMacro => mean(precisions),
            RankMetric::AurocOvoMacro => self.pairwise,
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
    mut pairs: Option<&mut [f64]>,
) -> OneVsRest {
    let mut positive = Running::<W>::default();
    let mut negative = Running::<W>::default();
    let mut area = Running::<W>::default();
    let mut precision_area = CompensatedSum::default();
    let (mut group_positive, mut group_negative) = (0.0, 0.0);
    let mut group_others: Vec<(usize, f64)> = Vec::new();
    for (row, ends_group) in ranking.iter() {
        let weight = weights.weight(row);
        let row_class = y_true[row] as usize;
        if row_class == class {
            group_positive += weight;
        } else {
            group_negative += weight;
            if pairs.is_some() && weight > 0.0 {
                group_others.push((row_class, weight));
            }
        }
        if !ends_group {
            continue;
        }
        let above = positive.value() + 0.5 * group_positive;
        if group_negative > 0.0 {
            area.add(group_negative * above);
            negative.add(group_negative);
            if let Some(pairs) = pairs.as_deref_mut() {
                for (other, weight) in group_others.drain(..) {
                    pairs[other] += weight * above;
                }
            }
        }
        if group_positive > 0.0 {
            positive.add(group_positive);
            let retrieved = positive.value() + negative.value();
            precision_area.add(group_positive * (positive.value() / retrieved));
        }
        (group_positive, group_negative) = (0.0, 0.0);
    }
    let (positive, negative) = (positive.value(), negative.value());
    OneVsRest {
        // 0 / 0 is the NaN of a missing class.
        auroc: area.value() / (positive * negative),
        average_precision: if positive > 0.0 {
            precision_area.value() / positive
        } else {
            0.0
        },
    }
}

/// A sum that is plain where plain is exact.
struct Running<W> {
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
    fn add(&mut self, value: f64) {
        if W::EXACT {
            self.sum.add_exact(value);
        } else {
            self.sum.add(value);
        }
    }

    fn value(&self) -> f64 {
        self.sum.value()
    }
}

/// Hand and Till's mean over the pairs of classes that occur.
fn pairwise_auroc<W: RowWeights>(prepared: &Prepared<'_>, weights: &W, right_pairs: &[f64]) -> f64 {
    let labels = prepared.labels;
    let mut rows = vec![0.0; labels];
    for (row, class) in prepared.y_true.iter().enumerate() {
        rows[*class as usize] += weights.weight(row);
    }
    let present: Vec<usize> = (0..labels).filter(|class| rows[*class] > 0.0).collect();
    let pairs = present.iter().enumerate().flat_map(|(place, first)| {
        let rows = &rows;
        present[place + 1..].iter().map(move |second| {
            let pairs = rows[*first] * rows[*second];
            let forth = right_pairs[first * labels + second] / pairs;
            let back = right_pairs[second * labels + first] / pairs;
            f64::midpoint(forth, back)
        })
    });
    mean(pairs)
}
