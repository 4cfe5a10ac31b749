//! Checkpoints and the final model: one JSON file, written whole by rename.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

use mlhub_protocol::run_dir::names;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::failure::Failure;
use crate::model::ModelState;
use crate::objective::Objective;

/// The version of the file; greater ones are refused.
const VERSION: u32 = 1;
/// The file inside a checkpoint that is a folder.
const FOLDER_FILE: &str = "model.json";

/// Everything needed to go on.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    pub(crate) version: u32,
    /// Steps done.
    pub(crate) step: u64,
    pub(crate) seed: i64,
    /// The params that must not change on the way.
    pub(crate) params: Value,
    /// Fingerprint of the training split.
    pub(crate) train_fingerprint: String,
    pub(crate) objective: Objective,
    pub(crate) features: Vec<String>,
    pub(crate) classes: Vec<String>,
    /// The best validation loss so far and its step.
    pub(crate) best: Option<Best>,
    pub(crate) model: ModelState,
}

/// The best validation loss so far.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Best {
    pub(crate) step: u64,
    pub(crate) loss: f64,
}

impl Checkpoint {
    pub(crate) const VERSION: u32 = VERSION;

    /// Writes it to `checkpoints/step-N.json` and returns that relative path.
    pub(crate) fn write(&self, run_dir: &Path) -> Result<String, Failure> {
        let relative = format!("{}/step-{}.json", names::CHECKPOINTS, self.step);
        self.write_to(run_dir, &relative)?;
        Ok(relative)
    }

    /// Writes it to a path relative to the run directory: complete, then named.
    pub(crate) fn write_to(&self, run_dir: &Path, relative: &str) -> Result<(), Failure> {
        write_whole(&run_dir.join(relative), |file| {
            serde_json::to_writer(file, self).map_err(std::io::Error::from)
        })
    }

    /// Reads one back.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let path = if path.is_dir() {
            path.join(FOLDER_FILE)
        } else {
            path.to_owned()
        };
        let file = File::open(&path).map_err(|error| {
            Failure::config(
                "resume.checkpoint",
                format!("{} cannot be opened: {error}", path.display()),
            )
        })?;
        // The message says line and column; it would quote unexpected values too.
        let checkpoint: Self = serde_json::from_reader(BufReader::new(file)).map_err(|error| {
            Failure::config(
                "resume.checkpoint",
                format!(
                    "{} is damaged at byte column {}",
                    path.display(),
                    error.column()
                ),
            )
        })?;
        if checkpoint.version > VERSION {
            return Err(Failure::config(
                "resume.checkpoint",
                format!(
                    "has version {}, written by a newer adapter; this one reads up to {VERSION}",
                    checkpoint.version
                ),
            ));
        }
        Ok(checkpoint)
    }

    /// Refuses to go on with something else than what was being trained.
    pub(crate) fn check(&self, other: &Self) -> Result<(), Failure> {
        let differs = if self.seed != other.seed {
            "seed"
        } else if self.params != other.params {
            "params"
        } else if self.train_fingerprint != other.train_fingerprint {
            "training split"
        } else if self.features != other.features
            || self.classes != other.classes
            || self.objective != other.objective
        {
            "columns, classes or task"
        } else {
            return Ok(());
        };
        Err(Failure::config(
            "resume",
            format!(
                "the checkpoint was written with another {differs}; only rounds, epochs and \
                 checkpoint_every may change on resuming"
            ),
        ))
    }
}

/// Writes a file beside its place, flushes it to disk and renames it there.
pub(crate) fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>,
) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let temporary = path.with_extension("tmp");
    let result = fs::create_dir_all(folder).and_then(|()| {
        let mut file = BufWriter::new(File::create(&temporary)?);
        write(&mut file)?;
        file.flush()?;
        file.get_ref().sync_all()?;
        fs::rename(&temporary, path)
    });
    result.map_err(Failure::io("writing", path))
}
