//! Printed data is told once with its line; results and logs are not.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use super::{Rules, Scan, Told, WARNINGS_MAX};

fn scan(text: &str) -> Vec<String> {
    let rules = Arc::new(Rules::new(&BTreeMap::new()).expect("small"));
    let mut scan = Scan::new("stdout", rules, Arc::new(Told::default()));
    let mut out = Vec::new();
    let mut warnings = Vec::new();
    // In pieces of odd sizes, as pipes give them.
    for piece in text.as_bytes().chunks(13) {
        warnings.extend(scan.push(piece, &mut out));
    }
    warnings.extend(scan.finish(&mut out));
    warnings
}

/// A number that looks like a feature, without order.
fn feature(index: usize) -> f64 {
    ((index * 7919 + 13) % 1000) as f64 / 100.0
}

fn matrix(rows: usize, columns: usize, separator: &str) -> String {
    let row = |row: usize| {
        let values: Vec<String> = (0..columns)
            .map(|column| format!("{:.4}", feature(row * columns + column)))
            .collect();
        format!("[{}]", values.join(separator))
    };
    let rows: Vec<String> = (0..rows).map(row).collect();
    format!("[{}]", rows.join(&format!("{}\n ", separator.trim_end())))
}

fn frame(rows: usize) -> String {
    let mut text =
        "   sepal length (cm)  sepal width (cm)  petal length (cm)  species\n".to_owned();
    for row in 0..rows {
        let value = |column: usize| feature(row * 3 + column);
        writeln!(
            text,
            "{row}  {}  {}  {}  setosa",
            value(0),
            value(1),
            value(2)
        )
        .expect("text");
    }
    text
}

#[track_caller]
fn told(text: &str, line: u64, words: &str) {
    let warnings = scan(text);
    let place = format!("stdout, line {line}: what looks like {words}");
    let of_it: Vec<&String> = warnings
        .iter()
        .filter(|one| one.starts_with(&place))
        .collect();
    assert_eq!(of_it.len(), 1, "{text}\n{warnings:?}");
}

#[test]
fn arrays_are_told_with_the_line_where_they_begin() {
    let array = "an array or tensor";
    told(
        &format!("one\nx = tensor({})\n", matrix(16, 4, ", ")),
        2,
        array,
    );
    told(
        &format!("array({}, dtype=float32)\n", matrix(10, 5, ", ")),
        1,
        array,
    );
    told(&format!("\n\nbatch: {}\n", matrix(28, 28, " ")), 3, array);
    told(
        &format!("tf.Tensor(\n{}, shape=(9, 4))\n", matrix(9, 4, " ")),
        2,
        array,
    );
    told(&format!("[{}]", matrix(6, 6, ", ")), 1, array);
    told(
        "[[5.1 3.5 1.4 0.2]\n [4.9 3.  1.4 0.2]\n ...\n [6.2 3.4 5.4 2.3]]\n",
        1,
        array,
    );
    told(
        "tensor([[0.1, 0.2, 0.3,  ..., 0.8, 0.9, 1.0],\n        [0.1, 0.2, 0.3]])",
        1,
        array,
    );
    told("[0 1 2 ... 997 998 999]\n", 1, array);
    let flat: Vec<String> = (0..784).map(|at| feature(at).to_string()).collect();
    told(&format!("a\nsample = [{}]\n", flat.join(", ")), 2, array);
}

#[test]
fn tables_and_rows_are_told_with_the_line_where_they_begin() {
    told(&format!("head:\n{}", frame(5)), 3, "a table of data");
    told(
        "      a    b\n0   1.0  2.0\n..  ...  ...\n\n[150 rows x 5 columns]\n",
        5,
        "a table of data",
    );
    told("shape: (150, 5)\n┌─────┬─────┐\n", 2, "a table of data");
    let row = |row: usize| -> String {
        let values: Vec<String> = (0..10)
            .map(|at| feature(row * 10 + at).to_string())
            .collect();
        values.join(" ") + "\n"
    };
    let rows: String = (0..25).map(row).collect();
    told(&format!("data\n{rows}"), 2, "rows of data");
    let wide: Vec<String> = (0..784).map(|at| feature(at).to_string()).collect();
    told(&format!("x\ny\n{}\n", wide.join(",")), 3, "rows of data");
}

