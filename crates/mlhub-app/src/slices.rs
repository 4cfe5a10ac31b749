//! Metrics by the values of a column: how a model does on each part of a split.
//!
//! Which row has which value was read where the data lies and is in the run's plan; the hub
//! itself never sees the columns.

use std::collections::{BTreeMap, HashMap};

use mlhub_core::Result;
use mlhub_core::run::Run;
use mlhub_eval::{Bootstrap, EvaluateOptions, Predictions, evaluate};
use mlhub_protocol::Number;
use mlhub_protocol::rest::{ExpectedSplit, SliceCodes};
use serde::{Deserialize, Serialize};

use crate::Hub;

/// Where the slices are in the stored curves of an evaluation.
pub(crate) const SLICES_KEY: &str = "slices";
/// Resamples of an interval of a slice at most: there are many of them.
const SAMPLES_MAX: u32 = 200;

/// Rows of an evaluation that have one value of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredSlice {
    /// The column.
    pub column: String,
    /// The value.
    pub value: String,
    /// Rows.
    pub n: u64,
    /// Metrics of these rows; those that they do not allow are left out.
    pub metrics: Vec<SliceMetric>,
}

/// A metric of a slice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SliceMetric {
    /// Its name.
    pub name: String,
    /// `name@version`.
    pub definition: String,
    /// The value; NaN where undefined.
    pub value: Number,
    /// Lower end of its interval.
    pub low: Option<Number>,
    /// Upper end of its interval.
    pub high: Option<Number>,
}

impl StoredSlice {
    /// A metric by name or `name@version`.
    pub(crate) fn value_of(&self, metric: &str) -> Option<f64> {
        let named = |of: &&SliceMetric| of.name == metric || of.definition == metric;
        self.metrics.iter().find(named).map(|of| of.value.0)
    }
}

impl Hub {
    /// The slices of a run's evaluation of a split; none when it has none.
    pub(crate) async fn slices_of(&self, run: &Run, split: &str) -> Result<Vec<StoredSlice>> {
        let Some((record, _)) = self.done_evaluations(run).await?.remove(split) else {
            return Ok(Vec::new());
        };
        let whole = self.store.evaluation_get(&record.id).await?;
        let curves = whole.and_then(|record| record.curves).unwrap_or_default();
        Ok(serde_json::from_value(curves[SLICES_KEY].clone()).unwrap_or_default())
    }
}

/// Evaluates each value of each column by itself, in the order of columns and values.
///
/// # Errors
/// One paragraph for a person, when the plan does not fit the predictions.
pub(crate) fn sliced(
    predictions: &Predictions,
    expected: &ExpectedSplit,
    options: &EvaluateOptions,
) -> std::result::Result<Vec<StoredSlice>, String> {
    if expected.slices.is_empty() {
        return Ok(Vec::new());
    }
    let places = places(predictions, expected)?;
    let options = EvaluateOptions {
        curves: false,
        bootstrap: options.bootstrap.map(|of| Bootstrap {
            samples: of.samples.min(SAMPLES_MAX),
            ..of
        }),
        ..options.clone()
    };
    let mut slices = Vec::new();
    for (column, codes) in &expected.slices {
        for (value, rows) in rows_by_value(column, codes, &places)? {
            let Some(part) = predictions.subset(&rows) else {
                continue;
            };
            let judged = evaluate(&part, &options).map_err(|error| error.to_string())?;
            let metric = |of: mlhub_eval::MetricValue| SliceMetric {
                low: of.interval.as_ref().map(|interval| Number(interval.low)),
                high: of.interval.as_ref().map(|interval| Number(interval.high)),
                name: of.name,
                definition: of.definition,
                value: Number(of.value),
            };
            slices.push(StoredSlice {
                column: column.clone(),
                value: value.to_owned(),
                n: rows.len() as u64,
                metrics: judged.metrics.into_iter().map(metric).collect(),
            });
        }
    }
    Ok(slices)
}

