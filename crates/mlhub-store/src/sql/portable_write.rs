//! Items into the database, all in the caller's one transaction.
//!
//! Values are checked before they get here (`PortableItem::check`), and their
//! sequence in `mlhub-app`; what remains is what only the database knows: which
//! names are taken. An item out of place is refused all the same.

use mlhub_core::portable::{
    PortableArtifact, PortableAttempt, PortableDatasetVersion, PortableDefinition,
    PortableExperiment, PortableInput, PortableItem, PortableLine, PortableLog, PortableLogStream,
    PortablePoints, PortableProject, PortableRecord, PortableRun, PortableSplit,
};
use mlhub_core::run::Artifact;
use mlhub_core::store::PortableSource;
use mlhub_core::{Error, Name, Result, RunId, RunState, Timestamp, TraceId};

use super::seam::{Tx, Value, json_text};
use super::text::insert_rows;
use super::{
    documents, evaluations, experiments, labels, logged_models, previews, projects, registry,
    traces, versions,
};
use crate::engine::bulk;

/// Pairs and records that are stored together.
const ROWS_TOGETHER: usize = 256;

/// Stores every item of a source.
pub(crate) async fn write(tx: &mut dyn Tx, source: &dyn PortableSource) -> Result<()> {
    bulk::begin(tx).await?;
    let mut place = Place::default();
    for item in source.items()? {
        let item = item?;
        item.check()?;
        put(tx, &mut place, item).await?;
    }
    flush(tx, &mut place).await
}

/// Where in the sequence the writing is.
#[derive(Default)]
struct Place {
    project: Option<Name>,
    /// The trace whose spans and files follow, and whether they are stored.
    trace: Option<(TraceId, bool)>,
    run: Option<OpenRun>,
}

struct OpenRun {
    id: RunId,
    seq: i64,
    params: Vec<(String, String)>,
    tags: Vec<(String, String)>,
    records: Vec<PortableRecord>,
}

impl Place {
    fn project(&self) -> Result<&Name> {
        self.project.as_ref().ok_or_else(out_of_place)
    }

    fn trace(&self) -> Result<(&TraceId, bool)> {
        let trace = self.trace.as_ref().ok_or_else(out_of_place)?;
        Ok((&trace.0, trace.1))
    }

    fn run(&mut self) -> Result<&mut OpenRun> {
        self.run.as_mut().ok_or_else(out_of_place)
    }
}

fn out_of_place() -> Error {
    Error::invalid("an item stands before the project or run it belongs to")
}

async fn put(tx: &mut dyn Tx, place: &mut Place, item: PortableItem) -> Result<()> {
    match item {
        PortableItem::Line(line) => put_line(tx, place, line).await,
        PortableItem::Points(points) => {
            flush_run(tx, place.run()?).await?;
            put_points(tx, place.run()?.seq, &points).await
        }
        PortableItem::Log(log) => put_log(tx, place.run()?.seq, log).await,
    }
}

