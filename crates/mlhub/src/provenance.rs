//! What reproduces a run beyond its config: code, machine.
//!
//! Git is asked by argument vector, with hooks and external helpers off. What
//! is not known is left out, never guessed. Sources that git does not know are kept
//! whole while they are small, look like source and hold nothing that looks like a
//! secret; all others by hash.

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
/// Bytes of all sources kept whole with a run.
const SOURCES_KEPT_BYTES: usize = 512 * 1024;
/// Endings of source files. A table or an image beside them is data, which is never kept.
const SOURCE_ENDINGS: &[&str] = &[
    "bash", "c", "cc", "cfg", "cpp", "cu", "cuh", "go", "h", "hpp", "ini", "java", "jl", "js",
    "kt", "lock", "lua", "mjs", "py", "pyi", "pyx", "r", "rs", "scala", "sh", "sql", "swift",
    "toml", "ts", "yaml", "yml",
];

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
    let commit = git_line(dir, &["rev-parse", "--verify", "--quiet", "HEAD"]);
    let root = git_line(dir, &["rev-parse", "--show-toplevel"]);
    let Some((root, commit)) = root.zip(commit) else {
        let files = hashes(dir, folder_files(dir));
        let (sources, withheld) = kept(dir, &files);
        return json!({
            "vcs": null, "root": dir, "folder": "", "tree_hash": tree_hash(&files), "files": files,
            "sources": sources, "withheld": withheld,
        });
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
                .filter(|name| !is_made_by_python(name))
                .collect()
        })
        .unwrap_or_default();
    let untracked = hashes(dir, untracked);
    let (sources, withheld) = kept(dir, &untracked);
    let mut code = json!({
        "vcs": "git",
        "root": root,
        "folder": git_line(dir, &["rev-parse", "--show-prefix"]).unwrap_or_default(),
        "commit": commit,
        "branch": git_line(dir, &["rev-parse", "--abbrev-ref", "HEAD"]),
        "remote": git_line(dir, &["remote", "get-url", "origin"]).map(|url| without_credentials(&url)),
        "dirty": !patch.is_empty() || !untracked.is_empty(),
        "untracked": untracked,
        "sources": sources,
        "withheld": withheld,
    });
    if !patch.is_empty() {
        code["patch_hash"] = json!(blake3::hash(&patch).to_hex().to_string());
        match keepable(&patch, PATCH_MAX_BYTES) {
            Ok(text) => code["patch"] = json!(text),
            Err(reason) => code["patch_withheld"] = json!(reason),
        }
    }
    code
}

/// The text of what may be kept, or why it may not.
fn keepable(bytes: &[u8], most: usize) -> Result<&str, String> {
    if bytes.len() > most {
        return Err(format!("larger than {} KiB", most / 1024));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8 text".to_owned())?;
    match mlhub_config::secrets_in(text).first() {
        Some(found) => Err(format!(
            "line {} holds what looks like {}",
            found.line, found.kind
        )),
        None => Ok(text),
    }
}

/// The content of files that look like source, and of the others why it is not kept.
fn kept(
    dir: &Path,
    files: &BTreeMap<String, String>,
) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    let mut room = SOURCES_KEPT_BYTES;
    let (mut sources, mut withheld) = (BTreeMap::new(), BTreeMap::new());
    for (name, hash) in files {
        match source(dir, name, hash, room) {
            Ok(text) => {
                room -= text.len();
                sources.insert(name.clone(), text);
            }
            Err(reason) => {
                withheld.insert(name.clone(), reason);
            }
        }
    }
    (sources, withheld)
}

fn source(dir: &Path, name: &str, hash: &str, room: usize) -> Result<String, String> {
    let ending = Path::new(name)
        .extension()
        .and_then(|ending| ending.to_str());
    let ending = ending.unwrap_or_default().to_ascii_lowercase();
    let is_makefile = ["Makefile", "Dockerfile"].contains(&name);
    if !is_makefile && !SOURCE_ENDINGS.contains(&ending.as_str()) {
        return Err("not source by its name".to_owned());
    }
    let bytes = std::fs::read(dir.join(name)).map_err(|error| error.to_string())?;
    if blake3::hash(&bytes).to_hex().as_str() != hash {
        return Err("it changed while it was read".to_owned());
    }
    keepable(&bytes, room).map(str::to_owned)
}

