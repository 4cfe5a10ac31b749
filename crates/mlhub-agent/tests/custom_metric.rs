//! Programs that compute metrics, well and badly, as real processes in the sandbox.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mlhub_agent::adapter::LaunchPlan;
use mlhub_agent::custom_metric::{
    Computed, CustomMetricError, MetricInput, Programs, compute, place,
};
use mlhub_protocol::adapter::RangeSection;
use mlhub_protocol::custom_metric::{MetricAsked, MetricColumn, MetricPredictions};
use mlhub_protocol::run_dir::RunFile;

/// Time that no program of these tests needs.
const AMPLE: Duration = Duration::from_secs(60);

/// What every program of these tests begins with.
const COMMON: &str = r#"
import json, os, sys, time
RUN = os.environ["MLHUB_RUN_DIR"]
with open(os.path.join(RUN, "metric.json")) as file:
    request = json.load(file)
with open(request["predictions"]["path"]) as file:
    predictions = json.load(file)
def answer(value):
    with open(os.path.join(RUN, "value.json"), "w") as file:
        json.dump({"version": 1, "value": value}, file)
def event(**fields):
    with open(os.path.join(RUN, "events", "0.jsonl"), "a") as file:
        file.write(json.dumps(fields) + "\n")
"#;

fn exe() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_mlhub-supervise"))
}

struct Bench {
    folder: tempfile::TempDir,
    range: RangeSection,
    time: Duration,
}

impl Bench {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            range: RangeSection::default(),
            time: AMPLE,
        }
    }

    fn input(&self) -> MetricInput {
        let predictions = MetricPredictions {
            version: 1,
            task: "regression".to_owned(),
            labels: Vec::new(),
            id: vec!["a".to_owned(), "b".to_owned()],
            y_true: MetricColumn::Numbers(vec![1.0, 2.0]),
            y_pred: Some(MetricColumn::Numbers(vec![1.5, 2.0])),
            y_score: None,
            weight: None,
            group: None,
        };
        MetricInput::write(self.folder.path(), &predictions).unwrap()
    }

    fn compute(&self, program: &str) -> Result<Computed, CustomMetricError> {
        let text = format!("{COMMON}\n{program}");
        let launch = |dir: &Path, _: &RunFile| {
            let env = [
                ("PATH", std::env::var("PATH").unwrap()),
                ("MLHUB_RUN_DIR", dir.to_string_lossy().into_owned()),
                ("CHECK_ACCESS_TOKEN", "secret".to_owned()),
                ("HOME", "/nowhere".to_owned()),
            ];
            Ok(LaunchPlan {
                argv: ["python3", "-c", &text].map(str::to_owned).into(),
                cwd: PathBuf::from("/"),
                env: env.map(|(name, value)| (name.to_owned(), value)).into(),
                stdout_events: false,
                log_metrics: Vec::new(),
                config_file: None,
            })
        };
        let metric = MetricAsked {
            name: "cost".to_owned(),
            version: 1,
            params: BTreeMap::from([("scale".to_owned(), 2.0.into())]),
        };
        let programs = Programs {
            launch: &launch,
            exe: exe(),
            time: self.time,
            stopped: &|| false,
        };
        let folder = place(self.folder.path(), 0);
        compute(&self.input(), &metric, self.range, &folder, &programs)
    }
}

