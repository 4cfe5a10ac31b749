//! Says how an attempt ended and why, with the lines that show it.
//!
//! It claims only what there is evidence for: a SIGKILL is "killed" unless the
//! kernel counted an out-of-memory kill.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use mlhub_core::limits::{EVIDENCE_LINE_MAX_BYTES, EVIDENCE_LINES_MAX};
use mlhub_protocol::adapter::exit_code;
use mlhub_protocol::event::ErrorEvent;
use mlhub_protocol::rest::FailureView;
use mlhub_protocol::run_dir::{ExitFile, Limits, names};

use super::limits::excess_message;

/// Bytes at the end of a log that are looked at.
const TAIL_BYTES: u64 = 256 * 1024;
/// Bytes of a failure's message taken from the program.
const MESSAGE_MAX_BYTES: usize = 8 * 1024;

/// Why the supervisor stopped the program.
pub(crate) mod cause {
    pub(crate) const REQUEST: &str = "request";
    pub(crate) const TIMEOUT: &str = "timeout";
    pub(crate) const MEMORY_LIMIT: &str = "memory_limit";
    pub(crate) const PROCESS_LIMIT: &str = "process_limit";
    pub(crate) const OUTPUT_LIMIT: &str = "output_limit";
}

/// All that is known about the end of an attempt.
#[derive(Debug, Default)]
pub(crate) struct End<'a> {
    /// What the shim wrote; absent when nobody saw the end.
    pub(crate) exit: Option<&'a ExitFile>,
    pub(crate) stop_cause: Option<&'a str>,
    /// What was measured when a limit was passed.
    pub(crate) stop_measured: Option<u64>,
    /// The limits of the program, for messages.
    pub(crate) limits: Limits,
    /// The last `error` event.
    pub(crate) error: Option<&'a ErrorEvent>,
    /// The last lines of output.
    pub(crate) evidence: Vec<String>,
    /// What the kernel says about an out-of-memory kill.
    pub(crate) oom: Option<String>,
    /// The program's file name, for messages.
    pub(crate) program: &'a str,
    /// The time limit, for messages.
    pub(crate) timeout_seconds: u64,
}

/// The attempt's state and, when it is not good, why.
pub(crate) fn classify(end: &End<'_>) -> (&'static str, Option<FailureView>) {
    let Some(exit) = end.exit else {
        let message = "the process is gone and nobody saw how it ended: it was killed and nobody was left to see, or the machine was restarted";
        let mut view = failure(end, "vanished", message);
        if view.evidence.len() >= EVIDENCE_LINES_MAX && end.oom.is_some() {
            view.evidence.remove(0);
        }
        view.evidence.extend(end.oom.clone());
        return ("lost", Some(view));
    };
    if let Some(problem) = &exit.spawn_error {
        let class = if problem.starts_with("command not") {
            "command_not_found"
        } else {
            "environment"
        };
        return ("failed", Some(failure(end, class, problem)));
    }
    match end.stop_cause {
        Some(cause::REQUEST) => return ("stopped", None),
        Some(cause::TIMEOUT) => {
            let message = format!(
                "it passed its time limit of {} s and was stopped",
                end.timeout_seconds
            );
            return ("failed", Some(failure(end, "timeout", &message)));
        }
        Some(cause) => {
            if let Some(message) = excess_message(cause, end.stop_measured, &end.limits) {
                return ("failed", Some(failure(end, cause, &message)));
            }
        }
        None => {}
    }
    match (exit.code, exit.signal) {
        (Some(0), None) => ("finished", None),
        (code, signal) => {
            let (class, message) = cause_of(end, code, signal);
            let mut view = failure(end, class, &message);
            if class == "host_out_of_memory" {
                // The kernel's word is worth more than the oldest line.
                if view.evidence.len() >= EVIDENCE_LINES_MAX && end.oom.is_some() {
                    view.evidence.remove(0);
                }
                view.evidence.extend(end.oom.clone());
            }
            ("failed", Some(view))
        }
    }
}

fn failure(end: &End<'_>, class: &str, message: &str) -> FailureView {
    FailureView {
        class: class.to_owned(),
        message: cut(&message.replace('\0', "\u{fffd}"), MESSAGE_MAX_BYTES),
        evidence: end.evidence.clone(),
    }
}

