//! Projects out of one hub and into another; archives that lie.

use std::collections::{BTreeMap, BTreeSet};

use mlhub_app::portable::{ImportReport, tar};
use mlhub_core::deletion::DeletionAction;
use mlhub_core::store::BlobStore as _;
use mlhub_core::trace::{ArrivedSpans, SpanState, TraceSpan};
use mlhub_core::{ErrorKind, Name, Permission, Result, RunState};
use mlhub_protocol::rest::Snapshot;
use mlhub_store::FolderBlobStore;

use crate::hub::{TestHub, batch};

const PREDICTIONS: &[u8] = b"id,y_true,y_pred\n1,0,0\n2,1,1\n";

fn project() -> Name {
    "p".parse().unwrap()
}

async fn filled() -> TestHub {
    let hub = TestHub::new();
    let run = hub.running("run-one", Snapshot::default()).await;
    hub.log(&run, 1, 0, &[0.5, f64::NAN, -0.0]).await;
    hub.upload(&run, "model.bin", &[7; 700], "model").await;
    hub.upload(&run, "copy.bin", &[7; 700], "model").await;
    hub.predict(&run, "test.csv", PREDICTIONS).await;
    hub.run("run-two").await;
    traces(&hub).await;
    hub
}

/// Traces with spans and a file.
async fn traces(hub: &TestHub) {
    let experiments = hub.hub.experiment_list_all(&hub.caller).await.unwrap();
    for id in ["tr-b", "tr-a"] {
        let span = TraceSpan {
            id: "01".to_owned(),
            parent: None,
            name: "root".to_owned(),
            kind: String::new(),
            state: SpanState::Ok,
            started_ns: 5_000_000,
            ended_ns: None,
            content: "{\"a\": 1}".to_owned(),
        };
        let arrived = ArrivedSpans {
            trace: id.parse().unwrap(),
            experiment: experiments[0].number,
            run: None,
            spans: vec![
                TraceSpan {
                    id: "02".to_owned(),
                    ..span.clone()
                },
                span,
            ],
            tags: [("t".to_owned(), "1".to_owned())].into(),
            metadata: BTreeMap::new(),
            request_preview: None,
            response_preview: None,
        };
        let stored = hub.hub.trace_spans_put(&hub.caller, &[arrived]).await;
        stored.unwrap();
        for path in ["traces.json", "attachments/x"] {
            let path = path.parse().unwrap();
            let id = id.parse().unwrap();
            let stored = hub.hub.trace_file_put(&hub.caller, &id, &path, &[0, 255]);
            stored.await.unwrap();
        }
    }
}

pub(crate) async fn export(hub: &TestHub) -> Vec<u8> {
    let name = project();
    let mut stream = hub.hub.project_export(&hub.caller, &name).await.unwrap();
    let mut bytes = Vec::new();
    while let Some(piece) = stream.next().await {
        bytes.extend(piece.unwrap());
    }
    bytes
}

pub(crate) async fn import(
    hub: &TestHub,
    archive: &[u8],
    name: Option<&str>,
) -> Result<ImportReport> {
    let name = name.map(|name| name.parse().unwrap());
    let mut intake = hub.hub.import_start(&hub.caller, name).await?;
    for piece in archive.chunks(1000) {
        if !intake.push(piece.to_vec().into()).await {
            break;
        }
    }
    intake.finish().await
}

async fn hash(hub: &TestHub, name: &Name) -> String {
    let hash = hub.hub.project_hash(&hub.caller, name).await.unwrap();
    hash.content_hash
}

/// Nothing of an archive is there.
async fn untouched(hub: &TestHub) {
    let projects = hub.hub.project_list(&hub.caller).await.unwrap();
    assert!(projects.is_empty());
    let blobs = FolderBlobStore::open(hub.folder.path().join("blobs")).unwrap();
    assert!(blobs.list(None, 10).await.unwrap().is_empty());
}

/// The entries of an archive.
pub(crate) fn entries(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut input = archive;
    let mut found = Vec::new();
    while let Some(entry) = tar::next(&mut input).unwrap() {
        let (bytes, rest) = input.split_at(entry.size_bytes as usize);
        input = rest;
        tar::skip_padding(&mut input, entry.size_bytes).unwrap();
        found.push((entry.name, bytes.to_vec()));
    }
    found
}

