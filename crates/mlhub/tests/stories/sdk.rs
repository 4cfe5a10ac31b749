//! Runs that a program makes by itself: forwarders and `mlhub sync`, with the real
//! command. The program is a shell that waits; this test writes its events with the
//! SDK's writer, so that it knows what must arrive.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use mlhub_agent::supervisor::process_identity;
use mlhub_protocol::run_dir::{HubFile, SupervisorFile};
use mlhub_sdk::EventWriter;
use serde_json::{Value, json};

use crate::support::{Served, World, read_json, wait};

/// Waits for SIGTERM, and says so in its last word, as the SDK does.
const PROGRAM: &str = "trap 'mv exit.term exit.json; exit 143' TERM; while :; do sleep 0.05; done";

/// A program with its run directory.
pub(crate) struct Trainer {
    pub(crate) dir: PathBuf,
    process: Child,
}

impl Trainer {
    /// A run directory under `sdk/`, named as the run.
    pub(crate) fn start(world: &World, id: &str, more: &Value) -> Self {
        Self::start_attempt(world, id, 1, more)
    }

    /// The directory of one of its attempts.
    pub(crate) fn start_attempt(world: &World, id: &str, attempt: u32, more: &Value) -> Self {
        let dir = world.path().join("sdk").join(id).join(attempt.to_string());
        for folder in ["events", "artifacts"] {
            std::fs::create_dir_all(dir.join(folder)).expect("folder");
        }
        let last =
            json!({"version": 1, "code": null, "signal": 15, "ended_at_ms": 1_700_000_002_000i64});
        std::fs::write(dir.join("exit.term"), last.to_string()).expect("write");
        let process = world
            .clean(Command::new("sh"))
            .args(["-c", PROGRAM])
            .current_dir(&dir)
            .spawn()
            .expect("sh starts");
        let pid = i32::try_from(process.id()).expect("small");
        let identity = process_identity(pid).expect("alive");
        let mut file = json!({
            "version": 1,
            "run": {"id": id, "project": "stories", "name": "by hand"},
            "params": {"lr": 0.1, "model.layers": 4},
            "config": {"lr": 0.1, "model": {"layers": 4}},
            "tags": {"stage": "first"},
            "process": identity,
            "started_at_ms": 1_700_000_000_000i64,
            "host": this_host(),
            "system_interval_seconds": 0,
        });
        for (key, value) in more.as_object().expect("an object") {
            file[key] = value.clone();
        }
        std::fs::write(dir.join("sdk.json"), file.to_string()).expect("write");
        Self { dir, process }
    }

    pub(crate) fn writer(&self, name: &str) -> EventWriter {
        EventWriter::create(&self.dir.join(format!("events/{name}.mlog"))).expect("a writer")
    }

    /// Starts a forwarder as the SDK does.
    pub(crate) fn forward(&self, world: &World) -> Child {
        let mut command = world.command(&["forward"]);
        command.arg(&self.dir).stdout(Stdio::null());
        command.spawn().expect("the forwarder starts")
    }

    /// Says its last word and ends.
    pub(crate) fn exit(&mut self, code: i32) {
        let exit = json!({"version": 1, "code": code, "signal": null, "ended_at_ms": 1_700_000_001_000i64});
        std::fs::write(self.dir.join("exit.new"), exit.to_string()).expect("write");
        std::fs::rename(self.dir.join("exit.new"), self.dir.join("exit.json")).expect("rename");
        self.kill();
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("kill");
        self.process.wait().expect("wait");
    }
}

/// The name of this machine, as the SDK tells it.
fn this_host() -> String {
    let told = Command::new("uname").arg("-n").output().expect("uname");
    String::from_utf8(told.stdout)
        .expect("text")
        .trim()
        .to_owned()
}

