//! The metric reference page, rendered from the definitions.

use std::fmt::Write;

use crate::definition::{Direction, MetricDefinition, Task};
use crate::registry::definitions_for;

/// All definitions as a Markdown page: one table per task.
#[must_use]
pub fn reference_markdown() -> String {
    let mut page = String::from(
        "# Metrics\n\nGenerated from the metric definitions; do not edit by hand. A released \
         definition never changes: a change is a new version. The hash covers the whole \
         definition and accompanies every result; its first 12 digits are shown.\n\nIn the \
         formulas, w_i is the weight of row i (1 without a `weight` column), [x] is 1 when x holds \
         and 0 otherwise. Unit `y` is the unit of the target. Metrics \"not defined for weighted \
         rows\" are skipped, with that reason, when weights are given.\n",
    );
    for task in Task::ALL {
        let title = match task {
            Task::Binary => "Binary classification",
            Task::Multiclass => "Multiclass classification",
            Task::Multilabel => "Multilabel classification",
            Task::Regression => "Regression",
            Task::Ranking => "Ranking",
            Task::Text => "Text",
            Task::Clustering => "Clustering",
            Task::Anomaly => "Anomaly detection",
            Task::Forecasting => "Forecasting",
            Task::Survival => "Survival",
            Task::Detection => "Object detection",
            Task::Segmentation => "Segmentation of images",
        };
        // Writing to a string cannot fail.
        let _ = write!(
            page,
            "\n## {title}\n\n| Metric | Better | Range | Unit | Parameters | Formula | Source | Hash \
             |\n|---|---|---|---|---|---|---|---|\n"
        );
        for definition in definitions_for(task) {
            page.push_str(&row(definition));
        }
    }
    page
}

fn row(definition: &MetricDefinition) -> String {
    let direction = match definition.direction {
        Direction::Maximize => "higher",
        Direction::Minimize => "lower",
        Direction::None => "neither",
    };
    let end = |end: Option<f64>, unbounded: &str| {
        end.map_or_else(|| unbounded.to_owned(), |end| end.to_string())
    };
    let params: Vec<String> = definition
        .params
        .iter()
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    format!(
        "| `{}` | {direction} | {} to {} | {} | {} | {} | {} | `{}` |\n",
        definition.id(),
        end(definition.range.0, "-inf"),
        end(definition.range.1, "inf"),
        cell(definition.unit.as_deref().unwrap_or("")),
        cell(&params.join(", ")),
        cell(&definition.formula),
        cell(&definition.source),
        &definition.hash()[..12],
    )
}

/// Text as a table cell: what Markdown would read as markup is escaped.
fn cell(text: &str) -> String {
    let mut cell = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '|' | '*' | '_' | '[' | ']' | '<' | '\\') {
            cell.push('\\');
        }
        cell.push(character);
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_definition_has_a_row_of_eight_cells() {
        let page = reference_markdown();
        for definition in crate::definitions() {
            let start = format!("| `{}` |", definition.id());
            let row = page.lines().find(|line| line.starts_with(&start)).unwrap();
            let bars = row.replace("\\|", "").matches('|').count();
            assert_eq!(bars, 9, "{row}");
        }
    }
}
