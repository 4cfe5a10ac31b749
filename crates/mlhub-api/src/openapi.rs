//! The OpenAPI 3.1 document, generated from the handlers and wire types. The
//! reviewed snapshot is `docs/openapi.json`; a test keeps the two equal.

use utoipa::OpenApi;

use crate::native;

#[derive(OpenApi)]
#[openapi(
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
        native::meta::experiments,
        native::runs::list,
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
        native::series::metrics,
        native::series::query,
        native::series::records,
        native::logs::list,
        native::logs::read,
        native::evaluations::list,
        native::evaluations::repeat,
        native::evaluations::get,
        native::compare::compare,
        native::datasets::list,
        native::datasets::register,
        native::datasets::get,
        native::datasets::split,
        native::adapters::list,
        native::adapters::seen,
        native::adapters::definitions,
        native::events::follow,
    )
)]
struct Document;

/// The document as pretty JSON with a final newline.
pub fn document() -> String {
    let mut text = Document::openapi().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}
