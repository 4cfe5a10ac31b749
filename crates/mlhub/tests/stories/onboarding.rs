//! A repository that knows nothing of the hub becomes a tracked run by one
//! command. What is recognised in which framework is tested in `mlhub-agent`.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Said, World};

const LINE: &str = include_str!("../../../../e2e/argparse/train.py");
const POINTS: &str = include_str!("../../../../e2e/argparse/points.csv");
const TABLE: &str = include_str!("../../../../e2e/table/main.py");
const CLICK: &str = include_str!("../../../../e2e/click/fit.py");
const HYDRA: &str = include_str!("../../../../e2e/hydra/train.py");
const HYDRA_CONFIG: &str = include_str!("../../../../e2e/hydra/conf/config.yaml");
const TRAINER: &str = include_str!("../../../../e2e/trainer/run_classifier.py");

#[test]
fn a_script_with_argparse_is_tried_in_small_and_can_be_run() {
    let world = World::new();
    world.write("line/train.py", LINE);
    world.write("line/points.csv", POINTS);
    let told = world.json(&["init", "line"]);

    assert_eq!(told["proposal"]["script"], "train.py");
    assert_eq!(told["findings"]["datasets"][0]["path"], "points.csv");
    let run = &told["runs"][0];
    assert_eq!(run["state"], "finished", "{run}");
    assert_eq!(run["tags"], json!({"smoke": "true"}));
    assert_eq!(run["seed"], 1);
    assert_eq!(run["params"]["epochs"], "1");
    assert!(run["metrics"]["loss"].is_number(), "{run}");
    assert_eq!(told["runs"].as_array().map(Vec::len), Some(1));
    let id = run["id"].as_str().expect("an id");
    let weights = world.run_dir(id, 1).join("output/weights.txt");
    assert!(weights.exists(), "the output is in the run directory");

    let dry = world.ok(&["run", "line/mlhub.yaml", "--dry-run"]);
    assert!(dry.stdout.contains("would make 3 runs"), "{}", dry.stdout);

    let file = world.project().join("line/mlhub.yaml");
    let before = std::fs::read_to_string(&file).expect("the file");
    std::fs::write(&file, "mine").expect("write");
    let again = world.mlhub(&["init", "line"]);
    assert_eq!(again.code, Some(8));
    assert!(again.stderr.contains("--yes"), "{}", again.stderr);
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), "mine");
    let replaced = world.ok(&["init", "line", "--yes", "--no-run"]);
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), before);
    for expected in ["train.py:19", "mlhub dataset add points.csv --name points"] {
        assert!(
            replaced.stdout.contains(expected),
            "{expected}: {}",
            replaced.stdout
        );
    }
    assert_eq!(world.runs().len(), 1, "--no-run ran nothing");
}

#[test]
fn a_repository_is_cloned_and_its_table_of_numbers_is_read() {
    let world = World::new();
    let origin = world.path().join("origin/bowl");
    std::fs::create_dir_all(&origin).expect("folder");
    std::fs::write(origin.join("main.py"), TABLE).expect("write");
    let git = |arguments: &[&str]| {
        let mut command = world.clean(Command::new("git"));
        command.arg("-C").arg(&origin).args(arguments);
        let output = command.output().expect("git starts");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    };
    git(&["init", "--quiet"]);
    git(&["add", "main.py"]);
    let person = [
        "-c",
        "user.name=Story",
        "-c",
        "user.email=story@example.org",
    ];
    git(&[&person[..], &["commit", "--quiet", "-m", "A bowl"]].concat());

    let url = format!("file://{}", origin.display());
    let said = world.ok(&["init", &url]);
    assert!(said.stdout.contains("main.py:"), "{}", said.stdout);
    assert!(said.stdout.contains("train_loss"), "{}", said.stdout);
    assert!(world.project().join("bowl/mlhub.yaml").exists());
    let runs = world.runs();
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0]["state"], "finished");
    assert_eq!(runs[0]["project"], "bowl");
    let loss = runs[0]["metrics"]["train_loss"].as_f64().expect("a loss");
    assert!(loss < 0.01, "the last row's: {loss}");

    let again = world.mlhub(&["init", &url]);
    assert_eq!(again.code, Some(8));
    assert!(again.stderr.contains("there already"), "{}", again.stderr);
}

/// Folder of a Python environment with Hydra, click, PyTorch and scikit-learn.
const FRAMEWORKS: &str = "MLHUB_TEST_FRAMEWORKS";

#[test]
fn scripts_of_hydra_and_click_run_with_their_frameworks() {
    let Some(frameworks) = std::env::var_os(FRAMEWORKS) else {
        let in_ci = std::env::var("CI").is_ok_and(|ci| ci == "true" || ci == "1");
        assert!(!in_ci, "set {FRAMEWORKS}: CI may not skip this");
        eprintln!("skipped: {FRAMEWORKS} is not set, nothing was run");
        return;
    };
    let mut path = std::path::PathBuf::from(frameworks)
        .join("bin")
        .into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let world = World::new();
    world.write("hydra/train.py", HYDRA);
    world.write("hydra/conf/config.yaml", HYDRA_CONFIG);
    world.write("click/fit.py", CLICK);
    // What it is given in small, the name of its metric, and the option of the hub's seed.
    for (folder, small, metric, seed) in [
        ("hydra", ("epochs", "1"), "loss", "seed={seed}"),
        (
            "click",
            ("rounds", "10"),
            "test_r2",
            "--random-state={seed}",
        ),
    ] {
        let mut command = world.command(&["init", folder, "--json"]);
        let said = Said::of(command.env("PATH", &path).output().expect("mlhub starts"));
        assert_eq!(said.code, Some(0), "{folder}: {}", said.stderr);
        let told: Value = serde_json::from_str(&said.stdout).expect("JSON");
        let run = &told["runs"][0];
        assert_eq!(run["state"], "finished", "{folder}: {run}");
        assert_eq!(run["params"][small.0], small.1, "{folder}: {run}");
        assert!(run["metrics"][metric].is_number(), "{folder}: {run}");
        let line = run["params"]["command"].as_str().expect("a command");
        assert!(line.contains(seed), "{folder}: {line}");
    }
}

#[test]
fn what_cannot_be_proposed_or_run_is_said() {
    let world = World::new();
    world.write("tools/util.py", "def add(a, b):\n    return a + b\n");
    world.write("trainer/run_classifier.py", TRAINER);
    let table: [(&[&str], i32, &str); 5] = [
        (&["init", "tools"], 8, "looked for"),
        (&["init", "tools", "--script", "utill.py"], 8, "util.py"),
        (&["init", "absent"], 8, "neither a folder nor a git URL"),
        (
            &["init", "https://me:hunter2@example.org/a.git"],
            8,
            "credential helper",
        ),
        (&["init", "tools", "--out", "a/b.yaml"], 2, ".yaml"),
    ];
    for (arguments, code, expected) in table {
        let said = world.mlhub(arguments);
        assert_eq!(said.code, Some(code), "{arguments:?}: {}", said.stderr);
        assert!(
            said.stderr.contains(expected),
            "{arguments:?}: {}",
            said.stderr
        );
        assert!(!said.stderr.contains("hunter2"));
    }
    assert!(!world.project().join("tools/mlhub.yaml").exists());

    let said = world.mlhub(&["init", "trainer"]);
    assert_eq!(said.code, Some(3), "{}", said.stderr);
    assert!(said.stderr.contains("model_name"), "{}", said.stderr);
    assert!(world.project().join("trainer/mlhub.yaml").exists());
    assert!(world.runs().is_empty(), "nothing was run");
}
