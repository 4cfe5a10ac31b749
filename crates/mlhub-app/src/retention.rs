//! Rules by which the hub deletes by itself: set, listed, removed, applied.
//!
//! When they are applied is not decided here; the binary does it now and then.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use mlhub_core::deletion::{BestDirection, DeletionAction, DeletionScope, KeepBest, RetentionRule};
use mlhub_core::run::Run;
use mlhub_core::{Caller, Error, ErrorKind, Name, Permission, Result, RunId, UserId};

use crate::deletion_request::Chosen;
use crate::run_search::numeric;
use crate::{DeletionReport, Hub};

/// Rules a hub may have.
const RULES_MAX: usize = 1000;

/// A rule to set.
#[derive(Debug, Clone)]
pub struct RetentionDraft {
    /// Its name.
    pub name: Name,
    /// Which runs, in the query language; empty for all.
    pub query: String,
    /// What is done to them.
    pub action: DeletionAction,
    /// Only runs that ended (or were deleted) at least so long ago.
    pub after_ms: Option<i64>,
    /// The newest runs of each experiment that are left alone.
    pub keep_last: u32,
    /// The best runs of each experiment that are left alone too.
    pub keep_best: Option<KeepBest>,
}

impl Hub {
    /// Sets a rule; one of the same name is replaced.
    pub async fn retention_set(
        &self,
        caller: &Caller,
        draft: RetentionDraft,
    ) -> Result<RetentionRule> {
        caller.require(Permission::Admin)?;
        if draft.action == DeletionAction::Restore {
            return Err(Error::invalid("a retention rule cannot restore runs"));
        }
        if draft.after_ms.is_some_and(|after| after < 0) {
            return Err(Error::invalid("the age of a retention rule is negative"));
        }
        if let Some(best) = &draft.keep_best {
            numeric("by", &best.by)?;
            if best.count == 0 {
                return Err(Error::invalid(
                    "a rule that keeps the best keeps 1 at least",
                ));
            }
        }
        let keeps_some = draft.keep_last > 0 || draft.keep_best.is_some();
        if draft.query.trim().is_empty() && draft.after_ms.is_none() && !keeps_some {
            return Err(Error::invalid(
                "this rule would take every run as soon as it ends; give it a query, an age or a number to keep",
            ));
        }
        // A query with a mistake is told now, not in the night.
        self.runs_matching_check(&draft.query).await?;
        let rules = self.store.retention_list().await?;
        if rules.len() >= RULES_MAX && !rules.iter().any(|rule| rule.name == draft.name) {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!("a hub may have {RULES_MAX} retention rules"),
            ));
        }
        let rule = RetentionRule {
            name: draft.name,
            query: draft.query,
            action: draft.action,
            after_ms: draft.after_ms,
            keep_last: draft.keep_last,
            keep_best: draft.keep_best,
            actor: caller.user.clone(),
            created_at: self.clock.now(),
            applied_at: None,
        };
        self.store.retention_put(&rule).await?;
        Ok(rule)
    }

    /// All rules by name.
    pub async fn retention_list(&self, caller: &Caller) -> Result<Vec<RetentionRule>> {
        caller.require(Permission::Read)?;
        self.store.retention_list().await
    }

    /// Removes a rule.
    pub async fn retention_remove(&self, caller: &Caller, name: &Name) -> Result<()> {
        caller.require(Permission::Admin)?;
        if self.store.retention_remove(name).await? {
            return Ok(());
        }
        Err(Error::not_found("retention rule", name))
    }

    /// Applies one rule, or all of them by name.
    ///
    /// # Errors
    /// Of the first rule that cannot be applied, naming it; the others were applied.
    pub async fn retention_apply(
        &self,
        caller: &Caller,
        name: Option<&Name>,
        dry_run: bool,
    ) -> Result<Vec<(RetentionRule, DeletionReport)>> {
        caller.require(Permission::Admin)?;
        let mut rules = self.store.retention_list().await?;
        if let Some(name) = name {
            rules.retain(|rule| rule.name == *name);
            if rules.is_empty() {
                return Err(Error::not_found("retention rule", name));
            }
        }
        let mut reports = Vec::with_capacity(rules.len());
        let mut failed = None;
        for rule in rules {
            let applied = self.retention_apply_one(&rule, &caller.user, dry_run).await;
            match applied {
                Ok(report) => reports.push((rule, report)),
                Err(error) => {
                    let said =
                        format!("retention rule `{}`: {}", rule.name, error.public_message());
                    failed.get_or_insert(Error::new(error.kind(), said).with_source(error));
                }
            }
        }
        match failed {
            Some(error) => Err(error),
            None => Ok(reports),
        }
    }

    async fn retention_apply_one(
        &self,
        rule: &RetentionRule,
        actor: &UserId,
        dry_run: bool,
    ) -> Result<DeletionReport> {
        let scope = DeletionScope {
            project: None,
            deleted: (rule.action != DeletionAction::Purge).then_some(false),
        };
        let now = self.clock.now();
        let numbers = match &rule.keep_best {
            Some(best) => self.run_numbers(&best.by).await?,
            None => HashMap::new(),
        };
        let runs = self.runs_matching(&scope, &rule.query).await?;
        let mut chosen = Vec::new();
        for one in select(rule, runs, &numbers, now.0) {
            // What was dropped already is not dropped, and noted, again.
            if matches!(
                rule.action,
                DeletionAction::DropArtifacts | DeletionAction::DropLogs
            ) {
                let measured = self.store.deletion_measure(&one.run.id, rule.action).await;
                match measured {
                    Ok(size) if size.row_count > 0 => {}
                    // Somebody's purge was faster.
                    Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                    _ => continue,
                }
            }
            chosen.push(one);
        }
        let cause = format!("retention {}", rule.name);
        let report = self
            .deletion_apply(rule.action, &cause, actor, chosen, dry_run)
            .await?;
        if !dry_run {
            self.store.retention_applied(&rule.name, now).await?;
        }
        Ok(report)
    }
}

