//! Finds adapters: bundled, in the data directory, in the project, in installed
//! Python packages. A broken one is listed with its reason, never dropped.
//!
//! Nothing is run, except a named Python interpreter when its packages are
//! asked for; no adapter code is imported by it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::manifest::{Adapter, MANIFEST, Source, guess_name};
use super::problem::AdapterProblem;
use super::{files, process};

/// Time an interpreter has to list its entry points.
const PYTHON_LIMIT: Duration = Duration::from_secs(30);
/// Folder of adapters in a data directory and in a project.
pub const ADAPTERS_DIR: &str = "adapters";

/// Lists the folders that `mlhub.adapters` entry points name, from metadata alone.
const ENTRY_POINTS: &str = r#"
import json, sys
sys.path[:] = [p for p in sys.path if p]
from importlib import metadata
found = []
for dist in metadata.distributions():
    for ep in dist.entry_points:
        if ep.group == "mlhub.adapters":
            folder = dist.locate_file(ep.value.split(":")[0].strip().replace(".", "/"))
            found.append({"name": ep.name, "package": dist.metadata["Name"], "dir": str(folder)})
print(json.dumps(found))
"#;

/// Where to look for adapters.
#[derive(Debug, Clone, Default)]
pub struct DiscoveryRoots {
    /// The unpacked bundle, one folder per adapter.
    pub bundled: Option<PathBuf>,
    /// The data directory; its `adapters` folder is read.
    pub data_dir: Option<PathBuf>,
    /// The project's `adapters` folder.
    pub project: Option<PathBuf>,
    /// An interpreter whose installed packages are asked for entry points.
    pub python: Option<PathBuf>,
}

/// An adapter folder that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broken {
    /// Its folder.
    pub dir: PathBuf,
    /// Its name as far as it can be told.
    pub name: String,
    /// Where it was found.
    pub source: Source,
    /// Why it cannot be used, with file and line.
    pub reason: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// An adapter hidden by one of the same name from a nearer place.
#[derive(Debug, Clone, PartialEq)]
pub struct Shadowed {
    /// The hidden one.
    pub adapter: Adapter,
    /// The folder of the one that is used.
    pub by: PathBuf,
}

/// All adapters that were found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalog {
    /// Usable ones, by name.
    pub adapters: Vec<Adapter>,
    /// Unusable ones with the reason.
    pub broken: Vec<Broken>,
    /// Usable ones behind another of the same name.
    pub shadowed: Vec<Shadowed>,
}

/// Why a reference names no usable adapter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    /// Nobody of this name.
    #[error("unknown adapter `{name}`{}; known are: {}", suggestion.as_ref().map(|near| format!(", did you mean `{near}`?")).unwrap_or_default(), list(known))]
    Unknown {
        /// The name asked for.
        name: String,
        /// The known name most like it.
        suggestion: Option<String>,
        /// All known names.
        known: Vec<String>,
    },
    /// It is there and cannot be used.
    #[error("adapter `{name}` in {} cannot be used: {reason}{}", dir.display(), hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default())]
    Broken {
        /// Its name.
        name: String,
        /// Its folder.
        dir: PathBuf,
        /// Why.
        reason: String,
        /// What to do.
        hint: Option<String>,
    },
    /// It is there in other versions.
    #[error(
        "adapter `{name}` is here in version {}, not in {wanted}; ask for one of those or add the version with `mlhub adapter add`",
        list(found)
    )]
    Version {
        /// Its name.
        name: String,
        /// The version asked for.
        wanted: String,
        /// The versions found.
        found: Vec<String>,
    },
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

impl Catalog {
    /// The adapter named by `name`, `name@1`, `name@1.2` or `name@1.2.3`.
    ///
    /// # Errors
    /// [`FindError`], each a sentence to show.
    pub fn find(&self, reference: &str) -> Result<&Adapter, FindError> {
        let (name, wanted) = match reference.split_once('@') {
            Some((name, version)) => (name, Some(version)),
            None => (reference, None),
        };
        let usable = self
            .adapters
            .iter()
            .chain(self.shadowed.iter().map(|shadowed| &shadowed.adapter));
        let named: Vec<&Adapter> = usable
            .filter(|adapter| adapter.manifest.name == name)
            .collect();
        let fits = |adapter: &&&Adapter| {
            wanted.is_none_or(|wanted| version_fits(&adapter.manifest.version, wanted))
        };
        if let Some(found) = named.iter().find(fits) {
            return Ok(found);
        }
        if let Some(broken) = self.broken.iter().find(|broken| broken.name == name) {
            return Err(FindError::Broken {
                name: name.to_owned(),
                dir: broken.dir.clone(),
                reason: broken.reason.clone(),
                hint: broken.hint.clone(),
            });
        }
        if let Some(wanted) = wanted
            && !named.is_empty()
        {
            let found = named
                .iter()
                .map(|adapter| adapter.manifest.version.clone())
                .collect();
            return Err(FindError::Version {
                name: name.to_owned(),
                wanted: wanted.to_owned(),
                found,
            });
        }
        let known: Vec<String> = self
            .adapters
            .iter()
            .map(|adapter| adapter.manifest.name.clone())
            .collect();
        let suggestion = super::near(name, known.iter().map(String::as_str)).map(str::to_owned);
        Err(FindError::Unknown {
            name: name.to_owned(),
            suggestion,
            known,
        })
    }