/// Where each predicted row is among the rows of the split.
fn places(
    predictions: &Predictions,
    expected: &ExpectedSplit,
) -> std::result::Result<Vec<usize>, String> {
    let known: Option<HashMap<&str, usize>> = expected.ids.as_ref().map(|ids| {
        let rows = ids.iter().enumerate();
        rows.map(|(row, id)| (id.as_str(), row)).collect()
    });
    let place = |id: &String| match &known {
        Some(known) => known.get(id.as_str()).copied(),
        None => id.parse().ok(),
    };
    let places: Option<Vec<usize>> = predictions.ids().iter().map(place).collect();
    places.ok_or_else(|| {
        "the rows of the split are known by number only, as there are too many ids to keep; its slices need ids from 0 on, so leave `dataset.id` or `evaluation.slices` out"
            .to_owned()
    })
}

fn rows_by_value<'a>(
    column: &str,
    codes: &'a SliceCodes,
    places: &[usize],
) -> std::result::Result<Vec<(&'a str, Vec<usize>)>, String> {
    let mut rows: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let letters = codes.codes.as_bytes();
    for (row, place) in places.iter().enumerate() {
        let code = letters
            .get(*place)
            .and_then(|letter| letter.checked_sub(b'a'))
            .map(usize::from)
            .filter(|code| *code < codes.values.len())
            .ok_or_else(|| {
                format!(
                    "the values of `{column}` that were recorded do not fit the rows of the split"
                )
            })?;
        rows.entry(code).or_default().push(row);
    }
    let named = |(code, rows): (usize, Vec<usize>)| (codes.values[code].as_str(), rows);
    Ok(rows.into_iter().map(named).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlhub_eval::{PredictionsInput, Targets, Task};

    fn predictions(ids: &[&str]) -> Predictions {
        Predictions::new(PredictionsInput {
            ids: ids.iter().map(|id| (*id).to_owned()).collect(),
            task: Task::Regression,
            labels: vec![],
            y_true: Targets::Values(vec![1.0, 2.0, 3.0, 4.0]),
            y_pred: Some(Targets::Values(vec![1.0, 2.0, 5.0, 6.0])),
            y_score: None,
            weight: None,
            group: None,
            numbers: Vec::new(),
        })
        .expect("valid")
    }

    fn split(ids: Option<&[&str]>, codes: &str) -> ExpectedSplit {
        let codes = SliceCodes {
            values: vec!["f".to_owned(), "m".to_owned()],
            codes: codes.to_owned(),
        };
        ExpectedSplit {
            rows: 4,
            ids: ids.map(|ids| ids.iter().map(|id| (*id).to_owned()).collect()),
            slices: [("sex".to_owned(), codes)].into(),
            ..ExpectedSplit::default()
        }
    }

    #[test]
    fn each_value_is_judged_by_its_own_rows() {
        let options = EvaluateOptions {
            definitions: Some(vec!["mae@1".to_owned()]),
            ..EvaluateOptions::default()
        };
        let told = |predictions: &Predictions, split: &ExpectedSplit| -> Vec<(String, u64, f64)> {
            let slices = sliced(predictions, split, &options).expect("they fit");
            slices
                .iter()
                .map(|of| (of.value.clone(), of.n, of.value_of("mae").expect("mae")))
                .collect()
        };
        let f_and_m = [("f".to_owned(), 2, 0.0), ("m".to_owned(), 2, 2.0)];
        let numbered = predictions(&["0", "1", "2", "3"]);
        assert_eq!(told(&numbered, &split(None, "aabb")), f_and_m);
        // The rows of the split are in another order than the predictions.
        let ids: &[&str] = &["z", "y", "x", "w"];
        let named = predictions(&["w", "x", "y", "z"]);
        assert_eq!(told(&named, &split(Some(ids), "bbaa")), f_and_m);
        let error = sliced(&numbered, &split(None, "aab"), &options).expect_err("too short");
        assert!(error.contains("`sex`"), "{error}");
        let error = sliced(&named, &split(None, "aabb"), &options).expect_err("names");
        assert!(error.contains("dataset.id"), "{error}");
    }
}
