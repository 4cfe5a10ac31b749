//! Writes what a hub has as a file store of MLflow, and reads that back.
//!
//! The folder is made under another name beside its place and renamed when it is whole.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use mlhub_client::Client;
use mlhub_client::transfer::hash_reader;
use mlhub_core::Name;

use super::import::chosen;
use super::records::{Experiment, Model, Owner, Problems, Read, Run, Trouble, missing};
use super::report::{Counts, Report};
use super::source::{Files, Server, Source};
use super::store_writer::{Meta, disk, file, folder_at, labels, meta, place, uri};
use crate::exit::{REFUSED, fail};

/// What is exported.
#[derive(Debug, Clone)]
pub(crate) struct ExportOptions {
    /// Only experiments of this project.
    pub(crate) project: Option<String>,
    /// Only experiments of these names; all when empty.
    pub(crate) experiments: Vec<String>,
    /// Whether files are exported.
    pub(crate) artifacts: bool,
}

/// An export under way.
pub(super) struct Export<'a> {
    pub(super) hub: &'a Server,
    /// Where it is written.
    pub(super) root: PathBuf,
    /// Where it will be.
    pub(super) dest: PathBuf,
    pub(super) problems: Problems,
    pub(super) report: Report,
    artifacts: bool,
    progress: &'a dyn Fn(&Counts),
    /// Content hashes of the files that were written, by place below the root.
    hashes: BTreeMap<PathBuf, String>,
}

/// The project of an experiment by its name in MLflow.
fn project_of(title: &str) -> &str {
    match title.split_once('/') {
        Some((project, rest))
            if project.parse::<Name>().is_ok() && rest.parse::<Name>().is_ok() =>
        {
            project
        }
        _ => "default",
    }
}

/// Exports into a folder that is new or empty.
pub(super) fn export(
    client: &Client,
    dest: &Path,
    options: &ExportOptions,
    progress: &dyn Fn(&Counts),
) -> anyhow::Result<Report> {
    let dest = std::path::absolute(dest).map_err(disk(dest))?;
    let taken = std::fs::read_dir(&dest).map(|mut entries| entries.next().is_some());
    if taken.unwrap_or_else(|_| dest.exists()) {
        return Err(fail(
            REFUSED,
            format!("`{}` is not empty; name a new folder", dest.display()),
        ));
    }
    let parent = dest.parent().unwrap_or(&dest);
    folder_at(parent)?;
    let temporary = tempfile::Builder::new()
        .prefix(".mlhub-export-")
        .tempdir_in(parent)
        .map_err(disk(parent))?;
    let hub = Server::new(client.mlflow());
    let mut export = Export {
        hub: &hub,
        root: temporary.path().join("mlruns"),
        dest: dest.clone(),
        problems: Problems::default(),
        report: Report::default(),
        artifacts: options.artifacts,
        progress,
        hashes: BTreeMap::new(),
    };
    let mut experiments = chosen(&hub, &options.experiments)?;
    if let Some(project) = &options.project {
        experiments.retain(|experiment| project_of(&experiment.name) == project);
        if experiments.is_empty() {
            return Err(fail(
                REFUSED,
                format!("no experiment is in the project `{project}`"),
            ));
        }
    }
    folder_at(&export.root.join(".trash"))?;
    folder_at(&export.root.join("models"))?;
    for experiment in &experiments {
        export.experiment(experiment)?;
    }
    let whole = options.project.is_none() && options.experiments.is_empty();
    if whole {
        export.registry()?;
    }
    export.look_again(&experiments, whole)?;
    std::fs::rename(&export.root, &dest).map_err(disk(&dest))?;
    let mut report = export.report;
    report.problems = export.problems.all();
    report.problems.extend(hub.problems().all());
    Ok(report)
}

