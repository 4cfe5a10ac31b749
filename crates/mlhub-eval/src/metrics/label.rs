//! Metrics over predicted classes, from four numbers per class: the weight that
//! is truly of the class, that is predicted to be, that is both, and that is
//! predicted wrongly.
//!
//! The full confusion matrix is not needed, so cost does not grow with the square
//! of the number of classes; `curves` builds it for display.

use super::{Average, Beta, LabelMetric, Prepared};
use crate::sum::{CompensatedSum, mean, sum_rows};
use crate::weights::RowWeights;

/// Index of the positive class of a binary task.
const POSITIVE: usize = 1;
/// Index of the negative class of a binary task.
const NEGATIVE: usize = 0;

/// Classes up to which rows are counted in a table of true and predicted classes.
const MAX_TABLE_LABELS: usize = 4;

/// Weights of one class, or of several added up.
#[derive(Clone, Copy)]
pub(crate) struct ClassCounts {
    /// True and predicted: true positives.
    pub(crate) both: f64,
    pub(crate) truly: f64,
    pub(crate) predicted: f64,
    /// Predicted and not true: false positives.
    wrongly: f64,
    /// Not truly of the class.
    negative: f64,
}

impl ClassCounts {
    pub(crate) fn precision(self) -> f64 {
        ratio_or_zero(self.both, self.predicted)
    }

    pub(crate) fn recall(self) -> f64 {
        ratio_or_zero(self.both, self.truly)
    }

    pub(crate) fn f1(self) -> f64 {
        ratio_or_zero(2.0 * self.both, self.truly + self.predicted)
    }

    fn f_beta(self, beta: Beta) -> f64 {
        let squared = beta.squared();
        ratio_or_zero(
            (1.0 + squared) * self.both,
            squared * self.truly + self.predicted,
        )
    }

    fn jaccard(self) -> f64 {
        ratio_or_zero(self.both, self.truly + self.wrongly)
    }

    pub(crate) fn specificity(self) -> f64 {
        ratio_or_zero(self.negative - self.wrongly, self.negative)
    }
}

/// Weight per class.
pub(crate) struct LabelCounts {
    both: Vec<f64>,
    truly: Vec<f64>,
    predicted: Vec<f64>,
    wrongly: Vec<f64>,
    negative: Vec<f64>,
    /// Whether a row of the sample has the class in either column, whatever its weight.
    occurs: Vec<bool>,
    total: f64,
    correct: f64,
    wrong: f64,
}

/// Weights of rows per class as the rows come, in as many parts as one likes.
pub(crate) struct LabelTally {
    /// Instead of sums, where weights are counts and classes few.
    table: Option<Table>,
    both: Vec<CompensatedSum>,
    truly: Vec<CompensatedSum>,
    predicted: Vec<CompensatedSum>,
    wrongly: Vec<CompensatedSum>,
    wrong: CompensatedSum,
    occurs: Vec<bool>,
}

/// How often each true class was predicted as each class.
type Table = [[u64; MAX_TABLE_LABELS]; MAX_TABLE_LABELS];

impl LabelTally {
    /// No rows yet; all of them must come with weights of the kind `W`.
    pub(crate) fn new<W: RowWeights>(labels: usize) -> Self {
        let both = vec![CompensatedSum::default(); labels];
        Self {
            table: (W::EXACT && labels <= MAX_TABLE_LABELS).then(Table::default),
            truly: both.clone(),
            predicted: both.clone(),
            wrongly: both.clone(),
            wrong: CompensatedSum::default(),
            occurs: vec![false; labels],
            both,
        }
    }

    /// Adds the rows that are prepared.
    pub(crate) fn add<W: RowWeights>(&mut self, prepared: &Prepared<'_>, weights: &W) {
        if let Some(sums) = &mut self.table {
            let counts = table(prepared, weights);
            let cells = sums.iter_mut().flatten().zip(counts.iter().flatten());
            cells.for_each(|(sum, count)| *sum += count);
            return;
        }
        for (row, (y_true, y_pred)) in prepared.y_true.iter().zip(&*prepared.y_pred).enumerate() {
            if weights.count(row) == 0 {
                continue;
            }
            let (y_true, y_pred) = (*y_true as usize, *y_pred as usize);
            let weight = weights.weight(row);
            add::<W>(&mut self.truly[y_true], weight);
            add::<W>(&mut self.predicted[y_pred], weight);
            if y_true == y_pred {
                add::<W>(&mut self.both[y_true], weight);
            } else {
                add::<W>(&mut self.wrongly[y_pred], weight);
                add::<W>(&mut self.wrong, weight);
            }
            self.occurs[y_true] = true;
            self.occurs[y_pred] = true;
        }
    }

