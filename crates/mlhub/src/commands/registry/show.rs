//! What `mlhub registry` shows: models, versions, the trail.

use mlhub_client::Client;
use mlhub_protocol::rest::{ModelEventView, ModelVersionView, RegisteredModelView};
use serde_json::Value;

use super::patience;
use crate::cli::Global;
use crate::connect::{connect, connect_patient};
use crate::exit::OK;
use crate::output;

/// Rows of one request.
const PAGE_ROWS: usize = 1000;

pub(super) fn list(global: &Global, prefix: Option<&str>) -> anyhow::Result<u8> {
    let connection = connect(global)?;
    let client = &connection.client;
    let mut models = Vec::new();
    let mut cursor = None;
    loop {
        let page = client.registered_model_list(prefix, PAGE_ROWS, cursor.as_deref())?;
        models.extend(page.models);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    if global.json {
        output::json(&models)?;
        return Ok(OK);
    }
    let mut table = output::table(&["MODEL", "VERSIONS", "LATEST", "ALIASES", "CHANGED"]);
    for model in &models {
        table.add_row([
            model.name.clone(),
            model.versions.to_string(),
            model.latest.map(|of| of.to_string()).unwrap_or_default(),
            aliases(model),
            output::moment(model.updated_at),
        ]);
    }
    output::print(&table)?;
    Ok(OK)
}

fn aliases(model: &RegisteredModelView) -> String {
    let aliases = model.aliases.iter();
    let told = aliases.map(|(alias, version)| format!("{alias}={version}"));
    told.collect::<Vec<_>>().join(", ")
}

fn versions(client: &Client, model: &str) -> anyhow::Result<Vec<ModelVersionView>> {
    let mut versions = Vec::new();
    let mut cursor = None;
    loop {
        let page = client.model_version_list(Some(model), None, PAGE_ROWS, cursor.as_deref())?;
        versions.extend(page.versions);
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(versions);
        }
    }
}

pub(super) fn show_model(global: &Global, name: &str) -> anyhow::Result<u8> {
    let connection = connect(global)?;
    let client = &connection.client;
    let model = client.registered_model_get(name)?;
    let versions = versions(client, name)?;
    if global.json {
        output::json(&serde_json::json!({"model": model, "versions": versions}))?;
        return Ok(OK);
    }
    output::line(&model.name)?;
    if !model.description.is_empty() {
        output::line(&model.description)?;
    }
    for (key, value) in &model.tags {
        output::line(format_args!("{key}={value}"))?;
    }
    for target in model.protections.keys() {
        output::line(format_args!("{target} needs a passed gate"))?;
    }
    let mut table = output::table(&[
        "VERSION", "ALIASES", "STAGE", "STATUS", "SOURCE", "BY", "AT",
    ]);
    for version in &versions {
        table.add_row([
            version.version.to_string(),
            version.aliases.join(", "),
            version.stage.clone(),
            version.status.clone(),
            version.source.clone(),
            version.created_by.clone(),
            output::moment(version.created_at),
        ]);
    }
    output::print(&table)?;
    Ok(OK)
}

pub(super) fn show_version(
    global: &Global,
    model: &str,
    version: &str,
    metric: Option<&str>,
) -> anyhow::Result<u8> {
    let connection = connect_patient(global, &patience())?;
    let detail = connection
        .client
        .model_version_get(model, version, metric)?;
    if global.json {
        output::json(&detail)?;
        return Ok(OK);
    }
    let of = &detail.version;
    let mut table = output::table(&["", ""]);
    let mut row = |name: &str, value: String| {
        if !value.is_empty() {
            table.add_row([name.to_owned(), value]);
        }
    };
    row("model", of.model.clone());
    row("version", of.version.to_string());
    row("aliases", of.aliases.join(", "));
    row("stage", of.stage.clone());
    row("status", of.status.clone());
    row("", of.status_message.clone().unwrap_or_default());
    row("description", of.description.clone());
    for (key, value) in &of.tags {
        row("tag", format!("{key}={value}"));
    }
    row("source", of.source.clone());
    row("logged model", of.logged_model.clone().unwrap_or_default());
    let by = format!("{} at {}", of.created_by, output::moment(of.created_at));
    row("registered", by);
    if let Some(run) = &detail.run {
        row("run", format!("{} ({})", run.id, run.name));
        row("dataset", run.dataset.clone().unwrap_or_default());
    }
    for evaluation in &detail.evaluations {
        let state = output::serde_name(&evaluation.state);
        row("evaluated", format!("{} ({state})", evaluation.split));
    }
    for place in &detail.standings {
        let text = format!(
            "{} of {} by {} on {}",
            place.rank, place.total, place.metric, place.dataset
        );
        row("rank", text);
    }
    output::print(&table)?;
    Ok(OK)
}

pub(super) fn log(global: &Global, model: Option<&str>, limit: u16) -> anyhow::Result<u8> {
    let connection = connect(global)?;
    let client = &connection.client;
    let events = client.model_events(model, usize::from(limit), None)?.events;
    if global.json {
        output::json(&events)?;
        return Ok(OK);
    }
    let mut table = output::table(&["AT", "WHO", "MODEL", "VERSION", "WHAT", "DETAIL"]);
    for event in &events {
        table.add_row([
            output::moment(event.at),
            event.actor.clone(),
            event.name.clone(),
            event.version.map(|of| of.to_string()).unwrap_or_default(),
            event.action.clone(),
            detail(event),
        ]);
    }
    output::print(&table)?;
    Ok(OK)
}

/// What changed in one line: what a gate said is told by its outcome.
fn detail(event: &ModelEventView) -> String {
    let shown = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let Value::Object(fields) = &event.detail else {
        return String::new();
    };
    let told = fields.iter().filter_map(|(name, value)| match value {
        Value::Null => None,
        Value::Object(_) if name == "gate" => Some(match value["passed"] == true {
            true => "gate passed".to_owned(),
            false => "gate FAILED".to_owned(),
        }),
        value => Some(format!("{name} {}", shown(value))),
    });
    told.collect::<Vec<_>>().join(", ")
}
