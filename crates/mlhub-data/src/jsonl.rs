//! JSON lines: one object per line, the same keys in each. Bare `NaN` and `Infinity`, which
//! Python writes, are read as numbers. Error texts never quote the line.

use std::io::{BufRead, Read};

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::error::{DataError, Place, Result};
use crate::limits::{RECORD_BYTES_MAX, ROWS_MAX};
use crate::rows::{Cell, ColumnHead, Row, RowSink, check_names, encode};

/// Reads non-blank lines one by one.
pub(crate) struct Lines<'f, R> {
    reader: R,
    file: &'f str,
    lines: u64,
    raw: Vec<u8>,
}

impl<'f, R: BufRead> Lines<'f, R> {
    pub(crate) fn new(reader: R, file: &'f str) -> Self {
        Self {
            reader,
            file,
            lines: 0,
            raw: Vec::new(),
        }
    }

    /// Moves to the next line that is not blank and returns its number, or `None` at the end.
    pub(crate) fn advance(&mut self) -> Result<Option<u64>> {
        loop {
            self.raw.clear();
            let read = self
                .reader
                .by_ref()
                .take(RECORD_BYTES_MAX)
                .read_until(b'\n', &mut self.raw)
                .map_err(|e| DataError::io(self.file, "read", e))?;
            if read == 0 {
                return Ok(None);
            }
            self.lines += 1;
            if self.raw.len() as u64 >= RECORD_BYTES_MAX {
                return Err(DataError::limit(
                    self.file,
                    "bytes in one line",
                    RECORD_BYTES_MAX,
                ));
            }
            if !self.raw.iter().all(u8::is_ascii_whitespace) {
                return Ok(Some(self.lines));
            }
        }
    }

    /// The line as it is in the file, with its line break where it has one.
    pub(crate) fn raw(&self) -> &[u8] {
        &self.raw
    }

    fn object(&self) -> Result<Vec<(String, Value)>> {
        let text = std::str::from_utf8(&self.raw).map_err(|e| DataError::Utf8 {
            file: self.file.to_owned(),
            line: self.lines,
            byte: e.valid_up_to() as u64 + 1,
        })?;
        let text = if self.lines == 1 {
            text.strip_prefix('\u{feff}').unwrap_or(text)
        } else {
            text
        };
        parse_object(text).map_err(|(column, problem)| DataError::Malformed {
            file: self.file.to_owned(),
            place: Place::Line(self.lines),
            column,
            problem,
        })
    }
}

/// An object's members in the order written, repeats kept so that they can be refused.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(MembersVisitor)
    }
}

/// Column, where known, and what is wrong.
type BadLine = (Option<u64>, String);

/// Parses one line into members sorted by key, or says at which column it fails and why.
fn parse_object(text: &str) -> Result<Vec<(String, Value)>, BadLine> {
    let lenient = quote_bare_numbers(text);
    let text = lenient.as_deref().unwrap_or(text);
    let Members(mut members) = serde_json::from_str(text).map_err(|e| {
        let column = (e.column() > 0).then_some(e.column() as u64);
        match e.classify() {
            // serde_json quotes the value it found in a data error; ours must not.
            serde_json::error::Category::Data => (
                None,
                "not a JSON object; write one object per line".to_owned(),
            ),
            serde_json::error::Category::Eof => (column, "the JSON object is cut short".to_owned()),
            _ => {
                let reason = e.to_string();
                let reason = reason
                    .split(" at line ")
                    .next()
                    .unwrap_or_default()
                    .to_owned();
                (column, format!("invalid JSON: {reason}"))
            }
        }
    })?;
    members.sort_by(|a, b| a.0.cmp(&b.0));
    if let Some(pair) = members.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err((
            None,
            format!("key `{}` comes twice in one object", pair[0].0),
        ));
    }
    if members.is_empty() {
        return Err((None, "the object has no keys".to_owned()));
    }
    Ok(members)
}

/// What bare NaN and infinities are read as: strings that cannot occur by accident.
const MARKED: [(&str, &str, f64); 3] = [
    ("NaN", "\"\\u0000mlhub:NaN\"", f64::NAN),
    ("Infinity", "\"\\u0000mlhub:Infinity\"", f64::INFINITY),
    ("-Infinity", "\"\\u0000mlhub:-Infinity\"", f64::NEG_INFINITY),
];

