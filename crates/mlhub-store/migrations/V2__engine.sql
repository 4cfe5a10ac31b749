-- The tracking engine: an ingest log, and sealed chunks in three tables, so that
-- statistics are scanned without reading points. Chunks of version 1 move to
-- chunk_v1 and are converted when the store is opened next (engine/convert.rs).

-- One row. The epoch is raised by whoever takes the database over: a former
-- owner cannot commit any more. Summaries and offsets of rows of the log up to
-- flushed_seq are in their tables.
CREATE TABLE engine (
    id @key@,
    epoch @int@ NOT NULL,
    flushed_seq @int@ NOT NULL
);
INSERT INTO engine (id, epoch, flushed_seq) VALUES (1, 0, 0);

-- One row per group commit, numbered without gaps (engine/log.rs).
CREATE TABLE ingest_log (
    seq @key@,
    body @blob@ NOT NULL
);

-- Rows of the log whose checksum was wrong, kept for whoever wants to look.
CREATE TABLE ingest_log_damaged (
    seq @key@,
    body @blob@ NOT NULL
);

ALTER TABLE chunk RENAME TO chunk_v1;

-- A stretch of one attempt's series: its place, and its statistics as mlhub-series
-- writes them. It starts at a multiple of 256 points.
CREATE TABLE chunk (
    id @key@,
    run @int@ NOT NULL REFERENCES run (seq) ON DELETE CASCADE,
    label @int@ NOT NULL REFERENCES label (id),
    attempt @int@ NOT NULL,
    start_index @int@ NOT NULL,
    points @int@ NOT NULL,
    step_max @int@ NOT NULL,
    stats @blob@ NOT NULL
);
CREATE UNIQUE INDEX chunk_by_place ON chunk (run, label, attempt, start_index);

CREATE TABLE chunk_body (
    id @key@ REFERENCES chunk (id) ON DELETE CASCADE,
    body @blob@ NOT NULL
);

CREATE TABLE chunk_rollup (
    id @key@ REFERENCES chunk (id) ON DELETE CASCADE,
    body @blob@ NOT NULL
);
