//! Linear, logistic and softmax regression by mini-batch Adam on standardised
//! features (Kingma and Ba, 2015, with decoupled weight decay).

use serde::{Deserialize, Serialize};

use crate::dataset::Labelled;
use crate::failure::Failure;
use crate::objective::Objective;
use crate::params::Params;
use crate::sampling::{self, Purpose};
use crate::table::Table;

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// What is saved of a linear model; enough to go on and to predict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LinearState {
    /// Epochs done.
    epochs: usize,
    /// Mean and scale of each feature.
    centre: Vec<f64>,
    scale: Vec<f64>,
    /// Mean and scale of a regression target; 0 and 1 otherwise.
    target_centre: f64,
    target_scale: f64,
    /// Row-major `[width, features + 1]`; the last of a row is the intercept.
    weights: Vec<f64>,
    /// Adam's moments and updates done.
    first_moment: Vec<f64>,
    second_moment: Vec<f64>,
    updates: u64,
    /// The weights at the best validation loss so far.
    best_weights: Option<Vec<f64>>,
}

/// A linear model in training.
pub(crate) struct Linear {
    params: Params,
    objective: Objective,
    seed: i64,
    state: LinearState,
    /// Standardised training features, row-major `[rows, features]`.
    rows: Vec<f64>,
    targets: Vec<f64>,
}

impl Linear {
    /// Prepares training, from nothing or from a saved state.
    pub(crate) fn new(
        params: &Params,
        seed: i64,
        train: &Labelled,
        saved: Option<LinearState>,
    ) -> Result<Self, Failure> {
        let width = train.objective.width();
        let length = width * (train.table.features.len() + 1);
        let state = saved.unwrap_or_else(|| LinearState::fresh(train, length));
        let vectors = [&state.weights, &state.first_moment, &state.second_moment];
        let spreads = [&state.centre, &state.scale];
        let features = train.table.features.len();
        if vectors.iter().any(|vector| vector.len() != length)
            || spreads.iter().any(|spread| spread.len() != features)
        {
            return Err(Failure::config(
                "resume",
                "the checkpoint's weights are damaged",
            ));
        }
        let targets = train
            .y
            .iter()
            .map(|y| (y - state.target_centre) / state.target_scale)
            .collect();
        Ok(Self {
            params: params.clone(),
            objective: train.objective,
            seed,
            rows: state.standardised(&train.table),
            targets,
            state,
        })
    }

    pub(crate) fn epochs_done(&self) -> usize {
        self.state.epochs
    }

    pub(crate) fn state(&self) -> &LinearState {
        &self.state
    }

    pub(crate) fn mark_best(&mut self) {
        self.state.best_weights = Some(self.state.weights.clone());
    }

    pub(crate) fn rewind_to_best(&mut self) {
        if let Some(weights) = self.state.best_weights.take() {
            self.state.weights = weights;
        }
    }

    /// One pass over the training rows in a seeded order.
    pub(crate) fn advance(&mut self) {
        let epoch = self.state.epochs as u64;
        let mut rng = sampling::generator(self.seed, Purpose::Shuffle, epoch);
        let order = sampling::shuffled(&mut rng, self.targets.len());
        let batch = usize::try_from(self.params.batch_size).unwrap_or(usize::MAX);
        for rows in order.chunks(batch) {
            let gradient = self.gradient(rows);
            self.update(&gradient);
        }
        self.state.epochs += 1;
    }

    /// Scores of any table with the training features, in the target's unit.
    pub(crate) fn scores(&self, table: &Table) -> Vec<f64> {
        let rows = self.state.standardised(table);
        let width = self.objective.width();
        let mut scores = Vec::with_capacity(table.rows * width);
        for row in rows.chunks_exact(table.features.len()) {
            for score in 0..width {
                let raw = self.score(row, score);
                scores.push(raw * self.state.target_scale + self.state.target_centre);
            }
        }
        scores
    }

