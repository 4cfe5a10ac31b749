//! Errors of experiment files: what is wrong, where, and what to do about it.
//!
//! Every error shows the line it means, with a caret. Values that stand behind
//! a secret-looking key are never shown. Nothing here decides what is wrong.

use std::fmt;

use serde::Serialize;

use crate::document::Span;
use crate::limits::{MAX_ERRORS, MAX_EXCERPT_CHARS};
use crate::secret::{mask_assignments, printable_line};

/// The class of a mistake, for programs that react to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text is not valid YAML, TOML or JSON.
    Syntax,
    /// A named bound was passed.
    Limit,
    /// The same key twice in one mapping.
    DuplicateKey,
    /// A key nobody reads.
    UnknownKey,
    /// A required key is missing.
    MissingKey,
    /// A value of the wrong type.
    WrongType,
    /// A value of the right type that cannot be.
    InvalidValue,
    /// An override that cannot be read or applied.
    Override,
    /// The adapter is not the one asked for, or its own schema is broken.
    Adapter,
}

/// One line of the source with a mark under the part that is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Excerpt {
    /// 1-based line; 0 for texts without lines, such as an override.
    line: u32,
    text: String,
    /// 0-based character of `text` where the mark starts.
    mark_start: usize,
    mark_width: usize,
    label: String,
}

/// All of one error; [`ConfigError`] keeps it behind a pointer so results stay small.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Detail {
    pub(crate) kind: ErrorKind,
    /// File name, or the override, or the adapter that the mistake is in.
    pub(crate) source: String,
    pub(crate) line: Option<u32>,
    pub(crate) column: Option<u32>,
    pub(crate) path: String,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    #[serde(skip)]
    pub(crate) excerpts: Vec<Excerpt>,
}

/// One mistake in an experiment file, an override or an adapter's settings.
///
/// Displays as one paragraph with an excerpt. Serialises to `kind`, `source`,
/// `line`, `column`, `path`, `message` and `help`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ConfigError {
    detail: Box<Detail>,
}

impl ConfigError {
    pub(crate) fn new(detail: Detail) -> Self {
        Self {
            detail: Box::new(detail),
        }
    }

    /// The class of the mistake.
    pub fn kind(&self) -> ErrorKind {
        self.detail.kind
    }

    /// The file, override or adapter it is in.
    pub fn source_name(&self) -> &str {
        &self.detail.source
    }

    /// The 1-based line, if it is in a file.
    pub fn line(&self) -> Option<u32> {
        self.detail.line
    }

    /// The 1-based column in characters, if it is in a file.
    pub fn column(&self) -> Option<u32> {
        self.detail.column
    }

    /// The dotted path of the value, empty for the file as a whole.
    pub fn path(&self) -> &str {
        &self.detail.path
    }

    /// What is wrong, in one sentence.
    pub fn message(&self) -> &str {
        &self.detail.message
    }

    /// What to do about it.
    pub fn help(&self) -> Option<&str> {
        self.detail.help.as_deref()
    }
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let detail = &self.detail;
        write!(f, "{}", detail.message)?;
        let widest = detail
            .excerpts
            .iter()
            .map(|excerpt| excerpt.line)
            .max()
            .unwrap_or(0);
        let gutter = if widest == 0 {
            1
        } else {
            widest.to_string().len()
        };
        write!(f, "\n{:gutter$}--> {}", "", detail.source)?;
        if let (Some(line), Some(column)) = (detail.line, detail.column) {
            write!(f, ":{line}:{column}")?;
        }
        for (index, excerpt) in detail.excerpts.iter().enumerate() {
            if index > 0 && excerpt.line != detail.excerpts[index - 1].line + 1 {
                write!(f, "\n...")?;
            } else if index == 0 {
                write!(f, "\n{:gutter$} |", "")?;
            }
            let number = if excerpt.line == 0 {
                String::new()
            } else {
                excerpt.line.to_string()
            };
            write!(f, "\n{number:>gutter$} | {}", excerpt.text)?;
            let mark = "^".repeat(excerpt.mark_width);
            let label = if excerpt.label.is_empty() {
                String::new()
            } else {
                format!(" {}", excerpt.label)
            };
            write!(
                f,
                "\n{:gutter$} | {:start$}{mark}{label}",
                "",
                "",
                start = excerpt.mark_start
            )?;
        }
        match &detail.help {
            Some(help) => write!(f, "\n{:gutter$} = help: {help}", ""),
            None => Ok(()),
        }
    }
}

