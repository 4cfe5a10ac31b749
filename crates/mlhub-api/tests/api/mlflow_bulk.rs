//! The MLflow face where it answers about many at once: datasets of runs, histories of
//! several runs, large pages.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::hub::TestHub;
use crate::mlflow::{ROOT, data, experiment, found, get, ok, post, refused, run};

fn input(name: &str, digest: &str, context: Option<&str>) -> Value {
    let tags: Vec<Value> = context
        .iter()
        .map(|context| json!({"key": "mlflow.data.context", "value": context}))
        .collect();
    json!({"dataset": {"name": name, "digest": digest, "source_type": "local", "source": "{}"}, "tags": tags})
}

async fn reads(hub: &TestHub, run: &str, inputs: Vec<Value>) {
    let body = json!({"run_id": run, "datasets": inputs});
    ok(hub, "runs/log-inputs", body).await;
}

#[tokio::test]
async fn runs_are_found_by_the_datasets_they_read() {
    let hub = TestHub::local();
    let id = experiment(&hub, "e").await;
    let (first, second, third) = (
        run(&hub, &id).await,
        run(&hub, &id).await,
        run(&hub, &id).await,
    );
    reads(&hub, &first, vec![input("digits", "d1", Some("train"))]).await;
    let both = vec![
        input("digits", "d2", Some("train")),
        input("letters", "d1", Some("test")),
    ];
    reads(&hub, &second, both).await;
    let of = async |filter: &str| {
        let found = found(&hub, &id, filter).await;
        [&first, &second, &third].map(|run| found.contains(run))
    };
    for (filter, wanted) in [
        ("datasets.name = 'digits'", [true, true, false]),
        ("dataset.name = 'letters'", [false, true, false]),
        // Each comparison by itself, as MLflow joins them.
        (
            "datasets.name = 'letters' AND datasets.digest = 'd2'",
            [false, true, false],
        ),
        ("datasets.digest = 'd1'", [true, true, false]),
        ("datasets.digest != 'd1'", [false, true, false]),
        ("datasets.name LIKE 'dig%'", [true, true, false]),
        ("datasets.name ILIKE 'LET%'", [false, true, false]),
        ("datasets.context IN ('test', 'x')", [false, true, false]),
        (
            "datasets.name NOT IN ('digits', 'letters')",
            [false, false, false],
        ),
        (
            "datasets.name = 'digits' AND run_id IN ('none')",
            [false, false, false],
        ),
    ] {
        assert_eq!(of(filter).await, wanted, "{filter}");
    }
    // What is read later is found as well, and what is deleted is not.
    reads(&hub, &third, vec![input("digits", "d3", None)]).await;
    assert_eq!(of("datasets.name = 'digits'").await, [true, true, true]);
    assert_eq!(of("datasets.context != 'x'").await, [true, true, false]);
    ok(&hub, "runs/delete", json!({"run_id": first})).await;
    assert_eq!(of("datasets.name = 'digits'").await, [false, true, true]);
    for filter in [
        "datasets.name > 'a'",
        "datasets.name = 1",
        "datasets.profile = 'x'",
        "datasets.name IS NULL",
    ] {
        let body = json!({"experiment_ids": [id], "filter": filter});
        let answer = post(&hub, "runs/search", body).await;
        assert_eq!(refused(&answer).1, "INVALID_PARAMETER_VALUE", "{filter}");
    }
}

#[tokio::test]
async fn a_page_of_a_search_by_datasets_goes_on_in_that_search_only() {
    let hub = TestHub::local();
    let id = experiment(&hub, "e").await;
    let mut runs = BTreeSet::new();
    for number in 0..5 {
        let run = run(&hub, &id).await;
        reads(&hub, &run, vec![input("d", &format!("{number}"), None)]).await;
        runs.insert(run);
    }
    let body = |filter: &str, token: &Value| json!({"experiment_ids": [id], "max_results": 2, "filter": filter, "page_token": token});
    let mut seen = BTreeSet::new();
    let mut token = Value::Null;
    loop {
        let page = ok(&hub, "runs/search", body("datasets.name = 'd'", &token)).await;
        for run in page["runs"].as_array().unwrap() {
            let run = run["info"]["run_id"].as_str().unwrap().to_owned();
            assert!(seen.insert(run), "{page}");
        }
        let Some(next) = page.get("next_page_token") else {
            break;
        };
        token = next.clone();
        let other = post(&hub, "runs/search", body("datasets.name != 'e'", &token)).await;
        assert_eq!(refused(&other).0, 400);
    }
    assert_eq!(seen, runs);
}

#[tokio::test]
async fn a_search_tells_what_each_run_read() {
    let hub = TestHub::local();
    let id = experiment(&hub, "e").await;
    let mut wanted = Vec::new();
    // More runs than one statement of the store asks for.
    for number in 0..70 {
        let run = run(&hub, &id).await;
        let read = input("d", &format!("{number}"), Some("train"));
        if number % 2 == 0 {
            reads(&hub, &run, vec![read.clone()]).await;
        }
        wanted.push((run, (number % 2 == 0).then(|| json!([read]))));
    }
    let page = ok(&hub, "runs/search", json!({"experiment_ids": [id]})).await;
    let page = page["runs"].as_array().unwrap();
    assert_eq!(page.len(), 70);
    for (run, inputs) in wanted {
        let seen = page.iter().find(|seen| seen["info"]["run_id"] == run);
        let seen = seen.unwrap()["inputs"].get("dataset_inputs").cloned();
        assert_eq!(seen, inputs);
    }
}

