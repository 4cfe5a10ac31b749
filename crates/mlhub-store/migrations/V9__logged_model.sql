-- Logged models: models that runs made, with params, tags and metrics of their own. Their
-- files are artifacts of a run, in a folder of the model.

CREATE TABLE logged_model (
    id @text@ PRIMARY KEY,
    run @int@ NOT NULL REFERENCES run (seq) ON DELETE CASCADE,
    folder @text@ NOT NULL,
    source_run @text@,
    name @text@ NOT NULL,
    model_type @text@,
    status @text@ NOT NULL,
    created_at @int@ NOT NULL,
    updated_at @int@ NOT NULL,
    deleted_at @int@,
    UNIQUE (run, folder)
);
CREATE INDEX logged_model_by_time ON logged_model (created_at, id);

-- Its params and tags.
CREATE TABLE logged_model_label (
    model @text@ NOT NULL REFERENCES logged_model (id) ON DELETE CASCADE,
    kind @text@ NOT NULL,
    name @text@ NOT NULL,
    value @text@ NOT NULL,
    PRIMARY KEY (model, kind, name)
);

-- The latest value of each of its metrics, by the run that logged it and the dataset it is
-- about (empty texts: none). Histories are those of the run.
CREATE TABLE logged_model_metric (
    model @text@ NOT NULL REFERENCES logged_model (id) ON DELETE CASCADE,
    name @text@ NOT NULL,
    run @text@ NOT NULL,
    dataset_name @text@ NOT NULL,
    dataset_digest @text@ NOT NULL,
    step @int@ NOT NULL,
    time_ms @int@ NOT NULL,
    value_bits @int@ NOT NULL,
    PRIMARY KEY (model, name, run, dataset_name, dataset_digest)
);

-- Models that a run read or made. Models are texts: a run tells what it used when that is gone.
CREATE TABLE logged_model_use (
    run @int@ NOT NULL REFERENCES run (seq) ON DELETE CASCADE,
    role @text@ NOT NULL,
    model @text@ NOT NULL,
    step @int@ NOT NULL,
    PRIMARY KEY (run, role, model, step)
);
