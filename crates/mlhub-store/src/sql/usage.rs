//! What a run weighs, which blobs are in use, and whether the database is whole.

use mlhub_core::Result;
use mlhub_core::deletion::{BlobUse, DeletionAction, DeletionSize};

use super::seam::{Dialect, Row, Tx, Value};
use super::text::query_in;
use super::versions::ALIASED;

/// Every table that hangs on a run, with the columns that may be large. Points
/// that are not sealed yet lie in the ingest log among those of other runs: the
/// engine says how many bytes they take there.
const TABLES: &[(&str, &[&str])] = &[
    ("run_text", &["notes", "snapshot"]),
    ("attempt", &["failure"]),
    ("param", &["value"]),
    ("tag", &["value"]),
    ("writer_offset", &["writer"]),
    ("chunk", &["stats"]),
    ("chunk_body JOIN chunk USING (id)", &["body"]),
    ("chunk_rollup JOIN chunk USING (id)", &["body"]),
    ("summary", &[]),
    ("record", &["body"]),
    ("log_stream", &[]),
    ("log_piece", &["body"]),
    ("artifact", &["path"]),
    ("artifact_use", &["name"]),
    ("evaluation", &["request", "result", "curves"]),
    ("evaluated_metric", &[]),
    ("logged_model", &["name"]),
    ("logged_model_use", &["model"]),
    (
        "(SELECT r.seq AS run, t.request_preview, t.response_preview FROM trace t \
         JOIN run r ON r.id = t.source_run) one",
        &["request_preview", "response_preview"],
    ),
    (
        "(SELECT r.seq AS run, s.content FROM trace_span s JOIN trace t ON t.id = s.trace \
         JOIN run r ON r.id = t.source_run) one",
        &["content"],
    ),
];
/// Lines of an integrity check that are passed on.
const PROBLEMS_MAX: i64 = 100;

/// What an action on a run frees, files left out. Points in the log count as
/// bytes alone: their rows are those of other runs as well.
pub(crate) async fn measure(
    tx: &mut dyn Tx,
    run: i64,
    action: DeletionAction,
    unsealed_bytes: u64,
) -> Result<DeletionSize> {
    let takes = |table: &str| match action {
        DeletionAction::Purge => true,
        DeletionAction::DropArtifacts => table == "artifact",
        DeletionAction::DropLogs => table == "log_piece",
        DeletionAction::Delete | DeletionAction::Restore => false,
    };
    let mut size = DeletionSize::default();
    for (table, columns) in TABLES.iter().filter(|(table, _)| takes(table)) {
        let bytes: Vec<String> = columns
            .iter()
            .map(|column| format!("coalesce(octet_length({column}), 0)"))
            .collect();
        let bytes = match bytes.is_empty() {
            true => "0".to_owned(),
            false => bytes.join(" + "),
        };
        let sql = format!(
            "SELECT count(*), CAST(coalesce(sum({bytes}), 0) AS BIGINT) FROM {table} WHERE run = $1"
        );
        let (count, bytes) = pair(tx.query(&sql, &[run.into()]).await?)?;
        size.row_count += count;
        size.row_bytes += bytes;
    }
    if action == DeletionAction::Purge {
        size.row_count += 1;
        size.row_bytes += unsealed_bytes;
    }
    if matches!(
        action,
        DeletionAction::Purge | DeletionAction::DropArtifacts
    ) {
        let sql = "SELECT count(*), CAST(coalesce(sum(q.size_bytes), 0) AS BIGINT) FROM \
                   (SELECT a.hash, max(a.size_bytes) AS size_bytes FROM artifact a \
                   WHERE a.run = $1 AND NOT EXISTS (SELECT 1 FROM artifact o \
                   WHERE o.hash = a.hash AND o.run <> $1) AND NOT EXISTS \
                   (SELECT 1 FROM artifact_alias s JOIN artifact_version v \
                   ON v.project = s.project AND v.name_hash = s.name_hash \
                   AND v.version = s.version WHERE v.hash = a.hash) GROUP BY a.hash) q";
        (size.blob_count, size.blob_bytes) = pair(tx.query(sql, &[run.into()]).await?)?;
    }
    Ok(size)
}

