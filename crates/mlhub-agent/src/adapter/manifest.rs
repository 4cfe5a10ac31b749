//! Loads an adapter folder: manifest, schema and the files they name, with a
//! problem that says file, line and what to do.
//!
//! Only reads. Whether the adapter really trains is found by
//! [`super::check`].

use std::path::{Path, PathBuf};

use mlhub_protocol::adapter::{ADAPTER_PROTOCOL, Capability, Environment, Manifest};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::problem::{AdapterProblem, Finding, Part};
use super::{definitions, files, rules, schema};

/// Name of the manifest in an adapter folder.
pub const MANIFEST: &str = "adapter.toml";

/// Where an adapter was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Source {
    /// Part of the hub's binary.
    Bundled,
    /// The `adapters` folder of the data directory.
    DataDir,
    /// The `adapters` folder of a project.
    Project,
    /// An installed Python package with an `mlhub.adapters` entry point.
    Python {
        /// The distribution's name.
        package: String,
    },
    /// A folder named directly.
    Folder,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bundled => f.write_str("bundled"),
            Self::DataDir => f.write_str("data directory"),
            Self::Project => f.write_str("project"),
            Self::Python { package } => write!(f, "Python package {package}"),
            Self::Folder => f.write_str("folder"),
        }
    }
}

/// An adapter that is whole: its manifest, schema and files agree.
#[derive(Debug, Clone, PartialEq)]
pub struct Adapter {
    /// What it says of itself.
    pub manifest: Manifest,
    /// Its folder.
    pub dir: PathBuf,
    /// The JSON Schema of its params.
    pub schema: Value,
    /// Where it was found.
    pub source: Source,
    /// BLAKE3 over its files, hexadecimal.
    pub digest: String,
}

impl Adapter {
    /// Loads the adapter in `dir`.
    ///
    /// # Errors
    /// The first [`AdapterProblem`] found.
    pub fn load(dir: &Path) -> Result<Self, AdapterProblem> {
        Self::load_from(dir, Source::Folder)
    }

    pub(super) fn load_from(dir: &Path, source: Source) -> Result<Self, AdapterProblem> {
        let text = manifest_text(dir)?;
        let manifest =
            parse(&text).map_err(|(finding, line)| finding.locate(dir, MANIFEST, line))?;
        let fail = |finding: Finding| {
            let (file, line) = match finding.part {
                Part::Manifest => (MANIFEST, line_of(&text, &finding.at)),
                Part::Schema => (manifest.config.schema.as_str(), None),
            };
            finding.locate(dir, file, line)
        };
        rules::identity(&manifest).map_err(fail)?;
        let schema = read_schema(dir, &manifest).map_err(fail)?;
        schema::validate(&schema).map_err(fail)?;
        rules::commands(&manifest, &schema).map_err(fail)?;
        rules::export(&manifest).map_err(fail)?;
        definitions::check(dir, &manifest).map_err(fail)?;
        rules::environment(dir, &manifest).map_err(fail)?;
        rules::output(&manifest, &schema).map_err(fail)?;
        rules::smoke(dir, &manifest, &schema).map_err(fail)?;
        let digest =
            files::digest(dir).map_err(|error| fail(Finding::manifest("", error.to_string())))?;
        Ok(Self {
            manifest,
            dir: dir.to_owned(),
            schema,
            source,
            digest,
        })
    }

    /// `name@version`.
    #[must_use]
    pub fn reference(&self) -> String {
        format!("{}@{}", self.manifest.name, self.manifest.version)
    }

    /// Whether the manifest names the capability.
    #[must_use]
    pub fn can(&self, capability: Capability) -> bool {
        self.manifest.capabilities.contains(&capability)
    }

    /// Whether it has no code of its own: its training command runs neither a
    /// file of the adapter folder, nor the hub's binary, nor a Python environment
    /// made for it. Such an adapter cannot know of `run.json`.
    #[must_use]
    pub fn is_declarative(&self) -> bool {
        let own = ["adapter", "mlhub", "python"];
        let train = self.command(Capability::Train).into_iter().flatten();
        !train
            .flat_map(|element| super::template::placeholders(element))
            .any(|name| own.contains(&name.as_str()))
    }

    /// The command for a capability: its own, or `train`'s for `resume` and `evaluate`.
    #[must_use]
    pub fn command(&self, capability: Capability) -> Option<&[String]> {
        let commands = &self.manifest.commands;
        let own = commands.get(&capability);
        let shared = matches!(capability, Capability::Resume | Capability::Evaluate)
            .then(|| commands.get(&Capability::Train))
            .flatten();
        own.or(shared).map(Vec::as_slice)
    }

    /// The params when nobody sets any: the schema's defaults.
    #[must_use]
    pub fn default_params(&self) -> serde_json::Map<String, Value> {
        schema::defaults(&self.schema)
    }

