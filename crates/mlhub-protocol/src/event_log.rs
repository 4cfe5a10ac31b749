//! The binary event log, version 1: `events/<writer>.mlog`, the compact form of
//! event lines that the SDK writes.
//!
//! ```text
//! header   16 bytes: magic `mlhubevl`, version u32, bytes of the header u32
//! frame    len u32 | crc u32 | body of `len` bytes | zeros up to a multiple of 8
//! body     kind u8 | payload
//! kinds    1  key      id u32, name (UTF-8)
//!          2  metrics  step i64, time in ms since the epoch i64, n x (key id u32, value f64)
//!          3  event    an event line as JSON
//! ```
//! Numbers are little-endian; `crc` is CRC-32 (IEEE) of the body. A file may be
//! longer than what was written: zeros follow the last frame, so a length of
//! zero is the end so far. A frame that is cut off or whose sum is wrong is the
//! end too, never garbage. Kinds that are not known are passed over.
//!
//! `len` is written last: a reader that sees it sees the whole frame. This module
//! is pure: it neither opens files nor reads clocks.

pub use mlhub_core::limits::KEY_MAX_BYTES;

/// The version this crate writes, and the greatest it reads.
pub const EVENT_LOG_VERSION: u32 = 1;
/// The ending of an event log's file name, without the dot.
pub const EVENT_LOG_EXTENSION: &str = "mlog";
/// First bytes of an event log.
pub const MAGIC: [u8; 8] = *b"mlhubevl";
/// Bytes of the header this crate writes.
pub const HEADER_BYTES: usize = 16;
/// Bytes of a header that is believed, at most.
pub const HEADER_MAX_BYTES: usize = 4096;
/// Bytes before a frame's body: length and sum.
pub const FRAME_HEAD_BYTES: usize = 8;
/// Frames start at multiples of this.
pub const FRAME_ALIGNMENT: usize = 8;
/// Bytes in the body of a frame, at most.
pub const BODY_MAX_BYTES: usize = 1024 * 1024;
/// Bytes of one value in a metrics record.
pub const VALUE_BYTES: usize = 12;
/// Bytes of a metrics record before its values, its kind included.
pub const METRICS_HEAD_BYTES: usize = 17;
/// Values in one metrics record, at most.
pub const VALUES_MAX: usize = (BODY_MAX_BYTES - METRICS_HEAD_BYTES) / VALUE_BYTES;

const KIND_KEY: u8 = 1;
const KIND_METRICS: u8 = 2;
const KIND_EVENT: u8 = 3;

/// Why a file is no event log this crate reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderProblem {
    /// The file does not start with [`MAGIC`] or its header makes no sense.
    #[error("it is not an event log")]
    NotALog,
    /// A later version wrote it.
    #[error(
        "it has version {0}, and this program reads up to {EVENT_LOG_VERSION}; use a newer mlhub"
    )]
    Newer(u32),
}

/// The header of a new file.
pub fn header() -> [u8; HEADER_BYTES] {
    let mut bytes = [0; HEADER_BYTES];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..12].copy_from_slice(&EVENT_LOG_VERSION.to_le_bytes());
    bytes[12..].copy_from_slice(&16u32.to_le_bytes());
    bytes
}

/// Where the frames start, from the first [`HEADER_BYTES`] of a file; `None`
/// while the header is not there yet (the file is shorter, or still all zeros).
///
/// # Errors
/// When the file is not an event log, or one of a later version.
pub fn read_header(bytes: &[u8]) -> Result<Option<usize>, HeaderProblem> {
    let Some(bytes) = bytes.get(..HEADER_BYTES) else {
        let seen = bytes.len().min(MAGIC.len());
        return if bytes[..seen] == MAGIC[..seen] || bytes.iter().all(|byte| *byte == 0) {
            Ok(None)
        } else {
            Err(HeaderProblem::NotALog)
        };
    };
    if bytes.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    if bytes[..8] != MAGIC {
        return Err(HeaderProblem::NotALog);
    }
    let version = u32_at(bytes, 8);
    if version > EVENT_LOG_VERSION {
        return Err(HeaderProblem::Newer(version));
    }
    let length = u32_at(bytes, 12) as usize;
    let usable = (HEADER_BYTES..=HEADER_MAX_BYTES).contains(&length)
        && length.is_multiple_of(FRAME_ALIGNMENT);
    if usable {
        Ok(Some(length))
    } else {
        Err(HeaderProblem::NotALog)
    }
}

