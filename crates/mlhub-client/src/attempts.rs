//! Calls a supervisor makes about its attempt.

use mlhub_protocol::batch::{self, ColumnBatch};
use mlhub_protocol::rest::{
    AttemptFinish, AttemptReply, AttemptStart, EventBatch, EventBatchReply, Heartbeat, LogReply,
    Offsets,
};

use crate::Result;
use crate::error::{ClientError, ClientErrorKind};
use crate::http::{Call, Client, Payload, path};

fn attempt_path(run: &str, attempt: u32, rest: &[&str]) -> String {
    let number = attempt.to_string();
    let mut segments = vec!["runs", run, "attempts", number.as_str()];
    segments.extend_from_slice(rest);
    path(&segments)
}

impl Client {
    /// What the hub has of an attempt.
    ///
    /// # Errors
    /// The hub's, or of the connection; so for every call here.
    pub fn attempt_offsets(&self, run: &str, attempt: u32) -> Result<Offsets> {
        self.get(attempt_path(run, attempt, &["offsets"]))
    }

    /// Tells that the program started.
    pub fn attempt_start(
        &self,
        run: &str,
        attempt: u32,
        start: &AttemptStart,
    ) -> Result<AttemptReply> {
        self.post(attempt_path(run, attempt, &["start"]), start)
    }

    /// Tells that the supervisor is alive.
    pub fn attempt_heartbeat(
        &self,
        run: &str,
        attempt: u32,
        heartbeat: &Heartbeat,
    ) -> Result<AttemptReply> {
        self.post(attempt_path(run, attempt, &["heartbeat"]), heartbeat)
    }

    /// Ships a batch of events. On a 409 with an offset
    /// ([`crate::ClientError::misaligned`]) go on from there.
    pub fn attempt_events(
        &self,
        run: &str,
        attempt: u32,
        batch: &EventBatch,
    ) -> Result<EventBatchReply> {
        self.post(attempt_path(run, attempt, &["events"]), batch)
    }

    /// Ships a batch of events in the binary form, to hubs whose
    /// [`mlhub_protocol::rest::Info::event_formats`] name it.
    pub fn attempt_events_binary(
        &self,
        run: &str,
        attempt: u32,
        batch: &ColumnBatch,
    ) -> Result<EventBatchReply> {
        let bytes = batch.encode().map_err(|error| {
            ClientError::new(
                ClientErrorKind::Protocol,
                "cannot encode the request",
                error.to_string(),
            )
        })?;
        let mut call = Call::new("POST", attempt_path(run, attempt, &["events"]));
        call.payload = Payload::Typed(&bytes, batch::CONTENT_TYPE);
        self.fetch(call)
    }

    /// Ships bytes of `stdout` or `stderr` that start at `offset`.
    pub fn attempt_log(
        &self,
        run: &str,
        attempt: u32,
        stream: &str,
        offset: u64,
        bytes: &[u8],
    ) -> Result<LogReply> {
        let mut call = Call::new("POST", attempt_path(run, attempt, &["logs", stream]))
            .query("offset", Some(offset));
        call.payload = Payload::Bytes(bytes);
        self.fetch(call)
    }

    /// Leaves out output up to `to`, where the stream goes on.
    pub fn attempt_log_skip(
        &self,
        run: &str,
        attempt: u32,
        stream: &str,
        to: u64,
    ) -> Result<LogReply> {
        let mut call = Call::new("POST", attempt_path(run, attempt, &["logs", stream]))
            .query("offset", Some(to))
            .query("skip", Some(true));
        call.payload = Payload::Bytes(b"");
        self.fetch(call)
    }

    /// Tells how the program ended, after all it left is shipped.
    pub fn attempt_finish(
        &self,
        run: &str,
        attempt: u32,
        finish: &AttemptFinish,
    ) -> Result<AttemptReply> {
        self.post(attempt_path(run, attempt, &["finish"]), finish)
    }
}
