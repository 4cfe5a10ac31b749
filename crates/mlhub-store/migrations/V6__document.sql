-- Documents that people keep beside their runs, saved views and reports, and
-- previews of dataset versions.

INSERT INTO counter (name, value) VALUES ('document', 0);

-- The body is a JSON object, versioned by the interface that wrote it. What is
-- about a project goes with it.
CREATE TABLE document (
    seq @key@,
    id @text@ NOT NULL UNIQUE,
    kind @text@ NOT NULL,
    project @text@ REFERENCES project (name) ON DELETE CASCADE,
    name @text@ NOT NULL,
    owner @text@ NOT NULL,
    revision @int@ NOT NULL,
    created_at @int@ NOT NULL,
    updated_at @int@ NOT NULL,
    body @text@ NOT NULL
);
CREATE INDEX document_by_project ON document (project, kind, updated_at);

-- A few rows of a dataset version, kept only when somebody asked for it. The body
-- is a JSON document, versioned by its producer.
CREATE TABLE dataset_preview (
    dataset @text@ NOT NULL,
    version @int@ NOT NULL,
    body @text@ NOT NULL,
    actor @text@ NOT NULL,
    created_at @int@ NOT NULL,
    PRIMARY KEY (dataset, version),
    FOREIGN KEY (dataset, version) REFERENCES dataset_version (dataset, version)
        ON DELETE CASCADE
);
