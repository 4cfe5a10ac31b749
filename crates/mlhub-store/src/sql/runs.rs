//! Runs: making, finding, changing and removing them.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use mlhub_core::run::{Attempt, AttemptChange, NewRun, Run};
use mlhub_core::store::RunStore;
use mlhub_core::{Error, Name, Result, RunId, RunState, Timestamp, UserId, limits};

use super::seam::{Backend, Row, Tx, Value, json_text, stored};
use super::text::{insert_rows, query_in};
use super::{SqlStore, attempts, experiments, labels, projects, traces};
use crate::check;
use crate::engine::bulk;

/// The columns [`run`] reads, of `run r` and `run_text t`.
pub(crate) const RUN_COLUMNS: &str = "r.id, r.seq, r.project, r.experiment, r.name, r.state, \
    r.adapter, r.adapter_version, r.seed, r.group_id, r.dataset, r.owner, t.notes, r.attempt, \
    r.created_at, r.started_at, r.ended_at, r.exit_status, r.failure, r.stop_requested, r.deleted_at";

#[async_trait]
impl<B: Backend> RunStore for SqlStore<B> {
    async fn run_create(&self, runs: &[NewRun]) -> Result<Vec<Run>> {
        for run in runs {
            check_new(run)?;
        }
        self.write("make runs", runs.to_vec(), |tx, runs| {
            Box::pin(create(tx, runs))
        })
        .await
    }

    async fn run_get(&self, id: &RunId) -> Result<Option<Run>> {
        self.read("find a run", id.clone(), |tx, id| {
            Box::pin(async move {
                let sql = select("WHERE r.id = $1");
                let rows = tx.query(&sql, &[id.as_str().into()]).await?;
                rows.into_iter()
                    .next()
                    .map(|mut row| run(&mut row))
                    .transpose()
            })
        })
        .await
    }

    async fn run_find(&self, prefix: &str, limit: usize) -> Result<Vec<Run>> {
        // Ids are letters, digits, `-` and `_`: nothing else starts one.
        let usable = prefix.len() <= limits::ID_MAX_BYTES
            && prefix
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if !usable {
            return Ok(Vec::new());
        }
        let input = (prefix.to_owned(), limit.min(limits::PAGE_MAX_ROWS));
        self.read("find runs", input, |tx, (prefix, limit)| {
            Box::pin(async move {
                // `~` sorts after every character of an id.
                let sql = select("WHERE r.id >= $1 AND r.id < $2 ORDER BY r.id LIMIT $3");
                let end = format!("{prefix}~");
                let values = [prefix.as_str().into(), end.into(), (*limit as i64).into()];
                collect(tx.query(&sql, &values).await?)
            })
        })
        .await
    }

    async fn run_scan(&self, after_seq: i64, limit: usize) -> Result<Vec<Run>> {
        let input = (after_seq, limit.min(limits::PAGE_MAX_ROWS));
        self.read("scan runs", input, |tx, (after, limit)| {
            Box::pin(async move {
                let sql = select("WHERE r.seq > $1 ORDER BY r.seq LIMIT $2");
                let values = [(*after).into(), (*limit as i64).into()];
                collect(tx.query(&sql, &values).await?)
            })
        })
        .await
    }

    async fn runs_get(&self, ids: &[RunId]) -> Result<Vec<Run>> {
        self.read("read runs", ids.to_vec(), |tx, ids| {
            Box::pin(async move {
                let ids: Vec<Value> = ids.iter().map(|id| id.as_str().into()).collect();
                let mut runs = collect(query_in(tx, &select("WHERE r.id IN "), &ids, "").await?)?;
                runs.sort_by_key(|run| run.seq);
                runs.dedup_by_key(|run| run.seq);
                Ok(runs)
            })
        })
        .await
    }

    async fn run_unsettled(&self, host: Option<&str>) -> Result<Vec<Run>> {
        check::optional("the host", host)?;
        self.read(
            "list unsettled runs",
            host.map(str::to_owned),
            |tx, host| {
                Box::pin(async move {
                    let mut values = Vec::new();
                    let mut rest = "JOIN attempt a ON a.run = r.seq AND a.number = r.attempt \
                     WHERE r.state IN ('queued', 'running', 'lost')"
                        .to_owned();
                    if let Some(host) = host {
                        rest.push_str(" AND a.host = $1");
                        values.push(Value::from(host.as_str()));
                    }
                    rest.push_str(" ORDER BY r.seq");
                    collect(tx.query(&select(&rest), &values).await?)
                })
            },
        )
        .await
    }

