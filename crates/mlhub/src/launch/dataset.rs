//! Reading a dataset where it lies: check, fingerprint, register, split, write
//! the split files. The hub receives records only, never data.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use mlhub_client::Client;
use mlhub_config::{DatasetSpec, SplitSpec};
use mlhub_data::{Expected, Format, Inspection, PartFile, RowHashes};
use mlhub_protocol::adapter::DatasetSection;
use mlhub_protocol::rest::{DatasetRegister, DatasetVersionView, ExpectedSplit, SplitRegister};
use mlhub_protocol::run_dir::{DatasetInput, SplitInput};
use serde_json::{Value, json};

use super::adapter::style;
use crate::exit::{ADAPTER, CONFIG, Classify, DATASET, fail};
use crate::paths;

/// Ids sent to the hub for checking predictions; larger splits are checked by count.
const IDS_SENT_MAX: u64 = 20_000;
/// Bytes of the ids of all splits of a run, as its snapshot holds them; splits whose
/// ids do not fit any more are checked by count.
const IDS_SENT_MAX_BYTES: usize = 1024 * 1024;
/// Bytes of row hashes registered with a version; beyond it changed rows are not named.
const ROW_HASHES_MAX_BYTES: usize = 1_500_000;

/// A dataset ready for programs.
pub(crate) struct Prepared {
    /// What programs read.
    pub(crate) input: DatasetInput,
    /// What the hub expects predictions for, by split.
    pub(crate) expected: BTreeMap<String, ExpectedSplit>,
    /// What the snapshot records.
    pub(crate) record: Value,
    /// `name@version`.
    pub(crate) reference: String,
    /// What a person should know.
    pub(crate) warnings: Vec<String>,
}

/// A dataset found and checked, not yet registered.
struct Found {
    name: String,
    path: PathBuf,
    inspection: Inspection,
    /// What the paths of split files are relative to.
    root: PathBuf,
    /// The registered version it must still be, when one was named.
    registered: Option<DatasetVersionView>,
}

/// Checks, registers and splits the dataset of an experiment.
pub(crate) fn prepare(
    spec: &DatasetSpec,
    project_dir: &Path,
    data_dir: &Path,
    needs: &DatasetSection,
    adapter: &str,
    client: &Client,
) -> anyhow::Result<Prepared> {
    let formats = &needs.formats;
    let found = find(spec, project_dir, client)?;
    let format = found.inspection.format;
    if !formats.is_empty() && !formats.iter().any(|known| known == format.as_str()) {
        return Err(fail(
            ADAPTER,
            format!(
                "the adapter `{adapter}` reads {}; `{}` is {}",
                formats.join(", "),
                found.path.display(),
                format.as_str()
            ),
        ));
    }
    check_columns(spec, &found)?;
    let version = match found.registered {
        Some(version) => version,
        None => register(client, &found.name, &found.path, &found.inspection, "")?,
    };
    let cache = paths::dataset_cache(data_dir).join(found.inspection.fingerprint.replace(':', "-"));
    let source = match spec.rows {
        Some(rows) => smoke_source(&found.path, format, rows, spec, needs.ordered, &cache)?,
        None => found.path.clone(),
    };
    let (parts, split_hash, leakage) = split(spec, &source, format, &cache, &found.root)?;
    register_split(client, &version, spec, &split_hash, &parts, &leakage)?;
    assemble(spec, &version, format, parts, &split_hash, &leakage)
}

fn find(spec: &DatasetSpec, project_dir: &Path, client: &Client) -> anyhow::Result<Found> {
    let format = spec.format.as_deref().map(parse_format).transpose()?;
    let (path, root) = match (&spec.path, &spec.name, &spec.split) {
        (Some(path), ..) => (project_dir.join(path), None),
        (None, Some(reference), _) => {
            return find_registered(&reference.name, reference.version.as_deref(), client);
        }
        (None, None, Some(SplitSpec::Files { files })) => {
            // The part to train on stands for the dataset; the split records the others.
            let part = files
                .get(mlhub_config::TRAIN_SPLIT)
                .or_else(|| files.values().next());
            let path = project_dir.join(part.map_or("", String::as_str));
            (path, Some(project_dir.to_owned()))
        }
        (None, None, _) => {
            return Err(fail(
                CONFIG,
                "`dataset` names neither a `name` nor a `path`, and no split files",
            ));
        }
    };
    let inspection = inspect(&path, format)?;
    let name = match &spec.name {
        Some(reference) => reference.name.clone(),
        None => path
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_else(|| "dataset".to_owned()),
    };
    Ok(Found {
        name,
        root: root.unwrap_or_else(|| path.clone()),
        path,
        inspection,
        registered: None,
    })
}

