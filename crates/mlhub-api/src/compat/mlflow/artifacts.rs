//! Artifacts through the hub. Under `mlflow-artifacts` a path is
//! `EXPERIMENT/RUN/artifacts/PATH` or `EXPERIMENT/models/MODEL/artifacts/PATH`; the
//! experiment's number is not looked at. Files of a logged model are artifacts of a run, in a
//! folder that clients do not see among those of the run: they ask for the model.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::{Extension, Json};
use mlhub_core::logged_model::{LOGGED_MODELS_FOLDER, LoggedModelQuery};
use mlhub_core::run::{Artifact, Run};
use mlhub_core::{ArtifactPath, Caller, Error, ErrorKind, limits};
use serde_json::{Value, json};

use super::error::{Answer, Refusal};
use super::fields::{Fields, Rest};
use super::logged_models::{artifact_uri, by_model_id, experiment_of, no_model};
use super::runs::{by_run_id, refuse_deleted};
use super::{nothing, view};
use crate::ApiState;
use crate::extract::AnyStream;
use crate::native::Asked;

/// The kind of artifacts that clients store so.
pub(super) const KIND: &str = "artifact";

/// What a path names.
#[derive(Debug, PartialEq)]
struct Place<'p> {
    of: Owner<'p>,
    /// What is below the owner's artifacts; empty for all of them.
    path: &'p str,
}

/// Whose artifacts are meant.
#[derive(Debug, PartialEq)]
pub(super) enum Owner<'p> {
    Run(&'p str),
    Model(&'p str),
}

/// Takes a path apart.
fn place(path: &str) -> Answer<Place<'_>> {
    let path = path.trim_matches('/');
    let mut parts = path.splitn(4, '/');
    let found = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(_experiment), Some("models"), Some(model), Some(rest)) => {
            let below = rest.strip_prefix("artifacts").unwrap_or("-");
            let below = below.strip_prefix('/').or((below.is_empty()).then_some(""));
            below.map(|path| Place {
                of: Owner::Model(model),
                path,
            })
        }
        (Some(_experiment), Some(run), Some("artifacts"), path) => Some(Place {
            of: Owner::Run(run),
            path: path.unwrap_or_default(),
        }),
        _ => None,
    };
    found.ok_or_else(|| {
        Refusal::missing(format!(
            "nothing is stored under '{}': artifacts are EXPERIMENT/RUN/artifacts/PATH or \
             EXPERIMENT/models/MODEL/artifacts/PATH",
            path.chars().take(200).collect::<String>()
        ))
    })
}

/// The run whose artifacts are meant, and the folder among them that clients see as their root.
pub(super) async fn owner(
    state: &ApiState,
    caller: &Caller,
    of: &Owner<'_>,
) -> Answer<(Run, String)> {
    match of {
        Owner::Run(run) => Ok((by_run_id(state, caller, run).await?, String::new())),
        Owner::Model(model) => {
            let model = by_model_id(state, caller, model).await?;
            let run = by_run_id(state, caller, model.run.as_str()).await?;
            Ok((run, model.folder.as_str().to_owned()))
        }
    }
}

/// A path below a folder; either may be empty.
pub(super) fn below(folder: &str, path: &str) -> String {
    match (folder, path) {
        ("", path) => path.to_owned(),
        (folder, "") => folder.to_owned(),
        (folder, path) => format!("{folder}/{path}"),
    }
}

pub(super) fn file_path(path: &str) -> Answer<ArtifactPath> {
    path.parse()
        .map_err(|error: Error| Refusal::invalid(format!("Invalid path: {error}")))
}

/// One level of the artifacts of a run below a folder: each with its path, whether it is
/// a folder, and its size.
fn level(artifacts: &[Artifact], folder: &str) -> BTreeMap<String, Option<u64>> {
    let mut found = BTreeMap::new();
    for artifact in artifacts {
        let below = match folder {
            "" => Some(artifact.path.as_str()),
            folder => artifact
                .path
                .as_str()
                .strip_prefix(folder)
                .and_then(|rest| rest.strip_prefix('/')),
        };
        let Some(below) = below else { continue };
        match below.split_once('/') {
            Some((name, _)) => found.insert(name.to_owned(), None),
            None => found.insert(below.to_owned(), Some(artifact.size_bytes)),
        };
    }
    found
}

