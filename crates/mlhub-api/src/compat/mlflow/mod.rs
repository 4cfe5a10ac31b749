//! The API of MLflow's tracking server, for clients of MLflow as they are.
//!
//! Translates and keeps nothing: an experiment there is an experiment of a project here
//! (`names`), a run is a run. What is answered and what is not: docs/compat-mlflow.md.

mod artifact_uris;
mod artifacts;
mod batch;
mod comparison;
mod error;
mod experiments;
mod fields;
mod filter;
mod get_artifact;
mod histories;
mod inputs;
mod legacy_models;
mod logged_model_search;
mod logged_models;
mod logging;
mod model_versions;
mod names;
mod registered_models;
mod registry_search;
mod run_order;
mod run_query;
mod runs;
mod traces;
mod upload_artifact;
mod version_sources;
mod view;

use axum::Json;
use axum::extract::OriginalUri;
use axum::response::IntoResponse;
use mlhub_core::Permission::{Public, Read, Write};
use mlhub_core::limits;
use serde_json::{Value, json};

use error::Answer;
pub(crate) use error::Refusal;

use crate::routes::Face;

const JSON: usize = limits::JSON_BODY_MAX_BYTES;
const BATCH: usize = limits::EVENTS_BODY_MAX_BYTES;
const NONE: usize = 0;
/// Bytes of an artifact that a page of a browser sends in one request.
const SMALL_FILE: usize = upload_artifact::BODY_MAX_BYTES;
const STREAM: usize = usize::MAX;

/// Where the API begins: clients use the first, pages of a browser the second.
const PREFIXES: [&str; 2] = ["/api", "/ajax-api"];
/// Where OpenTelemetry sends spans.
const SPANS: &str = "/v1/traces";

/// Files by run or version, outside of the prefixes.
const GET_ARTIFACT: &str = "/get-artifact";
const GET_VERSION_ARTIFACT: &str = "/model-versions/get-artifact";

/// Whether a path is one of this face.
pub(crate) fn owns(path: &str) -> bool {
    if path == GET_ARTIFACT || path == GET_VERSION_ARTIFACT {
        return true;
    }
    let version = |rest: &str| rest.starts_with("/2.0") || rest.starts_with("/3.0");
    PREFIXES.into_iter().any(|prefix| {
        path.strip_prefix(prefix)
            .is_some_and(|rest| version(rest) && !rest.starts_with("/v1"))
    }) || path == SPANS
}

/// Adds every route.
pub(crate) fn routes(face: Face) -> Face {
    let face = face
        .add("GET", "/version", Public, NONE, version)
        .add("POST", SPANS, Write, BATCH, traces::spans::receive)
        .add(
            "GET",
            "/api/3.0/mlflow/server-info",
            Read,
            NONE,
            server_info,
        )
        .add(
            "GET",
            "/ajax-api/3.0/mlflow/server-info",
            Read,
            NONE,
            server_info,
        )
        .add("GET", GET_ARTIFACT, Read, NONE, get_artifact::of_run)
        .add(
            "GET",
            GET_VERSION_ARTIFACT,
            Read,
            NONE,
            get_artifact::of_version,
        );
    PREFIXES.into_iter().fold(face, |face, prefix| {
        let root = format!("{prefix}/2.0/mlflow");
        let face = registry(models(under(face, &root), &root), &root);
        // The second lacks a slash, and that is what clients of MLflow ask for.
        let face = ["2.0/mlflow", "2.0mlflow"].iter().fold(face, |face, root| {
            let path = format!("{prefix}/{root}/experiments/search-datasets");
            face.add("POST", &path, Read, JSON, inputs::search)
        });
        let face = files(face, &format!("{prefix}/2.0/mlflow-artifacts"));
        traces_2(
            traces_3(face, &format!("{prefix}/3.0/mlflow/traces")),
            &root,
        )
    })
}

