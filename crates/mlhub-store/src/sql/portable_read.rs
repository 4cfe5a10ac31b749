//! Everything of a scope, item by item, from one snapshot of the database.
//!
//! Only one page of anything is in memory, apart from one metric series of one
//! run. The order and the size of the pieces do not depend on how rows came to
//! be stored.

use std::sync::Arc;

use mlhub_core::portable::{
    LOG_BYTES_PER_ITEM, POINTS_PER_ITEM, PortableArtifact, PortableAttempt, PortableEvaluation,
    PortableExperiment, PortableInput, PortableItem, PortableLine, PortableLog, PortableLogStream,
    PortableMetric, PortableOffset, PortablePair, PortablePoints, PortableProject, PortableRecord,
    PortableRun, PortableScope,
};
use mlhub_core::store::PortableSink;
use mlhub_core::{ArtifactPath, Error, Name, Result, RunId, Timestamp};

use super::portable_shared::{of_hub, shared};
use super::seam::{Row, Tx, stored};
use super::{attempts, documents, evaluations, experiments, logged_models, runs, traces, versions};
use crate::engine::bulk::Snapshot;

/// Rows of one page.
const PAGE_ROWS: i64 = 512;
/// Rows of one page of large rows.
const LARGE_PAGE_ROWS: i64 = 16;

/// Reads a scope into a sink.
pub(crate) async fn read(
    tx: &mut dyn Tx,
    scope: &PortableScope,
    sink: &Arc<dyn PortableSink>,
) -> Result<()> {
    let out = Out(sink);
    let log = Snapshot::read(tx).await?;
    match scope {
        PortableScope::Hub => {
            shared(tx, None, &out).await?;
            of_hub(tx, &out).await?;
            let rows = tx
                .query("SELECT name FROM project ORDER BY name", &[])
                .await?;
            for mut row in rows {
                project(tx, &log, &row.parsed()?, true, &out).await?;
            }
            Ok(())
        }
        PortableScope::Project(name) => {
            exists(tx, name).await?;
            shared(tx, Some(name), &out).await?;
            project(tx, &log, name, false, &out).await
        }
        PortableScope::Run(id) => {
            let seq = runs::seq_of(tx, id).await?;
            let seq = seq.ok_or_else(|| Error::not_found("run", id))?;
            run(tx, &log, seq, &out).await
        }
    }
}

/// Where items go.
pub(crate) struct Out<'s>(&'s Arc<dyn PortableSink>);

impl Out<'_> {
    /// Hands a line on.
    pub(crate) async fn line(&self, line: PortableLine) -> Result<()> {
        self.0.put(PortableItem::Line(line)).await
    }
}

async fn exists(tx: &mut dyn Tx, name: &Name) -> Result<()> {
    let sql = "SELECT name FROM project WHERE name = $1";
    match tx.query(sql, &[name.as_str().into()]).await?.is_empty() {
        true => Err(Error::not_found("project", name)),
        false => Ok(()),
    }
}

/// A project; runs that were deleted and not purged yet only with `deleted`.
async fn project(
    tx: &mut dyn Tx,
    log: &Snapshot,
    name: &Name,
    deleted: bool,
    out: &Out<'_>,
) -> Result<()> {
    let key = [name.as_str().into()];
    let sql = "SELECT name, description, created_at FROM project WHERE name = $1";
    for mut row in tx.query(sql, &key).await? {
        let project = PortableProject {
            name: row.parsed()?,
            description: row.text()?,
            created_at: Timestamp(row.i64()?),
        };
        out.line(PortableLine::Project(project)).await?;
    }
    let mut stored = experiments::list(tx, Some(name)).await?;
    stored.sort_by(|a, b| (a.created_at, &a.name).cmp(&(b.created_at, &b.name)));
    for experiment in stored {
        let experiment = PortableExperiment {
            name: experiment.name,
            description: experiment.description,
            created_at: experiment.created_at,
            tags: experiment.tags,
            location: experiment.location,
            deleted_at: experiment.deleted_at,
        };
        out.line(PortableLine::Experiment(experiment)).await?;
    }
    for document in documents::portable(tx, Some(name)).await? {
        out.line(PortableLine::Document(document)).await?;
    }
    artifact_versions(tx, name, out).await?;
    traces::portable(tx, name, deleted, out).await?;
    let sql = "SELECT seq FROM run WHERE project = $1 AND (deleted_at IS NULL OR $2 = 1) \
               ORDER BY created_at, id";
    let [name] = key;
    let values = [name, i64::from(deleted).into()];
    for mut row in tx.query(sql, &values).await? {
        run(tx, log, row.i64()?, out).await?;
    }
    Ok(())
}

