//! Files under a dataset: walking, hashing, the fingerprint, progress, and durable replacement.
//! Knows nothing of what is inside a file.

use std::fs::{File, Metadata};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{DataError, Result, display};
use crate::limits::{FILES_MAX, FOLDER_DEPTH_MAX, PROGRESS_EVERY_BYTES};

/// One file of a dataset version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct FileEntry {
    /// Path relative to the dataset's folder, with forward slashes; the file name when the
    /// dataset is one file.
    pub path: String,
    /// Size in bytes.
    pub size_bytes: u64,
    /// BLAKE3 of the content, in hexadecimal.
    pub hash: String,
}

/// How far a pass over the bytes is. `bytes_total` counts bytes to be read, which is more than
/// the size where a format is read twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct Progress {
    /// Bytes read so far.
    pub bytes_done: u64,
    /// Bytes to read in all.
    pub bytes_total: u64,
}

/// Adds up bytes over all files and reports every [`PROGRESS_EVERY_BYTES`].
pub(crate) struct Meter<'a> {
    progress: Progress,
    reported: u64,
    sink: &'a mut dyn FnMut(Progress),
}

impl<'a> Meter<'a> {
    pub(crate) fn new(bytes_total: u64, sink: &'a mut dyn FnMut(Progress)) -> Self {
        sink(Progress {
            bytes_done: 0,
            bytes_total,
        });
        Self {
            progress: Progress {
                bytes_done: 0,
                bytes_total,
            },
            reported: 0,
            sink,
        }
    }

    pub(crate) fn add(&mut self, bytes: u64) {
        let progress = &mut self.progress;
        progress.bytes_done = (progress.bytes_done + bytes).min(progress.bytes_total);
        if progress.bytes_done - self.reported >= PROGRESS_EVERY_BYTES {
            self.reported = progress.bytes_done;
            (self.sink)(*progress);
        }
    }

    pub(crate) fn finish(&mut self) {
        self.progress.bytes_done = self.progress.bytes_total;
        (self.sink)(self.progress);
    }
}

/// Reads a file while hashing every byte that passes.
pub(crate) struct HashingReader<'m, 'p> {
    file: File,
    hasher: blake3::Hasher,
    size_bytes: u64,
    meter: &'m mut Meter<'p>,
}

impl<'m, 'p> HashingReader<'m, 'p> {
    pub(crate) fn open(path: &Path, name: &str, meter: &'m mut Meter<'p>) -> Result<Self> {
        let file = File::open(path).map_err(|e| DataError::io(name, "open", e))?;
        Ok(Self {
            file,
            hasher: blake3::Hasher::new(),
            size_bytes: 0,
            meter,
        })
    }

    /// Size in bytes and hash of everything that was read.
    pub(crate) fn finish(self) -> (u64, String) {
        (self.size_bytes, self.hasher.finalize().to_hex().to_string())
    }
}

impl Read for HashingReader<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        self.size_bytes += count as u64;
        self.meter.add(count as u64);
        Ok(count)
    }
}

/// Bytes of a read buffer.
pub(crate) const BUFFER_BYTES: usize = 256 << 10;

/// Opens a file for streaming.
pub(crate) fn open_buffered(path: &Path, name: &str) -> Result<impl BufRead + use<>> {
    let file = File::open(path).map_err(|e| DataError::io(name, "open", e))?;
    Ok(BufReader::with_capacity(BUFFER_BYTES, file))
}

/// Hashes one file. The entry carries `relative` as its path.
pub(crate) fn hash_file(path: &Path, relative: String, meter: &mut Meter<'_>) -> Result<FileEntry> {
    let name = display(path);
    let before = stamp(path, &name)?;
    let mut reader = HashingReader::open(path, &name, meter)?;
    let mut buffer = vec![0; BUFFER_BYTES];
    while reader
        .read(&mut buffer)
        .map_err(|e| DataError::io(&name, "read", e))?
        > 0
    {}
    let (size_bytes, hash) = reader.finish();
    check_stamp(path, &name, &before)?;
    Ok(FileEntry {
        path: relative,
        size_bytes,
        hash,
    })
}

