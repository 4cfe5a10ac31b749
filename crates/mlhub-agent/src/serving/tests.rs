//! Programs that keep the conversation and programs that break it, as real processes.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use mlhub_protocol::serving::{Ask, ProblemCode};
use serde_json::{Map, Value, json};

use super::{Answer, Answered, Pool, PoolLimits, ServeError, WorkerLimits, WorkerPlan};
use crate::adapter::LaunchPlan;
use crate::supervisor::process_identity;

/// How long a condition may take to come true on a busy machine.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// Pause between two looks at it.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// What every program of these tests begins with.
const COMMON: &str = r#"
import json, os, subprocess, sys, time
def say(frame):
    sys.stdout.write(json.dumps(frame) + "\n")
    sys.stdout.flush()
def touch(name, text=""):
    with open("../" + name + ".new", "w") as file:
        file.write(text)
    os.rename("../" + name + ".new", "../" + name)
def ready():
    say({"ready": {"protocol": 1, "capabilities": ["predict"]}})
def asked():
    for line in sys.stdin:
        request = json.loads(line)
        yield request["id"], request["predict"]["inputs"]
def echo(break_at=None):
    ready()
    for number, inputs in asked():
        if inputs[0] == "break":
            break_at(number)
        say({"id": number, "outputs": inputs})
"#;

struct Bench {
    folder: tempfile::TempDir,
    pool: Pool,
    program: String,
}

fn limits() -> PoolLimits {
    PoolLimits {
        worker: WorkerLimits {
            ready: WAIT_MAX,
            answer: WAIT_MAX,
            ..WorkerLimits::default()
        },
        ..PoolLimits::default()
    }
}

impl Bench {
    fn new(limits: PoolLimits, program: &str) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            pool: Pool::new(limits).unwrap(),
            program: format!("{COMMON}\n{program}"),
        }
    }

    fn plan(&self, key: &str) -> WorkerPlan {
        let dir = self.folder.path().join(key);
        let run = serde_json::from_value(json!({
            "version": 1, "run": {"id": "r1", "project": "p", "experiment": "e", "name": "n"},
            "attempt": 1, "seed": 1, "params": {}, "config": {}
        }))
        .unwrap();
        let path = std::env::var("PATH").unwrap();
        WorkerPlan {
            launch: LaunchPlan {
                argv: ["python3", "-c", &self.program].map(str::to_owned).into(),
                cwd: dir.clone(),
                env: BTreeMap::from([("PATH".to_owned(), path)]),
                stdout_events: false,
                log_metrics: Vec::new(),
                config_file: None,
            },
            dir,
            run,
        }
    }

    fn ask_of(&self, key: &str, input: &str) -> Result<Answered, ServeError> {
        let ask = Ask::Predict {
            inputs: vec![Value::from(input)],
            options: Map::new(),
        };
        self.pool.ask(key, || Ok(self.plan(key)), &ask)
    }

    fn ask(&self, input: &str) -> Result<Answered, ServeError> {
        self.ask_of("m", input)
    }

    /// The next request is answered by a new program.
    #[track_caller]
    fn goes_on(&self) {
        let answered = self.ask("fine").expect("an answer");
        assert!(answered.cold_start);
        assert_eq!(answered.answer, Answer::Outputs(vec![json!("fine")]));
    }

    fn there(&self, name: &str) -> String {
        let path = self.folder.path().join(name);
        wait(|| path.exists());
        std::fs::read_to_string(path).unwrap()
    }
}

#[track_caller]
fn wait(mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + WAIT_MAX;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain");
        std::thread::sleep(LOOK_INTERVAL);
    }
}

#[test]
fn a_warm_program_answers_again_and_leaves_nothing() {
    let bench = Bench::new(limits(), "echo()\ntouch('ended')");
    for cold_start in [true, false] {
        let answered = bench.ask("a").expect("an answer");
        assert_eq!(answered.cold_start, cold_start);
        assert_eq!(answered.answer, Answer::Outputs(vec![json!("a")]));
    }
    assert_eq!(bench.pool.keys(), ["m"]);
    bench.pool.close();
    // It came to its own end, by the end of its input.
    bench.there("ended");
    assert!(!Path::new(&bench.plan("m").dir).exists());
    assert!(matches!(bench.ask("a"), Err(ServeError::Stopping)));
}

#[test]
fn a_program_that_dies_is_told_without_its_last_words() {
    let bench = Bench::new(
        limits(),
        "echo(lambda number: sys.exit(print('no disk', file=sys.stderr) or 3))",
    );
    let error = bench.ask("break").expect_err("it died");
    let said = error.to_string();
    assert!(
        said.contains("while it answered") && said.contains("exit status: 3"),
        "{said}"
    );
    // Its last words are for the hub's log, not for whoever asked.
    assert!(!said.contains("no disk"), "{said}");
    assert_eq!(error.last_lines(), ["no disk"]);
    bench.goes_on();
}

#[test]
fn a_request_waits_for_those_before_it_and_not_for_ever() {
    let mut short = limits();
    short.wait = Duration::from_millis(50);
    let bench = Bench::new(
        short,
        r"
def slowly(number):
    touch('asked')
    while not os.path.exists('../go'):
        time.sleep(0.01)
echo(slowly)",
    );
    std::thread::scope(|scope| {
        let first = scope.spawn(|| bench.ask("break"));
        bench.there("asked");
        let error = bench.ask("later").expect_err("it waits too long");
        assert!(matches!(error, ServeError::Waited(_)), "{error}");
        std::fs::write(bench.folder.path().join("go"), "").unwrap();
        assert!(first.join().unwrap().is_ok());
    });
    assert!(!bench.ask("later").expect("an answer").cold_start);
}

