//! Forwarders: ship the run directory of a program that nobody here started.
//!
//! The SDK makes a directory with `sdk.json` and writes into it; a forwarder makes
//! the run on the hub, ships what is there and what comes, samples the machine,
//! sees the end and tells it. It is no parent of the program: an exit code is known
//! when the SDK wrote `exit.json`, and otherwise the run is lost. Two forwarders of
//! a directory exclude each other by a lock; what one left, the next goes on with.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use mlhub_protocol::run_dir::{
    HubAddress, LaunchFile, ProgramFile, RUN_DIR_VERSION, Resources, RunFile, RunIdentity, SdkFile,
    SdkRole, SupervisorFile, names,
};
use serde_json::Value;

use super::creation::Creation;
use super::error::{Result, SupervisorError};
use super::files::{FileLock, read_json};
use super::identity::{is_alive, own_identity};
use super::journal::{Journal, OwnEvents, Record};
use super::link::{LocalEnd, Shared};
use super::run_dir::{RunDir, SUPERVISOR_LOG};
use super::sdk_process::{SdkProcess, Watcher};
use super::ship::{LocalHub, ShipMode, Shipped, Shipper};
use super::supervise::{
    EXIT_DONE, EXIT_LATER, EXIT_UNUSABLE, SuperviseOptions, conclude, empty_record, keep_contact,
    take_lock,
};
use super::system::SYSTEM_EVENTS;

/// How long a forwarder looks for a hub after the program's end; after that
/// `mlhub sync` ships what is left.
const HUB_ABSENCE_MAX: Duration = Duration::from_hours(14 * 24);
/// The longest pause between two tries to reach the hub.
const RETRY_MAX: Duration = Duration::from_secs(10);
/// How long a synchronisation looks for a hub that stopped answering.
const SYNC_ABSENCE_MAX: Duration = Duration::from_secs(20);
/// How long the rest of the snapshot is waited for.
const CAPTURE_WAIT_MAX: Duration = Duration::from_secs(15);
/// Pause between looks for it.
const CAPTURE_PAUSE: Duration = Duration::from_millis(50);

/// Gives what serves the hub of a data directory.
pub type ServeLocally = Box<dyn Fn(&Path) -> Box<dyn LocalHub>>;

/// How a run directory of the SDK is shipped.
pub struct ForwardOptions {
    /// Where the hub is, whatever `sdk.json` says.
    pub hub: Option<HubAddress>,
    /// Where it is, when neither this nor `sdk.json` says.
    pub default_hub: HubAddress,
    /// Gives what serves the hub of a data directory where nobody does.
    pub local_hub: ServeLocally,
}

impl ForwardOptions {
    fn address(&self, file: &SdkFile) -> HubAddress {
        let named = self.hub.as_ref().or(file.hub.as_ref());
        named.unwrap_or(&self.default_hub).clone()
    }

    fn serve(&self, address: &HubAddress) -> Option<Box<dyn LocalHub>> {
        match address {
            HubAddress::DataDir(folder) => Some((self.local_hub)(Path::new(folder))),
            HubAddress::Url(_) => None,
        }
    }
}

impl std::fmt::Debug for ForwardOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ForwardOptions")
            .field("hub", &self.hub)
            .finish_non_exhaustive()
    }
}

/// What a synchronisation led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncState {
    /// Everything is on the hub, with the run's end.
    Shipped,
    /// Everything there is, and the program goes on.
    Running,
    /// A forwarder or another synchronisation is at it.
    Busy,
    /// The hub could not be reached or stopped answering.
    Unreachable,
    /// Another machine has to make the run first.
    Waiting,
    /// The hub does not take it.
    Refused,
}

impl SyncState {
    /// The state's name in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shipped => "shipped",
            Self::Running => "running",
            Self::Busy => "busy",
            Self::Unreachable => "unreachable",
            Self::Waiting => "waiting",
            Self::Refused => "refused",
        }
    }
}

