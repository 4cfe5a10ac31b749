//! Deleting, restoring, removing for good; retention rules; the doctor.

use mlhub_app::{DeletionReport, DeletionRequest, DoctorKind, RetentionDraft};
use mlhub_core::deletion::{DeletionAction, DeletionStore as _, NewDeletion};
use mlhub_core::{Caller, ErrorKind, Role, RunId, RunState, Timestamp, UserId};

use crate::hub::TestHub;

pub(crate) fn request(action: DeletionAction, runs: &[&str]) -> DeletionRequest {
    DeletionRequest {
        action,
        runs: runs.iter().map(|run| (*run).to_owned()).collect(),
        project: None,
        query: None,
        all_deleted: false,
        dry_run: false,
    }
}

async fn run(hub: &TestHub, action: DeletionAction, runs: &[&str]) -> DeletionReport {
    let request = request(action, runs);
    hub.hub.deletion_run(&hub.caller, &request).await.unwrap()
}

pub(crate) async fn ended(hub: &TestHub, id: &str) -> RunId {
    let run = hub.running(id, Default::default()).await;
    hub.end(&run, 1, RunState::Finished).await.unwrap();
    run
}

pub(crate) fn blobs(hub: &TestHub) -> Vec<std::path::PathBuf> {
    fn walk(folder: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => walk(&path, found),
                false if path.file_name().unwrap().len() == 64 => found.push(path),
                false => {}
            }
        }
    }
    let mut found = Vec::new();
    walk(&hub.folder.path().join("blobs"), &mut found);
    found
}

