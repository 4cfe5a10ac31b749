//! Routes: how one is guarded, and the whole service behind its walls. What routes
//! there are is in `table`.
//!
//! A route cannot be added without a permission, and one test walks the table
//! with every kind of caller. The OpenAPI document must describe exactly these
//! routes; another test holds that.

mod table;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{OriginalUri, Request, State};
use axum::handler::Handler;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use mlhub_core::Permission::{self, Public};
use tower_http::compression::CompressionLayer;

use crate::compat::mlflow;
use crate::extract::BodyLimit;
use crate::problem::{ApiError, respond};
use crate::{ApiState, Authenticator, assets, walls};

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

/// The routes of a face of another system, which are no part of the native API.
pub(crate) struct Face(Table);

impl Face {
    pub(crate) fn add<H, T>(
        self,
        method: &'static str,
        path: &str,
        permission: Permission,
        body_limit: usize,
        handler: H,
    ) -> Self
    where
        H: Handler<T, ApiState>,
        T: 'static,
    {
        let path = kept(path);
        Self(self.0.add(method, path, permission, body_limit, handler))
    }
}

/// A path for as long as the program lives; each is kept once.
fn kept(path: &str) -> &'static str {
    static PATHS: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut paths = PATHS.lock().unwrap_or_else(PoisonError::into_inner);
    match paths.get(path) {
        Some(path) => path,
        None => {
            let path: &'static str = path.to_owned().leak();
            paths.insert(path);
            path
        }
    }
}

impl Table {
    fn new(state: &ApiState) -> Self {
        Self {
            state: state.clone(),
            entries: Vec::new(),
            router: Router::new(),
        }
    }

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
        let mut route = on(filter, handler);
        // What a write answers is short, and writes are many.
        if permission != Permission::Write {
            route = route.layer(CompressionLayer::new().compress_when(compressible()));
        }
        let guard = RouteGuard {
            authenticator: Arc::clone(&self.state.authenticator),
            permission,
            body_limit,
        };
        let guarded = route.layer(middleware::from_fn_with_state(guard, authorise));
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

/// What stands before a route.
#[derive(Clone)]
struct RouteGuard {
    authenticator: Arc<Authenticator>,
    permission: Permission,
    body_limit: usize,
}

async fn authorise(State(guard): State<RouteGuard>, mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(BodyLimit(guard.body_limit));
    if guard.permission == Public {
        return next.run(request).await;
    }
    let identified = guard
        .authenticator
        .identify(request.headers())
        .and_then(|caller| caller.require(guard.permission).map(|()| caller));
    match identified {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(error) if mlflow::owns(request.uri().path()) => {
            mlflow::Refusal::from(error).into_response()
        }
        Err(error) => ApiError::from(error).into_response(),
    }
}

/// Every route with its permission.
pub fn route_table(state: &ApiState) -> Vec<RouteEntry> {
    table::table(state).entries
}

fn faces(state: &ApiState) -> Table {
    mlflow::routes(Face(Table::new(state))).0
}

/// Every route of a face of another system, with its permission.
pub fn compat_route_table(state: &ApiState) -> Vec<RouteEntry> {
    faces(state).entries
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
    let wrong_method = |uri: Uri| async move {
        if mlflow::owns(uri.path()) {
            return mlflow::no_endpoint(OriginalUri(uri)).await;
        }
        respond(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "Method not allowed",
            "this route does not take this method; see /api/v1/openapi.json",
            None,
        )
    };
    let elsewhere = ["/api/2.0", "/api/3.0", "/ajax-api"].into_iter().fold(
        faces(&state).router,
        |router, root| {
            let rest = format!("{root}/{{*rest}}");
            router.route(&rest, axum::routing::any(mlflow::no_endpoint))
        },
    );
    table::table(&state)
        .router
        .merge(elsewhere)
        .route("/api", axum::routing::any(api_missing))
        .route("/api/", axum::routing::any(api_missing))
        .route("/api/{*rest}", axum::routing::any(api_missing))
        .method_not_allowed_fallback(wrong_method)
        .fallback(
            (move |method: Method, uri: Uri, headers: HeaderMap| async move {
                if matches!(method, Method::GET | Method::HEAD) {
                    assets::serve(uri, headers).await
                } else {
                    wrong_method(uri).await
                }
            })
            .layer(CompressionLayer::new().compress_when(compressible())),
        )
        .layer(middleware::from_fn_with_state(
            Arc::clone(&state.hosts),
            walls::guard,
        ))
        .with_state(state)
}

/// Event streams are sent as they come; artifacts and packed series are sent as they are.
fn compressible() -> impl tower_http::compression::predicate::Predicate {
    use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
    DefaultPredicate::new()
        .and(NotForContentType::new("application/octet-stream"))
        .and(NotForContentType::new(mlhub_protocol::rest::PACKED_SERIES))
}
