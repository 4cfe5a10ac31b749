//! Version 2: one version byte, a CRC-32 of all that follows (little endian), the
//! count as a varint, then three columns: steps, times, values. A column is a
//! tag and its body:
//!
//! - `EVEN`: first and difference as zigzag varints; the numbers go up or down evenly;
//! - `PCO`: a length as a varint and so many bytes of pco (its wrapped form, one
//!   page) of 64-bit integers, or of the value's own type;
//! - `SAME`: one word; every value has these bits;
//! - `SINGLE`: like `PCO`, of 32-bit floats, when every value is exactly one.
//!
//! pco keeps the bits of every float, so NaN payloads, both zeros and subnormals
//! come back as they went in. Its dictionary and lookback modes are neither
//! written nor read: a few bytes of them may ask for any amount of memory.

use mlhub_core::Timestamp;
use mlhub_core::metric::Point;
use pco::data_types::Number;
use pco::metadata::{DeltaEncoding, Mode};
use pco::wrapped::{FileCompressor, FileDecompressor};
use pco::{ChunkConfig, DeltaSpec, ModeSpec, PagingSpec};

use super::CodecError;
use super::bytes::{Reader, VARINT_MAX_BYTES, checked, put_varint, seal, unzigzag, zigzag};

/// The version byte.
pub(super) const VERSION: u8 = 2;
/// Points in a chunk of this version at most; bounds what hostile bytes may ask for.
pub const CHUNK_POINTS_MAX: usize = 1 << 16;
/// pco's effort, 0 to 12. Past 4 it gains below one percent on losses and costs twice the time.
const EFFORT: usize = 4;
/// Order of differences pco takes of steps and times.
const DELTA_ORDER: usize = 1;
/// The low bits of a pco chunk's first byte name its mode; 4 is a dictionary.
const PCO_MODE_BITS: u8 = 0x0f;
const PCO_MODE_DICTIONARY: u8 = 4;

const EVEN: u8 = 0;
const PCO: u8 = 1;
const SAME: u8 = 2;
const SINGLE: u8 = 3;

/// Encodes at most [`CHUNK_POINTS_MAX`] points; `None` when pco refuses, which
/// it has no reason to.
pub(super) fn encode(points: &[Point]) -> Option<Vec<u8>> {
    if points.len() > CHUNK_POINTS_MAX {
        return None;
    }
    let mut out = Vec::with_capacity(1 + 4 + VARINT_MAX_BYTES + points.len() * 4);
    out.push(VERSION);
    out.extend_from_slice(&[0; 4]);
    put_varint(&mut out, points.len() as u64);
    let steps: Vec<i64> = points.iter().map(|point| point.step).collect();
    put_integers(&mut out, &steps)?;
    let times: Vec<i64> = points.iter().map(|point| point.time.0).collect();
    put_integers(&mut out, &times)?;
    put_values(&mut out, points)?;
    seal(&mut out, 1);
    Some(out)
}

/// Decodes what follows the version byte.
pub(super) fn decode(mut reader: Reader<'_>) -> Result<Vec<Point>, CodecError> {
    checked(&mut reader)?;
    let count = reader.count(CHUNK_POINTS_MAX)?;
    let steps = integers(&mut reader, count)?;
    let times = integers(&mut reader, count)?;
    let points = values(&mut reader, steps, &times)?;
    reader.end()?;
    Ok(points)
}

fn put_integers(out: &mut Vec<u8>, values: &[i64]) -> Option<()> {
    let first = values.first().copied().unwrap_or(0);
    let difference = values.get(1).map_or(0, |second| second.wrapping_sub(first));
    if values
        .windows(2)
        .all(|pair| pair[1].wrapping_sub(pair[0]) == difference)
    {
        out.push(EVEN);
        put_varint(out, zigzag(first));
        put_varint(out, zigzag(difference));
        return Some(());
    }
    out.push(PCO);
    put_pco(
        out,
        values,
        ModeSpec::Classic,
        DeltaSpec::TryConsecutive(DELTA_ORDER),
    )
}

