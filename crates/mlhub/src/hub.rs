//! Wiring and running a hub: store, use cases, API, background work.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mlhub_agent::adapter::{Bundle, DiscoveryRoots, discover};
use mlhub_agent::supervisor;
use mlhub_api::{ApiState, Authenticator, HostPolicy, HubIdentity, ServeOptions};
use mlhub_app::{
    AdapterCatalog, AdapterDescription, CustomMetrics, ExperimentLauncher, FinishReport, Hub,
    ModelServer,
};
use mlhub_core::run::{Failure, FailureClass};
use mlhub_core::store::Store;
use mlhub_core::{Caller, Clock as _, Entropy as _, ErrorKind, RunState};
use mlhub_protocol::rest::AdapterDataset;
use mlhub_protocol::run_dir::{HubFile, RUN_DIR_VERSION};
use mlhub_store::{DataDir, PostgresStore, SqliteStore};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::blob_place::BlobPlace;
use crate::custom_metrics::LocalCustomMetrics;
use crate::disk::LocalDisk;
use crate::exit::{DATA_DIR, HUB, INTERNAL, fail};
use crate::launches::{self, LocalLauncher};
use crate::models::{self, LocalModelServer};
use crate::paths;
use crate::ports::{SystemClock, SystemEntropy};

/// How often the hub sees to it that prepared and unshipped runs are minded.
const KEEP_INTERVAL: Duration = Duration::from_secs(5);
/// How often runs without a directory are looked for.
const SETTLE_INTERVAL: Duration = Duration::from_secs(15);
/// How old a run must be before its missing directory counts.
const SETTLE_AGE: Duration = Duration::from_secs(60);
/// How often abandoned uploads are looked for.
const EXPIRE_INTERVAL: Duration = Duration::from_secs(10 * 60);
/// Pause after a deletion that broke off could not be ended.
const DELETION_PAUSE: Duration = Duration::from_secs(30);
/// When retention rules are first applied after a start.
const RETENTION_FIRST: Duration = Duration::from_secs(60);
/// How often they are applied.
const RETENTION_INTERVAL: Duration = Duration::from_secs(60 * 60);
/// How long the evaluator waits after a failure of the store.
const EVALUATOR_PAUSE: Duration = Duration::from_secs(2);
/// How long after the start the run table is read when no search came before.
const RUN_TABLE_DELAY: Duration = Duration::from_secs(2);

/// What a hub is started with.
pub(crate) struct HubOptions {
    pub(crate) data_dir: PathBuf,
    pub(crate) listen: SocketAddr,
    pub(crate) allow_host: Vec<String>,
    pub(crate) authenticator: Authenticator,
    pub(crate) postgres: Option<String>,
    pub(crate) blobs: BlobPlace,
    /// Programs the local agent runs at once.
    pub(crate) slots: usize,
    /// Whether experiments may be started through the API where tokens are asked for.
    pub(crate) launches: bool,
    /// Folders whose files, adapters and commands such experiments may use.
    pub(crate) launch_roots: Vec<PathBuf>,
    /// Whether it makes way for a hub that is asked for by name.
    pub(crate) yields: bool,
}

impl HubOptions {
    /// A loopback hub for the one local user.
    pub(crate) fn local(data_dir: &Path, port: u16) -> Self {
        Self {
            data_dir: data_dir.to_owned(),
            listen: SocketAddr::from(([127, 0, 0, 1], port)),
            allow_host: Vec::new(),
            authenticator: Authenticator::Local(Caller::local(local_user())),
            postgres: None,
            blobs: BlobPlace::from_environment(),
            slots: 1,
            launches: false,
            launch_roots: Vec::new(),
            yields: false,
        }
    }
}

