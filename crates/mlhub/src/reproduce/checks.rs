//! Restores what a run stood on and compares it with the record: code, adapter, config,
//! environment, dataset, machine. Everything is looked at, so that all differences are told at once.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use mlhub_agent::adapter::{Adapter, DiscoveryRoots, PreparedEnvironment, Replacement, discover};
use mlhub_app::{code_folder, data_paths, package_changes};
use mlhub_config::{REDACTED, Syntax};
use mlhub_core::state::RunState;
use mlhub_protocol::rest::{ReproductionDifference, RunDetail, Snapshot};
use serde_json::{Value, json};

use super::{ReproduceArgs, code};
use crate::connect::Connection;
use crate::exit::{REPRODUCTION, fail};
use crate::launch::experiment::{self, Experiment, Source};
use crate::launch::{adapter, dataset, start};
use crate::{paths, provenance};

/// Packages named in one message; the rest is counted.
const PACKAGES_NAMED: usize = 8;
/// The tag of smoke runs.
const SMOKE_TAG: &str = "smoke";

/// A part of a run that can differ and be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Run the code as it is now, where it was
    Code,
    /// Use the adapter of that name as it is now
    Adapter,
    /// Use the environment as it is now
    Environment,
    /// Use the dataset as it is now
    Dataset,
    /// Run with the config as it resolves now
    Config,
}

impl Part {
    fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Adapter => "adapter",
            Self::Environment => "environment",
            Self::Dataset => "dataset",
            Self::Config => "config",
        }
    }
}

/// Something that is not as it was.
pub(super) struct Finding {
    pub(super) part: String,
    pub(super) message: String,
    /// Whether nothing may run because of it.
    pub(super) refused: bool,
}

impl Finding {
    pub(super) fn difference(&self) -> ReproductionDifference {
        ReproductionDifference {
            part: self.part.clone(),
            message: self.message.clone(),
        }
    }
}

/// All that is needed to run, and what is not as it was.
pub(super) struct Prepared {
    pub(super) experiment: Experiment,
    pub(super) environment: PreparedEnvironment,
    pub(super) findings: Vec<Finding>,
}

/// Collects findings of one reproduction.
struct Findings<'a> {
    accepted: &'a [Part],
    list: Vec<Finding>,
}

impl Findings<'_> {
    /// Refused unless its part was accepted.
    fn differs(&mut self, part: Part, message: impl Into<String>) {
        self.list.push(Finding {
            part: part.as_str().to_owned(),
            message: message.into(),
            refused: !self.accepted.contains(&part),
        });
    }

    /// Told and recorded, never refused.
    fn note(&mut self, part: &str, message: impl Into<String>) {
        self.list.push(Finding {
            part: part.to_owned(),
            message: message.into(),
            refused: false,
        });
    }
}

/// Restores and compares everything; runs nothing.
pub(super) fn prepare(
    arguments: &ReproduceArgs,
    original: &RunDetail,
    place: &Path,
    connection: &Connection,
) -> anyhow::Result<Prepared> {
    let snapshot = &original.snapshot;
    if !snapshot.config.is_object() {
        return Err(fail(
            REPRODUCTION,
            format!(
                "{} was not started by `mlhub run`: no config is recorded, so there is nothing to run again",
                original.summary.name
            ),
        ));
    }
    if !RunState::parse(&original.summary.state).is_ok_and(RunState::is_terminal) {
        return Err(fail(
            REPRODUCTION,
            format!(
                "{} has not ended yet: there is nothing whole to compare with",
                original.summary.name
            ),
        ));
    }
    let replacement = arguments.on.replacement()?;
    let mut findings = Findings {
        accepted: &arguments.accept,
        list: Vec::new(),
    };
    let folder = restored(&mut findings, snapshot, place, arguments)?;
    let mut experiment = resolved(&mut findings, original, arguments, &folder, connection)?;
    experiment.smoke = original.summary.tags.contains_key(SMOKE_TAG);
    let (adapter, data_dir) = (&experiment.adapter, &connection.data_dir);
    let environment = match replacement {
        None => adapter::environment(adapter, data_dir)?,
        Some(other) => adapter::replacement(adapter, other, data_dir)?,
    };
    compare_environment(
        &mut findings,
        snapshot,
        &experiment,
        &environment,
        replacement,
    );
    compare_dataset(&mut findings, snapshot, &experiment, arguments, connection)?;
    compare_machine(&mut findings, &snapshot.machine);
    Ok(Prepared {
        experiment,
        environment,
        findings: findings.list,
    })
}