async fn put_line(tx: &mut dyn Tx, place: &mut Place, line: PortableLine) -> Result<()> {
    match line {
        PortableLine::Dataset(dataset) => {
            let sql = "INSERT INTO dataset (name, description, created_at, latest_version) \
                       VALUES ($1, $2, $3, 0) ON CONFLICT (name) DO NOTHING";
            let values = [
                dataset.name.as_str().into(),
                dataset.description.into(),
                dataset.created_at.0.into(),
            ];
            tx.execute(sql, &values).await.map(drop)
        }
        PortableLine::DatasetVersion(version) => put_version(tx, &version).await,
        PortableLine::Split(split) => put_split(tx, &split).await,
        PortableLine::Adapter(adapter) => {
            let sql = "INSERT INTO adapter_version (name, version, manifest, created_at) \
                       VALUES ($1, $2, $3, $4) ON CONFLICT (name, version) DO NOTHING";
            let values = [
                adapter.name.into(),
                adapter.version.into(),
                json_text(&adapter.manifest)?.into(),
                adapter.created_at.0.into(),
            ];
            tx.execute(sql, &values).await.map(drop)
        }
        PortableLine::Definition(definition) => put_definition(tx, &definition).await,
        PortableLine::RetentionRule(rule) => {
            let sql = "INSERT INTO retention_rule (name, body, actor, created_at) \
                       VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING";
            let values = [
                rule.name.into(),
                json_text(&rule.body)?.into(),
                rule.actor.into(),
                rule.created_at.0.into(),
            ];
            tx.execute(sql, &values).await.map(drop)
        }
        PortableLine::HubDocument(document) => documents::restore(tx, None, document).await,
        PortableLine::DatasetPreview(line) => {
            let (dataset, version) = (line.dataset.clone(), line.version);
            previews::put(tx, &dataset, version, &line.into()).await
        }
        PortableLine::RegisteredModel(model) => registry::restore_model(tx, &model).await,
        PortableLine::ModelVersion(version) => registry::restore_version(tx, *version).await,
        PortableLine::ModelEvent(event) => registry::restore_event(tx, &event).await,
        PortableLine::Project(project) => {
            flush(tx, place).await?;
            place.run = None;
            place.trace = None;
            put_project(tx, &project).await?;
            place.project = Some(project.name);
            Ok(())
        }
        PortableLine::Experiment(experiment) => {
            put_experiment(tx, place.project()?, &experiment).await
        }
        PortableLine::Document(document) => {
            documents::restore(tx, Some(place.project()?), document).await
        }
        PortableLine::Run(run) => {
            flush(tx, place).await?;
            let seq = put_run(tx, place.project()?, &run).await?;
            place.run = Some(OpenRun {
                id: run.id.clone(),
                seq,
                params: Vec::new(),
                tags: Vec::new(),
                records: Vec::new(),
            });
            Ok(())
        }
        PortableLine::Trace(trace) => {
            let id = trace.id.clone();
            let stored = traces::restore(tx, place.project()?, *trace).await?;
            place.trace = Some((id, stored));
            Ok(())
        }
        PortableLine::TraceSpan(line) => match place.trace()? {
            (trace, true) => traces::restore_span(tx, trace, line.span).await,
            _ => Ok(()),
        },
        PortableLine::TraceFile(file) => match place.trace()? {
            (trace, true) => traces::restore_file(tx, trace, &file).await,
            _ => Ok(()),
        },
        PortableLine::ArtifactVersion(version) => {
            versions::restore(tx, place.project()?, &version).await
        }
        PortableLine::Artifact(artifact) => {
            let project = place.project()?.clone();
            put_artifact(tx, &project, place.run()?, artifact).await
        }
        line => put_run_line(tx, place.run()?, line).await,
    }
}

async fn put_run_line(tx: &mut dyn Tx, run: &mut OpenRun, line: PortableLine) -> Result<()> {
    match line {
        PortableLine::Attempt(attempt) => put_attempt(tx, run.seq, &attempt).await,
        PortableLine::Param(pair) => {
            run.params.push((pair.name, pair.value));
            flush_full(tx, run).await
        }
        PortableLine::Tag(pair) => {
            run.tags.push((pair.name, pair.value));
            flush_full(tx, run).await
        }
        PortableLine::Record(record) => {
            run.records.push(record);
            flush_full(tx, run).await
        }
        PortableLine::Offset(offset) => {
            let sql = "INSERT INTO writer_offset (run, attempt, writer, end_offset) \
                       VALUES ($1, $2, $3, $4)";
            let values = [
                run.seq.into(),
                offset.attempt.into(),
                offset.writer.into(),
                offset.end.cast_signed().into(),
            ];
            tx.execute(sql, &values).await.map(drop)
        }
        PortableLine::Input(input) => put_input(tx, run.seq, &input).await,
        PortableLine::LoggedModel(model) => logged_models::restore(tx, run.seq, *model).await,
        PortableLine::LoggedModelUse(used) => logged_models::restore_use(tx, run.seq, &used).await,
        PortableLine::LogStream(log) => put_log_stream(tx, run.seq, log).await,
        PortableLine::Evaluation(evaluation) => {
            evaluations::restore(tx, run.seq, &evaluation).await
        }
        _ => Err(out_of_place()),
    }
}

