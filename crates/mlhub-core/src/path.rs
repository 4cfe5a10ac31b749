//! The one opaque path type for artifacts.
//!
//! An [`ArtifactPath`] is a key in a table, never a place on a disk: artifacts
//! are stored by content hash. It can only be built by the normaliser here, so
//! holding one is proof that the checks were made. Decoding (percent, JSON) is
//! done once by the face that received it, never here.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::limits;

/// A normalised relative path with `/` between components.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ArtifactPath(String);

impl ArtifactPath {
    /// The path as text, `/` between components.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last component.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The file extension of the last component, if it has one.
    pub fn extension(&self) -> Option<&str> {
        match self.file_name().rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() => Some(extension),
            _ => None,
        }
    }
}

fn problem(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("it is empty");
    }
    if text.len() > limits::PATH_MAX_BYTES {
        return Some("it is longer than 4096 bytes");
    }
    if text.starts_with('/') || text.ends_with('/') {
        return Some("it starts or ends with `/`");
    }
    if text.contains('\\') {
        return Some("it has a backslash");
    }
    if text.chars().any(char::is_control) {
        return Some("it has a control character");
    }
    // A drive letter or a URI scheme in front would make it absolute elsewhere.
    if let Some((head, _)) = text.split_once(':')
        && !head.contains('/')
    {
        return Some("it has a `:` in its first component");
    }
    if text.split('/').count() > limits::PATH_MAX_COMPONENTS {
        return Some("it has more than 128 components");
    }
    text.split('/').find_map(component_problem)
}

fn component_problem(component: &str) -> Option<&'static str> {
    if component.is_empty() {
        Some("it has an empty component (`//`)")
    } else if component == "." || component == ".." {
        Some("it has a `.` or `..` component")
    } else if component.starts_with("..;") || component.starts_with(".;") {
        Some("it hides `..` behind a path parameter")
    } else if component.len() > limits::PATH_COMPONENT_MAX_BYTES {
        Some("it has a component longer than 255 bytes")
    } else if component.ends_with(' ') || component.ends_with('.') {
        Some("it has a component that ends with a space or a dot")
    } else {
        None
    }
}

impl FromStr for ArtifactPath {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        match problem(text) {
            None => Ok(Self(text.to_owned())),
            Some(problem) => Err(Error::invalid(format!(
                "not a usable artifact path: {problem}"
            ))),
        }
    }
}

impl TryFrom<String> for ArtifactPath {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<ArtifactPath> for String {
    fn from(path: ArtifactPath) -> Self {
        path.0
    }
}

impl fmt::Display for ArtifactPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn traversal_in_every_spelling_is_refused() {
        for text in [
            "../../etc/passwd",
            "/etc/passwd",
            "//etc/passwd",
            "a/../../b",
            "a/./b",
            "a//b",
            "a/..;/b",
            "..\\..\\x",
            "C:\\x",
            "C:x",
            "file:///etc",
            "s3://bucket/x",
            "a/",
            "x\0.png",
            "a.",
            "a ",
            "..",
            ".",
            "",
        ] {
            assert!(text.parse::<ArtifactPath>().is_err(), "{text:?}");
        }
        assert!(
            "a/".repeat(200)
                .trim_end_matches('/')
                .parse::<ArtifactPath>()
                .is_err()
        );
        assert!("x".repeat(256).parse::<ArtifactPath>().is_err());
    }

    #[test]
    fn literals_that_only_look_like_traversal_stay_literal() {
        for text in [
            "%2e%2e/x",
            "%252e%252e%252fx",
            "\u{2215}etc",
            "a\u{ff0f}b",
            "é",
            "e\u{301}",
        ] {
            assert_eq!(
                text.parse::<ArtifactPath>().expect("literal").as_str(),
                text
            );
        }
    }

    proptest! {
        #[test]
        fn an_accepted_path_never_leaves_a_root(text in "[a-z./;:% \\\\]{0,40}") {
            if let Ok(path) = text.parse::<ArtifactPath>() {
                let mut depth = 0i32;
                for component in std::path::Path::new(path.as_str()).components() {
                    match component {
                        std::path::Component::Normal(_) => depth += 1,
                        other => prop_assert!(false, "{:?}", other),
                    }
                }
                prop_assert!(depth > 0);
            }
        }
    }
}
