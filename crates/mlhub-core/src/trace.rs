//! Traces: what a program was asked and answered, in spans of time, with what people and
//! programs think of it.
//!
//! A trace comes in two ways that may overtake each other: its head, and its spans, some at
//! a time. How they become one is said here ([`Trace::follow_head`],
//! [`Trace::follow_spans`]), so that every store does the same. Who may do what is not
//! decided here, and what a span's document says is not looked at.

mod follow;

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::id::{AssessmentId, RunId, TraceId};
use crate::limits;
use crate::path::ArtifactPath;
use crate::ports::Timestamp;
use crate::registry::{at_most, text};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $kind:literal { $($(#[$of:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$of])* $variant),* }

        impl $name {
            /// The name in the store.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }

        impl std::str::FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                match text {
                    $($word => Ok(Self::$variant),)*
                    other => Err(Error::invalid(format!("`{other}` is no {}", $kind))),
                }
            }
        }
    };
}

words! {
    /// How a trace went.
    TraceState, "state of a trace" {
        /// Nobody said.
        Unspecified = "unspecified",
        /// Its root span has not ended.
        InProgress = "in_progress",
        /// It ended well.
        Ok = "ok",
        /// It ended with an error.
        Error = "error",
    }
}

words! {
    /// How a span went.
    SpanState, "state of a span" {
        /// Nobody said.
        Unset = "unset",
        /// It ended well.
        Ok = "ok",
        /// It ended with an error.
        Error = "error",
    }
}

words! {
    /// What an assessment is.
    AssessmentKind, "kind of assessment" {
        /// What somebody thinks of the answer.
        Feedback = "feedback",
        /// What the answer should have been.
        Expectation = "expectation",
        /// A reference to something that is wrong.
        Issue = "issue",
    }
}

/// A trace without its spans.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// What names it.
    pub id: TraceId,
    /// The number of its experiment.
    pub experiment: i64,
    /// The run it was made in, in the words of whoever sent it. It goes with that run.
    pub run: Option<String>,
    /// What the client calls the request.
    pub client_request: Option<String>,
    /// When the request came.
    pub requested_at: Timestamp,
    /// How long it took.
    pub duration_ms: Option<i64>,
    /// How it went.
    pub state: TraceState,
    /// The beginning of what was asked.
    pub request_preview: Option<String>,
    /// The beginning of what was answered.
    pub response_preview: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// What was known when it was made.
    pub metadata: BTreeMap<String, String>,
    /// What people and programs think of it, in the order they came.
    pub assessments: Vec<Assessment>,
    /// Whether its head came: times and state of spans do not count any more.
    pub headed: bool,
}

/// What somebody thinks of a trace, or of a span of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// What names it within the trace.
    pub id: AssessmentId,
    /// What is assessed.
    pub name: String,
    /// What it is.
    pub kind: AssessmentKind,
    /// What is thought: a document, which is kept as it came.
    pub value: serde_json::Value,
    /// Who thinks so.
    pub source: serde_json::Value,
    /// Why.
    pub rationale: Option<String>,
    /// What else is known of it.
    pub metadata: BTreeMap<String, String>,
    /// The span it is about.
    pub span: Option<String>,
    /// The assessment it replaces.
    pub overrides: Option<AssessmentId>,
    /// Whether no other replaces it.
    pub valid: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// What changes of an assessment; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AssessmentChange {
    /// What is assessed.
    pub name: Option<String>,
    /// What is thought, of this kind; `Invalid` for an assessment of another.
    pub value: Option<(AssessmentKind, serde_json::Value)>,
    /// Why.
    pub rationale: Option<String>,
    /// What comes to its metadata.
    pub metadata: BTreeMap<String, String>,
}

/// A span of a trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceSpan {
    /// What names it within the trace.
    pub id: String,
    /// The span it is in; absent for the root.
    pub parent: Option<String>,
    /// What was done.
    pub name: String,
    /// Of what kind that is, in any words.
    pub kind: String,
    /// How it went.
    pub state: SpanState,
    /// When it began, in nanoseconds.
    pub started_ns: i64,
    /// When it ended, in nanoseconds.
    pub ended_ns: Option<i64>,
    /// All of it: a JSON document, which is kept as it came.
    pub content: String,
}

