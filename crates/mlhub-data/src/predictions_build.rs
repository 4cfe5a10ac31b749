//! Building a prediction table cell by cell, whatever the file format: which column plays which
//! role, and what is wrong with a cell. The form itself is documented in [`crate::predictions`].

use std::borrow::Cow;

use crate::column::{Missing, label};
use crate::error::{DataError, Place, Result};
use crate::label_lists;
use crate::limits::{PREDICTION_CELLS_MAX, PREDICTION_ROWS_MAX, PREDICTION_SCORES_MAX};
use crate::nested_json;
use crate::predictions::{PredictionTable, Values};
use crate::predictions_numbers::{Numbers, number_of};
use crate::predictions_values::{Form, Held, ValuesBuilder, text_bytes};
use crate::rows::{Cell, ColumnHead, Row, RowSink};

/// What a column is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Id,
    YTrue,
    YPred,
    /// One score, or a list of them.
    Score,
    /// The score of one class.
    ClassScore,
    Group,
    Weight,
    /// Numbers that the caller asked for.
    Numbers,
    Ignored,
}

const CLASS_SCORE_PREFIX: &str = "y_score_";

impl Role {
    fn of(name: &str) -> Self {
        match name {
            "id" => Self::Id,
            "y_true" => Self::YTrue,
            "y_pred" => Self::YPred,
            "y_score" => Self::Score,
            "group" => Self::Group,
            "weight" => Self::Weight,
            _ if name.len() > CLASS_SCORE_PREFIX.len() && name.starts_with(CLASS_SCORE_PREFIX) => {
                Self::ClassScore
            }
            _ => Self::Ignored,
        }
    }
}

/// One role's column as it fills.
struct Slot {
    name: String,
    role: Role,
    missing: Missing,
    /// What a column of numbers holds.
    numbers: Numbers,
}

/// Fills a table row by row (text, Parquet) or column by column (NPZ).
pub(crate) struct Builder<'f> {
    file: &'f str,
    form: Form,
    /// Names of the columns of numbers to read; `*` at the end stands for any ending.
    wanted: &'f [&'f str],
    columns: Vec<Slot>,
    /// Positions of the class score columns in the order of `score_labels`.
    class_scores: Vec<usize>,
    ids: Vec<String>,
    y_true: ValuesBuilder,
    y_pred: Option<ValuesBuilder>,
    pub(crate) score_labels: Vec<String>,
    scores: Option<Vec<f64>>,
    /// Scores per row, once the first row is read.
    pub(crate) scores_per_row: Option<usize>,
    weight: Option<Vec<f64>>,
    group: Option<Vec<String>>,
    /// Rows of the table that fills.
    rows_held: usize,
    held: Held,
}

impl<'f> Builder<'f> {
    pub(crate) fn new(file: &'f str, form: Form, wanted: &'f [&'f str]) -> Self {
        Self {
            file,
            form,
            wanted,
            columns: Vec::new(),
            class_scores: Vec::new(),
            ids: Vec::new(),
            y_true: ValuesBuilder::new(form),
            y_pred: None,
            score_labels: Vec::new(),
            scores: None,
            scores_per_row: None,
            weight: None,
            group: None,
            rows_held: 0,
            held: Held::default(),
        }
    }

    /// What the column of this name is for.
    pub(crate) fn role_of(&self, name: &str) -> Role {
        let role = Role::of(name);
        let is_wanted = |wanted: &&str| match wanted.strip_suffix('*') {
            Some(start) => name.len() > start.len() && name.starts_with(start),
            None => name == *wanted,
        };
        if role == Role::Ignored && self.wanted.iter().any(is_wanted) {
            return Role::Numbers;
        }
        role
    }

    /// Assigns roles to columns and checks that the required ones are there.
    pub(crate) fn assign<'a>(
        &mut self,
        names: impl Iterator<Item = &'a str> + Clone,
    ) -> Result<()> {
        self.columns = names
            .clone()
            .map(|name| Slot {
                name: name.to_owned(),
                role: self.role_of(name),
                missing: Missing::default(),
                numbers: Numbers::default(),
            })
            .collect();
        let has = |role: Role| self.columns.iter().any(|column| column.role == role);
        for (role, required) in [(Role::Id, "id"), (Role::YTrue, "y_true")] {
            if !has(role) {
                return Err(DataError::unknown_column(self.file, required, names));
            }
        }
        let (has_score, has_class_scores) = (has(Role::Score), has(Role::ClassScore));
        if has_score && has_class_scores {
            return Err(DataError::refused(
                self.file,
                "both `y_score` and `y_score_<label>` columns; keep one form",
            ));
        }
        if !has(Role::YPred) && !has_score && !has_class_scores {
            return Err(DataError::refused(
                self.file,
                "neither `y_pred` nor `y_score`; there is nothing to evaluate",
            ));
        }
        self.y_pred = has(Role::YPred).then(|| ValuesBuilder::new(self.form));
        self.weight = has(Role::Weight).then(Vec::new);
        self.group = has(Role::Group).then(Vec::new);
        self.scores = (has_score || has_class_scores).then(Vec::new);
        if has_class_scores {
            self.order_class_scores()?;
        }
        Ok(())
    }

