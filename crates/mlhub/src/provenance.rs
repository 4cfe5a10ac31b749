//! What reproduces a run beyond its config: code, machine.
//!
//! Git is asked by argument vector, with hooks and external helpers off. What
//! is not known is left out, never guessed.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

/// Bytes of a patch kept with a run; a larger one is named by its hash only.
const PATCH_MAX_BYTES: usize = 1024 * 1024;
/// Files outside git kept by hash.
const SOURCES_MAX: usize = 500;
/// A larger file is data, not source.
const SOURCE_MAX_BYTES: u64 = 1024 * 1024;

fn git(dir: &Path, arguments: &[&str]) -> Option<Vec<u8>> {
    let output = Command::new("git")
        .args([
            "-c",
            "core.fsmonitor=false",
            "-c",
            "core.hooksPath=/dev/null",
        ])
        .args(arguments)
        .current_dir(dir)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(std::process::Stdio::null())
        .output()
        .ok()?;
    output.status.success().then_some(output.stdout)
}

fn git_line(dir: &Path, arguments: &[&str]) -> Option<String> {
    let text = String::from_utf8(git(dir, arguments)?).ok()?;
    let line = text.trim().to_owned();
    (!line.is_empty()).then_some(line)
}

/// The code of a folder: commit, branch, remote, patch of uncommitted changes,
/// and hashes of the files git does not know.
pub(crate) fn code(dir: &Path) -> Value {
    let Some(root) = git_line(dir, &["rev-parse", "--show-toplevel"]) else {
        let files = hashes(dir, folder_files(dir));
        return json!({"vcs": null, "root": dir, "tree_hash": tree_hash(&files), "files": files});
    };
    let patch = git(
        dir,
        &["diff", "--no-ext-diff", "--no-textconv", "--binary", "HEAD"],
    )
    .unwrap_or_default();
    let untracked: Vec<String> = git(dir, &["ls-files", "--others", "--exclude-standard", "-z"])
        .map(|bytes| {
            bytes
                .split(|byte| *byte == 0)
                .filter(|name| !name.is_empty())
                .map(|name| String::from_utf8_lossy(name).into_owned())
                .collect()
        })
        .unwrap_or_default();
    let untracked = hashes(dir, untracked);
    let mut code = json!({
        "vcs": "git",
        "root": root,
        "commit": git_line(dir, &["rev-parse", "HEAD"]),
        "branch": git_line(dir, &["rev-parse", "--abbrev-ref", "HEAD"]),
        "remote": git_line(dir, &["remote", "get-url", "origin"]).map(|url| without_credentials(&url)),
        "dirty": !patch.is_empty() || !untracked.is_empty(),
        "untracked": untracked,
    });
    if !patch.is_empty() {
        code["patch_hash"] = json!(blake3::hash(&patch).to_hex().to_string());
        if patch.len() <= PATCH_MAX_BYTES {
            code["patch"] = json!(String::from_utf8_lossy(&patch));
        }
    }
    code
}

/// The files of a folder itself, not of its subfolders.
fn folder_files(dir: &Path) -> Vec<String> {
    std::fs::read_dir(dir)
        .map(|entries| {
            entries
                .filter_map(|entry| {
                    let entry = entry.ok()?;
                    let file = entry.file_type().ok()?.is_file();
                    file.then(|| entry.file_name().to_string_lossy().into_owned())
                })
                .collect()
        })
        .unwrap_or_default()
}

/// BLAKE3 of each file that is small enough to be source, by name; never content.
fn hashes(dir: &Path, mut names: Vec<String>) -> BTreeMap<String, String> {
    names.sort();
    names
        .into_iter()
        .filter_map(|name| {
            let path = dir.join(&name);
            let data = std::fs::symlink_metadata(&path).ok()?;
            if !data.is_file() || data.len() > SOURCE_MAX_BYTES {
                return None;
            }
            let hash = blake3::hash(&std::fs::read(&path).ok()?)
                .to_hex()
                .to_string();
            Some((name, hash))
        })
        .take(SOURCES_MAX)
        .collect()
}