fn archive(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, content) in entries {
        let size = content.len() as u64;
        bytes.extend(tar::header(name, size).unwrap());
        bytes.extend(content);
        bytes.resize(bytes.len() + tar::padding(size), 0);
    }
    bytes.extend(tar::END);
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn an_imported_project_has_the_same_content_hash_under_any_name() {
    let source = filled().await;
    let wanted = hash(&source, &project()).await;
    let bytes = export(&source).await;
    let target = TestHub::new();
    target.hub.definitions_install().await.unwrap();
    let report = import(&target, &bytes, Some("elsewhere")).await.unwrap();
    assert_eq!((report.runs_imported, report.runs_present), (2, 0));
    // Two artifacts of one content are one blob; predictions are the other.
    assert_eq!(report.blobs_imported, 2);
    assert_eq!(report.content_hash, wanted);
    let name: Name = "elsewhere".parse().unwrap();
    assert_eq!(hash(&target, &name).await, wanted);
    let again = import(&target, &bytes, Some("elsewhere")).await.unwrap();
    assert_eq!((again.runs_imported, again.runs_present), (0, 2));
    assert_eq!(again.blobs_imported, 0);
    assert_eq!(hash(&target, &name).await, wanted);
    // What changes changes the hash.
    let run = "run-two".parse().unwrap();
    target.start(&run, 1).await.unwrap();
    assert_ne!(hash(&target, &name).await, wanted);
    let error = import(&target, &bytes, Some("elsewhere"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.public_message().contains("run-two"), "{error}");
    let error = import(&target, &bytes, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.public_message().contains("elsewhere"), "{error}");
    assert_eq!(
        target.state(&"run-one".parse().unwrap()).await,
        RunState::Finished
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_content_is_the_same_archive() {
    let source = filled().await;
    let first = entries(&export(&source).await);
    let second = entries(&export(&source).await);
    assert_eq!(first[1..], second[1..]);
    let names: Vec<&str> = first.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names[0], "mlhub.json");
    assert_eq!(names.last(), Some(&"end.json"));
    assert_eq!(
        names
            .iter()
            .filter(|name| name.starts_with("blobs/"))
            .count(),
        2
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_or_damaged_archive_leaves_nothing() {
    let bytes = export(&filled().await).await;
    let target = TestHub::new();
    for end in (0..bytes.len()).step_by(bytes.len() / 60) {
        let error = import(&target, &bytes[..end], None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{end}: {error}");
    }
    untouched(&target).await;
    // The first entry says what the archive is; everything else is under a hash,
    // apart from the zeros between entries.
    let places = (1024..bytes.len()).filter(|place| bytes[*place] != 0);
    for place in places.step_by(bytes.len() / 120) {
        let mut damaged = bytes.clone();
        damaged[place] ^= 0x10;
        let error = import(&target, &damaged, None).await.unwrap_err();
        assert_ne!(error.kind(), ErrorKind::Internal, "{place}: {error}");
        untouched(&target).await;
    }
    let mut more = bytes.clone();
    more.push(0);
    import(&target, &more, None).await.unwrap_err();
    untouched(&target).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_archive_is_refused_by_name() {
    let good = entries(&export(&filled().await).await);
    let target = TestHub::new();
    let refuse = async |entries: &[(String, Vec<u8>)], said: &str| {
        let error = import(&target, &archive(entries), None).await.unwrap_err();
        assert!(error.public_message().contains(said), "{said}: {error}");
        untouched(&target).await;
    };
    for name in [
        "../../etc/passwd",
        "/etc/passwd",
        "blobs/../x",
        "x.exe",
        "a\u{7}b.jsonl",
    ] {
        let mut entries = good.clone();
        entries.insert(1, (name.to_owned(), b"x".to_vec()));
        let error = import(&target, &archive(&entries), None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{name}: {error}");
        untouched(&target).await;
    }
    let mut entries = good.clone();
    entries[0].1 = br#"{"format":"mlhub-archive","version":2,"kind":"project"}"#.to_vec();
    refuse(&entries, "version 2").await;
    let blob = good
        .iter()
        .position(|(name, _)| name.starts_with("blobs/"))
        .unwrap();
    let mut entries = good.clone();
    entries[blob].1[0] ^= 1;
    refuse(&entries, "another content").await;
    let mut entries = good.clone();
    entries.remove(blob);
    refuse(&entries, "lacks the blob").await;
    let mut entries = good.clone();
    let twice = entries[blob].clone();
    entries.insert(blob, twice);
    refuse(&entries, "does not belong").await;
    let mut entries = good.clone();
    entries.swap(2, 3);
    assert!(import(&target, &archive(&entries), None).await.is_err());
    untouched(&target).await;
    // An entry that says it is huge is refused by what it says.
    let mut bomb = archive(&good[..1]);
    bomb.truncate(bomb.len() - tar::END.len());
    bomb.extend(tar::header("shared/000001.jsonl", u64::MAX).unwrap());
    let error = import(&target, &bomb, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    untouched(&target).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_administrator_imports_and_backs_up() {
    let hub = filled().await;
    let mut writer = hub.caller.clone();
    writer.role = mlhub_core::Role::Writer;
    writer.require(Permission::Write).unwrap();
    let refused = hub.hub.import_start(&writer, None).await.err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::Forbidden);
    let refused = hub
        .hub
        .backup(&writer, BTreeSet::new())
        .await
        .err()
        .unwrap();
    assert_eq!(refused.kind(), ErrorKind::Forbidden);
    // While one is under way, nothing it may need is removed.
    let stream = hub.hub.backup(&hub.caller, BTreeSet::new()).await.unwrap();
    let purge = crate::deletion::request(DeletionAction::Purge, &["run-one"]);
    let refused = hub.hub.deletion_run(&hub.caller, &purge).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    drop(stream);
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_leave_room_for_a_backup() {
    let hub = filled().await;
    let name = project();
    let first = hub.hub.project_export(&hub.caller, &name).await.unwrap();
    let refused = hub.hub.project_export(&hub.caller, &name).await;
    assert_eq!(refused.err().unwrap().kind(), ErrorKind::Unavailable);
    let backup = hub.hub.backup(&hub.caller, BTreeSet::new()).await.unwrap();
    drop((first, backup));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_archive_twice_at_once_is_once() {
    let bytes = export(&filled().await).await;
    let target = TestHub::new();
    let (one, two) = tokio::join!(import(&target, &bytes, None), import(&target, &bytes, None));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.runs_imported + two.runs_imported, 2);
    assert_eq!(one.runs_present + two.runs_present, 2);
    assert_eq!(hash(&target, &project()).await, one.content_hash);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_leaves_no_blob() {
    let bytes = export(&filled().await).await;
    let target = TestHub::new();
    // Opened before anything comes: opening clears what a writer that died left behind.
    let blobs = FolderBlobStore::open(target.folder.path().join("blobs")).unwrap();
    let mut intake = target.hub.import_start(&target.caller, None).await.unwrap();
    // All but the end: every blob is stored by now, and nothing names them.
    let most = bytes.len() - 2 * tar::END.len();
    assert!(intake.push(bytes[..most].to_vec().into()).await);
    let until = async |count: usize| {
        while blobs.list(None, 10).await.unwrap().len() != count {
            tokio::task::yield_now().await;
        }
    };
    let limit = std::time::Duration::from_secs(60);
    tokio::time::timeout(limit, until(2)).await.unwrap();
    drop(intake);
    tokio::time::timeout(limit, until(0)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_runs_that_are_here_already_are_compared() {
    let source = TestHub::new();
    let ids: Vec<String> = (0..20).map(|number| format!("run-{number:02}")).collect();
    for id in &ids {
        let run = source.running(id, Snapshot::default()).await;
        source.log(&run, 1, 0, &[1.0, 2.0]).await;
        source.end(&run, 1, RunState::Finished).await.unwrap();
    }
    let bytes = export(&source).await;
    let target = TestHub::new();
    import(&target, &bytes, None).await.unwrap();
    let again = import(&target, &bytes, None).await.unwrap();
    assert_eq!((again.runs_imported, again.runs_present), (0, 20));
    let changed = "run-13".parse().unwrap();
    let mut more = batch(&changed, 1, Vec::new());
    more.writer = "another".to_owned();
    more.tags = vec![("a".to_owned(), "b".to_owned())];
    target
        .hub
        .attempt_events(&target.caller, more)
        .await
        .unwrap();
    let error = import(&target, &bytes, None).await.unwrap_err();
    assert!(error.public_message().contains("run-13"), "{error}");
}
