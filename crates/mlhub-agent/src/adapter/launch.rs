//! Turns an adapter, its environment and a run into an argument vector, a
//! working directory and an environment.
//!
//! Values never pass a shell, and nothing of the caller's environment is
//! handed on but what is listed here. Starting the program is the
//! supervisor's work.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mlhub_protocol::adapter::{Capability, WorkingDirectory};
use mlhub_protocol::run_dir::{LogMetric, RunFile, names};
use serde_json::Value;

use super::config_file;
use super::environment::PreparedEnvironment;
use super::kit;
use super::manifest::Adapter;
use super::rules::{self, capability_name};
use super::template::{self, Values};

/// Variables of the hub's own environment that every program gets; a `*` at the
/// end stands for any ending.
pub const PASSED_VARIABLES: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_*",
    "TZ",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CUDA_VISIBLE_DEVICES",
    "CUDA_HOME",
    "NVIDIA_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
];

/// Variables that no config may set or pass on: they make a program load or
/// run other code, or are the hub's own. A `*` at the end stands for any ending.
pub const REFUSED_VARIABLES: &[&str] = &[
    "LD_PRELOAD",
    "LD_AUDIT",
    "DYLD_*",
    "PATH",
    "BASH_ENV",
    "ENV",
    "PYTHONSTARTUP",
    "PYTHONINSPECT",
    "GCONV_PATH",
    "MLHUB_*",
];

/// Longest whole argument vector and environment, in bytes; below what Linux takes.
pub const MAX_COMMAND_BYTES: usize = 1024 * 1024;
/// Python takes hash seeds below this.
const HASH_SEEDS: i64 = 1 << 32;

/// What launching needs to know of the run and the machine.
#[derive(Debug, Clone)]
pub struct LaunchContext<'a> {
    /// The run directory, absolute.
    pub run_dir: &'a Path,
    /// What the program is asked to do.
    pub run: &'a RunFile,
    /// The folder of the experiment file, absolute.
    pub project_dir: &'a Path,
    /// This hub's binary, absolute.
    pub mlhub_binary: &'a Path,
    /// Variables set by the config.
    pub extra_env: BTreeMap<String, String>,
    /// Names of variables of the hub's own environment to pass on.
    pub passthrough_names: &'a [String],
}

/// How to start a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaunchPlan {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Absolute working directory.
    pub cwd: PathBuf,
    /// The whole environment.
    pub env: BTreeMap<String, String>,
    /// Whether JSON lines on standard output are events.
    pub stdout_events: bool,
    /// How to read metrics from log lines.
    pub log_metrics: Vec<LogMetric>,
    /// A file to write before the start: absolute path and content.
    pub config_file: Option<(PathBuf, Vec<u8>)>,
}

/// Why a run cannot be launched. Values are never part of the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LaunchError {
    /// The adapter cannot do it.
    #[error("adapter `{adapter}` has no capability `{capability}`; it has: {}", has.join(", "))]
    Capability {
        /// The adapter.
        adapter: String,
        /// What was asked.
        capability: String,
        /// What it can do.
        has: Vec<String>,
    },
    /// The command cannot be made.
    #[error("the `{capability}` command of adapter `{adapter}` cannot be made: {reason}")]
    Command {
        /// The adapter.
        adapter: String,
        /// Which command.
        capability: String,
        /// Why.
        reason: String,
    },
    /// The config file cannot be written.
    #[error("the config file for adapter `{adapter}` cannot be written: {reason}")]
    Config {
        /// The adapter.
        adapter: String,
        /// Why.
        reason: String,
    },
    /// A regular expression among the params does not compile.
    #[error("param `{param}` holds a regular expression that cannot be used: {reason}")]
    LogMetric {
        /// The param.
        param: String,
        /// Why.
        reason: String,
    },
    /// A variable that may not be set or passed on, or cannot be.
    #[error("environment variable `{name}` cannot be given to the program: {reason}")]
    Variable {
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
    /// A path is not text.
    #[error("the path {} is not UTF-8; move it to one that is", .0.display())]
    Path(PathBuf),
}

/// Prepares the start of `capability` for a run.
///
/// # Errors
/// [`LaunchError`], each a sentence to show.
pub fn launch_command(
    adapter: &Adapter,
    environment: &PreparedEnvironment,
    capability: Capability,
    context: &LaunchContext<'_>,
) -> Result<LaunchPlan, LaunchError> {
    let inherited = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    plan(
        adapter,
        environment,
        capability,
        context,
        &inherited.collect(),
    )
}

/// [`launch_command`] with the hub's own environment handed in.
pub(super) fn plan(
    adapter: &Adapter,
    environment: &PreparedEnvironment,
    capability: Capability,
    context: &LaunchContext<'_>,
    inherited: &BTreeMap<String, String>,
) -> Result<LaunchPlan, LaunchError> {
    let manifest = &adapter.manifest;
    let template = adapter
        .command(capability)
        .filter(|_| adapter.can(capability))
        .ok_or_else(|| LaunchError::Capability {
            adapter: manifest.name.clone(),
            capability: capability_name(capability),
            has: manifest
                .capabilities
                .iter()
                .map(|&has| capability_name(has))
                .collect(),
        })?;
    let config_error = |reason| LaunchError::Config {
        adapter: manifest.name.clone(),
        reason,
    };
    let content =
        config_file::write(&manifest.config.format, &context.run.params).map_err(config_error)?;
    let config_file = content.map(|content| {
        (
            context
                .run_dir
                .join(format!("config.{}", manifest.config.format)),
            content,
        )
    });
    let values = Values {
        named: named_values(
            adapter,
            environment,
            context,
            config_file.as_ref().map(|(path, _)| path.as_path()),
        )?,
        params: &context.run.params,
    };
    let command_error = |reason| LaunchError::Command {
        adapter: manifest.name.clone(),
        capability: capability_name(capability),
        reason,
    };
    let argv = template::expand(template, &values).map_err(command_error)?;
    if argv.first().is_none_or(String::is_empty) {
        return Err(command_error(
            "it names no program; give the param that holds the command a value".to_owned(),
        ));
    }
    let env = variables(environment, context, inherited)?;
    check_size(&argv, &env).map_err(command_error)?;
    let cwd = match manifest.working_directory {
        WorkingDirectory::Run => context.run_dir,
        WorkingDirectory::Project => context.project_dir,
    };
    Ok(LaunchPlan {
        argv,
        cwd: cwd.to_owned(),
        env,
        stdout_events: manifest.output.stdout_events,
        log_metrics: log_metrics(adapter, context.run)?,
        config_file,
    })
}

