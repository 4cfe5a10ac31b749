//! What a query means, told without the table: by a plain list of runs, row by row.

use std::cmp::Ordering;

use mlhub_query::{Expr, GroupStatistic, Literal, Moment, Operand, OrderKey, Test};

use crate::support::{self, Known, NOW};

/// A value of a run, found without the table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Plain {
    None,
    Number(f64),
    Text(String),
}

pub(crate) fn plain(run: &Known, all: &[&Known], operand: &Operand) -> Plain {
    let number = |value: Option<f64>| value.map_or(Plain::None, Plain::Number);
    let text =
        |value: Option<&str>| value.map_or(Plain::None, |value| Plain::Text(value.to_owned()));
    match operand {
        Operand::Attribute(attribute) => match attribute.as_str() {
            "name" => text(Some(&run.name)),
            "state" => text(Some(run.state.as_str())),
            "seed" => number(run.seed.map(|seed| seed as f64)),
            "group" => text(run.group.as_deref()),
            "created" => number(Some(run.created as f64)),
            "started" => number(run.started.map(|time| time as f64)),
            "deleted" => number(run.deleted.map(|time| time as f64)),
            "duration" => number(
                run.started
                    .map(|from| (run.ended.unwrap_or(NOW) - from).max(0) as f64),
            ),
            other => panic!("no test of {other}"),
        },
        Operand::Param(name) => text(run.params.get(name).map(String::as_str)),
        Operand::Tag(name) => text(run.tags.get(name).map(String::as_str)),
        Operand::Metric { name, aggregate } => {
            let found = run.metrics.get(name);
            number(match aggregate.as_str() {
                "last" => found.map(|values| values[values.len() - 1]),
                "count" => found.map(|values| values.len() as f64),
                "min" => found.and_then(|values| finite(values).min_by(f64::total_cmp)),
                _ => found.and_then(|values| finite(values).max_by(f64::total_cmp)),
            })
        }
        Operand::Evaluated { split, name } => {
            number(run.evaluated.get(&(split.clone(), name.clone())).copied())
        }
        Operand::Group { statistic, of } => {
            let members: Vec<&&Known> = match &run.group {
                Some(group) => all
                    .iter()
                    .filter(|one| one.group.as_ref() == Some(group))
                    .collect(),
                None => all.iter().filter(|one| one.id == run.id).collect(),
            };
            let values: Vec<f64> = members
                .iter()
                .filter_map(|one| match of {
                    None => Some(1.0),
                    Some(of) => as_number(&plain(one, all, of)),
                })
                .collect();
            number(statistic_of(*statistic, &values))
        }
    }
}

pub(crate) fn finite(values: &[f64]) -> impl Iterator<Item = f64> + '_ {
    values.iter().copied().filter(|value| value.is_finite())
}

pub(crate) fn as_number(value: &Plain) -> Option<f64> {
    match value {
        Plain::Number(number) => Some(*number),
        Plain::Text(text) => text.trim().parse().ok(),
        Plain::None => None,
    }
}

pub(crate) fn statistic_of(statistic: GroupStatistic, values: &[f64]) -> Option<f64> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let real = values.iter().copied().filter(|value| !value.is_nan());
    match statistic {
        GroupStatistic::Count => Some(n),
        GroupStatistic::Mean => (!values.is_empty()).then_some(mean),
        GroupStatistic::Std => (values.len() > 1).then(|| {
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            (squares / (n - 1.0)).sqrt()
        }),
        GroupStatistic::Min => real.min_by(f64::total_cmp),
        GroupStatistic::Max => real.max_by(f64::total_cmp),
    }
}

pub(crate) fn meets(run: &Known, all: &[&Known], expr: &Expr) -> bool {
    match expr {
        Expr::And(parts) => parts.iter().all(|part| meets(run, all, part)),
        Expr::Or(parts) => parts.iter().any(|part| meets(run, all, part)),
        Expr::Not(part) => !meets(run, all, part),
        Expr::Anywhere(text) => {
            let text = text.to_ascii_lowercase();
            [&run.id, &run.name]
                .into_iter()
                .chain(run.tags.values())
                .chain([&support::EXPERIMENT.to_owned()])
                .any(|one| one.to_ascii_lowercase().contains(&text))
        }
        Expr::Test(predicate) => {
            let value = plain(run, all, &predicate.operand);
            if let Test::Null { negated } = predicate.test {
                return (value == Plain::None) != negated;
            }
            value != Plain::None && passes(&value, &predicate.test)
        }
    }
}

