//! What made a reproduction come out otherwise: told from what differs between both records,
//! and from the other reproductions of the same run. Pure: nothing is read or run here.
//!
//! A part is blamed when the evidence leaves no other. What two records cannot tell apart stays
//! undecided, with the parts that are left named.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use mlhub_protocol::rest::Snapshot;
use serde_json::Value;

use crate::reproduction::ReproductionVerdict;

/// What of a machine can change numbers.
const MACHINE_KEYS: [&str; 7] = [
    "os",
    "kernel",
    "architecture",
    "processor",
    "cores",
    "gpus",
    "gpu_driver",
];

/// A part of a run that its numbers follow from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunPart {
    /// Commit, uncommitted changes, files that git does not know.
    Code,
    /// The adapter's files.
    Adapter,
    /// The resolved params and the task.
    Config,
    /// Packages, interpreter, the hub's own release.
    Environment,
    /// Rows and splits.
    Dataset,
    /// Processor, cores, kernel, GPUs and their driver.
    Machine,
}

impl RunPart {
    /// The name used in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Adapter => "adapter",
            Self::Config => "config",
            Self::Environment => "environment",
            Self::Dataset => "dataset",
            Self::Machine => "machine",
        }
    }
}

/// One thing that is not the same in two records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartDifference {
    /// The part it belongs to.
    pub part: RunPart,
    /// What it is: a package, a file, a param, `kernel`.
    pub name: String,
    /// In the earlier run.
    pub was: Option<String>,
    /// In the later one.
    pub is: Option<String>,
}

/// What made numbers differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// This part; of the machine, the hardware and what drives it.
    Part(RunPart),
    /// Chance: nothing differs, or the same came out otherwise twice.
    NotDeterministic,
    /// The evidence leaves several parts.
    Undecided,
}

impl Cause {
    /// The name used in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Part(RunPart::Machine) => "hardware",
            Self::Part(part) => part.as_str(),
            Self::NotDeterministic => "not_deterministic",
            Self::Undecided => "undecided",
        }
    }
}

/// What is known of why a reproduction came out as it did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attribution {
    /// None where the numbers agree, or nothing can be said yet.
    pub cause: Option<Cause>,
    /// Whether another reproduction that came out the same rules out chance and all other parts.
    pub is_confirmed: bool,
    /// Parts that may be the cause.
    pub suspects: Vec<RunPart>,
    /// All that differs between both records.
    pub differences: Vec<PartDifference>,
    /// It in words; empty where there is nothing to say.
    pub message: String,
}

/// Parts that are not as recorded, and what became of them: names and values.
type Changed<'a> = BTreeMap<RunPart, Vec<(&'a str, Option<&'a str>)>>;

/// A reproduction as evidence: its verdict, and what each part was that was not as recorded.
#[derive(Debug, Clone)]
pub(crate) struct Evidence {
    pub(crate) verdict: ReproductionVerdict,
    pub(crate) differences: Vec<PartDifference>,
}

impl Evidence {
    pub(crate) fn new(original: &Snapshot, later: &Snapshot, verdict: ReproductionVerdict) -> Self {
        Self {
            verdict,
            differences: part_differences(original, later),
        }
    }

    fn agrees(&self) -> bool {
        matches!(
            self.verdict,
            ReproductionVerdict::Identical | ReproductionVerdict::WithinTolerance
        )
    }

    /// What became of each part that is not as recorded; two reproductions with the same are alike.
    fn changed(&self) -> Changed<'_> {
        let mut parts = Changed::new();
        for one in &self.differences {
            let state = (one.name.as_str(), one.is.as_deref());
            parts.entry(one.part).or_default().push(state);
        }
        parts
    }
}

