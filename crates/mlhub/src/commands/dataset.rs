//! `mlhub dataset`.

use mlhub_protocol::rest::{DatasetVersionView, LeakageAccept, SplitView};
use serde_json::json;

use super::dataset_preview;
use crate::cli::{DatasetCommand, Global};
use crate::connect::connect;
use crate::exit::{OK, REFUSED, USAGE, fail};
use crate::launch::dataset;
use crate::output;

/// Registers, lists and inspects datasets.
pub(crate) fn dataset(global: &Global, command: DatasetCommand) -> anyhow::Result<u8> {
    match command {
        DatasetCommand::Add {
            path,
            name,
            format,
            description,
            preview,
        } => {
            let format = format.as_deref().map(dataset::parse_format).transpose()?;
            // Checked before a hub is looked for: a broken file is the likelier trouble.
            let inspection = dataset::inspect(&path, format)?;
            let name = name.unwrap_or_else(|| {
                path.file_stem()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned()
            });
            // Read before anything is registered: a format without rows is refused here.
            let rows = preview
                .map(|rows| dataset_preview::read(&path, inspection.format, rows))
                .transpose()?;
            let connection = connect(global)?;
            let version =
                dataset::register(&connection.client, &name, &path, &inspection, &description)?;
            if let Some(rows) = &rows {
                let client = &connection.client;
                client.dataset_preview_set(&version.name, version.version, rows)?;
            }
            if global.json {
                output::json(&version)?;
            } else {
                output::line(format_args!(
                    "{}@{} {}",
                    version.name, version.version, version.fingerprint
                ))?;
                describe(&version)?;
                if let Some(rows) = &rows {
                    output::line(format_args!(
                        "shown to all who may read this hub: {} rows; hide them with `mlhub dataset preview {}@{} --remove`",
                        rows.rows.len(),
                        version.name,
                        version.version
                    ))?;
                }
            }
        }
        DatasetCommand::Preview { version, remove } => {
            let (name, number) = parts_of(&version)?;
            dataset_preview::command(global, name, number, remove)?;
        }
        DatasetCommand::List => list(global)?,
        DatasetCommand::Show { name, version } => {
            let detail = connect(global)?.client.dataset_get(&name, version)?;
            if global.json {
                output::json(&detail)?;
            } else {
                show(&detail)?;
            }
        }
        DatasetCommand::Accept {
            version,
            split,
            reason,
            division,
        } => accept(global, &version, &split, reason, division.as_deref())?,
        DatasetCommand::Purge { version } => {
            let (name, number) = parts_of(&version)?;
            connect(global)?
                .client
                .dataset_version_purge(name, number)?;
            if !global.json {
                output::line(format_args!("removed the record of {version}"))?;
            }
        }
        DatasetCommand::Verify { name, path } => {
            let current = connect(global)?.client.dataset_get(&name, None)?.current;
            let path = path.unwrap_or_else(|| current.source.clone().into());
            dataset::verify(&path, &current)?;
            if global.json {
                output::json(
                    &json!({"name": current.name, "version": current.version, "unchanged": true}),
                )?;
            } else {
                output::line(format_args!(
                    "{}@{} is unchanged at `{}`",
                    current.name,
                    current.version,
                    path.display()
                ))?;
            }
        }
    }
    Ok(OK)
}

/// Name and number of `NAME@VERSION`.
fn parts_of(version: &str) -> anyhow::Result<(&str, u32)> {
    let parts = version.rsplit_once('@');
    parts
        .and_then(|(name, number)| Some((name, number.parse::<u32>().ok()?)))
        .ok_or_else(|| {
            fail(
                USAGE,
                format!("`{version}` names no version; write NAME@VERSION, such as iris@2"),
            )
        })
}

