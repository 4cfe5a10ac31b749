//! The model registry from the command line, over real training: register, promote past a
//! gate, protect, and the trail of it all.

use serde_json::Value;

use crate::support::World;

const NOT_PASSED: Option<i32> = Some(1);
const USAGE: Option<i32> = Some(2);
const CONFIG: Option<i32> = Some(3);
const REFUSED: Option<i32> = Some(8);

fn experiment(name: &str, params: &str) -> String {
    format!(
        "project: flowers\nname: {name}\nadapter: native\n\
         dataset: {{path: iris.csv, target: species, id: plant, split: {{seed: 3, fractions: {{train: 0.6, test: 0.4}}}}}}\n\
         params: {{{params}}}\nevaluation: {{task: multiclass, bootstrap: {{samples: 50}}}}\n"
    )
}

/// The iris rows, named.
fn rows() -> String {
    let iris = include_str!("../../../../adapters/native/smoke.csv");
    let mut lines = iris.lines();
    let mut text = format!("plant,{}\n", lines.next().expect("a header"));
    for (row, flower) in lines.enumerate() {
        text.push_str(&format!("p{row},{flower}\n"));
    }
    text
}

#[track_caller]
fn trained(world: &World, name: &str, params: &str) -> String {
    let file = format!("{name}.yaml");
    world.write(&file, &experiment(name, params));
    let runs = world.json(&["run", &file]);
    assert_eq!(runs[0]["state"], "finished", "{runs}");
    runs[0]["id"].as_str().expect("an id").to_owned()
}

fn actions(log: &Value) -> Vec<&str> {
    let events = log.as_array().expect("a list").iter();
    events
        .map(|event| event["action"].as_str().expect("an action"))
        .collect()
}

