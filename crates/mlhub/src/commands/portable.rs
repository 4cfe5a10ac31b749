//! `mlhub backup`, `restore`, `export`, `import` and `project`.

use std::io::{BufReader, BufWriter, IsTerminal as _, Read, Write as _};
use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use mlhub_client::{Client, ClientOptions};
use serde_json::json;
use tempfile::NamedTempFile;

use crate::backup::{self, Folder};
use crate::cli::{BackupArgs, BackupCommand, Global, ProjectCommand};
use crate::connect::connect;
use crate::exit::{Classify as _, DATA_DIR, OK, REFUSED, RUN_FAILED, fail};
use crate::{output, paths};

/// How long a hub may read before it answers, or between two answers.
const PATIENCE: Duration = Duration::from_secs(3600);

fn patient() -> ClientOptions {
    ClientOptions {
        idle_timeout: PATIENCE,
        ..ClientOptions::default()
    }
}

/// Bytes so far, for people; nothing for programs.
fn progress(global: &Global, what: &'static str) -> ProgressBar {
    if global.json || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner().with_message(what);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {bytes} ({bytes_per_sec})") {
        bar.set_style(style);
    }
    bar
}

/// Makes or checks a backup.
pub(crate) fn backup(global: &Global, arguments: BackupArgs) -> anyhow::Result<u8> {
    if let Some(BackupCommand::Verify { dir }) = arguments.command {
        return verify(global, &dir);
    }
    let Some(dir) = arguments.dir else {
        return Err(fail(crate::exit::USAGE, "name the folder of the backup"));
    };
    let connection = connect(global)?;
    let client = connection.client.with_patience(&patient())?;
    let bar = progress(global, "backing up");
    let open = |known: &[u8]| Ok(client.backup(known)?);
    let written = backup::write(&dir, open, |bytes| bar.inc(bytes))?;
    bar.finish_and_clear();
    if global.json {
        output::json(&written)?;
        return Ok(OK);
    }
    let manifest = &written.manifest;
    output::line(format_args!(
        "{} runs in {} projects, {} blobs ({}) are in `{}`; {} blobs ({}) were new",
        manifest.runs,
        manifest.projects,
        manifest.blobs,
        output::size(manifest.blob_bytes),
        dir.display(),
        written.blobs_copied,
        output::size(written.bytes_copied),
    ))?;
    Ok(OK)
}

fn verify(global: &Global, dir: &Path) -> anyhow::Result<u8> {
    let bar = progress(global, "verifying");
    let (manifest, blobs, problems) = backup::verify(&Folder::new(dir), |bytes| bar.inc(bytes))?;
    bar.finish_and_clear();
    if global.json {
        output::json(&json!({"manifest": manifest, "problems": problems}))?;
    } else if problems.is_empty() {
        output::line(format_args!(
            "the backup of {} is whole: {} runs, {} blobs",
            output::moment(manifest.made_at.0),
            manifest.runs,
            blobs.len()
        ))?;
    } else {
        for problem in &problems {
            output::line(problem)?;
        }
    }
    Ok(if problems.is_empty() { OK } else { RUN_FAILED })
}

/// Restores a backup.
pub(crate) fn restore(
    global: &Global,
    backup: &Path,
    postgres: Option<&str>,
) -> anyhow::Result<u8> {
    let data_dir = paths::data_dir(global)?;
    let bar = progress(global, "verifying and restoring");
    let manifest = backup::restore(backup, &data_dir, postgres, |bytes| bar.inc(bytes))?;
    bar.finish_and_clear();
    if global.json {
        output::json(&json!({"data_dir": data_dir, "manifest": manifest}))?;
    } else {
        output::line(format_args!(
            "{} runs in {} projects are in `{}`{}",
            manifest.runs,
            manifest.projects,
            data_dir.display(),
            match postgres {
                Some(_) => " and the PostgreSQL database",
                None => "",
            }
        ))?;
    }
    Ok(OK)
}

/// Writes a project to a file.
pub(crate) fn export(global: &Global, project: &str, file: &Path) -> anyhow::Result<u8> {
    if file.exists() {
        return Err(fail(
            REFUSED,
            format!("`{}` exists; name a new file", file.display()),
        ));
    }
    let connection = connect(global)?;
    let client = connection.client.with_patience(&patient())?;
    let bar = progress(global, "exporting");
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let disk = |error: std::io::Error| fail(DATA_DIR, format!("`{}`: {error}", file.display()));
    let temporary = NamedTempFile::new_in(folder).map_err(disk)?;
    let mut out = BufWriter::new(temporary);
    let mut archive = client.project_export(project)?;
    let mut piece = vec![0; 256 * 1024];
    loop {
        let count = archive.read(&mut piece).map_err(|error| {
            fail(
                REFUSED,
                format!("the export broke off ({error}); see the hub's log and try again"),
            )
        })?;
        if count == 0 {
            break;
        }
        out.write_all(&piece[..count]).map_err(disk)?;
        bar.inc(count as u64);
    }
    let temporary = out.into_inner().map_err(|error| disk(error.into_error()))?;
    // Read once more: what is called an export is whole.
    let (_, end) = check(temporary.path())?;
    temporary.as_file().sync_all().map_err(disk)?;
    temporary
        .persist_noclobber(file)
        .map_err(|error| disk(error.error))?;
    bar.finish_and_clear();
    if global.json {
        output::json(&json!({"project": project, "file": file, "archive": end}))?;
    } else {
        output::line(format_args!(
            "{} runs of `{project}` are in `{}`; content hash {}",
            end.counts.runs,
            file.display(),
            end.content_hash
        ))?;
    }
    Ok(OK)
}

fn check(
    file: &Path,
) -> anyhow::Result<(
    mlhub_app::portable::ArchiveManifest,
    mlhub_app::portable::ArchiveEnd,
)> {
    let open = std::fs::File::open(file)
        .map_err(|error| fail(REFUSED, format!("`{}`: {error}", file.display())))?;
    let mut input = BufReader::new(open);
    mlhub_app::portable::archive_check(&mut input, &std::env::temp_dir())
        .map_err(|error| fail(REFUSED, format!("`{}`: {error}", file.display())))
}

/// Reads a project from a file.
pub(crate) fn import(global: &Global, file: &Path, project: Option<&str>) -> anyhow::Result<u8> {
    // Checked here first: a bad file is told before anything is sent.
    check(file)?;
    let disk = |error: std::io::Error| fail(REFUSED, format!("`{}`: {error}", file.display()));
    let size = std::fs::metadata(file).map_err(disk)?.len();
    let bar = progress(global, "importing");
    let mut archive = bar.wrap_read(std::fs::File::open(file).map_err(disk)?);
    let connection = connect(global)?;
    let client: Client = connection.client.with_patience(&patient())?;
    let report = client.import(project, &mut archive, size)?;
    bar.finish_and_clear();
    if global.json {
        output::json(&report)?;
    } else {
        output::line(format_args!(
            "{} runs came to `{}`, {} were there already; content hash {}",
            report.runs_imported, report.project, report.runs_present, report.content_hash
        ))?;
    }
    Ok(OK)
}

/// Tells of whole projects.
pub(crate) fn project(global: &Global, command: &ProjectCommand) -> anyhow::Result<u8> {
    let ProjectCommand::Hash { project } = command;
    let connection = connect(global)?;
    let client = connection.client.with_patience(&patient())?;
    let hash = client.project_hash(project).or_fail(REFUSED)?;
    if global.json {
        output::json(&hash)?;
    } else {
        output::line(&hash.content_hash)?;
    }
    Ok(OK)
}