fn under(face: Face, root: &str) -> Face {
    use experiments as e;
    use histories as h;
    use logged_models as m;
    use logging as l;
    use runs as r;
    let at = |path: &str| format!("{root}/{path}");
    face.add("POST", &at("experiments/create"), Write, JSON, e::create)
        .add("GET", &at("experiments/get"), Read, NONE, e::get)
        .add(
            "GET",
            &at("experiments/get-by-name"),
            Read,
            NONE,
            e::get_by_name,
        )
        .add("POST", &at("experiments/search"), Read, JSON, e::search)
        .add("GET", &at("experiments/search"), Read, NONE, e::search)
        .add("POST", &at("experiments/update"), Write, JSON, e::update)
        .add("POST", &at("experiments/delete"), Write, JSON, e::delete)
        .add("POST", &at("experiments/restore"), Write, JSON, e::restore)
        .add(
            "POST",
            &at("experiments/set-experiment-tag"),
            Write,
            JSON,
            e::set_tag,
        )
        .add(
            "POST",
            &at("experiments/delete-experiment-tag"),
            Write,
            JSON,
            e::delete_tag,
        )
        .add("POST", &at("runs/create"), Write, JSON, r::create)
        .add("GET", &at("runs/get"), Read, NONE, r::get)
        .add("POST", &at("runs/update"), Write, JSON, r::update)
        .add("POST", &at("runs/delete"), Write, JSON, r::delete)
        .add("POST", &at("runs/restore"), Write, JSON, r::restore)
        .add("POST", &at("runs/search"), Read, JSON, r::search)
        .add("POST", &at("runs/log-metric"), Write, JSON, l::metric)
        .add("POST", &at("runs/log-parameter"), Write, JSON, l::param)
        .add("POST", &at("runs/set-tag"), Write, JSON, l::set_tag)
        .add("POST", &at("runs/delete-tag"), Write, JSON, l::delete_tag)
        .add("POST", &at("runs/log-batch"), Write, BATCH, batch::batch)
        .add(
            "POST",
            &at("runs/log-inputs"),
            Write,
            BATCH,
            inputs::log_inputs,
        )
        .add("GET", &at("metrics/get-history"), Read, NONE, h::history)
        .add("GET", &at("metrics/get-history-bulk"), Read, NONE, h::bulk)
        .add(
            "GET",
            &at("metrics/get-history-bulk-interval"),
            Read,
            NONE,
            h::bulk_interval,
        )
        .add("GET", &at("artifacts/list"), Read, NONE, artifacts::of_run)
        .add("POST", &at("runs/outputs"), Write, JSON, m::outputs)
        .add(
            "POST",
            &at("runs/log-model"),
            Write,
            BATCH,
            legacy_models::log_model,
        )
        .add(
            "POST",
            &at("upload-artifact"),
            Write,
            SMALL_FILE,
            upload_artifact::upload,
        )
}

/// Logged models.
fn models(face: Face, root: &str) -> Face {
    use logged_models as m;
    let at = |path: &str| format!("{root}/logged-models{path}");
    face.add("POST", &at(""), Write, JSON, m::create)
        .add(
            "POST",
            &at("/search"),
            Read,
            JSON,
            logged_model_search::search,
        )
        .add("GET", &at("/{model}"), Read, NONE, m::get)
        .add("PATCH", &at("/{model}"), Write, JSON, m::finalize)
        .add("DELETE", &at("/{model}"), Write, JSON, m::delete)
        .add("PATCH", &at("/{model}/tags"), Write, JSON, m::set_tags)
        .add(
            "DELETE",
            &at("/{model}/tags/{key}"),
            Write,
            JSON,
            m::delete_tag,
        )
        .add("POST", &at("/{model}/params"), Write, JSON, m::params)
        .add(
            "GET",
            &at("/{model}/artifacts/directories"),
            Read,
            NONE,
            artifacts::of_model,
        )
        .add(
            "GET",
            &at("/{model}/artifacts/files"),
            Read,
            NONE,
            get_artifact::of_model,
        )
}

/// The registry.
fn registry(face: Face, root: &str) -> Face {
    use model_versions as v;
    use registered_models as m;
    let model = |path: &str| format!("{root}/registered-models/{path}");
    let version = |path: &str| format!("{root}/model-versions/{path}");
    face.add("POST", &model("create"), Write, JSON, m::create)
        .add("GET", &model("get"), Read, NONE, m::get)
        .add("POST", &model("rename"), Write, JSON, m::rename)
        .add("PATCH", &model("update"), Write, JSON, m::update)
        .add("DELETE", &model("delete"), Write, JSON, m::delete)
        .add("GET", &model("search"), Read, NONE, m::search)
        .add("POST", &model("set-tag"), Write, JSON, m::set_tag)
        .add("DELETE", &model("delete-tag"), Write, JSON, m::delete_tag)
        .add(
            "POST",
            &model("get-latest-versions"),
            Read,
            JSON,
            m::latest_versions,
        )
        .add(
            "GET",
            &model("get-latest-versions"),
            Read,
            NONE,
            m::latest_versions,
        )
        .add("POST", &model("alias"), Write, JSON, m::alias_set)
        .add("GET", &model("alias"), Read, NONE, m::alias_get)
        .add("DELETE", &model("alias"), Write, JSON, m::alias_delete)
        .add("POST", &version("create"), Write, JSON, v::create)
        .add("GET", &version("get"), Read, NONE, v::get)
        .add("PATCH", &version("update"), Write, JSON, v::update)
        .add("DELETE", &version("delete"), Write, JSON, v::delete)
        .add("GET", &version("search"), Read, NONE, v::search)
        .add(
            "GET",
            &version("get-download-uri"),
            Read,
            NONE,
            v::download_uri,
        )
        .add(
            "POST",
            &version("transition-stage"),
            Write,
            JSON,
            v::transition_stage,
        )
        .add("POST", &version("set-tag"), Write, JSON, v::set_tag)
        .add("DELETE", &version("delete-tag"), Write, JSON, v::delete_tag)
}

