//! Rows in batches are evaluated as rows that are all there: the same bits, notes, reasons, tables
//! and errors, however the rows are cut. That memory does not grow with them is in `batches_memory`.

use mlhub_eval::{
    Bootstrap, EvaluateOptions, Evaluation, EvaluationFold, Predictions, PredictionsInput, Targets,
    Task, definitions_for, evaluate,
};
use proptest::prelude::*;

/// Metrics that look at the order of rows, or at both columns together.
const OF_ALL_ROWS: [&str; 11] = [
    "auroc",
    "auroc_ovr_macro",
    "auroc_ovr_weighted",
    "auroc_ovo_macro",
    "auroc_ovo_weighted",
    "average_precision",
    "average_precision_macro",
    "median_absolute_error",
    "pearson",
    "spearman",
    "kendall_tau_b",
];

fn options(task: Task, curves: bool, threads: usize) -> EvaluateOptions {
    let of_task = definitions_for(task);
    let folded = of_task
        .iter()
        .filter(|definition| !OF_ALL_ROWS.contains(&definition.name.as_str()));
    EvaluateOptions {
        definitions: Some(folded.map(|definition| definition.id()).collect()),
        bootstrap: None,
        curves,
        threads,
        threshold: None,
    }
}

/// The rows from `start` to `end`, without their ids.
fn part(input: &PredictionsInput, start: usize, end: usize) -> PredictionsInput {
    let rows = input.y_true.len();
    let targets = |targets: &Targets| match targets {
        Targets::Classes(classes) => Targets::Classes(classes[start..end].to_vec()),
        Targets::Values(values) => Targets::Values(values[start..end].to_vec()),
        other => panic!("no batches of {other:?}"),
    };
    PredictionsInput {
        ids: Vec::new(),
        y_true: targets(&input.y_true),
        y_pred: input.y_pred.as_ref().map(targets),
        y_score: input.y_score.as_ref().map(|scores| {
            let columns = scores.len() / rows;
            scores[start * columns..end * columns].to_vec()
        }),
        weight: input.weight.as_ref().map(|of| of[start..end].to_vec()),
        ..input.clone()
    }
}

fn in_batches(
    input: &PredictionsInput,
    batch_rows: usize,
    options: &EvaluateOptions,
) -> Result<Evaluation, String> {
    let rows = input.y_true.len();
    let batches: Vec<Predictions> = (0..rows)
        .step_by(batch_rows)
        .map(|start| {
            let end = rows.min(start + batch_rows);
            Predictions::part(part(input, start, end)).expect("valid rows")
        })
        .collect();
    let fold = EvaluationFold::new(&batches[0], options).expect("valid options");
    let mut fold = fold.expect("metrics that are folded");
    batches.iter().for_each(|batch| fold.push(batch));
    if fold.end_first() {
        batches.iter().for_each(|batch| fold.push(batch));
    }
    fold.finish().map_err(|error| error.to_string())
}

fn whole(input: &PredictionsInput, options: &EvaluateOptions) -> Result<Evaluation, String> {
    let predictions = Predictions::new(input.clone()).map_err(|error| error.to_string())?;
    Ok(evaluate(&predictions, options).expect("valid options"))
}

/// Both ways, on one thread and on two; NaN is equal to itself and -0 is not 0.
fn assert_same(input: &PredictionsInput, curves: bool, batch_rows: &[usize]) {
    let expected = format!("{:?}", whole(input, &options(input.task, curves, 1)));
    for (batch_rows, threads) in batch_rows.iter().zip([1, 2].into_iter().cycle()) {
        let options = options(input.task, curves, threads);
        let found = format!("{:?}", in_batches(input, *batch_rows, &options));
        assert_eq!(found, expected, "batches of {batch_rows} rows");
    }
}

/// Rows of (true class, predicted class, scores, weight), of which scores are sometimes no
/// probabilities and weights sometimes all 0.
fn classes(rows: std::ops::Range<usize>) -> impl Strategy<Value = PredictionsInput> {
    let shape = (2_u32..7, any::<[bool; 4]>());
    shape.prop_flat_map(
        move |(labels, [predicted, weighted, probable, one_column])| {
            let columns = if labels == 2 && one_column { 1 } else { labels };
            let row = (
                0..labels,
                0..labels,
                proptest::collection::vec(0_u32..8, columns as usize),
                prop_oneof![Just(0.0), 0.0..3.0_f64],
            );
            proptest::collection::vec(row, rows.clone()).prop_map(move |rows| {
                let scores = rows.iter().flat_map(|row| {
                    let total = match columns {
                        1 => 7,
                        _ => row.2.iter().sum::<u32>().max(1),
                    };
                    let share = |part: &u32| f64::from(*part) / f64::from(total);
                    row.2.iter().map(share).collect::<Vec<_>>()
                });
                let mut scores: Vec<f64> = scores.collect();
                if !probable {
                    scores[0] = 1.5;
                }
                PredictionsInput {
                    ids: (0..rows.len()).map(|row| row.to_string()).collect(),
                    task: if labels == 2 {
                        Task::Binary
                    } else {
                        Task::Multiclass
                    },
                    labels: (0..labels).map(|label| label.to_string()).collect(),
                    y_true: Targets::Classes(rows.iter().map(|row| row.0).collect()),
                    y_pred: predicted
                        .then(|| Targets::Classes(rows.iter().map(|row| row.1).collect())),
                    y_score: Some(scores),
                    weight: weighted.then(|| rows.iter().map(|row| row.3).collect()),
                    group: None,
                    numbers: Vec::new(),
                }
            })
        },
    )
}