#[tokio::test]
async fn a_purge_leaves_nothing_but_its_line_in_the_ledger() {
    let hub = TestHub::new();
    for id in ["run-one", "run-two"] {
        let run = hub.running(id, Default::default()).await;
        hub.log(&run, 1, 0, &[1.0, 2.0]).await;
        hub.upload(&run, "own", id.as_bytes(), "artifact").await;
        hub.upload(&run, "shared", b"shared", "artifact").await;
        hub.end(&run, 1, RunState::Finished).await.unwrap();
    }
    assert_eq!(blobs(&hub).len(), 3);
    let mut dry = request(DeletionAction::Purge, &["run-one"]);
    dry.dry_run = true;
    let planned = hub.hub.deletion_run(&hub.caller, &dry).await.unwrap();
    assert_eq!((planned.done, blobs(&hub).len()), (1, 3));
    assert_eq!((planned.total.blob_count, planned.total.blob_bytes), (1, 7));
    let purged = run(&hub, DeletionAction::Purge, &["run-one", "run-one"]).await;
    assert_eq!((purged.done, purged.total), (1, planned.total));
    assert_eq!(blobs(&hub).len(), 2);
    let gone = hub
        .hub
        .run_overview(&hub.caller, "run-one")
        .await
        .unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
    let ledger = hub.hub.deletion_list(&hub.caller, None, 10).await.unwrap();
    assert_eq!(ledger.len(), 1);
    assert_eq!(ledger[0].size, purged.total);
    assert_eq!(ledger[0].actor.0, "ann");
    assert!(ledger[0].ended_at.is_some());
    let mut whole = request(DeletionAction::Purge, &[]);
    whole.project = Some("p".parse().unwrap());
    hub.hub.deletion_run(&hub.caller, &whole).await.unwrap();
    assert_eq!(blobs(&hub).len(), 0);
    assert!(hub.hub.project_list(&hub.caller).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_run_that_has_not_ended_is_refused_and_the_others_go() {
    let hub = TestHub::new();
    hub.running("busy", Default::default()).await;
    ended(&hub, "done").await;
    for action in [DeletionAction::Delete, DeletionAction::Purge] {
        let report = run(&hub, action, &["busy", "done"]).await;
        assert_eq!((report.done, report.refused), (1, 1), "{action:?}");
        let reason = report.items[0].refused.as_deref().unwrap();
        assert!(reason.contains("running; stop it first"), "{reason}");
    }
}

#[tokio::test]
async fn a_deleted_run_is_not_tried_again_until_it_is_restored() {
    let hub = TestHub::new();
    ended(&hub, "hidden").await;
    hub.hub.run_delete(&hub.caller, "hidden").await.unwrap();
    let again = hub.hub.attempt_create(&hub.caller, "hidden", None, None);
    let error = again.await.unwrap_err();
    assert!(error.public_message().contains("restore"), "{error}");
    let mut all = request(DeletionAction::Restore, &[]);
    all.all_deleted = true;
    assert_eq!(
        hub.hub.deletion_run(&hub.caller, &all).await.unwrap().done,
        1
    );
    let again = hub.hub.attempt_create(&hub.caller, "hidden", None, None);
    again.await.unwrap();
}

#[tokio::test]
async fn a_request_says_what_it_means_and_who_may() {
    let hub = TestHub::new();
    ended(&hub, "run-one").await;
    let nothing = request(DeletionAction::Purge, &[]);
    let mut both = request(DeletionAction::Purge, &["run-one"]);
    both.all_deleted = true;
    let mut drop_all = request(DeletionAction::DropLogs, &[]);
    drop_all.all_deleted = true;
    let mut empty = request(DeletionAction::Purge, &[]);
    empty.query = Some(" ".to_owned());
    let mut empty_of_project = empty.clone();
    empty_of_project.project = Some("p".parse().unwrap());
    for wrong in [nothing, both.clone(), drop_all, empty, empty_of_project] {
        let error = hub.hub.deletion_run(&hub.caller, &wrong).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{wrong:?}");
    }
    let as_role = |role| Caller {
        user: UserId("ray".to_owned()),
        role,
    };
    let mut project = request(DeletionAction::Purge, &[]);
    project.project = Some("p".parse().unwrap());
    for (role, wanted) in [
        (Role::Writer, project),
        (Role::Writer, both),
        (Role::Reader, request(DeletionAction::Delete, &["run-one"])),
    ] {
        let refused = hub.hub.deletion_run(&as_role(role), &wanted).await;
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Forbidden);
    }
    let writer = as_role(Role::Writer);
    assert!(hub.hub.doctor(&writer, false, false).await.is_err());
    assert!(hub.hub.retention_apply(&writer, None, true).await.is_err());
}

#[tokio::test]
async fn a_purge_that_broke_off_is_ended_by_the_next_hub() {
    let hub = TestHub::new();
    let id = hub.running("half", Default::default()).await;
    hub.upload(&id, "a", b"content", "artifact").await;
    hub.end(&id, 1, RunState::Finished).await.unwrap();
    // Killed after the rows went and before the blob did.
    let intent = NewDeletion {
        action: DeletionAction::Purge,
        run: id.clone(),
        cause: "request".to_owned(),
        actor: UserId("ann".to_owned()),
        file_count: 0,
        file_bytes: 0,
        now: Timestamp(1),
    };
    hub.store.deletion_begin(&intent).await.unwrap();
    mlhub_core::store::RunStore::run_delete(&*hub.store, &id)
        .await
        .unwrap();
    let hub = hub.restarted();
    assert_eq!(blobs(&hub).len(), 1);
    let report = hub.hub.doctor(&hub.caller, false, false).await.unwrap();
    let kinds: Vec<DoctorKind> = report.findings.iter().map(|found| found.kind).collect();
    assert_eq!(kinds, [DoctorKind::UnfinishedDeletion]);
    assert_eq!(hub.hub.deletion_resume().await.unwrap(), 1);
    assert_eq!(hub.hub.deletion_resume().await.unwrap(), 0);
    assert_eq!(blobs(&hub).len(), 0);
    let ledger = hub.hub.deletion_list(&hub.caller, None, 10).await.unwrap();
    assert_eq!(ledger.len(), 1);
    assert!(ledger[0].ended_at.is_some());
    let report = hub.hub.doctor(&hub.caller, false, true).await.unwrap();
    assert_eq!(report.findings, []);
}

#[tokio::test]
async fn a_replaced_artifact_leaves_no_content_behind() {
    let hub = TestHub::new();
    let id = hub.running("again", Default::default()).await;
    for content in [&b"first"[..], b"second", b"second", b"third"] {
        hub.upload(&id, "model", content, "checkpoint").await;
        assert_eq!(blobs(&hub).len(), 1);
    }
    hub.upload(&id, "copy", b"third", "artifact").await;
    hub.upload(&id, "model", b"fourth", "artifact").await;
    assert_eq!(blobs(&hub).len(), 2);
}

#[tokio::test]
async fn the_doctor_finds_the_one_broken_content_and_the_one_nobody_uses() {
    let hub = TestHub::new();
    let id = hub.running("sick", Default::default()).await;
    hub.log(&id, 1, 0, &[1.0, 2.0]).await;
    for (path, content) in [("good", "aaaa"), ("flipped", "bbbb"), ("missing", "cccc")] {
        hub.upload(&id, path, content.as_bytes(), "artifact").await;
    }
    hub.end(&id, 1, RunState::Finished).await.unwrap();
    let hash = |content: &str| blake3::hash(content.as_bytes()).to_hex().to_string();
    for path in blobs(&hub) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name == hash("bbbb") {
            std::fs::write(&path, "bbbc").unwrap();
        } else if name == hash("cccc") {
            std::fs::remove_file(&path).unwrap();
        }
    }
    let mut writer = mlhub_core::store::BlobStore::create(&hub.blobs)
        .await
        .unwrap();
    writer.write("orphan".into()).await.unwrap();
    let orphan = writer.finish(None).await.unwrap().hash;
    let young = hub.hub.doctor(&hub.caller, true, false).await.unwrap();
    assert!(
        young
            .findings
            .iter()
            .all(|found| found.kind != DoctorKind::OrphanBlob)
    );
    let place = blobs(&hub).into_iter().find(|path| path.ends_with(&orphan));
    let file = std::fs::File::options().write(true).open(place.unwrap());
    file.unwrap()
        .set_modified(std::time::SystemTime::UNIX_EPOCH)
        .unwrap();

    let shallow = hub.hub.doctor(&hub.caller, false, false).await.unwrap();
    let told = |report: &mlhub_app::DoctorReport| -> Vec<(DoctorKind, String, bool)> {
        let found = report.findings.iter();
        found
            .map(|found| (found.kind, found.place.clone(), found.repaired))
            .collect()
    };
    let missing = (
        DoctorKind::MissingBlob,
        "artifact missing of run sick".to_owned(),
        false,
    );
    let wrong = (
        DoctorKind::WrongBlob,
        "artifact flipped of run sick".to_owned(),
        false,
    );
    let nobody = |mended| (DoctorKind::OrphanBlob, format!("blob {orphan}"), mended);
    assert_eq!(told(&shallow), [missing.clone(), nobody(false)]);
    let deep = hub.hub.doctor(&hub.caller, true, true).await.unwrap();
    assert_eq!(told(&deep), [wrong.clone(), missing.clone(), nobody(true)]);
    assert_eq!((deep.artifacts, deep.series, deep.repaired), (3, 1, 1));
    let after = hub.hub.doctor(&hub.caller, true, true).await.unwrap();
    assert_eq!(told(&after), [wrong, missing]);
}

