//! Options of commands about what runs leave behind: output, points, files.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

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
    /// Fetch files, resumed where an earlier try ended, checked by hash
    Get {
        /// Run id or unique prefix; or PROJECT/NAME:VERSION, where the version is latest
        /// [default], vN or an alias
        #[arg(value_name = "RUN|PROJECT/NAME:VERSION")]
        from: String,
        /// One artifact of the run, or a folder of them [default: all of the run]
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
    /// List the versions of an artifact, newest first
    Versions {
        /// The project
        project: String,
        /// The artifact's name: the path runs record it at
        name: String,
        /// Versions at most [default: 50, with --json all]
        #[arg(long, short = 'n')]
        limit: Option<usize>,
    },
    /// Give a version an alias, or move the alias to it; what has an alias outlives its run
    Alias {
        /// The project
        project: String,
        /// The artifact's name: the path runs record it at
        name: String,
        /// The version: vN, latest or another alias
        version: String,
        /// The alias
        alias: String,
    },
    /// Take an alias away
    Unalias {
        /// The project
        project: String,
        /// The artifact's name
        name: String,
        /// The alias
        alias: String,
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
