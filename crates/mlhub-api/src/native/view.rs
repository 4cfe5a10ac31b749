//! From domain types to wire types. No rule lives here.

use std::collections::BTreeMap;

use mlhub_app::{
    AdapterDescription, GroupStatistics, MetricComparison, MetricDisplay, Receipt, RunOverview,
    RunRow, RunStatistics, RunValue, RunsFound, SeedStatistics, Series,
};
use mlhub_core::dataset::{Dataset, DatasetSplit, DatasetVersion};
use mlhub_core::evaluation::{EvaluationRecord, EvaluationState};
use mlhub_core::metric::{AttemptSpan, Direction, MetricSummary};
use mlhub_core::run::{Artifact, ArtifactUse, Attempt, ExitStatus, Experiment, Failure, Project};
use mlhub_core::{Error, Result};
use mlhub_protocol::Number;
use mlhub_protocol::rest;

pub(super) fn project(project: Project) -> rest::ProjectView {
    rest::ProjectView {
        name: project.name.into(),
        description: project.description,
        created_at: project.created_at.0,
        run_count: project.run_count,
        last_activity_at: project.last_activity_at.map(|time| time.0),
    }
}

pub(super) fn experiment(experiment: Experiment) -> rest::ExperimentView {
    rest::ExperimentView {
        project: experiment.project.into(),
        name: experiment.name.into(),
        description: experiment.description,
        created_at: experiment.created_at.0,
        run_count: experiment.run_count,
    }
}

fn exit(exit: ExitStatus) -> rest::ExitView {
    rest::ExitView {
        code: exit.code,
        signal: exit.signal,
    }
}

fn failure(failure: Failure) -> rest::FailureView {
    let class = serde_json::to_value(failure.class)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default();
    rest::FailureView {
        class,
        message: failure.message,
        evidence: failure.evidence,
        advice: failure.class.advice().map(str::to_owned),
    }
}

pub(super) fn run(row: RunRow) -> rest::RunSummary {
    let mut metrics: BTreeMap<String, Number> = row
        .metrics
        .iter()
        .map(|summary| (summary.name.clone(), Number(summary.last.value)))
        .collect();
    let mut intervals = BTreeMap::new();
    for metric in &row.evaluated {
        let key = format!("{}/{}", metric.split, metric.name);
        metrics.insert(key.clone(), Number(metric.value));
        if let Some((low, high)) = metric.low.zip(metric.high) {
            intervals.insert(
                key,
                rest::IntervalView {
                    low: Number(low),
                    high: Number(high),
                },
            );
        }
    }
    let run = row.run;
    rest::RunSummary {
        id: run.id.into(),
        name: run.name.into(),
        project: run.project.into(),
        experiment: run.experiment.into(),
        state: run.state.as_str().to_owned(),
        adapter: run.adapter,
        adapter_version: run.adapter_version,
        seed: run.seed,
        group: run.group.map(Into::into),
        dataset: run.dataset,
        owner: run.owner.0,
        attempt: run.attempt,
        created_at: run.created_at.0,
        started_at: run.started_at.map(|time| time.0),
        ended_at: run.ended_at.map(|time| time.0),
        stop_requested: run.stop_requested,
        deleted_at: run.deleted_at.map(|time| time.0),
        exit: run.exit.map(exit),
        failure: run.failure.map(failure),
        params: row.params,
        tags: row.tags,
        metrics,
        intervals,
    }
}

fn scalar(value: RunValue) -> rest::Scalar {
    match value {
        RunValue::Missing => rest::Scalar::Missing,
        RunValue::Number(number) => rest::Scalar::Number(Number(number)),
        RunValue::Text(text) => rest::Scalar::Text(text),
        RunValue::Moment(ms) | RunValue::Duration(ms) => rest::Scalar::Number(Number(ms as f64)),
    }
}

fn scalars(values: BTreeMap<String, RunValue>) -> BTreeMap<String, rest::Scalar> {
    let pairs = values.into_iter();
    pairs.map(|(name, value)| (name, scalar(value))).collect()
}

fn statistics_view(statistics: RunStatistics) -> rest::StatisticsView {
    rest::StatisticsView {
        count: statistics.count,
        mean: statistics.mean.map(Number),
        std: statistics.std.map(Number),
        min: statistics.min.map(Number),
        max: statistics.max.map(Number),
    }
}

pub(super) fn runs_found(found: RunsFound) -> rest::RunSearchReply {
    let runs = found.runs.into_iter().map(|one| rest::RunFound {
        run: run(one.row),
        values: scalars(one.values),
    });
    let groups = found.groups.into_iter().map(|group| rest::RunGroup {
        keys: scalars(group.keys),
        query: group.query,
        runs: group.runs,
        statistics: group
            .statistics
            .into_iter()
            .map(|(name, statistics)| (name, statistics_view(statistics)))
            .collect(),
    });
    let hints = found.hints.into_iter().map(|hint| rest::SearchHint {
        message: hint.message,
        position: hint.position,
        length: hint.length,
        suggestions: hint.suggestions,
    });
    rest::RunSearchReply {
        runs: runs.collect(),
        groups: groups.collect(),
        total: found.total,
        next_cursor: found.next_cursor,
        hints: hints.collect(),
    }
}

