//! The live stream: server-sent events, read line by line.
//!
//! It does not reconnect: when the stream ends or breaks, open another from
//! [`EventStream::last_id`] and fetch what is shown.

use std::io::{BufRead, BufReader, Read};

use mlhub_protocol::rest::RunChanged;

use crate::Result;
use crate::error::{ClientError, ClientErrorKind};
use crate::http::{Call, Client, path};

/// Bytes of one line of the stream at most.
const LINE_MAX_BYTES: u64 = 1024 * 1024;
/// Bytes of one event at most.
const EVENT_MAX_BYTES: usize = 4 * 1024 * 1024;

/// One event of the stream.
#[derive(Debug, Clone, PartialEq)]
pub enum ServerEvent {
    /// The stream is open.
    Hello,
    /// Something of a run changed.
    Run(RunChanged),
    /// Events were missed: fetch everything shown again.
    Reset,
    /// An event this client does not know, by name.
    Other(String),
}

/// A live stream of events; ends when the hub closes it.
pub struct EventStream {
    reader: BufReader<Box<dyn Read + Send>>,
    last_id: Option<String>,
    url: String,
    ended: bool,
}

impl std::fmt::Debug for EventStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventStream")
            .field("url", &self.url)
            .field("last_id", &self.last_id)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Opens the live stream, of one run or of all; `last_id` resumes an
    /// earlier stream.
    ///
    /// # Errors
    /// The hub's, or of the connection.
    pub fn events(&self, run: Option<&str>, last_id: Option<&str>) -> Result<EventStream> {
        let mut call = Call::new("GET", path(&["events"])).query("run", run);
        call.accept = "text/event-stream";
        call.headers
            .push(("accept-encoding", "identity".to_owned()));
        if let Some(id) = last_id {
            call.headers.push(("last-event-id", id.to_owned()));
        }
        let response = self.send(call)?;
        let body = response
            .into_body()
            .into_with_config()
            .limit(u64::MAX)
            .reader();
        Ok(EventStream::new(Box::new(body), self.base_url()))
    }
}

impl EventStream {
    fn new(body: Box<dyn Read + Send>, url: &str) -> Self {
        Self {
            reader: BufReader::new(body),
            last_id: None,
            url: url.to_owned(),
            ended: false,
        }
    }

    /// The id of the last event that had one.
    pub fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    fn read_event(&mut self) -> Result<Option<ServerEvent>> {
        let mut name = String::new();
        let mut data = String::new();
        loop {
            let mut line = Vec::new();
            let count = (&mut self.reader)
                .take(LINE_MAX_BYTES)
                .read_until(b'\n', &mut line)
                .map_err(|cause| ClientError::from_io(&self.url, &cause))?;
            if count == 0 {
                return Ok(None);
            }
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\n', '\r']);
            if line.is_empty() {
                if name.is_empty() && data.is_empty() {
                    continue;
                }
                return self.event(&name, &data).map(Some);
            }
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => value.clone_into(&mut name),
                "id" => self.last_id = Some(value.to_owned()),
                "data" if data.len() + value.len() > EVENT_MAX_BYTES => {
                    return Err(self.unexpected("an event is longer than 4 MiB"));
                }
                "data" => {
                    if !data.is_empty() {
                        data.push('\n');
                    }
                    data.push_str(value);
                }
                // Comments (keep-alives) and fields of later versions.
                _ => {}
            }
        }
    }

    fn event(&self, name: &str, data: &str) -> Result<ServerEvent> {
        match name {
            "hello" => Ok(ServerEvent::Hello),
            "reset" => Ok(ServerEvent::Reset),
            "run" => serde_json::from_str(data)
                .map(ServerEvent::Run)
                .map_err(|error| self.unexpected(&format!("a `run` event is malformed: {error}"))),
            other => Ok(ServerEvent::Other(other.to_owned())),
        }
    }

    fn unexpected(&self, detail: &str) -> ClientError {
        ClientError::new(
            ClientErrorKind::Protocol,
            "unexpected event",
            format!("live stream of {}: {detail}", self.url),
        )
    }
}

impl Iterator for EventStream {
    type Item = Result<ServerEvent>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let item = self.read_event().transpose();
        if !matches!(item, Some(Ok(_))) {
            self.ended = true;
        }
        item
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(text: &'static str) -> EventStream {
        EventStream::new(Box::new(text.as_bytes()), "http://hub")
    }

    #[test]
    fn events_comments_and_ids_are_read() {
        let mut stream = stream(
            ": keep-alive\n\nevent: hello\ndata: {}\n\nid: 4\r\nevent: run\r\ndata: {\"run\":\"r1\",\"project\":\"p\",\ndata: \"state\":\"running\",\"changed\":[\"logs\"]}\r\n\r\nevent: later\ndata: 1\n\n",
        );
        assert_eq!(stream.next(), Some(Ok(ServerEvent::Hello)));
        let Some(Ok(ServerEvent::Run(changed))) = stream.next() else {
            panic!("a run event");
        };
        assert_eq!(changed.changed, ["logs"]);
        assert_eq!(stream.last_id(), Some("4"));
        assert_eq!(
            stream.next(),
            Some(Ok(ServerEvent::Other("later".to_owned())))
        );
        assert_eq!(stream.next(), None);
    }

    #[test]
    fn a_malformed_event_ends_the_stream_with_an_error() {
        let mut stream = stream("event: run\ndata: {\n\nevent: hello\n\n");
        assert!(
            matches!(stream.next(), Some(Err(error)) if error.kind == ClientErrorKind::Protocol)
        );
        assert_eq!(stream.next(), None);
    }
}
