//! `mlhub registry`: registered models, their versions, and the trail.

mod show;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use mlhub_client::{Client, ClientError};
use mlhub_protocol::rest::{
    Gate, GateReport, ModelPromotion, ModelProtection, ModelVersionCreate, ModelVersionPatch,
    RegisteredModelCreate, RegisteredModelPatch,
};

use self::show::{list, log, show_model, show_version};
use super::gate;
use super::models::patience;
use crate::cli::Global;
use crate::connect::{connect, connect_patient};
use crate::exit::{CONFIG, OK, RUN_FAILED, USAGE, fail};
use crate::output;

/// What `registry` does.
#[derive(Subcommand)]
pub(crate) enum RegistryCommand {
    /// Register a model without versions
    Create {
        /// The model's name
        model: String,
        /// What people say of it
        #[arg(long, default_value = "")]
        description: String,
    },
    /// List registered models
    List {
        /// Only names that begin so
        #[arg(long)]
        prefix: Option<String>,
    },
    /// Show a model with its versions, or a version with what it stands on
    Show {
        /// The model's name
        model: String,
        /// A number, `latest`, or an alias
        version: Option<String>,
        /// Also tell where its run stands on the boards of this metric
        #[arg(long, value_name = "METRIC", requires = "version")]
        metric: Option<String>,
    },
    /// Register a version of a model, which is made if it is not there
    Add(AddArgs),
    /// Give a version an alias, or bring it to a stage, past the gates that there are
    Promote(PromoteArgs),
    /// Take an alias away from the version that has it
    Unalias {
        /// The model's name
        model: String,
        /// The alias
        alias: String,
    },
    /// Let an alias or a stage be given only past a gate
    Protect {
        /// The model's name
        model: String,
        /// An alias, or `stage:NAME`
        target: String,
        /// The rules, a TOML file (see docs/gates.md)
        gate: PathBuf,
    },
    /// Let an alias or a stage be given without a gate again
    Unprotect {
        /// The model's name
        model: String,
        /// An alias, or `stage:NAME`
        target: String,
    },
    /// Say something of a model, or of a version
    Describe {
        /// The model's name
        model: String,
        /// The new description
        text: String,
        /// Of this version
        #[arg(long, value_name = "NUMBER")]
        version: Option<u32>,
    },
    /// Set tags of a model, or of a version
    Tag {
        /// The model's name
        model: String,
        /// Tags, as KEY=VALUE; KEY alone removes one
        #[arg(required = true, value_name = "KEY=VALUE")]
        tags: Vec<String>,
        /// Of this version
        #[arg(long, value_name = "NUMBER")]
        version: Option<u32>,
    },
    /// Give a model another name
    Rename {
        /// The model's name
        model: String,
        /// Its name from now on
        to: String,
    },
    /// Remove a model with its versions, or one version; the trail stays
    Delete {
        /// The model's name
        model: String,
        /// Only this version
        #[arg(long, value_name = "NUMBER")]
        version: Option<u32>,
    },
    /// Print what was done to a model, or to all, newest first
    Log {
        /// A name that models have or had
        model: Option<String>,
        /// Lines at most
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
    },
}

/// Options of `registry add`.
#[derive(Args)]
pub(crate) struct AddArgs {
    /// The model's name
    model: String,
    /// The run it comes from: its id, or a unique prefix
    #[arg(long, required_unless_present = "source")]
    run: Option<String>,
    /// The artifact of that run, or the folder of artifacts, that is the model
    #[arg(long, requires = "run")]
    path: Option<String>,
    /// Where its files are, in any words [default: told from run and path]
    #[arg(long)]
    source: Option<String>,
    /// What people say of it
    #[arg(long, default_value = "")]
    description: String,
}

