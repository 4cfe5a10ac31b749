//! From a prediction file to checked predictions: which task, which classes.
//!
//! The task comes from the plan, else from the program, else from the columns.
//! Classes are those of the score columns in their order, else all that occur,
//! sorted; numbers sort by value.

use std::collections::BTreeSet;
use std::path::Path;

use mlhub_data::{Format, PredictionForm, PredictionTable, Values};
use mlhub_eval::{
    ExpectedIds, ImageColumns, NumberColumn, Predictions, PredictionsError, PredictionsInput,
    Targets, Task, encode_label_sets, encode_labels, number_columns, parse_boxes,
    parse_label_lists, parse_masks,
};
use mlhub_protocol::rest::ExpectedSplit;

/// What the evaluation was told.
pub(crate) struct Wish<'a> {
    pub(crate) task: Option<&'a str>,
    pub(crate) positive_label: Option<&'a str>,
    pub(crate) expected: Option<&'a ExpectedSplit>,
}

/// Checks a table against the wish; the error is one paragraph for a person.
pub(crate) fn check(table: PredictionTable, wish: &Wish<'_>) -> Result<Predictions, String> {
    let task = match wish.task {
        Some(text) => parse_task(text)?,
        None => infer_task(&table),
    };
    let input = match task {
        Task::Regression | Task::Forecasting => numbers_input(table, task)?,
        Task::Ranking | Task::Survival => scored_input(table, task)?,
        Task::Text => text_input(table),
        Task::Multilabel => multilabel_input(table)?,
        Task::Clustering => clustering_input(table)?,
        Task::Detection => image_input(table, task, parse_boxes)?,
        Task::Segmentation => image_input(table, task, parse_masks)?,
        _ => classification_input(table, task, wish.positive_label)?,
    };
    let predictions = Predictions::new(input).map_err(|error| error.to_string())?;
    if let Some(expected) = wish.expected {
        let ids = match &expected.ids {
            Some(ids) => ExpectedIds::Ids(ids),
            None => ExpectedIds::RowCount(expected.rows),
        };
        predictions
            .check_ids_cover(ids)
            .map_err(|error| error.to_string())?;
    }
    Ok(predictions)
}

fn parse_task(text: &str) -> Result<Task, String> {
    let found = Task::ALL.into_iter().find(|task| task.as_str() == text);
    found.ok_or_else(|| {
        format!(
            "the task `{text}` cannot be evaluated; tasks are {}",
            Task::ALL.map(Task::as_str).join(", ")
        )
    })
}

/// Reads a prediction file as its task needs it; errors call it `name`.
pub(crate) fn read(
    path: &Path,
    name: &str,
    format: Format,
    task: Option<&str>,
) -> mlhub_data::Result<PredictionTable> {
    let task = task.and_then(|text| parse_task(text).ok());
    let form = match task {
        Some(Task::Text) => PredictionForm::Texts,
        Some(Task::Multilabel) => PredictionForm::LabelLists,
        Some(Task::Detection | Task::Segmentation) => PredictionForm::Json,
        _ => PredictionForm::Values,
    };
    let numbers = task.map(number_columns).unwrap_or_default();
    mlhub_data::read_predictions_with(path, name, format, form, &numbers)
}

/// The columns of numbers that only this task has.
fn columns(numbers: Vec<mlhub_data::NumberColumn>) -> Vec<NumberColumn> {
    let columns = numbers.into_iter().map(|column| NumberColumn {
        name: column.name,
        width: column.width,
        values: column.values,
    });
    columns.collect()
}

fn text_input(table: PredictionTable) -> PredictionsInput {
    let texts = |values| match values {
        Values::Text(texts) => Targets::Texts(texts),
        numbers @ Values::Number(_) => Targets::Texts(numbers.to_labels()),
    };
    PredictionsInput {
        ids: table.ids,
        task: Task::Text,
        labels: Vec::new(),
        y_true: texts(table.y_true),
        y_pred: table.y_pred.map(texts),
        y_score: None,
        weight: table.weight,
        group: table.group,
        numbers: columns(table.numbers),
    }
}

