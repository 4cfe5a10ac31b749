//! Comparing runs: what differs in their configs, how their metrics stand, and
//! how seed groups spread.

use std::collections::{BTreeMap, BTreeSet};

use mlhub_core::metric::Direction;
use mlhub_core::{Caller, Error, ErrorKind, Permission, Result, limits};
use mlhub_protocol::rest::Snapshot;
use serde_json::Value;
use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::Hub;
use crate::custom_metrics::CustomDefinitions;
use crate::evaluation::plan_of;
use crate::runs::RunRow;
use crate::series::display_of;
use crate::significance::{MetricTest, Side, tests};

/// Confidence of the intervals of means over seeds and of their differences.
pub(crate) const CONFIDENCE: f64 = 0.95;

/// A comparison; columns are in the order of `rows`.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The runs.
    pub rows: Vec<RunRow>,
    /// Config values that differ.
    pub config: Vec<ConfigDifference>,
    /// Metrics.
    pub metrics: Vec<MetricComparison>,
    /// Seed groups.
    pub groups: Vec<GroupStatistics>,
    /// Every metric of every pair of groups.
    pub tests: Vec<MetricTest>,
    /// What a reader should know.
    pub warnings: Vec<String>,
}

/// A config value that differs.
#[derive(Debug, Clone)]
pub struct ConfigDifference {
    /// Dotted path.
    pub path: String,
    /// The values; absent ones are `None`.
    pub values: Vec<Option<Value>>,
}

/// A metric over runs.
#[derive(Debug, Clone)]
pub struct MetricComparison {
    /// `<split>/<name>` for evaluated metrics, else the logged name.
    pub name: String,
    /// `name@version` for evaluated metrics.
    pub definition: Option<String>,
    /// Direction in which it gets better.
    pub direction: Direction,
    /// The values.
    pub values: Vec<Option<f64>>,
    /// Their intervals.
    pub intervals: Vec<Option<(f64, f64)>>,
    /// Index of the one best value.
    pub best: Option<usize>,
}

/// A seed group.
#[derive(Debug, Clone)]
pub struct GroupStatistics {
    /// The group's id, or the run's own.
    pub group: String,
    /// The experiment.
    pub experiment: String,
    /// The adapter.
    pub adapter: Option<String>,
    /// Its runs.
    pub runs: Vec<String>,
    /// Metrics over its seeds.
    pub metrics: BTreeMap<String, SeedStatistics>,
}

/// A metric over seeds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SeedStatistics {
    /// Runs with a finite value.
    pub n: u32,
    /// Mean.
    pub mean: f64,
    /// Sample standard deviation; absent for one run.
    pub std: Option<f64>,
    /// Smallest.
    pub min: f64,
    /// Largest.
    pub max: f64,
    /// Student interval of the mean; absent for one run.
    pub interval: Option<(f64, f64)>,
}

impl Hub {
    /// Compares runs, given by id or unique prefix.
    ///
    /// # Errors
    /// `Conflict` with both definitions when runs were evaluated by different
    /// versions of one metric.
    pub async fn run_compare(&self, caller: &Caller, texts: &[String]) -> Result<Comparison> {
        caller.require(Permission::Read)?;
        if texts.is_empty() || texts.len() > limits::COMPARE_RUNS_MAX {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("name 1 to {} runs to compare", limits::COMPARE_RUNS_MAX),
            ));
        }
        let mut runs: Vec<mlhub_core::run::Run> = Vec::with_capacity(texts.len());
        let mut snapshots = Vec::with_capacity(texts.len());
        for text in texts {
            let run = self.run_resolve(caller, text).await?;
            if runs.iter().any(|known| known.id == run.id) {
                return Err(Error::invalid(format!(
                    "the run `{}` is named twice; it would count twice in the statistics",
                    run.id
                )));
            }
            snapshots.push(self.snapshot(&run.id).await?);
            runs.push(run);
        }
        let rows = self.rows(runs).await?;
        let config = config_differences(&snapshots)?;
        let definitions = self.custom_definitions().await?;
        let metrics = metric_rows(&rows, &snapshots, &definitions)?;
        let members = members(&rows);
        let sides: Vec<Side<'_>> = members
            .iter()
            .map(|(group, columns)| {
                let of = columns.iter().map(|column| &rows[*column]);
                let values = group_values(of.clone());
                let runs: Vec<_> = of.zip(columns.iter().map(|at| &snapshots[*at])).collect();
                Side::new(group, &runs, values)
            })
            .collect();
        let mut warnings = warnings(&rows, &snapshots);
        let (tests, left_out) = tests(&sides, &metrics);
        warnings.extend(left_out);
        Ok(Comparison {
            config,
            groups: groups(&rows, &members, &sides),
            metrics,
            tests,
            warnings,
            rows,
        })
    }
}

