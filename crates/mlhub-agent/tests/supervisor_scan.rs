//! Output of real programs under real supervisors: secrets reach neither disk nor hub, data
//! is warned of, and everything else is kept byte for byte.

mod supervisor_support;

use std::fmt::Write;
use std::path::Path;

use mlhub_agent::supervisor::{EXIT_DONE, EXIT_LATER, ProgramStatus, RunDir, is_alive};
use mlhub_protocol::run_dir::LaunchFile;
use rustix::process::{Pid, Signal, kill_process};
use supervisor_support::{Bench, until};

const OWN: &str = "correct-horse-battery-staple";
const KEY_LINE: &str = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ";

fn token() -> String {
    format!("ghp_{}", "a1B2".repeat(9))
}

fn with_secret(launch: &mut LaunchFile) {
    launch
        .env
        .insert("MY_SERVICE_TOKEN".to_owned(), OWN.to_owned());
}

/// Output with secrets among ordinary bytes, and what is to be left of it.
fn planted() -> (Vec<u8>, Vec<u8>) {
    let array: String = (0..40).fold(String::new(), |mut text, row| {
        let _ = writeln!(text, "        [0.{row}13, 0.{row}29, 0.{row}31],");
        text
    });
    let binary: Vec<u8> = (0..=255u8).cycle().take(70_000).collect();
    let key = format!(
        "-----BEGIN PRIVATE KEY-----\n{}-----END PRIVATE KEY-----",
        format!("{KEY_LINE}\n").repeat(20)
    );
    let text = |github: &str, own: &str, key: &str, named: &str| {
        let before = format!(
            "epoch 1 loss=0.5 {github}\n\r 50%|####  |\r100%|####|\n\x1b[31mred\x1b[0m {own}\n{key}\npassword = {named}\n"
        );
        let after = format!("\nx = tensor([[0.5, 0.25, 0.125],\n{array}])\nno end {own}");
        [before.as_bytes(), &binary, after.as_bytes()].concat()
    };
    (
        text(&token(), OWN, &key, "hunter2hunter2"),
        text(
            "[masked: a GitHub token]",
            "[masked: the value of MY_SERVICE_TOKEN]",
            "[masked: a private key]",
            "[masked: a value under the name of a secret]",
        ),
    )
}

fn warnings(bench: &Bench) -> Vec<String> {
    bench.hub.look(|stored| {
        let records = stored
            .records
            .iter()
            .filter(|record| record.kind == "warning");
        records.map(|record| record.body.to_string()).collect()
    })
}

/// All files of a folder that hold `secret`, but for `launch.json`, which hands it over.
fn holders(folder: &Path, secret: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("list").flatten() {
        let name = entry.file_name();
        assert!(!name.to_string_lossy().ends_with(".raw"), "it is gone");
        if entry.file_type().expect("kind").is_dir() {
            found.extend(holders(&entry.path(), secret));
        } else {
            let bytes = std::fs::read(entry.path()).expect("read");
            if bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes())
            {
                found.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
    }
    found.retain(|name| name != "launch.json");
    found
}

#[test]
fn secrets_reach_neither_disk_nor_hub_and_all_else_is_kept() {
    let mut bench = Bench::new();
    let (bytes, wanted) = planted();
    std::fs::write(bench.path("bytes"), &bytes).expect("write");
    let script = "cat bytes; dd if=bytes bs=7 status=none >&2; exit 3";
    let dir = bench.prepare("run-1", script, with_secret);
    let supervisor = bench.supervise(&dir, &[]);
    assert_eq!(bench.ended(supervisor), Some(EXIT_DONE));
    for (name, file) in [("stdout", "stdout.log"), ("stderr", "stderr.log")] {
        let shipped = bench.hub.look(|stored| stored.logs[name].clone());
        let written = std::fs::read(dir.path().join(file)).expect("read");
        assert!(written == wanted, "{name} differs on disk");
        assert!(shipped == wanted, "{name} differs on the hub");
    }
    for secret in [token().as_str(), OWN, KEY_LINE, "hunter2hunter2"] {
        assert_eq!(holders(dir.path(), secret), Vec::<String>::new());
    }
    let finish = bench
        .hub
        .look(|stored| stored.finish.clone())
        .expect("an end");
    let evidence = serde_json::to_string(&finish).expect("json");
    assert!(
        evidence.contains("no end") && !evidence.contains(OWN),
        "{evidence}"
    );
}

#[test]
fn printed_data_is_told_once_with_its_line_and_not_its_content() {
    let mut bench = Bench::new();
    let (bytes, wanted) = planted();
    std::fs::write(bench.path("bytes"), bytes.repeat(3)).expect("write");
    let dir = bench.prepare("run-1", "cat bytes", with_secret);
    let supervisor = bench.supervise(&dir, &[]);
    assert_eq!(bench.ended(supervisor), Some(EXIT_DONE));
    let place = wanted
        .windows(9)
        .position(|window| window == b"x = tenso")
        .expect("there");
    let line = wanted[..place]
        .iter()
        .filter(|byte| **byte == b'\n')
        .count()
        + 1;
    let told = warnings(&bench);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[0].contains("stdout, line 1: a GitHub token was masked"),
        "{told:?}"
    );
    let array = format!("stdout, line {line}: what looks like an array or tensor");
    assert!(told[1].contains(&array), "{told:?}");
    for content in ["0.13", "0.25", "ghp_", OWN, "hunter"] {
        assert!(told.iter().all(|one| !one.contains(content)), "{told:?}");
    }
}

