//! The main job: an experiment file becomes finished, evaluated, compared runs.

use serde_json::{Value, json};

use crate::support::{IRIS, World, wait};

const NATIVE: &str = "\
project: flowers
name: trees
adapter: native
dataset:
  path: iris.csv
  target: species
  split: {seed: 3, fractions: {train: 0.7, test: 0.3}, stratify: species}
seeds: [1, 2]
params: {rounds: 6}
tags: {family: trees}
";

#[test]
fn two_seeds_become_a_group_of_evaluated_runs() {
    let world = World::with_iris();
    world.write("trees.yaml", NATIVE);
    let said = world.ok(&["run", "trees.yaml", "--set", "params.max_depth=3"]);
    assert!(said.stdout.contains("Over seeds"), "{}", said.stdout);

    let runs = world.runs();
    assert_eq!(runs.len(), 2);
    let mut seeds = Vec::new();
    for run in &runs {
        for key in ["id", "name", "group"] {
            assert!(run[key].is_string(), "{key}: {run}");
        }
        assert_eq!(run["project"], "flowers");
        assert_eq!(run["adapter"], "native");
        assert_eq!(run["state"], "finished");
        assert_eq!(run["tags"], json!({"family": "trees"}));
        assert_eq!(run["group"], runs[0]["group"]);
        let accuracy = run["metrics"]["test/accuracy"].as_f64().expect("evaluated");
        assert!(accuracy > 0.8, "{accuracy}");
        assert!(run["metrics"]["train/loss"].is_number());
        seeds.push(run["seed"].as_i64().expect("a seed"));
    }
    seeds.sort_unstable();
    assert_eq!(seeds, [1, 2]);
    assert!(world.ok(&["runs"]).stdout.contains("finished"));

    let id = runs[0]["id"].as_str().expect("an id");
    show_holds_the_whole_run(&world, id);
    compare_says_where_they_stand(&world, &runs);
    let filtered = world.json(&["runs", "--state", "failed"]);
    assert_eq!(filtered, json!([]));
}

fn show_holds_the_whole_run(world: &World, id: &str) {
    let told = world.ok(&["show", id]).stdout;
    let read = told
        .split("What the program read")
        .nth(1)
        .expect("the entry");
    assert!(read.contains("device") && read.contains("shape"), "{read}");
    let shown = world.json(&["show", id]);
    assert_eq!(shown["config"]["params"]["rounds"], 6);
    assert_eq!(shown["config"]["params"]["max_depth"], 3);
    assert_eq!(shown["origins"]["params.rounds"]["kind"], "file");
    assert_eq!(shown["origins"]["params.rounds"]["line"], 9);
    assert_eq!(shown["origins"]["params.max_depth"]["kind"], "override");
    assert_eq!(shown["origins"]["params.l2"]["kind"], "adapter_default");
    let snapshot = &shown["snapshot"];
    assert_eq!(snapshot["adapter"]["name"], "native");
    assert_eq!(snapshot["dataset"]["rows"], 150);
    assert_eq!(snapshot["dataset"]["splits"]["test"]["rows"], 45);
    assert!(snapshot["machine"]["cores"].as_u64() >= Some(1));
    let evaluation = &shown["evaluations"][0];
    assert_eq!(evaluation["state"], "done");
    assert_eq!(evaluation["split"], "test");
    assert_eq!(evaluation["n"], 45);
    let metrics = evaluation["metrics"].as_array().expect("metrics");
    let accuracy = metrics
        .iter()
        .find(|metric| metric["name"] == "accuracy")
        .expect("accuracy");
    assert_eq!(accuracy["definition"], "accuracy@1");
    let value = accuracy["value"].as_f64().expect("a value");
    let interval = &accuracy["interval"];
    assert!(interval["low"].as_f64() <= Some(value), "{interval}");
    assert!(interval["high"].as_f64() >= Some(value), "{interval}");
    let text = world.ok(&["show", id]).stdout;
    for expected in ["accuracy@1", "trees.yaml:9", "--set params.max_depth=3"] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
}

