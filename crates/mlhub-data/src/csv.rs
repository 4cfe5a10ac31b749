//! CSV (RFC 4180): a record reader that keeps the raw bytes of each record and knows its line,
//! and full validation on top of it. It does not guess delimiters, quotes or encodings.
//!
//! Stricter than most readers where leniency hides damage: text after a closing quote, a quote
//! that is never closed, a carriage return outside quotes and NUL bytes are errors. Blank lines
//! are skipped, as everywhere. The `csv` crate is the oracle of the tests.

use std::io::{BufRead, Read};

use crate::error::{DataError, Place, RaggedLine, Result};
use crate::limits::{EXAMPLES_MAX, RECORD_BYTES_MAX, ROWS_MAX};
use crate::rows::{Cell, ColumnHead, Row, RowSink, check_names};

const BOM: &str = "\u{feff}";

/// Reads records one by one.
pub(crate) struct Records<'f, R> {
    reader: R,
    file: &'f str,
    /// Lines read so far.
    lines: u64,
    /// Bytes of the current record, line break included.
    raw: Vec<u8>,
    /// Text of the fields and where each lies in it.
    text: String,
    spans: Vec<(usize, usize)>,
}

/// Where the parser stands between two characters of a record.
#[derive(Clone, Copy, PartialEq)]
enum State {
    FieldStart,
    Bare,
    /// Inside quotes that opened at this line.
    Quoted(u64),
    /// After a quote inside quotes: it closed the field or is the first half of a doubled quote.
    Closed,
}

impl<'f, R: BufRead> Records<'f, R> {
    pub(crate) fn new(reader: R, file: &'f str) -> Self {
        Self {
            reader,
            file,
            lines: 0,
            raw: Vec::new(),
            text: String::new(),
            spans: Vec::new(),
        }
    }

    /// Moves to the next record and returns the line where it starts, or `None` at the end.
    pub(crate) fn advance(&mut self) -> Result<Option<u64>> {
        loop {
            self.raw.clear();
            self.text.clear();
            self.spans.clear();
            if !self.read_line()? {
                return Ok(None);
            }
            if !matches!(self.raw.as_slice(), b"\n" | b"\r\n") {
                break;
            }
        }
        let first_line = self.lines;
        let mut line_start = 0;
        let mut state = State::FieldStart;
        let mut field_start = 0;
        loop {
            state = self.parse_line(line_start, state, &mut field_start)?;
            let State::Quoted(opened) = state else {
                return Ok(Some(first_line));
            };
            line_start = self.raw.len();
            if !self.read_line()? {
                let problem = "a quote is opened here and never closed; the file may be cut short";
                return Err(DataError::malformed(
                    self.file,
                    Place::Line(opened),
                    problem,
                ));
            }
        }
    }

    pub(crate) fn fields(&self) -> impl ExactSizeIterator<Item = &str> {
        self.spans
            .iter()
            .map(|&(start, end)| &self.text[start..end])
    }

    /// The record as it is in the file, with its line break where it has one.
    pub(crate) fn raw(&self) -> &[u8] {
        &self.raw
    }

    fn read_line(&mut self) -> Result<bool> {
        let allowed = RECORD_BYTES_MAX - self.raw.len() as u64;
        let read = self
            .reader
            .by_ref()
            .take(allowed)
            .read_until(b'\n', &mut self.raw)
            .map_err(|e| DataError::io(self.file, "read", e))?;
        if self.raw.len() as u64 >= RECORD_BYTES_MAX {
            return Err(DataError::limit(
                self.file,
                "bytes in one record",
                RECORD_BYTES_MAX,
            ));
        }
        self.lines += u64::from(read > 0);
        Ok(read > 0)
    }

    /// Parses the physical line that starts at `line_start` of the raw record.
    fn parse_line(
        &mut self,
        line_start: usize,
        state: State,
        field_start: &mut usize,
    ) -> Result<State> {
        let line = std::str::from_utf8(&self.raw[line_start..]).map_err(|e| DataError::Utf8 {
            file: self.file.to_owned(),
            line: self.lines,
            byte: e.valid_up_to() as u64 + 1,
        })?;
        let at = Place::Line(self.lines);
        if line.as_bytes().contains(&0) {
            return Err(DataError::malformed(
                self.file,
                at,
                "a NUL byte; this is not a text file",
            ));
        }
        let line = if self.lines == 1 {
            line.strip_prefix(BOM).unwrap_or(line)
        } else {
            line
        };
        if state == State::FieldStart && !line.as_bytes().contains(&b'"') {
            return split_plain(line, &mut self.text, &mut self.spans)
                .map(|()| State::Closed)
                .ok_or_else(|| bare_return(self.file, at));
        }
        let mut machine = Machine {
            text: &mut self.text,
            spans: &mut self.spans,
            field_start,
            line: self.lines,
        };
        machine
            .run(line, state)
            .map_err(|problem| DataError::malformed(self.file, at, problem))
    }
}

const BARE_RETURN: &str =
    "a carriage return outside quotes; convert the line endings to LF or CRLF";

