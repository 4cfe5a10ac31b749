//! Logged models and the registry.

use mlhub_core::LoggedModelId;
use serde_json::{Value, json};

use super::hub::{Pen, number, pairs};
use super::import::{Import, Place};
use super::local::shown;
use super::records::{Model, ModelMetric, Owner, Read, Registered, Version, damaged};

/// Numbers of versions that are passed over at most, because they were deleted there.
const GAP_MAX: u32 = 10_000;

fn metric_key(metric: &ModelMetric) -> (&str, &str, Option<&str>, Option<&str>) {
    (
        &metric.name,
        &metric.run,
        metric.dataset_name.as_deref(),
        metric.dataset_digest.as_deref(),
    )
}

fn has_metric(model: &Model, metric: &ModelMetric) -> bool {
    let same = |other: &ModelMetric| {
        let value = other.value == metric.value || other.value.is_nan() && metric.value.is_nan();
        metric_key(other) == metric_key(metric) && other.step == metric.step && value
    };
    model.metrics.iter().any(same)
}

impl Import<'_> {
    /// Imports the logged models of an experiment.
    pub(super) fn models(&mut self, place: &Place<'_>) -> anyhow::Result<()> {
        for model in self.source.models(place.there)? {
            self.report.source.logged_models += 1;
            let done = self.model(place, &model);
            self.problems().noted(done)?;
        }
        Ok(())
    }

    fn model(&mut self, place: &Place<'_>, model: &Model) -> Read<()> {
        // It becomes a part of paths below.
        if model.id.parse::<LoggedModelId>().is_err() {
            let id = shown(&model.id);
            return damaged(format!("logged model `{id}`: no id that a model can have"));
        }
        let owner = format!("logged model {}", model.id);
        let known = self.hub.reader.model_of(&model.id)?;
        let is_new = known.is_none();
        let here = match known {
            Some(here) => here,
            None => self.create_model(place, model)?,
        };
        if here.experiment != place.id {
            return damaged(format!(
                "{owner} is on the hub already, in another experiment; it stays as it is"
            ));
        }
        let path = format!("logged-models/{}", model.id);
        let new_tags = model
            .tags
            .iter()
            .filter(|(key, value)| here.tags.get(*key) != Some(value));
        let new_tags: Vec<Value> = new_tags
            .map(|(key, value)| json!({"key": key, "value": value}))
            .collect();
        if !new_tags.is_empty() {
            self.hub
                .call("PATCH", &format!("{path}/tags"), &json!({"tags": new_tags}))?;
        }
        if model
            .params
            .iter()
            .any(|(key, _)| !here.params.contains_key(key))
        {
            let body = json!({"params": pairs(&model.params)});
            self.hub.post(&owner, &format!("{path}/params"), &body)?;
        }
        for metric in &model.metrics {
            if !has_metric(&here, metric) {
                let stored = self.model_metric(place, &model.id, metric);
                self.problems().noted(stored)?;
            }
        }
        if self.artifacts {
            self.model_files(place, model, is_new)?;
        }
        if here.status != model.status {
            self.hub
                .call("PATCH", &path, &json!({"status": model.status}))?;
        }
        if model.deleted && !here.deleted {
            self.hub.call("DELETE", &path, &json!({}))?;
        }
        self.look_at_model(model)
    }

    /// Gives models the tags that they have at the source: versions that are made here note
    /// themselves in the models they are of, and so do those that only keep a number.
    pub(super) fn model_tags(&self, place: &Place<'_>) -> anyhow::Result<()> {
        for model in self.source.models(place.there)? {
            let Some(here) = self.hub.reader.model_of(&model.id)? else {
                continue;
            };
            let differs = |(key, value): &(&String, &String)| here.tags.get(*key) != Some(*value);
            if here.experiment == place.id && model.tags.iter().any(|tag| differs(&tag)) {
                let path = format!("logged-models/{}/tags", here.id);
                let body = json!({"tags": pairs(&model.tags)});
                let set = self.hub.call("PATCH", &path, &body);
                self.problems().noted(set)?;
            }
        }
        Ok(())
    }

    fn create_model(&self, place: &Place<'_>, model: &Model) -> Read<Model> {
        let owner = format!("logged model {}", model.id);
        if let Some(run) = &model.run
            && self.hub.reader.run_of(run)?.is_some_and(|run| run.deleted)
        {
            self.restore_run(&place.id, run)?;
        }
        let body = json!({
            "experiment_id": place.id,
            "name": model.name,
            "source_run_id": model.run,
            "model_type": model.kind,
            "params": pairs(&model.params),
            "tags": pairs(&model.tags),
            "mlhub_model_id": model.id,
            "mlhub_created_ms": model.created,
        });
        self.hub.post(&owner, "logged-models", &body)?;
        match self.hub.reader.model_of(&model.id)? {
            Some(here) => Ok(here),
            None => damaged(format!("{owner}: the hub made it and does not have it")),
        }
    }

    fn model_metric(&self, place: &Place<'_>, model: &str, metric: &ModelMetric) -> Read<()> {
        let run = self.hub.reader.run_of(&metric.run)?;
        match run {
            Some(run) if run.deleted => self.restore_run(&place.id, &metric.run)?,
            Some(_) => {}
            None => {
                return damaged(format!(
                    "logged model {model}, metric `{}`: its run {} is not on the hub",
                    metric.name,
                    shown(&metric.run)
                ));
            }
        }
        let mut pen = Pen::new(self.hub, &metric.run);
        pen.metric(json!({
            "key": metric.name,
            "value": number(metric.value),
            "timestamp": metric.time,
            "step": metric.step,
            "model_id": model,
            "dataset_name": metric.dataset_name,
            "dataset_digest": metric.dataset_digest,
        }))?;
        pen.flush()
    }

    fn model_files(&mut self, place: &Place<'_>, model: &Model, is_new: bool) -> Read<()> {
        let owner = Owner::Model(model);
        let listed = self.source.files(owner);
        let at = (place.id.as_str(), model.id.as_str());
        for file in self.problems().noted(listed)?.unwrap_or_default() {
            self.report.source.files += 1;
            let ready = self.ready(owner, &file.path);
            let Some(mut ready) = self.problems().noted(ready)? else {
                continue;
            };
            self.report.source.bytes += ready.size;
            self.told();
            if is_new || !self.hub.has(at.0, at.1, &ready.path, &ready.hash)? {
                let sent = self.hub.put(at, &ready.path, &mut ready.file, ready.size);
                self.problems().noted(sent)?;
            }
            if self.hub.has(at.0, at.1, &ready.path, &ready.hash)? {
                self.report.there.files += 1;
                self.report.there.bytes += ready.size;
            } else {
                self.problems().add(format!(
                    "logged model {} on the hub: the file `{}` is not the same",
                    model.id, ready.path
                ));
            }
        }
        Ok(())
    }

    fn look_at_model(&mut self, model: &Model) -> Read<()> {
        let owner = format!("logged model {}", model.id);
        let Some(here) = self.hub.reader.model_of(&model.id)? else {
            return damaged(format!("{owner} is not on the hub"));
        };
        let same = here.name == model.name
            && here.status == model.status
            && here.deleted == model.deleted
            && here.kind == model.kind
            && model
                .params
                .iter()
                .all(|(key, value)| here.params.get(key) == Some(value))
            && model
                .tags
                .iter()
                .all(|(key, value)| here.tags.get(key) == Some(value))
            && model.metrics.iter().all(|metric| has_metric(&here, metric));
        match same {
            true => self.report.there.logged_models += 1,
            false => return damaged(format!("{owner} on the hub is not the same")),
        }
        Ok(())
    }

    /// Imports registered models with their versions.
    pub(super) fn registry(&mut self) -> anyhow::Result<()> {
        for registered in self.source.registered()? {
            self.report.source.registered_models += 1;
            self.report.source.versions += registered.versions.len() as u64;
            let done = self.registered_model(&registered);
            self.problems().noted(done)?;
        }
        Ok(())
    }

    fn registered_model(&mut self, there: &Registered) -> Read<()> {
        let owner = format!("registered model `{}`", there.name);
        let known = self.hub.reader.registered_named(&there.name)?;
        let here = match known {
            Some(here) => here,
            None => {
                let body = json!({
                    "name": there.name,
                    "description": there.description,
                    "tags": pairs(&there.tags),
                });
                self.hub.post(&owner, "registered-models/create", &body)?;
                Registered {
                    aliases: Default::default(),
                    versions: Vec::new(),
                    ..there.clone()
                }
            }
        };
        if here.description != there.description {
            let body = json!({"name": there.name, "description": there.description});
            self.hub.call("PATCH", "registered-models/update", &body)?;
        }
        for (key, value) in &there.tags {
            if here.tags.get(key) != Some(value) {
                let body = json!({"name": there.name, "key": key, "value": value});
                self.hub.post(&owner, "registered-models/set-tag", &body)?;
            }
        }
        for version in &there.versions {
            let known = here
                .versions
                .iter()
                .find(|one| one.number == version.number);
            let done = self.version(there, version, known);
            self.problems().noted(done)?;
        }
        for (alias, number) in &there.aliases {
            if here.aliases.get(alias) != Some(number) {
                let body =
                    json!({"name": there.name, "alias": alias, "version": number.to_string()});
                let set = self.hub.post(&owner, "registered-models/alias", &body);
                self.problems().noted(set)?;
            }
        }
        self.look_at_registered(there)
    }

    fn version(&mut self, of: &Registered, version: &Version, known: Option<&Version>) -> Read<()> {
        let owner = format!(
            "version {} of the registered model `{}`",
            version.number, of.name
        );
        let at = json!({"name": of.name, "version": version.number.to_string()});
        let with = |more: Value| {
            let mut body = at.clone();
            if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
                body.extend(more);
            }
            body
        };
        let (source, run) = self.version_source(&owner, version)?;
        let here = match known {
            Some(here) if here.source == source => here.clone(),
            Some(_) => {
                return damaged(format!(
                    "{owner}: the hub has another version of this number; it stays as it is"
                ));
            }
            None => {
                let model = source
                    .strip_prefix("models:/")
                    .filter(|id| !id.contains(['/', '@']));
                let body = json!({
                    "name": of.name,
                    "source": source,
                    "run_id": run,
                    "model_id": model,
                    "description": version.description,
                    "tags": pairs(&version.tags),
                });
                self.make_version(&owner, version.number, &body)?;
                Version {
                    stage: "None".to_owned(),
                    ..version.clone()
                }
            }
        };
        if here.description != version.description {
            let body = with(json!({"description": version.description}));
            self.hub.call("PATCH", "model-versions/update", &body)?;
        }
        for (key, value) in &version.tags {
            if here.tags.get(key) != Some(value) {
                let body = with(json!({"key": key, "value": value}));
                self.hub.post(&owner, "model-versions/set-tag", &body)?;
            }
        }
        if here.stage != version.stage {
            let body = with(json!({"stage": version.stage, "archive_existing_versions": false}));
            self.hub
                .post(&owner, "model-versions/transition-stage", &body)?;
        }
        Ok(())
    }

    /// Makes the version of a number: those before it that were deleted there are made and
    /// deleted here, because the hub counts by itself.
    fn make_version(&self, owner: &str, number: u32, body: &Value) -> Read<()> {
        for _ in 0..GAP_MAX {
            let made = self.hub.post(owner, "model-versions/create", body)?;
            let text = made["model_version"]["version"]
                .as_str()
                .unwrap_or_default();
            let made: u32 = text.parse().unwrap_or(u32::MAX);
            if made == number {
                return Ok(());
            }
            let body = json!({"name": body["name"], "version": text});
            self.hub.call("DELETE", "model-versions/delete", &body)?;
            if made > number {
                return damaged(format!("{owner}: the hub gave out its number before"));
            }
        }
        damaged(format!("{owner}: too many versions before it are missing"))
    }

    /// Where the files of a version are on the hub, and the run they are of.
    fn version_source(&self, owner: &str, version: &Version) -> Read<(String, Option<String>)> {
        let run = match &version.run {
            Some(id) => self.hub.reader.run_of(id)?,
            None => None,
        };
        let run_id = run.as_ref().map(|run| run.id.clone());
        let texts = || version.storage.iter().chain([&version.source]);
        let from_place = texts().find_map(|text| {
            let rest = text.split_once("/models/m-")?.1;
            let (id, _) = rest.split_once("/artifacts")?;
            Some(format!("m-{id}"))
        });
        if let Some(model) = version.model.clone().or(from_place)
            && self.hub.reader.model_of(&model)?.is_some()
        {
            return Ok((format!("models:/{model}"), run_id));
        }
        if let Some(run) = &run {
            let mark = format!("/{}/artifacts", run.id);
            let path = texts().find_map(|text| text.split_once(&mark).map(|(_, path)| path));
            if let Some(path) = path {
                return Ok((format!("{}{path}", run.artifact_uri), run_id));
            }
        }
        let source = &version.source;
        let scheme = source.split_once(':').map_or("", |(scheme, _)| scheme);
        if scheme.len() > 1 && scheme != "file" {
            return Ok((source.clone(), run_id));
        }
        damaged(format!(
            "{owner}: its files are at `{}`, which belongs to no run that was imported",
            shown(source)
        ))
    }

    fn look_at_registered(&mut self, there: &Registered) -> Read<()> {
        let owner = format!("registered model `{}`", there.name);
        let Some(here) = self.hub.reader.registered_named(&there.name)? else {
            return damaged(format!("{owner} is not on the hub"));
        };
        for version in &there.versions {
            let same = here.versions.iter().any(|one| {
                one.number == version.number
                    && one.stage == version.stage
                    && one.description == version.description
                    && version
                        .tags
                        .iter()
                        .all(|(key, value)| one.tags.get(key) == Some(value))
            });
            match same {
                true => self.report.there.versions += 1,
                false => self.problems().add(format!(
                    "{owner} on the hub: version {} is not the same",
                    version.number
                )),
            }
        }
        let same = here.description == there.description
            && there
                .tags
                .iter()
                .all(|(key, value)| here.tags.get(key) == Some(value))
            && there
                .aliases
                .iter()
                .all(|(alias, number)| here.aliases.get(alias) == Some(number));
        match same {
            true => self.report.there.registered_models += 1,
            false => return damaged(format!("{owner} on the hub is not the same")),
        }
        Ok(())
    }
}
