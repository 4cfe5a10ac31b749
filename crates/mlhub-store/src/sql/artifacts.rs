//! Artifacts as records; their bytes are in a blob store.

use async_trait::async_trait;
use mlhub_core::run::{Artifact, ArtifactUse};
use mlhub_core::store::{ArtifactQuery, ArtifactStore};
use mlhub_core::{ArtifactPath, Error, ErrorKind, Result, RunId, Timestamp, limits};

use super::seam::{Backend, Row, Tx, Value, stored};
use super::{SqlStore, attempts, labels, runs, versions};
use crate::check;

const COLUMNS: &str = "a.path, a.hash, a.size_bytes, a.kind, a.attempt, a.created_at \
    FROM artifact a JOIN run r ON r.seq = a.run";

#[async_trait]
impl<B: Backend> ArtifactStore for SqlStore<B> {
    async fn artifact_put(&self, artifact: &Artifact) -> Result<Option<String>> {
        check::name("the artifact's kind", &artifact.kind)?;
        check::name("the artifact's hash", &artifact.hash)?;
        check::offset("the artifact's size", artifact.size_bytes)?;
        self.write(
            "store an artifact's record",
            artifact.clone(),
            |tx, artifact| Box::pin(put(tx, artifact)),
        )
        .await
    }

    async fn artifact_get(&self, run: &RunId, path: &ArtifactPath) -> Result<Option<Artifact>> {
        let input = (run.clone(), path.clone());
        self.read("find an artifact", input, |tx, (run, path)| {
            Box::pin(async move {
                let sql = format!("SELECT {COLUMNS} WHERE r.id = $1 AND a.path_hash = $2");
                let values = [run.as_str().into(), labels::hash(path.as_str())];
                let rows = tx.query(&sql, &values).await?;
                rows.into_iter()
                    .next()
                    .map(|row| artifact(run, row))
                    .transpose()
            })
        })
        .await
    }

    async fn artifact_list(&self, run: &RunId) -> Result<Vec<Artifact>> {
        self.read("list artifacts", run.clone(), |tx, run| {
            Box::pin(async move {
                let sql = format!("SELECT {COLUMNS} WHERE r.id = $1 ORDER BY a.path");
                let rows = tx.query(&sql, &[run.as_str().into()]).await?;
                rows.into_iter().map(|row| artifact(run, row)).collect()
            })
        })
        .await
    }

    async fn artifact_find(&self, query: &ArtifactQuery, limit: usize) -> Result<Vec<Artifact>> {
        let input = (query.clone(), limit.min(limits::ARTIFACTS_FOUND_MAX));
        self.read("find artifacts", input, |tx, (query, limit)| {
            Box::pin(find(tx, query, *limit))
        })
        .await
    }

    async fn artifact_use_put(&self, used: &ArtifactUse) -> Result<()> {
        check::name("the input's name", &used.name)?;
        check::name("the artifact's hash", &used.hash)?;
        check::offset("the artifact's size", used.size_bytes)?;
        self.write("note an input", used.clone(), |tx, used| {
            Box::pin(use_put(tx, used))
        })
        .await
    }

    async fn artifact_use_list(&self, run: &RunId) -> Result<Vec<ArtifactUse>> {
        self.read("list inputs", run.clone(), |tx, run| {
            Box::pin(async move {
                let sql = format!("SELECT {USE_COLUMNS} WHERE r.id = $1 ORDER BY u.name");
                let rows = tx.query(&sql, &[run.as_str().into()]).await?;
                rows.into_iter().map(artifact_use).collect()
            })
        })
        .await
    }

    async fn artifact_users(&self, hash: &str, limit: usize) -> Result<Vec<ArtifactUse>> {
        let input = (hash.to_owned(), limit.min(limits::ARTIFACTS_FOUND_MAX));
        self.read("list users of a content", input, |tx, (hash, limit)| {
            Box::pin(async move {
                let sql = format!(
                    "SELECT {USE_COLUMNS} WHERE u.hash = $1 \
                     ORDER BY u.used_at DESC, r.seq DESC, u.name LIMIT {limit}"
                );
                let rows = tx.query(&sql, &[hash.as_str().into()]).await?;
                rows.into_iter().map(artifact_use).collect()
            })
        })
        .await
    }
}

const USE_COLUMNS: &str = "r.id, u.name, u.source_run, u.source_path, u.hash, u.size_bytes, u.used_at \
    FROM artifact_use u JOIN run r ON r.seq = u.run";

