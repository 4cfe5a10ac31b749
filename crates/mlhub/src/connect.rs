//! Finding the hub a command talks to: the one named, the one that serves the
//! data directory, or one this command serves itself for as long as it needs.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mlhub_agent::supervisor::{self, ProgramStatus, RunDir};
use mlhub_client::{Client, ClientOptions};
use mlhub_store::DataDir;
use tokio::sync::oneshot;

use crate::cli::Global;
use crate::exit::{DATA_DIR, HUB, INTERNAL, fail};
use crate::hub::{self, HubOptions};
use crate::paths;

/// How long a hub that is just starting may take to say where it listens.
const START_TIME_MAX: Duration = Duration::from_secs(5);
/// How long a hub that a command serves waits for news of ended programs;
/// supervisors look for a hub every few seconds.
const CATCH_UP_MAX: Duration = Duration::from_secs(10);
/// Pause between looks for it.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// A hub to talk to.
pub(crate) struct Connection {
    pub(crate) client: Client,
    /// The data directory, when the hub is of this machine.
    pub(crate) data_dir: PathBuf,
    /// Whether the hub was named by URL: its files may be elsewhere.
    pub(crate) remote: bool,
    /// The hub this command serves itself, if it does; ends when dropped.
    embedded: Option<EmbeddedHub>,
}

impl Connection {
    /// Whether the hub ends with this command.
    pub(crate) fn is_embedded(&self) -> bool {
        self.embedded.is_some()
    }

    /// Finds the hub of the data directory again, or serves it from here.
    ///
    /// Commands that run at the same time share the hub that one of them serves,
    /// and it ends with that one; the others must be able to go on.
    pub(crate) fn reconnect(&mut self) -> anyhow::Result<()> {
        if !self.remote && self.embedded.is_none() {
            *self = connect_local(std::mem::take(&mut self.data_dir))?;
        }
        Ok(())
    }
}

/// A hub served by a thread of this process.
pub(crate) struct EmbeddedHub {
    url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl EmbeddedHub {
    /// Starts a hub and waits until it answers.
    pub(crate) fn start(options: HubOptions) -> anyhow::Result<Self> {
        let (ready_sender, ready) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        let thread = std::thread::Builder::new()
            .name("hub".to_owned())
            .spawn(move || {
                runtime.block_on(hub::serve(options, ready_sender, async {
                    // A dropped sender asks to stop as well.
                    drop(stopped.await);
                }));
                runtime.shutdown_timeout(Duration::from_secs(1));
            })?;
        let url = ready
            .blocking_recv()
            .map_err(|_| fail(INTERNAL, "the hub ended while starting"))??;
        Ok(Self {
            url,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for EmbeddedHub {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the hub has been reported by its own thread.
            drop(thread.join());
        }
    }
}

fn token() -> Option<String> {
    std::env::var("MLHUB_TOKEN")
        .ok()
        .filter(|token| !token.is_empty())
}

fn client(url: &str) -> anyhow::Result<Client> {
    Ok(Client::new(url, token().as_deref())?)
}

/// Connects for calls that may take longer than others.
pub(crate) fn connect_patient(
    global: &Global,
    patience: &ClientOptions,
) -> anyhow::Result<Connection> {
    let mut connection = connect(global)?;
    connection.client = connection.client.with_patience(patience)?;
    Ok(connection)
}

/// Connects as the options say.
pub(crate) fn connect(global: &Global) -> anyhow::Result<Connection> {
    if let Some(url) = &global.server {
        let client = client(url)?;
        client.health()?;
        return Ok(Connection {
            client,
            data_dir: paths::data_dir(global)?,
            remote: true,
            embedded: None,
        });
    }
    connect_local(paths::data_dir(global)?)
}

/// The hub that serves a data directory, or one served from here.
fn connect_local(data_dir: PathBuf) -> anyhow::Result<Connection> {
    if let Some(connection) = find(&data_dir)? {
        return Ok(connection);
    }
    match EmbeddedHub::start(HubOptions::local(&data_dir, 0)) {
        Ok(embedded) => {
            let connection = adopt(embedded, data_dir)?;
            catch_up(&connection);
            Ok(connection)
        }
        // Another hub may have been starting at the same moment.
        Err(error) if DataDir::probe_lock(&data_dir) => wait_for(&data_dir)?.ok_or(error),
        Err(error) => Err(error),
    }
}

/// A connection that owns the hub it talks to.
pub(crate) fn adopt(embedded: EmbeddedHub, data_dir: PathBuf) -> anyhow::Result<Connection> {
    Ok(Connection {
        client: client(embedded.url())?,
        data_dir,
        remote: false,
        embedded: Some(embedded),
    })
}

/// The hub that serves a data directory now, if one does.
pub(crate) fn find(data_dir: &Path) -> anyhow::Result<Option<Connection>> {
    let Some(file) = supervisor::discover_hub(data_dir) else {
        return Ok(None);
    };
    let token = token().or(file.token);
    let client = Client::new(&file.url, token.as_deref())?;
    if client.health().is_err_and(|error| error.is_refused()) {
        return Ok(None);
    }
    Ok(Some(Connection {
        client,
        data_dir: data_dir.to_owned(),
        remote: false,
        embedded: None,
    }))
}

/// Waits until programs that started or ended while no hub was there have told
/// so: a command must not answer with what was true before, nor take a running
/// program for one that still waits.
fn catch_up(connection: &Connection) {
    let untold = |path: &PathBuf| {
        let Ok(dir) = RunDir::open(path) else {
            return false;
        };
        match dir.program_status() {
            Ok(ProgramStatus::Ended(..) | ProgramStatus::Vanished(_)) => true,
            Ok(ProgramStatus::Running(_) | ProgramStatus::Ending(_)) => connection
                .client
                .run_get(&dir.run().run.id)
                .is_ok_and(|run| run.summary.state == "queued"),
            Ok(ProgramStatus::Prepared | ProgramStatus::Starting) | Err(_) => false,
        }
    };
    let deadline = Instant::now() + CATCH_UP_MAX;
    while Instant::now() < deadline
        && supervisor::active_attempts(&connection.data_dir)
            .iter()
            .any(untold)
    {
        std::thread::sleep(LOOK_INTERVAL);
    }
}

fn wait_for(data_dir: &Path) -> anyhow::Result<Option<Connection>> {
    let deadline = Instant::now() + START_TIME_MAX;
    while Instant::now() < deadline {
        if let Some(connection) = find(data_dir)? {
            return Ok(Some(connection));
        }
        std::thread::sleep(LOOK_INTERVAL);
    }
    Ok(None)
}

/// Refuses a remote hub for a command that needs this machine's files.
pub(crate) fn require_local(connection: &Connection, what: &str) -> anyhow::Result<()> {
    if connection.remote {
        return Err(fail(
            HUB,
            format!(
                "{what} needs the hub of this machine's data directory; leave out --server and MLHUB_URL"
            ),
        ));
    }
    if !connection.data_dir.is_dir() {
        return Err(fail(
            DATA_DIR,
            format!(
                "the data directory `{}` does not exist",
                connection.data_dir.display()
            ),
        ));
    }
    Ok(())
}
