//! The OpenAPI 3.1 document, generated from the handlers and wire types. The
//! reviewed snapshot is `docs/openapi.json`; a test keeps the two equal.

use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::{Content, OpenApi as Description, Ref, RefOr, ResponseBuilder};
use utoipa::{Modify, OpenApi};

use crate::native;

#[derive(OpenApi)]
#[openapi(
    modifiers(&Conventions),
    info(
        title = "ML Experiment Hub",
        description = "Native API, version 1. Times are milliseconds since the Unix epoch, UTC. Numbers that JSON cannot hold are the strings \"NaN\", \"Infinity\", \"-Infinity\". Errors are application/problem+json.",
        version = "1",
        license(name = "MIT OR Apache-2.0")
    ),
    paths(
        native::meta::health,
        native::meta::openapi,
        native::meta::info,
        native::meta::projects,
        native::meta::project_patch,
        native::meta::experiments,
        native::documents::list,
        native::documents::create,
        native::documents::get,
        native::documents::change,
        native::documents::remove,
        native::runs::fields,
        native::runs::list,
        native::runs::search,
        native::runs::create,
        native::runs::get,
        native::runs::patch,
        native::runs::delete,
        native::runs::stop,
        native::attempts::create,
        native::attempts::offsets,
        native::attempts::start,
        native::attempts::heartbeat,
        native::attempts::events,
        native::attempts::log,
        native::attempts::finish,
        native::artifacts::list,
        native::artifacts::download,
        native::artifacts::upload,
        native::artifacts::bind,
        native::inputs::users,
        native::inputs::list,
        native::inputs::add,
        native::inputs::find,
        native::uploads::begin,
        native::uploads::get,
        native::uploads::part,
        native::uploads::remove,
        native::uploads::commit,
        native::uploads::present,
        native::versions::resolve,
        native::versions::list,
        native::versions::content,
        native::versions::alias_set,
        native::versions::alias_remove,
        native::series::metrics,
        native::series::query,
        native::history::history,
        native::history::run_history,
        native::series::records,
        native::logs::list,
        native::logs::read,
        native::logs::search,
        native::evaluations::list,
        native::evaluations::repeat,
        native::evaluations::get,
        native::compare::compare,
        native::reproductions::reproductions,
        native::trust::pair_test,
        native::trust::leaderboard,
        native::trust::gate_check,
        native::trust::leakage_accept,
        native::trust::outdated_metrics,
        native::datasets::list,
        native::datasets::register,
        native::datasets::get,
        native::datasets::split,
        native::datasets::purge,
        native::datasets::preview,
        native::datasets::preview_set,
        native::datasets::preview_remove,
        native::adapters::list,
        native::adapters::seen,
        native::adapters::definitions,
        native::events::follow,
        native::models::describe,
        native::models::predict,
        native::models::search,
        native::models::export,
        native::registry::list,
        native::registry::create,
        native::registry::get,
        native::registry::patch,
        native::registry::remove,
        native::registry::version_list,
        native::registry::version_create,
        native::registry::version_get,
        native::registry::version_patch,
        native::registry::version_remove,
        native::registry::promote,
        native::registry::alias_remove,
        native::registry::protect,
        native::registry::unprotect,
        native::registry::events,
        native::launches::launch,
        native::launches::list,
        native::launches::get,
        native::launches::stop,
        native::portable::hash,
        native::portable::export,
        native::portable::import,
        native::portable::backup,
        native::deletions::list,
        native::deletions::run,
        native::deletions::retention_list,
        native::deletions::retention_apply,
        native::deletions::retention_set,
        native::deletions::retention_remove,
        native::deletions::doctor,
    ),
    components(schemas(mlhub_protocol::rest::QueryProblem))
)]
struct Document;

/// Refusals that the walls and permissions make on any route but the public ones.
const COMMON_PROBLEMS: [(&str, &str); 3] = [
    ("401", "No token, or an unknown one"),
    (
        "403",
        "The role does not allow it, or the request comes from another site",
    ),
    ("421", "The hub does not answer under this Host"),
];
/// The only route without a caller.
const PUBLIC_PATH: &str = "/health";

/// Gives every operation an id of its own, `tag_function`, and describes every
/// refusal as a problem, which the answers are.
struct Conventions;

impl Modify for Conventions {
    fn modify(&self, description: &mut Description) {
        for (path, item) in &mut description.paths.paths {
            for operation in operations(item) {
                name(operation);
                describe_problems(path, operation);
            }
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        item.get.as_mut(),
        item.post.as_mut(),
        item.put.as_mut(),
        item.patch.as_mut(),
        item.delete.as_mut(),
    ]
    .into_iter()
    .flatten()
}

fn name(operation: &mut Operation) {
    let tag = operation.tags.iter().flatten().next();
    if let (Some(tag), Some(function)) = (tag, &operation.operation_id)
        && tag != function
    {
        operation.operation_id = Some(format!("{tag}_{function}"));
    }
}

fn problem() -> Content {
    Content::new(Some(Ref::from_schema_name("Problem")))
}

fn describe_problems(path: &str, operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    if path != PUBLIC_PATH {
        for (code, description) in COMMON_PROBLEMS {
            let response = ResponseBuilder::new().description(description).build();
            responses
                .entry(code.to_owned())
                .or_insert_with(|| RefOr::T(response));
        }
    }
    for (code, response) in responses {
        if let (true, RefOr::T(response)) = (code.starts_with(['4', '5']), response) {
            response.content.clear();
            response
                .content
                .insert("application/problem+json".to_owned(), RefOr::T(problem()));
        }
    }
}

/// The document as pretty JSON with a final newline.
pub fn document() -> String {
    let mut text = Document::openapi().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}
