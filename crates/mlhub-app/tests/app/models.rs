//! Trained models: who may ask, which run is meant, what is refused before a program starts.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use mlhub_app::{
    ExportedModel, ExportedModelFile, ModelAnswer, ModelAnswered, ModelServer, ServedModel,
};
use mlhub_core::{Caller, Error, ErrorKind, Result, Role, RunId, RunState, UserId};
use mlhub_protocol::export::ExportReport;
use mlhub_protocol::rest::Snapshot;
use mlhub_protocol::serving::Ask;
use serde_json::{Map, Value, json};

use crate::hub::{TestHub, creation};

/// Stands where programs would be, and counts what reaches it.
#[derive(Default)]
struct Asked(Mutex<Vec<String>>);

#[async_trait]
impl ModelServer for Asked {
    async fn ask(&self, model: &ServedModel, ask: Ask) -> Result<ModelAnswered> {
        self.0.lock().unwrap().push(model.hash.clone());
        Ok(ModelAnswered {
            answer: ModelAnswer::Outputs(vec![json!(1); ask.count()]),
            cold_start: true,
        })
    }

    /// Leaves the model's description and a report, as a program would.
    async fn export(&self, model: &ServedModel, format: &str) -> Result<ExportedModel> {
        self.0.lock().unwrap().push(model.hash.clone());
        let folder = tempfile::tempdir().unwrap();
        let report = ExportReport {
            version: 1,
            format: format.to_owned(),
            compared_rows: 8,
            max_abs_difference: 0.0,
            tolerance: 1e-5,
        };
        let description = serde_json::to_vec(&model.description).unwrap();
        let told = serde_json::to_vec(&report).unwrap();
        let files = [("model.txt", description), ("export.json", told)].map(|(name, content)| {
            let place = folder.path().join(name);
            std::fs::write(&place, content).unwrap();
            ExportedModelFile {
                path: name.parse().unwrap(),
                place,
            }
        });
        Ok(ExportedModel {
            report,
            files: files.into(),
            held: Box::new(folder),
        })
    }
}

const DESCRIPTION: &[u8] =
    br#"{"version": 1, "input": {"kind": "text"}, "output": {"kind": "text"}}"#;

/// A running run of an adapter that can predict.
async fn running(test: &TestHub, id: &str) -> RunId {
    let snapshot = Snapshot {
        adapter: json!({"capabilities": ["train", "predict"]}),
        ..Snapshot::default()
    };
    let mut creation = creation(&[id], snapshot);
    creation.adapter = Some("mine".to_owned());
    let run: RunId = id.parse().unwrap();
    test.hub.run_create(&test.caller, creation).await.unwrap();
    test.start(&run, 1).await.unwrap();
    run
}

/// An ended run of an adapter that left a model.
async fn trained(test: &TestHub, id: &str, weights: &[u8]) {
    let run = running(test, id).await;
    test.upload(&run, "artifacts/weights.bin", weights, "model")
        .await;
    test.upload(&run, "artifacts/model.json", DESCRIPTION, "model")
        .await;
    test.end(&run, 1, RunState::Finished).await.unwrap();
}

fn kind<T>(result: Result<T>) -> ErrorKind {
    match result {
        Ok(_) => panic!("it must be refused"),
        Err(error) => Error::kind(&error),
    }
}

#[tokio::test]
async fn only_who_may_write_starts_a_program_and_only_for_what_the_adapter_can() {
    let asked = Arc::new(Asked::default());
    let test = TestHub::new();
    let hub = test.another().with_models(asked.clone());
    trained(&test, "run1", b"weights").await;
    let reader = Caller {
        user: UserId("ray".to_owned()),
        role: Role::Reader,
    };
    let described = hub.model_describe(&reader, "run1").await.unwrap();
    assert_eq!(described.capabilities, ["predict"]);
    let (inputs, none) = (vec![json!("a"), json!("b")], Map::<String, Value>::new());
    let refused = hub
        .model_predict(&reader, "run1", inputs.clone(), none.clone())
        .await;
    assert_eq!(kind(refused), ErrorKind::Forbidden);
    let searched = hub
        .model_search(
            &test.caller,
            "run1",
            vec![json!({"text": "a"})],
            3,
            none.clone(),
        )
        .await;
    assert_eq!(kind(searched), ErrorKind::Unsupported);
    let empty = hub
        .model_predict(&test.caller, "run1", Vec::new(), none.clone())
        .await;
    assert_eq!(kind(empty), ErrorKind::Invalid);
    assert!(
        asked.0.lock().unwrap().is_empty(),
        "none of it started a program"
    );
    let (model, answered) = hub
        .model_predict(&test.caller, "run1", inputs, none)
        .await
        .unwrap();
    assert_eq!(answered.answer, ModelAnswer::Outputs(vec![json!(1); 2]));
    assert_eq!(*asked.0.lock().unwrap(), [model.hash]);
}

