//! Projects and experiments.

use async_trait::async_trait;
use mlhub_core::run::{Experiment, Project};
use mlhub_core::store::ProjectStore;
use mlhub_core::{Name, Result, Timestamp, limits};

use super::SqlStore;
use super::seam::{Backend, Row, Tx};
use super::text::Sql;
use crate::check;

const PROJECTS: &str = "SELECT p.name, p.description, p.created_at, \
    (SELECT count(*) FROM run r WHERE r.project = p.name AND r.deleted_at IS NULL), \
    (SELECT max(r.changed_at) FROM run r WHERE r.project = p.name) AS active_at \
    FROM project p";
const EXPERIMENTS: &str = "SELECT e.project, e.name, e.description, e.created_at, \
    (SELECT count(*) FROM run r WHERE r.project = e.project AND r.experiment = e.name \
    AND r.deleted_at IS NULL) \
    FROM experiment e";

#[async_trait]
impl<B: Backend> ProjectStore for SqlStore<B> {
    async fn project_ensure(&self, name: &Name, now: Timestamp) -> Result<Project> {
        self.write("make a project", (name.clone(), now), |tx, (name, now)| {
            Box::pin(async move {
                insert(tx, name, *now).await?;
                let project = get(tx, name).await?;
                project.ok_or_else(|| mlhub_core::Error::not_found("project", name))
            })
        })
        .await
    }

    async fn project_get(&self, name: &Name) -> Result<Option<Project>> {
        self.read("find a project", name.clone(), |tx, name| {
            Box::pin(get(tx, name))
        })
        .await
    }

    async fn project_list(&self) -> Result<Vec<Project>> {
        self.read("list projects", (), |tx, ()| {
            Box::pin(async move {
                let sql = format!(
                    "SELECT * FROM ({PROJECTS}) q ORDER BY coalesce(active_at, created_at) DESC, name"
                );
                let rows = tx.query(&sql, &[]).await?;
                rows.into_iter().map(project).collect()
            })
        })
        .await
    }

    async fn project_describe(&self, name: &Name, description: &str) -> Result<bool> {
        check::text("the description", description, limits::NOTES_MAX_BYTES)?;
        let input = (name.clone(), description.to_owned());
        self.write("describe a project", input, |tx, (name, description)| {
            Box::pin(async move {
                let sql = "UPDATE project SET description = $1 WHERE name = $2";
                let values = [description.as_str().into(), name.as_str().into()];
                Ok(tx.execute(sql, &values).await? > 0)
            })
        })
        .await
    }

    async fn experiment_list(&self, project: Option<&Name>) -> Result<Vec<Experiment>> {
        self.read("list experiments", project.cloned(), |tx, project| {
            Box::pin(async move {
                let mut sql = Sql::new(EXPERIMENTS);
                if let Some(project) = project {
                    sql.push(" WHERE e.project = ").bind(project.as_str());
                }
                sql.push(" ORDER BY e.seq DESC");
                let rows = sql.query(tx).await?;
                rows.into_iter().map(experiment).collect()
            })
        })
        .await
    }
}

async fn get(tx: &mut dyn Tx, name: &Name) -> Result<Option<Project>> {
    let sql = format!("{PROJECTS} WHERE p.name = $1");
    let rows = tx.query(&sql, &[name.as_str().into()]).await?;
    rows.into_iter().next().map(project).transpose()
}

/// Makes a project unless it exists.
pub(crate) async fn insert(tx: &mut dyn Tx, name: &Name, now: Timestamp) -> Result<()> {
    tx.execute(
        "INSERT INTO project (name, description, created_at) VALUES ($1, '', $2) \
         ON CONFLICT (name) DO NOTHING",
        &[name.as_str().into(), now.0.into()],
    )
    .await
    .map(|_| ())
}

/// Makes an experiment unless it exists. The caller holds the counter of runs,
/// so nobody else makes one meanwhile.
pub(crate) async fn insert_experiment(
    tx: &mut dyn Tx,
    project: &Name,
    name: &Name,
    now: Timestamp,
) -> Result<()> {
    let key = [project.as_str().into(), name.as_str().into()];
    let found = tx
        .query(
            "SELECT seq FROM experiment WHERE project = $1 AND name = $2",
            &key,
        )
        .await?;
    if !found.is_empty() {
        return Ok(());
    }
    let seq = take_numbers(tx, "experiment", 1).await?;
    tx.execute(
        "INSERT INTO experiment (project, name, seq, description, created_at) \
         VALUES ($1, $2, $3, '', $4)",
        &[
            project.as_str().into(),
            name.as_str().into(),
            seq.into(),
            now.0.into(),
        ],
    )
    .await
    .map(|_| ())
}

/// Takes `count` numbers from a counter; returns the last one. The counter's
/// row stays locked until the transaction ends, so numbers appear in order.
pub(crate) async fn take_numbers(tx: &mut dyn Tx, counter: &str, count: usize) -> Result<i64> {
    let rows = tx
        .query(
            "UPDATE counter SET value = value + $1 WHERE name = $2 RETURNING value",
            &[(count as i64).into(), counter.into()],
        )
        .await?;
    let mut row = rows.into_iter().next().ok_or_else(|| {
        mlhub_core::Error::internal("take a sequence number", format!("no counter {counter}"))
    })?;
    row.i64()
}

fn project(mut row: Row) -> Result<Project> {
    Ok(Project {
        name: row.parsed()?,
        description: row.text()?,
        created_at: Timestamp(row.i64()?),
        run_count: row.int()?,
        last_activity_at: row.optional_i64()?.map(Timestamp),
    })
}

fn experiment(mut row: Row) -> Result<Experiment> {
    Ok(Experiment {
        project: row.parsed()?,
        name: row.parsed()?,
        description: row.text()?,
        created_at: Timestamp(row.i64()?),
        run_count: row.int()?,
    })
}
