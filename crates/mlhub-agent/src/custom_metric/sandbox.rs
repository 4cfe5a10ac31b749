//! The parent of a program that computes a metric: takes network and resources away from
//! itself, starts the program, ends with it, and tells what could be enforced.
//!
//! The program runs as the same user and can read what that user can. It measures no time
//! and no memory of the group: [`super::compute`] does.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use mlhub_core::limits;
use rustix::process::{Resource, getrlimit};
use rustix::thread::UnshareFlags;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
use serde::{Deserialize, Serialize};

use crate::export::confine::run_child;
use crate::supervisor::lower;

/// Bytes of the report that are read.
const REPORT_MAX_BYTES: u64 = 64 * 1024;

/// What the kernel enforced on a program, and what not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enforced {
    /// Whether sockets are refused or lead nowhere.
    pub network: bool,
    /// Whether all limits of resources hold.
    pub resources: bool,
    /// What could not be enforced, and why.
    pub missing: Vec<String>,
}

impl Enforced {
    /// In words, for whoever reads the value.
    #[must_use]
    pub fn told(&self) -> String {
        let network = match self.network {
            true => "without network",
            false => "with network",
        };
        match self.missing.as_slice() {
            [] => format!("computed twice in a sandbox {network}"),
            missing => format!(
                "computed twice in a sandbox {network}; not enforced: {}",
                missing.join(", ")
            ),
        }
    }
}

/// The `sandboxed` subcommand: runs `argv`, returns its exit code, or the number of the
/// signal that ended it plus 128, and leaves an [`Enforced`] at `report`.
pub fn sandboxed_main(report: &Path, argv: &[OsString]) -> i32 {
    let enforced = enforce();
    let code = run_child(argv);
    // The program may have put something else there.
    drop(fs::remove_file(report));
    let written = serde_json::to_vec(&enforced)
        .map_err(std::io::Error::other)
        .and_then(|text| {
            let mut open = fs::OpenOptions::new();
            open.write(true).create_new(true);
            open.open(report)?.write_all(&text)
        });
    if let Err(error) = written {
        // Nothing is left to do when even standard error is closed.
        let _ = writeln!(std::io::stderr(), "what was enforced is not told: {error}");
    }
    code
}

/// What a sandbox told; nothing is enforced where it told nothing.
pub(super) fn read(report: &Path) -> Enforced {
    use std::io::Read as _;
    let plain = fs::symlink_metadata(report).is_ok_and(|data| data.is_file());
    let read = || {
        let mut text = Vec::new();
        let open = fs::File::open(report).ok().filter(|_| plain)?;
        open.take(REPORT_MAX_BYTES).read_to_end(&mut text).ok()?;
        serde_json::from_slice(&text).ok()
    };
    read().unwrap_or_else(|| Enforced {
        missing: vec!["it is not known what was enforced".to_owned()],
        ..Enforced::default()
    })
}

/// Takes from this process, and from all it starts, what a metric does not need.
fn enforce() -> Enforced {
    let mut missing = Vec::new();
    let bounds = [
        ("core dumps", Resource::Core, 0),
        (
            "processor time",
            Resource::Cpu,
            limits::CUSTOM_METRIC_CPU_SECONDS_MAX,
        ),
        (
            "addresses",
            Resource::As,
            limits::CUSTOM_METRIC_ADDRESS_MAX_BYTES,
        ),
        (
            "bytes of a file",
            Resource::Fsize,
            limits::CUSTOM_METRIC_FILES_MAX_BYTES,
        ),
        (
            "open files",
            Resource::Nofile,
            limits::CUSTOM_METRIC_OPEN_FILES_MAX,
        ),
    ];
    for (what, resource, most) in bounds {
        lower(resource, most);
        if getrlimit(resource).maximum.is_none_or(|now| now > most) {
            missing.push(format!("a limit of {what}"));
        }
    }
    let resources = missing.is_empty();
    let namespace = own_network();
    let calls = no_sockets();
    let network = calls.is_ok() || namespace.is_ok();
    if !network {
        let why = [namespace, calls].into_iter().filter_map(Result::err);
        missing.push(format!(
            "no network ({})",
            why.collect::<Vec<_>>().join("; ")
        ));
    }
    Enforced {
        network,
        resources,
        missing,
    }
}

/// A network namespace with nothing in it.
fn own_network() -> Result<(), String> {
    #[expect(
        deprecated,
        reason = "only unsharing the table of files, which is not done here, is unsafe"
    )]
    let unshared = rustix::thread::unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNET);
    unshared.map_err(|error| format!("no namespace: {error}"))
}

/// Refuses the system calls that make sockets, those of this machine too, which a namespace
/// does not keep away.
fn no_sockets() -> Result<(), String> {
    let failed = |error: String| format!("no filter of system calls: {error}");
    let calls = [libc::SYS_socket, libc::SYS_io_uring_setup];
    let filter = SeccompFilter::new(
        calls
            .map(|call| (call, Vec::new()))
            .into_iter()
            .collect::<BTreeMap<_, _>>(),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::EPERM.cast_unsigned()),
        std::env::consts::ARCH
            .try_into()
            .map_err(|_| failed("an unknown machine".to_owned()))?,
    );
    let program: BpfProgram = filter
        .and_then(TryInto::try_into)
        .map_err(|error| failed(error.to_string()))?;
    seccompiler::apply_filter(&program).map_err(|error| failed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_enforced_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let report = folder.path().join("sandbox.json");
        let unknown = read(&report);
        assert!(!unknown.network && !unknown.resources);
        assert!(
            unknown
                .told()
                .contains("with network; not enforced: it is not known")
        );
        let all = Enforced {
            network: true,
            resources: true,
            missing: Vec::new(),
        };
        let text = serde_json::to_string(&all).expect("written");
        std::fs::write(&report, text).expect("written");
        assert_eq!(read(&report), all);
        assert_eq!(all.told(), "computed twice in a sandbox without network");
    }
}
