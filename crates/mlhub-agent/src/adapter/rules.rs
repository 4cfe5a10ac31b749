//! The rules a manifest must keep beyond its shape.
//!
//! Each rule names the field to blame; [`super::manifest`] finds its line.

use std::path::Path;

use mlhub_protocol::adapter::{Capability, Environment, Manifest};
use mlhub_protocol::export::is_format;
use serde_json::Value;

use super::problem::Finding;
use super::template::{self, PARAMS_PREFIX, PLACEHOLDERS};
use super::{files, own_python, schema};

/// Longest adapter name.
const MAX_NAME_CHARS: usize = 64;
/// Formats of the file at `{config}`.
const CONFIG_FORMATS: &[&str] = &["json", "yaml", "toml", "none"];
/// Formats of datasets an adapter may read.
const DATASET_FORMATS: &[&str] = &["csv", "parquet", "jsonl", "npz", "image_folder", "folder"];
/// Directions of a metric.
pub(super) const DIRECTIONS: &[&str] = &["maximize", "minimize", "none"];
/// Largest compiled regular expression, in bytes.
const MAX_REGEX_BYTES: usize = 1 << 20;
/// Oldest Python 3 minor version a manifest may ask for.
const MIN_PYTHON_MINOR: u32 = 8;

pub(super) fn is_name(name: &str) -> bool {
    name.len() <= MAX_NAME_CHARS
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

pub(super) fn identity(manifest: &Manifest) -> Result<(), Finding> {
    if !is_name(&manifest.name) {
        return Err(Finding::manifest(
            "name",
            "the name must be lower-case letters, digits and `-`, start with a letter, and have at most 64 characters",
        ));
    }
    if let Err(error) = semver::Version::parse(&manifest.version) {
        return Err(Finding::manifest(
            "version",
            format!("the version is not a semantic version: {error}"),
        )
        .hint("write three numbers, such as \"0.1.0\""));
    }
    if manifest.description.trim().is_empty() || manifest.description.contains('\n') {
        return Err(Finding::manifest(
            "description",
            "the description must be one sentence on one line",
        ));
    }
    let word = |task: &String| {
        !task.is_empty()
            && task
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    if let Some(bad) = manifest.tasks.iter().find(|task| !word(task)) {
        return Err(Finding::manifest(
            "tasks",
            format!("`{}` is not the name of a task", bad.escape_debug()),
        )
        .hint("tasks are words such as binary, multiclass, regression"));
    }
    one_of("config.format", &manifest.config.format, CONFIG_FORMATS)?;
    for format in &manifest.dataset.formats {
        one_of("dataset.formats", format, DATASET_FORMATS)?;
    }
    Ok(())
}

pub(super) fn one_of(at: &str, value: &str, known: &[&str]) -> Result<(), Finding> {
    if known.contains(&value) {
        return Ok(());
    }
    let hint =
        super::near(value, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
    Err(
        Finding::manifest(at, format!("`{}` is not known here", value.escape_debug()))
            .hint(hint.unwrap_or_else(|| format!("known are {}", known.join(", ")))),
    )
}

/// A capability as the manifest writes it.
pub(super) fn capability_name(capability: Capability) -> String {
    serde_json::to_value(capability)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// An adapter says which formats it exports to, and none if it does not export.
pub(super) fn export(manifest: &Manifest) -> Result<(), Finding> {
    let at = "export.formats";
    let exports = manifest.capabilities.contains(&Capability::Export);
    let formats = &manifest.export.formats;
    if exports && formats.is_empty() {
        return Err(
            Finding::manifest(at, "capability `export` names no format to export to")
                .hint("add `[export]` with `formats = [\"onnx\"]`"),
        );
    }
    if !exports && !formats.is_empty() {
        return Err(Finding::manifest(
            at,
            "formats, but `export` is not among the capabilities",
        ));
    }
    match formats.iter().find(|format| !is_format(format)) {
        Some(bad) => Err(Finding::manifest(
            at,
            format!("`{}` is not the name of a format", bad.escape_debug()),
        )
        .hint("formats are lower-case words, such as onnx")),
        None => Ok(()),
    }
}

pub(super) fn commands(manifest: &Manifest, schema: &Value) -> Result<(), Finding> {
    if !manifest.capabilities.contains(&Capability::Train) {
        return Err(Finding::manifest(
            "capabilities",
            "`train` is missing; every adapter of protocol 1 trains",
        ));
    }
    for &capability in &manifest.capabilities {
        let shared = matches!(capability, Capability::Resume | Capability::Evaluate);
        if !manifest.commands.contains_key(&capability) && !shared {
            let name = capability_name(capability);
            return Err(Finding::manifest(
                "commands",
                format!("capability `{name}` has no command"),
            )
            .hint(format!(
                "add `{name} = [\"program\", \"argument\"]` to [commands]"
            )));
        }
    }
    for (&capability, elements) in &manifest.commands {
        let name = capability_name(capability);
        let at = format!("commands.{name}");
        if !manifest.capabilities.contains(&capability) {
            return Err(Finding::manifest(
                &at,
                format!("a command for `{name}`, which is not among the capabilities"),
            ));
        }
        if elements.first().is_none_or(String::is_empty) {
            return Err(Finding::manifest(&at, "the command has no program"));
        }
        for element in elements {
            if element.contains('\0') {
                return Err(Finding::manifest(&at, "an argument holds a NUL byte"));
            }
            for placeholder in template::placeholders(element) {
                self::placeholder(&placeholder, manifest, schema).map_err(|(reason, hint)| {
                    Finding {
                        hint,
                        ..Finding::manifest(&at, reason)
                    }
                })?;
            }
        }
    }
    Ok(())
}

fn placeholder(
    name: &str,
    manifest: &Manifest,
    schema: &Value,
) -> Result<(), (String, Option<String>)> {
    if let Some(param) = name.strip_prefix(PARAMS_PREFIX) {
        if schema::property(schema, param).is_some() {
            return Ok(());
        }
        let near = super::near(param, schema::names(schema))
            .map(|near| format!("did you mean `{{params.{near}}}`?"));
        return Err((
            format!("placeholder `{{{name}}}` names a param that the schema does not have"),
            near,
        ));
    }
    if !PLACEHOLDERS.contains(&name) {
        let near = super::near(name, PLACEHOLDERS.iter().copied())
            .map(|near| format!("did you mean `{{{near}}}`?"));
        return Err((template::unknown(name), near));
    }
    if name == "config" && manifest.config.format == "none" {
        return Err((
            "placeholder `{config}` but config.format is \"none\"".to_owned(),
            Some("name a format: json, yaml or toml".to_owned()),
        ));
    }
    let python = match &manifest.environment {
        Environment::Venv { .. } | Environment::Python { .. } => true,
        Environment::System { requires } => requires.iter().any(|command| is_python(command)),
        Environment::None => false,
    };
    if name == "python" && !python {
        return Err((
            "placeholder `{python}` but the environment has no Python".to_owned(),
            Some("use a venv environment, or require `python3`".to_owned()),
        ));
    }
    Ok(())
}

/// Whether a required command is a Python interpreter.
pub(super) fn is_python(command: &str) -> bool {
    command
        .strip_prefix("python")
        .is_some_and(|version| version.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

pub(super) fn environment(dir: &Path, manifest: &Manifest) -> Result<(), Finding> {
    match &manifest.environment {
        Environment::None => Ok(()),
        Environment::System { requires } => match requires
            .iter()
            .find(|command| command.is_empty() || command.contains(['/', '\0']))
        {
            Some(bad) => Err(Finding::manifest(
                "environment.requires",
                format!("`{}` is not the name of a command", bad.escape_debug()),
            )
            .hint("name commands that are found on PATH, without folders")),
            None => Ok(()),
        },
        Environment::Venv { lock, python } => locked(dir, lock, python),
        Environment::Python {
            packages,
            lock,
            python,
        } => {
            if packages.is_empty() {
                return Err(Finding::manifest(
                    "environment.packages",
                    "names no package, so any Python would do".to_owned(),
                )
                .hint("name what the adapter imports, such as \"torch>=1.13\""));
            }
            for package in packages {
                own_python::alternatives(package)
                    .map_err(|reason| Finding::manifest("environment.packages", reason))?;
            }
            locked(dir, lock, python)
        }
    }
}

fn locked(dir: &Path, lock: &str, python: &str) -> Result<(), Finding> {
    files::file_inside(dir, lock)
        .map_err(|reason| Finding::manifest("environment.lock", reason))?;
    match minor_version(python) {
        Some(minor) if minor >= MIN_PYTHON_MINOR => Ok(()),
        _ => Err(Finding::manifest(
            "environment.python",
            format!("`{}` is not a Python version", python.escape_debug()),
        )
        .hint("write the oldest that works, such as \"3.9\"")),
    }
}

/// The minor version of `3.N`.
pub(super) fn minor_version(python: &str) -> Option<u32> {
    python.strip_prefix("3.")?.parse().ok()
}

/// Checks an expression that reads metrics from log lines.
pub(super) fn log_pattern(pattern: &str) -> Result<(), String> {
    let expression = regex::RegexBuilder::new(pattern)
        .size_limit(MAX_REGEX_BYTES)
        .build();
    let expression = expression.map_err(|error| {
        let text = error.to_string();
        let cause = text.lines().last().unwrap_or_default();
        format!(
            "a regular expression does not compile: {}",
            cause.trim_start_matches("error: ")
        )
    })?;
    if !expression
        .capture_names()
        .flatten()
        .any(|name| name != "step")
    {
        return Err(
            "a regular expression has no named group besides `step`, so no metric has a name"
                .to_owned(),
        );
    }
    Ok(())
}

pub(super) fn output(manifest: &Manifest, schema: &Value) -> Result<(), Finding> {
    for metric in &manifest.output.log_metrics {
        one_of("output.log_metrics", &metric.stream, &["stdout", "stderr"])?;
        log_pattern(&metric.pattern).map_err(|reason| {
            Finding::manifest("output.log_metrics", reason)
                .hint("write such as `loss=(?P<loss>[0-9.]+)`")
        })?;
    }
    if let Some(param) = &manifest.output.log_metrics_param
        && schema::property(schema, param).is_none()
    {
        return Err(Finding::manifest(
            "output.log_metrics_param",
            format!("the schema has no param `{param}`"),
        ));
    }
    for (name, mapping) in &manifest.metrics {
        let at = format!("metrics.{name}");
        if let Some(direction) = &mapping.direction {
            one_of(&at, direction, DIRECTIONS)?;
        }
        let versioned = |definition: &String| {
            definition
                .rsplit_once('@')
                .is_some_and(|(name, version)| !name.is_empty() && version.parse::<u32>().is_ok())
        };
        if mapping
            .definition
            .as_ref()
            .is_some_and(|definition| !versioned(definition))
        {
            return Err(
                Finding::manifest(&at, "a definition is written `name@version`")
                    .hint("such as \"accuracy@1\""),
            );
        }
    }
    Ok(())
}

pub(super) fn smoke(dir: &Path, manifest: &Manifest, schema: &Value) -> Result<(), Finding> {
    let smoke = &manifest.smoke;
    if smoke.rows == Some(0) {
        return Err(Finding::manifest(
            "smoke.rows",
            "a smoke run needs at least one row",
        ));
    }
    if let Some(dataset) = &smoke.dataset {
        files::file_inside(dir, dataset)
            .map_err(|reason| Finding::manifest("smoke.dataset", reason))?;
    } else if manifest.dataset.required {
        return Err(Finding::manifest(
            "smoke",
            "the adapter needs a dataset, so its smoke run needs one",
        )
        .hint("put a small file in the folder and name it in smoke.dataset"));
    }
    if manifest.dataset.target_required && smoke.target.is_none() {
        return Err(Finding::manifest(
            "smoke",
            "the adapter needs a target, so smoke.target must name one",
        ));
    }
    if let Some(task) = &smoke.task
        && !manifest.tasks.contains(task)
    {
        return Err(Finding::manifest(
            "smoke.task",
            format!(
                "task `{}` is not among the adapter's tasks",
                task.escape_debug()
            ),
        ));
    }
    let mut params = schema::defaults(schema);
    params.extend(smoke.params.clone());
    params.extend(smoke.check_params.clone());
    schema::check_params(schema, &params).map_err(|(field, reason)| {
        let name = field.split('.').next().unwrap_or_default();
        let section = if smoke.check_params.contains_key(name) {
            "check_params"
        } else {
            "params"
        };
        Finding::manifest(
            &format!("smoke.{section}.{field}"),
            format!("smoke param `{field}` breaks the schema: {reason}"),
        )
    })
}
