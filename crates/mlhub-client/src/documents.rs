//! Calls about saved views and reports.

use mlhub_protocol::rest::{DocumentChange, DocumentCreate, DocumentList, DocumentView};

use crate::Result;
use crate::http::{Call, Client, path};

impl Client {
    /// Documents of one kind and one project, or of all, without their bodies.
    ///
    /// # Errors
    /// The hub's, or of the connection; so for every call here.
    pub fn document_list(&self, kind: Option<&str>, project: Option<&str>) -> Result<DocumentList> {
        self.fetch(
            Call::new("GET", path(&["documents"]))
                .query("kind", kind)
                .query("project", project),
        )
    }

    /// One document.
    pub fn document_get(&self, id: &str) -> Result<DocumentView> {
        self.get(path(&["documents", id]))
    }

    /// Stores a new document.
    pub fn document_create(&self, request: &DocumentCreate) -> Result<DocumentView> {
        self.post(path(&["documents"]), request)
    }

    /// Stores a new state of a document.
    pub fn document_change(&self, id: &str, request: &DocumentChange) -> Result<DocumentView> {
        self.fetch(Call::new("PUT", path(&["documents", id])).json(request)?)
    }

    /// Removes a document.
    pub fn document_remove(&self, id: &str) -> Result<()> {
        self.send(Call::new("DELETE", path(&["documents", id])))
            .map(drop)
    }
}
