//! Reading and resolving an experiment file.

use std::path::{Path, PathBuf};

use mlhub_agent::adapter::{Adapter, Catalog, FindError};
use mlhub_config::{AdapterDefaults, ConfigErrors, Override, Resolved, Syntax};
use mlhub_protocol::rest::Reproduces;

use super::adapter;
use crate::exit::{ADAPTER, CONFIG, INTERNAL, fail};

/// Bytes in an experiment file; a larger one is not one.
const FILE_MAX_BYTES: u64 = 4 * 1024 * 1024;

/// A resolved experiment with its adapter.
pub(crate) struct Experiment {
    pub(crate) resolved: Resolved,
    pub(crate) adapter: Adapter,
    /// The folder of the experiment file, absolute.
    pub(crate) project_dir: PathBuf,
    pub(crate) smoke: bool,
    /// The run this is started to reproduce.
    pub(crate) reproduces: Option<Reproduces>,
}

/// An experiment's text, wherever it came from.
pub(crate) struct Source<'a> {
    /// What messages call it.
    pub(crate) name: &'a str,
    pub(crate) text: &'a str,
    pub(crate) syntax: Syntax,
}

/// Why an experiment cannot run.
pub(crate) enum Refusal {
    /// Mistakes in the text, with their places.
    Config(ConfigErrors),
    /// Something that text and adapter do not agree on.
    Rule {
        code: u8,
        /// The dotted path of the value to change.
        path: &'static str,
        message: String,
    },
}

impl Refusal {
    /// The failure of a command, which names the file.
    pub(crate) fn into_failure(self, name: &str) -> anyhow::Error {
        match self {
            Self::Config(errors) => fail(CONFIG, errors.to_string()),
            Self::Rule { code, message, .. } => fail(code, format!("{name}: {message}")),
        }
    }
}

impl<T: Into<ConfigErrors>> From<T> for Refusal {
    fn from(errors: T) -> Self {
        Self::Config(errors.into())
    }
}

/// Reads, resolves and checks an experiment file. Its paths start at `folder`, or at
/// the file's own folder.
pub(crate) fn load(
    path: &Path,
    folder: Option<&Path>,
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
    let project_dir = match folder {
        Some(folder) => folder.to_owned(),
        None => std::path::absolute(path)
            .ok()
            .and_then(|path| path.parent().map(Path::to_owned))
            .ok_or_else(|| fail(CONFIG, format!("`{}` has no folder", path.display())))?,
    };
    let catalog = adapter::catalog(data_dir, Some(&project_dir))?;
    let name = path.display().to_string();
    let source = Source {
        name: &name,
        text: &text,
        syntax,
    };
    resolve(&source, &catalog, set, smoke, project_dir)
        .map_err(|refusal| refusal.into_failure(&name))
}

/// Resolves and checks an experiment. Reads no file.
pub(crate) fn resolve(
    source: &Source<'_>,
    catalog: &Catalog,
    set: &[String],
    smoke: bool,
    project_dir: PathBuf,
) -> Result<Experiment, Refusal> {
    let document = mlhub_config::parse(source.text, source.name, source.syntax)?;
    let overrides = set
        .iter()
        .map(|text| Override::parse(text))
        .collect::<Result<Vec<_>, _>>()?;
    let adapter = choose(catalog, &document, &overrides)?;
    let smoke_settings = smoke
        .then(|| serde_json::to_value(&adapter.manifest.smoke))
        .transpose()
        .map_err(|error| rule(INTERNAL, "adapter", error.to_string()))?;
    let defaults = AdapterDefaults {
        name: adapter.manifest.name.clone(),
        version: adapter.manifest.version.clone(),
        schema: adapter.schema.clone(),
    };
    let resolved =
        mlhub_config::resolve(&document, &defaults, &overrides, smoke_settings.as_ref())?;
    check_adapter_needs(&adapter, &resolved)?;
    Ok(Experiment {
        resolved,
        adapter,
        project_dir,
        smoke,
        reproduces: None,
    })
}

fn rule(code: u8, path: &'static str, message: impl Into<String>) -> Refusal {
    Refusal::Rule {
        code,
        path,
        message: message.into(),
    }
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
    catalog: &Catalog,
    document: &mlhub_config::Document,
    overrides: &[Override],
) -> Result<Adapter, Refusal> {
    let reference = document.adapter(overrides)?;
    let found = catalog.find(&reference.to_string()).cloned();
    found.map_err(|error| {
        let hint = match error {
            FindError::Unknown { .. } => {
                ". Correct `adapter`, or get the adapter with `mlhub adapter add`"
            }
            _ => "",
        };
        rule(ADAPTER, "adapter", format!("{error}{hint}"))
    })
}

fn check_adapter_needs(adapter: &Adapter, resolved: &Resolved) -> Result<(), Refusal> {
    let needs = &adapter.manifest.dataset;
    let name = &adapter.manifest.name;
    if !adapter.can(mlhub_protocol::adapter::Capability::Train) {
        let message = format!("the adapter `{name}` cannot train");
        return Err(rule(ADAPTER, "adapter", message));
    }
    let Some(dataset) = &resolved.experiment.dataset else {
        if !needs.required {
            return Ok(());
        }
        let message =
            format!("the adapter `{name}` needs a dataset; add `dataset:` with `path` or `name`");
        return Err(rule(CONFIG, "dataset", message));
    };
    if needs.target_required && dataset.target.is_none() {
        let message =
            format!("the adapter `{name}` needs to know what to predict; add `dataset.target`");
        return Err(rule(CONFIG, "dataset.target", message));
    }
    let shuffles = dataset
        .split
        .as_ref()
        .is_some_and(mlhub_config::SplitSpec::is_shuffled);
    if needs.ordered && shuffles {
        let message = format!(
            "the adapter `{name}` needs rows in their order, and `dataset.split` shuffles them; add `dataset.split.order` with the names of the splits from the first rows to the last, and leave out `seed`, `stratify` and `group`"
        );
        return Err(rule(CONFIG, "dataset.split", message));
    }
    Ok(())
}
