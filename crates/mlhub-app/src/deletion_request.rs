//! What a deletion is asked for, and what it did.

use mlhub_core::deletion::{DeletionAction, DeletionSize};
use mlhub_core::run::Run;
use mlhub_core::{Error, ErrorKind, Name, Result};

/// Runs one request may name.
const RUNS_NAMED_MAX: usize = 1000;
/// Runs a report lists; the counts are of all.
const REPORT_RUNS_MAX: usize = 1000;
/// What is to be deleted: the runs named, or those a scope has.
#[derive(Debug, Clone)]
pub struct DeletionRequest {
    /// What is done.
    pub action: DeletionAction,
    /// Ids or unique prefixes.
    pub runs: Vec<String>,
    /// All runs of this project that match; the project itself goes with them
    /// when it is purged without a query.
    pub project: Option<Name>,
    /// Runs that match, in the query language.
    pub query: Option<String>,
    /// All deleted runs.
    pub all_deleted: bool,
    /// Only say what would happen.
    pub dry_run: bool,
}

/// One run of a report.
#[derive(Debug, Clone)]
pub struct DeletionItem {
    /// The run as it was.
    pub run: Run,
    /// What its deletion frees.
    pub size: DeletionSize,
    /// Why a rule chose it.
    pub reason: Option<String>,
    /// Why nothing was done to it.
    pub refused: Option<String>,
}

/// A run that is to go.
#[derive(Debug, Clone)]
pub(crate) struct Chosen {
    pub(crate) run: Run,
    /// Why a rule chose it.
    pub(crate) reason: Option<String>,
}

/// What a deletion did, or would do.
#[derive(Debug, Clone)]
pub struct DeletionReport {
    /// What was done.
    pub action: DeletionAction,
    /// Whether nothing was done.
    pub dry_run: bool,
    /// Runs it was done to.
    pub done: u64,
    /// Runs that were refused.
    pub refused: u64,
    /// The first runs, refused ones included.
    pub items: Vec<DeletionItem>,
    /// What it frees in all.
    pub total: DeletionSize,
}

impl DeletionReport {
    pub(crate) fn new(action: DeletionAction, dry_run: bool) -> Self {
        Self {
            action,
            dry_run,
            done: 0,
            refused: 0,
            items: Vec::new(),
            total: DeletionSize::default(),
        }
    }

    pub(crate) fn add(&mut self, item: DeletionItem) {
        if item.refused.is_some() {
            self.refused += 1;
        } else {
            self.done += 1;
            self.total += item.size;
        }
        if self.items.len() < REPORT_RUNS_MAX {
            self.items.push(item);
        }
    }
}

/// Refuses a request that says nothing, or contradicts itself.
pub(crate) fn check_request(request: &DeletionRequest) -> Result<()> {
    let named = !request.runs.is_empty();
    let scoped = request.project.is_some() || request.query.is_some() || request.all_deleted;
    if named == scoped {
        return Err(Error::invalid(
            "say either which runs, or a project, a query or all deleted ones",
        ));
    }
    if let Some(query) = &request.query
        && query.trim().is_empty()
    {
        return Err(Error::invalid(
            "the query is empty, which every run would meet; write a condition, or name a project",
        ));
    }
    if request.all_deleted
        && !matches!(
            request.action,
            DeletionAction::Purge | DeletionAction::Restore
        )
    {
        return Err(Error::invalid(
            "all deleted runs can be purged or restored, nothing else",
        ));
    }
    if request.runs.len() > RUNS_NAMED_MAX {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!("at most {RUNS_NAMED_MAX} runs can be named at once"),
        ));
    }
    Ok(())
}
