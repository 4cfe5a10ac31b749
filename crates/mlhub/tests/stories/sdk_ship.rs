//! Runs of the SDK on their way to hubs, where it is less than simple: attempts,
//! other machines, forwarders that do not know of each other, what a run used.

use std::process::Command;

use serde_json::json;

use crate::sdk::{Trainer, assert_points, log};
use crate::support::{Served, World};

/// Warnings of a run, as one text.
fn warnings(hub: &Served, run: &str) -> String {
    let records = hub.client.record_list(run, Some("warning"), None);
    serde_json::to_string(&records.expect("records")).expect("json")
}

#[test]
fn attempts_are_shipped_as_what_they_are_to_any_hub() {
    let world = World::new();
    let mut first = Trainer::start(&world, "again", &json!({"mode": "offline"}));
    log(&first.writer("main"), 0..10);
    first.exit(1);
    let more =
        json!({"mode": "offline", "resume": {"step": 4}, "started_at_ms": 1_700_000_000_500i64});
    let mut second = Trainer::start_attempt(&world, "again", 2, &more);
    log(&second.writer("main"), 5..15);
    second.exit(0);
    let hub = world.serve(&[]);
    // The later one alone has nothing to go on with there.
    let said = world.mlhub(&["sync", second.dir.to_str().expect("text")]);
    assert_eq!(said.code, Some(6), "{}{}", said.stdout, said.stderr);
    assert!(said.stdout.contains("earlier attempt"), "{}", said.stdout);
    let folder = world.path().join("sdk");
    let folder = folder.to_str().expect("text");
    let other_world = World::new();
    let other = other_world.serve(&[]);
    for hub in [&hub, &other, &hub, &other] {
        world.ok(&["sync", folder, "--server", &hub.url]);
        let run = hub.run("again");
        let states: Vec<_> = run.attempts.iter().map(|one| one.state.as_str()).collect();
        assert_eq!(states, ["failed", "finished"]);
        assert_eq!(run.attempts[1].resumed_from_step, Some(4));
        assert_points(hub, "again", 15);
    }
}

#[test]
fn an_attempt_that_is_forwarded_waits_for_the_earlier_one() {
    let world = World::new();
    let hub = world.serve(&[]);
    let mut first = Trainer::start(&world, "waits", &json!({"mode": "offline"}));
    log(&first.writer("main"), 0..10);
    first.exit(0);
    let more = json!({"resume": {"step": 9}, "started_at_ms": 1_700_000_000_500i64});
    let mut second = Trainer::start_attempt(&world, "waits", 2, &more);
    log(&second.writer("main"), 10..20);
    let mut forwarder = second.forward(&world);
    let log_file = second.dir.join("supervisor.log");
    crate::support::wait("the forwarder's patience", || {
        let text = std::fs::read_to_string(&log_file).ok()?;
        text.contains("waiting for the run's earlier attempt")
            .then_some(())
    });
    world.ok(&["sync", first.dir.to_str().expect("text")]);
    second.exit(0);
    assert!(forwarder.wait().expect("wait").success());
    assert_eq!(hub.run("waits").attempts.len(), 2);
    assert_points(&hub, "waits", 20);
}

#[test]
fn a_program_of_another_machine_is_not_taken_for_dead() {
    let world = World::new();
    let hub = world.serve(&[]);
    let process = json!({"pid": 1, "start_ticks": 1, "boot_id": "another"});
    let more = json!({"mode": "offline", "host": "another-machine", "process": process});
    let mut away = Trainer::start(&world, "away", &more);
    log(&away.writer("main"), 0..10);
    let dir = away.dir.to_str().expect("text").to_owned();
    let said = world.json(&["sync", &dir]);
    assert_eq!(said["runs"][0]["state"], "running", "{said}");
    assert_eq!(hub.run("away").summary.state, "running");
    away.exit(0);
    world.ok(&["sync", &dir]);
    assert_eq!(hub.run("away").summary.state, "finished");
    assert_points(&hub, "away", 10);
}

