//! What a query can name: fields, members of families, functions of them; and what
//! was probably meant by a name that there is not.

use std::ops::Range;

use crate::ast::{Aggregate, Attribute, GroupStatistic, Kind, Operand};
use crate::error::QueryError;
use crate::lex::{Part, Token};
use crate::parse::Parser;
use crate::suggest::closest_one;

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

/// Where an operand stands: functions are not within functions of their kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Outermost,
    InGroup,
    InFunction,
}

impl Parser {
    /// Reads a name.
    pub(crate) fn name(&mut self, level: Level) -> Result<Operand, QueryError> {
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
        let operand = self.name(Level::InFunction)?;
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
        let of = self.name(Level::InGroup)?;
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
        let end = self.end();
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
