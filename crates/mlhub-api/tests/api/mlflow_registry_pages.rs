//! Searches of the registry and of logged models, page by page, against the same done by hand.

use axum::http::Method;
use serde_json::{Value, json};

use crate::hub::{TestHub, encoded};
use crate::mlflow_models::{call, get, invalid, model, ok, refused, run};

const MODELS: usize = 12;

/// Models of three teams with up to three versions each; one is a prompt.
async fn filled() -> TestHub {
    let hub = TestHub::local();
    let run = run(&hub).await;
    for at in 0..MODELS {
        // In another order than that of their names.
        let name = format!("m{:02}", at * 5 % MODELS);
        let team = ["red", "green", "blue"][at % 3];
        let body = json!({"name": name, "tags": [{"key": "team", "value": team}]});
        ok(&hub, Method::POST, "registered-models/create", body).await;
        for version in 0..=at % 3 {
            let mut body = json!({"name": name, "source": format!("s3://b/{at}/{version}"),
                "tags": [{"key": "of", "value": version.to_string()}]});
            if version == 1 {
                body["run_id"] = run.as_str().into();
            }
            ok(&hub, Method::POST, "model-versions/create", body).await;
        }
    }
    let prompt = json!({"key": "mlflow.prompt.is_prompt", "value": "true"});
    let body = json!({"name": "m07-prompt", "tags": [prompt.clone()]});
    ok(&hub, Method::POST, "registered-models/create", body).await;
    let body = json!({"name": "m07-prompt", "source": "text", "tags": [prompt]});
    ok(&hub, Method::POST, "model-versions/create", body).await;
    let body = json!({"name": "m07-prompt", "source": "s3://b/p"});
    ok(&hub, Method::POST, "model-versions/create", body).await;
    hub
}

/// All that a search finds, in pages of `size`, as `show` tells it.
async fn all(
    hub: &TestHub,
    what: &str,
    query: &str,
    size: usize,
    show: fn(&Value) -> String,
) -> Vec<String> {
    let field = what.replace('-', "_");
    let mut found = Vec::new();
    let mut token = String::new();
    loop {
        let asked = format!("{what}/search?max_results={size}&page_token={token}&{query}");
        let answer = get(hub, &asked).await;
        let page = answer[&field].as_array().cloned().unwrap_or_default();
        assert!(page.len() <= size);
        found.extend(page.iter().map(show));
        let Some(next) = answer["next_page_token"].as_str() else {
            return found;
        };
        assert_eq!(page.len(), size, "only the last page is short");
        token = encoded(next);
    }
}

fn name(model: &Value) -> String {
    model["name"].as_str().unwrap().to_owned()
}

fn number(version: &Value) -> String {
    let of = version["version"].as_str().unwrap();
    format!("{}/{of}", name(version))
}

fn filter(text: &str) -> String {
    format!("filter={}", encoded(text))
}

fn order(keys: &[&str]) -> String {
    let keys = keys.iter().map(|key| format!("&order_by={}", encoded(key)));
    keys.collect()
}

#[tokio::test]
async fn models_come_in_every_order_and_once() {
    let hub = filled().await;
    let names: Vec<String> = (0..MODELS).map(|at| format!("m{at:02}")).collect();
    let made: Vec<String> = (0..MODELS)
        .map(|at| format!("m{:02}", at * 5 % MODELS))
        .collect();
    let reversed = |names: &[String]| names.iter().rev().cloned().collect::<Vec<_>>();
    for (keys, expected) in [
        (vec![], names.clone()),
        (vec!["name ASC"], names.clone()),
        (vec!["name DESC"], reversed(&names)),
        (vec!["name DESC", "timestamp ASC"], reversed(&names)),
        (vec!["timestamp ASC"], made.clone()),
        (vec!["last_updated_timestamp DESC"], reversed(&made)),
        (
            vec!["last_updated_timestamp DESC", "name DESC"],
            reversed(&made),
        ),
    ] {
        for size in [1, 5, 12, 100] {
            let found = all(&hub, "registered-models", &order(&keys), size, name).await;
            assert_eq!(found, expected, "{keys:?} {size}");
        }
    }
}

