//! The command line as data. Help texts here are the documentation people read
//! first.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// One hub for every kind of model: configure, train, track, evaluate, compare,
/// reproduce.
#[derive(Parser)]
#[command(
    name = "mlhub",
    version,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Heading of the options below in help texts.
const EVERY: &str = "Options of every command";

/// Options of every command.
#[derive(Args, Clone)]
pub(crate) struct Global {
    /// Where the hub keeps everything [default: ~/.mlhub]
    #[arg(
        long,
        global = true,
        env = "MLHUB_DATA_DIR",
        hide_env_values = true,
        value_name = "DIR",
        help_heading = EVERY
    )]
    pub(crate) data_dir: Option<PathBuf>,
    /// Talk to the hub at this URL instead of the local one
    #[arg(
        long,
        global = true,
        env = "MLHUB_URL",
        hide_env_values = true,
        value_name = "URL",
        help_heading = EVERY
    )]
    pub(crate) server: Option<String>,
    /// Print JSON instead of tables
    #[arg(long, global = true, help_heading = EVERY)]
    pub(crate) json: bool,
}

/// Everything `mlhub` does.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serve the hub: web page, API, store
    Serve(ServeArgs),
    /// Train, track and evaluate what an experiment file describes
    Run(RunArgs),
    /// List runs
    Runs(RunsArgs),
    /// Show everything about a run
    Show {
        /// Run id or unique prefix
        run: String,
    },
    /// Print the captured output of a run
    Logs(LogsArgs),
    /// Print or export every logged point of runs
    History(HistoryArgs),
    /// Stop a run: SIGTERM, grace period, SIGKILL
    Stop {
        /// Run ids or unique prefixes
        #[arg(required = true)]
        runs: Vec<String>,
    },
    /// Compare runs: what differs in config, how metrics stand, seed groups
    Compare {
        /// Run ids or unique prefixes
        #[arg(required = true)]
        runs: Vec<String>,
    },
    /// Ship runs that the Python SDK wrote to the hub; again and again if need be
    Sync {
        /// Run directories, or folders of them
        #[arg(required = true, value_name = "DIR")]
        dirs: Vec<PathBuf>,
    },
    /// List, get and put the files of a run
    #[command(subcommand)]
    Artifacts(ArtifactsCommand),
    /// Register, list and inspect datasets
    #[command(subcommand)]
    Dataset(DatasetCommand),
    /// List, show, make and check adapters
    #[command(subcommand)]
    Adapter(AdapterCommand),
    /// Metric definitions
    #[command(subcommand)]
    Metrics(MetricsCommand),
    /// Back everything up into a folder, while the hub goes on
    Backup(BackupArgs),
    /// Restore a backup into a new data directory (--data-dir)
    Restore {
        /// The backup's folder
        backup: PathBuf,
        /// Put the records into this empty PostgreSQL database
        #[arg(long, value_name = "URL")]
        postgres: Option<String>,
    },
    /// Write a whole project to a file
    Export {
        /// The project
        project: String,
        /// The file to make, such as project.mlhub
        file: PathBuf,
    },
    /// Read a project from a file that `export` wrote
    Import {
        /// The file
        file: PathBuf,
        /// What to call the project here [default: its name]
        #[arg(long, value_name = "NAME")]
        project: Option<String>,
    },
    /// Whole projects
    #[command(subcommand)]
    Project(ProjectCommand),
    /// Rules by which the hub deletes by itself
    #[command(subcommand)]
    Retention(crate::commands::retention::RetentionCommand),
    /// Examine what the hub stores, and mend what can be mended without a loss
    Doctor(crate::commands::doctor::DoctorArgs),
    /// Train three kinds of model on real data and compare them
    Demo(DemoArgs),
    /// Print a completion script for your shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Ship one run while it is written (started by the SDK)
    #[command(hide = true)]
    Forward {
        /// Its run directory
        dir: PathBuf,
    },
    /// Mind one run (started by the agent)
    #[command(hide = true)]
    Supervise {
        /// The attempt's run directory
        dir: PathBuf,
    },
    /// Start and outlive one program (started by the supervisor)
    #[command(hide = true)]
    Shim {
        /// The attempt's run directory
        dir: PathBuf,
    },
    /// Start prepared runs of a data directory (started by hub and command line)
    #[command(hide = true)]
    Agent {
        /// Programs at once
        #[arg(long, default_value_t = 1)]
        slots: usize,
    },
    /// The native adapter's program
    #[command(hide = true, disable_help_flag = true)]
    NativeAdapter {
        /// Its arguments
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

/// Options of `serve`.
#[derive(Args)]
pub(crate) struct ServeArgs {
    /// Address to listen on; anything but loopback needs --token-file
    #[arg(long, default_value = "127.0.0.1")]
    pub(crate) host: std::net::IpAddr,
    /// Port to listen on; 0 takes a free one
    #[arg(long, default_value_t = DEFAULT_PORT)]
    pub(crate) port: u16,
    /// Further names the hub answers under, such as hub.example.org
    #[arg(long, value_name = "NAME")]
    pub(crate) allow_host: Vec<String>,
    /// File of callers, one `NAME reader|writer|admin BLAKE3-OF-TOKEN` a line
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Keep records in PostgreSQL instead of the embedded store
    #[arg(
        long,
        value_name = "URL",
        env = "MLHUB_POSTGRES_URL",
        hide_env_values = true
    )]
    pub(crate) postgres: Option<String>,
    /// Keep contents in a bucket, `s3://BUCKET/PREFIX`, instead of the data directory
    #[arg(long, value_name = "URL", env = "MLHUB_BLOBS", hide_env_values = true)]
    pub(crate) blobs: Option<String>,
    /// TOML file of mode 0600 with endpoint, region and keys of the bucket
    #[arg(
        long,
        value_name = "FILE",
        env = "MLHUB_BLOBS_CONFIG",
        hide_env_values = true
    )]
    pub(crate) blobs_config: Option<PathBuf>,
    /// Programs the local agent runs at once
    #[arg(long, default_value_t = 1)]
    pub(crate) slots: usize,
}

