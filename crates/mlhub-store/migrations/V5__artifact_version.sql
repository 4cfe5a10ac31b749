-- Versions of artifacts: what the runs of a project recorded under one path, in
-- the order it came, and the aliases people give to versions. Run is text, not a
-- reference: a version keeps its number when its run is purged.

-- A name, and how many numbers were handed out under it.
CREATE TABLE artifact_name (
    project @text@ NOT NULL REFERENCES project (name) ON DELETE CASCADE,
    name_hash @blob@ NOT NULL,
    name @text@ NOT NULL,
    versions @int@ NOT NULL,
    PRIMARY KEY (project, name_hash)
);

CREATE TABLE artifact_version (
    project @text@ NOT NULL,
    name_hash @blob@ NOT NULL,
    version @int@ NOT NULL,
    run @text@ NOT NULL,
    hash @text@ NOT NULL,
    size_bytes @int@ NOT NULL,
    kind @text@ NOT NULL,
    attempt @int@ NOT NULL,
    created_at @int@ NOT NULL,
    PRIMARY KEY (project, name_hash, version),
    FOREIGN KEY (project, name_hash) REFERENCES artifact_name (project, name_hash)
        ON DELETE CASCADE
);
CREATE INDEX artifact_version_by_hash ON artifact_version (hash);

-- An alias keeps the content of its version, whatever becomes of the run.
CREATE TABLE artifact_alias (
    project @text@ NOT NULL,
    name_hash @blob@ NOT NULL,
    alias @text@ NOT NULL,
    version @int@ NOT NULL,
    actor @text@ NOT NULL,
    set_at @int@ NOT NULL,
    PRIMARY KEY (project, name_hash, alias),
    FOREIGN KEY (project, name_hash, version)
        REFERENCES artifact_version (project, name_hash, version) ON DELETE CASCADE
);
CREATE INDEX artifact_alias_by_version ON artifact_alias (project, name_hash, version);

-- What is there becomes versions in the order it was stored: content that
-- differs from the one before it under the same name.
INSERT INTO artifact_name (project, name_hash, name, versions)
SELECT r.project, a.path_hash, min(a.path), 0
FROM artifact a JOIN run r ON r.seq = a.run GROUP BY r.project, a.path_hash;

INSERT INTO artifact_version (project, name_hash, version, run, hash, size_bytes, kind, attempt,
    created_at)
SELECT q.project, q.path_hash,
    row_number() OVER (PARTITION BY q.project, q.path_hash ORDER BY q.created_at, q.seq) - 1,
    q.id, q.hash, q.size_bytes, q.kind, q.attempt, q.created_at
FROM (SELECT r.project, r.seq, r.id, a.path_hash, a.hash, a.size_bytes, a.kind, a.attempt,
        a.created_at, lag(a.hash) OVER (PARTITION BY r.project, a.path_hash
            ORDER BY a.created_at, r.seq) AS hash_before
    FROM artifact a JOIN run r ON r.seq = a.run) q
WHERE q.hash_before IS NULL OR q.hash_before <> q.hash;

UPDATE artifact_name SET versions = (SELECT count(*) FROM artifact_version v
    WHERE v.project = artifact_name.project AND v.name_hash = artifact_name.name_hash);
