//! Overrides from the command line: `--set params.lr=0.1`, or `lr=0.1` for short.
//!
//! An override replaces the whole value at its key. Lists are replaced as a
//! whole; there is no way to address one item.

use crate::document::{At, Data, Key, Layer, Node, Span};
use crate::error::{ConfigError, Detail, ErrorKind, excerpt_unnumbered, quote};
use crate::experiment::TOP_LEVEL_KEYS;
use crate::limits::{MAX_DEPTH, MAX_OVERRIDE_BYTES};
use crate::path::{format_path, parse_prefix};
use crate::secret::mask_assignments;
use crate::sources::{Mistake, Sources};
use crate::suggest::suggest;
use crate::yaml;

/// One `key=value` of the command line. Its `Debug` form masks secrets.
#[derive(Clone)]
pub struct Override {
    text: String,
    keys: Vec<String>,
    key_span: Span,
    value: Node,
}

impl Override {
    /// Reads `key=value`: a dotted key, then a YAML scalar or flow value.
    ///
    /// # Errors
    /// If there is no `=`, the key is no dotted path, or the value is missing or no YAML.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let fail = |span: Span, message: String, help: &str| {
            ConfigError::new(Detail {
                kind: ErrorKind::Override,
                source: "--set".to_owned(),
                line: None,
                column: None,
                path: String::new(),
                message,
                help: Some(help.to_owned()),
                excerpts: vec![excerpt_unnumbered(text, span, "")],
            })
        };
        let width = |text: &str| u32::try_from(text.chars().count().max(1)).unwrap_or(u32::MAX);
        let whole = Span {
            line: 1,
            column: 1,
            width: width(text),
        };
        let form = "write key=value, such as params.lr=0.1 or seeds=[1,2,3]";
        if text.len() > MAX_OVERRIDE_BYTES {
            let message = format!("the override is longer than {MAX_OVERRIDE_BYTES} bytes");
            return Err(fail(
                Span { width: 1, ..whole },
                message,
                "put the value into the file",
            ));
        }
        let (keys, taken) = parse_prefix(text).map_err(|error| {
            fail(
                whole,
                format!("the override has no readable key: {error}"),
                form,
            )
        })?;
        if keys.len() >= MAX_DEPTH {
            return Err(fail(
                whole,
                format!("the key nests deeper than {MAX_DEPTH} levels"),
                form,
            ));
        }
        let key_span = Span {
            width: width(&text[..taken]),
            ..whole
        };
        let Some(value_text) = text[taken..].strip_prefix('=') else {
            return Err(fail(whole, "the override has no value".to_owned(), form));
        };
        let shift = key_span.width + 1;
        if value_text.trim().is_empty() {
            let help = "write null for no value, or '' for empty text";
            return Err(fail(key_span, "the override has no value".to_owned(), help));
        }
        let mut value = yaml::parse(value_text).map_err(|failure| {
            let span = failure.span.map_or(whole, |span| shifted(span, shift));
            let message = format!(
                "the value of {} is not valid YAML: {}",
                quote(&text[..taken]),
                failure.message
            );
            fail(span, message, "put text with special characters in quotes")
        })?;
        shift_node(&mut value, shift);
        Ok(Self {
            text: text.to_owned(),
            keys,
            key_span,
            value,
        })
    }

    /// The text as given, secrets included: show [`Override::masked_text`] instead.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The text with the values of secret-looking keys masked.
    pub fn masked_text(&self) -> String {
        self.text
            .lines()
            .map(mask_assignments)
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// The first key.
    pub(crate) fn first_key(&self) -> &str {
        self.keys.first().map_or("", String::as_str)
    }

    /// Whether it sets exactly this key.
    pub(crate) fn is_for(&self, keys: &[&str]) -> bool {
        self.keys == keys
    }

    /// The value, marked as coming from override number `index`.
    pub(crate) fn value(&self, index: usize) -> Node {
        let mut value = self.value.clone();
        value.set_layer(Layer::Override(index));
        value
    }
}

impl std::fmt::Debug for Override {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Override")
            .field(&self.masked_text())
            .finish()
    }
}

/// Moves a place on the first line of a value behind the key.
fn shifted(span: Span, by: u32) -> Span {
    if span.line == 1 {
        Span {
            column: span.column.saturating_add(by),
            ..span
        }
    } else {
        span
    }
}

fn shift_node(node: &mut Node, by: u32) {
    node.at.span = shifted(node.at.span, by);
    match &mut node.data {
        Data::List(items) => items.iter_mut().for_each(|item| shift_node(item, by)),
        Data::Mapping(entries) => {
            for (key, child) in entries {
                key.at.span = shifted(key.at.span, by);
                shift_node(child, by);
            }
        }
        _ => {}
    }
}

/// Applies the overrides to the tree in order; later ones win.
///
/// `params` are the parameters of the adapter, which may be named without `params.`.
pub(crate) fn apply(
    root: &mut Node,
    sources: &Sources<'_>,
    params: &[&str],
    errors: &mut crate::error::Collector,
) {
    for (index, given) in sources.overrides.iter().enumerate() {
        if let Err(error) = apply_one(root, given, index, sources, params) {
            errors.push(error);
        }
    }
}

