//! A trained model answers: by the command line, warm, with clear errors, and
//! not after its hub. It is exported, and no program of it outlives who wanted it.

use rustix::process::Signal;
use serde_json::json;

use crate::support::{World, signal, wait, wait_gone};

/// An adapter without the kit: trains a threshold, answers by it.
const PROGRAM: &str = r#"
import json, os, sys, time

def events(run, *lines):
    os.makedirs(os.path.join(run, "events"), exist_ok=True)
    with open(os.path.join(run, "events", "0.jsonl"), "a") as file:
        for line in lines:
            file.write(json.dumps(line) + "\n")

def train(run, config):
    folder = os.path.join(run, "artifacts", "parts")
    os.makedirs(folder)
    with open(os.path.join(folder, "threshold.json"), "w") as file:
        json.dump(config["params"]["threshold"], file)
    model = {"version": 1, "task": "regression",
             "input": {"kind": "table", "columns": [{"name": "x", "type": "number"}]},
             "output": {"kind": "value", "name": "above"}}
    with open(os.path.join(run, "artifacts", "model.json"), "w") as file:
        json.dump(model, file)
    events(run, *({"artifact": {"path": "artifacts/" + name, "kind": "model"}}
                  for name in ["parts/threshold.json", "model.json"]))

def answer(number, inputs, threshold):
    for index, row in enumerate(inputs):
        if row.get("x") == 13:
            print("unlucky", file=sys.stderr, flush=True)
            os._exit(5)
        if not isinstance(row.get("x"), (int, float)):
            return {"id": number, "error": {"code": "invalid", "field": "inputs.%d.x" % index,
                                            "message": "must be a number"}}
    return {"id": number, "outputs": [{"value": row["x"] - threshold} for row in inputs]}

def note_pid():
    place = os.path.join(os.environ["HOME"], "worker")
    with open(place + ".new", "w") as file:
        file.write(str(os.getpid()) + "\n")
    os.rename(place + ".new", place)

def export(run, config):
    how = config["export"]["format"]
    if how == "hang":
        note_pid()
        time.sleep(600)
    folder = os.path.join(run, "artifacts")
    parts = os.path.join(config["model"]["path"], "parts", "threshold.json")
    with open(parts) as file, open(os.path.join(folder, "model.txt"), "w") as out:
        out.write(file.read() + " " + os.environ.get("MODE", "") + os.environ.get("HUB_KEY", ""))
    difference = 0.5 if how == "worse" else 0.0
    if how == "worse":
        print("unlucky", file=sys.stderr, flush=True)
        events(run, {"error": {"field": "export", "message": "differs by 0.5"}})
        sys.exit(1)
    with open(os.path.join(folder, "export.json"), "w") as file:
        json.dump({"version": 1, "format": how, "compared_rows": 3,
                   "max_abs_difference": difference, "tolerance": 0.001}, file)
    events(run, *({"artifact": {"path": "artifacts/" + name, "kind": "export"}}
                  for name in ["model.txt", "export.json"]))

def serve(config):
    with open(os.path.join(config["model"]["path"], "parts", "threshold.json")) as file:
        threshold = json.load(file)
    note_pid()
    def say(frame):
        print(json.dumps(frame), flush=True)
    say({"ready": {"protocol": 1, "capabilities": ["predict"]}})
    for line in sys.stdin:
        request = json.loads(line)
        say(answer(request["id"], request["predict"]["inputs"], threshold))

what, run = sys.argv[1:]
with open(os.path.join(run, "run.json")) as file:
    config = json.load(file)
if what == "train":
    train(run, config)
elif what == "export":
    export(run, config)
else:
    serve(config)
"#;

const MANIFEST: &str = r#"
protocol = 1
name = "threshold"
version = "1.0.0"
description = "How far a number is above a threshold."
capabilities = ["train", "predict", "export"]

[environment]
kind = "system"
requires = ["python3"]

[commands]
train = ["python3", "{adapter}/threshold.py", "train", "{run}"]
predict = ["python3", "{adapter}/threshold.py", "predict", "{run}"]
export = ["python3", "{adapter}/threshold.py", "export", "{run}"]

[export]
formats = ["plain", "worse", "hang"]

[config]
schema = "schema.json"
format = "none"

[smoke]
"#;

/// A world with a trained model; returns the run's id.
fn trained(world: &World) -> String {
    let folder = world.data().join("adapters/threshold");
    std::fs::create_dir_all(&folder).expect("folder");
    let schema = json!({"type": "object", "additionalProperties": false, "properties": {
        "threshold": {"type": "number", "default": 2.5, "description": "What counts as zero."}}});
    for (name, text) in [
        ("adapter.toml", MANIFEST),
        ("threshold.py", PROGRAM),
        ("schema.json", &schema.to_string()),
    ] {
        std::fs::write(folder.join(name), text).expect("write");
    }
    world.write(
        "threshold.yaml",
        "project: stories\nname: threshold\nadapter: threshold\nparams: {threshold: 0.5}\nenvironment: {variables: {MODE: fast}, pass: [HUB_KEY]}\n",
    );
    world.detach("threshold.yaml").remove(0)
}

