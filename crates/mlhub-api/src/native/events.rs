//! Live changes as server-sent events.
//!
//! `hello` first; then `run` events; `reset` when changes were missed. Each
//! carries an id; a client that returns with an id the feed has gone past gets
//! `reset`, since the feed keeps no history.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures::stream::{self, Stream, StreamExt};
use mlhub_app::LiveEvent;
use mlhub_core::{Caller, Error, ErrorKind, RunId};
use mlhub_protocol::rest;
use serde::Deserialize;
use tokio::sync::Semaphore;

use crate::ApiState;
use crate::extract::ApiQuery;
use crate::problem::ApiResult;

/// Event streams served at once.
const LISTENERS_MAX: usize = 10_000;
/// Silence after which a comment shows that the stream lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

static LISTENERS: std::sync::LazyLock<Arc<Semaphore>> =
    std::sync::LazyLock::new(|| Arc::new(Semaphore::new(LISTENERS_MAX)));

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FollowParams {
    run: Option<RunId>,
}

/// Changes of runs as they happen.
#[utoipa::path(get, path = "/api/v1/events", tag = "events", params(("run" = Option<String>, Query, description = "Only this run's changes (exact id)")), responses((status = 200, description = "`run` events hold RunChanged as JSON", content_type = "text/event-stream", body = rest::RunChanged), (status = 503, body = rest::Problem)))]
pub(crate) async fn follow(
    State(state): State<ApiState>,
    Extension(_caller): Extension<Caller>,
    ApiQuery(params): ApiQuery<FollowParams>,
    headers: HeaderMap,
) -> ApiResult<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let slot = Arc::clone(&LISTENERS).try_acquire_owned().map_err(|_| {
        Error::new(
            ErrorKind::Unavailable,
            "too many event streams are open; try again",
        )
    })?;
    let subscription = state.hub.live().subscribe();
    let last_id = state.hub.live().last_id();
    let seen = headers
        .get("last-event-id")
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<u64>().ok());
    let first = match seen {
        Some(seen) if seen != last_id => Event::default()
            .event("reset")
            .id(last_id.to_string())
            .data("{}"),
        _ => Event::default()
            .event("hello")
            .id(last_id.to_string())
            .data("{}"),
    };
    let changes = stream::unfold((subscription, slot), move |(mut subscription, slot)| {
        let wanted = params.run.clone();
        async move {
            loop {
                let event = match subscription.next().await? {
                    LiveEvent::Reset => Event::default().event("reset").data("{}"),
                    LiveEvent::Run(change) => {
                        if wanted.as_ref().is_some_and(|run| *run != change.run) {
                            continue;
                        }
                        let body = rest::RunChanged {
                            run: change.run.into(),
                            project: change.project.into(),
                            state: change.state.as_str().to_owned(),
                            changed: change
                                .changed
                                .iter()
                                .map(|what| (*what).to_owned())
                                .collect(),
                        };
                        Event::default()
                            .event("run")
                            .id(change.id.to_string())
                            .data(serde_json::to_string(&body).unwrap_or_default())
                    }
                };
                return Some((Ok(event), (subscription, slot)));
            }
        }
    });
    let events = stream::once(async move { Ok(first) }).chain(changes);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}
