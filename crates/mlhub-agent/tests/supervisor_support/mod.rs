//! What the tests of real supervisors share: a data directory with a test hub,
//! programs written in shell, and waiting on conditions.

#![expect(dead_code, reason = "each test binary uses its own part")]

pub(crate) mod hub;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mlhub_agent::supervisor::{RunDir, is_alive, own_identity};
use mlhub_protocol::run_dir::{
    HubAddress, HubFile, LaunchFile, Limits, ProcessIdentity, RUN_DIR_VERSION, Resources, RunFile,
    RunIdentity,
};

use hub::TestHub;

/// Longest wait for anything in a test.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program with the subcommands `supervise`, `shim` and `agent`.
pub(crate) fn exe() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_mlhub-supervise"))
}

/// Waits until `condition` holds.
pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let since = Instant::now();
    while !condition() {
        assert!(since.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A data directory with a hub.
pub(crate) struct Bench {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) hub: TestHub,
    children: Vec<Child>,
}

impl Bench {
    /// With an open hub.
    pub(crate) fn new() -> Self {
        let bench = Self::without_hub();
        bench.hub_open();
        bench
    }

    pub(crate) fn without_hub() -> Self {
        Self {
            folder: tempfile::tempdir().expect("temporary folder"),
            hub: TestHub::default(),
            children: Vec::new(),
        }
    }

    /// Opens the hub on a fresh port and says so in `hub.json`.
    pub(crate) fn hub_open(&self) {
        let file = HubFile {
            version: RUN_DIR_VERSION,
            url: self.hub.open(),
            process: own_identity(),
            token: None,
            yields: false,
        };
        let path = self.folder.path().join("hub.json");
        let temporary = path.with_extension("new");
        std::fs::write(&temporary, serde_json::to_vec(&file).expect("json")).expect("write");
        std::fs::rename(temporary, path).expect("rename");
    }

    /// Prepares a run of `sh -c script`.
    pub(crate) fn prepare(
        &self,
        id: &str,
        script: &str,
        change: impl FnOnce(&mut LaunchFile),
    ) -> RunDir {
        self.prepare_in(
            &RunDir::attempt_path(self.folder.path(), id, 1),
            id,
            script,
            change,
        )
    }

    pub(crate) fn prepare_in(
        &self,
        path: &Path,
        id: &str,
        script: &str,
        change: impl FnOnce(&mut LaunchFile),
    ) -> RunDir {
        let run = RunFile {
            version: RUN_DIR_VERSION,
            run: RunIdentity {
                id: id.to_owned(),
                project: "p".to_owned(),
                experiment: "e".to_owned(),
                name: "n".to_owned(),
                group: None,
            },
            attempt: 1,
            seed: 7,
            smoke: false,
            params: serde_json::Map::new(),
            task: None,
            dataset: None,
            predict_splits: vec!["test".to_owned()],
            resume: None,
            model: None,
            export: None,
            resources: Resources::default(),
            config: serde_json::Value::Null,
        };
        let path_variable = std::env::var("PATH").expect("PATH");
        let mut launch = LaunchFile {
            version: RUN_DIR_VERSION,
            argv: ["sh", "-c", script].map(str::to_owned).to_vec(),
            cwd: self.folder.path().to_str().expect("UTF-8").to_owned(),
            env: BTreeMap::from([("PATH".to_owned(), path_variable)]),
            hub: HubAddress::DataDir(self.folder.path().to_str().expect("UTF-8").to_owned()),
            host: "here".to_owned(),
            grace_seconds: 30,
            timeout_seconds: None,
            limits: Limits::default(),
            stdout_events: false,
            log_metrics: Vec::new(),
            log_scan: true,
            system_interval_seconds: 0,
            queue_position: 0,
        };
        change(&mut launch);
        RunDir::create(path, &run, &launch).expect("made")
    }

    /// Starts a supervisor; returns its place among the children.
    pub(crate) fn supervise(&mut self, dir: &RunDir, arguments: &[&str]) -> usize {
        let mut command = Command::new(exe());
        command.arg("supervise").arg(dir.path()).args(arguments);
        self.start(command)
    }

    /// Starts an agent.
    pub(crate) fn agent(&mut self, slots: usize) -> usize {
        let mut command = Command::new(exe());
        command
            .arg("agent")
            .arg("--data-dir")
            .arg(self.folder.path());
        command.arg("--slots").arg(slots.to_string());
        self.start(command)
    }

    fn start(&mut self, mut command: Command) -> usize {
        command.stdin(Stdio::null()).stdout(Stdio::null());
        self.children.push(command.spawn().expect("starts"));
        self.children.len() - 1
    }

    /// Waits for a child to end by itself; returns its exit code.
    pub(crate) fn ended(&mut self, child: usize) -> Option<i32> {
        let mut status = None;
        until("the process ends", || {
            status = self.children[child].try_wait().expect("waitable");
            status.is_some()
        });
        status.and_then(|status| status.code())
    }

    /// Kills a child with SIGKILL.
    pub(crate) fn kill(&mut self, child: usize) {
        self.children[child].kill().expect("killed");
        self.children[child].wait().expect("collected");
    }

    /// A file in the data directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // A test that failed leaves no process of its own behind.
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
        let runs = self.folder.path().join("runs");
        for attempt in glob(&runs) {
            let Ok(dir) = RunDir::open(&attempt) else {
                continue;
            };
            if let Ok(Some(program)) = dir.program() {
                kill_group(&program.program);
            }
        }
        self.hub.close();
    }
}

fn glob(runs: &Path) -> Vec<PathBuf> {
    let list = |path: &Path| -> Vec<PathBuf> {
        std::fs::read_dir(path)
            .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
            .unwrap_or_default()
    };
    list(runs).iter().flat_map(|run| list(run)).collect()
}

/// Kills the group of a program that still lives.
fn kill_group(leader: &ProcessIdentity) {
    if is_alive(leader)
        && let Some(pid) = rustix::process::Pid::from_raw(leader.pid)
    {
        let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
    }
}
