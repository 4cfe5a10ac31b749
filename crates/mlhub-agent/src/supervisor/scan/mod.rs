//! What is done to a program's output before it is written: secrets are masked, and printed
//! data is warned of.
//!
//! Bytes in, bytes out; `relay.rs` reads and writes them. Entropy alone masks nothing, and
//! what is warned of is not changed.

mod block;
mod judge;
mod lines;
mod mask;
#[cfg(test)]
mod mask_tests;
mod named;
mod rows;
mod rules;
mod swallow;
#[cfg(test)]
mod watch_tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

pub(crate) use judge::LOOKBACK_BYTES;
use lines::{Lines, Sight};
use mask::Masker;
pub(crate) use rules::Rules;

/// Warnings of a scanner in one run: one of each kind.
pub(crate) const WARNINGS_MAX: usize = 4;
/// What to do about data in the output.
const ADVICE: &str = "output is kept and seen by everybody who may read the hub: print shapes and statistics in place of data. Told once in a run; `logs: {scan: off}` in the experiment file ends it";

/// Which warnings a run has had.
#[derive(Debug, Default)]
pub(crate) struct Told(AtomicU8);

impl Told {
    /// Said of masked secrets.
    const MASKED: u8 = 1 << 3;
    /// Everything was told.
    const ALL: u8 = (1 << WARNINGS_MAX) - 1;

    /// Whether this is the first time.
    fn first(&self, bit: u8) -> bool {
        self.0.fetch_or(bit, Ordering::AcqRel) & bit == 0
    }

    fn is_all(&self) -> bool {
        self.0.load(Ordering::Acquire) == Self::ALL
    }
}

impl Sight {
    fn bit(self) -> u8 {
        match self {
            Self::Array => 1,
            Self::Table => 1 << 1,
            Self::Numbers => 1 << 2,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Array => "what looks like an array or tensor",
            Self::Table => "what looks like a table of data",
            Self::Numbers => "what looks like rows of data",
        }
    }
}

/// One stream being scanned.
#[derive(Debug)]
pub(crate) struct Scan {
    stream: &'static str,
    masker: Masker,
    /// `None` when it is not known which line the output stands at.
    lines: Option<Lines>,
    told: Arc<Told>,
}

impl Scan {
    /// Scans the stream of this name; what was told already is not told again.
    pub(crate) fn new(stream: &'static str, rules: Arc<Rules>, told: Arc<Told>) -> Self {
        Self {
            stream,
            masker: Masker::new(rules),
            lines: Some(Lines::default()),
            told,
        }
    }

    /// The same for a stream whose beginning was scanned by somebody else, up to the bytes
    /// `before`: secrets are masked, and nothing is warned of.
    pub(crate) fn of_the_rest(stream: &'static str, rules: Arc<Rules>, before: &[u8]) -> Self {
        let scan = Self::new(stream, rules, Arc::default());
        Self {
            masker: scan.masker.after(before),
            lines: None,
            ..scan
        }
    }

    /// Bytes that are not out yet; `None` within a secret.
    pub(crate) fn waiting(&self) -> Option<usize> {
        (!self.masker.is_within()).then(|| self.masker.waiting())
    }

    /// Takes bytes, appends what is to be written to `out`, and returns warnings.
    pub(crate) fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Vec<String> {
        let from = out.len();
        let masked = self.masker.push(bytes, out);
        self.watch(&out[from..], masked, from)
    }

    /// The stream has ended.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) -> Vec<String> {
        let from = out.len();
        let masked = self.masker.finish(out);
        let mut warnings = self.watch(&out[from..], masked, from);
        if let Some(lines) = &mut self.lines {
            let (told, stream) = (&self.told, self.stream);
            lines.finish(|sight, line| warnings.extend(warning(told, stream, sight, line)));
        }
        warnings
    }

    fn watch(&mut self, out: &[u8], masked: Option<mask::Masked>, from: usize) -> Vec<String> {
        let mut warnings = Vec::new();
        let (told, stream) = (&self.told, self.stream);
        let Some(lines) = &mut self.lines else {
            return warnings;
        };
        if told.is_all() {
            return warnings;
        }
        if let Some(masked) = masked
            && told.first(Told::MASKED)
        {
            let before = memchr::memchr_iter(b'\n', &out[..masked.at - from]).count() as u64;
            warnings.push(format!(
                "{stream}, line {}: {} was masked, and so is what else looks like a secret; see docs/security.md. If it is one, it is safer to renew it. Told once in a run",
                lines.number() + before,
                masked.kind
            ));
        }
        lines.push(out, |sight, line| {
            warnings.extend(warning(told, stream, sight, line))
        });
        warnings
    }
}

fn warning(told: &Told, stream: &str, sight: Sight, line: u64) -> Option<String> {
    let words = sight.words();
    told.first(sight.bit())
        .then(|| format!("{stream}, line {line}: {words} was printed; {ADVICE}"))
}
