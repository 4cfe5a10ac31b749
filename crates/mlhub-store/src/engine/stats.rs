//! The stored form of a chunk's statistics.
//!
//! Version 2: a version byte, 4 bytes of the BLAKE3 hash of the rest, then counts,
//! flags and places as varints, floats as 8 bytes. Version 1 is the same without
//! the hash and stays readable. Small enough to be read for every chunk of a long
//! series; a chart shows extremes from here alone, so a flipped bit must not pass.

use mlhub_core::metric::Point;
use mlhub_core::{Error, Result, Timestamp};
use mlhub_series::{CHUNK_POINTS_MAX, ChunkStats, Extreme};

use super::columns::{Damaged, Reader, put_signed, put_varint};

const VERSION: u8 = 2;
const VERSION_UNCHECKED: u8 = 1;
/// Bytes of the checksum.
const CHECKSUM_BYTES: usize = 4;
/// Version and checksum.
const HEAD_BYTES: usize = 1 + CHECKSUM_BYTES;
const STEPS_ORDERED: u64 = 1;
const TIMES_ORDERED: u64 = 2;
const HAS_FINITE: u64 = 4;

/// The bytes of statistics.
pub(super) fn encode(stats: &ChunkStats) -> Vec<u8> {
    let mut out = vec![VERSION];
    out.resize(HEAD_BYTES, 0);
    for count in [
        stats.count,
        stats.nan,
        stats.positive_infinity,
        stats.negative_infinity,
    ] {
        put_varint(&mut out, count);
    }
    let extremes = stats.min.zip(stats.max);
    let flags = [
        (stats.steps_ordered, STEPS_ORDERED),
        (stats.times_ordered, TIMES_ORDERED),
        (extremes.is_some(), HAS_FINITE),
    ];
    let set = flags.iter().filter(|(on, _)| *on).map(|(_, flag)| flag);
    put_varint(&mut out, set.sum());
    put_point(&mut out, &stats.first);
    put_point(&mut out, &stats.last);
    if let Some((min, max)) = extremes {
        for extreme in [min, max] {
            put_varint(&mut out, extreme.index);
            put_point(&mut out, &extreme.point);
        }
    }
    for place in [
        stats.step_min,
        stats.step_max,
        stats.time_min,
        stats.time_max,
    ] {
        put_signed(&mut out, place);
    }
    out.extend_from_slice(&stats.sum.to_bits().to_le_bytes());
    let checksum = checksum(&out[HEAD_BYTES..]);
    out[1..HEAD_BYTES].copy_from_slice(&checksum);
    out
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let hash = blake3::hash(bytes);
    let mut short = [0; CHECKSUM_BYTES];
    short.copy_from_slice(&hash.as_bytes()[..CHECKSUM_BYTES]);
    short
}

/// Reads what [`encode`] wrote.
pub(super) fn decode(bytes: &[u8]) -> Result<ChunkStats> {
    let mut reader = Reader { bytes };
    read(&mut reader).map_err(|Damaged| {
        Error::internal(
            "read the statistics of a chunk",
            "they are damaged or of a newer program",
        )
    })
}

fn read(reader: &mut Reader<'_>) -> Result<ChunkStats, Damaged> {
    match reader.byte()? {
        VERSION_UNCHECKED => {}
        VERSION => {
            let expected = reader.take(CHECKSUM_BYTES)?;
            if checksum(reader.bytes) != expected {
                return Err(Damaged);
            }
        }
        _ => return Err(Damaged),
    }
    let stats = fields(reader)?;
    // Nothing of a chunk is counted that it cannot hold.
    let parts = [stats.nan, stats.positive_infinity, stats.negative_infinity];
    let most = CHUNK_POINTS_MAX as u64;
    let plausible = (1..=most).contains(&stats.count) && parts.iter().all(|part| *part <= most);
    (plausible && reader.bytes.is_empty())
        .then_some(stats)
        .ok_or(Damaged)
}

fn fields(reader: &mut Reader<'_>) -> Result<ChunkStats, Damaged> {
    let (count, nan) = (reader.varint()?, reader.varint()?);
    let (positive_infinity, negative_infinity) = (reader.varint()?, reader.varint()?);
    let flags = reader.varint()?;
    let (first, last) = (point(reader)?, point(reader)?);
    let mut extreme = || -> Result<Option<Extreme>, Damaged> {
        if flags & HAS_FINITE == 0 {
            return Ok(None);
        }
        Ok(Some(Extreme {
            index: reader.varint()?,
            point: point(reader)?,
        }))
    };
    let (min, max) = (extreme()?, extreme()?);
    Ok(ChunkStats {
        count,
        nan,
        positive_infinity,
        negative_infinity,
        first,
        last,
        min,
        max,
        step_min: reader.signed()?,
        step_max: reader.signed()?,
        time_min: reader.signed()?,
        time_max: reader.signed()?,
        steps_ordered: flags & STEPS_ORDERED != 0,
        times_ordered: flags & TIMES_ORDERED != 0,
        sum: f64::from_bits(reader.word()?),
    })
}

fn put_point(out: &mut Vec<u8>, point: &Point) {
    put_signed(out, point.step);
    put_signed(out, point.time.0);
    out.extend_from_slice(&point.value.to_bits().to_le_bytes());
}

fn point(reader: &mut Reader<'_>) -> Result<Point, Damaged> {
    Ok(Point {
        step: reader.signed()?,
        time: Timestamp(reader.signed()?),
        value: f64::from_bits(reader.word()?),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::columns::tests::any_points;
    use super::*;

    proptest! {
        #[test]
        fn statistics_come_back_as_they_were_written(points in any_points(), cut in 1usize..60) {
            let Some(stats) = ChunkStats::of(&points) else { return Ok(()) };
            let bytes = encode(&stats);
            let back = decode(&bytes).expect("own bytes");
            // Compared as text, since NaN equals nothing; bits by encoding again.
            prop_assert_eq!(encode(&back), bytes.clone());
            prop_assert_eq!(format!("{back:?}"), format!("{stats:?}"));
            prop_assert!(decode(&bytes[..bytes.len().saturating_sub(cut)]).is_err());
            let mut first = vec![VERSION_UNCHECKED];
            first.extend_from_slice(&bytes[HEAD_BYTES..]);
            let back = decode(&first).expect("the first version is read");
            prop_assert_eq!(encode(&back), bytes);
        }

        #[test]
        fn a_flipped_bit_is_refused(points in any_points(), place in any::<prop::sample::Index>(), bit in 0u8..8) {
            let Some(stats) = ChunkStats::of(&points) else { return Ok(()) };
            let mut bytes = encode(&stats);
            let place = place.index(bytes.len());
            bytes[place] ^= 1 << bit;
            prop_assert!(decode(&bytes).is_err());
        }
    }
}
