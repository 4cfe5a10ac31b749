//! Items as bytes, one way of writing each: equal items are equal bytes.
//!
//! Lines are JSON. Points are columns: differences of steps and of times as
//! variable-length integers, values as their bits. Nothing is compressed beyond
//! that, so a hostile item cannot grow in memory.

use mlhub_core::metric::Point;
use mlhub_core::portable::{PortableItem, PortableLog, PortablePoints};
use mlhub_core::{Error, Result, Timestamp, limits};

/// What an item is, before its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    Line,
    Points,
    Log,
}

impl Tag {
    pub(crate) fn byte(self) -> u8 {
        match self {
            Self::Line => b'J',
            Self::Points => b'P',
            Self::Log => b'L',
        }
    }

    pub(crate) fn of_byte(byte: u8) -> Option<Self> {
        [Self::Line, Self::Points, Self::Log]
            .into_iter()
            .find(|tag| tag.byte() == byte)
    }

    /// The ending of an archive entry of such items.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Line => "jsonl",
            Self::Points => "points",
            Self::Log => "log",
        }
    }

    pub(crate) fn of_extension(text: &str) -> Option<Self> {
        [Self::Line, Self::Points, Self::Log]
            .into_iter()
            .find(|tag| tag.extension() == text)
    }
}

/// The one way to write an item.
pub(crate) fn encode(item: &PortableItem) -> Result<(Tag, Vec<u8>)> {
    match item {
        PortableItem::Line(line) => {
            let bytes = serde_json::to_vec(line)
                .map_err(|error| Error::internal("write an archive line", error))?;
            Ok((Tag::Line, bytes))
        }
        PortableItem::Points(points) => Ok((Tag::Points, encode_points(points))),
        PortableItem::Log(log) => {
            let mut bytes = Vec::with_capacity(log.bytes.len() + log.stream.len() + 24);
            put_number(&mut bytes, u64::from(log.attempt));
            put_text(&mut bytes, &log.stream);
            put_number(&mut bytes, log.offset);
            bytes.extend_from_slice(&log.bytes);
            Ok((Tag::Log, bytes))
        }
    }
}

/// Reads what [`encode`] wrote.
///
/// # Errors
/// `Invalid` for anything else, and for another way of writing the same.
pub(crate) fn decode(tag: Tag, bytes: &[u8]) -> Result<PortableItem> {
    let item = match tag {
        Tag::Line => PortableItem::Line(serde_json::from_slice(bytes).map_err(|error| {
            // What serde says of a value may repeat it: only the place is told.
            Error::invalid(format!(
                "a line of the archive cannot be read (column {})",
                error.column()
            ))
        })?),
        Tag::Points => PortableItem::Points(decode_points(bytes).ok_or_else(broken)?),
        Tag::Log => PortableItem::Log(decode_log(bytes).ok_or_else(broken)?),
    };
    match encode(&item)?.1 == bytes {
        true => Ok(item),
        false => Err(broken()),
    }
}

fn broken() -> Error {
    Error::invalid("an item of the archive is damaged")
}

fn encode_points(points: &PortablePoints) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(points.points.len() * 12 + points.name.len() + 16);
    put_number(&mut bytes, u64::from(points.attempt));
    put_text(&mut bytes, &points.name);
    put_number(&mut bytes, points.points.len() as u64);
    let mut last = 0i64;
    for point in &points.points {
        put_number(&mut bytes, zigzag(point.step.wrapping_sub(last)));
        last = point.step;
    }
    last = 0;
    for point in &points.points {
        put_number(&mut bytes, zigzag(point.time.0.wrapping_sub(last)));
        last = point.time.0;
    }
    for point in &points.points {
        bytes.extend_from_slice(&point.value.to_bits().to_le_bytes());
    }
    bytes
}