/// What became of one directory.
#[derive(Debug, Clone)]
pub struct Synced {
    /// The run.
    pub run: String,
    /// What it led to.
    pub state: SyncState,
    /// Bytes of events and output shipped this time.
    pub shipped_bytes: u64,
    /// Files on the hub.
    pub files: usize,
    /// Why it is not all shipped, when it is not.
    pub message: Option<String>,
}

/// The `forward` subcommand: ships the run in `dir` until its end is on the hub.
/// Returns the process's exit code. A second forwarder of a directory returns 0
/// at once.
pub fn forward_main(dir: &Path, options: &ForwardOptions) -> i32 {
    // It outlives the terminal and the program that started it.
    let _ = rustix::process::setsid();
    match forward(dir, options) {
        Ok(Shipped::All | Shipped::Never | Shipped::SoFar) => EXIT_DONE,
        Ok(Shipped::Later) => EXIT_LATER,
        Err(error) => {
            eprintln!("forwarder: {error}");
            EXIT_UNUSABLE
        }
    }
}

/// A directory that is being shipped, with its lock.
struct Forwarding {
    dir: RunDir,
    file: SdkFile,
    record: Arc<Record>,
    journal: Arc<Journal>,
    shared: Arc<Shared>,
    earlier: Option<SupervisorFile>,
    _lock: FileLock,
}

impl Forwarding {
    /// `None` when another process is at it.
    fn take(path: &Path, options: &ForwardOptions) -> Result<Option<Self>> {
        let path = std::path::absolute(path).map_err(SupervisorError::io("find", path))?;
        let file = sdk_file(&path)?;
        let Some(lock) = take_lock(&path.join(names::SUPERVISOR_LOCK))? else {
            return Ok(None);
        };
        for folder in [names::EVENTS, names::ARTIFACTS] {
            let folder = path.join(folder);
            std::fs::create_dir_all(&folder).map_err(SupervisorError::io("make", &folder))?;
        }
        let earlier: Option<SupervisorFile> = read_json(&path.join(names::SUPERVISOR))?;
        let record = Arc::new(Record::new(
            path.join(names::SUPERVISOR),
            SupervisorFile {
                version: RUN_DIR_VERSION,
                supervisor: own_identity(),
                refused: None,
                ..earlier.clone().unwrap_or_else(empty_record)
            },
        ));
        Ok(Some(Self {
            dir: run_dir(&path, &file, options.address(&file)),
            journal: Arc::new(Journal::new(path.join(SUPERVISOR_LOG))),
            file,
            record,
            shared: Arc::new(Shared::default()),
            earlier,
            _lock: lock,
        }))
    }

    fn shipper(&self, options: SuperviseOptions, mut mode: ShipMode) -> Shipper {
        let worker = self.file.role == SdkRole::Worker;
        let snapshot = snapshot_parts(self.dir.path(), &self.file);
        mode.creation = Some(Creation::new(&self.file, &snapshot, !worker));
        mode.worker = worker.then(|| file_name_part(&self.file.host));
        Shipper::new(
            self.dir.clone(),
            Arc::clone(&self.shared),
            Arc::clone(&self.record),
            Arc::clone(&self.journal),
            options,
        )
        .with_mode(mode)
    }

    /// Where the samples of this machine go, and what stands before their names.
    fn samples(&self) -> (OwnEvents, Option<String>) {
        let events = self.dir.file(names::EVENTS);
        match self.file.role {
            SdkRole::Main => (OwnEvents::new(&events, SYSTEM_EVENTS), None),
            SdkRole::Worker => {
                let host = file_name_part(&self.file.host);
                let own = OwnEvents::new(&events, &format!("system-{host}.jsonl"));
                (own, Some(host))
            }
        }
    }
}

