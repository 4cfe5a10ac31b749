//! Whether a backup is as it was written.

use mlhub_app::portable::BackupManifest;

use super::{Folder, hash_file};
use crate::exit::{REFUSED, fail};

/// Hashes everything in a backup. Returns its manifest, its blobs, and what is
/// missing or damaged, each named; `step` hears of bytes that were read.
#[expect(
    clippy::type_complexity,
    reason = "three parts, named above, taken apart by each caller"
)]
pub(crate) fn verify(
    folder: &Folder,
    mut step: impl FnMut(u64),
) -> anyhow::Result<(BackupManifest, Vec<(String, u64)>, Vec<String>)> {
    let manifest = folder.read_manifest()?.ok_or_else(|| {
        fail(
            REFUSED,
            format!(
                "`{}` holds no backup of mlhub: it has no manifest.json",
                folder.0.display()
            ),
        )
    })?;
    let mut problems = Vec::new();
    let mut check = |what: &std::path::Path, hash: &str, size: u64| {
        let found = hash_file(what, &mut step);
        match found {
            Ok((found, found_size)) if found == hash && found_size == size => {}
            Ok(_) => problems.push(format!("{} is damaged", what.display())),
            Err(error) => problems.push(error.to_string()),
        }
    };
    let records = &manifest.records;
    check(
        &folder.records(&manifest),
        &records.hash,
        records.size_bytes,
    );
    let blobs = folder.read_list(&manifest)?;
    for (hash, size_bytes) in &blobs {
        check(&folder.blob(hash), hash, *size_bytes);
    }
    Ok((manifest, blobs, problems))
}
