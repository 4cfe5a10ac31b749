//! "Did you mean ...?": the nearest known word to one that is unknown.
//!
//! Only spelling is compared; meaning is not guessed.

/// The least similarity (Jaro-Winkler, 0 to 1) worth suggesting.
const MIN_SIMILARITY: f64 = 0.8;

/// The candidate that reads most like `word`, if any is near enough to be a slip of the hand.
///
/// Case, `-` and `_` do not count as differences. Ties go to the candidate that
/// comes first. An exact match is returned as it is.
pub fn suggest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let wanted = normalise(word);
    if wanted.is_empty() {
        return None;
    }
    let mut best: Option<(f64, &'c str)> = None;
    for candidate in candidates {
        let known = normalise(candidate);
        let similarity = similarity(&wanted, &known);
        if similarity >= MIN_SIMILARITY && best.is_none_or(|(top, _)| similarity > top) {
            best = Some((similarity, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Jaro-Winkler, with swapped neighbours and short words judged by edit distance too.
fn similarity(wanted: &str, known: &str) -> f64 {
    let edits = strsim::damerau_levenshtein(wanted, known);
    let longest = wanted.chars().count().max(known.chars().count());
    if edits == 0 {
        return 1.0;
    }
    // One slip in a word of three letters or more is worth showing although
    // Jaro-Winkler rates short words low.
    let slip = if edits == 1 && longest >= 3 {
        0.85
    } else {
        0.0
    };
    // Jaro-Winkler alone loves shared prefixes: `seed` and `sequence_length`.
    if edits * 2 > longest {
        return slip;
    }
    strsim::jaro_winkler(wanted, known).max(slip)
}

fn normalise(word: &str) -> String {
    word.chars()
        .filter(|c| !matches!(c, '-' | '_' | ' '))
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::suggest;

    #[test]
    fn finds_slips_of_the_hand() {
        let keys = ["split", "seed", "seeds", "learning_rate", "lr", "target"];
        assert_eq!(suggest("splitt", keys), Some("split"));
        assert_eq!(suggest("sede", keys), Some("seed"));
        assert_eq!(suggest("learning-rate", keys), Some("learning_rate"));
        assert_eq!(suggest("learnign_rate", keys), Some("learning_rate"));
        assert_eq!(suggest("Target", keys), Some("target"));
    }

    #[test]
    fn stays_silent_when_nothing_is_near() {
        assert_eq!(suggest("zebra", ["split", "seed"]), None);
        assert_eq!(suggest("", ["split", "seed"]), None);
        assert_eq!(suggest("sequence_length", ["seed"]), None);
    }
}
