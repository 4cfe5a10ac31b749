//! Holds what documents point to against what is there: the tests that
//! `ARCHITECTURE.md` and `docs/reliability.md` name, and relative links between Markdown files.
//!
//! Links to other sites are not followed, anchors within a file not looked up.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

/// Documents that name the test of each thing they promise.
const PROMISING: [&str; 2] = ["ARCHITECTURE.md", "docs/reliability.md"];
/// Where Markdown files are looked for, besides the root itself.
const FOLDERS: [&str; 3] = ["docs", "adapters", "examples"];

/// Every `` `path/to/file::test_name` `` of the document names a test that exists.
pub(crate) fn check_tests(root: &Path) -> Result<String> {
    let mut names = Vec::new();
    for document in PROMISING {
        let found = test_names(&crate::read(root, document)?);
        ensure!(!found.is_empty(), "{document} names no test");
        names.extend(found);
    }
    let mut missing = Vec::new();
    for (file, test) in &names {
        let there = std::fs::read_to_string(root.join(file))
            .is_ok_and(|source| defines(&source, file, test));
        if !there {
            missing.push(format!("{file}::{test}"));
        }
    }
    ensure!(missing.is_empty(), "no such test: {}", missing.join(", "));
    Ok(format!("{} tests", names.len()))
}

/// The pairs of file and test in inline code of the form `path.ext::name`.
fn test_names(document: &str) -> Vec<(String, String)> {
    document
        .split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|code| code.split_once("::"))
        .filter(|(file, test)| {
            [".rs", ".py", ".ts"].iter().any(|end| file.ends_with(end))
                && !test.is_empty()
                && !test.contains("::")
        })
        .map(|(file, test)| (file.to_owned(), test.to_owned()))
        .collect()
}

fn defines(source: &str, file: &str, test: &str) -> bool {
    let starts = match file.rsplit_once('.') {
        Some((_, "ts")) => vec![
            format!("test(\"{test}\""),
            format!("it(\"{test}\""),
            format!("describe(\"{test}\""),
        ],
        Some((_, "py")) => vec![format!("def {test}(")],
        _ => vec![format!("fn {test}(")],
    };
    starts.iter().any(|start| source.contains(start))
}

/// Every relative link of a Markdown file leads to a file or folder.
pub(crate) fn check_links(root: &Path) -> Result<String> {
    let mut seen = 0;
    let mut broken = Vec::new();
    for file in markdown_files(root)? {
        let text = std::fs::read_to_string(&file)
            .with_context(|| format!("cannot read `{}`", file.display()))?;
        let folder = file.parent().unwrap_or(root);
        for link in relative_links(&text) {
            seen += 1;
            if !folder.join(&link).exists() {
                let shown = file.strip_prefix(root).unwrap_or(&file);
                broken.push(format!("{} -> {link}", shown.display()));
            }
        }
    }
    ensure!(broken.is_empty(), "broken: {}", broken.join(", "));
    Ok(format!("{seen} links"))
}

fn markdown_files(root: &Path) -> Result<Vec<PathBuf>> {
    let is_markdown = |path: &Path| path.extension().is_some_and(|end| end == "md");
    let mut files: Vec<PathBuf> = std::fs::read_dir(root)
        .context("cannot list the checkout")?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| is_markdown(path))
        .collect();
    for folder in FOLDERS {
        files.extend(
            walkdir::WalkDir::new(root.join(folder))
                .into_iter()
                .flatten()
                .map(walkdir::DirEntry::into_path)
                .filter(|path| is_markdown(path)),
        );
    }
    Ok(files)
}

/// The targets of `[text](target)`, without anchors, outside code blocks.
fn relative_links(text: &str) -> Vec<String> {
    let mut links = Vec::new();
    let mut in_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for part in line.split("](").skip(1) {
            let Some((target, _)) = part.split_once(')') else {
                continue;
            };
            let target = target.split('#').next().unwrap_or_default();
            if !target.is_empty() && !target.contains(':') {
                links.push(target.to_owned());
            }
        }
    }
    links
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_found_in_inline_code() {
        let names = test_names("see `a/b.rs::holds` and `Store::get`, `ui/x.spec.ts::opens a run`");
        let expected = [("a/b.rs", "holds"), ("ui/x.spec.ts", "opens a run")]
            .map(|(file, test)| (file.to_owned(), test.to_owned()));
        assert_eq!(names, expected);
    }

    #[test]
    fn a_test_must_be_defined_not_mentioned() {
        assert!(defines("fn holds() {}", "a.rs", "holds"));
        assert!(!defines("// holds", "a.rs", "holds"));
        assert!(!defines("fn holds_more() {}", "a.rs", "holds"));
        assert!(defines("test(\"opens a run\", ...", "a.ts", "opens a run"));
    }

    #[test]
    fn links_are_found_outside_code() {
        let text = "[a](x.md#part) [b](https://e.org/)\n```\n[c](no.md)\n```\n[d](#here) [e](y/)";
        assert_eq!(relative_links(text), ["x.md", "y/"]);
    }
}
