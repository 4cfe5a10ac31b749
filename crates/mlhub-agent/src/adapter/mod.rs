//! The adapter host: discovery, environments, launch preparation, conformance kit.
//!
//! The protocol in prose is `adapters/SPEC.md`; its wire types are
//! `mlhub_protocol::{adapter, run_dir, event}`. Model code is never imported or
//! run here: programs are started by [`crate::supervisor`].

mod add;
mod bundle;
mod catalog;
pub mod check;
mod config_file;
mod defaults;
mod definitions;
mod environment;
mod files;
mod kit;
mod launch;
#[cfg(test)]
mod launch_tests;
mod manifest;
mod own_python;
mod problem;
mod process;
mod python;
mod rules;
mod schema;
mod skeleton;
mod template;
mod venv;

pub use add::{AddError, add};
pub(crate) use add::{clone_repository, is_git_url};
pub use bundle::{Bundle, unpack_bundle};
pub use catalog::{ADAPTERS_DIR, Broken, Catalog, DiscoveryRoots, FindError, Shadowed, discover};
pub use check::{CheckOptions, CheckProgress, CheckReport, Step, StepStatus, check, promise};
pub use defaults::{DefaultsError, library_defaults};
pub use definitions::{NAME_SEPARATOR, TASKS};
pub use environment::{
    EnvError, EnvProgress, PreparedEnvironment, Replacement, prepare_environment,
    prepare_replacement,
};
pub use files::{MAX_ADAPTER_BYTES, MAX_ADAPTER_FILES, MAX_TEXT_BYTES};
pub use launch::{
    LaunchContext, LaunchError, LaunchPlan, MAX_COMMAND_BYTES, PASSED_VARIABLES, REFUSED_VARIABLES,
    launch_command,
};
pub use manifest::{Adapter, MANIFEST, Source};
pub use problem::{AdapterProblem, Part};
pub use skeleton::{Language, SkeletonError, new_skeleton};
pub use template::PLACEHOLDERS;
pub use venv::locked_packages;

/// The candidate most like `word`, when one is near enough to be meant.
fn near<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    mlhub_config::suggest(word, candidates)
}
