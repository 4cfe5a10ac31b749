//! Attempts and the changes of their states.

use std::collections::BTreeSet;

use futures::future::join_all;
use mlhub_core::deletion::DeletionAction;
use mlhub_core::run::{ExitStatus, Failure, FailureClass};
use mlhub_core::{ErrorKind, RunState, Timestamp, UserId};

use super::TestStore;
use super::make::{change, id, run};

pub(crate) async fn of_many_changes_exactly_one_wins(store: TestStore) {
    store.run_create(&[run("aaaa")]).await.expect("made");
    for (from, to) in [
        (RunState::Queued, RunState::Running),
        (RunState::Running, RunState::Failed),
    ] {
        let apply = |index: i64| {
            let store = store.clone();
            async move {
                let mut change = change("aaaa", 1, from, to);
                change.started_at = (to == RunState::Running).then_some(Timestamp(index));
                change.ended_at = (to == RunState::Failed).then_some(Timestamp(100 + index));
                (index, store.attempt_change(&change).await.expect("change"))
            }
        };
        let results = futures::future::join_all((0..8).map(apply)).await;
        let winners: Vec<i64> = results
            .into_iter()
            .filter(|(_, won)| *won)
            .map(|(index, _)| index)
            .collect();
        assert_eq!(winners.len(), 1, "{winners:?}");
        let got = store
            .run_get(&id("aaaa"))
            .await
            .expect("get")
            .expect("there");
        assert_eq!(got.state, to);
        let stamp = if to == RunState::Running {
            got.started_at
        } else {
            got.ended_at.map(|t| Timestamp(t.0 - 100))
        };
        assert_eq!(stamp, Some(Timestamp(winners[0])));
    }
}

pub(crate) async fn an_older_attempt_does_not_change_the_run(store: TestStore) {
    store.run_create(&[run("aaaa")]).await.expect("made");
    let a = id("aaaa");
    assert!(
        store
            .attempt_change(&change("aaaa", 1, RunState::Queued, RunState::Lost))
            .await
            .expect("lost")
    );
    store
        .attempt_create(&a, None, None, Timestamp(2))
        .await
        .expect("attempt");
    let mut late = change("aaaa", 1, RunState::Lost, RunState::Failed);
    late.exit = Some(ExitStatus {
        code: None,
        signal: Some(9),
    });
    late.failure = Some(Failure {
        class: FailureClass::Killed,
        message: "killed \u{0}".to_owned(),
        evidence: vec!["line\u{0}".to_owned()],
    });
    assert!(store.attempt_change(&late).await.expect("late"));
    let got = store.run_get(&a).await.expect("get").expect("there");
    assert_eq!(
        (got.state, got.exit, got.failure),
        (RunState::Queued, None, None)
    );
    let attempts = store.attempt_list(&a).await.expect("list");
    assert_eq!(
        (attempts[0].state, attempts[0].exit),
        (RunState::Failed, late.exit)
    );
    assert_eq!(attempts[0].failure, late.failure);

    store
        .attempt_heartbeat(&a, 2, Timestamp(55))
        .await
        .expect("heartbeat");
    let attempts = store.attempt_list(&a).await.expect("list");
    assert_eq!(
        (attempts[0].heartbeat_at, attempts[1].heartbeat_at),
        (None, Some(Timestamp(55)))
    );
}

pub(crate) async fn of_many_new_attempts_exactly_one_is_made(store: TestStore) {
    store.run_create(&[run("aaaa")]).await.expect("made");
    let a = id("aaaa");
    let early = store.attempt_create(&a, None, None, Timestamp(1)).await;
    assert_eq!(early.expect_err("it is queued").kind(), ErrorKind::Conflict);
    let lost = change("aaaa", 1, RunState::Queued, RunState::Lost);
    assert!(store.attempt_change(&lost).await.expect("lost"));
    let racing = (0..8).map(|_| store.attempt_create(&a, None, None, Timestamp(2)));
    let made = join_all(racing).await;
    assert_eq!(
        made.iter().filter(|made| made.is_ok()).count(),
        1,
        "{made:?}"
    );
    let refused = made.into_iter().filter_map(Result::err);
    let kinds: BTreeSet<String> = refused.map(|error| format!("{:?}", error.kind())).collect();
    assert_eq!(kinds, BTreeSet::from(["Conflict".to_owned()]));
    assert_eq!(store.attempt_list(&a).await.expect("list").len(), 2);
    // A run that was hidden meanwhile is not tried again.
    let lost = change("aaaa", 2, RunState::Queued, RunState::Lost);
    assert!(store.attempt_change(&lost).await.expect("lost"));
    let me = UserId("me".to_owned());
    let hidden = store
        .run_hide(
            std::slice::from_ref(&a),
            DeletionAction::Delete,
            "test",
            &me,
            Timestamp(3),
        )
        .await;
    assert_eq!(hidden.expect("hide"), vec![a.clone()]);
    let late = store.attempt_create(&a, None, None, Timestamp(4)).await;
    assert_eq!(late.expect_err("it is hidden").kind(), ErrorKind::Conflict);
}

