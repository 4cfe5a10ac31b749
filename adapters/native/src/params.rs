//! The params of `run.json`, checked and typed.
//!
//! The hub checks them against `schema.json` first; this is the second check,
//! for programs that write run directories themselves. Defaults are the
//! schema's and are tested to be equal.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::failure::Failure;

/// How far a misspelt name may be from the one suggested (Jaro-Winkler).
const SUGGESTION_SIMILARITY: f64 = 0.75;

/// Which model is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ModelKind {
    GradientBoosting,
    Logistic,
    Linear,
}

/// All params, in the order of `schema.json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Params {
    pub(crate) model: ModelKind,
    pub(crate) exclude: Vec<String>,
    pub(crate) validation_fraction: f64,
    pub(crate) early_stopping_rounds: u64,
    pub(crate) checkpoint_every: u64,
    pub(crate) rounds: u64,
    pub(crate) learning_rate: f64,
    pub(crate) max_depth: u64,
    pub(crate) min_child_weight: f64,
    pub(crate) l2: f64,
    pub(crate) min_split_gain: f64,
    pub(crate) subsample: f64,
    pub(crate) column_subsample: f64,
    pub(crate) max_bins: u64,
    pub(crate) epochs: u64,
    pub(crate) step_size: f64,
    pub(crate) batch_size: u64,
    pub(crate) weight_decay: f64,
}

impl Params {
    /// Reads params.
    ///
    /// # Errors
    /// [`Failure::Config`] with the field, for an unknown name, a wrong type or
    /// a value out of range.
    pub(crate) fn read(params: &Map<String, Value>) -> Result<Self, Failure> {
        let read = Reader { params };
        let read_params = Self {
            model: read.model()?,
            exclude: read.strings("exclude")?,
            validation_fraction: read.float("validation_fraction", 0.0, Range::closed(0.0, 0.5))?,
            early_stopping_rounds: read.integer("early_stopping_rounds", 0, 0, 100_000)?,
            checkpoint_every: read.integer("checkpoint_every", 25, 0, 100_000)?,
            rounds: read.integer("rounds", 100, 1, 100_000)?,
            learning_rate: read.float("learning_rate", 0.1, Range::above(0.0, 1.0))?,
            max_depth: read.integer("max_depth", 6, 1, 16)?,
            min_child_weight: read.float("min_child_weight", 1.0, Range::closed(0.0, 1e9))?,
            l2: read.float("l2", 1.0, Range::closed(0.0, 1e9))?,
            min_split_gain: read.float("min_split_gain", 0.0, Range::closed(0.0, 1e9))?,
            subsample: read.float("subsample", 1.0, Range::above(0.0, 1.0))?,
            column_subsample: read.float("column_subsample", 1.0, Range::above(0.0, 1.0))?,
            max_bins: read.integer("max_bins", 256, 2, 4096)?,
            epochs: read.integer("epochs", 100, 1, 100_000)?,
            step_size: read.float("step_size", 0.01, Range::above(0.0, 10.0))?,
            batch_size: read.integer("batch_size", 64, 1, 1_000_000)?,
            weight_decay: read.float("weight_decay", 1e-4, Range::closed(0.0, 1e3))?,
        };
        read.unknown(&read_params)?;
        Ok(read_params)
    }

    /// How many steps (rounds or epochs) training takes.
    pub(crate) fn steps(&self) -> u64 {
        match self.model {
            ModelKind::GradientBoosting => self.rounds,
            ModelKind::Logistic | ModelKind::Linear => self.epochs,
        }
    }

    /// The params that must not change when a run is resumed: all but how long
    /// to train and how often to save.
    pub(crate) fn identity(&self) -> Value {
        let mut value = serde_json::to_value(self).unwrap_or(Value::Null);
        if let Some(map) = value.as_object_mut() {
            for name in ["rounds", "epochs", "checkpoint_every"] {
                map.remove(name);
            }
        }
        value
    }
}

/// Bounds of a float; the upper one is always included.
#[derive(Clone, Copy)]
struct Range {
    low: f64,
    low_included: bool,
    high: f64,
}

impl Range {
    fn closed(low: f64, high: f64) -> Self {
        Self {
            low,
            low_included: true,
            high,
        }
    }

    fn above(low: f64, high: f64) -> Self {
        Self {
            low,
            low_included: false,
            high,
        }
    }

