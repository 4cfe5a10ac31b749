-- The first tables. Migrations only append: this file never changes once
-- released. Words in @ are replaced by the type of the dialect (migrate.rs).
--
-- Values of 64-bit floats are stored as their bits, so NaN payloads, -0 and
-- infinities come back as they went in; the columns *_rank and *_sort beside
-- them only order rows (rank 0 number, 1 text, 2 NaN; absent comes after).

-- Numbers handed out in commit order.
CREATE TABLE counter (
    name @text@ PRIMARY KEY,
    value @int@ NOT NULL
);
INSERT INTO counter (name, value) VALUES ('run', 0), ('experiment', 0);

CREATE TABLE project (
    name @text@ PRIMARY KEY,
    description @text@ NOT NULL,
    created_at @int@ NOT NULL
);

CREATE TABLE experiment (
    project @text@ NOT NULL REFERENCES project (name),
    name @text@ NOT NULL,
    seq @int@ NOT NULL,
    description @text@ NOT NULL,
    created_at @int@ NOT NULL,
    PRIMARY KEY (project, name)
);

CREATE TABLE run (
    seq @key@,
    id @text@ NOT NULL UNIQUE,
    project @text@ NOT NULL,
    experiment @text@ NOT NULL,
    name @text@ NOT NULL,
    state @text@ NOT NULL,
    adapter @text@,
    adapter_version @text@,
    seed @int@,
    group_id @text@,
    dataset @text@,
    owner @text@ NOT NULL,
    attempt @int@ NOT NULL,
    created_at @int@ NOT NULL,
    started_at @int@,
    ended_at @int@,
    exit_status @text@,
    failure @text@,
    stop_requested @int@ NOT NULL,
    changed_at @int@ NOT NULL,
    -- Numbers chunks and records of the run, in the order they were stored.
    event_seq @int@ NOT NULL,
    FOREIGN KEY (project, experiment) REFERENCES experiment (project, name)
);
CREATE INDEX run_by_project ON run (project, experiment, seq);
CREATE INDEX run_by_change ON run (project, changed_at);
CREATE INDEX run_by_state ON run (state, seq);
CREATE INDEX run_by_group ON run (group_id, seq);

-- The long texts of a run, apart so that lists stay narrow.
CREATE TABLE run_text (
    run @int@ PRIMARY KEY REFERENCES run (seq) ON DELETE CASCADE,
    notes @text@ NOT NULL,
    snapshot @text@ NOT NULL
);

CREATE TABLE attempt (
    run @int@ NOT NULL REFERENCES run (seq) ON DELETE CASCADE,
    number @int@ NOT NULL,
    state @text@ NOT NULL,
    host @text@,
    resumed_from_step @int@,
    created_at @int@ NOT NULL,
    started_at @int@,
    ended_at @int@,
    heartbeat_at @int@,
    exit_status @text@,
    failure @text@,
    PRIMARY KEY (run, number)
);

-- Names of metrics, params and tags. Found by hash, because a name may be
-- longer than an index entry; compared byte by byte, so two normal forms of
-- one text are two names.
CREATE TABLE label (
    id @serial@,
    hash @blob@ NOT NULL UNIQUE,
    name @text@ NOT NULL
);

CREATE TABLE param (
    run @int@ NOT NULL REFERENCES run (seq) ON DELETE CASCADE,
    label @int@ NOT NULL REFERENCES label (id),
    value @text@ NOT NULL,
    sort_rank @int@ NOT NULL,
    sort_number @real@,
    sort_text @text@,
    PRIMARY KEY (run, label)
);

CREATE TABLE tag (
    run @int@ NOT NULL REFERENCES run (seq) ON DELETE CASCADE,
    label @int@ NOT NULL REFERENCES label (id),
    value @text@ NOT NULL,
    PRIMARY KEY (run, label)
);

CREATE TABLE writer_offset (
    run @int@ NOT NULL,
    attempt @int@ NOT NULL,
    writer @text@ NOT NULL,
    end_offset @int@ NOT NULL,
    PRIMARY KEY (run, attempt, writer),
    FOREIGN KEY (run, attempt) REFERENCES attempt (run, number) ON DELETE CASCADE
);

CREATE TABLE chunk (
    run @int@ NOT NULL REFERENCES run (seq) ON DELETE CASCADE,
    label @int@ NOT NULL REFERENCES label (id),
    attempt @int@ NOT NULL,
    seq @int@ NOT NULL,
    step_max @int@ NOT NULL,
    body @blob@ NOT NULL,
    PRIMARY KEY (run, label, attempt, seq)
);