    /// The params of the conformance check's runs: defaults, then the smoke section's.
    #[must_use]
    pub fn smoke_params(&self) -> serde_json::Map<String, Value> {
        let smoke = &self.manifest.smoke;
        let mut params = self.default_params();
        params.extend(smoke.params.clone());
        params.extend(smoke.check_params.clone());
        params
    }

    /// The environment's Python lock file, when it has one.
    pub(super) fn lock_file(&self) -> Option<(&str, &str)> {
        match &self.manifest.environment {
            Environment::Venv { lock, python } | Environment::Python { lock, python, .. } => {
                Some((lock, python))
            }
            Environment::None | Environment::System { .. } => None,
        }
    }
}

/// The `name` of a manifest that may be broken otherwise.
pub(super) fn guess_name(dir: &Path) -> String {
    let named = manifest_text(dir).ok().and_then(|text| {
        let value = text
            .lines()
            .find_map(|line| {
                line.trim()
                    .strip_prefix("name")?
                    .trim_start()
                    .strip_prefix('=')
            })?
            .trim();
        let name = value.trim_matches(|c| c == '"' || c == '\'').to_owned();
        rules::is_name(&name).then_some(name)
    });
    named.unwrap_or_else(|| {
        dir.file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    })
}

fn manifest_text(dir: &Path) -> Result<String, AdapterProblem> {
    let fail = |reason: String, hint: &str| {
        Finding::manifest("", reason)
            .hint(hint)
            .locate(dir, MANIFEST, None)
    };
    if !dir.is_dir() {
        return Err(fail(
            "the adapter folder does not exist or is not a folder".into(),
            "check the path",
        ));
    }
    let path = files::file_inside(dir, MANIFEST)
        .map_err(|reason| fail(reason, "`mlhub adapter new NAME` writes a working one"))?;
    files::read_text(&path).map_err(|reason| fail(reason, "a manifest is a small TOML text"))
}

/// Parses the manifest, the protocol first: a manifest of a later protocol
/// must be refused as that, not for its unknown fields.
fn parse(text: &str) -> Result<Manifest, (Finding, Option<u32>)> {
    let syntax = |error: toml::de::Error| {
        let line = error.span().map(|span| line_at(text, span.start));
        (explain(error.message()), line)
    };
    let table: toml::Table = toml::from_str(text).map_err(syntax)?;
    if let Some(protocol) = table.get("protocol").and_then(toml::Value::as_integer)
        && protocol != i64::from(ADAPTER_PROTOCOL)
    {
        let finding = Finding::manifest(
            "protocol",
            format!(
                "adapter protocol {protocol} is not spoken by this hub, which speaks {ADAPTER_PROTOCOL}"
            ),
        );
        let hint = if protocol > i64::from(ADAPTER_PROTOCOL) {
            "use a newer hub or an older version of the adapter"
        } else {
            "use a newer version of the adapter"
        };
        return Err((finding.hint(hint), line_of(text, &["protocol".to_owned()])));
    }
    toml::from_str(text).map_err(syntax)
}

/// Turns a parser's message into a finding with a suggestion.
fn explain(message: &str) -> Finding {
    let message = message.trim().replace('\n', ", ");
    let finding = Finding::manifest("", message.clone());
    let mut words = message.split('`').skip(1).step_by(2);
    if !message.starts_with("unknown field") && !message.starts_with("unknown variant") {
        return finding;
    }
    let unknown = words.next().unwrap_or_default().to_owned();
    let known: Vec<&str> = words.collect();
    let kind = if message.starts_with("unknown field") {
        "field"
    } else {
        "value"
    };
    let finding = Finding::manifest("", format!("unknown {kind} `{unknown}`"));
    finding.hint(match super::near(&unknown, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known are {}", known.join(", ")),
    })
}

/// The 1-based line of a byte offset.
fn line_at(text: &str, offset: usize) -> u32 {
    let newlines = text.as_bytes()[..offset.min(text.len())]
        .iter()
        .filter(|&&byte| byte == b'\n')
        .count();
    u32::try_from(newlines + 1).unwrap_or(u32::MAX)
}

/// The line of the value at `path`, or of the longest part of the path that is there.
fn line_of(text: &str, path: &[String]) -> Option<u32> {
    let root = toml::de::DeTable::parse(text).ok()?;
    let mut table = root.get_ref();
    let mut offset = None;
    for part in path {
        let Some((key, value)) = table
            .iter()
            .find(|(key, _)| key.get_ref().as_ref() == part.as_str())
        else {
            break;
        };
        offset = Some(key.span().start);
        match value.get_ref() {
            toml::de::DeValue::Table(inner) => table = inner,
            _ => break,
        }
    }
    offset.map(|offset| line_at(text, offset))
}

fn read_schema(dir: &Path, manifest: &Manifest) -> Result<Value, Finding> {
    let path = files::file_inside(dir, &manifest.config.schema)
        .map_err(|reason| Finding::manifest("config.schema", reason))?;
    let text = files::read_text(&path).map_err(Finding::schema)?;
    serde_json::from_str(&text).map_err(|error| Finding::schema(format!("not valid JSON: {error}")))
}
