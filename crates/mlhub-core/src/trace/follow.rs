//! How the parts of a trace become one, in whatever order they come.

use std::collections::BTreeMap;

use super::{ArrivedSpans, Assessment, SpanState, Trace, TraceState};
use crate::id::AssessmentId;
use crate::ports::Timestamp;

impl Trace {
    /// A trace of which nothing is known but its spans, which are to follow.
    pub fn of_spans(arrived: &ArrivedSpans) -> Self {
        let began = arrived.spans.iter().map(|span| span.started_ns).min();
        Self {
            id: arrived.trace.clone(),
            experiment: arrived.experiment,
            run: arrived.run.clone(),
            client_request: None,
            requested_at: Timestamp(milliseconds(began.unwrap_or_default())),
            duration_ms: None,
            state: TraceState::InProgress,
            request_preview: None,
            response_preview: None,
            tags: BTreeMap::new(),
            metadata: BTreeMap::new(),
            assessments: Vec::new(),
            headed: false,
        }
    }

    /// Takes over what a head says. Tags, metadata and assessments that are there stay
    /// beside those of the head.
    pub fn follow_head(&mut self, head: Self) {
        let before = std::mem::replace(self, head);
        self.request_preview = self.request_preview.take().or(before.request_preview);
        self.response_preview = self.response_preview.take().or(before.response_preview);
        self.run = self.run.take().or(before.run);
        let tags = std::mem::replace(&mut self.tags, before.tags);
        self.tags.extend(tags);
        let metadata = std::mem::replace(&mut self.metadata, before.metadata);
        self.metadata.extend(metadata);
        let mut assessments = before.assessments;
        let new = std::mem::take(&mut self.assessments);
        let known = |id: &AssessmentId| assessments.iter().any(|one| one.id == *id);
        let new: Vec<Assessment> = new.into_iter().filter(|one| !known(&one.id)).collect();
        assessments.extend(new);
        self.assessments = assessments;
    }

    /// Takes over what spans say: tags always, all else where no head said it.
    pub fn follow_spans(&mut self, arrived: &ArrivedSpans) {
        let spans = &arrived.spans;
        let began = spans
            .iter()
            .map(|span| milliseconds(span.started_ns))
            .min()
            .map_or(self.requested_at.0, |began| began.min(self.requested_at.0));
        let ended = spans.iter().filter_map(|span| span.ended_ns).max();
        let ended_before = self
            .duration_ms
            .map(|ms| self.requested_at.0.saturating_add(ms));
        if !self.headed {
            let ended = ended.map(milliseconds).max(ended_before);
            self.duration_ms = ended.map(|ended| ended.saturating_sub(began).max(0));
            self.requested_at = Timestamp(began);
        }
        let root = spans.iter().find(|span| span.parent.is_none());
        if let (Some(root), TraceState::InProgress | TraceState::Unspecified) = (root, self.state) {
            self.state = match root.state {
                SpanState::Error => TraceState::Error,
                SpanState::Ok | SpanState::Unset => TraceState::Ok,
            };
        }
        self.run = self.run.take().or_else(|| arrived.run.clone());
        let preview = |there: &mut Option<String>, new: &Option<String>| {
            if there.is_none() {
                there.clone_from(new);
            }
        };
        preview(&mut self.request_preview, &arrived.request_preview);
        preview(&mut self.response_preview, &arrived.response_preview);
        self.tags.extend(arrived.tags.clone());
        for (name, value) in &arrived.metadata {
            let entry = self.metadata.entry(name.clone());
            entry.or_insert_with(|| value.clone());
        }
    }
}

fn milliseconds(nanoseconds: i64) -> i64 {
    nanoseconds.div_euclid(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::TraceSpan;

    fn span(id: &str, parent: Option<&str>, began_ms: i64, ended_ms: Option<i64>) -> TraceSpan {
        TraceSpan {
            id: id.to_owned(),
            parent: parent.map(str::to_owned),
            name: id.to_owned(),
            kind: String::new(),
            state: SpanState::Ok,
            started_ns: began_ms * 1_000_000,
            ended_ns: ended_ms.map(|ms| ms * 1_000_000),
            content: "{}".to_owned(),
        }
    }

    fn arrived(spans: Vec<TraceSpan>) -> ArrivedSpans {
        ArrivedSpans {
            trace: "tr-1".parse().expect("an id"),
            experiment: 1,
            run: None,
            spans,
            tags: [("t".to_owned(), "1".to_owned())].into(),
            metadata: [("m".to_owned(), "spans".to_owned())].into(),
            request_preview: Some("asked".to_owned()),
            response_preview: None,
        }
    }

    fn head() -> Trace {
        Trace {
            headed: true,
            requested_at: Timestamp(50),
            duration_ms: Some(7),
            state: TraceState::Error,
            metadata: [("m".to_owned(), "head".to_owned())].into(),
            ..Trace::of_spans(&arrived(Vec::new()))
        }
    }

    #[test]
    fn spans_widen_a_trace_until_its_root_says_how_it_went() {
        let child = arrived(vec![span("child", Some("root"), 20, Some(40))]);
        let mut trace = Trace::of_spans(&child);
        trace.follow_spans(&child);
        assert_eq!((trace.requested_at.0, trace.duration_ms), (20, Some(20)));
        assert_eq!(trace.state, TraceState::InProgress);
        let mut root = span("root", None, 10, Some(30));
        root.state = SpanState::Error;
        trace.follow_spans(&arrived(vec![root]));
        assert_eq!((trace.requested_at.0, trace.duration_ms), (10, Some(30)));
        assert_eq!(trace.state, TraceState::Error);
        assert_eq!(trace.request_preview.as_deref(), Some("asked"));
    }

    #[test]
    fn head_and_spans_become_the_same_in_either_order() {
        let spans = arrived(vec![span("root", None, 10, Some(30))]);
        let mut spans_first = Trace::of_spans(&spans);
        spans_first.follow_spans(&spans);
        spans_first.follow_head(head());
        let mut head_first = head();
        head_first.follow_spans(&spans);
        assert_eq!(spans_first, head_first);
        assert_eq!(head_first.duration_ms, Some(7));
        assert_eq!(head_first.state, TraceState::Error);
        assert_eq!(head_first.metadata["m"], "head");
        assert_eq!(head_first.tags["t"], "1");
    }

    #[test]
    fn times_at_the_end_of_numbers_are_no_panic() {
        let mut wide = span("root", None, 0, None);
        wide.started_ns = i64::MIN;
        wide.ended_ns = Some(i64::MAX);
        let wide = arrived(vec![wide]);
        let mut trace = Trace::of_spans(&wide);
        trace.follow_spans(&wide);
        trace.follow_spans(&wide);
        assert!(trace.duration_ms.is_some_and(|ms| ms > 0));
        let mut edge = head();
        edge.requested_at = Timestamp(i64::MAX);
        edge.headed = false;
        edge.follow_spans(&wide);
        assert!(edge.duration_ms.is_some_and(|ms| ms > 0));
    }
}
