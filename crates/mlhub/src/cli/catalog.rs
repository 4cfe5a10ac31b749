//! Options of commands about what a hub keeps beside runs: datasets, adapters,
//! definitions, backups, projects.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

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
        /// Send the hub this many of the first rows, 1 to 100, for all who may read it to see
        /// [default: none]
        #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u32).range(1..=100))]
        preview: Option<u32>,
    },
    /// Show the rows of a version that somebody chose to show, or hide them again
    Preview {
        /// `NAME@VERSION`
        version: String,
        /// Remove them from the hub
        #[arg(long)]
        remove: bool,
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
    /// Accept that a split holds rows of another split, so that its results may be ranked
    Accept {
        /// `NAME@VERSION`
        version: String,
        /// The split whose results are meant, such as test
        #[arg(long)]
        split: String,
        /// Why that is right; kept with your name
        #[arg(long)]
        reason: String,
        /// Which division of the version, by its hash or the start of it [default: the only one
        /// with shared rows]
        #[arg(long, value_name = "HASH")]
        division: Option<String>,
    },
    /// Remove a version that no run refers to, for good; the data itself stays
    Purge {
        /// `NAME@VERSION`
        version: String,
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
        /// Write the findings as JUnit XML
        #[arg(long, value_name = "FILE")]
        junit: Option<PathBuf>,
        /// Write a badge as SVG
        #[arg(long, value_name = "FILE")]
        badge: Option<PathBuf>,
    },
    /// Run a command in an adapter's environment, with what its programs can import
    Exec {
        /// Its folder, or the name of a known adapter
        adapter: String,
        /// The command and its arguments
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
}

/// Languages `adapter new` writes.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum AdapterLanguage {
    /// Python, on the author's kit
    Python,
    /// POSIX shell
    Shell,
    /// Rust, without dependencies
    Rust,
    /// Node.js, without packages
    Node,
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
    /// Evaluate again what was evaluated by definitions that a newer version has replaced
    Migrate {
        /// Only tell what would be
        #[arg(long)]
        dry_run: bool,
    },
    /// Show in what two definitions differ
    Diff {
        /// `name` or `name@version`
        a: String,
        /// `name` or `name@version`
        b: String,
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
