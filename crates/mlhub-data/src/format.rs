//! The formats of a dataset, and telling them apart by name and first bytes. Deep validation is
//! [`crate::inspect`]'s.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{DataError, Result, display};

/// How a dataset is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Comma-separated values (RFC 4180) in UTF-8, first record is the header.
    Csv,
    /// Apache Parquet.
    Parquet,
    /// One JSON object per line, the same keys in each.
    Jsonl,
    /// A NumPy archive whose arrays agree in their first dimension.
    Npz,
    /// A folder with one subfolder of PNG or JPEG images per class.
    ImageFolder,
    /// A folder of files of any kind.
    Folder,
}

const PARQUET_MAGIC: &[u8; 4] = b"PAR1";
const ZIP_MAGIC: &[u8; 4] = b"PK\x03\x04";
const ZIP_EMPTY_MAGIC: &[u8; 4] = b"PK\x05\x06";

impl Format {
    /// The name used in configuration, JSON and errors.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
            Self::Jsonl => "jsonl",
            Self::Npz => "npz",
            Self::ImageFolder => "image_folder",
            Self::Folder => "folder",
        }
    }

    /// The extension of files this crate writes; `None` for folders.
    pub fn extension(self) -> Option<&'static str> {
        match self {
            Self::Csv | Self::Parquet | Self::Jsonl | Self::Npz => Some(self.as_str()),
            Self::ImageFolder | Self::Folder => None,
        }
    }

    /// Whether a dataset of this format is a folder.
    pub fn is_folder(self) -> bool {
        matches!(self, Self::ImageFolder | Self::Folder)
    }

    /// Tells the format of `path` from its extension and first bytes; a folder is an image folder
    /// when every subfolder holds images and nothing else.
    ///
    /// # Errors
    /// The path does not exist or cannot be read, the extension is unknown, or the first (for
    /// Parquet also the last) bytes contradict it.
    pub fn detect(path: &Path) -> Result<Self> {
        let file = display(path);
        let metadata = std::fs::metadata(path).map_err(|e| DataError::io(&file, "open", e))?;
        if metadata.is_dir() {
            let is_images = crate::images::looks_like_image_folder(path);
            return Ok(if is_images {
                Self::ImageFolder
            } else {
                Self::Folder
            });
        }
        let extension = path
            .extension()
            .map(|e| e.to_string_lossy().to_ascii_lowercase());
        let format = match extension.as_deref() {
            Some("csv") => Self::Csv,
            Some("parquet" | "pq") => Self::Parquet,
            Some("jsonl" | "ndjson") => Self::Jsonl,
            Some("npz") => Self::Npz,
            _ => return Err(DataError::UnknownFormat { file }),
        };
        check_kind(path, &file, format)?;
        check_magic(path, &file, format)?;
        Ok(format)
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Refuses a folder where a file is needed and the reverse, and everything that is neither
/// (reading a pipe or a device could block for ever).
pub(crate) fn check_kind(path: &Path, file: &str, format: Format) -> Result<()> {
    let metadata = std::fs::metadata(path).map_err(|e| DataError::io(file, "open", e))?;
    let fits = if format.is_folder() {
        metadata.is_dir()
    } else {
        metadata.is_file()
    };
    if fits {
        return Ok(());
    }
    let found = if metadata.is_dir() {
        "a folder"
    } else if metadata.is_file() {
        "a file"
    } else {
        "neither a file nor a folder"
    };
    let needed = if format.is_folder() {
        "a folder"
    } else {
        "a file"
    };
    Err(DataError::WrongKind {
        file: file.to_owned(),
        found,
        needed,
        format: format.as_str(),
    })
}

/// Compares the first bytes (and Parquet's last) with what `format` requires.
pub(crate) fn check_magic(path: &Path, file: &str, format: Format) -> Result<()> {
    let mut reader = File::open(path).map_err(|e| DataError::io(file, "open", e))?;
    let mut head = Vec::with_capacity(8);
    reader
        .by_ref()
        .take(8)
        .read_to_end(&mut head)
        .map_err(|e| DataError::io(file, "read", e))?;
    if head.is_empty() {
        return Err(DataError::Empty {
            file: file.to_owned(),
            problem: "the file has no bytes",
        });
    }
    let wrong = |problem: String| DataError::WrongFormat {
        file: file.to_owned(),
        format: format.as_str(),
        problem,
    };
    match format {
        Format::Csv | Format::Jsonl => match looks_binary(&head) {
            Some(what) => Err(wrong(format!("it starts like {what}"))),
            None => Ok(()),
        },
        Format::Npz => {
            if head.starts_with(ZIP_MAGIC) || head.starts_with(ZIP_EMPTY_MAGIC) {
                Ok(())
            } else if head.starts_with(crate::npy::MAGIC) {
                Err(wrong(
                    "it is a single .npy array; save it with numpy.savez".to_owned(),
                ))
            } else {
                Err(wrong("it is not a zip archive".to_owned()))
            }
        }
        Format::Parquet => {
            if !head.starts_with(PARQUET_MAGIC) {
                return Err(wrong("it does not start with PAR1".to_owned()));
            }
            let mut tail = [0; 4];
            reader
                .seek(SeekFrom::End(-4))
                .and_then(|_| reader.read_exact(&mut tail))
                .map_err(|e| DataError::io(file, "read the end of", e))?;
            if &tail == PARQUET_MAGIC {
                Ok(())
            } else {
                Err(DataError::corrupt(
                    file,
                    "the Parquet footer is missing; the file was probably cut short",
                ))
            }
        }
        Format::ImageFolder | Format::Folder => Ok(()),
    }
}

fn looks_binary(head: &[u8]) -> Option<&'static str> {
    if head.starts_with(PARQUET_MAGIC) {
        Some("a Parquet file")
    } else if head.starts_with(ZIP_MAGIC) || head.starts_with(ZIP_EMPTY_MAGIC) {
        Some("a zip archive")
    } else if head.starts_with(&[0x1f, 0x8b]) {
        Some("a gzip file; decompress it first")
    } else if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
        Some("UTF-16 text; save it as UTF-8")
    } else if head.contains(&0) {
        Some("a binary file")
    } else {
        None
    }
}
