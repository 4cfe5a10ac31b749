//! From tables to checked predictions, task by task.

use super::*;

fn table(
    y_true: Values,
    y_pred: Values,
    score_labels: &[&str],
    y_score: Option<Vec<f64>>,
) -> PredictionTable {
    let rows = match &y_true {
        Values::Text(texts) => texts.len(),
        Values::Number(numbers) => numbers.len(),
    };
    PredictionTable {
        ids: (0..rows).map(|row| row.to_string()).collect(),
        y_true,
        y_pred: Some(y_pred),
        score_labels: score_labels
            .iter()
            .map(|label| (*label).to_owned())
            .collect(),
        y_score,
        weight: None,
        group: None,
        numbers: Vec::new(),
        ignored_columns: Vec::new(),
    }
}

fn text(items: &[&str]) -> Values {
    Values::Text(items.iter().map(|item| (*item).to_owned()).collect())
}

fn wish<'a>(task: Option<&'a str>, positive_label: Option<&'a str>) -> Wish<'a> {
    Wish {
        task,
        positive_label,
        expected: None,
    }
}

#[test]
fn numeric_classes_sort_by_value_and_drop_the_fraction() {
    let checked = check(
        table(
            Values::Number(vec![10.0, 2.0, 9.0]),
            Values::Number(vec![10.0, 2.0, 2.0]),
            &[],
            None,
        ),
        &wish(Some("multiclass"), None),
    )
    .expect("valid");
    assert_eq!(checked.labels(), ["2", "9", "10"]);
}

#[test]
fn a_positive_label_swaps_classes_and_their_scores() {
    let checked = check(
        table(
            text(&["no", "yes"]),
            text(&["no", "yes"]),
            &["yes", "no"],
            Some(vec![0.2, 0.8, 0.9, 0.1]),
        ),
        &wish(Some("binary"), Some("yes")),
    )
    .expect("valid");
    assert_eq!(checked.labels(), ["no", "yes"]);
    assert_eq!(checked.y_score(), Some(&[0.8, 0.2, 0.1, 0.9][..]));
}

#[test]
fn a_missing_id_is_named() {
    let expected = ExpectedSplit {
        rows: 3,
        ids: None,
        fingerprint: None,
        ..ExpectedSplit::default()
    };
    let error = check(
        table(text(&["a", "b"]), text(&["a", "b"]), &[], None),
        &Wish {
            task: None,
            positive_label: None,
            expected: Some(&expected),
        },
    )
    .expect_err("one row is missing");
    assert!(error.contains('2'), "{error}");
}

#[test]
fn rows_of_several_labels_are_read_as_lists() {
    let checked = check(
        table(
            text(&["[\"cat\"]", "[]"]),
            text(&["[\"dog\",\"cat\"]", "[\"cat\"]"]),
            &[],
            None,
        ),
        &wish(Some("multilabel"), None),
    )
    .expect("valid");
    assert_eq!(checked.labels(), ["cat", "dog"]);
    assert_eq!(checked.y_true(), &Targets::LabelSets(vec![vec![0], vec![]]));
    assert_eq!(
        checked.y_pred(),
        Some(&Targets::LabelSets(vec![vec![0, 1], vec![0]]))
    );
    let error = check(
        table(text(&["cat", "[]"]), text(&["[]", "[]"]), &[], None),
        &wish(Some("multilabel"), None),
    )
    .expect_err("no list");
    assert!(
        error.contains("y_true") && !error.contains("cat"),
        "{error}"
    );
}

#[test]
fn clusters_are_compared_with_classes_whatever_they_are_called() {
    let clusters = Values::Number(vec![1.0, 0.0]);
    let checked = check(
        table(text(&["a", "b"]), clusters, &["x", "y"], Some(vec![0.1; 4])),
        &wish(Some("clustering"), None),
    )
    .expect("valid");
    assert_eq!(
        (checked.task(), checked.y_score()),
        (Task::Clustering, None)
    );
    assert_eq!(checked.labels().len(), 4);
}

#[test]
fn anomalies_are_of_the_positive_label() {
    let truth = text(&["odd", "usual", "usual"]);
    let predicted = text(&["odd", "odd", "usual"]);
    let table = table(truth, predicted, &[], Some(vec![9.0, -1.0, 0.0]));
    let checked = check(table.clone(), &wish(Some("anomaly"), Some("odd"))).expect("valid");
    assert_eq!(checked.task(), Task::Anomaly);
    assert_eq!(checked.labels(), ["usual", "odd"]);
    assert_eq!(checked.y_true(), &Targets::Classes(vec![1, 0, 0]));
    let three = PredictionTable {
        y_true: text(&["odd", "usual", "other"]),
        ..table
    };
    let error = check(three, &wish(Some("anomaly"), None)).expect_err("three classes");
    assert!(error.contains("anomaly and there are 3 classes"), "{error}");
}

#[test]
fn a_ranking_needs_its_columns_and_ignores_y_pred() {
    let with = |y_score: Option<Vec<f64>>, group: Option<Vec<String>>| {
        let relevance = Values::Number(vec![1.0, 0.0]);
        let table = table(relevance, text(&["high", "low"]), &[], y_score);
        check(
            PredictionTable { group, ..table },
            &wish(Some("ranking"), None),
        )
    };
    let group = Some(vec!["q".to_owned(); 2]);
    let checked = with(Some(vec![0.7, -2.0]), group.clone()).expect("valid");
    assert_eq!((checked.task(), checked.y_pred()), (Task::Ranking, None));
    assert!(
        with(None, group)
            .expect_err("no score")
            .contains("`y_score`")
    );
    assert!(
        with(Some(vec![1.0, 2.0]), None)
            .expect_err("no group")
            .contains("`group`")
    );
}