#[test]
fn a_warning_has_no_content_and_comes_once() {
    let text = format!("x = tensor({})\n", matrix(16, 4, ", ")).repeat(50) + &frame(30).repeat(20);
    let warnings = scan(&text);
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings.len() <= WARNINGS_MAX);
    for value in ["0.13", "setosa", "sepal"] {
        assert!(
            warnings.iter().all(|one| !one.contains(value)),
            "{warnings:?}"
        );
    }
    let rules = Arc::new(Rules::new(&BTreeMap::new()).expect("small"));
    let told = Arc::new(Told::default());
    let mut count = 0;
    for stream in ["stdout", "stderr"] {
        let mut scan = Scan::new(stream, Arc::clone(&rules), Arc::clone(&told));
        count += scan.push(text.as_bytes(), &mut Vec::new()).len();
    }
    assert_eq!(count, 2, "once in a run, not in a stream");
}

#[test]
fn a_masked_secret_is_told_with_its_line_and_without_it() {
    let warnings = scan("a\nb\npassword=hunter2 x\npassword=hunter3\n");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].starts_with("stdout, line 3: a value"),
        "{warnings:?}"
    );
    assert!(!warnings[0].contains("hunter"), "{warnings:?}");
}

/// What libraries print while they train and judge.
const RESULTS: &[&str] = &[
    // scikit-learn
    "              precision    recall  f1-score   support\n\n           0       1.00      0.99      0.99        88\n           1       0.98      0.97      0.98        91\n           2       0.99      1.00      0.99        86\n           3       0.98      0.97      0.97        91\n           4       0.99      0.97      0.98        92\n           5       0.97      0.97      0.97        91\n           6       0.99      0.99      0.99        91\n\n    accuracy                           0.97       899\n   macro avg       0.97      0.97      0.97       899\n",
    "[[87  0  0  0  1  0  0  0  0  0]\n [ 0 88  1  0  0  0  0  0  1  1]\n [ 0  0 85  1  0  0  0  0  0  0]\n [ 0  0  0 79  0  3  0  4  5  0]\n [ 0  0  0  0 88  0  0  0  0  4]\n [ 0  0  0  0  0 88  1  0  0  2]\n [ 0  1  0  0  0  0 90  0  0  0]\n [ 0  0  0  0  0  1  0 88  0  0]\n [ 0  0  0  0  0  0  0  0 88  0]\n [ 0  0  0  1  0  1  0  0  0 90]]\n",
    "array([[0.98, 0.02],\n       [0.05, 0.95]])\ncross_val_score: [0.96666667 1.         0.93333333 0.96666667 1.        ]\n",
    "      Iter       Train Loss      OOB Improve   Remaining Time \n         1           1.2345           0.0234            0.10s\n         2           1.1345           0.0134            0.10s\n         3           1.0345           0.0124            0.10s\n         4           0.9345           0.0114            0.10s\n         5           0.8345           0.0104            0.10s\n         6           0.8145           0.0104            0.10s\n",
    "Iteration 1, loss = 2.30\nIteration 2, loss = 1.98\n-- Epoch 1\nNorm: 12.3, NNZs: 64, Bias: 0.1, T: 1797, Avg. loss: 0.5\n",
    // Lightning
    "  | Name  | Type   | Params | Mode \n-----------------------------------------\n0 | model | Linear | 7.9 K  | train\n1 | loss  | Module | 0      | train\n-----------------------------------------\n7.9 K     Trainable params\nEpoch 0:  12%|█▏        | 10/86 [00:01<00:09,  8.12it/s, v_num=3, train_loss=2.310]\rEpoch 0:  13%|█▎        | 11/86 [00:01<00:09,  8.13it/s, v_num=3, train_loss=2.290]\n",
    // Transformers
    "{'loss': 2.3021, 'grad_norm': 1.234, 'learning_rate': 4.9e-05, 'epoch': 0.05}\n{'eval_loss': 1.9, 'eval_accuracy': 0.61, 'eval_runtime': 1.2, 'epoch': 1.0}\n***** train metrics *****\n  epoch                    =        3.0\n  train_loss               =     0.1234\n",
    // Keras
    "Epoch 1/10\n\u{1b}[1m313/313\u{1b}[0m \u{1b}[32m━━━━━━━━━━━━━━━━━━━━\u{1b}[0m\u{1b}[37m\u{1b}[0m \u{1b}[1m2s\u{1b}[0m 5ms/step - accuracy: 0.8712 - loss: 0.4521\n1875/1875 [==============================] - 3s 2ms/step - loss: 0.2962 - accuracy: 0.9143\n",
    "┏━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━┓\n┃ Layer (type) ┃ Output Shape ┃\n│ dense        │ (None, 128)  │\n",
    // XGBoost, LightGBM, CatBoost
    "[0]\ttrain-mlogloss:1.98\teval-mlogloss:2.01\n[1]\ttrain-mlogloss:1.58\teval-mlogloss:1.71\n[100]\tvalid_0's binary_logloss: 0.1234\n0:\tlearn: 0.6843\ttotal: 58ms\tremaining: 5.8s\n",
    // fastai
    "epoch     train_loss  valid_loss  accuracy  time    \n0         0.512345    0.412345    0.812345  00:12     \n1         0.412345    0.312345    0.852345  00:12     \n2         0.312345    0.302345    0.872345  00:12     \n3         0.302345    0.292345    0.882345  00:12     \n4         0.292345    0.282345    0.892345  00:12     \n5         0.282345    0.272345    0.902345  00:12     \n",
    // Logs
    "2026-01-01 10:00:00,123 INFO [trainer.py:12] epoch 3 step 100 loss 0.5 [12.3s]\n[2026-01-01 10:00:00][INFO] - lr: [0.1, 0.01]\n[1/100] loss 0.5\n",
    "{\"step\":3,\"metrics\":{\"loss\":0.5,\"per_class\":[0.9,0.8,0.7]}}\nweights: tensor([0.3000, 0.7000]) tensor(0.1234, grad_fn=<MeanBackward0>)\n",
    "losses: [0.9, 0.8, 0.7, 0.6, 0.55, 0.5, 0.45, 0.4, 0.39, 0.38]\nshape: (150, 4)\nx[[0]] and [[1, 2], [3, 4]] and [1, 2, ...]\n",
    "Mon Jan  1 10:00:00 2026\n+-----------------------------------------+\n| 0  NVIDIA A100  On | 00000000:00:04.0 Off |   0 |\n",
    "procs -----------memory---------- ---swap-- -----io----\n r  b   swpd   free   buff  cache   si   so    bi    bo\n 1  0      0 123456  12345 123456    0    0     1     2\n",
];

#[test]
fn results_and_logs_are_not_told() {
    for text in RESULTS {
        assert_eq!(scan(text), Vec::<String>::new(), "{text}");
    }
    let epochs: String = (0..200)
        .map(|epoch| format!("{epoch},0.5,0.4,0.9\n"))
        .collect();
    assert_eq!(scan(&epochs), Vec::<String>::new());
    let vmstat =
        "procs memory\n r b swpd free\n".to_owned() + &"1 0 0 1 2 3 4 5 6 7 8 9\n".repeat(100);
    assert_eq!(scan(&vmstat), Vec::<String>::new());
}

#[test]
fn odd_output_breaks_nothing() {
    for text in [
        "[",
        "]",
        "[[",
        "]]]]",
        "[1",
        "1e",
        "-",
        "....",
        "[...",
        "0 0 0 0\n",
        "\n\n[\n]\n",
        "([",
        "[[]]",
        "1e+",
        "é1",
    ] {
        assert_eq!(scan(text), Vec::<String>::new(), "{text}");
    }
    scan(&"[".repeat(100_000));
    scan(&"[[1 ".repeat(100_000));
}
