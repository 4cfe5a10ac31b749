//! Metrics that are a weighted mean of one number per row (of a ranking: per query), and
//! those numbers. Tests of pairs of rows stand on them.

use super::{
    Average, Kind, LabelMetric, Prepared, ProbabilityMetric, RegressionMetric, SegmentationMetric,
    TextMetric,
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
        Kind::Forecast(metric) => prepared.forecast.as_ref()?.row_values(metric)?,
        Kind::Text(metric) => text::row_values(prepared.texts.as_ref()?, metric)?,
        Kind::Segmentation(SegmentationMetric::ImageMeanIou) => {
            prepared.segmentations.as_ref()?.image_values()?
        }
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
        Kind::Probability(metric) => matches!(metric, ProbabilityMetric::TopAccuracy(_)),
        Kind::Text(metric) => metric == TextMetric::ExactMatch,
        _ => false,
    }
}

/// Whether one row alone decides the value, so that resamples say nothing of its spread.
pub(crate) fn is_extreme(kind: Kind) -> bool {
    kind == Kind::Regression(RegressionMetric::MaxError)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::Task;
    use crate::metrics::{Facts, Needs, Scratch, compute};
    use crate::predictions::{NumberColumn, Predictions, PredictionsInput, Targets};
    use crate::registry;
    use crate::weights::Unit;

    fn predictions(task: Task) -> Predictions {
        let rows = 0..40_u32;
        let class = |by: u32| Targets::Classes(rows.clone().map(|row| row * by % 7 % 6).collect());
        let value = |by: u32| {
            Targets::Values(
                rows.clone()
                    .map(|row| f64::from(row * by % 11) + 0.5)
                    .collect(),
            )
        };
        let text = |by: u32| {
            let words = ["a red cat", "a red dog", "the cat", "one"];
            Targets::Texts(
                rows.clone()
                    .map(|row| words[(row * by % 5 % 4) as usize].to_owned())
                    .collect(),
            )
        };
        let (y_true, y_pred) = match task {
            Task::Multiclass => (class(3), Some(class(5))),
            Task::Text => (text(3), Some(text(7))),
            Task::Ranking => (value(3), None),
            _ => (value(3), Some(value(5))),
        };
        let scores = |columns: u32| {
            let cells = rows
                .clone()
                .flat_map(move |row| (0..columns).map(move |column| (row, column)));
            let unnormalised =
                cells.map(|(row, column)| f64::from((row * 3 + column * row) % 5 + 1));
            let unnormalised: Vec<f64> = unnormalised.collect();
            let rows = unnormalised.chunks_exact(columns as usize);
            rows.flat_map(|row| row.iter().map(|score| score / row.iter().sum::<f64>()))
                .collect()
        };
        Predictions::new(PredictionsInput {
            ids: rows.clone().map(|row| row.to_string()).collect(),
            task,
            labels: match task {
                Task::Multiclass => ["a", "b", "c", "d", "e", "f"].map(str::to_owned).to_vec(),
                _ => vec![],
            },
            y_true,
            y_pred,
            y_score: match task {
                Task::Multiclass => Some(scores(6)),
                Task::Ranking => Some(rows.clone().map(|row| f64::from(row * 7 % 13)).collect()),
                _ => None,
            },
            weight: None,
            group: (task == Task::Ranking).then(|| rows.map(|row| (row % 6).to_string()).collect()),
            numbers: match task {
                Task::Text => [("log_likelihood", -3.0), ("tokens", 2.0), ("bytes", 9.0)]
                    .map(|(name, value)| NumberColumn {
                        name: name.to_owned(),
                        width: 1,
                        values: vec![value; 40],
                    })
                    .to_vec(),
                Task::Forecasting => [("y_pred_q0.1", 2.5), ("y_pred_q0.9", 9.0), ("scale", 2.0)]
                    .map(|(name, value)| NumberColumn {
                        name: name.to_owned(),
                        width: 1,
                        values: vec![value; 40],
                    })
                    .to_vec(),
                _ => Vec::new(),
            },
        })
        .expect("valid predictions")
    }

    #[test]
    fn means_of_the_numbers_are_the_metrics() {
        let mut means = Vec::new();
        for task in [
            Task::Multiclass,
            Task::Regression,
            Task::Ranking,
            Task::Text,
            Task::Forecasting,
        ] {
            let predictions = predictions(task);
            let facts = Facts::of(&predictions);
            for definition in registry::definitions_for(task) {
                let id = definition.id();
                let kind = registry::entry(&id)
                    .expect("every definition has an entry")
                    .kind;
                assert_eq!(facts.obstacle(kind), None, "{id}");
                let needs = Needs::of(&[kind], predictions.labels().len());
                let prepared = Prepared::new(&predictions, &facts, needs);
                let Some(values) = unit_values(&prepared, kind) else {
                    continue;
                };
                assert_eq!(values.len(), prepared.units, "{id}");
                let mean = crate::sum::mean(values.iter().copied().flatten());
                let value = compute(&prepared, &[kind], &Unit, &mut Scratch::default())[0];
                assert!(
                    (mean - value).abs() <= 1e-14 * value.abs(),
                    "{id}: {mean} is not {value}"
                );
                let is_zero_or_one = |value: &f64| *value == 0.0 || *value == 1.0;
                if is_right_or_wrong(kind) {
                    assert!(values.iter().flatten().all(is_zero_or_one), "{id}");
                }
                means.push(definition.name.clone());
            }
        }
        for name in [
            "accuracy",
            "log_loss",
            "brier",
            "mae",
            "mape",
            "huber",
            "pinball_0_5",
            "top_5_accuracy",
            "map",
            "exact_match",
            "token_f1",
            "forecast_mae",
            "forecast_bias",
            "mean_pinball",
            "crps",
            "interval_coverage",
            "interval_width",
            "interval_score",
        ] {
            assert!(
                means.iter().any(|found| found == name),
                "{name} among {means:?}"
            );
        }
    }
}
