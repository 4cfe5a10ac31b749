//! Image folders: one subfolder per class, PNG and JPEG files in it, told by their first bytes.
//! Images are never decoded.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::{DataError, Result, display};
use crate::files::{FileEntry, Found, IGNORED_NAMES, Meter, hash_file, walk};
use crate::limits::{EXAMPLES_MAX, ROWS_MAX};
use crate::row_hashes::RowHashes;
use crate::rows::{Cell, ColumnHead, RowHasher};
use crate::stats::{Accumulator, Column};

/// Name of the one column of an image folder.
pub(crate) const CLASS_COLUMN: &str = "class";

const PNG_MAGIC: &[u8] = b"\x89PNG\r\n\x1a\n";
const JPEG_MAGIC: &[u8] = b"\xff\xd8\xff";

fn expected_magic(name: &str) -> Option<&'static [u8]> {
    let extension = name.rsplit_once('.')?.1.to_ascii_lowercase();
    match extension.as_str() {
        "png" => Some(PNG_MAGIC),
        "jpg" | "jpeg" => Some(JPEG_MAGIC),
        _ => None,
    }
}

/// The class of a file: the first folder of its relative path; `None` for files at the root,
/// which belong to the dataset (a licence, a readme) but are not rows.
pub(crate) fn class(relative: &str) -> Option<&str> {
    relative.split_once('/').map(|(class, _)| class)
}

/// Whether a folder has subfolders and every file seen in them is named like an image. A look at
/// the first few names only; validation looks at all.
pub(crate) fn looks_like_image_folder(root: &Path) -> bool {
    const LOOK_AT_MAX: usize = 16;
    let subfolders: Vec<_> = std::fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .take(LOOK_AT_MAX)
        .collect();
    let mut names = subfolders
        .iter()
        .flat_map(|folder| {
            std::fs::read_dir(folder.path())
                .into_iter()
                .flatten()
                .flatten()
                .take(LOOK_AT_MAX)
        })
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| !IGNORED_NAMES.contains(&name.as_str()))
        .peekable();
    names.peek().is_some() && names.all(|name| expected_magic(&name).is_some())
}

/// The images of a folder in order of path; a row's number is its position here.
pub(crate) fn list(root: &Path) -> Result<Vec<Found>> {
    let mut found = walk(root)?;
    found.retain(|file| class(&file.relative).is_some());
    if found.is_empty() {
        return Err(DataError::Empty {
            file: display(root),
            problem: "no class folder holds an image",
        });
    }
    if found.len() as u64 > ROWS_MAX {
        return Err(DataError::limit(&display(root), "rows", ROWS_MAX));
    }
    Ok(found)
}

/// Validates and hashes a walked image folder. A row's hash is of the image's bytes alone: the
/// same picture under two classes is the same row to the leakage guard.
pub(crate) fn scan(
    root: &Path,
    found: &[Found],
    meter: &mut Meter<'_>,
) -> Result<(Vec<FileEntry>, Column, RowHashes)> {
    let mut wrong: Vec<&str> = Vec::new();
    let mut files = Vec::with_capacity(found.len());
    let mut hashes = RowHashes::default();
    let hasher = RowHasher::new();
    let head = ColumnHead {
        name: CLASS_COLUMN.to_owned(),
        dtype: Some("string".to_owned()),
    };
    let mut classes = Accumulator::new(head, false, 1);
    for file in found {
        let entry = hash_file(&file.path, file.relative.clone(), meter)?;
        if let Some(class) = class(&file.relative) {
            if !is_image(&file.path)? {
                wrong.push(&file.relative);
            }
            hashes.push(hasher.bytes(entry.hash.as_bytes()));
            classes.add(&Cell::Text(class));
        }
        files.push(entry);
    }
    if !wrong.is_empty() {
        let named = wrong
            .iter()
            .take(EXAMPLES_MAX)
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", ");
        let problem = format!(
            "{} file(s) in class folders are not PNG or JPEG images (by name and first bytes), first {named}; remove or convert them",
            wrong.len()
        );
        return Err(DataError::refused(&display(root), problem));
    }
    if hashes.is_empty() {
        return Err(DataError::Empty {
            file: display(root),
            problem: "no class folder holds an image",
        });
    }
    Ok((files, classes.finish(), hashes))
}

fn is_image(path: &Path) -> Result<bool> {
    let Some(magic) = expected_magic(&path.to_string_lossy()) else {
        return Ok(false);
    };
    let name = display(path);
    let mut head = Vec::new();
    File::open(path)
        .and_then(|file| file.take(magic.len() as u64).read_to_end(&mut head))
        .map_err(|e| DataError::io(&name, "read", e))?;
    Ok(head == magic)
}
