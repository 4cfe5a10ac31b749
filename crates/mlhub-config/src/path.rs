//! Dotted paths to values: `params.optimizer.lr`, and `params."a.b"` for odd keys.
//!
//! Two different places never share a text. Lists are not addressed into: a
//! list is one value.

use std::fmt;

/// Appends one key to a dotted path.
pub(crate) fn join(path: &str, key: &str) -> String {
    let mut text = String::with_capacity(path.len() + key.len() + 1);
    if !path.is_empty() {
        text.push_str(path);
        text.push('.');
    }
    text.push_str(&segment(key));
    text
}

/// One key as it stands in a dotted path: bare if it can be, else quoted as JSON.
fn segment(key: &str) -> String {
    let bare = !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '/' | '@' | ':' | '$'));
    if bare {
        key.to_owned()
    } else {
        serde_json::Value::from(key).to_string()
    }
}

/// Writes keys as one dotted path.
pub fn format_path<'k>(keys: impl IntoIterator<Item = &'k str>) -> String {
    keys.into_iter()
        .fold(String::new(), |path, key| join(&path, key))
}

/// Why a text is no dotted path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PathError {
    /// A part between two dots, or the whole, is empty.
    EmptySegment,
    /// A quoted part does not end, or is not a JSON string.
    BadQuote,
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EmptySegment => "a part of the key is empty",
            Self::BadQuote => "a quoted part of the key does not end, or is not a JSON string",
        })
    }
}

/// Reads a dotted path from the start of `text` up to an unquoted `=` or the end.
///
/// Returns the keys and how many bytes they took.
pub(crate) fn parse_prefix(text: &str) -> Result<(Vec<String>, usize), PathError> {
    let mut keys = Vec::new();
    let mut at = 0;
    loop {
        let rest = &text[at..];
        let (key, taken) = if rest.starts_with('"') {
            quoted(rest)?
        } else {
            bare(rest)?
        };
        keys.push(key);
        at += taken;
        match text[at..].chars().next() {
            Some('.') => at += 1,
            None | Some('=') => return Ok((keys, at)),
            Some(_) => return Err(PathError::BadQuote),
        }
    }
}

fn bare(rest: &str) -> Result<(String, usize), PathError> {
    let end = rest.find(['.', '=']).unwrap_or(rest.len());
    let key = rest[..end].trim();
    if key.is_empty() {
        Err(PathError::EmptySegment)
    } else {
        Ok((key.to_owned(), end))
    }
}

fn quoted(rest: &str) -> Result<(String, usize), PathError> {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => {
                let end = at + 1;
                let key = serde_json::from_str(&rest[..end]).map_err(|_| PathError::BadQuote)?;
                return Ok((key, end));
            }
            _ => {}
        }
    }
    Err(PathError::BadQuote)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_dot_in_a_key_is_not_a_step() {
        assert_ne!(format_path(["a.b"]), format_path(["a", "b"]));
        assert_eq!(format_path(["params", "a.b"]), "params.\"a.b\"");
    }

    #[test]
    fn broken_paths_are_refused() {
        assert_eq!(parse_prefix("a..b=1"), Err(PathError::EmptySegment));
        assert_eq!(parse_prefix("=1"), Err(PathError::EmptySegment));
        assert_eq!(parse_prefix("\"a=1"), Err(PathError::BadQuote));
        assert_eq!(parse_prefix("\"a\"b=1"), Err(PathError::BadQuote));
    }

    proptest! {
        #[test]
        fn paths_round_trip(keys in prop::collection::vec(any::<String>(), 1..5)) {
            let text = format_path(keys.iter().map(String::as_str));
            let (back, taken) = parse_prefix(&format!("{text}=x")).expect("own format");
            prop_assert_eq!(back, keys);
            prop_assert_eq!(taken, text.len());
        }
    }
}
