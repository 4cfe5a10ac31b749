//! Files of an adapter folder: paths that cannot leave it, its digest, and
//! reads with a bound.
//!
//! Nothing here knows what the files mean.

use std::fs;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use walkdir::WalkDir;

/// Most files an adapter folder may hold.
pub const MAX_ADAPTER_FILES: usize = 10_000;
/// Most bytes an adapter folder may hold.
pub const MAX_ADAPTER_BYTES: u64 = 256 * 1024 * 1024;
/// Most bytes of a manifest, a schema or a lock file.
pub const MAX_TEXT_BYTES: u64 = 4 * 1024 * 1024;

/// The real path of `relative` inside `dir`.
///
/// # Errors
/// The sentence to show when the path is absolute, has `..`, leaves the folder
/// through a symbolic link, or is not a file.
pub(super) fn file_inside(dir: &Path, relative: &str) -> Result<PathBuf, String> {
    let path = Path::new(relative);
    let plain = !relative.is_empty()
        && !relative.contains('\0')
        && path
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !plain {
        return Err(format!(
            "`{}` must be a relative path inside the adapter folder, without `..`",
            relative.escape_debug()
        ));
    }
    let root = fs::canonicalize(dir)
        .map_err(|error| format!("the adapter folder cannot be read: {error}"))?;
    let real = fs::canonicalize(root.join(path)).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!("file `{relative}` is not in the adapter folder"),
        _ => format!("file `{relative}` cannot be read: {error}"),
    })?;
    if !real.starts_with(&root) {
        return Err(format!(
            "`{relative}` is a symbolic link that leaves the adapter folder"
        ));
    }
    if !real.is_file() {
        return Err(format!("`{relative}` is not a file"));
    }
    Ok(real)
}

/// The text of a file of at most [`MAX_TEXT_BYTES`].
///
/// # Errors
/// The sentence to show when it cannot be read, is larger, or is not UTF-8.
pub(super) fn read_text(path: &Path) -> Result<String, String> {
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.take(MAX_TEXT_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_TEXT_BYTES {
        return Err(format!("larger than {MAX_TEXT_BYTES} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "not UTF-8 text".to_owned())
}

/// Whether a file or folder of this name is no part of an adapter: hidden
/// ones and Python's caches.
pub(super) fn is_ignored(name: &str) -> bool {
    name.starts_with('.') || name == "__pycache__" || name.ends_with(".pyc")
}

/// Files and symbolic links of the folder as sorted relative paths, without ignored ones.
///
/// # Errors
/// I/O errors, and folders with more than [`MAX_ADAPTER_FILES`] files or [`MAX_ADAPTER_BYTES`] bytes.
pub(super) fn list(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    let mut bytes = 0;
    let walk = WalkDir::new(dir).follow_links(false).into_iter();
    for entry in walk.filter_entry(|entry| {
        entry.depth() == 0 || !is_ignored(&entry.file_name().to_string_lossy())
    }) {
        let entry = entry?;
        if entry.file_type().is_dir() {
            continue;
        }
        bytes += entry.metadata()?.len();
        if paths.len() >= MAX_ADAPTER_FILES || bytes > MAX_ADAPTER_BYTES {
            return Err(io::Error::other(format!(
                "{} holds more than {MAX_ADAPTER_FILES} files or {MAX_ADAPTER_BYTES} bytes; an adapter folder holds code, not data or environments",
                dir.display()
            )));
        }
        paths.push(
            entry
                .path()
                .strip_prefix(dir)
                .map_err(io::Error::other)?
                .to_owned(),
        );
    }
    paths.sort();
    Ok(paths)
}

/// BLAKE3 over names and contents of the folder's files; hexadecimal.
///
/// A symbolic link counts as its target's text, never as what it points at.
///
/// # Errors
/// As [`list`].
pub(super) fn digest(dir: &Path) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    for relative in list(dir)? {
        let path = dir.join(&relative);
        let content = if path.is_symlink() {
            fs::read_link(&path)?
                .as_os_str()
                .as_encoded_bytes()
                .to_vec()
        } else {
            fs::read(&path)?
        };
        hash_file(
            &mut hasher,
            relative.as_os_str().as_encoded_bytes(),
            &content,
        );
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// Adds one file to a digest so that no two lists of files hash alike.
pub(super) fn hash_file(hasher: &mut blake3::Hasher, name: &[u8], content: &[u8]) {
    hasher.update(&(name.len() as u64).to_le_bytes());
    hasher.update(name);
    hasher.update(&(content.len() as u64).to_le_bytes());
    hasher.update(content);
}

/// Copies the folder's files (not what is ignored) to `target`, which must not exist.
///
/// # Errors
/// As [`list`]; a symbolic link that leaves the folder is refused.
pub(super) fn copy(dir: &Path, target: &Path) -> io::Result<()> {
    let root = fs::canonicalize(dir)?;
    for relative in list(dir)? {
        let from = fs::canonicalize(dir.join(&relative))?;
        if !from.starts_with(&root) {
            return Err(io::Error::other(format!(
                "{} is a symbolic link that leaves the adapter folder",
                relative.display()
            )));
        }
        if from.is_dir() {
            return Err(io::Error::other(format!(
                "{} is a symbolic link to a folder; an adapter holds plain files",
                relative.display()
            )));
        }
        let to = target.join(&relative);
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::copy(&from, &to)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside() {
        let dir = tempfile::tempdir().unwrap();
        let inside = dir.path().join("adapter");
        fs::create_dir(&inside).unwrap();
        fs::write(inside.join("a.json"), "{}").unwrap();
        fs::write(dir.path().join("secret"), "x").unwrap();
        std::os::unix::fs::symlink(dir.path().join("secret"), inside.join("link")).unwrap();
        assert!(file_inside(&inside, "a.json").is_ok());
        for bad in [
            "../secret",
            "/etc/passwd",
            "",
            "a/../../secret",
            "link",
            "missing",
            ".",
        ] {
            assert!(file_inside(&inside, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_digest_follows_names_and_contents_only() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), "1").unwrap();
        let first = digest(dir.path()).unwrap();
        fs::create_dir(dir.path().join("__pycache__")).unwrap();
        fs::write(dir.path().join("__pycache__/a.pyc"), "1").unwrap();
        assert_eq!(digest(dir.path()).unwrap(), first);
        fs::write(dir.path().join("a"), "2").unwrap();
        let second = digest(dir.path()).unwrap();
        assert_ne!(second, first);
        fs::rename(dir.path().join("a"), dir.path().join("b")).unwrap();
        assert_ne!(digest(dir.path()).unwrap(), second);
    }
}
