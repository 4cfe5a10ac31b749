//! A small real hub over HTTP: the routes a supervisor needs, with the offset
//! rules of the real one, in memory. It can be shut and opened again on another
//! port, lose answers after storing, and refuse.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use mlhub_protocol::batch::{self, ColumnBatch};
use mlhub_protocol::rest::{
    AttemptFinish, AttemptReply, EventBatch, EventBatchReply, LogReply, Offsets, PointView,
    RecordInput,
};
use serde_json::{Value, json};

/// What the hub has of the one run.
#[derive(Debug, Default, Clone)]
pub(crate) struct Stored {
    pub(crate) offsets: BTreeMap<String, u64>,
    pub(crate) points: Vec<PointView>,
    pub(crate) params: BTreeMap<String, String>,
    pub(crate) records: Vec<RecordInput>,
    pub(crate) logs: BTreeMap<String, Vec<u8>>,
    pub(crate) artifacts: BTreeMap<String, (String, String, Vec<u8>)>,
    pub(crate) starts: u32,
    pub(crate) heartbeats: u32,
    pub(crate) finish: Option<AttemptFinish>,
    pub(crate) finishes: u32,
    /// Batches that came in binary.
    pub(crate) binary_batches: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Behaviour {
    pub(crate) stop_requested: AtomicBool,
    /// The run is deleted.
    pub(crate) gone: AtomicBool,
    /// Of so many calls one answer is lost on average, after the call was
    /// carried out; 0 for none. Which ones is fixed but follows no rhythm, so
    /// that it cannot fall in step with a client's.
    pub(crate) lose_every: AtomicU32,
    /// Batches with a param called `refuse` are answered with 400.
    pub(crate) refuse: AtomicBool,
    /// Batches are taken in binary too.
    pub(crate) binary: AtomicBool,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct TestHub {
    /// By run.
    pub(crate) stored: Arc<Mutex<BTreeMap<String, Stored>>>,
    pub(crate) behaviour: Arc<Behaviour>,
    open: Arc<Mutex<Option<Listening>>>,
    count: Arc<AtomicU32>,
}

#[derive(Debug)]
struct Listening {
    url: String,
    closed: Arc<AtomicBool>,
    address: std::net::SocketAddr,
}

struct Request {
    method: String,
    path: String,
    query: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl TestHub {
    /// Opens on a free port; returns the URL.
    pub(crate) fn open(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let url = format!("http://{address}");
        let closed = Arc::new(AtomicBool::new(false));
        let (hub, stop) = (self.clone(), closed.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let (hub, stop) = (hub.clone(), stop.clone());
                if let Ok(stream) = stream {
                    std::thread::spawn(move || hub.serve(stream, &stop));
                }
            }
        });
        let listening = Listening {
            url: url.clone(),
            closed,
            address,
        };
        *self.open.lock().expect("lock") = Some(listening);
        url
    }

    /// Goes away: connections under way get no answer.
    pub(crate) fn close(&self) {
        if let Some(listening) = self.open.lock().expect("lock").take() {
            listening.closed.store(true, Ordering::SeqCst);
            let _ = TcpStream::connect(listening.address);
        }
    }

    pub(crate) fn url(&self) -> Option<String> {
        self.open
            .lock()
            .expect("lock")
            .as_ref()
            .map(|listening| listening.url.clone())
    }

    /// Looks at what is stored of `run-1`.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Stored) -> T) -> T {
        look(
            self.stored
                .lock()
                .expect("lock")
                .entry("run-1".to_owned())
                .or_default(),
        )
    }

