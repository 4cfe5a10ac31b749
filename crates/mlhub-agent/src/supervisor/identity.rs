//! Who a process is: boot, process id and start time together. A process id
//! alone is never trusted, because the kernel gives it to strangers later.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use mlhub_protocol::run_dir::{HubFile, ProcessIdentity, ProgramFile};
use rustix::process::{Pid, Signal};

use super::files::read_json;

/// The name of the file that says where a data directory's hub listens.
const HUB_FILE: &str = "hub.json";

/// A process as the system's table shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProcessRow {
    pub(crate) pid: i32,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    pub(crate) session: i32,
    pub(crate) start_ticks: u64,
    /// Memory in use, pages shared with others included.
    pub(crate) resident_bytes: u64,
    /// Ended, its exit status not yet collected: dead for our purposes.
    pub(crate) zombie: bool,
}

#[cfg(target_os = "linux")]
mod system {
    use super::ProcessRow;

    pub(super) fn boot_id() -> Option<String> {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(text.trim().to_owned())
    }

    pub(super) fn row(pid: i32) -> Option<ProcessRow> {
        // The name in parentheses may hold anything, so fields count from the last `)`.
        let text = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
        let text = String::from_utf8_lossy(&text);
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        Some(ProcessRow {
            pid,
            parent: fields.get(1)?.parse().ok()?,
            group: fields.get(2)?.parse().ok()?,
            session: fields.get(3)?.parse().ok()?,
            start_ticks: fields.get(19)?.parse().ok()?,
            resident_bytes: fields
                .get(21)?
                .parse::<u64>()
                .ok()?
                .saturating_mul(page_bytes()),
            zombie: matches!(*fields.first()?, "Z" | "X" | "x"),
        })
    }

    fn page_bytes() -> u64 {
        rustix::param::page_size() as u64
    }

    /// The process's share of memory: of a page that several use, its part.
    pub(super) fn proportional_bytes(pid: i32) -> Option<u64> {
        const KIB: u64 = 1024;
        let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
        let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kib.saturating_mul(KIB))
    }

    pub(super) fn rows() -> Vec<ProcessRow> {
        let Ok(entries) = std::fs::read_dir("/proc") else {
            return Vec::new();
        };
        entries
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter_map(row)
            .collect()
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use rustix::process::{Pid, getpgid, getsid};
    use sysinfo::{ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System};

    use super::ProcessRow;

    pub(super) fn boot_id() -> Option<String> {
        System::boot_time().ok().map(|time| time.to_string())
    }

    fn convert(process: &sysinfo::Process) -> Option<ProcessRow> {
        let pid = i32::try_from(process.pid().as_u32()).ok()?;
        let id = Pid::from_raw(pid)?;
        Some(ProcessRow {
            pid,
            parent: process
                .parent()
                .and_then(|parent| i32::try_from(parent.as_u32()).ok())
                .unwrap_or_default(),
            group: getpgid(Some(id)).ok()?.as_raw_nonzero().get(),
            session: getsid(Some(id)).ok()?.as_raw_nonzero().get(),
            start_ticks: process.start_time(),
            resident_bytes: process.memory(),
            zombie: process.status() == ProcessStatus::Zombie,
        })
    }

    /// Not told by this system.
    pub(super) fn proportional_bytes(_pid: i32) -> Option<u64> {
        None
    }

    pub(super) fn row(pid: i32) -> Option<ProcessRow> {
        let id = sysinfo::Pid::from_u32(u32::try_from(pid).ok()?);
        let mut system = System::new().ok()?;
        system.refresh_processes_specifics(
            ProcessesToUpdate::Some(&[id]),
            true,
            ProcessRefreshKind::nothing(),
        );
        system.process(id).and_then(convert)
    }

    pub(super) fn rows() -> Vec<ProcessRow> {
        let Ok(mut system) = System::new() else {
            return Vec::new();
        };
        system.refresh_processes_specifics(
            ProcessesToUpdate::All,
            true,
            ProcessRefreshKind::nothing().with_memory(),
        );
        system.processes().values().filter_map(convert).collect()
    }
}

