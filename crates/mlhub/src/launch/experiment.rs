//! Reading and resolving an experiment file.

use std::path::{Path, PathBuf};

use mlhub_agent::adapter::{Adapter, Catalog, FindError};
use mlhub_config::{AdapterDefaults, Override, Resolved, Syntax};

use super::adapter;
use crate::exit::{ADAPTER, CONFIG, Classify, fail};

/// Bytes in an experiment file; a larger one is not one.
const FILE_MAX_BYTES: u64 = 4 * 1024 * 1024;

/// A resolved experiment with its adapter.
pub(crate) struct Experiment {
    pub(crate) resolved: Resolved,
    pub(crate) adapter: Adapter,
    /// The folder of the experiment file, absolute.
    pub(crate) project_dir: PathBuf,
    pub(crate) smoke: bool,
}

/// Reads, resolves and checks an experiment file.
pub(crate) fn load(
    path: &Path,
    set: &[String],
    smoke: bool,
    data_dir: &Path,
) -> anyhow::Result<Experiment> {
    let syntax = path
        .extension()
        .and_then(|extension| extension.to_str())
        .and_then(Syntax::from_extension)
        .ok_or_else(|| {
            fail(
                CONFIG,
                format!(
                    "`{}` is not an experiment file: it must end in .yaml, .yml, .toml or .json",
                    path.display()
                ),
            )
        })?;
    let text = read(path)?;
    let document =
        mlhub_config::parse(&text, &path.display().to_string(), syntax).or_fail(CONFIG)?;
    let overrides = set
        .iter()
        .map(|text| Override::parse(text))
        .collect::<Result<Vec<_>, _>>()
        .or_fail(CONFIG)?;
    let project_dir = std::path::absolute(path)
        .ok()
        .and_then(|path| path.parent().map(Path::to_owned))
        .ok_or_else(|| fail(CONFIG, format!("`{}` has no folder", path.display())))?;
    let catalog = adapter::catalog(data_dir, Some(&project_dir))?;
    let adapter = choose(path, &catalog, &document, &overrides)?;
    let smoke_settings = smoke
        .then(|| serde_json::to_value(&adapter.manifest.smoke))
        .transpose()?;
    let defaults = AdapterDefaults {
        name: adapter.manifest.name.clone(),
        version: adapter.manifest.version.clone(),
        schema: adapter.schema.clone(),
    };
    let resolved = mlhub_config::resolve(&document, &defaults, &overrides, smoke_settings.as_ref())
        .or_fail(CONFIG)?;
    check_adapter_needs(&adapter, &resolved, path)?;
    Ok(Experiment {
        resolved,
        adapter,
        project_dir,
        smoke,
    })
}

fn read(path: &Path) -> anyhow::Result<String> {
    let size = std::fs::metadata(path)
        .map_err(|error| {
            fail(
                CONFIG,
                format!(
                    "the experiment file `{}` cannot be read: {error}; check its path, relative to the current folder",
                    path.display()
                ),
            )
        })?
        .len();
    if size > FILE_MAX_BYTES {
        return Err(fail(
            CONFIG,
            format!(
                "`{}` has {size} bytes; an experiment file has at most {FILE_MAX_BYTES}",
                path.display()
            ),
        ));
    }
    std::fs::read_to_string(path).map_err(|error| {
        fail(
            CONFIG,
            format!(
                "the experiment file `{}` cannot be read: {error}",
                path.display()
            ),
        )
    })
}

fn choose(
    path: &Path,
    catalog: &Catalog,
    document: &mlhub_config::Document,
    overrides: &[Override],
) -> anyhow::Result<Adapter> {
    let reference = document.adapter(overrides).or_fail(CONFIG)?;
    let found = catalog.find(&reference.to_string()).cloned();
    found.map_err(|error| {
        let hint = match error {
            FindError::Unknown { .. } => {
                ". Correct `adapter`, or get the adapter with `mlhub adapter add`"
            }
            _ => "",
        };
        fail(ADAPTER, format!("{}: {error}{hint}", path.display()))
    })
}

fn check_adapter_needs(adapter: &Adapter, resolved: &Resolved, path: &Path) -> anyhow::Result<()> {
    let needs = &adapter.manifest.dataset;
    let name = &adapter.manifest.name;
    let file = path.display();
    if !adapter.can(mlhub_protocol::adapter::Capability::Train) {
        return Err(fail(ADAPTER, format!("the adapter `{name}` cannot train")));
    }
    let Some(dataset) = &resolved.experiment.dataset else {
        return if needs.required {
            Err(fail(
                CONFIG,
                format!(
                    "{file}: the adapter `{name}` needs a dataset; add `dataset:` with `path` or `name`"
                ),
            ))
        } else {
            Ok(())
        };
    };
    if needs.target_required && dataset.target.is_none() {
        return Err(fail(
            CONFIG,
            format!(
                "{file}: the adapter `{name}` needs to know what to predict; add `dataset.target`"
            ),
        ));
    }
    let shuffles = dataset
        .split
        .as_ref()
        .is_some_and(mlhub_config::SplitSpec::is_shuffled);
    if needs.ordered && shuffles {
        return Err(fail(
            CONFIG,
            format!(
                "{file}: the adapter `{name}` needs rows in their order, and `dataset.split` shuffles them; add `dataset.split.order` with the names of the splits from the first rows to the last, and leave out `seed`, `stratify` and `group`"
            ),
        ));
    }
    Ok(())
}
