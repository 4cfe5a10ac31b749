//! Development tasks that need to know the project from inside.
//!
//! `xtask check` holds documents and snapshots against what they describe and
//! changes nothing; `xtask bless` writes the generated ones anew. Building,
//! linting and testing are the gate's business (`scripts/gate.sh`).

mod arrows;
mod documents;
mod migrations;
mod snapshots;
mod sources;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};

/// A check: its name and what it does. The text it returns says what was looked at.
type Check = (&'static str, fn(&Path) -> Result<String>);

const CHECKS: [Check; 8] = [
    ("crate arrows of ARCHITECTURE.md", arrows::check),
    ("tests that documents name", documents::check_tests),
    ("links between documents", documents::check_links),
    ("docs/openapi.json", snapshots::check_openapi),
    ("docs/metrics.md", snapshots::check_metrics),
    ("ui/src/api/schema.d.ts", snapshots::check_ui_types),
    ("every Rust file says what it is for", sources::check),
    ("released migrations are as released", migrations::check),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["check"] => root().map(|root| check(&root)),
        ["bless"] => root()
            .and_then(|root| snapshots::bless(&root))
            .map(|()| true),
        _ => {
            eprintln!(
                "usage: xtask check | bless\n\
                 check   hold documents and snapshots against the code\n\
                 bless   write docs/openapi.json, docs/metrics.md and ui/src/api/schema.d.ts anew"
            );
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs every check, so that one run shows all that is wrong.
fn check(root: &Path) -> bool {
    let mut failed = 0;
    for (name, run) in CHECKS {
        match run(root) {
            Ok(seen) => println!("ok      {name}: {seen}"),
            Err(error) => {
                failed += 1;
                println!("FAILED  {name}: {error:#}");
            }
        }
    }
    println!("{} passed, {failed} failed", CHECKS.len() - failed);
    failed == 0
}

/// The workspace's folder: this program is built inside it.
fn root() -> Result<PathBuf> {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("xtask has no parent folder")
        .and_then(|root| {
            root.canonicalize()
                .with_context(|| format!("the checkout `{}` is gone", root.display()))
        })
}

/// Reads a text file of the checkout.
fn read(root: &Path, file: &str) -> Result<String> {
    std::fs::read_to_string(root.join(file)).with_context(|| format!("cannot read `{file}`"))
}
