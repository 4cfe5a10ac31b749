//! The log written anew from memory, after a damaged row of it was set aside.

use mlhub_core::Result;

use super::columns::pack;
use super::flush::Flush;
use super::log::{Body, Place};
use super::memory::Memory;
use super::run_state::PartKey;
use super::tail::Tail;
use crate::sql::Tx;

/// Points of one row written anew, about.
const ROW_POINTS: usize = 500_000;

/// Stores every tail as a fresh row of the log, with summaries and offsets in
/// their tables, and removes all older rows. Memory is as if read back after.
pub(super) async fn rewrite(tx: &mut dyn Tx, memory: &mut Memory) -> Result<()> {
    let mut keys: Vec<PartKey> = memory.unsealed().collect();
    keys.sort_unstable();
    let mut seq = memory.next_seq;
    let mut rows = Vec::new();
    let mut waiting: Vec<(PartKey, u64, Vec<_>)> = Vec::new();
    let mut points = 0;
    for key in keys {
        let Some(cut) = memory.tail(key).and_then(|tail| tail.cut(true)) else {
            continue;
        };
        // Points of a short chunk are in the tail as well; they stay there alone.
        let known = memory.tail(key).map_or(0, Tail::known);
        let fresh = cut.points.get(known..).unwrap_or_default().to_vec();
        points += fresh.len();
        waiting.push((key, cut.start + known as u64, fresh));
        if points >= ROW_POINTS {
            rows.push(row(&std::mem::take(&mut waiting)));
            points = 0;
        }
    }
    if !waiting.is_empty() {
        rows.push(row(&waiting));
    }
    let flush = Flush::collect(memory);
    flush.write(tx).await?;
    tx.execute("DELETE FROM ingest_log", &[]).await?;
    for body in rows {
        let values = [seq.into(), body.into()];
        tx.execute(
            "INSERT INTO ingest_log (seq, body) VALUES ($1, $2)",
            &values,
        )
        .await?;
        seq += 1;
    }
    // The rows written now are in the summaries.
    tx.execute(
        "UPDATE engine SET flushed_seq = $1 WHERE id = 1",
        &[(seq - 1).into()],
    )
    .await?;
    let epoch = memory.epoch;
    *memory = Box::pin(super::load::again(tx, epoch)).await?;
    Ok(())
}

fn row(tails: &[(PartKey, u64, Vec<mlhub_core::metric::Point>)]) -> Vec<u8> {
    let mut body = Body::new(tails.len(), 0);
    for (key, first, points) in tails {
        body.batch(key.run, key.attempt, "", 0, 1);
        let place = Place {
            label: key.label,
            first: *first,
        };
        let mut packed = Vec::new();
        pack(points, &mut packed);
        body.series(place, points.len(), &packed);
    }
    body.finish()
}
