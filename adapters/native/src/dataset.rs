//! From split files to a learning problem: task, classes, targets, validation rows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use mlhub_protocol::run_dir::{DatasetInput, RunFile};

use crate::failure::Failure;
use crate::objective::Objective;
use crate::params::{ModelKind, Params};
use crate::sampling::{self, Purpose};
use crate::table::{Columns, Table};

const TRAIN: &str = "train";
const VALIDATION: &str = "validation";
/// More classes than this are surely a regression target taken for labels.
const MAX_CLASSES: usize = 1000;
/// A numeric target with at most this many whole values is taken for labels,
/// when nobody says what it is.
const MAX_INFERRED_CLASSES: usize = 20;

/// A table with targets as numbers.
#[derive(Debug, Clone)]
pub(crate) struct Labelled {
    pub(crate) table: Table,
    /// Values, or class numbers as floats.
    pub(crate) y: Vec<f64>,
    pub(crate) objective: Objective,
}

/// Everything training needs of the dataset.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) train: Labelled,
    pub(crate) validation: Option<Labelled>,
    /// Labels in class order; empty for regression.
    pub(crate) classes: Vec<String>,
    /// Tables to predict, by split.
    pub(crate) predict: BTreeMap<String, Table>,
    /// Whether the task was guessed from the target.
    pub(crate) task_inferred: bool,
}

impl Problem {
    /// Reads every file the run needs.
    ///
    /// # Errors
    /// [`Failure::Dataset`] for files that cannot be learned from;
    /// [`Failure::Config`] when params and dataset do not fit together.
    pub(crate) fn load(run: &RunFile, params: &Params) -> Result<Self, Failure> {
        let dataset = run
            .dataset
            .as_ref()
            .ok_or_else(|| Failure::config("dataset", "this adapter needs a dataset"))?;
        if dataset.format != "csv" {
            return Err(Failure::dataset(
                "dataset.format",
                format!(
                    "this adapter reads csv, not {}; convert the dataset",
                    dataset.format
                ),
            ));
        }
        let target = dataset
            .target
            .as_deref()
            .ok_or_else(|| Failure::config("dataset.target", "name the column to predict"))?;
        let columns = Columns {
            target,
            id: dataset.id.as_deref(),
            exclude: &params.exclude,
        };
        let train = read(dataset, TRAIN, &columns, None)?;
        let features = train.features.clone();
        let (objective, classes, task_inferred) = task(run, params, &train)?;
        let label = |table: Table, split: &str| labelled(table, objective, &classes, split);
        let (train, validation) = if dataset.splits.contains_key(VALIDATION) {
            let validation = read(dataset, VALIDATION, &columns, Some(&features))?;
            (label(train, TRAIN)?, Some(label(validation, VALIDATION)?))
        } else {
            carve(label(train, TRAIN)?, run.seed, params.validation_fraction)?
        };
        if params.early_stopping_rounds > 0 && validation.is_none() {
            return Err(Failure::config(
                "params.early_stopping_rounds",
                "needs validation rows: set params.validation_fraction or give the dataset \
                 a split named validation",
            ));
        }
        let mut predict = BTreeMap::new();
        for split in &run.predict_splits {
            let table = read(dataset, split, &columns, Some(&features))?;
            predict.insert(split.clone(), table);
        }
        let problem = Self {
            train,
            validation,
            classes,
            predict,
            task_inferred,
        };
        problem.check_missing(params)?;
        Ok(problem)
    }

    /// The task as the protocol names it.
    pub(crate) fn task(&self) -> &'static str {
        match self.train.objective {
            Objective::Squared => "regression",
            Objective::Logistic => "binary",
            Objective::Softmax(_) => "multiclass",
        }
    }

    /// Linear models have no place for a missing value.
    fn check_missing(&self, params: &Params) -> Result<(), Failure> {
        if params.model == ModelKind::GradientBoosting {
            return Ok(());
        }
        let tables = std::iter::once((TRAIN, &self.train.table))
            .chain(
                self.validation
                    .iter()
                    .map(|labelled| (VALIDATION, &labelled.table)),
            )
            .chain(
                self.predict
                    .iter()
                    .map(|(split, table)| (split.as_str(), table)),
            );
        for (split, table) in tables {
            if let Some((column, row)) = table.first_missing() {
                return Err(Failure::dataset(
                    format!("dataset.splits.{split}"),
                    format!(
                        "split {split} has a missing value in column {column:?}, row {row}, \
                         which a linear model cannot use; fill it, exclude the column, or set \
                         params.model to gradient_boosting"
                    ),
                ));
            }
        }
        Ok(())
    }
}

fn read(
    dataset: &DatasetInput,
    split: &str,
    columns: &Columns<'_>,
    features: Option<&[String]>,
) -> Result<Table, Failure> {
    let input = dataset.splits.get(split).ok_or_else(|| {
        let known: Vec<&str> = dataset.splits.keys().map(String::as_str).collect();
        Failure::dataset(
            format!("dataset.splits.{split}"),
            format!("there is no split {split}; there are: {}", known.join(", ")),
        )
    })?;
    Table::read(Path::new(&input.path), split, columns, features)
}