#[tokio::test]
async fn models_are_filtered_across_pages() {
    let hub = filled().await;
    let names = |at: &[usize]| at.iter().map(|at| format!("m{at:02}")).collect::<Vec<_>>();
    for (text, expected) in [
        ("name = 'm03'", names(&[3])),
        ("name = 'm07-prompt'", names(&[])),
        ("name = 'no such/name'", names(&[])),
        (
            "name != 'm03' AND name LIKE 'm0%'",
            names(&[0, 1, 2, 4, 5, 6, 7, 8, 9]),
        ),
        ("name LIKE 'm_1'", names(&[1, 11])),
        ("name ILIKE 'M1%'", names(&[10, 11])),
        ("name LIKE 'm0%' AND name LIKE '%3'", names(&[3])),
        ("name IN ('m02', 'm11', 'm99')", names(&[2, 11])),
        ("tags.team = 'red'", names(&[0, 3, 6, 9])),
        (
            "tags.team = 'red' AND tags.team != 'blue'",
            names(&[0, 3, 6, 9]),
        ),
        ("tags.team LIKE 'bl%'", names(&[1, 4, 7, 10])),
        ("tags.team = 'red' AND tags.none = 'x'", names(&[])),
        ("tags.none != 'x'", names(&[])),
        (
            "tags.`mlflow.prompt.is_prompt` = 'true'",
            vec!["m07-prompt".to_owned()],
        ),
        (
            "tags.`mlflow.prompt.is_prompt` != 'true'",
            names(&(0..MODELS).collect::<Vec<_>>()),
        ),
    ] {
        for size in [1, 2, 100] {
            let found = all(&hub, "registered-models", &filter(text), size, name).await;
            assert_eq!(found, expected, "{text} {size}");
        }
    }
    // Each with its newest version.
    let answer = get(
        &hub,
        &format!("registered-models/search?{}", filter("tags.team = 'blue'")),
    )
    .await;
    for model in answer["registered_models"].as_array().unwrap() {
        let latest = model["latest_versions"].as_array().unwrap();
        assert_eq!(
            (latest.len(), &latest[0]["version"]),
            (1, &json!("3")),
            "{model}"
        );
        assert_eq!(latest[0]["tags"], json!([{"key": "of", "value": "2"}]));
    }
}

