//! Processes killed at any moment: the program goes on, nothing is lost or
//! doubled, and the state is true when a hub is back.

use mlhub_protocol::run_dir::ExitFile;
use rustix::process::Signal;

use crate::support::{IRIS, Served, World, read_json, signal, wait, wait_gone};

/// Fifty points, a gate, fifty points, a gate, predictions.
const PROGRAM: &str = "
for step in range(50): log(step, loss=1.0 / (step + 1))
gate('middle')
for step in range(50, 100): log(step, loss=1.0 / (step + 1))
gate('late')
predict()
sys.exit(int(os.environ.get('CODE', '0')))
";

fn world() -> World {
    let world = World::with_iris();
    world.script("long", PROGRAM, IRIS);
    world
}

/// Every point once, with its value, and a done evaluation.
#[track_caller]
fn assert_whole(hub: &Served, id: &str) {
    let run = hub.settled(id);
    assert_eq!(run.summary.state, "finished", "{:?}", run.summary.failure);
    let series = hub.series(id, "loss");
    assert_eq!(series.steps, (0..100).collect::<Vec<i64>>());
    let expected: Vec<f64> = (0..100).map(|step| 1.0 / f64::from(step + 1)).collect();
    let values: Vec<f64> = series.values.iter().map(|value| value.0).collect();
    assert_eq!(values, expected);
    assert_eq!(run.evaluations.len(), 1);
    assert_eq!(run.evaluations[0].state, "done", "{:?}", run.evaluations);
    assert_eq!(run.attempts.len(), 1);
}

fn wait_for_exit(world: &World, id: &str) -> ExitFile {
    let file = world.run_dir(id, 1).join("exit.json");
    wait("the program's end", || read_json(&file))
}

#[test]
fn the_server_is_killed_and_another_takes_over() {
    let world = world();
    let hub = world.serve(&[]);
    let id = world.detach("long.yaml").remove(0);
    world.reached("middle");
    wait("half of the points", || {
        (hub.client.metric_list(&id).ok()?.metrics.first()?.count == 50).then_some(())
    });
    hub.kill();
    world.open("middle");
    world.reached("late");
    let hub = world.serve(&[]);
    assert_eq!(hub.run(&id).summary.state, "running");
    world.open("late");
    assert_whole(&hub, &id);
}

#[test]
fn the_command_is_killed_and_the_next_one_tells_the_truth() {
    let world = world();
    let mut command = world.command(&["run", "long.yaml"]);
    let null = std::process::Stdio::null;
    let mut child = command.stdout(null()).stderr(null()).spawn().expect("run");
    world.reached("middle");
    child.kill().expect("kill");
    child.wait().expect("wait");
    let runs = world.runs();
    assert_eq!(runs[0]["state"], "running", "{}", runs[0]);
    let id = runs[0]["id"].as_str().expect("id");
    world.open("middle");
    world.open("late");
    assert_eq!(wait_for_exit(&world, id).code, Some(0));
    let runs = world.runs();
    assert_eq!(runs[0]["state"], "finished", "{}", runs[0]);
    assert_eq!(runs[0]["metrics"]["loss"], 0.01);
    assert_whole(&world.serve(&[]), id);
}

#[test]
fn the_hub_is_away_for_the_whole_run() {
    let world = world();
    world.open("middle");
    world.script("long", &format!("gate('start')\n{PROGRAM}"), IRIS);
    let hub = world.serve(&[]);
    let id = world.detach("long.yaml").remove(0);
    hub.kill();
    world.open("start");
    world.open("late");
    assert_eq!(wait_for_exit(&world, &id).code, Some(0));
    let hub = world.serve(&[]);
    assert_whole(&hub, &id);
    let log = world.ok(&["logs", &id]).stdout;
    assert_eq!(log.lines().count(), 101, "100 points and the predictions");
}

#[test]
fn the_supervisor_is_killed_and_the_exit_code_kept() {
    let world = world();
    world.script("long", &PROGRAM.replace("'0'", "'7'"), IRIS);
    let hub = world.serve(&[]);
    let id = world.detach("long.yaml").remove(0);
    world.reached("middle");
    let program = world.program(&id).program;
    let first = world.supervisor(&id);
    signal(first, Signal::KILL);
    let second = wait("another supervisor", || {
        let pid = world.supervisor(&id);
        (pid != first).then_some(pid)
    });
    assert_ne!(first, second);
    assert_eq!(
        world.program(&id).program,
        program,
        "adopted, not restarted"
    );
    world.open("middle");
    world.open("late");
    let run = hub.settled(&id);
    assert_eq!(run.summary.state, "failed");
    assert_eq!(run.summary.exit.and_then(|exit| exit.code), Some(7));
    assert_eq!(
        hub.series(&id, "loss").steps,
        (0..100).collect::<Vec<i64>>()
    );
}

#[test]
fn the_trainer_is_killed() {
    let world = world();
    let hub = world.serve(&[]);
    let id = world.detach("long.yaml").remove(0);
    world.reached("middle");
    signal(world.program(&id).program.pid, Signal::KILL);
    let run = hub.settled(&id);
    assert_eq!(run.summary.state, "failed");
    assert_eq!(run.summary.exit.and_then(|exit| exit.signal), Some(9));
    let failure = run.summary.failure.expect("a reason");
    assert_eq!(failure.class, "killed");
    assert_eq!(hub.series(&id, "loss").total, 50, "what it logged is kept");
}

#[test]
fn supervisor_and_shim_are_killed() {
    let world = world();
    let hub = world.serve(&[]);
    let id = world.detach("long.yaml").remove(0);
    world.reached("middle");
    let program = world.program(&id);
    signal(world.supervisor(&id), Signal::KILL);
    signal(program.shim.pid, Signal::KILL);
    wait_gone(program.shim.pid);
    world.open("middle");
    world.open("late");
    let run = hub.settled(&id);
    // Nobody saw the exit code, so success is not claimed.
    assert_eq!(run.summary.state, "lost");
    assert_eq!(run.summary.exit.and_then(|exit| exit.code), None);
    assert_eq!(hub.series(&id, "loss").total, 100, "what it logged is kept");
}

#[test]
fn everything_is_killed_at_once() {
    let world = world();
    let hub = world.serve(&[]);
    let id = world.detach("long.yaml").remove(0);
    world.reached("middle");
    let program = world.program(&id);
    let supervisor = world.supervisor(&id);
    hub.kill();
    for pid in [supervisor, program.shim.pid, program.program.pid] {
        signal(pid, Signal::KILL);
    }
    wait_gone(program.program.pid);
    let runs = world.runs();
    assert_ne!(runs[0]["state"], "running", "{}", runs[0]);
    let hub = world.serve(&[]);
    let run = hub.settled(&id);
    assert!(["lost", "failed"].contains(&run.summary.state.as_str()));
    assert_eq!(hub.series(&id, "loss").total, 50);
}
