//! Writing the parts of a split as files, atomically, and reusing them when they are already
//! there. A reader sees a complete part or none; a crash leaves at most a `.tmp-` folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::column::{coded, count_rows};
use crate::copy::{NOWHERE, Routing, copy_rows};
use crate::error::{DataError, Result, display};
use crate::files::{replace, sync_file, sync_folder};
use crate::format::Format;
use crate::inspect::quick_fingerprint;
use crate::limits::STRATIFY_CLASSES_MAX;
use crate::split::{SplitPlan, check_part_names};
use crate::split_plan::{part_path, parts_root};

/// A part of a split on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct PartFile {
    /// The file, or the folder for an image folder.
    pub path: PathBuf,
    /// Rows in it.
    pub rows: u64,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Its content fingerprint.
    pub fingerprint: String,
}

/// What a folder of parts was made from, kept beside them.
#[derive(PartialEq, Serialize, Deserialize)]
struct Manifest {
    version: u32,
    source_fingerprint: String,
    plan_hash: String,
    format: Format,
    /// Fingerprint and rows of each part.
    parts: BTreeMap<String, (String, u64)>,
}

const MANIFEST_NAME: &str = "split-manifest.json";
const MANIFEST_VERSION: u32 = 1;
const MANIFEST_BYTES_MAX: u64 = 1 << 20;

/// Writes one file per part of `plan` into `out_dir`, in the dataset's own format, as
/// `<part>.<extension>` (a folder `<part>` for an image folder). CSV and JSONL rows keep their
/// bytes. Parts that are already there with the right content are not written again. Parts that
/// are files of their own are not copied: their own paths are returned.
///
/// # Errors
/// The dataset cannot be read or has another number of rows than the plan; `out_dir` cannot be
/// written.
pub fn materialise(
    path: &Path,
    format: Format,
    plan: &SplitPlan,
    out_dir: &Path,
) -> Result<BTreeMap<String, PartFile>> {
    if !plan.files.is_empty() {
        return existing_parts(path, plan);
    }
    check_part_names(plan.parts.keys())?;
    let (source_fingerprint, _) = quick_fingerprint(path, format)?;
    if let Some(parts) = reusable(out_dir, format, plan, &source_fingerprint) {
        return Ok(parts);
    }
    let rows = count_rows(path, format)?;
    let routes = routes(plan, rows)?;
    let finals: Vec<PathBuf> = plan
        .parts
        .keys()
        .map(|name| out_dir.join(part_name(name, format)))
        .collect();
    let parts = write_parts(path, format, &routes, &finals, out_dir)?;
    let parts: BTreeMap<String, PartFile> = plan.parts.keys().cloned().zip(parts).collect();
    let manifest = Manifest {
        version: MANIFEST_VERSION,
        source_fingerprint,
        plan_hash: plan.hash.clone(),
        format,
        parts: parts
            .iter()
            .map(|(name, part)| (name.clone(), (part.fingerprint.clone(), part.rows)))
            .collect(),
    };
    write_manifest(out_dir, &manifest)?;
    Ok(parts)
}