/// The folder of the restored code, or with `--accept code` that of the code as it is.
fn restored(
    findings: &mut Findings<'_>,
    snapshot: &Snapshot,
    place: &Path,
    arguments: &ReproduceArgs,
) -> anyhow::Result<PathBuf> {
    let code = &snapshot.code;
    let data = data_paths(snapshot);
    match code::restore(code, place, arguments.repository.as_deref(), &data) {
        Ok(restored) => {
            for message in restored.missing {
                findings.differs(Part::Code, message);
            }
            for note in restored.notes {
                findings.note("code", note);
            }
            Ok(restored.folder)
        }
        Err(messages) => {
            for message in messages {
                findings.differs(Part::Code, message);
            }
            let original = code_folder(code);
            let folder = match &arguments.repository {
                Some(root) => Path::new(root).join(code["folder"].as_str().unwrap_or_default()),
                None => original,
            };
            if arguments.accept.contains(&Part::Code) && !folder.is_dir() {
                return Err(fail(
                    REPRODUCTION,
                    format!("the folder `{}` is not there any more", folder.display()),
                ));
            }
            Ok(folder)
        }
    }
}

/// The recorded config with the run's own seed, resolved in the restored code.
fn resolved(
    findings: &mut Findings<'_>,
    original: &RunDetail,
    arguments: &ReproduceArgs,
    folder: &Path,
    connection: &Connection,
) -> anyhow::Result<Experiment> {
    let snapshot = &original.snapshot;
    let project = folder.is_dir().then_some(folder);
    let mut catalog = adapter::catalog(&connection.data_dir, project)?;
    let wanted = snapshot.adapter["digest"].as_str().unwrap_or_default();
    let name = snapshot.adapter["name"].as_str().unwrap_or_default();
    let is_wanted = |adapter: &Adapter| adapter.digest == wanted;
    let now = catalog.find(name).ok().cloned();
    if !now.as_ref().is_some_and(is_wanted) {
        match earlier_bundle(&connection.data_dir, name, wanted) {
            Some(earlier) => catalog = earlier,
            None => compare_adapter(findings, snapshot, name, now.as_ref()),
        }
    }
    let mut document = snapshot.config.clone();
    // The record names the version; whether it is that one was just looked at.
    document["adapter"] = json!(name);
    document["seeds"] = json!([original.summary.seed.unwrap_or_default()]);
    for name in missing_secrets(&document, &arguments.set) {
        findings.differs(
            Part::Config,
            format!(
                "the variable `{name}` is a secret and was not recorded; give it with --set environment.variables.{name}=VALUE"
            ),
        );
    }
    place_dataset(&mut document, snapshot, arguments);
    let text = serde_json::to_string(&document)?;
    let recorded = format!("the recorded config of {}", original.summary.name);
    let source = Source {
        name: &recorded,
        text: &text,
        syntax: Syntax::Json,
    };
    let experiment =
        experiment::resolve(&source, &catalog, &arguments.set, false, folder.to_owned())
            .map_err(|refusal| refusal.into_failure(&recorded))?;
    compare_params(findings, snapshot, &experiment);
    for set in &arguments.set {
        let key = set.split('=').next().unwrap_or_default();
        findings.note("config", format!("`{key}` was given with --set"));
    }
    Ok(experiment)
}

