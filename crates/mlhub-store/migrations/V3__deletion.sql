-- Deleting: hidden runs, the ledger of what was removed, retention rules, and
-- the gap in the output of a stream that passed its cap.

-- When the run was deleted; it is hidden, and kept until it is purged.
ALTER TABLE run ADD COLUMN deleted_at @int@;
CREATE INDEX run_by_deletion ON run (deleted_at, seq);

-- The ledger. A row without an end is an intent: what it names is not wholly
-- removed yet, and the next start goes on with it. Run and project are texts,
-- since they are gone when the row matters most.
CREATE TABLE deletion (
    seq @serial@,
    action @text@ NOT NULL,
    cause @text@ NOT NULL,
    actor @text@ NOT NULL,
    project @text@ NOT NULL,
    experiment @text@,
    run @text@,
    run_name @text@,
    started_at @int@ NOT NULL,
    ended_at @int@,
    row_count @int@ NOT NULL,
    row_bytes @int@ NOT NULL,
    blob_count @int@ NOT NULL,
    blob_bytes @int@ NOT NULL,
    file_count @int@ NOT NULL,
    file_bytes @int@ NOT NULL
);
CREATE INDEX deletion_by_end ON deletion (ended_at, seq);

-- Blobs that an unfinished deletion may leave without a user.
CREATE TABLE deletion_blob (
    deletion @int@ NOT NULL REFERENCES deletion (seq) ON DELETE CASCADE,
    hash @text@ NOT NULL,
    PRIMARY KEY (deletion, hash)
);

-- Rules by which the hub deletes by itself. The body is a JSON document,
-- versioned by its producer.
CREATE TABLE retention_rule (
    name @text@ PRIMARY KEY,
    body @text@ NOT NULL,
    actor @text@ NOT NULL,
    created_at @int@ NOT NULL,
    applied_at @int@
);

-- Bytes of the stream that are not kept: from `gap_start`, before `gap_end`.
ALTER TABLE log_stream ADD COLUMN gap_start @int@;
ALTER TABLE log_stream ADD COLUMN gap_end @int@;
