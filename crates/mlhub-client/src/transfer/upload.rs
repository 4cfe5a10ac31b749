//! Sending one file: nothing when the hub has its content, else part by part.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use mlhub_protocol::rest::{ArtifactBind, ArtifactView, UploadBegin, UploadCommit, UploadView};

use super::{Patience, Trying, local};
use crate::{Client, ClientError, ClientErrorKind, Result};

/// Bytes of a part: what is held in memory, and what a cut connection costs.
const PART_BYTES: u64 = 8 * 1024 * 1024;
/// Bytes up to which a file is sent in one request, without asking first.
const SMALL_MAX_BYTES: u64 = 64 * 1024;
/// Times an upload is begun again because it vanished while it was sent.
const BEGINS_MAX: u32 = 5;

/// What is sent, and what it is to a run.
#[derive(Debug, Clone, Copy)]
pub struct Upload<'a> {
    /// The run's id.
    pub run: &'a str,
    /// The attempt that wrote it.
    pub attempt: u32,
    /// Its key in the run.
    pub path: &'a str,
    /// What it is.
    pub kind: &'a str,
    /// BLAKE3 of the content, hex.
    pub hash: &'a str,
    /// Bytes of the content.
    pub size_bytes: u64,
}

/// A file that is on the hub.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// The artifact.
    pub artifact: ArtifactView,
    /// Bytes that went over the wire; 0 when the hub had the content.
    pub sent_bytes: u64,
}

/// BLAKE3 (hex) of what a reader gives, and its size.
///
/// # Errors
/// As the reader.
pub fn hash_reader(reader: impl Read) -> std::io::Result<(String, u64)> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(reader)?;
    Ok((hasher.finalize().to_hex().to_string(), hasher.count()))
}

/// Sends `file`, which has been hashed before, and makes it an artifact.
/// `progress` hears of each part: bytes on the hub of all bytes.
///
/// # Errors
/// As the calls; [`ClientErrorKind::Local`] when the file cannot be read. When
/// the file changed since it was hashed the hub refuses it with status 400.
pub fn upload(
    client: &Client,
    what: &Upload<'_>,
    file: &mut File,
    patience: Patience,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Sent> {
    let mut trying = Trying::new(patience);
    let mut sent_bytes = 0;
    let begin = UploadBegin {
        size_bytes: what.size_bytes,
        hash: Some(what.hash.to_owned()),
    };
    let mut begins = 0;
    loop {
        let small = what.size_bytes <= SMALL_MAX_BYTES;
        let ended = if small {
            send_small(client, what, file).inspect(|_| sent_bytes = what.size_bytes)
        } else {
            send_large(client, what, file, &begin, &mut |offset, bytes| {
                sent_bytes += bytes;
                trying.progress();
                progress(offset, what.size_bytes);
            })
        };
        let error = match ended {
            Ok(artifact) => {
                progress(what.size_bytes, what.size_bytes);
                return Ok(Sent {
                    artifact,
                    sent_bytes,
                });
            }
            Err(error) => error,
        };
        // An upload that expired, or was finished by another sender of the same
        // content, and content that was removed meanwhile: begin again.
        let gone = error.is_not_found() || error.misaligned().is_some();
        if gone && begins < BEGINS_MAX && run_is_there(client, what)? {
            begins += 1;
            continue;
        }
        trying.again(error)?;
    }
}

/// One request costs less than asking first.
fn send_small(client: &Client, what: &Upload<'_>, file: &mut File) -> Result<ArtifactView> {
    let mut content = Vec::new();
    read_part(file, 0, what.size_bytes, &mut content)?;
    client.artifact_upload(
        what.run,
        what.attempt,
        what.path,
        what.kind,
        what.hash,
        &mut content.as_slice(),
        what.size_bytes,
    )
}

fn send_large(
    client: &Client,
    what: &Upload<'_>,
    file: &mut File,
    begin: &UploadBegin,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<ArtifactView> {
    let begun = client.upload_begin(begin)?;
    match &begun.id {
        None => bind(client, what),
        Some(id) => send(client, what, id, &begun, file, progress),
    }
}

fn run_is_there(client: &Client, what: &Upload<'_>) -> Result<bool> {
    client
        .run_get(what.run)
        .map(|run| run.summary.id == what.run)
}

fn bind(client: &Client, what: &Upload<'_>) -> Result<ArtifactView> {
    let bind = ArtifactBind {
        attempt: what.attempt,
        path: what.path.to_owned(),
        kind: Some(what.kind.to_owned()),
        hash: what.hash.to_owned(),
        size_bytes: what.size_bytes,
    };
    client.artifact_bind(what.run, &bind)
}

fn send(
    client: &Client,
    what: &Upload<'_>,
    id: &str,
    begun: &UploadView,
    file: &mut File,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<ArtifactView> {
    let mut offset = begun.offset;
    let part_bytes = PART_BYTES.min(begun.part_max_bytes.max(1));
    let mut part = Vec::new();
    while offset < what.size_bytes {
        read_part(
            file,
            offset,
            part_bytes.min(what.size_bytes - offset),
            &mut part,
        )?;
        let hash = blake3::hash(&part).to_hex();
        let now = client.upload_part(id, offset, &part, &hash)?;
        if now.offset <= offset {
            return Err(ClientError::new(
                ClientErrorKind::Protocol,
                "unexpected answer",
                "the hub took a part of an upload and stands where it was",
            ));
        }
        offset = now.offset;
        progress(offset, part.len() as u64);
    }
    let commit = UploadCommit {
        run: what.run.to_owned(),
        attempt: what.attempt,
        path: what.path.to_owned(),
        kind: Some(what.kind.to_owned()),
        hash: Some(what.hash.to_owned()),
    };
    loop {
        // The hub answers after a while when storing takes longer.
        if let Some(artifact) = client.upload_commit(id, &commit)?.artifact {
            return Ok(artifact);
        }
        progress(offset, 0);
    }
}

fn read_part(file: &mut File, offset: u64, size: u64, part: &mut Vec<u8>) -> Result<()> {
    part.clear();
    let mut read = || -> std::io::Result<usize> {
        file.seek(SeekFrom::Start(offset))?;
        file.by_ref().take(size).read_to_end(part)
    };
    let read = read().map_err(|cause| local("a file that is sent cannot be read", &cause))?;
    if read as u64 == size {
        return Ok(());
    }
    Err(ClientError {
        // As the hub would say of a content that is not what was announced.
        status: Some(400),
        ..ClientError::new(
            ClientErrorKind::Local,
            "local file",
            "the file became shorter while it was sent; send it again",
        )
    })
}
