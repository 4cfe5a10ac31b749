//! The adapters inside the binary: whole, found, and held to the protocol.
//!
//! `native` needs the hub's binary; its check is part of that crate's
//! end-to-end tests.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use mlhub_agent::adapter::{
    Bundle, CheckOptions, CheckReport, DiscoveryRoots, StepStatus, check, discover,
};

fn run(name: &str, root: &Path) -> CheckReport {
    let bundled = Bundle::unpack(&root.join("bundled")).unwrap();
    let options = CheckOptions {
        work_dir: root.join("work"),
        envs_dir: root.join("envs"),
        mlhub_binary: PathBuf::from("/nonexistent/mlhub"),
        run_limit: Duration::from_secs(120),
    };
    check(&bundled.join(name), &options, &mut |_| ())
}

#[test]
fn all_of_them_load() {
    let root = tempfile::tempdir().unwrap();
    let bundled = Bundle::unpack(root.path()).unwrap();
    let catalog = discover(&DiscoveryRoots {
        bundled: Some(bundled),
        ..DiscoveryRoots::default()
    });
    assert_eq!(catalog.broken, []);
    for name in ["native", "script", "sklearn"] {
        assert!(catalog.find(name).is_ok(), "{name}");
    }
}

#[test]
fn script_keeps_its_promises() {
    let root = tempfile::tempdir().unwrap();
    let report = run("script", root.path());
    assert!(report.passed, "{report:#?}");
    assert!(
        report
            .steps
            .iter()
            .any(|step| step.name == "same seed, same result" && step.status == StepStatus::Passed),
        "{report:#?}"
    );
}

#[test]
#[ignore = "installs scikit-learn; the end-to-end tests run it"]
fn sklearn_keeps_its_promises() {
    let root = tempfile::tempdir().unwrap();
    let report = run("sklearn", root.path());
    assert!(report.passed, "{report:#?}");
}
