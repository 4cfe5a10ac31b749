//! The way of a program's output into its log files, past the scanner.
//!
//! The program appends to a file per stream that nobody ships, with no reader to wait for
//! and none whose death could harm it. A thread follows that file, has secrets masked,
//! appends what comes of it to the log, and punches out of the file what it is done with.
//! Normally the shim does that; when it is killed a supervisor goes on. Up to where the
//! file is done, and how long the log was then, is kept beside it: whoever goes on begins
//! there, scans the same bytes to the same output, and writes only what the log has not.
//! What the scanner does not want to see is written as before: straight into the logs.
//!
//! A log that its disk does not take waits in the file for room.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use mlhub_protocol::run_dir::names;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::files::open_append;
use super::journal::OwnEvents;
use super::run_dir::RunDir;
use super::scan::{LOOKBACK_BYTES, Rules, Scan, Told};

/// Bytes read at a time.
const PIECE_BYTES: usize = 256 * 1024;
/// Nanoseconds between two looks at a file that does not grow.
const LOOK_INTERVAL_NS: i64 = 25_000_000;
/// Bytes that are done with before they are punched out of the file.
const PUNCH_BYTES: u64 = 64 * 1024;
/// Event file of the scanner's warnings.
const SCAN_EVENTS: &str = "output-scan.jsonl";
/// The two streams: name, log, what the program writes to, and what is done of that.
const STREAMS: [(&str, &str, &str, &str); 2] = [
    ("stdout", names::STDOUT, ".stdout.raw", ".stdout.done"),
    ("stderr", names::STDERR, ".stderr.raw", ".stderr.done"),
];

/// Both streams of a program on their way to the log.
#[derive(Debug)]
pub(crate) struct Relay {
    pumps: Vec<Pump>,
}

#[derive(Debug)]
struct Pump {
    thread: JoinHandle<()>,
    /// Wakes the thread; closed, it ends it.
    wake: std::io::PipeWriter,
    drained: Receiver<()>,
}

impl Relay {
    /// Begins to relay; returns what the program gets as its two outputs.
    ///
    /// # Errors
    /// When there can be no file, scanner or thread.
    pub(crate) fn start(dir: &RunDir) -> std::io::Result<(Self, [OwnedFd; 2])> {
        let rules = rules(dir)?;
        let told = Arc::new(Told::default());
        let mut pumps = Vec::new();
        let mut outputs = Vec::new();
        for (at, (stream, _, raw, _)) in STREAMS.into_iter().enumerate() {
            let output = OpenOptions::new()
                .append(true)
                .create(true)
                .mode(0o600)
                .open(dir.file(raw))?;
            let scan = Scan::new(stream, Arc::clone(&rules), Arc::clone(&told));
            pumps.push(Pump::start(dir, at, scan, Done::default())?);
            outputs.push(OwnedFd::from(output));
        }
        let outputs = outputs
            .try_into()
            .map_err(|_| std::io::Error::other("there are two streams"))?;
        Ok((Self { pumps }, outputs))
    }

    /// Goes on where another process stopped; `None` when there is nothing to relay.
    ///
    /// # Errors
    /// As of [`Relay::start`].
    pub(crate) fn take_over(dir: &RunDir) -> std::io::Result<Option<Self>> {
        let mut pumps = Vec::new();
        for (at, (stream, _, raw, done)) in STREAMS.into_iter().enumerate() {
            if !dir.file(raw).is_file() {
                continue;
            }
            let done = Done::read(&dir.file(done));
            let before = done.context(&dir.file(raw))?;
            let scan = Scan::of_the_rest(stream, rules(dir)?, &before);
            pumps.push(Pump::start(dir, at, scan, done)?);
        }
        Ok((!pumps.is_empty()).then_some(Self { pumps }))
    }

    /// Returns when all that the program wrote until now is in the log.
    pub(crate) fn drain(&mut self) {
        for pump in &mut self.pumps {
            // A thread that has ended has written everything.
            let _ = pump.wake.write_all(b"d");
        }
        for pump in &self.pumps {
            let _ = pump.drained.recv();
        }
    }

