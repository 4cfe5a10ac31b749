//! Evaluates valid predictions by all metrics of their task.

use mlhub_eval::{Bootstrap, EvaluateOptions, Evaluation, Predictions, PredictionsInput, evaluate};

pub(crate) fn evaluation(
    input: PredictionsInput,
    samples: Option<u32>,
    threads: usize,
) -> Evaluation {
    let predictions = Predictions::new(input).expect("the input is valid");
    let bootstrap = samples.map(|samples| Bootstrap {
        samples,
        ..Bootstrap::default()
    });
    let options = EvaluateOptions {
        bootstrap,
        threads,
        ..EvaluateOptions::default()
    };
    evaluate(&predictions, &options).expect("the options are valid")
}
