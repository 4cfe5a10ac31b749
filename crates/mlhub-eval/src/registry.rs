//! The released metric definitions, each tied to the kernel that computes it.
//!
//! Append only: a released definition is frozen by `tests/golden/definitions.json`.
//! To change one, add an entry with the next version.

mod anomaly;
mod classification;
mod clustering;
mod forecasting;
mod multilabel;
mod ranking;
mod regression;
mod survival;
mod text;
mod vision;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::definition::{Direction, MetricDefinition, Task};
use crate::metrics::Kind;

/// A definition and how to compute it.
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    /// Why the value is NaN when it is: shown as the result's note.
    pub(crate) undefined: &'static str,
}

/// The literal form of an entry, as the tables in the submodules write it.
struct Row {
    kind: Kind,
    name: &'static str,
    tasks: &'static [Task],
    params: &'static [(&'static str, f64)],
    direction: Direction,
    range: (Option<f64>, Option<f64>),
    unit: Option<&'static str>,
    formula: &'static str,
    source: &'static str,
    undefined: &'static str,
}

struct Registry {
    /// Same order and length as `entries`.
    definitions: Vec<MetricDefinition>,
    entries: Vec<Entry>,
    by_id: BTreeMap<String, usize>,
}

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let mut registry = Registry {
        definitions: Vec::new(),
        entries: Vec::new(),
        by_id: BTreeMap::new(),
    };
    let rows = classification::rows()
        .into_iter()
        .chain(regression::rows())
        .chain(ranking::rows())
        .chain(text::rows())
        .chain(multilabel::rows())
        .chain(clustering::rows())
        .chain(anomaly::rows())
        .chain(forecasting::rows())
        .chain(survival::rows())
        .chain(vision::rows());
    for row in rows {
        let definition = MetricDefinition {
            name: row.name.to_owned(),
            version: 1,
            tasks: row.tasks.to_vec(),
            params: row
                .params
                .iter()
                .map(|(name, value)| ((*name).to_owned(), number(*value)))
                .collect(),
            direction: row.direction,
            range: row.range,
            unit: row.unit.map(str::to_owned),
            formula: row.formula.to_owned(),
            source: row.source.to_owned(),
            implementation: None,
        };
        registry
            .by_id
            .insert(definition.id(), registry.definitions.len());
        registry.definitions.push(definition);
        registry.entries.push(Entry {
            kind: row.kind,
            undefined: row.undefined,
        });
    }
    registry
});

/// Whole numbers are written as integers.
fn number(value: f64) -> serde_json::Value {
    if value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&value) {
        serde_json::json!(value as u32)
    } else {
        serde_json::json!(value)
    }
}

/// All released definitions, in the order they are shown.
#[must_use]
pub fn definitions() -> &'static [MetricDefinition] {
    &REGISTRY.definitions
}

/// The definition with this id (`name@version`), if it is released.
#[must_use]
pub fn definition(id: &str) -> Option<&'static MetricDefinition> {
    REGISTRY
        .by_id
        .get(id)
        .map(|index| &REGISTRY.definitions[*index])
}

/// The definitions that apply to a task, in the order they are shown.
#[must_use]
pub fn definitions_for(task: Task) -> Vec<&'static MetricDefinition> {
    definitions()
        .iter()
        .filter(|definition| definition.tasks.contains(&task))
        .collect()
}

/// The kernel behind an id.
pub(crate) fn entry(id: &str) -> Option<&'static Entry> {
    REGISTRY
        .by_id
        .get(id)
        .map(|index| &REGISTRY.entries[*index])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_found() {
        assert_eq!(REGISTRY.by_id.len(), definitions().len());
        for known in definitions() {
            assert_eq!(definition(&known.id()), Some(known));
        }
        assert_eq!(definition("accuracy"), None);
        assert_eq!(definition("accuracy@999"), None);
    }

    #[test]
    fn every_task_has_definitions() {
        for task in Task::ALL {
            assert!(definitions_for(task).len() >= 4, "{task}");
        }
    }
}
