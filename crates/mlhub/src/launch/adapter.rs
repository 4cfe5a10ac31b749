//! Finding adapters and making their environments, with progress.

use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use mlhub_agent::adapter::{
    Adapter, Bundle, Catalog, DiscoveryRoots, EnvError, EnvProgress, PreparedEnvironment,
    Replacement, discover, prepare_environment, prepare_replacement,
};

use crate::exit::{ADAPTER, Classify, fail};
use crate::paths;

/// All adapters this machine has: bundled, of the data directory, and of the
/// `adapters/` folder beside the experiment.
pub(crate) fn catalog(data_dir: &Path, project_dir: Option<&Path>) -> anyhow::Result<Catalog> {
    unpacked_catalog(data_dir, project_dir).map_err(|error| {
        fail(
            ADAPTER,
            format!(
                "the bundled adapters cannot be unpacked into `{}`: {error}",
                data_dir.display()
            ),
        )
    })
}

/// The catalog with the error of unpacking as it was, for callers that tell a full disk apart.
pub(crate) fn unpacked_catalog(
    data_dir: &Path,
    project_dir: Option<&Path>,
) -> std::io::Result<Catalog> {
    let bundled = Bundle::unpack(&paths::bundled_adapters(data_dir))?;
    Ok(discover(&DiscoveryRoots {
        bundled: Some(bundled),
        data_dir: Some(data_dir.to_owned()),
        project: project_dir
            .map(|dir| dir.join("adapters"))
            .filter(|dir| dir.is_dir()),
        python: None,
    }))
}

/// Finds one adapter, or says which there are.
pub(crate) fn find(catalog: &Catalog, reference: &str) -> anyhow::Result<Adapter> {
    catalog.find(reference).cloned().or_fail(ADAPTER)
}

/// Makes the adapter's environment, or takes the one made before.
pub(crate) fn environment(
    adapter: &Adapter,
    data_dir: &Path,
) -> anyhow::Result<PreparedEnvironment> {
    with_progress(adapter, |progress| {
        prepare_environment(adapter, &paths::environments(data_dir), progress)
    })
}

/// Makes another environment than the adapter's own, or takes the one made before.
pub(crate) fn replacement(
    adapter: &Adapter,
    replacement: &Replacement,
    data_dir: &Path,
) -> anyhow::Result<PreparedEnvironment> {
    with_progress(adapter, |progress| {
        prepare_replacement(
            adapter,
            replacement,
            &paths::environments(data_dir),
            progress,
        )
    })
}

fn with_progress(
    adapter: &Adapter,
    prepare: impl FnOnce(&mut dyn FnMut(EnvProgress)) -> Result<PreparedEnvironment, EnvError>,
) -> anyhow::Result<PreparedEnvironment> {
    let bar = ProgressBar::no_length()
        .with_style(style("{spinner} {prefix} {msg}"))
        .with_prefix(adapter.manifest.name.clone());
    let plain = bar.is_hidden();
    let prepared = prepare(&mut |progress| {
        show(&bar, plain, &adapter.manifest.name, progress);
    });
    bar.finish_and_clear();
    prepared.or_fail(ADAPTER)
}

fn show(bar: &ProgressBar, plain: bool, name: &str, progress: EnvProgress) {
    let message = match progress {
        EnvProgress::Waiting => {
            "waiting for another process that prepares the same environment".to_owned()
        }
        EnvProgress::Creating { python } => {
            format!("preparing its environment with Python {python}")
        }
        EnvProgress::Package { name, done, total } => {
            format!("fetching {name} ({done} of {total})")
        }
        EnvProgress::Line { .. } => {
            bar.tick();
            return;
        }
        EnvProgress::Ready { cached: true } => return,
        EnvProgress::Ready { cached: false } => "its environment is ready".to_owned(),
    };
    if plain {
        eprintln!("{name}: {message}");
    } else {
        bar.set_message(message);
        bar.tick();
    }
}

/// A progress style; the templates are fixed and tested by use.
pub(crate) fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