fn find_registered(name: &str, version: Option<&str>, client: &Client) -> anyhow::Result<Found> {
    let number = version.map(str::parse::<u32>).transpose().map_err(|_| {
        fail(
            CONFIG,
            format!(
                "`{name}@{}` names no dataset version; versions are whole numbers",
                version.unwrap_or_default()
            ),
        )
    })?;
    let detail = client.dataset_get(name, number).map_err(|error| {
        if error.is_not_found() {
            fail(DATASET, format!("there is no registered dataset `{name}`{}; register it with `mlhub dataset add PATH --name {name}`", number.map(|n| format!(" version {n}")).unwrap_or_default()))
        } else {
            error.into()
        }
    })?;
    let current = detail.current;
    let path = PathBuf::from(&current.source);
    if !path.exists() {
        return Err(fail(
            DATASET,
            format!(
                "the dataset `{name}@{}` is not at `{}` any more; put it back, or name its place with `dataset.path`",
                current.version,
                path.display()
            ),
        ));
    }
    verify(&path, &current)?;
    let inspection = inspect(&path, Some(parse_format(&current.format)?))?;
    Ok(Found {
        name: name.to_owned(),
        root: path.clone(),
        path,
        inspection,
        registered: Some(current),
    })
}

/// Compares what is on disk with a registered version and names what changed.
pub(crate) fn verify(path: &Path, version: &DatasetVersionView) -> anyhow::Result<()> {
    let registered: Inspection =
        serde_json::from_value(version.inspection.clone()).map_err(|error| {
            fail(
                DATASET,
                format!(
                    "the record of `{}@{}` cannot be read: {error}",
                    version.name, version.version
                ),
            )
        })?;
    mlhub_data::verify(path, &Expected::from(&registered)).map_err(|error| {
        fail(
            DATASET,
            format!(
                "dataset `{}@{}` at `{}`: {error} with `mlhub dataset add {} --name {}`",
                version.name,
                version.version,
                path.display(),
                path.display(),
                version.name
            ),
        )
    })
}

/// Parses a format's name.
pub(crate) fn parse_format(text: &str) -> anyhow::Result<Format> {
    serde_json::from_value(Value::String(text.to_owned()))
        .map_err(|_| fail(CONFIG, format!("no dataset format `{text}`; formats are csv, parquet, jsonl, npz, image_folder, folder")))
}

/// Checks and fingerprints with a progress bar.
pub(crate) fn inspect(path: &Path, format: Option<Format>) -> anyhow::Result<Inspection> {
    let bar = ProgressBar::new(0)
        .with_style(style(
            "{spinner} {prefix} {bar:30} {bytes}/{total_bytes} {eta}",
        ))
        .with_prefix(format!(
            "checking {}",
            path.file_name().unwrap_or_default().to_string_lossy()
        ));
    let inspection = mlhub_data::inspect(path, format, &mut |progress| {
        bar.set_length(progress.bytes_total);
        bar.set_position(progress.bytes_done);
    });
    bar.finish_and_clear();
    inspection.or_fail(DATASET)
}

fn check_columns(spec: &DatasetSpec, found: &Found) -> anyhow::Result<()> {
    let columns: Vec<&str> = found
        .inspection
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    if columns.is_empty() {
        return Ok(());
    }
    for (key, wanted) in [("target", &spec.target), ("id", &spec.id)] {
        let Some(wanted) = wanted else { continue };
        if !columns.contains(&wanted.as_str()) {
            let near = mlhub_config::suggest(wanted, columns.iter().copied())
                .map(|near| format!("; did you mean `{near}`?"))
                .unwrap_or_default();
            return Err(fail(
                CONFIG,
                format!(
                    "`dataset.{key}` is `{wanted}`, and `{}` has no such column{near}",
                    found.path.display()
                ),
            ));
        }
    }
    Ok(())
}

/// Registers a content with the hub.
pub(crate) fn register(
    client: &Client,
    name: &str,
    path: &Path,
    inspection: &Inspection,
    description: &str,
) -> anyhow::Result<DatasetVersionView> {
    let mut sent = inspection.clone();
    if sent.row_hashes.to_blob().len() > ROW_HASHES_MAX_BYTES {
        sent.row_hashes = RowHashes::default();
    }
    let source = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    Ok(client.dataset_register(&DatasetRegister {
        name: name.to_owned(),
        description: description.to_owned(),
        fingerprint: inspection.fingerprint.clone(),
        format: inspection.format.as_str().to_owned(),
        source: source.to_string_lossy().into_owned(),
        rows: inspection.rows,
        size_bytes: inspection.size_bytes,
        inspection: serde_json::to_value(&sent)?,
    })?)
}