/// Size and time of change, to notice a write during a read.
pub(crate) fn stamp(path: &Path, name: &str) -> Result<Metadata> {
    std::fs::metadata(path).map_err(|e| DataError::io(name, "read the metadata of", e))
}

/// Refuses a file whose [`stamp`] is no longer `before`.
pub(crate) fn check_stamp(path: &Path, name: &str, before: &Metadata) -> Result<()> {
    let after = stamp(path, name)?;
    if after.len() == before.len() && after.modified().ok() == before.modified().ok() {
        Ok(())
    } else {
        Err(DataError::ChangedWhileReading {
            file: name.to_owned(),
        })
    }
}

/// File name of a single-file dataset.
pub(crate) fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// A file found under a folder dataset.
pub(crate) struct Found {
    /// Relative path with forward slashes.
    pub(crate) relative: String,
    pub(crate) path: PathBuf,
    pub(crate) size_bytes: u64,
}

/// Files that desktops leave behind; never part of a dataset.
pub(crate) const IGNORED_NAMES: [&str; 3] = [".DS_Store", "Thumbs.db", "desktop.ini"];

/// Lists the files under `root`, sorted by relative path.
///
/// A link to a file inside the folder is followed; a link that leaves it, or to a folder, and
/// anything that is neither file nor folder is refused.
pub(crate) fn walk(root: &Path) -> Result<Vec<Found>> {
    let name = display(root);
    let canonical = root
        .canonicalize()
        .map_err(|e| DataError::io(&name, "open", e))?;
    let mut found = Vec::new();
    let walker = walkdir::WalkDir::new(&canonical)
        .follow_links(false)
        .max_depth(FOLDER_DEPTH_MAX + 1);
    for entry in walker {
        let entry = entry.map_err(|e| {
            let file = e.path().map_or_else(|| name.clone(), display);
            let source = e
                .into_io_error()
                .unwrap_or_else(|| std::io::Error::other("loop of links"));
            DataError::io(&file, "list", source)
        })?;
        if entry.depth() > FOLDER_DEPTH_MAX {
            return Err(DataError::limit(&name, "nested folders", FOLDER_DEPTH_MAX));
        }
        if entry.file_type().is_dir()
            || IGNORED_NAMES
                .iter()
                .any(|ignored| entry.file_name() == *ignored)
        {
            continue;
        }
        let size_bytes = entry_size(&canonical, &entry)?;
        let relative = relative_path(&canonical, entry.path())?;
        found.push(Found {
            relative,
            path: entry.into_path(),
            size_bytes,
        });
        if found.len() > FILES_MAX {
            return Err(DataError::limit(&name, "files", FILES_MAX));
        }
    }
    found.sort_by(|a, b| a.relative.cmp(&b.relative));
    if found.is_empty() {
        return Err(DataError::Empty {
            file: name,
            problem: "the folder holds no files",
        });
    }
    Ok(found)
}

fn entry_size(canonical_root: &Path, entry: &walkdir::DirEntry) -> Result<u64> {
    let file = display(entry.path());
    if entry.file_type().is_symlink() {
        let target = entry
            .path()
            .canonicalize()
            .map_err(|e| DataError::io(&file, "follow the link", e))?;
        if !target.starts_with(canonical_root) {
            return Err(DataError::refused(
                &file,
                "it is a link to something outside the dataset folder; copy the target into the folder",
            ));
        }
    }
    let metadata = stamp(entry.path(), &file)?;
    if metadata.is_dir() {
        return Err(DataError::refused(
            &file,
            "it is a link to a folder, whose files would count twice; remove the link",
        ));
    }
    if !metadata.is_file() {
        return Err(DataError::refused(
            &file,
            "it is neither a file nor a folder; remove it from the dataset",
        ));
    }
    Ok(metadata.len())
}

fn relative_path(root: &Path, path: &Path) -> Result<String> {
    let relative = path
        .strip_prefix(root)
        .expect("walk yields paths below its root");
    let mut parts = Vec::new();
    for part in relative.components() {
        let part = part.as_os_str().to_str().ok_or_else(|| {
            DataError::refused(&display(path), "its name is not valid UTF-8; rename it")
        })?;
        parts.push(part);
    }
    Ok(parts.join("/"))
}

