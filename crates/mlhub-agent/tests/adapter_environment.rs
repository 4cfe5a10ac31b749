//! Environments: built once, rebuilt when half-built, failures in one paragraph.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::fs;
use std::path::Path;
use std::process::Command;

use mlhub_agent::adapter::{Adapter, EnvError, EnvProgress, prepare_environment};

fn adapter(dir: &Path, environment: &str) -> Adapter {
    let manifest = format!(
        "protocol = 1\nname = \"env\"\nversion = \"1.0.0\"\ndescription = \"E.\"\ncapabilities = [\"train\"]\nenvironment = {environment}\nsmoke = {{}}\n[commands]\ntrain = [\"x\"]\n[config]\nschema = \"schema.json\"\n"
    );
    fs::write(dir.join("adapter.toml"), manifest).unwrap();
    fs::write(
        dir.join("schema.json"),
        r#"{"type": "object", "properties": {}}"#,
    )
    .unwrap();
    Adapter::load(dir).unwrap()
}

fn venv(dir: &Path, lock: &str) -> Adapter {
    fs::write(dir.join("requirements.lock"), lock).unwrap();
    adapter(
        dir,
        "{ kind = \"venv\", lock = \"requirements.lock\", python = \"3.9\" }",
    )
}

/// Writes a tiny pure-Python wheel below `dir` and returns its SHA-256.
fn wheel(dir: &Path) -> String {
    let script = r#"
import hashlib, sys, zipfile
path = sys.argv[1] + "/mlhub_tiny-1.0-py3-none-any.whl"
info = "mlhub_tiny-1.0.dist-info/"
with zipfile.ZipFile(path, "w") as z:
    z.writestr("mlhub_tiny.py", "VALUE = 42\n")
    z.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: mlhub-tiny\nVersion: 1.0\n")
    z.writestr(info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    z.writestr(info + "RECORD", "mlhub_tiny.py,,\n" + info + "METADATA,,\n" + info + "WHEEL,,\n" + info + "RECORD,,\n")
print(hashlib.sha256(open(path, "rb").read()).hexdigest())
"#;
    let output = Command::new("python3")
        .args(["-c", script])
        .arg(dir)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn lock(requirement: &str) -> String {
    format!("--no-index\n--find-links .\n{requirement}\n")
}

#[test]
fn a_locked_package_is_installed_once_and_a_half_built_environment_again() {
    let dir = tempfile::tempdir().unwrap();
    let envs = tempfile::tempdir().unwrap();
    let hash = wheel(dir.path());
    let adapter = venv(
        dir.path(),
        &lock(&format!("mlhub-tiny==1.0 --hash=sha256:{hash}")),
    );
    let prepare = || {
        let mut seen = Vec::new();
        let prepared =
            prepare_environment(&adapter, envs.path(), &mut |step| seen.push(step)).unwrap();
        (prepared, seen)
    };
    let (first, seen) = prepare();
    assert!(seen.iter().any(|step| matches!(step, EnvProgress::Package { done: 1, total: 1, name } if name.starts_with("mlhub_tiny"))), "{seen:?}");
    assert_eq!(seen.last(), Some(&EnvProgress::Ready { cached: false }));
    let python = first.python.clone().unwrap();
    let value = Command::new(&python)
        .args(["-c", "import mlhub_tiny; print(mlhub_tiny.VALUE)"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&value.stdout).trim(), "42");

    let (second, seen) = prepare();
    assert_eq!(second, first);
    assert_eq!(seen, [EnvProgress::Ready { cached: true }]);

    let folder = python.parent().and_then(Path::parent).unwrap().to_owned();
    fs::remove_file(folder.join("mlhub-complete.json")).unwrap();
    fs::write(folder.join("half-built"), "").unwrap();
    let (third, seen) = prepare();
    assert_eq!(third, first);
    assert_eq!(seen.last(), Some(&EnvProgress::Ready { cached: false }));
    assert!(!folder.join("half-built").exists());
}

#[test]
fn two_builders_at_once_build_one_environment() {
    let dir = tempfile::tempdir().unwrap();
    let envs = tempfile::tempdir().unwrap();
    let adapter = venv(dir.path(), "# nothing to install\n");
    let build = || {
        let mut built = 0;
        prepare_environment(&adapter, envs.path(), &mut |step| {
            built += usize::from(matches!(step, EnvProgress::Creating { .. }))
        })
        .unwrap();
        built
    };
    let total: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(build)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    assert_eq!(total, 1);
}

#[test]
fn a_package_with_another_hash_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    wheel(dir.path());
    let adapter = venv(
        dir.path(),
        &lock(&format!("mlhub-tiny==1.0 --hash=sha256:{}", "0".repeat(64))),
    );
    let envs = tempfile::tempdir().unwrap();
    let error = prepare_environment(&adapter, envs.path(), &mut |_| ()).unwrap_err();
    assert!(matches!(error, EnvError::Hash { .. }), "{error}");
    assert!(!error.to_string().contains('\n'), "{error}");
}

#[test]
fn a_package_that_is_nowhere_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let adapter = venv(
        dir.path(),
        &lock(&format!(
            "mlhub-nowhere==1.0 --hash=sha256:{}",
            "0".repeat(64)
        )),
    );
    let envs = tempfile::tempdir().unwrap();
    let error = prepare_environment(&adapter, envs.path(), &mut |_| ()).unwrap_err();
    assert!(
        matches!(error, EnvError::Unavailable { .. })
            && error.to_string().contains("mlhub-nowhere"),
        "{error}"
    );
}

