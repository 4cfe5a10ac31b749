//! Predictions in another order, and two sets of them in one table.

use super::{NumberColumn, Predictions, PredictionsError, PredictionsInput, Targets};

impl Predictions {
    /// Some of the rows, in the order given; `None` for none, for one twice, and for one that is
    /// not there.
    #[must_use]
    pub fn subset(&self, rows: &[usize]) -> Option<Self> {
        let mut seen = vec![false; self.rows()];
        for row in rows {
            let seen = seen.get_mut(*row)?;
            if std::mem::replace(seen, true) {
                return None;
            }
        }
        (!rows.is_empty()).then(|| self.reordered(rows))
    }

    /// The rows in another order; `order` must hold each row once.
    pub(crate) fn reordered(&self, order: &[usize]) -> Self {
        let columns = &self.columns;
        let width = self.score_columns;
        let ids = match columns.ids.is_empty() {
            true => Vec::new(),
            false => picked(&columns.ids, order),
        };
        Self {
            columns: PredictionsInput {
                ids,
                task: columns.task,
                labels: columns.labels.clone(),
                y_true: columns.y_true.picked(order),
                y_pred: columns.y_pred.as_ref().map(|of| of.picked(order)),
                y_score: columns.y_score.as_ref().map(|scores| {
                    let rows = order.iter();
                    rows.flat_map(|row| &scores[row * width..(row + 1) * width])
                        .copied()
                        .collect()
                }),
                weight: columns.weight.as_ref().map(|of| picked(of, order)),
                group: columns.group.as_ref().map(|of| picked(of, order)),
                numbers: columns.numbers.iter().map(|of| of.picked(order)).collect(),
            },
            rows: order.len(),
            score_columns: width,
        }
    }

    /// All rows of both, these first; ids and groups tell the side. `y_pred` is given for
    /// both sides or taken from the columns. A column that only one side has, and
    /// scores of other shapes, are left out.
    ///
    /// # Errors
    /// When both together are more than a set of predictions may be.
    pub(crate) fn beside(
        &self,
        other: &Self,
        y_pred: Option<Targets>,
    ) -> Result<Self, PredictionsError> {
        let (first, second) = (&self.columns, &other.columns);
        Self::new(PredictionsInput {
            ids: sided(&first.ids, &second.ids),
            task: first.task,
            labels: first.labels.clone(),
            y_true: first.y_true.followed_by(&second.y_true),
            y_pred: y_pred
                .or_else(|| both(&first.y_pred, &second.y_pred).map(|(a, b)| a.followed_by(b))),
            y_score: both(&first.y_score, &second.y_score)
                .filter(|_| self.score_columns == other.score_columns)
                .map(|(a, b)| [&a[..], b].concat()),
            weight: both(&first.weight, &second.weight).map(|(a, b)| [&a[..], b].concat()),
            group: both(&first.group, &second.group).map(|(a, b)| sided(a, b)),
            numbers: shared(&first.numbers, &second.numbers),
        })
    }
}

impl NumberColumn {
    fn picked(&self, order: &[usize]) -> Self {
        let rows = order.iter();
        let of_row = |row: &usize| &self.values[row * self.width..(row + 1) * self.width];
        Self {
            values: rows.flat_map(of_row).copied().collect(),
            ..self.clone()
        }
    }
}

/// Columns that both sides have alike, the first above the second.
fn shared(first: &[NumberColumn], second: &[NumberColumn]) -> Vec<NumberColumn> {
    let of_both = first.iter().filter_map(|a| {
        let mut others = second.iter();
        let b = others.find(|b| b.name == a.name && b.width == a.width)?;
        Some(NumberColumn {
            values: [&a.values[..], &b.values].concat(),
            ..a.clone()
        })
    });
    of_both.collect()
}

impl Targets {
    fn picked(&self, order: &[usize]) -> Self {
        match self {
            Self::Classes(classes) => Self::Classes(picked(classes, order)),
            Self::Values(values) => Self::Values(picked(values, order)),
            Self::Texts(texts) => Self::Texts(picked(texts, order)),
            Self::LabelSets(sets) => Self::LabelSets(picked(sets, order)),
            Self::Boxes(images) => Self::Boxes(picked(images, order)),
            Self::Masks(images) => Self::Masks(picked(images, order)),
        }
    }

    /// Rows in which two columns of one length and kind differ; every row of columns of
    /// different kinds.
    pub(crate) fn rows_differing(&self, other: &Self) -> Vec<usize> {
        match (self, other) {
            (Self::Classes(a), Self::Classes(b)) => differing(a, b),
            (Self::Values(a), Self::Values(b)) => differing(a, b),
            (Self::Texts(a), Self::Texts(b)) => differing(a, b),
            (Self::LabelSets(a), Self::LabelSets(b)) => differing(a, b),
            (Self::Boxes(a), Self::Boxes(b)) => differing(a, b),
            (Self::Masks(a), Self::Masks(b)) => differing(a, b),
            _ => (0..self.len()).collect(),
        }
    }

    /// Both columns must be of one kind, as those of one task are.
    fn followed_by(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Classes(a), Self::Classes(b)) => Self::Classes([&a[..], b].concat()),
            (Self::Values(a), Self::Values(b)) => Self::Values([&a[..], b].concat()),
            (Self::Texts(a), Self::Texts(b)) => Self::Texts([&a[..], b].concat()),
            (Self::LabelSets(a), Self::LabelSets(b)) => Self::LabelSets([&a[..], b].concat()),
            (Self::Boxes(a), Self::Boxes(b)) => Self::Boxes([&a[..], b].concat()),
            (Self::Masks(a), Self::Masks(b)) => Self::Masks([&a[..], b].concat()),
            _ => unreachable!("predictions of one task have targets of one kind"),
        }
    }
}

fn both<'a, T>(first: &'a Option<T>, second: &'a Option<T>) -> Option<(&'a T, &'a T)> {
    first.as_ref().zip(second.as_ref())
}

fn differing<T: PartialEq>(a: &[T], b: &[T]) -> Vec<usize> {
    let rows = a.iter().zip(b).enumerate();
    rows.filter(|(_, (a, b))| a != b).map(|row| row.0).collect()
}

fn picked<T: Clone>(values: &[T], order: &[usize]) -> Vec<T> {
    order.iter().map(|row| values[*row].clone()).collect()
}

/// Names of both sides, the same name of each side told apart.
fn sided(first: &[String], second: &[String]) -> Vec<String> {
    let of = |side: char, names: &[String]| -> Vec<String> {
        names.iter().map(|name| format!("{side}{name}")).collect()
    };
    [of('a', first), of('b', second)].concat()
}
