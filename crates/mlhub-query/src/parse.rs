//! From text to a typed query, by recursive descent of bounded depth. What can be
//! named is read in `parse_name`.

use std::ops::Range;

use crate::ast::{Expr, Literal, Mention, Operand, Predicate, Query, Test};
use crate::error::QueryError;
use crate::lex::{Spanned, Token, lex};
use crate::limits::{DEPTH_MAX, LIST_MAX, QUERY_MAX_BYTES, TESTS_MAX};
use crate::parse_name::Level;
use crate::typed;

/// Parses a query. An empty text is a query that every run meets.
///
/// # Errors
/// What is wrong, where in the text, and what to write instead.
pub fn parse(text: &str) -> Result<Query, QueryError> {
    let mut parser = Parser::new(text)?;
    if parser.peek().token == Token::End {
        return Ok(Query {
            expr: None,
            mentions: Vec::new(),
        });
    }
    let expr = parser.either(0)?;
    let rest = parser.peek().clone();
    match rest.token {
        Token::End => Ok(Query {
            expr: Some(expr),
            mentions: parser.mentions,
        }),
        Token::Close => Err(QueryError::new(
            "this parenthesis was never opened",
            rest.span,
        )),
        _ => Err(QueryError::new(
            "expected `and`, `or` or the end of the query",
            rest.span,
        )),
    }
}

pub(crate) struct Parser {
    tokens: Vec<Spanned>,
    at: usize,
    tests: usize,
    mentions: Vec<Mention>,
}

impl Parser {
    pub(crate) fn new(text: &str) -> Result<Self, QueryError> {
        if text.len() > QUERY_MAX_BYTES {
            let message = format!(
                "the query has {} bytes and {QUERY_MAX_BYTES} are allowed",
                text.len()
            );
            return Err(QueryError::new(message, 0..0));
        }
        Ok(Self {
            tokens: lex(text)?,
            at: 0,
            tests: 0,
            mentions: Vec::new(),
        })
    }

