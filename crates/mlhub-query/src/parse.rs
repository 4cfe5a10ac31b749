//! From text to a typed query, by recursive descent of bounded depth.

use std::ops::Range;

use crate::ast::{
    Aggregate, Attribute, Expr, GroupStatistic, Kind, Literal, Mention, Operand, Predicate, Query,
    Test,
};
use crate::error::QueryError;
use crate::lex::{Part, Spanned, Token, lex};
use crate::limits::{DEPTH_MAX, LIST_MAX, QUERY_MAX_BYTES, TESTS_MAX};
use crate::suggest::closest_one;
use crate::typed;

/// Words that name families of operands, as people write them.
const FAMILIES: [(&str, &str); 9] = [
    ("metrics", "metrics"),
    ("metric", "metrics"),
    ("params", "params"),
    ("param", "params"),
    ("tags", "tags"),
    ("tag", "tags"),
    ("eval", "eval"),
    ("evals", "eval"),
    ("evaluated", "eval"),
];
/// What other programs call our attributes.
const FOREIGN: [(&str, &str); 12] = [
    ("status", "state"),
    ("run_id", "id"),
    ("run_name", "name"),
    ("user", "owner"),
    ("user_id", "owner"),
    ("author", "owner"),
    ("start_time", "started"),
    ("end_time", "ended"),
    ("created_at", "created"),
    ("experiment_name", "experiment"),
    ("project_name", "project"),
    ("runtime", "duration"),
];

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

/// Where an operand stands: functions are not within functions of their kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Outermost,
    InGroup,
    InFunction,
}

pub(crate) struct Parser {
    tokens: Vec<Spanned>,
    at: usize,
    tests: usize,
    pub(crate) mentions: Vec<Mention>,
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
                let (pattern, _) = self.text_value(like)?;
                let ignore_case = like == "ilike";
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

    /// Reads an operand and notes where it stands.
    pub(crate) fn operand(&mut self) -> Result<Operand, QueryError> {
        let start = self.peek().span.start;
        let operand = self.operand_inner(Level::Outermost)?;
        let end = self.tokens[self.at.saturating_sub(1)].span.end;
        self.mentions.push(Mention {
            operand: operand.clone(),
            span: start..end,
        });
        Ok(operand)
    }

    fn operand_inner(&mut self, level: Level) -> Result<Operand, QueryError> {
        let word = self.take();
        let Token::Word(parts) = &word.token else {
            let message = match word.token {
                Token::End => "something to test is missing here",
                Token::Number(_) => {
                    "a test starts with a name such as metrics.acc, not with a value"
                }
                _ => "expected a name such as metrics.acc, params.lr or state",
            };
            return Err(QueryError::new(message, word.span));
        };
        let first = parts[0].text.as_str();
        if let [_, statistic] = parts.as_slice()
            && first == "group"
            && level == Level::Outermost
        {
            return self.group_statistic(&statistic.text, &word.span);
        }
        if self.peek().token == Token::Open && parts.len() == 1 && level != Level::InFunction {
            return self.metric_function(first, &word.span);
        }
        let family = FAMILIES.iter().find(|(name, _)| *name == first);
        match family {
            Some((_, family)) if parts.len() > 1 => member(family, &parts[1..], &word.span),
            Some((_, family)) => Err(QueryError::new(
                format!("a name is missing after `{first}`"),
                word.span.clone(),
            )
            .hint(format!("write {family}.NAME"))),
            None if parts.len() == 1 => Attribute::ALL
                .into_iter()
                .find(|attribute| attribute.as_str() == first)
                .map(Operand::Attribute)
                .ok_or_else(|| unknown(first, &word.span)),
            None => Err(unknown_family(parts, &word.span)),
        }
    }

    fn metric_function(&mut self, name: &str, span: &Range<usize>) -> Result<Operand, QueryError> {
        let found = Aggregate::ALL.into_iter().find(|one| one.as_str() == name);
        let Some(aggregate) = found else {
            let error = QueryError::new(format!("no function `{name}`"), span.clone());
            return Err(match name {
                "first" | "mean" | "avg" => error.hint(
                    "last, min, max and count are kept of a metric; group.mean(...) is the mean over seeds",
                ),
                "in" => error.hint("write what is tested before `in`"),
                _ => error.hint("last, min, max and count take a metric: max(metrics.acc)"),
            });
        };
        self.take();
        let inner = self.peek().span.clone();
        let operand = self.operand_inner(Level::InFunction)?;
        let end = self.close()?;
        match operand {
            Operand::Metric {
                name,
                aggregate: Aggregate::Last,
            } => Ok(Operand::Metric { name, aggregate }),
            _ => Err(
                QueryError::new(format!("`{name}` takes a logged metric"), inner.start..end)
                    .hint(format!("write {name}(metrics.NAME)")),
            ),
        }
    }

