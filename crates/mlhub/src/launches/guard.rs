//! What an experiment that came over HTTP may reach on the hub's machine.
//!
//! In a folder of the hub's own it reaches registered datasets, by name, and
//! installed adapters that run no command of the experiment's. Below a folder that
//! the operator named as a launch root it may do what an experiment file there may:
//! read files below that root, use the folder's own adapters, run commands. In
//! neither may it read variables of the hub's environment.
//!
//! This holds honest people to the folder that was meant. It does not hold a hostile
//! program: a program runs with the rights of the hub's user.

use std::path::{Component, Path, PathBuf};

use mlhub_agent::adapter::Adapter;
use mlhub_config::SplitSpec;
use mlhub_protocol::adapter::Capability;
use mlhub_protocol::rest::ConfigMistake;
use serde_json::Value;

use crate::launch::experiment::Experiment;

/// Whether an adapter runs a command that the experiment names.
pub(crate) fn takes_command(adapter: &Adapter) -> bool {
    let command = adapter.command(Capability::Train).unwrap_or_default();
    command
        .first()
        .is_some_and(|program| program.contains("{params."))
}

/// The real path of a folder that a request names, when it is below a root.
pub(super) fn folder_below(named: &str, roots: &[PathBuf]) -> Result<PathBuf, String> {
    let outside = || {
        match roots {
        [] => "this hub has no launch roots; leave `folder` out, or start the hub with `mlhub serve --launch-root DIR`".to_owned(),
        some => format!(
            "`folder` is below none of the hub's launch roots: {}",
            some.iter().map(|root| format!("`{}`", root.display())).collect::<Vec<_>>().join(", ")
        ),
    }
    };
    let named = Path::new(named);
    let plain = named.is_absolute() && !climbs(named);
    // Before the disk is asked, so that the answer tells nothing of other folders.
    if !plain || !roots.iter().any(|root| named.starts_with(root)) {
        return Err(outside());
    }
    let real = named
        .canonicalize()
        .map_err(|error| format!("`folder` cannot be used: {error}"))?;
    if !roots.iter().any(|root| real.starts_with(root)) {
        return Err(outside());
    }
    if !real.is_dir() {
        return Err("`folder` is no folder".to_owned());
    }
    Ok(real)
}

/// What an experiment may not, as mistakes. `root` is the launch root its folder is
/// below, if it is.
pub(super) fn refused(experiment: &Experiment, root: Option<&Path>) -> Vec<ConfigMistake> {
    let mut mistakes = Vec::new();
    let mut refuse = |path: &str, message: String| {
        let help = if path == "environment.pass" {
            "use `mlhub run` on the hub's machine, or leave it out"
        } else {
            "use `mlhub run` on the hub's machine, or name a `folder` below a launch root (`mlhub serve --launch-root DIR`)"
        };
        mistakes.push(ConfigMistake {
            kind: "refused".to_owned(),
            path: path.to_owned(),
            line: None,
            column: None,
            message,
            help: Some(help.to_owned()),
        });
    };
    let config = &experiment.resolved.experiment;
    if !config.environment.pass.is_empty() {
        refuse(
            "environment.pass",
            "an experiment that is sent to the hub cannot read the hub's own variables".to_owned(),
        );
    }
    let files = data_files(experiment);
    match root {
        Some(root) => {
            for (key, file) in files {
                if !is_below(&experiment.project_dir.join(&file), root) {
                    refuse(
                        &key,
                        format!("`{file}` leads out of the launch root `{}`", root.display()),
                    );
                }
            }
        }
        None => {
            for (key, _) in files {
                refuse(
                    &key,
                    "without a `folder`, only registered datasets can be used, by `dataset.name`"
                        .to_owned(),
                );
            }
            if takes_command(&experiment.adapter) {
                refuse(
                    "adapter",
                    format!(
                        "the adapter `{}` runs a command, which needs a `folder` below a launch root",
                        experiment.adapter.manifest.name
                    ),
                );
            }
            if !experiment.resolved.environment_plain.plain().is_empty() {
                refuse(
                    "environment.variables",
                    "without a `folder`, no variables can be set".to_owned(),
                );
            }
            let params = Value::Object(experiment.resolved.params.clone());
            for (path, text) in leading_out("params".to_owned(), &params) {
                refuse(
                    &path,
                    format!("without a `folder`, `{text}` cannot be a path"),
                );
            }
        }
    }
    mistakes
}

