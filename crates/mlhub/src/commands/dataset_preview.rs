//! Rows of a dataset that somebody chooses to show: read here, kept by the hub.

use std::path::Path;

use mlhub_core::limits;
use mlhub_data::{Format, PreviewBounds};
use mlhub_protocol::rest::DatasetPreviewSet;
use serde_json::{Value, json};

use crate::cli::Global;
use crate::connect::connect;
use crate::exit::{Classify, DATASET};
use crate::output;

/// Reads the first rows of a table, within what a hub keeps.
pub(super) fn read(path: &Path, format: Format, rows: u32) -> anyhow::Result<DatasetPreviewSet> {
    let bounds = PreviewBounds {
        rows: rows as usize,
        columns: limits::PREVIEW_COLUMNS_MAX,
        cell_chars: limits::PREVIEW_CELL_MAX_CHARS,
    };
    let shown = mlhub_data::preview(path, format, bounds).or_fail(DATASET)?;
    Ok(DatasetPreviewSet {
        columns: shown.columns,
        rows: shown.rows,
    })
}

/// Shows the rows that the hub keeps of a version, or removes them.
pub(super) fn command(
    global: &Global,
    name: &str,
    number: u32,
    remove: bool,
) -> anyhow::Result<()> {
    // Kept to the end: it may be the hub itself.
    let connection = connect(global)?;
    let client = &connection.client;
    if remove {
        client.dataset_preview_remove(name, number)?;
        return match global.json {
            true => output::json(&json!({"name": name, "version": number, "removed": true})),
            false => output::line(format_args!("removed the preview of {name}@{number}")),
        };
    }
    let preview = client.dataset_preview(name, number)?;
    if global.json {
        return output::json(&preview);
    }
    let heads: Vec<&str> = preview.columns.iter().map(String::as_str).collect();
    let mut table = output::table(&heads);
    for row in &preview.rows {
        table.add_row(row.iter().map(text));
    }
    output::print(&table)
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
