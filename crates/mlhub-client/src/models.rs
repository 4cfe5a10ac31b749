//! Routes of trained models that answer.

use mlhub_protocol::rest::{
    ExportRequest, ExportResponse, ModelDescription, PredictRequest, PredictResponse,
    SearchRequest, SearchResponse,
};

use crate::Result;
use crate::http::{Client, path};

impl Client {
    /// A trained model: a run's (id or unique prefix), or `PROJECT/NAME:VERSION`
    /// of one of its files.
    ///
    /// # Errors
    /// The hub's, or of the connection; so for every call here.
    pub fn model_get(&self, model: &str) -> Result<ModelDescription> {
        self.get(path(&["models", model]))
    }

    /// Predictions of a model. The first may have to wait for its program; give
    /// the client time for that.
    pub fn model_predict(&self, model: &str, request: &PredictRequest) -> Result<PredictResponse> {
        self.post(path(&["models", model, "predict"]), request)
    }

    /// What a model finds; as [`Client::model_predict`].
    pub fn model_search(&self, model: &str, request: &SearchRequest) -> Result<SearchResponse> {
        self.post(path(&["models", model, "search"]), request)
    }

    /// A model in another format, stored as artifacts of its run; as
    /// [`Client::model_predict`].
    pub fn model_export(&self, model: &str, request: &ExportRequest) -> Result<ExportResponse> {
        self.post(path(&["models", model, "export"]), request)
    }
}