/// Rows with any number of labels each; labels are those of the score columns, else all that occur.
fn multilabel_input(table: PredictionTable) -> Result<PredictionsInput, String> {
    let lists = |column: &str, values: &Values| {
        parse_label_lists(column, &values.to_labels()).map_err(|error| error.to_string())
    };
    let y_true = lists("y_true", &table.y_true)?;
    let y_pred = table
        .y_pred
        .as_ref()
        .map(|values| lists("y_pred", values))
        .transpose()?;
    let labels = match table.score_labels.is_empty() {
        false => table.score_labels,
        true => sort_labels(
            y_true
                .iter()
                .chain(y_pred.iter().flatten())
                .flatten()
                .cloned()
                .collect(),
        ),
    };
    let encode = |column: &str, lists: &[Vec<String>]| {
        encode_label_sets(column, lists, &labels)
            .map(Targets::LabelSets)
            .map_err(|error| error.to_string())
    };
    Ok(PredictionsInput {
        ids: table.ids,
        task: Task::Multilabel,
        y_true: encode("y_true", &y_true)?,
        y_pred: y_pred.map(|lists| encode("y_pred", &lists)).transpose()?,
        labels,
        y_score: table.y_score,
        weight: table.weight,
        group: table.group,
        numbers: columns(table.numbers),
    })
}

/// Reads true and predicted parts of images from their texts.
type ParseImages = fn(&[String], Option<&[String]>) -> Result<ImageColumns, PredictionsError>;

/// One image per row; scores, where there are any, are of its parts.
fn image_input(
    table: PredictionTable,
    task: Task,
    parse: ParseImages,
) -> Result<PredictionsInput, String> {
    let texts = |values| match values {
        Values::Text(texts) => texts,
        numbers @ Values::Number(_) => numbers.to_labels(),
    };
    let y_pred = table.y_pred.map(texts);
    let columns = parse(&texts(table.y_true), y_pred.as_deref());
    let columns = columns.map_err(|error| error.to_string())?;
    Ok(PredictionsInput {
        ids: table.ids,
        task,
        labels: columns.labels,
        y_true: columns.y_true,
        y_pred: columns.y_pred,
        y_score: None,
        weight: table.weight,
        group: table.group,
        numbers: Vec::new(),
    })
}

/// Classes against clusters, whose names mean nothing; scores are none of either.
fn clustering_input(table: PredictionTable) -> Result<PredictionsInput, String> {
    let without_scores = PredictionTable {
        score_labels: Vec::new(),
        y_score: None,
        ..table
    };
    classification_input(without_scores, Task::Clustering, None)
}

fn infer_task(table: &PredictionTable) -> Task {
    let classes = match &table.y_true {
        Values::Text(_) => distinct(&table.y_true).len(),
        Values::Number(_) if !table.score_labels.is_empty() => table.score_labels.len().max(2),
        Values::Number(_) => return Task::Regression,
    };
    if classes <= 2 {
        Task::Binary
    } else {
        Task::Multiclass
    }
}

fn numbers(task: Task, column: &str, values: Values) -> Result<Targets, String> {
    match values {
        Values::Number(numbers) => Ok(Targets::Values(numbers)),
        Values::Text(_) => Err(format!(
            "column `{column}` holds text, and a {task} needs numbers; name the task in `evaluation.task` if these are classes"
        )),
    }
}

/// Numbers and the order that scores give them, which is what is judged: `y_pred` is not.
fn scored_input(table: PredictionTable, task: Task) -> Result<PredictionsInput, String> {
    Ok(PredictionsInput {
        ids: table.ids,
        task,
        labels: Vec::new(),
        y_true: numbers(task, "y_true", table.y_true)?,
        y_pred: None,
        y_score: table.y_score,
        weight: table.weight,
        group: table.group,
        numbers: columns(table.numbers),
    })
}

fn numbers_input(table: PredictionTable, task: Task) -> Result<PredictionsInput, String> {
    let numbers = |column: &str, values| numbers(task, column, values);
    Ok(PredictionsInput {
        ids: table.ids,
        task,
        labels: Vec::new(),
        y_true: numbers("y_true", table.y_true)?,
        y_pred: table
            .y_pred
            .map(|values| numbers("y_pred", values))
            .transpose()?,
        y_score: None,
        weight: table.weight,
        group: table.group,
        numbers: columns(table.numbers),
    })
}

fn classification_input(
    table: PredictionTable,
    task: Task,
    positive: Option<&str>,
) -> Result<PredictionsInput, String> {
    let (labels, order) = labels(&table, task, positive)?;
    let encode = |column: &str, values: &Values| {
        let texts = values.to_labels();
        encode_labels(column, texts.iter().map(String::as_str), &labels)
            .map(Targets::Classes)
            .map_err(|error| error.to_string())
    };
    let y_true = encode("y_true", &table.y_true)?;
    let y_pred = table
        .y_pred
        .as_ref()
        .map(|values| encode("y_pred", values))
        .transpose()?;
    let y_score = table.y_score.map(|scores| match &order {
        Some(order) => reorder(&scores, order),
        None => scores,
    });
    Ok(PredictionsInput {
        ids: table.ids,
        task,
        labels,
        y_true,
        y_pred,
        y_score,
        weight: table.weight,
        group: table.group,
        numbers: columns(table.numbers),
    })
}

