//! Calls about deleting: deletions, their ledger, retention rules, the doctor.

use mlhub_protocol::rest::{
    DeletionLedger, DeletionReport, DeletionRequest, DoctorReport, DoctorRequest, RetentionApply,
    RetentionList, RetentionReport, RetentionRule, RetentionSet,
};

use crate::Result;
use crate::http::{Call, Client, path};

impl Client {
    /// Deletes, restores or removes runs for good.
    ///
    /// # Errors
    /// The hub's, or of the connection; so for every call here.
    pub fn deletion_run(&self, request: &DeletionRequest) -> Result<DeletionReport> {
        self.post(path(&["deletions"]), request)
    }

    /// A page of the ledger, newest first.
    pub fn deletion_list(&self, before: Option<i64>, limit: usize) -> Result<DeletionLedger> {
        self.fetch(
            Call::new("GET", path(&["deletions"]))
                .query("before", before)
                .query("limit", Some(limit)),
        )
    }

    /// Retention rules by name.
    pub fn retention_list(&self) -> Result<RetentionList> {
        self.get(path(&["retention"]))
    }

    /// Sets a retention rule; one of the same name is replaced.
    pub fn retention_set(&self, name: &str, rule: &RetentionSet) -> Result<RetentionRule> {
        self.fetch(Call::new("PUT", path(&["retention", name])).json(rule)?)
    }

    /// Removes a retention rule.
    pub fn retention_remove(&self, name: &str) -> Result<()> {
        self.send(Call::new("DELETE", path(&["retention", name])))
            .map(|_| ())
    }

    /// Applies retention rules, or says what they would do.
    pub fn retention_apply(&self, request: &RetentionApply) -> Result<RetentionReport> {
        self.post(path(&["retention"]), request)
    }

    /// Examines what the hub stores.
    pub fn doctor(&self, request: &DoctorRequest) -> Result<DoctorReport> {
        self.post(path(&["doctor"]), request)
    }
}