pub(super) fn attempt(attempt: Attempt) -> rest::AttemptView {
    rest::AttemptView {
        number: attempt.number,
        state: attempt.state.as_str().to_owned(),
        host: attempt.host,
        // From before every step is afresh.
        resumed_from_step: attempt.resumed_from_step.filter(|step| *step != i64::MIN),
        created_at: attempt.created_at.0,
        started_at: attempt.started_at.map(|time| time.0),
        ended_at: attempt.ended_at.map(|time| time.0),
        heartbeat_at: attempt.heartbeat_at.map(|time| time.0),
        exit: attempt.exit.map(exit),
        failure: attempt.failure.map(failure),
    }
}

pub(super) fn run_detail(
    overview: RunOverview,
    evaluations: Vec<rest::EvaluationView>,
) -> rest::RunDetail {
    rest::RunDetail {
        notes: overview.row.run.notes.clone(),
        snapshot: overview.snapshot,
        attempts: overview.attempts.into_iter().map(attempt).collect(),
        evaluations,
        summary: run(overview.row),
    }
}

/// What an artifact is when nobody said.
pub(super) const ARTIFACT_KIND: &str = "artifact";

pub(super) fn input(used: ArtifactUse) -> rest::InputView {
    rest::InputView {
        run: used.run.into(),
        name: used.name,
        source_run: used.source_run.map(Into::into),
        source_path: used.source_path.map(Into::into),
        hash: used.hash,
        size_bytes: used.size_bytes,
        used_at: used.used_at.0,
    }
}

pub(super) fn artifact(artifact: Artifact) -> rest::ArtifactView {
    rest::ArtifactView {
        path: artifact.path.into(),
        hash: artifact.hash,
        size_bytes: artifact.size_bytes,
        kind: artifact.kind,
        attempt: artifact.attempt,
        created_at: artifact.created_at.0,
    }
}

pub(super) fn metric(summary: MetricSummary, display: MetricDisplay) -> rest::MetricView {
    rest::MetricView {
        name: summary.name,
        count: summary.count,
        non_finite: summary.non_finite,
        last_step: summary.last.step,
        last_time_ms: summary.last.time.0,
        last: Number(summary.last.value),
        min: summary.min.map(Number),
        max: summary.max.map(Number),
        direction: display.direction,
        label: display.label,
        group: display.group,
    }
}

pub(super) fn series(series: Series) -> rest::SeriesView {
    rest::SeriesView {
        run: series.run.into(),
        metric: series.metric,
        steps: series.view.points.iter().map(|point| point.step).collect(),
        times_ms: series
            .view
            .points
            .iter()
            .map(|point| point.time.0)
            .collect(),
        values: series
            .view
            .points
            .iter()
            .map(|point| Number(point.value))
            .collect(),
        total: series.view.total,
        non_finite: series.view.non_finite,
        exact: series.view.exact,
        origin_ms: series.origin.0,
        attempts: attempt_spans(&series.view.attempts),
    }
}

pub(super) fn attempt_spans(spans: &[AttemptSpan]) -> Vec<rest::AttemptSpanView> {
    let view = |span: &AttemptSpan| rest::AttemptSpanView {
        attempt: span.attempt,
        count: span.count as u64,
    };
    spans.iter().map(view).collect()
}

/// What of a stored evaluation result goes on the wire; written by
/// `mlhub_eval::Evaluation`.
#[derive(serde::Deserialize)]
struct StoredResult {
    task: String,
    n: u64,
    metrics: Vec<StoredMetric>,
    skipped: Vec<rest::SkippedMetricView>,
}

#[derive(serde::Deserialize)]
struct StoredMetric {
    definition: String,
    definition_hash: String,
    name: String,
    #[serde(default)]
    direction: Option<String>,
    value: Number,
    interval: Option<StoredInterval>,
    n: u64,
    #[serde(default)]
    note: Option<String>,
}

#[derive(serde::Deserialize)]
struct StoredInterval {
    low: Number,
    high: Number,
    confidence: f64,
    method: String,
    samples: u32,
    seed: u64,
}

