//! Runs: list, make, show, change, delete, stop.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use mlhub_app::{RunCreation, RunDraft, RunFilter, RunListRequest, RunSearchRequest};
use mlhub_core::{Caller, GroupId, Name, Result, RunState};
use mlhub_protocol::rest;
use serde::Deserialize;
use utoipa::IntoParams;

use super::view;
use crate::ApiState;
use crate::extract::{ApiJson, ApiPath, ApiQuery};
use crate::problem::ApiResult;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// Only this project.
    project: Option<String>,
    /// Only this experiment.
    experiment: Option<String>,
    /// Only these states, with commas between them.
    state: Option<String>,
    /// Only this seed group.
    group: Option<String>,
    /// Only this adapter.
    adapter: Option<String>,
    /// Only runs whose id, name, experiment, adapter or tags contain this.
    q: Option<String>,
    /// Only runs that meet this condition of the query language (docs/query.md).
    query: Option<String>,
    /// `created`, `name`, `state`, `started`, `metric:NAME`, `evaluated:SPLIT/NAME`, `param:NAME`, or
    /// anything the query language can name; `created` when absent.
    sort: Option<String>,
    /// `asc` or `desc` (when absent) for `sort`; or, without `sort`, a whole order such as
    /// `metrics.acc desc, created`.
    order: Option<String>,
    /// Rows at most, 1 to 1000.
    limit: Option<usize>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

fn filter(
    project: Option<String>,
    experiment: Option<String>,
    states: Vec<&str>,
    group: Option<String>,
) -> Result<RunFilter> {
    Ok(RunFilter {
        project: project.map(Name::try_from).transpose()?,
        experiment: experiment.map(Name::try_from).transpose()?,
        states: states
            .into_iter()
            .map(RunState::parse)
            .collect::<Result<_>>()?,
        group: group.map(GroupId::try_from).transpose()?,
        ..RunFilter::default()
    })
}

fn list_request(params: ListParams) -> Result<RunListRequest> {
    let states = params
        .state
        .iter()
        .flat_map(|text| text.split(','))
        .collect();
    Ok(RunListRequest {
        filter: RunFilter {
            adapter: params.adapter,
            text: params.q,
            ..filter(params.project, params.experiment, states, params.group)?
        },
        query: params.query,
        sort: params.sort,
        order: params.order,
        limit: params.limit,
        cursor: params.cursor,
    })
}

/// Searches runs by the query language, in any order, or groups them.
#[utoipa::path(post, path = "/api/v1/runs/search", tag = "runs", request_body = rest::RunSearch, responses((status = 200, body = rest::RunSearchReply), (status = 400, body = rest::Problem, description = "A mistake in a query; `details` is a QueryProblem")))]
pub(crate) async fn search(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiJson(body): ApiJson<rest::RunSearch>,
) -> ApiResult<Json<rest::RunSearchReply>> {
    let states = body.states.iter().map(String::as_str).collect();
    let request = RunSearchRequest {
        filter: RunFilter {
            adapter: body.adapter,
            text: body.text,
            ..filter(body.project, body.experiment, states, body.group)?
        },
        only: None,
        query: body.query,
        order: body.order,
        group_by: body.group_by,
        summarise: body.summarise,
        columns: body.columns,
        limit: body.limit,
        cursor: body.cursor,
        offset: body.offset,
    };
    let found = state.hub.run_search(&caller, request).await?;
    Ok(Json(view::runs_found(found)))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FieldParams {
    /// Only names that runs of this project have.
    project: Option<String>,
    /// Only names that start with this, or a part of which does; letters of either case.
    prefix: Option<String>,
    /// Names at most, 1 to 10000; 100 when absent.
    limit: Option<usize>,
}

/// Metrics, params and tags that runs have, the most frequent first.
#[utoipa::path(get, path = "/api/v1/fields", tag = "runs", params(FieldParams), responses((status = 200, body = rest::FieldList), (status = 400, body = rest::Problem)))]
pub(crate) async fn fields(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiQuery(params): ApiQuery<FieldParams>,
) -> ApiResult<Json<rest::FieldList>> {
    let project = params.project.map(Name::try_from).transpose()?;
    let prefix = params.prefix.unwrap_or_default();
    let found = state
        .hub
        .run_fields(&caller, project.as_ref(), &prefix, params.limit)
        .await?;
    let fields = found.fields.into_iter().map(|field| rest::FieldView {
        operand: field.operand,
        kind: field.kind.to_owned(),
        runs: field.runs,
    });
    Ok(Json(rest::FieldList {
        fields: fields.collect(),
        total: found.total,
    }))
}

/// A page of runs.
#[utoipa::path(get, path = "/api/v1/runs", tag = "runs", params(ListParams), responses((status = 200, body = rest::RunPage), (status = 400, body = rest::Problem)))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiQuery(params): ApiQuery<ListParams>,
) -> ApiResult<Json<rest::RunPage>> {
    let page = state.hub.run_list(&caller, list_request(params)?).await?;
    Ok(Json(rest::RunPage {
        runs: page.rows.into_iter().map(view::run).collect(),
        next_cursor: page.next_cursor,
        total: page.total,
    }))
}

