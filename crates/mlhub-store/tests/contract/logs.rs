//! Captured output.

use std::collections::BTreeMap;

use mlhub_core::store::LogOutcome;
use mlhub_core::{ErrorKind, limits};
use proptest::prelude::*;

use super::TestStore;
use super::make::{id, run, samples};

pub(crate) async fn bytes_come_back_as_they_were_sent(store: TestStore) {
    store.run_create(&[run("aaaa")]).await.expect("made");
    let a = id("aaaa");
    let bytes: Vec<u8> = (0..=255).collect();
    let append = async |offset, bytes: &[u8]| {
        store
            .log_append(&a, 1, "stdout", offset, bytes)
            .await
            .expect("append")
    };
    assert_eq!(append(0, &bytes).await, LogOutcome::Stored(256));
    assert_eq!(append(0, &bytes).await, LogOutcome::Stored(256));
    assert_eq!(append(257, b"x").await, LogOutcome::Misaligned(256));
    assert_eq!(append(254, b"\xfe\xffyz").await, LogOutcome::Stored(258));
    assert_eq!(append(258, b"").await, LogOutcome::Stored(258));
    let read = async |offset, limit| {
        store
            .log_read(&a, 1, "stdout", offset, limit)
            .await
            .expect("read")
    };
    assert_eq!(read(0, 256).await, bytes);
    assert_eq!(read(255, 10).await, b"\xffyz");
    assert_eq!(read(258, 10).await, b"");
    assert_eq!(read(u64::MAX, 10).await, b"");
    assert_eq!(read(3, 0).await, b"");
    assert_eq!(
        store.log_read(&a, 1, "stderr", 0, 10).await.expect("read"),
        b""
    );
    assert_eq!(
        store
            .log_read(&id("none"), 1, "stdout", 0, 10)
            .await
            .expect("read"),
        b""
    );
    let sizes = store.log_sizes(&a, 1).await.expect("sizes");
    assert_eq!(sizes, BTreeMap::from([("stdout".to_owned(), 258)]));
    let huge = vec![0; limits::LOG_BODY_MAX_BYTES + 1];
    let error = store
        .log_append(&a, 1, "stdout", 258, &huge)
        .await
        .expect_err("too large");
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    let error = store
        .log_append(&a, 1, "s\0", 0, b"x")
        .await
        .expect_err("NUL");
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

pub(crate) async fn pieces_and_reads_agree_with_one_long_text(store: TestStore) {
    store.run_create(&[run("aaaa")]).await.expect("made");
    let a = id("aaaa");
    let mut oracle: Vec<u8> = Vec::new();
    let step = (
        0usize..30,
        prop::collection::vec(any::<u8>(), 0..20),
        0usize..80,
        0usize..60,
    );
    for (back, mut piece, offset, limit) in samples(step, 60) {
        let start = oracle.len().saturating_sub(back);
        // A sender repeats what it sent before, then goes on.
        let known = piece.len().min(oracle.len() - start);
        piece[..known].copy_from_slice(&oracle[start..start + known]);
        let outcome = store
            .log_append(&a, 1, "out", start as u64, &piece)
            .await
            .expect("append");
        oracle.extend_from_slice(&piece[known..]);
        assert_eq!(outcome, LogOutcome::Stored(oracle.len() as u64));
        let read = store
            .log_read(&a, 1, "out", offset as u64, limit)
            .await
            .expect("read");
        let rest = oracle.get(offset..).unwrap_or_default();
        assert_eq!(read, rest[..limit.min(rest.len())]);
    }
}

/// Bytes of the pieces of a flood.
const PIECE: usize = limits::LOG_BODY_MAX_BYTES;

pub(crate) async fn of_a_flood_the_first_and_the_last_part_are_kept(store: TestStore) {
    store.run_create(&[run("aaaa")]).await.expect("made");
    let a = id("aaaa");
    let piece = PIECE as u64;
    for index in 0..20u8 {
        let offset = u64::from(index) * piece;
        let body = vec![index; PIECE];
        let stored = store.log_append(&a, 1, "stdout", offset, &body).await;
        assert_eq!(stored.expect("append"), LogOutcome::Stored(offset + piece));
    }
    let gap = async || {
        let gaps = store.log_gaps(&a, 1).await.expect("gaps");
        gaps.get("stdout").copied()
    };
    let byte = async |offset| {
        let read = store.log_read(&a, 1, "stdout", offset, 1).await;
        read.expect("read").first().copied()
    };
    let (head, tail) = (limits::LOG_HEAD_BYTES, limits::LOG_TAIL_BYTES);
    let from = 20 * piece - tail;
    assert_eq!(gap().await, Some((head, from)));
    assert_eq!(byte(0).await, Some(0));
    assert_eq!(byte(head - 1).await, Some(7));
    assert_eq!(byte(head).await, None);
    assert_eq!(byte(from - 1).await, None);
    assert_eq!(byte(from).await, Some(12));
    let across = store.log_read(&a, 1, "stdout", head - 2, 100).await;
    assert_eq!(across.expect("read"), [7, 7]);

    let skip = async |stream, to| store.log_skip(&a, 1, stream, to).await.expect("skip");
    let to = 50 * piece;
    assert_eq!(skip("stdout", to).await, LogOutcome::Stored(to));
    assert_eq!(skip("stdout", 9).await, LogOutcome::Stored(to));
    assert_eq!(skip("stderr", to).await, LogOutcome::Misaligned(0));
    assert_eq!(gap().await, Some((head, to)));
    let end = store.log_append(&a, 1, "stdout", to, b"end").await;
    assert_eq!(end.expect("append"), LogOutcome::Stored(to + 3));
    assert_eq!(byte(to).await, Some(b'e'));
    assert_eq!(byte(from).await, None);
    assert_eq!(byte(head - 1).await, Some(7));
}
