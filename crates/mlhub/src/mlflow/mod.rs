//! Moving in from MLflow and out to it.
//!
//! `source` reads MLflow's own forms (a folder, a database, a server), `import` writes what was
//! read to the hub through its MLflow API and compares, `export` writes a folder that MLflow
//! opens. Whatever is read was written by others: it is bounded, links are not followed, and
//! what is damaged is told by its place and left out.

mod export;
mod export_registry;
mod hub;
mod import;
mod import_models;
mod import_runs;
mod local;
mod records;
mod report;
mod source;
mod store_writer;
mod survey;
mod yaml;

use std::path::{Path, PathBuf};

use mlhub_client::Client;

pub(crate) use self::export::ExportOptions;
pub(crate) use self::import::ImportOptions;
pub(crate) use self::report::{Counts, Report};
use self::source::Wanted;

/// Where from.
pub(crate) struct ImportSource<'a> {
    /// A folder `mlruns`, a SQLite database, or the URL of a server.
    pub(crate) place: &'a str,
    /// Folders of artifacts outside of the store.
    pub(crate) artifact_roots: &'a [PathBuf],
}

/// Imports into the hub of a client; without one, only looks.
pub(crate) fn import(
    from: &ImportSource<'_>,
    client: Option<Client>,
    options: &ImportOptions,
    progress: &dyn Fn(&Counts),
) -> anyhow::Result<Report> {
    let source = source::open(&Wanted {
        place: from.place,
        roots: from.artifact_roots,
    })?;
    match client {
        Some(client) => import::import(&*source, client, options, progress),
        None => survey::survey(&*source, options, progress),
    }
}

/// Exports from the hub of a client into a folder that is new or empty.
pub(crate) fn export(
    client: &Client,
    dest: &Path,
    options: &ExportOptions,
    progress: &dyn Fn(&Counts),
) -> anyhow::Result<Report> {
    export::export(client, dest, options, progress)
}
