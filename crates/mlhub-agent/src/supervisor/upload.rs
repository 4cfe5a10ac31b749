//! Which files of a run directory are kept, and how they are opened.
//!
//! A name comes from the program, so it is checked like any other input: it is
//! relative, normal, and what it leads to lies inside the run directory and is
//! a plain file. Links that lead outside are not followed.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::SystemTime;

use mlhub_core::ArtifactPath;
use mlhub_protocol::run_dir::names;
use rustix::fs::OFlags;

/// Files of one run directory that are kept; the rest is named in a warning.
pub(crate) const FILES_MAX: usize = 100_000;

/// A file that may be kept.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) path: ArtifactPath,
    pub(crate) file: File,
    pub(crate) size: u64,
    pub(crate) modified: Option<SystemTime>,
}

/// Opens the file `relative` of the run directory `root`.
///
/// # Errors
/// One sentence for a person, without the file's content.
pub(crate) fn open(root: &Path, relative: &str) -> Result<Kept, String> {
    let path: ArtifactPath = relative
        .parse()
        .map_err(|error: mlhub_core::Error| error.public_message().to_owned())?;
    let inside = |error: std::io::Error| format!("it cannot be read ({error})");
    let root = root.canonicalize().map_err(inside)?;
    let real = root.join(path.as_str()).canonicalize().map_err(inside)?;
    if !real.starts_with(&root) {
        return Err("it is a link that leads out of the run directory".to_owned());
    }
    // The last component is resolved, so a link there now was put in between;
    // and opening a pipe must not wait for its other end.
    let flags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).bits();
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.cast_signed())
        .open(&real)
        .map_err(inside)?;
    let data = file.metadata().map_err(inside)?;
    if !data.is_file() {
        return Err("it is not a plain file".to_owned());
    }
    Ok(Kept {
        path,
        file,
        size: data.len(),
        modified: data.modified().ok(),
    })
}

impl Kept {
    /// BLAKE3 of the first `size` bytes, hex; the file is at its start again after.
    pub(crate) fn hash(&mut self) -> std::io::Result<String> {
        let mut hasher = blake3::Hasher::new();
        self.file.seek(SeekFrom::Start(0))?;
        hasher.update_reader(std::io::Read::take(&mut self.file, self.size))?;
        self.file.seek(SeekFrom::Start(0))?;
        Ok(hasher.finalize().to_hex().to_string())
    }
}

/// What a path is when nobody said.
pub(crate) fn kind_of(path: &str) -> &'static str {
    if path.starts_with("predictions/") {
        "predictions"
    } else if path.starts_with("checkpoints/") {
        "checkpoint"
    } else {
        "artifact"
    }
}

/// Everything in the folder `relative` of `root`: paths relative to `root`, in
/// order, and what had to be passed over, in words.
pub(crate) fn walk(root: &Path, relative: &str) -> (Vec<String>, Vec<String>) {
    let (mut files, mut passed) = (Vec::new(), Vec::new());
    let entries = walkdir::WalkDir::new(root.join(relative))
        .follow_links(false)
        .sort_by_file_name();
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error)
                if error
                    .io_error()
                    .is_some_and(|cause| cause.kind() == std::io::ErrorKind::NotFound) =>
            {
                continue;
            }
            Err(error) => {
                passed.push(format!("a folder in `{relative}` cannot be read: {error}"));
                continue;
            }
        };
        if entry.file_type().is_dir() {
            continue;
        }
        let Some(path) = entry.path().strip_prefix(root).ok().and_then(Path::to_str) else {
            passed.push(format!(
                "a file in `{relative}` has a name that is not UTF-8"
            ));
            continue;
        };
        if files.len() >= FILES_MAX {
            passed.push(format!(
                "`{relative}` has more than {FILES_MAX} files; the rest is not kept"
            ));
            break;
        }
        files.push(path.to_owned());
    }
    (files, passed)
}

/// The folders kept whole when a run ends.
pub(crate) const KEPT_FOLDERS: [&str; 2] = [names::PREDICTIONS, names::ARTIFACTS];

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_plain_files_inside_are_opened() {
        let outer = tempfile::tempdir().expect("temporary folder");
        let root = outer.path().join("run");
        std::fs::create_dir_all(root.join("artifacts")).expect("folder");
        std::fs::create_dir(outer.path().join("run-evil")).expect("folder");
        std::fs::write(outer.path().join("run-evil/secret"), "s").expect("write");
        std::fs::write(root.join("artifacts/model"), "m").expect("write");
        symlink(
            outer.path().join("run-evil/secret"),
            root.join("artifacts/out"),
        )
        .expect("link");
        symlink(outer.path().join("run-evil"), root.join("artifacts/folder")).expect("link");
        symlink("model", root.join("artifacts/in")).expect("link");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            root.join("artifacts/pipe"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .expect("pipe");
        for bad in [
            "artifacts/out",
            "artifacts/folder/secret",
            "artifacts/pipe",
            "artifacts",
            "artifacts/none",
            "../run-evil/secret",
            "/etc/passwd",
            "artifacts/../artifacts/model",
        ] {
            assert!(open(&root, bad).is_err(), "{bad}");
        }
        let mut kept = open(&root, "artifacts/in").expect("inside");
        assert_eq!(kept.size, 1);
        assert_eq!(
            kept.hash().expect("readable"),
            blake3::hash(b"m").to_hex().to_string()
        );
        let (files, passed) = walk(&root, "artifacts");
        assert_eq!(files.len(), 5, "{files:?}");
        assert!(passed.is_empty());
    }
}
