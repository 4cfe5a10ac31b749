//! Gradient boosting: one tree per score and round on the gradients of the
//! loss. The tree learner is `forust-ml`'s; the loop is ours, for its curve,
//! its checkpoints and its seeds.

use std::collections::HashMap;

use forust_ml::Matrix;
use forust_ml::binning::{BinnedData, bin_matrix};
use forust_ml::gradientbooster::GrowPolicy;
use forust_ml::sampler::SampleMethod;
use forust_ml::splitter::MissingImputerSplitter;
use forust_ml::tree::Tree;
use serde::{Deserialize, Serialize};

use crate::dataset::Labelled;
use crate::failure::Failure;
use crate::objective::Objective;
use crate::params::Params;
use crate::sampling::{self, Purpose};
use crate::table::Table;

/// What is saved of a booster; enough to go on and to predict.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct BoosterState {
    /// Scores before the first round, one per score.
    base_scores: Vec<f64>,
    /// Trees by round, then by score.
    rounds: Vec<Vec<Vec<NodeState>>>,
}

/// A node: `[weight]` for a leaf, `[feature, below, left, right, missing]` for
/// a split, where rows with `value < below` go left.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum NodeState {
    Leaf([f32; 1]),
    Split(usize, f64, usize, usize, usize),
}

/// A booster in training.
pub(crate) struct Booster {
    params: Params,
    objective: Objective,
    seed: i64,
    base_scores: Vec<f64>,
    rounds: Vec<Vec<Tree>>,
    binned: BinnedData<f64>,
    scores: Vec<f64>,
}

impl Booster {
    /// Prepares training, from nothing or from a saved state.
    pub(crate) fn new(
        params: &Params,
        seed: i64,
        train: &Labelled,
        saved: Option<BoosterState>,
    ) -> Result<Self, Failure> {
        let table = &train.table;
        let bins = u16::try_from(params.max_bins)
            .map_err(|_| Failure::config("params.max_bins", "is too large"))?;
        let matrix = Matrix::new(&table.values, table.rows, table.features.len());
        let binned = bin_matrix(&matrix, &vec![1.0; table.rows], bins, f64::NAN, false)
            .map_err(|error| Failure::dataset("dataset.splits.train", error.to_string()))?;
        let (base_scores, rounds) = match saved {
            Some(state) => state.into_trees(train.objective, table.features.len())?,
            None => (train.objective.base_scores(&train.y), Vec::new()),
        };
        let mut booster = Self {
            params: params.clone(),
            objective: train.objective,
            seed,
            base_scores,
            rounds,
            binned,
            scores: Vec::new(),
        };
        booster.scores = booster.scores(table);
        Ok(booster)
    }

    pub(crate) fn rounds_done(&self) -> usize {
        self.rounds.len()
    }

    pub(crate) fn train_scores(&self) -> &[f64] {
        &self.scores
    }

    /// Forgets the rounds after `rounds`.
    pub(crate) fn truncate(&mut self, rounds: usize) {
        self.rounds.truncate(rounds);
    }

    /// Adds one round of trees.
    pub(crate) fn advance(&mut self, train: &Labelled) {
        let width = self.objective.width();
        let (gradients, hessians) = self.derivatives(&train.y);
        let trees: Vec<Tree> = (0..width)
            .map(|score| self.grow(train, score, &gradients[score], &hessians[score]))
            .collect();
        add_round(&trees, &train.table, &mut self.scores);
        self.rounds.push(trees);
    }

    /// Scores of any table with the training features, row-major.
    pub(crate) fn scores(&self, table: &Table) -> Vec<f64> {
        let mut scores = self.base_scores.repeat(table.rows);
        for trees in &self.rounds {
            add_round(trees, table, &mut scores);
        }
        scores
    }

    /// Adds the last round to scores that hold all earlier ones.
    pub(crate) fn add_last_round(&self, table: &Table, scores: &mut [f64]) {
        if let Some(trees) = self.rounds.last() {
            add_round(trees, table, scores);
        }
    }

    pub(crate) fn state(&self) -> BoosterState {
        BoosterState {
            base_scores: self.base_scores.clone(),
            rounds: self
                .rounds
                .iter()
                .map(|trees| trees.iter().map(nodes).collect())
                .collect(),
        }
    }

    /// Derivatives by score, then by row.
    fn derivatives(&self, y: &[f64]) -> (Vec<Vec<f32>>, Vec<Vec<f32>>) {
        let width = self.objective.width();
        let mut gradients = vec![vec![0.0_f32; y.len()]; width];
        let mut hessians = gradients.clone();
        let mut row_probabilities = Vec::new();
        for (row, (scores, &target)) in self.scores.chunks_exact(width).zip(y).enumerate() {
            self.objective.probabilities(scores, &mut row_probabilities);
            for score in 0..width {
                let (gradient, hessian) =
                    self.objective
                        .derivatives(&row_probabilities, target, score);
                #[expect(clippy::cast_possible_truncation, reason = "the learner takes f32")]
                {
                    gradients[score][row] = gradient as f32;
                    hessians[score][row] = hessian as f32;
                }
            }
        }
        (gradients, hessians)
    }

