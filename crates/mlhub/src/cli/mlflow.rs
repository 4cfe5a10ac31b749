//! Archives of projects, and moving in from MLflow and out to it.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Options of `export`.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct ProjectExportArgs {
    /// The project
    #[arg(required = true)]
    pub(crate) project: Option<String>,
    /// The file to make, such as project.mlhub
    #[arg(required = true)]
    pub(crate) file: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Option<ExportCommand>,
}

/// What `export` writes besides archives.
#[derive(Subcommand)]
pub(crate) enum ExportCommand {
    /// Write a folder `mlruns` that MLflow opens (a project called `mlflow`: `export -- mlflow FILE`)
    ///
    /// Experiments, runs with all points, artifacts, logged models and the model registry, as
    /// MLflow's clients see them on the hub; compared with the hub in the end.
    Mlflow(MlflowExportArgs),
}

/// Options of `export mlflow`.
#[derive(Args)]
pub(crate) struct MlflowExportArgs {
    /// The folder to make
    pub(crate) dest: PathBuf,
    /// Only experiments of this project, and no registered models
    #[arg(long, value_name = "NAME")]
    pub(crate) project: Option<String>,
    /// Only this experiment, by its name in MLflow, and no registered models; may come more than
    /// once
    #[arg(long, value_name = "NAME")]
    pub(crate) experiment: Vec<String>,
    /// Leave files out
    #[arg(long)]
    pub(crate) no_artifacts: bool,
}

/// Options of `import`.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct ProjectImportArgs {
    /// The file
    #[arg(required = true)]
    pub(crate) file: Option<PathBuf>,
    /// What to call the project here [default: its name]
    #[arg(long, value_name = "NAME")]
    pub(crate) project: Option<String>,
    #[command(subcommand)]
    pub(crate) command: Option<ImportCommand>,
}

/// What `import` reads besides archives.
#[derive(Subcommand)]
pub(crate) enum ImportCommand {
    /// Import from MLflow: a folder `mlruns`, a SQLite database, or a running server
    ///
    /// Experiments, runs with all points, artifacts, logged models and the model registry; ids of
    /// runs stay. What is there already is passed over, what grew is topped up, and in the end
    /// everything is compared. A server is asked with MLFLOW_TRACKING_TOKEN, or with
    /// MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.
    Mlflow(MlflowImportArgs),
}

/// Options of `import mlflow`.
#[derive(Args)]
pub(crate) struct MlflowImportArgs {
    /// The folder, the database (mlflow.db or sqlite:///mlflow.db), or http(s)://host:port
    pub(crate) source: String,
    /// Put all experiments into this project [default: as their names say, P/E or `default`]
    #[arg(long, value_name = "NAME")]
    pub(crate) project: Option<String>,
    /// Only this experiment, and no registered models; may come more than once
    #[arg(long, value_name = "NAME")]
    pub(crate) experiment: Vec<String>,
    /// A folder outside of the store from which artifacts may be read; may come more than once
    #[arg(long, value_name = "DIR")]
    pub(crate) artifacts_root: Vec<PathBuf>,
    /// Leave files out
    #[arg(long)]
    pub(crate) no_artifacts: bool,
    /// Read everything, say what there is, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}