fn compare_says_where_they_stand(world: &World, runs: &[Value]) {
    let ids: Vec<&str> = runs.iter().filter_map(|run| run["id"].as_str()).collect();
    let compared = world.json(&["compare", ids[0], ids[1]]);
    let rows = compared["metrics"].as_array().expect("rows");
    let accuracy = rows
        .iter()
        .find(|row| row["name"] == "test/accuracy")
        .expect("accuracy");
    assert_eq!(accuracy["definition"], "accuracy@1");
    for (index, run) in runs.iter().enumerate() {
        assert_eq!(accuracy["values"][index], run["metrics"]["test/accuracy"]);
        assert!(accuracy["intervals"][index]["low"].is_number());
    }
    assert_eq!(compared["groups"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        compared["groups"][0]["runs"].as_array().map(Vec::len),
        Some(2)
    );
}

#[test]
fn the_same_config_and_seed_give_the_same_bits() {
    let world = World::with_iris();
    let config = NATIVE.replace(
        "{rounds: 6}",
        "{rounds: 6, subsample: 0.7, column_subsample: 0.6, validation_fraction: 0.2}",
    );
    world.write("trees.yaml", &config);
    let first = world.json(&["run", "trees.yaml"]);
    let second = world.json(&["run", "trees.yaml"]);
    let hub = world.serve(&[]);
    for index in 0..2 {
        let (one, two) = (&first[index], &second[index]);
        assert_ne!(one["id"], two["id"]);
        assert_eq!(one["metrics"], two["metrics"]);
        assert!(one["metrics"].as_object().expect("metrics").len() > 10);
        // Serialised, so that even the sign of a zero would show.
        let evaluated = |run: &Value| run["evaluations"][0]["metrics"].to_string();
        assert_eq!(evaluated(one), evaluated(two));
        let bits = |run: &Value| -> Vec<u64> {
            let series = hub.series(run["id"].as_str().expect("id"), "validation/loss");
            series
                .values
                .iter()
                .map(|value| value.0.to_bits())
                .collect()
        };
        assert_eq!(bits(one).len(), 6);
        assert_eq!(bits(one), bits(two));
    }
    assert_ne!(first[0]["metrics"], first[1]["metrics"], "seeds matter");
}

#[test]
fn a_smoke_run_is_small_and_says_so() {
    let world = World::with_iris();
    world.write("trees.yaml", &NATIVE.replace("rounds: 6", "rounds: 90000"));
    world.ok(&["run", "trees.yaml", "--smoke"]);
    let runs = world.runs();
    assert_eq!(runs.len(), 2, "every seed has its smoke run");
    assert_eq!(runs[0]["tags"]["smoke"], "true");
    assert_eq!(runs[0]["params"]["rounds"], "10");
    assert_eq!(runs[0]["state"], "finished");
}

#[test]
fn a_dry_run_makes_nothing() {
    let world = World::with_iris();
    world.write("trees.yaml", NATIVE);
    let said = world.ok(&["run", "trees.yaml", "--dry-run"]);
    assert!(said.stdout.contains("would make 2 runs of flowers/trees"));
    let plan = world.json(&["run", "trees.yaml", "--dry-run"]);
    assert_eq!(plan["config"]["params"]["rounds"], 6);
    assert_eq!(plan["seeds"], json!([1, 2]));
    for made in ["runs", "blobs", "hub.json", "cache/datasets", "format.json"] {
        assert!(!world.data().join(made).exists(), "{made} was made");
    }
}

#[test]
fn detached_runs_go_on_without_the_command() {
    let world = World::new();
    world.script(
        "slow",
        "log(0, loss=1.0)\ngate('half')\nlog(1, loss=0.5)\n",
        "",
    );
    let ids = world.detach("slow.yaml");
    assert_eq!(ids.len(), 1);
    world.reached("half");
    let shown = world.json(&["show", &ids[0]]);
    assert!(["queued", "running"].contains(&shown["state"].as_str().expect("state")));
    world.open("half");
    let hub = world.serve(&[]);
    let run = hub.settled(&ids[0]);
    assert_eq!(run.summary.state, "finished");
    assert_eq!(hub.series(&ids[0], "loss").steps, [0, 1]);
}

#[test]
fn logs_are_the_programs_bytes() {
    let world = World::new();
    world.script(
        "bytes",
        "import sys\nsys.stdout.buffer.write(bytes(range(256)) * 40 + b'\\r\\n\\nno newline at the end')\nsys.stderr.buffer.write(b'\\xff\\x00err')\n",
        "",
    );
    world.ok(&["run", "bytes.yaml"]);
    let id = world.runs()[0]["id"].as_str().expect("id").to_owned();
    let read = |arguments: &[&str]| {
        let output = world.command(arguments).output().expect("logs");
        assert!(output.status.success());
        output.stdout
    };
    let mut expected: Vec<u8> = (0..=255).collect::<Vec<u8>>().repeat(40);
    expected.extend(b"\r\n\nno newline at the end");
    assert!(read(&["logs", &id]) == expected);
    assert!(read(&["logs", &id, "--follow"]) == expected);
    assert_eq!(read(&["logs", &id, "--tail", "7"]), b"the end");
    assert_eq!(read(&["logs", &id, "--stream", "stderr"]), b"\xff\x00err");
}

#[test]
fn a_followed_log_ends_with_the_run() {
    let world = World::new();
    world.script(
        "slow",
        "print('one', flush=True)\ngate('half')\nprint('two')\n",
        "",
    );
    let hub = world.serve(&[]);
    let id = world.detach("slow.yaml").remove(0);
    let follower = world
        .command(&["logs", "-f", &id])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("logs");
    world.reached("half");
    wait("the first line on the hub", || {
        hub.run(&id).summary.started_at.map(drop)
    });
    world.open("half");
    let output = follower.wait_with_output().expect("logs ends");
    assert_eq!(output.stdout, b"one\ntwo\n");
}

#[test]
fn split_files_are_taken_as_they_are() {
    let world = World::with_iris();
    let iris = std::fs::read_to_string(world.project().join("iris.csv")).expect("read");
    let (header, rows) = iris.split_once('\n').expect("a header");
    // Every third row, so that both parts have all classes.
    let part = |test: bool| {
        let rows = rows.lines().enumerate();
        let kept = rows.filter(|(row, _)| (row % 3 == 0) == test);
        let kept: Vec<&str> = kept.map(|(_, line)| line).collect();
        format!("{header}\n{}\n", kept.join("\n"))
    };
    world.write("parts/fit.csv", &part(false));
    world.write("parts/test.csv", &part(true));
    let experiment = |source: &str, folder: &str| {
        format!(
            "project: p\nname: e\nadapter: native\ndataset: {{{source}target: species, split: {{files: {{train: {folder}fit.csv, test: {folder}test.csv}}}}}}\nparams: {{rounds: 6}}\n"
        )
    };
    // Seen from the experiment file, and from the folder of a registered dataset.
    world.write("plain.yaml", &experiment("", "parts/"));
    world.ok(&["run", "plain.yaml"]);
    world.ok(&["dataset", "add", "parts/fit.csv", "--name", "flowers"]);
    world.write("named.yaml", &experiment("name: flowers, ", ""));
    world.ok(&["run", "named.yaml"]);
    let runs = world.runs();
    let accuracy: Vec<&Value> = runs
        .iter()
        .map(|run| &run["metrics"]["test/accuracy"])
        .collect();
    assert_eq!(accuracy.len(), 2);
    assert!(accuracy[0].as_f64().expect("evaluated") > 0.8);
    assert_eq!(accuracy[0], accuracy[1], "the same parts");
}

#[test]
fn rows_of_several_labels_and_clusters_are_evaluated() {
    let world = World::with_iris();
    let program = |answer: &str| {
        format!(
            "import csv\nrun = run_file()\nwith open(run['dataset']['splits']['test']['path'], newline='') as file: rows = list(csv.DictReader(file))\nfolder = os.path.join(os.environ['MLHUB_RUN_DIR'], 'predictions')\nos.makedirs(folder, exist_ok=True)\nwith open(os.path.join(folder, 'test.csv'), 'w', newline='') as file:\n    table = csv.writer(file)\n    table.writerow(['id', 'y_true', 'y_pred'])\n    for i, row in enumerate(rows):\n        kind, large = row['species'], float(row['petal_length_cm']) > 2.5\n        table.writerow([i, {answer}])\nlog(0, loss=0.5)\nprint(json.dumps({{'predictions': {{'split': 'test', 'path': 'predictions/test.csv'}}}}), flush=True)\n"
        )
    };
    let evaluated = |name: &str, answer: &str| {
        let wish = IRIS.replace("multiclass", name);
        world.script(name, &program(answer), &wish);
        let details = world.json(&["run", &format!("{name}.yaml")]);
        let evaluation = details[0]["evaluations"][0].clone();
        assert_eq!(evaluation["state"], "done", "{evaluation}");
        assert_eq!(evaluation["task"], name);
        let metrics = evaluation["metrics"].as_array().expect("metrics").clone();
        move |metric: &str| {
            let found = metrics.iter().find(|one| one["name"] == metric);
            found
                .and_then(|one| one["value"].as_f64())
                .expect("a value")
        }
    };
    // Petals of setosa, and only those, are short: one of two labels is always right.
    let of = evaluated(
        "multilabel",
        "json.dumps([kind] + (['large'] if large else [])), json.dumps(['large'] if large else ['setosa'])",
    );
    let setosa_share = of("subset_accuracy");
    assert!((0.1..0.6).contains(&setosa_share), "{setosa_share}");
    assert_eq!(of("precision_samples"), 1.0);
    let of = evaluated("clustering", "kind, 'b' if large else 'a'");
    // Each class lies whole in one cluster, and one cluster holds two classes.
    assert_eq!(of("completeness"), 1.0);
    assert!((0.2..0.9).contains(&of("homogeneity")));
}
