//! Invariants of the kernels, against naive formulas and against each other.
//! Agreement with scikit-learn is tested in `tests/`.

mod tables;

use crate::*;
use proptest::prelude::*;

fn input(task: Task, rows: usize, labels: usize) -> PredictionsInput {
    PredictionsInput {
        ids: (0..rows).map(|row| row.to_string()).collect(),
        task,
        labels: (0..labels).map(|label| label.to_string()).collect(),
        y_true: Targets::Classes(vec![0; rows]),
        y_pred: None,
        y_score: None,
        weight: None,
        group: None,
        numbers: Vec::new(),
    }
}

fn evaluated(input: PredictionsInput, bootstrap: Option<Bootstrap>, threads: usize) -> Evaluation {
    let options = EvaluateOptions {
        bootstrap,
        threads,
        curves: true,
        ..EvaluateOptions::default()
    };
    evaluate(&Predictions::new(input).unwrap(), &options).unwrap()
}

fn value(evaluation: &Evaluation, name: &str) -> f64 {
    let metric = evaluation.metrics.iter().find(|metric| metric.name == name);
    metric
        .unwrap_or_else(|| panic!("{name}: {:?}", evaluation.skipped))
        .value
}

/// Rows of (true class, predicted class, scores, weight).
fn multiclass(labels: u32) -> impl Strategy<Value = PredictionsInput> {
    let row = (
        0..labels,
        0..labels,
        proptest::collection::vec(0_u32..8, labels as usize),
        prop_oneof![Just(0.0), 0.0..3.0_f64],
    );
    proptest::collection::vec(row, 1..60).prop_map(move |rows| {
        let scores = rows.iter().flat_map(|row| {
            // The last class gets an extra share, so that no sum is zero.
            let total: u32 = row.2.iter().sum::<u32>() + 1;
            let last = row.2.len() - 1;
            row.2.iter().enumerate().map(move |(class, part)| {
                f64::from(part + u32::from(class == last)) / f64::from(total)
            })
        });
        PredictionsInput {
            y_score: Some(scores.collect()),
            y_pred: Some(Targets::Classes(rows.iter().map(|row| row.1).collect())),
            y_true: Targets::Classes(rows.iter().map(|row| row.0).collect()),
            weight: Some(rows.iter().map(|row| row.3 + 1e-3).collect()),
            ..input(Task::Multiclass, rows.len(), labels as usize)
        }
    })
}

fn regression() -> impl Strategy<Value = PredictionsInput> {
    let cell = prop_oneof![-5.0..5.0_f64, (-3_i32..3).prop_map(f64::from)];
    proptest::collection::vec((cell.clone(), cell), 1..80).prop_map(|rows| {
        let (y_true, y_pred): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        PredictionsInput {
            y_pred: Some(Targets::Values(y_pred)),
            y_true: Targets::Values(y_true.clone()),
            ..input(Task::Regression, y_true.len(), 0)
        }
    })
}

fn same_bits(left: f64, right: f64) -> bool {
    left.to_bits() == right.to_bits() || (left.is_nan() && right.is_nan())
}

fn close(left: f64, right: f64) -> bool {
    (left.is_nan() && right.is_nan()) || (left - right).abs() <= 1e-11 * (1.0 + left.abs())
}

fn repeat<T: Copy>(values: &[T], times: usize, columns: usize) -> Vec<T> {
    values
        .chunks(columns)
        .flat_map(|row| row.to_vec().repeat(times))
        .collect()
}

fn repeated(targets: &Targets, times: usize) -> Targets {
    match targets {
        Targets::Classes(classes) => Targets::Classes(repeat(classes, times, 1)),
        Targets::Values(values) => Targets::Values(repeat(values, times, 1)),
        Targets::Texts(texts) => Targets::Texts(
            texts
                .iter()
                .flat_map(|text| vec![text.clone(); times])
                .collect(),
        ),
        _ => panic!("no sets of labels or images here"),
    }
}