/// The mistakes of one file, in the order they were found; never empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigErrors {
    errors: Vec<ConfigError>,
    /// How many more there were than [`MAX_ERRORS`].
    more: usize,
}

impl ConfigErrors {
    /// The mistakes kept, at most [`MAX_ERRORS`].
    pub fn errors(&self) -> &[ConfigError] {
        &self.errors
    }

    /// How many mistakes were found beyond those kept.
    pub fn more(&self) -> usize {
        self.more
    }
}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        Self {
            errors: vec![error],
            more: 0,
        }
    }
}

impl std::error::Error for ConfigErrors {}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            write!(f, "{}{error}", if index == 0 { "" } else { "\n\n" })?;
        }
        match self.more {
            0 => Ok(()),
            more => write!(f, "\n\nand {more} more; fix these first"),
        }
    }
}

/// Gathers mistakes up to [`MAX_ERRORS`] and counts the rest.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    errors: Vec<ConfigError>,
    more: usize,
}

impl Collector {
    pub(crate) fn push(&mut self, error: ConfigError) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(error);
        } else {
            self.more += 1;
        }
    }

    /// Whether no more mistakes are kept; counts the one at hand if so.
    ///
    /// Asked before a mistake is put into words: a file of a hundred thousand
    /// mistakes must not cost as many excerpts.
    pub(crate) fn overflows(&mut self) -> bool {
        let full = self.errors.len() >= MAX_ERRORS;
        self.more += usize::from(full);
        full
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    /// `value` if nothing went wrong; a `None` without an error would be a defect of this crate.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<T, ConfigErrors> {
        match value {
            Some(value) if self.errors.is_empty() => Ok(value),
            _ => Err(ConfigErrors {
                errors: self.errors,
                more: self.more,
            }),
        }
    }
}

/// An excerpt of `text` with `span` marked.
pub(crate) fn excerpt(text: &str, span: Span, label: impl Into<String>) -> Excerpt {
    let lines: Vec<&str> = text.lines().collect();
    let index = (span.line as usize).saturating_sub(1);
    build_excerpt(
        span.line,
        &printable_line(&lines, index),
        span,
        label.into(),
    )
}

/// An excerpt of a one-line text that is no file: line numbers are left out.
pub(crate) fn excerpt_unnumbered(text: &str, span: Span, label: impl Into<String>) -> Excerpt {
    let line = text.lines().next().unwrap_or_default();
    build_excerpt(0, &mask_assignments(line), span, label.into())
}

fn build_excerpt(line: u32, text: &str, span: Span, label: String) -> Excerpt {
    let all: Vec<char> = printable(text).chars().collect();
    let column = (span.column as usize).saturating_sub(1).min(all.len());
    // A long line is cut to a window that holds the mark.
    let first = if all.len() <= MAX_EXCERPT_CHARS {
        0
    } else {
        column.saturating_sub(MAX_EXCERPT_CHARS / 2)
    };
    let last = all.len().min(first + MAX_EXCERPT_CHARS);
    let text: String = all[first..last].iter().collect();
    let mark_start = column - first;
    let room = (last - first).saturating_sub(mark_start).max(1);
    Excerpt {
        line,
        text,
        mark_start,
        mark_width: (span.width as usize).clamp(1, room),
        label,
    }
}

/// Text that a terminal cannot be tricked with: control and direction-changing characters become `?`.
pub(crate) fn printable(text: &str) -> String {
    let safe = |c: char| match c {
        '\t' => ' ',
        c if c.is_control() => '?',
        '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}'
        | '\u{feff}' => '?',
        c => c,
    };
    text.chars().map(safe).collect()
}

/// A key or path in back ticks, safe to print and cut to a sane length.
pub(crate) fn quote(text: &str) -> String {
    const MAX_QUOTED_CHARS: usize = 80;
    let safe = printable(text);
    if safe.chars().count() <= MAX_QUOTED_CHARS {
        return format!("`{safe}`");
    }
    format!(
        "`{}...`",
        safe.chars().take(MAX_QUOTED_CHARS).collect::<String>()
    )
}
