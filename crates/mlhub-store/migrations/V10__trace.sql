-- Traces: what a program was asked and answered. All of them, spans too, are rows, so that
-- deletes, purges and copies of the database take the whole of a trace.

CREATE TABLE trace (
    id @text@ PRIMARY KEY,
    -- Of an experiment that is renamed there are two rows for a moment, so nothing refers to it.
    experiment @int@ NOT NULL,
    -- The run it was made in, which may be gone or elsewhere. It is purged with that run.
    source_run @text@,
    client_request @text@,
    requested_at @int@ NOT NULL,
    duration_ms @int@,
    state @text@ NOT NULL,
    request_preview @text@,
    response_preview @text@,
    headed @int@ NOT NULL,
    span_count @int@ NOT NULL,
    span_bytes @int@ NOT NULL
);
CREATE INDEX trace_by_time ON trace (experiment, requested_at, id);
CREATE INDEX trace_by_run ON trace (source_run);

-- Its tags and its metadata.
CREATE TABLE trace_label (
    trace @text@ NOT NULL REFERENCES trace (id) ON DELETE CASCADE,
    kind @text@ NOT NULL,
    name @text@ NOT NULL,
    value @text@ NOT NULL,
    PRIMARY KEY (trace, kind, name)
);

-- Runs that it is linked to beside the one that made it.
CREATE TABLE trace_link (
    trace @text@ NOT NULL REFERENCES trace (id) ON DELETE CASCADE,
    run @text@ NOT NULL,
    PRIMARY KEY (trace, run)
);
CREATE INDEX trace_link_by_run ON trace_link (run);

-- What people and programs think of it, in the order they came.
CREATE TABLE trace_assessment (
    trace @text@ NOT NULL REFERENCES trace (id) ON DELETE CASCADE,
    id @text@ NOT NULL,
    place @int@ NOT NULL,
    body @text@ NOT NULL,
    PRIMARY KEY (trace, id)
);

-- Its spans; the content is a JSON document as it came.
CREATE TABLE trace_span (
    trace @text@ NOT NULL REFERENCES trace (id) ON DELETE CASCADE,
    id @text@ NOT NULL,
    parent @text@,
    name @text@ NOT NULL,
    kind @text@ NOT NULL,
    state @text@ NOT NULL,
    started_ns @int@ NOT NULL,
    ended_ns @int@,
    size_bytes @int@ NOT NULL,
    content @text@ NOT NULL,
    PRIMARY KEY (trace, id)
);

-- Files that clients keep with it.
CREATE TABLE trace_file (
    trace @text@ NOT NULL REFERENCES trace (id) ON DELETE CASCADE,
    path @text@ NOT NULL,
    size_bytes @int@ NOT NULL,
    content @blob@ NOT NULL,
    PRIMARY KEY (trace, path)
);
