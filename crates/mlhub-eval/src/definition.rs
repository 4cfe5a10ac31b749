//! What a metric is: name, version, parameters, direction, range, formula, and
//! the hash over all of it that accompanies every result.
//!
//! The released definitions live in `registry`; how they are computed lives in
//! `metrics`. A definition never changes after release: a change is a new version.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What is predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Task {
    /// One of two classes; the second label is the positive class.
    Binary,
    /// One of several classes.
    Multiclass,
    /// Any number of several labels.
    Multilabel,
    /// A real number.
    Regression,
    /// An order of the rows of each query.
    Ranking,
    /// A text.
    Text,
    /// A partition of the rows.
    Clustering,
    /// Whether a row is out of the ordinary; the second label is that of the anomalies.
    Anomaly,
    /// Later values of several series.
    Forecasting,
    /// The order of times until an event, some of which are not seen.
    Survival,
    /// Boxes around the objects of an image.
    Detection,
    /// The class, and the object, of each pixel of an image.
    Segmentation,
}

impl Task {
    /// All tasks, in the order they are shown.
    pub const ALL: [Self; 12] = [
        Self::Binary,
        Self::Multiclass,
        Self::Multilabel,
        Self::Regression,
        Self::Ranking,
        Self::Text,
        Self::Clustering,
        Self::Anomaly,
        Self::Forecasting,
        Self::Survival,
        Self::Detection,
        Self::Segmentation,
    ];
}

impl Task {
    /// The name used in files and messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::Multiclass => "multiclass",
            Self::Multilabel => "multilabel",
            Self::Regression => "regression",
            Self::Ranking => "ranking",
            Self::Text => "text",
            Self::Clustering => "clustering",
            Self::Anomaly => "anomaly",
            Self::Forecasting => "forecasting",
            Self::Survival => "survival",
            Self::Detection => "detection",
            Self::Segmentation => "segmentation",
        }
    }

    /// The name with its article, for messages: `a binary`, `an anomaly`.
    pub(crate) fn with_article(self) -> String {
        let article = if self == Self::Anomaly { "an" } else { "a" };
        format!("{article} {self}")
    }
}

impl std::fmt::Display for Task {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Larger is better.
    Maximize,
    /// Smaller is better.
    Minimize,
    /// Neither; the metric describes.
    None,
}

/// A metric definition: data, versioned, hashed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricDefinition {
    /// Name, unique together with the version: `accuracy`.
    pub name: String,
    /// Version, from 1.
    pub version: u32,
    /// Tasks the metric is defined for.
    pub tasks: Vec<Task>,
    /// Parameters that change the value, such as `k` or the number of bins.
    pub params: BTreeMap<String, serde_json::Value>,
    /// Which way is better.
    pub direction: Direction,
    /// Smallest and largest possible value, both attainable or approached;
    /// `None` where unbounded.
    pub range: (Option<f64>, Option<f64>),
    /// Unit of the value; `None` for a plain ratio. `"y"` stands for the unit of
    /// the target, `"y^2"` for its square.
    pub unit: Option<String>,
    /// The formula in words and plain-text mathematics, with its rules for
    /// weights and for divisions by zero.
    pub formula: String,
    /// Where the formula comes from.
    pub source: String,
    /// What computes it, where that is an adapter; absent for the metrics of this crate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub implementation: Option<Implementation>,
}

/// The code of an adapter that computes a metric; as a part of the definition it makes
/// changed code another definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Implementation {
    /// The adapter's name.
    pub adapter: String,
    /// BLAKE3 over the command and the files that compute the metric, as hex digits.
    pub digest: String,
}

/// Separates these hashes from any other use of BLAKE3.
const HASH_CONTEXT: &str = "mlhub-eval metric definition, canonical JSON, v1";

impl MetricDefinition {
    /// `name@version`.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }

    /// BLAKE3 over the canonical JSON of the whole definition, as 64 hex digits.
    #[must_use]
    pub fn hash(&self) -> String {
        let value = serde_json::to_value(self)
            .expect("a definition holds only strings, finite numbers and lists");
        let mut canonical = String::new();
        write_canonical(&value, &mut canonical);
        blake3::Hasher::new_derive_key(HASH_CONTEXT)
            .update(canonical.as_bytes())
            .finalize()
            .to_hex()
            .to_string()
    }
}

/// JSON without spaces, keys in byte order. Written out here because the order
/// of `serde_json` maps depends on a feature any crate in the build may enable.
fn write_canonical(value: &serde_json::Value, out: &mut String) {
    use serde_json::Value;
    match value {
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            out.push('{');
            for (index, (key, item)) in entries.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(key.clone()).to_string());
                out.push(':');
                write_canonical(item, out);
            }
            out.push('}');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_json_sorts_keys_at_every_depth() {
        let value = serde_json::json!({"b": [1, {"z": null, "a": "\""}], "a": 0.5});
        let mut text = String::new();
        write_canonical(&value, &mut text);
        assert_eq!(text, r#"{"a":0.5,"b":[1,{"a":"\"","z":null}]}"#);
    }

    #[test]
    fn every_field_changes_the_hash() {
        let base = crate::registry::definitions()[0].clone();
        let variants = [
            MetricDefinition {
                name: "other".into(),
                ..base.clone()
            },
            MetricDefinition {
                version: 2,
                ..base.clone()
            },
            MetricDefinition {
                tasks: vec![Task::Regression],
                ..base.clone()
            },
            MetricDefinition {
                params: [("k".to_owned(), serde_json::json!(7))].into(),
                ..base.clone()
            },
            MetricDefinition {
                direction: Direction::None,
                ..base.clone()
            },
            MetricDefinition {
                range: (None, None),
                ..base.clone()
            },
            MetricDefinition {
                unit: Some("s".into()),
                ..base.clone()
            },
            MetricDefinition {
                formula: "other".into(),
                ..base.clone()
            },
            MetricDefinition {
                source: "other".into(),
                ..base.clone()
            },
            MetricDefinition {
                implementation: Some(Implementation {
                    adapter: "mine".into(),
                    digest: "00".into(),
                }),
                ..base.clone()
            },
            MetricDefinition {
                implementation: Some(Implementation {
                    adapter: "mine".into(),
                    digest: "01".into(),
                }),
                ..base.clone()
            },
        ];
        let mut hashes: Vec<_> = variants.iter().map(MetricDefinition::hash).collect();
        hashes.push(base.hash());
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), variants.len() + 1);
    }

    #[test]
    fn definitions_survive_json() {
        for definition in crate::registry::definitions() {
            let text = serde_json::to_string(definition).unwrap();
            let read: MetricDefinition = serde_json::from_str(&text).unwrap();
            assert_eq!(&read, definition);
            assert_eq!(read.hash(), definition.hash());
        }
    }
}