    /// Writes what is left. Nobody is waited for that still has the output open.
    pub(crate) fn finish(self, dir: &Path) {
        for pump in self.pumps {
            drop(pump.wake);
            let _ = pump.thread.join();
        }
        for (_, _, raw, done) in STREAMS {
            // Of no use to anybody any more. Without the one, the other is not looked at.
            let _ = std::fs::remove_file(dir.join(raw));
            let _ = std::fs::remove_file(dir.join(done));
        }
    }
}

fn rules(dir: &RunDir) -> std::io::Result<Arc<Rules>> {
    Rules::new(&dir.launch().env)
        .map(Arc::new)
        .map_err(std::io::Error::other)
}

/// How far a stream is: all before `raw` of what the program wrote is in the first `log`
/// bytes of the log, and nothing after it needs to be known of what was before but the few
/// bytes that are looked back at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Done {
    raw: u64,
    log: u64,
}

impl Done {
    /// What was kept; the beginning where nothing was.
    fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap_or_default();
        let number = |at: usize| {
            let bytes: [u8; 8] = bytes.get(at..at + 8)?.try_into().ok()?;
            Some(u64::from_le_bytes(bytes))
        };
        match (number(0), number(8)) {
            (Some(raw), Some(log)) => Self { raw, log },
            _ => Self::default(),
        }
    }

    fn bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.raw.to_le_bytes());
        bytes[8..].copy_from_slice(&self.log.to_le_bytes());
        bytes
    }

    /// The bytes before, which the scanner looks back at.
    fn context(self, raw: &Path) -> std::io::Result<Vec<u8>> {
        let from = self.raw.saturating_sub(LOOKBACK_BYTES as u64);
        let mut bytes = vec![0; usize::try_from(self.raw - from).unwrap_or(0)];
        File::open(raw)?.read_exact_at(&mut bytes, from)?;
        Ok(bytes)
    }
}

impl Pump {
    fn start(dir: &RunDir, stream: usize, scan: Scan, done: Done) -> std::io::Result<Self> {
        let (_, log, raw, mark) = STREAMS[stream];
        let (woken, wake) = std::io::pipe()?;
        let (tell, drained) = channel();
        let log_file = open_append(&dir.file(log)).map_err(std::io::Error::other)?;
        let mut raw_file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(dir.file(raw))?;
        raw_file.seek(SeekFrom::Start(done.raw))?;
        let mark = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(dir.file(mark))?;
        let written = log_file.metadata()?.len();
        let mut stream = Stream {
            raw: raw_file,
            read: done.raw,
            log: log_file,
            log_path: dir.file(log),
            skip: written.saturating_sub(done.log),
            done,
            punched: 0,
            mark,
            events: OwnEvents::new(&dir.file(names::EVENTS), SCAN_EVENTS),
            scan,
            out: Vec::new(),
            piece: vec![0; PIECE_BYTES],
        };
        let thread = std::thread::Builder::new()
            .name(format!("output-{log}"))
            .spawn(move || stream.run(woken, &tell))?;
        Ok(Self {
            thread,
            wake,
            drained,
        })
    }
}

/// One stream, as its thread has it.
struct Stream {
    raw: File,
    /// Bytes of it that the scanner has.
    read: u64,
    log: File,
    log_path: PathBuf,
    /// Bytes of output still to come that the log has already.
    skip: u64,
    done: Done,
    /// Bytes at its beginning that are gone.
    punched: u64,
    mark: File,
    events: OwnEvents,
    scan: Scan,
    /// Output that is not in the log yet.
    out: Vec<u8>,
    piece: Vec<u8>,
}

impl Stream {
    fn run(&mut self, mut woken: std::io::PipeReader, drained: &Sender<()>) {
        loop {
            self.follow();
            if !wait(&woken) {
                continue;
            }
            let mut order = [0];
            if !woken.read(&mut order).is_ok_and(|count| count > 0) {
                break;
            }
            self.follow();
            let _ = drained.send(());
        }
        self.follow();
        // Nobody writes any more that is waited for: what the scanner held is no secret.
        let Self { scan, out, .. } = self;
        let scanned = catch_unwind(AssertUnwindSafe(|| scan.finish(out)));
        self.put(scanned.ok(), 0);
        if !self.out.is_empty() {
            self.events.warn(format!(
                "{} bytes at the end of `{}` were lost: they could not be written",
                self.out.len(),
                self.log_path.display()
            ));
        }
    }