fn flatten(prefix: &str, value: &Value, into: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, field) in fields {
                let path = if prefix.is_empty() {
                    key.clone()
                } else {
                    format!("{prefix}.{key}")
                };
                flatten(&path, field, into);
            }
        }
        leaf => {
            into.insert(prefix.to_owned(), leaf.clone());
        }
    }
}

/// Refuses a comparison whose table would not fit.
fn check_size(what: &str, names: usize, runs: usize) -> Result<()> {
    if names.saturating_mul(runs) <= limits::COMPARE_VALUES_MAX {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::TooLarge,
        format!(
            "{names} {what} of {runs} runs are more than the {} values a comparison may have; compare fewer runs",
            limits::COMPARE_VALUES_MAX
        ),
    ))
}

fn config_differences(snapshots: &[Snapshot]) -> Result<Vec<ConfigDifference>> {
    let flat: Vec<BTreeMap<String, Value>> = snapshots
        .iter()
        .map(|snapshot| {
            let mut leaves = BTreeMap::new();
            flatten("", &snapshot.config, &mut leaves);
            leaves
        })
        .collect();
    let paths: BTreeSet<&String> = flat.iter().flat_map(BTreeMap::keys).collect();
    check_size("config values", paths.len(), snapshots.len())?;
    Ok(paths
        .into_iter()
        .filter_map(|path| {
            let values: Vec<Option<Value>> = flat
                .iter()
                .map(|leaves| leaves.get(path).cloned())
                .collect();
            let differs = values.windows(2).any(|pair| pair[0] != pair[1]);
            differs.then(|| ConfigDifference {
                path: path.clone(),
                values,
            })
        })
        .collect())
}

fn metric_rows(
    rows: &[RunRow],
    snapshots: &[Snapshot],
    definitions: &CustomDefinitions,
) -> Result<Vec<MetricComparison>> {
    let evaluated: BTreeSet<(&str, &str)> = rows
        .iter()
        .flat_map(|row| &row.evaluated)
        .map(|metric| (metric.split.as_str(), metric.name.as_str()))
        .collect();
    let logged: BTreeSet<&str> = rows
        .iter()
        .flat_map(|row| &row.metrics)
        .map(|summary| summary.name.as_str())
        .collect();
    check_size("metrics", evaluated.len() + logged.len(), rows.len())?;
    let mut evaluated: BTreeMap<String, MetricComparison> = BTreeMap::new();
    let mut logged: BTreeMap<String, MetricComparison> = BTreeMap::new();
    for (column, row) in rows.iter().enumerate() {
        for metric in &row.evaluated {
            let name = format!("{}/{}", metric.split, metric.name);
            let entry = evaluated.entry(name.clone()).or_insert_with(|| {
                let mut row = empty_row(name, Some(metric.definition.clone()), rows.len());
                row.direction = definitions.direction(&metric.definition);
                row
            });
            if entry.definition.as_deref() != Some(metric.definition.as_str()) {
                let first = entry.definition.as_deref().unwrap_or_default();
                return Err(version_conflict(&entry.name, first, &metric.definition));
            }
            entry.values[column] = Some(metric.value);
            entry.intervals[column] = metric.low.zip(metric.high);
        }
        for summary in &row.metrics {
            let entry = logged.entry(summary.name.clone()).or_insert_with(|| {
                let mut row = empty_row(summary.name.clone(), None, rows.len());
                row.direction = display_direction(&snapshots[column], &summary.name);
                row
            });
            entry.values[column] = Some(summary.last.value);
        }
    }
    let mut all: Vec<MetricComparison> = evaluated
        .into_values()
        .chain(logged.into_values())
        .collect();
    for row in &mut all {
        row.best = best(row);
    }
    Ok(all)
}

fn empty_row(name: String, definition: Option<String>, columns: usize) -> MetricComparison {
    MetricComparison {
        name,
        definition,
        direction: Direction::None,
        values: vec![None; columns],
        intervals: vec![None; columns],
        best: None,
    }
}

