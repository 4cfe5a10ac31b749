//! Parameters against the adapter's JSON Schema, with mistakes in plain words at their place.
//!
//! The schema is not trusted either: references outside it and costly
//! patterns are refused, and nothing is ever fetched.

use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::paths::LocationSegment;
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::{Map, Value};

use crate::document::{At, Data, Key, Layer, Node};
use crate::error::{Collector, ErrorKind, quote};
use crate::limits::{MAX_ERRORS, MAX_LISTED_VALUES, MAX_PATTERN_BYTES};
use crate::path::join;
use crate::schema::{closed, outside_reference};
use crate::sources::{Mistake, Sources};
use crate::suggest::suggest;

/// Compiles a parameter schema.
///
/// # Errors
/// What is wrong with the schema, in one sentence.
pub(crate) fn compile(schema: &Value) -> Result<(Value, Validator), String> {
    if !schema.is_object() {
        return Err("the schema is not a mapping".to_owned());
    }
    if let Some(reference) = outside_reference(schema) {
        return Err(format!(
            "it refers to {}, but only references inside the schema are followed",
            quote(reference)
        ));
    }
    let schema = closed(schema);
    let patterns = PatternOptions::regex()
        .size_limit(MAX_PATTERN_BYTES)
        .dfa_size_limit(MAX_PATTERN_BYTES);
    let options = jsonschema::options()
        .offline()
        .with_pattern_options(patterns);
    let validator = options.build(&schema).map_err(|error| error.to_string())?;
    Ok((schema, validator))
}

/// Validates complete parameters; `given` is the tree they were read from, defaults excluded.
pub(crate) fn validate(
    schema: &Value,
    validator: &Validator,
    params: &Map<String, Value>,
    given: Option<&(Key, Node)>,
    sources: &Sources<'_>,
    errors: &mut Collector,
) {
    let instance = Value::Object(params.clone());
    for error in validator.iter_errors(&instance) {
        if errors.overflows() {
            continue;
        }
        let keys: Vec<String> = error
            .instance_path()
            .iter()
            .map(|segment| match segment {
                LocationSegment::Property(name) => name.into_owned(),
                LocationSegment::Index(index) => index.to_string(),
            })
            .collect();
        let place = Place::find(given, &keys);
        for mistake in (Translation {
            schema,
            error: &error,
            place,
        })
        .mistakes()
        {
            errors.push(sources.error(mistake.with_place()));
        }
    }
}

/// Where the value of a mistake stands.
struct Place<'n> {
    /// The value itself, or the nearest thing around it that stands somewhere.
    at: Option<At>,
    node: Option<&'n Node>,
    path: String,
}

impl<'n> Place<'n> {
    fn find(given: Option<&'n (Key, Node)>, keys: &[String]) -> Self {
        let mut path = "params".to_owned();
        let mut at = given.map(|(key, _)| key.at);
        let mut node = given.map(|(_, node)| node);
        for key in keys {
            let list = node.is_some_and(|node| matches!(node.data, Data::List(_)));
            path = if list {
                format!("{path}[{key}]")
            } else {
                join(&path, key)
            };
            node = match node.map(|node| &node.data) {
                Some(Data::List(items)) => {
                    key.parse::<usize>().ok().and_then(|index| items.get(index))
                }
                Some(Data::Mapping(entries)) => {
                    let entry = entries.iter().find(|(known, _)| known.name == *key);
                    at = entry.map(|(key, _)| key.at).or(at);
                    entry.map(|(_, node)| node)
                }
                _ => None,
            };
            at = node.map(|node| node.at).or(at);
        }
        Self { at, node, path }
    }
}

/// A mistake that owns its path.
struct Placed {
    kind: ErrorKind,
    at: Option<At>,
    path: String,
    message: String,
    label: String,
    help: Option<String>,
}

impl Placed {
    fn with_place(&self) -> Mistake<'_> {
        Mistake {
            kind: self.kind,
            at: self.at,
            path: &self.path,
            message: self.message.clone(),
            label: self.label.clone(),
            help: self.help.clone(),
        }
    }
}

struct Translation<'t, 'n> {
    schema: &'t Value,
    error: &'t ValidationError<'t>,
    place: Place<'n>,
}

impl Translation<'_, '_> {
    fn mistakes(&self) -> Vec<Placed> {
        match self.error.kind() {
            Kind::AdditionalProperties { unexpected }
            | Kind::UnevaluatedProperties { unexpected } => {
                // One more than is kept, so that the list is seen to go on.
                unexpected
                    .iter()
                    .take(MAX_ERRORS + 1)
                    .map(|name| self.unknown(name))
                    .collect()
            }
            Kind::Required { property } => {
                vec![self.missing(property.as_str().unwrap_or_default())]
            }
            _ => vec![self.value()],
        }
    }

