-- Experiments can be named by number, tagged, renamed and deleted, and may keep the
-- artifacts of their runs elsewhere.

ALTER TABLE experiment ADD COLUMN changed_at @int@;
ALTER TABLE experiment ADD COLUMN deleted_at @int@;
ALTER TABLE experiment ADD COLUMN location @text@;
CREATE INDEX experiment_by_seq ON experiment (seq);

CREATE TABLE experiment_tag (
    experiment @int@ NOT NULL,
    key @text@ NOT NULL,
    value @text@ NOT NULL,
    PRIMARY KEY (experiment, key)
);
