//! Bodies of the native REST API, version 1, under `/api/v1`.
//!
//! ```text
//! GET    /health                                       liveness (no /api/v1)
//! GET    /openapi.json                                 the API's description
//! GET    /info                                         Info
//! GET    /projects                                     ProjectList
//! PATCH  /projects/{name}                              ProjectPatch -> ProjectView
//! GET    /documents?kind=&project=                     DocumentList
//! POST   /documents                                    DocumentCreate -> DocumentView
//! GET    /documents/{id}                               DocumentView
//! PUT    /documents/{id}                               DocumentChange -> DocumentView (409: another revision)
//! DELETE /documents/{id}                               204
//! GET    /fields?project=&prefix=&limit=               FieldList
//! GET    /experiments?project=                         ExperimentList
//! GET    /runs?project=&experiment=&state=a,b&group=&adapter=&q=&query=&sort=&order=&limit=&cursor=   RunPage
//! POST   /runs/search                                  RunSearch -> RunSearchReply
//! POST   /runs                                         RunsCreate -> RunsCreated   (idempotent by run id)
//! GET    /runs/{run}                                   RunDetail   ({run}: id or unique prefix)
//! PATCH  /runs/{run}                                   RunPatch -> RunSummary
//! DELETE /runs/{run}                                   204, hidden until restored or purged
//! GET    /deletions?before=&limit=                     DeletionLedger
//! POST   /deletions                                    DeletionRequest -> DeletionReport
//! GET    /retention                                    RetentionList
//! POST   /retention                                    RetentionApply -> RetentionReport
//! PUT    /retention/{name}                             RetentionSet -> RetentionRule
//! DELETE /retention/{name}                             204
//! POST   /doctor                                       DoctorRequest -> DoctorReport
//! POST   /runs/{run}/stop                              RunSummary
//! POST   /runs/{run}/attempts                          AttemptCreate -> AttemptView
//! GET    /runs/{run}/attempts/{number}/offsets         Offsets
//! POST   /runs/{run}/attempts/{number}/start           AttemptStart -> AttemptReply
//! POST   /runs/{run}/attempts/{number}/heartbeat       Heartbeat -> AttemptReply
//! POST   /runs/{run}/attempts/{number}/events          EventBatch -> EventBatchReply (409 Misaligned)
//! POST   /runs/{run}/attempts/{number}/logs/{stream}?offset=   bytes -> LogReply (409 Misaligned)
//! POST   /runs/{run}/attempts/{number}/finish          AttemptFinish -> AttemptReply
//! GET    /runs/{run}/artifacts                         ArtifactList
//! GET    /runs/{run}/artifacts/content?path=           bytes, always as attachment
//! PUT    /runs/{run}/artifacts/content?path=&attempt=&kind=&hash=   bytes -> ArtifactView
//! POST   /runs/{run}/artifacts                         ArtifactBind -> ArtifactView   (content that is here already)
//! GET    /runs/{run}/artifacts/users?path=             InputList: who used it
//! GET    /runs/{run}/inputs                            InputList: what it used
//! POST   /runs/{run}/inputs                            InputAdd -> InputView
//! GET    /artifacts?hash=&project=&run=&path=&limit=   ArtifactsFound
//! GET    /artifacts/resolve?project=&name=&version=     ArtifactVersionView   (version: vN, latest or an alias)
//! GET    /artifacts/versions?project=&name=&limit=&cursor=   ArtifactVersionList
//! GET    /artifacts/content?project=&name=&version=     bytes, always as attachment
//! PUT    /artifacts/aliases                            ArtifactAliasSet -> ArtifactVersionView
//! DELETE /artifacts/aliases?project=&name=&alias=      204
//! POST   /uploads                                      UploadBegin -> UploadView
//! GET    /uploads/{id}                                 UploadView; header mlhub-upload-offset
//! PATCH  /uploads/{id}?offset=&hash=                   bytes -> UploadView (409 Misaligned)
//! DELETE /uploads/{id}                                 204
//! POST   /uploads/{id}/commit                          UploadCommit -> UploadCommitted (202 while storing)
//! POST   /blobs/present                                BlobsQuery -> BlobsPresent
//! GET    /leaderboard?metric=&project=&query=&limit=   Leaderboard (409: several versions of the metric)
//! POST   /pairs                                        PairRequest -> PairView
//! POST   /gate                                         GateRequest -> GateReport
//! POST   /metric-definitions/outdated                  OutdatedRequest -> OutdatedReport
//! POST   /datasets/{name}/versions/{version}/splits/{hash}/acceptances   LeakageAccept -> SplitView
//! GET    /runs/{run}/metrics                           MetricList
//! POST   /series/query                                 SeriesQuery -> SeriesReply; an Arrow stream or packed numbers by Accept
//! POST   /series/history                               HistoryQuery -> rows: JSON lines, CSV, Parquet, Arrow
//! GET    /runs/{run}/metrics/history?metric=&format=   the same of one run
//! GET    /runs/{run}/logs                              LogList
//! GET    /runs/{run}/logs/{stream}?attempt=&offset=&limit=&tail=   bytes; headers mlhub-log-offset, mlhub-log-size
//! GET    /runs/{run}/logs/{stream}/search?attempt=&text=&from=&limit=   LogSearchReply
//! GET    /runs/{run}/records?kind=&limit=              RecordList
//! GET    /runs/{run}/evaluations                       EvaluationList
//! POST   /runs/{run}/evaluations                       evaluates stored predictions again -> EvaluationList
//! GET    /runs/{run}/reproductions?tolerance=          ReproductionList
//! GET    /evaluations/{id}                             EvaluationDetail (with curves)
//! POST   /compare                                      CompareRequest -> Comparison
//! GET    /datasets                                     DatasetList
//! POST   /datasets                                     DatasetRegister -> DatasetVersionView
//! GET    /datasets/{name}?version=                     DatasetDetail
//! DELETE /datasets/{name}/versions/{version}           204, when no run refers to it
//! GET    /datasets/{name}/versions/{version}/preview   DatasetPreviewView (404: none was asked for)
//! PUT    /datasets/{name}/versions/{version}/preview   DatasetPreviewSet -> DatasetPreviewView
//! DELETE /datasets/{name}/versions/{version}/preview   204
//! POST   /datasets/{name}/versions/{version}/splits    SplitRegister -> SplitView
//! GET    /adapters                                     AdapterList
//! POST   /adapters                                     AdapterSeen -> 204
//! GET    /metric-definitions                           DefinitionList
//! GET    /projects/{name}/hash                          ProjectHash
//! GET    /projects/{name}/export                        an archive, as a stream of bytes
//! POST   /import?project=                              archive -> ImportReport
//! POST   /backup                                       hashes of blobs at hand -> a backup, as a stream of bytes
//! GET    /models/{model}                                ModelDescription   (model: run, or PROJECT/NAME:VERSION)
//! POST   /models/{model}/predict                        PredictRequest -> PredictResponse
//! POST   /models/{model}/search                         SearchRequest -> SearchResponse
//! POST   /models/{model}/export                         ExportRequest -> ExportResponse
//! GET    /registry/models?prefix=&limit=&cursor=       RegisteredModelList
//! POST   /registry/models                              RegisteredModelCreate -> RegisteredModelView
//! GET    /registry/models/{model}                      RegisteredModelView
//! PATCH  /registry/models/{model}                      RegisteredModelPatch -> RegisteredModelView
//! DELETE /registry/models/{model}                      204
//! GET    /registry/versions?model=&run=&limit=&cursor= ModelVersionList
//! POST   /registry/models/{model}/versions             ModelVersionCreate -> ModelVersionView
//! GET    /registry/models/{model}/versions/{version}?metric=   ModelVersionDetail (version: number, latest, @alias)
//! PATCH  /registry/models/{model}/versions/{version}   ModelVersionPatch -> ModelVersionView
//! DELETE /registry/models/{model}/versions/{version}   204
//! POST   /registry/models/{model}/promotions           ModelPromotion -> ModelPromoted (409: a gate does not pass)
//! DELETE /registry/models/{model}/aliases/{alias}      204
//! PUT    /registry/models/{model}/protections/{target} ModelProtection -> RegisteredModelView
//! DELETE /registry/models/{model}/protections/{target} 204
//! GET    /registry/events?model=&limit=&cursor=        ModelEventList
//! GET    /launches                                     LaunchList
//! POST   /launches                                     LaunchRequest -> LaunchReply (202 when something starts)
//! GET    /launches/{id}                                LaunchView
//! POST   /launches/{id}/stop                           LaunchView
//! GET    /events?run=                                  server-sent events: `run` (RunChanged), `hello`, `reset`
//! ```
//! Errors are `application/problem+json` ([`Problem`]). Unknown fields in
//! requests are refused; readers of answers ignore fields they do not know.

