//! The words of the registry: names of models and aliases, stages, and what a
//! version can be promoted to; each valid by construction.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::limits;

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $what:literal, $check:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// It as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(text: String) -> Result<Self> {
                match $check(&text) {
                    None => Ok(Self(text)),
                    Some(problem) => Err(Error::invalid(format!(
                        concat!("not a usable ", $what, ": {}"),
                        problem
                    ))),
                }
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_type!(
    /// The name of a registered model: 1 to [`limits::MODEL_NAME_MAX_CHARS`]
    /// characters without control characters, `/` and `:`. Compared byte by byte.
    ModelName, "name of a model", model_name_problem
);
text_type!(
    /// An alias of a version: letters, digits, `_`, `-` and `.`, and neither
    /// `latest` nor the number of a version.
    ModelAlias, "alias of a model", alias_problem
);

fn model_name_problem(text: &str) -> Option<String> {
    let count = text.chars().count();
    let problem = if text.trim().is_empty() {
        "it is empty".to_owned()
    } else if count > limits::MODEL_NAME_MAX_CHARS {
        format!(
            "it has {count} characters; at most {} are allowed",
            limits::MODEL_NAME_MAX_CHARS
        )
    } else if text.chars().any(char::is_control) {
        "it has a control character".to_owned()
    } else if text == "." || text == ".." {
        "it is `.` or `..`".to_owned()
    } else if text.contains(['/', ':']) {
        "it has a `/` or `:`".to_owned()
    } else {
        return None;
    };
    Some(problem)
}

fn alias_problem(text: &str) -> Option<String> {
    let plain = |char: char| char.is_alphanumeric() || "_-.".contains(char);
    let count = text.chars().count();
    let problem = if text.is_empty() {
        "it is empty".to_owned()
    } else if count > limits::MODEL_ALIAS_MAX_CHARS {
        format!(
            "it has {count} characters; at most {} are allowed",
            limits::MODEL_ALIAS_MAX_CHARS
        )
    } else if !text.chars().all(plain) {
        "it may have letters, digits, `_`, `-` and `.`".to_owned()
    } else if text.eq_ignore_ascii_case("latest") {
        "`latest` always is the newest version".to_owned()
    } else if is_numbered(text) {
        "it looks like the number of a version".to_owned()
    } else {
        return None;
    };
    Some(problem)
}

/// Whether the text is `v7` or `V7`.
fn is_numbered(text: &str) -> bool {
    let digits = text.strip_prefix(['v', 'V']).unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// How far a version got, as older clients tell it; aliases say more.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum ModelStage {
    /// None.
    #[default]
    None,
    /// It is tried out.
    Staging,
    /// It is in use.
    Production,
    /// It was in use.
    Archived,
}

impl ModelStage {
    /// The stage's name on every face.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Staging => "staging",
            Self::Production => "production",
            Self::Archived => "archived",
        }
    }
}

impl FromStr for ModelStage {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        [Self::None, Self::Staging, Self::Production, Self::Archived]
            .into_iter()
            .find(|stage| stage.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| {
                Error::invalid(format!(
                    "`{text}` is no stage: none, staging, production or archived is expected"
                ))
            })
    }
}

impl fmt::Display for ModelStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether the files of a version are there, as whoever registers it says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelStatus {
    /// They are.
    #[default]
    Ready,
    /// They are on their way.
    Pending,
    /// They did not arrive; a message says why.
    Failed,
}

impl ModelStatus {
    /// The status's name on every face.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Pending => "pending",
            Self::Failed => "failed",
        }
    }
}

impl FromStr for ModelStatus {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        [Self::Ready, Self::Pending, Self::Failed]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| {
                Error::invalid(format!(
                    "`{text}` is no status of a version: ready, pending or failed is expected"
                ))
            })
    }
}

/// What the text of a stage begins with, where an alias may stand too.
const STAGE_PREFIX: &str = "stage:";