/// The same predictions with each row several times.
fn repeated_rows(input: &PredictionsInput, times: usize) -> PredictionsInput {
    PredictionsInput {
        ids: (0..input.ids.len() * times)
            .map(|row| row.to_string())
            .collect(),
        y_true: repeated(&input.y_true, times),
        y_pred: input
            .y_pred
            .as_ref()
            .map(|targets| repeated(targets, times)),
        y_score: input
            .y_score
            .as_ref()
            .map(|values| repeat(values, times, input.labels.len())),
        weight: input.weight.as_ref().map(|values| repeat(values, times, 1)),
        ..input.clone()
    }
}

proptest! {
    #[test]
    fn classification_values_stay_in_range(input in multiclass(5)) {
        let evaluation = evaluated(input, None, 1);
        for metric in &evaluation.metrics {
            let (low, high) = definition(&metric.definition).unwrap().range;
            let inside = metric.value >= low.unwrap_or(f64::NEG_INFINITY) - 1e-12
                && metric.value <= high.unwrap_or(f64::INFINITY) + 1e-12;
            prop_assert!(inside || metric.value.is_nan(), "{metric:?}");
            prop_assert_eq!(metric.value.is_nan(), metric.note.is_some());
        }
        let ovo = evaluation.skipped.iter().map(|skipped| skipped.definition.as_str());
        prop_assert_eq!(ovo.collect::<Vec<_>>(), ["auroc_ovo_macro@1", "auroc_ovo_weighted@1", "top_5_accuracy@1"]);
    }

    #[test]
    fn micro_averages_are_accuracy(input in multiclass(4)) {
        let evaluation = evaluated(input, None, 1);
        for name in ["precision_micro", "recall_micro", "f1_micro", "recall_weighted"] {
            prop_assert!(close(value(&evaluation, name), value(&evaluation, "accuracy")));
        }
    }

    #[test]
    fn constant_weights_change_nothing(input in multiclass(4), weight in 0.1..9.0_f64) {
        let rows = input.ids.len();
        let plain = evaluated(PredictionsInput { weight: None, ..input.clone() }, None, 1);
        let weighted = evaluated(PredictionsInput { weight: Some(vec![weight; rows]), ..input }, None, 1);
        for metric in &weighted.metrics {
            prop_assert!(close(metric.value, value(&plain, &metric.name)), "{metric:?}");
        }
    }

    #[test]
    fn whole_weights_are_repeated_rows(input in multiclass(3), times in 1_usize..4) {
        let rows = input.ids.len();
        let unweighted = PredictionsInput { weight: None, ..input };
        let repeated = evaluated(repeated_rows(&unweighted, times), None, 1);
        let weight = Some(vec![times as f64; rows]);
        let weighted = evaluated(PredictionsInput { weight, ..unweighted }, None, 1);
        for metric in &weighted.metrics {
            prop_assert!(close(metric.value, value(&repeated, &metric.name)), "{metric:?}");
        }
    }

    #[test]
    fn repeating_all_rows_changes_no_regression_metric(input in regression(), times in 2_usize..4) {
        let once = evaluated(input.clone(), None, 1);
        let repeated = evaluated(repeated_rows(&input, times), None, 1);
        for metric in &once.metrics {
            if metric.value.is_nan() { continue; } // one row; several are defined
            prop_assert!(close(metric.value, value(&repeated, &metric.name)), "{metric:?}");
        }
    }

    #[test]
    fn auroc_is_the_share_of_right_pairs(
        rows in proptest::collection::vec((0_u32..2, -4_i32..4), 2..60),
    ) {
        let (y_true, scores): (Vec<_>, Vec<_>) = rows.iter().copied().unzip();
        let (mut right, mut pairs) = (0.0, 0.0);
        for positive in rows.iter().filter(|row| row.0 == 1) {
            for negative in rows.iter().filter(|row| row.0 == 0) {
                pairs += 1.0;
                right += match positive.1.cmp(&negative.1) {
                    std::cmp::Ordering::Greater => 1.0,
                    std::cmp::Ordering::Equal => 0.5,
                    std::cmp::Ordering::Less => 0.0,
                };
            }
        }
        let evaluation = evaluated(PredictionsInput {
            y_score: Some(scores.into_iter().map(f64::from).collect()),
            y_pred: Some(Targets::Classes(y_true.clone())),
            y_true: Targets::Classes(y_true),
            ..input(Task::Binary, rows.len(), 2)
        }, None, 1);
        prop_assert!(same_bits(value(&evaluation, "auroc"), right / pairs));
    }

    #[test]
    fn threads_change_no_bit(input in multiclass(4), weighted: bool) {
        let input = PredictionsInput { weight: input.weight.clone().filter(|_| weighted), ..input };
        let bootstrap = Some(Bootstrap { samples: 40, seed: 9, confidence: 0.9, ..Bootstrap::default() });
        let one = serde_json::to_string(&evaluated(input.clone(), bootstrap, 1)).unwrap();
        let two = serde_json::to_string(&evaluated(input.clone(), bootstrap, 2)).unwrap();
        prop_assert_eq!(&one, &two);
        let three = serde_json::to_string(&evaluated(input, bootstrap, 3)).unwrap();
        prop_assert_eq!(one, three);
    }

    #[test]
    fn evaluations_come_back_from_json(input in regression()) {
        let bootstrap = Some(Bootstrap { samples: 10, ..Bootstrap::default() });
        let text = serde_json::to_string(&evaluated(input, bootstrap, 1)).unwrap();
        let read: Evaluation = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(serde_json::to_string(&read).unwrap(), text);
    }
}