/// One hash over names and hashes of files.
fn tree_hash(files: &BTreeMap<String, String>) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("mlhub source tree v1");
    for (name, hash) in files {
        hasher.update(&(name.len() as u64).to_le_bytes());
        hasher.update(name.as_bytes());
        hasher.update(hash.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// A URL without the user and password some carry.
fn without_credentials(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest
                .split_once('/')
                .map_or((rest, None), |(a, p)| (a, Some(p)));
            let host = authority.rsplit('@').next().unwrap_or(authority);
            match path {
                Some(path) => format!("{scheme}://{host}/{path}"),
                None => format!("{scheme}://{host}"),
            }
        }
        None => url.to_owned(),
    }
}

/// Warnings about the code's reproducibility.
pub(crate) fn code_warnings(code: &Value) -> Vec<String> {
    let mut warnings = Vec::new();
    if code["vcs"].is_null() {
        warnings.push(
            "the experiment is not in a git repository: its code is recorded by hash only"
                .to_owned(),
        );
    } else if code["commit"].is_null() {
        warnings.push("the git repository has no commit yet: the code is not recorded".to_owned());
    }
    if code["patch_hash"].is_string() && code["patch"].is_null() {
        warnings.push(
            "the uncommitted changes are larger than 1 MiB: only their hash is recorded".to_owned(),
        );
    }
    if code["untracked"]
        .as_object()
        .is_some_and(|files| !files.is_empty())
    {
        warnings.push("there are untracked files, recorded by hash only; commit them to make the run reproducible".to_owned());
    }
    warnings
}

/// The machine: operating system, processor, memory.
pub(crate) fn machine() -> Value {
    let uname = rustix::system::uname();
    let mut machine = json!({
        "host": uname.nodename().to_string_lossy(),
        "os": uname.sysname().to_string_lossy(),
        "kernel": uname.release().to_string_lossy(),
        "architecture": uname.machine().to_string_lossy(),
        "cores": std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        "mlhub": env!("CARGO_PKG_VERSION"),
    });
    if let Ok(mut system) = sysinfo::System::new() {
        system.refresh_memory();
        system.refresh_cpu_all();
        machine["processor"] = json!(system.cpus().first().map(|cpu| cpu.brand().to_owned()));
        machine["memory_bytes"] = json!(system.total_memory());
    }
    machine
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_leave_the_remote() {
        assert_eq!(
            without_credentials("https://user:token@host.example/a/b.git"),
            "https://host.example/a/b.git"
        );
        assert_eq!(
            without_credentials("https://host.example"),
            "https://host.example"
        );
        assert_eq!(
            without_credentials("git@host.example:a/b.git"),
            "git@host.example:a/b.git"
        );
    }

    #[test]
    fn a_dirty_tree_is_recorded_with_its_patch() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let run = |arguments: &[&str]| {
            let done = Command::new("git")
                .args(arguments)
                .current_dir(dir.path())
                .output()
                .expect("git runs");
            assert!(
                done.status.success(),
                "{}",
                String::from_utf8_lossy(&done.stderr)
            );
        };
        run(&["init", "-q"]);
        std::fs::write(dir.path().join("train.py"), "lr = 1\n").expect("written");
        run(&["add", "."]);
        run(&[
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@example.org",
            "commit",
            "-q",
            "-m",
            "first",
        ]);
        assert_eq!(code(dir.path())["dirty"], false);
        std::fs::write(dir.path().join("train.py"), "lr = 2\n").expect("written");
        let dirty = code(dir.path());
        assert_eq!(dirty["dirty"], true);
        assert!(dirty["patch"].as_str().expect("patch").contains("+lr = 2"));
        assert!(code_warnings(&dirty).is_empty());
        std::fs::write(dir.path().join("helper.py"), "x = 1\n").expect("written");
        let warnings = code_warnings(&code(dir.path()));
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].contains("untracked"), "{warnings:?}");
    }
}
