//! Where the files of a version are: what clients say, what is found of it in the hub, and
//! where they are sent to download it. Nothing that is named here is opened.

use std::collections::BTreeMap;

use mlhub_core::logged_model::LoggedModel;
use mlhub_core::registry::{ModelChoice, ModelName, ModelPlace, ModelVersion};
use mlhub_core::run::Run;
use mlhub_core::{ArtifactPath, Caller, ErrorKind, RunId};

use super::error::{Answer, Refusal};
use super::fields::Fields;
use super::logged_models::{artifact_uri, by_model_id, experiment_of};
use super::registered_models::{PROMPT_TAG, by_name};
use super::view;
use crate::ApiState;

const RUNS: &str = "runs:/";
const MODELS: &str = "models:/";
const ARTIFACTS: &str = "mlflow-artifacts:";

/// What a client says of a new version.
pub(super) struct Asked {
    source: String,
    run: Option<String>,
    model: Option<String>,
    prompt: bool,
}

/// What is found of it.
pub(super) struct Source {
    pub(super) source: String,
    /// The run, if there is one of that id.
    pub(super) run: Option<String>,
    pub(super) place: Option<ModelPlace>,
    /// The logged model that it is registered from, in the end.
    pub(super) model: Option<LoggedModel>,
    /// Whether the client itself named that model.
    pub(super) named: bool,
}

impl Asked {
    /// Reads it, and refuses sources that would be read on somebody's disk.
    pub(super) fn read(fields: &Fields, tags: &BTreeMap<String, String>) -> Answer<Self> {
        let filled = |name: &str| -> Answer<Option<String>> {
            let text = fields.text(name)?.filter(|text| !text.is_empty());
            Ok(text.map(str::to_owned))
        };
        let asked = Self {
            source: fields.required("source")?.to_owned(),
            run: filled("run_id")?,
            model: filled("model_id")?,
            prompt: tags
                .get(PROMPT_TAG)
                .is_some_and(|value| value.eq_ignore_ascii_case("true")),
        };
        if !asked.prompt {
            check_source(&asked.source)?;
        }
        Ok(asked)
    }
}

fn invalid(source: &str, why: &str) -> Refusal {
    let source: String = source.chars().take(300).collect();
    Refusal::invalid(format!("Invalid model version source: '{source}'. {why}"))
}

fn unowned(source: &str, field: &str) -> Refusal {
    invalid(
        source,
        &format!(
            "The {field} request parameter must identify the resource that contains the source."
        ),
    )
}

/// Refuses paths of a disk and paths that climb, however they are written.
fn check_source(source: &str) -> Answer<()> {
    let scheme = source.split_once(':').map(|(scheme, _)| scheme);
    let letters = |scheme: &str| {
        scheme.len() > 1
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    };
    if !scheme.is_some_and(letters) || scheme.is_some_and(|of| of.eq_ignore_ascii_case("file")) {
        return Err(invalid(
            source,
            "To use a local path as a model version source, the run_id request parameter has to \
             be specified and the local path has to be contained within the artifact directory of \
             the run specified by the run_id.",
        ));
    }
    let mut plain = source.to_owned();
    // Encoded again and again; each turn makes it shorter.
    while let Some(next) = decoded(&plain) {
        plain = next;
    }
    let climbs = plain.split(['/', '\\']).any(|part| part == "..");
    if climbs || plain.contains('\0') {
        return Err(invalid(
            source,
            "If supplying a source as an http, https, local file path, ftp, objectstore, or \
             mlflow-artifacts uri, an absolute path must be provided without relative path \
             references present. Please provide an absolute path.",
        ));
    }
    Ok(())
}

/// A text with its `%XX` replaced; nothing when it has none.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    let mut changed = false;
    while let Some((&first, after)) = rest.split_first() {
        let digit = |at: usize| {
            after
                .get(at)
                .and_then(|byte| char::from(*byte).to_digit(16))
        };
        match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = &after[2..];
                changed = true;
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    changed.then(|| String::from_utf8_lossy(&bytes).into_owned())
}

