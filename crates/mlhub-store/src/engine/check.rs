//! Examining stored points: every chunk against its checksums, its statistics and
//! its rollup, and every row of the log.
//!
//! Each is read by a query of its own, so that one that cannot be read hides no
//! other. Nothing is changed.

use std::collections::BTreeSet;

use mlhub_core::deletion::{DamagedPoints, PointsChecked, PointsPlace};
use mlhub_core::{ErrorKind, Result};
use mlhub_series::{Rollup, decode};

use super::bounds::{CHECK_CHUNKS, REPLAY_ROWS};
use super::{log, stats};
use crate::sql::{Row, Tx};

/// A chunk by its place.
struct Found {
    id: i64,
    place: PointsPlace,
}

/// Examines some chunks behind a place; from the beginning also the log.
pub(crate) async fn points(tx: &mut dyn Tx, after: Option<PointsPlace>) -> Result<PointsChecked> {
    let mut checked = PointsChecked::default();
    if after.is_none() {
        log_rows(tx, &mut checked).await?;
        set_aside(tx, &mut checked.damaged).await?;
    }
    let found = chunks(tx, after).await?;
    let mut before = after.map(|place| (place.run_seq, place.label));
    for chunk in &found {
        let series = (chunk.place.run_seq, chunk.place.label);
        checked.series += u64::from(before != Some(series));
        before = Some(series);
        let problem = match chunk_problem(tx, chunk).await {
            Ok(problem) => problem,
            Err(error) if error.kind() == ErrorKind::Internal => {
                Some(error.public_message().to_owned())
            }
            Err(error) => return Err(error),
        };
        if let Some(message) = problem {
            let place = name_of(tx, chunk).await;
            checked.damaged.push(DamagedPoints { place, message });
        }
    }
    checked.next = found
        .last()
        .filter(|_| found.len() == CHECK_CHUNKS)
        .map(|chunk| chunk.place);
    Ok(checked)
}

async fn chunks(tx: &mut dyn Tx, after: Option<PointsPlace>) -> Result<Vec<Found>> {
    let (run, label, attempt, index) = match after {
        Some(place) => (
            place.run_seq,
            place.label,
            i64::from(place.attempt),
            place.index.cast_signed(),
        ),
        None => (i64::MIN, i64::MIN, i64::MIN, i64::MIN),
    };
    let sql = format!(
        "SELECT id, run, label, attempt, start_index FROM chunk \
         WHERE (run, label, attempt, start_index) > ($1, $2, $3, $4) \
         ORDER BY run, label, attempt, start_index LIMIT {CHECK_CHUNKS}"
    );
    let values = [run.into(), label.into(), attempt.into(), index.into()];
    let rows = tx.query(&sql, &values).await?;
    rows.into_iter()
        .map(|mut row| {
            Ok(Found {
                id: row.i64()?,
                place: PointsPlace {
                    run_seq: row.i64()?,
                    label: row.i64()?,
                    attempt: row.int()?,
                    index: row.int()?,
                },
            })
        })
        .collect()
}

/// What is wrong with a chunk, if anything.
async fn chunk_problem(tx: &mut dyn Tx, chunk: &Found) -> Result<Option<String>> {
    let sql = "SELECT c.points, c.step_max, c.stats, b.body, u.body FROM chunk c \
               JOIN chunk_body b ON b.id = c.id JOIN chunk_rollup u ON u.id = c.id WHERE c.id = $1";
    let rows = tx.query(sql, &[chunk.id.into()]).await?;
    let Some(row) = rows.into_iter().next() else {
        return Ok(Some(
            "its points or their statistics are missing; restore a backup".to_owned(),
        ));
    };
    Ok(problem(chunk.place.index, row)?.map(str::to_owned))
}