    fn serve(&self, stream: TcpStream, closed: &AtomicBool) {
        let Some(request) = read_request(&stream) else {
            return;
        };
        if closed.load(Ordering::SeqCst) {
            return;
        }
        let (status, body) = self.answer(&request);
        let count = self.count.fetch_add(1, Ordering::SeqCst);
        let lose = self.behaviour.lose_every.load(Ordering::SeqCst);
        let lost = lose > 0 && scatter(count).is_multiple_of(lose);
        if lost || closed.load(Ordering::SeqCst) {
            return;
        }
        let bytes = serde_json::to_vec(&body).expect("json");
        let kind = if status < 400 {
            "application/json"
        } else {
            "application/problem+json"
        };
        let mut stream = stream;
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            bytes.len()
        );
        let _ = stream.write_all(head.as_bytes());
        let _ = stream.write_all(&bytes);
    }

    fn answer(&self, request: &Request) -> (u16, Value) {
        let mut all = self.stored.lock().expect("lock");
        let run = request.path.split('/').nth(4).unwrap_or_default();
        let stored = all.entry(run.to_owned()).or_default();
        if self.behaviour.gone.load(Ordering::SeqCst) {
            return problem(404, "no such run", Value::Null);
        }
        let parts: Vec<&str> = request
            .path
            .trim_start_matches("/api/v1/")
            .split('/')
            .collect();
        let reply = |stored: &Stored| {
            let state = match &stored.finish {
                Some(finish) => finish.state.clone(),
                None if stored.starts > 0 => "running".to_owned(),
                None => "queued".to_owned(),
            };
            let reply = AttemptReply {
                state,
                stop_requested: self.behaviour.stop_requested.load(Ordering::SeqCst),
            };
            (200, serde_json::to_value(reply).expect("json"))
        };
        match (request.method.as_str(), parts.as_slice()) {
            ("GET", ["health"]) => (200, json!({})),
            ("GET", ["info"]) => {
                let formats: &[&str] = match self.behaviour.binary.load(Ordering::SeqCst) {
                    true => &["application/json", batch::CONTENT_TYPE],
                    false => &["application/json"],
                };
                (
                    200,
                    json!({
                        "name": "mlhub", "version": "0", "store": "sqlite", "user": "u",
                        "role": "admin", "host": "h", "event_formats": formats,
                    }),
                )
            }
            ("GET", ["runs", run]) => (200, run_detail(run, stored, &self.behaviour)),
            ("GET", ["runs", _, "attempts", _, "offsets"]) => {
                let offsets = Offsets {
                    events: stored.offsets.clone(),
                    logs: stored
                        .logs
                        .iter()
                        .map(|(name, bytes)| (name.clone(), bytes.len() as u64))
                        .collect(),
                    artifacts: stored
                        .artifacts
                        .iter()
                        .map(|(path, (hash, ..))| (path.clone(), hash.clone()))
                        .collect(),
                };
                (200, serde_json::to_value(offsets).expect("json"))
            }
            ("POST", ["runs", _, "attempts", _, "start"]) => {
                stored.starts += 1;
                reply(stored)
            }
            ("POST", ["runs", _, "attempts", _, "heartbeat"]) => {
                stored.heartbeats += 1;
                reply(stored)
            }
            ("POST", ["runs", _, "attempts", _, "events"]) => self.events(stored, request),
            ("POST", ["runs", _, "attempts", _, "logs", stream]) => log(stored, stream, request),
            ("POST", ["runs", _, "attempts", _, "finish"]) => {
                let finish: AttemptFinish = serde_json::from_slice(&request.body).expect("finish");
                stored.finishes += 1;
                stored.finish.get_or_insert(finish);
                reply(stored)
            }
            ("PUT", ["runs", _, "artifacts", "content"]) => artifact(stored, request),
            _ => panic!("unexpected call: {} {}", request.method, request.path),
        }
    }

    fn events(&self, stored: &mut Stored, request: &Request) -> (u16, Value) {
        let batch = if request.body.first() == Some(&b'{') {
            serde_json::from_slice::<EventBatch>(&request.body)
                .expect("batch")
                .into()
        } else {
            stored.binary_batches += 1;
            ColumnBatch::decode(&request.body).expect("batch")
        };
        let ColumnBatch {
            head: batch,
            series,
        } = batch;
        let known = stored.offsets.get(&batch.writer).copied().unwrap_or(0);
        if batch.end <= known {
            let reply = EventBatchReply {
                duplicate: true,
                ..EventBatchReply::default()
            };
            return (200, serde_json::to_value(reply).expect("json"));
        }
        if batch.start != known {
            return problem(409, "send from there", json!({ "expected": known }));
        }
        if self.behaviour.refuse.load(Ordering::SeqCst) && batch.params.contains_key("refuse") {
            return problem(400, "not this", Value::Null);
        }
        stored.offsets.insert(batch.writer, batch.end);
        for series in series {
            let name = series.name;
            stored
                .points
                .extend(series.points.iter().map(|point| PointView {
                    name: name.clone(),
                    step: point.step,
                    time_ms: point.time.0,
                    value: point.value.into(),
                }));
        }
        stored.params.extend(batch.params);
        stored.records.extend(batch.records);
        (
            200,
            serde_json::to_value(EventBatchReply::default()).expect("json"),
        )
    }
}

