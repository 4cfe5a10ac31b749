//! Finding what somebody probably meant.

/// How alike two words must be, from 0 to 1.
const ALIKE: f64 = 0.72;
/// Candidates looked at for one suggestion.
const CANDIDATES_MAX: usize = 20_000;
/// Bytes of the longest word that is compared.
const WORD_MAX_BYTES: usize = 200;

/// The candidates most like `word`, best first, at most `limit`.
pub(crate) fn closest<'a>(
    word: &str,
    candidates: impl Iterator<Item = &'a str>,
    limit: usize,
) -> Vec<&'a str> {
    if word.len() > WORD_MAX_BYTES {
        return Vec::new();
    }
    let lower = word.to_lowercase();
    let mut found: Vec<(f64, &str)> = candidates
        .take(CANDIDATES_MAX)
        .filter(|candidate| candidate.len() <= WORD_MAX_BYTES)
        .map(|candidate| {
            let other = candidate.to_lowercase();
            let score = if other == lower {
                1.0
            } else {
                strsim::normalized_damerau_levenshtein(&lower, &other)
                    .max(strsim::jaro_winkler(&lower, &other) - 0.15)
            };
            (score, candidate)
        })
        .filter(|(score, _)| *score >= ALIKE)
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    found.truncate(limit);
    found.into_iter().map(|(_, candidate)| candidate).collect()
}

/// The one candidate most like `word`.
pub(crate) fn closest_one<'a>(
    word: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    closest(word, candidates, 1).into_iter().next()
}
