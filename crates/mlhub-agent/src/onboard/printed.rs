//! From a `print` call to the regular expression that reads its lines.
//!
//! f-strings, `%` and `.format` formats and arguments beside each other are
//! understood. What a value is called is taken from its expression or from the
//! word before it; values that are neither metrics nor steps are skipped over.

use super::call::{Call, text};
use super::lex::{Kind, Token, lex};
use super::naming::{Role, column_role, group_name, is_metric, role};

/// Values of one line at most; a longer line is left alone.
const VALUES_MAX: usize = 32;
/// What a number looks like; the metric's name comes before.
const NUMBER: &str = r"[-+]?(?:[0-9.][-+0-9.eE]*|nan|inf)";

/// A line that a script prints, as an expression that reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Printed {
    /// The regular expression.
    pub(super) pattern: String,
    /// Its metrics.
    pub(super) names: Vec<String>,
    pub(super) line: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// A value by its tokens, and whether it is formatted as a number.
    Value(Vec<Token>, bool),
}

/// The lines of one `print` call that hold metrics.
///
/// `header` are the words of the text printed last before it, which name the
/// columns of a table when they are as many.
pub(super) fn read(call: &Call<'_>, line: u32, header: &[String]) -> Vec<Printed> {
    let Some(pieces) = pieces(call) else {
        return Vec::new();
    };
    lines(pieces)
        .iter()
        .filter_map(|pieces| one_line(pieces, line, header))
        .filter(|printed| !printed.pattern.contains(char::is_control))
        .collect()
}

/// The words of a call that prints one plain text.
pub(super) fn header(call: &Call<'_>) -> Option<Vec<String>> {
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| c.is_whitespace() || c == '|')
            .filter(|word| !word.is_empty())
            .map(group_name)
            .collect()
    };
    match pieces(call)?.as_slice() {
        [Piece::Text(text)] => Some(words(text)),
        _ => None,
    }
}

/// Everything the call prints, in order; none when its form is not known.
fn pieces(call: &Call<'_>) -> Option<Vec<Piece>> {
    if call.get("file").is_some() || call.positional.is_empty() {
        return None;
    }
    let separator = call.text("sep").unwrap_or_else(|| " ".to_owned());
    let mut all = Vec::new();
    for (index, argument) in call.positional.iter().enumerate() {
        if index > 0 {
            all.push(Piece::Text(separator.clone()));
        }
        all.extend(argument_pieces(argument)?);
    }
    let values = all
        .iter()
        .filter(|piece| matches!(piece, Piece::Value(..)))
        .count();
    (values <= VALUES_MAX).then(|| joined(all))
}

fn argument_pieces(argument: &[Token]) -> Option<Vec<Piece>> {
    if argument
        .iter()
        .all(|token| matches!(token.kind, Kind::Text | Kind::Formatted))
    {
        return Some(argument.iter().flat_map(string_pieces).collect());
    }
    let strings = argument
        .iter()
        .take_while(|token| token.kind == Kind::Text)
        .count();
    let format = text(&argument[..strings]);
    match (format, &argument[strings..]) {
        (Some(format), [percent, values @ ..]) if percent.is("%") => {
            let wrapped = Call::read(values, 0).filter(|call| call.end == values.len());
            let values = wrapped.map_or_else(|| vec![values], |call| call.positional);
            percent_pieces(&format, &values)
        }
        (Some(format), [dot, name, values @ ..]) if dot.is(".") && name.is("format") => {
            let call = Call::read(values, 0).filter(|call| call.end == values.len())?;
            Some(brace_pieces(&format, Some(&call)))
        }
        _ if argument.first().is_some_and(|token| token.is("*")) => None,
        _ => Some(vec![Piece::Value(argument.to_vec(), false)]),
    }
}

fn string_pieces(token: &Token) -> Vec<Piece> {
    if token.kind == Kind::Formatted {
        brace_pieces(&token.text, None)
    } else {
        vec![Piece::Text(token.text.clone())]
    }
}

/// `{...}` formats: of an f-string, or of `.format` with its arguments.
fn brace_pieces(format: &str, call: Option<&Call<'_>>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut position = 0;
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        if rest.starts_with("{{") || rest.starts_with("}}") {
            plain.push(first);
            rest = &rest[2..];
        } else if let Some((field, length)) = field(rest) {
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
            let (expression, spec) = split_spec(field);
            let tokens = match call {
                None => expression_tokens(expression, &mut pieces),
                Some(call) => format_argument(expression, call, &mut position),
            };
            pieces.push(Piece::Value(tokens, is_numeric(spec)));
            rest = &rest[length..];
        } else {
            plain.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    pieces.push(Piece::Text(plain));
    pieces
}

/// The tokens of an f-string's expression; `{loss=}` prints its own text first.
fn expression_tokens(expression: &str, pieces: &mut Vec<Piece>) -> Vec<Token> {
    let trimmed = expression.trim_end();
    let shown = trimmed
        .strip_suffix('=')
        .filter(|before| !before.ends_with(['=', '!', '<', '>']));
    if shown.is_some() {
        pieces.push(Piece::Text(expression.to_owned()));
    }
    lex(shown.unwrap_or(expression))
}

fn format_argument(name: &str, call: &Call<'_>, position: &mut usize) -> Vec<Token> {
    let index = if name.is_empty() {
        *position += 1;
        Some(*position - 1)
    } else {
        name.parse::<usize>().ok()
    };
    let value = match index {
        Some(index) => call.positional.get(index).copied(),
        None => call.get(name),
    };
    value.map(<[Token]>::to_vec).unwrap_or_default()
}

/// The field that starts `text`, without braces, and its whole length.
fn field(text: &str) -> Option<(&str, usize)> {
    let mut depth = 0_u32;
    for (index, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some((&text[1..index], index + 1));
                }
            }
            _ if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// A field's expression and its format.
fn split_spec(field: &str) -> (&str, &str) {
    let mut depth = 0_i32;
    for (index, character) in field.char_indices() {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ':' if depth == 0 => return (&field[..index], &field[index + 1..]),
            '!' if depth == 0 && !field[index + 1..].starts_with('=') => {
                return (&field[..index], "");
            }
            _ => {}
        }
    }
    (field, "")
}

