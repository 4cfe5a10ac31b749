//! The JSON shapes that are posted to a hub, held literally: a change here is a change of the
//! wire format.

use std::collections::BTreeMap;

use mlhub_data::{
    Changed, Expected, Facts, Format, Inspection, LeakagePair, LeakageReport, NumberColumn,
    PartFile, PredictionTable, Progress, RowChanges, SplitPlan, Values,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::fixtures::{Folder, look};

/// `value` is written as `shape` and read back equal.
fn assert_shape<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(
    value: &T,
    shape: Value,
) {
    assert_eq!(serde_json::to_value(value).unwrap(), shape);
    assert_eq!(&serde_json::from_value::<T>(shape).unwrap(), value);
}

fn column() -> Value {
    json!({
        "name": "a", "dtype": "int", "shape": [], "nulls": 0, "distinct": 2, "distinct_capped": false,
        "non_finite": 0, "min": 1.0, "max": 3.0, "mean": 2.0, "std": 1.0,
        "histogram": {"start": 1.0, "width": 1.0, "counts": [1, 0, 1]}
    })
}

#[test]
fn inspections_and_facts() {
    let folder = Folder::new();
    let inspection: Inspection = look(&folder.write("x.csv", "a\n1\n3\n")).unwrap();
    let hash = blake3::hash(b"a\n1\n3\n").to_hex().to_string();
    let fingerprint = inspection.fingerprint.clone();
    let row_hashes = serde_json::to_value(&inspection.row_hashes).unwrap();
    assert!(
        row_hashes.as_str().unwrap().starts_with("TUxSSA"),
        "base64 of the blob form: {row_hashes}"
    );
    let files = json!([{"path": "x.csv", "size_bytes": 6, "hash": hash}]);
    assert_shape(
        &inspection,
        json!({
            "format": "csv", "rows": 2, "size_bytes": 6, "columns": [column()], "files": files,
            "fingerprint": fingerprint, "row_hashes": row_hashes
        }),
    );
    assert_shape(
        &Facts::from(&inspection),
        json!({"format": "csv", "rows": 2, "files": 1, "size_bytes": 6, "fingerprint": fingerprint, "columns": [column()]}),
    );
    assert_shape(
        &Expected::from(&inspection),
        json!({"format": "csv", "fingerprint": fingerprint, "files": files, "row_hashes": row_hashes}),
    );
}

#[test]
fn columns_of_releases_without_histograms_stay_readable() {
    let mut old = column();
    old.as_object_mut().unwrap().remove("histogram");
    let column: mlhub_data::Column = serde_json::from_value(old.clone()).unwrap();
    assert_eq!(column.histogram, None);
    assert_eq!(serde_json::to_value(&column).unwrap(), old);
}

#[test]
fn formats() {
    for (format, name) in [
        (Format::Csv, "csv"),
        (Format::Parquet, "parquet"),
        (Format::Jsonl, "jsonl"),
        (Format::Npz, "npz"),
        (Format::ImageFolder, "image_folder"),
        (Format::Folder, "folder"),
    ] {
        assert_shape(&format, json!(name));
        assert_eq!(format.as_str(), name);
    }
}

#[test]
fn splits_and_reports() {
    let plan = SplitPlan {
        parts: BTreeMap::from([("train".to_owned(), vec![0, 2])]),
        files: BTreeMap::new(),
        counts: BTreeMap::from([("train".to_owned(), 2)]),
        hash: "v1:00".into(),
    };
    assert_shape(
        &plan,
        json!({"parts": {"train": [0, 2]}, "counts": {"train": 2}, "hash": "v1:00"}),
    );
    let part = PartFile {
        path: "p/train.csv".into(),
        rows: 2,
        size_bytes: 9,
        fingerprint: "v1:00".into(),
    };
    assert_shape(
        &part,
        json!({"path": "p/train.csv", "rows": 2, "size_bytes": 9, "fingerprint": "v1:00"}),
    );
    let pair = LeakagePair {
        a: "test".into(),
        b: "train".into(),
        shared_rows: 1,
        first_rows_in_b: vec![4],
        first_ids_in_b: vec![],
    };
    assert_shape(
        &LeakageReport { pairs: vec![pair] },
        json!({"pairs": [{"a": "test", "b": "train", "shared_rows": 1, "first_rows_in_b": [4]}]}),
    );
    assert_shape(
        &Progress {
            bytes_done: 1,
            bytes_total: 2,
        },
        json!({"bytes_done": 1, "bytes_total": 2}),
    );
    let rows = RowChanges {
        rows_before: 2,
        rows_now: 2,
        rows_added: 1,
        rows_removed: 1,
        changed: 1,
        first_changed: vec![0],
    };
    let changed = Changed {
        expected_fingerprint: "v1:00".into(),
        found_fingerprint: "v1:01".into(),
        added: vec![],
        removed: vec![],
        changed: vec!["x.csv".into()],
        rows: Some(rows),
        invalid: None,
    };
    assert_shape(
        &changed,
        json!({
            "expected_fingerprint": "v1:00", "found_fingerprint": "v1:01",
            "added": [], "removed": [], "changed": ["x.csv"],
            "rows": {"rows_before": 2, "rows_now": 2, "rows_added": 1, "rows_removed": 1, "changed": 1, "first_changed": [0]},
            "invalid": null
        }),
    );
}

#[test]
fn predictions() {
    let table = PredictionTable {
        ids: vec!["a".into()],
        y_true: Values::Text(vec!["cat".into()]),
        y_pred: Some(Values::Number(vec![f64::NEG_INFINITY])),
        score_labels: vec!["cat".into(), "dog".into()],
        y_score: Some(vec![0.5, f64::INFINITY]),
        weight: None,
        group: None,
        numbers: vec![],
        ignored_columns: vec![],
    };
    assert_shape(
        &table,
        json!({
            "ids": ["a"],
            "y_true": {"kind": "text", "values": ["cat"]},
            "y_pred": {"kind": "number", "values": ["-inf"]},
            "score_labels": ["cat", "dog"],
            "y_score": [0.5, "inf"],
            "weight": null, "group": null, "ignored_columns": []
        }),
    );
    let column = NumberColumn {
        name: "scale".into(),
        width: 1,
        values: vec![0.5, f64::INFINITY],
    };
    assert_shape(
        &column,
        json!({"name": "scale", "width": 1, "values": [0.5, "inf"]}),
    );
}