fn files(level: BTreeMap<String, Option<u64>>, below: &str) -> Vec<Value> {
    let file = |(name, size): (String, Option<u64>)| {
        let path = match below {
            "" => name,
            below => format!("{below}/{name}"),
        };
        match size {
            Some(size) => json!({"path": path, "is_dir": false, "file_size": size}),
            None => json!({"path": path, "is_dir": true}),
        }
    };
    level.into_iter().map(file).collect()
}

/// A folder that is asked for: nothing that no artifact could be in.
fn folder(path: &str) -> Answer<&str> {
    let path = path.trim_matches('/');
    match path {
        "" | "." => Ok(""),
        path => file_path(path).map(|_| path),
    }
}

async fn artifacts(state: &ApiState, caller: &Caller, run: &Run) -> Answer<Vec<Artifact>> {
    Ok(state.hub.artifact_list(caller, run.id.as_str()).await?)
}

/// The artifacts of a run without those of its logged models.
async fn own_artifacts(state: &ApiState, caller: &Caller, run: &Run) -> Answer<Vec<Artifact>> {
    let mut found = artifacts(state, caller, run).await?;
    let of_models = format!("{LOGGED_MODELS_FOLDER}/");
    let of_models = |artifact: &Artifact| artifact.path.as_str().starts_with(&of_models);
    if !found.iter().any(of_models) {
        return Ok(found);
    }
    let mut folders = BTreeSet::new();
    let mut query = LoggedModelQuery {
        run: Some(run.id.clone()),
        deleted: true,
        limit: limits::PAGE_MAX_ROWS,
        ..LoggedModelQuery::default()
    };
    loop {
        let page = state.hub.logged_model_list(caller, &query).await?;
        let Some(last) = page.last() else { break };
        query.after = Some((last.created_at, last.id.clone()));
        folders.extend(page.into_iter().map(|model| model.folder));
    }
    found.retain(|artifact| {
        let path = artifact.path.as_str();
        let slashes = path.match_indices('/');
        let mut parents = slashes.filter_map(|(at, _)| path[..at].parse::<ArtifactPath>().ok());
        !parents.any(|parent| folders.contains(&parent))
    });
    Ok(found)
}

pub(super) async fn list(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let place = place(fields.text("path")?.unwrap_or_default())?;
    let folder = folder(place.path)?;
    let (run, root) = owner(&state, &caller, &place.of).await?;
    let found = match place.of {
        Owner::Run(_) => own_artifacts(&state, &caller, &run).await?,
        Owner::Model(_) => artifacts(&state, &caller, &run).await?,
    };
    let level = level(&found, &below(&root, folder));
    Ok(Json(json!({"files": files(level, "")})))
}

pub(super) async fn of_run(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    fields: Fields,
) -> Answer<Json<Value>> {
    let folder = folder(fields.text("path")?.unwrap_or_default())?;
    let run = by_run_id(&state, &caller, fields.run_id()?).await?;
    let experiment = state
        .hub
        .experiment_named(&caller, &run.project, &run.experiment)
        .await?;
    let level = level(&own_artifacts(&state, &caller, &run).await?, folder);
    let mut answer = json!({"files": files(level, folder)});
    if let Some(experiment) = experiment {
        answer["root_uri"] = view::artifact_uri(&experiment, &run).into();
    }
    Ok(Json(answer))
}

pub(super) async fn of_model(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Rest(id): Rest,
    fields: Fields,
) -> Answer<Json<Value>> {
    let path = fields.text("artifact_directory_path")?;
    let folder = folder(path.unwrap_or_default())?;
    let model = by_model_id(&state, &caller, &id).await?;
    if model.deleted_at.is_some() {
        return Err(no_model(&id));
    }
    let experiment = experiment_of(&state, &caller, &model).await?;
    let (run, root) = owner(&state, &caller, &Owner::Model(&id)).await?;
    let found = artifacts(&state, &caller, &run).await?;
    let level = level(&found, &below(&root, folder));
    Ok(Json(json!({
        "files": files(level, folder),
        "root_uri": artifact_uri(&experiment, &model),
    })))
}

pub(super) async fn download(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Rest(path): Rest,
    asked: HeaderMap,
) -> Answer<Response> {
    let place = place(&path)?;
    file_path(place.path)?;
    let (run, root) = owner(&state, &caller, &place.of).await?;
    send(&state, &caller, &run, &below(&root, place.path), &asked).await
}

