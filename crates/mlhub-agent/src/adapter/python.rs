//! Finds a Python interpreter for a virtual environment.
//!
//! Candidates are started only to ask their version; nothing is installed.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde::Deserialize;

use super::environment::EnvError;
use super::process;
use super::rules::minor_version;

/// The variable that names the interpreter to use.
pub(super) const PYTHON_VARIABLE: &str = "MLHUB_PYTHON";
/// Newest and oldest `python3.N` looked for, before `python3`.
const MINOR_VERSIONS: std::ops::RangeInclusive<u32> = 9..=13;
/// Time an interpreter has to say its version.
const PROBE_LIMIT: Duration = Duration::from_secs(20);
const PROBE: &str = r#"
import importlib.util as u, json, sys, sysconfig
print(json.dumps({"version": "%d.%d.%d" % sys.version_info[:3], "implementation": sys.implementation.name,
    "platform": sysconfig.get_platform(), "executable": sys.executable,
    "can_venv": u.find_spec("venv") is not None and u.find_spec("ensurepip") is not None}))
"#;

/// What an interpreter says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Interpreter {
    /// Such as `3.11.7`.
    pub(super) version: String,
    pub(super) implementation: String,
    /// Such as `linux-x86_64`.
    pub(super) platform: String,
    pub(super) executable: PathBuf,
    /// Whether it can make virtual environments by itself.
    pub(super) can_venv: bool,
}

impl Interpreter {
    fn minor(&self) -> Option<u32> {
        minor_version(self.version.rsplit_once('.')?.0)
    }
}

/// The interpreter to use: the one named by [`PYTHON_VARIABLE`], else the newest
/// `python3.N` on the path, else `python3`; at least version `oldest`.
///
/// # Errors
/// [`EnvError::Python`] when none fits, naming those that were found.
pub(super) fn find(
    oldest: &str,
    named: Option<&OsStr>,
    path: &OsStr,
) -> Result<Interpreter, EnvError> {
    let wanted = minor_version(oldest).unwrap_or(0);
    let fits = |interpreter: &Interpreter| interpreter.minor().is_some_and(|minor| minor >= wanted);
    if let Some(named) = named.filter(|named| !named.is_empty()) {
        let shown = Path::new(named).display().to_string();
        let file = process::find_command(&named.to_string_lossy(), path);
        return match file.and_then(|file| probe(&file)) {
            Some(interpreter) if fits(&interpreter) => Ok(interpreter),
            Some(interpreter) => Err(EnvError::Python {
                oldest: oldest.to_owned(),
                found: format!(
                    "{PYTHON_VARIABLE} names {shown}, which is Python {}",
                    interpreter.version
                ),
            }),
            None => Err(EnvError::Python {
                oldest: oldest.to_owned(),
                found: format!("{PYTHON_VARIABLE} names {shown}, which is no working Python"),
            }),
        };
    }
    let mut names: Vec<String> = MINOR_VERSIONS
        .rev()
        .filter(|&minor| minor >= wanted)
        .map(|minor| format!("python3.{minor}"))
        .collect();
    names.push("python3".to_owned());
    let mut found = Vec::new();
    for file in names
        .iter()
        .filter_map(|name| process::find_command(name, path))
    {
        match probe(&file) {
            Some(interpreter) if fits(&interpreter) => return Ok(interpreter),
            Some(interpreter) => found.push(format!(
                "{} is Python {}",
                file.display(),
                interpreter.version
            )),
            None => {}
        }
    }
    let found = if found.is_empty() {
        "no working Python is on PATH".to_owned()
    } else {
        found.join(", ")
    };
    Err(EnvError::Python {
        oldest: oldest.to_owned(),
        found,
    })
}

/// Asks an interpreter what it is; none if it does not work.
pub(super) fn probe(python: &Path) -> Option<Interpreter> {
    let done = process::run(
        Command::new(python).args(["-I", "-c", PROBE]),
        PROBE_LIMIT,
        &mut |_| (),
    )
    .ok()?;
    if !done.success() {
        return None;
    }
    done.lines
        .iter()
        .find_map(|line| serde_json::from_str(line).ok())
}