    fn add(&mut self, dir: &Path, source: Source) {
        match Adapter::load_from(dir, source.clone()) {
            Ok(adapter) => match self
                .adapters
                .iter()
                .find(|known| known.manifest.name == adapter.manifest.name)
            {
                Some(first) => self.shadowed.push(Shadowed {
                    by: first.dir.clone(),
                    adapter,
                }),
                None => self.adapters.push(adapter),
            },
            Err(problem) => self.broken.push(broken(problem, source)),
        }
    }

    fn add_folder(&mut self, root: &Path, source: &Source) {
        let entries = match fs::read_dir(root) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(error) => {
                self.broken.push(unreadable(
                    root,
                    source.clone(),
                    format!("the folder cannot be read: {error}"),
                ));
                return;
            }
        };
        let mut dirs: Vec<PathBuf> = entries
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .filter(|path| path.is_dir())
            .collect();
        dirs.retain(|dir| {
            dir.file_name()
                .is_some_and(|name| !files::is_ignored(&name.to_string_lossy()))
        });
        dirs.sort();
        for dir in dirs {
            self.add(&dir, source.clone());
        }
    }

    fn add_python(&mut self, python: &Path) {
        match entry_points(python) {
            Ok(found) => {
                for entry in found {
                    let source = Source::Python {
                        package: entry.package,
                    };
                    if entry.dir.is_dir() {
                        self.add(&entry.dir, source);
                        continue;
                    }
                    let reason = format!(
                        "entry point `{}` names a folder that is not there",
                        entry.name
                    );
                    let hint = format!(
                        "point it at the package folder that holds {MANIFEST}; editable installs are not found this way"
                    );
                    self.broken.push(Broken {
                        name: entry.name,
                        hint: Some(hint),
                        ..unreadable(&entry.dir, source, reason)
                    });
                }
            }
            Err(reason) => self.broken.push(unreadable(
                python,
                Source::Python {
                    package: "?".to_owned(),
                },
                reason,
            )),
        }
    }
}

/// Whether `version` starts with the numbers of `wanted`.
fn version_fits(version: &str, wanted: &str) -> bool {
    version == wanted
        || version
            .strip_prefix(wanted)
            .is_some_and(|rest| rest.starts_with('.'))
}

fn broken(problem: AdapterProblem, source: Source) -> Broken {
    Broken {
        name: guess_name(&problem.dir),
        reason: problem.brief(),
        hint: problem.hint,
        dir: problem.dir,
        source,
    }
}

fn unreadable(dir: &Path, source: Source, reason: String) -> Broken {
    let name = dir
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    Broken {
        dir: dir.to_owned(),
        name,
        source,
        reason,
        hint: None,
    }
}

/// Looks for adapters. A nearer place wins: project, data directory, Python packages, bundle.
#[must_use]
pub fn discover(roots: &DiscoveryRoots) -> Catalog {
    let mut catalog = Catalog::default();
    if let Some(project) = &roots.project {
        catalog.add_folder(project, &Source::Project);
    }
    if let Some(data_dir) = &roots.data_dir {
        catalog.add_folder(&data_dir.join(ADAPTERS_DIR), &Source::DataDir);
    }
    if let Some(python) = &roots.python {
        catalog.add_python(python);
    }
    if let Some(bundled) = &roots.bundled {
        catalog.add_folder(bundled, &Source::Bundled);
    }
    catalog
        .adapters
        .sort_by(|a, b| a.manifest.name.cmp(&b.manifest.name));
    catalog
}

#[derive(Debug, Deserialize)]
struct EntryPoint {
    name: String,
    package: String,
    dir: PathBuf,
}

fn entry_points(python: &Path) -> Result<Vec<EntryPoint>, String> {
    let mut command = Command::new(python);
    command
        .args(["-c", ENTRY_POINTS])
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let done = process::run(&mut command, PYTHON_LIMIT, &mut |_| ())
        .map_err(|error| format!("the Python interpreter cannot be started: {error}"))?;
    if !done.success() {
        return Err(format!(
            "the Python interpreter failed to list its packages: {}",
            done.tail(2).join(" ")
        ));
    }
    let line = done.lines.iter().rev().find(|line| line.starts_with('['));
    line.and_then(|line| serde_json::from_str(line).ok())
        .ok_or_else(|| "the Python interpreter gave no list of packages".to_owned())
}
