//! One event log file being written: allocated on disk in extents, mapped one
//! window at a time, cut to its size when closed.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mlhub_protocol::event_log::{self, FRAME_HEAD_BYTES, HEADER_BYTES, frame_bytes};

use crate::mmap::Window;

/// The first extent: small, since many processes log little.
const EXTENT_FIRST_BYTES: u64 = 64 * 1024;
/// The greatest extent; each is twice the one before.
const EXTENT_MAX_BYTES: u64 = 4 * 1024 * 1024;
/// Pages are made ready for writing this many bytes at a time.
const POPULATE_BYTES: usize = 128 * 1024;
/// Names tried for a new file.
const NAMES_MAX: u32 = 10_000;
/// Times that allocating may be interrupted by a signal.
#[cfg(target_os = "linux")]
const INTERRUPTED_MAX: u32 = 100;
/// Bytes written at a time where the file system cannot allocate.
const ZEROS_BYTES: usize = 64 * 1024;

/// A file that grows.
#[derive(Debug)]
pub(crate) struct LogFile {
    path: PathBuf,
    file: Arc<File>,
    window: Option<Window>,
    /// Where in the file the window starts.
    window_start: u64,
    /// Where the next frame goes.
    position: u64,
    /// Bytes that are allocated on disk.
    allocated: u64,
    /// Bytes of the window that are ready for writing.
    populated: usize,
    extent: u64,
}

impl LogFile {
    /// Makes a new file at `path`, or beside it under a name with a number when
    /// there is one: a file has one writer in its life.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let (file, path) = create_new(path)?;
        let mut log = Self {
            path,
            file: Arc::new(file),
            window: None,
            window_start: 0,
            position: HEADER_BYTES as u64,
            allocated: 0,
            populated: 0,
            extent: EXTENT_FIRST_BYTES,
        };
        let made = log
            .grow(HEADER_BYTES)
            .and_then(|()| log.file.write_all_at(&event_log::header(), 0));
        if let Err(error) = made {
            // An empty file would be read as one that is about to be written.
            let _ = std::fs::remove_file(&log.path);
            return Err(error);
        }
        Ok(log)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// Whether frames with bodies of these lengths fit without growing.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        let window = self.window.as_ref().map_or(0, Window::len) as u64;
        self.position + bytes as u64 <= self.window_start + window
    }

    /// Appends a frame whose body `fill` writes. There is room for it.
    pub(crate) fn append(&mut self, length: usize, fill: impl FnOnce(&mut [u8])) {
        let size = frame_bytes(length);
        let at = usize::try_from(self.position - self.window_start).unwrap_or(usize::MAX);
        let Some(window) = &mut self.window else {
            return;
        };
        if at + size > self.populated {
            let ahead = size.max(POPULATE_BYTES);
            let page = rustix::param::page_size();
            let from = self.populated / page * page;
            window.populate(from, ahead.next_multiple_of(page));
            self.populated = (from + ahead).max(at + size);
        }
        let frame = window.bytes(at, size);
        let body = &mut frame[FRAME_HEAD_BYTES..FRAME_HEAD_BYTES + length];
        fill(body);
        let sum = event_log::checksum(body);
        frame[4..FRAME_HEAD_BYTES].copy_from_slice(&sum.to_le_bytes());
        // The length comes last: who sees it sees the whole frame.
        window.publish(at, u32::try_from(length).unwrap_or(0));
        self.position += size as u64;
    }

    /// Allocates on disk, then maps: room for `bytes` more, at least.
    pub(crate) fn grow(&mut self, bytes: usize) -> io::Result<()> {
        let page = rustix::param::page_size() as u64;
        let least = (self.position + bytes as u64).next_multiple_of(page);
        let wanted = least.max((self.allocated + self.extent).next_multiple_of(page));
        if self.allocated < least {
            // The last pages of a disk are used too.
            let end = match allocate(&self.file, self.allocated, wanted) {
                Ok(()) => wanted,
                Err(_) if least < wanted => {
                    allocate(&self.file, self.allocated, least)?;
                    least
                }
                Err(error) => return Err(error),
            };
            self.allocated = end;
            self.extent = (self.extent * 2).min(EXTENT_MAX_BYTES);
        }
        let start = self.position / page * page;
        let length = usize::try_from(self.allocated - start).map_err(io::Error::other)?;
        // The old window goes first: one is mapped at a time.
        self.window = None;
        self.window = Some(Window::map(&self.file, start, length)?);
        self.window_start = start;
        self.populated = 0;
        Ok(())
    }

    /// Cuts the file to what was written.
    pub(crate) fn close(mut self) -> io::Result<()> {
        self.window = None;
        self.file.set_len(self.position)
    }
}

/// Makes blocks of the file real, so that writing to its pages cannot fail for
/// want of room.
fn allocate(file: &File, from: u64, to: u64) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{FallocateFlags, fallocate};
        use rustix::io::Errno;
        // A signal that comes meanwhile is no full disk; where signals come faster than
        // room is made, it is made by writing.
        for _ in 0..INTERRUPTED_MAX {
            match fallocate(file, FallocateFlags::empty(), from, to - from) {
                Ok(()) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(Errno::OPNOTSUPP | Errno::NOSYS) => break,
                Err(error) => return Err(error.into()),
            }
        }
    }
    let zeros = vec![0; ZEROS_BYTES];
    let mut at = from;
    while at < to {
        let length = usize::try_from(to - at).map_or(ZEROS_BYTES, |left| left.min(ZEROS_BYTES));
        file.write_all_at(&zeros[..length], at)?;
        at += length as u64;
    }
    Ok(())
}

fn create_new(path: &Path) -> io::Result<(File, PathBuf)> {
    let mut candidate = path.to_owned();
    for number in 2..NAMES_MAX {
        let made = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o644)
            .open(&candidate);
        match made {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                candidate = beside(path, &number.to_string());
            }
            made => return made.map(|file| (file, candidate)),
        }
    }
    Err(io::Error::new(
        io::ErrorKind::AlreadyExists,
        "there are too many event files of this name",
    ))
}

/// `events/name.mlog` with a suffix: `events/name-suffix.mlog`.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path
        .extension()
        .map_or(event_log::EVENT_LOG_EXTENSION.into(), |text| {
            text.to_string_lossy()
        });
    path.with_file_name(format!("{stem}-{suffix}.{extension}"))
}
