//! Points as the log keeps them: three columns, cheap to write, bit for bit.
//!
//! Steps and times are a first value and a stride where they have one, else
//! zigzag varints of differences; values are 4 bytes where every one of them is
//! an exact `f32`, else 8. No compression: that is the chunk codec's work.

use mlhub_core::Timestamp;
use mlhub_core::metric::Point;

/// A first value and the difference of all neighbours.
const STRIDE: u8 = 1;
/// Differences one by one.
const DELTAS: u8 = 0;
/// Values of 8 bytes.
const DOUBLE: u8 = 0;
/// Values of 4 bytes.
const SINGLE: u8 = 1;
/// Bytes of a varint of 64 bits at most.
const VARINT_MAX_BYTES: usize = 10;

/// The bytes are not what this program writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damaged;

/// Appends the columns of `points`.
pub(super) fn pack(points: &[Point], out: &mut Vec<u8>) {
    pack_integers(points, |point| point.step, out);
    pack_integers(points, |point| point.time.0, out);
    let single = points.iter().all(|point| as_single(point.value).is_some());
    if single {
        out.push(SINGLE);
        out.reserve(points.len() * 4);
        for point in points {
            out.extend_from_slice(&(point.value as f32).to_bits().to_le_bytes());
        }
    } else {
        out.push(DOUBLE);
        out.reserve(points.len() * 8);
        for point in points {
            out.extend_from_slice(&point.value.to_bits().to_le_bytes());
        }
    }
}

/// The same value in half the bytes, when no bit is lost.
fn as_single(value: f64) -> Option<f32> {
    let single = value as f32;
    (f64::from(single).to_bits() == value.to_bits()).then_some(single)
}

fn pack_integers(points: &[Point], of: impl Fn(&Point) -> i64, out: &mut Vec<u8>) {
    let Some(first) = points.first().map(&of) else {
        return;
    };
    let stride = points
        .get(1)
        .map_or(0, |point| of(point).wrapping_sub(first));
    let even = points
        .windows(2)
        .all(|pair| of(&pair[1]).wrapping_sub(of(&pair[0])) == stride);
    out.push(if even { STRIDE } else { DELTAS });
    put_signed(out, first);
    if even {
        put_signed(out, stride);
        return;
    }
    let mut before = first;
    for point in &points[1..] {
        put_signed(out, of(point).wrapping_sub(before));
        before = of(point);
    }
}

