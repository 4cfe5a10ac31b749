//! A batch of events in binary, for those who ship many points.
//!
//! The same content as [`EventBatch`], with each name once and points by column.
//! Sent as `Content-Type:` [`CONTENT_TYPE`] to the route of event batches; JSON
//! stays accepted. Version 1, all of it little endian:
//!
//! 1. one version byte;
//! 2. CRC-32 (4 bytes) of all that follows;
//! 3. the length of the head as a varint, and the head: a JSON object of
//!    `writer`, `start`, `end`, `params`, `tags`, `records`, as in the JSON form;
//! 4. the number of series as a varint; of each series its name (length as a
//!    varint, UTF-8) and its number of points as a varint, a name only once;
//! 5. series after series, the steps of its points, then their times in
//!    milliseconds, each as zigzag varints of the difference to the one before
//!    (wrapping, the first against 0);
//! 6. series after series, the values as IEEE 754 doubles of 8 bytes.
//!
//! Varints are LEB128 of at most 10 bytes. Readers refuse other versions and
//! anything left over.

use std::collections::{BTreeMap, BTreeSet};

use mlhub_core::metric::{Point, SeriesPoints};
use mlhub_core::{Timestamp, limits};
use serde::{Deserialize, Serialize};

use crate::rest::{EventBatch, RecordInput};

/// The media type of version 1.
pub const CONTENT_TYPE: &str = "application/vnd.mlhub.events+v1";
/// The version byte.
const VERSION: u8 = 1;
/// Bytes of a varint at most.
const VARINT_MAX_BYTES: usize = 10;
/// Bytes a point takes at least: step, time, value.
const POINT_MIN_BYTES: usize = 10;
/// Bytes a series takes at least in the table of names: two lengths.
const SERIES_MIN_BYTES: usize = 2;

/// A batch, as the binary form holds it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ColumnBatch {
    /// What is not points.
    pub head: BatchHead,
    /// The points, a name only once.
    pub series: Vec<SeriesPoints>,
}

/// What of a batch is not points.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchHead {
    /// The writer.
    pub writer: String,
    /// First byte covered.
    pub start: u64,
    /// One past the last byte covered.
    pub end: u64,
    /// Params.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
    /// Tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Other records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<RecordInput>,
}

/// Why bytes are no batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// Another version.
    #[error("the batch has version {0} of the binary form, and version {VERSION} is read here")]
    Version(u8),
    /// The checksum differs.
    #[error("the batch was damaged on its way: its checksum differs")]
    Checksum,
    /// The bytes are not as the form says.
    #[error("the batch cannot be read: {0}")]
    Malformed(&'static str),
    /// The head is not the JSON it should be.
    #[error("the head of the batch cannot be read at line {line} column {column}")]
    Head {
        /// Line in the head, from 1.
        line: usize,
        /// Column in the head, from 1.
        column: usize,
    },
    /// More points than one batch may have.
    #[error("the batch has more than {} points", limits::POINTS_PER_BATCH_MAX)]
    TooManyPoints,
}

impl From<EventBatch> for ColumnBatch {
    fn from(batch: EventBatch) -> Self {
        let points = batch.points.into_iter().map(|point| {
            let value = Point {
                step: point.step,
                time: Timestamp(point.time_ms),
                value: point.value.0,
            };
            (point.name, value)
        });
        Self {
            series: SeriesPoints::group(points),
            head: BatchHead {
                writer: batch.writer,
                start: batch.start,
                end: batch.end,
                params: batch.params,
                tags: batch.tags,
                records: batch.records,
            },
        }
    }
}

