//! Builds Python virtual environments, once per lock file, interpreter and
//! platform.
//!
//! Virtual environments cannot be moved, so one is built at its final path
//! under a lock and counts only with its completion marker, written last. Old
//! environments are not removed here.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::environment::{EnvError, EnvProgress, PreparedEnvironment};
use super::files;
use super::manifest::Adapter;
use super::process::{self, Finished};
use super::python::{self, Interpreter, PYTHON_VARIABLE};

/// Written into an environment when it is whole.
const COMPLETE: &str = "mlhub-complete.json";
/// Characters of the fingerprint in an environment's folder name.
const FINGERPRINT_CHARS: usize = 16;
/// Time to make an empty environment.
const CREATE_LIMIT: Duration = Duration::from_secs(300);
/// Time to install the packages.
const INSTALL_LIMIT: Duration = Duration::from_secs(3_600);
/// Lines of pip's output shown in an error.
const ERROR_LINES: usize = 6;
/// Version of the way environments are built; another one builds anew.
const RECIPE: &str = "mlhub-venv-1";

/// What building needs to know.
struct Plan {
    lock: PathBuf,
    /// Where files that the lock file names are looked for.
    folder: PathBuf,
    lock_text: String,
    python: Interpreter,
    dir: PathBuf,
    fingerprint: String,
}

/// The adapter's virtual environment below `envs_dir`, and whether it was there already.
///
/// # Errors
/// [`EnvError`].
pub(super) fn prepare(
    adapter: &Adapter,
    envs_dir: &Path,
    progress: &mut dyn FnMut(EnvProgress),
) -> Result<(PreparedEnvironment, bool), EnvError> {
    let failed = |source: io::Error| EnvError::Io {
        dir: envs_dir.to_owned(),
        source,
    };
    let (lock, oldest) = adapter.lock_file().unwrap_or(("", ""));
    let lock = files::file_inside(&adapter.dir, lock)
        .map_err(|reason| failed(io::Error::other(reason)))?;
    build(adapter, lock, &adapter.dir, oldest, envs_dir, progress)
}

/// The same from another lock file, with the packages that it names.
///
/// # Errors
/// [`EnvError`].
pub(super) fn prepare_from(
    adapter: &Adapter,
    lock: &Path,
    oldest: &str,
    envs_dir: &Path,
    progress: &mut dyn FnMut(EnvProgress),
) -> Result<(PreparedEnvironment, bool), EnvError> {
    let unreadable = |source: io::Error| EnvError::LockFile {
        lock: lock.to_owned(),
        reason: source.to_string(),
    };
    let lock = fs::canonicalize(lock).map_err(unreadable)?;
    let folder = lock.parent().unwrap_or(&adapter.dir).to_owned();
    let text = files::read_text(&lock).map_err(|reason| EnvError::LockFile {
        lock: lock.clone(),
        reason,
    })?;
    let (mut prepared, cached) = build(adapter, lock, &folder, oldest, envs_dir, progress)?;
    prepared.packages = locked_packages(&text);
    Ok((prepared, cached))
}

/// `name==version` of each package that a lock file pins.
#[must_use]
pub fn locked_packages(lock_text: &str) -> Vec<String> {
    let words = lock_text
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    words
        .filter(|word| word.contains("==") && !word.starts_with(['#', '-']))
        .map(str::to_owned)
        .collect()
}

fn build(
    adapter: &Adapter,
    lock: PathBuf,
    folder: &Path,
    oldest: &str,
    envs_dir: &Path,
    progress: &mut dyn FnMut(EnvProgress),
) -> Result<(PreparedEnvironment, bool), EnvError> {
    let failed = |source: io::Error| EnvError::Io {
        dir: envs_dir.to_owned(),
        source,
    };
    let lock_text = files::read_text(&lock)
        .map_err(|reason| failed(io::Error::other(format!("{}: {reason}", lock.display()))))?;
    let named = std::env::var_os(PYTHON_VARIABLE);
    let python = python::find(oldest, named.as_deref(), &process::search_path())?;
    fs::create_dir_all(envs_dir).map_err(failed)?;
    let envs_dir = fs::canonicalize(envs_dir).map_err(failed)?;
    let fingerprint = fingerprint(&lock_text, &python);
    let dir = envs_dir.join(format!(
        "{}-{}",
        adapter.manifest.name,
        &fingerprint[..FINGERPRINT_CHARS]
    ));
    let plan = Plan {
        lock,
        folder: folder.to_owned(),
        lock_text,
        python,
        dir,
        fingerprint,
    };
    if is_complete(&plan.dir) {
        return Ok((plan.prepared(), true));
    }
    let _guard = lock_exclusively(&plan.dir.with_extension("lock"), progress).map_err(failed)?;
    if is_complete(&plan.dir) {
        return Ok((plan.prepared(), true));
    }
    if plan.dir.exists() {
        fs::remove_dir_all(&plan.dir).map_err(failed)?;
    }
    create(&plan, progress)?;
    install(&plan, progress)?;
    fs::write(
        plan.dir.join(COMPLETE),
        format!("{{\"fingerprint\":\"{}\"}}\n", plan.fingerprint),
    )
    .map_err(failed)?;
    Ok((plan.prepared(), false))
}

impl Plan {
    fn interpreter(&self) -> PathBuf {
        self.dir.join("bin/python")
    }