fn apply_one(
    root: &mut Node,
    given: &Override,
    index: usize,
    sources: &Sources<'_>,
    params: &[&str],
) -> Result<(), ConfigError> {
    let key_at = At {
        layer: Layer::Override(index),
        span: given.key_span,
    };
    let mut keys: Vec<&str> = given.keys.iter().map(String::as_str).collect();
    let first = given.first_key();
    if !TOP_LEVEL_KEYS.contains(&first) {
        let in_file = root
            .get("params")
            .is_some_and(|node| node.get(first).is_some());
        if !in_file && !params.contains(&first) {
            let near = suggest(
                first,
                TOP_LEVEL_KEYS.into_iter().chain(params.iter().copied()),
            );
            return Err(sources.error(Mistake {
                kind: ErrorKind::UnknownKey,
                at: Some(key_at),
                path: first,
                message: format!(
                    "{} is neither a key of an experiment nor a parameter of the adapter",
                    quote(first)
                ),
                label: "not known".to_owned(),
                help: Some(near.map_or_else(
                    || format!("the keys are {}", TOP_LEVEL_KEYS.join(", ")),
                    |near| format!("did you mean `{near}`?"),
                )),
            }));
        }
        keys.insert(0, "params");
    }
    drop_rival(root, &keys);
    set(root, &keys, key_at, given.value(index)).map_err(|(depth, kind)| {
        let blocked = format_path(keys[..depth].iter().copied());
        sources.error(Mistake {
            kind: ErrorKind::Override,
            at: Some(key_at),
            path: &format_path(keys.iter().copied()),
            message: format!("cannot set a key of {}: it is {kind}", quote(&blocked)),
            label: "no mapping to set a key in".to_owned(),
            help: Some(format!("set {} as a whole", quote(&blocked))),
        })
    })
}

/// `seed` and `seeds` say the same thing: an override of one takes the place of the other.
fn drop_rival(root: &mut Node, keys: &[&str]) {
    let rival = match keys {
        ["seed"] => "seeds",
        ["seeds"] => "seed",
        _ => return,
    };
    if let Data::Mapping(entries) = &mut root.data {
        entries.retain(|(key, _)| key.name != rival);
    }
}

/// Sets a value, making mappings on the way; fails with the depth of a value in the way and its kind.
pub(crate) fn set(
    node: &mut Node,
    keys: &[&str],
    key_at: At,
    value: Node,
) -> Result<(), (usize, &'static str)> {
    let mut node = node;
    let Some((last, way)) = keys.split_last() else {
        return Ok(());
    };
    for (depth, key) in way.iter().enumerate() {
        let entries = mapping_of(node, key_at).map_err(|kind| (depth, kind))?;
        let found = entries.iter().position(|(known, _)| known.name == **key);
        let position = found.unwrap_or_else(|| {
            entries.push((
                Key {
                    name: (*key).to_owned(),
                    at: key_at,
                },
                Node::new(Data::Null, key_at),
            ));
            entries.len() - 1
        });
        node = &mut entries[position].1;
    }
    let entries = mapping_of(node, key_at).map_err(|kind| (way.len(), kind))?;
    let entry = (
        Key {
            name: (*last).to_owned(),
            at: key_at,
        },
        value,
    );
    match entries.iter_mut().find(|(known, _)| known.name == **last) {
        Some(known) => *known = entry,
        None => entries.push(entry),
    }
    Ok(())
}

/// The entries of a mapping; null becomes an empty one.
fn mapping_of(node: &mut Node, at: At) -> Result<&mut Vec<(Key, Node)>, &'static str> {
    if node.data == Data::Null {
        *node = Node::new(Data::Mapping(Vec::new()), at);
    }
    let kind = node.data.kind();
    match &mut node.data {
        Data::Mapping(entries) => Ok(entries),
        _ => Err(kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_are_yaml() {
        let parse = |text: &str| {
            Override::parse(text)
                .expect("valid")
                .value
                .to_json()
                .expect("finite")
        };
        assert_eq!(parse("a=1"), serde_json::json!(1));
        assert_eq!(parse("a=[1, x]"), serde_json::json!([1, "x"]));
        assert_eq!(parse("a={b: no}"), serde_json::json!({"b": "no"}));
        assert_eq!(parse("a='1'"), serde_json::json!("1"));
        assert_eq!(parse("a=b=c"), serde_json::json!("b=c"));
    }

    #[test]
    fn unreadable_overrides_are_refused() {
        for text in [
            "",
            "a",
            "=1",
            "a=",
            "a= ",
            "a..b=1",
            "a=[",
            "a=*x",
            "a=1\n---\nb",
        ] {
            assert!(Override::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn secrets_are_masked() {
        let given = Override::parse("environment.variables.API_TOKEN=hunter2").expect("valid");
        assert_eq!(
            given.masked_text(),
            "environment.variables.API_TOKEN=[redacted]"
        );
    }

    proptest! {
        #[test]
        fn never_panics(text in any::<String>(), value in any::<String>()) {
            let _ = Override::parse(&text).map(|given| given.masked_text());
            let _ = Override::parse(&format!("a.b={value}")).map_err(|error| error.to_string());
        }
    }
}
