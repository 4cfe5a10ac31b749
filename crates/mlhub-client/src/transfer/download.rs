//! Receiving one artifact: resumed where an earlier try ended, and given its
//! name only when its bytes are what its hash says.

use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use mlhub_protocol::rest::{ArtifactVersionView, ArtifactView};

use super::place::{OutFolder, Receiving};
use super::{Patience, Trying, local};
use crate::{Client, ClientError, ClientErrorKind, Result};

/// Bytes received at once.
const PIECE_BYTES: usize = 256 * 1024;
/// Digits of the hash in the name of an unfinished file.
const MARK_DIGITS: usize = 32;

/// What is received.
#[derive(Debug, Clone, Copy)]
pub enum Wanted<'a> {
    /// An artifact of a run.
    OfRun(&'a str, &'a ArtifactView),
    /// A version of an artifact.
    Version(&'a ArtifactVersionView),
}

impl Wanted<'_> {
    fn artifact(&self) -> &ArtifactView {
        match self {
            Self::OfRun(_, artifact) => artifact,
            Self::Version(version) => &version.artifact,
        }
    }

    fn open(&self, client: &Client, start: u64) -> Result<Box<dyn Read>> {
        let hash = Some(self.artifact().hash.as_str());
        Ok(match self {
            Self::OfRun(run, artifact) => {
                Box::new(client.artifact_download_from(run, &artifact.path, start, hash)?)
            }
            Self::Version(version) => Box::new(client.version_download_from(version, start, hash)?),
        })
    }
}

/// A file that was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downloaded {
    /// Where it is.
    pub place: PathBuf,
    /// Bytes that came over the wire; fewer than its size when it was resumed.
    pub received_bytes: u64,
}

/// Receives what is wanted into `folder` under `name` (its path, unless the user
/// chose another). `progress` hears of bytes here of all bytes.
///
/// # Errors
/// As the call; [`ClientErrorKind::Local`] when it cannot be written or its path
/// would leave the folder; [`ClientErrorKind::Protocol`] when the bytes are not
/// what the hash says.
pub fn download(
    client: &Client,
    wanted: Wanted<'_>,
    folder: &OutFolder,
    name: &str,
    patience: Patience,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Downloaded> {
    let artifact = wanted.artifact();
    let mark = artifact
        .hash
        .get(..MARK_DIGITS)
        .filter(|mark| mark.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let mark = mark.ok_or_else(|| wrong("the hub gave a hash that is none"))?;
    // Two paths of one content must not write one file.
    let mark = format!("{mark}-{}", &blake3::hash(name.as_bytes()).to_hex()[..16]);
    let mut receiving = folder.receive(name, &mark)?;
    let mut hasher = blake3::Hasher::new();
    let failed =
        |cause: std::io::Error| local("a file that was half received cannot be read", &cause);
    hasher.update_reader(&mut receiving.file).map_err(failed)?;
    if hasher.count() > artifact.size_bytes {
        start_over(&mut receiving, &mut hasher)?;
    }
    let mut received = 0;
    let mut trying = Trying::new(patience);
    while hasher.count() < artifact.size_bytes {
        let before = hasher.count();
        let ended = receive(client, &wanted, &mut receiving, &mut hasher, &mut |here| {
            progress(here, artifact.size_bytes);
        });
        // Fewer than before when it was started over.
        received += hasher.count().saturating_sub(before);
        if hasher.count() > before {
            trying.progress();
        }
        if let Err(error) = ended {
            trying.again(error)?;
        }
    }
    if hasher.finalize().to_hex().as_str() != artifact.hash {
        receiving.discard();
        return Err(wrong(&format!(
            "what was received of `{}` is not what its hash says, and was removed; get it again",
            artifact.path
        )));
    }
    progress(artifact.size_bytes, artifact.size_bytes);
    Ok(Downloaded {
        place: receiving.keep()?,
        received_bytes: received,
    })
}

fn start_over(receiving: &mut Receiving, hasher: &mut blake3::Hasher) -> Result<()> {
    let failed = |cause: std::io::Error| local("a file cannot be started over", &cause);
    receiving.file.set_len(0).map_err(failed)?;
    receiving.file.seek(SeekFrom::Start(0)).map_err(failed)?;
    hasher.reset();
    Ok(())
}

/// Receives from where the file ends.
fn receive(
    client: &Client,
    wanted: &Wanted<'_>,
    receiving: &mut Receiving,
    hasher: &mut blake3::Hasher,
    progress: &mut dyn FnMut(u64),
) -> Result<()> {
    let start = hasher.count();
    let artifact = wanted.artifact();
    let mut content = wanted.open(client, start)?;
    let mut buffer = vec![0; PIECE_BYTES];
    loop {
        let count = match content.read(&mut buffer) {
            Ok(0) if hasher.count() < artifact.size_bytes => {
                return Err(ClientError::from_io(
                    client.base_url(),
                    &std::io::ErrorKind::UnexpectedEof.into(),
                ));
            }
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(cause) => return Err(ClientError::from_io(client.base_url(), &cause)),
        };
        if hasher.count() + count as u64 > artifact.size_bytes {
            start_over(receiving, hasher)?;
            return Err(wrong(
                "the artifact was replaced while it was received; get it again",
            ));
        }
        receiving
            .file
            .write_all(&buffer[..count])
            .map_err(|cause| local(&receiving.place.display().to_string(), &cause))?;
        hasher.update(&buffer[..count]);
        progress(hasher.count());
    }
}

fn wrong(detail: &str) -> ClientError {
    ClientError::new(ClientErrorKind::Protocol, "wrong content", detail)
}
