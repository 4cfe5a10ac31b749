//! `log` of `mlhub.Run`, as one call without a frame of Python: what a training
//! calls in its innermost loop. Everything else of the run is Python's, which is
//! called for what is no number and for what went wrong.

use std::sync::OnceLock;

use pyo3::exceptions::PyException;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::writer::Writer;

/// The base of `mlhub.Run`; see `_native.pyi`.
#[pyclass(frozen, subclass, module = "mlhub._native")]
pub(crate) struct Recorder {
    /// None while nothing is recorded.
    writer: OnceLock<Py<Writer>>,
}

#[pymethods]
impl Recorder {
    /// Takes whatever the class below takes.
    #[new]
    #[pyo3(signature = (*_arguments, **_options))]
    fn new(_arguments: &Bound<'_, PyTuple>, _options: Option<&Bound<'_, PyDict>>) -> Self {
        Self {
            writer: OnceLock::new(),
        }
    }

    /// Records into this file from now on. Only the first call counts.
    fn _attach(&self, writer: Py<Writer>) {
        drop(self.writer.set(writer));
    }

    /// Record values of one step.
    ///
    /// `metrics` maps names to numbers (of Python, numpy, torch, jax; NaN and infinities
    /// are values), or to texts, media, or mappings of such, whose names are joined by `/`.
    /// Without `step` it is one after the greatest so far, from 0. `time_ms` is
    /// milliseconds since the epoch, now when absent.
    #[pyo3(signature = (metrics, step=None, *, time_ms=None))]
    fn log<'py>(
        slf: &Bound<'py, Self>,
        metrics: &Bound<'py, PyAny>,
        step: Option<&Bound<'py, PyAny>>,
        time_ms: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<()> {
        let Some(writer) = slf.get().writer.get() else {
            return Ok(());
        };
        let py = slf.py();
        let logged = number(step).and_then(|step| {
            let time_ms = number(time_ms)?;
            writer.get().log(metrics, step, time_ms)
        });
        match logged {
            Ok(logged) if logged.rest.is_none() && logged.warning.is_none() => Ok(()),
            Ok(logged) => {
                let rest = logged.rest.unwrap_or_else(|| PyDict::new(py));
                let told = (logged.step, rest, logged.warning, time_ms);
                slf.call_method1(intern!(py, "_log_rest"), told)?;
                Ok(())
            }
            // Ctrl-C while a value was asked for its number is not ours to keep.
            Err(error) if !error.is_instance_of::<PyException>(py) => Err(error),
            Err(error) => {
                let told = (error.value(py), metrics, step, time_ms);
                slf.call_method1(intern!(py, "_log_refused"), told)?;
                Ok(())
            }
        }
    }
}

fn number(value: Option<&Bound<'_, PyAny>>) -> PyResult<Option<i64>> {
    value.map(|value| value.extract::<i64>()).transpose()
}
