//! Prediction files in each format.

use std::path::Path;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::types::Float64Type;
use arrow_array::{Float64Array, Int64Array, ListArray, StringArray};
use mlhub_data::{
    Format, NumberColumn, PredictionForm, PredictionTable, Values, read_json_predictions,
    read_label_list_predictions, read_predictions, read_predictions_with, read_text_predictions,
};
use proptest::prelude::*;

use crate::fixtures::{Folder, array, f64s, i64s, npy};

fn read(path: &Path) -> Result<PredictionTable, String> {
    let format = Format::detect(path).map_err(|e| e.to_string())?;
    read_predictions(path, "run 7 predictions", format).map_err(|e| e.to_string())
}

fn refused(path: &Path) -> String {
    let message = read(path).unwrap_err();
    assert!(!message.contains("SAMPLE"), "{message}");
    message
}

fn expected() -> PredictionTable {
    PredictionTable {
        ids: vec!["10".into(), "11".into()],
        y_true: Values::Number(vec![0.0, 1.0]),
        y_pred: Some(Values::Number(vec![1.0, 1.0])),
        score_labels: vec!["0".into(), "1".into()],
        y_score: Some(vec![0.25, 0.75, 0.5, f64::INFINITY]),
        weight: Some(vec![1.0, 2.0]),
        group: Some(vec!["g".into(), "h".into()]),
        numbers: vec![],
        ignored_columns: vec![],
    }
}

#[test]
fn every_format_gives_the_same_table() {
    let folder = Folder::new();
    let csv = folder.write("p.csv", "id,y_true,y_pred,y_score_1,y_score_0,weight,group\n10,0,1,0.75,0.25,1,g\n11,1,1,inf,0.5,2,h\n");
    let jsonl = folder.write(
        "p.jsonl",
        "{\"id\":10,\"y_true\":0,\"y_pred\":1,\"y_score\":[0.25,0.75],\"weight\":1,\"group\":\"g\"}\n{\"id\":\"11\",\"y_true\":1,\"y_pred\":1,\"y_score\":[0.5,Infinity],\"weight\":2,\"group\":\"h\"}\n",
    );
    let scores = ListArray::from_iter_primitive::<Float64Type, _, _>([
        Some(vec![Some(0.25), Some(0.75)]),
        Some(vec![Some(0.5), Some(f64::INFINITY)]),
    ]);
    let parquet = folder.parquet(
        "p.parquet",
        vec![
            ("id", array(Int64Array::from(vec![10, 11]))),
            ("y_true", array(Int64Array::from(vec![0, 1]))),
            ("y_pred", array(Float64Array::from(vec![1.0, 1.0]))),
            ("y_score", array(scores)),
            ("weight", array(Int64Array::from(vec![1, 2]))),
            ("group", array(StringArray::from(vec!["g", "h"]))),
        ],
    );
    let npz = folder.npz(
        "p.npz",
        &[
            ("id", npy("<i8", false, "(2,)", &i64s(&[10, 11]))),
            ("y_true", npy("<i8", false, "(2,)", &i64s(&[0, 1]))),
            ("y_pred", npy("<f8", false, "(2,)", &f64s(&[1.0, 1.0]))),
            (
                "y_score",
                npy(
                    "<f8",
                    true,
                    "(2, 2)",
                    &f64s(&[0.25, 0.5, 0.75, f64::INFINITY]),
                ),
            ),
            ("weight", npy("<i8", false, "(2,)", &i64s(&[1, 2]))),
            ("group", npy("|S1", false, "(2,)", b"gh")),
        ],
    );
    for path in [csv, jsonl, parquet, npz] {
        assert_eq!(read(&path).unwrap(), expected(), "{}", path.display());
    }
    assert_eq!((expected().rows(), expected().score_columns()), (2, 2));
}

/// Reads with the columns of numbers that are named.
fn read_numbers(path: &Path, numbers: &[&str]) -> Result<PredictionTable, String> {
    let format = Format::detect(path).map_err(|e| e.to_string())?;
    let form = PredictionForm::Values;
    read_predictions_with(path, "numbers", format, form, numbers).map_err(|e| e.to_string())
}

