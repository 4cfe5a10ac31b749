//! Where an S3 bucket is and how to sign for it.
//!
//! Read from a URL (`s3://bucket/prefix`) and either a file or the environment.
//! Secrets have no `Debug`, and no message here repeats a value. Instance
//! metadata services are never asked: without keys the hub does not start.

use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use mlhub_core::{Error, Result};
use serde::Deserialize;

/// Bytes read of a credentials file.
const FILE_MAX_BYTES: u64 = 64 * 1024;
/// What servers that know no regions are told.
const REGION_DEFAULT: &str = "us-east-1";

/// A bucket, a prefix in it, and the keys.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Config {
    /// The bucket's name.
    pub bucket: String,
    /// Put before every key, without `/` at its ends; may be empty.
    pub prefix: String,
    /// The server's URL; absent for Amazon's own.
    pub endpoint: Option<String>,
    /// The region.
    pub region: String,
    /// The public half of the key.
    pub access_key_id: String,
    /// The secret half of the key.
    pub secret_access_key: String,
    /// For temporary keys.
    pub session_token: Option<String>,
    /// `endpoint/bucket/key` instead of `bucket.endpoint/key`; what local servers need.
    pub path_style: bool,
}

impl fmt::Debug for S3Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Config")
            .field("bucket", &self.bucket)
            .field("prefix", &self.prefix)
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("path_style", &self.path_style)
            .finish_non_exhaustive()
    }
}

/// The file's shape (TOML). Every key may be left to the environment.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct S3File {
    endpoint: Option<String>,
    region: Option<String>,
    access_key_id: Option<String>,
    secret_access_key: Option<String>,
    session_token: Option<String>,
    path_style: Option<bool>,
}

impl S3Config {
    /// Reads `s3://bucket/prefix`, the credentials file when one is named, and
    /// the variables AWS tools know through `environment` for what it leaves out.
    ///
    /// # Errors
    /// `Invalid`, saying what is missing and where it is looked for.
    pub fn read(
        url: &str,
        file: Option<&Path>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let (bucket, prefix) = parse_url(url)?;
        let file = file.map_or(Ok(S3File::default()), read_file)?;
        let either = |given: Option<String>, names: &[&str]| {
            given.or_else(|| {
                let mut values = names.iter().filter_map(|name| environment(name));
                values.find(|value| !value.is_empty())
            })
        };
        let missing = |what: &str, variable: &str| {
            Error::invalid(format!(
                "the blob store {url} needs {what}: set {variable}, or name it in the file of --blobs-config"
            ))
        };
        let endpoint = either(file.endpoint, &["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]);
        if let Some(endpoint) = &endpoint
            && !endpoint.starts_with("http://")
            && !endpoint.starts_with("https://")
        {
            return Err(Error::invalid(
                "the endpoint of the blob store must start with http:// or https://",
            ));
        }
        Ok(Self {
            bucket,
            prefix,
            region: either(file.region, &["AWS_REGION", "AWS_DEFAULT_REGION"])
                .unwrap_or_else(|| REGION_DEFAULT.to_owned()),
            access_key_id: either(file.access_key_id, &["AWS_ACCESS_KEY_ID"])
                .ok_or_else(|| missing("an access key id", "AWS_ACCESS_KEY_ID"))?,
            secret_access_key: either(file.secret_access_key, &["AWS_SECRET_ACCESS_KEY"])
                .ok_or_else(|| missing("a secret access key", "AWS_SECRET_ACCESS_KEY"))?,
            session_token: either(file.session_token, &["AWS_SESSION_TOKEN"]),
            path_style: file.path_style.unwrap_or(endpoint.is_some()),
            endpoint,
        })
    }
}

fn parse_url(url: &str) -> Result<(String, String)> {
    let shape = || {
        Error::invalid(
            "the blob store is named as s3://BUCKET or s3://BUCKET/PREFIX, of letters, digits, `.`, `-`, `_` and `/`",
        )
    };
    let rest = url.strip_prefix("s3://").ok_or_else(shape)?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let prefix = prefix.trim_end_matches('/');
    let plain = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
    };
    let parts_fine = prefix.is_empty()
        || prefix
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != ".." && plain(part));
    if bucket.is_empty() || !plain(bucket) || !parts_fine {
        return Err(shape());
    }
    Ok((bucket.to_owned(), prefix.to_owned()))
}

fn read_file(path: &Path) -> Result<S3File> {
    let place = path.display();
    let fail = |error: std::io::Error| {
        Error::invalid(format!(
            "the file {place} of --blobs-config cannot be read: {error}"
        ))
    };
    let data = std::fs::metadata(path).map_err(fail)?;
    if data.permissions().mode() & 0o077 != 0 {
        return Err(Error::invalid(format!(
            "the file {place} holds keys and may be read by others; run `chmod 600` on it"
        )));
    }
    if data.len() > FILE_MAX_BYTES {
        return Err(Error::invalid(format!(
            "the file {place} is too large for a config"
        )));
    }
    let text = std::fs::read_to_string(path).map_err(fail)?;
    // What the parser says may quote the line, and the line may hold a secret.
    toml::from_str(&text).map_err(|error| {
        let line = error
            .span()
            .map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        Error::invalid(format!(
            "line {line} of {place} cannot be read: TOML with endpoint, region, access_key_id, secret_access_key, session_token and path_style is expected"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(name: &str) -> Option<String> {
        match name {
            "AWS_ACCESS_KEY_ID" => Some("id".to_owned()),
            "AWS_SECRET_ACCESS_KEY" => Some("top-secret".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn a_url_is_a_bucket_and_a_plain_prefix() {
        let read = |url: &str| S3Config::read(url, None, keys);
        let config = read("s3://models/team/a/").expect("fine");
        assert_eq!(
            (config.bucket.as_str(), config.prefix.as_str()),
            ("models", "team/a")
        );
        assert!(!config.path_style);
        assert_eq!(read("s3://models").expect("fine").prefix, "");
        for bad in [
            "",
            "models",
            "s3://",
            "s3:///x",
            "s3://a/../b",
            "s3://a//b",
            "s3://a/b?x=1",
            "s3://key:secret@host/b",
            "http://a/b",
            "s3://a/b c",
        ] {
            let error = read(bad).expect_err(bad);
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn keys_come_from_the_environment_or_a_private_file_and_are_never_shown() {
        let error = S3Config::read("s3://b", None, |_| None).expect_err("no keys");
        assert!(error.to_string().contains("AWS_ACCESS_KEY_ID"), "{error}");
        let config = S3Config::read("s3://b", None, keys).expect("keys");
        assert!(!format!("{config:?}").contains("secret"));
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("s3.toml");
        let write = |text: &str, mode: u32| {
            std::fs::write(&file, text).expect("written");
            std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).expect("mode");
        };
        let read = || S3Config::read("s3://b", Some(&file), keys);
        write(
            "secret_access_key = 'other'\nendpoint = 'http://127.0.0.1:1'\n",
            0o600,
        );
        let config = read().expect("read");
        assert_eq!(config.secret_access_key, "other");
        assert_eq!(config.access_key_id, "id");
        assert!(config.path_style);
        write("secret_access_key = 'other'", 0o644);
        assert!(
            read()
                .expect_err("open to all")
                .to_string()
                .contains("chmod 600")
        );
        for broken in [
            "\nsecret_access_key = top-secret",
            "\nsecret = 'top-secret'",
            "endpoint = 'ftp://x'",
        ] {
            write(broken, 0o600);
            let error = read().expect_err(broken);
            assert!(!error.to_string().contains("top-secret"), "{error}");
        }
    }
}
