//! Versions of artifacts by project and name, and their aliases.
//!
//! A version's content is there as long as a run that is not deleted has it, or
//! an alias keeps it: what has an alias outlives its run. Numbers are never
//! handed out twice.

use mlhub_core::artifact_version::{Alias, ArtifactVersion, NewAlias, VersionChoice};
use mlhub_core::{ArtifactPath, Caller, Error, Name, Permission, Result, limits};

use crate::Hub;
use crate::blob_reader::BlobReader;

/// A page of versions, newest first.
#[derive(Debug, Clone)]
pub struct VersionPage {
    /// The versions.
    pub versions: Vec<ArtifactVersion>,
    /// Give it as `before` for the next page.
    pub next_before: Option<u32>,
}

/// A version to be sent: all of it, or a range.
pub struct VersionContent {
    /// The version.
    pub version: ArtifactVersion,
    /// Its bytes, checked as they are read.
    pub reader: BlobReader,
}

impl Hub {
    /// The version of a name that is meant.
    ///
    /// # Errors
    /// `NotFound` when the project has no such name or version.
    pub async fn version_resolve(
        &self,
        caller: &Caller,
        project: &Name,
        name: &ArtifactPath,
        choice: &VersionChoice,
    ) -> Result<ArtifactVersion> {
        caller.require(Permission::Read)?;
        let found = self
            .store
            .artifact_version_find(project, name, choice)
            .await?;
        found.ok_or_else(|| {
            Error::not_found(
                "artifact version",
                format_args!("{project}/{name}:{choice}"),
            )
        })
    }

    /// Versions of a name with a smaller number than `before`.
    ///
    /// # Errors
    /// `Invalid` for an odd limit.
    pub async fn version_list(
        &self,
        caller: &Caller,
        project: &Name,
        name: &ArtifactPath,
        before: Option<u32>,
        limit: Option<usize>,
    ) -> Result<VersionPage> {
        caller.require(Permission::Read)?;
        let limit = limit.unwrap_or(limits::PAGE_DEFAULT_ROWS);
        if limit == 0 || limit > limits::PAGE_MAX_ROWS {
            return Err(Error::invalid(format!(
                "`limit` must be 1 to {}",
                limits::PAGE_MAX_ROWS
            )));
        }
        let versions = self
            .store
            .artifact_version_list(project, name, before, limit)
            .await?;
        let last = versions.last().filter(|_| versions.len() == limit);
        let next_before = last.map(|last| last.version).filter(|last| *last > 0);
        Ok(VersionPage {
            versions,
            next_before,
        })
    }

    /// Opens a version to be read, whole or from `range.0` to before `range.1`.
    ///
    /// # Errors
    /// `NotFound`, also when its content is gone.
    pub async fn version_open(
        &self,
        caller: &Caller,
        project: &Name,
        name: &ArtifactPath,
        choice: &VersionChoice,
        range: Option<(u64, u64)>,
    ) -> Result<VersionContent> {
        let version = self.version_readable(caller, project, name, choice).await?;
        let what = format!("the artifact `{project}/{name}:v{}`", version.version);
        let source = self.blob_source();
        let (hash, size) = (&version.hash, version.size_bytes);
        let reader = match range {
            None => source.whole(what, hash, size),
            Some(range) => source.range(what, hash, size, range).await?,
        };
        Ok(VersionContent { version, reader })
    }

    /// A version whose content is there.
    ///
    /// # Errors
    /// `NotFound`, naming why.
    pub async fn version_readable(
        &self,
        caller: &Caller,
        project: &Name,
        name: &ArtifactPath,
        choice: &VersionChoice,
    ) -> Result<ArtifactVersion> {
        let version = self.version_resolve(caller, project, name, choice).await?;
        if version.available {
            return Ok(version);
        }
        Err(Error::new(
            mlhub_core::ErrorKind::NotFound,
            format!(
                "the content of {project}/{name}:v{} is gone: the run `{}` replaced it, or was deleted",
                version.version, version.run
            ),
        ))
    }

    /// Gives a version an alias, which another version of the name may have had.
    ///
    /// # Errors
    /// `NotFound` for the version, `Conflict` when its content is gone.
    pub async fn alias_set(
        &self,
        caller: &Caller,
        project: &Name,
        name: &ArtifactPath,
        choice: &VersionChoice,
        alias: Alias,
    ) -> Result<ArtifactVersion> {
        caller.require(Permission::Write)?;
        let version = self.version_resolve(caller, project, name, choice).await?;
        // The files of a folder first: an alias of their list says that they are kept.
        let files = self.folder_files(&version).await?;
        let mut former = self.alias_files(project, name, &alias).await?;
        self.folder_alias_set(caller, project, &files, &alias)
            .await?;
        self.alias_put(caller, &version, &alias).await?;
        former.retain(|file| !files.contains(file));
        self.folder_alias_remove(project, &former, &alias).await?;
        let number = VersionChoice::Number(version.version);
        self.version_resolve(caller, project, name, &number).await
    }

    /// Sets or moves an alias of one file.
    pub(crate) async fn alias_put(
        &self,
        caller: &Caller,
        version: &ArtifactVersion,
        alias: &Alias,
    ) -> Result<()> {
        let before = {
            // From here on the content is not removed, if it is there.
            let _in_use = self.blobs_in_use.read().await;
            let new = NewAlias {
                project: version.project.clone(),
                name: version.name.clone(),
                version: version.version,
                alias: alias.clone(),
                actor: caller.user.clone(),
                now: self.clock.now(),
            };
            self.store.artifact_alias_set(&new).await?
        };
        // The alias may have been all that kept the other content.
        match before.filter(|before| *before != version.hash) {
            Some(before) => self.blob_replaced(before).await,
            None => Ok(()),
        }
    }

    /// Takes an alias away. The content of its version stays only if a run has it.
    ///
    /// # Errors
    /// `NotFound` when no version has it.
    pub async fn alias_remove(
        &self,
        caller: &Caller,
        project: &Name,
        name: &ArtifactPath,
        alias: &Alias,
    ) -> Result<()> {
        caller.require(Permission::Write)?;
        let files = self.alias_files(project, name, alias).await?;
        let before = self
            .store
            .artifact_alias_remove(project, name, alias)
            .await?;
        match before {
            Some(before) => {
                self.folder_alias_remove(project, &files, alias).await?;
                self.blob_replaced(before).await
            }
            None => Err(Error::not_found(
                "alias",
                format_args!("{project}/{name}:{alias}"),
            )),
        }
    }
}
