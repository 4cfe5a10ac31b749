//! Logged models and the registry of MLflow's file store.

use std::collections::BTreeMap;
use std::path::Path;

use super::files::{Files, META, int, meta, required};
use crate::mlflow::local;
use crate::mlflow::records::{
    Experiment, Model, ModelMetric, Point, Read, Registered, Version, damaged, float, model_status,
};

/// Bytes of the metrics of a logged model.
const METRIC_MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Name and digest of a dataset.
type Dataset = Option<[String; 2]>;

impl Files {
    pub(super) fn all_models(&self, experiment: &Experiment) -> anyhow::Result<Vec<Model>> {
        let folder = self.experiment_folder(&experiment.id).join("models");
        let mut found = Vec::new();
        let entries = self.problems.noted(self.described(&folder))?;
        for (id, folder) in entries.unwrap_or_default() {
            let model = self.model(experiment, &id, &folder);
            found.extend(self.problems.noted(model)?);
        }
        Ok(found)
    }

    fn model(&self, experiment: &Experiment, id: &str, folder: &Path) -> Read<Model> {
        let yaml = meta(folder)?;
        if required(folder, &yaml, "model_id")? != id {
            return damaged(format!(
                "`{}`: the field `model_id` is not the folder's name",
                folder.join(META).display()
            ));
        }
        let status = yaml.text_of("status").unwrap_or("2");
        let Some(status) = model_status(status) else {
            return damaged(format!(
                "`{}`: the field `status` is none",
                folder.join(META).display()
            ));
        };
        let text = |key| yaml.text_of(key).map(str::to_owned);
        Ok(Model {
            id: id.to_owned(),
            experiment: experiment.id.clone(),
            name: required(folder, &yaml, "name")?.to_owned(),
            run: text("source_run_id").filter(|run| !run.is_empty()),
            kind: text("model_type").filter(|kind| !kind.is_empty()),
            status: status.to_owned(),
            created: int(folder, &yaml, "creation_timestamp")?.unwrap_or(0),
            deleted: yaml.text_of("lifecycle_stage") == Some("deleted"),
            artifact_uri: text("artifact_location").unwrap_or_default(),
            params: self.labels(&folder.join("params"))?,
            tags: self.labels(&folder.join("tags"))?,
            metrics: self.model_metrics(&folder.join("metrics"))?,
        })
    }

    /// The latest value of each metric, by run and dataset.
    fn model_metrics(&self, folder: &Path) -> Read<Vec<ModelMetric>> {
        let mut latest: BTreeMap<(String, String, Dataset), Point> = BTreeMap::new();
        for name in self.keys(folder)? {
            let path = folder.join(&name);
            let text = local::text(&path, METRIC_MAX_BYTES)?;
            for (index, line) in text.lines().enumerate() {
                let Some((run, dataset, point)) = model_point(line) else {
                    self.problems.add(format!(
                        "`{}` line {}: no point of a logged model",
                        path.display(),
                        index + 1
                    ));
                    continue;
                };
                let newest = latest.entry((name.clone(), run, dataset)).or_insert(point);
                if point.order(newest).is_gt() {
                    *newest = point;
                }
            }
        }
        let metric = |((name, run, dataset), point): ((String, String, Dataset), Point)| {
            let [dataset_name, dataset_digest] = match dataset {
                Some([name, digest]) => [Some(name), Some(digest)],
                None => [None, None],
            };
            ModelMetric {
                name,
                run,
                step: point.step,
                time: point.time,
                value: point.value,
                dataset_name,
                dataset_digest,
            }
        };
        Ok(latest.into_iter().map(metric).collect())
    }

    pub(super) fn all_registered(&self) -> anyhow::Result<Vec<Registered>> {
        let folder = self.root.join("models");
        let mut found = Vec::new();
        let entries = self.problems.noted(self.described(&folder))?;
        for (_, folder) in entries.unwrap_or_default() {
            found.extend(self.problems.noted(self.registered_of(&folder))?);
        }
        Ok(found)
    }

    fn registered_of(&self, folder: &Path) -> Read<Registered> {
        let yaml = meta(folder)?;
        let mut aliases = BTreeMap::new();
        for (alias, version) in self.labels(&folder.join("aliases"))? {
            match version.trim().parse() {
                Ok(version) => drop(aliases.insert(alias, version)),
                Err(_) => self.problems.add(format!(
                    "`{}`: no number of a version",
                    folder.join("aliases").join(alias).display()
                )),
            }
        }
        let mut versions = Vec::new();
        for (name, folder) in self.described(folder)? {
            let Some(number) = name.strip_prefix("version-") else {
                continue;
            };
            let version = self.version_of(&folder, number);
            versions.extend(self.problems.noted(version)?);
        }
        // What MLflow deleted it keeps under this stage.
        versions.retain(|version| version.stage != "Deleted_Internal");
        versions.sort_by_key(|version| version.number);
        Ok(Registered {
            name: required(folder, &yaml, "name")?.to_owned(),
            description: yaml.text_of("description").unwrap_or_default().to_owned(),
            tags: self.labels(&folder.join("tags"))?,
            aliases,
            versions,
        })
    }

    fn version_of(&self, folder: &Path, number: &str) -> Read<Version> {
        let yaml = meta(folder)?;
        let number = match number.parse() {
            Ok(number) if number > 0 => number,
            _ => return damaged(format!("`{}`: no number", folder.display())),
        };
        let text = |key: &str| {
            let text = yaml.text_of(key).filter(|text| !text.is_empty());
            text.map(str::to_owned)
        };
        Ok(Version {
            number,
            source: required(folder, &yaml, "source")?.to_owned(),
            storage: text("storage_location"),
            run: text("run_id"),
            model: text("model_id"),
            stage: text("current_stage").unwrap_or_else(|| "None".to_owned()),
            description: text("description").unwrap_or_default(),
            tags: self.labels(&folder.join("tags"))?,
            created: int(folder, &yaml, "creation_timestamp")?.unwrap_or(0),
        })
    }
}

/// A line: time, value, step and run, and perhaps name and digest of a dataset.
fn model_point(line: &str) -> Option<(String, Dataset, Point)> {
    let parts: Vec<&str> = line.trim().split(' ').collect();
    let (head, dataset) = match parts.as_slice() {
        [a, b, c, d] => ([a, b, c, d], None),
        [a, b, c, d, name, digest] => {
            let dataset = [(*name).to_owned(), (*digest).to_owned()];
            ([a, b, c, d], Some(dataset))
        }
        _ => return None,
    };
    let [time, value, step, run] = head;
    let point = Point {
        step: step.parse().ok()?,
        time: time.parse().ok()?,
        value: float(value)?,
    };
    Some(((*run).to_string(), dataset, point))
}