fn local_user() -> String {
    ["USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .unwrap_or_else(|| "local".to_owned())
}

/// Runs a hub until `stop` resolves; sends its URL once it answers.
pub(crate) async fn serve(
    options: HubOptions,
    ready: oneshot::Sender<anyhow::Result<String>>,
    stop: impl Future<Output = ()>,
) {
    let mut started = match start(options).await {
        Ok(started) => started,
        Err(error) => {
            // Nobody waits for the answer only when the command is ending.
            drop(ready.send(Err(error)));
            return;
        }
    };
    drop(ready.send(Ok(started.url.clone())));
    let models = Arc::clone(&started.models);
    let launcher = Arc::clone(&started.launcher);
    let metrics = Arc::clone(&started.metrics);
    // First, so that nobody waits for the answer of a model meanwhile.
    let stop = async move {
        stop.await;
        launcher.close();
        metrics.close();
        if let Err(error) = tokio::task::spawn_blocking(move || models.close()).await {
            tracing::warn!(%error, "programs of models may be left");
        }
    };
    mlhub_api::serve(
        ServeOptions {
            listener: started.listener,
        },
        started.router,
        stop,
    )
    .await;
    started.background.abort_all();
    remove_hub_file(&started.hub_file, &started.url);
}

struct Started {
    url: String,
    listener: TcpListener,
    router: mlhub_api::Router,
    background: tokio::task::JoinSet<()>,
    models: Arc<LocalModelServer>,
    launcher: Arc<LocalLauncher>,
    metrics: Arc<LocalCustomMetrics>,
    hub_file: PathBuf,
    /// Held as long as the hub lives: its lock says whose the directory is.
    _data_dir: DataDir,
}

async fn start(mut options: HubOptions) -> anyhow::Result<Started> {
    let path = options.data_dir.clone();
    let data_dir = DataDir::open(&path).map_err(|error| fail(DATA_DIR, error.public_message()))?;
    let listener = bind(options.listen).await?;
    let address = listener
        .local_addr()
        .map_err(|error| fail(HUB, format!("the hub's address is unknown: {error}")))?;
    let (store, store_name) = open_store(&path, options.postgres.as_deref()).await?;
    let blobs = options.blobs.open(&data_dir).await?;
    let hub = Hub::new(
        store,
        blobs,
        Arc::new(SystemClock),
        Arc::new(SystemEntropy),
        Arc::new(LocalCatalog {
            data_dir: path.clone(),
        }),
    );
    let scratch = scratch(&path)?;
    let metrics = LocalCustomMetrics::new(&path, &scratch)
        .map_err(|error| fail(DATA_DIR, format!("`{}`: {error}", path.display())))?;
    let metrics = Arc::new(metrics);
    let models = Arc::new(models::open(&path, &scratch)?);
    let launcher = Arc::new(open_launcher(&options)?);
    let hub = hub
        .with_disk(Arc::new(LocalDisk::new(&path)))
        .with_scratch(scratch)
        .with_custom_metrics(Arc::clone(&metrics) as Arc<dyn CustomMetrics>)
        .with_models(Arc::clone(&models) as Arc<dyn ModelServer>)
        .with_launcher(Arc::clone(&launcher) as Arc<dyn ExperimentLauncher>);
    let hub = Arc::new(hub);
    hub.definitions_install()
        .await
        .map_err(|error| storage_failure(&error))?;
    // Every address means loopback for this machine's own programs.
    let reachable = match address.ip() {
        ip if ip.is_unspecified() => SocketAddr::from(([127, 0, 0, 1], address.port())),
        _ => address,
    };
    let url = format!("http://{reachable}");
    options.allow_host.push(reachable.to_string());
    let token = own_token(&mut options.authenticator);
    let state = ApiState {
        hub: Arc::clone(&hub),
        authenticator: Arc::new(options.authenticator),
        hosts: Arc::new(HostPolicy::new(address.port(), &options.allow_host)),
        identity: Arc::new(HubIdentity {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            store: store_name.to_owned(),
            host: paths::host_name(),
        }),
    };
    let hub_file = path.join("hub.json");
    write_hub_file(&hub_file, &url, token, options.yields)?;
    let mut background = tokio::task::JoinSet::new();
    background.spawn(evaluate_forever(Arc::clone(&hub)));
    background.spawn(expire_uploads_forever(Arc::clone(&hub)));
    background.spawn(delete_forever(Arc::clone(&hub)));
    background.spawn(settle_forever(Arc::clone(&hub), path.clone()));
    background.spawn(load_run_table(Arc::clone(&hub)));
    background.spawn(keep_agent(path, options.slots));
    Ok(Started {
        url,
        listener,
        router: mlhub_api::router(state),
        background,
        models,
        launcher,
        metrics,
        hub_file,
        _data_dir: data_dir,
    })
}

/// Where no token is asked for, whoever reaches the hub may start programs anyway.
fn open_launcher(options: &HubOptions) -> anyhow::Result<LocalLauncher> {
    launches::open(
        &options.data_dir,
        &options.launch_roots,
        options.launches || !options.authenticator.requires_token(),
        options.slots,
    )
}

/// An empty folder for temporary files; what a killed hub left there goes.
fn scratch(data_dir: &Path) -> anyhow::Result<PathBuf> {
    let folder = data_dir.join("tmp");
    let make = || -> std::io::Result<()> {
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir(&folder)
    };
    make().map_err(|error| fail(DATA_DIR, format!("`{}`: {error}", folder.display())))?;
    Ok(folder)
}

async fn bind(listen: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen).await.map_err(|error| {
        let detail = match error.kind() {
            std::io::ErrorKind::AddrInUse => format!(
                "port {} is in use by another program; choose another with --port, or 0 for any free one",
                listen.port()
            ),
            std::io::ErrorKind::PermissionDenied => format!(
                "port {} may not be used by this user; choose one above 1023 with --port",
                listen.port()
            ),
            _ => format!("cannot listen on {listen}: {error}"),
        };
        fail(HUB, detail)
    })
}

