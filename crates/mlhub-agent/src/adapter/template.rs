//! Argument templates: `{name}` placeholders in command elements.
//!
//! Only this grammar: `{` identifier `}` is a placeholder, `{{` identifier `}}`
//! stands for the text `{identifier}`, every other brace is text. Values are
//! put in once and never read again, so nothing in a value can become a
//! placeholder, and no shell is involved.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The placeholders besides `params.NAME`.
pub const PLACEHOLDERS: &[&str] = &[
    "run", "adapter", "python", "mlhub", "config", "seed", "project",
];
/// Prefix of placeholders that stand for params.
pub(super) const PARAMS_PREFIX: &str = "params.";

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    Placeholder(String),
}

/// Splits an element into text and placeholders.
pub(super) fn parse(element: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = element;
    while let Some(open) = rest.find('{') {
        text.push_str(&rest[..open]);
        rest = &rest[open..];
        if let Some((name, length)) = escaped(rest) {
            text.push('{');
            text.push_str(name);
            text.push('}');
            rest = &rest[length..];
        } else if let Some((name, length)) = braced(rest) {
            if !text.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut text)));
            }
            pieces.push(Piece::Placeholder(name.to_owned()));
            rest = &rest[length..];
        } else {
            text.push('{');
            rest = &rest[1..];
        }
    }
    text.push_str(rest);
    if !text.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Text(text));
    }
    pieces
}

fn braced(text: &str) -> Option<(&str, usize)> {
    let inner = text.strip_prefix('{')?;
    let end = inner.find('}')?;
    is_identifier(&inner[..end]).then_some((&inner[..end], end + 2))
}

fn escaped(text: &str) -> Option<(&str, usize)> {
    let (name, length) = braced(text.strip_prefix('{')?)?;
    text[1 + length..]
        .starts_with('}')
        .then_some((name, length + 2))
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

/// The names of the placeholders in `element`.
pub(super) fn placeholders(element: &str) -> impl Iterator<Item = String> {
    parse(element).into_iter().filter_map(|piece| match piece {
        Piece::Placeholder(name) => Some(name),
        Piece::Text(_) => None,
    })
}

/// What placeholders stand for.
#[derive(Debug)]
pub(super) struct Values<'v> {
    /// By name, without params.
    pub(super) named: BTreeMap<&'static str, String>,
    /// The run's params.
    pub(super) params: &'v Map<String, Value>,
}

/// Replaces the placeholders of every element; the result is an argument vector.
///
/// An element that is one placeholder of an array param becomes the array's
/// elements; placeholders in those are replaced too, once.
///
/// # Errors
/// The sentence to show: unknown or unavailable placeholder, missing or null
/// param, array inside a larger text, NUL byte.
pub(super) fn expand(template: &[String], values: &Values<'_>) -> Result<Vec<String>, String> {
    let mut argv = Vec::with_capacity(template.len());
    for element in template {
        match parse(element).as_slice() {
            [Piece::Placeholder(name)] if array(name, values).is_some() => {
                for item in array(name, values).into_iter().flatten() {
                    argv.push(spliced(name, item, values)?);
                }
            }
            pieces => argv.push(joined(pieces, values)?),
        }
    }
    if let Some(position) = argv.iter().position(|argument| argument.contains('\0')) {
        return Err(format!(
            "argument {position} of the command holds a NUL byte, which no program can be given"
        ));
    }
    Ok(argv)
}

fn spliced(name: &str, item: &Value, values: &Values<'_>) -> Result<String, String> {
    match item {
        Value::String(text) => joined(&parse(text), values),
        other => rendered(name, other),
    }
}

fn joined(pieces: &[Piece], values: &Values<'_>) -> Result<String, String> {
    let mut argument = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => argument.push_str(text),
            Piece::Placeholder(name) => argument.push_str(&value(name, values)?),
        }
    }
    Ok(argument)
}

fn array<'v>(name: &str, values: &Values<'v>) -> Option<&'v Vec<Value>> {
    param(name, values.params)?.as_array()
}

fn value(name: &str, values: &Values<'_>) -> Result<String, String> {
    if let Some(known) = values.named.get(name) {
        return Ok(known.clone());
    }
    if name.starts_with(PARAMS_PREFIX) {
        let found = param(name, values.params)
            .ok_or_else(|| format!("placeholder `{{{name}}}` names a param that this run does not have; add it to the params"))?;
        return rendered(name, found);
    }
    if PLACEHOLDERS.contains(&name) {
        return Err(format!(
            "placeholder `{{{name}}}` has no value here: its environment has none, or the config format is `none`"
        ));
    }
    Err(unknown(name))
}

