-- Which artifacts runs took as inputs. The source is text, not a reference: it
-- stays known after the run that made it was purged.
CREATE TABLE artifact_use (
    run @int@ NOT NULL REFERENCES run (seq) ON DELETE CASCADE,
    name_hash @blob@ NOT NULL,
    name @text@ NOT NULL,
    source_run @text@,
    source_path @text@,
    hash @text@ NOT NULL,
    size_bytes @int@ NOT NULL,
    used_at @int@ NOT NULL,
    PRIMARY KEY (run, name_hash)
);
CREATE INDEX artifact_use_by_hash ON artifact_use (hash);
