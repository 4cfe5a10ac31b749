//! What must hold for any input: no panic, origins for exactly the leaves, overrides that win.

use std::collections::BTreeSet;

use mlhub_config::{
    AdapterDefaults, Experiment, Override, Syntax, canonical_json, config_diff, format_path, parse,
    resolve,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn open_adapter() -> AdapterDefaults {
    AdapterDefaults {
        name: "script".to_owned(),
        version: "1.0".to_owned(),
        schema: json!({
            "type": "object",
            "additionalProperties": true,
            "properties": {"lr": {"default": 0.1}, "nested": {"type": "object", "additionalProperties": true, "properties": {"x": {"default": 1}}}},
        }),
    }
}

/// JSON values without floats that change their text, nested a little.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        prop::num::f64::NORMAL.prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,6}", inner, 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn params() -> impl Strategy<Value = Map<String, Value>> {
    let key = prop_oneof![Just("lr".to_owned()), Just("nested".to_owned()), ".{0,6}"];
    prop::collection::btree_map(key, json_value(), 0..5)
        .prop_map(|entries| entries.into_iter().collect())
}

/// The paths of the leaves, found by other means than the crate's own.
fn leaf_paths(value: &Value, keys: &mut Vec<String>, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            for (key, child) in entries {
                keys.push(key.clone());
                leaf_paths(child, keys, found);
                keys.pop();
            }
        }
        _ => {
            found.insert(format_path(keys.iter().map(String::as_str)));
        }
    }
}

/// The same value with the keys of every mapping inserted in reverse.
fn reversed(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(reversed).collect(),
        Value::Object(entries) => {
            let mut pairs: Vec<_> = entries
                .iter()
                .map(|(key, value)| (key.clone(), reversed(value)))
                .collect();
            pairs.reverse();
            Value::Object(pairs.into_iter().collect())
        }
        scalar => scalar.clone(),
    }
}

/// Text that looks like a config, to reach deeper than random characters do.
fn configish() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("project"),
        Just("adapter"),
        Just("dataset"),
        Just("params"),
        Just("seeds"),
        Just("split"),
        Just("a"),
        Just(": "),
        Just("="),
        Just("{"),
        Just("}"),
        Just("["),
        Just("]"),
        Just(","),
        Just("\n"),
        Just("\n  "),
        Just("- "),
        Just("\""),
        Just("'"),
        Just("&x "),
        Just("*x"),
        Just("!!int "),
        Just("1"),
        Just("0.5"),
        Just("|"),
        Just(">"),
        Just("? "),
        Just("---\n"),
        Just("..."),
        Just("#"),
        Just("\t"),
        Just("%"),
        Just("[["),
        Just("é"),
        Just("\r"),
        Just("\u{85}"),
        Just("\0"),
    ];
    prop::collection::vec(word, 0..30).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn reading_never_panics(text in prop_oneof![any::<String>(), configish()]) {
        for syntax in [Syntax::Yaml, Syntax::Toml, Syntax::Json] {
            match parse(&text, "x", syntax) {
                Ok(document) => {
                    if let Err(errors) = Experiment::from_document(&document) {
                        prop_assert!(!errors.errors().is_empty() && !errors.to_string().is_empty());
                    }
                    if let Err(errors) = resolve(&document, &open_adapter(), &[], None) {
                        prop_assert!(!errors.errors().is_empty());
                    }
                }
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
        }
    }

    #[test]
    fn origins_cover_exactly_the_leaves(params in params(), extra in json_value()) {
        let file = json!({"project": "p", "adapter": "script", "params": params, "tags": {"a.b": "c"}});
        let document = parse(&file.to_string(), "x.json", Syntax::Json).expect("valid JSON");
        let overrides = [Override::parse(&format!("params.extra={extra}")).expect("JSON is YAML")];
        let Ok(resolved) = resolve(&document, &open_adapter(), &overrides, None) else {
            // `nested` is typed; only a value that is no mapping may be refused.
            prop_assert!(params.get("nested").is_some_and(|nested| !nested.is_object()));
            return Ok(());
        };
        let mut leaves = BTreeSet::new();
        leaf_paths(&resolved.document, &mut Vec::new(), &mut leaves);
        let origins: BTreeSet<String> = resolved.origins.keys().cloned().collect();
        prop_assert_eq!(origins, leaves);
        prop_assert_eq!(&resolved.params["extra"], &extra);
    }

    #[test]
    fn json_and_yaml_read_the_same_params(params in params()) {
        let file = json!({"project": "p", "adapter": "script", "params": params}).to_string();
        let read = |syntax| {
            let document = parse(&file, "x", syntax).ok()?;
            resolve(&document, &open_adapter(), &[], None).ok().map(|resolved| resolved.hash)
        };
        let by_json = read(Syntax::Json);
        if let Some(by_yaml) = read(Syntax::Yaml) {
            prop_assert_eq!(by_json, Some(by_yaml));
        }
    }

    #[test]
    fn the_last_override_wins(in_file in json_value(), first in json_value(), last in json_value()) {
        let file = json!({"project": "p", "adapter": "script", "params": {"lr": in_file}});
        let document = parse(&file.to_string(), "x.json", Syntax::Json).expect("valid JSON");
        let overrides = [format!("params.lr={first}"), format!("lr={last}")]
            .map(|text| Override::parse(&text).expect("JSON is YAML"));
        let resolved = resolve(&document, &open_adapter(), &overrides, None).expect("any lr goes");
        prop_assert_eq!(&resolved.params["lr"], &last);
    }

    #[test]
    fn canonical_text_ignores_key_order_and_reads_back(value in json_value()) {
        let text = canonical_json(&value);
        prop_assert_eq!(&text, &canonical_json(&reversed(&value)));
        let back: Value = serde_json::from_str(&text).expect("canonical JSON is JSON");
        prop_assert_eq!(&back, &value);
        prop_assert!(config_diff(&back, &value).is_empty());
    }
}
