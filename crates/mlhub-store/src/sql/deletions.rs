//! Deletions: hiding runs, intents to remove for good, the ledger.
//!
//! What a run weighs and which blobs are in use is in `usage`, rules are in
//! `retention`. The rows of a
//! purged run go last, by `run_delete`; what may be large goes before, in
//! bounded portions, so that no transaction needs much of a full disk.

use async_trait::async_trait;
use mlhub_core::deletion::{
    ArtifactRemoval, BlobUse, DeletionAction, DeletionRecord, DeletionScope, DeletionSize,
    DeletionStore, NewDeletion, PointsChecked, PointsPlace, RetentionRule,
};
use mlhub_core::run::Run;
use mlhub_core::{Error, Name, Result, RunId, RunState, Timestamp, UserId, limits};

use super::runs::{RUN_COLUMNS, run as read_run};
use super::seam::{Backend, Row, Tx, Value, stored};
use super::text::Sql;
use super::{SqlStore, artifact_removal, registry, retention, runs, traces, usage};
use crate::{check, engine};

/// Pieces of output removed in one transaction.
const PIECES_PER_STEP: i64 = 64;

const COLUMNS: &str = "d.seq, d.action, d.cause, d.actor, d.project, d.experiment, d.run, \
    d.run_name, d.started_at, d.ended_at, d.row_count, d.row_bytes, d.blob_count, d.blob_bytes, \
    d.file_count, d.file_bytes FROM deletion d";

struct Hide {
    runs: Vec<RunId>,
    action: DeletionAction,
    cause: String,
    actor: UserId,
    now: Timestamp,
}

#[async_trait]
impl<B: Backend> DeletionStore for SqlStore<B> {
    async fn run_hide(
        &self,
        runs: &[RunId],
        action: DeletionAction,
        cause: &str,
        actor: &UserId,
        now: Timestamp,
    ) -> Result<Vec<RunId>> {
        if !matches!(action, DeletionAction::Delete | DeletionAction::Restore) {
            return Err(Error::invalid("only delete and restore hide or show a run"));
        }
        let input = Hide {
            runs: runs.to_vec(),
            action,
            cause: cause.to_owned(),
            actor: actor.clone(),
            now,
        };
        self.write("hide or show runs", input, |tx, hide| {
            Box::pin(run_hide(tx, hide))
        })
        .await
    }

    async fn deletion_candidates(
        &self,
        scope: &DeletionScope,
        after_seq: i64,
        limit: usize,
    ) -> Result<Vec<Run>> {
        let input = (scope.clone(), after_seq, limit.min(limits::PAGE_MAX_ROWS));
        self.read(
            "list runs to delete",
            input,
            |tx, (scope, after_seq, limit)| {
                Box::pin(candidates(tx, scope, *after_seq, *limit as i64))
            },
        )
        .await
    }

    async fn deletion_measure(&self, run: &RunId, action: DeletionAction) -> Result<DeletionSize> {
        let unsealed_bytes = self.engine.unsealed_bytes(run);
        let input = (run.clone(), action, unsealed_bytes);
        self.read("measure a run", input, |tx, (run, action, unsealed)| {
            Box::pin(async move {
                let seq = runs::seq_of(tx, run).await?;
                let seq = seq.ok_or_else(|| Error::not_found("run", run))?;
                registry::refuse_use(tx, run, *action).await?;
                usage::measure(tx, seq, *action, *unsealed).await
            })
        })
        .await
    }

    async fn deletion_begin(&self, deletion: &NewDeletion) -> Result<DeletionRecord> {
        if !deletion.action.is_final() {
            return Err(Error::invalid("hiding a run needs no intent"));
        }
        let input = (deletion.clone(), self.engine.unsealed_bytes(&deletion.run));
        self.write("begin a deletion", input, |tx, (deletion, unsealed)| {
            Box::pin(begin(tx, deletion, *unsealed))
        })
        .await
    }

    async fn deletion_step(&self, seq: i64) -> Result<bool> {
        self.write("remove a part of a run", seq, |tx, seq| {
            Box::pin(step(tx, *seq))
        })
        .await
    }

    async fn deletion_blobs(&self, seq: i64) -> Result<Vec<String>> {
        self.read("list blobs of a deletion", seq, |tx, seq| {
            Box::pin(usage::unused_of_deletion(tx, *seq))
        })
        .await
    }

