//! Dates and lengths of time as a query writes them.
//!
//! Dates are ISO 8601 and UTC unless they carry an offset. Lengths are numbers
//! with a unit: `ms`, `s`, `m`, `h`, `d`, `w`, also together as in `1h30m`.

/// Units of lengths, longest first, in milliseconds.
const UNITS: [(&str, i64); 6] = [
    ("w", 604_800_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];
const DAY_MS: i64 = 86_400_000;

/// Milliseconds of `1h30m`, `-7d`, `+500ms`.
pub(crate) fn parse_duration(text: &str) -> Option<i64> {
    let (sign, mut rest) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    if rest.is_empty() {
        return None;
    }
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let digits = rest
            .bytes()
            .take_while(|byte| byte.is_ascii_digit() || *byte == b'.')
            .count();
        let (number, after) = rest.split_at(digits);
        let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, after) = after.split_at(letters);
        let unit_ms = UNITS.iter().find(|(name, _)| *name == unit)?.1;
        let part = match number.parse::<i64>() {
            Ok(whole) => whole.checked_mul(unit_ms)?,
            Err(_) => {
                let ms = (number.parse::<f64>().ok()? * unit_ms as f64).round();
                // Beyond 2^53 milliseconds a float no longer says which one is meant.
                (ms.is_finite() && ms.abs() < 9e15).then_some(ms as i64)?
            }
        };
        total = total.checked_add(part)?;
        rest = after;
    }
    total.checked_mul(sign)
}

/// Writes a length so that [`parse_duration`] reads it back.
pub(crate) fn print_duration(ms: i64) -> String {
    let (name, unit) = UNITS
        .into_iter()
        .find(|(_, unit)| ms != 0 && ms % unit == 0)
        .unwrap_or(("ms", 1));
    format!("{}{name}", ms / unit)
}

/// Days from 1970-01-01 to a day of the Gregorian calendar
/// (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// Reads exactly `count` digits.
fn digits(text: &str, count: usize) -> Option<(i64, &str)> {
    let head = text.get(..count)?;
    let all = head.bytes().all(|byte| byte.is_ascii_digit());
    Some((all.then(|| head.parse().ok())??, &text[count..]))
}

/// Milliseconds since the epoch of `2026-01-31`, `2026-01-31T12:00`,
/// `2026-01-31 12:00:30.250Z`, `2026-01-31T12:00+02:00`.
pub(crate) fn parse_date(text: &str) -> Option<i64> {
    let (year, rest) = digits(text, 4)?;
    let (month, rest) = digits(rest.strip_prefix('-')?, 2)?;
    let (day, rest) = digits(rest.strip_prefix('-')?, 2)?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let month_days = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=month_days).contains(&day) {
        return None;
    }
    let days = days_from_civil(year, month, day) * DAY_MS;
    if rest.is_empty() {
        return Some(days);
    }
    let (hour, rest) = digits(rest.strip_prefix(['T', 't', ' '])?, 2)?;
    let (minute, mut rest) = digits(rest.strip_prefix(':')?, 2)?;
    let (mut second, mut ms) = (0, 0);
    if let Some(after) = rest.strip_prefix(':') {
        (second, rest) = digits(after, 2)?;
        if let Some(after) = rest.strip_prefix('.') {
            let count = after.bytes().take_while(u8::is_ascii_digit).count();
            let fraction = format!("{:0<3}", &after[..count.min(3)]);
            ms = (count > 0).then(|| fraction.parse::<i64>().ok())??;
            rest = &after[count..];
        }
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let offset = parse_offset(rest)?;
    let of_day = ((hour * 60 + minute - offset) * 60 + second) * 1000 + ms;
    Some(days + of_day).filter(|ms| in_range(*ms))
}

/// Minutes east of UTC of ``, `Z`, `+02:00`, `-0530`.
fn parse_offset(text: &str) -> Option<i64> {
    if text.is_empty() || text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let (hours, rest) = digits(text.strip_prefix(['+', '-'])?, 2)?;
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    let (minutes, rest) = digits(rest, 2)?;
    (rest.is_empty() && hours <= 23 && minutes <= 59).then_some(sign * (hours * 60 + minutes))
}

/// What [`print_date`] can write: the years 0 to 9999.
pub(crate) const DATES_MS: std::ops::Range<i64> =
    days_from_civil(0, 1, 1) * DAY_MS..days_from_civil(10_000, 1, 1) * DAY_MS;

/// Whether [`print_date`] can write it.
pub(crate) fn in_range(ms: i64) -> bool {
    DATES_MS.contains(&ms)
}

/// Writes a point in time so that [`parse_date`] reads it back.
pub(crate) fn print_date(ms: i64) -> String {
    let (year, month, day) = civil_from_days(ms.div_euclid(DAY_MS));
    let of_day = ms.rem_euclid(DAY_MS);
    let date = format!("{year:04}-{month:02}-{day:02}");
    if of_day == 0 {
        return date;
    }
    let (hour, minute) = (of_day / 3_600_000, of_day / 60_000 % 60);
    let (second, ms) = (of_day / 1000 % 60, of_day % 1000);
    format!("{date}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_and_lengths_are_read() {
        assert_eq!(parse_date("1970-01-01"), Some(0));
        assert_eq!(parse_date("2000-02-29T00:00:00Z"), Some(951_782_400_000));
        assert_eq!(
            parse_date("2026-01-01T02:00+02:00"),
            parse_date("2026-01-01")
        );
        assert_eq!(parse_date("2026-01-01 00:00:00.5"), Some(1_767_225_600_500));
        for bad in [
            "2026-13-01",
            "2026-02-29",
            "2026-1-1",
            "2026-01-01T24:00",
            "20é6-01-01",
        ] {
            assert_eq!(parse_date(bad), None, "{bad}");
        }
        assert_eq!(parse_duration("-7d"), Some(-604_800_000));
        assert_eq!(parse_duration("1h30m"), Some(5_400_000));
        assert_eq!(parse_duration("1.5s"), Some(1500));
        for bad in ["", "-", "7", "7y", "d", "1.2.3s", "99999999999999w"] {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(ms in -62_167_219_200_000i64..253_402_300_800_000, length: i64) {
            prop_assert_eq!(parse_date(&print_date(ms)), Some(ms));
            let length = length.max(-i64::MAX);
            prop_assert_eq!(parse_duration(&print_duration(length)), Some(length));
        }

        #[test]
        fn nothing_panics(text: String) {
            let _ = (parse_date(&text), parse_duration(&text));
        }
    }
}