/// A run that is there and not deleted.
async fn run_there(state: &ApiState, caller: &Caller, id: &str) -> Answer<Option<Run>> {
    let Ok(id) = id.parse::<RunId>() else {
        return Ok(None);
    };
    match state.hub.run_row(caller, &id).await {
        Ok(row) => Ok(Some(row.run).filter(|run| run.deleted_at.is_none())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Finds what a client says in the hub.
pub(super) async fn find(state: &ApiState, caller: &Caller, asked: Asked) -> Answer<Source> {
    let Asked {
        mut source,
        mut run,
        model: mut model_id,
        prompt,
    } = asked;
    let mut place = None;
    let named = model_id.is_some();
    if let (false, Some(rest)) = (prompt, source.strip_prefix(MODELS)) {
        match registered(rest) {
            Some((name, choice)) => {
                let of = version_meant(state, caller, &source, name, choice).await?;
                let number = of.version;
                let its_run = of.run.as_ref().map(ToString::to_string);
                let differs =
                    |asked: &Option<String>, its: &Option<String>| asked.is_some() && asked != its;
                if differs(&run, &its_run) || differs(&model_id, &of.logged_model) {
                    return Err(invalid(
                        &source,
                        "The run_id and model_id request parameters must match the referenced \
                         model version.",
                    ));
                }
                source = format!("{MODELS}{}/{number}", of.model);
                (run, model_id, place) = (its_run, of.logged_model, of.place);
            }
            None if model_id.as_deref() != Some(rest.trim_end_matches('/')) => {
                return Err(unowned(&source, "model_id"));
            }
            None => {}
        }
    }
    let model = match &model_id {
        Some(id) if !prompt => {
            let model = by_model_id(state, caller, id).await;
            let model = model.map_err(|_| unowned(&source, "model_id"))?;
            run = run.or_else(|| model.source_run.clone());
            place = Some(ModelPlace {
                run: model.run.clone(),
                path: Some(model.folder.clone()),
            });
            if source.starts_with(RUNS) {
                return Err(unowned(&source, "model_id"));
            }
            Some(model)
        }
        _ => None,
    };
    if model.is_none() && place.is_none() && !prompt {
        place = place_in_run(state, caller, &source, run.as_deref()).await?;
    }
    let there = match &run {
        Some(id) => run_there(state, caller, id).await?,
        None => None,
    };
    // Files of a run that is deleted are nobody's to register.
    if let Some(of) = place.as_ref()
        && run_there(state, caller, of.run.as_str()).await?.is_none()
    {
        place = None;
    }
    Ok(Source {
        source,
        run: there.map(|run| run.id.to_string()),
        place,
        model,
        named,
    })
}

/// Name and choice in `NAME/VERSION`, `NAME/latest` or `NAME@ALIAS`.
fn registered(rest: &str) -> Option<(&str, &str)> {
    rest.split_once('@').or_else(|| rest.split_once('/'))
}

/// The version that `models:/NAME/...` means.
async fn version_meant(
    state: &ApiState,
    caller: &Caller,
    source: &str,
    name: &str,
    choice: &str,
) -> Answer<ModelVersion> {
    let name: ModelName = name.parse().map_err(|_| unowned(source, "model_id"))?;
    by_name(state, caller, &name).await?;
    let choice: ModelChoice = choice.parse().map_err(|_| unowned(source, "model_id"))?;
    match state.hub.model_version_get(caller, &name, &choice).await {
        Ok(version) => Ok(version),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(Refusal::missing(error.public_message()))
        }
        Err(error) => Err(error.into()),
    }
}

/// The place in a run that a source names; the run has to be that of the request.
async fn place_in_run(
    state: &ApiState,
    caller: &Caller,
    source: &str,
    run: Option<&str>,
) -> Answer<Option<ModelPlace>> {
    let named = if let Some(rest) = source.strip_prefix(RUNS) {
        Some(rest.split_once('/').unwrap_or((rest, "")))
    } else if let Some(rest) = source.strip_prefix(ARTIFACTS) {
        let found = in_artifacts(rest);
        Some(found.ok_or_else(|| unowned(source, "run_id"))?)
    } else {
        None
    };
    let Some((id, path)) = named else {
        return Ok(None);
    };
    if run != Some(id) {
        return Err(unowned(source, "run_id"));
    }
    let Some(of) = run_there(state, caller, id).await? else {
        // A run of another server may be named, but files of one here need the run.
        return match source.starts_with(RUNS) {
            true => Ok(None),
            false => Err(unowned(source, "run_id")),
        };
    };
    let path = path.trim_matches('/');
    if path.is_empty() {
        let (run, path) = (of.id, None);
        return Ok(Some(ModelPlace { run, path }));
    }
    let Ok(path) = path.parse::<ArtifactPath>() else {
        return Ok(None);
    };
    let folder = format!("{path}/");
    let all = state.hub.artifact_list(caller, of.id.as_str()).await?;
    let mut paths = all.iter().map(|artifact| artifact.path.as_str());
    let there = paths.any(|one| one == path.as_str() || one.starts_with(&folder));
    Ok(there.then_some(ModelPlace {
        run: of.id,
        path: Some(path),
    }))
}

/// Run and path in `/EXPERIMENT/RUN/artifacts/PATH`, behind a host or not.
fn in_artifacts(rest: &str) -> Option<(&str, &str)> {
    let path = match rest.strip_prefix("//") {
        Some(rest) => rest.split_once('/').map(|(_host, path)| path)?,
        None => rest.strip_prefix('/')?,
    };
    let mut parts = path.splitn(4, '/');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(_experiment), Some(run), Some("artifacts"), path) => {
            Some((run, path.unwrap_or_default()))
        }
        _ => None,
    }
}

