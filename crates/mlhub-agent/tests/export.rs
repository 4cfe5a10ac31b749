//! Programs that export a model as the protocol says, and programs that do not, as
//! real processes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mlhub_agent::adapter::LaunchPlan;
use mlhub_agent::export::{ExportError, ExportLimits, Exported, export};
use mlhub_agent::serving::WorkerPlan;
use mlhub_agent::supervisor::process_identity;
use serde_json::json;

/// How long a condition may take to come true on a busy machine.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// Pause between two looks at it.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// What every program of these tests begins with.
const COMMON: &str = r#"
import json, os, resource, subprocess, sys, time
run = json.load(open("run.json"))
def event(**fields):
    with open("events/0.jsonl", "a") as file:
        file.write(json.dumps(fields) + "\n")
def leave(path, text, kind="export"):
    os.makedirs(os.path.dirname("artifacts/" + path), exist_ok=True)
    with open("artifacts/" + path, "w") as file:
        file.write(text)
    event(artifact={"path": "artifacts/" + path, "kind": kind})
def report(**fields):
    whole = {"version": 1, "format": run["export"]["format"], "compared_rows": 8,
             "max_abs_difference": 1e-7, "tolerance": 1e-5}
    leave("export.json", json.dumps({**whole, **fields}))
def touch(name, text=""):
    with open("../" + name + ".new", "w") as file:
        file.write(text)
    os.rename("../" + name + ".new", "../" + name)
"#;

struct Bench {
    folder: tempfile::TempDir,
    limits: ExportLimits,
}

impl Bench {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            limits: ExportLimits {
                time: WAIT_MAX,
                ..ExportLimits::default()
            },
        }
    }

    fn plan(&self, program: &str) -> WorkerPlan {
        let dir = self.folder.path().join("export");
        let run = json!({
            "version": 1, "run": {"id": "r1", "project": "p", "experiment": "e", "name": "n"},
            "attempt": 1, "seed": 1, "params": {}, "config": {},
            "model": {"path": "/nowhere"}, "export": {"format": "onnx"},
        });
        let program = format!("{COMMON}\n{program}");
        let path = std::env::var("PATH").unwrap();
        WorkerPlan {
            launch: LaunchPlan {
                argv: ["python3", "-c", &program].map(str::to_owned).into(),
                cwd: dir.clone(),
                env: BTreeMap::from([("PATH".to_owned(), path)]),
                stdout_events: false,
                log_metrics: Vec::new(),
                config_file: None,
            },
            dir,
            run: serde_json::from_value(run).unwrap(),
        }
    }

    fn export_until(
        &self,
        program: &str,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Exported, ExportError> {
        let plan = self.plan(program);
        if plan.dir.exists() {
            std::fs::remove_dir_all(&plan.dir).unwrap();
        }
        export(&plan, exe(), self.limits, stopped)
    }

    fn export(&self, program: &str) -> Result<Exported, ExportError> {
        self.export_until(program, &|| false)
    }

    fn there(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn exe() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_mlhub-supervise"))
}

#[track_caller]
fn wait(mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + WAIT_MAX;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain");
        std::thread::sleep(LOOK_INTERVAL);
    }
}

#[test]
fn what_a_program_exported_is_read_with_its_report() {
    let bench = Bench::new();
    let exported = bench
        .export("leave('model.onnx', 'weights')\nleave('parts/a.bin', 'more')\nreport()")
        .unwrap();
    assert_eq!(exported.report.compared_rows, 8);
    assert_eq!(exported.report.format, "onnx");
    let files: Vec<(&str, u64)> = exported
        .files
        .iter()
        .map(|file| (file.path.as_str(), file.size_bytes))
        .collect();
    assert_eq!(files[..2], [("model.onnx", 7), ("parts/a.bin", 4)]);
    assert_eq!(files[2].0, "export.json", "the report is the last");
    assert_eq!(std::fs::read(&exported.files[0].place).unwrap(), b"weights");

    let folder = "os.makedirs('artifacts/tree/a')\nopen('artifacts/tree/a/b', 'w').write('x')\nevent(artifact={'path': 'artifacts/tree', 'kind': 'export'})\nreport()";
    let exported = bench.export(folder).unwrap();
    assert_eq!(exported.files[0].path.as_str(), "tree/a/b");
}

#[test]
fn what_breaks_the_protocol_is_no_export() {
    let bench = Bench::new();
    let model = "leave('model.onnx', 'weights')\n";
    for (program, reason) in [
        ("", "no event names `artifacts/export.json`"),
        ("report()", "beside `export.json`"),
        ("leave('model.onnx', '')\nreport()", "beside `export.json`"),
        ("report(compared_rows=0)", "no row was compared"),
        ("report(format='tflite')", "of another format"),
        ("report(version=2)", "version 2 is not known"),
        ("report(max_abs_difference=0.5)", "beyond the tolerance"),
        ("report(max_abs_difference=float('nan'))", "`export.json`"),
        ("report(max_abs_difference=None)", "`export.json`"),
        (
            "report(tolerance=-1.0, max_abs_difference=-2.0)",
            "less than 0",
        ),
        ("leave('x', 'y', kind='model')\nreport()", "another kind"),
        (
            "event(artifact={'path': 'artifacts/gone', 'kind': 'export'})\nreport()",
            "there is no file",
        ),
        (
            "event(artifact={'path': 'run.json', 'kind': 'export'})\nreport()",
            "not below `artifacts/`",
        ),
        (
            "event(artifact={'path': 'artifacts/../run.json', 'kind': 'export'})\nreport()",
            "an event names `artifacts/../run.json`",
        ),
        (
            "os.symlink(os.path.abspath('run.json'), 'artifacts/x')\nevent(artifact={'path': 'artifacts/x', 'kind': 'export'})\nreport()",
            "a link",
        ),
        (
            "os.symlink(os.path.abspath('.'), 'artifacts/x')\nevent(artifact={'path': 'artifacts/x/run.json', 'kind': 'export'})\nreport()",
            "a link",
        ),
    ] {
        let whole = match reason {
            "beside `export.json`" => program.to_owned(),
            _ => format!("{model}{program}"),
        };
        match bench.export(&whole) {
            Err(ExportError::Broken(said)) => assert!(said.contains(reason), "{program}: {said}"),
            other => panic!("{program}: {other:?}"),
        }
    }
}

