//! Ships what is on disk to the hub, once in effect.
//!
//! The hub's offsets are the truth: they are asked for at every connection, and
//! shipping goes on from there. While the hub is away everything waits on disk.
//! A refusal of one item is told by a warning and the item left out; a refusal
//! never stops the rest and is never repeated for ever.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use mlhub_client::{Client, ClientError};
use mlhub_protocol::batch;
use mlhub_protocol::rest::{AttemptStart, Offsets};
use mlhub_protocol::run_dir::names;

use super::creation::Creation;
use super::journal::{Journal, OwnEvents, Record};
use super::link::{HubLink, Shared, Stop, is, stop_of};
use super::run_dir::RunDir;
use super::ship_logs::LogStream;
use super::supervise::SuperviseOptions;
use super::tail::size_of;
use super::translate::{Requests, Writer};

/// Event file of the supervisor's own warnings.
pub(crate) const OWN_EVENTS: &str = "supervisor.jsonl";
/// Pause between two looks at the files.
const TAIL_PAUSE: Duration = Duration::from_millis(100);
/// First pause after the hub was found away; doubled up to the option's bound.
const RETRY_FIRST: Duration = Duration::from_millis(100);
/// Answers "not from there" in a row before it counts as the hub being away.
const MISALIGNED_MAX: u32 = 20;

/// What became of the shipping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shipped {
    /// Everything, with the end.
    All,
    /// The hub stayed away; another supervisor goes on later.
    Later,
    /// The hub does not want it: the run is deleted, or its end was refused.
    Never,
    /// Everything there is, while the program goes on.
    SoFar,
}

/// What is different where no supervisor ships.
#[derive(Default)]
pub(crate) struct ShipMode {
    /// Ends when everything there is has been shipped.
    pub(crate) once: bool,
    /// Ships for ranks of another machine: tells neither start nor end, and leaves
    /// the output to the machine of the first rank. The text is in the names of
    /// its own event files.
    pub(crate) worker: Option<String>,
    /// Makes the run on the hub at the first connection.
    pub(crate) creation: Option<Creation>,
    /// Serves the hub of this machine's data directory where nobody else does.
    pub(crate) local_hub: Option<Box<dyn LocalHub>>,
}

/// A hub that is served for want of another.
pub trait LocalHub: Send {
    /// Starts serving, unless another is about to.
    ///
    /// # Errors
    /// Why not, in words; it is tried again later.
    fn ensure(&mut self) -> Result<(), String>;

    /// Called again and again: makes way for another hub that asks for it.
    fn tend(&mut self);
}

/// Ships one attempt.
pub(crate) struct Shipper {
    pub(super) dir: RunDir,
    pub(super) shared: Arc<Shared>,
    pub(super) record: Arc<Record>,
    pub(super) journal: Arc<Journal>,
    pub(super) own: OwnEvents,
    options: SuperviseOptions,
    link: HubLink,
    client: Option<Client>,
    pub(super) stored: Offsets,
    pub(super) writers: BTreeMap<String, Writer>,
    pub(super) disabled: BTreeSet<String>,
    /// Event files nobody writes to any more, and how far they were read: to the end.
    pub(super) retired: BTreeMap<String, u64>,
    /// Whether event files wait until others are retired.
    pub(super) crowded: bool,
    pub(super) logs: [LogStream; 2],
    pub(super) misaligned: u32,
    /// Whether the hub takes batches in binary.
    pub(super) binary: bool,
    pub(super) requests: Requests,
    pub(super) uploads: super::keep::Uploads,
    /// Uses of artifacts that this process noted.
    pub(super) noted: BTreeSet<String>,
    mode: ShipMode,
}

impl Shipper {
    pub(crate) fn new(
        dir: RunDir,
        shared: Arc<Shared>,
        record: Arc<Record>,
        journal: Arc<Journal>,
        options: SuperviseOptions,
    ) -> Self {
        let log = |name, file| LogStream {
            name,
            file,
            offset: 0,
            disabled: false,
        };
        Self {
            own: OwnEvents::new(&dir.file(names::EVENTS), OWN_EVENTS),
            link: HubLink::new(&dir.launch().hub),
            dir,
            shared,
            record,
            journal,
            options,
            client: None,
            stored: Offsets::default(),
            writers: BTreeMap::new(),
            disabled: BTreeSet::new(),
            retired: BTreeMap::new(),
            crowded: false,
            logs: [log("stdout", names::STDOUT), log("stderr", names::STDERR)],
            misaligned: 0,
            binary: false,
            requests: Requests::default(),
            uploads: super::keep::Uploads::default(),
            noted: BTreeSet::new(),
            mode: ShipMode::default(),
        }
    }