/// Bytes a body of `length` bytes takes in the file.
pub const fn frame_bytes(length: usize) -> usize {
    FRAME_HEAD_BYTES + length.next_multiple_of(FRAME_ALIGNMENT)
}

/// What a frame says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Record<'a> {
    /// From here on `id` stands for `name`.
    Key {
        /// The number.
        id: u32,
        /// The metric's name.
        name: &'a str,
    },
    /// Values of one step.
    Metrics {
        /// The step.
        step: i64,
        /// Milliseconds since the epoch.
        time_ms: i64,
        /// Key ids and values.
        values: Values<'a>,
    },
    /// An event line as JSON.
    Event(&'a [u8]),
    /// A whole frame that cannot be understood: of a kind this version does not
    /// know (`known` is false), or one whose payload is wrong.
    Other {
        /// Whether the kind is known.
        known: bool,
    },
}

/// The values of a metrics record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Values<'a>(&'a [u8]);

impl Values<'_> {
    /// Key ids and values, in the order they were written.
    pub fn iter(&self) -> impl Iterator<Item = (u32, f64)> + '_ {
        self.0.chunks_exact(VALUE_BYTES).map(|chunk| {
            let value = u64_at(chunk, 4);
            (u32_at(chunk, 0), f64::from_bits(value))
        })
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len() / VALUE_BYTES
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What is found at one place of a file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Frame<'a> {
    /// A record; the next frame is this many bytes further.
    Record(Record<'a>, usize),
    /// The end so far: zeros, or nothing.
    End,
    /// The frame needs this many bytes in all, and fewer were given.
    Cut(usize),
    /// The frame is torn: its length or its sum is wrong. Nothing after it is read.
    Torn,
}

/// Reads the frame at the start of `bytes`.
pub fn read_frame(bytes: &[u8]) -> Frame<'_> {
    if bytes.len() < FRAME_HEAD_BYTES {
        return if bytes.iter().all(|byte| *byte == 0) {
            Frame::End
        } else {
            Frame::Cut(FRAME_HEAD_BYTES)
        };
    }
    let length = u32_at(bytes, 0) as usize;
    if length == 0 {
        return Frame::End;
    }
    if length > BODY_MAX_BYTES {
        return Frame::Torn;
    }
    let size = frame_bytes(length);
    let Some(body) = bytes.get(FRAME_HEAD_BYTES..FRAME_HEAD_BYTES + length) else {
        return Frame::Cut(size);
    };
    if bytes.len() < size {
        return Frame::Cut(size);
    }
    if crc32fast::hash(body) != u32_at(bytes, 4) {
        return Frame::Torn;
    }
    Frame::Record(read_body(body), size)
}

fn read_body(body: &[u8]) -> Record<'_> {
    let wrong = Record::Other { known: true };
    let payload = &body[1..];
    match body[0] {
        KIND_KEY => {
            let name = payload.get(4..).map(std::str::from_utf8);
            match name {
                Some(Ok(name)) if key_is_usable(name) => Record::Key {
                    id: u32_at(payload, 0),
                    name,
                },
                _ => wrong,
            }
        }
        KIND_METRICS => {
            let Some(values) = payload.get(16..) else {
                return wrong;
            };
            if !values.len().is_multiple_of(VALUE_BYTES) {
                return wrong;
            }
            Record::Metrics {
                step: u64_at(payload, 0).cast_signed(),
                time_ms: u64_at(payload, 8).cast_signed(),
                values: Values(values),
            }
        }
        KIND_EVENT => Record::Event(payload),
        _ => Record::Other { known: false },
    }
}

/// Whether a name can be a metric's: 1 to [`KEY_MAX_BYTES`] bytes without NUL.
pub fn key_is_usable(name: &str) -> bool {
    (1..=KEY_MAX_BYTES).contains(&name.len()) && !name.contains('\0')
}

/// Bytes of the body of a key definition.
pub const fn key_body_bytes(name: &str) -> usize {
    5 + name.len()
}

/// Bytes of the body of a metrics record with `count` values.
pub const fn metrics_body_bytes(count: usize) -> usize {
    METRICS_HEAD_BYTES + count * VALUE_BYTES
}

/// Bytes of the body of an event.
pub const fn event_body_bytes(json: &[u8]) -> usize {
    1 + json.len()
}