/// Class names, and how score columns must be permuted to match them.
fn labels(
    table: &PredictionTable,
    task: Task,
    positive: Option<&str>,
) -> Result<(Vec<String>, Option<Vec<usize>>), String> {
    let named = table.score_labels.len() > 1;
    let mut labels: Vec<String> = if named {
        table.score_labels.clone()
    } else {
        let mut all = distinct(&table.y_true);
        if let Some(y_pred) = &table.y_pred {
            all.extend(distinct(y_pred));
        }
        sort_labels(all)
    };
    if !matches!(task, Task::Binary | Task::Anomaly) {
        return Ok((labels, None));
    }
    if labels.len() == 1 {
        // One class in the whole split: the other is only known by its absence.
        let other = match labels[0].as_str() {
            "0" => "1".to_owned(),
            "1" => "0".to_owned(),
            only => format!("not {only}"),
        };
        labels = sort_labels([labels[0].clone(), other].into());
    }
    if labels.len() != 2 {
        let advice = if task == Task::Binary {
            "set `evaluation.task: multiclass`"
        } else {
            "anomalies and all other rows are two"
        };
        return Err(format!(
            "the task is {task} and there are {} classes; {advice}",
            labels.len()
        ));
    }
    let Some(positive) = positive else {
        return Ok((labels, None));
    };
    match labels.iter().position(|label| label == positive) {
        Some(1) => Ok((labels, None)),
        Some(_) => {
            labels.swap(0, 1);
            Ok((labels, named.then(|| vec![1, 0])))
        }
        None => Err(format!(
            "`evaluation.positive_label` is `{positive}`, which is neither of the two classes"
        )),
    }
}

fn reorder(scores: &[f64], order: &[usize]) -> Vec<f64> {
    scores
        .chunks_exact(order.len())
        .flat_map(|row| order.iter().map(|&column| row[column]))
        .collect()
}

fn distinct(values: &Values) -> BTreeSet<String> {
    values.to_labels().into_iter().collect()
}

