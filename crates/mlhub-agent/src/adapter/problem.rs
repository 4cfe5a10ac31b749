//! Why an adapter folder cannot be used: one sentence with file, line and what
//! to do.
//!
//! Nothing here decides what is wrong; [`super::manifest`] and
//! [`super::schema`] do.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Which promise of the adapter is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// `adapter.toml` or a file it names.
    Manifest,
    /// The schema of its params.
    Schema,
}

/// An adapter folder that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {reason}{}", self.dir.join(&self.file).display(), self.line.map(|line| format!(":{line}")).unwrap_or_default(), self.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default())]
pub struct AdapterProblem {
    /// The adapter folder.
    pub dir: PathBuf,
    /// The file to blame, relative to the folder.
    pub file: String,
    /// Its 1-based line, when one is to blame.
    pub line: Option<u32>,
    /// Which promise is broken.
    pub part: Part,
    /// What is wrong.
    pub reason: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl AdapterProblem {
    /// The reason with file and line but without the folder, for lists that show the folder already.
    #[must_use]
    pub fn brief(&self) -> String {
        match self.line {
            Some(line) => format!("{}:{line}: {}", self.file, self.reason),
            None => format!("{}: {}", self.file, self.reason),
        }
    }
}

/// A problem before its folder, file and line are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    /// Keys from the root of the file to the value to blame.
    pub(super) at: Vec<String>,
    pub(super) part: Part,
    pub(super) reason: String,
    pub(super) hint: Option<String>,
}

impl Finding {
    /// A problem of the manifest at the dotted path `at`.
    pub(super) fn manifest(at: &str, reason: impl Into<String>) -> Self {
        Self {
            at: split(at),
            part: Part::Manifest,
            reason: reason.into(),
            hint: None,
        }
    }

    /// A problem of the schema file that the manifest names.
    pub(super) fn schema(reason: impl Into<String>) -> Self {
        Self {
            at: Vec::new(),
            part: Part::Schema,
            reason: reason.into(),
            hint: None,
        }
    }

    /// Adds what to do.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Names the folder, the file and the line.
    pub(super) fn locate(self, dir: &Path, file: &str, line: Option<u32>) -> AdapterProblem {
        AdapterProblem {
            dir: dir.to_owned(),
            file: file.to_owned(),
            line,
            part: self.part,
            reason: self.reason,
            hint: self.hint,
        }
    }
}

fn split(at: &str) -> Vec<String> {
    at.split('.')
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}
