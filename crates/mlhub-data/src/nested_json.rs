//! Cells that hold a nested value, such as a list of boxes or a map of segments: JSON text in
//! CSV, Parquet or NPZ, or the value itself in JSONL. All become JSON text; what it must hold is
//! for the evaluation to say.

use std::borrow::Cow;
use std::fmt::Write;

use crate::rows::Cell;

const NO_JSON: &str = "a JSON list or object is needed, or the text of one";

/// The value as JSON text; `None` when missing. Texts stay as they are.
pub(crate) fn as_json<'a>(cell: &Cell<'a>) -> Result<Option<Cow<'a, str>>, &'static str> {
    match *cell {
        Cell::Null | Cell::Text("") => Ok(None),
        Cell::Text(text) => Ok(Some(Cow::Borrowed(text))),
        Cell::List(values) if values.iter().all(|value| value.is_finite()) => {
            let text = serde_json::to_string(values).map_err(|_| NO_JSON)?;
            Ok(Some(Cow::Owned(text)))
        }
        Cell::Other(canonical) => {
            let mut text = String::with_capacity(canonical.len());
            match write_value(canonical, &mut text) {
                Some([]) => Ok(Some(Cow::Owned(text))),
                _ => Err(NO_JSON),
            }
        }
        _ => Err(NO_JSON),
    }
}

/// Writes the first value of a canonical form (see [`crate::rows::encode`]; lists are `[` and
/// objects `{`, then the number of members) and returns the rest. `None` for what JSON has not.
fn write_value<'a>(canonical: &'a [u8], out: &mut String) -> Option<&'a [u8]> {
    let (tag, rest) = canonical.split_first()?;
    let number = || rest.split_first_chunk::<8>();
    match tag {
        0 => {
            out.push_str("null");
            Some(rest)
        }
        1 => {
            let (value, rest) = rest.split_first()?;
            out.push_str(if *value == 1 { "true" } else { "false" });
            Some(rest)
        }
        2 => {
            let (value, rest) = number()?;
            write!(out, "{}", i64::from_le_bytes(*value)).ok()?;
            Some(rest)
        }
        3 => {
            let (value, rest) = number()?;
            write!(out, "{}", u64::from_le_bytes(*value)).ok()?;
            Some(rest)
        }
        4 => {
            let (value, rest) = number()?;
            let value = f64::from_bits(u64::from_le_bytes(*value));
            out.push_str(&serde_json::Number::from_f64(value)?.to_string());
            Some(rest)
        }
        5 => {
            let (length, rest) = length(rest)?;
            let text = std::str::from_utf8(rest.get(..length)?).ok()?;
            out.push_str(&serde_json::to_string(text).ok()?);
            Some(&rest[length..])
        }
        b'[' => write_members(rest, out, false),
        b'{' => write_members(rest, out, true),
        _ => None,
    }
}

fn write_members<'a>(canonical: &'a [u8], out: &mut String, is_object: bool) -> Option<&'a [u8]> {
    let (count, mut rest) = length(canonical)?;
    out.push(if is_object { '{' } else { '[' });
    for member in 0..count {
        if member > 0 {
            out.push(',');
        }
        if is_object {
            // Keys are texts; a struct of Parquet has none.
            rest.first().filter(|tag| **tag == 5)?;
            rest = write_value(rest, out)?;
            out.push(':');
        }
        rest = write_value(rest, out)?;
    }
    out.push(if is_object { '}' } else { ']' });
    Some(rest)
}

fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    Some((usize::try_from(u64::from_le_bytes(*length)).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::encode;

    fn text(cell: Cell<'_>) -> Result<Option<String>, &'static str> {
        as_json(&cell).map(|text| text.map(Cow::into_owned))
    }

    #[test]
    fn texts_and_lists_are_json() {
        assert_eq!(text(Cell::Text("[1, {}]")), Ok(Some("[1, {}]".to_owned())));
        assert_eq!(text(Cell::List(&[])), Ok(Some("[]".to_owned())));
        assert_eq!(text(Cell::List(&[1.5])), Ok(Some("[1.5]".to_owned())));
        assert_eq!(text(Cell::Null), Ok(None));
        assert_eq!(text(Cell::Text("")), Ok(None));
    }

    #[test]
    fn what_is_no_nested_value_is_refused() {
        let mut number = vec![b'['];
        number.extend(1_u64.to_le_bytes());
        encode(&Cell::Float(f64::NAN), &mut number);
        // As Parquet writes a struct: without names.
        let mut unnamed = vec![b'{'];
        unnamed.extend(1_u64.to_le_bytes());
        encode(&Cell::Int(1), &mut unnamed);
        let cut = &number[..number.len() - 1];
        for cell in [
            Cell::Int(1),
            Cell::Float(0.5),
            Cell::Bool(true),
            Cell::List(&[f64::NAN]),
            Cell::Other(&number),
            Cell::Other(&unnamed),
            Cell::Other(cut),
            Cell::Other(b""),
            Cell::Other(b"["),
        ] {
            assert_eq!(text(cell), Err(NO_JSON), "{cell:?}");
        }
    }
}