    /// Class scores are in file order, or by number when all classes are numbers.
    fn order_class_scores(&mut self) -> Result<()> {
        let mut labelled: Vec<(usize, &str)> = self
            .columns
            .iter()
            .enumerate()
            .filter(|(_, column)| column.role == Role::ClassScore)
            .map(|(position, column)| (position, &column.name[CLASS_SCORE_PREFIX.len()..]))
            .collect();
        let numbers: Option<Vec<u64>> = labelled
            .iter()
            .map(|(_, label)| label.parse().ok())
            .collect();
        if numbers.is_some() {
            labelled.sort_by_key(|(_, label)| label.parse().unwrap_or(u64::MAX));
        }
        self.class_scores = labelled.iter().map(|(position, _)| *position).collect();
        self.score_labels = labelled
            .iter()
            .map(|(_, label)| (*label).to_owned())
            .collect();
        self.set_scores_per_row(self.class_scores.len())
    }

    pub(crate) fn set_scores_per_row(&mut self, count: usize) -> Result<()> {
        if count > PREDICTION_SCORES_MAX {
            return Err(DataError::limit(
                self.file,
                "scores per row",
                PREDICTION_SCORES_MAX,
            ));
        }
        self.scores_per_row = Some(count);
        Ok(())
    }

    /// Takes one cell of the column at `position`.
    pub(crate) fn push(&mut self, position: usize, place: Place, cell: &Cell<'_>) -> Result<()> {
        let slot = &mut self.columns[position];
        match slot.role {
            Role::Ignored => Ok(()),
            Role::Score | Role::ClassScore | Role::Weight => {
                self.push_number(position, place, cell)
            }
            Role::YTrue | Role::YPred if self.form != Form::Values => {
                self.push_text(position, place, cell)
            }
            Role::Numbers => {
                let column = (self.file, slot.name.as_str());
                if !slot.numbers.push(column, place, cell)? {
                    slot.missing.add(place);
                }
                Ok(())
            }
            Role::Id | Role::YTrue | Role::YPred | Role::Group => {
                let text = label(cell).map_err(|problem| {
                    DataError::malformed(
                        self.file,
                        place,
                        format!("column `{}`: {problem}", slot.name),
                    )
                })?;
                let Some(text) = text else {
                    slot.missing.add(place);
                    return Ok(());
                };
                let bytes = match slot.role {
                    Role::YTrue => self.y_true.push(cell, &text),
                    Role::YPred => {
                        let values = self.y_pred.as_mut();
                        values.map_or(0, |values| values.push(cell, &text))
                    }
                    role => {
                        let bytes = text_bytes(&text);
                        let texts = match role {
                            Role::Id => Some(&mut self.ids),
                            _ => self.group.as_mut(),
                        };
                        if let Some(texts) = texts {
                            texts.push(text.into_owned());
                        }
                        bytes
                    }
                };
                self.held.add(self.file, bytes)
            }
        }
    }

