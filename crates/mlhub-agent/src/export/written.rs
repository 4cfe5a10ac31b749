//! What an export left, held to the protocol: files below `artifacts/` that events
//! name, and a report whose numbers agree with each other.
//!
//! Whether the exported model really answers as the original is the adapter's to
//! compare; here its report is read.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use mlhub_core::ArtifactPath;
use mlhub_protocol::event::EventLine;
use mlhub_protocol::export::{EXPORT_KIND, EXPORT_REPORT, EXPORT_REPORT_VERSION, ExportReport};
use mlhub_protocol::run_dir::names;
use walkdir::WalkDir;

use super::ExportLimits;

/// Bytes in a report.
const REPORT_MAX_BYTES: u64 = 64 * 1024;

/// An exported model.
#[derive(Debug, Clone, PartialEq)]
pub struct Exported {
    /// How it compares with the original.
    pub report: ExportReport,
    /// Its files by path, the report last.
    pub files: Vec<ExportedFile>,
}

/// A file of an exported model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedFile {
    /// Its path below the artifacts.
    pub path: ArtifactPath,
    /// Where it is.
    pub place: PathBuf,
    /// Its size.
    pub size_bytes: u64,
}

/// Reads what `events` name in `dir`; an error says which rule is broken.
pub(crate) fn read(
    dir: &Path,
    format: &str,
    events: &[EventLine],
    limits: ExportLimits,
) -> Result<Exported, String> {
    let root = fs::canonicalize(dir)
        .map_err(|error| format!("its directory cannot be read: {error}"))?
        .join(names::ARTIFACTS);
    let mut files = BTreeMap::new();
    for told in events.iter().filter_map(|event| event.artifact.as_ref()) {
        let path = &told.path;
        if told.kind.as_deref() != Some(EXPORT_KIND) {
            return Err(format!(
                "an event names `{path}` as another kind than `{EXPORT_KIND}`"
            ));
        }
        for file in files_at(&root, path)? {
            files.insert(file.path.clone(), file);
        }
        if files.len() > limits.files {
            return Err(format!("it names more than {} files", limits.files));
        }
    }
    let bytes: u64 = files.values().map(|file| file.size_bytes).sum();
    if bytes > limits.files_bytes {
        let most = limits.files_bytes;
        return Err(format!(
            "its files have {bytes} bytes; {most} may be exported"
        ));
    }
    let mut files: Vec<ExportedFile> = files.into_values().collect();
    let at = files
        .iter()
        .position(|file| file.path.as_str() == EXPORT_REPORT)
        .ok_or_else(|| format!("no event names `artifacts/{EXPORT_REPORT}`"))?;
    let told = files.remove(at);
    let report = report(&told.place, format)?;
    if files.iter().all(|file| file.size_bytes == 0) {
        return Err(format!("no event names a file beside `{EXPORT_REPORT}`"));
    }
    files.push(told);
    Ok(Exported { report, files })
}

/// The file that an event names, or those of a folder. Links lead out of what is known
/// and are refused.
fn files_at(root: &Path, path: &str) -> Result<Vec<ExportedFile>, String> {
    let wrong = |why: String| format!("an event names `{path}`, {why}");
    let checked: ArtifactPath = path
        .parse()
        .map_err(|error: mlhub_core::Error| wrong(error.public_message().to_owned()))?;
    let below = checked
        .as_str()
        .strip_prefix("artifacts/")
        .ok_or_else(|| wrong("which is not below `artifacts/`".to_owned()))?;
    let place = root.join(below);
    let real = fs::canonicalize(&place).map_err(|_| wrong("where there is no file".to_owned()))?;
    if real != place {
        return Err(wrong("which is a link or lies behind one".to_owned()));
    }
    let mut files = Vec::new();
    for entry in WalkDir::new(&place).sort_by_file_name() {
        let entry = entry.map_err(|error| wrong(format!("which cannot be read: {error}")))?;
        let kind = entry.file_type();
        if kind.is_dir() {
            continue;
        }
        if !kind.is_file() {
            return Err(wrong("where something is no plain file".to_owned()));
        }
        let name = entry.path().strip_prefix(root).ok().and_then(Path::to_str);
        let path = name.and_then(|name| name.parse().ok());
        files.push(ExportedFile {
            path: path
                .ok_or_else(|| wrong("where a file has a name that is refused".to_owned()))?,
            size_bytes: entry.metadata().map_or(0, |data| data.len()),
            place: entry.into_path(),
        });
    }
    Ok(files)
}

fn report(place: &Path, format: &str) -> Result<ExportReport, String> {
    let wrong = |why: &str| format!("`{EXPORT_REPORT}`: {why}");
    let mut text = String::new();
    fs::File::open(place)
        .and_then(|file| file.take(REPORT_MAX_BYTES).read_to_string(&mut text))
        .map_err(|error| wrong(&error.to_string()))?;
    let report: ExportReport =
        serde_json::from_str(&text).map_err(|error| wrong(&format!("{error}")))?;
    if report.version != EXPORT_REPORT_VERSION {
        return Err(wrong(&format!(
            "version {} is not known; {EXPORT_REPORT_VERSION} is",
            report.version
        )));
    }
    if report.format != format {
        return Err(wrong("it is of another format than was asked for"));
    }
    if report.compared_rows == 0 {
        return Err(wrong("no row was compared"));
    }
    if report.max_abs_difference < 0.0 || report.tolerance < 0.0 {
        return Err(wrong("a difference is less than 0"));
    }
    if report.max_abs_difference > report.tolerance {
        return Err(wrong(&format!(
            "the difference {:e} is beyond the tolerance {:e}, which must end with exit code 1",
            report.max_abs_difference, report.tolerance
        )));
    }
    Ok(report)
}
