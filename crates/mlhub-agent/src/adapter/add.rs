//! Adds an adapter to a data directory from a folder or a git repository.
//!
//! Nothing of it is run: it is fetched, checked as far as reading goes, and put
//! in place by one rename.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::catalog::ADAPTERS_DIR;
use super::manifest::{Adapter, Source};
use super::problem::AdapterProblem;
use super::{files, process};

/// Time git has to fetch a repository.
const GIT_LIMIT: Duration = Duration::from_secs(300);
/// Lines of git's output shown in an error.
const GIT_LINES: usize = 4;
/// Forms of a git URL that are taken; git's own helpers (`ext::`) can run commands.
const GIT_SCHEMES: &[&str] = &["https://", "http://", "ssh://", "git://", "file://"];

/// Why an adapter could not be added.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// It is no usable adapter.
    #[error("the adapter was not added: {0}")]
    Problem(#[from] AdapterProblem),
    /// The source is neither a folder nor a git URL that is taken.
    #[error(
        "`{0}` is neither a folder nor a git URL; git URLs start with https://, ssh://, git@ or file://"
    )]
    Source(String),
    /// git failed.
    #[error("`{url}` could not be cloned: {detail}; check the URL and your access to it")]
    Git {
        /// What was cloned.
        url: String,
        /// git's last lines.
        detail: String,
    },
    /// A file could not be written.
    #[error("the adapter could not be stored in {}: {source}", dir.display())]
    Io {
        /// The data directory's adapters.
        dir: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// Copies or clones the adapter at `source` into the data directory.
///
/// An adapter of the same name there is replaced.
///
/// # Errors
/// [`AddError`]; the data directory is as before then.
pub fn add(source: &str, data_dir: &Path) -> Result<Adapter, AddError> {
    let root = data_dir.join(ADAPTERS_DIR);
    let failed = |source: io::Error| AddError::Io {
        dir: root.clone(),
        source,
    };
    fs::create_dir_all(&root).map_err(failed)?;
    let staging = tempfile::Builder::new()
        .prefix(".adding-")
        .tempdir_in(&root)
        .map_err(failed)?;
    let folder = Path::new(source);
    let origin = if folder.is_dir() {
        folder.to_owned()
    } else if is_git_url(source) {
        let clone = staging.path().join("clone");
        clone_repository(source, &clone)?;
        clone
    } else {
        return Err(AddError::Source(source.escape_debug().to_string()));
    };
    // Refused before anything is copied, with paths the person knows.
    let name = Adapter::load(&origin)?.manifest.name;
    let copy = staging.path().join(&name);
    files::copy(&origin, &copy).map_err(failed)?;
    Adapter::load(&copy)?;
    let target = root.join(&name);
    replace(&copy, &target, staging.path()).map_err(failed)?;
    Ok(Adapter::load_from(&target, Source::DataDir)?)
}

/// Moves `copy` to `target`; what was there before is put back when that fails.
fn replace(copy: &Path, target: &Path, staging: &Path) -> io::Result<()> {
    let old = staging.join(".replaced");
    let replaced = target.symlink_metadata().is_ok();
    if replaced {
        fs::rename(target, &old)?;
    }
    fs::rename(copy, target).inspect_err(|_| {
        if replaced {
            let _ = fs::rename(&old, target);
        }
    })
}

/// Whether a text is a git URL of a form that is taken.
pub(crate) fn is_git_url(source: &str) -> bool {
    let scp_like = source.split_once('@').is_some_and(|(user, rest)| {
        !user.is_empty()
            && user.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && rest.split_once(':').is_some_and(|(host, path)| {
                !host.is_empty() && !host.starts_with('-') && !path.starts_with(':')
            })
    });
    !source.contains(['\0', '\n'])
        && (GIT_SCHEMES.iter().any(|scheme| source.starts_with(scheme)) || scp_like)
}

/// A shallow clone without hooks, submodules, prompts or symbolic links.
pub(crate) fn clone_repository(url: &str, target: &Path) -> Result<(), AddError> {
    let fail = |detail: String| AddError::Git {
        url: url.to_owned(),
        detail,
    };
    let mut command = Command::new("git");
    command.args([
        "-c",
        "core.hooksPath=/dev/null",
        "-c",
        "core.symlinks=false",
        "-c",
        "protocol.ext.allow=never",
    ]);
    command
        .args([
            "clone",
            "--quiet",
            "--depth",
            "1",
            "--single-branch",
            "--no-tags",
            "--template=",
            "--",
        ])
        .arg(url)
        .arg(target);
    command.env("GIT_TERMINAL_PROMPT", "0");
    let done =
        process::run(&mut command, GIT_LIMIT, &mut |_| ()).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => fail("git is not installed".to_owned()),
            _ => fail(error.to_string()),
        })?;
    match done.status {
        Some(status) if status.success() => Ok(()),
        Some(_) => Err(fail(done.tail(GIT_LINES).join(" "))),
        None => Err(fail(format!(
            "git took longer than {} s",
            GIT_LIMIT.as_secs()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::is_git_url;

    #[test]
    fn only_plain_git_urls_are_taken() {
        for good in [
            "https://example.org/a.git",
            "ssh://git@example.org/a",
            "git@example.org:a/b.git",
            "file:///srv/a.git",
        ] {
            assert!(is_git_url(good), "{good}");
        }
        for bad in [
            "ext::sh -c id",
            "--upload-pack=x",
            "a/b",
            "-u@host:x",
            "git@-oProxyCommand=x:y",
            "x@y",
            "git@host::x",
        ] {
            assert!(!is_git_url(bad), "{bad}");
        }
    }
}