/// Versions of a project's artifacts, those of runs that are gone or deleted too:
/// their numbers are taken.
async fn artifact_versions(tx: &mut dyn Tx, project: &Name, out: &Out<'_>) -> Result<()> {
    let mut last: Option<(ArtifactPath, u32)> = None;
    loop {
        let after = last.as_ref().map(|(name, number)| (name, *number));
        let page = versions::portable(tx, project, after, PAGE_ROWS).await?;
        let more = page.len() as i64 == PAGE_ROWS;
        last = page.last().map(|one| (one.name.clone(), one.version));
        for version in page {
            out.line(PortableLine::ArtifactVersion(version)).await?;
        }
        if !more {
            return Ok(());
        }
    }
}

async fn run(tx: &mut dyn Tx, log: &Snapshot, seq: i64, out: &Out<'_>) -> Result<()> {
    let sql = format!(
        "SELECT {}, t.snapshot FROM run r JOIN run_text t ON t.run = r.seq WHERE r.seq = $1",
        runs::RUN_COLUMNS
    );
    let rows = tx.query(&sql, &[seq.into()]).await?;
    let Some(mut row) = rows.into_iter().next() else {
        return Err(Error::internal("read a run", "its texts are missing"));
    };
    let run = runs::run(&mut row)?;
    let id = run.id.clone();
    let line = PortableRun {
        id: run.id,
        experiment: run.experiment,
        name: run.name,
        state: run.state,
        adapter: run.adapter,
        adapter_version: run.adapter_version,
        seed: run.seed,
        group: run.group,
        dataset: run.dataset,
        owner: run.owner,
        notes: run.notes,
        attempt: run.attempt,
        created_at: run.created_at,
        started_at: run.started_at,
        ended_at: run.ended_at,
        exit: run.exit,
        failure: run.failure,
        stop_requested: run.stop_requested,
        deleted_at: run.deleted_at,
        snapshot: row.json()?,
    };
    out.line(PortableLine::Run(Box::new(line))).await?;
    attempts_of(tx, &id, out).await?;
    pairs(tx, seq, "param", out).await?;
    pairs(tx, seq, "tag", out).await?;
    offsets(tx, log, seq, out).await?;
    records(tx, seq, out).await?;
    artifacts(tx, seq, out).await?;
    inputs(tx, seq, out).await?;
    logged_models::portable(tx, seq, out).await?;
    evaluations_of(tx, seq, out).await?;
    log_streams(tx, seq, out).await?;
    points(tx, log, seq, out).await?;
    logs(tx, seq, out).await
}

async fn attempts_of(tx: &mut dyn Tx, id: &RunId, out: &Out<'_>) -> Result<()> {
    for attempt in attempts::list(tx, id).await? {
        let line = PortableAttempt {
            number: attempt.number,
            state: attempt.state,
            host: attempt.host,
            resumed_from_step: attempt.resumed_from_step,
            created_at: attempt.created_at,
            started_at: attempt.started_at,
            ended_at: attempt.ended_at,
            heartbeat_at: attempt.heartbeat_at,
            exit: attempt.exit,
            failure: attempt.failure,
        };
        out.line(PortableLine::Attempt(line)).await?;
    }
    Ok(())
}

async fn pairs(tx: &mut dyn Tx, run: i64, table: &'static str, out: &Out<'_>) -> Result<()> {
    let sql = format!(
        "SELECT l.name, v.value FROM {table} v JOIN label l ON l.id = v.label \
         WHERE v.run = $1 AND l.name > $2 ORDER BY l.name LIMIT $3"
    );
    let mut after = String::new();
    loop {
        let values = [run.into(), after.as_str().into(), PAGE_ROWS.into()];
        let rows = tx.query(&sql, &values).await?;
        let last = (rows.len() as i64) < PAGE_ROWS;
        for mut row in rows {
            let pair = PortablePair {
                name: row.text()?,
                value: row.text()?,
            };
            after.clone_from(&pair.name);
            let line = match table {
                "param" => PortableLine::Param(pair),
                _ => PortableLine::Tag(pair),
            };
            out.line(line).await?;
        }
        if last {
            return Ok(());
        }
    }
}

