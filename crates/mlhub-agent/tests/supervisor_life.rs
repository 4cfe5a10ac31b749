//! Life and death of real programs under real supervisors: what ends is told
//! truly, whoever is killed, and no stranger is ever signalled.

mod supervisor_support;

use std::os::unix::process::CommandExt;
use std::process::Command;

use mlhub_agent::supervisor::{
    EXIT_DONE, ProgramStatus, RunDir, is_alive, own_identity, process_identity,
};
use mlhub_protocol::run_dir::{ProcessIdentity, ProgramFile, SupervisorFile};
use rustix::process::{Pid, Signal, kill_process};
use supervisor_support::{Bench, until};

fn program(dir: &RunDir) -> ProgramFile {
    until("the program runs", || {
        matches!(dir.program_status(), Ok(ProgramStatus::Running(_)))
    });
    dir.program().expect("readable").expect("there")
}

fn kill(identity: &ProcessIdentity, signal: Signal) {
    assert!(is_alive(identity), "only a process of ours is signalled");
    let pid = Pid::from_raw(identity.pid).expect("a process id");
    kill_process(pid, signal).expect("signalled");
}

fn state(bench: &Bench) -> String {
    bench.hub.look(|stored| {
        let finish = stored.finish.as_ref().expect("an end");
        finish.state.clone()
    })
}

fn class(bench: &Bench) -> String {
    bench.hub.look(|stored| {
        let finish = stored.finish.as_ref().expect("an end");
        finish.failure.as_ref().expect("a failure").class.clone()
    })
}

/// A script that waits for the file `go` in its working directory.
const WAIT: &str = "while [ ! -e go ]; do sleep 0.02; done;";

fn go(bench: &Bench) {
    std::fs::write(bench.path("go"), "").expect("write");
}

#[test]
fn a_program_that_ends_well_is_finished_and_its_directory_is_done() {
    let mut bench = Bench::new();
    let dir = bench.prepare(
        "run-1",
        "echo hello; echo $MLHUB_SEED $MLHUB_RUN_ID; pwd",
        |_| {},
    );
    let supervisor = bench.supervise(&dir, &[]);
    assert_eq!(bench.ended(supervisor), Some(EXIT_DONE));
    assert_eq!(state(&bench), "finished");
    let out = bench.hub.look(|stored| stored.logs["stdout"].clone());
    let folder = bench.folder.path().display();
    assert_eq!(
        String::from_utf8_lossy(&out),
        format!("hello\n7 run-1\n{folder}\n")
    );
    assert!(dir.supervisor().expect("readable").expect("there").shipped);
    let markers = bench.path("runs/.active");
    assert_eq!(std::fs::read_dir(markers).expect("there").count(), 0);
    // Another supervisor finds nothing to do and starts nothing.
    let again = bench.supervise(&dir, &[]);
    assert_eq!(bench.ended(again), Some(EXIT_DONE));
    assert_eq!(bench.hub.look(|stored| stored.finishes), 1);
}

#[test]
fn a_killed_supervisor_is_replaced_and_the_exit_code_kept() {
    let mut bench = Bench::new();
    let dir = bench.prepare("run-1", &format!("echo a; {WAIT} echo b; exit 7"), |_| {});
    let first = bench.supervise(&dir, &[]);
    let program = program(&dir);
    bench.kill(first);
    assert!(is_alive(&program.program));
    assert!(is_alive(&program.shim));
    let second = bench.supervise(&dir, &[]);
    until("the second supervisor reports", || {
        bench.hub.look(|stored| stored.heartbeats > 0)
    });
    go(&bench);
    assert_eq!(bench.ended(second), Some(EXIT_DONE));
    let finish = bench
        .hub
        .look(|stored| stored.finish.clone())
        .expect("an end");
    assert_eq!(finish.state, "failed");
    assert_eq!(finish.exit.expect("an exit").code, Some(7));
    assert_eq!(finish.failure.expect("a failure").class, "exit");
    let out = bench.hub.look(|stored| stored.logs["stdout"].clone());
    assert_eq!(out, b"a\nb\n");
}