impl ColumnBatch {
    /// The binary form.
    ///
    /// # Errors
    /// When a record holds what JSON cannot.
    pub fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        let points: usize = self.series.iter().map(|series| series.points.len()).sum();
        let head = serde_json::to_vec(&self.head)?;
        let mut out = Vec::with_capacity(64 + head.len() + points * 12);
        out.extend_from_slice(&[VERSION, 0, 0, 0, 0]);
        put_varint(&mut out, head.len() as u64);
        out.extend_from_slice(&head);
        put_varint(&mut out, self.series.len() as u64);
        for series in &self.series {
            put_varint(&mut out, series.name.len() as u64);
            out.extend_from_slice(series.name.as_bytes());
            put_varint(&mut out, series.points.len() as u64);
        }
        for series in &self.series {
            put_differences(&mut out, series.points.iter().map(|point| point.step));
            put_differences(&mut out, series.points.iter().map(|point| point.time.0));
        }
        for series in &self.series {
            for point in &series.points {
                out.extend_from_slice(&point.value.to_le_bytes());
            }
        }
        let sum = crc32fast::hash(&out[5..]);
        out[1..5].copy_from_slice(&sum.to_le_bytes());
        Ok(out)
    }

    /// Reads the binary form. Allocates no more than a small multiple of `bytes`.
    ///
    /// # Errors
    /// [`BatchError`], naming no value of the batch.
    pub fn decode(bytes: &[u8]) -> Result<Self, BatchError> {
        let mut reader = Reader { bytes };
        let [version] = reader.array()?;
        if version != VERSION {
            return Err(BatchError::Version(version));
        }
        let wanted = u32::from_le_bytes(reader.array()?);
        if crc32fast::hash(reader.bytes) != wanted {
            return Err(BatchError::Checksum);
        }
        let length = reader.length(1)?;
        let head =
            serde_json::from_slice(reader.take(length)?).map_err(|error| BatchError::Head {
                line: error.line(),
                column: error.column(),
            })?;
        let mut series = reader.names()?;
        for series in &mut series {
            reader.differences(&mut series.points, |point, step| point.step = step)?;
            reader.differences(&mut series.points, |point, time| point.time.0 = time)?;
        }
        for series in &mut series {
            for point in &mut series.points {
                point.value = f64::from_le_bytes(reader.array()?);
            }
        }
        if reader.bytes.is_empty() {
            Ok(Self { head, series })
        } else {
            Err(BatchError::Malformed("bytes follow its end"))
        }
    }
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_differences(out: &mut Vec<u8>, values: impl Iterator<Item = i64>) {
    let mut before = 0i64;
    for value in values {
        let difference = value.wrapping_sub(before);
        put_varint(
            out,
            ((difference << 1) ^ (difference >> 63)).cast_unsigned(),
        );
        before = value;
    }
}