#[test]
fn named_columns_of_numbers_are_read_from_every_format() {
    let folder = Folder::new();
    let csv = folder.write(
        "p.csv",
        "id,y_true,y_pred,q0.5,place,q,note,q0.9\n0,1,1,2,\"[0.5, 1]\",7,x,3\n1,2,1,4.5,\"[2, -1e3]\",7,y,nan\n",
    );
    let jsonl = folder.write(
        "p.jsonl",
        "{\"id\":0,\"y_true\":1,\"y_pred\":1,\"q0.5\":2,\"place\":[0.5,1],\"q\":7,\"note\":\"x\",\"q0.9\":3}\n{\"id\":1,\"y_true\":2,\"y_pred\":1,\"q0.5\":4.5,\"place\":[2,-1000],\"q\":7,\"note\":\"y\",\"q0.9\":NaN}\n",
    );
    let places = ListArray::from_iter_primitive::<Float64Type, _, _>([
        Some(vec![Some(0.5), Some(1.0)]),
        Some(vec![Some(2.0), Some(-1e3)]),
    ]);
    let parquet = folder.parquet(
        "p.parquet",
        vec![
            ("id", array(Int64Array::from(vec![0, 1]))),
            ("y_true", array(Int64Array::from(vec![1, 2]))),
            ("y_pred", array(Int64Array::from(vec![1, 1]))),
            ("q0.5", array(Float64Array::from(vec![2.0, 4.5]))),
            ("place", array(places)),
            ("q", array(Int64Array::from(vec![7, 7]))),
            ("note", array(StringArray::from(vec!["x", "y"]))),
            ("q0.9", array(Float64Array::from(vec![3.0, f64::NAN]))),
        ],
    );
    let ints = |values: &[i64]| npy("<i8", false, "(2,)", &i64s(values));
    let floats = |values: &[f64]| npy("<f8", false, "(2,)", &f64s(values));
    let npz = folder.npz(
        "p.npz",
        &[
            ("id", ints(&[0, 1])),
            ("y_true", ints(&[1, 2])),
            ("y_pred", ints(&[1, 1])),
            ("q0.5", floats(&[2.0, 4.5])),
            (
                "place",
                npy("<f8", false, "(2, 2)", &f64s(&[0.5, 1.0, 2.0, -1e3])),
            ),
            ("q", ints(&[7, 7])),
            ("note", npy("|S1", false, "(2,)", b"xy")),
            ("q0.9", floats(&[3.0, f64::NAN])),
        ],
    );
    let column = |name: &str, width, values: &[f64]| NumberColumn {
        name: name.into(),
        width,
        values: values.into(),
    };
    let sorted = |mut names: Vec<String>| {
        names.sort_unstable();
        names
    };
    for path in [csv, jsonl, parquet, npz] {
        let table = read_numbers(&path, &["q*", "place"]).unwrap();
        let place = column("place", 2, &[0.5, 1.0, 2.0, -1e3]);
        let expected = [place, column("q0.5", 1, &[2.0, 4.5])];
        assert_eq!(table.numbers[..2], expected, "{}", path.display());
        let last = &table.numbers[2];
        assert!(
            last.name == "q0.9" && last.values[1].is_nan(),
            "NaN is a number here"
        );
        assert_eq!(table.numbers.len(), 3);
        assert_eq!(
            sorted(table.ignored_columns),
            ["note", "q"],
            "`q*` is not `q`"
        );
        let without = read(&path).unwrap();
        assert!(without.numbers.is_empty());
        let all = ["note", "place", "q", "q0.5", "q0.9"];
        assert_eq!(sorted(without.ignored_columns), all);
    }
}

#[test]
fn columns_of_numbers_name_what_is_wrong() {
    let folder = Folder::new();
    let refused = |rows: &str| {
        let path = folder.write("w.csv", format!("id,y_true,y_pred,place\n{rows}"));
        let message = read_numbers(&path, &["place"]).unwrap_err();
        assert!(!message.contains("SAMPLE"), "{message}");
        message
    };
    let ragged = refused("0,1,1,\"[1, 2]\"\n1,1,1,3\n");
    assert!(
        ragged.contains("`place` has 1 number(s), the first row has 2"),
        "{ragged}"
    );
    assert!(refused("0,1,1,[]\n").contains("at least 1"));
    let text = refused("0,1,1,2\n1,1,1,SAMPLE\n");
    assert!(text.contains("place") && text.contains("number"), "{text}");
    assert!(refused("0,1,1,\"[1, SAMPLE]\"\n").contains("number"));
    let missing = refused("0,1,1,2\n1,1,1,\n");
    assert!(
        missing.contains("place") && missing.contains("missing"),
        "{missing}"
    );
}

