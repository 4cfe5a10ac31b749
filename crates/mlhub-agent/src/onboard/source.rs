//! Where the repository comes from: a folder, or a git URL that is cloned.
//!
//! Credentials are git's business: its helpers, keys and environment are used
//! as they are, nothing is asked for and nothing is stored.

use std::path::{Path, PathBuf};

use crate::adapter::{AddError, clone_repository, is_git_url};

/// Why a source cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Neither a folder nor a git URL that is taken.
    #[error(
        "`{0}` is neither a folder nor a git URL; git URLs start with https://, ssh://, git@ or file://"
    )]
    Unknown(String),
    /// The URL holds a password or token.
    #[error(
        "the URL holds a password; leave it out and let git's credential helper answer (`git help credentials`)"
    )]
    Password,
    /// The URL has no last part.
    #[error("`{0}` has no name to give the folder; clone it yourself and name the folder")]
    Name(String),
    /// The folder to clone into is there.
    #[error(
        "`{}` is there already; run `mlhub init` on it, or go to another folder", .0.display()
    )]
    Exists(PathBuf),
    /// git failed.
    #[error(transparent)]
    Clone(#[from] AddError),
}

/// The folder of `source`; a git URL is cloned, shallow and without hooks, into
/// a folder of its name in `parent`.
///
/// # Errors
/// [`SourceError`]; nothing is left in `parent` then.
pub fn fetch(source: &str, parent: &Path) -> Result<PathBuf, SourceError> {
    let folder = Path::new(source);
    if folder.is_dir() {
        return Ok(folder.to_owned());
    }
    if holds_password(source) {
        return Err(SourceError::Password);
    }
    if !is_git_url(source) {
        return Err(SourceError::Unknown(source.escape_debug().to_string()));
    }
    let name =
        name_of(source).ok_or_else(|| SourceError::Name(source.escape_debug().to_string()))?;
    let target = parent.join(name);
    if target.symlink_metadata().is_ok() {
        return Err(SourceError::Exists(target));
    }
    clone_repository(source, &target).inspect_err(|_| {
        // git removes what it made unless it was killed; the error says more than this one could.
        let _ = std::fs::remove_dir_all(&target);
    })?;
    Ok(target)
}

/// Whether `user:password@host`, or a lone token in front of an HTTP host, is in the URL.
fn holds_password(source: &str) -> bool {
    let Some((scheme, rest)) = source.split_once("://") else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    host.rsplit_once('@').is_some_and(|(user, _)| {
        user.contains(':') || mlhub_config::looks_secret(user) || is_token(scheme, user)
    })
}

/// Hosts take access tokens as user names of HTTP URLs; those are long.
fn is_token(scheme: &str, user: &str) -> bool {
    const TOKEN_CHARS_MIN: usize = 20;
    scheme.starts_with("http") && user.len() >= TOKEN_CHARS_MIN
}

/// The folder's name: the last part of the URL without `.git`.
fn name_of(source: &str) -> Option<&str> {
    let path = source.split(['?', '#']).next()?.trim_end_matches('/');
    let last = path.rsplit(['/', ':']).next()?;
    let name = last.strip_suffix(".git").unwrap_or(last);
    let sound = !name.is_empty()
        && !name.starts_with(['.', '-'])
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
    sound.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_in_urls_are_refused_and_never_shown() {
        let folder = tempfile::tempdir().expect("folder");
        for url in [
            "https://me:hunter2@example.org/a.git",
            "https://ghp_0123456789abcdefghij@example.org/a.git",
            "ssh://git:hunter2@example.org/a",
        ] {
            let error = fetch(url, folder.path()).expect_err(url);
            assert!(matches!(error, SourceError::Password), "{url}");
            assert!(!error.to_string().contains("hunter2"));
        }
        for url in ["ssh://git@example.org/a", "git@example.org:a/b.git"] {
            assert!(!holds_password(url), "{url}");
        }
    }

    #[test]
    fn folders_are_named_by_the_last_part() {
        assert_eq!(name_of("https://example.org/a/b.git"), Some("b"));
        assert_eq!(name_of("git@example.org:b.git"), Some("b"));
        assert_eq!(name_of("file:///srv/a/"), Some("a"));
        assert_eq!(name_of("file:///"), None);
        assert_eq!(name_of("https://example.org/.."), None);
    }
}