async fn put_artifact(
    tx: &mut dyn Tx,
    project: &Name,
    run: &OpenRun,
    artifact: PortableArtifact,
) -> Result<()> {
    let sql = "INSERT INTO artifact (run, path_hash, path, hash, size_bytes, kind, attempt, \
               created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let values = [
        run.seq.into(),
        labels::hash(artifact.path.as_str()),
        artifact.path.as_str().into(),
        artifact.hash.as_str().into(),
        artifact.size_bytes.cast_signed().into(),
        artifact.artifact.as_str().into(),
        artifact.attempt.into(),
        artifact.created_at.0.into(),
    ];
    tx.execute(sql, &values).await?;
    let artifact = Artifact {
        run: run.id.clone(),
        path: artifact.path,
        hash: artifact.hash,
        size_bytes: artifact.size_bytes,
        kind: artifact.artifact,
        attempt: artifact.attempt,
        created_at: artifact.created_at,
    };
    versions::note_restored(tx, project, &artifact).await
}

async fn put_version(tx: &mut dyn Tx, version: &PortableDatasetVersion) -> Result<()> {
    let name = version.dataset.as_str();
    let sql = "SELECT version, fingerprint FROM dataset_version \
               WHERE dataset = $1 AND (version = $2 OR fingerprint = $3)";
    let values = [
        name.into(),
        version.version.into(),
        version.fingerprint.as_str().into(),
    ];
    let found = tx.query(sql, &values).await?;
    if !found.is_empty() {
        for mut row in found {
            if (row.int::<u32>()?, row.text()?) != (version.version, version.fingerprint.clone()) {
                return Err(Error::conflict(format!(
                    "the dataset {name}@{} has another content here (fingerprint), so runs that \
                     name it would change their meaning",
                    version.version
                )));
            }
        }
        return Ok(());
    }
    let sql = "INSERT INTO dataset_version (dataset, version, fingerprint, format, source, \
               row_count, size_bytes, inspection, owner, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let values = [
        name.into(),
        version.version.into(),
        version.fingerprint.as_str().into(),
        version.format.as_str().into(),
        version.source.as_str().into(),
        version.rows.map(u64::cast_signed).into(),
        version.size_bytes.cast_signed().into(),
        json_text(&version.inspection)?.into(),
        version.owner.0.as_str().into(),
        version.created_at.0.into(),
    ];
    tx.execute(sql, &values).await?;
    let sql = "UPDATE dataset SET latest_version = $1 WHERE name = $2 AND latest_version < $1";
    tx.execute(sql, &[version.version.into(), name.into()])
        .await
        .map(drop)
}

async fn put_split(tx: &mut dyn Tx, split: &PortableSplit) -> Result<()> {
    let sql = "INSERT INTO dataset_split (dataset, version, hash, spec, parts, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (dataset, version, hash) DO NOTHING";
    let values = [
        split.dataset.as_str().into(),
        split.version.into(),
        split.hash.as_str().into(),
        json_text(&split.spec)?.into(),
        json_text(&split.parts)?.into(),
        split.created_at.0.into(),
    ];
    tx.execute(sql, &values).await.map(drop)
}

async fn put_definition(tx: &mut dyn Tx, definition: &PortableDefinition) -> Result<()> {
    let stored = mlhub_core::evaluation::StoredDefinition {
        id: definition.id.clone(),
        hash: definition.hash.clone(),
        body: definition.body.clone(),
    };
    evaluations::put_definition(tx, &stored).await
}

async fn put_project(tx: &mut dyn Tx, project: &PortableProject) -> Result<()> {
    let sql = "INSERT INTO project (name, description, created_at) VALUES ($1, $2, $3) \
               ON CONFLICT (name) DO NOTHING";
    let values = [
        project.name.as_str().into(),
        project.description.as_str().into(),
        project.created_at.0.into(),
    ];
    tx.execute(sql, &values).await.map(drop)
}

