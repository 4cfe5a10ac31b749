//! Projects; experiments are in `experiments`.

use async_trait::async_trait;
use mlhub_core::run::{Experiment, ExperimentChange, NewExperiment, Project};
use mlhub_core::store::ProjectStore;
use mlhub_core::{Name, Result, Timestamp, limits};

use super::seam::{Backend, Row, Tx};
use super::{SqlStore, experiments};
use crate::check;

const PROJECTS: &str = "SELECT p.name, p.description, p.created_at, \
    (SELECT count(*) FROM run r WHERE r.project = p.name AND r.deleted_at IS NULL), \
    (SELECT max(r.changed_at) FROM run r WHERE r.project = p.name) AS active_at \
    FROM project p";

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
            Box::pin(experiments::list(tx, project.as_ref()))
        })
        .await
    }

    async fn experiment_create(&self, experiment: &NewExperiment) -> Result<Experiment> {
        experiments::check_new(experiment)?;
        self.write(
            "make an experiment",
            experiment.clone(),
            |tx, experiment| Box::pin(experiments::create(tx, experiment)),
        )
        .await
    }

    async fn experiment_get(&self, number: i64) -> Result<Option<Experiment>> {
        self.read("find an experiment", number, |tx, number| {
            Box::pin(experiments::get(tx, *number))
        })
        .await
    }

    async fn experiment_named(&self, project: &Name, name: &Name) -> Result<Option<Experiment>> {
        let input = (project.clone(), name.clone());
        self.read("find an experiment", input, |tx, (project, name)| {
            Box::pin(experiments::named(tx, project, name))
        })
        .await
    }

    async fn experiment_change(
        &self,
        number: i64,
        change: &ExperimentChange,
        now: Timestamp,
    ) -> Result<Experiment> {
        experiments::check_change(change)?;
        let input = (number, change.clone(), now);
        self.write(
            "change an experiment",
            input,
            |tx, (number, change, now)| Box::pin(experiments::change(tx, *number, change, *now)),
        )
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
