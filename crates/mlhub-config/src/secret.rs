//! What looks like a secret, and how it is kept out of storage and messages.
//!
//! A guard by name and by well-known shape, not a proof: a secret under an
//! innocent key passes. Nothing here reads the real environment.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::Value;

/// What stands in the place of a secret.
pub const REDACTED: &str = "[redacted]";

/// Words that make a key secret when they are one of its parts, or the end of one.
const SECRET_WORDS: [&str; 11] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "secrets",
    "token",
    "apikey",
    "credential",
    "credentials",
    "bearer",
];
/// Words that only count as a whole part: their endings are too common.
const SECRET_WHOLE_WORDS: [&str; 4] = ["auth", "authorization", "cookie", "pat"];
/// Words that make the part `key` right after them a secret.
const KEY_QUALIFIERS: [&str; 9] = [
    "api",
    "access",
    "private",
    "secret",
    "encryption",
    "signing",
    "service",
    "account",
    "license",
];
/// How well-known tokens begin.
const TOKEN_PREFIXES: [&str; 10] = [
    "ghp_",
    "gho_",
    "github_pat_",
    "glpat-",
    "hf_",
    "sk-",
    "xoxb-",
    "xoxp-",
    "AKIA",
    "eyJhbGci",
];

/// Whether a key names a secret: `HF_TOKEN`, `apiKey`, `PGPASSWORD`, `aws.secret-access-key`.
///
/// `max_tokens` and `tokenizer` do not.
pub fn looks_secret(key: &str) -> bool {
    let parts = words(key);
    let word = |part: &String| {
        SECRET_WHOLE_WORDS.contains(&part.as_str())
            || SECRET_WORDS.iter().any(|secret| part.ends_with(secret))
    };
    parts.iter().any(word)
        || parts
            .windows(2)
            .any(|pair| pair[1] == "key" && KEY_QUALIFIERS.contains(&pair[0].as_str()))
}

/// Whether a value is a secret by its shape: a known token, or a URL with a password in it.
fn looks_secret_value(value: &str) -> bool {
    if TOKEN_PREFIXES
        .iter()
        .any(|prefix| value.starts_with(prefix))
    {
        return true;
    }
    let authority = value
        .split_once("://")
        .and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
    authority
        .and_then(|authority| authority.rsplit_once('@'))
        .is_some_and(|(user, _)| user.contains(':'))
}

/// The lower-case parts of a key, split at punctuation and at `aB` humps.
fn words(key: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut previous_lower = false;
    for c in key.chars() {
        let hump = c.is_uppercase() && previous_lower;
        if hump || !c.is_alphanumeric() {
            parts.push(String::new());
        }
        if c.is_alphanumeric() {
            // The vector starts with one part and only grows.
            if let Some(part) = parts.last_mut() {
                part.extend(c.to_lowercase());
            }
        }
        previous_lower = c.is_lowercase() || c.is_ascii_digit();
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// Environment variables of a run. Showing or serialising them hides secrets; [`Variables::plain`] does not.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Wraps variables by name.
    pub fn new(variables: BTreeMap<String, String>) -> Self {
        Self(variables)
    }

    /// The real values, for starting the program and nothing else.
    pub fn plain(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    /// The variables with every secret replaced by [`REDACTED`].
    pub fn redacted(&self) -> BTreeMap<String, String> {
        let hide = |(name, value): (&String, &String)| {
            let secret = looks_secret(name) || looks_secret_value(value);
            (
                name.clone(),
                if secret {
                    REDACTED.to_owned()
                } else {
                    value.clone()
                },
            )
        };
        self.0.iter().map(hide).collect()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.redacted()).finish()
    }
}

impl Serialize for Variables {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.redacted().serialize(serializer)
    }
}

/// Replaces the secrets under `environment.variables` of a resolved config, in place.
///
/// Anything there that is not text is replaced too: it was never valid.
pub fn redact(document: &mut Value) {
    let Some(variables) = document
        .pointer_mut("/environment/variables")
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    for (name, value) in variables {
        let secret = value.as_str().is_none_or(looks_secret_value);
        if secret || looks_secret(name) {
            *value = REDACTED.into();
        }
    }
}

/// One line of a source as an error may show it: what follows a secret key is masked.
///
/// `lines` is the whole source, `index` the line wanted (0-based). A line inside
/// a block that belongs to a secret key is masked whole, as is one inside an
/// open multi-line string of a TOML file.
pub(crate) fn printable_line(lines: &[&str], index: usize) -> String {
    let line = lines.get(index).copied().unwrap_or_default();
    if belongs_to_secret_block(lines, index) || inside_long_string(&lines[..index.min(lines.len())])
    {
        return REDACTED.to_owned();
    }
    mask_assignments(line)
}

