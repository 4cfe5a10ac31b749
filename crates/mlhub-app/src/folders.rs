//! Folders that were recorded as one artifact: the list of their files is a file
//! among them, and versions and aliases are those of the list.
//!
//! What is asked of the list is true of the files: an alias keeps them too.

use mlhub_core::artifact_version::{Alias, ArtifactVersion, VersionChoice};
use mlhub_core::{ArtifactPath, Caller, Name, Result};
use serde::Deserialize;

use crate::Hub;

/// The name of the list in its folder.
const LIST_NAME: &str = ".mlhub-artifact.json";
/// Bytes of a list that is read; one of 100,000 files is smaller.
const LIST_MAX_BYTES: u64 = 64 << 20;

/// The list, as far as it matters here.
#[derive(Deserialize)]
struct List {
    files: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    /// Relative to the folder.
    path: String,
    hash: String,
}

/// A file of a folder: its name and its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FolderFile {
    name: ArtifactPath,
    content: VersionChoice,
}

impl Hub {
    /// The files of the folder that a version is the list of; none for any other
    /// version, or when the list is gone or is not of our making.
    pub(crate) async fn folder_files(&self, version: &ArtifactVersion) -> Result<Vec<FolderFile>> {
        let folder = version.name.as_str().strip_suffix(LIST_NAME);
        let Some(folder) = folder.and_then(|folder| folder.strip_suffix('/')) else {
            return Ok(Vec::new());
        };
        if !version.available || version.size_bytes > LIST_MAX_BYTES {
            return Ok(Vec::new());
        }
        let what = format!("the list of files of `{folder}`");
        let source = self.blob_source();
        let mut reader = source.whole(what, &version.hash, version.size_bytes);
        let mut bytes = Vec::new();
        while let Some(piece) = reader.next().await? {
            bytes.extend_from_slice(&piece);
        }
        let Ok(list) = serde_json::from_slice::<List>(&bytes) else {
            return Ok(Vec::new());
        };
        let file = |listed: &Listed| {
            Some(FolderFile {
                name: format!("{folder}/{}", listed.path).parse().ok()?,
                content: format!("blake3:{}", listed.hash).parse().ok()?,
            })
        };
        Ok(list.files.iter().filter_map(file).collect())
    }

    /// Gives the files of a folder the alias of their list. What is not on the hub
    /// cannot be kept and is passed over.
    pub(crate) async fn folder_alias_set(
        &self,
        caller: &Caller,
        project: &Name,
        files: &[FolderFile],
        alias: &Alias,
    ) -> Result<()> {
        for file in files {
            let (name, content) = (&file.name, &file.content);
            let found = self
                .store
                .artifact_version_find(project, name, content)
                .await?;
            if let Some(version) = found.filter(|version| version.available) {
                self.alias_put(caller, &version, alias).await?;
            }
        }
        Ok(())
    }

    /// Takes an alias away from files of a folder that have it still.
    pub(crate) async fn folder_alias_remove(
        &self,
        project: &Name,
        files: &[FolderFile],
        alias: &Alias,
    ) -> Result<()> {
        let choice = VersionChoice::Alias(alias.clone());
        for file in files {
            let found = self
                .store
                .artifact_version_find(project, &file.name, &choice)
                .await?;
            let is_it =
                found.is_some_and(|version| VersionChoice::Content(version.hash) == file.content);
            if is_it {
                let before = self
                    .store
                    .artifact_alias_remove(project, &file.name, alias)
                    .await?;
                if let Some(before) = before {
                    self.blob_replaced(before).await?;
                }
            }
        }
        Ok(())
    }

    /// The version that has an alias, and the files of its folder.
    pub(crate) async fn alias_files(
        &self,
        project: &Name,
        name: &ArtifactPath,
        alias: &Alias,
    ) -> Result<Vec<FolderFile>> {
        let choice = VersionChoice::Alias(alias.clone());
        let found = self
            .store
            .artifact_version_find(project, name, &choice)
            .await?;
        match found {
            Some(version) => self.folder_files(&version).await,
            None => Ok(Vec::new()),
        }
    }
}
