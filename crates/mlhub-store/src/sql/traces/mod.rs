//! Traces, their labels, assessments, spans and files.
//!
//! `read` finds, `write` changes, `assessments` is about what is thought of them, `files`
//! about files of clients, `portable` is for archives. How the parts of a trace become one is
//! said in `mlhub_core::trace`.

mod assessments;
mod files;
mod portable;
mod read;
mod write;

use std::collections::BTreeMap;

use async_trait::async_trait;
use mlhub_core::trace::{
    ArrivedSpans, Assessment, AssessmentChange, Trace, TraceDeletion, TraceFile, TraceQuery,
    TraceSpan, TraceStore, check_label,
};
use mlhub_core::{ArtifactPath, AssessmentId, Result, RunId, Timestamp, TraceId};

use super::SqlStore;
use super::seam::Backend;
pub(crate) use portable::{portable, restore, restore_file, restore_span};
pub(crate) use write::{remove_of_project, remove_of_run, remove_spans_of_run};

#[async_trait]
impl<B: Backend> TraceStore for SqlStore<B> {
    async fn trace_put(&self, trace: &Trace) -> Result<Trace> {
        trace.check()?;
        self.write("store a trace", trace.clone(), |tx, trace| {
            Box::pin(write::put(tx, trace))
        })
        .await
    }

    async fn trace_spans_put(&self, arrived: &[ArrivedSpans]) -> Result<()> {
        arrived.iter().try_for_each(ArrivedSpans::check)?;
        self.write("store spans", arrived.to_vec(), |tx, arrived| {
            Box::pin(write::spans_put(tx, arrived))
        })
        .await
    }

    async fn trace_get(&self, ids: &[TraceId]) -> Result<Vec<Trace>> {
        self.read("find traces", ids.to_vec(), |tx, ids| {
            Box::pin(read::some(tx, ids))
        })
        .await
    }

    async fn trace_list(&self, query: &TraceQuery) -> Result<Vec<Trace>> {
        self.read("list traces", query.clone(), |tx, query| {
            Box::pin(read::list(tx, query))
        })
        .await
    }

    async fn trace_spans(&self, ids: &[TraceId]) -> Result<BTreeMap<TraceId, Vec<TraceSpan>>> {
        self.read("read spans", ids.to_vec(), |tx, ids| {
            Box::pin(read::spans(tx, ids))
        })
        .await
    }

    async fn trace_tags(
        &self,
        id: &TraceId,
        tags: &BTreeMap<String, Option<String>>,
    ) -> Result<()> {
        for (name, value) in tags {
            check_label("tag", name, value.as_deref().unwrap_or_default())?;
        }
        let input = (id.clone(), tags.clone());
        self.write("change tags of a trace", input, |tx, (id, tags)| {
            Box::pin(write::tags(tx, id, tags))
        })
        .await
    }

    async fn trace_link(&self, run: &RunId, ids: &[TraceId]) -> Result<()> {
        let input = (run.clone(), ids.to_vec());
        self.write("link traces to a run", input, |tx, (run, ids)| {
            Box::pin(write::link(tx, run, ids))
        })
        .await
    }

    async fn trace_delete(&self, experiment: i64, which: &TraceDeletion) -> Result<u64> {
        let input = (experiment, which.clone());
        self.write("delete traces", input, |tx, (experiment, which)| {
            Box::pin(write::delete(tx, *experiment, which))
        })
        .await
    }

    async fn assessment_add(&self, trace: &TraceId, assessment: &Assessment) -> Result<()> {
        assessment.check()?;
        let input = (trace.clone(), assessment.clone());
        self.write("store an assessment", input, |tx, (trace, assessment)| {
            Box::pin(assessments::add(tx, trace, assessment))
        })
        .await
    }

    async fn assessment_change(
        &self,
        trace: &TraceId,
        id: &AssessmentId,
        change: &AssessmentChange,
        now: Timestamp,
    ) -> Result<Assessment> {
        let input = (trace.clone(), id.clone(), change.clone(), now);
        self.write(
            "change an assessment",
            input,
            |tx, (trace, id, change, now)| {
                Box::pin(assessments::change(tx, trace, id, change, *now))
            },
        )
        .await
    }

    async fn assessment_remove(&self, trace: &TraceId, id: &AssessmentId) -> Result<()> {
        let input = (trace.clone(), id.clone());
        self.write("remove an assessment", input, |tx, (trace, id)| {
            Box::pin(assessments::remove(tx, trace, id))
        })
        .await
    }

    async fn trace_file_put(
        &self,
        trace: &TraceId,
        path: &ArtifactPath,
        content: &[u8],
    ) -> Result<()> {
        let input = (trace.clone(), path.clone(), content.to_vec());
        self.write(
            "store a file of a trace",
            input,
            |tx, (trace, path, content)| Box::pin(files::put(tx, trace, path, content)),
        )
        .await
    }

    async fn trace_file_get(
        &self,
        trace: &TraceId,
        path: &ArtifactPath,
    ) -> Result<Option<Vec<u8>>> {
        let input = (trace.clone(), path.clone());
        self.read("read a file of a trace", input, |tx, (trace, path)| {
            Box::pin(files::get(tx, trace, path))
        })
        .await
    }

    async fn trace_file_list(&self, trace: &TraceId) -> Result<Vec<TraceFile>> {
        self.read("list files of a trace", trace.clone(), |tx, trace| {
            Box::pin(files::list(tx, trace))
        })
        .await
    }
}
