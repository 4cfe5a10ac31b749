//! The SQLite database of MLflow, of 2.x and 3.x: experiments, runs and their points. Models
//! are in `sqlite_models`.
//!
//! Opened for reading only, one short query at a time, so that a server that uses it goes on.
//! Only plain tables are read; what newer schemas added is used where it is there.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row, ToSql};
use serde_json::{Value, json};

use super::Source;
use crate::exit::{REFUSED, fail};
use crate::mlflow::local::{self, Roots, shown};
use crate::mlflow::records::{
    Experiment, File, Labels, Model, Owner, Point, Problems, Read, Registered, Run, Trouble,
    damaged, in_order, run_status,
};

/// How long a server may hold the database.
const BUSY_MAX: Duration = Duration::from_secs(30);
/// Tables that every such database has.
const TABLES: [&str; 6] = [
    "experiments",
    "experiment_tags",
    "runs",
    "tags",
    "params",
    "metrics",
];
/// The workspace that is read where there are several.
const WORKSPACE: &str = "default";

/// A database.
pub(super) struct Sqlite {
    connection: Connection,
    path: PathBuf,
    pub(super) problems: Problems,
    roots: Roots,
    tables: BTreeSet<String>,
    columns: RefCell<BTreeMap<String, BTreeSet<String>>>,
}

/// A cell that must be a text.
pub(super) fn text(row: &Row<'_>, at: usize) -> rusqlite::Result<String> {
    Ok(maybe_text(row, at)?.unwrap_or_default())
}

/// A cell that may be null. Numbers are texts where texts are expected.
pub(super) fn maybe_text(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<String>> {
    Ok(match row.get_ref(at)? {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            let text = std::str::from_utf8(bytes);
            Some(
                text.map_err(|error| rusqlite::Error::Utf8Error(at, error))?
                    .to_owned(),
            )
        }
    })
}

impl Sqlite {
    pub(super) fn open(path: &Path, more: &[PathBuf]) -> anyhow::Result<Self> {
        let refused = |why: String| fail(REFUSED, format!("`{}`: {why}", path.display()));
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)
            .and_then(|connection| {
                connection.busy_timeout(BUSY_MAX)?;
                connection.pragma_update(None, "trusted_schema", false)?;
                Ok(connection)
            })
            .map_err(|error| refused(error.to_string()))?;
        let tables = connection
            .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'")
            .and_then(|mut query| {
                let names = query.query_map([], |row| row.get::<_, String>(0))?;
                names.collect::<rusqlite::Result<BTreeSet<_>>>()
            })
            .map_err(|error| refused(error.to_string()))?;
        if let Some(table) = TABLES.iter().find(|table| !tables.contains(**table)) {
            return Err(refused(format!(
                "no database of MLflow: it has no table `{table}`"
            )));
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        Ok(Self {
            connection,
            path: path.to_owned(),
            problems: Problems::default(),
            roots: Roots::new(folder, more)?,
            tables,
            columns: RefCell::default(),
        })
    }

    /// Whether there is a table.
    pub(super) fn has(&self, table: &str) -> bool {
        self.tables.contains(table)
    }

    /// Whether a table has a column.
    pub(super) fn has_column(&self, table: &str, column: &str) -> anyhow::Result<bool> {
        if let Some(columns) = self.columns.borrow().get(table) {
            return Ok(columns.contains(column));
        }
        let sql = format!("SELECT name FROM pragma_table_info('{table}')");
        let columns: BTreeSet<String> = self
            .rows(table, &sql, &[], |row| row.get(0))?
            .into_iter()
            .collect();
        let has = columns.contains(column);
        self.columns.borrow_mut().insert(table.to_owned(), columns);
        Ok(has)
    }

    /// A column, or a value that stands for it where an older schema has none.
    pub(super) fn column(&self, table: &str, column: &str, other: &str) -> anyhow::Result<String> {
        Ok(match self.has_column(table, column)? {
            true => column.to_owned(),
            false => other.to_owned(),
        })
    }