fn put_values(out: &mut Vec<u8>, points: &[Point]) -> Option<()> {
    let first = points.first().map_or(0, |point| point.value.to_bits());
    if points.iter().all(|point| point.value.to_bits() == first) {
        out.push(SAME);
        out.extend_from_slice(&first.to_le_bytes());
        return Some(());
    }
    if let Some(singles) = singles(points) {
        out.push(SINGLE);
        return put_pco(out, &singles, ModeSpec::Classic, DeltaSpec::NoOp);
    }
    let values: Vec<f64> = points.iter().map(|point| point.value).collect();
    out.push(PCO);
    put_pco(out, &values, ModeSpec::Auto, DeltaSpec::NoOp)
}

/// The values as 32-bit floats, if that loses no bit of any.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the bits are compared afterwards"
)]
fn singles(points: &[Point]) -> Option<Vec<f32>> {
    points
        .iter()
        .map(|point| {
            let single = point.value as f32;
            (f64::from(single).to_bits() == point.value.to_bits()).then_some(single)
        })
        .collect()
}

fn put_pco<T: Number>(
    out: &mut Vec<u8>,
    values: &[T],
    mode: ModeSpec,
    delta: DeltaSpec,
) -> Option<()> {
    let config = ChunkConfig::default()
        .with_compression_level(EFFORT)
        .with_mode_spec(mode)
        .with_delta_spec(delta)
        .with_paging_spec(PagingSpec::Exact(vec![values.len()]));
    let file = FileCompressor::default();
    let mut chunk = file.chunk_compressor(values, &config).ok()?;
    let mut body = Vec::with_capacity(values.len() * 4);
    file.write_header(&mut body).ok()?;
    chunk.write_meta(&mut body).ok()?;
    chunk.write_page(0, &mut body).ok()?;
    put_varint(out, body.len() as u64);
    out.extend_from_slice(&body);
    Some(())
}

fn integers(reader: &mut Reader<'_>, count: usize) -> Result<Vec<i64>, CodecError> {
    match reader.byte()? {
        EVEN => {
            let first = unzigzag(reader.varint()?);
            let difference = unzigzag(reader.varint()?);
            Ok((0..count as i64)
                .map(|index| first.wrapping_add(difference.wrapping_mul(index)))
                .collect())
        }
        PCO => pco_column(reader, count),
        _ => Err(CodecError::Damaged),
    }
}

fn values(
    reader: &mut Reader<'_>,
    steps: Vec<i64>,
    times: &[i64],
) -> Result<Vec<Point>, CodecError> {
    let count = steps.len();
    let join = |(step, time): (i64, &i64), value: f64| Point {
        step,
        time: Timestamp(*time),
        value,
    };
    let places = steps.into_iter().zip(times);
    match reader.byte()? {
        SAME => {
            let value = f64::from_bits(u64::from_le_bytes(reader.array()?));
            Ok(places.map(|place| join(place, value)).collect())
        }
        SINGLE => {
            let singles: Vec<f32> = pco_column(reader, count)?;
            Ok(places
                .zip(singles)
                .map(|(place, value)| join(place, f64::from(value)))
                .collect())
        }
        PCO => {
            let values: Vec<f64> = pco_column(reader, count)?;
            Ok(places
                .zip(values)
                .map(|(place, value)| join(place, value))
                .collect())
        }
        _ => Err(CodecError::Damaged),
    }
}

fn pco_column<T: Number + Default>(
    reader: &mut Reader<'_>,
    count: usize,
) -> Result<Vec<T>, CodecError> {
    let length = reader.count(reader.bytes.len())?;
    let body = reader.take(length)?;
    pco_numbers(body, count).ok_or(CodecError::Damaged)
}

fn pco_numbers<T: Number + Default>(body: &[u8], count: usize) -> Option<Vec<T>> {
    let (file, rest) = FileDecompressor::new(body).ok()?;
    if rest.first()? & PCO_MODE_BITS == PCO_MODE_DICTIONARY {
        return None;
    }
    let (mut chunk, rest) = file.chunk_decompressor::<T, _>(rest).ok()?;
    let meta = chunk.meta();
    let plain = matches!(
        meta.delta_encoding,
        DeltaEncoding::NoOp | DeltaEncoding::Consecutive { .. }
    );
    if !plain || matches!(meta.mode, Mode::Dict(_)) {
        return None;
    }
    let mut numbers = vec![T::default(); count];
    let mut page = chunk.page_decompressor(rest, count).ok()?;
    let progress = page.read(&mut numbers).ok()?;
    (progress.n_processed == count && progress.finished && page.into_src().is_empty())
        .then_some(numbers)
}
