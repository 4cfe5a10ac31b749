//! The kernels: each metric family computed from prepared columns and row weights.
//!
//! [`compute`] is the one way in, for point values and for every bootstrap
//! resample alike. Everything that does not depend on the weights (sorting,
//! logarithms, predicted classes) is done once in [`Prepared`]. Names, formulas
//! and hashes are in `registry`; which metric applies is in `applicable`.

pub(crate) mod additive;
mod anomaly;
pub(crate) mod applicable;
mod clustering;
mod detection;
pub(crate) mod fold;
mod forecast;
mod kendall;
mod label;
mod multilabel;
mod prepared;
mod probability;
mod query;
mod rank;
mod regression;
mod segmentation;
mod survival;
#[cfg(test)]
mod tests;
mod text;

pub use anomaly::best_f1_threshold;
pub(crate) use applicable::Facts;
pub(crate) use clustering::Partitions;
pub(crate) use detection::{BoxArea, Detections};
pub(crate) use forecast::Forecast;
pub(crate) use label::LabelCounts;
pub(crate) use multilabel::LabelSets;
pub(crate) use prepared::{Needs, Prepared, Regression};
pub(crate) use probability::{ECE_BINS, ProbabilityRows, bin_of};
pub(crate) use query::Queries;
pub(crate) use rank::{OneVsRest, Running, walk};
pub(crate) use segmentation::{Among, Quality, Segmentations};
pub(crate) use survival::Survival;
pub(crate) use text::Texts;

use crate::weights::RowWeights;

/// How per-class values become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Average {
    /// The positive class alone.
    Positive,
    /// Mean over classes that occur.
    Macro,
    /// Counts added up over classes first.
    Micro,
    /// Mean over classes by their true weight.
    Weighted,
}

/// How many times as much recall counts as precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beta {
    /// One half.
    Half,
    /// Two.
    Two,
}

impl Beta {
    /// Its square.
    fn squared(self) -> f64 {
        match self {
            Self::Half => 0.25,
            Self::Two => 4.0,
        }
    }
}

/// Metrics over predicted classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LabelMetric {
    Accuracy,
    BalancedAccuracy,
    Precision(Average),
    Recall(Average),
    F1(Average),
    FBeta(Beta, Average),
    Jaccard(Average),
    Specificity,
    SpecificityOf(Average),
    NegativePredictiveValue,
    HammingLoss,
    Mcc,
    CohenKappa,
    FalsePositiveRate,
}

/// Metrics over the order of scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RankMetric {
    Auroc,
    AurocOvrMacro,
    AurocOvrWeighted,
    AurocOvoMacro,
    AurocOvoWeighted,
    AveragePrecision,
    AveragePrecisionMacro,
    /// Of the positive class, at as many places as it has rows.
    RPrecision,
}

/// Metrics that are means of a value per row of scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProbabilityMetric {
    LogLoss,
    Brier,
    Ece,
    /// The true class is among so many of the highest scores.
    TopAccuracy(usize),
}

/// Metrics over predicted values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RegressionMetric {
    Mae,
    Mse,
    Rmse,
    R2,
    ExplainedVariance,
    Mape,
    MedianAbsoluteError,
    MaxError,
    Pearson,
    Spearman,
    Kendall,
    Rmsle,
    Smape,
    /// Of a quantile, in percent.
    Pinball(u32),
    Huber,
}

/// Metrics of a ranking; the numbers are how many places are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QueryMetric {
    Ndcg10,
    Ndcg5,
    Map,
    Mrr,
    Recall10,
    Precision10,
    HitRate10,
    RPrecision,
    Recall1,
    Recall5,
    Precision1,
    Precision5,
    HitRate5,
}

impl QueryMetric {
    /// All of them, each at its own number.
    pub(crate) const ALL: [Self; 13] = [
        Self::Ndcg10,
        Self::Ndcg5,
        Self::Map,
        Self::Mrr,
        Self::Recall10,
        Self::Precision10,
        Self::HitRate10,
        Self::RPrecision,
        Self::Recall1,
        Self::Recall5,
        Self::Precision1,
        Self::Precision5,
        Self::HitRate5,
    ];
}

/// Metrics over texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextMetric {
    ExactMatch,
    TokenF1,
    RougeL,
    Bleu,
    Chrf,
    Wer,
    Cer,
    Perplexity,
    BitsPerToken,
    BitsPerByte,
}

/// Metrics over sets of labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MultilabelMetric {
    SubsetAccuracy,
    HammingLoss,
    JaccardSamples,
    PrecisionSamples,
    RecallSamples,
    F1Samples,
    Precision(Average),
    Recall(Average),
    F1(Average),
    Jaccard(Average),
    RankingAveragePrecision,
    CoverageError,
    RankingLoss,
    AurocMacro,
    AurocMicro,
    AveragePrecisionMacro,
    AveragePrecisionMicro,
}

/// Metrics of a partition against another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClusteringMetric {
    AdjustedRand,
    Rand,
    FowlkesMallows,
    MutualInformation,
    Homogeneity,
    Completeness,
    VMeasure,
    Purity,
    AdjustedMutualInformation,
    Silhouette,
}

/// Metrics of forecasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ForecastMetric {
    Wape,
    Mase,
    Bias,
    MeanPinball,
    Crps,
    IntervalCoverage,
    CoverageGap,
    IntervalWidth,
    IntervalScore,
}

/// Metrics of times until an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SurvivalMetric {
    Concordance,
    ConcordanceIpcw,
    BrierMiddle,
    IntegratedBrier,
}

/// Metrics over boxes around the objects of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DetectionMetric {
    AveragePrecision(BoxArea),
    AveragePrecision50,
    AveragePrecision75,
    Recall1,
    Recall10,
    Recall(BoxArea),
}

