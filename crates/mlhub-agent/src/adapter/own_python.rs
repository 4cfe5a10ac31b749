//! Finds the user's own Python for adapters whose models are the user's code.
//!
//! An interpreter is asked for the versions of its packages, and nothing of them is
//! imported. Installing is [`super::venv`]'s work.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde::Deserialize;

use super::environment::{EnvError, PreparedEnvironment};
use super::process;
use super::python::PYTHON_VARIABLE;
use super::rules::minor_version;

/// The variable of an active virtual environment.
const ACTIVE: &str = "VIRTUAL_ENV";
/// Where a project's own environment usually lies, seen from the working directory.
const PROJECT: &[&str] = &[".venv", "venv"];
/// Time an interpreter has to list its packages.
const PROBE_LIMIT: Duration = Duration::from_secs(30);
/// Most constraints on one package.
const MAX_CONSTRAINTS: usize = 8;
/// Most distributions of which one will do.
const MAX_ALTERNATIVES: usize = 8;
const OPERATORS: &[&str] = &["==", "!=", ">=", "<=", ">", "<"];

/// Says what is lacking; of the rest, a line per package for the fingerprint.
const PROBE: &str = r#"
import hashlib, importlib.metadata as m, json, re, sys
def release(text):
    return [int(part) for part in re.match(r"\d+(?:\.\d+)*", text).group().split(".")]
def compare(a, b):
    a, b = release(a), release(b)
    size = max(len(a), len(b))
    a, b = a + [0] * (size - len(a)), b + [0] * (size - len(b))
    return (a > b) - (a < b)
tests = {"==": lambda c: c == 0, "!=": lambda c: c != 0, ">=": lambda c: c >= 0,
         "<=": lambda c: c <= 0, ">": lambda c: c > 0, "<": lambda c: c < 0}
def lack(name, constraints):
    asked = name + ",".join(sign + version for sign, version in constraints)
    try:
        has = m.version(name)
        good = all(tests[sign](compare(has, version)) for sign, version in constraints)
    except m.PackageNotFoundError:
        return asked
    except Exception:
        good, has = False, "an unreadable version"
    return None if good else "%s (it has %s)" % (asked, has)
lacks = []
for alternatives in json.loads(sys.argv[1]):
    lacked = [lack(name, constraints) for name, constraints in alternatives]
    if None not in lacked:
        lacks.append(" or ".join(lacked))
there = sorted({"%s==%s" % (d.metadata["Name"], d.version) for d in m.distributions()})
print(json.dumps({"version": "%d.%d.%d" % sys.version_info[:3], "executable": sys.executable,
    "prefix": sys.prefix, "own": sys.prefix != sys.base_prefix, "lacks": lacks, "count": len(there),
    "packages": hashlib.sha256("\n".join(there).encode()).hexdigest(), "list": there[:5000]}))
"#;

/// What an interpreter says of its packages.
#[derive(Debug, Deserialize)]
struct Found {
    version: String,
    executable: PathBuf,
    prefix: PathBuf,
    /// Whether it is a virtual environment.
    own: bool,
    lacks: Vec<String>,
    count: usize,
    packages: String,
    /// `name==version` of each, sorted.
    list: Vec<String>,
}