fn forward(path: &Path, options: &ForwardOptions) -> Result<Shipped> {
    let Some(forwarding) = Forwarding::take(path, options)? else {
        return Ok(Shipped::All);
    };
    let Forwarding {
        dir,
        file,
        record,
        journal,
        shared,
        earlier,
        ..
    } = &forwarding;
    if earlier.as_ref().is_some_and(|file| file.shipped) {
        return Ok(Shipped::All);
    }
    record.save(true);
    journal.note(match earlier {
        None => "forwarder started",
        Some(_) => "forwarder goes on where an earlier one stopped",
    });
    wait_for_capture(dir.path(), file);
    let how = SuperviseOptions {
        exe: None,
        hub_absence_exit: HUB_ABSENCE_MAX,
        retry_max: RETRY_MAX,
        ..SuperviseOptions::default()
    };
    let shipper = forwarding.shipper(
        how.clone(),
        ShipMode {
            local_hub: options.serve(&dir.launch().hub),
            ..ShipMode::default()
        },
    );
    let (samples, prefix) = forwarding.samples();
    let watcher = Watcher::new(
        SdkProcess::new(dir.path(), file),
        shared,
        record,
        journal,
        samples,
        prefix,
    );
    let shipped = std::thread::scope(|scope| {
        let shipping = scope.spawn(|| {
            let shipped = shipper.run();
            // A run that the hub does not want needs no watching any more.
            shared.set(&shared.closing);
            shipped
        });
        if file.role == SdkRole::Main {
            scope.spawn(|| keep_contact(dir, &how, shared, record));
        }
        if let Some(end) = watcher.run() {
            shared.end_set(end);
        }
        shipping.join().unwrap_or_else(|_| {
            journal.note("defect: the shipping thread panicked; another forwarder goes on later");
            Shipped::Later
        })
    });
    conclude(dir, record, journal, shipped);
    Ok(shipped)
}

