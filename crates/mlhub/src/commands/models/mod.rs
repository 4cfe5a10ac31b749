//! `mlhub predict`, `mlhub search`, `mlhub models`: trained models that answer.

mod export;
pub(super) mod inputs;

use std::time::Duration;

use mlhub_client::{Client, ClientOptions};
use mlhub_protocol::rest::{ModelDescription, PredictRequest, SearchRequest};
use serde_json::{Map, Value};

use crate::cli::{Global, ModelsCommand, PredictArgs, SearchArgs};
use crate::connect::connect_patient;
use crate::exit::{OK, USAGE, fail};
use crate::output;

/// How long an answer may take: the model's program may have to be started, and
/// its environment made.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30 * 60);
/// Characters of an output shown in a table.
const SHOWN_CHARS: usize = 100;

pub(super) fn patience() -> ClientOptions {
    ClientOptions {
        idle_timeout: ANSWER_TIME_MAX,
        ..ClientOptions::default()
    }
}

/// Prints predictions.
pub(crate) fn predict(global: &Global, arguments: &PredictArgs) -> anyhow::Result<u8> {
    let connection = connect_patient(global, &patience())?;
    let client = &connection.client;
    let input = client.model_get(&arguments.model)?.description["input"].clone();
    let mut all = Vec::new();
    for argument in &arguments.inputs {
        all.extend(inputs::read(argument, &input)?);
    }
    let request = PredictRequest {
        inputs: all,
        options: options(arguments.options.as_deref())?,
    };
    let response = client.model_predict(&arguments.model, &request)?;
    if global.json {
        output::json(&response)?;
        return Ok(OK);
    }
    let mut table = output::table(&["#", "output"]);
    for (index, one) in response.outputs.iter().enumerate() {
        table.add_row([index.to_string(), shown(one)]);
    }
    output::print(&table)?;
    Ok(OK)
}

/// Prints what a search found.
pub(crate) fn search(global: &Global, arguments: &SearchArgs) -> anyhow::Result<u8> {
    let connection = connect_patient(global, &patience())?;
    let request = SearchRequest {
        queries: vec![inputs::query(&arguments.query)?],
        k: arguments.k,
        options: options(arguments.options.as_deref())?,
    };
    let response = connection.client.model_search(&arguments.model, &request)?;
    if global.json {
        output::json(&response)?;
        return Ok(OK);
    }
    let mut table = output::table(&["score", "id", "label", "text"]);
    for hit in response.hits.iter().flatten() {
        table.add_row(["score", "id", "label", "text"].map(|key| match &hit[key] {
            Value::Null => String::new(),
            other => shown(other),
        }));
    }
    output::print(&table)?;
    Ok(OK)
}

/// Runs `models ...`.
pub(crate) fn models(global: &Global, command: &ModelsCommand) -> anyhow::Result<u8> {
    match command {
        ModelsCommand::Show { model } => {
            let connection = connect_patient(global, &patience())?;
            show(global, &connection.client, model)
        }
        ModelsCommand::Export(arguments) => export::export(global, arguments),
    }
}

fn show(global: &Global, client: &Client, model: &str) -> anyhow::Result<u8> {
    let found = client.model_get(model)?;
    if global.json {
        output::json(&found)?;
        return Ok(OK);
    }
    for (name, value) in lines(&found) {
        output::line(format_args!("{name:<9}{value}"))?;
    }
    let columns = found.description["input"]["columns"].as_array();
    if let Some(columns) = columns {
        let mut table = output::table(&["column", "type", "values"]);
        for column in columns {
            let values = column["values"].as_array().map(Vec::as_slice);
            let values: Vec<String> = values.unwrap_or_default().iter().map(shown).collect();
            table.add_row([
                shown(&column["name"]),
                shown(&column["type"]),
                values.join(", "),
            ]);
        }
        output::print(&table)?;
    }
    Ok(OK)
}

fn lines(found: &ModelDescription) -> Vec<(&'static str, String)> {
    let described = &found.description;
    let capabilities = if found.capabilities.is_empty() {
        "nothing with a trained model".to_owned()
    } else {
        found.capabilities.join(", ")
    };
    let model = &found.model;
    vec![
        (
            "run",
            format!("{} ({}/{})", model.run, model.project, model.name),
        ),
        ("adapter", model.adapter.clone()),
        ("can", capabilities),
        ("task", shown(&described["task"])),
        ("input", shown(&described["input"]["kind"])),
        ("output", shown(&described["output"]["kind"])),
        (
            "files",
            format!("{}, {}", found.files.len(), output::size(found.size_bytes)),
        ),
    ]
}

fn options(text: Option<&str>) -> anyhow::Result<Map<String, Value>> {
    text.map_or_else(
        || Ok(Map::new()),
        |text| {
            serde_json::from_str(text)
                .map_err(|error| fail(USAGE, format!("--options is no JSON object: {error}")))
        },
    )
}

/// An output in one short line: its label or value first, then its score.
fn shown(output: &Value) -> String {
    let text = match output {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Object(fields) => match fields.get("label").or_else(|| fields.get("value")) {
            Some(Value::String(label)) => match output["scores"][label].as_f64() {
                Some(score) => format!("{label} ({score:.4})"),
                None => label.clone(),
            },
            Some(value) => value.to_string(),
            None => output.to_string(),
        },
        other => other.to_string(),
    };
    if text.chars().count() <= SHOWN_CHARS {
        return text;
    }
    text.chars().take(SHOWN_CHARS).chain(['…']).collect()
}