    /// The schema that holds the keyword which failed.
    fn parent(&self) -> Option<&Value> {
        let path = self.error.schema_path().as_str();
        let (parent, _) = path.rsplit_once('/')?;
        self.schema.pointer(parent)
    }

    fn unknown(&self, name: &str) -> Placed {
        let path = join(&self.place.path, name);
        let properties = self
            .parent()
            .and_then(|parent| parent.get("properties"))
            .and_then(Value::as_object);
        let known: Vec<&str> = properties
            .into_iter()
            .flat_map(|known| known.keys().map(String::as_str))
            .collect();
        let help = match suggest(name, known.iter().copied()) {
            Some(near) => Some(format!("did you mean `{near}`?")),
            None if known.is_empty() => None,
            None => Some(format!(
                "the adapter knows {}",
                listed(known.iter().map(|name| (*name).to_owned()))
            )),
        };
        let key_at = self
            .place
            .node
            .and_then(|node| node.entry(name))
            .map(|(key, _)| key.at);
        Placed {
            kind: ErrorKind::UnknownKey,
            at: key_at.or(self.place.at),
            message: format!("unknown parameter {}", quote(&path)),
            path,
            label: "the adapter has no such parameter".to_owned(),
            help,
        }
    }

    fn missing(&self, name: &str) -> Placed {
        let path = join(&self.place.path, name);
        let property = self
            .parent()
            .and_then(|parent| parent.get("properties"))
            .and_then(|known| known.get(name));
        let description = property
            .and_then(|property| property.get("description"))
            .and_then(Value::as_str);
        let help = match description {
            Some(description) => format!("it is: {}", crate::error::printable(description)),
            None => "the adapter has no default for it: give it a value".to_owned(),
        };
        Placed {
            kind: ErrorKind::MissingKey,
            at: self.place.at,
            message: format!("the parameter {} is missing", quote(&path)),
            path,
            label: "it belongs in here".to_owned(),
            help: Some(help),
        }
    }

    fn value(&self) -> Placed {
        let (kind, what, help) = self.describe();
        let path = self.place.path.clone();
        // A value that stands nowhere is a default of the adapter: not the user's mistake.
        let own = self.place.node.is_none() && path != "params";
        let smoke = self.place.at.is_some_and(|at| at.layer == Layer::Smoke);
        let kind = if own || smoke {
            ErrorKind::Adapter
        } else {
            kind
        };
        let note = if own {
            " (this is the adapter's own default)"
        } else {
            ""
        };
        Placed {
            kind,
            at: self.place.at,
            message: format!("{} {what}{note}", quote(&path)),
            path,
            label: String::new(),
            help,
        }
    }

    /// Class, predicate and help for a value that breaks one keyword.
    fn describe(&self) -> (ErrorKind, String, Option<String>) {
        let wrong =
            |what: &str, help: Option<String>| (ErrorKind::InvalidValue, what.to_owned(), help);
        let parent = self.parent();
        match self.error.kind() {
            Kind::Type { .. } => {
                let expected = parent.map(types).unwrap_or_default().join(" or ");
                let found = self
                    .place
                    .node
                    .map_or_else(|| json_kind(self.error.instance()), |node| node.data.kind());
                (
                    ErrorKind::WrongType,
                    format!("must be {expected}, but it is {found}"),
                    None,
                )
            }
            Kind::Enum { options } => {
                let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
                let words = options.iter().filter_map(Value::as_str);
                let near = self
                    .error
                    .instance()
                    .as_str()
                    .and_then(|word| suggest(word, words));
                let choices = format!("use one of {}", listed(options.iter().map(shown)));
                let help = near.map_or(choices.clone(), |near| {
                    format!("did you mean \"{near}\"? {choices}")
                });
                wrong("is not one of the allowed values", Some(help))
            }
            Kind::Constant { expected_value } => {
                wrong(&format!("must be {}", shown(expected_value)), None)
            }
            Kind::Minimum { .. }
            | Kind::Maximum { .. }
            | Kind::ExclusiveMinimum { .. }
            | Kind::ExclusiveMaximum { .. } => wrong(
                "is out of range",
                parent.map(|parent| format!("use {}", range(parent))),
            ),
            Kind::Pattern { pattern } => wrong(
                "has the wrong form",
                Some(format!(
                    "it must match {}",
                    crate::error::printable(pattern)
                )),
            ),
            Kind::Format { format } => wrong(&format!("is not a valid {format}"), None),
            Kind::UniqueItems => wrong("must not hold the same item twice", None),
            Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } => {
                let forms = self
                    .schema
                    .pointer(self.error.schema_path().as_str())
                    .and_then(Value::as_array);
                let forms = forms.into_iter().flatten().map(form);
                wrong(
                    "fits none of the forms the adapter takes",
                    Some(format!("use {}", forms.collect::<Vec<_>>().join(", or "))),
                )
            }
            Kind::OneOfMultipleValid { .. } => {
                wrong("fits more than one of the forms the adapter takes", None)
            }
            other => wrong(&counted(other), None),
        }
    }
}

