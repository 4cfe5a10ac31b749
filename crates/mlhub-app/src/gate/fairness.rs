//! How far apart the slices of a column are.

use mlhub_protocol::rest::GateFairness;

use super::bounds::number;
use crate::slices::StoredSlice;

/// Smaller slices say too little.
const SLICE_ROWS_MIN: u64 = 30;

/// Whether the slices of a run are near enough, and one sentence with the numbers. A slice
/// that is large enough and has no value of the metric does not pass: nothing is known of it.
pub(super) fn gap(rule: &GateFairness, run: &str, slices: &[StoredSlice]) -> (bool, String) {
    let min_rows = rule.min_rows.unwrap_or(SLICE_ROWS_MIN);
    let (split, metric) = rule.metric.split_once('/').unwrap_or_default();
    let column = &rule.slice;
    let large: Vec<&StoredSlice> = slices
        .iter()
        .filter(|of| of.column == *column && of.n >= min_rows)
        .collect();
    if large.len() < 2 {
        return (
            false,
            format!(
                "`{run}` has no two slices by `{column}` of at least {min_rows} rows on `{split}`; name the column in `evaluation.slices`"
            ),
        );
    }
    let mut values = Vec::with_capacity(large.len());
    for of in large {
        match of.value_of(metric).filter(|value| value.is_finite()) {
            Some(value) => values.push((value, of.value.as_str())),
            None => {
                return (
                    false,
                    format!(
                        "`{run}` has no `{metric}` for {column} = {} ({} rows of `{split}`)",
                        of.value, of.n
                    ),
                );
            }
        }
    }
    values.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let ((low, lowest), (high, highest)) = (values[0], values[values.len() - 1]);
    let message = format!(
        "{column} = {lowest} ({}) to {highest} ({}): a gap of {} with at most {} allowed",
        number(low),
        number(high),
        number(high - low),
        number(rule.max_gap)
    );
    (high - low <= rule.max_gap, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slices::SliceMetric;
    use mlhub_protocol::Number;

    fn slice(value: &str, n: u64, recall: Option<f64>) -> StoredSlice {
        let metric = |value| SliceMetric {
            name: "recall".to_owned(),
            definition: "recall@1".to_owned(),
            value: Number(value),
            low: None,
            high: None,
        };
        StoredSlice {
            column: "site".to_owned(),
            value: value.to_owned(),
            n,
            metrics: recall.map(metric).into_iter().collect(),
        }
    }

    fn told(slices: &[StoredSlice]) -> (bool, String) {
        let rule = GateFairness {
            metric: "test/recall".to_owned(),
            slice: "site".to_owned(),
            max_gap: 0.1,
            min_rows: None,
        };
        gap(&rule, "r", slices)
    }

    #[test]
    fn the_best_slice_is_held_against_the_worst() {
        let (north, south) = (
            slice("north", 40, Some(0.8)),
            slice("south", 40, Some(0.85)),
        );
        assert!(told(&[north.clone(), south.clone()]).0);
        let (passed, message) = told(&[north, south, slice("west", 30, Some(0.95))]);
        assert!(
            !passed && message.contains("north") && message.contains("west"),
            "{message}"
        );
    }

    #[test]
    fn what_is_not_known_of_a_slice_does_not_pass() {
        let known = [slice("north", 40, Some(0.8)), slice("south", 40, Some(0.8))];
        for unknown in [None, Some(f64::NAN)] {
            let mut slices = known.to_vec();
            slices.push(slice("west", 30, unknown));
            let (passed, message) = told(&slices);
            assert!(!passed && message.contains("west"), "{message}");
            // One that is too small says too little either way.
            slices[2].n = 29;
            assert!(told(&slices).0);
        }
        assert!(!told(&known[..1]).0);
    }
}
