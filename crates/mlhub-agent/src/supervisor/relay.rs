//! The way of a program's output into its log files, past the scanner.
//!
//! The program writes into a pipe per stream; a thread reads it, has secrets masked, and
//! appends to the log. Normally the shim does that. The pipes have names in the run
//! directory, and the program holds both ends of each: when the shim is killed, nothing
//! breaks in the program, what it writes waits in the pipe, and a supervisor that sees it
//! goes on reading. What the scanner does not want to see is written as before: straight
//! into the files.
//!
//! The log is whatever was written to it: its offsets are those that are shipped. A disk
//! that is full costs output and not the program; how much is told in the log.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use mlhub_protocol::run_dir::names;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode, OFlags};

use super::files::open_append;
use super::journal::OwnEvents;
use super::run_dir::RunDir;
use super::scan::{Rules, Scan, Told};

/// Bytes a pipe holds, where the system allows so many.
const PIPE_BYTES: usize = 1024 * 1024;
/// Bytes read at a time.
const PIECE_BYTES: usize = 256 * 1024;
/// Bytes read from a stream after the program's end at most, from what it left running.
const REST_MAX_BYTES: usize = 64 * PIPE_BYTES;
/// Event file of the scanner's warnings.
const SCAN_EVENTS: &str = "output-scan.jsonl";
/// The two streams: name, log, pipe.
const STREAMS: [(&str, &str, &str); 2] = [
    ("stdout", names::STDOUT, ".stdout.pipe"),
    ("stderr", names::STDERR, ".stderr.pipe"),
];

/// Both streams of a program on their way to the log.
#[derive(Debug)]
pub(crate) struct Relay {
    pumps: Vec<Pump>,
}

/// The reading ends of a program's pipes, held so that what is in them is not lost when
/// their reader dies.
#[derive(Debug, Default)]
pub(crate) struct Held {
    pipes: [Option<File>; 2],
}

/// What a thread is told.
enum Order {
    /// Write what is there now, and say so.
    Drain,
}

#[derive(Debug)]
struct Pump {
    thread: JoinHandle<()>,
    /// Wakes the thread; closed, it ends it.
    wake: std::io::PipeWriter,
    orders: Sender<Order>,
    drained: Receiver<()>,
}

impl Relay {
    /// Begins to relay; returns what the program gets as its two outputs.
    ///
    /// # Errors
    /// When there can be no pipe, log, scanner or thread.
    pub(crate) fn start(dir: &RunDir) -> std::io::Result<(Self, [OwnedFd; 2])> {
        let rules = rules(dir)?;
        let told = Arc::new(Told::default());
        let mut pumps = Vec::new();
        let mut outputs = Vec::new();
        for (stream, log, pipe) in STREAMS {
            let (reader, writer) = pipe_at(&dir.file(pipe))?;
            let scan = Scan::new(stream, Arc::clone(&rules), Arc::clone(&told));
            pumps.push(Pump::start(reader, dir, log, scan)?);
            outputs.push(writer);
        }
        let outputs = outputs
            .try_into()
            .map_err(|_| std::io::Error::other("there are two streams"))?;
        Ok((Self { pumps }, outputs))
    }

    /// Goes on where another process stopped. What that had read and not written is lost.
    ///
    /// # Errors
    /// As of [`Relay::start`].
    pub(crate) fn take_over(dir: &RunDir, held: Held) -> std::io::Result<Self> {
        let rules = rules(dir)?;
        let mut pumps = Vec::new();
        for ((stream, log, _), reader) in STREAMS.into_iter().zip(held.pipes) {
            if let Some(reader) = reader {
                let scan = Scan::of_the_rest(stream, Arc::clone(&rules));
                pumps.push(Pump::start(reader, dir, log, scan)?);
            }
        }
        Ok(Self { pumps })
    }

