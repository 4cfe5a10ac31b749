//! One training from a run directory: read, train step by step, predict, save.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mlhub_protocol::number::Number;
use mlhub_protocol::run_dir::{RUN_DIR_VERSION, RunFile, names};

use crate::checkpoint::{Best, Checkpoint};
use crate::dataset::Problem;
use crate::entry;
use crate::events::EventWriter;
use crate::failure::Failure;
use crate::model::Model;
use crate::params::Params;
use crate::predictions;

const MODEL_FILE: &str = "artifacts/model.json";

/// How a training ended without failing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All steps done, predictions and model written.
    Finished,
    /// SIGTERM came: a checkpoint is written, the rest is left undone.
    Terminated,
}

/// Does what `run.json` in `run_dir` asks for.
pub(crate) fn train(run_dir: &Path) -> Result<Outcome, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGTERM, Arc::clone(&stop))
        .map_err(Failure::io("minding SIGTERM for", run_dir))?;
    let run = read_run(run_dir)?;
    let params = Params::read(&run.params)?;
    let problem = Problem::load(&run, &params)?;
    let mut training = Training::prepare(run_dir, &run, &params, &problem)?;
    training.introduce()?;
    let finished = training.run(&stop)?;
    if !finished {
        training.save_checkpoint()?;
        return Ok(Outcome::Terminated);
    }
    training.finish()?;
    Ok(Outcome::Finished)
}

fn read_run(run_dir: &Path) -> Result<RunFile, Failure> {
    let path = run_dir.join(names::RUN);
    let text = std::fs::read_to_string(&path).map_err(Failure::io("reading", &path))?;
    let run: RunFile = serde_json::from_str(&text).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        Failure::config(
            names::RUN,
            format!("is not a run file of the protocol ({place})"),
        )
    })?;
    if run.version > RUN_DIR_VERSION {
        return Err(Failure::config(
            "version",
            format!(
                "the run directory has version {}; this adapter reads up to {RUN_DIR_VERSION}",
                run.version
            ),
        ));
    }
    Ok(run)
}

/// A training under way.
struct Training<'a> {
    run_dir: &'a Path,
    run: &'a RunFile,
    params: &'a Params,
    problem: &'a Problem,
    events: EventWriter,
    model: Model,
    validation_scores: Vec<f64>,
    best: Option<Best>,
    saved_step: Option<u64>,
}

impl<'a> Training<'a> {
    fn prepare(
        run_dir: &'a Path,
        run: &'a RunFile,
        params: &'a Params,
        problem: &'a Problem,
    ) -> Result<Self, Failure> {
        let events =
            EventWriter::open(run_dir).map_err(Failure::io("opening events of", run_dir))?;
        let saved = run
            .resume
            .as_ref()
            .map(|resume| Checkpoint::read(Path::new(&resume.checkpoint)))
            .transpose()?;
        let (best, state) = saved.as_ref().map_or((None, None), |saved| {
            (saved.best, Some(saved.model.clone()))
        });
        let model = Model::new(params, run.seed, &problem.train, state)?;
        let validation_scores = problem
            .validation
            .as_ref()
            .map_or_else(Vec::new, |validation| model.scores(&validation.table));
        let training = Self {
            run_dir,
            run,
            params,
            problem,
            events,
            saved_step: None,
            model,
            validation_scores,
            best,
        };
        if let Some(saved) = saved {
            saved.check(&training.checkpoint())?;
        }
        Ok(training)
    }

    fn introduce(&mut self) -> Result<(), Failure> {
        let told = self.events.entry(entry::describe(self.problem));
        told.map_err(Failure::io("writing events of", self.run_dir))?;
        if self.problem.task_inferred {
            let task = self.problem.task();
            let message = format!(
                "no task was given; the target looks like {task}. Set evaluation.task to be sure"
            );
            let told = self.events.warning(message);
            told.map_err(Failure::io("writing events of", self.run_dir))?;
        }
        Ok(())
    }

