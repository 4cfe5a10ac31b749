//! Calls and literals among tokens.

use serde_json::{Number, Value};

use super::lex::{Kind, Token};

/// Arguments of one call at most.
const ARGUMENTS_MAX: usize = 256;
/// Tokens of one call at most; a bracket that never closes must not cost more.
const TOKENS_MAX: usize = 4_000;
/// How deep literals may nest.
const DEPTH_MAX: usize = 8;

/// The arguments of a call.
#[derive(Debug, Default)]
pub(super) struct Call<'t> {
    pub(super) positional: Vec<&'t [Token]>,
    pub(super) named: Vec<(&'t str, &'t [Token])>,
    /// The index after its closing bracket.
    pub(super) end: usize,
}

impl<'t> Call<'t> {
    /// The call whose opening bracket is at `open`; none when it never closes.
    pub(super) fn read(tokens: &'t [Token], open: usize) -> Option<Self> {
        if !tokens.get(open)?.is("(") {
            return None;
        }
        let (pieces, end) = split(tokens, open)?;
        let mut call = Self {
            end,
            ..Self::default()
        };
        for piece in pieces.into_iter().take(ARGUMENTS_MAX) {
            match piece {
                [name, equals, value @ ..] if name.kind == Kind::Name && equals.is("=") => {
                    call.named.push((name.text.as_str(), value));
                }
                _ => call.positional.push(piece),
            }
        }
        Some(call)
    }

    /// The tokens of a named argument.
    pub(super) fn get(&self, name: &str) -> Option<&'t [Token]> {
        self.named
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| *value)
    }

    /// A named argument that is a plain string.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.get(name).and_then(text)
    }
}

/// What stands between the bracket at `open` and its partner, split at commas;
/// and the index after the partner.
fn split(tokens: &[Token], open: usize) -> Option<(Vec<&[Token]>, usize)> {
    let mut depth = 0_u32;
    let mut pieces = Vec::new();
    let mut start = open + 1;
    for (index, token) in tokens.iter().enumerate().skip(open).take(TOKENS_MAX) {
        if token.kind != Kind::Operator {
            continue;
        }
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    if start < index {
                        pieces.push(&tokens[start..index]);
                    }
                    return Some((pieces, index + 1));
                }
            }
            "," if depth == 1 => {
                if start < index {
                    pieces.push(&tokens[start..index]);
                }
                start = index + 1;
            }
            _ => {}
        }
    }
    None
}

/// A plain string, or several beside each other.
pub(super) fn text(tokens: &[Token]) -> Option<String> {
    let plain = !tokens.is_empty() && tokens.iter().all(|token| token.kind == Kind::Text);
    plain.then(|| tokens.iter().map(|token| token.text.as_str()).collect())
}

/// The value of a literal; none for anything that would have to be computed.
pub(super) fn literal(tokens: &[Token]) -> Option<Value> {
    nested(tokens, 0)
}

fn nested(tokens: &[Token], depth: usize) -> Option<Value> {
    if depth > DEPTH_MAX {
        return None;
    }
    if let Some(text) = text(tokens) {
        return Some(Value::String(text));
    }
    match tokens {
        [token] if token.kind == Kind::Number => number(&token.text, false),
        [sign, token] if sign.is("-") && token.kind == Kind::Number => number(&token.text, true),
        [token] if token.is("True") => Some(Value::Bool(true)),
        [token] if token.is("False") => Some(Value::Bool(false)),
        [token] if token.is("None") => Some(Value::Null),
        [open, .., close] if (open.is("[") && close.is("]")) || (open.is("(") && close.is(")")) => {
            let (pieces, end) = split(tokens, 0)?;
            if end != tokens.len() {
                return None;
            }
            let items: Option<Vec<Value>> = pieces
                .into_iter()
                .map(|piece| nested(piece, depth + 1))
                .collect();
            items.map(Value::Array)
        }
        _ => None,
    }
}

fn number(text: &str, negative: bool) -> Option<Value> {
    let text = text.replace('_', "");
    let text = if negative { format!("-{text}") } else { text };
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.into());
    }
    let value: f64 = text.parse().ok()?;
    Number::from_f64(value).map(Value::Number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::lex::lex;
    use super::*;

    fn first_literal(source: &str) -> Option<Value> {
        let tokens = lex(source);
        literal(&tokens[..tokens.len() - 1])
    }

    #[test]
    fn literals_are_read_and_expressions_are_not() {
        assert_eq!(first_literal("-1e-3"), Some(json!(-0.001)));
        assert_eq!(first_literal("[1, 2, (3,)]"), Some(json!([1, 2, [3]])));
        assert_eq!(first_literal("'a' 'b'"), Some(json!("ab")));
        assert_eq!(first_literal("None"), Some(Value::Null));
        assert_eq!(first_literal("os.path.join('a')"), None);
        assert_eq!(first_literal("(1) + (2)"), None);
    }

    #[test]
    fn calls_know_their_arguments() {
        let tokens = lex("f('--lr', type=float,\n  default=max(1, 2))");
        let call = Call::read(&tokens, 1).expect("a call");
        assert_eq!(call.positional.len(), 1);
        assert_eq!(call.get("type").map(<[Token]>::len), Some(1));
        assert_eq!(call.get("default").and_then(literal), None);
        assert!(Call::read(&lex("f(1, "), 1).is_none());
    }
}