mod attempts;
mod catalog;
mod deletions;
mod documents;
mod evaluations;
mod hub;
mod launches;
mod models;
mod outputs;
mod portable;
mod registry;
mod reproductions;
mod runs;
mod search;
mod snapshot;
mod trust;
mod uploads;
mod versions;

pub use attempts::{
    AttemptCreate, AttemptFinish, AttemptReply, AttemptStart, EventBatch, EventBatchReply,
    Heartbeat, LogReply, Misaligned, Offsets, PointView, PredictionsRef, RecordInput,
};
pub use catalog::{
    AdapterList, AdapterSeen, AdapterView, DatasetDetail, DatasetList, DatasetPreviewSet,
    DatasetPreviewView, DatasetRegister, DatasetVersionView, DatasetView, DefinitionList,
    DefinitionView, PreviewCell, SplitRegister, SplitView,
};
pub use deletions::{
    DeletionItem, DeletionLedger, DeletionLine, DeletionReport, DeletionRequest, DeletionSize,
    DoctorFinding, DoctorReport, DoctorRequest, KeepBest, RetentionApply, RetentionList,
    RetentionOutcome, RetentionReport, RetentionRule, RetentionSet,
};
pub use documents::{DocumentChange, DocumentCreate, DocumentHead, DocumentList, DocumentView};
pub use evaluations::{
    CompareRequest, Comparison, ConfigRow, EffectView, EvaluatedMetricView, EvaluationDetail,
    EvaluationList, EvaluationView, GroupSummary, MetricIntervalView, MetricRow, MetricTestView,
    Receipt, SeedStatistics, SkippedMetricView, StochasticOrderView,
};
pub use hub::{
    ExperimentList, ExperimentView, Info, Problem, ProjectList, ProjectPatch, ProjectView,
    RunChanged,
};
pub use launches::{
    AdapterDataset, ConfigMistake, LaunchList, LaunchMode, LaunchPlan, LaunchReply, LaunchRequest,
    LaunchState, LaunchSyntax, LaunchView,
};
pub use models::{
    ExportRequest, ExportResponse, ModelDescription, ModelReference, PredictRequest,
    PredictResponse, SearchRequest, SearchResponse,
};
pub use outputs::{
    ArtifactList, ArtifactView, AttemptSpanView, HistoryQuery, LogList, LogMatchView,
    LogSearchReply, LogView, MetricList, MetricView, PACKED_SERIES, PackedHeader, PackedSeries,
    RecordList, RecordView, SeriesAxis, SeriesQuery, SeriesReduction, SeriesReply, SeriesView,
    TableFormat,
};
pub use portable::{ImportReport, PortableCounts, ProjectHash};
pub use registry::{
    ModelEventList, ModelEventView, ModelPromoted, ModelPromotion, ModelProtection,
    ModelStandingView, ModelVersionCreate, ModelVersionDetail, ModelVersionList, ModelVersionPatch,
    ModelVersionView, RegisteredModelCreate, RegisteredModelList, RegisteredModelPatch,
    RegisteredModelView,
};
pub use reproductions::{
    AttributionView, PartDifferenceView, ReproducedMetricView, ReproducedRun, ReproductionList,
    ReproductionView,
};
pub use runs::{
    AttemptView, ExitView, FailureView, IntervalView, RunDetail, RunPage, RunPatch, RunSeed,
    RunSummary, RunsCreate, RunsCreated,
};
pub use search::{
    FieldList, FieldView, QueryProblem, RunFound, RunGroup, RunSearch, RunSearchReply, Scalar,
    SearchHint, StatisticsView,
};
pub use snapshot::{
    EvaluationPlan, ExpectedSplit, Reproduces, ReproductionDifference, SliceCodes, Snapshot,
};
pub use trust::{
    Board, BoardEntry, Gate, GateBound, GateCheck, GateFairness, GateNoVerdict, GateOutcome,
    GateRegression, GateReport, GateRequest, GateSize, GateThreshold, Leaderboard, LeakageAccept,
    LeakageAcceptance, LeftOut, OutdatedMetricView, OutdatedReport, OutdatedRequest, PairRequest,
    PairView, PairedTestView, RefusedRun, RunReference,
};
pub use uploads::{
    ArtifactBind, ArtifactFound, ArtifactsFound, BlobsPresent, BlobsQuery, InputAdd, InputList,
    InputView, UploadBegin, UploadCommit, UploadCommitted, UploadView,
};
pub use versions::{ArtifactAliasSet, ArtifactAliasView, ArtifactVersionList, ArtifactVersionView};
