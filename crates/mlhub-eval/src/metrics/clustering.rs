//! Agreement of two partitions of the rows: true classes and predicted clusters, whose
//! names need not match.
//!
//! All metrics follow from how many rows are in which pair of class and cluster. Which pair
//! a row is in does not depend on weights and is worked out once. Numbers of pairs of rows
//! are exact integers. What partitions share by chance is in `expected`; how clusters lie in
//! space, in `silhouette`.

mod expected;
mod silhouette;

pub(in crate::metrics) use self::expected::steps as steps_of_chance;
pub(in crate::metrics) use self::silhouette::{
    COORDINATES, MAX_SILHOUETTE_ROWS, MAX_SILHOUETTE_STEPS,
};
use super::ClusteringMetric;
use crate::predictions::{Predictions, Targets};
use crate::sum::CompensatedSum;
use crate::weights::RowWeights;

/// Most steps (numbers of shared rows that are not unlikely, of each class and cluster) for mutual
/// information adjusted for chance, of which every resample takes about as many.
pub(in crate::metrics) const MAX_ADJUSTED_STEPS: usize = 1 << 22;

/// The rows of a clustering task.
pub(crate) struct Partitions {
    labels: usize,
    /// (class, cluster) pairs that occur, ascending.
    pairs: Vec<(u32, u32)>,
    /// Place of each row's pair in `pairs`.
    pair_of_row: Vec<usize>,
    /// Of the rows as they are, when asked for.
    silhouette: Option<f64>,
}

impl Partitions {
    /// `None` unless the predictions are clusters.
    pub(super) fn of(predictions: &Predictions, wants_silhouette: bool) -> Option<Self> {
        let (Targets::Classes(y_true), Some(Targets::Classes(y_pred))) =
            (predictions.y_true(), predictions.y_pred())
        else {
            return None;
        };
        let of_rows = || y_true.iter().copied().zip(y_pred.iter().copied());
        let mut pairs: Vec<(u32, u32)> = of_rows().collect();
        pairs.sort_unstable();
        pairs.dedup();
        let place = |pair: (u32, u32)| {
            pairs
                .binary_search(&pair)
                .expect("every pair of a row is among them")
        };
        Some(Self {
            labels: predictions.labels().len(),
            pair_of_row: of_rows().map(place).collect(),
            pairs,
            silhouette: wants_silhouette
                .then(|| silhouette::of(predictions))
                .flatten(),
        })
    }
}

/// Rows by class, by cluster and by both, of unweighted rows.
pub(super) struct Contingency<'a> {
    partitions: &'a Partitions,
    rows: u64,
    both: Vec<u64>,
    classes: Vec<u64>,
    clusters: Vec<u64>,
}

impl<'a> Contingency<'a> {
    pub(super) fn collect<W: RowWeights>(partitions: &'a Partitions, weights: &W) -> Self {
        let mut both = vec![0; partitions.pairs.len()];
        for (row, pair) in partitions.pair_of_row.iter().enumerate() {
            both[*pair] += u64::from(weights.count(row));
        }
        let mut classes = vec![0; partitions.labels];
        let mut clusters = classes.clone();
        for ((class, cluster), rows) in partitions.pairs.iter().zip(&both) {
            classes[*class as usize] += rows;
            clusters[*cluster as usize] += rows;
        }
        Self {
            partitions,
            rows: both.iter().sum(),
            both,
            classes,
            clusters,
        }
    }

