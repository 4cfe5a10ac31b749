//! Rules that keep the best runs, and what they say of those they take.

use mlhub_app::{DeletionReport, RetentionDraft};
use mlhub_core::deletion::{BestDirection, DeletionAction, DeletionStore as _, KeepBest};
use mlhub_core::{ErrorKind, RunState};

use crate::hub::TestHub;

fn keep(count: u32, by: &str, direction: BestDirection) -> RetentionDraft {
    RetentionDraft {
        name: "best".parse().unwrap(),
        query: String::new(),
        action: DeletionAction::Delete,
        after_ms: None,
        keep_last: 0,
        keep_best: Some(KeepBest {
            count,
            by: by.to_owned(),
            direction,
        }),
    }
}

/// A hub with ended runs that logged these values of `loss`.
async fn with_runs(runs: &[(&str, &[f64])]) -> TestHub {
    let hub = TestHub::new();
    for (id, values) in runs {
        let run = hub.running(id, Default::default()).await;
        if !values.is_empty() {
            hub.log(&run, 1, 0, values).await;
        }
        hub.end(&run, 1, RunState::Finished).await.unwrap();
    }
    hub
}

/// What the rule would do now.
async fn plan(hub: &TestHub, draft: RetentionDraft) -> DeletionReport {
    hub.hub.retention_set(&hub.caller, draft).await.unwrap();
    let done = hub.hub.retention_apply(&hub.caller, None, true).await;
    done.unwrap().remove(0).1
}

fn taken(report: &DeletionReport) -> Vec<&str> {
    report
        .items
        .iter()
        .map(|item| item.run.id.as_str())
        .collect()
}

#[tokio::test]
async fn the_best_of_each_experiment_are_kept_by_number_and_direction() {
    let hub = with_runs(&[
        ("run-high", &[0.9]),
        ("run-low", &[0.1]),
        ("run-nan", &[f64::NAN]),
        ("run-none", &[]),
        ("run-mid", &[0.5]),
        ("run-mid-again", &[0.5]),
    ])
    .await;
    let least = keep(2, "metrics.loss", BestDirection::Minimize);
    // Among equals the newest is better.
    assert_eq!(
        taken(&plan(&hub, least).await),
        ["run-high", "run-nan", "run-none", "run-mid"]
    );
    let most = keep(1, "metrics.loss", BestDirection::Maximize);
    let mut report = plan(&hub, most.clone()).await;
    assert_eq!(
        taken(&report),
        ["run-low", "run-nan", "run-none", "run-mid", "run-mid-again"]
    );
    let reasons: Vec<String> = report
        .items
        .drain(..)
        .filter_map(|item| item.reason)
        .collect();
    assert_eq!(
        reasons[0],
        "is the best but 3 of its experiment by metrics.loss, and 1 are kept"
    );
    assert_eq!(reasons[1], "has no metrics.loss to be kept for");
    // The newest are kept as well, and only what meets the query is taken.
    let both = RetentionDraft {
        keep_last: 1,
        query: "metrics.loss < 0.9".to_owned(),
        ..most
    };
    let report = plan(&hub, both).await;
    assert_eq!(taken(&report), ["run-low", "run-mid"]);
    let reason = report.items[0].reason.as_deref().unwrap();
    assert!(
        reason.starts_with("meets `metrics.loss < 0.9`; is the newest but 2"),
        "{reason}"
    );
}

#[tokio::test]
async fn deleted_runs_take_no_place_among_the_best() {
    let hub = with_runs(&[
        ("run-one", &[0.1]),
        ("run-two", &[0.2]),
        ("run-three", &[0.3]),
    ])
    .await;
    hub.hub.run_delete(&hub.caller, "run-one").await.unwrap();
    let mut rule = keep(1, "min(metrics.loss)", BestDirection::Minimize);
    rule.action = DeletionAction::Purge;
    let report = plan(&hub, rule.clone()).await;
    assert_eq!(taken(&report), ["run-one", "run-three"]);
    let reason = report.items[0].reason.as_deref();
    assert_eq!(reason, Some("is deleted, so it is none of those kept"));
    // What was said is what is done, and the rule comes back as it was set.
    let done = hub.hub.retention_apply(&hub.caller, None, false).await;
    let (stored, report) = done.unwrap().remove(0);
    assert_eq!(taken(&report), ["run-one", "run-three"]);
    assert_eq!(stored.keep_best, rule.keep_best);
}

#[tokio::test]
async fn a_rule_by_what_is_no_number_is_refused() {
    let hub = TestHub::new();
    for by in ["name", "created", "metrics.", "no such thing", ""] {
        let rule = keep(1, by, BestDirection::Maximize);
        let refused = hub.hub.retention_set(&hub.caller, rule).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid, "{by}");
    }
    let none = keep(0, "metrics.loss", BestDirection::Maximize);
    let refused = hub.hub.retention_set(&hub.caller, none).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_query_takes_what_a_search_with_it_shows() {
    let hub = TestHub::new();
    for run in hub.runs(&["run-one", "run-two"], Default::default()).await {
        hub.start(&run, 1).await.unwrap();
        hub.end(&run, 1, RunState::Finished).await.unwrap();
    }
    hub.hub.run_delete(&hub.caller, "run-one").await.unwrap();
    // The deleted run of the seed group counts in neither.
    let query = "group.count = 1";
    let shown = mlhub_app::RunSearchRequest {
        query: query.to_owned(),
        ..Default::default()
    };
    let shown = hub.hub.run_search(&hub.caller, shown).await.unwrap();
    assert_eq!(shown.total, 1);
    let mut rule = keep(1, "metrics.loss", BestDirection::Maximize);
    rule.query = query.to_owned();
    assert_eq!(taken(&plan(&hub, rule).await), ["run-two"]);
}

#[tokio::test]
async fn a_rule_that_cannot_be_applied_is_named_and_hinders_no_other() {
    let hub = with_runs(&[("run-one", &[0.1]), ("run-two", &[0.2])]).await;
    let good = keep(1, "metrics.loss", BestDirection::Minimize);
    let mut good = hub.hub.retention_set(&hub.caller, good).await.unwrap();
    // As an older program may have written it.
    good.name = "an-odd-one".parse().unwrap();
    good.query = "no such field > 1".to_owned();
    hub.store.retention_put(&good).await.unwrap();
    let error = hub.hub.retention_apply(&hub.caller, None, false).await;
    let error = error.unwrap_err();
    assert!(error.public_message().contains("an-odd-one"), "{error}");
    let gone = hub.hub.run_overview(&hub.caller, "run-two").await.unwrap();
    assert!(gone.row.run.deleted_at.is_some());
}
