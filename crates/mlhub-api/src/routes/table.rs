//! Every route with its permission and the bound of its body.

use mlhub_core::Permission::{Admin, Public, Read, Write};
use mlhub_core::limits;

use super::Table;
use crate::{ApiState, native};

const JSON: usize = limits::JSON_BODY_MAX_BYTES;
const NONE: usize = 0;
const STREAM: usize = usize::MAX;

/// All of them.
pub(super) fn table(state: &ApiState) -> Table {
    let table = Table::new(state);
    [
        hub_routes,
        document_routes,
        run_routes,
        attempt_routes,
        series_routes,
        upload_routes,
        version_routes,
        result_routes,
        trust_routes,
        dataset_routes,
        preview_routes,
        model_routes,
        registry_routes,
        launch_routes,
        portable_routes,
        deletion_routes,
    ]
    .into_iter()
    .fold(table, |table, routes| routes(table))
}

fn hub_routes(table: Table) -> Table {
    table
        .add("GET", "/health", Public, NONE, native::meta::health)
        .add(
            "GET",
            "/api/v1/openapi.json",
            Read,
            NONE,
            native::meta::openapi,
        )
        .add("GET", "/api/v1/info", Read, NONE, native::meta::info)
        .add(
            "GET",
            "/api/v1/projects",
            Read,
            NONE,
            native::meta::projects,
        )
        .add(
            "PATCH",
            "/api/v1/projects/{name}",
            Write,
            JSON,
            native::meta::project_patch,
        )
        .add(
            "GET",
            "/api/v1/experiments",
            Read,
            NONE,
            native::meta::experiments,
        )
}

fn document_routes(table: Table) -> Table {
    use native::documents as d;
    table
        .add("GET", "/api/v1/documents", Read, NONE, d::list)
        .add("POST", "/api/v1/documents", Write, JSON, d::create)
        .add("GET", "/api/v1/documents/{id}", Read, NONE, d::get)
        .add("PUT", "/api/v1/documents/{id}", Write, JSON, d::change)
        .add("DELETE", "/api/v1/documents/{id}", Write, NONE, d::remove)
}

fn registry_routes(table: Table) -> Table {
    use native::registry as r;
    const MODEL: &str = "/api/v1/registry/models/{model}";
    const VERSION: &str = "/api/v1/registry/models/{model}/versions/{version}";
    const PROMOTIONS: &str = "/api/v1/registry/models/{model}/promotions";
    const ALIAS: &str = "/api/v1/registry/models/{model}/aliases/{alias}";
    const PROTECTION: &str = "/api/v1/registry/models/{model}/protections/{target}";
    const VERSIONS: &str = "/api/v1/registry/models/{model}/versions";
    table
        .add("GET", "/api/v1/registry/models", Read, NONE, r::list)
        .add("POST", "/api/v1/registry/models", Write, JSON, r::create)
        .add("GET", MODEL, Read, NONE, r::get)
        .add("PATCH", MODEL, Write, JSON, r::patch)
        .add("DELETE", MODEL, Write, NONE, r::remove)
        .add(
            "GET",
            "/api/v1/registry/versions",
            Read,
            NONE,
            r::version_list,
        )
        .add("POST", VERSIONS, Write, JSON, r::version_create)
        .add("GET", VERSION, Read, NONE, r::version_get)
        .add("PATCH", VERSION, Write, JSON, r::version_patch)
        .add("DELETE", VERSION, Write, NONE, r::version_remove)
        .add("POST", PROMOTIONS, Write, JSON, r::promote)
        .add("DELETE", ALIAS, Write, NONE, r::alias_remove)
        .add("PUT", PROTECTION, Admin, JSON, r::protect)
        .add("DELETE", PROTECTION, Admin, NONE, r::unprotect)
        .add("GET", "/api/v1/registry/events", Read, NONE, r::events)
}

fn run_routes(table: Table) -> Table {
    table
        .add("GET", "/api/v1/runs", Read, NONE, native::runs::list)
        .add("POST", "/api/v1/runs", Write, JSON, native::runs::create)
        .add(
            "POST",
            "/api/v1/runs/search",
            Read,
            JSON,
            native::runs::search,
        )
        .add("GET", "/api/v1/fields", Read, NONE, native::runs::fields)
        .add("GET", "/api/v1/runs/{run}", Read, NONE, native::runs::get)
        .add(
            "PATCH",
            "/api/v1/runs/{run}",
            Write,
            JSON,
            native::runs::patch,
        )
        .add(
            "DELETE",
            "/api/v1/runs/{run}",
            Write,
            NONE,
            native::runs::delete,
        )
        .add(
            "POST",
            "/api/v1/runs/{run}/stop",
            Write,
            NONE,
            native::runs::stop,
        )
}