/// A package's name and its constraints: an operator and a version each.
pub(super) type Requirement = (String, Vec<(&'static str, String)>);

/// Reads an entry of `packages`: requirements of which one will do, `a>=1 | b`.
///
/// # Errors
/// What is wrong with it.
pub(super) fn alternatives(text: &str) -> Result<Vec<Requirement>, String> {
    let read: Vec<Requirement> = text
        .split('|')
        .map(|one| requirement(one.trim()))
        .collect::<Result<_, _>>()?;
    if read.len() > MAX_ALTERNATIVES {
        return Err(format!(
            "{} packages of which one will do; name at most {MAX_ALTERNATIVES}",
            read.len()
        ));
    }
    Ok(read)
}

/// Reads `name`, `name>=1.2` or `name>=1.2,<3`.
fn requirement(text: &str) -> Result<Requirement, String> {
    let fail = || {
        format!(
            "`{}` is no requirement; write `name`, `name>=1.2` or `name>=1.2,<3`",
            text.escape_debug()
        )
    };
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
        .unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Err(fail());
    }
    let mut constraints = Vec::new();
    for part in rest.split(',').filter(|_| !rest.is_empty()) {
        let sign = OPERATORS
            .iter()
            .find(|sign| part.starts_with(**sign))
            .ok_or_else(fail)?;
        let version = &part[sign.len()..];
        let numeric = !version.is_empty()
            && version
                .split('.')
                .all(|number| number.parse::<u32>().is_ok());
        if !numeric || constraints.len() == MAX_CONSTRAINTS {
            return Err(fail());
        }
        constraints.push((*sign, version.to_owned()));
    }
    Ok((name.to_owned(), constraints))
}

/// The interpreter to use, when one has all `packages`: the one named by
/// [`PYTHON_VARIABLE`], that of the active environment, of the project's, or
/// `python3` on the path.
///
/// # Errors
/// [`EnvError::Packages`] and [`EnvError::Python`] when the named one will not do.
pub(super) fn find(
    packages: &[String],
    oldest: &str,
) -> Result<Option<PreparedEnvironment>, EnvError> {
    let path = process::search_path();
    let wanted: Vec<Vec<Requirement>> = packages
        .iter()
        .filter_map(|package| alternatives(package).ok())
        .collect();
    let asked = serde_json::to_string(&wanted).unwrap_or_default();
    if let Some(named) = std::env::var_os(PYTHON_VARIABLE).filter(|named| !named.is_empty()) {
        return named_one(&named, PYTHON_VARIABLE, &asked, oldest, &path)
            .map(|found| Some(prepared(&found, &path)));
    }
    let mut candidates: Vec<PathBuf> = Vec::new();
    if let Some(active) = std::env::var_os(ACTIVE).filter(|active| !active.is_empty()) {
        candidates.push(PathBuf::from(active).join("bin/python"));
    }
    candidates.extend(
        PROJECT
            .iter()
            .filter_map(|folder| std::path::absolute(Path::new(folder).join("bin/python")).ok()),
    );
    candidates.extend(process::find_command("python3", &path));
    Ok(candidates
        .iter()
        .filter(|candidate| candidate.is_file())
        .filter_map(|candidate| probe(candidate, &asked))
        .find(|found| found.lacks.is_empty() && is_new_enough(found, oldest))
        .map(|found| prepared(&found, &path)))
}

/// The interpreter that was given, as it is, with its folder first on the path of programs.
///
/// # Errors
/// [`EnvError::Packages`] and [`EnvError::Python`] when it will not do.
pub(super) fn given(
    python: &Path,
    by: &str,
    packages: &[String],
    oldest: &str,
) -> Result<PreparedEnvironment, EnvError> {
    let path = process::search_path();
    let wanted: Vec<Vec<Requirement>> = packages
        .iter()
        .filter_map(|package| alternatives(package).ok())
        .collect();
    let asked = serde_json::to_string(&wanted).unwrap_or_default();
    let found = named_one(python.as_os_str(), by, &asked, oldest, &path)?;
    let mut prepared = prepared(&found, &path);
    if let Some(folder) = found.executable.parent() {
        let folders = on_path(folder.to_owned(), &path);
        prepared.env.entry("PATH".to_owned()).or_insert(folders);
    }
    Ok(prepared)
}

/// The path of programs with a folder before all others.
fn on_path(folder: PathBuf, path: &OsStr) -> String {
    let mut folders = folder.into_os_string();
    if !path.is_empty() {
        folders.push(":");
        folders.push(path);
    }
    folders.to_string_lossy().into_owned()
}

fn named_one(
    named: &OsStr,
    by: &str,
    asked: &str,
    oldest: &str,
    path: &OsStr,
) -> Result<Found, EnvError> {
    let shown = Path::new(named).display();
    let unfit = |found: String| EnvError::Python {
        oldest: oldest.to_owned(),
        found,
    };
    let found = process::find_command(&named.to_string_lossy(), path)
        .and_then(|file| probe(&file, asked))
        .ok_or_else(|| unfit(format!("{by} names {shown}, which is no working Python")))?;
    if !is_new_enough(&found, oldest) {
        return Err(unfit(format!(
            "{by} names {shown}, which is Python {}",
            found.version
        )));
    }
    if !found.lacks.is_empty() {
        return Err(EnvError::Packages {
            by: by.to_owned(),
            python: found.executable,
            lacks: found.lacks,
        });
    }
    Ok(found)
}

fn is_new_enough(found: &Found, oldest: &str) -> bool {
    let has = found
        .version
        .rsplit_once('.')
        .and_then(|(minor, _)| minor_version(minor));
    has >= minor_version(oldest)
}

fn probe(python: &Path, asked: &str) -> Option<Found> {
    let done = process::run(
        Command::new(python).args(["-I", "-c", PROBE, asked]),
        PROBE_LIMIT,
        &mut |_| (),
    )
    .ok()?;
    done.lines
        .iter()
        .filter(|_| done.success())
        .find_map(|line| serde_json::from_str(line).ok())
}

fn prepared(found: &Found, path: &OsStr) -> PreparedEnvironment {
    let mut env = BTreeMap::new();
    if found.own {
        let folders = on_path(found.prefix.join("bin"), path);
        env.insert("PATH".to_owned(), folders);
        env.insert(
            ACTIVE.to_owned(),
            found.prefix.to_string_lossy().into_owned(),
        );
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update(found.version.as_bytes());
    hasher.update(found.packages.as_bytes());
    PreparedEnvironment {
        python: Some(found.executable.clone()),
        fingerprint: hasher.finalize().to_hex().to_string(),
        env,
        description: format!(
            "Python {} of {} with {} packages",
            found.version,
            found.prefix.display(),
            found.count
        ),
        packages: found.list.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_are_read_or_refused() {
        assert_eq!(
            alternatives("torch>=1.13,<3"),
            Ok(vec![(
                "torch".to_owned(),
                vec![(">=", "1.13".to_owned()), ("<", "3".to_owned())]
            )])
        );
        assert_eq!(
            alternatives("scikit-learn"),
            Ok(vec![("scikit-learn".to_owned(), Vec::new())])
        );
        assert_eq!(
            alternatives("lightning>=1.9 | pytorch-lightning>=1.9")
                .map(|read| read.into_iter().map(|(name, _)| name).collect::<Vec<_>>()),
            Ok(vec!["lightning".to_owned(), "pytorch-lightning".to_owned()])
        );
        assert!(alternatives(&["a"; MAX_ALTERNATIVES + 1].join("|")).is_err());
        for wrong in [
            "",
            "torch | ",
            "torch >= 1",
            "torch>=",
            "torch~=1.0",
            "torch>=1.x",
            "torch>=1,",
            "--index-url",
            "a b",
        ] {
            assert!(alternatives(wrong).is_err(), "{wrong}");
        }
    }
}
