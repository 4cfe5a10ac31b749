//! Python source as tokens: names, numbers, strings, operators, ends of lines.
//!
//! Enough to find calls with their arguments, over as many lines as they take.
//! It is no parser: it never fails, and source that is not Python only gives
//! tokens that nothing matches. Strings within an f-string that use the same
//! quotes (Python 3.12) end it early.

/// Tokens of one file at most; the rest of a longer file is not looked at.
const TOKENS_MAX: usize = 400_000;
/// Prefixes of strings.
const PREFIXES: [&str; 8] = ["r", "b", "u", "f", "br", "rb", "fr", "rf"];
/// Operators of two characters that must not be taken for their first one.
const PAIRS: [&str; 8] = ["==", "!=", "<=", ">=", "->", "**", "//", ":="];

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Name,
    Number,
    /// A string; its text is decoded, without quotes.
    Text,
    /// An f-string, braces as they are.
    Formatted,
    Operator,
    /// The end of a logical line.
    End,
}

/// One token with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) text: String,
    /// From 1.
    pub(super) line: u32,
    /// Characters before it in its line.
    pub(super) column: usize,
}

impl Token {
    /// Whether it is this name or operator.
    pub(super) fn is(&self, text: &str) -> bool {
        matches!(self.kind, Kind::Name | Kind::Operator) && self.text == text
    }
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    line: u32,
    line_start: usize,
    depth: u32,
    tokens: Vec<Token>,
}

/// The tokens of a source.
pub(super) fn lex(source: &str) -> Vec<Token> {
    let mut lexer = Lexer {
        chars: source.replace("\r\n", "\n").chars().collect(),
        at: 0,
        line: 1,
        line_start: 0,
        depth: 0,
        tokens: Vec::new(),
    };
    while lexer.tokens.len() < TOKENS_MAX && lexer.step() {}
    lexer.end_line();
    lexer.tokens
}

impl Lexer {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn push(&mut self, kind: Kind, text: String, line: u32, start: usize) {
        self.tokens.push(Token {
            kind,
            text,
            line,
            column: start.saturating_sub(self.line_start),
        });
    }

    fn end_line(&mut self) {
        if self
            .tokens
            .last()
            .is_some_and(|token| token.kind != Kind::End)
        {
            self.push(Kind::End, String::new(), self.line, self.at);
        }
    }

    fn new_line(&mut self) {
        self.line += 1;
        self.line_start = self.at;
    }

    /// Reads one token; false at the end.
    fn step(&mut self) -> bool {
        let Some(character) = self.peek(0) else {
            return false;
        };
        match character {
            '\n' => {
                if self.depth == 0 {
                    self.end_line();
                }
                self.at += 1;
                self.new_line();
            }
            '#' => {
                while self.peek(0).is_some_and(|next| next != '\n') {
                    self.at += 1;
                }
            }
            '\\' if self.peek(1) == Some('\n') => {
                self.at += 2;
                self.new_line();
            }
            '"' | '\'' => self.string("", self.at),
            _ if character.is_whitespace() => self.at += 1,
            _ if character.is_ascii_digit() => self.number(),
            '.' if self.peek(1).is_some_and(|next| next.is_ascii_digit()) => self.number(),
            _ if character.is_alphabetic() || character == '_' => self.word(),
            _ => self.operator(),
        }
        true
    }

    fn number(&mut self) {
        let start = self.at;
        let mut text = String::new();
        while let Some(next) = self.peek(0) {
            let sign =
                matches!(next, '+' | '-') && text.ends_with(['e', 'E']) && !text.starts_with("0x");
            if !(next.is_ascii_alphanumeric() || matches!(next, '.' | '_') || sign) {
                break;
            }
            text.push(next);
            self.at += 1;
        }
        self.push(Kind::Number, text, self.line, start);
    }

