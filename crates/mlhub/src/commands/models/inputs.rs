//! Inputs of a model from the command line: inline JSON, text, or files of
//! several kinds, as the JSON values a model takes.

use std::io::Read as _;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::exit::{USAGE, fail};

/// Bytes of all inputs of one command; the hub takes no more either.
const INPUT_MAX_BYTES: u64 = mlhub_core::limits::SERVING_BODY_MAX_BYTES as u64;

/// The inputs that one argument stands for; `input` is the model's description
/// of what it takes.
pub(in crate::commands) fn read(argument: &str, input: &Value) -> anyhow::Result<Vec<Value>> {
    if argument == "-" {
        let mut bytes = Vec::new();
        std::io::stdin()
            .lock()
            .take(INPUT_MAX_BYTES + 1)
            .read_to_end(&mut bytes)?;
        return Ok(inline(&text(bytes, "standard input")?, input));
    }
    let path = Path::new(argument);
    match path.is_file() {
        true => file(path, input),
        false => Ok(inline(argument, input)),
    }
}

fn file(path: &Path, input: &Value) -> anyhow::Result<Vec<Value>> {
    let shown = path.display().to_string();
    let refuse = |why: String| fail(USAGE, format!("`{shown}` cannot be read: {why}"));
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|open| open.take(INPUT_MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| refuse(error.to_string()))?;
    let ending = path
        .extension()
        .map(|ending| ending.to_string_lossy().to_ascii_lowercase())
        .unwrap_or_default();
    match ending.as_str() {
        "png" => Ok(vec![image(&bounded(bytes, &shown)?, "image/png")]),
        "jpg" | "jpeg" => Ok(vec![image(&bounded(bytes, &shown)?, "image/jpeg")]),
        "json" => {
            let value = serde_json::from_str(&text(bytes, &shown)?)
                .map_err(|error| refuse(format!("it is no JSON: {error}")))?;
            Ok(several(value, input))
        }
        "jsonl" => text(bytes, &shown)?
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(index, line)| {
                serde_json::from_str(line)
                    .map_err(|error| refuse(format!("line {} is no JSON: {error}", index + 1)))
            })
            .collect(),
        "txt" => Ok(text(bytes, &shown)?
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(Value::from)
            .collect()),
        "csv" => rows(&text(bytes, &shown)?, input).map_err(refuse),
        _ => Err(refuse(
            "it is of no kind that is known by its ending: .json, .jsonl, .csv, .txt, .png, .jpg"
                .to_owned(),
        )),
    }
}

fn bounded(bytes: Vec<u8>, shown: &str) -> anyhow::Result<Vec<u8>> {
    if bytes.len() as u64 > INPUT_MAX_BYTES {
        return Err(fail(
            USAGE,
            format!("`{shown}` has more than {INPUT_MAX_BYTES} bytes; send fewer inputs at once"),
        ));
    }
    Ok(bytes)
}

fn text(bytes: Vec<u8>, shown: &str) -> anyhow::Result<String> {
    String::from_utf8(bounded(bytes, shown)?)
        .map_err(|_| fail(USAGE, format!("`{shown}` cannot be read: it is not UTF-8")))
}

/// JSON when it is that, else text.
fn inline(text: &str, input: &Value) -> Vec<Value> {
    let plain = || vec![Value::from(text.trim_end_matches(['\n', '\r']))];
    // A text such as `12` is a text to a model of texts.
    match serde_json::from_str(text) {
        Ok(value @ (Value::Object(_) | Value::Array(_) | Value::String(_))) => {
            several(value, input)
        }
        Ok(_) | Err(_) if input["kind"] == "text" => plain(),
        Ok(value) => vec![value],
        Err(_) => plain(),
    }
}

/// An array is several inputs, except where an input is an array itself.
fn several(value: Value, input: &Value) -> Vec<Value> {
    let arrays = input["kind"] == "vector" || input["kind"] == "tensor";
    match value {
        Value::Array(items) if !arrays => items,
        one => vec![one],
    }
}

