//! The error texts people read, one snapshot each.
//!
//! What is accepted is tested elsewhere; here only the words and the marks.

use mlhub_config::{AdapterDefaults, Override, Syntax, parse, resolve};
use serde_json::json;

fn adapter() -> AdapterDefaults {
    AdapterDefaults {
        name: "sklearn".to_owned(),
        version: "1.2.0".to_owned(),
        schema: json!({
            "type": "object",
            "required": ["estimator"],
            "properties": {
                "estimator": {"type": "string", "description": "import path of the estimator"},
                "learning_rate": {"type": "number", "default": 0.1, "exclusiveMinimum": 0, "maximum": 1, "x-unit": "1/step"},
                "max_depth": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}], "default": null},
                "solver": {"enum": ["lbfgs", "liblinear", "saga"], "default": "lbfgs"},
            },
        }),
    }
}

/// The errors of a YAML text after a valid head.
fn errors_of(body: &str, overrides: &[&str]) -> String {
    let text = format!("project: digits\nadapter: sklearn@1\n{body}");
    errors_of_text(&text, Syntax::Yaml, overrides)
}

fn errors_of_text(text: &str, syntax: Syntax, overrides: &[&str]) -> String {
    let document = match parse(text, "exp.yaml", syntax) {
        Ok(document) => document,
        Err(error) => return error.to_string(),
    };
    let mut given = Vec::new();
    for text in overrides {
        match Override::parse(text) {
            Ok(parsed) => given.push(parsed),
            Err(error) => return error.to_string(),
        }
    }
    resolve(&document, &adapter(), &given, None)
        .expect_err("a mistake")
        .to_string()
}

const PARAMS: &str = "params: {estimator: a.B}\n";

macro_rules! message {
    ($name:ident, $text:expr) => {
        #[test]
        fn $name() {
            insta::assert_snapshot!(stringify!($name), $text);
        }
    };
}

#[test]
fn retrieval_is_refused_and_ranking_named() {
    let said = errors_of(&format!("{PARAMS}evaluation: {{task: retrieval}}\n"), &[]);
    assert!(
        said.contains("evaluation.task") && said.contains("`ranking`"),
        "{said}"
    );
}