    /// Steps until done; false when told to stop before.
    fn run(&mut self, stop: &AtomicBool) -> Result<bool, Failure> {
        let total = self.params.steps();
        while self.model.steps_done() < total && !self.out_of_patience() {
            if stop.load(Ordering::Relaxed) {
                return Ok(false);
            }
            self.model.advance(&self.problem.train);
            let metrics = self.measure();
            let step = self.model.steps_done();
            let told = self.events.step(step, total, metrics);
            told.map_err(Failure::io("writing events of", self.run_dir))?;
            // Never a multiple of 0, which turns checkpoints off.
            let every = self.params.checkpoint_every;
            if step.is_multiple_of(every) {
                self.save_checkpoint()?;
            }
        }
        Ok(true)
    }

    /// The metrics of the present step; remembers the best one.
    fn measure(&mut self) -> BTreeMap<String, Number> {
        let train = &self.problem.train;
        let objective = train.objective;
        let second = if objective.is_classification() {
            "accuracy"
        } else {
            "rmse"
        };
        let mut metrics = BTreeMap::new();
        let mut add = |split: &str, (loss, other): (f64, f64)| {
            metrics.insert(format!("{split}/loss"), Number(loss));
            metrics.insert(format!("{split}/{second}"), Number(other));
        };
        add(
            "train",
            objective.measure(&self.model.train_scores(train), &train.y),
        );
        if let Some(validation) = &self.problem.validation {
            self.model
                .refresh(&validation.table, &mut self.validation_scores);
            let measured = objective.measure(&self.validation_scores, &validation.y);
            add("validation", measured);
            if self.params.early_stopping_rounds > 0
                && self.best.is_none_or(|best| measured.0 < best.loss)
            {
                self.best = Some(Best {
                    step: self.model.steps_done(),
                    loss: measured.0,
                });
                self.model.mark_best();
            }
        }
        metrics
    }

    fn out_of_patience(&self) -> bool {
        let patience = self.params.early_stopping_rounds;
        self.best
            .is_some_and(|best| self.model.steps_done() - best.step >= patience)
    }

    fn checkpoint(&self) -> Checkpoint {
        let problem = self.problem;
        let train = self
            .run
            .dataset
            .as_ref()
            .and_then(|data| data.splits.get("train"));
        Checkpoint {
            version: Checkpoint::VERSION,
            step: self.model.steps_done(),
            seed: self.run.seed,
            params: self.params.identity(),
            train_fingerprint: train.map_or_else(String::new, |split| split.fingerprint.clone()),
            objective: problem.train.objective,
            features: problem.train.table.features.clone(),
            classes: problem.classes.clone(),
            best: self.best,
            model: self.model.state(),
        }
    }

    fn save_checkpoint(&mut self) -> Result<(), Failure> {
        let step = self.model.steps_done();
        if self.saved_step == Some(step) {
            return Ok(());
        }
        let path = self.checkpoint().write(self.run_dir)?;
        let told = self.events.checkpoint(step, &path);
        told.map_err(Failure::io("writing events of", self.run_dir))?;
        self.saved_step = Some(step);
        Ok(())
    }

    /// Predictions of every split asked for, then the model.
    fn finish(&mut self) -> Result<(), Failure> {
        if let Some(best) = self.best {
            self.model.rewind(best.step);
        }
        let (objective, classes) = (self.problem.train.objective, &self.problem.classes);
        for (split, table) in &self.problem.predict {
            let scores = self.model.scores(table);
            let path = predictions::write(self.run_dir, split, table, &scores, objective, classes)?;
            let told = self.events.predictions(split, &path, self.problem.task());
            told.map_err(Failure::io("writing events of", self.run_dir))?;
        }
        self.checkpoint().write_to(self.run_dir, MODEL_FILE)?;
        let told = self.events.artifact(MODEL_FILE, "model");
        told.map_err(Failure::io("writing events of", self.run_dir))
    }
}