    fn word(&mut self) {
        let start = self.at;
        let mut text = String::new();
        while let Some(next) = self.peek(0).filter(|c| c.is_alphanumeric() || *c == '_') {
            text.push(next);
            self.at += 1;
        }
        let prefix = text.to_ascii_lowercase();
        if matches!(self.peek(0), Some('"' | '\'')) && PREFIXES.contains(&prefix.as_str()) {
            self.string(&prefix, start);
        } else {
            self.push(Kind::Name, text, self.line, start);
        }
    }

    fn string(&mut self, prefix: &str, start: usize) {
        let (line, line_start) = (self.line, self.line_start);
        let Some(quote) = self.peek(0) else {
            return;
        };
        let triple = self.peek(1) == Some(quote) && self.peek(2) == Some(quote);
        self.at += if triple { 3 } else { 1 };
        let raw = prefix.contains('r');
        let mut text = String::new();
        while let Some(next) = self.peek(0) {
            if next == quote
                && (!triple || (self.peek(1) == Some(quote) && self.peek(2) == Some(quote)))
            {
                self.at += if triple { 3 } else { 1 };
                break;
            }
            // A string of one line that is not closed ends with the line.
            if next == '\n' && !triple {
                break;
            }
            self.at += 1;
            if next == '\n' {
                self.new_line();
            }
            if next == '\\' {
                self.escape(raw, &mut text);
            } else {
                text.push(next);
            }
        }
        let kind = if prefix.contains('f') {
            Kind::Formatted
        } else {
            Kind::Text
        };
        self.tokens.push(Token {
            kind,
            text,
            line,
            column: start.saturating_sub(line_start),
        });
    }

    /// The character after a backslash.
    fn escape(&mut self, raw: bool, text: &mut String) {
        let Some(next) = self.peek(0) else {
            return;
        };
        self.at += 1;
        if next == '\n' {
            self.new_line();
        }
        match next {
            _ if raw => text.extend(['\\', next]),
            '\n' => {}
            'n' => text.push('\n'),
            't' => text.push('\t'),
            'r' => text.push('\r'),
            '\\' | '\'' | '"' => text.push(next),
            _ => text.extend(['\\', next]),
        }
    }

    fn operator(&mut self) {
        let start = self.at;
        let Some(first) = self.peek(0) else {
            return;
        };
        let mut text = String::from(first);
        if let Some(second) = self.peek(1) {
            let pair = format!("{first}{second}");
            if PAIRS.contains(&pair.as_str()) {
                text = pair;
            }
        }
        match first {
            '(' | '[' | '{' => self.depth += 1,
            ')' | ']' | '}' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.at += text.chars().count();
        self.push(Kind::Operator, text, self.line, start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<String> {
        lex(source)
            .into_iter()
            .filter(|token| token.kind != Kind::End)
            .map(|token| token.text)
            .collect()
    }

    #[test]
    fn calls_over_several_lines_are_one_logical_line() {
        let tokens = lex("f(\n  'a' # a note\n  \"b\",\n)\nx = 1\n");
        let ends: Vec<u32> = tokens
            .iter()
            .filter(|token| token.kind == Kind::End)
            .map(|token| token.line)
            .collect();
        assert_eq!(ends, [4, 5]);
        assert_eq!(texts("f('a' 'b')"), ["f", "(", "a", "b", ")"]);
    }

    #[test]
    fn strings_are_decoded_and_numbers_are_whole() {
        assert_eq!(texts(r#"'a\n' r'\d' """x"y""" "#), ["a\n", r"\d", "x\"y"]);
        assert_eq!(
            texts("1e-3 -0.5 1_000 .5"),
            ["1e-3", "-", "0.5", "1_000", ".5"]
        );
        assert_eq!(lex("f'{a}'")[0].kind, Kind::Formatted);
    }

    #[test]
    fn broken_source_ends() {
        for source in ["'abc\nx", "\"\"\"never", "f((((", "\\", "é = '"] {
            assert!(lex(source).len() < 12, "{source}");
        }
    }
}