/// The sentence for a placeholder nobody knows.
pub(super) fn unknown(name: &str) -> String {
    let known = PLACEHOLDERS
        .iter()
        .map(|known| format!("{{{known}}}"))
        .collect::<Vec<_>>()
        .join(", ");
    format!(
        "unknown placeholder `{{{name}}}`; known are {known} and {{params.NAME}}; write `{{{{{name}}}}}` for the text itself"
    )
}

/// A param by `params.a.b`: a key with dots wins over the path.
fn param<'v>(name: &str, params: &'v Map<String, Value>) -> Option<&'v Value> {
    let path = name.strip_prefix(PARAMS_PREFIX)?;
    if let Some(found) = params.get(path) {
        return Some(found);
    }
    let mut parts = path.split('.');
    let mut found = params.get(parts.next()?)?;
    for part in parts {
        found = found.as_object()?.get(part)?;
    }
    Some(found)
}

fn rendered(name: &str, value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) | Value::Bool(_) | Value::Object(_) => Ok(value.to_string()),
        Value::Null => Err(format!(
            "`{name}` is null and cannot be an argument; give it a value"
        )),
        Value::Array(_) => Err(format!(
            "`{name}` is an array; it must be alone in its element, as \"{{{name}}}\", to become arguments"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn run(template: &[&str], params: Value) -> Result<Vec<String>, String> {
        let params = params.as_object().cloned().unwrap();
        let named = BTreeMap::from([("run", "/r".to_owned()), ("seed", "7".to_owned())]);
        let template: Vec<String> = template.iter().map(|&element| element.to_owned()).collect();
        expand(
            &template,
            &Values {
                named,
                params: &params,
            },
        )
    }

    #[test]
    fn values_reach_arguments_unchanged() {
        for evil in [
            "a\nb",
            "$(rm -rf /)",
            "`id`",
            "--flag",
            "; ls",
            "{seed}",
            "{{seed}}",
            "'\"",
            "a b",
        ] {
            assert_eq!(
                run(&["p", "{params.x}", "--x={params.x}"], json!({ "x": evil })).unwrap(),
                ["p", evil, &format!("--x={evil}")]
            );
        }
    }

    #[test]
    fn arrays_are_spliced_and_their_placeholders_replaced_once() {
        let params = json!({"command": ["python", "t.py", "--seed", "{seed}", "{params.note}", 3, true, ""], "note": "{seed}"});
        assert_eq!(
            run(&["{params.command}", "end"], params).unwrap(),
            [
                "python", "t.py", "--seed", "7", "{seed}", "3", "true", "", "end"
            ]
        );
        assert_eq!(
            run(&["{params.empty}"], json!({"empty": []})).unwrap(),
            Vec::<String>::new()
        );
    }

    #[test]
    fn other_braces_are_text() {
        let same = [
            "{print $1}",
            "{\"a\":{\"b\":1}}",
            "{}",
            "{",
            "}",
            "${HOME}x{ }",
            "{1}",
        ];
        for text in same.iter().filter(|text| !text.contains("HOME")) {
            assert_eq!(run(&[text], json!({})).unwrap(), [*text]);
        }
        assert_eq!(run(&["{{seed}}={seed}"], json!({})).unwrap(), ["{seed}=7"]);
    }

    #[test]
    fn what_cannot_be_an_argument_is_refused() {
        for (template, params) in [
            ("{sed}", json!({})),
            ("{python}", json!({})),
            ("{params.missing}", json!({})),
            ("{params.x}", json!({"x": null})),
            ("a{params.x}", json!({"x": [1]})),
            ("{params.x}", json!({"x": "a\u{0}b"})),
            ("{params.x}", json!({"x": [[1]]})),
        ] {
            assert!(run(&[template], params).is_err(), "{template}");
        }
    }

    #[test]
    fn nested_params_and_numbers() {
        assert_eq!(
            run(
                &["{params.a.b}", "{params.lr}"],
                json!({"a": {"b": 1}, "lr": 1e-7})
            )
            .unwrap(),
            ["1", "1e-7"]
        );
    }

    proptest! {
        #[test]
        fn text_without_identifier_braces_is_kept(text in "[^{}]*") {
            prop_assert_eq!(parse(&text), vec![Piece::Text(text)]);
        }

        #[test]
        fn parsing_never_panics_and_values_are_opaque(text in ".*", value in ".*") {
            let _ = parse(&text);
            if !value.contains('\0') {
                prop_assert_eq!(run(&["{params.v}"], json!({"v": value})).unwrap(), vec![value]);
            }
        }
    }
}
