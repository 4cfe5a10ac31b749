//! Saved views and reports: made, listed, read, changed, removed.
//!
//! Whoever may write may change any of them, as with runs. Two people who change
//! one at once do not overwrite each other: a change names the revision it was
//! made from.

use mlhub_core::document::{
    Document, DocumentChange, DocumentHead, DocumentKind, check_document_body, check_document_name,
};
use mlhub_core::{Caller, DocumentId, Error, Name, Permission, Result};
use serde_json::Value;

use crate::Hub;

/// A document to store.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentDraft {
    /// What it is.
    pub kind: DocumentKind,
    /// The project it is about; none for the whole hub.
    pub project: Option<Name>,
    /// What people call it.
    pub name: String,
    /// A JSON object.
    pub body: Value,
}

impl Hub {
    /// Documents of one kind and one project, or of all; the one stored last first.
    pub async fn document_list(
        &self,
        caller: &Caller,
        kind: Option<DocumentKind>,
        project: Option<&Name>,
    ) -> Result<Vec<DocumentHead>> {
        caller.require(Permission::Read)?;
        self.store.document_list(kind, project).await
    }

    /// One document.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn document_get(&self, caller: &Caller, id: &DocumentId) -> Result<Document> {
        caller.require(Permission::Read)?;
        let found = self.store.document_get(id).await?;
        found.ok_or_else(|| Error::not_found("document", id))
    }

    /// Stores a new document.
    ///
    /// # Errors
    /// `Invalid` or `TooLarge` naming the field; `NotFound` for its project.
    pub async fn document_create(&self, caller: &Caller, draft: DocumentDraft) -> Result<Document> {
        caller.require(Permission::Write)?;
        check_document_name(&draft.name)?;
        check_document_body(&draft.body)?;
        let now = self.clock.now();
        let document = Document {
            head: DocumentHead {
                id: DocumentId::generate(&*self.entropy),
                kind: draft.kind,
                project: draft.project,
                name: draft.name,
                owner: caller.user.clone(),
                revision: 1,
                created_at: now,
                updated_at: now,
            },
            body: draft.body,
        };
        self.store.document_put(&document).await?;
        Ok(document)
    }

    /// Stores a new state of a document, which was made from `revision`.
    ///
    /// # Errors
    /// As [`Hub::document_create`]; `Conflict` when the document is at another
    /// revision by now.
    pub async fn document_change(
        &self,
        caller: &Caller,
        id: &DocumentId,
        revision: u32,
        name: String,
        body: Value,
    ) -> Result<Document> {
        caller.require(Permission::Write)?;
        check_document_name(&name)?;
        check_document_body(&body)?;
        let change = DocumentChange {
            id: id.clone(),
            revision,
            name,
            body,
            now: self.clock.now(),
        };
        self.store.document_change(&change).await
    }

    /// Removes a document.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn document_remove(&self, caller: &Caller, id: &DocumentId) -> Result<()> {
        caller.require(Permission::Write)?;
        if self.store.document_remove(id).await? {
            return Ok(());
        }
        Err(Error::not_found("document", id))
    }
}
