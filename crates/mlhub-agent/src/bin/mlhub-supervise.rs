//! The stand-alone supervisor: the subcommands `supervise`, `shim`, `agent`,
//! `confined` and `sandboxed` of the main program without the rest of it, for machines that only run.
//!
//! It reads no config: everything is in the run directory.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use mlhub_agent::custom_metric::sandboxed_main;
use mlhub_agent::export::confined_main;
use mlhub_agent::supervisor::{
    AgentOptions, SuperviseOptions, agent_main, shim_main, supervise_main,
};

const USAGE: &str = "usage:
  mlhub-supervise supervise DIR [--hub-absence-seconds N]
  mlhub-supervise shim DIR
  mlhub-supervise agent --data-dir DIR [--slots N] [--hub-absence-seconds N]
  mlhub-supervise confined -- PROGRAM ARGUMENT...
  mlhub-supervise sandboxed REPORT -- PROGRAM ARGUMENT...";
/// Exit code of a wrong command line.
const EXIT_USAGE: i32 = 64;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let code = run(&words).unwrap_or_else(|| {
        eprintln!("{USAGE}");
        EXIT_USAGE
    });
    ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}

fn run(words: &[&str]) -> Option<i32> {
    match words {
        ["shim", dir] => Some(shim_main(Path::new(dir))),
        ["supervise", dir, rest @ ..] => {
            let mut options = SuperviseOptions::default();
            if let Some(seconds) = number(rest, "--hub-absence-seconds")? {
                options.hub_absence_exit = Duration::from_secs(seconds);
            }
            Some(supervise_main(Path::new(dir), &options))
        }
        ["agent", "--data-dir", dir, rest @ ..] => {
            let slots = number(rest, "--slots")?.unwrap_or(1);
            let mut options = AgentOptions::default();
            if let Some(seconds) = number(rest, "--hub-absence-seconds")? {
                options.supervise_args =
                    vec!["--hub-absence-seconds".to_owned(), seconds.to_string()];
            }
            let slots = usize::try_from(slots).ok()?;
            Some(agent_main(Path::new(dir), slots, &options))
        }
        ["confined", "--", argv @ ..] => {
            let argv: Vec<OsString> = argv.iter().map(OsString::from).collect();
            Some(confined_main(&argv))
        }
        ["sandboxed", report, "--", argv @ ..] => {
            let argv: Vec<OsString> = argv.iter().map(OsString::from).collect();
            Some(sandboxed_main(Path::new(report), &argv))
        }
        _ => None,
    }
}

/// The number after `name`, if `name` is there; `None` when it is not a number.
fn number(words: &[&str], name: &str) -> Option<Option<u64>> {
    match words.iter().position(|word| *word == name) {
        None => Some(None),
        Some(place) => words.get(place + 1)?.parse().ok().map(Some),
    }
}
