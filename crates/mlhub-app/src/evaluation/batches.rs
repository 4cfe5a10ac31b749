//! An evaluation whose predictions file is read in batches, several times, and never held: neither
//! ids nor texts of it. What is held follows from what is asked for:
//!
//! - metrics that are counts or sums over rows: none of the rows;
//! - intervals, curves of scores and metrics of the order of rows: classes (4 bytes each), numbers
//!   and scores (8 each) of all rows, besides what these take to compute;
//! - of ids, while they are checked, one bit per row, or 16 bytes where they are no row numbers.
//!
//! There is no error here: of a file that cannot be judged this way, or in which anything is wrong,
//! nothing is said, and it is read once more, whole, by who names the rows that are wrong.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use mlhub_data::{Format, PredictionTable, Values};
use mlhub_eval::{
    Evaluation, EvaluationFold, IdCheck, MAX_LABELS, Predictions, PredictionsInput, Targets, Task,
    evaluate,
};
use mlhub_protocol::rest::EvaluationPlan;

use super::options;
use crate::custom_metrics::is_custom;
use crate::predictions::{Classes, Wish, numbers_input, parse_task, read_batches, task_of};

/// A predictions file.
pub(super) struct Source<'a> {
    pub(super) path: &'a Path,
    pub(super) name: &'a str,
    pub(super) format: Format,
    pub(super) wish: Wish<'a>,
}

impl Source<'_> {
    /// `None` when the file cannot be read to its end.
    fn read(&self, each: &mut dyn FnMut(PredictionTable)) -> Option<()> {
        read_batches(self.path, self.name, self.format, each).ok()
    }
}

/// The evaluation; `None` when the file must be read whole.
pub(super) fn evaluated(source: &Source<'_>, plan: &EvaluationPlan) -> Option<Evaluation> {
    if needs_ids(source, plan) || !is_of_batches(source.wish.task) {
        return None;
    }
    let survey = Survey::of(source)?;
    let rows = survey.rows;
    let form = survey.form(&source.wish)?;
    let mut road = Road::Begun;
    source.read(&mut |table| {
        let road_before = std::mem::replace(&mut road, Road::Ended);
        road = form
            .encode(table)
            .and_then(|input| road_before.take(input, plan, rows))
            .unwrap_or(Road::Ended);
    })?;
    match road {
        Road::Begun | Road::Ended => None,
        Road::Columns(input) => {
            let predictions = Predictions::unnamed(*input).ok()?;
            let options = options::of(plan, &predictions, None).ok()?;
            evaluate(&predictions, &options).ok()
        }
        Road::Fold(mut fold) => {
            if fold.end_first() {
                let mut is_whole = true;
                source.read(
                    &mut |table| match form.encode(table).map(Predictions::part) {
                        Some(Ok(batch)) => fold.push(&batch),
                        _ => is_whole = false,
                    },
                )?;
                if !is_whole {
                    return None;
                }
            }
            fold.finish().ok()
        }
    }
}

/// Slices and metrics of adapters look at ids, and draws of whole groups at their names.
fn needs_ids(source: &Source<'_>, plan: &EvaluationPlan) -> bool {
    let expected = source.wish.expected;
    expected.is_some_and(|expected| !expected.slices.is_empty())
        || plan.metrics.iter().any(|name| is_custom(name))
        || plan.bootstrap_resampling.as_deref() == Some("grouped")
}

/// Whether the task, if it was told, is one of a value or class per row and nothing else.
fn is_of_batches(task: Option<&str>) -> bool {
    let task = task.map(parse_task);
    match task {
        None => true,
        Some(Ok(task)) => matches!(task, Task::Binary | Task::Multiclass | Task::Regression),
        Some(Err(_)) => false,
    }
}

/// What becomes of the rows.
enum Road {
    /// None came.
    Begun,
    /// They are forgotten once they are counted.
    Fold(Box<EvaluationFold>),
    /// Their columns are kept.
    Columns(Box<PredictionsInput>),
    /// They must be read whole.
    Ended,
}

impl Road {
    /// The next rows, of so many that there are in the file.
    fn take(self, mut input: PredictionsInput, plan: &EvaluationPlan, all: usize) -> Option<Self> {
        // Neither is looked at any more.
        (input.ids, input.group) = (Vec::new(), None);
        match self {
            Self::Ended => None,
            Self::Columns(mut columns) => {
                append(&mut columns, input)?;
                Some(Self::Columns(columns))
            }
            Self::Fold(mut fold) => {
                fold.push(&Predictions::part(input).ok()?);
                Some(Self::Fold(fold))
            }
            Self::Begun => {
                let first = Predictions::part(input.clone()).ok()?;
                let options = options::of(plan, &first, None).ok()?;
                match EvaluationFold::new(&first, &options).ok()? {
                    None => {
                        reserve(&mut input, all);
                        Some(Self::Columns(Box::new(input)))
                    }
                    Some(mut fold) => {
                        fold.push(&first);
                        Some(Self::Fold(Box::new(fold)))
                    }
                }
            }
        }
    }
}

