//! Page cursors as opaque text bound to their query.
//!
//! A cursor is a position, not a permission: forging one gains nothing. It is
//! still refused when it belongs to another query or is malformed.

use mlhub_core::store::{CursorKey, RunCursor, RunQuery};
use mlhub_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// Characters in a cursor; a longer one was not made here.
const CURSOR_MAX_CHARS: usize = 32 * 1024;

#[derive(Serialize, Deserialize)]
struct Wire {
    query: String,
    seq: i64,
    key: WireKey,
}

#[derive(Serialize, Deserialize)]
enum WireKey {
    Missing,
    NotANumber,
    Bits(u64),
    Text(String),
}

fn query_hash(query: &RunQuery) -> String {
    let shape = RunQuery {
        after: None,
        limit: 0,
        ..query.clone()
    };
    let digest = blake3::hash(format!("{shape:?}").as_bytes());
    digest.to_hex()[..16].to_owned()
}

fn refusal() -> Error {
    Error::invalid(
        "the cursor is not one of this query; start again without `cursor`, or repeat the query it came from",
    )
}

/// Writes a cursor for `query`.
pub(crate) fn encode(query: &RunQuery, cursor: &RunCursor) -> Result<String> {
    let wire = Wire {
        query: query_hash(query),
        seq: cursor.seq,
        key: match &cursor.key {
            CursorKey::Missing => WireKey::Missing,
            CursorKey::NotANumber => WireKey::NotANumber,
            CursorKey::Number(number) => WireKey::Bits(number.to_bits()),
            CursorKey::Text(text) => WireKey::Text(text.clone()),
        },
    };
    let bytes =
        serde_json::to_vec(&wire).map_err(|source| Error::internal("write a cursor", source))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Reads a cursor of `query`.
pub(crate) fn decode(query: &RunQuery, text: &str) -> Result<RunCursor> {
    if text.len() > CURSOR_MAX_CHARS || !text.len().is_multiple_of(2) || !text.is_ascii() {
        return Err(refusal());
    }
    let bytes = (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| refusal()))
        .collect::<Result<Vec<u8>>>()?;
    let wire: Wire = serde_json::from_slice(&bytes).map_err(|_| refusal())?;
    if wire.query != query_hash(query) || wire.seq < 0 {
        return Err(refusal());
    }
    Ok(RunCursor {
        seq: wire.seq,
        key: match wire.key {
            WireKey::Missing => CursorKey::Missing,
            WireKey::NotANumber => CursorKey::NotANumber,
            WireKey::Bits(bits) => CursorKey::Number(f64::from_bits(bits)),
            WireKey::Text(text) => CursorKey::Text(text),
        },
    })
}

#[cfg(test)]
mod tests {
    use mlhub_core::store::RunOrder;
    use proptest::prelude::*;

    use super::*;

    fn query(order: RunOrder) -> RunQuery {
        RunQuery {
            project: None,
            experiment: None,
            states: Vec::new(),
            group: None,
            adapter: None,
            text: None,
            order,
            descending: true,
            after: None,
            limit: 10,
        }
    }

    proptest! {
        #[test]
        fn a_cursor_comes_back_whole(bits: u64, seq in 0i64..i64::MAX, text: String) {
            let query = query(RunOrder::Created);
            for key in [CursorKey::Number(f64::from_bits(bits & !(0x7ff << 52))), CursorKey::Text(text.clone()), CursorKey::Missing] {
                let cursor = RunCursor { key, seq };
                prop_assert_eq!(&decode(&query, &encode(&query, &cursor).expect("writes")).expect("reads"), &cursor);
            }
        }

        #[test]
        fn anything_else_is_refused_without_a_panic(text: String) {
            prop_assert!(decode(&query(RunOrder::Created), &text).is_err());
        }
    }

    #[test]
    fn a_cursor_of_another_query_is_refused() {
        let cursor = RunCursor {
            key: CursorKey::Missing,
            seq: 1,
        };
        let text = encode(&query(RunOrder::Created), &cursor).expect("writes");
        assert!(decode(&query(RunOrder::Name), &text).is_err());
    }
}