    fn group_statistic(&mut self, name: &str, span: &Range<usize>) -> Result<Operand, QueryError> {
        let found = GroupStatistic::ALL
            .into_iter()
            .find(|one| one.as_str() == name);
        let Some(statistic) = found else {
            return Err(QueryError::new(format!("no statistic `group.{name}`"), span.clone())
                .hint("write group.mean(...), group.std(...), group.min(...), group.max(...) or group.count"));
        };
        if statistic == GroupStatistic::Count && self.peek().token != Token::Open {
            return Ok(Operand::Group {
                statistic,
                of: None,
            });
        }
        let open = self.peek().span.clone();
        if !self.take_if(&Token::Open) {
            return Err(QueryError::new("expected `(` and a metric", open)
                .hint(format!("write group.{name}(metrics.NAME)")));
        }
        let inner = self.peek().span.start;
        let of = self.operand_inner(Level::InGroup)?;
        let end = self.close()?;
        let allowed = match &of {
            Operand::Group { .. } => false,
            other => matches!(other.kind(), Kind::Number | Kind::Label | Kind::Duration),
        };
        if !allowed {
            return Err(QueryError::new("not a number to take a statistic of", inner..end)
                .hint("metrics, evaluated metrics, params, tags, duration, seed and attempt can be used"));
        }
        Ok(Operand::Group {
            statistic,
            of: Some(Box::new(of)),
        })
    }

    /// Reads `)`; gives the end of what stands before it.
    fn close(&mut self) -> Result<usize, QueryError> {
        let end = self.tokens[self.at.saturating_sub(1)].span.end;
        let span = self.peek().span.clone();
        if self.take_if(&Token::Close) {
            Ok(end)
        } else {
            Err(QueryError::new("expected `)`", span))
        }
    }
}

fn join(parts: &[Part]) -> String {
    let texts: Vec<&str> = parts.iter().map(|part| part.text.as_str()).collect();
    texts.join(".")
}

fn member(family: &str, parts: &[Part], span: &Range<usize>) -> Result<Operand, QueryError> {
    Ok(match family {
        "metrics" => Operand::metric(join(parts)),
        "params" => Operand::Param(join(parts)),
        "tags" => Operand::Tag(join(parts)),
        _ => match parts {
            [split, name @ ..] if !name.is_empty() => Operand::Evaluated {
                split: split.text.clone(),
                name: join(name),
            },
            _ => {
                return Err(QueryError::new(
                    "an evaluated metric needs a split and a name",
                    span.clone(),
                )
                .hint("write eval.test.accuracy"));
            }
        },
    })
}

fn unknown(name: &str, span: &Range<usize>) -> QueryError {
    let error = QueryError::new(format!("no field `{name}`"), span.clone());
    if let Some((_, ours)) = FOREIGN.iter().find(|(theirs, _)| *theirs == name) {
        return error.hint(format!("write `{ours}`"));
    }
    let known = Attribute::ALL.iter().map(|attribute| attribute.as_str());
    match closest_one(name, known) {
        Some(close) => error.hint(format!("did you mean `{close}`?")),
        None => error.hint(format!(
            "write params.{name}, metrics.{name} or tags.{name}; or '{name}' in quotes to find it in names and tags"
        )),
    }
}

fn unknown_family(parts: &[Part], span: &Range<usize>) -> QueryError {
    let first = &parts[0].text;
    let error = QueryError::new(
        format!("no field `{first}`"),
        span.start..span.start + first.len(),
    );
    match closest_one(first, FAMILIES.iter().map(|(name, _)| *name)) {
        Some(close) => {
            let family = FAMILIES.iter().find(|(name, _)| *name == close);
            let family = family.map_or(close, |(_, family)| family);
            error.hint(format!("did you mean `{family}.{}`?", join(&parts[1..])))
        }
        None if ["attributes", "attribute", "attr", "run", "runs"].contains(&first.as_str()) => {
            error.hint(format!("write `{}` alone", join(&parts[1..])))
        }
        None => error.hint(format!(
            "write params.{0}, metrics.{0} or tags.{0}",
            join(parts)
        )),
    }
}