#[test]
fn switched_off_everything_stays_as_it_is() {
    let mut bench = Bench::new();
    let (bytes, _) = planted();
    std::fs::write(bench.path("bytes"), &bytes).expect("write");
    let dir = bench.prepare(
        "run-1",
        "cat bytes; [ -f /proc/self/fd/2 ] && echo >&2 file",
        |launch| {
            with_secret(launch);
            launch.log_scan = false;
        },
    );
    let supervisor = bench.supervise(&dir, &[]);
    assert_eq!(bench.ended(supervisor), Some(EXIT_DONE));
    let shipped = bench.hub.look(|stored| stored.logs.clone());
    assert!(shipped["stdout"] == bytes, "standard output differs");
    // Nothing stands between the program and its file.
    assert_eq!(shipped["stderr"], b"file\n");
    assert_eq!(warnings(&bench), Vec::<String>::new());
}

#[test]
fn a_flood_passes_whole_but_for_its_secrets() {
    const LINES: usize = 200_000;
    let mut bench = Bench::without_hub();
    let mut text = String::new();
    for number in 0..LINES {
        let _ = writeln!(
            text,
            "step {number} of the training, loss=0.5 and tokens/s: 12345.6 still going on"
        );
    }
    // So it is cut wherever the pieces that are read cut it.
    let secret = format!("{} {OWN} ", token());
    let bytes = text.replace("loss=0.5", &secret);
    let wanted = text.replace(
        "loss=0.5",
        "[masked: a GitHub token] [masked: the value of MY_SERVICE_TOKEN] ",
    );
    std::fs::write(bench.path("bytes"), &bytes).expect("write");
    let dir = bench.prepare("run-1", "cat bytes", with_secret);
    let supervisor = bench.supervise(&dir, &["--hub-absence-seconds", "0"]);
    assert_eq!(bench.ended(supervisor), Some(EXIT_LATER));
    let written = std::fs::read(dir.path().join("stdout.log")).expect("read");
    assert!(written == wanted.as_bytes(), "the output differs");
}

#[test]
fn a_line_without_an_end_is_seen_while_the_program_runs() {
    let mut bench = Bench::new();
    let script = "printf '\\r 50%%|#####     | loss=0.5'; while [ ! -e go ]; do sleep 0.02; done";
    let dir = bench.prepare("run-1", script, |_| {});
    let supervisor = bench.supervise(&dir, &[]);
    until("the progress is on the hub", || {
        let wanted: &[u8] = b"\r 50%|#####     | loss=0.5";
        bench
            .hub
            .look(|stored| stored.logs.get("stdout").is_some_and(|log| log == wanted))
    });
    std::fs::write(bench.path("go"), "").expect("write");
    assert_eq!(bench.ended(supervisor), Some(EXIT_DONE));
}

