//! Calls about what runs are made of: projects, datasets, adapters, definitions.

use mlhub_protocol::rest::{
    AdapterList, AdapterSeen, DatasetDetail, DatasetList, DatasetPreviewSet, DatasetPreviewView,
    DatasetRegister, DatasetVersionView, DefinitionList, ExperimentList, Info, ProjectList,
    ProjectPatch, ProjectView, SplitRegister, SplitView,
};
use serde_json::Value;

use crate::Result;
use crate::http::{Call, Client, path};

impl Client {
    /// What hub this is.
    ///
    /// # Errors
    /// The hub's, or of the connection; so for every call here.
    pub fn info(&self) -> Result<Info> {
        self.get(path(&["info"]))
    }

    /// The API's own description.
    pub fn openapi(&self) -> Result<Value> {
        self.get(path(&["openapi.json"]))
    }

    /// All projects.
    pub fn project_list(&self) -> Result<ProjectList> {
        self.get(path(&["projects"]))
    }

    /// Changes what a project is described as.
    pub fn project_patch(&self, name: &str, patch: &ProjectPatch) -> Result<ProjectView> {
        self.fetch(Call::new("PATCH", path(&["projects", name])).json(patch)?)
    }

    /// Experiments of a project, or of all.
    pub fn experiment_list(&self, project: Option<&str>) -> Result<ExperimentList> {
        self.fetch(Call::new("GET", path(&["experiments"])).query("project", project))
    }

    /// All datasets.
    pub fn dataset_list(&self) -> Result<DatasetList> {
        self.get(path(&["datasets"]))
    }

    /// Registers a content; the same fingerprint is the same version.
    pub fn dataset_register(&self, request: &DatasetRegister) -> Result<DatasetVersionView> {
        self.post(path(&["datasets"]), request)
    }

    /// A dataset with its versions, showing `version` or the newest.
    pub fn dataset_get(&self, name: &str, version: Option<u32>) -> Result<DatasetDetail> {
        self.fetch(Call::new("GET", path(&["datasets", name])).query("version", version))
    }

    /// Removes a version that no run refers to.
    pub fn dataset_version_purge(&self, name: &str, version: u32) -> Result<()> {
        let version = version.to_string();
        let path = path(&["datasets", name, "versions", &version]);
        self.send(Call::new("DELETE", path)).map(drop)
    }

    /// The rows of a version that somebody chose to show.
    pub fn dataset_preview(&self, name: &str, version: u32) -> Result<DatasetPreviewView> {
        let version = version.to_string();
        self.get(path(&["datasets", name, "versions", &version, "preview"]))
    }

    /// Stores a few rows of a version to be shown.
    pub fn dataset_preview_set(
        &self,
        name: &str,
        version: u32,
        request: &DatasetPreviewSet,
    ) -> Result<DatasetPreviewView> {
        let version = version.to_string();
        let path = path(&["datasets", name, "versions", &version, "preview"]);
        self.fetch(Call::new("PUT", path).json(request)?)
    }

    /// Removes the preview of a version.
    pub fn dataset_preview_remove(&self, name: &str, version: u32) -> Result<()> {
        let version = version.to_string();
        let path = path(&["datasets", name, "versions", &version, "preview"]);
        self.send(Call::new("DELETE", path)).map(drop)
    }

    /// Stores a split of a version.
    pub fn split_register(
        &self,
        name: &str,
        version: u32,
        request: &SplitRegister,
    ) -> Result<SplitView> {
        let version = version.to_string();
        self.post(
            path(&["datasets", name, "versions", &version, "splits"]),
            request,
        )
    }

    /// Adapters the hub knows.
    pub fn adapter_list(&self) -> Result<AdapterList> {
        self.get(path(&["adapters"]))
    }

    /// Tells the hub of an adapter version.
    pub fn adapter_seen(&self, request: &AdapterSeen) -> Result<()> {
        self.send(Call::new("POST", path(&["adapters"])).json(request)?)
            .map(|_| ())
    }

    /// Metric definitions.
    pub fn definition_list(&self) -> Result<DefinitionList> {
        self.get(path(&["metric-definitions"]))
    }
}