const CUT: BatchError = BatchError::Malformed("it ends early");

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], BatchError> {
        let (array, rest) = self.bytes.split_first_chunk().ok_or(CUT)?;
        self.bytes = rest;
        Ok(*array)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], BatchError> {
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or(CUT)?;
        self.bytes = rest;
        Ok(taken)
    }

    fn varint(&mut self) -> Result<u64, BatchError> {
        let mut value = 0u64;
        for index in 0..VARINT_MAX_BYTES {
            let [byte] = self.array()?;
            let part = u64::from(byte & 0x7f);
            let shift = 7 * index as u32;
            if part << shift >> shift != part {
                break;
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(BatchError::Malformed("a number has more than 64 bits"))
    }

    /// A count of things that take at least `each` of the bytes left.
    fn length(&mut self, each: usize) -> Result<usize, BatchError> {
        usize::try_from(self.varint()?)
            .ok()
            .filter(|count| *count <= self.bytes.len() / each)
            .ok_or(CUT)
    }

    /// The table of names, with room for the points.
    fn names(&mut self) -> Result<Vec<SeriesPoints>, BatchError> {
        const NOTHING: Point = Point {
            step: 0,
            time: Timestamp(0),
            value: 0.0,
        };
        let count = self.length(SERIES_MIN_BYTES)?;
        let mut table = Vec::with_capacity(count);
        let mut names = BTreeSet::new();
        let mut total = 0usize;
        for _ in 0..count {
            let length = self.length(1)?;
            let name = std::str::from_utf8(self.take(length)?)
                .map_err(|_| BatchError::Malformed("a name is not UTF-8"))?;
            if !names.insert(name) {
                return Err(BatchError::Malformed("a name comes twice"));
            }
            let points = self.length(POINT_MIN_BYTES)?;
            total += points;
            table.push((name, points));
        }
        if total > limits::POINTS_PER_BATCH_MAX {
            return Err(BatchError::TooManyPoints);
        }
        if total > self.bytes.len() / POINT_MIN_BYTES {
            return Err(CUT);
        }
        let series = table.into_iter().map(|(name, points)| SeriesPoints {
            name: name.to_owned(),
            points: vec![NOTHING; points],
        });
        Ok(series.collect())
    }

    fn differences(
        &mut self,
        points: &mut [Point],
        set: impl Fn(&mut Point, i64),
    ) -> Result<(), BatchError> {
        let mut before = 0i64;
        for point in points {
            let zigzag = self.varint()?;
            let difference = (zigzag >> 1).cast_signed() ^ -((zigzag & 1).cast_signed());
            before = before.wrapping_add(difference);
            set(point, before);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn any_batch() -> impl Strategy<Value = ColumnBatch> {
        let point =
            (any::<i64>(), any::<i64>(), any::<u64>()).prop_map(|(step, time, bits)| Point {
                step,
                time: Timestamp(time),
                value: f64::from_bits(bits),
            });
        let series =
            prop::collection::btree_map("\\PC{0,8}", prop::collection::vec(point, 0..40), 0..6);
        (series, "\\PC{0,8}", any::<u64>(), any::<u64>()).prop_map(|(series, word, start, end)| {
            let named = |(name, points)| SeriesPoints { name, points };
            ColumnBatch {
                series: series.into_iter().map(named).collect(),
                head: BatchHead {
                    writer: word.clone(),
                    start,
                    end,
                    params: [("p".to_owned(), word.clone())].into(),
                    tags: BTreeMap::new(),
                    records: vec![RecordInput {
                        kind: "entry".to_owned(),
                        time_ms: 3,
                        body: json!({"w": word}),
                    }],
                },
            }
        })
    }

    /// A series by name, its points as step, time and bits of the value.
    type Bits<'a> = (&'a str, Vec<(i64, i64, u64)>);

    fn bits(batch: &ColumnBatch) -> Vec<Bits<'_>> {
        let of = |point: &Point| (point.step, point.time.0, point.value.to_bits());
        batch
            .series
            .iter()
            .map(|series| (series.name.as_str(), series.points.iter().map(of).collect()))
            .collect()
    }

    fn sealed(body: &[u8]) -> Vec<u8> {
        let mut out = vec![VERSION];
        out.extend_from_slice(&crc32fast::hash(body).to_le_bytes());
        out.extend_from_slice(body);
        out
    }

    proptest! {
        #[test]
        fn a_batch_comes_back_bit_for_bit(batch in any_batch()) {
            let bytes = batch.encode().expect("encodes");
            let back = ColumnBatch::decode(&bytes).expect("own batch");
            prop_assert_eq!(&back.head, &batch.head);
            prop_assert_eq!(bits(&back), bits(&batch));
            prop_assert_eq!(back.encode().expect("encodes"), bytes);
        }

        #[test]
        fn a_cut_or_changed_batch_is_refused(batch in any_batch(), place in any::<prop::sample::Index>(), bit in 0u8..8) {
            let mut bytes = batch.encode().expect("encodes");
            let place = place.index(bytes.len());
            prop_assert!(ColumnBatch::decode(&bytes[..place]).is_err());
            bytes[place] ^= 1 << bit;
            prop_assert!(ColumnBatch::decode(&bytes).is_err());
        }

        #[test]
        fn hostile_bytes_never_panic(batch in any_batch(), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), noise in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut body = batch.encode().expect("encodes").split_off(5);
            for (place, byte) in changes {
                let place = place.index(body.len());
                body[place] = byte;
            }
            for bytes in [sealed(&body), sealed(&noise), noise] {
                if let Ok(batch) = ColumnBatch::decode(&bytes) {
                    let points: usize = batch.series.iter().map(|series| series.points.len()).sum();
                    prop_assert!(points * POINT_MIN_BYTES <= bytes.len());
                }
            }
        }
    }

    #[test]
    fn version_one_stays_readable() {
        let mut body = vec![32];
        body.extend_from_slice(br#"{"writer":"w","start":0,"end":9}"#);
        body.extend_from_slice(&[1, 1, b'a', 2, 2, 4, 20, 0]);
        body.extend_from_slice(&0.5f64.to_le_bytes());
        body.extend_from_slice(&(-0.0f64).to_le_bytes());
        let batch = ColumnBatch::decode(&sealed(&body)).expect("version 1");
        assert_eq!((batch.head.writer.as_str(), batch.head.end), ("w", 9));
        assert_eq!(
            bits(&batch),
            [("a", vec![(1, 10, 0.5f64.to_bits()), (3, 10, 1 << 63)])]
        );
        assert_eq!(batch.encode().expect("encodes"), sealed(&body));
    }

    #[test]
    fn refusals_say_what_and_repeat_nothing() {
        let head = br#"{"writer":"secret","#;
        let mut body = vec![head.len() as u8];
        body.extend_from_slice(head);
        let said = ColumnBatch::decode(&sealed(&body))
            .expect_err("no head")
            .to_string();
        assert!(
            said.contains("line 1 column") && !said.contains("secret"),
            "{said}"
        );
        assert_eq!(ColumnBatch::decode(&[7]), Err(BatchError::Version(7)));
        assert_eq!(
            ColumnBatch::decode(&[1, 0, 0, 0, 1]),
            Err(BatchError::Checksum)
        );
        let mut twice = vec![32];
        twice.extend_from_slice(br#"{"writer":"w","start":0,"end":9}"#);
        twice.extend_from_slice(&[2, 1, b'a', 0, 1, b'a', 0]);
        assert_eq!(
            ColumnBatch::decode(&sealed(&twice)),
            Err(BatchError::Malformed("a name comes twice"))
        );
    }
}
