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

impl Wish<'_> {
    /// The ids that must be there, where that is known.
    pub(crate) fn expected_ids(&self) -> Option<ExpectedIds<'_>> {
        self.expected.map(|expected| match &expected.ids {
            Some(ids) => ExpectedIds::Ids(ids),
            None => ExpectedIds::RowCount(expected.rows),
        })
    }
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
    if let Some(ids) = wish.expected_ids() {
        predictions
            .check_ids_cover(ids)
            .map_err(|error| error.to_string())?;
    }
    Ok(predictions)
}

pub(crate) fn parse_task(text: &str) -> Result<Task, String> {
    let found = Task::ALL.into_iter().find(|task| task.as_str() == text);
    found.ok_or_else(|| {
        format!(
            "the task `{text}` cannot be evaluated; tasks are {}",
            Task::ALL.map(Task::as_str).join(", ")
        )
    })
}

/// As [`read`], some rows at a time, of a task whose values are numbers or classes.
pub(crate) fn read_batches(
    path: &Path,
    name: &str,
    format: Format,
    each: &mut dyn FnMut(PredictionTable),
) -> mlhub_data::Result<()> {
    mlhub_data::read_prediction_batches(path, name, format, PredictionForm::Values, &[], each)
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
    let is_text = matches!(table.y_true, Values::Text(_));
    task_of(is_text, table.score_labels.len(), || {
        distinct(&table.y_true).len()
    })
}

/// The task that columns tell: whether `y_true` holds text, how many scores have a class, how many
/// different true values there are.
pub(crate) fn task_of(
    is_text: bool,
    score_labels: usize,
    true_values: impl FnOnce() -> usize,
) -> Task {
    let classes = match (is_text, score_labels) {
        (true, _) => true_values(),
        (false, 0) => return Task::Regression,
        (false, labels) => labels.max(2),
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

pub(crate) fn numbers_input(
    table: PredictionTable,
    task: Task,
) -> Result<PredictionsInput, String> {
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
    let occurring = || {
        let mut all = distinct(&table.y_true);
        all.extend(table.y_pred.iter().flat_map(distinct));
        all
    };
    let classes = Classes::of(&table.score_labels, occurring, task, positive)?;
    classes.encode(table, task)
}

/// Class names, and how score columns must be permuted to match them.
pub(crate) struct Classes {
    labels: Vec<String>,
    order: Option<Vec<usize>>,
}

impl Classes {
    /// Those of the score columns, else all that occur.
    pub(crate) fn of(
        score_labels: &[String],
        occurring: impl FnOnce() -> BTreeSet<String>,
        task: Task,
        positive: Option<&str>,
    ) -> Result<Self, String> {
        let named = score_labels.len() > 1;
        let mut labels: Vec<String> = if named {
            score_labels.to_vec()
        } else {
            sort_labels(occurring())
        };
        let in_order = |labels| {
            let order = None;
            Ok(Self { labels, order })
        };
        if !matches!(task, Task::Binary | Task::Anomaly) {
            return in_order(labels);
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
            return in_order(labels);
        };
        match labels.iter().position(|label| label == positive) {
            Some(1) => in_order(labels),
            Some(_) => {
                labels.swap(0, 1);
                let order = named.then(|| vec![1, 0]);
                Ok(Self { labels, order })
            }
            None => Err(format!(
                "`evaluation.positive_label` is `{positive}`, which is neither of the two classes"
            )),
        }
    }

    /// The rows of a table, which may be some of the rows that the classes are of.
    pub(crate) fn encode(
        &self,
        table: PredictionTable,
        task: Task,
    ) -> Result<PredictionsInput, String> {
        let encode = |column: &str, values: &Values| {
            let texts = values.to_labels();
            encode_labels(column, texts.iter().map(String::as_str), &self.labels)
                .map(Targets::Classes)
                .map_err(|error| error.to_string())
        };
        let y_true = encode("y_true", &table.y_true)?;
        let y_pred = table
            .y_pred
            .as_ref()
            .map(|values| encode("y_pred", values))
            .transpose()?;
        let y_score = table.y_score.map(|scores| match &self.order {
            Some(order) => reorder(&scores, order),
            None => scores,
        });
        Ok(PredictionsInput {
            ids: table.ids,
            task,
            labels: self.labels.clone(),
            y_true,
            y_pred,
            y_score,
            weight: table.weight,
            group: table.group,
            numbers: columns(table.numbers),
        })
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
mod tests;