/// An experiment.
type Place = (Name, Name);

/// Where a run stands among the shown ones of its experiment, from 1; hidden runs
/// take nobody's place.
#[derive(Debug, Clone, Copy, Default)]
struct Standing {
    newest: Option<u32>,
    best: Option<u32>,
}

/// Those of the runs, which come in the order of creation, that the rule takes, and
/// why.
fn select(
    rule: &RetentionRule,
    runs: Vec<Run>,
    numbers: &HashMap<RunId, f64>,
    now_ms: i64,
) -> Vec<Chosen> {
    let standings = standings(rule, &runs, numbers);
    let chosen = runs.into_iter().zip(standings).filter(|(run, standing)| {
        let newest = standing.newest.is_some_and(|place| place <= rule.keep_last);
        let kept = rule.keep_best.as_ref().map_or(0, |best| best.count);
        let best = standing.best.is_some_and(|place| place <= kept);
        let old = rule
            .after_ms
            .is_none_or(|after| age_ms(run, now_ms) >= after);
        !newest && !best && old
    });
    chosen
        .map(|(run, standing)| Chosen {
            reason: Some(reason(rule, &run, standing, now_ms)),
            run,
        })
        .collect()
}

/// Milliseconds since a run was deleted, or else ended.
fn age_ms(run: &Run, now_ms: i64) -> i64 {
    let since = run.deleted_at.or(run.ended_at).unwrap_or(run.created_at);
    now_ms.saturating_sub(since.0)
}

fn standings(rule: &RetentionRule, runs: &[Run], numbers: &HashMap<RunId, f64>) -> Vec<Standing> {
    let mut standings = vec![Standing::default(); runs.len()];
    // Newest first, by experiment.
    let mut places: BTreeMap<Place, Vec<usize>> = BTreeMap::new();
    for (index, run) in runs.iter().enumerate().rev() {
        if run.deleted_at.is_none() {
            let place = (run.project.clone(), run.experiment.clone());
            places.entry(place).or_default().push(index);
        }
    }
    for shown in places.values() {
        for (index, place) in shown.iter().zip(1..) {
            standings[*index].newest = Some(place);
        }
        let Some(best) = &rule.keep_best else {
            continue;
        };
        let mut ranked: Vec<(usize, f64)> = shown
            .iter()
            .filter_map(|index| Some((*index, *numbers.get(&runs[*index].id)?)))
            .filter(|(_, number)| !number.is_nan())
            .collect();
        // Stable: among equals the newest is better.
        ranked.sort_by(|(_, a), (_, b)| {
            let order = a.partial_cmp(b).unwrap_or(Ordering::Equal);
            match best.direction {
                BestDirection::Maximize => order.reverse(),
                BestDirection::Minimize => order,
            }
        });
        for ((index, _), place) in ranked.iter().zip(1..) {
            standings[*index].best = Some(place);
        }
    }
    standings
}

/// Why the rule takes a run, for a person.
fn reason(rule: &RetentionRule, run: &Run, standing: Standing, now_ms: i64) -> String {
    let mut said = Vec::new();
    if !rule.query.trim().is_empty() {
        said.push(format!("meets `{}`", rule.query.trim()));
    }
    if rule.after_ms.is_some() {
        let what = match run.deleted_at {
            Some(_) => "was deleted",
            None => "ended",
        };
        let minutes = age_ms(run, now_ms) / 60_000;
        let ago = match minutes {
            2880.. => format!("{} days", minutes / 1440),
            120.. => format!("{} hours", minutes / 60),
            _ => format!("{minutes} minutes"),
        };
        said.push(format!("{what} {ago} ago"));
    }
    let Some(newest) = standing.newest else {
        said.push("is deleted, so it is none of those kept".to_owned());
        return said.join("; ");
    };
    if rule.keep_last > 0 {
        said.push(format!(
            "is the newest but {} of its experiment, and {} are kept",
            newest - 1,
            rule.keep_last
        ));
    }
    if let Some(best) = &rule.keep_best {
        said.push(match standing.best {
            Some(place) => format!(
                "is the best but {} of its experiment by {}, and {} are kept",
                place - 1,
                best.by,
                best.count
            ),
            None => format!("has no {} to be kept for", best.by),
        });
    }
    said.join("; ")
}
