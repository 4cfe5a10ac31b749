//! Chunks of the first schema become chunks of the present one.
//!
//! Runs when the store is opened, a few series in each transaction: killed half
//! way, it goes on at the next start, and a series is never in both forms.

use mlhub_core::Result;

use super::bounds::CONVERT_POINTS;
use super::run_state::PartKey;
use super::seal::{self, SealedTail};
use crate::sql::{Tx, Value};

/// Converts some series of those after a place; the last of them, none at the end.
///
/// A chunk that is damaged stays where it is: it is told at every start and found
/// by the doctor, and its series goes on with what is left of it.
pub(super) async fn some(tx: &mut dyn Tx, after: Option<PartKey>) -> Result<Option<PartKey>> {
    let mut points = 0;
    let mut after = after;
    while points < CONVERT_POINTS {
        let Some(key) = first(tx, after).await? else {
            return Ok(None);
        };
        points += series(tx, key).await?.max(1);
        after = Some(key);
    }
    Ok(after)
}

/// Converts one series; how many points it had.
async fn series(tx: &mut dyn Tx, key: PartKey) -> Result<usize> {
    let sql = "SELECT seq, body FROM chunk_v1 WHERE run = $1 AND label = $2 AND attempt = $3 ORDER BY seq";
    let rows = tx.query(sql, &place(key)).await?;
    let count = rows.len();
    let (mut points, mut read) = (Vec::new(), Vec::new());
    for mut row in rows {
        let (seq, body) = (row.i64()?, row.blob()?);
        match mlhub_series::decode(&body) {
            Ok(piece) => {
                points.extend(piece);
                read.push(seq);
            }
            Err(error) => tracing::error!(
                run = key.run, label = key.label, attempt = key.attempt, seq, error = %error,
                "a chunk of points of the first format cannot be converted; it stays in the table chunk_v1"
            ),
        }
    }
    if !points.is_empty() {
        let tail = SealedTail::new(key, None, seal::chunks(0, &points));
        seal::insert(tx, &[tail]).await?;
    }
    let whole = "DELETE FROM chunk_v1 WHERE run = $1 AND label = $2 AND attempt = $3";
    if read.len() == count {
        tx.execute(whole, &place(key)).await?;
        return Ok(points.len());
    }
    let one = format!("{whole} AND seq = $4");
    for seq in read {
        let [run, label, attempt] = place(key);
        tx.execute(&one, &[run, label, attempt, seq.into()]).await?;
    }
    Ok(points.len())
}

fn place(key: PartKey) -> [Value; 3] {
    [key.run.into(), key.label.into(), key.attempt.into()]
}

async fn first(tx: &mut dyn Tx, after: Option<PartKey>) -> Result<Option<PartKey>> {
    let (run, label, attempt) = match after {
        Some(key) => (key.run, key.label, i64::from(key.attempt)),
        None => (i64::MIN, i64::MIN, i64::MIN),
    };
    let sql = "SELECT run, label, attempt FROM chunk_v1 WHERE (run, label, attempt) > ($1, $2, $3) \
               ORDER BY run, label, attempt LIMIT 1";
    let values = [run.into(), label.into(), attempt.into()];
    let found = tx.query(sql, &values).await?.into_iter().next();
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
