//! Values under the name of a secret: `password = hunter2`, `"api_key": "..."`,
//! `--token ...`, `Authorization: Bearer ...`.
//!
//! Training output is full of words that only look so (`pad_token: 50256`,
//! `token=None`, `loss per token: 0.5`): numbers, names of places, and code are no secrets,
//! and names that mean pieces of text more often than keys ask for more.

use mlhub_config::{TOKEN_SHAPES, looks_secret};

use super::judge::{LOOKBACK_BYTES, Verdict, View};
use super::swallow::{Swallow, ends_plain, in_bearer};

/// Bytes of a name on either side of the word that makes it one of a secret.
const NAME_SIDE_MAX_BYTES: usize = 64;
/// Bytes between a name and its value.
const SEPARATOR_MAX_BYTES: usize = 64;
/// A shorter value is a placeholder.
const VALUE_MIN_BYTES: usize = 6;
/// The same under names that often mean something else, such as `token`.
const VALUE_MIN_SOFT_BYTES: usize = 8;
/// A value that is longer is judged by so many bytes of it.
const VALUE_MAX_BYTES: usize = 512;
/// Bytes of the key after `Bearer `, at least.
const BEARER_MIN_BYTES: usize = 16;

/// The name of the second word of a header, which is a secret as a password is.
const BASIC: &[u8] = b"password";

/// What a value under such a name is called.
pub(crate) const NAMED: &str = "a value under the name of a secret";

/// Words that stand where a secret would and are none.
const HARMLESS: [&str; 21] = [
    "none",
    "null",
    "true",
    "false",
    "unset",
    "undefined",
    "required",
    "missing",
    "invalid",
    "expired",
    "optional",
    "default",
    "string",
    "redacted",
    "[redacted]",
    "incorrect",
    "unknown",
    "disabled",
    "enabled",
    "removed",
    "hidden",
];
/// What makes `token` a piece of text.
const PIECES: [&str; 12] = [
    "pad", "eos", "bos", "unk", "sep", "cls", "mask", "special", "stop", "image", "start", "end",
];

/// How sure a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    /// A password or a key; whether the last word says so.
    Strict { last: bool },
    /// A token or a cookie: more often something else.
    Soft { header: bool },
}

/// Judges the word at `at`, which may be part of a secret's name.
pub(crate) fn judge(view: View<'_>, at: usize) -> Verdict {
    let bytes = view.bytes;
    let least = at.saturating_sub(NAME_SIDE_MAX_BYTES.min(LOOKBACK_BYTES));
    let left = bytes[least..at]
        .iter()
        .rev()
        .take_while(|byte| in_name(**byte))
        .count();
    let right = bytes[at..]
        .iter()
        .take(NAME_SIDE_MAX_BYTES)
        .take_while(|byte| in_name(**byte));
    let (start, end) = (at - left, at + right.count());
    if end - at == NAME_SIDE_MAX_BYTES || end == at {
        return Verdict::Nothing;
    }
    if end == bytes.len() {
        return view.unless_more(Verdict::Nothing);
    }
    let name = &bytes[start..end];
    let (value, separated) = match value_start(bytes, end) {
        Start::At { value, separated } => (value, separated),
        Start::Open => return view.unless_more(Verdict::Nothing),
        Start::Nowhere => return Verdict::Nothing,
    };
    if !separated {
        if name.eq_ignore_ascii_case(b"bearer") {
            return bearer(view, value);
        }
        if !name.starts_with(b"--") || bytes[value] == b'-' {
            return Verdict::Nothing;
        }
    }
    value_of(view, value, name)
}

fn in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)
}

/// Where a value begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// Here; whether `=` or `:` stands before it.
    At { value: usize, separated: bool },
    /// More bytes have to come.
    Open,
    /// There is none.
    Nowhere,
}

