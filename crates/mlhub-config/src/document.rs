//! Documents: parsed text in which every key and every value knows its place.
//!
//! One tree for YAML, TOML and JSON. What the keys mean is not known here.

use serde_json::Value;

use crate::error::{ConfigError, Detail, ErrorKind, excerpt};
use crate::limits::{MAX_FILE_BYTES, MAX_KEY_CHARS, MAX_NODES};
use crate::{json, toml, yaml};

/// The syntax of an experiment file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// YAML 1.2, core schema: `no` is text, dates are text.
    Yaml,
    /// TOML 1.1; dates become text.
    Toml,
    /// Strict JSON: no comments, no trailing commas.
    Json,
}

impl Syntax {
    /// The syntax of files with this extension (without the dot, any case).
    pub fn from_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "yaml" | "yml" => Some(Self::Yaml),
            "toml" => Some(Self::Toml),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    /// The name of the syntax in messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Yaml => "YAML",
            Self::Toml => "TOML",
            Self::Json => "JSON",
        }
    }
}

/// A place in a source text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// 1-based line; 0 for a value that stands in no text.
    pub line: u32,
    /// 1-based column, in characters.
    pub column: u32,
    /// Width in characters on that line, at least 1.
    pub width: u32,
}

/// Which of the stacked sources a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layer {
    File,
    /// Index into the overrides of the resolution.
    Override(usize),
    /// The adapter's smoke settings.
    Smoke,
}

/// A source and a place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) layer: Layer,
    pub(crate) span: Span,
}

impl At {
    pub(crate) fn file(span: Span) -> Self {
        Self {
            layer: Layer::File,
            span,
        }
    }
}

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub(crate) data: Data,
    pub(crate) at: At,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// No value.
    Null,
    /// True or false.
    Boolean(bool),
    /// A whole number between -2^63 and 2^64 - 1.
    Integer(i128),
    /// A number with a fraction or exponent; NaN and infinities are possible.
    Float(f64),
    /// Text, dates included.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping, keys unique and in the order of the file.
    Mapping(Vec<(Key, Node)>),
}

/// A key of a mapping and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    pub(crate) name: String,
    pub(crate) at: At,
}

impl Key {
    /// The key as text.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the key stands.
    pub fn span(&self) -> Span {
        self.at.span
    }
}

impl Node {
    pub(crate) fn new(data: Data, at: At) -> Self {
        Self { data, at }
    }

    /// What the value is.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// Where the value stands.
    pub fn span(&self) -> Span {
        self.at.span
    }

    /// The value under `key`, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|(_, node)| node)
    }

    pub(crate) fn entry(&self, key: &str) -> Option<&(Key, Node)> {
        match &self.data {
            Data::Mapping(entries) => entries.iter().find(|(name, _)| name.name == key),
            _ => None,
        }
    }

    /// The value as JSON; the place of the first NaN or infinity otherwise, which JSON cannot hold.
    pub(crate) fn to_json(&self) -> Result<Value, At> {
        Ok(match &self.data {
            Data::Null => Value::Null,
            Data::Boolean(value) => Value::from(*value),
            Data::Integer(value) => match (i64::try_from(*value), u64::try_from(*value)) {
                (Ok(value), _) => Value::from(value),
                (_, Ok(value)) => Value::from(value),
                _ => return Err(self.at),
            },
            Data::Float(value) => {
                Value::Number(serde_json::Number::from_f64(*value).ok_or(self.at)?)
            }
            Data::Text(value) => Value::from(value.as_str()),
            Data::List(items) => {
                Value::Array(items.iter().map(Node::to_json).collect::<Result<_, _>>()?)
            }
            Data::Mapping(entries) => {
                let pairs = entries
                    .iter()
                    .map(|(key, node)| Ok((key.name.clone(), node.to_json()?)));
                Value::Object(pairs.collect::<Result<_, _>>()?)
            }
        })
    }

    /// Every value of `json` as a node of `layer`; the places are empty.
    pub(crate) fn from_json(json: &Value, layer: Layer) -> Self {
        let at = At {
            layer,
            span: Span::default(),
        };
        let data = match json {
            Value::Null => Data::Null,
            Value::Bool(value) => Data::Boolean(*value),
            Value::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(value), _) => Data::Integer(value.into()),
                (_, Some(value)) => Data::Integer(value.into()),
                _ => Data::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(value) => Data::Text(value.clone()),
            Value::Array(items) => Data::List(
                items
                    .iter()
                    .map(|item| Self::from_json(item, layer))
                    .collect(),
            ),
            Value::Object(entries) => {
                let entry = |(name, value): (&String, &Value)| {
                    (
                        Key {
                            name: name.clone(),
                            at,
                        },
                        Self::from_json(value, layer),
                    )
                };
                Data::Mapping(entries.iter().map(entry).collect())
            }
        };
        Self { data, at }
    }

    /// Marks this value and all in it as coming from `layer`.
    pub(crate) fn set_layer(&mut self, layer: Layer) {
        self.at.layer = layer;
        match &mut self.data {
            Data::List(items) => items.iter_mut().for_each(|item| item.set_layer(layer)),
            Data::Mapping(entries) => {
                for (key, node) in entries {
                    key.at.layer = layer;
                    node.set_layer(layer);
                }
            }
            _ => {}
        }
    }
}