    /// The same, shipping otherwise than for a supervisor.
    pub(crate) fn with_mode(mut self, mode: ShipMode) -> Self {
        if let Some(worker) = &mode.worker {
            let name = format!("supervisor-{worker}.jsonl");
            self.own = OwnEvents::new(&self.dir.file(names::EVENTS), &name);
            for log in &mut self.logs {
                log.disabled = true;
            }
        }
        self.mode = mode;
        self
    }

    /// Ships until the end is on the hub, or there is no use in going on.
    pub(crate) fn run(mut self) -> Shipped {
        let mut pause = RETRY_FIRST;
        let mut away_since: Option<Instant> = None;
        loop {
            match self.round() {
                Ok(Round::Done(shipped)) => return shipped,
                Ok(Round::Progress) => away_since = None,
                Ok(Round::Idle) if self.mode.once => return Shipped::SoFar,
                Ok(Round::Idle) => {
                    away_since = None;
                    self.shared.wait(TAIL_PAUSE);
                }
                Err(Stop::Refused(reason)) => {
                    self.journal.note(&reason);
                    self.record.change(|file| file.refused = Some(reason));
                    return Shipped::Never;
                }
                Err(Stop::Gone) => {
                    self.journal
                        .note("the hub does not know this run any more; nothing is shipped");
                    self.shared.set(&self.shared.gone);
                    return Shipped::Never;
                }
                Err(Stop::NoEarlier) if self.mode.once => return Shipped::Later,
                Err(stop) => {
                    if away_since.is_none() {
                        pause = RETRY_FIRST;
                        self.journal.note(&match &stop {
                            Stop::Away(error) => format!("waiting for the hub: {error}"),
                            Stop::Local(error) => format!("waiting for the disk: {error}"),
                            Stop::NoRun => {
                                "waiting for the machine of the first rank to make the run"
                                    .to_owned()
                            }
                            Stop::NoEarlier => {
                                "waiting for the run's earlier attempt to be shipped".to_owned()
                            }
                            _ => "waiting for a hub".to_owned(),
                        });
                    }
                    self.client = None;
                    self.serve(&stop);
                    // Counted from the program's end at the earliest.
                    let ended = self.shared.end().is_some() || self.mode.once;
                    if !ended || away_since.is_none() {
                        away_since = Some(Instant::now());
                    }
                    if ended
                        && away_since
                            .is_some_and(|since| since.elapsed() >= self.options.hub_absence_exit)
                    {
                        return Shipped::Later;
                    }
                    self.shared.wait(pause);
                    pause = (pause * 2).min(self.options.retry_max);
                }
            }
            self.record.save(false);
            if let Some(hub) = &mut self.mode.local_hub {
                hub.tend();
            }
        }
    }

    /// Serves the hub from here when there is none.
    fn serve(&mut self, stop: &Stop) {
        let absent = match stop {
            Stop::NoHub => true,
            Stop::Away(error) => error.is_refused(),
            _ => false,
        };
        if let Some(hub) = self.mode.local_hub.as_mut().filter(|_| absent)
            && let Err(reason) = hub.ensure()
        {
            self.journal
                .note(&format!("no hub is served from here: {reason}"));
        }
    }

