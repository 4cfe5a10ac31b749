//! Prediction files: `id, y_true, y_pred` and a probability per class.

use std::path::Path;

use mlhub_protocol::run_dir::names;

use crate::checkpoint::write_whole;
use crate::failure::Failure;
use crate::objective::{Objective, top_class};
use crate::table::Table;

/// Writes `predictions/<split>.csv` whole and returns its relative path.
/// `scores` are row-major raw scores of the table's rows.
pub(crate) fn write(
    run_dir: &Path,
    split: &str,
    table: &Table,
    scores: &[f64],
    objective: Objective,
    classes: &[String],
) -> Result<String, Failure> {
    let relative = format!("{}/{split}.csv", names::PREDICTIONS);
    write_whole(&run_dir.join(&relative), |file| {
        let mut writer = csv::Writer::from_writer(file);
        let mut header = vec!["id".to_owned(), "y_true".to_owned(), "y_pred".to_owned()];
        header.extend(classes.iter().map(|label| format!("y_score_{label}")));
        writer.write_record(&header)?;
        let mut row = Vec::new();
        for (index, scores) in scores.chunks_exact(objective.width()).enumerate() {
            objective.probabilities(scores, &mut row);
            let mut record = vec![table.ids[index].clone(), table.target[index].clone()];
            if objective.is_classification() {
                record.push(classes[top_class(&row)].clone());
            }
            record.extend(row.iter().map(f64::to_string));
            writer.write_record(&record)?;
        }
        writer.flush()
    })?;
    Ok(relative)
}
