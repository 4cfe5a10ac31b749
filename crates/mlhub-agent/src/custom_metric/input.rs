//! The predictions handed to programs: one file that all of them read, within a bound, and
//! whether it is still what was written.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use mlhub_core::limits::CUSTOM_METRIC_INPUT_MAX_BYTES;
use mlhub_protocol::custom_metric::{METRIC_PREDICTIONS_FILE, MetricPredictions};

use super::CustomMetricError;

/// Bytes read at once.
const PIECE_BYTES: usize = 1 << 16;
/// Readable by its owner, writable by nobody.
const READ_ONLY: u32 = 0o400;

/// Predictions on disk.
#[derive(Debug)]
pub struct MetricInput {
    path: PathBuf,
    rows: u64,
    task: String,
    hash: blake3::Hash,
}

impl MetricInput {
    /// Writes predictions to `folder`, which is made.
    ///
    /// # Errors
    /// [`CustomMetricError::Input`] when they are too large or cannot be written.
    pub fn write(
        folder: &Path,
        predictions: &MetricPredictions,
    ) -> Result<Self, CustomMetricError> {
        let path = folder.join(METRIC_PREDICTIONS_FILE);
        let written = write(folder, &path, predictions);
        let hash = written.map_err(|error| match error.kind() {
            io::ErrorKind::FileTooLarge => CustomMetricError::Input(format!(
                "the predictions have more than the {CUSTOM_METRIC_INPUT_MAX_BYTES} bytes that a program is given"
            )),
            _ => CustomMetricError::Input(format!("the predictions cannot be written: {error}")),
        })?;
        Ok(Self {
            path,
            rows: predictions.id.len() as u64,
            task: predictions.task.clone(),
            hash,
        })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Rows in it.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The task.
    #[must_use]
    pub fn task(&self) -> &str {
        &self.task
    }

    /// Whether the file holds what was written.
    pub(super) fn unchanged(&self) -> io::Result<bool> {
        let mut hasher = blake3::Hasher::new();
        match File::open(&self.path) {
            Ok(file) => hasher.update_reader(file)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        Ok(hasher.finalize() == self.hash)
    }
}

/// Hashes what passes, and lets no more pass than fits.
struct Bounded {
    file: File,
    hasher: blake3::Hasher,
    left: u64,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.left.checked_sub(bytes.len() as u64);
        self.left = left.ok_or(io::ErrorKind::FileTooLarge)?;
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn write(folder: &Path, path: &Path, predictions: &MetricPredictions) -> io::Result<blake3::Hash> {
    fs::create_dir_all(folder)?;
    let bounded = Bounded {
        file: File::create(path)?,
        hasher: blake3::Hasher::new(),
        left: CUSTOM_METRIC_INPUT_MAX_BYTES,
    };
    let mut out = BufWriter::with_capacity(PIECE_BYTES, bounded);
    serde_json::to_writer(&mut out, predictions)?;
    let bounded = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    bounded
        .file
        .set_permissions(fs::Permissions::from_mode(READ_ONLY))?;
    Ok(bounded.hasher.finalize())
}