    fn round(&mut self) -> Result<Round, Stop> {
        let client = match &self.client {
            Some(client) => client.clone(),
            None => self.connect()?,
        };
        // Read before the files: what is there afterwards is all there will be.
        let end = self.shared.end();
        self.start(&client)?;
        self.find_writers(end.is_some());
        let mut progress = false;
        let names: Vec<String> = self.writers.keys().cloned().collect();
        for name in names {
            progress |= self.ship_events(&client, &name, end.is_some())?;
        }
        progress |= self.retire(end.is_some());
        for index in 0..self.logs.len() {
            progress |= self.ship_log(&client, index)?;
        }
        self.measure();
        if progress {
            return Ok(Round::Progress);
        }
        let Some(end) = end else {
            return Ok(Round::Idle);
        };
        // Keeping files may add warnings, which are shipped by another round.
        if self.keep_all(&client)? {
            return Ok(Round::Progress);
        }
        if self.mode.worker.is_some() {
            return Ok(Round::Done(Shipped::All));
        }
        self.finish(&client, &end).map(Round::Done)
    }

    fn connect(&mut self) -> Result<Client, Stop> {
        let client = self.link.client().ok_or(Stop::NoHub)?;
        if let Some(creation) = &mut self.mode.creation {
            let attempt = creation.ensure(&client, &self.record)?;
            self.dir = self.dir.clone().with_attempt(attempt);
            self.mode.creation = None;
        }
        let (run, attempt) = self.who();
        let stored = match client.attempt_offsets(&run, attempt) {
            Ok(stored) => stored,
            Err(error) if error.is_not_found() && self.mode.worker.is_some() => {
                return Err(Stop::NoRun);
            }
            Err(error) => return Err(stop_of(error).unwrap_or(Stop::NoHub)),
        };
        for log in &mut self.logs {
            log.offset = stored.logs.get(log.name).copied().unwrap_or(0);
        }
        for (name, writer) in &mut self.writers {
            let offset = stored.events.get(name).copied().unwrap_or(0);
            if writer.offset != offset {
                writer.seek(offset).map_err(Stop::Local)?;
            }
        }
        // A hub that knows less of them is to get them again.
        self.retired
            .retain(|name, offset| stored.events.get(name).copied().unwrap_or(0) == *offset);
        self.stored = stored;
        // A hub that does not say takes JSON.
        self.binary = client.info().is_ok_and(|info| {
            info.event_formats
                .iter()
                .any(|format| format == batch::CONTENT_TYPE)
        });
        self.shared.set(&self.shared.tell_start);
        self.journal
            .note(&format!("connected to {}", client.base_url()));
        self.client = Some(client.clone());
        Ok(client)
    }

    pub(super) fn who(&self) -> (String, u32) {
        (self.dir.run().run.id.clone(), self.dir.run().attempt)
    }

    /// Tells that the program started, when the hub may not know.
    fn start(&mut self, client: &Client) -> Result<(), Stop> {
        if !is(&self.shared.tell_start) {
            return Ok(());
        }
        if self.mode.worker.is_some() {
            self.shared.tell_start.store(false, Ordering::Release);
            return Ok(());
        }
        let Ok(Some(program)) = self.dir.program() else {
            return Ok(());
        };
        let (run, attempt) = self.who();
        let start = AttemptStart {
            started_at: program.started_at_ms,
        };
        match client.attempt_start(&run, attempt, &start) {
            Ok(reply) => {
                if reply.stop_requested {
                    self.shared.set(&self.shared.stop_requested);
                }
            }
            Err(error) => match stop_of(error.clone()) {
                Some(stop) => return Err(stop),
                // It ended there already: a finish whose answer was lost.
                None => self.journal.note(&format!("start refused: {error}")),
            },
        }
        self.shared.tell_start.store(false, Ordering::Release);
        self.shared.set(&self.shared.start_told);
        Ok(())
    }

    pub(super) fn count_misaligned(&mut self, error: ClientError) -> Result<(), Stop> {
        self.misaligned += 1;
        if self.misaligned > MISALIGNED_MAX {
            self.misaligned = 0;
            return Err(Stop::Away(error));
        }
        Ok(())
    }

    /// Says how much is on disk and not on the hub.
    fn measure(&self) {
        let events: u64 = self.writers.values().map(Writer::backlog_bytes).sum();
        let logs: u64 = self
            .logs
            .iter()
            .filter(|log| !log.disabled)
            .map(|log| size_of(&self.dir.file(log.file)).saturating_sub(log.offset))
            .sum();
        self.shared
            .backlog_bytes
            .store(events + logs, Ordering::Release);
    }
}

/// What a round led to.
enum Round {
    Progress,
    Idle,
    Done(Shipped),
}
