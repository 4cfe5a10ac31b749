//! Reads a source and writes what the hub does not have yet; then looks whether it has all.
//!
//! Everything is recognised by its id and content, so that an import that was cut goes on, one
//! that is done changes nothing, and runs that grew are topped up. What is deleted there is
//! deleted at the end, because a deleted run takes nothing.

use std::collections::BTreeMap;

use mlhub_client::Client;
use serde_json::json;

use super::hub::{Hub, pairs};
use super::records::{Experiment, Problems, Read, damaged};
use super::report::{Counts, Report};
use super::source::Source;
use crate::exit::{REFUSED, fail};

/// What is imported.
#[derive(Debug, Clone)]
pub(crate) struct ImportOptions {
    /// The project that experiments go to; as their names say when absent.
    pub(crate) project: Option<String>,
    /// Only experiments of these names; all when empty.
    pub(crate) experiments: Vec<String>,
    /// Whether files are imported.
    pub(crate) artifacts: bool,
}

/// An import under way.
pub(super) struct Import<'a> {
    pub(super) source: &'a dyn Source,
    pub(super) hub: &'a Hub,
    pub(super) artifacts: bool,
    pub(super) report: Report,
    pub(super) progress: &'a dyn Fn(&Counts),
}

/// An experiment on both sides.
pub(super) struct Place<'e> {
    pub(super) there: &'e Experiment,
    /// Its id on the hub.
    pub(super) id: String,
}

/// The experiments that are wanted, or an error that names those that are not there.
pub(super) fn chosen(source: &dyn Source, names: &[String]) -> anyhow::Result<Vec<Experiment>> {
    let mut all = source.experiments()?;
    for name in names {
        if !all.iter().any(|experiment| experiment.name == *name) {
            let there: Vec<&str> = all.iter().map(|one| one.name.as_str()).take(20).collect();
            return Err(fail(
                REFUSED,
                format!("no experiment `{name}`; there are {}", there.join(", ")),
            ));
        }
    }
    all.retain(|experiment| names.is_empty() || names.contains(&experiment.name));
    Ok(all)
}

/// Imports.
pub(super) fn import(
    source: &dyn Source,
    client: Client,
    options: &ImportOptions,
    progress: &dyn Fn(&Counts),
) -> anyhow::Result<Report> {
    let experiments = chosen(source, &options.experiments)?;
    let hub = Hub::new(client);
    let mut import = Import {
        source,
        hub: &hub,
        artifacts: options.artifacts,
        report: Report::default(),
        progress,
    };
    let mut places = Vec::new();
    for experiment in &experiments {
        import.report.source.experiments += 1;
        let place = import.experiment(experiment, options.project.as_deref());
        let Some(id) = import.problems().noted(place)? else {
            continue;
        };
        let place = Place {
            there: experiment,
            id,
        };
        let runs = import.runs(&place)?;
        import.models(&place)?;
        places.push((place, runs));
    }
    if options.experiments.is_empty() {
        import.registry()?;
        for (place, _) in &places {
            import.model_tags(place)?;
        }
    }
    for (place, runs) in &places {
        import.settle(place, runs)?;
    }
    let mut report = import.report;
    let mut problems = source.problems().all();
    problems.extend(hub.reader.problems().all());
    report.problems = problems;
    Ok(report)
}

/// The name of an experiment on the hub, as its MLflow API has it.
pub(super) fn title(project: Option<&str>, name: &str) -> Result<String, String> {
    match project {
        None => Ok(name.to_owned()),
        Some("default") if name.contains('/') => Err(format!(
            "the experiment `{name}` names a project itself, so it cannot go to `default`"
        )),
        Some("default") => Ok(name.to_owned()),
        // A slash here would name the project.
        Some(project) => Ok(format!("{project}/{}", name.replace('/', "%2F"))),
    }
}

