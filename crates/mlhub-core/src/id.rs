//! Identifiers and names, each valid by construction.
//!
//! Identifiers are opaque, never become parts of a file-system path that a
//! client chose, and carry no order: stores keep a sequence number for that.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::limits;
use crate::ports::Entropy;

/// Crockford's base 32, lower case: no `i`, `l`, `o`, `u`.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters in an identifier the hub makes: 60 bits of entropy.
const MADE_LENGTH: usize = 12;

fn make(entropy: &dyn Entropy) -> String {
    entropy
        .bytes()
        .iter()
        .take(MADE_LENGTH)
        .map(|byte| char::from(ALPHABET[usize::from(byte & 31)]))
        .collect()
}

fn check(kind: &str, text: &str) -> Result<()> {
    let length_ok = (4..=limits::ID_MAX_BYTES).contains(&text.len());
    let first_ok = text
        .as_bytes()
        .first()
        .is_some_and(u8::is_ascii_alphanumeric);
    let rest_ok = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if length_ok && first_ok && rest_ok {
        Ok(())
    } else {
        Err(Error::invalid(format!(
            "not a {kind} id: 4 to {} letters, digits, `-` and `_` are allowed, starting with a letter or digit",
            limits::ID_MAX_BYTES
        )))
    }
}

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Makes a fresh identifier of twelve characters.
            pub fn generate(entropy: &dyn Entropy) -> Self {
                Self(make(entropy))
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Error;
            fn from_str(text: &str) -> Result<Self> {
                check($kind, text)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;
            fn try_from(text: String) -> Result<Self> {
                check($kind, &text)?;
                Ok(Self(text))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id_type!(
    /// Identifies a run.
    RunId, "run"
);
id_type!(
    /// Identifies runs that differ only in their seed.
    GroupId, "group"
);
id_type!(
    /// Identifies one evaluation of one run on one split.
    EvaluationId, "evaluation"
);

id_type!(
    /// Identifies a saved view or report.
    DocumentId, "document"
);

id_type!(
    /// Identifies a registered model, whatever it is called.
    RegisteredModelId, "registered model"
);

id_type!(
    /// Identifies a logged model; [`LoggedModelId::of_run`] one that has a run of its own.
    LoggedModelId, "logged model"
);

impl LoggedModelId {
    /// The model whose files are all that a run is there for.
    ///
    /// # Errors
    /// `Invalid` when the run's id is too long for that.
    pub fn of_run(run: &RunId) -> Result<Self> {
        format!("m-{run}").parse()
    }
}

id_type!(
    /// Identifies a trace.
    TraceId, "trace"
);
id_type!(
    /// Identifies an assessment of a trace.
    AssessmentId, "assessment"
);

id_type!(
    /// Identifies an upload under way.
    UploadId, "upload"
);

/// A name a person gives: 1 to [`limits::NAME_MAX_BYTES`] bytes of UTF-8 without
/// control characters, `/`, or space at either end.
///
/// Names are compared byte by byte: two normal forms of one text are two names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for Name {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        let problem = if text.is_empty() {
            "it is empty"
        } else if text.len() > limits::NAME_MAX_BYTES {
            "it is longer than 500 bytes"
        } else if text.chars().any(char::is_control) {
            "it has a control character"
        } else if text.contains('/') {
            "it has a `/`"
        } else if text.trim() != text {
            "it starts or ends with a space"
        } else {
            return Ok(Self(text));
        };
        Err(Error::invalid(format!("not a usable name: {problem}")))
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);
    impl Entropy for Fixed {
        fn bytes(&self) -> [u8; 16] {
            [self.0; 16]
        }
    }

    #[test]
    fn made_ids_are_valid_ids() {
        for byte in 0..=255 {
            let id = RunId::generate(&Fixed(byte));
            assert_eq!(id.as_str().parse::<RunId>().expect("valid"), id);
            assert_eq!(id.as_str().len(), MADE_LENGTH);
        }
    }

    #[test]
    fn ids_that_could_be_paths_are_refused() {
        for text in [
            "", "abc", "../x", "a/b/c", "..%2f", "-abcd", "ab\0cd", "a b c d",
        ] {
            assert!(text.parse::<RunId>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn names_keep_their_bytes_and_refuse_control_characters() {
        let composed = "caf\u{e9}".parse::<Name>().expect("valid");
        let decomposed = "cafe\u{301}".parse::<Name>().expect("valid");
        assert_ne!(composed, decomposed);
        for text in ["", " a", "a ", "a\nb", "a\0", "a/b"] {
            assert!(text.parse::<Name>().is_err(), "{text:?}");
        }
        assert!("x".repeat(501).parse::<Name>().is_err());
    }
}
