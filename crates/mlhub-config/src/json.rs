//! Strict JSON to a tree with places.
//!
//! Our own reader, because no JSON crate in use reports places and duplicate
//! keys; strings and numbers are decoded by `serde_json`. No extensions.

use std::collections::HashMap;

use crate::document::{At, Budget, Data, Key, Node, ParseFailure, Span, check_key};
use crate::limits::MAX_DEPTH;
use crate::line_index::LineIndex;
use crate::yaml_scalar::too_large;

struct Reader<'t> {
    text: &'t str,
    at: usize,
    places: LineIndex<'t>,
    budget: Budget,
}

/// Parses one JSON value with nothing but white space around it.
pub(crate) fn parse(text: &str) -> Result<Node, ParseFailure> {
    let mut reader = Reader {
        text,
        at: 0,
        places: LineIndex::new(text),
        budget: Budget::default(),
    };
    reader.space();
    if reader.peek().is_none() {
        return Ok(Node::new(
            Data::Null,
            At::file(Span {
                line: 1,
                column: 1,
                width: 1,
            }),
        ));
    }
    let root = reader.value(0)?;
    reader.space();
    match reader.peek() {
        None => Ok(root),
        Some(_) => Err(reader.expected("the end of the file")),
    }
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
        }
    }

    /// The place from byte `start` to where the reader is.
    fn span_from(&self, start: usize) -> Span {
        self.places.span(start..self.at)
    }

    fn expected(&self, what: &str) -> ParseFailure {
        let found = match self.peek() {
            None => "the file ends",
            Some(b'/' | b'#') => "a comment starts (JSON has none)",
            Some(b'\'') => "there is a single quote (JSON takes double quotes only)",
            Some(_) => "there is something else",
        };
        ParseFailure::syntax(
            Some(self.span_from(self.at)),
            format!("expected {what}, but here {found}"),
        )
    }

    fn value(&mut self, depth: usize) -> Result<Node, ParseFailure> {
        let start = self.at;
        let place = self.span_from(start);
        self.budget.take(1, Some(place))?;
        let data = match self.peek() {
            Some(b'{' | b'[') if depth >= MAX_DEPTH => {
                return Err(ParseFailure::limit(
                    Some(place),
                    format!("values nest deeper than {MAX_DEPTH} levels"),
                ));
            }
            Some(b'{') => return Ok(Node::new(self.object(depth)?, At::file(place))),
            Some(b'[') => return Ok(Node::new(self.array(depth)?, At::file(place))),
            Some(b'"') => Data::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => self.word()?,
        };
        Ok(Node::new(data, At::file(self.span_from(start))))
    }

    fn object(&mut self, depth: usize) -> Result<Data, ParseFailure> {
        self.at += 1;
        let mut entries = Vec::new();
        let mut seen: HashMap<String, Span> = HashMap::new();
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Data::Mapping(entries));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.expected("a key in double quotes"));
            }
            let start = self.at;
            let name = self.string()?;
            let span = self.span_from(start);
            check_key(&name, span)?;
            if let Some(first) = seen.insert(name.clone(), span) {
                return Err(ParseFailure::duplicate(&name, first, span));
            }
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.expected("`:` after the key"));
            }
            self.at += 1;
            self.space();
            let node = self.value(depth + 1)?;
            entries.push((
                Key {
                    name,
                    at: At::file(span),
                },
                node,
            ));
            if self.comma_or(b'}')? {
                return Ok(Data::Mapping(entries));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Data, ParseFailure> {
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Data::List(items));
        }
        loop {
            self.space();
            items.push(self.value(depth + 1)?);
            if self.comma_or(b']')? {
                return Ok(Data::List(items));
            }
        }
    }

    /// Reads a comma (false) or the closing `end` (true).
    fn comma_or(&mut self, end: u8) -> Result<bool, ParseFailure> {
        self.space();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(false)
            }
            Some(byte) if byte == end => {
                self.at += 1;
                Ok(true)
            }
            _ => Err(self.expected(if end == b'}' {
                "`,` or `}`"
            } else {
                "`,` or `]`"
            })),
        }
    }

    fn string(&mut self) -> Result<String, ParseFailure> {
        let start = self.at;
        let mut escaped = false;
        let end = self.text[start + 1..].bytes().position(|byte| {
            let closes = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            closes || byte == b'\n'
        });
        let place = self.span_from(start);
        let Some(end) = end
            .map(|length| start + 1 + length)
            .filter(|end| self.text.as_bytes()[*end] == b'"')
        else {
            return Err(ParseFailure::syntax(
                Some(place),
                "this text has no closing quote on its line",
            ));
        };
        self.at = end + 1;
        serde_json::from_str(&self.text[start..self.at]).map_err(|_| {
            ParseFailure::syntax(
                Some(self.span_from(start)),
                "this text holds a control character or a bad escape",
            )
        })
    }

    fn number(&mut self) -> Result<Data, ParseFailure> {
        let start = self.at;
        while let Some(b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        let span = self.span_from(start);
        let text = &self.text[start..self.at];
        let number: serde_json::Number = serde_json::from_str(text).map_err(|error| {
            if error.to_string().starts_with("number out of range") {
                too_large(span)
            } else {
                ParseFailure::syntax(Some(span), "this is not a JSON number")
            }
        })?;
        // Without a fraction or exponent it must stay a whole number; serde_json would round it.
        let whole = !text.contains(['.', 'e', 'E']);
        match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(value), _, _) => Ok(Data::Integer(value.into())),
            (_, Some(value), _) => Ok(Data::Integer(value.into())),
            // `-0` is the one integer text that serde_json reads as a float on purpose.
            (_, _, Some(value)) if !whole => Ok(Data::Float(value)),
            (_, _, Some(0.0)) => Ok(Data::Integer(0)),
            _ => Err(too_large(span)),
        }
    }

    fn word(&mut self) -> Result<Data, ParseFailure> {
        for (word, data) in [
            ("true", Data::Boolean(true)),
            ("false", Data::Boolean(false)),
            ("null", Data::Null),
        ] {
            if self.text[self.at..].starts_with(word) {
                self.at += word.len();
                return Ok(data);
            }
        }
        Err(self.expected("a value"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn places_count_characters() {
        let root = parse("{\n  \"é\": [1, {\"b\": true}]\n}").expect("valid");
        let Data::List(items) = root.get("é").expect("there").data() else {
            panic!("a list")
        };
        assert_eq!(
            items[1].get("b").expect("there").span(),
            Span {
                line: 2,
                column: 18,
                width: 4
            }
        );
    }

    #[test]
    fn only_json_is_accepted() {
        for text in [
            "{,}",
            "[1,]",
            "{\"a\":1,}",
            "{'a':1}",
            "// x\n1",
            "01",
            "1.",
            "+1",
            "NaN",
            "Infinity",
            "-",
            "[1 2]",
            "{\"a\" 1}",
            "\"a\nb\"",
            "\"\\ud800\"",
            "\"\\x\"",
            "tru",
            "1 2",
            "[",
            "\"",
            "1e400",
            "1180591620717411303424",
            "{\"a\":1,\"a\":2}",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
        assert!(parse(&"[".repeat(100_000)).is_err());
    }

    proptest! {
        #[test]
        fn agrees_with_serde_json(text in "[\\[\\]{}\":,0-9a-z\\-+.eE\\\\ \n]{0,40}") {
            let ours = parse(&text).ok().and_then(|node| node.to_json().ok());
            let theirs: Option<serde_json::Value> = serde_json::from_str(&text).ok();
            // Duplicate keys and huge numbers are refused here only; an empty text is null here only.
            if let Some(ours) = ours.filter(|_| !text.trim().is_empty()) {
                prop_assert!(theirs.is_some_and(|theirs| theirs == ours || text.contains("-0")));
            }
        }

        #[test]
        fn never_panics(text in any::<String>()) {
            let _ = parse(&text);
        }
    }
}
