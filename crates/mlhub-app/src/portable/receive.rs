//! Reading archives: everything is checked before anything is stored.
//!
//! Names in an archive choose how an entry is read, never where something is
//! written. Memory holds one entry, the names of blobs and the hashes of runs.

use std::io::Read;
use std::path::Path;

use mlhub_core::portable::{self, PORTABLE_VERSION, PortableItem, PortableLine};
use mlhub_core::{Error, ErrorKind, Result, RunId, limits};

use super::archive::{
    ARCHIVE_FORMAT, ArchiveEnd, ArchiveManifest, BLOB_FOLDER, END_NAME, MANIFEST_NAME, hash_entry,
};
use super::codec::{self, Tag};
use super::digest::{ContentDigest, Digest};
use super::sequence::Sequence;
use super::spool::{Range, Spool};
use super::tar;

/// Bytes of `mlhub.json` and `end.json`.
const SMALL_MAX_BYTES: u64 = 64 * 1024;
/// Bytes of one entry of items: what fits in one, or one large item.
const ENTRY_MAX_BYTES: u64 = limits::PORTABLE_ITEM_MAX_BYTES as u64 + 4096;
/// Bytes of a blob handed on at once.
const BLOB_PIECE_BYTES: usize = 256 * 1024;

/// Takes the blobs of an archive; each is checked to be the next one expected.
pub(crate) trait BlobTaker {
    /// Takes one blob of `size_bytes`, all of which must be read from `input`.
    fn take(&mut self, hash: &str, size_bytes: u64, input: &mut dyn Read) -> Result<()>;
}

/// A checked archive.
pub(crate) struct Received {
    pub(crate) manifest: ArchiveManifest,
    pub(crate) end: ArchiveEnd,
    pub(crate) spool: Spool,
    /// Shared items, projects, experiments and versions of artifacts, one range after
    /// the other.
    pub(crate) before_runs: Vec<Range>,
    /// Each run with its hash and place.
    pub(crate) runs: Vec<(RunId, Digest, Range)>,
    pub(crate) sequence: Sequence,
}

struct Receiver {
    manifest: ArchiveManifest,
    digest: ContentDigest,
    records: blake3::Hasher,
    spool: Spool,
    sequence: Sequence,
    before_runs: Vec<Range>,
    run_ranges: Vec<Range>,
    last_blob: Option<String>,
}

/// Reads and checks a whole archive.
///
/// # Errors
/// `Unsupported` for a newer version, `Invalid` or `TooLarge` for anything that
/// is not as the writer makes it, naming the entry.
pub(crate) fn receive(
    input: &mut impl Read,
    folder: &Path,
    blobs: &mut dyn BlobTaker,
) -> Result<Received> {
    let first = tar::next(input)?.ok_or_else(empty)?;
    if first.name != MANIFEST_NAME || first.size_bytes > SMALL_MAX_BYTES {
        return Err(empty());
    }
    let manifest = read_manifest(&read_entry(input, first.size_bytes)?)?;
    let mut receiver = Receiver {
        manifest,
        digest: ContentDigest::new(true),
        records: blake3::Hasher::new(),
        spool: Spool::new(folder)?,
        sequence: Sequence::default(),
        before_runs: Vec::new(),
        run_ranges: Vec::new(),
        last_blob: None,
    };
    loop {
        let entry = tar::next(input)?.ok_or_else(|| {
            Error::invalid("the archive ends without its end entry; it was cut off")
        })?;
        if entry.name == END_NAME {
            if entry.size_bytes > SMALL_MAX_BYTES {
                return Err(unknown(&entry.name));
            }
            let end = read_entry(input, entry.size_bytes)?;
            no_more(input)?;
            return receiver.finish(&end);
        }
        receiver.entry(input, &entry, blobs)?;
    }
}

fn empty() -> Error {
    Error::invalid("this is no archive of mlhub: it does not begin with mlhub.json")
}

