//! Showing resolved configs: the value at a path, and where it comes from.

/// The value at a dotted path, keys with dots being quoted.
pub(crate) fn value_at(document: &serde_json::Value, path: &str) -> String {
    let mut leaves = Vec::new();
    collect("", document, &mut leaves);
    leaves
        .into_iter()
        .find(|(leaf, _)| leaf == path)
        .map_or_else(String::new, |(_, value)| value.to_string())
}

fn collect<'v>(
    prefix: &str,
    value: &'v serde_json::Value,
    into: &mut Vec<(String, &'v serde_json::Value)>,
) {
    match value {
        serde_json::Value::Object(fields) if !fields.is_empty() => {
            for (key, field) in fields {
                let key = mlhub_config::format_path([key.as_str()]);
                let path = if prefix.is_empty() {
                    key
                } else {
                    format!("{prefix}.{key}")
                };
                collect(&path, field, into);
            }
        }
        leaf => into.push((prefix.to_owned(), leaf)),
    }
}

/// Where a value comes from, in words.
pub(crate) fn origin_text(origin: &serde_json::Value) -> String {
    let text = |key: &str| origin[key].as_str().unwrap_or_default().to_owned();
    match origin["kind"].as_str().unwrap_or_default() {
        "adapter_default" => format!("default of {}@{}", text("adapter"), text("version")),
        "file" => format!("{}:{}", text("file"), origin["line"]),
        "override" => format!("--set {}", text("text")),
        "smoke" => format!("smoke settings of {}", text("adapter")),
        "builtin_default" => "default".to_owned(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_of_any_spelling_show_their_values() {
        let document = json!({"params": {
            "lr": 0.5, "a.b": 1, "c/d": {"e~f": 2}, "empty": {}, "list": [1, 2],
        }});
        let path = |keys: &[&str]| mlhub_config::format_path(keys.iter().copied());
        assert_eq!(value_at(&document, "params.lr"), "0.5");
        assert_eq!(value_at(&document, &path(&["params", "a.b"])), "1");
        assert_eq!(value_at(&document, &path(&["params", "c/d", "e~f"])), "2");
        assert_eq!(value_at(&document, "params.empty"), "{}");
        assert_eq!(value_at(&document, "params.list"), "[1,2]");
        assert_eq!(value_at(&document, "params.none"), "");
    }
}