    async fn artifacts_remove(&self, removal: &ArtifactRemoval) -> Result<Vec<String>> {
        self.write("remove artifacts", removal.clone(), |tx, removal| {
            Box::pin(artifact_removal::remove(tx, removal))
        })
        .await
    }

    async fn deletion_end(&self, seq: i64, now: Timestamp) -> Result<()> {
        self.write("end a deletion", (seq, now), |tx, (seq, now)| {
            Box::pin(async move {
                let sql = "UPDATE deletion SET ended_at = $1 WHERE seq = $2 AND ended_at IS NULL";
                tx.execute(sql, &[now.0.into(), (*seq).into()]).await?;
                let sql = "DELETE FROM deletion_blob WHERE deletion = $1";
                tx.execute(sql, &[(*seq).into()]).await.map(|_| ())
            })
        })
        .await
    }

    async fn deletion_open(&self) -> Result<Vec<DeletionRecord>> {
        self.read("list deletions under way", (), |tx, ()| {
            Box::pin(async move {
                let sql = format!("SELECT {COLUMNS} WHERE d.ended_at IS NULL ORDER BY d.seq");
                let rows = tx.query(&sql, &[]).await?;
                rows.into_iter().map(record).collect()
            })
        })
        .await
    }

    async fn deletion_list(
        &self,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<DeletionRecord>> {
        let input = (before.unwrap_or(i64::MAX), limit.min(limits::PAGE_MAX_ROWS));
        self.read("list deletions", input, |tx, (before, limit)| {
            Box::pin(async move {
                let sql =
                    format!("SELECT {COLUMNS} WHERE d.seq < $1 ORDER BY d.seq DESC LIMIT {limit}");
                let rows = tx.query(&sql, &[(*before).into()]).await?;
                rows.into_iter().map(record).collect()
            })
        })
        .await
    }

    async fn project_remove(&self, name: &Name) -> Result<bool> {
        self.write("remove a project", name.clone(), |tx, name| {
            Box::pin(project_remove(tx, name))
        })
        .await
    }

    async fn blobs_unused(&self, hashes: &[String]) -> Result<Vec<String>> {
        self.read("look for users of blobs", hashes.to_vec(), |tx, hashes| {
            Box::pin(usage::unused(tx, hashes))
        })
        .await
    }

    async fn blobs_used(&self, after: Option<(i64, String)>, limit: usize) -> Result<Vec<BlobUse>> {
        let input = (after, limit.min(limits::PAGE_MAX_ROWS));
        self.read("list blobs in use", input, |tx, (after, limit)| {
            Box::pin(usage::used(tx, after.as_ref(), *limit))
        })
        .await
    }

    async fn integrity_check(&self) -> Result<Vec<String>> {
        self.read("check the database", (), |tx, ()| {
            Box::pin(usage::integrity(tx))
        })
        .await
    }

    async fn points_check(&self, after: Option<PointsPlace>) -> Result<PointsChecked> {
        self.read("check stored points", after, |tx, after| {
            Box::pin(engine::check::points(tx, *after))
        })
        .await
    }

    async fn retention_put(&self, rule: &RetentionRule) -> Result<()> {
        check::text("the rule's query", &rule.query, limits::VALUE_MAX_BYTES)?;
        self.write("store a retention rule", rule.clone(), |tx, rule| {
            Box::pin(retention::put(tx, rule))
        })
        .await
    }

    async fn retention_list(&self) -> Result<Vec<RetentionRule>> {
        self.read("list retention rules", (), |tx, ()| {
            Box::pin(retention::list(tx))
        })
        .await
    }

    async fn retention_remove(&self, name: &Name) -> Result<bool> {
        self.write("remove a retention rule", name.clone(), |tx, name| {
            Box::pin(retention::remove(tx, name))
        })
        .await
    }

    async fn retention_applied(&self, name: &Name, now: Timestamp) -> Result<()> {
        let input = (name.clone(), now);
        self.write("note a retention rule's use", input, |tx, (name, now)| {
            Box::pin(retention::applied(tx, name, *now))
        })
        .await
    }
}

async fn run_hide(tx: &mut dyn Tx, hide: &Hide) -> Result<Vec<RunId>> {
    let mut changed = Vec::new();
    for id in &hide.runs {
        let run = locked(tx, id).await?;
        let (change, deleted_at) = match hide.action {
            DeletionAction::Delete => (run.deleted_at.is_none(), Some(hide.now.0)),
            _ => (run.deleted_at.is_some(), None),
        };
        if !change || !run.state.is_terminal() {
            continue;
        }
        let sql = "UPDATE run SET deleted_at = $1 WHERE seq = $2";
        tx.execute(sql, &[deleted_at.into(), run.seq.into()])
            .await?;
        let new = NewDeletion {
            action: hide.action,
            run: id.clone(),
            cause: hide.cause.clone(),
            actor: hide.actor.clone(),
            file_count: 0,
            file_bytes: 0,
            now: hide.now,
        };
        insert(tx, &run, &new, &DeletionSize::default(), Some(hide.now)).await?;
        changed.push(id.clone());
    }
    Ok(changed)
}

async fn candidates(
    tx: &mut dyn Tx,
    scope: &DeletionScope,
    after_seq: i64,
    limit: i64,
) -> Result<Vec<Run>> {
    let mut sql = Sql::new("SELECT ");
    sql.push(RUN_COLUMNS)
        .push(" FROM run r JOIN run_text t ON t.run = r.seq WHERE r.seq > ")
        .bind(after_seq)
        .push(" AND r.state NOT IN ('queued', 'running')");
    if let Some(project) = &scope.project {
        sql.push(" AND r.project = ").bind(project.as_str());
    }
    match scope.deleted {
        Some(true) => {
            sql.push(" AND r.deleted_at IS NOT NULL");
        }
        Some(false) => {
            sql.push(" AND r.deleted_at IS NULL");
        }
        None => {}
    }
    sql.push(" ORDER BY r.seq LIMIT ").bind(limit);
    let rows = sql.query(tx).await?;
    rows.into_iter().map(|mut row| read_run(&mut row)).collect()
}

async fn begin(tx: &mut dyn Tx, new: &NewDeletion, unsealed_bytes: u64) -> Result<DeletionRecord> {
    let run = locked(tx, &new.run).await?;
    if !run.state.is_terminal() {
        return Err(Error::conflict(format!(
            "run `{}` is {}; stop it first",
            new.run, run.state
        )));
    }
    let sql = format!("SELECT {COLUMNS} WHERE d.ended_at IS NULL AND d.run = $1 AND d.action = $2");
    let values = [new.run.as_str().into(), new.action.as_str().into()];
    if let Some(row) = tx.query(&sql, &values).await?.into_iter().next() {
        return record(row);
    }
    registry::refuse_use(tx, &new.run, new.action).await?;
    let mut size = usage::measure(tx, run.seq, new.action, unsealed_bytes).await?;
    size.file_count = new.file_count;
    size.file_bytes = new.file_bytes;
    if new.action == DeletionAction::Purge {
        let sql = "UPDATE run SET deleted_at = $1 WHERE seq = $2 AND deleted_at IS NULL";
        tx.execute(sql, &[new.now.0.into(), run.seq.into()]).await?;
    }
    let seq = insert(tx, &run, new, &size, None).await?;
    if new.action != DeletionAction::DropLogs {
        tx.execute(
            "INSERT INTO deletion_blob (deletion, hash) \
             SELECT DISTINCT CAST($1 AS BIGINT), a.hash FROM artifact a WHERE a.run = $2",
            &[seq.into(), run.seq.into()],
        )
        .await?;
    }
    by_seq(tx, seq).await
}

pub(crate) async fn insert(
    tx: &mut dyn Tx,
    run: &Doomed,
    new: &NewDeletion,
    size: &DeletionSize,
    ended_at: Option<Timestamp>,
) -> Result<i64> {
    let count = |what, value| check::offset(what, value).map(Value::from);
    let rows = tx
        .query(
            "INSERT INTO deletion (action, cause, actor, project, experiment, run, run_name, \
             started_at, ended_at, row_count, row_bytes, blob_count, blob_bytes, file_count, \
             file_bytes) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) \
             RETURNING seq",
            &[
                new.action.as_str().into(),
                new.cause.as_str().into(),
                new.actor.0.as_str().into(),
                run.project.as_str().into(),
                run.experiment.as_str().into(),
                new.run.as_str().into(),
                run.name.as_str().into(),
                new.now.0.into(),
                ended_at.map(|time| time.0).into(),
                count("rows", size.row_count)?,
                count("bytes of rows", size.row_bytes)?,
                count("blobs", size.blob_count)?,
                count("bytes of blobs", size.blob_bytes)?,
                count("files", size.file_count)?,
                count("bytes of files", size.file_bytes)?,
            ],
        )
        .await?;
    let row = rows.into_iter().next();
    row.map_or(Ok(0), |mut row| row.i64())
}

async fn step(tx: &mut dyn Tx, seq: i64) -> Result<bool> {
    let deletion = by_seq(tx, seq).await?;
    // Gone already: only its blobs and its line are left to be ended.
    let Some(run) = runs::seq_of(tx, &deletion.run).await? else {
        return Ok(false);
    };
    if deletion.action == DeletionAction::DropArtifacts {
        let sql = "DELETE FROM artifact WHERE run = $1";
        tx.execute(sql, &[run.into()]).await?;
        return Ok(false);
    }
    if deletion.action == DeletionAction::Purge
        && traces::remove_spans_of_run(tx, &deletion.run).await?
    {
        return Ok(true);
    }
    if deletion.action == DeletionAction::DropLogs {
        let sql = "UPDATE log_stream SET gap_start = 0, gap_end = size_bytes WHERE run = $1";
        tx.execute(sql, &[run.into()]).await?;
    }
    let sql = format!(
        "DELETE FROM log_piece WHERE run = $1 AND (attempt, stream, start_offset) IN \
         (SELECT attempt, stream, start_offset FROM log_piece WHERE run = $1 \
         LIMIT {PIECES_PER_STEP})"
    );
    let gone = tx.execute(&sql, &[run.into()]).await?;
    Ok(gone.cast_signed() == PIECES_PER_STEP)
}

async fn project_remove(tx: &mut dyn Tx, name: &Name) -> Result<bool> {
    // Whoever makes runs holds this row: none appears meanwhile.
    super::projects::take_numbers(tx, "run", 0).await?;
    let key = [Value::from(name.as_str())];
    let sql = "SELECT seq FROM run WHERE project = $1 LIMIT 1";
    if !tx.query(sql, &key).await?.is_empty() {
        return Ok(false);
    }
    traces::remove_of_project(tx, name).await?;
    let sql = "DELETE FROM experiment_tag WHERE experiment IN \
               (SELECT seq FROM experiment WHERE project = $1)";
    tx.execute(sql, &key).await?;
    let sql = "DELETE FROM experiment WHERE project = $1";
    tx.execute(sql, &key).await?;
    let sql = "DELETE FROM project WHERE name = $1";
    Ok(tx.execute(sql, &key).await? > 0)
}

async fn by_seq(tx: &mut dyn Tx, seq: i64) -> Result<DeletionRecord> {
    let sql = format!("SELECT {COLUMNS} WHERE d.seq = $1");
    let row = tx.query(&sql, &[seq.into()]).await?.into_iter().next();
    row.map_or_else(|| Err(Error::not_found("deletion", seq)), record)
}

/// What a deletion needs to know of its run.
pub(crate) struct Doomed {
    pub(crate) seq: i64,
    state: RunState,
    project: Name,
    experiment: Name,
    name: String,
    deleted_at: Option<i64>,
}

pub(crate) async fn locked(tx: &mut dyn Tx, id: &RunId) -> Result<Doomed> {
    let sql = format!(
        "SELECT seq, state, project, experiment, name, deleted_at FROM run WHERE id = $1{}",
        tx.dialect().lock_rows()
    );
    let rows = tx.query(&sql, &[id.as_str().into()]).await?;
    let row = rows.into_iter().next();
    let mut row = row.ok_or_else(|| Error::not_found("run", id))?;
    Ok(Doomed {
        seq: row.i64()?,
        state: runs::state(&mut row)?,
        project: row.parsed()?,
        experiment: row.parsed()?,
        name: row.text()?,
        deleted_at: row.optional_i64()?,
    })
}

fn record(mut row: Row) -> Result<DeletionRecord> {
    Ok(DeletionRecord {
        seq: row.i64()?,
        action: stored(row.text()?.parse())?,
        cause: row.text()?,
        actor: UserId(row.text()?),
        project: row.parsed()?,
        experiment: row.parsed()?,
        run: row.parsed()?,
        run_name: row.text()?,
        started_at: Timestamp(row.i64()?),
        ended_at: row.optional_i64()?.map(Timestamp),
        size: DeletionSize {
            row_count: row.int()?,
            row_bytes: row.int()?,
            blob_count: row.int()?,
            blob_bytes: row.int()?,
            file_count: row.int()?,
            file_bytes: row.int()?,
        },
    })
}