/// Writes a key definition into `body`, which has [`key_body_bytes`].
pub fn write_key(body: &mut [u8], id: u32, name: &str) {
    body[0] = KIND_KEY;
    body[1..5].copy_from_slice(&id.to_le_bytes());
    body[5..].copy_from_slice(name.as_bytes());
}

/// Writes a metrics record into `body`, which has [`metrics_body_bytes`] for as
/// many values as there are.
pub fn write_metrics(
    body: &mut [u8],
    step: i64,
    time_ms: i64,
    values: impl Iterator<Item = (u32, f64)>,
) {
    body[0] = KIND_METRICS;
    body[1..9].copy_from_slice(&step.to_le_bytes());
    body[9..17].copy_from_slice(&time_ms.to_le_bytes());
    for (chunk, (id, value)) in body[METRICS_HEAD_BYTES..]
        .chunks_exact_mut(VALUE_BYTES)
        .zip(values)
    {
        chunk[..4].copy_from_slice(&id.to_le_bytes());
        chunk[4..].copy_from_slice(&value.to_bits().to_le_bytes());
    }
}

/// Writes an event into `body`, which has [`event_body_bytes`].
pub fn write_event(body: &mut [u8], json: &[u8]) {
    body[0] = KIND_EVENT;
    body[1..].copy_from_slice(json);
}

/// The sum of a frame's body.
pub fn checksum(body: &[u8]) -> u32 {
    crc32fast::hash(body)
}

/// A whole frame with the body that `fill` writes; for tests and small tools.
pub fn frame(length: usize, fill: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut bytes = vec![0; frame_bytes(length)];
    fill(&mut bytes[FRAME_HEAD_BYTES..FRAME_HEAD_BYTES + length]);
    let sum = checksum(&bytes[FRAME_HEAD_BYTES..FRAME_HEAD_BYTES + length]);
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    bytes[4..8].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// The caller has made sure of the four bytes.
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut four = [0; 4];
    four.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(four)
}