fn smoke_source(
    path: &Path,
    format: Format,
    rows: u64,
    spec: &DatasetSpec,
    ordered: bool,
    cache: &Path,
) -> anyhow::Result<PathBuf> {
    if format.is_folder() || matches!(spec.split, Some(SplitSpec::Files { .. })) {
        return Ok(path.to_owned());
    }
    let extension = format.extension().unwrap_or("bin");
    // Rows picked out by their class would leave gaps in an order that has a meaning.
    let ordered = ordered || matches!(spec.split, Some(SplitSpec::Ordered { .. }));
    let target = spec.target.as_deref().filter(|_| !ordered);
    let out = cache.join(format!(
        "rows-{rows}-{}.{extension}",
        short_hash(target.unwrap_or_default())
    ));
    std::fs::create_dir_all(cache).or_fail(DATASET)?;
    mlhub_data::smoke_subset(path, format, rows, target, &out).or_fail(DATASET)?;
    Ok(out)
}

fn short_hash(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex()[..12].to_owned()
}

type Parts = BTreeMap<String, (PartFile, Option<Vec<String>>)>;

fn split(
    spec: &DatasetSpec,
    source: &Path,
    format: Format,
    cache: &Path,
    original: &Path,
) -> anyhow::Result<(Parts, String, Value)> {
    let plan_spec = match &spec.split {
        Some(SplitSpec::Fractions {
            seed,
            fractions,
            stratify,
            group,
        }) => mlhub_data::SplitSpec::Fractions {
            seed: *seed,
            fractions: fractions.clone(),
            stratify: stratify.clone(),
            group: group.clone(),
        },
        Some(SplitSpec::Ordered { fractions, order }) => mlhub_data::SplitSpec::Ordered {
            fractions: fractions.clone(),
            order: order.clone(),
        },
        Some(SplitSpec::Files { files }) => mlhub_data::SplitSpec::Files {
            files: files.clone(),
        },
        None => {
            // Without a split everything is there to train on.
            mlhub_data::SplitSpec::Fractions {
                seed: 0,
                fractions: BTreeMap::from([(mlhub_config::TRAIN_SPLIT.to_owned(), 1.0)]),
                stratify: None,
                group: None,
            }
        }
    };
    let root = if matches!(plan_spec, mlhub_data::SplitSpec::Files { .. }) {
        original
    } else {
        source
    };
    let plan = mlhub_data::plan_split(root, format, &plan_spec).or_fail(DATASET)?;
    let out = cache.join(plan.hash.replace(':', "-"));
    let files = mlhub_data::materialise(root, format, &plan, &out).or_fail(DATASET)?;
    let mut hashes = BTreeMap::new();
    let mut parts = Parts::new();
    for (name, file) in files {
        let inspection =
            mlhub_data::inspect(&file.path, Some(format), &mut |_| {}).or_fail(DATASET)?;
        // Named rows may be the same example under two names.
        let unnamed = match &spec.id {
            Some(id) => mlhub_data::content_hashes(&file.path, format, id).or_fail(DATASET)?,
            None => None,
        };
        hashes.insert(name.clone(), unnamed.unwrap_or(inspection.row_hashes));
        let ids = match &spec.id {
            Some(_) => {
                Some(mlhub_data::row_ids(&file.path, format, spec.id.as_deref()).or_fail(DATASET)?)
            }
            None => None,
        };
        parts.insert(name, (file, ids));
    }
    let mut leakage = mlhub_data::leakage(&hashes);
    for pair in &mut leakage.pairs {
        let ids = parts.get(&pair.b).and_then(|(_, ids)| ids.as_ref());
        let rows = pair.first_rows_in_b.iter();
        let named = rows.filter_map(|row| ids?.get(usize::try_from(*row).ok()?).cloned());
        pair.first_ids_in_b = named.collect();
    }
    Ok((parts, plan.hash, serde_json::to_value(leakage)?))
}

/// The first shared rows of a pair of splits: `rows 3, 17 and more`, by id where they have one.
fn shared_rows(pair: &Value) -> String {
    let listed = |key: &str| -> Vec<String> {
        let items = pair[key].as_array().into_iter().flatten();
        items
            .map(|item| {
                item.as_str()
                    .map_or_else(|| item.to_string(), str::to_owned)
            })
            .collect()
    };
    let (what, rows) = match listed("first_ids_in_b") {
        ids if ids.is_empty() => ("rows (from 0)", listed("first_rows_in_b")),
        ids => ("ids", ids),
    };
    let more = match pair["shared_rows"].as_u64() > u64::try_from(rows.len()).ok() {
        true => ", ...",
        false => "",
    };
    format!("{what} {}{more}", rows.join(", "))
}