/// Metrics over maps of segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SegmentationMetric {
    PixelAccuracy,
    MeanIou,
    FrequencyWeightedIou,
    DiceMacro,
    MeanClassAccuracy,
    ImageMeanIou,
    Quality(Quality, Among),
}

/// Which kernel computes a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Label(LabelMetric),
    Rank(RankMetric),
    Probability(ProbabilityMetric),
    Regression(RegressionMetric),
    Query(QueryMetric),
    Text(TextMetric),
    Multilabel(MultilabelMetric),
    Clustering(ClusteringMetric),
    Forecast(ForecastMetric),
    Survival(SurvivalMetric),
    Detection(DetectionMetric),
    Segmentation(SegmentationMetric),
}

impl Kind {
    /// Whether it looks at predicted classes or labels.
    pub(crate) fn is_of_predicted(self) -> bool {
        match self {
            Self::Label(_) => true,
            Self::Multilabel(metric) => !metric.is_of_scores(),
            _ => false,
        }
    }

    /// Why resamples say nothing of how it would vary; `None` when they do.
    pub(crate) fn no_interval(self) -> Option<&'static str> {
        match self {
            Self::Clustering(ClusteringMetric::Silhouette) => Some(
                "it looks at all pairs of rows, and a resample holds rows more than once, at a \
                 distance of 0",
            ),
            _ => None,
        }
    }

    /// Whether it is of precisions along the order of scores.
    fn is_average_precision(self) -> bool {
        matches!(
            self,
            Self::Rank(RankMetric::AveragePrecision | RankMetric::AveragePrecisionMacro)
        )
    }

    /// Whether it is over pairs of classes.
    fn is_pairwise(self) -> bool {
        matches!(
            self,
            Self::Rank(RankMetric::AurocOvoMacro | RankMetric::AurocOvoWeighted)
        )
    }
}

/// Buffers a thread reuses from one resample to the next.
#[derive(Default)]
pub(crate) struct Scratch {
    pub(crate) rank_true: Vec<f64>,
    pub(crate) rank_pred: Vec<f64>,
    pub(crate) tree: Vec<u32>,
    pub(crate) at_level: Vec<u32>,
}

/// The value of each kind, in order; NaN where undefined. Every kind must apply
/// to the predictions and have been asked for when they were prepared.
pub(crate) fn compute<W: RowWeights>(
    prepared: &Prepared<'_>,
    kinds: &[Kind],
    weights: &W,
    scratch: &mut Scratch,
) -> Vec<f64> {
    let total = weights.total(prepared.units);
    if total == 0.0 {
        // A resample may draw only rows of weight zero.
        return vec![f64::NAN; kinds.len()];
    }
    let has_label = kinds.iter().any(|kind| matches!(kind, Kind::Label(_)));
    let is_walked =
        |kind: &Kind| matches!(kind, Kind::Rank(metric) if *metric != RankMetric::RPrecision);
    let has_rank = kinds.iter().any(is_walked);
    let label_counts = has_label.then(|| label::LabelCounts::collect(prepared, weights));
    let rank_values = has_rank.then(|| rank::RankValues::collect(prepared, kinds, weights));
    let label_sets = prepared
        .label_sets
        .as_ref()
        .map(|sets| (sets, multilabel::Collected::new(sets, kinds, weights)));
    let contingency = prepared
        .partitions
        .as_ref()
        .map(|partitions| clustering::Contingency::collect(partitions, weights));
    let survival = prepared
        .survival
        .as_ref()
        .map(|rows| (rows, survival::Collected::new(rows, kinds, weights, total)));
    let detected = prepared
        .detections
        .as_ref()
        .map(|detections| detections.collect(kinds, weights));
    let segmented = prepared
        .segmentations
        .as_ref()
        .map(|segmentations| segmentations.collect(kinds, weights));
    kinds
        .iter()
        .map(|kind| match kind {
            Kind::Label(metric) => label_counts
                .as_ref()
                .map_or(f64::NAN, |counts| counts.value(*metric)),
            Kind::Rank(RankMetric::RPrecision) => anomaly::r_precision(prepared, weights),
            Kind::Rank(metric) => rank_values
                .as_ref()
                .map_or(f64::NAN, |values| values.value(*metric)),
            Kind::Probability(metric) => {
                probability::value(&prepared.probability, *metric, weights, total)
            }
            Kind::Regression(metric) => prepared.regression.as_ref().map_or(f64::NAN, |columns| {
                regression::value(columns, *metric, weights, total, scratch)
            }),
            Kind::Query(metric) => prepared
                .queries
                .as_ref()
                .map_or(f64::NAN, |queries| query::value(queries, *metric, weights)),
            Kind::Text(metric) => prepared.texts.as_ref().map_or(f64::NAN, |texts| {
                text::value(texts, *metric, weights, total)
            }),
            Kind::Multilabel(metric) => label_sets.as_ref().map_or(f64::NAN, |(sets, values)| {
                values.value(sets, *metric, weights, total)
            }),
            Kind::Forecast(metric) => prepared
                .forecast
                .as_ref()
                .map_or(f64::NAN, |forecast| forecast.value(*metric, weights, total)),
            Kind::Survival(metric) => survival
                .as_ref()
                .map_or(f64::NAN, |(rows, values)| values.value(rows, *metric)),
            Kind::Clustering(metric) => contingency
                .as_ref()
                .map_or(f64::NAN, |contingency| contingency.value(*metric)),
            Kind::Detection(metric) => detected
                .as_ref()
                .map_or(f64::NAN, |detected| detected.value(*metric)),
            Kind::Segmentation(metric) => segmented
                .as_ref()
                .map_or(f64::NAN, |segmented| segmented.value(*metric)),
        })
        .collect()
}
