//! Judges what a run wrote: its metrics, prediction files and entry event.
//!
//! Values are compared bit by bit and never shown.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path};

use mlhub_data::{Format, PredictionTable, Values};
use mlhub_protocol::event::EventLine;
use serde_json::Value;

use super::data::CheckData;
use super::program::Outcome;

/// Prefix of metrics that measure the machine and may differ between equal runs.
const CLOCK_PREFIX: &str = "time/";
/// Most numbers in a row in an entry event before they count as samples.
const MAX_ENTRY_NUMBERS: usize = 16;

/// Step and bits of every value, by metric; metrics of the clock are left out.
pub(super) type Series = BTreeMap<String, Vec<(Option<i64>, u64)>>;

pub(super) fn series(events: &[EventLine]) -> Series {
    let mut series = Series::new();
    for event in events {
        for (name, value) in event
            .metrics
            .iter()
            .filter(|(name, _)| !name.starts_with(CLOCK_PREFIX))
        {
            series
                .entry(name.clone())
                .or_default()
                .push((event.step, value.0.to_bits()));
        }
    }
    series
}

/// The part of every series after `step`.
pub(super) fn after(series: &Series, step: i64) -> Series {
    let later = |points: &Vec<(Option<i64>, u64)>| {
        points
            .iter()
            .filter(|(at, _)| at.is_some_and(|at| at > step))
            .copied()
            .collect::<Vec<_>>()
    };
    series
        .iter()
        .map(|(name, points)| (name.clone(), later(points)))
        .filter(|(_, points)| !points.is_empty())
        .collect()
}

/// The first metric in which two runs differ, in words.
pub(super) fn difference(a: &Series, b: &Series) -> Option<String> {
    for name in a.keys().chain(b.keys()) {
        match (a.get(name), b.get(name)) {
            (Some(one), Some(two)) if one == two => {}
            (Some(one), Some(two)) if one.len() != two.len() => {
                return Some(format!(
                    "metric `{name}` has {} values and then {}",
                    one.len(),
                    two.len()
                ));
            }
            (Some(one), Some(two)) => {
                let at = one
                    .iter()
                    .zip(two)
                    .position(|(x, y)| x != y)
                    .unwrap_or_default();
                let step = one[at].0.map_or_else(
                    || format!("value {}", at + 1),
                    |step| format!("step {step}"),
                );
                return Some(format!("metric `{name}` differs at {step}"));
            }
            _ => return Some(format!("metric `{name}` is there only once")),
        }
    }
    None
}

/// The bytes of each split's prediction file.
///
/// # Errors
/// The sentence to show when a file is announced that is not there, or lies outside the run directory.
pub(super) fn predictions(
    outcome: &Outcome,
) -> Result<BTreeMap<String, (String, Vec<u8>)>, String> {
    let mut found = BTreeMap::new();
    for event in outcome
        .events
        .iter()
        .filter_map(|event| event.predictions.as_ref())
    {
        let plain = Path::new(&event.path)
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if !plain {
            return Err(format!(
                "the predictions event of split `{}` names a path that is not relative to the run directory",
                event.split
            ));
        }
        let bytes = fs::read(outcome.dir.join(&event.path)).map_err(|error| {
            format!(
                "prediction file `{}` of split `{}`: {error}",
                event.path, event.split
            )
        })?;
        found.insert(event.split.clone(), (event.path.clone(), bytes));
    }
    Ok(found)
}

/// Reads a prediction file as its task needs it.
///
/// # Errors
/// The sentence to show.
pub(super) fn read_predictions(
    outcome: &Outcome,
    path: &str,
    task: &str,
) -> Result<PredictionTable, String> {
    let format = format_of(path)?;
    let read = match task {
        "text" => mlhub_data::read_text_predictions,
        "multilabel" => mlhub_data::read_label_list_predictions,
        "detection" | "segmentation" => mlhub_data::read_json_predictions,
        _ => mlhub_data::read_predictions,
    };
    read(&outcome.dir.join(path), path, format).map_err(|error| error.to_string())
}

/// Checks one prediction file against its split and task; returns its rows.
///
/// # Errors
/// The sentence to show.
pub(super) fn judge_predictions(
    outcome: &Outcome,
    path: &str,
    split: &str,
    task: &str,
    data: &CheckData,
) -> Result<usize, String> {
    let table = read_predictions(outcome, path, task)?;
    let expected = data
        .input
        .splits
        .get(split)
        .ok_or_else(|| format!("predictions for split `{split}`, which was not asked for"))?
        .rows;
    if table.rows() as u64 != expected {
        return Err(format!(
            "`{path}` has {} rows and the split {expected}; write one row per example",
            table.rows()
        ));
    }
    let mut ids: Vec<u64> = table.ids.iter().filter_map(|id| id.parse().ok()).collect();
    ids.sort_unstable();
    if !ids.iter().copied().eq(0..expected) {
        return Err(format!(
            "`{path}`: without an id column a row's id is its position in the split's file, 0 to {}; each must be there once",
            expected.saturating_sub(1)
        ));
    }
    if table
        .y_score
        .iter()
        .flatten()
        .any(|score| !score.is_finite())
    {
        return Err(format!("`{path}` has scores that are not finite"));
    }
    judge_task(&table, path, task)?;
    Ok(table.rows())
}

