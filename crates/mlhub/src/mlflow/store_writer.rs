//! Writes MLflow's file store: `meta.yaml`, one file per param, tag and metric.
//!
//! Only what MLflow can read back is written: a key that it refuses would make the whole run
//! unreadable there.

use std::fs;
use std::path::{Path, PathBuf};

use super::records::{Labels, Problems};
use crate::exit::{DATA_DIR, fail};

/// Characters of a key.
const KEY_MAX_CHARS: usize = 250;
/// Bytes of a file's name.
const NAME_MAX_BYTES: usize = 255;

/// A value in a `meta.yaml`.
pub(super) enum Meta {
    Null,
    Int(i64),
    Text(String),
    /// Keys with texts.
    Map(Labels),
    /// A list of nothing.
    Empty,
}

impl From<&str> for Meta {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Meta {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl<T: Into<Meta>> From<Option<T>> for Meta {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// What goes wrong with a place on the disk.
pub(super) fn disk(path: &Path) -> impl Fn(std::io::Error) -> anyhow::Error + use<'_> {
    move |error| fail(DATA_DIR, format!("`{}`: {error}", path.display()))
}

/// A text in quotes, as YAML 1.1 and 1.2 read it alike.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        let code = u32::from(character);
        match character {
            '"' | '\\' => {
                out.push('\\');
                out.push(character);
            }
            '\n' => out.push_str("\\n"),
            ' '..='~' => out.push(character),
            other if other.is_alphanumeric() => out.push(other),
            _ if code > 0xFFFF => out.push_str(&format!("\\U{code:08x}")),
            _ => out.push_str(&format!("\\u{code:04x}")),
        }
    }
    out.push('"');
    out
}

/// Makes a folder and the `meta.yaml` in it.
pub(super) fn meta(folder: &Path, entries: &[(&str, Meta)]) -> anyhow::Result<()> {
    let mut text = String::new();
    for (key, value) in entries {
        let told = match value {
            Meta::Null => "null".to_owned(),
            Meta::Int(number) => number.to_string(),
            Meta::Text(value) => quoted(value),
            Meta::Empty => "[]".to_owned(),
            Meta::Map(labels) => {
                let pair = |(name, value): (&String, &String)| {
                    format!("{}: {}", quoted(name), quoted(value))
                };
                let pairs: Vec<String> = labels.iter().map(pair).collect();
                format!("{{{}}}", pairs.join(", "))
            }
        };
        text.push_str(&format!("{key}: {told}\n"));
    }
    folder_at(folder)?;
    file(&folder.join("meta.yaml"), text.as_bytes())
}

/// Makes a folder where there is none.
pub(super) fn folder_at(folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).map_err(disk(folder))
}

/// Writes a file that is not there yet.
pub(super) fn file(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    fs::write(path, content).map_err(disk(path))
}

/// Whether MLflow takes a key, and a file can be called so.
pub(super) fn is_key(key: &str) -> bool {
    let allowed = |one: char| one.is_alphanumeric() || "/_.- :".contains(one);
    let part = |part: &str| !matches!(part, "" | "." | "..") && part.len() <= NAME_MAX_BYTES;
    key.chars().all(allowed) && key.chars().count() <= KEY_MAX_CHARS && key.split('/').all(part)
}

/// The path of a key below a folder, with the folders to it; nothing, and that is told, where
/// it cannot be one.
pub(super) fn place(
    owner: &str,
    folder: &Path,
    key: &str,
    problems: &Problems,
) -> anyhow::Result<Option<PathBuf>> {
    let path = folder.join(key);
    let parent = path.parent().unwrap_or(folder);
    // `a` is a file where `a/b` would need a folder.
    let made = is_key(key) && fs::create_dir_all(parent).is_ok() && !path.is_dir();
    if !made {
        problems.add(format!(
            "{owner}: the key `{}` cannot be one in MLflow's file store",
            super::local::shown(key)
        ));
    }
    Ok(made.then_some(path))
}

/// Writes a file per key.
pub(super) fn labels(
    owner: &str,
    folder: &Path,
    labels: &Labels,
    problems: &Problems,
) -> anyhow::Result<()> {
    folder_at(folder)?;
    for (key, value) in labels {
        if let Some(path) = place(owner, folder, key, problems)? {
            file(&path, value.as_bytes())?;
        }
    }
    Ok(())
}

/// A place as a URI.
pub(super) fn uri(path: &Path) -> String {
    let mut out = "file://".to_owned();
    for byte in path.to_string_lossy().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mlflow::yaml::Yaml;

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let odd = "a \"b\" \\ \n\t\r\u{7f}\u{85}\u{2028}é😀: #'";
        let map: Labels = [("k: 1".to_owned(), odd.to_owned())].into();
        let entries = [
            ("text", Meta::from(odd)),
            ("digits", Meta::from("1234e5")),
            ("int", Meta::from(-7)),
            ("none", Meta::from(None::<i64>)),
            ("map", Meta::Map(map)),
            ("list", Meta::Empty),
        ];
        meta(&folder.path().join("x"), &entries).expect("written");
        let text = fs::read_to_string(folder.path().join("x/meta.yaml")).expect("there");
        let yaml = Yaml::parse(&text).expect("valid");
        assert_eq!(yaml.text_of("text"), Some(odd));
        assert_eq!(yaml.text_of("digits"), Some("1234e5"));
        assert_eq!(yaml.int_of("int"), Ok(Some(-7)));
        assert_eq!(yaml.text_of("none"), None);
        let map: Vec<_> = yaml.get("map").expect("there").texts().collect();
        assert_eq!(map, [("k: 1", odd)]);
    }

    #[test]
    fn keys_that_mlflow_refuses_are_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let problems = Problems::default();
        let keys = [
            "a",
            "a/b",
            "b/c",
            "ü x.y-z:1",
            "../x",
            "/etc/x",
            "a|b",
            "",
            "b",
        ];
        let all: Labels = keys.map(|key| (key.to_owned(), "1".to_owned())).into();
        labels("run r", folder.path(), &all, &problems).expect("written");
        assert_eq!(problems.count(), 6, "{:?}", problems.all());
        assert!(folder.path().join("b").is_file());
        assert_eq!(uri(Path::new("/a b/ü")), "file:///a%20b/%C3%BC");
    }
}
