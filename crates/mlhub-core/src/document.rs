//! Documents that people keep beside their runs: saved views and reports.
//!
//! The body is a JSON object of the interface that wrote it, versioned by that
//! interface; the hub stores it whole and does not look into it. Who may change
//! one is not decided here.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::caller::UserId;
use crate::error::{Error, Result};
use crate::id::{DocumentId, Name};
use crate::limits;
use crate::ports::Timestamp;

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    /// A way to look at runs: filter, order, columns, charts.
    View,
    /// Text with charts and tables of runs.
    Report,
}

impl DocumentKind {
    /// The kind's name on every face.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Report => "report",
        }
    }
}

impl std::str::FromStr for DocumentKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        [Self::View, Self::Report]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| Error::invalid("`kind` must be `view` or `report`"))
    }
}

/// What a list shows of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentHead {
    /// Its id.
    pub id: DocumentId,
    /// What it is.
    pub kind: DocumentKind,
    /// The project it is about; none for the whole hub.
    pub project: Option<Name>,
    /// What people call it; names may repeat.
    pub name: String,
    /// Who made it.
    pub owner: UserId,
    /// How often it was stored: 1 when it is new.
    pub revision: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was stored last.
    pub updated_at: Timestamp,
}

/// A document.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// What lists show of it.
    pub head: DocumentHead,
    /// A JSON object, as it was stored.
    pub body: Value,
}

/// A new state of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentChange {
    /// Which document.
    pub id: DocumentId,
    /// The revision this change was made from.
    pub revision: u32,
    /// Its name from now on.
    pub name: String,
    /// Its body from now on.
    pub body: Value,
    /// When.
    pub now: Timestamp,
}

/// Refuses a name that is empty, too long, or has control characters.
///
/// # Errors
/// `Invalid` naming the field.
pub fn check_document_name(name: &str) -> Result<()> {
    let problem = if name.trim().is_empty() {
        "it is empty".to_owned()
    } else if name.chars().count() > limits::DOCUMENT_NAME_MAX_CHARS {
        format!(
            "it is longer than {} characters",
            limits::DOCUMENT_NAME_MAX_CHARS
        )
    } else if name.chars().any(char::is_control) {
        "it has a control character".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::invalid(format!(
        "`name` of a document cannot be stored: {problem}"
    )))
}

/// Refuses a body that is no JSON object, or too large.
///
/// # Errors
/// `Invalid` or `TooLarge` naming the field.
pub fn check_document_body(body: &Value) -> Result<()> {
    if !body.is_object() {
        return Err(Error::invalid("`body` of a document must be a JSON object"));
    }
    let size = body.to_string().len();
    if size > limits::DOCUMENT_BODY_MAX_BYTES {
        return Err(Error::new(
            crate::ErrorKind::TooLarge,
            format!(
                "`body` of a document has {size} bytes as JSON and {} are allowed; split it",
                limits::DOCUMENT_BODY_MAX_BYTES
            ),
        ));
    }
    Ok(())
}

/// Documents.
#[async_trait]
pub trait DocumentStore: Send + Sync {
    /// Stores a new document. `NotFound` when its project is not there; `TooLarge`
    /// when the hub has [`limits::DOCUMENTS_MAX`]; `Conflict` when the id is taken.
    async fn document_put(&self, document: &Document) -> Result<()>;
    /// Documents of one kind, or of all, and of one project, or of all; the one
    /// stored last comes first.
    async fn document_list(
        &self,
        kind: Option<DocumentKind>,
        project: Option<&Name>,
    ) -> Result<Vec<DocumentHead>>;
    /// Finds one.
    async fn document_get(&self, id: &DocumentId) -> Result<Option<Document>>;
    /// Stores a new state of a document and returns it. `NotFound`; `Conflict` when
    /// its revision is another by now.
    async fn document_change(&self, change: &DocumentChange) -> Result<Document>;
    /// Removes one; false when there is none.
    async fn document_remove(&self, id: &DocumentId) -> Result<bool>;
}
