//! One byte range of a content (RFC 9110, 14). Several ranges at once are
//! answered with the whole content, as the standard allows.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use crate::problem::respond;

/// What a `Range` header asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Range {
    /// All of it: the header is not understood.
    Whole,
    /// From the first to before the second.
    Part(u64, u64),
    /// Nothing that is there.
    Outside,
}

pub(super) fn parse(value: &HeaderValue, size: u64) -> Range {
    let text = value
        .to_str()
        .ok()
        .and_then(|text| text.strip_prefix("bytes="));
    let Some((first, last)) = text.and_then(|text| text.split_once('-')) else {
        return Range::Whole;
    };
    let number = |text: &str| -> Option<u64> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // More digits than a number holds are past every end.
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let (first, last) = (first.trim(), last.trim());
    let (start, end) = match (number(first), number(last)) {
        (None, Some(count)) if first.is_empty() => (size.saturating_sub(count), size),
        (Some(start), None) if last.is_empty() => (start, size),
        (Some(start), Some(last)) if start <= last => (start, last.saturating_add(1).min(size)),
        _ => return Range::Whole,
    };
    if start < end {
        Range::Part(start, end)
    } else {
        Range::Outside
    }
}

pub(super) fn refuse(size: u64) -> Response {
    let mut response = respond(
        StatusCode::RANGE_NOT_SATISFIABLE,
        "range_not_satisfiable",
        "Range not satisfiable",
        &format!("the range lies outside of the content, which has {size} bytes"),
        None,
    );
    if let Ok(value) = HeaderValue::from_str(&format!("bytes */{size}")) {
        response.headers_mut().insert(header::CONTENT_RANGE, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_one_part_of_what_is_there() {
        let ask = |text: &str, size| parse(&HeaderValue::from_str(text).expect("a header"), size);
        assert_eq!(ask("bytes=0-0", 10), Range::Part(0, 1));
        assert_eq!(ask("bytes=3-", 10), Range::Part(3, 10));
        assert_eq!(ask("bytes=-3", 10), Range::Part(7, 10));
        assert_eq!(ask("bytes=-30", 10), Range::Part(0, 10));
        assert_eq!(
            ask("bytes=9-99999999999999999999999", 10),
            Range::Part(9, 10)
        );
        for outside in [
            "bytes=10-",
            "bytes=99-100",
            "bytes=-0",
            "bytes=18446744073709551615-",
        ] {
            assert_eq!(ask(outside, 10), Range::Outside, "{outside}");
        }
        assert_eq!(ask("bytes=0-", 0), Range::Outside);
        for whole in [
            "bytes=",
            "bytes=-",
            "bytes=5-3",
            "bytes=0-1,3-4",
            "lines=1-2",
            "bytes=+1-2",
            "bytes=a-b",
        ] {
            assert_eq!(ask(whole, 10), Range::Whole, "{whole}");
        }
    }
}
