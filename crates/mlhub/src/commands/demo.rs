//! `mlhub demo`: several kinds of model on one real dataset, compared.
//!
//! The files are those of `examples/`, embedded in the binary and written to the
//! data directory, so that the demo runs from anywhere.

use std::path::{Path, PathBuf};

use super::{compare, run};
use crate::cli::{DemoArgs, DemoName, Global};
use crate::connect::{self, Connection, EmbeddedHub};
use crate::exit::{DATA_DIR, INTERNAL, OK, RUN_FAILED, fail};
use crate::hub::HubOptions;
use crate::launch::{adapter, experiment, follow};
use crate::{output, paths};

/// What a demo runs.
struct Demo {
    /// The experiment files, in the order they are run.
    experiments: &'static [&'static str],
    /// Every file it needs, by its path below the demos' folder.
    files: &'static [(&'static str, &'static [u8])],
}

/// Embeds files of `examples/FOLDER`, each under a path below the demos' folder.
macro_rules! examples {
    ($($path:literal: $example:literal),+ $(,)?) => {
        &[$((
            $path,
            include_bytes!(concat!("../../../../examples/", $example)),
        )),+]
    };
}

const DIGITS: Demo = Demo {
    experiments: &["native.yaml", "sklearn.yaml", "script.yaml"],
    files: examples! {
        "native.yaml": "digits/native.yaml",
        "sklearn.yaml": "digits/sklearn.yaml",
        "script.yaml": "digits/script.yaml",
        "train_script.py": "digits/train_script.py",
        "digits.csv": "digits/digits.csv",
        "SOURCE.md": "digits/SOURCE.md",
    },
};

/// They name the dataset by a path relative to themselves, as in `examples/`.
const FRAMEWORKS: Demo = Demo {
    experiments: &[
        "frameworks/native.yaml",
        "frameworks/sklearn.yaml",
        "frameworks/xgboost.yaml",
        "frameworks/lightgbm.yaml",
        "frameworks/catboost.yaml",
    ],
    files: examples! {
        "frameworks/native.yaml": "frameworks/native.yaml",
        "frameworks/sklearn.yaml": "frameworks/sklearn.yaml",
        "frameworks/xgboost.yaml": "frameworks/xgboost.yaml",
        "frameworks/lightgbm.yaml": "frameworks/lightgbm.yaml",
        "frameworks/catboost.yaml": "frameworks/catboost.yaml",
        "digits/digits.csv": "digits/digits.csv",
        "digits/SOURCE.md": "digits/SOURCE.md",
    },
};

/// Runs the demo; serves on until Ctrl-C unless told to exit.
pub(crate) fn demo(global: &Global, arguments: &DemoArgs) -> anyhow::Result<u8> {
    if global.server.is_some() {
        return Err(fail(
            crate::exit::USAGE,
            "the demo runs on this machine; leave out --server and MLHUB_URL",
        ));
    }
    let data_dir = paths::data_dir(global)?;
    let mut connection = hub(&data_dir, arguments.port)?;
    let url = connection.client.base_url().to_owned();
    eprintln!("ML Experiment Hub at {url}");
    let demo = match arguments.name {
        DemoName::Digits => &DIGITS,
        DemoName::Frameworks => &FRAMEWORKS,
    };
    let folder = write_files(demo, &data_dir)?;
    let catalog = adapter::catalog(&data_dir, Some(&folder))?;
    eprintln!(
        "adapters: {}",
        catalog
            .adapters
            .iter()
            .map(|adapter| adapter.reference())
            .collect::<Vec<_>>()
            .join(", ")
    );
    let mut ids = Vec::new();
    for file in demo.experiments {
        let experiment = experiment::load(&folder.join(file), None, &[], false, &data_dir)?;
        let environment = adapter::environment(&experiment.adapter, &data_dir)?;
        ids.extend(run::launch(
            global,
            &experiment,
            &environment,
            &mut connection,
            1,
        )?);
    }
    eprintln!(
        "{} runs on the UCI digits: 1,797 images, 10 classes, the same held-out fifth for all",
        ids.len()
    );
    let details = follow::follow(&mut connection, &ids)?;
    run::report(&details)?;
    let good = details.iter().all(run::went_well);
    if global.json {
        output::json(&details)?;
    } else {
        compare::print(&connection.client, &ids)?;
        output::line(format_args!(
            "\ncompare them at {url}/compare?runs={}",
            ids.join(",")
        ))?;
    }
    if !arguments.exit {
        output::line(format_args!("the hub stays up at {url}; Ctrl-C ends it"))?;
        wait_for_interrupt()?;
    }
    Ok(if good { OK } else { RUN_FAILED })
}