#[tokio::test]
async fn a_version_means_its_run_and_a_replaced_one_is_a_conflict() {
    let test = TestHub::new();
    let caller = &test.caller;
    trained(&test, "run1", b"first").await;
    trained(&test, "run2", b"second").await;
    let model = async |text: &str| test.hub.model_describe(caller, text).await;
    let named = model("p/artifacts/weights.bin:v0").await.unwrap();
    assert_eq!(named.run.id.to_string(), "run1");
    let newest = model("p/artifacts/weights.bin").await.unwrap();
    assert_eq!(newest.run.id.to_string(), "run2");
    assert_ne!(named.hash, newest.hash);
    // Of another kind than the model's files.
    let run = running(&test, "run3").await;
    test.upload(&run, "artifacts/model.json", DESCRIPTION, "model")
        .await;
    test.upload(&run, "artifacts/notes.txt", b"notes", "file")
        .await;
    test.end(&run, 1, RunState::Finished).await.unwrap();
    assert_eq!(
        kind(model("p/artifacts/notes.txt").await),
        ErrorKind::Conflict
    );
    let bare = running(&test, "bare").await;
    test.end(&bare, 1, RunState::Finished).await.unwrap();
    assert_eq!(kind(model("bare").await), ErrorKind::NotFound);
}

/// An ended run of an adapter that exports.
async fn exportable(test: &TestHub, id: &str) {
    let snapshot = Snapshot {
        adapter: json!({"capabilities": ["train", "export"]}),
        ..Snapshot::default()
    };
    let mut creation = creation(&[id], snapshot);
    creation.adapter = Some("mine".to_owned());
    let run: RunId = id.parse().unwrap();
    test.hub.run_create(&test.caller, creation).await.unwrap();
    test.start(&run, 1).await.unwrap();
    test.upload(&run, "artifacts/model.json", DESCRIPTION, "model")
        .await;
    test.end(&run, 1, RunState::Finished).await.unwrap();
}

#[tokio::test]
async fn an_export_is_stored_with_the_run_and_replaces_only_an_export() {
    let asked = Arc::new(Asked::default());
    let test = TestHub::new();
    let hub = test.another().with_models(asked.clone());
    exportable(&test, "run1").await;
    trained(&test, "other", b"weights").await;
    let reader = Caller {
        user: UserId("ray".to_owned()),
        role: Role::Reader,
    };
    let refused = hub.model_export(&reader, "run1", "onnx").await;
    assert_eq!(kind(refused), ErrorKind::Forbidden);
    for bad in ["", "../x", "ONNX"] {
        let refused = hub.model_export(&test.caller, "run1", bad).await;
        assert_eq!(kind(refused), ErrorKind::Invalid, "{bad}");
    }
    let Err(refused) = hub.model_export(&test.caller, "other", "onnx").await else {
        panic!("its adapter cannot");
    };
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    assert!(refused.public_message().contains("`mine`"), "{refused}");
    assert!(
        asked.0.lock().unwrap().is_empty(),
        "none of it started a program"
    );

    for _ in 0..2 {
        let exported = hub.model_export(&test.caller, "run1", "plain").await;
        let exported = exported.unwrap();
        assert_eq!(exported.folder, "artifacts/exports/plain");
        let stored = hub.artifact_list(&test.caller, "run1").await.unwrap();
        let stored: Vec<(&str, &str)> = stored
            .iter()
            .map(|artifact| (artifact.path.as_str(), artifact.kind.as_str()))
            .collect();
        let expected = [
            ("artifacts/exports/plain/export.json", "export"),
            ("artifacts/exports/plain/model.txt", "export"),
            ("artifacts/model.json", "model"),
        ];
        assert_eq!(stored, expected);
    }
    let run: RunId = "run1".parse().unwrap();
    test.upload(&run, "artifacts/exports/other/model.txt", b"mine", "file")
        .await;
    let refused = hub.model_export(&test.caller, "run1", "other").await;
    assert_eq!(kind(refused), ErrorKind::Conflict);
    let kept = hub.artifact_list(&test.caller, "run1").await.unwrap();
    assert_eq!(kept.len(), 4, "nothing of it was stored");
}

#[tokio::test]
async fn variables_of_the_experiment_are_known_but_no_secret() {
    let test = TestHub::new();
    let snapshot = Snapshot {
        adapter: json!({"capabilities": ["train", "predict"]}),
        config: json!({"environment": {
            "variables": {"MODE": "fast", "API_TOKEN": "[redacted]"}, "pass": ["HF_HOME"]}}),
        ..Snapshot::default()
    };
    let mut creation = creation(&["run1"], snapshot);
    creation.adapter = Some("mine".to_owned());
    let run: RunId = "run1".parse().unwrap();
    test.hub.run_create(&test.caller, creation).await.unwrap();
    test.start(&run, 1).await.unwrap();
    test.upload(&run, "artifacts/model.json", DESCRIPTION, "model")
        .await;
    let model = test.hub.model_describe(&test.caller, "run1").await.unwrap();
    let expected = [
        ("API_TOKEN".to_owned(), None),
        ("MODE".to_owned(), Some("fast".to_owned())),
    ];
    assert_eq!(model.variables(), expected.into());
    assert_eq!(model.passed(), ["HF_HOME"]);
}