/// The port a hub listens on unless told otherwise.
pub(crate) const DEFAULT_PORT: u16 = 7070;

/// Options of `run`.
#[derive(Args)]
pub(crate) struct RunArgs {
    /// Experiment file: .yaml, .toml or .json
    #[arg(required_unless_present = "resume")]
    pub(crate) experiment: Option<PathBuf>,
    /// Override a value: `--set params.lr=0.1` (may be repeated)
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Print what would happen and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// A tiny run that ends in seconds
    #[arg(long)]
    pub(crate) smoke: bool,
    /// Return as soon as the runs are queued
    #[arg(long)]
    pub(crate) detach: bool,
    /// Go on with an ended run from its newest checkpoint, or `RUN@STEP`
    #[arg(long, value_name = "RUN", conflicts_with_all = ["experiment", "set", "dry_run", "smoke"])]
    pub(crate) resume: Option<String>,
    /// Runs at once on this machine
    #[arg(long, default_value_t = 1)]
    pub(crate) slots: usize,
}

/// Options of `runs`.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct RunsArgs {
    #[command(subcommand)]
    pub(crate) command: Option<crate::commands::deletions::RunsCommand>,
    /// Only runs that meet this condition, such as "metrics.acc > 0.9 and tags.baseline"
    /// (see docs/query.md)
    pub(crate) query: Option<String>,
    /// Only this project
    #[arg(long)]
    pub(crate) project: Option<String>,
    /// Only this experiment
    #[arg(long)]
    pub(crate) experiment: Option<String>,
    /// Only these states
    #[arg(long, value_delimiter = ',', value_name = "STATE")]
    pub(crate) state: Vec<String>,
    /// Only this seed group
    #[arg(long)]
    pub(crate) group: Option<String>,
    /// Only runs whose id, name, experiment, adapter or tags contain this
    #[arg(long, short = 'q', value_name = "TEXT")]
    pub(crate) search: Option<String>,
    /// What to sort by, such as metrics.acc, params.lr or created, greatest first; or a whole
    /// order such as "metrics.acc:desc, params.lr:asc" [default: created]
    #[arg(long, value_name = "KEY")]
    pub(crate) sort: Option<String>,
    /// Smallest, oldest or first first
    #[arg(long)]
    pub(crate) ascending: bool,
    /// Group by these, such as params.lr,tags.model; columns are then summarised over each group
    #[arg(long, value_delimiter = ',', value_name = "KEY")]
    pub(crate) group_by: Vec<String>,
    /// Show these, such as params.lr,metrics.acc,max(metrics.acc)
    #[arg(long, value_delimiter = ',', value_name = "KEY")]
    pub(crate) columns: Vec<String>,
    /// Rows at most [default: 50, with --json all]
    #[arg(long, short = 'n')]
    pub(crate) limit: Option<usize>,
}

