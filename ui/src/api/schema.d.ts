export interface components {
    schemas: {
        /** @description Adapters the hub knows. */
        AdapterList: {
            /** @description By name; broken ones are named with their reason. */
            adapters: components["schemas"]["AdapterView"][];
        };
        /** @description Tells the hub of an adapter version. */
        AdapterSeen: {
            /** @description Its name. */
            name: string;
            /** @description Its version. */
            version: string;
            /** @description Its manifest, with the config schema under `schema`. */
            manifest: Record<string, never>;
        };
        /** @description An adapter the hub knows. */
        AdapterView: {
            /** @description Its name. */
            name: string;
            /** @description Its version. */
            version?: string | null;
            /** @description One sentence. */
            description: string;
            /** @description Where it comes from: `bundled`, `data directory`, `seen in runs`, ... */
            source: string;
            /** @description What it can do. */
            capabilities: string[];
            /** @description Tasks it can be evaluated on. */
            tasks: string[];
            /** @description Why it cannot be used, when it cannot. */
            problem?: string | null;
            /** @description Its config schema. */
            schema?: Record<string, never>;
        };
        /** @description Stored outputs of a run. */
        ArtifactList: {
            /** @description By path. */
            artifacts: components["schemas"]["ArtifactView"][];
        };
        /** @description A stored output. */
        ArtifactView: {
            /** @description Its key in the run. */
            path: string;
            /** @description BLAKE3, hex. */
            hash: string;
            /** @description Bytes. */
            size_bytes: number;
            /** @description What it is. */
            kind: string;
            /** @description The attempt that wrote it. */
            attempt: number;
            /** @description Milliseconds since the epoch. */
            created_at: number;
        };
        /** @description Queues another attempt of an ended run. */
        AttemptCreate: {
            /** @description The machine that will run it. */
            host?: string | null;
            /** @description The step it resumes from; absent starts afresh and supersedes everything. */
            resumed_from_step?: number | null;
        };
        /** @description The program ended and all it left is shipped. */
        AttemptFinish: {
            /** @description `finished`, `failed`, `stopped` or `lost`. */
            state: string;
            /** @description Milliseconds since the epoch. */
            ended_at: number;
            /** @description How it ended, when known. */
            exit?: null | components["schemas"]["ExitView"];
            /** @description Why it did not finish. */
            failure?: null | components["schemas"]["FailureView"];
            /** @description Prediction files shipped, by split. */
            predictions?: {
                [key: string]: components["schemas"]["PredictionsRef"];
            };
        };
        /** @description What the hub wants of an attempt. */
        AttemptReply: {
            /** @description The attempt's state on the hub. */
            state: string;
            /** @description Whether the program is to be stopped. */
            stop_requested: boolean;
        };
        /** @description The program started. */
        AttemptStart: {
            /** @description Milliseconds since the epoch. */
            started_at: number;
        };
        /** @description One attempt. */
        AttemptView: {
            /** @description Its number, from 1. */
            number: number;
            /** @description Its state. */
            state: string;
            /** @description The machine. */
            host?: string | null;
            /** @description The step it resumed from. */
            resumed_from_step?: number | null;
            /** @description Milliseconds since the epoch. */
            created_at: number;
            /** @description Milliseconds since the epoch. */
            started_at?: number | null;
            /** @description Milliseconds since the epoch. */
            ended_at?: number | null;
            /** @description Milliseconds since the epoch. */
            heartbeat_at?: number | null;
            /** @description How it ended. */
            exit?: null | components["schemas"]["ExitView"];
            /** @description Why it did not finish. */
            failure?: null | components["schemas"]["FailureView"];
        };
        /** @description Runs to compare. */
        CompareRequest: {
            /** @description Two or more run ids (or unique prefixes). */
            runs: string[];
        };
        /** @description A comparison. Columns of every row are in the order of `runs`. */
        Comparison: {
            /** @description The runs. */
            runs: components["schemas"]["RunSummary"][];
            /** @description Config values that differ. */
            config: components["schemas"]["ConfigRow"][];
            /** @description Metrics. */
            metrics: components["schemas"]["MetricRow"][];
            /** @description Groups of runs that differ only in seed. */
            groups: components["schemas"]["GroupSummary"][];
            /** @description What a reader should know, such as different splits. */
            warnings: string[];
        };
        /** @description A config value that differs. */
        ConfigRow: {
            /** @description Dotted path. */
            path: string;
            /** @description The values; null where absent. */
            values: Record<string, never>[];
        };
        /** @description A dataset with its versions and the splits of the version shown. */
        DatasetDetail: {
            /** @description What it is. */
            description: string;
            /** @description The version asked for, or the newest. */
            current: components["schemas"]["DatasetVersionView"];
            /** @description All versions, newest first. */
            versions: components["schemas"]["DatasetVersionView"][];
            /** @description Splits of the version shown. */
            splits: components["schemas"]["SplitView"][];
        };
        /** @description All datasets. */
        DatasetList: {
            /** @description By name. */
            datasets: components["schemas"]["DatasetView"][];
        };
        /** @description Registers a content of a dataset. */
        DatasetRegister: {
            /** @description The dataset's name. */
            name: string;
            /** @description What it is, source, licence. */
            description?: string;
            /** @description The content fingerprint. */
            fingerprint: string;
            /** @description `csv`, `parquet`, `jsonl`, `npz`, `image_folder`, `folder`. */
            format: string;
            /** @description Where it is, as the registering machine sees it; inert text for the hub. */
            source: string;
            /** @description Rows. */
            rows?: number | null;
            /** @description Bytes. */
            size_bytes: number;
            /** @description Columns, files and statistics; never samples. */
            inspection: Record<string, never>;
        };
        /** @description A version of a dataset. */
        DatasetVersionView: {
            /** @description The dataset's name. */
            name: string;
            /** @description The version's number. */
            version: number;
            /** @description The content fingerprint. */
            fingerprint: string;
            /** @description The format. */
            format: string;
            /** @description Where it was registered from. */
            source: string;
            /** @description Rows. */
            rows?: number | null;
            /** @description Bytes. */
            size_bytes: number;
            /** @description Columns, files and statistics. */
            inspection: Record<string, never>;
            /** @description Who registered it. */
            owner: string;
            /** @description Milliseconds since the epoch. */
            created_at: number;
        };
        /** @description A dataset in a list. */
        DatasetView: {
            /** @description Its name. */
            name: string;
            /** @description What it is. */
            description: string;
            /** @description Milliseconds since the epoch. */
            created_at: number;
            /** @description The newest version's number. */
            latest_version: number;
        };
        /** @description Metric definitions. */
        DefinitionList: {
            /** @description By id. */
            definitions: components["schemas"]["DefinitionView"][];
        };
        /** @description A metric definition. */
        DefinitionView: {
            /** @description `name@version`. */
            id: string;
            /** @description Its hash. */
            hash: string;
            /** @description The whole definition. */
            definition: Record<string, never>;
        };
        /** @description One evaluated metric. */
        EvaluatedMetricView: {
            /** @description Its name. */
            name: string;
            /** @description `name@version`. */
            definition: string;
            /** @description Hash of the definition. */
            definition_hash: string;
            /** @description Direction in which it gets better. */
            direction: string;
            /** @description The value. */
            value: components["schemas"]["Number"];
            /** @description Its interval. */
            interval?: null | components["schemas"]["MetricIntervalView"];
            /** @description Examples it was computed from. */
            n: number;
            /** @description What a reader should know. */
            note?: string | null;
        };
        /** @description An evaluation with its curves. */
        EvaluationDetail: components["schemas"]["EvaluationView"] & {
            /** @description Confusion matrix, ROC, precision-recall, calibration, residuals (`mlhub_eval::Curves`). */
            curves?: Record<string, never>;
        };
        /** @description Evaluations of a run. */
        EvaluationList: {
            /** @description By split. */
            evaluations: components["schemas"]["EvaluationView"][];
        };
        /** @description What is to be evaluated when a run ends. */
        EvaluationPlan: {
            /** @description `binary`, `multiclass`, `regression`; found from the predictions when absent. */
            task?: string | null;
            /** @description Metric ids or names; all of the task when empty. */
            metrics?: string[];
            /** @description The splits to be answered for. */
            splits?: {
                [key: string]: components["schemas"]["ExpectedSplit"];
            };
            /** @description Bootstrap resamples; 0 for none. */
            bootstrap_samples?: number;
            /** @description Seed of the bootstrap. */
            bootstrap_seed?: number;
            /** @description The label that counts as positive in a binary task. */
            positive_label?: string | null;
        };
        /** @description An evaluation without curves. */
        EvaluationView: {
            /** @description Its identifier. */
            id: string;
            /** @description The run. */
            run: string;
            /** @description The split. */
            split: string;
            /** @description `pending`, `done`, `failed`. */
            state: string;
            /** @description Why it failed. */
            message?: string | null;
            /** @description The task. */
            task?: string | null;
            /** @description Examples. */
            n?: number | null;
            /** @description The numbers. */
            metrics: components["schemas"]["EvaluatedMetricView"][];
            /** @description What could not be computed. */
            skipped: components["schemas"]["SkippedMetricView"][];
            /** @description What the numbers stand on. */
            receipt: components["schemas"]["Receipt"];
            /** @description Milliseconds since the epoch. */
            created_at: number;
            /** @description Milliseconds since the epoch. */
            ended_at?: number | null;
        };
        /** @description Events of one writer. */
        EventBatch: {
            /** @description The writer: the event file's name, `stdout`, `stderr`, ... */
            writer: string;
            /** @description First byte covered. */
            start: number;
            /** @description One past the last byte covered. */
            end: number;
            /** @description Metric points in order. */
            points?: components["schemas"]["PointView"][];
            /** @description Params. */
            params?: {
                [key: string]: string;
            };
            /** @description Tags. */
            tags?: {
                [key: string]: string;
            };
            /** @description Other records. */
            records?: components["schemas"]["RecordInput"][];
        };
        /** @description The batch is on disk. */
        EventBatchReply: {
            /** @description Whether it was there already. */
            duplicate: boolean;
            /** @description Params that kept an earlier, different value. */
            params_kept: string[];
        };
        /** @description How a process ended. */
        ExitView: {
            /** @description The exit code. */
            code?: number | null;
            /** @description The signal that ended it. */
            signal?: number | null;
        };
        /** @description The rows an evaluation expects predictions for. */
        ExpectedSplit: {
            /** @description How many. */
            rows?: number;
            /** @description Their ids, when the dataset names rows; else ids are 0..rows. */
            ids?: string[] | null;
            /** @description The split file's content fingerprint. */
            fingerprint?: string | null;
        };
        /** @description Experiments. */
        ExperimentList: {
            /** @description Newest first. */
            experiments: components["schemas"]["ExperimentView"][];
        };
        /** @description An experiment. */
        ExperimentView: {
            /** @description Its project. */
            project: string;
            /** @description Its name. */
            name: string;
            /** @description Free text. */
            description: string;
            /** @description Milliseconds since the epoch. */
            created_at: number;
            /** @description Runs in it. */
            run_count: number;
        };
        /** @description Why a run did not finish. */
        FailureView: {
            /** @description The class, such as `command_not_found` (see `mlhub_core::run::FailureClass`). */
            class: string;
            /** @description One paragraph. */
            message: string;
            /** @description The lines that show it. */
            evidence?: string[];
        };
        /** @description A seed group in a comparison. */
        GroupSummary: {
            /** @description The group's id, or the run's own where it has none. */
            group: string;
            /** @description The experiment. */
            experiment: string;
            /** @description The adapter. */
            adapter?: string | null;
            /** @description Its runs. */
            runs: string[];
            /** @description Metrics over its seeds. */
            metrics: {
                [key: string]: components["schemas"]["SeedStatistics"];
            };
        };
        /** @description The supervisor is alive. */
        Heartbeat: {
            /** @description Bytes on disk not yet shipped. */
            backlog_bytes?: number;
        };
        /** @description What hub this is. */
        Info: {
            /** @description `mlhub`. */
            name: string;
            /** @description The hub's version. */
            version: string;
            /** @description `sqlite` or `postgresql`. */
            store: string;
            /** @description Who you are. */
            user: string;
            /** @description Your role. */
            role: string;
            /** @description The machine the hub runs on. */
            host: string;
        };
        /** @description An interval of a metric. */
        IntervalView: {
            /** @description Lower end. */
            low: components["schemas"]["Number"];
            /** @description Upper end. */
            high: components["schemas"]["Number"];
        };
        /** @description Captured streams of a run. */
        LogList: {
            /** @description By attempt, then stream. */
            logs: components["schemas"]["LogView"][];
        };
        /** @description The log piece is on disk. */
        LogReply: {
            /** @description The stream's stored size. */
            size: number;
        };
        /** @description One captured stream. */
        LogView: {
            /** @description The attempt. */
            attempt: number;
            /** @description `stdout` or `stderr`. */
            stream: string;
            /** @description Stored bytes. */
            size: number;
        };
        /** @description An interval and how it was made. */
        MetricIntervalView: {
            /** @description Lower end. */
            low: components["schemas"]["Number"];
            /** @description Upper end. */
            high: components["schemas"]["Number"];
            /** @description Such as 0.95. */
            confidence: number;
            /** @description Such as `percentile bootstrap`. */
            method: string;
            /** @description Resamples. */
            samples: number;
            /** @description Seed of the resampling. */
            seed: number;
        };
        /** @description Series of a run. */
        MetricList: {
            /** @description By name. */
            metrics: components["schemas"]["MetricView"][];
        };
        /** @description A metric over runs. */
        MetricRow: {
            /** @description `<split>/<name>` for evaluated metrics, else the logged name. */
            name: string;
            /** @description `name@version` for evaluated metrics. */
            definition?: string | null;
            /** @description Direction in which it gets better. */
            direction: string;
            /** @description The values. */
            values: (null | components["schemas"]["Number"])[];
            /** @description Their intervals. */
            intervals: (null | components["schemas"]["IntervalView"])[];
            /** @description Index of the best value, when there is one best. */
            best?: number | null;
        };
        /** @description What is known of one series. */
        MetricView: {
            /** @description Its name. */
            name: string;
            /** @description Points in the visible history. */
            count: number;
            /** @description Points that are NaN or infinite. */
            non_finite: number;
            /** @description Step of the last point. */
            last_step: number;
            /** @description Its time, milliseconds since the epoch. */
            last_time_ms: number;
            /** @description Its value. */
            last: components["schemas"]["Number"];
            /** @description Smallest finite value. */
            min?: null | components["schemas"]["Number"];
            /** @description Largest finite value. */
            max?: null | components["schemas"]["Number"];
            /** @description How the adapter wants it shown. */
            direction?: string | null;
            /** @description What people call it. */
            label?: string | null;
            /** @description The section of the chart grid. */
            group?: string | null;
        };
        /** @description `details` of a 409 answer to events or logs: send from this byte. */
        Misaligned: {
            /** @description The stored offset. */
            expected: number;
        };
        /** @description A 64-bit float; NaN and the infinities are strings. */
        Number: number | ("NaN" | "Infinity" | "-Infinity");
        /** @description What the hub has of an attempt. */
        Offsets: {
            /** @description Bytes of each event writer. */
            events: {
                [key: string]: number;
            };
            /** @description Bytes of each log stream. */
            logs: {
                [key: string]: number;
            };
            /** @description Hash of each stored artifact, by path. */
            artifacts: {
                [key: string]: string;
            };
        };
        /** @description One metric point. */
        PointView: {
            /** @description The metric's name. */
            name: string;
            /** @description The step. */
            step: number;
            /** @description Milliseconds since the epoch. */
            time_ms: number;
            /** @description The value. */
            value: components["schemas"]["Number"];
        };
        /** @description A shipped prediction file. */
        PredictionsRef: {
            /** @description Artifact path. */
            path: string;
            /** @description The task the program named. */
            task?: string | null;
        };
        /** @description An error answer, RFC 9457. */
        Problem: {
            /** @description `about:blank#<kind>`, such as `about:blank#not_found`. */
            type: string;
            /** @description The kind in words. */
            title: string;
            /** @description HTTP status. */
            status: number;
            /** @description What, where, and what to do. */
            detail: string;
            /** @description Machine-readable details, when there are any. */
            details?: Record<string, never> | null;
        };
        /** @description All projects. */
        ProjectList: {
            /** @description Last active first. */
            projects: components["schemas"]["ProjectView"][];
        };
        /** @description A project. */
        ProjectView: {
            /** @description Its name. */
            name: string;
            /** @description Free text. */
            description: string;
            /** @description Milliseconds since the epoch. */
            created_at: number;
            /** @description Runs in it. */
            run_count: number;
            /** @description Milliseconds since the epoch. */
            last_activity_at?: number | null;
        };
        /** @description What an evaluation stands on. `verified` is true only when nothing is missing. */
        Receipt: {
            /** @description Whether every part below is known. */
            verified: boolean;
            /** @description Parts that are missing. */
            missing: string[];
            /** @description Hash of the predictions. */
            predictions_hash: string;
            /** @description Path of the predictions. */
            predictions_path: string;
            /** @description Hash of the model artifact. */
            model_hash?: string | null;
            /** @description `name@version` of the dataset. */
            dataset?: string | null;
            /** @description The split file's fingerprint. */
            split_fingerprint?: string | null;
            /** @description Git commit, with `+changes` when there are uncommitted ones. */
            code?: string | null;
            /** @description Fingerprint of the environment. */
            environment?: string | null;
        };
        /** @description A record to store. */
        RecordInput: {
            /** @description `entry`, `checkpoint`, `warning`, `progress`, `error`, ... */
            kind: string;
            /** @description Milliseconds since the epoch. */
            time_ms: number;
            /** @description Its content. */
            body: Record<string, never>;
        };
        /** @description Records of a run. */
        RecordList: {
            /** @description Oldest first. */
            records: components["schemas"]["RecordView"][];
        };
        /** @description A stored record. */
        RecordView: {
            /** @description The attempt. */
            attempt: number;
            /** @description What it is. */
            kind: string;
            /** @description Milliseconds since the epoch. */
            time_ms: number;
            /** @description Its content. */
            body: Record<string, never>;
        };
        /** @description A server-sent event: something of a run changed; fetch what you show. */
        RunChanged: {
            /** @description The run. */
            run: string;
            /** @description Its project. */
            project: string;
            /** @description Its state. */
            state: string;
            /** @description What changed: `state`, `metrics`, `logs`, `artifacts`, `evaluation`, `tags`, `records`. */
            changed: string[];
        };
        /** @description A whole run. */
        RunDetail: components["schemas"]["RunSummary"] & {
            /** @description Free text, Markdown. */
            notes: string;
            /** @description All that reproduces it. */
            snapshot: components["schemas"]["Snapshot"];
            /** @description Its attempts, oldest first. */
            attempts: components["schemas"]["AttemptView"][];
            /** @description Its evaluations, without curves. */
            evaluations: components["schemas"]["EvaluationView"][];
        };
        /** @description A page of runs. */
        RunPage: {
            /** @description The rows. */
            runs: components["schemas"]["RunSummary"][];
            /** @description Give it as `cursor` for the next page. */
            next_cursor?: string | null;
            /** @description Rows that match in all. */
            total: number;
        };
        /** @description Changes to a run; absent fields stay. */
        RunPatch: {
            /** @description A new name. */
            name?: string | null;
            /** @description New notes. */
            notes?: string | null;
            /** @description Tags to set (text) or remove (null). */
            tags?: {
                [key: string]: string | null;
            };
        };
        /** @description One run to make. */
        RunSeed: {
            /** @description Its id, when the client chooses it; repeating the call is then harmless. */
            id?: string | null;
            /** @description Its name; made from experiment and seed when absent. */
            name?: string | null;
            /** @description Its seed. */
            seed?: number | null;
        };
        /** @description A run, as lists show it. */
        RunSummary: {
            /** @description Its identifier. */
            id: string;
            /** @description Its name. */
            name: string;
            /** @description Its project. */
            project: string;
            /** @description Its experiment. */
            experiment: string;
            /** @description `queued`, `running`, `finished`, `failed`, `stopped`, `lost`. */
            state: string;
            /** @description Its adapter. */
            adapter?: string | null;
            /** @description Its adapter's version. */
            adapter_version?: string | null;
            /** @description Its seed. */
            seed?: number | null;
            /** @description Its seed group. */
            group?: string | null;
            /** @description `name@version` of its dataset. */
            dataset?: string | null;
            /** @description Who made it. */
            owner: string;
            /** @description The number of its newest attempt. */
            attempt: number;
            /** @description Milliseconds since the epoch. */
            created_at: number;
            /** @description Milliseconds since the epoch. */
            started_at?: number | null;
            /** @description Milliseconds since the epoch. */
            ended_at?: number | null;
            /** @description Whether it was asked to stop. */
            stop_requested: boolean;
            /** @description How it ended. */
            exit?: null | components["schemas"]["ExitView"];
            /** @description Why it did not finish. */
            failure?: null | components["schemas"]["FailureView"];
            /** @description Flat params. */
            params: {
                [key: string]: string;
            };
            /** @description Tags. */
            tags: {
                [key: string]: string;
            };
            /** @description Last value of each logged metric, and each evaluated metric as `<split>/<name>`; metrics of the machine (`system/…`) are left out. */
            metrics: {
                [key: string]: components["schemas"]["Number"];
            };
            /** @description Intervals of evaluated metrics, by the same key. */
            intervals: {
                [key: string]: components["schemas"]["IntervalView"];
            };
        };
        /** @description Makes runs that differ only in their seed. */
        RunsCreate: {
            /** @description The project; made when it does not exist. */
            project: string;
            /** @description The experiment; made when it does not exist. */
            experiment: string;
            /** @description The adapter's name. */
            adapter?: string | null;
            /** @description The adapter's version. */
            adapter_version?: string | null;
            /** @description `name@version` of the dataset. */
            dataset?: string | null;
            /** @description Free text, Markdown. */
            notes?: string;
            /** @description Flat params with dotted keys. */
            params?: {
                [key: string]: string;
            };
            /** @description Tags. */
            tags?: {
                [key: string]: string;
            };
            /** @description All that reproduces the runs; each run gets its own seed beside it. */
            snapshot: components["schemas"]["Snapshot"];
            /** @description The machine that will run them. */
            host?: string | null;
            /** @description The seed group; made by the hub when absent and there are several runs. */
            group?: string | null;
            /** @description The runs. */
            runs: components["schemas"]["RunSeed"][];
        };
        /** @description The runs made. */
        RunsCreated: {
            /** @description The seed group, when there are several. */
            group?: string | null;
            /** @description The runs, in the order asked for. */
            runs: components["schemas"]["RunSummary"][];
        };
        /** @description A metric over seeds. */
        SeedStatistics: {
            /** @description Runs with a value. */
            n: number;
            /** @description Mean. */
            mean: components["schemas"]["Number"];
            /** @description Sample standard deviation (n - 1); absent for one run. */
            std?: null | components["schemas"]["Number"];
            /** @description Smallest. */
            min: components["schemas"]["Number"];
            /** @description Largest. */
            max: components["schemas"]["Number"];
            /** @description 95 % Student interval of the mean; absent for one run. */
            interval?: null | components["schemas"]["IntervalView"];
        };
        /** @description Asks for series of several runs. */
        SeriesQuery: {
            /** @description The runs. */
            runs: string[];
            /** @description The metrics. */
            metrics: string[];
            /** @description First step. */
            from_step?: number | null;
            /** @description Last step. */
            to_step?: number | null;
            /** @description Points per series at most (2 to 100,000); the reading keeps every bucket's first, last, smallest and largest point. */
            max_points?: number | null;
        };
        /** @description Series asked for; those without points are left out. */
        SeriesReply: {
            /** @description In the order of runs, then metrics. */
            series: components["schemas"]["SeriesView"][];
        };
        /** @description One series, reduced to the budget. The arrays are of one length. */
        SeriesView: {
            /** @description The run. */
            run: string;
            /** @description The metric. */
            metric: string;
            /** @description Steps. */
            steps: number[];
            /** @description Times, milliseconds since the epoch. */
            times_ms: number[];
            /** @description Values. */
            values: components["schemas"]["Number"][];
            /** @description Points in the range before reduction. */
            total: number;
            /** @description Whether every point is here. */
            exact: boolean;
        };
        /** @description A metric that could not be computed, and why. */
        SkippedMetricView: {
            /** @description `name@version`. */
            definition: string;
            /** @description Why. */
            reason: string;
        };
        /** @description All that reproduces a run, version 1. Absent parts are unknown, never guessed. */
        Snapshot: {
            /** @description Version of this document, now 1. */
            version?: number;
            /** @description The resolved config, whole, secrets redacted. */
            config?: Record<string, never>;
            /** @description Where each value came from, by dotted path. */
            origins?: Record<string, never>;
            /** @description What differs from the adapter's defaults. */
            changes_from_defaults?: Record<string, never>;
            /** @description Defaults that changed since the adapter version used before in this experiment. */
            default_changes?: Record<string, never>;
            /** @description Name, version, digest and source of the adapter. */
            adapter?: Record<string, never>;
            /** @description Fingerprint, interpreter, packages of the environment. */
            environment?: Record<string, never>;
            /** @description Host, operating system, processor, memory, GPUs. */
            machine?: Record<string, never>;
            /** @description Git commit, branch, remote, patch of uncommitted changes. */
            code?: Record<string, never>;
            /** @description Dataset version, fingerprint, split hash. */
            dataset?: Record<string, never>;
            /** @description The command, placeholders unexpanded. */
            command?: string[];
            /** @description What is to be evaluated when the run ends. */
            evaluation?: null | components["schemas"]["EvaluationPlan"];
            /** @description What a person should know about reproducibility. */
            warnings?: string[];
        };
        /** @description Stores a split. */
        SplitRegister: {
            /** @description Hash of the plan. */
            hash: string;
            /** @description What it was made from. */
            spec: Record<string, never>;
            /** @description Parts with rows and fingerprints, and the leakage report. */
            parts: Record<string, never>;
        };
        /** @description A stored split. */
        SplitView: {
            /** @description Hash of the plan. */
            hash: string;
            /** @description What it was made from. */
            spec: Record<string, never>;
            /** @description Parts with rows and fingerprints, and the leakage report. */
            parts: Record<string, never>;
            /** @description Milliseconds since the epoch. */
            created_at: number;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
