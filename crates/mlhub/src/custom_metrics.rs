//! Metrics of this machine's adapters: their definitions as the hub stores them, and the
//! programs that compute them, each in a folder that goes when its value is known.
//!
//! Which metrics an evaluation has, and what is stored, is decided by who asked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use mlhub_agent::adapter::{
    Adapter, Catalog, LaunchContext, PreparedEnvironment, launch_command, prepare_environment,
};
use mlhub_agent::custom_metric::{
    CustomMetricError, MetricInput, Programs, compute as run_programs, place,
};
use mlhub_app::{CustomMetrics, CustomValue};
use mlhub_core::{Error, ErrorKind, Result, limits};
use mlhub_eval::{Direction, Implementation, MetricDefinition, Task};
use mlhub_protocol::adapter::{Capability, DefinitionSection, RangeSection};
use mlhub_protocol::custom_metric::{MetricAsked, MetricPredictions};

use crate::launch::adapter::unpacked_catalog;
use crate::paths;

/// Between the adapter's name and the metric's.
const SEPARATOR: char = mlhub_agent::adapter::NAME_SEPARATOR;

/// Definitions that an adapter brings.
///
/// # Errors
/// Of the disk, when the code of one cannot be read.
pub(crate) fn definitions_of(adapter: &Adapter) -> std::io::Result<Vec<MetricDefinition>> {
    let sections = adapter.manifest.definitions.iter();
    let read = sections.map(|(name, section)| {
        let digest = adapter.definition_digest(section)?;
        Ok(definition(adapter, name, section, digest))
    });
    read.collect()
}

fn definition(
    adapter: &Adapter,
    name: &str,
    section: &DefinitionSection,
    digest: String,
) -> MetricDefinition {
    let named = |task: &Task| section.tasks.iter().any(|name| name == task.as_str());
    MetricDefinition {
        name: adapter.definition_name(name),
        version: section.version,
        tasks: Task::ALL.into_iter().filter(named).collect(),
        params: section.params.clone(),
        direction: match section.direction.as_str() {
            "maximize" => Direction::Maximize,
            "minimize" => Direction::Minimize,
            _ => Direction::None,
        },
        range: (section.range.low, section.range.high),
        unit: section.unit.clone(),
        formula: section.formula.clone(),
        source: section.source.clone(),
        implementation: Some(Implementation {
            adapter: adapter.manifest.name.clone(),
            digest,
        }),
    }
}

/// Definitions of all adapters of a catalog; an adapter that cannot be read has none.
pub(crate) fn definitions(catalog: &Catalog) -> Vec<MetricDefinition> {
    let mut found = Vec::new();
    for adapter in &catalog.adapters {
        match definitions_of(adapter) {
            Ok(of) => found.extend(of),
            Err(error) => {
                let name = &adapter.manifest.name;
                tracing::warn!(name, %error, "the metrics of an adapter cannot be read");
            }
        }
    }
    found
}

/// Runs the programs of this machine's adapters.
pub(crate) struct LocalCustomMetrics {
    data_dir: PathBuf,
    /// Where the folders of programs are made; empty when the hub starts.
    scratch: PathBuf,
    /// Whether the hub is stopping.
    closed: AtomicBool,
    started: AtomicU64,
}

/// A folder of programs, removed when it is dropped.
struct Place(PathBuf);

impl Drop for Place {
    fn drop(&mut self) {
        if self.0.exists()
            && let Err(error) = std::fs::remove_dir_all(&self.0)
        {
            tracing::debug!(%error, "the folder of a metric stays behind");
        }
    }
}

impl LocalCustomMetrics {
    pub(crate) fn new(data_dir: &Path, scratch: &Path) -> std::io::Result<Self> {
        // Programs are given absolute paths.
        Ok(Self {
            data_dir: std::path::absolute(data_dir)?,
            scratch: std::path::absolute(scratch)?.join("metrics"),
            closed: AtomicBool::new(false),
            started: AtomicU64::new(0),
        })
    }

