//! Reads a repository that knows nothing of the hub and proposes an experiment
//! file for it.
//!
//! Sources are read as text; nothing of the repository is imported or run here,
//! and of its data only names and sizes are told. Whatever is proposed names
//! the file and line it was found at.

mod call;
mod chance;
mod draft;
mod lex;
mod naming;
mod options;
mod printed;
mod propose;
mod python;
mod rank;
mod scan;
mod source;
#[cfg(test)]
mod tests;
mod values;
mod yaml_file;

use std::path::{Path, PathBuf};

use serde::Serialize;

pub use chance::chance_in;
pub use options::{OptionKind, ScriptOption};
pub use propose::Proposal;
pub use scan::{
    DATASETS_MAX, DEPTH_MAX, DatasetCandidate, ENTRIES_MAX, FILE_BYTES_MAX, PYTHON_FILES_MAX,
    TOTAL_BYTES_MAX,
};
pub use source::{SourceError, fetch};

use python::Facts;
use scan::TextFile;

/// Scripts that are told, best first.
const SCRIPTS_TOLD_MAX: usize = 5;

/// Where something was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// The file, from the repository's folder.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// What is there.
    pub what: String,
}

/// A Python file that may be the training script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RankedScript {
    /// Its path in the repository.
    pub path: String,
    /// Its points.
    pub score: i32,
    /// What the points are for.
    pub reasons: Vec<Evidence>,
}

/// What was found in a repository.
#[derive(Debug, Clone, Serialize)]
pub struct Findings {
    /// Frameworks by their first import.
    pub frameworks: Vec<Evidence>,
    /// The likeliest training scripts, best first.
    pub scripts: Vec<RankedScript>,
    /// Files and folders that may be datasets.
    pub datasets: Vec<DatasetCandidate>,
    /// Files that list the packages it needs.
    pub requirements: Vec<String>,
    /// Python files that were read.
    pub python_files: usize,
    /// Limits that were met: what was left out.
    pub limits: Vec<String>,
}

/// Why nothing can be proposed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OnboardError {
    /// No file looks like a training script.
    #[error(
        "no training script was found among {files} Python files; looked for a file that can be started (`if __name__ == \"__main__\"`, argparse, click, typer, Hydra, LightningCLI, HfArgumentParser) and that trains (a loop over epochs, calls of .fit() or .backward(), a Trainer, printed losses, `train` in its name); name it with --script FILE"
    )]
    NoScript {
        /// How many were read.
        files: usize,
    },
    /// The script that was named is not there.
    #[error("`{name}` is not a Python file of the repository that was read{}", hint.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    UnknownScript {
        /// What was named.
        name: String,
        /// The most similar one.
        hint: Option<String>,
    },
}

/// A repository that was looked at.
#[derive(Debug)]
pub struct Repository {
    root: PathBuf,
    /// What was found.
    pub findings: Findings,
    scripts: Vec<(String, Facts)>,
    /// The best training script.
    best: Option<String>,
    yaml: Vec<TextFile>,
}

impl Repository {
    /// Walks the folder and reads what tells of training.
    #[must_use]
    pub fn look(root: &Path) -> Self {
        let scan = scan::scan(root);
        let scripts: Vec<(String, Facts)> = scan
            .python
            .iter()
            .map(|file| (file.path.clone(), python::read(&file.text)))
            .collect();
        let (ranked, best) = ranked(&scripts);
        Self {
            root: root.to_owned(),
            findings: Findings {
                frameworks: frameworks(&scripts),
                scripts: ranked,
                datasets: scan.datasets,
                requirements: scan.requirements,
                python_files: scripts.len(),
                limits: scan.limits,
            },
            scripts,
            best,
            yaml: scan.yaml,
        }
    }

    /// Proposes an experiment for the best training script, or the one named.
    ///
    /// # Errors
    /// [`OnboardError`] when there is none.
    pub fn propose(&self, script: Option<&str>, file: &str) -> Result<Proposal, OnboardError> {
        let path = match script {
            Some(name) => name.strip_prefix("./").unwrap_or(name),
            None => self.best.as_deref().ok_or(OnboardError::NoScript {
                files: self.scripts.len(),
            })?,
        };
        let Some((path, facts)) = self.scripts.iter().find(|(known, _)| known == path) else {
            let known = self.scripts.iter().map(|(known, _)| known.as_str());
            return Err(OnboardError::UnknownScript {
                name: path.escape_debug().to_string(),
                hint: mlhub_config::suggest(path, known).map(str::to_owned),
            });
        };
        Ok(propose::propose(&propose::Subject {
            root: &self.root,
            path,
            facts,
            yaml: &self.yaml,
            datasets: &self.findings.datasets,
            file,
        }))
    }
}

/// The likeliest scripts, and the best one if it is good enough.
fn ranked(scripts: &[(String, Facts)]) -> (Vec<RankedScript>, Option<String>) {
    let mut scored: Vec<(String, rank::Score)> = scripts
        .iter()
        .map(|(path, facts)| (path.clone(), rank::score(path, facts)))
        .filter(|(_, score)| score.points > 0)
        .collect();
    scored.sort_by(|(path, score), (other, others)| {
        let depth = |path: &str| path.matches('/').count();
        (others.trains, others.points)
            .cmp(&(score.trains, score.points))
            .then_with(|| depth(path).cmp(&depth(other)))
            .then_with(|| path.cmp(other))
    });
    let best = scored
        .first()
        .filter(|(_, score)| score.trains && score.points >= rank::SCORE_MIN)
        .map(|(path, _)| path.clone());
    let told = scored
        .into_iter()
        .take(SCRIPTS_TOLD_MAX)
        .map(|(path, score)| RankedScript {
            path,
            score: score.points,
            reasons: score.reasons,
        })
        .collect();
    (told, best)
}

fn frameworks(scripts: &[(String, Facts)]) -> Vec<Evidence> {
    let mut found: Vec<Evidence> = Vec::new();
    for (module, name) in rank::FRAMEWORKS {
        let import = scripts.iter().find_map(|(path, facts)| {
            let import = facts.imports.iter().find(|import| import.what == module)?;
            Some((path, import.line))
        });
        if let Some((path, line)) = import
            && !found.iter().any(|known| known.what == name)
        {
            found.push(Evidence {
                file: path.clone(),
                line,
                what: name.to_owned(),
            });
        }
    }
    found
}