/// Rewrites bare `NaN`, `Infinity` and `-Infinity` outside strings; `None` when there are none.
fn quote_bare_numbers(text: &str) -> Option<String> {
    if !text.contains("NaN") && !text.contains("Infinity") {
        return None;
    }
    let mut out = String::with_capacity(text.len() + 32);
    let mut rest = text;
    let mut in_string = false;
    while let Some(character) = rest.chars().next() {
        if !in_string {
            if let Some((bare, marked, _)) = MARKED.iter().find(|(bare, ..)| rest.starts_with(bare))
            {
                out.push_str(marked);
                rest = &rest[bare.len()..];
                continue;
            }
        } else if character == '\\' {
            let escaped = rest.chars().take(2).map(char::len_utf8).sum::<usize>();
            out.push_str(&rest[..escaped]);
            rest = &rest[escaped..];
            continue;
        }
        in_string ^= character == '"';
        out.push(character);
        rest = &rest[character.len_utf8()..];
    }
    Some(out)
}

/// The number that a marked string stands for.
fn marked_number(text: &str) -> Option<f64> {
    let name = text.strip_prefix("\0mlhub:")?;
    MARKED
        .iter()
        .find(|(bare, ..)| *bare == name)
        .map(|(_, _, value)| *value)
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => marked_number(text),
        _ => None,
    }
}

/// Where a value that is not a scalar lies in the row's scratch space.
enum Slot {
    Scalar,
    List(usize, usize),
    Other(usize, usize),
}

/// Space for lists and nested values of one row, reused.
#[derive(Default)]
struct Scratch {
    lists: Vec<f64>,
    others: Vec<u8>,
}

impl Scratch {
    fn put(&mut self, value: &Value) -> Slot {
        match value {
            Value::Array(items) => {
                let start = self.lists.len();
                for item in items {
                    let Some(item) = number(item) else {
                        self.lists.truncate(start);
                        return self.put_other(value);
                    };
                    self.lists.push(item);
                }
                Slot::List(start, self.lists.len())
            }
            Value::Object(_) => self.put_other(value),
            _ => Slot::Scalar,
        }
    }

    fn put_other(&mut self, value: &Value) -> Slot {
        let start = self.others.len();
        canonical(value, &mut self.others);
        Slot::Other(start, self.others.len())
    }

    fn cell<'a>(&'a self, value: &'a Value, slot: &Slot) -> Cell<'a> {
        match *slot {
            Slot::List(start, end) => Cell::List(&self.lists[start..end]),
            Slot::Other(start, end) => Cell::Other(&self.others[start..end]),
            Slot::Scalar => scalar(value),
        }
    }
}

fn scalar(value: &Value) -> Cell<'_> {
    match value {
        Value::Bool(value) => Cell::Bool(*value),
        Value::Number(number) => {
            if let Some(value) = number.as_i64() {
                Cell::Int(value)
            } else if let Some(value) = number.as_u64() {
                Cell::UInt(value)
            } else {
                number.as_f64().map_or(Cell::Null, Cell::Float)
            }
        }
        Value::String(text) => marked_number(text).map_or(Cell::Text(text), Cell::Float),
        Value::Null | Value::Array(_) | Value::Object(_) => Cell::Null,
    }
}

/// The canonical form of a nested value: kind, length, then the members, objects sorted by key.
fn canonical(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Array(items) => {
            out.push(b'[');
            out.extend((items.len() as u64).to_le_bytes());
            items.iter().for_each(|item| canonical(item, out));
        }
        Value::Object(members) => {
            out.push(b'{');
            out.extend((members.len() as u64).to_le_bytes());
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|a, b| a.0.cmp(b.0));
            for (key, value) in members {
                encode(&Cell::Text(key), out);
                canonical(value, out);
            }
        }
        scalar_value => encode(&scalar(scalar_value), out),
    }
}

/// Validates a JSONL file to its end and hands its rows to `sink`; columns are in order of name.
pub(crate) fn read(reader: impl BufRead, file: &str, sink: &mut dyn RowSink) -> Result<()> {
    let mut lines = Lines::new(reader, file);
    let mut keys: Vec<String> = Vec::new();
    let mut first_line = 0;
    let mut scratch = Scratch::default();
    let mut index = 0;
    while let Some(line) = lines.advance()? {
        let members = lines.object()?;
        if index == 0 {
            first_line = line;
            keys = members.iter().map(|(key, _)| key.clone()).collect();
            check_names(file, keys.iter().map(String::as_str))?;
            let heads: Vec<_> = keys
                .iter()
                .map(|name| ColumnHead {
                    name: name.clone(),
                    dtype: None,
                })
                .collect();
            sink.columns(&heads)?;
        } else if !members.iter().map(|(key, _)| key).eq(&keys) {
            let problem = different_keys(&keys, &members, first_line);
            return Err(DataError::malformed(file, Place::Line(line), problem));
        }
        scratch.lists.clear();
        scratch.others.clear();
        let slots: Vec<Slot> = members
            .iter()
            .map(|(_, value)| scratch.put(value))
            .collect();
        let cells: Vec<Cell<'_>> = members
            .iter()
            .zip(&slots)
            .map(|((_, value), slot)| scratch.cell(value, slot))
            .collect();
        sink.row(&Row {
            index,
            place: Place::Line(line),
            cells: &cells,
        })?;
        index += 1;
        if index > ROWS_MAX {
            return Err(DataError::limit(file, "rows", ROWS_MAX));
        }
    }
    if index == 0 {
        return Err(DataError::Empty {
            file: file.to_owned(),
            problem: "no lines with an object",
        });
    }
    Ok(())
}

