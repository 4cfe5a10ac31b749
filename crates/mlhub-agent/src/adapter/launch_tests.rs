//! Tests of [`super::launch`]: hostile values, the environment's allow-list, refusals.

use std::collections::BTreeMap;
use std::path::Path;

use mlhub_protocol::adapter::Capability;
use mlhub_protocol::run_dir::RunFile;
use serde_json::{Value, json};

use super::environment::PreparedEnvironment;
use super::launch::{LaunchContext, LaunchError, LaunchPlan, plan};
use super::manifest::Adapter;

const MANIFEST: &str = r#"
protocol = 1
name = "any"
version = "1.0.0"
description = "Runs anything."
capabilities = ["train"]
environment = { kind = "none" }
working_directory = "project"
output = { log_metrics_param = "patterns" }
smoke = { params = { command = ["true"] } }
[commands]
train = ["{params.command}"]
[config]
schema = "schema.json"
format = "yaml"
"#;

fn adapter(dir: &Path) -> Adapter {
    let array = json!({"type": "array", "items": {"type": "string"}, "description": "Words."});
    let schema = json!({"type": "object", "properties": {"command": array, "patterns": array}});
    std::fs::write(dir.join("adapter.toml"), MANIFEST).unwrap();
    std::fs::write(dir.join("schema.json"), schema.to_string()).unwrap();
    Adapter::load(dir).unwrap()
}

fn run(params: Value) -> RunFile {
    serde_json::from_value(json!({
        "version": 1, "run": {"id": "r1", "project": "p", "experiment": "e", "name": "n"},
        "attempt": 1, "seed": -1, "params": params, "config": {}
    }))
    .unwrap()
}

fn launch(
    params: Value,
    extra: &[(&str, &str)],
    passthrough: &[&str],
) -> Result<LaunchPlan, LaunchError> {
    let dir = tempfile::tempdir().unwrap();
    let adapter = adapter(dir.path());
    let environment = PreparedEnvironment {
        python: None,
        fingerprint: String::new(),
        env: BTreeMap::from([("PYTHONPATH".to_owned(), "/kit".to_owned())]),
        description: String::new(),
        packages: Vec::new(),
    };
    let inherited = [
        ("PATH", "/bin"),
        ("LC_ALL", "C"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
        ("WANTED", "w"),
        ("LD_PRELOAD", "/evil.so"),
    ];
    let context = LaunchContext {
        run_dir: Path::new("/runs/r1"),
        run: &run(params),
        project_dir: Path::new("/project"),
        mlhub_binary: Path::new("/bin/mlhub"),
        extra_env: extra
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        passthrough_names: &passthrough
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>(),
    };
    let inherited = inherited
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    plan(
        &adapter,
        &environment,
        Capability::Train,
        &context,
        &inherited,
    )
}

#[test]
fn hostile_words_reach_the_program_unchanged() {
    let words = [
        "train",
        "a\nb",
        "$(id)",
        "`id`",
        "-rf",
        "--x={seed}",
        "{print $1}",
        "; true",
    ];
    let plan = launch(json!({"command": words}), &[], &[]).unwrap();
    assert_eq!(
        plan.argv,
        [
            "train",
            "a\nb",
            "$(id)",
            "`id`",
            "-rf",
            "--x=-1",
            "{print $1}",
            "; true"
        ]
    );
    assert_eq!(plan.cwd, Path::new("/project"));
}

#[test]
fn the_environment_is_an_allow_list() {
    let plan = launch(
        json!({"command": ["x"]}),
        &[("MODE", "fast")],
        &["WANTED", "ABSENT"],
    )
    .unwrap();
    let env: Vec<(&str, &str)> = plan
        .env
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let expected = [
        ("LC_ALL", "C"),
        ("MLHUB_RUN_DIR", "/runs/r1"),
        ("MLHUB_RUN_ID", "r1"),
        ("MLHUB_SEED", "-1"),
        ("MODE", "fast"),
        ("PATH", "/bin"),
        ("PYTHONHASHSEED", "4294967295"),
        ("PYTHONPATH", "/kit"),
        ("PYTHONUNBUFFERED", "1"),
        ("WANTED", "w"),
    ];
    assert_eq!(env, expected);
}

#[test]
fn the_kit_stands_behind_the_projects_own_modules() {
    for (given, expected) in [("/project/src", "/project/src:/kit"), ("", "/kit")] {
        let plan = launch(json!({"command": ["x"]}), &[("PYTHONPATH", given)], &[]).unwrap();
        assert_eq!(plan.env["PYTHONPATH"], expected);
    }
}

#[test]
fn dangerous_variables_are_refused_without_their_value() {
    for name in [
        "LD_PRELOAD",
        "PATH",
        "DYLD_INSERT_LIBRARIES",
        "MLHUB_RUN_ID",
        "A=B",
        "",
        "A\0",
    ] {
        let error = launch(json!({"command": ["x"]}), &[(name, "hidden-value")], &[]).unwrap_err();
        assert!(
            matches!(error, LaunchError::Variable { .. })
                && !error.to_string().contains("hidden-value"),
            "{name}"
        );
    }
    assert!(launch(json!({"command": ["x"]}), &[], &["LD_PRELOAD"]).is_err());
    assert!(launch(json!({"command": ["x"]}), &[("OK", "a\0b")], &[]).is_err());
}

#[test]
fn a_missing_program_and_bad_patterns_are_refused() {
    for params in [
        json!({"command": []}),
        json!({"command": [""]}),
        json!({"command": ["a\0"]}),
        json!({"command": ["x"], "patterns": ["("]}),
        json!({"command": ["x"], "patterns": ["no group"]}),
    ] {
        assert!(launch(params.clone(), &[], &[]).is_err(), "{params}");
    }
    let plan = launch(
        json!({"command": ["x"], "patterns": ["loss=(?P<loss>.*)"]}),
        &[],
        &[],
    )
    .unwrap();
    assert_eq!(plan.log_metrics.len(), 1);
    assert_eq!(
        plan.config_file.unwrap().0,
        Path::new("/runs/r1/config.yaml")
    );
}
