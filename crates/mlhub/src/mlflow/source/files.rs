//! MLflow's file store, the folder `mlruns`: experiments, runs and their points. Models are in
//! `files_models`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Source;
use crate::exit::{REFUSED, fail};
use crate::mlflow::local::{self, Roots};
use crate::mlflow::records::{
    Experiment, File, Labels, Model, Owner, Point, Problems, Read, Registered, Run, damaged, float,
    in_order, run_status,
};
use crate::mlflow::yaml::Yaml;

/// Bytes of a `meta.yaml`: a dataset's profile may have 16 MiB.
const META_MAX_BYTES: u64 = 32 * 1024 * 1024;
/// Bytes of a param or tag.
pub(super) const LABEL_MAX_BYTES: u64 = 1024 * 1024;
/// Bytes of the points of one metric.
const METRIC_MAX_BYTES: u64 = 4 * 1024 * 1024 * 1024;
/// Damaged lines that are told of one metric.
const LINES_TOLD_MAX: usize = 5;
/// What names a folder or a file of the store.
pub(super) const META: &str = "meta.yaml";
/// Folders of an experiment that are no runs.
const RESERVED: [&str; 4] = ["tags", "datasets", "traces", "models"];

/// A file store.
pub(in crate::mlflow) struct Files {
    pub(super) root: PathBuf,
    pub(super) problems: Problems,
    roots: Roots,
}

/// Whether there is a folder that is no link.
fn is_folder(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir())
}

/// The `meta.yaml` of a folder.
pub(super) fn meta(folder: &Path) -> Read<Yaml> {
    let path = folder.join(META);
    let text = local::text(&path, META_MAX_BYTES)?;
    match Yaml::parse(&text) {
        Ok(yaml @ Yaml::Map(_)) if !text.trim().is_empty() => Ok(yaml),
        Ok(_) => damaged(format!("`{}`: no keys with values", path.display())),
        Err(why) => damaged(format!("`{}`: {why}", path.display())),
    }
}

/// A text that a `meta.yaml` must have.
pub(super) fn required<'y>(folder: &Path, yaml: &'y Yaml, key: &str) -> Read<&'y str> {
    match yaml.text_of(key) {
        Some(text) => Ok(text),
        None => damaged(format!(
            "`{}`: the field `{key}` is missing",
            folder.join(META).display()
        )),
    }
}

/// A whole number of a `meta.yaml`, if there is one.
pub(super) fn int(folder: &Path, yaml: &Yaml, key: &str) -> Read<Option<i64>> {
    yaml.int_of(key)
        .or_else(|why| damaged(format!("`{}`: {why}", folder.join(META).display())))
}

impl Files {
    pub(in crate::mlflow) fn open(root: &Path, more: &[PathBuf]) -> anyhow::Result<Self> {
        let store = Self {
            root: root.to_owned(),
            problems: Problems::default(),
            roots: Roots::new(root, more)?,
        };
        let is_one = store
            .experiment_folders()?
            .iter()
            .any(|(_, folder)| folder.join(META).exists())
            || root.join("models").is_dir();
        match is_one {
            true => Ok(store),
            false => Err(fail(
                REFUSED,
                format!(
                    "`{}` is no file store of MLflow: no folder in it has a `meta.yaml` of an experiment",
                    root.display()
                ),
            )),
        }
    }

    /// The folders of experiments with their names, deleted ones among them.
    fn experiment_folders(&self) -> anyhow::Result<Vec<(String, PathBuf)>> {
        let mut found = Vec::new();
        for parent in [self.root.clone(), self.root.join(".trash")] {
            if parent != self.root && !is_folder(&parent) {
                continue;
            }
            let entries = self
                .problems
                .noted(local::entries(&parent, &self.problems))?;
            for (name, is_folder) in entries.unwrap_or_default() {
                if is_folder && name != ".trash" && name != "models" {
                    found.push((name.clone(), parent.join(name)));
                }
            }
        }
        Ok(found)
    }

    /// The folder of an experiment.
    pub(super) fn experiment_folder(&self, id: &str) -> PathBuf {
        let active = self.root.join(id);
        match is_folder(&active) {
            true => active,
            false => self.root.join(".trash").join(id),
        }
    }

    fn experiment(&self, id: &str, folder: &Path) -> Read<Experiment> {
        let yaml = meta(folder)?;
        let told = required(folder, &yaml, "experiment_id")?;
        if told != id {
            return damaged(format!(
                "`{}`: the field `experiment_id` is not the folder's name",
                folder.join(META).display()
            ));
        }
        Ok(Experiment {
            id: id.to_owned(),
            name: required(folder, &yaml, "name")?.to_owned(),
            tags: self.labels(&folder.join("tags"))?,
            deleted: yaml.text_of("lifecycle_stage") == Some("deleted"),
            created: int(folder, &yaml, "creation_time")?,
        })
    }

