//! Metric definitions that an adapter brings: the rules they keep, and the digest of the
//! code behind each.
//!
//! What is hashed and stored as a definition is put together by the hub; how a metric is
//! computed is [`crate::custom_metric`].

use std::fs;
use std::io;
use std::path::Path;

use mlhub_core::limits::CUSTOM_DEFINITIONS_MAX;
use mlhub_protocol::adapter::{Capability, DefinitionSection, Manifest};

use super::files;
use super::manifest::Adapter;
use super::problem::Finding;
use super::rules::{DIRECTIONS, one_of};

/// Between the adapter's name and the metric's in the name of a definition.
pub const NAME_SEPARATOR: char = '.';
/// Tasks whose predictions can be handed to a program.
pub const TASKS: &[&str] = &[
    "binary",
    "multiclass",
    "multilabel",
    "regression",
    "ranking",
    "text",
    "clustering",
    "anomaly",
];
/// Characters of a whole name, as experiment files take them.
const NAME_CHARS_MAX: usize = 64;

impl Adapter {
    /// The name of a definition as experiments write it: `ADAPTER.NAME`.
    #[must_use]
    pub fn definition_name(&self, name: &str) -> String {
        whole_name(&self.manifest, name)
    }

    /// BLAKE3 over the command, the lock file and the files that compute a definition.
    ///
    /// # Errors
    /// I/O errors.
    pub fn definition_digest(&self, section: &DefinitionSection) -> io::Result<String> {
        let mut hasher = blake3::Hasher::new();
        for element in self.command(Capability::Metrics).into_iter().flatten() {
            files::hash_file(&mut hasher, b"command", element.as_bytes());
        }
        if section.code.is_empty() {
            files::hash_file(&mut hasher, b"adapter", self.digest.as_bytes());
            return Ok(hasher.finalize().to_hex().to_string());
        }
        if let Some((lock, _)) = self.lock_file() {
            let content = fs::read(self.dir.join(lock))?;
            files::hash_file(&mut hasher, b"lock", &content);
        }
        let mut code: Vec<&String> = section.code.iter().collect();
        code.sort();
        code.dedup();
        for file in code {
            let content = fs::read(self.dir.join(file))?;
            files::hash_file(&mut hasher, file.as_bytes(), &content);
        }
        Ok(hasher.finalize().to_hex().to_string())
    }
}

fn whole_name(manifest: &Manifest, name: &str) -> String {
    format!("{}{NAME_SEPARATOR}{name}", manifest.name)
}

/// The rules of the section `definitions`.
pub(super) fn check(dir: &Path, manifest: &Manifest) -> Result<(), Finding> {
    let can = manifest.capabilities.contains(&Capability::Metrics);
    let sections = &manifest.definitions;
    if can && sections.is_empty() {
        return Err(
            Finding::manifest("definitions", "capability `metrics` defines no metric").hint(
                "add `[definitions.NAME]` with version, tasks, direction, formula and source",
            ),
        );
    }
    if !can && !sections.is_empty() {
        return Err(Finding::manifest(
            "definitions",
            "definitions, but `metrics` is not among the capabilities",
        ));
    }
    if sections.len() > CUSTOM_DEFINITIONS_MAX {
        return Err(Finding::manifest(
            "definitions",
            format!(
                "{} definitions are more than {CUSTOM_DEFINITIONS_MAX}",
                sections.len()
            ),
        ));
    }
    let mut sections = sections.iter();
    sections.try_for_each(|(name, section)| definition(dir, manifest, name, section))
}

fn definition(
    dir: &Path,
    manifest: &Manifest,
    name: &str,
    section: &DefinitionSection,
) -> Result<(), Finding> {
    let place = format!("definitions.{name}");
    let at = |field: &str| format!("{place}.{field}");
    let word = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !word {
        let what = format!("`{}` is not the name of a metric", name.escape_debug());
        return Err(Finding::manifest(&place, what)
            .hint("names are lower-case letters, digits and `_`, and start with a letter"));
    }
    let whole = whole_name(manifest, name);
    if whole.len() > NAME_CHARS_MAX {
        let what = format!("the name `{whole}` has more than {NAME_CHARS_MAX} characters");
        return Err(Finding::manifest(&place, what));
    }
    if section.version == 0 {
        return Err(Finding::manifest(
            &at("version"),
            "versions are counted from 1",
        ));
    }
    if section.tasks.is_empty() {
        return Err(Finding::manifest(&at("tasks"), "it is defined for no task"));
    }
    for task in &section.tasks {
        one_of(&at("tasks"), task, TASKS)?;
    }
    one_of(&at("direction"), &section.direction, DIRECTIONS)?;
    let ends = [section.range.low, section.range.high];
    let ordered = match ends {
        [Some(low), Some(high)] => low < high,
        _ => true,
    };
    if !ordered || ends.iter().flatten().any(|end| !end.is_finite()) {
        return Err(Finding::manifest(
            &at("range"),
            "a range goes from a finite number up to another; leave an end out where there is none",
        ));
    }
    for (field, text) in [("formula", &section.formula), ("source", &section.source)] {
        if text.trim().is_empty() {
            return Err(Finding::manifest(&at(field), "it is empty"));
        }
    }
    for file in &section.code {
        files::file_inside(dir, file).map_err(|reason| Finding::manifest(&at("code"), reason))?;
    }
    Ok(())
}
