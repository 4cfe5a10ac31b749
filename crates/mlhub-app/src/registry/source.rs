//! Where the files of a version are: in the words of whoever registers it, and in
//! the hub.

use mlhub_core::registry::{ModelPlace, NewModelVersion};
use mlhub_core::run::Run;
use mlhub_core::{ArtifactPath, Caller, Error, Result, RunId};

use super::ModelVersionDraft;
use crate::Hub;

/// What the text of a place in the artifacts of a run begins with.
const RUNS: &str = "runs:/";

impl Hub {
    /// Finds run and place of a version.
    pub(super) async fn version_sourced(
        &self,
        caller: &Caller,
        draft: ModelVersionDraft,
    ) -> Result<NewModelVersion> {
        let run = match &draft.run {
            Some(text) => Some(self.run_resolve(caller, text).await?),
            None => None,
        };
        if draft.path.is_some() && run.is_none() {
            return Err(Error::invalid(
                "`path` names an artifact of a run, and no `run` is named",
            ));
        }
        let place = match (&draft.place, &run, &draft.path, &draft.source) {
            (Some(place), ..) => Some(place.clone()),
            (None, Some(run), Some(path), _) => Some(self.place_there(run, path).await?),
            (None, _, None, Some(source)) => self.place_of(source).await?,
            (None, Some(run), None, None) => Some(ModelPlace {
                run: run.id.clone(),
                path: None,
            }),
            (None, None, ..) => None,
        };
        let source = match (draft.source, &place) {
            (Some(source), _) => source,
            (None, Some(place)) => match &place.path {
                Some(path) => format!("{RUNS}{}/{path}", place.run),
                None => format!("{RUNS}{}", place.run),
            },
            (None, None) => {
                return Err(Error::invalid(
                    "nothing says where the model is: name a `run`, with a `path`, or a `source`",
                ));
            }
        };
        Ok(NewModelVersion {
            run: run.map(|run| run.id),
            source,
            place,
            logged_model: draft.logged_model,
            description: draft.description,
            tags: draft.tags,
            status: draft.status,
            status_message: draft.status_message,
        })
    }

    /// The place of an artifact, or of a folder of them, which must be there.
    async fn place_there(&self, run: &Run, path: &ArtifactPath) -> Result<ModelPlace> {
        match self.holds(&run.id, path).await? {
            true => Ok(ModelPlace {
                run: run.id.clone(),
                path: Some(path.clone()),
            }),
            false => Err(Error::not_found(
                "artifact",
                format_args!("{path}` of run `{}", run.id),
            )),
        }
    }

    /// The place that `runs:/RUN/PATH` names, if it is in the hub.
    async fn place_of(&self, source: &str) -> Result<Option<ModelPlace>> {
        let Some(rest) = source.strip_prefix(RUNS) else {
            return Ok(None);
        };
        let rest = rest.trim_matches('/');
        let (run, path) = rest.split_once('/').unwrap_or((rest, ""));
        let Ok(run) = run.parse::<RunId>() else {
            return Ok(None);
        };
        let found = self.store.run_get(&run).await?;
        if found.is_none_or(|run| run.deleted_at.is_some()) {
            return Ok(None);
        }
        if path.is_empty() {
            return Ok(Some(ModelPlace { run, path: None }));
        }
        match path.parse::<ArtifactPath>() {
            Ok(path) if self.holds(&run, &path).await? => Ok(Some(ModelPlace {
                run,
                path: Some(path),
            })),
            _ => Ok(None),
        }
    }

    /// Whether a run has this artifact, or artifacts in this folder.
    async fn holds(&self, run: &RunId, path: &ArtifactPath) -> Result<bool> {
        let folder = format!("{path}/");
        let artifacts = self.store.artifact_list(run).await?;
        let mut paths = artifacts.iter().map(|artifact| artifact.path.as_str());
        Ok(paths.any(|of| of == path.as_str() || of.starts_with(&folder)))
    }
}