    /// Files below a folder as keys with their texts; a damaged one is told and left out.
    pub(super) fn labels(&self, folder: &Path) -> Read<Labels> {
        let mut found = Labels::new();
        for key in self.keys(folder)? {
            match local::text(&folder.join(&key), LABEL_MAX_BYTES) {
                Ok(value) => drop(found.insert(key, value)),
                Err(crate::mlflow::records::Trouble::Damaged(why)) => self.problems.add(why),
                Err(fatal) => return Err(fatal),
            }
        }
        Ok(found)
    }

    /// Files below a folder as keys.
    pub(super) fn keys(&self, folder: &Path) -> Read<Vec<String>> {
        if !is_folder(folder) {
            return Ok(Vec::new());
        }
        let files = local::files(folder, &self.problems)?;
        Ok(files.into_iter().map(|file| file.path).collect())
    }

    /// The folders in a folder that have a `meta.yaml`, by name.
    pub(super) fn described(&self, folder: &Path) -> Read<Vec<(String, PathBuf)>> {
        if !is_folder(folder) {
            return Ok(Vec::new());
        }
        let entries = local::entries(folder, &self.problems)?.into_iter();
        let folders = entries.filter(|(_, is_folder)| *is_folder);
        Ok(folders
            .map(|(name, _)| (name.clone(), folder.join(name)))
            .collect())
    }

    /// Datasets and logged models that a run read.
    fn inputs(&self, experiment: &Path, run: &Path) -> Read<(Vec<Value>, BTreeSet<String>)> {
        let mut datasets = Vec::new();
        let mut models = BTreeSet::new();
        for (_, folder) in self.described(&run.join("inputs"))? {
            let yaml = meta(&folder)?;
            let id = required(&folder, &yaml, "source_id")?;
            match yaml.text_of("source_type") {
                Some("MODEL") => drop(models.insert(id.to_owned())),
                _ if id.contains('/') => {
                    return damaged(format!(
                        "`{}`: the field `source_id` is no name",
                        folder.join(META).display()
                    ));
                }
                _ => {
                    let all = experiment.join("datasets");
                    if !is_folder(&all) || !is_folder(&all.join(id)) {
                        return damaged(format!(
                            "`{}`: the dataset is not in `{}`",
                            folder.join(META).display(),
                            all.display()
                        ));
                    }
                    let dataset = meta(&all.join(id))?;
                    let mut of = json!({});
                    for key in [
                        "name",
                        "digest",
                        "source_type",
                        "source",
                        "schema",
                        "profile",
                    ] {
                        if let Some(text) = dataset.text_of(key) {
                            of[key] = text.into();
                        }
                    }
                    let tags = yaml
                        .get("tags")
                        .unwrap_or(&Yaml::List(Vec::new()))
                        .texts()
                        .map(|(key, value)| json!({"key": key, "value": value}))
                        .collect::<Vec<_>>();
                    datasets.push(json!({"dataset": of, "tags": tags}));
                }
            }
        }
        Ok((datasets, models))
    }

    fn outputs(&self, run: &Path) -> Read<BTreeMap<String, i64>> {
        let mut models = BTreeMap::new();
        for (_, folder) in self.described(&run.join("outputs"))? {
            let yaml = meta(&folder)?;
            let id = required(&folder, &yaml, "source_id")?.to_owned();
            models.insert(id, int(&folder, &yaml, "step")?.unwrap_or(0));
        }
        Ok(models)
    }

    /// Where the store itself has the files of a run or model.
    fn own_folder(&self, owner: Owner<'_>) -> PathBuf {
        let folder = match owner {
            Owner::Run(run) => self.experiment_folder(&run.experiment).join(&run.id),
            Owner::Model(model) => self
                .experiment_folder(&model.experiment)
                .join("models")
                .join(&model.id),
        };
        folder.join("artifacts")
    }

    fn artifacts(&self, owner: Owner<'_>) -> Read<Option<PathBuf>> {
        self.roots.folder(owner, Some(&self.own_folder(owner)))
    }
}

impl Source for Files {
    fn problems(&self) -> &Problems {
        &self.problems
    }

    fn experiments(&self) -> anyhow::Result<Vec<Experiment>> {
        let mut found = Vec::new();
        for (id, folder) in self.experiment_folders()? {
            found.extend(self.problems.noted(self.experiment(&id, &folder))?);
        }
        Ok(found)
    }

