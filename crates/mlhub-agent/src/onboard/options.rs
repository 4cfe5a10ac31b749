//! Options of command lines: `argparse`, `click`, `typer` and the dataclasses
//! of `HfArgumentParser`. Only what is written as a literal is known.

use serde::Serialize;
use serde_json::Value;

use super::call::{Call, literal, text};
use super::lex::{Kind, Token};

/// How an option is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OptionKind {
    /// With a value: `--lr=0.1`.
    Value,
    /// With several values: `--layers 64 64`.
    List,
    /// By being there: `--amp`.
    Flag,
    /// Without a name, by its place.
    Positional,
}

/// An option that a script takes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScriptOption {
    /// Its name as a param.
    pub name: String,
    /// As it is written on a command line, such as `--batch-size`.
    pub flag: String,
    /// How it is given.
    pub kind: OptionKind,
    /// The default, when it is a literal other than `None`.
    pub default: Option<Value>,
    /// The values it takes, when they are listed.
    pub choices: Vec<Value>,
    /// Whether the script ends without it.
    pub required: bool,
    /// What the script says of it.
    pub help: String,
    /// Where it is, from 1.
    pub line: u32,
}

/// The longest flag among the strings, without dashes as a param's name.
fn flag_of(strings: &[String]) -> Option<(String, String)> {
    let flags = strings
        .iter()
        .flat_map(|text| text.split('/').take(1))
        .filter(|text| text.starts_with('-'));
    let flag = flags.max_by_key(|text| text.len())?;
    let name = flag.trim_start_matches('-').replace('-', "_");
    is_name(&name).then(|| (flag.to_owned(), name))
}

/// Whether a text can stand in `{params.NAME}`.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))
}

fn strings(call: &Call<'_>) -> Vec<String> {
    call.positional
        .iter()
        .filter_map(|part| text(part))
        .collect()
}

/// A literal default; `None` is no default.
fn default(call: &Call<'_>) -> Option<Value> {
    call.get("default")
        .and_then(literal)
        .filter(|value| !value.is_null())
}

fn is_true(call: &Call<'_>, name: &str) -> bool {
    call.get(name).and_then(literal) == Some(Value::Bool(true))
}

fn last_name(tokens: Option<&[Token]>) -> &str {
    tokens
        .and_then(<[Token]>::last)
        .filter(|token| token.kind == Kind::Name)
        .map_or("", |token| token.text.as_str())
}

/// `parser.add_argument(...)`.
pub(super) fn argparse(call: &Call<'_>, line: u32) -> Option<ScriptOption> {
    let strings = strings(call);
    let action = call
        .text("action")
        .unwrap_or_else(|| last_name(call.get("action")).to_owned());
    if matches!(action.as_str(), "help" | "version") {
        return None;
    }
    let positional = strings.first().is_some_and(|text| !text.starts_with('-'));
    let (flag, name) = if positional {
        let name = strings.first()?.clone();
        is_name(&name).then(|| (name.clone(), name))?
    } else {
        flag_of(&strings)?
    };
    let many = call
        .get("nargs")
        .is_some_and(|nargs| !matches!(literal(nargs), Some(Value::String(text)) if text == "?"));
    // `type=bool` takes every text for true, "False" too: only leaving it out is safe.
    let by_presence = action.starts_with("store_")
        || matches!(
            action.as_str(),
            "count" | "append_const" | "BooleanOptionalAction"
        )
        || last_name(call.get("type")) == "bool";
    let kind = match (positional, by_presence, many) {
        (true, _, _) => OptionKind::Positional,
        (_, true, _) => OptionKind::Flag,
        (_, _, true) => OptionKind::List,
        _ => OptionKind::Value,
    };
    Some(ScriptOption {
        name: call
            .text("dest")
            .filter(|dest| is_name(dest))
            .unwrap_or(name),
        flag,
        kind,
        default: default(call),
        choices: choices(call.get("choices")),
        required: is_true(call, "required")
            || (positional && call.get("default").is_none() && call.get("nargs").is_none()),
        help: call.text("help").unwrap_or_default(),
        line,
    })
}

fn choices(tokens: Option<&[Token]>) -> Vec<Value> {
    match tokens.and_then(literal) {
        Some(Value::Array(values)) => values,
        _ => Vec::new(),
    }
}

