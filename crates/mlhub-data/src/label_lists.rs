//! Cells that hold a list of label names: JSON text in CSV, Parquet or NPZ, or a list of the
//! format's own in JSONL and Parquet. All become one form, the JSON list of the names.

use serde::Deserialize;

use crate::number;
use crate::rows::Cell;

const NO_LIST: &str = "a list of label names is needed, such as [\"a\", \"b\"], or [] for none";

/// One name as JSON writes it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Name {
    Text(String),
    Whole(i64),
}

/// The names as a JSON list of texts; `None` when missing. Whole numbers are names, too.
pub(crate) fn as_json(cell: &Cell<'_>) -> Result<Option<String>, &'static str> {
    let names: Vec<String> = match *cell {
        Cell::Null | Cell::Text("") => return Ok(None),
        Cell::Text(text) => {
            let names: Vec<Name> = serde_json::from_str(text).map_err(|_| NO_LIST)?;
            let names = names.into_iter().map(|name| match name {
                Name::Text(text) => text,
                Name::Whole(number) => number.to_string(),
            });
            names.collect()
        }
        Cell::List(values) if values.iter().all(|value| value.fract() == 0.0) => {
            values.iter().map(|value| number::label(*value)).collect()
        }
        Cell::Other(bytes) => texts(bytes).ok_or(NO_LIST)?,
        _ => return Err(NO_LIST),
    };
    serde_json::to_string(&names).map(Some).map_err(|_| NO_LIST)
}

/// The items of a list of texts in canonical form (see [`crate::rows::encode`]): `[`, their
/// number, and for each the tag of a text, its length and its bytes.
fn texts(canonical: &[u8]) -> Option<Vec<String>> {
    let (count, mut rest) = length(canonical.strip_prefix(b"[")?)?;
    let mut texts = Vec::new();
    for _ in 0..count {
        let (bytes, after) = length(rest.strip_prefix(&[TEXT_TAG])?)?;
        let text = after.get(..bytes)?;
        texts.push(std::str::from_utf8(text).ok()?.to_owned());
        rest = &after[bytes..];
    }
    rest.is_empty().then_some(texts)
}

/// Tag of a text in canonical form.
const TEXT_TAG: u8 = 5;

fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    Some((usize::try_from(u64::from_le_bytes(*length)).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::encode;

    fn canonical(cells: &[Cell<'_>]) -> Vec<u8> {
        let mut bytes = vec![b'['];
        bytes.extend((cells.len() as u64).to_le_bytes());
        cells.iter().for_each(|cell| encode(cell, &mut bytes));
        bytes
    }

    #[test]
    fn each_form_is_the_same_list() {
        let json = |cell: Cell<'_>| as_json(&cell);
        let bytes = canonical(&[Cell::Text("a, \"b\""), Cell::Text("")]);
        let expected = Ok(Some("[\"a, \\\"b\\\"\",\"\"]".to_owned()));
        assert_eq!(json(Cell::Other(&bytes)), expected);
        assert_eq!(json(Cell::Text("[ \"a, \\\"b\\\"\", \"\" ]")), expected);
        assert_eq!(json(Cell::List(&[])), Ok(Some("[]".to_owned())));
        assert_eq!(json(Cell::Other(&canonical(&[]))), json(Cell::Text("[]")));
        assert_eq!(json(Cell::List(&[3.0, 1.0])), json(Cell::Text("[3, 1]")));
        assert_eq!(json(Cell::Null), Ok(None));
    }

    #[test]
    fn what_is_no_list_of_names_is_refused() {
        let mixed = canonical(&[Cell::Text("a"), Cell::Int(1)]);
        let cut = &canonical(&[Cell::Text("abc")])[..12];
        for cell in [
            Cell::Text("a"),
            Cell::Text("{}"),
            Cell::Text("[1.5]"),
            Cell::Int(1),
            Cell::Bool(true),
            Cell::List(&[0.5]),
            Cell::List(&[f64::NAN]),
            Cell::Other(&mixed),
            Cell::Other(cut),
        ] {
            assert_eq!(as_json(&cell), Err(NO_LIST), "{cell:?}");
        }
    }
}