    async fn run_snapshot(&self, id: &RunId) -> Result<Option<serde_json::Value>> {
        self.read("read a snapshot", id.clone(), |tx, id| {
            Box::pin(async move {
                let sql = "SELECT t.snapshot FROM run r JOIN run_text t ON t.run = r.seq \
                           WHERE r.id = $1";
                let rows = tx.query(sql, &[id.as_str().into()]).await?;
                rows.into_iter()
                    .next()
                    .map(|mut row| row.json())
                    .transpose()
            })
        })
        .await
    }

    async fn run_rename(&self, id: &RunId, name: Option<&Name>, notes: Option<&str>) -> Result<()> {
        if let Some(notes) = notes {
            check::text("the notes", notes, limits::NOTES_MAX_BYTES)?;
        }
        let input = (id.clone(), name.cloned(), notes.map(str::to_owned));
        self.write("rename a run", input, |tx, (id, name, notes)| {
            Box::pin(async move {
                let run = lock(tx, id).await?;
                if let Some(name) = name {
                    let values = [name.as_str().into(), run.seq.into()];
                    tx.execute("UPDATE run SET name = $1 WHERE seq = $2", &values)
                        .await?;
                }
                if let Some(notes) = notes {
                    let values = [notes.as_str().into(), run.seq.into()];
                    let sql = "UPDATE run_text SET notes = $1 WHERE run = $2";
                    tx.execute(sql, &values).await?;
                }
                Ok(())
            })
        })
        .await
    }

    async fn run_stop_request(&self, id: &RunId) -> Result<bool> {
        self.write("ask a run to stop", id.clone(), |tx, id| {
            Box::pin(async move {
                let run = lock(tx, id).await?;
                let sql = "UPDATE run SET stop_requested = 1 WHERE seq = $1 AND stop_requested = 0";
                Ok(tx.execute(sql, &[run.seq.into()]).await? == 1)
            })
        })
        .await
    }

    async fn attempt_create(
        &self,
        run: &RunId,
        host: Option<&str>,
        resumed_from_step: Option<i64>,
        now: Timestamp,
    ) -> Result<Attempt> {
        check::optional("the host", host)?;
        let attempt = attempts::NewAttempt {
            run: run.clone(),
            host: host.map(str::to_owned),
            resumed_from_step,
            now,
        };
        self.engine.attempt_create(attempt).await
    }

    async fn attempt_list(&self, run: &RunId) -> Result<Vec<Attempt>> {
        self.read("list attempts", run.clone(), |tx, run| {
            Box::pin(attempts::list(tx, run))
        })
        .await
    }

    async fn attempt_change(&self, change: &AttemptChange) -> Result<bool> {
        let changed = self
            .write("change an attempt", change.clone(), |tx, change| {
                Box::pin(attempts::change(tx, change))
            })
            .await?;
        if changed == attempts::Changed::Run {
            let ended = change.to.is_terminal();
            self.engine.run_changed(&change.run, ended);
        }
        Ok(changed != attempts::Changed::Not)
    }

    async fn attempt_heartbeat(&self, run: &RunId, number: u32, now: Timestamp) -> Result<()> {
        let input = (run.clone(), number, now);
        self.write("note a heartbeat", input, |tx, (run, number, now)| {
            Box::pin(attempts::heartbeat(tx, run, *number, *now))
        })
        .await
    }

    async fn params(&self, runs: &[RunId]) -> Result<BTreeMap<RunId, BTreeMap<String, String>>> {
        self.read("read params", runs.to_vec(), |tx, runs| {
            Box::pin(labels::of_runs(tx, "param", runs))
        })
        .await
    }

    async fn tags(&self, runs: &[RunId]) -> Result<BTreeMap<RunId, BTreeMap<String, String>>> {
        self.read("read tags", runs.to_vec(), |tx, runs| {
            Box::pin(labels::of_runs(tx, "tag", runs))
        })
        .await
    }

    async fn tags_set(&self, run: &RunId, tags: &BTreeMap<String, Option<String>>) -> Result<()> {
        for (name, value) in tags {
            check::key("a tag's name", name)?;
            check::value("a tag's value", value.as_deref().unwrap_or_default())?;
        }
        let input = (run.clone(), tags.clone());
        self.write("set tags", input, |tx, (run, tags)| {
            Box::pin(set_tags(tx, run, tags))
        })
        .await
    }

    async fn run_delete(&self, id: &RunId) -> Result<Vec<String>> {
        let removed = self.write("remove a run", id.clone(), |tx, id| {
            Box::pin(delete(tx, id))
        });
        self.engine
            .runs_remove(std::slice::from_ref(id), removed)
            .await
    }
}

