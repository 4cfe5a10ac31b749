//! From what a script tells to an experiment file for it.

use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

use super::Evidence;
use super::draft::{Draft, one_line};
use super::options::{OptionKind, ScriptOption, is_name};
use super::python::{Facts, Hydra};
use super::scan::{DatasetCandidate, TextFile};
use super::values;
use super::yaml_file;

/// Characters of a project's or experiment's name at most.
const NAME_CHARS_MAX: usize = 100;
/// What `transformers.TrainingArguments` has when nothing is given.
const TRAINER_DEFAULTS: [(&str, f64); 3] = [
    ("num_train_epochs", 3.0),
    ("learning_rate", 5e-5),
    ("weight_decay", 0.0),
];
/// What reads the dictionaries that the `transformers` trainer prints.
const TRAINER_METRICS: [&str; 2] = [
    r"'loss': (?P<loss>[-+0-9.eE]+|nan)",
    r"'eval_loss': (?P<eval_loss>[-+0-9.eE]+|nan)",
];

/// A proposed experiment file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Proposal {
    /// The script it is for.
    pub script: String,
    /// How it is configured: `argparse`, `click`, `typer`, `Hydra`, `LightningCLI`,
    /// `HfArgumentParser`, or none.
    pub configured_by: Option<String>,
    /// The experiment file, YAML.
    pub text: String,
    /// `--set` overrides that make a run of it small.
    pub smoke: Vec<String>,
    /// The command that repeats the small run.
    pub smoke_command: String,
    /// Params without a value, which must be filled in before it can run.
    pub missing: Vec<String>,
    /// What to know.
    pub notes: Vec<String>,
    /// Where its parts are from.
    pub evidence: Vec<Evidence>,
    /// The options of the script.
    pub options: Vec<ScriptOption>,
}

/// What a proposal is made from.
pub(super) struct Subject<'s> {
    pub(super) root: &'s Path,
    pub(super) path: &'s str,
    pub(super) facts: &'s Facts,
    pub(super) yaml: &'s [TextFile],
    pub(super) datasets: &'s [DatasetCandidate],
    /// The name of the experiment file.
    pub(super) file: &'s str,
}

impl Subject<'_> {
    fn at(&self, line: u32, what: impl Into<String>) -> Evidence {
        Evidence {
            file: self.path.to_owned(),
            line,
            what: what.into(),
        }
    }
}

/// Proposes an experiment for a script.
pub(super) fn propose(subject: &Subject<'_>) -> Proposal {
    let mut draft = Draft::default();
    start(subject, &mut draft);
    let facts = subject.facts;
    let configured_by = if let Some(hydra) = &facts.hydra {
        by_hydra(subject, hydra, &mut draft);
        Some("Hydra".to_owned())
    } else if let Some((line, subcommands)) = facts.lightning_cli {
        by_lightning(subject, line, subcommands, &mut draft);
        Some("LightningCLI".to_owned())
    } else {
        by_options(subject, &mut draft);
        if let Some((line, classes)) = &facts.hf_parser {
            by_trainer(subject, *line, classes, &mut draft);
            Some("HfArgumentParser".to_owned())
        } else {
            facts.command_line.as_ref().map(|found| found.what.clone())
        }
    };
    metrics(subject, &mut draft);
    if draft.has_seed {
        draft.smoke.push("seeds=[1]".to_owned());
    } else {
        draft.notes.push(
            "the script has no option for the seed; it finds it in the variable MLHUB_SEED"
                .to_owned(),
        );
    }
    let (project, name) = names(subject);
    Proposal {
        script: subject.path.to_owned(),
        configured_by,
        text: draft.text(&project, &name, subject.path, subject.file),
        smoke_command: draft.smoke_command(subject.file),
        smoke: draft.smoke,
        missing: draft.missing,
        notes: draft.notes,
        evidence: draft.evidence,
        options: facts.options.iter().map(told).collect(),
    }
}

/// An option as it may be shown: without the default of a secret.
fn told(option: &ScriptOption) -> ScriptOption {
    let mut option = option.clone();
    if mlhub_config::looks_secret(&option.name) {
        option.default = None;
    }
    option
}

/// The interpreter and the script.
fn start(subject: &Subject<'_>, draft: &mut Draft) {
    let own = [".venv/bin/python", "venv/bin/python"]
        .into_iter()
        .find(|path| subject.root.join(path).exists());
    match own {
        Some(path) => draft.element(format!("{{project}}/{path}"), "the repository's own Python"),
        None => draft.element("python3", ""),
    }
    // A file name that starts with a dash would be an option.
    let dash = if subject.path.starts_with('-') {
        "./"
    } else {
        ""
    };
    draft.element(format!("{dash}{}", literal_braces(subject.path)), "");
}

