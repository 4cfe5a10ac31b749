//! JSON as Python writes it: with bare `NaN`, `Infinity` and `-Infinity`.
//!
//! Strict JSON is read first; only where that fails are the bare words put in
//! quotes, as [`crate::Number`] reads them. It quotes nothing of what it read in
//! errors, and forgives nothing else.

use serde::de::DeserializeOwned;

/// Reads a document.
///
/// # Errors
/// What the JSON reader says of the document with the bare words in quotes,
/// or as it is if there are none.
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(bytes).or_else(|error| match quote_non_finite(bytes) {
        Some(quoted) => serde_json::from_slice(&quoted),
        None => Err(error),
    })
}

/// Puts quotes around bare non-finite numbers outside strings; `None` when
/// there are none.
pub fn quote_non_finite(line: &[u8]) -> Option<Vec<u8>> {
    const TOKENS: [&[u8]; 4] = [b"-Infinity", b"Infinity", b"-NaN", b"NaN"];
    let mut out = Vec::with_capacity(line.len() + 16);
    let mut changed = false;
    let mut in_string = false;
    let mut at = 0;
    while let Some(&byte) = line.get(at) {
        if in_string {
            if byte == b'\\' {
                out.extend_from_slice(&line[at..line.len().min(at + 2)]);
                at += 2;
                continue;
            }
            in_string = byte != b'"';
        } else if byte == b'"' {
            in_string = true;
        } else if let Some(token) = TOKENS.iter().find(|token| line[at..].starts_with(token)) {
            let text: &[u8] = if token.ends_with(b"NaN") {
                b"NaN"
            } else {
                token
            };
            out.push(b'"');
            out.extend_from_slice(text);
            out.push(b'"');
            at += token.len();
            changed = true;
            continue;
        }
        out.push(byte);
        at += 1;
    }
    changed.then_some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rest::EventBatch;

    #[test]
    fn bare_words_are_numbers_outside_strings_only() {
        let body = br#"{"writer":"NaN","start":0,"end":1,"points":[
            {"name":"a \" NaN","step":1,"time_ms":2,"value":NaN},
            {"name":"b","step":1,"time_ms":2,"value":-Infinity}]}"#;
        let batch: EventBatch = from_slice(body).expect("a batch");
        assert_eq!(batch.writer, "NaN");
        assert_eq!(batch.points[0].name, "a \" NaN");
        assert!(batch.points[0].value.0.is_nan());
        assert!(batch.points[1].value.0 < 0.0 && batch.points[1].value.0.is_infinite());
        assert!(from_slice::<EventBatch>(br#"{"writer":nan}"#).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let read = from_slice::<serde_json::Value>(&bytes);
            if let Ok(strict) = serde_json::from_slice::<serde_json::Value>(&bytes) {
                prop_assert_eq!(read.expect("strict JSON"), strict);
            }
        }
    }
}
