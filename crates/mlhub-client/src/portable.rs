//! Calls about whole projects and hubs. The hub may think for long before the
//! first byte: give such a client patience ([`crate::ClientOptions`]).

use std::io::Read;

use mlhub_protocol::rest::{ImportReport, ProjectHash};

use crate::Result;
use crate::http::{Call, Client, Payload, path};

impl Client {
    /// The content hash of a project.
    ///
    /// # Errors
    /// The hub's, or of the connection; so for every call here.
    pub fn project_hash(&self, project: &str) -> Result<ProjectHash> {
        self.get(path(&["projects", project, "hash"]))
    }

    /// A project as an archive, to be read to its end.
    pub fn project_export(&self, project: &str) -> Result<impl Read + use<>> {
        self.stream(Call::new("GET", path(&["projects", project, "export"])))
    }

    /// Imports an archive of `size_bytes` bytes, calling its project `project` if given.
    pub fn import(
        &self,
        project: Option<&str>,
        archive: &mut dyn Read,
        size_bytes: u64,
    ) -> Result<ImportReport> {
        let mut call = Call::new("POST", path(&["import"])).query("project", project);
        call.payload = Payload::Stream(archive, size_bytes);
        self.fetch(call)
    }

    /// The whole hub, but blobs in `known` (one hash a line), to be read to its end.
    pub fn backup(&self, known: &[u8]) -> Result<impl Read + use<>> {
        let mut call = Call::new("POST", path(&["backup"]));
        call.payload = Payload::Bytes(known);
        self.stream(call)
    }

    fn stream(&self, mut call: Call<'_>) -> Result<impl Read + use<>> {
        call.accept = "*/*";
        call.headers
            .push(("accept-encoding", "identity".to_owned()));
        Ok(self
            .send(call)?
            .into_body()
            .into_with_config()
            .limit(u64::MAX)
            .reader())
    }
}
