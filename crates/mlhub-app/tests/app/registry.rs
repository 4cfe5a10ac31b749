//! Registered models: what is promoted past which gate, and what keeps its run.

use std::collections::BTreeMap;

use mlhub_app::{ModelDraft, ModelVersionDraft, Promotion};
use mlhub_core::deletion::DeletionAction;
use mlhub_core::registry::{
    ModelChoice, ModelName, ModelQuery, ModelStage, ModelVersion, PromotionTarget,
};
use mlhub_core::{Caller, Error, ErrorKind, Result, Role, UserId};
use mlhub_protocol::rest::{Gate, GateRegression, GateReport, GateThreshold};

use crate::deletion::request;
use crate::hub::{TestHub, plan};

/// Three of four right.
const GOOD: &[u8] = b"id,y_true,y_pred,y_score\na,0,0,0.1\nb,1,1,0.9\nc,1,0,0.4\nd,0,0,0.3\n";
/// One of four right.
const POOR: &[u8] = b"id,y_true,y_pred,y_score\na,0,1,0.7\nb,1,1,0.9\nc,1,0,0.4\nd,0,1,0.8\n";

fn digits() -> &'static ModelName {
    static NAME: std::sync::LazyLock<ModelName> =
        std::sync::LazyLock::new(|| "digits".parse().unwrap());
    &NAME
}

fn target(text: &str) -> PromotionTarget {
    text.parse().unwrap()
}

fn with_role(role: Role) -> Caller {
    Caller {
        user: UserId("ray".to_owned()),
        role,
    }
}

async fn create(hub: &TestHub) {
    let draft = ModelDraft {
        name: digits().clone(),
        description: String::new(),
        tags: BTreeMap::new(),
    };
    let made = hub.hub.registered_model_create(&hub.caller, draft).await;
    made.unwrap();
}

async fn add(hub: &TestHub, draft: ModelVersionDraft) -> Result<ModelVersion> {
    hub.hub
        .model_version_add(&hub.caller, digits(), draft)
        .await
}

fn of_run(run: &str) -> ModelVersionDraft {
    ModelVersionDraft {
        run: Some(run.to_owned()),
        path: Some("model".parse().unwrap()),
        ..ModelVersionDraft::default()
    }
}

/// An ended run with a model and evaluated predictions.
async fn trained(hub: &TestHub, id: &str, predictions: &[u8]) {
    let run = hub.running(id, plan(Some("binary"))).await;
    hub.upload(&run, "model/weights.bin", id.as_bytes(), "model")
        .await;
    hub.predict(&run, "predictions/test.csv", predictions).await;
    hub.hub.evaluate_pending().await.unwrap();
}

/// A hub with version 1 of a good run and version 2 of a poor one.
async fn two_versions() -> TestHub {
    let hub = TestHub::new();
    create(&hub).await;
    trained(&hub, "good-run", GOOD).await;
    trained(&hub, "poor-run", POOR).await;
    for run in ["good-run", "poor-run"] {
        add(&hub, of_run(run)).await.unwrap();
    }
    hub
}

/// Rules about a value that need no receipt.
fn at_least(min: f64) -> Gate {
    Gate {
        verified: Some(false),
        leakage: Some(false),
        threshold: vec![GateThreshold {
            metric: "test/accuracy".to_owned(),
            min: Some(min),
            ..GateThreshold::default()
        }],
        ..Gate::default()
    }
}

fn no_worse() -> Gate {
    Gate {
        threshold: Vec::new(),
        no_regression: vec![GateRegression {
            metrics: vec!["test/accuracy".to_owned()],
            ..GateRegression::default()
        }],
        ..at_least(0.0)
    }
}

async fn promote(
    hub: &TestHub,
    version: u32,
    to: &str,
    promotion: Promotion,
) -> Result<(ModelVersion, Option<GateReport>)> {
    hub.hub
        .model_promote(&hub.caller, digits(), version, &target(to), &promotion)
        .await
}

fn past(gate: Gate) -> Promotion {
    Promotion {
        gate: Some(gate),
        ..Promotion::default()
    }
}

async fn holder(hub: &TestHub, alias: &str) -> Option<u32> {
    let model = hub.hub.registered_model_get(&hub.caller, digits()).await;
    let alias = alias.parse().unwrap();
    model.unwrap().aliases.get(&alias).copied()
}

