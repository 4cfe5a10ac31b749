//! Two sets of predictions of the same examples, brought into one order.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::definition::Task;
use crate::draws::Groups;
use crate::predictions::{ExpectedIds, NAMED_IN_ERRORS, Predictions, PredictionsError};

/// Columns of numbers that say something of the example and not of the prediction.
const GIVEN_NUMBERS: [&str; 2] = ["scale", "event"];

/// Why two sets of predictions are not of the same examples.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PairError {
    /// Another task.
    #[error("the first predictions are {a}, the second {b}: they have no metric in common")]
    Task {
        /// Task of the first.
        a: Task,
        /// Task of the second.
        b: Task,
    },
    /// Other classes, or the same in another order.
    #[error(
        "the classes differ: {a} in the first predictions, {b} in the second, not the same list"
    )]
    Labels {
        /// Classes of the first.
        a: usize,
        /// Classes of the second.
        b: usize,
    },
    /// Ids that one side lacks; the first predictions are what is expected.
    #[error("the second predictions are not of the rows of the first")]
    Ids(#[source] PredictionsError),
    /// A column that only one side has.
    #[error("only one of the two has a `{column}` column")]
    OneSided {
        /// The column.
        column: &'static str,
    },
    /// Another truth, weight or group for the same id.
    #[error(
        "column `{column}` differs in {count} rows; first rows of the first predictions (from 0): {rows}"
    )]
    Differs {
        /// The column.
        column: &'static str,
        /// How many rows.
        count: usize,
        /// The first of them.
        rows: String,
    },
}

/// Two sets of predictions of the same examples, row by row.
#[derive(Clone, Debug)]
pub struct PairedPredictions<'a> {
    pub(super) a: &'a Predictions,
    /// In the order of `a`.
    pub(super) b: Cow<'a, Predictions>,
    /// Rows that belong together, where the `group` column says so; not for a ranking,
    /// whose groups are its queries.
    pub(super) groups: Option<Groups>,
}

impl<'a> PairedPredictions<'a> {
    /// Pairs rows by id. Truth, weights, groups and classes must be the same on both sides.
    ///
    /// # Errors
    /// What differs: missing ids are counted and the first named.
    pub fn new(a: &'a Predictions, b: &'a Predictions) -> Result<Self, PairError> {
        if a.task() != b.task() {
            return Err(PairError::Task {
                a: a.task(),
                b: b.task(),
            });
        }
        if a.labels() != b.labels() {
            return Err(PairError::Labels {
                a: a.labels().len(),
                b: b.labels().len(),
            });
        }
        b.check_ids_cover(ExpectedIds::Ids(a.ids()))
            .map_err(PairError::Ids)?;
        let b = in_order_of(a, b);
        equal("y_true", &a.y_true().rows_differing(b.y_true()))?;
        same_column("weight", a.weight(), b.weight())?;
        same_column("group", a.group(), b.group())?;
        for column in GIVEN_NUMBERS {
            same_column(column, a.one_number(column), b.one_number(column))?;
        }
        let groups = a.group().filter(|_| a.task() != Task::Ranking);
        Ok(Self {
            a,
            b,
            groups: groups.map(Groups::of),
        })
    }
}

/// `b` with its rows where the same ids are in `a`; the ids are known to be the same.
fn in_order_of<'a>(a: &Predictions, b: &'a Predictions) -> Cow<'a, Predictions> {
    if a.ids() == b.ids() {
        return Cow::Borrowed(b);
    }
    let places: HashMap<&str, usize> = (b.ids().iter().enumerate())
        .map(|(row, id)| (id.as_str(), row))
        .collect();
    let order: Vec<usize> = a.ids().iter().map(|id| places[id.as_str()]).collect();
    Cow::Owned(b.reordered(&order))
}

fn same_column<T: PartialEq>(
    column: &'static str,
    a: Option<&[T]>,
    b: Option<&[T]>,
) -> Result<(), PairError> {
    match (a, b) {
        (None, None) => Ok(()),
        (Some(a), Some(b)) => {
            let rows = a.iter().zip(b).enumerate();
            let differing: Vec<usize> =
                rows.filter(|(_, (a, b))| a != b).map(|row| row.0).collect();
            equal(column, &differing)
        }
        _ => Err(PairError::OneSided { column }),
    }
}

fn equal(column: &'static str, differing: &[usize]) -> Result<(), PairError> {
    if differing.is_empty() {
        return Ok(());
    }
    let first = differing.iter().take(NAMED_IN_ERRORS);
    Err(PairError::Differs {
        column,
        count: differing.len(),
        rows: first.map(usize::to_string).collect::<Vec<_>>().join(", "),
    })
}
