//! Reading metric series: summaries, and points reduced to a budget.
//!
//! Whole histories are in `history`.

use std::collections::{BTreeMap, BTreeSet};

use mlhub_core::metric::{MetricSummary, Reduction, SeriesKey, SeriesView, SeriesWindow};
use mlhub_core::run::{Run, RunRecord};
use mlhub_core::{Caller, Error, ErrorKind, Permission, Result, RunId, Timestamp, limits};

use crate::Hub;
use crate::glob::Glob;

/// The smallest budget of an envelope: first, last, smallest and largest of one bucket.
const ENVELOPE_POINTS_MIN: usize = 4;
/// The smallest budget of LTTB: the same and the one of the largest triangle.
const LTTB_POINTS_MIN: usize = 5;

/// Which series to read.
#[derive(Debug, Clone)]
pub struct SeriesRequest {
    /// Run ids or unique prefixes.
    pub runs: Vec<String>,
    /// Metric names.
    pub metrics: Vec<String>,
    /// Patterns of metric names: `*` is any text, `?` any one character.
    pub patterns: Vec<String>,
    /// The part wanted.
    pub window: SeriesWindow,
    /// How many points; a page must hold the whole window.
    pub reduction: Reduction,
}

/// One series, reduced to the budget.
#[derive(Debug, Clone)]
pub struct Series {
    /// The run.
    pub run: RunId,
    /// The metric's name.
    pub metric: String,
    /// The zero of the relative axis: when the run started.
    pub origin: Timestamp,
    /// What was read.
    pub view: SeriesView,
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

    /// Reads series of several runs, all at one moment. Series without points in
    /// the window are left out.
    pub async fn series_read(
        &self,
        caller: &Caller,
        request: &SeriesRequest,
    ) -> Result<Vec<Series>> {
        let mut max_points = budget(request.reduction)?;
        let keys = self.series_keys(caller, request).await?;
        bound_series(keys.len())?;
        let mut reduction = request.reduction;
        if let Reduction::Page { limit, .. } = &mut reduction {
            // Every point is asked for, not so many: they may be few.
            *limit = max_points.min(limits::SERIES_QUERY_POINTS_MAX / keys.len().max(1));
            max_points = *limit;
        }
        if keys.len().saturating_mul(max_points) > limits::SERIES_QUERY_POINTS_MAX {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "{} series of up to {max_points} points are more than the {} points one query may ask for; lower `max_points` or ask for fewer series",
                    keys.len(),
                    limits::SERIES_QUERY_POINTS_MAX
                ),
            ));
        }
        let views = self
            .store
            .series_read(&keys, request.window, reduction)
            .await?;
        let mut found = Vec::with_capacity(keys.len());
        for (key, view) in keys.into_iter().zip(views) {
            if matches!(request.reduction, Reduction::Page { .. }) && !view.exact {
                return Err(Error::new(
                    ErrorKind::TooLarge,
                    format!(
                        "a series has {} points in this range, and an answer holds {max_points} of each; narrow the range, ask for a reduction, or read the run's history",
                        view.total
                    ),
                ));
            }
            if !view.points.is_empty() {
                found.push(Series {
                    run: key.run,
                    metric: key.name,
                    origin: key.origin,
                    view,
                });
            }
        }
        Ok(found)
    }

    /// The series asked for, by run, then as named, then as found by pattern.
    async fn series_keys(
        &self,
        caller: &Caller,
        request: &SeriesRequest,
    ) -> Result<Vec<SeriesKey>> {
        bound_series(
            request
                .runs
                .len()
                .saturating_mul(request.metrics.len().max(1)),
        )?;
        let patterns = request
            .patterns
            .iter()
            .map(|pattern| Glob::new(pattern))
            .collect::<Result<Vec<Glob>>>()?;
        let mut keys = Vec::new();
        let known = self.runs_named(caller, &request.runs).await?;
        for text in &request.runs {
            let run = match known.get(text.as_str()) {
                Some(run) => run.clone(),
                None => self.run_resolve(caller, text).await?,
            };
            let mut names: Vec<String> = Vec::new();
            let mut seen: BTreeSet<&str> = BTreeSet::new();
            for metric in &request.metrics {
                if seen.insert(metric) {
                    names.push(metric.clone());
                }
            }
            for name in self.metric_names(&run.id, &patterns).await? {
                if !seen.contains(name.as_str()) {
                    names.push(name);
                }
            }
            bound_series(keys.len() + names.len())?;
            let origin = self.origin_of(&run).await?;
            keys.extend(names.into_iter().map(|name| SeriesKey {
                run: run.id.clone(),
                name,
                origin,
            }));
        }
        Ok(keys)
    }

    /// Those of the runs that are named by their whole id, in one question to the store.
    async fn runs_named(&self, caller: &Caller, texts: &[String]) -> Result<BTreeMap<String, Run>> {
        caller.require(Permission::Read)?;
        let ids: Vec<RunId> = texts.iter().filter_map(|text| text.parse().ok()).collect();
        let found = self.store.runs_get(&ids).await?;
        let keyed = found.into_iter().map(|run| (run.id.to_string(), run));
        Ok(keyed.collect())
    }

    /// The zero of a run's relative axis: when its first attempt started, or
    /// else when it was made.
    pub(crate) async fn origin_of(&self, run: &Run) -> Result<Timestamp> {
        if run.attempt <= 1 {
            return Ok(run.started_at.unwrap_or(run.created_at));
        }
        let attempts = self.store.attempt_list(&run.id).await?;
        let started = attempts.iter().find_map(|attempt| attempt.started_at);
        Ok(started.unwrap_or(run.created_at))
    }

    /// Names of the run's metrics that any pattern matches, in order.
    pub(crate) async fn metric_names(&self, run: &RunId, patterns: &[Glob]) -> Result<Vec<String>> {
        if patterns.is_empty() {
            return Ok(Vec::new());
        }
        let summaries = self
            .store
            .summaries(std::slice::from_ref(run), None)
            .await?;
        let mut names: Vec<String> = summaries
            .into_iter()
            .map(|summary| summary.name)
            .filter(|name| patterns.iter().any(|pattern| pattern.matches(name)))
            .collect();
        names.sort_unstable();
        Ok(names)
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

fn bound_series(wanted: usize) -> Result<()> {
    if wanted <= limits::SERIES_PER_QUERY_MAX {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::TooLarge,
        format!(
            "{wanted} series are more than the {} one query may ask for",
            limits::SERIES_PER_QUERY_MAX
        ),
    ))
}

/// The most points one series may come back with.
fn budget(reduction: Reduction) -> Result<usize> {
    let (max_points, min) = match reduction {
        Reduction::Page { limit, .. } => (limit, 1),
        Reduction::Envelope { max_points } => (max_points, ENVELOPE_POINTS_MIN),
        Reduction::Lttb { max_points } => (max_points, LTTB_POINTS_MIN),
    };
    if (min..=limits::SERIES_POINTS_MAX).contains(&max_points) {
        return Ok(max_points);
    }
    Err(Error::invalid(format!(
        "`max_points` must be {min} to {}",
        limits::SERIES_POINTS_MAX
    )))
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
pub(crate) fn display_of(mapping: &serde_json::Value, name: &str) -> MetricDisplay {
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
