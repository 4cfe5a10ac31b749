//! Restores the code of a run into a folder of its own: commit, patch and files that git did
//! not know. The repository it comes from is only read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use mlhub_app::code_folder;
use serde_json::Value;

use crate::provenance;

/// Restored code.
pub(super) struct Restored {
    /// The folder of the experiment in it.
    pub(super) folder: PathBuf,
    /// What of it is not as it was.
    pub(super) missing: Vec<String>,
    /// What a person should know.
    pub(super) notes: Vec<String>,
}

/// Restores the recorded code below `place`, from its repository or from `repository`. Files of the
/// dataset, `data`, are looked at elsewhere.
///
/// # Errors
/// What keeps all of it from being restored, one sentence each.
pub(super) fn restore(
    code: &Value,
    place: &Path,
    repository: Option<&str>,
    data: &[PathBuf],
) -> Result<Restored, Vec<String>> {
    match code["vcs"].as_str() {
        Some("git") => from_git(code, place, repository, data),
        _ if code["files"].is_object() => from_files(code, place, data),
        _ => Err(vec!["its code was not recorded".to_owned()]),
    }
}

fn git(dir: &Path, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new("git")
        .args([
            "-c",
            "core.hooksPath=/dev/null",
            "-c",
            "advice.detachedHead=false",
        ])
        .args(arguments)
        .current_dir(dir)
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(std::process::Stdio::null())
        .output()
        .map_err(|error| format!("git cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    Err(text.trim().lines().last().unwrap_or_default().to_owned())
}

fn from_git(
    code: &Value,
    place: &Path,
    repository: Option<&str>,
    data: &[PathBuf],
) -> Result<Restored, Vec<String>> {
    let one = |message: String| vec![message];
    let commit = code["commit"].as_str().ok_or_else(|| {
        one("its git repository had no commit, so its code is not recorded".to_owned())
    })?;
    let root = repository.unwrap_or_else(|| code["root"].as_str().unwrap_or_default());
    let source = Path::new(root);
    if !source.is_dir() {
        return Err(one(format!(
            "the git repository `{root}` is not there any more; name another clone of it with --repository"
        )));
    }
    git(source, &["cat-file", "-e", &format!("{commit}^{{commit}}")]).map_err(|_| {
        one(format!(
            "the commit {commit} is not in the git repository `{root}`; fetch it, or name a clone that has it with --repository"
        ))
    })?;
    let patch = patch_of(code).map_err(one)?;
    let broken = |error: String| {
        one(format!(
            "the commit {commit} cannot be checked out: {error}"
        ))
    };
    std::fs::create_dir_all(place).map_err(|error| broken(error.to_string()))?;
    let tree = place.join("code");
    let target = tree.to_string_lossy().into_owned();
    let source = std::path::absolute(source).map_err(|error| broken(error.to_string()))?;
    let from = source.to_string_lossy().into_owned();
    git(
        place,
        &[
            "clone",
            "--quiet",
            "--no-checkout",
            "--shared",
            "--",
            &from,
            &target,
        ],
    )
    .map_err(broken)?;
    git(&tree, &["checkout", "--quiet", "--detach", commit]).map_err(broken)?;
    if let Some(patch) = patch {
        let file = place.join("changes.patch");
        std::fs::write(&file, patch)
            .map_err(|error| error.to_string())
            .and_then(|()| {
                git(
                    &tree,
                    &[
                        "apply",
                        "--index",
                        "--whitespace=nowarn",
                        &file.to_string_lossy(),
                    ],
                )
            })
            .map_err(|error| one(format!("the uncommitted changes do not apply: {error}")))?;
    }
    let folder = tree.join(code["folder"].as_str().unwrap_or_default());
    std::fs::create_dir_all(&folder).map_err(|error| broken(error.to_string()))?;
    let mut missing = put_files(code, "untracked", &folder, data)?;
    let again = provenance::code(&folder);
    for key in ["commit", "patch_hash"] {
        if again[key] != code[key] {
            missing.push(format!(
                "the restored code has another `{key}` than the recorded one"
            ));
        }
    }
    Ok(Restored {
        folder,
        missing,
        notes: Vec::new(),
    })
}

/// The uncommitted changes, when there were any.
fn patch_of(code: &Value) -> Result<Option<String>, String> {
    let Some(hash) = code["patch_hash"].as_str() else {
        return Ok(None);
    };
    let text = code["patch"].as_str().ok_or_else(|| {
        format!(
            "its uncommitted changes are recorded by hash only ({})",
            code["patch_withheld"]
                .as_str()
                .unwrap_or("larger than 1 MiB")
        )
    })?;
    if blake3::hash(text.as_bytes()).to_hex().as_str() != hash {
        return Err("its recorded uncommitted changes do not match their hash".to_owned());
    }
    Ok(Some(text.to_owned()))
}

/// Where the experiment was in no repository: its own folder while that is unchanged, else the
/// recorded files.
fn from_files(code: &Value, place: &Path, data: &[PathBuf]) -> Result<Restored, Vec<String>> {
    let original = code_folder(code);
    let files = files_of(code, "files", data);
    let unchanged = files
        .iter()
        .all(|(name, hash)| hash_of(&original.join(name)).as_deref() == Some(hash));
    let notes = vec![format!(
        "`{}` was in no git repository with a commit: files in its subfolders are not part of the record",
        original.display()
    )];
    if unchanged && original.is_dir() {
        return Ok(Restored {
            folder: original,
            missing: Vec::new(),
            notes,
        });
    }
    let folder = place.join("code");
    std::fs::create_dir_all(&folder).map_err(|error| vec![error.to_string()])?;
    let missing = put_files(code, "files", &folder, data)?;
    Ok(Restored {
        folder,
        missing,
        notes,
    })
}

fn hash_of(path: &Path) -> Option<String> {
    Some(
        blake3::hash(&std::fs::read(path).ok()?)
            .to_hex()
            .to_string(),
    )
}

/// Recorded files by name with their hashes, but for those of the dataset.
fn files_of(code: &Value, key: &str, data: &[PathBuf]) -> BTreeMap<String, String> {
    let original = code_folder(code);
    let mut files: BTreeMap<String, String> =
        serde_json::from_value(code[key].clone()).unwrap_or_default();
    files.retain(|name, _| {
        let path = original.join(name);
        !data.iter().any(|data| path.starts_with(data))
    });
    files
}

/// Writes the files that git did not know: from the record, or from where they were if they are
/// unchanged there. Returns what could not be.
fn put_files(
    code: &Value,
    key: &str,
    folder: &Path,
    data: &[PathBuf],
) -> Result<Vec<String>, Vec<String>> {
    let files = files_of(code, key, data);
    let original = code_folder(code);
    let mut missing = Vec::new();
    for (name, hash) in &files {
        let is_plain = Path::new(name)
            .components()
            .all(|part| matches!(part, std::path::Component::Normal(_)));
        if !is_plain {
            return Err(vec![format!(
                "the record names a file outside of its folder: `{name}`"
            )]);
        }
        let content = match code["sources"][name].as_str() {
            Some(text) => Some(text.as_bytes().to_vec()),
            None => std::fs::read(original.join(name)).ok(),
        };
        let Some(content) = content.filter(|bytes| blake3::hash(bytes).to_hex().as_str() == hash)
        else {
            let reason = code["withheld"][name]
                .as_str()
                .unwrap_or("recorded by hash only");
            missing.push(format!(
                "the file `{name}` ({reason}) is not as it was in `{}`",
                original.display()
            ));
            continue;
        };
        let path = folder.join(name);
        let written = path
            .parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| std::fs::write(&path, content));
        if let Err(error) = written {
            return Err(vec![format!(
                "`{}` cannot be written: {error}",
                path.display()
            )]);
        }
    }
    Ok(missing)
}
