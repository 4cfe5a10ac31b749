//! Category names as they are met, and their order once all are known.

use std::collections::HashMap;

/// A category as JSON writes it: a text or a whole number.
#[derive(serde::Deserialize)]
#[serde(untagged)]
pub(super) enum Name {
    Text(String),
    Whole(i64),
}

impl Name {
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Whole(number) => number.to_string(),
        }
    }
}

/// Names by the order in which they were first met.
#[derive(Default)]
pub(super) struct Names {
    places: HashMap<String, u32>,
}

impl Names {
    /// The place of a name; a new one gets the next.
    pub(super) fn place(&mut self, name: String) -> u32 {
        let next = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        *self.places.entry(name).or_insert(next)
    }

    /// The names sorted (by value when all are numbers), and where each place went.
    pub(super) fn sorted(self) -> (Vec<String>, Vec<u32>) {
        let value = |name: &str| name.parse::<f64>().ok().filter(|value| value.is_finite());
        let mut names: Vec<(String, u32)> = self.places.into_iter().collect();
        names.sort_unstable();
        if names.iter().all(|(name, _)| value(name).is_some()) {
            // Stable, so names of one value stay in the order of their text.
            names.sort_by(|(a, _), (b, _)| {
                value(a).unwrap_or(0.0).total_cmp(&value(b).unwrap_or(0.0))
            });
        }
        let mut moved = vec![0; names.len()];
        for (to, (_, from)) in (0_u32..).zip(&names) {
            moved[*from as usize] = to;
        }
        (names.into_iter().map(|(name, _)| name).collect(), moved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_sort_by_value_and_texts_by_letter() {
        let sorted = |names: &[&str]| {
            let mut met = Names::default();
            let places: Vec<u32> = names.iter().map(|n| met.place((*n).to_owned())).collect();
            let (labels, moved) = met.sorted();
            for (name, place) in names.iter().zip(places) {
                assert_eq!(labels[moved[place as usize] as usize], *name);
            }
            labels
        };
        assert_eq!(sorted(&["10", "9", "10", "-1"]), ["-1", "9", "10"]);
        assert_eq!(sorted(&["10", "9", "cat"]), ["10", "9", "cat"]);
        assert!(sorted(&[]).is_empty());
    }
}