/// Where a client downloads the files of a version.
pub(super) async fn download_uri(
    state: &ApiState,
    caller: &Caller,
    version: &ModelVersion,
) -> Answer<String> {
    if let Some(id) = &version.logged_model
        && let Ok(model) = by_model_id(state, caller, id).await
    {
        let experiment = experiment_of(state, caller, &model).await?;
        return Ok(artifact_uri(&experiment, &model));
    }
    let Some(place) = &version.place else {
        return Ok(version.source.clone());
    };
    let Some(run) = run_there(state, caller, place.run.as_str()).await? else {
        return Ok(version.source.clone());
    };
    let experiment = state
        .hub
        .experiment_named(caller, &run.project, &run.experiment)
        .await?;
    let Some(experiment) = experiment else {
        return Ok(version.source.clone());
    };
    let root = view::artifact_uri(&experiment, &run);
    Ok(match &place.path {
        Some(path) => format!("{root}/{path}"),
        None => root,
    })
}

/// The run that has the files of a version, and the folder they are in; nothing when they are
/// not in the hub.
pub(super) async fn files(
    state: &ApiState,
    caller: &Caller,
    version: &ModelVersion,
) -> Answer<Option<(Run, String)>> {
    let Some(place) = &version.place else {
        return Ok(None);
    };
    let run = run_there(state, caller, place.run.as_str()).await?;
    let folder = place.path.as_ref().map_or("", ArtifactPath::as_str);
    Ok(run.map(|run| (run, folder.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_on_a_disk_and_climbing_ones_are_refused() {
        for source in [
            "runs:/abcd/model",
            "models:/m-1",
            "s3://bucket/model",
            "mlflow-artifacts:/1/abcd/artifacts/model",
            "dbfs:/models/a..b",
        ] {
            assert!(check_source(source).is_ok(), "{source}");
        }
        for source in [
            "/etc/passwd",
            "model",
            "file:///etc/passwd",
            "FILE:///etc/passwd",
            "C:/models",
            "mlflow-artifacts:/1/../../etc",
            "mlflow-artifacts://host/..%2f..%2fetc",
            "http://host/%252e%252e/x",
            "s3://bucket/a%00",
            "s3://bucket/a\\..\\b",
        ] {
            assert!(check_source(source).is_err(), "{source}");
        }
    }

    #[test]
    fn artifacts_of_a_run_are_told_from_others() {
        let found = Some(("abcd", "m/x"));
        assert_eq!(in_artifacts("/1/abcd/artifacts/m/x"), found);
        assert_eq!(in_artifacts("//host:1/1/abcd/artifacts/m/x"), found);
        assert_eq!(in_artifacts("/1/abcd/artifacts"), Some(("abcd", "")));
        for rest in ["1/abcd/artifacts/m", "/1/models/m-1/artifacts", "/1", ""] {
            assert_eq!(in_artifacts(rest), None, "{rest}");
        }
    }
}