    /// A true or predicted text, which may be empty or look like a number, list of labels or JSON text.
    fn push_text(&mut self, position: usize, place: Place, cell: &Cell<'_>) -> Result<()> {
        let slot = &mut self.columns[position];
        let text = match *cell {
            _ if self.form == Form::LabelLists => {
                label_lists::as_json(cell).map(|list| list.map(Cow::Owned))
            }
            _ if self.form == Form::Json => nested_json::as_json(cell),
            Cell::Text(text) => Ok(Some(Cow::Borrowed(text))),
            _ => label(cell),
        };
        let text = text.map_err(|problem| {
            DataError::malformed(
                self.file,
                place,
                format!("column `{}`: {problem}", slot.name),
            )
        })?;
        let Some(text) = text else {
            slot.missing.add(place);
            return Ok(());
        };
        let values = match slot.role {
            Role::YTrue => Some(&mut self.y_true),
            _ => self.y_pred.as_mut(),
        };
        let bytes = text_bytes(&text);
        if let Some(ValuesBuilder(Values::Text(values))) = values {
            values.push(text.into_owned());
        }
        self.held.add(self.file, bytes)
    }

    fn push_number(&mut self, position: usize, place: Place, cell: &Cell<'_>) -> Result<()> {
        let slot = &mut self.columns[position];
        let number = match *cell {
            Cell::Null | Cell::Text("") => {
                slot.missing.add(place);
                return Ok(());
            }
            Cell::List(values) if slot.role == Role::Score => return self.push_list(place, values),
            _ => number_of(cell),
        };
        let number = number.ok_or_else(|| DataError::NotANumber {
            file: self.file.to_owned(),
            place,
            column: slot.name.clone(),
        })?;
        match slot.role {
            Role::Weight => self
                .weight
                .iter_mut()
                .for_each(|values| values.push(number)),
            Role::Score
                if self.scores_per_row.is_some_and(|count| count != 1)
                    || !self.score_labels.is_empty() =>
            {
                return Err(self.ragged_scores(place, 1));
            }
            Role::Score => {
                self.scores_per_row = Some(1);
                self.scores
                    .iter_mut()
                    .for_each(|values| values.push(number));
            }
            _ => self
                .scores
                .iter_mut()
                .for_each(|values| values.push(number)),
        }
        Ok(())
    }

    fn push_list(&mut self, place: Place, values: &[f64]) -> Result<()> {
        match self.scores_per_row {
            None if values.is_empty() => {
                return Err(DataError::malformed(
                    self.file,
                    place,
                    "`y_score` is an empty list",
                ));
            }
            None => {
                self.set_scores_per_row(values.len())?;
                self.score_labels = (0..values.len()).map(|class| class.to_string()).collect();
            }
            // A plain number before a list: the rows are of different forms.
            Some(count) if count != values.len() || self.score_labels.is_empty() => {
                return Err(self.ragged_scores(place, values.len()));
            }
            Some(_) => {}
        }
        self.scores
            .iter_mut()
            .for_each(|scores| scores.extend_from_slice(values));
        Ok(())
    }

    /// Appends scores of NPZ, whose shape is known before the values.
    pub(crate) fn push_score(&mut self, score: f64) {
        self.scores.iter_mut().for_each(|scores| scores.push(score));
    }

    /// The numbers of a column as they fill, with the file and the column as errors name them.
    pub(crate) fn numbers(&mut self, position: usize) -> (&mut Numbers, (&str, &str)) {
        let slot = &mut self.columns[position];
        (&mut slot.numbers, (self.file, &slot.name))
    }