fn bare_return(file: &str, at: Place) -> DataError {
    DataError::malformed(file, at, BARE_RETURN)
}

/// A line without quotes: fields are what lies between commas. `None` for a bare carriage return.
fn split_plain(line: &str, text: &mut String, spans: &mut Vec<(usize, usize)>) -> Option<()> {
    let line = line
        .strip_suffix('\n')
        .map_or(line, |line| line.strip_suffix('\r').unwrap_or(line));
    if line.as_bytes().contains(&b'\r') {
        return None;
    }
    text.push_str(line);
    let mut start = 0;
    for field in line.split(',') {
        spans.push((start, start + field.len()));
        start += field.len() + 1;
    }
    Some(())
}

/// The state machine for lines with quotes.
struct Machine<'a> {
    text: &'a mut String,
    spans: &'a mut Vec<(usize, usize)>,
    /// Where the current field starts in `text`.
    field_start: &'a mut usize,
    line: u64,
}

impl Machine<'_> {
    fn run(&mut self, line: &str, mut state: State) -> Result<State, &'static str> {
        let mut rest = line;
        while let Some(character) = rest.chars().next() {
            state = match state {
                State::Quoted(opened) => {
                    let Some(quote) = rest.find('"') else {
                        self.text.push_str(rest);
                        return Ok(State::Quoted(opened));
                    };
                    self.text.push_str(&rest[..quote]);
                    rest = &rest[quote + 1..];
                    if rest.starts_with('"') {
                        self.text.push('"');
                        rest = &rest[1..];
                        State::Quoted(opened)
                    } else {
                        State::Closed
                    }
                }
                State::FieldStart if character == '"' => {
                    rest = &rest[1..];
                    State::Quoted(self.line)
                }
                State::FieldStart | State::Bare => {
                    let end = rest.find([',', '\n', '\r']).unwrap_or(rest.len());
                    self.text.push_str(&rest[..end]);
                    rest = &rest[end..];
                    match self.end_of_field(&mut rest)? {
                        Some(state) => state,
                        None => return Ok(State::Closed),
                    }
                }
                State::Closed => match self.end_of_field(&mut rest)? {
                    Some(state) => state,
                    None => return Ok(State::Closed),
                },
            };
        }
        if let State::Quoted(_) = state {
            return Ok(state);
        }
        // The file ends without a line break: after a comma the last field is empty.
        self.close_field();
        Ok(State::Closed)
    }

    /// At a comma, moves into the next field; at the end of the record answers `None`.
    fn end_of_field(&mut self, rest: &mut &str) -> Result<Option<State>, &'static str> {
        if let Some(after) = rest.strip_prefix(',') {
            self.close_field();
            *rest = after;
            return Ok(Some(State::FieldStart));
        }
        match *rest {
            // `run` closes the last field of a record that ends with the file.
            "" => Ok(Some(State::Bare)),
            "\n" | "\r\n" => {
                self.close_field();
                Ok(None)
            }
            other if other.starts_with('\r') => Err(BARE_RETURN),
            _ => Err("text after a closing quote; double the quotes inside a quoted field"),
        }
    }

    fn close_field(&mut self) {
        self.spans.push((*self.field_start, self.text.len()));
        *self.field_start = self.text.len();
    }
}