impl Export<'_> {
    /// The folder of an experiment below a root.
    fn folder(root: &Path, experiment: &Experiment) -> PathBuf {
        match experiment.deleted {
            true => root.join(".trash").join(&experiment.id),
            false => root.join(&experiment.id),
        }
    }

    fn experiment(&mut self, experiment: &Experiment) -> anyhow::Result<()> {
        self.report.source.experiments += 1;
        self.report.source.tags += experiment.tags.len() as u64;
        let folder = Self::folder(&self.root, experiment);
        let location = uri(&self.dest.join(&experiment.id));
        let stage = if experiment.deleted {
            "deleted"
        } else {
            "active"
        };
        meta(
            &folder,
            &[
                ("artifact_location", location.as_str().into()),
                ("creation_time", experiment.created.into()),
                ("experiment_id", experiment.id.as_str().into()),
                ("last_update_time", experiment.created.into()),
                ("lifecycle_stage", stage.into()),
                ("name", experiment.name.as_str().into()),
            ],
        )?;
        let owner = format!("experiment `{}`", experiment.name);
        labels(
            &owner,
            &folder.join("tags"),
            &experiment.tags,
            &self.problems,
        )?;
        for id in self.hub.runs(experiment)? {
            self.report.source.runs += 1;
            (self.progress)(&self.report.source);
            let run = self.hub.run(experiment, &id);
            if let Some(run) = self.problems.noted(run)? {
                self.run(experiment, &folder, &run)?;
            }
        }
        for model in self.hub.models(experiment)? {
            self.report.source.logged_models += 1;
            self.model(&folder, &model)?;
        }
        Ok(())
    }

    fn run(
        &mut self,
        experiment: &Experiment,
        in_experiment: &Path,
        run: &Run,
    ) -> anyhow::Result<()> {
        let owner = format!("run {}", run.id);
        let folder = in_experiment.join(&run.id);
        let status = ["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"]
            .iter()
            .position(|status| *status == run.status)
            .map_or(1, |at| at as i64 + 1);
        let artifacts = self
            .dest
            .join(&experiment.id)
            .join(&run.id)
            .join("artifacts");
        let stage = if run.deleted { "deleted" } else { "active" };
        meta(
            &folder,
            &[
                ("artifact_uri", uri(&artifacts).as_str().into()),
                (
                    "deleted_time",
                    run.deleted.then_some(run.ended).flatten().into(),
                ),
                ("end_time", run.ended.into()),
                ("entry_point_name", "".into()),
                ("experiment_id", experiment.id.as_str().into()),
                ("lifecycle_stage", stage.into()),
                ("run_id", run.id.as_str().into()),
                ("run_name", run.name.as_deref().unwrap_or_default().into()),
                ("run_uuid", run.id.as_str().into()),
                ("source_name", "".into()),
                ("source_type", 4.into()),
                ("source_version", "".into()),
                ("start_time", run.started.into()),
                ("status", status.into()),
                ("tags", Meta::Empty),
                ("user_id", run.user.as_deref().unwrap_or_default().into()),
            ],
        )?;
        labels(&owner, &folder.join("params"), &run.params, &self.problems)?;
        labels(&owner, &folder.join("tags"), &run.tags, &self.problems)?;
        folder_at(&folder.join("metrics"))?;
        for metric in &run.metrics {
            let history = self.hub.history(run, metric);
            let Some(points) = self.problems.noted(history)? else {
                continue;
            };
            self.report.source.points += points.len() as u64;
            let Some(path) = place(&owner, &folder.join("metrics"), metric, &self.problems)? else {
                continue;
            };
            let mut text = Vec::new();
            for point in &points {
                writeln!(text, "{} {:?} {}", point.time, point.value, point.step)?;
            }
            file(&path, &text)?;
        }
        self.inputs(in_experiment, &folder, run)?;
        folder_at(&folder.join("artifacts"))?;
        self.files(Owner::Run(run), &folder.join("artifacts"))
    }

    fn inputs(&mut self, in_experiment: &Path, folder: &Path, run: &Run) -> anyhow::Result<()> {
        let input = |kind: &str, id: &str, tags| {
            [
                ("destination_id", Meta::from(id)),
                ("destination_type", "RUN".into()),
                ("source_id", id.into()),
                ("source_type", kind.into()),
                ("tags", Meta::Map(tags)),
            ]
        };
        for one in &run.inputs {
            let dataset = &one["dataset"];
            let text = |key: &str| dataset[key].as_str();
            let identity = format!(
                "{}\0{}",
                text("name").unwrap_or(""),
                text("digest").unwrap_or("")
            );
            let id = blake3::hash(identity.as_bytes()).to_hex()[..32].to_owned();
            let names = [
                "digest",
                "name",
                "profile",
                "schema",
                "source",
                "source_type",
            ];
            let entries = names.map(|name| (name, Meta::from(text(name))));
            meta(&in_experiment.join("datasets").join(&id), &entries)?;
            let pair = |tag: &serde_json::Value| {
                let of = |key: &str| tag[key].as_str().unwrap_or_default().to_owned();
                (of("key"), of("value"))
            };
            let tags = one["tags"]
                .as_array()
                .map(|tags| tags.iter().map(pair).collect());
            let entries = input("DATASET", &id, tags.unwrap_or_default());
            meta(&folder.join("inputs").join(&id), &entries)?;
        }
        for model in &run.models_read {
            let entries = input("MODEL", model, BTreeMap::new());
            meta(&folder.join("inputs").join(model), &entries)?;
        }
        for (model, step) in &run.models_made {
            let entries = [
                ("destination_id", Meta::from(model.as_str())),
                ("destination_type", "MODEL_OUTPUT".into()),
                ("source_id", model.as_str().into()),
                ("source_type", "RUN_OUTPUT".into()),
                ("step", (*step).into()),
                ("tags", Meta::Map(BTreeMap::new())),
            ];
            meta(&folder.join("outputs").join(model), &entries)?;
        }
        Ok(())
    }

    fn model(&mut self, in_experiment: &Path, model: &Model) -> anyhow::Result<()> {
        let owner = format!("logged model {}", model.id);
        let folder = in_experiment.join("models").join(&model.id);
        let artifacts = self
            .dest
            .join(&model.experiment)
            .join("models")
            .join(&model.id);
        let status = match model.status.as_str() {
            "LOGGED_MODEL_PENDING" => 1,
            "LOGGED_MODEL_READY" => 2,
            _ => 3,
        };
        meta(
            &folder,
            &[
                (
                    "artifact_location",
                    uri(&artifacts.join("artifacts")).as_str().into(),
                ),
                ("creation_timestamp", model.created.into()),
                ("experiment_id", model.experiment.as_str().into()),
                ("last_updated_timestamp", model.created.into()),
                ("lifecycle_stage", "active".into()),
                ("model_id", model.id.as_str().into()),
                ("model_type", model.kind.as_deref().into()),
                ("name", model.name.as_str().into()),
                ("source_run_id", model.run.as_deref().into()),
                ("status", status.into()),
                ("status_message", Meta::Null),
            ],
        )?;
        labels(
            &owner,
            &folder.join("params"),
            &model.params,
            &self.problems,
        )?;
        labels(&owner, &folder.join("tags"), &model.tags, &self.problems)?;
        folder_at(&folder.join("metrics"))?;
        let mut texts: BTreeMap<&str, String> = BTreeMap::new();
        for metric in &model.metrics {
            let dataset = match (&metric.dataset_name, &metric.dataset_digest) {
                (Some(name), Some(digest)) if !name.contains(char::is_whitespace) => {
                    format!(" {name} {digest}")
                }
                _ => String::new(),
            };
            let line = format!(
                "{} {:?} {} {}{dataset}\n",
                metric.time, metric.value, metric.step, metric.run
            );
            texts.entry(&metric.name).or_default().push_str(&line);
        }
        for (name, text) in texts {
            if let Some(path) = place(&owner, &folder.join("metrics"), name, &self.problems)? {
                file(&path, text.as_bytes())?;
            }
        }
        folder_at(&folder.join("artifacts"))?;
        self.files(Owner::Model(model), &folder.join("artifacts"))
    }

    fn files(&mut self, owner: Owner<'_>, folder: &Path) -> anyhow::Result<()> {
        if !self.artifacts {
            return Ok(());
        }
        let listed = self.hub.files(owner);
        for found in self.problems.noted(listed)?.unwrap_or_default() {
            self.report.source.files += 1;
            self.report.source.bytes += found.size;
            (self.progress)(&self.report.source);
            let opened = self.hub.open(owner, &found.path);
            let Some(mut content) = self.problems.noted(opened)? else {
                continue;
            };
            let path = folder.join(&found.path);
            folder_at(path.parent().unwrap_or(folder))?;
            let mut out = std::fs::File::create(&path).map_err(disk(&path))?;
            let mut hasher = blake3::Hasher::new();
            let mut piece = vec![0; 256 * 1024];
            loop {
                let count = content.read(&mut piece).map_err(disk(&path))?;
                if count == 0 {
                    break;
                }
                hasher.update(&piece[..count]);
                out.write_all(&piece[..count]).map_err(disk(&path))?;
            }
            out.sync_all().map_err(disk(&path))?;
            let below = path.strip_prefix(&self.root).unwrap_or(&path).to_owned();
            self.hashes
                .insert(below, hasher.finalize().to_hex().to_string());
        }
        Ok(())
    }

    /// Reads the folder as an import would, and compares it with the hub.
    fn look_again(&mut self, experiments: &[Experiment], registry: bool) -> anyhow::Result<()> {
        let folder = Files::open(&self.root, &[])?;
        let there = folder.experiments()?;
        for experiment in experiments {
            let found = there.iter().find(|one| one.id == experiment.id);
            let Some(found) = found.filter(|one| one.name == experiment.name) else {
                self.problems.add(format!(
                    "experiment `{}` cannot be read back",
                    experiment.name
                ));
                continue;
            };
            self.report.there.experiments += 1;
            let same = |(key, value): &(&String, &String)| found.tags.get(*key) == Some(*value);
            self.report.there.tags += experiment.tags.iter().filter(same).count() as u64;
            for id in self.hub.runs(experiment)? {
                let run = self.hub.run(experiment, &id);
                let Some(run) = self.problems.noted(run)? else {
                    continue;
                };
                let compared = self.run_again(&folder, found, &run);
                self.problems.noted(compared)?;
            }
            self.report.there.logged_models += folder.models(found)?.len() as u64;
        }
        for (path, hash) in std::mem::take(&mut self.hashes) {
            let at = self.root.join(&path);
            let read = std::fs::File::open(&at).and_then(hash_reader);
            match read {
                Ok((again, size)) if again == hash => {
                    self.report.there.files += 1;
                    self.report.there.bytes += size;
                }
                _ => self
                    .problems
                    .add(format!("the file `{}` cannot be read back", path.display())),
            }
        }
        if registry {
            for registered in folder.registered()? {
                self.report.there.registered_models += 1;
                self.report.there.versions += registered.versions.len() as u64;
            }
        }
        for problem in folder.problems().all() {
            self.problems.add(problem);
        }
        Ok(())
    }

    fn run_again(&mut self, folder: &Files, experiment: &Experiment, run: &Run) -> Read<()> {
        let again = folder.run(experiment, &run.id)?;
        let differs = |what: &str| {
            Err(Trouble::Damaged(format!(
                "run {}: what was written differs in its {what}",
                run.id
            )))
        };
        let (source, there) = (&mut self.report.source, &mut self.report.there);
        let equal = |ours: &BTreeMap<String, String>, other: &BTreeMap<String, String>| {
            ours.iter()
                .filter(|(key, value)| other.get(*key) == Some(value))
                .count() as u64
        };
        there.runs += 1;
        source.params += run.params.len() as u64;
        source.tags += run.tags.len() as u64;
        source.datasets += run.inputs.len() as u64;
        there.params += equal(&run.params, &again.params);
        there.tags += equal(&run.tags, &again.tags);
        there.datasets += again.inputs.len() as u64;
        for metric in &run.metrics {
            let points = self.hub.history(run, metric)?;
            if again.metrics.contains(metric) {
                let lost = missing(&points, &folder.history(&again, metric)?).len();
                there.points += (points.len() - lost) as u64;
            }
        }
        let head = |run: &Run| (run.status.clone(), run.started, run.ended, run.deleted);
        if head(run) != head(&again) {
            return differs("status or times");
        }
        if run.name != again.name {
            return differs("name");
        }
        let links = |run: &Run| (run.models_read.clone(), run.models_made.clone());
        if links(run) != links(&again) {
            return differs("models");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn experiments_are_in_the_project_that_their_names_say() {
        assert_eq!(project_of("flowers/trees"), "flowers");
        for title in ["trees", "/Users/ann/x", "a/b/c", ""] {
            assert_eq!(project_of(title), "default", "{title}");
        }
    }
}
