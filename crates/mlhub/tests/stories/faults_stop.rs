//! Stopping runs, and output of great size.

use mlhub_agent::supervisor::process_identity;

use crate::support::{World, read_json, wait, wait_gone};

#[test]
fn a_stop_lets_the_program_save_its_work() {
    let world = World::new();
    world.script(
        "polite",
        "
import signal
def stop(*_):
    log(1, saved=1.0)
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
log(0, saved=0.0)
gate('never')
",
        "",
    );
    let hub = world.serve(&[]);
    let id = world.detach("polite.yaml").remove(0);
    world.reached("never");
    world.ok(&["stop", &id]);
    let run = hub.settled(&id);
    assert_eq!(run.summary.state, "stopped");
    assert_eq!(run.summary.metrics["saved"].0, 1.0);
    assert_eq!(run.summary.exit.and_then(|exit| exit.code), Some(0));
}

#[test]
fn a_stubborn_program_is_killed_with_its_children() {
    let world = World::new();
    world.script(
        "stubborn",
        "
import signal, subprocess
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen(['sh', '-c', 'trap \"\" TERM; while :; do sleep 60; done'])
(GATES / 'child').write_text(str(child.pid))
gate('never')
",
        "resources: {grace: 1s}",
    );
    // The embedded hub of the stopping command must do as well as a served one.
    let id = world.detach("stubborn.yaml").remove(0);
    world.reached("never");
    let child: i32 = read_json(&world.project().join("gates/child")).expect("a pid");
    let program = world.program(&id).program.pid;
    assert!(process_identity(child).is_some());
    world.ok(&["stop", &id]);
    wait_gone(program);
    wait_gone(child);
    let shown = world.json(&["show", &id]);
    assert_eq!(shown["state"], "stopped");
    assert_eq!(shown["exit"]["signal"], 9);
}

#[test]
fn a_queued_run_is_stopped_before_it_starts() {
    let world = World::new();
    world.script("slow", "gate('seed-' + sys.argv[1])\n", "seeds: [1, 2]");
    let hub = world.serve(&[]);
    let ids = world.detach("slow.yaml");
    world.reached("seed-1");
    world.ok(&["stop", &ids[1]]);
    world.open("seed-1");
    assert_eq!(hub.settled(&ids[0]).summary.state, "finished");
    assert_eq!(hub.settled(&ids[1]).summary.state, "stopped");
    assert!(!world.project().join("gates/at-seed-2").exists());
}

#[test]
fn ten_megabytes_of_output_arrive_byte_for_byte() {
    let world = World::new();
    world.script(
        "loud",
        "
import random
generator = random.Random(5)
for _ in range(160): sys.stdout.buffer.write(generator.randbytes(65536))
",
        "",
    );
    let hub = world.serve(&[]);
    let id = world.detach("loud.yaml").remove(0);
    assert_eq!(hub.settled(&id).summary.state, "finished");
    let captured = std::fs::read(world.run_dir(&id, 1).join("stdout.log")).expect("read");
    assert_eq!(captured.len(), 160 * 65536);
    let output = world.command(&["logs", &id]).output().expect("logs");
    assert!(output.status.success());
    assert!(output.stdout == captured, "the hub's copy differs");
    let script = "import random,sys\ng=random.Random(5)\nfor _ in range(160): sys.stdout.buffer.write(g.randbytes(65536))";
    let python = std::process::Command::new("python3")
        .args(["-c", script])
        .output();
    assert!(
        python.expect("python3").stdout == captured,
        "captured wrongly"
    );
}

/// A program that writes `mebibytes` as fast as it can; its first and last lines.
fn flood(mebibytes: usize) {
    let world = World::new();
    let lines = mebibytes * 1024 * 1024 / 64;
    world.script(
        "flood",
        &format!(
            "
block = ''.join(f'{{index % 100:062d}}\\n\\n' for index in range(1024))
print('the first line')
for _ in range({lines} // 1024): sys.stdout.write(block)
print('the last line')
"
        ),
        "",
    );
    let hub = world.serve(&[]);
    let id = world.detach("flood.yaml").remove(0);
    let run = hub.settled(&id);
    assert_eq!(run.summary.state, "finished", "{:?}", run.summary.failure);
    let written = std::fs::metadata(world.run_dir(&id, 1).join("stdout.log"));
    let written = written.expect("there").len();
    assert!(written > (mebibytes as u64 - 1) * 1024 * 1024, "{written}");
    let stored = hub.client.log_list(&id).expect("logs").logs;
    assert_eq!((stored.len(), stored[0].size), (1, written));
    let output = world.command(&["logs", &id]).output().expect("logs").stdout;
    assert!(output.starts_with(b"the first line\n"));
    assert!(output.ends_with(b"the last line\n"));
    let marker = b"bytes of output are not kept]";
    assert_eq!(
        output
            .windows(marker.len())
            .filter(|part| part == marker)
            .count(),
        1
    );
    assert!(output.len() < FLOOD_KEPT_MAX_BYTES, "{}", output.len());
    let status = std::fs::read_to_string(format!("/proc/{}/status", hub.pid())).expect("status");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|text| text.trim().trim_end_matches(" kB").parse::<u64>().ok());
    assert!(peak.expect("a peak") < HUB_MEMORY_MAX_KIB, "{peak:?} KiB");
}

/// What is kept of a flood at most: both parts and a piece on either side.
const FLOOD_KEPT_MAX_BYTES: usize = 80 * 1024 * 1024;
/// Memory of a hub that takes a flood.
const HUB_MEMORY_MAX_KIB: u64 = 400 * 1024;

#[test]
fn of_a_flood_the_first_and_the_last_line_are_kept() {
    flood(160);
}

#[test]
#[ignore = "a soak test: a gibibyte of output"]
fn a_gibibyte_of_output_blocks_nothing_and_fills_no_memory() {
    flood(1024);
}

#[test]
fn a_restarted_server_stops_what_was_asked_of_the_first() {
    let world = World::new();
    world.script(
        "slow",
        "log(0, loss=1.0)\ngate('never')\n",
        "resources: {grace: 1s}",
    );
    let hub = world.serve(&[]);
    let id = world.detach("slow.yaml").remove(0);
    world.reached("never");
    let supervisor = world.supervisor(&id);
    hub.client.run_stop(&id).expect("asked");
    hub.kill();
    let hub = world.serve(&[]);
    assert_eq!(hub.settled(&id).summary.state, "stopped");
    wait("the supervisor's end", || {
        process_identity(supervisor).is_none().then_some(())
    });
}
