//! Saved views and reports.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// Makes a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentCreate {
    /// `view` or `report`.
    pub kind: String,
    /// The project it is about; null for the whole hub.
    #[serde(default)]
    pub project: Option<String>,
    /// What people call it: 1 to 200 characters. Names may repeat.
    pub name: String,
    /// A JSON object of at most 512 KiB, which the hub keeps as it is.
    #[schema(value_type = Object)]
    pub body: Value,
}

/// Stores a new state of a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentChange {
    /// Its name from now on.
    pub name: String,
    /// Its body from now on.
    #[schema(value_type = Object)]
    pub body: Value,
    /// The revision this was made from. Refused when somebody stored another meanwhile.
    pub revision: u32,
}

/// A document in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DocumentHead {
    /// Its id.
    pub id: String,
    /// `view` or `report`.
    pub kind: String,
    /// The project it is about; null for the whole hub.
    pub project: Option<String>,
    /// What people call it.
    pub name: String,
    /// Who made it.
    pub owner: String,
    /// How often it was stored: 1 when it is new.
    pub revision: u32,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// Milliseconds since the epoch.
    pub updated_at: i64,
}

/// A document with its body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DocumentView {
    /// What lists show of it.
    #[serde(flatten)]
    pub head: DocumentHead,
    /// A JSON object.
    #[schema(value_type = Object)]
    pub body: Value,
}

/// Documents, the one stored last first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DocumentList {
    /// Without their bodies.
    pub documents: Vec<DocumentHead>,
}