/// Why a reproduction came out as it did, given the others of the same run.
pub(crate) fn attribute(of: &Evidence, others: &[Evidence]) -> Attribution {
    let changed = of.changed();
    let differing: BTreeSet<RunPart> = changed.keys().copied().collect();
    let said = |cause, is_confirmed, suspects: &BTreeSet<RunPart>, message| Attribution {
        cause,
        is_confirmed,
        suspects: suspects.iter().copied().collect(),
        differences: of.differences.clone(),
        message,
    };
    let nobody = BTreeSet::new();
    if of.verdict != ReproductionVerdict::Diverged {
        let message = match of.agrees() && !differing.is_empty() {
            true => format!(
                "{} as recorded, and it makes no difference.",
                are_not(&differing)
            ),
            false => String::new(),
        };
        return said(None, false, &nobody, message);
    }
    let mut suspects = differing.clone();
    let mut same_came_out = false;
    // What was changed in this one and in those that diverged with less.
    let mut diverged = vec![changed.clone()];
    for other in others {
        let theirs = other.changed();
        let is_like = |part: &RunPart| theirs.get(part) == changed.get(part);
        if other.agrees() {
            same_came_out |= theirs == changed;
            // What they share makes no difference.
            suspects.retain(|part| !is_like(part));
        } else if other.verdict == ReproductionVerdict::Diverged {
            if theirs.is_empty() {
                return said(
                    Some(Cause::NotDeterministic),
                    true,
                    &nobody,
                    "Not deterministic: another reproduction diverged with everything as recorded; `mlhub doctor` on the experiment looks for the cause.".to_owned(),
                );
            }
            // Less was changed and it diverged all the same: the cause is among that.
            if theirs.keys().all(is_like) {
                suspects.retain(|part| theirs.contains_key(part));
                diverged.push(theirs);
            }
        }
    }
    if differing.is_empty() || same_came_out {
        let why = match same_came_out {
            true => "another reproduction under the same conditions came out as recorded",
            false => "it diverged with everything as recorded",
        };
        return said(
            Some(Cause::NotDeterministic),
            true,
            &nobody,
            format!(
                "Not deterministic: {why}; `mlhub doctor` on the experiment looks for the cause."
            ),
        );
    }
    let mut left = suspects.iter();
    let (Some(&part), None) = (left.next(), left.next()) else {
        // Each alone is harmless: together they are not.
        let suspects = if suspects.is_empty() {
            &differing
        } else {
            &suspects
        };
        let message = format!(
            "Undecided between {}: they differ together; reproduce it with fewer of them changed.",
            listed(suspects)
        );
        return said(Some(Cause::Undecided), false, suspects, message);
    };
    let mut agreeing = others.iter().filter(|other| other.agrees());
    let is_confirmed = agreeing.any(|other| {
        let theirs = other.changed();
        diverged
            .iter()
            .any(|ours| are_alike_but_for(part, ours, &theirs))
    });
    let cause = Cause::Part(part);
    let name = cause.as_str();
    let message = match is_confirmed {
        true => format!(
            "The cause is the {name}: with everything else alike, another reproduction came out as recorded."
        ),
        false => format!(
            "The {name} is what is left to differ. Whether it is chance instead is not known: reproduce it with everything else alike and the recorded {name}."
        ),
    };
    said(Some(cause), is_confirmed, &suspects, message)
}

/// Whether all parts but one became the same.
fn are_alike_but_for(part: RunPart, first: &Changed<'_>, second: &Changed<'_>) -> bool {
    let mut parts = first.keys().chain(second.keys());
    parts.all(|one| *one == part || first.get(one) == second.get(one))
}

/// `The code and the environment are not`, as a sentence begins.
fn are_not(parts: &BTreeSet<RunPart>) -> String {
    let verb = if parts.len() == 1 { "is" } else { "are" };
    let list = listed(parts);
    format!("T{} {verb} not", &list[1..])
}

