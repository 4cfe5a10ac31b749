//! Finds what looks like a secret in source text, so that it is not stored.
//!
//! Three looks at each line: keys of well-known shape, secrets under a telling name
//! (`password = "..."`), and long random words (by their entropy) under any name. A
//! guard, not a proof: a secret that looks like prose passes.

use super::secret::looks_secret;

/// A secret of a known service is at least so long; shorter ones are examples.
const TOKEN_CHARS_MIN: usize = 16;
/// A value under a telling name that is shorter is a placeholder.
const NAMED_CHARS_MIN: usize = 6;
/// Random words are looked at from this length on.
const RANDOM_CHARS_MIN: usize = 32;
/// Longer words are data, such as an embedded image.
const RANDOM_CHARS_MAX: usize = 256;
/// Bits per character from which on a word is random: prose has about 3.5, base64 of a key 5 and more.
const RANDOM_BITS: f64 = 4.5;
/// Findings after which the rest of a text is not looked at.
const FINDINGS_MAX: usize = 20;

/// How git begins a binary file in a patch, and any file.
const BINARY_BEGINS: &str = "GIT binary patch";
const FILE_BEGINS: &str = "diff --git ";
/// How checksums begin in lock files; they are no secrets.
const CHECKSUMS: [&str; 3] = ["sha256-", "sha384-", "sha512-"];

/// How a token of a well-known service looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenShape {
    /// How it begins.
    pub prefix: &'static str,
    /// What it is: `a GitHub token`.
    pub kind: &'static str,
    /// What follows the beginning.
    pub body: TokenBody,
    /// Characters that follow, at least; where [`TokenBody::Upper`], exactly.
    pub body_chars: usize,
}

/// What the part of a token after its beginning is made of. Programs print many words that
/// begin like a token (`hf_hub_download`): the narrower the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenBody {
    /// Letters and digits.
    Alphanumeric,
    /// Letters, digits, `_` and `-`.
    Word,
    /// The same, with a digit and a letter among the first ones.
    MixedWord,
    /// Capital letters and digits, so many and no more.
    Upper,
    /// Letters, digits, `_`, `-` and `.`.
    Dotted,
}

const fn shape(
    prefix: &'static str,
    kind: &'static str,
    body: TokenBody,
    body_chars: usize,
) -> TokenShape {
    TokenShape {
        prefix,
        kind,
        body,
        body_chars,
    }
}

/// The tokens of well-known services.
pub const TOKEN_SHAPES: [TokenShape; 23] = [
    shape("ghp_", "a GitHub token", TokenBody::Alphanumeric, 20),
    shape("gho_", "a GitHub token", TokenBody::Alphanumeric, 20),
    shape("ghs_", "a GitHub token", TokenBody::Alphanumeric, 20),
    shape("ghu_", "a GitHub token", TokenBody::Alphanumeric, 20),
    shape("ghr_", "a GitHub token", TokenBody::Alphanumeric, 20),
    shape("github_pat_", "a GitHub token", TokenBody::Word, 20),
    shape("glpat-", "a GitLab token", TokenBody::Word, 16),
    shape("hf_", "a Hugging Face token", TokenBody::Alphanumeric, 24),
    shape("sk-", "an API key", TokenBody::MixedWord, 20),
    shape("sk_live_", "a Stripe key", TokenBody::Alphanumeric, 16),
    shape("gsk_", "an API key", TokenBody::Alphanumeric, 32),
    shape("nvapi-", "an API key", TokenBody::Word, 32),
    shape("xoxb-", "a Slack token", TokenBody::Word, 16),
    shape("xoxp-", "a Slack token", TokenBody::Word, 16),
    shape("xoxa-", "a Slack token", TokenBody::Word, 16),
    shape("xoxs-", "a Slack token", TokenBody::Word, 16),
    shape("AKIA", "an AWS access key", TokenBody::Upper, 16),
    shape("ASIA", "an AWS access key", TokenBody::Upper, 16),
    shape("AIza", "a Google API key", TokenBody::Word, 30),
    shape("ya29.", "a Google token", TokenBody::Word, 20),
    shape("eyJhbGci", "a signed web token", TokenBody::Dotted, 24),
    shape("pypi-", "a PyPI token", TokenBody::MixedWord, 40),
    shape("npm_", "an npm token", TokenBody::Alphanumeric, 30),
];

