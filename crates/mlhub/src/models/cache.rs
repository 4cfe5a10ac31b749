//! Model files on the hub's disk, as its programs read them:
//! `<data directory>/models/<key>/files/...`, whole or not there.
//!
//! All of it can be made again from the hub's contents; what was used least
//! recently goes when it grows too large.

use std::fs;
use std::io::{self, ErrorKind as Io};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use mlhub_app::ServedModel;
use mlhub_core::{Error, ErrorKind, Result, limits};
use tokio::io::AsyncWriteExt as _;

/// Bytes of all models that are kept here; the one asked for always fits.
const CACHE_MAX_BYTES: u64 = 2 * limits::MODEL_MAX_BYTES;
/// The folder of a model's files in its place.
const FILES: &str = "files";
/// Its time of change is when the model was last asked for.
const USED: &str = "used";
/// What names of places that are being filled begin with.
const UNDER_WAY: &str = ".new-";
/// What names of places that are being removed begin with.
const GOING: &str = ".old-";

/// The places of models.
#[derive(Debug)]
pub(super) struct ModelCache {
    root: PathBuf,
    max_bytes: u64,
    /// Held while a place is filled or places are removed.
    filling: tokio::sync::Mutex<()>,
}

impl ModelCache {
    /// Opens the folder; what an earlier hub left half filled or half removed goes.
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        Self::bounded(root, CACHE_MAX_BYTES)
    }

    fn bounded(root: &Path, max_bytes: u64) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        for entry in fs::read_dir(root)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(UNDER_WAY) || name.starts_with(GOING) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(Self {
            root: root.to_owned(),
            max_bytes,
            filling: tokio::sync::Mutex::new(()),
        })
    }

    /// The folder with the model's files; brings them here when they are not.
    /// Places that are `in_use` are not removed to make room.
    pub(super) async fn folder(
        &self,
        key: &str,
        model: &ServedModel,
        in_use: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<PathBuf> {
        let place = self.root.join(key);
        let _filling = self.filling.lock().await;
        if !place.join(FILES).is_dir() {
            self.make_room(model.size_bytes(), key, in_use)
                .map_err(|error| failed(&self.root, error))?;
            let new = self.root.join(format!("{UNDER_WAY}{key}"));
            let filled = self.fill(&new, model).await;
            let moved = filled
                .and_then(|()| fs::rename(&new, &place).map_err(|error| failed(&place, error)));
            if let Err(error) = moved {
                // The next start of the hub removes what cannot be removed now.
                drop(fs::remove_dir_all(&new));
                return Err(error);
            }
        }
        fs::write(place.join(USED), []).map_err(|error| failed(&place, error))?;
        Ok(place.join(FILES))
    }

    /// Writes every file; a content is checked against its hash as it is read.
    async fn fill(&self, new: &Path, model: &ServedModel) -> Result<()> {
        if new.exists() {
            fs::remove_dir_all(new).map_err(|error| failed(new, error))?;
        }
        let files = new.join(FILES);
        fs::create_dir_all(&files).map_err(|error| failed(&files, error))?;
        for file in &model.files {
            let target = files.join(file.path.as_str());
            if let Some(folder) = target.parent() {
                fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
            }
            let mut out = tokio::fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(&target)
                .await
                .map_err(|error| failed(&target, error))?;
            let mut reader = model.read(file);
            while let Some(piece) = reader.next().await? {
                out.write_all(&piece)
                    .await
                    .map_err(|error| failed(&target, error))?;
            }
            out.flush().await.map_err(|error| failed(&target, error))?;
            out.sync_all()
                .await
                .map_err(|error| failed(&target, error))?;
        }
        Ok(())
    }

    /// Removes places, the least recently used first, until `wanted` bytes fit.
    fn make_room(
        &self,
        wanted: u64,
        key: &str,
        in_use: &(dyn Fn(&str) -> bool + Sync),
    ) -> io::Result<()> {
        let mut places = Vec::new();
        let mut total = wanted;
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let bytes = folder_bytes(&entry.path().join(FILES))?;
            total = total.saturating_add(bytes);
            if name != key && !in_use(&name) {
                places.push((last_used(&entry.path()), name, bytes));
            }
        }
        places.sort();
        for (_, name, bytes) in places {
            if total <= self.max_bytes {
                break;
            }
            // A hub that is killed while it removes leaves no place with half its files.
            let going = self.root.join(format!("{GOING}{name}"));
            fs::rename(self.root.join(&name), &going)?;
            fs::remove_dir_all(going)?;
            total -= bytes;
        }
        Ok(())
    }
}

fn last_used(place: &Path) -> SystemTime {
    fs::metadata(place.join(USED))
        .and_then(|data| data.modified())
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

fn folder_bytes(folder: &Path) -> io::Result<u64> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == Io::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let mut total = 0;
    for entry in entries {
        let entry = entry?;
        let data = entry.metadata()?;
        total += if data.is_dir() {
            folder_bytes(&entry.path())?
        } else {
            data.len()
        };
    }
    Ok(total)
}

fn failed(place: &Path, error: io::Error) -> Error {
    let kind = match error.kind() {
        Io::StorageFull | Io::QuotaExceeded => ErrorKind::StorageFull,
        Io::ReadOnlyFilesystem => ErrorKind::ReadOnly,
        _ => ErrorKind::Internal,
    };
    Error::new(
        kind,
        format!(
            "the model cannot be put into `{}`: {error}",
            place.display()
        ),
    )
    .with_source(error)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A place of `bytes` that was last used `second` seconds after the epoch.
    fn place(root: &Path, name: &str, bytes: usize, second: u64) {
        fs::create_dir_all(root.join(name).join(FILES)).unwrap();
        fs::write(root.join(name).join(FILES).join("model"), vec![0; bytes]).unwrap();
        let used = fs::File::create(root.join(name).join(USED)).unwrap();
        used.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(second))
            .unwrap();
    }

    fn names(root: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(root)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_least_recently_used_makes_way_and_what_is_in_use_stays() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        place(root, "warm", 40, 1);
        place(root, "older", 30, 2);
        place(root, "newer", 20, 3);
        let cache = ModelCache::bounded(root, 100).unwrap();
        let in_use = |name: &str| name == "warm";
        cache.make_room(10, "next", &in_use).unwrap();
        assert_eq!(names(root), ["newer", "older", "warm"], "it fits");
        cache.make_room(11, "next", &in_use).unwrap();
        assert_eq!(names(root), ["newer", "warm"]);
        cache.make_room(1000, "next", &in_use).unwrap();
        assert_eq!(names(root), ["warm"]);
    }

    #[test]
    fn what_is_half_filled_or_half_removed_goes_at_the_start() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        place(root, ".new-a", 1, 1);
        place(root, ".old-b", 1, 1);
        place(root, "c", 1, 1);
        ModelCache::open(root).unwrap();
        assert_eq!(names(root), ["c"]);
    }
}
