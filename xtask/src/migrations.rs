//! Migrations only append: one that a release carried is never changed again.
//!
//! What was released is what the newest version tag (`v*`) of the history
//! holds. Without git or without a tag there is nothing to compare with.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

const MIGRATIONS: &str = ":(glob)crates/mlhub-store/**/migrations/**";

/// Compares the working tree with the newest release.
pub(crate) fn check(root: &Path) -> Result<String> {
    let Ok(tag) = git(root, &["describe", "--tags", "--abbrev=0", "--match=v*"]) else {
        return Ok("nothing is released yet, so any may change".to_owned());
    };
    let tag = tag.trim();
    let changes = git(
        root,
        &[
            "diff",
            "--name-status",
            "--no-renames",
            tag,
            "--",
            MIGRATIONS,
        ],
    )?;
    let changed: Vec<&str> = changes.lines().filter(|line| is_change(line)).collect();
    ensure!(
        changed.is_empty(),
        "changed since {tag}: {}; write a new migration instead",
        changed.join(", ")
    );
    Ok(format!("unchanged since {tag}"))
}

/// Whether a line of `git diff --name-status` is anything but an added file.
fn is_change(line: &str) -> bool {
    !line.starts_with("A\t")
}

fn git(root: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(root)
        .output()
        .context("git cannot be started")?;
    ensure!(
        output.status.success(),
        "git {}: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(root: &Path, message: &str) {
        git(root, &["add", "."]).expect("add");
        let name = ["-c", "user.name=test", "-c", "user.email=test@example.org"];
        git(
            root,
            &[&name[..], &["commit", "-q", "-m", message]].concat(),
        )
        .expect("commit");
    }

    #[test]
    fn released_files_are_frozen_and_new_ones_welcome() {
        let root = tempfile::tempdir().expect("folder");
        let root = root.path();
        let folder = root.join("crates/mlhub-store/migrations");
        std::fs::create_dir_all(&folder).expect("folder");
        let write = |file: &str, text: &str| std::fs::write(folder.join(file), text).expect(file);
        git(root, &["init", "-q"]).expect("init");
        write("V1__base.sql", "CREATE TABLE a (b INTEGER);");
        commit(root, "first");
        assert!(check(root).expect("no tag").contains("nothing is released"));

        git(root, &["tag", "v1.0.0"]).expect("tag");
        write("V2__more.sql", "CREATE TABLE c (d INTEGER);");
        commit(root, "second");
        assert_eq!(check(root).expect("appended"), "unchanged since v1.0.0");

        write("V1__base.sql", "CREATE TABLE a (b TEXT);");
        let error = check(root).expect_err("changed").to_string();
        assert!(error.contains("V1__base.sql"), "{error}");
        std::fs::remove_file(folder.join("V1__base.sql")).expect("remove");
        check(root).expect_err("removed");
    }
}
