//! Makes the run of an `sdk.json` on the hub, once in effect.
//!
//! A training must not lose its run to a name with a slash or a patch of ten
//! megabytes: what the hub would refuse is changed or left out here, and the
//! run's snapshot says so.

use std::collections::BTreeMap;

use mlhub_client::{Client, ClientError};
use mlhub_core::{GroupId, Name, RunState, limits};
use mlhub_protocol::rest::{AttemptCreate, AttemptView, RunDetail, RunSeed, RunsCreate, Snapshot};
use mlhub_protocol::run_dir::{SdkFile, SdkResume};
use serde_json::Value;

use super::journal::Record;
use super::link::{Stop, stop_of};

/// Bytes kept free in a snapshot for what the hub adds.
const SNAPSHOT_MARGIN_BYTES: usize = 64 * 1024;
/// Parts of a snapshot that are left out, in this order, until it fits.
const SNAPSHOT_LARGE_PARTS: [&str; 5] = [
    "/code/patch",
    "/environment/packages",
    "/code/untracked",
    "/config",
    "/environment",
];
/// Characters of an identifier the hub would make.
const GROUP_ID_CHARACTERS: usize = 12;
/// The tag with a group's name that is no identifier.
const GROUP_TAG: &str = "group";

/// What is needed to make a run.
#[derive(Debug, Clone)]
pub(crate) struct Creation {
    run: String,
    host: String,
    started_at_ms: i64,
    resume: Option<SdkResume>,
    /// Whether this machine makes the run.
    makes: bool,
    /// Whether an earlier attempt of it lies here, which must come first.
    follows: bool,
    request: RunsCreate,
}

impl Creation {
    /// What is asked of the hub for a file. `makes` is false for a machine that
    /// joins a run which another makes, `follows` true where an earlier attempt of
    /// the run lies beside this one.
    pub(crate) fn new(file: &SdkFile, snapshot: &Value, makes: bool, follows: bool) -> Self {
        Self {
            run: file.run.id.clone(),
            host: file.host.clone(),
            started_at_ms: file.started_at_ms,
            resume: file.resume,
            makes,
            follows,
            request: request(file, snapshot),
        }
    }

    /// Makes the run, or finds that it is there. Returns the attempt to ship to. A
    /// number that was noted is of the hub it was noted for, and this may be another.
    pub(crate) fn ensure(&self, client: &Client, record: &Record) -> Result<u32, Stop> {
        let noted = record.attempt();
        let attempt = match noted {
            Some(attempt) if self.resume.is_none() => self.ensure_again(client, attempt)?,
            _ => self.make(client)?,
        };
        record.change(|file| file.attempt = Some(attempt));
        record.save(noted != Some(attempt));
        Ok(attempt)
    }

    /// The attempt was made before, on this hub or on another.
    fn ensure_again(&self, client: &Client, attempt: u32) -> Result<u32, Stop> {
        match client.attempt_offsets(&self.run, attempt) {
            Ok(_) => Ok(attempt),
            Err(error) if error.is_not_found() => self.create(client),
            Err(error) => Err(self.refusal(error)),
        }
    }

    /// Makes the run, or the next attempt of the run that is to go on.
    fn make(&self, client: &Client) -> Result<u32, Stop> {
        if self.resume.is_none() {
            return self.create(client);
        }
        match client.run_get(&self.run) {
            Ok(run) => self.resume(client, &run),
            Err(error) if error.is_not_found() && self.follows => Err(Stop::NoEarlier),
            // Nobody knows what it went on with: it is the run's first attempt there.
            Err(error) if error.is_not_found() => self.create(client),
            Err(error) => Err(self.refusal(error)),
        }
    }

    fn create(&self, client: &Client) -> Result<u32, Stop> {
        if !self.makes {
            return match client.run_get(&self.run) {
                Ok(run) => Ok(run.summary.attempt),
                Err(error) if error.is_not_found() => Err(Stop::NoRun),
                Err(error) => Err(self.refusal(error)),
            };
        }
        match client.runs_create(&self.request) {
            Ok(_) => Ok(1),
            Err(error) => Err(self.refusal(error)),
        }
    }

