//! Removing single artifacts and folders of them, the run staying.
//!
//! The records go at once with their line in the ledger; what no record refers to any more is
//! swept afterwards, and by the next sweep of orphans when the hub ends before.

use std::collections::{BTreeMap, BTreeSet};

use mlhub_core::deletion::{ArtifactRemoval, DeletionAction, DeletionSize, NewDeletion};
use mlhub_core::{ArtifactPath, Result};

use super::deletions::{insert, locked};
use super::seam::{Tx, Value};
use super::text::Sql;
use super::{labels, registry, usage};

/// Records removed by one statement.
const RECORDS_AT_ONCE: usize = 512;

/// Whether a path is another one, or below it.
fn within(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a path is in one of the folders.
fn in_any(path: &str, folders: &BTreeSet<String>) -> bool {
    let mut ends = path.match_indices('/').map(|(at, _)| at);
    ends.any(|at| folders.contains(&path[..at]))
}

pub(crate) async fn remove(tx: &mut dyn Tx, removal: &ArtifactRemoval) -> Result<Vec<String>> {
    let run = locked(tx, &removal.run).await?;
    let folders = match removal.of_models {
        true => BTreeSet::new(),
        false => model_folders(tx, run.seq).await?,
    };
    let root = removal.path.as_ref().map(ArtifactPath::as_str);
    let mut paths = Vec::new();
    let mut sizes = BTreeMap::new();
    let sql = "SELECT path, hash, size_bytes FROM artifact WHERE run = $1 ORDER BY path";
    for mut row in tx.query(sql, &[run.seq.into()]).await? {
        let (path, hash): (String, String) = (row.text()?, row.text()?);
        if root.is_none_or(|root| within(&path, root)) && !in_any(&path, &folders) {
            sizes.insert(hash, row.int::<u64>()?);
            paths.push(path);
        }
    }
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    registry::refuse_files(tx, &removal.run, &paths).await?;
    for slab in paths.chunks(RECORDS_AT_ONCE) {
        let mut sql = Sql::new("DELETE FROM artifact WHERE path_hash IN ");
        sql.bind_list(slab.iter().map(|path| labels::hash(path)));
        sql.push(" AND run = ").bind(Value::from(run.seq));
        tx.execute(&sql.text, &sql.values).await?;
    }
    let hashes: Vec<String> = sizes.keys().cloned().collect();
    let unused = usage::unused(tx, &hashes).await?;
    let size = DeletionSize {
        row_count: paths.len() as u64,
        row_bytes: paths.iter().map(|path| path.len() as u64).sum(),
        blob_count: unused.len() as u64,
        blob_bytes: unused.iter().filter_map(|hash| sizes.get(hash)).sum(),
        ..DeletionSize::default()
    };
    let new = NewDeletion {
        action: DeletionAction::DropArtifacts,
        run: removal.run.clone(),
        cause: match root {
            Some(root) => format!("request {root}"),
            None => "request".to_owned(),
        },
        actor: removal.actor.clone(),
        file_count: 0,
        file_bytes: 0,
        now: removal.now,
    };
    insert(tx, &run, &new, &size, Some(removal.now)).await?;
    Ok(hashes)
}

/// Folders of the logged models that have their files among those of a run.
async fn model_folders(tx: &mut dyn Tx, run: i64) -> Result<BTreeSet<String>> {
    let sql = "SELECT folder FROM logged_model WHERE run = $1";
    let rows = tx.query(sql, &[run.into()]).await?;
    rows.into_iter().map(|mut row| row.text()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_its_name_and_what_is_below() {
        assert!(within("a/b", "a") && within("a", "a") && within("a/b/c", "a/b"));
        assert!(!within("ab", "a") && !within("a", "a/b"));
        let folders = ["m/net".to_owned()].into();
        assert!(in_any("m/net/w", &folders) && in_any("m/net/d/w", &folders));
        assert!(!in_any("m/net", &folders) && !in_any("m/net-2/w", &folders));
    }
}
