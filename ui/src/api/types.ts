/** Short names for the bodies of the API. The schema beside this file is generated. */

import type { components } from "./schema";

type Schemas = components["schemas"];

export type AdapterView = Schemas["AdapterView"];
export type ArtifactView = Schemas["ArtifactView"];
export type AttemptView = Schemas["AttemptView"];
export type Comparison = Schemas["Comparison"];
export type DatasetDetail = Schemas["DatasetDetail"];
export type DatasetVersionView = Schemas["DatasetVersionView"];
export type DatasetView = Schemas["DatasetView"];
export type DefinitionView = Schemas["DefinitionView"];
export type DeletionItem = Schemas["DeletionItem"];
export type DeletionLedger = Schemas["DeletionLedger"];
export type DeletionLine = Schemas["DeletionLine"];
export type DeletionReport = Schemas["DeletionReport"];
export type DeletionRequest = Schemas["DeletionRequest"];
export type EvaluatedMetricView = Schemas["EvaluatedMetricView"];
export type EvaluationDetail = Schemas["EvaluationDetail"];
export type EvaluationView = Schemas["EvaluationView"];
export type FailureView = Schemas["FailureView"];
export type GroupSummary = Schemas["GroupSummary"];
export type Info = Schemas["Info"];
export type LogView = Schemas["LogView"];
export type MetricRow = Schemas["MetricRow"];
export type MetricView = Schemas["MetricView"];
export type ProjectView = Schemas["ProjectView"];
export type Receipt = Schemas["Receipt"];
export type RecordView = Schemas["RecordView"];
export type RetentionOutcome = Schemas["RetentionOutcome"];
export type RetentionReport = Schemas["RetentionReport"];
export type RetentionRule = Schemas["RetentionRule"];
export type RunChanged = Schemas["RunChanged"];
export type RunDetail = Schemas["RunDetail"];
export type RunFound = Schemas["RunFound"];
export type RunGroup = Schemas["RunGroup"];
export type RunSearch = Schemas["RunSearch"];
export type RunSearchReply = Schemas["RunSearchReply"];
export type RunSummary = Schemas["RunSummary"];
export type SearchHint = Schemas["SearchHint"];
export type SeriesQuery = Schemas["SeriesQuery"];
export type SeriesReply = Schemas["SeriesReply"];
export type SeriesView = Schemas["SeriesView"];
export type Snapshot = Schemas["Snapshot"];
export type SplitView = Schemas["SplitView"];
export type StatisticsView = Schemas["StatisticsView"];