/// The caller has made sure of the eight bytes.
fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(eight)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The file of version 1 that must stay readable for ever.
    const GOLDEN: &[u8] = include_bytes!("../tests/golden/event_log_v1.mlog");

    #[derive(Debug, Clone, PartialEq)]
    enum Owned {
        Key(u32, String),
        Metrics(i64, i64, Vec<(u32, u64)>),
        Event(Vec<u8>),
        Other(bool),
    }

    fn own(record: Record<'_>) -> Owned {
        match record {
            Record::Key { id, name } => Owned::Key(id, name.to_owned()),
            Record::Metrics {
                step,
                time_ms,
                values,
            } => {
                assert_eq!(values.len(), values.iter().count());
                let values = values.iter().map(|(id, value)| (id, value.to_bits()));
                Owned::Metrics(step, time_ms, values.collect())
            }
            Record::Event(json) => Owned::Event(json.to_vec()),
            Record::Other { known } => Owned::Other(known),
        }
    }

    fn encode(record: &Owned) -> Vec<u8> {
        match record {
            Owned::Key(id, name) => frame(key_body_bytes(name), |body| write_key(body, *id, name)),
            Owned::Metrics(step, time_ms, values) => {
                let floats = values.iter().map(|(id, bits)| (*id, f64::from_bits(*bits)));
                frame(metrics_body_bytes(values.len()), |body| {
                    write_metrics(body, *step, *time_ms, floats);
                })
            }
            Owned::Event(json) => frame(event_body_bytes(json), |body| write_event(body, json)),
            Owned::Other(_) => frame(3, |body| body[0] = 200),
        }
    }

    /// All records, how far they reach, and whether a torn frame ended them.
    fn decode(bytes: &[u8]) -> (Vec<Owned>, usize, bool) {
        let (mut found, mut at) = (Vec::new(), 0);
        loop {
            match read_frame(&bytes[at..]) {
                Frame::Record(record, size) => {
                    found.push(own(record));
                    at += size;
                }
                Frame::End => return (found, at, false),
                Frame::Cut(_) | Frame::Torn => return (found, at, true),
            }
        }
    }

    fn record() -> impl Strategy<Value = Owned> {
        prop_oneof![
            (any::<u32>(), "[^\0]{1,40}").prop_map(|(id, name)| Owned::Key(id, name)),
            (
                any::<i64>(),
                any::<i64>(),
                prop::collection::vec((any::<u32>(), any::<u64>()), 0..20)
            )
                .prop_map(|(step, time, values)| Owned::Metrics(step, time, values)),
            prop::collection::vec(any::<u8>(), 0..60).prop_map(Owned::Event),
            Just(Owned::Other(false)),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_and_zeros_are_the_end(
            records in prop::collection::vec(record(), 0..20),
            zeros in 0usize..64,
        ) {
            let mut bytes: Vec<u8> = records.iter().flat_map(encode).collect();
            let written = bytes.len();
            bytes.resize(written + zeros, 0);
            prop_assert_eq!(decode(&bytes), (records, written, false));
        }

        #[test]
        fn a_cut_or_changed_file_gives_a_prefix_and_never_garbage(
            records in prop::collection::vec(record(), 1..12),
            at in any::<prop::sample::Index>(),
            flip in 1u8..,
            cut in any::<bool>(),
        ) {
            let mut bytes: Vec<u8> = records.iter().flat_map(encode).collect();
            let at = at.index(bytes.len());
            if cut {
                bytes.truncate(at);
            } else {
                bytes[at] ^= flip;
            }
            let (found, reached, _) = decode(&bytes);
            // A flip in the padding harms nothing; anything else ends the reading
            // at the frame it is in. The odd case is a flip in a length that makes
            // it another sum's: CRC-32 does not let that through in these sizes.
            prop_assert!(found.len() <= records.len());
            prop_assert_eq!(&found[..], &records[..found.len()]);
            prop_assert!(reached <= bytes.len());
            if !cut && found.len() < records.len() {
                prop_assert!(reached <= at);
            }
        }

        #[test]
        fn no_input_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_header(&bytes);
            let _ = decode(&bytes);
        }
    }

    #[test]
    fn a_body_that_is_wrong_inside_is_passed_over() {
        let short = frame(5, |body| body[0] = KIND_METRICS);
        let bad_name = frame(7, |body| {
            body.copy_from_slice(&[KIND_KEY, 0, 0, 0, 0, 0xff, 0xfe])
        });
        let odd = frame(METRICS_HEAD_BYTES + 5, |body| body[0] = KIND_METRICS);
        for bytes in [short, bad_name, odd] {
            let (found, reached, torn) = decode(&bytes);
            assert_eq!((found, torn), (vec![Owned::Other(true)], false));
            assert_eq!(reached, bytes.len());
        }
    }

    #[test]
    fn headers_are_told_apart() {
        assert_eq!(read_header(&header()), Ok(Some(HEADER_BYTES)));
        assert_eq!(read_header(&[0; HEADER_BYTES]), Ok(None));
        assert_eq!(read_header(b"mlhub"), Ok(None));
        assert_eq!(read_header(b""), Ok(None));
        assert_eq!(
            read_header(b"{\"step\":1,\"metri"),
            Err(HeaderProblem::NotALog)
        );
        assert_eq!(read_header(b"{\"st"), Err(HeaderProblem::NotALog));
        let mut newer = header();
        newer[8] = 9;
        let problem = read_header(&newer).expect_err("newer");
        assert!(problem.to_string().contains("version 9"), "{problem}");
        let mut odd = header();
        odd[12] = 17;
        assert_eq!(read_header(&odd), Err(HeaderProblem::NotALog));
    }

    fn golden_records() -> Vec<Owned> {
        let nan = f64::NAN.to_bits();
        let values = vec![(0, 0.5f64.to_bits()), (1, nan), (0, (-0.0f64).to_bits())];
        vec![
            Owned::Key(0, "train/loss".to_owned()),
            Owned::Key(1, "accuracy \u{3b1}".to_owned()),
            Owned::Metrics(-3, 1_700_000_000_123, values),
            Owned::Event(br#"{"tags":{"stage":"warm"}}"#.to_vec()),
            Owned::Metrics(i64::MAX, 0, vec![(1, f64::INFINITY.to_bits())]),
        ]
    }

    #[test]
    fn the_released_format_stays_readable_and_is_what_is_written() {
        let start = read_header(GOLDEN).expect("a log").expect("whole");
        assert_eq!(decode(&GOLDEN[start..]).0, golden_records());
        let mut written = header().to_vec();
        written.extend(golden_records().iter().flat_map(encode));
        // The golden file ends in zeros, as one that was not closed does.
        assert_eq!(&GOLDEN[..written.len()], &written[..]);
        assert!(GOLDEN[written.len()..].iter().all(|byte| *byte == 0));
    }
}