async fn put_experiment(
    tx: &mut dyn Tx,
    project: &Name,
    experiment: &PortableExperiment,
) -> Result<()> {
    // Whoever holds the counter of runs makes experiments alone.
    projects::take_numbers(tx, "run", 0).await?;
    let key = [project.as_str().into(), experiment.name.as_str().into()];
    let sql = "SELECT seq FROM experiment WHERE project = $1 AND name = $2";
    if !tx.query(sql, &key).await?.is_empty() {
        return Ok(());
    }
    let seq = projects::take_numbers(tx, "experiment", 1).await?;
    let sql = "INSERT INTO experiment \
               (project, name, description, created_at, seq, location, deleted_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let [project, name] = key;
    let values = [
        project,
        name,
        experiment.description.as_str().into(),
        experiment.created_at.0.into(),
        seq.into(),
        experiment.location.as_deref().into(),
        experiment.deleted_at.map(|at| at.0).into(),
    ];
    tx.execute(sql, &values).await?;
    experiments::put_tags(tx, seq, &experiment.tags).await
}

async fn put_run(tx: &mut dyn Tx, project: &Name, run: &PortableRun) -> Result<i64> {
    let seq = projects::take_numbers(tx, "run", 1).await?;
    let sql = "SELECT id FROM run WHERE id = $1";
    if !tx.query(sql, &[run.id.as_str().into()]).await?.is_empty() {
        return Err(Error::conflict(format!(
            "a run `{}` exists already",
            run.id
        )));
    }
    let times = [run.started_at, run.ended_at].into_iter().flatten();
    let changed_at = times.fold(run.created_at, Timestamp::max);
    let row = vec![
        seq.into(),
        run.id.as_str().into(),
        project.as_str().into(),
        run.experiment.as_str().into(),
        run.name.as_str().into(),
        run.state.as_str().into(),
        run.adapter.as_deref().into(),
        run.adapter_version.as_deref().into(),
        run.seed.into(),
        run.group.as_ref().map(|group| group.as_str()).into(),
        run.dataset.as_deref().into(),
        run.owner.0.as_str().into(),
        run.attempt.into(),
        run.created_at.0.into(),
        run.started_at.map(|time| time.0).into(),
        run.ended_at.map(|time| time.0).into(),
        run.exit.as_ref().map(json_text).transpose()?.into(),
        run.failure.as_ref().map(json_text).transpose()?.into(),
        i64::from(run.stop_requested).into(),
        changed_at.0.into(),
        0i64.into(),
        run.deleted_at.map(|time| time.0).into(),
    ];
    let head = "INSERT INTO run (seq, id, project, experiment, name, state, adapter, \
                adapter_version, seed, group_id, dataset, owner, attempt, created_at, started_at, \
                ended_at, exit_status, failure, stop_requested, changed_at, event_seq, \
                deleted_at)";
    insert_rows(tx, head, vec![row], "").await?;
    let text = vec![
        seq.into(),
        run.notes.as_str().into(),
        json_text(&run.snapshot)?.into(),
    ];
    let head = "INSERT INTO run_text (run, notes, snapshot)";
    insert_rows(tx, head, vec![text], "").await?;
    Ok(seq)
}

async fn put_attempt(tx: &mut dyn Tx, run: i64, attempt: &PortableAttempt) -> Result<()> {
    let time = |time: Option<Timestamp>| Value::from(time.map(|time| time.0));
    let state: RunState = attempt.state;
    let row = vec![
        run.into(),
        attempt.number.into(),
        state.as_str().into(),
        attempt.host.as_deref().into(),
        attempt.resumed_from_step.into(),
        attempt.created_at.0.into(),
        time(attempt.started_at),
        time(attempt.ended_at),
        time(attempt.heartbeat_at),
        attempt.exit.as_ref().map(json_text).transpose()?.into(),
        attempt.failure.as_ref().map(json_text).transpose()?.into(),
    ];
    let head = "INSERT INTO attempt (run, number, state, host, resumed_from_step, created_at, \
                started_at, ended_at, heartbeat_at, exit_status, failure)";
    insert_rows(tx, head, vec![row], "").await
}

async fn flush(tx: &mut dyn Tx, place: &mut Place) -> Result<()> {
    match &mut place.run {
        Some(run) => {
            flush_run(tx, run).await?;
            labels::check_count(tx, run.seq, "summary").await
        }
        None => Ok(()),
    }
}

