//! Discovery: nearer places win, broken adapters are named with their reason,
//! adapters are added from folders and repositories.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use mlhub_agent::adapter::{
    AddError, DiscoveryRoots, FindError, Language, Source, add, discover, new_skeleton,
};

fn set_version(dir: &Path, version: &str) {
    let path = dir.join("adapter.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(path, text.replace("0.1.0", version)).unwrap();
}

#[test]
fn nearer_places_win_and_broken_ones_are_named() {
    let root = tempfile::tempdir().unwrap();
    let (project, data_dir, bundled) = (
        root.path().join("project"),
        root.path().join("data"),
        root.path().join("bundled"),
    );
    set_version(
        &new_skeleton("model", Language::Shell, &project).unwrap(),
        "2.0.0",
    );
    new_skeleton("model", Language::Shell, &bundled).unwrap();
    new_skeleton("other", Language::Shell, &bundled).unwrap();
    let broken = new_skeleton("broken", Language::Shell, &data_dir.join("adapters")).unwrap();
    fs::write(broken.join("schema.json"), "{").unwrap();
    fs::create_dir_all(project.join("empty")).unwrap();
    let catalog = discover(&DiscoveryRoots {
        bundled: Some(bundled.clone()),
        data_dir: Some(data_dir),
        project: Some(project.clone()),
        python: None,
    });

    let names: Vec<String> = catalog
        .adapters
        .iter()
        .map(|adapter| format!("{} {}", adapter.reference(), adapter.source))
        .collect();
    assert_eq!(names, ["model@2.0.0 project", "other@0.1.0 bundled"]);
    assert_eq!(catalog.shadowed.len(), 1);
    assert_eq!(catalog.shadowed[0].by, project.join("model"));
    let reasons: Vec<(&str, &str)> = catalog
        .broken
        .iter()
        .map(|broken| (broken.name.as_str(), broken.reason.as_str()))
        .collect();
    assert_eq!(
        reasons[0],
        (
            "empty",
            "adapter.toml: file `adapter.toml` is not in the adapter folder"
        )
    );
    assert!(
        reasons[1].0 == "broken" && reasons[1].1.starts_with("schema.json: not valid JSON"),
        "{reasons:?}"
    );

    assert_eq!(catalog.find("model").unwrap().manifest.version, "2.0.0");
    assert_eq!(catalog.find("model@2").unwrap().source, Source::Project);
    assert_eq!(catalog.find("model@0.1").unwrap().source, Source::Bundled);
    assert!(matches!(catalog.find("model@0"), Ok(adapter) if adapter.manifest.version == "0.1.0"));
    assert!(matches!(
        catalog.find("model@3"),
        Err(FindError::Version { .. })
    ));
    assert!(matches!(
        catalog.find("broken"),
        Err(FindError::Broken { .. })
    ));
    let error = catalog.find("modle").unwrap_err().to_string();
    assert_eq!(
        error,
        "unknown adapter `modle`, did you mean `model`?; known are: model, other"
    );
}

#[test]
fn adapters_are_added_from_folders_and_repositories() {
    let root = tempfile::tempdir().unwrap();
    let source = new_skeleton("model", Language::Python, &root.path().join("src")).unwrap();
    fs::create_dir(source.join("__pycache__")).unwrap();
    fs::write(source.join("__pycache__/x.pyc"), "x").unwrap();
    let data_dir = root.path().join("data");
    let added = add(source.to_str().unwrap(), &data_dir).unwrap();
    assert_eq!(
        (added.source, added.dir.clone()),
        (Source::DataDir, data_dir.join("adapters/model"))
    );
    assert!(!added.dir.join("__pycache__").exists());

    set_version(&source, "0.2.0");
    for arguments in [
        vec!["init", "-q"],
        vec!["add", "."],
        vec![
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@example.org",
            "commit",
            "-q",
            "-m",
            "x",
        ],
    ] {
        assert!(
            Command::new("git")
                .arg("-C")
                .arg(&source)
                .args(arguments)
                .status()
                .unwrap()
                .success()
        );
    }
    let hook = root.path().join("hook-ran");
    let hooks = source.join(".git/hooks");
    fs::create_dir_all(&hooks).unwrap();
    fs::write(
        hooks.join("post-checkout"),
        format!("#!/bin/sh\ntouch {}\n", hook.display()),
    )
    .unwrap();
    fs::set_permissions(
        hooks.join("post-checkout"),
        fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    let cloned = add(&format!("file://{}", source.display()), &data_dir).unwrap();
    assert_eq!(cloned.manifest.version, "0.2.0");
    assert!(!cloned.dir.join(".git").exists() && !hook.exists());
    assert_eq!(
        fs::read_dir(data_dir.join("adapters")).unwrap().count(),
        1,
        "nothing is left of the work"
    );
}

#[test]
fn what_is_no_adapter_is_not_added() {
    let root = tempfile::tempdir().unwrap();
    let data_dir = root.path().join("data");
    let empty = root.path().join("empty");
    fs::create_dir(&empty).unwrap();
    assert!(matches!(
        add(empty.to_str().unwrap(), &data_dir),
        Err(AddError::Problem(_))
    ));
    assert!(matches!(
        add("ext::sh -c id", &data_dir),
        Err(AddError::Source(_))
    ));
    assert!(matches!(
        add("no/such/folder", &data_dir),
        Err(AddError::Source(_))
    ));
    let missing = format!("file://{}/missing", root.path().display());
    assert!(matches!(
        add(&missing, &data_dir),
        Err(AddError::Git { .. })
    ));
    let link = new_skeleton("model", Language::Shell, &root.path().join("src")).unwrap();
    fs::write(root.path().join("secret"), "x").unwrap();
    std::os::unix::fs::symlink("../../secret", link.join("notes.txt")).unwrap();
    assert!(matches!(
        add(link.to_str().unwrap(), &data_dir),
        Err(AddError::Io { .. })
    ));
    assert_eq!(fs::read_dir(data_dir.join("adapters")).unwrap().count(), 0);
}

#[test]
fn installed_packages_offer_adapters_by_entry_points() {
    let root = tempfile::tempdir().unwrap();
    let site = root.path().join("site");
    new_skeleton("model", Language::Python, &site.join("somepackage")).unwrap();
    fs::rename(
        site.join("somepackage/model"),
        site.join("somepackage/adapter"),
    )
    .unwrap();
    let info = site.join("somepackage-1.0.dist-info");
    fs::create_dir(&info).unwrap();
    fs::write(
        info.join("METADATA"),
        "Metadata-Version: 2.1\nName: somepackage\nVersion: 1.0\n",
    )
    .unwrap();
    fs::write(
        info.join("entry_points.txt"),
        "[mlhub.adapters]\nmodel = somepackage.adapter\ngone = somepackage.missing\n",
    )
    .unwrap();
    // Importing the package would leave this mark.
    fs::write(
        site.join("somepackage/__init__.py"),
        format!("open({:?}, 'w')\n", root.path().join("imported")),
    )
    .unwrap();
    let python = root.path().join("python");
    fs::write(
        &python,
        format!(
            "#!/bin/sh\nPYTHONPATH={} exec python3 \"$@\"\n",
            site.display()
        ),
    )
    .unwrap();
    fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
    let catalog = discover(&DiscoveryRoots {
        python: Some(python),
        ..DiscoveryRoots::default()
    });
    let found = catalog.find("model").unwrap();
    assert_eq!(
        found.source,
        Source::Python {
            package: "somepackage".to_owned()
        }
    );
    assert!(
        catalog.broken.iter().any(|broken| broken.name == "gone"),
        "{:?}",
        catalog.broken
    );
    assert!(!root.path().join("imported").exists());
}
