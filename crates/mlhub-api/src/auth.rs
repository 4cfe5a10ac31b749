//! Who calls: the one local user of a loopback hub, or callers named by tokens
//! an operator listed in a file. Accounts come later.
//!
//! A token file has one caller per line: `NAME ROLE HASH`, where `HASH` is the
//! BLAKE3 of the token, hex. Tokens themselves are never stored or logged, and
//! are read from the `Authorization` header only, as `Bearer` or as the password of `Basic`.

use axum::http::{HeaderMap, header};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use mlhub_core::{Caller, Error, ErrorKind, Role, UserId};

/// Bytes in a token; a longer one is refused before hashing.
const TOKEN_MAX_BYTES: usize = 512;

/// Decides who a request comes from.
pub enum Authenticator {
    /// Everyone who reaches the loopback address is this caller.
    Local(Caller),
    /// Only bearers of a listed token.
    Tokens(Vec<TokenEntry>),
}

/// A caller known by the hash of their token.
pub struct TokenEntry {
    hash: blake3::Hash,
    caller: Caller,
}

/// Why a token file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    /// A line is malformed.
    #[error("line {line} of the token file is not `NAME reader|writer|admin BLAKE3-HEX`")]
    Line {
        /// From 1.
        line: usize,
    },
    /// There is no caller in it.
    #[error("the token file lists no caller; add a line `NAME reader|writer|admin BLAKE3-HEX`")]
    Empty,
}

impl Authenticator {
    /// Reads the text of a token file.
    ///
    /// # Errors
    /// Names the malformed line; never its content.
    pub fn from_token_file(text: &str) -> Result<Self, TokenFileError> {
        let mut entries = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let malformed = TokenFileError::Line { line: index + 1 };
            let mut fields = line.split_whitespace();
            let (Some(name), Some(role), Some(hash), None) =
                (fields.next(), fields.next(), fields.next(), fields.next())
            else {
                return Err(malformed);
            };
            let role = match role {
                "reader" => Role::Reader,
                "writer" => Role::Writer,
                "admin" => Role::Admin,
                _ => return Err(malformed),
            };
            let Ok(hash) = blake3::Hash::from_hex(hash) else {
                return Err(malformed);
            };
            entries.push(TokenEntry {
                hash,
                caller: Caller {
                    user: UserId(name.to_owned()),
                    role,
                },
            });
        }
        if entries.is_empty() {
            return Err(TokenFileError::Empty);
        }
        Ok(Self::Tokens(entries))
    }

    /// Also knows the bearer of `token` as `caller`, where tokens are asked for.
    pub fn add_token(&mut self, token: &str, caller: Caller) {
        if let Self::Tokens(entries) = self {
            entries.push(TokenEntry {
                hash: blake3::hash(token.as_bytes()),
                caller,
            });
        }
    }

    /// Whether callers must show a token.
    pub fn requires_token(&self) -> bool {
        matches!(self, Self::Tokens(_))
    }

    pub(crate) fn identify(&self, headers: &HeaderMap) -> Result<Caller, Error> {
        match self {
            Self::Local(caller) => Ok(caller.clone()),
            Self::Tokens(entries) => {
                let refusal = || {
                    Error::new(
                        ErrorKind::Unauthenticated,
                        "this hub needs a token: send `Authorization: Bearer TOKEN`",
                    )
                };
                let token = headers
                    .get(header::AUTHORIZATION)
                    .and_then(|value| value.to_str().ok())
                    .and_then(token_of)
                    .filter(|token| token.len() <= TOKEN_MAX_BYTES)
                    .ok_or_else(refusal)?;
                let hash = blake3::hash(&token);
                // blake3::Hash compares in constant time; every entry is
                // compared, so that the answer's time does not tell which is near.
                let mut found = None;
                for entry in entries {
                    if entry.hash == hash {
                        found = Some(entry.caller.clone());
                    }
                }
                found.ok_or_else(refusal)
            }
        }
    }
}

/// The token of an `Authorization` header: that of a bearer, or the password of a client
/// that knows only names and passwords. The name does not matter.
fn token_of(header: &str) -> Option<Vec<u8>> {
    if let Some(token) = header.strip_prefix("Bearer ") {
        return Some(token.as_bytes().to_owned());
    }
    let coded = header.strip_prefix("Basic ")?;
    if coded.len() > 2 * TOKEN_MAX_BYTES {
        return None;
    }
    let pair = BASE64_STANDARD.decode(coded).ok()?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    Some(pair[colon + 1..].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_line_is_named_by_number_only() {
        let Err(error) = Authenticator::from_token_file("# comment\nann writer not-a-hash") else {
            panic!("accepted");
        };
        assert_eq!(
            error.to_string(),
            "line 2 of the token file is not `NAME reader|writer|admin BLAKE3-HEX`"
        );
        assert!(matches!(
            Authenticator::from_token_file("\n#x\n"),
            Err(TokenFileError::Empty)
        ));
    }

    #[test]
    fn only_the_listed_token_is_known() {
        let text = format!("ann reader {}", blake3::hash(b"secret-token").to_hex());
        let authenticator = Authenticator::from_token_file(&text).expect("valid");
        let mut headers = HeaderMap::new();
        assert!(authenticator.identify(&headers).is_err());
        headers.insert(
            header::AUTHORIZATION,
            "Bearer wrong".parse().expect("header"),
        );
        assert!(authenticator.identify(&headers).is_err());
        headers.insert(
            header::AUTHORIZATION,
            "Bearer secret-token".parse().expect("header"),
        );
        assert_eq!(
            authenticator.identify(&headers).expect("known").role,
            Role::Reader
        );
        // As the password, under any name: `any:secret-token`.
        let basic = |pair: &str| {
            let value = format!("Basic {}", BASE64_STANDARD.encode(pair));
            [(header::AUTHORIZATION, value.parse().expect("header"))]
                .into_iter()
                .collect::<HeaderMap>()
        };
        assert!(authenticator.identify(&basic("any:secret-token")).is_ok());
        for pair in ["any:wrong", "secret-token", "secret-token:", ""] {
            assert!(authenticator.identify(&basic(pair)).is_err(), "{pair}");
        }
    }
}
