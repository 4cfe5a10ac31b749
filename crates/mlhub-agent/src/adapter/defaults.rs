//! What an adapter's libraries take for arguments that an experiment leaves out, as its own
//! program tells: one short program, within bounds, believed only what it left.

use std::path::Path;
use std::time::Duration;

use mlhub_protocol::adapter::{DEFAULTS_FILE, LibraryDefaults};

use crate::export::{ExportError, ExportLimits, program};
use crate::serving::WorkerPlan;

/// Time for importing the libraries and answering.
const TIME_MAX: Duration = Duration::from_secs(120);
/// Bytes of the answer.
const ANSWER_MAX_BYTES: u64 = 1024 * 1024;
/// Defaults in it.
const VALUES_MAX: usize = 1000;

/// Why nothing is known of the defaults.
#[derive(Debug, thiserror::Error)]
pub enum DefaultsError {
    /// The program did not run to its end.
    #[error("the program that tells the defaults did not end well: {0}")]
    Program(String),
    /// It left no answer, or one that cannot be read.
    #[error("the program's answer `{DEFAULTS_FILE}` {0}")]
    Answer(String),
}

/// Asks the program of `plan`, whose directory is made and left; `exe` is a program with the
/// subcommand `confined`. Blocks.
///
/// # Errors
/// [`DefaultsError`]; nothing of the program is left running.
pub fn library_defaults(plan: &WorkerPlan, exe: &Path) -> Result<LibraryDefaults, DefaultsError> {
    let limits = ExportLimits {
        time: TIME_MAX,
        ..ExportLimits::default()
    };
    let failed = |how: String| {
        let last = program::last_lines(&plan.dir);
        DefaultsError::Program(match last.last() {
            Some(line) => format!("{how} ({line})"),
            None => how,
        })
    };
    let status = program::run(plan, exe, limits, &|| false).map_err(|error| match error {
        ExportError::TimedOut { limit, .. } => {
            failed(format!("it took longer than {} s", limit.as_secs()))
        }
        ExportError::Start(why) => failed(why),
        other => failed(other.to_string()),
    })?;
    if !status.success() {
        return Err(failed(status.to_string()));
    }
    answer(&plan.dir)
}

/// The answer in a run directory.
pub(super) fn answer(dir: &Path) -> Result<LibraryDefaults, DefaultsError> {
    read(&dir.join(DEFAULTS_FILE))
}

fn read(path: &Path) -> Result<LibraryDefaults, DefaultsError> {
    let size = std::fs::symlink_metadata(path)
        .map_err(|error| DefaultsError::Answer(format!("is not there: {error}")))?;
    if !size.is_file() || size.len() > ANSWER_MAX_BYTES {
        return Err(DefaultsError::Answer(format!(
            "is no file of at most {ANSWER_MAX_BYTES} bytes"
        )));
    }
    let bytes = std::fs::read(path)
        .map_err(|error| DefaultsError::Answer(format!("cannot be read: {error}")))?;
    let told: LibraryDefaults = serde_json::from_slice(&bytes)
        .map_err(|error| DefaultsError::Answer(format!("is not what it should be: {error}")))?;
    match told.values.len() {
        0..=VALUES_MAX => Ok(told),
        many => Err(DefaultsError::Answer(format!(
            "names {many} defaults, more than {VALUES_MAX}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_bounded_and_must_be_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(DEFAULTS_FILE);
        let refused = |part: &str| {
            let error = read(&path).expect_err(part).to_string();
            assert!(error.contains(part), "{error}");
        };
        refused("is not there");
        std::fs::write(&path, "{\"subject\": \"X\"}").expect("written");
        refused("values");
        let many: Vec<String> = (0..=VALUES_MAX).map(|at| format!("\"a{at}\": 1")).collect();
        let text = format!("{{\"subject\": \"X\", \"values\": {{{}}}}}", many.join(","));
        std::fs::write(&path, text).expect("written");
        refused("1001 defaults");
        std::fs::write(
            &path,
            "{\"subject\": \"X\", \"libraries\": {\"a\": \"1\"}, \"values\": {\"b\": null}}",
        )
        .expect("written");
        let told = read(&path).expect("an answer");
        assert_eq!((told.subject.as_str(), told.values.len()), ("X", 1));
    }
}