#[tokio::test]
async fn rules_keep_the_newest_of_each_experiment_and_note_what_they_do() {
    let hub = TestHub::new();
    for id in ["run1", "run2", "run3"] {
        let run = hub.running(id, Default::default()).await;
        let caller = &hub.caller;
        let log = hub.hub.attempt_log(caller, &run, 1, "stdout", 0, b"hello");
        log.await.unwrap();
        hub.end(&run, 1, RunState::Finished).await.unwrap();
    }
    let draft = |name: &str, action, after_ms, keep_last| RetentionDraft {
        name: name.parse().unwrap(),
        query: String::new(),
        action,
        after_ms,
        keep_last,
        keep_best: None,
    };
    let set = async |draft| hub.hub.retention_set(&hub.caller, draft).await;
    let all = set(draft("all", DeletionAction::Purge, None, 0)).await;
    assert_eq!(all.unwrap_err().kind(), ErrorKind::Invalid);
    set(draft("logs", DeletionAction::DropLogs, None, 1))
        .await
        .unwrap();
    // The ends of these runs are in 1970.
    set(draft("old", DeletionAction::Purge, Some(1000), 2))
        .await
        .unwrap();
    let never = draft("never", DeletionAction::Purge, Some(i64::MAX), 0);
    set(never).await.unwrap();
    let apply = async |dry_run| {
        let done = hub.hub.retention_apply(&hub.caller, None, dry_run).await;
        let told = done.unwrap().into_iter().map(|(rule, report)| {
            let runs = report.items.iter().map(|item| item.run.id.to_string());
            format!("{}: {}", rule.name, runs.collect::<Vec<_>>().join(" "))
        });
        told.collect::<Vec<_>>()
    };
    let plan = ["logs: run1 run2", "never: ", "old: run1"];
    assert_eq!(apply(true).await, plan);
    assert_eq!(apply(false).await, plan);
    assert_eq!(apply(false).await, ["logs: ", "never: ", "old: "]);
    let ledger = hub.hub.deletion_list(&hub.caller, None, 10).await.unwrap();
    let lines: Vec<String> = ledger
        .iter()
        .map(|line| format!("{} {} {}", line.cause, line.action.as_str(), line.run))
        .collect();
    assert_eq!(
        lines,
        [
            "retention old purge run1",
            "retention logs drop_logs run2",
            "retention logs drop_logs run1"
        ]
    );
    let name = "logs".parse().unwrap();
    hub.hub.retention_remove(&hub.caller, &name).await.unwrap();
    let gone = hub.hub.retention_remove(&hub.caller, &name).await;
    assert_eq!(gone.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn purging_the_deleted_runs_of_a_project_leaves_the_project() {
    let hub = TestHub::new();
    ended(&hub, "run-one").await;
    hub.hub.run_delete(&hub.caller, "run-one").await.unwrap();
    let mut deleted = request(DeletionAction::Purge, &[]);
    deleted.project = Some("p".parse().unwrap());
    deleted.all_deleted = true;
    let report = hub.hub.deletion_run(&hub.caller, &deleted).await.unwrap();
    assert_eq!(report.done, 1);
    assert_eq!(hub.hub.project_list(&hub.caller).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_run_whose_purge_has_begun_is_not_restored() {
    let hub = TestHub::new();
    let run = ended(&hub, "half").await;
    let intent = NewDeletion {
        action: DeletionAction::Purge,
        run: run.clone(),
        cause: "request".to_owned(),
        actor: UserId("ann".to_owned()),
        file_count: 0,
        file_bytes: 0,
        now: Timestamp(1),
    };
    hub.store.deletion_begin(&intent).await.unwrap();
    let report = self::run(&hub, DeletionAction::Restore, &["half"]).await;
    assert_eq!((report.done, report.refused), (0, 1));
    let reason = report.items[0].refused.as_deref().unwrap();
    assert!(reason.contains("purge"), "{reason}");
    assert!(
        hub.hub
            .run_row(&hub.caller, &run)
            .await
            .unwrap()
            .run
            .deleted_at
            .is_some()
    );
}

#[tokio::test]
async fn a_purge_given_up_half_way_leaves_no_ghost_in_searches() {
    use futures::FutureExt as _;
    let hub = TestHub::new();
    ended(&hub, "ghost").await;
    let found = async || {
        let all = mlhub_app::RunSearchRequest {
            query: "deleted is null or deleted is not null".to_owned(),
            ..Default::default()
        };
        hub.hub.run_search(&hub.caller, all).await.unwrap().total
    };
    assert_eq!(found().await, 1);
    // The client goes later each time, until the run is gone before it.
    let mut polls = 0;
    while mlhub_core::store::RunStore::run_get(&*hub.store, &"ghost".parse().unwrap())
        .await
        .unwrap()
        .is_some()
    {
        polls += 1;
        let purge = request(DeletionAction::Purge, &["ghost"]);
        let mut purging = Box::pin(hub.hub.deletion_run(&hub.caller, &purge));
        for _ in 0..polls {
            if purging.as_mut().now_or_never().is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(found().await, 0);
}
