//! Whether items stand in the one order that archives have, so that everything
//! an archive says can be stored, before anything of it is.
//!
//! What only a database knows (names that are taken) is not looked at.

use std::collections::{BTreeMap, BTreeSet};

use mlhub_core::artifact_version::Alias;
use mlhub_core::portable::{
    LOG_BYTES_PER_ITEM, POINTS_PER_ITEM, PortableArtifactVersion, PortableDocument, PortableItem,
    PortableLine, PortableLog, PortableModelVersion, PortablePoints, PortableRun, PortableTrace,
};
use mlhub_core::registry::{ModelAlias, ModelName};
use mlhub_core::{
    ArtifactPath, DocumentId, Error, ErrorKind, EvaluationId, Name, RegisteredModelId, Result,
    RunId, Timestamp, TraceId, limits,
};

use super::archive::blob_of;

/// Watches items go by.
#[derive(Default)]
pub(crate) struct Sequence {
    project: Option<Name>,
    experiments: BTreeSet<Name>,
    datasets: BTreeSet<Name>,
    versions: BTreeSet<(Name, u32)>,
    /// Registered models, their names, versions and aliases so far.
    models: BTreeSet<RegisteredModelId>,
    model_names: BTreeSet<ModelName>,
    model_versions: BTreeSet<(RegisteredModelId, u32)>,
    model_aliases: BTreeSet<(RegisteredModelId, ModelAlias)>,
    last_document: Option<(Timestamp, DocumentId)>,
    last_version: Option<(ArtifactPath, u32)>,
    /// Aliases of that name so far.
    aliases: BTreeSet<Alias>,
    last_trace: Option<TraceId>,
    traces: BTreeSet<TraceId>,
    /// Spans and files of that trace so far: the last of each.
    last_span: Option<String>,
    last_file: Option<ArtifactPath>,
    last_run: Option<(Timestamp, RunId)>,
    runs: BTreeSet<RunId>,
    evaluations: BTreeSet<EvaluationId>,
    run: Option<OpenRun>,
    /// Blobs that artifacts and aliases name, with their sizes.
    pub(crate) blobs: BTreeMap<String, u64>,
}

/// What is known of the run whose items go by.
struct OpenRun {
    id: RunId,
    attempts: u32,
    attempts_seen: u32,
    /// The kind of the last item, by its place in the order.
    stage: u8,
    /// The last key of that kind; keys ascend within a kind.
    key: Key,
    /// Points or bytes of the last piece, and where it ends.
    piece: usize,
    next_offset: u64,
    /// Sizes of the streams of output.
    streams: BTreeMap<(u32, String), u64>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Key(u32, String, u32);

fn wrong(what: &str) -> Error {
    Error::invalid(format!("the archive is not in order: {what}"))
}

impl Sequence {
    /// Takes the next item.
    ///
    /// # Errors
    /// `Invalid` naming what is out of order.
    pub(crate) fn accept(&mut self, item: &PortableItem) -> Result<()> {
        if let Some((hash, size_bytes)) = blob_of(item) {
            self.blob(hash, size_bytes)?;
        }
        if item.is_shared() {
            return match self.project {
                Some(_) => Err(wrong("a shared record comes after a project")),
                None => self.shared(item),
            };
        }
        match item {
            PortableItem::Line(PortableLine::Project(project)) => {
                self.end_run()?;
                if self
                    .project
                    .as_ref()
                    .is_some_and(|last| *last >= project.name)
                {
                    return Err(wrong("a project comes twice or too late"));
                }
                self.project = Some(project.name.clone());
                self.experiments.clear();
                self.last_document = None;
                self.last_version = None;
                self.last_trace = None;
                self.last_run = None;
                Ok(())
            }
            PortableItem::Line(PortableLine::Experiment(experiment)) => {
                let fresh = self.experiments.insert(experiment.name.clone());
                let early = self.last_document.is_none()
                    && self.last_version.is_none()
                    && self.last_trace.is_none()
                    && self.last_run.is_none();
                match self.project.is_some() && early && fresh {
                    true => Ok(()),
                    false => Err(wrong("an experiment is out of place")),
                }
            }
            PortableItem::Line(PortableLine::Document(document)) => self.document(document),
            PortableItem::Line(PortableLine::ArtifactVersion(version)) => self.version(version),
            PortableItem::Line(PortableLine::Trace(trace)) => self.begin_trace(trace),
            PortableItem::Line(PortableLine::TraceSpan(line)) => {
                let span = &line.span;
                let follows = self.last_span.as_ref().is_none_or(|last| *last < span.id);
                let early = self.last_file.is_none();
                self.last_span = Some(span.id.clone());
                self.in_trace(follows && early)
            }
            PortableItem::Line(PortableLine::TraceFile(file)) => {
                let path = file.path.as_str();
                let mut last = self.last_file.iter();
                let follows = last.all(|last| last.as_str() < path);
                self.last_file = Some(file.path.clone());
                self.in_trace(follows)
            }
            PortableItem::Line(PortableLine::Run(run)) => self.begin_run(run),
            item => self.in_run(item),
        }
    }

