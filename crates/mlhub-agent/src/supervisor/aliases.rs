//! Gives the aliases a program asked for to the versions its artifacts became.
//!
//! The program writes an `artifact_alias` record; the alias is given when the file
//! is on the hub and before the record is stored. Giving it twice is giving it once.
//! A record that names the hash of its content is about that content alone, whatever
//! lies under the name by now.

use std::collections::BTreeMap;

use mlhub_client::{Client, ClientError};
use mlhub_protocol::rest::ArtifactAliasSet;
use serde_json::Value;

use super::link::{Stop, stop_of};
use super::ship::Shipper;

/// The kind of record that asks for an alias.
pub(crate) const ALIAS: &str = "artifact_alias";
/// Versions looked at for the one with this run's content, the newest first.
const VERSIONS_LOOKED_AT: usize = 100;

/// Paths in the run with the alias each is to have, and the hash of the content it was
/// asked for, where that was said. Of one asked for again the last counts.
pub(crate) type Aliases = BTreeMap<(String, String), Option<String>>;

/// Reads the body of a record: the path and the alias, and the content's hash.
pub(crate) fn alias_of(body: &Value) -> Option<((String, String), Option<String>)> {
    let text = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(((text("path")?, text("alias")?), text("hash")))
}

impl Shipper {
    /// Gives the aliases; the files they are for are on the hub.
    pub(super) fn give_aliases(&mut self, client: &Client, aliases: &Aliases) -> Result<(), Stop> {
        for ((path, alias), asked) in aliases {
            // A file that is left out was told of.
            let Some(stored) = self.stored.artifacts.get(path).cloned() else {
                continue;
            };
            let hash = asked.as_ref().unwrap_or(&stored);
            let reason = match self.give_alias(client, path, hash, alias) {
                Ok(true) => continue,
                Ok(false) if *hash != stored => {
                    "its content was replaced by another under the same name before it was shipped"
                        .to_owned()
                }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_is_asked_for_with_or_without_its_content() {
        let asked = |body: Value| alias_of(&body);
        let key = ("artifacts/m".to_owned(), "best".to_owned());
        let body = serde_json::json!({"path": "artifacts/m", "alias": "best"});
        assert_eq!(asked(body), Some((key.clone(), None)));
        let body = serde_json::json!({"path": "artifacts/m", "alias": "best", "hash": "ab"});
        assert_eq!(asked(body), Some((key, Some("ab".to_owned()))));
        assert_eq!(asked(serde_json::json!({"path": "artifacts/m"})), None);
    }

    #[test]
    fn of_one_alias_the_last_content_counts() {
        let body = |hash: &str| serde_json::json!({"path": "m", "alias": "best", "hash": hash});
        let mut aliases = Aliases::new();
        for hash in ["ff", "aa"] {
            aliases.extend(alias_of(&body(hash)));
        }
        let found: Vec<_> = aliases.into_values().collect();
        assert_eq!(found, [Some("aa".to_owned())]);
    }
}