/// A resample seen through multiplicities equals the resample copied out.
#[test]
fn multiplicities_equal_copied_rows() {
    use crate::metrics::{Facts, Needs, Prepared, Scratch, compute};
    use crate::weights::{Counted, Unit};
    let labels = 4;
    let counts = [2_u8, 0, 1, 3, 0, 1, 1, 0, 2];
    let y_true = vec![0, 1, 2, 3, 0, 1, 2, 3, 0];
    let y_pred = vec![0, 2, 2, 3, 1, 1, 0, 3, 0];
    let scores: Vec<f64> = (0..counts.len() * labels)
        .map(|at| ((at * 7) % 5) as f64)
        .collect();
    let classes = PredictionsInput {
        y_true: Targets::Classes(y_true),
        y_pred: Some(Targets::Classes(y_pred)),
        y_score: Some(scores),
        ..input(Task::Multiclass, counts.len(), labels)
    };
    let numbers = PredictionsInput {
        y_true: Targets::Values(vec![1.0, 2.0, 2.0, 5.0, -1.0, 0.5, 3.0, 3.0, 8.0]),
        y_pred: Some(Targets::Values(vec![
            1.5, 2.0, 1.0, 4.0, 0.0, 0.5, 3.0, 2.0, 9.5,
        ])),
        ..input(Task::Regression, counts.len(), 0)
    };
    for input in [classes, numbers] {
        let rows = |columns: usize| {
            counts.iter().enumerate().flat_map(move |(row, count)| {
                std::iter::repeat_n(row * columns..(row + 1) * columns, *count as usize).flatten()
            })
        };
        let pick = |targets: &Targets| match targets {
            Targets::Classes(all) => Targets::Classes(rows(1).map(|row| all[row]).collect()),
            Targets::Values(all) => Targets::Values(rows(1).map(|row| all[row]).collect()),
            Targets::Texts(all) => Targets::Texts(rows(1).map(|row| all[row].clone()).collect()),
            Targets::LabelSets(all) => {
                Targets::LabelSets(rows(1).map(|row| all[row].clone()).collect())
            }
            _ => panic!("no images here"),
        };
        let copied = PredictionsInput {
            ids: rows(1)
                .enumerate()
                .map(|(place, _)| place.to_string())
                .collect(),
            y_true: pick(&input.y_true),
            y_pred: input.y_pred.as_ref().map(pick),
            y_score: input
                .y_score
                .as_ref()
                .map(|all| rows(labels).map(|at| all[at]).collect()),
            ..input.clone()
        };
        let (all, copied) = (
            Predictions::new(input).unwrap(),
            Predictions::new(copied).unwrap(),
        );
        let facts = Facts::of(&all);
        let kinds: Vec<_> = definitions_for(all.task())
            .iter()
            .map(|definition| crate::registry::entry(&definition.id()).unwrap().kind)
            .filter(|kind| facts.obstacle(*kind).is_none())
            .collect();
        assert!(kinds.len() >= 10);
        let needs = Needs::of(&kinds, all.labels().len());
        let mut scratch = Scratch::default();
        let seen = Prepared::new(&all, &facts, needs);
        let seen = compute(&seen, &kinds, &Counted(&counts), &mut scratch);
        let copied = Prepared::new(&copied, &facts, needs);
        let copied = compute(&copied, &kinds, &Unit, &mut scratch);
        for ((kind, seen), copied) in kinds.iter().zip(seen).zip(copied) {
            assert!(close(seen, copied), "{kind:?}: {seen} {copied}");
        }
    }
}

