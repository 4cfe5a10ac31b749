//! A trained model answers: by the command line, warm, with clear errors, and
//! not after its hub.

use serde_json::json;

use crate::support::{World, wait, wait_gone};

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

def serve(config):
    with open(os.path.join(config["model"]["path"], "parts", "threshold.json")) as file:
        threshold = json.load(file)
    with open(os.path.join(os.environ["HOME"], "worker"), "w") as file:
        file.write(str(os.getpid()) + "\n")
    def say(frame):
        print(json.dumps(frame), flush=True)
    say({"ready": {"protocol": 1, "capabilities": ["predict"]}})
    for line in sys.stdin:
        request = json.loads(line)
        say(answer(request["id"], request["predict"]["inputs"], threshold))

what, run = sys.argv[1:]
with open(os.path.join(run, "run.json")) as file:
    config = json.load(file)
train(run, config) if what == "train" else serve(config)
"#;

const MANIFEST: &str = r#"
protocol = 1
name = "threshold"
version = "1.0.0"
description = "How far a number is above a threshold."
capabilities = ["train", "predict"]

[environment]
kind = "system"
requires = ["python3"]

[commands]
train = ["python3", "{adapter}/threshold.py", "train", "{run}"]
predict = ["python3", "{adapter}/threshold.py", "predict", "{run}"]

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
        "project: stories\nname: threshold\nadapter: threshold\nparams: {threshold: 0.5}\n",
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
    assert_eq!(shown["capabilities"], json!(["predict"]));
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
            && said.stderr.contains("unlucky"),
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