    /// What the rows come to.
    pub(crate) fn counts(self) -> LabelCounts {
        if let Some(table) = &self.table {
            return LabelCounts::of_table(table, self.occurs.len());
        }
        let (both, truly) = (values(self.both), values(self.truly));
        LabelCounts {
            total: sum(truly.iter().copied()),
            correct: sum(both.iter().copied()),
            wrong: self.wrong.value(),
            negative: others(&truly),
            wrongly: values(self.wrongly),
            predicted: values(self.predicted),
            both,
            truly,
            occurs: self.occurs,
        }
    }
}

impl LabelCounts {
    pub(crate) fn collect<W: RowWeights>(prepared: &Prepared<'_>, weights: &W) -> Self {
        let mut tally = LabelTally::new::<W>(prepared.labels);
        tally.add(prepared, weights);
        tally.counts()
    }

    /// From how often each true class was predicted as each class: the same to the last bit.
    fn of_table(table: &Table, labels: usize) -> Self {
        let of_class = |count: &dyn Fn(usize) -> u64| -> Vec<f64> {
            (0..labels).map(|class| count(class) as f64).collect()
        };
        let truly = |class: usize| table[class].iter().sum::<u64>();
        let predicted = |class: usize| table.iter().map(|row| row[class]).sum::<u64>();
        let truth = of_class(&truly);
        let both = of_class(&|class| table[class][class]);
        let wrongly = of_class(&|class| predicted(class) - table[class][class]);
        Self {
            total: sum(truth.iter().copied()),
            correct: sum(both.iter().copied()),
            wrong: sum(wrongly.iter().copied()),
            negative: others(&truth),
            predicted: of_class(&predicted),
            occurs: (0..labels)
                .map(|class| truly(class) + predicted(class) > 0)
                .collect(),
            truly: truth,
            both,
            wrongly,
        }
    }

    /// The same of sets of labels; every label counts as occurring.
    pub(super) fn collect_sets<W: RowWeights>(
        labels: usize,
        y_true: &[Vec<u32>],
        y_pred: &[Vec<u32>],
        weights: &W,
    ) -> Self {
        let mut both = vec![CompensatedSum::default(); labels];
        let mut truly = both.clone();
        let mut predicted = both.clone();
        let mut wrongly = both.clone();
        for (row, (y_true, y_pred)) in y_true.iter().zip(y_pred).enumerate() {
            if weights.count(row) == 0 {
                continue;
            }
            let weight = weights.weight(row);
            for label in y_true {
                add::<W>(&mut truly[*label as usize], weight);
            }
            for label in y_pred {
                add::<W>(&mut predicted[*label as usize], weight);
                let is_true = y_true.binary_search(label).is_ok();
                let sums = if is_true { &mut both } else { &mut wrongly };
                add::<W>(&mut sums[*label as usize], weight);
            }
        }
        let all = sum_rows(y_true.len(), |row| weights.weight(row));
        let (both, truly, wrongly) = (values(both), values(truly), values(wrongly));
        Self {
            total: sum(truly.iter().copied()),
            correct: sum(both.iter().copied()),
            wrong: sum(wrongly.iter().copied()),
            negative: truly.iter().map(|truly| (all - truly).max(0.0)).collect(),
            predicted: values(predicted),
            occurs: vec![true; labels],
            both,
            truly,
            wrongly,
        }
    }

    /// The weights of one class.
    pub(crate) fn of_class(&self, class: usize) -> ClassCounts {
        ClassCounts {
            both: self.both[class],
            truly: self.truly[class],
            predicted: self.predicted[class],
            wrongly: self.wrongly[class],
            negative: self.negative[class],
        }
    }

    pub(super) fn value(&self, metric: LabelMetric) -> f64 {
        match metric {
            LabelMetric::Accuracy => self.correct / self.total,
            LabelMetric::BalancedAccuracy => mean(
                self.both
                    .iter()
                    .zip(&self.truly)
                    .filter(|(_, truly)| **truly > 0.0)
                    .map(|(both, truly)| both / truly),
            ),
            LabelMetric::Precision(average) => self.precision(average),
            LabelMetric::Recall(average) => self.recall(average),
            LabelMetric::F1(average) => self.f1(average),
            LabelMetric::FBeta(beta, average) => self.averaged(average, |class| class.f_beta(beta)),
            LabelMetric::Jaccard(average) => self.jaccard(average),
            LabelMetric::SpecificityOf(average) => self.averaged(average, ClassCounts::specificity),
            LabelMetric::Specificity => ratio_or_zero(self.both[NEGATIVE], self.truly[NEGATIVE]),
            LabelMetric::NegativePredictiveValue => {
                ratio_or_zero(self.both[NEGATIVE], self.predicted[NEGATIVE])
            }
            LabelMetric::FalsePositiveRate => {
                ratio_or_zero(self.wrongly[POSITIVE], self.truly[NEGATIVE])
            }
            LabelMetric::HammingLoss => self.wrong / self.total,
            LabelMetric::Mcc => self.mcc(),
            LabelMetric::CohenKappa => self.cohen_kappa(),
        }
    }