/// Writes about `rows` rows to `out`: enough for a smoke run. Without a `target` they are the first
/// ones. Of each class of `target` they are its first ones, in the proportion that the dataset has,
/// since files are often sorted by class, and at least six (where there are six). A `target` whose
/// values are mostly unique is a quantity, not a class, and gets the first `rows` rows.
///
/// # Errors
/// The dataset cannot be read, `target` is not a column, or `out` cannot be written.
pub fn smoke_subset(
    path: &Path,
    format: Format,
    rows: u64,
    target: Option<&str>,
    out: &Path,
) -> Result<PartFile> {
    /// Two for each of three parts: fewer, and a stratified split or a score of the class would
    /// be impossible.
    const PER_CLASS_MIN: u64 = 6;
    if rows == 0 {
        return Err(DataError::split("a smoke subset needs at least one row"));
    }
    let wanted = usize::try_from(rows).unwrap_or(usize::MAX);
    let classes = match target.map(|target| coded(path, format, target, STRATIFY_CLASSES_MAX)) {
        // Where most values are unique or there are more than classes can be, the target is not
        // a class but a quantity, and the first rows will do.
        Some(Ok(classes)) if classes.labels.len() * 2 <= classes.codes.len() => Some(classes),
        None | Some(Ok(_) | Err(DataError::Split { .. })) => None,
        Some(Err(error)) => return Err(error),
    };
    let routes: Vec<u16> = match classes {
        None => {
            let total = usize::try_from(count_rows(path, format)?).unwrap_or(usize::MAX);
            (0..total)
                .map(|row| if row < wanted { 0 } else { NOWHERE })
                .collect()
        }
        Some(classes) => {
            let total = classes.codes.len() as u64;
            let mut left = vec![0_u64; classes.labels.len()];
            for code in &classes.codes {
                left[*code as usize] += 1;
            }
            for count in &mut left {
                let share = u128::from(*count) * u128::from(rows.min(total)) / u128::from(total);
                *count = u64::try_from(share).unwrap_or(*count).max(PER_CLASS_MIN);
            }
            let route = |code: &u32| {
                let left = &mut left[*code as usize];
                let is_taken = *left > 0;
                *left = left.saturating_sub(1);
                if is_taken { 0 } else { NOWHERE }
            };
            classes.codes.iter().map(route).collect()
        }
    };
    let folder = match out.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut parts = write_parts(path, format, &routes, &[out.to_owned()], folder)?;
    Ok(parts.remove(0))
}

fn part_name(name: &str, format: Format) -> String {
    format.extension().map_or_else(
        || name.to_owned(),
        |extension| format!("{name}.{extension}"),
    )
}

fn routes(plan: &SplitPlan, rows: u64) -> Result<Vec<u16>> {
    let mut routes = vec![NOWHERE; usize::try_from(rows).unwrap_or(0)];
    for (part, members) in (0u16..).zip(plan.parts.values()) {
        for row in members {
            let route = usize::try_from(*row).ok().and_then(|row| routes.get_mut(row)).ok_or_else(|| {
                DataError::split(format!("the plan names row {row}, but the dataset has {rows} rows; plan the split again"))
            })?;
            if *route != NOWHERE {
                return Err(DataError::split(format!(
                    "the plan puts row {row} into two parts"
                )));
            }
            *route = part;
        }
    }
    Ok(routes)
}

/// Writes all parts into a temporary folder of `folder`, makes them durable, and moves each to
/// its final path.
fn write_parts(
    path: &Path,
    format: Format,
    routes: &[u16],
    finals: &[PathBuf],
    folder: &Path,
) -> Result<Vec<PartFile>> {
    let name = display(folder);
    std::fs::create_dir_all(folder).map_err(|e| DataError::io(&name, "create", e))?;
    let temporary = tempfile::Builder::new()
        .prefix(".tmp-")
        .tempdir_in(folder)
        .map_err(|e| DataError::io(&name, "create a temporary folder in", e))?;
    let outs: Vec<PathBuf> = (0..finals.len())
        .map(|part| temporary.path().join(part.to_string()))
        .collect();
    copy_rows(
        path,
        format,
        &Routing {
            routes,
            outs: &outs,
        },
    )?;
    let mut parts = Vec::new();
    for (part, (out, to)) in outs.iter().zip(finals).enumerate() {
        sync(out, format)?;
        read_only(out, format)?;
        let (fingerprint, size_bytes) = quick_fingerprint(out, format)?;
        replace(out, to, temporary.path())?;
        let rows = routes
            .iter()
            .filter(|route| usize::from(**route) == part)
            .count() as u64;
        parts.push(PartFile {
            path: to.clone(),
            rows,
            size_bytes,
            fingerprint,
        });
    }
    sync_folder(folder)?;
    Ok(parts)
}

