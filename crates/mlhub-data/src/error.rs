//! The one error type of this crate. Every message says what is wrong, where (file, line or row,
//! column) and what to do, and never contains a value read from the data.

use std::fmt;
use std::path::Path;

/// The result of everything here that can fail.
pub type Result<T, E = DataError> = std::result::Result<T, E>;

/// Where in a file a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A line of a text file, counted from 1.
    Line(u64),
    /// A row of a binary file, counted from 0.
    Row(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Row(row) => write!(f, "row {row} (counted from 0)"),
        }
    }
}

/// A CSV record whose field count differs from the header's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RaggedLine {
    /// Line where the record starts, counted from 1.
    pub line: u64,
    /// Fields it has.
    pub fields: u64,
}

/// Why a dataset or prediction file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The operating system refused.
    #[error("{file}: cannot {operation}: {source}")]
    Io {
        /// File as the caller named it.
        file: String,
        /// What was attempted, as a verb phrase.
        operation: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The path is a folder, device or pipe where a file is needed, or the reverse.
    #[error("{file}: is {found}, but format {format} needs {needed}")]
    WrongKind {
        /// File as the caller named it.
        file: String,
        /// What it is.
        found: &'static str,
        /// What it should be.
        needed: &'static str,
        /// The format asked for.
        format: &'static str,
    },
    /// Neither the name nor the first bytes tell the format.
    #[error(
        "{file}: format not recognised from its name; name it .csv, .parquet, .jsonl or .npz, or state `format`"
    )]
    UnknownFormat {
        /// File as the caller named it.
        file: String,
    },
    /// The bytes are not of the format that the name or the caller states.
    #[error("{file}: not a {format} file: {problem}")]
    WrongFormat {
        /// File as the caller named it.
        file: String,
        /// The format asked for.
        format: &'static str,
        /// What the bytes look like.
        problem: String,
    },
    /// No bytes, no rows or no files.
    #[error("{file}: empty: {problem}")]
    Empty {
        /// File as the caller named it.
        file: String,
        /// What is missing.
        problem: &'static str,
    },
    /// Column names that are empty, repeated, or too long.
    #[error("{file}: header: {problem}")]
    Header {
        /// File as the caller named it.
        file: String,
        /// Which columns, and why.
        problem: String,
    },
    /// CSV records with the wrong number of fields.
    #[error("{file}: {count} ragged record(s): {}; fix these lines or quote fields that contain commas", ragged(*.expected, .examples, *.count))]
    Ragged {
        /// File as the caller named it.
        file: String,
        /// Fields in the header.
        expected: u64,
        /// Ragged records in the whole file.
        count: u64,
        /// The first of them.
        examples: Vec<RaggedLine>,
    },
    /// Bytes that are not UTF-8.
    #[error(
        "{file}: line {line}: invalid UTF-8 at byte {byte} of the line; save the file as UTF-8"
    )]
    Utf8 {
        /// File as the caller named it.
        file: String,
        /// Line, counted from 1.
        line: u64,
        /// Byte of the line, counted from 1.
        byte: u64,
    },
    /// A line or row that does not parse.
    #[error("{file}: {place}{}: {problem}", .column.map(|c| format!(", column {c}")).unwrap_or_default())]
    Malformed {
        /// File as the caller named it.
        file: String,
        /// Line or row.
        place: Place,
        /// Character position in the line, counted from 1.
        column: Option<u64>,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A binary file that is damaged or cut short.
    #[error("{file}: damaged: {problem}")]
    Corrupt {
        /// File as the caller named it.
        file: String,
        /// Which part of it, and how.
        problem: String,
    },
    /// Well-formed, but something this crate refuses on purpose.
    #[error("{file}: refused: {problem}")]
    Refused {
        /// File as the caller named it.
        file: String,
        /// What, why, and what to do instead.
        problem: String,
    },
    /// A named bound of [`crate::limits`] was passed.
    #[error("{file}: too large: {what}, the limit is {limit}")]
    Limit {
        /// File as the caller named it.
        file: String,
        /// What is too large.
        what: &'static str,
        /// The bound.
        limit: u64,
    },
    /// A column that is not there.
    #[error("{file}: no column `{column}`{}; columns: {}", .suggestion.as_ref().map(|s| format!(", did you mean `{s}`?")).unwrap_or_default(), .known)]
    UnknownColumn {
        /// File as the caller named it.
        file: String,
        /// The name asked for.
        column: String,
        /// The nearest name that exists.
        suggestion: Option<String>,
        /// The names that exist, shortened.
        known: String,
    },
    /// Cells that must not be empty.
    #[error("{file}: column `{column}`: {count} missing value(s), first at {}", places(.first))]
    MissingValues {
        /// File as the caller named it.
        file: String,
        /// The column.
        column: String,
        /// Missing values in the whole column.
        count: u64,
        /// The first of them.
        first: Vec<Place>,
    },
    /// A cell that must be a number.
    #[error("{file}: {place}, column `{column}`: not a number")]
    NotANumber {
        /// File as the caller named it.
        file: String,
        /// Line or row.
        place: Place,
        /// The column.
        column: String,
    },
    /// Bytes changed while they were read.
    #[error("{file}: changed while it was read; wait until it is written completely and try again")]
    ChangedWhileReading {
        /// File as the caller named it.
        file: String,
    },
    /// A split specification that cannot be carried out.
    #[error("split: {problem}")]
    Split {
        /// What is wrong and what to do.
        problem: String,
    },
}

