//! What is found in the repositories of `e2e/`, and what is proposed for them.

use std::path::PathBuf;

use mlhub_config::AdapterDefaults;
use regex::Regex;
use serde_json::{Value, json};

use super::{OnboardError, OptionKind, Proposal, Repository, python};

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../e2e")
        .join(name)
}

#[track_caller]
fn proposed(name: &str) -> Proposal {
    let repository = Repository::look(&folder(name));
    repository
        .propose(None, "mlhub.yaml")
        .expect("a training script")
}

/// The proposal as the config reader sees it, params judged by the adapter's schema.
#[track_caller]
fn document(proposal: &Proposal) -> Value {
    let parsed = mlhub_config::parse(&proposal.text, "mlhub.yaml", mlhub_config::Syntax::Yaml);
    let schema = include_str!("../../../../adapters/script/schema.json");
    let script = AdapterDefaults {
        name: "script".to_owned(),
        version: "1.0.0".to_owned(),
        schema: serde_json::from_str(schema).expect("JSON"),
    };
    let resolved = mlhub_config::resolve(&parsed.expect("YAML"), &script, &[], None);
    resolved.expect("an experiment").document
}

fn command(document: &Value) -> Vec<&str> {
    document["params"]["command"]
        .as_array()
        .expect("a command")
        .iter()
        .filter_map(Value::as_str)
        .collect()
}

