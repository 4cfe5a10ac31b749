//! Where MLflow's records are read from: a folder, a database, a server. Nothing is changed
//! there.

mod files;
mod files_models;
mod server;
mod server_views;
mod sqlite;
mod sqlite_models;

use std::path::{Path, PathBuf};

pub(super) use self::files::Files;
pub(super) use self::server::{API, FILES, Server};
use super::records::{Experiment, File, Model, Owner, Point, Problems, Read, Registered, Run};
use crate::exit::{REFUSED, fail};

/// A place of MLflow's records.
pub(super) trait Source {
    /// What went wrong so far.
    fn problems(&self) -> &Problems;
    /// All experiments, deleted ones among them.
    fn experiments(&self) -> anyhow::Result<Vec<Experiment>>;
    /// The ids of the runs of an experiment, deleted ones among them.
    fn runs(&self, experiment: &Experiment) -> anyhow::Result<Vec<String>>;
    /// A run of an experiment.
    fn run(&self, experiment: &Experiment, id: &str) -> Read<Run>;
    /// All points of a metric, in order, each once.
    fn history(&self, run: &Run, metric: &str) -> Read<Vec<Point>>;
    /// The logged models of an experiment, deleted ones among them where they are told.
    fn models(&self, experiment: &Experiment) -> anyhow::Result<Vec<Model>>;
    /// The registry.
    fn registered(&self) -> anyhow::Result<Vec<Registered>>;
    /// The files of a run or model.
    fn files(&self, owner: Owner<'_>) -> Read<Vec<File>>;
    /// A file, to be read from its beginning, more than once.
    fn open(&self, owner: Owner<'_>, path: &str) -> Read<std::fs::File>;
}

/// What a caller says of a source.
pub(super) struct Wanted<'a> {
    /// A folder, a database or a URL.
    pub(super) place: &'a str,
    /// Folders of artifacts outside of the store.
    pub(super) roots: &'a [PathBuf],
}

/// Opens a source.
pub(super) fn open(wanted: &Wanted<'_>) -> anyhow::Result<Box<dyn Source>> {
    let place = wanted.place;
    if place.starts_with("http://") || place.starts_with("https://") {
        return Ok(Box::new(Server::of_mlflow(place)?));
    }
    if let Some((scheme, _)) = place.split_once("://")
        && !matches!(scheme, "sqlite" | "file")
    {
        return Err(fail(
            REFUSED,
            format!(
                "`{scheme}://` is not read: name a folder `mlruns`, a SQLite database, or the \
                 http(s) URL of a running MLflow server, which reads any database for you"
            ),
        ));
    }
    let path = ["sqlite:///", "file://"]
        .iter()
        .find_map(|prefix| place.strip_prefix(prefix))
        .unwrap_or(place);
    let path = Path::new(path);
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_dir() => Ok(Box::new(Files::open(path, wanted.roots)?)),
        Ok(_) => Ok(Box::new(sqlite::Sqlite::open(path, wanted.roots)?)),
        Err(error) => Err(fail(REFUSED, format!("`{}`: {error}", path.display()))),
    }
}
