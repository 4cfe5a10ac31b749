//! Deleting runs, restoring them, and removing them for good.
//!
//! What is removed for good is first written down as an intent; a hub killed
//! half way goes on with it at its next start. On a full disk the room that is
//! held back for deletions is given up. Rules that delete by themselves are in
//! `retention`.

use std::collections::BTreeSet;
use std::sync::Arc;

use mlhub_core::deletion::{
    DeletionAction, DeletionRecord, DeletionScope, DeletionSize, FilesSize, NewDeletion,
};
use mlhub_core::run::Run;
use mlhub_core::{Caller, Error, ErrorKind, Name, Permission, Result, RunId, UserId, limits};

use crate::Hub;
use crate::deletion_request::{
    Chosen, DeletionItem, DeletionReport, DeletionRequest, check_request,
};
use crate::live::Telling;

/// Why a person's request deletes.
const CAUSE_REQUEST: &str = "request";

/// Does it, once more when the disk is full and there was room held back. (A
/// function of an async closure would not be `Send`.)
macro_rules! with_room {
    ($hub:expr, $work:expr) => {
        match $work {
            Err(error) if error.kind() == ErrorKind::StorageFull && $hub.disk.room_release() => {
                $work
            }
            done => done,
        }
    };
}

pub(crate) use with_room;

impl Hub {
    /// Deletes, restores or removes for good what the request says. Runs that
    /// have not ended are refused one by one, in the report.
    ///
    /// # Errors
    /// `NotFound` for a run that is not there, `Invalid` when the request says
    /// nothing or contradicts itself, `Forbidden`; `StorageFull` when even the
    /// room held back for deletions does not do.
    pub async fn deletion_run(
        &self,
        caller: &Caller,
        request: &DeletionRequest,
    ) -> Result<DeletionReport> {
        let whole_project =
            request.project.is_some() && request.query.is_none() && !request.all_deleted;
        caller.require(if whole_project || request.all_deleted {
            Permission::Admin
        } else {
            Permission::Write
        })?;
        check_request(request)?;
        let runs = self.deletion_selection(caller, request).await?;
        let chosen = runs.into_iter().map(|run| Chosen { run, reason: None });
        let report = self
            .deletion_apply(
                request.action,
                CAUSE_REQUEST,
                &caller.user,
                chosen.collect(),
                request.dry_run,
            )
            .await?;
        if let (Some(project), true, DeletionAction::Purge, false) = (
            &request.project,
            whole_project,
            request.action,
            request.dry_run,
        ) {
            self.project_remove(project).await?;
        }
        if request.action == DeletionAction::Restore && !request.dry_run {
            let restored = report.items.iter().filter(|item| item.refused.is_none());
            let restored: Vec<RunId> = restored.map(|item| item.run.id.clone()).collect();
            self.client_runs_revive(caller, &restored).await?;
        }
        Ok(report)
    }

    /// Removes a project without runs, and what only aliases of it kept.
    async fn project_remove(&self, project: &Name) -> Result<()> {
        let kept = self.store.artifact_alias_blobs(project).await?;
        if self.store.project_remove(project).await? {
            self.blobs_let_go(&kept).await?;
        }
        Ok(())
    }

    /// Hides a run that has ended until it is restored or purged.
    ///
    /// # Errors
    /// `Conflict` while the run is queued or running.
    pub async fn run_delete(&self, caller: &Caller, text: &str) -> Result<()> {
        caller.require(Permission::Write)?;
        let run = self.run_resolve(caller, text).await?;
        refuse_active(&run)?;
        let action = DeletionAction::Delete;
        self.run_hide(&run, action, CAUSE_REQUEST, &caller.user)
            .await
    }

    /// Hides a run or shows it again.
    async fn run_hide(
        &self,
        run: &Run,
        action: DeletionAction,
        cause: &str,
        actor: &UserId,
    ) -> Result<()> {
        if action == DeletionAction::Restore {
            self.refuse_purged(run).await?;
        }
        let ids = [run.id.clone()];
        let now = self.clock.now();
        let _told = self.deletion_telling(&run.id, action);
        let hiding = async {
            with_room!(
                self,
                self.store.run_hide(&ids, action, cause, actor, now).await
            )
        };
        let changed = self.changing(ids.to_vec(), hiding).await?;
        if changed.is_empty() {
            // It is so already, or it was started again after it was looked at.
            return refuse_active(&self.run_exact(&run.id).await?);
        }
        Ok(())
    }

