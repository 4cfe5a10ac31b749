//! A backup from a hub into a folder.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};

use mlhub_app::portable::{BackupManifest, tar};
use rustix::fs::{FlockOperation, flock};
use tempfile::NamedTempFile;

use super::{Folder, LIST_MAX_BYTES, MANIFEST, MANIFEST_MAX_BYTES, PIECE_BYTES};
use super::{io, is_empty, parse_list, parse_manifest, sync};
use crate::exit::{Classify as _, REFUSED, fail};

/// Where files are written before they are whole.
const TEMPORARY: &str = "tmp";
/// Kept locked while the folder is written.
const LOCK: &str = "lock";

/// What a backup did.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Written {
    pub(crate) manifest: BackupManifest,
    /// Blobs that came now; the others were there.
    pub(crate) blobs_copied: u64,
    /// Their bytes.
    pub(crate) bytes_copied: u64,
    /// Blobs of an earlier backup that are not needed any more.
    pub(crate) blobs_removed: u64,
}

/// Makes or renews the backup in `path` from the stream that `open` gives for
/// the hashes at hand; `step` hears of bytes that came.
pub(crate) fn write<R: Read>(
    path: &Path,
    open: impl FnOnce(&[u8]) -> anyhow::Result<R>,
    mut step: impl FnMut(u64),
) -> anyhow::Result<Written> {
    let folder = Folder::new(path);
    let earlier = folder.read_manifest()?;
    let ours = earlier.is_some() || path.join(LOCK).exists();
    if !ours && !is_empty(path)? {
        return Err(fail(
            REFUSED,
            format!(
                "`{}` is not empty and no backup of mlhub; name a new or empty folder",
                path.display()
            ),
        ));
    }
    for part in [path.to_owned(), path.join(TEMPORARY), path.join("blobs")] {
        std::fs::create_dir_all(&part).map_err(|error| io(&part, &error))?;
    }
    let lock = File::create(path.join(LOCK)).map_err(|error| io(path, &error))?;
    flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
        fail(
            REFUSED,
            format!(
                "another command is writing `{}`; wait for it",
                path.display()
            ),
        )
    })?;
    clear(&path.join(TEMPORARY))?;
    let known = blobs_at_hand(path)?;
    let list: String = known.iter().map(|hash| format!("{hash}\n")).collect();
    let mut input = Counted {
        input: open(list.as_bytes())?,
        step: &mut step,
    };
    let mut writing = Writing {
        folder: &folder,
        copied: (0, 0),
        folders: BTreeSet::new(),
    };
    let (manifest, blobs) = writing.receive(&mut input)?;
    let (blobs_copied, bytes_copied) = writing.copied;
    for folder in &writing.folders {
        sync(folder)?;
    }
    sync(&path.join("blobs"))?;
    put_manifest(path, &manifest)?;
    let keep = blobs.iter().map(|(hash, _)| hash.as_str()).collect();
    let blobs_removed = prune(&folder, &manifest, &known, &keep)?;
    Ok(Written {
        manifest,
        blobs_copied,
        bytes_copied,
        blobs_removed,
    })
}

struct Writing<'f> {
    folder: &'f Folder,
    copied: (u64, u64),
    /// Folders with new blobs.
    folders: BTreeSet<PathBuf>,
}

type Listed = Vec<(String, u64)>;