#[track_caller]
fn refused(computed: Result<Computed, CustomMetricError>, parts: &[&str]) {
    let told = computed.expect_err("it is refused").to_string();
    for part in parts {
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn a_value_is_computed_twice_from_predictions_and_params() {
    let computed = Bench::new()
        .compute(
            "pairs = zip(predictions['y_true'], predictions['y_pred'])\n\
             answer(request['metric']['params']['scale'] * sum(abs(a - b) for a, b in pairs))",
        )
        .unwrap();
    assert_eq!(computed.value, 1.0);
    assert!(computed.enforced.resources, "{:?}", computed.enforced);
}

#[test]
fn a_program_sees_an_empty_folder_and_few_variables() {
    let computed = Bench::new()
        .compute(
            "assert os.listdir('.') == [], os.listdir('.')\n\
             assert 'CHECK_ACCESS_TOKEN' not in os.environ\n\
             assert os.environ['HOME'] == os.getcwd() == os.environ['TMPDIR']\n\
             answer(0.5)",
        )
        .unwrap();
    assert_eq!(computed.value, 0.5);
}

/// What is told of the network is true: connecting fails if and only if it is kept away.
#[test]
fn the_network_is_kept_away_or_told_not_to_be() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let program = format!(
        "import socket\n\
         try:\n    socket.create_connection(('127.0.0.1', {port}), timeout=20).close()\n    answer(1)\n\
         except OSError:\n    answer(0)"
    );
    let computed = Bench::new().compute(&program).unwrap();
    let reached = computed.value == 1.0;
    assert_eq!(computed.enforced.network, !reached, "{computed:?}");
    let told = computed.enforced.told();
    assert_eq!(told.contains("without network"), !reached, "{told}");
    let said = told.contains("not enforced: no network");
    assert_eq!(said, reached, "{told}");
}

#[test]
fn what_is_not_deterministic_is_refused_with_both_values() {
    let program = "answer(len(os.getcwd()))";
    let error = Bench::new().compute(program).expect_err("it is refused");
    let CustomMetricError::NotDeterministic { first, second } = error else {
        panic!("{error}");
    };
    assert_ne!(first.to_bits(), second.to_bits());
    let told = CustomMetricError::NotDeterministic { first, second }.to_string();
    for part in [
        "not deterministic",
        &format!("{first:?}"),
        &format!("{second:?}"),
    ] {
        assert!(told.contains(part), "{told}");
    }
    refused(
        Bench::new().compute("answer(hash('a') % 1000003)"),
        &["not deterministic"],
    );
}

#[test]
fn nan_is_a_value_and_a_range_is_kept() {
    let mut bench = Bench::new();
    bench.range.low = Some(0.0);
    bench.range.high = Some(1.0);
    assert!(bench.compute("answer('NaN')").unwrap().value.is_nan());
    let bench = Bench {
        range: bench.range,
        ..Bench::new()
    };
    refused(bench.compute("answer(1.5)"), &["1.5", "0.0 to 1.0"]);
}

#[test]
fn a_program_that_takes_too_long_is_stopped() {
    let bench = Bench {
        time: Duration::from_secs(1),
        ..Bench::new()
    };
    refused(bench.compute("time.sleep(600)"), &["longer than 1 s"]);
}

#[test]
fn too_much_output_and_too_large_files_end_a_program() {
    refused(
        Bench::new().compute("while True:\n    print('x' * 65536, flush=True)"),
        &["bytes of output"],
    );
    refused(
        Bench::new().compute("open('large', 'wb').truncate(1 << 30)\nanswer(1)"),
        &["its program failed"],
    );
    refused(
        Bench::new().compute("bytearray(1 << 36)\nanswer(1)"),
        &["its program failed"],
    );
}

#[test]
fn a_crash_is_told_with_its_signal_and_an_error_with_its_message() {
    refused(
        Bench::new().compute("import signal\nos.kill(os.getpid(), signal.SIGSEGV)"),
        &["signal: 11"],
    );
    refused(
        Bench::new().compute("event(error={'field': None, 'message': 'no rows'})\nsys.exit(1)"),
        &["no rows"],
    );
    let unknown =
        "event(error={'field': 'metric.name', 'message': 'cost is not known'})\nsys.exit(69)";
    refused(
        Bench::new().compute(unknown),
        &["does not know the metric", "cost is not known"],
    );
}

#[test]
fn an_answer_must_be_one() {
    refused(Bench::new().compute("pass"), &["is not there"]);
    refused(Bench::new().compute("answer('much')"), &["value.json"]);
    refused(
        Bench::new().compute("answer('x' * 5000)"),
        &["at most 4096 bytes"],
    );
}

#[test]
fn changed_predictions_are_noticed() {
    let program = "path = request['predictions']['path']\n\
                   os.chmod(path, 0o600)\n\
                   open(path, 'a').write(' ')\n\
                   answer(1)";
    refused(Bench::new().compute(program), &["changed the predictions"]);
}
