//! Routes: how one is guarded, and the whole service behind its walls. What routes
//! there are is in `table`.
//!
//! A route cannot be added without a permission, and one test walks the table
//! with every kind of caller. The OpenAPI document must describe exactly these
//! routes; another test holds that.

mod table;

use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use axum::{Extension, Router};
use mlhub_core::Permission::{self, Public};

use crate::extract::BodyLimit;
use crate::problem::{ApiError, respond};
use crate::{ApiState, assets, walls};

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

/// Every route with its permission.
pub fn route_table(state: &ApiState) -> Vec<RouteEntry> {
    table::table(state).entries
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
    table::table(&state)
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
