//! Routes of the model registry.

use mlhub_protocol::rest::{
    ModelEventList, ModelPromoted, ModelPromotion, ModelProtection, ModelVersionCreate,
    ModelVersionDetail, ModelVersionList, ModelVersionPatch, ModelVersionView,
    RegisteredModelCreate, RegisteredModelList, RegisteredModelPatch, RegisteredModelView,
};

use crate::Result;
use crate::http::{Call, Client, path};

fn models(rest: &[&str]) -> String {
    path(&[&["registry", "models"], rest].concat())
}

impl Client {
    /// A page of registered models, by name.
    ///
    /// # Errors
    /// The hub's, or of the connection; so for every call here.
    pub fn registered_model_list(
        &self,
        prefix: Option<&str>,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<RegisteredModelList> {
        self.fetch(
            Call::new("GET", models(&[]))
                .query("prefix", prefix)
                .query("limit", Some(limit))
                .query("cursor", cursor),
        )
    }

    /// Registers a model without versions.
    pub fn registered_model_create(
        &self,
        request: &RegisteredModelCreate,
    ) -> Result<RegisteredModelView> {
        self.post(models(&[]), request)
    }

    /// One registered model.
    pub fn registered_model_get(&self, model: &str) -> Result<RegisteredModelView> {
        self.get(models(&[model]))
    }

    /// Changes a registered model.
    pub fn registered_model_patch(
        &self,
        model: &str,
        request: &RegisteredModelPatch,
    ) -> Result<RegisteredModelView> {
        self.fetch(Call::new("PATCH", models(&[model])).json(request)?)
    }

    /// Removes a registered model with its versions.
    pub fn registered_model_delete(&self, model: &str) -> Result<()> {
        self.send(Call::new("DELETE", models(&[model]))).map(drop)
    }

    /// A page of versions, by name, newest first.
    pub fn model_version_list(
        &self,
        model: Option<&str>,
        run: Option<&str>,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<ModelVersionList> {
        self.fetch(
            Call::new("GET", path(&["registry", "versions"]))
                .query("model", model)
                .query("run", run)
                .query("limit", Some(limit))
                .query("cursor", cursor),
        )
    }

    /// Registers a version of a model.
    pub fn model_version_create(
        &self,
        model: &str,
        request: &ModelVersionCreate,
    ) -> Result<ModelVersionView> {
        self.post(models(&[model, "versions"]), request)
    }

    /// A version with what it stands on.
    pub fn model_version_get(
        &self,
        model: &str,
        version: &str,
        metric: Option<&str>,
    ) -> Result<ModelVersionDetail> {
        let call = Call::new("GET", models(&[model, "versions", version]));
        self.fetch(call.query("metric", metric))
    }

    /// Changes a version.
    pub fn model_version_patch(
        &self,
        model: &str,
        version: u32,
        request: &ModelVersionPatch,
    ) -> Result<ModelVersionView> {
        let version = version.to_string();
        self.fetch(Call::new("PATCH", models(&[model, "versions", &version])).json(request)?)
    }

    /// Removes a version.
    pub fn model_version_delete(&self, model: &str, version: u32) -> Result<()> {
        let version = version.to_string();
        self.send(Call::new("DELETE", models(&[model, "versions", &version])))
            .map(drop)
    }

    /// Gives a version an alias, or brings it to a stage.
    pub fn model_promote(&self, model: &str, request: &ModelPromotion) -> Result<ModelPromoted> {
        self.post(models(&[model, "promotions"]), request)
    }

    /// Takes an alias away.
    pub fn model_alias_remove(&self, model: &str, alias: &str) -> Result<()> {
        self.send(Call::new("DELETE", models(&[model, "aliases", alias])))
            .map(drop)
    }

    /// Makes an alias or a stage need a passed gate.
    pub fn model_protect(
        &self,
        model: &str,
        target: &str,
        request: &ModelProtection,
    ) -> Result<RegisteredModelView> {
        self.fetch(Call::new("PUT", models(&[model, "protections", target])).json(request)?)
    }

    /// Lets an alias or a stage be given without a gate again.
    pub fn model_unprotect(&self, model: &str, target: &str) -> Result<()> {
        self.send(Call::new("DELETE", models(&[model, "protections", target])))
            .map(drop)
    }

    /// A page of the trail, newest first.
    pub fn model_events(
        &self,
        model: Option<&str>,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<ModelEventList> {
        self.fetch(
            Call::new("GET", path(&["registry", "events"]))
                .query("model", model)
                .query("limit", Some(limit))
                .query("cursor", cursor),
        )
    }
}
