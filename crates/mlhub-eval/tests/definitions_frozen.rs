//! Released definitions never change or vanish: `golden/definitions.json` holds
//! each with its hash.
//!
//! After adding definitions, run this test once with `MLHUB_UPDATE_GOLDEN=1`: it
//! appends them to the file and still fails on any that changed.

use std::collections::BTreeMap;

use mlhub_eval::{MetricDefinition, definition, definitions};
use serde::{Deserialize, Serialize};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/definitions.json");

#[derive(Serialize, Deserialize)]
struct Frozen {
    hash: String,
    definition: MetricDefinition,
}

fn frozen() -> BTreeMap<String, Frozen> {
    match std::fs::read_to_string(FILE) {
        Ok(text) => serde_json::from_str(&text).expect("definitions.json is a map of definitions"),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
        Err(error) => panic!("{FILE}: {error}"),
    }
}

#[test]
fn released_definitions_never_change() {
    let mut frozen = frozen();
    for (id, frozen) in &frozen {
        let current = definition(id).unwrap_or_else(|| {
            panic!("{id} was released and is gone; definitions are append only")
        });
        assert_eq!(
            &frozen.definition, current,
            "{id} was released and differs; add a new version instead"
        );
        assert_eq!(
            frozen.hash,
            current.hash(),
            "{id}: the way of hashing changed"
        );
    }
    let added: Vec<_> = definitions()
        .iter()
        .filter(|definition| !frozen.contains_key(&definition.id()))
        .collect();
    if added.is_empty() {
        return;
    }
    let ids: Vec<_> = added.iter().map(|definition| definition.id()).collect();
    assert!(
        std::env::var_os("MLHUB_UPDATE_GOLDEN").is_some(),
        "not frozen yet: {ids:?}; run this test once with MLHUB_UPDATE_GOLDEN=1 and commit {FILE}"
    );
    for definition in added {
        let hash = definition.hash();
        let definition = definition.clone();
        frozen.insert(definition.id(), Frozen { hash, definition });
    }
    let mut text = serde_json::to_string_pretty(&frozen).expect("definitions are JSON");
    text.push('\n');
    std::fs::write(FILE, text).expect("definitions.json is writable");
}

#[test]
fn the_golden_file_is_not_empty() {
    assert!(frozen().contains_key("accuracy@1"));
}
