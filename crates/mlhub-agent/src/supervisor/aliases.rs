//! Gives the aliases a program asked for to the versions its artifacts became.
//!
//! The program writes an `artifact_alias` record; the alias is given when the file
//! is on the hub and before the record is stored. Giving it twice is giving it once.

use std::collections::BTreeSet;

use mlhub_client::{Client, ClientError};
use mlhub_protocol::rest::ArtifactAliasSet;
use serde_json::Value;

use super::link::{Stop, stop_of};
use super::ship::Shipper;

/// The kind of record that asks for an alias.
pub(crate) const ALIAS: &str = "artifact_alias";
/// Versions looked at for the one with this run's content, the newest first.
const VERSIONS_LOOKED_AT: usize = 100;

/// Paths in the run with the alias each is to have.
pub(crate) type Aliases = BTreeSet<(String, String)>;

/// Reads the body of a record: the path and the alias.
pub(crate) fn alias_of(body: &Value) -> Option<(String, String)> {
    let text = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
    Some((text("path")?, text("alias")?))
}

impl Shipper {
    /// Gives the aliases; the files they are for are on the hub.
    pub(super) fn give_aliases(&mut self, client: &Client, aliases: &Aliases) -> Result<(), Stop> {
        for (path, alias) in aliases {
            // A file that is left out was told of.
            let Some(hash) = self.stored.artifacts.get(path).cloned() else {
                continue;
            };
            let reason = match self.give_alias(client, path, &hash, alias) {
                Ok(true) => continue,
                Ok(false) => "the hub has no version with its content".to_owned(),
                // A hub that knows no versions, or a name it does not take.
                Err(error) if error.is_not_found() => error.to_string(),
                Err(error) => match stop_of(error.clone()) {
                    Some(stop) => return Err(stop),
                    None => error.to_string(),
                },
            };
            let message = format!("`{path}` does not get the alias `{alias}`: {reason}");
            self.journal.note(&message);
            self.own.warn(message);
        }
        Ok(())
    }

    /// Whether a version with this content was there to be named.
    fn give_alias(
        &self,
        client: &Client,
        path: &str,
        hash: &str,
        alias: &str,
    ) -> Result<bool, ClientError> {
        let (run, _) = self.who();
        let project = client.run_get(&run)?.summary.project;
        // Other runs may have recorded newer ones meanwhile.
        let newest = client.version_list(&project, path, VERSIONS_LOOKED_AT, None)?;
        let mut versions = newest.versions.into_iter();
        let Some(found) = versions.find(|version| version.artifact.hash == hash) else {
            return Ok(false);
        };
        client.alias_set(&ArtifactAliasSet {
            project,
            name: path.to_owned(),
            version: format!("v{}", found.version),
            alias: alias.to_owned(),
        })?;
        Ok(true)
    }
}
