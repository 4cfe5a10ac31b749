//! Which artifacts runs took as inputs: lineage in both directions.
//!
//! A use names content by its hash; where it came from is told as far as it is
//! known, and stays when the run that made it is gone.

use mlhub_core::run::{Artifact, ArtifactUse};
use mlhub_core::store::ArtifactQuery;
use mlhub_core::{ArtifactPath, Caller, Error, Name, Permission, Result, RunId, limits};

use crate::{Hub, validate};

/// Which artifact is meant: by hash, or by where it lies.
#[derive(Debug, Clone, Default)]
pub struct ArtifactSearch {
    /// Only this content.
    pub hash: Option<String>,
    /// Only runs of this project.
    pub project: Option<Name>,
    /// Only runs with this id or this name.
    pub run: Option<String>,
    /// Only this path.
    pub path: Option<ArtifactPath>,
    /// Rows at most.
    pub limit: Option<usize>,
}

impl Hub {
    /// Artifacts that match, newest first.
    pub async fn artifact_find(
        &self,
        caller: &Caller,
        search: ArtifactSearch,
    ) -> Result<Vec<Artifact>> {
        caller.require(Permission::Read)?;
        let limit = search.limit.unwrap_or(limits::PAGE_DEFAULT_ROWS);
        if limit == 0 || limit > limits::ARTIFACTS_FOUND_MAX {
            return Err(Error::invalid(format!(
                "`limit` must be 1 to {}",
                limits::ARTIFACTS_FOUND_MAX
            )));
        }
        let query = ArtifactQuery {
            hash: search.hash,
            project: search.project,
            run: search.run,
            path: search.path,
        };
        for text in [&query.hash, &query.run].into_iter().flatten() {
            validate::key("search", text)?;
        }
        self.store.artifact_find(&query, limit).await
    }

    /// Notes that `run` used the artifact at `path` of `source`.
    pub async fn input_add(
        &self,
        caller: &Caller,
        run: &RunId,
        source: &str,
        path: &ArtifactPath,
        name: Option<String>,
    ) -> Result<ArtifactUse> {
        caller.require(Permission::Write)?;
        self.run_exact(run).await?;
        let artifact = self.artifact_get(caller, source, path).await?;
        let name = name.unwrap_or_else(|| path.as_str().to_owned());
        if name.is_empty() || name.len() > limits::NAME_MAX_BYTES || name.contains('\0') {
            return Err(Error::invalid(format!(
                "`name` must have 1 to {} bytes and no NUL; give a shorter one",
                limits::NAME_MAX_BYTES
            )));
        }
        let used = ArtifactUse {
            run: run.clone(),
            name,
            source_run: Some(artifact.run),
            source_path: Some(artifact.path),
            hash: artifact.hash,
            size_bytes: artifact.size_bytes,
            used_at: self.clock.now(),
        };
        self.store.artifact_use_put(&used).await?;
        Ok(used)
    }

    /// What a run used, by name.
    pub async fn input_list(&self, caller: &Caller, text: &str) -> Result<Vec<ArtifactUse>> {
        let run = self.run_resolve(caller, text).await?;
        self.store.artifact_use_list(&run.id).await
    }

    /// Who used the artifact at `path` of a run, newest first.
    pub async fn artifact_users(
        &self,
        caller: &Caller,
        text: &str,
        path: &ArtifactPath,
    ) -> Result<Vec<ArtifactUse>> {
        let artifact = self.artifact_get(caller, text, path).await?;
        let limit = limits::ARTIFACTS_FOUND_MAX;
        self.store.artifact_users(&artifact.hash, limit).await
    }
}
