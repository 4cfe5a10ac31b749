//! `mlhub._native`: the event writer for Python.
//!
//! Thin on purpose: it turns a dict into numbers and hands them to
//! [`mlhub_sdk::EventWriter`]. What a metric, a config or an artifact is, what is
//! captured and what is told to the user is Python's (`python/mlhub/`).

mod cache;
mod number;

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use mlhub_sdk::EventWriter;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use crate::cache::KeyCache;

/// Writes the events of this process; see `_native.pyi`.
#[pyclass(frozen, module = "mlhub._native")]
struct Writer {
    writer: EventWriter,
    keys: Mutex<KeyCache>,
}

#[pymethods]
impl Writer {
    #[new]
    fn new(path: PathBuf) -> PyResult<Self> {
        Ok(Self {
            writer: EventWriter::create(&path)?,
            keys: Mutex::new(KeyCache::new()),
        })
    }

    /// Writes the numbers of a dict. Returns the step, or `(step, rest, warning)`
    /// when there is something to say.
    #[pyo3(signature = (metrics, step=None, time_ms=None))]
    fn log<'py>(
        &self,
        py: Python<'py>,
        metrics: &Bound<'py, PyAny>,
        step: Option<i64>,
        time_ms: Option<i64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let made;
        let metrics = match metrics.cast::<PyDict>() {
            Ok(dict) => dict,
            // Other mappings are rare and may be slow.
            Err(_) => {
                made = PyDict::new(py);
                made.call_method1("update", (metrics,))?;
                &made
            }
        };
        // Turning values into numbers may call into Python, which may do anything,
        // even log. So it is done first, and no lock is held meanwhile.
        let (numbers, rest) = number::split(py, metrics)?;
        let (step, warning) = self.write(&numbers, step, time_ms);
        let step = step.into_pyobject(py)?.into_any();
        if rest.is_none() && warning.is_none() {
            return Ok(step);
        }
        let rest = rest.unwrap_or_else(|| PyDict::new(py));
        let all = (step, rest, warning).into_pyobject(py)?;
        Ok(Bound::<PyTuple>::into_any(all))
    }

    /// Writes an event line. Returns a warning, once per cause.
    fn event(&self, json: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
        let mut session;
        if let Ok(text) = json.cast::<PyString>() {
            let text = text.to_cow()?;
            session = self.writer.session();
            session.event(text.as_bytes());
        } else {
            let bytes: &[u8] = json.extract()?;
            session = self.writer.session();
            session.event(bytes);
        }
        Ok(session.take_warning())
    }

    /// Waits until everything written is on the disk itself.
    fn flush(&self, py: Python<'_>) -> PyResult<()> {
        Ok(py.detach(|| self.writer.flush())?)
    }

    /// Cuts the file to its size; later records are dropped and counted.
    fn close(&self) -> PyResult<()> {
        Ok(self.writer.close()?)
    }

    #[getter]
    fn path(&self) -> std::ffi::OsString {
        self.writer.path().into_os_string()
    }

    #[getter]
    fn dropped(&self) -> u64 {
        self.writer.dropped()
    }

    #[getter]
    fn warning(&self) -> Option<String> {
        self.writer.warning()
    }

    #[getter]
    fn closed(&self) -> bool {
        self.writer.is_closed()
    }

    #[getter]
    fn next_step(&self) -> i64 {
        self.writer.next_step()
    }
}

impl Writer {
    /// No Python code runs in here: the interpreter's lock is held throughout, so
    /// no thread forks in between.
    fn write(
        &self,
        numbers: &[(Bound<'_, PyString>, f64)],
        step: Option<i64>,
        time_ms: Option<i64>,
    ) -> (i64, Option<String>) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let mut session = self.writer.session();
        let mut values = Vec::with_capacity(numbers.len());
        for (name, value) in numbers {
            if let Some(id) = keys.id(name, &mut session) {
                values.push((id, *value));
            }
        }
        let step = session.metrics(step, time_ms, &values);
        (step, session.take_warning())
    }
}

/// The module.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Writer>()?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))
}
