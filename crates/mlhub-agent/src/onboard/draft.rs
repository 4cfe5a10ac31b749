//! An experiment file of the `script` adapter while it is put together, and its
//! text.

use serde_json::Value;

use super::Evidence;
use super::scan::quoted;
use super::values;

/// Characters of a comment at most.
const COMMENT_CHARS_MAX: usize = 100;
/// Params that mean something to the `script` adapter.
const TAKEN: [&str; 2] = ["command", "metrics"];

/// A part of the file with what stands behind it as a comment.
#[derive(Debug)]
struct Commented<T> {
    value: T,
    comment: String,
}

/// What the file is made of.
#[derive(Debug, Default)]
pub(super) struct Draft {
    command: Vec<Commented<String>>,
    params: Vec<(String, Commented<Value>)>,
    metrics: Vec<Commented<String>>,
    pub(super) has_seed: bool,
    /// `--set` overrides of the smoke run.
    pub(super) smoke: Vec<String>,
    /// Params that need a value before it can run.
    pub(super) missing: Vec<String>,
    pub(super) notes: Vec<String>,
    pub(super) evidence: Vec<Evidence>,
}

impl Draft {
    /// An element of the command.
    pub(super) fn element(&mut self, text: impl Into<String>, comment: impl Into<String>) {
        self.command.push(Commented {
            value: text.into(),
            comment: comment.into(),
        });
    }

    /// A param, with the place it is from; returns the placeholder that stands for it.
    pub(super) fn param(&mut self, name: &str, value: Value, at: Evidence) -> String {
        let small = values::small(name, &value);
        let mut name = name.replace('.', "_");
        if TAKEN.contains(&name.as_str()) {
            name.insert_str(0, "option_");
        }
        if let Some(small) = small {
            self.smoke.push(format!("params.{name}={small}"));
        }
        let comment = format!("{}:{}: {}", at.file, at.line, at.what);
        let what = format!("param `{name}`: {}", at.what);
        self.evidence.push(Evidence { what, ..at });
        let placeholder = format!("{{params.{name}}}");
        self.params.push((name, Commented { value, comment }));
        placeholder
    }

    /// A pattern that reads metrics, with the place it is from.
    pub(super) fn metric(&mut self, pattern: String, at: Evidence) {
        self.metrics.push(Commented {
            value: pattern,
            comment: format!("{}:{}", at.file, at.line),
        });
        self.evidence.push(at);
    }

    pub(super) fn has_metrics(&self) -> bool {
        !self.metrics.is_empty()
    }

    /// The file's text.
    pub(super) fn text(&self, project: &str, name: &str, script: &str, file: &str) -> String {
        let mut text = format!(
            "# Proposed by `mlhub init` for {}: a comment says where a value is from.\n",
            one_line(script)
        );
        text.push_str(&format!("# A small run: {}\n", self.smoke_command(file)));
        for note in &self.notes {
            text.push_str(&format!("# Note: {}\n", one_line(note)));
        }
        text.push_str(&format!(
            "project: {}\nname: {}\nadapter: script\n",
            double_quoted(project),
            double_quoted(name)
        ));
        if self.has_seed {
            text.push_str("seeds: [1, 2, 3]\n");
        }
        text.push_str("params:\n  command:\n");
        for element in &self.command {
            let value = double_quoted(&element.value);
            text.push_str(&line(&format!("    - {value}"), &element.comment));
        }
        if self.has_metrics() {
            text.push_str("  metrics:\n");
        }
        for metric in &self.metrics {
            let pattern = metric.value.replace('\'', "''");
            text.push_str(&line(&format!("    - '{pattern}'"), &metric.comment));
        }
        for (name, param) in &self.params {
            let value = &param.value;
            text.push_str(&line(&format!("  {name}: {value}"), &param.comment));
        }
        text
    }

    /// The command that repeats the small run.
    pub(super) fn smoke_command(&self, file: &str) -> String {
        let mut command = format!("mlhub run {}", quoted(file));
        for set in &self.smoke {
            command.push_str(&format!(" --set {}", quoted(set)));
        }
        one_line_of(&command, usize::MAX)
    }
}

fn line(content: &str, comment: &str) -> String {
    if comment.is_empty() {
        format!("{content}\n")
    } else {
        format!("{content}  # {}\n", one_line(comment))
    }
}

/// JSON's form of a text is one of YAML's.
fn double_quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

/// A text of others as one short line.
pub(super) fn one_line(text: &str) -> String {
    one_line_of(text, COMMENT_CHARS_MAX)
}

fn one_line_of(text: &str, chars_max: usize) -> String {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    let line = words.join(" ");
    if line.chars().count() <= chars_max {
        return line.trim_end_matches(':').to_owned();
    }
    let cut: String = line.chars().take(chars_max).collect();
    format!("{cut}...")
}
