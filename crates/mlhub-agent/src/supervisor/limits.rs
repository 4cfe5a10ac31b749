//! The limits on what a program and all it starts may take: how much there is of each
//! now, and which is passed.
//!
//! It only measures. The minder stops what passes a limit; what one process may have
//! (open files, core dumps) the shim asks of the kernel. Nothing here guards against
//! a program that means harm to its own user: see docs/security.md.

use std::path::Path;
use std::time::{Duration, Instant};

use mlhub_protocol::run_dir::{Limits, ProgramFile, names};

use super::classify::cause;
use super::identity::{program_processes, session_of, shared_once_bytes};

/// Processes a program may have at a time where the experiment says nothing.
pub(crate) const DEFAULT_PROCESSES: u64 = 4096;
/// Bytes of output a program may write where the experiment says nothing.
pub(crate) const DEFAULT_OUTPUT_BYTES: u64 = 16 << 30;
/// Files that one process may have open where the experiment says nothing.
pub(crate) const DEFAULT_OPEN_FILES: u64 = 65_536;
/// Time between two looks: a look reads the whole table of processes.
const WATCH_INTERVAL: Duration = Duration::from_millis(250);
/// So many times its limit, and a program gets no time of grace.
const NO_GRACE_FACTOR: u64 = 2;

/// A limit that is passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Excess {
    /// One of [`cause`].
    pub(crate) cause: &'static str,
    pub(crate) measured: u64,
    limit: u64,
}

impl Excess {
    /// Whether waiting any longer would do harm.
    pub(crate) fn is_far(&self) -> bool {
        self.measured > self.limit.saturating_mul(NO_GRACE_FACTOR)
    }
}

/// Looks at a program now and then.
#[derive(Debug)]
pub(crate) struct Watch {
    limits: Limits,
    looked_at: Option<Instant>,
    /// Whether the last look found too much memory.
    memory_passed: bool,
}

impl Watch {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            looked_at: None,
            memory_passed: false,
        }
    }

    /// The first limit that is passed, when it is time to look.
    pub(crate) fn look(&mut self, dir: &Path, program: &ProgramFile) -> Option<Excess> {
        let due = self
            .looked_at
            .is_none_or(|at| at.elapsed() >= WATCH_INTERVAL);
        if !due {
            return None;
        }
        self.looked_at = Some(Instant::now());
        let excess = self.output(dir).or_else(|| self.processes(program));
        self.settled(excess)
    }

    /// Processes are read one after the other: while some end, memory they shared is
    /// counted more than once. What is near the limit must be so twice in a row.
    fn settled(&mut self, excess: Option<Excess>) -> Option<Excess> {
        let memory = excess.is_some_and(|excess| excess.cause == cause::MEMORY_LIMIT);
        let before = std::mem::replace(&mut self.memory_passed, memory);
        excess.filter(|excess| !memory || before || excess.is_far())
    }

    fn output(&self, dir: &Path) -> Option<Excess> {
        let size =
            |name: &str| std::fs::metadata(dir.join(name)).map_or(0, |metadata| metadata.len());
        let measured = size(names::STDOUT).saturating_add(size(names::STDERR));
        let limit = self.limits.output_bytes.unwrap_or(DEFAULT_OUTPUT_BYTES);
        passed(cause::OUTPUT_LIMIT, measured, limit)
    }

    fn processes(&self, program: &ProgramFile) -> Option<Excess> {
        let rows = program_processes(program, session_of(program));
        let limit = self.limits.processes.unwrap_or(DEFAULT_PROCESSES);
        let excess = passed(cause::PROCESS_LIMIT, rows.len() as u64, limit);
        if excess.is_some() {
            return excess;
        }
        let limit = self.limits.memory_bytes?;
        // What is resident counts shared pages for every process: while that is
        // below the limit, there is no need of the dearer, exact look.
        let resident: u64 = rows.iter().map(|row| row.resident_bytes).sum();
        passed(cause::MEMORY_LIMIT, resident, limit)?;
        passed(cause::MEMORY_LIMIT, shared_once_bytes(&rows), limit)
    }
}

