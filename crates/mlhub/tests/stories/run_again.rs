//! Going on with runs, and running again what has changed since.

use std::os::unix::process::ExitStatusExt as _;

use rustix::process::Signal;

use crate::support::{World, read_json, signal, wait, wait_gone};

#[test]
fn a_killed_run_resumes_from_its_checkpoint() {
    let world = World::with_iris();
    world.write(
        "long.yaml",
        "project: flowers\nname: long\nadapter: native\ndataset: {path: iris.csv, target: species, split: {seed: 3, fractions: {train: 0.7, test: 0.3}}}\nparams: {rounds: 4000, checkpoint_every: 100, max_depth: 2}\nseeds: [5]\n",
    );
    let hub = world.serve(&[]);
    let id = world.detach("long.yaml").remove(0);
    let program = world.program(&id).program.pid;
    wait("a checkpoint on the hub", || {
        let list = hub.client.record_list(&id, Some("checkpoint"), None).ok()?;
        (list.records.len() >= 2).then_some(())
    });
    signal(program, Signal::KILL);
    let killed = hub.settled(&id);
    assert_eq!(killed.summary.state, "failed");
    assert_eq!(
        killed.summary.exit.as_ref().and_then(|exit| exit.signal),
        Some(9)
    );
    let before = hub.series(&id, "train/loss");
    assert!(before.total < 4000, "it was killed in the middle");

    world.ok(&["run", "--resume", &id]);
    let resumed = hub.settled(&id);
    assert_eq!(resumed.summary.state, "finished");
    assert_eq!(resumed.attempts.len(), 2);
    let from = resumed.attempts[1].resumed_from_step.expect("a step");
    assert!(from > 0 && from % 100 == 0 || from % 100 == 99, "{from}");
    let after = hub.series(&id, "train/loss");
    assert_eq!(after.total, 4000, "superseded points are gone");
    let steps: Vec<i64> = after.steps.clone();
    let mut sorted = steps.clone();
    sorted.dedup();
    assert_eq!(steps, sorted, "no step is there twice");
    assert_eq!(resumed.evaluations[0].state, "done");
}

#[test]
fn a_changed_default_is_shown() {
    let world = World::with_iris();
    world.write(
        "mine.yaml",
        "project: flowers\nname: mine\nadapter: mine\ndataset: {path: iris.csv, target: species, split: {seed: 3, fractions: {train: 0.7, test: 0.3}}}\n",
    );
    world.own_adapter("1.0.0", 5);
    let first = world.ok(&["run", "mine.yaml"]);
    assert!(!first.stderr.contains("default of"), "{}", first.stderr);
    world.own_adapter("1.1.0", 7);
    // Nobody sees the difference here, so it is asked for.
    let refused = world.mlhub(&["run", "mine.yaml"]);
    assert_eq!(refused.code, Some(3));
    for part in ["rounds was 5, is 7", "--accept-defaults", "nothing was run"] {
        assert!(refused.stderr.contains(part), "{}", refused.stderr);
    }
    assert_eq!(world.runs().len(), 1);
    // Pinned in the file or on the command line, the default is not used.
    world.ok(&["run", "mine.yaml", "--set", "params.rounds=5"]);
    world.own_adapter("1.2.0", 9);
    let second = world.ok(&["run", "mine.yaml", "--accept-defaults"]);
    assert!(
        second
            .stderr
            .contains("default of mine: params.rounds was 7, is 9")
            || second
                .stderr
                .contains("default of mine: rounds was 7, is 9"),
        "{}",
        second.stderr
    );
    let runs = world.runs();
    let shown = world.json(&["show", runs[0]["id"].as_str().expect("id")]);
    let changes = shown["snapshot"]["default_changes"].as_array();
    assert_eq!(changes.map(Vec::len), Some(1), "{changes:?}");
    assert_eq!(shown["adapter_version"], "1.2.0");
}

