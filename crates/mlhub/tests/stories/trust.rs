//! What may be said of results: tests row by row, leaderboards that leave out what is not
//! verified or leaked, gates, slices, and whether an experiment is deterministic. All on real
//! training.

use serde_json::Value;

use crate::support::World;

const REFUSED: Option<i32> = Some(8);
const NOT_PASSED: Option<i32> = Some(1);
const CONFIG: Option<i32> = Some(3);

/// An experiment over rows that have an id and a place; `seeds` and `params` as YAML.
fn experiment(name: &str, seeds: &str, params: &str) -> String {
    format!(
        "project: flowers\nname: {name}\nadapter: native\nseeds: {seeds}\n\
         dataset: {{path: rows.csv, target: species, id: plant, split: {{seed: 3, fractions: {{train: 0.6, test: 0.4}}}}}}\n\
         params: {{exclude: [place], {params}}}\n\
         evaluation: {{task: multiclass, slices: [place, sepal_length_cm], bootstrap: {{samples: 50}}}}\n"
    )
}

/// The iris rows, named, each of one of two places; `twice` puts one flower in again under another name.
fn rows(twice: bool) -> String {
    let iris = include_str!("../../../../adapters/native/smoke.csv");
    let mut lines = iris.lines();
    let mut text = format!("plant,place,{}\n", lines.next().expect("a header"));
    let flowers: Vec<&str> = lines.collect();
    for (row, flower) in flowers.iter().enumerate() {
        let place = if row % 3 == 0 { "hill" } else { "shore" };
        text.push_str(&format!("p{row},{place},{flower}\n"));
    }
    if twice {
        // Every flower again: some of them come to be on the other side of the split.
        for (row, flower) in flowers.iter().enumerate().take(20) {
            let place = if row % 3 == 0 { "hill" } else { "shore" };
            text.push_str(&format!("again{row},{place},{flower}\n"));
        }
    }
    text
}

#[track_caller]
fn trained(world: &World, file: &str) -> Vec<String> {
    let details = world.json(&["run", file]);
    let runs = details.as_array().expect("runs").iter();
    runs.map(|run| {
        assert_eq!(run["state"], "finished", "{run}");
        run["id"].as_str().expect("an id").to_owned()
    })
    .collect()
}

/// A world with two experiments: one that learns, one that hardly does.
fn two_experiments(twice: bool) -> (World, Vec<String>, Vec<String>) {
    let world = World::new();
    world.write("rows.csv", &rows(twice));
    let good = experiment("good", "[1, 2, 3]", "rounds: 20, subsample: 0.8");
    world.write("good.yaml", &good);
    let poor = experiment(
        "poor",
        "[1, 2, 3]",
        "model: logistic, epochs: 1, step_size: 0.0001",
    );
    world.write("poor.yaml", &poor);
    let (good, poor) = (trained(&world, "good.yaml"), trained(&world, "poor.yaml"));
    (world, good, poor)
}

fn texts<'a>(list: &'a Value, key: &str) -> Vec<&'a str> {
    let items = list.as_array().expect("a list").iter();
    items
        .map(|item| item[key].as_str().unwrap_or_default())
        .collect()
}