/// Sends an artifact of a run, to be stored and not shown.
pub(super) async fn send(
    state: &ApiState,
    caller: &Caller,
    run: &Run,
    path: &str,
    asked: &HeaderMap,
) -> Answer<Response> {
    let path = file_path(path)?;
    let id = run.id.as_str();
    let artifact = match state.hub.artifact_get(caller, id, &path).await {
        Ok(artifact) => artifact,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(Refusal::missing(format!(
                "No such artifact: '{path}' of run {id}"
            )));
        }
        Err(error) => return Err(error.into()),
    };
    let asked = Asked::of(asked, &artifact.hash, artifact.size_bytes);
    let Some(part) = asked.part() else {
        return Ok(asked.refusal(path.file_name()));
    };
    let content = state.hub.artifact_open(caller, id, &path, part).await?;
    if content.artifact.hash != artifact.hash {
        return Err(Error::conflict("the artifact was replaced just now; ask again").into());
    }
    Ok(asked.answer(content.reader, path.file_name()).await?)
}

/// Removes a file, or a folder with all below it. What is not there is gone already.
pub(super) async fn delete(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Rest(path): Rest,
) -> Answer<Json<Value>> {
    let place = place(&path)?;
    let path = folder(place.path)?;
    let (run, root) = owner(&state, &caller, &place.of).await?;
    let path = match below(&root, path) {
        path if path.is_empty() => None,
        path => Some(file_path(&path)?),
    };
    let of_models = matches!(place.of, Owner::Model(_));
    let hub = &state.hub;
    hub.artifacts_remove(&caller, &run.id, path, of_models)
        .await?;
    nothing()
}

pub(super) async fn upload(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Rest(path): Rest,
    AnyStream(mut body): AnyStream,
) -> Answer<Json<Value>> {
    if path.ends_with('/') {
        // A client cut its name off: the folder is no file.
        return Err(Refusal::invalid("Invalid path: it names no file"));
    }
    let place = place(&path)?;
    file_path(place.path)?;
    let (run, root) = owner(&state, &caller, &place.of).await?;
    let path = file_path(&below(&root, place.path))?;
    refuse_deleted(&run)?;
    let mut upload = state
        .hub
        .artifact_upload(&caller, &run.id, run.attempt, path, KIND, None)
        .await?;
    while let Some(bytes) = body.next().await? {
        upload.write(bytes).await?;
    }
    upload.finish().await?;
    nothing()
}

#[cfg(test)]
mod tests {
    use mlhub_core::Timestamp;

    use super::*;

    fn artifact(path: &str) -> Artifact {
        Artifact {
            run: "aaaa".parse().expect("an id"),
            path: path.parse().expect("a path"),
            hash: String::new(),
            size_bytes: 3,
            kind: KIND.to_owned(),
            attempt: 1,
            created_at: Timestamp(0),
        }
    }

    #[test]
    fn a_level_has_files_and_folders_once() {
        let all = ["a.txt", "m/x", "m/y", "m/d/z", "mm"].map(artifact);
        let names = |folder| files(level(&all, folder), folder);
        assert_eq!(
            names(""),
            [
                json!({"path": "a.txt", "is_dir": false, "file_size": 3}),
                json!({"path": "m", "is_dir": true}),
                json!({"path": "mm", "is_dir": false, "file_size": 3}),
            ]
        );
        assert_eq!(names("m").len(), 3);
        assert_eq!(names("m")[0], json!({"path": "m/d", "is_dir": true}));
        assert!(names("nothing").is_empty());
    }

    #[test]
    fn a_path_names_a_run_or_a_model_and_what_is_below_it() {
        let found = |path| place(path).expect("a place");
        let of = |of, path| Place { of, path };
        let run = Owner::Run("abcd");
        assert_eq!(found("1/abcd/artifacts/m/x"), of(run, "m/x"));
        assert_eq!(found("1/abcd/artifacts"), of(Owner::Run("abcd"), ""));
        let model = || Owner::Model("m-1");
        assert_eq!(found("/1/models/m-1/artifacts/a/b"), of(model(), "a/b"));
        assert_eq!(found("1/models/m-1/artifacts/"), of(model(), ""));
        for path in [
            "",
            "1",
            "1/abcd",
            "1/abcd/other/x",
            "1/models/m-1",
            "1/models/m-1/artifact/x",
        ] {
            assert!(place(path).is_err(), "{path}");
        }
        for path in ["../x", "a/../b", "/etc/passwd", "C:x", "a\\b"] {
            assert!(file_path(path).is_err(), "{path}");
        }
    }
}
