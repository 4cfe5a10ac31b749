//! Chunks of the first schema become chunks of the present one.
//!
//! Runs when the store is opened, a few series in each transaction: killed half
//! way, it goes on at the next start, and a series is never in both forms.

use mlhub_core::metric::Point;
use mlhub_core::{Error, Result};

use super::bounds::CONVERT_POINTS;
use super::memory::PartKey;
use super::seal::{self, SealedTail};
use crate::sql::Tx;

/// Converts some series; false when none is left.
pub(super) async fn some(tx: &mut dyn Tx) -> Result<bool> {
    let mut points = 0;
    while points < CONVERT_POINTS {
        let Some(key) = first(tx).await? else {
            return Ok(false);
        };
        let old = read(tx, key).await?;
        points += old.len().max(1);
        let tail = SealedTail::new(key, None, seal::chunks(0, &old));
        seal::insert(tx, &[tail]).await?;
        tx.execute(
            "DELETE FROM chunk_v1 WHERE run = $1 AND label = $2 AND attempt = $3",
            &place(key),
        )
        .await?;
    }
    Ok(true)
}

fn place(key: PartKey) -> [crate::sql::Value; 3] {
    [key.run.into(), key.label.into(), key.attempt.into()]
}

async fn first(tx: &mut dyn Tx) -> Result<Option<PartKey>> {
    let sql = "SELECT run, label, attempt FROM chunk_v1 ORDER BY run, label, attempt LIMIT 1";
    let found = tx.query(sql, &[]).await?.into_iter().next();
    found
        .map(|mut row| {
            Ok(PartKey {
                run: row.i64()?,
                label: row.i64()?,
                attempt: row.int()?,
            })
        })
        .transpose()
}

async fn read(tx: &mut dyn Tx, key: PartKey) -> Result<Vec<Point>> {
    let sql =
        "SELECT body FROM chunk_v1 WHERE run = $1 AND label = $2 AND attempt = $3 ORDER BY seq";
    let mut points = Vec::new();
    for mut row in tx.query(sql, &place(key)).await? {
        let piece = mlhub_series::decode(&row.blob()?)
            .map_err(|error| Error::internal("convert a chunk of points", error))?;
        points.extend(piece);
    }
    Ok(points)
}
