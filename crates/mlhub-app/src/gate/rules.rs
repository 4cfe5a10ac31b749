//! Whether the rules of a gate say something, before they are held against anything.

use mlhub_core::{Error, Result, limits};
use mlhub_protocol::rest::{Gate, GateFairness, GateRegression, GateRequest, GateThreshold};

/// Refuses a request that names no run, or no baseline where a rule needs one, and rules as
/// [`check_rules`] does.
pub(super) fn check(request: &GateRequest) -> Result<()> {
    if request.runs.is_empty() {
        return Err(Error::invalid(
            "`runs` names no run to hold against the gate",
        ));
    }
    check_rules(&request.gate)?;
    if !request.gate.no_regression.is_empty() && request.baseline.is_empty() {
        return Err(Error::invalid(
            "`no_regression` needs a baseline to compare with (`--baseline RUN`)",
        ));
    }
    Ok(())
}

/// Refuses rules that say nothing, contradict themselves or are too many.
pub(crate) fn check_rules(gate: &Gate) -> Result<()> {
    let rules = gate.threshold.len() + gate.no_regression.len() + gate.fairness.len();
    if rules > limits::GATE_RULES_MAX {
        return Err(Error::invalid(format!(
            "{rules} rules are more than the {} of a gate",
            limits::GATE_RULES_MAX
        )));
    }
    if rules == 0 && gate.size.is_none() {
        return Err(Error::invalid(
            "the gate has no rule: add `[[threshold]]`, `[[no_regression]]`, `[[fairness]]` or `[size]`",
        ));
    }
    let numbered = |kind: &str, at: usize| format!("{kind}[{at}]");
    for (at, rule) in gate.threshold.iter().enumerate() {
        threshold(&numbered("threshold", at), rule)?;
    }
    for (at, rule) in gate.no_regression.iter().enumerate() {
        regression(&numbered("no_regression", at), rule)?;
    }
    for (at, rule) in gate.fairness.iter().enumerate() {
        fairness(&numbered("fairness", at), rule)?;
    }
    Ok(())
}

fn threshold(field: &str, rule: &GateThreshold) -> Result<()> {
    named(field, &rule.metric)?;
    let bounds: Vec<f64> = rule.min.into_iter().chain(rule.max).collect();
    if bounds.is_empty() || bounds.iter().any(|of| of.is_nan()) {
        return Err(Error::invalid(format!(
            "`{field}` needs a `min` or a `max`, a number"
        )));
    }
    match (rule.min, rule.max) {
        (Some(min), Some(max)) if min > max => Err(Error::invalid(format!(
            "`{field}`: no value is at least {min} and at most {max}"
        ))),
        _ => Ok(()),
    }
}

fn regression(field: &str, rule: &GateRegression) -> Result<()> {
    if rule.metrics.is_empty() {
        return Err(Error::invalid(format!("`{field}.metrics` names no metric")));
    }
    for metric in &rule.metrics {
        named(field, metric)?;
    }
    if !(rule.tolerance >= 0.0 && rule.tolerance.is_finite()) {
        return Err(Error::invalid(format!(
            "`{field}.tolerance` is a number from 0 on"
        )));
    }
    if rule
        .level
        .is_some_and(|level| !(level > 0.0 && level < 1.0))
    {
        return Err(Error::invalid(format!(
            "`{field}.level` is a probability between 0 and 1"
        )));
    }
    Ok(())
}

fn fairness(field: &str, rule: &GateFairness) -> Result<()> {
    named(field, &rule.metric)?;
    if rule.slice.is_empty() || !rule.metric.contains('/') {
        return Err(Error::invalid(format!(
            "`{field}` names a `metric` as SPLIT/NAME and the column to `slice` it by"
        )));
    }
    if !(rule.max_gap >= 0.0 && rule.max_gap.is_finite()) {
        return Err(Error::invalid(format!(
            "`{field}.max_gap` is a number from 0 on"
        )));
    }
    Ok(())
}

fn named(field: &str, metric: &str) -> Result<()> {
    match metric {
        "" => Err(Error::invalid(format!(
            "`{field}` names no metric; write SPLIT/NAME, such as test/accuracy"
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlhub_protocol::rest::Gate;

    fn asked(gate: Gate) -> Result<()> {
        check(&GateRequest {
            gate,
            runs: vec!["r".to_owned()],
            baseline: vec![],
        })
    }

    #[test]
    fn rules_that_say_nothing_are_refused_by_name() {
        let threshold = |min, max| Gate {
            threshold: vec![GateThreshold {
                metric: "test/accuracy".to_owned(),
                min,
                max,
                ..GateThreshold::default()
            }],
            ..Gate::default()
        };
        let refused = |gate: Gate, part: &str| {
            let error = asked(gate).expect_err(part);
            assert!(error.public_message().contains(part), "{error}");
        };
        refused(Gate::default(), "no rule");
        refused(threshold(None, None), "threshold[0]");
        refused(threshold(Some(f64::NAN), None), "threshold[0]");
        refused(threshold(Some(0.9), Some(0.1)), "at least 0.9");
        asked(threshold(Some(0.9), None)).expect("a rule");
        let regression = GateRegression {
            metrics: vec!["test/accuracy".to_owned()],
            ..GateRegression::default()
        };
        let gate = Gate {
            no_regression: vec![regression],
            ..Gate::default()
        };
        refused(gate, "--baseline");
    }
}
