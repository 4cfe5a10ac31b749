//! Metrics that are a weighted mean of one number per row (of a ranking: per query), and
//! those numbers. Tests of pairs of rows stand on them.

use super::{
    Average, Kind, LabelMetric, Prepared, ProbabilityMetric, RegressionMetric, TextMetric,
};
use super::{probability, query, regression, text};

/// The number of each row or query; `None` for one that the metric leaves out. `None`
/// altogether when the metric is no mean of such numbers.
pub(crate) fn unit_values(prepared: &Prepared<'_>, kind: Kind) -> Option<Vec<Option<f64>>> {
    let values = match kind {
        Kind::Label(metric) if is_accuracy(metric) => {
            let rows = prepared.y_true.iter().zip(&*prepared.y_pred);
            rows.map(|(truth, predicted)| if truth == predicted { 1.0 } else { 0.0 })
                .collect()
        }
        Kind::Probability(metric) => probability::row_values(&prepared.probability, metric)?,
        Kind::Regression(metric) => regression::row_values(prepared.regression.as_ref()?, metric)?,
        Kind::Text(metric) => text::row_values(prepared.texts.as_ref()?, metric)?,
        Kind::Query(metric) => {
            return Some(query::query_values(prepared.queries.as_ref()?, metric));
        }
        _ => return None,
    };
    Some(values.into_iter().map(Some).collect())
}

/// Of rows with one class each, these are all the share of right ones.
fn is_accuracy(metric: LabelMetric) -> bool {
    matches!(
        metric,
        LabelMetric::Accuracy
            | LabelMetric::Precision(Average::Micro)
            | LabelMetric::Recall(Average::Micro)
            | LabelMetric::F1(Average::Micro)
    )
}

/// Whether the number of a row is 1 or 0: right or wrong.
pub(crate) fn is_right_or_wrong(kind: Kind) -> bool {
    match kind {
        Kind::Label(metric) => is_accuracy(metric),
        Kind::Probability(metric) => metric == ProbabilityMetric::Top3Accuracy,
        Kind::Text(metric) => metric == TextMetric::ExactMatch,
        _ => false,
    }
}

/// Whether one row alone decides the value, so that resamples say nothing of its spread.
pub(crate) fn is_extreme(kind: Kind) -> bool {
    kind == Kind::Regression(RegressionMetric::MaxError)
}