    fn holds(self, value: f64) -> bool {
        let above = if self.low_included {
            value >= self.low
        } else {
            value > self.low
        };
        above && value <= self.high
    }
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = if self.low_included { "from" } else { "above" };
        write!(f, "{word} {} to {}", self.low, self.high)
    }
}

struct Reader<'a> {
    params: &'a Map<String, Value>,
}

impl Reader<'_> {
    fn model(&self) -> Result<ModelKind, Failure> {
        match self.params.get("model").map(Value::as_str) {
            None | Some(Some("gradient_boosting")) => Ok(ModelKind::GradientBoosting),
            Some(Some("logistic")) => Ok(ModelKind::Logistic),
            Some(Some("linear")) => Ok(ModelKind::Linear),
            Some(_) => Err(refused(
                "model",
                "must be gradient_boosting, logistic or linear",
            )),
        }
    }

    fn strings(&self, name: &str) -> Result<Vec<String>, Failure> {
        let Some(value) = self.params.get(name) else {
            return Ok(Vec::new());
        };
        value
            .as_array()
            .and_then(|items| {
                items
                    .iter()
                    .map(|item| item.as_str().map(str::to_owned))
                    .collect()
            })
            .ok_or_else(|| refused(name, "must be a list of column names"))
    }

    fn integer(&self, name: &str, default: u64, low: u64, high: u64) -> Result<u64, Failure> {
        let Some(value) = self.params.get(name) else {
            return Ok(default);
        };
        value
            .as_u64()
            .filter(|value| (low..=high).contains(value))
            .ok_or_else(|| refused(name, format!("must be a whole number from {low} to {high}")))
    }

    fn float(&self, name: &str, default: f64, range: Range) -> Result<f64, Failure> {
        let Some(value) = self.params.get(name) else {
            return Ok(default);
        };
        value
            .as_f64()
            .filter(|value| range.holds(*value))
            .ok_or_else(|| refused(name, format!("must be a number {range}")))
    }

    /// Refuses names that are no params.
    fn unknown(&self, known: &Params) -> Result<(), Failure> {
        let known = serde_json::to_value(known).unwrap_or(Value::Null);
        let Some(known) = known.as_object() else {
            return Ok(());
        };
        let Some(name) = self.params.keys().find(|name| !known.contains_key(*name)) else {
            return Ok(());
        };
        let near = known
            .keys()
            .map(|other| (strsim::jaro_winkler(name, other), other))
            .filter(|(similarity, _)| *similarity >= SUGGESTION_SIMILARITY)
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let message = match near {
            Some((_, other)) => format!("is not a param of this adapter; did you mean {other}?"),
            None => "is not a param of this adapter; schema.json lists them".to_owned(),
        };
        Err(refused(name, message))
    }
}

fn refused(name: &str, message: impl Into<String>) -> Failure {
    Failure::config(format!("params.{name}"), message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: Value) -> Result<Params, Failure> {
        Params::read(value.as_object().unwrap())
    }

    #[test]
    fn defaults_and_names_are_those_of_the_schema() {
        let schema: Value = serde_json::from_str(include_str!("../schema.json")).unwrap();
        let ours = serde_json::to_value(read(serde_json::json!({})).unwrap()).unwrap();
        let properties = schema["properties"].as_object().unwrap();
        for (name, value) in ours.as_object().unwrap() {
            let default = &properties[name]["default"];
            let same = match (default.as_f64(), value.as_f64()) {
                (Some(a), Some(b)) => a == b,
                _ => default == value,
            };
            assert!(same, "{name}: schema {default}, code {value}");
        }
        assert_eq!(properties.len(), ours.as_object().unwrap().len());
        assert_eq!(schema["additionalProperties"], Value::Bool(false));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (value, field) in [
            (
                serde_json::json!({"learning_rate": 0}),
                "params.learning_rate",
            ),
            (
                serde_json::json!({"learning_rate": "fast"}),
                "params.learning_rate",
            ),
            (serde_json::json!({"rounds": 2.5}), "params.rounds"),
            (serde_json::json!({"model": "forest"}), "params.model"),
            (serde_json::json!({"exclude": "a"}), "params.exclude"),
        ] {
            let failure = read(value).unwrap_err();
            assert_eq!(failure.field(), Some(field));
            assert_eq!(failure.exit_code(), 64);
        }
        let failure = read(serde_json::json!({"learning_rat": 0.1})).unwrap_err();
        assert!(failure.to_string().contains("did you mean learning_rate?"));
    }
}
