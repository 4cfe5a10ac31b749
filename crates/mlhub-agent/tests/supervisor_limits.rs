//! Programs that take more than they may, under real supervisors: each is stopped
//! with all it started, and the reason told names the limit.

mod supervisor_support;

use std::path::Path;

use mlhub_agent::supervisor::{EXIT_DONE, process_identity};
use mlhub_protocol::rest::FailureView;
use mlhub_protocol::run_dir::LaunchFile;
use supervisor_support::{Bench, until};

/// Runs `python3 -c program` to its end; returns why it failed.
fn failure(bench: &mut Bench, program: &str, change: impl FnOnce(&mut LaunchFile)) -> FailureView {
    let dir = bench.prepare("run-1", "", |launch| {
        launch.argv = ["python3", "-c", program].map(str::to_owned).to_vec();
        launch.grace_seconds = 1;
        change(launch);
    });
    let supervisor = bench.supervise(&dir, &[]);
    assert_eq!(bench.ended(supervisor), Some(EXIT_DONE));
    let finish = bench
        .hub
        .look(|stored| stored.finish.clone())
        .expect("an end");
    assert_eq!(finish.state, "failed");
    finish.failure.expect("a failure")
}

/// Waits until none of the processes whose numbers are lines of a file lives.
fn all_gone(list: &Path) {
    let text = std::fs::read_to_string(list).expect("written");
    let pids: Vec<i32> = text.lines().filter_map(|line| line.parse().ok()).collect();
    assert!(!pids.is_empty(), "the program started nothing");
    for pid in pids {
        until("a process of the program is gone", || {
            process_identity(pid).is_none()
        });
    }
}

#[test]
fn a_flood_of_output_is_stopped() {
    let mut bench = Bench::new();
    let program = "import sys\nwhile True: sys.stdout.write('x' * 4095 + '\\n')";
    let failure = failure(&mut bench, program, |launch| {
        launch.limits.output_bytes = Some(1 << 20);
    });
    assert_eq!(failure.class, "output_limit");
    for part in ["1048576", "`resources.output`"] {
        assert!(failure.message.contains(part), "{}", failure.message);
    }
}

#[test]
fn a_fork_bomb_is_ended_with_every_child_that_left_its_group() {
    let mut bench = Bench::new();
    let program = "\
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
with open('children', 'w') as children:
    for _ in range(150):
        child = os.fork()
        if child == 0:
            os.setsid()
            time.sleep(600)
            os._exit(0)
        print(child, file=children, flush=True)
time.sleep(600)
";
    let failure = failure(&mut bench, program, |launch| {
        launch.limits.processes = Some(64);
    });
    assert_eq!(failure.class, "process_limit");
    for part in ["64", "`resources.processes`"] {
        assert!(failure.message.contains(part), "{}", failure.message);
    }
    all_gone(&bench.path("children"));
}

#[test]
fn memory_of_the_whole_tree_is_limited() {
    let mut bench = Bench::new();
    // Neither process alone has more than the limit.
    let program = "\
import os, time
child = os.fork()
with open('children', 'a') as children:
    print(os.getpid(), file=children)
held = bytearray(160 << 20)
for page in range(0, len(held), 4096):
    held[page] = 1
time.sleep(600)
";
    let failure = failure(&mut bench, program, |launch| {
        launch.limits.memory_bytes = Some(256 << 20);
    });
    assert_eq!(failure.class, "memory_limit");
    for part in ["268435456", "`resources.memory`"] {
        assert!(failure.message.contains(part), "{}", failure.message);
    }
    all_gone(&bench.path("children"));
}

#[test]
fn memory_that_processes_share_counts_once() {
    let mut bench = Bench::new();
    let program = "\
import os, time
held = bytearray(160 << 20)
for page in range(0, len(held), 4096):
    held[page] = 1
children = []
for _ in range(3):
    child = os.fork()
    if child == 0:
        time.sleep(2)
        os._exit(0)
    children.append(child)
for child in children:
    os.waitpid(child, 0)
";
    let dir = bench.prepare("run-1", "", |launch| {
        launch.argv = ["python3", "-c", program].map(str::to_owned).to_vec();
        launch.limits.memory_bytes = Some(320 << 20);
    });
    let supervisor = bench.supervise(&dir, &[]);
    assert_eq!(bench.ended(supervisor), Some(EXIT_DONE));
    let finish = bench
        .hub
        .look(|stored| stored.finish.clone().expect("an end"));
    assert_eq!(finish.state, "finished", "{:?}", finish.failure);
}

#[test]
fn a_process_has_no_more_open_files_than_it_may_and_dumps_no_core() {
    let mut bench = Bench::new();
    let dir = bench.prepare("run-1", "ulimit -n; ulimit -Hn; ulimit -c", |launch| {
        launch.limits.open_files = Some(100);
    });
    let supervisor = bench.supervise(&dir, &[]);
    assert_eq!(bench.ended(supervisor), Some(EXIT_DONE));
    let out = bench.hub.look(|stored| stored.logs["stdout"].clone());
    assert_eq!(String::from_utf8_lossy(&out), "100\n100\n0\n");
}

#[test]
fn a_daemon_ends_with_its_program() {
    let mut bench = Bench::new();
    let program = "\
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        with open('daemon.new', 'w') as file:
            print(os.getpid(), file=file)
        os.rename('daemon.new', 'daemon')
        time.sleep(600)
    os._exit(0)
while not os.path.exists('daemon'):
    time.sleep(0.01)
";
    let dir = bench.prepare("run-1", "", |launch| {
        launch.argv = ["python3", "-c", program].map(str::to_owned).to_vec();
    });
    let supervisor = bench.supervise(&dir, &[]);
    assert_eq!(bench.ended(supervisor), Some(EXIT_DONE));
    let state = bench
        .hub
        .look(|stored| stored.finish.as_ref().expect("an end").state.clone());
    assert_eq!(state, "finished");
    all_gone(&bench.path("daemon"));
}
