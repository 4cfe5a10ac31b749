//! Whether options can be followed with the predictions at hand.

use super::{EvaluateError, EvaluateOptions, MAX_DETECTION_DRAWS, MAX_THREADS};
use crate::bootstrap::{Bootstrap, IntervalMethod, MAX_JACKKNIFE, MAX_SAMPLES, Resampling};
use crate::definition::Task;
use crate::predictions::{Predictions, Targets};

/// All that can be said before anything is computed.
pub(crate) fn check_options(
    predictions: &Predictions,
    options: &EvaluateOptions,
) -> Result<(), EvaluateError> {
    check_bootstrap(options.bootstrap)?;
    check_resampling(predictions, options.bootstrap)?;
    check_draws(predictions, options.bootstrap)?;
    check_threshold(predictions, options.threshold)?;
    if options.threads > MAX_THREADS {
        return Err(EvaluateError::Threads {
            found: options.threads,
        });
    }
    Ok(())
}

/// Every resample walks all boxes of its images, so that both together bound the time.
fn check_draws(
    predictions: &Predictions,
    bootstrap: Option<Bootstrap>,
) -> Result<(), EvaluateError> {
    let Some(bootstrap) = bootstrap else {
        return Ok(());
    };
    let of_column = |targets: &Targets| match targets {
        Targets::Boxes(images) => images.iter().map(Vec::len).sum(),
        _ => 0,
    };
    let boxes = of_column(predictions.y_true()) + predictions.y_pred().map_or(0, of_column);
    let left_out = match bootstrap.method {
        IntervalMethod::Percentile => 0,
        IntervalMethod::Bca => MAX_JACKKNIFE.min(predictions.rows()) as u64,
    };
    let most = MAX_DETECTION_DRAWS / (boxes as u64).max(1);
    if u64::from(bootstrap.samples) + left_out <= most {
        return Ok(());
    }
    Err(EvaluateError::Bootstrap {
        field: "samples",
        found: bootstrap.samples.to_string(),
        expected: format!(
            "at most {} for these {boxes} true and predicted boxes: boxes times resamples are at \
             most {MAX_DETECTION_DRAWS}; 0 in the experiment file leaves intervals out",
            most.saturating_sub(left_out)
        ),
    })
}

pub(crate) fn check_bootstrap(bootstrap: Option<Bootstrap>) -> Result<(), EvaluateError> {
    let Some(bootstrap) = bootstrap else {
        return Ok(());
    };
    if !(1..=MAX_SAMPLES).contains(&bootstrap.samples) {
        return Err(EvaluateError::Bootstrap {
            field: "samples",
            found: bootstrap.samples.to_string(),
            expected: format!("1 to {MAX_SAMPLES}"),
        });
    }
    if !(bootstrap.confidence > 0.0 && bootstrap.confidence < 1.0) {
        return Err(EvaluateError::Bootstrap {
            field: "confidence",
            found: bootstrap.confidence.to_string(),
            expected: "between 0 and 1, exclusive".to_owned(),
        });
    }
    Ok(())
}

/// Whether the predictions have what is to be drawn.
pub(super) fn check_resampling(
    predictions: &Predictions,
    bootstrap: Option<Bootstrap>,
) -> Result<(), EvaluateError> {
    let resampling = bootstrap.map_or(Resampling::Rows, |bootstrap| bootstrap.resampling);
    let obstacle = match resampling {
        Resampling::Stratified if !matches!(predictions.y_true(), Targets::Classes(_)) => {
            format!(
                "a {} task has no classes to draw within",
                predictions.task()
            )
        }
        Resampling::Grouped if predictions.task() == Task::Ranking => {
            "the queries of a ranking are drawn whole in any case".to_owned()
        }
        Resampling::Grouped if predictions.group().is_none() => {
            "there is no `group` column".to_owned()
        }
        _ => return Ok(()),
    };
    Err(EvaluateError::Bootstrap {
        field: "resampling",
        found: resampling.as_str().to_owned(),
        expected: format!("`{}`: {obstacle}", Resampling::Rows.as_str()),
    })
}

pub(super) fn check_threshold(
    predictions: &Predictions,
    threshold: Option<f64>,
) -> Result<(), EvaluateError> {
    let expected = match threshold {
        Some(_) if predictions.task() != Task::Anomaly => "is of anomaly tasks alone",
        Some(threshold) if threshold.is_nan() => "must not be NaN",
        _ => return Ok(()),
    };
    Err(EvaluateError::Threshold { expected })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predictions::{ImageBox, PredictionsInput};

    fn images(count: usize, boxes: usize) -> Predictions {
        let one = ImageBox {
            bbox: [0.0, 0.0, 4.0, 4.0],
            category: Some(0),
            is_crowd: false,
            area: 16.0,
            score: None,
        };
        let found = ImageBox {
            score: Some(0.5),
            ..one.clone()
        };
        Predictions::new(PredictionsInput {
            ids: (0..count).map(|image| image.to_string()).collect(),
            task: Task::Detection,
            labels: vec!["car".to_owned()],
            y_true: Targets::Boxes(vec![vec![one; boxes]; count]),
            y_pred: Some(Targets::Boxes(vec![vec![found; boxes]; count])),
            y_score: None,
            weight: None,
            group: None,
            numbers: Vec::new(),
        })
        .expect("valid boxes")
    }

    fn bootstrap(samples: u32, method: IntervalMethod) -> Option<Bootstrap> {
        Some(Bootstrap {
            samples,
            method,
            ..Bootstrap::default()
        })
    }

    #[test]
    fn boxes_times_resamples_are_bounded() {
        let predictions = images(100, 500);
        let most = u32::try_from(MAX_DETECTION_DRAWS / 100_000).expect("a small number");
        let percentile = IntervalMethod::Percentile;
        check_draws(&predictions, bootstrap(most, percentile)).expect("as many as there may be");
        let error = check_draws(&predictions, bootstrap(most + 1, percentile));
        let message = error.expect_err("too many").to_string();
        assert_eq!(
            message,
            "bootstrap samples is 85900; it must be at most 85899 for these 100000 true and \
             predicted boxes: boxes times resamples are at most 8589934592; 0 in the experiment \
             file leaves intervals out"
        );
        // Leaving out each of the images is a hundred more.
        let bca = IntervalMethod::Bca;
        check_draws(&predictions, bootstrap(most - 100, bca)).expect("as many as there may be");
        check_draws(&predictions, bootstrap(most - 99, bca)).expect_err("too many");
    }
}
