//! The walk over a repository: Python files, config files, data by name and size.
//!
//! Bounded in every direction. Links are not followed; hidden folders, virtual
//! environments and the like are left out. Of data no more than the name, the
//! size and, for folders of images, the number of classes is looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde::Serialize;

/// Folders below the repository's own that are looked into.
pub const DEPTH_MAX: usize = 8;
/// Files and folders looked at.
pub const ENTRIES_MAX: usize = 50_000;
/// Python files read.
pub const PYTHON_FILES_MAX: usize = 1_000;
/// Bytes of a file that is read; a larger one is left out.
pub const FILE_BYTES_MAX: u64 = 256 * 1024;
/// Bytes read in all.
pub const TOTAL_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Datasets named.
pub const DATASETS_MAX: usize = 50;

/// Folders that hold no code of the repository's own.
const SKIPPED: [&str; 12] = [
    "node_modules",
    "venv",
    "env",
    "virtualenv",
    "site-packages",
    "__pycache__",
    "build",
    "dist",
    "target",
    "wandb",
    "mlruns",
    "lightning_logs",
];
const IMAGES: [&str; 3] = ["png", "jpg", "jpeg"];

/// A file or folder that may be a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DatasetCandidate {
    /// Its path in the repository.
    pub path: String,
    /// `csv`, `parquet`, `jsonl`, `npz` or `image_folder`.
    pub format: String,
    /// Its size in bytes; of a folder of images that of those looked at.
    pub bytes: u64,
    /// The command that registers it.
    pub register: String,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TextFile {
    pub(super) path: String,
    pub(super) text: String,
}

/// All that the walk found.
#[derive(Debug, Clone, Default)]
pub(super) struct Scan {
    pub(super) python: Vec<TextFile>,
    /// YAML files, by their paths.
    pub(super) yaml: Vec<TextFile>,
    pub(super) datasets: Vec<DatasetCandidate>,
    /// What lists packages: `requirements.txt` and the like.
    pub(super) requirements: Vec<String>,
    /// The limits that were met.
    pub(super) limits: Vec<String>,
}

/// Walks the folder.
pub(super) fn scan(root: &Path) -> Scan {
    let mut walk = Walk::default();
    let entries = walkdir::WalkDir::new(root)
        .max_depth(DEPTH_MAX + 1)
        .follow_links(false)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || is_looked_at(entry));
    // What cannot be read is left out, as a repository of others may hold such.
    for entry in entries.filter_map(Result::ok) {
        walk.entries += 1;
        if walk.entries > ENTRIES_MAX {
            walk.limit(format!("only the first {ENTRIES_MAX} files were looked at"));
            break;
        }
        if entry.file_type().is_dir() && entry.depth() > DEPTH_MAX {
            walk.limit(format!("folders deeper than {DEPTH_MAX} were left out"));
        }
        if entry.file_type().is_file()
            && let Ok(relative) = entry.path().strip_prefix(root)
            && let Some(relative) = relative.to_str()
        {
            let bytes = entry.metadata().map_or(0, |metadata| metadata.len());
            walk.file(entry.path(), relative, bytes);
        }
    }
    walk.finish()
}

fn is_looked_at(entry: &walkdir::DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    if !entry.file_type().is_dir() {
        return !name.starts_with('.');
    }
    // A virtual environment may have any name.
    let environment = entry.path().join("pyvenv.cfg").exists();
    !(name.starts_with('.') || SKIPPED.contains(&&*name) || environment)
}

#[derive(Default)]
struct Walk {
    found: Scan,
    entries: usize,
    read_bytes: u64,
    /// Classes of images and their bytes by folder.
    images: BTreeMap<String, (BTreeSet<String>, u64)>,
}

impl Walk {
    fn limit(&mut self, text: String) {
        if !self.found.limits.contains(&text) {
            self.found.limits.push(text);
        }
    }

