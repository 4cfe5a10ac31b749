//! Experiments started on the hub's machine: who may, and what is refused before
//! anything starts.
//!
//! Resolving and starting are not done here; that is [`ExperimentLauncher`]'s,
//! beside the adapter host. To ask needs [`Permission::Write`], a dry run too: its
//! answer tells what is on the hub's machine. What a launch may reach there is the
//! launcher's rule, since it knows the machine.

use std::sync::Arc;

use async_trait::async_trait;
use mlhub_core::{Caller, Error, ErrorKind, Permission, Result, limits};
use mlhub_protocol::rest::{
    ConfigMistake, LaunchList, LaunchMode, LaunchPlan, LaunchReply, LaunchRequest, LaunchView,
};

use crate::Hub;

/// An experiment, looked through: a plan or mistakes.
#[derive(Debug, Clone, PartialEq)]
pub struct LaunchReview {
    /// What it would do; none when there are mistakes.
    pub plan: Option<LaunchPlan>,
    /// What is wrong, and what may not be.
    pub mistakes: Vec<ConfigMistake>,
    /// How many mistakes there are beyond those.
    pub more_mistakes: u64,
}

/// Starts experiments; implemented beside the adapter host.
#[async_trait]
pub trait ExperimentLauncher: Send + Sync {
    /// Why nothing can be started, when nothing can.
    fn refusal(&self) -> Option<String>;
    /// Folders that a launch may name, or a folder below.
    fn roots(&self) -> Vec<String>;
    /// Resolves and checks an experiment; starts nothing.
    async fn review(&self, request: &LaunchRequest) -> Result<LaunchReview>;
    /// Starts what was reviewed without a mistake. Returns when it is under way.
    async fn start(
        &self,
        request: &LaunchRequest,
        plan: &LaunchPlan,
        owner: &str,
    ) -> Result<LaunchView>;
    /// Launches, newest first.
    fn list(&self) -> Vec<LaunchView>;
    /// One of them.
    fn get(&self, id: &str) -> Option<LaunchView>;
    /// Ends the preparation of a launch. Runs that are made already go on.
    async fn stop(&self, id: &str) -> Result<()>;
}

/// Stands where nothing is started.
#[derive(Debug)]
pub struct NoLauncher;

#[async_trait]
impl ExperimentLauncher for NoLauncher {
    fn refusal(&self) -> Option<String> {
        Some("this hub starts no programs".to_owned())
    }

    fn roots(&self) -> Vec<String> {
        Vec::new()
    }

    async fn review(&self, _request: &LaunchRequest) -> Result<LaunchReview> {
        Err(unsupported())
    }

    async fn start(
        &self,
        _request: &LaunchRequest,
        _plan: &LaunchPlan,
        _owner: &str,
    ) -> Result<LaunchView> {
        Err(unsupported())
    }

    fn list(&self) -> Vec<LaunchView> {
        Vec::new()
    }

    fn get(&self, _id: &str) -> Option<LaunchView> {
        None
    }

    async fn stop(&self, _id: &str) -> Result<()> {
        Err(unsupported())
    }
}

fn unsupported() -> Error {
    Error::new(ErrorKind::Unsupported, "this hub starts no programs")
}

impl Hub {
    /// Checks an experiment and, unless it is a dry run or has mistakes, starts it.
    ///
    /// # Errors
    /// `TooLarge` of its text; `Forbidden` when this hub starts nothing;
    /// `Unavailable` when too many are being prepared.
    pub async fn launch(&self, caller: &Caller, request: &LaunchRequest) -> Result<LaunchReply> {
        caller.require(Permission::Write)?;
        if request.text.len() > limits::LAUNCH_TEXT_MAX_BYTES {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "the text has {} bytes; an experiment that is launched has at most {}",
                    request.text.len(),
                    limits::LAUNCH_TEXT_MAX_BYTES
                ),
            ));
        }
        let launcher = Arc::clone(&self.launcher);
        let mut review = launcher.review(request).await?;
        if let Some(plan) = &mut review.plan {
            plan.warnings
                .extend(self.dataset_warning(&plan.config).await?);
        }
        let launch = match &review.plan {
            Some(plan) if request.mode != LaunchMode::DryRun => {
                if let Some(why) = launcher.refusal() {
                    return Err(Error::new(ErrorKind::Forbidden, why));
                }
                Some(launcher.start(request, plan, &caller.user.0).await?)
            }
            _ => None,
        };
        Ok(LaunchReply {
            plan: review.plan,
            mistakes: review.mistakes,
            more_mistakes: review.more_mistakes,
            launch,
        })
    }

    /// Says when the dataset that a config names is not registered; the command that prepares the
    /// experiment would end on it.
    async fn dataset_warning(&self, config: &serde_json::Value) -> Result<Option<String>> {
        let dataset = &config["dataset"];
        // A file that is named is registered on the way.
        let is_registered = dataset["path"].is_null();
        let Some(text) = dataset["name"].as_str().filter(|_| is_registered) else {
            return Ok(None);
        };
        let (name, version) = match text.split_once('@') {
            Some((name, version)) => (name, version.parse().ok()),
            None => (text, None),
        };
        let known = match name.parse() {
            Ok(name) => self.store.dataset_get(&name, version).await?.is_some(),
            Err(_) => false,
        };
        Ok((!known).then(|| {
            format!(
                "there is no registered dataset `{text}`; register it with `mlhub dataset add PATH --name {name}`"
            )
        }))
    }

    /// The newest launches, and what may be launched.
    pub fn launch_list(&self, caller: &Caller) -> Result<LaunchList> {
        caller.require(Permission::Read)?;
        Ok(LaunchList {
            launches: self.launcher.list(),
            refusal: self.launcher.refusal(),
            roots: self.launcher.roots(),
        })
    }

    /// One launch.
    pub fn launch_get(&self, caller: &Caller, id: &str) -> Result<LaunchView> {
        caller.require(Permission::Read)?;
        let found = self.launcher.get(id);
        found.ok_or_else(|| Error::not_found("launch", id))
    }

    /// Ends the preparation of a launch; one that has ended stays as it is.
    pub async fn launch_stop(&self, caller: &Caller, id: &str) -> Result<LaunchView> {
        caller.require(Permission::Write)?;
        self.launch_get(caller, id)?;
        self.launcher.stop(id).await?;
        self.launch_get(caller, id)
    }
}
