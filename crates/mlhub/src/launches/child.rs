//! The command that prepares a launch: started in a process group of its own, with a
//! pipe as standard input whose end ends it. What it says becomes the launch's record.

use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;

use mlhub_core::limits::LAUNCH_OUTPUT_LINE_MAX_BYTES;
use mlhub_protocol::rest::LaunchState;

use super::Progress;
use super::record::Records;

/// Variables of the hub that would lead the command to another hub, or that it has
/// no business to know.
const NOT_PASSED: [&str; 5] = [
    "MLHUB_URL",
    "MLHUB_TOKEN",
    "MLHUB_POSTGRES_URL",
    "MLHUB_BLOBS",
    "MLHUB_BLOBS_CONFIG",
];

/// What is to be started.
pub(super) struct Command<'a> {
    pub(super) data_dir: &'a Path,
    /// The launch's own folder, where the file is.
    pub(super) own: &'a Path,
    pub(super) file: &'a str,
    /// The folder that the experiment's paths start at, when it is not its own.
    pub(super) folder: Option<&'a Path>,
    pub(super) set: &'a [String],
    pub(super) smoke: bool,
    pub(super) accept_defaults: bool,
    pub(super) slots: usize,
}

impl Command<'_> {
    fn spawn(&self) -> std::io::Result<Child> {
        let mut command = std::process::Command::new(std::env::current_exe()?);
        command.arg("--data-dir").arg(self.data_dir);
        command.args(["launch", self.file, "--slots", &self.slots.to_string()]);
        if let Some(folder) = self.folder {
            command.arg("--folder").arg(folder);
        }
        for given in self.set {
            command.arg(format!("--set={given}"));
        }
        if self.smoke {
            command.arg("--smoke");
        }
        if self.accept_defaults {
            command.arg("--accept-defaults");
        }
        for name in NOT_PASSED {
            command.env_remove(name);
        }
        command
            .env("NO_COLOR", "1")
            .current_dir(self.own)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
    }
}

/// Starts the command and two threads that listen to it.
pub(super) fn start(
    command: &Command<'_>,
    id: &str,
    records: &Arc<Records>,
) -> std::io::Result<()> {
    let mut child = command.spawn()?;
    let said = child.stdout.take();
    let output = child.stderr.take();
    records.hold(id, child.stdin.take());
    let listen = {
        let (records, id) = (Arc::clone(records), id.to_owned());
        move || {
            for line in lines(output) {
                records.output(&id, line);
            }
        }
    };
    let listener = std::thread::Builder::new()
        .name("launch-output".to_owned())
        .spawn(listen)?;
    let (records, id) = (Arc::clone(records), id.to_owned());
    std::thread::Builder::new()
        .name("launch".to_owned())
        .spawn(move || {
            for line in lines(said) {
                // A line that is none of ours is not answered.
                if let Ok(progress) = serde_json::from_str(&line) {
                    note(&records, &id, progress);
                }
            }
            let ended = child.wait();
            // The last words come before the verdict that quotes them.
            drop(listener.join());
            records.release(&id);
            match ended {
                Ok(status) if status.success() => {}
                Ok(status) => records.fail(&id, &status.to_string()),
                Err(error) => records.fail(&id, &error.to_string()),
            }
        })?;
    Ok(())
}

fn note(records: &Records, id: &str, progress: Progress) {
    match progress {
        Progress::Environment => records.advance(id, LaunchState::Environment),
        Progress::Dataset => records.advance(id, LaunchState::Dataset),
        Progress::Started { runs } => records.started(id, runs),
    }
}

/// The lines of a stream, long ones cut, until its end.
fn lines(stream: Option<impl Read>) -> impl Iterator<Item = String> {
    let mut reader = stream.map(BufReader::new);
    std::iter::from_fn(move || {
        let reader = reader.as_mut()?;
        let mut line = Vec::new();
        let bound = LAUNCH_OUTPUT_LINE_MAX_BYTES as u64;
        match reader.by_ref().take(bound).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return None,
            Ok(_) => {}
        }
        if !line.ends_with(b"\n") && line.len() as u64 == bound {
            // The rest of a line that is too long.
            let _ = reader.skip_until(b'\n');
        }
        let text = String::from_utf8_lossy(&line);
        Some(text.trim_end_matches(['\n', '\r']).to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_and_the_next_one_is_whole() {
        let long = "x".repeat(LAUNCH_OUTPUT_LINE_MAX_BYTES * 3);
        let text = format!("first\n{long}\n\nlast");
        let read: Vec<String> = lines(Some(text.as_bytes())).collect();
        assert_eq!(read.len(), 4);
        assert_eq!(read[0], "first");
        assert_eq!(read[1], "x".repeat(LAUNCH_OUTPUT_LINE_MAX_BYTES));
        assert_eq!(read[2..], ["", "last"]);
    }
}
