//! Resamples of anomalies, forecasts and survival: a row counts as often as it is drawn.

use proptest::prelude::*;

use crate::metrics::{Facts, Needs, Prepared, Scratch, compute};
use crate::registry::entry;
use crate::weights::{Counted, RowWeights, Unit};
use crate::*;

/// A row of any of the tasks: class or event, number or time, score, two more numbers, copies.
type Row = (u32, u8, i8, (u8, u8), u32);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec(
        (0..2_u32, 1..9_u8, -3..4_i8, (0..9_u8, 0..9_u8), 0..4_u32),
        2..30,
    )
}

fn input(task: Task, rows: &[Row]) -> PredictionsInput {
    let values = |of: fn(&Row) -> f64| rows.iter().map(of).collect::<Vec<f64>>();
    let column = |name: &str, of: fn(&Row) -> f64| NumberColumn {
        name: name.to_owned(),
        width: 1,
        values: values(of),
    };
    let numbers = Targets::Values(values(|row| f64::from(row.1)));
    let is_anomaly = task == Task::Anomaly;
    PredictionsInput {
        ids: (0..rows.len()).map(|row| row.to_string()).collect(),
        task,
        labels: match task {
            Task::Anomaly => vec!["0".to_owned(), "1".to_owned()],
            _ => vec![],
        },
        y_true: if is_anomaly {
            Targets::Classes(rows.iter().map(|row| row.0).collect())
        } else {
            numbers
        },
        y_pred: (task == Task::Forecasting)
            .then(|| Targets::Values(values(|row| f64::from(row.2)))),
        y_score: (task != Task::Forecasting).then(|| values(|row| f64::from(row.2))),
        weight: None,
        group: None,
        numbers: match task {
            Task::Forecasting => vec![
                column("y_pred_q0.2", |row| f64::from(row.3.0)),
                column("y_pred_q0.8", |row| f64::from(row.3.1)),
                column("scale", |_| 0.5),
            ],
            Task::Survival => vec![
                column("event", |row| f64::from(row.0)),
                column("y_survival_0.5", |row| f64::from(row.3.0) / 8.0),
                column("y_survival_3", |row| f64::from(row.3.1) / 8.0),
            ],
            _ => vec![],
        },
    }
}

/// All metrics of the task that the predictions allow.
fn values(input: PredictionsInput, ids: &[String], weights: &impl RowWeights) -> Vec<f64> {
    let predictions = Predictions::new(input).unwrap();
    let threshold = (predictions.task() == Task::Anomaly).then_some(0.5);
    let facts = Facts::with_threshold(&predictions, threshold);
    let kinds: Vec<_> = ids.iter().map(|id| entry(id).unwrap().kind).collect();
    let needs = Needs::of(&kinds, predictions.labels().len());
    let prepared = Prepared::new(&predictions, &facts, needs);
    compute(&prepared, &kinds, weights, &mut Scratch::default())
}

proptest! {
    #[test]
    fn a_row_counts_as_often_as_it_is_drawn(rows in rows()) {
        prop_assume!(rows.iter().any(|row| row.4 > 0));
        let counts: Vec<u8> = rows.iter().map(|row| row.4 as u8).collect();
        let copied: Vec<Row> = rows
            .iter()
            .flat_map(|row| std::iter::repeat_n(*row, row.4 as usize))
            .collect();
        for task in [Task::Anomaly, Task::Forecasting, Task::Survival] {
            let ids: Vec<String> = definitions_for(task).iter().map(|of| of.id()).collect();
            let seen = values(input(task, &rows), &ids, &Counted(&counts));
            let copied = values(input(task, &copied), &ids, &Unit);
            for ((id, seen), copied) in ids.iter().zip(seen).zip(copied) {
                let is_same = (seen - copied).abs() <= 1e-12 * (1.0 + copied.abs());
                prop_assert!(is_same || (seen.is_nan() && copied.is_nan()), "{id}: {seen} {copied}");
            }
        }
    }

    #[test]
    fn concordance_is_the_share_of_pairs(rows in rows()) {
        let (mut right, mut pairs) = (0.0, 0.0);
        for early in rows.iter().filter(|row| row.0 == 1) {
            for late in &rows {
                if late.1 > early.1 || (late.1 == early.1 && late.0 == 0) {
                    pairs += 1.0;
                    right += match early.2.cmp(&late.2) {
                        std::cmp::Ordering::Greater => 1.0,
                        std::cmp::Ordering::Equal => 0.5,
                        std::cmp::Ordering::Less => 0.0,
                    };
                }
            }
        }
        let ids = ["concordance_index@1".to_owned()];
        let found = values(input(Task::Survival, &rows), &ids, &Unit)[0];
        let expected: f64 = right / pairs;
        prop_assert!(found == expected || (found.is_nan() && expected.is_nan()));
    }
}
