//! What an import or export found on both sides, and whether it is the same.

use serde::Serialize;

/// How many of each kind. A point, param, tag or file on the other side counts where it is equal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    pub(crate) experiments: u64,
    pub(crate) runs: u64,
    pub(crate) params: u64,
    pub(crate) tags: u64,
    pub(crate) points: u64,
    pub(crate) datasets: u64,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    pub(crate) logged_models: u64,
    pub(crate) registered_models: u64,
    pub(crate) versions: u64,
}

impl Counts {
    /// Names and numbers, in the order in which they are shown.
    pub(crate) fn rows(&self) -> [(&'static str, u64); 11] {
        [
            ("experiments", self.experiments),
            ("runs", self.runs),
            ("params", self.params),
            ("tags", self.tags),
            ("points of metrics", self.points),
            ("datasets", self.datasets),
            ("files", self.files),
            ("bytes of files", self.bytes),
            ("logged models", self.logged_models),
            ("registered models", self.registered_models),
            ("model versions", self.versions),
        ]
    }
}

/// What became of it.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// What the source has.
    pub(crate) source: Counts,
    /// What of it the other side has, equal.
    pub(crate) there: Counts,
    /// Runs that were new.
    pub(crate) runs_new: u64,
    /// Runs that were there and are different now.
    pub(crate) runs_changed: u64,
    /// Runs that were there and equal.
    pub(crate) runs_unchanged: u64,
    /// What could not be read, stored or found again.
    pub(crate) problems: Vec<String>,
}

impl Report {
    /// Whether everything is there, and equal.
    pub(crate) fn is_whole(&self) -> bool {
        self.problems.is_empty() && self.source == self.there
    }
}
