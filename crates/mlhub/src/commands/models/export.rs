//! `mlhub models export`: a trained model in another format, stored with its run and,
//! when a folder is named, fetched into it as any artifact is.

use std::path::{Path, PathBuf};

use mlhub_client::transfer::{self, OutFolder, Patience, Wanted};
use mlhub_protocol::rest::{ArtifactView, ExportRequest, ExportResponse};
use serde::Serialize;

use super::patience;
use crate::cli::{ExportArgs, Global};
use crate::connect::{Connection, connect_patient};
use crate::exit::{OK, USAGE, fail};
use crate::output;

/// What was exported, and where it was written to.
#[derive(Serialize)]
struct Written {
    #[serde(flatten)]
    exported: ExportResponse,
    /// In the order of the files; empty when no folder was named.
    places: Vec<PathBuf>,
}

/// Exports a model and prints how it compares with the original.
pub(super) fn export(global: &Global, arguments: &ExportArgs) -> anyhow::Result<u8> {
    if let Some(folder) = &arguments.output {
        check_folder(folder, arguments.force)?;
    }
    let connection = connect_patient(global, &patience())?;
    let request = ExportRequest {
        format: arguments.format.clone(),
    };
    let exported = connection.client.model_export(&arguments.model, &request)?;
    let places = match &arguments.output {
        Some(folder) => fetch(&connection, &exported, folder)?,
        None => Vec::new(),
    };
    if global.json {
        output::json(&Written { exported, places })?;
        return Ok(OK);
    }
    show(&exported)?;
    match &arguments.output {
        Some(folder) => output::line(format_args!(
            "{} files in {}",
            places.len(),
            folder.display()
        ))?,
        None => output::line(format_args!(
            "fetch them with `mlhub artifacts get {} {}`",
            exported.model.run, exported.folder
        ))?,
    }
    Ok(OK)
}

/// Before the program starts: what would be refused afterwards is not worth its time.
fn check_folder(folder: &Path, force: bool) -> anyhow::Result<()> {
    let refuse = |why: &str| Err(fail(USAGE, format!("`{}` {why}", folder.display())));
    match std::fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(empty) if empty || force => Ok(()),
        Ok(_) => refuse("is not empty; name another folder, or write into it with --force"),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => refuse(&format!("cannot be used: {error}")),
    }
}

fn fetch(
    connection: &Connection,
    exported: &ExportResponse,
    folder: &Path,
) -> anyhow::Result<Vec<PathBuf>> {
    let out = OutFolder::open(folder)?;
    let mut places = Vec::new();
    for file in &exported.files {
        let done = transfer::download(
            &connection.client,
            Wanted::OfRun(&exported.model.run, file),
            &out,
            name_of(exported, file),
            Patience::INTERACTIVE,
            &mut |_, _| {},
        )?;
        places.push(done.place);
    }
    Ok(places)
}

/// A file's path below the folder of the export.
fn name_of<'a>(exported: &ExportResponse, file: &'a ArtifactView) -> &'a str {
    let below = file.path.strip_prefix(exported.folder.as_str());
    below.map_or(file.path.as_str(), |path| path.trim_start_matches('/'))
}

fn show(exported: &ExportResponse) -> anyhow::Result<()> {
    let model = &exported.model;
    let lines = [
        (
            "run",
            format!("{} ({}/{})", model.run, model.project, model.name),
        ),
        ("adapter", model.adapter.clone()),
        ("format", exported.format.clone()),
        (
            "compared",
            format!(
                "{} generated inputs: {:.2e} apart at most, {:.2e} allowed",
                exported.compared_rows, exported.max_abs_difference, exported.tolerance
            ),
        ),
    ];
    for (name, value) in lines {
        output::line(format_args!("{name:<9}{value}"))?;
    }
    let mut table = output::table(&["artifact", "size", "blake3"]);
    for file in &exported.files {
        table.add_row([
            file.path.clone(),
            output::size(file.size_bytes),
            file.hash.chars().take(12).collect(),
        ]);
    }
    output::print(&table)?;
    Ok(())
}
