//! An adapter of one's own, from `adapter new` to evaluated runs, without a line in the hub.

use rustix::process::Signal;

use crate::support::{World, signal, wait};

/// A world whose project has a new adapter, `mine`.
fn with_adapter() -> World {
    let world = World::with_iris();
    world.ok(&["adapter", "new", "mine", "--dir", "adapters"]);
    world
}

#[test]
fn a_new_adapter_is_trained_killed_resumed_and_evaluated() {
    let world = with_adapter();
    world.write(
        "mine.yaml",
        "project: flowers\nname: mine\nadapter: mine\ndataset: {path: iris.csv, target: species, split: {seed: 3, fractions: {train: 0.7, test: 0.3}}}\nparams: {epochs: 4000, checkpoint_every: 20}\nseeds: [5]\nevaluation: {splits: [test], task: multiclass}\n",
    );
    let hub = world.serve(&[]);
    let id = world.detach("mine.yaml").remove(0);
    let program = world.program(&id).program.pid;
    wait("a checkpoint on the hub", || {
        let list = hub.client.record_list(&id, Some("checkpoint"), None).ok()?;
        (!list.records.is_empty()).then_some(())
    });
    signal(program, Signal::KILL);
    assert_eq!(hub.settled(&id).summary.state, "failed");
    assert!(
        hub.series(&id, "train/loss").total < 4000,
        "it was killed in the middle"
    );

    world.ok(&["run", "--resume", &id]);
    let resumed = hub.settled(&id);
    assert_eq!(resumed.summary.state, "finished");
    assert!(resumed.attempts[1].resumed_from_step.expect("a step") > 0);
    assert_eq!(hub.series(&id, "train/loss").total, 4000);
    assert_eq!(resumed.evaluations[0].state, "done");
    let run = world.runs().remove(0);
    let accuracy = run["metrics"]["test/accuracy"].as_f64().expect("evaluated");
    assert!(accuracy > 0.8, "{accuracy}");
}

#[test]
fn exec_runs_a_command_where_the_adapters_programs_run() {
    let world = with_adapter();
    let said = world.ok(&[
        "adapter",
        "exec",
        "adapters/mine",
        "--",
        "python3",
        "-m",
        "unittest",
        "discover",
        "adapters/mine",
    ]);
    assert!(said.stderr.contains("Ran 3 tests"), "{}", said.stderr);
    let program = "import mlhub_adapter, sys; print(mlhub_adapter.__name__); sys.exit(7)";
    let said = world.mlhub(&["adapter", "exec", "mine", "--", "python3", "-c", program]);
    assert_eq!((said.code, said.stdout.trim()), (Some(7), "mlhub_adapter"));
    let said = world.mlhub(&["adapter", "exec", "mine", "--", "no-such-command"]);
    assert_eq!(said.code, Some(1));
    assert!(
        said.stderr.contains("`no-such-command` cannot be started"),
        "{}",
        said.stderr
    );
}
