//! `mlhub artifacts`: list, get, put, inputs; versions are in `versions`.

mod versions;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use indicatif::{ProgressBar, ProgressStyle};
use mlhub_client::transfer::{self, Downloaded, OutFolder, Patience, Upload, Wanted};
use mlhub_client::{Client, ClientError};
use mlhub_protocol::rest::ArtifactView;
use serde::Serialize;

use crate::cli::{ArtifactsCommand, Global};
use crate::connect::connect;
use crate::exit::{OK, REFUSED, USAGE, fail};
use crate::output;

/// Files in transfer at once.
const TRANSFERS_AT_ONCE: usize = 4;
/// Files one command sends.
const FILES_MAX: usize = 100_000;

/// Runs the subcommand.
pub(crate) fn artifacts(global: &Global, command: ArtifactsCommand) -> anyhow::Result<u8> {
    match command {
        ArtifactsCommand::List { run } => list(global, &run),
        ArtifactsCommand::Get { from, path, out } if from.contains('/') => {
            versions::get(global, &from, path.as_deref(), &out)
        }
        ArtifactsCommand::Get { from, path, out } => get(global, &from, path.as_deref(), &out),
        ArtifactsCommand::Put(arguments) => put(
            global,
            &arguments.run,
            &arguments.file,
            arguments.path.as_deref(),
            &arguments.kind,
            arguments.attempt,
        ),
        ArtifactsCommand::Inputs { run } => inputs(global, &run),
        ArtifactsCommand::Versions {
            project,
            name,
            limit,
        } => versions::list(global, &project, &name, limit),
        ArtifactsCommand::Alias {
            project,
            name,
            version,
            alias,
        } => versions::alias(global, project, name, version, alias),
        ArtifactsCommand::Unalias {
            project,
            name,
            alias,
        } => versions::unalias(global, &project, &name, &alias),
    }
}

fn list(global: &Global, run: &str) -> anyhow::Result<u8> {
    let list = connect(global)?.client.artifact_list(run)?;
    if global.json {
        output::json(&list)?;
    } else if list.artifacts.is_empty() {
        output::line("the run has no artifacts")?;
    } else {
        let mut table = output::table(&["path", "kind", "bytes", "attempt", "blake3"]);
        for artifact in &list.artifacts {
            table.add_row([
                artifact.path.clone(),
                artifact.kind.clone(),
                artifact.size_bytes.to_string(),
                artifact.attempt.to_string(),
                artifact.hash.chars().take(12).collect(),
            ]);
        }
        output::print(&table)?;
    }
    Ok(OK)
}

fn inputs(global: &Global, run: &str) -> anyhow::Result<u8> {
    let list = connect(global)?.client.input_list(run)?;
    if global.json {
        output::json(&list)?;
    } else if list.inputs.is_empty() {
        output::line("the run noted no inputs")?;
    } else {
        let mut table = output::table(&["name", "from run", "path", "bytes", "blake3"]);
        for input in &list.inputs {
            table.add_row([
                input.name.clone(),
                input.source_run.clone().unwrap_or_default(),
                input.source_path.clone().unwrap_or_default(),
                input.size_bytes.to_string(),
                input.hash.chars().take(12).collect(),
            ]);
        }
        output::print(&table)?;
    }
    Ok(OK)
}

/// A bar over all bytes of all files.
struct Progress {
    bar: ProgressBar,
    done: Mutex<Vec<u64>>,
}

