//! Files on this machine that belong to a store, and no others.
//!
//! A store names places of artifacts in texts that anybody may have written. What is read lies
//! below the store's own folder or below a root that the caller named; links are not followed.

use std::fs::{self, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Component, Path, PathBuf};

use super::records::{File, Owner, Problems, Read, damaged};

/// Folders in folders.
const DEPTH_MAX: usize = 64;
/// Files of one run or model.
const FILES_MAX: usize = 1_000_000;

/// The folders that may be read.
#[derive(Debug)]
pub(super) struct Roots(Vec<PathBuf>);

impl Roots {
    /// The store's folder and what the caller allows.
    pub(super) fn new(store: &Path, more: &[PathBuf]) -> anyhow::Result<Self> {
        let mut roots = Vec::new();
        for root in std::iter::once(store).chain(more.iter().map(PathBuf::as_path)) {
            let real = fs::canonicalize(root).map_err(|error| {
                let told = format!("the folder `{}` cannot be read: {error}", root.display());
                crate::exit::fail(crate::exit::REFUSED, told)
            })?;
            roots.push(real);
        }
        Ok(Self(roots))
    }

    /// The folder of artifacts; nothing when there is none. `own` is where the store would
    /// have it by itself.
    pub(super) fn folder(&self, owner: Owner<'_>, own: Option<&Path>) -> Read<Option<PathBuf>> {
        let uri = owner.uri();
        let mut candidates: Vec<PathBuf> = own.map(Path::to_owned).into_iter().collect();
        let mut outside = None;
        match location(uri) {
            Location::Local(path) => {
                // A relative path is one of the folder in which the store was made.
                let near = self.0.iter().filter(|_| path.is_relative());
                candidates.extend(near.map(|root| root.join(&path)));
                candidates.extend(path.is_absolute().then(|| path.clone()));
                // The store may have been moved here, its texts naming the old place.
                if let Some(tail) = tail(&path) {
                    candidates.extend(self.below(&tail));
                }
                outside = Some(path);
            }
            Location::Served(path) => candidates.extend(self.below(&path)),
            Location::Elsewhere => {
                return damaged(format!(
                    "{}: its artifacts are at `{}`, which is not read from here; import from the \
                     running MLflow server, or leave artifacts out with --no-artifacts",
                    owner.told(),
                    shown(uri)
                ));
            }
        }
        for candidate in candidates {
            let Ok(real) = fs::canonicalize(&candidate) else {
                continue;
            };
            if !real.is_dir() {
                continue;
            }
            if self.0.iter().any(|root| real.starts_with(root)) {
                return Ok(Some(real));
            }
            outside = Some(candidate);
        }
        match outside.filter(|path| path.exists()) {
            None => Ok(None),
            Some(path) => damaged(format!(
                "{}: its artifacts are at `{}`, outside of the store; allow that with \
                 --artifacts-root {}",
                owner.told(),
                path.display(),
                path.parent().unwrap_or(&path).display()
            )),
        }
    }

    fn below(&self, path: &Path) -> Vec<PathBuf> {
        let places = ["", "mlartifacts", "mlruns"];
        let of = |root: &PathBuf| places.map(|place| root.join(place).join(path));
        self.0.iter().flat_map(of).collect()
    }
}

/// What an artifact URI names.
#[derive(Debug, PartialEq, Eq)]
enum Location {
    /// A path of this machine.
    Local(PathBuf),
    /// A path below the folder of a server's artifacts.
    Served(PathBuf),
    /// Something that is not read from here.
    Elsewhere,
}

fn location(uri: &str) -> Location {
    let path_of = |text: &str| {
        let path = PathBuf::from(text);
        let climbs = path.components().any(|part| part == Component::ParentDir);
        (!climbs && !text.contains('\0')).then_some(path)
    };
    let found = match uri.split_once(':') {
        Some(("file", rest)) => {
            let path = match rest.strip_prefix("//") {
                Some(rest) => rest.strip_prefix("localhost").unwrap_or(rest),
                None => rest,
            };
            path_of(&decoded(path)).map(Location::Local)
        }
        Some(("mlflow-artifacts", rest)) => {
            let path = match rest.strip_prefix("//") {
                Some(rest) => rest.split_once('/').map_or("", |(_host, path)| path),
                None => rest,
            };
            path_of(&decoded(path.trim_start_matches('/'))).map(Location::Served)
        }
        Some((scheme, rest)) if scheme.len() > 1 && rest.starts_with('/') => None,
        _ => path_of(uri).map(Location::Local),
    };
    found.unwrap_or(Location::Elsewhere)
}