pub(crate) fn literal_order(value: &Plain, literal: &Literal) -> Option<Ordering> {
    let numbers = |a: f64, b: f64| {
        if a.is_nan() && b.is_nan() {
            Some(Ordering::Equal)
        } else {
            a.partial_cmp(&b)
        }
    };
    match (value, literal) {
        (Plain::Text(text), Literal::Text(other)) => Some(text.as_str().cmp(other)),
        (Plain::Text(text), Literal::Bool(truth)) => match text.to_ascii_lowercase().as_str() {
            "true" => Some(true.cmp(truth)),
            "false" => Some(false.cmp(truth)),
            _ => None,
        },
        (value, Literal::Number(other)) => numbers(as_number(value)?, *other),
        (Plain::Number(number), Literal::Moment(Moment::Absolute(ms)) | Literal::Duration(ms)) => {
            numbers(*number, *ms as f64)
        }
        (Plain::Number(number), Literal::Moment(Moment::Relative(ms))) => {
            numbers(*number, (NOW + ms) as f64)
        }
        _ => None,
    }
}

pub(crate) fn passes(value: &Plain, test: &Test) -> bool {
    let text = |found: &dyn Fn(&str) -> bool| match value {
        Plain::Text(text) => found(text),
        _ => false,
    };
    match test {
        Test::Present => !text(&|text| text.eq_ignore_ascii_case("false")),
        Test::Null { negated } => *negated,
        Test::Compare {
            comparison,
            value: literal,
        } => {
            let order = literal_order(value, literal);
            match format!("{comparison:?}").as_str() {
                "Equal" => order == Some(Ordering::Equal),
                "NotEqual" => order != Some(Ordering::Equal),
                "Less" => order == Some(Ordering::Less),
                "Greater" => order == Some(Ordering::Greater),
                "LessOrEqual" => matches!(order, Some(Ordering::Less | Ordering::Equal)),
                _ => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
            }
        }
        Test::In { negated, values } => {
            values
                .iter()
                .any(|one| literal_order(value, one) == Some(Ordering::Equal))
                != *negated
        }
        Test::Like {
            negated,
            ignore_case,
            pattern,
        } => {
            let fold = |text: &str| {
                if *ignore_case {
                    text.to_lowercase()
                } else {
                    text.to_owned()
                }
            };
            let pattern: Vec<char> = fold(pattern).chars().collect();
            text(&|text| like(&fold(text).chars().collect::<Vec<_>>(), &pattern)) != *negated
        }
        Test::Matches { negated, pattern } => {
            // Only patterns that are plain texts are made here.
            text(&|text| text.contains(pattern.as_str())) != *negated
        }
        Test::Contains {
            negated,
            text: part,
        } => text(&|text| text.contains(part.as_str())) != *negated,
    }
}

/// `%` and `_`, by trying everything.
pub(crate) fn like(text: &[char], pattern: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('%', rest)) => (0..=text.len()).any(|at| like(&text[at..], rest)),
        Some(('_', rest)) => !text.is_empty() && like(&text[1..], rest),
        Some((one, rest)) => text.first() == Some(one) && like(&text[1..], rest),
    }
}

/// Numbers, texts, NaN, nothing; within the first two by value.
pub(crate) fn rank(value: &Plain, operand: &Operand) -> (u8, f64, String) {
    let is_label = matches!(operand, Operand::Param(_) | Operand::Tag(_));
    match value {
        Plain::None => (3, 0.0, String::new()),
        Plain::Text(text) => match as_number(value).filter(|_| is_label) {
            Some(number) if number.is_nan() => (2, 0.0, String::new()),
            Some(number) => (0, number, String::new()),
            None => (1, 0.0, text.clone()),
        },
        Plain::Number(number) if number.is_nan() => (2, 0.0, String::new()),
        Plain::Number(number) => (0, *number, String::new()),
    }
}

pub(crate) fn order(a: &Known, b: &Known, all: &[&Known], keys: &[OrderKey]) -> Ordering {
    for key in keys {
        let of = |run: &Known| match (plain(run, all, &key.operand), key.as_text) {
            (Plain::Text(text), true) => (1, 0.0, text),
            (value, _) => rank(&value, &key.operand),
        };
        let (a, b) = (of(a), of(b));
        let within =
            a.1.partial_cmp(&b.1)
                .expect("no NaN")
                .then_with(|| a.2.cmp(&b.2));
        let within = if key.descending {
            within.reverse()
        } else {
            within
        };
        let both = a.0.cmp(&b.0).then(within);
        if both.is_ne() {
            return both;
        }
    }
    b.seq.cmp(&a.seq)
}

pub(crate) fn visible<'k>(all: &'k [Known], filter: Option<&Expr>) -> Vec<&'k Known> {
    let deleted = filter.is_some_and(|expr| expr.to_string().contains("deleted"));
    all.iter()
        .filter(|run| deleted || run.deleted.is_none())
        .collect()
}
