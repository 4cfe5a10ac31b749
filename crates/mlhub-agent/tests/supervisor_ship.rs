//! What a program writes arrives whole and once, whatever happens to hub and
//! supervisor meanwhile.

mod supervisor_support;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use mlhub_agent::supervisor::{EXIT_DONE, EXIT_LATER, ProgramStatus};
use mlhub_protocol::run_dir::LogMetric;
use supervisor_support::{Bench, until};

#[test]
fn output_is_byte_exact() {
    let mut bench = Bench::new();
    // Every byte value, no line end at the end, and two streams.
    let bytes: Vec<u8> = (0..=255u8).cycle().take(3_000_001).collect();
    std::fs::write(bench.path("bytes"), &bytes).expect("write");
    let dir = bench.prepare("run-1", "cat bytes; cat bytes >&2; printf end >&2", |_| {});
    let supervisor = bench.supervise(&dir, &[]);
    assert_eq!(bench.ended(supervisor), Some(EXIT_DONE));
    let (out, err) = bench
        .hub
        .look(|stored| (stored.logs["stdout"].clone(), stored.logs["stderr"].clone()));
    assert!(out == bytes, "standard output differs");
    assert!(
        err == [bytes.as_slice(), b"end"].concat(),
        "standard error differs"
    );
}

#[test]
fn events_torn_lines_nan_and_giant_lines() {
    let mut bench = Bench::new();
    let script = r#"
        e=$MLHUB_RUN_DIR/events
        printf '{"step":1,"metrics":{"loss":NaN,"top":Infinity,"low":-Infinity}}\n' > $e/0.jsonl
        printf '{"step":2,"metr' >> $e/0.jsonl
        printf '{"step":9,"metrics":{"rank1":1}}\n' > $e/1.jsonl
        while [ ! -e go ]; do sleep 0.02; done
        printf 'ics":{"loss":0.5}}\n' >> $e/0.jsonl
        head -c 10000000 /dev/zero | tr '\0' x >> $e/0.jsonl
        printf '\n{"step":3,"metrics":{"loss":0.25}}\nnonsense\n' >> $e/0.jsonl
        printf '{"step":4,"metrics":{"loss":0.125}}' >> $e/0.jsonl
    "#;
    let dir = bench.prepare("run-1", script, |_| {});
    let supervisor = bench.supervise(&dir, &[]);
    until("the first lines arrive", || {
        bench.hub.look(|stored| stored.points.len() == 4)
    });
    std::fs::write(bench.path("go"), "").expect("write");
    assert_eq!(bench.ended(supervisor), Some(EXIT_DONE));
    let (points, records) = bench
        .hub
        .look(|stored| (stored.points.clone(), stored.records.clone()));
    let loss: Vec<(i64, f64)> = points
        .iter()
        .filter(|point| point.name == "loss")
        .map(|point| (point.step, point.value.0))
        .collect();
    assert!(loss[0].1.is_nan());
    assert_eq!(loss[1..], [(2, 0.5), (3, 0.25), (4, 0.125)]);
    assert!(
        points
            .iter()
            .any(|point| point.name == "top" && point.value.0 == f64::INFINITY)
    );
    assert!(
        points
            .iter()
            .any(|point| point.name == "low" && point.value.0 == f64::NEG_INFINITY)
    );
    assert!(points.iter().any(|point| point.name == "rank1"));
    let text = serde_json::to_string(&records).expect("json");
    assert!(
        text.contains("could not be read") && text.contains("0.jsonl"),
        "{text}"
    );
    assert!(!text.contains("nonsense"), "{text}");
}

