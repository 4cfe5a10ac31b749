//! Reads an event line: JSON, also with the bare `NaN`, `Infinity` and
//! `-Infinity` that Python's encoder writes.
//!
//! Depth is bounded by the JSON reader (128), length by the caller. It never
//! quotes what it read: only where and how many.

use mlhub_protocol::event::EventLine;
use mlhub_protocol::lenient::{self, quote_non_finite};
use serde_json::Value;

/// Fields that make an object an event.
const EVENT_FIELDS: [&str; 11] = [
    "metrics",
    "params",
    "tags",
    "artifact",
    "predictions",
    "checkpoint",
    "entry",
    "progress",
    "record",
    "warning",
    "error",
];

/// Parses one line of an event file.
pub(crate) fn parse_event(line: &[u8]) -> Option<EventLine> {
    lenient::from_slice(line).ok()
}

/// Parses one line of standard output: an event only if it is an object with a
/// field that makes it one. Anything else is ordinary output.
pub(crate) fn parse_output_event(line: &[u8]) -> Option<EventLine> {
    let trimmed = line.trim_ascii();
    if trimmed.first() != Some(&b'{') || trimmed.last() != Some(&b'}') {
        return None;
    }
    let quoted;
    let value: Value = match serde_json::from_slice(trimmed) {
        Ok(value) => value,
        Err(_) => {
            quoted = quote_non_finite(trimmed)?;
            serde_json::from_slice(&quoted).ok()?
        }
    };
    let object = value.as_object()?;
    if !EVENT_FIELDS.iter().any(|field| object.contains_key(*field)) {
        return None;
    }
    serde_json::from_value(value).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(line: &str, name: &str) -> f64 {
        parse_event(line.as_bytes()).expect("an event").metrics[name].0
    }

    #[test]
    fn bare_and_quoted_non_finite_numbers_are_values() {
        let line =
            r#"{"step":1,"metrics":{"a":NaN,"b":-Infinity,"c":Infinity,"d":"NaN","e":-0.0}}"#;
        assert!(value(line, "a").is_nan());
        assert!(value(line, "b") < 0.0 && value(line, "b").is_infinite());
        assert!(value(line, "c") > 0.0 && value(line, "c").is_infinite());
        assert!(value(line, "d").is_nan());
        assert_eq!(value(line, "e").to_bits(), (-0.0f64).to_bits());
    }

    #[test]
    fn text_that_holds_the_words_stays_as_it_is() {
        let event = parse_event(br#"{"tags":{"NaN":"is NaN \" Infinity"},"metrics":{"x":NaN}}"#)
            .expect("an event");
        assert_eq!(event.tags["NaN"], "is NaN \" Infinity");
    }

    #[test]
    fn output_is_an_event_only_with_an_event_field() {
        assert!(parse_output_event(br#" {"step":1,"metrics":{"a":NaN}} "#).is_some());
        for line in [
            &br#"{"loss":0.5}"#[..],
            br#"{"step":1}"#,
            br#"[{"metrics":{}}]"#,
            b"metrics: 3",
            br#"{"metrics":{"a":1}"#,
            b"",
            b"\xff{}",
        ] {
            assert!(parse_output_event(line).is_none());
        }
    }

    #[test]
    fn deep_nesting_is_refused_not_followed() {
        let line = format!(
            "{{\"entry\":{}{}}}",
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        assert!(parse_event(line.as_bytes()).is_none());
    }

    proptest! {
        #[test]
        fn no_input_panics(line in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_event(&line);
            let _ = parse_output_event(&line);
        }

        #[test]
        fn every_float_survives(bits in any::<u64>()) {
            let number = f64::from_bits(bits);
            let text = if number.is_nan() { "NaN".to_owned() }
                else if number.is_infinite() { if number > 0.0 { "Infinity".to_owned() } else { "-Infinity".to_owned() } }
                else { format!("{number:e}") };
            let read = value(&format!("{{\"metrics\":{{\"x\":{text}}}}}"), "x");
            prop_assert!(read.to_bits() == number.to_bits() || (read.is_nan() && number.is_nan()));
        }

        #[test]
        fn quoting_keeps_valid_json_as_it_is(text in "\\PC{0,40}") {
            let line = serde_json::to_vec(&serde_json::json!({ "warning": text })).expect("json");
            prop_assert_eq!(parse_event(&line).and_then(|event| event.warning), Some(text));
        }
    }
}