/// The groups of the first of the patterns that reads a line.
#[track_caller]
fn reads(document: &Value, line: &str) -> Vec<(String, String)> {
    let patterns = document["params"]["metrics"].as_array().expect("patterns");
    for pattern in patterns.iter().filter_map(Value::as_str) {
        let regex = Regex::new(pattern).expect("a pattern");
        if let Some(found) = regex.captures(line) {
            return regex
                .capture_names()
                .flatten()
                .filter_map(|name| {
                    let value = found.name(name)?.as_str().to_owned();
                    Some((name.to_owned(), value))
                })
                .collect();
        }
    }
    panic!("nothing reads `{line}` among {patterns:?}");
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn argparse_options_become_params_with_their_defaults() {
    let proposal = proposed("argparse");
    let document = document(&proposal);
    assert_eq!(proposal.configured_by.as_deref(), Some("argparse"));
    assert_eq!(
        command(&document),
        [
            "python3",
            "train.py",
            "--data={params.data}",
            "--lr={params.lr}",
            "--epochs={params.epochs}",
            "--optimizer={params.optimizer}",
            "--seed={seed}",
            "--out-dir={run}/output",
        ]
    );
    let params = &document["params"];
    assert_eq!(params["data"], "points.csv", "the only dataset");
    assert_eq!(params["lr"], json!(0.02));
    assert_eq!(params["epochs"], json!(40));
    assert_eq!(document["seeds"], json!([1, 2, 3]));
    assert_eq!(proposal.smoke, ["params.epochs=1", "seeds=[1]"]);
    assert!(proposal.missing.is_empty());
    let lr = proposal
        .text
        .lines()
        .find(|line| line.starts_with("  lr:"))
        .expect("lr");
    assert!(
        lr.contains("# train.py:19: `--lr` step size of the gradient descent"),
        "{lr}"
    );
    let verbose = proposal
        .options
        .iter()
        .find(|option| option.name == "verbose");
    assert_eq!(verbose.map(|option| option.kind), Some(OptionKind::Flag));
    assert!(
        !proposal.text.contains("not-a-real-one"),
        "a secret's default is not copied"
    );
    let told = serde_json::to_string(&proposal).expect("JSON");
    assert!(!told.contains("not-a-real-one"), "nor told");
    assert_eq!(
        reads(&document, "epoch 3/40: loss=0.251000"),
        pairs(&[("step", "3"), ("loss", "0.251000")])
    );
}

#[test]
fn tables_are_read_by_their_headers() {
    let proposal = proposed("table");
    let document = document(&proposal);
    assert_eq!(command(&document), ["python3", "main.py"]);
    assert_eq!(
        reads(&document, "    3     1.944640    1.21"),
        pairs(&[
            ("step", "3"),
            ("train_loss", "1.944640"),
            ("distance", "1.21")
        ])
    );
    assert!(proposal.smoke.is_empty(), "{:?}", proposal.smoke);
    assert!(
        proposal
            .notes
            .iter()
            .any(|note| note.contains("MLHUB_SEED"))
    );
}

#[test]
fn hydra_configs_become_overrides() {
    let proposal = proposed("hydra");
    let document = document(&proposal);
    assert_eq!(proposal.configured_by.as_deref(), Some("Hydra"));
    assert_eq!(
        command(&document),
        [
            "python3",
            "train.py",
            "hydra.run.dir={run}/hydra",
            "seed={seed}",
            "epochs={params.epochs}",
            "model.width={params.model_width}",
            "optim.name={params.optim_name}",
            "optim.lr={params.optim_lr}",
        ]
    );
    assert_eq!(document["params"]["optim_lr"], json!(0.05));
    assert!(proposal.text.contains("conf/config.yaml:10"));
    assert_eq!(
        reads(&document, "epoch 3 loss 0.2500"),
        pairs(&[("step", "3"), ("loss", "0.2500")])
    );
}

#[test]
fn training_arguments_are_passed_with_their_own_defaults() {
    let proposal = proposed("trainer");
    let document = document(&proposal);
    let command = command(&document);
    for expected in [
        "--model_name={params.model_name}",
        "--dropout={params.dropout}",
        "--output_dir={run}/output",
        "--seed={seed}",
        "--max_steps={params.max_steps}",
    ] {
        assert!(command.contains(&expected), "{expected}: {command:?}");
    }
    assert_eq!(proposal.missing, ["model_name"]);
    assert_eq!(document["params"]["model_name"], Value::Null);
    assert_eq!(document["params"]["max_steps"], json!(-1));
    assert!(proposal.smoke.contains(&"params.max_steps=10".to_owned()));
    assert_eq!(
        reads(&document, "{'loss': 0.6931, 'epoch': 0.5}"),
        pairs(&[("loss", "0.6931")])
    );
}

#[test]
fn lightning_takes_its_config_file() {
    let proposal = proposed("lightning");
    let document = document(&proposal);
    assert_eq!(proposal.script, "cli.py");
    assert_eq!(
        command(&document)[2..5],
        ["fit", "--config=config.yaml", "--seed_everything={seed}"]
    );
    assert_eq!(document["params"]["max_epochs"], json!(15));
    assert!(proposal.text.contains("config.yaml:2"));
}

#[test]
fn click_options_become_params() {
    let proposal = proposed("click");
    let document = document(&proposal);
    assert_eq!(
        command(&document)[2..],
        [
            "--rounds={params.rounds}",
            "--rate={params.rate}",
            "--loss={params.loss}",
            "--random-state={seed}",
        ]
    );
    assert_eq!(proposal.smoke, ["params.rounds=10", "seeds=[1]"]);
    assert_eq!(
        reads(&document, "test r2: 0.4012"),
        pairs(&[("test_r2", "0.4012")])
    );
}

#[test]
fn typer_and_imports_are_read() {
    let facts = python::read(
        "import a.b as c, torch\nfrom x import y\ndef main(\n    lr: float = typer.Option(0.1, help='h'),\n    name: str = typer.Option(...),\n): ...\n",
    );
    let imports: Vec<&str> = facts
        .imports
        .iter()
        .map(|found| found.what.as_str())
        .collect();
    assert_eq!(imports, ["a", "torch", "x"]);
    assert_eq!(facts.options[0].default, Some(json!(0.1)));
    assert!(facts.options[1].required);
}

#[test]
fn a_folder_without_training_says_what_was_looked_for() {
    let folder = tempfile::tempdir().expect("folder");
    std::fs::write(
        folder.path().join("util.py"),
        "def add(a, b): return a + b\n",
    )
    .expect("file");
    let repository = Repository::look(folder.path());
    let error = repository.propose(None, "mlhub.yaml").expect_err("none");
    assert_eq!(error, OnboardError::NoScript { files: 1 });
    assert!(error.to_string().contains("argparse"));
    let error = repository
        .propose(Some("utils.py"), "mlhub.yaml")
        .expect_err("none");
    assert!(
        error.to_string().contains("did you mean `util.py`"),
        "{error}"
    );
}
