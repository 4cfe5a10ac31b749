//! Watches the lines of one stream for printed arrays, tables and rows of numbers, to tell
//! where they begin. It changes nothing and keeps nothing.

use memchr::{memchr, memchr_iter, memrchr};

use super::block::{Block, Found};
use super::rows::{self, Rows};

/// Bytes of a line that are looked at.
pub(crate) const LINE_LOOK_MAX_BYTES: usize = 8 * 1024;
/// A flat array within a line is looked for in longer lines only.
const FLAT_LINE_MIN_BYTES: usize = 256;
/// Brackets of a line that are looked at.
const BRACKETS_MAX: usize = 8;

/// What is told, each once in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    /// An array or tensor.
    Array,
    /// A data frame.
    Table,
    /// Rows of numbers.
    Numbers,
}

/// The lines of one stream.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// Lines that have ended.
    ended: u64,
    /// The present line, as far as it is looked at.
    line: Vec<u8>,
    block: Option<(Block, u64)>,
    rows: Rows,
    /// Whether the last line was the head of a table that says its shape.
    shape: bool,
}

impl Lines {
    /// The number of the line that is being written, from 1.
    pub(crate) fn number(&self) -> u64 {
        self.ended + 1
    }

    /// Takes output, and tells what stands in it with the line where it begins.
    pub(crate) fn push(&mut self, bytes: &[u8], mut tell: impl FnMut(Sight, u64)) {
        let mut from = 0;
        let mut above = None;
        for end in memchr_iter(b'\n', bytes) {
            let rest = &bytes[from..end];
            if self.line.is_empty() {
                self.look(rest, &mut above, &mut tell);
            } else {
                self.keep(rest);
                let line = std::mem::take(&mut self.line);
                let mut heading = None;
                self.look(&line, &mut heading, &mut tell);
                self.head(&mut heading);
                self.line = line;
                self.line.clear();
            }
            self.ended += 1;
            from = end + 1;
        }
        self.head(&mut above);
        self.keep(&bytes[from..]);
    }

    /// The last line, which has no end.
    pub(crate) fn finish(&mut self, mut tell: impl FnMut(Sight, u64)) {
        let line = std::mem::take(&mut self.line);
        self.look(&line, &mut None, &mut tell);
    }

    /// Keeps what stands above rows. Most lines are never above any: it is kept late.
    fn head(&mut self, above: &mut Option<&[u8]>) {
        if let Some(line) = above.take() {
            self.rows.heading(line);
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = LINE_LOOK_MAX_BYTES - self.line.len();
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn look<'a>(
        &mut self,
        line: &'a [u8],
        above: &mut Option<&'a [u8]>,
        tell: &mut impl FnMut(Sight, u64),
    ) {
        let line = &line[..line.len().min(LINE_LOOK_MAX_BYTES)];
        if let Some((mut block, begun)) = self.block.take() {
            match block.read(line) {
                Found::Open => {
                    self.block = Some((block, begun));
                    return;
                }
                Found::Data => return tell(Sight::Array, begun),
                Found::Nothing => {}
            }
        }
        let number = self.number();
        if std::mem::take(&mut self.shape) && line.starts_with("┌".as_bytes()) {
            tell(Sight::Table, number);
        }
        let first = line.iter().find(|byte| !b" \t".contains(byte));
        match first {
            Some(b'0'..=b'9' | b'-' | b'+' | b'.') => {
                if self.rows.may_be_row(line) {
                    self.head(above);
                    self.row(line, number, tell);
                } else {
                    *above = Some(line);
                }
            }
            Some(byte) => {
                *above = Some(line);
                match byte {
                    b'[' if is_footer(line) => tell(Sight::Table, number),
                    b's' => self.shape = line.starts_with(b"shape: ("),
                    _ => {}
                }
            }
            // A blank line changes nothing of what stands above, but ends rows.
            None => {
                self.head(above);
                self.rows.heading(line);
                return;
            }
        }
        self.brackets(line, number, tell);
    }

    fn row(&mut self, line: &[u8], number: u64, tell: &mut impl FnMut(Sight, u64)) {
        // A progress bar that was written over is no row.
        if memrchr(b'\r', line.strip_suffix(b"\r").unwrap_or(line)).is_some() {
            return self.rows.heading(line);
        }
        match self.rows.read(line, number) {
            Some((rows::Kind::Table, begun)) => tell(Sight::Table, begun),
            Some((rows::Kind::Numbers, begun)) => tell(Sight::Numbers, begun),
            None => {}
        }
    }

    /// Reads what begins with a bracket that may be that of an array.
    fn brackets(&mut self, line: &[u8], number: u64, tell: &mut impl FnMut(Sight, u64)) {
        let Some(first) = memchr(b'[', line) else {
            return;
        };
        let leads = line[..first].trim_ascii().is_empty();
        let mut after = 0;
        for at in memchr_iter(b'[', line).take(BRACKETS_MAX) {
            let begins = (at == first && (leads || line.len() >= FLAT_LINE_MIN_BYTES))
                || line.get(at + 1) == Some(&b'[')
                || (at > 0 && line[at - 1] == b'(');
            if !begins || at < after {
                continue;
            }
            let mut block = Block::default();
            match block.read(&line[at..]) {
                Found::Data => return tell(Sight::Array, number),
                Found::Open => {
                    self.block = Some((block, number));
                    return;
                }
                Found::Nothing => after = at + 2,
            }
        }
    }
}

/// `[150 rows x 5 columns]`, which data frames have that were shortened.
fn is_footer(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let Some(inner) = line
        .strip_prefix(b"[")
        .and_then(|line| line.strip_suffix(b" columns]"))
    else {
        return false;
    };
    let mut words = inner.split(|byte| *byte == b' ');
    let counts = |word: Option<&[u8]>| {
        word.is_some_and(|word| !word.is_empty() && word.iter().all(u8::is_ascii_digit))
    };
    counts(words.next())
        && words.next() == Some(b"rows")
        && words.next() == Some(b"x")
        && counts(words.next())
}