/// `@click.option(...)` and `@click.argument(...)`.
pub(super) fn click(call: &Call<'_>, argument: bool, line: u32) -> Option<ScriptOption> {
    let strings = strings(call);
    let (flag, name) = if argument {
        let name = strings.first()?.clone();
        is_name(&name).then(|| (name.clone(), name))?
    } else {
        flag_of(&strings)?
    };
    let switch = strings.iter().any(|text| text.contains('/'));
    let kind = if argument {
        OptionKind::Positional
    } else if switch || is_true(call, "is_flag") || is_true(call, "count") {
        OptionKind::Flag
    } else if is_true(call, "multiple") || call.get("nargs").is_some() {
        OptionKind::List
    } else {
        OptionKind::Value
    };
    // `type=click.Choice([...])`
    let listed = call.get("type").and_then(|tokens| {
        let open = tokens.iter().position(|token| token.is("("))?;
        let inner = Call::read(tokens, open)?;
        let is_choice = open > 0 && tokens[open - 1].is("Choice");
        is_choice.then(|| choices(inner.positional.first().copied()))
    });
    let default = default(call);
    Some(ScriptOption {
        name,
        flag,
        kind,
        required: is_true(call, "required")
            || (argument && default.is_none() && call.get("required").is_none()),
        default,
        choices: listed.unwrap_or_default(),
        help: call.text("help").unwrap_or_default(),
        line,
    })
}

/// `name: type = typer.Option(default, "--flag")`, whose call starts after `at`.
pub(super) fn typer(
    tokens: &[Token],
    typer: usize,
    call: &Call<'_>,
    argument: bool,
) -> Option<ScriptOption> {
    let [name, colon, annotation, equals] = tokens.get(typer.checked_sub(4)?..typer)? else {
        return None;
    };
    if !(colon.is(":") && equals.is("=") && is_name(&name.text)) {
        return None;
    }
    let given = call.positional.first().copied();
    let ellipsis = given.is_some_and(|value| value.iter().all(|token| token.is(".")));
    let default = given
        .and_then(literal)
        .or_else(|| default(call))
        .filter(|value| !value.is_null());
    let strings = call
        .positional
        .iter()
        .skip(1)
        .filter_map(|part| text(part))
        .collect::<Vec<_>>();
    let flag = flag_of(&strings).map_or_else(
        || format!("--{}", name.text.replace('_', "-")),
        |(flag, _)| flag,
    );
    Some(ScriptOption {
        name: name.text.clone(),
        flag,
        kind: if argument {
            OptionKind::Positional
        } else if annotation.is("bool") {
            OptionKind::Flag
        } else {
            OptionKind::Value
        },
        required: ellipsis || (given.is_none() && default.is_none()),
        default,
        choices: Vec::new(),
        help: call.text("help").unwrap_or_default(),
        line: name.line,
    })
}

/// One field of a dataclass by the tokens of its line: `name: type = default`.
pub(super) fn dataclass_field(tokens: &[Token]) -> Option<ScriptOption> {
    let [name, colon, rest @ ..] = tokens else {
        return None;
    };
    if name.kind != Kind::Name || !colon.is(":") || !is_name(&name.text) {
        return None;
    }
    let equals = rest.iter().position(|token| token.is("="));
    let annotation = &rest[..equals.unwrap_or(rest.len())];
    let value = equals.map(|at| &rest[at + 1..]);
    let call = value
        .filter(|value| value.first().is_some_and(|token| token.is("field")))
        .and_then(|value| Call::read(value, 1));
    let default = match (&call, value) {
        (Some(call), _) => default(call),
        (None, Some(value)) => literal(value).filter(|value| !value.is_null()),
        (None, None) => None,
    };
    let has_default = match &call {
        Some(call) => call.get("default").is_some() || call.get("default_factory").is_some(),
        None => value.is_some(),
    };
    let has = |word: &str| annotation.iter().any(|token| token.is(word));
    Some(ScriptOption {
        name: name.text.clone(),
        flag: format!("--{}", name.text),
        kind: if has("bool") {
            OptionKind::Flag
        } else if has("List") || has("list") {
            OptionKind::List
        } else {
            OptionKind::Value
        },
        required: !has_default,
        default,
        choices: Vec::new(),
        help: call
            .as_ref()
            .and_then(|call| call.get("metadata"))
            .map(help_of_metadata)
            .unwrap_or_default(),
        line: name.line,
    })
}

/// The help in `{"help": "..."}`.
fn help_of_metadata(tokens: &[Token]) -> String {
    tokens
        .iter()
        .skip_while(|token| token.text != "help")
        .skip(2)
        .take_while(|token| token.kind == Kind::Text)
        .map(|token| token.text.as_str())
        .collect()
}
