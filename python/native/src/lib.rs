//! `mlhub._native`: the event writer for Python.
//!
//! Thin on purpose: it turns a dict into numbers and hands them to
//! [`mlhub_sdk::EventWriter`]. What a metric, a config or an artifact is, what is
//! captured and what is told to the user is Python's (`python/mlhub/`).

mod cache;
mod number;
mod recorder;
mod writer;

use std::path::PathBuf;

use pyo3::prelude::*;

use crate::recorder::Recorder;
use crate::writer::Writer;

/// Writes an `exit.json` with the code this process exits with; false where that
/// cannot be known.
#[pyfunction]
fn tell_exit(path: PathBuf) -> bool {
    mlhub_sdk::tell_exit(&path)
}

/// BLAKE3 of a file, hex.
#[pyfunction]
fn hash_file(py: Python<'_>, path: PathBuf) -> PyResult<String> {
    let hash = py.detach(|| {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(std::fs::File::open(&path)?)?;
        std::io::Result::Ok(hasher.finalize().to_hex().to_string())
    });
    Ok(hash?)
}

/// The module.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Recorder>()?;
    module.add_class::<Writer>()?;
    module.add_function(wrap_pyfunction!(tell_exit, module)?)?;
    module.add_function(wrap_pyfunction!(hash_file, module)?)?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))
}
