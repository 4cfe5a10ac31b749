//! `mlhub demo`: three kinds of model on one real dataset, compared.
//!
//! The files are those of `examples/digits`, embedded in the binary and written
//! to the data directory, so that the demo runs from anywhere.

use std::path::{Path, PathBuf};

use super::{compare, run};
use crate::cli::{DemoArgs, Global};
use crate::connect::{self, Connection, EmbeddedHub};
use crate::exit::{DATA_DIR, INTERNAL, OK, RUN_FAILED, fail};
use crate::hub::HubOptions;
use crate::launch::{adapter, experiment, follow};
use crate::{output, paths};

/// The experiment files, in the order they are run.
const EXPERIMENTS: [&str; 3] = ["native.yaml", "sklearn.yaml", "script.yaml"];

const FILES: [(&str, &[u8]); 6] = [
    (
        "native.yaml",
        include_bytes!("../../../../examples/digits/native.yaml"),
    ),
    (
        "sklearn.yaml",
        include_bytes!("../../../../examples/digits/sklearn.yaml"),
    ),
    (
        "script.yaml",
        include_bytes!("../../../../examples/digits/script.yaml"),
    ),
    (
        "train_script.py",
        include_bytes!("../../../../examples/digits/train_script.py"),
    ),
    (
        "digits.csv",
        include_bytes!("../../../../examples/digits/digits.csv"),
    ),
    (
        "SOURCE.md",
        include_bytes!("../../../../examples/digits/SOURCE.md"),
    ),
];

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
    let folder = write_files(&data_dir)?;
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
    for file in EXPERIMENTS {
        let experiment = experiment::load(&folder.join(file), &[], false, &data_dir)?;
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
fn write_files(data_dir: &Path) -> anyhow::Result<PathBuf> {
    let folder = data_dir.join("demo");
    let write = || -> std::io::Result<()> {
        std::fs::create_dir_all(&folder)?;
        for (name, bytes) in FILES {
            let file = folder.join(name);
            if std::fs::read(&file).is_ok_and(|there| there == bytes) {
                continue;
            }
            let temporary = folder.join(format!(".{name}.new"));
            std::fs::write(&temporary, bytes)?;
            std::fs::rename(&temporary, &file)?;
        }
        Ok(())
    };
    write().map_err(|error| {
        fail(
            DATA_DIR,
            format!(
                "the demo's files cannot be written to `{}`: {error}",
                folder.display()
            ),
        )
    })?;
    Ok(folder)
}

fn wait_for_interrupt() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime
        .block_on(tokio::signal::ctrl_c())
        .map_err(|error| fail(INTERNAL, format!("Ctrl-C cannot be waited for: {error}")))
}