/// Rows of (true value, predicted value, weight), of which columns are sometimes constant.
fn values(rows: std::ops::Range<usize>) -> impl Strategy<Value = PredictionsInput> {
    let number = || prop_oneof![Just(0.25), -1.5..4.0_f64, -1e9..1e9_f64];
    let row = (number(), number(), prop_oneof![Just(0.0), 0.0..3.0_f64]);
    let rows = proptest::collection::vec(row, rows);
    (rows, any::<[bool; 2]>()).prop_map(|(rows, [weighted, constant])| {
        let truth = |row: &(f64, f64, f64)| if constant { 0.1 } else { row.0 };
        PredictionsInput {
            ids: (0..rows.len()).map(|row| row.to_string()).collect(),
            task: Task::Regression,
            labels: Vec::new(),
            y_true: Targets::Values(rows.iter().map(truth).collect()),
            y_pred: Some(Targets::Values(rows.iter().map(|row| row.1).collect())),
            y_score: None,
            weight: weighted.then(|| rows.iter().map(|row| row.2).collect()),
            group: None,
            numbers: Vec::new(),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn classes_in_batches_are_classes_at_once(input in classes(1..40)) {
        assert_same(&input, false, &[1, 7, 4096]);
        let only_classes = PredictionsInput { y_score: None, ..input };
        if only_classes.y_pred.is_some() {
            assert_same(&only_classes, true, &[1, 7, 4096]);
        }
    }

    #[test]
    fn values_in_batches_are_values_at_once(input in values(1..40)) {
        assert_same(&input, true, &[1, 7, 4096]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    /// More rows than some blocks of a sum hold.
    #[test]
    fn rows_of_several_blocks_in_batches_are_those_rows_at_once(
        of_classes in classes(1_100..1_101),
        of_values in values(1_100..1_101),
    ) {
        assert_same(&of_classes, false, &[7, 511, 1]);
        assert_same(&of_values, true, &[7, 511, 1]);
    }

    #[test]
    fn rows_of_several_batches_are_those_rows_at_once(
        of_classes in classes(9_000..9_001),
        of_values in values(9_000..9_001),
    ) {
        assert_same(&of_classes, false, &[4_096, 9_000]);
        assert_same(&of_values, true, &[4_096, 9_000]);
    }
}

/// Rows without anything that varies but their number.
fn rows(task: Task, count: usize) -> PredictionsInput {
    let class = |by: u32| (0_u32..).map(move |row| row * by % 7 % 2).take(count);
    let value = |by: u32| class(by).map(f64::from).collect();
    let of_classes = task == Task::Binary;
    let targets = |by: u32| match of_classes {
        true => Targets::Classes(class(by).collect()),
        false => Targets::Values(value(by)),
    };
    PredictionsInput {
        ids: Vec::new(),
        task,
        labels: match of_classes {
            true => vec!["no".to_owned(), "yes".to_owned()],
            false => Vec::new(),
        },
        y_true: targets(3),
        y_pred: Some(targets(5)),
        y_score: of_classes.then(|| class(2).map(|one| 0.2 + 0.5 * f64::from(one)).collect()),
        weight: None,
        group: None,
        numbers: Vec::new(),
    }
}

#[test]
fn what_needs_all_rows_is_not_folded() {
    let binary = Predictions::part(rows(Task::Binary, 20)).expect("valid rows");
    let regression = Predictions::part(rows(Task::Regression, 20)).expect("valid rows");
    let named = |name: &str| EvaluateOptions {
        definitions: Some(vec![format!("{name}@1")]),
        bootstrap: None,
        curves: false,
        ..EvaluateOptions::default()
    };
    let is_folded = |predictions: &Predictions, options: &EvaluateOptions| {
        let fold = EvaluationFold::new(predictions, options).expect("valid options");
        fold.is_some()
    };
    assert!(is_folded(&binary, &named("log_loss")));
    assert!(is_folded(&regression, &named("r2")));
    for (predictions, name) in [
        (&binary, "auroc"),
        (&binary, "average_precision"),
        (&regression, "spearman"),
        (&regression, "median_absolute_error"),
    ] {
        assert!(!is_folded(predictions, &named(name)), "{name}");
    }
    let with_curves = EvaluateOptions {
        curves: true,
        ..named("f1")
    };
    assert!(!is_folded(&binary, &with_curves), "curves of scores");
    let with_intervals = EvaluateOptions {
        bootstrap: Some(Bootstrap::default()),
        ..named("f1")
    };
    assert!(!is_folded(&binary, &with_intervals), "intervals");
}

#[test]
fn no_rows_and_rows_without_weight_are_refused_as_at_once() {
    let options = options(Task::Regression, false, 1);
    let weightless = PredictionsInput {
        weight: Some(vec![0.0; 5]),
        ..rows(Task::Regression, 5)
    };
    let named = PredictionsInput {
        ids: (0..5).map(|row| row.to_string()).collect(),
        ..weightless.clone()
    };
    let error = whole(&named, &options).expect_err("no weight");
    assert_eq!(in_batches(&weightless, 2, &options), Err(error));
    let like = Predictions::part(rows(Task::Regression, 5)).expect("valid rows");
    let fold = EvaluationFold::new(&like, &options).expect("valid options");
    let error = fold.expect("folded").finish().expect_err("no rows");
    assert_eq!(
        error.to_string(),
        Predictions::new(rows(Task::Regression, 0))
            .expect_err("none")
            .to_string()
    );
}
