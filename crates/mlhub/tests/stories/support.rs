//! What every story needs: a folder of its own, the command in a clean
//! environment, a served hub, gates that programs wait at, and waiting.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use mlhub_agent::supervisor::{is_alive, process_identity};
use mlhub_client::Client;
use mlhub_protocol::rest::{RunDetail, SeriesQuery, SeriesReduction, SeriesView};
use mlhub_protocol::run_dir::{HubFile, ProgramFile, SupervisorFile};
use rustix::process::{Pid, Signal, kill_process};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tempfile::TempDir;

/// How long a condition may take to come true on a busy machine.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// Pause between two looks at a condition.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// The file of Python programs that stop at gates: `from gates import gate`.
const GATES_PY: &str = r#"
import json, os, pathlib, sys, time

GATES = pathlib.Path(__file__).parent / "gates"

def gate(name):
    """Says that the gate is reached and waits until it is opened."""
    GATES.mkdir(exist_ok=True)
    (GATES / ("at-" + name)).touch()
    end = time.monotonic() + 120
    while not (GATES / ("open-" + name)).exists():
        if time.monotonic() > end:
            sys.exit("the gate " + name + " was never opened")
        time.sleep(0.01)

def run_file():
    with open(os.path.join(os.environ["MLHUB_RUN_DIR"], "run.json")) as file:
        return json.load(file)

def predict(split="test", drop=0, score=None):
    """Answers a split by the nearest mean of the training rows of each class."""
    import csv, math
    run = run_file()
    def read(name):
        with open(run["dataset"]["splits"][name]["path"], newline="") as file:
            rows = list(csv.DictReader(file))
        labels = [row.pop(run["dataset"]["target"]) for row in rows]
        return [[float(cell) for cell in row.values()] for row in rows], labels
    rows, labels = read("train")
    classes = sorted(set(labels))
    means = []
    for name in classes:
        own = [row for row, label in zip(rows, labels) if label == name]
        means.append([sum(column) / len(own) for column in zip(*own)])
    rows, labels = read(split)
    folder = os.path.join(os.environ["MLHUB_RUN_DIR"], "predictions")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, split + ".csv"), "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "y_true", "y_pred"] + ["y_score_" + name for name in classes])
        for index, (row, label) in enumerate(zip(rows, labels)):
            if index < drop:
                continue
            weights = [math.exp(-math.dist(row, mean)) for mean in means]
            scores = [weight / sum(weights) for weight in weights]
            best = classes[scores.index(max(scores))]
            if score is not None and index == 4:
                scores[0] = score
            writer.writerow([index, label, best, *scores])
    path = "predictions/" + split + ".csv"
    print(json.dumps({"predictions": {"split": split, "path": path}}), flush=True)

def log(step, **metrics):
    print(json.dumps({"step": step, "metrics": metrics}), flush=True)
"#;

/// One story's folder: `project/` with the experiment, `data/` of the hub.
pub(crate) struct World {
    folder: TempDir,
}

/// How a command ended and what it said.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A served hub, killed when dropped.
pub(crate) struct Served {
    pub(crate) child: Child,
    pub(crate) url: String,
    pub(crate) client: Client,
}

/// Waits until `look` finds something.
#[track_caller]
pub(crate) fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for: {what}");
        std::thread::sleep(LOOK_INTERVAL);
    }
}

/// Reads a JSON file, when it is there and whole.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

/// Sends a signal to one process.
pub(crate) fn signal(pid: i32, signal: Signal) {
    let pid = Pid::from_raw(pid).expect("a process id is not 0");
    kill_process(pid, signal).expect("the process is there");
}