#[test]
fn a_model_is_registered_promoted_past_its_gate_and_its_trail_tells_of_it() {
    let world = World::new();
    world.write("iris.csv", &rows());
    let poor = trained(
        &world,
        "poor",
        "model: logistic, epochs: 1, step_size: 0.0001",
    );
    let good = trained(&world, "good", "rounds: 20");
    for (number, run) in [(1, &poor), (2, &good)] {
        let added = world.json(&["registry", "add", "flowers", "--run", run]);
        assert_eq!(
            (&added["version"], &added["run"]),
            (&number.into(), &run[..].into())
        );
    }
    world.ok(&["registry", "promote", "flowers", "1", "--alias", "champion"]);
    world.write(
        "gate.toml",
        "[[threshold]]\nmetric = \"test/accuracy\"\nmin = 0.85\n\n\
         [[no_regression]]\nmetrics = [\"test/accuracy\"]\n",
    );
    // The poor one does not take another alias past the gate, the good one does.
    let gated = |version: &str| {
        let more = ["--alias", "champion", "--gate", "gate.toml"];
        let challenger = [
            "--alias",
            "next",
            "--gate",
            "gate.toml",
            "--baseline",
            "champion",
        ];
        let options = if version == "1" {
            &challenger[..]
        } else {
            &more[..]
        };
        world.mlhub(&[&["registry", "promote", "flowers", version], options].concat())
    };
    let refused = gated("1");
    assert_eq!(refused.code, NOT_PASSED, "{}", refused.stderr);
    assert!(
        refused.stdout.contains("did not pass"),
        "{}",
        refused.stdout
    );
    let passed = gated("2");
    assert_eq!(passed.code, Some(0), "{}{}", passed.stdout, passed.stderr);
    assert!(passed.stdout.contains("no_regression"), "{}", passed.stdout);

    world.ok(&["registry", "protect", "flowers", "champion", "gate.toml"]);
    let plain = world.mlhub(&["registry", "promote", "flowers", "1", "--alias", "champion"]);
    assert_eq!(plain.code, NOT_PASSED, "{}", plain.stderr);
    let shown = world.json(&[
        "registry",
        "show",
        "flowers",
        "@champion",
        "--metric",
        "accuracy",
    ]);
    assert_eq!(shown["version"]["version"], 2, "{shown}");
    assert_eq!(shown["run"]["id"], good[..], "{shown}");
    assert_eq!(shown["evaluations"][0]["split"], "test", "{shown}");
    assert_eq!(shown["standings"][0]["rank"], 1, "{shown}");
    let log = world.json(&["registry", "log", "flowers"]);
    let told = [
        "promotion_refused",
        "protected",
        "alias_set",
        "promotion_refused",
        "alias_set",
        "version_added",
        "version_added",
        "created",
    ];
    assert_eq!(actions(&log), told, "{log}");
    assert_eq!(
        (&log[2]["detail"]["from"], &log[2]["detail"]["to"]),
        (&1.into(), &2.into())
    );
    assert_eq!(log[2]["detail"]["gate"]["passed"], true);
    let table = world.ok(&["registry", "log"]).stdout;
    assert!(
        table.contains("gate FAILED") && table.contains("gate passed"),
        "{table}"
    );

    // What a version names is not purged; a restored backup has the registry.
    let kept = world.mlhub(&["runs", "purge", &good, "--yes"]);
    assert_eq!(kept.code, REFUSED, "{}", kept.stdout);
    world.ok(&["backup", "saved"]);
    let fresh = world.path().join("fresh");
    let fresh = fresh.to_str().expect("a path");
    world.ok(&["restore", "saved", "--data-dir", fresh]);
    let there = world.json(&["registry", "log", "flowers", "--data-dir", fresh]);
    assert_eq!(there, log);

    world.write("slow.toml", "[latency]\ninput = \"iris.csv\"\np95_ms = 5\n");
    for (arguments, code, part) in [
        (&["promote", "flowers", "1"][..], USAGE, "--alias"),
        (
            &["promote", "flowers", "1", "--alias", "v7"],
            REFUSED,
            "number",
        ),
        (
            &[
                "promote",
                "flowers",
                "1",
                "--alias",
                "a",
                "--gate",
                "slow.toml",
            ],
            CONFIG,
            "latency",
        ),
        (
            &["promote", "flowers", "9", "--alias", "a"],
            REFUSED,
            "flowers/9",
        ),
        (
            &["add", "flowers", "--run", &good, "--path", "none"],
            REFUSED,
            "none",
        ),
        (&["add", "flowers"], USAGE, "--run"),
        (&["create", "a/b"], REFUSED, "`/`"),
        (&["rename", "flowers", "a:b"], REFUSED, "`:`"),
        (&["unalias", "flowers", "nobody"], REFUSED, "nobody"),
        (&["unprotect", "flowers", "nobody"], REFUSED, "nobody"),
        (&["log", "nobody"], REFUSED, "nobody"),
        (
            &["delete", "flowers", "--version", "9"],
            REFUSED,
            "flowers/9",
        ),
    ] {
        let said = world.mlhub(&[&["registry"], arguments].concat());
        assert_eq!(said.code, code, "{arguments:?}: {}", said.stderr);
        assert!(said.stderr.contains(part), "{arguments:?}: {}", said.stderr);
    }

    world.ok(&["registry", "tag", "flowers", "kind=iris", "--version", "2"]);
    world.ok(&["registry", "describe", "flowers", "Iris flowers"]);
    world.ok(&["registry", "rename", "flowers", "irises"]);
    let model = world.json(&["registry", "show", "irises"]);
    assert_eq!(model["model"]["description"], "Iris flowers");
    assert_eq!(model["versions"][0]["tags"]["kind"], "iris");
    assert!(
        world
            .ok(&["registry", "list"])
            .stdout
            .contains("champion=2")
    );
    world.ok(&["registry", "delete", "irises"]);
    let log = world.json(&["registry", "log", "irises"]);
    assert_eq!(actions(&log)[..2], ["deleted", "renamed"]);
    world.ok(&["runs", "purge", &good, "--yes"]);
}
