//! `mlhub adapter`.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use mlhub_agent::adapter::{
    self as host, Adapter, CheckOptions, CheckProgress, CheckReport, Language, StepStatus,
};
use serde_json::json;

use crate::cli::{AdapterCommand, AdapterLanguage, Global};
use crate::exit::{ADAPTER, Classify, OK, RUN_FAILED, USAGE, fail};
use crate::launch::adapter::{catalog, environment, find};
use crate::{output, paths};

/// How long one run of the conformance kit may take.
const RUN_TIME_MAX: Duration = Duration::from_secs(300);

/// Lists, shows, makes and checks adapters, and works in their environments.
pub(crate) fn adapter(global: &Global, command: AdapterCommand) -> anyhow::Result<u8> {
    let data_dir = paths::data_dir(global)?;
    match command {
        AdapterCommand::List => list(global, &data_dir),
        AdapterCommand::Show { name } => {
            let adapter = find(&catalog(&data_dir, Some(&std::env::current_dir()?))?, &name)?;
            show(global, &adapter)
        }
        AdapterCommand::Add { source } => {
            let adapter = host::add(&source, &data_dir).or_fail(ADAPTER)?;
            if global.json {
                output::json(
                    &json!({"name": adapter.manifest.name, "version": adapter.manifest.version, "dir": adapter.dir}),
                )?;
            } else {
                output::line(format_args!(
                    "{} is now in {}",
                    adapter.reference(),
                    adapter.dir.display()
                ))?;
            }
            Ok(OK)
        }
        AdapterCommand::New {
            name,
            language,
            dir,
        } => {
            let parent = dir.unwrap_or_else(|| PathBuf::from("."));
            let language = match language {
                AdapterLanguage::Python => Language::Python,
                AdapterLanguage::Shell => Language::Shell,
                AdapterLanguage::Rust => Language::Rust,
                AdapterLanguage::Node => Language::Node,
            };
            let dir = host::new_skeleton(&name, language, &parent).or_fail(ADAPTER)?;
            output::line(format_args!(
                "{} holds a working adapter; try `mlhub adapter check {}`",
                dir.display(),
                dir.display()
            ))?;
            Ok(OK)
        }
        AdapterCommand::Check {
            adapter,
            junit,
            badge,
        } => {
            let report = check(global, &data_dir, &adapter)?;
            if let Some(path) = junit {
                write(&path, &report.junit())?;
            }
            if let Some(path) = badge {
                write(&path, &report.badge())?;
            }
            Ok(if report.passed { OK } else { RUN_FAILED })
        }
        AdapterCommand::Exec { adapter, command } => exec(&data_dir, &adapter, &command),
    }
}

fn list(global: &Global, data_dir: &Path) -> anyhow::Result<u8> {
    let catalog = catalog(data_dir, Some(&std::env::current_dir()?))?;
    if global.json {
        let working = catalog.adapters.iter().map(|adapter| {
            json!({
                "name": adapter.manifest.name, "version": adapter.manifest.version,
                "description": adapter.manifest.description, "source": adapter.source.to_string(),
                "capabilities": adapter.manifest.capabilities, "tasks": adapter.manifest.tasks, "problem": null,
            })
        });
        let broken = catalog.broken.iter().map(|broken| {
            json!({"name": broken.name, "source": broken.source.to_string(), "dir": broken.dir, "problem": broken.reason, "hint": broken.hint})
        });
        output::json(&working.chain(broken).collect::<Vec<_>>())?;
        return Ok(OK);
    }
    let mut table = output::table(&["NAME", "VERSION", "FROM", "CAPABILITIES", "DESCRIPTION"]);
    for adapter in &catalog.adapters {
        let capabilities: Vec<String> = adapter
            .manifest
            .capabilities
            .iter()
            .map(output::serde_name)
            .collect();
        table.add_row([
            adapter.manifest.name.clone(),
            adapter.manifest.version.clone(),
            adapter.source.to_string(),
            capabilities.join(", "),
            adapter.manifest.description.clone(),
        ]);
    }
    output::print(&table)?;
    for broken in &catalog.broken {
        eprintln!(
            "broken: {} in {}: {}",
            broken.name,
            broken.dir.display(),
            broken.reason
        );
        if let Some(hint) = &broken.hint {
            eprintln!("  {hint}");
        }
    }
    Ok(OK)
}