#[test]
fn a_single_score_is_that_of_the_positive_class() {
    let folder = Folder::new();
    let table = read(&folder.write(
        "p.csv",
        "id,y_true,y_score,extra\na,1,0.5,SAMPLE\nb,0,nan,x\n",
    ))
    .unwrap();
    assert_eq!(
        (
            table.score_columns(),
            table.score_labels.len(),
            table.y_pred
        ),
        (1, 0, None)
    );
    let scores = table.y_score.unwrap();
    assert!(scores[0] == 0.5 && scores[1].is_nan());
    assert_eq!(table.ignored_columns, ["extra"]);
    let npz = folder.npz(
        "p.npz",
        &[
            ("id", npy("<i8", false, "(1,)", &i64s(&[1]))),
            ("y_true", npy("<i8", false, "(1,)", &i64s(&[1]))),
            ("y_score", npy("<f8", false, "(1,)", &f64s(&[0.5]))),
        ],
    );
    assert_eq!(read(&npz).unwrap().y_score, Some(vec![0.5]));
}

#[test]
fn labels_are_text_when_any_is() {
    let folder = Folder::new();
    let table = read(&folder.write(
        "p.csv",
        "id,y_true,y_pred,y_score_cat,y_score_7\na,7.0,cat,1,0\nb,cat,7,1,0\n",
    ))
    .unwrap();
    assert_eq!(table.y_true, Values::Text(vec!["7".into(), "cat".into()]));
    assert_eq!(
        table.y_pred,
        Some(Values::Text(vec!["cat".into(), "7".into()]))
    );
    assert_eq!(
        table.score_labels,
        ["cat", "7"],
        "file order unless all are numbers"
    );
    let mixed = read(&folder.write("m.csv", "id,y_true,y_pred\na,1,cat\n")).unwrap();
    assert_eq!(
        mixed.y_true,
        Values::Text(vec!["1".into()]),
        "both of one kind"
    );
    let codes = read(&folder.write("c.csv", "id,y_true,y_pred\na,007,007\n")).unwrap();
    assert_eq!(codes.y_true, Values::Text(vec!["007".into()]));
    let eleven: String = (0..11).map(|class| format!(",y_score_{class}")).collect();
    let zeros = ",0".repeat(11);
    let many = read(&folder.write("e.csv", format!("id,y_true{eleven}\na,1{zeros}\n"))).unwrap();
    assert_eq!(
        many.score_labels,
        (0..11).map(|class| class.to_string()).collect::<Vec<_>>()
    );
}

#[test]
fn npz_labels_name_the_classes() {
    let folder = Folder::new();
    let arrays = |labels: Vec<u8>| {
        [
            ("id", npy("<i8", false, "(1,)", &i64s(&[1]))),
            (
                "y_true",
                npy(
                    "<U3",
                    false,
                    "(1,)",
                    &[b'd', 0, 0, 0, b'o', 0, 0, 0, b'g', 0, 0, 0],
                ),
            ),
            ("y_score", npy("<f8", false, "(1, 2)", &f64s(&[0.5, 0.5]))),
            ("labels", labels),
        ]
    };
    let table = read(&folder.npz("p.npz", &arrays(npy("|S3", false, "(2,)", b"catdog")))).unwrap();
    assert_eq!(table.score_labels, ["cat", "dog"]);
    assert_eq!(table.y_true, Values::Text(vec!["dog".into()]));
    let wrong = folder.npz("w.npz", &arrays(npy("|S3", false, "(1,)", b"cat")));
    assert!(refused(&wrong).contains("array `labels` has shape [1], but `y_score` has 2 classes"));
}

