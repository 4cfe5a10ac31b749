//! The memory of an evaluation in batches does not grow with the rows. Alone in its program, as it
//! looks at what the whole program held; that is known on Linux only.
#![cfg(target_os = "linux")]

use mlhub_eval::{EvaluateOptions, EvaluationFold, Predictions, PredictionsInput, Targets, Task};

const BATCH_ROWS: u32 = 4_096;
const FEW: usize = 8;
const MANY: usize = 400;
/// The columns of many batches have 4 bytes of truth and 8 of score per row: 19 MB together.
const GROWTH_MAX_KB: u64 = 4_096;

fn batch() -> Predictions {
    let rows = 0..BATCH_ROWS;
    let score = |row: u32| f64::from(row * 5 % 11) / 11.0;
    let input = PredictionsInput {
        ids: Vec::new(),
        task: Task::Binary,
        labels: vec!["no".to_owned(), "yes".to_owned()],
        y_true: Targets::Classes(rows.clone().map(|row| row * 3 % 7 % 2).collect()),
        y_pred: None,
        y_score: Some(rows.map(score).collect()),
        weight: None,
        group: None,
        numbers: Vec::new(),
    };
    Predictions::part(input).expect("valid rows")
}

/// The most memory that this process held at once.
fn peak_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let size = line.and_then(|line| line.trim().strip_suffix(" kB"));
    size.expect("the peak is told")
        .trim()
        .parse()
        .expect("a number")
}

fn evaluated(batches: usize) -> u64 {
    let options = EvaluateOptions {
        definitions: Some(
            ["f1@1", "log_loss@1", "brier@1", "ece@1"]
                .map(str::to_owned)
                .to_vec(),
        ),
        bootstrap: None,
        curves: false,
        ..EvaluateOptions::default()
    };
    let fold = EvaluationFold::new(&batch(), &options).expect("valid options");
    let mut fold = fold.expect("metrics that are folded");
    (0..batches).for_each(|_| fold.push(&batch()));
    assert!(!fold.end_first(), "one pass is enough");
    let evaluation = fold.finish().expect("rows of weight");
    assert_eq!((evaluation.metrics.len(), evaluation.skipped.len()), (4, 0));
    evaluation.n
}

#[test]
fn memory_does_not_grow_with_the_rows() {
    assert_eq!(evaluated(FEW), FEW as u64 * u64::from(BATCH_ROWS));
    let few = peak_kb();
    assert_eq!(evaluated(MANY), MANY as u64 * u64::from(BATCH_ROWS));
    let many = peak_kb();
    assert!(
        many - few < GROWTH_MAX_KB,
        "{few} kB for {FEW} batches, {many} kB for {MANY}"
    );
}
