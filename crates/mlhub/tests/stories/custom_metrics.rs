//! Metrics that an adapter defines: computed over the stored predictions, listed, compared,
//! and refused where they cannot be believed, without loss of the others.

use mlhub_protocol::rest::EvaluationView;
use serde_json::Value;

use crate::support::{Served, World};

/// The metrics of the adapter `mine`.
const METRICS: &str = r#"
import os
from mlhub_adapter.metrics import serve

def cost(y_true, y_pred, weight, params):
    wrong = (w for t, p, w in zip(y_true, y_pred, weight) if t != p)
    return params["per_error"] * sum(wrong) / sum(weight)

def place(y_true):
    return len(os.getcwd())

def broken(y_true):
    raise SystemExit(3)

if __name__ == "__main__":
    serve(cost, place, broken)
"#;

/// What the manifest says of one of them.
fn section(name: &str, direction: &str, more: &str) -> String {
    format!(
        "\n[definitions.{name}]\nversion = 1\ntasks = [\"binary\", \"multiclass\"]\ndirection = \"{direction}\"\nformula = \"As metrics.py has it.\"\nsource = \"this test\"\ncode = [\"metrics.py\"]\n{more}"
    )
}

/// A world whose hub has the adapter `mine` with metrics.
fn with_metrics() -> World {
    let world = World::with_iris();
    world.ok(&["adapter", "new", "mine", "--dir", "adapters"]);
    let manifest = world.project().join("adapters/mine/adapter.toml");
    let text = std::fs::read_to_string(&manifest).expect("a manifest");
    let text = text
        .replace(
            "capabilities = [\"train\", \"resume\"]",
            "capabilities = [\"train\", \"resume\", \"metrics\"]",
        )
        .replace(
            "[commands]\n",
            "[commands]\nmetrics = [\"{python}\", \"{adapter}/metrics.py\", \"{run}\"]\n",
        );
    let sections = [
        section(
            "cost",
            "minimize",
            "unit = \"EUR\"\nrange = { low = 0.0 }\nparams = { per_error = 5 }\n",
        ),
        section("place", "none", ""),
        section("broken", "maximize", ""),
    ];
    std::fs::write(&manifest, text + &sections.concat()).expect("written");
    world.write("adapters/mine/metrics.py", METRICS);
    world.ok(&["adapter", "add", "adapters/mine"]);
    world
}

fn trained(world: &World, hub: &Served, name: &str, metrics: &str) -> String {
    world.write(
        "mine.yaml",
        &format!(
            "project: flowers\nname: {name}\nadapter: mine\ndataset: {{path: iris.csv, target: species, split: {{seed: 3, fractions: {{train: 0.7, test: 0.3}}}}}}\nparams: {{epochs: 40, checkpoint_every: 20}}\nseeds: [5]\nevaluation: {{splits: [test], task: multiclass, metrics: [{metrics}]}}\n"
        ),
    );
    let id = world.detach("mine.yaml").remove(0);
    assert_eq!(hub.settled(&id).summary.state, "finished");
    id
}

fn evaluation(hub: &Served, id: &str) -> EvaluationView {
    let evaluation = hub.settled(id).evaluations.remove(0);
    assert_eq!(evaluation.state, "done", "{:?}", evaluation.message);
    evaluation
}

#[track_caller]
fn reason(evaluation: &EvaluationView, definition: &str) -> String {
    let skipped = evaluation.skipped.iter();
    let found = skipped.clone().find(|of| of.definition == definition);
    let all: Vec<_> = skipped.collect();
    found.unwrap_or_else(|| panic!("{all:?}")).reason.clone()
}

