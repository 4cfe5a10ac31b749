//! The adapters inside the binary, and how they get to disk.
//!
//! A bundle's folder is named by its content, so another version of the hub
//! unpacks beside this one and neither overwrites the other.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::files::hash_file;

/// Characters of the digest in a bundle's folder name.
const DIGEST_CHARS: usize = 16;

/// The files of the bundled adapters: manifests, schemas, code, lock files and
/// smoke data. Tests, caches and Rust sources stay out. Every folder of `adapters/`
/// is one; there is no list to add to.
///
/// A changed file is noticed by an incremental build; a new one only when this
/// file is compiled again.
#[derive(rust_embed::RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../adapters"]
#[include = "*/**"]
#[exclude = "*.rs"]
#[exclude = "*.pyc"]
#[exclude = "*/Cargo.toml"]
#[exclude = "*/tests/*"]
#[exclude = "*/target/*"]
#[exclude = "*/src/*"]
#[exclude = "*__pycache__*"]
#[exclude = "*/.*"]
pub struct Bundle;

impl Bundle {
    /// Paths relative to the adapters' folder, with contents, sorted by path.
    pub fn files() -> impl Iterator<Item = (String, Cow<'static, [u8]>)> {
        let mut names: Vec<Cow<'static, str>> = <Self as rust_embed::RustEmbed>::iter().collect();
        names.sort();
        names.into_iter().filter_map(|name| {
            let file = <Self as rust_embed::RustEmbed>::get(&name)?;
            Some((name.into_owned(), file.data))
        })
    }

    /// Unpacks the bundled adapters below `dir`; returns their folder, with one folder per adapter.
    ///
    /// # Errors
    /// I/O errors.
    pub fn unpack(dir: &Path) -> io::Result<PathBuf> {
        unpack_bundle(Self::files(), dir)
    }
}

/// Writes files to a folder below `dir` that is named by their content.
///
/// The folder appears whole or not at all. A folder that is there is left as it is.
///
/// # Errors
/// I/O errors, and file names that would leave the folder.
pub fn unpack_bundle<C: AsRef<[u8]>>(
    bundle: impl Iterator<Item = (String, C)>,
    dir: &Path,
) -> io::Result<PathBuf> {
    let mut list: Vec<(String, C)> = bundle.collect();
    list.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut hasher = blake3::Hasher::new();
    for (name, content) in &list {
        let plain = Path::new(name)
            .components()
            .all(|part| matches!(part, std::path::Component::Normal(_)));
        if name.is_empty() || !plain {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "bundled file `{}` has no plain relative name",
                    name.escape_debug()
                ),
            ));
        }
        hash_file(&mut hasher, name.as_bytes(), content.as_ref());
    }
    let target = dir.join(&hasher.finalize().to_hex()[..DIGEST_CHARS]);
    if target.is_dir() {
        return Ok(target);
    }
    fs::create_dir_all(dir)?;
    let staging = tempfile::Builder::new()
        .prefix(".unpacking-")
        .tempdir_in(dir)?;
    let whole = staging.path().join("files");
    fs::create_dir(&whole)?;
    for (name, content) in &list {
        write_file(&whole.join(name), content.as_ref())?;
    }
    match fs::rename(&whole, &target) {
        // Another process was faster; its folder has the same content.
        Err(_) if target.is_dir() => Ok(target),
        Err(error) => Err(error),
        Ok(()) => Ok(target),
    }
}

fn write_file(path: &Path, content: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, content)?;
    if path.extension().is_some_and(|extension| extension == "sh") {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(content: &'static str) -> impl Iterator<Item = (String, &'static [u8])> {
        [
            ("a/adapter.toml".to_owned(), content.as_bytes()),
            ("a/run.sh".to_owned(), b"exit 0".as_slice()),
        ]
        .into_iter()
    }

    #[test]
    fn a_new_content_unpacks_anew_and_an_old_one_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let first = unpack_bundle(files("one"), dir.path()).unwrap();
        fs::write(first.join("mark"), "kept").unwrap();
        assert_eq!(unpack_bundle(files("one"), dir.path()).unwrap(), first);
        assert!(first.join("mark").exists());
        let second = unpack_bundle(files("two"), dir.path()).unwrap();
        assert_ne!(second, first);
        assert_eq!(
            fs::read_to_string(second.join("a/adapter.toml")).unwrap(),
            "two"
        );
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            2,
            "no staging folder stays"
        );
    }

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["../x", "/x", "a/../../x", ""] {
            assert!(
                unpack_bundle([(name.to_owned(), b"x")].into_iter(), dir.path()).is_err(),
                "{name}"
            );
        }
    }

    #[test]
    fn the_binary_holds_every_adapter_and_no_sources_or_tests() {
        let adapters = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../adapters");
        let mut folders: Vec<String> = fs::read_dir(adapters)
            .unwrap()
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.path().join("adapter.toml").is_file())
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        folders.sort();
        let manifests: Vec<String> = Bundle::files()
            .filter_map(|(name, _)| name.strip_suffix("/adapter.toml").map(str::to_owned))
            .collect();
        assert_eq!(manifests, folders);
        for (name, _) in Bundle::files() {
            assert!(
                !name.ends_with(".rs")
                    && !name.contains("__pycache__")
                    && !name.contains("/tests/"),
                "{name}"
            );
        }
    }
}
