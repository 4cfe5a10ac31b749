//! Columns of numbers beyond those that all tasks share: which ones a task has, what they may
//! hold, and how they are found. One table declares them; no column has a field of its own.

use std::borrow::Cow;
use std::collections::HashMap;

use super::check::{Offenders, check_finite, check_length};
use super::{Predictions, PredictionsError, PredictionsInput};
use crate::definition::Task;

/// Most of these columns in one set of predictions, such as quantiles of a forecast.
pub const MAX_NUMBER_COLUMNS: usize = 1000;

/// The scale of a series, which must be the same in all its rows.
const SCALE: &str = "scale";

/// Stands at the end of a declared name for any number.
const ANY_NUMBER: char = '*';

/// A column of numbers, or of lists of as many numbers in each row.
#[derive(Clone, Debug, PartialEq)]
pub struct NumberColumn {
    /// Its name, one of [`number_columns`] of the task.
    pub name: String,
    /// Numbers per row, at least 1; more than 1 only where the task takes lists.
    pub width: usize,
    /// The numbers, row-major: rows x width.
    pub values: Vec<f64>,
}

/// What a column may hold.
#[derive(Clone, Copy)]
enum Allowed {
    Any,
    NotNegative,
    NotPositive,
    ZeroOrOne,
    Probability,
}

impl Allowed {
    fn takes(self, value: f64) -> bool {
        match self {
            Self::Any => true,
            Self::NotNegative => value >= 0.0,
            Self::NotPositive => value <= 0.0,
            Self::ZeroOrOne => value == 0.0 || value == 1.0,
            Self::Probability => (0.0..=1.0).contains(&value),
        }
    }

    /// What is wrong with other values.
    fn wrong(self) -> &'static str {
        match self {
            Self::Any => "no numbers",
            Self::NotNegative => "negative",
            Self::ZeroOrOne => "neither 0 nor 1",
            Self::Probability => "no probabilities",
            Self::NotPositive => "above 0, which no logarithm of a probability is",
        }
    }
}

/// A column that a task may have.
struct Declared {
    name: &'static str,
    allowed: Allowed,
    /// Whether each row may hold a list.
    is_list: bool,
    /// Of names that end in a number, which numbers these may be.
    ending: fn(f64) -> bool,
}

const fn plain(name: &'static str, allowed: Allowed) -> Declared {
    Declared {
        name,
        allowed,
        is_list: false,
        ending: |_| false,
    }
}

const TEXT: &[Declared] = &[
    plain("log_likelihood", Allowed::NotPositive),
    plain("tokens", Allowed::NotNegative),
    plain("bytes", Allowed::NotNegative),
];

const CLUSTERING: &[Declared] = &[Declared {
    is_list: true,
    ..plain("embedding", Allowed::Any)
}];

const FORECASTING: &[Declared] = &[
    plain(SCALE, Allowed::NotNegative),
    Declared {
        ending: |level| level > 0.0 && level < 1.0,
        ..plain("y_pred_q*", Allowed::Any)
    },
];

const SURVIVAL: &[Declared] = &[
    plain("event", Allowed::ZeroOrOne),
    Declared {
        ending: |time| time > 0.0 && time.is_finite(),
        ..plain("y_survival_*", Allowed::Probability)
    },
];

fn declared(task: Task) -> &'static [Declared] {
    match task {
        Task::Text => TEXT,
        Task::Clustering => CLUSTERING,
        Task::Forecasting => FORECASTING,
        Task::Survival => SURVIVAL,
        _ => &[],
    }
}

impl Declared {
    /// Whether the column is this one, its number apart.
    fn is(&self, name: &str) -> bool {
        match self.name.strip_suffix(ANY_NUMBER) {
            Some(start) => name.starts_with(start),
            None => name == self.name,
        }
    }
}

/// Names of the columns of numbers that a task's metrics may use beside the common ones; `*` at
/// the end of a name stands for a number, as in `y_pred_q*` for `y_pred_q0.9`.
#[must_use]
pub fn number_columns(task: Task) -> Vec<&'static str> {
    declared(task).iter().map(|column| column.name).collect()
}

impl Predictions {
    /// The columns of numbers beside the common ones.
    #[must_use]
    pub fn numbers(&self) -> &[NumberColumn] {
        &self.columns.numbers
    }

    /// The column of this name, when given.
    #[must_use]
    pub fn number_column(&self, name: &str) -> Option<&NumberColumn> {
        self.numbers().iter().find(|column| column.name == name)
    }