/// An adapter whose library has a default, which it tells.
fn adapter_with_library(world: &World, version: &str, depth: u32) {
    world.write(
        "adapters/lib/adapter.toml",
        "protocol = 1\nname = \"lib\"\nversion = \"1.0.0\"\ndescription = \"Of a library.\"\n\
         capabilities = [\"train\", \"defaults\"]\n\
         environment = { kind = \"system\", requires = [\"python3\"] }\n\
         config = { schema = \"schema.json\", format = \"none\" }\n\
         output = { stdout_events = true }\n\
         smoke = {}\n\
         [commands]\ntrain = [\"{python}\", \"{adapter}/lib.py\", \"train\", \"{run}\"]\n\
         defaults = [\"{python}\", \"{adapter}/lib.py\", \"defaults\", \"{run}\"]\n",
    );
    world.write(
        "adapters/lib/schema.json",
        "{\"type\": \"object\", \"properties\": {}, \"additionalProperties\": false}",
    );
    let told = format!(
        "{{'subject': 'Trees', 'libraries': {{'lib': '{version}'}}, 'values': {{'depth': {depth}, 'same': None}}}}"
    );
    world.write(
        "adapters/lib/lib.py",
        &format!(
            "import json, sys\nif sys.argv[1] == 'defaults':\n    json.dump({told}, open(sys.argv[2] + '/defaults.json', 'w'))\nelse:\n    print(json.dumps({{'step': 0, 'metrics': {{'loss': 1.0}}}}))\n"
        ),
    );
}

#[test]
fn a_changed_default_of_a_library_is_asked_for() {
    let world = World::new();
    world.write(
        "trees.yaml",
        "project: p\nname: trees\nadapter: lib\nparams: {}\n",
    );
    adapter_with_library(&world, "1.0", 3);
    world.ok(&["run", "trees.yaml"]);
    world.ok(&["run", "trees.yaml"]);
    adapter_with_library(&world, "1.1", 5);
    let refused = world.mlhub(&["run", "trees.yaml"]);
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    for part in [
        "Trees.depth was 3, is 5 (lib 1.1, was lib 1.0)",
        "--accept-defaults",
    ] {
        assert!(refused.stderr.contains(part), "{}", refused.stderr);
    }
    assert_eq!(world.runs().len(), 2);
    world.ok(&["run", "trees.yaml", "--accept-defaults"]);
    let newest = world.runs()[0]["id"].as_str().expect("id").to_owned();
    let changes = &world.json(&["show", &newest])["snapshot"]["default_changes"];
    assert_eq!(changes[0]["new"], 5, "{changes}");
    // From then on it is the default.
    world.ok(&["run", "trees.yaml"]);

    // What cannot be told keeps nothing from running.
    world.write(
        "adapters/lib/lib.py",
        "import sys\nif sys.argv[1] == 'defaults':\n    sys.exit('no library')\n",
    );
    let said = world.ok(&["run", "trees.yaml"]);
    assert!(
        said.stderr.contains("not known") && said.stderr.contains("no library"),
        "{}",
        said.stderr
    );
}

#[test]
fn an_adapter_that_cannot_resume_says_so() {
    let world = World::new();
    world.script("fails", "sys.exit(3)\n", "");
    let said = world.mlhub(&["run", "fails.yaml"]);
    assert_eq!(said.code, Some(1));
    let id = world.runs()[0]["id"].as_str().expect("id").to_owned();
    let said = world.mlhub(&["run", "--resume", &id]);
    assert_eq!(said.code, Some(5));
    assert!(said.stderr.contains("cannot resume"), "{}", said.stderr);
    assert_eq!(world.json(&["show", &id])["attempt"], 1);
}

#[test]
fn two_commands_share_one_data_directory() {
    let world = World::new();
    world.script(
        "one",
        "log(0, loss=1.0)\ngate('go')\nlog(1, loss=0.5)\n",
        "seeds: [1, 2]",
    );
    world.script(
        "two",
        "log(0, loss=1.0)\ngate('go')\nlog(1, loss=0.5)\n",
        "seeds: [3, 4]",
    );
    let start = |file: &str| {
        world
            .command(&["run", file])
            .stderr(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("run")
    };
    let commands = [start("one.yaml"), start("two.yaml")];
    world.reached("go");
    world.open("go");
    for command in commands {
        let output = command.wait_with_output().expect("ends");
        assert_eq!(
            output.status.into_raw(),
            0,
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let runs = world.runs();
    assert_eq!(runs.len(), 4);
    for run in &runs {
        assert_eq!(run["state"], "finished");
        assert_eq!(run["metrics"]["loss"], 0.5);
        let id = run["id"].as_str().expect("id");
        let file: Option<mlhub_protocol::run_dir::ExitFile> =
            read_json(&world.run_dir(id, 1).join("exit.json"));
        assert_eq!(file.and_then(|file| file.code), Some(0));
        wait_gone(world.program(id).program.pid);
    }
}
