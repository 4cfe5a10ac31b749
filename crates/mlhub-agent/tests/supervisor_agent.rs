//! The agent: order and number of programs, and supervisors started again.

mod supervisor_support;

use mlhub_agent::supervisor::{
    EXIT_DONE, OfflineControl, ProgramStatus, RunDir, Signal, ensure_agent, run_offline,
};
use std::time::Duration;
use supervisor_support::{Bench, exe, until};

#[test]
fn runs_start_in_the_order_of_the_queue_as_slots_allow() {
    let mut bench = Bench::new();
    // Each notes its start, and how many run at that moment.
    let script = "echo $MLHUB_RUN_ID >> order; mkdir busy/$MLHUB_RUN_ID; ls busy | wc -l >> counts; sleep 0.3; rmdir busy/$MLHUB_RUN_ID";
    std::fs::create_dir(bench.path("busy")).expect("folder");
    for (id, position) in [("run-c", 3), ("run-a", 1), ("run-d", 4), ("run-b", 2)] {
        bench.prepare(id, script, |launch| launch.queue_position = position);
    }
    let agent = bench.agent(1);
    let second = bench.agent(1);
    assert_eq!(bench.ended(agent), Some(EXIT_DONE));
    assert_eq!(bench.ended(second), Some(EXIT_DONE));
    let read = |name: &str| std::fs::read_to_string(bench.path(name)).expect("written");
    assert_eq!(read("order"), "run-a\nrun-b\nrun-c\nrun-d\n");
    assert!(read("counts").lines().all(|line| line.trim() == "1"));
    let markers = std::fs::read_dir(bench.path("runs/.active")).expect("there");
    assert_eq!(markers.count(), 0);
}

#[test]
fn an_agent_replaces_a_supervisor_that_died() {
    let mut bench = Bench::new();
    let script = "while [ ! -e go ]; do sleep 0.02; done; exit 4";
    let dir = bench.prepare("run-1", script, |_| {});
    let agent = bench.agent(1);
    until("the program runs", || {
        matches!(dir.program_status(), Ok(ProgramStatus::Running(_)))
    });
    let first = dir
        .supervisor()
        .expect("readable")
        .expect("there")
        .supervisor;
    assert!(mlhub_agent::supervisor::is_alive(&first));
    let pid = rustix::process::Pid::from_raw(first.pid).expect("a process id");
    rustix::process::kill_process(pid, Signal::KILL).expect("killed");
    until("another supervisor is there", || {
        dir.supervisor()
            .expect("readable")
            .expect("there")
            .supervisor
            != first
    });
    std::fs::write(bench.path("go"), "").expect("write");
    assert_eq!(bench.ended(agent), Some(EXIT_DONE));
    let finish = bench
        .hub
        .look(|stored| stored.finish.clone())
        .expect("an end");
    assert_eq!(finish.exit.expect("an exit").code, Some(4));
}

#[test]
fn an_agent_is_ensured_only_when_there_is_work() {
    let bench = Bench::new();
    assert!(!ensure_agent(bench.folder.path(), exe()).expect("usable"));
    let dir = bench.prepare("run-1", "true", |_| {});
    assert!(ensure_agent(bench.folder.path(), exe()).expect("usable"));
    until("the run is done", || {
        dir.supervisor()
            .expect("readable")
            .is_some_and(|record| record.shipped)
    });
    until("its marker is gone", || {
        !ensure_agent(bench.folder.path(), exe()).expect("usable")
    });
}

#[test]
fn a_broken_directory_stops_nobody() {
    let mut bench = Bench::new();
    let broken = bench.prepare("run-0", "true", |_| {});
    std::fs::write(broken.path().join("launch.json"), "{").expect("write");
    let dir = bench.prepare("run-1", "true", |_| {});
    let agent = bench.agent(1);
    assert_eq!(bench.ended(agent), Some(EXIT_DONE));
    assert!(dir.supervisor().expect("readable").expect("there").shipped);
    let log = std::fs::read_to_string(bench.path("agent.log")).expect("written");
    assert_eq!(log.matches("passing over").count(), 1, "{log}");
}

fn offline(bench: &Bench, script: &str) -> RunDir {
    bench.prepare_in(&bench.path("offline"), "run-x", script, |launch| {
        launch.stdout_events = true;
    })
}

#[test]
fn offline_gives_events_output_and_exit() {
    let bench = Bench::without_hub();
    let script = r#"
        echo '{"step":1,"metrics":{"a":NaN}}'; echo plain; echo err >&2
        echo '{"checkpoint":{"step":1,"path":"checkpoints/1"}}' > $MLHUB_RUN_DIR/events/0.jsonl
        exit 3
    "#;
    let dir = offline(&bench, script);
    let run = run_offline(&dir, &mut OfflineControl::new(Duration::from_secs(60))).expect("runs");
    assert_eq!(run.exit.code, Some(3));
    assert!(!run.timed_out);
    let writers: Vec<&str> = run
        .events
        .iter()
        .map(|(writer, _)| writer.as_str())
        .collect();
    assert_eq!(writers.len(), 2);
    assert!(writers.contains(&"stdout") && writers.contains(&"0.jsonl"));
    assert!(run.stdout.ends_with(b"plain\n"));
    assert_eq!(run.stderr, b"err\n");
    assert!(run_offline(&dir, &mut OfflineControl::new(Duration::ZERO)).is_err());
}

#[test]
fn offline_signals_at_an_event_and_kills_at_the_time_limit() {
    let bench = Bench::without_hub();
    let script = r#"echo '{"checkpoint":{"step":1,"path":"c"}}'; while :; do sleep 0.02; done"#;
    let dir = offline(&bench, script);
    let mut control = OfflineControl::new(Duration::from_secs(60));
    control.signal_when = Box::new(|event| event.checkpoint.as_ref().map(|_| Signal::TERM));
    let run = run_offline(&dir, &mut control).expect("runs");
    assert_eq!(run.exit.signal, Some(15));

    let bench = Bench::without_hub();
    let dir = offline(&bench, "while :; do sleep 0.02; done");
    let run =
        run_offline(&dir, &mut OfflineControl::new(Duration::from_millis(300))).expect("runs");
    assert!(run.timed_out);
    assert_eq!(run.exit.signal, Some(9));
}

#[test]
fn a_run_asked_to_stop_while_it_waits_is_never_started_even_without_a_hub() {
    let mut bench = Bench::without_hub();
    let dir = bench.prepare("run-1", "touch started", |_| {});
    dir.request_stop().expect("writable");
    let supervisor = bench.supervise(&dir, &["--hub-absence-seconds", "0"]);
    bench.ended(supervisor);
    assert!(dir.exit().expect("readable").is_some(), "its end is noted");
    assert!(dir.program().expect("readable").is_none(), "it never ran");
    bench.hub_open();
    let agent = bench.agent(1);
    assert_eq!(bench.ended(agent), Some(EXIT_DONE));
    let finish = bench
        .hub
        .look(|stored| stored.finish.clone())
        .expect("the hub was told");
    assert_eq!(finish.state, "stopped");
}