/// Options of `logs`.
#[derive(Args)]
pub(crate) struct LogsArgs {
    /// Run id or unique prefix
    pub(crate) run: String,
    /// Go on printing until the run ends
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Which output
    #[arg(long, value_enum, default_value_t = Stream::Stdout)]
    pub(crate) stream: Stream,
    /// Only the last this many bytes
    #[arg(long, value_name = "BYTES")]
    pub(crate) tail: Option<usize>,
    /// The attempt; the newest when absent
    #[arg(long)]
    pub(crate) attempt: Option<u32>,
}

/// Options of `history`.
#[derive(Args)]
pub(crate) struct HistoryArgs {
    /// Run ids or unique prefixes
    #[arg(required = true)]
    pub(crate) runs: Vec<String>,
    /// Only metrics like this: `*` is any text, `?` any one character; may come
    /// several times
    #[arg(long, short, value_name = "PATTERN")]
    pub(crate) metric: Vec<String>,
    /// What --from and --to count
    #[arg(long, value_enum, default_value_t = HistoryAxis::Step)]
    pub(crate) axis: HistoryAxis,
    /// First step, or milliseconds on a time axis
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) from: Option<i64>,
    /// Last step, or milliseconds on a time axis
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) to: Option<i64>,
    /// Also what a resumed attempt superseded
    #[arg(long)]
    pub(crate) superseded: bool,
    /// How to write [default: by the end of --out's name, or csv; json with --json]
    #[arg(long, short, value_enum)]
    pub(crate) format: Option<HistoryFormat>,
    /// Write into this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// What a range of history counts.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum HistoryAxis {
    /// Training steps
    Step,
    /// Milliseconds since the run started
    Relative,
    /// Milliseconds since 1970, UTC
    Wall,
}

/// How history is written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum HistoryFormat {
    /// Comma-separated values
    Csv,
    /// One JSON object a line
    Json,
    /// Apache Parquet
    Parquet,
    /// Apache Arrow IPC stream
    Arrow,
}

/// A captured stream.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Stream {
    /// Standard output
    Stdout,
    /// Standard error
    Stderr,
}