    pub(super) fn precision(&self, average: Average) -> f64 {
        self.averaged(average, ClassCounts::precision)
    }

    pub(super) fn recall(&self, average: Average) -> f64 {
        self.averaged(average, ClassCounts::recall)
    }

    pub(super) fn f1(&self, average: Average) -> f64 {
        self.averaged(average, ClassCounts::f1)
    }

    pub(super) fn jaccard(&self, average: Average) -> f64 {
        self.averaged(average, ClassCounts::jaccard)
    }

    /// Averages a ratio over classes.
    fn averaged(&self, average: Average, ratio: impl Fn(ClassCounts) -> f64) -> f64 {
        let of_class = |class: usize| ratio(self.of_class(class));
        match average {
            Average::Positive => of_class(POSITIVE),
            Average::Macro => mean(
                (0..self.both.len())
                    .filter(|class| self.occurs[*class])
                    .map(of_class),
            ),
            Average::Micro => ratio(self.added_up()),
            Average::Weighted => {
                let weighted = (0..self.both.len())
                    .filter(|class| self.truly[*class] > 0.0)
                    .map(|class| self.truly[class] * of_class(class));
                ratio_or_zero(sum(weighted), self.total)
            }
        }
    }

    /// The weights of all classes; those not of a class only of classes that occur.
    fn added_up(&self) -> ClassCounts {
        let occurring = self.negative.iter().zip(&self.occurs);
        ClassCounts {
            both: self.correct,
            truly: self.total,
            predicted: sum(self.predicted.iter().copied()),
            wrongly: sum(self.wrongly.iter().copied()),
            negative: sum(occurring
                .filter(|(_, occurs)| **occurs)
                .map(|(negative, _)| *negative)),
        }
    }

    fn mcc(&self) -> f64 {
        let chance = sum(self.truly.iter().zip(&self.predicted).map(|(a, b)| a * b));
        let covariance = self.correct * self.total - chance;
        let product = products_with_others(&self.truly, &self.truly)
            * products_with_others(&self.predicted, &self.predicted);
        if product == 0.0 {
            return 0.0;
        }
        covariance / product.sqrt()
    }

    fn cohen_kappa(&self) -> f64 {
        let expected = products_with_others(&self.truly, &self.predicted) / self.total;
        if expected == 0.0 {
            return f64::NAN;
        }
        1.0 - self.wrong / expected
    }
}

/// The sum over k of `left[k] * sum of right[j], j != k`, which is `sum(left) *
/// sum(right) - dot(left, right)` without the cancellation: exactly 0 when both
/// hold one and the same class only, never below 0.
fn products_with_others(left: &[f64], right: &[f64]) -> f64 {
    let mut total = CompensatedSum::default();
    for (left, others) in left.iter().zip(others(right)) {
        total.add(left * others);
    }
    total.value()
}

/// The sum of all values but one, for each of them, without cancellation.
fn others(values: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; values.len()];
    let mut after = CompensatedSum::default();
    for (sum, value) in sums.iter_mut().zip(values).rev() {
        *sum = after.value();
        after.add(*value);
    }
    let mut before = CompensatedSum::default();
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += before.value();
        before.add(*value);
    }
    sums
}

/// How often each true class was predicted as each class, for weights that are counts. Rows take
/// turns between tables, so that a row need not wait for the count of the one before.
fn table<W: RowWeights>(prepared: &Prepared<'_>, weights: &W) -> Table {
    const TURNS: usize = 4;
    let mut turns = [[0_u64; MAX_TABLE_LABELS * MAX_TABLE_LABELS]; TURNS];
    for (row, (y_true, y_pred)) in prepared.y_true.iter().zip(&*prepared.y_pred).enumerate() {
        let cell = *y_true as usize * MAX_TABLE_LABELS + *y_pred as usize;
        turns[row % TURNS][cell] += u64::from(weights.count(row));
    }
    std::array::from_fn(|truth| {
        std::array::from_fn(|predicted| {
            let cell = truth * MAX_TABLE_LABELS + predicted;
            turns.iter().map(|table| table[cell]).sum()
        })
    })
}

fn values(sums: Vec<CompensatedSum>) -> Vec<f64> {
    sums.into_iter().map(CompensatedSum::value).collect()
}

fn add<W: RowWeights>(sum: &mut CompensatedSum, weight: f64) {
    if W::EXACT {
        sum.add_exact(weight);
    } else {
        sum.add(weight);
    }
}

fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let mut sum = CompensatedSum::default();
    for value in values {
        sum.add(value);
    }
    sum.value()
}

fn ratio_or_zero(numerator: f64, denominator: f64) -> f64 {
    if denominator > 0.0 {
        numerator / denominator
    } else {
        0.0
    }
}
