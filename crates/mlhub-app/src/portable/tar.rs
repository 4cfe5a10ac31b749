//! The little of POSIX tar (ustar) that archives need: plain files in a row.
//!
//! Any `tar` lists and unpacks what is written here. Only what is written here
//! is read: links, folders, long names and other extensions are refused, and a
//! name never becomes a path.

use std::io::Read;

use mlhub_core::{Error, Result};

/// Everything in a tar file stands in blocks of this size.
pub const BLOCK_BYTES: usize = 512;
/// Bytes in the name of an entry.
const NAME_MAX_BYTES: usize = 100;
/// The largest size in octal; larger ones are binary, as GNU tar writes them.
const OCTAL_SIZE_MAX: u64 = 0o77_777_777_777;

/// What stands before the bytes of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name: up to 100 bytes of ASCII.
    pub name: String,
    /// Bytes that follow.
    pub size_bytes: u64,
}

/// The header block of an entry.
///
/// # Errors
/// `Internal` for a name that does not fit, which ours do.
pub fn header(name: &str, size_bytes: u64) -> Result<[u8; BLOCK_BYTES]> {
    if name.len() > NAME_MAX_BYTES || !name.is_ascii() {
        return Err(Error::internal("write an archive", "a name does not fit"));
    }
    let mut block = [0u8; BLOCK_BYTES];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[100..108].copy_from_slice(b"0000644\0");
    block[108..116].copy_from_slice(b"0000000\0");
    block[116..124].copy_from_slice(b"0000000\0");
    if size_bytes <= OCTAL_SIZE_MAX {
        block[124..136].copy_from_slice(format!("{size_bytes:011o}\0").as_bytes());
    } else {
        block[124] = 0x80;
        block[128..136].copy_from_slice(&size_bytes.to_be_bytes());
    }
    block[136..148].copy_from_slice(b"00000000000\0");
    block[156] = b'0';
    block[257..265].copy_from_slice(b"ustar\x0000");
    let sum = checksum(&block);
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(block)
}

/// Bytes of zeros after an entry of this size.
pub fn padding(size_bytes: u64) -> usize {
    let over = (size_bytes % BLOCK_BYTES as u64) as usize;
    (BLOCK_BYTES - over) % BLOCK_BYTES
}

/// What ends a tar file.
pub const END: [u8; 2 * BLOCK_BYTES] = [0; 2 * BLOCK_BYTES];

/// Reads the next header; `None` at the end of the file's entries.
///
/// # Errors
/// `Invalid` for anything but a plain file as [`header`] writes it.
pub fn next(input: &mut impl Read) -> Result<Option<Entry>> {
    let mut block = [0u8; BLOCK_BYTES];
    fill(input, &mut block)?;
    if block == [0; BLOCK_BYTES] {
        return Ok(None);
    }
    let stated = octal(&block[148..156]).ok_or_else(broken)?;
    if stated != u64::from(checksum(&block)) || &block[257..262] != b"ustar" {
        return Err(broken());
    }
    if block[156] != b'0' || block[345..500] != [0; 155] {
        return Err(Error::invalid(
            "the archive holds something other than plain files",
        ));
    }
    let end = block[..NAME_MAX_BYTES]
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(NAME_MAX_BYTES);
    let name = std::str::from_utf8(&block[..end]).map_err(|_| broken())?;
    let size_bytes = match block[124] {
        0x80 if block[125..128] == [0; 3] => {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&block[128..136]);
            u64::from_be_bytes(bytes)
        }
        _ => octal(&block[124..136]).ok_or_else(broken)?,
    };
    Ok(Some(Entry {
        name: name.to_owned(),
        size_bytes,
    }))
}

/// Skips the zeros after an entry.
///
/// # Errors
/// `Invalid` when the file ends there.
pub fn skip_padding(input: &mut impl Read, size_bytes: u64) -> Result<()> {
    let mut block = [0u8; BLOCK_BYTES];
    fill(input, &mut block[..padding(size_bytes)])
}

/// Reads exactly so many bytes.
///
/// # Errors
/// `Invalid` when the input ends before.
pub fn fill(input: &mut impl Read, bytes: &mut [u8]) -> Result<()> {
    input.read_exact(bytes).map_err(|error| {
        let said = match error.kind() {
            std::io::ErrorKind::UnexpectedEof => "the archive ends early; copy it again",
            _ => "the archive cannot be read",
        };
        Error::invalid(said).with_source(error)
    })
}

fn broken() -> Error {
    Error::invalid("this is no archive of mlhub, or it is damaged")
}

fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?;
    let digits = text.trim_matches(['\0', ' ']);
    u64::from_str_radix(digits, 8).ok()
}

fn checksum(block: &[u8; BLOCK_BYTES]) -> u32 {
    let byte = |(index, byte): (usize, &u8)| match index {
        148..156 => u32::from(b' '),
        _ => u32::from(*byte),
    };
    block.iter().enumerate().map(byte).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_they_were_written() {
        for size in [0, 1, 511, 512, OCTAL_SIZE_MAX, OCTAL_SIZE_MAX + 1, u64::MAX] {
            let block = header("runs/abcd/000001.jsonl", size).expect("header");
            let entry = next(&mut block.as_slice()).expect("read").expect("entry");
            assert_eq!(entry.name, "runs/abcd/000001.jsonl");
            assert_eq!(entry.size_bytes, size);
        }
        assert_eq!(next(&mut END.as_slice()).expect("end"), None);
        assert_eq!(
            [padding(0), padding(1), padding(512), padding(513)],
            [0, 511, 0, 511]
        );
    }

    #[test]
    fn one_flipped_bit_of_a_header_is_found() {
        let block = header("end.json", 77).expect("header");
        for bit in 0..BLOCK_BYTES * 8 {
            let mut block = block;
            block[bit / 8] ^= 1 << (bit % 8);
            let read = next(&mut block.as_slice());
            // A bit of the checksum's own spaces changes nothing.
            let same = read.as_ref().is_ok_and(|entry| {
                entry
                    .as_ref()
                    .is_some_and(|entry| entry.size_bytes == 77 && entry.name == "end.json")
            });
            assert!(
                read.is_err() || (same && (148..156).contains(&(bit / 8))),
                "bit {bit}"
            );
        }
    }

    #[test]
    fn tar_itself_reads_it() {
        let folder = tempfile::tempdir().expect("temp folder");
        let file = folder.path().join("x.tar");
        let mut bytes = header("a/b.txt", 5).expect("header").to_vec();
        bytes.extend(b"hello");
        bytes.extend(vec![0; padding(5)]);
        bytes.extend(END);
        std::fs::write(&file, bytes).expect("write");
        let out = std::process::Command::new("tar")
            .args(["-xOf"])
            .arg(&file)
            .arg("a/b.txt")
            .output()
            .expect("tar");
        assert_eq!(out.stdout, b"hello");
    }
}