#[test]
fn a_program_that_does_not_succeed_is_told_by_its_own_words_and_not_its_log() {
    let bench = Bench::new();
    let ended = |code: i32| {
        bench
            .export(&format!(
                "print('last words', file=sys.stderr)\nevent(error={{'field': 'export.format', 'message': 'onnx it is'}})\nsys.exit({code})"
            ))
            .expect_err("it does not succeed")
    };
    let unsupported = ended(69);
    assert!(
        matches!(&unsupported, ExportError::Unsupported { message } if message == "onnx it is"),
        "{unsupported}"
    );
    assert!(
        ended(64)
            .to_string()
            .ends_with("refused the model: export.format: onnx it is")
    );
    let failed = ended(1);
    let said = failed.to_string();
    assert!(
        said.contains("onnx it is (exit status: 1)") && !said.contains("last words"),
        "{said}"
    );
    assert_eq!(failed.last_lines(), ["last words"]);
    let killed = bench
        .export("import signal\nos.kill(os.getpid(), signal.SIGSEGV)")
        .expect_err("killed");
    assert!(killed.to_string().contains("signal: 11"), "{killed}");
    let mut plan = bench.plan("");
    std::fs::remove_dir_all(&plan.dir).unwrap();
    plan.launch.argv = vec!["/nonexistent/program".to_owned()];
    let error = export(&plan, exe(), bench.limits, &|| false).expect_err("no program");
    assert!(
        error.last_lines()[0].contains("/nonexistent/program"),
        "{error}"
    );
}

#[test]
fn a_program_is_bounded_and_ends_with_all_it_started() {
    let hang = "child = subprocess.Popen(['sleep', '600'])\ntouch('child', str(child.pid))\ntime.sleep(600)";
    let mut bench = Bench::new();
    bench.limits.time = Duration::from_secs(2);
    let error = bench.export(hang).expect_err("it hangs");
    assert!(matches!(error, ExportError::TimedOut { .. }), "{error}");
    let child = || {
        let text = std::fs::read_to_string(bench.there("child")).unwrap();
        text.parse::<i32>().unwrap()
    };
    wait(|| process_identity(child()).is_none());

    std::fs::remove_file(bench.there("child")).unwrap();
    let there = bench.there("child");
    bench.limits.time = WAIT_MAX;
    let error = bench
        .export_until(hang, &|| there.exists())
        .expect_err("given up");
    assert!(matches!(error, ExportError::Stopped), "{error}");
    let text = std::fs::read_to_string(&there).unwrap();
    wait(|| process_identity(text.parse().unwrap()).is_none());
}

#[test]
fn output_files_and_memory_are_bounded() {
    let mut bench = Bench::new();
    bench.limits.output_bytes = 10_000;
    bench.limits.files_bytes = 10_000;
    bench.limits.memory_bytes = 128 * 1024 * 1024;
    for (program, what) in [
        (
            "sys.stderr.write('x' * 20_000)\nsys.stderr.flush()",
            "output",
        ),
        ("leave('model.onnx', 'x' * 20_000)", "files"),
        ("eaten = b'x' * (256 * 1024 * 1024)", "memory"),
    ] {
        let error = bench
            .export(&format!("{program}\ntime.sleep(600)"))
            .expect_err("too much");
        assert!(
            matches!(&error, ExportError::TooMuch { what: found, .. } if found.contains(what)),
            "{program}: {error}"
        );
    }
}

#[test]
fn the_kernel_holds_one_process_to_its_bounds() {
    let bench = Bench::new();
    bench
        .export(
            "assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)
assert 0 < resource.getrlimit(resource.RLIMIT_NOFILE)[1] <= 65536
assert 0 < resource.getrlimit(resource.RLIMIT_FSIZE)[1] <= 32 * 2**30
assert sys.stdin.read() == ''
leave('model.onnx', 'weights')\nreport()",
        )
        .unwrap();
}

#[test]
fn a_program_ends_with_the_hub_that_started_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let program = "import os, sys, time\nopen(sys.argv[1] + '.new', 'w').write(str(os.getpid()))\nos.rename(sys.argv[1] + '.new', sys.argv[1])\ntime.sleep(600)";
    let mut parent = Command::new(exe())
        .args(["confined", "--", "python3", "-c", program])
        .arg(&file)
        .stdin(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap();
    wait(|| file.exists());
    let pid: i32 = std::fs::read_to_string(&file).unwrap().parse().unwrap();
    assert!(process_identity(pid).is_some());
    // What a hub that is killed leaves: nobody holds the other end.
    drop(parent.stdin.take());
    assert!(!parent.wait().unwrap().success());
    wait(|| process_identity(pid).is_none());
}
