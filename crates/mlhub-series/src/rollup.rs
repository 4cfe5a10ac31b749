//! Rollups: the statistics of every 256 points of an attempt's series.
//!
//! Buckets lie on a fixed grid, at multiples of [`ROLLUP_POINTS`] of the
//! attempt's series, so they do not depend on where chunks were cut; a chunk
//! that starts or ends off the grid has a part of a bucket there. Stored form,
//! version 1: one version byte, a CRC-32 of all that follows, first point and
//! count as varints, then one column after another; a column of integers is its
//! smallest as a zigzag varint, a width of 0, 1, 2, 4 or 8 bytes, and the
//! differences from the smallest in so many bytes each; a column of floats is a
//! width of 4 or 8 and the floats. Fixed widths, because a chart over millions
//! of points reads many of these and a rollup is small beside its points.

use mlhub_core::Timestamp;
use mlhub_core::metric::Point;

use crate::codec::CodecError;
use crate::codec::bytes::{Reader, checked, put_varint, seal, unzigzag, zigzag};
use crate::stats::{ChunkStats, Extreme};

/// Points of one bucket.
pub const ROLLUP_POINTS: u64 = 256;
/// Points of one wide unit, the coarsest thing a reading is made of. Chunks that
/// end at multiples of it are read fastest.
pub const WIDE_POINTS: u64 = 4096;
/// Buckets in one rollup at most.
pub const ROLLUP_BUCKETS_MAX: usize = 8192;
/// The version [`Rollup::encode`] writes.
pub const ROLLUP_VERSION: u8 = 1;

const STEPS_ORDERED: u64 = 1;
const TIMES_ORDERED: u64 = 2;
const HAS_FINITE: u64 = 4;

/// The buckets of neighbouring points of one attempt's series.
#[derive(Debug, Clone, PartialEq)]
pub struct Rollup {
    /// Place of the first point in the attempt's series, from 0.
    pub start: u64,
    /// The statistics of each bucket, in order; the first and the last may be parts.
    pub buckets: Vec<ChunkStats>,
}

impl Rollup {
    /// Rolls up `points`, the first of which is the `start`-th of the attempt's series.
    pub fn of(start: u64, points: &[Point]) -> Self {
        let head = to_next(start, ROLLUP_POINTS).min(points.len() as u64) as usize;
        let (head, rest) = points.split_at(head);
        let parts = std::iter::once(head).chain(rest.chunks(ROLLUP_POINTS as usize));
        Self {
            start,
            buckets: parts.filter_map(ChunkStats::of).collect(),
        }
    }

    /// The statistics of all its points; `None` when there are none.
    pub fn stats(&self) -> Option<ChunkStats> {
        let (first, rest) = self.buckets.split_first()?;
        let mut stats = *first;
        for bucket in rest {
            stats.merge(bucket);
        }
        Some(stats)
    }

    /// The stored form.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![ROLLUP_VERSION, 0, 0, 0, 0];
        put_varint(&mut out, self.start);
        put_columns(&mut out, &self.buckets);
        seal(&mut out, 1);
        out
    }

    /// Reads a stored form. Never allocates more than [`ROLLUP_BUCKETS_MAX`] buckets.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut reader = Reader { bytes };
        let version = reader.byte()?;
        if version != ROLLUP_VERSION {
            return Err(CodecError::Version(version));
        }
        checked(&mut reader)?;
        let start = reader.varint()?;
        let buckets = columns(&mut reader)?;
        reader.end()?;
        let rollup = Self { start, buckets };
        if rollup.fits_the_grid() {
            Ok(rollup)
        } else {
            Err(CodecError::Damaged)
        }
    }

    fn fits_the_grid(&self) -> bool {
        let mut place = self.start;
        let last = self.buckets.len().saturating_sub(1);
        self.buckets.iter().enumerate().all(|(index, bucket)| {
            let room = to_next(place, ROLLUP_POINTS);
            let Some(after) = place.checked_add(bucket.count) else {
                return false;
            };
            place = after;
            bucket.count == room || index == last && (1..room).contains(&bucket.count)
        })
    }
}

/// Points from `place` to the next multiple of `grid` after it.
pub(crate) fn to_next(place: u64, grid: u64) -> u64 {
    grid - place % grid
}

