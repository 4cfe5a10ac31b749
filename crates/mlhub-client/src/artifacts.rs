//! Routes of artifacts, uploads and inputs. What joins them into transfers that
//! resume is in [`crate::transfer`].

use std::io::Read;

use mlhub_protocol::rest::{
    ArtifactBind, ArtifactList, ArtifactView, ArtifactsFound, BlobsPresent, BlobsQuery, InputAdd,
    InputList, InputView, UploadBegin, UploadCommit, UploadCommitted, UploadView,
};

use crate::Result;
use crate::error::{ClientError, ClientErrorKind};
use crate::http::{Call, Client, Payload, path};

/// The status of an answer that is the range asked for.
const PARTIAL_CONTENT: u16 = 206;

/// Which artifacts are looked for; what is absent does not matter.
#[derive(Debug, Clone, Default)]
pub struct ArtifactSearch {
    /// Only this content (BLAKE3, hex).
    pub hash: Option<String>,
    /// Only runs of this project.
    pub project: Option<String>,
    /// Only runs with this id or this name.
    pub run: Option<String>,
    /// Only this path.
    pub path: Option<String>,
    /// Rows at most.
    pub limit: Option<usize>,
}

impl Client {
    /// Stored outputs.
    pub fn artifact_list(&self, run: &str) -> Result<ArtifactList> {
        self.get(path(&["runs", run, "artifacts"]))
    }

    /// The content of an artifact, to be read to its end. A content that is
    /// damaged on the hub breaks off before its end.
    pub fn artifact_download(&self, run: &str, artifact: &str) -> Result<impl Read + use<>> {
        self.artifact_download_from(run, artifact, 0, None)
    }

    /// The content of an artifact from byte `start`; with `hash` only if it is
    /// (still) that content; otherwise an error of status 409.
    pub fn artifact_download_from(
        &self,
        run: &str,
        artifact: &str,
        start: u64,
        hash: Option<&str>,
    ) -> Result<impl Read + use<>> {
        let call = Call::new("GET", path(&["runs", run, "artifacts", "content"]))
            .query("path", Some(artifact));
        self.content_from(call, artifact, start, hash)
    }

    /// A content from byte `start`; with `hash` only if it is that content.
    pub(crate) fn content_from(
        &self,
        mut call: Call<'_>,
        name: &str,
        start: u64,
        hash: Option<&str>,
    ) -> Result<impl Read + use<>> {
        call.accept = "*/*";
        call.headers
            .push(("accept-encoding", "identity".to_owned()));
        if start > 0 {
            call.headers.push(("range", format!("bytes={start}-")));
        }
        if let Some(hash) = hash {
            call.headers.push(("if-range", format!("\"{hash}\"")));
        }
        let response = self.send(call)?;
        if start > 0 && response.status().as_u16() != PARTIAL_CONTENT {
            return Err(ClientError {
                status: Some(409),
                ..ClientError::new(
                    ClientErrorKind::Problem,
                    "replaced",
                    format!(
                        "the artifact `{name}` was replaced while it was received; get it again"
                    ),
                )
            });
        }
        Ok(response
            .into_body()
            .into_with_config()
            .limit(u64::MAX)
            .reader())
    }

    /// Stores a file of an attempt in one request: `size` bytes of `content`,
    /// whose BLAKE3 is `hash` (hex). The hub refuses what does not match. What
    /// is large is better sent by [`crate::transfer::upload`].
    #[expect(
        clippy::too_many_arguments,
        reason = "one argument per part of the route; a struct would only rename them"
    )]
    pub fn artifact_upload(
        &self,
        run: &str,
        attempt: u32,
        artifact: &str,
        kind: &str,
        hash: &str,
        content: &mut dyn Read,
        size: u64,
    ) -> Result<ArtifactView> {
        let mut call = Call::new("PUT", path(&["runs", run, "artifacts", "content"]))
            .query("path", Some(artifact))
            .query("attempt", Some(attempt))
            .query("kind", Some(kind))
            .query("hash", Some(hash));
        call.payload = Payload::Stream(content, size);
        self.fetch(call)
    }

    /// Makes content that is on the hub already an artifact.
    pub fn artifact_bind(&self, run: &str, bind: &ArtifactBind) -> Result<ArtifactView> {
        self.post(path(&["runs", run, "artifacts"]), bind)
    }

    /// Artifacts by content or place, newest first.
    pub fn artifact_find(&self, search: &ArtifactSearch) -> Result<ArtifactsFound> {
        self.fetch(
            Call::new("GET", path(&["artifacts"]))
                .query("hash", search.hash.as_ref())
                .query("project", search.project.as_ref())
                .query("run", search.run.as_ref())
                .query("path", search.path.as_ref())
                .query("limit", search.limit),
        )
    }

    /// Who used the content of an artifact, newest first.
    pub fn artifact_users(&self, run: &str, artifact: &str) -> Result<InputList> {
        self.fetch(
            Call::new("GET", path(&["runs", run, "artifacts", "users"]))
                .query("path", Some(artifact)),
        )
    }

    /// What a run used, by name.
    pub fn input_list(&self, run: &str) -> Result<InputList> {
        self.get(path(&["runs", run, "inputs"]))
    }

    /// Notes that a run uses an artifact of another.
    pub fn input_add(&self, run: &str, input: &InputAdd) -> Result<InputView> {
        self.post(path(&["runs", run, "inputs"]), input)
    }

    /// Begins an upload, or finds the unfinished one of the same content.
    pub fn upload_begin(&self, begin: &UploadBegin) -> Result<UploadView> {
        self.post(path(&["uploads"]), begin)
    }

    /// Where an upload stands.
    pub fn upload_get(&self, id: &str) -> Result<UploadView> {
        self.get(path(&["uploads", id]))
    }

    /// Sends a part, whose BLAKE3 is `hash` (hex), at the upload's offset.
    pub fn upload_part(
        &self,
        id: &str,
        offset: u64,
        bytes: &[u8],
        hash: &str,
    ) -> Result<UploadView> {
        let mut call = Call::new("PATCH", path(&["uploads", id]))
            .query("offset", Some(offset))
            .query("hash", Some(hash));
        call.payload = Payload::Bytes(bytes);
        self.fetch(call)
    }

    /// Makes a whole upload an artifact. Without an artifact in the answer it is
    /// still being stored: ask again.
    pub fn upload_commit(&self, id: &str, commit: &UploadCommit) -> Result<UploadCommitted> {
        self.post(path(&["uploads", id, "commit"]), commit)
    }

    /// Gives an upload up.
    pub fn upload_remove(&self, id: &str) -> Result<()> {
        self.send(Call::new("DELETE", path(&["uploads", id])))
            .map(drop)
    }

    /// Which contents (BLAKE3, hex; 10,000 at most) are on the hub already.
    pub fn blobs_present(&self, hashes: Vec<String>) -> Result<BlobsPresent> {
        self.post(path(&["blobs", "present"]), &BlobsQuery { hashes })
    }
}