fn show(global: &Global, adapter: &Adapter) -> anyhow::Result<u8> {
    if global.json {
        output::json(
            &json!({"manifest": adapter.manifest, "schema": adapter.schema, "dir": adapter.dir, "source": adapter.source.to_string(), "digest": adapter.digest}),
        )?;
        return Ok(OK);
    }
    let manifest = &adapter.manifest;
    output::line(format_args!(
        "{} ({}): {}",
        adapter.reference(),
        adapter.source,
        manifest.description
    ))?;
    let capabilities: Vec<String> = manifest
        .capabilities
        .iter()
        .map(output::serde_name)
        .collect();
    output::line(format_args!("capabilities: {}", capabilities.join(", ")))?;
    output::line(format_args!("tasks: {}", manifest.tasks.join(", ")))?;
    let mut table = output::table(&["PARAM", "TYPE", "DEFAULT", "UNIT", "HELP"]);
    for (name, property) in adapter.schema["properties"]
        .as_object()
        .into_iter()
        .flatten()
    {
        let text = |key: &str| property[key].as_str().unwrap_or_default().to_owned();
        table.add_row([
            name.clone(),
            match &property["type"] {
                serde_json::Value::String(kind) => kind.clone(),
                serde_json::Value::Null => String::new(),
                other => other.to_string(),
            },
            property
                .get("default")
                .map(ToString::to_string)
                .unwrap_or_default(),
            text("x-unit"),
            text("description"),
        ]);
    }
    output::print(&table)?;
    Ok(OK)
}

/// The folder of an adapter that is named by its folder or its name.
fn folder(data_dir: &Path, reference: &str) -> anyhow::Result<PathBuf> {
    let folder = Path::new(reference);
    let dir =
        if folder.join(host::MANIFEST).is_file() || reference.contains(std::path::MAIN_SEPARATOR) {
            // Its programs are started in other folders.
            std::path::absolute(folder)?
        } else {
            find(
                &catalog(data_dir, Some(&std::env::current_dir()?))?,
                reference,
            )?
            .dir
        };
    if !dir.is_dir() {
        return Err(fail(
            ADAPTER,
            format!("`{}` is not a folder", dir.display()),
        ));
    }
    Ok(dir)
}

/// Becomes the command; returns only when it cannot be started.
fn exec(data_dir: &Path, reference: &str, command: &[OsString]) -> anyhow::Result<u8> {
    let adapter = Adapter::load(&folder(data_dir, reference)?).or_fail(ADAPTER)?;
    let prepared = environment(&adapter, data_dir)?;
    let [program, arguments @ ..] = command else {
        return Err(fail(USAGE, "name a command after `--`"));
    };
    let error = Command::new(program)
        .args(arguments)
        .envs(&prepared.env)
        .exec();
    Err(fail(
        RUN_FAILED,
        format!("`{}` cannot be started: {error}", program.display()),
    ))
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn check(global: &Global, data_dir: &Path, reference: &str) -> anyhow::Result<CheckReport> {
    let dir = folder(data_dir, reference)?;
    let work = tempfile::Builder::new().prefix("mlhub-check-").tempdir()?;
    let options = CheckOptions {
        work_dir: work.path().to_owned(),
        envs_dir: paths::environments(data_dir),
        mlhub_binary: std::env::current_exe()?,
        run_limit: RUN_TIME_MAX,
    };
    let json = global.json;
    let report = host::check(&dir, &options, &mut |progress| {
        if !json {
            show_progress(progress);
        }
    });
    print_report(global, &report)?;
    Ok(report)
}

fn show_progress(progress: CheckProgress) {
    match progress {
        CheckProgress::Started { name } => eprintln!("checking {name}"),
        CheckProgress::Environment { .. } => {}
        CheckProgress::Finished { step } => {
            eprintln!("  {} in {:.1}s", mark(step.status), step.seconds)
        }
    }
}

fn mark(status: StepStatus) -> &'static str {
    match status {
        StepStatus::Passed => "passed",
        StepStatus::Failed => "FAILED",
        StepStatus::NotApplicable => "not applicable",
    }
}

fn print_report(global: &Global, report: &CheckReport) -> anyhow::Result<()> {
    if global.json {
        return output::json(report);
    }
    let mut table = output::table(&["CHECK", "RESULT", "SECONDS", "PROMISE AND EVIDENCE"]);
    for step in &report.steps {
        table.add_row([
            step.name.clone(),
            mark(step.status).to_owned(),
            format!("{:.1}", step.seconds),
            format!("{}\n{}", host::promise(&step.name), step.detail),
        ]);
    }
    output::print(&table)?;
    output::line(format_args!(
        "{}: {}",
        report.adapter.as_deref().unwrap_or("adapter"),
        if report.passed {
            "passed"
        } else {
            "did not pass"
        }
    ))
}