pub(crate) async fn a_late_truth_replaces_how_a_lost_run_ended(store: TestStore) {
    store.run_create(&[run("aaaa")]).await.expect("made");
    let mut lost = change("aaaa", 1, RunState::Queued, RunState::Lost);
    lost.ended_at = Some(Timestamp(10));
    lost.failure = Some(Failure {
        class: FailureClass::Vanished,
        message: "gone".to_owned(),
        evidence: Vec::new(),
    });
    assert!(store.attempt_change(&lost).await.expect("lost"));
    let mut found = change("aaaa", 1, RunState::Lost, RunState::Running);
    found.started_at = Some(Timestamp(3));
    assert!(store.attempt_change(&found).await.expect("found"));
    let got = store
        .run_get(&id("aaaa"))
        .await
        .expect("get")
        .expect("there");
    assert_eq!(
        (got.started_at, got.ended_at, got.failure),
        (Some(Timestamp(3)), None, None)
    );
    let mut done = change("aaaa", 1, RunState::Running, RunState::Finished);
    done.ended_at = Some(Timestamp(20));
    assert!(store.attempt_change(&done).await.expect("done"));
    let got = store
        .run_get(&id("aaaa"))
        .await
        .expect("get")
        .expect("there");
    assert_eq!(
        (got.started_at, got.ended_at, got.failure),
        (Some(Timestamp(3)), Some(Timestamp(20)), None)
    );
}

pub(crate) async fn a_new_attempt_starts_the_run_afresh(store: TestStore) {
    store.run_create(&[run("aaaa")]).await.expect("made");
    let a = id("aaaa");
    let mut started = change("aaaa", 1, RunState::Queued, RunState::Running);
    started.started_at = Some(Timestamp(10));
    assert!(store.attempt_change(&started).await.expect("started"));
    store.run_stop_request(&a).await.expect("stop");
    let mut ended = change("aaaa", 1, RunState::Running, RunState::Stopped);
    ended.ended_at = Some(Timestamp(20));
    ended.exit = Some(ExitStatus {
        code: Some(0),
        signal: None,
    });
    assert!(store.attempt_change(&ended).await.expect("ended"));
    let got = store.run_get(&a).await.expect("get").expect("there");
    assert_eq!(
        (got.started_at, got.ended_at, got.exit),
        (Some(Timestamp(10)), Some(Timestamp(20)), ended.exit)
    );

    let attempt = store
        .attempt_create(&a, Some("box"), Some(-3), Timestamp(30))
        .await
        .expect("attempt");
    assert_eq!(
        (attempt.number, attempt.state, attempt.resumed_from_step),
        (2, RunState::Queued, Some(-3))
    );
    assert_eq!(
        (attempt.host.as_deref(), attempt.created_at),
        (Some("box"), Timestamp(30))
    );
    let got = store.run_get(&a).await.expect("get").expect("there");
    assert_eq!(
        (got.state, got.attempt, got.stop_requested),
        (RunState::Queued, 2, false)
    );
    assert_eq!(
        (got.started_at, got.ended_at, got.exit, got.failure),
        (None, None, None, None)
    );
    assert_eq!(store.attempt_list(&a).await.expect("list").len(), 2);
}

pub(crate) async fn unsettled_runs_are_listed_by_host(store: TestStore) {
    for (text, host) in [
        ("aaaa", Some("one")),
        ("bbbb", Some("two")),
        ("cccc", None),
        ("dddd", Some("one")),
    ] {
        let mut new = run(text);
        new.host = host.map(str::to_owned);
        store.run_create(&[new]).await.expect("made");
    }
    assert!(
        store
            .attempt_change(&change("dddd", 1, RunState::Queued, RunState::Failed))
            .await
            .expect("failed")
    );
    assert!(
        store
            .attempt_change(&change("bbbb", 1, RunState::Queued, RunState::Lost))
            .await
            .expect("lost")
    );
    let list = async |host| {
        let runs = store.run_unsettled(host).await.expect("list");
        runs.into_iter()
            .map(|run| run.id.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(list(None).await, ["aaaa", "bbbb", "cccc"]);
    assert_eq!(list(Some("one")).await, ["aaaa"]);
    // The newest attempt says where the run is.
    store
        .attempt_create(&id("bbbb"), Some("one"), None, Timestamp(1))
        .await
        .expect("attempt");
    assert_eq!(list(Some("one")).await, ["aaaa", "bbbb"]);
    assert_eq!(list(Some("two")).await, Vec::<String>::new());
}