async fn actions(hub: &TestHub) -> Vec<String> {
    let events = hub
        .hub
        .model_events(&hub.caller, Some(digits()), None, 100)
        .await
        .unwrap();
    let actions = events.into_iter().rev().map(|event| event.action);
    actions.collect()
}

fn refused(result: Result<impl Sized>, kind: ErrorKind, part: &str) -> Error {
    match result {
        Ok(_) => panic!("not refused: {part}"),
        Err(error) => {
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.public_message().contains(part), "{error}");
            error
        }
    }
}

#[tokio::test]
async fn a_version_is_found_in_the_hub_however_it_is_named() {
    let hub = two_versions().await;
    let get = |choice: ModelChoice| {
        let hub = &hub;
        async move {
            hub.hub
                .model_version_get(&hub.caller, digits(), &choice)
                .await
                .unwrap()
        }
    };
    let first = get(ModelChoice::Number(1)).await;
    assert_eq!(first.source, "runs:/good-run/model");
    assert_eq!(first.created_by.0, "ann");
    let from = |source: &str| ModelVersionDraft {
        source: Some(source.to_owned()),
        ..ModelVersionDraft::default()
    };
    for (source, found) in [
        ("runs:/good-run/model", Some(Some("model"))),
        (
            "runs:/good-run/model/weights.bin",
            Some(Some("model/weights.bin")),
        ),
        ("runs:/good-run", Some(None)),
        ("runs:/good-run/nothing", None),
        ("runs:/nobody/model", None),
        ("runs:/../../etc", None),
        ("s3://bucket/model", None),
    ] {
        let version = add(&hub, from(source)).await.unwrap();
        let place = version.place.as_ref();
        let path = place.map(|place| place.path.as_ref().map(|path| path.as_str()));
        assert_eq!((version.source.as_str(), path), (source, found));
    }
    let whole = ModelVersionDraft {
        path: None,
        ..of_run("good-run")
    };
    assert_eq!(add(&hub, whole).await.unwrap().source, "runs:/good-run");
    let lineage = hub
        .hub
        .model_lineage(&hub.caller, digits(), &ModelChoice::Number(1), None)
        .await
        .unwrap();
    let row = lineage.run.unwrap();
    assert_eq!(row.run.id.as_str(), "good-run");
    assert_eq!(lineage.evaluations[0].0.split, "test");
    assert!(
        row.evaluated
            .iter()
            .any(|of| of.name == "accuracy" && of.value == 0.75)
    );

    let missing = ModelVersionDraft {
        path: Some("gone.bin".parse().unwrap()),
        ..of_run("good-run")
    };
    refused(
        add(&hub, missing).await,
        ErrorKind::NotFound,
        "`gone.bin` of run `good-run`",
    );
    refused(
        add(&hub, of_run("nobody")).await,
        ErrorKind::NotFound,
        "nobody",
    );
    let nothing = add(&hub, ModelVersionDraft::default()).await;
    refused(nothing, ErrorKind::Invalid, "`source`");
    let no_run = ModelVersionDraft {
        run: None,
        ..of_run("good-run")
    };
    refused(add(&hub, no_run).await, ErrorKind::Invalid, "`run`");
    let name: ModelName = "other".parse().unwrap();
    let nowhere = hub
        .hub
        .model_version_add(&hub.caller, &name, of_run("good-run"));
    refused(
        nowhere.await,
        ErrorKind::NotFound,
        "registered model `other`",
    );
    let none = hub
        .hub
        .model_events(&hub.caller, Some(&name), None, 10)
        .await;
    refused(none, ErrorKind::NotFound, "other");
    for limit in [0, 1001] {
        let query = ModelQuery {
            limit,
            ..ModelQuery::default()
        };
        let page = hub.hub.registered_model_list(&hub.caller, &query).await;
        refused(page, ErrorKind::Invalid, "`limit`");
    }
}

