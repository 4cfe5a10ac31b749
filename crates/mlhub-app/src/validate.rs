//! Checks of form that every face shares.

use std::collections::BTreeMap;

use mlhub_core::run::Failure;
use mlhub_core::{Error, Result, limits};

/// Refuses a metric, param or tag key that is empty, too long or has a NUL.
pub(crate) fn key(what: &str, text: &str) -> Result<()> {
    let problem = if text.is_empty() {
        "it is empty".to_owned()
    } else if text.len() > limits::KEY_MAX_BYTES {
        format!("it is longer than {} bytes", limits::KEY_MAX_BYTES)
    } else if text.contains('\0') {
        "it has a NUL character".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::invalid(format!(
        "not a usable {what} name: {problem}"
    )))
}

/// Refuses a param or tag value that is too long or has a NUL; `key` names it.
pub(crate) fn value(what: &str, key: &str, text: &str) -> Result<()> {
    let problem = if text.len() > limits::VALUE_MAX_BYTES {
        format!("longer than {} bytes", limits::VALUE_MAX_BYTES)
    } else if text.contains('\0') {
        "it has a NUL character".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::invalid(format!(
        "the value of {what} `{key}` cannot be stored: {problem}"
    )))
}

/// Refuses free text that is too long or has a NUL.
pub(crate) fn text(what: &str, text: &str) -> Result<()> {
    if text.len() > limits::NOTES_MAX_BYTES || text.contains('\0') {
        return Err(Error::invalid(format!(
            "{what} cannot be stored: at most {} bytes without NUL characters are allowed",
            limits::NOTES_MAX_BYTES
        )));
    }
    Ok(())
}

/// Refuses a failure whose message or evidence passes its limits.
pub(crate) fn failure(failure: &Failure) -> Result<()> {
    value("failure", "message", &failure.message)?;
    if failure.evidence.len() > limits::EVIDENCE_LINES_MAX {
        return Err(Error::invalid(format!(
            "`failure.evidence` has {} lines and {} are stored",
            failure.evidence.len(),
            limits::EVIDENCE_LINES_MAX
        )));
    }
    let longest = limits::EVIDENCE_LINE_MAX_BYTES;
    for (index, line) in failure.evidence.iter().enumerate() {
        if line.len() > longest || line.contains('\0') {
            return Err(Error::invalid(format!(
                "line {} of `failure.evidence` cannot be stored: at most {longest} bytes without NUL characters are allowed",
                index + 1
            )));
        }
    }
    Ok(())
}

/// Checks a whole map of keys and values.
pub(crate) fn map(what: &str, entries: &BTreeMap<String, String>) -> Result<()> {
    if entries.len() > limits::KEYS_PER_RUN_MAX {
        return Err(Error::invalid(format!(
            "{} {what}s are more than the {} a run may have",
            entries.len(),
            limits::KEYS_PER_RUN_MAX
        )));
    }
    for (name, content) in entries {
        key(what, name)?;
        value(what, name, content)?;
    }
    Ok(())
}