/// Where the value of a name that ends at `end` begins.
fn value_start(bytes: &[u8], end: usize) -> Start {
    let limit = end + SEPARATOR_MAX_BYTES;
    let rest = bytes[end..].iter().take(SEPARATOR_MAX_BYTES);
    let quotes = rest.take_while(|byte| b"\"'\\]".contains(byte)).count();
    let mut at = spaces(bytes, end + quotes, limit);
    if at >= limit {
        return Start::Nowhere;
    }
    match bytes.get(at) {
        None => return Start::Open,
        Some(b'=' | b':') => at += 1,
        Some(_) if quotes == 0 && at > end => {
            return Start::At {
                value: at,
                separated: false,
            };
        }
        Some(_) => return Start::Nowhere,
    }
    // `==` compares; `:=` and `=>` are ways to write `=`.
    match (bytes[at - 1], bytes.get(at)) {
        (b'=', Some(b'=')) | (b':', Some(b':' | b'/')) => return Start::Nowhere,
        (b':', Some(b'=')) | (b'=', Some(b'>')) => at += 1,
        _ => {}
    }
    let at = spaces(bytes, at, limit);
    match bytes.get(at) {
        _ if at >= limit => Start::Nowhere,
        None => Start::Open,
        Some(b'\r' | b'\n') => Start::Nowhere,
        Some(_) => Start::At {
            value: at,
            separated: true,
        },
    }
}

/// Passes over blanks and colours, up to `limit` or the end of `bytes`.
fn spaces(bytes: &[u8], mut at: usize, limit: usize) -> usize {
    while at < limit {
        match bytes.get(at) {
            Some(b' ' | b'\t') => at += 1,
            Some(0x1b) => {
                let rest = &bytes[at..bytes.len().min(limit)];
                let Some(length) = rest.iter().position(u8::is_ascii_alphabetic) else {
                    return at + rest.len();
                };
                at += length + 1;
            }
            _ => return at,
        }
    }
    at
}

/// How sure a name is; `None` when it is not that of a secret.
fn kind_of(name: &str) -> Option<Name> {
    let plain = name.trim_start_matches(['-', '.']);
    if !looks_secret(plain)
        || plain.eq_ignore_ascii_case("pwd")
        || plain.eq_ignore_ascii_case("oldpwd")
    {
        return None;
    }
    let lower = plain.to_ascii_lowercase();
    let strict = ["pass", "pwd", "secret", "key"];
    if strict.iter().any(|word| lower.contains(word)) {
        let last = lower.rsplit(['_', '-', '.']).next().unwrap_or_default();
        return Some(Name::Strict {
            last: strict.iter().any(|word| last.contains(word)),
        });
    }
    let piece = lower
        .split(['_', '-', '.'])
        .any(|word| PIECES.contains(&word));
    (!piece).then_some(Name::Soft {
        header: lower.contains("authorization") || lower.contains("cookie"),
    })
}

/// Judges the value that begins at `at`. The name is looked at last: most values are
/// numbers, and need no name to be none.
fn value_of(view: View<'_>, mut at: usize, name: &[u8]) -> Verdict {
    let bytes = view.bytes;
    let kind = || std::str::from_utf8(name).ok().and_then(kind_of);
    let wait = || match kind() {
        Some(_) => view.unless_more(Verdict::Nothing),
        None => Verdict::Nothing,
    };
    // `b'...'` and the like; what follows the letter decides.
    if b"bruf".contains(&bytes[at]) {
        match bytes.get(at + 1) {
            None => return wait(),
            Some(b'"' | b'\'') => at += 1,
            Some(_) => {}
        }
    }
    let mut swallow = match bytes[at] {
        quote @ (b'"' | b'\'' | b'`') => {
            at += 1;
            Swallow::quoted(quote)
        }
        // A quote of a text that is itself printed quoted.
        b'\\' => match bytes.get(at + 1) {
            None => return wait(),
            Some(b'"' | b'\'') => {
                at += 2;
                Swallow::quoted(b'\\')
            }
            Some(_) => return Verdict::Nothing,
        },
        _ => Swallow::Plain,
    };
    let quoted = swallow != Swallow::Plain;
    let rest = &bytes[at..bytes.len().min(at + VALUE_MAX_BYTES)];
    let found = swallow.end_of(rest);
    let end = match found {
        Some(end) => end,
        None if rest.len() < VALUE_MAX_BYTES && !view.ended => return wait(),
        None => rest.len(),
    };
    let value = &rest[..end];
    // `Authorization: Basic ...`: the secret is the next word.
    if !quoted && value.eq_ignore_ascii_case(b"basic") {
        return match bytes.get(at + end + 1) {
            _ if kind() != Some(Name::Soft { header: true }) => Verdict::Nothing,
            None => view.unless_more(Verdict::Nothing),
            Some(byte) if ends_plain(*byte) => Verdict::Nothing,
            Some(_) => value_of(view, at + end + 1, BASIC),
        };
    }
    if is_innocent(value, quoted) || !kind().is_some_and(|kind| is_secret(value, kind)) {
        return Verdict::Nothing;
    }
    // It may be longer than what is there, or than what was looked at.
    let over = found.is_some() || (view.ended && at + end == bytes.len());
    Verdict::Secret {
        from: at,
        to: at + end,
        kind: shape_of(value).unwrap_or(NAMED).to_owned(),
        rest: (!over).then_some(swallow),
    }
}