#[tokio::test]
async fn a_gate_lets_a_version_pass_or_says_why_not_and_the_trail_keeps_both() {
    let hub = two_versions().await;
    let error = refused(
        promote(&hub, 2, "champion", past(at_least(0.7))).await,
        ErrorKind::Conflict,
        "version 2 of `digits` does not pass the gate of `champion`: threshold",
    );
    assert_eq!(error.details().unwrap()["gate"]["passed"], false);
    assert_eq!(holder(&hub, "champion").await, None);
    // Nobody has it yet: nothing to fall behind, and that is told.
    let (version, report) = promote(&hub, 2, "champion", past(no_worse()))
        .await
        .unwrap();
    assert_eq!(version.aliases[0].as_str(), "champion");
    let report = report.unwrap();
    assert!(report.passed && report.checks[0].message.contains("nothing to fall behind"));
    // The holder's run is the baseline by itself.
    let (_, report) = promote(&hub, 1, "champion", past(no_worse()))
        .await
        .unwrap();
    let report = report.unwrap();
    assert_eq!(report.baseline[0].id, "poor-run");
    assert!(report.checks.iter().any(|of| of.rule == "no_regression"));
    // Who has it keeps it, without a line.
    let before = actions(&hub).await;
    promote(&hub, 1, "champion", past(at_least(0.99)))
        .await
        .unwrap();
    assert_eq!(actions(&hub).await, before);
    let told = [
        "created",
        "version_added",
        "version_added",
        "promotion_refused",
        "alias_set",
        "alias_set",
    ];
    assert_eq!(before, told);
    let events = hub
        .hub
        .model_events(&hub.caller, None, None, 1)
        .await
        .unwrap();
    assert_eq!(events[0].detail["from"], 2);
    assert_eq!(events[0].detail["gate"]["passed"], true);
    // A baseline that is named: an alias, or a run.
    for (alias, baseline) in [
        ("next-a", "champion"),
        ("next-b", "@champion"),
        ("next-c", "good-run"),
    ] {
        let promotion = Promotion {
            baseline: vec![baseline.to_owned()],
            ..past(Gate {
                threshold: at_least(0.1).threshold,
                ..no_worse()
            })
        };
        let judged = promote(&hub, 2, alias, promotion).await;
        let verdict = match judged {
            Ok((_, report)) => serde_json::to_value(report).unwrap(),
            Err(error) => error.details().unwrap()["gate"].clone(),
        };
        assert_eq!(verdict["baseline"][0]["id"], "good-run", "{baseline}");
    }
    let mut promotion = past(no_worse());
    promotion.baseline = vec!["@champion".to_owned()];
    let (_, report) = promote(&hub, 1, "itself", promotion).await.unwrap();
    let report = report.unwrap();
    assert_eq!(report.checks[0].message, "the baseline is its own run");
    let mut promotion = past(at_least(0.1));
    promotion.baseline = vec!["@nobody".to_owned()];
    let unknown = promote(&hub, 1, "next2", promotion).await;
    refused(unknown, ErrorKind::NotFound, "digits@nobody");
    let idle = Promotion {
        baseline: vec!["good-run".to_owned()],
        ..Promotion::default()
    };
    refused(
        promote(&hub, 1, "next3", idle).await,
        ErrorKind::Invalid,
        "`gate`",
    );
    let empty = promote(&hub, 1, "next3", past(Gate::default())).await;
    refused(empty, ErrorKind::Invalid, "no rule");
    refused(
        promote(&hub, 9, "champion", Promotion::default()).await,
        ErrorKind::NotFound,
        "digits/9",
    );
    let elsewhere = ModelVersionDraft {
        source: Some("s3://bucket/model".to_owned()),
        ..ModelVersionDraft::default()
    };
    let number = add(&hub, elsewhere).await.unwrap().version;
    let no_run = promote(&hub, number, "next4", past(at_least(0.1))).await;
    refused(no_run, ErrorKind::Conflict, "has no run");
}