    pub(super) fn value(&self, metric: ClusteringMetric) -> f64 {
        let (homogeneity, completeness) = (
            || share(self.information(), self.entropy(&self.classes)),
            || share(self.information(), self.entropy(&self.clusters)),
        );
        match metric {
            ClusteringMetric::AdjustedRand => self.adjusted_rand(),
            ClusteringMetric::Rand => {
                let pairs = RowPairs::of(self);
                let all = pairs.both + pairs.neither + pairs.class_only + pairs.cluster_only;
                if all == 0 {
                    1.0
                } else {
                    (pairs.both + pairs.neither) as f64 / all as f64
                }
            }
            ClusteringMetric::FowlkesMallows => {
                let pairs = RowPairs::of(self);
                if pairs.both == 0 {
                    return 0.0;
                }
                let both = pairs.both as f64;
                let of_cluster = both / (pairs.both + pairs.cluster_only) as f64;
                let of_class = both / (pairs.both + pairs.class_only) as f64;
                of_cluster.sqrt() * of_class.sqrt()
            }
            ClusteringMetric::MutualInformation => self.information(),
            ClusteringMetric::Homogeneity => homogeneity(),
            ClusteringMetric::Completeness => completeness(),
            ClusteringMetric::VMeasure => {
                let (homogeneity, completeness) = (homogeneity(), completeness());
                if homogeneity + completeness == 0.0 {
                    return 0.0;
                }
                2.0 * homogeneity * completeness / (homogeneity + completeness)
            }
            ClusteringMetric::Purity => self.purity(),
            ClusteringMetric::AdjustedMutualInformation => self.adjusted_information(),
            ClusteringMetric::Silhouette => self.partitions.silhouette.unwrap_or(f64::NAN),
        }
    }

    fn adjusted_rand(&self) -> f64 {
        let pairs = RowPairs::of(self);
        let (both, neither) = (pairs.both, pairs.neither);
        let (class_only, cluster_only) = (pairs.class_only, pairs.cluster_only);
        if class_only == 0 && cluster_only == 0 {
            return 1.0;
        }
        // At most the fourth power of MAX_ROWS, below 2^124.
        let surplus = both * neither - class_only * cluster_only;
        let first = (both + class_only) * (class_only + neither);
        let second = (both + cluster_only) * (cluster_only + neither);
        2.0 * surplus as f64 / (first + second) as f64
    }

    /// Mutual information of class and cluster, in nat.
    fn information(&self) -> f64 {
        let all = self.rows as f64;
        let mut sum = CompensatedSum::default();
        for ((class, cluster), rows) in self.partitions.pairs.iter().zip(&self.both) {
            if *rows == 0 {
                continue;
            }
            let rows = *rows as f64;
            let class = self.classes[*class as usize] as f64;
            let cluster = self.clusters[*cluster as usize] as f64;
            sum.add(rows / all * libm::log((all * rows) / (class * cluster)));
        }
        sum.value().max(0.0)
    }

    /// Mutual information beyond that of chance, as a share of what could be beyond it.
    fn adjusted_information(&self) -> f64 {
        let pairs = RowPairs::of(self);
        if pairs.class_only == 0 && pairs.cluster_only == 0 {
            return 1.0;
        }
        let parts = |sizes: &[u64]| sizes.iter().filter(|size| **size > 0).count();
        if parts(&self.classes) == 1 || parts(&self.clusters) == 1 {
            return 0.0;
        }
        let chance = expected::expected_information(&self.classes, &self.clusters, self.rows);
        let most = f64::midpoint(self.entropy(&self.classes), self.entropy(&self.clusters));
        // Rounding alone makes nothing of what could be beyond chance.
        ((self.information() - chance) / (most - chance).max(f64::EPSILON)).min(1.0)
    }

    /// Entropy of a partition, in nat.
    fn entropy(&self, parts: &[u64]) -> f64 {
        let all = self.rows as f64;
        let mut sum = CompensatedSum::default();
        for rows in parts.iter().filter(|rows| **rows > 0) {
            let rows = *rows as f64;
            sum.add(rows / all * libm::log(all / rows));
        }
        sum.value()
    }

    fn purity(&self) -> f64 {
        let mut largest = vec![0; self.partitions.labels];
        for ((_, cluster), rows) in self.partitions.pairs.iter().zip(&self.both) {
            let largest = &mut largest[*cluster as usize];
            *largest = u64::max(*largest, *rows);
        }
        largest.iter().sum::<u64>() as f64 / self.rows as f64
    }
}

/// Information by entropy; 1 for a partition of one part, which has no entropy.
fn share(information: f64, entropy: f64) -> f64 {
    if entropy == 0.0 {
        1.0
    } else {
        (information / entropy).min(1.0)
    }
}

/// Ordered pairs of different rows, by whether they share a class and a cluster.
struct RowPairs {
    both: i128,
    class_only: i128,
    cluster_only: i128,
    neither: i128,
}

