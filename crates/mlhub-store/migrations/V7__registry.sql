-- The model registry: registered models, their versions and aliases, and the
-- trail of what was done to them.

INSERT INTO counter (name, value) VALUES ('registry', 0);

-- A model, how many numbers of versions were handed out, and how many lines its
-- trail has.
CREATE TABLE registry_model (
    id @text@ PRIMARY KEY,
    name @text@ NOT NULL UNIQUE,
    description @text@ NOT NULL,
    numbers @int@ NOT NULL,
    events @int@ NOT NULL,
    created_at @int@ NOT NULL,
    updated_at @int@ NOT NULL
);

CREATE TABLE registry_model_tag (
    model @text@ NOT NULL REFERENCES registry_model (id) ON DELETE CASCADE,
    name @text@ NOT NULL,
    value @text@ NOT NULL,
    PRIMARY KEY (model, name)
);

-- What needs a passed gate: an alias, or `stage:NAME`. The body is the rules of
-- the gate, a JSON object.
CREATE TABLE registry_protection (
    model @text@ NOT NULL REFERENCES registry_model (id) ON DELETE CASCADE,
    target @text@ NOT NULL,
    body @text@ NOT NULL,
    PRIMARY KEY (model, target)
);

-- Runs are texts, not references: whether a run may go while a version names it
-- is decided when it is to be purged, with an answer that says so.
CREATE TABLE registry_version (
    model @text@ NOT NULL REFERENCES registry_model (id) ON DELETE CASCADE,
    version @int@ NOT NULL,
    run @text@,
    source @text@ NOT NULL,
    place_run @text@,
    place_path @text@,
    logged_model @text@,
    description @text@ NOT NULL,
    stage @text@ NOT NULL,
    status @text@ NOT NULL,
    status_message @text@,
    actor @text@ NOT NULL,
    created_at @int@ NOT NULL,
    updated_at @int@ NOT NULL,
    PRIMARY KEY (model, version)
);
CREATE INDEX registry_version_by_run ON registry_version (run);
CREATE INDEX registry_version_by_place ON registry_version (place_run);

CREATE TABLE registry_version_tag (
    model @text@ NOT NULL,
    version @int@ NOT NULL,
    name @text@ NOT NULL,
    value @text@ NOT NULL,
    PRIMARY KEY (model, version, name),
    FOREIGN KEY (model, version) REFERENCES registry_version (model, version) ON DELETE CASCADE
);

CREATE TABLE registry_alias (
    model @text@ NOT NULL,
    alias @text@ NOT NULL,
    version @int@ NOT NULL,
    PRIMARY KEY (model, alias),
    FOREIGN KEY (model, version) REFERENCES registry_version (model, version) ON DELETE CASCADE
);
CREATE INDEX registry_alias_by_version ON registry_alias (model, version);

-- The trail. Model and name are texts, since they are gone when the line matters
-- most; nothing changes or removes a line. The detail is a JSON object.
CREATE TABLE registry_event (
    seq @serial@,
    model @text@ NOT NULL,
    number @int@ NOT NULL,
    name @text@ NOT NULL,
    version @int@,
    action @text@ NOT NULL,
    detail @text@ NOT NULL,
    actor @text@ NOT NULL,
    at_ms @int@ NOT NULL,
    UNIQUE (model, number)
);
CREATE INDEX registry_event_by_name ON registry_event (name, model);