#[test]
fn skipped_metrics_name_their_reason() {
    let base = PredictionsInput {
        y_true: Targets::Classes(vec![0, 1, 1]),
        y_score: Some(vec![-3.0, 0.5, 7.0]),
        ..input(Task::Binary, 3, 2)
    };
    let evaluation = evaluated(base.clone(), None, 1);
    let reason = |id: &str| {
        let skipped = evaluation
            .skipped
            .iter()
            .find(|skipped| skipped.definition == id);
        skipped.unwrap().reason.clone()
    };
    assert!(reason("log_loss@1").contains("outside [0, 1] in 2 rows; first (from 0): 0, 2"));
    assert!(reason("accuracy@1").contains("no y_pred"));
    assert_eq!(value(&evaluation, "auroc"), 1.0);
    let unnormalised = PredictionsInput {
        y_score: Some(vec![0.4, 0.6, 0.2, 0.7, 0.1, 0.9]),
        ..base
    };
    let evaluation = evaluated(unnormalised, None, 1);
    let brier = evaluation
        .skipped
        .iter()
        .find(|skipped| skipped.definition == "brier@1")
        .unwrap();
    assert!(
        brier.reason.contains("does not sum to 1") && brier.reason.ends_with(": 1"),
        "{brier:?}"
    );
    assert_eq!(value(&evaluation, "accuracy"), 2.0 / 3.0);
}

#[test]
fn options_are_checked() {
    let predictions = Predictions::new(PredictionsInput {
        y_pred: Some(Targets::Classes(vec![0, 1])),
        ..input(Task::Binary, 2, 2)
    })
    .unwrap();
    let with = |options: EvaluateOptions| evaluate(&predictions, &options);
    let message = |options| with(options).unwrap_err().to_string();
    let ids = |ids: &[&str]| Some(ids.iter().map(|id| (*id).to_owned()).collect());
    let unknown = EvaluateOptions {
        definitions: ids(&["acc@1"]),
        ..EvaluateOptions::default()
    };
    assert!(
        message(unknown)
            .contains("no metric definition `acc@1`; for a binary task there are: accuracy@1")
    );
    let bootstrap = Some(Bootstrap {
        samples: 0,
        ..Bootstrap::default()
    });
    let options = EvaluateOptions {
        bootstrap,
        ..EvaluateOptions::default()
    };
    assert!(message(options).contains("samples is 0; it must be 1 to 100000"));
    let bootstrap = Some(Bootstrap {
        confidence: f64::NAN,
        ..Bootstrap::default()
    });
    assert!(
        message(EvaluateOptions {
            bootstrap,
            ..EvaluateOptions::default()
        })
        .contains("confidence")
    );
    let threads = EvaluateOptions {
        threads: MAX_THREADS + 1,
        ..EvaluateOptions::default()
    };
    assert!(message(threads).contains("threads"));
    let chosen = EvaluateOptions {
        definitions: ids(&["f1@1", "rmse@1", "accuracy@1"]),
        ..EvaluateOptions::default()
    };
    let evaluation = with(chosen).unwrap();
    let names: Vec<_> = evaluation
        .metrics
        .iter()
        .map(|metric| metric.name.as_str())
        .collect();
    assert_eq!(names, ["f1", "accuracy"]);
    assert_eq!(
        evaluation.skipped[0].reason,
        "not defined for a binary task"
    );
}

