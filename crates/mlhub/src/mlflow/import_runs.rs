//! One run after another: what the hub lacks is written, then read again and compared.

use std::collections::BTreeMap;
use std::io::Seek as _;

use mlhub_client::transfer::hash_reader;
use mlhub_core::RunId;
use serde_json::{Value, json};

use super::hub::Pen;
use super::import::{Import, Place};
use super::local::shown;
use super::records::{Labels, Owner, Point, Read, Run, damaged, missing};

/// The tag that holds the name of a run.
const NAME_TAG: &str = "mlflow.runName";
/// Problems of one run that are told one by one.
const TOLD_MAX: usize = 10;

/// A file of the source, ready to be sent.
pub(super) struct Ready {
    pub(super) path: String,
    pub(super) size: u64,
    pub(super) hash: String,
    pub(super) file: std::fs::File,
}

/// Name and digest of a dataset that a run read.
fn identity(input: &Value) -> (String, String) {
    let of = |name: &str| {
        input["dataset"][name]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    (of("name"), of("digest"))
}

fn is_ended(status: &str) -> bool {
    matches!(status, "FINISHED" | "FAILED" | "KILLED")
}

/// Whether the hub tells of the run's end what the source does. A queued run of MLflow is a
/// running one here; one that was deleted while it ran has been ended by that.
fn ends_alike(run: &Run, here: &Run) -> bool {
    let open = |status: &str| !is_ended(status);
    let status =
        run.status == here.status || open(&run.status) && (open(&here.status) || here.deleted);
    status && (open(&run.status) || run.ended.is_none() || run.ended == here.ended)
}

impl Import<'_> {
    /// Imports the runs of an experiment; returns which there are, and which are deleted.
    pub(super) fn runs(&mut self, place: &Place<'_>) -> anyhow::Result<BTreeMap<String, bool>> {
        let mut done = BTreeMap::new();
        for id in self.source.runs(place.there)? {
            self.report.source.runs += 1;
            self.told();
            let run = self.run(place, &id);
            if let Some(deleted) = self.problems().noted(run)? {
                done.insert(id, deleted);
            }
        }
        Ok(done)
    }

    fn run(&mut self, place: &Place<'_>, id: &str) -> Read<bool> {
        if id.parse::<RunId>().is_err() {
            return damaged(format!("run `{}`: no id that a run can have", shown(id)));
        }
        let mut run = self.source.run(place.there, id)?;
        if let Some(name) = &run.name {
            run.tags.insert(NAME_TAG.to_owned(), name.clone());
        }
        let known = self.hub.reader.run_of(id)?;
        let is_new = known.is_none();
        let here = match known {
            Some(here) => here,
            None => self.create(place, &run)?,
        };
        if here.experiment != place.id {
            return damaged(format!(
                "run {id} is on the hub already, in another experiment; it stays as it is"
            ));
        }
        let hub = self.hub;
        let mut writer = Writer {
            hub_deleted: here.deleted,
            pen: Pen::new(hub, &run.id),
            wrote: is_new,
        };
        self.labels(&run, &here, place, &mut writer)?;
        self.points(&run, &here, place, &mut writer, is_new)?;
        self.inputs(&run, &here, place, &mut writer)?;
        let files = self.run_files(&run, place, &mut writer, is_new)?;
        if !ends_alike(&run, &here) {
            writer.open(self, place, &run.id)?;
            self.end(&run, &here)?;
        }
        match (is_new, writer.wrote) {
            (true, _) => self.report.runs_new += 1,
            (false, true) => self.report.runs_changed += 1,
            (false, false) => self.report.runs_unchanged += 1,
        }
        self.look_again(&run, files)?;
        Ok(run.deleted)
    }

    fn create(&self, place: &Place<'_>, run: &Run) -> Read<Run> {
        let owner = format!("run {}", run.id);
        if self
            .hub
            .reader
            .experiment_of(&place.id)?
            .is_some_and(|one| one.deleted)
        {
            let body = json!({"experiment_id": place.id});
            self.hub.post(&owner, "experiments/restore", &body)?;
        }
        let mut body = json!({
            "experiment_id": place.id,
            "mlhub_run_id": run.id,
            "run_name": run.name,
            "user_id": run.user,
        });
        if let Some(started) = run.started {
            body["start_time"] = started.into();
        }
        self.hub.post(&owner, "runs/create", &body)?;
        match self.hub.reader.run_of(&run.id)? {
            Some(here) => Ok(here),
            None => damaged(format!("{owner}: the hub made it and does not have it")),
        }
    }

    fn labels(
        &mut self,
        run: &Run,
        here: &Run,
        place: &Place<'_>,
        writer: &mut Writer<'_>,
    ) -> Read<()> {
        for (key, value) in &run.params {
            match here.params.get(key) {
                Some(other) if other == value => {}
                // A param cannot change; it is told when all is compared.
                Some(_) => {}
                None => {
                    writer.open(self, place, &run.id)?;
                    writer.pen.param(key, value)?;
                }
            }
        }
        for (key, value) in &run.tags {
            if here.tags.get(key) != Some(value) {
                writer.open(self, place, &run.id)?;
                writer.pen.tag(key, value)?;
            }
        }
        writer.pen.flush()
    }

    /// The points that the hub lacks of each metric.
    fn points(
        &mut self,
        run: &Run,
        here: &Run,
        place: &Place<'_>,
        writer: &mut Writer<'_>,
        is_new: bool,
    ) -> Read<()> {
        for metric in &run.metrics {
            let history = self.source.history(run, metric);
            let Some(points) = self.problems().noted(history)? else {
                continue;
            };
            self.report.source.points += points.len() as u64;
            self.told();
            let known = match is_new || !here.metrics.contains(metric) {
                true => Vec::new(),
                false => self.known(run, metric)?,
            };
            let lacking = missing(&points, &known);
            if lacking.is_empty() {
                self.report.there.points += points.len() as u64;
                continue;
            }
            writer.open(self, place, &run.id)?;
            for point in &lacking {
                writer.pen.point(metric, point)?;
            }
            writer.pen.flush()?;
            let lost = missing(&points, &self.known(run, metric)?).len();
            self.report.there.points += (points.len() - lost) as u64;
            if lost > 0 {
                self.problems().add(format!(
                    "run {}, metric `{metric}`: {lost} of {} points are not on the hub",
                    run.id,
                    points.len()
                ));
            }
        }
        Ok(())
    }

    /// The points that the hub has.
    fn known(&self, run: &Run, metric: &str) -> Read<Vec<Point>> {
        use super::source::Source as _;
        self.hub.reader.history(run, metric)
    }

    fn inputs(
        &mut self,
        run: &Run,
        here: &Run,
        place: &Place<'_>,
        writer: &mut Writer<'_>,
    ) -> Read<()> {
        let owner = format!("run {}", run.id);
        let known: Vec<_> = here.inputs.iter().map(identity).collect();
        for input in &run.inputs {
            if !known.contains(&identity(input)) {
                writer.open(self, place, &run.id)?;
                let body = json!({"run_id": run.id, "datasets": [input]});
                self.hub.post(&owner, "runs/log-inputs", &body)?;
            }
        }
        let read: Vec<Value> = run
            .models_read
            .difference(&here.models_read)
            .map(|id| json!({"model_id": id}))
            .collect();
        if !read.is_empty() {
            writer.open(self, place, &run.id)?;
            let body = json!({"run_id": run.id, "models": read});
            self.hub.post(&owner, "runs/log-inputs", &body)?;
        }
        let made: Vec<Value> = run
            .models_made
            .iter()
            .filter(|(id, _)| !here.models_made.contains_key(*id))
            .map(|(id, step)| json!({"model_id": id, "step": step}))
            .collect();
        if !made.is_empty() {
            writer.open(self, place, &run.id)?;
            let body = json!({"run_id": run.id, "models": made});
            self.hub.post(&owner, "runs/outputs", &body)?;
        }
        Ok(())
    }

    /// A file of the source with its hash; damage is told.
    pub(super) fn ready(&self, owner: Owner<'_>, path: &str) -> Read<Ready> {
        let mut file = self.source.open(owner, path)?;
        let hashed = hash_reader(&mut file).and_then(|hashed| file.rewind().map(|()| hashed));
        match hashed {
            Ok((hash, size)) => Ok(Ready {
                path: path.to_owned(),
                size,
                hash,
                file,
            }),
            Err(error) => damaged(format!("{}, `{path}`: {error}", owner.told())),
        }
    }

    /// Sends the files that the hub lacks; returns the hash of each.
    fn run_files(
        &mut self,
        run: &Run,
        place: &Place<'_>,
        writer: &mut Writer<'_>,
        is_new: bool,
    ) -> Read<BTreeMap<String, (String, u64)>> {
        let mut hashes = BTreeMap::new();
        if !self.artifacts {
            return Ok(hashes);
        }
        let owner = Owner::Run(run);
        let listed = self.source.files(owner);
        let files = self.problems().noted(listed)?.unwrap_or_default();
        let known = match is_new || files.is_empty() {
            true => Labels::new(),
            false => self.hub.artifacts(&run.id)?,
        };
        let mut attempt = None;
        for file in files {
            let ready = self.ready(owner, &file.path);
            let Some(mut ready) = self.problems().noted(ready)? else {
                self.report.source.files += 1;
                continue;
            };
            self.report.source.files += 1;
            self.report.source.bytes += ready.size;
            self.told();
            if known.get(&ready.path) != Some(&ready.hash) {
                writer.open(self, place, &run.id)?;
                let number = match attempt {
                    Some(number) => number,
                    None => self.hub.attempt(&run.id)?,
                };
                attempt = Some(number);
                let content = (ready.hash.as_str(), ready.size);
                let sent =
                    self.hub
                        .upload((&run.id, number), &ready.path, content, &mut ready.file);
                self.problems().noted(sent)?;
            }
            hashes.insert(ready.path, (ready.hash, ready.size));
        }
        Ok(hashes)
    }

    /// Ends a run as it ended there.
    fn end(&self, run: &Run, here: &Run) -> Read<()> {
        let owner = format!("run {}", run.id);
        if is_ended(&here.status) {
            let body = json!({"run_id": run.id, "status": "RUNNING"});
            self.hub.post(&owner, "runs/update", &body)?;
        }
        if is_ended(&run.status) {
            let mut body = json!({"run_id": run.id, "status": run.status});
            // One that has no end, and no start, ended when it was imported.
            if let Some(ended) = run.ended.or(run.started) {
                body["end_time"] = ended.into();
            }
            self.hub.post(&owner, "runs/update", &body)?;
        }
        Ok(())
    }

    /// Reads the run from the hub and compares it.
    fn look_again(&mut self, run: &Run, files: BTreeMap<String, (String, u64)>) -> Read<()> {
        let Some(here) = self.hub.reader.run_of(&run.id)? else {
            return damaged(format!("run {} is not on the hub", run.id));
        };
        let mut wrong = Vec::new();
        for (key, value) in &run.params {
            match here.params.get(key) == Some(value) {
                true => self.report.there.params += 1,
                false => wrong.push(format!("the param `{key}` has another value")),
            }
        }
        for (key, value) in &run.tags {
            match here.tags.get(key) == Some(value) {
                true => self.report.there.tags += 1,
                false => wrong.push(format!("the tag `{key}` has another value")),
            }
        }
        self.report.source.params += run.params.len() as u64;
        self.report.source.tags += run.tags.len() as u64;
        let known: Vec<_> = here.inputs.iter().map(identity).collect();
        for input in &run.inputs {
            self.report.source.datasets += 1;
            match known.contains(&identity(input)) {
                true => self.report.there.datasets += 1,
                false => wrong.push(format!("the dataset `{}` is missing", identity(input).0)),
            }
        }
        if !files.is_empty() {
            let known = self.hub.artifacts(&run.id)?;
            for (path, (hash, size)) in files {
                if known.get(&path) == Some(&hash) {
                    self.report.there.files += 1;
                    self.report.there.bytes += size;
                } else {
                    wrong.push(format!("the artifact `{path}` is not the same"));
                }
            }
        }
        if !ends_alike(run, &here) {
            wrong.push("status or end differ".to_owned());
        }
        if run.started.is_some_and(|at| at > 0) && run.started != here.started {
            wrong.push("the start differs".to_owned());
        }
        if run.name.is_some() && run.name != here.name {
            wrong.push("the name differs".to_owned());
        }
        if !run.models_read.is_subset(&here.models_read) {
            wrong.push("models that it read are missing".to_owned());
        }
        let made = |id| here.models_made.contains_key(id);
        if !run.models_made.keys().all(made) {
            wrong.push("models that it made are missing".to_owned());
        }
        let more = wrong.len().saturating_sub(TOLD_MAX);
        for what in wrong.iter().take(TOLD_MAX) {
            self.problems()
                .add(format!("run {} on the hub: {what}", run.id));
        }
        if more > 0 {
            self.problems().add(format!(
                "run {} on the hub: {more} more differences",
                run.id
            ));
        }
        Ok(())
    }

    /// Brings a deleted run of the hub back, so that it can be written to.
    pub(super) fn restore_run(&self, experiment: &str, run: &str) -> Read<()> {
        let owner = format!("run {run}");
        if self
            .hub
            .reader
            .experiment_of(experiment)?
            .is_some_and(|one| one.deleted)
        {
            let body = json!({"experiment_id": experiment});
            self.hub.post(&owner, "experiments/restore", &body)?;
        }
        if self.hub.reader.run_of(run)?.is_some_and(|one| one.deleted) {
            self.hub
                .post(&owner, "runs/restore", &json!({"run_id": run}))?;
        }
        Ok(())
    }
}

/// What writes to one run of the hub.
struct Writer<'h> {
    hub_deleted: bool,
    pen: Pen<'h>,
    wrote: bool,
}

impl Writer<'_> {
    /// Makes sure that the run can be written to.
    fn open(&mut self, import: &Import<'_>, place: &Place<'_>, run: &str) -> Read<()> {
        if self.hub_deleted {
            import.restore_run(&place.id, run)?;
            self.hub_deleted = false;
        }
        self.wrote = true;
        Ok(())
    }
}
