//! Makes an adapter's environment ready: what is needed, what is there, and
//! why it cannot be used.
//!
//! Commands are only looked up; building virtual environments is
//! [`super::venv`]'s work.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use mlhub_protocol::adapter::Environment;
use serde::{Deserialize, Serialize};

use super::manifest::Adapter;
use super::process;
use super::python::{self, PYTHON_VARIABLE};
use super::{files, kit, own_python, rules, venv};

/// How far an environment is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EnvProgress {
    /// Another process builds the same environment; this one waits for it.
    Waiting,
    /// The empty environment is being made.
    Creating {
        /// The interpreter's version.
        python: String,
    },
    /// A package is being fetched.
    Package {
        /// Its name and version as pip shows it.
        name: String,
        /// Packages seen so far, this one included.
        done: usize,
        /// Packages in the lock file.
        total: usize,
    },
    /// A line of output.
    Line {
        /// The line.
        text: String,
    },
    /// The environment can be used.
    Ready {
        /// Whether it was there already.
        cached: bool,
    },
}

/// An environment that can be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreparedEnvironment {
    /// Its Python interpreter, when it has one.
    pub python: Option<PathBuf>,
    /// Names all that can change its behaviour as far as it is known; hexadecimal.
    pub fingerprint: String,
    /// Variables the program needs to run in it.
    pub env: BTreeMap<String, String>,
    /// One line for people.
    pub description: String,
    /// `name==version` of the packages that were found in it; empty where the adapter's lock file names them.
    #[serde(default)]
    pub packages: Vec<String>,
}

/// Why an environment cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum EnvError {
    /// Commands that must be there are not.
    #[error("adapter `{adapter}` needs commands that are not on PATH: {}; install them, or add their folder to PATH", missing.join(", "))]
    MissingCommands {
        /// The adapter.
        adapter: String,
        /// The commands.
        missing: Vec<String>,
    },
    /// No interpreter fits.
    #[error(
        "a Python of version {oldest} or later is needed, but {found}; install one, or name it in {PYTHON_VARIABLE}"
    )]
    Python {
        /// The oldest version that works.
        oldest: String,
        /// What was found.
        found: String,
    },
    /// The interpreter that was named lacks packages.
    #[error("{by} names {}, which lacks {}; install them there, name another Python, or leave it out", python.display(), lacks.join(", "))]
    Packages {
        /// What names it: a variable or an option.
        by: String,
        /// The interpreter.
        python: PathBuf,
        /// Each package that is missing or has another version.
        lacks: Vec<String>,
    },
    /// The adapter has no such environment to be replaced.
    #[error("{by} cannot be used with the adapter `{adapter}`: {why}")]
    NotReplaceable {
        /// The option.
        by: String,
        /// The adapter.
        adapter: String,
        /// Why not.
        why: &'static str,
    },
    /// A lock file that was given cannot be read.
    #[error("the lock file {} cannot be read: {reason}", lock.display())]
    LockFile {
        /// The lock file.
        lock: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The interpreter cannot make environments.
    #[error("{} (Python {version}) cannot make virtual environments: its venv or ensurepip module is missing and there is no `virtualenv` command; on Debian or Ubuntu install the package python3-venv, or name another Python in {PYTHON_VARIABLE}", python.display())]
    NoVenv {
        /// The interpreter.
        python: PathBuf,
        /// Its version.
        version: String,
    },
    /// The empty environment could not be made.
    #[error("the virtual environment {} could not be made: {detail}", dir.display())]
    Create {
        /// Its folder.
        dir: PathBuf,
        /// The last lines of output.
        detail: String,
    },
    /// Packages could not be fetched.
    #[error("the packages in {} could not be downloaded; check the network and proxy settings and run again, packages that arrived are kept. pip said: {detail}", lock.display())]
    Network {
        /// The lock file.
        lock: PathBuf,
        /// pip's last lines.
        detail: String,
    },
    /// A package is not the one that was locked.
    #[error("a package does not have the hash that {} holds; it was changed after it was locked, so nothing was installed. Use another index or lock again. pip said: {detail}", lock.display())]
    Hash {
        /// The lock file.
        lock: PathBuf,
        /// pip's last lines.
        detail: String,
    },
    /// A locked package is not there for this Python or platform.
    #[error("a package in {} is not available for Python {version} on {platform}; name another Python in {PYTHON_VARIABLE}. pip said: {detail}", lock.display())]
    Unavailable {
        /// The lock file.
        lock: PathBuf,
        /// The interpreter's version.
        version: String,
        /// The platform.
        platform: String,
        /// pip's last lines.
        detail: String,
    },
    /// pip failed for another reason.
    #[error("installing {} failed. pip said: {detail}", lock.display())]
    Install {
        /// The lock file.
        lock: PathBuf,
        /// pip's last lines.
        detail: String,
    },
    /// Files could not be read or written.
    #[error("the environment in {} could not be prepared: {source}; check that the folder can be written and has free space", dir.display())]
    Io {
        /// The folder.
        dir: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// Makes the environment of `adapter` ready; virtual environments live below `envs_dir`.
///
/// A whole environment is used as it is; a half-built one is built again; of
/// several processes one builds and the others wait. Programs that are started by
/// `{python}` also find the author's kit, `mlhub_adapter`.
///
/// # Errors
/// [`EnvError`], each a paragraph to show.
pub fn prepare_environment(
    adapter: &Adapter,
    envs_dir: &Path,
    progress: &mut dyn FnMut(EnvProgress),
) -> Result<PreparedEnvironment, EnvError> {
    let prepared = match &adapter.manifest.environment {
        Environment::None => Ok((empty(), true)),
        Environment::System { requires } => {
            system(adapter, requires, &process::search_path()).map(|prepared| (prepared, true))
        }
        Environment::Venv { .. } => venv::prepare(adapter, envs_dir, progress),
        Environment::Python {
            packages, python, ..
        } => match own_python::find(packages, python)? {
            Some(prepared) => Ok((prepared, true)),
            None => venv::prepare(adapter, envs_dir, progress),
        },
    };
    offered(adapter, envs_dir, prepared?, progress)
}

/// What stands in for an adapter's environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replacement {
    /// This interpreter, with the packages that it has.
    Python(PathBuf),
    /// An environment built from this lock file.
    Lock(PathBuf),
}

impl std::fmt::Display for Replacement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Python(python) => write!(f, "--on python:{}", python.display()),
            Self::Lock(lock) => write!(f, "--on lock:{}", lock.display()),
        }
    }
}

