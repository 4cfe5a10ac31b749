//! Artifacts as records; their bytes are in a blob store.

use async_trait::async_trait;
use mlhub_core::run::Artifact;
use mlhub_core::store::ArtifactStore;
use mlhub_core::{ArtifactPath, Result, RunId, Timestamp};

use super::seam::{Backend, Row, Tx};
use super::{SqlStore, attempts, labels, runs};
use crate::check;

const COLUMNS: &str = "a.path, a.hash, a.size_bytes, a.kind, a.attempt, a.created_at \
    FROM artifact a JOIN run r ON r.seq = a.run";

#[async_trait]
impl<B: Backend> ArtifactStore for SqlStore<B> {
    async fn artifact_put(&self, artifact: &Artifact) -> Result<()> {
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
}

async fn put(tx: &mut dyn Tx, artifact: &Artifact) -> Result<()> {
    let run = runs::lock(tx, &artifact.run).await?.seq;
    attempts::exists(tx, &artifact.run, run, artifact.attempt).await?;
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
            artifact.attempt.into(),
            artifact.created_at.0.into(),
        ],
    )
    .await
    .map(|_| ())
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
