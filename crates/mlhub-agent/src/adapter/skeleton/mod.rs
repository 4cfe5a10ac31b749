//! Writes a new adapter that works: the start for somebody else's model.
//!
//! The templates are complete adapters that pass the conformance kit as they
//! are; only the name is filled in.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::rules;

/// What a new adapter is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// Python on the author's kit: softmax regression with checkpoints and tests.
    Python,
    /// A POSIX shell script with awk: a running mean for regression.
    Shell,
    /// Rust's standard library, compiled on first use: a running mean with checkpoints.
    Rust,
    /// Node.js without packages: a running mean over JSON lines with checkpoints.
    Node,
}

/// Why no adapter was written.
#[derive(Debug, thiserror::Error)]
pub enum SkeletonError {
    /// The name breaks the rules.
    #[error(
        "`{0}` cannot be an adapter's name: use lower-case letters, digits and `-`, start with a letter, at most 64 characters"
    )]
    Name(String),
    /// The folder is there already.
    #[error("{} exists already; choose another name or folder", .0.display())]
    Exists(PathBuf),
    /// A file could not be written.
    #[error("the adapter could not be written to {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// What stands for the name in the templates.
const NAME: &str = "@NAME@";

const PYTHON: &[(&str, &str)] = &[
    ("adapter.toml", include_str!("python/adapter.toml")),
    ("schema.json", include_str!("python/schema.json")),
    ("train.py", include_str!("python/train.py")),
    ("test_train.py", include_str!("python/test_train.py")),
    ("smoke.csv", include_str!("python/smoke.csv")),
    ("README.md", include_str!("python/README.md")),
];

const SHELL: &[(&str, &str)] = &[
    ("adapter.toml", include_str!("shell/adapter.toml")),
    ("schema.json", include_str!("shell/schema.json")),
    ("train.sh", include_str!("shell/train.sh")),
    ("smoke.csv", include_str!("shell/smoke.csv")),
    ("README.md", include_str!("shell/README.md")),
];

const RUST: &[(&str, &str)] = &[
    ("adapter.toml", include_str!("rust/adapter.toml")),
    ("schema.json", include_str!("rust/schema.json")),
    ("train.sh", include_str!("rust/train.sh")),
    ("train.rs", include_str!("rust/train.rs")),
    ("json.rs", include_str!("rust/json.rs")),
    ("smoke.csv", include_str!("rust/smoke.csv")),
    ("README.md", include_str!("rust/README.md")),
];

const NODE: &[(&str, &str)] = &[
    ("adapter.toml", include_str!("node/adapter.toml")),
    ("schema.json", include_str!("node/schema.json")),
    ("train.js", include_str!("node/train.js")),
    ("smoke.jsonl", include_str!("node/smoke.jsonl")),
    ("README.md", include_str!("node/README.md")),
];

/// Writes a working adapter called `name` into the new folder `dir`/`name`; returns that folder.
///
/// The folder appears whole or not at all.
///
/// # Errors
/// [`SkeletonError`].
pub fn new_skeleton(name: &str, language: Language, dir: &Path) -> Result<PathBuf, SkeletonError> {
    if !rules::is_name(name) {
        return Err(SkeletonError::Name(name.escape_debug().to_string()));
    }
    let target = dir.join(name);
    if target.symlink_metadata().is_ok() {
        return Err(SkeletonError::Exists(target));
    }
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| SkeletonError::Io { path, source }
    };
    fs::create_dir_all(dir).map_err(failed(dir))?;
    let staging = tempfile::Builder::new()
        .prefix(".new-adapter-")
        .tempdir_in(dir)
        .map_err(failed(dir))?;
    let whole = staging.path().join(name);
    fs::create_dir(&whole).map_err(failed(&whole))?;
    let files = match language {
        Language::Python => PYTHON,
        Language::Shell => SHELL,
        Language::Rust => RUST,
        Language::Node => NODE,
    };
    for (file, content) in files {
        let path = whole.join(file);
        fs::write(&path, content.replace(NAME, name)).map_err(failed(&path))?;
    }
    fs::rename(&whole, &target).map_err(failed(&target))?;
    Ok(target)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::Adapter;

    #[test]
    fn a_new_adapter_loads_and_is_not_written_over() {
        let dir = tempfile::tempdir().unwrap();
        for (name, language) in [
            ("my-model", Language::Python),
            ("tiny", Language::Shell),
            ("rusty", Language::Rust),
            ("nodes", Language::Node),
        ] {
            let folder = new_skeleton(name, language, dir.path()).unwrap();
            let adapter = Adapter::load(&folder).unwrap();
            assert_eq!(adapter.reference(), format!("{name}@0.1.0"));
            assert!(!adapter.is_declarative());
            assert!(matches!(
                new_skeleton(name, language, dir.path()),
                Err(SkeletonError::Exists(_))
            ));
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 4);
    }

    #[test]
    fn bad_names_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["", "../x", "A", "a b", "1a", "a-", "a/b"] {
            assert!(
                matches!(
                    new_skeleton(name, Language::Shell, dir.path()),
                    Err(SkeletonError::Name(_))
                ),
                "{name}"
            );
        }
    }
}