#[test]
fn a_program_that_ends_without_a_supervisor_keeps_its_exit_code() {
    let mut bench = Bench::new();
    let dir = bench.prepare("run-1", &format!("{WAIT} echo late; exit 3"), |_| {});
    let first = bench.supervise(&dir, &[]);
    program(&dir);
    bench.kill(first);
    go(&bench);
    until("the shim writes the end", || {
        dir.exit().expect("readable").is_some()
    });
    let second = bench.supervise(&dir, &[]);
    assert_eq!(bench.ended(second), Some(EXIT_DONE));
    let finish = bench
        .hub
        .look(|stored| stored.finish.clone())
        .expect("an end");
    assert_eq!(finish.exit.expect("an exit").code, Some(3));
    assert_eq!(
        bench.hub.look(|stored| stored.logs["stdout"].clone()),
        b"late\n"
    );
}

#[test]
fn without_shim_and_supervisor_the_program_goes_on_and_its_end_is_lost() {
    let mut bench = Bench::new();
    let dir = bench.prepare("run-1", &format!("{WAIT} echo out"), |_| {});
    let first = bench.supervise(&dir, &[]);
    let program = program(&dir);
    bench.kill(first);
    kill(&program.shim, Signal::KILL);
    until("the shim is dead", || !is_alive(&program.shim));
    let second = bench.supervise(&dir, &[]);
    until("the program is reported running", || {
        bench.hub.look(|stored| stored.heartbeats > 1)
    });
    assert!(bench.hub.look(|stored| stored.finish.is_none()));
    assert!(is_alive(&program.program), "adopting harms nothing");
    go(&bench);
    assert_eq!(bench.ended(second), Some(EXIT_DONE));
    assert_eq!(state(&bench), "lost");
    assert_eq!(class(&bench), "vanished");
    assert_eq!(
        bench.hub.look(|stored| stored.logs["stdout"].clone()),
        b"out\n"
    );
}

#[test]
fn a_killed_program_is_told_with_its_signal() {
    let mut bench = Bench::new();
    let dir = bench.prepare("run-1", WAIT, |_| {});
    let supervisor = bench.supervise(&dir, &[]);
    let program = program(&dir);
    kill(&program.program, Signal::KILL);
    assert_eq!(bench.ended(supervisor), Some(EXIT_DONE));
    let finish = bench
        .hub
        .look(|stored| stored.finish.clone())
        .expect("an end");
    let exit = finish.exit.expect("an exit");
    assert_eq!((exit.code, exit.signal), (None, Some(9)));
    assert_eq!(finish.failure.expect("a failure").class, "killed");
}

#[test]
fn a_reused_process_number_is_neither_adopted_nor_signalled() {
    let mut bench = Bench::new();
    let dir = bench.prepare("run-1", "true", |launch| launch.grace_seconds = 0);
    let mut stranger = Command::new("sleep")
        .arg("600")
        .process_group(0)
        .spawn()
        .expect("sleep starts");
    let identity = process_identity(i32::try_from(stranger.id()).expect("small")).expect("alive");
    let earlier = |identity: &ProcessIdentity| ProcessIdentity {
        start_ticks: identity.start_ticks - 1,
        ..identity.clone()
    };
    let file = ProgramFile {
        version: 1,
        program: earlier(&identity),
        shim: earlier(&own_identity()),
        started_at_ms: 0,
    };
    let write = |name: &str, json: serde_json::Value| {
        std::fs::write(dir.path().join(name), json.to_string()).expect("write");
    };
    write("program.json", serde_json::to_value(&file).expect("json"));
    let record = SupervisorFile {
        version: 1,
        supervisor: earlier(&own_identity()),
        stop_cause: Some("request".to_owned()),
        stop_measured: None,
        offsets: Default::default(),
        files: Default::default(),
        shipped: false,
        attempt: None,
        refused: None,
    };
    write(
        "supervisor.json",
        serde_json::to_value(&record).expect("json"),
    );
    let supervisor = bench.supervise(&dir, &[]);
    assert_eq!(bench.ended(supervisor), Some(EXIT_DONE));
    assert_eq!(state(&bench), "lost");
    assert!(is_alive(&identity), "the stranger lives");
    assert!(stranger.try_wait().expect("waitable").is_none());
    stranger.kill().expect("ours to end");
    stranger.wait().expect("collected");
}