fn different_keys(keys: &[String], members: &[(String, Value)], first_line: u64) -> String {
    let found: Vec<&String> = members.iter().map(|(key, _)| key).collect();
    let missing: Vec<String> = keys
        .iter()
        .filter(|key| !found.contains(key))
        .take(5)
        .map(|key| format!("`{key}`"))
        .collect();
    let extra: Vec<String> = found
        .iter()
        .filter(|key| !keys.contains(key))
        .take(5)
        .map(|key| format!("`{key}`"))
        .collect();
    let mut parts = Vec::new();
    if !missing.is_empty() {
        parts.push(format!("lacks {}", missing.join(", ")));
    }
    if !extra.is_empty() {
        parts.push(format!("adds {}", extra.join(", ")));
    }
    format!(
        "keys differ from those of line {first_line}: {}; give every row the same keys, null where there is no value",
        parts.join(" and ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Default)]
    struct Rows(Vec<String>);
    impl RowSink for Rows {
        fn columns(&mut self, columns: &[ColumnHead]) -> Result<()> {
            self.0.push(
                columns
                    .iter()
                    .map(|c| c.name.as_str())
                    .collect::<Vec<_>>()
                    .join(","),
            );
            Ok(())
        }
        fn row(&mut self, row: &Row<'_>) -> Result<()> {
            self.0.push(format!("{} {:?}", row.place, row.cells));
            Ok(())
        }
    }

    fn rows(text: &str) -> Result<Vec<String>> {
        let mut rows = Rows::default();
        read(text.as_bytes(), "t.jsonl", &mut rows)?;
        Ok(rows.0)
    }

    fn message(text: &str) -> String {
        rows(text).unwrap_err().to_string()
    }

    #[test]
    fn values_become_cells_in_order_of_key() {
        let read = rows("{\"b\": [1, NaN], \"a\": -Infinity, \"c\": \"NaN \\\" Infinity\"}\n\n{\"a\":null,\"c\":true,\"b\":18446744073709551615}").unwrap();
        assert_eq!(
            read,
            [
                "a,b,c",
                "line 1 [Float(-inf), List([1.0, NaN]), Text(\"NaN \\\" Infinity\")]",
                "line 3 [Null, UInt(18446744073709551615), Bool(true)]"
            ]
        );
    }

    #[test]
    fn damage_is_named_without_quoting_the_data() {
        assert!(
            message("{\"a\": 1}\n{\"a\": secret}\n")
                .contains("line 2, column 7: invalid JSON: expected value")
        );
        assert!(message("\"secret\"").contains("line 1: not a JSON object"));
        assert!(!message("\"secret\"").contains("secret"));
        assert!(message("{\"a\": 1").contains("line 1, column 7: the JSON object is cut short"));
        assert!(message("{\"a\":1,\"a\":2}").contains("key `a` comes twice"));
        assert!(
            message("{\"a\":1,\"b\":2}\n{\"a\":1,\"c\":2}")
                .contains("line 2: keys differ from those of line 1: lacks `b` and adds `c`")
        );
        assert!(message("\n \n").contains("no lines with an object"));
        assert!(message("{}").contains("line 1: the object has no keys"));
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(message(&deep).contains("recursion limit"));
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in any::<String>()) {
            if let Ok(read) = rows(&text) {
                prop_assert!(read.len() > 1);
            }
        }

        #[test]
        fn rewriting_bare_numbers_leaves_strings_alone(text in "[a\"\\\\NaInfity-]{0,20}") {
            let json = serde_json::to_string(&format!("NaN{text}")).unwrap();
            prop_assert_eq!(quote_bare_numbers(&json).unwrap(), json);
        }
    }
}
