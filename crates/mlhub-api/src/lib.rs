//! The HTTP faces of the hub. Handlers translate: extract, one `app` call, map.
//!
//! Requests pass the walls first (`walls`: Host, Origin, security headers), then
//! their route's declared permission (`routes`): a route without one does not
//! compile. This crate holds no rule of use, opens no file and knows no SQL.

mod assets;
mod auth;
mod compat;
mod extract;
mod native;
mod openapi;
mod problem;
mod routes;
mod server;
mod walls;

use std::sync::Arc;

use mlhub_app::Hub;

pub use axum::Router;

pub use auth::{Authenticator, TokenFileError};
pub use openapi::document as openapi_document;
pub use routes::{RouteEntry, compat_route_table, route_table, router};
pub use server::{ServeOptions, serve};
pub use walls::HostPolicy;

/// What every handler may reach.
#[derive(Clone)]
pub struct ApiState {
    /// The use cases.
    pub hub: Arc<Hub>,
    /// Who may call.
    pub authenticator: Arc<Authenticator>,
    /// Under which names the hub answers.
    pub hosts: Arc<HostPolicy>,
    /// What this hub is, for `/info`.
    pub identity: Arc<HubIdentity>,
}

/// What a hub says of itself.
#[derive(Debug, Clone)]
pub struct HubIdentity {
    /// Its version.
    pub version: String,
    /// `sqlite` or `postgresql`.
    pub store: String,
    /// The machine it runs on.
    pub host: String,
}
