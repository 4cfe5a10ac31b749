//! What a hub remembers, as items that do not depend on a database: no row
//! numbers, no storage layout, no order of arrival between runs.
//!
//! Items travel in one order: what projects share (datasets, adapters,
//! definitions), then per project its line, its experiments, its documents, the versions of its
//! artifacts by (name, number), its traces by id and its runs by (creation, id), each trace and run followed by everything of it. The lines are the wire
//! form of archives, version [`PORTABLE_VERSION`]; how items are framed, hashed
//! and checked for sequence is in `mlhub-app`. Blobs are not items.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::artifact_version::VersionAlias;
use crate::caller::UserId;
use crate::dataset::DatasetPreview;
use crate::document::{DocumentKind, check_document_body, check_document_name};
use crate::error::{Error, ErrorKind, Result};
use crate::evaluation::EvaluationState;
use crate::id::{
    DocumentId, EvaluationId, GroupId, LoggedModelId, Name, RegisteredModelId, RunId, TraceId,
};
use crate::logged_model::{LoggedModelMetric, LoggedModelUse};
use crate::metric::Point;
use crate::path::ArtifactPath;
use crate::ports::Timestamp;
use crate::registry::{
    ModelAlias, ModelName, ModelPlace, ModelStage, ModelStatus, PromotionTarget,
};
use crate::run::{ExitStatus, Failure};
use crate::state::RunState;
use crate::trace::{Assessment, Trace, TraceSpan, TraceState};
use crate::{limits, store};

/// The version of the items below. A reader refuses newer ones.
pub const PORTABLE_VERSION: u32 = 1;
/// Points of one item; every item of a series but its last has so many.
pub const POINTS_PER_ITEM: usize = 65_536;
/// Log bytes of one item; every item of a stream but its last has so many.
pub const LOG_BYTES_PER_ITEM: usize = 256 * 1024;

/// One thing a hub remembers.
#[derive(Debug, Clone, PartialEq)]
pub enum PortableItem {
    /// A record.
    Line(PortableLine),
    /// A piece of a metric series.
    Points(PortablePoints),
    /// A piece of captured output.
    Log(PortableLog),
}

/// A record, told apart by `kind` in JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PortableLine {
    /// A dataset; shared.
    Dataset(PortableDataset),
    /// A version of a dataset; shared.
    DatasetVersion(PortableDatasetVersion),
    /// A split of a dataset version; shared.
    Split(PortableSplit),
    /// An adapter version; shared.
    Adapter(PortableAdapter),
    /// A metric definition; shared.
    Definition(PortableDefinition),
    /// A rule by which the hub deletes by itself; of a whole hub only.
    RetentionRule(PortableRetentionRule),
    /// A document about no project; of a whole hub only.
    HubDocument(PortableDocument),
    /// The preview of a dataset version; of a whole hub only.
    DatasetPreview(PortableDatasetPreview),
    /// A registered model; of a whole hub only.
    RegisteredModel(PortableRegisteredModel),
    /// A version of the registered model; of a whole hub only.
    ModelVersion(Box<PortableModelVersion>),
    /// A line of the registry's trail; of a whole hub only.
    ModelEvent(PortableModelEvent),
    /// A project begins.
    Project(PortableProject),
    /// An experiment of the project.
    Experiment(PortableExperiment),
    /// A saved view or report about the project.
    Document(PortableDocument),
    /// A version of an artifact of the project, with its aliases.
    ArtifactVersion(PortableArtifactVersion),
    /// A trace in an experiment of the project begins.
    Trace(Box<PortableTrace>),
    /// A span of the trace.
    TraceSpan(Box<PortableTraceSpan>),
    /// A file of the trace.
    TraceFile(PortableTraceFile),
    /// A run of the project begins.
    Run(Box<PortableRun>),
    /// An attempt of the run.
    Attempt(PortableAttempt),
    /// A param of the run.
    Param(PortablePair),
    /// A tag of the run.
    Tag(PortablePair),
    /// How far a writer's events are stored.
    Offset(PortableOffset),
    /// A record of the run.
    Record(PortableRecord),
    /// An artifact of the run.
    Artifact(PortableArtifact),
    /// An artifact the run took as an input.
    Input(PortableInput),
    /// A logged model with files of the run.
    LoggedModel(Box<PortableLoggedModel>),
    /// A logged model that the run read or made.
    LoggedModelUse(LoggedModelUse),
    /// An evaluation of the run with its numbers.
    Evaluation(Box<PortableEvaluation>),
    /// A stream of captured output; its bytes follow later.
    LogStream(PortableLogStream),
}

