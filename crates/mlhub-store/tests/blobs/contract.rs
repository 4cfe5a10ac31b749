//! The cases.

use bytes::Bytes;
use mlhub_core::blob::{BlobInfo, BlobStore};
use mlhub_core::{Error, ErrorKind, UploadId, limits};

use super::bed::{Bed, hash, noise, record};

async fn put(store: &dyn BlobStore, parts: &[&[u8]]) -> BlobInfo {
    let mut writer = store.create().await.expect("a writer");
    for part in parts {
        let part = Bytes::copy_from_slice(part);
        writer.write(part).await.expect("written");
    }
    writer.finish(None).await.expect("finished")
}

async fn all(store: &dyn BlobStore, hash: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let offset = bytes.len() as u64;
        let piece = store.read(hash, offset, 1 << 20).await.expect("read");
        if piece.is_empty() {
            return bytes;
        }
        bytes.extend_from_slice(&piece);
    }
}

async fn names(store: &dyn BlobStore) -> Vec<String> {
    let listed = store.list(None, 100).await.expect("listed");
    listed.into_iter().map(|entry| entry.hash).collect()
}

pub(crate) async fn what_is_written_is_read_by_its_hash(bed: Bed) {
    let store = bed.open().await;
    for parts in [&[b"one ".as_slice(), b"", b"two\0"][..], &[], &[b""]] {
        let whole = parts.concat();
        let info = put(&*store, parts).await;
        assert_eq!(info.hash, hash(&whole));
        assert_eq!(info.size_bytes, whole.len() as u64);
        let size = store.stat(&info.hash).await.expect("stat");
        assert_eq!(size, Some(info.size_bytes));
        assert_eq!(all(&*store, &info.hash).await, whole);
        assert_eq!(put(&*store, parts).await, info);
    }
    let info = put(&*store, &[b"one two\0"]).await;
    let read = async |offset, limit| store.read(&info.hash, offset, limit).await.expect("read");
    assert_eq!(read(4, 3).await, "two");
    assert_eq!(read(4, 300).await, "two\0");
    assert_eq!(read(8, 3).await, "");
    assert_eq!(read(u64::MAX, 3).await, "");
    assert_eq!(bed.staged("tmp"), 0);
    store.remove(&info.hash).await.expect("removed");
    store.remove(&info.hash).await.expect("removed again");
    assert_eq!(store.stat(&info.hash).await.expect("stat"), None);
    let error = store.read(&info.hash, 0, 1).await.expect_err("gone");
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

/// On S3 this is a multipart upload, its last part a short one.
pub(crate) async fn many_parts_are_one_blob(bed: Bed) {
    let store = bed.open().await;
    let content = noise(17 * 1024 * 1024 + 11);
    let pieces: Vec<&[u8]> = content.chunks(1_000_003).collect();
    let info = put(&*store, &pieces).await;
    assert_eq!(info.hash, hash(&content));
    assert_eq!(hash(&all(&*store, &info.hash).await), info.hash);
    let middle = store.read(&info.hash, 8_388_600, 16).await.expect("read");
    assert_eq!(middle, content[8_388_600..8_388_616]);
}

pub(crate) async fn an_unfinished_or_wrong_blob_leaves_nothing(bed: Bed) {
    let store = bed.open().await;
    let mut writer = store.create().await.expect("a writer");
    writer
        .write(Bytes::from_static(b"half"))
        .await
        .expect("written");
    drop(writer);
    let mut writer = store.create().await.expect("a writer");
    writer
        .write(Bytes::from_static(b"other"))
        .await
        .expect("written");
    let error = writer.finish(Some(&hash(b"announced"))).await;
    assert_eq!(error.expect_err("differs").kind(), ErrorKind::Invalid);
    assert_eq!(bed.staged("tmp"), 0);
    assert_eq!(names(&*store).await, Vec::<String>::new());
}

pub(crate) async fn only_a_hash_names_a_blob(bed: Bed) {
    let store = bed.open().await;
    let (long, upper) = ("a".repeat(65), "A".repeat(64));
    let multibyte = "é".repeat(32);
    let climbing = format!("../{}", "a".repeat(61));
    for name in [
        "",
        "../canary",
        "/etc/passwd",
        &long,
        &upper,
        &multibyte,
        &climbing,
    ] {
        let invalid = |error: Error| assert_eq!(error.kind(), ErrorKind::Invalid, "{name}");
        invalid(store.stat(name).await.expect_err("stat"));
        invalid(store.read(name, 0, 1).await.expect_err("read"));
        invalid(store.remove(name).await.expect_err("remove"));
        invalid(store.list(Some(name), 1).await.expect_err("list"));
        let lying = record("upload-x", 1, Some(name.to_owned()));
        invalid(store.upload_create(&lying).await.expect_err("upload"));
    }
}

pub(crate) async fn blobs_are_listed_in_order_page_by_page(bed: Bed) {
    let store = bed.open().await;
    let mut expected = Vec::new();
    for index in 0..25u8 {
        expected.push(put(&*store, &[&vec![index; usize::from(index)]]).await);
    }
    expected.sort_by(|a, b| a.hash.cmp(&b.hash));
    let upload = record("upload-1", 9, None);
    store
        .upload_create(&upload)
        .await
        .expect("an upload is no blob");
    let mut found = Vec::new();
    loop {
        let after = found.last().map(|entry: &BlobInfo| entry.hash.clone());
        let page = store.list(after.as_deref(), 7).await.expect("a page");
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 7);
        assert!(
            page.iter()
                .all(|entry| entry.stored_at.0 > 1_600_000_000_000)
        );
        found.extend(page.into_iter().map(|entry| BlobInfo {
            hash: entry.hash,
            size_bytes: entry.size_bytes,
        }));
    }
    assert_eq!(found, expected);
}