/// Waits until a process is gone, or a zombie nobody has collected yet.
pub(crate) fn wait_gone(pid: i32) {
    wait("the end of a process", || {
        process_identity(pid)
            .is_none_or(|identity| !is_alive(&identity))
            .then_some(())
    });
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("mlhub-story-")
            .tempdir()
            .expect("temp folder");
        let world = Self { folder };
        for name in ["project/gates", "home"] {
            std::fs::create_dir_all(world.path().join(name)).expect("folder");
        }
        world.write("gates.py", GATES_PY);
        world
    }

    /// A world with the iris dataset as `iris.csv`.
    pub(crate) fn with_iris() -> Self {
        let world = Self::new();
        world.write(
            "iris.csv",
            include_str!("../../../../adapters/native/smoke.csv"),
        );
        world
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    pub(crate) fn project(&self) -> PathBuf {
        self.path().join("project")
    }

    /// Writes a file of the project.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.project().join(name);
        std::fs::create_dir_all(path.parent().expect("in the project")).expect("folder");
        std::fs::write(path, text).expect("write");
    }

    /// Writes `NAME.py` and an experiment `NAME.yaml` of the script adapter
    /// that runs it; `more` are further lines of the experiment.
    pub(crate) fn script(&self, name: &str, python: &str, more: &str) {
        self.write(
            &format!("{name}.py"),
            &format!("from gates import *\n{python}"),
        );
        self.write(
            &format!("{name}.yaml"),
            &format!(
                "project: stories\nname: {name}\nadapter: script\n{more}\nparams:\n  command: [python3, {name}.py, '{{seed}}']\n"
            ),
        );
    }

    /// Writes the project's adapter `mine`: the native one of this version, with a default of `rounds`.
    pub(crate) fn own_adapter(&self, version: &str, rounds: u32) {
        self.write(
            "adapters/mine/adapter.toml",
            &include_str!("../../../../adapters/native/adapter.toml")
                .replace("name = \"native\"", "name = \"mine\"")
                .replace("version = \"1.0.0\"", &format!("version = \"{version}\"")),
        );
        let mut schema: serde_json::Value =
            serde_json::from_str(include_str!("../../../../adapters/native/schema.json"))
                .expect("a schema");
        schema["properties"]["rounds"]["default"] = rounds.into();
        self.write("adapters/mine/schema.json", &schema.to_string());
        self.write(
            "adapters/mine/smoke.csv",
            include_str!("../../../../adapters/native/smoke.csv"),
        );
    }

    /// Gives a program to `command` in an environment that knows nothing else.
    pub(crate) fn clean(&self, mut command: Command) -> Command {
        command
            .current_dir(self.project())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path().join("home"))
            .env("USER", "tester")
            .env("TZ", "UTC")
            .env("MLHUB_DATA_DIR", self.data())
            .stdin(Stdio::null());
        // The package client may need to know where packages come from.
        for (name, value) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if [
                "PIP_", "SSL_", "HTTP", "http", "NO_PROXY", "no_proxy", "UV_",
            ]
            .iter()
            .any(|prefix| text.starts_with(prefix))
            {
                command.env(name, value);
            }
        }
        command
    }

    /// The command in the project folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.clean(Command::new(env!("CARGO_BIN_EXE_mlhub")));
        command.args(arguments);
        command
    }

    /// Runs the command to its end.
    pub(crate) fn mlhub(&self, arguments: &[&str]) -> Said {
        Said::of(self.command(arguments).output().expect("mlhub starts"))
    }

    /// Runs the command, which must succeed, and parses what it prints.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let said = self.mlhub(&[arguments, &["--json"]].concat());
        assert_eq!(said.code, Some(0), "{arguments:?}: {}", said.stderr);
        serde_json::from_str(&said.stdout).expect("JSON on standard output")
    }

    /// Runs the command, which must succeed.
    #[track_caller]
    pub(crate) fn ok(&self, arguments: &[&str]) -> Said {
        let said = self.mlhub(arguments);
        assert_eq!(said.code, Some(0), "{arguments:?}: {}", said.stderr);
        said
    }

    /// Queues the runs of an experiment without waiting; returns their ids.
    #[track_caller]
    pub(crate) fn detach(&self, experiment: &str) -> Vec<String> {
        let made = self.json(&["run", experiment, "--detach"]);
        let ids = made["runs"].as_array().expect("ids").iter();
        ids.map(|id| id.as_str().expect("an id").to_owned())
            .collect()
    }

    /// Serves the hub on a free port.
    pub(crate) fn serve(&self, arguments: &[&str]) -> Served {
        let mut command = self.command(&["serve", "--port", "0"]);
        command.args(arguments);
        Served::start(command, &self.data(), None)
    }

    /// All runs as `runs --json` prints them.
    pub(crate) fn runs(&self) -> Vec<Value> {
        match self.json(&["runs"]) {
            Value::Array(runs) => runs,
            other => panic!("not an array: {other}"),
        }
    }

    /// The run directory of an attempt.
    pub(crate) fn run_dir(&self, id: &str, attempt: u32) -> PathBuf {
        self.data().join("runs").join(id).join(attempt.to_string())
    }

    /// Waits until a program waits at a gate.
    #[track_caller]
    pub(crate) fn reached(&self, gate: &str) {
        let file = self.project().join("gates").join(format!("at-{gate}"));
        wait(&format!("a program at the gate {gate}"), || {
            file.exists().then_some(())
        });
    }

    /// Lets programs through a gate.
    pub(crate) fn open(&self, gate: &str) {
        self.write(&format!("gates/open-{gate}"), "");
    }

    /// The program of a run, once it is started.
    pub(crate) fn program(&self, id: &str) -> ProgramFile {
        let file = self.run_dir(id, 1).join("program.json");
        wait("the started program", || read_json(&file))
    }

    /// The process id of a run's living supervisor.
    pub(crate) fn supervisor(&self, id: &str) -> i32 {
        let file = self.run_dir(id, 1).join("supervisor.json");
        wait("a living supervisor", || {
            let record: SupervisorFile = read_json(&file)?;
            is_alive(&record.supervisor).then_some(record.supervisor.pid)
        })
    }

    /// Text with what differs between machines and runs replaced by names.
    pub(crate) fn plain(&self, text: &str) -> String {
        let mut text = text.replace(&self.path().display().to_string(), "[world]");
        for (before, name) in [
            ("process ", "[pid]"),
            ("127.0.0.1:", "[port]"),
            ("port ", "[port]"),
        ] {
            text = mask_numbers(&text, before, name);
        }
        if let Ok(runs) = std::fs::read_dir(self.data().join("runs")) {
            for run in runs.flatten() {
                text = text.replace(run.file_name().to_string_lossy().as_ref(), "[run]");
            }
        }
        text
    }

    /// Ends what the story has left running: every process whose command line
    /// or environment names this world's folder.
    fn end_processes(&self) {
        let marker = self.path().as_os_str().as_encoded_bytes().to_vec();
        let names = |path: PathBuf| {
            std::fs::read(path).is_ok_and(|bytes| {
                bytes
                    .windows(marker.len())
                    .any(|window| window == marker.as_slice())
            })
        };
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Ok(pid) = entry.file_name().to_string_lossy().parse::<i32>() else {
                continue;
            };
            if names(entry.path().join("cmdline")) || names(entry.path().join("environ")) {
                // It may have ended by itself meanwhile.
                Pid::from_raw(pid).map(|pid| kill_process(pid, Signal::KILL).ok());
            }
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.end_processes();
    }
}