fn cause_of(end: &End<'_>, code: Option<i32>, signal: Option<i32>) -> (&'static str, String) {
    if let Some((class, message)) = refusal(end, code) {
        return (class, message);
    }
    let ended = match (code, signal) {
        (_, Some(signal)) => format!("ended by signal {signal}{}", signal_name(signal)),
        (Some(code), None) => format!("exited with code {code}"),
        (None, None) => "ended without a status".to_owned(),
    };
    if signal == Some(9) && end.oom.is_some() {
        let message = format!("{} was {ended}: the kernel ran out of memory", end.program);
        return ("host_out_of_memory", message);
    }
    if let Some((class, line)) = evidence_class(&end.evidence) {
        return (class, format!("{} {ended}: {line}", end.program));
    }
    match signal {
        Some(4 | 6 | 7 | 8 | 11) => ("crash", format!("{} crashed: {ended}", end.program)),
        Some(_) => (
            "killed",
            format!("{} was {ended}, sent from outside", end.program),
        ),
        None => match end.evidence.iter().rfind(|line| !line.trim().is_empty()) {
            Some(line) => ("exit", format!("{} {ended}: {}", end.program, line.trim())),
            None => (
                "exit",
                format!("{} {ended} and printed nothing", end.program),
            ),
        },
    }
}

/// A refusal the program explained itself.
fn refusal(end: &End<'_>, code: Option<i32>) -> Option<(&'static str, String)> {
    let class = match code? {
        exit_code::CONFIG => "config",
        exit_code::DATASET => "dataset",
        _ => return None,
    };
    let message = match end.error {
        Some(ErrorEvent {
            field: Some(field),
            message,
        }) => format!("`{field}`: {message}"),
        Some(error) => error.message.clone(),
        None => format!("the program refused its {class} without saying why; see its output"),
    };
    Some((class, message))
}

/// What the last lines say, the most telling first.
fn evidence_class(lines: &[String]) -> Option<(&'static str, String)> {
    type Test = fn(&str) -> bool;
    const TESTS: [(&str, Test); 4] = [
        ("gpu_out_of_memory", |line| {
            line.contains("CUDA out of memory")
                || line.contains("OutOfMemoryError")
                || line.contains("CUDA_ERROR_OUT_OF_MEMORY")
                || line.contains("HIP out of memory")
        }),
        ("disk_full", |line| {
            line.contains("No space left on device") || line.contains("Errno 28]")
        }),
        ("import", |line| {
            line.starts_with("ModuleNotFoundError:") || line.starts_with("ImportError:")
        }),
        ("host_out_of_memory", |line| {
            line.trim() == "MemoryError"
                || line.starts_with("MemoryError:")
                || line.contains("numpy._core._exceptions._ArrayMemoryError")
                || line.starts_with("memory allocation of ")
        }),
    ];
    TESTS.iter().find_map(|(class, test)| {
        let line = lines.iter().rfind(|line| test(line))?;
        Some((*class, line.trim().to_owned()))
    })
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        4 => " (SIGILL)",
        6 => " (SIGABRT)",
        7 => " (SIGBUS)",
        8 => " (SIGFPE)",
        9 => " (SIGKILL)",
        11 => " (SIGSEGV)",
        15 => " (SIGTERM)",
        _ => "",
    }
}

/// The last lines of standard error, or of standard output when there are none.
pub(crate) fn evidence(dir: &Path) -> Vec<String> {
    [names::STDERR, names::STDOUT]
        .iter()
        .map(|name| last_lines(&dir.join(name)))
        .find(|lines| lines.iter().any(|line| !line.trim().is_empty()))
        .unwrap_or_default()
}

fn last_lines(path: &Path) -> Vec<String> {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        file.seek(SeekFrom::Start(size.saturating_sub(TAIL_BYTES)))?;
        let mut bytes = Vec::new();
        file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    // No evidence is better than no verdict.
    let bytes = read().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.len().saturating_sub(EVIDENCE_LINES_MAX);
    lines[first..]
        .iter()
        .map(|line| cut(&line.replace('\0', "\u{fffd}"), EVIDENCE_LINE_MAX_BYTES))
        .collect()
}

fn cut(text: &str, max: usize) -> String {
    const MARKER: &str = " [cut]";
    if text.len() <= max {
        return text.to_owned();
    }
    let mut end = max - MARKER.len();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{MARKER}", &text[..end])
}

