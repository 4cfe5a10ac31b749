//! The command line as data. Help texts here are the documentation people read
//! first.

mod catalog;
mod mlflow;
mod models;
mod outputs;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use self::catalog::{
    AdapterCommand, AdapterLanguage, BackupArgs, BackupCommand, DatasetCommand, MetricsCommand,
    ProjectCommand,
};
pub(crate) use self::mlflow::{
    ExportCommand, ImportCommand, MlflowExportArgs, MlflowImportArgs, ProjectExportArgs,
    ProjectImportArgs,
};
pub(crate) use self::models::{ExportArgs, ModelsCommand, PredictArgs, SearchArgs};
pub(crate) use self::outputs::{
    ArtifactsCommand, HistoryArgs, HistoryAxis, HistoryFormat, LogsArgs,
};

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
    /// Propose an experiment file for an existing repository, and try it
    Init(crate::commands::init::InitArgs),
    /// List runs
    Runs(RunsArgs),
    /// Show everything about a run
    Show {
        /// Run id or unique prefix
        run: String,
        /// Print the whole record that reproduces it, as JSON
        #[arg(long)]
        snapshot: bool,
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
    /// Run a run again from its record, and say whether it gives the same results
    Reproduce(crate::reproduce::ReproduceArgs),
    /// Compare runs: what differs in config, how metrics stand, seed groups
    Compare(crate::commands::compare::CompareArgs),
    /// Rank verified results of a metric, per dataset and split
    Leaderboard(crate::commands::leaderboard::LeaderboardArgs),
    /// Hold a run against rules: thresholds, regressions, fairness, size, latency
    Gate(crate::commands::gate::GateArgs),
    /// Ship runs that the Python SDK wrote to the hub; again and again if need be
    Sync {
        /// Run directories, or folders of them
        #[arg(required = true, value_name = "DIR")]
        dirs: Vec<PathBuf>,
    },
    /// List, get and put the files of runs, and their versions
    #[command(subcommand)]
    Artifacts(ArtifactsCommand),
    /// Ask a trained model for predictions
    Predict(PredictArgs),
    /// Ask a trained model for what is most like a query
    Search(SearchArgs),
    /// Trained models
    #[command(subcommand)]
    Models(ModelsCommand),
    /// Registered models: versions, aliases, promotion past gates, and the trail
    #[command(subcommand)]
    Registry(crate::commands::registry::RegistryCommand),
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
    /// Write a whole project to a file, or a folder that MLflow opens
    Export(ProjectExportArgs),
    /// Read a project from a file that `export` wrote, or everything of an MLflow
    Import(ProjectImportArgs),
    /// Whole projects
    #[command(subcommand)]
    Project(ProjectCommand),
    /// Rules by which the hub deletes by itself
    #[command(subcommand)]
    Retention(crate::commands::retention::RetentionCommand),
    /// Examine what the hub stores, and mend what can be mended without a loss; or whether an
    /// experiment is deterministic
    Doctor(crate::commands::doctor::DoctorArgs),
    /// Train several kinds of model on real data and compare them
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
    /// Start an experiment that was sent to the hub (started by the hub)
    #[command(hide = true)]
    Launch(crate::commands::launch::LaunchArgs),
    /// Run a program that ends with the one that started this (started by the hub)
    #[command(hide = true, disable_help_flag = true)]
    Confined {
        /// The program and its arguments
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        argv: Vec<std::ffi::OsString>,
    },
    /// Run a program that computes a metric without network and within limits (started by the hub)
    #[command(hide = true, disable_help_flag = true)]
    Sandboxed {
        /// Where to tell what could be enforced
        report: std::path::PathBuf,
        /// The program and its arguments
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        argv: Vec<std::ffi::OsString>,
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
    /// Let callers with the role writer start experiments from the page or the API; on
    /// by itself where no token is asked for
    #[arg(long)]
    pub(crate) launches: bool,
    /// Folder whose files, adapters and commands started experiments may use (may be
    /// repeated); implies --launches
    #[arg(long, value_name = "DIR")]
    pub(crate) launch_root: Vec<PathBuf>,
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
    /// Run although defaults that the experiment uses are not those of its newest run; asked
    /// for where nobody sees the difference
    #[arg(long)]
    pub(crate) accept_defaults: bool,
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

/// Options of `demo`.
#[derive(Args)]
pub(crate) struct DemoArgs {
    /// Which demo
    #[arg(value_enum, default_value_t = DemoName::Digits)]
    pub(crate) name: DemoName,
    /// End when the runs are compared instead of serving on
    #[arg(long)]
    pub(crate) exit: bool,
    /// Port to serve on; a free one when taken
    #[arg(long, default_value_t = DEFAULT_PORT)]
    pub(crate) port: u16,
}

/// A demo.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum DemoName {
    /// Three experiments with three kinds of model
    Digits,
    /// One experiment on five frameworks
    Frameworks,
}