/// The adapters of an earlier version of the hub, where they are still unpacked.
fn earlier_bundle(
    data_dir: &Path,
    name: &str,
    digest: &str,
) -> Option<mlhub_agent::adapter::Catalog> {
    let folders = std::fs::read_dir(paths::bundled_adapters(data_dir)).ok()?;
    folders.filter_map(Result::ok).find_map(|folder| {
        let catalog = discover(&DiscoveryRoots {
            bundled: Some(folder.path()),
            data_dir: None,
            project: None,
            python: None,
        });
        let found = catalog.find(name).is_ok_and(|one| one.digest == digest);
        found.then_some(catalog)
    })
}

fn compare_adapter(
    findings: &mut Findings<'_>,
    snapshot: &Snapshot,
    name: &str,
    now: Option<&Adapter>,
) {
    let version = snapshot.adapter["version"].as_str().unwrap_or_default();
    let Some(now) = now else {
        findings.differs(
            Part::Adapter,
            format!("the adapter `{name}` {version} is not here"),
        );
        return;
    };
    let changes: Vec<String> =
        mlhub_config::defaults_diff(&snapshot.adapter["schema"], &now.schema)
            .into_iter()
            .map(|change| {
                let text =
                    |value: Option<Value>| value.map_or("none".to_owned(), |v| v.to_string());
                format!(
                    "{} was {}, is {}",
                    change.path,
                    text(change.old),
                    text(change.new)
                )
            })
            .collect();
    let defaults = match changes.is_empty() {
        true => String::new(),
        false => format!("; defaults that changed: {}", changes.join(", ")),
    };
    findings.differs(
        Part::Adapter,
        format!(
            "the adapter `{name}` is {} here and its files are not those of {version}, which the run used{defaults}",
            now.manifest.version
        ),
    );
}

/// Names of variables whose recorded value stands for a secret and that nobody gives.
fn missing_secrets(document: &Value, set: &[String]) -> Vec<String> {
    let variables = document["environment"]["variables"].as_object();
    variables
        .into_iter()
        .flatten()
        .filter(|(_, value)| *value == REDACTED)
        .map(|(name, _)| name.clone())
        .filter(|name| {
            let given = format!("environment.variables.{name}=");
            !set.iter().any(|set| set.starts_with(&given))
        })
        .collect()
}

/// The dataset's path as it was read, whatever folder the code is in now.
fn place_dataset(document: &mut Value, snapshot: &Snapshot, arguments: &ReproduceArgs) {
    let original = code_folder(&snapshot.code);
    let Some(dataset) = document.get_mut("dataset").and_then(Value::as_object_mut) else {
        return;
    };
    let recorded = dataset.get("path").and_then(Value::as_str);
    let path = match &arguments.dataset {
        Some(given) => Some(std::path::absolute(given).unwrap_or_else(|_| given.clone())),
        None => recorded.map(|path| original.join(path)),
    };
    if let Some(path) = path {
        dataset.insert("path".to_owned(), json!(path.to_string_lossy()));
    }
    let files = dataset
        .get_mut("split")
        .and_then(|split| split.get_mut("files"))
        .and_then(Value::as_object_mut);
    for file in files.into_iter().flat_map(|files| files.values_mut()) {
        if let Some(path) = file.as_str() {
            *file = json!(original.join(path).to_string_lossy());
        }
    }
}

fn compare_params(findings: &mut Findings<'_>, snapshot: &Snapshot, experiment: &Experiment) {
    let before = snapshot.config["params"].as_object();
    let now = &experiment.resolved.params;
    let empty = serde_json::Map::new();
    let before = before.unwrap_or(&empty);
    let names: std::collections::BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    for name in names {
        let (old, new) = (before.get(name), now.get(name));
        if old != new {
            let text = |value: Option<&Value>| value.map_or("none".to_owned(), Value::to_string);
            findings.differs(
                Part::Config,
                format!("`params.{name}` was {}, is {}", text(old), text(new)),
            );
        }
    }
}