/// What a version is promoted to: an alias, or `stage:production`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum PromotionTarget {
    /// One version has it.
    Alias(ModelAlias),
    /// Any number of versions are in it.
    Stage(ModelStage),
}

impl FromStr for PromotionTarget {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.strip_prefix(STAGE_PREFIX) {
            Some(stage) => stage.parse().map(Self::Stage),
            None => text.parse().map(Self::Alias),
        }
    }
}

impl TryFrom<String> for PromotionTarget {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<PromotionTarget> for String {
    fn from(target: PromotionTarget) -> Self {
        target.to_string()
    }
}

impl fmt::Display for PromotionTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alias(alias) => write!(f, "{alias}"),
            Self::Stage(stage) => write!(f, "{STAGE_PREFIX}{stage}"),
        }
    }
}

/// Which version of a model is meant: `latest`, `v7` (or `7`), or an alias, which
/// may stand behind `@`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelChoice {
    /// The one with the greatest number.
    Latest,
    /// This number.
    Number(u32),
    /// The one that has this alias.
    Alias(ModelAlias),
}

impl FromStr for ModelChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == "latest" {
            return Ok(Self::Latest);
        }
        if let Some(alias) = text.strip_prefix('@') {
            return alias.parse().map(Self::Alias);
        }
        let digits = text.strip_prefix('v').unwrap_or(text);
        match !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            true => digits.parse().map(Self::Number).map_err(|_| {
                Error::invalid(format!("a version has a number below 2^32, not `{text}`"))
            }),
            false => text.parse().map(Self::Alias),
        }
    }
}

impl fmt::Display for ModelChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("latest"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Alias(alias) => write!(f, "@{alias}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_models_are_any_printable_text_without_slash_and_colon() {
        for good in [
            "a",
            "Digits (v2) \u{e9}\u{1f680}",
            "a.b-c_d",
            &"\u{e9}".repeat(255),
        ] {
            assert_eq!(good.parse::<ModelName>().expect(good).as_str(), good);
        }
        for (bad, part) in [
            ("", "empty"),
            ("  ", "empty"),
            ("a/b", "`/`"),
            ("..", "`..`"),
            ("a:1", "`:`"),
            ("a\nb", "control"),
            (&"\u{e9}".repeat(256), "256 characters"),
        ] {
            let error = bad.parse::<ModelName>().expect_err(bad).to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn aliases_are_no_numbers_and_not_latest() {
        for good in [
            "champion",
            "a.b-c_d",
            "vx",
            "v",
            "7",
            "v1a",
            &"x".repeat(255),
        ] {
            assert_eq!(good.parse::<ModelAlias>().expect(good).as_str(), good);
        }
        for bad in [
            "",
            "latest",
            "Latest",
            "v7",
            "V07",
            "a b",
            "a:b",
            "a/b",
            &"x".repeat(256),
        ] {
            assert!(bad.parse::<ModelAlias>().is_err(), "{bad}");
        }
    }

    #[test]
    fn targets_and_choices_are_told_apart_by_their_text() {
        for text in ["champion", "stage:production", "stage:none"] {
            let target: PromotionTarget = text.parse().expect(text);
            assert_eq!(target.to_string(), text);
        }
        assert!("stage:gone".parse::<PromotionTarget>().is_err());
        assert_eq!(
            "Production".parse::<ModelStage>().expect("any case"),
            ModelStage::Production
        );
        let read = |text: &str| text.parse::<ModelChoice>().expect(text);
        assert_eq!(read("latest"), ModelChoice::Latest);
        assert_eq!(
            (read("7"), read("v7")),
            (ModelChoice::Number(7), ModelChoice::Number(7))
        );
        assert_eq!(read("@7").to_string(), "@7");
        assert_eq!(read("champion"), read("@champion"));
        for bad in ["", "4294967296", "@", "a b"] {
            assert!(bad.parse::<ModelChoice>().is_err(), "{bad}");
        }
    }
}