fn passed(cause: &'static str, measured: u64, limit: u64) -> Option<Excess> {
    (measured > limit).then_some(Excess {
        cause,
        measured,
        limit,
    })
}

/// What is told of a run that was stopped for passing a limit: what was measured, the
/// limit, and how to raise it. `None` for any other cause.
pub(crate) fn excess_message(
    stop_cause: &str,
    measured: Option<u64>,
    limits: &Limits,
) -> Option<String> {
    let (what, unit, key, limit) = match stop_cause {
        cause::MEMORY_LIMIT => (
            "used",
            "bytes of memory",
            "memory",
            limits.memory_bytes.unwrap_or_default(),
        ),
        cause::PROCESS_LIMIT => (
            "had",
            "processes",
            "processes",
            limits.processes.unwrap_or(DEFAULT_PROCESSES),
        ),
        cause::OUTPUT_LIMIT => (
            "wrote",
            "bytes of output",
            "output",
            limits.output_bytes.unwrap_or(DEFAULT_OUTPUT_BYTES),
        ),
        _ => return None,
    };
    let measured = measured.map_or_else(|| "too many".to_owned(), |count| count.to_string());
    Some(format!(
        "it {what} {measured} {unit}, more than its limit of {limit}, and was stopped; to allow more, raise `resources.{key}` in the experiment file"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervisor::own_identity;

    #[test]
    fn output_past_the_limit_is_told_with_its_size() {
        let folder = tempfile::tempdir().expect("temporary folder");
        std::fs::write(folder.path().join(names::STDOUT), [b'x'; 60]).expect("write");
        std::fs::write(folder.path().join(names::STDERR), [b'x'; 50]).expect("write");
        let limits = |output_bytes| Limits {
            output_bytes: Some(output_bytes),
            ..Limits::default()
        };
        assert_eq!(Watch::new(limits(110)).output(folder.path()), None);
        let excess = Watch::new(limits(109)).output(folder.path()).expect("past");
        assert_eq!((excess.cause, excess.measured), (cause::OUTPUT_LIMIT, 110));
        assert!(!excess.is_far());
        let far = Watch::new(limits(54)).output(folder.path()).expect("past");
        assert!(far.is_far());
    }

    #[test]
    fn memory_counts_when_it_is_too_much_twice_or_by_far() {
        let memory = |measured| passed(cause::MEMORY_LIMIT, measured, 100);
        let mut watch = Watch::new(Limits::default());
        assert_eq!(watch.settled(memory(150)), None);
        assert_eq!(watch.settled(None), None);
        assert_eq!(watch.settled(memory(150)), None);
        assert_eq!(watch.settled(memory(150)), memory(150));
        let mut watch = Watch::new(Limits::default());
        assert_eq!(watch.settled(memory(201)), memory(201));
        let output = passed(cause::OUTPUT_LIMIT, 101, 100);
        assert_eq!(Watch::new(Limits::default()).settled(output), output);
    }

    #[test]
    fn memory_of_this_process_is_measured() {
        let own = own_identity();
        let row = super::super::identity::row_of(own.pid).expect("alive");
        assert!(row.resident_bytes > 1 << 20);
        let exact = shared_once_bytes(&[row]);
        assert!(exact > 0);
    }

    #[test]
    fn the_message_names_limit_value_and_key() {
        let limits = Limits {
            memory_bytes: Some(256),
            ..Limits::default()
        };
        let message = excess_message(cause::MEMORY_LIMIT, Some(300), &limits).expect("a limit");
        for part in ["300", "256", "`resources.memory`"] {
            assert!(message.contains(part), "{message}");
        }
        let message = excess_message(cause::PROCESS_LIMIT, Some(5000), &limits).expect("a limit");
        assert!(message.contains("4096"), "{message}");
        assert_eq!(excess_message(cause::TIMEOUT, None, &limits), None);
    }
}
