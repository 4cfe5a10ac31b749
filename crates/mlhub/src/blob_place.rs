//! Where a hub keeps its blobs: a folder of the data directory, or a bucket.
//!
//! A data directory remembers which, so that a hub started without the option
//! says so instead of finding no content.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use mlhub_core::blob::BlobStore;
use mlhub_store::{DataDir, FolderBlobStore, S3BlobStore, S3Config};

use crate::exit::{DATA_DIR, USAGE, fail};

/// Names the bucket, as `serve --blobs` does.
const ENV_BLOBS: &str = "MLHUB_BLOBS";
/// Names the file with keys, as `serve --blobs-config` does.
const ENV_BLOBS_CONFIG: &str = "MLHUB_BLOBS_CONFIG";
/// Where a data directory remembers its bucket.
const MEMORY_FILE: &str = "blobs-at";

/// What was asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct BlobPlace {
    /// `s3://bucket/prefix`; the data directory's folder when absent.
    pub(crate) url: Option<String>,
    /// A file with endpoint and keys.
    pub(crate) config: Option<PathBuf>,
}

impl BlobPlace {
    /// As the environment says.
    pub(crate) fn from_environment() -> Self {
        let value = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            url: value(ENV_BLOBS),
            config: value(ENV_BLOBS_CONFIG).map(PathBuf::from),
        }
    }

    /// Opens the place for a data directory.
    pub(crate) async fn open(&self, data_dir: &DataDir) -> anyhow::Result<Arc<dyn BlobStore>> {
        let folder = data_dir.blobs();
        self.agree(data_dir.path(), &folder)?;
        let refuse = |error: mlhub_core::Error| fail(DATA_DIR, error.public_message());
        let Some(url) = &self.url else {
            let store = FolderBlobStore::open(folder).map_err(refuse)?;
            return Ok(Arc::new(store));
        };
        let environment = |name: &str| std::env::var(name).ok();
        let config = S3Config::read(url, self.config.as_deref(), environment)
            .map_err(|error| fail(USAGE, error.public_message()))?;
        let store = S3BlobStore::open(config, folder).await.map_err(refuse)?;
        let memory = data_dir.path().join(MEMORY_FILE);
        if !memory.exists() {
            write_memory(&memory, url)?;
        }
        Ok(Arc::new(store))
    }

    /// A data directory stays with the place its blobs are in.
    fn agree(&self, data_dir: &Path, folder: &Path) -> anyhow::Result<()> {
        let memory = data_dir.join(MEMORY_FILE);
        let remembered = match std::fs::read_to_string(&memory) {
            Ok(text) => Some(text.trim().to_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                let place = memory.display();
                return Err(fail(DATA_DIR, format!("`{place}` cannot be read: {error}")));
            }
        };
        let place = data_dir.display();
        match (&self.url, &remembered) {
            (None, Some(there)) => Err(fail(
                DATA_DIR,
                format!(
                    "the blobs of the data directory {place} are in {there}: start the hub with `--blobs {there}`, or set {ENV_BLOBS}"
                ),
            )),
            (Some(asked), Some(there)) if asked != there => Err(fail(
                DATA_DIR,
                format!(
                    "the blobs of the data directory {place} are in {there}, not in {asked}; move them there first and correct `{}`",
                    memory.display()
                ),
            )),
            (Some(asked), None) if has_blobs(folder) => Err(fail(
                DATA_DIR,
                format!(
                    "the data directory {place} has blobs in its own folder; with `--blobs {asked}` they would not be found. Use a new data directory, or move the content of {}/??/??/ below {asked}/blobs/ first",
                    folder.display()
                ),
            )),
            _ => Ok(()),
        }
    }
}

fn write_memory(memory: &Path, url: &str) -> anyhow::Result<()> {
    let temporary = memory.with_extension("new");
    std::fs::write(&temporary, format!("{url}\n"))
        .and_then(|()| std::fs::rename(&temporary, memory))
        .map_err(|error| {
            fail(
                DATA_DIR,
                format!("cannot write `{}`: {error}", memory.display()),
            )
        })
}

/// Whether blobs lie in the folder: their first two digits name a folder each.
fn has_blobs(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|entries| {
        entries
            .flatten()
            .any(|entry| entry.file_name().len() == 2 && entry.path().is_dir())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_directory_stays_with_the_place_of_its_blobs() {
        let folder = tempfile::tempdir().expect("a folder");
        let blobs = folder.path().join("blobs");
        let agree = |url: Option<&str>| {
            let place = BlobPlace {
                url: url.map(str::to_owned),
                config: None,
            };
            place
                .agree(folder.path(), &blobs)
                .map_err(|error| error.to_string())
        };
        assert_eq!(agree(None), Ok(()));
        assert_eq!(agree(Some("s3://a")), Ok(()));
        std::fs::create_dir_all(blobs.join("ab")).expect("made");
        assert!(
            agree(Some("s3://a"))
                .expect_err("folder in use")
                .contains("own folder")
        );
        write_memory(&folder.path().join(MEMORY_FILE), "s3://a").expect("written");
        assert_eq!(agree(Some("s3://a")), Ok(()));
        assert!(
            agree(None)
                .expect_err("forgotten")
                .contains("--blobs s3://a")
        );
        assert!(
            agree(Some("s3://b"))
                .expect_err("another")
                .contains("s3://a")
        );
    }
}
