//! The route table: every route with its method, permission and body limit.
//!
//! A route cannot be added without a permission, and one test walks the table
//! with every kind of caller. The OpenAPI document must describe exactly these
//! routes; another test holds that.

use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use axum::{Extension, Router};
use mlhub_core::Permission::{Admin, Public, Read, Write};
use mlhub_core::{Permission, limits};

use crate::extract::BodyLimit;
use crate::problem::{ApiError, respond};
use crate::{ApiState, assets, native, walls};

/// One route.
#[derive(Debug, Clone, Copy)]
pub struct RouteEntry {
    /// `GET`, `POST`, ...
    pub method: &'static str,
    /// The path with its parameters in braces.
    pub path: &'static str,
    /// What a caller needs.
    pub permission: Permission,
    /// Bytes its body may have; 0 for none, `usize::MAX` for streams that count themselves.
    pub body_limit: usize,
}

struct Table {
    state: ApiState,
    entries: Vec<RouteEntry>,
    router: Router<ApiState>,
}

impl Table {
    fn add<H, T>(
        mut self,
        method: &'static str,
        path: &'static str,
        permission: Permission,
        body_limit: usize,
        handler: H,
    ) -> Self
    where
        H: Handler<T, ApiState>,
        T: 'static,
    {
        let filter = match method {
            "GET" => MethodFilter::GET,
            "POST" => MethodFilter::POST,
            "PUT" => MethodFilter::PUT,
            "PATCH" => MethodFilter::PATCH,
            _ => MethodFilter::DELETE,
        };
        let guarded = on(filter, handler)
            .layer(Extension(BodyLimit(body_limit)))
            .layer(middleware::from_fn_with_state(
                (self.state.clone(), permission),
                authorise,
            ));
        self.router = self.router.route(path, guarded);
        self.entries.push(RouteEntry {
            method,
            path,
            permission,
            body_limit,
        });
        self
    }
}

async fn authorise(
    State((state, permission)): State<(ApiState, Permission)>,
    mut request: Request,
    next: Next,
) -> Response {
    if permission == Public {
        return next.run(request).await;
    }
    let identified = state
        .authenticator
        .identify(request.headers())
        .and_then(|caller| caller.require(permission).map(|()| caller));
    match identified {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(error) => ApiError::from(error).into_response(),
    }
}

const JSON: usize = limits::JSON_BODY_MAX_BYTES;
const NONE: usize = 0;
const STREAM: usize = usize::MAX;

fn table(state: &ApiState) -> Table {
    let table = Table {
        state: state.clone(),
        entries: Vec::new(),
        router: Router::new(),
    };
    [
        hub_routes,
        run_routes,
        attempt_routes,
        series_routes,
        upload_routes,
        result_routes,
        dataset_routes,
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
            "GET",
            "/api/v1/experiments",
            Read,
            NONE,
            native::meta::experiments,
        )
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

/// Every route with its permission.
pub fn route_table(state: &ApiState) -> Vec<RouteEntry> {
    table(state).entries
}

/// The whole service behind its walls.
pub fn router(state: ApiState) -> Router {
    let api_missing = || async {
        respond(
            StatusCode::NOT_FOUND,
            "not_found",
            "Not found",
            "there is no such route; see /api/v1/openapi.json",
            None,
        )
    };
    let wrong_method = || async {
        respond(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "Method not allowed",
            "this route does not take this method; see /api/v1/openapi.json",
            None,
        )
    };
    table(&state)
        .router
        .route("/api", axum::routing::any(api_missing))
        .route("/api/", axum::routing::any(api_missing))
        .route("/api/{*rest}", axum::routing::any(api_missing))
        .method_not_allowed_fallback(wrong_method)
        .fallback(move |method: Method, uri: Uri| async move {
            if matches!(method, Method::GET | Method::HEAD) {
                assets::serve(uri).await
            } else {
                wrong_method().await
            }
        })
        .layer(tower_http::compression::CompressionLayer::new().compress_when(compressible()))
        .layer(tower_http::catch_panic::CatchPanicLayer::custom(
            |_panic: Box<dyn std::any::Any + Send>| {
                tracing::error!("a request handler panicked");
                respond(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "internal",
                    "Internal error",
                    "the hub met a defect; see its log",
                    None,
                )
            },
        ))
        .layer(middleware::from_fn_with_state(state.clone(), walls::guard))
        .with_state(state)
}

/// Event streams are sent as they come; artifacts are sent as they are.
fn compressible() -> impl tower_http::compression::predicate::Predicate {
    use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
    DefaultPredicate::new().and(NotForContentType::new("application/octet-stream"))
}