impl Writing<'_> {
    fn receive(&mut self, input: &mut impl Read) -> anyhow::Result<(BackupManifest, Listed)> {
        let text = self.small(input, "mlhub.json", MANIFEST_MAX_BYTES)?;
        let manifest = parse_manifest(&text).map_err(|why| fail(REFUSED, why))?;
        let entry = self.next(input)?;
        if entry.name != manifest.records.name || entry.size_bytes != manifest.records.size_bytes {
            return Err(broken());
        }
        let place = self.folder.records(&manifest);
        self.file(input, &entry, &manifest.records.hash, &place)?;
        let list = self.small(input, "blobs.txt", LIST_MAX_BYTES)?;
        let blobs = parse_list(&list, &manifest).ok_or_else(broken)?;
        let place = self.folder.list(&manifest);
        let file = self.temporary()?;
        file.as_file()
            .write_all(&list)
            .map_err(|error| io(&place, &error))?;
        persist(file, &place)?;
        let listed: std::collections::BTreeMap<&str, u64> = blobs
            .iter()
            .map(|(hash, size)| (hash.as_str(), *size))
            .collect();
        loop {
            let entry = self.next(input)?;
            let Some(hash) = entry.name.strip_prefix("blobs/") else {
                self.end(input, &entry)?;
                break;
            };
            if listed.get(hash) != Some(&entry.size_bytes) {
                return Err(broken());
            }
            let place = self.folder.blob(hash);
            if let Some(folder) = place.parent() {
                std::fs::create_dir_all(folder).map_err(|error| io(folder, &error))?;
                self.folders.insert(folder.to_owned());
            }
            self.file(input, &entry, hash, &place)?;
            self.copied = (self.copied.0 + 1, self.copied.1 + entry.size_bytes);
        }
        for (hash, size_bytes) in &blobs {
            self.check_present(hash, *size_bytes)?;
        }
        Ok((manifest, blobs))
    }

    /// A blob that lies here with a wrong size was said to be at hand: it goes,
    /// so that the next backup brings it.
    fn check_present(&self, hash: &str, size_bytes: u64) -> anyhow::Result<()> {
        let place = self.folder.blob(hash);
        let found = std::fs::metadata(&place).map(|metadata| metadata.len());
        if found.as_ref().is_ok_and(|found| *found == size_bytes) {
            return Ok(());
        }
        if found.is_ok() {
            std::fs::remove_file(&place).map_err(|error| io(&place, &error))?;
        }
        Err(fail(
            REFUSED,
            format!(
                "the blob `{}` of an earlier backup was damaged and is removed; make the backup again",
                place.display()
            ),
        ))
    }

    fn next(&self, input: &mut impl Read) -> anyhow::Result<tar::Entry> {
        tar::next(input).or_fail(REFUSED)?.ok_or_else(broken)
    }

    fn small(&self, input: &mut impl Read, name: &str, max: u64) -> anyhow::Result<Vec<u8>> {
        let entry = self.next(input)?;
        if entry.name != name || entry.size_bytes > max {
            return Err(broken());
        }
        let mut bytes = Vec::new();
        let read = input
            .by_ref()
            .take(entry.size_bytes)
            .read_to_end(&mut bytes);
        read.map_err(|error| cut(&error))?;
        if bytes.len() as u64 != entry.size_bytes {
            return Err(broken());
        }
        tar::skip_padding(input, entry.size_bytes).or_fail(REFUSED)?;
        Ok(bytes)
    }

    fn end(&self, input: &mut impl Read, entry: &tar::Entry) -> anyhow::Result<()> {
        let size = entry.size_bytes;
        if entry.name != "end.json" || size > MANIFEST_MAX_BYTES {
            return Err(broken());
        }
        let mut rest = vec![0; size as usize + tar::padding(size) + tar::END.len()];
        tar::fill(input, &mut rest).or_fail(REFUSED)
    }

    fn temporary(&self) -> anyhow::Result<NamedTempFile> {
        let folder = self.folder.0.join(TEMPORARY);
        NamedTempFile::new_in(&folder).map_err(|error| io(&folder, &error))
    }

    /// Copies an entry to its place, whole and with this hash, or not at all.
    fn file(
        &self,
        input: &mut impl Read,
        entry: &tar::Entry,
        hash: &str,
        place: &Path,
    ) -> anyhow::Result<()> {
        let mut file = self.temporary()?;
        let mut hasher = blake3::Hasher::new();
        let mut left = entry.size_bytes;
        let mut piece = vec![0; PIECE_BYTES];
        while left > 0 {
            let want = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let count = input
                .read(&mut piece[..want])
                .map_err(|error| cut(&error))?;
            if count == 0 {
                return Err(broken());
            }
            hasher.update(&piece[..count]);
            file.write_all(&piece[..count])
                .map_err(|error| io(place, &error))?;
            left -= count as u64;
        }
        tar::skip_padding(input, entry.size_bytes).or_fail(REFUSED)?;
        if hasher.finalize().to_hex().as_str() != hash {
            return Err(fail(
                REFUSED,
                format!(
                    "`{}` came with another content than its hash says; the hub's storage or the way here is damaged",
                    entry.name
                ),
            ));
        }
        persist(file, place)
    }
}