    fn runs(&self, experiment: &Experiment) -> anyhow::Result<Vec<String>> {
        let folder = self.experiment_folder(&experiment.id);
        let entries = self
            .problems
            .noted(self.described(&folder))?
            .unwrap_or_default();
        let names = entries.into_iter().map(|(name, _)| name);
        Ok(names
            .filter(|name| !RESERVED.contains(&name.as_str()))
            .collect())
    }

    fn run(&self, experiment: &Experiment, id: &str) -> Read<Run> {
        let in_experiment = self.experiment_folder(&experiment.id);
        let folder = in_experiment.join(id);
        let yaml = meta(&folder)?;
        let told = yaml.text_of("run_id").or_else(|| yaml.text_of("run_uuid"));
        if told != Some(id) {
            return damaged(format!(
                "`{}`: the field `run_id` is not the folder's name",
                folder.join(META).display()
            ));
        }
        let Some(status) = run_status(yaml.text_of("status").unwrap_or("RUNNING")) else {
            return damaged(format!(
                "`{}`: the field `status` is none of 1 to 5",
                folder.join(META).display()
            ));
        };
        let tags = self.labels(&folder.join("tags"))?;
        let name = ["run_name", "name"]
            .into_iter()
            .find_map(|key| yaml.text_of(key))
            .filter(|name| !name.is_empty())
            .or_else(|| tags.get("mlflow.runName").map(String::as_str));
        let (inputs, models_read) = self.inputs(&in_experiment, &folder)?;
        let text = |key| yaml.text_of(key).map(str::to_owned);
        Ok(Run {
            id: id.to_owned(),
            experiment: experiment.id.clone(),
            name: name.map(str::to_owned),
            user: text("user_id").filter(|user| !user.is_empty()),
            status: status.to_owned(),
            started: int(&folder, &yaml, "start_time")?,
            ended: int(&folder, &yaml, "end_time")?,
            deleted: yaml.text_of("lifecycle_stage") == Some("deleted"),
            artifact_uri: text("artifact_uri").unwrap_or_default(),
            metrics: self.keys(&folder.join("metrics"))?,
            params: self.labels(&folder.join("params"))?,
            tags,
            inputs,
            models_read,
            models_made: self.outputs(&folder)?,
        })
    }

    fn history(&self, run: &Run, metric: &str) -> Read<Vec<Point>> {
        let folder = self.experiment_folder(&run.experiment).join(&run.id);
        let path = folder.join("metrics").join(metric);
        let text = local::text(&path, METRIC_MAX_BYTES)?;
        let mut points = Vec::new();
        let mut bad = 0;
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            match point(line) {
                Some(point) => points.push(point),
                None if bad < LINES_TOLD_MAX => {
                    bad += 1;
                    self.problems.add(format!(
                        "`{}` line {}: no point (a time, a value and a step)",
                        path.display(),
                        index + 1
                    ));
                }
                None => bad += 1,
            }
        }
        if bad > LINES_TOLD_MAX {
            let more = bad - LINES_TOLD_MAX;
            self.problems.add(format!(
                "`{}`: {more} more lines are no points",
                path.display()
            ));
        }
        Ok(in_order(points))
    }

    fn models(&self, experiment: &Experiment) -> anyhow::Result<Vec<Model>> {
        self.all_models(experiment)
    }

    fn registered(&self) -> anyhow::Result<Vec<Registered>> {
        self.all_registered()
    }

    fn files(&self, owner: Owner<'_>) -> Read<Vec<File>> {
        match self.artifacts(owner)? {
            Some(folder) => local::files(&folder, &self.problems),
            None => Ok(Vec::new()),
        }
    }

    fn open(&self, owner: Owner<'_>, path: &str) -> Read<std::fs::File> {
        match self.artifacts(owner)? {
            Some(folder) => local::open(&folder.join(path)),
            None => damaged(format!("{}: its artifacts are gone", owner.told())),
        }
    }
}

/// A line of a metric: time, value, step; older ones have no step, some name a dataset.
fn point(line: &str) -> Option<Point> {
    let parts: Vec<&str> = line.trim().split(' ').collect();
    let (time, value, step) = match parts.as_slice() {
        [time, value] => (time, value, &"0"),
        [time, value, step] | [time, value, step, _, _] => (time, value, step),
        _ => return None,
    };
    let time = time.parse().ok().filter(|time| *time >= 0)?;
    Some(Point {
        step: step.parse().ok()?,
        time,
        value: float(value)?,
    })
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