impl Stream {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// What `artifacts` does.
#[derive(Subcommand)]
pub(crate) enum ArtifactsCommand {
    /// List the files of a run
    List {
        /// Run id or unique prefix
        run: String,
    },
    /// Fetch files of a run, resumed where an earlier try ended, checked by hash
    Get {
        /// Run id or unique prefix
        run: String,
        /// One artifact, or a folder of them [default: all of the run]
        path: Option<String>,
        /// Folder to write into, each file at its path [made when missing]
        #[arg(long, value_name = "DIR", default_value = ".")]
        out: PathBuf,
    },
    /// Store a file or folder with a run; what the hub has is not sent again
    Put(ArtifactsPutArgs),
    /// List what a run used as inputs
    Inputs {
        /// Run id or unique prefix
        run: String,
    },
}

/// Options of `artifacts put`.
#[derive(Args)]
pub(crate) struct ArtifactsPutArgs {
    /// Run id or unique prefix
    pub(crate) run: String,
    /// The file or folder
    pub(crate) file: PathBuf,
    /// Its path in the run [default: its name]
    #[arg(long)]
    pub(crate) path: Option<String>,
    /// artifact, model, predictions, checkpoint, ...
    #[arg(long, default_value = "artifact")]
    pub(crate) kind: String,
    /// The attempt [default: the newest]
    #[arg(long)]
    pub(crate) attempt: Option<u32>,
}

/// What `dataset` does.
#[derive(Subcommand)]
pub(crate) enum DatasetCommand {
    /// Check a file or folder and register its content
    Add {
        /// The file or folder
        path: PathBuf,
        /// Its name [default: the file's name]
        #[arg(long)]
        name: Option<String>,
        /// csv, parquet, jsonl, npz, image_folder or folder [default: found out]
        #[arg(long)]
        format: Option<String>,
        /// What it is, source, licence
        #[arg(long, default_value = "")]
        description: String,
    },
    /// List registered datasets
    List,
    /// Show versions, columns, statistics and splits
    Show {
        /// The dataset's name
        name: String,
        /// The version [default: newest]
        #[arg(long)]
        version: Option<u32>,
    },
    /// Compare what is on disk with what was registered, and name what changed
    Verify {
        /// The dataset's name
        name: String,
        /// Where it is now [default: where it was registered from]
        #[arg(long)]
        path: Option<PathBuf>,
    },
}

/// What `adapter` does.
#[derive(Subcommand)]
pub(crate) enum AdapterCommand {
    /// List adapters, the broken ones with their reason
    List,
    /// Show an adapter's capabilities and params
    Show {
        /// The adapter's name
        name: String,
    },
    /// Copy an adapter from a folder or git URL into the data directory
    Add {
        /// Folder or git URL
        source: String,
    },
    /// Write a working adapter to start from
    New {
        /// Its name
        name: String,
        /// The language of its program
        #[arg(long, value_enum, default_value_t = AdapterLanguage::Python)]
        language: AdapterLanguage,
        /// Folder to make its folder NAME in [default: the current one]
        #[arg(long)]
        dir: Option<PathBuf>,
    },
    /// Run the conformance kit on an adapter
    Check {
        /// Its folder, or the name of a known adapter
        adapter: String,
    },
}

/// Languages `adapter new` writes.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum AdapterLanguage {
    /// Python, standard library only
    Python,
    /// POSIX shell
    Shell,
}

/// What `metrics` does.
#[derive(Subcommand)]
pub(crate) enum MetricsCommand {
    /// List metric definitions
    List,
    /// Show one definition
    Show {
        /// `name` or `name@version`
        definition: String,
    },
}

/// Options of `backup`.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct BackupArgs {
    /// Folder to make or renew; a second backup copies only new artifacts
    #[arg(required = true)]
    pub(crate) dir: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Option<BackupCommand>,
}

/// What `backup` does besides making one.
#[derive(Subcommand)]
pub(crate) enum BackupCommand {
    /// Hash everything in a backup and name what is damaged
    Verify {
        /// The backup's folder
        dir: PathBuf,
    },
}

/// What `project` does.
#[derive(Subcommand)]
pub(crate) enum ProjectCommand {
    /// Print the content hash: equal for equal content, on any hub
    Hash {
        /// The project
        project: String,
    },
}

/// Options of `demo`.
#[derive(Args)]
pub(crate) struct DemoArgs {
    /// End when the runs are compared instead of serving on
    #[arg(long)]
    pub(crate) exit: bool,
    /// Port to serve on; a free one when taken
    #[arg(long, default_value_t = DEFAULT_PORT)]
    pub(crate) port: u16,
}
