//! Exit codes by class of failure, and how an error is shown.
//!
//! The codes are part of the command's contract; `docs/cli.md` lists them.

use std::io::{IsTerminal as _, Write as _};

/// Everything went well.
pub(crate) const OK: u8 = 0;
/// A run failed, was stopped or was lost; or an adapter check did not pass.
pub(crate) const RUN_FAILED: u8 = 1;
/// The command line is wrong.
pub(crate) const USAGE: u8 = 2;
/// The config is wrong.
pub(crate) const CONFIG: u8 = 3;
/// The dataset is missing, broken or changed.
pub(crate) const DATASET: u8 = 4;
/// The adapter is missing or broken, or its environment cannot be made.
pub(crate) const ADAPTER: u8 = 5;
/// The hub cannot be reached, or its port is taken.
pub(crate) const HUB: u8 = 6;
/// The data directory cannot be used.
pub(crate) const DATA_DIR: u8 = 7;
/// What was asked for does not exist, or the hub refused the request.
pub(crate) const REFUSED: u8 = 8;
/// A run cannot be reproduced as it was.
pub(crate) const REPRODUCTION: u8 = 9;
/// A defect.
pub(crate) const INTERNAL: u8 = 70;

/// An error with the class that decides the exit code.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    pub(crate) code: u8,
    pub(crate) message: String,
}

/// Makes an error of a class.
pub(crate) fn fail(code: u8, message: impl Into<String>) -> anyhow::Error {
    Failure {
        code,
        message: message.into(),
    }
    .into()
}

/// Gives any error a class, keeping its text.
pub(crate) trait Classify<T> {
    /// `Err` becomes a [`Failure`] of `code`.
    fn or_fail(self, code: u8) -> anyhow::Result<T>;
}

impl<T, E: std::fmt::Display> Classify<T> for Result<T, E> {
    fn or_fail(self, code: u8) -> anyhow::Result<T> {
        self.map_err(|error| fail(code, error.to_string()))
    }
}

/// Prints an error and returns its exit code.
pub(crate) fn report(error: &anyhow::Error) -> u8 {
    if let Some(io) = error.downcast_ref::<std::io::Error>()
        && io.kind() == std::io::ErrorKind::BrokenPipe
    {
        return OK;
    }
    let (code, text) = match error.downcast_ref::<Failure>() {
        Some(failure) => (failure.code, failure.message.clone()),
        None => match error.downcast_ref::<mlhub_client::ClientError>() {
            Some(client) => (client_code(client), client_text(client)),
            None => (INTERNAL, format!("{error:#}")),
        },
    };
    let mut stderr = std::io::stderr();
    let label = if stderr.is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        "\u{1b}[1;31merror\u{1b}[0m"
    } else {
        "error"
    };
    // Nothing is left to do when even standard error is closed.
    drop(writeln!(stderr, "{label}: {text}"));
    code
}

/// A mistake in a query is shown with carets under it.
fn client_text(error: &mlhub_client::ClientError) -> String {
    let Some(problem) = error.query_problem() else {
        return error.to_string();
    };
    let pointer = problem.pointer.replace('\n', "\n  ");
    let hint = problem.hint.map(|hint| format!("\n  {hint}"));
    format!(
        "{}: {}\n  {pointer}{}",
        problem.field,
        problem.message,
        hint.unwrap_or_default()
    )
}

fn client_code(error: &mlhub_client::ClientError) -> u8 {
    match error.status {
        // The disk of the hub is full.
        Some(507) => DATA_DIR,
        Some(_) => REFUSED,
        None => HUB,
    }
}