fn put_columns(out: &mut Vec<u8>, buckets: &[ChunkStats]) {
    put_varint(out, buckets.len() as u64);
    let mut integers = |of: &dyn Fn(&ChunkStats) -> i64| put_integers(out, buckets, of);
    integers(&|b| b.count.cast_signed());
    integers(&|b| b.nan.cast_signed());
    integers(&|b| b.positive_infinity.cast_signed());
    integers(&|b| b.negative_infinity.cast_signed());
    integers(&|b| flags(b).cast_signed());
    integers(&|b| b.first.step);
    integers(&|b| b.first.time.0);
    integers(&|b| b.last.step.wrapping_sub(b.first.step));
    integers(&|b| b.last.time.0.wrapping_sub(b.first.time.0));
    for extreme in [min_of, max_of] {
        integers(&|b| extreme(b).index.cast_signed());
        integers(&|b| extreme(b).point.step.wrapping_sub(b.first.step));
        integers(&|b| extreme(b).point.time.0.wrapping_sub(b.first.time.0));
    }
    integers(&|b| b.first.step.wrapping_sub(b.step_min));
    integers(&|b| b.step_max.wrapping_sub(b.last.step));
    integers(&|b| b.first.time.0.wrapping_sub(b.time_min));
    integers(&|b| b.time_max.wrapping_sub(b.last.time.0));
    put_floats(out, buckets, |b| b.first.value);
    put_floats(out, buckets, |b| b.last.value);
    put_floats(out, buckets, |b| min_of(b).point.value);
    put_floats(out, buckets, |b| max_of(b).point.value);
    put_floats(out, buckets, |b| b.sum);
}

fn columns(reader: &mut Reader<'_>) -> Result<Vec<ChunkStats>, CodecError> {
    let count = reader.count(ROLLUP_BUCKETS_MAX)?;
    let nothing = Point {
        step: 0,
        time: Timestamp(0),
        value: 0.0,
    };
    let mut all = vec![
        ChunkStats {
            count: 0,
            nan: 0,
            ..ChunkStats::of_point(&nothing)
        };
        count
    ];
    let all = all.as_mut_slice();
    integers(reader, all, |b, v| b.count = v.cast_unsigned())?;
    integers(reader, all, |b, v| b.nan = v.cast_unsigned())?;
    integers(reader, all, |b, v| b.positive_infinity = v.cast_unsigned())?;
    integers(reader, all, |b, v| b.negative_infinity = v.cast_unsigned())?;
    integers(reader, all, set_flags)?;
    integers(reader, all, |b, v| b.first.step = v)?;
    integers(reader, all, |b, v| b.first.time.0 = v)?;
    integers(reader, all, |b, v| {
        b.last.step = b.first.step.wrapping_add(v)
    })?;
    integers(reader, all, |b, v| {
        b.last.time.0 = b.first.time.0.wrapping_add(v)
    })?;
    for extreme in [min_mut, max_mut] {
        integers(reader, all, |b, v| {
            set(extreme(b), |e| e.index = v.cast_unsigned())
        })?;
        integers(reader, all, |b, v| {
            let step = b.first.step.wrapping_add(v);
            set(extreme(b), |e| e.point.step = step);
        })?;
        integers(reader, all, |b, v| {
            let time = b.first.time.0.wrapping_add(v);
            set(extreme(b), |e| e.point.time.0 = time);
        })?;
    }
    integers(reader, all, |b, v| {
        b.step_min = b.first.step.wrapping_sub(v)
    })?;
    integers(reader, all, |b, v| b.step_max = b.last.step.wrapping_add(v))?;
    integers(reader, all, |b, v| {
        b.time_min = b.first.time.0.wrapping_sub(v)
    })?;
    integers(reader, all, |b, v| {
        b.time_max = b.last.time.0.wrapping_add(v)
    })?;
    floats(reader, all, |b, v| b.first.value = v)?;
    floats(reader, all, |b, v| b.last.value = v)?;
    floats(reader, all, |b, v| set(&mut b.min, |e| e.point.value = v))?;
    floats(reader, all, |b, v| set(&mut b.max, |e| e.point.value = v))?;
    floats(reader, all, |b, v| b.sum = v)?;
    Ok(all.to_vec())
}

