//! Names between two worlds. There an experiment has one name, in which anything may
//! stand; here it is in a project.
//!
//! `P/E` is the experiment `E` of the project `P`. Any other name is that of an
//! experiment in the project [`PROJECT`], where what a name here cannot hold is written
//! as `%XX`, so that no two names meet and each comes back as it was.

use mlhub_core::{Name, limits};

use super::error::{Answer, Refusal};

/// The project of experiments that name none.
pub(super) const PROJECT: &str = "default";
/// The experiment that is always there, with number 0.
pub(super) const DEFAULT: &str = "Default";
/// Characters in the name of an experiment.
const EXPERIMENT_MAX_CHARS: usize = 500;

/// The name itself, where it may hold nothing that cannot be a name.
fn name(text: &str) -> Option<Name> {
    text.parse().ok()
}

/// Where the experiment of a name is.
pub(super) fn place(text: &str) -> Answer<(Name, Name)> {
    if text.is_empty() {
        return Err(Refusal::invalid(
            "Invalid experiment name: ''. It must not be empty.",
        ));
    }
    if text.chars().count() > EXPERIMENT_MAX_CHARS {
        return Err(Refusal::invalid(format!(
            "'name' exceeds the maximum length of {EXPERIMENT_MAX_CHARS} characters"
        )));
    }
    if let Some((project, experiment)) = text.split_once('/')
        && project != PROJECT
        && let (Some(project), Some(experiment)) = (name(project), name(experiment))
    {
        return Ok((project, experiment));
    }
    let escaped = escape(text);
    let (Some(project), Some(experiment)) = (name(PROJECT), name(&escaped)) else {
        return Err(Refusal::invalid(format!(
            "the experiment name has {} bytes; at most {} can be kept",
            escaped.len(),
            limits::NAME_MAX_BYTES
        )));
    };
    Ok((project, experiment))
}

/// What an experiment is called there.
pub(super) fn title(project: &Name, experiment: &Name) -> String {
    match project.as_str() {
        PROJECT => unescape(experiment.as_str()),
        project => format!("{project}/{experiment}"),
    }
}

fn is_hex_pair(bytes: &[u8]) -> bool {
    matches!(bytes, [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit())
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let last = text.char_indices().last().map_or(0, |(at, _)| at);
    for (at, character) in text.char_indices() {
        let end = at + character.len_utf8();
        let edge = (at == 0 || at == last) && character.is_whitespace();
        let percent = character == '%' && is_hex_pair(&text.as_bytes()[end..]);
        if edge || percent || character == '/' || character.is_control() {
            for byte in &text.as_bytes()[at..end] {
                out.push_str(&format!("%{byte:02X}"));
            }
        } else {
            out.push(character);
        }
    }
    out
}

fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'%' && is_hex_pair(&bytes[at + 1..]))
            .then(|| u8::from_str_radix(&text[at + 1..at + 3], 16).ok())
            .flatten();
        match code {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    // A name that was made here may hold codes that are no text.
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

/// The name of a run here: its name there, with what cannot stand in one replaced.
pub(super) fn run_name(text: &str) -> Option<Name> {
    let plain: String = text
        .chars()
        .map(|character| match character {
            '/' => '_',
            other if other.is_control() => ' ',
            other => other,
        })
        .collect();
    let mut end = plain.len().min(limits::NAME_MAX_BYTES);
    while !plain.is_char_boundary(end) {
        end -= 1;
    }
    name(plain[..end].trim())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn there(text: &str) -> (String, String) {
        let (project, experiment) = place(text).expect("a place");
        (project.to_string(), experiment.to_string())
    }

    #[test]
    fn a_slash_names_the_project() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(there("flowers/trees"), pair("flowers", "trees"));
        assert_eq!(there("trees"), pair("default", "trees"));
        assert_eq!(there("default/x"), pair("default", "default%2Fx"));
        assert_eq!(there("/Users/ann/x"), pair("default", "%2FUsers%2Fann%2Fx"));
        assert_eq!(there("100% sure"), pair("default", "100% sure"));
        assert_eq!(there("a%2Fb"), pair("default", "a%252Fb"));
        assert!(place("").is_err());
        assert_eq!(there(&"x".repeat(500)).1.len(), 500);
        assert!(place(&"x".repeat(501)).is_err());
        assert!(place(&"é".repeat(251)).is_err());
    }

    #[test]
    fn names_of_runs_keep_what_they_can() {
        let name = |text| run_name(text).map(|name| name.to_string());
        assert_eq!(name("./results").as_deref(), Some("._results"));
        assert_eq!(name(" a\nb ").as_deref(), Some("a b"));
        assert_eq!(name(" \n"), None);
        assert_eq!(name(&"é".repeat(300)).map(|name| name.len()), Some(500));
    }

    proptest! {
        #[test]
        fn every_name_comes_back_and_no_two_meet(a in "[ab%2Ff/ .\u{7}é\u{2003}]{1,12}", b in "[ab%2Ff/ .\u{7}é\u{2003}]{1,12}") {
            let (place_a, place_b) = (place(&a).expect("a place"), place(&b).expect("a place"));
            prop_assert_eq!(title(&place_a.0, &place_a.1), a.clone());
            prop_assert_eq!(a == b, place_a == place_b);
        }
    }
}