/// Rows as objects by column. A column the model takes as a number becomes one;
/// other columns stay texts; an empty cell is missing.
fn rows(text: &str, input: &Value) -> Result<Vec<Value>, String> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| error.to_string())?.clone();
    let type_of = |name: &str| {
        let columns = input["columns"].as_array()?;
        let column = columns.iter().find(|column| column["name"] == name)?;
        column["type"].as_str()
    };
    let mut rows = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let record = record.map_err(|error| error.to_string())?;
        let mut row = Map::new();
        for (name, cell) in header.iter().zip(&record) {
            let value = match type_of(name) {
                _ if cell.is_empty() => Value::Null,
                Some("number") => number(cell)
                    .ok_or_else(|| format!("row {}: column `{name}` is no number", index + 1))?,
                Some(_) => Value::from(cell),
                None => number(cell).unwrap_or_else(|| Value::from(cell)),
            };
            row.insert(name.to_owned(), value);
        }
        rows.push(Value::Object(row));
    }
    Ok(rows)
}

fn number(cell: &str) -> Option<Value> {
    let cell = cell.trim();
    if let Ok(whole) = cell.parse::<i64>() {
        return Some(Value::from(whole));
    }
    let value: f64 = cell.parse().ok()?;
    // JSON has no other numbers; a NaN is a missing value.
    Some(if value.is_finite() {
        Value::from(value)
    } else {
        Value::Null
    })
}

fn image(bytes: &[u8], media_type: &str) -> Value {
    json!({"base64": base64(bytes), "media_type": media_type})
}

/// Base 64 with padding (RFC 4648, 4).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            if digit > group.len() {
                text.push('=');
            } else {
                let value = (bits >> (18 - 6 * digit)) & 63;
                text.push(char::from(DIGITS[value as usize]));
            }
        }
    }
    text
}

/// The query that one argument of a search stands for.
pub(super) fn query(argument: &str) -> anyhow::Result<Value> {
    let path = Path::new(argument);
    let image = path.extension().is_some_and(|ending| {
        ["png", "jpg", "jpeg"].contains(&ending.to_string_lossy().to_ascii_lowercase().as_str())
    });
    if image && path.is_file() {
        let read = file(path, &Value::Null)?;
        return Ok(json!({"image": read.first()}));
    }
    Ok(match serde_json::from_str(argument) {
        Ok(Value::Array(vector)) => json!({"vector": vector}),
        Ok(query @ Value::Object(_)) => query,
        _ => json!({"text": argument}),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        for (bytes, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), encoded);
        }
    }

    #[test]
    fn rows_follow_the_models_columns() {
        let input = json!({"kind": "table", "columns": [
            {"name": "a", "type": "number"}, {"name": "b", "type": "category"}]});
        let read = rows("a,b,c\n1,2,3\n,x,y\n0.5,,\n", &input).expect("rows");
        let expected = [
            json!({"a": 1, "b": "2", "c": 3}),
            json!({"a": null, "b": "x", "c": "y"}),
            json!({"a": 0.5, "b": null, "c": null}),
        ];
        assert_eq!(read, expected);
        let problem = rows("a,b\n1,x\nhigh,x\n", &input).expect_err("no number");
        assert_eq!(problem, "row 2: column `a` is no number");
    }

    #[test]
    fn an_argument_is_what_the_model_takes() {
        let (text, vector) = (json!({"kind": "text"}), json!({"kind": "vector"}));
        assert_eq!(inline("12", &text), [json!("12")]);
        assert_eq!(inline("[1, 2]", &vector), [json!([1, 2])]);
        assert_eq!(
            inline(r#"[{"a": 1}, {}]"#, &json!({"kind": "table"})),
            [json!({"a": 1}), json!({})]
        );
        assert_eq!(query("[1]").expect("a query"), json!({"vector": [1]}));
        assert_eq!(query("red").expect("a query"), json!({"text": "red"}));
    }
}