/// Objective, classes, and whether they were guessed.
fn task(
    run: &RunFile,
    params: &Params,
    train: &Table,
) -> Result<(Objective, Vec<String>, bool), Failure> {
    let by_model = match params.model {
        ModelKind::GradientBoosting => None,
        ModelKind::Logistic => Some(true),
        ModelKind::Linear => Some(false),
    };
    let by_task = match run.task.as_deref() {
        None => None,
        Some("binary" | "multiclass") => Some(true),
        Some("regression") => Some(false),
        Some(other) => {
            return Err(Failure::config(
                "task",
                format!("{other} is not supported; binary, multiclass and regression are"),
            ));
        }
    };
    if let (Some(model), Some(task)) = (by_model, by_task)
        && model != task
    {
        return Err(Failure::config(
            "params.model",
            "logistic classifies and linear regresses; the task asks for the other",
        ));
    }
    let inferred = by_model.is_none() && by_task.is_none();
    let classify = by_model
        .or(by_task)
        .unwrap_or_else(|| looks_like_labels(&train.target));
    if !classify {
        return Ok((Objective::Squared, Vec::new(), inferred));
    }
    let classes = class_order(&train.target)?;
    if run.task.as_deref() == Some("binary") && classes.len() != 2 {
        return Err(Failure::dataset(
            "dataset.target",
            format!(
                "a binary task needs two classes; the training split has {}",
                classes.len()
            ),
        ));
    }
    // A multiclass task that happens to have two classes keeps two scores.
    let objective = if classes.len() == 2 && run.task.as_deref() != Some("multiclass") {
        Objective::Logistic
    } else {
        Objective::Softmax(classes.len())
    };
    Ok((objective, classes, inferred))
}

fn looks_like_labels(target: &[String]) -> bool {
    let distinct: BTreeSet<&str> = target.iter().map(String::as_str).collect();
    let whole = |text: &&str| text.parse::<f64>().is_ok_and(|value| value.fract() == 0.0);
    let numeric = |text: &&str| text.parse::<f64>().is_ok();
    !distinct.iter().all(numeric)
        || (distinct.len() <= MAX_INFERRED_CLASSES && distinct.iter().all(whole))
}

/// Distinct labels: by number when all are numbers, by text otherwise.
fn class_order(target: &[String]) -> Result<Vec<String>, Failure> {
    let distinct: BTreeSet<&String> = target.iter().collect();
    if distinct.len() < 2 || distinct.len() > MAX_CLASSES {
        return Err(Failure::dataset(
            "dataset.target",
            format!(
                "the target has {} distinct labels in the training split; classification needs \
                 2 to {MAX_CLASSES}",
                distinct.len()
            ),
        ));
    }
    let mut classes: Vec<String> = distinct.into_iter().cloned().collect();
    let numbers: Option<Vec<f64>> = classes.iter().map(|label| label.parse().ok()).collect();
    if numbers.is_some() {
        let number = |label: &String| label.parse::<f64>().unwrap_or(f64::NAN);
        classes.sort_by(|a, b| number(a).total_cmp(&number(b)));
    }
    Ok(classes)
}

fn labelled(
    table: Table,
    objective: Objective,
    classes: &[String],
    split: &str,
) -> Result<Labelled, Failure> {
    let index: BTreeMap<&str, f64> = (0_u32..)
        .zip(classes)
        .map(|(class, label)| (label.as_str(), f64::from(class)))
        .collect();
    let mut y = Vec::with_capacity(table.rows);
    for (row, cell) in table.target.iter().enumerate() {
        let value = if objective.is_classification() {
            index.get(cell.as_str()).copied()
        } else {
            cell.parse().ok().filter(|value: &f64| value.is_finite())
        };
        let reason = if objective.is_classification() {
            "a label the training split does not have"
        } else {
            "a target that is no finite number, which regression needs"
        };
        y.push(value.ok_or_else(|| {
            Failure::dataset(
                "dataset.target",
                format!("split {split} has in row {row} {reason}"),
            )
        })?);
    }
    Ok(Labelled {
        table,
        y,
        objective,
    })
}

/// Sets a seeded fraction of the training rows aside.
fn carve(
    train: Labelled,
    seed: i64,
    fraction: f64,
) -> Result<(Labelled, Option<Labelled>), Failure> {
    if fraction == 0.0 {
        return Ok((train, None));
    }
    let rows = train.table.rows;
    let count = sampling::part(rows, fraction);
    if count == 0 || count == rows {
        return Err(Failure::config(
            "params.validation_fraction",
            format!("leaves no rows on one side of {rows} training rows"),
        ));
    }
    let mut rng = sampling::generator(seed, Purpose::Validation, 0);
    let mut order = sampling::shuffled(&mut rng, rows);
    let mut kept = order.split_off(count);
    order.sort_unstable();
    kept.sort_unstable();
    let pick = |rows: &[usize]| Labelled {
        table: train.table.select(rows),
        y: rows.iter().map(|row| train.y[*row]).collect(),
        objective: train.objective,
    };
    Ok((pick(&kept), Some(pick(&order))))
}
