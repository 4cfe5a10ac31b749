//! The stored form of a chunk's statistics.
//!
//! Version 1: a version byte, then counts, flags and places as varints, floats
//! as 8 bytes. Small enough to be read for every chunk of a long series.

use mlhub_core::metric::Point;
use mlhub_core::{Error, Result, Timestamp};
use mlhub_series::{ChunkStats, Extreme};

use super::columns::{Damaged, Reader, put_signed, put_varint};

const VERSION: u8 = 1;
const STEPS_ORDERED: u64 = 1;
const TIMES_ORDERED: u64 = 2;
const HAS_FINITE: u64 = 4;

/// The bytes of statistics.
pub(super) fn encode(stats: &ChunkStats) -> Vec<u8> {
    let mut out = vec![VERSION];
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
    out
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
    if reader.byte()? != VERSION {
        return Err(Damaged);
    }
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
        }
    }
}
