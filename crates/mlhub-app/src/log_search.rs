//! Finding text in captured output, wherever its pieces were cut.
//!
//! The bytes are searched as they were written, escape sequences included; bytes
//! that are no UTF-8 match nothing and hide nothing. One request reads a bounded
//! part and says where the next goes on; together they find what one search of
//! the whole stream would.

use mlhub_core::{Caller, Error, Result, RunId, limits};
use regex::bytes::{Regex, RegexBuilder};

use crate::Hub;
use crate::logs::{attempt_of, check_stream};

/// Bytes searched at once.
const PIECE_BYTES: u64 = 1024 * 1024;
/// Bytes before and after a match that are looked at for the ends of its line; a
/// longer line is told as the part of it around the match.
const LINE_SIDE_BYTES: u64 = 64 * 1024;

/// What to look for, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogSearch {
    /// The attempt; the newest when absent.
    pub attempt: Option<u32>,
    /// The text, on one line; letters of either case.
    pub text: String,
    /// The first byte to look at.
    pub from: u64,
    /// Matches at most.
    pub limit: usize,
}

/// A place where the text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogMatch {
    /// The match's first byte in the stream.
    pub offset: u64,
    /// The first byte of its line.
    pub line_start: u64,
    /// Bytes of its line, without its end.
    pub line_length: u64,
}

/// Matches in a part of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogMatches {
    /// In the order of the stream.
    pub matches: Vec<LogMatch>,
    /// Where to go on; none when the end was reached.
    pub next: Option<u64>,
    /// The stream's length, what was left out included.
    pub size: u64,
}

/// A stretch of stored bytes without a gap.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    start: u64,
    end: u64,
}

impl Hub {
    /// Looks for a text in a bounded part of a stream.
    ///
    /// # Errors
    /// `Invalid` naming the field; `NotFound` for run or attempt.
    pub async fn log_search(
        &self,
        caller: &Caller,
        text: &str,
        stream: &str,
        search: &LogSearch,
    ) -> Result<LogMatches> {
        let run = self.run_resolve(caller, text).await?;
        check_stream(stream)?;
        let pattern = pattern(&search.text)?;
        if !(1..=limits::LOG_SEARCH_MATCHES_MAX).contains(&search.limit) {
            return Err(Error::invalid(format!(
                "`limit` must be 1 to {}",
                limits::LOG_SEARCH_MATCHES_MAX
            )));
        }
        let number = attempt_of(&run, search.attempt)?;
        let sizes = self.store.log_sizes(&run.id, number).await?;
        let size = sizes.get(stream).copied().unwrap_or(0);
        let gaps = self.store.log_gaps(&run.id, number).await?;
        let place = Place {
            hub: self,
            run: &run.id,
            number,
            stream,
            stretches: stretches(size, gaps.get(stream).copied()),
        };
        place.search(&pattern, search, size).await
    }
}

/// The text as a pattern: letters of either case, everything else as it is.
fn pattern(text: &str) -> Result<Regex> {
    let problem = if text.is_empty() {
        "it is empty".to_owned()
    } else if text.len() > limits::LOG_SEARCH_TEXT_MAX_BYTES {
        format!(
            "it is longer than {} bytes",
            limits::LOG_SEARCH_TEXT_MAX_BYTES
        )
    } else if text.contains(['\n', '\0']) {
        "it must be on one line, without NUL characters".to_owned()
    } else {
        return RegexBuilder::new(&regex::escape(text))
            .case_insensitive(true)
            .build()
            .map_err(|error| Error::internal("read the text to find", error));
    };
    Err(Error::invalid(format!("`text` to find: {problem}")))
}

/// What is stored of a stream: all of it, or what is before and after a gap.
fn stretches(size: u64, gap: Option<(u64, u64)>) -> Vec<Stretch> {
    let (gap_start, gap_end) = gap.unwrap_or((size, size));
    let parts = [(0, gap_start.min(size)), (gap_end, size)];
    let parts = parts.into_iter().filter(|(start, end)| start < end);
    parts.map(|(start, end)| Stretch { start, end }).collect()
}

struct Place<'a> {
    hub: &'a Hub,
    run: &'a RunId,
    number: u32,
    stream: &'a str,
    stretches: Vec<Stretch>,
}