impl<'a> Import<'a> {
    pub(super) fn problems(&self) -> &'a Problems {
        self.source.problems()
    }

    pub(super) fn told(&self) {
        (self.progress)(&self.report.source);
    }

    /// Finds or makes an experiment on the hub; returns its id there.
    fn experiment(&mut self, experiment: &Experiment, project: Option<&str>) -> Read<String> {
        let owner = format!("experiment `{}`", experiment.name);
        let name = title(project, &experiment.name).or_else(damaged)?;
        let (id, here) = match self.hub.reader.experiment_named(&name)? {
            Some(found) => (found.id.clone(), found),
            None => {
                let body = json!({"name": name, "tags": pairs(&experiment.tags)});
                let made = self.hub.post(&owner, "experiments/create", &body)?;
                let id = made["experiment_id"].as_str().unwrap_or_default();
                let found = Experiment {
                    id: id.to_owned(),
                    name,
                    ..experiment.clone()
                };
                (
                    id.to_owned(),
                    Experiment {
                        deleted: false,
                        ..found
                    },
                )
            }
        };
        let mut restored = !here.deleted;
        for (key, value) in &experiment.tags {
            self.report.source.tags += 1;
            if here.tags.get(key) != Some(value) {
                if !restored {
                    let body = json!({"experiment_id": id});
                    self.hub.post(&owner, "experiments/restore", &body)?;
                    restored = true;
                }
                let body = json!({"experiment_id": id, "key": key, "value": value});
                self.hub
                    .post(&owner, "experiments/set-experiment-tag", &body)?;
            }
            self.report.there.tags += 1;
        }
        Ok(id)
    }

    /// Deletes what is deleted there, restores what is not, and looks for every run.
    fn settle(&mut self, place: &Place<'_>, runs: &BTreeMap<String, bool>) -> anyhow::Result<()> {
        let owner = format!("experiment `{}`", place.there.name);
        let body = json!({"experiment_id": place.id});
        let deleted = || self.is_deleted(place);
        if deleted()? && !place.there.deleted {
            let restored = self.hub.post(&owner, "experiments/restore", &body);
            self.problems().noted(restored)?;
        }
        let stages = self.hub.reader.stages(&place.id)?;
        for (run, gone) in runs {
            let Some(gone_here) = stages.get(run) else {
                self.problems()
                    .add(format!("run {run} is not in its experiment on the hub"));
                continue;
            };
            let path = match (gone, gone_here) {
                (true, false) => "runs/delete",
                (false, true) if !place.there.deleted => "runs/restore",
                _ => continue,
            };
            let changed = self
                .hub
                .post(&format!("run {run}"), path, &json!({"run_id": run}));
            self.problems().noted(changed)?;
        }
        if place.there.deleted && !deleted()? {
            let gone = self.hub.post(&owner, "experiments/delete", &body);
            self.problems().noted(gone)?;
        }
        self.report.there.experiments += 1;
        let stages = self.hub.reader.stages(&place.id)?;
        for (run, gone) in runs {
            match stages.get(run) {
                Some(here) if *here == (*gone || place.there.deleted) => {
                    self.report.there.runs += 1;
                }
                _ => self.problems().add(format!(
                    "run {run} is {} at the source and not on the hub",
                    if *gone { "deleted" } else { "active" }
                )),
            }
        }
        Ok(())
    }

    fn is_deleted(&self, place: &Place<'_>) -> anyhow::Result<bool> {
        let found = self.hub.reader.experiment_of(&place.id)?;
        Ok(found.is_some_and(|experiment| experiment.deleted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn experiments_go_where_they_are_told() {
        let told = |project, name| title(project, name).expect("a name");
        assert_eq!(told(None, "a/b"), "a/b");
        assert_eq!(told(Some("p"), "a"), "p/a");
        assert_eq!(told(Some("p"), "/Users/ann/x"), "p/%2FUsers%2Fann%2Fx");
        assert_eq!(told(Some("default"), "a"), "a");
        assert!(title(Some("default"), "a/b").is_err());
    }
}
