//! `mlhub artifacts versions|alias|unalias`, and `get` of a version.

use std::path::Path;

use mlhub_client::transfer::{self, OutFolder, Patience, Wanted};
use mlhub_protocol::rest::{ArtifactAliasSet, ArtifactVersionView};

use super::{Progress, Received, tell_received};
use crate::cli::Global;
use crate::connect::connect;
use crate::exit::{OK, USAGE, fail};
use crate::output;

/// Versions asked for at once.
const PAGE_ROWS: usize = 1000;
/// Versions listed unless told otherwise.
const LISTED: usize = 50;

/// Lists the versions of a name.
pub(super) fn list(
    global: &Global,
    project: &str,
    name: &str,
    limit: Option<usize>,
) -> anyhow::Result<u8> {
    let connection = connect(global)?;
    let wanted = limit.unwrap_or(if global.json { usize::MAX } else { LISTED });
    let mut versions: Vec<ArtifactVersionView> = Vec::new();
    let mut cursor: Option<String> = None;
    while versions.len() < wanted {
        let rows = PAGE_ROWS.min(wanted - versions.len());
        let page = connection
            .client
            .version_list(project, name, rows, cursor.as_deref())?;
        versions.extend(page.versions);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    if global.json {
        output::json(&versions)?;
    } else if versions.is_empty() {
        output::line(format_args!("no run of {project} recorded `{name}`"))?;
    } else {
        print(&versions)?;
        if cursor.is_some() {
            output::line("older versions are left out; --limit shows more")?;
        }
    }
    Ok(OK)
}

fn print(versions: &[ArtifactVersionView]) -> anyhow::Result<()> {
    let mut table = output::table(&["version", "aliases", "run", "bytes", "recorded", "blake3"]);
    for version in versions {
        let gone = if version.available { "" } else { " (gone)" };
        table.add_row([
            format!("v{}{gone}", version.version),
            version.aliases.join(", "),
            version.run.clone(),
            version.artifact.size_bytes.to_string(),
            output::moment(version.artifact.created_at),
            version.artifact.hash.chars().take(12).collect(),
        ]);
    }
    output::print(&table)
}

/// Gives a version an alias.
pub(super) fn alias(
    global: &Global,
    project: String,
    name: String,
    version: String,
    alias: String,
) -> anyhow::Result<u8> {
    let wanted = ArtifactAliasSet {
        project,
        name,
        version,
        alias,
    };
    let set = connect(global)?.client.alias_set(&wanted)?;
    match global.json {
        true => output::json(&set)?,
        false => print(&[set])?,
    }
    Ok(OK)
}

/// Takes an alias away.
pub(super) fn unalias(
    global: &Global,
    project: &str,
    name: &str,
    alias: &str,
) -> anyhow::Result<u8> {
    connect(global)?.client.alias_remove(project, name, alias)?;
    if !global.json {
        output::line(format_args!("no version of {name} is {alias} any more"))?;
    }
    Ok(OK)
}

/// Fetches a version, `PROJECT/NAME:VERSION`.
pub(super) fn get(
    global: &Global,
    from: &str,
    path: Option<&str>,
    out: &Path,
) -> anyhow::Result<u8> {
    if path.is_some() {
        return Err(fail(
            USAGE,
            "a version is one file; a path within it cannot be named",
        ));
    }
    let (project, named) = from.split_once('/').unwrap_or((from, ""));
    let (name, version) = named.rsplit_once(':').unwrap_or((named, "latest"));
    let connection = connect(global)?;
    let client = &connection.client;
    let version = client.version_resolve(project, name, version)?;
    let folder = OutFolder::open(out)?;
    let progress = Progress::new(std::iter::once(version.artifact.size_bytes));
    let received = transfer::download(
        client,
        Wanted::Version(&version),
        &folder,
        &version.name,
        Patience::INTERACTIVE,
        &mut |here, _| progress.set(0, here),
    );
    progress.bar.finish_and_clear();
    let received = Received::of(&version.artifact, received?);
    tell_received(global, &[received], out)
}
