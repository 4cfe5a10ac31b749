//! Judges what stands at a trigger: a secret, nothing, or too little yet to say.
//!
//! A judgement depends on the bytes alone, never on how they were cut: it looks back at
//! most [`LOOKBACK_BYTES`] and ahead at most a few hundred bytes, and says `Wait` where
//! more could change it. So the same output is masked the same way however it arrives.

use std::ops::Range;

use mlhub_config::{TOKEN_SHAPES, TokenBody, TokenShape};

use super::named;
use super::rules::{BLOCK, ENV_PIECE_MAX_BYTES, Rules, URL, begins_name};
use super::swallow::Swallow;

/// Bytes before a trigger that are looked at; a secret of the environment may have begun so
/// far back in what was masked.
pub(crate) const LOOKBACK_BYTES: usize = ENV_PIECE_MAX_BYTES;
/// Bytes of a URL's host part, with user and password.
const AUTHORITY_MAX_BYTES: usize = 512;
/// Bytes between `-----BEGIN ` and the dashes after it.
const BLOCK_NAME_MAX_BYTES: usize = 64;
/// Bytes of a colour that are looked at.
const COLOUR_MAX_BYTES: usize = 16;

/// What a trigger led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// There is none.
    Nothing,
    /// More bytes have to come.
    Wait,
    /// A secret.
    Secret {
        from: usize,
        /// Its end, as far as it is there.
        to: usize,
        kind: String,
        /// How it goes on, when its end is not there yet.
        rest: Option<Swallow>,
    },
}

/// What is looked at: all bytes there are, and whether none can follow.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) ended: bool,
}

impl View<'_> {
    /// `Wait` where more bytes can come, else `verdict`.
    pub(crate) fn unless_more(&self, verdict: Verdict) -> Verdict {
        if self.ended { verdict } else { Verdict::Wait }
    }

    pub(crate) fn secret(&self, from: usize, to: usize, kind: &str, rest: Swallow) -> Verdict {
        let open = to == self.bytes.len() && !self.ended;
        Verdict::Secret {
            from,
            to,
            kind: kind.to_owned(),
            rest: open.then_some(rest),
        }
    }
}

/// Judges the trigger at `at`.
pub(crate) fn judge(rules: &Rules, view: View<'_>, at: usize) -> Verdict {
    let here = &view.bytes[at..];
    for literal in &rules.literals {
        if here.starts_with(&literal.bytes) {
            return Verdict::Secret {
                from: at,
                to: at + literal.bytes.len(),
                kind: literal.kind.clone(),
                rest: None,
            };
        }
        if !view.ended && literal.bytes.starts_with(here) {
            return Verdict::Wait;
        }
    }
    if here.starts_with(URL) {
        return with_literal_before(rules, view, at, url(view, at + URL.len()));
    }
    if here.starts_with(BLOCK) {
        return block(view, at);
    }
    if is_part(here, BLOCK) && !view.ended {
        return Verdict::Wait;
    }
    match token(view, at) {
        Verdict::Nothing if !begins_name(here) => Verdict::Nothing,
        Verdict::Nothing => with_literal_before(rules, view, at, named::judge(view, at)),
        other => other,
    }
}

/// A range that begins within a secret of the environment begins with that instead: its
/// first part would be told.
fn with_literal_before(rules: &Rules, view: View<'_>, at: usize, verdict: Verdict) -> Verdict {
    let Verdict::Secret {
        from,
        to,
        kind,
        rest,
    } = verdict
    else {
        return verdict;
    };
    match literal_over(rules, view, at + 1..from, from) {
        Over::Open => Verdict::Wait,
        Over::To { start, .. } => Verdict::Secret {
            from: start,
            to,
            kind,
            rest,
        },
        Over::Nowhere => Verdict::Secret {
            from,
            to,
            kind,
            rest,
        },
    }
}

/// A secret of the environment that goes past a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    Nowhere,
    /// More bytes have to come.
    Open,
    To {
        start: usize,
        end: usize,
    },
}

/// The first secret of the environment that begins in `starts` and ends past `point`.
pub(crate) fn literal_over(
    rules: &Rules,
    view: View<'_>,
    starts: Range<usize>,
    point: usize,
) -> Over {
    let least = (point + 1).saturating_sub(ENV_PIECE_MAX_BYTES);
    for start in starts.start.max(least)..starts.end {
        let here = &view.bytes[start..];
        for literal in &rules.literals {
            if start + literal.bytes.len() <= point {
                continue;
            }
            if here.starts_with(&literal.bytes) {
                let end = start + literal.bytes.len();
                return Over::To { start, end };
            }
            if !view.ended && is_part(here, &literal.bytes) {
                return Over::Open;
            }
        }
    }
    Over::Nowhere
}

/// A token of a well-known service at `at`.
fn token(view: View<'_>, at: usize) -> Verdict {
    let here = &view.bytes[at..];
    if !TOKEN_SHAPES
        .iter()
        .map(|shape| shape.prefix.as_bytes())
        .any(|prefix| here.starts_with(prefix) || is_part(here, prefix))
        || !begins_word(view.bytes, at)
    {
        return Verdict::Nothing;
    }
    let mut waits = false;
    for shape in &TOKEN_SHAPES {
        let prefix = shape.prefix.as_bytes();
        if here.starts_with(prefix) {
            match shaped(view, at, shape) {
                Verdict::Nothing => {}
                Verdict::Wait => waits = true,
                secret => return secret,
            }
        } else if is_part(here, prefix) {
            waits = true;
        }
    }
    if waits {
        view.unless_more(Verdict::Nothing)
    } else {
        Verdict::Nothing
    }
}

