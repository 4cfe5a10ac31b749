//! The promise that neither data samples nor secrets reach logs: searches all
//! that the check's runs wrote for values planted in the data and in the
//! environment.

use std::fs;
use std::path::Path;

use mlhub_protocol::run_dir::names;
use walkdir::WalkDir;

use super::program::Bench;
use super::{Verdict, not_applicable, passed};

/// Output that holds data by its purpose; only secrets are looked for there.
const DATA_FOLDERS: &[&str] = &[names::CHECKPOINTS, names::PREDICTIONS, names::ARTIFACTS];

/// Searches the run directories of the check.
pub(super) fn search(bench: &Bench<'_>) -> Verdict {
    let needles: &[String] = bench.data.as_ref().map_or(&[], |data| &data.needles);
    let mut files = 0;
    for dir in &bench.run_dirs {
        for entry in WalkDir::new(dir).follow_links(false).into_iter() {
            let entry = entry.map_err(|error| error.to_string())?;
            let relative = entry.path().strip_prefix(dir).unwrap_or(entry.path());
            // The launch file carries the environment, is private and never leaves the machine.
            if !entry.file_type().is_file() || relative == Path::new(names::LAUNCH) {
                continue;
            }
            // A name travels further than its file, so it holds neither.
            let name = relative.as_os_str().as_encoded_bytes();
            let mut planted = needles.iter().chain([&bench.secret]);
            if planted.any(|needle| contains(name, needle.as_bytes())) {
                return Err(
                    "a file's name holds a value of the training data or of an environment variable; name files after steps and splits".to_owned(),
                );
            }
            let content = fs::read(entry.path())
                .map_err(|error| format!("{}: {error}", entry.path().display()))?;
            files += 1;
            if contains(&content, bench.secret.as_bytes()) {
                return Err(format!(
                    "`{}` holds the value of an environment variable; never write the environment out",
                    entry.path().display()
                ));
            }
            let data = relative.components().next().is_some_and(|first| {
                DATA_FOLDERS
                    .iter()
                    .any(|folder| first.as_os_str() == *folder)
            });
            if !data
                && needles
                    .iter()
                    .any(|needle| contains(&content, needle.as_bytes()))
            {
                return Err(format!(
                    "`{}` holds a value of the training data; log shapes, dtypes and statistics, never samples",
                    entry.path().display()
                ));
            }
        }
    }
    if files == 0 {
        return not_applicable("no run wrote anything");
    }
    passed(format!(
        "{} planted values and one planted secret, none in {files} files",
        needles.len()
    ))
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    !needle.is_empty()
        && haystack
            .windows(needle.len())
            .any(|window| window == needle)
}
