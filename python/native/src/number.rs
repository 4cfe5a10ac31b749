//! Numbers out of Python values, without importing the libraries they are of.

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
        match (name.cast::<PyString>(), foreign(&value)) {
            (Ok(name), Some(number)) if name.to_cow().is_ok() => {
                numbers.push((name.clone(), number));
            }
            _ => rest
                .get_or_insert_with(|| PyDict::new(py))
                .set_item(name, value)?,
        }
    }
    Ok((numbers, rest))
}

/// Python's own numbers, without a call into Python.
fn plain(value: &Bound<'_, PyAny>) -> Option<f64> {
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
/// one element, or `__float__`.
fn foreign(value: &Bound<'_, PyAny>) -> Option<f64> {
    let never = value.is_none()
        || value.is_instance_of::<PyString>()
        || value.is_instance_of::<PyDict>()
        || value.is_instance_of::<PyList>()
        || value.is_instance_of::<PyTuple>()
        || value.is_instance_of::<PyBytes>()
        || value.is_instance_of::<PyByteArray>()
        || value.is_instance_of::<PyComplex>();
    if never {
        return None;
    }
    if let Ok(item) = value.getattr(intern!(value.py(), "item")) {
        return item.call0().ok().and_then(|item| plain(&item));
    }
    value.extract().ok()
}
