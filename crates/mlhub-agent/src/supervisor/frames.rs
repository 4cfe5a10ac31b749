//! Reads whole records of a growing binary event log, in bounded memory.
//!
//! The file is longer than what was written: zeros are the end so far. A record
//! that is cut off or whose sum is wrong waits like a torn line; only when nothing
//! more can come is it passed over, with all that follows it, and told.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use mlhub_protocol::event_log::{
    FRAME_HEAD_BYTES, Frame, HEADER_BYTES, HeaderProblem, Record, read_frame, read_header,
};

/// Bytes read from the file at a time, at least.
const PIECE_BYTES: usize = 256 * 1024;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Found<'a> {
    /// The file's header.
    Header,
    /// A record.
    Record(Record<'a>),
    /// Everything from here to the file's end cannot be read.
    Torn,
}

/// Calls `take` with each record from byte `from` on and its range of bytes,
/// until `take` returns false or no whole record is left. Returns the byte reached.
///
/// # Errors
/// Of opening and reading, and when the file is no event log this version reads;
/// a file that does not exist has no records.
pub(crate) fn read_frames(
    path: &Path,
    from: u64,
    at_end: bool,
    mut take: impl FnMut(Found<'_>, u64, u64) -> bool,
) -> std::io::Result<u64> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(from),
        Err(error) => return Err(error),
    };
    let mut offset = from;
    if offset == 0 {
        let Some(length) = header_bytes(&mut file)? else {
            return Ok(0);
        };
        offset = length;
        if !take(Found::Header, 0, offset) {
            return Ok(offset);
        }
    }
    file.seek(SeekFrom::Start(offset))?;
    let mut buffer = Vec::with_capacity(PIECE_BYTES);
    let mut wanted = PIECE_BYTES;
    loop {
        let missing = wanted.saturating_sub(buffer.len()) as u64;
        let read = (&mut file).take(missing).read_to_end(&mut buffer)? as u64;
        let mut at = 0;
        let stopped = loop {
            match read_frame(&buffer[at..]) {
                Frame::Record(record, size) => {
                    let (start, end) = (offset, offset + size as u64);
                    at += size;
                    offset = end;
                    if !take(Found::Record(record), start, end) {
                        return Ok(offset);
                    }
                }
                Frame::Cut(size) => break Some(size),
                Frame::Torn => break None,
                // A buffer that ends with a frame may end before the next.
                Frame::End if buffer.len() - at < FRAME_HEAD_BYTES && read == missing => {
                    break Some(FRAME_HEAD_BYTES);
                }
                Frame::End => return Ok(offset),
            }
        };
        buffer.drain(..at);
        match stopped {
            Some(size) if read == missing && missing > 0 => wanted = size.max(PIECE_BYTES),
            // The file ends in the middle of a frame, or the frame is wrong.
            _ if at_end => {
                let end = file.metadata()?.len().max(offset + buffer.len() as u64);
                take(Found::Torn, offset, end);
                return Ok(end);
            }
            _ => return Ok(offset),
        }
    }
}

/// Why a file can never be read here; `None` while it can, or may be able to.
pub(crate) fn header_problem(path: &Path) -> Option<HeaderProblem> {
    let mut head = Vec::new();
    File::open(path)
        .and_then(|file| file.take(HEADER_BYTES as u64).read_to_end(&mut head))
        .ok()?;
    read_header(&head).err()
}

/// Whether nothing was written at `offset` yet.
pub(crate) fn frames_end_at(path: &Path, offset: u64) -> bool {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|mut file| {
        file.seek(SeekFrom::Start(offset))?;
        file.take(FRAME_HEAD_BYTES as u64).read_to_end(&mut head)
    });
    read.is_ok() && head.iter().all(|byte| *byte == 0)
}

fn header_bytes(file: &mut File) -> std::io::Result<Option<u64>> {
    let mut head = Vec::new();
    file.take(HEADER_BYTES as u64).read_to_end(&mut head)?;
    match read_header(&head) {
        Ok(length) => Ok(length.map(|length| length as u64)),
        Err(problem) => Err(std::io::Error::new(
            std::io::ErrorKind::InvalidData,
            problem,
        )),
    }
}

#[cfg(test)]
mod tests {
    use mlhub_protocol::event_log::{self, event_body_bytes, frame, write_event};
    use proptest::prelude::*;

    use super::*;

    fn log(sizes: &[usize]) -> Vec<u8> {
        let mut bytes = event_log::header().to_vec();
        for size in sizes {
            let json = vec![b'j'; *size];
            bytes.extend(frame(event_body_bytes(&json), |body| {
                write_event(body, &json)
            }));
        }
        bytes
    }

    /// Sizes of the events, whether something was torn, and the byte reached.
    fn read(bytes: &[u8], from: u64, at_end: bool) -> (Vec<usize>, bool, u64) {
        let file = tempfile::NamedTempFile::new().expect("temporary file");
        std::fs::write(file.path(), bytes).expect("write");
        let (mut sizes, mut torn) = (Vec::new(), false);
        let reached = read_frames(file.path(), from, at_end, |found, _, _| {
            match found {
                Found::Record(Record::Event(json)) => sizes.push(json.len()),
                Found::Torn => torn = true,
                _ => {}
            }
            true
        })
        .expect("readable");
        (sizes, torn, reached)
    }

    #[test]
    fn a_torn_record_waits_and_is_told_at_the_end() {
        let mut bytes = log(&[10, 20]);
        let whole = bytes.len() as u64;
        bytes.extend(&log(&[30])[16..40]);
        assert_eq!(read(&bytes, 0, false), (vec![10, 20], false, whole));
        let end = bytes.len() as u64;
        assert_eq!(read(&bytes, 0, true), (vec![10, 20], true, end));
        assert_eq!(read(&bytes, end, true), (vec![], false, end));
        // Room that was made and not used is nothing.
        let mut bytes = log(&[10]);
        let whole = bytes.len() as u64;
        bytes.resize(bytes.len() + 1_000_000, 0);
        assert_eq!(read(&bytes, 0, true), (vec![10], false, whole));
        assert_eq!(read(&[], 0, true), (vec![], false, 0));
    }

    #[test]
    fn what_is_no_event_log_is_named() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("x.mlog");
        assert_eq!(header_problem(&path), None);
        std::fs::write(&path, "{\"metrics\":{}}\nand more").expect("write");
        assert_eq!(header_problem(&path), Some(HeaderProblem::NotALog));
        assert!(read_frames(&path, 0, true, |_, _, _| true).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn reading_in_pieces_is_reading_at_once(
            sizes in prop::collection::vec(
                prop_oneof![0usize..200, 200_000usize..300_000, Just(1024 * 1024 - 1)], 0..8),
            cut in any::<prop::sample::Index>(),
            zeros in 0usize..40,
        ) {
            let mut bytes = log(&sizes);
            let whole = bytes.len() as u64;
            bytes.resize(bytes.len() + zeros, 0);
            let cut = cut.index(bytes.len());
            let (mut first, torn, reached) = read(&bytes[..cut], 0, false);
            prop_assert!(!torn);
            let (second, torn, end) = read(&bytes, reached, true);
            first.extend(second);
            prop_assert_eq!((first, torn, end), (sizes, false, whole));
        }
    }
}
