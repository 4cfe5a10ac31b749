//! The example adapters that are not in Python keep every promise that the conformance
//! kit can judge.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use mlhub_agent::adapter::{CheckOptions, StepStatus, check};

/// Checks an example; only the steps named in `allowed` may not apply to it.
fn keeps_every_promise(example: &str, allowed: &[&str]) {
    let root = tempfile::tempdir().unwrap();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/adapters");
    let options = CheckOptions {
        work_dir: root.path().join("work"),
        envs_dir: root.path().join("envs"),
        mlhub_binary: PathBuf::from("/nonexistent/mlhub"),
        run_limit: Duration::from_secs(120),
    };
    let report = check(&examples.join(example), &options, &mut |_| ());
    assert!(report.passed, "{report:#?}");
    assert!(
        report
            .steps
            .iter()
            .filter(|step| step.status == StepStatus::NotApplicable)
            .all(|step| allowed.contains(&step.name.as_str())),
        "{report:#?}"
    );
}

#[test]
fn the_node_example_keeps_every_promise() {
    keeps_every_promise("node", &[]);
}

#[test]
fn the_shell_example_keeps_every_promise() {
    keeps_every_promise("shell", &[]);
}

#[test]
fn the_c_example_keeps_every_promise() {
    // It does not resume, and is over before a signal reaches it.
    keeps_every_promise("c", &["kill and resume", "ends on SIGTERM"]);
}

#[test]
fn the_rust_example_keeps_every_promise() {
    keeps_every_promise("rust", &[]);
}