async fn find(tx: &mut dyn Tx, query: &ArtifactQuery, limit: usize) -> Result<Vec<Artifact>> {
    let mut sql = format!("SELECT r.id, {COLUMNS} WHERE r.deleted_at IS NULL");
    let mut values: Vec<Value> = Vec::new();
    let mut also = |condition: &str, value: Value| {
        values.push(value);
        let place = format!("${}", values.len());
        sql.push_str(&condition.replace('?', &place));
    };
    if let Some(hash) = &query.hash {
        also(" AND a.hash = ?", hash.as_str().into());
    }
    if let Some(path) = &query.path {
        also(" AND a.path_hash = ?", labels::hash(path.as_str()));
    }
    if let Some(project) = &query.project {
        also(" AND r.project = ?", project.as_str().into());
    }
    if let Some(run) = &query.run {
        also(" AND (r.id = ? OR r.name = ?)", run.as_str().into());
    }
    sql.push_str(&format!(
        " ORDER BY a.created_at DESC, r.seq DESC, a.path LIMIT {limit}"
    ));
    let rows = tx.query(&sql, &values).await?;
    rows.into_iter()
        .map(|mut row| {
            let run: RunId = row.parsed()?;
            artifact(&run, row)
        })
        .collect()
}

async fn use_put(tx: &mut dyn Tx, used: &ArtifactUse) -> Result<()> {
    let run = runs::lock(tx, &used.run).await?.seq;
    let key = labels::hash(&used.name);
    let counted = tx
        .query(
            "SELECT count(*) FROM artifact_use WHERE run = $1 AND name_hash <> $2",
            &[run.into(), key.clone()],
        )
        .await?;
    let count = counted
        .into_iter()
        .next()
        .map_or(Ok(0), |mut row| row.i64())?;
    if count >= limits::INPUTS_PER_RUN_MAX as i64 {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!("a run may note {} inputs", limits::INPUTS_PER_RUN_MAX),
        ));
    }
    tx.execute(
        "INSERT INTO artifact_use (run, name_hash, name, source_run, source_path, hash, \
         size_bytes, used_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (run, name_hash) DO UPDATE SET source_run = excluded.source_run, \
         source_path = excluded.source_path, hash = excluded.hash, \
         size_bytes = excluded.size_bytes, used_at = excluded.used_at",
        &[
            run.into(),
            key,
            used.name.as_str().into(),
            used.source_run.as_ref().map(RunId::as_str).into(),
            used.source_path.as_ref().map(ArtifactPath::as_str).into(),
            used.hash.as_str().into(),
            check::offset("the artifact's size", used.size_bytes)?.into(),
            used.used_at.0.into(),
        ],
    )
    .await
    .map(|_| ())
}

fn artifact_use(mut row: Row) -> Result<ArtifactUse> {
    Ok(ArtifactUse {
        run: row.parsed()?,
        name: row.text()?,
        source_run: row
            .optional_text()?
            .map(|id| stored(id.parse()))
            .transpose()?,
        source_path: row
            .optional_text()?
            .map(|path| stored(path.parse()))
            .transpose()?,
        hash: row.text()?,
        size_bytes: row.int()?,
        used_at: Timestamp(row.i64()?),
    })
}

async fn put(tx: &mut dyn Tx, artifact: &Artifact) -> Result<Option<String>> {
    let run = runs::lock(tx, &artifact.run).await?.seq;
    attempts::exists(tx, &artifact.run, run, artifact.attempt).await?;
    let place = [run.into(), labels::hash(artifact.path.as_str())];
    let sql = "SELECT hash, attempt FROM artifact WHERE run = $1 AND path_hash = $2";
    let mut before = None;
    if let Some(mut row) = tx.query(sql, &place).await?.into_iter().next() {
        let hash = row.text()?;
        let attempt: u32 = row.int()?;
        // What a superseded attempt reports late takes no later one's place.
        if attempt > artifact.attempt && hash != artifact.hash {
            return Err(Error::conflict(format!(
                "attempt {attempt} recorded `{}` already; what attempt {} left of it is not stored",
                artifact.path, artifact.attempt
            )));
        }
        before = Some((hash, attempt));
    }
    let attempt = before.as_ref().map_or(0, |(_, attempt)| *attempt);
    let before = before.map(|(hash, _)| hash);
    tx.execute(
        "INSERT INTO artifact (run, path_hash, path, hash, size_bytes, kind, attempt, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (run, path_hash) DO UPDATE SET hash = excluded.hash, \
         size_bytes = excluded.size_bytes, kind = excluded.kind, attempt = excluded.attempt, \
         created_at = excluded.created_at",
        &[
            run.into(),
            labels::hash(artifact.path.as_str()),
            artifact.path.as_str().into(),
            artifact.hash.as_str().into(),
            check::offset("the artifact's size", artifact.size_bytes)?.into(),
            artifact.kind.as_str().into(),
            artifact.attempt.max(attempt).into(),
            artifact.created_at.0.into(),
        ],
    )
    .await?;
    versions::note(tx, run, artifact).await?;
    Ok(before.filter(|before| *before != artifact.hash))
}

fn artifact(run: &RunId, mut row: Row) -> Result<Artifact> {
    Ok(Artifact {
        run: run.clone(),
        path: row.parsed()?,
        hash: row.text()?,
        size_bytes: row.int()?,
        kind: row.text()?,
        attempt: row.int()?,
        created_at: Timestamp(row.i64()?),
    })
}
