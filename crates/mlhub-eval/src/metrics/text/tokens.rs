//! Texts as words, in the four ways that the metrics' sources cut them.

/// White space as the references (written in Python) see it: with the separators U+001C to U+001F.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// Words between white space, as they are.
pub(super) fn words(text: &str) -> Vec<&str> {
    text.split(is_space)
        .filter(|word| !word.is_empty())
        .collect()
}

/// Words of the SQuAD evaluation: lower case, without ASCII punctuation and the articles
/// a, an, the.
pub(super) fn squad(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let mut kept = String::with_capacity(lower.len());
    let mut run = String::new();
    let end_run = |run: &mut String, kept: &mut String| {
        let is_article = matches!(run.as_str(), "a" | "an" | "the");
        kept.push_str(if is_article { " " } else { run.as_str() });
        run.clear();
    };
    for c in lower.chars().filter(|c| !c.is_ascii_punctuation()) {
        if c.is_alphanumeric() {
            run.push(c);
        } else {
            end_run(&mut run, &mut kept);
            kept.push(c);
        }
    }
    end_run(&mut run, &mut kept);
    words(&kept).into_iter().map(str::to_owned).collect()
}

/// Words of rouge-score without stemming: lower case, runs of a-z and 0-9.
pub(super) fn rouge(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    lower
        .split(|c| !is_word(c))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Tokens of `mteval-v13a`, as sacreBLEU's tokenizer `13a` makes them.
pub(super) fn mteval_13a(text: &str) -> Vec<String> {
    let mut line = text
        .trim_end_matches(is_space)
        .replace("<skipped>", "")
        .replace("-\n", "")
        .replace('\n', " ");
    // In this order: `&amp;lt;` becomes `<`.
    for (entity, character) in [
        ("&quot;", "\""),
        ("&amp;", "&"),
        ("&lt;", "<"),
        ("&gt;", ">"),
    ] {
        line = line.replace(entity, character);
    }
    let mut spaced: Vec<char> = vec![' '];
    for c in line.chars() {
        if is_symbol(c) {
            spaced.extend([' ', c, ' ']);
        } else {
            spaced.push(c);
        }
    }
    spaced.push(' ');
    let is_mark = |c: char| matches!(c, '.' | ',');
    let is_digit = |c: char| c.is_ascii_digit();
    let spaced = pairs(
        &spaced,
        |a, b| !is_digit(a) && is_mark(b),
        |a, b| [a, ' ', b, ' '],
    );
    let spaced = pairs(
        &spaced,
        |a, b| is_mark(a) && !is_digit(b),
        |a, b| [' ', a, ' ', b],
    );
    let spaced = pairs(
        &spaced,
        |a, b| is_digit(a) && b == '-',
        |a, b| [a, ' ', b, ' '],
    );
    let text: String = spaced.into_iter().collect();
    words(&text).into_iter().map(str::to_owned).collect()
}

/// Characters that 13a always sets apart: of ASCII all punctuation but `' , - .`.
fn is_symbol(c: char) -> bool {
    c.is_ascii_punctuation() && !matches!(c, '\'' | ',' | '-' | '.')
}

/// Replaces pairs of characters from left to right; a replaced pair is not looked at again.
fn pairs(
    text: &[char],
    matches: impl Fn(char, char) -> bool,
    replaced: impl Fn(char, char) -> [char; 4],
) -> Vec<char> {
    let mut out = Vec::with_capacity(text.len() * 2);
    let mut at = 0;
    while at < text.len() {
        match text.get(at + 1) {
            Some(next) if matches(text[at], *next) => {
                out.extend(replaced(text[at], *next));
                at += 2;
            }
            _ => {
                out.push(text[at]);
                at += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squad_leaves_out_articles_punctuation_and_case() {
        assert_eq!(
            squad("The  Cat, an 'other' A-B the_end"),
            ["cat", "other", "ab", "theend"]
        );
        assert_eq!(squad("theory of a"), ["theory", "of"]);
        assert!(squad(" a. ").is_empty());
    }

    #[test]
    fn symbols_are_those_of_13a() {
        let symbols: String = (' '..='~').filter(|c| is_symbol(*c)).collect();
        assert_eq!(symbols, "!\"#$%&()*+/:;<=>?@[\\]^_`{|}~");
    }

    #[test]
    fn marks_between_digits_stay() {
        assert_eq!(
            mteval_13a("It's 1,000.5 km, i.e. 10-20 -\nx &quot;y&quot; "),
            [
                "It's", "1,000.5", "km", ",", "i", ".", "e", ".", "10", "-", "20", "x", "\"", "y",
                "\""
            ]
        );
    }
}