/// Spans of one trace that arrived together.
#[derive(Debug, Clone, PartialEq)]
pub struct ArrivedSpans {
    /// The trace; it is made when it is not there.
    pub trace: TraceId,
    /// The experiment it is made in.
    pub experiment: i64,
    /// The run it is made in.
    pub run: Option<String>,
    /// The spans; one that is there is replaced.
    pub spans: Vec<TraceSpan>,
    /// Tags that come with them.
    pub tags: BTreeMap<String, String>,
    /// Metadata that comes with them, where there is none yet.
    pub metadata: BTreeMap<String, String>,
    /// The beginning of what was asked, where there is none yet.
    pub request_preview: Option<String>,
    /// The beginning of what was answered, where there is none yet.
    pub response_preview: Option<String>,
}

/// Which traces are listed, newest first; what is absent does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TraceQuery {
    /// Of these experiments.
    pub experiments: Option<Vec<i64>>,
    /// Made in this run, or linked to it.
    pub run: Option<String>,
    /// Not before this time.
    pub from: Option<Timestamp>,
    /// Not after this time.
    pub until: Option<Timestamp>,
    /// Behind this one.
    pub after: Option<(Timestamp, TraceId)>,
    /// At most so many, and [`limits::PAGE_MAX_ROWS`].
    pub limit: usize,
}

/// Which traces of an experiment are deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TraceDeletion {
    /// These.
    Ids(Vec<TraceId>),
    /// Those up to a time, the oldest first.
    Until {
        /// The time.
        time: Timestamp,
        /// At most so many.
        max: Option<i64>,
    },
}

/// A file of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceFile {
    /// Its path.
    pub path: ArtifactPath,
    /// Its bytes.
    pub size_bytes: u64,
}

/// Traces. Each method is one transaction.
#[async_trait]
pub trait TraceStore: Send + Sync {
    /// Stores the head of a trace; of one that is there, what is new counts. `NotFound` for
    /// its experiment, `Conflict` when that is deleted, `TooLarge` past a limit.
    async fn trace_put(&self, trace: &Trace) -> Result<Trace>;
    /// Stores spans, of all traces or of none. As [`Self::trace_put`].
    async fn trace_spans_put(&self, arrived: &[ArrivedSpans]) -> Result<()>;
    /// Those of some traces that there are, in the order asked for.
    async fn trace_get(&self, ids: &[TraceId]) -> Result<Vec<Trace>>;
    /// Traces, newest first.
    async fn trace_list(&self, query: &TraceQuery) -> Result<Vec<Trace>>;
    /// The spans of some traces: roots first, then as they began. `TooLarge` past
    /// [`limits::TRACES_ANSWER_MAX_BYTES`].
    async fn trace_spans(&self, ids: &[TraceId]) -> Result<BTreeMap<TraceId, Vec<TraceSpan>>>;
    /// Sets (`Some`) and removes (`None`) tags. `NotFound` for the trace and for a tag that
    /// is to be removed.
    async fn trace_tags(&self, id: &TraceId, tags: &BTreeMap<String, Option<String>>)
    -> Result<()>;
    /// Links traces to a run, those that there are. `NotFound` for the run.
    async fn trace_link(&self, run: &RunId, ids: &[TraceId]) -> Result<()>;
    /// Deletes traces of an experiment; says how many.
    async fn trace_delete(&self, experiment: i64, which: &TraceDeletion) -> Result<u64>;
    /// Adds an assessment. `NotFound` for the trace and for one that it overrides; `Conflict`
    /// when its id is taken.
    async fn assessment_add(&self, trace: &TraceId, assessment: &Assessment) -> Result<()>;
    /// Changes an assessment. `NotFound` for it or its trace.
    async fn assessment_change(
        &self,
        trace: &TraceId,
        id: &AssessmentId,
        change: &AssessmentChange,
        now: Timestamp,
    ) -> Result<Assessment>;
    /// Removes an assessment, if it is there; one that it overrode is valid again. `NotFound`
    /// for the trace.
    async fn assessment_remove(&self, trace: &TraceId, id: &AssessmentId) -> Result<()>;
    /// Stores a file of a trace. `NotFound` for the trace, `TooLarge` past a limit.
    async fn trace_file_put(
        &self,
        trace: &TraceId,
        path: &ArtifactPath,
        content: &[u8],
    ) -> Result<()>;
    /// A file of a trace.
    async fn trace_file_get(&self, trace: &TraceId, path: &ArtifactPath)
    -> Result<Option<Vec<u8>>>;
    /// The files of a trace, by their paths.
    async fn trace_file_list(&self, trace: &TraceId) -> Result<Vec<TraceFile>>;
}

