//! The model being trained, whichever it is: one step at a time.

use serde::{Deserialize, Serialize};

use crate::boosting::{Booster, BoosterState};
use crate::dataset::Labelled;
use crate::failure::Failure;
use crate::linear::{Linear, LinearState};
use crate::params::{ModelKind, Params};
use crate::table::Table;

/// A model in training.
pub(crate) enum Model {
    Boosting(Box<Booster>),
    Linear(Box<Linear>),
}

/// What is saved of a model.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum ModelState {
    Boosting(BoosterState),
    Linear(LinearState),
}

impl Model {
    /// Prepares training, from nothing or from a saved state.
    pub(crate) fn new(
        params: &Params,
        seed: i64,
        train: &Labelled,
        saved: Option<ModelState>,
    ) -> Result<Self, Failure> {
        match (params.model, saved) {
            (ModelKind::GradientBoosting, None) => boosting(params, seed, train, None),
            (ModelKind::GradientBoosting, Some(ModelState::Boosting(state))) => {
                boosting(params, seed, train, Some(state))
            }
            (ModelKind::Logistic | ModelKind::Linear, None) => linear(params, seed, train, None),
            (ModelKind::Logistic | ModelKind::Linear, Some(ModelState::Linear(state))) => {
                linear(params, seed, train, Some(state))
            }
            _ => Err(Failure::config(
                "resume",
                "the checkpoint holds another kind of model",
            )),
        }
    }

    /// Steps done.
    pub(crate) fn steps_done(&self) -> u64 {
        match self {
            Self::Boosting(booster) => booster.rounds_done() as u64,
            Self::Linear(linear) => linear.epochs_done() as u64,
        }
    }

    /// One round or epoch.
    pub(crate) fn advance(&mut self, train: &Labelled) {
        match self {
            Self::Boosting(booster) => booster.advance(train),
            Self::Linear(linear) => linear.advance(),
        }
    }

    /// Scores of the training rows.
    pub(crate) fn train_scores(&self, train: &Labelled) -> Vec<f64> {
        match self {
            Self::Boosting(booster) => booster.train_scores().to_vec(),
            Self::Linear(linear) => linear.scores(&train.table),
        }
    }

    /// Scores of any table with the training features.
    pub(crate) fn scores(&self, table: &Table) -> Vec<f64> {
        match self {
            Self::Boosting(booster) => booster.scores(table),
            Self::Linear(linear) => linear.scores(table),
        }
    }

    /// Brings scores from before the last step up to date.
    pub(crate) fn refresh(&self, table: &Table, scores: &mut Vec<f64>) {
        match self {
            Self::Boosting(booster) => booster.add_last_round(table, scores),
            Self::Linear(linear) => *scores = linear.scores(table),
        }
    }

    /// Remembers the present step as the best.
    pub(crate) fn mark_best(&mut self) {
        if let Self::Linear(linear) = self {
            linear.mark_best();
        }
    }

    /// Goes back to the best step.
    pub(crate) fn rewind(&mut self, best_step: u64) {
        match self {
            Self::Boosting(booster) => {
                booster.truncate(usize::try_from(best_step).unwrap_or(usize::MAX));
            }
            Self::Linear(linear) => linear.rewind_to_best(),
        }
    }

    pub(crate) fn state(&self) -> ModelState {
        match self {
            Self::Boosting(booster) => ModelState::Boosting(booster.state()),
            Self::Linear(linear) => ModelState::Linear(linear.state().clone()),
        }
    }
}

fn boosting(
    params: &Params,
    seed: i64,
    train: &Labelled,
    saved: Option<BoosterState>,
) -> Result<Model, Failure> {
    let booster = Booster::new(params, seed, train, saved)?;
    Ok(Model::Boosting(Box::new(booster)))
}

fn linear(
    params: &Params,
    seed: i64,
    train: &Labelled,
    saved: Option<LinearState>,
) -> Result<Model, Failure> {
    let linear = Linear::new(params, seed, train, saved)?;
    Ok(Model::Linear(Box::new(linear)))
}
