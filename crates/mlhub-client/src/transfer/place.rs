//! A folder that files are received into and that nothing leaves.
//!
//! Paths come from a hub and are not trusted: they are parsed as artifact paths
//! and opened component by component from the folder's own descriptor, without
//! following a link. What lies in the way and is not a folder is refused.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use mlhub_core::ArtifactPath;
use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, mkdirat, openat, renameat, statat, unlinkat,
};
use rustix::io::Errno;

use super::local;
use crate::{ClientError, ClientErrorKind, Result};

/// A folder to receive into.
#[derive(Debug)]
pub struct OutFolder {
    path: PathBuf,
    folder: OwnedFd,
}

/// A file being received, beside the place it will have.
#[derive(Debug)]
pub(super) struct Receiving {
    pub(super) file: File,
    folder: OwnedFd,
    temporary: String,
    name: String,
    /// Where it will be, for messages.
    pub(super) place: PathBuf,
}

const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

impl OutFolder {
    /// Opens the folder, made when it is not there. It may itself be reached by
    /// links: the user named it.
    ///
    /// # Errors
    /// [`ClientErrorKind::Local`], naming it.
    pub fn open(path: &Path) -> Result<Self> {
        let fail = |cause: std::io::Error| local(&path.display().to_string(), &cause);
        std::fs::create_dir_all(path).map_err(fail)?;
        let real = path.canonicalize().map_err(fail)?;
        let folder =
            openat(CWD, &real, FOLDER, Mode::empty()).map_err(|cause| fail(cause.into()))?;
        Ok(Self { path: real, folder })
    }

    /// Opens the file that `path` is received into; what an earlier try of the
    /// same content (`mark`) left is kept.
    pub(super) fn receive(&self, path: &str, mark: &str) -> Result<Receiving> {
        let checked: ArtifactPath = path
            .parse()
            .map_err(|error: mlhub_core::Error| refused(path, error.public_message()))?;
        let fail = |cause: Errno| match cause {
            Errno::LOOP | Errno::NOTDIR | Errno::MLINK => refused(
                path,
                "a link or file lies where a folder is needed; nothing is written through it",
            ),
            cause => local(path, &cause.into()),
        };
        let mut folder = self
            .folder
            .try_clone()
            .map_err(|cause| local(path, &cause))?;
        let components: Vec<&str> = checked.as_str().split('/').collect();
        let (name, folders) = components
            .split_last()
            .ok_or_else(|| refused(path, "it is empty"))?;
        for component in folders {
            match mkdirat(&folder, *component, Mode::from_raw_mode(0o755)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(cause) => return Err(fail(cause)),
            }
            folder = openat(&folder, *component, FOLDER, Mode::empty()).map_err(fail)?;
        }
        match statat(&folder, *name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile => {
                return Err(refused(
                    path,
                    "something that is not a plain file has its name",
                ));
            }
            _ => {}
        }
        let temporary = format!(".mlhub-{}", mark);
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = openat(&folder, &temporary, flags, Mode::from_raw_mode(0o644)).map_err(fail)?;
        let file = File::from(file);
        let plain = file.metadata().is_ok_and(|data| data.is_file());
        if !plain {
            return Err(refused(
                path,
                "something that is not a plain file has its name",
            ));
        }
        Ok(Receiving {
            file,
            folder,
            temporary,
            name: (*name).to_owned(),
            place: self.path.join(checked.as_str()),
        })
    }
}

impl Receiving {
    /// Gives the file its name; an older one is replaced.
    pub(super) fn keep(self) -> Result<PathBuf> {
        let fail = |cause: std::io::Error| local(&self.place.display().to_string(), &cause);
        self.file.sync_all().map_err(fail)?;
        renameat(&self.folder, &self.temporary, &self.folder, &self.name)
            .map_err(|cause| fail(cause.into()))?;
        Ok(self.place)
    }

    /// Removes what was received.
    pub(super) fn discard(self) {
        // Left behind it is a hidden file that the next try starts over.
        let _left = unlinkat(&self.folder, &self.temporary, AtFlags::empty());
    }
}

fn refused(path: &str, why: &str) -> ClientError {
    ClientError::new(
        ClientErrorKind::Local,
        "not written",
        format!("the artifact {path:?} is not written: {why}"),
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn nothing_leaves_the_folder() {
        let outer = tempfile::tempdir().expect("a folder");
        let out = outer.path().join("out");
        let folder = OutFolder::open(&out).expect("made");
        std::fs::create_dir(outer.path().join("elsewhere")).expect("made");
        std::fs::write(outer.path().join("canary"), "alive").expect("written");
        symlink("../elsewhere", out.join("link")).expect("linked");
        symlink("../canary", out.join("file")).expect("linked");
        std::fs::write(out.join("plain"), "x").expect("written");
        symlink("../canary", out.join(".mlhub-planted")).expect("linked");
        std::fs::create_dir(out.join("folder")).expect("made");
        for (path, mark) in [
            ("../canary", "m"),
            ("/etc/x", "m"),
            ("a/../../x", "m"),
            ("a\\..\\x", "m"),
            ("", "m"),
            ("link/x", "m"),
            ("file", "m"),
            ("plain/x", "m"),
            ("folder", "m"),
            ("fine", "planted"),
        ] {
            let error = folder.receive(path, mark).expect_err(path);
            assert_eq!(error.kind, ClientErrorKind::Local, "{path}");
        }
        assert_eq!(
            std::fs::read_dir(outer.path().join("elsewhere"))
                .expect("listed")
                .count(),
            0
        );
        assert_eq!(
            std::fs::read_to_string(outer.path().join("canary")).expect("read"),
            "alive"
        );
        let mut fine = folder.receive("a/b/c.txt", "m").expect("fine");
        std::io::Write::write_all(&mut fine.file, b"content").expect("written");
        let place = fine.keep().expect("kept");
        assert_eq!(std::fs::read_to_string(&place).expect("read"), "content");
        assert!(place.ends_with("out/a/b/c.txt"));
        folder.receive("a/b/c.txt", "m").expect("again").discard();
        assert_eq!(
            std::fs::read_dir(out.join("a/b")).expect("listed").count(),
            1
        );
    }
}