    fn ragged_scores(&self, place: Place, found: usize) -> DataError {
        let expected = self.scores_per_row.unwrap_or_default();
        let form = if self.score_labels.is_empty() {
            "a number"
        } else {
            "a list"
        };
        let problem = format!(
            "`y_score` has {found} score(s), the first row has {form} of {expected}; every row needs the same form"
        );
        DataError::malformed(self.file, place, problem)
    }

    /// Refuses sizes past the limits.
    pub(crate) fn check_size(&self, rows: u64) -> Result<()> {
        if rows > PREDICTION_ROWS_MAX {
            return Err(DataError::limit(
                self.file,
                "rows of predictions",
                PREDICTION_ROWS_MAX,
            ));
        }
        let numbers: usize = self.columns.iter().map(|slot| slot.numbers.width()).sum();
        let per_row = (self.scores_per_row.unwrap_or_default() + numbers) as u64;
        if rows.saturating_mul(per_row) > PREDICTION_CELLS_MAX {
            return Err(DataError::limit(
                self.file,
                "scores (rows times classes) and other numbers",
                PREDICTION_CELLS_MAX,
            ));
        }
        Ok(())
    }

    /// Rows and scores of the table that fills.
    pub(crate) fn held(&self) -> (usize, usize) {
        (self.rows_held, self.scores.as_ref().map_or(0, Vec::len))
    }

    /// The rows since the last time, and an empty table to fill. `None` when a required value is
    /// missing in any row so far: then there is no table, and `finish` says so.
    pub(crate) fn take(&mut self) -> Option<PredictionTable> {
        let table = self.table();
        let missing: u64 = self.columns.iter().map(|slot| slot.missing.count).sum();
        (missing == 0).then_some(table)
    }

    /// The table, once every row is in and no required value is missing.
    pub(crate) fn finish(mut self) -> Result<PredictionTable> {
        let table = self.table();
        for column in self.columns {
            if column.role != Role::Ignored {
                column.missing.check(self.file, &column.name)?;
            }
        }
        Ok(table)
    }

    fn table(&mut self) -> PredictionTable {
        let mut ignored_columns = Vec::new();
        let mut numbers = Vec::new();
        for column in &mut self.columns {
            match column.role {
                Role::Ignored => ignored_columns.push(column.name.clone()),
                Role::Numbers => numbers.push(column.numbers.take(column.name.clone())),
                _ => {}
            }
        }
        numbers.sort_by(|a, b| a.name.cmp(&b.name));
        let empty = || ValuesBuilder::new(self.form);
        let mut y_true = std::mem::replace(&mut self.y_true, empty()).0;
        let y_pred = self.y_pred.as_mut();
        let mut y_pred = y_pred.map(|values| std::mem::replace(values, empty()).0);
        let is_text = |values: &Values| matches!(values, Values::Text(_));
        if is_text(&y_true) || y_pred.as_ref().is_some_and(is_text) {
            y_true = y_true.into_text();
            y_pred = y_pred.map(Values::into_text);
        }
        (self.rows_held, self.held) = (0, Held::default());
        PredictionTable {
            ids: std::mem::take(&mut self.ids),
            y_true,
            y_pred,
            score_labels: self.score_labels.clone(),
            y_score: self.scores.as_mut().map(std::mem::take),
            weight: self.weight.as_mut().map(std::mem::take),
            group: self.group.as_mut().map(std::mem::take),
            numbers,
            ignored_columns,
        }
    }
}

impl RowSink for Builder<'_> {
    fn columns(&mut self, columns: &[ColumnHead]) -> Result<()> {
        self.assign(columns.iter().map(|column| column.name.as_str()))
    }

    fn row(&mut self, row: &Row<'_>) -> Result<()> {
        self.check_size(row.index + 1)?;
        self.rows_held += 1;
        for (position, cell) in row.cells.iter().enumerate() {
            if self.columns[position].role != Role::ClassScore {
                self.push(position, row.place, cell)?;
            }
        }
        for class in 0..self.class_scores.len() {
            let position = self.class_scores[class];
            self.push(position, row.place, &row.cells[position])?;
        }
        Ok(())
    }
}
