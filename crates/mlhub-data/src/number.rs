//! Numbers as text: the one rule by which CSV fields and JSON strings count as numbers, and the
//! way numbers are spelled as class labels.

/// A number that text stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    /// A whole number that fits 64 bits.
    Int(i64),
    /// Everything else, NaN and infinities included.
    Float(f64),
}

impl Number {
    pub(crate) fn as_f64(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Float(value) => value,
        }
    }
}

/// Parses decimal notation, `nan`, `inf` and `infinity` in any case and with a sign, with spaces
/// around them. Text with leading zeros (`007`) is an identifier, not a number: reading it as 7
/// would merge distinct values.
pub(crate) fn parse(text: &str) -> Option<Number> {
    let text = text.trim_matches(' ');
    let first = *text.as_bytes().first()?;
    if !(first.is_ascii_digit() || matches!(first, b'-' | b'+' | b'.' | b'n' | b'N' | b'i' | b'I'))
    {
        return None;
    }
    let digits = text.trim_start_matches(['-', '+']).as_bytes();
    if digits.len() > 1 && digits[0] == b'0' && digits[1].is_ascii_digit() {
        return None;
    }
    if let Ok(value) = text.parse::<i64>() {
        return Some(Number::Int(value));
    }
    text.parse::<f64>().ok().map(Number::Float)
}

/// The label a number stands for: whole numbers without a fraction, the rest in Rust's shortest
/// form that reads back equal.
pub(crate) fn label(value: f64) -> String {
    /// Above this, f64 cannot tell neighbouring whole numbers apart.
    const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;
    if value.is_nan() {
        "NaN".to_owned()
    } else if value == value.trunc() && value.abs() <= WHOLE_MAX {
        format!("{}", value as i64)
    } else {
        format!("{value}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_spellings_of_numbers_parse() {
        for text in ["nan", "NaN", "-nan", "NAN"] {
            assert!(
                matches!(parse(text), Some(Number::Float(value)) if value.is_nan()),
                "{text}"
            );
        }
        for (text, value) in [
            ("inf", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
            ("+Inf", f64::INFINITY),
            ("1e3", 1000.0),
            (" .5", 0.5),
        ] {
            assert_eq!(parse(text), Some(Number::Float(value)), "{text}");
        }
        assert_eq!(parse("-12"), Some(Number::Int(-12)));
        assert_eq!(parse("0"), Some(Number::Int(0)));
        assert_eq!(parse("0.25"), Some(Number::Float(0.25)));
    }

    #[test]
    fn identifiers_are_not_numbers() {
        for text in [
            "", " ", "007", "-01", "1_000", "0x10", "infant", "name", "1,5", "NA", "--1",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn labels_of_whole_numbers_have_no_fraction() {
        assert_eq!(label(3.0), "3");
        assert_eq!(label(-0.0), "0");
        assert_eq!(label(0.5), "0.5");
        assert_eq!(label(f64::NAN), "NaN");
        assert_eq!(label(f64::INFINITY), "inf");
    }
}
