//! Rows that an evaluated split shares with another: they keep a result off leaderboards and
//! through no gate, until somebody accepts them by name and reason.
//!
//! What is shared is found where the data lies, before a run, and is in its snapshot; what is
//! accepted is kept with the split, which is the same for every run on it.

use mlhub_core::dataset::DatasetSplit;
use mlhub_core::{Caller, Error, Name, Permission, Result, limits};
use mlhub_protocol::rest::{LeakageAcceptance, Snapshot};
use serde_json::{Value, json};

use crate::{Hub, validate};

/// Rows of an evaluated split that are in another, too.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Leak {
    /// One sentence that counts them.
    pub(crate) message: String,
    /// Who accepted them.
    pub(crate) accepted: Option<LeakageAcceptance>,
}

impl Hub {
    /// Accepts that an evaluated split holds rows of another one.
    ///
    /// # Errors
    /// `Invalid` without a reason, and for a split that shares no row; `NotFound`.
    pub async fn leakage_accept(
        &self,
        caller: &Caller,
        name: &Name,
        version: u32,
        hash: &str,
        split: &str,
        reason: &str,
    ) -> Result<DatasetSplit> {
        caller.require(Permission::Write)?;
        validate::text("`reason`", reason)?;
        let length = reason.chars().count();
        if reason.trim().is_empty() || length > limits::REASON_MAX_CHARS {
            return Err(Error::invalid(format!(
                "`reason` says why shared rows are right, in 1 to {} characters",
                limits::REASON_MAX_CHARS
            )));
        }
        let splits = self.store.split_list(name, version).await?;
        let found = splits.into_iter().find(|of| of.hash == hash);
        let found = found.ok_or_else(|| {
            Error::not_found("split of the dataset version", format!("{name}@{version}"))
        })?;
        if shared(&found.parts["leakage"], split).is_empty() {
            return Err(Error::invalid(format!(
                "no row of the split `{split}` is in another split: there is nothing to accept"
            )));
        }
        let acceptance = json!(LeakageAcceptance {
            user: caller.user.0.clone(),
            reason: reason.trim().to_owned(),
            accepted_at: self.clock.now().0,
        });
        let accepting = self
            .store
            .split_accept(name, version, hash, split, &acceptance);
        let stored = accepting.await?;
        tracing::info!(dataset = %name, version, split, user = %caller.user.0, "shared rows of a split were accepted");
        stored.ok_or_else(|| {
            Error::not_found("split of the dataset version", format!("{name}@{version}"))
        })
    }

    /// What an evaluated split of a run shares with its other splits.
    pub(crate) async fn leak(&self, snapshot: &Snapshot, split: &str) -> Result<Option<Leak>> {
        let dataset = &snapshot.dataset;
        let pairs = shared(&dataset["leakage"], split);
        if pairs.is_empty() {
            return Ok(None);
        }
        let told: Vec<String> = pairs
            .iter()
            .map(|(rows, other)| format!("{rows} rows of `{split}` are also in `{other}`"))
            .collect();
        let mut accepted = None;
        if let (Some(name), Some(version), Some(hash)) = (
            dataset["name"].as_str(),
            dataset["version"].as_u64(),
            dataset["split_hash"].as_str(),
        ) {
            let version = u32::try_from(version).unwrap_or_default();
            let splits = self.store.split_list(&name.parse()?, version).await?;
            let of = splits.into_iter().find(|of| of.hash == hash);
            accepted =
                of.and_then(|of| serde_json::from_value(of.parts["accepted"][split].clone()).ok());
        }
        Ok(Some(Leak {
            message: told.join("; "),
            accepted,
        }))
    }
}

/// Rows that a split shares, and with which other; a split that is not evaluated shares them too.
fn shared(leakage: &Value, split: &str) -> Vec<(u64, String)> {
    let pairs = leakage["pairs"].as_array().into_iter().flatten();
    pairs
        .filter_map(|pair| {
            let (a, b) = (pair["a"].as_str()?, pair["b"].as_str()?);
            let other = match split {
                of if of == b => a,
                of if of == a => b,
                _ => return None,
            };
            Some((pair["shared_rows"].as_u64()?, other.to_owned()))
        })
        .collect()
}