/// Masks everything after the first secret key on a line that has a value behind it.
pub(crate) fn mask_assignments(line: &str) -> String {
    let mut start = None;
    for (at, c) in line.char_indices().chain([(line.len(), ' ')]) {
        let in_key = c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        match (in_key, start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                start = None;
                if let Some(value_at) =
                    value_after(line, at).filter(|_| looks_secret(&line[from..at]))
                {
                    return format!("{}{REDACTED}", &line[..value_at]);
                }
            }
            _ => {}
        }
    }
    match line
        .split_whitespace()
        .any(|word| looks_secret_value(word.trim_matches(['"', '\'', ',', '}', ']'])))
    {
        true => REDACTED.to_owned(),
        false => line.to_owned(),
    }
}

/// Where the value of a key that ends at `end` begins, if one is there.
fn value_after(line: &str, end: usize) -> Option<usize> {
    let rest = &line[end..];
    let separator = rest.trim_start_matches(['"', '\'', ' ', '\t']);
    let value = separator.strip_prefix([':', '='])?;
    let value = value.trim_start();
    if value.is_empty() {
        None
    } else {
        Some(line.len() - value.len())
    }
}

fn belongs_to_secret_block(lines: &[&str], index: usize) -> bool {
    let indent_of = |line: &str| line.len() - line.trim_start().len();
    let Some(mut indent) = lines.get(index).map(|line| indent_of(line)) else {
        return false;
    };
    for line in lines[..index]
        .iter()
        .rev()
        .filter(|line| !line.trim().is_empty())
    {
        if indent == 0 {
            return false;
        }
        if indent_of(line) < indent {
            indent = indent_of(line);
            let key = line.split([':', '=']).next().unwrap_or_default();
            if looks_secret(key) {
                return true;
            }
        }
    }
    false
}

fn inside_long_string(before: &[&str]) -> bool {
    ["\"\"\"", "'''"].iter().any(|quote| {
        let count: usize = before.iter().map(|line| line.matches(quote).count()).sum();
        count % 2 == 1
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_keys_are_told_from_innocent_ones() {
        for key in [
            "HF_TOKEN",
            "api_key",
            "apiKey",
            "AWS_SECRET_ACCESS_KEY",
            "PGPASSWORD",
            "db.password",
            "auth",
            "WANDB_API_KEY",
            "client-secret",
        ] {
            assert!(looks_secret(key), "{key}");
        }
        for key in [
            "max_tokens",
            "tokenizer",
            "keyboard",
            "key",
            "author",
            "CUDA_VISIBLE_DEVICES",
            "pattern",
            "path",
        ] {
            assert!(!looks_secret(key), "{key}");
        }
    }

    #[test]
    fn variables_hide_secrets_everywhere_but_in_plain() {
        let variables = Variables::new(BTreeMap::from([
            ("HF_TOKEN".to_owned(), "hunter2".to_owned()),
            (
                "DATABASE".to_owned(),
                "postgres://me:hunter2@db/x".to_owned(),
            ),
            ("THREADS".to_owned(), "4".to_owned()),
        ]));
        let json = serde_json::to_string(&variables).expect("strings");
        assert!(!json.contains("hunter2") && !format!("{variables:?}").contains("hunter2"));
        assert!(json.contains("\"4\""));
        assert_eq!(variables.plain()["HF_TOKEN"], "hunter2");
    }

    #[test]
    fn lines_are_masked_after_a_secret_key() {
        assert_eq!(
            mask_assignments("{A: 1, api_key: hunter2}"),
            "{A: 1, api_key: [redacted]"
        );
        assert_eq!(
            mask_assignments("\"HF_TOKEN\" : \"hunter2\","),
            "\"HF_TOKEN\" : [redacted]"
        );
        assert_eq!(
            mask_assignments("env.API_TOKEN=hunter2"),
            "env.API_TOKEN=[redacted]"
        );
        assert_eq!(mask_assignments("url: https://me:hunter2@host/"), REDACTED);
        assert_eq!(mask_assignments("max_tokens: 5"), "max_tokens: 5");
        let lines = ["token: |", "  hunter2", "  more", "lr: 1"];
        assert_eq!(printable_line(&lines, 2), REDACTED);
        assert_eq!(printable_line(&lines, 3), "lr: 1");
    }

    #[test]
    fn redact_touches_environment_variables_only() {
        let mut document = serde_json::json!({
            "params": {"token": "word"}, "environment": {"variables": {"API_TOKEN": "hunter2", "A": "b"}}
        });
        redact(&mut document);
        assert_eq!(
            document,
            serde_json::json!({
                "params": {"token": "word"}, "environment": {"variables": {"API_TOKEN": REDACTED, "A": "b"}}
            })
        );
    }
}
