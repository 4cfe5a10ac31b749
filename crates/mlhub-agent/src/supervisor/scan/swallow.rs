//! A secret whose end has not come yet: what follows is dropped up to it.
//!
//! There is no bound on a word or a quoted value, which end with their line at the latest.
//! A private key without its end is given up after a while, so that a program that merely
//! speaks of one does not lose its output.

use memchr::{memchr, memmem};
use mlhub_config::TokenBody;

use super::judge::in_body;

/// Bytes of a private key at most, from its first line on.
pub(crate) const KEY_MAX_BYTES: usize = 32 * 1024;
/// Lines in a row that cannot be of a key, after which it is none.
pub(crate) const KEY_OTHER_LINES_MAX: u32 = 5;
/// A longer line is taken for one of a key.
const KEY_LINE_MAX_BYTES: usize = 4096;
/// Letters of base64 in a row that make a line one of a key.
const KEY_RUN_MIN: usize = 16;
/// How the last line of a key begins.
const END: &[u8] = b"-----END ";
/// Bytes of that line at most.
const END_MAX_BYTES: usize = 80;
/// Dashes at its end.
const END_DASHES: usize = 5;

/// What is dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Swallow {
    /// The rest of a token.
    Run(TokenBody),
    /// The rest of a bearer token.
    Bearer,
    /// A value without quotes.
    Plain,
    /// A value in quotes; a backslash as the quote is one of a text printed quoted.
    Quoted { quote: u8, escaped: bool },
    /// A private key.
    Key(Key),
}

/// Where in a private key the output stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    /// Bytes it may still have.
    left: usize,
    /// Lines in a row that cannot be of a key.
    others: u32,
    /// Bytes of the present line that are dropped already.
    dropped: usize,
}

impl Swallow {
    pub(crate) fn quoted(quote: u8) -> Self {
        Self::Quoted {
            quote,
            escaped: false,
        }
    }

    pub(crate) fn key() -> Self {
        Self::Key(Key {
            left: KEY_MAX_BYTES,
            others: 0,
            dropped: 0,
        })
    }

    /// How many bytes are dropped now, and whether that was all. What is not dropped
    /// before that waits for more.
    pub(crate) fn take(&mut self, bytes: &[u8], ended: bool) -> (usize, bool) {
        if let Self::Key(key) = self {
            return key.take(bytes, ended);
        }
        match self.end_of(bytes) {
            Some(end) => (end, true),
            None => (bytes.len(), false),
        }
    }

    /// Where the value ends in `bytes`; a key has no end here.
    pub(crate) fn end_of(&mut self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Run(body) => bytes.iter().position(|byte| !in_body(*body, *byte)),
            Self::Bearer => bytes.iter().position(|byte| !in_bearer(*byte)),
            Self::Plain => bytes.iter().position(|byte| ends_plain(*byte)),
            Self::Quoted { quote, escaped } => bytes.iter().position(|byte| {
                let ends = (*byte == *quote && !*escaped) || b"\r\n".contains(byte);
                *escaped = *byte == b'\\' && !*escaped;
                ends
            }),
            Self::Key(_) => None,
        }
    }
}

/// What ends a value without quotes.
pub(crate) fn ends_plain(byte: u8) -> bool {
    byte <= b' ' || byte == 0x7f || b",;)}]>\"'`&|\\".contains(&byte)
}

/// What a bearer token is made of.
pub(crate) fn in_bearer(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.~+/=".contains(&byte)
}

/// What is known of the end of a key in a line.
enum LastLine {
    At(usize),
    Open,
    Absent,
}

impl Key {
    fn take(&mut self, bytes: &[u8], ended: bool) -> (usize, bool) {
        let mut at = 0;
        loop {
            let window = &bytes[at..bytes.len().min(at + self.left)];
            let line = memchr(b'\n', window).map_or(window, |end| &window[..=end]);
            let is_whole = line.last() == Some(&b'\n');
            let is_last = window.len() == self.left || (ended && at + window.len() == bytes.len());
            match last_line(line, is_whole || is_last) {
                LastLine::At(end) => return (at + end, true),
                LastLine::Open => return (at, false),
                LastLine::Absent => {}
            }
            if is_whole {
                self.judge(line);
                self.left -= line.len();
                at += line.len();
                if self.others >= KEY_OTHER_LINES_MAX || self.left == 0 {
                    return (at, true);
                }
                continue;
            }
            if is_last {
                return (at + window.len(), true);
            }
            // A long line is dropped but for what may be the beginning of the end.
            if line.len() > KEY_LINE_MAX_BYTES {
                let drop = line.len() - END_MAX_BYTES;
                self.dropped += drop;
                self.left -= drop;
                at += drop;
            }
            return (at, false);
        }
    }

    fn judge(&mut self, line: &[u8]) {
        let long = self.dropped + line.len() > KEY_LINE_MAX_BYTES;
        self.dropped = 0;
        if long || longest_run(line) >= KEY_RUN_MIN {
            self.others = 0;
        } else if !line.trim_ascii().is_empty() {
            self.others += 1;
        }
    }
}

/// Looks for the end of a key in a line; `is_all` when nothing can be added to it.
fn last_line(line: &[u8], is_all: bool) -> LastLine {
    let Some(start) = memmem::find(line, END) else {
        // The end may have begun.
        return LastLine::Absent;
    };
    let rest = &line[start + END.len()..];
    let named = |byte: &&u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || **byte == b' ';
    let most = END_MAX_BYTES - END.len() - END_DASHES - 1;
    let name = rest.iter().take(most).take_while(named).count();
    let dashes = rest[name..]
        .iter()
        .take(END_DASHES)
        .take_while(|byte| **byte == b'-')
        .count();
    let open = name + dashes == rest.len() && name < most && dashes < END_DASHES;
    if open && !is_all {
        return LastLine::Open;
    }
    LastLine::At(start + END.len() + name + dashes)
}

fn longest_run(line: &[u8]) -> usize {
    line.split(|byte| !(byte.is_ascii_alphanumeric() || b"+/=".contains(byte)))
        .map(<[u8]>::len)
        .max()
        .unwrap_or(0)
}
