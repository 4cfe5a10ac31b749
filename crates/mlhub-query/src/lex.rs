//! Words, texts, numbers and signs of a query, each with its place.

use std::ops::Range;

use crate::error::QueryError;

/// What stands in the text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    /// `metrics."val loss".x`: parts between dots; the first is never quoted.
    Word(Vec<Part>),
    /// Something that starts like a number: `0.5`, `-7d`, `2026-01-01`, `8f3a`.
    Number(String),
    /// A quoted text.
    Text(String),
    /// `(`
    Open,
    /// `)`
    Close,
    /// `,`
    Comma,
    /// `:`
    Colon,
    /// `=` or `==`
    Equal,
    /// `!=` or `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `~`
    Tilde,
    /// `!~`
    NotTilde,
    /// The end of the text.
    End,
}

/// A part of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) text: String,
    pub(crate) quoted: bool,
}

/// A token and its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spanned {
    pub(crate) token: Token,
    pub(crate) span: Range<usize>,
}

impl Spanned {
    /// The word in lower case, when it is one plain part.
    pub(crate) fn keyword(&self) -> Option<String> {
        match &self.token {
            Token::Word(parts) if parts.len() == 1 => Some(parts[0].text.to_ascii_lowercase()),
            _ => None,
        }
    }
}

/// Whether a name may have the character without quotes.
pub(crate) fn is_bare(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-' | '/' | '@')
}

/// Whether a word may start with the character.
fn starts_word(character: char) -> bool {
    (character.is_alphabetic() || character == '_') && !character.is_ascii_digit()
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

/// Splits a text into tokens, the last of which is [`Token::End`].
pub(crate) fn lex(text: &str) -> Result<Vec<Spanned>, QueryError> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_space();
        let start = lexer.at;
        let token = lexer.token()?;
        let end = token == Token::End;
        tokens.push(Spanned {
            token,
            span: start..lexer.at,
        });
        if end {
            return Ok(tokens);
        }
    }
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += character.len_utf8();
        Some(character)
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.take();
        }
    }

    fn take_while(&mut self, keep: impl Fn(char) -> bool) -> String {
        let rest = self.rest();
        let end = rest
            .find(|character| !keep(character))
            .unwrap_or(rest.len());
        let taken = rest[..end].to_owned();
        self.at += end;
        taken
    }

    fn token(&mut self) -> Result<Token, QueryError> {
        let Some(first) = self.peek() else {
            return Ok(Token::End);
        };
        match first {
            '"' | '\'' => Ok(Token::Text(self.quoted()?)),
            _ if self.starts_number() => Ok(Token::Number(self.take_while(|character| {
                is_bare(character) || matches!(character, '.' | ':' | '+')
            }))),
            _ if starts_word(first) => self.word(),
            _ => self.sign(),
        }
    }

    fn starts_number(&self) -> bool {
        let mut characters = self.rest().chars();
        match characters.next() {
            Some('+' | '-') => {
                let rest = &self.rest()[1..];
                let word: String = rest.chars().take_while(|c| c.is_alphabetic()).collect();
                let infinite = ["inf", "infinity", "nan"]
                    .iter()
                    .any(|name| word.eq_ignore_ascii_case(name));
                infinite || rest.starts_with(|c: char| c.is_ascii_digit() || c == '.')
            }
            Some('.') => characters.next().is_some_and(|c| c.is_ascii_digit()),
            Some(first) => first.is_numeric(),
            None => false,
        }
    }

    fn word(&mut self) -> Result<Token, QueryError> {
        let mut parts = vec![Part {
            text: self.take_while(is_bare),
            quoted: false,
        }];
        while self.peek() == Some('.') {
            let dot = self.at;
            self.take();
            let part = match self.peek() {
                Some('"' | '\'' | '`') => Part {
                    text: self.quoted()?,
                    quoted: true,
                },
                _ => Part {
                    text: self.take_while(is_bare),
                    quoted: false,
                },
            };
            if part.text.is_empty() {
                return Err(QueryError::new(
                    "a name is missing after the dot",
                    dot..self.at.max(dot + 1),
                )
                .hint("names with other characters go in quotes: metrics.\"val loss\""));
            }
            parts.push(part);
        }
        Ok(Token::Word(parts))
    }

    /// A text in quotes. Escapes are `\\ \" \' \` \n \r \t \0 \u{1F600}`; before any
    /// other character a backslash stands for itself, as regular expressions want it.
    fn quoted(&mut self) -> Result<String, QueryError> {
        let start = self.at;
        let quote = self.take();
        let mut text = String::new();
        loop {
            let at = self.at;
            match self.take() {
                None => {
                    return Err(QueryError::new("the quote is not closed", start..start + 1));
                }
                end if end == quote => return Ok(text),
                Some('\\') => match self.take() {
                    Some(same @ ('\\' | '"' | '\'' | '`')) => text.push(same),
                    Some('n') => text.push('\n'),
                    Some('r') => text.push('\r'),
                    Some('t') => text.push('\t'),
                    Some('0') => text.push('\0'),
                    Some('u') if self.peek() == Some('{') => text.push(self.unicode(at)?),
                    Some(other) => text.extend(['\\', other]),
                    None => {}
                },
                Some(other) => text.push(other),
            }
        }
    }

    fn unicode(&mut self, start: usize) -> Result<char, QueryError> {
        self.take();
        let digits = self.take_while(|character| character.is_ascii_hexdigit());
        let closed = self.take() == Some('}');
        u32::from_str_radix(&digits, 16)
            .ok()
            .filter(|_| closed)
            .and_then(char::from_u32)
            .ok_or_else(|| {
                QueryError::new("not a character", start..self.at).hint("write \\u{1F600}")
            })
    }

    fn sign(&mut self) -> Result<Token, QueryError> {
        let start = self.at;
        let two = [
            ("==", Token::Equal),
            ("!=", Token::NotEqual),
            ("<>", Token::NotEqual),
            ("<=", Token::LessOrEqual),
            (">=", Token::GreaterOrEqual),
            ("!~", Token::NotTilde),
        ];
        for (sign, token) in two {
            if self.rest().starts_with(sign) {
                self.at += sign.len();
                return Ok(token);
            }
        }
        let token = match self.take() {
            Some('(') => Token::Open,
            Some(')') => Token::Close,
            Some(',') => Token::Comma,
            Some(':') => Token::Colon,
            Some('=') => Token::Equal,
            Some('<') => Token::Less,
            Some('>') => Token::Greater,
            Some('~') => Token::Tilde,
            other => {
                let error = QueryError::new("this character means nothing here", start..self.at);
                return Err(match other {
                    Some('&') => error.hint("write `and`"),
                    Some('|') => error.hint("write `or`"),
                    Some('!') => error.hint("write `not`, or `!=`"),
                    Some('`') => error
                        .hint("texts go in '...' or \"...\"; backticks only quote parts of names"),
                    _ => error.hint("texts and unusual names go in quotes"),
                });
            }
        };
        Ok(token)
    }
}
