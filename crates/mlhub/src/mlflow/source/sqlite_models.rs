//! Logged models and the registry of MLflow's SQLite database.

use std::collections::BTreeMap;

use super::sqlite::{Sqlite, maybe_text, text};
use crate::mlflow::local::shown;
use crate::mlflow::records::{
    Experiment, Labels, Model, ModelMetric, Point, Read, Registered, Version, damaged, model_status,
};

impl Sqlite {
    pub(super) fn all_models(&self, experiment: &Experiment) -> anyhow::Result<Vec<Model>> {
        if !self.has("logged_models") {
            return Ok(Vec::new());
        }
        let sql = "SELECT model_id, name, source_run_id, model_type, status, \
                   creation_timestamp_ms, lifecycle_stage, artifact_location FROM logged_models \
                   WHERE experiment_id = ?1 ORDER BY creation_timestamp_ms, model_id";
        let found = self.rows("logged_models", sql, &[&experiment.id], |row| {
            Ok(Model {
                id: text(row, 0)?,
                experiment: experiment.id.clone(),
                name: text(row, 1)?,
                run: maybe_text(row, 2)?.filter(|run| !run.is_empty()),
                kind: maybe_text(row, 3)?.filter(|kind| !kind.is_empty()),
                status: text(row, 4)?,
                created: row.get(5)?,
                deleted: text(row, 6)? == "deleted",
                artifact_uri: text(row, 7)?,
                params: Labels::new(),
                tags: Labels::new(),
                metrics: Vec::new(),
            })
        })?;
        let mut models = Vec::new();
        for model in found {
            models.extend(self.problems.noted(self.with_labels(model))?);
        }
        Ok(models)
    }

    fn with_labels(&self, mut model: Model) -> Read<Model> {
        let owner = format!("logged model {}", shown(&model.id));
        match model_status(&model.status) {
            Some(status) => status.clone_into(&mut model.status),
            None => {
                return damaged(format!(
                    "{owner}, table `logged_models`: the field `status` is unknown"
                ));
            }
        }
        let sql = "SELECT param_key, param_value FROM logged_model_params WHERE model_id = ?1";
        model.params = self.labels(&owner, "logged_model_params", sql, &[&model.id])?;
        let sql = "SELECT tag_key, tag_value FROM logged_model_tags WHERE model_id = ?1";
        model.tags = self.labels(&owner, "logged_model_tags", sql, &[&model.id])?;
        let sql = "SELECT metric_name, run_id, metric_step, metric_timestamp_ms, metric_value, \
                   dataset_name, dataset_digest FROM logged_model_metrics WHERE model_id = ?1";
        let all = self.rows_of(&owner, "logged_model_metrics", sql, &[&model.id], |row| {
            Ok(ModelMetric {
                name: text(row, 0)?,
                run: text(row, 1)?,
                step: row.get(2)?,
                time: row.get(3)?,
                value: row.get::<_, Option<f64>>(4)?.unwrap_or(f64::NAN),
                dataset_name: maybe_text(row, 5)?,
                dataset_digest: maybe_text(row, 6)?,
            })
        })?;
        model.metrics = latest(all);
        Ok(model)
    }

    pub(super) fn all_registered(&self) -> anyhow::Result<Vec<Registered>> {
        if !self.has("registered_models") || !self.has("model_versions") {
            return Ok(Vec::new());
        }
        let here = self.in_workspace("registered_models")?;
        let sql =
            format!("SELECT name, description FROM registered_models WHERE {here} ORDER BY name");
        let names = self.rows("registered_models", &sql, &[], |row| {
            Ok((text(row, 0)?, text(row, 1)?))
        })?;
        let mut found = Vec::new();
        for (name, description) in names {
            let registered = self.registered_of(name, description);
            found.extend(self.problems.noted(registered)?);
        }
        Ok(found)
    }

    fn registered_of(&self, name: String, description: String) -> Read<Registered> {
        let owner = format!("registered model `{}`", shown(&name));
        let here = self.in_workspace("registered_models")?;
        let labels = |table: &str, key: &str, value: &str| -> Read<Labels> {
            if !self.has(table) {
                return Ok(Labels::new());
            }
            let sql = format!("SELECT {key}, {value} FROM {table} WHERE name = ?1 AND {here}");
            self.labels(&owner, table, &sql, &[&name])
        };
        let tags = labels("registered_model_tags", "key", "value")?;
        let mut aliases = BTreeMap::new();
        for (alias, version) in labels("registered_model_aliases", "alias", "version")? {
            match version.parse() {
                Ok(version) => drop(aliases.insert(alias, version)),
                Err(_) => self.problems.add(format!(
                    "{owner}: the alias `{}` has no version",
                    shown(&alias)
                )),
            }
        }
        let storage = self.column("model_versions", "storage_location", "NULL")?;
        let sql = format!(
            "SELECT version, source, {storage}, run_id, current_stage, description, creation_time \
             FROM model_versions WHERE name = ?1 AND {here} \
             AND current_stage <> 'Deleted_Internal' ORDER BY version"
        );
        let mut versions = self.rows_of(&owner, "model_versions", &sql, &[&name], |row| {
            let filled = |at: usize| -> rusqlite::Result<Option<String>> {
                Ok(maybe_text(row, at)?.filter(|text| !text.is_empty()))
            };
            let source = text(row, 1)?;
            let model = source
                .strip_prefix("models:/")
                .filter(|rest| !rest.contains(['/', '@']));
            Ok(Version {
                number: row.get(0)?,
                model: model.map(str::to_owned),
                source,
                storage: filled(2)?,
                run: filled(3)?,
                stage: filled(4)?.unwrap_or_else(|| "None".to_owned()),
                description: text(row, 5)?,
                tags: Labels::new(),
                created: row.get::<_, Option<i64>>(6)?.unwrap_or(0),
            })
        })?;
        for version in &mut versions {
            let sql = format!(
                "SELECT key, value FROM model_version_tags WHERE name = ?1 AND version = ?2 AND {here}"
            );
            let values: [&dyn rusqlite::ToSql; 2] = [&name, &version.number];
            version.tags = self.labels(&owner, "model_version_tags", &sql, &values)?;
        }
        Ok(Registered {
            name,
            description,
            tags,
            aliases,
            versions,
        })
    }
}

/// The latest of each metric, by run and dataset.
fn latest(all: Vec<ModelMetric>) -> Vec<ModelMetric> {
    let mut latest: BTreeMap<_, ModelMetric> = BTreeMap::new();
    let point = |metric: &ModelMetric| Point {
        step: metric.step,
        time: metric.time,
        value: metric.value,
    };
    for metric in all {
        let dataset = (metric.dataset_name.clone(), metric.dataset_digest.clone());
        let key = (metric.name.clone(), metric.run.clone(), dataset);
        let newest = latest.entry(key).or_insert_with(|| metric.clone());
        if point(&metric).order(&point(newest)).is_gt() {
            *newest = metric;
        }
    }
    latest.into_values().collect()
}
