//! How the values of a filter are compared, and patterns of `LIKE`.

/// How two things are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
    Ilike,
    In,
    NotIn,
    IsNull,
    IsNotNull,
}

/// The right side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operand {
    Number(f64),
    Text(String),
    Texts(Vec<String>),
    Nothing,
}

impl How {
    /// As the query language writes it; tests for null have no right side.
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Like => "like",
            Self::Ilike => "ilike",
            Self::In => "in",
            Self::NotIn => "not in",
            Self::IsNull => "is null",
            Self::IsNotNull => "is not null",
        }
    }

    /// Whether two numbers compare so.
    pub(super) fn numbers(self, left: f64, right: f64) -> bool {
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
            _ => false,
        }
    }

    /// Whether a text compares so with an operand.
    pub(super) fn texts(self, left: &str, right: &Operand) -> bool {
        match (self, right) {
            (Self::Equal, Operand::Text(right)) => left == right,
            (Self::NotEqual, Operand::Text(right)) => left != right,
            (Self::Like, Operand::Text(pattern)) => like(left, pattern),
            (Self::Ilike, Operand::Text(pattern)) => {
                like(&left.to_lowercase(), &pattern.to_lowercase())
            }
            (Self::In, Operand::Texts(all)) => all.iter().any(|one| one == left),
            (Self::NotIn, Operand::Texts(all)) => all.iter().all(|one| one != left),
            _ => false,
        }
    }
}

/// Whether the whole text matches a pattern of `%` (anything) and `_` (one character).
pub(super) fn like(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let pattern: Vec<char> = pattern.chars().collect();
    // Only the last `%` needs to be tried again, so this takes text times pattern at most.
    let (mut at, mut of) = (0, 0);
    let mut again: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(of) {
            Some('%') => {
                again = Some((of + 1, at));
                of += 1;
            }
            Some(&one) if one == '_' || one == text[at] => {
                at += 1;
                of += 1;
            }
            _ => {
                let Some((pattern_at, text_at)) = again else {
                    return false;
                };
                again = Some((pattern_at, text_at + 1));
                (of, at) = (pattern_at, text_at + 1);
            }
        }
    }
    pattern[of..].iter().all(|one| *one == '%')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn like_agrees_with_trying_everything(text in "[ab]{0,8}", pattern in "[ab%_]{0,6}") {
            fn slow(text: &[u8], pattern: &[u8]) -> bool {
                match pattern.split_first() {
                    None => text.is_empty(),
                    Some((b'%', rest)) => (0..=text.len()).any(|n| slow(&text[n..], rest)),
                    Some((one, rest)) => text.split_first().is_some_and(|(first, text)| {
                        (*one == b'_' || one == first) && slow(text, rest)
                    }),
                }
            }
            prop_assert_eq!(like(&text, &pattern), slow(text.as_bytes(), pattern.as_bytes()));
        }
    }
}