#[test]
fn a_stop_lets_the_program_save_what_it_has() {
    let mut bench = Bench::new();
    let script = "trap 'echo saved; exit 0' TERM; echo ready; while :; do sleep 0.02; done";
    let dir = bench.prepare("run-1", script, |_| {});
    let supervisor = bench.supervise(&dir, &[]);
    until("the program is ready", || {
        bench.hub.look(|stored| stored.logs.contains_key("stdout"))
    });
    bench
        .hub
        .behaviour
        .stop_requested
        .store(true, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(bench.ended(supervisor), Some(EXIT_DONE));
    assert_eq!(state(&bench), "stopped");
    let out = bench.hub.look(|stored| stored.logs["stdout"].clone());
    assert_eq!(out, b"ready\nsaved\n");
    let record = dir.supervisor().expect("readable").expect("there");
    assert_eq!(record.stop_cause.as_deref(), Some("request"));
}

#[test]
fn a_stubborn_program_is_killed_with_its_grandchildren_after_its_grace() {
    let mut bench = Bench::new();
    let script = "trap '' TERM; (trap '' TERM; echo $$; while :; do sleep 0.05; done) & (while :; do sleep 0.05; done) & sh -c 'trap \"\" TERM; echo $$ > grandchild; while :; do sleep 0.05; done' & wait; while :; do sleep 0.05; done";
    let dir = bench.prepare("run-1", script, |launch| launch.grace_seconds = 1);
    let supervisor = bench.supervise(&dir, &[]);
    let program = program(&dir);
    let mut grandchild = None;
    until("the grandchild runs", || {
        let text = std::fs::read_to_string(bench.path("grandchild")).unwrap_or_default();
        grandchild = text.trim().parse().ok().and_then(process_identity);
        grandchild.is_some()
    });
    bench
        .hub
        .behaviour
        .stop_requested
        .store(true, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(bench.ended(supervisor), Some(EXIT_DONE));
    assert!(!is_alive(&program.program));
    assert!(!is_alive(&grandchild.expect("seen")));
    let finish = bench
        .hub
        .look(|stored| stored.finish.clone())
        .expect("an end");
    assert_eq!(finish.state, "stopped");
    assert_eq!(finish.exit.expect("an exit").signal, Some(9));
}

#[test]
fn a_stop_goes_on_when_the_supervisor_is_killed_in_the_middle_of_it() {
    let mut bench = Bench::new();
    let dir = bench.prepare(
        "run-1",
        "trap '' TERM; while :; do sleep 0.05; done",
        |launch| {
            launch.grace_seconds = 2;
        },
    );
    let first = bench.supervise(&dir, &[]);
    program(&dir);
    let behaviour = bench.hub.behaviour.clone();
    behaviour
        .stop_requested
        .store(true, std::sync::atomic::Ordering::SeqCst);
    until("the stop is recorded", || {
        let record = dir.supervisor().expect("readable").expect("there");
        record.stop_cause.is_some()
    });
    bench.kill(first);
    behaviour
        .stop_requested
        .store(false, std::sync::atomic::Ordering::SeqCst);
    let second = bench.supervise(&dir, &[]);
    assert_eq!(bench.ended(second), Some(EXIT_DONE));
    assert_eq!(state(&bench), "stopped");
}

#[test]
fn what_a_program_leaves_running_is_ended_with_it() {
    let mut bench = Bench::new();
    let dir = bench.prepare("run-1", "sleep 600 & echo $! > left; exit 0", |_| {});
    let supervisor = bench.supervise(&dir, &[]);
    assert_eq!(bench.ended(supervisor), Some(EXIT_DONE));
    assert_eq!(state(&bench), "finished");
    let left = std::fs::read_to_string(bench.path("left")).expect("written");
    let left = left.trim().parse().expect("a number");
    until("nothing is left", || process_identity(left).is_none());
}

#[test]
fn a_time_limit_stops_the_program() {
    let mut bench = Bench::new();
    let dir = bench.prepare("run-1", "while :; do sleep 0.05; done", |launch| {
        launch.timeout_seconds = Some(1);
    });
    let supervisor = bench.supervise(&dir, &[]);
    assert_eq!(bench.ended(supervisor), Some(EXIT_DONE));
    assert_eq!(state(&bench), "failed");
    assert_eq!(class(&bench), "timeout");
    let record = dir.supervisor().expect("readable").expect("there");
    assert_eq!(record.stop_cause.as_deref(), Some("timeout"));
}

#[test]
fn a_command_that_does_not_exist_is_named() {
    let mut bench = Bench::new();
    let dir = bench.prepare("run-1", "", |launch| {
        launch.argv = vec!["no-such-command-here".to_owned()];
    });
    let supervisor = bench.supervise(&dir, &[]);
    assert_eq!(bench.ended(supervisor), Some(EXIT_DONE));
    let finish = bench
        .hub
        .look(|stored| stored.finish.clone())
        .expect("an end");
    let failure = finish.failure.expect("a failure");
    assert_eq!(failure.class, "command_not_found");
    assert!(
        failure.message.contains("no-such-command-here"),
        "{}",
        failure.message
    );
    assert_eq!(finish.exit, None);
    assert_eq!(bench.hub.look(|stored| stored.starts), 0);
}

#[test]
fn arguments_and_environment_reach_the_program_as_they_are() {
    let mut bench = Bench::new();
    let odd = "a b\n$(touch evil)`x`;-rf*";
    let dir = bench.prepare("run-1", "", |launch| {
        launch.argv = [
            "sh",
            "-c",
            "printf '%s|%s|' \"$1\" \"$ODD\"; env | grep -c SECRET_OF_PARENT",
            "x",
            odd,
        ]
        .map(str::to_owned)
        .to_vec();
        launch.env.insert("ODD".to_owned(), odd.to_owned());
    });
    let supervisor = bench.supervise(&dir, &[]);
    assert_eq!(bench.ended(supervisor), Some(EXIT_DONE));
    let out = bench.hub.look(|stored| stored.logs["stdout"].clone());
    assert_eq!(String::from_utf8_lossy(&out), format!("{odd}|{odd}|0\n"));
    assert!(!bench.path("evil").exists());
}

#[test]
fn a_second_supervisor_leaves_the_first_alone() {
    let mut bench = Bench::new();
    let dir = bench.prepare("run-1", &format!("echo x >> starts; {WAIT}"), |_| {});
    let first = bench.supervise(&dir, &[]);
    program(&dir);
    let second = bench.supervise(&dir, &[]);
    assert_eq!(bench.ended(second), Some(EXIT_DONE));
    assert!(bench.hub.look(|stored| stored.finish.is_none()));
    go(&bench);
    assert_eq!(bench.ended(first), Some(EXIT_DONE));
    let starts = std::fs::read_to_string(bench.path("starts")).expect("written");
    assert_eq!(starts, "x\n");
}

#[test]
fn a_run_stopped_while_it_waited_is_never_started() {
    let mut bench = Bench::new();
    bench
        .hub
        .behaviour
        .stop_requested
        .store(true, std::sync::atomic::Ordering::SeqCst);
    let dir = bench.prepare("run-1", "touch started", |_| {});
    let agent = bench.agent(1);
    assert_eq!(bench.ended(agent), Some(EXIT_DONE));
    assert_eq!(state(&bench), "stopped");
    assert!(!bench.path("started").exists());
    assert!(dir.program().expect("readable").is_none());
}

#[test]
fn a_deleted_run_goes_on_and_ships_nothing() {
    let mut bench = Bench::new();
    let dir = bench.prepare("run-1", &format!("{WAIT} touch ended"), |_| {});
    let supervisor = bench.supervise(&dir, &[]);
    program(&dir);
    bench
        .hub
        .behaviour
        .gone
        .store(true, std::sync::atomic::Ordering::SeqCst);
    go(&bench);
    assert_eq!(bench.ended(supervisor), Some(EXIT_DONE));
    assert!(bench.path("ended").exists());
    assert!(!dir.supervisor().expect("readable").expect("there").shipped);
}
