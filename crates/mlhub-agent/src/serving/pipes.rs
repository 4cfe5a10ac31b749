//! The two ends of a program's conversation, each on a thread of its own, so
//! that neither a program that does not read nor one that does not write can
//! hold up who waits for it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{ChildStdin, ChildStdout};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use mlhub_protocol::serving::FRAME_MAX_BYTES;

/// Frames that may wait to be looked at; a program that floods waits as well.
const FRAMES_WAITING: usize = 1;

/// A line of the program, or why there is none.
#[derive(Debug)]
pub(super) enum Line {
    /// A whole line without its end.
    Whole(Vec<u8>),
    /// It is longer than a frame may be.
    TooLong,
    /// The stream ended within a line.
    Cut,
}

/// Reads lines until the program closes the stream or breaks the bound.
pub(super) fn read_lines(stdout: ChildStdout) -> std::io::Result<Receiver<Line>> {
    let (sender, receiver) = sync_channel(FRAMES_WAITING);
    std::thread::Builder::new()
        .name("serving-read".to_owned())
        .spawn(move || read(stdout, &sender))?;
    Ok(receiver)
}

fn read(stdout: ChildStdout, sender: &SyncSender<Line>) {
    let mut reader = BufReader::new(stdout);
    loop {
        let mut line = Vec::new();
        let bound = FRAME_MAX_BYTES as u64;
        let said = match reader.by_ref().take(bound).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) if line.last() == Some(&b'\n') => {
                line.pop();
                Line::Whole(line)
            }
            Ok(FRAME_MAX_BYTES..) => Line::TooLong,
            Ok(_) => Line::Cut,
        };
        let more = matches!(said, Line::Whole(_));
        // Nobody listens any more once the worker is given up.
        if sender.send(said).is_err() || !more {
            return;
        }
    }
}

/// Takes frames to write; the program's input is closed when the sender is dropped.
pub(super) fn write_frames(mut stdin: ChildStdin) -> std::io::Result<Sender<Vec<u8>>> {
    let (sender, receiver) = channel::<Vec<u8>>();
    std::thread::Builder::new()
        .name("serving-write".to_owned())
        .spawn(move || {
            for frame in receiver {
                // A program that closed its input has ended or is about to: who
                // waits for its answer sees that.
                if stdin
                    .write_all(&frame)
                    .and_then(|()| stdin.flush())
                    .is_err()
                {
                    return;
                }
            }
        })?;
    Ok(sender)
}
