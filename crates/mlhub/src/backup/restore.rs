//! A backup into a new data directory, and into PostgreSQL if asked.
//!
//! The directory is made beside its place and renamed when it is whole; records
//! go into PostgreSQL in one transaction, last. A restore that was killed leaves
//! nothing under the directory's name and nothing in the database.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use mlhub_app::portable::{BackupManifest, RecordsKind, records_restore, records_transfer};
use mlhub_core::store::{BlobStore as _, ProjectStore as _};
use mlhub_store::{DataDir, FolderBlobStore, PostgresStore, SqliteStore};
use tempfile::TempDir;

use super::{Folder, PIECE_BYTES, io, is_empty, sync, verify};
use crate::exit::{Classify as _, DATA_DIR, REFUSED, fail};
use crate::ports::SystemClock;

/// Restores after checking every hash; returns the manifest.
pub(crate) fn restore(
    backup: &Path,
    data_dir: &Path,
    postgres: Option<&str>,
    step: impl FnMut(u64),
) -> anyhow::Result<BackupManifest> {
    if !is_empty(data_dir)? {
        return Err(fail(
            DATA_DIR,
            format!(
                "`{}` is not empty; a backup is restored into a new data directory (--data-dir)",
                data_dir.display()
            ),
        ));
    }
    let folder = Folder::new(backup);
    let (manifest, blobs, problems) = verify(&folder, step)?;
    if let Some(first) = problems.first() {
        return Err(fail(
            REFUSED,
            format!(
                "the backup is damaged, and nothing was restored: {first} ({} problems in all; see `mlhub backup verify`)",
                problems.len()
            ),
        ));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(run(&folder, &manifest, &blobs, data_dir, postgres))?;
    Ok(manifest)
}

async fn run(
    folder: &Folder,
    manifest: &BackupManifest,
    blobs: &[(String, u64)],
    data_dir: &Path,
    postgres: Option<&str>,
) -> anyhow::Result<()> {
    let above = data_dir.parent().unwrap_or(Path::new("/"));
    std::fs::create_dir_all(above).map_err(|error| io(above, &error))?;
    let making = tempfile::Builder::new()
        .prefix(".mlhub-restore-")
        .tempdir_in(above)
        .map_err(|error| io(above, &error))?;
    let database = match postgres {
        Some(url) => Some(empty_database(url).await?),
        None => None,
    };
    let owned = DataDir::open(making.path()).or_fail(DATA_DIR)?;
    copy_blobs(folder, blobs, &owned).await?;
    let records = folder.records(manifest);
    if database.is_none() {
        sqlite(manifest.records.kind, &records, making.path()).await?;
    }
    drop(owned);
    sync(making.path())?;
    // An empty folder in the way is replaced.
    std::fs::rename(making.path(), data_dir).map_err(|error| io(data_dir, &error))?;
    // Its folder has another name now: there is nothing left to remove.
    let _gone = making.keep();
    sync(above)?;
    if let Some(database) = database {
        let done = fill(manifest.records.kind, &records, &database).await;
        if done.is_err() {
            std::fs::remove_dir_all(data_dir).map_err(|error| io(data_dir, &error))?;
        }
        done?;
    }
    Ok(())
}

async fn empty_database(url: &str) -> anyhow::Result<PostgresStore> {
    let store = PostgresStore::connect(url).await.or_fail(DATA_DIR)?;
    match store.project_list().await.or_fail(DATA_DIR)?.is_empty() {
        true => Ok(store),
        false => Err(fail(
            DATA_DIR,
            "the PostgreSQL database is not empty; name a new one",
        )),
    }
}

async fn copy_blobs(
    folder: &Folder,
    blobs: &[(String, u64)],
    data_dir: &DataDir,
) -> anyhow::Result<()> {
    let store = FolderBlobStore::open(data_dir.blobs()).or_fail(DATA_DIR)?;
    for (hash, _) in blobs {
        let place = folder.blob(hash);
        let mut file = File::open(&place).map_err(|error| io(&place, &error))?;
        let mut writer = store.create().await.or_fail(DATA_DIR)?;
        loop {
            let mut piece = vec![0; PIECE_BYTES];
            let count = file.read(&mut piece).map_err(|error| io(&place, &error))?;
            if count == 0 {
                break;
            }
            piece.truncate(count);
            writer.write(piece.into()).await.or_fail(DATA_DIR)?;
        }
        writer.finish(Some(hash)).await.or_fail(DATA_DIR)?;
    }
    Ok(())
}

/// Makes the database of a data directory, of this program's schema.
async fn sqlite(kind: RecordsKind, records: &Path, data_dir: &Path) -> anyhow::Result<()> {
    match kind {
        RecordsKind::Sqlite => copy_database(records, data_dir).map(drop),
        RecordsKind::Archive => {
            let store = SqliteStore::open(data_dir).or_fail(DATA_DIR)?;
            let scratch = TempDir::new_in(data_dir)?;
            records_restore(records, &store, scratch.path())
                .await
                .or_fail(REFUSED)
        }
    }
}

/// Copies a database into a data directory and migrates it.
fn copy_database(records: &Path, data_dir: &Path) -> anyhow::Result<SqliteStore> {
    let place = SqliteStore::file_in(data_dir);
    std::fs::copy(records, &place).map_err(|error| io(&place, &error))?;
    let synced = File::open(&place).and_then(|file| file.sync_all());
    synced.map_err(|error| io(&place, &error))?;
    SqliteStore::open(data_dir).or_fail(DATA_DIR)
}

/// Fills an empty PostgreSQL database, all or nothing.
async fn fill(kind: RecordsKind, records: &Path, to: &PostgresStore) -> anyhow::Result<()> {
    let scratch = TempDir::new()?;
    match kind {
        RecordsKind::Archive => records_restore(records, to, scratch.path())
            .await
            .or_fail(REFUSED),
        RecordsKind::Sqlite => {
            let from = copy_database(records, scratch.path())?;
            records_transfer(&from, to, &SystemClock, scratch.path())
                .await
                .or_fail(REFUSED)
        }
    }
}
