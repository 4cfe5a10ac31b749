//! Writes params as the file a program reads: JSON, YAML or TOML.
//!
//! The YAML is a subset that YAML 1.1 and 1.2 readers take alike: every key
//! and string is double-quoted and floats carry a point and a signed exponent.

use std::fmt::Write;

use serde_json::{Map, Value};

/// The bytes of the config file in `format`; none for `none`.
///
/// # Errors
/// The sentence to show when the format cannot hold the params.
pub(super) fn write(format: &str, params: &Map<String, Value>) -> Result<Option<Vec<u8>>, String> {
    let text = match format {
        "none" => return Ok(None),
        "json" => serde_json::to_string_pretty(params).map_err(|error| error.to_string())? + "\n",
        "yaml" => yaml(params),
        "toml" => toml(params)?,
        other => return Err(format!("config format `{other}` is not known")),
    };
    Ok(Some(text.into_bytes()))
}

fn yaml(params: &Map<String, Value>) -> String {
    let mut out = String::new();
    if params.is_empty() {
        out.push_str("{}\n");
    }
    yaml_map(&mut out, params, 0);
    out
}

fn yaml_map(out: &mut String, map: &Map<String, Value>, indent: usize) {
    for (key, value) in map {
        let _ = write!(out, "{:indent$}{}:", "", quoted(key));
        yaml_value(out, value, indent);
    }
}

fn yaml_value(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            yaml_map(out, map, indent + 2);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            for item in items {
                let _ = write!(out, "{:width$}-", "", width = indent + 2);
                match item {
                    // Nested collections are written on the item's line in flow style.
                    Value::Object(_) | Value::Array(_) => {
                        out.push(' ');
                        flow(out, item);
                        out.push('\n');
                    }
                    scalar => yaml_value(out, scalar, indent),
                }
            }
        }
        other => {
            out.push(' ');
            flow(out, other);
            out.push('\n');
        }
    }
}

fn flow(out: &mut String, value: &Value) {
    match value {
        Value::Object(map) => {
            out.push('{');
            for (index, (key, inner)) in map.iter().enumerate() {
                let _ = write!(
                    out,
                    "{}{}: ",
                    if index > 0 { ", " } else { "" },
                    quoted(key)
                );
                flow(out, inner);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, inner) in items.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                flow(out, inner);
            }
            out.push(']');
        }
        Value::String(text) => out.push_str(&quoted(text)),
        Value::Number(number) => out.push_str(&yaml_number(number)),
        Value::Bool(_) | Value::Null => out.push_str(&value.to_string()),
    }
}

/// `1e-5` is a string to YAML 1.1 readers; `1.0e-5` is a number to all.
fn yaml_number(number: &serde_json::Number) -> String {
    let text = number.to_string();
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        return text;
    };
    let point = if mantissa.contains('.') { "" } else { ".0" };
    let sign = if exponent.starts_with(['-', '+']) {
        ""
    } else {
        "+"
    };
    format!("{mantissa}{point}e{sign}{exponent}")
}

/// A double-quoted scalar that JSON, YAML 1.1 and YAML 1.2 read alike.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control()
                || matches!(
                    c,
                    '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
                ) =>
            {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn toml(params: &Map<String, Value>) -> Result<String, String> {
    let mut table = ::toml::Table::new();
    for (key, value) in params {
        if let Some(value) = toml_value(key, value)? {
            table.insert(key.clone(), value);
        }
    }
    ::toml::to_string(&table).map_err(|error| error.to_string())
}

/// TOML has no null: such keys are left out, such array elements are refused.
fn toml_value(at: &str, value: &Value) -> Result<Option<::toml::Value>, String> {
    Ok(Some(match value {
        Value::Null => return Ok(None),
        Value::Bool(value) => ::toml::Value::Boolean(*value),
        Value::String(text) => ::toml::Value::String(text.clone()),
        Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(value), _, _) => ::toml::Value::Integer(value),
            (None, None, Some(value)) => ::toml::Value::Float(value),
            _ => return Err(format!("param `{at}` is too large for an integer of TOML")),
        },
        Value::Array(items) => {
            let items = items.iter().map(|item| {
                toml_value(at, item)?.ok_or_else(|| {
                    format!("param `{at}` holds a null in an array, which TOML cannot")
                })
            });
            ::toml::Value::Array(items.collect::<Result<_, String>>()?)
        }
        Value::Object(map) => {
            let mut table = ::toml::Table::new();
            for (key, inner) in map {
                if let Some(inner) = toml_value(&format!("{at}.{key}"), inner)? {
                    table.insert(key.clone(), inner);
                }
            }
            ::toml::Value::Table(table)
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    fn text(format: &str, value: Value) -> String {
        String::from_utf8(write(format, &map(value)).unwrap().unwrap()).unwrap()
    }

    #[test]
    fn formats_hold_the_same_params() {
        let params = json!({"lr": 1e-7, "n": 3, "name": "no", "nested": {"a": [1, {"b": null}], "e": {}}, "list": [true, "x: y"]});
        insta::assert_snapshot!(text("yaml", params.clone()));
        insta::assert_snapshot!(text(
            "toml",
            json!({"lr": 1e-7, "n": 3, "gone": null, "nested": {"a": [1, 2]}})
        ));
        assert_eq!(
            serde_json::from_str::<Value>(&text("json", params.clone())).unwrap(),
            params
        );
        assert_eq!(write("none", &map(params)).unwrap(), None);
        assert_eq!(text("yaml", json!({})), "{}\n");
    }

    #[test]
    fn toml_refuses_what_it_cannot_hold() {
        assert!(write("toml", &map(json!({"a": [null]}))).is_err());
        assert!(write("toml", &map(json!({"a": u64::MAX}))).is_err());
    }

    proptest! {
        #[test]
        fn yaml_comes_back_through_the_projects_own_reader(name in "[a-z]{1,8}", value in any::<f64>().prop_filter("finite", |v| v.is_finite()), text in any::<String>()) {
            let params = json!({name.as_str(): {"number": value, "text": text.as_str(), "list": [text.as_str(), value]}});
            let yaml = self::text("yaml", params.clone());
            let document = mlhub_config::parse(&yaml, "params.yaml", mlhub_config::Syntax::Yaml);
            prop_assert!(document.is_ok(), "{yaml}");
            let document = document.unwrap();
            let top = document.root().get(&name).unwrap();
            prop_assert_eq!(top.get("text").unwrap().data(), &mlhub_config::Data::Text(text));
            match top.get("number").unwrap().data() {
                mlhub_config::Data::Float(back) => prop_assert_eq!(back.to_bits(), value.to_bits()),
                other => prop_assert!(false, "{other:?}"),
            }
        }
    }
}