impl RowPairs {
    fn of(table: &Contingency<'_>) -> Self {
        let squares = |counts: &[u64]| -> i128 {
            counts
                .iter()
                .map(|count| i128::from(*count) * i128::from(*count))
                .sum()
        };
        let rows = i128::from(table.rows);
        let both = squares(&table.both);
        let class_only = squares(&table.classes) - both;
        let cluster_only = squares(&table.clusters) - both;
        Self {
            both: both - rows,
            class_only,
            cluster_only,
            neither: rows * rows - both - class_only - cluster_only,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::{Counted, Unit};
    use proptest::prelude::*;

    const METRICS: [ClusteringMetric; 9] = [
        ClusteringMetric::AdjustedRand,
        ClusteringMetric::Rand,
        ClusteringMetric::FowlkesMallows,
        ClusteringMetric::MutualInformation,
        ClusteringMetric::Homogeneity,
        ClusteringMetric::Completeness,
        ClusteringMetric::VMeasure,
        ClusteringMetric::Purity,
        ClusteringMetric::AdjustedMutualInformation,
    ];

    /// What is divided by a small difference keeps fewer digits.
    fn tolerance(metric: ClusteringMetric) -> f64 {
        match metric {
            ClusteringMetric::AdjustedMutualInformation => 1e-12,
            _ => 1e-14,
        }
    }

    fn partitions(rows: &[(u32, u32)]) -> Partitions {
        let mut pairs = rows.to_vec();
        pairs.sort_unstable();
        pairs.dedup();
        Partitions {
            labels: 8,
            silhouette: None,
            pair_of_row: rows
                .iter()
                .map(|row| pairs.binary_search(row).unwrap())
                .collect(),
            pairs,
        }
    }

    proptest! {
        #[test]
        fn pairs_of_rows_are_counted(rows in proptest::collection::vec((0..4_u32, 0..4_u32), 1..40)) {
            let partitions = partitions(&rows);
            let found = RowPairs::of(&Contingency::collect(&partitions, &Unit));
            let count = |class: bool, cluster: bool| {
                let pairs = rows.iter().enumerate().flat_map(|(place, a)| {
                    let others = rows.iter().enumerate().filter(move |(other, _)| *other != place);
                    others.map(move |(_, b)| (a.0 == b.0, a.1 == b.1))
                });
                pairs.filter(|pair| *pair == (class, cluster)).count() as i128
            };
            prop_assert_eq!(found.both, count(true, true));
            prop_assert_eq!(found.class_only, count(true, false));
            prop_assert_eq!(found.cluster_only, count(false, true));
            prop_assert_eq!(found.neither, count(false, false));
        }

        #[test]
        fn a_resample_is_the_rows_copied_out(
            rows in proptest::collection::vec((0..4_u32, 0..5_u32, 0_u32..4), 1..40),
        ) {
            prop_assume!(rows.iter().any(|row| row.2 > 0));
            let counts: Vec<u8> = rows.iter().map(|row| row.2 as u8).collect();
            let copied: Vec<_> = rows
                .iter()
                .flat_map(|row| std::iter::repeat_n((row.0, row.1), row.2 as usize))
                .collect();
            let rows: Vec<_> = rows.iter().map(|row| (row.0, row.1)).collect();
            let (all, copied) = (partitions(&rows), partitions(&copied));
            let seen = Contingency::collect(&all, &Counted(&counts));
            let copied = Contingency::collect(&copied, &Unit);
            for metric in METRICS {
                let (seen, copied) = (seen.value(metric), copied.value(metric));
                let apart = (seen - copied).abs();
                prop_assert!(apart <= tolerance(metric), "{metric:?}: {seen} {copied}");
            }
        }

        #[test]
        fn names_do_not_matter(rows in proptest::collection::vec((0..4_u32, 0..4_u32), 1..40)) {
            let renamed: Vec<_> = rows.iter().map(|row| (7 - row.0, row.1 ^ 3)).collect();
            let (all, renamed) = (partitions(&rows), partitions(&renamed));
            let all = Contingency::collect(&all, &Unit);
            let renamed = Contingency::collect(&renamed, &Unit);
            for metric in METRICS {
                let (one, other) = (all.value(metric), renamed.value(metric));
                let apart = (one - other).abs();
                prop_assert!(apart <= tolerance(metric), "{metric:?}: {one} {other}");
                prop_assert!(metric == ClusteringMetric::MutualInformation || one <= 1.0);
            }
        }
    }
}