/// Makes another environment ready for `adapter` than its own, to learn whether that matters.
///
/// # Errors
/// [`EnvError`]; `NotReplaceable` where the adapter has no such environment.
pub fn prepare_replacement(
    adapter: &Adapter,
    replacement: &Replacement,
    envs_dir: &Path,
    progress: &mut dyn FnMut(EnvProgress),
) -> Result<PreparedEnvironment, EnvError> {
    let by = replacement.to_string();
    let refused = |why| EnvError::NotReplaceable {
        by: by.clone(),
        adapter: adapter.manifest.name.clone(),
        why,
    };
    let prepared = match (replacement, &adapter.manifest.environment) {
        (_, Environment::None) => {
            return Err(refused("it runs in the hub's own binary"));
        }
        (Replacement::Lock(_), Environment::System { .. }) => {
            return Err(refused(
                "it runs on the machine as it is and has no lock file; name a Python with --on python:PATH",
            ));
        }
        (Replacement::Lock(lock), _) => {
            let (_, oldest) = adapter.lock_file().unwrap_or_default();
            venv::prepare_from(adapter, lock, oldest, envs_dir, progress)?
        }
        (Replacement::Python(path), environment) => {
            let (packages, oldest): (&[String], &str) = match environment {
                Environment::Python {
                    packages, python, ..
                } => (packages, python),
                Environment::Venv { python, .. } => (&[], python),
                Environment::None | Environment::System { .. } => (&[], ""),
            };
            (own_python::given(path, &by, packages, oldest)?, true)
        }
    };
    offered(adapter, envs_dir, prepared, progress)
}

/// Adds the author's kit to an environment.
fn offered(
    adapter: &Adapter,
    envs_dir: &Path,
    (mut prepared, cached): (PreparedEnvironment, bool),
    progress: &mut dyn FnMut(EnvProgress),
) -> Result<PreparedEnvironment, EnvError> {
    kit::offer(&adapter.manifest, envs_dir, &mut prepared).map_err(|source| EnvError::Io {
        dir: envs_dir.to_owned(),
        source,
    })?;
    progress(EnvProgress::Ready { cached });
    Ok(prepared)
}

fn empty() -> PreparedEnvironment {
    PreparedEnvironment {
        python: None,
        fingerprint: blake3::hash(b"none").to_hex().to_string(),
        env: BTreeMap::new(),
        description: "the hub's own binary".to_owned(),
        packages: Vec::new(),
    }
}

fn system(
    adapter: &Adapter,
    requires: &[String],
    path: &OsStr,
) -> Result<PreparedEnvironment, EnvError> {
    let found: Vec<(&String, Option<PathBuf>)> = requires
        .iter()
        .map(|command| (command, process::find_command(command, path)))
        .collect();
    let missing: Vec<String> = found
        .iter()
        .filter(|(_, file)| file.is_none())
        .map(|(command, _)| (*command).clone())
        .collect();
    if !missing.is_empty() {
        return Err(EnvError::MissingCommands {
            adapter: adapter.manifest.name.clone(),
            missing,
        });
    }
    let mut hasher = blake3::Hasher::new();
    let mut python = None;
    for (command, file) in found {
        let file = file.unwrap_or_default();
        let real = fs::canonicalize(&file).unwrap_or_else(|_| file.clone());
        let mut identity = real.as_os_str().as_encoded_bytes().to_vec();
        if rules::is_python(command) {
            // A launcher such as pyenv's shim keeps its path while its version
            // changes, and is slow: the interpreter behind it is used.
            let behind = python::probe(&file);
            if let Some(found) = &behind {
                identity = format!("{} {}", found.implementation, found.version).into_bytes();
            }
            python.get_or_insert(behind.map_or(file, |found| found.executable));
        }
        files::hash_file(&mut hasher, command.as_bytes(), &identity);
    }
    let description = if requires.is_empty() {
        "the machine as it is".to_owned()
    } else {
        format!("the machine's {}", requires.join(", "))
    };
    Ok(PreparedEnvironment {
        python,
        fingerprint: hasher.finalize().to_hex().to_string(),
        env: BTreeMap::new(),
        description,
        packages: Vec::new(),
    })
}