async fn offsets(tx: &mut dyn Tx, log: &Snapshot, run: i64, out: &Out<'_>) -> Result<()> {
    for ((attempt, writer), end) in log.offsets(tx, run).await? {
        let offset = PortableOffset {
            attempt,
            writer,
            end: end.cast_unsigned(),
        };
        out.line(PortableLine::Offset(offset)).await?;
    }
    Ok(())
}

async fn records(tx: &mut dyn Tx, run: i64, out: &Out<'_>) -> Result<()> {
    let sql = "SELECT seq, attempt, kind, written_at, body FROM record \
               WHERE run = $1 AND seq > $2 ORDER BY seq LIMIT $3";
    let mut after = i64::MIN;
    loop {
        let rows = tx
            .query(sql, &[run.into(), after.into(), PAGE_ROWS.into()])
            .await?;
        let last = (rows.len() as i64) < PAGE_ROWS;
        for mut row in rows {
            after = row.i64()?;
            let record = PortableRecord {
                attempt: row.int()?,
                record: row.text()?,
                time: Timestamp(row.i64()?),
                body: row.json()?,
            };
            out.line(PortableLine::Record(record)).await?;
        }
        if last {
            return Ok(());
        }
    }
}

async fn artifacts(tx: &mut dyn Tx, run: i64, out: &Out<'_>) -> Result<()> {
    let sql = "SELECT path, hash, size_bytes, kind, attempt, created_at FROM artifact \
               WHERE run = $1 ORDER BY path";
    for mut row in tx.query(sql, &[run.into()]).await? {
        let artifact = PortableArtifact {
            path: row.parsed()?,
            hash: row.text()?,
            size_bytes: row.int()?,
            artifact: row.text()?,
            attempt: row.int()?,
            created_at: Timestamp(row.i64()?),
        };
        out.line(PortableLine::Artifact(artifact)).await?;
    }
    Ok(())
}

async fn inputs(tx: &mut dyn Tx, run: i64, out: &Out<'_>) -> Result<()> {
    let sql = "SELECT name, source_run, source_path, hash, size_bytes, used_at FROM artifact_use \
               WHERE run = $1 ORDER BY name";
    for mut row in tx.query(sql, &[run.into()]).await? {
        let input = PortableInput {
            name: row.text()?,
            source_run: row
                .optional_text()?
                .map(|text| stored(text.parse()))
                .transpose()?,
            source_path: row
                .optional_text()?
                .map(|text| stored(text.parse()))
                .transpose()?,
            hash: row.text()?,
            size_bytes: row.int()?,
            used_at: Timestamp(row.i64()?),
        };
        out.line(PortableLine::Input(input)).await?;
    }
    Ok(())
}

async fn log_streams(tx: &mut dyn Tx, run: i64, out: &Out<'_>) -> Result<()> {
    let sql = "SELECT attempt, stream, size_bytes, gap_start, gap_end FROM log_stream \
               WHERE run = $1 ORDER BY attempt, stream";
    for mut row in tx.query(sql, &[run.into()]).await? {
        let log = PortableLogStream {
            attempt: row.int()?,
            stream: row.text()?,
            size_bytes: row.int()?,
            gap_start: row.optional_i64()?.map(i64::cast_unsigned),
            gap_end: row.optional_i64()?.map(i64::cast_unsigned),
        };
        out.line(PortableLine::LogStream(log)).await?;
    }
    Ok(())
}