#[tokio::test]
async fn the_newest_version_of_each_stage_is_told() {
    let hub = filled().await;
    for (version, stage) in [("1", "Production"), ("3", "Staging")] {
        let body = json!({"name": "m10", "version": version, "stage": stage});
        ok(&hub, Method::POST, "model-versions/transition-stage", body).await;
    }
    let alias = json!({"name": "m10", "alias": "best", "version": "1"});
    ok(&hub, Method::POST, "registered-models/alias", alias).await;
    let one = get(&hub, "registered-models/get?name=m10").await;
    let told: Vec<_> = one["registered_model"]["latest_versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|of| {
            (
                of["current_stage"].clone(),
                of["version"].clone(),
                of["aliases"].clone(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (json!("None"), json!("2"), Value::Null),
            (json!("Staging"), json!("3"), Value::Null),
            (json!("Production"), json!("1"), json!(["best"])),
        ]
    );
    let body = json!({"name": "m10", "stages": ["Production"]});
    let some = ok(
        &hub,
        Method::POST,
        "registered-models/get-latest-versions",
        body,
    )
    .await;
    assert_eq!(some["model_versions"][0]["version"], "1");
    assert_eq!(some["model_versions"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn versions_come_in_every_order_and_once() {
    let hub = filled().await;
    let whole = get(&hub, "model-versions/search").await;
    let whole = whole["model_versions"].as_array().unwrap().clone();
    assert_eq!(whole.len(), 24, "not those of the prompt");
    let key = |of: &Value, key: &str| -> String {
        match key {
            "name" => name(of),
            "version_number" => format!("{:>9}", of["version"].as_str().unwrap()),
            key => format!("{:>20}", of[key].as_i64().unwrap()),
        }
    };
    for keys in [
        vec![],
        vec!["name ASC"],
        vec!["name DESC", "version_number ASC"],
        vec!["version_number DESC"],
        vec!["version_number ASC", "name DESC"],
        vec!["creation_timestamp ASC"],
        vec!["last_updated_timestamp DESC", "name ASC"],
    ] {
        let mut expected = whole.clone();
        let asked = match keys.is_empty() {
            true => &["last_updated_timestamp DESC"][..],
            false => &keys[..],
        };
        let rest = ["name ASC", "version_number DESC"];
        expected.sort_by(|a, b| {
            let compared = asked.iter().chain(&rest).map(|item| {
                let (field, direction) = item.split_once(' ').unwrap();
                let order = key(a, field).cmp(&key(b, field));
                if direction == "DESC" {
                    order.reverse()
                } else {
                    order
                }
            });
            compared.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
        });
        let expected: Vec<String> = expected.iter().map(number).collect();
        for size in [1, 7, 24, 1000] {
            let found = all(&hub, "model-versions", &order(&keys), size, number).await;
            assert_eq!(found, expected, "{keys:?} {size}");
        }
    }
    for (text, count) in [
        ("name = 'm10'", 3),
        ("tags.of = '2'", 4),
        ("tags.of != '0' AND version_number > 2", 4),
        ("version_number = 1", 12),
        ("source_path LIKE 's3://b/1/%'", 2),
        ("tags.of IN ('1')", 0),
        ("name IN ('m10', 'm05')", 5),
    ] {
        if text.contains("tags.of IN") {
            let answer = call(
                &hub,
                Method::GET,
                &format!("model-versions/search?{}", filter(text)),
                json!({}),
            )
            .await;
            assert_eq!(refused(&answer), invalid(), "{text}");
            continue;
        }
        for size in [1, 2, 100] {
            let found = all(&hub, "model-versions", &filter(text), size, number).await;
            assert_eq!(found.len(), count, "{text} {size}: {found:?}");
        }
    }
}

#[tokio::test]
async fn logged_models_come_newest_first_page_by_page() {
    let hub = TestHub::local();
    let run = run(&hub).await;
    for at in 0..9 {
        let body = json!({"experiment_id": "0", "name": format!("n{at}"), "source_run_id": run,
            "params": [{"key": "odd", "value": (at % 2).to_string()}]});
        model(&hub, body).await;
    }
    let names = |at: &[usize]| at.iter().map(|at| format!("n{at}")).collect::<Vec<_>>();
    let time = |ascending: bool| json!([{"field_name": "creation_time", "ascending": ascending}]);
    for (body, expected) in [
        (json!({}), names(&[8, 7, 6, 5, 4, 3, 2, 1, 0])),
        (
            json!({"order_by": time(false)}),
            names(&[8, 7, 6, 5, 4, 3, 2, 1, 0]),
        ),
        (
            json!({"order_by": time(true)}),
            names(&[0, 1, 2, 3, 4, 5, 6, 7, 8]),
        ),
        (json!({"filter": "params.odd = '1'"}), names(&[7, 5, 3, 1])),
        (
            json!({"filter": "params.odd != '1'"}),
            names(&[8, 6, 4, 2, 0]),
        ),
        (json!({"filter": "params.none != '1'"}), names(&[])),
        (
            json!({"filter": "name LIKE 'n%' AND params.odd = '0'"}),
            names(&[8, 6, 4, 2, 0]),
        ),
    ] {
        for size in [1, 2, 100] {
            let mut found = Vec::new();
            let mut token = Value::Null;
            loop {
                let mut asked = body.clone();
                asked["experiment_ids"] = json!(["0"]);
                asked["max_results"] = size.into();
                asked["page_token"] = token;
                let answer = ok(&hub, Method::POST, "logged-models/search", asked).await;
                let page = answer["models"].as_array().cloned().unwrap_or_default();
                found.extend(page.iter().map(|one| name(&one["info"])));
                token = answer["next_page_token"].clone();
                if token.is_null() {
                    break;
                }
            }
            assert_eq!(found, expected, "{body} {size}");
        }
    }
}
