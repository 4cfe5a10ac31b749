//! What is looked for in the output of one run: where a secret may begin (triggers), and
//! the run's own secrets.
//!
//! Triggers are found by one automaton over the whole text; what stands at one is judged in
//! `judge.rs`. Entropy is not looked at: hashes, ids and encoded images are ordinary output.

use std::collections::BTreeMap;
use std::path::Path;

use mlhub_config::{TOKEN_SHAPES, looks_secret};
use regex::bytes::{Regex, RegexBuilder};

/// A secret of the environment that is shorter is a word of the language.
pub(crate) const ENV_SECRET_MIN_BYTES: usize = 8;
/// A longer one is looked for in pieces of this size.
pub(crate) const ENV_PIECE_MAX_BYTES: usize = 1024;
/// Pieces of secrets of the environment that are looked for.
pub(crate) const ENV_PIECES_MAX: usize = 256;
/// Bytes of the compiled automaton at most.
const TRIGGERS_MAX_BYTES: usize = 16 * 1024 * 1024;
/// Variables that are named like a password and hold the working directory.
const WORKING_DIRECTORY: [&str; 2] = ["PWD", "OLDPWD"];

/// Where a URL may have a password.
pub(crate) const URL: &[u8] = b"://";
/// Where a private key may begin.
pub(crate) const BLOCK: &[u8] = b"-----BEGIN ";
/// How words in the names of secrets begin, in lower case: `looks_secret` has the last word.
const NAME_WORDS: [&str; 9] = [
    "pass", "pwd", "secr", "toke", "cred", "bear", "auth", "cook", "key",
];
/// Bytes of a trigger at most: short ones are found many at a time.
const TRIGGER_MAX_BYTES: usize = 4;

/// A secret of the environment, or a piece of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Literal {
    pub(crate) bytes: Vec<u8>,
    /// What stands in its place: the variable's name.
    pub(crate) kind: String,
}

/// What is looked for.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    /// Finds triggers in text that was put into lower case.
    triggers: Regex,
    /// Longest first.
    pub(crate) literals: Vec<Literal>,
    /// The triggers, in lower case.
    beginnings: Vec<Vec<u8>>,
}

impl Rules {
    /// For a program with this environment.
    ///
    /// # Errors
    /// When its secrets make an automaton past the bound.
    pub(crate) fn new(environment: &BTreeMap<String, String>) -> Result<Self, regex::Error> {
        let literals = literals(environment);
        let shapes = TOKEN_SHAPES.iter().map(|shape| shape.prefix.as_bytes());
        let names = NAME_WORDS.iter().map(|word| word.as_bytes());
        let own = literals.iter().map(|one| one.bytes.as_slice());
        let mut beginnings: Vec<Vec<u8>> = own
            .chain(shapes)
            .chain([URL, BLOCK])
            .chain(names)
            .map(|bytes| bytes[..bytes.len().min(TRIGGER_MAX_BYTES)].to_ascii_lowercase())
            .collect();
        beginnings.sort_unstable();
        beginnings.dedup();
        let escaped = |bytes: &Vec<u8>| -> String {
            bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect()
        };
        let pattern: Vec<String> = beginnings.iter().map(escaped).collect();
        let triggers = RegexBuilder::new(&pattern.join("|"))
            .unicode(false)
            .size_limit(TRIGGERS_MAX_BYTES)
            .build()?;
        Ok(Self {
            triggers,
            literals,
            beginnings,
        })
    }

    /// Where the next trigger begins in `folded`, which is in lower case.
    pub(crate) fn next(&self, folded: &[u8], from: usize) -> Option<usize> {
        self.triggers
            .find_at(folded, from)
            .map(|found| found.start())
    }

    /// Where at the end of `folded` something stands that may become a trigger.
    pub(crate) fn unfinished(&self, folded: &[u8]) -> usize {
        let from = folded.len().saturating_sub(TRIGGER_MAX_BYTES - 1);
        let begins = |tail: &[u8]| {
            let longer = |one: &&Vec<u8>| one.len() > tail.len();
            self.beginnings
                .iter()
                .filter(longer)
                .any(|one| one.starts_with(tail))
        };
        (from..folded.len())
            .find(|at| begins(&folded[*at..]))
            .unwrap_or(folded.len())
    }
}