#[test]
fn an_unreachable_index_is_a_network_error() {
    let dir = tempfile::tempdir().unwrap();
    // Port 9 of the own machine: nothing listens there.
    let adapter = venv(
        dir.path(),
        &format!(
            "--index-url http://127.0.0.1:9/simple\nmlhub-nowhere==1.0 --hash=sha256:{}\n",
            "0".repeat(64)
        ),
    );
    let envs = tempfile::tempdir().unwrap();
    let error = prepare_environment(&adapter, envs.path(), &mut |_| ()).unwrap_err();
    assert!(matches!(error, EnvError::Network { .. }), "{error}");
}

#[test]
fn missing_commands_are_all_named() {
    let dir = tempfile::tempdir().unwrap();
    let adapter = adapter(
        dir.path(),
        "{ kind = \"system\", requires = [\"sh\", \"mlhub-no-such-a\", \"mlhub-no-such-b\"] }",
    );
    let error = prepare_environment(&adapter, dir.path(), &mut |_| ())
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "adapter `env` needs commands that are not on PATH: mlhub-no-such-a, mlhub-no-such-b; install them, or add their folder to PATH"
    );
}

fn own(dir: &Path, packages: &str) -> Adapter {
    fs::write(dir.join("requirements.lock"), lock("mlhub-tiny==1.0")).unwrap();
    adapter(
        dir,
        &format!(
            "{{ kind = \"python\", packages = [{packages}], lock = \"requirements.lock\", python = \"3.9\" }}"
        ),
    )
}

#[test]
fn a_python_that_has_the_packages_is_used_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let envs = tempfile::tempdir().unwrap();
    let prepare =
        |packages: &str| prepare_environment(&own(dir.path(), packages), envs.path(), &mut |_| ());
    // What every environment of the tests has.
    let found = prepare("\"pip>=1\"").unwrap();
    let python = found.python.unwrap();
    assert!(
        python.is_file() && !python.starts_with(envs.path()),
        "{}",
        python.display()
    );
    assert!(
        found.description.contains("packages"),
        "{}",
        found.description
    );
    let other = prepare("\"no-such-package>=1 | pip>=1\"").unwrap();
    assert_eq!(other.python.as_ref(), Some(&python));
    let error = prepare("\"no-such-package>=1 | pip>=100000\"").unwrap_err();
    assert!(matches!(error, EnvError::Unavailable { .. }), "{error}");
    // What none has is built from the lock file, which here names what is nowhere.
    let error = prepare("\"no-such-package>=1\"").unwrap_err();
    assert!(matches!(error, EnvError::Unavailable { .. }), "{error}");
    let error = prepare("\"pip>=100000\"").unwrap_err();
    assert!(matches!(error, EnvError::Unavailable { .. }), "{error}");
}