/// Traces as clients of MLflow 3 have them.
fn traces_3(face: Face, root: &str) -> Face {
    use traces as t;
    let at = |path: &str| format!("{root}{path}");
    let one = at("/{trace}/assessments/{assessment}");
    face.add("POST", root, Write, BATCH, t::start)
        .add("GET", &at("/get"), Read, NONE, t::get_whole)
        .add("GET", &at("/batchGet"), Read, NONE, t::get_many)
        .add("POST", &at("/batchGetInfos"), Read, JSON, t::get_many_infos)
        .add("POST", &at("/search"), Read, JSON, t::search::search)
        .add("POST", &at("/delete-traces"), Write, JSON, t::delete)
        .add("GET", &at("/{trace}"), Read, NONE, t::get)
        .add("PATCH", &at("/{trace}/tags"), Write, JSON, t::set_tag)
        .add("DELETE", &at("/{trace}/tags"), Write, JSON, t::delete_tag)
        .add(
            "POST",
            &at("/{trace}/assessments"),
            Write,
            JSON,
            t::assessments::create,
        )
        .add("GET", &one, Read, NONE, t::assessments::get)
        .add("PATCH", &one, Write, JSON, t::assessments::change)
        .add("DELETE", &one, Write, JSON, t::assessments::delete)
}

/// Traces as older clients have them, and what never moved.
fn traces_2(face: Face, root: &str) -> Face {
    use traces as t;
    let at = |path: &str| format!("{root}/traces{path}");
    face.add("POST", &at(""), Write, JSON, t::version_2::start)
        .add("GET", &at(""), Read, NONE, t::version_2::search)
        .add("POST", &at("/delete-traces"), Write, JSON, t::delete)
        .add("POST", &at("/link-to-run"), Write, JSON, t::link)
        .add("PATCH", &at("/{trace}"), Write, JSON, t::version_2::end)
        .add("GET", &at("/{trace}/info"), Read, NONE, t::version_2::get)
        .add("PATCH", &at("/{trace}/tags"), Write, JSON, t::set_tag)
        .add("DELETE", &at("/{trace}/tags"), Write, JSON, t::delete_tag)
        .add(
            "GET",
            &format!("{root}/get-trace-artifact"),
            Read,
            NONE,
            t::files::of_trace,
        )
}

fn files(face: Face, root: &str) -> Face {
    use artifacts as a;
    use traces::files as t;
    let all = format!("{root}/artifacts");
    let one = format!("{all}/{{*path}}");
    let face = face
        .add("GET", &all, Read, NONE, t::list)
        .add("GET", &one, Read, NONE, t::download)
        .add("PUT", &one, Write, STREAM, t::upload)
        .add("DELETE", &one, Write, NONE, a::delete);
    let presigned = format!("{root}/presigned/{{*path}}");
    let face = face.add("GET", &presigned, Read, NONE, get_artifact::no_presigned);
    ["create", "complete", "abort"]
        .into_iter()
        .fold(face, |face, act| {
            let path = format!("{root}/mpu/{act}/{{*path}}");
            face.add("POST", &path, Write, JSON, get_artifact::no_multipart)
        })
}

/// The version of MLflow whose API is answered.
async fn version() -> &'static str {
    "3.17.2"
}

async fn server_info() -> Json<Value> {
    Json(json!({
        "store_type": "SqlStore",
        "workspaces_enabled": false,
        "multipart_uploads_enabled": false,
        "multipart_downloads_enabled": false,
    }))
}

/// What is answered where there is no route.
pub(crate) async fn no_endpoint(OriginalUri(uri): OriginalUri) -> axum::response::Response {
    Refusal::no_endpoint(uri.path()).into_response()
}

/// An answer without fields.
fn nothing() -> Answer<Json<Value>> {
    Ok(Json(json!({})))
}