fn is_numeric(spec: &str) -> bool {
    spec.ends_with(['d', 'f', 'F', 'g', 'G', 'e', 'E', '%', '}'])
}

fn percent_pieces(format: &str, values: &[&[Token]]) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut values = values.iter();
    let mut parts = format.split('%');
    pieces.push(Piece::Text(parts.next()?.to_owned()));
    let mut literal = false;
    for part in parts {
        if literal {
            literal = false;
            pieces.push(Piece::Text(part.to_owned()));
            continue;
        }
        if part.is_empty() {
            // `%%` is the sign itself.
            literal = true;
            pieces.push(Piece::Text("%".to_owned()));
            continue;
        }
        let end = part.find(|c: char| c.is_ascii_alphabetic())?;
        let (spec, after) = part.split_at(end + 1);
        let tokens = values.next().map(|value| value.to_vec())?;
        pieces.push(Piece::Value(tokens, is_numeric(spec)));
        pieces.push(Piece::Text(after.to_owned()));
    }
    Some(pieces)
}

/// Texts beside each other become one; empty ones go.
fn joined(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut all: Vec<Piece> = Vec::new();
    for piece in pieces {
        if let Piece::Text(text) = &piece {
            if text.is_empty() {
                continue;
            }
            if let Some(Piece::Text(before)) = all.last_mut() {
                before.push_str(text);
                continue;
            }
        }
        all.push(piece);
    }
    all
}

/// The pieces of every line that is printed.
fn lines(pieces: Vec<Piece>) -> Vec<Vec<Piece>> {
    let mut lines = vec![Vec::new()];
    let mut add = |piece: Piece, fresh: bool| {
        if fresh {
            lines.push(Vec::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push(piece);
        }
    };
    for piece in pieces {
        match piece {
            Piece::Text(text) => {
                for (index, part) in text.split(['\n', '\r']).enumerate() {
                    add(Piece::Text(part.to_owned()), index > 0);
                }
            }
            value @ Piece::Value(..) => add(value, false),
        }
    }
    lines.into_iter().map(joined).collect()
}

fn one_line(pieces: &[Piece], line: u32, header: &[String]) -> Option<Printed> {
    let values = pieces
        .iter()
        .filter(|piece| matches!(piece, Piece::Value(..)))
        .count();
    let table = values >= 2
        && pieces.iter().all(|piece| match piece {
            Piece::Text(text) => text.chars().all(|c| c.is_whitespace() || c == '|'),
            Piece::Value(..) => true,
        });
    let named = table && header.len() == values;
    let mut pattern = String::from(r"^\s*");
    let mut names: Vec<String> = Vec::new();
    let (mut has_step, mut before, mut column) = (false, "", 0_usize);
    for piece in pieces {
        match piece {
            Piece::Text(text) => {
                literal_pattern(text, &mut pattern);
                before = text.as_str();
            }
            Piece::Value(tokens, numeric) => {
                let role = match header.get(column).filter(|_| named) {
                    Some(name) => column_role(name),
                    None => role(tokens, *numeric, before),
                };
                column += 1;
                before = "";
                match role {
                    Role::Step if !has_step => {
                        has_step = true;
                        pattern.push_str(r"\s*(?P<step>\d+)");
                    }
                    Role::Metric(name) if !names.contains(&name) => {
                        pattern.push_str(&format!(r"\s*(?P<{name}>{NUMBER})"));
                        names.push(name);
                    }
                    _ if table => pattern.push_str(r"\s*\S+"),
                    _ => pattern.push_str(".*?"),
                }
            }
        }
    }
    if table {
        pattern.push_str(r"\s*$");
    }
    let told = names.iter().any(|name| is_metric(name)) || (table && !names.is_empty());
    told.then_some(Printed {
        pattern,
        names,
        line,
    })
}

fn literal_pattern(text: &str, pattern: &mut String) {
    let mut words = text.split(char::is_whitespace).peekable();
    let mut gap = false;
    while let Some(word) = words.next() {
        if !word.is_empty() {
            pattern.push_str(&regex::escape(word));
            gap = false;
        }
        if words.peek().is_some() && !gap && !pattern.ends_with(r"\s*") {
            pattern.push_str(r"\s+");
            gap = true;
        }
    }
}