    /// Says that no item follows.
    pub(crate) fn finish(&mut self) -> Result<()> {
        self.end_run()
    }

    /// The runs and evaluations seen.
    pub(crate) fn evaluations(&self) -> &BTreeSet<EvaluationId> {
        &self.evaluations
    }

    /// The last project's name.
    pub(crate) fn project(&self) -> Option<&Name> {
        self.project.as_ref()
    }

    fn shared(&mut self, item: &PortableItem) -> Result<()> {
        let fine = match item {
            PortableItem::Line(PortableLine::Dataset(dataset)) => {
                self.datasets.insert(dataset.name.clone())
            }
            PortableItem::Line(PortableLine::DatasetVersion(version)) => {
                self.datasets.contains(&version.dataset)
                    && version.version > 0
                    && self
                        .versions
                        .insert((version.dataset.clone(), version.version))
            }
            PortableItem::Line(PortableLine::DatasetPreview(preview)) => self
                .versions
                .contains(&(preview.dataset.clone(), preview.version)),
            PortableItem::Line(PortableLine::Split(split)) => self
                .versions
                .contains(&(split.dataset.clone(), split.version)),
            PortableItem::Line(PortableLine::RegisteredModel(model)) => {
                self.models.insert(model.id.clone()) && self.model_names.insert(model.name.clone())
            }
            PortableItem::Line(PortableLine::ModelVersion(version)) => self.model_version(version),
            _ => true,
        };
        match fine {
            true => Ok(()),
            false => Err(wrong(
                "a dataset or registered model, a version of one, or a split is out of place",
            )),
        }
    }

    /// Versions come after their model, each once, and no alias is given twice.
    fn model_version(&mut self, version: &PortableModelVersion) -> bool {
        let model = &version.model;
        let mut aliases = version.aliases.iter();
        self.models.contains(model)
            && version.version > 0
            && self.model_versions.insert((model.clone(), version.version))
            && aliases.all(|alias| self.model_aliases.insert((model.clone(), alias.clone())))
    }

    /// Documents ascend by the time they were made.
    fn document(&mut self, document: &PortableDocument) -> Result<()> {
        let place = (document.created_at, document.id.clone());
        let follows = self.last_document.as_ref().is_none_or(|last| *last < place);
        let early =
            self.last_version.is_none() && self.last_trace.is_none() && self.last_run.is_none();
        if self.project.is_none() || !early || !follows {
            return Err(wrong("a document is out of place"));
        }
        self.last_document = Some(place);
        Ok(())
    }

    /// Versions ascend by name and have every number from 0; no alias is given twice.
    fn version(&mut self, version: &PortableArtifactVersion) -> Result<()> {
        let follows = match &self.last_version {
            Some((name, number)) if *name == version.name => {
                number.checked_add(1) == Some(version.version)
            }
            Some((name, _)) => name.as_str() < version.name.as_str() && version.version == 0,
            None => version.version == 0,
        };
        if self
            .last_version
            .as_ref()
            .is_none_or(|(name, _)| *name != version.name)
        {
            self.aliases.clear();
        }
        let mut aliases = version.aliases.iter();
        let fresh = aliases.all(|alias| self.aliases.insert(alias.alias.clone()));
        let early = self.last_trace.is_none() && self.last_run.is_none();
        if self.project.is_none() || !early || !follows || !fresh {
            return Err(wrong("a version of an artifact is out of place"));
        }
        self.last_version = Some((version.name.clone(), version.version));
        Ok(())
    }

