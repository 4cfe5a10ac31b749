//! Reading metric series: summaries, and points reduced to a budget.

use std::collections::BTreeMap;

use mlhub_core::metric::{MetricSummary, Point};
use mlhub_core::run::{Run, RunRecord};
use mlhub_core::{Caller, Error, ErrorKind, Result, limits};

use crate::Hub;

/// The smallest budget: first, last, smallest and largest of one bucket.
const POINTS_MIN: usize = 4;

/// Which series to read.
#[derive(Debug, Clone)]
pub struct SeriesRequest {
    /// Run ids or unique prefixes.
    pub runs: Vec<String>,
    /// Metric names.
    pub metrics: Vec<String>,
    /// First and last step, both included.
    pub steps: Option<(i64, i64)>,
    /// Points per series at most.
    pub max_points: usize,
}

/// One series, reduced to the budget.
#[derive(Debug, Clone)]
pub struct Series {
    /// The run.
    pub run: Run,
    /// The metric's name.
    pub metric: String,
    /// The points in the order they were logged.
    pub points: Vec<Point>,
    /// Points in the range before reduction.
    pub total: u64,
    /// Whether all of them are here.
    pub exact: bool,
}

impl Hub {
    /// What is known of each series of a run, by name, with how its adapter
    /// wants it shown.
    pub async fn metric_list(
        &self,
        caller: &Caller,
        text: &str,
    ) -> Result<Vec<(MetricSummary, MetricDisplay)>> {
        let run = self.run_resolve(caller, text).await?;
        let snapshot = self.snapshot(&run.id).await?;
        let mapping = &snapshot.adapter["metrics"];
        let mut summaries = self
            .store
            .summaries(std::slice::from_ref(&run.id), None)
            .await?;
        summaries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(summaries
            .into_iter()
            .map(|summary| {
                let display = display_of(mapping, &summary.name);
                (summary, display)
            })
            .collect())
    }

    /// Reads series of several runs. Series without points in the range are left out.
    pub async fn series_read(
        &self,
        caller: &Caller,
        request: &SeriesRequest,
    ) -> Result<Vec<Series>> {
        let wanted = request.runs.len().saturating_mul(request.metrics.len());
        if wanted > limits::SERIES_PER_QUERY_MAX {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "{wanted} series are more than the {} one query may ask for",
                    limits::SERIES_PER_QUERY_MAX
                ),
            ));
        }
        if !(POINTS_MIN..=limits::SERIES_POINTS_MAX).contains(&request.max_points) {
            return Err(Error::invalid(format!(
                "`max_points` must be {POINTS_MIN} to {}",
                limits::SERIES_POINTS_MAX
            )));
        }
        let mut found = Vec::new();
        for text in &request.runs {
            let run = self.run_resolve(caller, text).await?;
            let attempts: Vec<(u32, Option<i64>)> = self
                .store
                .attempt_list(&run.id)
                .await?
                .iter()
                .map(|attempt| (attempt.number, attempt.resumed_from_step))
                .collect();
            for metric in &request.metrics {
                let stored = self.store.points(&run.id, metric).await?;
                let points = mlhub_series::visible(&attempts, &stored);
                let envelope = mlhub_series::downsample(&points, request.steps, request.max_points);
                if !envelope.points.is_empty() {
                    found.push(Series {
                        run: run.clone(),
                        metric: metric.clone(),
                        points: envelope.points,
                        total: envelope.total,
                        exact: envelope.exact,
                    });
                }
            }
        }
        Ok(found)
    }

    /// Records of a run: attempt and record, oldest first.
    pub async fn record_list(
        &self,
        caller: &Caller,
        text: &str,
        kind: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(u32, RunRecord)>> {
        let run = self.run_resolve(caller, text).await?;
        let limit = limit.clamp(1, limits::PAGE_MAX_ROWS);
        self.store.records(&run.id, kind, limit).await
    }
}

/// How an adapter wants a metric shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MetricDisplay {
    /// What people call it.
    pub label: Option<String>,
    /// `maximize`, `minimize` or `none`.
    pub direction: Option<String>,
    /// The section of the chart grid.
    pub group: Option<String>,
}

/// Finds the mapping for a name: exact first, then the longest `prefix/*`.
fn display_of(mapping: &serde_json::Value, name: &str) -> MetricDisplay {
    let Some(mapping) = mapping.as_object() else {
        return MetricDisplay::default();
    };
    let by_prefix: BTreeMap<usize, &serde_json::Value> = mapping
        .iter()
        .filter_map(|(pattern, value)| {
            let prefix = pattern.strip_suffix('*')?;
            name.starts_with(prefix).then_some((prefix.len(), value))
        })
        .collect();
    let Some(found) = mapping
        .get(name)
        .or_else(|| by_prefix.last_key_value().map(|(_, value)| *value))
    else {
        return MetricDisplay::default();
    };
    let field = |key: &str| found[key].as_str().map(str::to_owned);
    MetricDisplay {
        label: field("label"),
        direction: field("direction"),
        group: field("group"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_exact_name_wins_over_the_longest_prefix() {
        let mapping = json!({
            "train/*": {"group": "train"},
            "train/loss*": {"group": "loss", "direction": "minimize"},
            "train/loss": {"label": "Loss"},
        });
        assert_eq!(
            display_of(&mapping, "train/loss").label.as_deref(),
            Some("Loss")
        );
        assert_eq!(
            display_of(&mapping, "train/loss_sum").group.as_deref(),
            Some("loss")
        );
        assert_eq!(
            display_of(&mapping, "train/acc").group.as_deref(),
            Some("train")
        );
        assert_eq!(display_of(&mapping, "other"), MetricDisplay::default());
    }
}