    /// Returns when all that the program wrote until now is in the log.
    pub(crate) fn drain(&mut self) {
        for pump in &mut self.pumps {
            // A thread that has ended has written everything.
            let _ = pump.orders.send(Order::Drain);
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
        for (_, _, pipe) in STREAMS {
            // It is of no use to anybody any more, and harms nobody.
            let _ = std::fs::remove_file(dir.join(pipe));
        }
    }
}

impl Held {
    /// Opens the pipes of a program that runs, where it has any.
    pub(crate) fn open(dir: &Path) -> Self {
        let pipe = |name: &str| open_reader(&dir.join(name)).ok();
        Self {
            pipes: STREAMS.map(|(_, _, name)| pipe(name)),
        }
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.pipes.iter().all(Option::is_none)
    }
}

fn rules(dir: &RunDir) -> std::io::Result<Arc<Rules>> {
    Rules::new(&dir.launch().env)
        .map(Arc::new)
        .map_err(std::io::Error::other)
}

/// Both ends of a pipe with a name: the reading one, which does not block, and one that
/// reads and writes, so that whoever has it never writes into a pipe without a reader.
/// Where the file system has no such pipes it has no name, and dies with its reader.
fn pipe_at(path: &Path) -> std::io::Result<(File, OwnedFd)> {
    if let Err(error) = make_fifo(path)
        && error.kind() != std::io::ErrorKind::AlreadyExists
    {
        let (reader, writer) = std::io::pipe()?;
        let reader = OwnedFd::from(reader);
        rustix::fs::fcntl_setfl(&reader, OFlags::NONBLOCK)?;
        return Ok((File::from(reader), OwnedFd::from(writer)));
    }
    let reader = open_reader(path)?;
    let writer = OpenOptions::new().read(true).write(true).open(path)?;
    #[cfg(target_os = "linux")]
    // A smaller pipe is slower, and that is all.
    let _ = rustix::pipe::fcntl_setpipe_size(&writer, PIPE_BYTES);
    Ok((reader, OwnedFd::from(writer)))
}

fn make_fifo(path: &Path) -> std::io::Result<()> {
    let mode = Mode::RUSR | Mode::WUSR;
    #[cfg(target_vendor = "apple")]
    let made = rustix::fs::mkfifoat(rustix::fs::CWD, path, mode);
    #[cfg(not(target_vendor = "apple"))]
    let made = rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0);
    made.map_err(std::io::Error::from)
}

fn open_reader(path: &Path) -> std::io::Result<File> {
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).map_err(std::io::Error::other)?;
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

impl Pump {
    fn start(reader: File, dir: &RunDir, log: &str, scan: Scan) -> std::io::Result<Self> {
        let (woken, wake) = std::io::pipe()?;
        let (orders, taken) = channel();
        let (tell, drained) = channel();
        let mut stream = Stream {
            reader,
            log: Log::open(&dir.file(log))?,
            events: OwnEvents::new(&dir.file(names::EVENTS), SCAN_EVENTS),
            scan,
            out: Vec::new(),
            piece: vec![0; PIECE_BYTES],
            over: false,
        };
        let thread = std::thread::Builder::new()
            .name(format!("output-{log}"))
            .spawn(move || stream.run(woken, &taken, &tell))?;
        Ok(Self {
            thread,
            wake,
            orders,
            drained,
        })
    }
}

/// One stream, as its thread has it.
struct Stream {
    reader: File,
    log: Log,
    events: OwnEvents,
    scan: Scan,
    out: Vec<u8>,
    piece: Vec<u8>,
    /// Whether nobody can write to it any more.
    over: bool,
}

impl Stream {
    fn run(
        &mut self,
        mut woken: std::io::PipeReader,
        orders: &Receiver<Order>,
        drained: &Sender<()>,
    ) {
        loop {
            let (readable, called) = self.wait(&woken);
            if called {
                let mut order = [0];
                if !woken.read(&mut order).is_ok_and(|count| count > 0) {
                    break;
                }
                if let Ok(Order::Drain) = orders.try_recv() {
                    self.read_up_to(self.waiting());
                    let _ = drained.send(());
                    continue;
                }
            }
            if readable {
                self.read_once();
            }
        }
        self.read_up_to(REST_MAX_BYTES);
        self.end();
    }

    /// Waits for output, or for an order.
    fn wait(&self, woken: &std::io::PipeReader) -> (bool, bool) {
        let mut both = [
            PollFd::new(woken, PollFlags::IN),
            PollFd::new(&self.reader, PollFlags::IN),
        ];
        let count = if self.over { 1 } else { 2 };
        // Interrupted, it waits again.
        let _ = poll(&mut both[..count], None);
        let called = !both[0].revents().is_empty();
        (!self.over && !both[1].revents().is_empty(), called)
    }