fn check_new(run: &NewRun) -> Result<()> {
    check::optional("the adapter", run.adapter.as_deref())?;
    check::optional("the adapter's version", run.adapter_version.as_deref())?;
    check::optional("the dataset", run.dataset.as_deref())?;
    check::optional("the host", run.host.as_deref())?;
    check::optional("the owner", Some(&run.owner.0))?;
    check::text("the notes", &run.notes, limits::NOTES_MAX_BYTES)?;
    check::text(
        "the snapshot",
        &json_text(&run.snapshot)?,
        limits::SNAPSHOT_MAX_BYTES,
    )?;
    check::count("params", run.params.len())?;
    check::count("tags", run.tags.len())?;
    for (name, value) in &run.params {
        check::key("a param's name", name)?;
        check::value("a param's value", value)?;
    }
    for (name, value) in &run.tags {
        check::key("a tag's name", name)?;
        check::value("a tag's value", value)?;
    }
    Ok(())
}

async fn create(tx: &mut dyn Tx, runs: &[NewRun]) -> Result<Vec<Run>> {
    // Whoever holds the counter makes runs alone: what is looked up stays true.
    let last_seq = projects::take_numbers(tx, "run", runs.len()).await?;
    let first_seq = last_seq - runs.len() as i64 + 1;
    let ids: Vec<Value> = runs.iter().map(|run| run.id.as_str().into()).collect();
    refuse_taken(tx, runs, &ids).await?;
    let mut made = BTreeSet::new();
    for run in runs {
        if made.insert((&run.project, &run.experiment)) {
            projects::insert(tx, &run.project, run.created_at).await?;
            experiments::ensure(tx, &run.project, &run.experiment, run.created_at).await?;
        }
    }
    insert(tx, first_seq, runs).await?;
    insert_labels(tx, first_seq, runs).await?;
    let mut made = collect(query_in(tx, &select("WHERE r.id IN "), &ids, "").await?)?;
    made.sort_by_key(|run| run.seq);
    Ok(made)
}

async fn refuse_taken(tx: &mut dyn Tx, runs: &[NewRun], ids: &[Value]) -> Result<()> {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for mut row in query_in(tx, "SELECT id FROM run WHERE id IN ", ids, "").await? {
        taken.insert(row.text()?);
    }
    match runs.iter().find(|run| !taken.insert(run.id.to_string())) {
        Some(run) => Err(Error::conflict(format!(
            "a run `{}` exists already",
            run.id
        ))),
        None => Ok(()),
    }
}

async fn insert(tx: &mut dyn Tx, first_seq: i64, runs: &[NewRun]) -> Result<()> {
    let mut rows = Vec::with_capacity(runs.len());
    let mut texts = Vec::with_capacity(runs.len());
    let mut attempts = Vec::with_capacity(runs.len());
    for (seq, run) in (first_seq..).zip(runs) {
        let queued = RunState::Queued.as_str();
        rows.push(vec![
            seq.into(),
            run.id.as_str().into(),
            run.project.as_str().into(),
            run.experiment.as_str().into(),
            run.name.as_str().into(),
            queued.into(),
            run.adapter.as_deref().into(),
            run.adapter_version.as_deref().into(),
            run.seed.into(),
            run.group.as_ref().map(|group| group.as_str()).into(),
            run.dataset.as_deref().into(),
            run.owner.0.as_str().into(),
            1i64.into(),
            run.created_at.0.into(),
            0i64.into(),
            run.created_at.0.into(),
            0i64.into(),
        ]);
        let snapshot = json_text(&run.snapshot)?;
        texts.push(vec![seq.into(), run.notes.as_str().into(), snapshot.into()]);
        let host = run.host.as_deref().into();
        attempts.push(vec![
            seq.into(),
            1i64.into(),
            queued.into(),
            host,
            run.created_at.0.into(),
        ]);
    }
    let head = "INSERT INTO run (seq, id, project, experiment, name, state, adapter, \
                adapter_version, seed, group_id, dataset, owner, attempt, created_at, \
                stop_requested, changed_at, event_seq)";
    insert_rows(tx, head, rows, "").await?;
    insert_rows(tx, "INSERT INTO run_text (run, notes, snapshot)", texts, "").await?;
    let head = "INSERT INTO attempt (run, number, state, host, created_at)";
    insert_rows(tx, head, attempts, "").await
}

async fn insert_labels(tx: &mut dyn Tx, first_seq: i64, runs: &[NewRun]) -> Result<()> {
    let names = runs
        .iter()
        .flat_map(|run| run.params.keys().chain(run.tags.keys()));
    let labels = labels::ensure(tx, &names.map(String::as_str).collect()).await?;
    let mut params = Vec::new();
    let mut tags = Vec::new();
    for (seq, run) in (first_seq..).zip(runs) {
        for (name, value) in &run.params {
            params.push(labels::param_row(
                seq,
                labels::number_of(&labels, name)?,
                value,
            ));
        }
        for (name, value) in &run.tags {
            let label = labels::number_of(&labels, name)?;
            tags.push(vec![seq.into(), label.into(), value.as_str().into()]);
        }
    }
    insert_rows(tx, labels::INSERT_PARAM, params, "").await?;
    insert_rows(tx, labels::INSERT_TAG, tags, "").await
}

