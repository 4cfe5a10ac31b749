//! Row hashes: 8 bytes per row, kept compactly, and their blob form. How a row is hashed is
//! [`crate::rows`]'s business.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{DataError, Result};

/// One 8-byte hash per row, in row order. In JSON it is a base64 string of the blob form.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RowHashes {
    hashes: Vec<u64>,
}

/// Blob header: four magic bytes, then the version of the row hash.
const BLOB_MAGIC: &[u8; 5] = b"MLRH\x01";

impl RowHashes {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Whether there are no rows (as for folders of arbitrary files).
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// The hashes in row order.
    pub fn as_slice(&self) -> &[u64] {
        &self.hashes
    }

    pub(crate) fn push(&mut self, hash: [u8; 8]) {
        self.hashes.push(u64::from_le_bytes(hash));
    }

    /// The blob form: magic and version (5 bytes), then 8 bytes per row.
    pub fn to_blob(&self) -> Vec<u8> {
        let mut blob = Vec::with_capacity(BLOB_MAGIC.len() + 8 * self.hashes.len());
        blob.extend_from_slice(BLOB_MAGIC);
        for hash in &self.hashes {
            blob.extend_from_slice(&hash.to_le_bytes());
        }
        blob
    }

    /// Reads the blob form.
    ///
    /// # Errors
    /// The bytes are not a row hash blob of a known version, or are cut short.
    pub fn from_blob(blob: &[u8]) -> Result<Self> {
        let body = blob
            .strip_prefix(BLOB_MAGIC)
            .ok_or_else(|| DataError::corrupt("row hashes", "not a row hash blob of version 1"))?;
        let chunks = body.chunks_exact(8);
        if !chunks.remainder().is_empty() {
            return Err(DataError::corrupt("row hashes", "cut short"));
        }
        let hashes = chunks
            .map(|c| u64::from_le_bytes(c.try_into().expect("chunks of 8")))
            .collect();
        Ok(Self { hashes })
    }
}

impl FromIterator<u64> for RowHashes {
    fn from_iter<I: IntoIterator<Item = u64>>(hashes: I) -> Self {
        Self {
            hashes: hashes.into_iter().collect(),
        }
    }
}

impl std::fmt::Debug for RowHashes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RowHashes({} rows)", self.hashes.len())
    }
}

impl Serialize for RowHashes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(self.to_blob()))
    }
}

impl<'de> Deserialize<'de> for RowHashes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let blob = BASE64
            .decode(text.as_bytes())
            .map_err(|_| D::Error::custom("row hashes: not base64"))?;
        Self::from_blob(&blob).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn blob_and_json_round_trip(hashes in prop::collection::vec(any::<u64>(), 0..50)) {
            let hashes: RowHashes = hashes.into_iter().collect();
            prop_assert_eq!(&RowHashes::from_blob(&hashes.to_blob()).unwrap(), &hashes);
            let json = serde_json::to_string(&hashes).unwrap();
            prop_assert_eq!(&serde_json::from_str::<RowHashes>(&json).unwrap(), &hashes);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(hashes) = RowHashes::from_blob(&bytes) {
                prop_assert_eq!(hashes.to_blob(), bytes);
            }
        }
    }

    #[test]
    fn cut_blob_is_refused() {
        let blob = RowHashes::from_iter([1, 2]).to_blob();
        assert!(RowHashes::from_blob(&blob[..blob.len() - 1]).is_err());
        assert!(RowHashes::from_blob(b"MLRH\x02").is_err());
    }
}
