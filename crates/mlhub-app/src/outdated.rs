//! Numbers of metric definitions that a newer version has replaced, and evaluating their runs
//! again from the stored predictions.
//!
//! Nothing is evaluated again by itself: old numbers stay what they were until somebody asks,
//! and are not compared with new ones meanwhile.

use std::collections::BTreeSet;

use mlhub_core::{Caller, Permission, Result, RunId, limits};

use crate::Hub;
use crate::evaluation::plan_of;

/// Numbers of one replaced definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutdatedMetric {
    /// `name@version`.
    pub definition: String,
    /// The version of this hub.
    pub newest: String,
    /// Runs that can be evaluated again.
    pub runs: Vec<RunId>,
    /// Runs whose experiment asks for the old version by its number: they keep it.
    pub pinned: Vec<RunId>,
}

/// What there is to evaluate again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outdated {
    /// By definition.
    pub metrics: Vec<OutdatedMetric>,
    /// Runs whose evaluation was queued; none in a dry run.
    pub queued: Vec<RunId>,
    /// Runs that cannot be evaluated again, and why.
    pub refused: Vec<(RunId, String)>,
    /// Whether there may be more runs than were looked at.
    pub more: bool,
}

impl Hub {
    /// Finds numbers of replaced metric definitions and, unless `dry_run`, queues the
    /// evaluation of their runs.
    ///
    /// # Errors
    /// Of the store. A run that cannot be evaluated again is told and keeps its numbers.
    pub async fn outdated_metrics(&self, caller: &Caller, dry_run: bool) -> Result<Outdated> {
        caller.require(Permission::Write)?;
        let mut found = Outdated::default();
        for stored in self.store.definition_list().await? {
            let Some(newest) = replacement(&stored.id) else {
                continue;
            };
            let limit = limits::OUTDATED_RUNS_MAX;
            let runs = self.store.evaluated_by(&stored.id, limit).await?;
            found.more |= runs.len() == limit;
            let mut metric = OutdatedMetric {
                definition: stored.id,
                newest,
                runs: Vec::new(),
                pinned: Vec::new(),
            };
            for run in runs {
                let snapshot = self.snapshot(&run).await?;
                let plan = plan_of(&snapshot);
                let pinned = plan.is_some_and(|plan| plan.metrics.contains(&metric.definition));
                match pinned {
                    true => metric.pinned.push(run),
                    false => metric.runs.push(run),
                }
            }
            if !(metric.runs.is_empty() && metric.pinned.is_empty()) {
                found.metrics.push(metric);
            }
        }
        if dry_run {
            return Ok(found);
        }
        let runs: BTreeSet<RunId> = found
            .metrics
            .iter()
            .flat_map(|of| of.runs.clone())
            .collect();
        for run in runs {
            match self.evaluation_repeat(caller, run.as_str()).await {
                Ok(_) => found.queued.push(run),
                Err(error) => found.refused.push((run, error.public_message().to_owned())),
            }
        }
        Ok(found)
    }
}

/// The newest version of a metric, where that is not the one given.
fn replacement(id: &str) -> Option<String> {
    let (name, version) = id.split_once('@')?;
    let version: u32 = version.parse().ok()?;
    let newest = mlhub_eval::definitions()
        .iter()
        .filter(|of| of.name == name)
        .max_by_key(|of| of.version)?;
    (newest.version > version).then(|| newest.id())
}