async fn send(
    store: &dyn BlobStore,
    id: &UploadId,
    offset: u64,
    bytes: &[u8],
) -> Result<u64, Error> {
    let mut part = store.upload_part(id, offset).await?;
    part.write(Bytes::copy_from_slice(bytes)).await?;
    part.keep(Some(&hash(bytes))).await
}

fn expected_offset(error: &Error) -> Option<u64> {
    error.details()?.get("expected")?.as_u64()
}

pub(crate) async fn an_upload_goes_on_where_it_was(bed: Bed) {
    let store = bed.open().await;
    let content = noise(9 * 1024 * 1024);
    let begun = record("upload-1", content.len() as u64, None);
    store.upload_create(&begun).await.expect("begun");
    let id = &begun.id;
    assert_eq!(
        send(&*store, id, 0, &content[..1000]).await.expect("kept"),
        1000
    );
    for wrong in [0, 999, 1001, u64::MAX] {
        let error = store
            .upload_part(id, wrong)
            .await
            .err()
            .expect("misaligned");
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert_eq!(expected_offset(&error), Some(1000));
    }
    let early = store
        .upload_store(id, &hash(&content))
        .await
        .expect_err("not whole");
    assert_eq!(
        (early.kind(), expected_offset(&early)),
        (ErrorKind::Conflict, Some(1000))
    );
    assert_eq!(names(&*store).await, Vec::<String>::new());
    send(&*store, id, 1000, &content[1000..])
        .await
        .expect("kept");
    let info = store
        .upload_store(id, &hash(&content))
        .await
        .expect("stored");
    assert_eq!(
        store.upload_store(id, &info.hash).await.expect("again"),
        info
    );
    assert_eq!(hash(&all(&*store, &info.hash).await), hash(&content));
    assert_eq!(store.upload_list().await.expect("listed").len(), 1);
    store.upload_remove(id).await.expect("removed");
    store.upload_remove(id).await.expect("removed again");
    assert_eq!(store.upload_get(id).await.expect("get"), None);
    assert_eq!(bed.staged("uploads"), 0);
    assert_eq!(names(&*store).await, [info.hash]);
}

pub(crate) async fn a_part_that_is_not_what_it_says_changes_nothing(bed: Bed) {
    let store = bed.open().await;
    let begun = record("upload-1", 10, Some(hash(b"0123456789")));
    store.upload_create(&begun).await.expect("begun");
    send(&*store, &begun.id, 0, b"012").await.expect("kept");
    let offset = async || {
        store
            .upload_get(&begun.id)
            .await
            .expect("get")
            .expect("there")
            .offset
    };
    let mut part = store.upload_part(&begun.id, 3).await.expect("a part");
    part.write(Bytes::from_static(b"34x"))
        .await
        .expect("written");
    let error = part.keep(Some(&hash(b"345"))).await.expect_err("differs");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let mut part = store.upload_part(&begun.id, 3).await.expect("a part");
    part.write(Bytes::from_static(b"345"))
        .await
        .expect("written");
    drop(part);
    let mut part = store.upload_part(&begun.id, 3).await.expect("a part");
    let error = part.write(Bytes::from_static(b"34567890")).await;
    assert_eq!(error.expect_err("too long").kind(), ErrorKind::TooLarge);
    assert!(part.keep(None).await.is_err());
    assert_eq!(offset().await, 3);
    let mut part = store.upload_part(&begun.id, 3).await.expect("a part");
    part.write(Bytes::from_static(b"3456"))
        .await
        .expect("written");
    part.keep(None)
        .await
        .expect("what came may be kept without a hash");
    send(&*store, &begun.id, 7, b"789").await.expect("kept");
    store
        .upload_store(&begun.id, &hash(b"0123456789"))
        .await
        .expect("stored");
}