/// Frozen: a change of the construction is a new version, and old fingerprints stay as they are.
const FINGERPRINT_CONTEXT: &str = "mlhub-data dataset fingerprint v1";

/// `v1:` and the BLAKE3 (derive-key mode, [`FINGERPRINT_CONTEXT`]) over the number of files and,
/// for each file in order of its path: length and bytes of the path, size, content hash. The
/// numbers are 64-bit little-endian.
///
/// The one file of a single-file dataset counts under an empty path: renaming it does not change
/// its content.
pub(crate) fn fingerprint(files: &[FileEntry], single_file: bool) -> String {
    let mut sorted: Vec<&FileEntry> = files.iter().collect();
    sorted.sort_by(|a, b| a.path.cmp(&b.path));
    let mut hasher = blake3::Hasher::new_derive_key(FINGERPRINT_CONTEXT);
    hasher.update(&(sorted.len() as u64).to_le_bytes());
    for file in sorted {
        let path = if single_file { "" } else { file.path.as_str() };
        hasher.update(&(path.len() as u64).to_le_bytes());
        hasher.update(path.as_bytes());
        hasher.update(&file.size_bytes.to_le_bytes());
        hasher.update(&(file.hash.len() as u64).to_le_bytes());
        hasher.update(file.hash.as_bytes());
    }
    format!("v1:{}", hasher.finalize().to_hex())
}

/// Makes a file's bytes durable.
pub(crate) fn sync_file(path: &Path) -> Result<()> {
    let name = display(path);
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(|e| DataError::io(&name, "sync", e))
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(path: &Path) -> Result<()> {
    sync_file(path)
}

/// Moves `from` onto `to` within one file system, replacing what is there. A folder in the way is
/// first moved into `aside`, since a rename cannot replace a folder that is not empty.
pub(crate) fn replace(from: &Path, to: &Path, aside: &Path) -> Result<()> {
    let name = display(to);
    if to.is_dir() {
        let old = aside.join("replaced").join(file_name(to));
        std::fs::create_dir_all(old.parent().expect("joined above"))
            .and_then(|()| std::fs::rename(to, &old))
            .map_err(|e| DataError::io(&name, "replace", e))?;
    }
    std::fs::rename(from, to).map_err(|e| DataError::io(&name, "move into place", e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, size_bytes: u64, hash: &str) -> FileEntry {
        FileEntry {
            path: path.into(),
            size_bytes,
            hash: hash.into(),
        }
    }

    #[test]
    fn fingerprint_is_frozen() {
        let files = [entry("a.csv", 3, "00ff"), entry("b/c.csv", 4, "11ee")];
        assert_eq!(
            fingerprint(&files, false),
            "v1:76d40f31a83a71b4e70b6e419110db8352350243cba0857515d45dee8e3e6733"
        );
        let reversed = [files[1].clone(), files[0].clone()];
        assert_eq!(fingerprint(&reversed, false), fingerprint(&files, false));
    }

    #[test]
    fn fingerprint_tells_paths_sizes_and_contents_apart() {
        let variants = [
            vec![entry("a", 1, "00")],
            vec![entry("b", 1, "00")],
            vec![entry("a", 2, "00")],
            vec![entry("a", 1, "01")],
            vec![entry("a", 1, "00"), entry("b", 1, "00")],
            vec![],
        ];
        let prints: std::collections::HashSet<_> =
            variants.iter().map(|v| fingerprint(v, false)).collect();
        assert_eq!(prints.len(), variants.len());
        assert_eq!(
            fingerprint(&variants[0], true),
            fingerprint(&variants[1], true)
        );
    }

    #[test]
    fn meter_reports_start_and_end_and_never_more_than_the_total() {
        let mut seen = Vec::new();
        let mut sink = |progress: Progress| seen.push(progress);
        let mut meter = Meter::new(10, &mut sink);
        meter.add(7);
        meter.add(7);
        meter.finish();
        assert_eq!(seen.first().unwrap().bytes_done, 0);
        assert_eq!(
            seen.last().unwrap(),
            &Progress {
                bytes_done: 10,
                bytes_total: 10
            }
        );
    }
}