/// The files of the dataset, by key.
fn data_files(experiment: &Experiment) -> Vec<(String, String)> {
    let Some(dataset) = &experiment.resolved.experiment.dataset else {
        return Vec::new();
    };
    let mut files = Vec::new();
    if let Some(path) = &dataset.path {
        files.push(("dataset.path".to_owned(), path.clone()));
    }
    if let Some(SplitSpec::Files { files: parts }) = &dataset.split {
        // Parts of a registered folder are looked for below it, by the splitter's rule.
        if dataset.path.is_none() && dataset.name.is_none() {
            files.extend(
                parts
                    .iter()
                    .map(|(name, file)| (format!("dataset.split.files.{name}"), file.clone())),
            );
        }
    }
    files
}

/// Whether a path lies below a folder, links followed.
fn is_below(path: &Path, folder: &Path) -> bool {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain.starts_with(folder)
        && path
            .canonicalize()
            // What is not there is told by whoever looks for it.
            .map_or(true, |real| real.starts_with(folder))
}

fn climbs(path: &Path) -> bool {
    path.components().any(|part| part == Component::ParentDir)
}

/// Texts of params that name a place outside of the experiment's folder.
fn leading_out(path: String, value: &Value) -> Vec<(String, String)> {
    match value {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(key, value)| leading_out(format!("{path}.{key}"), value))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .flat_map(|(index, value)| leading_out(format!("{path}[{index}]"), value))
            .collect(),
        Value::String(text) if is_path_out(text) => vec![(path, text.clone())],
        _ => Vec::new(),
    }
}

fn is_path_out(text: &str) -> bool {
    text.starts_with('~') || text.starts_with("file:") || {
        let path = Path::new(text);
        (path.is_absolute() && text.len() > 1) || climbs(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_taken_below_roots_only() {
        let world = tempfile::tempdir().expect("folder");
        let base = world.path().canonicalize().expect("real");
        let root = base.join("root");
        let inside = root.join("a");
        std::fs::create_dir_all(&inside).expect("folder");
        std::fs::create_dir_all(base.join("root-of-others")).expect("folder");
        std::os::unix::fs::symlink(&base, root.join("out")).expect("link");
        std::fs::write(root.join("file"), "").expect("file");
        let roots = [root.clone()];
        let ask = |path: &Path| folder_below(&path.to_string_lossy(), &roots);
        assert_eq!(ask(&inside), Ok(inside.clone()));
        assert_eq!(ask(&root), Ok(root.clone()));
        for outside in [
            base.clone(),
            base.join("root-of-others"),
            inside.join("../.."),
            root.join("out"),
            PathBuf::from("a"),
        ] {
            let refusal = ask(&outside).expect_err("outside");
            assert!(refusal.contains("launch roots"), "{outside:?}: {refusal}");
        }
        assert!(ask(&root.join("file")).is_err(), "a file");
        assert!(ask(&root.join("missing")).is_err(), "nothing");
        assert!(folder_below("/tmp", &[]).is_err(), "no roots");
    }

    #[test]
    fn data_below_a_root_may_be_beside_the_folder_but_not_behind_a_link() {
        let world = tempfile::tempdir().expect("folder");
        let root = world.path().canonicalize().expect("real").join("root");
        std::fs::create_dir_all(root.join("a")).expect("folder");
        std::os::unix::fs::symlink("/etc", root.join("etc")).expect("link");
        assert!(is_below(&root.join("a/../b.csv"), &root));
        assert!(!is_below(&root.join("a/../../b.csv"), &root));
        assert!(!is_below(Path::new("/etc/passwd"), &root));
        assert!(!is_below(&root.join("etc/passwd"), &root));
    }

    #[test]
    fn texts_that_are_paths_out_are_found_at_any_depth() {
        let params = serde_json::json!({
            "model": "package.module:Class", "ratio": "1/2", "text": "a ... b", "slash": "/",
            "deep": {"list": ["fine", "../secret", "/etc/passwd"]}, "home": "~/x",
        });
        let found: Vec<String> = leading_out("params".to_owned(), &params)
            .into_iter()
            .map(|(path, _)| path)
            .collect();
        assert_eq!(
            found,
            ["params.deep.list[1]", "params.deep.list[2]", "params.home"]
        );
    }
}
