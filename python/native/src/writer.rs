//! The event writer for Python: a dict in, a record in the file out.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use mlhub_sdk::EventWriter;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::cache::KeyCache;
use crate::number;

/// Writes the events of this process; see `_native.pyi`.
#[pyclass(frozen, module = "mlhub._native")]
pub(crate) struct Writer {
    writer: EventWriter,
    keys: Mutex<KeyCache>,
}

/// What a call that logged has to say.
pub(crate) struct Logged<'py> {
    /// The step of the record.
    pub(crate) step: i64,
    /// What was no number, or had no name that can be written.
    pub(crate) rest: Option<Bound<'py, PyDict>>,
    /// A warning, once per cause.
    pub(crate) warning: Option<String>,
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
    /// Writes the numbers of a mapping as one record.
    pub(crate) fn log<'py>(
        &self,
        metrics: &Bound<'py, PyAny>,
        step: Option<i64>,
        time_ms: Option<i64>,
    ) -> PyResult<Logged<'py>> {
        let py = metrics.py();
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
        if let Some((step, warning)) = self.write_plain(metrics, step, time_ms) {
            return Ok(Logged {
                step,
                rest: None,
                warning,
            });
        }
        // Turning values into numbers may call into Python, which may do anything,
        // even log. So it is done first, and no lock is held meanwhile.
        let (numbers, mut rest) = number::split(py, metrics)?;
        let (step, warning) = self.write_any(py, &numbers, step, time_ms, &mut rest)?;
        Ok(Logged {
            step,
            rest,
            warning,
        })
    }

    /// Writes a dict whose names are all remembered and whose values are Python's own
    /// numbers; `None` when there is anything else, and nothing is written. No code of
    /// Python's runs in here: no thread forks, and no finaliser logs, while the locks
    /// are held.
    fn write_plain(
        &self,
        metrics: &Bound<'_, PyDict>,
        step: Option<i64>,
        time_ms: Option<i64>,
    ) -> Option<(i64, Option<String>)> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let mut session = self.writer.session();
        let epoch = session.epoch();
        let mut values = keys.take_room();
        for (name, value) in metrics {
            let number = number::plain(&value)?;
            values.push((keys.get(name.cast::<PyString>().ok()?, epoch)?, number));
        }
        let step = session.metrics(step, time_ms, &values);
        keys.put_room(values);
        Some((step, session.take_warning()))
    }

    /// Writes numbers under any names, which are remembered from now on. Those that
    /// cannot be written go to the rest.
    fn write_any<'py>(
        &self,
        py: Python<'py>,
        numbers: &[(Bound<'py, PyString>, f64)],
        step: Option<i64>,
        time_ms: Option<i64>,
        rest: &mut Option<Bound<'py, PyDict>>,
    ) -> PyResult<(i64, Option<String>)> {
        let mut named: Vec<(&Bound<'py, PyString>, Cow<'_, str>, f64)> = Vec::new();
        for (name, value) in numbers {
            match name.to_cow() {
                Ok(text) => named.push((name, text, *value)),
                // It holds half a character, which has no bytes.
                Err(_) => rest
                    .get_or_insert_with(|| PyDict::new(py))
                    .set_item(name, *value)?,
            }
        }
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let mut session = self.writer.session();
        let epoch = session.epoch();
        let mut values = Vec::with_capacity(named.len());
        for (name, text, value) in &named {
            let known = keys.get(name, epoch);
            if let Some(id) = known.or_else(|| session.key(text)) {
                if known.is_none() {
                    keys.put(name, id, epoch);
                }
                values.push((id, *value));
            }
        }
        let step = session.metrics(step, time_ms, &values);
        Ok((step, session.take_warning()))
    }
}