fn list(global: &Global) -> anyhow::Result<()> {
    let datasets = connect(global)?.client.dataset_list()?.datasets;
    if global.json {
        return output::json(&datasets);
    }
    if datasets.is_empty() {
        return output::line("no datasets yet; register one with `mlhub dataset add PATH`");
    }
    let mut table = output::table(&["NAME", "VERSION", "REGISTERED", "DESCRIPTION"]);
    for dataset in datasets {
        table.add_row([
            dataset.name,
            dataset.latest_version.to_string(),
            output::moment(dataset.created_at),
            dataset.description,
        ]);
    }
    output::print(&table)
}

fn show(detail: &mlhub_protocol::rest::DatasetDetail) -> anyhow::Result<()> {
    let current = &detail.current;
    output::line(format_args!(
        "{}@{} {}",
        current.name, current.version, current.fingerprint
    ))?;
    if !detail.description.is_empty() {
        output::line(&detail.description)?;
    }
    describe(current)?;
    for split in &detail.splits {
        output::line(format_args!("split {}", split.hash))?;
        for (name, part) in split.parts["parts"].as_object().into_iter().flatten() {
            output::line(format_args!("  {name:<12} {} rows", part["rows"]))?;
        }
    }
    if detail.versions.len() > 1 {
        output::line("versions")?;
        for version in &detail.versions {
            output::line(format_args!(
                "  {} {} {}",
                version.version,
                output::moment(version.created_at),
                version.fingerprint
            ))?;
        }
    }
    Ok(())
}

/// Accepts the shared rows of a split.
fn accept(
    global: &Global,
    reference: &str,
    split: &str,
    reason: String,
    division: Option<&str>,
) -> anyhow::Result<()> {
    let (name, number) = parts_of(reference)?;
    let connection = connect(global)?;
    let client = &connection.client;
    let splits = client.dataset_get(name, Some(number))?.splits;
    let meant: Vec<_> = match division {
        Some(start) => splits
            .iter()
            .filter(|of| of.hash.starts_with(start))
            .collect(),
        None => splits.iter().filter(|of| shares(of, split)).collect(),
    };
    let [found] = meant.as_slice() else {
        let hashes: Vec<&str> = meant.iter().map(|of| of.hash.as_str()).collect();
        return Err(fail(
            REFUSED,
            match hashes.is_empty() {
                true => format!("`{reference}` is nowhere divided so that `{split}` shares rows"),
                false => format!(
                    "`{reference}` is divided in {} ways in which `{split}` shares rows; name one with --division: {}",
                    hashes.len(),
                    hashes.join(", ")
                ),
            },
        ));
    };
    let request = LeakageAccept {
        split: split.to_owned(),
        reason,
    };
    let stored = client.leakage_accept(name, number, &found.hash, &request)?;
    if global.json {
        return output::json(&stored);
    }
    output::line(format_args!(
        "accepted that `{split}` of {reference} shares rows"
    ))
}

fn shares(of: &SplitView, split: &str) -> bool {
    let pairs = of.parts["leakage"]["pairs"]
        .as_array()
        .into_iter()
        .flatten();
    let mut parts = pairs.flat_map(|pair| [&pair["a"], &pair["b"]]);
    parts.any(|part| part == split)
}

fn describe(version: &DatasetVersionView) -> anyhow::Result<()> {
    output::line(format_args!(
        "{}, {} rows, {}, at {}",
        version.format,
        version
            .rows
            .map_or_else(|| "no".to_owned(), |rows| rows.to_string()),
        output::size(version.size_bytes),
        version.source
    ))?;
    let columns = version.inspection["columns"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    if columns.is_empty() {
        return Ok(());
    }
    let mut table = output::table(&[
        "COLUMN", "TYPE", "MISSING", "DISTINCT", "MIN", "MAX", "MEAN", "STD",
    ]);
    for column in columns {
        let number = |key: &str| {
            column[key]
                .as_f64()
                .map(|value| output::number(value.into()))
                .unwrap_or_default()
        };
        table.add_row([
            column["name"].as_str().unwrap_or_default().to_owned(),
            column["dtype"].as_str().unwrap_or_default().to_owned(),
            column["nulls"].to_string(),
            column["distinct"].to_string(),
            number("min"),
            number("max"),
            number("mean"),
            number("std"),
        ]);
    }
    output::print(&table)
}
