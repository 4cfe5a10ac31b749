//! Metrics that adapters define: which there are, and what a definition of theirs says.
//!
//! The programs that compute them are run beside the adapter host, behind
//! [`CustomMetrics`]; what an evaluation makes of their answers is `evaluation::custom`.

use std::collections::BTreeMap;
use std::sync::Arc;

use mlhub_core::evaluation::StoredDefinition;
use mlhub_core::metric::Direction;
use mlhub_core::{Caller, Error, Permission, Result};
use mlhub_eval::MetricDefinition;
use mlhub_protocol::custom_metric::MetricPredictions;

use crate::Hub;

/// Between the adapter's name and the metric's; no released metric has it in its name.
const NAME_SEPARATOR: char = '.';

/// A value that an adapter's program computed.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomValue {
    /// The value; NaN where the metric is undefined.
    pub value: f64,
    /// How it was computed, in words.
    pub note: String,
}

/// Runs the programs of adapters that compute metrics; implemented beside the adapter host.
pub trait CustomMetrics: Send + Sync {
    /// Definitions of all adapters of the hub's machine. Reads the disk.
    fn definitions(&self) -> Vec<MetricDefinition>;

    /// Computes metrics over predictions, in order: a value, or why there is none. Blocks.
    ///
    /// # Errors
    /// `Unavailable` when the hub is ending; then nothing is known of any.
    fn compute(
        &self,
        wanted: &[MetricDefinition],
        predictions: &MetricPredictions,
    ) -> Result<Vec<std::result::Result<CustomValue, String>>>;
}

/// A hub whose machine has no adapters.
pub struct NoCustomMetrics;

impl CustomMetrics for NoCustomMetrics {
    fn definitions(&self) -> Vec<MetricDefinition> {
        Vec::new()
    }

    fn compute(
        &self,
        wanted: &[MetricDefinition],
        _predictions: &MetricPredictions,
    ) -> Result<Vec<std::result::Result<CustomValue, String>>> {
        let none = || Err("the hub's machine has no adapters".to_owned());
        Ok(wanted.iter().map(|_| none()).collect())
    }
}

/// A definition the hub has stored, or an adapter of its machine brings.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownDefinition {
    /// The definition.
    pub stored: StoredDefinition,
    /// The adapter that brings it.
    pub adapter: Option<String>,
    /// Why it cannot be computed now, of one that an adapter brings.
    pub problem: Option<String>,
}

/// Definitions of adapters that the hub has stored, by id.
#[derive(Debug, Clone, Default)]
pub(crate) struct CustomDefinitions(BTreeMap<String, MetricDefinition>);

impl CustomDefinitions {
    /// The definition of an id, be it of the hub or of an adapter.
    pub(crate) fn get<'a>(&'a self, id: &str) -> Option<&'a MetricDefinition> {
        mlhub_eval::definition(id).or_else(|| self.0.get(id))
    }

    /// Whether there is a metric of this name, without a version.
    pub(crate) fn knows(&self, name: &str) -> bool {
        mlhub_eval::definitions()
            .iter()
            .chain(self.0.values())
            .any(|of| of.name == name)
    }

    /// The direction in which an evaluated metric gets better.
    pub(crate) fn direction(&self, id: &str) -> Direction {
        match self.get(id).map(|definition| definition.direction) {
            Some(mlhub_eval::Direction::Maximize) => Direction::Maximize,
            Some(mlhub_eval::Direction::Minimize) => Direction::Minimize,
            _ => Direction::None,
        }
    }
}

/// Whether a name or id is that of an adapter's metric.
pub(crate) fn is_custom(name: &str) -> bool {
    let name = name.split_once('@').map_or(name, |(name, _)| name);
    name.contains(NAME_SEPARATOR)
}

pub(crate) fn stored(definition: &MetricDefinition) -> Result<StoredDefinition> {
    Ok(StoredDefinition {
        id: definition.id(),
        hash: definition.hash(),
        body: serde_json::to_value(definition)
            .map_err(|source| Error::internal("write a metric definition", source))?,
    })
}

impl Hub {
    /// Definitions of adapters, as they are stored.
    pub(crate) async fn custom_definitions(&self) -> Result<CustomDefinitions> {
        let stored = self.store.definition_list().await?;
        let custom = stored.into_iter().filter(|of| is_custom(&of.id));
        let read = custom.filter_map(|of| Some((of.id, serde_json::from_value(of.body).ok()?)));
        Ok(CustomDefinitions(read.collect()))
    }

    /// Definitions that the adapters of the hub's machine bring now.
    pub(crate) async fn definitions_here(&self) -> Result<Vec<MetricDefinition>> {
        let programs = Arc::clone(&self.custom_metrics);
        tokio::task::spawn_blocking(move || programs.definitions())
            .await
            .map_err(|source| Error::internal("read the definitions of adapters", source))
    }

    /// Metric definitions by id: those stored, and those that adapters bring.
    pub async fn definition_list(&self, caller: &Caller) -> Result<Vec<KnownDefinition>> {
        caller.require(Permission::Read)?;
        let here = self.definitions_here().await?;
        let mut known: BTreeMap<String, KnownDefinition> = BTreeMap::new();
        for stored in self.store.definition_list().await? {
            let adapter = stored.body["implementation"]["adapter"].as_str();
            let adapter = adapter.map(str::to_owned);
            let current = here.iter().find(|of| of.id() == stored.id);
            let problem = match (&adapter, current) {
                (None, _) => None,
                (Some(adapter), None) => Some(format!(
                    "no adapter `{adapter}` of the hub's machine brings this version"
                )),
                (Some(_), Some(current)) if current.hash() == stored.hash => None,
                (Some(adapter), Some(_)) => Some(format!(
                    "the adapter `{adapter}` of the hub's machine has another content or code under this version; a change needs a new version number"
                )),
            };
            let id = stored.id.clone();
            known.insert(
                id,
                KnownDefinition {
                    stored,
                    adapter,
                    problem,
                },
            );
        }
        for definition in &here {
            if known.contains_key(&definition.id()) {
                continue;
            }
            let of = definition.implementation.as_ref();
            known.insert(
                definition.id(),
                KnownDefinition {
                    stored: stored(definition)?,
                    adapter: of.map(|of| of.adapter.clone()),
                    problem: None,
                },
            );
        }
        Ok(known.into_values().collect())
    }
}
