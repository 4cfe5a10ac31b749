//! Calls about runs: lists, one run, its outputs, series and comparisons.

use std::io::{Read, Write};

use mlhub_protocol::rest::{
    AttemptCreate, AttemptView, CompareRequest, Comparison, EvaluationDetail, EvaluationList,
    FieldList, GateReport, GateRequest, HistoryQuery, Leaderboard, LeakageAccept, LogList,
    LogSearchReply, MetricList, OutdatedReport, OutdatedRequest, PairRequest, PairView, RecordList,
    ReproductionList, RunDetail, RunPage, RunPatch, RunSearch, RunSearchReply, RunSummary,
    RunsCreate, RunsCreated, SeriesQuery, SeriesReply, SplitView,
};

use crate::Result;
use crate::error::{ClientError, ClientErrorKind};
use crate::http::{Call, Client, path};

/// Bytes of one log answer at most: what the hub gives, with room to spare.
const LOG_ANSWER_MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Bytes of a history copied at once.
const HISTORY_PIECE_BYTES: usize = 64 * 1024;

/// Which runs, in which order, from where; absent fields do not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunListQuery {
    /// Only this project.
    pub project: Option<String>,
    /// Only this experiment.
    pub experiment: Option<String>,
    /// Only these states, separated by commas.
    pub state: Option<String>,
    /// Only this seed group.
    pub group: Option<String>,
    /// Only this adapter.
    pub adapter: Option<String>,
    /// Only runs whose texts contain this.
    pub q: Option<String>,
    /// Only runs that meet this condition of the query language.
    pub query: Option<String>,
    /// What to sort by.
    pub sort: Option<String>,
    /// `asc` or `desc`; or, without `sort`, a whole order.
    pub order: Option<String>,
    /// Rows at most.
    pub limit: Option<usize>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// Which part of a log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogRange {
    /// The attempt; the newest when absent.
    pub attempt: Option<u32>,
    /// First byte.
    pub offset: Option<u64>,
    /// Bytes at most.
    pub limit: Option<usize>,
    /// The last so many bytes instead of `offset`.
    pub tail: Option<u64>,
}