fn persist(file: NamedTempFile, place: &Path) -> anyhow::Result<()> {
    file.as_file()
        .sync_all()
        .map_err(|error| io(place, &error))?;
    file.persist(place)
        .map(drop)
        .map_err(|error| io(place, &error.error))
}

fn broken() -> anyhow::Error {
    fail(
        REFUSED,
        "the backup broke off or is not in order; what was there before stands. See the hub's log and try again",
    )
}

fn cut(error: &std::io::Error) -> anyhow::Error {
    fail(
        REFUSED,
        format!("the backup broke off ({error}); what was there before stands. Try again"),
    )
}

fn put_manifest(path: &Path, manifest: &BackupManifest) -> anyhow::Result<()> {
    let folder = path.join(TEMPORARY);
    let file = NamedTempFile::new_in(&folder).map_err(|error| io(&folder, &error))?;
    serde_json::to_writer_pretty(file.as_file(), manifest)?;
    persist(file, &path.join(MANIFEST))?;
    sync(path)
}

fn clear(folder: &Path) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder).map_err(|error| io(folder, &error))? {
        let path = entry.map_err(|error| io(folder, &error))?.path();
        std::fs::remove_file(&path).map_err(|error| io(&path, &error))?;
    }
    Ok(())
}

/// Hashes of blobs in the folder.
fn blobs_at_hand(path: &Path) -> anyhow::Result<BTreeSet<String>> {
    let root = path.join("blobs");
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(&root).map_err(|error| io(&root, &error))? {
        let folder = entry.map_err(|error| io(&root, &error))?.path();
        if !folder.is_dir() {
            continue;
        }
        for entry in std::fs::read_dir(&folder).map_err(|error| io(&folder, &error))? {
            let name = entry.map_err(|error| io(&folder, &error))?.file_name();
            let name = name.to_string_lossy().into_owned();
            if mlhub_core::portable::hash(&name).is_ok() {
                found.insert(name);
            }
        }
    }
    Ok(found)
}

/// Removes what only earlier backups needed; returns how many blobs went.
fn prune(
    folder: &Folder,
    manifest: &BackupManifest,
    known: &BTreeSet<String>,
    keep: &BTreeSet<&str>,
) -> anyhow::Result<u64> {
    let mut removed = 0;
    for hash in known.iter().filter(|hash| !keep.contains(hash.as_str())) {
        let place = folder.blob(hash);
        std::fs::remove_file(&place).map_err(|error| io(&place, &error))?;
        removed += 1;
    }
    let (records, list) = (folder.records(manifest), folder.list(manifest));
    for entry in std::fs::read_dir(&folder.0).map_err(|error| io(&folder.0, &error))? {
        let path = entry.map_err(|error| io(&folder.0, &error))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let old = (name.starts_with("records-") && path != records)
            || (name.starts_with("blobs-") && path != list);
        if old {
            std::fs::remove_file(&path).map_err(|error| io(&path, &error))?;
        }
    }
    Ok(removed)
}

/// Tells of bytes as they are read.
struct Counted<'s, R> {
    input: R,
    step: &'s mut dyn FnMut(u64),
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = self.input.read(into)?;
        (self.step)(count as u64);
        Ok(count)
    }
}