fn problem(start: u64, mut row: Row) -> Result<Option<&'static str>> {
    let (count, step_max): (usize, i64) = (row.int()?, row.i64()?);
    let (summary, body, rollup) = (row.blob()?, row.blob()?, row.blob()?);
    let Ok(points) = decode(&body) else {
        return Ok(Some("its points are damaged; restore a backup"));
    };
    if points.len() != count {
        return Ok(Some(
            "it has another number of points than it should; restore a backup",
        ));
    }
    let expected = Rollup::of(start, &points);
    let Some(whole) = expected.stats() else {
        return Ok(Some("it has no points; restore a backup"));
    };
    // Compared as bytes, since NaN equals nothing.
    let same = |found: &Rollup| found.encode() == expected.encode();
    if !Rollup::decode(&rollup).is_ok_and(|found| same(&found)) {
        return Ok(Some(
            "its rollup is damaged, which charts are drawn from; its points are whole",
        ));
    }
    let same = |found| stats::encode(&found) == stats::encode(&whole);
    if step_max != whole.step_max || !stats::decode(&summary).is_ok_and(same) {
        return Ok(Some(
            "its statistics are damaged, which charts are drawn from; its points are whole",
        ));
    }
    Ok(None)
}

async fn name_of(tx: &mut dyn Tx, chunk: &Found) -> String {
    let place = chunk.place;
    let sql = "SELECT r.id, l.name FROM run r, label l WHERE r.seq = $1 AND l.id = $2";
    let values = [place.run_seq.into(), place.label.into()];
    let row = tx
        .query(sql, &values)
        .await
        .ok()
        .and_then(|rows| rows.into_iter().next());
    let names = row.and_then(|mut row| Some((row.text().ok()?, row.text().ok()?)));
    let (run, name) = names.unwrap_or_else(|| (place.run_seq.to_string(), place.label.to_string()));
    format!(
        "metric {name} of run {run}, attempt {}, from point {} on",
        place.attempt, place.index
    )
}

/// Rows of the log whose bytes are not those that were written. Series that are
/// in the log alone are counted.
async fn log_rows(tx: &mut dyn Tx, checked: &mut PointsChecked) -> Result<()> {
    let mut logged: BTreeSet<(i64, i64)> = BTreeSet::new();
    let mut after = i64::MIN;
    loop {
        let sql = "SELECT seq, body FROM ingest_log WHERE seq > $1 ORDER BY seq LIMIT $2";
        let rows = tx.query(sql, &[after.into(), REPLAY_ROWS.into()]).await?;
        if rows.is_empty() {
            break;
        }
        for mut row in rows {
            after = row.i64()?;
            match log::read(&row.blob()?) {
                Ok(entries) => logged.extend(entries.iter().flat_map(|entry| {
                    let series = entry.series.iter();
                    series.map(|(place, _)| (entry.run, place.label))
                })),
                Err(_) => checked.damaged.push(DamagedPoints {
                    place: format!("row {after} of the ingest log"),
                    message: "it is damaged: the next start of the hub sets it aside and serves \
                              the rest"
                        .to_owned(),
                }),
            }
        }
    }
    let sql = "SELECT seq FROM run WHERE seq = $1 AND NOT EXISTS \
               (SELECT 1 FROM chunk WHERE run = $1 AND label = $2)";
    for (run, label) in logged {
        let found = tx.query(sql, &[run.into(), label.into()]).await?;
        checked.series += found.len() as u64;
    }
    Ok(())
}

/// What earlier starts found damaged and kept.
async fn set_aside(tx: &mut dyn Tx, damaged: &mut Vec<DamagedPoints>) -> Result<()> {
    let sql = "SELECT seq FROM ingest_log_damaged ORDER BY seq";
    for mut row in tx.query(sql, &[]).await? {
        damaged.push(DamagedPoints {
            place: format!("row {} of the ingest log", row.i64()?),
            message:
                "it was damaged and set aside: its events are lost unless their senders still \
                      had them. Remove it from the table ingest_log_damaged once you have looked"
                    .to_owned(),
        });
    }
    let sql = "SELECT r.id, l.name, v.attempt, v.seq FROM chunk_v1 v JOIN run r ON r.seq = v.run \
               JOIN label l ON l.id = v.label ORDER BY v.run, v.label, v.attempt, v.seq";
    for mut row in tx.query(sql, &[]).await? {
        let (run, name) = (row.text()?, row.text()?);
        let (attempt, seq) = (row.i64()?, row.i64()?);
        damaged.push(DamagedPoints {
            place: format!(
                "metric {name} of run {run}, attempt {attempt}, chunk {seq} of the first format"
            ),
            message:
                "it is damaged and was not converted; the rest of the series was. Restore a backup"
                    .to_owned(),
        });
    }
    Ok(())
}