fn check_size(argv: &[String], env: &BTreeMap<String, String>) -> Result<(), String> {
    let arguments: usize = argv.iter().map(|argument| argument.len() + 1).sum();
    let variables: usize = env
        .iter()
        .map(|(name, value)| name.len() + value.len() + 2)
        .sum();
    match arguments + variables {
        bytes if bytes > MAX_COMMAND_BYTES => Err(format!(
            "arguments and environment are {bytes} bytes, more than {MAX_COMMAND_BYTES}; pass large values by file"
        )),
        _ => Ok(()),
    }
}

fn text(path: &Path) -> Result<String, LaunchError> {
    path.to_str()
        .map(str::to_owned)
        .ok_or_else(|| LaunchError::Path(path.to_owned()))
}

fn named_values(
    adapter: &Adapter,
    environment: &PreparedEnvironment,
    context: &LaunchContext<'_>,
    config: Option<&Path>,
) -> Result<BTreeMap<&'static str, String>, LaunchError> {
    let mut named = BTreeMap::from([
        ("run", text(context.run_dir)?),
        ("adapter", text(&adapter.dir)?),
        ("mlhub", text(context.mlhub_binary)?),
        ("project", text(context.project_dir)?),
        ("seed", context.run.seed.to_string()),
    ]);
    if let Some(python) = &environment.python {
        named.insert("python", text(python)?);
    }
    if let Some(config) = config {
        named.insert("config", text(config)?);
    }
    Ok(named)
}

/// The manifest's expressions and those of its `log_metrics_param`.
fn log_metrics(adapter: &Adapter, run: &RunFile) -> Result<Vec<LogMetric>, LaunchError> {
    let output = &adapter.manifest.output;
    let mut metrics = output.log_metrics.clone();
    let Some(param) = &output.log_metrics_param else {
        return Ok(metrics);
    };
    let fail = |reason: String| LaunchError::LogMetric {
        param: param.clone(),
        reason,
    };
    let patterns = match run.params.get(param) {
        None | Some(Value::Null) => return Ok(metrics),
        Some(Value::Array(patterns)) => patterns,
        Some(_) => return Err(fail("it must be an array of strings".to_owned())),
    };
    for pattern in patterns {
        let pattern = pattern
            .as_str()
            .ok_or_else(|| fail("it must be an array of strings".to_owned()))?;
        rules::log_pattern(pattern).map_err(fail)?;
        metrics.push(LogMetric {
            stream: "stdout".to_owned(),
            pattern: pattern.to_owned(),
        });
    }
    Ok(metrics)
}

/// The whole environment: passed on, the adapter environment's, the config's, the hub's own.
fn variables(
    environment: &PreparedEnvironment,
    context: &LaunchContext<'_>,
    inherited: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, LaunchError> {
    let mut env: BTreeMap<String, String> = inherited
        .iter()
        .filter(|(name, _)| matches(name, PASSED_VARIABLES))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    for name in context.passthrough_names {
        allowed(name)?;
        if let Some(value) = inherited.get(name) {
            env.insert(name.clone(), value.clone());
        }
    }
    let mut ours = environment.env.clone();
    let kit = ours.remove(kit::PYTHON_PATH);
    env.extend(ours);
    for (name, value) in &context.extra_env {
        allowed(name)?;
        if value.contains('\0') {
            return Err(LaunchError::Variable {
                name: name.clone(),
                reason: "its value holds a NUL byte".to_owned(),
            });
        }
        env.insert(name.clone(), value.clone());
    }
    if let Some(kit) = kit {
        let path = kit::join_path(env.get(kit::PYTHON_PATH), &kit);
        env.insert(kit::PYTHON_PATH.to_owned(), path);
    }
    env.insert(names::ENV_RUN_DIR.to_owned(), text(context.run_dir)?);
    env.insert(names::ENV_RUN_ID.to_owned(), context.run.run.id.clone());
    env.insert(names::ENV_SEED.to_owned(), context.run.seed.to_string());
    env.insert("PYTHONUNBUFFERED".to_owned(), "1".to_owned());
    env.insert(
        "PYTHONHASHSEED".to_owned(),
        context.run.seed.rem_euclid(HASH_SEEDS).to_string(),
    );
    Ok(env)
}

fn matches(name: &str, patterns: &[&str]) -> bool {
    patterns
        .iter()
        .any(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => name == *pattern,
        })
}

fn allowed(name: &str) -> Result<(), LaunchError> {
    let fail = |reason: &str| {
        Err(LaunchError::Variable {
            name: name.escape_debug().to_string(),
            reason: reason.to_owned(),
        })
    };
    if name.is_empty() || name.contains(['=', '\0']) {
        return fail("its name is empty or holds `=` or NUL");
    }
    if matches(name, REFUSED_VARIABLES) {
        return fail("it changes which code runs, or is the hub's own; remove it from the config");
    }
    Ok(())
}