/// Takes the right to write from the files of a part, so that no program changes by
/// mistake what later runs read. Its owner can still give it back.
fn read_only(out: &Path, format: Format) -> Result<()> {
    let close = |path: &Path| {
        let name = display(path);
        std::fs::metadata(path)
            .and_then(|metadata| {
                let mut permissions = metadata.permissions();
                permissions.set_readonly(true);
                std::fs::set_permissions(path, permissions)
            })
            .map_err(|e| DataError::io(&name, "make read-only", e))
    };
    if !format.is_folder() {
        return close(out);
    }
    crate::files::walk(out)?
        .iter()
        .try_for_each(|file| close(&file.path))
}

fn sync(out: &Path, format: Format) -> Result<()> {
    if !format.is_folder() {
        return sync_file(out);
    }
    let mut folders = BTreeSet::from([out.to_owned()]);
    for file in crate::files::walk(out)? {
        sync_file(&file.path)?;
        folders.extend(file.path.parent().map(Path::to_owned));
    }
    folders.iter().try_for_each(|folder| sync_folder(folder))
}

/// The parts that are already in `out_dir`, when all of them are what this plan would write.
/// Anything unreadable or different means writing anew, so errors here are answers, not failures.
fn reusable(
    out_dir: &Path,
    format: Format,
    plan: &SplitPlan,
    source_fingerprint: &str,
) -> Option<BTreeMap<String, PartFile>> {
    let mut text = String::new();
    File::open(out_dir.join(MANIFEST_NAME))
        .ok()?
        .take(MANIFEST_BYTES_MAX)
        .read_to_string(&mut text)
        .ok()?;
    let manifest: Manifest = serde_json::from_str(&text).ok()?;
    let is_same = manifest.version == MANIFEST_VERSION
        && manifest.source_fingerprint == source_fingerprint
        && manifest.plan_hash == plan.hash
        && manifest.format == format
        && manifest.parts.keys().eq(plan.parts.keys());
    if !is_same {
        return None;
    }
    let mut parts = BTreeMap::new();
    for (name, (expected, rows)) in manifest.parts {
        let path = out_dir.join(part_name(&name, format));
        let (fingerprint, size_bytes) = quick_fingerprint(&path, format).ok()?;
        if fingerprint != expected {
            return None;
        }
        parts.insert(
            name,
            PartFile {
                path,
                rows,
                size_bytes,
                fingerprint,
            },
        );
    }
    Some(parts)
}

fn write_manifest(out_dir: &Path, manifest: &Manifest) -> Result<()> {
    let to = out_dir.join(MANIFEST_NAME);
    let name = display(&to);
    let failed = |e: std::io::Error| DataError::io(&name, "write", e);
    let text = serde_json::to_vec_pretty(manifest).map_err(|e| failed(e.into()))?;
    let mut temporary = tempfile::Builder::new()
        .prefix(".tmp-")
        .tempfile_in(out_dir)
        .map_err(failed)?;
    temporary
        .write_all(&text)
        .and_then(|()| temporary.as_file().sync_all())
        .map_err(failed)?;
    temporary.persist(&to).map_err(|e| failed(e.error))?;
    sync_folder(out_dir)
}

fn existing_parts(path: &Path, plan: &SplitPlan) -> Result<BTreeMap<String, PartFile>> {
    let root = parts_root(path);
    let mut parts = BTreeMap::new();
    for (name, relative) in &plan.files {
        let part = part_path(&root, relative)?;
        let (fingerprint, size_bytes) = quick_fingerprint(&part, Format::detect(&part)?)?;
        let rows = plan.counts.get(name).copied().unwrap_or_default();
        parts.insert(
            name.clone(),
            PartFile {
                path: part,
                rows,
                size_bytes,
                fingerprint,
            },
        );
    }
    Ok(parts)
}
