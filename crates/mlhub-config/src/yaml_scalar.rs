//! YAML scalars by the core schema of YAML 1.2: what `no`, `010` and `1e3` are.
//!
//! Stricter than most readers: a number that 64 bits cannot hold is refused,
//! not rounded.

use saphyr_parser::Tag;

use crate::document::{Data, ParseFailure, Span};

/// Refuses tags that a list (`seq`) or mapping (`map`) cannot have.
pub(crate) fn check_collection_tag(
    tag: Option<&Tag>,
    expected: &str,
    span: Span,
) -> Result<(), ParseFailure> {
    match tag {
        Some(tag) if !(tag.is_yaml_core_schema() && tag.suffix == expected) => {
            Err(unknown_tag(span))
        }
        _ => Ok(()),
    }
}

fn unknown_tag(span: Span) -> ParseFailure {
    ParseFailure::syntax(Some(span), "this tag is not known").with_help(
        "use plain values; only !!str, !!int, !!float, !!bool, !!null, !!seq and !!map are read",
    )
}

/// A scalar with an explicit tag.
pub(crate) fn tagged(text: &str, tag: &Tag, span: Span) -> Result<Data, ParseFailure> {
    if !tag.is_yaml_core_schema() {
        return Err(unknown_tag(span));
    }
    let value = plain(text, span)?;
    match (tag.suffix.as_str(), value) {
        ("str", _) => Ok(Data::Text(text.to_owned())),
        ("int", value @ Data::Integer(_))
        | ("float", value @ Data::Float(_))
        | ("bool", value @ Data::Boolean(_))
        | ("null", value @ Data::Null) => Ok(value),
        #[expect(
            clippy::cast_precision_loss,
            reason = "!!float asks for the nearest float"
        )]
        ("float", Data::Integer(value)) => Ok(Data::Float(value as f64)),
        ("int" | "float" | "bool" | "null", _) => Err(ParseFailure::syntax(
            Some(span),
            format!("the value does not fit its tag !!{}", tag.suffix),
        )),
        _ => Err(unknown_tag(span)),
    }
}

/// A plain scalar by the core schema of YAML 1.2 (section 10.3.2).
pub(crate) fn plain(text: &str, span: Span) -> Result<Data, ParseFailure> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Data::Null,
        "true" | "True" | "TRUE" => Data::Boolean(true),
        "false" | "False" | "FALSE" => Data::Boolean(false),
        ".nan" | ".NaN" | ".NAN" => Data::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Data::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Data::Float(f64::NEG_INFINITY),
        _ => match integer(text) {
            Some(value) => Data::Integer(value.ok_or_else(|| too_large(span))?),
            None if is_float(text) => {
                let value: f64 = text
                    .parse()
                    .map_err(|_| ParseFailure::syntax(Some(span), "not a number"))?;
                if value.is_infinite() {
                    return Err(too_large(span));
                }
                Data::Float(value)
            }
            None => Data::Text(text.to_owned()),
        },
    })
}

/// A number that 64 bits cannot hold; shared with JSON.
pub(crate) fn too_large(span: Span) -> ParseFailure {
    ParseFailure::syntax(Some(span), "this number does not fit 64 bits")
        .with_help("write it in quotes if it is a name")
}

/// `None`: no integer by its form. `Some(None)`: one that does not fit 64 bits.
fn integer(text: &str) -> Option<Option<i128>> {
    let (digits, radix) = match text.get(..2) {
        Some("0x") => (&text[2..], 16),
        Some("0o") => (&text[2..], 8),
        _ => (text.strip_prefix(['-', '+']).unwrap_or(text), 10),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let value = i128::from_str_radix(digits, radix).ok();
    let value = value.map(|value| if text.starts_with('-') { -value } else { value });
    Some(value.filter(|value| (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(value)))
}

/// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
fn is_float(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (
            mantissa,
            Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent)),
        ),
        None => (text, None),
    };
    if exponent.is_some_and(|exponent| exponent.is_empty() || !digits(exponent)) {
        return false;
    }
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    !(whole.is_empty() && fraction.is_empty()) && digits(whole) && digits(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_follow_the_core_schema_of_yaml_1_2() {
        for text in [
            "no",
            "yes",
            "on",
            "off",
            "y",
            "2026-01-01",
            "1_000",
            "0b1",
            "1:30",
            "nan",
            "inf",
            ".",
            "+",
            "-",
            "e5",
            "0x",
            "1e",
        ] {
            let read = plain(text, Span::default()).expect("text");
            assert_eq!(read, Data::Text(text.to_owned()), "{text}");
        }
        assert_eq!(
            plain("010", Span::default()).expect("int"),
            Data::Integer(10)
        );
        assert_eq!(
            plain("0o10", Span::default()).expect("int"),
            Data::Integer(8)
        );
        assert_eq!(
            plain("0x1F", Span::default()).expect("int"),
            Data::Integer(31)
        );
        assert_eq!(
            plain("1e3", Span::default()).expect("float"),
            Data::Float(1000.0)
        );
        assert_eq!(
            plain(".5", Span::default()).expect("float"),
            Data::Float(0.5)
        );
        assert_eq!(
            plain("18446744073709551615", Span::default()).expect("u64"),
            Data::Integer(u64::MAX.into())
        );
        assert!(plain("18446744073709551616", Span::default()).is_err());
        assert!(plain("1e999", Span::default()).is_err());
    }
}