/// Compiled modules, which Python makes anew from their sources.
fn is_made_by_python(name: &str) -> bool {
    name.split('/').any(|part| part == "__pycache__")
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

/// Names listed in a warning; the rest is counted.
const NAMED_MAX: usize = 5;

/// Warnings about the code's reproducibility.
pub(crate) fn code_warnings(code: &Value) -> Vec<String> {
    let mut warnings = Vec::new();
    if code["vcs"].is_null() {
        warnings.push(
            "the experiment is in no git repository with a commit: of its code only the files beside it are recorded"
                .to_owned(),
        );
    }
    if let Some(reason) = code["patch_withheld"].as_str() {
        warnings.push(format!(
            "the uncommitted changes are recorded by hash only ({reason}); commit them to make the run reproducible"
        ));
    }
    let withheld: Vec<String> = code["withheld"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, reason)| format!("`{name}` ({})", reason.as_str().unwrap_or_default()))
        .collect();
    if code["vcs"] == "git" && !withheld.is_empty() {
        let more = withheld.len().saturating_sub(NAMED_MAX);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        warnings.push(format!(
            "untracked files are recorded by hash only: {}{more}; commit them to make the run reproducible",
            withheld[..withheld.len().min(NAMED_MAX)].join(", ")
        ));
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
    let proc = Path::new("/proc/driver/nvidia");
    let gpus = gpus(&proc.join("gpus"));
    if !gpus.is_empty() {
        machine["gpus"] = json!(gpus);
        let version = std::fs::read_to_string(proc.join("version")).unwrap_or_default();
        machine["gpu_driver"] = json!(version.lines().next());
    }
    machine
}

/// Models of the GPUs, as the driver tells them below `/proc`.
fn gpus(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<(std::ffi::OsString, String)> = entries
        .filter_map(|entry| {
            let told = std::fs::read_to_string(entry.path().join("information")).ok()?;
            let model = told.lines().find_map(|line| line.strip_prefix("Model:"))?;
            Some((entry.file_name(), model.trim().to_owned()))
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, model)| model).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gpus_are_what_the_driver_tells() {
        let folder = tempfile::tempdir().expect("temporary folder");
        for (bus, model) in [("0000:02:00.0", "B"), ("0000:01:00.0", "A")] {
            let place = folder.path().join(bus);
            std::fs::create_dir(&place).expect("a folder");
            let told = format!("Model: \t\t NVIDIA {model}\nIRQ: 1\n");
            std::fs::write(place.join("information"), told).expect("written");
        }
        assert_eq!(gpus(folder.path()), ["NVIDIA A", "NVIDIA B"]);
        assert!(gpus(Path::new("/nowhere")).is_empty());
    }

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
        let write = |name: &str, text: &str| {
            std::fs::write(dir.path().join(name), text).expect("written");
        };
        write("helper.py", "x = 1\n");
        let kept = code(dir.path());
        assert_eq!(kept["sources"]["helper.py"], "x = 1\n");
        assert!(code_warnings(&kept).is_empty(), "kept whole");
        write("rows.csv", "age,income\n41,52000\n");
        write("keys.py", "password = 'correct-horse-battery'\n");
        let withheld = code(dir.path());
        assert_eq!(withheld["sources"].as_object().expect("a map").len(), 1);
        assert!(withheld["untracked"]["rows.csv"].is_string(), "by hash");
        let text = withheld.to_string();
        assert!(
            !text.contains("52000") && !text.contains("correct-horse"),
            "{text}"
        );
        let warnings = code_warnings(&withheld);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(
            warnings[0].contains("`keys.py` (line 1 holds what looks like"),
            "{warnings:?}"
        );
        assert!(warnings[0].contains("`rows.csv`"), "{warnings:?}");
    }

    #[test]
    fn a_patch_with_a_secret_is_known_by_its_hash_only() {
        let secret = format!("+token = \"ghp_{}\"\n", "a1B2".repeat(9));
        let reason = keepable(secret.as_bytes(), PATCH_MAX_BYTES).expect_err("withheld");
        assert!(
            reason.contains("line 1") && !reason.contains("ghp_"),
            "{reason}"
        );
        assert_eq!(keepable(b"\xff", 10), Err("not UTF-8 text".to_owned()));
        assert!(keepable(b"0123456789a", 10).is_err(), "too large");
    }
}