    /// Traces ascend by id, in an experiment of the project, before its runs.
    fn begin_trace(&mut self, trace: &PortableTrace) -> Result<()> {
        let follows = self.last_trace.as_ref().is_none_or(|last| *last < trace.id);
        let placed = self.experiments.contains(&trace.experiment) && self.last_run.is_none();
        if self.project.is_none() || !follows || !placed || !self.traces.insert(trace.id.clone()) {
            return Err(wrong(&format!("trace `{}` is out of place", trace.id)));
        }
        if self.traces.len() > limits::PORTABLE_TRACES_MAX {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "an archive may have {} traces at most",
                    limits::PORTABLE_TRACES_MAX
                ),
            ));
        }
        self.last_trace = Some(trace.id.clone());
        self.last_span = None;
        self.last_file = None;
        Ok(())
    }

    /// Spans of a trace ascend by id, then its files by path.
    fn in_trace(&self, follows: bool) -> Result<()> {
        match self.last_trace.is_some() && self.last_run.is_none() && follows {
            true => Ok(()),
            false => Err(wrong("a span or a file of a trace is out of place")),
        }
    }

    fn begin_run(&mut self, run: &PortableRun) -> Result<()> {
        self.end_run()?;
        let place = (run.created_at, run.id.clone());
        if self.last_run.as_ref().is_some_and(|last| *last >= place) {
            return Err(wrong(&format!("run `{}` comes twice or too late", run.id)));
        }
        if !self.experiments.contains(&run.experiment) {
            return Err(wrong(&format!("run `{}` has no experiment", run.id)));
        }
        if !self.runs.insert(run.id.clone()) {
            return Err(wrong(&format!("run `{}` comes twice", run.id)));
        }
        if self.runs.len() > limits::PORTABLE_RUNS_MAX {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "an archive may have {} runs at most",
                    limits::PORTABLE_RUNS_MAX
                ),
            ));
        }
        self.last_run = Some(place);
        self.run = Some(OpenRun {
            id: run.id.clone(),
            attempts: run.attempt,
            attempts_seen: 0,
            stage: 0,
            key: Key::default(),
            piece: 0,
            next_offset: 0,
            streams: BTreeMap::new(),
        });
        Ok(())
    }

    fn blob(&mut self, hash: &str, size_bytes: u64) -> Result<()> {
        let known = self.blobs.entry(hash.to_owned()).or_insert(size_bytes);
        match *known == size_bytes {
            true => Ok(()),
            false => Err(wrong("one blob has two sizes")),
        }
    }

    fn end_run(&mut self) -> Result<()> {
        match self.run.take() {
            Some(run) if run.attempts_seen != run.attempts || run.attempts == 0 => {
                Err(wrong(&format!("run `{}` lacks attempts", run.id)))
            }
            _ => Ok(()),
        }
    }

    fn in_run(&mut self, item: &PortableItem) -> Result<()> {
        let run = self
            .run
            .as_mut()
            .ok_or_else(|| wrong("an item has no run"))?;
        let (stage, key, attempt) = place_of(item);
        let ascends = match stage {
            // Records come as they were written, pieces of series and logs repeat their key.
            RECORD => true,
            POINTS | LOG => key >= run.key,
            _ => key > run.key,
        };
        if stage < run.stage || (stage == run.stage && !ascends) {
            return Err(wrong(&format!(
                "an item of run `{}` comes twice or too late",
                run.id
            )));
        }
        let goes_on = stage == run.stage && key == run.key;
        (run.stage, run.key) = (stage, key);
        if stage == ATTEMPT {
            run.attempts_seen += 1;
            if attempt != run.attempts_seen {
                return Err(wrong(&format!("attempts of run `{}` are missing", run.id)));
            }
        }
        let attempt_known = (1..=run.attempts_seen).contains(&attempt);
        if matches!(stage, OFFSET | RECORD | ARTIFACT | STREAM | POINTS | LOG) && !attempt_known {
            return Err(wrong(&format!(
                "an item of run `{}` has no attempt",
                run.id
            )));
        }
        match item {
            PortableItem::Points(points) => run.points(points, goes_on),
            PortableItem::Log(log) => run.log(log, goes_on),
            PortableItem::Line(PortableLine::Evaluation(evaluation)) => {
                match self.evaluations.insert(evaluation.id.clone()) {
                    true => Ok(()),
                    false => Err(wrong(&format!(
                        "evaluation `{}` comes twice",
                        evaluation.id
                    ))),
                }
            }
            PortableItem::Line(PortableLine::LogStream(log)) => {
                let key = (log.attempt, log.stream.clone());
                run.streams.insert(key, log.size_bytes);
                Ok(())
            }
            PortableItem::Line(_) => Ok(()),
        }
    }
}