async fn open_store(
    path: &Path,
    postgres: Option<&str>,
) -> anyhow::Result<(Arc<dyn Store>, &'static str)> {
    match postgres {
        Some(url) => {
            let store = PostgresStore::connect(url)
                .await
                .map_err(|error| storage_failure(&error))?;
            Ok((Arc::new(store), "postgresql"))
        }
        None => {
            let path = path.to_owned();
            let store = tokio::task::spawn_blocking(move || SqliteStore::open(path))
                .await
                .map_err(|error| fail(INTERNAL, error.to_string()))?
                .map_err(|error| storage_failure(&error))?;
            Ok((Arc::new(store), "sqlite"))
        }
    }
}

fn storage_failure(error: &mlhub_core::Error) -> anyhow::Error {
    let mut text = error.public_message().to_owned();
    if error.kind() == ErrorKind::Internal
        && let Some(cause) = std::error::Error::source(error)
    {
        text = format!("{text}: {cause}");
    }
    fail(DATA_DIR, text)
}

/// A token for whoever may read the data directory: supervisors and the owner's
/// commands. It lives as long as this process.
fn own_token(authenticator: &mut Authenticator) -> Option<String> {
    if !authenticator.requires_token() {
        return None;
    }
    let token: String = [SystemEntropy.bytes(), SystemEntropy.bytes()]
        .concat()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    authenticator.add_token(&token, Caller::local(local_user()));
    Some(token)
}

fn write_hub_file(
    path: &Path,
    url: &str,
    token: Option<String>,
    yields: bool,
) -> anyhow::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let file = HubFile {
        version: RUN_DIR_VERSION,
        url: url.to_owned(),
        process: supervisor::own_identity(),
        token,
        yields,
    };
    let temporary = path.with_extension("json.new");
    let write = || -> std::io::Result<()> {
        let mut out = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&temporary)?;
        std::io::Write::write_all(&mut out, &serde_json::to_vec_pretty(&file)?)?;
        std::fs::rename(&temporary, path)
    };
    write().map_err(|error| {
        fail(
            DATA_DIR,
            format!("cannot write `{}`: {error}", path.display()),
        )
    })
}

