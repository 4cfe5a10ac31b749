//! The stored form of a chunk: points of one series in the order they were logged.
//!
//! Values keep their bits: NaN payloads, both zeros and subnormals come back as
//! they went in. Version 1 stays readable; readers refuse what they do not know;
//! nothing is repaired here.

use std::fmt;

use mlhub_core::metric::Point;

pub(crate) mod bytes;
mod v1;
mod v2;

pub use v2::CHUNK_POINTS_MAX;

/// The version [`encode`] writes.
pub const CHUNK_VERSION: u8 = v2::VERSION;

/// Why stored points or rollups cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodecError {
    /// It is of a version this program does not know.
    Version(u8),
    /// It ends early, holds more or other bytes than it announces, or its checksum differs.
    Damaged,
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(
                f,
                "stored metric points have version {version}, and this program reads up to version {CHUNK_VERSION}; use a newer program"
            ),
            Self::Damaged => f.write_str("stored metric points are damaged"),
        }
    }
}

impl std::error::Error for CodecError {}

/// Encodes points, keeping order and every bit. More than [`CHUNK_POINTS_MAX`]
/// points come in version 1, at three times the size.
pub fn encode(points: &[Point]) -> Vec<u8> {
    v2::encode(points).unwrap_or_else(|| v1::encode(points))
}

/// Decodes a chunk of any version. Never allocates more than a small multiple
/// of `bytes` and of [`CHUNK_POINTS_MAX`] points.
pub fn decode(bytes: &[u8]) -> Result<Vec<Point>, CodecError> {
    let mut reader = bytes::Reader { bytes };
    match reader.byte()? {
        v1::VERSION => v1::decode(reader),
        v2::VERSION => v2::decode(reader),
        version => Err(CodecError::Version(version)),
    }
}

#[cfg(test)]
#[path = "codec/tests.rs"]
mod tests;