    pub(crate) fn peek(&self) -> &Spanned {
        // The last token is `End`, which is never passed.
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn peek_second(&self) -> &Spanned {
        &self.tokens[(self.at + 1).min(self.tokens.len() - 1)]
    }

    pub(crate) fn take(&mut self) -> Spanned {
        let token = self.peek().clone();
        if token.token != Token::End {
            self.at += 1;
        }
        token
    }

    pub(crate) fn take_if(&mut self, token: &Token) -> bool {
        let found = self.peek().token == *token;
        if found {
            self.take();
        }
        found
    }

    pub(crate) fn take_keyword(&mut self, word: &str) -> bool {
        let found = self.peek().keyword().as_deref() == Some(word);
        if found {
            self.take();
        }
        found
    }

    fn either(&mut self, depth: usize) -> Result<Expr, QueryError> {
        let mut parts = vec![self.both(depth)?];
        while self.take_keyword("or") {
            parts.push(self.both(depth)?);
        }
        Ok(if parts.len() == 1 {
            parts.remove(0)
        } else {
            Expr::Or(parts)
        })
    }

    fn both(&mut self, depth: usize) -> Result<Expr, QueryError> {
        let mut parts = vec![self.inverse(depth)?];
        while self.take_keyword("and") {
            parts.push(self.inverse(depth)?);
        }
        Ok(if parts.len() == 1 {
            parts.remove(0)
        } else {
            Expr::And(parts)
        })
    }

    fn inverse(&mut self, depth: usize) -> Result<Expr, QueryError> {
        if depth > DEPTH_MAX {
            return Err(QueryError::new(
                format!("more than {DEPTH_MAX} parentheses and `not`s are within each other"),
                self.peek().span.clone(),
            ));
        }
        if self.take_keyword("not") {
            return Ok(Expr::Not(Box::new(self.inverse(depth + 1)?)));
        }
        if self.peek().token == Token::Open {
            let open = self.take();
            let inside = self.either(depth + 1)?;
            let close = self.peek().span.clone();
            if !self.take_if(&Token::Close) {
                let error = if self.peek().token == Token::End {
                    QueryError::new("this parenthesis is not closed", open.span)
                } else {
                    QueryError::new("expected `and`, `or` or `)`", close)
                };
                return Err(error);
            }
            return Ok(inside);
        }
        self.test()
    }

    fn test(&mut self) -> Result<Expr, QueryError> {
        self.tests += 1;
        if self.tests > TESTS_MAX {
            return Err(QueryError::new(
                format!("more than {TESTS_MAX} tests are in the query"),
                self.peek().span.clone(),
            ));
        }
        if let Token::Text(text) = &self.peek().token {
            let text = text.clone();
            self.take();
            return Ok(Expr::Anywhere(text));
        }
        let operand = self.operand()?;
        let test = self.test_of(&operand)?;
        Ok(Expr::Test(Predicate { operand, test }))
    }

    fn test_of(&mut self, operand: &Operand) -> Result<Test, QueryError> {
        let kind = operand.kind();
        let sign = self.peek().clone();
        if let Some(comparison) = typed::comparison(&sign.token) {
            self.take();
            let value = self.literal(operand, comparison.is_order())?;
            return Ok(Test::Compare { comparison, value });
        }
        if matches!(sign.token, Token::Tilde | Token::NotTilde) {
            self.take();
            typed::needs_text(kind, &sign)?;
            let pattern = self.regex()?;
            let negated = sign.token == Token::NotTilde;
            return Ok(Test::Matches { negated, pattern });
        }
        if self.take_keyword("is") {
            let negated = self.take_keyword("not");
            return if self.take_keyword("null") {
                Ok(Test::Null { negated })
            } else {
                let span = self.peek().span.clone();
                Err(QueryError::new("expected `null` or `not null`", span)
                    .hint("to compare with a value, write `=`"))
            };
        }
        let second = self.peek_second().keyword();
        let negated = sign.keyword().as_deref() == Some("not")
            && second.is_some_and(|word| typed::NEGATABLE.contains(&word.as_str()));
        if negated {
            self.take();
        }
        let word = self.peek().clone();
        match word.keyword().as_deref() {
            Some("in") => {
                self.take();
                let values = self.list(operand)?;
                Ok(Test::In { negated, values })
            }
            Some(like @ ("like" | "ilike")) => {
                self.take();
                typed::needs_text(kind, &word)?;
                let (pattern, span) = self.text_value(like)?;
                let ignore_case = like == "ilike";
                if let Err(message) = typed::like_regex(&pattern, ignore_case) {
                    return Err(QueryError::new(message, span));
                }
                Ok(Test::Like {
                    negated,
                    ignore_case,
                    pattern,
                })
            }
            Some("matches") => {
                self.take();
                typed::needs_text(kind, &word)?;
                let pattern = self.regex()?;
                Ok(Test::Matches { negated, pattern })
            }
            Some("contains") => {
                self.take();
                typed::needs_text(kind, &word)?;
                let (text, _) = self.text_value("contains")?;
                Ok(Test::Contains { negated, text })
            }
            _ => Ok(Test::Present),
        }
    }

    fn list(&mut self, operand: &Operand) -> Result<Vec<Literal>, QueryError> {
        let open = self.peek().span.clone();
        if !self.take_if(&Token::Open) {
            return Err(
                QueryError::new("expected `(` and values", open).hint("write in ('a', 'b')")
            );
        }
        let mut values = vec![self.literal(operand, false)?];
        while self.take_if(&Token::Comma) {
            let span = self.peek().span.clone();
            if values.len() == LIST_MAX {
                return Err(QueryError::new(
                    format!("more than {LIST_MAX} values"),
                    span,
                ));
            }
            values.push(self.literal(operand, false)?);
        }
        let close = self.peek().span.clone();
        if self.take_if(&Token::Close) {
            Ok(values)
        } else {
            Err(QueryError::new("expected `,` or `)`", close))
        }
    }

    fn literal(&mut self, operand: &Operand, ordered: bool) -> Result<Literal, QueryError> {
        let token = self.peek().clone();
        let value = typed::literal(operand, &token, ordered)?;
        self.take();
        Ok(value)
    }

    fn text_value(&mut self, after: &str) -> Result<(String, Range<usize>), QueryError> {
        let token = self.peek().clone();
        let Some(text) = typed::text_of(&token.token) else {
            return Err(QueryError::new(
                format!("expected a text after `{after}`"),
                token.span,
            ));
        };
        self.take();
        Ok((text, token.span))
    }

    fn regex(&mut self) -> Result<String, QueryError> {
        let (pattern, span) = self.text_value("~")?;
        match typed::compile(&pattern) {
            Ok(_) => Ok(pattern),
            Err(message) => Err(QueryError::new(message, span)),
        }
    }

    /// Where the token before ends.
    pub(crate) fn end(&self) -> usize {
        self.tokens[self.at.saturating_sub(1)].span.end
    }

    /// Reads an operand and notes where it stands.
    pub(crate) fn operand(&mut self) -> Result<Operand, QueryError> {
        let start = self.peek().span.start;
        let operand = self.name(Level::Outermost)?;
        self.mentions.push(Mention {
            operand: operand.clone(),
            span: start..self.end(),
        });
        Ok(operand)
    }
}