pub(crate) async fn an_upload_has_one_writer_at_a_time(bed: Bed) {
    let store = bed.open().await;
    let begun = record("upload-1", 6, None);
    store.upload_create(&begun).await.expect("begun");
    let mut part = store.upload_part(&begun.id, 0).await.expect("a part");
    part.write(Bytes::from_static(b"abc"))
        .await
        .expect("written");
    for error in [
        store.upload_part(&begun.id, 0).await.err().expect("taken"),
        store
            .upload_store(&begun.id, &hash(b"abc"))
            .await
            .expect_err("taken"),
        store.upload_remove(&begun.id).await.expect_err("taken"),
    ] {
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert_eq!(error.details().expect("details")["busy"], true);
    }
    part.keep(None).await.expect("kept");
    send(&*store, &begun.id, 3, b"def")
        .await
        .expect("free again");
}

pub(crate) async fn an_upload_survives_a_restart(bed: Bed) {
    let content = noise(3_000_000);
    let begun = record("upload-1", 3_000_000, Some(hash(&content)));
    let store = bed.open().await;
    store.upload_create(&begun).await.expect("begun");
    send(&*store, &begun.id, 0, &content[..1_999_999])
        .await
        .expect("kept");
    std::fs::write(bed.folder.path().join("uploads/stray.part"), "x").expect("written");
    std::fs::write(bed.folder.path().join("uploads/broken.json"), "{").expect("written");
    std::fs::write(bed.folder.path().join("tmp/left"), "x").expect("written");
    drop(store);
    let store = bed.open().await;
    assert_eq!((bed.staged("tmp"), bed.staged("uploads")), (0, 2));
    let found = store
        .upload_get(&begun.id)
        .await
        .expect("get")
        .expect("there");
    assert_eq!((found.record, found.offset), (begun.clone(), 1_999_999));
    send(&*store, &begun.id, 1_999_999, &content[1_999_999..])
        .await
        .expect("kept");
    drop(store);
    let store = bed.open().await;
    let info = store
        .upload_store(&begun.id, &hash(&content))
        .await
        .expect("stored");
    assert_eq!(hash(&all(&*store, &info.hash).await), info.hash);
}

pub(crate) async fn a_lying_upload_is_refused_and_gone(bed: Bed) {
    let store = bed.open().await;
    let begun = record("upload-1", 3, Some(hash(b"abc")));
    store.upload_create(&begun).await.expect("begun");
    send(&*store, &begun.id, 0, b"xyz").await.expect("kept");
    let error = store.upload_store(&begun.id, &hash(b"abc")).await;
    assert_eq!(error.expect_err("not abc").kind(), ErrorKind::Invalid);
    assert_eq!(store.upload_get(&begun.id).await.expect("get"), None);
    assert_eq!(bed.staged("uploads"), 0);
    assert_eq!(names(&*store).await, Vec::<String>::new());
}

pub(crate) async fn what_cannot_fit_is_refused_at_once(bed: Bed) {
    let store = bed.open().await;
    for (size, expected) in [
        (u64::MAX, ErrorKind::TooLarge),
        (5 << 40, ErrorKind::TooLarge),
        (limits::ARTIFACT_MAX_BYTES + 1, ErrorKind::TooLarge),
    ] {
        let error = store.upload_create(&record("upload-1", size, None)).await;
        assert_eq!(error.expect_err("too large").kind(), expected, "{size}");
    }
    // Announced sizes count before a byte of them arrived: sooner or later the
    // disk is promised away, however large it is.
    let mut refused = None;
    for index in 0..100_000 {
        let begun = record(&format!("upload-{index}"), limits::ARTIFACT_MAX_BYTES, None);
        if let Err(error) = store.upload_create(&begun).await {
            refused = Some(error);
            break;
        }
    }
    assert_eq!(refused.expect("refused").kind(), ErrorKind::StorageFull);
    let empty = record("upload-empty", 0, Some(hash(b"")));
    store
        .upload_create(&empty)
        .await
        .expect("nothing needs no space");
    let info = store
        .upload_store(&empty.id, &hash(b""))
        .await
        .expect("stored");
    assert_eq!(info.size_bytes, 0);
    assert_eq!(store.stat(&info.hash).await.expect("stat"), Some(0));
}