#[tokio::test]
async fn what_is_protected_is_given_past_its_gate_alone() {
    let hub = two_versions().await;
    let admin = &hub.caller;
    let rules = at_least(0.7);
    for to in ["champion", "stage:production"] {
        let protect = hub.hub.model_protect(admin, digits(), target(to), &rules);
        protect.await.unwrap();
    }
    for to in ["champion", "stage:production"] {
        // Nothing is asked for, and yet the stored rules count.
        let plain = promote(&hub, 2, to, Promotion::default()).await;
        refused(plain, ErrorKind::Conflict, "does not pass");
        let weaker = promote(&hub, 2, to, past(at_least(0.1))).await;
        refused(weaker, ErrorKind::Conflict, "does not pass");
        let (version, report) = promote(&hub, 1, to, Promotion::default()).await.unwrap();
        assert!(report.unwrap().passed);
        assert_eq!(version.version, 1);
    }
    let archive = Promotion {
        archive_others: true,
        ..Promotion::default()
    };
    promote(&hub, 2, "stage:staging", Promotion::default())
        .await
        .unwrap();
    promote(&hub, 1, "stage:staging", archive).await.unwrap();
    let second = hub
        .hub
        .model_version_get(admin, digits(), &ModelChoice::Number(2))
        .await
        .unwrap();
    assert_eq!(second.stage, ModelStage::Archived);
    let writer = with_role(Role::Writer);
    let forbidden = ErrorKind::Forbidden;
    let free = hub
        .hub
        .model_unprotect(&writer, digits(), target("champion"));
    refused(free.await, forbidden, "Admin");
    let weak = at_least(0.0);
    let protect = hub
        .hub
        .model_protect(&writer, digits(), target("champion"), &weak);
    refused(protect.await, forbidden, "Admin");
    let delete = hub.hub.registered_model_delete(&writer, digits());
    refused(delete.await, forbidden, "Admin");
    let empty = Gate::default();
    let odd = hub.hub.model_protect(admin, digits(), target("x"), &empty);
    refused(odd.await, ErrorKind::Invalid, "no rule");
    let free = hub.hub.model_unprotect(admin, digits(), target("champion"));
    free.await.unwrap();
    promote(&hub, 2, "champion", Promotion::default())
        .await
        .unwrap();
    assert_eq!(holder(&hub, "champion").await, Some(2));
    hub.hub
        .registered_model_delete(admin, digits())
        .await
        .unwrap();
    assert_eq!(actions(&hub).await.last().unwrap(), "deleted");
}

#[tokio::test]
async fn a_reader_changes_nothing_of_the_registry() {
    let hub = two_versions().await;
    let ray = with_role(Role::Reader);
    let name = digits();
    let forbidden = ErrorKind::Forbidden;
    let h = &hub.hub;
    let draft = ModelDraft {
        name: "other".parse().unwrap(),
        description: String::new(),
        tags: BTreeMap::new(),
    };
    refused(
        h.registered_model_create(&ray, draft).await,
        forbidden,
        "ray",
    );
    let to = "other".parse().unwrap();
    refused(
        h.registered_model_rename(&ray, name, to).await,
        forbidden,
        "ray",
    );
    refused(
        h.registered_model_delete(&ray, name).await,
        forbidden,
        "ray",
    );
    let text = "x".to_owned();
    refused(
        h.registry_describe(&ray, name, None, text).await,
        forbidden,
        "ray",
    );
    let tags = BTreeMap::new();
    refused(
        h.registry_tag(&ray, name, Some(1), tags).await,
        forbidden,
        "ray",
    );
    let draft = of_run("good-run");
    refused(
        h.model_version_add(&ray, name, draft).await,
        forbidden,
        "ray",
    );
    refused(
        h.model_version_delete(&ray, name, 1).await,
        forbidden,
        "ray",
    );
    let alias = "a".parse().unwrap();
    refused(
        h.model_alias_remove(&ray, name, alias).await,
        forbidden,
        "ray",
    );
    let promotion = Promotion::default();
    let to = target("a");
    let promoted = h.model_promote(&ray, name, 1, &to, &promotion);
    refused(promoted.await, forbidden, "ray");
    assert_eq!(
        h.registered_model_get(&ray, name).await.unwrap().versions,
        2
    );
    assert_eq!(actions(&hub).await.len(), 3);
}

#[tokio::test]
async fn a_run_that_a_version_names_is_not_purged() {
    let hub = two_versions().await;
    let purge = async |dry_run: bool| {
        let mut purge = request(DeletionAction::Purge, &["good-run"]);
        purge.dry_run = dry_run;
        hub.hub.deletion_run(&hub.caller, &purge).await.unwrap()
    };
    for dry_run in [true, false] {
        let report = purge(dry_run).await;
        let said = report.items[0].refused.as_deref().unwrap();
        assert!(said.contains("`digits` version 1"), "{said}");
        assert_eq!(report.done, 0);
    }
    // Hidden, it can come back; the version still tells of it.
    hub.hub.run_delete(&hub.caller, "good-run").await.unwrap();
    let lineage = hub
        .hub
        .model_lineage(&hub.caller, digits(), &ModelChoice::Number(1), None)
        .await
        .unwrap();
    assert!(lineage.run.unwrap().run.deleted_at.is_some());
    let again = add(&hub, of_run("good-run")).await;
    refused(again, ErrorKind::Conflict, "deleted");
    let delete = hub.hub.model_version_delete(&hub.caller, digits(), 1);
    delete.await.unwrap();
    assert_eq!(purge(false).await.done, 1);
}
