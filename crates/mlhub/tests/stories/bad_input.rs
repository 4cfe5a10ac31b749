//! Input that is refused before anything runs: one paragraph that names what,
//! where and what to do, an exit code of its own class, and nothing made.

use crate::support::World;

/// Runs a command that must be refused; returns code and text for review.
#[track_caller]
fn refused(world: &World, arguments: &[&str]) -> String {
    let said = world.mlhub(arguments);
    assert_ne!(said.code, Some(0), "{arguments:?}");
    assert_eq!(said.stdout, "", "{arguments:?}");
    assert_eq!(world.runs(), Vec::<serde_json::Value>::new());
    world.plain(&format!(
        "exit code: {}\n{}",
        said.code.expect("a code"),
        said.stderr
    ))
}

fn adapter(world: &World, name: &str, environment: &str) {
    world.write(
        &format!("adapters/{name}/adapter.toml"),
        &format!(
            "protocol = 1\nname = \"{name}\"\nversion = \"1.0.0\"\ndescription = \"E.\"\ncapabilities = [\"train\"]\nenvironment = {environment}\nsmoke = {{}}\n[commands]\ntrain = [\"x\"]\n[config]\nschema = \"schema.json\"\n"
        ),
    );
    world.write(
        &format!("adapters/{name}/schema.json"),
        r#"{"type": "object", "properties": {}}"#,
    );
    world.write(
        &format!("{name}.yaml"),
        &format!("project: p\nname: e\nadapter: {name}\n"),
    );
}

#[test]
fn a_missing_adapter() {
    let world = World::new();
    world.write("e.yaml", "project: p\nname: e\nadapter: natve\n");
    insta::assert_snapshot!(refused(&world, &["run", "e.yaml"]));
}

#[test]
fn an_adapter_whose_manifest_is_broken() {
    let world = World::new();
    adapter(&world, "broken", "{ kind = \"magic\" }");
    insta::assert_snapshot!(refused(&world, &["run", "broken.yaml"]));
}

#[test]
fn an_adapter_that_needs_a_missing_command() {
    let world = World::new();
    adapter(
        &world,
        "needy",
        "{ kind = \"system\", requires = [\"no-such-trainer\"] }",
    );
    insta::assert_snapshot!(refused(&world, &["run", "needy.yaml"]));
}

#[test]
fn a_shuffled_split_for_an_adapter_of_ordered_rows() {
    let world = World::with_iris();
    adapter(&world, "forward", "{ kind = \"none\" }");
    let manifest = world.project().join("adapters/forward/adapter.toml");
    let mut text = std::fs::read_to_string(&manifest).expect("written above");
    text.push_str("[dataset]\nordered = true\n");
    std::fs::write(&manifest, text).expect("a writable folder");
    let experiment = |split: &str| {
        let dataset = format!("dataset: {{path: iris.csv, split: {split}}}");
        world.write(
            "forward.yaml",
            &format!("project: p\nname: e\nadapter: forward\n{dataset}\n"),
        );
    };
    experiment("{fractions: {train: 0.7, test: 0.3}}");
    let text = refused(&world, &["run", "forward.yaml"]);
    for expected in ["the adapter `forward`", "`dataset.split.order`"] {
        assert!(text.contains(expected), "{expected} is not in: {text}");
    }
    experiment("{fractions: {train: 0.7, test: 0.3}, order: [train, test]}");
    world.ok(&["run", "forward.yaml", "--dry-run"]);
}

