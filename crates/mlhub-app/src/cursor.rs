//! Page cursors as opaque text bound to their search.
//!
//! It also carries the moment of the first page, which all pages are about.
//!
//! A cursor is a position, not a permission: forging one gains nothing. It is
//! still refused when it belongs to another search or is malformed.

use mlhub_core::{Error, Result, Timestamp};
use mlhub_query::{Cursor, CursorKey, Expr, OrderKey};
use serde::{Deserialize, Serialize};

/// Characters in a cursor; a longer one was not made here. Texts of values may be
/// long, and an order may have several.
const CURSOR_MAX_CHARS: usize = 4 * 1024 * 1024;

#[derive(Serialize, Deserialize)]
struct Wire {
    query: String,
    now: i64,
    seq: i64,
    keys: Vec<WireKey>,
}

#[derive(Serialize, Deserialize)]
enum WireKey {
    Missing,
    NotANumber,
    Bits(u64),
    Text(String),
}

/// What a cursor is bound to: everything that decides which rows come in which order.
pub(crate) fn shape(filter: Option<&Expr>, order: &[OrderKey]) -> String {
    let filter = filter.map(ToString::to_string).unwrap_or_default();
    let order = order
        .iter()
        .map(|key| format!(", {} {} {}", key.operand, key.descending, key.as_text));
    filter + &order.collect::<String>()
}

fn hash(shape: &str) -> String {
    blake3::hash(shape.as_bytes()).to_hex()[..16].to_owned()
}

fn refusal() -> Error {
    Error::invalid(
        "the cursor is not one of this query; start again without `cursor`, or repeat the query it came from",
    )
}

/// Writes a cursor for a search of this shape.
pub(crate) fn encode(shape: &str, cursor: &Cursor, now: Timestamp) -> Result<String> {
    let keys = cursor.keys.iter().map(|key| match key {
        CursorKey::Missing => WireKey::Missing,
        CursorKey::NotANumber => WireKey::NotANumber,
        CursorKey::Number(number) => WireKey::Bits(number.to_bits()),
        CursorKey::Text(text) => WireKey::Text(text.clone()),
    });
    let wire = Wire {
        query: hash(shape),
        now: now.0,
        seq: cursor.seq,
        keys: keys.collect(),
    };
    let bytes =
        serde_json::to_vec(&wire).map_err(|source| Error::internal("write a cursor", source))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Reads a cursor of a search of this shape.
pub(crate) fn decode(shape: &str, text: &str) -> Result<(Cursor, Timestamp)> {
    if text.len() > CURSOR_MAX_CHARS || !text.len().is_multiple_of(2) || !text.is_ascii() {
        return Err(refusal());
    }
    let bytes = (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| refusal()))
        .collect::<Result<Vec<u8>>>()?;
    let wire: Wire = serde_json::from_slice(&bytes).map_err(|_| refusal())?;
    if wire.query != hash(shape) || wire.seq < 0 {
        return Err(refusal());
    }
    let keys = wire.keys.into_iter().map(|key| match key {
        WireKey::Missing => CursorKey::Missing,
        WireKey::NotANumber => CursorKey::NotANumber,
        WireKey::Bits(bits) => CursorKey::Number(f64::from_bits(bits)),
        WireKey::Text(text) => CursorKey::Text(text),
    });
    let cursor = Cursor {
        seq: wire.seq,
        keys: keys.collect(),
    };
    Ok((cursor, Timestamp(wire.now)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_comes_back_whole(bits: u64, seq in 0i64..i64::MAX, now: i64, text: String, shape: String) {
            let keys = vec![CursorKey::Number(f64::from_bits(bits)), CursorKey::Text(text), CursorKey::Missing, CursorKey::NotANumber];
            let cursor = Cursor { keys, seq };
            let now = Timestamp(now);
            let written = encode(&shape, &cursor, now).expect("writes");
            prop_assert_eq!(decode(&shape, &written).expect("reads"), (cursor, now));
            let other = shape.clone() + ".";
            prop_assert!(decode(&other, &written).is_err());
        }

        #[test]
        fn anything_else_is_refused_without_a_panic(text: String) {
            prop_assert!(decode("", &text).is_err());
        }
    }

    #[test]
    fn another_order_is_another_shape() {
        let by = |text: &str| shape(None, &mlhub_query::parse_order(text).expect("an order"));
        assert_ne!(by("created"), by("created desc"));
        assert_ne!(by("created"), by("name"));
        assert_ne!(by("created, name"), by("name, created"));
    }
}