    /// Bytes in the pipe; one more, so that an end is seen too.
    fn waiting(&self) -> usize {
        let waiting = rustix::io::ioctl_fionread(self.reader.as_fd()).unwrap_or(0);
        usize::try_from(waiting).unwrap_or(PIPE_BYTES) + 1
    }

    /// Reads so many bytes, or what is there.
    fn read_up_to(&mut self, most: usize) {
        let mut taken = 0;
        while taken < most && !self.over {
            match self.read_once() {
                Some(count) if count > 0 => taken += count,
                _ => return,
            }
        }
    }

    /// Reads a piece and writes what comes of it; `None` when there is nothing now.
    fn read_once(&mut self) -> Option<usize> {
        let count = match self.reader.read(&mut self.piece) {
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return Some(1),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return None,
            Err(_) => 0,
        };
        if count == 0 {
            self.end();
            return Some(0);
        }
        let Self {
            scan, piece, out, ..
        } = self;
        out.clear();
        // A defect of the scanner costs output, and neither the program nor a secret.
        let scanned = catch_unwind(AssertUnwindSafe(|| scan.push(&piece[..count], out)));
        self.put(scanned.ok(), count);
        Some(count)
    }

    /// Nobody writes any more: what the scanner held is known to be no secret.
    fn end(&mut self) {
        if !std::mem::replace(&mut self.over, true) {
            let Self { scan, out, .. } = self;
            out.clear();
            let scanned = catch_unwind(AssertUnwindSafe(|| scan.finish(out)));
            self.put(scanned.ok(), 0);
            self.log.close();
        }
    }

    fn put(&mut self, scanned: Option<Vec<String>>, count: usize) {
        match scanned {
            Some(warnings) => {
                self.log.write(&self.out);
                for warning in warnings {
                    // One that does not fit on the disk is left out.
                    self.events.warn(warning);
                }
            }
            None => self.log.lose(count, "a defect of the scanner"),
        }
    }
}

/// A log file that loses what its disk does not take, and says so.
struct Log {
    file: File,
    lost: usize,
    reason: String,
}

impl Log {
    fn open(path: &Path) -> std::io::Result<Self> {
        Ok(Self {
            file: open_append(path).map_err(std::io::Error::other)?,
            lost: 0,
            reason: String::new(),
        })
    }

    fn write(&mut self, bytes: &[u8]) {
        if bytes.is_empty() || !self.tell() {
            self.lost += bytes.len();
            return;
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.file.write(rest) {
                Ok(count) if count > 0 => rest = &rest[count..],
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Ok(_) => return self.lose(rest.len(), "nothing could be written"),
                Err(error) => return self.lose(rest.len(), &error.to_string()),
            }
        }
    }

    fn lose(&mut self, count: usize, reason: &str) {
        self.lost += count;
        reason.clone_into(&mut self.reason);
    }

    /// Says what was lost; returns whether there is room for it.
    fn tell(&mut self) -> bool {
        if self.lost == 0 {
            return true;
        }
        let line = format!(
            "\n[{} bytes of output were lost here: {}]\n",
            self.lost, self.reason
        );
        let told = self.file.write_all(line.as_bytes()).is_ok();
        if told {
            self.lost = 0;
        }
        told
    }

    fn close(&mut self) {
        self.tell();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn what_a_full_disk_does_not_take_is_told_when_there_is_room() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("stdout.log");
        let mut log = Log::open(Path::new("/dev/full")).expect("open");
        log.write(b"12345");
        log.write(b"678");
        log.file = open_append(&path).expect("open");
        log.write(b"more");
        log.close();
        let text = std::fs::read_to_string(&path).expect("read");
        assert!(
            text.starts_with("\n[8 bytes of output were lost here: "),
            "{text}"
        );
        assert!(text.ends_with("]\nmore"), "{text}");
    }

    #[test]
    fn a_pipe_keeps_what_was_written_while_nobody_reads() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("pipe");
        let (reader, writer) = pipe_at(&path).expect("a pipe");
        drop(reader);
        let mut writer = File::from(writer);
        writer.write_all(b"output").expect("no reader breaks it");
        let mut read = [0; 16];
        let count = open_reader(&path)
            .expect("open")
            .read(&mut read)
            .expect("read");
        assert_eq!(&read[..count], b"output");
    }
}