impl Place<'_> {
    async fn search(&self, pattern: &Regex, search: &LogSearch, size: u64) -> Result<LogMatches> {
        let mut found = LogMatches {
            size,
            ..LogMatches::default()
        };
        let mut scanned = 0;
        for stretch in &self.stretches {
            let mut at = search.from.max(stretch.start);
            while at < stretch.end {
                if scanned >= limits::LOG_SEARCH_SCAN_MAX_BYTES as u64
                    || found.matches.len() >= search.limit
                {
                    found.next = Some(at);
                    return Ok(found);
                }
                let end = stretch.end.min(at + PIECE_BYTES);
                scanned += end - at;
                at = self
                    .piece(pattern, search.limit, *stretch, at, end, &mut found)
                    .await?;
            }
        }
        Ok(found)
    }

    /// Looks for matches that start in `at..end`. Returns where to go on: past the
    /// last match, which may end beyond.
    async fn piece(
        &self,
        pattern: &Regex,
        limit: usize,
        stretch: Stretch,
        at: u64,
        end: u64,
        found: &mut LogMatches,
    ) -> Result<u64> {
        let first = at.saturating_sub(LINE_SIDE_BYTES).max(stretch.start);
        let last = (end + LINE_SIDE_BYTES).min(stretch.end);
        let bytes = self.read(first, last).await?;
        let mut from = (at - first) as usize;
        let piece_end = (end - first) as usize;
        while found.matches.len() < limit {
            let Some(hit) = (from <= bytes.len())
                .then(|| pattern.find_at(&bytes, from))
                .flatten()
                .filter(|hit| hit.start() < piece_end)
            else {
                return Ok(end.max(first + from as u64));
            };
            let side = LINE_SIDE_BYTES as usize;
            let before = &bytes[hit.start().saturating_sub(side)..hit.start()];
            let line_start = match before.iter().rposition(|byte| *byte == b'\n') {
                Some(newline) => hit.start() - before.len() + newline + 1,
                None => hit.start() - before.len(),
            };
            let after = &bytes[hit.end()..bytes.len().min(hit.end() + side)];
            let rest = after.iter().position(|byte| *byte == b'\n');
            let line_end = hit.end() + rest.unwrap_or(after.len());
            found.matches.push(LogMatch {
                offset: first + hit.start() as u64,
                line_start: first + line_start as u64,
                line_length: (line_end - line_start) as u64,
            });
            from = hit.end();
        }
        Ok(first + from as u64)
    }

    /// Bytes of a stretch; fewer when output was left out meanwhile.
    async fn read(&self, start: u64, end: u64) -> Result<Vec<u8>> {
        let limit = (end - start) as usize;
        self.hub
            .store
            .log_read(self.run, self.number, self.stream, start, limit)
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_either_case_match_and_signs_are_signs() {
        let finds = |text: &str, within: &[u8]| pattern(text).expect("usable").is_match(within);
        assert!(finds("err[0]", b"\xff ERR[0] \xfe"));
        assert!(!finds("err[0]", b"err0"));
        assert!(finds("\u{e4}rger", "\u{c4}RGER".as_bytes()));
        assert!(!finds("\u{e4}", b"\xe4"), "no UTF-8 matches nothing");
    }

    #[test]
    fn a_text_that_cannot_be_looked_for_is_refused_by_name() {
        for text in [
            String::new(),
            "a\nb".to_owned(),
            "a\0".to_owned(),
            "x".repeat(257),
        ] {
            let refused = pattern(&text).expect_err("refused");
            assert!(refused.public_message().contains("`text`"));
        }
    }

    #[test]
    fn what_was_left_out_parts_the_stream() {
        let parts = |size, gap| -> Vec<(u64, u64)> {
            let parts = stretches(size, gap).into_iter();
            parts.map(|part| (part.start, part.end)).collect()
        };
        assert_eq!(parts(10, None), [(0, 10)]);
        assert_eq!(parts(10, Some((4, 7))), [(0, 4), (7, 10)]);
        assert_eq!(parts(10, Some((0, 10))), []);
        assert_eq!(parts(0, None), []);
    }
}
