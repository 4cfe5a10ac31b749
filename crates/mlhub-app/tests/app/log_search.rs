//! Text in captured output, found wherever pieces and requests were cut.

use mlhub_app::{LogMatch, LogSearch};
use mlhub_core::{ErrorKind, RunId, limits};

use crate::hub::TestHub;

/// More than one request looks at.
const FILLER_BYTES: usize = limits::LOG_SEARCH_SCAN_MAX_BYTES + 100;

async fn append(test: &TestHub, run: &RunId, offset: u64, bytes: &[u8]) {
    let sent = test
        .hub
        .attempt_log(&test.caller, run, 1, "stdout", offset, bytes)
        .await;
    sent.unwrap();
}

/// All matches, page by page; how many requests it took.
async fn found(test: &TestHub, run: &RunId, text: &str, limit: usize) -> (Vec<LogMatch>, usize) {
    let mut search = LogSearch {
        attempt: Some(1),
        text: text.to_owned(),
        from: 0,
        limit,
    };
    let (mut matches, mut requests) = (Vec::new(), 0);
    loop {
        let page = test
            .hub
            .log_search(&test.caller, run.as_str(), "stdout", &search)
            .await
            .unwrap();
        assert!(page.matches.len() <= limit);
        matches.extend(page.matches);
        requests += 1;
        match page.next {
            Some(next) => {
                assert!(next > search.from, "it goes on");
                search.from = next;
            }
            None => return (matches, requests),
        }
    }
}

/// What a plain search of the whole text finds; ASCII only.
fn expected(whole: &[u8], text: &str) -> Vec<LogMatch> {
    let (lower, text) = (whole.to_ascii_lowercase(), text.to_ascii_lowercase());
    let mut matches = Vec::new();
    let mut at = 0;
    while at + text.len() <= lower.len() {
        if !lower[at..].starts_with(text.as_bytes()) {
            at += 1;
            continue;
        }
        let start = lower[..at].iter().rposition(|byte| *byte == b'\n');
        let start = start.map_or(0, |newline| newline + 1);
        let end = at + text.len();
        let rest = lower[end..].iter().position(|byte| *byte == b'\n');
        let line_end = rest.map_or(lower.len(), |rest| end + rest);
        matches.push(LogMatch {
            offset: at as u64,
            line_start: start as u64,
            line_length: (line_end - start) as u64,
        });
        at = end;
    }
    matches
}

#[tokio::test]
async fn matches_are_those_of_the_whole_text_wherever_it_was_cut() {
    let test = TestHub::new();
    let run = test.running("pieces", Default::default()).await;
    let whole =
        b"epoch 1 loss=NaN\n\xff\xfe broken \xe2\x82 bytes LOSS\naalossloss\nLo\nss\nloss".to_vec();
    // Pieces of one to five bytes: matches lie across their borders.
    let mut at = 0;
    for size in (1..=5).cycle() {
        let end = whole.len().min(at + size);
        append(&test, &run, at as u64, &whole[at..end]).await;
        at = end;
        if at == whole.len() {
            break;
        }
    }
    for text in ["loss", "LOSS", "=nan", "bytes", "s", "absent", "ss"] {
        for limit in [1, 2, 100] {
            let (matches, _) = found(&test, &run, text, limit).await;
            assert_eq!(matches, expected(&whole, text), "{text} {limit}");
        }
    }
}

#[tokio::test]
async fn a_long_stream_is_searched_part_by_part_and_nothing_is_missed() {
    let test = TestHub::new();
    let run = test.running("long", Default::default()).await;
    let mut whole = b"needle at the start\n".to_vec();
    // A line that ends nowhere near: the needle stands across what one request reads.
    let budget = limits::LOG_SEARCH_SCAN_MAX_BYTES;
    whole.resize(budget - 3, b'.');
    whole.extend_from_slice(b"NEEDLE");
    whole.resize(whole.len() + 200_000, b'-');
    whole.extend_from_slice(b"\nlast needle");
    whole.resize(FILLER_BYTES.max(whole.len()), b'\n');
    for (number, piece) in whole.chunks(limits::LOG_BODY_MAX_BYTES).enumerate() {
        let offset = number * limits::LOG_BODY_MAX_BYTES;
        append(&test, &run, offset as u64, piece).await;
    }
    let (matches, requests) = found(&test, &run, "needle", 10).await;
    assert_eq!(requests, 2, "a bounded part per request");
    let offsets: Vec<u64> = matches.iter().map(|hit| hit.offset).collect();
    let plain = expected(&whole, "needle");
    assert_eq!(
        offsets,
        plain.iter().map(|hit| hit.offset).collect::<Vec<_>>()
    );
    assert_eq!((matches[0], matches[2]), (plain[0], plain[2]));
    // Of the endless line the part around the match is told.
    let around = matches[1];
    assert!(around.line_start > plain[1].line_start);
    assert!(around.line_length < plain[1].line_length);
    assert!((around.line_start..around.line_start + around.line_length).contains(&around.offset));
}

#[tokio::test]
async fn what_was_left_out_is_passed_over() {
    let test = TestHub::new();
    let run = test.running("left-out", Default::default()).await;
    let head = limits::LOG_HEAD_BYTES;
    let piece = vec![b'x'; limits::LOG_BODY_MAX_BYTES];
    for offset in (0..head).step_by(piece.len()) {
        append(&test, &run, offset, &piece).await;
    }
    let to = head + 1_000_000_000;
    let skip = test
        .hub
        .attempt_log_skip(&test.caller, &run, 1, "stdout", to);
    skip.await.unwrap();
    append(&test, &run, to, b"after the flood\n").await;
    let (matches, _) = found(&test, &run, "FLOOD", 10).await;
    let there = LogMatch {
        offset: to + 10,
        line_start: to,
        line_length: 15,
    };
    assert_eq!(matches, [there]);
}

#[tokio::test]
async fn a_search_that_cannot_be_made_names_its_field() {
    let test = TestHub::new();
    let run = test.running("asked", Default::default()).await;
    let good = LogSearch {
        text: "a".to_owned(),
        limit: 10,
        ..LogSearch::default()
    };
    let refuse = async |stream: &str, search: LogSearch| {
        let asked = test
            .hub
            .log_search(&test.caller, run.as_str(), stream, &search);
        asked.await.unwrap_err()
    };
    let text = refuse(
        "stdout",
        LogSearch {
            text: String::new(),
            ..good.clone()
        },
    )
    .await;
    assert!(text.public_message().contains("`text`"), "{text}");
    let limit = refuse(
        "stdout",
        LogSearch {
            limit: 1001,
            ..good.clone()
        },
    )
    .await;
    assert!(limit.public_message().contains("`limit`"), "{limit}");
    let stream = refuse("trace", good.clone()).await;
    assert_eq!(stream.kind(), ErrorKind::Invalid);
    let attempt = refuse(
        "stdout",
        LogSearch {
            attempt: Some(9),
            ..good.clone()
        },
    )
    .await;
    assert_eq!(attempt.kind(), ErrorKind::NotFound);
    let empty = test
        .hub
        .log_search(&test.caller, run.as_str(), "stderr", &good);
    assert_eq!(empty.await.unwrap().matches, []);
}