impl Trace {
    /// Refuses what cannot be stored.
    ///
    /// # Errors
    /// `Invalid` or `TooLarge`, naming what is wrong.
    pub fn check(&self) -> Result<()> {
        let short = |what: &str, value: Option<&String>, max_bytes: usize| {
            text(what, value.map_or("", String::as_str), max_bytes)
        };
        short(
            "the run of a trace",
            self.run.as_ref(),
            limits::NAME_MAX_BYTES,
        )?;
        let client = self.client_request.as_ref();
        short(
            "the client's name of a trace",
            client,
            limits::KEY_MAX_BYTES,
        )?;
        for preview in [&self.request_preview, &self.response_preview] {
            let max = limits::TRACE_PREVIEW_MAX_BYTES;
            short("a preview of a trace", preview.as_ref(), max)?;
        }
        for (what, labels) in [("tag", &self.tags), ("metadata", &self.metadata)] {
            at_most(what, labels.len(), limits::TRACE_LABELS_MAX)?;
            for (name, value) in labels {
                check_label(what, name, value)?;
            }
        }
        let labels = self.tags.iter().chain(&self.metadata);
        let bytes = labels.map(|(name, value)| name.len() + value.len()).sum();
        let max = limits::TRACE_LABELS_MAX_BYTES;
        at_most("bytes of tags and metadata of the trace", bytes, max)?;
        let max = limits::TRACE_ASSESSMENTS_MAX;
        at_most("assessments of the trace", self.assessments.len(), max)?;
        self.assessments.iter().try_for_each(Assessment::check)
    }
}

/// Refuses a tag, or an entry of the metadata, that cannot be stored.
///
/// # Errors
/// `Invalid` or `TooLarge`.
pub fn check_label(kind: &str, name: &str, value: &str) -> Result<()> {
    if name.is_empty() {
        return Err(Error::invalid(format!(
            "the name of a {kind} of a trace is empty"
        )));
    }
    text(
        &format!("the name of a {kind} of a trace"),
        name,
        limits::NAME_MAX_BYTES,
    )?;
    text(
        &format!("the {kind} `{name}` of a trace"),
        value,
        limits::VALUE_MAX_BYTES,
    )
}

impl Assessment {
    /// Refuses what cannot be stored.
    ///
    /// # Errors
    /// `Invalid` or `TooLarge`, naming what is wrong.
    pub fn check(&self) -> Result<()> {
        if self.name.is_empty() {
            return Err(Error::invalid("the name of an assessment is empty"));
        }
        text(
            "the name of an assessment",
            &self.name,
            limits::NAME_MAX_BYTES,
        )?;
        let span = self.span.as_deref().unwrap_or_default();
        text("the span of an assessment", span, limits::NAME_MAX_BYTES)?;
        // The document that is stored has escapes where a text must not be.
        let size = serde_json::to_string(self)
            .map_err(|error| Error::internal("measure an assessment", error))?;
        let max = limits::TRACE_ASSESSMENT_MAX_BYTES;
        text("the assessment", &size, max)
    }

    /// Changes it.
    ///
    /// # Errors
    /// `Invalid` for a value of another kind.
    pub fn follow(&mut self, change: &AssessmentChange, now: Timestamp) -> Result<()> {
        if let Some((kind, value)) = &change.value {
            if *kind != self.kind {
                return Err(Error::invalid(format!(
                    "the assessment `{}` is of the kind {}, so its value cannot become one of \
                     the kind {}",
                    self.id,
                    self.kind.as_str(),
                    kind.as_str()
                )));
            }
            self.value = value.clone();
        }
        if let Some(name) = &change.name {
            self.name.clone_from(name);
        }
        if let Some(rationale) = &change.rationale {
            self.rationale = Some(rationale.clone());
        }
        self.metadata.extend(change.metadata.clone());
        self.updated_at = self.updated_at.max(now);
        Ok(())
    }
}

impl TraceSpan {
    /// Refuses what cannot be stored.
    ///
    /// # Errors
    /// `Invalid` or `TooLarge`, naming what is wrong.
    pub fn check(&self) -> Result<()> {
        if self.id.is_empty() || self.parent.as_deref() == Some("") {
            return Err(Error::invalid("the id of a span is empty"));
        }
        for id in [Some(&self.id), self.parent.as_ref()].into_iter().flatten() {
            text("the id of a span", id, limits::ID_MAX_BYTES)?;
        }
        text("the name of a span", &self.name, limits::KEY_MAX_BYTES)?;
        text("the kind of a span", &self.kind, limits::KEY_MAX_BYTES)?;
        text("a span", &self.content, limits::TRACE_SPAN_MAX_BYTES)
    }
}

impl ArrivedSpans {
    /// Refuses what cannot be stored.
    ///
    /// # Errors
    /// `Invalid` or `TooLarge`, naming what is wrong.
    pub fn check(&self) -> Result<()> {
        self.spans.iter().try_for_each(TraceSpan::check)
    }
}