fn stored_metric(metric: StoredMetric) -> rest::EvaluatedMetricView {
    rest::EvaluatedMetricView {
        direction: metric
            .direction
            .unwrap_or_else(|| mlhub_app::direction_of(&metric.definition).to_owned()),
        name: metric.name,
        definition: metric.definition,
        definition_hash: metric.definition_hash,
        value: metric.value,
        interval: metric.interval.map(|interval| rest::MetricIntervalView {
            low: interval.low,
            high: interval.high,
            confidence: interval.confidence,
            method: interval.method,
            samples: interval.samples,
            seed: interval.seed,
        }),
        n: metric.n,
        note: metric.note,
    }
}

pub(super) fn evaluation(
    record: EvaluationRecord,
    receipt: Receipt,
) -> Result<rest::EvaluationView> {
    let result: Option<StoredResult> = record
        .result
        .map(serde_json::from_value)
        .transpose()
        .map_err(|source| Error::internal("read an evaluation", source))?;
    let (task, n, metrics, skipped) = match result {
        Some(result) => (
            Some(result.task),
            Some(result.n),
            result.metrics.into_iter().map(stored_metric).collect(),
            result.skipped,
        ),
        None => (None, None, Vec::new(), Vec::new()),
    };
    Ok(rest::EvaluationView {
        id: record.id.into(),
        run: record.run.into(),
        split: record.split,
        state: match record.state {
            EvaluationState::Pending => "pending",
            EvaluationState::Done => "done",
            EvaluationState::Failed => "failed",
        }
        .to_owned(),
        message: record.message,
        task,
        n,
        metrics,
        skipped,
        receipt: rest::Receipt {
            verified: receipt.missing.is_empty(),
            missing: receipt.missing,
            predictions_hash: record.predictions_hash,
            predictions_path: record.predictions.into(),
            model_hash: receipt.model_hash,
            dataset: receipt.dataset,
            split_fingerprint: receipt.split_fingerprint,
            code: receipt.code,
            environment: receipt.environment,
        },
        created_at: record.created_at.0,
        ended_at: record.ended_at.map(|time| time.0),
    })
}

pub(super) fn interval((low, high): (f64, f64)) -> rest::IntervalView {
    rest::IntervalView {
        low: Number(low),
        high: Number(high),
    }
}

pub(super) fn direction(of: Direction) -> String {
    match of {
        Direction::Maximize => "maximize",
        Direction::Minimize => "minimize",
        Direction::None => "none",
    }
    .to_owned()
}

pub(super) fn metric_row(row: MetricComparison) -> rest::MetricRow {
    rest::MetricRow {
        name: row.name,
        definition: row.definition,
        direction: direction(row.direction),
        values: row
            .values
            .into_iter()
            .map(|value| value.map(Number))
            .collect(),
        intervals: row
            .intervals
            .into_iter()
            .map(|pair| pair.map(interval))
            .collect(),
        best: row.best.and_then(|column| u32::try_from(column).ok()),
    }
}

pub(super) fn seeds(statistics: SeedStatistics) -> rest::SeedStatistics {
    rest::SeedStatistics {
        n: statistics.n,
        mean: Number(statistics.mean),
        std: statistics.std.map(Number),
        min: Number(statistics.min),
        max: Number(statistics.max),
        interval: statistics.interval.map(interval),
    }
}

pub(super) fn group(group: GroupStatistics) -> rest::GroupSummary {
    rest::GroupSummary {
        group: group.group,
        experiment: group.experiment,
        adapter: group.adapter,
        runs: group.runs,
        metrics: group
            .metrics
            .into_iter()
            .map(|(name, statistics)| (name, seeds(statistics)))
            .collect(),
    }
}

pub(super) fn dataset(dataset: Dataset) -> rest::DatasetView {
    rest::DatasetView {
        name: dataset.name.into(),
        description: dataset.description,
        created_at: dataset.created_at.0,
        latest_version: dataset.latest_version,
    }
}

pub(super) fn dataset_version(version: DatasetVersion) -> rest::DatasetVersionView {
    rest::DatasetVersionView {
        name: version.dataset.into(),
        version: version.version,
        fingerprint: version.fingerprint,
        format: version.format,
        source: version.source,
        rows: version.rows,
        size_bytes: version.size_bytes,
        inspection: version.inspection,
        owner: version.owner.0,
        created_at: version.created_at.0,
    }
}

pub(super) fn split(split: DatasetSplit) -> rest::SplitView {
    rest::SplitView {
        hash: split.hash,
        spec: split.spec,
        parts: split.parts,
        created_at: split.created_at.0,
    }
}

pub(super) fn adapter(adapter: AdapterDescription) -> rest::AdapterView {
    rest::AdapterView {
        name: adapter.name,
        version: adapter.version,
        description: adapter.description,
        source: adapter.source,
        capabilities: adapter.capabilities,
        tasks: adapter.tasks,
        problem: adapter.problem,
        schema: adapter.schema,
        dataset: adapter.dataset,
        smoke: adapter.smoke,
        takes_command: adapter.takes_command,
    }
}