/// The row of a process, ended or not.
#[cfg(test)]
pub(crate) fn row_of(pid: i32) -> Option<ProcessRow> {
    system::row(pid)
}

/// The identity of a living process; `None` when there is no such process.
pub fn process_identity(pid: i32) -> Option<ProcessIdentity> {
    let row = system::row(pid).filter(|row| !row.zombie)?;
    Some(ProcessIdentity {
        pid,
        start_ticks: row.start_ticks,
        boot_id: system::boot_id()?,
    })
}

/// The identity of a child nobody waited for yet, ended or not: its row stays
/// until it is waited for.
pub(crate) fn child_identity(pid: i32) -> Option<ProcessIdentity> {
    Some(ProcessIdentity {
        pid,
        start_ticks: system::row(pid)?.start_ticks,
        boot_id: system::boot_id()?,
    })
}

/// The identity of this very process.
pub fn own_identity() -> ProcessIdentity {
    let pid = rustix::process::getpid().as_raw_nonzero().get();
    process_identity(pid).unwrap_or_else(|| ProcessIdentity {
        pid,
        start_ticks: 0,
        boot_id: system::boot_id().unwrap_or_default(),
    })
}

/// Whether any process of this number runs here.
pub(crate) fn is_taken(pid: i32) -> bool {
    system::row(pid).is_some_and(|row| !row.zombie)
}

/// Whether exactly this process still runs.
pub fn is_alive(identity: &ProcessIdentity) -> bool {
    process_identity(identity.pid).as_ref() == Some(identity)
}

/// Whether the machine was started again since the identity was taken.
pub(crate) fn is_of_earlier_boot(identity: &ProcessIdentity) -> bool {
    system::boot_id().is_some_and(|boot| boot != identity.boot_id)
}

/// The living members of the process group that `leader` led.
///
/// `session` is the session the group was made in. A stranger who got the
/// leader's number later has another session or an earlier start, so an empty
/// answer means that nothing of ours is left.
pub(crate) fn group_members(leader: &ProcessIdentity, session: i32) -> Vec<ProcessRow> {
    if is_of_earlier_boot(leader) {
        return Vec::new();
    }
    system::rows()
        .into_iter()
        .filter(|row| {
            !row.zombie
                && row.group == leader.pid
                && row.session == session
                && row.start_ticks >= leader.start_ticks
        })
        .collect()
}

/// The living processes of a program: its group, and all that descend from it or
/// from its shim, to which the system gives orphans. Agents and forwarders that the
/// program started are left out with all below them: they are nobody's leftovers.
pub(crate) fn program_processes(program: &ProgramFile, session: i32) -> Vec<ProcessRow> {
    if is_of_earlier_boot(&program.program) {
        return Vec::new();
    }
    let rows = system::rows();
    let mut below: HashMap<i32, Vec<&ProcessRow>> = HashMap::new();
    for row in &rows {
        below.entry(row.parent).or_default().push(row);
    }
    let leader = &program.program;
    let mut open: Vec<&ProcessRow> = Vec::new();
    for row in &rows {
        let member = row.group == leader.pid
            && row.session == session
            && row.start_ticks >= leader.start_ticks;
        let is_shim = row.pid == program.shim.pid && row.start_ticks == program.shim.start_ticks;
        if member {
            open.push(row);
        }
        if is_shim {
            open.extend(below.get(&row.pid).into_iter().flatten());
        }
    }
    let mut found: BTreeMap<i32, ProcessRow> = BTreeMap::new();
    while let Some(row) = open.pop() {
        let is_ours = row.group == leader.pid;
        if found.contains_key(&row.pid) || (!is_ours && is_own_program(row.pid)) {
            continue;
        }
        found.insert(row.pid, *row);
        open.extend(below.get(&row.pid).into_iter().flatten());
    }
    found.into_values().filter(|row| !row.zombie).collect()
}

