//! Documents generated from code and kept in the repository, so that a review
//! sees them change: the OpenAPI document, the metric reference, and the web
//! UI's types made from the former.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

const OPENAPI: &str = "docs/openapi.json";
const METRICS: &str = "docs/metrics.md";
const UI: &str = "ui";
const UI_TYPES: &str = "ui/src/api/schema.d.ts";
const BLESS: &str = "if that is meant, run `cargo run -p xtask -- bless` and commit the file";

/// `docs/openapi.json` is what the code generates.
pub(crate) fn check_openapi(root: &Path) -> Result<String> {
    compare(&crate::read(root, OPENAPI)?, &mlhub_api::openapi_document())
}

/// `docs/metrics.md` is what the registry says.
pub(crate) fn check_metrics(root: &Path) -> Result<String> {
    compare(
        &crate::read(root, METRICS)?,
        &mlhub_eval::reference_markdown(),
    )
}

/// `ui/src/api/schema.d.ts` is what the OpenAPI document in the repository gives.
pub(crate) fn check_ui_types(root: &Path) -> Result<String> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let fresh = folder.path().join("schema.d.ts");
    generate_ui_types(root, &fresh)?;
    let fresh = std::fs::read_to_string(&fresh).context("the generator wrote nothing")?;
    compare(&crate::read(root, UI_TYPES)?, &fresh)
}

/// Writes all three anew.
pub(crate) fn bless(root: &Path) -> Result<()> {
    write(root, OPENAPI, &mlhub_api::openapi_document())?;
    write(root, METRICS, &mlhub_eval::reference_markdown())?;
    generate_ui_types(root, &root.join(UI_TYPES))?;
    println!("wrote {OPENAPI}, {METRICS} and {UI_TYPES}");
    Ok(())
}

fn write(root: &Path, file: &str, text: &str) -> Result<()> {
    std::fs::write(root.join(file), text).with_context(|| format!("cannot write `{file}`"))
}

fn generate_ui_types(root: &Path, output: &Path) -> Result<()> {
    let program: PathBuf = root.join(UI).join("node_modules/.bin/openapi-typescript");
    ensure!(
        program.exists(),
        "the generator is not installed; run `npm ci` in {UI}/"
    );
    let done = Command::new(program)
        .arg(root.join(OPENAPI))
        .arg("--output")
        .arg(output)
        .current_dir(root.join(UI))
        .output()
        .context("openapi-typescript cannot be started")?;
    ensure!(
        done.status.success(),
        "openapi-typescript failed: {}",
        String::from_utf8_lossy(&done.stderr).trim()
    );
    Ok(())
}

fn compare(kept: &str, fresh: &str) -> Result<String> {
    let Some(line) = first_difference(kept, fresh) else {
        return Ok(format!("{} lines, fresh", fresh.lines().count()));
    };
    let shown = |text: &str| {
        text.lines()
            .nth(line - 1)
            .unwrap_or("(ends)")
            .trim()
            .to_owned()
    };
    anyhow::bail!(
        "differs from the code from line {line} on: kept `{}`, generated `{}`; {BLESS}",
        shown(kept),
        shown(fresh)
    );
}

/// The first line, from 1, in which two texts differ.
fn first_difference(a: &str, b: &str) -> Option<usize> {
    if a == b {
        return None;
    }
    let same = a
        .lines()
        .zip(b.lines())
        .take_while(|(left, right)| left == right)
        .count();
    Some(same + 1)
}

#[cfg(test)]
mod tests {
    use super::first_difference;

    #[test]
    fn differences_are_found() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), Some(2));
        assert_eq!(first_difference("a\n", "a\nb\n"), Some(2));
        assert_eq!(first_difference("a", "a\n"), Some(2));
    }
}
