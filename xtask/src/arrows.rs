//! Holds the crate arrows of `ARCHITECTURE.md` against `cargo metadata`.
//!
//! The document draws them in a block fenced as `arrows`: `a -> b, c` for what
//! a crate is built on, `a ~> b` for what only its tests use. Crates from
//! outside the workspace are not drawn.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

const DOCUMENT: &str = "ARCHITECTURE.md";
const FENCE: &str = "```arrows";

/// An arrow, as the document writes it.
type Arrow = String;

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// Absent for ordinary dependencies.
    kind: Option<String>,
    /// Present for crates of the workspace.
    path: Option<String>,
}

/// Compares both; the error names every arrow too many and too few.
pub(crate) fn check(root: &Path) -> Result<String> {
    let drawn = drawn(&crate::read(root, DOCUMENT)?)?;
    let real = real(root)?;
    let missing: Vec<_> = real.difference(&drawn).cloned().collect();
    let wrong: Vec<_> = drawn.difference(&real).cloned().collect();
    ensure!(
        missing.is_empty() && wrong.is_empty(),
        "the block differs from Cargo.toml; not drawn: [{}]; drawn but not there: [{}]",
        missing.join("; "),
        wrong.join("; ")
    );
    Ok(format!("{} arrows", real.len()))
}

fn arrow(from: &str, line: &str, to: &str) -> Arrow {
    format!("{from} {line} {to}")
}

fn drawn(document: &str) -> Result<BTreeSet<Arrow>> {
    let block = document
        .split_once(FENCE)
        .and_then(|(_, rest)| rest.split_once("```"))
        .with_context(|| format!("no block that starts with {FENCE}"))?
        .0;
    let mut arrows = BTreeSet::new();
    for line in block.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let Some((from, kind, targets)) = ["->", "~>"].into_iter().find_map(|kind| {
            line.split_once(kind)
                .map(|(from, targets)| (from, kind, targets))
        }) else {
            bail!("`{line}` is no arrow");
        };
        for to in targets
            .split(',')
            .map(str::trim)
            .filter(|to| !to.is_empty())
        {
            let new = arrow(from.trim(), kind, to);
            ensure!(arrows.insert(new.clone()), "`{new}` is drawn twice");
        }
    }
    Ok(arrows)
}

fn real(root: &Path) -> Result<BTreeSet<Arrow>> {
    let output = Command::new("cargo")
        .args([
            "metadata",
            "--format-version=1",
            "--no-deps",
            "--offline",
            "--locked",
        ])
        .current_dir(root)
        .output()
        .context("cargo cannot be started")?;
    ensure!(
        output.status.success(),
        "`cargo metadata` failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let metadata: Metadata =
        serde_json::from_slice(&output.stdout).context("`cargo metadata` printed other JSON")?;
    let mut arrows = BTreeSet::new();
    for package in &metadata.packages {
        for dependency in package.dependencies.iter().filter(|d| d.path.is_some()) {
            let kind = if dependency.kind.as_deref() == Some("dev") {
                "~>"
            } else {
                "->"
            };
            arrows.insert(arrow(&package.name, kind, &dependency.name));
        }
    }
    Ok(arrows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_read() {
        let document = "text\n```arrows\na -> b, c\n\na ~> d\nb ->\n```\n`x -> y`\n";
        let arrows: Vec<_> = drawn(document).expect("read").into_iter().collect();
        assert_eq!(arrows, ["a -> b", "a -> c", "a ~> d"]);
    }

    #[test]
    fn what_is_no_block_is_refused() {
        for (document, reason) in [
            ("nothing", "no block"),
            ("```arrows\na b\n```", "is no arrow"),
            ("```arrows\na -> b, b\n```", "twice"),
        ] {
            let error = drawn(document).expect_err(document).to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn the_workspace_has_arrows() {
        let root = crate::root().expect("a checkout");
        let arrows = real(&root).expect("metadata");
        assert!(arrows.contains("mlhub-api -> mlhub-app"), "{arrows:?}");
    }
}
