//! Programs that crash, hang, flood, fork, take memory, forge events or leave
//! daemons: each ends as what it was, and neither the hub nor a run beside it is
//! harmed. What a single limit does is tested in the agent.

use std::path::Path;

use mlhub_agent::supervisor::process_identity;
use mlhub_protocol::rest::{FailureView, RunDetail};

use crate::support::{IRIS, Served, World, wait};

/// A run that trains well.
const GOOD: &str = "log(1, loss=0.5)\npredict()";

/// A served world with a well-behaved run in the middle of its work.
struct Beside {
    world: World,
    hub: Served,
    id: String,
}

impl Beside {
    fn new() -> Self {
        let world = World::with_iris();
        world.script("beside", &format!("gate('beside')\n{GOOD}"), IRIS);
        let hub = world.serve(&["--slots", "2"]);
        let id = queue(&world, "beside.yaml");
        world.reached("beside");
        Self { world, hub, id }
    }

    /// Runs a rogue to its end; returns what the hub says of it.
    fn rogue(&self, python: &str, resources: &str) -> RunDetail {
        let more = format!("resources: {{grace: 1s, {resources}}}");
        self.world.script("rogue", python, &more);
        let id = queue(&self.world, "rogue.yaml");
        self.hub.settled(&id)
    }

    /// The run beside it goes on as if nothing had happened, and a new one ends well.
    fn unharmed(&self) {
        self.world.open("beside");
        self.good(&self.id);
        self.world.script("after", GOOD, IRIS);
        let after = queue(&self.world, "after.yaml");
        self.good(&after);
    }

    fn good(&self, id: &str) {
        let run = self.hub.settled(id);
        assert_eq!(run.summary.state, "finished");
        assert_eq!(run.evaluations[0].state, "done");
        assert_eq!(self.hub.series(id, "loss").total, 1);
    }
}

/// Queues a run where two run at a time; returns its id.
fn queue(world: &World, experiment: &str) -> String {
    let made = world.json(&["run", experiment, "--detach", "--slots", "2"]);
    made["runs"][0].as_str().expect("an id").to_owned()
}

fn failure(run: &RunDetail) -> &FailureView {
    assert_eq!(run.summary.state, "failed");
    run.summary.failure.as_ref().expect("a reason")
}

/// Waits until none of the processes whose numbers are lines of a file lives.
fn all_gone(list: &Path) {
    let text = std::fs::read_to_string(list).expect("written");
    let pids: Vec<i32> = text.lines().filter_map(|line| line.parse().ok()).collect();
    assert!(!pids.is_empty(), "the program started nothing");
    for pid in pids {
        wait("the end of what the program started", || {
            process_identity(pid).is_none().then_some(())
        });
    }
}

#[test]
fn a_crash_and_a_hang_are_told_as_such() {
    let beside = Beside::new();
    let crash = beside.rogue(
        "import signal\nos.kill(os.getpid(), signal.SIGSEGV)",
        "timeout: 10m",
    );
    assert_eq!(failure(&crash).class, "crash");
    let hang = beside.rogue(
        "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: time.sleep(60)",
        "timeout: 2s",
    );
    assert_eq!(failure(&hang).class, "timeout");
    beside.unharmed();
}

#[test]
fn a_flood_and_a_memory_hog_are_stopped_at_their_limits() {
    let beside = Beside::new();
    let flood = beside.rogue("while True: print('x' * 4000)", "output: 4MiB");
    assert_eq!(failure(&flood).class, "output_limit");
    let hog = "held = bytearray(600 << 20)\nfor page in range(0, len(held), 4096): held[page] = 1\ntime.sleep(600)";
    let hog = beside.rogue(hog, "memory: 256MiB");
    let failure = failure(&hog);
    assert_eq!(failure.class, "memory_limit");
    for part in ["268435456", "`resources.memory`"] {
        assert!(failure.message.contains(part), "{}", failure.message);
    }
    beside.unharmed();
}

#[test]
fn a_fork_bomb_and_a_daemon_leave_nothing_running() {
    let beside = Beside::new();
    let bomb = "\
children = open('bombs', 'w')
for _ in range(100):
    child = os.fork()
    if child == 0:
        os.setsid()
        time.sleep(600)
        os._exit(0)
    print(child, file=children, flush=True)
time.sleep(600)
";
    let bomb = beside.rogue(bomb, "processes: 64");
    assert_eq!(failure(&bomb).class, "process_limit");
    all_gone(&beside.world.project().join("bombs"));
    let daemon = "\
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        with open('daemon.new', 'w') as file:
            print(os.getpid(), file=file)
        os.rename('daemon.new', 'daemon')
        time.sleep(600)
    os._exit(0)
while not os.path.exists('daemon'): time.sleep(0.01)
log(1, loss=0.5)
";
    let daemon = beside.rogue(daemon, "processes: 64");
    assert_eq!(daemon.summary.state, "finished");
    all_gone(&beside.world.project().join("daemon"));
    beside.unharmed();
}

#[test]
fn forged_events_change_nothing_but_their_own_run() {
    let beside = Beside::new();
    let secret = beside.world.path().join("outside.txt");
    std::fs::write(&secret, "not to be read").expect("write");
    let forger = format!(
        r#"
run_dir = os.environ["MLHUB_RUN_DIR"]
outside = {outside:?}
os.makedirs(os.path.join(run_dir, "artifacts"), exist_ok=True)
os.makedirs(os.path.join(run_dir, "predictions"), exist_ok=True)
os.symlink(outside, os.path.join(run_dir, "artifacts", "link.txt"))
os.symlink(os.path.dirname(outside), os.path.join(run_dir, "artifacts", "folder"))
with open(os.path.join(run_dir, "artifacts", "own.txt"), "w") as file:
    file.write("its own")
os.makedirs(os.path.join(run_dir, "events"), exist_ok=True)
with open(os.path.join(run_dir, "events", "forged.jsonl"), "wb") as events:
    def line(text):
        events.write(text if isinstance(text, bytes) else json.dumps(text).encode())
        events.write(b"\n")
    line(b"\x00\xff\xfe not JSON")
    line(b"x" * (3 << 20))
    line(b"[" * 100000)
    line({{"run": {other:?}, "run_id": {other:?}, "step": 7, "metrics": {{"loss": 99.0}}}})
    line({{"step": "x", "metrics": {{"loss": 1.0}}}})
    for path in ["../../../outside.txt", "../../x", outside, "artifacts/link.txt", "artifacts/folder/outside.txt", ""]:
        line({{"artifact": {{"path": path}}}})
        line({{"predictions": {{"split": "test", "path": path}}}})
        line({{"checkpoint": {{"step": 1, "path": path}}}})
    line({{"artifact": {{"path": "artifacts/own.txt"}}}})
    line({{"step": 1, "metrics": {{"true": 1.0}}}})
"#,
        outside = secret.to_str().expect("UTF-8"),
        other = beside.id,
    );
    let forged = beside.rogue(&forger, "timeout: 10m");
    assert_eq!(forged.summary.state, "finished");
    let id = &forged.summary.id;
    assert_eq!(beside.hub.series(id, "true").total, 1);
    let files = beside.hub.client.artifact_list(id).expect("a list");
    let paths: Vec<&str> = files
        .artifacts
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    assert!(paths.contains(&"artifacts/own.txt"), "{paths:?}");
    for path in &paths {
        let refused = ["link", "folder", "outside", ".."];
        assert!(!refused.iter().any(|part| path.contains(part)), "{path}");
    }
    // The run it named got none of its values: `good` finds one point, its own.
    beside.unharmed();
}
