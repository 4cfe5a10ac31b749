//! The promise of adapters that can `predict`: the model of the smoke run answers
//! single inputs as its description, `artifacts/model.json`, says.
//!
//! Inputs are made from the description alone, never from data. It holds the
//! conversation of one worker in its plainest form; hubs that serve do more.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use mlhub_protocol::adapter::Capability;
use mlhub_protocol::run_dir::names;
use serde_json::{Value, json};

use super::program::{Bench, Outcome};
use super::{Verdict, passed};
use crate::adapter::launch::LaunchPlan;

/// A text no number reads as.
const WRONG_TEXT: &str = "mlhub-check-wrong-type";
/// Length of a free axis and of a forecast that the check asks for.
const FREE_LENGTH: u64 = 2;
/// Values of a generated input at most.
const MAX_VALUES: u64 = 10_000_000;
/// An image of one grey point; every image is resized.
const IMAGE: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==";
/// Pause between two looks at a worker that is to end.
const TICK: Duration = Duration::from_millis(20);

/// Asks the model of `first` for a prediction, then for an impossible one.
pub(super) fn predict(bench: &mut Bench<'_>, first: &Outcome) -> Verdict {
    let folder = first.dir.join(names::ARTIFACTS);
    let model = read_model(&folder)?;
    let Some(input) = generated(&model["input"]) else {
        return Err("artifacts/model.json: its `input` is of no kind that the protocol knows, or lacks what that kind needs".to_owned());
    };
    let (dir, plan) = bench.worker("served", Capability::Predict, &folder)?;
    let mut worker = Worker::start(&plan, &dir, bench.run_limit())?;
    let ready = worker.hear()?;
    if ready["ready"]["protocol"] != json!(1) {
        return Err(worker.wrong("the first line must be {\"ready\": {\"protocol\": 1, ...}}"));
    }
    let answer = worker.ask(1, &json!([input, input]))?;
    let outputs = answer["outputs"].as_array().map_or(&[][..], Vec::as_slice);
    if answer["id"] != json!(1) || outputs.len() != 2 {
        return Err(
            worker.wrong("two inputs must be answered with the request's id and two outputs")
        );
    }
    if let Some(problem) = outputs
        .iter()
        .find_map(|output| misfit(&model["output"], output))
    {
        return Err(worker.wrong(&problem));
    }
    if outputs[0] != outputs[1] {
        return Err(worker.wrong("two equal inputs have different outputs"));
    }
    let refusal = worker.ask(2, &json!([spoiled(&model["input"], input)]))?;
    let field = refusal["error"]["field"].as_str().unwrap_or_default();
    if refusal["error"]["code"] != json!("invalid") || !field.starts_with("inputs.0") {
        return Err(worker.wrong("an input of a wrong type must be refused with the code `invalid` and a field such as `inputs.0.NAME`"));
    }
    worker.end()?;
    passed(format!(
        "ready, two inputs of kind `{}` answered as `{}`, a wrong one refused as `{field}`, ended with its input",
        model["input"]["kind"].as_str().unwrap_or_default(),
        model["output"]["kind"].as_str().unwrap_or_default(),
    ))
}

fn read_model(folder: &Path) -> Result<Value, String> {
    let told = "an adapter that can `predict` leaves artifacts/model.json at the end of training";
    let text = fs::read_to_string(folder.join("model.json"))
        .map_err(|error| format!("{told}: {error}"))?;
    let model: Value =
        serde_json::from_str(&text).map_err(|error| format!("artifacts/model.json: {error}"))?;
    let has_kinds = ["input", "output"]
        .iter()
        .all(|part| model[*part]["kind"].is_string());
    if model["version"] != json!(1) || !has_kinds {
        return Err(format!(
            "{told}, with `version` 1 and a `kind` in `input` and `output`"
        ));
    }
    Ok(model)
}

/// An input that fits a description.
fn generated(input: &Value) -> Option<Value> {
    match input["kind"].as_str()? {
        "table" => {
            let mut row = serde_json::Map::new();
            for column in input["columns"].as_array()? {
                let value = match column["type"].as_str()? {
                    "number" => json!(1.0),
                    "category" => column["values"].get(0)?.clone(),
                    "text" => json!("a few words"),
                    _ => return None,
                };
                row.insert(column["name"].as_str()?.to_owned(), value);
            }
            Some(Value::Object(row))
        }
        "text" => Some(json!("words")),
        "image" => Some(json!({"base64": IMAGE, "media_type": "image/png"})),
        "vector" => nested(&[input["length"].as_u64()?]),
        "tensor" => {
            let axes = input["shape"].as_array()?.iter();
            let lengths: Vec<u64> = axes
                .map(|axis| axis.as_u64().unwrap_or(FREE_LENGTH))
                .collect();
            nested(&lengths)
        }
        "history" => {
            let most = input["horizon_max"].as_u64()?;
            Some(json!({"horizon": most.min(FREE_LENGTH)}))
        }
        _ => None,
    }
}

/// Nested arrays of zeros.
fn nested(lengths: &[u64]) -> Option<Value> {
    let values = lengths
        .iter()
        .try_fold(1_u64, |product, length| product.checked_mul(*length))?;
    if values > MAX_VALUES {
        return None;
    }
    let mut value = json!(0);
    for length in lengths.iter().rev() {
        value = Value::Array(vec![value; usize::try_from(*length).ok()?]);
    }
    Some(value)
}