    /// A new attempt, unless this directory's was made already.
    fn resume(&self, client: &Client, run: &RunDetail) -> Result<u32, Stop> {
        if let Some(attempt) = run.attempts.iter().rfind(|attempt| self.is_ours(attempt)) {
            return Ok(attempt.number);
        }
        if !self.makes {
            return Ok(run.summary.attempt);
        }
        let request = AttemptCreate {
            host: Some(self.host.clone()),
            // Superseding what comes after the last step there can be is
            // superseding nothing.
            resumed_from_step: Some(
                self.resume
                    .and_then(|resume| resume.step)
                    .unwrap_or(i64::MAX),
            ),
        };
        match client.attempt_create(&self.run, &request) {
            Ok(attempt) => Ok(attempt.number),
            // The earlier attempt has not ended on the hub; its end may be on the way.
            Err(error) if error.status == Some(409) => Err(Stop::Away(error)),
            Err(error) => Err(self.refusal(error)),
        }
    }

    /// Whether an attempt on the hub is this directory's: it tells the same start, or
    /// was made for it and its start not told yet.
    fn is_ours(&self, attempt: &AttemptView) -> bool {
        attempt.host.as_deref() == Some(&self.host)
            && match attempt.started_at {
                Some(started_at) => started_at == self.started_at_ms,
                None => {
                    attempt.number > 1
                        && attempt.state == RunState::Queued.as_str()
                        && attempt.created_at >= self.started_at_ms
                }
            }
    }

    fn refusal(&self, error: ClientError) -> Stop {
        match stop_of(error.clone()) {
            Some(stop) => stop,
            None => Stop::Refused(format!(
                "the hub does not take the run `{}`: {error}",
                self.run
            )),
        }
    }
}

fn request(file: &SdkFile, snapshot: &Value) -> RunsCreate {
    let mut warnings = Vec::new();
    let project = usable_name(&file.run.project, "project", &mut warnings);
    let experiment = match &file.run.experiment {
        Some(experiment) => usable_name(experiment, "experiment", &mut warnings),
        None => project.clone(),
    };
    let name = file
        .run
        .name
        .as_ref()
        .map(|name| usable_name(name, "run", &mut warnings));
    let mut tags = fitting("tag", file.tags.clone(), &mut warnings);
    let group = file.run.group.as_deref().map(|group| {
        let id = group_id(&file.run.project, group);
        if id != group && group.len() <= limits::VALUE_MAX_BYTES && !group.contains('\0') {
            tags.entry(GROUP_TAG.to_owned())
                .or_insert_with(|| group.to_owned());
        }
        id
    });
    let params = file
        .params
        .iter()
        .map(|(name, value)| {
            let text = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            (name.clone(), text)
        })
        .collect();
    let params = fitting("param", params, &mut warnings);
    let mut notes = file.notes.replace('\0', "\u{fffd}");
    if notes.len() > limits::NOTES_MAX_BYTES {
        notes = cut(&notes, limits::NOTES_MAX_BYTES).to_owned();
        warnings.push("the notes were too long and are cut".to_owned());
    }
    RunsCreate {
        project,
        experiment,
        adapter: None,
        adapter_version: None,
        dataset: None,
        notes,
        params,
        tags,
        snapshot: fitting_snapshot(file, snapshot, warnings),
        host: Some(file.host.clone()),
        group,
        runs: vec![RunSeed {
            id: Some(file.run.id.clone()),
            name,
            seed: file.seed,
        }],
    }
}

/// The text as a name: what no name may have is replaced, and that is told.
fn usable_name(text: &str, what: &str, warnings: &mut Vec<String>) -> String {
    if text.parse::<Name>().is_ok() {
        return text.to_owned();
    }
    let plain: String = text
        .chars()
        .map(|letter| match letter {
            '/' => '-',
            letter if letter.is_control() => ' ',
            letter => letter,
        })
        .collect();
    let mut name = cut(plain.trim(), limits::NAME_MAX_BYTES).trim().to_owned();
    if name.is_empty() {
        "unnamed".clone_into(&mut name);
    }
    warnings.push(format!(
        "the {what}'s name cannot be stored as it was given (no `/`, no control characters, 1 to {} bytes); it is `{name}`",
        limits::NAME_MAX_BYTES
    ));
    name
}

/// A group's name when it can be an identifier, else one made from it.
fn group_id(project: &str, group: &str) -> String {
    if group.parse::<GroupId>().is_ok() {
        return group.to_owned();
    }
    let mut hasher = blake3::Hasher::new_derive_key("mlhub group name v1");
    hasher.update(&(project.len() as u64).to_le_bytes());
    hasher.update(project.as_bytes());
    hasher.update(group.as_bytes());
    let hex = hasher.finalize().to_hex();
    format!("g{}", &hex[..GROUP_ID_CHARACTERS - 1])
}

