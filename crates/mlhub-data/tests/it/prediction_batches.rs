//! Prediction files some rows at a time: no table is large, and together they are the whole.

use std::path::Path;

use mlhub_data::limits::{PREDICTION_BATCH_CELLS, PREDICTION_BATCH_ROWS};
use mlhub_data::{
    Format, PredictionForm, PredictionTable, Values, read_prediction_batches, read_predictions,
};

use crate::fixtures::{Folder, f64s, i64s, npy};

fn batches(path: &Path) -> (Vec<PredictionTable>, Result<(), String>) {
    let mut tables = Vec::new();
    let format = Format::detect(path).expect("a known format");
    let read = read_prediction_batches(path, "p", format, PredictionForm::Values, &[], &mut |of| {
        tables.push(of);
    });
    (tables, read.map_err(|error| error.to_string()))
}

fn whole(path: &Path) -> Result<PredictionTable, String> {
    let format = Format::detect(path).expect("a known format");
    read_predictions(path, "p", format).map_err(|error| error.to_string())
}

/// Rows with text among the true values from row `text_from` on.
fn csv(rows: usize, text_from: usize, scores: usize) -> String {
    let score_names = (0..scores).map(|class| format!(",y_score_{class}"));
    let mut content = format!(
        "id,y_true,y_pred,weight{}\n",
        score_names.collect::<String>()
    );
    for row in 0..rows {
        let truth = match row < text_from {
            true => (row % 3).to_string(),
            false => "cat".to_owned(),
        };
        content.push_str(&format!("{row},{truth},{},0.5", row % 2));
        content.push_str(&",0.25".repeat(scores));
        content.push('\n');
    }
    content
}

/// One table of many.
fn joined(tables: Vec<PredictionTable>) -> PredictionTable {
    let mut tables = tables.into_iter();
    let mut all = tables.next().expect("a table at least");
    for column in [Some(&mut all.y_true), all.y_pred.as_mut()]
        .into_iter()
        .flatten()
    {
        *column = Values::Text(column.to_labels());
    }
    for table in tables {
        all.ids.extend(table.ids);
        let columns = [(&mut all.y_true, table.y_true)];
        let predicted = all.y_pred.iter_mut().zip(table.y_pred);
        for (column, more) in columns.into_iter().chain(predicted) {
            if let Values::Text(column) = column {
                column.extend(more.to_labels());
            }
        }
        all.weight
            .iter_mut()
            .for_each(|of| of.extend(table.weight.iter().flatten()));
        all.y_score
            .iter_mut()
            .for_each(|of| of.extend(table.y_score.iter().flatten()));
    }
    all
}

#[test]
fn batches_are_bounded_and_make_the_whole() {
    let folder = Folder::new();
    let rows = 2 * PREDICTION_BATCH_ROWS + 5;
    for (name, rows, text_from, scores) in [
        ("late.csv", rows, rows - 2, 0),
        ("texts.csv", rows, 0, 3),
        ("exact.csv", PREDICTION_BATCH_ROWS, 1, 1),
        ("few.csv", 3, 2, 2),
    ] {
        let path = folder.write(name, csv(rows, text_from, scores));
        let (tables, read) = batches(&path);
        read.expect("sound rows");
        assert_eq!(tables.len(), rows.div_ceil(PREDICTION_BATCH_ROWS), "{name}");
        let most = tables.iter().map(PredictionTable::rows).max();
        assert!(most <= Some(PREDICTION_BATCH_ROWS), "{name}: {most:?}");
        assert_eq!(joined(tables), whole(&path).expect("sound rows"), "{name}");
    }
}

#[test]
fn many_scores_make_a_batch_of_fewer_rows() {
    let folder = Folder::new();
    let path = folder.write("wide.csv", csv(400, 0, 3_000));
    let (tables, read) = batches(&path);
    read.expect("sound rows");
    assert!(tables.len() > 1);
    for table in &tables {
        let cells = table.rows() * table.score_columns();
        assert!(cells < PREDICTION_BATCH_CELLS + 3_000, "{cells}");
    }
    assert_eq!(joined(tables), whole(&path).expect("sound rows"));
}

#[test]
fn what_is_wrong_is_told_as_of_the_whole() {
    let folder = Folder::new();
    let sound = csv(PREDICTION_BATCH_ROWS + 1, 0, 0);
    // A value that is missing in the first batch: no table of rows that do not fit together.
    let missing = sound.replacen("0,cat,0,0.5\n", "0,,0,0.5\n", 1);
    let path = folder.write("missing.csv", &missing);
    let (tables, read) = batches(&path);
    assert!(tables.is_empty());
    let error = read.expect_err("a missing value");
    assert_eq!(error, whole(&path).expect_err("a missing value"));
    assert!(error.contains("y_true"), "{error}");
    let path = folder.write("ragged.csv", format!("{sound}7\n"));
    let (tables, read) = batches(&path);
    assert_eq!(tables.len(), 1, "those before");
    assert_eq!(read, whole(&path).map(|_| ()));
    read.expect_err("a ragged line");
}

#[test]
fn an_npz_file_is_one_table() {
    let folder = Folder::new();
    let path = folder.npz(
        "p.npz",
        &[
            ("id", npy("<i8", false, "(2,)", &i64s(&[0, 1]))),
            ("y_true", npy("<f8", false, "(2,)", &f64s(&[0.0, 1.0]))),
            ("y_pred", npy("<f8", false, "(2,)", &f64s(&[0.5, 1.5]))),
        ],
    );
    let (tables, read) = batches(&path);
    read.expect("sound arrays");
    assert_eq!(tables, [whole(&path).expect("sound arrays")]);
}
