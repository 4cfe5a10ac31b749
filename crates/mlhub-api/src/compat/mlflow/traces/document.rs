//! What is told of a span from its document: attributes, texts as MLflow writes them, and
//! the span as `traces.json` has it.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// The value of an attribute, as the protocol has it.
pub(super) fn attribute<'d>(document: &'d Value, name: &str) -> Option<&'d Value> {
    let all = document.get("attributes")?.as_array()?;
    let found = all.iter().rev().find(|pair| pair["key"] == name)?;
    found.get("value")
}

/// A value as a text: a text as it is, all else as JSON.
pub(super) fn plain(value: &Value) -> String {
    match value.get("string_value").and_then(Value::as_str) {
        Some(text) => text.to_owned(),
        None => dumped(value),
    }
}

/// A value as JSON the way Python writes it. The order of keys stays.
pub(super) fn dumped(value: &Value) -> String {
    let mut text = String::new();
    write_value(&mut text, value);
    text
}

fn write_value(out: &mut String, value: &Value) {
    let Some((kind, of)) = value.as_object().and_then(|object| object.iter().next()) else {
        out.push_str("null");
        return;
    };
    let values = || {
        of["values"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default()
    };
    match kind.as_str() {
        "array_value" => {
            out.push('[');
            for (index, one) in values().iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                write_value(out, one);
            }
            out.push(']');
        }
        "kvlist_value" => {
            out.push('{');
            for (index, pair) in values().iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                write_json(out, &pair["key"]);
                out.push_str(": ");
                write_value(out, &pair["value"]);
            }
            out.push('}');
        }
        // Python writes these without quotes.
        "double_value" if of.is_string() => out.push_str(of.as_str().unwrap_or_default()),
        _ => write_json(out, of),
    }
}

fn write_json(out: &mut String, value: &Value) {
    // Writing to a text cannot fail.
    let _ = write!(out, "{value}");
}

/// A value as itself: numbers, texts, lists and objects.
fn native(value: &Value) -> Value {
    let Some((kind, of)) = value.as_object().and_then(|object| object.iter().next()) else {
        return Value::Null;
    };
    let values = || {
        of["values"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default()
    };
    match kind.as_str() {
        "array_value" => values().iter().map(native).collect(),
        "kvlist_value" => {
            let pairs = values().iter();
            let pairs = pairs.map(|pair| (key(pair).to_owned(), native(&pair["value"])));
            Value::Object(pairs.collect())
        }
        _ => of.clone(),
    }
}

fn key(pair: &Value) -> &str {
    pair["key"].as_str().unwrap_or_default()
}

fn pairs(of: &Value) -> impl Iterator<Item = (String, &Value)> {
    let all = of["attributes"].as_array().map(Vec::as_slice);
    let all = all.unwrap_or_default().iter();
    all.map(|pair| (key(pair).to_owned(), &pair["value"]))
}

/// A span as `traces.json` has it: attributes are texts of JSON.
pub(super) fn of_file(document: &Value) -> Value {
    let attributes = pairs(document).map(|(name, value)| (name, dumped(value).into()));
    let events = document["events"].as_array().map(Vec::as_slice);
    let events = events.unwrap_or_default().iter().map(|event| {
        let attributes = pairs(event).map(|(name, value)| (name, native(value)));
        json!({
            "name": event["name"],
            "time_unix_nano": event["time_unix_nano"],
            "attributes": Value::Object(attributes.collect()),
        })
    });
    let code = document["status"]["code"].as_str();
    json!({
        "trace_id": document["trace_id"],
        "span_id": document["span_id"],
        "parent_span_id": document["parent_span_id"],
        "name": document["name"],
        "start_time_unix_nano": document["start_time_unix_nano"],
        "end_time_unix_nano": document["end_time_unix_nano"],
        "events": Value::Array(events.collect()),
        "status": {
            "code": code.unwrap_or("STATUS_CODE_UNSET"),
            "message": document["status"]["message"].as_str().unwrap_or_default(),
        },
        "attributes": Value::Object(attributes.collect()),
        "links": document["links"].as_array().cloned().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_python_writes_them() {
        let text = |value: &str| json!({"string_value": value});
        let list =
            json!({"array_value": {"values": [{"int_value": 1}, {"double_value": "NaN"}, {}]}});
        let value = json!({"kvlist_value": {"values": [
            {"key": "z", "value": text("ä\"")},
            {"key": "a", "value": list},
            {"key": "b", "value": {"bool_value": true}},
        ]}});
        assert_eq!(
            dumped(&value),
            r#"{"z": "ä\"", "a": [1, NaN, null], "b": true}"#
        );
        assert_eq!(plain(&text("TOOL")), "TOOL");
        assert_eq!(plain(&json!({"int_value": 3})), "3");
    }

    #[test]
    fn a_span_of_a_file_has_texts_of_json() {
        let document = json!({
            "trace_id": "t", "span_id": "s", "name": "n", "start_time_unix_nano": 1,
            "end_time_unix_nano": 2, "status": {},
            "attributes": [{"key": "mlflow.spanType", "value": {"string_value": "TOOL"}}],
            "events": [{"name": "e", "time_unix_nano": 1, "attributes": [
                {"key": "k", "value": {"string_value": "v"}}]}],
        });
        let span = of_file(&document);
        assert_eq!(span["attributes"]["mlflow.spanType"], "\"TOOL\"");
        assert_eq!(span["events"][0]["attributes"]["k"], "v");
        assert_eq!(span["status"]["code"], "STATUS_CODE_UNSET");
        assert_eq!(span["parent_span_id"], Value::Null);
    }
}