/// Whether `here` is a beginning of `whole`, and not all of it.
fn is_part(here: &[u8], whole: &[u8]) -> bool {
    here.len() < whole.len() && whole.starts_with(here)
}

fn shaped(view: View<'_>, at: usize, shape: &TokenShape) -> Verdict {
    let start = at + shape.prefix.len();
    let body = &view.bytes[start..];
    let length = body
        .iter()
        .take_while(|byte| in_body(shape.body, **byte))
        .count();
    let open = length == body.len();
    if length < shape.body_chars {
        return if open {
            view.unless_more(Verdict::Nothing)
        } else {
            Verdict::Nothing
        };
    }
    let first = &body[..shape.body_chars];
    let sound = match shape.body {
        TokenBody::Upper if length > shape.body_chars => false,
        // One more character would make it no key.
        TokenBody::Upper if open && !view.ended => return Verdict::Wait,
        TokenBody::Upper => {
            let next = body.get(length);
            !next.is_some_and(u8::is_ascii_alphanumeric)
        }
        TokenBody::MixedWord => {
            first.iter().any(u8::is_ascii_digit) && first.iter().any(u8::is_ascii_alphabetic)
        }
        _ => true,
    };
    if !sound {
        return Verdict::Nothing;
    }
    view.secret(at, start + length, shape.kind, Swallow::Run(shape.body))
}

/// Whether a byte can stand in the part of a token after its beginning.
pub(crate) fn in_body(body: TokenBody, byte: u8) -> bool {
    match body {
        TokenBody::Alphanumeric => byte.is_ascii_alphanumeric(),
        TokenBody::Word | TokenBody::MixedWord => {
            byte.is_ascii_alphanumeric() || b"_-".contains(&byte)
        }
        TokenBody::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
        TokenBody::Dotted => byte.is_ascii_alphanumeric() || b"_-.".contains(&byte),
    }
}

/// Whether a word begins at `at`: nothing of one stands before, or the end of a colour or
/// of an escape such as the `\n` of a printed text does.
fn begins_word(bytes: &[u8], at: usize) -> bool {
    let before = &bytes[at.saturating_sub(LOOKBACK_BYTES)..at];
    let Some(last) = before.last() else {
        return true;
    };
    if !(last.is_ascii_alphanumeric() || *last == b'_') {
        return true;
    }
    let escape = before.len() >= 2 && before[before.len() - 2] == b'\\' && b"nrt".contains(last);
    escape || ends_colour(before)
}

/// Whether `bytes` end with `ESC [ digits m`.
fn ends_colour(bytes: &[u8]) -> bool {
    let Some((b'm', rest)) = bytes.split_last() else {
        return false;
    };
    let from = rest.len().saturating_sub(COLOUR_MAX_BYTES);
    let digits = rest[from..]
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit() || **byte == b';')
        .count();
    rest[..rest.len() - digits].ends_with(b"\x1b[")
}

/// A password in a URL whose host part begins at `start`.
fn url(view: View<'_>, start: usize) -> Verdict {
    let ends = |byte: &u8| *byte <= b' ' || b"/?#\"'`<>\\".contains(byte);
    let rest = &view.bytes[start..];
    let length = match rest.iter().position(ends) {
        Some(length) if length <= AUTHORITY_MAX_BYTES => length,
        None if rest.len() <= AUTHORITY_MAX_BYTES => {
            if !view.ended {
                return Verdict::Wait;
            }
            rest.len()
        }
        _ => return Verdict::Nothing,
    };
    let authority = &rest[..length];
    let Some(host) = authority.iter().rposition(|byte| *byte == b'@') else {
        return Verdict::Nothing;
    };
    let Some(user) = authority[..host].iter().position(|byte| *byte == b':') else {
        return Verdict::Nothing;
    };
    let password = &authority[user + 1..host];
    if password.is_empty() || named::is_placeholder(password) {
        return Verdict::Nothing;
    }
    Verdict::Secret {
        from: start + user + 1,
        to: start + host,
        kind: "a password in a URL".to_owned(),
        rest: None,
    }
}

/// A private key that begins at `at`: all of it, to its end.
fn block(view: View<'_>, at: usize) -> Verdict {
    let start = at + BLOCK.len();
    let rest = &view.bytes[start..];
    let named = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b' ';
    let length = rest
        .iter()
        .take(BLOCK_NAME_MAX_BYTES)
        .take_while(|byte| named(byte))
        .count();
    let is_key = rest[..length]
        .windows(11)
        .any(|word| word == b"PRIVATE KEY");
    if length == rest.len() && length < BLOCK_NAME_MAX_BYTES && !view.ended {
        return Verdict::Wait;
    }
    if !is_key {
        return Verdict::Nothing;
    }
    Verdict::Secret {
        from: at,
        to: start + length,
        kind: "a private key".to_owned(),
        rest: Some(Swallow::key()),
    }
}