#[test]
fn a_trained_model_answers_and_says_what_is_wrong() {
    let world = World::new();
    let hub = world.serve(&[]);
    let id = trained(&world);
    assert_eq!(hub.settled(&id).summary.state, "finished");

    let shown = world.json(&["models", "show", &id]);
    assert_eq!(shown["capabilities"], json!(["predict", "export"]));
    assert_eq!(shown["description"]["input"]["kind"], "table");

    world.write("rows.csv", "x\n3\n5.5\n");
    let first = world.json(&["predict", &id, "rows.csv"]);
    assert_eq!(first["outputs"], json!([{"value": 2.5}, {"value": 5.0}]));
    assert_eq!(first["cold_start"], true);
    let version = "stories/artifacts/parts/threshold.json:v0";
    let second = world.json(&["predict", version, r#"{"x": 4}"#]);
    assert_eq!(second["outputs"], json!([{"value": 3.5}]));
    assert_eq!(second["cold_start"], false);

    let said = world.mlhub(&["predict", &id, r#"{"x": "high"}"#]);
    assert_eq!(said.code, Some(8), "{}", said.stderr);
    assert!(
        said.stderr.contains("(400): inputs.0.x: must be a number"),
        "{}",
        said.stderr
    );
    let said = world.mlhub(&["predict", &id, r#"{"x": 13}"#]);
    assert!(
        said.stderr.contains("(502)")
            && said.stderr.contains("exit status: 5")
            && !said.stderr.contains("unlucky"),
        "{}",
        said.stderr
    );
    let again = world.json(&["predict", &id, r#"{"x": 3}"#]);
    assert_eq!(again["cold_start"], true);
    let said = world.mlhub(&["search", &id, "anything"]);
    assert!(said.stderr.contains("cannot search"), "{}", said.stderr);

    let file = world.path().join("home/worker");
    let worker: i32 = wait("the program's number", || {
        std::fs::read_to_string(&file).ok()?.trim().parse().ok()
    });
    // Even a hub that is killed takes its programs along.
    hub.kill();
    wait_gone(worker);
}

#[test]
fn a_trained_model_is_exported_with_its_run_and_into_a_folder() {
    let world = World::new();
    let mut command = world.command(&["serve", "--port", "0"]);
    command.env("HUB_KEY", "!");
    let hub = crate::support::Served::start(command, &world.data(), None);
    let id = trained(&world);
    assert_eq!(hub.settled(&id).summary.state, "finished");
    let plain = ["models", "export", &id, "--format", "plain"];

    let made = world.json(&[&plain[..], &["--output", "out"]].concat());
    assert_eq!(made["compared_rows"], 3);
    assert_eq!(made["folder"], "artifacts/exports/plain");
    assert_eq!(
        made["files"][0]["path"],
        "artifacts/exports/plain/model.txt"
    );
    assert_eq!(made["files"][0]["kind"], "export");
    let written = std::fs::read_to_string(world.project().join("out/model.txt"));
    // The variables of the experiment, and what it passed on from the hub's own.
    assert_eq!(written.expect("the file"), "0.5 fast!");
    let stored = world.json(&["artifacts", "list", &id]);
    let stored = stored["artifacts"].as_array().expect("a list");
    assert!(
        stored
            .iter()
            .any(|artifact| artifact["path"] == "artifacts/exports/plain/export.json")
    );

    let said = world.mlhub(&[&plain[..], &["--output", "out"]].concat());
    assert_eq!(said.code, Some(2), "{}", said.stderr);
    assert!(said.stderr.contains("is not empty"), "{}", said.stderr);
    let said = world.ok(&[&plain[..], &["--output", "out", "--force"]].concat());
    assert!(
        said.stdout.contains("3 generated inputs: 0.00e0 apart"),
        "{}",
        said.stdout
    );

    for (format, status, words) in [
        ("onnx", "(501)", "it exports to: plain, worse, hang"),
        ("worse", "(502)", "differs by 0.5 (exit status: 1)"),
    ] {
        let said = world.mlhub(&["models", "export", &id, "--format", format]);
        assert_eq!(said.code, Some(8), "{}", said.stderr);
        assert!(
            said.stderr.contains(status) && said.stderr.contains(words),
            "{}",
            said.stderr
        );
        assert!(!said.stderr.contains("unlucky"), "{}", said.stderr);
    }
}

#[test]
fn an_export_ends_with_the_command_that_wanted_it_and_with_its_hub() {
    let world = World::new();
    let hub = world.serve(&[]);
    let id = trained(&world);
    assert_eq!(hub.settled(&id).summary.state, "finished");
    let file = world.path().join("home/worker");
    let begin = || {
        let mut command = world.command(&["models", "export", &id, "--format", "hang"]);
        let command = command
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        let child = command.spawn().expect("mlhub starts");
        let program: i32 = wait("the program's number", || {
            std::fs::read_to_string(&file).ok()?.trim().parse().ok()
        });
        std::fs::remove_file(&file).expect("remove");
        (child, program)
    };
    let (mut child, program) = begin();
    let said = world.mlhub(&["models", "export", &id, "--format", "plain"]);
    assert!(
        said.stderr.contains("is being exported just now"),
        "{}",
        said.stderr
    );
    signal(
        i32::try_from(child.id()).expect("a process id"),
        Signal::INT,
    );
    child.wait().expect("it ends");
    wait_gone(program);

    // Another is taken once the first is gone.
    let (mut child, program) = wait("the place of the first", || {
        let list = std::fs::read_dir(world.data().join("tmp/serving")).ok()?;
        (list.count() == 0).then(&begin)
    });
    hub.kill();
    wait_gone(program);
    child.wait().expect("it ends");
}