fn run_detail(run: &str, stored: &Stored, behaviour: &Behaviour) -> Value {
    let state = stored
        .finish
        .as_ref()
        .map_or("queued", |finish| finish.state.as_str());
    json!({
        "id": run, "name": "n", "project": "p", "experiment": "e", "state": state,
        "owner": "o", "attempt": 1, "created_at": 0, "params": {}, "tags": {},
        "stop_requested": behaviour.stop_requested.load(Ordering::SeqCst),
        "metrics": {}, "intervals": {}, "notes": "", "snapshot": {}, "attempts": [],
        "evaluations": [],
    })
}

fn log(stored: &mut Stored, stream: &str, request: &Request) -> (u16, Value) {
    let offset: usize = request.query["offset"].parse().expect("offset");
    let log = stored.logs.entry(stream.to_owned()).or_default();
    if offset > log.len() {
        return problem(409, "send from there", json!({ "expected": log.len() }));
    }
    let known = log.len() - offset;
    if let Some(fresh) = request.body.get(known..) {
        log.extend_from_slice(fresh);
    }
    let reply = LogReply {
        size: log.len() as u64,
    };
    (200, serde_json::to_value(reply).expect("json"))
}

fn artifact(stored: &mut Stored, request: &Request) -> (u16, Value) {
    let (path, kind, hash) = (
        request.query["path"].clone(),
        request.query["kind"].clone(),
        request.query["hash"].clone(),
    );
    if blake3::hash(&request.body).to_hex().as_str() != hash {
        return problem(400, "the hash differs", Value::Null);
    }
    let view = json!({
        "path": path, "hash": hash, "size_bytes": request.body.len(), "kind": kind,
        "attempt": 1, "created_at": 0,
    });
    stored
        .artifacts
        .insert(path, (hash, kind, request.body.clone()));
    (200, view)
}

fn problem(status: u16, detail: &str, details: Value) -> (u16, Value) {
    let body = json!({
        "type": "about:blank#test", "title": "test", "status": status,
        "detail": detail, "details": details,
    });
    (status, body)
}

/// A number without order from a number in order (xorshift).
fn scatter(count: u32) -> u32 {
    let mut mixed = count.wrapping_mul(0x9e37_79b9) ^ 0x2545_f491;
    mixed ^= mixed << 13;
    mixed ^= mixed >> 17;
    mixed ^ (mixed << 5)
}

fn read_request(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let method = words.next()?.to_owned();
    let target = words.next()?.to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let header = header.trim();
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(':')?;
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
        assert!(
            !name.eq_ignore_ascii_case("transfer-encoding"),
            "bodies have a stated length"
        );
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let query = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), decode(value)))
        .collect();
    Some(Request {
        method,
        path: path.to_owned(),
        query,
        body,
    })
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        if *first == b'%' {
            let hex = std::str::from_utf8(&tail[..2]).expect("hex");
            bytes.push(u8::from_str_radix(hex, 16).expect("hex"));
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}