fn attempt_routes(table: Table) -> Table {
    table
        .add(
            "POST",
            "/api/v1/runs/{run}/attempts",
            Write,
            JSON,
            native::attempts::create,
        )
        .add(
            "GET",
            "/api/v1/runs/{run}/attempts/{number}/offsets",
            Read,
            NONE,
            native::attempts::offsets,
        )
        .add(
            "POST",
            "/api/v1/runs/{run}/attempts/{number}/start",
            Write,
            JSON,
            native::attempts::start,
        )
        .add(
            "POST",
            "/api/v1/runs/{run}/attempts/{number}/heartbeat",
            Write,
            JSON,
            native::attempts::heartbeat,
        )
        .add(
            "POST",
            "/api/v1/runs/{run}/attempts/{number}/events",
            Write,
            limits::EVENTS_BODY_MAX_BYTES,
            native::attempts::events,
        )
        .add(
            "POST",
            "/api/v1/runs/{run}/attempts/{number}/logs/{stream}",
            Write,
            limits::LOG_BODY_MAX_BYTES,
            native::attempts::log,
        )
        .add(
            "POST",
            "/api/v1/runs/{run}/attempts/{number}/finish",
            Write,
            JSON,
            native::attempts::finish,
        )
}

fn series_routes(table: Table) -> Table {
    table
        .add(
            "GET",
            "/api/v1/runs/{run}/artifacts",
            Read,
            NONE,
            native::artifacts::list,
        )
        .add(
            "GET",
            "/api/v1/runs/{run}/artifacts/content",
            Read,
            NONE,
            native::artifacts::download,
        )
        .add(
            "PUT",
            "/api/v1/runs/{run}/artifacts/content",
            Write,
            STREAM,
            native::artifacts::upload,
        )
        .add(
            "GET",
            "/api/v1/runs/{run}/metrics",
            Read,
            NONE,
            native::series::metrics,
        )
        .add(
            "GET",
            "/api/v1/runs/{run}/metrics/history",
            Read,
            NONE,
            native::history::run_history,
        )
        .add(
            "POST",
            "/api/v1/series/history",
            Read,
            JSON,
            native::history::history,
        )
        .add(
            "POST",
            "/api/v1/series/query",
            Read,
            JSON,
            native::series::query,
        )
        .add(
            "GET",
            "/api/v1/runs/{run}/logs",
            Read,
            NONE,
            native::logs::list,
        )
        .add(
            "GET",
            "/api/v1/runs/{run}/logs/{stream}",
            Read,
            NONE,
            native::logs::read,
        )
        .add(
            "GET",
            "/api/v1/runs/{run}/logs/{stream}/search",
            Read,
            NONE,
            native::logs::search,
        )
        .add(
            "GET",
            "/api/v1/runs/{run}/records",
            Read,
            NONE,
            native::series::records,
        )
}

fn upload_routes(table: Table) -> Table {
    table
        .add("GET", "/api/v1/artifacts", Read, NONE, native::inputs::find)
        .add(
            "POST",
            "/api/v1/runs/{run}/artifacts",
            Write,
            JSON,
            native::artifacts::bind,
        )
        .add(
            "GET",
            "/api/v1/runs/{run}/artifacts/users",
            Read,
            NONE,
            native::inputs::users,
        )
        .add(
            "GET",
            "/api/v1/runs/{run}/inputs",
            Read,
            NONE,
            native::inputs::list,
        )
        .add(
            "POST",
            "/api/v1/runs/{run}/inputs",
            Write,
            JSON,
            native::inputs::add,
        )
        .add(
            "POST",
            "/api/v1/uploads",
            Write,
            JSON,
            native::uploads::begin,
        )
        .add(
            "GET",
            "/api/v1/uploads/{id}",
            Write,
            NONE,
            native::uploads::get,
        )
        .add(
            "PATCH",
            "/api/v1/uploads/{id}",
            Write,
            STREAM,
            native::uploads::part,
        )
        .add(
            "DELETE",
            "/api/v1/uploads/{id}",
            Write,
            NONE,
            native::uploads::remove,
        )
        .add(
            "POST",
            "/api/v1/uploads/{id}/commit",
            Write,
            JSON,
            native::uploads::commit,
        )
        .add(
            "POST",
            "/api/v1/blobs/present",
            Write,
            JSON,
            native::uploads::present,
        )
}

fn version_routes(table: Table) -> Table {
    use native::versions as v;
    table
        .add("GET", "/api/v1/artifacts/resolve", Read, NONE, v::resolve)
        .add("GET", "/api/v1/artifacts/versions", Read, NONE, v::list)
        .add("GET", "/api/v1/artifacts/content", Read, NONE, v::content)
        .add(
            "PUT",
            "/api/v1/artifacts/aliases",
            Write,
            JSON,
            v::alias_set,
        )
        .add(
            "DELETE",
            "/api/v1/artifacts/aliases",
            Write,
            NONE,
            v::alias_remove,
        )
}

fn result_routes(table: Table) -> Table {
    table
        .add(
            "GET",
            "/api/v1/runs/{run}/evaluations",
            Read,
            NONE,
            native::evaluations::list,
        )
        .add(
            "POST",
            "/api/v1/runs/{run}/evaluations",
            Write,
            NONE,
            native::evaluations::repeat,
        )
        .add(
            "GET",
            "/api/v1/runs/{run}/reproductions",
            Read,
            NONE,
            native::reproductions::reproductions,
        )
        .add(
            "GET",
            "/api/v1/evaluations/{id}",
            Read,
            NONE,
            native::evaluations::get,
        )
        .add(
            "POST",
            "/api/v1/compare",
            Read,
            JSON,
            native::compare::compare,
        )
}

