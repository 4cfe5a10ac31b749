//! Deleting runs that a client drives while they run, and what comes of them when they are
//! restored. What is deleted has ended here, so that such a run is stopped; it is marked, and
//! goes on when it is restored, as if nothing had been.

use std::collections::BTreeMap;

use mlhub_core::run::Run;
use mlhub_core::{Caller, Permission, Result, RunId, RunState};

use crate::Hub;
use crate::client_runs::ClientChange;

/// The tag of a run that was stopped because it was deleted while it ran.
pub const RAN_WHEN_DELETED_TAG: &str = "mlhub.ran_when_deleted";

impl Hub {
    /// A run that can be hidden: one that its client drives is stopped for that, and marked.
    pub(crate) async fn client_run_settle(&self, caller: &Caller, run: Run) -> Result<Run> {
        if !matches!(run.state, RunState::Queued | RunState::Running) {
            return Ok(run);
        }
        self.refuse_minded(&run).await?;
        self.client_run_mark(caller, &run.id, Some("true")).await?;
        let stop = ClientChange {
            state: RunState::Stopped,
            ended_at: None,
        };
        self.client_run_change(caller, &run.id, stop).await
    }

    /// Hides a run; one that its client drives may be running.
    ///
    /// # Errors
    /// `Conflict` while an agent minds it.
    pub async fn client_run_delete(&self, caller: &Caller, id: &RunId) -> Result<()> {
        caller.require(Permission::Write)?;
        let run = self.run_exact(id).await?;
        if run.deleted_at.is_some() {
            return Ok(());
        }
        let run = self.client_run_settle(caller, run).await?;
        self.run_delete(caller, run.id.as_str()).await
    }

    /// Lets runs that were restored go on where they were stopped for their deletion.
    pub(crate) async fn client_runs_revive(&self, caller: &Caller, runs: &[RunId]) -> Result<()> {
        if runs.is_empty() {
            return Ok(());
        }
        let tags = self.store.tags(runs).await?;
        let marked = tags
            .into_iter()
            .filter(|(_, tags)| tags.contains_key(RAN_WHEN_DELETED_TAG));
        for (id, _) in marked {
            if self.run_exact(&id).await?.deleted_at.is_some() {
                continue;
            }
            // First, so that the mark is never of a deletion before.
            self.client_run_mark(caller, &id, None).await?;
            let on = ClientChange {
                state: RunState::Running,
                ended_at: None,
            };
            self.client_run_change(caller, &id, on).await?;
        }
        Ok(())
    }

    async fn client_run_mark(&self, caller: &Caller, id: &RunId, mark: Option<&str>) -> Result<()> {
        let tags: BTreeMap<String, Option<String>> =
            [(RAN_WHEN_DELETED_TAG.to_owned(), mark.map(str::to_owned))].into();
        self.run_patch(caller, id.as_str(), None, None, tags)
            .await
            .map(drop)
    }
}
