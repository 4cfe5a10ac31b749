//! The promise of adapters that tell their libraries' defaults: an answer as it should be,
//! the same in two processes, that names its subject.

use mlhub_protocol::adapter::Capability;

use super::program::{Bench, Job};
use super::{Verdict, passed};
use crate::adapter::defaults;

/// Asks twice.
pub(super) fn defaults(bench: &mut Bench<'_>) -> Verdict {
    let job = Job {
        capability: Capability::Defaults,
        ..bench.smoke_job()
    };
    let mut answers = Vec::new();
    for label in ["defaults", "defaults-again"] {
        let outcome = bench.run(label, &job, None)?;
        if !outcome.finished() {
            return Err(format!("asked for defaults: {}", outcome.end()));
        }
        answers.push(defaults::answer(&outcome.dir).map_err(|error| error.to_string())?);
    }
    let [first, second] = answers.as_slice() else {
        return Err("it was not asked twice".to_owned());
    };
    if first.subject.trim().is_empty() {
        return Err(
            "the answer's `subject` is empty; name what takes the arguments, such as the path of a class"
                .to_owned(),
        );
    }
    if first != second {
        let differing = first
            .values
            .iter()
            .find(|(name, value)| second.values.get(*name) != Some(value));
        let what = differing.map_or("subject, libraries or names".to_owned(), |(name, _)| {
            format!("`{name}`")
        });
        return Err(format!(
            "two answers with the same params differ in {what}; equal defaults must be equal JSON in any process"
        ));
    }
    passed(format!(
        "{} defaults of {}, the same twice",
        first.values.len(),
        first.subject
    ))
}