#[test]
fn verified_results_are_ranked_with_their_significance_and_the_rest_is_left_out_with_reasons() {
    let (world, good, poor) = two_experiments(false);
    let found = world.json(&["leaderboard", "accuracy"]);
    assert_eq!(found["definition"], "accuracy@1");
    let boards = found["boards"].as_array().expect("boards");
    assert_eq!(boards.len(), 1, "{found}");
    let entries = boards[0]["entries"].as_array().expect("entries");
    assert_eq!(texts(&boards[0]["entries"], "experiment"), ["good", "poor"]);
    assert_eq!(entries[0]["statistics"]["n"], 3);
    assert_eq!(entries[0]["against_first"], Value::Null);
    assert_eq!(entries[1]["against_first"], "behind", "{}", entries[1]);
    // The smaller log loss is the better one.
    let loss = world.json(&["leaderboard", "test/log_loss"]);
    assert_eq!(
        texts(&loss["boards"][0]["entries"], "experiment"),
        ["good", "poor"]
    );
    assert_eq!(loss["direction"], "minimize");

    // Reproductions and smoke runs are no new results.
    world.ok(&["reproduce", &good[0]]);
    world.ok(&["run", "good.yaml", "--smoke"]);
    let again = world.json(&["leaderboard", "accuracy"]);
    assert_eq!(
        again["boards"][0]["entries"].as_array().map(Vec::len),
        Some(2)
    );
    assert_eq!(again["boards"][0]["entries"][0]["reproduced"], "identical");
    let reasons = texts(&again["left_out"], "reason").join("\n");
    assert!(
        reasons.contains("reproduce") && reasons.contains("smoke"),
        "{reasons}"
    );

    // One seed each says nothing of seeds.
    let query = format!("id = \"{}\" or id = \"{}\"", good[0], poor[0]);
    let single = world.json(&["leaderboard", "accuracy", &query]);
    let second = &single["boards"][0]["entries"][1];
    assert_eq!(second["against_first"], "no_verdict", "{second}");

    let said = world.mlhub(&["leaderboard", "acuracy"]);
    assert_eq!(said.code, REFUSED);
    assert!(said.stderr.contains("SPLIT/NAME"), "{}", said.stderr);
}