    /// Refuses a run whose purge was begun: parts of it are gone.
    async fn refuse_purged(&self, run: &Run) -> Result<()> {
        let open = self.store.deletion_open().await?;
        let begun = |record: &DeletionRecord| {
            record.run == run.id && record.action == DeletionAction::Purge
        };
        if open.iter().any(begun) {
            return Err(Error::conflict(format!(
                "the purge of run `{}` has begun, so it cannot be restored; purge it again to end it",
                run.id
            )));
        }
        Ok(())
    }

    /// The ledger, newest first: at most `limit` lines before `before`.
    pub async fn deletion_list(
        &self,
        caller: &Caller,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<DeletionRecord>> {
        caller.require(Permission::Read)?;
        if limit == 0 || limit > limits::PAGE_MAX_ROWS {
            return Err(Error::invalid(format!(
                "`limit` must be 1 to {}",
                limits::PAGE_MAX_ROWS
            )));
        }
        self.store.deletion_list(before, limit).await
    }

    /// Goes on with deletions that a hub before this one began. Returns how
    /// many are done now; one that fails stays for the next start.
    pub async fn deletion_resume(&self) -> Result<u64> {
        let _turn = self.deleting.lock().await;
        let _removing = self.blobs_kept.remove()?;
        let mut done = 0;
        for record in self.store.deletion_open().await? {
            self.deletion_carry_out(&record).await?;
            done += 1;
        }
        self.disk.room_reserve();
        Ok(done)
    }

    /// Applies an action to runs, one after the other.
    pub(crate) async fn deletion_apply(
        &self,
        action: DeletionAction,
        cause: &str,
        actor: &UserId,
        chosen: Vec<Chosen>,
        dry_run: bool,
    ) -> Result<DeletionReport> {
        let _turn = self.deleting.lock().await;
        let removes = action.is_final() && !dry_run;
        let _removing = removes.then(|| self.blobs_kept.remove()).transpose()?;
        let mut report = DeletionReport::new(action, dry_run);
        for Chosen { run, reason } in chosen {
            let done = self
                .deletion_of_one(action, cause, actor, &run, dry_run)
                .await;
            let (size, refused) = match done {
                Ok(size) => (size, None),
                Err(error) if error.kind() == ErrorKind::Conflict => (
                    DeletionSize::default(),
                    Some(error.public_message().to_owned()),
                ),
                // Somebody else's purge was faster.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            report.add(DeletionItem {
                run,
                size,
                reason,
                refused,
            });
        }
        if removes {
            self.disk.room_reserve();
        }
        Ok(report)
    }

    async fn deletion_of_one(
        &self,
        action: DeletionAction,
        cause: &str,
        actor: &UserId,
        run: &Run,
        dry_run: bool,
    ) -> Result<DeletionSize> {
        refuse_active(run)?;
        let files = match action {
            DeletionAction::Purge => self.run_files(run.id.clone()).await?,
            _ => FilesSize::default(),
        };
        if dry_run {
            let mut size = self.store.deletion_measure(&run.id, action).await?;
            size.file_count = files.count;
            size.file_bytes = files.bytes;
            return Ok(size);
        }
        if !action.is_final() {
            self.run_hide(run, action, cause, actor).await?;
            return Ok(DeletionSize::default());
        }
        let new = NewDeletion {
            action,
            run: run.id.clone(),
            cause: cause.to_owned(),
            actor: actor.clone(),
            file_count: files.count,
            file_bytes: files.bytes,
            now: self.clock.now(),
        };
        let _told = self.deletion_telling(&run.id, action);
        let begin = async { with_room!(self, self.store.deletion_begin(&new).await) };
        let record = self.changing(vec![run.id.clone()], begin).await?;
        self.deletion_carry_out(&record).await?;
        if action == DeletionAction::Purge {
            // What is gone cannot be read when it is told of.
            let changed = deletion_kinds(action);
            self.live.publish(&run.id, &run.project, run.state, changed);
        }
        Ok(record.size)
    }

