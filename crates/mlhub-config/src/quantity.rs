//! Durations (`1h`, `30s`, `500ms`) and sizes (`4GiB`, `512MB`) as text and back.
//!
//! Strict on purpose: no spaces, no signs, no compound forms such as `1h30m`,
//! and no guessing between `M` and `MiB`.

use std::time::Duration;

use crate::limits::{MAX_DURATION_MS, MAX_SIZE_BYTES};

/// Units of time and their length in milliseconds, longest first.
const TIME_UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Units of size and their length in bytes, in the order they are preferred for writing.
const SIZE_UNITS: [(&str, u64); 10] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("kB", 1_000),
    ("B", 1),
];

/// Why a text is no duration or size; the text says what is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// Not a number followed by a unit of time.
    #[error("write a number and a unit, such as 500ms, 30s, 15m, 1h or 2d")]
    Duration,
    /// Past [`MAX_DURATION_MS`].
    #[error("the longest duration is 366d")]
    DurationTooLong,
    /// Not a number followed by a unit of size.
    #[error("write a number and a unit, such as 512MB, 4GiB or 1TiB")]
    Size,
    /// Past [`MAX_SIZE_BYTES`].
    #[error("the largest size is 1048576TiB")]
    SizeTooLarge,
    /// Not a whole number of milliseconds or bytes.
    #[error("not a whole number of milliseconds or bytes")]
    Fraction,
}

/// Reads a duration such as `30s` or `1.5h`; the result is a whole number of milliseconds.
///
/// # Errors
/// If the text is not a plain number with a unit, is no whole number of
/// milliseconds, or is longer than [`MAX_DURATION_MS`].
pub fn parse_duration(text: &str) -> Result<Duration, QuantityError> {
    let unit = |name: &str| {
        TIME_UNITS
            .iter()
            .find(|(unit, _)| *unit == name)
            .map(|(_, ms)| *ms)
    };
    let ms = parse(text, unit, QuantityError::Duration)?;
    if ms > u128::from(MAX_DURATION_MS) {
        return Err(QuantityError::DurationTooLong);
    }
    Ok(Duration::from_millis(
        u64::try_from(ms).map_err(|_| QuantityError::DurationTooLong)?,
    ))
}

/// Reads a size such as `4GiB` or `512MB`, in bytes.
///
/// # Errors
/// If the text is not a plain number with a unit, is no whole number of bytes,
/// or is larger than [`MAX_SIZE_BYTES`].
pub fn parse_size(text: &str) -> Result<u64, QuantityError> {
    let unit = |name: &str| {
        SIZE_UNITS
            .iter()
            .find(|(unit, _)| *unit == name)
            .map(|(_, bytes)| *bytes)
    };
    let bytes = parse(text, unit, QuantityError::Size)?;
    if bytes > u128::from(MAX_SIZE_BYTES) {
        return Err(QuantityError::SizeTooLarge);
    }
    u64::try_from(bytes).map_err(|_| QuantityError::SizeTooLarge)
}

/// Exact decimal arithmetic: `1.1GB` must not pass through a float.
fn parse(
    text: &str,
    unit: impl Fn(&str) -> Option<u64>,
    wrong: QuantityError,
) -> Result<u128, QuantityError> {
    /// As many digits as the largest size in bytes has; more cannot be meant.
    const MAX_DIGITS: usize = 19;
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .ok_or(wrong)?;
    let (number, name) = text.split_at(end);
    let scale = unit(name).ok_or(wrong)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let valid = |digits: &str| {
        !digits.is_empty()
            && digits.len() <= MAX_DIGITS
            && digits.bytes().all(|b| b.is_ascii_digit())
    };
    if !valid(whole) || !valid(fraction) {
        return Err(wrong);
    }
    let divisor = 10u128.pow(u32::try_from(fraction.len()).map_err(|_| wrong)?);
    let whole: u128 = whole.parse().map_err(|_| wrong)?;
    let fraction: u128 = fraction.parse().map_err(|_| wrong)?;
    // Two numbers of 19 digits fit 128 bits; the unit may not. What overflows is past every limit.
    let Some(scaled) = (whole * divisor + fraction).checked_mul(u128::from(scale)) else {
        return Ok(u128::MAX);
    };
    if scaled.is_multiple_of(divisor) {
        Ok(scaled / divisor)
    } else {
        Err(QuantityError::Fraction)
    }
}

/// Writes a duration in the longest unit that divides it: `1h`, `90s`, `1500ms`.
///
/// Parts of a millisecond are cut off.
pub fn format_duration(duration: Duration) -> String {
    let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if ms == 0 {
        return "0s".to_owned();
    }
    // "ms" divides everything, so a unit is always found.
    let (unit, length) = TIME_UNITS
        .iter()
        .find(|(_, length)| ms.is_multiple_of(*length))
        .unwrap_or(&("ms", 1));
    format!("{}{unit}", ms / length)
}

/// Writes a size in the largest binary, else decimal, unit that divides it: `4GiB`, `512MB`.
pub fn format_size(bytes: u64) -> String {
    if bytes == 0 {
        return "0B".to_owned();
    }
    let (unit, length) = SIZE_UNITS
        .iter()
        .find(|(_, length)| bytes.is_multiple_of(*length))
        .unwrap_or(&("B", 1));
    format!("{}{unit}", bytes / length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_people_write() {
        assert_eq!(parse_duration("1h"), Ok(Duration::from_secs(3_600)));
        assert_eq!(parse_duration("1.5h"), Ok(Duration::from_secs(5_400)));
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_size("4GiB"), Ok(4 << 30));
        assert_eq!(parse_size("1.1GB"), Ok(1_100_000_000));
        assert_eq!(parse_size("512MB"), Ok(512_000_000));
    }

    #[test]
    fn refuses_what_could_mean_two_things() {
        for text in [
            "", "h", "1", "1 h", "-1h", "1h30m", "1H", ".5h", "1.h", "1e3s", "１h",
        ] {
            assert_eq!(
                parse_duration(text),
                Err(QuantityError::Duration),
                "{text:?}"
            );
        }
        for text in [
            "4G",
            "4gib",
            "4 GiB",
            "4Gi",
            "",
            "GiB",
            "0x4GiB",
            "99999999999999999999B",
        ] {
            assert_eq!(parse_size(text), Err(QuantityError::Size), "{text:?}");
        }
        assert_eq!(parse_duration("367d"), Err(QuantityError::DurationTooLong));
        assert_eq!(parse_size("99999999TiB"), Err(QuantityError::SizeTooLarge));
        let long = "9999999999999999999.9999999999999999999TiB";
        assert_eq!(parse_size(long), Err(QuantityError::SizeTooLarge));
        assert_eq!(parse_duration("0.5ms"), Err(QuantityError::Fraction));
    }

    proptest! {
        #[test]
        fn durations_round_trip(ms in 0..=MAX_DURATION_MS) {
            let duration = Duration::from_millis(ms);
            prop_assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
        }

        #[test]
        fn sizes_round_trip(bytes in 0..=MAX_SIZE_BYTES) {
            prop_assert_eq!(parse_size(&format_size(bytes)), Ok(bytes));
        }

        #[test]
        fn never_panics(text in any::<String>()) {
            let _ = (parse_duration(&text), parse_size(&text));
        }
    }
}
