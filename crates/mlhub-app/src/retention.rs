//! Rules by which the hub deletes by itself: set, listed, removed, applied.
//!
//! When they are applied is not decided here; the binary does it now and then.

use std::collections::BTreeMap;

use mlhub_core::deletion::{DeletionAction, DeletionScope, RetentionRule};
use mlhub_core::run::Run;
use mlhub_core::{Caller, Error, ErrorKind, Name, Permission, Result, UserId};

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
        if draft.query.trim().is_empty() && draft.after_ms.is_none() && draft.keep_last == 0 {
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
        for rule in rules {
            let report = self
                .retention_apply_one(&rule, &caller.user, dry_run)
                .await?;
            reports.push((rule, report));
        }
        Ok(reports)
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
        let mut chosen = Vec::new();
        for run in select(rule, self.runs_matching(&scope, &rule.query).await?, now.0) {
            // What was dropped already is not dropped, and noted, again.
            if matches!(
                rule.action,
                DeletionAction::DropArtifacts | DeletionAction::DropLogs
            ) {
                let size = self.store.deletion_measure(&run.id, rule.action).await?;
                if size.row_count == 0 {
                    continue;
                }
            }
            chosen.push(run);
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

/// Those of the runs, which come in the order of creation, that the rule takes.
fn select(rule: &RetentionRule, runs: Vec<Run>, now_ms: i64) -> Vec<Run> {
    let mut newer: BTreeMap<(Name, Name), u32> = BTreeMap::new();
    let mut chosen: Vec<Run> = runs
        .into_iter()
        .rev()
        .filter(|run| {
            // Hidden runs take nobody's place among the newest.
            if run.deleted_at.is_none() {
                let key = (run.project.clone(), run.experiment.clone());
                let count = newer.entry(key).or_default();
                *count += 1;
                if *count <= rule.keep_last {
                    return false;
                }
            }
            let since = run.deleted_at.or(run.ended_at).unwrap_or(run.created_at);
            rule.after_ms
                .is_none_or(|after| now_ms.saturating_sub(since.0) >= after)
        })
        .collect();
    chosen.reverse();
    chosen
}