fn decode_points(mut bytes: &[u8]) -> Option<PortablePoints> {
    let input = &mut bytes;
    let attempt = u32::try_from(take_number(input)?).ok()?;
    let name = take_text(input)?;
    let count = usize::try_from(take_number(input)?).ok()?;
    // Each point has ten bytes at least.
    if count > input.len() / 10 {
        return None;
    }
    let steps = take_column(input, count)?;
    let times = take_column(input, count)?;
    if input.len() != count * 8 {
        return None;
    }
    let points = input
        .chunks_exact(8)
        .zip(steps.into_iter().zip(times))
        .map(|(value, (step, time))| {
            let bits = value.try_into().map(u64::from_le_bytes).ok()?;
            Some(Point {
                step,
                time: Timestamp(time),
                value: f64::from_bits(bits),
            })
        })
        .collect::<Option<_>>()?;
    Some(PortablePoints {
        name,
        attempt,
        points,
    })
}

fn decode_log(mut bytes: &[u8]) -> Option<PortableLog> {
    let input = &mut bytes;
    Some(PortableLog {
        attempt: u32::try_from(take_number(input)?).ok()?,
        stream: take_text(input)?,
        offset: take_number(input)?,
        bytes: input.to_vec(),
    })
}

fn take_column(input: &mut &[u8], count: usize) -> Option<Vec<i64>> {
    let mut last = 0i64;
    (0..count)
        .map(|_| {
            last = last.wrapping_add(unzigzag(take_number(input)?));
            Some(last)
        })
        .collect()
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

fn put_number(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push((value as u8) | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn take_number(input: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = input.split_first()?;
        *input = rest;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_number(bytes, text.len() as u64);
    bytes.extend_from_slice(text.as_bytes());
}

fn take_text(input: &mut &[u8]) -> Option<String> {
    let size = usize::try_from(take_number(input)?).ok()?;
    if size > limits::KEY_MAX_BYTES || size > input.len() {
        return None;
    }
    let (text, rest) = input.split_at(size);
    *input = rest;
    String::from_utf8(text.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use mlhub_core::portable::{PortableLine, PortablePair};
    use proptest::prelude::*;

    use super::*;

    fn any_points() -> impl Strategy<Value = PortableItem> {
        let point =
            (any::<i64>(), any::<i64>(), any::<u64>()).prop_map(|(step, time, bits)| Point {
                step,
                time: Timestamp(time),
                value: f64::from_bits(bits),
            });
        (
            any::<String>(),
            any::<u32>(),
            prop::collection::vec(point, 0..200),
        )
            .prop_map(|(name, attempt, points)| {
                PortableItem::Points(PortablePoints {
                    name,
                    attempt,
                    points,
                })
            })
    }

    fn any_item() -> impl Strategy<Value = PortableItem> {
        let log = (
            any::<u32>(),
            any::<String>(),
            any::<u64>(),
            any::<Vec<u8>>(),
        )
            .prop_map(|(attempt, stream, offset, bytes)| {
                PortableItem::Log(PortableLog {
                    attempt,
                    stream,
                    offset,
                    bytes,
                })
            });
        let line = (any::<String>(), any::<String>()).prop_map(|(name, value)| {
            PortableItem::Line(PortableLine::Param(PortablePair { name, value }))
        });
        prop_oneof![any_points(), log, line]
    }

    proptest! {
        #[test]
        fn every_item_comes_back_bit_for_bit(item in any_item()) {
            let (tag, bytes) = encode(&item).expect("encode");
            let read = decode(tag, &bytes).expect("decode");
            // NaN is not equal to itself: the bytes are compared.
            prop_assert_eq!(encode(&read).expect("encode").1, bytes);
        }

        #[test]
        fn arbitrary_bytes_are_refused_or_read_as_written(bytes: Vec<u8>) {
            for tag in [Tag::Line, Tag::Points, Tag::Log] {
                if let Ok(item) = decode(tag, &bytes) {
                    prop_assert_eq!(encode(&item).expect("encode").1, bytes.clone());
                }
            }
        }
    }
}