    /// Ends programs that run, and starts none any more.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    fn stopped(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    fn one(
        &self,
        catalog: &Catalog,
        wanted: &MetricDefinition,
        (input, folder): (&MetricInput, &Path),
        environments: &mut BTreeMap<String, PreparedEnvironment>,
    ) -> std::result::Result<CustomValue, Failure> {
        let told = |error: &dyn std::fmt::Display| Failure::Told(error.to_string());
        let (adapter_name, name) = wanted
            .name
            .split_once(SEPARATOR)
            .ok_or_else(|| told(&"its name has no adapter"))?;
        let adapter = catalog.find(adapter_name).map_err(|error| told(&error))?;
        let section = adapter
            .manifest
            .definitions
            .get(name)
            .ok_or_else(|| told(&"its adapter does not define it any more"))?;
        let digest = adapter
            .definition_digest(section)
            .map_err(|error| told(&error))?;
        if definition(adapter, name, section, digest) != *wanted {
            return Err(told(
                &"its adapter was changed meanwhile; evaluate the run again",
            ));
        }
        if !environments.contains_key(adapter_name) {
            let folder = paths::environments(&self.data_dir);
            let prepared =
                prepare_environment(adapter, &folder, &mut |_| ()).map_err(|error| told(&error))?;
            environments.insert(adapter_name.to_owned(), prepared);
        }
        let exe = std::env::current_exe().map_err(|error| told(&error))?;
        let launch = |dir: &Path, run: &mlhub_protocol::run_dir::RunFile| {
            let context = LaunchContext {
                run_dir: dir,
                run,
                project_dir: dir,
                mlhub_binary: &exe,
                extra_env: BTreeMap::new(),
                passthrough_names: &[],
            };
            launch_command(
                adapter,
                &environments[adapter_name],
                Capability::Metrics,
                &context,
            )
            .map_err(|error| error.to_string())
        };
        let programs = Programs {
            launch: &launch,
            exe: &exe,
            time: Duration::from_secs(limits::CUSTOM_METRIC_SECONDS_MAX),
            stopped: &|| self.stopped(),
        };
        let asked = MetricAsked {
            name: name.to_owned(),
            version: section.version,
            params: section.params.clone(),
        };
        let range = RangeSection {
            low: wanted.range.0,
            high: wanted.range.1,
        };
        match run_programs(input, &asked, range, folder, &programs) {
            Ok(computed) => Ok(CustomValue {
                value: computed.value,
                note: format!(
                    "{} of adapter `{}`",
                    computed.enforced.told(),
                    adapter.reference()
                ),
            }),
            Err(CustomMetricError::Stopped) => Err(Failure::Stopped),
            Err(error) => {
                let last_lines = error.last_lines();
                if !last_lines.is_empty() {
                    tracing::error!(
                        metric = wanted.id(),
                        ?last_lines,
                        "a metric's program failed"
                    );
                }
                Err(told(&error))
            }
        }
    }
}

/// Why a metric has no value.
enum Failure {
    /// As it is told.
    Told(String),
    /// The hub is ending.
    Stopped,
}

impl CustomMetrics for LocalCustomMetrics {
    fn definitions(&self) -> Vec<MetricDefinition> {
        match unpacked_catalog(&self.data_dir, None) {
            Ok(catalog) => definitions(&catalog),
            Err(error) => {
                tracing::warn!(%error, "the bundled adapters cannot be unpacked");
                Vec::new()
            }
        }
    }

    fn compute(
        &self,
        wanted: &[MetricDefinition],
        predictions: &MetricPredictions,
    ) -> Result<Vec<std::result::Result<CustomValue, String>>> {
        let catalog = unpacked_catalog(&self.data_dir, None)
            .map_err(|error| Error::internal("unpack adapters", error))?;
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let folder = Place(self.scratch.join(number.to_string()));
        let input = match MetricInput::write(&folder.0, predictions) {
            Ok(input) => input,
            Err(error) => return Ok(wanted.iter().map(|_| Err(error.to_string())).collect()),
        };
        let mut environments = BTreeMap::new();
        let mut values = Vec::with_capacity(wanted.len());
        for (at, metric) in wanted.iter().enumerate() {
            let own = Place(place(&folder.0, at));
            let computed = self.one(&catalog, metric, (&input, &own.0), &mut environments);
            values.push(match computed {
                Ok(value) => Ok(value),
                Err(Failure::Told(why)) => Err(why),
                Err(Failure::Stopped) => {
                    return Err(Error::new(
                        ErrorKind::Unavailable,
                        "the hub is ending; the evaluation goes on when it is back",
                    ));
                }
            });
        }
        Ok(values)
    }
}
