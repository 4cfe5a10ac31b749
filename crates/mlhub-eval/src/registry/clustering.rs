//! Definitions for clustering.
//!
//! Text only; the arithmetic is in `metrics::clustering`.

use super::Row;
use crate::definition::{Direction, Task};
use crate::metrics::{ClusteringMetric, Kind};

/// Larger is better, from 0 to 1. The rules all of them share are part of each formula.
macro_rules! row {
    ($metric:expr, $name:expr, $formula:expr, $source:expr) => {
        Row {
            kind: Kind::Clustering($metric),
            name: $name,
            tasks: &[Task::Clustering],
            params: &[],
            direction: Direction::Maximize,
            range: (Some(0.0), Some(1.0)),
            unit: None,
            formula: concat!(
                $formula,
                " Classes are y_true, clusters y_pred; their names need not match. Not defined \
                 for weighted rows."
            ),
            source: $source,
            undefined: "undefined: there are no rows",
        }
    };
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = pair_rows();
    rows.extend(information_rows());
    rows.extend(later_rows());
    rows
}

fn later_rows() -> Vec<Row> {
    vec![
        Row {
            range: (None, Some(1.0)),
            ..row!(
                ClusteringMetric::AdjustedMutualInformation,
                "adjusted_mutual_information",
                "(I - E) / (mean of the entropies of classes and clusters - E), I = \
                 mutual_information, E = its mean over all partitions with classes and clusters of \
                 the same sizes. 1 when both partitions are the same, else 0 when there is one \
                 class or one cluster.",
                "Vinh, Epps and Bailey, Information theoretic measures for clusterings comparison, \
                 JMLR 11, 2010; scikit-learn adjusted_mutual_info_score, arithmetic"
            )
        },
        Row {
            range: (Some(-1.0), Some(1.0)),
            undefined: "undefined: there are fewer than two clusters, or as many as rows",
            ..row!(
                ClusteringMetric::Silhouette,
                "silhouette",
                "Mean over rows of (b - a) / max(a, b), a = mean Euclidean distance of `embedding` \
                 to the other rows of the same cluster, b = the least mean distance to the rows of \
                 another cluster; 0 for a row that is a cluster of its own and where a = b = 0. NaN \
                 with fewer than two clusters or as many as rows. Does not look at y_true. No \
                 interval: resamples hold rows more than once, at a distance of 0.",
                "Rousseeuw, Silhouettes, 1987; scikit-learn silhouette_score"
            )
        },
    ]
}

fn pair_rows() -> Vec<Row> {
    vec![
        Row {
            range: (Some(-0.5), Some(1.0)),
            ..row!(
                ClusteringMetric::AdjustedRand,
                "adjusted_rand_index",
                "2 (TP TN - FN FP) / ((TP + FN)(FN + TN) + (TP + FP)(FP + TN)) over pairs of \
                 rows: TP share class and cluster, FN the class only, FP the cluster only, TN \
                 neither. 1 when FN = FP = 0.",
                "Hubert and Arabie, Comparing partitions, 1985; scikit-learn adjusted_rand_score"
            )
        },
        row!(
            ClusteringMetric::Rand,
            "rand_index",
            "(TP + TN) / all pairs of rows, TP and TN as in adjusted_rand_index; 1 for one row.",
            "Rand, Objective criteria for the evaluation of clustering methods, 1971; \
             scikit-learn rand_score"
        ),
        row!(
            ClusteringMetric::FowlkesMallows,
            "fowlkes_mallows",
            "TP / sqrt((TP + FP)(TP + FN)), pairs as in adjusted_rand_index; 0 when TP = 0.",
            "Fowlkes and Mallows, A method for comparing two hierarchical clusterings, 1983; \
             scikit-learn fowlkes_mallows_score"
        ),
    ]
}

fn information_rows() -> Vec<Row> {
    vec![
        Row {
            range: (Some(0.0), None),
            unit: Some("nat"),
            ..row!(
                ClusteringMetric::MutualInformation,
                "mutual_information",
                "I = sum over classes c and clusters k of n_ck / n ln(n n_ck / (n_c n_k)).",
                "scikit-learn mutual_info_score"
            )
        },
        row!(
            ClusteringMetric::Homogeneity,
            "homogeneity",
            "mutual_information / entropy of the classes; 1 when there is one class.",
            "Rosenberg and Hirschberg, V-measure, EMNLP 2007; scikit-learn homogeneity_score"
        ),
        row!(
            ClusteringMetric::Completeness,
            "completeness",
            "mutual_information / entropy of the clusters; 1 when there is one cluster.",
            "Rosenberg and Hirschberg, V-measure, EMNLP 2007; scikit-learn completeness_score"
        ),
        row!(
            ClusteringMetric::VMeasure,
            "v_measure",
            "2 h c / (h + c), h homogeneity and c completeness, which is the mutual information \
             normalised by the mean of both entropies (NMI); 0 when h = c = 0.",
            "Rosenberg and Hirschberg, V-measure, EMNLP 2007; scikit-learn v_measure_score and \
             normalized_mutual_info_score"
        ),
        row!(
            ClusteringMetric::Purity,
            "purity",
            "sum over clusters of the rows of their largest class / all rows.",
            "Manning, Raghavan and Schuetze, Introduction to information retrieval, 2008, 16.3"
        ),
    ]
}