/// Appends an unsigned number.
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed number.
pub(super) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_varint(out, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

/// Reads what the functions above wrote; never allocates more than a small
/// multiple of the bytes it was given.
pub(super) struct Reader<'a> {
    /// What is left.
    pub(super) bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn byte(&mut self) -> Result<u8, Damaged> {
        let (&first, rest) = self.bytes.split_first().ok_or(Damaged)?;
        self.bytes = rest;
        Ok(first)
    }

    pub(super) fn varint(&mut self) -> Result<u64, Damaged> {
        let mut value = 0u64;
        for index in 0..VARINT_MAX_BYTES {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            let shift = 7 * index as u32;
            if part << shift >> shift != part {
                return Err(Damaged);
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Damaged)
    }

    /// An unsigned number of a narrower type.
    pub(super) fn number<T: TryFrom<u64>>(&mut self) -> Result<T, Damaged> {
        T::try_from(self.varint()?).map_err(|_| Damaged)
    }

    pub(super) fn signed(&mut self) -> Result<i64, Damaged> {
        let zigzag = self.varint()?;
        Ok((zigzag >> 1).cast_signed() ^ -((zigzag & 1).cast_signed()))
    }

    pub(super) fn word(&mut self) -> Result<u64, Damaged> {
        let (word, rest) = self.bytes.split_first_chunk().ok_or(Damaged)?;
        self.bytes = rest;
        Ok(u64::from_le_bytes(*word))
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Damaged> {
        let (head, rest) = self.bytes.split_at_checked(count).ok_or(Damaged)?;
        self.bytes = rest;
        Ok(head)
    }

    /// The columns of `count` points.
    pub(super) fn points(&mut self, count: usize) -> Result<Vec<Point>, Damaged> {
        if count == 0 {
            return if self.byte()? == SINGLE {
                Ok(Vec::new())
            } else {
                Err(Damaged)
            };
        }
        // Each value takes four bytes at least.
        if count > self.bytes.len() / 4 {
            return Err(Damaged);
        }
        let steps = self.integers(count)?;
        let times = self.integers(count)?;
        let width = match self.byte()? {
            SINGLE => 4,
            DOUBLE => 8,
            _ => return Err(Damaged),
        };
        let values = self.take(count.checked_mul(width).ok_or(Damaged)?)?;
        let places = steps.into_iter().zip(times);
        Ok(places
            .zip(values.chunks_exact(width))
            .map(|((step, time), raw)| Point {
                step,
                time: Timestamp(time),
                value: value(raw),
            })
            .collect())
    }

    fn integers(&mut self, count: usize) -> Result<Vec<i64>, Damaged> {
        let mode = self.byte()?;
        let mut value = self.signed()?;
        let mut values = Vec::with_capacity(count);
        values.push(value);
        match mode {
            STRIDE => {
                let stride = self.signed()?;
                values.extend((1..count).map(|_| {
                    value = value.wrapping_add(stride);
                    value
                }));
            }
            DELTAS => {
                for _ in 1..count {
                    value = value.wrapping_add(self.signed()?);
                    values.push(value);
                }
            }
            _ => return Err(Damaged),
        }
        Ok(values)
    }
}

fn value(raw: &[u8]) -> f64 {
    match (<[u8; 8]>::try_from(raw), <[u8; 4]>::try_from(raw)) {
        (Ok(double), _) => f64::from_bits(u64::from_le_bytes(double)),
        (_, Ok(single)) => f64::from(f32::from_bits(u32::from_le_bytes(single))),
        _ => f64::NAN,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Any points, with strides and exact singles frequent.
    pub(in crate::engine) fn any_points() -> impl Strategy<Value = Vec<Point>> {
        let value = prop_oneof![
            any::<u64>().prop_map(f64::from_bits),
            any::<u32>().prop_map(|bits| f64::from(f32::from_bits(bits))),
            prop::sample::select(vec![
                f64::NAN,
                -0.0,
                f64::INFINITY,
                f64::from_bits(1),
                f64::from_bits(0x7ff0_0000_0000_0001),
            ]),
        ];
        let one = (any::<i64>(), any::<i64>(), value);
        (prop::collection::vec(one, 0..40), any::<bool>()).prop_map(|(points, even)| {
            points
                .into_iter()
                .enumerate()
                .map(|(index, (step, time, value))| Point {
                    step: if even { index as i64 * 3 - 4 } else { step },
                    time: Timestamp(if even { 7 } else { time }),
                    value,
                })
                .collect()
        })
    }

    pub(in crate::engine) fn bits(points: &[Point]) -> Vec<(i64, i64, u64)> {
        points
            .iter()
            .map(|point| (point.step, point.time.0, point.value.to_bits()))
            .collect()
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out_bit_for_bit(points in any_points()) {
            let mut packed = Vec::new();
            pack(&points, &mut packed);
            let mut reader = Reader { bytes: &packed };
            let back = reader.points(points.len()).expect("own bytes");
            prop_assert_eq!(bits(&back), bits(&points));
            prop_assert!(reader.bytes.is_empty());
        }

        #[test]
        fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), count in any::<usize>()) {
            let small = Reader { bytes: &bytes }.points(count % 64);
            prop_assert!(small.is_err() || bytes.len() > (count % 64) * 4);
            let mut reader = Reader { bytes: &bytes };
            let large = reader.points(count);
            prop_assert!(count < 100 || large.is_err());
        }
    }
}
