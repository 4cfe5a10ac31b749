//! Numbers out of Python values, without importing the libraries they are of.

use pyo3::exceptions::PyException;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyComplex, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple,
};

/// The numbers of a dict with their names.
pub(crate) type Numbers<'py> = Vec<(Bound<'py, PyString>, f64)>;

/// Parts a dict into numbers and the rest: values that are no numbers, and names
/// that are no strings. The rest is `None` when there is none.
pub(crate) fn split<'py>(
    py: Python<'py>,
    metrics: &Bound<'py, PyDict>,
) -> PyResult<(Numbers<'py>, Option<Bound<'py, PyDict>>)> {
    let mut numbers = Vec::with_capacity(metrics.len());
    let mut others = Vec::new();
    // Nothing is called while the dict is walked, so that nothing changes it.
    for (name, value) in metrics {
        match (name.cast_into::<PyString>(), plain(&value)) {
            (Ok(name), Some(number)) => numbers.push((name, number)),
            (Ok(name), None) => others.push((name.into_any(), value)),
            (Err(error), _) => others.push((error.into_inner(), value)),
        }
    }
    let mut rest = None;
    for (name, value) in others {
        let number = foreign(&value)?;
        match (name.cast::<PyString>(), number) {
            (Ok(name), Some(number)) => numbers.push((name.clone(), number)),
            _ => rest
                .get_or_insert_with(|| PyDict::new(py))
                .set_item(name, value)?,
        }
    }
    Ok((numbers, rest))
}

/// Python's own numbers, without a call into Python.
pub(crate) fn plain(value: &Bound<'_, PyAny>) -> Option<f64> {
    if let Ok(float) = value.cast::<PyFloat>() {
        return Some(float.value());
    }
    if let Ok(boolean) = value.cast_exact::<PyBool>() {
        return Some(f64::from(u8::from(boolean.is_true())));
    }
    if value.is_exact_instance_of::<PyInt>() {
        // Too large for a float: an error, and the value is handed back.
        return value.extract().ok();
    }
    None
}

/// Scalars of other libraries: `.item()` of numpy, torch, jax and their arrays of
/// one element, or `__float__`. An error is one that is nobody's to keep, such as
/// Ctrl-C; what else is raised says that it is no number.
fn foreign(value: &Bound<'_, PyAny>) -> PyResult<Option<f64>> {
    let never = value.is_none()
        || value.is_instance_of::<PyString>()
        || value.is_instance_of::<PyDict>()
        || value.is_instance_of::<PyList>()
        || value.is_instance_of::<PyTuple>()
        || value.is_instance_of::<PyBytes>()
        || value.is_instance_of::<PyByteArray>()
        || value.is_instance_of::<PyComplex>();
    if never {
        return Ok(None);
    }
    let found = match value.getattr(intern!(value.py(), "item")) {
        Ok(item) => item.call0().map(|item| plain(&item)),
        Err(_) => value.extract::<f64>().map(Some),
    };
    match found {
        Err(error) if !error.is_instance_of::<PyException>(value.py()) => Err(error),
        found => Ok(found.unwrap_or(None)),
    }
}
