//! Reading and writing the small pieces all stored forms are made of: bytes,
//! varints and words. It knows no form.

use super::CodecError;

/// Bytes of a varint of 64 bits at most.
pub(crate) const VARINT_MAX_BYTES: usize = 10;

pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Small numbers of either sign to small numbers.
pub(crate) fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

/// The inverse of [`zigzag`].
pub(crate) fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

/// Bytes yet to be read.
pub(crate) struct Reader<'a> {
    pub(crate) bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn byte(&mut self) -> Result<u8, CodecError> {
        let (&first, rest) = self.bytes.split_first().ok_or(CodecError::Damaged)?;
        self.bytes = rest;
        Ok(first)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let (array, rest) = self.bytes.split_first_chunk().ok_or(CodecError::Damaged)?;
        self.bytes = rest;
        Ok(*array)
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], CodecError> {
        let (taken, rest) = self
            .bytes
            .split_at_checked(count)
            .ok_or(CodecError::Damaged)?;
        self.bytes = rest;
        Ok(taken)
    }

    pub(crate) fn varint(&mut self) -> Result<u64, CodecError> {
        let mut value = 0u64;
        for index in 0..VARINT_MAX_BYTES {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            let shift = 7 * index as u32;
            if part << shift >> shift != part {
                return Err(CodecError::Damaged);
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(CodecError::Damaged)
    }

    /// A varint that counts something, at most `limit`.
    pub(crate) fn count(&mut self, limit: usize) -> Result<usize, CodecError> {
        usize::try_from(self.varint()?)
            .ok()
            .filter(|count| *count <= limit)
            .ok_or(CodecError::Damaged)
    }

    pub(crate) fn end(&self) -> Result<(), CodecError> {
        if self.bytes.is_empty() {
            Ok(())
        } else {
            Err(CodecError::Damaged)
        }
    }
}

/// Checks and skips a CRC-32 of all that follows it.
pub(crate) fn checked(reader: &mut Reader<'_>) -> Result<(), CodecError> {
    let wanted = u32::from_le_bytes(reader.array()?);
    if crc32fast::hash(reader.bytes) == wanted {
        Ok(())
    } else {
        Err(CodecError::Damaged)
    }
}

/// Fills in the CRC-32 of what follows its four bytes at `place`.
pub(crate) fn seal(out: &mut [u8], place: usize) {
    let sum = crc32fast::hash(&out[place + 4..]);
    out[place..place + 4].copy_from_slice(&sum.to_le_bytes());
}