/// Removes `hub.json` unless another hub has written its own since.
fn remove_hub_file(path: &Path, url: &str) {
    let ours = std::fs::read(path)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<HubFile>(&bytes).ok())
        .is_some_and(|file| file.url == url);
    if ours && let Err(error) = std::fs::remove_file(path) {
        tracing::debug!(%error, "hub.json stays behind");
    }
}

async fn evaluate_forever(hub: Arc<Hub>) {
    loop {
        match hub.evaluate_pending().await {
            Ok(_) => hub.evaluation_wanted().await,
            Err(error) => {
                tracing::error!(%error, "evaluations wait for the store");
                tokio::time::sleep(EVALUATOR_PAUSE).await;
            }
        }
    }
}

/// Uploads that nobody goes on with give their space back.
async fn expire_uploads_forever(hub: Arc<Hub>) {
    let mut interval = tokio::time::interval(EXPIRE_INTERVAL);
    loop {
        interval.tick().await;
        match hub.uploads_expire().await {
            Ok((0, _)) => {}
            Ok((count, bytes)) => {
                tracing::info!(count, bytes, "abandoned uploads were removed");
            }
            Err(error) => tracing::warn!(%error, "abandoned uploads cannot be removed"),
        }
    }
}

/// Reads the run table once the hub has answered its first calls, so that neither
/// its start nor a command that only serves itself waits for it. A search that
/// comes earlier reads it itself. From then on it is read again whenever many runs
/// were written.
async fn load_run_table(hub: Arc<Hub>) {
    tokio::time::sleep(RUN_TABLE_DELAY).await;
    loop {
        if let Err(error) = hub.run_table_load().await {
            tracing::warn!(%error, "the run table is read at the next search instead");
        }
        hub.run_table_behind().await;
    }
}

async fn keep_agent(data_dir: PathBuf, slots: usize) {
    let mut interval = tokio::time::interval(KEEP_INTERVAL);
    loop {
        interval.tick().await;
        let data_dir = data_dir.clone();
        let kept = tokio::task::spawn_blocking(move || ensure_agent(&data_dir, slots)).await;
        if let Ok(Err(error)) = kept {
            tracing::warn!(%error, "the local agent cannot be started");
        }
    }
}

/// Ends deletions that an earlier hub began, then applies retention rules and
/// removes contents that nothing uses, now and then.
async fn delete_forever(hub: Arc<Hub>) {
    while let Err(error) = hub.deletion_resume().await {
        tracing::warn!(%error, "a deletion that broke off cannot be ended yet");
        tokio::time::sleep(DELETION_PAUSE).await;
    }
    let caller = Caller::local("hub");
    let start = tokio::time::Instant::now() + RETENTION_FIRST;
    let mut interval = tokio::time::interval_at(start, RETENTION_INTERVAL);
    loop {
        interval.tick().await;
        if let Err(error) = hub.retention_apply(&caller, None, false).await {
            tracing::warn!(%error, "the retention rules cannot be applied");
        }
        if let Err(error) = hub.orphans_sweep(&caller).await {
            tracing::warn!(%error, "contents that nothing uses cannot be removed");
        }
    }
}

/// Runs of this data directory whose directory is not there cannot be minded by
/// any agent: the command that made them died before writing it, or somebody
/// removed it. They are told lost instead of being shown queued for ever.
async fn settle_forever(hub: Arc<Hub>, data_dir: PathBuf) {
    let mut interval = tokio::time::interval(SETTLE_INTERVAL);
    loop {
        interval.tick().await;
        if let Err(error) = settle(&hub, &data_dir).await {
            tracing::warn!(%error, "unsettled runs cannot be looked through");
        }
    }
}