#[test]
fn leaked_rows_are_named_and_keep_results_off_until_somebody_accepts_them() {
    let world = World::new();
    world.write("rows.csv", &rows(true));
    world.write("leaky.yaml", &experiment("leaky", "[1]", "rounds: 5"));
    let said = world.mlhub(&["run", "leaky.yaml"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    // The same flower has two names, and is found all the same.
    assert!(
        said.stderr
            .contains("rows of the split `test` are also in `train`")
            && said.stderr.contains("(ids "),
        "{}",
        said.stderr
    );
    let found = world.json(&["leaderboard", "accuracy"]);
    assert_eq!(found["boards"].as_array().map(Vec::len), Some(0));
    assert!(texts(&found["left_out"], "reason")[0].contains("nobody accepted"));
    let id = world.runs()[0]["id"].as_str().expect("id").to_owned();
    world.write(
        "gate.toml",
        "[[threshold]]\nmetric = \"test/accuracy\"\nmin = 0.0\n",
    );
    let gate = world.mlhub(&["gate", "gate.toml", "--run", &id]);
    assert_eq!(gate.code, NOT_PASSED, "{}", gate.stderr);
    assert!(gate.stdout.contains("nobody accepted"), "{}", gate.stdout);

    let accept = |reason: &str| {
        let options = ["--split", "test", "--reason", reason];
        world.mlhub(&[&["dataset", "accept", "rows@1"], &options[..]].concat())
    };
    let said = accept(" ");
    assert_eq!(said.code, REFUSED);
    assert!(said.stderr.contains("`reason`"), "{}", said.stderr);
    assert_eq!(accept("measured twice, on purpose").code, Some(0));
    let found = world.json(&["leaderboard", "accuracy"]);
    let accepted = &found["boards"][0]["accepted_leakage"];
    assert_eq!(accepted["reason"], "measured twice, on purpose", "{found}");
    assert!(
        accepted["user"]
            .as_str()
            .is_some_and(|user| !user.is_empty())
    );
    world.ok(&["gate", "gate.toml", "--run", &id]);
}

#[test]
fn two_runs_are_tested_row_by_row() {
    let (world, good, poor) = two_experiments(false);
    let pair = world.json(&["compare", "--paired", &good[0], &poor[0]]);
    let tests = pair["tests"].as_array().expect("tests");
    let of = |name: &str| {
        let found = tests.iter().find(|test| test["metric"] == name);
        found.unwrap_or_else(|| panic!("{name} is not tested: {pair}"))
    };
    let accuracy = of("accuracy");
    assert_eq!(accuracy["method"], "McNemar test");
    assert_eq!(accuracy["verdict"], "a_better", "{accuracy}");
    assert!(accuracy["p_adjusted"].as_f64() >= accuracy["p_value"].as_f64());
    assert_eq!(of("log_loss")["verdict"], "a_better");
    // The other way round the difference has the other sign.
    let turned = world.json(&[
        "compare", "--paired", &poor[0], &good[0], "--metric", "accuracy",
    ]);
    assert_eq!(turned["tests"].as_array().map(Vec::len), Some(1));
    assert_eq!(turned["tests"][0]["verdict"], "b_better");

    let again = world.json(&["reproduce", &good[0]]);
    let same = again["run"].as_str().expect("a run").to_owned();
    let pair = world.json(&[
        "compare", "--paired", &good[0], &same, "--metric", "accuracy",
    ]);
    assert_eq!(pair["tests"][0]["verdict"], "no_difference", "{pair}");

    for (arguments, part) in [
        (vec![good[0].as_str(), good[0].as_str()], "named twice"),
        (vec![&good[0], &poor[0], "--metric", "f1"], "`f1`"),
        (vec![&good[0], &poor[0], "--split", "train"], "`train`"),
        (vec![&good[0], &poor[0], "--method", "coin"], "mcnemar"),
        (
            vec![&good[0], &poor[0], "--samples", "4000000000"],
            "samples",
        ),
    ] {
        let said = world.mlhub(&[&["compare", "--paired"], &arguments[..]].concat());
        assert_eq!(said.code, REFUSED, "{arguments:?}: {}", said.stdout);
        assert!(said.stderr.contains(part), "{}", said.stderr);
    }
}

#[test]
fn a_gate_passes_what_is_good_enough_and_says_what_is_not() {
    let (world, good, poor) = two_experiments(false);
    world.write(
        "gate.toml",
        "[[threshold]]\nmetric = \"test/accuracy\"\nmin = 0.8\n\n\
         [[threshold]]\nmetric = \"test/accuracy\"\nmin = 0.5\nbound = \"interval\"\n\n\
         [[no_regression]]\nmetrics = [\"test/accuracy\", \"test/log_loss\"]\n\n\
         [[fairness]]\nmetric = \"test/accuracy\"\nslice = \"place\"\nmax_gap = 0.5\nmin_rows = 5\n\n\
         [size]\nmax_bytes = 10000000\n",
    );
    let passed = world.json(&[
        "gate",
        "gate.toml",
        "--run",
        &good[0],
        "--baseline",
        &poor[0],
    ]);
    assert_eq!(passed["passed"], true, "{passed}");
    let rules = texts(&passed["checks"], "rule");
    for rule in [
        "verified",
        "leakage",
        "threshold",
        "no_regression",
        "fairness",
        "size",
    ] {
        assert!(rules.contains(&rule), "{rule} is not checked: {passed}");
    }
    let junit = world.project().join("gate.xml");
    let arguments = [
        "gate",
        "gate.toml",
        "--run",
        &poor[0],
        "--baseline",
        &good[0],
        "--junit",
    ];
    let failed = world.mlhub(&[&arguments[..], &[junit.to_str().expect("a path")]].concat());
    assert_eq!(failed.code, NOT_PASSED, "{}", failed.stderr);
    assert!(failed.stdout.contains("did not pass"), "{}", failed.stdout);
    let xml = std::fs::read_to_string(&junit).expect("written");
    assert!(xml.contains("<failure message=\"worse by"), "{xml}");

    // Several runs on each side are tested over their seeds.
    let mut arguments = vec!["gate", "gate.toml"];
    arguments.extend(poor.iter().flat_map(|run| ["--run", run.as_str()]));
    arguments.extend(good.iter().flat_map(|run| ["--baseline", run.as_str()]));
    let seeds = world.mlhub(&arguments);
    assert_eq!(seeds.code, NOT_PASSED);
    assert!(seeds.stdout.contains("Welch"), "{}", seeds.stdout);

    let refused = world.mlhub(&["gate", "gate.toml", "--run", &good[0]]);
    assert_eq!(refused.code, REFUSED);
    assert!(refused.stderr.contains("--baseline"), "{}", refused.stderr);
    world.write("wrong.toml", "[[treshold]]\nmetric = \"test/accuracy\"\n");
    let wrong = world.mlhub(&["gate", "wrong.toml", "--run", &good[0]]);
    assert_eq!(wrong.code, CONFIG);
    assert!(
        wrong.stderr.contains("wrong.toml") && wrong.stderr.contains("treshold"),
        "{}",
        wrong.stderr
    );
    world.write(
        "none.toml",
        "[[threshold]]\nmetric = \"test/none\"\nmin = 1\n",
    );
    let none = world.mlhub(&["gate", "none.toml", "--run", &good[0]]);
    assert_eq!(none.code, NOT_PASSED);
    assert!(
        none.stdout.contains("has no `test/none`"),
        "{}",
        none.stdout
    );
}

#[test]
fn metrics_are_computed_by_the_values_of_columns() {
    let world = World::new();
    world.write("rows.csv", &rows(false));
    world.write("good.yaml", &experiment("good", "[1]", "rounds: 5"));
    let id = trained(&world, "good.yaml").remove(0);
    let hub = world.serve(&[]);
    let detail = hub.client.run_get(&id).expect("the run");
    let evaluation = hub
        .client
        .evaluation_get(&detail.evaluations[0].id)
        .expect("it");
    let curves = evaluation.curves.expect("curves");
    let slices = curves["slices"].as_array().expect("slices");
    let of = |column: &str| -> Vec<&Value> {
        slices
            .iter()
            .filter(|slice| slice["column"] == column)
            .collect()
    };
    let places = of("place");
    assert_eq!(places.len(), 2, "{slices:?}");
    assert_eq!(
        of("sepal_length_cm").len(),
        4,
        "numbers are put into quarters"
    );
    for column in ["place", "sepal_length_cm"] {
        let rows: u64 = of(column)
            .iter()
            .filter_map(|slice| slice["n"].as_u64())
            .sum();
        assert_eq!(Some(rows), evaluation.evaluation.n);
    }
    // The mean over the slices, weighted by their rows, is the accuracy of the whole.
    let sum: f64 = places
        .iter()
        .map(|slice| {
            let metrics = slice["metrics"].as_array().expect("metrics").iter();
            let mut accuracy = metrics.filter(|metric| metric["name"] == "accuracy");
            let value = accuracy.next().and_then(|metric| metric["value"].as_f64());
            value.expect("accuracy") * slice["n"].as_f64().expect("rows")
        })
        .sum();
    let whole = evaluation.evaluation.metrics.iter();
    let whole = whole
        .filter(|metric| metric.name == "accuracy")
        .map(|metric| metric.value.0);
    let mean = sum / evaluation.evaluation.n.expect("rows") as f64;
    assert!(
        whole.clone().any(|value| (value - mean).abs() < 1e-12),
        "{mean}"
    );
    drop(hub);

    let text = experiment("good", "[1]", "rounds: 5").replace("[place, ", "[plase, ");
    world.write("wrong.yaml", &text);
    let wrong = world.mlhub(&["run", "wrong.yaml"]);
    assert_eq!(wrong.code, CONFIG, "{}", wrong.stderr);
    assert!(
        wrong.stderr.contains("evaluation.slices") && wrong.stderr.contains("place"),
        "{}",
        wrong.stderr
    );
    assert!(world.mlhub(&["show", &id]).stdout.contains("place = "));
}

#[test]
fn an_experiment_is_examined_for_chance() {
    let world = World::with_iris();
    world.write(
        "trees.yaml",
        "project: flowers\nname: trees\nadapter: native\nseeds: [1, 2]\ndataset: {path: iris.csv, target: species, split: {seed: 3, fractions: {train: 0.7, test: 0.3}}}\n",
    );
    let said = world.ok(&["doctor", "trees.yaml"]);
    assert!(said.stdout.contains("deterministic: "), "{}", said.stdout);
    assert_eq!(world.runs().len(), 2, "one seed, twice");

    let python = "import random\nchance = random.Random()\nfor step in range(4):\n    log(step, loss=1 / (step + 1) if step < 2 else chance.random(), steady=1.0)\n";
    world.script("dice", python, "");
    let said = world.mlhub(&["doctor", "dice.yaml", "--json"]);
    assert_eq!(said.code, NOT_PASSED, "{}", said.stderr);
    let found: Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!(found["first"]["metric"], "loss", "{found}");
    assert_eq!(found["first"]["step"], 2);
    assert_eq!(found["differing"], serde_json::json!(["loss"]));
    assert_eq!(found["causes"], serde_json::json!([]));
    let suspect = &found["suspects"][0];
    assert_eq!(
        (&suspect["file"], &suspect["line"]),
        (&"dice.py".into(), &3.into())
    );

    // Threads that add in another order: one thread takes the cause away.
    let threads = "import os, random\nchance = random.Random(0 if os.environ.get('OMP_NUM_THREADS') == '1' else None)\nlog(0, loss=chance.random())\n";
    world.script("threads", threads, "");
    let said = world.mlhub(&["doctor", "threads.yaml"]);
    assert_eq!(said.code, NOT_PASSED);
    assert!(
        said.stdout.contains("CAUSE: several threads"),
        "{}",
        said.stdout
    );

    let said = world.mlhub(&["doctor", "trees.yaml", "--repair"]);
    assert_eq!(said.code, Some(2), "{}", said.stderr);
}

#[test]
fn definitions_are_held_against_each_other() {
    let world = World::new();
    let same = world.ok(&["metrics", "diff", "f1", "f1@1"]);
    assert!(
        same.stdout.contains("the same definition"),
        "{}",
        same.stdout
    );
    let differ = world.json(&["metrics", "diff", "f1", "f2"]);
    let fields = differ["differs"].as_object().expect("fields");
    assert!(
        fields.contains_key("formula") && fields.contains_key("name"),
        "{differ}"
    );
    let said = world.mlhub(&["metrics", "diff", "f1", "f1@9"]);
    assert_eq!(said.code, REFUSED);
    assert!(said.stderr.contains("f1@9"), "{}", said.stderr);
}

/// A program that answers the split `test`, and `validation` where there is one, with the rows
/// that `lines` gives of each number, as JSON lines.
fn answering(lines: &str) -> String {
    format!(
        "run = run_file()\n\
         folder = os.path.join(os.environ['MLHUB_RUN_DIR'], 'predictions')\n\
         os.makedirs(folder, exist_ok=True)\n\
         for split in run['predict_splits']:\n\
         \x20   with open(os.path.join(folder, split + '.jsonl'), 'w') as file:\n\
         \x20       for i in range(run['dataset']['splits'][split]['rows']):\n\
         \x20           file.write(json.dumps(dict(id=i, **({lines}))) + '\\n')\n\
         \x20   print(json.dumps({{'predictions': {{'split': split, 'path': 'predictions/' + split + '.jsonl'}}}}), flush=True)\n\
         log(0, loss=0.5)\n"
    )
}

/// Trains an experiment whose program answers `lines`; returns its evaluation of `test`.
#[track_caller]
fn evaluated(world: &World, task: &str, more: &str, lines: &str) -> impl Fn(&str) -> f64 + use<> {
    let wish = format!(
        "dataset: {{path: iris.csv, target: species, split: {{seed: 3, fractions: {{train: 0.4, validation: 0.3, test: 0.3}}}}}}\n\
         evaluation: {{task: {task}, splits: [test], bootstrap: {{samples: 20}}{more}}}"
    );
    world.script(task, &answering(lines), &wish);
    let details = world.json(&["run", &format!("{task}.yaml")]);
    let all = details[0]["evaluations"].as_array().expect("evaluations");
    let of = all
        .iter()
        .find(|of| of["split"] == "test")
        .expect("of test")
        .clone();
    assert_eq!(of["state"], "done", "{of}");
    assert_eq!(of["task"], task);
    move |name: &str| {
        let metrics = of["metrics"].as_array().expect("metrics").iter();
        let mut found = metrics.filter(|metric| metric["name"] == name);
        let value = found.next().and_then(|metric| metric["value"].as_f64());
        value.unwrap_or_else(|| panic!("no {name} in {of}"))
    }
}

#[test]
fn anomalies_forecasts_and_survival_are_evaluated() {
    let world = World::with_iris();
    let of = evaluated(
        &world,
        "anomaly",
        ", threshold_split: validation",
        "{'y_true': int(i % 5 == 0), 'y_score': 0.9 if i % 5 == 0 else i / 1000}",
    );
    // The threshold of the other split divides this one, too.
    assert_eq!((of("anomaly_auroc"), of("anomaly_f1")), (1.0, 1.0));
    let of = evaluated(
        &world,
        "forecasting",
        "",
        "{'y_true': float(i), 'y_pred': i + 1.0, 'group': 'ab'[i % 2], 'scale': 2.0, 'y_pred_q0.1': i - 1.0, 'y_pred_q0.9': i + 3.0}",
    );
    assert_eq!((of("forecast_mae"), of("mase")), (1.0, 0.5));
    assert_eq!((of("interval_coverage"), of("interval_width")), (1.0, 4.0));
    let of = evaluated(
        &world,
        "survival",
        "",
        "{'y_true': 1.0 + i, 'event': int(i % 3 > 0), 'y_score': float(-i)}",
    );
    assert_eq!(of("concordance_index"), 1.0);
}

#[test]
fn images_are_evaluated_by_their_boxes_and_segments() {
    let world = World::with_iris();
    let of = evaluated(
        &world,
        "detection",
        "",
        "{'y_true': [{'bbox': [0, 0, 40, 40], 'category': 'a'}], 'y_pred': [{'bbox': [0, 0, 40, 40 if i % 2 else 30], 'category': 'a', 'score': 0.5}]}",
    );
    // Half of the boxes overlap by three quarters: right at 0.5 to 0.75 of ten thresholds.
    assert_eq!(of("coco_ap50"), 1.0);
    assert!((0.5..1.0).contains(&of("coco_ap")), "{}", of("coco_ap"));
    let of = evaluated(
        &world,
        "segmentation",
        "",
        "{'y_true': {'size': [2, 2], 'runs': [['sky', 2], ['road', 2]]}, 'y_pred': {'size': [2, 2], 'runs': [['sky', 3], ['road', 1]]}}",
    );
    assert_eq!(of("pixel_accuracy"), 0.75);
    assert!((of("mean_iou") - (2.0 / 3.0 + 0.5) / 2.0).abs() < 1e-12);
}

#[test]
fn the_example_of_a_gate_is_one() {
    let (world, good, poor) = two_experiments(false);
    world.write(
        "gate.toml",
        include_str!("../../../../examples/ci/gate.toml"),
    );
    world.write(
        "regression.toml",
        include_str!("../../../../examples/ci/regression.toml"),
    );
    world.ok(&["gate", "gate.toml", "--run", &good[0]]);
    let options = ["--run", &good[0], "--baseline", &poor[0]];
    world.ok(&[&["gate", "regression.toml"], &options[..]].concat());
}