fn pair(rows: Vec<Row>) -> Result<(u64, u64)> {
    match rows.into_iter().next() {
        Some(mut row) => Ok((row.int()?, row.int()?)),
        None => Ok((0, 0)),
    }
}

/// Hashes of a deletion that nothing uses.
pub(crate) async fn unused_of_deletion(tx: &mut dyn Tx, seq: i64) -> Result<Vec<String>> {
    let sql = "SELECT hash FROM deletion_blob WHERE deletion = $1 ORDER BY hash";
    let hashes = texts(tx.query(sql, &[seq.into()]).await?)?;
    unused(tx, &hashes).await
}

/// Those of the hashes that no artifact, no alias and no waiting evaluation uses.
pub(crate) async fn unused(tx: &mut dyn Tx, hashes: &[String]) -> Result<Vec<String>> {
    let values: Vec<Value> = hashes.iter().map(|hash| hash.as_str().into()).collect();
    let mut used =
        texts(query_in(tx, "SELECT hash FROM artifact WHERE hash IN ", &values, "").await?)?;
    let waiting = "SELECT predictions_hash FROM evaluation WHERE state = 'pending' \
                   AND predictions_hash IN ";
    used.extend(texts(query_in(tx, waiting, &values, "").await?)?);
    let aliased = format!("{ALIASED} WHERE v.hash IN ");
    used.extend(texts(query_in(tx, &aliased, &values, "").await?)?);
    used.sort_unstable();
    Ok(hashes
        .iter()
        .filter(|hash| used.binary_search(hash).is_err())
        .cloned()
        .collect())
}

fn texts(rows: Vec<Row>) -> Result<Vec<String>> {
    rows.into_iter().map(|mut row| row.text()).collect()
}

/// Artifacts by run and path, those after the given place.
pub(crate) async fn used(
    tx: &mut dyn Tx,
    after: Option<&(i64, String)>,
    limit: usize,
) -> Result<Vec<BlobUse>> {
    let (run, path) = match after {
        Some((run, path)) => (*run, path.as_str()),
        None => (i64::MIN, ""),
    };
    let sql = format!(
        "SELECT a.run, r.id, a.path, a.hash, a.size_bytes FROM artifact a \
         JOIN run r ON r.seq = a.run WHERE a.run > $1 OR (a.run = $1 AND a.path > $2) \
         ORDER BY a.run, a.path LIMIT {limit}"
    );
    let rows = tx.query(&sql, &[run.into(), path.into()]).await?;
    rows.into_iter()
        .map(|mut row| {
            Ok(BlobUse {
                run_seq: row.i64()?,
                run: row.parsed()?,
                path: row.text()?,
                hash: row.text()?,
                size_bytes: row.int()?,
            })
        })
        .collect()
}

/// What the database says of itself. PostgreSQL checks its pages as it reads
/// them and its references as it writes them; it has nothing to add here.
pub(crate) async fn integrity(tx: &mut dyn Tx) -> Result<Vec<String>> {
    if tx.dialect() == Dialect::Postgres {
        return Ok(Vec::new());
    }
    let sql = format!("PRAGMA integrity_check({PROBLEMS_MAX})");
    let mut problems = texts(tx.query(&sql, &[]).await?)?;
    problems.retain(|line| line != "ok");
    let sql = format!(
        "SELECT \"table\" || ' refers to a missing row of ' || parent || ', ' || count(*) || ' times' \
         FROM pragma_foreign_key_check GROUP BY \"table\", parent LIMIT {PROBLEMS_MAX}"
    );
    problems.extend(texts(tx.query(&sql, &[]).await?)?);
    Ok(problems)
}
