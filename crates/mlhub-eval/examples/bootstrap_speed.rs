//! Prints how long the bootstrap of AUROC takes on a million rows:
//! `cargo run --release -p mlhub-eval --example bootstrap_speed`.

use std::time::Instant;

use mlhub_eval::{
    Bootstrap, EvaluateOptions, Predictions, PredictionsInput, Targets, Task, evaluate,
};

const ROWS: usize = 1_000_000;

fn main() {
    let mut state = 1_u64;
    let mut number = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let truth: Vec<u32> = (0..ROWS).map(|_| u32::from(number() < 0.3)).collect();
    let score = truth
        .iter()
        .map(|class| (f64::from(*class) * 0.2 + number()) / 1.2)
        .collect();
    let predictions = Predictions::new(PredictionsInput {
        ids: (0..ROWS).map(|row| row.to_string()).collect(),
        task: Task::Binary,
        labels: vec!["no".to_owned(), "yes".to_owned()],
        y_true: Targets::Classes(truth),
        y_pred: None,
        y_score: Some(score),
        weight: None,
        group: None,
        numbers: Vec::new(),
    })
    .expect("valid predictions");
    let timed = |samples: u32| {
        let options = EvaluateOptions {
            definitions: Some(vec!["auroc@1".to_owned()]),
            bootstrap: Some(Bootstrap {
                samples,
                ..Bootstrap::default()
            }),
            curves: false,
            threads: 2,
            ..EvaluateOptions::default()
        };
        let start = Instant::now();
        let evaluation = evaluate(&predictions, &options).expect("valid options");
        let interval = evaluation.metrics[0].interval.clone().expect("an interval");
        println!(
            "{samples} resamples: {:?}, {:?} to {:?}",
            start.elapsed(),
            interval.low,
            interval.high
        );
    };
    timed(1);
    timed(1000);
}