    fn grow(&self, train: &Labelled, score: usize, gradient: &[f32], hessian: &[f32]) -> Tree {
        let (rows, columns) = (train.table.rows, train.table.features.len());
        let key = (self.rounds.len() * self.objective.width() + score) as u64;
        let draw = |purpose, count, fraction: f64| {
            if fraction < 1.0 {
                let mut rng = sampling::generator(self.seed, purpose, key);
                sampling::sample(&mut rng, count, fraction)
            } else {
                (0..count).collect()
            }
        };
        let index: Vec<usize> = draw(Purpose::Rows, rows, self.params.subsample);
        let column_index: Vec<usize> =
            draw(Purpose::Columns, columns, self.params.column_subsample);
        let method = if index.len() < rows {
            SampleMethod::Random
        } else {
            SampleMethod::None
        };
        let data = Matrix::new(&self.binned.binned_data, rows, columns);
        let mut tree = Tree::new();
        tree.fit(
            &data,
            index,
            &column_index,
            &self.binned.cuts,
            gradient,
            hessian,
            &splitter(&self.params),
            usize::MAX,
            usize::try_from(self.params.max_depth).unwrap_or(usize::MAX),
            false,
            &method,
            &GrowPolicy::DepthWise,
        );
        tree
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the learner takes f32")]
fn splitter(params: &Params) -> MissingImputerSplitter {
    MissingImputerSplitter::new(
        0.0,
        params.l2 as f32,
        0.0,
        params.min_split_gain as f32,
        params.min_child_weight as f32,
        params.learning_rate as f32,
        true,
        HashMap::new(),
    )
}

fn add_round(trees: &[Tree], table: &Table, scores: &mut [f64]) {
    let matrix = Matrix::new(&table.values, table.rows, table.features.len());
    for (score, tree) in trees.iter().enumerate() {
        let values = tree.predict(&matrix, false, &f64::NAN);
        let own = scores.iter_mut().skip(score).step_by(trees.len());
        own.zip(values).for_each(|(sum, value)| *sum += value);
    }
}

/// The nodes of a tree; the learner's node type cannot be named, only used.
fn nodes(tree: &Tree) -> Vec<NodeState> {
    let state = tree.nodes.iter().map(|node| {
        if node.is_leaf {
            NodeState::Leaf([node.weight_value])
        } else {
            NodeState::Split(
                node.split_feature,
                node.split_value,
                node.left_child,
                node.right_child,
                node.missing_node,
            )
        }
    });
    state.collect()
}

/// A tree that predicts as the one the nodes were taken from.
fn tree(nodes: &[NodeState]) -> Result<Tree, serde_json::Error> {
    let node = |(num, state): (usize, &NodeState)| {
        let (is_leaf, weight, (feature, below, left, right, missing)) = match *state {
            NodeState::Leaf([weight]) => (true, weight, (0, 0.0, 0, 0, 0)),
            NodeState::Split(feature, below, left, right, missing) => {
                (false, 0.0, (feature, below, left, right, missing))
            }
        };
        serde_json::json!({
            "num": num, "weight_value": weight, "hessian_sum": 0.0, "depth": 0,
            "split_value": below, "split_feature": feature, "split_gain": 0.0,
            "missing_node": missing, "left_child": left, "right_child": right,
            "is_leaf": is_leaf,
        })
    };
    let nodes: Vec<_> = nodes.iter().enumerate().map(node).collect();
    serde_json::from_value(serde_json::json!({ "nodes": nodes }))
}

impl NodeState {
    /// Whether it points only forward, inside the tree and to real features:
    /// then predicting ends.
    fn is_sound(&self, num: usize, nodes: usize, features: usize) -> bool {
        match *self {
            Self::Leaf(_) => true,
            Self::Split(feature, _, left, right, missing) => {
                let child = |index: usize| index > num && index < nodes;
                feature < features && child(left) && child(right) && child(missing)
            }
        }
    }
}

impl BoosterState {
    fn into_trees(
        self,
        objective: Objective,
        features: usize,
    ) -> Result<(Vec<f64>, Vec<Vec<Tree>>), Failure> {
        let width = objective.width();
        let sound = self.base_scores.len() == width
            && self.rounds.iter().all(|trees| trees.len() == width)
            && self.rounds.iter().flatten().all(|nodes| {
                let sound =
                    |(num, node): (usize, &NodeState)| node.is_sound(num, nodes.len(), features);
                !nodes.is_empty() && nodes.iter().enumerate().all(sound)
            });
        let damaged = || Failure::config("resume", "the checkpoint's trees are damaged");
        if !sound {
            return Err(damaged());
        }
        let round = |trees: &Vec<Vec<NodeState>>| trees.iter().map(|nodes| tree(nodes)).collect();
        let rounds = self
            .rounds
            .iter()
            .map(round)
            .collect::<Result<_, serde_json::Error>>()
            .map_err(|_| damaged())?;
        Ok((self.base_scores, rounds))
    }
}
