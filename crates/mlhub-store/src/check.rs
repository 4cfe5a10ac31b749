//! What every text must meet before it is stored, the same on every backend.
//!
//! Rules of use (who may write what) are not here.

use mlhub_core::{Error, ErrorKind, Result, limits};

/// Refuses text with NUL, or longer than `max_bytes`.
pub(crate) fn text(what: &str, value: &str, max_bytes: usize) -> Result<()> {
    if value.len() > max_bytes {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!(
                "{what} has {} bytes; at most {max_bytes} are stored",
                value.len()
            ),
        ));
    }
    if value.contains('\0') {
        return Err(Error::invalid(format!(
            "{what} has a NUL character, which cannot be stored; remove it"
        )));
    }
    Ok(())
}

/// Refuses a name of a metric, param or tag that is empty, too long or has NUL.
pub(crate) fn key(what: &str, value: &str) -> Result<()> {
    if value.is_empty() {
        return Err(Error::invalid(format!("{what} is empty")));
    }
    text(what, value, limits::KEY_MAX_BYTES)
}

/// Refuses a short text (a writer, a kind, a split, a version) that is empty or too long.
pub(crate) fn name(what: &str, value: &str) -> Result<()> {
    if value.is_empty() {
        return Err(Error::invalid(format!("{what} is empty")));
    }
    text(what, value, limits::NAME_MAX_BYTES)
}

/// Refuses an optional short text that is too long or has NUL.
pub(crate) fn optional(what: &str, value: Option<&str>) -> Result<()> {
    value.map_or(Ok(()), |value| text(what, value, limits::NAME_MAX_BYTES))
}

/// Refuses the value of a param or tag that is too long or has NUL.
pub(crate) fn value(what: &str, value: &str) -> Result<()> {
    text(what, value, limits::VALUE_MAX_BYTES)
}

/// Offsets and sizes are stored in 63 bits.
pub(crate) fn offset(what: &str, value: u64) -> Result<i64> {
    i64::try_from(value)
        .map_err(|_| Error::invalid(format!("{what} is {value}; at most 2^63-1 is possible")))
}

/// Refuses more params or tags than a run may have.
pub(crate) fn count(what: &str, count: usize) -> Result<()> {
    if count <= limits::KEYS_PER_RUN_MAX {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::TooLarge,
        format!(
            "the run would have {count} {what}; at most {} are stored",
            limits::KEYS_PER_RUN_MAX
        ),
    ))
}