async fn set_tags(
    tx: &mut dyn Tx,
    run: &RunId,
    tags: &BTreeMap<String, Option<String>>,
) -> Result<()> {
    let run = lock(tx, run).await?;
    let removed: Vec<&str> = tags
        .iter()
        .filter(|(_, value)| value.is_none())
        .map(|(name, _)| name.as_str())
        .collect();
    labels::tags_remove(tx, run.seq, &removed).await?;
    let set: Vec<(&str, &str)> = tags
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.as_deref()?)))
        .collect();
    let labels = labels::ensure(tx, &set.iter().map(|(name, _)| *name).collect()).await?;
    labels::tags_put(tx, run.seq, &labels, set.into_iter()).await
}

async fn delete(tx: &mut dyn Tx, id: &RunId) -> Result<Vec<String>> {
    // The engine waits: what it reads back never has a run that is about to go.
    bulk::begin(tx).await?;
    let run = lock(tx, id).await?;
    let rows = tx
        .query(
            "SELECT DISTINCT a.hash FROM artifact a WHERE a.run = $1 AND NOT EXISTS \
             (SELECT 1 FROM artifact o WHERE o.hash = a.hash AND o.run <> $1) ORDER BY a.hash",
            &[run.seq.into()],
        )
        .await?;
    let hashes = rows
        .into_iter()
        .map(|mut row| row.text())
        .collect::<Result<_>>()?;
    traces::remove_of_run(tx, id).await?;
    tx.execute("DELETE FROM run WHERE seq = $1", &[run.seq.into()])
        .await?;
    Ok(hashes)
}

/// What a transaction knows of the run it has locked.
pub(crate) struct LockedRun {
    pub(crate) seq: i64,
    pub(crate) attempt: u32,
    pub(crate) changed_at: i64,
}

/// Locks a run until the transaction ends; `NotFound` when there is none.
pub(crate) async fn lock(tx: &mut dyn Tx, id: &RunId) -> Result<LockedRun> {
    let sql = format!(
        "SELECT seq, attempt, changed_at FROM run WHERE id = $1{}",
        tx.dialect().lock_rows()
    );
    let rows = tx.query(&sql, &[id.as_str().into()]).await?;
    let mut row = rows
        .into_iter()
        .next()
        .ok_or_else(|| Error::not_found("run", id))?;
    Ok(LockedRun {
        seq: row.i64()?,
        attempt: row.int()?,
        changed_at: row.i64()?,
    })
}

/// The number of a run, if there is such a run.
pub(crate) async fn seq_of(tx: &mut dyn Tx, id: &RunId) -> Result<Option<i64>> {
    let rows = tx
        .query("SELECT seq FROM run WHERE id = $1", &[id.as_str().into()])
        .await?;
    rows.into_iter().next().map(|mut row| row.i64()).transpose()
}

fn select(rest: &str) -> String {
    format!("SELECT {RUN_COLUMNS} FROM run r JOIN run_text t ON t.run = r.seq {rest}")
}

fn collect(rows: Vec<Row>) -> Result<Vec<Run>> {
    rows.into_iter().map(|mut row| run(&mut row)).collect()
}

/// Reads the columns of [`RUN_COLUMNS`].
pub(crate) fn run(row: &mut Row) -> Result<Run> {
    Ok(Run {
        id: row.parsed()?,
        seq: row.i64()?,
        project: row.parsed()?,
        experiment: row.parsed()?,
        name: row.parsed()?,
        state: state(row)?,
        adapter: row.optional_text()?,
        adapter_version: row.optional_text()?,
        seed: row.optional_i64()?,
        group: row
            .optional_text()?
            .map(|text| stored(text.parse()))
            .transpose()?,
        dataset: row.optional_text()?,
        owner: UserId(row.text()?),
        notes: row.text()?,
        attempt: row.int()?,
        created_at: Timestamp(row.i64()?),
        started_at: row.optional_i64()?.map(Timestamp),
        ended_at: row.optional_i64()?.map(Timestamp),
        exit: row.optional_json()?,
        failure: row.optional_json()?,
        stop_requested: row.i64()? != 0,
        deleted_at: row.optional_i64()?.map(Timestamp),
    })
}

/// Reads a state.
pub(crate) fn state(row: &mut Row) -> Result<RunState> {
    stored(RunState::parse(&row.text()?))
}