fn sort_labels(labels: BTreeSet<String>) -> Vec<String> {
    let mut labels: Vec<String> = labels.into_iter().collect();
    if labels.iter().all(|label| label.parse::<f64>().is_ok()) {
        labels.sort_by(|a, b| {
            let number = |text: &str| text.parse::<f64>().unwrap_or(f64::NAN);
            number(a).total_cmp(&number(b))
        });
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(
        y_true: Values,
        y_pred: Values,
        score_labels: &[&str],
        y_score: Option<Vec<f64>>,
    ) -> PredictionTable {
        let rows = match &y_true {
            Values::Text(texts) => texts.len(),
            Values::Number(numbers) => numbers.len(),
        };
        PredictionTable {
            ids: (0..rows).map(|row| row.to_string()).collect(),
            y_true,
            y_pred: Some(y_pred),
            score_labels: score_labels
                .iter()
                .map(|label| (*label).to_owned())
                .collect(),
            y_score,
            weight: None,
            group: None,
            numbers: Vec::new(),
            ignored_columns: Vec::new(),
        }
    }

    fn text(items: &[&str]) -> Values {
        Values::Text(items.iter().map(|item| (*item).to_owned()).collect())
    }

    fn wish<'a>(task: Option<&'a str>, positive_label: Option<&'a str>) -> Wish<'a> {
        Wish {
            task,
            positive_label,
            expected: None,
        }
    }

    #[test]
    fn numeric_classes_sort_by_value_and_drop_the_fraction() {
        let checked = check(
            table(
                Values::Number(vec![10.0, 2.0, 9.0]),
                Values::Number(vec![10.0, 2.0, 2.0]),
                &[],
                None,
            ),
            &wish(Some("multiclass"), None),
        )
        .expect("valid");
        assert_eq!(checked.labels(), ["2", "9", "10"]);
    }

    #[test]
    fn a_positive_label_swaps_classes_and_their_scores() {
        let checked = check(
            table(
                text(&["no", "yes"]),
                text(&["no", "yes"]),
                &["yes", "no"],
                Some(vec![0.2, 0.8, 0.9, 0.1]),
            ),
            &wish(Some("binary"), Some("yes")),
        )
        .expect("valid");
        assert_eq!(checked.labels(), ["no", "yes"]);
        assert_eq!(checked.y_score(), Some(&[0.8, 0.2, 0.1, 0.9][..]));
    }

    #[test]
    fn a_missing_id_is_named() {
        let expected = ExpectedSplit {
            rows: 3,
            ids: None,
            fingerprint: None,
            ..ExpectedSplit::default()
        };
        let error = check(
            table(text(&["a", "b"]), text(&["a", "b"]), &[], None),
            &Wish {
                task: None,
                positive_label: None,
                expected: Some(&expected),
            },
        )
        .expect_err("one row is missing");
        assert!(error.contains('2'), "{error}");
    }

    #[test]
    fn rows_of_several_labels_are_read_as_lists() {
        let checked = check(
            table(
                text(&["[\"cat\"]", "[]"]),
                text(&["[\"dog\",\"cat\"]", "[\"cat\"]"]),
                &[],
                None,
            ),
            &wish(Some("multilabel"), None),
        )
        .expect("valid");
        assert_eq!(checked.labels(), ["cat", "dog"]);
        assert_eq!(checked.y_true(), &Targets::LabelSets(vec![vec![0], vec![]]));
        assert_eq!(
            checked.y_pred(),
            Some(&Targets::LabelSets(vec![vec![0, 1], vec![0]]))
        );
        let error = check(
            table(text(&["cat", "[]"]), text(&["[]", "[]"]), &[], None),
            &wish(Some("multilabel"), None),
        )
        .expect_err("no list");
        assert!(
            error.contains("y_true") && !error.contains("cat"),
            "{error}"
        );
    }

    #[test]
    fn clusters_are_compared_with_classes_whatever_they_are_called() {
        let clusters = Values::Number(vec![1.0, 0.0]);
        let checked = check(
            table(text(&["a", "b"]), clusters, &["x", "y"], Some(vec![0.1; 4])),
            &wish(Some("clustering"), None),
        )
        .expect("valid");
        assert_eq!(
            (checked.task(), checked.y_score()),
            (Task::Clustering, None)
        );
        assert_eq!(checked.labels().len(), 4);
    }

    #[test]
    fn anomalies_are_of_the_positive_label() {
        let truth = text(&["odd", "usual", "usual"]);
        let predicted = text(&["odd", "odd", "usual"]);
        let table = table(truth, predicted, &[], Some(vec![9.0, -1.0, 0.0]));
        let checked = check(table.clone(), &wish(Some("anomaly"), Some("odd"))).expect("valid");
        assert_eq!(checked.task(), Task::Anomaly);
        assert_eq!(checked.labels(), ["usual", "odd"]);
        assert_eq!(checked.y_true(), &Targets::Classes(vec![1, 0, 0]));
        let three = PredictionTable {
            y_true: text(&["odd", "usual", "other"]),
            ..table
        };
        let error = check(three, &wish(Some("anomaly"), None)).expect_err("three classes");
        assert!(error.contains("anomaly and there are 3 classes"), "{error}");
    }

    #[test]
    fn a_ranking_needs_its_columns_and_ignores_y_pred() {
        let with = |y_score: Option<Vec<f64>>, group: Option<Vec<String>>| {
            let relevance = Values::Number(vec![1.0, 0.0]);
            let table = table(relevance, text(&["high", "low"]), &[], y_score);
            check(
                PredictionTable { group, ..table },
                &wish(Some("ranking"), None),
            )
        };
        let group = Some(vec!["q".to_owned(); 2]);
        let checked = with(Some(vec![0.7, -2.0]), group.clone()).expect("valid");
        assert_eq!((checked.task(), checked.y_pred()), (Task::Ranking, None));
        assert!(
            with(None, group)
                .expect_err("no score")
                .contains("`y_score`")
        );
        assert!(
            with(Some(vec![1.0, 2.0]), None)
                .expect_err("no group")
                .contains("`group`")
        );
    }

    #[test]
    fn texts_are_read_and_judged_as_texts() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("p.csv");
        std::fs::write(&path, "id,y_true,y_pred\n0,007,7\n1,b,\n").expect("written");
        let table = read(&path, "p.csv", Format::Csv, Some("text")).expect("a table");
        let checked = check(table, &wish(Some("text"), None)).expect("valid");
        let texts = |texts: [&str; 2]| Targets::Texts(texts.map(str::to_owned).to_vec());
        assert_eq!(checked.y_true(), &texts(["007", "b"]));
        assert_eq!(checked.y_pred(), Some(&texts(["7", ""])));
    }

    #[test]
    fn forecasts_have_their_quantiles_and_scales() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("p.csv");
        let rows = "id,y_true,y_pred,group,y_pred_q0.9,scale,y_pred_q0.1\n0,1,2,a,3,0.5,1\n1,2,2,b,3,2,1\n";
        std::fs::write(&path, rows).expect("written");
        let task = Some("forecasting");
        let table = read(&path, "p.csv", Format::Csv, task).expect("a table");
        let checked = check(table, &wish(task, None)).expect("valid");
        assert_eq!(checked.task(), Task::Forecasting);
        assert_eq!(checked.numbers().len(), 3);
        let scale = checked.number_column("scale").expect("scales");
        assert_eq!(scale.values, [0.5, 2.0]);
    }

    #[test]
    fn times_have_their_events_and_probabilities() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("p.csv");
        let rows = "id,y_true,y_score,event,y_survival_3\n0,4,2.5,1,0.5\n1,7,-1,0,0.75\n";
        std::fs::write(&path, rows).expect("written");
        let task = Some("survival");
        let table = read(&path, "p.csv", Format::Csv, task).expect("a table");
        let checked = check(table, &wish(task, None)).expect("valid");
        assert_eq!(checked.task(), Task::Survival);
        let event = checked.number_column("event").expect("events");
        assert_eq!(event.values, [1.0, 0.0]);
        let table = read(&path, "p.csv", Format::Csv, Some("ranking")).expect("a table");
        let error = check(
            PredictionTable {
                numbers: Vec::new(),
                ..table
            },
            &wish(task, None),
        );
        assert!(error.expect_err("no events").contains("`event`"));
    }

    #[test]
    fn coordinates_and_likelihoods_are_read_for_their_tasks() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("p.csv");
        let rows =
            "id,y_true,y_pred,embedding,tokens,scale\n0,a,1,\"[0, 1]\",3,9\n1,b,2,\"[2, 3]\",4,9\n";
        std::fs::write(&path, rows).expect("written");
        let columns = |task| {
            let table = read(&path, "p.csv", Format::Csv, Some(task)).expect("a table");
            let checked = check(table, &wish(Some(task), None)).expect("valid");
            let numbers = checked.numbers().iter();
            let names: Vec<_> = numbers
                .map(|column| (column.name.clone(), column.width))
                .collect();
            names
        };
        assert_eq!(columns("clustering"), [("embedding".to_owned(), 2)]);
        assert_eq!(columns("text"), [("tokens".to_owned(), 1)]);
        assert_eq!(columns("multiclass"), []);
    }

    #[test]
    fn images_are_read_and_judged_by_their_parts() {
        let folder = tempfile::tempdir().expect("a folder");
        let judged = |task: &'static str, y_true: &str, y_pred: &str| {
            let path = folder.path().join("p.jsonl");
            let line = format!("{{\"id\":0,\"y_true\":{y_true},\"y_pred\":{y_pred}}}\n");
            std::fs::write(&path, line).expect("written");
            let table = read(&path, "p.jsonl", Format::Jsonl, Some(task)).expect("a table");
            check(table, &wish(Some(task), None))
        };
        let of = r#"{"bbox":[0,0,4,4.5],"category":"secret""#;
        let (truth, predicted) = (format!("[{of}}}]"), format!("[{of},\"score\":0.5}}]"));
        let checked = judged("detection", &truth, &predicted).expect("boxes");
        assert_eq!((checked.rows(), checked.labels().len()), (1, 1));
        let error = judged("detection", &truth, &truth).expect_err("no score");
        assert!(
            error.contains("`y_pred`") && !error.contains("secret"),
            "{error}"
        );
        let map = r#"{"size":[1,2],"runs":[["sky",1],[null,1]]}"#;
        let checked = judged("segmentation", map, map).expect("maps");
        assert_eq!((checked.rows(), checked.labels().len()), (1, 1));
        let error = judged("segmentation", map, "[]").expect_err("no map");
        assert!(
            error.contains("`y_pred`") && error.contains("JSON map"),
            "{error}"
        );
    }

    #[test]
    fn numbers_without_scores_are_a_regression() {
        let checked = check(
            table(
                Values::Number(vec![0.5, 1.5]),
                Values::Number(vec![0.4, 1.4]),
                &[],
                None,
            ),
            &wish(None, None),
        )
        .expect("valid");
        assert_eq!(checked.task(), Task::Regression);
    }
}