    /// All rows of a query; a row that cannot be read is an error that names the table.
    pub(super) fn rows<T>(
        &self,
        table: &str,
        sql: &str,
        values: &[&dyn ToSql],
        each: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> anyhow::Result<Vec<T>> {
        let found = self.connection.prepare_cached(sql).and_then(|mut query| {
            let rows = query.query_map(values, each)?;
            rows.collect::<rusqlite::Result<Vec<T>>>()
        });
        found.map_err(|error| {
            fail(
                REFUSED,
                format!("`{}`, table `{table}`: {error}", self.path.display()),
            )
        })
    }

    /// As [`Self::rows`], of one thing: what cannot be read is its damage alone.
    pub(super) fn rows_of<T>(
        &self,
        owner: &str,
        table: &str,
        sql: &str,
        values: &[&dyn ToSql],
        each: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Read<Vec<T>> {
        self.rows(table, sql, values, each)
            .map_err(|error| Trouble::Damaged(format!("{owner}: {error}")))
    }

    /// Keys with texts.
    pub(super) fn labels(
        &self,
        owner: &str,
        table: &str,
        sql: &str,
        values: &[&dyn ToSql],
    ) -> Read<Labels> {
        let pairs = self.rows_of(owner, table, sql, values, |row| {
            Ok((text(row, 0)?, text(row, 1)?))
        })?;
        Ok(pairs.into_iter().collect())
    }

    /// The condition that keeps to one workspace.
    pub(super) fn in_workspace(&self, table: &str) -> anyhow::Result<String> {
        Ok(match self.has_column(table, "workspace")? {
            true => format!("workspace = '{WORKSPACE}'"),
            false => "1".to_owned(),
        })
    }

    /// Tells of what is in other workspaces.
    fn tell_workspaces(&self) -> anyhow::Result<()> {
        if !self.has_column("experiments", "workspace")? {
            return Ok(());
        }
        let sql =
            format!("SELECT DISTINCT workspace FROM experiments WHERE workspace <> '{WORKSPACE}'");
        for workspace in self.rows("experiments", &sql, &[], |row| text(row, 0))? {
            self.problems.add(format!(
                "the workspace `{}` is left out: only `{WORKSPACE}` is read",
                shown(&workspace)
            ));
        }
        Ok(())
    }

    fn inputs(&self, owner: &str, run: &str) -> Read<(Vec<Value>, BTreeSet<String>)> {
        if !self.has("inputs") || !self.has("datasets") {
            return Ok(Default::default());
        }
        let models = self.rows_of(
            owner,
            "inputs",
            "SELECT DISTINCT destination_id FROM inputs WHERE source_type = 'RUN_INPUT' \
             AND source_id = ?1 AND destination_type = 'MODEL_INPUT'",
            &[&run],
            |row| text(row, 0),
        )?;
        let names = [
            "name",
            "digest",
            "source_type",
            "source",
            "schema",
            "profile",
        ];
        let datasets = self.rows_of(
            owner,
            "datasets",
            "SELECT i.input_uuid, d.name, d.digest, d.dataset_source_type, d.dataset_source, \
             d.dataset_schema, d.dataset_profile FROM inputs i JOIN datasets d \
             ON d.dataset_uuid = i.source_id WHERE i.source_type = 'DATASET' \
             AND i.destination_type = 'RUN' AND i.destination_id = ?1 ORDER BY i.rowid",
            &[&run],
            |row| {
                let mut dataset = json!({});
                for (at, name) in names.iter().enumerate() {
                    if let Some(text) = maybe_text(row, at + 1)? {
                        dataset[name] = text.into();
                    }
                }
                Ok((text(row, 0)?, dataset))
            },
        )?;
        let mut inputs = Vec::new();
        for (id, dataset) in datasets {
            let sql = "SELECT name, value FROM input_tags WHERE input_uuid = ?1";
            let tags = self.labels(owner, "input_tags", sql, &[&id])?;
            let tags: Vec<Value> = tags
                .into_iter()
                .map(|(key, value)| json!({"key": key, "value": value}))
                .collect();
            inputs.push(json!({"dataset": dataset, "tags": tags}));
        }
        Ok((inputs, models.into_iter().collect()))
    }

    fn outputs(&self, owner: &str, run: &str) -> Read<BTreeMap<String, i64>> {
        if !self.has("inputs") {
            return Ok(BTreeMap::new());
        }
        let step = self.column("inputs", "step", "0")?;
        let sql = format!(
            "SELECT destination_id, {step} FROM inputs WHERE source_type = 'RUN_OUTPUT' \
             AND source_id = ?1 AND destination_type = 'MODEL_OUTPUT'"
        );
        let made = self.rows_of(owner, "inputs", &sql, &[&run], |row| {
            Ok((text(row, 0)?, row.get::<_, Option<i64>>(1)?.unwrap_or(0)))
        })?;
        Ok(made.into_iter().collect())
    }
}

impl Source for Sqlite {
    fn problems(&self) -> &Problems {
        &self.problems
    }

    fn experiments(&self) -> anyhow::Result<Vec<Experiment>> {
        self.tell_workspaces()?;
        let here = self.in_workspace("experiments")?;
        let sql = format!(
            "SELECT experiment_id, name, lifecycle_stage FROM experiments WHERE {here} \
             ORDER BY experiment_id"
        );
        let mut found = self.rows("experiments", &sql, &[], |row| {
            Ok(Experiment {
                id: text(row, 0)?,
                name: text(row, 1)?,
                tags: Labels::new(),
                deleted: text(row, 2)? == "deleted",
                created: None,
            })
        })?;
        for experiment in &mut found {
            let owner = format!("experiment {}", experiment.id);
            let sql = "SELECT key, value FROM experiment_tags WHERE experiment_id = ?1";
            let tags = self.labels(&owner, "experiment_tags", sql, &[&experiment.id]);
            experiment.tags = self.problems.noted(tags)?.unwrap_or_default();
        }
        Ok(found)
    }

    fn runs(&self, experiment: &Experiment) -> anyhow::Result<Vec<String>> {
        let sql =
            "SELECT run_uuid FROM runs WHERE experiment_id = ?1 ORDER BY start_time, run_uuid";
        self.rows("runs", sql, &[&experiment.id], |row| text(row, 0))
    }

    fn run(&self, experiment: &Experiment, id: &str) -> Read<Run> {
        let owner = format!("run {}", shown(id));
        let sql = "SELECT status, name, user_id, start_time, end_time, lifecycle_stage, \
                   artifact_uri FROM runs WHERE run_uuid = ?1";
        let found = self.rows_of(&owner, "runs", sql, &[&id], |row| {
            Ok(Run {
                id: id.to_owned(),
                experiment: experiment.id.clone(),
                status: text(row, 0)?,
                name: maybe_text(row, 1)?.filter(|name| !name.is_empty()),
                user: maybe_text(row, 2)?.filter(|user| !user.is_empty()),
                started: row.get(3)?,
                ended: row.get(4)?,
                deleted: text(row, 5)? == "deleted",
                artifact_uri: text(row, 6)?,
                metrics: Vec::new(),
                params: Labels::new(),
                tags: Labels::new(),
                inputs: Vec::new(),
                models_read: BTreeSet::new(),
                models_made: BTreeMap::new(),
            })
        })?;
        let Some(mut run) = found.into_iter().next() else {
            return damaged(format!("{owner} is gone"));
        };
        match run_status(&run.status) {
            Some(status) => status.clone_into(&mut run.status),
            None => {
                return damaged(format!(
                    "{owner}, table `runs`: the field `status` is unknown"
                ));
            }
        }
        let sql = "SELECT key, value FROM params WHERE run_uuid = ?1";
        run.params = self.labels(&owner, "params", sql, &[&id])?;
        let sql = "SELECT key, value FROM tags WHERE run_uuid = ?1";
        run.tags = self.labels(&owner, "tags", sql, &[&id])?;
        if run.name.is_none() {
            run.name = run.tags.get("mlflow.runName").cloned();
        }
        let sql = "SELECT DISTINCT key FROM metrics WHERE run_uuid = ?1 ORDER BY key";
        run.metrics = self.rows_of(&owner, "metrics", sql, &[&id], |row| text(row, 0))?;
        (run.inputs, run.models_read) = self.inputs(&owner, id)?;
        run.models_made = self.outputs(&owner, id)?;
        Ok(run)
    }

    fn history(&self, run: &Run, metric: &str) -> Read<Vec<Point>> {
        let owner = format!("run {}, metric `{}`", run.id, shown(metric));
        let sql =
            "SELECT step, timestamp, value, is_nan FROM metrics WHERE run_uuid = ?1 AND key = ?2";
        let mut points = self.rows_of(&owner, "metrics", sql, &[&run.id, &metric], |row| {
            let value: Option<f64> = row.get(2)?;
            let is_nan: Option<bool> = row.get(3)?;
            Ok(Point {
                step: row.get::<_, Option<i64>>(0)?.unwrap_or(0),
                time: row.get(1)?,
                value: match (value, is_nan) {
                    (Some(value), None | Some(false)) => value,
                    _ => f64::NAN,
                },
            })
        })?;
        let all = points.len();
        points.retain(|point| point.time >= 0);
        if points.len() < all {
            let bad = all - points.len();
            self.problems
                .add(format!("{owner}: {bad} points have a time before 1970"));
        }
        Ok(in_order(points))
    }

    fn models(&self, experiment: &Experiment) -> anyhow::Result<Vec<Model>> {
        self.all_models(experiment)
    }

    fn registered(&self) -> anyhow::Result<Vec<Registered>> {
        self.all_registered()
    }

    fn files(&self, owner: Owner<'_>) -> Read<Vec<File>> {
        match self.roots.folder(owner, None)? {
            Some(folder) => local::files(&folder, &self.problems),
            None => Ok(Vec::new()),
        }
    }

    fn open(&self, owner: Owner<'_>, path: &str) -> Read<std::fs::File> {
        match self.roots.folder(owner, None)? {
            Some(folder) => local::open(&folder.join(path)),
            None => damaged(format!("{}: its artifacts are gone", owner.told())),
        }
    }
}

#[cfg(test)]
#[path = "sqlite_tests.rs"]
mod tests;
