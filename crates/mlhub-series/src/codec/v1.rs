//! Version 1: one version byte, the count as a varint, then the steps and the
//! times, each as zigzag varints of the difference to the one before (wrapping,
//! the first against 0), then the values as 8 bytes of IEEE 754, little endian.
//! Written only for chunks longer than version 2 takes; its size bounds itself.

use mlhub_core::Timestamp;
use mlhub_core::metric::Point;

use super::CodecError;
use super::bytes::{Reader, VARINT_MAX_BYTES, put_varint, unzigzag, zigzag};

/// The version byte.
pub(super) const VERSION: u8 = 1;
/// Bytes a point takes at least: one for the step, one for the time, eight for the value.
pub(super) const POINT_MIN_BYTES: usize = 10;

pub(super) fn encode(points: &[Point]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 + VARINT_MAX_BYTES + points.len() * 12);
    out.push(VERSION);
    put_varint(&mut out, points.len() as u64);
    put_deltas(&mut out, points.iter().map(|point| point.step));
    put_deltas(&mut out, points.iter().map(|point| point.time.0));
    for point in points {
        out.extend_from_slice(&point.value.to_bits().to_le_bytes());
    }
    out
}

/// Decodes what follows the version byte.
pub(super) fn decode(mut reader: Reader<'_>) -> Result<Vec<Point>, CodecError> {
    let count = reader.count(reader.bytes.len() / POINT_MIN_BYTES)?;
    let steps = deltas(&mut reader, count)?;
    let times = deltas(&mut reader, count)?;
    let mut points = Vec::with_capacity(count);
    for (step, time) in steps.into_iter().zip(times) {
        points.push(Point {
            step,
            time: Timestamp(time),
            value: f64::from_bits(u64::from_le_bytes(reader.array()?)),
        });
    }
    reader.end()?;
    Ok(points)
}

fn put_deltas(out: &mut Vec<u8>, values: impl Iterator<Item = i64>) {
    let mut before = 0i64;
    for value in values {
        put_varint(out, zigzag(value.wrapping_sub(before)));
        before = value;
    }
}

fn deltas(reader: &mut Reader<'_>, count: usize) -> Result<Vec<i64>, CodecError> {
    let mut values = Vec::with_capacity(count);
    let mut before = 0i64;
    for _ in 0..count {
        before = before.wrapping_add(unzigzag(reader.varint()?));
        values.push(before);
    }
    Ok(values)
}
