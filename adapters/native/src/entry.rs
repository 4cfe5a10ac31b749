//! What is said of the data at the pipeline's entry: shapes and rounded
//! statistics over all features together, never a cell of the file.

use serde_json::{Value, json};

use crate::dataset::{Labelled, Problem};
use crate::table::Table;

/// Significant digits of a statistic. An extreme of a small split is a cell of
/// it; rounded, it tells the range and no longer the cell.
const STATISTIC_DIGITS: usize = 4;
/// More classes than this are told by their least and greatest count: a longer
/// list of numbers would look like samples.
const MAX_CLASS_COUNTS: usize = 16;

/// The `entry` event's value.
pub(crate) fn describe(problem: &Problem) -> Value {
    let mut splits = serde_json::Map::new();
    splits.insert("train".to_owned(), labelled(&problem.train, problem));
    if let Some(validation) = &problem.validation {
        splits.insert("validation".to_owned(), labelled(validation, problem));
    }
    for (name, table) in &problem.predict {
        splits
            .entry(name.clone())
            .or_insert_with(|| features(table));
    }
    json!({
        "task": problem.task(),
        "device": "cpu",
        "n_features": problem.train.table.features.len(),
        "n_classes": problem.classes.len(),
        "splits": splits,
    })
}

fn features(table: &Table) -> Value {
    json!({
        "shape": [table.rows, table.features.len()],
        "dtype": "float64",
        "features": statistics(&table.values),
    })
}

fn labelled(labelled: &Labelled, problem: &Problem) -> Value {
    let mut value = features(&labelled.table);
    value["target"] = if labelled.objective.is_classification() {
        // In class order, without the labels: those are the dataset's.
        let mut counts = vec![0_u64; problem.classes.len()];
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "class numbers are small and not negative"
        )]
        labelled
            .y
            .iter()
            .for_each(|&class| counts[class as usize] += 1);
        if counts.len() > MAX_CLASS_COUNTS {
            let (least, most) = (counts.iter().min(), counts.iter().max());
            json!({ "dtype": "label", "class_count_min": least, "class_count_max": most })
        } else {
            json!({ "dtype": "label", "class_counts": counts })
        }
    } else {
        let mut target = statistics(&labelled.y);
        target["dtype"] = json!("float64");
        target
    };
    value
}

/// Mean, standard deviation, range and missing count of some values.
fn statistics(values: &[f64]) -> Value {
    let present = || values.iter().copied().filter(|value| !value.is_nan());
    let count = present().count();
    if count == 0 {
        return json!({ "missing": values.len() });
    }
    #[expect(clippy::cast_precision_loss, reason = "cell counts are below 2^53")]
    let (count_float, missing) = (count as f64, values.len() - count);
    let mean = present().sum::<f64>() / count_float;
    let variance = present()
        .map(|value| (value - mean) * (value - mean))
        .sum::<f64>();
    json!({
        "mean": rounded(mean),
        "std": rounded((variance / count_float).sqrt()),
        "min": rounded(present().fold(f64::INFINITY, f64::min)),
        "max": rounded(present().fold(f64::NEG_INFINITY, f64::max)),
        "missing": missing,
    })
}

fn rounded(value: f64) -> f64 {
    let digits = STATISTIC_DIGITS - 1;
    format!("{value:.digits$e}").parse().unwrap_or(f64::NAN)
}