/// What the task needs of a prediction file.
fn judge_task(table: &PredictionTable, path: &str, task: &str) -> Result<(), String> {
    let regression = task == "regression";
    match &table.y_pred {
        Some(Values::Text(_)) if regression => {
            return Err(format!("`{path}`: y_pred of a regression must be numbers"));
        }
        None if regression || task == "text" => {
            return Err(format!("`{path}` has no y_pred, which a {task} task needs"));
        }
        _ => {}
    }
    if regression
        && matches!(&table.y_pred, Some(Values::Number(values)) if values.iter().any(|value| !value.is_finite()))
    {
        return Err(format!("`{path}` has predictions that are not finite"));
    }
    if task == "ranking" && (table.group.is_none() || table.score_columns() != 1) {
        return Err(format!(
            "`{path}`: a ranking needs a `group` column with the query of each row, and one `y_score` per row"
        ));
    }
    Ok(())
}

fn format_of(path: &str) -> Result<Format, String> {
    match Path::new(path)
        .extension()
        .and_then(|extension| extension.to_str())
    {
        Some("csv") => Ok(Format::Csv),
        Some("parquet") => Ok(Format::Parquet),
        Some("jsonl") => Ok(Format::Jsonl),
        Some("npz") => Ok(Format::Npz),
        _ => Err(format!("`{path}` is none of .csv, .parquet, .jsonl, .npz")),
    }
}

/// Whether an entry event names shapes and dtypes and holds no values.
///
/// # Errors
/// The sentence to show.
pub(super) fn judge_entry(entry: &Value) -> Result<(), String> {
    for (word, plural) in [("shape", "shapes"), ("dtype", "dtypes")] {
        if !has_key(entry, &|key| key == word || key == plural) {
            return Err(format!("the entry event has no `{word}` anywhere"));
        }
    }
    match holds_values(entry) {
        true => Err(format!(
            "the entry event holds a list of more than {MAX_ENTRY_NUMBERS} numbers; give shapes, dtypes and statistics, never values"
        )),
        false => Ok(()),
    }
}

fn has_key(value: &Value, wanted: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::Object(map) => map
            .iter()
            .any(|(key, inner)| wanted(key) || has_key(inner, wanted)),
        Value::Array(items) => items.iter().any(|inner| has_key(inner, wanted)),
        _ => false,
    }
}

fn holds_values(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.values().any(holds_values),
        Value::Array(items) => {
            (items.len() > MAX_ENTRY_NUMBERS && items.iter().all(Value::is_number))
                || items.iter().any(holds_values)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn events(lines: &[Value]) -> Vec<EventLine> {
        lines
            .iter()
            .map(|line| serde_json::from_value(line.clone()).unwrap())
            .collect()
    }

    #[test]
    fn series_differ_by_one_bit_and_not_by_the_clock() {
        let one = series(&events(&[
            json!({"step": 1, "metrics": {"loss": 0.1, "time/epoch": 1.0}}),
        ]));
        let two = series(&events(&[
            json!({"step": 1, "metrics": {"loss": 0.1, "time/epoch": 2.0}}),
        ]));
        let three = series(&events(&[
            json!({"step": 1, "metrics": {"loss": 0.100_000_000_000_000_02}}),
        ]));
        assert_eq!(difference(&one, &two), None);
        assert_eq!(
            difference(&one, &three).as_deref(),
            Some("metric `loss` differs at step 1")
        );
        assert!(difference(&one, &Series::new()).is_some());
        assert!(after(&one, 1).is_empty());
        assert_eq!(after(&one, 0), one);
    }

    #[test]
    fn an_entry_event_has_shapes_and_no_values() {
        assert!(judge_entry(&json!({"train": {"shape": [10, 4], "dtype": "float64"}})).is_ok());
        assert!(judge_entry(&json!({"train": {"shape": [10, 4]}})).is_err());
        let values: Vec<f64> = (0..20).map(f64::from).collect();
        assert!(judge_entry(&json!({"shape": [20], "dtype": "f8", "head": values})).is_err());
    }
}