/// What looks like a secret: where, and as what. Never the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretFinding {
    /// The line, from 1.
    pub line: usize,
    /// What it looks like: `a GitHub token`.
    pub kind: &'static str,
}

/// What looks like a secret in a text, the first of each line, in order, at most twenty.
#[must_use]
pub fn secrets_in(text: &str) -> Vec<SecretFinding> {
    let mut in_binary = false;
    text.lines()
        .enumerate()
        .filter(|(_, line)| {
            // Binary files in a patch are random all over.
            in_binary = *line == BINARY_BEGINS || (in_binary && !line.starts_with(FILE_BEGINS));
            !in_binary
        })
        .filter_map(|(at, line)| Some((at + 1, secret_of_line(line)?)))
        .map(|(line, kind)| SecretFinding { line, kind })
        .take(FINDINGS_MAX)
        .collect()
}

fn secret_of_line(line: &str) -> Option<&'static str> {
    if line.contains("-----BEGIN") && line.contains("PRIVATE KEY-----") {
        return Some("a private key");
    }
    if has_url_password(line) {
        return Some("a password in a URL");
    }
    let shaped = words(line).find_map(|word| {
        let is_long = word.len() >= TOKEN_CHARS_MIN;
        TOKEN_SHAPES
            .iter()
            .find(|shape| is_long && word.starts_with(shape.prefix))
            .map(|shape| shape.kind)
    });
    shaped
        .or_else(|| is_named_secret(line).then_some("a value under the name of a secret"))
        .or_else(|| {
            words(line)
                .any(is_random)
                .then_some("a long random word, as keys are")
        })
}

/// Words as keys are made of: letters, digits and what base64 adds.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !(c.is_ascii_alphanumeric() || "_-+/=.".contains(c)))
        .map(|word| word.trim_matches(['.', '=', '/']))
        .filter(|word| !word.is_empty())
}

/// `scheme://user:password@host`; a placeholder such as `$PASSWORD` or `<password>` is none.
fn has_url_password(line: &str) -> bool {
    line.split("://").skip(1).any(|rest| {
        let authority = rest
            .split(|c: char| c.is_whitespace() || "/?#'\"`".contains(c))
            .next()
            .unwrap_or_default();
        authority
            .rsplit_once('@')
            .and_then(|(user, _)| user.split_once(':'))
            .is_some_and(|(_, password)| is_literal(password))
    })
}

/// `name = "value"`, `name: 'value'`, `"name": "value"` where the name is that of a secret
/// and the value is written out. Without quotes it is code that reads it from elsewhere.
fn is_named_secret(line: &str) -> bool {
    let quotes = ['"', '\''];
    line.match_indices(['=', ':']).any(|(at, _)| {
        let name = line[..at]
            .trim_end_matches(|c: char| c.is_whitespace() || quotes.contains(&c) || c == ']');
        let start = name
            .rfind(|c: char| !(c.is_alphanumeric() || "_-.".contains(c)))
            .map_or(0, |at| {
                at + name[at..].chars().next().map_or(1, char::len_utf8)
            });
        let value = line[at + 1..].trim_start();
        let Some(quote) = value.chars().next().filter(|c| quotes.contains(c)) else {
            return false;
        };
        let value = value[1..].split(quote).next().unwrap_or_default();
        looks_secret(&name[start..]) && value.len() >= NAMED_CHARS_MIN && is_literal(value)
    })
}

/// Whether a value is written out, not the name of a place it is read from.
fn is_literal(value: &str) -> bool {
    let is_masked = value.chars().all(|c| "*.xX-_".contains(c));
    !value.is_empty() && !is_masked && !value.contains(['$', '{', '<', '[', ' '])
}

