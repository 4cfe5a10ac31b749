//! AUROC and average precision: one walk over the rows in the order of a score
//! column gives both, for any row weights, ties taken as groups.
//!
//! For several classes the same walk counts the pairs of each class against each
//! other one, so the pairwise AUROC costs no extra sorting.

use super::{Kind, Prepared, RankMetric};
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
    /// What the kinds look at. The pairwise AUROC is only for unweighted rows.
    pub(super) fn collect<W: RowWeights>(
        prepared: &Prepared<'_>,
        kinds: &[Kind],
        weights: &W,
    ) -> Self {
        let pairwise = kinds.iter().any(|kind| kind.is_pairwise());
        let precision = kinds.iter().any(|kind| kind.is_average_precision());
        let labels = prepared.labels;
        let mut right_pairs = vec![0.0; if pairwise { labels * labels } else { 0 }];
        let classes = prepared
            .rankings
            .iter()
            .zip(&prepared.ranked)
            .zip(&prepared.ranked_positive)
            .map(|((ranking, class), positive)| {
                if W::EXACT && !pairwise && prepared.rows <= MAX_EXACT_ROWS {
                    if !precision {
                        return walk_area(ranking, positive, weights);
                    }
                    return walk_exact(ranking, positive, weights);
                }
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
            // Not of a walk over all rows.
            RankMetric::RPrecision => f64::NAN,
            RankMetric::AurocOvoMacro => self.pairwise.plain,
            RankMetric::AurocOvoWeighted => self.pairwise.by_rows,
        }
    }
}

/// Rows up to which the area in pairs of rows, at most a quarter of their square, is exact in
/// halves.
const MAX_EXACT_ROWS: usize = 1 << 26;

/// [`walk_exact`] without the precision, which is NaN: of integers alone, and without a branch
/// that depends on the data.
fn walk_area<W: RowWeights>(ranking: &Ranking, positive: &[bool], weights: &W) -> OneVsRest {
    let (mut above, mut negatives, mut halves) = (0_u64, 0_u64, 0_u64);
    let (mut group_positive, mut group_all) = (0_u64, 0_u64);
    for ((row, ends_group), is_positive) in ranking.iter().zip(positive) {
        let count = u64::from(weights.count(row));
        group_all += count;
        group_positive += count * u64::from(*is_positive);
        // All bits where a group ends, none elsewhere.
        let ends = u64::from(ends_group).wrapping_neg();
        let group_negative = group_all - group_positive;
        halves += (group_negative * (2 * above + group_positive)) & ends;
        negatives += group_negative & ends;
        above += group_positive & ends;
        group_all &= !ends;
        group_positive &= !ends;
    }
    let positive = above as f64;
    OneVsRest {
        positive,
        auroc: 0.5 * halves as f64 / (positive * negatives as f64),
        average_precision: f64::NAN,
    }
}

/// [`walk`] for weights that are counts: the same to the last bit, as all sums but that of
/// precisions are exact, and several times faster. `positive` tells in the order of the ranking
/// which rows are of the class.
fn walk_exact<W: RowWeights>(ranking: &Ranking, positive: &[bool], weights: &W) -> OneVsRest {
    let (mut above, mut negatives, mut area) = (0.0, 0.0, 0.0);
    let (mut group_positive, mut group_all) = (0.0, 0.0);
    let mut precision_area = CompensatedSum::default();
    for ((row, ends_group), is_positive) in ranking.iter().zip(positive) {
        let weight = weights.weight(row);
        group_all += weight;
        group_positive += if *is_positive { weight } else { 0.0 };
        if !ends_group {
            continue;
        }
        let group_negative = group_all - group_positive;
        area += group_negative * (above + 0.5 * group_positive);
        negatives += group_negative;
        if group_positive > 0.0 {
            above += group_positive;
            precision_area.add(group_positive * (above / (above + negatives)));
        }
        (group_positive, group_all) = (0.0, 0.0);
    }
    OneVsRest {
        positive: above,
        // 0 / 0 is the NaN of a missing class.
        auroc: area / (above * negatives),
        average_precision: if above > 0.0 {
            precision_area.value() / above
        } else {
            0.0
        },
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ranking::Order;
    use crate::weights::Counted;

    proptest! {
        #[test]
        fn the_exact_walk_has_the_bits_of_the_other(
            rows in prop::collection::vec((0_u8..12, 0_u32..3, 0_u32..4), 1..200),
        ) {
            let ranking = Ranking::new(rows.len(), Order::Descending, |row| f64::from(rows[row].0));
            let y_true: Vec<u32> = rows.iter().map(|row| row.1).collect();
            let counts: Vec<u8> = rows.iter().map(|row| row.2 as u8).collect();
            for class in 0..3 {
                let positive: Vec<bool> =
                    ranking.iter().map(|(row, _)| y_true[row] as usize == class).collect();
                let one = walk_exact(&ranking, &positive, &Counted(&counts));
                let other = walk(&ranking, &y_true, class, &Counted(&counts), None);
                prop_assert_eq!(one.auroc.to_bits(), other.auroc.to_bits());
                let area = walk_area(&ranking, &positive, &Counted(&counts));
                prop_assert_eq!(area.auroc.to_bits(), other.auroc.to_bits());
                prop_assert_eq!(area.positive.to_bits(), other.positive.to_bits());
                prop_assert_eq!(
                    one.average_precision.to_bits(),
                    other.average_precision.to_bits()
                );
            }
        }
    }
}
