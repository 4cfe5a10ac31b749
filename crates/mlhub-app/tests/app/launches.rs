//! Experiments sent to the hub: who may, and what does not start.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use mlhub_app::{ExperimentLauncher, LaunchReview};
use mlhub_core::dataset::DatasetVersion;
use mlhub_core::{Caller, ErrorKind, Result, Role, Timestamp, UserId, limits};
use mlhub_protocol::rest::{
    ConfigMistake, LaunchMode, LaunchPlan, LaunchRequest, LaunchState, LaunchSyntax, LaunchView,
};
use serde_json::json;

use crate::hub::TestHub;

/// Stands where commands would be, and keeps who started what. The text `wrong` has a
/// mistake.
#[derive(Default)]
struct Started {
    by: Mutex<Vec<String>>,
    refusal: Option<String>,
}

#[async_trait]
impl ExperimentLauncher for Started {
    fn refusal(&self) -> Option<String> {
        self.refusal.clone()
    }

    fn roots(&self) -> Vec<String> {
        vec!["/work".to_owned()]
    }

    async fn review(&self, request: &LaunchRequest) -> Result<LaunchReview> {
        let wrong = request.text == "wrong";
        let mistake = ConfigMistake {
            kind: "syntax".to_owned(),
            path: String::new(),
            line: Some(1),
            column: Some(1),
            message: "it is wrong".to_owned(),
            help: None,
        };
        Ok(LaunchReview {
            plan: (!wrong).then(|| LaunchPlan {
                config: json!({"dataset": {"name": request.text, "path": request.folder}}),
                origins: json!({}),
                changes_from_defaults: json!([]),
                hash: String::new(),
                adapter: "a@1".to_owned(),
                adapter_source: "bundled".to_owned(),
                seeds: vec![0],
                command: Vec::new(),
                warnings: vec!["of the code".to_owned()],
            }),
            mistakes: if wrong { vec![mistake] } else { Vec::new() },
            more_mistakes: 0,
        })
    }

    async fn start(
        &self,
        request: &LaunchRequest,
        plan: &LaunchPlan,
        owner: &str,
    ) -> Result<LaunchView> {
        self.by.lock().unwrap().push(owner.to_owned());
        Ok(LaunchView {
            id: "launch1".to_owned(),
            state: LaunchState::Starting,
            mode: request.mode,
            owner: owner.to_owned(),
            project: String::new(),
            experiment: String::new(),
            adapter: plan.adapter.clone(),
            folder: String::new(),
            created_at: 1,
            updated_at: 1,
            message: None,
            output: Vec::new(),
            output_dropped: 0,
            runs: Vec::new(),
        })
    }

    fn list(&self) -> Vec<LaunchView> {
        Vec::new()
    }

    fn get(&self, _id: &str) -> Option<LaunchView> {
        None
    }

    async fn stop(&self, _id: &str) -> Result<()> {
        Ok(())
    }
}

fn request(text: &str, mode: LaunchMode) -> LaunchRequest {
    LaunchRequest {
        text: text.to_owned(),
        syntax: LaunchSyntax::Yaml,
        mode,
        folder: None,
        set: Vec::new(),
        accept_defaults: false,
    }
}

#[tokio::test]
async fn only_who_may_write_launches_and_only_what_has_no_mistake() {
    let started = Arc::new(Started::default());
    let test = TestHub::new();
    let hub = test.another().with_launcher(started.clone());
    let caller = |name: &str, role| Caller {
        user: UserId(name.to_owned()),
        role,
    };
    let (ray, wil) = (caller("ray", Role::Reader), caller("wil", Role::Writer));
    for mode in [LaunchMode::DryRun, LaunchMode::Smoke, LaunchMode::Full] {
        let refused = hub.launch(&ray, &request("fine", mode)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Forbidden, "{mode:?}");
        let reply = hub.launch(&wil, &request("wrong", mode)).await.unwrap();
        assert_eq!((reply.mistakes.len(), reply.launch), (1, None), "{mode:?}");
    }
    let large = "x".repeat(limits::LAUNCH_TEXT_MAX_BYTES + 1);
    let refused = hub.launch(&wil, &request(&large, LaunchMode::Full)).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::TooLarge);
    let dry = hub.launch(&wil, &request("fine", LaunchMode::DryRun)).await;
    assert!(dry.unwrap().plan.is_some());
    assert!(started.by.lock().unwrap().is_empty(), "nothing started");
    let full = hub.launch(&wil, &request("fine", LaunchMode::Full)).await;
    assert_eq!(full.unwrap().launch.unwrap().id, "launch1");
    assert_eq!(*started.by.lock().unwrap(), ["wil"]);
    assert_eq!(hub.launch_list(&ray).unwrap().roots, ["/work"]);
    let stopped = hub.launch_stop(&ray, "launch1").await.unwrap_err();
    assert_eq!(stopped.kind(), ErrorKind::Forbidden);
    let unknown = hub.launch_stop(&wil, "launch2").await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_hub_whose_operator_did_not_allow_it_checks_and_starts_nothing() {
    let started = Arc::new(Started {
        refusal: Some("not here".to_owned()),
        ..Started::default()
    });
    let test = TestHub::new();
    let hub = test.another().with_launcher(started.clone());
    let request_dry = request("fine", LaunchMode::DryRun);
    let dry = hub.launch(&test.caller, &request_dry).await.unwrap();
    assert!(dry.plan.is_some());
    let request_full = request("fine", LaunchMode::Full);
    let refused = hub.launch(&test.caller, &request_full).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Forbidden);
    assert_eq!(refused.public_message(), "not here");
    assert!(started.by.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_plan_warns_of_a_dataset_that_is_not_registered() {
    let test = TestHub::new();
    let hub = test.another().with_launcher(Arc::new(Started::default()));
    let version = DatasetVersion {
        dataset: "iris".parse().unwrap(),
        version: 0,
        fingerprint: format!("v1:{}", "0".repeat(64)),
        format: "csv".to_owned(),
        source: "iris.csv".to_owned(),
        rows: None,
        size_bytes: 1,
        inspection: json!({}),
        owner: UserId("ray".to_owned()),
        created_at: Timestamp(0),
    };
    let registered = hub.dataset_register(&test.caller, version, "").await;
    registered.expect("registered");
    for (dataset, warned) in [
        ("iris", false),
        ("iris@1", false),
        ("iris@2", true),
        ("digits", true),
        ("no name", true),
    ] {
        let request = request(dataset, LaunchMode::DryRun);
        let reply = hub.launch(&test.caller, &request).await.unwrap();
        let warnings = reply.plan.unwrap().warnings;
        assert_eq!(warnings[0], "of the code");
        let told = warnings
            .get(1)
            .is_some_and(|warning| warning.contains(dataset));
        assert_eq!((warnings.len(), told), (1 + usize::from(warned), warned));
    }
    let by_path = LaunchRequest {
        folder: Some("digits.csv".to_owned()),
        ..request("digits", LaunchMode::DryRun)
    };
    let reply = hub.launch(&test.caller, &by_path).await.unwrap();
    assert_eq!(reply.plan.unwrap().warnings, ["of the code"]);
}