fn unknown(name: &str) -> Error {
    let shown: String = name.chars().filter(|c| !c.is_control()).collect();
    Error::invalid(format!(
        "the archive has an entry `{shown}`, which does not belong there"
    ))
}

fn read_entry(input: &mut impl Read, size_bytes: u64) -> Result<Vec<u8>> {
    // The caller has checked the size against a limit; memory follows what comes.
    let mut bytes = Vec::new();
    let read = input.take(size_bytes).read_to_end(&mut bytes);
    read.map_err(|error| Error::invalid("the archive cannot be read").with_source(error))?;
    if (bytes.len() as u64) < size_bytes {
        return Err(Error::invalid("the archive ends early; copy it again"));
    }
    tar::skip_padding(input, size_bytes)?;
    Ok(bytes)
}

/// Reads what [`super::archive`] writes first.
pub(crate) fn read_manifest(bytes: &[u8]) -> Result<ArchiveManifest> {
    let document: serde_json::Value = serde_json::from_slice(bytes).map_err(|_| empty())?;
    if document["format"] != ARCHIVE_FORMAT {
        return Err(empty());
    }
    match document["version"].as_u64() {
        Some(version) if version == u64::from(PORTABLE_VERSION) => {}
        Some(version) => {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "the archive has version {version}, and this program reads version \
                     {PORTABLE_VERSION}; use a matching mlhub. Nothing was changed"
                ),
            ));
        }
        None => return Err(empty()),
    }
    serde_json::from_value(document).map_err(|_| empty())
}

fn no_more(input: &mut impl Read) -> Result<()> {
    let mut end = [0u8; tar::END.len()];
    tar::fill(input, &mut end)?;
    let mut over = [0u8; 1];
    let more = input
        .read(&mut over)
        .map_err(|error| Error::invalid("the archive cannot be read").with_source(error))?;
    match more == 0 && end == tar::END {
        true => Ok(()),
        false => Err(Error::invalid("the archive goes on after its end")),
    }
}