impl Progress {
    fn new(sizes: impl Iterator<Item = u64>) -> Self {
        let sizes: Vec<u64> = sizes.collect();
        let style = "{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {msg}";
        let bar = ProgressBar::new(sizes.iter().sum());
        bar.set_style(
            ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        Self {
            bar,
            done: Mutex::new(vec![0; sizes.len()]),
        }
    }

    fn set(&self, index: usize, bytes: u64) {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(one) = done.get_mut(index) {
            *one = bytes;
        }
        self.bar.set_position(done.iter().sum());
    }
}

/// Does `work` on every item, a few at once, and stops taking new ones at the
/// first failure. Results are in the order of the items.
fn each<I: Sync, T: Send>(
    items: &[I],
    work: impl Fn(usize, &I) -> anyhow::Result<T> + Sync,
) -> anyhow::Result<Vec<T>> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..TRANSFERS_AT_ONCE.min(items.len()) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else {
                        return;
                    };
                    let result = work(index, item);
                    if result.is_err() {
                        next.store(items.len(), Ordering::Relaxed);
                    }
                    let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                    results.push((index, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// A file that was received.
#[derive(Serialize)]
struct Received {
    path: String,
    place: PathBuf,
    hash: String,
    size_bytes: u64,
    received_bytes: u64,
}

impl Received {
    fn of(artifact: &ArtifactView, done: Downloaded) -> Self {
        Self {
            path: artifact.path.clone(),
            place: done.place,
            hash: artifact.hash.clone(),
            size_bytes: artifact.size_bytes,
            received_bytes: done.received_bytes,
        }
    }
}

fn get(global: &Global, run: &str, path: Option<&str>, out: &Path) -> anyhow::Result<u8> {
    let connection = connect(global)?;
    let client = &connection.client;
    let run = client.run_get(run)?.summary.id;
    let mut wanted = client.artifact_list(&run)?.artifacts;
    if let Some(path) = path {
        let folder = format!("{}/", path.trim_end_matches('/'));
        wanted.retain(|artifact| artifact.path == path || artifact.path.starts_with(&folder));
        if wanted.is_empty() {
            return Err(fail(
                REFUSED,
                format!(
                    "run `{run}` has no artifact `{path}` and none below it; `mlhub artifacts list {run}` shows what it has"
                ),
            ));
        }
    }
    let folder = OutFolder::open(out)?;
    let progress = Progress::new(wanted.iter().map(|artifact| artifact.size_bytes));
    let received = each(&wanted, |index, artifact: &ArtifactView| {
        let name = &artifact.path;
        let patience = Patience::INTERACTIVE;
        let mut tell = |here, _| progress.set(index, here);
        let wanted = Wanted::OfRun(&run, artifact);
        let done = transfer::download(client, wanted, &folder, name, patience, &mut tell)?;
        Ok(Received::of(artifact, done))
    });
    progress.bar.finish_and_clear();
    tell_received(global, &received?, out)
}

fn tell_received(global: &Global, received: &[Received], out: &Path) -> anyhow::Result<u8> {
    if global.json {
        output::json(&received)?;
    } else {
        let bytes: u64 = received.iter().map(|file| file.size_bytes).sum();
        let count = received.len();
        output::line(format_args!(
            "{count} files, {bytes} bytes in {}",
            out.display()
        ))?;
    }
    Ok(OK)
}

/// A file that was sent.
#[derive(Serialize)]
struct SentFile {
    path: String,
    hash: String,
    size_bytes: u64,
    sent_bytes: u64,
}

fn put(
    global: &Global,
    run: &str,
    given: &Path,
    path: Option<&str>,
    kind: &str,
    attempt: Option<u32>,
) -> anyhow::Result<u8> {
    let files = files_of(given, path)?;
    let connection = connect(global)?;
    let client = &connection.client;
    let summary = client.run_get(run)?.summary;
    let attempt = attempt.unwrap_or(summary.attempt);
    let progress = Progress::new(files.iter().map(|file| file.2));
    let sent = each(&files, |index, (file, path, _)| {
        let told = |bytes| progress.set(index, bytes);
        send(client, (&summary.id, attempt, kind), file, path, &told)
    });
    progress.bar.finish_and_clear();
    let sent = sent?;
    if global.json {
        output::json(&sent)?;
    } else {
        let bytes: u64 = sent.iter().map(|file| file.size_bytes).sum();
        let over: u64 = sent.iter().map(|file| file.sent_bytes).sum();
        let count = sent.len();
        output::line(format_args!(
            "{count} files, {bytes} bytes; {over} bytes were sent, the rest was on the hub"
        ))?;
    }
    Ok(OK)
}

fn send(
    client: &Client,
    (run, attempt, kind): (&str, u32, &str),
    file: &Path,
    path: &str,
    told: &dyn Fn(u64),
) -> anyhow::Result<SentFile> {
    let unreadable = |error: std::io::Error| {
        fail(
            USAGE,
            format!("`{}` cannot be read: {error}", file.display()),
        )
    };
    let mut open = File::open(file).map_err(unreadable)?;
    let (hash, size_bytes) = transfer::hash_reader(&mut open).map_err(unreadable)?;
    let what = Upload {
        run,
        attempt,
        path,
        kind,
        hash: &hash,
        size_bytes,
    };
    let patience = Patience::INTERACTIVE;
    let sent = transfer::upload(client, &what, &mut open, patience, &mut |here, _| {
        told(here)
    });
    let sent = sent.map_err(|error: ClientError| match error.status {
        Some(400) => anyhow::Error::from(error).context(format!("`{}`", file.display())),
        _ => error.into(),
    })?;
    Ok(SentFile {
        path: sent.artifact.path,
        hash,
        size_bytes,
        sent_bytes: sent.sent_bytes,
    })
}

type FileToSend = (PathBuf, String, u64);

/// The files to send with their artifact paths and sizes. Links in a folder are
/// named and passed over.
fn files_of(given: &Path, path: Option<&str>) -> anyhow::Result<Vec<FileToSend>> {
    let refuse = |why: String| {
        fail(
            USAGE,
            format!("`{}` cannot be sent: {why}", given.display()),
        )
    };
    let data = std::fs::metadata(given).map_err(|error| refuse(error.to_string()))?;
    let name = match path {
        Some(path) => path.trim_end_matches('/').to_owned(),
        None => given
            .canonicalize()
            .ok()
            .and_then(|real| Some(real.file_name()?.to_str()?.to_owned()))
            .ok_or_else(|| refuse("it has no name in UTF-8; name one with --path".to_owned()))?,
    };
    if data.is_file() {
        return Ok(vec![(given.to_owned(), name, data.len())]);
    }
    if !data.is_dir() {
        return Err(refuse("it is neither a file nor a folder".to_owned()));
    }
    let mut files = Vec::new();
    let mut folders = vec![(given.to_owned(), name)];
    while let Some((folder, prefix)) = folders.pop() {
        let entries = std::fs::read_dir(&folder).map_err(|error| refuse(error.to_string()))?;
        for entry in entries {
            let entry = entry.map_err(|error| refuse(error.to_string()))?;
            let kind = entry
                .file_type()
                .map_err(|error| refuse(error.to_string()))?;
            let Ok(name) = entry.file_name().into_string() else {
                return Err(refuse(format!(
                    "a name in {} is not UTF-8",
                    folder.display()
                )));
            };
            let path = format!("{prefix}/{name}");
            if kind.is_dir() {
                folders.push((entry.path(), path));
            } else if kind.is_file() {
                let size = entry.metadata().map_or(0, |data| data.len());
                files.push((entry.path(), path, size));
            } else {
                eprintln!(
                    "passed over, since it is a link or a device: {}",
                    entry.path().display()
                );
            }
            if files.len() > FILES_MAX {
                return Err(refuse(format!("it has more than {FILES_MAX} files")));
            }
        }
    }
    files.sort();
    Ok(files)
}
