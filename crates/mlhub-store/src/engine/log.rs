//! The body of one row of the ingest log: what one group commit stored.
//!
//! Version 1: a version byte, 16 bytes of the BLAKE3 hash of the rest, the count
//! of batches, and per batch the run's number, the attempt, the writer with the
//! end of its stream, and per series the label, the index of its first point in
//! the attempt's series, the count and the columns. A body whose hash is wrong
//! is refused whole.

use std::sync::Arc;

use mlhub_core::metric::Point;

use super::columns::{Damaged, Reader, put_varint};

/// The version [`Body::finish`] writes.
const VERSION: u8 = 1;
/// Bytes of the checksum.
const CHECKSUM_BYTES: usize = 16;
/// Version and checksum.
const HEAD_BYTES: usize = 1 + CHECKSUM_BYTES;
/// Bytes a batch, or a series of one, takes at least.
const ENTRY_MIN_BYTES: usize = 4;

/// A body in the making.
pub(super) struct Body {
    bytes: Vec<u8>,
}

/// Where a series of a batch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// The series' label.
    pub(super) label: i64,
    /// Points of the attempt's series before this batch.
    pub(super) first: u64,
}

/// A batch of a row.
#[derive(Debug)]
pub(super) struct Entry {
    /// The run's number.
    pub(super) run: i64,
    /// The attempt.
    pub(super) attempt: u32,
    /// The writer's name.
    pub(super) writer: String,
    /// Where its stream ends now.
    pub(super) end: i64,
    /// The series.
    pub(super) series: Vec<(Place, Arc<Vec<Point>>)>,
}

impl Body {
    /// A body of `count` batches.
    pub(super) fn new(count: usize, size_hint: usize) -> Self {
        let mut bytes = Vec::with_capacity(HEAD_BYTES + 10 + size_hint);
        bytes.push(VERSION);
        bytes.resize(HEAD_BYTES, 0);
        put_varint(&mut bytes, count as u64);
        Self { bytes }
    }

    /// Starts a batch of `series` series.
    pub(super) fn batch(&mut self, run: i64, attempt: u32, writer: &str, end: i64, series: usize) {
        let out = &mut self.bytes;
        put_varint(out, run.cast_unsigned());
        put_varint(out, u64::from(attempt));
        put_varint(out, writer.len() as u64);
        out.extend_from_slice(writer.as_bytes());
        put_varint(out, end.cast_unsigned());
        put_varint(out, series as u64);
    }

    /// Adds a series of the batch; `packed` holds the columns of its points.
    pub(super) fn series(&mut self, place: Place, count: usize, packed: &[u8]) {
        let out = &mut self.bytes;
        put_varint(out, place.label.cast_unsigned());
        put_varint(out, place.first);
        put_varint(out, count as u64);
        out.extend_from_slice(packed);
    }

    /// The bytes to store.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let checksum = checksum(&self.bytes[HEAD_BYTES..]);
        self.bytes[1..HEAD_BYTES].copy_from_slice(&checksum);
        self.bytes
    }
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let hash = blake3::hash(bytes);
    let mut short = [0; CHECKSUM_BYTES];
    short.copy_from_slice(&hash.as_bytes()[..CHECKSUM_BYTES]);
    short
}

/// Why a row cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LogError {
    /// A newer program wrote it.
    Version(u8),
    /// Its bytes are not those that were written.
    Damaged,
}

impl From<Damaged> for LogError {
    fn from(Damaged: Damaged) -> Self {
        Self::Damaged
    }
}

/// Reads a body, all or nothing.
pub(super) fn read(body: &[u8]) -> Result<Vec<Entry>, LogError> {
    let mut reader = Reader { bytes: body };
    let version = reader.byte()?;
    let expected = reader.take(CHECKSUM_BYTES)?;
    if checksum(reader.bytes) != expected {
        return Err(LogError::Damaged);
    }
    if version != VERSION {
        return Err(LogError::Version(version));
    }
    let count: usize = reader.number()?;
    if count > reader.bytes.len() / ENTRY_MIN_BYTES {
        return Err(LogError::Damaged);
    }
    let mut entries = Vec::with_capacity(count);
    for _ in 0..count {
        entries.push(entry(&mut reader)?);
    }
    if reader.bytes.is_empty() {
        Ok(entries)
    } else {
        Err(LogError::Damaged)
    }
}

fn entry(reader: &mut Reader<'_>) -> Result<Entry, Damaged> {
    let run = reader.number()?;
    let attempt = reader.number()?;
    let writer_bytes = reader.number()?;
    let writer = std::str::from_utf8(reader.take(writer_bytes)?).map_err(|_| Damaged)?;
    let end = reader.number()?;
    let count: usize = reader.number()?;
    if count > reader.bytes.len() / ENTRY_MIN_BYTES {
        return Err(Damaged);
    }
    let mut series = Vec::with_capacity(count);
    for _ in 0..count {
        let place = Place {
            label: reader.number()?,
            first: reader.varint()?,
        };
        let count = reader.number()?;
        series.push((place, Arc::new(reader.points(count)?)));
    }
    Ok(Entry {
        run,
        attempt,
        writer: writer.to_owned(),
        end,
        series,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::columns::pack;
    use super::super::columns::tests::{any_points, bits};
    use super::*;

    fn body(points: &[Vec<Point>]) -> Vec<u8> {
        let mut body = Body::new(2, 0);
        body.batch(7, 1, "rank-0", 99, points.len());
        for (index, points) in points.iter().enumerate() {
            let place = Place {
                label: index as i64,
                first: 5,
            };
            let mut packed = Vec::new();
            pack(points, &mut packed);
            body.series(place, points.len(), &packed);
        }
        body.batch(i64::MAX, u32::MAX, "\u{e9}", i64::MAX, 0);
        body.finish()
    }

    proptest! {
        #[test]
        fn a_row_comes_back_as_it_was_written(points in prop::collection::vec(any_points(), 0..4)) {
            let entries = read(&body(&points)).expect("own bytes");
            prop_assert_eq!(entries.len(), 2);
            prop_assert_eq!((entries[0].run, entries[0].attempt, entries[0].end), (7, 1, 99));
            prop_assert_eq!(&entries[0].writer, "rank-0");
            prop_assert_eq!(entries[0].series.len(), points.len());
            for (index, ((place, back), points)) in entries[0].series.iter().zip(&points).enumerate() {
                prop_assert_eq!(*place, Place { label: index as i64, first: 5 });
                prop_assert_eq!(bits(back), bits(points));
            }
            prop_assert_eq!((entries[1].run, entries[1].attempt, entries[1].end), (i64::MAX, u32::MAX, i64::MAX));
        }

        #[test]
        fn one_flipped_bit_or_a_torn_end_refuses_the_row(
            points in prop::collection::vec(any_points(), 1..3), place in any::<prop::sample::Index>(), bit in 0u8..8,
        ) {
            let whole = body(&points);
            let mut flipped = whole.clone();
            flipped[place.index(whole.len())] ^= 1 << bit;
            prop_assert!(read(&flipped).is_err());
            prop_assert!(read(&whole[..place.index(whole.len())]).is_err());
        }

        #[test]
        fn any_bytes_with_a_right_checksum_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut body = vec![VERSION];
            body.extend_from_slice(&checksum(&bytes));
            body.extend_from_slice(&bytes);
            let entries = read(&body);
            prop_assert!(entries.is_err() || entries.is_ok_and(|entries| entries.len() <= bytes.len()));
        }
    }
}
