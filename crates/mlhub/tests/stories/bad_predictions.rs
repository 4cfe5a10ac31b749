//! Programs that go wrong: the run ends in the true state, with the reason.

use crate::support::{IRIS, World};

/// What a run that went wrong leaves behind, as text for review.
fn story(world: &World, experiment: &str) -> String {
    let said = world.mlhub(&["run", experiment]);
    let runs = world.runs();
    assert_eq!(runs.len(), 1);
    let id = runs[0]["id"].as_str().expect("id");
    let shown = world.json(&["show", id]);
    let evaluation = &shown["evaluations"][0];
    world.plain(&format!(
        "exit code: {:?}\nstate: {}\nexit: {}\nfailure: {:#}\nevaluation: {} {}\nloss: {}\n",
        said.code.expect("a code"),
        runs[0]["state"],
        runs[0]["exit"],
        runs[0]["failure"],
        evaluation["state"],
        evaluation["message"],
        runs[0]["metrics"]["loss"],
    ))
}

#[test]
fn predictions_with_missing_ids() {
    let world = World::with_iris();
    world.script("gaps", "log(0, loss=0.5)\npredict(drop=2)\n", IRIS);
    insta::assert_snapshot!(story(&world, "gaps.yaml"));
}

#[test]
fn predictions_with_nan_scores() {
    let world = World::with_iris();
    world.script(
        "nan",
        "log(0, loss=0.5)\npredict(score=float('nan'))\n",
        IRIS,
    );
    insta::assert_snapshot!(story(&world, "nan.yaml"));
}

#[test]
fn predictions_that_never_come() {
    let world = World::with_iris();
    world.script("none", "log(0, loss=0.5)\n", IRIS);
    insta::assert_snapshot!(story(&world, "none.yaml"));
}

#[test]
fn a_command_that_does_not_exist() {
    let world = World::new();
    world.write(
        "absent.yaml",
        "project: stories\nname: absent\nadapter: script\nparams: {command: [no-such-program, '1']}\n",
    );
    insta::assert_snapshot!(story(&world, "absent.yaml"));
}

#[test]
fn a_program_that_kills_itself() {
    let world = World::new();
    world.script(
        "killed",
        "log(0, loss=0.5)\nprint('about to go', flush=True)\nos.kill(os.getpid(), 9)\n",
        "",
    );
    insta::assert_snapshot!(story(&world, "killed.yaml"));
}

#[test]
fn a_program_that_exits_with_a_code() {
    let world = World::new();
    world.script(
        "exits",
        "log(0, loss=0.5)\nprint('the learning rate is odd', file=sys.stderr)\nsys.exit(3)\n",
        "",
    );
    insta::assert_snapshot!(story(&world, "exits.yaml"));
}

#[test]
fn a_program_that_raises() {
    let world = World::new();
    world.script("raises", "log(0, loss=0.5)\n{}['missing']\n", "");
    let text = story(&world, "raises.yaml");
    assert!(text.contains("KeyError"), "{text}");
    assert!(text.contains("state: \"failed\""), "{text}");
    assert!(text.contains("loss: 0.5"), "{text}");
}
