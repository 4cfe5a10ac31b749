//! Forwarders: ship the run directory of a program that nobody here started.
//!
//! The SDK makes a directory with `sdk.json` and writes into it; a forwarder makes
//! the run on the hub, ships what is there and what comes, samples the machine,
//! sees the end and tells it. It is no parent of the program: an exit code is known
//! when the SDK wrote `exit.json`, and otherwise the run is lost. Two forwarders of
//! a directory exclude each other by a lock; what one left, the next goes on with.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mlhub_protocol::run_dir::{
    HubAddress, RUN_DIR_VERSION, SdkFile, SdkRole, SupervisorFile, names,
};

use super::creation::Creation;
use super::error::{Result, SupervisorError};
use super::files::{FileLock, read_json};
use super::identity::{is_alive, own_identity};
use super::journal::{Journal, OwnEvents, Record};
use super::link::Shared;
use super::run_dir::{RunDir, SUPERVISOR_LOG};
use super::sdk_dir::{earlier_attempt, file_name_part, run_dir, sdk_file, snapshot_parts};
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

    pub(super) fn serve(&self, address: &HubAddress) -> Option<Box<dyn LocalHub>> {
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
pub(super) struct Forwarding {
    pub(super) dir: RunDir,
    pub(super) file: SdkFile,
    pub(super) record: Arc<Record>,
    pub(super) journal: Arc<Journal>,
    pub(super) shared: Arc<Shared>,
    earlier: Option<SupervisorFile>,
    _lock: FileLock,
}

impl Forwarding {
    /// `None` when another process is at it.
    pub(super) fn take(path: &Path, options: &ForwardOptions) -> Result<Option<Self>> {
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

    pub(super) fn shipper(&self, options: SuperviseOptions, mut mode: ShipMode) -> Shipper {
        let worker = self.file.role == SdkRole::Worker;
        let snapshot = snapshot_parts(self.dir.path(), &self.file);
        let follows = earlier_attempt(self.dir.path(), &self.file).is_some();
        mode.creation = Some(Creation::new(&self.file, &snapshot, !worker, follows));
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

fn wait_for_capture(dir: &Path, file: &SdkFile) {
    let since = Instant::now();
    let missing = || file.capture_pending && !dir.join(names::CAPTURE).exists();
    while missing() && since.elapsed() < CAPTURE_WAIT_MAX && is_alive(&file.process) {
        std::thread::sleep(CAPTURE_PAUSE);
    }
}