/// Options of `registry promote`.
#[derive(Args)]
pub(crate) struct PromoteArgs {
    /// The model's name
    model: String,
    /// A number, `latest`, or an alias
    version: String,
    /// The alias it gets
    #[arg(long, required_unless_present = "stage", conflicts_with = "stage")]
    alias: Option<String>,
    /// The stage it gets to: staging, production, archived or none
    #[arg(long)]
    stage: Option<String>,
    /// Archive the other versions in that stage
    #[arg(long, requires = "stage")]
    archive_others: bool,
    /// Rules it must meet, a TOML file (see docs/gates.md)
    #[arg(long, value_name = "FILE")]
    gate: Option<PathBuf>,
    /// What it must not fall behind: an alias of the model, or a run [default: who has the
    /// alias or stage]
    #[arg(long, value_name = "ALIAS|RUN")]
    baseline: Vec<String>,
}

/// Runs the command.
pub(crate) fn registry(global: &Global, command: RegistryCommand) -> anyhow::Result<u8> {
    match command {
        RegistryCommand::Create { model, description } => {
            let request = RegisteredModelCreate {
                name: model,
                description,
                tags: BTreeMap::new(),
            };
            let made = connect(global)?.client.registered_model_create(&request)?;
            told(global, &made, format_args!("registered {}", made.name))
        }
        RegistryCommand::List { prefix } => list(global, prefix.as_deref()),
        RegistryCommand::Show {
            model,
            version: None,
            ..
        } => show_model(global, &model),
        RegistryCommand::Show {
            model,
            version: Some(version),
            metric,
        } => show_version(global, &model, &version, metric.as_deref()),
        RegistryCommand::Add(arguments) => add(global, arguments),
        RegistryCommand::Promote(arguments) => promote(global, arguments),
        RegistryCommand::Unalias { model, alias } => {
            connect(global)?.client.model_alias_remove(&model, &alias)?;
            done(global, format_args!("{model} has no {alias} any more"))
        }
        RegistryCommand::Protect {
            model,
            target,
            gate,
        } => {
            let request = ModelProtection {
                gate: rules(&gate)?,
            };
            let connection = connect(global)?;
            let client = &connection.client;
            let model = client.model_protect(&model, &target, &request)?;
            let text = format_args!("{target} of {} needs a passed gate", model.name);
            told(global, &model, text)
        }
        RegistryCommand::Unprotect { model, target } => {
            connect(global)?.client.model_unprotect(&model, &target)?;
            done(global, format_args!("{target} of {model} needs no gate"))
        }
        RegistryCommand::Describe {
            model,
            text,
            version,
        } => change(global, &model, version, Some(text), BTreeMap::new()),
        RegistryCommand::Tag {
            model,
            tags,
            version,
        } => {
            let tags = tags.iter().map(|of| match of.split_once('=') {
                Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
                None => (of.clone(), None),
            });
            change(global, &model, version, None, tags.collect())
        }
        RegistryCommand::Rename { model, to } => {
            let patch = RegisteredModelPatch {
                name: Some(to),
                ..RegisteredModelPatch::default()
            };
            let connection = connect(global)?;
            let client = &connection.client;
            let renamed = client.registered_model_patch(&model, &patch)?;
            told(
                global,
                &renamed,
                format_args!("{model} is {} now", renamed.name),
            )
        }
        RegistryCommand::Delete { model, version } => {
            let connection = connect(global)?;
            let client = &connection.client;
            match version {
                Some(number) => client.model_version_delete(&model, number)?,
                None => client.registered_model_delete(&model)?,
            }
            let of = version.map(|number| format!(" version {number}"));
            done(
                global,
                format_args!("removed {model}{}", of.unwrap_or_default()),
            )
        }
        RegistryCommand::Log { model, limit } => log(global, model.as_deref(), limit),
    }
}

fn done(global: &Global, text: std::fmt::Arguments<'_>) -> anyhow::Result<u8> {
    if !global.json {
        output::line(text)?;
    }
    Ok(OK)
}

fn told(
    global: &Global,
    value: &impl serde::Serialize,
    text: std::fmt::Arguments<'_>,
) -> anyhow::Result<u8> {
    match global.json {
        true => output::json(value)?,
        false => output::line(text)?,
    }
    Ok(OK)
}