/// The children of this very process, ended or not.
pub(crate) fn own_children() -> Vec<ProcessRow> {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let mut rows = system::rows();
    rows.retain(|row| row.parent == own);
    rows
}

/// Whether a process runs the program that this process runs.
pub(crate) fn is_own_program(pid: i32) -> bool {
    let program = |pid: &str| std::fs::read_link(format!("/proc/{pid}/exe")).ok();
    let name = |path: &Path| path.file_name().map(ToOwned::to_owned);
    match (program(&pid.to_string()), program("self")) {
        (Some(one), Some(other)) => name(&one) == name(&other),
        _ => false,
    }
}

/// The memory of processes in bytes, shared pages counted once where the system tells.
pub(crate) fn shared_once_bytes(rows: &[ProcessRow]) -> u64 {
    rows.iter()
        .map(|row| system::proportional_bytes(row.pid).unwrap_or(row.resident_bytes))
        .sum()
}

/// The session a program's group was made in: its own while it lives, else its
/// shim's, else the one a shim makes for itself.
pub(crate) fn session_of(program: &ProgramFile) -> i32 {
    [&program.program, &program.shim]
        .into_iter()
        .find_map(|identity| {
            let row = system::row(identity.pid)?;
            let same = row.start_ticks == identity.start_ticks && !is_of_earlier_boot(identity);
            same.then_some(row.session)
        })
        .unwrap_or(program.shim.pid)
}

/// Signals the group that `leader` led, if a member of it is left. While one
/// is, the kernel gives its number to nobody else. Returns whether it did.
pub(crate) fn signal_group(leader: &ProcessIdentity, session: i32, signal: Signal) -> bool {
    if group_members(leader, session).is_empty() {
        return false;
    }
    Pid::from_raw(leader.pid)
        .is_some_and(|pid| rustix::process::kill_process_group(pid, signal).is_ok())
}

/// Finds the living hub of a data directory; `None` when there is none, or
/// when the file is left from one that died.
pub fn discover_hub(data_dir: &Path) -> Option<HubFile> {
    let hub: HubFile = read_json(&data_dir.join(HUB_FILE)).ok()??;
    is_alive(&hub.process).then_some(hub)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_a_reused_number_is_not() {
        let mut own = own_identity();
        assert!(is_alive(&own));
        own.start_ticks += 1;
        assert!(!is_alive(&own));
        let mut other_boot = own_identity();
        other_boot.boot_id.push('x');
        assert!(!is_alive(&other_boot));
        assert!(is_of_earlier_boot(&other_boot));
        assert!(group_members(&other_boot, 0).is_empty());
    }

    #[test]
    fn an_ended_child_that_nobody_collected_counts_as_dead() {
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .expect("cat starts");
        let identity = process_identity(i32::try_from(child.id()).expect("small")).expect("alive");
        drop(child.stdin.take());
        while is_alive(&identity) {
            std::thread::yield_now();
        }
        assert!(child.wait().expect("collected").success());
        assert!(!is_alive(&identity));
    }

    #[test]
    fn a_hub_file_of_a_dead_hub_is_no_hub() {
        let folder = tempfile::tempdir().expect("temporary folder");
        assert!(discover_hub(folder.path()).is_none());
        let mut hub = HubFile {
            version: 1,
            url: "http://127.0.0.1:1".to_owned(),
            process: own_identity(),
            token: None,
            yields: false,
        };
        let path = folder.path().join(HUB_FILE);
        super::super::files::write_json(&path, &hub, 0o644).expect("write");
        assert_eq!(discover_hub(folder.path()).as_ref(), Some(&hub));
        hub.process.start_ticks += 1;
        super::super::files::write_json(&path, &hub, 0o644).expect("write");
        assert!(discover_hub(folder.path()).is_none());
    }
}
