//! The run directory of the SDK, `sdk.json` and what comes after it, told as a
//! supervisor's directory would.

use std::path::{Path, PathBuf};

use mlhub_protocol::run_dir::{
    HubAddress, LaunchFile, Limits, ProgramFile, RUN_DIR_VERSION, Resources, RunFile, RunIdentity,
    SdkFile, names,
};
use serde_json::Value;

use super::error::{Result, SupervisorError};
use super::files::read_json;
use super::run_dir::RunDir;

/// Whether a folder is a run directory of the SDK.
pub fn is_sdk_run(dir: &Path) -> bool {
    dir.join(names::SDK).is_file()
}

/// The directory of an earlier attempt of the same run that lies beside `dir`, the
/// last of them.
pub(super) fn earlier_attempt(dir: &Path, file: &SdkFile) -> Option<PathBuf> {
    let number = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let own = number(dir)?;
    file.resume?;
    (1..own).rev().find_map(|earlier| {
        let path = dir.parent()?.join(earlier.to_string());
        let found = sdk_file(&path).ok()?;
        (found.run.id == file.run.id).then_some(path)
    })
}

pub(super) fn sdk_file(dir: &Path) -> Result<SdkFile> {
    let path = dir.join(names::SDK);
    read_json(&path)?.ok_or_else(|| SupervisorError::Malformed {
        path,
        reason: "it is missing; this is no run directory of the SDK".to_owned(),
    })
}

/// What a supervisor's directory would say, from what the SDK's says.
pub(super) fn run_dir(path: &Path, file: &SdkFile, hub: HubAddress) -> RunDir {
    let command: Vec<String> = file
        .snapshot
        .get("command")
        .and_then(|command| serde_json::from_value(command.clone()).ok())
        .unwrap_or_else(|| vec!["the program".to_owned()]);
    let run = RunFile {
        version: RUN_DIR_VERSION,
        run: RunIdentity {
            id: file.run.id.clone(),
            project: file.run.project.clone(),
            experiment: file.run.experiment.clone().unwrap_or_default(),
            name: file.run.name.clone().unwrap_or_default(),
            group: file.run.group.clone(),
        },
        attempt: 1,
        seed: file.seed.unwrap_or_default(),
        smoke: false,
        params: serde_json::Map::new(),
        task: None,
        dataset: None,
        predict_splits: Vec::new(),
        resume: None,
        model: None,
        export: None,
        resources: Resources::default(),
        config: Value::Null,
    };
    let launch = LaunchFile {
        version: RUN_DIR_VERSION,
        argv: command,
        cwd: String::new(),
        env: std::collections::BTreeMap::new(),
        hub,
        host: file.host.clone(),
        grace_seconds: 0,
        timeout_seconds: None,
        limits: Limits::default(),
        stdout_events: false,
        log_metrics: Vec::new(),
        log_scan: false,
        system_interval_seconds: file.system_interval_seconds,
        queue_position: 0,
    };
    let program = ProgramFile {
        version: RUN_DIR_VERSION,
        program: file.process.clone(),
        shim: file.process.clone(),
        started_at_ms: file.started_at_ms,
    };
    RunDir::of_sdk(path, run, launch, program)
}

/// The snapshot of `sdk.json` with what `capture.json` adds, key by key.
pub(super) fn snapshot_parts(dir: &Path, file: &SdkFile) -> Value {
    let mut parts = file.snapshot.clone();
    // Without what comes late there is still a run.
    let later: Option<Value> = read_json(&dir.join(names::CAPTURE)).unwrap_or_default();
    if let Some(later) = later {
        merge(&mut parts, later);
    }
    parts
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

/// A host's name as part of a file's.
pub(super) fn file_name_part(host: &str) -> String {
    /// Characters of it.
    const PART_MAX: usize = 60;
    host.chars()
        .take(PART_MAX)
        .map(|letter| {
            if letter.is_ascii_alphanumeric() || letter == '-' {
                letter
            } else {
                '_'
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_late_is_merged_key_by_key() {
        let mut parts = serde_json::json!({"code": {"commit": "c"}, "command": ["a"]});
        merge(
            &mut parts,
            serde_json::json!({"code": {"patch": "p"}, "command": ["b"], "machine": {}}),
        );
        let expected = serde_json::json!({"code": {"commit": "c", "patch": "p"}, "command": ["b"], "machine": {}});
        assert_eq!(parts, expected);
    }
}
