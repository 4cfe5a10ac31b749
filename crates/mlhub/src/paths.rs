//! Where things are on this machine.

use std::path::{Path, PathBuf};

use crate::cli::Global;
use crate::exit::{DATA_DIR, fail};

/// The data directory of the options, made absolute.
pub(crate) fn data_dir(global: &Global) -> anyhow::Result<PathBuf> {
    let dir = match &global.data_dir {
        Some(dir) => dir.clone(),
        None => std::env::home_dir()
            .filter(|home| !home.as_os_str().is_empty())
            .ok_or_else(|| fail(DATA_DIR, "there is no home directory to keep ~/.mlhub in; name a folder with --data-dir or MLHUB_DATA_DIR"))?
            .join(".mlhub"),
    };
    std::path::absolute(&dir).map_err(|error| {
        fail(
            DATA_DIR,
            format!(
                "the data directory `{}` has no absolute path: {error}",
                dir.display()
            ),
        )
    })
}

/// Environments of adapters, by fingerprint.
pub(crate) fn environments(data_dir: &Path) -> PathBuf {
    data_dir.join("environments")
}

/// Split files and smoke subsets, all of which can be made again.
pub(crate) fn dataset_cache(data_dir: &Path) -> PathBuf {
    data_dir.join("cache/datasets")
}

/// What adapters told of their libraries' defaults, all of which can be asked again.
pub(crate) fn defaults_cache(data_dir: &Path) -> PathBuf {
    data_dir.join("cache/defaults")
}

/// Restored code of runs that are reproduced.
pub(crate) fn reproductions(data_dir: &Path) -> PathBuf {
    data_dir.join("reproductions")
}

/// The bundled adapters, unpacked.
pub(crate) fn bundled_adapters(data_dir: &Path) -> PathBuf {
    data_dir.join("cache/adapters")
}

/// This machine's name.
pub(crate) fn host_name() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}