/// Two versions of one metric side by side are refused with both shown; those of adapters by
/// their ids.
pub(crate) fn version_conflict(name: &str, first: &str, other: &str) -> Error {
    let body = |id: &str| {
        mlhub_eval::definition(id)
            .and_then(|definition| serde_json::to_value(definition).ok())
            .unwrap_or_else(|| Value::String(id.to_owned()))
    };
    Error::conflict(format!(
        "`{name}` was computed as `{first}` for one run and as `{other}` for another; evaluate the runs again to compare them"
    ))
    .with_details(serde_json::json!({"definitions": [body(first), body(other)]}))
}

fn best(row: &MetricComparison) -> Option<usize> {
    if row.direction == Direction::None {
        return None;
    }
    let better = |a: f64, b: f64| match row.direction {
        Direction::Minimize => a < b,
        _ => a > b,
    };
    let mut found: Option<(usize, f64)> = None;
    let mut tied = false;
    for (column, value) in row.values.iter().enumerate() {
        let Some(value) = value.filter(|value| !value.is_nan()) else {
            continue;
        };
        match found {
            Some((_, champion)) if better(value, champion) => {
                found = Some((column, value));
                tied = false;
            }
            Some((_, champion)) if better(champion, value) => {}
            Some(_) => tied = true,
            None => found = Some((column, value)),
        }
    }
    found
        .filter(|_| !tied && row.values.len() > 1)
        .map(|(column, _)| column)
}

/// Seed groups in the order of their first runs, with the columns of each.
fn members(rows: &[RunRow]) -> Vec<(String, Vec<usize>)> {
    let mut members: Vec<(String, Vec<usize>)> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for (column, row) in rows.iter().enumerate() {
        let group = row.run.group.as_ref();
        let key = group.map_or_else(|| row.run.id.to_string(), ToString::to_string);
        let place = *places.entry(key.clone()).or_insert_with(|| {
            members.push((key, Vec::new()));
            members.len() - 1
        });
        members[place].1.push(column);
    }
    members
}

fn groups(
    rows: &[RunRow],
    members: &[(String, Vec<usize>)],
    sides: &[Side<'_>],
) -> Vec<GroupStatistics> {
    let statistics = |side: &Side<'_>| {
        let values = side.values.iter();
        values
            .filter_map(|(name, values)| Some((name.clone(), seed_statistics(values)?)))
            .collect()
    };
    members
        .iter()
        .zip(sides)
        .map(|((group, columns), side)| {
            let first = &rows[columns[0]].run;
            GroupStatistics {
                group: group.clone(),
                experiment: first.experiment.to_string(),
                adapter: first.adapter.clone(),
                runs: columns
                    .iter()
                    .map(|column| rows[*column].run.id.to_string())
                    .collect(),
                metrics: statistics(side),
            }
        })
        .collect()
}

/// The values of each metric over the runs of a group.
fn group_values<'a>(rows: impl Iterator<Item = &'a RunRow> + Clone) -> BTreeMap<String, Vec<f64>> {
    let mut values: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    let evaluated: BTreeSet<String> = rows
        .clone()
        .flat_map(|row| &row.evaluated)
        .map(|metric| format!("{}/{}", metric.split, metric.name))
        .collect();
    for row in rows {
        for metric in &row.evaluated {
            let name = format!("{}/{}", metric.split, metric.name);
            values.entry(name).or_default().push(metric.value);
        }
        // A program may log a metric under the name of an evaluated one; the
        // two must not be taken together.
        let logged = row
            .metrics
            .iter()
            .filter(|summary| !evaluated.contains(&summary.name));
        for summary in logged {
            let logged = values.entry(summary.name.clone()).or_default();
            logged.push(summary.last.value);
        }
    }
    values
}

/// The direction in which the adapter says that a logged metric gets better.
pub(crate) fn display_direction(snapshot: &Snapshot, name: &str) -> Direction {
    let display = display_of(&snapshot.adapter["metrics"], name);
    match display.direction.as_deref() {
        Some("maximize") => Direction::Maximize,
        Some("minimize") => Direction::Minimize,
        _ => Direction::None,
    }
}

