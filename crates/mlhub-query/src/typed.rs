//! Values of a query, read as what their operand is.

use regex::{Regex, RegexBuilder};

use crate::ast::{Attribute, Comparison, Kind, Literal, Moment, Operand};
use crate::error::QueryError;
use crate::lex::{Spanned, Token};
use crate::limits::{REGEX_DEPTH_MAX, REGEX_MAX_BYTES};
use crate::suggest::closest_one;
use crate::time::{parse_date, parse_duration};

/// Words that `not` may stand before.
pub(crate) const NEGATABLE: [&str; 5] = ["in", "like", "ilike", "matches", "contains"];
/// Words that name operands when a dot follows.
const OPERAND_WORDS: [&str; 5] = ["metrics", "params", "tags", "eval", "group"];

/// The comparison a sign stands for.
pub(crate) fn comparison(token: &Token) -> Option<Comparison> {
    Some(match token {
        Token::Equal => Comparison::Equal,
        Token::NotEqual => Comparison::NotEqual,
        Token::Less => Comparison::Less,
        Token::LessOrEqual => Comparison::LessOrEqual,
        Token::Greater => Comparison::Greater,
        Token::GreaterOrEqual => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

impl Comparison {
    /// Whether it is one of `<`, `<=`, `>`, `>=`.
    pub(crate) fn is_order(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }

    /// Its sign.
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

/// Compiles a regular expression within bounds, or says why not.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        .size_limit(REGEX_MAX_BYTES)
        .dfa_size_limit(REGEX_MAX_BYTES)
        .nest_limit(REGEX_DEPTH_MAX)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => {
                format!(
                    "the regular expression takes more than {REGEX_MAX_BYTES} bytes when compiled"
                )
            }
            regex::Error::Syntax(text) => {
                let reason = text.lines().last().unwrap_or_default();
                let reason = reason.strip_prefix("error: ").unwrap_or(reason);
                format!("not a regular expression: {reason}")
            }
            other => format!("not a regular expression: {other}"),
        })
}

/// The regular expression of a pattern with `%` and `_`.
pub(crate) fn like_regex(pattern: &str, ignore_case: bool) -> Result<Regex, String> {
    let mut text = String::from(if ignore_case { "(?si)^" } else { "(?s)^" });
    let mut buffer = [0; 4];
    for character in pattern.chars() {
        match character {
            '%' => text.push_str(".*"),
            '_' => text.push('.'),
            other => text.push_str(&regex::escape(other.encode_utf8(&mut buffer))),
        }
    }
    text.push('$');
    RegexBuilder::new(&text)
        .size_limit(REGEX_MAX_BYTES)
        .dfa_size_limit(REGEX_MAX_BYTES)
        .build()
        .map_err(|_| {
            format!("the pattern is too long: it takes more than {REGEX_MAX_BYTES} bytes compiled")
        })
}

/// Refuses tests of text on operands that are none.
pub(crate) fn needs_text(kind: Kind, sign: &Spanned) -> Result<(), QueryError> {
    if matches!(kind, Kind::Text | Kind::Label) {
        return Ok(());
    }
    let what = match kind {
        Kind::Number => "a number",
        Kind::Moment => "a point in time",
        _ => "a length of time",
    };
    let message = format!("this tests texts, and what stands before it is {what}");
    Err(QueryError::new(message, sign.span.clone()).hint("use = != < <= > >= or in"))
}

/// The text a token stands for where only a text can stand.
pub(crate) fn text_of(token: &Token) -> Option<String> {
    match token {
        Token::Text(text) | Token::Number(text) => Some(text.clone()),
        Token::Word(parts) => {
            let texts: Vec<&str> = parts.iter().map(|part| part.text.as_str()).collect();
            Some(texts.join("."))
        }
        _ => None,
    }
}

/// Reads a value for `operand`; `ordered` when it stands after `<` and the like.
pub(crate) fn literal(
    operand: &Operand,
    token: &Spanned,
    ordered: bool,
) -> Result<Literal, QueryError> {
    let span = token.span.clone();
    let Some(text) = text_of(&token.token) else {
        return Err(QueryError::new("a value is missing here", span));
    };
    let quoted = matches!(token.token, Token::Text(_));
    if let Token::Word(parts) = &token.token {
        if parts.len() > 1 && OPERAND_WORDS.contains(&parts[0].text.as_str()) {
            return Err(
                QueryError::new("a value must stand here, not a field", span)
                    .hint("fields are compared with values; a text with dots goes in quotes"),
            );
        }
        if ["and", "or", "not"].contains(&text.to_ascii_lowercase().as_str()) {
            return Err(QueryError::new("a value is missing here", span)
                .hint("this word as a value goes in quotes"));
        }
        if text.eq_ignore_ascii_case("null") {
            return Err(QueryError::new("nothing equals null", span)
                .hint("write `is null` or `is not null`"));
        }
    }
    match operand.kind() {
        Kind::Text => text_literal(operand, text, ordered, span),
        Kind::Label => Ok(label_literal(text, quoted)),
        Kind::Number => number(&text)
            .map(Literal::Number)
            .ok_or_else(|| QueryError::new("a number must stand here", span)),
        Kind::Moment => moment(&text).map(Literal::Moment).ok_or_else(|| {
            QueryError::new("a date or a relative time must stand here", span)
                .hint("write 2026-01-31, '2026-01-31T12:00', or -7d for seven days ago")
        }),
        Kind::Duration => parse_duration(&text)
            .or_else(|| number(&text).and_then(seconds))
            .map(Literal::Duration)
            .ok_or_else(|| {
                QueryError::new("a length of time must stand here", span)
                    .hint("write 30s, 15m, 2h or 1h30m; a bare number is seconds")
            }),
    }
}

fn text_literal(
    operand: &Operand,
    text: String,
    ordered: bool,
    span: std::ops::Range<usize>,
) -> Result<Literal, QueryError> {
    let is_state = *operand == Operand::Attribute(Attribute::State);
    let names = mlhub_core::RunState::ALL.map(mlhub_core::RunState::as_str);
    if is_state && !ordered && !names.contains(&text.as_str()) {
        let error = QueryError::new(format!("no state `{text}`"), span);
        return Err(match closest_one(&text, names.into_iter()) {
            Some(close) => error.hint(format!("did you mean `{close}`?")),
            None => error.hint(format!("states are {}", names.join(", "))),
        });
    }
    Ok(Literal::Text(text))
}

/// Quotes mean text; without them numbers are numbers and true and false truths.
fn label_literal(text: String, quoted: bool) -> Literal {
    if quoted {
        return Literal::Text(text);
    }
    if let Some(number) = number(&text) {
        return Literal::Number(number);
    }
    match text.to_ascii_lowercase().as_str() {
        "true" => Literal::Bool(true),
        "false" => Literal::Bool(false),
        _ => Literal::Text(text),
    }
}

/// A number as params hold it: decimal, with exponent, `nan` or infinite.
pub(crate) fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok()
}

fn seconds(number: f64) -> Option<i64> {
    let ms = (number * 1000.0).round();
    // Beyond 2^53 milliseconds a float no longer says which one is meant.
    (ms.is_finite() && ms.abs() < 9e15).then_some(ms as i64)
}

fn moment(text: &str) -> Option<Moment> {
    if text.eq_ignore_ascii_case("now") {
        return Some(Moment::Relative(0));
    }
    if text.starts_with(['-', '+']) {
        return parse_duration(text).map(Moment::Relative);
    }
    parse_date(text).map(Moment::Absolute)
}
