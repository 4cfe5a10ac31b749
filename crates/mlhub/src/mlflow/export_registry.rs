//! The registry in MLflow's file store.

use super::export::Export;
use super::local::shown;
use super::records::{Registered, Version};
use super::source::Source as _;
use super::store_writer::{Meta, file, labels, meta, place, uri};

/// Whether a folder of MLflow's file store can be called so.
fn is_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\\', ':', '%', '\0'])
}

impl Export<'_> {
    pub(super) fn registry(&mut self) -> anyhow::Result<()> {
        for registered in self.hub.registered()? {
            self.report.source.registered_models += 1;
            self.report.source.versions += registered.versions.len() as u64;
            if is_name(&registered.name) {
                self.registered(&registered)?;
            } else {
                self.problems.add(format!(
                    "registered model `{}`: no folder can be called so in MLflow's file store",
                    shown(&registered.name)
                ));
            }
        }
        Ok(())
    }

    fn registered(&self, registered: &Registered) -> anyhow::Result<()> {
        let owner = format!("registered model `{}`", registered.name);
        let folder = self.root.join("models").join(&registered.name);
        let made = registered.versions.iter().map(|version| version.created);
        let made = made.min().unwrap_or(0);
        meta(
            &folder,
            &[
                ("creation_timestamp", made.into()),
                ("description", registered.description.as_str().into()),
                ("last_updated_timestamp", made.into()),
                ("name", registered.name.as_str().into()),
            ],
        )?;
        labels(
            &owner,
            &folder.join("tags"),
            &registered.tags,
            &self.problems,
        )?;
        for (alias, version) in &registered.aliases {
            let aliases = folder.join("aliases");
            if let Some(path) = place(&owner, &aliases, alias, &self.problems)? {
                file(&path, version.to_string().as_bytes())?;
            }
        }
        for version in &registered.versions {
            let folder = folder.join(format!("version-{}", version.number));
            let (source, storage) = self.places(version)?;
            meta(
                &folder,
                &[
                    ("creation_timestamp", version.created.into()),
                    ("current_stage", version.stage.as_str().into()),
                    ("description", version.description.as_str().into()),
                    ("last_updated_timestamp", version.created.into()),
                    ("model_id", version.model.as_deref().into()),
                    ("name", registered.name.as_str().into()),
                    ("run_id", version.run.as_deref().into()),
                    ("run_link", Meta::Null),
                    ("source", source.as_str().into()),
                    ("status", "READY".into()),
                    ("status_message", Meta::Null),
                    ("storage_location", storage.as_str().into()),
                    ("user_id", Meta::Null),
                    ("version", i64::from(version.number).into()),
                ],
            )?;
            let owner = format!("{owner}, version {}", version.number);
            labels(&owner, &folder.join("tags"), &version.tags, &self.problems)?;
        }
        Ok(())
    }

    /// What a version was registered from, and the folder of its files.
    fn places(&self, version: &Version) -> anyhow::Result<(String, String)> {
        let source = version.source.clone();
        if let Some(id) = &version.model
            && let Some(model) = self.hub.model_of(id)?
        {
            let folder = self.dest.join(model.experiment).join("models").join(id);
            return Ok((source, uri(&folder.join("artifacts"))));
        }
        if let Some(id) = &version.run
            && let Some(run) = self.hub.run_of(id)?
        {
            let of_run = format!("runs:/{id}");
            let path = source
                .strip_prefix(&run.artifact_uri)
                .or_else(|| source.strip_prefix(&of_run));
            if let Some(path) = path {
                let folder = self.dest.join(run.experiment).join(id).join("artifacts");
                let place = uri(&folder.join(path.trim_start_matches('/')));
                let told = if source.starts_with("runs:/") {
                    source.clone()
                } else {
                    place.clone()
                };
                return Ok((told, place));
            }
        }
        Ok((source.clone(), source))
    }
}