impl Said {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Served {
    /// Starts a hub and waits until it answers.
    pub(crate) fn start(mut command: Command, data: &Path, token: Option<&str>) -> Self {
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("serve starts");
        let file = data.join("hub.json");
        let url = wait("the hub's address", || {
            if let Some(status) = child.try_wait().expect("wait") {
                panic!("the hub ended while starting: {status}");
            }
            let hub: HubFile = read_json(&file)?;
            // The file may still be that of a hub which is making way.
            let ours = u32::try_from(hub.process.pid) == Ok(child.id());
            (ours && is_alive(&hub.process)).then_some(hub.url)
        });
        let client = Client::new(&url, token).expect("a client");
        wait("the hub's health", || client.health().ok());
        Self { child, url, client }
    }

    /// The hub's process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills the hub without a chance to tidy up.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("kill");
        self.child.wait().expect("wait");
    }

    pub(crate) fn run(&self, id: &str) -> RunDetail {
        self.client.run_get(id).expect("the run")
    }

    /// Waits until a run has ended and is evaluated.
    #[track_caller]
    pub(crate) fn settled(&self, id: &str) -> RunDetail {
        wait("the end of a run", || {
            let run = self.run(id);
            let pending = run
                .evaluations
                .iter()
                .any(|evaluation| evaluation.state == "pending");
            let active = ["queued", "running"].contains(&run.summary.state.as_str());
            (!active && !pending).then_some(run)
        })
    }

    /// All points of one metric.
    pub(crate) fn series(&self, id: &str, metric: &str) -> SeriesView {
        let query = SeriesQuery {
            runs: vec![id.to_owned()],
            metrics: vec![metric.to_owned()],
            reduction: SeriesReduction::None,
            ..SeriesQuery::default()
        };
        let mut reply = self.client.series_query(&query).expect("a series");
        assert_eq!(reply.series.len(), 1);
        reply.series.remove(0)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already, which is as well.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Replaces digits that follow `before`.
fn mask_numbers(text: &str, before: &str, name: &str) -> String {
    let mut pieces = text.split(before);
    let mut masked = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        masked.push_str(before);
        let rest = piece.trim_start_matches(|character: char| character.is_ascii_digit());
        if rest.len() < piece.len() {
            masked.push_str(name);
        }
        masked.push_str(rest);
    }
    masked
}

/// Lines of an experiment that give a script the iris dataset to predict.
pub(crate) const IRIS: &str = "dataset: {path: iris.csv, target: species, split: {seed: 3, fractions: {train: 0.7, test: 0.3}}}\nevaluation: {task: multiclass, bootstrap: {samples: 100}}";