message!(
    unknown_key,
    errors_of(
        &format!("{PARAMS}dataset:\n  name: digits\n  splitt: {{seed: 7}}\n"),
        &[]
    )
);
message!(
    unknown_top_level_key,
    errors_of(&format!("{PARAMS}zebra: 1\n"), &[])
);
message!(
    wrong_type,
    errors_of(
        &format!("{PARAMS}resources:\n  cpus: two\ntags: {{build: 1.10}}\n"),
        &[]
    )
);
message!(
    missing_keys,
    errors_of_text("params: {estimator: a.B}\n", Syntax::Yaml, &[])
);
message!(
    duplicate_key,
    errors_of("seed: 1\ntags: {a: b}\nparams: {}\nseed: 2\n", &[])
);
message!(
    duplicate_key_json,
    errors_of_text("{\n  \"seed\": 1,\n  \"seed\": 2\n}", Syntax::Json, &[])
);
message!(
    toml_syntax,
    errors_of_text(
        "project = \"digits\"\nadapter = sklearn\n",
        Syntax::Toml,
        &[]
    )
);
message!(
    json_syntax,
    errors_of_text(
        "{\n  // who\n  \"project\": \"digits\"\n}",
        Syntax::Json,
        &[]
    )
);
message!(
    yaml_syntax,
    errors_of("dataset:\n  name: digits\n target: label\n", &[])
);
message!(several_documents, errors_of("---\nproject: other\n", &[]));
message!(
    unknown_parameter,
    errors_of("params:\n  estimator: a.B\n  learning-rate: 0.1\n", &[])
);
message!(
    parameter_out_of_range,
    errors_of("params:\n  estimator: a.B\n  learning_rate: 2\n", &[])
);
message!(
    parameter_of_a_set,
    errors_of("params:\n  estimator: a.B\n  solver: saag\n", &[])
);
message!(
    parameter_of_several_forms,
    errors_of("params:\n  estimator: a.B\n  max_depth: deep\n", &[])
);
message!(
    parameter_missing,
    errors_of("params:\n  learning_rate: 0.5\n", &[])
);
message!(
    parameter_not_finite,
    errors_of("params:\n  estimator: a.B\n  learning_rate: .nan\n", &[])
);
message!(
    override_of_wrong_type,
    errors_of(PARAMS, &["learning_rate=fast"])
);
message!(override_unknown, errors_of(PARAMS, &["learning_rat=0.1"]));
message!(
    override_through_text,
    errors_of(PARAMS, &["project.name=x"])
);
message!(
    override_without_value,
    errors_of(PARAMS, &["learning_rate="])
);
message!(
    fractions,
    errors_of(
        &format!(
            "{PARAMS}dataset:\n  path: a.csv\n  split: {{fractions: {{train: 0.8, test: 0.3}}}}\n"
        ),
        &[]
    )
);
message!(
    split_order,
    errors_of(
        &format!(
            "{PARAMS}dataset:\n  path: a.csv\n  split: {{fractions: {{train: 0.8, test: 0.2}}, order: [train, tests], seed: 7, group: b}}\n"
        ),
        &[]
    )
);
message!(
    split_order_incomplete,
    errors_of(
        &format!(
            "{PARAMS}dataset:\n  path: a.csv\n  split: {{fractions: {{train: 0.8, test: 0.2}}, order: [train]}}\n"
        ),
        &[]
    )
);
message!(
    duration_and_size,
    errors_of(
        &format!("{PARAMS}resources: {{timeout: 1h30m, memory: 4G}}\n"),
        &[]
    )
);
message!(
    unknown_split,
    errors_of(
        &format!(
            "{PARAMS}dataset:\n  path: a.csv\n  split: {{fractions: {{train: 0.8, test: 0.2}}}}\nevaluation: {{splits: [tset]}}\n"
        ),
        &[]
    )
);
message!(
    wrong_adapter_version,
    errors_of_text(
        "project: p\nadapter: sklearn@2\nparams: {estimator: a.B}\n",
        Syntax::Yaml,
        &[]
    )
);
message!(empty_file, errors_of_text("# nothing\n", Syntax::Yaml, &[]));
message!(not_a_mapping, errors_of_text("- a\n", Syntax::Yaml, &[]));
message!(
    terminal_tricks,
    errors_of(&format!("{PARAMS}\"a\\e[31mb\": 1\n"), &[])
);

message!(
    everything_at_once,
    errors_of(
        "dataset: {nam: x}\nresources: {cpus: 0, gpus: -1}\nparams: {solver: 1}\ntag: {}\n",
        &["evaluation.task=multiclas", "zebra=1"]
    )
);

#[test]
fn secret_values_never_reach_a_message() {
    let bodies = [
        "environment: {variables: {API_TOKEN: 12345678, A: 1}}\n",
        "environment:\n  variables:\n    API_TOKEN: [hunter2]\n",
        "environment:\n  variables:\n    API_TOKEN: {x: hunter2}\n",
        "environment:\n  variables:\n    PASSWORD: hunter2\n    MLHUB_SECRET: hunter2\n",
        "environment:\n  variables:\n    API_TOKEN: \"hunter2\n",
        "environment:\n  variables:\n    API_TOKEN: |\n      hunter2\n   bad\n",
        "environment: {variables: {API_TOKEN: !x hunter2}}\n",
    ];
    for body in bodies {
        let shown = errors_of(&format!("{PARAMS}{body}"), &[]);
        assert!(
            !shown.contains("hunter2") && !shown.contains("12345678"),
            "{shown}"
        );
    }
    let shown = errors_of(PARAMS, &["environment.variables.API_TOKEN=[hunter2]"]);
    assert!(!shown.contains("hunter2"), "{shown}");
    let toml = "project = \"p\"\nadapter = \"sklearn\"\n[environment.variables]\nAPI_TOKEN = \"\"\"\nhunter2\\q\n\"\"\"\n";
    let shown = errors_of_text(toml, Syntax::Toml, &[]);
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_metric_is_named_once_whatever_its_version() {
    for metrics in [
        "accuracy, accuracy@1",
        "accuracy, accuracy",
        "accuracy@1, accuracy@2",
    ] {
        let errors = errors_of(
            &format!("{PARAMS}evaluation: {{metrics: [{metrics}]}}\n"),
            &[],
        );
        assert!(
            errors.contains("names the metric `accuracy` twice") && errors.contains("keep one"),
            "{errors}"
        );
    }
}