#[test]
fn a_metric_of_an_adapter_is_computed_listed_and_compared() {
    let world = with_metrics();
    let hub = world.serve(&[]);
    let ids = ["one", "two"].map(|name| trained(&world, &hub, name, "accuracy, mine.cost"));

    let evaluation = evaluation(&hub, &ids[0]);
    let [accuracy, cost] = evaluation.metrics.as_slice() else {
        panic!("{:?}", evaluation.metrics);
    };
    assert_eq!(cost.definition, "mine.cost@1");
    assert_eq!(cost.direction, "minimize");
    assert!(cost.interval.is_none());
    let expected = 5.0 * (1.0 - accuracy.value.0);
    assert!((cost.value.0 - expected).abs() < 1e-12, "{cost:?}");
    let note = cost.note.as_deref().expect("a note");
    assert!(note.contains("computed twice in a sandbox"), "{note}");
    assert!(note.contains("no interval"), "{note}");

    let listed = hub.client.definition_list().expect("definitions");
    let of = |id: &str| listed.definitions.iter().find(|of| of.id == id).cloned();
    let stored = of("mine.cost@1").expect("it is listed");
    assert_eq!(stored.adapter.as_deref(), Some("mine"));
    assert_eq!(
        (stored.hash, stored.problem),
        (cost.definition_hash.clone(), None)
    );
    assert!(of("mine.place@1").is_some(), "listed before it is computed");
    assert_eq!(of("accuracy@1").expect("the hub's own").adapter, None);

    let shown = world.ok(&["metrics", "show", "mine.cost"]);
    assert!(shown.stdout.contains("adapter mine"), "{}", shown.stdout);
    assert!(
        shown.stdout.contains(&cost.definition_hash),
        "{}",
        shown.stdout
    );

    let compared = world.json(&["compare", &ids[0], &ids[1]]);
    let rows = compared["metrics"].as_array().expect("metrics");
    let row = rows.iter().find(|of| of["name"] == "test/mine.cost");
    assert_eq!(row.expect("compared")["direction"], "minimize");
    let board = world.json(&["leaderboard", "test/mine.cost"]);
    assert_eq!(board["definition"], Value::from("mine.cost@1"), "{board}");
}

#[test]
fn a_metric_that_cannot_be_believed_is_refused_and_the_others_stay() {
    let world = with_metrics();
    let hub = world.serve(&[]);
    let names = "accuracy, mine.place, mine.broken, mine.gain, other.cost, mine.cost@7";
    let id = trained(&world, &hub, "refused", names);
    let evaluation = evaluation(&hub, &id);
    let computed: Vec<&str> = evaluation
        .metrics
        .iter()
        .map(|of| of.name.as_str())
        .collect();
    assert_eq!(computed, ["accuracy"]);

    let place = reason(&evaluation, "mine.place@1");
    assert!(place.contains("not deterministic"), "{place}");
    let values = place.matches(".0").count();
    assert_eq!(values, 2, "both values are named: {place}");
    let broken = reason(&evaluation, "mine.broken@1");
    assert!(broken.contains("failed: exit status: 3"), "{broken}");
    assert!(reason(&evaluation, "mine.gain").contains("mine.cost"));
    assert!(reason(&evaluation, "other.cost").contains("mlhub adapter add"));
    assert!(reason(&evaluation, "mine.cost@7").contains("`mine.cost@1`"));
}

#[test]
fn changed_code_under_the_same_version_is_refused_as_a_breaking_change() {
    let world = with_metrics();
    let hub = world.serve(&[]);
    let id = trained(&world, &hub, "changed", "accuracy, mine.cost");
    let before = evaluation(&hub, &id);
    assert_eq!(before.metrics.len(), 2);

    let code = world.data().join("adapters/mine/metrics.py");
    std::fs::write(&code, METRICS.replace("sum(weight)", "len(weight)")).expect("written");
    hub.client.evaluation_again(&id).expect("queued");
    let after = evaluation(&hub, &id);
    assert_eq!(after.metrics.len(), 1, "the hub's own metric stays");
    let why = reason(&after, "mine.cost@1");
    assert!(why.contains("breaking change of `mine.cost`"), "{why}");
    assert!(why.contains("needs a new version number"), "{why}");
    let listed = hub
        .client
        .definition_list()
        .expect("definitions")
        .definitions;
    let problem = listed.into_iter().find(|of| of.id == "mine.cost@1");
    let problem = problem.expect("listed").problem.expect("a problem");
    assert!(problem.contains("another content or code"), "{problem}");

    // With a new version it is another metric, and the other experiment's is not compared with it.
    let manifest = world.data().join("adapters/mine/adapter.toml");
    let text = std::fs::read_to_string(&manifest).expect("a manifest");
    let text = text.replace(
        "[definitions.cost]\nversion = 1",
        "[definitions.cost]\nversion = 2",
    );
    std::fs::write(&manifest, text).expect("written");
    hub.client.evaluation_again(&id).expect("queued");
    let renewed = evaluation(&hub, &id);
    let cost = renewed.metrics.iter().find(|of| of.name == "mine.cost");
    assert_eq!(cost.expect("computed").definition, "mine.cost@2");
}
