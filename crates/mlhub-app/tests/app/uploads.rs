//! Rules of uploads: whose they are, and when they are given up.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use mlhub_app::{UploadBegun, UploadCommit};
use mlhub_core::blob::UploadState;
use mlhub_core::{Caller, ErrorKind, limits};

use crate::hub::TestHub;

async fn begin(hub: &TestHub, caller: &Caller, content: &[u8]) -> UploadState {
    let hash = blake3::hash(content).to_hex().to_string();
    let size = content.len() as u64;
    match hub
        .hub
        .upload_begin(caller, size, Some(hash))
        .await
        .unwrap()
    {
        UploadBegun::Wanted(state) => state,
        UploadBegun::Present => panic!("nobody sent it"),
    }
}

async fn send(hub: &TestHub, state: &UploadState, bytes: &'static [u8]) {
    let id = &state.record.id;
    let mut part = hub.hub.upload_part(&hub.caller, id, 0).await.unwrap();
    part.write(Bytes::from_static(bytes)).await.unwrap();
    part.keep(None).await.unwrap();
}

#[tokio::test]
async fn an_upload_belongs_to_who_began_it() {
    let hub = TestHub::new();
    let other = Caller::local("bob");
    let mine = begin(&hub, &hub.caller, b"content").await;
    let theirs = begin(&hub, &other, b"content").await;
    assert_ne!(mine.record.id, theirs.record.id);
    let id = &mine.record.id;
    let refusals = [
        hub.hub.upload_get(&other, id).await.err(),
        hub.hub.upload_part(&other, id, 0).await.err(),
        hub.hub.upload_remove(&other, id).await.err(),
    ];
    for refusal in refusals {
        assert_eq!(refusal.unwrap().kind(), ErrorKind::NotFound);
    }
    let again = begin(&hub, &hub.caller, b"content").await;
    assert_eq!(again.record.id, *id, "mine is found again");
}

#[tokio::test]
async fn abandoned_uploads_give_their_space_back() {
    // The hub's clock stands in the past, before the files were written, and
    // then a day after now.
    let hub = TestHub::new();
    let state = begin(&hub, &hub.caller, b"content").await;
    send(&hub, &state, b"cont").await;
    assert_eq!(hub.hub.uploads_expire().await.unwrap(), (0, 0));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let later = i64::try_from(now.as_millis()).unwrap() + limits::UPLOAD_IDLE_MAX_MS + 1;
    let hub = hub.at(later);
    assert!(
        hub.hub
            .upload_get(&hub.caller, &state.record.id)
            .await
            .is_ok()
    );
    assert_eq!(hub.hub.uploads_expire().await.unwrap(), (1, 4));
    let gone = hub.hub.upload_get(&hub.caller, &state.record.id).await;
    assert_eq!(gone.unwrap_err().kind(), ErrorKind::NotFound);
    let left = std::fs::read_dir(hub.folder.path().join("blobs/uploads")).unwrap();
    assert_eq!(left.count(), 0);
}

#[tokio::test]
async fn many_commits_of_one_upload_are_one_artifact() {
    let hub = TestHub::new();
    let run = hub.run("run-commits").await;
    let state = begin(&hub, &hub.caller, b"content").await;
    send(&hub, &state, b"content").await;
    let commit = || {
        let place = mlhub_app::ArtifactPlace {
            run: run.clone(),
            attempt: 1,
            path: "a".parse().unwrap(),
            kind: "model".to_owned(),
        };
        hub.hub
            .upload_commit(&hub.caller, &state.record.id, place, None)
    };
    let ended = futures::future::join_all([commit(), commit(), commit()]).await;
    let stored = ended
        .iter()
        .filter(|end| matches!(end, Ok(UploadCommit::Stored(_))))
        .count();
    assert!(stored >= 1, "{ended:?}");
    for end in ended {
        match end {
            Ok(UploadCommit::Stored(artifact)) => assert_eq!(artifact.size_bytes, 7),
            Ok(UploadCommit::Storing) => {}
            // It was done and gone before this one looked.
            Err(error) => assert!(
                matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conflict),
                "{error}"
            ),
        }
    }
    let listed = hub.hub.artifact_list(&hub.caller, run.as_str()).await;
    assert_eq!(listed.unwrap().len(), 1);
}

#[tokio::test]
async fn two_commits_of_one_upload_as_different_contents_are_not_both_right() {
    let hub = TestHub::new();
    let run = hub.run("run-commits").await;
    let begun = hub.hub.upload_begin(&hub.caller, 7, None).await.unwrap();
    let UploadBegun::Wanted(state) = begun else {
        panic!("nothing was announced");
    };
    send(&hub, &state, b"content").await;
    let commit = |hash: blake3::Hash| {
        let place = mlhub_app::ArtifactPlace {
            run: run.clone(),
            attempt: 1,
            path: "a".parse().unwrap(),
            kind: "model".to_owned(),
        };
        let hash = Some(hash.to_hex().to_string());
        hub.hub
            .upload_commit(&hub.caller, &state.record.id, place, hash)
    };
    let (right, wrong) = (blake3::hash(b"content"), blake3::hash(b"another"));
    let (_, wrong) = tokio::join!(commit(right), commit(wrong));
    assert!(wrong.is_err(), "{wrong:?}");
}