/// Mean, spread and Student interval over the finite values; `None` without any.
pub(crate) fn seed_statistics(values: &[f64]) -> Option<SeedStatistics> {
    let mut finite: Vec<f64> = values
        .iter()
        .copied()
        .filter(|value| value.is_finite())
        .collect();
    // Sorted, so that the order of the runs cannot change the last bit.
    finite.sort_by(f64::total_cmp);
    let (min, max) = (*finite.first()?, *finite.last()?);
    let n = finite.len() as f64;
    let mean = finite.iter().sum::<f64>() / n;
    let std = (finite.len() > 1).then(|| {
        let squares: f64 = finite
            .iter()
            .map(|value| (value - mean) * (value - mean))
            .sum();
        (squares / (n - 1.0)).sqrt()
    });
    let interval = std.and_then(|std| {
        let student = StudentsT::new(0.0, 1.0, n - 1.0).ok()?;
        let half = student.inverse_cdf(0.5 + CONFIDENCE / 2.0) * std / n.sqrt();
        Some((mean - half, mean + half))
    });
    Some(SeedStatistics {
        n: finite.len() as u32,
        mean,
        std,
        min,
        max,
        interval,
    })
}

fn warnings(rows: &[RunRow], snapshots: &[Snapshot]) -> Vec<String> {
    let mut warnings = Vec::new();
    let datasets: BTreeSet<&str> = rows
        .iter()
        .filter_map(|row| row.run.dataset.as_deref())
        .collect();
    if datasets.len() > 1 {
        warnings.push(format!(
            "the runs read different datasets: {}",
            datasets.into_iter().collect::<Vec<_>>().join(", ")
        ));
    }
    let mut splits: BTreeMap<&String, BTreeSet<&str>> = BTreeMap::new();
    for plan in snapshots.iter().filter_map(plan_of) {
        for (name, split) in &plan.splits {
            if let Some(fingerprint) = &split.fingerprint {
                splits.entry(name).or_default().insert(fingerprint);
            }
        }
    }
    for (name, fingerprints) in splits {
        if fingerprints.len() > 1 {
            warnings.push(format!(
                "the split `{name}` is not the same in all runs: their evaluations are of different examples"
            ));
        }
    }
    let unfinished = rows
        .iter()
        .filter(|row| !row.run.state.is_terminal())
        .count();
    if unfinished > 0 {
        warnings.push(format!("{unfinished} of the runs have not ended yet"));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_three_seeds_is_the_textbook_one() {
        let statistics = seed_statistics(&[0.9, 0.92, 0.94]).expect("finite");
        assert!((statistics.mean - 0.92).abs() < 1e-12);
        assert!((statistics.std.expect("three") - 0.02).abs() < 1e-12);
        let (low, high) = statistics.interval.expect("three");
        // t(0.975, 2) = 4.302652729911275 (SciPy stats.t.ppf).
        let half = 4.302_652_729_911_275 * 0.02 / 3f64.sqrt();
        assert!((low - (0.92 - half)).abs() < 1e-9 && (high - (0.92 + half)).abs() < 1e-9);
    }

    #[test]
    fn one_seed_has_no_spread_and_none_has_no_statistics() {
        let one = seed_statistics(&[0.5]).expect("finite");
        assert_eq!((one.n, one.std, one.interval), (1, None, None));
        assert_eq!(seed_statistics(&[f64::NAN]), None);
    }

    #[test]
    fn a_tie_has_no_best() {
        let mut row = empty_row("test/accuracy".to_owned(), None, 3);
        row.direction = Direction::Maximize;
        row.values = vec![Some(0.9), Some(0.9), None];
        assert_eq!(best(&row), None);
        row.values = vec![Some(0.9), Some(f64::NAN), Some(0.95)];
        assert_eq!(best(&row), Some(2));
    }

    #[test]
    fn config_rows_show_only_what_differs() {
        let snapshot = |lr: f64| Snapshot {
            config: serde_json::json!({"params": {"lr": lr, "epochs": 3}}),
            ..Snapshot::default()
        };
        let rows = config_differences(&[snapshot(0.1), snapshot(0.2)]).expect("small");
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].path, "params.lr");
    }

    #[test]
    fn a_comparison_that_would_not_fit_is_refused() {
        let keys = limits::COMPARE_VALUES_MAX / 100 / 100;
        let snapshots = |keys: usize| -> Vec<Snapshot> {
            let config = |run: usize| {
                let values = (0..keys).map(|key| (format!("k{run}-{key}"), Value::from(1)));
                Value::Object(values.collect())
            };
            let snapshot = |run| Snapshot {
                config: config(run),
                ..Snapshot::default()
            };
            (0..100).map(snapshot).collect()
        };
        config_differences(&snapshots(keys)).expect("it just fits");
        let error = config_differences(&snapshots(keys + 1)).expect_err("it does not");
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert!(error.public_message().contains("compare fewer runs"));
    }
}
