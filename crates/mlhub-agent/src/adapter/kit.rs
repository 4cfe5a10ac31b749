//! The author's kit: the Python package `mlhub_adapter` inside the binary, and how
//! programs of adapters find it.
//!
//! It is unpacked once per content beside the environments, and is no part of any: an
//! environment holds what its lock file names. Nothing of it is run here.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use mlhub_protocol::adapter::Manifest;

use super::bundle::unpack_bundle;
use super::environment::PreparedEnvironment;
use super::template;

/// Python's variable with the folders it imports from.
pub(super) const PYTHON_PATH: &str = "PYTHONPATH";
/// Python's variable against caches beside the code: an adapter's folder is only read.
const NO_BYTECODE: &str = "PYTHONDONTWRITEBYTECODE";
/// Folder of the kit's versions among the environments.
const FOLDER: &str = "kit";
/// The package's name.
const PACKAGE: &str = "mlhub_adapter";

#[derive(rust_embed::RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../python/mlhub_adapter"]
#[include = "*.py"]
#[include = "py.typed"]
struct Files;

/// The package's files, below a folder of its name, sorted by path.
fn files() -> impl Iterator<Item = (String, Cow<'static, [u8]>)> {
    let mut names: Vec<Cow<'static, str>> = <Files as rust_embed::RustEmbed>::iter().collect();
    names.sort();
    names.into_iter().filter_map(|name| {
        let file = <Files as rust_embed::RustEmbed>::get(&name)?;
        Some((format!("{PACKAGE}/{name}"), file.data))
    })
}

/// Unpacks the kit below `envs_dir`; returns the folder to import it from.
///
/// # Errors
/// I/O errors.
fn unpack(envs_dir: &Path) -> io::Result<PathBuf> {
    let dir = std::path::absolute(envs_dir)?.join(FOLDER);
    unpack_bundle(files(), &dir)
}

/// Puts the kit within reach of an adapter whose commands start `{python}`.
///
/// The environment's fingerprint follows the kit's content: another kit may train otherwise.
///
/// # Errors
/// I/O errors.
pub(super) fn offer(
    manifest: &Manifest,
    envs_dir: &Path,
    prepared: &mut PreparedEnvironment,
) -> io::Result<()> {
    let used = |wanted: &str| {
        let elements = manifest.commands.values().flatten();
        elements
            .flat_map(|element| template::placeholders(element))
            .any(|name| name == wanted)
    };
    if !used("python") {
        return Ok(());
    }
    let kit = unpack(envs_dir)?;
    let content = kit.file_name().unwrap_or_default().as_encoded_bytes();
    let mut hasher = blake3::Hasher::new();
    hasher.update(prepared.fingerprint.as_bytes());
    hasher.update(content);
    prepared.fingerprint = hasher.finalize().to_hex().to_string();
    let path = kit.to_string_lossy().into_owned();
    prepared.env.insert(PYTHON_PATH.to_owned(), path);
    if used("adapter") {
        prepared.env.insert(NO_BYTECODE.to_owned(), "1".to_owned());
    }
    Ok(())
}

/// `PYTHONPATH` with the kit behind what was given.
pub(super) fn join_path(given: Option<&String>, kit: &str) -> String {
    match given.filter(|given| !given.is_empty()) {
        Some(given) => format!("{given}:{kit}"),
        None => kit.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_is_whole_and_can_be_imported() {
        let dir = tempfile::tempdir().unwrap();
        let kit = unpack(dir.path()).unwrap();
        let names: Vec<String> = files().map(|(name, _)| name).collect();
        assert!(
            names.contains(&"mlhub_adapter/__init__.py".to_owned()),
            "{names:?}"
        );
        let program = "import sys, mlhub_adapter as kit\n\
            for name in kit.__all__: getattr(kit, name)\n\
            assert 'numpy' not in sys.modules, 'the kit needs the standard library alone'";
        let status = std::process::Command::new("python3")
            .args(["-B", "-c", program])
            .env(PYTHON_PATH, &kit)
            .status()
            .unwrap();
        assert!(status.success());
    }
}
