//! Spans as OpenTelemetry sends them (`POST /v1/traces`, protocol buffers): read into
//! documents, of which everything else is told.
//!
//! The document of a span is the message in JSON with the names of the protocol. What a
//! request may hold is counted while it is read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mlhub_core::trace::{SpanState, TraceSpan};
use serde_json::{Map, Value, json};

use super::wire::{Malformed, Message, Wire};
use crate::compat::mlflow::fields::number;

/// Messages within one request: spans, attributes, values in values.
const MESSAGES_MAX: usize = 400_000;
/// Values within values.
const DEPTH_MAX: usize = 64;

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It is no message of this kind.
    Malformed,
    /// It holds too much.
    TooMuch,
    /// A span has no ids, or ids of another length.
    Ids,
}

impl From<Malformed> for Unreadable {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

type Read<T> = Result<T, Unreadable>;

/// A span with the trace it is of.
#[derive(Debug)]
pub(super) struct Received {
    /// The trace, in hexadecimal digits.
    pub(super) trace: String,
    /// The span.
    pub(super) span: TraceSpan,
    /// Its document, read.
    pub(super) document: Value,
    /// The attributes of what sent it, by its place in the result.
    pub(super) resource: usize,
}

/// What a request has.
#[derive(Debug, Default)]
pub(super) struct Request {
    /// The spans in their order.
    pub(super) spans: Vec<Received>,
    /// The attributes of those that sent them.
    pub(super) resources: Vec<Vec<(String, Value)>>,
}

/// Reads a request.
pub(super) fn read(bytes: &[u8]) -> Read<Request> {
    let mut reader = Reader { messages: 0 };
    let mut request = Request::default();
    for field in Message::new(bytes) {
        if let (1, Wire::Bytes(of)) = field? {
            reader.count()?;
            reader.resource_spans(of, &mut request)?;
        }
    }
    Ok(request)
}

struct Reader {
    messages: usize,
}

fn text(bytes: &[u8]) -> Read<String> {
    let text = std::str::from_utf8(bytes).map_err(|_| Unreadable::Malformed)?;
    Ok(text.to_owned())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A time or a number of the wire as the store has it.
fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

impl Reader {
    fn count(&mut self) -> Read<()> {
        self.messages += 1;
        match self.messages > MESSAGES_MAX {
            true => Err(Unreadable::TooMuch),
            false => Ok(()),
        }
    }

    fn resource_spans(&mut self, bytes: &[u8], request: &mut Request) -> Read<()> {
        let resource = request.resources.len();
        request.resources.push(Vec::new());
        for field in Message::new(bytes) {
            match field? {
                (1, Wire::Bytes(of)) => {
                    for field in Message::new(of) {
                        if let (1, Wire::Bytes(pair)) = field? {
                            let pair = self.pair(pair, 0)?;
                            request.resources[resource].push(pair);
                        }
                    }
                }
                (2, Wire::Bytes(of)) => {
                    for field in Message::new(of) {
                        if let (2, Wire::Bytes(span)) = field? {
                            let received = self.span(span, resource)?;
                            request.spans.push(received);
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn span(&mut self, bytes: &[u8], resource: usize) -> Read<Received> {
        self.count()?;
        let mut document = Map::new();
        let (mut trace, mut id, mut parent): (&[u8], &[u8], &[u8]) = (&[], &[], &[]);
        let (mut name, mut started, mut ended) = (String::new(), 0, 0);
        let (mut attributes, mut events, mut links) = (Vec::new(), Vec::new(), Vec::new());
        let mut status = (SpanState::Unset, json!({}));
        for field in Message::new(bytes) {
            match field? {
                (1, Wire::Bytes(of)) => trace = of,
                (2, Wire::Bytes(of)) => id = of,
                (3, Wire::Bytes(of)) if !of.is_empty() => {
                    document.insert("trace_state".to_owned(), text(of)?.into());
                }
                (4, Wire::Bytes(of)) => parent = of,
                (5, Wire::Bytes(of)) => name = text(of)?,
                (6, Wire::Varint(kind)) => {
                    if let Some(kind) = KINDS.get(kind as usize) {
                        document.insert("kind".to_owned(), (*kind).into());
                    }
                }
                (7, Wire::Fixed64(time)) => started = time,
                (8, Wire::Fixed64(time)) => ended = time,
                (9, Wire::Bytes(of)) => attributes.push(self.attribute(of)?),
                (11, Wire::Bytes(of)) => events.push(self.event(of)?),
                (13, Wire::Bytes(of)) => links.push(self.link(of)?),
                (15, Wire::Bytes(of)) => status = self.status(of)?,
                _ => {}
            }
        }
        let is_id = |of: &[u8], length: usize| of.len() == length && of.iter().any(|one| *one != 0);
        let parent = Some(parent).filter(|parent| parent.iter().any(|byte| *byte != 0));
        if !is_id(trace, 16) || !is_id(id, 8) || parent.is_some_and(|of| of.len() != 8) {
            return Err(Unreadable::Ids);
        }
        let mut put = |name: &str, value: Value| document.insert(name.to_owned(), value);
        put("trace_id", STANDARD.encode(trace).into());
        put("span_id", STANDARD.encode(id).into());
        if let Some(parent) = parent {
            put("parent_span_id", STANDARD.encode(parent).into());
        }
        put("name", name.clone().into());
        put("start_time_unix_nano", started.into());
        put("end_time_unix_nano", ended.into());
        for (name, list) in [
            ("attributes", attributes),
            ("events", events),
            ("links", links),
        ] {
            if !list.is_empty() {
                put(name, list.into());
            }
        }
        let (state, status) = status;
        put("status", status);
        let document = Value::Object(document);
        let span = TraceSpan {
            id: hex(id),
            parent: parent.map(hex),
            kind: super::document::attribute(&document, SPAN_TYPE)
                .map(super::document::plain)
                .unwrap_or_default(),
            name,
            state,
            started_ns: signed(started),
            ended_ns: Some(ended).filter(|ended| *ended != 0).map(signed),
            content: document.to_string(),
        };
        Ok(Received {
            trace: hex(trace),
            span,
            document,
            resource,
        })
    }

    fn attribute(&mut self, bytes: &[u8]) -> Read<Value> {
        let (key, value) = self.pair(bytes, 0)?;
        Ok(json!({"key": key, "value": value}))
    }

    /// A name with its value.
    fn pair(&mut self, bytes: &[u8], depth: usize) -> Read<(String, Value)> {
        self.count()?;
        let mut pair = (String::new(), json!({}));
        for field in Message::new(bytes) {
            match field? {
                (1, Wire::Bytes(of)) => pair.0 = text(of)?,
                (2, Wire::Bytes(of)) => pair.1 = self.value(of, depth)?,
                _ => {}
            }
        }
        Ok(pair)
    }

    fn value(&mut self, bytes: &[u8], depth: usize) -> Read<Value> {
        self.count()?;
        if depth > DEPTH_MAX {
            return Err(Unreadable::TooMuch);
        }
        let mut value = json!({});
        for field in Message::new(bytes) {
            value = match field? {
                (1, Wire::Bytes(of)) => json!({"string_value": text(of)?}),
                (2, Wire::Varint(of)) => json!({"bool_value": of != 0}),
                (3, Wire::Varint(of)) => json!({"int_value": of.cast_signed()}),
                (4, Wire::Fixed64(of)) => {
                    json!({"double_value": number(f64::from_bits(of))})
                }
                (5, Wire::Bytes(of)) => {
                    let mut values = Vec::new();
                    for field in Message::new(of) {
                        if let (1, Wire::Bytes(of)) = field? {
                            values.push(self.value(of, depth + 1)?);
                        }
                    }
                    json!({"array_value": {"values": values}})
                }
                (6, Wire::Bytes(of)) => {
                    let mut values = Vec::new();
                    for field in Message::new(of) {
                        if let (1, Wire::Bytes(of)) = field? {
                            let (key, value) = self.pair(of, depth + 1)?;
                            values.push(json!({"key": key, "value": value}));
                        }
                    }
                    json!({"kvlist_value": {"values": values}})
                }
                (7, Wire::Bytes(of)) => json!({"bytes_value": STANDARD.encode(of)}),
                _ => value,
            };
        }
        Ok(value)
    }

    fn event(&mut self, bytes: &[u8]) -> Read<Value> {
        self.count()?;
        let mut event = json!({});
        let mut attributes = Vec::new();
        for field in Message::new(bytes) {
            match field? {
                (1, Wire::Fixed64(time)) => event["time_unix_nano"] = time.into(),
                (2, Wire::Bytes(of)) => event["name"] = text(of)?.into(),
                (3, Wire::Bytes(of)) => attributes.push(self.attribute(of)?),
                _ => {}
            }
        }
        if !attributes.is_empty() {
            event["attributes"] = attributes.into();
        }
        Ok(event)
    }

    fn link(&mut self, bytes: &[u8]) -> Read<Value> {
        self.count()?;
        let mut link = json!({});
        let mut attributes = Vec::new();
        for field in Message::new(bytes) {
            match field? {
                (1, Wire::Bytes(of)) => link["trace_id"] = STANDARD.encode(of).into(),
                (2, Wire::Bytes(of)) => link["span_id"] = STANDARD.encode(of).into(),
                (3, Wire::Bytes(of)) if !of.is_empty() => link["trace_state"] = text(of)?.into(),
                (4, Wire::Bytes(of)) => attributes.push(self.attribute(of)?),
                _ => {}
            }
        }
        if !attributes.is_empty() {
            link["attributes"] = attributes.into();
        }
        Ok(link)
    }

    fn status(&mut self, bytes: &[u8]) -> Read<(SpanState, Value)> {
        self.count()?;
        let mut status = json!({});
        let mut state = SpanState::Unset;
        for field in Message::new(bytes) {
            match field? {
                (2, Wire::Bytes(of)) if !of.is_empty() => status["message"] = text(of)?.into(),
                (3, Wire::Varint(code)) => {
                    state = match code {
                        1 => SpanState::Ok,
                        2 => SpanState::Error,
                        _ => SpanState::Unset,
                    };
                }
                _ => {}
            }
        }
        match state {
            SpanState::Unset => {}
            SpanState::Ok => status["code"] = "STATUS_CODE_OK".into(),
            SpanState::Error => status["code"] = "STATUS_CODE_ERROR".into(),
        }
        Ok((state, status))
    }
}

/// The attribute that says of what kind a span is.
const SPAN_TYPE: &str = "mlflow.spanType";
/// Kinds of spans by their numbers; the first is not told.
const KINDS: [&str; 6] = [
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A field that holds bytes.
    fn bytes(number: u8, of: &[u8]) -> Vec<u8> {
        let mut field = vec![number << 3 | 2];
        let mut length = of.len();
        while length > 0x7f {
            field.push((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        field.push(length as u8);
        field.extend(of);
        field
    }

    fn fixed(number: u8, of: u64) -> Vec<u8> {
        let mut field = vec![number << 3 | 1];
        field.extend(of.to_le_bytes());
        field
    }

    fn request(span: &[u8]) -> Vec<u8> {
        bytes(1, &bytes(2, &bytes(2, span)))
    }

    fn span(attribute: &[u8]) -> Vec<u8> {
        let parts = [
            bytes(1, &[7; 16]),
            bytes(2, &[8; 8]),
            bytes(5, b"work"),
            fixed(7, 1_000),
            fixed(8, 2_000),
            bytes(9, attribute),
            bytes(15, &[0x18, 2]),
        ];
        parts.concat()
    }

    fn pair(value: &[u8]) -> Vec<u8> {
        [bytes(1, b"mlflow.spanType"), bytes(2, value)].concat()
    }

    #[test]
    fn a_span_is_read_with_its_document() {
        let read = read(&request(&span(&pair(&bytes(1, b"TOOL"))))).expect("read");
        let [received] = &read.spans[..] else {
            panic!("one span");
        };
        assert_eq!(received.trace, "07".repeat(16));
        let span = &received.span;
        assert_eq!(
            (span.id.as_str(), &span.parent),
            ("0808080808080808", &None)
        );
        assert_eq!((span.kind.as_str(), span.state), ("TOOL", SpanState::Error));
        assert_eq!((span.started_ns, span.ended_ns), (1_000, Some(2_000)));
        let document = json!({
            "trace_id": "BwcHBwcHBwcHBwcHBwcHBw==", "span_id": "CAgICAgICAg=", "name": "work",
            "start_time_unix_nano": 1000, "end_time_unix_nano": 2000,
            "attributes": [{"key": "mlflow.spanType", "value": {"string_value": "TOOL"}}],
            "status": {"code": "STATUS_CODE_ERROR"},
        });
        assert_eq!(received.document, document);
    }

    #[test]
    fn values_in_values_end_somewhere() {
        let nested = |depth: usize| {
            let mut value = bytes(1, b"x");
            for _ in 0..depth {
                value = bytes(5, &bytes(1, &value));
            }
            read(&request(&span(&pair(&value)))).map(|_| ())
        };
        assert_eq!(nested(60), Ok(()));
        assert_eq!(nested(DEPTH_MAX + 2), Err(Unreadable::TooMuch));
        assert_eq!(nested(2_000), Err(Unreadable::TooMuch));
    }

    #[test]
    fn many_small_messages_are_refused() {
        let empty = bytes(9, &[]).repeat(MESSAGES_MAX + 1);
        let refused = read(&request(&[span(&[]), empty].concat()));
        assert_eq!(refused.expect_err("too much"), Unreadable::TooMuch);
    }

    #[test]
    fn spans_without_ids_are_refused() {
        for ids in [
            bytes(2, &[8; 8]),
            bytes(1, &[7; 16]),
            [bytes(1, &[0; 16]), bytes(2, &[8; 8])].concat(),
            [bytes(1, &[7; 15]), bytes(2, &[8; 8])].concat(),
            [bytes(1, &[7; 16]), bytes(2, &[8; 8]), bytes(4, &[1; 3])].concat(),
        ] {
            let refused = read(&request(&ids)).expect_err("no ids");
            assert_eq!(refused, Unreadable::Ids);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_panic(noise in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&noise);
            let _ = read(&request(&noise));
            let _ = read(&request(&span(&noise)));
        }
    }
}
