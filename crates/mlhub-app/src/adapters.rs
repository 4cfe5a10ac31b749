//! Adapters the hub knows: those its machine has, and those seen in runs.

use std::collections::BTreeMap;

use mlhub_core::evaluation::AdapterVersion;
use mlhub_core::{Caller, Error, ErrorKind, Permission, Result};
use mlhub_protocol::rest::AdapterDataset;

use crate::{Hub, validate};

/// Bytes in a manifest with its schema.
const MANIFEST_MAX_BYTES: usize = 1024 * 1024;

/// An adapter as lists show it.
#[derive(Debug, Clone)]
pub struct AdapterDescription {
    /// Its name.
    pub name: String,
    /// Its version, when it could be read.
    pub version: Option<String>,
    /// One sentence.
    pub description: String,
    /// Where it comes from.
    pub source: String,
    /// What it can do.
    pub capabilities: Vec<String>,
    /// Tasks it can be evaluated on.
    pub tasks: Vec<String>,
    /// Why it cannot be used, when it cannot.
    pub problem: Option<String>,
    /// Its config schema.
    pub schema: Option<serde_json::Value>,
    /// What it needs of a dataset, when its manifest could be read.
    pub dataset: Option<AdapterDataset>,
    /// Settings laid over an experiment for a smoke run.
    pub smoke: Option<serde_json::Value>,
    /// Whether it runs a command that the experiment names.
    pub takes_command: bool,
}

/// Finds the adapters of the hub's machine; implemented beside the adapter host.
pub trait AdapterCatalog: Send + Sync {
    /// All adapters, the broken ones with their reason. May read the disk.
    fn describe(&self) -> Vec<AdapterDescription>;
}

impl Hub {
    /// Adapters by name: those of this machine, then those only seen in runs.
    pub async fn adapter_list(
        self: &std::sync::Arc<Self>,
        caller: &Caller,
    ) -> Result<Vec<AdapterDescription>> {
        caller.require(Permission::Read)?;
        let catalog = std::sync::Arc::clone(&self.catalog);
        let here = tokio::task::spawn_blocking(move || catalog.describe())
            .await
            .map_err(|source| Error::internal("describe adapters", source))?;
        let mut by_name: BTreeMap<String, Vec<AdapterDescription>> = BTreeMap::new();
        for adapter in here {
            by_name
                .entry(adapter.name.clone())
                .or_default()
                .push(adapter);
        }
        for seen in self.store.adapter_list().await? {
            by_name
                .entry(seen.name.clone())
                .or_insert_with(|| vec![describe_seen(&seen)]);
        }
        Ok(by_name.into_values().flatten().collect())
    }

    /// Notes an adapter version a run uses; the first content of a version stays.
    pub async fn adapter_seen(
        &self,
        caller: &Caller,
        name: &str,
        version: &str,
        manifest: serde_json::Value,
    ) -> Result<()> {
        caller.require(Permission::Write)?;
        validate::key("adapter", name)?;
        validate::key("adapter version", version)?;
        if manifest.to_string().len() > MANIFEST_MAX_BYTES {
            return Err(Error::new(
                ErrorKind::TooLarge,
                "the manifest is larger than 1 MiB",
            ));
        }
        self.store
            .adapter_put(&AdapterVersion {
                name: name.to_owned(),
                version: version.to_owned(),
                manifest,
                created_at: self.clock.now(),
            })
            .await
    }

    /// Versions of an adapter the hub has seen, newest first.
    pub async fn adapter_versions(
        &self,
        caller: &Caller,
        name: &str,
    ) -> Result<Vec<AdapterVersion>> {
        caller.require(Permission::Read)?;
        let mut versions = self.store.adapter_list().await?;
        versions.retain(|adapter| adapter.name == name);
        Ok(versions)
    }

    /// Stores the released metric definitions of this version of the hub.
    ///
    /// # Errors
    /// `Conflict` when a stored definition of the same id has another hash: the
    /// data directory was written by a hub that defines the metric otherwise.
    pub async fn definitions_install(&self) -> Result<()> {
        // At once: each write waits for the disk, and a hub that starts is waited for.
        let all = mlhub_eval::definitions().iter();
        let all = all
            .map(crate::custom_metrics::stored)
            .collect::<Result<Vec<_>>>()?;
        self.store.definitions_put(&all).await
    }
}

fn describe_seen(seen: &AdapterVersion) -> AdapterDescription {
    let list = |key: &str| {
        seen.manifest[key]
            .as_array()
            .map(|items| {
                items
                    .iter()
                    .filter_map(|item| item.as_str().map(str::to_owned))
                    .collect()
            })
            .unwrap_or_default()
    };
    AdapterDescription {
        name: seen.name.clone(),
        version: Some(seen.version.clone()),
        description: seen.manifest["description"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        source: "seen in runs".to_owned(),
        capabilities: list("capabilities"),
        tasks: list("tasks"),
        problem: None,
        schema: seen.manifest.get("schema").cloned(),
        dataset: None,
        smoke: None,
        takes_command: false,
    }
}