#[test]
fn who_waits_is_answered_in_turn() {
    let bench = Bench::new(limits(), "echo()");
    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| bench.ask("a").expect("an answer").cold_start))
            .collect();
        let cold = asking.into_iter().map(|one| one.join().unwrap());
        assert_eq!(cold.filter(|cold| *cold).count(), 1, "one program for all");
    });
}

#[test]
fn a_program_that_hangs_is_killed_with_all_it_started() {
    let mut limits = limits();
    limits.worker.answer = Duration::from_secs(2);
    let bench = Bench::new(
        limits,
        r"
def hang(number):
    child = subprocess.Popen(['sleep', '600'])
    touch('child', str(child.pid))
    time.sleep(600)
echo(hang)",
    );
    let error = bench.ask("break").expect_err("it hangs");
    assert!(matches!(error, ServeError::TimedOut { .. }), "{error}");
    let child: i32 = bench.there("child").parse().unwrap();
    wait(|| process_identity(child).is_none());
    bench.goes_on();
}

#[test]
fn a_flood_and_forged_frames_end_the_program() {
    for program in [
        "echo(lambda number: print('x' * (64 * 1024 * 1024 + 1)))",
        "echo(lambda number: print('loading...'))",
        "echo(lambda number: say({'id': 99, 'outputs': [1]}))",
        "echo(lambda number: say({'id': number, 'outputs': [1, 2]}))",
        "echo(lambda number: say({'id': number, 'hits': [[]]}))",
    ] {
        let bench = Bench::new(limits(), program);
        let error = bench.ask("break").expect_err(program);
        assert!(
            matches!(error, ServeError::Conversation { .. }),
            "{program}: {error}"
        );
        bench.goes_on();
    }
    let bench = Bench::new(limits(), "print('hello', flush=True)\necho()");
    let error = bench.ask("a").expect_err("it speaks before it is ready");
    assert!(matches!(error, ServeError::Conversation { .. }), "{error}");
}

#[test]
fn a_refusal_before_ready_names_its_field() {
    let bench = Bench::new(
        limits(),
        r#"
with open("events/0.jsonl", "w") as file:
    file.write(json.dumps({"error": {"field": "depth", "message": "must be positive"}}) + "\n")
sys.exit(64)"#,
    );
    match bench.ask("a").expect_err("refused") {
        ServeError::Refused { field, message } => {
            assert_eq!(field.as_deref(), Some("depth"));
            assert_eq!(message, "must be positive");
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_bad_input_leaves_the_program_warm() {
    let bench = Bench::new(
        limits(),
        r"
ready()
for number, inputs in asked():
    say({'id': number, 'error': {'code': 'invalid', 'field': 'inputs.0', 'message': 'no such island'}}
        if inputs[0] == 'bad' else {'id': number, 'outputs': inputs})",
    );
    match bench.ask("bad").expect_err("refused") {
        ServeError::Request(problem) => {
            assert_eq!(problem.code, ProblemCode::Invalid);
            assert_eq!(problem.field.as_deref(), Some("inputs.0"));
        }
        other => panic!("{other}"),
    }
    assert!(!bench.ask("good").expect("an answer").cold_start);
}

#[test]
fn a_program_that_eats_memory_is_stopped() {
    let mut limits = limits();
    limits.worker.memory_bytes = 128 * 1024 * 1024;
    let bench = Bench::new(
        limits,
        r"
def eat(number):
    global eaten
    eaten = b'x' * (256 * 1024 * 1024)
    time.sleep(600)
echo(eat)",
    );
    let error = bench.ask("break").expect_err("too much");
    assert!(matches!(error, ServeError::Memory { .. }), "{error}");
    bench.goes_on();
}

#[test]
fn idle_programs_end_and_others_make_way() {
    let mut short = limits();
    short.idle = Duration::from_millis(50);
    let bench = Bench::new(short, "echo()\ntouch('ended')");
    bench.ask("a").expect("an answer");
    bench.there("ended");
    wait(|| bench.pool.keys().is_empty());
    bench.goes_on();

    let mut one = limits();
    one.workers = 1;
    let bench = Bench::new(one, "echo()");
    bench.ask_of("first", "a").expect("an answer");
    bench.ask_of("second", "a").expect("an answer");
    assert_eq!(bench.pool.keys(), ["second"]);
}

/// Two programs of one model share its directory, which goes with the first.
#[test]
fn a_program_starts_once_the_one_before_it_has_ended() {
    let mut short = limits();
    short.idle = Duration::from_millis(50);
    let bench = Bench::new(
        short,
        r"
if os.path.exists('../pid'):
    try:
        os.kill(int(open('../pid').read()), 0)
        sys.exit('the one before it is still there')
    except ProcessLookupError:
        pass
touch('pid', str(os.getpid()))
echo()
touch('ended')
time.sleep(600)",
    );
    bench.ask("a").expect("an answer");
    bench.there("ended");
    bench.goes_on();
}

#[test]
fn closing_ends_a_request_under_way() {
    let bench = Bench::new(
        limits(),
        "echo(lambda number: (touch('asked'), time.sleep(600)))",
    );
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| bench.ask("break"));
        bench.there("asked");
        bench.pool.close();
        let error = asking.join().unwrap().expect_err("closed");
        assert!(matches!(error, ServeError::Stopping), "{error}");
    });
}