CREATE TABLE summary (
    run @int@ NOT NULL REFERENCES run (seq) ON DELETE CASCADE,
    label @int@ NOT NULL REFERENCES label (id),
    points @int@ NOT NULL,
    non_finite @int@ NOT NULL,
    last_attempt @int@ NOT NULL,
    last_step @int@ NOT NULL,
    last_time @int@ NOT NULL,
    last_bits @int@ NOT NULL,
    min_bits @int@,
    max_bits @int@,
    sort_rank @int@ NOT NULL,
    sort_number @real@,
    PRIMARY KEY (run, label)
);

CREATE TABLE record (
    run @int@ NOT NULL REFERENCES run (seq) ON DELETE CASCADE,
    seq @int@ NOT NULL,
    attempt @int@ NOT NULL,
    kind @text@ NOT NULL,
    written_at @int@ NOT NULL,
    body @text@ NOT NULL,
    PRIMARY KEY (run, seq)
);
CREATE INDEX record_by_kind ON record (run, kind, seq);

CREATE TABLE log_stream (
    run @int@ NOT NULL,
    attempt @int@ NOT NULL,
    stream @text@ NOT NULL,
    size_bytes @int@ NOT NULL,
    PRIMARY KEY (run, attempt, stream),
    FOREIGN KEY (run, attempt) REFERENCES attempt (run, number) ON DELETE CASCADE
);

CREATE TABLE log_piece (
    run @int@ NOT NULL,
    attempt @int@ NOT NULL,
    stream @text@ NOT NULL,
    start_offset @int@ NOT NULL,
    body @blob@ NOT NULL,
    PRIMARY KEY (run, attempt, stream, start_offset),
    FOREIGN KEY (run, attempt) REFERENCES attempt (run, number) ON DELETE CASCADE
);

CREATE TABLE artifact (
    run @int@ NOT NULL REFERENCES run (seq) ON DELETE CASCADE,
    path_hash @blob@ NOT NULL,
    path @text@ NOT NULL,
    hash @text@ NOT NULL,
    size_bytes @int@ NOT NULL,
    kind @text@ NOT NULL,
    attempt @int@ NOT NULL,
    created_at @int@ NOT NULL,
    PRIMARY KEY (run, path_hash)
);
CREATE INDEX artifact_by_hash ON artifact (hash);

CREATE TABLE dataset (
    name @text@ PRIMARY KEY,
    description @text@ NOT NULL,
    created_at @int@ NOT NULL,
    latest_version @int@ NOT NULL
);

CREATE TABLE dataset_version (
    dataset @text@ NOT NULL REFERENCES dataset (name),
    version @int@ NOT NULL,
    fingerprint @text@ NOT NULL,
    format @text@ NOT NULL,
    source @text@ NOT NULL,
    row_count @int@,
    size_bytes @int@ NOT NULL,
    inspection @text@ NOT NULL,
    owner @text@ NOT NULL,
    created_at @int@ NOT NULL,
    PRIMARY KEY (dataset, version),
    UNIQUE (dataset, fingerprint)
);

CREATE TABLE dataset_split (
    dataset @text@ NOT NULL,
    version @int@ NOT NULL,
    hash @text@ NOT NULL,
    spec @text@ NOT NULL,
    parts @text@ NOT NULL,
    created_at @int@ NOT NULL,
    PRIMARY KEY (dataset, version, hash),
    FOREIGN KEY (dataset, version) REFERENCES dataset_version (dataset, version)
);

CREATE TABLE evaluation (
    seq @serial@,
    id @text@ NOT NULL UNIQUE,
    run @int@ NOT NULL REFERENCES run (seq) ON DELETE CASCADE,
    split @text@ NOT NULL,
    predictions @text@ NOT NULL,
    predictions_hash @text@ NOT NULL,
    request @text@ NOT NULL,
    state @text@ NOT NULL,
    message @text@,
    result @text@,
    curves @text@,
    created_at @int@ NOT NULL,
    ended_at @int@,
    UNIQUE (run, split)
);
CREATE INDEX evaluation_by_state ON evaluation (state, seq);

CREATE TABLE evaluated_metric (
    run @int@ NOT NULL REFERENCES run (seq) ON DELETE CASCADE,
    split @text@ NOT NULL,
    name @text@ NOT NULL,
    definition @text@ NOT NULL,
    value_bits @int@ NOT NULL,
    low_bits @int@,
    high_bits @int@,
    sort_rank @int@ NOT NULL,
    sort_number @real@,
    PRIMARY KEY (run, split, name),
    FOREIGN KEY (run, split) REFERENCES evaluation (run, split) ON DELETE CASCADE
);

CREATE TABLE metric_definition (
    id @text@ PRIMARY KEY,
    hash @text@ NOT NULL,
    body @text@ NOT NULL
);

CREATE TABLE adapter_version (
    seq @serial@,
    name @text@ NOT NULL,
    version @text@ NOT NULL,
    manifest @text@ NOT NULL,
    created_at @int@ NOT NULL,
    UNIQUE (name, version)
);