/// The end of a path that a moved store has too: `EXPERIMENT/RUN/artifacts` or
/// `EXPERIMENT/models/MODEL/artifacts`.
fn tail(path: &Path) -> Option<PathBuf> {
    let parts: Vec<_> = path.iter().collect();
    let of_model = parts.len() >= 4 && parts[parts.len() - 3] == "models";
    let start = parts.len().checked_sub(if of_model { 4 } else { 3 })?;
    (parts.last()? == &"artifacts").then(|| parts[start..].iter().collect())
}

/// A URI without its `%XX`.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digit = |at: usize| char::from(*after.get(at)?).to_digit(16);
        match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = &after[2..];
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A text of the store as messages repeat it.
pub(super) fn shown(text: &str) -> String {
    let plain = text.chars().take(300);
    plain
        .map(|one| if one.is_control() { ' ' } else { one })
        .collect()
}

/// The entries of a folder by name; links are told and left out.
pub(super) fn entries(folder: &Path, problems: &Problems) -> Read<Vec<(String, bool)>> {
    let listed = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let listed = match listed {
        Ok(listed) => listed,
        Err(error) => return damaged(format!("`{}`: {error}", folder.display())),
    };
    let mut found = Vec::new();
    for entry in listed {
        let name = entry.file_name().into_string();
        let kind = entry.file_type();
        match (name, kind) {
            (Ok(name), Ok(kind)) if kind.is_dir() || kind.is_file() => {
                found.push((name, kind.is_dir()));
            }
            (Ok(_), Ok(kind)) if kind.is_symlink() => problems.add(format!(
                "`{}`: a link, which is not followed",
                entry.path().display()
            )),
            _ => problems.add(format!(
                "`{}`: no file or folder with a name in UTF-8",
                entry.path().display()
            )),
        }
    }
    found.sort();
    Ok(found)
}