/// A piece of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPiece {
    /// Where it starts in the stream.
    pub offset: u64,
    /// Where the next piece begins; further on where output was left out.
    pub next: u64,
    /// Bytes the hub has of the stream.
    pub size: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Client {
    /// A page of runs.
    ///
    /// # Errors
    /// The hub's, or of the connection; so for every call here.
    pub fn run_list(&self, query: &RunListQuery) -> Result<RunPage> {
        self.fetch(
            Call::new("GET", path(&["runs"]))
                .query("project", query.project.as_ref())
                .query("experiment", query.experiment.as_ref())
                .query("state", query.state.as_ref())
                .query("group", query.group.as_ref())
                .query("adapter", query.adapter.as_ref())
                .query("q", query.q.as_ref())
                .query("query", query.query.as_ref())
                .query("sort", query.sort.as_ref())
                .query("order", query.order.as_ref())
                .query("limit", query.limit)
                .query("cursor", query.cursor.as_ref()),
        )
    }

    /// Searches or groups runs by the query language. A mistake in a query is a
    /// problem with [`ClientError::query_problem`].
    pub fn run_search(&self, search: &RunSearch) -> Result<RunSearchReply> {
        self.post(path(&["runs", "search"]), search)
    }

    /// Makes runs; harmless to repeat when the ids are the client's.
    pub fn runs_create(&self, request: &RunsCreate) -> Result<RunsCreated> {
        self.post(path(&["runs"]), request)
    }

    /// A whole run by id or unique prefix.
    pub fn run_get(&self, run: &str) -> Result<RunDetail> {
        self.get(path(&["runs", run]))
    }

    /// Changes name, notes or tags.
    pub fn run_patch(&self, run: &str, patch: &RunPatch) -> Result<RunSummary> {
        self.fetch(Call::new("PATCH", path(&["runs", run])).json(patch)?)
    }

    /// Hides a run until it is restored or purged.
    pub fn run_delete(&self, run: &str) -> Result<()> {
        self.send(Call::new("DELETE", path(&["runs", run])))
            .map(|_| ())
    }

    /// Asks a run to stop.
    pub fn run_stop(&self, run: &str) -> Result<RunSummary> {
        self.fetch(Call::new("POST", path(&["runs", run, "stop"])))
    }

    /// Queues another attempt of an ended run.
    pub fn attempt_create(&self, run: &str, request: &AttemptCreate) -> Result<AttemptView> {
        self.post(path(&["runs", run, "attempts"]), request)
    }

    /// What is known of each series.
    pub fn metric_list(&self, run: &str) -> Result<MetricList> {
        self.get(path(&["runs", run, "metrics"]))
    }

    /// Series of several runs, reduced to a budget.
    pub fn series_query(&self, query: &SeriesQuery) -> Result<SeriesReply> {
        self.post(path(&["series", "query"]), query)
    }

    /// Writes whole histories to `out` as they come; returns the bytes written.
    /// When it fails, `out` may hold a part.
    pub fn series_history(&self, query: &HistoryQuery, out: &mut dyn Write) -> Result<u64> {
        let format = query.format.unwrap_or_default();
        let mut call = Call::new("POST", path(&["series", "history"])).json(query)?;
        call.accept = format.content_type();
        let mut response = self.send(call)?;
        let mut body = response.body_mut().as_reader();
        let mut piece = vec![0; HISTORY_PIECE_BYTES];
        let mut written = 0;
        loop {
            let count = body
                .read(&mut piece)
                .map_err(|error| ClientError::from_io(self.base_url(), &error))?;
            if count == 0 {
                return Ok(written);
            }
            out.write_all(&piece[..count]).map_err(|error| {
                ClientError::new(
                    ClientErrorKind::Local,
                    "cannot write what the hub sends",
                    error.to_string(),
                )
            })?;
            written += count as u64;
        }
    }

    /// Captured streams.
    pub fn log_list(&self, run: &str) -> Result<LogList> {
        self.get(path(&["runs", run, "logs"]))
    }

    /// A piece of `stdout` or `stderr`, byte for byte.
    pub fn log_read(&self, run: &str, stream: &str, range: &LogRange) -> Result<LogPiece> {
        let mut call = Call::new("GET", path(&["runs", run, "logs", stream]))
            .query("attempt", range.attempt)
            .query("offset", range.offset)
            .query("limit", range.limit)
            .query("tail", range.tail);
        call.accept = "*/*";
        let mut response = self.send(call)?;
        let number = |name: &str| {
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
                .and_then(|text| text.parse::<u64>().ok())
        };
        let (Some(offset), Some(size)) = (number("mlhub-log-offset"), number("mlhub-log-size"))
        else {
            return Err(ClientError::new(
                ClientErrorKind::Protocol,
                "unexpected answer",
                "the answer lacks the headers mlhub-log-offset and mlhub-log-size",
            ));
        };
        let next = number("mlhub-log-next");
        let bytes = response
            .body_mut()
            .with_config()
            .limit(LOG_ANSWER_MAX_BYTES)
            .read_to_vec()
            .map_err(|error| ClientError::from_transport(self.base_url(), &error))?;
        Ok(LogPiece {
            offset,
            next: next.unwrap_or(offset + bytes.len() as u64),
            size,
            bytes,
        })
    }

    /// Where a text stands in `stdout` or `stderr`, from a byte on; the answer says
    /// where to go on.
    pub fn log_search(
        &self,
        run: &str,
        stream: &str,
        attempt: Option<u32>,
        text: &str,
        from: u64,
    ) -> Result<LogSearchReply> {
        self.fetch(
            Call::new("GET", path(&["runs", run, "logs", stream, "search"]))
                .query("attempt", attempt)
                .query("text", Some(text))
                .query("from", Some(from)),
        )
    }

    /// Metrics, params and tags that runs have, the most frequent first.
    pub fn field_list(
        &self,
        project: Option<&str>,
        prefix: Option<&str>,
        limit: Option<usize>,
    ) -> Result<FieldList> {
        self.fetch(
            Call::new("GET", path(&["fields"]))
                .query("project", project)
                .query("prefix", prefix)
                .query("limit", limit),
        )
    }

    /// Records of one kind (or all), oldest first.
    pub fn record_list(
        &self,
        run: &str,
        kind: Option<&str>,
        limit: Option<usize>,
    ) -> Result<RecordList> {
        self.fetch(
            Call::new("GET", path(&["runs", run, "records"]))
                .query("kind", kind)
                .query("limit", limit),
        )
    }

    /// Evaluations of a run.
    pub fn evaluation_list(&self, run: &str) -> Result<EvaluationList> {
        self.get(path(&["runs", run, "evaluations"]))
    }

    /// Evaluates stored predictions again.
    pub fn evaluation_again(&self, run: &str) -> Result<EvaluationList> {
        self.fetch(Call::new("POST", path(&["runs", run, "evaluations"])))
    }

    /// An evaluation with its curves.
    pub fn evaluation_get(&self, id: &str) -> Result<EvaluationDetail> {
        self.get(path(&["evaluations", id]))
    }

    /// What a run reproduces and what reproduces it, with verdicts; `tolerance` is a relative difference.
    pub fn reproductions(&self, run: &str, tolerance: Option<f64>) -> Result<ReproductionList> {
        let call = Call::new("GET", path(&["runs", run, "reproductions"]));
        self.fetch(call.query("tolerance", tolerance))
    }

    /// Compares runs.
    pub fn compare(&self, request: &CompareRequest) -> Result<Comparison> {
        self.post(path(&["compare"]), request)
    }

    /// Tests two runs row by row.
    pub fn pair_test(&self, request: &PairRequest) -> Result<PairView> {
        self.post(path(&["pairs"]), request)
    }

    /// Verified results of a metric (`SPLIT/NAME`) in order.
    pub fn leaderboard(
        &self,
        metric: &str,
        project: Option<&str>,
        query: Option<&str>,
        limit: Option<usize>,
    ) -> Result<Leaderboard> {
        self.fetch(
            Call::new("GET", path(&["leaderboard"]))
                .query("metric", Some(metric))
                .query("project", project)
                .query("query", query)
                .query("limit", limit),
        )
    }

    /// Holds runs against the rules of a gate.
    pub fn gate_check(&self, request: &GateRequest) -> Result<GateReport> {
        self.post(path(&["gate"]), request)
    }

    /// Accepts shared rows of a split of a dataset version.
    pub fn leakage_accept(
        &self,
        name: &str,
        version: u32,
        hash: &str,
        request: &LeakageAccept,
    ) -> Result<SplitView> {
        let version = version.to_string();
        let place = [
            "datasets",
            name,
            "versions",
            &version,
            "splits",
            hash,
            "acceptances",
        ];
        self.post(path(&place), request)
    }

    /// Finds numbers of replaced metric definitions and has them computed again.
    pub fn outdated_metrics(&self, request: &OutdatedRequest) -> Result<OutdatedReport> {
        self.post(path(&["metric-definitions", "outdated"]), request)
    }
}
