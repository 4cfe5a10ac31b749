//! Reads complete lines from a growing file, in bounded memory.
//!
//! A line without its end waits until the end comes; only when nothing more can
//! come is it taken as it is. A line longer than the bound is passed over whole
//! and told as such. It keeps no file open between reads.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// Bytes of one line that is looked at; longer lines are passed over.
pub(crate) const LINE_MAX_BYTES: usize = 1024 * 1024;
/// Bytes read from the file at a time.
const BUFFER_BYTES: usize = 64 * 1024;

/// A line, as found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// Its bytes without the line end.
    Whole(&'a [u8]),
    /// It is longer than [`LINE_MAX_BYTES`].
    TooLong,
}

/// Calls `take` with each complete line from byte `from` on and its range of
/// bytes, until `take` returns false or no complete line is left. With
/// `at_end`, a last line without its end is complete. Returns the byte reached.
///
/// # Errors
/// Of opening and reading; a file that does not exist has no lines.
pub(crate) fn read_lines(
    path: &Path,
    from: u64,
    at_end: bool,
    mut take: impl FnMut(Line<'_>, u64, u64) -> bool,
) -> std::io::Result<u64> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(from),
        Err(error) => return Err(error),
    };
    file.seek(SeekFrom::Start(from))?;
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, file);
    let mut offset = from;
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut length = (&mut reader)
            .take(LINE_MAX_BYTES as u64 + 1)
            .read_until(b'\n', &mut line)? as u64;
        if length == 0 {
            return Ok(offset);
        }
        let mut complete = line.last() == Some(&b'\n');
        let too_long = !complete && line.len() > LINE_MAX_BYTES;
        if too_long {
            let (rest, found) = skip_line(&mut reader)?;
            length += rest;
            complete = found;
        }
        if !complete && !at_end {
            return Ok(offset);
        }
        let end = offset + length;
        let found = if too_long {
            Line::TooLong
        } else {
            let text = line.strip_suffix(b"\n").unwrap_or(&line);
            Line::Whole(text.strip_suffix(b"\r").unwrap_or(text))
        };
        let go_on = take(found, offset, end);
        offset = end;
        if !go_on {
            return Ok(offset);
        }
    }
}

/// Passes over the rest of a line; returns its length and whether its end was found.
fn skip_line(reader: &mut impl BufRead) -> std::io::Result<(u64, bool)> {
    let mut passed = 0;
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok((passed, false));
        }
        let (count, found) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(position) => (position + 1, true),
            None => (buffer.len(), false),
        };
        reader.consume(count);
        passed += count as u64;
        if found {
            return Ok((passed, true));
        }
    }
}

/// Bytes in a file; 0 when it does not exist.
pub(crate) fn size_of(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |data| data.len())
}

/// Bytes of a file from `offset`, at most `limit`; none when it is not there.
pub(crate) fn read_piece(path: &Path, offset: u64, limit: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(mut file) => {
            file.seek(SeekFrom::Start(offset))?;
            file.take(limit as u64).read_to_end(&mut bytes)?;
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(bytes: &[u8], from: u64, at_end: bool) -> (Vec<Option<Vec<u8>>>, u64) {
        let file = tempfile::NamedTempFile::new().expect("temporary file");
        std::fs::write(file.path(), bytes).expect("write");
        let mut found = Vec::new();
        let reached = read_lines(file.path(), from, at_end, |line, _, _| {
            found.push(match line {
                Line::Whole(line) => Some(line.to_vec()),
                Line::TooLong => None,
            });
            true
        })
        .expect("readable");
        (found, reached)
    }

    #[test]
    fn a_torn_last_line_waits_until_nothing_more_can_come() {
        assert_eq!(lines(b"a\r\nbc", 0, false), (vec![Some(b"a".to_vec())], 3));
        assert_eq!(
            lines(b"a\r\nbc", 0, true),
            (vec![Some(b"a".to_vec()), Some(b"bc".to_vec())], 5)
        );
    }

    #[test]
    fn a_line_past_the_bound_is_passed_over_whole() {
        let mut bytes = vec![b'x'; 10 * LINE_MAX_BYTES];
        bytes.extend_from_slice(b"\nnext\n");
        let (found, reached) = lines(&bytes, 0, false);
        assert_eq!(found, [None, Some(b"next".to_vec())]);
        assert_eq!(reached, bytes.len() as u64);
        // While its end is missing it waits like any other.
        assert_eq!(lines(&bytes[..5 * LINE_MAX_BYTES], 0, false), (vec![], 0));
    }

    #[test]
    fn a_line_of_just_the_bound_is_read() {
        let mut bytes = vec![b'x'; LINE_MAX_BYTES];
        bytes.push(b'\n');
        assert_eq!(
            lines(&bytes, 0, false).0[0].as_ref().map(Vec::len),
            Some(LINE_MAX_BYTES)
        );
    }

    proptest! {
        #[test]
        fn reading_in_pieces_is_reading_at_once(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'a'), any::<u8>()], 0..300),
            cut in 0usize..300,
        ) {
            let cut = cut.min(bytes.len());
            let (mut first, reached) = lines(&bytes[..cut], 0, false);
            let (second, end) = lines(&bytes, reached, true);
            first.extend(second);
            let (whole, whole_end) = lines(&bytes, 0, true);
            prop_assert_eq!(first, whole);
            prop_assert_eq!(end, whole_end);
        }
    }
}