impl Data {
    /// The kind of value, with its article, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "a boolean",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a number with a fraction",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Mapping(_) => "a mapping",
        }
    }
}

/// A parsed experiment file: its name, its text and its tree.
#[derive(Debug, Clone)]
pub struct Document {
    pub(crate) file_name: String,
    pub(crate) text: String,
    pub(crate) root: Node,
}

impl Document {
    /// The name the text was parsed under.
    pub fn file_name(&self) -> &str {
        &self.file_name
    }

    /// The whole tree.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// The file name without folders and extension: the default name of the experiment.
    pub fn file_stem(&self) -> &str {
        let base = self
            .file_name
            .rsplit(['/', '\\'])
            .next()
            .unwrap_or_default();
        match base.rsplit_once('.') {
            Some((stem, _)) if !stem.is_empty() => stem,
            _ => base,
        }
    }
}

/// What went wrong while a text became a tree, before the file is known.
#[derive(Debug)]
pub(crate) struct ParseFailure {
    pub(crate) kind: ErrorKind,
    pub(crate) span: Option<Span>,
    pub(crate) message: String,
    pub(crate) label: &'static str,
    pub(crate) help: Option<String>,
    /// An earlier place that belongs to it, with its label.
    pub(crate) earlier: Option<(Span, &'static str)>,
}

impl ParseFailure {
    pub(crate) fn syntax(span: Option<Span>, message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::Syntax,
            span,
            message: message.into(),
            label: "",
            help: None,
            earlier: None,
        }
    }

    pub(crate) fn limit(span: Option<Span>, message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::Limit,
            ..Self::syntax(span, message)
        }
    }

    pub(crate) fn duplicate(name: &str, first: Span, second: Span) -> Self {
        let message = format!(
            "the key {} is set twice, on lines {} and {}",
            crate::error::quote(name),
            first.line,
            second.line
        );
        Self {
            kind: ErrorKind::DuplicateKey,
            label: "set again here",
            earlier: Some((first, "first set here")),
            help: Some("keep one of them".to_owned()),
            ..Self::syntax(Some(second), message)
        }
    }

    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn into_error(self, text: &str, file_name: &str) -> ConfigError {
        let mut excerpts = Vec::new();
        if let Some((span, label)) = self.earlier {
            excerpts.push(excerpt(text, span, label));
        }
        excerpts.extend(self.span.map(|span| excerpt(text, span, self.label)));
        ConfigError::new(Detail {
            kind: self.kind,
            source: crate::error::printable(file_name),
            line: self.span.map(|span| span.line),
            column: self.span.map(|span| span.column),
            path: String::new(),
            message: self.message,
            help: self.help,
            excerpts,
        })
    }
}

/// Counts values and key lengths while a tree is built.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    nodes: usize,
}

impl Budget {
    /// Takes `count` values from the budget.
    pub(crate) fn take(&mut self, count: usize, span: Option<Span>) -> Result<(), ParseFailure> {
        self.nodes = self.nodes.saturating_add(count);
        if self.nodes > MAX_NODES {
            return Err(ParseFailure::limit(
                span,
                format!("the file holds more than {MAX_NODES} values"),
            ));
        }
        Ok(())
    }
}

/// Refuses keys past [`MAX_KEY_CHARS`].
pub(crate) fn check_key(name: &str, span: Span) -> Result<(), ParseFailure> {
    if name.len() > MAX_KEY_CHARS && name.chars().count() > MAX_KEY_CHARS {
        return Err(ParseFailure::limit(
            Some(span),
            format!("a key is longer than {MAX_KEY_CHARS} characters"),
        ));
    }
    Ok(())
}

/// Parses an experiment file. `file_name` is for messages and the default experiment name only.
///
/// # Errors
/// If the text is not valid in its syntax, sets a key twice, holds several
/// documents, or passes a bound of [`crate::limits`].
pub fn parse(text: &str, file_name: &str, syntax: Syntax) -> Result<Document, ConfigError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let fail = |failure: ParseFailure| failure.into_error(text, file_name);
    if text.len() > MAX_FILE_BYTES {
        let message = format!("the file is larger than {MAX_FILE_BYTES} bytes");
        return Err(fail(ParseFailure::limit(None, message)));
    }
    let root = match syntax {
        Syntax::Yaml => yaml::parse(text),
        Syntax::Toml => toml::parse(text),
        Syntax::Json => json::parse(text),
    };
    let root = root.map_err(|mut failure| {
        if failure.kind == ErrorKind::Syntax {
            failure.message = format!("not valid {}: {}", syntax.name(), failure.message);
        }
        fail(failure)
    })?;
    Ok(Document {
        file_name: file_name.to_owned(),
        text: text.to_owned(),
        root,
    })
}
