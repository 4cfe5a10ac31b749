//! An evaluation of rows that come in batches, of which none is held.
//!
//! It is there for metrics that are counts and sums over rows; what looks at the order of rows, or
//! draws them again, needs them all at once and is `evaluate`'s alone. Both give the same bits.

use rayon::ThreadPool;

use super::{
    EVALUATION_VERSION, EvaluateError, EvaluateOptions, Evaluation, check_options, plan,
    thread_pool, wanted,
};
use crate::curves::tables::{ConfusionTally, ValueTally};
use crate::curves::{Curves, MAX_CONFUSION_LABELS, classes};
use crate::definition::{MetricDefinition, Task};
use crate::metrics::applicable::Seen;
use crate::metrics::fold::{Fold, Folded};
use crate::metrics::{Facts, Kind, Needs, Prepared};
use crate::predictions::{Predictions, PredictionsError};
use crate::weights::{Given, Unit};

/// An evaluation as its rows come: each batch is given to [`Self::push`] and forgotten. The result
/// is that of [`crate::evaluate`] on all rows, to the last bit, however they are cut into batches.
pub struct EvaluationFold {
    wanted: Vec<&'static MetricDefinition>,
    /// A row, which tells the columns of all.
    like: Predictions,
    needs: Needs,
    pool: ThreadPool,
    seen: Seen,
    fold: Fold,
    confusion: Option<ConfusionTally>,
    values: Option<ValueTally>,
    is_second: bool,
}

impl EvaluationFold {
    /// For rows that begin with those of `like`, which are not taken yet, and have its task, labels
    /// and columns. `None` when something asked for needs all rows at once: intervals, curves of scores, metrics
    /// of the order of rows, tasks other than binary, multiclass and regression.
    ///
    /// # Errors
    /// [`EvaluateError`] when an option cannot be followed.
    pub fn new(
        like: &Predictions,
        options: &EvaluateOptions,
    ) -> Result<Option<Self>, EvaluateError> {
        check_options(like, options)?;
        let task = like.task();
        let wanted = wanted(task, options.definitions.as_deref())?;
        let of_task = matches!(task, Task::Binary | Task::Multiclass | Task::Regression);
        let of_scores = options.curves && like.score_columns() > 0;
        if !of_task || of_scores || options.bootstrap.is_some() {
            return Ok(None);
        }
        // What keeps a metric from these rows keeps it from more of them, too.
        let (planned, _) = plan(task, &wanted, &Facts::with_threshold(like, None));
        let kinds: Vec<Kind> = planned.iter().map(|planned| planned.kind).collect();
        let labels = like.labels().len();
        let in_curves = options.curves && (1..=MAX_CONFUSION_LABELS).contains(&labels);
        let fold = match like.weight() {
            None => Fold::of::<Unit>(&kinds, labels, in_curves),
            Some(_) => Fold::of::<Given<'_>>(&kinds, labels, in_curves),
        };
        let Some(fold) = fold else {
            return Ok(None);
        };
        let mut needs = Needs::of(&kinds, labels);
        needs.predicted |= in_curves;
        let is_weighted = like.weight().is_some();
        Ok(Some(Self {
            wanted,
            like: like.reordered(&[0]),
            needs,
            pool: thread_pool(options)?,
            seen: Seen::default(),
            fold,
            confusion: in_curves.then(|| ConfusionTally::new(labels, is_weighted)),
            values: (options.curves && task == Task::Regression).then(ValueTally::default),
            is_second: false,
        }))
    }

    /// Takes the next rows.
    ///
    /// # Panics
    /// When they have another task, other labels or other columns than the rows that the fold was
    /// made for.
    pub fn push(&mut self, batch: &Predictions) {
        let columns = |of: &Predictions| {
            let (predicted, weighted) = (of.y_pred().is_some(), of.weight().is_some());
            (of.task(), of.score_columns(), predicted, weighted)
        };
        assert!(
            columns(batch) == columns(&self.like) && batch.labels() == self.like.labels(),
            "all batches have the columns of the first"
        );
        if !self.is_second {
            self.seen.add(batch);
        }
        let facts = Facts::with_threshold(batch, None);
        let prepared = (self.pool).install(|| Prepared::new(batch, &facts, self.needs));
        match (batch.weight(), self.is_second) {
            (None, false) => self.fold.add(&prepared, &Unit),
            (None, true) => self.fold.add_again(&prepared, &Unit),
            (Some(weights), false) => self.fold.add(&prepared, &Given(weights)),
            (Some(weights), true) => self.fold.add_again(&prepared, &Given(weights)),
        }
        if let (Some(confusion), false) = (&mut self.confusion, self.is_second) {
            confusion.add(&prepared, batch.weight());
        }
        if let (Some(values), Some(columns)) = (&mut self.values, &prepared.regression) {
            match self.is_second {
                false => values.add(columns),
                true => values.add_again(columns),
            }
        }
    }

    /// To be called once all rows have come. True when all of them must come a second time, in the
    /// same order, before [`Self::finish`].
    pub fn end_first(&mut self) -> bool {
        self.is_second = true;
        self.fold.end_first() || self.values.is_some()
    }

    /// The evaluation of all rows.
    ///
    /// # Errors
    /// When no row came, or none that has a weight above 0.
    pub fn finish(self) -> Result<Evaluation, PredictionsError> {
        if self.seen.rows == 0 {
            return Err(PredictionsError::Empty);
        }
        let folded = self.fold.folded();
        if folded.total == 0.0 {
            return Err(PredictionsError::ZeroWeight);
        }
        let like = &self.like;
        let facts = Facts::of_seen(&self.seen, like, None);
        let (planned, skipped) = plan(like.task(), &self.wanted, &facts);
        let metrics = planned.iter().map(|planned| {
            let value = folded.value(planned.kind);
            let notes = planned.notes(value, like, None);
            let note = (!notes.is_empty()).then(|| notes.join("; "));
            planned.computed(value, self.seen.rows, note)
        });
        let (predicted_true, residuals) = self.values.map(ValueTally::tables).unzip();
        let confusion = self.confusion.filter(|_| facts.predicted.is_ok());
        Ok(Evaluation {
            version: EVALUATION_VERSION,
            task: like.task(),
            n: self.seen.rows as u64,
            metrics: metrics.collect(),
            skipped,
            curves: Curves {
                per_class: confusion
                    .as_ref()
                    .map_or_else(Vec::new, |_| per_class(&folded, like)),
                confusion: confusion.map(|tally| tally.matrix(like.labels())),
                predicted_true,
                residuals,
                ..Curves::default()
            },
        })
    }
}

fn per_class(folded: &Folded, like: &Predictions) -> Vec<classes::ClassScores> {
    let counts = folded.counts.as_ref();
    counts.map_or_else(Vec::new, |counts| {
        classes::of_counts(counts, like.labels(), |_| None)
    })
}