#[test]
fn an_interpreter_that_died_on_its_way_out_ended_as_far_as_it_is_known() {
    let world = World::new();
    let hub = world.serve(&[]);
    let mut trainer = Trainer::start(&world, "leaving", &json!({}));
    let leaving =
        json!({"version": 1, "code": 3, "signal": null, "ended_at_ms": 1_700_000_001_000i64});
    let mut forwarder = trainer.forward(&world);
    crate::support::wait("the run", || {
        let run = hub.client.run_get("leaving").ok()?;
        (run.summary.state == "running").then_some(())
    });
    std::fs::write(trainer.dir.join("leaving.json"), leaving.to_string()).expect("write");
    // Until it is gone the last word may still come.
    assert_eq!(hub.run("leaving").summary.state, "running");
    trainer.kill();
    assert!(forwarder.wait().expect("wait").success());
    let run = hub.run("leaving");
    assert_eq!(run.summary.state, "failed");
    assert_eq!(run.summary.exit.expect("known").code, Some(3));
}

/// The lock of a directory keeps forwarders apart on one machine; on a copy, or a
/// disk whose locks do nothing, only the hub's offsets do.
#[test]
fn forwarders_that_do_not_know_of_each_other_double_nothing() {
    let world = World::new();
    let hub = world.serve(&[]);
    let mut trainer = Trainer::start(&world, "twice", &json!({}));
    log(&trainer.writer("main"), 0..30_000);
    log(&trainer.writer("rank1"), 30_000..60_000);
    let line = "a line of output\n".repeat(200_000);
    std::fs::write(trainer.dir.join("stdout.log"), &line).expect("write");
    std::fs::write(trainer.dir.join("artifacts/model.bin"), "weights").expect("write");
    trainer.exit(0);
    let copy = world.path().join("copy");
    let copied = Command::new("cp")
        .arg("-r")
        .arg(&trainer.dir)
        .arg(&copy)
        .status();
    assert!(copied.expect("cp").success());
    let mut one = trainer.forward(&world);
    let mut command = world.command(&["forward"]);
    let mut other = command.arg(&copy).spawn().expect("the forwarder starts");
    assert!(one.wait().expect("wait").success());
    assert!(other.wait().expect("wait").success());
    let run = hub.run("twice");
    assert_eq!(
        (run.summary.state.as_str(), run.attempts.len()),
        ("finished", 1)
    );
    assert_points(&hub, "twice", 60_000);
    let logs = hub.client.log_list("twice").expect("logs").logs;
    assert_eq!(logs[0].size, line.len() as u64);
    let files = hub.client.artifact_list("twice").expect("files");
    assert_eq!(files.artifacts.len(), 1);
}

#[test]
fn what_a_run_used_is_noted_once_also_when_it_is_shipped_later() {
    let world = World::new();
    let mut maker = Trainer::start(&world, "maker", &json!({"mode": "offline"}));
    std::fs::write(maker.dir.join("artifacts/model.bin"), "weights").expect("write");
    maker.exit(0);
    let mut user = Trainer::start(&world, "user", &json!({"mode": "offline"}));
    let writer = user.writer("main");
    for (run, path) in [("maker", "artifacts/model.bin"), ("nobody", "artifacts/x")] {
        let body = json!({"run": run, "path": path, "hash": "00"});
        let event = json!({"record": {"kind": "artifact_used", "body": body}});
        writer.session().event(event.to_string().as_bytes());
    }
    log(&writer, 0..10);
    user.exit(0);
    let folder = world.path().join("sdk");
    let folder = folder.to_str().expect("text");
    let hub = world.serve(&[]);
    let mut noted = None;
    for _ in 0..2 {
        world.ok(&["sync", folder]);
        let inputs = hub.client.input_list("user").expect("inputs").inputs;
        assert_eq!(inputs.len(), 1, "{inputs:?}");
        assert_eq!(inputs[0].source_run.as_deref(), Some("maker"));
        assert_eq!(
            inputs[0].source_path.as_deref(),
            Some("artifacts/model.bin")
        );
        // Syncing again is no use again.
        assert_eq!(*noted.get_or_insert(inputs[0].used_at), inputs[0].used_at);
    }
    let users = hub.client.artifact_users("maker", "artifacts/model.bin");
    assert_eq!(users.expect("users").inputs[0].run, "user");
    assert_points(&hub, "user", 10);
    let told = warnings(&hub, "user");
    assert!(told.contains("`artifacts/x` of the run `nobody`"), "{told}");
    assert_eq!(told.matches("kept as a record alone").count(), 1, "{told}");
}