fn shim_killed(dir: &RunDir) {
    until("the program runs", || {
        matches!(dir.program_status(), Ok(ProgramStatus::Running(_)))
    });
    let shim = dir.program().expect("readable").expect("there").shim;
    assert!(is_alive(&shim), "only a process of ours is signalled");
    kill_process(Pid::from_raw(shim.pid).expect("a process id"), Signal::KILL).expect("signalled");
}

#[test]
fn a_killed_shim_neither_harms_the_program_nor_lets_a_secret_through() {
    let mut bench = Bench::new();
    // More than is read at once.
    let bytes = format!("a line of output and {}\n", token()).repeat(60_000);
    std::fs::write(bench.path("bytes"), &bytes).expect("write");
    let script = "while [ ! -e go ]; do sleep 0.02; done; cat bytes; touch ended";
    let dir = bench.prepare("run-1", script, |_| {});
    let supervisor = bench.supervise(&dir, &[]);
    shim_killed(&dir);
    std::fs::write(bench.path("go"), "").expect("write");
    assert_eq!(bench.ended(supervisor), Some(EXIT_DONE));
    assert!(bench.path("ended").exists(), "the program came to its end");
    let written = std::fs::read(dir.path().join("stdout.log")).expect("read");
    let wanted = bytes.replace(&token(), "[masked: a GitHub token]");
    assert!(written == wanted.as_bytes(), "the output differs");
    assert_eq!(holders(dir.path(), &token()), Vec::<String>::new());
}

#[test]
fn whoever_dies_whenever_all_output_is_there_once_without_its_secrets() {
    let mut bench = Bench::new();
    // Lines of many lengths, so that nobody stops at the end of one.
    let lines = |from: usize| -> String {
        let line = |at: usize| format!("{at} {} and {} here\n", "x".repeat(at % 97), token());
        (from..from + 20_000).map(line).collect()
    };
    let (first, second) = (lines(0), lines(20_000));
    std::fs::write(bench.path("first"), &first).expect("write");
    std::fs::write(bench.path("second"), &second).expect("write");
    let script =
        "cat first; touch half; while [ ! -e go ]; do sleep 0.02; done; cat second; touch ended";
    let dir = bench.prepare("run-1", script, |_| {});
    let supervisor = bench.supervise(&dir, &[]);
    // Somewhere in the first half, wherever the shim is then.
    until("output is written", || {
        std::fs::metadata(dir.path().join("stdout.log")).is_ok_and(|data| data.len() > 0)
    });
    bench.kill(supervisor);
    shim_killed(&dir);
    until("the first half is printed", || bench.path("half").exists());
    std::fs::write(bench.path("go"), "").expect("write");
    // The program comes to its end while nobody reads.
    until("the program has ended", || bench.path("ended").exists());
    let supervisor = bench.supervise(&dir, &[]);
    assert_eq!(bench.ended(supervisor), Some(EXIT_DONE));
    let wanted = format!("{first}{second}").replace(&token(), "[masked: a GitHub token]");
    let written = std::fs::read(dir.path().join("stdout.log")).expect("read");
    assert!(written == wanted.as_bytes(), "the output differs");
    let shipped = bench.hub.look(|stored| stored.logs["stdout"].clone());
    assert!(shipped == wanted.as_bytes(), "the hub has other output");
    assert_eq!(holders(dir.path(), &token()), Vec::<String>::new());
}

#[test]
fn what_a_program_leaves_running_does_not_hold_up_its_end() {
    let mut bench = Bench::new();
    let script = "(while :; do echo ghost; sleep 0.01; done) & printf 'last words'; exit 0";
    let dir = bench.prepare("run-1", script, |_| {});
    let supervisor = bench.supervise(&dir, &[]);
    assert_eq!(bench.ended(supervisor), Some(EXIT_DONE));
    let out = bench.hub.look(|stored| stored.logs["stdout"].clone());
    assert!(String::from_utf8_lossy(&out).contains("last words"));
}

#[test]
fn run_directories_without_the_switch_are_scanned() {
    let bench = Bench::without_hub();
    let dir = bench.prepare("run-1", "true", |_| {});
    let text = std::fs::read_to_string(dir.path().join("launch.json")).expect("read");
    assert!(!text.contains("log_scan"), "what is usual is not written");
    let launch: LaunchFile = serde_json::from_str(&text).expect("a launch file");
    assert!(launch.log_scan);
}