impl Drop for Trainer {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

pub(crate) fn log(writer: &EventWriter, steps: std::ops::Range<i32>) {
    for step in steps {
        let mut session = writer.session();
        let loss = session.key("loss").expect("a key");
        let value = f64::from(step) / 2.0;
        session.metrics(Some(i64::from(step)), None, &[(loss, value)]);
    }
}

/// Every point of `steps` steps once, with its value. Writers of one run arrive
/// in any order.
#[track_caller]
pub(crate) fn assert_points(hub: &Served, id: &str, steps: i32) {
    let series = hub.series(id, "loss");
    let values = series.values.iter().map(|value| value.0.to_bits());
    let mut found: Vec<(i64, u64)> = series.steps.iter().copied().zip(values).collect();
    found.sort_unstable();
    let expected = (0..steps).map(|step| (i64::from(step), (f64::from(step) / 2.0).to_bits()));
    assert_eq!(found, expected.collect::<Vec<_>>());
}

fn count(hub: &Served, id: &str) -> u64 {
    hub.client.metric_list(id).map_or(0, |list| {
        list.metrics.iter().map(|metric| metric.count).sum()
    })
}

#[test]
fn a_forwarder_serves_the_hub_makes_way_and_tells_the_end() {
    let world = World::new();
    let mut trainer = Trainer::start(&world, "forwarded", &json!({}));
    let writer = trainer.writer("main");
    log(&writer, 0..500);
    let mut forwarder = trainer.forward(&world);
    // Nobody serves the data directory, so the forwarder does.
    let hub_file = world.data().join("hub.json");
    let makeshift: HubFile = wait("a hub", || read_json(&hub_file));
    assert!(makeshift.yields);
    let listed = wait("the run", || world.runs().into_iter().next());
    assert_eq!(listed["id"], "forwarded");
    // A second forwarder has nothing to do.
    assert!(trainer.forward(&world).wait().expect("wait").success());
    // Whoever asks for a hub gets the data directory.
    let hub = world.serve(&[]);
    let served: HubFile = read_json(&hub_file).expect("a hub");
    assert!(!served.yields);
    log(&writer, 500..1000);
    std::fs::write(trainer.dir.join("stdout.log"), "line one\n").expect("write");
    std::fs::write(trainer.dir.join("artifacts/model.bin"), "weights").expect("write");
    writer.session().event(br#"{"tags":{"stage":"second"}}"#);
    wait("all points while it runs", || {
        (count(&hub, "forwarded") == 1000).then_some(())
    });
    assert_eq!(hub.run("forwarded").summary.state, "running");
    trainer.exit(3);
    assert!(forwarder.wait().expect("wait").success());
    let run = hub.run("forwarded");
    assert_eq!(run.summary.state, "failed");
    assert_eq!(run.summary.exit.expect("seen").code, Some(3));
    assert_eq!(run.summary.name, "by hand");
    assert_eq!(run.summary.params["model.layers"], "4");
    assert_eq!(run.summary.tags["stage"], "second");
    assert_eq!(run.snapshot.config["model"]["layers"], 4);
    assert_points(&hub, "forwarded", 1000);
    let files = hub.client.artifact_list("forwarded").expect("files");
    assert_eq!(files.artifacts[0].path, "artifacts/model.bin");
    let record: SupervisorFile = read_json(&trainer.dir.join("supervisor.json")).expect("a record");
    assert!(record.shipped);
}

#[test]
fn killed_forwarders_and_an_absent_hub_leave_everything_once() {
    let world = World::new();
    let hub = world.serve(&[]);
    let url = hub.url.clone();
    let port = url.rsplit(':').next().expect("a port").to_owned();
    // A fixed address: nobody can serve that hub from here.
    let mut trainer = Trainer::start(&world, "killed", &json!({"hub": {"url": url}}));
    let start = |trainer: &Trainer| {
        let mut command = world.command(&["forward"]);
        command.arg(&trainer.dir).env_remove("MLHUB_DATA_DIR");
        command.spawn().expect("the forwarder starts")
    };
    let writer = trainer.writer("main");
    let mut forwarder = start(&trainer);
    log(&writer, 0..300);
    wait("some points", || {
        (count(&hub, "killed") >= 300).then_some(())
    });
    forwarder.kill().expect("kill");
    forwarder.wait().expect("wait");
    log(&writer, 300..600);
    let mut forwarder = start(&trainer);
    wait("more points", || {
        (count(&hub, "killed") >= 600).then_some(())
    });
    hub.kill();
    log(&writer, 600..900);
    forwarder.kill().expect("kill");
    forwarder.wait().expect("wait");
    let mut forwarder = start(&trainer);
    trainer.exit(0);
    let log_file = trainer.dir.join("supervisor.log");
    wait("the forwarder's patience", || {
        let text = std::fs::read_to_string(&log_file).ok()?;
        text.lines()
            .last()?
            .contains("waiting for the hub")
            .then_some(())
    });
    let hub = Served::start(
        world.command(&["serve", "--port", &port]),
        &world.data(),
        None,
    );
    assert!(forwarder.wait().expect("wait").success());
    assert_eq!(hub.run("killed").summary.state, "finished");
    assert_points(&hub, "killed", 900);
}

#[test]
fn offline_runs_are_synchronised_any_number_of_times() {
    let world = World::new();
    let offline = json!({"mode": "offline"});
    let mut trainer = Trainer::start(&world, "offline", &offline);
    let mut other = Trainer::start(&world, "other", &offline);
    let (one, two) = (trainer.writer("rank0"), trainer.writer("rank1"));
    log(&one, 0..100);
    let folder = world.path().join("sdk");
    let folder = folder.to_str().expect("text");
    // While it is written.
    let said = world.json(&["sync", trainer.dir.to_str().expect("text")]);
    assert_eq!(said["runs"][0]["state"], "running");
    log(&two, 100..200);
    other.exit(0);
    trainer.kill();
    let said = world.json(&["sync", folder]);
    assert_eq!(
        (&said["shipped"], &said["left"]),
        (&json!(2), &json!(0)),
        "{said}"
    );
    for _ in 0..2 {
        let said = world.ok(&["sync", folder]);
        assert!(
            said.stdout.contains("2 of 2 runs are on the hub; 0 bytes"),
            "{}",
            said.stdout
        );
    }
    let hub = world.serve(&[]);
    assert_points(&hub, "offline", 200);
    // Gone without a word is lost, not finished.
    assert_eq!(hub.run("offline").summary.state, "lost");
    assert_eq!(hub.run("other").summary.state, "finished");
    // Another hub gets it too, from the start.
    let second = World::new();
    let elsewhere = second.serve(&[]);
    world.ok(&["sync", folder, "--server", &elsewhere.url]);
    assert_points(&elsewhere, "offline", 200);
}

#[test]
fn a_worker_waits_for_the_run_and_tells_no_end() {
    let world = World::new();
    let hub = world.serve(&[]);
    let mut worker = Trainer::start(
        &world,
        "ranks",
        &json!({"role": "worker", "host": "node-2"}),
    );
    log(&worker.writer("rank1"), 50..100);
    let mut forwarder = worker.forward(&world);
    let log_file = worker.dir.join("supervisor.log");
    wait("the worker's patience", || {
        let text = std::fs::read_to_string(&log_file).ok()?;
        text.contains("waiting for the machine of the first rank")
            .then_some(())
    });
    let same = json!({"run": {"id": "ranks", "project": "stories"}});
    let mut main = Trainer::start(&world, "first-rank", &same);
    log(&main.writer("rank0"), 0..50);
    let mut main_forwarder = main.forward(&world);
    worker.kill();
    assert!(forwarder.wait().expect("wait").success());
    assert_eq!(hub.run("ranks").summary.state, "running");
    main.exit(0);
    assert!(main_forwarder.wait().expect("wait").success());
    assert_eq!(hub.run("ranks").summary.state, "finished");
    assert_points(&hub, "ranks", 100);
}

#[test]
fn a_stop_reaches_the_program_and_a_refusal_is_explained() {
    let world = World::new();
    let hub = world.serve(&[]);
    let mut trainer = Trainer::start(&world, "stopped", &json!({}));
    let mut forwarder = trainer.forward(&world);
    wait("the run", || {
        let run = hub.client.run_get("stopped").ok()?;
        (run.summary.state == "running").then_some(())
    });
    world.mlhub(&["stop", "stopped"]);
    assert_eq!(trainer.process.wait().expect("wait").code(), Some(143));
    assert!(forwarder.wait().expect("wait").success());
    let run = hub.run("stopped");
    assert_eq!(run.summary.state, "stopped");
    assert_eq!(run.summary.exit.expect("seen").signal, Some(15));
    // The id of a run of another project.
    let other = json!({"run": {"id": "stopped", "project": "another"}});
    let mut refused = Trainer::start(&world, "refused", &other);
    refused.exit(0);
    let said = world.mlhub(&["sync", refused.dir.to_str().expect("text")]);
    assert_eq!(said.code, Some(8), "{}{}", said.stdout, said.stderr);
    assert!(
        said.stdout.contains("belongs to another run"),
        "{}",
        said.stdout
    );
}

#[test]
fn what_cannot_be_synchronised_is_said() {
    let world = World::new();
    let empty = world.path().join("home");
    let said = world.mlhub(&["sync", empty.to_str().expect("text")]);
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("no run of the SDK"), "{}", said.stderr);
    let said = world.mlhub(&["sync", "nowhere"]);
    assert_eq!(said.code, Some(2));
    // A file that is no event log, and one torn at its end, are told on the run.
    let mut trainer = Trainer::start(&world, "broken", &json!({"mode": "offline"}));
    log(&trainer.writer("good"), 0..10);
    std::fs::write(trainer.dir.join("events/odd.mlog"), "this is no event log").expect("write");
    let torn = trainer.writer("torn");
    log(&torn, 10..20);
    let path = torn.path();
    torn.close().expect("closed");
    let bytes = std::fs::read(&path).expect("read");
    std::fs::write(&path, &bytes[..bytes.len() - 3]).expect("write");
    trainer.exit(0);
    world.ok(&["sync", trainer.dir.to_str().expect("text")]);
    let hub = world.serve(&[]);
    assert_points(&hub, "broken", 19);
    let records = hub
        .client
        .record_list("broken", None, None)
        .expect("records");
    let text = serde_json::to_string(&records).expect("json");
    assert!(
        text.contains("odd.mlog is not read any further: it is not an event log"),
        "{text}"
    );
    assert!(text.contains("torn.mlog: 1 line(s) or record(s)"), "{text}");
}