async fn flush_full(tx: &mut dyn Tx, run: &mut OpenRun) -> Result<()> {
    match run.params.len() + run.tags.len() + run.records.len() >= ROWS_TOGETHER {
        true => flush_run(tx, run).await,
        false => Ok(()),
    }
}

/// Stores what was gathered.
async fn flush_run(tx: &mut dyn Tx, run: &mut OpenRun) -> Result<()> {
    let (params, tags) = (
        std::mem::take(&mut run.params),
        std::mem::take(&mut run.tags),
    );
    if !params.is_empty() || !tags.is_empty() {
        let names = params.iter().chain(&tags).map(|(name, _)| name.as_str());
        let labels = labels::ensure(tx, &names.collect()).await?;
        labels::params_add(tx, run.seq, &labels, &params).await?;
        let tags = tags
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        labels::tags_put(tx, run.seq, &labels, tags).await?;
    }
    let records = std::mem::take(&mut run.records);
    if records.is_empty() {
        return Ok(());
    }
    let first = take_event_numbers(tx, run.seq, records.len()).await?;
    let mut rows = Vec::with_capacity(records.len());
    for (seq, record) in (first..).zip(&records) {
        rows.push(vec![
            run.seq.into(),
            seq.into(),
            record.attempt.into(),
            record.record.as_str().into(),
            record.time.0.into(),
            json_text(&record.body)?.into(),
        ]);
    }
    let head = "INSERT INTO record (run, seq, attempt, kind, written_at, body)";
    insert_rows(tx, head, rows, "").await
}

/// Takes `count` numbers of the run's event order; returns the first.
async fn take_event_numbers(tx: &mut dyn Tx, run: i64, count: usize) -> Result<i64> {
    let count = count as i64;
    let sql = "UPDATE run SET event_seq = event_seq + $1 WHERE seq = $2 RETURNING event_seq";
    let rows = tx.query(sql, &[count.into(), run.into()]).await?;
    let mut row = rows.into_iter().next().ok_or_else(out_of_place)?;
    Ok(row.i64()? - count)
}

async fn put_points(tx: &mut dyn Tx, run: i64, points: &PortablePoints) -> Result<()> {
    let labels = labels::ensure(tx, &[points.name.as_str()].into()).await?;
    let label = labels::number_of(&labels, &points.name)?;
    bulk::restore(tx, run, label, points.attempt, &points.points).await
}

async fn put_log(tx: &mut dyn Tx, run: i64, log: PortableLog) -> Result<()> {
    let sql = "INSERT INTO log_piece (run, attempt, stream, start_offset, body) \
               VALUES ($1, $2, $3, $4, $5)";
    let values = [
        run.into(),
        log.attempt.into(),
        log.stream.into(),
        log.offset.cast_signed().into(),
        log.bytes.into(),
    ];
    tx.execute(sql, &values).await.map(drop)
}

async fn put_log_stream(tx: &mut dyn Tx, run: i64, log: PortableLogStream) -> Result<()> {
    let sql = "INSERT INTO log_stream (run, attempt, stream, size_bytes, gap_start, gap_end) \
               VALUES ($1, $2, $3, $4, $5, $6)";
    let values = [
        run.into(),
        log.attempt.into(),
        log.stream.into(),
        log.size_bytes.cast_signed().into(),
        log.gap_start.map(u64::cast_signed).into(),
        log.gap_end.map(u64::cast_signed).into(),
    ];
    tx.execute(sql, &values).await.map(drop)
}

async fn put_input(tx: &mut dyn Tx, run: i64, input: &PortableInput) -> Result<()> {
    let sql = "INSERT INTO artifact_use (run, name_hash, name, source_run, source_path, hash, \
               size_bytes, used_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let values = [
        run.into(),
        labels::hash(&input.name),
        input.name.as_str().into(),
        input.source_run.as_ref().map(|run| run.as_str()).into(),
        input.source_path.as_ref().map(|path| path.as_str()).into(),
        input.hash.as_str().into(),
        input.size_bytes.cast_signed().into(),
        input.used_at.0.into(),
    ];
    tx.execute(sql, &values).await.map(drop)
}
