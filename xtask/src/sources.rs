//! Every Rust file opens by saying what it is for.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};

const FOLDERS: [&str; 4] = ["crates", "adapters", "benches", "xtask"];

/// Names the files whose first line is not a `//!` comment.
pub(crate) fn check(root: &Path) -> Result<String> {
    let mut silent = Vec::new();
    let mut seen = 0;
    for folder in FOLDERS.iter().map(|folder| root.join(folder)) {
        for entry in walkdir::WalkDir::new(folder).into_iter().flatten() {
            let path = entry.path();
            if path.extension().is_none_or(|end| end != "rs") {
                continue;
            }
            seen += 1;
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read `{}`", path.display()))?;
            if !says_what_it_is_for(&text) {
                let shown = path.strip_prefix(root).unwrap_or(path);
                silent.push(shown.display().to_string());
            }
        }
    }
    ensure!(
        silent.is_empty(),
        "no `//!` in the first line of {}",
        silent.join(", ")
    );
    Ok(format!("{seen} files"))
}

fn says_what_it_is_for(text: &str) -> bool {
    text.strip_prefix("//!")
        .and_then(|rest| rest.lines().next())
        .is_some_and(|line| !line.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::says_what_it_is_for;

    #[test]
    fn a_comment_must_say_something() {
        assert!(says_what_it_is_for("//! Text.\n"));
        assert!(!says_what_it_is_for("//!\nuse std;\n"));
        assert!(!says_what_it_is_for("use std;\n//! Text.\n"));
        assert!(!says_what_it_is_for(""));
    }
}