/// Makes runs that differ only in their seed.
#[utoipa::path(post, path = "/api/v1/runs", tag = "runs", request_body = rest::RunsCreate, responses((status = 201, body = rest::RunsCreated), (status = 400, body = rest::Problem), (status = 409, body = rest::Problem)))]
pub(crate) async fn create(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiJson(body): ApiJson<rest::RunsCreate>,
) -> ApiResult<(StatusCode, Json<rest::RunsCreated>)> {
    let drafts = body
        .runs
        .into_iter()
        .map(|seed| {
            Ok(RunDraft {
                id: seed.id.map(TryInto::try_into).transpose()?,
                name: seed.name.map(Name::try_from).transpose()?,
                seed: seed.seed,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let rows = state
        .hub
        .run_create(
            &caller,
            RunCreation {
                project: body.project.try_into()?,
                experiment: body.experiment.try_into()?,
                adapter: body.adapter,
                adapter_version: body.adapter_version,
                dataset: body.dataset,
                notes: body.notes,
                params: body.params,
                tags: body.tags,
                snapshot: body.snapshot,
                host: body.host,
                group: body.group.map(GroupId::try_from).transpose()?,
                runs: drafts,
            },
        )
        .await?;
    let group = rows
        .first()
        .and_then(|row| row.run.group.clone())
        .map(Into::into);
    let runs = rows.into_iter().map(view::run).collect();
    Ok((StatusCode::CREATED, Json(rest::RunsCreated { group, runs })))
}

/// A whole run, by id or unique prefix.
#[utoipa::path(get, path = "/api/v1/runs/{run}", tag = "runs", params(("run" = String, Path, description = "Id or unique prefix")), responses((status = 200, body = rest::RunDetail), (status = 404, body = rest::Problem)))]
pub(crate) async fn get(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(run): ApiPath<String>,
) -> ApiResult<Json<rest::RunDetail>> {
    let mut overview = state.hub.run_overview(&caller, &run).await?;
    let mut evaluations = Vec::new();
    for record in std::mem::take(&mut overview.evaluations) {
        let receipt = state.hub.evaluation_receipt(&record).await?;
        evaluations.push(view::evaluation(record, receipt)?);
    }
    Ok(Json(view::run_detail(overview, evaluations)))
}

/// Changes name, notes and tags.
#[utoipa::path(patch, path = "/api/v1/runs/{run}", tag = "runs", params(("run" = String, Path, description = "Id or unique prefix")), request_body = rest::RunPatch, responses((status = 200, body = rest::RunSummary), (status = 404, body = rest::Problem)))]
pub(crate) async fn patch(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(run): ApiPath<String>,
    ApiJson(body): ApiJson<rest::RunPatch>,
) -> ApiResult<Json<rest::RunSummary>> {
    let name = body.name.map(Name::try_from).transpose()?;
    let row = state
        .hub
        .run_patch(&caller, &run, name, body.notes, body.tags)
        .await?;
    Ok(Json(view::run(row)))
}

/// Hides an ended run until it is restored or purged (see `POST /deletions`).
#[utoipa::path(delete, path = "/api/v1/runs/{run}", tag = "runs", params(("run" = String, Path, description = "Id or unique prefix")), responses((status = 204, description = "Hidden"), (status = 404, body = rest::Problem), (status = 409, body = rest::Problem)))]
pub(crate) async fn delete(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(run): ApiPath<String>,
) -> ApiResult<StatusCode> {
    state.hub.run_delete(&caller, &run).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Asks a run to stop: SIGTERM, a grace period, SIGKILL.
#[utoipa::path(post, path = "/api/v1/runs/{run}/stop", tag = "runs", params(("run" = String, Path, description = "Id or unique prefix")), responses((status = 200, body = rest::RunSummary), (status = 409, body = rest::Problem)))]
pub(crate) async fn stop(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    ApiPath(run): ApiPath<String>,
) -> ApiResult<Json<rest::RunSummary>> {
    let run = state.hub.run_stop(&caller, &run).await?;
    let row = state.hub.run_row(&caller, &run.id).await?;
    Ok(Json(view::run(row)))
}
