//! The hub itself: errors, identity, projects, experiments, live changes.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// An error answer, RFC 9457.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `about:blank#<kind>`, such as `about:blank#not_found`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What, where, and what to do.
    pub detail: String,
    /// Machine-readable details, when there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub details: Option<Value>,
}

/// What hub this is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Info {
    /// `mlhub`.
    pub name: String,
    /// The hub's version.
    pub version: String,
    /// `sqlite` or `postgresql`.
    pub store: String,
    /// Who you are.
    pub user: String,
    /// Your role.
    pub role: String,
    /// The machine the hub runs on.
    pub host: String,
    /// Media types in which it takes batches of events, the best last. Empty for
    /// hubs that take JSON alone.
    #[serde(default)]
    pub event_formats: Vec<String>,
}

/// Changes of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectPatch {
    /// What it is about, free text.
    pub description: String,
}

/// A project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProjectView {
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// Runs in it.
    pub run_count: u64,
    /// Milliseconds since the epoch.
    pub last_activity_at: Option<i64>,
}

/// All projects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProjectList {
    /// Last active first.
    pub projects: Vec<ProjectView>,
}

/// An experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExperimentView {
    /// Its project.
    pub project: String,
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// Runs in it.
    pub run_count: u64,
}

/// Experiments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExperimentList {
    /// Newest first.
    pub experiments: Vec<ExperimentView>,
}

/// A server-sent event: something of a run changed; fetch what you show.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunChanged {
    /// The run.
    pub run: String,
    /// Its project.
    pub project: String,
    /// Its state.
    pub state: String,
    /// What changed: `state`, `metrics`, `logs`, `artifacts`, `evaluation`, `tags`, `records`,
    /// `deleted`.
    pub changed: Vec<String>,
}