fn fitting(
    what: &str,
    pairs: BTreeMap<String, String>,
    warnings: &mut Vec<String>,
) -> BTreeMap<String, String> {
    let all = pairs.len();
    let mut fitting: BTreeMap<String, String> = pairs
        .into_iter()
        .filter(|(name, value)| {
            (1..=limits::KEY_MAX_BYTES).contains(&name.len())
                && value.len() <= limits::VALUE_MAX_BYTES
                && !name.contains('\0')
                && !value.contains('\0')
        })
        .collect();
    while fitting.len() > limits::KEYS_PER_RUN_MAX {
        fitting.pop_last();
    }
    if fitting.len() < all {
        warnings.push(format!(
            "{} {what}(s) are left out: a name has 1 to {} bytes, a value at most {}, neither a NUL",
            all - fitting.len(),
            limits::KEY_MAX_BYTES,
            limits::VALUE_MAX_BYTES
        ));
    }
    fitting
}

fn fitting_snapshot(file: &SdkFile, parts: &Value, mut warnings: Vec<String>) -> Snapshot {
    let mut all = parts.clone();
    if !all.is_object() {
        all = Value::Object(serde_json::Map::new());
    }
    if !file.config.is_null() {
        all["config"] = file.config.clone();
    }
    let room = limits::SNAPSHOT_MAX_BYTES - SNAPSHOT_MARGIN_BYTES;
    for part in SNAPSHOT_LARGE_PARTS {
        if all.to_string().len() <= room {
            break;
        }
        if let Some(value) = all.pointer_mut(part).filter(|value| !value.is_null()) {
            *value = Value::Null;
            warnings.push(format!(
                "`{}` is too large for the snapshot and left out",
                part.trim_start_matches('/').replace('/', ".")
            ));
        }
    }
    let mut snapshot: Snapshot = serde_json::from_value(all).unwrap_or_else(|error| {
        warnings.push(format!("what the SDK captured cannot be read: {error}"));
        Snapshot {
            config: file.config.clone(),
            ..Snapshot::default()
        }
    });
    snapshot.version = 1;
    // Evaluations belong to runs whose splits the hub knows.
    snapshot.evaluation = None;
    snapshot.warnings.extend(warnings);
    snapshot
}

/// The start of a text, at most `max` bytes.
fn cut(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> SdkFile {
        serde_json::from_value(serde_json::json!({
            "version": 1,
            "run": {"id": "abcdef", "project": "p"},
            "process": {"pid": 1, "start_ticks": 2, "boot_id": "b"},
            "started_at_ms": 5,
            "host": "h",
        }))
        .expect("the least an sdk.json has")
    }

    #[test]
    fn what_is_fine_stays_as_it_is() {
        let mut file = file();
        file.run.group = Some("group-1".to_owned());
        file.params.insert("lr".to_owned(), serde_json::json!(0.1));
        file.params
            .insert("opt".to_owned(), serde_json::json!("adam"));
        let request = request(&file, &serde_json::json!({"code": {"commit": "c"}}));
        assert_eq!(
            (request.project.as_str(), request.experiment.as_str()),
            ("p", "p")
        );
        assert_eq!(request.group.as_deref(), Some("group-1"));
        assert_eq!(request.params["lr"], "0.1");
        assert_eq!(request.params["opt"], "adam");
        assert_eq!(request.snapshot.code["commit"], "c");
        assert!(request.snapshot.warnings.is_empty() && request.tags.is_empty());
    }

    #[test]
    fn what_the_hub_would_refuse_is_changed_and_told() {
        let mut file = file();
        file.run.project = " a/b\n".to_owned();
        file.run.name = Some("\u{7}".to_owned());
        file.run.group = Some("my group".to_owned());
        file.tags.insert("t".to_owned(), "x".repeat(100_000));
        file.config = serde_json::json!({"a": 1});
        let patch = "p".repeat(4 * 1024 * 1024);
        let snapshot = serde_json::json!({"code": {"commit": "c", "patch": patch}});
        let request = request(&file, &snapshot);
        assert_eq!(request.project, "a-b");
        assert_eq!(request.runs[0].name.as_deref(), Some("unnamed"));
        let group = request.group.expect("a group");
        group.parse::<GroupId>().expect("an identifier");
        assert_eq!(request.tags["group"], "my group");
        assert_eq!(request.tags.len(), 1);
        assert_eq!(request.snapshot.code["commit"], "c");
        assert!(request.snapshot.code["patch"].is_null());
        assert_eq!(request.snapshot.config["a"], 1);
        assert_eq!(
            request.snapshot.warnings.len(),
            4,
            "{:?}",
            request.snapshot.warnings
        );
    }
}