async fn evaluations_of(tx: &mut dyn Tx, run: i64, out: &Out<'_>) -> Result<()> {
    let sql = "SELECT split FROM evaluation WHERE run = $1 ORDER BY split";
    for mut row in tx.query(sql, &[run.into()]).await? {
        let key = [run.into(), row.text()?.into()];
        let sql = "SELECT id, split, predictions, predictions_hash, request, state, message, \
                   result, curves, created_at, ended_at FROM evaluation WHERE run = $1 AND split = $2";
        let Some(mut row) = tx.query(sql, &key).await?.into_iter().next() else {
            continue;
        };
        let sql = "SELECT name, definition, value_bits, low_bits, high_bits FROM evaluated_metric \
                   WHERE run = $1 AND split = $2 ORDER BY name";
        let metrics = tx.query(sql, &key).await?;
        let evaluation = PortableEvaluation {
            id: row.parsed()?,
            split: row.text()?,
            predictions: row.parsed()?,
            predictions_hash: row.text()?,
            request: row.json()?,
            state: evaluations::state_of(&row.text()?)?,
            message: row.optional_text()?,
            result: row.optional_json()?,
            curves: row.optional_json()?,
            created_at: Timestamp(row.i64()?),
            ended_at: row.optional_i64()?.map(Timestamp),
            metrics: metrics.into_iter().map(metric).collect::<Result<_>>()?,
        };
        out.line(PortableLine::Evaluation(Box::new(evaluation)))
            .await?;
    }
    Ok(())
}

fn metric(mut row: Row) -> Result<PortableMetric> {
    Ok(PortableMetric {
        name: row.text()?,
        definition: row.text()?,
        value_bits: row.i64()?.cast_unsigned(),
        low_bits: row.optional_i64()?.map(i64::cast_unsigned),
        high_bits: row.optional_i64()?.map(i64::cast_unsigned),
    })
}

async fn points(tx: &mut dyn Tx, log: &Snapshot, run: i64, out: &Out<'_>) -> Result<()> {
    for (label, name) in log.names(tx, run).await? {
        for part in log.points(tx, run, label).await? {
            for piece in part.points.chunks(POINTS_PER_ITEM) {
                let points = PortablePoints {
                    name: name.clone(),
                    attempt: part.attempt,
                    points: piece.to_vec(),
                };
                out.0.put(PortableItem::Points(points)).await?;
            }
        }
    }
    Ok(())
}

async fn logs(tx: &mut dyn Tx, run: i64, out: &Out<'_>) -> Result<()> {
    let sql = "SELECT attempt, stream FROM log_stream WHERE run = $1 ORDER BY attempt, stream";
    for mut row in tx.query(sql, &[run.into()]).await? {
        log(tx, run, row.int()?, &row.text()?, out).await?;
    }
    Ok(())
}

async fn log(tx: &mut dyn Tx, run: i64, attempt: u32, stream: &str, out: &Out<'_>) -> Result<()> {
    let sql = "SELECT start_offset, body FROM log_piece WHERE run = $1 AND attempt = $2 \
               AND stream = $3 AND start_offset > $4 ORDER BY start_offset LIMIT $5";
    let mut after = -1i64;
    let mut log = PortableLog {
        attempt,
        stream: stream.to_owned(),
        offset: 0,
        bytes: Vec::new(),
    };
    loop {
        let values = [
            run.into(),
            attempt.into(),
            stream.into(),
            after.into(),
            LARGE_PAGE_ROWS.into(),
        ];
        let rows = tx.query(sql, &values).await?;
        let last = (rows.len() as i64) < LARGE_PAGE_ROWS;
        for mut row in rows {
            after = row.i64()?;
            if after.cast_unsigned() != log.offset + log.bytes.len() as u64 {
                // Bytes in between are not kept.
                let next = PortableLog {
                    attempt,
                    stream: stream.to_owned(),
                    offset: after.cast_unsigned(),
                    bytes: Vec::new(),
                };
                let before = std::mem::replace(&mut log, next);
                if !before.bytes.is_empty() {
                    out.0.put(PortableItem::Log(before)).await?;
                }
            }
            log.bytes.extend(row.blob()?);
            while log.bytes.len() >= LOG_BYTES_PER_ITEM {
                let rest = log.bytes.split_off(LOG_BYTES_PER_ITEM);
                let next = PortableLog {
                    attempt,
                    stream: stream.to_owned(),
                    offset: log.offset + LOG_BYTES_PER_ITEM as u64,
                    bytes: rest,
                };
                out.0.put(PortableItem::Log(log)).await?;
                log = next;
            }
        }
        if last {
            break;
        }
    }
    match log.bytes.is_empty() {
        true => Ok(()),
        false => out.0.put(PortableItem::Log(log)).await,
    }
}