/// `the code, the environment and the machine`.
fn listed(parts: &BTreeSet<RunPart>) -> String {
    let names: Vec<String> = parts
        .iter()
        .map(|part| format!("the {}", part.as_str()))
        .collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

/// The folder that an experiment was in.
#[must_use]
pub fn code_folder(code: &Value) -> PathBuf {
    Path::new(code["root"].as_str().unwrap_or_default())
        .join(code["folder"].as_str().unwrap_or_default())
}

/// Where a run's dataset and its split files were, which are no code although they may lie beside it.
#[must_use]
pub fn data_paths(snapshot: &Snapshot) -> Vec<PathBuf> {
    let folder = code_folder(&snapshot.code);
    let files = snapshot.config["dataset"]["split"]["files"].as_object();
    let named = files.into_iter().flat_map(|files| files.values());
    named
        .chain([
            &snapshot.config["dataset"]["path"],
            &snapshot.dataset["source"],
        ])
        .filter_map(Value::as_str)
        .map(|path| folder.join(path))
        .collect()
}

/// All that differs between the records of two runs and can change numbers, part by part.
#[must_use]
pub fn part_differences(original: &Snapshot, later: &Snapshot) -> Vec<PartDifference> {
    let mut found = Differences::default();
    found.code(original, later);
    let version = |of: &Snapshot| {
        let text = |key: &str| of.adapter[key].as_str().unwrap_or_default().to_owned();
        Value::from(format!("{}@{}", text("name"), text("version")))
    };
    if original.adapter["digest"] != later.adapter["digest"] {
        found.push(
            RunPart::Adapter,
            "files",
            &version(original),
            &version(later),
        );
    }
    found.keys(
        RunPart::Config,
        &original.config["params"],
        &later.config["params"],
    );
    found.compare(
        RunPart::Config,
        "evaluation.task",
        &original.config["evaluation"]["task"],
        &later.config["evaluation"]["task"],
    );
    let variables = |of: &Snapshot| of.config["environment"]["variables"].clone();
    found.keys(RunPart::Config, &variables(original), &variables(later));
    found.environment(original, later);
    let (was, is) = (&original.dataset, &later.dataset);
    found.compare(
        RunPart::Dataset,
        "rows",
        &was["fingerprint"],
        &is["fingerprint"],
    );
    let splits = |of: &Value| -> Value {
        let splits = of["splits"].as_object();
        splits
            .into_iter()
            .flatten()
            .map(|(name, split)| (name.clone(), split["fingerprint"].clone()))
            .collect()
    };
    found.keys(RunPart::Dataset, &splits(was), &splits(is));
    for key in MACHINE_KEYS {
        let (was, is) = (&original.machine[key], &later.machine[key]);
        found.compare(RunPart::Machine, key, was, is);
    }
    found.list
}

#[derive(Default)]
struct Differences {
    list: Vec<PartDifference>,
}

impl Differences {
    fn push(&mut self, part: RunPart, name: &str, was: &Value, is: &Value) {
        let text = |value: &Value| match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        self.list.push(PartDifference {
            part,
            name: name.to_owned(),
            was: text(was),
            is: text(is),
        });
    }

    fn compare(&mut self, part: RunPart, name: &str, was: &Value, is: &Value) {
        if was != is {
            self.push(part, name, was, is);
        }
    }

    /// The fields of two objects.
    fn keys(&mut self, part: RunPart, was: &Value, is: &Value) {
        let names = |of: &Value| {
            of.as_object()
                .into_iter()
                .flatten()
                .map(|(name, _)| name.clone())
                .collect::<Vec<_>>()
        };
        let all: BTreeSet<String> = names(was).into_iter().chain(names(is)).collect();
        for name in all {
            self.compare(part, &name, &was[&name], &is[&name]);
        }
    }

    /// Commit, uncommitted changes, and the files of the earlier run that git does not know.
    fn code(&mut self, original: &Snapshot, later: &Snapshot) {
        let (was, is) = (&original.code, &later.code);
        for key in ["commit", "patch_hash"] {
            self.compare(RunPart::Code, key, &was[key], &is[key]);
        }
        let (folder, data) = (code_folder(was), data_paths(original));
        for key in ["files", "untracked"] {
            for (name, hash) in was[key].as_object().into_iter().flatten() {
                let path = folder.join(name);
                let now = &is[key][name];
                // What is not kept with a run, such as its output, may be gone.
                let may_be_gone = now.is_null() && was["sources"][name].is_null();
                if !may_be_gone && !data.iter().any(|data| path.starts_with(data)) {
                    self.compare(RunPart::Code, name, hash, now);
                }
            }
        }
    }

    /// Packages by name; where they are the same or not recorded, what else tells both apart.
    fn environment(&mut self, original: &Snapshot, later: &Snapshot) {
        let release = |of: &Snapshot| of.machine["mlhub"].clone();
        self.compare(
            RunPart::Environment,
            "mlhub",
            &release(original),
            &release(later),
        );
        let (was, is) = (&original.environment, &later.environment);
        if was["fingerprint"] == is["fingerprint"] {
            return;
        }
        let list = |of: &Value| -> Vec<String> {
            serde_json::from_value(of["packages"].clone()).unwrap_or_default()
        };
        let changes = package_changes(&list(was), &list(is));
        let has_packages = !changes.is_empty();
        for change in changes {
            self.list.push(PartDifference {
                part: RunPart::Environment,
                name: change.name,
                was: change.was,
                is: change.is,
            });
        }
        let is_told = was["description"] != is["description"];
        match (has_packages, is_told) {
            (true, _) => {}
            (false, true) => self.push(
                RunPart::Environment,
                "description",
                &was["description"],
                &is["description"],
            ),
            (false, false) => self.push(
                RunPart::Environment,
                "fingerprint",
                &was["fingerprint"],
                &is["fingerprint"],
            ),
        }
    }
}

/// A package of which two environments have different versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageChange {
    /// Its name, lower case with dashes.
    pub name: String,
    /// The version before; none where it was not there.
    pub was: Option<String>,
    /// The version now; none where it is not there.
    pub is: Option<String>,
}

impl std::fmt::Display for PackageChange {
    /// `numpy 1.26.4 -> 1.26.3`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let version = |of: &Option<String>| of.clone().unwrap_or_else(|| "none".to_owned());
        write!(
            f,
            "{} {} -> {}",
            self.name,
            version(&self.was),
            version(&self.is)
        )
    }
}

/// The packages that are not the same in two lists of `name==version`, by name; none where
/// either list was not recorded.
#[must_use]
pub fn package_changes(before: &[String], now: &[String]) -> Vec<PackageChange> {
    if before.is_empty() || now.is_empty() {
        return Vec::new();
    }
    let split = |list: &[String]| -> BTreeMap<String, String> {
        list.iter()
            .filter_map(|entry| entry.split_once("=="))
            .map(|(name, version)| (name.to_lowercase().replace('_', "-"), version.to_owned()))
            .collect()
    };
    let (before, now) = (split(before), split(now));
    let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    names
        .into_iter()
        .filter(|name| before.get(*name) != now.get(*name))
        .map(|name| PackageChange {
            name: name.clone(),
            was: before.get(name).cloned(),
            is: now.get(name).cloned(),
        })
        .collect()
}

#[cfg(test)]
mod tests;