    /// Takes what is there, until there is no more or the log takes no more.
    fn follow(&mut self) {
        while self.flush() {
            let count = match self.raw.read(&mut self.piece) {
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(_) => 0,
            };
            if count == 0 {
                return;
            }
            self.read += count as u64;
            let Self {
                scan, piece, out, ..
            } = self;
            // A defect of the scanner costs output, and neither the program nor a secret.
            let scanned = catch_unwind(AssertUnwindSafe(|| scan.push(&piece[..count], out)));
            self.put(scanned.ok(), count);
        }
    }

    fn put(&mut self, scanned: Option<Vec<String>>, count: usize) {
        match scanned {
            Some(warnings) => {
                for warning in warnings {
                    // One that does not fit on the disk is left out.
                    self.events.warn(warning);
                }
            }
            None => {
                let lost = format!(
                    "\n[{count} bytes of output were lost here: a defect of the scanner]\n"
                );
                self.out.extend_from_slice(lost.as_bytes());
            }
        }
        let known = usize::try_from(self.skip)
            .unwrap_or(usize::MAX)
            .min(self.out.len());
        self.out.drain(..known);
        self.skip -= known as u64;
        self.flush();
    }

    /// Writes what is to be written; returns whether all of it is.
    fn flush(&mut self) -> bool {
        let mut written = 0;
        let whole = loop {
            match self.out.get(written..) {
                None | Some([]) => break true,
                Some(rest) => match self.log.write(rest) {
                    Ok(count) if count > 0 => written += count,
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    // It waits for room.
                    _ => break false,
                },
            }
        };
        self.out.drain(..written);
        if whole && self.skip == 0 {
            self.keep();
        }
        whole
    }

    /// Keeps how far it is, where somebody else could go on, and lets go of what is done.
    fn keep(&mut self) {
        let Some(waiting) = self.scan.waiting() else {
            // Within a secret nobody else could go on.
            return;
        };
        let raw = self.read - waiting as u64;
        if raw == self.done.raw {
            return;
        }
        let Ok(log) = self.log.metadata().map(|data| data.len()) else {
            return;
        };
        let done = Done { raw, log };
        if self.mark.write_all_at(&done.bytes(), 0).is_err() {
            return;
        }
        self.done = done;
        let before = raw.saturating_sub(LOOKBACK_BYTES as u64);
        if before >= self.punched + PUNCH_BYTES {
            forget(&self.raw, self.punched, before);
            self.punched = before;
        }
    }
}

/// Waits for an order, for a moment; returns whether there is one.
fn wait(woken: &std::io::PipeReader) -> bool {
    let moment = Timespec {
        tv_sec: 0,
        tv_nsec: LOOK_INTERVAL_NS,
    };
    let mut one = [PollFd::new(woken, PollFlags::IN)];
    // Interrupted, it looks at the file and waits again.
    let _ = poll(&mut one, Some(&moment));
    !one[0].revents().is_empty()
}

/// Takes a range out of a file: it reads as zeros and takes no room. Where a file system
/// has no holes the file takes its room until the program ends.
fn forget(file: &File, from: u64, to: u64) {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{FallocateFlags, fallocate};
        let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        let _ = fallocate(file, hole, from, to - from);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (file, from, to);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_a_stream_is_survives() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("done");
        assert_eq!(Done::read(&path), Done::default());
        let done = Done {
            raw: 1 << 40,
            log: 7,
        };
        std::fs::write(&path, done.bytes()).expect("written");
        assert_eq!(Done::read(&path), done);
        std::fs::write(&path, b"short").expect("written");
        assert_eq!(Done::read(&path), Done::default());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_done_with_takes_no_room() {
        use std::os::unix::fs::MetadataExt as _;
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("raw");
        std::fs::write(&path, vec![b'x'; 4 << 20]).expect("written");
        let file = OpenOptions::new().write(true).open(&path).expect("open");
        let before = file.metadata().expect("known").blocks();
        forget(&file, 0, 3 << 20);
        let after = file.metadata().expect("known");
        assert_eq!(after.len(), 4 << 20);
        // A file system without holes keeps the room, and nothing else changes.
        assert!(after.blocks() <= before);
        let bytes = std::fs::read(&path).expect("read");
        assert!(bytes[3 << 20..].iter().all(|byte| *byte == b'x'));
    }
}