/// Makes room for all rows, so that the columns never grow by more than they need.
fn reserve(columns: &mut PredictionsInput, all: usize) {
    let rows = columns.y_true.len();
    let more = all.saturating_sub(rows);
    for targets in [Some(&mut columns.y_true), columns.y_pred.as_mut()] {
        match targets {
            Some(Targets::Classes(classes)) => classes.reserve_exact(more),
            Some(Targets::Values(values)) => values.reserve_exact(more),
            _ => {}
        }
    }
    let numbers = [&mut columns.y_score, &mut columns.weight];
    for numbers in numbers.into_iter().flatten() {
        let per_row = numbers.len() / rows.max(1);
        numbers.reserve_exact(more * per_row);
    }
}

/// `None` when the columns are not alike.
fn append(columns: &mut PredictionsInput, rows: PredictionsInput) -> Option<()> {
    let targets = |all: &mut Targets, more: Targets| match (all, more) {
        (Targets::Classes(all), Targets::Classes(more)) => {
            all.extend(more);
            Some(())
        }
        (Targets::Values(all), Targets::Values(more)) => {
            all.extend(more);
            Some(())
        }
        _ => None,
    };
    targets(&mut columns.y_true, rows.y_true)?;
    match (&mut columns.y_pred, rows.y_pred) {
        (Some(all), Some(more)) => targets(all, more)?,
        (None, None) => {}
        _ => return None,
    }
    let numbers = [
        (&mut columns.y_score, rows.y_score),
        (&mut columns.weight, rows.weight),
    ];
    for pair in numbers {
        match pair {
            (Some(all), Some(more)) => all.extend(more),
            (None, None) => {}
            _ => return None,
        }
    }
    Some(())
}

/// How tables become rows of numbers and classes.
enum Form {
    Numbers,
    Classes(Task, Classes),
}

impl Form {
    fn encode(&self, table: PredictionTable) -> Option<PredictionsInput> {
        match self {
            Self::Numbers => numbers_input(table, Task::Regression).ok(),
            Self::Classes(task, classes) => classes.encode(table, *task).ok(),
        }
    }
}

/// What must be known of all rows before the first can be judged.
#[derive(Default)]
struct Survey {
    rows: usize,
    is_text: bool,
    score_labels: Vec<String>,
    y_true: Distinct,
    y_pred: Distinct,
}

impl Survey {
    /// `None` when an id is there twice, is missing or is not expected, or the file is not sound.
    fn of(source: &Source<'_>) -> Option<Self> {
        let mut ids = IdCheck::new(source.wish.expected_ids());
        let mut survey = Self::default();
        source.read(&mut |table| {
            table.ids.iter().for_each(|id| ids.push(id));
            survey.rows += table.rows();
            survey.is_text |= matches!(table.y_true, Values::Text(_));
            survey.y_true.add(&table.y_true);
            if let Some(y_pred) = &table.y_pred {
                survey.is_text |= matches!(y_pred, Values::Text(_));
                survey.y_pred.add(y_pred);
            }
            survey.score_labels = table.score_labels;
        })?;
        ids.finish().then_some(survey)
    }

    /// `None` when the classes are none that the task can have.
    fn form(self, wish: &Wish<'_>) -> Option<Form> {
        let (labels, y_true) = (self.score_labels.len(), self.y_true.names());
        let task = match wish.task {
            Some(text) => parse_task(text).ok()?,
            None => {
                let true_values = || y_true.as_ref().map_or(usize::MAX, BTreeSet::len);
                task_of(self.is_text, labels, true_values)
            }
        };
        if task == Task::Regression {
            return Some(Form::Numbers);
        }
        let occurring = match labels > 1 {
            true => BTreeSet::new(),
            false => {
                let mut all = y_true?;
                all.extend(self.y_pred.names()?);
                all
            }
        };
        let classes = Classes::of(&self.score_labels, || occurring, task, wish.positive_label);
        Some(Form::Classes(task, classes.ok()?))
    }
}

/// The different values of a column, as long as they may be classes.
#[derive(Default)]
struct Distinct {
    numbers: HashSet<u64>,
    texts: HashSet<String>,
}

impl Distinct {
    fn add(&mut self, values: &Values) {
        match values {
            Values::Number(numbers) => {
                let bits = numbers.iter().map(|number| number.to_bits());
                // One more than there may be tells that there are too many.
                for bits in bits {
                    if self.numbers.len() <= MAX_LABELS {
                        self.numbers.insert(bits);
                    }
                }
            }
            Values::Text(texts) => {
                for text in texts {
                    if self.texts.len() <= MAX_LABELS && !self.texts.contains(text) {
                        self.texts.insert(text.clone());
                    }
                }
            }
        }
    }

    /// The values as names of classes; `None` when they are too many.
    fn names(&self) -> Option<BTreeSet<String>> {
        let numbers = self.numbers.iter().map(|bits| f64::from_bits(*bits));
        let mut names: BTreeSet<String> = Values::Number(numbers.collect())
            .to_labels()
            .into_iter()
            .collect();
        names.extend(self.texts.iter().cloned());
        let is_sound = self.numbers.len() <= MAX_LABELS && self.texts.len() <= MAX_LABELS;
        is_sound.then_some(names)
    }
}

#[cfg(test)]
mod tests;