/// What the value is by its shape.
fn shape_of(value: &[u8]) -> Option<&'static str> {
    let shape = TOKEN_SHAPES.iter().find(|shape| {
        value.starts_with(shape.prefix.as_bytes())
            && value.len() >= shape.prefix.len() + shape.body_chars
    })?;
    Some(shape.kind)
}

/// Whether a value is no secret under any name: short, a place, code, or no whole number.
fn is_innocent(value: &[u8], quoted: bool) -> bool {
    let number = is_number(value) && !value.iter().all(u8::is_ascii_digit);
    let harmless = || {
        HARMLESS
            .iter()
            .any(|word| value.eq_ignore_ascii_case(word.as_bytes()))
    };
    value.len() < VALUE_MIN_BYTES
        || number
        || is_placeholder(value)
        || is_path(value)
        || (!quoted && is_code(value))
        || harmless()
}

/// Whether a value that is not innocent is a secret under this name.
fn is_secret(value: &[u8], name: Name) -> bool {
    let has = |test: fn(&u8) -> bool| value.iter().any(test);
    match name {
        Name::Strict { last } => last || !value.iter().all(u8::is_ascii_digit),
        Name::Soft { header } => {
            let mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic);
            value.len() >= VALUE_MIN_SOFT_BYTES && mixed && (header || !value.contains(&b' '))
        }
    }
}

/// `$NAME`, `${...}`, `<...>`, `[...]`, `{...}`, `%(...)s`, `****`, or already masked.
pub(crate) fn is_placeholder(value: &[u8]) -> bool {
    if value
        .iter()
        .all(|byte| b"*.xX-_\xe2\x80\xa2".contains(byte))
    {
        return true;
    }
    match value {
        [b'<' | b'[' | b'{', ..] => true,
        [b'$', next, ..] => next.is_ascii_alphabetic() || b"_{(".contains(next),
        [b'%', b'(', ..] => true,
        _ => false,
    }
}

fn is_path(value: &[u8]) -> bool {
    let relative = value.starts_with(b"./") || value.starts_with(b"~/");
    relative || (value.first() == Some(&b'/') && value[1..].contains(&b'/'))
}

/// `os.environ[...]`, `get_token(...)`.
fn is_code(value: &[u8]) -> bool {
    let word = value
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(byte))
        .count();
    value.get(word).is_some_and(|byte| b"([{".contains(byte))
}

fn is_number(value: &[u8]) -> bool {
    value.iter().any(u8::is_ascii_digit)
        && value
            .iter()
            .all(|byte| byte.is_ascii_digit() || b"+-.,eE%".contains(byte))
}

/// The key after `Bearer `, which begins at `at`.
fn bearer(view: View<'_>, at: usize) -> Verdict {
    let body = |byte: &u8| in_bearer(*byte);
    let rest = &view.bytes[at..];
    let first = &rest[..rest.len().min(BEARER_MIN_BYTES)];
    if !first.iter().all(body) {
        return Verdict::Nothing;
    }
    if first.len() < BEARER_MIN_BYTES {
        return view.unless_more(Verdict::Nothing);
    }
    if !first.iter().any(u8::is_ascii_digit) {
        return Verdict::Nothing;
    }
    let length = rest.iter().take_while(|byte| body(byte)).count();
    view.secret(at, at + length, "a bearer token", Swallow::Bearer)
}