#[test]
fn texts_are_read_and_judged_as_texts() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("p.csv");
    std::fs::write(&path, "id,y_true,y_pred\n0,007,7\n1,b,\n").expect("written");
    let table = read(&path, "p.csv", Format::Csv, Some("text")).expect("a table");
    let checked = check(table, &wish(Some("text"), None)).expect("valid");
    let texts = |texts: [&str; 2]| Targets::Texts(texts.map(str::to_owned).to_vec());
    assert_eq!(checked.y_true(), &texts(["007", "b"]));
    assert_eq!(checked.y_pred(), Some(&texts(["7", ""])));
}

#[test]
fn forecasts_have_their_quantiles_and_scales() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("p.csv");
    let rows =
        "id,y_true,y_pred,group,y_pred_q0.9,scale,y_pred_q0.1\n0,1,2,a,3,0.5,1\n1,2,2,b,3,2,1\n";
    std::fs::write(&path, rows).expect("written");
    let task = Some("forecasting");
    let table = read(&path, "p.csv", Format::Csv, task).expect("a table");
    let checked = check(table, &wish(task, None)).expect("valid");
    assert_eq!(checked.task(), Task::Forecasting);
    assert_eq!(checked.numbers().len(), 3);
    let scale = checked.number_column("scale").expect("scales");
    assert_eq!(scale.values, [0.5, 2.0]);
}

#[test]
fn times_have_their_events_and_probabilities() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("p.csv");
    let rows = "id,y_true,y_score,event,y_survival_3\n0,4,2.5,1,0.5\n1,7,-1,0,0.75\n";
    std::fs::write(&path, rows).expect("written");
    let task = Some("survival");
    let table = read(&path, "p.csv", Format::Csv, task).expect("a table");
    let checked = check(table, &wish(task, None)).expect("valid");
    assert_eq!(checked.task(), Task::Survival);
    let event = checked.number_column("event").expect("events");
    assert_eq!(event.values, [1.0, 0.0]);
    let table = read(&path, "p.csv", Format::Csv, Some("ranking")).expect("a table");
    let error = check(
        PredictionTable {
            numbers: Vec::new(),
            ..table
        },
        &wish(task, None),
    );
    assert!(error.expect_err("no events").contains("`event`"));
}

#[test]
fn coordinates_and_likelihoods_are_read_for_their_tasks() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("p.csv");
    let rows =
        "id,y_true,y_pred,embedding,tokens,scale\n0,a,1,\"[0, 1]\",3,9\n1,b,2,\"[2, 3]\",4,9\n";
    std::fs::write(&path, rows).expect("written");
    let columns = |task| {
        let table = read(&path, "p.csv", Format::Csv, Some(task)).expect("a table");
        let checked = check(table, &wish(Some(task), None)).expect("valid");
        let numbers = checked.numbers().iter();
        let names: Vec<_> = numbers
            .map(|column| (column.name.clone(), column.width))
            .collect();
        names
    };
    assert_eq!(columns("clustering"), [("embedding".to_owned(), 2)]);
    assert_eq!(columns("text"), [("tokens".to_owned(), 1)]);
    assert_eq!(columns("multiclass"), []);
}

#[test]
fn images_are_read_and_judged_by_their_parts() {
    let folder = tempfile::tempdir().expect("a folder");
    let judged = |task: &'static str, y_true: &str, y_pred: &str| {
        let path = folder.path().join("p.jsonl");
        let line = format!("{{\"id\":0,\"y_true\":{y_true},\"y_pred\":{y_pred}}}\n");
        std::fs::write(&path, line).expect("written");
        let table = read(&path, "p.jsonl", Format::Jsonl, Some(task)).expect("a table");
        check(table, &wish(Some(task), None))
    };
    let of = r#"{"bbox":[0,0,4,4.5],"category":"secret""#;
    let (truth, predicted) = (format!("[{of}}}]"), format!("[{of},\"score\":0.5}}]"));
    let checked = judged("detection", &truth, &predicted).expect("boxes");
    assert_eq!((checked.rows(), checked.labels().len()), (1, 1));
    let error = judged("detection", &truth, &truth).expect_err("no score");
    assert!(
        error.contains("`y_pred`") && !error.contains("secret"),
        "{error}"
    );
    let map = r#"{"size":[1,2],"runs":[["sky",1],[null,1]]}"#;
    let checked = judged("segmentation", map, map).expect("maps");
    assert_eq!((checked.rows(), checked.labels().len()), (1, 1));
    let error = judged("segmentation", map, "[]").expect_err("no map");
    assert!(
        error.contains("`y_pred`") && error.contains("JSON map"),
        "{error}"
    );
}

#[test]
fn numbers_without_scores_are_a_regression() {
    let checked = check(
        table(
            Values::Number(vec![0.5, 1.5]),
            Values::Number(vec![0.4, 1.4]),
            &[],
            None,
        ),
        &wish(None, None),
    )
    .expect("valid");
    assert_eq!(checked.task(), Task::Regression);
}