/// The predicate for a keyword that only sets a number, and for those without words of their own.
fn counted(kind: &Kind) -> String {
    match kind {
        Kind::MultipleOf { multiple_of } => format!("must be a multiple of {multiple_of}"),
        Kind::MinLength { limit } => format!("must have at least {limit} characters"),
        Kind::MaxLength { limit } => format!("must have at most {limit} characters"),
        Kind::MinItems { limit } => format!("must have at least {limit} items"),
        Kind::MaxItems { limit } => format!("must have at most {limit} items"),
        Kind::AdditionalItems { limit } => format!("must have at most {limit} items"),
        Kind::MinProperties { limit } => format!("must have at least {limit} keys"),
        Kind::MaxProperties { limit } => format!("must have at most {limit} keys"),
        other => format!(
            "is refused by the adapter's schema (keyword `{}`)",
            other.keyword()
        ),
    }
}

/// The types a schema takes, in the words of our messages.
fn types(schema: &Value) -> Vec<String> {
    let word = |name: &str| match name {
        "string" => "text".to_owned(),
        "integer" => "a whole number".to_owned(),
        "number" => "a number".to_owned(),
        "boolean" => "a boolean (true or false)".to_owned(),
        "array" => "a list".to_owned(),
        "object" => "a mapping".to_owned(),
        other => other.to_owned(),
    };
    match schema.get("type") {
        Some(Value::String(name)) => vec![word(name)],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(word).collect(),
        _ => Vec::new(),
    }
}

/// The kind of a JSON value, as [`Data::kind`] names it.
fn json_kind(value: &Value) -> &'static str {
    Node::from_json(value, Layer::File).data.kind()
}

/// The range of numbers a schema takes: `a number from 0 (excluded) to 1`.
fn range(schema: &Value) -> String {
    let bound = |inclusive: &str, exclusive: &str| {
        let excluded = schema
            .get(exclusive)
            .filter(|value| value.is_number())
            .map(|value| format!("{value} (excluded)"));
        excluded.or_else(|| {
            schema
                .get(inclusive)
                .filter(|value| value.is_number())
                .map(ToString::to_string)
        })
    };
    let kind = types(schema)
        .into_iter()
        .next()
        .unwrap_or_else(|| "a number".to_owned());
    let unit = schema
        .get("x-unit")
        .and_then(Value::as_str)
        .map(|unit| format!(" (in {unit})"))
        .unwrap_or_default();
    match (
        bound("minimum", "exclusiveMinimum"),
        bound("maximum", "exclusiveMaximum"),
    ) {
        (Some(low), Some(high)) => format!("{kind} from {low} to {high}{unit}"),
        (Some(low), None) => format!("{kind} from {low} up{unit}"),
        (None, Some(high)) => format!("{kind} up to {high}{unit}"),
        (None, None) => kind,
    }
}

/// One of several forms a value may take, in a few words.
fn form(schema: &Value) -> String {
    if let Some(options) = schema.get("enum").and_then(Value::as_array) {
        return listed(options.iter().map(shown));
    }
    if let Some(value) = schema.get("const") {
        return shown(value);
    }
    let bounded = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]
        .iter()
        .any(|key| schema.get(key).is_some());
    if bounded {
        return range(schema);
    }
    match types(schema) {
        types if types.is_empty() => "another form the adapter describes".to_owned(),
        types => types.join(" or "),
    }
}

fn shown(value: &Value) -> String {
    crate::error::printable(&value.to_string())
}

fn listed(values: impl Iterator<Item = String>) -> String {
    let values: Vec<String> = values.collect();
    match values.len().checked_sub(MAX_LISTED_VALUES) {
        Some(more @ 1..) => format!("{} and {more} more", values[..MAX_LISTED_VALUES].join(", ")),
        _ => values.join(", "),
    }
}
