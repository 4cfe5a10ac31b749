//! What runs measured, held against bounds.

use mlhub_protocol::rest::{GateBound, GateCheck, GateThreshold};

use super::outcome;
use crate::compare::seed_statistics;
use crate::runs::RunRow;

/// A metric of a run.
#[derive(Clone)]
pub(super) struct Measured {
    /// `name@version` when it was evaluated.
    pub(super) definition: Option<String>,
    pub(super) value: f64,
    pub(super) interval: Option<(f64, f64)>,
}

/// Holds the runs, of several their mean, against a bound.
pub(super) fn threshold(rule: &GateThreshold, runs: &[RunRow]) -> GateCheck {
    let check = |passed: bool, message: String| outcome("threshold", &rule.metric, passed, message);
    let mut found = Vec::new();
    for row in runs {
        match measured(row, &rule.metric) {
            Some(measured) => found.push(measured),
            None => {
                return check(
                    false,
                    format!("`{}` has no `{}`", row.run.name, rule.metric),
                );
            }
        }
    }
    let values: Vec<f64> = found.iter().map(|of| of.value).collect();
    if values.iter().any(|value| value.is_nan()) {
        return check(false, "its value is NaN".to_owned());
    }
    let (value, interval) = match found.as_slice() {
        [single] => (single.value, single.interval),
        _ => match seed_statistics(&values) {
            Some(of) => (of.mean, of.interval),
            None => return check(false, "its values are infinite".to_owned()),
        },
    };
    let (low, high) = match (rule.bound, interval) {
        (GateBound::Value, _) => (value, value),
        (GateBound::Interval, Some(interval)) => interval,
        (GateBound::Interval, None) => {
            return check(
                false,
                format!("it is {} and has no interval", number(value)),
            );
        }
    };
    let passed = rule.min.is_none_or(|min| low >= min) && rule.max.is_none_or(|max| high <= max);
    let bounds: Vec<String> = [
        rule.min.map(|min| format!("at least {}", number(min))),
        rule.max.map(|max| format!("at most {}", number(max))),
    ]
    .into_iter()
    .flatten()
    .collect();
    let of = match rule.bound {
        GateBound::Value => number(value),
        GateBound::Interval => format!("{} [{}, {}]", number(value), number(low), number(high)),
    };
    check(
        passed,
        format!("{of} with {} asked for", bounds.join(" and ")),
    )
}

/// An evaluated metric by `split/name` or `split/name@version`, else the last logged value.
pub(super) fn measured(row: &RunRow, name: &str) -> Option<Measured> {
    let evaluated = name.split_once('/').and_then(|(split, metric)| {
        let named = |of: &&mlhub_core::evaluation::EvaluatedMetric| {
            of.split == split && (of.name == metric || of.definition == metric)
        };
        row.evaluated.iter().find(named)
    });
    if let Some(of) = evaluated {
        return Some(Measured {
            definition: Some(of.definition.clone()),
            value: of.value,
            interval: of.low.zip(of.high),
        });
    }
    let logged = row.metrics.iter().find(|of| of.name == name)?;
    Some(Measured {
        definition: None,
        value: logged.last.value,
        interval: None,
    })
}

/// Six digits, without needless zeros.
pub(super) fn number(value: f64) -> String {
    let shown = format!("{value:.6}");
    if value != 0.0 && (value.abs() < 1e-4 || value.abs() >= 1e9) {
        return format!("{value:.5e}");
    }
    shown.trim_end_matches('0').trim_end_matches('.').to_owned()
}