#[test]
fn metrics_come_from_json_on_stdout_and_from_expressions() {
    let mut bench = Bench::new();
    let script = r#"
        echo 'plain words'; echo '{"step":5,"metrics":{"acc":0.75}}'; echo '{"not":"an event"}'
        echo 'epoch 3 loss=1.5' >&2; echo 'epoch 4 loss=nan' >&2; echo speed 10; echo speed 20
    "#;
    let dir = bench.prepare("run-1", script, |launch| {
        launch.stdout_events = true;
        launch.log_metrics = vec![
            LogMetric {
                stream: "stderr".to_owned(),
                pattern: r"epoch (?P<step>\d+) loss=(?P<loss>\S+)".to_owned(),
            },
            LogMetric {
                stream: "stdout".to_owned(),
                pattern: r"^speed (?P<speed>\d+)".to_owned(),
            },
            LogMetric {
                stream: "stdout".to_owned(),
                pattern: r"^speed (?P<other>\d+)".to_owned(),
            },
        ];
    });
    let supervisor = bench.supervise(&dir, &[]);
    assert_eq!(bench.ended(supervisor), Some(EXIT_DONE));
    let points = bench.hub.look(|stored| stored.points.clone());
    let mut found: BTreeMap<String, Vec<(i64, String)>> = BTreeMap::new();
    for point in points {
        let value = (point.step, point.value.0.to_string());
        found.entry(point.name).or_default().push(value);
    }
    let pair = |step: i64, value: &str| (step, value.to_owned());
    assert_eq!(found["acc"], [pair(5, "0.75")]);
    assert_eq!(found["loss"], [pair(3, "1.5"), pair(4, "NaN")]);
    assert_eq!(found["speed"], [pair(0, "10"), pair(1, "20")]);
    assert_eq!(found["other"], found["speed"]);
}

#[test]
fn a_bad_expression_is_told_and_harms_nothing() {
    let mut bench = Bench::new();
    let dir = bench.prepare("run-1", "echo fine", |launch| {
        launch.log_metrics = vec![LogMetric {
            stream: "stdout".to_owned(),
            pattern: "(".to_owned(),
        }];
    });
    let supervisor = bench.supervise(&dir, &[]);
    assert_eq!(bench.ended(supervisor), Some(EXIT_DONE));
    let (state, records) = bench.hub.look(|stored| {
        let finish = stored.finish.clone().expect("an end");
        (
            finish.state,
            serde_json::to_string(&stored.records).expect("json"),
        )
    });
    assert_eq!(state, "finished");
    assert!(records.contains("log metric 0"), "{records}");
}

