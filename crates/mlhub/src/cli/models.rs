//! Options of commands about trained models.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Options of `predict`.
#[derive(Args)]
pub(crate) struct PredictArgs {
    /// Run id or unique prefix, or PROJECT/NAME:VERSION of a file of the model
    pub(crate) model: String,
    /// Inline JSON or text; a .json, .jsonl, .csv, .txt, .png or .jpg file; or - for
    /// standard input
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<String>,
    /// Settings of the adapter, a JSON object
    #[arg(long, value_name = "JSON")]
    pub(crate) options: Option<String>,
}

/// Options of `search`.
#[derive(Args)]
pub(crate) struct SearchArgs {
    /// Run id or unique prefix, or PROJECT/NAME:VERSION of a file of the model
    pub(crate) model: String,
    /// A text, a vector as inline JSON, or an image file
    pub(crate) query: String,
    /// Hits at most
    #[arg(short, default_value_t = 10)]
    pub(crate) k: u32,
    /// Settings of the adapter, a JSON object
    #[arg(long, value_name = "JSON")]
    pub(crate) options: Option<String>,
}

/// What `models` does.
#[derive(Subcommand)]
pub(crate) enum ModelsCommand {
    /// Show what a trained model takes, gives and can do
    Show {
        /// Run id or unique prefix, or PROJECT/NAME:VERSION of a file of the model
        model: String,
    },
    /// Export a trained model to another format and store it with its run
    Export(ExportArgs),
}

/// Options of `models export`.
#[derive(Args)]
pub(crate) struct ExportArgs {
    /// Run id or unique prefix, or PROJECT/NAME:VERSION of a file of the model
    pub(crate) model: String,
    /// The format; which there are says the adapter
    #[arg(long, short, default_value = "onnx")]
    pub(crate) format: String,
    /// Also write the files into this folder, which must be new or empty
    #[arg(long, short, value_name = "FOLDER")]
    pub(crate) output: Option<PathBuf>,
    /// Write into a folder that has files, and over those of the same name
    #[arg(long, requires = "output")]
    pub(crate) force: bool,
}
