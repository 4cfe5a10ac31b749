//! Routes of artifact versions and their aliases.

use std::io::Read;

use mlhub_protocol::rest::{ArtifactAliasSet, ArtifactVersionList, ArtifactVersionView};

use crate::Result;
use crate::http::{Call, Client, path};

impl Client {
    /// The version of an artifact that is meant by `vN`, `latest` or an alias.
    ///
    /// # Errors
    /// The hub's, or of the connection; so for every call here.
    pub fn version_resolve(
        &self,
        project: &str,
        name: &str,
        version: &str,
    ) -> Result<ArtifactVersionView> {
        self.fetch(
            Call::new("GET", path(&["artifacts", "resolve"]))
                .query("project", Some(project))
                .query("name", Some(name))
                .query("version", Some(version)),
        )
    }

    /// A page of versions, newest first.
    pub fn version_list(
        &self,
        project: &str,
        name: &str,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<ArtifactVersionList> {
        self.fetch(
            Call::new("GET", path(&["artifacts", "versions"]))
                .query("project", Some(project))
                .query("name", Some(name))
                .query("limit", Some(limit))
                .query("cursor", cursor),
        )
    }

    /// The content of a version from byte `start`; with `hash` only if it is that
    /// content; otherwise an error of status 409.
    pub fn version_download_from(
        &self,
        version: &ArtifactVersionView,
        start: u64,
        hash: Option<&str>,
    ) -> Result<impl Read + use<>> {
        let call = Call::new("GET", path(&["artifacts", "content"]))
            .query("project", Some(&version.project))
            .query("name", Some(&version.name))
            .query("version", Some(format_args!("v{}", version.version)));
        self.content_from(call, &version.name, start, hash)
    }

    /// Gives a version an alias, or moves the alias to it.
    pub fn alias_set(&self, alias: &ArtifactAliasSet) -> Result<ArtifactVersionView> {
        self.fetch(Call::new("PUT", path(&["artifacts", "aliases"])).json(alias)?)
    }

    /// Takes an alias away.
    pub fn alias_remove(&self, project: &str, name: &str, alias: &str) -> Result<()> {
        let call = Call::new("DELETE", path(&["artifacts", "aliases"]))
            .query("project", Some(project))
            .query("name", Some(name))
            .query("alias", Some(alias));
        self.send(call).map(drop)
    }
}
