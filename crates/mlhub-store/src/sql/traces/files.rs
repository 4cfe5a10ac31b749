//! Files that clients keep with a trace, small enough to be rows.

use mlhub_core::registry::at_most;
use mlhub_core::trace::TraceFile;
use mlhub_core::{ArtifactPath, Result, TraceId, limits};

use super::super::seam::Tx;
use super::write::hold;

pub(super) async fn put(
    tx: &mut dyn Tx,
    trace: &TraceId,
    path: &ArtifactPath,
    content: &[u8],
) -> Result<()> {
    hold(tx, trace).await?;
    let sql = "INSERT INTO trace_file (trace, path, size_bytes, content) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (trace, path) DO UPDATE SET size_bytes = excluded.size_bytes, \
               content = excluded.content";
    let values = [
        trace.as_str().into(),
        path.as_str().into(),
        (content.len() as i64).into(),
        content.to_vec().into(),
    ];
    tx.execute(sql, &values).await?;
    let sql = "SELECT count(*), CAST(coalesce(sum(size_bytes), 0) AS BIGINT) FROM trace_file \
               WHERE trace = $1";
    for mut row in tx.query(sql, &[trace.as_str().into()]).await? {
        let files = (row.int::<usize>()?, limits::TRACE_FILES_MAX as usize);
        let bytes = (row.int::<usize>()?, limits::TRACE_FILES_MAX_BYTES as usize);
        for ((found, max), what) in [(files, "files"), (bytes, "bytes of files")] {
            at_most(&format!("{what} of the trace `{trace}`"), found, max)?;
        }
    }
    Ok(())
}

pub(super) async fn get(
    tx: &mut dyn Tx,
    trace: &TraceId,
    path: &ArtifactPath,
) -> Result<Option<Vec<u8>>> {
    let sql = "SELECT content FROM trace_file WHERE trace = $1 AND path = $2";
    let values = [trace.as_str().into(), path.as_str().into()];
    let rows = tx.query(sql, &values).await?;
    let row = rows.into_iter().next();
    row.map(|mut row| row.blob()).transpose()
}

pub(super) async fn list(tx: &mut dyn Tx, trace: &TraceId) -> Result<Vec<TraceFile>> {
    let sql = "SELECT path, size_bytes FROM trace_file WHERE trace = $1 ORDER BY path";
    let rows = tx.query(sql, &[trace.as_str().into()]).await?;
    let file = |mut row: super::super::seam::Row| {
        Ok(TraceFile {
            path: row.parsed()?,
            size_bytes: row.int()?,
        })
    };
    rows.into_iter().map(file).collect()
}
