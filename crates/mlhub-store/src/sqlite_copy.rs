//! A copy of a SQLite database while it is written.
//!
//! One read transaction is held over all steps: the copy is the database at its
//! first read, and writers go on in the write-ahead log meanwhile.

use std::path::Path;
use std::time::Duration;

use mlhub_core::store::{BlobInfo, DatabaseCopy};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use crate::migrate::HISTORY_TABLE;

/// Pages copied at a time.
const STEP_PAGES: i32 = 2048;
/// Pause when the copy's own file is locked, which only a foreign reader does.
const LOCKED_PAUSE: Duration = Duration::from_millis(5);

/// Copies the database `from` into the new file `to`, synced.
pub(crate) fn copy(from: &Path, to: &Path) -> rusqlite::Result<DatabaseCopy> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(from, flags)?;
    source.pragma_update(None, "query_only", true)?;
    source.execute_batch("BEGIN")?;
    // The snapshot begins with the first read.
    source.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()))?;
    let mut target = Connection::open(to)?;
    target.pragma_update(None, "synchronous", "full")?;
    let backup = Backup::new(&source, &mut target)?;
    loop {
        match backup.step(STEP_PAGES)? {
            StepResult::Done => break,
            StepResult::More => {}
            _ => std::thread::sleep(LOCKED_PAUSE),
        }
    }
    drop(backup);
    source.execute_batch("COMMIT")?;
    // One file: a reader of the copy finds no log beside it.
    target.pragma_update(None, "journal_mode", "delete")?;
    describe(&target)
}

fn describe(copy: &Connection) -> rusqlite::Result<DatabaseCopy> {
    let sql = format!("SELECT coalesce(max(version), 0) FROM {HISTORY_TABLE}");
    let schema_version = copy.query_row(&sql, [], |row| row.get(0))?;
    let sql = "SELECT hash, max(size_bytes) FROM (SELECT hash, size_bytes FROM artifact \
               UNION ALL SELECT v.hash, v.size_bytes FROM artifact_version v \
               JOIN artifact_alias s ON s.project = v.project AND s.name_hash = v.name_hash \
               AND s.version = v.version) GROUP BY hash ORDER BY hash";
    let mut statement = copy.prepare(sql)?;
    let rows = statement.query_map([], |row| {
        Ok(BlobInfo {
            hash: row.get(0)?,
            size_bytes: row.get::<_, i64>(1)?.cast_unsigned(),
        })
    })?;
    let count = |table: &str| {
        let sql = format!("SELECT count(*) FROM {table}");
        copy.query_row(&sql, [], |row| Ok(row.get::<_, i64>(0)?.cast_unsigned()))
    };
    Ok(DatabaseCopy {
        schema_version,
        projects: count("project")?,
        runs: count("run")?,
        blobs: rows.collect::<rusqlite::Result<_>>()?,
    })
}
