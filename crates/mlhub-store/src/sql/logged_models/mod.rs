//! Logged models, their labels and metrics, and the runs that read or made them.
//!
//! `read` finds, `write` changes, `portable` is for archives. Files of models are artifacts of
//! runs and not touched here.

mod portable;
mod read;
mod write;

use std::collections::BTreeMap;

use async_trait::async_trait;
use mlhub_core::logged_model::{
    LoggedModel, LoggedModelChange, LoggedModelMetric, LoggedModelQuery, LoggedModelStore,
    LoggedModelUse, NewLoggedModel,
};
use mlhub_core::{LoggedModelId, Result, RunId, Timestamp};

use super::SqlStore;
use super::seam::Backend;
pub(crate) use portable::{portable, restore, restore_use};

#[async_trait]
impl<B: Backend> LoggedModelStore for SqlStore<B> {
    async fn logged_model_create(&self, new: &NewLoggedModel) -> Result<()> {
        new.check()?;
        self.write("make a logged model", new.clone(), |tx, new| {
            Box::pin(write::create(tx, new))
        })
        .await
    }

    async fn logged_model_get(&self, id: &LoggedModelId) -> Result<Option<LoggedModel>> {
        self.read("find a logged model", id.clone(), |tx, id| {
            Box::pin(read::one(tx, id))
        })
        .await
    }

    async fn logged_model_list(&self, query: &LoggedModelQuery) -> Result<Vec<LoggedModel>> {
        self.read("list logged models", query.clone(), |tx, query| {
            Box::pin(read::list(tx, query))
        })
        .await
    }

    async fn logged_model_change(
        &self,
        id: &LoggedModelId,
        change: &LoggedModelChange,
        now: Timestamp,
    ) -> Result<()> {
        change.check()?;
        let input = (id.clone(), change.clone(), now);
        self.write("change a logged model", input, |tx, (id, change, now)| {
            Box::pin(write::change(tx, id, change, *now))
        })
        .await
    }

    async fn logged_model_metrics(
        &self,
        metrics: &[(LoggedModelId, LoggedModelMetric)],
    ) -> Result<()> {
        for (_, metric) in metrics {
            metric.check()?;
        }
        self.write(
            "store metrics of models",
            metrics.to_vec(),
            |tx, metrics| Box::pin(write::metrics(tx, metrics)),
        )
        .await
    }

    async fn logged_model_use_add(&self, run: &RunId, uses: &[LoggedModelUse]) -> Result<()> {
        let input = (run.clone(), uses.to_vec());
        self.write("note models of a run", input, |tx, (run, uses)| {
            Box::pin(write::use_add(tx, run, uses))
        })
        .await
    }

    async fn logged_model_uses(
        &self,
        runs: &[RunId],
    ) -> Result<BTreeMap<RunId, Vec<LoggedModelUse>>> {
        self.read("list models of runs", runs.to_vec(), |tx, runs| {
            Box::pin(read::uses(tx, runs))
        })
        .await
    }
}