/// Text in which no placeholder is seen.
fn literal_braces(text: &str) -> String {
    let mut escaped = String::new();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        escaped.push_str(&rest[..open]);
        rest = &rest[open + 1..];
        match rest.split_once('}') {
            Some((name, after)) if is_name(&name.replace('-', "_")) => {
                escaped.push_str(&format!("{{{{{name}}}}}"));
                rest = after;
            }
            _ => escaped.push('{'),
        }
    }
    escaped.push_str(rest);
    escaped
}

fn names(subject: &Subject<'_>) -> (String, String) {
    let folder = std::fs::canonicalize(subject.root)
        .ok()
        .and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .unwrap_or_default();
    let stem = subject.path.rsplit('/').next().unwrap_or_default();
    let stem = stem.strip_suffix(".py").unwrap_or(stem);
    let sound = |text: &str, other: &str| {
        let name: String = one_line(text).chars().take(NAME_CHARS_MAX).collect();
        match name.trim() {
            "" => other.to_owned(),
            name => name.to_owned(),
        }
    };
    (sound(&folder, "project"), sound(stem, "training"))
}

/// `--flag=VALUE`, or two elements for a flag of one letter.
fn flag(draft: &mut Draft, flag: &str, value: &str) {
    if flag.starts_with("--") {
        draft.element(format!("{flag}={value}"), "");
    } else {
        draft.element(flag, "");
        draft.element(value, "");
    }
}

fn by_options(subject: &Subject<'_>, draft: &mut Draft) {
    let mut others: Vec<&str> = Vec::new();
    for option in &subject.facts.options {
        if mlhub_config::looks_secret(&option.name) {
            draft.notes.push(format!(
                "`{}` looks like a secret and is not passed; give it by a variable (`environment.pass`)",
                option.flag
            ));
        } else if values::is_seed(&option.name) && option.kind == OptionKind::Value {
            flag(draft, &option.flag, "{seed}");
            draft.has_seed = true;
            let what = format!("`{}` takes the seed", option.flag);
            draft.evidence.push(subject.at(option.line, what));
        } else if !take(subject, option, draft) {
            others.push(&option.flag);
        }
    }
    if !others.is_empty() {
        draft.notes.push(format!(
            "not passed, add them to the command where wanted: {}",
            others.join(", ")
        ));
    }
}

/// Adds an option to the command; false when there is nothing to pass.
fn take(subject: &Subject<'_>, option: &ScriptOption, draft: &mut Draft) -> bool {
    let says = if option.help.is_empty() {
        format!("`{}`", option.flag)
    } else {
        format!("`{}` {}", option.flag, one_line(&option.help))
    };
    let at = subject.at(option.line, says);
    if option.required
        && option.default.is_none()
        && values::is_output(&option.name)
        && option.kind != OptionKind::Flag
    {
        let place = "{run}/output";
        if option.kind == OptionKind::Positional {
            draft.element(place, "");
        } else {
            flag(draft, &option.flag, place);
        }
        draft.evidence.push(at);
        return true;
    }
    let value = match &option.default {
        Some(value) => value.clone(),
        None if option.required => values::filled(option, subject.datasets).unwrap_or(Value::Null),
        None => return false,
    };
    match (option.kind, &value) {
        (OptionKind::Value, Value::Array(_)) | (OptionKind::Flag, _) => return false,
        (OptionKind::Positional, _) if !option.required => return false,
        (OptionKind::List, Value::Array(items)) => {
            list(option, items, at, draft);
            return true;
        }
        (OptionKind::List, _) if !value.is_null() => return false,
        _ => {}
    }
    let missing = value.is_null();
    let placeholder = draft.param(&option.name, value, at);
    if missing {
        draft.missing.push(option.name.clone());
    }
    if option.kind == OptionKind::Positional {
        draft.element(placeholder, "");
    } else {
        flag(draft, &option.flag, &placeholder);
    }
    true
}

/// A list stands in the command itself: a param within it must be one value.
fn list(option: &ScriptOption, items: &[Value], at: Evidence, draft: &mut Draft) {
    draft.element(
        &option.flag,
        format!("{}:{}: {}", at.file, at.line, at.what),
    );
    for item in items {
        let text = match item {
            Value::String(text) => literal_braces(text),
            other => other.to_string(),
        };
        draft.element(text, "");
    }
    draft.evidence.push(at);
}

fn by_hydra(subject: &Subject<'_>, hydra: &Hydra, draft: &mut Draft) {
    draft
        .evidence
        .push(subject.at(hydra.line, "configured by Hydra"));
    draft.element("hydra.run.dir={run}/hydra", "");
    let Some(config) = hydra_config(subject, hydra) else {
        draft.notes.push(
            "the Hydra config was not found; add overrides such as `lr={params.lr}` to the command"
                .to_owned(),
        );
        return;
    };
    for entry in yaml_file::entries(&config.text) {
        let at = Evidence {
            file: config.path.clone(),
            line: entry.line,
            what: format!("`{}`", entry.key),
        };
        if mlhub_config::looks_secret(&entry.key) {
            continue;
        }
        if values::is_seed(&entry.key) {
            draft.element(format!("{}={{seed}}", entry.key), "");
            draft.has_seed = true;
            draft.evidence.push(at);
            continue;
        }
        let placeholder = draft.param(&entry.key, entry.value, at);
        draft.element(format!("{}={placeholder}", entry.key), "");
    }
}

