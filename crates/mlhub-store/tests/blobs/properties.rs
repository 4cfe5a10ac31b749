//! Any order of parts, failures and restarts against a byte vector.

use bytes::Bytes;
use proptest::prelude::*;

use super::bed::{Bed, hash, noise, record};

/// One thing that happens to an upload.
#[derive(Debug, Clone)]
enum Step {
    /// A part of so many bytes is kept.
    Keep(usize),
    /// A part of so many bytes is dropped half-way.
    Drop(usize),
    /// A part arrives with the hash of another.
    Corrupt(usize),
    /// The hub starts again.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0usize..400).prop_map(Step::Keep),
        1 => (1usize..400).prop_map(Step::Drop),
        1 => (1usize..400).prop_map(Step::Corrupt),
        1 => Just(Step::Restart),
    ]
}

async fn play(steps: Vec<Step>) {
    let bed = Bed::folder();
    let mut store = bed.open().await;
    let content = noise(1500);
    let begun = record("upload-1", 1500, Some(hash(&content)));
    store.upload_create(&begun).await.expect("begun");
    let mut arrived = 0;
    let finish = [Step::Keep(1500)];
    for step in steps.into_iter().chain(finish) {
        let (Step::Keep(size) | Step::Drop(size) | Step::Corrupt(size)) = step else {
            drop(store);
            store = bed.open().await;
            continue;
        };
        let end = (arrived + size).min(content.len());
        let bytes = &content[arrived..end];
        let mut part = store
            .upload_part(&begun.id, arrived as u64)
            .await
            .expect("a part");
        for piece in bytes.chunks(97) {
            part.write(Bytes::copy_from_slice(piece))
                .await
                .expect("written");
        }
        match step {
            Step::Keep(_) => {
                part.keep(Some(&hash(bytes))).await.expect("kept");
                arrived = end;
            }
            Step::Corrupt(_) => assert!(part.keep(Some(&hash(b"another"))).await.is_err()),
            _ => drop(part),
        }
        let state = store
            .upload_get(&begun.id)
            .await
            .expect("get")
            .expect("there");
        assert_eq!(state.offset, arrived as u64);
    }
    let info = store
        .upload_store(&begun.id, &hash(&content))
        .await
        .expect("stored");
    let read = store.read(&info.hash, 0, 2000).await.expect("read");
    assert_eq!(read, content);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn any_order_of_parts_failures_and_restarts_gives_the_content(
        steps in prop::collection::vec(step(), 0..14)
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(play(steps));
    }
}