    fn file(&mut self, path: &Path, relative: &str, bytes: u64) {
        let name = relative.rsplit('/').next().unwrap_or(relative);
        let extension = name
            .rsplit_once('.')
            .map(|(_, extension)| extension.to_ascii_lowercase())
            .unwrap_or_default();
        match extension.as_str() {
            "py" if self.found.python.len() >= PYTHON_FILES_MAX => {
                self.limit(format!(
                    "only the first {PYTHON_FILES_MAX} Python files were read"
                ));
            }
            "py" => {
                if let Some(file) = self.read(path, relative, bytes) {
                    self.found.python.push(file);
                }
            }
            "yaml" | "yml" => {
                if let Some(file) = self.read(path, relative, bytes) {
                    self.found.yaml.push(file);
                }
            }
            "csv" => self.dataset(relative, "csv", bytes),
            "parquet" | "pq" => self.dataset(relative, "parquet", bytes),
            "jsonl" | "ndjson" => self.dataset(relative, "jsonl", bytes),
            "npz" => self.dataset(relative, "npz", bytes),
            image if IMAGES.contains(&image) => self.image(relative, bytes),
            _ => {}
        }
        let is_list = name.starts_with("requirements") && extension == "txt";
        if is_list || matches!(name, "pyproject.toml" | "environment.yml" | "setup.py") {
            self.found.requirements.push(relative.to_owned());
        }
    }

    fn read(&mut self, path: &Path, relative: &str, bytes: u64) -> Option<TextFile> {
        if bytes > FILE_BYTES_MAX {
            self.limit(format!(
                "files larger than {FILE_BYTES_MAX} bytes were not read"
            ));
            return None;
        }
        if self.read_bytes + bytes > TOTAL_BYTES_MAX {
            self.limit(format!("only {TOTAL_BYTES_MAX} bytes were read in all"));
            return None;
        }
        let mut content = Vec::new();
        File::open(path)
            .ok()?
            .take(FILE_BYTES_MAX)
            .read_to_end(&mut content)
            .ok()?;
        self.read_bytes += bytes;
        Some(TextFile {
            path: relative.to_owned(),
            text: String::from_utf8_lossy(&content).into_owned(),
        })
    }

    fn dataset(&mut self, path: &str, format: &str, bytes: u64) {
        if self.found.datasets.len() >= DATASETS_MAX {
            self.limit(format!("only {DATASETS_MAX} datasets are named"));
            return;
        }
        let last = path.rsplit('/').next().unwrap_or(path);
        let stem = last.rsplit_once('.').map_or(last, |(stem, _)| stem);
        self.found.datasets.push(DatasetCandidate {
            path: path.to_owned(),
            format: format.to_owned(),
            bytes,
            register: format!("mlhub dataset add {} --name {}", quoted(path), quoted(stem)),
        });
    }

    fn image(&mut self, relative: &str, bytes: u64) {
        let Some((class, _)) = relative.rsplit_once('/') else {
            return;
        };
        // Classes at the top have the repository itself as their folder, which is no dataset.
        if let Some((folder, class)) = class.rsplit_once('/') {
            let known = self.images.entry(folder.to_owned()).or_default();
            known.0.insert(class.to_owned());
            known.1 += bytes;
        }
    }

    fn finish(mut self) -> Scan {
        for (folder, (classes, bytes)) in std::mem::take(&mut self.images) {
            if classes.len() >= 2 {
                self.dataset(&folder, "image_folder", bytes);
            }
        }
        self.found
    }
}

/// A text as one word of a shell.
pub(super) fn quoted(text: &str) -> String {
    let plain = !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '=' | ','));
    if plain {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_folders_links_and_large_files_are_left_out() {
        let folder = tempfile::tempdir().expect("folder");
        let root = folder.path();
        for path in [
            "train.py",
            ".git/a.py",
            "venv/a.py",
            "own/pyvenv.cfg",
            "own/a.py",
            "data/my rows.csv",
            "photos/cat/1.png",
            "photos/dog/1.png",
        ] {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("folder");
            std::fs::write(path, "x = 1\n").expect("file");
        }
        let size = usize::try_from(FILE_BYTES_MAX).expect("fits") + 1;
        std::fs::write(root.join("large.py"), vec![b'#'; size]).expect("file");
        std::os::unix::fs::symlink("/etc", root.join("link")).expect("link");
        std::os::unix::fs::symlink(root.join("train.py"), root.join("b.py")).expect("link");

        let found = scan(root);
        let python: Vec<&str> = found.python.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(python, ["train.py"]);
        let data: Vec<(&str, &str)> = found
            .datasets
            .iter()
            .map(|data| (data.path.as_str(), data.format.as_str()))
            .collect();
        assert_eq!(
            data,
            [("data/my rows.csv", "csv"), ("photos", "image_folder")]
        );
        assert_eq!(
            found.datasets[0].register,
            "mlhub dataset add 'data/my rows.csv' --name 'my rows'"
        );
        assert_eq!(found.limits.len(), 1);
    }
}