/// Validates a CSV file to its end and hands its rows to `sink`. The reader is read to its end.
pub(crate) fn read(reader: impl BufRead, file: &str, sink: &mut dyn RowSink) -> Result<()> {
    let mut records = Records::new(reader, file);
    let empty = |problem| DataError::Empty {
        file: file.to_owned(),
        problem,
    };
    if records.advance()?.is_none() {
        return Err(empty("no header and no rows"));
    }
    check_names(file, records.fields())?;
    let heads: Vec<ColumnHead> = records
        .fields()
        .map(|name| ColumnHead {
            name: name.to_owned(),
            dtype: None,
        })
        .collect();
    sink.columns(&heads)?;
    let expected = heads.len();
    let mut ragged: (u64, Vec<RaggedLine>) = (0, Vec::new());
    let mut index = 0;
    while let Some(line) = records.advance()? {
        let fields = records.spans.len();
        if fields == expected {
            let cells: Vec<Cell<'_>> = records.fields().map(Cell::Text).collect();
            sink.row(&Row {
                index,
                place: Place::Line(line),
                cells: &cells,
            })?;
        } else {
            ragged.0 += 1;
            if ragged.1.len() < EXAMPLES_MAX {
                ragged.1.push(RaggedLine {
                    line,
                    fields: fields as u64,
                });
            }
        }
        index += 1;
        if index > ROWS_MAX {
            return Err(DataError::limit(file, "rows", ROWS_MAX));
        }
    }
    if ragged.0 > 0 {
        let (count, examples) = ragged;
        return Err(DataError::Ragged {
            file: file.to_owned(),
            expected: expected as u64,
            count,
            examples,
        });
    }
    if index == 0 {
        Err(empty("a header but no rows"))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All records of `bytes`, raw bytes and fields.
    fn records(bytes: &[u8]) -> Result<Vec<(Vec<u8>, Vec<String>)>> {
        let mut records = Records::new(bytes, "t.csv");
        let mut out = Vec::new();
        while records.advance()?.is_some() {
            out.push((
                records.raw().to_vec(),
                records.fields().map(str::to_owned).collect(),
            ));
        }
        Ok(out)
    }

    fn fields(bytes: &[u8]) -> Result<Vec<Vec<String>>> {
        Ok(records(bytes)?
            .into_iter()
            .map(|(_, fields)| fields)
            .collect())
    }

    fn field() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-z0-9]{0,4}",
            "[ab,\"\r\n é日😀]{0,6}",
            any::<String>().prop_map(|text| text.replace('\0', ""))
        ]
    }

    proptest! {
        #[test]
        fn written_fields_are_read_back(
            rows in prop::collection::vec(prop::collection::vec(field(), 3), 1..6),
            crlf: bool,
            bom: bool,
            last_break: bool,
        ) {
            let mut bytes = if bom { BOM.as_bytes().to_vec() } else { Vec::new() };
            let terminator = if crlf { ::csv::Terminator::CRLF } else { ::csv::Terminator::Any(b'\n') };
            let mut writer = ::csv::WriterBuilder::new().terminator(terminator).from_writer(Vec::new());
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            bytes.extend(writer.into_inner().unwrap());
            if !last_break {
                let cut = if crlf { 2 } else { 1 };
                bytes.truncate(bytes.len() - cut);
            }
            let read = records(&bytes).unwrap();
            let raw: Vec<u8> = read.iter().flat_map(|(raw, _)| raw.clone()).collect();
            prop_assert_eq!(raw, bytes, "raw records add up to the file");
            let fields: Vec<Vec<String>> = read.into_iter().map(|(_, fields)| fields).collect();
            prop_assert_eq!(fields, rows);
        }

        #[test]
        fn whatever_is_accepted_reads_as_the_csv_crate_reads_it(text in "[a,\"\n\r]{0,24}") {
            if let Ok(ours) = fields(text.as_bytes()) {
                let mut oracle = ::csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
                let theirs: Vec<Vec<String>> = oracle
                    .records()
                    .map(|record| record.unwrap().iter().map(str::to_owned).collect())
                    .collect();
                prop_assert_eq!(ours, theirs);
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(rows) = fields(&bytes) {
                prop_assert!(rows.iter().all(|row| !row.is_empty()));
            }
        }
    }

    fn message(bytes: &[u8]) -> String {
        struct Ignore;
        impl RowSink for Ignore {
            fn columns(&mut self, _: &[ColumnHead]) -> Result<()> {
                Ok(())
            }
            fn row(&mut self, _: &Row<'_>) -> Result<()> {
                Ok(())
            }
        }
        read(bytes, "t.csv", &mut Ignore).unwrap_err().to_string()
    }

    #[test]
    fn ragged_rows_are_counted_and_the_first_named() {
        assert_eq!(
            message(b"a,b\n1,2\n3\n\"x\ny\",2\n4,5,6\n"),
            "t.csv: 2 ragged record(s): line 3 has 1 field(s), line 6 has 3 field(s) where the header has 2; fix these lines or quote fields that contain commas"
        );
        let many = format!("a,b\n{}", "1\n".repeat(9));
        assert!(message(many.as_bytes()).contains("9 ragged record(s)"));
        assert!(message(many.as_bytes()).contains("and 4 more"));
    }

    #[test]
    fn damage_is_named_with_its_line() {
        assert!(
            message(b"a,b\n1,\"2\n3,4\n")
                .contains("line 2: a quote is opened here and never closed")
        );
        assert!(message(b"a,b\n1,\"2\"x\n").contains("line 2: text after a closing quote"));
        assert!(message(b"a,b\n1,2\r3,4\r").contains("line 2: a carriage return outside quotes"));
        assert!(message(b"a,b\n1,2\n1,\xff\n").contains("line 3: invalid UTF-8 at byte 3"));
        assert!(message(b"a,b\n1,\0\n").contains("line 2: a NUL byte"));
        assert!(message(b"").contains("no header and no rows"));
        assert!(message(b"a,b\n\n").contains("a header but no rows"));
        assert!(message(b"a,,c\n1,2,3\n").contains("column 2 has no name"));
        assert!(message(b"a,b,a\n1,2,3\n").contains("columns 1 and 3 are both named `a`"));
    }

    #[test]
    fn a_record_without_end_is_refused_at_its_limit() {
        for byte in [b'a', b'"'] {
            let mut records = Records::new(std::io::BufReader::new(std::io::repeat(byte)), "t.csv");
            let error = records.advance().unwrap_err();
            assert!(
                matches!(
                    error,
                    DataError::Limit {
                        limit: RECORD_BYTES_MAX,
                        ..
                    }
                ),
                "{error}"
            );
        }
    }
}