/// Ships what is in `dir`, once; with the end when the program has ended. Blocks.
/// `progress` is told bytes shipped and bytes left, now and then.
///
/// # Errors
/// When the directory cannot be used.
pub fn sync_run(
    dir: &Path,
    options: &ForwardOptions,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Synced> {
    /// Pause between two reports of progress.
    const PROGRESS_PAUSE: Duration = Duration::from_millis(100);
    let run = sdk_file(dir)?.run.id;
    let Some(forwarding) = Forwarding::take(dir, options)? else {
        return Ok(Synced {
            run,
            state: SyncState::Busy,
            shipped_bytes: 0,
            files: 0,
            message: Some("its forwarder is shipping it".to_owned()),
        });
    };
    let Forwarding {
        dir,
        file,
        record,
        journal,
        shared,
        ..
    } = &forwarding;
    journal.note("synchronising");
    let process = SdkProcess::new(dir.path(), file);
    if let Some(exit) = process.end() {
        shared.end_set(LocalEnd {
            program: Some(process.program()),
            exit,
            oom: None,
        });
    }
    let how = SuperviseOptions {
        exe: None,
        hub_absence_exit: SYNC_ABSENCE_MAX,
        ..SuperviseOptions::default()
    };
    let shipper = forwarding.shipper(
        how,
        ShipMode {
            once: true,
            local_hub: options.serve(&dir.launch().hub),
            ..ShipMode::default()
        },
    );
    let shipped_bytes = || shared.shipped_bytes.load(Ordering::Acquire);
    let shipped = std::thread::scope(|scope| {
        let shipping = scope.spawn(|| shipper.run());
        while !shipping.is_finished() {
            progress(
                shipped_bytes(),
                shared.backlog_bytes.load(Ordering::Acquire),
            );
            shared.wait(PROGRESS_PAUSE);
        }
        shipping.join().unwrap_or(Shipped::Later)
    });
    conclude(dir, record, journal, shipped);
    let (files, refused) = record.change(|file| (file.files.len(), file.refused.clone()));
    let state = match shipped {
        Shipped::All => SyncState::Shipped,
        Shipped::SoFar => SyncState::Running,
        Shipped::Later if file.role == SdkRole::Worker && shipped_bytes() == 0 => {
            SyncState::Waiting
        }
        Shipped::Later => SyncState::Unreachable,
        Shipped::Never => SyncState::Refused,
    };
    let message = match state {
        SyncState::Shipped | SyncState::Busy => None,
        SyncState::Running => Some("its program goes on; what it has written so far is shipped".to_owned()),
        SyncState::Waiting => Some(
            "the hub does not answer, or the machine of the first rank has not made the run there yet"
                .to_owned(),
        ),
        SyncState::Unreachable => Some("the hub does not answer; sync again when it does".to_owned()),
        SyncState::Refused => {
            Some(refused.unwrap_or_else(|| "the run was deleted on the hub, or its end refused; see supervisor.log".to_owned()))
        }
    };
    Ok(Synced {
        run,
        state,
        shipped_bytes: shipped_bytes(),
        files,
        message,
    })
}

/// Whether a folder is a run directory of the SDK.
pub fn is_sdk_run(dir: &Path) -> bool {
    dir.join(names::SDK).is_file()
}

fn sdk_file(dir: &Path) -> Result<SdkFile> {
    let path = dir.join(names::SDK);
    read_json(&path)?.ok_or_else(|| SupervisorError::Malformed {
        path,
        reason: "it is missing; this is no run directory of the SDK".to_owned(),
    })
}

/// What a supervisor's directory would say, from what the SDK's says.
fn run_dir(path: &Path, file: &SdkFile, hub: HubAddress) -> RunDir {
    let command: Vec<String> = file
        .snapshot
        .get("command")
        .and_then(|command| serde_json::from_value(command.clone()).ok())
        .unwrap_or_else(|| vec!["the program".to_owned()]);
    let run = RunFile {
        version: RUN_DIR_VERSION,
        run: RunIdentity {
            id: file.run.id.clone(),
            project: file.run.project.clone(),
            experiment: file.run.experiment.clone().unwrap_or_default(),
            name: file.run.name.clone().unwrap_or_default(),
            group: file.run.group.clone(),
        },
        attempt: 1,
        seed: file.seed.unwrap_or_default(),
        smoke: false,
        params: serde_json::Map::new(),
        task: None,
        dataset: None,
        predict_splits: Vec::new(),
        resume: None,
        resources: Resources::default(),
        config: Value::Null,
    };
    let launch = LaunchFile {
        version: RUN_DIR_VERSION,
        argv: command,
        cwd: String::new(),
        env: std::collections::BTreeMap::new(),
        hub,
        host: file.host.clone(),
        grace_seconds: 0,
        timeout_seconds: None,
        stdout_events: false,
        log_metrics: Vec::new(),
        system_interval_seconds: file.system_interval_seconds,
        queue_position: 0,
    };
    let program = ProgramFile {
        version: RUN_DIR_VERSION,
        program: file.process.clone(),
        shim: file.process.clone(),
        started_at_ms: file.started_at_ms,
    };
    RunDir::of_sdk(path, run, launch, program)
}

fn wait_for_capture(dir: &Path, file: &SdkFile) {
    let since = Instant::now();
    let missing = || file.capture_pending && !dir.join(names::CAPTURE).exists();
    while missing() && since.elapsed() < CAPTURE_WAIT_MAX && is_alive(&file.process) {
        std::thread::sleep(CAPTURE_PAUSE);
    }
}

/// The snapshot of `sdk.json` with what `capture.json` adds, key by key.
fn snapshot_parts(dir: &Path, file: &SdkFile) -> Value {
    let mut parts = file.snapshot.clone();
    // Without what comes late there is still a run.
    let later: Option<Value> = read_json(&dir.join(names::CAPTURE)).unwrap_or_default();
    if let Some(later) = later {
        merge(&mut parts, later);
    }
    parts
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

/// A host's name as part of a file's.
fn file_name_part(host: &str) -> String {
    /// Characters of it.
    const PART_MAX: usize = 60;
    host.chars()
        .take(PART_MAX)
        .map(|letter| {
            if letter.is_ascii_alphanumeric() || letter == '-' {
                letter
            } else {
                '_'
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_late_is_merged_key_by_key() {
        let mut parts = serde_json::json!({"code": {"commit": "c"}, "command": ["a"]});
        merge(
            &mut parts,
            serde_json::json!({"code": {"patch": "p"}, "command": ["b"], "machine": {}}),
        );
        let expected = serde_json::json!({"code": {"commit": "c", "patch": "p"}, "command": ["b"], "machine": {}});
        assert_eq!(parts, expected);
    }
}