#[tokio::test]
async fn the_datasets_of_experiments_are_told_once_each() {
    let hub = TestHub::local();
    let (one, two) = (experiment(&hub, "e").await, experiment(&hub, "f").await);
    for id in [&one, &one, &two] {
        let run = run(&hub, id).await;
        reads(
            &hub,
            &run,
            vec![input("d", "1", Some("train")), input("c", "2", None)],
        )
        .await;
    }
    let summary = |id: &str| {
        [
            json!({"experiment_id": id, "name": "c", "digest": "2"}),
            json!({"experiment_id": id, "name": "d", "digest": "1", "context": "train"}),
        ]
    };
    // Clients of MLflow leave a slash out.
    for path in [
        "/api/2.0/mlflow/experiments/search-datasets",
        "/api/2.0mlflow/experiments/search-datasets",
        "/ajax-api/2.0mlflow/experiments/search-datasets",
    ] {
        let body = json!({"experiment_ids": [one, "99"]});
        let answer = hub.post(path, &body).await.json();
        assert_eq!(
            answer,
            json!({"dataset_summaries": summary(&one)}),
            "{path}"
        );
    }
    let both = json!({"experiment_ids": [one, two]});
    let both = ok(&hub, "experiments/search-datasets", both).await;
    let wanted = [summary(&one), summary(&two)].concat();
    assert_eq!(both, json!({"dataset_summaries": wanted}));
    let many: Vec<String> = (0..21).map(|number| number.to_string()).collect();
    for ids in [Vec::new(), many] {
        let body = json!({"experiment_ids": ids});
        let answer = post(&hub, "experiments/search-datasets", body).await;
        assert_eq!(refused(&answer).0, 400);
    }
}

#[tokio::test]
async fn histories_of_several_runs_come_in_one_answer() {
    let hub = TestHub::local();
    let id = experiment(&hub, "e").await;
    let mut runs = [run(&hub, &id).await, run(&hub, &id).await];
    runs.sort();
    for (number, run) in runs.iter().enumerate() {
        let metrics: Vec<Value> = (0..100)
            .map(|step| {
                json!({"key": "m", "value": step * 2 + number, "timestamp": 1000 + step, "step": step})
            })
            .collect();
        ok(
            &hub,
            "runs/log-batch",
            json!({"run_id": run, "metrics": metrics}),
        )
        .await;
    }
    let bulk = format!("run_id={}&run_id={}&metric_key=m", runs[1], runs[0]);
    let bulk = get(&hub, &format!("metrics/get-history-bulk?{bulk}")).await;
    let points = bulk["metrics"].as_array().unwrap();
    assert_eq!(points.len(), 200);
    assert_eq!(
        points[101],
        json!({"key": "m", "value": 3.0, "timestamp": 1001, "step": 1, "run_id": runs[1]})
    );
    let few = format!(
        "run_id={}&run_id={}&metric_key=m&max_results=150",
        runs[0], runs[1]
    );
    let few = get(&hub, &format!("metrics/get-history-bulk?{few}")).await;
    assert_eq!(few["metrics"].as_array().unwrap().len(), 150);

    let interval = async |rest: &str| {
        let both = format!("run_ids={}&run_ids={}&metric_key=m", runs[0], runs[1]);
        let path = format!("metrics/get-history-bulk-interval?{both}&{rest}");
        let answer = get(&hub, &path).await;
        let points = answer["metrics"].as_array().cloned().unwrap_or_default();
        runs.clone().map(|run| {
            let of = points.iter().filter(|point| point["run_id"] == run);
            of.map(|point| point["step"].as_i64().unwrap())
                .collect::<Vec<_>>()
        })
    };
    for steps in interval("max_results=10").await {
        assert!(steps.len() <= 10 && steps.len() > 2, "{steps:?}");
        assert_eq!((steps[0], steps[steps.len() - 1]), (0, 99), "{steps:?}");
        assert!(steps.is_sorted(), "{steps:?}");
    }
    assert_eq!(interval("max_results=2").await, [vec![0, 99], vec![0, 99]]);
    assert_eq!(interval("max_results=1").await, [[99], [99]]);
    let part: Vec<i64> = (20..=30).collect();
    assert_eq!(
        interval("start_step=20&end_step=30").await,
        [part.clone(), part]
    );
    assert_eq!(
        interval("start_step=200&end_step=300").await,
        [Vec::<i64>::new(), Vec::new()]
    );
    let many = "run_ids=a1&".repeat(101);
    for wrong in [
        "metrics/get-history-bulk?metric_key=m".to_owned(),
        format!("metrics/get-history-bulk?run_id={}", runs[0]),
        format!(
            "metrics/get-history-bulk?{}metric_key=m",
            many.replace("run_ids", "run_id")
        ),
        "metrics/get-history-bulk-interval?metric_key=m".to_owned(),
        format!("metrics/get-history-bulk-interval?{many}metric_key=m"),
        format!(
            "metrics/get-history-bulk-interval?run_ids={}&metric_key=m&max_results=0",
            runs[0]
        ),
        format!(
            "metrics/get-history-bulk-interval?run_ids={}&metric_key=m&max_results=2501",
            runs[0]
        ),
        format!(
            "metrics/get-history-bulk-interval?run_ids={}&metric_key=m&start_step=1",
            runs[0]
        ),
        format!(
            "metrics/get-history-bulk-interval?run_ids={}&metric_key=m&start_step=2&end_step=1",
            runs[0]
        ),
    ] {
        let answer = hub.get(&format!("{ROOT}/{wrong}")).await;
        assert_eq!(refused(&answer).0, 400, "{wrong}");
    }
    assert_eq!(data(&hub, &runs[0]).await["metrics"][0]["value"], 198.0);
}