/// Long, of both cases and digits, and of high entropy. Hexadecimal hashes are not: they have
/// one case, and stand in every lock file.
fn is_random(word: &str) -> bool {
    let has = |test: fn(&char) -> bool| word.chars().any(|c| test(&c));
    (RANDOM_CHARS_MIN..=RANDOM_CHARS_MAX).contains(&word.len())
        && has(char::is_ascii_uppercase)
        && has(char::is_ascii_lowercase)
        && has(char::is_ascii_digit)
        && !word.contains(['/', '.'])
        && !CHECKSUMS.iter().any(|prefix| word.starts_with(prefix))
        && entropy(word) >= RANDOM_BITS
}

/// Shannon entropy of the bytes of a word, in bits per byte.
fn entropy(word: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in word.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let total = word.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / total)
        .map(|share| -share * share.log2())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<&'static str> {
        secrets_in(text).iter().map(|one| one.kind).collect()
    }

    #[test]
    fn finds_keys_of_known_services_with_their_lines() {
        let text = format!(
            "import os\n\nclient = Client({:?})\n",
            format!("ghp_{}", "a1B2".repeat(9))
        );
        let found = secrets_in(&text);
        assert_eq!(
            found,
            [SecretFinding {
                line: 3,
                kind: "a GitHub token"
            }]
        );
        assert_eq!(kinds("-----BEGIN RSA PRIVATE KEY-----"), ["a private key"]);
    }

    #[test]
    fn finds_values_under_the_name_of_a_secret() {
        let kind = "a value under the name of a secret";
        assert_eq!(kinds("DB_PASSWORD = 'hunter2hunter2'"), [kind]);
        assert_eq!(kinds("  \"api_key\": \"0123456789\","), [kind]);
        assert_eq!(kinds("+config['auth.token'] = \"abcdefgh\""), [kind]);
        assert_eq!(
            kinds("url = 'postgres://me:pa55word@host/db'"),
            ["a password in a URL"]
        );
    }

    #[test]
    fn finds_long_random_words_whatever_they_are_called() {
        let word = "q8Zr3LkV0xYw7TnB5hJc2MfG9sDp4EaR6uQi1KoX";
        assert_eq!(
            kinds(&format!("x = '{word}'")),
            ["a long random word, as keys are"]
        );
    }

    #[test]
    fn code_that_only_speaks_of_secrets_is_none() {
        for line in [
            "password = os.environ['DB_PASSWORD']",
            "token = get_token()",
            "parser.add_argument('--password', default='')",
            "api_key = \"${API_KEY}\"",
            "password: '********'",
            "url = 'https://user:$PASSWORD@host/'",
            "max_tokens = '1000000'",
            "hash = 'd41d8cd98f00b204e9800998ecf8427ed41d8cd98f00b204e9800998ecf8427e'",
            "index 83db48f..bf269f4 100644",
            "from package.module_of_a_long_name.another_module_2 import AClassOfSomeLength",
            "the tokenizer is 'bert-base-uncased'",
            "sk-short",
            "\"integrity\": \"sha512-q8Zr3LkV0xYw7TnB5hJc2MfG9sDp4EaR6uQi1KoXq8Zr3LkV0xYw7TnB5hJc2MfG==\"",
            "",
        ] {
            assert_eq!(kinds(line), Vec::<&str>::new(), "{line}");
        }
    }

    #[test]
    fn binary_files_of_a_patch_are_passed_over() {
        let word = "zq8Zr3LkV0xYw7TnB5hJc2MfG9sDp4EaR6uQi1KoX";
        let patch = format!(
            "diff --git a/x.png b/x.png\nGIT binary patch\nliteral 30\n{word}\n\ndiff --git a/y b/y\n+k = '{word}'\n"
        );
        let lines: Vec<usize> = secrets_in(&patch).iter().map(|one| one.line).collect();
        assert_eq!(lines, [7]);
    }

    #[test]
    fn odd_text_breaks_nothing() {
        for line in [
            "=",
            "é='",
            ":\"",
            "密码 = '密码密码密码'",
            "://@",
            "a=\u{1F600}'x'",
        ] {
            assert!(secrets_in(line).len() <= 1, "{line}");
        }
    }
}
