//! Attempts of a run and the changes of their states.

use mlhub_core::run::{Attempt, AttemptChange};
use mlhub_core::{Error, Result, RunId, Timestamp};

use super::runs::{LockedRun, lock, state};
use super::seam::{Row, Tx, Value, json_text};

/// What makes an attempt.
#[derive(Debug)]
pub(crate) struct NewAttempt {
    pub(crate) run: RunId,
    pub(crate) host: Option<String>,
    pub(crate) resumed_from_step: Option<i64>,
    pub(crate) now: Timestamp,
}

const COLUMNS: &str = "a.number, a.state, a.host, a.resumed_from_step, a.created_at, \
    a.started_at, a.ended_at, a.heartbeat_at, a.exit_status, a.failure";

/// Adds the attempt; what its resume supersedes is the engine's matter.
pub(crate) async fn create(tx: &mut dyn Tx, new: &NewAttempt) -> Result<Attempt> {
    let run = lock(tx, &new.run).await?;
    startable(tx, &run, &new.run).await?;
    let number = run.attempt + 1;
    tx.execute(
        "INSERT INTO attempt (run, number, state, host, resumed_from_step, created_at) \
         VALUES ($1, $2, 'queued', $3, $4, $5)",
        &[
            run.seq.into(),
            number.into(),
            new.host.as_deref().into(),
            new.resumed_from_step.into(),
            new.now.0.into(),
        ],
    )
    .await?;
    tx.execute(
        "UPDATE run SET attempt = $1, state = 'queued', started_at = NULL, ended_at = NULL, \
         exit_status = NULL, failure = NULL, stop_requested = 0, changed_at = $2 WHERE seq = $3",
        &[
            number.into(),
            run.changed_at.max(new.now.0).into(),
            run.seq.into(),
        ],
    )
    .await?;
    let mut attempts = list(tx, &new.run).await?;
    attempts
        .pop()
        .ok_or_else(|| Error::internal("make an attempt", "the attempt is not there"))
}

/// Refuses a run that has not ended, or is deleted: others may have been at it
/// since its caller looked.
async fn startable(tx: &mut dyn Tx, run: &LockedRun, id: &RunId) -> Result<()> {
    let sql = "SELECT state, deleted_at FROM run WHERE seq = $1";
    let rows = tx.query(sql, &[run.seq.into()]).await?;
    let mut row = rows
        .into_iter()
        .next()
        .ok_or_else(|| Error::not_found("run", id))?;
    let state = state(&mut row)?;
    if !state.is_terminal() {
        return Err(Error::conflict(format!(
            "run `{id}` is {state}; only an ended run can be tried again"
        )));
    }
    if row.optional_i64()?.is_some() {
        return Err(Error::conflict(format!(
            "run `{id}` is deleted; restore it first"
        )));
    }
    Ok(())
}

/// What became of a change of an attempt's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Changed {
    /// The attempt was in another state.
    Not,
    /// It changed, and the run with it.
    Run,
    /// It changed; the run has a later attempt.
    Superseded,
}

pub(crate) async fn list(tx: &mut dyn Tx, run: &RunId) -> Result<Vec<Attempt>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM attempt a JOIN run r ON r.seq = a.run \
         WHERE r.id = $1 ORDER BY a.number"
    );
    let rows = tx.query(&sql, &[run.as_str().into()]).await?;
    rows.into_iter().map(|row| attempt(run, row)).collect()
}

pub(crate) async fn change(tx: &mut dyn Tx, change: &AttemptChange) -> Result<Changed> {
    let run = lock(tx, &change.run).await?;
    let started_at: Value = change.started_at.map(|time| time.0).into();
    let ended_at: Value = change.ended_at.map(|time| time.0).into();
    let exit: Value = change.exit.as_ref().map(json_text).transpose()?.into();
    let failure: Value = change.failure.as_ref().map(json_text).transpose()?.into();
    let changed = tx
        .execute(
            "UPDATE attempt SET state = $1, started_at = coalesce($2, started_at), \
             ended_at = $3, exit_status = $4, failure = $5 WHERE run = $6 AND number = $7 AND state = $8",
            &[
                change.to.as_str().into(),
                started_at.clone(),
                ended_at.clone(),
                exit.clone(),
                failure.clone(),
                run.seq.into(),
                change.number.into(),
                change.from.as_str().into(),
            ],
        )
        .await?;
    if changed == 0 {
        exists(tx, &change.run, run.seq, change.number).await?;
        return Ok(Changed::Not);
    }
    let times = [change.started_at, change.ended_at];
    let newest = times.into_iter().flatten().map(|time| time.0).max();
    tx.execute(
        "UPDATE run SET state = $1, started_at = coalesce($2, started_at), \
         ended_at = $3, exit_status = $4, failure = $5, changed_at = $6 WHERE seq = $7 AND attempt = $8",
        &[
            change.to.as_str().into(),
            started_at,
            ended_at,
            exit,
            failure,
            newest.unwrap_or(run.changed_at).max(run.changed_at).into(),
            run.seq.into(),
            change.number.into(),
        ],
    )
    .await?;
    Ok(if run.attempt == change.number {
        Changed::Run
    } else {
        Changed::Superseded
    })
}

pub(crate) async fn heartbeat(
    tx: &mut dyn Tx,
    id: &RunId,
    number: u32,
    now: Timestamp,
) -> Result<()> {
    let run = lock(tx, id).await?;
    let values = [now.0.into(), run.seq.into(), number.into()];
    let sql = "UPDATE attempt SET heartbeat_at = $1 WHERE run = $2 AND number = $3";
    match tx.execute(sql, &values).await? {
        0 => Err(missing(id, number)),
        _ => Ok(()),
    }
}

/// Refuses when the run has no such attempt.
pub(crate) async fn exists(tx: &mut dyn Tx, id: &RunId, run: i64, number: u32) -> Result<()> {
    let sql = format!(
        "SELECT number FROM attempt WHERE run = $1 AND number = $2{}",
        tx.dialect().lock_rows()
    );
    match tx
        .query(&sql, &[run.into(), number.into()])
        .await?
        .is_empty()
    {
        true => Err(missing(id, number)),
        false => Ok(()),
    }
}

fn missing(run: &RunId, number: u32) -> Error {
    Error::not_found("attempt", format_args!("{number} of run {run}"))
}

/// Numbers of the run's attempts with the steps they resumed from.
pub(crate) async fn resume_steps(tx: &mut dyn Tx, run: i64) -> Result<Vec<(u32, Option<i64>)>> {
    let rows = tx
        .query(
            "SELECT number, resumed_from_step FROM attempt WHERE run = $1 ORDER BY number",
            &[run.into()],
        )
        .await?;
    rows.into_iter()
        .map(|mut row| Ok((row.int()?, row.optional_i64()?)))
        .collect()
}

fn attempt(run: &RunId, mut row: Row) -> Result<Attempt> {
    Ok(Attempt {
        run: run.clone(),
        number: row.int()?,
        state: state(&mut row)?,
        host: row.optional_text()?,
        resumed_from_step: row.optional_i64()?,
        created_at: Timestamp(row.i64()?),
        started_at: row.optional_i64()?.map(Timestamp),
        ended_at: row.optional_i64()?.map(Timestamp),
        heartbeat_at: row.optional_i64()?.map(Timestamp),
        exit: row.optional_json()?,
        failure: row.optional_json()?,
    })
}