/// The hub of the data directory, or a new one on the port, or on a free one.
fn hub(data_dir: &Path, port: u16) -> anyhow::Result<Connection> {
    if let Some(connection) = connect::find(data_dir)? {
        return Ok(connection);
    }
    let embedded = match EmbeddedHub::start(HubOptions::local(data_dir, port)) {
        Err(error) if port != 0 && super::serve::is_port_taken(&error) => {
            EmbeddedHub::start(HubOptions::local(data_dir, 0))?
        }
        other => other?,
    };
    connect::adopt(embedded, data_dir.to_owned())
}

/// Writes the demo's files; those that are there already are left as they are
/// when they are the same.
fn write_files(demo: &Demo, data_dir: &Path) -> anyhow::Result<PathBuf> {
    let folder = data_dir.join("demo");
    for (path, bytes) in demo.files {
        write_file(&folder.join(path), bytes).map_err(|error| {
            fail(
                DATA_DIR,
                format!(
                    "the demo's files cannot be written to `{}`: {error}",
                    folder.display()
                ),
            )
        })?;
    }
    Ok(folder)
}

fn write_file(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if std::fs::read(file).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let temporary = file.with_extension("new");
    std::fs::write(&temporary, bytes)?;
    std::fs::rename(&temporary, file)
}

fn wait_for_interrupt() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime
        .block_on(tokio::signal::ctrl_c())
        .map_err(|error| fail(INTERNAL, format!("Ctrl-C cannot be waited for: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of a line, when it is one of the file's outermost keys.
    fn key(line: &str) -> Option<&str> {
        let (key, _) = line.split_once(':')?;
        key.bytes()
            .all(|byte| byte.is_ascii_lowercase())
            .then_some(key)
    }

    #[test]
    fn frameworks_differ_in_two_lines() {
        let texts: Vec<&str> = FRAMEWORKS
            .files
            .iter()
            .filter(|(path, _)| FRAMEWORKS.experiments.contains(path))
            .map(|(_, bytes)| std::str::from_utf8(bytes).unwrap())
            .collect();
        assert_eq!(texts.len(), 5);
        for (number, text) in texts.iter().enumerate() {
            for other in &texts[..number] {
                assert_eq!(text.lines().count(), other.lines().count());
                let differing: Vec<_> = text
                    .lines()
                    .zip(other.lines())
                    .filter(|(line, twin)| line != twin)
                    .map(|(line, twin)| (key(line), key(twin)))
                    .collect();
                assert_eq!(
                    differing,
                    [
                        (Some("adapter"), Some("adapter")),
                        (Some("params"), Some("params"))
                    ]
                );
            }
        }
    }

    #[test]
    fn the_page_shows_the_files() {
        let page = include_str!("../../../../docs/frameworks.md");
        for (path, bytes) in FRAMEWORKS.files {
            if !FRAMEWORKS.experiments.contains(path) {
                continue;
            }
            let text = std::str::from_utf8(bytes).unwrap();
            let lines: Vec<&str> = text
                .lines()
                .filter(|line| matches!(key(line), Some("adapter" | "params")))
                .collect();
            assert!(page.contains(&format!("examples/{path})")), "{path}");
            let whole = page.contains(&format!("```yaml\n{text}```\n"));
            let changed = page.contains(&format!("```yaml\n{}\n```\n", lines.join("\n")));
            assert!(whole || changed, "{path}");
        }
    }

    #[test]
    fn experiments_resolve_with_their_adapters_to_one_dataset_and_evaluation() {
        for demo in [&DIGITS, &FRAMEWORKS] {
            let data = tempfile::tempdir().unwrap();
            let folder = write_files(demo, data.path()).unwrap();
            let mut shared = Vec::new();
            for file in demo.experiments {
                let path = folder.join(file);
                let experiment = experiment::load(&path, None, &[], false, data.path()).unwrap();
                let stem = path.file_stem().unwrap().to_str().unwrap();
                assert_eq!(experiment.adapter.manifest.name, stem);
                let resolved = experiment.resolved.experiment;
                let dataset = resolved.dataset.unwrap();
                let data_file = experiment.project_dir.join(dataset.path.as_ref().unwrap());
                assert!(data_file.is_file(), "{}", data_file.display());
                shared.push((dataset, resolved.seeds, resolved.evaluation));
            }
            assert!(shared.windows(2).all(|pair| pair[0] == pair[1]));
        }
    }

    #[test]
    fn files_that_are_the_same_are_left_alone() {
        let data = tempfile::tempdir().unwrap();
        let folder = write_files(&FRAMEWORKS, data.path()).unwrap();
        let same = folder.join("frameworks/native.yaml");
        let changed = folder.join("frameworks/sklearn.yaml");
        let before = std::fs::metadata(&same).unwrap().modified().unwrap();
        std::fs::write(&changed, "project: other\n").unwrap();
        write_files(&FRAMEWORKS, data.path()).unwrap();
        assert_eq!(
            std::fs::metadata(&same).unwrap().modified().unwrap(),
            before
        );
        let text = std::fs::read(&changed).unwrap();
        assert!(text.starts_with(b"# One experiment"));
    }
}
