//! What differs between configs, leaf by leaf.
//!
//! A leaf is anything but a mapping with entries; a list is one leaf. `1` and
//! `1.0` are the same value here, unlike in the hash: nobody wants to read
//! that difference.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::path::join;

/// A leaf that differs between two configs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// Dotted path of the leaf.
    pub path: String,
    /// The value in the first config.
    pub a: Option<Value>,
    /// The value in the second config.
    pub b: Option<Value>,
}

/// A leaf that is not the same in all of several configs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DifferenceMany {
    /// Dotted path of the leaf.
    pub path: String,
    /// The value in each config, in the order given.
    pub values: Vec<Option<Value>>,
}

/// The leaves that differ between two configs, sorted by path.
pub fn config_diff(a: &Value, b: &Value) -> Vec<Difference> {
    let pair = |mut values: Vec<Option<Value>>| {
        let b = values.pop().flatten();
        (values.pop().flatten(), b)
    };
    let differences = config_diff_many(&[a, b]).into_iter();
    differences
        .map(|DifferenceMany { path, values }| {
            let (a, b) = pair(values);
            Difference { path, a, b }
        })
        .collect()
}

/// The leaves that are not the same in all configs, sorted by path.
pub fn config_diff_many(configs: &[&Value]) -> Vec<DifferenceMany> {
    let mut table: BTreeMap<String, Vec<Option<&Value>>> = BTreeMap::new();
    for (index, config) in configs.iter().enumerate() {
        for leaf in leaves(config) {
            table
                .entry(leaf.path)
                .or_insert_with(|| vec![None; configs.len()])[index] = Some(leaf.value);
        }
    }
    let differs = |values: &[Option<&Value>]| {
        values.windows(2).any(|pair| match (pair[0], pair[1]) {
            (Some(a), Some(b)) => !same(a, b),
            (a, b) => a.is_some() != b.is_some(),
        })
    };
    let different = table.into_iter().filter(|(_, values)| differs(values));
    different
        .map(|(path, values)| DifferenceMany {
            path,
            values: values.into_iter().map(|value| value.cloned()).collect(),
        })
        .collect()
}

/// A leaf of a JSON document.
#[derive(Debug)]
pub(crate) struct Leaf<'v> {
    pub(crate) path: String,
    pub(crate) keys: Vec<&'v str>,
    pub(crate) value: &'v Value,
}

/// The leaves of a document. A document that is itself a leaf has the empty path.
pub(crate) fn leaves(document: &Value) -> Vec<Leaf<'_>> {
    let mut found = Vec::new();
    match document {
        Value::Object(entries) if entries.is_empty() => {}
        _ => collect(document, String::new(), Vec::new(), &mut found),
    }
    found
}

/// The leaves of a mapping, with paths that start with `prefix`.
pub(crate) fn leaves_under<'v>(prefix: &str, entries: &'v Map<String, Value>) -> Vec<Leaf<'v>> {
    let mut found = Vec::new();
    for (key, value) in entries {
        collect(value, join(prefix, key), vec![key.as_str()], &mut found);
    }
    found
}

fn collect<'v>(value: &'v Value, path: String, keys: Vec<&'v str>, found: &mut Vec<Leaf<'v>>) {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            for (key, child) in entries {
                let mut deeper = keys.clone();
                deeper.push(key);
                collect(child, join(&path, key), deeper, found);
            }
        }
        _ => found.push(Leaf { path, keys, value }),
    }
}

/// Whether two values are the same to a reader: numbers by value, mappings in any order.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => {
            if x.is_f64() == y.is_f64() {
                return x == y;
            }
            let (float, whole) = if x.is_f64() {
                (x.as_f64(), y)
            } else {
                (y.as_f64(), x)
            };
            let whole = whole
                .as_i64()
                .map(i128::from)
                .or(whole.as_u64().map(i128::from));
            #[expect(
                clippy::cast_possible_truncation,
                reason = "only whole floats get here, and casts saturate"
            )]
            let exact = |float: f64| (float.fract() == 0.0).then_some(float as i128);
            float.and_then(exact) == whole
        }
        (Value::Array(x), Value::Array(y)) => {
            x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y))
        }
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len()
                && x.iter()
                    .all(|(key, value)| y.get(key).is_some_and(|other| same(value, other)))
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_differs_is_listed() {
        let a = json!({"params": {"lr": 1, "layers": [1, 2], "same": 1.0}, "tags": {}});
        let b = json!({"params": {"lr": 2, "layers": [1, 3], "same": 1, "new": null}, "tags": {}});
        let found = config_diff(&a, &b);
        let rows: Vec<_> = found
            .iter()
            .map(|row| (row.path.as_str(), row.a.clone(), row.b.clone()))
            .collect();
        assert_eq!(
            rows,
            [
                ("params.layers", Some(json!([1, 2])), Some(json!([1, 3]))),
                ("params.lr", Some(json!(1)), Some(json!(2))),
                ("params.new", None, Some(json!(null))),
            ]
        );
        assert!(config_diff(&a, &a).is_empty());
    }

    #[test]
    fn many_configs_share_one_table() {
        let configs = [
            json!({"a": 1, "b": 1}),
            json!({"a": 1, "b": 2}),
            json!({"a": 1}),
        ];
        let found = config_diff_many(&configs.each_ref());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].values, [Some(json!(1)), Some(json!(2)), None]);
    }

    #[test]
    fn large_whole_numbers_are_not_compared_as_floats() {
        assert!(!same(&json!(u64::MAX), &json!(u64::MAX as f64)));
        assert!(!same(
            &json!(9_007_199_254_740_993_u64),
            &json!(9_007_199_254_740_992_u64)
        ));
        assert!(same(&json!(2.0), &json!(2)));
    }
}