/// The rules of a file, which the hub has to be able to judge.
fn rules(path: &Path) -> anyhow::Result<Gate> {
    match gate::read(path)? {
        (gate, None) => Ok(gate),
        (_, Some(_)) => Err(fail(
            CONFIG,
            format!(
                "{}: `latency` is measured by `mlhub gate` alone; leave it out",
                path.display()
            ),
        )),
    }
}

fn add(global: &Global, arguments: AddArgs) -> anyhow::Result<u8> {
    let connection = connect(global)?;
    let client = &connection.client;
    let request = ModelVersionCreate {
        run: arguments.run,
        path: arguments.path,
        source: arguments.source,
        description: arguments.description,
        ..ModelVersionCreate::default()
    };
    let added = match client.model_version_create(&arguments.model, &request) {
        // Of two commands that find no model at once, one makes it.
        Err(error) if error.status == Some(404) && absent(client, &arguments.model)? => {
            let model = RegisteredModelCreate {
                name: arguments.model.clone(),
                ..RegisteredModelCreate::default()
            };
            match client.registered_model_create(&model) {
                Err(error) if error.status != Some(409) => return Err(error.into()),
                _ => client.model_version_create(&arguments.model, &request)?,
            }
        }
        other => other?,
    };
    let text = format_args!(
        "{} version {} is {}",
        added.model, added.version, added.source
    );
    told(global, &added, text)
}

fn absent(client: &Client, model: &str) -> anyhow::Result<bool> {
    match client.registered_model_get(model) {
        Ok(_) => Ok(false),
        Err(error) if error.status == Some(404) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

fn promote(global: &Global, arguments: PromoteArgs) -> anyhow::Result<u8> {
    let target = match (arguments.alias, arguments.stage) {
        (Some(alias), _) => alias,
        (None, Some(stage)) => format!("stage:{stage}"),
        (None, None) => return Err(fail(USAGE, "name an --alias or a --stage")),
    };
    let request = ModelPromotion {
        version: arguments.version,
        target,
        gate: arguments.gate.as_deref().map(rules).transpose()?,
        baseline: arguments.baseline,
        archive_others: arguments.archive_others,
    };
    let connection = connect_patient(global, &patience())?;
    match connection.client.model_promote(&arguments.model, &request) {
        Ok(promoted) => {
            if global.json {
                output::json(&promoted)?;
                return Ok(OK);
            }
            if let Some(report) = &promoted.gate {
                gate::print(report)?;
            }
            let (model, number) = (&promoted.version.model, promoted.version.version);
            output::line(format_args!(
                "{model} version {number} is {}",
                request.target
            ))?;
            Ok(OK)
        }
        Err(error) => match verdict(&error) {
            Some(report) => {
                match global.json {
                    true => output::json(&serde_json::json!({"gate": report}))?,
                    false => gate::print(&report)?,
                }
                Ok(RUN_FAILED)
            }
            None => Err(error.into()),
        },
    }
}

/// What a gate said, when it is why the hub refused.
fn verdict(error: &ClientError) -> Option<GateReport> {
    let details = error.details.as_ref()?;
    serde_json::from_value(details.get("gate")?.clone()).ok()
}

fn change(
    global: &Global,
    model: &str,
    version: Option<u32>,
    description: Option<String>,
    tags: BTreeMap<String, Option<String>>,
) -> anyhow::Result<u8> {
    let connection = connect(global)?;
    let client = &connection.client;
    match version {
        Some(number) => {
            let patch = ModelVersionPatch {
                description,
                tags,
                ..ModelVersionPatch::default()
            };
            let changed = client.model_version_patch(model, number, &patch)?;
            told(
                global,
                &changed,
                format_args!("changed {model} version {number}"),
            )
        }
        None => {
            let patch = RegisteredModelPatch {
                name: None,
                description,
                tags,
            };
            let changed = client.registered_model_patch(model, &patch)?;
            told(global, &changed, format_args!("changed {model}"))
        }
    }
}
