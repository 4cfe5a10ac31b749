//! Patterns of metric names: `*` is any text, also with slashes, `?` any one
//! character; all else is itself. No classes, no escapes: names that hold a star
//! are asked for by name.

use mlhub_core::{Error, Result, limits};

/// Steps of matching one name at most grow with pattern times name; this bounds the pattern.
const PATTERN_MAX_CHARACTERS: usize = 512;

/// A pattern.
#[derive(Debug, Clone)]
pub(crate) struct Glob(Vec<char>);

impl Glob {
    /// Takes a pattern.
    pub(crate) fn new(text: &str) -> Result<Self> {
        let pattern: Vec<char> = text.chars().take(PATTERN_MAX_CHARACTERS + 1).collect();
        if pattern.len() > PATTERN_MAX_CHARACTERS || text.len() > limits::KEY_MAX_BYTES {
            return Err(Error::invalid(format!(
                "a pattern of metric names may have {PATTERN_MAX_CHARACTERS} characters"
            )));
        }
        Ok(Self(pattern))
    }

    /// Whether the whole name fits. Goes back to the last star only, which is enough.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let mut rest = name.chars();
        let mut at = 0;
        let mut star: Option<(usize, std::str::Chars<'_>)> = None;
        loop {
            if self.0.get(at) == Some(&'*') {
                at += 1;
                star = Some((at, rest.clone()));
                continue;
            }
            match (self.0.get(at), rest.next()) {
                (None, None) => return true,
                (Some(wanted), Some(found)) if *wanted == '?' || *wanted == found => at += 1,
                _ => {
                    let Some((after, from)) = &mut star else {
                        return false;
                    };
                    if from.next().is_none() {
                        return false;
                    }
                    at = *after;
                    rest = from.clone();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, without any cleverness.
    fn naive(pattern: &[char], name: &[char]) -> bool {
        match (pattern, name) {
            ([], []) => true,
            (['*', rest @ ..], _) => (0..=name.len()).any(|cut| naive(rest, &name[cut..])),
            (['?', rest @ ..], [_, after @ ..]) => naive(rest, after),
            ([wanted, rest @ ..], [found, after @ ..]) => wanted == found && naive(rest, after),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn matching_is_what_the_definition_says(pattern in "[ab/*?]{0,8}", name in "[ab/\u{e9}]{0,10}") {
            let plain = |text: &str| text.chars().collect::<Vec<char>>();
            let glob = Glob::new(&pattern).expect("short");
            prop_assert_eq!(glob.matches(&name), naive(&plain(&pattern), &plain(&name)));
        }
    }

    #[test]
    fn an_endless_pattern_is_refused() {
        assert!(Glob::new(&"*".repeat(PATTERN_MAX_CHARACTERS + 1)).is_err());
        assert!(Glob::new("val/*").expect("short").matches("val/loss/top"));
    }
}
