//! What a search asks of where a run's artifacts are. That is the place of its experiment,
//! its id and `/artifacts`, so that it asks something of the id.

use std::collections::BTreeSet;

use super::error::{Answer, Refusal};
use super::filter::{Clause, How, Operand};

/// Behind the id of a run.
const TAIL: &str = "/artifacts";
/// Patterns of ids that a pattern may come to.
const PATTERNS_MAX: usize = 32;

/// What is asked of the ids of runs.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ids {
    /// No run meets it.
    None,
    /// Every run does.
    All,
    /// This one does.
    Only(String),
    /// All but this one do.
    Not(String),
    /// Those that match one of the patterns do.
    Like(Vec<String>),
    /// The same in any case.
    Ilike(Vec<String>),
}

/// What a clause asks of the ids of runs whose artifacts are below `location`.
pub(super) fn ids(clause: &Clause, location: &str) -> Answer<Ids> {
    let Operand::Text(text) = &clause.value else {
        return Err(Refusal::invalid(
            "artifact_uri is compared with a text in quotes",
        ));
    };
    let root = format!("{}/", location.trim_end_matches('/'));
    let exact = || {
        let rest = text.strip_prefix(&root)?.strip_suffix(TAIL)?;
        Some(rest.to_owned())
    };
    match clause.how {
        How::Equal => Ok(exact().map_or(Ids::None, Ids::Only)),
        How::NotEqual => Ok(exact().map_or(Ids::All, Ids::Not)),
        How::Ilike => {
            let found = patterns(&text.to_lowercase(), &root.to_lowercase())?;
            Ok(met(found, Ids::Ilike))
        }
        _ => Ok(met(patterns(text, &root)?, Ids::Like)),
    }
}

fn met(patterns: Option<Vec<String>>, like: fn(Vec<String>) -> Ids) -> Ids {
    match patterns {
        None => Ids::All,
        Some(none) if none.is_empty() => Ids::None,
        Some(some) => like(some),
    }
}

/// The patterns of ids with which `root`, id and tail match a pattern; nothing when every
/// id does.
fn patterns(pattern: &str, root: &str) -> Answer<Option<Vec<String>>> {
    let pattern: Vec<char> = pattern.chars().collect();
    let starts = behind(&pattern, root);
    let backwards: Vec<char> = pattern.iter().rev().copied().collect();
    let tail: String = TAIL.chars().rev().collect();
    let ends = behind(&backwards, &tail);
    let mut found = BTreeSet::new();
    for start in &starts {
        for end in ends.iter().map(|end| pattern.len() - end) {
            let Some(part) = pattern.get(*start..end).filter(|part| !part.is_empty()) else {
                continue;
            };
            // An id has no slash.
            if part.contains(&'/') {
                continue;
            }
            if part.iter().all(|one| *one == '%') {
                return Ok(None);
            }
            found.insert(part.iter().collect::<String>());
            if found.len() > PATTERNS_MAX {
                return Err(Refusal::invalid(
                    "the pattern for artifact_uri can be met in too many ways; use fewer `%` and `_`",
                ));
            }
        }
    }
    Ok(Some(found.into_iter().collect()))
}

/// The places in a pattern up to which a text can have matched.
fn behind(pattern: &[char], text: &str) -> BTreeSet<usize> {
    let widen = |mut places: BTreeSet<usize>| {
        let mut at = places.clone();
        while let Some(place) = at.pop_first() {
            if pattern.get(place) == Some(&'%') && places.insert(place + 1) {
                at.insert(place + 1);
            }
        }
        places
    };
    let mut places = widen(BTreeSet::from([0]));
    for character in text.chars() {
        let step = |place: usize| match pattern.get(place) {
            Some('%') => Some(place),
            Some(one) if *one == '_' || *one == character => Some(place + 1),
            _ => None,
        };
        places = widen(places.into_iter().filter_map(step).collect());
    }
    places
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::comparison::like;
    use super::*;

    fn asked(how: How, text: &str) -> Ids {
        let clause = Clause {
            entity: None,
            key: "artifact_uri".to_owned(),
            how,
            value: Operand::Text(text.to_owned()),
        };
        ids(&clause, "mlflow-artifacts:/1").expect("ids")
    }

    #[test]
    fn what_is_asked_of_a_place_is_asked_of_an_id() {
        let uri = "mlflow-artifacts:/1/abc/artifacts";
        assert_eq!(asked(How::Equal, uri), Ids::Only("abc".to_owned()));
        assert_eq!(asked(How::NotEqual, uri), Ids::Not("abc".to_owned()));
        let other = "mlflow-artifacts:/2/abc/artifacts";
        assert_eq!(asked(How::Equal, other), Ids::None);
        assert_eq!(asked(How::NotEqual, other), Ids::All);
        assert_eq!(asked(How::Like, "%"), Ids::All);
        assert_eq!(asked(How::Like, "mlflow-artifacts:/1/%"), Ids::All);
        assert_eq!(asked(How::Like, "mlflow-artifacts:/2/%"), Ids::None);
        assert_eq!(asked(How::Like, "MLFLOW%"), Ids::None);
        assert_eq!(asked(How::Ilike, "MLFLOW%"), Ids::All);
        let ends = asked(How::Like, "%/abc/artifacts");
        assert_eq!(ends, Ids::Like(vec!["abc".to_owned()]));
        let hostile = "%_".repeat(200);
        let clause = Clause {
            entity: None,
            key: "artifact_uri".to_owned(),
            how: How::Like,
            value: Operand::Text(format!("{hostile}a%")),
        };
        assert!(ids(&clause, "mlflow-artifacts:/1").is_err());
    }

    proptest! {
        #[test]
        fn patterns_of_ids_are_those_of_the_whole(
            id in "[ab]{1,4}", pattern in "[ab%_/]{0,5}(/art|%|s)?"
        ) {
            let whole = format!("ab/{id}{TAIL}");
            if let Ok(found) = patterns(&pattern, "ab/") {
                let met = found.is_none_or(|all| all.iter().any(|one| like(&id, one)));
                prop_assert_eq!(met, like(&whole, &pattern), "{} {}", whole, pattern);
            }
        }
    }
}
