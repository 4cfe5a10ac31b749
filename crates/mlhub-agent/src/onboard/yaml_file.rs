//! Plain values of a YAML file with their lines: what a Hydra config offers to
//! be overridden. Lists, references and texts with special characters are left
//! out; this is no YAML reader.

use serde_json::{Number, Value};

/// Values of one file at most.
const VALUES_MAX: usize = 200;
/// Keys that are about Hydra, not about training.
const FOREIGN: [&str; 2] = ["defaults", "hydra"];

/// A value by its dotted key.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) value: Value,
    /// From 1.
    pub(super) line: u32,
}

/// The plain values of a text.
pub(super) fn entries(text: &str) -> Vec<Entry> {
    let mut found = Vec::new();
    let mut above: Vec<(usize, String)> = Vec::new();
    for (line, content) in (1_u32..).zip(text.lines()) {
        let trimmed = content.trim_start();
        let indent = content.len() - trimmed.len();
        let Some((key, rest)) = trimmed.split_once(':') else {
            continue;
        };
        if !is_key(key) || !(rest.is_empty() || rest.starts_with(' ')) {
            continue;
        }
        while above.last().is_some_and(|(outer, _)| *outer >= indent) {
            above.pop();
        }
        let path: Vec<&str> = above
            .iter()
            .map(|(_, key)| key.as_str())
            .chain([key])
            .collect();
        let value = rest.split(" #").next().unwrap_or_default().trim();
        if !FOREIGN.contains(&path[0])
            && found.len() < VALUES_MAX
            && let Some(value) = plain(value)
        {
            found.push(Entry {
                key: path.join("."),
                value,
                line,
            });
        }
        above.push((indent, key.to_owned()));
    }
    found
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A number, a truth value, or a text of harmless characters.
fn plain(text: &str) -> Option<Value> {
    match text {
        "true" | "True" => return Some(Value::Bool(true)),
        "false" | "False" => return Some(Value::Bool(false)),
        "" | "null" | "~" | "None" => return None,
        _ => {}
    }
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.into());
    }
    let numeric = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '.'));
    if numeric && let Ok(value) = text.parse::<f64>() {
        return Number::from_f64(value).map(Value::Number);
    }
    text.chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'))
        .then(|| Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn plain_values_are_found_with_their_lines() {
        let text = "defaults:\n  - model: small\nseed: 1\noptim:\n  lr: 1e-3  # step size\n  name: adam\npath: ${a.b}\nlayers: [1, 2]\nepochs: 20\n";
        let found: Vec<(String, Value, u32)> = entries(text)
            .into_iter()
            .map(|entry| (entry.key, entry.value, entry.line))
            .collect();
        assert_eq!(
            found,
            [
                ("seed".to_owned(), json!(1), 3),
                ("optim.lr".to_owned(), json!(0.001), 5),
                ("optim.name".to_owned(), json!("adam"), 6),
                ("epochs".to_owned(), json!(20), 9),
            ]
        );
    }
}