async fn settle(hub: &Hub, data_dir: &Path) -> mlhub_core::Result<()> {
    let caller = Caller::local("hub");
    let here = data_dir.to_string_lossy();
    let now = SystemClock.now();
    for run in hub.runs_unsettled(&caller, &paths::host_name()).await? {
        let directory = supervisor::RunDir::attempt_path(data_dir, run.id.as_str(), run.attempt);
        let young =
            now.0 - run.created_at.0 < i64::try_from(SETTLE_AGE.as_millis()).unwrap_or(i64::MAX);
        if run.state == RunState::Lost || young || directory.exists() {
            continue;
        }
        let overview = hub.run_overview(&caller, run.id.as_str()).await?;
        if overview.snapshot.machine["data_dir"].as_str() != Some(&here) {
            continue;
        }
        let report = FinishReport {
            state: RunState::Lost,
            ended_at: now,
            exit: None,
            failure: Some(Failure {
                class: FailureClass::Vanished,
                message: format!(
                    "the run's directory `{}` is not there: it was never written, or it was removed; start the run again",
                    directory.display()
                ),
                evidence: Vec::new(),
            }),
            predictions: std::collections::BTreeMap::new(),
        };
        hub.attempt_finish(&caller, &run.id, run.attempt, report)
            .await?;
    }
    Ok(())
}

/// Starts the local agent when there is work and none is at it.
pub(crate) fn ensure_agent(data_dir: &Path, slots: usize) -> anyhow::Result<()> {
    let binary = std::env::current_exe()?;
    supervisor::ensure_agent_with(
        data_dir,
        &binary,
        &["--slots".to_owned(), slots.to_string()],
    )?;
    Ok(())
}

/// Finds the adapters of a data directory for the hub.
struct LocalCatalog {
    data_dir: PathBuf,
}

impl AdapterCatalog for LocalCatalog {
    fn describe(&self) -> Vec<AdapterDescription> {
        let bundled = match Bundle::unpack(&paths::bundled_adapters(&self.data_dir)) {
            Ok(dir) => Some(dir),
            Err(error) => {
                tracing::warn!(%error, "the bundled adapters cannot be unpacked");
                None
            }
        };
        let catalog = discover(&DiscoveryRoots {
            bundled,
            data_dir: Some(self.data_dir.clone()),
            project: None,
            python: None,
        });
        let working = catalog
            .adapters
            .into_iter()
            .map(|adapter| AdapterDescription {
                name: adapter.manifest.name.clone(),
                version: Some(adapter.manifest.version.clone()),
                description: adapter.manifest.description.clone(),
                source: adapter.source.to_string(),
                capabilities: adapter
                    .manifest
                    .capabilities
                    .iter()
                    .map(crate::output::serde_name)
                    .collect(),
                tasks: adapter.manifest.tasks.clone(),
                problem: None,
                schema: Some(adapter.schema.clone()),
                dataset: Some(AdapterDataset {
                    required: adapter.manifest.dataset.required,
                    formats: adapter.manifest.dataset.formats.clone(),
                    target_required: adapter.manifest.dataset.target_required,
                    ordered: adapter.manifest.dataset.ordered,
                }),
                smoke: Some(json!({
                    "params": adapter.manifest.smoke.params,
                    "rows": adapter.manifest.smoke.rows,
                })),
                takes_command: launches::takes_command(&adapter),
            });
        let broken = catalog.broken.into_iter().map(|broken| AdapterDescription {
            name: broken.name,
            version: None,
            description: String::new(),
            source: broken.source.to_string(),
            capabilities: Vec::new(),
            tasks: Vec::new(),
            problem: Some(match broken.hint {
                Some(hint) => format!("{}; {hint}", broken.reason),
                None => broken.reason,
            }),
            schema: None,
            dataset: None,
            smoke: None,
            takes_command: false,
        });
        working.chain(broken).collect()
    }
}
