//! Versions of artifacts by project and name, and their aliases.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ArtifactView;

/// A version of an artifact: what a run of the project recorded under a name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ArtifactVersionView {
    /// The project.
    pub project: String,
    /// The name: the path runs record it at.
    pub name: String,
    /// Its number, from 0.
    pub version: u32,
    /// The run that recorded it; it may be gone.
    pub run: String,
    /// What was recorded.
    pub artifact: ArtifactView,
    /// Its aliases, `latest` among them when it is the newest that is available.
    pub aliases: Vec<String>,
    /// Who set which alias, and when; `latest` moves by itself.
    pub aliases_set: Vec<ArtifactAliasView>,
    /// Whether its content is there: a run that is not deleted has it, or an alias
    /// keeps it.
    pub available: bool,
}

/// An alias as somebody set it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ArtifactAliasView {
    /// The alias.
    pub alias: String,
    /// Who set it.
    pub actor: String,
    /// Milliseconds since the epoch.
    pub set_at: i64,
}

/// A page of versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ArtifactVersionList {
    /// Newest first.
    pub versions: Vec<ArtifactVersionView>,
    /// Give it as `cursor` for the next page.
    pub next_cursor: Option<String>,
}

/// Sets an alias, or moves it from the version that has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ArtifactAliasSet {
    /// The project.
    pub project: String,
    /// The name.
    pub name: String,
    /// `vN`, `latest` or an alias: the version that is to have it.
    pub version: String,
    /// 1 to 64 letters, digits, `.`, `_` and `-`; not `latest` and not a number.
    pub alias: String,
}