/// The file that `@hydra.main` names, beside the script.
fn hydra_config<'s>(subject: &Subject<'s>, hydra: &Hydra) -> Option<&'s TextFile> {
    let name = hydra.config_name.as_deref()?;
    let name = name.strip_suffix(".yaml").unwrap_or(name);
    let mut parts: Vec<&str> = subject.path.split('/').collect();
    parts.pop();
    let folder = hydra.config_path.as_deref().unwrap_or(".");
    for part in folder.split('/').chain(name.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    let path = parts.join("/");
    subject.yaml.iter().find(|file| {
        let stem = file.path.strip_suffix(".yaml");
        stem.or_else(|| file.path.strip_suffix(".yml")) == Some(path.as_str())
    })
}

fn by_lightning(subject: &Subject<'_>, line: u32, subcommands: bool, draft: &mut Draft) {
    draft
        .evidence
        .push(subject.at(line, "configured by LightningCLI"));
    if subcommands {
        draft.element("fit", "");
    } else {
        draft.notes.push(
            "LightningCLI is made with run=False: the script itself says what is done".to_owned(),
        );
    }
    let config = subject.yaml.iter().find(|file| {
        let mut lines = file.text.lines();
        lines.any(|line| line.starts_with("trainer:") || line.starts_with("model:"))
    });
    let mut epochs = (json!(1000), subject.at(line, "Lightning's own default"));
    if let Some(config) = config {
        draft.element(format!("--config={}", literal_braces(&config.path)), "");
        let given = yaml_file::entries(&config.text)
            .into_iter()
            .find(|entry| entry.key == "trainer.max_epochs");
        if let Some(entry) = given {
            let at = Evidence {
                file: config.path.clone(),
                line: entry.line,
                what: "`trainer.max_epochs`".to_owned(),
            };
            epochs = (entry.value, at);
        }
    }
    draft.element("--seed_everything={seed}", "");
    draft.has_seed = true;
    draft.element("--trainer.default_root_dir={run}/lightning", "");
    let placeholder = draft.param("max_epochs", epochs.0, epochs.1);
    draft.element(format!("--trainer.max_epochs={placeholder}"), "");
    let batches = subject.at(line, "share of the batches, Lightning's own default");
    let placeholder = draft.param("limit_train_batches", json!(1.0), batches);
    draft.element(format!("--trainer.limit_train_batches={placeholder}"), "");
    draft.smoke.push("params.limit_train_batches=2".to_owned());
}

/// The options of `TrainingArguments`, which the script does not write down.
fn by_trainer(subject: &Subject<'_>, line: u32, classes: &[String], draft: &mut Draft) {
    if !classes
        .iter()
        .any(|class| class.ends_with("TrainingArguments"))
    {
        return;
    }
    draft.element("--output_dir={run}/output", "");
    draft.element("--report_to=none", "");
    if !draft.has_seed {
        draft.element("--seed={seed}", "");
        draft.has_seed = true;
    }
    let own = |name: &str| subject.facts.options.iter().any(|known| known.name == name);
    let at = || subject.at(line, "the default of TrainingArguments");
    for (name, value) in TRAINER_DEFAULTS {
        if !own(name) {
            let placeholder = draft.param(name, json!(value), at());
            draft.element(format!("--{name}={placeholder}"), "");
        }
    }
    for (name, value) in [("per_device_train_batch_size", 8), ("max_steps", -1)] {
        if !own(name) {
            let placeholder = draft.param(name, json!(value), at());
            draft.element(format!("--{name}={placeholder}"), "");
        }
    }
    for pattern in TRAINER_METRICS {
        let what = "the trainer prints its logs";
        draft.metric(pattern.to_owned(), subject.at(line, what));
    }
}

fn metrics(subject: &Subject<'_>, draft: &mut Draft) {
    for printed in &subject.facts.printed {
        let what = format!("prints {}", printed.names.join(", "));
        draft.metric(printed.pattern.clone(), subject.at(printed.line, what));
    }
    if draft.has_metrics() {
        return;
    }
    draft.notes.push(match subject.facts.logged {
        Some(line) => format!(
            "metrics go to a logger ({}:{line}); only standard output is read, so print them or use the Python SDK",
            subject.path
        ),
        None => "no printed metrics were recognised; the output is kept as a log; print such as `epoch 3 loss=0.25` or use the Python SDK for curves"
            .to_owned(),
    });
}
