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

/// Runs one request may name.
const RUNS_NAMED_MAX: usize = 1000;
/// Runs a report lists; the counts are of all.
const REPORT_RUNS_MAX: usize = 1000;
/// Why a person's request deletes.
const CAUSE_REQUEST: &str = "request";

/// What is to be deleted: the runs named, or those a scope has.
#[derive(Debug, Clone)]
pub struct DeletionRequest {
    /// What is done.
    pub action: DeletionAction,
    /// Ids or unique prefixes.
    pub runs: Vec<String>,
    /// All runs of this project that match; the project itself goes with them
    /// when it is purged without a query.
    pub project: Option<Name>,
    /// Runs that match, in the query language.
    pub query: Option<String>,
    /// All deleted runs.
    pub all_deleted: bool,
    /// Only say what would happen.
    pub dry_run: bool,
}

/// One run of a report.
#[derive(Debug, Clone)]
pub struct DeletionItem {
    /// The run as it was.
    pub run: Run,
    /// What its deletion frees.
    pub size: DeletionSize,
    /// Why nothing was done to it.
    pub refused: Option<String>,
}

/// What a deletion did, or would do.
#[derive(Debug, Clone)]
pub struct DeletionReport {
    /// What was done.
    pub action: DeletionAction,
    /// Whether nothing was done.
    pub dry_run: bool,
    /// Runs it was done to.
    pub done: u64,
    /// Runs that were refused.
    pub refused: u64,
    /// The first runs, refused ones included.
    pub items: Vec<DeletionItem>,
    /// What it frees in all.
    pub total: DeletionSize,
}

impl DeletionReport {
    pub(crate) fn new(action: DeletionAction, dry_run: bool) -> Self {
        Self {
            action,
            dry_run,
            done: 0,
            refused: 0,
            items: Vec::new(),
            total: DeletionSize::default(),
        }
    }

    fn add(&mut self, item: DeletionItem) {
        if item.refused.is_some() {
            self.refused += 1;
        } else {
            self.done += 1;
            self.total += item.size;
        }
        if self.items.len() < REPORT_RUNS_MAX {
            self.items.push(item);
        }
    }
}

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
        let whole_project = request.project.is_some() && request.query.is_none();
        caller.require(if whole_project || request.all_deleted {
            Permission::Admin
        } else {
            Permission::Write
        })?;
        check_request(request)?;
        let runs = self.deletion_selection(caller, request).await?;
        let report = self
            .deletion_apply(
                request.action,
                CAUSE_REQUEST,
                &caller.user,
                runs,
                request.dry_run,
            )
            .await?;
        if let (Some(project), true, DeletionAction::Purge, false) = (
            &request.project,
            whole_project,
            request.action,
            request.dry_run,
        ) {
            self.store.project_remove(project).await?;
        }
        Ok(report)
    }

    /// Hides a run that has ended until it is restored or purged.
    ///
    /// # Errors
    /// `Conflict` while the run is queued or running.
    pub async fn run_delete(&self, caller: &Caller, text: &str) -> Result<()> {
        caller.require(Permission::Write)?;
        let run = self.run_resolve(caller, text).await?;
        refuse_active(&run)?;
        let ids = [run.id.clone()];
        let now = self.clock.now();
        let action = DeletionAction::Delete;
        self.store
            .run_hide(&ids, action, CAUSE_REQUEST, &caller.user, now)
            .await?;
        self.runs_changed(ids.to_vec()).await;
        self.deletion_publish(&run);
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
        let _kept = self.blobs_removable()?;
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
        runs: Vec<Run>,
        dry_run: bool,
    ) -> Result<DeletionReport> {
        let _turn = self.deleting.lock().await;
        let removes = action.is_final() && !dry_run;
        let _kept = removes.then(|| self.blobs_removable()).transpose()?;
        let mut report = DeletionReport::new(action, dry_run);
        for run in runs {
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
            report.add(DeletionItem { run, size, refused });
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
        let now = self.clock.now();
        if !action.is_final() {
            let ids = [run.id.clone()];
            with_room!(
                self,
                self.store.run_hide(&ids, action, cause, actor, now).await
            )?;
            self.runs_changed(ids.to_vec()).await;
            self.deletion_publish(run);
            return Ok(DeletionSize::default());
        }
        let new = NewDeletion {
            action,
            run: run.id.clone(),
            cause: cause.to_owned(),
            actor: actor.clone(),
            file_count: files.count,
            file_bytes: files.bytes,
            now,
        };
        let record = with_room!(self, self.store.deletion_begin(&new).await)?;
        self.deletion_carry_out(&record).await?;
        self.deletion_publish(run);
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
            let gone = with_room!(self, self.store.run_delete(&record.run).await);
            match gone {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => self.runs_changed(vec![record.run.clone()]).await,
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
        match self.blobs_sweep(&[hash]).await {
            Err(error) if error.kind() == ErrorKind::Unavailable => Ok(()),
            done => done.map(drop),
        }
    }

    /// Removes those of the blobs that nothing uses.
    pub(crate) async fn blobs_sweep(&self, hashes: &[String]) -> Result<Vec<String>> {
        let _kept = self.blobs_removable()?;
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

    fn deletion_publish(&self, run: &Run) {
        self.live
            .publish(&run.id, &run.project, run.state, &["state", "deleted"]);
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

fn check_request(request: &DeletionRequest) -> Result<()> {
    let named = !request.runs.is_empty();
    let scoped = request.project.is_some() || request.query.is_some() || request.all_deleted;
    if named == scoped {
        return Err(Error::invalid(
            "say either which runs, or a project, a query or all deleted ones",
        ));
    }
    if request.all_deleted
        && !matches!(
            request.action,
            DeletionAction::Purge | DeletionAction::Restore
        )
    {
        return Err(Error::invalid(
            "all deleted runs can be purged or restored, nothing else",
        ));
    }
    if request.runs.len() > RUNS_NAMED_MAX {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!("at most {RUNS_NAMED_MAX} runs can be named at once"),
        ));
    }
    Ok(())
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