fn flags(bucket: &ChunkStats) -> u64 {
    let flag = |set: bool, bit: u64| if set { bit } else { 0 };
    flag(bucket.steps_ordered, STEPS_ORDERED)
        | flag(bucket.times_ordered, TIMES_ORDERED)
        | flag(bucket.min.is_some(), HAS_FINITE)
}

fn set_flags(bucket: &mut ChunkStats, value: i64) {
    let flags = value.cast_unsigned();
    bucket.steps_ordered = flags & STEPS_ORDERED != 0;
    bucket.times_ordered = flags & TIMES_ORDERED != 0;
    let extreme = (flags & HAS_FINITE != 0).then_some(Extreme {
        index: 0,
        point: bucket.first,
    });
    bucket.min = extreme;
    bucket.max = extreme;
}

/// Stands for the extreme of a bucket without finite points; takes no room.
fn absent(bucket: &ChunkStats) -> Extreme {
    Extreme {
        index: 0,
        point: Point {
            value: 0.0,
            ..bucket.first
        },
    }
}

fn min_of(bucket: &ChunkStats) -> Extreme {
    bucket.min.unwrap_or_else(|| absent(bucket))
}

fn max_of(bucket: &ChunkStats) -> Extreme {
    bucket.max.unwrap_or_else(|| absent(bucket))
}

fn min_mut(bucket: &mut ChunkStats) -> &mut Option<Extreme> {
    &mut bucket.min
}

fn max_mut(bucket: &mut ChunkStats) -> &mut Option<Extreme> {
    &mut bucket.max
}

fn set(extreme: &mut Option<Extreme>, change: impl FnOnce(&mut Extreme)) {
    if let Some(extreme) = extreme {
        change(extreme);
    }
}

fn put_integers(out: &mut Vec<u8>, buckets: &[ChunkStats], of: &dyn Fn(&ChunkStats) -> i64) {
    let low = buckets.iter().map(of).min().unwrap_or(0);
    let high = buckets.iter().map(of).max().unwrap_or(0);
    put_varint(out, zigzag(low));
    let width = match high.wrapping_sub(low).cast_unsigned() {
        0 => 0,
        1..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 4,
        _ => 8u8,
    };
    out.push(width);
    for bucket in buckets {
        let above = of(bucket).wrapping_sub(low).to_le_bytes();
        out.extend_from_slice(&above[..usize::from(width)]);
    }
}

fn integers(
    reader: &mut Reader<'_>,
    buckets: &mut [ChunkStats],
    set: impl Fn(&mut ChunkStats, i64),
) -> Result<(), CodecError> {
    let low = unzigzag(reader.varint()?);
    match reader.byte()? {
        0 => buckets.iter_mut().for_each(|bucket| set(bucket, low)),
        1 => fixed(reader, buckets, |b, [v]: [u8; 1]| {
            set(b, low.wrapping_add(i64::from(v)));
        })?,
        2 => fixed(reader, buckets, |b, v| {
            set(b, low.wrapping_add(i64::from(u16::from_le_bytes(v))));
        })?,
        4 => fixed(reader, buckets, |b, v| {
            set(b, low.wrapping_add(i64::from(u32::from_le_bytes(v))));
        })?,
        8 => fixed(reader, buckets, |b, v| {
            set(b, low.wrapping_add(i64::from_le_bytes(v)));
        })?,
        _ => return Err(CodecError::Damaged),
    }
    Ok(())
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the bits are compared before the narrow form is used"
)]
fn put_floats(out: &mut Vec<u8>, buckets: &[ChunkStats], of: impl Fn(&ChunkStats) -> f64) {
    let is_single = |value: f64| f64::from(value as f32).to_bits() == value.to_bits();
    if buckets.iter().all(|bucket| is_single(of(bucket))) {
        out.push(4);
        for bucket in buckets {
            out.extend_from_slice(&(of(bucket) as f32).to_le_bytes());
        }
    } else {
        out.push(8);
        for bucket in buckets {
            out.extend_from_slice(&of(bucket).to_le_bytes());
        }
    }
}

