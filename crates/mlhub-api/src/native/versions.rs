//! Versions of artifacts by project and name, and their aliases.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::{Extension, Json};
use mlhub_core::artifact_version::{Alias, ArtifactVersion, LATEST, VersionChoice};
use mlhub_core::{ArtifactPath, Caller, Error, Name};
use mlhub_protocol::rest;
use serde::Deserialize;

use super::content::Asked;
use crate::ApiState;
use crate::extract::{ApiJson, ApiQuery};
use crate::problem::ApiResult;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VersionParams {
    project: Name,
    name: ArtifactPath,
    version: Option<String>,
}

impl VersionParams {
    fn choice(&self) -> Result<VersionChoice, Error> {
        self.version.as_deref().unwrap_or(LATEST).parse()
    }
}

/// The version of an artifact that is meant by `vN`, `latest` or an alias.
#[utoipa::path(get, path = "/api/v1/artifacts/resolve", tag = "versions", params(("project" = String, Query, description = "The project"), ("name" = String, Query, description = "The name: the path runs record it at"), ("version" = Option<String>, Query, description = "`vN`, `latest` or an alias; `latest` when absent")), responses((status = 200, body = rest::ArtifactVersionView), (status = 400, body = rest::Problem), (status = 404, body = rest::Problem)))]
pub(crate) async fn resolve(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiQuery(params): ApiQuery<VersionParams>,
) -> ApiResult<Json<rest::ArtifactVersionView>> {
    let choice = params.choice()?;
    let found = state
        .hub
        .version_resolve(&caller, &params.project, &params.name, &choice)
        .await?;
    Ok(Json(view(found)))
}

/// The content of a version, as an attachment; as `GET /runs/{run}/artifacts/content`.
#[utoipa::path(get, path = "/api/v1/artifacts/content", tag = "versions", params(("project" = String, Query, description = "The project"), ("name" = String, Query, description = "The name: the path runs record it at"), ("version" = Option<String>, Query, description = "`vN`, `latest` or an alias; `latest` when absent"), ("Range" = Option<String>, Header, description = "bytes=FIRST-LAST"), ("If-None-Match" = Option<String>, Header, description = "The hash in quotes"), ("If-Range" = Option<String>, Header, description = "The hash in quotes")), responses((status = 200, description = "The bytes", content_type = "application/octet-stream"), (status = 206, description = "The range", content_type = "application/octet-stream"), (status = 304, description = "The content is the one named by If-None-Match"), (status = 404, body = rest::Problem, description = "No such version, or its content is gone"), (status = 416, body = rest::Problem)))]
pub(crate) async fn content(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiQuery(params): ApiQuery<VersionParams>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let (project, name) = (&params.project, &params.name);
    let choice = params.choice()?;
    let version = state
        .hub
        .version_readable(&caller, project, name, &choice)
        .await?;
    let asked = Asked::of(&headers, &version.hash, version.size_bytes);
    let Some(part) = asked.part() else {
        return Ok(asked.refusal(name.file_name()));
    };
    // By its number: an alias may move meanwhile.
    let number = VersionChoice::Number(version.version);
    let content = state
        .hub
        .version_open(&caller, project, name, &number, part)
        .await?;
    asked.answer(content.reader, name.file_name()).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListParams {
    project: Name,
    name: ArtifactPath,
    limit: Option<usize>,
    cursor: Option<String>,
}

/// Versions of an artifact, newest first.
#[utoipa::path(get, path = "/api/v1/artifacts/versions", tag = "versions", params(("project" = String, Query, description = "The project"), ("name" = String, Query, description = "The name: the path runs record it at"), ("limit" = Option<usize>, Query, description = "1 to 1000; 100 when absent"), ("cursor" = Option<String>, Query, description = "`next_cursor` of the previous page")), responses((status = 200, body = rest::ArtifactVersionList), (status = 400, body = rest::Problem)))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiQuery(params): ApiQuery<ListParams>,
) -> ApiResult<Json<rest::ArtifactVersionList>> {
    let before = params.cursor.map(|cursor| {
        cursor.parse::<u32>().map_err(|_| {
            Error::invalid("the cursor is not one of this list; start again without `cursor`")
        })
    });
    let page = state
        .hub
        .version_list(
            &caller,
            &params.project,
            &params.name,
            before.transpose()?,
            params.limit,
        )
        .await?;
    Ok(Json(rest::ArtifactVersionList {
        versions: page.versions.into_iter().map(view).collect(),
        next_cursor: page.next_before.map(|before| before.to_string()),
    }))
}

/// Gives a version an alias, or moves the alias to it.
#[utoipa::path(put, path = "/api/v1/artifacts/aliases", tag = "versions", request_body = rest::ArtifactAliasSet, responses((status = 200, body = rest::ArtifactVersionView), (status = 400, body = rest::Problem), (status = 404, body = rest::Problem), (status = 409, body = rest::Problem, description = "The version's content is gone")))]
pub(crate) async fn alias_set(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiJson(body): ApiJson<rest::ArtifactAliasSet>,
) -> ApiResult<Json<rest::ArtifactVersionView>> {
    let (project, name) = (body.project.parse()?, body.name.parse()?);
    let (choice, alias) = (body.version.parse()?, body.alias.parse()?);
    let set = state
        .hub
        .alias_set(&caller, &project, &name, &choice, alias)
        .await?;
    Ok(Json(view(set)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AliasParams {
    project: Name,
    name: ArtifactPath,
    alias: Alias,
}

/// Takes an alias away from the version that has it.
#[utoipa::path(delete, path = "/api/v1/artifacts/aliases", tag = "versions", params(("project" = String, Query, description = "The project"), ("name" = String, Query, description = "The name: the path runs record it at"), ("alias" = String, Query, description = "The alias")), responses((status = 204, description = "Gone"), (status = 404, body = rest::Problem)))]
pub(crate) async fn alias_remove(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiQuery(params): ApiQuery<AliasParams>,
) -> ApiResult<StatusCode> {
    let AliasParams {
        project,
        name,
        alias,
    } = params;
    state
        .hub
        .alias_remove(&caller, &project, &name, &alias)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn view(version: ArtifactVersion) -> rest::ArtifactVersionView {
    let latest = version.latest.then(|| LATEST.to_owned());
    let named = version.aliases.iter().map(|set| set.alias.to_string());
    let aliases = latest.into_iter().chain(named).collect();
    let aliases_set = version.aliases.into_iter();
    rest::ArtifactVersionView {
        project: version.project.into(),
        name: version.name.clone().into(),
        version: version.version,
        run: version.run.into(),
        artifact: rest::ArtifactView {
            path: version.name.into(),
            hash: version.hash,
            size_bytes: version.size_bytes,
            kind: version.kind,
            attempt: version.attempt,
            created_at: version.created_at.0,
        },
        aliases,
        aliases_set: aliases_set
            .map(|set| rest::ArtifactAliasView {
                alias: set.alias.into(),
                actor: set.actor.0,
                set_at: set.set_at.0,
            })
            .collect(),
        available: version.available,
    }
}
