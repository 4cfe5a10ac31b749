//! Items of an archive that is being checked, in a file without a name: it is
//! gone with the process, however that ends.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use mlhub_core::portable::{PortableItem, PortableLine};
use mlhub_core::store::PortableSource;
use mlhub_core::{Error, ErrorKind, Name, Result};

use super::codec::{self, Tag};

/// Bytes before each item: its tag and its size.
const HEAD_BYTES: usize = 5;
/// Bytes read or written at once.
const BUFFER_BYTES: usize = 256 * 1024;

/// Where items stand in a spool.
pub(crate) type Range = (u64, u64);

/// A file of items.
pub(crate) struct Spool {
    file: Arc<File>,
    written: u64,
    buffer: Vec<u8>,
}

impl Spool {
    /// An empty spool in `folder`.
    pub(crate) fn new(folder: &Path) -> Result<Self> {
        let file = tempfile::tempfile_in(folder).map_err(|error| disk(&error))?;
        Ok(Self {
            file: Arc::new(file),
            written: 0,
            buffer: Vec::with_capacity(BUFFER_BYTES),
        })
    }

    /// Where the next item will stand.
    pub(crate) fn end(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    /// Adds an item.
    pub(crate) fn add(&mut self, tag: Tag, bytes: &[u8]) -> Result<()> {
        let size = u32::try_from(bytes.len())
            .map_err(|error| Error::internal("keep an item of an archive", error))?;
        self.buffer.push(tag.byte());
        self.buffer.extend_from_slice(&size.to_le_bytes());
        self.buffer.extend_from_slice(bytes);
        match self.buffer.len() >= BUFFER_BYTES {
            true => self.flush(),
            false => Ok(()),
        }
    }

    /// Makes what was added readable.
    pub(crate) fn flush(&mut self) -> Result<()> {
        let written = self.file.write_all_at(&self.buffer, self.written);
        written.map_err(|error| disk(&error))?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// The items of some ranges, with every project called `project` if given.
    pub(crate) fn source(&self, ranges: Vec<Range>, project: Option<Name>) -> SpoolSource {
        SpoolSource {
            file: Arc::clone(&self.file),
            ranges,
            project,
        }
    }
}

fn disk(error: &std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            ErrorKind::StorageFull
        }
        _ => return Error::internal("keep items of an archive", error.to_string()),
    };
    Error::new(
        kind,
        "the disk has no room to check the archive; nothing was imported. Free some space and try again",
    )
}

/// Items of a spool, to be stored.
pub(crate) struct SpoolSource {
    file: Arc<File>,
    ranges: Vec<Range>,
    project: Option<Name>,
}

impl PortableSource for SpoolSource {
    fn items(&self) -> Result<Box<dyn Iterator<Item = Result<PortableItem>> + Send + '_>> {
        let all = self.ranges.iter().flat_map(|range| Items {
            file: &self.file,
            at: range.0,
            end: range.1,
            buffer: Vec::new(),
            used: 0,
        });
        Ok(Box::new(all.map(|item| {
            let mut item = item?;
            if let (PortableItem::Line(PortableLine::Project(line)), Some(name)) =
                (&mut item, &self.project)
            {
                line.name = name.clone();
            }
            Ok(item)
        })))
    }
}

struct Items<'f> {
    file: &'f File,
    /// Where the file is read next.
    at: u64,
    end: u64,
    buffer: Vec<u8>,
    used: usize,
}

impl Items<'_> {
    /// Makes at least `count` bytes available.
    fn need(&mut self, count: usize) -> Result<()> {
        let have = self.buffer.len() - self.used;
        if have >= count {
            return Ok(());
        }
        self.buffer.drain(..self.used);
        self.used = 0;
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let more = (count - have).max(BUFFER_BYTES).min(left);
        self.buffer.resize(have + more, 0);
        let read = self.file.read_exact_at(&mut self.buffer[have..], self.at);
        read.map_err(|error| disk(&error))?;
        self.at += more as u64;
        match have + more >= count {
            true => Ok(()),
            false => Err(Error::internal("read an item of an archive", "it is cut")),
        }
    }

    fn read(&mut self) -> Result<PortableItem> {
        self.need(HEAD_BYTES)?;
        let head = &self.buffer[self.used..self.used + HEAD_BYTES];
        let (byte, size) = (head[0], [head[1], head[2], head[3], head[4]]);
        let size = u32::from_le_bytes(size) as usize;
        let tag = Tag::of_byte(byte)
            .ok_or_else(|| Error::internal("read an item of an archive", "an unknown tag"))?;
        self.used += HEAD_BYTES;
        self.need(size)?;
        let item = codec::decode(tag, &self.buffer[self.used..self.used + size]);
        self.used += size;
        item
    }
}

impl Iterator for Items<'_> {
    type Item = Result<PortableItem>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at == self.end && self.used == self.buffer.len() {
            return None;
        }
        let item = self.read();
        if item.is_err() {
            // Nothing after a broken item can be trusted.
            self.at = self.end;
            self.buffer.clear();
            self.used = 0;
        }
        Some(item)
    }
}