/// Whether the name of a secret may be told by what stands here.
pub(crate) fn begins_name(bytes: &[u8]) -> bool {
    NAME_WORDS.iter().any(|word| {
        bytes
            .get(..word.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(word.as_bytes()))
    })
}

/// The secrets of an environment: what has the name of one, is long enough, and is not the
/// path of something that is there.
fn literals(environment: &BTreeMap<String, String>) -> Vec<Literal> {
    let mut found = Vec::new();
    for (name, value) in environment {
        let innocent = WORKING_DIRECTORY.contains(&name.as_str())
            || (value.starts_with('/') && Path::new(value).exists());
        if !looks_secret(name) || innocent {
            continue;
        }
        for line in value.lines().map(str::trim) {
            for piece in pieces(line.as_bytes()) {
                found.push(Literal {
                    bytes: piece.to_vec(),
                    kind: format!("the value of {name}"),
                });
            }
        }
    }
    found.sort_by(|a, b| {
        b.bytes
            .len()
            .cmp(&a.bytes.len())
            .then(a.bytes.cmp(&b.bytes))
    });
    found.dedup_by(|a, b| a.bytes == b.bytes);
    found.truncate(ENV_PIECES_MAX);
    found
}

/// A line whole, or in pieces that are all long enough.
fn pieces(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let count = line.len().div_ceil(ENV_PIECE_MAX_BYTES);
    (0..count)
        .map(move |index| {
            let end = ((index + 1) * ENV_PIECE_MAX_BYTES).min(line.len());
            // The last piece reaches back rather than being short.
            let start = (index * ENV_PIECE_MAX_BYTES).min(end.saturating_sub(ENV_SECRET_MIN_BYTES));
            &line[start..end]
        })
        .filter(|piece| piece.len() >= ENV_SECRET_MIN_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pairs: &[(&str, &str)]) -> Vec<String> {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        literals(&pairs.iter().map(pair).collect())
            .into_iter()
            .map(|one| String::from_utf8(one.bytes).expect("text"))
            .collect()
    }

    #[test]
    fn secrets_of_the_environment_go_by_name_and_length() {
        assert_eq!(
            found(&[
                ("HF_TOKEN", "zxcvbnm1"),
                ("DB_PASSWORD", "short"),
                ("THREADS", "12345678"),
                ("PWD", "/nowhere/at/all"),
                ("GOOGLE_APPLICATION_CREDENTIALS", "/etc"),
                ("CREDENTIALS", "/etc/no-such-file"),
            ]),
            ["/etc/no-such-file", "zxcvbnm1"]
        );
    }

    #[test]
    fn lines_and_pieces_of_a_long_secret_are_looked_for() {
        let long = "abcdefgh".repeat(ENV_PIECE_MAX_BYTES / 8) + "tail";
        let text = format!("-----BEGIN X-----\nfirstline\n{long}\nend");
        let all = found(&[("KEY_SECRET", &text)]);
        assert_eq!(all.len(), 4, "{all:?}");
        assert!(all.contains(&"efghtail".to_owned()));
        assert!(all.contains(&"firstline".to_owned()));
    }

    #[test]
    fn what_may_become_a_trigger_is_known() {
        let environment = [("A_TOKEN".to_owned(), "Qwertzuiop".to_owned())];
        let rules = Rules::new(&environment.into()).expect("small");
        for (text, held) in [
            ("loss 0.5 gh", 2),
            ("x PAS", 3),
            ("Qwe", 3),
            ("---", 3),
            ("######", 0),
            ("done\n", 0),
        ] {
            let at = rules.unfinished(&text.as_bytes().to_ascii_lowercase());
            assert_eq!(text.len() - at, held, "{text}");
        }
    }
}