    /// Does what an intent says; every part may be done already.
    async fn deletion_carry_out(&self, record: &DeletionRecord) -> Result<()> {
        let seq = record.seq;
        if record.action == DeletionAction::Purge {
            let (disk, run) = (Arc::clone(&self.disk), record.run.clone());
            blocking("remove a run directory", move || disk.run_remove(&run)).await?;
        }
        while with_room!(self, self.store.deletion_step(seq).await)? {}
        if record.action == DeletionAction::Purge {
            let delete = async { with_room!(self, self.store.run_delete(&record.run).await) };
            match self.changing(vec![record.run.clone()], delete).await {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        {
            let _unused = self.blobs_in_use.write().await;
            for hash in self.store.deletion_blobs(seq).await? {
                self.blobs.remove(&hash).await?;
            }
        }
        let now = self.clock.now();
        with_room!(self, self.store.deletion_end(seq, now).await)
    }

    /// Removes a blob that lost a use, if nothing uses it. While a backup may
    /// still need it, it stays for the next sweep of orphans.
    pub(crate) async fn blob_replaced(&self, hash: String) -> Result<()> {
        self.blobs_let_go(&[hash]).await
    }

    pub(crate) async fn blobs_let_go(&self, hashes: &[String]) -> Result<()> {
        match self.blobs_sweep(hashes).await {
            Err(error) if error.kind() == ErrorKind::Unavailable => Ok(()),
            done => done.map(drop),
        }
    }

    /// Removes those of the blobs that nothing uses.
    pub(crate) async fn blobs_sweep(&self, hashes: &[String]) -> Result<Vec<String>> {
        let _removing = self.blobs_kept.remove()?;
        let _unused = self.blobs_in_use.write().await;
        let unused = self.store.blobs_unused(hashes).await?;
        for hash in &unused {
            self.blobs.remove(hash).await?;
        }
        Ok(unused)
    }

    async fn run_files(&self, run: RunId) -> Result<FilesSize> {
        let disk = Arc::clone(&self.disk);
        blocking("measure a run directory", move || disk.run_measure(&run)).await
    }

    async fn deletion_selection(
        &self,
        caller: &Caller,
        request: &DeletionRequest,
    ) -> Result<Vec<Run>> {
        let mut runs: Vec<Run> = Vec::new();
        if !request.runs.is_empty() {
            for text in &request.runs {
                let run = self.run_resolve(caller, text).await?;
                if !runs.iter().any(|known| known.id == run.id) {
                    runs.push(run);
                }
            }
            return Ok(runs);
        }
        let deleted = match request.action {
            DeletionAction::Restore => Some(true),
            DeletionAction::Purge if request.all_deleted => Some(true),
            DeletionAction::Purge => None,
            _ => Some(false),
        };
        let scope = DeletionScope {
            project: request.project.clone(),
            deleted,
        };
        self.runs_matching(&scope, request.query.as_deref().unwrap_or_default())
            .await
    }

    /// Ended runs of a scope that match a query, in the order of creation.
    pub(crate) async fn runs_matching(
        &self,
        scope: &DeletionScope,
        query: &str,
    ) -> Result<Vec<Run>> {
        let matching: Option<BTreeSet<RunId>> = match query.trim() {
            "" => None,
            query => {
                let project = scope.project.as_ref();
                let found = self.run_ids_matching(query, project, scope.deleted).await?;
                Some(found.into_iter().collect())
            }
        };
        let mut runs: Vec<Run> = Vec::new();
        loop {
            let after = runs.last().map_or(i64::MIN, |run| run.seq);
            let limit = limits::PAGE_MAX_ROWS;
            let page = self.store.deletion_candidates(scope, after, limit).await?;
            let last = page.len() < limit;
            runs.extend(page);
            if last {
                runs.retain(|run| matching.as_ref().is_none_or(|ids| ids.contains(&run.id)));
                return Ok(runs);
            }
        }
    }

    /// Refuses a query that has a mistake.
    pub(crate) async fn runs_matching_check(&self, query: &str) -> Result<()> {
        if query.trim().is_empty() {
            return Ok(());
        }
        let none = DeletionScope::default();
        self.runs_matching(&none, query).await.map(drop)
    }

    fn deletion_telling(&self, run: &RunId, action: DeletionAction) -> Telling {
        self.telling(run, deletion_kinds(action))
    }
}

/// What an action changes in a run.
fn deletion_kinds(action: DeletionAction) -> &'static [&'static str] {
    match action {
        DeletionAction::Delete | DeletionAction::Restore | DeletionAction::Purge => {
            &["state", "deleted"]
        }
        DeletionAction::DropArtifacts => &["artifacts"],
        DeletionAction::DropLogs => &["logs"],
    }
}

fn refuse_active(run: &Run) -> Result<()> {
    if run.state.is_terminal() {
        return Ok(());
    }
    Err(Error::conflict(format!(
        "run `{}` is {}; stop it first",
        run.id, run.state
    )))
}

/// Runs file work where blocking is allowed.
pub(crate) async fn blocking<T: Send + 'static>(
    operation: &'static str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::internal(operation, error))?
}
