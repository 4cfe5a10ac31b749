//! One text per JSON value, and its hash.
//!
//! Keys are sorted by their bytes, floats are written in the shortest form
//! that reads back the same, there is no white space. `1` and `1.0` stay
//! apart: programs treat them differently.

use serde_json::Value;

/// The canonical text of a value.
pub fn canonical_json(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

/// The BLAKE3 hash of the canonical text, in lower-case hexadecimal.
pub fn config_hash(value: &Value) -> String {
    blake3::hash(canonical_json(value).as_bytes())
        .to_hex()
        .to_string()
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        Value::Object(entries) => {
            // Sorted here: whether the map keeps order is up to a feature of another crate.
            let mut entries: Vec<(&String, &Value)> = entries.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            text.push('{');
            for (index, (key, item)) in entries.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push(':');
                write(item, text);
            }
            text.push('}');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_text_is_pinned() {
        let value = json!({"b": [1, 1.0, 0.1, 1e300, -0.0], "a": {"é\n": null, "": true}});
        assert_eq!(
            canonical_json(&value),
            r#"{"a":{"":true,"é\n":null},"b":[1,1.0,0.1,1e+300,-0.0]}"#
        );
    }

    #[test]
    fn the_hash_is_pinned() {
        assert_eq!(
            config_hash(&json!({})),
            blake3::hash(b"{}").to_hex().to_string()
        );
        assert_ne!(
            config_hash(&json!({"a": 1})),
            config_hash(&json!({"a": 1.0}))
        );
    }
}