#[test]
fn bad_predictions_are_refused_with_name_place_and_column() {
    let folder = Folder::new();
    let csv = [
        (
            "idx,y_true,y_pred\n1,1,1\n",
            "run 7 predictions: no column `id`, did you mean `idx`?",
        ),
        (
            "id,ytrue,y_pred\n1,1,1\n",
            "no column `y_true`, did you mean `ytrue`?",
        ),
        ("id,y_true\n1,1\n", "neither `y_pred` nor `y_score`"),
        (
            "id,y_true,y_pred\n1,1,1\n,1,1\n2,0,1\n,1,1\n",
            "run 7 predictions: column `id`: 2 missing value(s), first at line 3, line 5",
        ),
        (
            "id,y_true,y_pred\n1,,1\n",
            "column `y_true`: 1 missing value(s), first at line 2",
        ),
        (
            "id,y_true,y_score\n1,1,0.5\n2,1,SAMPLE\n",
            "run 7 predictions: line 3, column `y_score`: not a number",
        ),
        (
            "id,y_true,y_score_a\n1,1,\n",
            "column `y_score_a`: 1 missing value(s)",
        ),
        (
            "id,y_true,y_pred,weight\n1,1,1,SAMPLE\n",
            "column `weight`: not a number",
        ),
        (
            "id,y_true,y_score,y_score_a\n1,1,1,1\n",
            "both `y_score` and `y_score_<label>`",
        ),
        ("id,y_true,y_pred\n1,1\n", "1 ragged record(s)"),
        ("id,y_true,y_pred\n", "a header but no rows"),
    ];
    for (text, expected) in csv {
        let message = refused(&folder.write("p.csv", text));
        assert!(message.contains(expected), "{message}");
    }
    let jsonl = [
        (
            "{\"id\":1,\"y_true\":1,\"y_score\":[1,2]}\n{\"id\":2,\"y_true\":1,\"y_score\":[1]}",
            "line 2: `y_score` has 1 score(s), the first row has a list of 2",
        ),
        (
            "{\"id\":1,\"y_true\":1,\"y_score\":0.5}\n{\"id\":2,\"y_true\":1,\"y_score\":[1]}",
            "line 2: `y_score` has 1 score(s), the first row has a number of 1",
        ),
        (
            "{\"id\":1,\"y_true\":1,\"y_score\":[1]}\n{\"id\":2,\"y_true\":1,\"y_score\":1}",
            "line 2: `y_score` has 1 score(s), the first row has a list of 1",
        ),
        (
            "{\"id\":1,\"y_true\":1,\"y_score\":[\"SAMPLE\"]}",
            "line 1, column `y_score`: not a number",
        ),
        (
            "{\"id\":1,\"y_true\":1,\"y_score\":[]}",
            "line 1: `y_score` is an empty list",
        ),
        (
            "{\"id\":null,\"y_true\":1,\"y_pred\":1}",
            "column `id`: 1 missing value(s), first at line 1",
        ),
        (
            "{\"id\":[1],\"y_true\":1,\"y_pred\":1}",
            "line 1: column `id`: a list or nested value",
        ),
    ];
    for (text, expected) in jsonl {
        let message = refused(&folder.write("p.jsonl", text));
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn bad_npz_and_parquet_predictions_are_refused() {
    let folder = Folder::new();
    let id = || npy("<i8", false, "(2,)", &i64s(&[1, 2]));
    let arrays = [
        (
            vec![
                ("id", id()),
                ("y_true", id()),
                ("y_pred", npy("<i8", false, "(1,)", &i64s(&[1]))),
            ],
            "first dimensions disagree",
        ),
        (
            vec![
                ("id", id()),
                ("y_true", npy("<i8", false, "(2, 1)", &i64s(&[1, 2]))),
                ("y_pred", id()),
            ],
            "array `y_true` has shape [2, 1]",
        ),
        (
            vec![
                ("id", id()),
                ("y_true", id()),
                ("y_score", npy("|S2", false, "(2,)", b"abcd")),
            ],
            "row 0 (counted from 0), column `y_score`: not a number",
        ),
        (
            vec![("id", id()), ("y_true", id()), ("y_score_a", id())],
            "scores are one array `y_score`",
        ),
        (
            vec![("id", id()), ("y_true", id())],
            "neither `y_pred` nor `y_score`",
        ),
        (
            vec![
                ("id", id()),
                ("y_true", id()),
                ("y_pred", npy("|O", false, "(2,)", b"")),
            ],
            "a pickle",
        ),
    ];
    for (arrays, expected) in arrays {
        let message = refused(&folder.npz("p.npz", &arrays));
        assert!(
            message.contains("run 7 predictions") && message.contains(expected),
            "{message}"
        );
    }
    let parquet = folder.parquet(
        "p.parquet",
        vec![
            ("id", array(Int64Array::from(vec![Some(1), None]))),
            ("y_true", array(Int64Array::from(vec![1, 2]))),
            ("y_pred", array(Int64Array::from(vec![1, 2]))),
        ],
    );
    assert!(
        refused(&parquet)
            .contains("column `id`: 1 missing value(s), first at row 1 (counted from 0)")
    );
}

#[test]
fn a_blob_without_a_name_is_read_by_stated_format() {
    let folder = Folder::new();
    let blob = folder.write("ab12", "id,y_true,y_pred\n1,1,1\n");
    assert_eq!(
        read_predictions(&blob, "p.csv", Format::Csv)
            .unwrap()
            .rows(),
        1
    );
    assert!(
        read_predictions(&blob, "p.npz", Format::Npz)
            .unwrap_err()
            .to_string()
            .starts_with("p.npz: not a npz file")
    );
    let error = read_predictions(&folder.path(""), "folder", Format::Folder).unwrap_err();
    assert!(
        error.to_string().contains("predictions are one file"),
        "{error}"
    );
}

#[test]
fn duplicate_ids_are_found_by_row() {
    let folder = Folder::new();
    let table =
        read(&folder.write("p.csv", "id,y_true,y_pred\na,1,1\nb,1,1\na,1,1\na,1,1\n")).unwrap();
    assert_eq!(table.duplicate_ids(10), [(2, 0), (3, 0)]);
    assert_eq!(table.duplicate_ids(1), [(2, 0)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn scores_are_bit_equal_through_csv_and_json(scores in prop::collection::vec(any::<f64>(), 1..20)) {
        let folder = Folder::new();
        let rows: String = scores.iter().enumerate().map(|(row, score)| format!("{row},{score:?},{score:?}\n")).collect();
        let table = read(&folder.write("p.csv", format!("id,y_true,y_score\n{rows}"))).unwrap();
        let json: PredictionTable = serde_json::from_str(&serde_json::to_string(&table).unwrap()).unwrap();
        for read in [table.y_score.unwrap(), json.y_score.unwrap()] {
            for (read, score) in read.iter().zip(&scores) {
                prop_assert!(read.to_bits() == score.to_bits() || (read.is_nan() && score.is_nan()));
            }
        }
    }
}

#[test]
fn lists_of_labels_are_one_form() {
    let folder = Folder::new();
    let lists = |lists: &[&str]| Values::Text(lists.iter().map(|v| (*v).to_owned()).collect());
    let csv = folder.write(
        "m.csv",
        "id,y_true,y_pred,y_score_a,y_score_b\n0,\"[\"\"a\"\", \"\"b\"\"]\",[],0.5,1\n1,[],\"[\"\"b\"\"]\",0,0.25\n",
    );
    let jsonl = folder.write(
        "m.jsonl",
        "{\"id\":0,\"y_true\":[\"a\",\"b\"],\"y_pred\":[],\"y_score_a\":0.5,\"y_score_b\":1}\n{\"id\":1,\"y_true\":[],\"y_pred\":[\"b\"],\"y_score_a\":0,\"y_score_b\":0.25}\n",
    );
    let names = |rows: [&[&str]; 2]| {
        let mut list = ListBuilder::new(StringBuilder::new());
        for row in rows {
            row.iter().for_each(|name| list.values().append_value(name));
            list.append(true);
        }
        array(list.finish())
    };
    let parquet = folder.parquet(
        "m.parquet",
        vec![
            ("id", array(Int64Array::from(vec![0, 1]))),
            ("y_true", names([&["a", "b"], &[]])),
            ("y_pred", names([&[], &["b"]])),
            ("y_score_a", array(Float64Array::from(vec![0.5, 0.0]))),
            ("y_score_b", array(Float64Array::from(vec![1.0, 0.25]))),
        ],
    );
    for path in [csv, jsonl, parquet] {
        let format = Format::detect(&path).unwrap();
        let table = read_label_list_predictions(&path, "m", format).unwrap();
        assert_eq!(table.y_true, lists(&["[\"a\",\"b\"]", "[]"]), "{format}");
        assert_eq!(table.y_pred, Some(lists(&["[]", "[\"b\"]"])), "{format}");
        assert_eq!(table.score_labels, ["a", "b"]);
        assert_eq!(table.y_score, Some(vec![0.5, 1.0, 0.0, 0.25]));
    }
    let plain = folder.write("w.csv", "id,y_true,y_pred\n0,[],[]\n1,secret,[]\n");
    let error = read_label_list_predictions(&plain, "w.csv", Format::Csv)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("line 3") && error.contains("`y_true`") && error.contains("list of label"),
        "{error}"
    );
    assert!(!error.contains("secret"), "no value of the data");
    let empty = folder.write("e.csv", "id,y_true,y_pred\n0,[],\n");
    let error = read_label_list_predictions(&empty, "e.csv", Format::Csv).unwrap_err();
    assert!(error.to_string().contains("`y_pred`"), "{error}");
}

#[test]
fn nested_values_become_json_text() {
    let folder = Folder::new();
    let boxes = r#"[{"bbox":[1,2.5,3,-4],"category":"a \"b\""},{"crowd":true,"bbox":[],"x":null}]"#;
    let map = r#"{"runs":[["a",18446744073709551615],[null,1]],"size":[1,2]}"#;
    let jsonl = folder.write(
        "b.jsonl",
        format!("{{\"id\":0,\"y_true\":{boxes},\"y_pred\":[]}}\n{{\"id\":1,\"y_true\":[],\"y_pred\":{map}}}\n"),
    );
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let csv = folder.write(
        "b.csv",
        format!(
            "id,y_true,y_pred\n0,{},[]\n1,[],{}\n",
            quoted(boxes),
            quoted(map)
        ),
    );
    for path in [csv, jsonl] {
        let format = Format::detect(&path).unwrap();
        let table = read_json_predictions(&path, "b", format).unwrap();
        let json = |values: &Values| -> Vec<serde_json::Value> {
            let texts = values.to_labels().into_iter();
            texts
                .map(|text| serde_json::from_str(&text).unwrap())
                .collect()
        };
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(json(&table.y_true), [value(boxes), value("[]")], "{format}");
        assert_eq!(
            json(&table.y_pred.unwrap()),
            [value("[]"), value(map)],
            "{format}"
        );
    }
    let wrong = folder.write(
        "w.jsonl",
        "{\"id\":0,\"y_true\":[],\"y_pred\":[]}\n{\"id\":1,\"y_true\":12345,\"y_pred\":[]}\n",
    );
    let error = read_json_predictions(&wrong, "w.jsonl", Format::Jsonl)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("line 2") && error.contains("`y_true`") && error.contains("JSON list"),
        "{error}"
    );
    assert!(!error.contains("12345"), "no value of the data");
    let empty = folder.write("e.csv", "id,y_true,y_pred\n0,[],\n");
    let error = read_json_predictions(&empty, "e.csv", Format::Csv).unwrap_err();
    assert!(error.to_string().contains("`y_pred`"), "{error}");
}

#[test]
fn texts_stay_as_they_are_written() {
    let folder = Folder::new();
    let text = |values: &[&str]| Values::Text(values.iter().map(|v| (*v).to_owned()).collect());
    let csv = folder.write(
        "t.csv",
        "id,y_true,y_pred\n0,007,7\n1,\"a, b\",\n2,1.50,NaN\n",
    );
    let table = read_text_predictions(&csv, "t.csv", Format::Csv).unwrap();
    assert_eq!(table.y_true, text(&["007", "a, b", "1.50"]));
    assert_eq!(table.y_pred, Some(text(&["7", "", "NaN"])));

    let lines = "{\"id\": 0, \"y_true\": \"\", \"y_pred\": \"01\"}\n{\"id\": 1, \"y_true\": \"x\", \"y_pred\": 2}\n";
    let jsonl = folder.write("t.jsonl", lines);
    let table = read_text_predictions(&jsonl, "t.jsonl", Format::Jsonl).unwrap();
    assert_eq!(table.y_true, text(&["", "x"]));
    assert_eq!(table.y_pred, Some(text(&["01", "2"])));

    let null = folder.write(
        "n.jsonl",
        "{\"id\": 0, \"y_true\": \"secret\", \"y_pred\": null}\n",
    );
    let error = read_text_predictions(&null, "n.jsonl", Format::Jsonl)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("`y_pred`") && !error.contains("secret"),
        "{error}"
    );
}
