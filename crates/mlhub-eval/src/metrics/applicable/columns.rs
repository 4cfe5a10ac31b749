//! Why metrics of columns that only some tasks have cannot be computed: a column is missing, or
//! there is too much of it.

use super::super::clustering::{
    COORDINATES, MAX_ADJUSTED_STEPS, MAX_SILHOUETTE_ROWS, MAX_SILHOUETTE_STEPS, steps_of_chance,
};
use super::super::forecast::{Central, QUANTILE, SCALE};
use super::super::survival::{MAX_CONCORDANCE_ROWS, SURVIVAL};
use super::super::{ClusteringMetric, ForecastMetric, Kind, SurvivalMetric, TextMetric};
use crate::definition::Task;
use crate::predictions::{Predictions, Targets};

/// The metrics of the task that cannot be computed, each with the reason.
pub(super) fn obstacles(predictions: &Predictions) -> Vec<(Kind, String)> {
    match predictions.task() {
        Task::Text => texts(predictions),
        Task::Clustering => clusters(predictions),
        Task::Forecasting => forecasts(predictions),
        Task::Survival => survival(predictions),
        _ => vec![],
    }
}

fn texts(predictions: &Predictions) -> Vec<(Kind, String)> {
    let needed = [
        (TextMetric::Perplexity, "tokens"),
        (TextMetric::BitsPerToken, "tokens"),
        (TextMetric::BitsPerByte, "bytes"),
    ];
    let reason = |lengths| missing(predictions, &["log_likelihood", lengths]);
    let found = needed
        .into_iter()
        .filter_map(|(metric, lengths)| Some((Kind::Text(metric), reason(lengths)?)));
    found.collect()
}

/// Which of the columns are not given; `None` when all are.
fn missing(predictions: &Predictions, columns: &[&str]) -> Option<String> {
    let missing: Vec<String> = columns
        .iter()
        .filter(|name| predictions.number_column(name).is_none())
        .map(|name| format!("`{name}`"))
        .collect();
    (!missing.is_empty()).then(|| format!("there is no {} column", missing.join(" and no ")))
}

fn forecasts(predictions: &Predictions) -> Vec<(Kind, String)> {
    use ForecastMetric as M;
    let mut found = Vec::new();
    if let Some(reason) = missing(predictions, &[SCALE]) {
        found.push((Kind::Forecast(M::Mase), reason));
    }
    if predictions.numbered(QUANTILE).is_empty() {
        for metric in [M::MeanPinball, M::Crps] {
            let reason = format!("there is no column of a quantile, such as `{QUANTILE}0.9`");
            found.push((Kind::Forecast(metric), reason));
        }
    }
    if Central::of(predictions).is_none() {
        for metric in [
            M::IntervalCoverage,
            M::CoverageGap,
            M::IntervalWidth,
            M::IntervalScore,
        ] {
            let reason = format!(
                "there are no two quantile columns that leave the same share below and above, \
                 such as `{QUANTILE}0.1` and `{QUANTILE}0.9`"
            );
            found.push((Kind::Forecast(metric), reason));
        }
    }
    found
}

fn survival(predictions: &Predictions) -> Vec<(Kind, String)> {
    use SurvivalMetric as M;
    let mut found = Vec::new();
    let rows = predictions.rows();
    if rows > MAX_CONCORDANCE_ROWS {
        for metric in [M::Concordance, M::ConcordanceIpcw] {
            let reason =
                format!("{rows} rows are more than the {MAX_CONCORDANCE_ROWS} it is computed for");
            found.push((Kind::Survival(metric), reason));
        }
    }
    let times = predictions.numbered(SURVIVAL);
    let last = match predictions.y_true() {
        Targets::Values(values) => values.iter().copied().fold(0.0, f64::max),
        _ => 0.0,
    };
    let late = times.iter().filter(|(time, _)| *time >= last).count();
    let of_both = if times.is_empty() {
        Some(format!(
            "there is no column of a probability past a time, such as `{SURVIVAL}12`"
        ))
    } else if late > 0 {
        Some(format!(
            "{late} of {} times of `{SURVIVAL}` columns are not before the last `y_true`, where \
             no row is left to judge them by",
            times.len()
        ))
    } else {
        None
    };
    let of_several = (times.len() < 2).then(|| "it takes columns of two or more times".to_owned());
    let of_integral = of_both.clone().or(of_several);
    for (metric, reason) in [(M::BrierMiddle, of_both), (M::IntegratedBrier, of_integral)] {
        found.extend(reason.map(|reason| (Kind::Survival(metric), reason)));
    }
    found
}

fn clusters(predictions: &Predictions) -> Vec<(Kind, String)> {
    let mut found = Vec::new();
    let (classes, clusters) = (
        sizes(Some(predictions.y_true())),
        sizes(predictions.y_pred()),
    );
    // Each pair takes a step at least, so that the steps of too many need not be counted.
    let pairs = classes.len().saturating_mul(clusters.len());
    let is_too_much = pairs > MAX_ADJUSTED_STEPS || {
        let steps = steps_of_chance(&classes, &clusters, predictions.rows() as u64);
        steps > MAX_ADJUSTED_STEPS as f64
    };
    if is_too_much {
        let reason = format!(
            "{} classes and {} clusters of such sizes take more than the {MAX_ADJUSTED_STEPS} \
             steps it is computed for",
            classes.len(),
            clusters.len()
        );
        let metric = ClusteringMetric::AdjustedMutualInformation;
        found.push((Kind::Clustering(metric), reason));
    }
    if let Some(reason) = silhouette(predictions) {
        found.push((Kind::Clustering(ClusteringMetric::Silhouette), reason));
    }
    found
}

/// How many rows each part holds that occurs.
fn sizes(targets: Option<&Targets>) -> Vec<u64> {
    let Some(Targets::Classes(parts)) = targets else {
        return vec![];
    };
    let mut sorted = parts.clone();
    sorted.sort_unstable();
    let runs = sorted.chunk_by(|a, b| a == b);
    runs.map(|run| run.len() as u64).collect()
}

fn silhouette(predictions: &Predictions) -> Option<String> {
    let rows = predictions.rows();
    let Some(coordinates) = predictions.number_column(COORDINATES) else {
        return missing(predictions, &[COORDINATES]);
    };
    if rows > MAX_SILHOUETTE_ROWS {
        return Some(format!(
            "{rows} rows are more than the {MAX_SILHOUETTE_ROWS} it is computed for, as it looks \
             at all pairs of rows"
        ));
    }
    let steps = rows.saturating_mul(rows).saturating_mul(coordinates.width);
    (steps > MAX_SILHOUETTE_STEPS).then(|| {
        format!(
            "{} coordinates of {rows} rows take more than the {MAX_SILHOUETTE_STEPS} steps it is \
             computed for",
            coordinates.width
        )
    })
}