impl DataError {
    /// Wraps an I/O error with the file and the operation.
    pub(crate) fn io(file: &str, operation: &'static str, source: std::io::Error) -> Self {
        Self::Io {
            file: file.to_owned(),
            operation,
            source,
        }
    }

    pub(crate) fn limit(file: &str, what: &'static str, limit: impl TryInto<u64>) -> Self {
        Self::Limit {
            file: file.to_owned(),
            what,
            limit: limit.try_into().unwrap_or(u64::MAX),
        }
    }

    pub(crate) fn corrupt(file: &str, problem: impl Into<String>) -> Self {
        Self::Corrupt {
            file: file.to_owned(),
            problem: problem.into(),
        }
    }

    pub(crate) fn refused(file: &str, problem: impl Into<String>) -> Self {
        Self::Refused {
            file: file.to_owned(),
            problem: problem.into(),
        }
    }

    pub(crate) fn split(problem: impl Into<String>) -> Self {
        Self::Split {
            problem: problem.into(),
        }
    }

    pub(crate) fn malformed(file: &str, place: Place, problem: impl Into<String>) -> Self {
        Self::Malformed {
            file: file.to_owned(),
            place,
            column: None,
            problem: problem.into(),
        }
    }

    /// The error for a column that is not among `known`, with the nearest name as a suggestion.
    pub(crate) fn unknown_column<'a>(
        file: &str,
        column: &str,
        known: impl Iterator<Item = &'a str> + Clone,
    ) -> Self {
        const LISTED_MAX: usize = 12;
        let suggestion = known
            .clone()
            .map(|name| {
                (
                    strsim::damerau_levenshtein(&name.to_lowercase(), &column.to_lowercase()),
                    name,
                )
            })
            .min()
            .filter(|(distance, _)| *distance <= 2.max(column.len() / 3))
            .map(|(_, name)| name.to_owned());
        let total = known.clone().count();
        let mut listed: Vec<String> = known
            .take(LISTED_MAX)
            .map(|name| format!("`{name}`"))
            .collect();
        if total > LISTED_MAX {
            listed.push(format!("and {} more", total - LISTED_MAX));
        }
        Self::UnknownColumn {
            file: file.to_owned(),
            column: column.to_owned(),
            suggestion,
            known: listed.join(", "),
        }
    }
}

/// The name under which errors speak of a path.
pub(crate) fn display(path: &Path) -> String {
    path.display().to_string()
}

fn ragged(expected: u64, examples: &[RaggedLine], count: u64) -> String {
    let mut parts: Vec<String> = examples
        .iter()
        .map(|line| format!("line {} has {} field(s)", line.line, line.fields))
        .collect();
    if count > examples.len() as u64 {
        parts.push(format!("and {} more", count - examples.len() as u64));
    }
    format!("{} where the header has {expected}", parts.join(", "))
}

fn places(first: &[Place]) -> String {
    first
        .iter()
        .map(Place::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