fn compare_environment(
    findings: &mut Findings<'_>,
    snapshot: &Snapshot,
    experiment: &Experiment,
    environment: &PreparedEnvironment,
    replacement: Option<&Replacement>,
) {
    let recorded = &snapshot.environment;
    if recorded["fingerprint"].as_str() == Some(environment.fingerprint.as_str()) {
        return;
    }
    let before: Vec<String> =
        serde_json::from_value(recorded["packages"].clone()).unwrap_or_default();
    let changes = package_changes(&before, &start::packages(experiment, environment));
    let was = recorded["description"].as_str().unwrap_or("not recorded");
    let packages = match changes.len() {
        0 => String::new(),
        count => {
            let named = changes.iter().take(PACKAGES_NAMED);
            let named: Vec<String> = named.map(ToString::to_string).collect();
            let named = named.join(", ");
            let more = count.saturating_sub(PACKAGES_NAMED);
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            format!("; packages: {named}{more}")
        }
    };
    let message = format!(
        "the environment was {was}, is {}{packages}",
        environment.description
    );
    match replacement {
        // The difference is what is asked about.
        Some(by) => findings.note("environment", format!("{message} ({by})")),
        None => findings.differs(Part::Environment, message),
    }
}

fn compare_dataset(
    findings: &mut Findings<'_>,
    snapshot: &Snapshot,
    experiment: &Experiment,
    arguments: &ReproduceArgs,
    connection: &Connection,
) -> anyhow::Result<()> {
    let record = &snapshot.dataset;
    let Some(spec) = &experiment.resolved.experiment.dataset else {
        return Ok(());
    };
    let name = record["name"].as_str().unwrap_or_default();
    let version = record["version"]
        .as_u64()
        .and_then(|n| u32::try_from(n).ok());
    let known = connection.client.dataset_get(name, version)?.current;
    let path = match (&arguments.dataset, &spec.path) {
        (Some(given), _) => given.clone(),
        (None, Some(path)) => PathBuf::from(path),
        (None, None) => PathBuf::from(&known.source),
    };
    if !path.exists() {
        let place = path.display();
        findings.differs(
            Part::Dataset,
            format!(
                "the dataset `{name}` is not at `{place}` any more; name its place with --dataset"
            ),
        );
        return Ok(());
    }
    if let Err(error) = dataset::verify(&path, &known) {
        findings.differs(Part::Dataset, error.to_string());
        return Ok(());
    }
    let manifest = &experiment.adapter.manifest;
    let prepared = dataset::prepare(
        spec,
        &experiment.project_dir,
        &connection.data_dir,
        &manifest.dataset,
        &manifest.name,
        &connection.client,
    )?;
    for (split, recorded) in record["splits"].as_object().into_iter().flatten() {
        let now = &prepared.record["splits"][split]["fingerprint"];
        if *now != recorded["fingerprint"] {
            findings.differs(
                Part::Dataset,
                format!(
                    "the split `{split}` of the dataset `{name}` has other rows than the run had"
                ),
            );
        }
    }
    Ok(())
}

/// What of the machine can change numbers. It cannot be restored, so it is never refused.
fn compare_machine(findings: &mut Findings<'_>, recorded: &Value) {
    let now = provenance::machine();
    for key in [
        "os",
        "kernel",
        "architecture",
        "processor",
        "cores",
        "gpus",
        "gpu_driver",
        "mlhub",
    ] {
        let (before, now) = (&recorded[key], &now[key]);
        if !before.is_null() && before != now {
            let plain = |value: &Value| value.as_str().map_or(value.to_string(), str::to_owned);
            findings.note(
                "machine",
                format!("{key} was {}, is {}", plain(before), plain(now)),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_missing_until_they_are_given() {
        let document = json!({"environment": {"variables": {"A": "1", "API_KEY": REDACTED}}});
        assert_eq!(missing_secrets(&document, &[]), ["API_KEY"]);
        let set = ["environment.variables.API_KEY=x".to_owned()];
        assert_eq!(missing_secrets(&document, &set), Vec::<String>::new());
        assert_eq!(missing_secrets(&json!({}), &[]), Vec::<String>::new());
    }
}
