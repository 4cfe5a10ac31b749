//! Versions of artifacts: what a project's runs recorded under one name, in the
//! order it came, and the aliases people give to versions.
//!
//! A name is a path that runs of the project record artifacts at. New content
//! under it is the next version, from 0; a number never comes twice, whatever
//! becomes of the run. What may be done with versions is not decided here.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::caller::UserId;
use crate::error::{Error, Result};
use crate::id::{Name, RunId};
use crate::limits;
use crate::path::ArtifactPath;
use crate::ports::Timestamp;

/// The alias that moves by itself: the newest version whose content is there.
pub const LATEST: &str = "latest";

/// A version of a name.
#[derive(Debug, Clone, PartialEq)]
pub struct ArtifactVersion {
    /// The project.
    pub project: Name,
    /// The name: the path runs record it at.
    pub name: ArtifactPath,
    /// Its number, from 0.
    pub version: u32,
    /// The run that recorded it; it may be gone.
    pub run: RunId,
    /// BLAKE3 of its content, hex.
    pub hash: String,
    /// Its size.
    pub size_bytes: u64,
    /// What it is: `artifact`, `model`, ...
    pub kind: String,
    /// The attempt that wrote it.
    pub attempt: u32,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// Its aliases by name, [`LATEST`] left out.
    pub aliases: Vec<VersionAlias>,
    /// Whether its content is there: a run that is not deleted has it, or an
    /// alias keeps it.
    pub available: bool,
    /// Whether it is the newest that is available.
    pub latest: bool,
}

/// A name that somebody gave to a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionAlias {
    /// The alias.
    pub alias: Alias,
    /// Who set it.
    pub actor: UserId,
    /// When.
    pub set_at: Timestamp,
}

/// The text of an alias: letters, digits, `.`, `_` and `-`, and neither
/// [`LATEST`] nor a number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Alias(String);

impl Alias {
    /// The alias as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Alias {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let problem = if text.is_empty() || text.len() > limits::ALIAS_MAX_BYTES {
            "it must have 1 to 64 characters"
        } else if !text.bytes().all(plain) {
            "it may have letters, digits, `.`, `_` and `-`"
        } else if text == LATEST {
            "`latest` always is the newest version"
        } else if number_of(&text).is_some() {
            "it looks like the number of a version"
        } else {
            return Ok(Self(text));
        };
        Err(Error::invalid(format!("not a usable alias: {problem}")))
    }
}

impl FromStr for Alias {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::try_from(text.to_owned())
    }
}

impl From<Alias> for String {
    fn from(alias: Alias) -> Self {
        alias.0
    }
}

impl fmt::Display for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The digits of `v7` or `7`.
fn number_of(text: &str) -> Option<&str> {
    let digits = text.strip_prefix('v').unwrap_or(text);
    let all = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    all.then_some(digits)
}

/// What the text of a choice by content begins with.
const CONTENT_PREFIX: &str = "blake3:";

/// Which version is meant: `latest`, `v7` (or `7`), `blake3:HASH`, or an alias.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionChoice {
    /// The newest that is available.
    Latest,
    /// This number.
    Number(u32),
    /// The one that has this alias.
    Alias(Alias),
    /// The newest with this content: BLAKE3, 64 lower-case hex digits.
    Content(String),
}

impl FromStr for VersionChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == LATEST {
            return Ok(Self::Latest);
        }
        if let Some(hash) = text.strip_prefix(CONTENT_PREFIX) {
            let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            if hash.len() != 64 || !hash.bytes().all(hex) {
                return Err(Error::invalid(
                    "a content is named by `blake3:` and 64 lower-case hex digits",
                ));
            }
            return Ok(Self::Content(hash.to_owned()));
        }
        match number_of(text) {
            Some(digits) => digits.parse().map(Self::Number).map_err(|_| {
                Error::invalid(format!("a version has a number below 2^32, not `{text}`"))
            }),
            None => text.parse().map(Self::Alias),
        }
    }
}

impl fmt::Display for VersionChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str(LATEST),
            Self::Number(number) => write!(f, "v{number}"),
            Self::Alias(alias) => write!(f, "{alias}"),
            Self::Content(hash) => write!(f, "{CONTENT_PREFIX}{hash}"),
        }
    }
}

/// An alias to set, or to move from the version that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAlias {
    /// The project.
    pub project: Name,
    /// The name.
    pub name: ArtifactPath,
    /// The version that is to have it.
    pub version: u32,
    /// The alias.
    pub alias: Alias,
    /// Who sets it.
    pub actor: UserId,
    /// When.
    pub now: Timestamp,
}

/// Versions and aliases. Each method is one transaction.
#[async_trait]
pub trait ArtifactVersionStore: Send + Sync {
    /// Finds a version.
    async fn artifact_version_find(
        &self,
        project: &Name,
        name: &ArtifactPath,
        choice: &VersionChoice,
    ) -> Result<Option<ArtifactVersion>>;
    /// Versions of a name with a smaller number than `before`, newest first.
    async fn artifact_version_list(
        &self,
        project: &Name,
        name: &ArtifactPath,
        before: Option<u32>,
        limit: usize,
    ) -> Result<Vec<ArtifactVersion>>;
    /// Sets or moves an alias. Returns the hash of the version that had it.
    /// `NotFound` for a version that does not exist, `Conflict` for one whose
    /// content is not there, `TooLarge` for more aliases than a name may have.
    async fn artifact_alias_set(&self, new: &NewAlias) -> Result<Option<String>>;
    /// Removes an alias. Returns the hash of the version that had it.
    async fn artifact_alias_remove(
        &self,
        project: &Name,
        name: &ArtifactPath,
        alias: &Alias,
    ) -> Result<Option<String>>;
    /// Hashes of the contents that aliases of a project keep.
    async fn artifact_alias_blobs(&self, project: &Name) -> Result<Vec<String>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_latest_a_number_or_an_alias() {
        let read = |text: &str| text.parse::<VersionChoice>().expect(text);
        assert_eq!(read("latest"), VersionChoice::Latest);
        assert_eq!(read("v0"), VersionChoice::Number(0));
        assert_eq!(read("12"), VersionChoice::Number(12));
        assert_eq!(read("prod-1.x").to_string(), "prod-1.x");
        let content = format!("blake3:{}", "0f".repeat(32));
        assert_eq!(read(&content).to_string(), content);
        for bad in [
            "",
            "a b",
            "a/b",
            "\u{e9}",
            "v4294967296",
            "..\\x",
            "blake3:",
            "blake3:0F",
            &"x".repeat(65),
        ] {
            assert!(bad.parse::<VersionChoice>().is_err(), "{bad}");
        }
        for taken in ["latest", "v7", "7"] {
            assert!(taken.parse::<Alias>().is_err(), "{taken}");
        }
    }
}