/// All files below a folder, with `/` between names.
pub(super) fn files(folder: &Path, problems: &Problems) -> Read<Vec<File>> {
    let mut found = Vec::new();
    let mut open = vec![(String::new(), 0)];
    while let Some((prefix, depth)) = open.pop() {
        let at = folder.join(&prefix);
        for (name, is_folder) in entries(&at, problems)? {
            let path = match prefix.as_str() {
                "" => name.clone(),
                prefix => format!("{prefix}/{name}"),
            };
            if is_folder && depth >= DEPTH_MAX {
                problems.add(format!("`{}`: folders nest too deep", at.display()));
            } else if is_folder {
                open.push((path, depth + 1));
            } else if found.len() >= FILES_MAX {
                return damaged(format!("`{}`: too many files", folder.display()));
            } else {
                let size = fs::symlink_metadata(at.join(&name)).map_or(0, |meta| meta.len());
                found.push(File { path, size });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// Opens a file that is no link.
pub(super) fn open(path: &Path) -> Read<fs::File> {
    let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits();
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags as i32);
    let file = options
        .open(path)
        .or_else(|error| damaged(format!("`{}`: {error}", path.display())))?;
    match file.metadata() {
        Ok(meta) if meta.is_file() => Ok(file),
        _ => damaged(format!("`{}`: no file", path.display())),
    }
}

/// The text of a small file that is no link.
pub(super) fn text(path: &Path, max_bytes: u64) -> Read<String> {
    let mut bytes = Vec::new();
    let read = open(path)?.take(max_bytes + 1).read_to_end(&mut bytes);
    if let Err(error) = read {
        return damaged(format!("`{}`: {error}", path.display()));
    }
    if bytes.len() as u64 > max_bytes {
        return damaged(format!(
            "`{}`: larger than {max_bytes} bytes",
            path.display()
        ));
    }
    String::from_utf8(bytes).or_else(|_| damaged(format!("`{}`: no UTF-8", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mlflow::records::{Run, Trouble};

    fn run(uri: &str) -> Run {
        Run {
            id: "abcd".to_owned(),
            experiment: "1".to_owned(),
            name: None,
            user: None,
            status: "FINISHED".to_owned(),
            started: None,
            ended: None,
            deleted: false,
            artifact_uri: uri.to_owned(),
            metrics: Vec::new(),
            params: Default::default(),
            tags: Default::default(),
            inputs: Vec::new(),
            models_read: Default::default(),
            models_made: Default::default(),
        }
    }

    #[test]
    fn uris_name_places() {
        let local = |path: &str| Location::Local(PathBuf::from(path));
        assert_eq!(location("file:///a/b%20c"), local("/a/b c"));
        assert_eq!(location("/a/b"), local("/a/b"));
        assert_eq!(location("./mlruns/1"), local("./mlruns/1"));
        let served = Location::Served(PathBuf::from("1/r/artifacts"));
        assert_eq!(location("mlflow-artifacts:/1/r/artifacts"), served);
        assert_eq!(location("mlflow-artifacts://h:1/1/r/artifacts"), served);
        for uri in [
            "s3://b/x",
            "file:///a/../b",
            "../x",
            "mlflow-artifacts:/..%2Fx",
        ] {
            assert_eq!(location(uri), Location::Elsewhere, "{uri}");
        }
    }

    #[test]
    fn nothing_outside_of_the_roots_is_found() {
        let all = tempfile::tempdir().expect("a folder");
        let at = |path: &str| all.path().join(path);
        for folder in ["store/1/abcd/artifacts", "outside/x", "store/2"] {
            fs::create_dir_all(at(folder)).expect("made");
        }
        std::os::unix::fs::symlink(at("outside"), at("store/link")).expect("linked");
        let strict = Roots::new(&at("store"), &[]).expect("roots");
        let wide = Roots::new(&at("store"), &[at("outside")]).expect("roots");
        let find = |roots: &Roots, uri: &str| roots.folder(Owner::Run(&run(uri)), None);
        let inside = at("store/1/abcd/artifacts");
        for uri in [
            inside.to_str().expect("UTF-8"),
            "/moved/away/mlruns/1/abcd/artifacts",
            "mlflow-artifacts:/1/abcd/artifacts",
            "1/abcd/artifacts",
        ] {
            let found = find(&strict, uri).expect("read").expect("found");
            assert_eq!(found, fs::canonicalize(&inside).expect("real"), "{uri}");
        }
        let outside = format!("file://{}", at("outside/x").display());
        for uri in [
            outside.as_str(),
            at("store/link/x").to_str().expect("UTF-8"),
        ] {
            let Err(Trouble::Damaged(told)) = find(&strict, uri) else {
                panic!("{uri} was read");
            };
            assert!(told.contains("--artifacts-root"), "{told}");
            assert!(find(&wide, uri).expect("read").is_some(), "{uri}");
        }
        assert!(find(&strict, "/nowhere/at/all").expect("read").is_none());
        assert!(find(&strict, "s3://bucket/x").is_err());
    }

    #[test]
    fn links_are_told_and_not_followed() {
        let all = tempfile::tempdir().expect("a folder");
        fs::create_dir(all.path().join("a")).expect("made");
        fs::write(all.path().join("a/ü x.txt"), "12").expect("written");
        std::os::unix::fs::symlink("/etc/hostname", all.path().join("a/host")).expect("linked");
        std::os::unix::fs::symlink("/", all.path().join("root")).expect("linked");
        let problems = Problems::default();
        let found = files(all.path(), &problems).expect("read");
        let path = "a/ü x.txt".to_owned();
        assert_eq!(found, [File { path, size: 2 }]);
        assert_eq!(problems.count(), 2);
        assert!(open(&all.path().join("a/host")).is_err());
        assert!(open(&all.path().join("a")).is_err());
        assert!(text(&all.path().join("a/ü x.txt"), 1).is_err());
    }
}