impl Receiver {
    fn entry(
        &mut self,
        input: &mut impl Read,
        entry: &tar::Entry,
        blobs: &mut dyn BlobTaker,
    ) -> Result<()> {
        if let Some(hash) = entry.name.strip_prefix(BLOB_FOLDER) {
            return self.blob(input, hash, entry.size_bytes, blobs);
        }
        let known = entry
            .name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte));
        let tag = entry.name.rsplit_once('.').filter(|_| known);
        let tag = tag.and_then(|(_, ending)| Tag::of_extension(ending));
        let Some(tag) = tag.filter(|_| self.last_blob.is_none()) else {
            return Err(unknown(&entry.name));
        };
        if entry.size_bytes > ENTRY_MAX_BYTES {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "the entry `{}` has {} bytes; at most {ENTRY_MAX_BYTES} are read",
                    entry.name, entry.size_bytes
                ),
            ));
        }
        let bytes = read_entry(input, entry.size_bytes)?;
        hash_entry(&mut self.records, &entry.name, &bytes);
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let item = split_item(tag, &mut rest).ok_or_else(|| unknown(&entry.name))?;
            self.item(tag, item).map_err(|error| {
                let said = format!("entry `{}`: {}", entry.name, error.public_message());
                Error::new(error.kind(), said).with_source(error)
            })?;
        }
        Ok(())
    }

    fn item(&mut self, tag: Tag, bytes: &[u8]) -> Result<()> {
        let item = codec::decode(tag, bytes)?;
        item.check()?;
        self.sequence.accept(&item)?;
        self.digest.add(&item, tag, bytes);
        let start = self.spool.end();
        self.spool.add(tag, bytes)?;
        let end = self.spool.end();
        let begins_run = matches!(item, PortableItem::Line(PortableLine::Run(_)));
        let begins_other = item.is_shared()
            || matches!(
                item,
                PortableItem::Line(
                    PortableLine::Project(_)
                        | PortableLine::Experiment(_)
                        | PortableLine::Document(_)
                        | PortableLine::ArtifactVersion(_)
                        | PortableLine::Trace(_)
                        | PortableLine::TraceSpan(_)
                        | PortableLine::TraceFile(_)
                )
            );
        let ranges = match begins_other {
            true => &mut self.before_runs,
            false => &mut self.run_ranges,
        };
        match ranges
            .last_mut()
            .filter(|last| !begins_run && last.1 == start)
        {
            Some(last) => last.1 = end,
            None => ranges.push((start, end)),
        }
        Ok(())
    }

    fn blob(
        &mut self,
        input: &mut impl Read,
        hash: &str,
        size_bytes: u64,
        blobs: &mut dyn BlobTaker,
    ) -> Result<()> {
        portable::hash(hash)?;
        if self.last_blob.as_deref().is_some_and(|last| last >= hash) {
            return Err(unknown(&format!("{BLOB_FOLDER}{hash}")));
        }
        if self.sequence.blobs.get(hash) != Some(&size_bytes) {
            return Err(Error::invalid(format!(
                "the blob {hash} is not the content of any artifact of the archive"
            )));
        }
        let mut content = input.take(size_bytes);
        blobs.take(hash, size_bytes, &mut content)?;
        if content.limit() > 0 {
            return Err(Error::invalid("the archive ends early; copy it again"));
        }
        tar::skip_padding(input, size_bytes)?;
        self.last_blob = Some(hash.to_owned());
        Ok(())
    }

    fn finish(mut self, end: &[u8]) -> Result<Received> {
        self.sequence.finish()?;
        self.spool.flush()?;
        let end: ArchiveEnd = serde_json::from_slice(end)
            .map_err(|_| Error::invalid("the archive's end entry cannot be read"))?;
        let found = ArchiveEnd {
            content_hash: self.digest.finish(),
            records_hash: self.records.finalize().to_hex().to_string(),
            counts: self.digest.counts,
            blobs: self.sequence.blobs.len() as u64,
            blob_bytes: self.sequence.blobs.values().sum(),
        };
        if found != end {
            return Err(Error::invalid(
                "the archive does not hold what its end entry says (hashes or counts differ); it is damaged, copy it again",
            ));
        }
        let runs = std::mem::take(&mut self.digest.runs);
        let runs = runs
            .into_iter()
            .zip(&self.run_ranges)
            .map(|((id, digest), range)| (id, digest, *range));
        Ok(Received {
            manifest: self.manifest,
            end,
            runs: runs.collect(),
            spool: self.spool,
            before_runs: self.before_runs,
            sequence: self.sequence,
        })
    }
}

/// Takes the next item of an entry.
fn split_item<'b>(tag: Tag, rest: &mut &'b [u8]) -> Option<&'b [u8]> {
    let (size, skip) = match tag {
        Tag::Line => (rest.iter().position(|byte| *byte == b'\n')?, 1),
        Tag::Points | Tag::Log => {
            let (head, tail) = rest.split_first_chunk::<4>()?;
            *rest = tail;
            (u32::from_le_bytes(*head) as usize, 0)
        }
    };
    let item = rest.get(..size)?;
    *rest = rest.get(size + skip..)?;
    Some(item)
}

/// Hands the bytes of a blob on in pieces, checked against its hash.
pub(crate) fn pieces(
    hash: &str,
    input: &mut dyn Read,
    mut take: impl FnMut(Vec<u8>) -> Result<()>,
) -> Result<()> {
    let mut hasher = blake3::Hasher::new();
    loop {
        let mut piece = vec![0; BLOB_PIECE_BYTES];
        let count = input
            .read(&mut piece)
            .map_err(|error| Error::invalid("the archive cannot be read").with_source(error))?;
        if count == 0 {
            break;
        }
        piece.truncate(count);
        hasher.update(&piece);
        take(piece)?;
    }
    match hasher.finalize().to_hex().as_str() == hash {
        true => Ok(()),
        false => Err(Error::invalid(format!(
            "the blob {hash} has another content than its hash says; the archive is damaged, copy it again"
        ))),
    }
}
