//! `artifacts/export.json`: what a program found when it compared a model that it
//! exported with the original.
//!
//! Whether that is good enough is not decided here. The words are those of
//! `adapters/SPEC.md`.

use serde::{Deserialize, Serialize};

/// The version this crate reads.
pub const EXPORT_REPORT_VERSION: u32 = 1;
/// The report's path below the artifacts.
pub const EXPORT_REPORT: &str = "export.json";
/// The kind of artifacts that an export leaves.
pub const EXPORT_KIND: &str = "export";
/// The field to blame for a format that is not known.
pub const EXPORT_FORMAT_FIELD: &str = "export.format";
/// Characters in the name of a format.
const FORMAT_CHARS_MAX: usize = 40;

/// The report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExportReport {
    /// [`EXPORT_REPORT_VERSION`].
    pub version: u32,
    /// The format that was written.
    pub format: String,
    /// Generated inputs that were compared.
    pub compared_rows: u64,
    /// The largest difference of an output.
    pub max_abs_difference: f64,
    /// The difference that is allowed.
    pub tolerance: f64,
}

/// Whether a text can name a format: lower-case letters, digits, `_` and `-`. It
/// becomes a part of paths.
#[must_use]
pub fn is_format(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    !text.is_empty() && text.len() <= FORMAT_CHARS_MAX && text.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_plain_words() {
        assert!(is_format("onnx") && is_format("torch_script-2"));
        for bad in ["", "ONNX", "..", "a/b", "a b", &"x".repeat(41)] {
            assert!(!is_format(bad), "{bad}");
        }
    }
}
