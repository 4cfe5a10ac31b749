//! Logged models out of and into archives, with the run that has their files.

use std::collections::BTreeMap;

use mlhub_core::logged_model::{LoggedModel, LoggedModelMetric, LoggedModelUse};
use mlhub_core::portable::{PortableLine, PortableLoggedModel, PortableLoggedModelMetric};
use mlhub_core::{Error, Result};

use super::super::portable_read::Out;
use super::super::seam::Tx;
use super::{read, write};

/// The models with files of a run, and what the run read and made.
pub(crate) async fn portable(tx: &mut dyn Tx, run: i64, out: &Out<'_>) -> Result<()> {
    for model in read::of_run(tx, run).await? {
        let metric = |metric: LoggedModelMetric| PortableLoggedModelMetric {
            name: metric.name,
            run: metric.run,
            dataset_name: metric.dataset_name,
            dataset_digest: metric.dataset_digest,
            step: metric.step,
            time: metric.time,
            value_bits: metric.value.to_bits(),
        };
        let line = PortableLoggedModel {
            id: model.id,
            folder: model.folder,
            source_run: model.source_run,
            name: model.name,
            model_type: model.model_type,
            status: model.status,
            params: model.params,
            tags: model.tags,
            metrics: model.metrics.into_iter().map(metric).collect(),
            created_at: model.created_at,
            updated_at: model.updated_at,
            deleted_at: model.deleted_at,
        };
        out.line(PortableLine::LoggedModel(Box::new(line))).await?;
    }
    for used in read::uses_of(tx, run).await? {
        out.line(PortableLine::LoggedModelUse(used)).await?;
    }
    Ok(())
}

/// Stores a model of an archive.
pub(crate) async fn restore(tx: &mut dyn Tx, run: i64, line: PortableLoggedModel) -> Result<()> {
    let sql = "SELECT id, project, experiment FROM run WHERE seq = $1";
    let rows = tx.query(sql, &[run.into()]).await?;
    let row = rows.into_iter().next();
    let mut row = row.ok_or_else(|| Error::invalid("a logged model stands before its run"))?;
    let model = LoggedModel {
        id: line.id,
        run: row.parsed()?,
        project: row.parsed()?,
        experiment: row.parsed()?,
        folder: line.folder,
        source_run: line.source_run,
        name: line.name,
        model_type: line.model_type,
        status: line.status,
        params: line.params,
        tags: line.tags,
        metrics: line.metrics.into_iter().map(Into::into).collect(),
        created_at: line.created_at,
        updated_at: line.updated_at,
        deleted_at: line.deleted_at,
    };
    write::insert(tx, run, &model).await?;
    let mut by_place = BTreeMap::new();
    for metric in &model.metrics {
        by_place.insert(
            (
                &metric.name,
                &metric.run,
                &metric.dataset_name,
                &metric.dataset_digest,
            ),
            metric,
        );
    }
    write::metrics_put(tx, &model.id, by_place.into_values()).await
}

/// Stores what a run of an archive read or made.
pub(crate) async fn restore_use(tx: &mut dyn Tx, run: i64, used: &LoggedModelUse) -> Result<()> {
    write::uses_put(tx, run, std::slice::from_ref(used)).await
}