    fn prepared(&self) -> PreparedEnvironment {
        let mut path = OsString::from(self.dir.join("bin"));
        let inherited = process::search_path();
        if !inherited.is_empty() {
            path.push(":");
            path.push(inherited);
        }
        let env = BTreeMap::from([
            ("PATH".to_owned(), path.to_string_lossy().into_owned()),
            (
                "VIRTUAL_ENV".to_owned(),
                self.dir.to_string_lossy().into_owned(),
            ),
        ]);
        let description = format!(
            "Python {} with {} locked packages",
            self.python.version,
            requirements(&self.lock_text)
        );
        PreparedEnvironment {
            python: Some(self.interpreter()),
            fingerprint: self.fingerprint.clone(),
            env,
            description,
            packages: Vec::new(),
        }
    }
}

fn fingerprint(lock_text: &str, python: &Interpreter) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in [
        RECIPE,
        lock_text,
        &python.version,
        &python.implementation,
        &python.platform,
    ] {
        files::hash_file(&mut hasher, b"", part.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// Whether the environment was finished and its interpreter is still there.
fn is_complete(dir: &Path) -> bool {
    dir.join(COMPLETE).is_file() && dir.join("bin/python").exists()
}

/// Holds the lock file until the returned file is dropped, or its process dies.
fn lock_exclusively(path: &Path, progress: &mut dyn FnMut(EnvProgress)) -> io::Result<File> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            progress(EnvProgress::Waiting);
            file.lock()?;
        }
        Err(TryLockError::Error(error)) => return Err(error),
    }
    Ok(file)
}

fn create(plan: &Plan, progress: &mut dyn FnMut(EnvProgress)) -> Result<(), EnvError> {
    progress(EnvProgress::Creating {
        python: plan.python.version.clone(),
    });
    let mut command = if plan.python.can_venv {
        let mut command = Command::new(&plan.python.executable);
        command.args(["-I", "-m", "venv"]);
        command
    } else if let Some(virtualenv) = process::find_command("virtualenv", &process::search_path()) {
        let mut command = Command::new(virtualenv);
        command.arg("--python").arg(&plan.python.executable);
        command
    } else {
        return Err(EnvError::NoVenv {
            python: plan.python.executable.clone(),
            version: plan.python.version.clone(),
        });
    };
    let detail = match process::run(command.arg(&plan.dir), CREATE_LIMIT, &mut |_| ()) {
        Ok(done) if done.success() => return Ok(()),
        Ok(done) => explain(&done, CREATE_LIMIT),
        Err(error) => error.to_string(),
    };
    Err(EnvError::Create {
        dir: plan.dir.clone(),
        detail,
    })
}

fn install(plan: &Plan, progress: &mut dyn FnMut(EnvProgress)) -> Result<(), EnvError> {
    let total = requirements(&plan.lock_text);
    if total == 0 {
        return Ok(());
    }
    let mut command = Command::new(plan.interpreter());
    command
        .args([
            "-I",
            "-m",
            "pip",
            "install",
            "--require-hashes",
            "--no-input",
            "--disable-pip-version-check",
            "--progress-bar",
            "off",
            "-r",
        ])
        .arg(&plan.lock);
    command
        .current_dir(&plan.folder)
        .env("PYTHONUNBUFFERED", "1");
    let mut done = 0;
    let finished = process::run(&mut command, INSTALL_LIMIT, &mut |line| {
        let text = line.trim();
        match package_of(text) {
            Some(name) => {
                done += 1;
                progress(EnvProgress::Package { name, done, total });
            }
            None => progress(EnvProgress::Line {
                text: text.to_owned(),
            }),
        }
    });
    match finished {
        Ok(finished) if finished.success() => Ok(()),
        Ok(finished) => Err(classify(plan, &finished)),
        Err(error) => Err(EnvError::Install {
            lock: plan.lock.clone(),
            detail: error.to_string(),
        }),
    }
}

/// The package that a line of pip's output says is being fetched.
fn package_of(line: &str) -> Option<String> {
    let named = |rest: &str| rest.split(" (").next().unwrap_or(rest).to_owned();
    if let Some(rest) = line.strip_prefix("Collecting ") {
        return Some(named(rest));
    }
    // A file that is on this machine already, such as one beside the lock file.
    let file = named(line.strip_prefix("Processing ")?);
    file.rsplit('/').next().map(str::to_owned)
}

/// Packages in a lock file: lines that start a pinned requirement.
fn requirements(lock_text: &str) -> usize {
    lock_text
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_alphanumeric()))
        .count()
}

fn explain(done: &Finished, limit: Duration) -> String {
    match done.status {
        None => format!("it took longer than {} s", limit.as_secs()),
        Some(_) => done.tail(ERROR_LINES).join(" | "),
    }
}

/// Tells pip's failures apart by what it prints.
fn classify(plan: &Plan, done: &Finished) -> EnvError {
    const HASH: &[&str] = &["DO NOT MATCH THE HASHES"];
    const NETWORK: &[&str] = &[
        "NewConnectionError",
        "name resolution",
        "Connection refused",
        "Network is unreachable",
        "Read timed out",
        "ConnectTimeout",
        "ProxyError",
        "SSLError",
        "connection broken",
        "Max retries exceeded",
    ];
    const ABSENT: &[&str] = &[
        "No matching distribution",
        "requires a different Python",
        "not a supported wheel",
    ];
    let says = |words: &[&str]| {
        done.lines
            .iter()
            .any(|line| words.iter().any(|word| line.contains(word)))
    };
    let (lock, detail) = (plan.lock.clone(), explain(done, INSTALL_LIMIT));
    if says(HASH) {
        EnvError::Hash { lock, detail }
    } else if says(NETWORK) {
        EnvError::Network { lock, detail }
    } else if says(ABSENT) {
        EnvError::Unavailable {
            lock,
            version: plan.python.version.clone(),
            platform: plan.python.platform.clone(),
            detail,
        }
    } else {
        EnvError::Install { lock, detail }
    }
}
