//! Datasets: records of what was read, never the data itself.

use mlhub_core::dataset::{Dataset, DatasetPreview, DatasetSplit, DatasetVersion};
use mlhub_core::{Caller, Error, ErrorKind, Name, Permission, Result};
use serde_json::Value;

use crate::{Hub, validate};

/// Bytes in the description of columns, files and statistics of a version.
const INSPECTION_MAX_BYTES: usize = 3 * 1024 * 1024;
/// Bytes in a fingerprint or split hash.
const FINGERPRINT_MAX_BYTES: usize = 200;

/// A dataset with its versions and the splits of the version shown.
#[derive(Debug, Clone)]
pub struct DatasetOverview {
    /// What it is.
    pub description: String,
    /// The version asked for, or the newest.
    pub current: DatasetVersion,
    /// All versions, newest first.
    pub versions: Vec<DatasetVersion>,
    /// Splits of the version shown.
    pub splits: Vec<DatasetSplit>,
}

impl Hub {
    /// All datasets, by name.
    pub async fn dataset_list(&self, caller: &Caller) -> Result<Vec<Dataset>> {
        caller.require(Permission::Read)?;
        self.store.dataset_list().await
    }

    /// Registers a content. The same fingerprint is the same version.
    pub async fn dataset_register(
        &self,
        caller: &Caller,
        mut version: DatasetVersion,
        description: &str,
    ) -> Result<DatasetVersion> {
        caller.require(Permission::Write)?;
        check_fingerprint(&version.fingerprint)?;
        validate::text("the description", description)?;
        validate::value("dataset", "source", &version.source)?;
        validate::key("format", &version.format)?;
        let size = version.inspection.to_string().len();
        if size > INSPECTION_MAX_BYTES {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "the description of columns and files has {size} bytes and {INSPECTION_MAX_BYTES} are allowed"
                ),
            ));
        }
        version.owner = caller.user.clone();
        version.created_at = self.clock.now();
        self.store.dataset_put(&version, description).await
    }

    /// A dataset with its versions and splits.
    pub async fn dataset_overview(
        &self,
        caller: &Caller,
        name: &Name,
        version: Option<u32>,
    ) -> Result<DatasetOverview> {
        caller.require(Permission::Read)?;
        let current =
            self.store
                .dataset_get(name, version)
                .await?
                .ok_or_else(|| match version {
                    Some(number) => Error::not_found("dataset version", format!("{name}@{number}")),
                    None => Error::not_found("dataset", name),
                })?;
        let description = self
            .store
            .dataset_list()
            .await?
            .into_iter()
            .find(|dataset| dataset.name == *name)
            .map(|dataset| dataset.description)
            .unwrap_or_default();
        Ok(DatasetOverview {
            description,
            versions: self.store.dataset_versions(name).await?,
            splits: self.store.split_list(name, current.version).await?,
            current,
        })
    }

    /// Removes a version that no run refers to, for good; the dataset goes with its
    /// last version. The data itself stays where it is.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` naming runs that refer to it, deleted ones included.
    pub async fn dataset_version_purge(
        &self,
        caller: &Caller,
        name: &Name,
        version: u32,
    ) -> Result<()> {
        caller.require(Permission::Admin)?;
        self.store.dataset_version_remove(name, version).await?;
        tracing::info!(dataset = %name, version, user = %caller.user.0, "a dataset version was purged");
        Ok(())
    }

    /// Stores a few rows of a version to be shown, in place of those it has.
    ///
    /// # Errors
    /// `Invalid` naming the field that passes a limit; `NotFound` for the version.
    pub async fn dataset_preview_set(
        &self,
        caller: &Caller,
        name: &Name,
        version: u32,
        columns: Vec<String>,
        rows: Vec<Vec<Value>>,
    ) -> Result<DatasetPreview> {
        caller.require(Permission::Write)?;
        let preview = DatasetPreview {
            columns,
            rows,
            actor: caller.user.clone(),
            created_at: self.clock.now(),
        };
        preview.check()?;
        self.store
            .dataset_preview_put(name, version, &preview)
            .await?;
        tracing::info!(dataset = %name, version, user = %caller.user.0, "a preview of a dataset version was stored");
        Ok(preview)
    }

    /// The rows of a version that somebody chose to show, and the rows it has in all.
    ///
    /// # Errors
    /// `NotFound` for the version, and when nobody chose to show any.
    pub async fn dataset_preview(
        &self,
        caller: &Caller,
        name: &Name,
        version: u32,
    ) -> Result<(DatasetPreview, Option<u64>)> {
        caller.require(Permission::Read)?;
        let stored = self.store.dataset_get(name, Some(version)).await?;
        let stored = stored
            .ok_or_else(|| Error::not_found("dataset version", format!("{name}@{version}")))?;
        let preview = self.store.dataset_preview_get(name, version).await?;
        let preview = preview.ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                format!(
                    "the dataset version `{name}@{version}` has no preview: rows are shown only when \
                     whoever registers the data asks for it, with `mlhub dataset add ... --preview 20`"
                ),
            )
        })?;
        Ok((preview, stored.rows))
    }

    /// Removes the preview of a version.
    ///
    /// # Errors
    /// `NotFound` when it has none.
    pub async fn dataset_preview_remove(
        &self,
        caller: &Caller,
        name: &Name,
        version: u32,
    ) -> Result<()> {
        caller.require(Permission::Write)?;
        if self.store.dataset_preview_remove(name, version).await? {
            tracing::info!(dataset = %name, version, user = %caller.user.0, "a preview of a dataset version was removed");
            return Ok(());
        }
        Err(Error::not_found(
            "preview of the dataset version",
            format!("{name}@{version}"),
        ))
    }

    /// Stores a split of a version.
    pub async fn split_register(
        &self,
        caller: &Caller,
        mut split: DatasetSplit,
    ) -> Result<DatasetSplit> {
        caller.require(Permission::Write)?;
        check_fingerprint(&split.hash)?;
        if split.spec.to_string().len() + split.parts.to_string().len() > INSPECTION_MAX_BYTES {
            return Err(Error::new(
                ErrorKind::TooLarge,
                "the split's description is too large",
            ));
        }
        if self
            .store
            .dataset_get(&split.dataset, Some(split.version))
            .await?
            .is_none()
        {
            return Err(Error::not_found(
                "dataset version",
                format!("{}@{}", split.dataset, split.version),
            ));
        }
        split.created_at = self.clock.now();
        if let Some(parts) = split.parts.as_object_mut() {
            // Only who is known to the hub accepts shared rows, and by another road.
            parts.remove("accepted");
        }
        self.store.split_put(&split).await?;
        Ok(split)
    }
}

fn check_fingerprint(text: &str) -> Result<()> {
    let usable = !text.is_empty()
        && text.len() <= FINGERPRINT_MAX_BYTES
        && text.bytes().all(|byte| byte.is_ascii_graphic());
    if usable {
        Ok(())
    } else {
        Err(Error::invalid(
            "a fingerprint must be 1 to 200 visible ASCII characters",
        ))
    }
}