    fn score(&self, row: &[f64], score: usize) -> f64 {
        let weights = &self.state.weights[score * (row.len() + 1)..][..=row.len()];
        let products = row
            .iter()
            .zip(weights)
            .map(|(value, weight)| value * weight);
        products.sum::<f64>() + weights[row.len()]
    }

    /// Mean gradient over some rows, laid out like the weights.
    fn gradient(&self, rows: &[usize]) -> Vec<f64> {
        let features = self.state.centre.len();
        let width = self.objective.width();
        let mut gradient = vec![0.0; self.state.weights.len()];
        let (mut scores, mut probabilities) = (Vec::new(), Vec::new());
        for &index in rows {
            let row = &self.rows[index * features..][..features];
            scores.clear();
            scores.extend((0..width).map(|score| self.score(row, score)));
            self.objective.probabilities(&scores, &mut probabilities);
            for (score, own) in gradient.chunks_exact_mut(features + 1).enumerate() {
                let (slope, _) =
                    self.objective
                        .derivatives(&probabilities, self.targets[index], score);
                own.iter_mut()
                    .zip(row)
                    .for_each(|(sum, value)| *sum += slope * value);
                own[features] += slope;
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "batches are below 2^53 rows")]
        let count = rows.len() as f64;
        gradient.iter_mut().for_each(|sum| *sum /= count);
        gradient
    }

    fn update(&mut self, gradient: &[f64]) {
        let stride = self.state.centre.len() + 1;
        let state = &mut self.state;
        state.updates += 1;
        #[expect(clippy::cast_precision_loss, reason = "updates are far below 2^53")]
        let updates = state.updates as f64;
        let first_bias = 1.0 - libm::pow(BETA1, updates);
        let second_bias = 1.0 - libm::pow(BETA2, updates);
        for (index, &slope) in gradient.iter().enumerate() {
            let first = &mut state.first_moment[index];
            let second = &mut state.second_moment[index];
            *first = BETA1 * *first + (1.0 - BETA1) * slope;
            *second = BETA2 * *second + (1.0 - BETA2) * slope * slope;
            let step = (*first / first_bias) / ((*second / second_bias).sqrt() + EPSILON);
            let intercept = index % stride == stride - 1;
            let decay = if intercept {
                0.0
            } else {
                self.params.weight_decay
            };
            let weight = &mut state.weights[index];
            *weight -= self.params.step_size * (step + decay * *weight);
        }
    }
}

impl LinearState {
    fn fresh(train: &Labelled, length: usize) -> Self {
        let table = &train.table;
        let (centre, scale) = table.values.chunks_exact(table.rows).map(spread).unzip();
        let (target_centre, target_scale) = if train.objective.is_classification() {
            (0.0, 1.0)
        } else {
            spread(&train.y)
        };
        Self {
            epochs: 0,
            centre,
            scale,
            target_centre,
            target_scale,
            weights: vec![0.0; length],
            first_moment: vec![0.0; length],
            second_moment: vec![0.0; length],
            updates: 0,
            best_weights: None,
        }
    }

    /// Row-major standardised features of a table.
    fn standardised(&self, table: &Table) -> Vec<f64> {
        let features = table.features.len();
        let mut rows = Vec::with_capacity(table.values.len());
        for row in 0..table.rows {
            rows.extend((0..features).map(|feature| {
                let value = table.values[feature * table.rows + row];
                (value - self.centre[feature]) / self.scale[feature]
            }));
        }
        rows
    }
}

/// Mean and standard deviation; the latter is 1 where it would be 0.
fn spread(values: &[f64]) -> (f64, f64) {
    #[expect(clippy::cast_precision_loss, reason = "row counts are below 2^53")]
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values
        .iter()
        .map(|value| (value - mean) * (value - mean))
        .sum::<f64>()
        / count;
    let deviation = variance.sqrt();
    (mean, if deviation > 0.0 { deviation } else { 1.0 })
}