#[test]
fn intervals_hold_the_value_and_follow_the_seed() {
    let rows = 200;
    let y_true: Vec<u32> = (0..rows).map(|row| row % 2).collect();
    let y_pred = (0..rows)
        .map(|row| if row % 5 == 0 { 1 - row % 2 } else { row % 2 })
        .collect();
    let input = PredictionsInput {
        y_true: Targets::Classes(y_true),
        y_pred: Some(Targets::Classes(y_pred)),
        ..input(Task::Binary, rows as usize, 2)
    };
    let with_seed = |seed| {
        let bootstrap = Some(Bootstrap {
            seed,
            ..Bootstrap::default()
        });
        evaluated(input.clone(), bootstrap, 2)
    };
    let first = with_seed(1);
    let accuracy = &first.metrics[0];
    let interval = accuracy.interval.as_ref().unwrap();
    assert_eq!(accuracy.value, 0.8);
    // Normal approximation: 0.8 +- 1.96 sqrt(0.8 * 0.2 / 200) = 0.8 +- 0.055.
    assert!((interval.low - 0.745).abs() < 0.015 && (interval.high - 0.855).abs() < 0.015);
    assert_eq!(first, with_seed(1));
    assert_ne!(first, with_seed(2));
}

#[test]
fn a_single_row_has_values_but_no_interval() {
    let one = PredictionsInput {
        y_true: Targets::Values(vec![2.0]),
        y_pred: Some(Targets::Values(vec![3.0])),
        ..input(Task::Regression, 1, 0)
    };
    let evaluation = evaluated(one, Some(Bootstrap::default()), 1);
    assert_eq!(value(&evaluation, "mae"), 1.0);
    assert!(value(&evaluation, "r2").is_nan());
    let r2 = evaluation
        .metrics
        .iter()
        .find(|metric| metric.name == "r2")
        .unwrap();
    assert_eq!(
        r2.note.as_deref(),
        Some("undefined: fewer than two rows; no interval from fewer than 2 rows")
    );
    assert!(
        evaluation
            .metrics
            .iter()
            .all(|metric| metric.interval.is_none())
    );
}

proptest! {
    /// The mean of a constant may round away from it; the metrics must not notice.
    #[test]
    fn constant_targets_are_recognised(constant in -9.0..9.0_f64, rows in 2_usize..80, offset: bool) {
        let y_pred = (0..rows).map(|row| if offset { row as f64 } else { constant }).collect();
        let evaluation = evaluated(PredictionsInput {
            y_true: Targets::Values(vec![constant; rows]),
            y_pred: Some(Targets::Values(y_pred)),
            ..input(Task::Regression, rows, 0)
        }, None, 1);
        let expected = if offset { 0.0 } else { 1.0 };
        prop_assert_eq!(value(&evaluation, "r2"), expected);
        prop_assert_eq!(value(&evaluation, "explained_variance"), expected);
        prop_assert!(value(&evaluation, "pearson").is_nan());
        prop_assert!(value(&evaluation, "spearman").is_nan());
    }
}

#[test]
fn logarithms_need_values_above_minus_one() {
    let evaluation = evaluated(
        PredictionsInput {
            y_true: Targets::Values(vec![2.0, -1.0, 0.0]),
            y_pred: Some(Targets::Values(vec![3.0, 0.0, -7.0])),
            ..input(Task::Regression, 3, 0)
        },
        None,
        1,
    );
    let [skipped] = evaluation.skipped.as_slice() else {
        panic!("one metric is skipped: {:?}", evaluation.skipped)
    };
    assert_eq!(skipped.definition, "rmsle@1");
    assert!(
        skipped.reason.ends_with("2 rows; first (from 0): 1, 2"),
        "{}",
        skipped.reason
    );
}