fn floats(
    reader: &mut Reader<'_>,
    buckets: &mut [ChunkStats],
    set: impl Fn(&mut ChunkStats, f64),
) -> Result<(), CodecError> {
    match reader.byte()? {
        4 => fixed(reader, buckets, |b, v| {
            set(b, f64::from(f32::from_le_bytes(v)))
        }),
        8 => fixed(reader, buckets, |b, v| set(b, f64::from_le_bytes(v))),
        _ => Err(CodecError::Damaged),
    }
}

fn fixed<const N: usize>(
    reader: &mut Reader<'_>,
    buckets: &mut [ChunkStats],
    set: impl Fn(&mut ChunkStats, [u8; N]),
) -> Result<(), CodecError> {
    let bytes = reader.take(buckets.len() * N)?;
    for (bucket, word) in buckets.iter_mut().zip(bytes.as_chunks::<N>().0) {
        set(bucket, *word);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::tests::same;
    use crate::testing::{any_points, loss};

    fn all_same(a: &Rollup, b: &Rollup) -> bool {
        a.start == b.start
            && a.buckets.len() == b.buckets.len()
            && a.buckets
                .iter()
                .zip(&b.buckets)
                .all(|(a, b)| same(a, b) && a.sum.to_bits() == b.sum.to_bits())
    }

    proptest! {
        #[test]
        fn buckets_lie_on_the_grid_and_come_back(start in 0u64..2000, points in any_points(900)) {
            let rollup = Rollup::of(start, &points);
            let mut place = start;
            let mut rest = points.as_slice();
            for bucket in &rollup.buckets {
                let length = (ROLLUP_POINTS - place % ROLLUP_POINTS).min(rest.len() as u64);
                let (part, after) = rest.split_at(length as usize);
                prop_assert!(same(bucket, &ChunkStats::of(part).expect("not empty")));
                place += length;
                rest = after;
            }
            prop_assert!(rest.is_empty());
            let back = Rollup::decode(&rollup.encode()).expect("own rollup");
            prop_assert!(all_same(&back, &rollup));
            match (rollup.stats(), ChunkStats::of(&points)) {
                (Some(a), Some(b)) => prop_assert!(same(&a, &b)),
                (a, b) => prop_assert!(a.is_none() && b.is_none()),
            }
        }

        #[test]
        fn changed_bytes_are_refused_or_harmless(
            points in any_points(600),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..5),
            reseal in any::<bool>(),
        ) {
            let mut bytes = Rollup::of(0, &points).encode();
            let before = bytes.clone();
            for (place, byte) in changes {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            if reseal {
                bytes[0] = ROLLUP_VERSION;
                seal(&mut bytes, 1);
            }
            match Rollup::decode(&bytes) {
                Ok(rollup) if !reseal => prop_assert!(bytes == before && rollup.start == 0),
                Ok(rollup) => prop_assert!(rollup.buckets.len() <= ROLLUP_BUCKETS_MAX),
                Err(_) => prop_assert!(bytes != before),
            }
        }

        #[test]
        fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut sealed = vec![ROLLUP_VERSION, 0, 0, 0, 0];
            sealed.extend_from_slice(&bytes);
            seal(&mut sealed, 1);
            for bytes in [bytes, sealed] {
                if let Ok(rollup) = Rollup::decode(&bytes) {
                    prop_assert!(rollup.buckets.len() <= ROLLUP_BUCKETS_MAX);
                }
            }
        }
    }

    #[test]
    fn a_rollup_is_small_beside_its_points() {
        let points: Vec<Point> = (0..WIDE_POINTS as i64).map(loss).collect();
        let per_point = Rollup::of(0, &points).encode().len() as f64 / points.len() as f64;
        assert!(per_point < 0.2, "{per_point} bytes per point");
    }

    #[test]
    fn version_one_stays_readable() {
        let point = Point {
            step: 3,
            time: Timestamp(5),
            value: 0.5,
        };
        let bytes = Rollup::of(256, &[point]).encode();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, GOLDEN);
    }

    /// One point (step 3, time 5, value 0.5) as the 256th of its series.
    const GOLDEN: &str = concat!(
        "01cd3a200e80020102000000000000000e0006000a00000000000000000000",
        "000000000000000000000000000000040000003f040000003f040000003f04",
        "0000003f040000003f"
    );
}