/// The text names this machine's Python, so it is no snapshot.
#[test]
fn an_adapter_whose_environment_cannot_be_built() {
    let world = World::new();
    let venv = |python: &str| {
        format!("{{ kind = \"venv\", lock = \"requirements.lock\", python = \"{python}\" }}")
    };
    adapter(&world, "locked", &venv("3.9"));
    let hash = "0".repeat(64);
    world.write(
        "adapters/locked/requirements.lock",
        &format!("--no-index\n--find-links .\nmlhub-tiny==1.0 --hash=sha256:{hash}\n"),
    );
    let text = refused(&world, &["run", "locked.yaml"]);
    for expected in [
        "exit code: 5\n",
        "requirements.lock",
        "mlhub-tiny==1.0",
        "MLHUB_PYTHON",
    ] {
        assert!(text.contains(expected), "{expected} is not in: {text}");
    }
    adapter(&world, "future", &venv("3.99"));
    world.write("adapters/future/requirements.lock", "");
    let text = refused(&world, &["run", "future.yaml"]);
    for expected in ["exit code: 5\n", "3.99 or later", "MLHUB_PYTHON"] {
        assert!(text.contains(expected), "{expected} is not in: {text}");
    }
}

#[test]
fn a_config_with_mistakes() {
    let world = World::with_iris();
    world.write(
        "typo.yaml",
        "project: p\nname: e\nadapter: native\ndatset: {path: iris.csv}\ndataset: {path: iris.csv, target: species}\nparams:\n  learning_rat: 0.1\n  rounds: many\n  subsample: 1.5\n",
    );
    insta::assert_snapshot!(refused(&world, &["run", "typo.yaml"]));
}

#[test]
fn overrides_with_mistakes() {
    let world = World::with_iris();
    world.write(
        "e.yaml",
        "project: p\nname: e\nadapter: native\ndataset: {path: iris.csv, target: species}\n",
    );
    let mut text = String::new();
    for set in [
        "params.learning_rat=0.1",
        "params.rounds=many",
        "rounds",
        "seeds=abc",
    ] {
        text.push_str(&refused(&world, &["run", "e.yaml", "--set", set]));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn experiment_files_that_are_none() {
    let world = World::new();
    world.write("e.txt", "");
    world.write("cut.json", "{\"project\": ");
    let mut text = String::new();
    for file in ["absent.yaml", "e.txt", "cut.json"] {
        text.push_str(&refused(&world, &["run", file]));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_dataset_that_changed_on_disk() {
    let world = World::with_iris();
    world.ok(&["dataset", "add", "iris.csv", "--name", "flowers"]);
    let file = world.project().join("iris.csv");
    let before = std::fs::read_to_string(&file).expect("read");
    // Another digit in the row that is 17th when rows are counted from 0.
    let line = before.lines().nth(18).expect("a row");
    std::fs::write(
        &file,
        before.replacen(line, &line.replacen('.', ".9", 1), 1),
    )
    .expect("write");
    world.write(
        "e.yaml",
        "project: p\nname: e\nadapter: native\ndataset: {name: flowers, target: species}\n",
    );
    let text = refused(&world, &["run", "e.yaml"]);
    assert!(text.starts_with("exit code: 4\n"), "{text}");
    insta::assert_snapshot!(text);
    let verify = world.mlhub(&["dataset", "verify", "flowers"]);
    assert_eq!(verify.code, Some(4));
    std::fs::write(&file, before).expect("write");
    world.ok(&["dataset", "verify", "flowers"]);
    world.ok(&["run", "e.yaml", "--set", "params.rounds=2"]);
}

#[test]
fn datasets_that_cannot_be_read() {
    let world = World::with_iris();
    world.write("ragged.csv", "a,b,species\n1,2,x\n1,2\n1,2,y,z\n");
    world.write("empty.csv", "");
    let mut text = String::new();
    for file in ["ragged.csv", "empty.csv", "absent.csv"] {
        world.write(
            "e.yaml",
            &format!(
                "project: p\nname: e\nadapter: native\ndataset: {{path: {file}, target: species}}\n"
            ),
        );
        text.push_str(&refused(&world, &["run", "e.yaml"]));
    }
    world.write(
        "e.yaml",
        "project: p\nname: e\nadapter: native\ndataset: {path: iris.csv, target: specis}\n",
    );
    text.push_str(&refused(&world, &["run", "e.yaml"]));
    world.write(
        "e.yaml",
        "project: p\nname: e\nadapter: native\ndataset: {name: nobody, target: species}\n",
    );
    text.push_str(&refused(&world, &["run", "e.yaml"]));
    insta::assert_snapshot!(text);
}
