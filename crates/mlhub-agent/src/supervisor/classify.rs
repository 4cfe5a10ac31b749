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
use super::signs::{self, Sign};

/// Bytes at the end of a log that are looked at.
const TAIL_BYTES: u64 = 256 * 1024;
/// Lines of evidence before a sign.
const LINES_BEFORE_SIGN: usize = 15;
/// What shells add to the number of the signal that ended their command.
const SHELL_SIGNAL_BASE: i32 = 128;
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

/// Lines, each cut to what is kept of a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Lines(pub(crate) Vec<String>);

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
    /// The last lines of standard error and of standard output.
    pub(crate) printed: [Lines; 2],
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
            let sign = signs::find(&end.printed);
            let (class, message) = cause_of(end, code, signal, sign.as_ref());
            let mut view = failure(end, class, &message);
            view.evidence = evidence(&end.printed, sign.as_ref());
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
        evidence: evidence(&end.printed, None),
        advice: None,
    }
}

fn cause_of(
    end: &End<'_>,
    code: Option<i32>,
    signal: Option<i32>,
    sign: Option<&Sign>,
) -> (&'static str, String) {
    if let Some((class, message)) = refusal(end, code) {
        return (class, message);
    }
    let ended = match (code, signal) {
        (_, Some(signal)) => format!("ended by signal {signal}{}", signal_name(signal)),
        (Some(code), None) => format!("exited with code {code}"),
        (None, None) => "ended without a status".to_owned(),
    };
    // A shell tells the signal that ended its command in its own code.
    let of_command = code
        .map(|code| code - SHELL_SIGNAL_BASE)
        .filter(|signal| *signal > 0);
    if (signal == Some(9) || of_command == Some(9)) && end.oom.is_some() {
        let message = format!("{} was {ended}: the kernel ran out of memory", end.program);
        return ("host_out_of_memory", message);
    }
    if let Some(sign) = sign {
        let line = end.printed[sign.stream].0[sign.line].trim();
        return (sign.class, format!("{} {ended}: {line}", end.program));
    }
    match signal.or(of_command.filter(|signal| [6, 9, 11, 15].contains(signal))) {
        Some(4 | 6 | 7 | 8 | 11) => ("crash", format!("{} crashed: {ended}", end.program)),
        Some(_) => (
            "killed",
            format!("{} was {ended}, sent from outside", end.program),
        ),
        None => match told(&end.printed)
            .0
            .iter()
            .rfind(|line| !line.trim().is_empty())
        {
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

/// Standard error, or standard output when nothing is in it.
fn told(printed: &[Lines; 2]) -> &Lines {
    let [err, out] = printed;
    if err.0.iter().any(|line| !line.trim().is_empty()) {
        err
    } else {
        out
    }
}

/// The last lines, or those around a sign that stands before them.
fn evidence(printed: &[Lines; 2], sign: Option<&Sign>) -> Vec<String> {
    let lines = &sign
        .map_or_else(|| told(printed), |sign| &printed[sign.stream])
        .0;
    let last = lines.len().saturating_sub(EVIDENCE_LINES_MAX);
    let first = sign.map_or(last, |sign| {
        last.min(sign.line.saturating_sub(LINES_BEFORE_SIGN))
    });
    lines[first..]
        .iter()
        .take(EVIDENCE_LINES_MAX)
        .cloned()
        .collect()
}

/// The last lines of standard error and of standard output.
pub(crate) fn printed(dir: &Path) -> [Lines; 2] {
    [names::STDERR, names::STDOUT].map(|name| last_lines(&dir.join(name)))
}

fn last_lines(path: &Path) -> Lines {
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
    let line = |line: &str| cut(&line.replace('\0', "\u{fffd}"), EVIDENCE_LINE_MAX_BYTES);
    Lines(text.lines().map(line).collect())
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
            printed: [
                Lines(lines.iter().map(|line| (*line).to_owned()).collect()),
                Lines::default(),
            ],
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
        // What a shell says of its command.
        assert_eq!(class(&exit(Some(137), None), &[]), "killed");
        assert_eq!(class(&exit(Some(139), None), &[]), "crash");
        assert_eq!(class(&exit(Some(200), None), &[]), "exit");
    }

    #[test]
    fn a_sign_is_found_in_either_stream_and_shown() {
        let one = exit(Some(1), None);
        let filler = |count: usize| (0..count).map(|at| format!("line {at}"));
        let mut out: Vec<String> = filler(50).collect();
        out.push("RuntimeError: CUDA out of memory".to_owned());
        out.extend(filler(100));
        let end = End {
            exit: Some(&one),
            printed: [Lines(vec!["a warning".to_owned()]), Lines(out)],
            program: "train",
            ..End::default()
        };
        let failure = classify(&end).1.expect("a failure");
        assert_eq!(failure.class, "gpu_out_of_memory");
        assert_eq!(
            failure.message,
            "train exited with code 1: RuntimeError: CUDA out of memory"
        );
        assert_eq!(failure.evidence.len(), EVIDENCE_LINES_MAX);
        assert_eq!(failure.evidence[0], "line 35");
        assert_eq!(failure.evidence[15], "RuntimeError: CUDA out of memory");
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
        let lines = evidence(&printed(folder.path()), None);
        assert_eq!(lines.len(), EVIDENCE_LINES_MAX);
        assert!(
            lines
                .iter()
                .all(|line| line.len() <= EVIDENCE_LINE_MAX_BYTES)
        );
        assert!(lines.last().expect("lines").ends_with("[cut]"));
        std::fs::write(folder.path().join(names::STDERR), b"bad \xff\n").expect("write");
        assert_eq!(evidence(&printed(folder.path()), None), ["bad \u{fffd}"]);
    }
}
