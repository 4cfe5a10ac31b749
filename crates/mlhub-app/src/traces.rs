//! Traces: what programs were asked and answered, in spans, with what people think of it.
//!
//! The store makes one of the parts of a trace, in whatever order they come. A trace belongs to
//! an experiment, and goes with the run it was made in when that is purged.

use std::collections::BTreeMap;

use mlhub_core::registry::at_most;
use mlhub_core::trace::{
    ArrivedSpans, Assessment, AssessmentChange, Trace, TraceDeletion, TraceFile, TraceQuery,
    TraceSpan,
};
use mlhub_core::{
    ArtifactPath, AssessmentId, Caller, Error, Permission, Result, RunId, TraceId, limits,
};

use crate::Hub;

impl Hub {
    /// A fresh name for a trace.
    ///
    /// # Errors
    /// `Internal` when chance gives none.
    pub fn trace_id_new(&self) -> Result<TraceId> {
        format!("tr-{}", self.run_id_long()?).parse()
    }

    /// A fresh name for an assessment.
    ///
    /// # Errors
    /// `Internal` when chance gives none.
    pub fn assessment_id_new(&self) -> Result<AssessmentId> {
        format!("a-{}", self.run_id_long()?).parse()
    }

    /// Stores the head of a trace, before or after its spans.
    ///
    /// # Errors
    /// `NotFound` for the experiment; `Conflict` when it is deleted; `Invalid`, `TooLarge`.
    pub async fn trace_put(&self, caller: &Caller, trace: &Trace) -> Result<Trace> {
        caller.require(Permission::Write)?;
        self.store.trace_put(trace).await
    }

    /// Stores spans, of all traces or of none.
    ///
    /// # Errors
    /// As [`Self::trace_put`].
    pub async fn trace_spans_put(&self, caller: &Caller, arrived: &[ArrivedSpans]) -> Result<()> {
        caller.require(Permission::Write)?;
        few(arrived.len())?;
        self.store.trace_spans_put(arrived).await
    }

    /// A trace without its spans.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn trace_get(&self, caller: &Caller, id: &TraceId) -> Result<Trace> {
        let found = self.traces_get(caller, std::slice::from_ref(id)).await?;
        let found = found.into_iter().next();
        found.ok_or_else(|| Error::not_found("trace", id))
    }

    /// Those of some traces that there are, in the order asked for.
    ///
    /// # Errors
    /// `TooLarge` for too many.
    pub async fn traces_get(&self, caller: &Caller, ids: &[TraceId]) -> Result<Vec<Trace>> {
        caller.require(Permission::Read)?;
        few(ids.len())?;
        self.store.trace_get(ids).await
    }

    /// Traces, newest first, a page.
    pub async fn trace_list(&self, caller: &Caller, query: &TraceQuery) -> Result<Vec<Trace>> {
        caller.require(Permission::Read)?;
        self.store.trace_list(query).await
    }

    /// The spans of some traces.
    ///
    /// # Errors
    /// `TooLarge` for too many.
    pub async fn trace_spans(
        &self,
        caller: &Caller,
        ids: &[TraceId],
    ) -> Result<BTreeMap<TraceId, Vec<TraceSpan>>> {
        caller.require(Permission::Read)?;
        few(ids.len())?;
        self.store.trace_spans(ids).await
    }

    /// Sets (`Some`) and removes (`None`) tags of a trace.
    ///
    /// # Errors
    /// `NotFound` for the trace, and for a tag that is to be removed.
    pub async fn trace_tags(
        &self,
        caller: &Caller,
        id: &TraceId,
        tags: &BTreeMap<String, Option<String>>,
    ) -> Result<()> {
        caller.require(Permission::Write)?;
        self.store.trace_tags(id, tags).await
    }

    /// Links traces to a run beside the one that made them.
    ///
    /// # Errors
    /// `NotFound` for the run.
    pub async fn trace_link(&self, caller: &Caller, run: &RunId, ids: &[TraceId]) -> Result<()> {
        caller.require(Permission::Write)?;
        few(ids.len())?;
        self.store.trace_link(run, ids).await
    }

    /// Deletes traces of an experiment for good; says how many.
    ///
    /// # Errors
    /// `TooLarge` for too many at once.
    pub async fn trace_delete(
        &self,
        caller: &Caller,
        experiment: i64,
        which: &TraceDeletion,
    ) -> Result<u64> {
        caller.require(Permission::Write)?;
        if let TraceDeletion::Ids(ids) = which {
            few(ids.len())?;
        }
        self.store.trace_delete(experiment, which).await
    }

    /// Adds an assessment to a trace.
    ///
    /// # Errors
    /// `NotFound` for the trace and for an assessment that it overrides.
    pub async fn assessment_add(
        &self,
        caller: &Caller,
        trace: &TraceId,
        assessment: &Assessment,
    ) -> Result<()> {
        caller.require(Permission::Write)?;
        self.store.assessment_add(trace, assessment).await
    }

    /// Changes an assessment.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for a value of another kind.
    pub async fn assessment_change(
        &self,
        caller: &Caller,
        trace: &TraceId,
        id: &AssessmentId,
        change: &AssessmentChange,
    ) -> Result<Assessment> {
        caller.require(Permission::Write)?;
        let now = self.clock.now();
        self.store.assessment_change(trace, id, change, now).await
    }

    /// Removes an assessment, if it is there.
    ///
    /// # Errors
    /// `NotFound` for the trace.
    pub async fn assessment_remove(
        &self,
        caller: &Caller,
        trace: &TraceId,
        id: &AssessmentId,
    ) -> Result<()> {
        caller.require(Permission::Write)?;
        self.store.assessment_remove(trace, id).await
    }

    /// Stores a file of a trace.
    ///
    /// # Errors
    /// `NotFound` for the trace, `TooLarge`.
    pub async fn trace_file_put(
        &self,
        caller: &Caller,
        trace: &TraceId,
        path: &ArtifactPath,
        content: &[u8],
    ) -> Result<()> {
        caller.require(Permission::Write)?;
        self.store.trace_file_put(trace, path, content).await
    }

    /// A file of a trace, if it is there.
    pub async fn trace_file_get(
        &self,
        caller: &Caller,
        trace: &TraceId,
        path: &ArtifactPath,
    ) -> Result<Option<Vec<u8>>> {
        caller.require(Permission::Read)?;
        self.store.trace_file_get(trace, path).await
    }

    /// The files of a trace.
    pub async fn trace_file_list(
        &self,
        caller: &Caller,
        trace: &TraceId,
    ) -> Result<Vec<TraceFile>> {
        caller.require(Permission::Read)?;
        self.store.trace_file_list(trace).await
    }
}

fn few(count: usize) -> Result<()> {
    at_most(
        "traces in one request",
        count,
        limits::TRACES_PER_REQUEST_MAX,
    )
}
