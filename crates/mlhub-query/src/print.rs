//! From a typed query back to text that parses to the same.

use std::fmt;

use crate::ast::{Aggregate, Expr, Literal, Moment, Operand, Predicate, Test};
use crate::lex::is_bare;
use crate::time::{in_range, print_date, print_duration};

/// Writes a text in single quotes.
fn quote(text: &str, mark: char) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push(mark);
    for character in text.chars() {
        match character {
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            same if same == mark => quoted.extend(['\\', same]),
            other if other.is_control() => {
                quoted.push_str(&format!("\\u{{{:X}}}", u32::from(other)));
            }
            other => quoted.push(other),
        }
    }
    quoted.push(mark);
    quoted
}

/// Writes the name of a param, tag or metric, in quotes where it must be.
fn key(name: &str) -> String {
    let bare = name
        .split('.')
        .all(|part| !part.is_empty() && part.chars().all(is_bare));
    if bare {
        name.to_owned()
    } else {
        quote(name, '"')
    }
}

/// Writes a split, which is one part of a name.
fn part(name: &str) -> String {
    if !name.is_empty() && name.chars().all(is_bare) {
        name.to_owned()
    } else {
        quote(name, '"')
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attribute(attribute) => f.write_str(attribute.as_str()),
            Self::Param(name) => write!(f, "params.{}", key(name)),
            Self::Tag(name) => write!(f, "tags.{}", key(name)),
            Self::Metric {
                name,
                aggregate: Aggregate::Last,
            } => write!(f, "metrics.{}", key(name)),
            Self::Metric { name, aggregate } => {
                write!(f, "{}(metrics.{})", aggregate.as_str(), key(name))
            }
            Self::Evaluated { split, name } => write!(f, "eval.{}.{}", part(split), key(name)),
            Self::Group { statistic, of } => {
                write!(f, "group.{}", statistic.as_str())?;
                of.as_ref().map_or(Ok(()), |of| write!(f, "({of})"))
            }
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) if number.is_nan() => f.write_str("nan"),
            Self::Number(number) => write!(f, "{number:?}"),
            Self::Text(text) => f.write_str(&quote(text, '\'')),
            Self::Bool(truth) => write!(f, "{truth}"),
            Self::Moment(Moment::Relative(0)) => f.write_str("now"),
            Self::Moment(Moment::Relative(ms)) => {
                let sign = if *ms > 0 { "+" } else { "" };
                write!(f, "{sign}{}", print_duration(*ms))
            }
            Self::Moment(Moment::Absolute(ms)) => {
                debug_assert!(in_range(*ms), "only dates that can be written are made");
                f.write_str(&print_date(*ms))
            }
            Self::Duration(ms) => f.write_str(&print_duration(*ms)),
        }
    }
}

fn not(negated: bool) -> &'static str {
    if negated { "not " } else { "" }
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operand = &self.operand;
        match &self.test {
            Test::Present => write!(f, "{operand}"),
            Test::Null { negated } => write!(f, "{operand} is {}null", not(*negated)),
            Test::Compare { comparison, value } => {
                write!(f, "{operand} {} {value}", comparison.sign())
            }
            Test::In { negated, values } => {
                write!(f, "{operand} {}in (", not(*negated))?;
                for (index, value) in values.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{value}")?;
                }
                f.write_str(")")
            }
            Test::Like {
                negated,
                ignore_case,
                pattern,
            } => {
                let like = if *ignore_case { "ilike" } else { "like" };
                write!(
                    f,
                    "{operand} {}{like} {}",
                    not(*negated),
                    quote(pattern, '\'')
                )
            }
            Test::Matches { negated, pattern } => {
                let sign = if *negated { "!~" } else { "~" };
                write!(f, "{operand} {sign} {}", quote(pattern, '\''))
            }
            Test::Contains { negated, text } => {
                write!(
                    f,
                    "{operand} {}contains {}",
                    not(*negated),
                    quote(text, '\'')
                )
            }
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, parts: &[Expr], word: &str) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            write!(f, " {word} ")?;
        }
        match part {
            Expr::And(_) | Expr::Or(_) => write!(f, "({part})")?,
            _ => write!(f, "{part}")?,
        }
    }
    Ok(())
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(parts) => joined(f, parts, "and"),
            Self::Or(parts) => joined(f, parts, "or"),
            Self::Not(part) => match **part {
                Self::And(_) | Self::Or(_) => write!(f, "not ({part})"),
                _ => write!(f, "not {part}"),
            },
            Self::Test(predicate) => write!(f, "{predicate}"),
            Self::Anywhere(text) => f.write_str(&quote(text, '\'')),
        }
    }
}
