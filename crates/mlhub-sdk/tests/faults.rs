//! The writer in processes of their own: killed, on a full disk, forked.
//!
//! The processes are this very test binary, asked by an environment variable to
//! play a part.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use mlhub_protocol::event_log::{Frame, Record, read_frame, read_header};
use mlhub_sdk::EventWriter;

/// Names the part to play and the folder to play it in.
const PART: &str = "MLHUB_SDK_TEST_PART";
const FOLDER: &str = "MLHUB_SDK_TEST_FOLDER";
/// Kibibytes a file may have on the full disk.
const FULL_KIB: u64 = 512;

/// Steps and events of a file, up to its end.
fn read(path: &Path) -> (Vec<i64>, Vec<String>) {
    let bytes = std::fs::read(path).expect("readable");
    let mut at = read_header(&bytes).expect("a log").expect("whole");
    let (mut steps, mut events) = (Vec::new(), Vec::new());
    while let Frame::Record(record, size) = read_frame(&bytes[at..]) {
        match record {
            Record::Metrics { step, values, .. } => {
                assert_eq!(
                    values.iter().next().map(|(_, value)| value),
                    Some(step as f64)
                );
                steps.push(step);
            }
            Record::Event(json) => events.push(String::from_utf8(json.to_vec()).expect("text")),
            _ => {}
        }
        at += size;
    }
    assert_eq!(read_frame(&bytes[at..]), Frame::End, "nothing is torn");
    (steps, events)
}

fn log(writer: &EventWriter) -> i64 {
    let mut session = writer.session();
    let value = writer.next_step() as f64;
    let values: Vec<_> = session
        .key("loss")
        .map(|id| (id, value))
        .into_iter()
        .collect();
    session.metrics(None, None, &values)
}

fn part(name: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command
        .args(["--exact", "play_a_part", "--nocapture", "--test-threads=1"])
        .env(PART, name)
        .env(FOLDER, folder);
    command
}

#[test]
fn play_a_part() {
    let Ok(part) = std::env::var(PART) else {
        return;
    };
    let folder = PathBuf::from(std::env::var_os(FOLDER).expect("a folder"));
    let writer = EventWriter::create(&folder.join("main.mlog")).expect("made");
    match part.as_str() {
        "until_killed" => loop {
            let step = log(&writer);
            // Said only after the call returned.
            writeln!(std::io::stdout(), "logged {step}").expect("somebody listens");
        },
        "full_disk" => full_disk(&writer),
        other => panic!("no part {other}"),
    }
}

fn full_disk(writer: &EventWriter) {
    // A training that goes on while nothing can be written.
    for _ in 0..50_000 {
        log(writer);
    }
    assert!(writer.dropped() > 0, "the disk was full");
    let warning = writer.session().take_warning().expect("told");
    assert!(warning.contains("cannot be written"), "{warning}");
    assert_eq!(writer.session().take_warning(), None, "told once");
    let dropped = writer.dropped();
    // Somebody makes room.
    let unlimited = rustix::process::Rlimit {
        current: None,
        maximum: None,
    };
    rustix::process::setrlimit(rustix::process::Resource::Fsize, unlimited).expect("allowed");
    let mut tries = 0u64;
    loop {
        let before = writer.dropped();
        log(writer);
        tries += 1;
        if writer.dropped() == before {
            break;
        }
    }
    // The write that succeeded was tried once among all these.
    assert_eq!(writer.dropped(), dropped + tries - 1);
    writeln!(std::io::stdout(), "dropped {}", writer.dropped()).expect("somebody listens");
}

#[test]
fn what_log_returned_from_survives_sigkill() {
    for kill_after in [1usize, 3, 500, 5000, 20_000] {
        let folder = tempfile::tempdir().expect("temporary folder");
        let mut child = part("until_killed", folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut said = 0;
        let mut last = -1;
        for line in lines.by_ref() {
            let line = line.expect("text");
            // The test harness prints its own words on the first line.
            if let Some(step) = line
                .rsplit("logged ")
                .next()
                .and_then(|step| step.parse().ok())
            {
                last = step;
                said += 1;
            }
            if said >= kill_after {
                break;
            }
        }
        child.kill().expect("killed");
        child.wait().expect("collected");
        // What it said between our decision and its death counts too.
        for line in lines.map_while(Result::ok) {
            if let Some(step) = line
                .strip_prefix("logged ")
                .and_then(|step| step.parse().ok())
            {
                last = step;
            }
        }
        let (steps, _) = read(&folder.path().join("main.mlog"));
        assert!(last >= 0);
        let expected: Vec<i64> = (0..i64::try_from(steps.len()).expect("small")).collect();
        assert_eq!(steps, expected, "each once and in order");
        assert!(
            *steps.last().expect("some") >= last,
            "it said {last}, the file ends at {:?}",
            steps.last()
        );
    }
}

#[test]
fn a_full_disk_drops_counts_tells_once_and_goes_on() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let program = part("full_disk", folder.path());
    // A limit on file sizes is what a full disk looks like to one process. The
    // signal that comes with it is ignored, as Python ignores it.
    let script = format!(
        "trap '' XFSZ; ulimit -S -f {}; exec \"$0\" \"$@\"",
        FULL_KIB
    );
    let output = Command::new("bash")
        .arg("-c")
        .arg(script)
        .arg(program.get_program())
        .args(program.get_args())
        .env(PART, "full_disk")
        .env(FOLDER, folder.path())
        .output()
        .expect("started");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let dropped: usize = text
        .split("dropped ")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .expect("the count");
    let (steps, events) = read(&folder.path().join("main.mlog"));
    assert!(steps.windows(2).all(|pair| pair[0] < pair[1]));
    // Every step is in the file or counted, and the file says how many are not.
    let last = usize::try_from(*steps.last().expect("some")).expect("small");
    assert_eq!(steps.len() + dropped, last + 1);
    let told: usize = events
        .iter()
        .map(|event| {
            let event: serde_json::Value = serde_json::from_str(event).expect("an event");
            let message = event["warning"].as_str().expect("a warning").to_owned();
            message
                .split(' ')
                .next()
                .and_then(|count| count.parse::<usize>().ok())
                .expect("a count")
        })
        .sum();
    assert_eq!(told, dropped);
}