#[test]
fn files_are_kept_and_links_out_of_the_directory_are_not_followed() {
    let mut bench = Bench::new();
    std::fs::write(bench.path("secret"), "secret").expect("write");
    let script = r#"
        cd $MLHUB_RUN_DIR
        mkdir -p artifacts/model checkpoints/5
        echo weights > artifacts/model/w.bin; echo 'a b' > 'artifacts/a b&c.txt'; echo extra > extra.txt
        echo state > checkpoints/5/state; echo id,y > predictions/test.csv; echo id,y > predictions/val.csv
        ln -s "$OUT" artifacts/leak; ln -s model/w.bin artifacts/alias
        {
          echo '{"artifact":{"path":"extra.txt","kind":"report"}}'
          echo '{"artifact":{"path":"../../../../secret"}}'
          echo '{"artifact":{"path":"artifacts/none"}}'
          echo '{"checkpoint":{"step":5,"path":"checkpoints/5"}}'
          echo '{"predictions":{"split":"held out","path":"predictions/val.csv","task":"binary"}}'
        } > events/0.jsonl
    "#;
    let secret = bench.path("secret");
    let dir = bench.prepare("run-1", script, |launch| {
        let secret = secret.to_str().expect("UTF-8").to_owned();
        launch.env.insert("OUT".to_owned(), secret);
    });
    let supervisor = bench.supervise(&dir, &[]);
    assert_eq!(bench.ended(supervisor), Some(EXIT_DONE));
    let stored = bench.hub.look(Clone::clone);
    let files: Vec<&str> = stored.artifacts.keys().map(String::as_str).collect();
    assert_eq!(
        files,
        [
            "artifacts/a b&c.txt",
            "artifacts/alias",
            "artifacts/model/w.bin",
            "extra.txt",
            "predictions/test.csv",
            "predictions/val.csv"
        ]
    );
    assert_eq!(stored.artifacts["extra.txt"].1, "report");
    assert_eq!(stored.artifacts["predictions/val.csv"].1, "predictions");
    assert_eq!(stored.artifacts["artifacts/model/w.bin"].2, b"weights\n");
    let finish = stored.finish.expect("an end");
    assert_eq!(finish.predictions["held out"].path, "predictions/val.csv");
    assert_eq!(
        finish.predictions["held out"].task.as_deref(),
        Some("binary")
    );
    assert_eq!(finish.predictions["test"].path, "predictions/test.csv");
    let of_kind = |kind: &str| -> Vec<String> {
        stored
            .records
            .iter()
            .filter(|record| record.kind == kind)
            .map(|record| record.body.to_string())
            .collect()
    };
    assert_eq!(
        of_kind("checkpoint"),
        [r#"{"path":"checkpoints/5","step":5}"#]
    );
    let warnings = of_kind("warning").join("\n");
    for name in ["artifacts/leak", "../../../../secret", "artifacts/none"] {
        assert!(warnings.contains(name), "{name}: {warnings}");
    }
}

#[test]
fn a_refused_event_is_left_out_visibly_and_alone() {
    let mut bench = Bench::new();
    bench.hub.behaviour.refuse.store(true, Ordering::SeqCst);
    let script = r#"
        for i in $(seq 1 20); do echo "{\"step\":$i,\"metrics\":{\"a\":$i}}"; done > $MLHUB_RUN_DIR/events/0.jsonl
        echo '{"params":{"refuse":1}}' >> $MLHUB_RUN_DIR/events/0.jsonl
        for i in $(seq 21 40); do echo "{\"step\":$i,\"metrics\":{\"a\":$i}}"; done >> $MLHUB_RUN_DIR/events/0.jsonl
    "#;
    let dir = bench.prepare("run-1", script, |_| {});
    let supervisor = bench.supervise(&dir, &[]);
    assert_eq!(bench.ended(supervisor), Some(EXIT_DONE));
    let stored = bench.hub.look(Clone::clone);
    let steps: Vec<i64> = stored.points.iter().map(|point| point.step).collect();
    assert_eq!(steps, (1..=40).collect::<Vec<_>>());
    assert!(stored.params.is_empty());
    let text = serde_json::to_string(&stored.records).expect("json");
    assert!(text.contains("the hub refused bytes"), "{text}");
}

/// Writes 400 steps in three ways, slowly enough to be interrupted.
const STEADY: &str = r#"
    i=0
    while [ $i -lt 400 ]; do
        i=$((i+1))
        echo "{\"step\":$i,\"metrics\":{\"m\":$i}}" >> $MLHUB_RUN_DIR/events/0.jsonl
        echo "{\"step\":$i,\"metrics\":{\"s\":$i}}"
        echo "loss=$i" >&2
        sleep 0.005
    done
    echo kept > $MLHUB_RUN_DIR/artifacts/model
    exit 5
"#;

fn steady(bench: &Bench) -> mlhub_agent::supervisor::RunDir {
    bench.prepare("run-1", STEADY, |launch| {
        launch.stdout_events = true;
        launch.system_interval_seconds = 1;
        launch.log_metrics = vec![LogMetric {
            stream: "stderr".to_owned(),
            pattern: "loss=(?P<r>.*)".to_owned(),
        }];
    })
}

fn assert_all_once(bench: &Bench) {
    let stored = bench.hub.look(Clone::clone);
    for name in ["m", "s", "r"] {
        let found: Vec<(i64, f64)> = stored
            .points
            .iter()
            .filter(|point| point.name == name)
            .map(|point| (point.step, point.value.0))
            .collect();
        // Steps of the expression count matches from 0.
        let first = i64::from(name != "r");
        let wanted: Vec<(i64, f64)> = (1..=400i32)
            .map(|value| (i64::from(value) - 1 + first, f64::from(value)))
            .collect();
        assert_eq!(found, wanted, "{name}");
    }
    let lines = String::from_utf8_lossy(&stored.logs["stderr"])
        .lines()
        .count();
    assert_eq!(lines, 400);
    assert_eq!(stored.artifacts["artifacts/model"].2, b"kept\n");
    let finish = stored.finish.expect("an end");
    assert_eq!(finish.exit.expect("an exit").code, Some(5));
    assert!(
        stored
            .points
            .iter()
            .any(|point| point.name == "system/memory_bytes")
    );
}

#[test]
fn killed_supervisors_lost_answers_and_a_moving_hub_leave_everything_once() {
    let mut bench = Bench::new();
    bench.hub.behaviour.lose_every.store(5, Ordering::SeqCst);
    bench.hub.behaviour.binary.store(true, Ordering::SeqCst);
    let dir = steady(&bench);
    let mut supervisor = bench.supervise(&dir, &[]);
    for round in 0..6usize {
        // The next disturbance comes after so many more points.
        let before = bench.hub.look(|stored| stored.points.len());
        until("more points or the end", || {
            let enough = bench.hub.look(|stored| stored.points.len()) > before + 40;
            enough || matches!(dir.program_status(), Ok(ProgramStatus::Ended(..)))
        });
        if round % 2 == 0 {
            bench.kill(supervisor);
            supervisor = bench.supervise(&dir, &[]);
        } else {
            bench.hub.close();
            bench.hub_open();
        }
    }
    assert_eq!(bench.ended(supervisor), Some(EXIT_DONE));
    let binary = bench.hub.look(|stored| stored.binary_batches);
    assert!(binary > 0, "the hub offers binary batches");
    assert_all_once(&bench);
}

#[test]
fn a_hub_that_was_away_the_whole_time_gets_everything_later() {
    let mut bench = Bench::without_hub();
    let dir = steady(&bench);
    let supervisor = bench.supervise(&dir, &["--hub-absence-seconds", "0"]);
    assert_eq!(bench.ended(supervisor), Some(EXIT_LATER));
    let record = dir.supervisor().expect("readable").expect("there");
    assert!(!record.shipped);
    // An agent without a hub has nothing to do, and does not spin.
    let idle = bench.agent(1);
    assert_eq!(bench.ended(idle), Some(EXIT_DONE));
    bench.hub_open();
    let agent = bench.agent(1);
    assert_eq!(bench.ended(agent), Some(EXIT_DONE));
    assert_all_once(&bench);
    assert!(dir.supervisor().expect("readable").expect("there").shipped);
}

#[test]
fn a_hub_that_lost_its_memory_gets_everything_again() {
    let mut bench = Bench::new();
    let dir = steady(&bench);
    let supervisor = bench.supervise(&dir, &[]);
    until("some points arrive", || {
        bench.hub.look(|stored| stored.points.len() > 100)
    });
    bench.hub.close();
    *bench.hub.stored.lock().expect("lock") = Default::default();
    bench.hub_open();
    assert_eq!(bench.ended(supervisor), Some(EXIT_DONE));
    assert_all_once(&bench);
}

#[test]
fn a_full_disk_harms_no_program_and_is_made_good_when_freed() {
    let mut bench = Bench::new();
    let mount = bench.path("small");
    std::fs::create_dir(&mount).expect("folder");
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"])
        .arg(&mount)
        .status()
        .is_ok_and(|status| status.success());
    if !mounted {
        assert!(
            std::env::var_os("CI").is_none(),
            "the gate must be able to mount a tmpfs"
        );
        eprintln!("skipped: this user may not mount a tmpfs");
        return;
    }
    let _unmount = Unmount(mount.clone());
    // Twenty events, then the disk is full to the last byte, then the program
    // ends: its exit code has to wait for room.
    let script = r#"
        for i in $(seq 1 20); do echo "{\"step\":$i,\"metrics\":{\"a\":$i}}"; done > $MLHUB_RUN_DIR/events/0.jsonl
        dd if=/dev/zero of=small/ballast bs=4096 2>/dev/null
        touch full
        while [ ! -e go ]; do sleep 0.02; done
        exit 9
    "#;
    let path = mount.join("run-1");
    let dir = bench.prepare_in(&path, "run-1", script, |launch| {
        launch.system_interval_seconds = 1;
    });
    let supervisor = bench.supervise(&dir, &[]);
    until("the disk is full", || bench.path("full").exists());
    until("the events arrive all the same", || {
        bench.hub.look(|stored| {
            stored
                .points
                .iter()
                .filter(|point| point.name == "a")
                .count()
        }) == 20
    });
    std::fs::write(bench.path("go"), "").expect("write");
    let program = dir.program().expect("readable").expect("there");
    until("the program ended", || {
        !mlhub_agent::supervisor::is_alive(&program.program)
    });
    assert!(bench.hub.look(|stored| stored.finish.is_none()));
    std::fs::remove_file(mount.join("ballast")).expect("freed");
    assert_eq!(bench.ended(supervisor), Some(EXIT_DONE));
    let finish = bench
        .hub
        .look(|stored| stored.finish.clone())
        .expect("an end");
    assert_eq!(finish.exit.expect("an exit").code, Some(9));
}

/// Unmounts when the test is over.
struct Unmount(std::path::PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount")
            .arg("-l")
            .arg(&self.0)
            .status();
    }
}