fn register_split(
    client: &Client,
    version: &DatasetVersionView,
    spec: &DatasetSpec,
    hash: &str,
    parts: &Parts,
    leakage: &Value,
) -> anyhow::Result<()> {
    let described: BTreeMap<&String, Value> = parts
        .iter()
        .map(|(name, (file, _))| (name, json!({"rows": file.rows, "size_bytes": file.size_bytes, "fingerprint": file.fingerprint})))
        .collect();
    let spec = match &spec.split {
        Some(SplitSpec::Fractions {
            seed,
            fractions,
            stratify,
            group,
        }) => {
            json!({"seed": seed, "fractions": fractions, "stratify": stratify, "group": group, "rows": spec.rows})
        }
        Some(SplitSpec::Ordered { fractions, order }) => {
            json!({"fractions": fractions, "order": order, "rows": spec.rows})
        }
        Some(SplitSpec::Files { files }) => json!({"files": files}),
        None => json!({"fractions": {"train": 1.0}, "rows": spec.rows}),
    };
    client.split_register(
        &version.name,
        version.version,
        &SplitRegister {
            hash: hash.to_owned(),
            spec,
            parts: json!({"parts": described, "leakage": leakage}),
        },
    )?;
    Ok(())
}

/// Whether ids may be sent; takes their bytes from the room there is.
fn ids_fit(ids: &[String], room_bytes: &mut usize) -> bool {
    if ids.len() as u64 > IDS_SENT_MAX {
        return false;
    }
    // As JSON: escaped, between quotes, with a comma.
    let sizes = ids
        .iter()
        .map(|id| Value::from(id.as_str()).to_string().len() + 1);
    match room_bytes.checked_sub(sizes.sum()) {
        Some(left) => {
            *room_bytes = left;
            true
        }
        None => false,
    }
}

fn assemble(
    spec: &DatasetSpec,
    version: &DatasetVersionView,
    format: Format,
    parts: Parts,
    split_hash: &str,
    leakage: &Value,
) -> anyhow::Result<Prepared> {
    let mut warnings = Vec::new();
    for pair in leakage["pairs"].as_array().into_iter().flatten() {
        warnings.push(format!(
            "{} rows of the split `{}` are also in `{}`: what is measured on it may be too good ({})",
            pair["shared_rows"],
            pair["b"].as_str().unwrap_or_default(),
            pair["a"].as_str().unwrap_or_default(),
            shared_rows(pair)
        ));
    }
    let mut splits = BTreeMap::new();
    let mut expected = BTreeMap::new();
    let mut room_bytes = IDS_SENT_MAX_BYTES;
    let mut recorded = BTreeMap::new();
    for (name, (file, ids)) in parts {
        recorded.insert(
            name.clone(),
            json!({"rows": file.rows, "fingerprint": file.fingerprint}),
        );
        expected.insert(
            name.clone(),
            ExpectedSplit {
                rows: file.rows,
                ids: ids.filter(|ids| ids_fit(ids, &mut room_bytes)),
                fingerprint: Some(file.fingerprint.clone()),
                slices: BTreeMap::new(),
            },
        );
        splits.insert(
            name,
            SplitInput {
                path: std::path::absolute(&file.path)?
                    .to_string_lossy()
                    .into_owned(),
                rows: file.rows,
                fingerprint: file.fingerprint,
            },
        );
    }
    let reference = format!("{}@{}", version.name, version.version);
    Ok(Prepared {
        record: json!({
            "name": version.name, "version": version.version, "fingerprint": version.fingerprint,
            "format": format.as_str(), "source": version.source, "rows": version.rows,
            "split_hash": split_hash, "splits": recorded, "leakage": leakage,
        }),
        input: DatasetInput {
            name: version.name.clone(),
            version: version.version,
            fingerprint: version.fingerprint.clone(),
            format: format.as_str().to_owned(),
            target: spec.target.clone(),
            id: spec.id.clone(),
            splits,
        },
        expected,
        reference,
        warnings,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_sent_as_long_as_those_of_all_splits_fit() {
        let ids = |count: usize, bytes: usize| vec!["x".repeat(bytes); count];
        let mut room = IDS_SENT_MAX_BYTES;
        assert!(ids_fit(&ids(20_000, 20), &mut room), "short ones");
        assert!(!ids_fit(&ids(20_001, 1), &mut room), "too many");
        assert!(!ids_fit(&ids(10_000, 60), &mut room), "too long together");
        assert!(
            ids_fit(&ids(10_000, 50), &mut room),
            "what was left out takes no room"
        );
        assert!(!ids_fit(&ids(10_000, 50), &mut room), "the room is used");
        let mut room = 12;
        assert!(!ids_fit(&["\u{1}\u{1}".to_owned()], &mut room), "escaped");
    }
}