fn trust_routes(table: Table) -> Table {
    use native::trust as t;
    const OUTDATED: &str = "/api/v1/metric-definitions/outdated";
    const ACCEPTANCES: &str =
        "/api/v1/datasets/{name}/versions/{version}/splits/{hash}/acceptances";
    table
        .add("POST", "/api/v1/pairs", Read, JSON, t::pair_test)
        .add("GET", "/api/v1/leaderboard", Read, NONE, t::leaderboard)
        .add("POST", "/api/v1/gate", Read, JSON, t::gate_check)
        .add("POST", ACCEPTANCES, Write, JSON, t::leakage_accept)
        .add("POST", OUTDATED, Write, JSON, t::outdated_metrics)
}

fn dataset_routes(table: Table) -> Table {
    table
        .add(
            "GET",
            "/api/v1/datasets",
            Read,
            NONE,
            native::datasets::list,
        )
        .add(
            "POST",
            "/api/v1/datasets",
            Write,
            JSON,
            native::datasets::register,
        )
        .add(
            "GET",
            "/api/v1/datasets/{name}",
            Read,
            NONE,
            native::datasets::get,
        )
        .add(
            "DELETE",
            "/api/v1/datasets/{name}/versions/{version}",
            Admin,
            NONE,
            native::datasets::purge,
        )
        .add(
            "POST",
            "/api/v1/datasets/{name}/versions/{version}/splits",
            Write,
            JSON,
            native::datasets::split,
        )
        .add(
            "GET",
            "/api/v1/adapters",
            Read,
            NONE,
            native::adapters::list,
        )
        .add(
            "POST",
            "/api/v1/adapters",
            Write,
            JSON,
            native::adapters::seen,
        )
        .add(
            "GET",
            "/api/v1/metric-definitions",
            Read,
            NONE,
            native::adapters::definitions,
        )
        .add("GET", "/api/v1/events", Read, NONE, native::events::follow)
}

fn preview_routes(table: Table) -> Table {
    use native::datasets as d;
    const PATH: &str = "/api/v1/datasets/{name}/versions/{version}/preview";
    table
        .add("GET", PATH, Read, NONE, d::preview)
        .add("PUT", PATH, Write, JSON, d::preview_set)
        .add("DELETE", PATH, Write, NONE, d::preview_remove)
}

fn model_routes(table: Table) -> Table {
    use native::models as m;
    const BODY: usize = limits::SERVING_BODY_MAX_BYTES;
    table
        .add("GET", "/api/v1/models/{model}", Read, NONE, m::describe)
        .add(
            "POST",
            "/api/v1/models/{model}/predict",
            Write,
            BODY,
            m::predict,
        )
        .add(
            "POST",
            "/api/v1/models/{model}/search",
            Write,
            BODY,
            m::search,
        )
        .add(
            "POST",
            "/api/v1/models/{model}/export",
            Write,
            JSON,
            m::export,
        )
}

fn launch_routes(table: Table) -> Table {
    use native::launches as l;
    table
        .add("GET", "/api/v1/launches", Read, NONE, l::list)
        .add("POST", "/api/v1/launches", Write, JSON, l::launch)
        .add("GET", "/api/v1/launches/{id}", Read, NONE, l::get)
        .add("POST", "/api/v1/launches/{id}/stop", Write, NONE, l::stop)
}

fn portable_routes(table: Table) -> Table {
    table
        .add(
            "GET",
            "/api/v1/projects/{name}/hash",
            Read,
            NONE,
            native::portable::hash,
        )
        .add(
            "GET",
            "/api/v1/projects/{name}/export",
            Read,
            NONE,
            native::portable::export,
        )
        .add(
            "POST",
            "/api/v1/import",
            Admin,
            STREAM,
            native::portable::import,
        )
        .add(
            "POST",
            "/api/v1/backup",
            Admin,
            limits::BACKUP_KNOWN_MAX_BYTES,
            native::portable::backup,
        )
}

fn deletion_routes(table: Table) -> Table {
    use native::deletions as d;
    table
        .add("GET", "/api/v1/deletions", Read, NONE, d::list)
        .add("POST", "/api/v1/deletions", Write, JSON, d::run)
        .add("GET", "/api/v1/retention", Read, NONE, d::retention_list)
        .add("POST", "/api/v1/retention", Admin, JSON, d::retention_apply)
        .add(
            "PUT",
            "/api/v1/retention/{name}",
            Admin,
            JSON,
            d::retention_set,
        )
        .add(
            "DELETE",
            "/api/v1/retention/{name}",
            Admin,
            NONE,
            d::retention_remove,
        )
        .add("POST", "/api/v1/doctor", Admin, JSON, d::doctor)
}
