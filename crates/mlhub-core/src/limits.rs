//! Every limit of the hub that a client can meet, in one place.
//!
//! Past a limit the answer is a clear refusal naming it; nothing is cut off
//! silently.

/// Bytes in an identifier.
pub const ID_MAX_BYTES: usize = 64;
/// Bytes in the name of a project, experiment, run, dataset or split.
pub const NAME_MAX_BYTES: usize = 500;
/// Bytes in a metric, param or tag key.
pub const KEY_MAX_BYTES: usize = 4096;
/// Bytes in a param or tag value.
pub const VALUE_MAX_BYTES: usize = 64 * 1024;
/// Bytes in a run's description or notes.
pub const NOTES_MAX_BYTES: usize = 1024 * 1024;
/// Params, and tags, one run may have.
pub const KEYS_PER_RUN_MAX: usize = 100_000;
/// Bytes in an artifact path.
pub const PATH_MAX_BYTES: usize = 4096;
/// Components in an artifact path.
pub const PATH_MAX_COMPONENTS: usize = 128;
/// Bytes in one component of an artifact path.
pub const PATH_COMPONENT_MAX_BYTES: usize = 255;
/// Bytes in a JSON request body unless a route says otherwise.
pub const JSON_BODY_MAX_BYTES: usize = 4 * 1024 * 1024;
/// Bytes in one batch of events from a supervisor.
pub const EVENTS_BODY_MAX_BYTES: usize = 16 * 1024 * 1024;
/// Points in one batch of events.
pub const POINTS_PER_BATCH_MAX: usize = 1_000_000;
/// Bytes in one log upload.
pub const LOG_BODY_MAX_BYTES: usize = 4 * 1024 * 1024;
/// Bytes in one artifact.
pub const ARTIFACT_MAX_BYTES: u64 = 1024 * 1024 * 1024 * 1024;
/// Bytes in one part of an upload.
pub const UPLOAD_PART_MAX_BYTES: usize = 64 * 1024 * 1024;
/// Uploads under way at once.
pub const UPLOADS_OPEN_MAX: usize = 10_000;
/// Time an upload may lie without a byte arriving before its space is reclaimed.
pub const UPLOAD_IDLE_MAX_MS: i64 = 24 * 60 * 60 * 1000;
/// Bytes in an alias of an artifact version.
pub const ALIAS_MAX_BYTES: usize = 64;
/// Aliases one artifact name of a project may have.
pub const ALIASES_PER_NAME_MAX: usize = 1000;
/// Hashes one request may ask about.
pub const HASHES_PER_QUERY_MAX: usize = 10_000;
/// Artifacts one search returns.
pub const ARTIFACTS_FOUND_MAX: usize = 1000;
/// Inputs noted for one run.
pub const INPUTS_PER_RUN_MAX: usize = 10_000;
/// Bytes of a stream of output that are kept from its start.
pub const LOG_HEAD_BYTES: u64 = 32 * 1024 * 1024;
/// Bytes of a stream of output that are kept up to its end, at least; what is
/// between the two parts is left out, with a marker in its place.
pub const LOG_TAIL_BYTES: u64 = 32 * 1024 * 1024;
/// Bytes of log returned by one read.
pub const LOG_READ_MAX_BYTES: usize = 4 * 1024 * 1024;
/// Rows in one page of any list.
pub const PAGE_MAX_ROWS: usize = 1000;
/// Rows in a page when the client does not say.
pub const PAGE_DEFAULT_ROWS: usize = 100;
/// Points returned for one series by one read.
pub const SERIES_POINTS_MAX: usize = 100_000;
/// Runs in one export of histories.
pub const HISTORY_RUNS_MAX: usize = 1000;
/// Points of all series that one query may ask for.
pub const SERIES_QUERY_POINTS_MAX: usize = 4_000_000;
/// Series in one query.
pub const SERIES_PER_QUERY_MAX: usize = 1000;
/// Runs in one comparison.
pub const COMPARE_RUNS_MAX: usize = 100;
/// Values one comparison may have: metrics, or config values, times runs.
pub const COMPARE_VALUES_MAX: usize = 2_000_000;
/// Bytes of predictions the hub evaluates.
pub const PREDICTIONS_MAX_BYTES: u64 = 4 * 1024 * 1024 * 1024;
/// Lines of evidence kept with a failure.
pub const EVIDENCE_LINES_MAX: usize = 40;
/// Bytes in one line of evidence; longer lines are cut with a marker.
pub const EVIDENCE_LINE_MAX_BYTES: usize = 2000;
/// Bytes in the body of a run record (checkpoint, entry facts and the like).
pub const RECORD_MAX_BYTES: usize = 64 * 1024;
/// Bytes in the stored snapshot of a run (config, environment, patch).
pub const SNAPSHOT_MAX_BYTES: usize = 3 * 1024 * 1024;
/// Bytes of one record in an archive.
pub const PORTABLE_ITEM_MAX_BYTES: usize = 64 * 1024 * 1024;
/// Runs in one archive.
pub const PORTABLE_RUNS_MAX: usize = 1_000_000;
/// Traces in one archive.
pub const PORTABLE_TRACES_MAX: usize = 5_000_000;
/// Exports, imports, backups and content hashes at once.
pub const PORTABLE_AT_ONCE_MAX: usize = 2;
/// Exports and content hashes among them; one is left to imports and backups.
pub const EXPORTS_AT_ONCE_MAX: usize = PORTABLE_AT_ONCE_MAX - 1;
/// Bytes in the list of blobs that the receiver of a backup has: 65 per blob.
/// What is left out is sent again.
pub const BACKUP_KNOWN_MAX_BYTES: usize = 65 * 1024 * 1024;
/// Bytes in the body of a request for predictions or a search.
pub const SERVING_BODY_MAX_BYTES: usize = 32 * 1024 * 1024;
/// Inputs, or queries, of one such request.
pub const SERVING_INPUTS_MAX: usize = 10_000;
/// Hits asked for per query.
pub const SERVING_HITS_MAX: u32 = 1000;
/// Bytes in the text of an experiment that is sent to be launched.
pub const LAUNCH_TEXT_MAX_BYTES: usize = 256 * 1024;
/// Launches prepared at once on the hub's machine.
pub const LAUNCHES_AT_ONCE_MAX: usize = 2;
/// Launches that the hub tells of; older ones are forgotten, their runs are not.
pub const LAUNCHES_KEPT: usize = 100;
/// Lines kept of what a launch's preparation says.
pub const LAUNCH_OUTPUT_LINES: usize = 400;
/// Bytes of such a line; the rest of a longer one is dropped.
pub const LAUNCH_OUTPUT_LINE_MAX_BYTES: usize = 2000;
/// Bytes in the description a model brings along (`model.json`).
pub const MODEL_DESCRIPTION_MAX_BYTES: u64 = 4 * 1024 * 1024;
/// Bytes of all files of one model that the hub serves.
pub const MODEL_MAX_BYTES: u64 = 32 * 1024 * 1024 * 1024;
/// Characters in the name of a saved view or report.
pub const DOCUMENT_NAME_MAX_CHARS: usize = 200;
/// Bytes of the body of a saved view or report, as JSON.
pub const DOCUMENT_BODY_MAX_BYTES: usize = 512 * 1024;
/// Saved views and reports a hub may have.
pub const DOCUMENTS_MAX: usize = 10_000;
/// Names one answer about the fields of runs may have.
pub const FIELDS_MAX: usize = 10_000;
/// Bytes of the text that a search of captured output looks for.
pub const LOG_SEARCH_TEXT_MAX_BYTES: usize = 256;
/// Bytes of captured output that one search reads before it answers.
pub const LOG_SEARCH_SCAN_MAX_BYTES: usize = 8 * 1024 * 1024;
/// Matches one search of captured output returns.
pub const LOG_SEARCH_MATCHES_MAX: usize = 1000;
/// Pairs of seed groups times metrics that one comparison tests.
pub const COMPARE_TESTS_MAX: usize = 10_000;
/// Rows times metrics times resamples when two runs are tested row by row, per split.
pub const PAIR_CELLS_MAX: u64 = 2_000_000_000;
/// Runs with a metric that one leaderboard looks at.
pub const LEADERBOARD_RUNS_MAX: usize = 2_000;
/// Entries of one board that are answered.
pub const LEADERBOARD_ENTRIES_MAX: usize = 200;
/// Runs that are on no board and named.
pub const LEADERBOARD_LEFT_OUT_MAX: usize = 100;
/// Runs on each side of a gate.
pub const GATE_RUNS_MAX: usize = 50;
/// Rules of one gate, of all kinds together.
pub const GATE_RULES_MAX: usize = 200;
/// Characters of the reason for which shared rows are accepted.
pub const REASON_MAX_CHARS: usize = 1000;
/// Runs that are looked at for each replaced metric definition, the newest first.
pub const OUTDATED_RUNS_MAX: usize = 10_000;
/// Columns whose values an evaluation is sliced by.
pub const SLICE_COLUMNS_MAX: usize = 10;
/// Values of one such column; numbers of more values are put into quarters.
pub const SLICE_VALUES_MAX: usize = 20;
/// Rows of all evaluated splits times the columns they are sliced by; a byte each in a snapshot.
pub const SLICE_CELLS_MAX: usize = 1_000_000;
/// Rows in the preview of a dataset version.
pub const PREVIEW_ROWS_MAX: usize = 100;
/// Columns in the preview of a dataset version.
pub const PREVIEW_COLUMNS_MAX: usize = 100;
/// Characters of one cell in the preview of a dataset version.
pub const PREVIEW_CELL_MAX_CHARS: usize = 200;
/// Metric definitions one adapter may bring.
pub const CUSTOM_DEFINITIONS_MAX: usize = 64;
/// Metrics of adapters in one evaluation.
pub const CUSTOM_METRICS_MAX: usize = 32;
/// Bytes of predictions handed to a program that computes a metric.
pub const CUSTOM_METRIC_INPUT_MAX_BYTES: u64 = 1024 * 1024 * 1024;
/// Seconds from the start of such a program to its end.
pub const CUSTOM_METRIC_SECONDS_MAX: u64 = 120;
/// Seconds of processor time each of its processes may take.
pub const CUSTOM_METRIC_CPU_SECONDS_MAX: u64 = 120;
/// Bytes of addresses each of its processes may take.
pub const CUSTOM_METRIC_ADDRESS_MAX_BYTES: u64 = 16 * 1024 * 1024 * 1024;
/// Resident bytes of all its processes.
pub const CUSTOM_METRIC_MEMORY_MAX_BYTES: u64 = 4 * 1024 * 1024 * 1024;
/// Bytes of each file it writes, and of all of them together.
pub const CUSTOM_METRIC_FILES_MAX_BYTES: u64 = 64 * 1024 * 1024;
/// Files each of its processes may have open.
pub const CUSTOM_METRIC_OPEN_FILES_MAX: u64 = 256;
/// Bytes of its standard output and standard error together.
pub const CUSTOM_METRIC_OUTPUT_MAX_BYTES: u64 = 1024 * 1024;
/// Bytes of its answer.
pub const CUSTOM_METRIC_ANSWER_MAX_BYTES: u64 = 4 * 1024;
/// Characters in the name of a registered model.
pub const MODEL_NAME_MAX_CHARS: usize = 255;
/// Characters in an alias of a registered model.
pub const MODEL_ALIAS_MAX_CHARS: usize = 255;
/// Registered models a hub may have.
pub const REGISTERED_MODELS_MAX: usize = 100_000;
/// Versions one registered model may have at a time.
pub const MODEL_VERSIONS_MAX: usize = 100_000;
/// Aliases one registered model may have.
pub const MODEL_ALIASES_MAX: usize = 1000;
/// Tags one registered model, or one version of it, may have.
pub const REGISTRY_TAGS_MAX: usize = 1000;
/// Bytes of the name and of the type of a logged model, and of names of datasets of its metrics.
pub const LOGGED_MODEL_NAME_MAX_BYTES: usize = 2000;
/// Params of a logged model; tags are as many as of registered models.
pub const LOGGED_MODEL_LABELS_MAX: usize = 1000;
/// Metrics of a logged model, by run and dataset.
pub const LOGGED_MODEL_METRICS_MAX: usize = 5000;
/// Bytes of params and tags of a logged model in all.
pub const LOGGED_MODEL_LABELS_MAX_BYTES: usize = 8 * 1024 * 1024;
/// Logged models whose files are artifacts of one run.
pub const LOGGED_MODELS_PER_RUN_MAX: usize = 10_000;
/// Tags, and entries of the metadata, one trace may have.
pub const TRACE_LABELS_MAX: usize = 1000;
/// Bytes of tags and metadata of a trace in all.
pub const TRACE_LABELS_MAX_BYTES: usize = 1024 * 1024;
/// Bytes of each preview of a trace: of what was asked, and of what was answered.
pub const TRACE_PREVIEW_MAX_BYTES: usize = 64 * 1024;
/// Spans of one trace.
pub const TRACE_SPANS_MAX: i64 = 20_000;
/// Bytes of one span of a trace.
pub const TRACE_SPAN_MAX_BYTES: usize = 8 * 1024 * 1024;
/// Bytes of all spans of one trace.
pub const TRACE_SPANS_MAX_BYTES: i64 = 32 * 1024 * 1024;
/// Bytes of spans that one request for traces is answered with.
pub const TRACES_ANSWER_MAX_BYTES: i64 = 128 * 1024 * 1024;
/// Assessments of one trace.
pub const TRACE_ASSESSMENTS_MAX: usize = 1000;
/// Bytes of one assessment.
pub const TRACE_ASSESSMENT_MAX_BYTES: usize = 256 * 1024;
/// Runs that one trace is linked to.
pub const TRACE_LINKS_MAX: usize = 1000;
/// Bytes of the files of one trace.
pub const TRACE_FILES_MAX_BYTES: i64 = 32 * 1024 * 1024;
/// Files of one trace.
pub const TRACE_FILES_MAX: i64 = 200;
/// Traces that one request changes, or asks for by their ids.
pub const TRACES_PER_REQUEST_MAX: usize = 1000;
/// Traces that a search orders by something else than their time.
pub const TRACES_ORDERED_MAX: usize = 200_000;