macro_rules! lines {
    ($($(#[$doc:meta])* $name:ident { $($(#[$how:meta])* $field:ident: $type:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(missing_docs, reason = "the fields are those of the domain type, documented there")]
        pub struct $name { $($(#[$how])* pub $field: $type),* }
    )*};
}

lines! {
    /// See [`crate::dataset::Dataset`]; its newest version follows from its versions.
    PortableDataset { name: Name, description: String, created_at: Timestamp }
    /// See [`crate::dataset::DatasetVersion`].
    PortableDatasetVersion {
        dataset: Name, version: u32, fingerprint: String, format: String, source: String,
        rows: Option<u64>, size_bytes: u64, inspection: serde_json::Value, owner: UserId,
        created_at: Timestamp,
    }
    /// See [`crate::dataset::DatasetSplit`].
    PortableSplit {
        dataset: Name, version: u32, hash: String, spec: serde_json::Value,
        parts: serde_json::Value, created_at: Timestamp,
    }
    /// See [`crate::evaluation::AdapterVersion`].
    PortableAdapter {
        name: String, version: String, manifest: serde_json::Value, created_at: Timestamp,
    }
    /// See [`crate::evaluation::StoredDefinition`].
    PortableDefinition { id: String, hash: String, body: serde_json::Value }
    /// See `retention_rule` in the migrations: a versioned JSON document by name.
    PortableRetentionRule {
        name: String, body: serde_json::Value, actor: String, created_at: Timestamp,
    }
    /// See [`crate::document::Document`]; its project follows from its place.
    PortableDocument {
        id: DocumentId, document: DocumentKind, name: String, owner: UserId, revision: u32,
        created_at: Timestamp, updated_at: Timestamp, body: serde_json::Value,
    }
    /// See [`crate::dataset::DatasetPreview`].
    PortableDatasetPreview {
        dataset: Name, version: u32, columns: Vec<String>, rows: Vec<Vec<serde_json::Value>>,
        actor: UserId, created_at: Timestamp,
    }
    /// See [`crate::registry::RegisteredModel`]; how many numbers of versions were handed out.
    PortableRegisteredModel {
        id: RegisteredModelId, name: ModelName, description: String,
        tags: BTreeMap<String, String>,
        protections: BTreeMap<PromotionTarget, serde_json::Value>, numbers: u32,
        created_at: Timestamp, updated_at: Timestamp,
    }
    /// See [`crate::registry::ModelVersion`].
    PortableModelVersion {
        model: RegisteredModelId, version: u32, run: Option<RunId>, source: String,
        place: Option<ModelPlace>, logged_model: Option<String>, description: String,
        tags: BTreeMap<String, String>, aliases: Vec<ModelAlias>, stage: ModelStage,
        status: ModelStatus, status_message: Option<String>, created_by: UserId,
        created_at: Timestamp, updated_at: Timestamp,
    }
    /// See [`crate::registry::ModelEvent`].
    PortableModelEvent {
        model: RegisteredModelId, number: u32, name: ModelName, version: Option<u32>,
        action: String, detail: serde_json::Value, actor: UserId, at: Timestamp,
    }
    /// See [`crate::run::Project`].
    PortableProject { name: Name, description: String, created_at: Timestamp }
    /// See [`crate::run::Experiment`].
    PortableExperiment {
        name: Name, description: String, created_at: Timestamp,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        tags: BTreeMap<String, String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        location: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deleted_at: Option<Timestamp>,
    }
    /// See [`crate::run::Run`].
    PortableRun {
        id: RunId, experiment: Name, name: Name, state: RunState, adapter: Option<String>,
        adapter_version: Option<String>, seed: Option<i64>, group: Option<GroupId>,
        dataset: Option<String>, owner: UserId, notes: String, attempt: u32,
        created_at: Timestamp, started_at: Option<Timestamp>, ended_at: Option<Timestamp>,
        exit: Option<ExitStatus>, failure: Option<Failure>, stop_requested: bool,
        deleted_at: Option<Timestamp>, snapshot: serde_json::Value,
    }
    /// See [`crate::run::Attempt`].
    PortableAttempt {
        number: u32, state: RunState, host: Option<String>, resumed_from_step: Option<i64>,
        created_at: Timestamp, started_at: Option<Timestamp>, ended_at: Option<Timestamp>,
        heartbeat_at: Option<Timestamp>, exit: Option<ExitStatus>, failure: Option<Failure>,
    }
    /// A param or tag.
    PortablePair { name: String, value: String }
    /// How far a writer's events of an attempt are stored.
    PortableOffset { attempt: u32, writer: String, end: u64 }
    /// See [`crate::run::RunRecord`].
    PortableRecord { attempt: u32, record: String, time: Timestamp, body: serde_json::Value }
    /// See [`crate::run::Artifact`].
    PortableArtifact {
        path: ArtifactPath, hash: String, size_bytes: u64, artifact: String, attempt: u32,
        created_at: Timestamp,
    }
    /// See [`crate::artifact_version::ArtifactVersion`].
    PortableArtifactVersion {
        name: ArtifactPath, version: u32, run: RunId, hash: String, size_bytes: u64,
        artifact: String, attempt: u32, created_at: Timestamp, aliases: Vec<VersionAlias>,
    }
    /// See [`crate::run::ArtifactUse`].
    PortableInput {
        name: String, source_run: Option<RunId>, source_path: Option<ArtifactPath>, hash: String,
        size_bytes: u64, used_at: Timestamp,
    }
    /// See [`crate::logged_model::LoggedModel`].
    PortableLoggedModel {
        id: LoggedModelId, folder: ArtifactPath, source_run: Option<String>, name: String,
        model_type: Option<String>, status: ModelStatus, params: BTreeMap<String, String>,
        tags: BTreeMap<String, String>, metrics: Vec<PortableLoggedModelMetric>,
        created_at: Timestamp, updated_at: Timestamp, deleted_at: Option<Timestamp>,
    }
    /// See [`crate::logged_model::LoggedModelMetric`]; the value as its bits.
    PortableLoggedModelMetric {
        name: String, run: RunId, dataset_name: Option<String>, dataset_digest: Option<String>,
        step: i64, time: Timestamp, value_bits: u64,
    }
    /// See [`crate::trace::Trace`]; `links` are further runs it belongs to.
    PortableTrace {
        id: TraceId, experiment: Name, run: Option<String>, client_request: Option<String>,
        requested_at: Timestamp, duration_ms: Option<i64>, state: TraceState,
        request_preview: Option<String>, response_preview: Option<String>,
        tags: BTreeMap<String, String>, metadata: BTreeMap<String, String>,
        assessments: Vec<Assessment>, links: Vec<String>, headed: bool,
    }
    /// A span of a trace, which has a kind of its own.
    PortableTraceSpan { span: TraceSpan }
    /// A file of a trace; the content in hex digits.
    PortableTraceFile { path: ArtifactPath, content: String }
    /// Captured output: bytes seen, and the range of them that is not kept.
    PortableLogStream {
        attempt: u32, stream: String, size_bytes: u64, gap_start: Option<u64>,
        gap_end: Option<u64>,
    }
    /// See [`crate::evaluation::EvaluationRecord`].
    PortableEvaluation {
        id: EvaluationId, split: String, predictions: ArtifactPath, predictions_hash: String,
        request: serde_json::Value, state: EvaluationState, message: Option<String>,
        result: Option<serde_json::Value>, curves: Option<serde_json::Value>,
        created_at: Timestamp, ended_at: Option<Timestamp>, metrics: Vec<PortableMetric>,
    }
    /// See [`crate::evaluation::EvaluatedMetric`]; floats as their bits.
    PortableMetric {
        name: String, definition: String, value_bits: u64, low_bits: Option<u64>,
        high_bits: Option<u64>,
    }
}

impl From<PortableLoggedModelMetric> for LoggedModelMetric {
    fn from(line: PortableLoggedModelMetric) -> Self {
        Self {
            name: line.name,
            run: line.run,
            dataset_name: line.dataset_name,
            dataset_digest: line.dataset_digest,
            step: line.step,
            time: line.time,
            value: f64::from_bits(line.value_bits),
        }
    }
}

/// Its experiment is told by a name, not by a number.
impl From<PortableTrace> for Trace {
    fn from(line: PortableTrace) -> Self {
        Self {
            id: line.id,
            experiment: 0,
            run: line.run,
            client_request: line.client_request,
            requested_at: line.requested_at,
            duration_ms: line.duration_ms,
            state: line.state,
            request_preview: line.request_preview,
            response_preview: line.response_preview,
            tags: line.tags,
            metadata: line.metadata,
            assessments: line.assessments,
            headed: line.headed,
        }
    }
}

impl From<PortableDatasetPreview> for DatasetPreview {
    fn from(line: PortableDatasetPreview) -> Self {
        Self {
            columns: line.columns,
            rows: line.rows,
            actor: line.actor,
            created_at: line.created_at,
        }
    }
}

/// Consecutive points of one series from one attempt, in the order they were logged.
#[derive(Debug, Clone, PartialEq)]
pub struct PortablePoints {
    /// The metric's name.
    pub name: String,
    /// The attempt's number.
    pub attempt: u32,
    /// 1 to [`POINTS_PER_ITEM`] points.
    pub points: Vec<Point>,
}

/// Consecutive bytes of one stream of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortableLog {
    /// The attempt's number.
    pub attempt: u32,
    /// The stream's name.
    pub stream: String,
    /// Where the bytes start.
    pub offset: u64,
    /// 1 to [`LOG_BYTES_PER_ITEM`] bytes.
    pub bytes: Vec<u8>,
}

/// What is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortableScope {
    /// Everything.
    Hub,
    /// A project and what its runs use.
    Project(Name),
    /// One run, nothing before its own line.
    Run(RunId),
}

impl PortableItem {
    /// Whether the item is shared between projects.
    pub fn is_shared(&self) -> bool {
        use PortableLine as L;
        matches!(
            self,
            Self::Line(
                L::Dataset(_)
                    | L::DatasetVersion(_)
                    | L::Split(_)
                    | L::Adapter(_)
                    | L::Definition(_)
                    | L::RetentionRule(_)
                    | L::HubDocument(_)
                    | L::DatasetPreview(_)
                    | L::RegisteredModel(_)
                    | L::ModelVersion(_)
                    | L::ModelEvent(_)
            )
        )
    }

    /// Refuses texts and sizes that no database of ours stores. Sequence is not
    /// looked at.
    ///
    /// # Errors
    /// `Invalid` or `TooLarge`, naming what is wrong.
    pub fn check(&self) -> Result<()> {
        match self {
            Self::Line(line) => line.check(),
            Self::Points(points) => {
                key("a metric's name", &points.name)?;
                size("a piece of a series", points.points.len(), POINTS_PER_ITEM)
            }
            Self::Log(log) => {
                short("a log stream's name", &log.stream)?;
                big("a log's size", log.offset)?;
                size("a piece of log", log.bytes.len(), LOG_BYTES_PER_ITEM)
            }
        }
    }
}

impl PortableLine {
    fn check(&self) -> Result<()> {
        match self {
            Self::Dataset(dataset) => text("a description", &dataset.description, NOTES),
            Self::DatasetVersion(version) => check_version(version),
            Self::Split(split) => {
                short("a split's hash", &split.hash)?;
                document("a split's specification", &split.spec)?;
                document("a split's parts", &split.parts)
            }
            Self::Adapter(adapter) => {
                short("an adapter's name", &adapter.name)?;
                short("an adapter's version", &adapter.version)?;
                document("a manifest", &adapter.manifest)
            }
            Self::Definition(definition) => {
                short("a definition's name", &definition.id)?;
                short("a definition's hash", &definition.hash)?;
                document("a definition", &definition.body)
            }
            Self::Project(project) => text("a description", &project.description, NOTES),
            Self::Experiment(experiment) => {
                text("a description", &experiment.description, NOTES)?;
                let location = experiment.location.as_deref().unwrap_or_default();
                text("a location", location, limits::PATH_MAX_BYTES)?;
                for (key, value) in &experiment.tags {
                    short("an experiment's tag", key)?;
                    text("a tag", value, limits::VALUE_MAX_BYTES)?;
                }
                Ok(())
            }
            Self::Run(run) => check_run(run),
            Self::Attempt(attempt) => {
                optional("a host", attempt.host.as_deref())?;
                failure(attempt.failure.as_ref())
            }
            Self::Param(pair) | Self::Tag(pair) => {
                key("the name of a param or tag", &pair.name)?;
                text("a param or tag", &pair.value, limits::VALUE_MAX_BYTES)
            }
            Self::Offset(offset) => {
                short("a writer", &offset.writer)?;
                big("an offset", offset.end)
            }
            Self::Record(record) => {
                short("a record's kind", &record.record)?;
                bounded("a record", &record.body, limits::RECORD_MAX_BYTES)
            }
            Self::Artifact(artifact) => {
                short("an artifact's kind", &artifact.artifact)?;
                big("an artifact's size", artifact.size_bytes)?;
                hash(&artifact.hash)
            }
            Self::ArtifactVersion(version) => check_artifact_version(version),
            Self::Input(input) => {
                key("an input's name", &input.name)?;
                big("an input's size", input.size_bytes)?;
                hash(&input.hash)
            }
            Self::LogStream(log) => {
                short("a log stream's name", &log.stream)?;
                big("a log's size", log.size_bytes)?;
                big("a log's gap", log.gap_start.unwrap_or(0))?;
                big("a log's gap", log.gap_end.unwrap_or(0))
            }
            Self::RetentionRule(rule) => {
                short("a rule's name", &rule.name)?;
                optional("a rule's author", Some(&rule.actor))?;
                document("a rule", &rule.body)
            }
            Self::HubDocument(document) | Self::Document(document) => {
                optional("a document's owner", Some(&document.owner.0))?;
                check_document_name(&document.name)?;
                check_document_body(&document.body)
            }
            Self::DatasetPreview(preview) => {
                optional("who chose a preview", Some(&preview.actor.0))?;
                DatasetPreview::from(preview.clone()).check()
            }
            Self::RegisteredModel(model) => model.check(),
            Self::ModelVersion(version) => version.check(),
            Self::ModelEvent(event) => event.check(),
            Self::Evaluation(evaluation) => check_evaluation(evaluation),
            Self::LoggedModel(model) => model.check(),
            Self::LoggedModelUse(_) => Ok(()),
            Self::Trace(trace) => check_trace(trace),
            Self::TraceSpan(line) => line.span.check(),
            Self::TraceFile(file) => {
                let max = 2 * limits::TRACE_FILES_MAX_BYTES as usize;
                text("a file of a trace", &file.content, max)
            }
        }
    }
}

fn check_trace(trace: &PortableTrace) -> Result<()> {
    size(
        "the runs of a trace",
        trace.links.len(),
        limits::TRACE_LINKS_MAX,
    )?;
    for run in &trace.links {
        short("a run of a trace", run)?;
    }
    Trace::from(trace.clone()).check()
}

fn check_artifact_version(version: &PortableArtifactVersion) -> Result<()> {
    short("an artifact's kind", &version.artifact)?;
    big("an artifact's size", version.size_bytes)?;
    hash(&version.hash)?;
    size(
        "the list of aliases",
        version.aliases.len(),
        limits::ALIASES_PER_NAME_MAX,
    )?;
    for alias in &version.aliases {
        optional("who set an alias", Some(&alias.actor.0))?;
    }
    Ok(())
}

fn check_version(version: &PortableDatasetVersion) -> Result<()> {
    short("a fingerprint", &version.fingerprint)?;
    short("a format", &version.format)?;
    optional("an owner", Some(&version.owner.0))?;
    text("a source", &version.source, limits::VALUE_MAX_BYTES)?;
    big("a number of rows", version.rows.unwrap_or(0))?;
    big("a dataset's size", version.size_bytes)?;
    document("an inspection", &version.inspection)
}

fn check_run(run: &PortableRun) -> Result<()> {
    optional("an adapter", run.adapter.as_deref())?;
    optional("an adapter's version", run.adapter_version.as_deref())?;
    optional("a dataset", run.dataset.as_deref())?;
    optional("an owner", Some(&run.owner.0))?;
    text("the notes", &run.notes, NOTES)?;
    failure(run.failure.as_ref())?;
    document("the snapshot", &run.snapshot)
}

fn check_evaluation(evaluation: &PortableEvaluation) -> Result<()> {
    short("a split", &evaluation.split)?;
    short("a hash of predictions", &evaluation.predictions_hash)?;
    if let Some(message) = &evaluation.message {
        text("a message", message, NOTES)?;
    }
    for metric in &evaluation.metrics {
        short("a metric's name", &metric.name)?;
        short("a definition", &metric.definition)?;
    }
    Ok(())
}

const NOTES: usize = limits::NOTES_MAX_BYTES;

fn text(what: &str, value: &str, max_bytes: usize) -> Result<()> {
    size(what, value.len(), max_bytes)?;
    if value.contains('\0') {
        return Err(Error::invalid(format!("{what} has a NUL character")));
    }
    Ok(())
}

fn size(what: &str, found: usize, max: usize) -> Result<()> {
    if found <= max {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::TooLarge,
        format!("{what} has the size {found}; at most {max} is allowed"),
    ))
}

fn key(what: &str, value: &str) -> Result<()> {
    if value.is_empty() {
        return Err(Error::invalid(format!("{what} is empty")));
    }
    text(what, value, limits::KEY_MAX_BYTES)
}

fn short(what: &str, value: &str) -> Result<()> {
    if value.is_empty() {
        return Err(Error::invalid(format!("{what} is empty")));
    }
    text(what, value, limits::NAME_MAX_BYTES)
}

fn optional(what: &str, value: Option<&str>) -> Result<()> {
    value.map_or(Ok(()), |value| text(what, value, limits::NAME_MAX_BYTES))
}

fn failure(failure: Option<&Failure>) -> Result<()> {
    let Some(failure) = failure else {
        return Ok(());
    };
    text("a failure's message", &failure.message, NOTES)?;
    let lines = failure.evidence.iter().map(String::len).sum();
    size("a failure's evidence", lines, NOTES)
}

fn big(what: &str, value: u64) -> Result<()> {
    i64::try_from(value)
        .map(drop)
        .map_err(|_| Error::invalid(format!("{what} is {value}; at most 2^63-1 is possible")))
}

fn document(what: &str, value: &serde_json::Value) -> Result<()> {
    bounded(what, value, limits::SNAPSHOT_MAX_BYTES)
}

fn bounded(what: &str, value: &serde_json::Value, max_bytes: usize) -> Result<()> {
    let found = serde_json::to_vec(value)
        .map_err(|error| Error::internal("measure a document", error))?
        .len();
    size(what, found, max_bytes)
}

/// Refuses what is not the hash of a blob.
///
/// # Errors
/// `Invalid`.
pub fn hash(text: &str) -> Result<()> {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() == store::BLOB_HASH_DIGITS && text.bytes().all(digit) {
        return Ok(());
    }
    Err(Error::invalid(
        "not a blob hash: 64 lower-case hex digits are expected",
    ))
}