/// The kernel's count of out-of-memory kills in this process's control group.
pub(crate) fn oom_kills() -> Option<u64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let path = format!(
        "/sys/fs/cgroup{}/memory.events",
        group.trim_end_matches('/')
    );
    let text = std::fs::read_to_string(path).ok()?;
    text.lines()
        .find_map(|line| line.strip_prefix("oom_kill "))?
        .trim()
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(code: Option<i32>, signal: Option<i32>) -> ExitFile {
        ExitFile {
            version: 1,
            code,
            signal,
            spawn_error: None,
            ended_at_ms: 0,
        }
    }

    fn class(exit: &ExitFile, lines: &[&str]) -> String {
        let end = End {
            exit: Some(exit),
            evidence: lines.iter().map(|line| (*line).to_owned()).collect(),
            program: "train",
            ..End::default()
        };
        let (state, failure) = classify(&end);
        assert_eq!(state, "failed");
        failure.expect("a failure").class
    }

    #[test]
    fn each_end_has_its_class() {
        let one = exit(Some(1), None);
        for (lines, expected) in [
            (
                vec!["Traceback", "ModuleNotFoundError: No module named 'x'"],
                "import",
            ),
            (
                vec!["torch.cuda.OutOfMemoryError: CUDA out of memory."],
                "gpu_out_of_memory",
            ),
            (
                vec!["OSError: [Errno 28] No space left on device"],
                "disk_full",
            ),
            (vec!["MemoryError"], "host_out_of_memory"),
            (vec!["loss of MemoryError detection"], "exit"),
            (vec![], "exit"),
        ] {
            assert_eq!(class(&one, &lines), expected, "{lines:?}");
        }
        assert_eq!(class(&exit(None, Some(11)), &[]), "crash");
        assert_eq!(class(&exit(None, Some(6)), &["abort"]), "crash");
        assert_eq!(class(&exit(None, Some(9)), &[]), "killed");
        assert_eq!(class(&exit(Some(64), None), &[]), "config");
    }

    #[test]
    fn memory_is_blamed_for_a_kill_only_with_evidence() {
        let killed = exit(None, Some(9));
        let end = End {
            exit: Some(&killed),
            oom: Some("memory.events: oom_kill 1".to_owned()),
            ..End::default()
        };
        let failure = classify(&end).1.expect("a failure");
        assert_eq!(failure.class, "host_out_of_memory");
        assert_eq!(failure.evidence, ["memory.events: oom_kill 1"]);
    }

    #[test]
    fn a_refusal_names_the_field() {
        let error = ErrorEvent {
            field: Some("params.lr".to_owned()),
            message: "must be positive".to_owned(),
        };
        let refused = exit(Some(65), None);
        let end = End {
            exit: Some(&refused),
            error: Some(&error),
            ..End::default()
        };
        let failure = classify(&end).1.expect("a failure");
        assert_eq!(failure.class, "dataset");
        assert_eq!(failure.message, "`params.lr`: must be positive");
    }

    #[test]
    fn a_stop_wins_over_the_code_and_unseen_ends_are_lost() {
        let zero = exit(Some(0), None);
        let mut end = End {
            exit: Some(&zero),
            stop_cause: Some(cause::REQUEST),
            ..End::default()
        };
        assert_eq!(classify(&end), ("stopped", None));
        end.stop_cause = Some(cause::TIMEOUT);
        assert_eq!(classify(&end).1.expect("a failure").class, "timeout");
        end.stop_cause = Some(cause::PROCESS_LIMIT);
        let failure = classify(&end).1.expect("a failure");
        assert_eq!(failure.class, "process_limit");
        assert!(failure.message.contains("4096"), "{}", failure.message);
        end.stop_cause = None;
        assert_eq!(classify(&end), ("finished", None));
        end.exit = None;
        let (state, failure) = classify(&end);
        assert_eq!(
            (state, failure.expect("a failure").class.as_str()),
            ("lost", "vanished")
        );
    }

    #[test]
    fn evidence_is_bounded_and_falls_back_to_stdout() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let text: String = (0..100).map(|i| format!("{i}\n")).collect();
        std::fs::write(folder.path().join(names::STDOUT), text + &"é".repeat(5000)).expect("write");
        let lines = evidence(folder.path());
        assert_eq!(lines.len(), EVIDENCE_LINES_MAX);
        assert!(
            lines
                .iter()
                .all(|line| line.len() <= EVIDENCE_LINE_MAX_BYTES)
        );
        assert!(lines.last().expect("lines").ends_with("[cut]"));
        std::fs::write(folder.path().join(names::STDERR), b"bad \xff\n").expect("write");
        assert_eq!(evidence(folder.path()), ["bad \u{fffd}"]);
    }
}