/// The input with a value of a wrong type.
fn spoiled(description: &Value, mut input: Value) -> Value {
    let columns = description["columns"].as_array().into_iter().flatten();
    let number = columns
        .filter(|column| column["type"] == json!("number"))
        .find_map(|column| column["name"].as_str());
    if let (Some(name), Some(row)) = (number, input.as_object_mut()) {
        row.insert(name.to_owned(), json!(WRONG_TEXT));
        return input;
    }
    json!(true)
}

/// What is wrong with an output for a description.
fn misfit(description: &Value, output: &Value) -> Option<String> {
    let kind = description["kind"].as_str().unwrap_or_default();
    let number = |name: &str| output[name].is_number();
    let fits = match kind {
        "classes" => {
            let labels = description["labels"]
                .as_array()
                .map_or(&[][..], Vec::as_slice);
            labels.contains(&output["label"]) && output["scores"].is_object()
        }
        "value" => number("value"),
        "values" => output["values"].is_object() || output["values"].is_array(),
        "text" => output["text"].is_string(),
        "tokens" => output["tokens"].is_array(),
        "cluster" => output["label"].is_string(),
        "anomaly" => output["anomaly"].is_boolean() && number("score"),
        "tensor" => !output["value"].is_null(),
        _ => false,
    };
    (!fits).then(|| format!("an output has not the shape of `{kind}`"))
}

/// A program that answers on its standard output.
struct Worker {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    limit: Duration,
    log: String,
}

impl Worker {
    fn start(plan: &LaunchPlan, dir: &Path, limit: Duration) -> Result<Self, String> {
        let (program, arguments) = plan.argv.split_first().ok_or("the command is empty")?;
        let log = dir.join(names::STDERR);
        let stderr =
            fs::File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
        let mut child = Command::new(program)
            .args(arguments)
            .current_dir(&plan.cwd)
            .env_clear()
            .envs(&plan.env)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .map_err(|error| format!("`{program}` cannot be started: {error}"))?;
        let input = child.stdin.take();
        let (sender, lines) = channel();
        if let Some(output) = child.stdout.take() {
            std::thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        return;
                    }
                }
            });
        }
        Ok(Self {
            child,
            input,
            lines,
            limit,
            log: log.display().to_string(),
        })
    }

    fn wrong(&self, what: &str) -> String {
        format!("{what} (see {})", self.log)
    }

    /// The next line, which is JSON.
    fn hear(&self) -> Result<Value, String> {
        match self.lines.recv_timeout(self.limit) {
            Ok(line) => serde_json::from_str(&line).map_err(|_| {
                self.wrong("a line on standard output is not JSON; prints belong to standard error")
            }),
            Err(RecvTimeoutError::Timeout) => Err(self.wrong("the worker does not answer in time")),
            Err(RecvTimeoutError::Disconnected) => {
                Err(self.wrong("the worker ended before it answered"))
            }
        }
    }

    fn ask(&mut self, id: u64, inputs: &Value) -> Result<Value, String> {
        let request = json!({"id": id, "predict": {"inputs": inputs, "options": {}}});
        let sent = self.input.as_mut().map(|input| {
            input
                .write_all(format!("{request}\n").as_bytes())
                .and_then(|()| input.flush())
        });
        match sent {
            Some(Ok(())) => self.hear(),
            _ => Err(self.wrong("the worker does not read its requests")),
        }
    }

    /// Ends the conversation; the worker must end by itself.
    fn end(&mut self) -> Result<(), String> {
        drop(self.input.take());
        let since = Instant::now();
        while since.elapsed() < self.limit {
            match self.child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => {
                    let what = format!(
                        "at the end of its input the worker must end with 0, not with {status}"
                    );
                    return Err(self.wrong(&what));
                }
                Ok(None) => std::thread::sleep(TICK),
                Err(error) => return Err(error.to_string()),
            }
        }
        Err(self.wrong("the worker goes on after the end of its input"))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It has ended already unless something went wrong.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_made_from_their_description_and_spoiled_by_type() {
        let table = json!({"kind": "table", "columns": [
            {"name": "island", "type": "category", "values": ["Biscoe", "Dream"]},
            {"name": "mass", "type": "number"},
        ]});
        let row = generated(&table).unwrap();
        assert_eq!(row, json!({"island": "Biscoe", "mass": 1.0}));
        assert_eq!(spoiled(&table, row)["mass"], json!(WRONG_TEXT));
        let tensor = json!({"kind": "tensor", "shape": [null, 3]});
        assert_eq!(generated(&tensor).unwrap(), json!([[0, 0, 0], [0, 0, 0]]));
        assert_eq!(
            generated(&json!({"kind": "vector", "length": 1_u64 << 40})),
            None
        );
        assert_eq!(generated(&json!({"kind": "smell"})), None);
    }

    #[test]
    fn outputs_are_held_to_their_kind() {
        let classes = json!({"kind": "classes", "labels": ["a", "b"]});
        let good = json!({"label": "a", "scores": {"a": 1.0, "b": 0.0}});
        assert_eq!(misfit(&classes, &good), None);
        for bad in [
            json!({"label": "c", "scores": {}}),
            json!({"label": "a"}),
            json!("a"),
        ] {
            assert!(misfit(&classes, &bad).is_some(), "{bad}");
        }
        assert!(misfit(&json!({"kind": "value"}), &json!({"value": "x"})).is_some());
    }
}
