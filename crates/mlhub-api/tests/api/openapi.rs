//! The API's description: exactly the routes of the table, and the reviewed
//! snapshot `docs/openapi.json`. `MLHUB_BLESS=1` writes the snapshot.

use std::collections::BTreeSet;
use std::path::PathBuf;

use mlhub_api::{openapi_document, route_table};
use serde_json::Value;

use crate::hub::TestHub;

fn document() -> Value {
    serde_json::from_str(&openapi_document()).unwrap()
}

/// Every operation: method, path, description.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().iter();
            methods.map(|(method, operation)| (method.to_uppercase(), path.clone(), operation))
        })
        .collect()
}

#[tokio::test]
async fn the_document_describes_exactly_the_routes_of_the_table() {
    let hub = TestHub::local();
    let described: BTreeSet<(String, String)> = operations(&document())
        .into_iter()
        .map(|(method, path, _)| (method, path))
        .collect();
    let routed: BTreeSet<(String, String)> = route_table(&hub.state)
        .iter()
        .map(|entry| (entry.method.to_owned(), entry.path.to_owned()))
        .collect();
    assert_eq!(described, routed);
}

#[tokio::test]
async fn the_reviewed_snapshot_is_the_document() {
    let hub = TestHub::local();
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    if std::env::var_os("MLHUB_BLESS").is_some() {
        std::fs::write(&file, openapi_document()).unwrap();
    }
    let reviewed = std::fs::read_to_string(&file).unwrap();
    assert!(
        reviewed == openapi_document(),
        "docs/openapi.json is not what the routes say: review the change and run this test with MLHUB_BLESS=1"
    );
    let served = hub.get("/api/v1/openapi.json").await;
    assert_eq!(served.body, reviewed.as_bytes());
}

#[test]
fn every_operation_has_an_own_id_a_tag_a_summary_and_its_problems() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let place = format!("{method} {path}");
        let id = operation["operationId"].as_str().expect(&place);
        assert!(ids.insert(id.to_owned()), "{place}: `{id}` is used twice");
        assert!(operation["tags"][0].is_string(), "{place}: no tag");
        assert!(operation["summary"].is_string(), "{place}: no summary");
        let responses = operation["responses"].as_object().unwrap();
        assert!(
            responses.keys().any(|code| code.starts_with('2')),
            "{place}"
        );
        let problem = |code: &str| {
            let content = &responses[code]["content"]["application/problem+json"];
            content["schema"]["$ref"] == "#/components/schemas/Problem"
        };
        let codes: Vec<&String> = responses
            .keys()
            .filter(|code| code.starts_with('4') || code.starts_with('5'))
            .collect();
        for code in &codes {
            assert!(problem(code), "{place}: {code} is no problem");
        }
        assert!(!codes.is_empty(), "{place}: no problem is described");
        let public = path == "/health";
        assert_eq!(responses.contains_key("401"), !public, "{place}");
    }
}

/// Everything a valid document must hold for the references in it to lead
/// somewhere and the parameters of its paths to be described.
#[test]
fn references_lead_somewhere_and_path_parameters_are_described() {
    let document = document();
    let mut references = Vec::new();
    collect_references(&document, &mut references);
    assert!(references.len() > 50);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    for (method, path, operation) in operations(&document) {
        let in_path: BTreeSet<&str> = path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
            .collect();
        let none = Vec::new();
        let described: BTreeSet<&str> = operation["parameters"]
            .as_array()
            .unwrap_or(&none)
            .iter()
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| {
                assert_eq!(parameter["required"], true, "{method} {path}");
                parameter["name"].as_str().unwrap()
            })
            .collect();
        assert_eq!(in_path, described, "{method} {path}");
    }
}

#[test]
fn every_schema_is_a_valid_json_schema() {
    let document = document();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        assert!(jsonschema::draft202012::meta::is_valid(schema), "{name}");
    }
}

fn collect_references<'a>(value: &'a Value, into: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                match field.as_str() {
                    Some(reference) if key == "$ref" => into.push(reference),
                    _ => collect_references(field, into),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, into)),
        _ => {}
    }
}