impl OpenRun {
    /// All pieces of a series but the last are full.
    fn points(&mut self, points: &PortablePoints, goes_on: bool) -> Result<()> {
        let count = points.points.len();
        if count == 0 || (goes_on && self.piece != POINTS_PER_ITEM) {
            return Err(wrong(&format!(
                "a series of run `{}` is in odd pieces",
                self.id
            )));
        }
        self.piece = count;
        Ok(())
    }

    /// Pieces of a log stand within their stream and ascend; all but the last
    /// before a gap or the end are full.
    fn log(&mut self, log: &PortableLog, goes_on: bool) -> Result<()> {
        let end = log.offset.saturating_add(log.bytes.len() as u64);
        let after = !goes_on
            || log.offset > self.next_offset
            || (log.offset == self.next_offset && self.piece == LOG_BYTES_PER_ITEM);
        let size = self.streams.get(&(log.attempt, log.stream.clone()));
        if log.bytes.is_empty() || !after || size.is_none_or(|size| end > *size) {
            return Err(wrong(&format!(
                "a log of run `{}` is in odd pieces",
                self.id
            )));
        }
        self.piece = log.bytes.len();
        self.next_offset = end;
        Ok(())
    }
}

const ATTEMPT: u8 = 1;
const PARAM: u8 = 2;
const TAG: u8 = 3;
const OFFSET: u8 = 4;
const RECORD: u8 = 5;
const ARTIFACT: u8 = 6;
const INPUT: u8 = 7;
const LOGGED_MODEL: u8 = 8;
const LOGGED_MODEL_USE: u8 = 9;
const EVALUATION: u8 = 10;
const STREAM: u8 = 11;
const POINTS: u8 = 12;
const LOG: u8 = 13;

/// Kind and key of an item of a run, with the attempt it belongs to.
fn place_of(item: &PortableItem) -> (u8, Key, u32) {
    let line = match item {
        PortableItem::Points(points) => {
            let key = Key(0, points.name.clone(), points.attempt);
            return (POINTS, key, points.attempt);
        }
        PortableItem::Log(log) => {
            return (LOG, Key(log.attempt, log.stream.clone(), 0), log.attempt);
        }
        PortableItem::Line(line) => line,
    };
    match line {
        PortableLine::Attempt(attempt) => (
            ATTEMPT,
            Key(attempt.number, String::new(), 0),
            attempt.number,
        ),
        PortableLine::Param(pair) => (PARAM, Key(0, pair.name.clone(), 1), 0),
        PortableLine::Tag(pair) => (TAG, Key(0, pair.name.clone(), 1), 0),
        PortableLine::Offset(offset) => (
            OFFSET,
            Key(offset.attempt, offset.writer.clone(), 0),
            offset.attempt,
        ),
        PortableLine::Record(record) => (RECORD, Key::default(), record.attempt),
        PortableLine::Artifact(artifact) => (
            ARTIFACT,
            Key(0, artifact.path.as_str().to_owned(), 1),
            artifact.attempt,
        ),
        PortableLine::Input(input) => (INPUT, Key(0, input.name.clone(), 1), 0),
        PortableLine::LoggedModel(model) => {
            let key = Key(0, model.id.as_str().to_owned(), 1);
            (LOGGED_MODEL, key, 0)
        }
        PortableLine::LoggedModelUse(used) => {
            // Steps in the order of numbers.
            let step = used.step.cast_unsigned() ^ (1 << 63);
            let key = format!("{}\u{1}{}\u{1}{step:016x}", used.role.as_str(), used.model);
            (LOGGED_MODEL_USE, Key(0, key, 1), 0)
        }
        PortableLine::LogStream(log) => {
            (STREAM, Key(log.attempt, log.stream.clone(), 1), log.attempt)
        }
        PortableLine::Evaluation(evaluation) => {
            (EVALUATION, Key(0, evaluation.split.clone(), 1), 0)
        }
        // Never asked for these.
        _ => (0, Key::default(), 0),
    }
}