    /// One number per row of the column of this name, when given.
    pub(crate) fn one_number(&self, name: &str) -> Option<&[f64]> {
        self.number_column(name)
            .map(|column| column.values.as_slice())
    }

    /// The columns whose name is `start` and a number, each with that number, ascending.
    pub(crate) fn numbered(&self, start: &str) -> Vec<(f64, &[f64])> {
        let columns = self.numbers().iter();
        let mut found: Vec<(f64, &[f64])> = columns
            .filter_map(|column| {
                let ending = column.name.strip_prefix(start)?;
                Some((ending.parse().ok()?, column.values.as_slice()))
            })
            .collect();
        found.sort_by(|a, b| a.0.total_cmp(&b.0));
        found
    }
}

/// Checks names, lengths and values.
pub(super) fn check(input: &PredictionsInput) -> Result<(), PredictionsError> {
    if input.numbers.len() > MAX_NUMBER_COLUMNS {
        return Err(PredictionsError::NumberColumns {
            found: input.numbers.len(),
        });
    }
    for (place, column) in input.numbers.iter().enumerate() {
        let of_task = declared(input.task);
        let Some(declared) = of_task.iter().find(|declared| declared.is(&column.name)) else {
            return Err(named(column, "is none that the task has".into()));
        };
        let earlier = &input.numbers[..place];
        check_name(declared, column, earlier)?;
        check_values(declared, column, input.rows())?;
        if column.name == SCALE {
            check_scale(input, &column.values)?;
        }
    }
    Ok(())
}

/// A scale is of a series, so that its rows have the same.
fn check_scale(input: &PredictionsInput, scale: &[f64]) -> Result<(), PredictionsError> {
    let mut of_series: HashMap<&str, f64> = HashMap::new();
    let mut wrong = Offenders::default();
    for (row, scale) in scale.iter().enumerate() {
        let series = input.group.as_ref().map_or("", |names| &names[row]);
        let first = *of_series.entry(series).or_insert(*scale);
        wrong.note(row, first != *scale);
    }
    wrong.into_result(|count, rows| PredictionsError::NumberOutside {
        column: SCALE.to_owned(),
        wrong: "not that of the first row of their series (`group`)",
        count,
        rows,
    })
}

fn check_name(
    declared: &Declared,
    column: &NumberColumn,
    earlier: &[NumberColumn],
) -> Result<(), PredictionsError> {
    let Some(start) = declared.name.strip_suffix(ANY_NUMBER) else {
        let is_repeated = earlier.iter().any(|other| other.name == column.name);
        return match is_repeated {
            true => Err(named(column, "is given twice".into())),
            false => Ok(()),
        };
    };
    let number = |name: &str| name.strip_prefix(start)?.parse::<f64>().ok();
    match number(&column.name) {
        Some(ending) if (declared.ending)(ending) => {
            match earlier
                .iter()
                .find(|other| number(&other.name) == Some(ending))
            {
                Some(other) => Err(named(
                    column,
                    format!("is `{}` once more", other.name).into(),
                )),
                None => Ok(()),
            }
        }
        _ => Err(named(column, "ends in no number that it can be of".into())),
    }
}

fn named(column: &NumberColumn, problem: Cow<'static, str>) -> PredictionsError {
    PredictionsError::NumberColumn {
        column: super::check::shown_id(&column.name),
        problem: problem.into_owned(),
    }
}

fn check_values(
    declared: &Declared,
    column: &NumberColumn,
    rows: usize,
) -> Result<(), PredictionsError> {
    if column.width == 0 || (column.width > 1 && !declared.is_list) {
        let problem = format!("has {} numbers per row", column.width);
        return Err(named(column, problem.into()));
    }
    let expected = rows.saturating_mul(column.width);
    check_length(&column.name, column.values.len(), expected)?;
    let by_row = || column.values.chunks_exact(column.width);
    if !column.values.iter().all(|value| value.is_finite()) {
        // A row counts once, whichever of its numbers it is.
        let is_finite = |row: &[f64]| row.iter().all(|value| value.is_finite());
        let rows = by_row().map(|row| if is_finite(row) { 0.0 } else { f64::NAN });
        check_finite(rows, || column.name.clone())?;
    }
    let mut wrong = Offenders::default();
    for (row, values) in by_row().enumerate() {
        let is_right = values.iter().all(|value| declared.allowed.takes(*value));
        wrong.note(row, !is_right);
    }
    wrong.into_result(|count, rows| PredictionsError::NumberOutside {
        column: column.name.clone(),
        wrong: declared.allowed.wrong(),
        count,
        rows,
    })
}
