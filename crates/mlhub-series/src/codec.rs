//! The stored form of a chunk: points of one series in the order they were logged.
//!
//! Version 1: one version byte, the count as a varint, then the steps and the
//! times, each as zigzag varints of the difference to the one before (wrapping,
//! the first against 0), then the values as 8 bytes of IEEE 754, little endian.
//! Values keep their bits: NaN payloads, both zeros and subnormals come back as
//! they went in. Readers refuse what they do not know; nothing is repaired here.

use std::fmt;

use mlhub_core::Timestamp;
use mlhub_core::metric::Point;

/// The version [`encode`] writes.
pub const CHUNK_VERSION: u8 = 1;
/// Bytes of a varint of 64 bits at most.
const VARINT_MAX_BYTES: usize = 10;
/// Bytes a point takes at least: one for the step, one for the time, eight for the value.
const POINT_MIN_BYTES: usize = 10;

/// Why a chunk cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodecError {
    /// The chunk is of a version this program does not know.
    Version(u8),
    /// The chunk ends early, or holds more or other bytes than it announces.
    Damaged,
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(
                f,
                "a chunk of metric points has version {version}, and this program reads version {CHUNK_VERSION}; use a newer program"
            ),
            Self::Damaged => f.write_str("a chunk of metric points is damaged"),
        }
    }
}

impl std::error::Error for CodecError {}

/// Encodes points, keeping order and every bit.
pub fn encode(points: &[Point]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 + VARINT_MAX_BYTES + points.len() * 12);
    out.push(CHUNK_VERSION);
    put_varint(&mut out, points.len() as u64);
    put_deltas(&mut out, points.iter().map(|point| point.step));
    put_deltas(&mut out, points.iter().map(|point| point.time.0));
    for point in points {
        out.extend_from_slice(&point.value.to_bits().to_le_bytes());
    }
    out
}

/// Decodes a chunk. Never allocates more than a small multiple of `bytes`.
pub fn decode(bytes: &[u8]) -> Result<Vec<Point>, CodecError> {
    let mut reader = Reader { bytes };
    let version = reader.byte()?;
    if version != CHUNK_VERSION {
        return Err(CodecError::Version(version));
    }
    let count = usize::try_from(reader.varint()?).map_err(|_| CodecError::Damaged)?;
    if count > reader.bytes.len() / POINT_MIN_BYTES {
        return Err(CodecError::Damaged);
    }
    let steps = reader.deltas(count)?;
    let times = reader.deltas(count)?;
    let mut points = Vec::with_capacity(count);
    for (step, time) in steps.into_iter().zip(times) {
        points.push(Point {
            step,
            time: Timestamp(time),
            value: f64::from_bits(reader.word()?),
        });
    }
    if reader.bytes.is_empty() {
        Ok(points)
    } else {
        Err(CodecError::Damaged)
    }
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_deltas(out: &mut Vec<u8>, values: impl Iterator<Item = i64>) {
    let mut before = 0i64;
    for value in values {
        let delta = value.wrapping_sub(before);
        put_varint(out, ((delta << 1) ^ (delta >> 63)).cast_unsigned());
        before = value;
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8, CodecError> {
        let (&first, rest) = self.bytes.split_first().ok_or(CodecError::Damaged)?;
        self.bytes = rest;
        Ok(first)
    }

    fn word(&mut self) -> Result<u64, CodecError> {
        let (word, rest) = self.bytes.split_first_chunk().ok_or(CodecError::Damaged)?;
        self.bytes = rest;
        Ok(u64::from_le_bytes(*word))
    }

    fn varint(&mut self) -> Result<u64, CodecError> {
        let mut value = 0u64;
        for index in 0..VARINT_MAX_BYTES {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            let shift = 7 * index as u32;
            if part << shift >> shift != part {
                return Err(CodecError::Damaged);
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(CodecError::Damaged)
    }

    fn deltas(&mut self, count: usize) -> Result<Vec<i64>, CodecError> {
        let mut values = Vec::with_capacity(count);
        let mut before = 0i64;
        for _ in 0..count {
            let zigzag = self.varint()?;
            let delta = (zigzag >> 1).cast_signed() ^ -((zigzag & 1).cast_signed());
            before = before.wrapping_add(delta);
            values.push(before);
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{any_points, bits};

    proptest! {
        #[test]
        fn what_goes_in_comes_out_bit_for_bit(points in any_points(200)) {
            let back = decode(&encode(&points)).expect("own chunk");
            prop_assert_eq!(
                back.iter().map(bits).collect::<Vec<_>>(),
                points.iter().map(bits).collect::<Vec<_>>()
            );
        }

        #[test]
        fn a_cut_chunk_is_refused(points in any_points(20), cut in 1usize..40) {
            let whole = encode(&points);
            let end = whole.len().saturating_sub(cut);
            prop_assert!(decode(&whole[..end]).is_err());
        }

        #[test]
        fn any_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..300), versioned in any::<bool>()) {
            if versioned && let Some(first) = bytes.first_mut() {
                *first = CHUNK_VERSION;
            }
            if let Ok(points) = decode(&bytes) {
                prop_assert!(points.len() <= bytes.len() / POINT_MIN_BYTES);
            }
        }
    }

    #[test]
    fn version_one_stays_readable() {
        // One point: step -1, time 300, value -0.0, written by hand from the format.
        let bytes = [1, 1, 1, 0xd8, 0x04, 0, 0, 0, 0, 0, 0, 0, 0x80];
        let points = decode(&bytes).expect("version 1");
        assert_eq!(bits(&points[0]), (-1, 300, (-0.0f64).to_bits()));
        assert_eq!(encode(&points), bytes);
    }

    #[test]
    fn other_versions_and_extra_bytes_are_refused() {
        assert_eq!(decode(&[2, 0]), Err(CodecError::Version(2)));
        assert_eq!(decode(&[1, 0, 0]), Err(CodecError::Damaged));
        assert_eq!(decode(&[]), Err(CodecError::Damaged));
        // A count of 2^63 without bytes behind it allocates nothing.
        let mut huge = vec![1];
        put_varint(&mut huge, 1 << 63);
        assert_eq!(decode(&huge), Err(CodecError::Damaged));
    }
}
