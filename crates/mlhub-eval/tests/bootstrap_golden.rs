//! Bootstrap intervals against `scipy.stats.bootstrap` on the same draws.
//!
//! The values are in `golden/bootstrap.json`, made by `golden/make_bootstrap.py`.

mod nearness;

use mlhub_eval::{
    Bootstrap, EvaluateOptions, Evaluation, IntervalMethod, Predictions, PredictionsInput,
    Resampling, Targets, Task, evaluate,
};
use serde::Deserialize;

use nearness::near;

#[derive(Clone, Deserialize)]
struct Case {
    name: String,
    task: Task,
    resampling: Resampling,
    y_true: Vec<f64>,
    y_pred: Vec<f64>,
    y_score: Option<Vec<f64>>,
    group: Option<Vec<String>>,
    intervals: Vec<Expected>,
}

#[derive(Clone, Deserialize)]
struct Expected {
    definition: String,
    value: f64,
    percentile: [f64; 2],
    bca: [f64; 2],
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("golden/bootstrap.json")).expect("the golden file")
}

fn case(name: &str) -> Case {
    let mut cases = cases().into_iter();
    cases.find(|case| case.name == name).expect(name)
}

impl Case {
    fn predictions(&self) -> Predictions {
        let targets = |values: &[f64]| match self.task {
            Task::Regression => Targets::Values(values.to_vec()),
            _ => Targets::Classes(values.iter().map(|class| *class as u32).collect()),
        };
        Predictions::new(PredictionsInput {
            ids: (0..self.y_true.len()).map(|row| row.to_string()).collect(),
            task: self.task,
            labels: match self.task {
                Task::Regression => vec![],
                _ => vec!["no".to_owned(), "yes".to_owned()],
            },
            y_true: targets(&self.y_true),
            y_pred: Some(targets(&self.y_pred)),
            y_score: self.y_score.clone(),
            weight: None,
            group: self.group.clone(),
            numbers: Vec::new(),
        })
        .expect(&self.name)
    }

    fn options(&self, method: IntervalMethod, threads: usize) -> EvaluateOptions {
        EvaluateOptions {
            definitions: Some(
                self.intervals
                    .iter()
                    .map(|of| of.definition.clone())
                    .collect(),
            ),
            bootstrap: Some(Bootstrap {
                samples: 299,
                seed: 11,
                confidence: 0.9,
                method,
                resampling: self.resampling,
            }),
            curves: false,
            threads,
            ..EvaluateOptions::default()
        }
    }

    fn evaluation(&self, method: IntervalMethod, threads: usize) -> Evaluation {
        evaluate(&self.predictions(), &self.options(method, threads)).expect(&self.name)
    }
}

#[test]
fn ends_are_those_of_scipy_on_the_same_draws() {
    for case in cases() {
        for method in [IntervalMethod::Percentile, IntervalMethod::Bca] {
            let evaluation = case.evaluation(method, 1);
            assert_eq!(evaluation.metrics.len(), case.intervals.len());
            for (found, expected) in evaluation.metrics.iter().zip(&case.intervals) {
                let name = format!("{}: {} by {method:?}", case.name, expected.definition);
                near(&name, found.value, expected.value);
                let interval = found.interval.as_ref().expect(&name);
                let ends = match method {
                    IntervalMethod::Percentile => expected.percentile,
                    _ => expected.bca,
                };
                near(&name, interval.low, ends[0]);
                near(&name, interval.high, ends[1]);
            }
            assert_eq!(
                case.evaluation(method, 2),
                evaluation,
                "{}: on two threads",
                case.name
            );
        }
    }
}

#[test]
fn results_name_how_intervals_were_made() {
    let method = |name: &str, method: IntervalMethod| {
        let evaluation = case(name).evaluation(method, 1);
        evaluation.metrics[0]
            .interval
            .as_ref()
            .expect(name)
            .method
            .clone()
    };
    use IntervalMethod::{Bca, Percentile};
    assert_eq!(method("rows", Percentile), "percentile bootstrap");
    assert_eq!(method("rows", Bca), "BCa bootstrap");
    assert_eq!(
        method("within classes", Percentile),
        "percentile bootstrap, within classes"
    );
    assert_eq!(method("groups", Bca), "BCa bootstrap, whole groups");
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let refusal = |case: &Case| {
        let options = case.options(IntervalMethod::Percentile, 1);
        let error = evaluate(&case.predictions(), &options).expect_err("nothing to draw");
        error.to_string()
    };
    let mut values = case("values");
    values.resampling = Resampling::Stratified;
    assert_eq!(
        refusal(&values),
        "bootstrap resampling is stratified; it must be `rows`: a regression task has no classes to \
         draw within"
    );
    values.resampling = Resampling::Grouped;
    assert_eq!(
        refusal(&values),
        "bootstrap resampling is grouped; it must be `rows`: there is no `group` column"
    );
}

#[test]
fn an_interval_that_cannot_be_corrected_says_why() {
    let mut single = case("rows");
    single.y_true.fill(0.0);
    single.y_true[4] = 1.0;
    single.intervals.retain(|of| of.definition == "auroc@1");
    let corrected = single.evaluation(IntervalMethod::Bca, 1);
    assert!(corrected.metrics[0].interval.is_none());
    let note = corrected.metrics[0].note.as_deref().expect("a note");
    assert!(
        note.ends_with("no interval: the metric is undefined without some of the rows"),
        "{note}"
    );
}

/// Options that are not used leave no trace in what is written, so that older ones compare equal.
#[test]
fn default_options_are_written_as_before() {
    let written = serde_json::to_string(&Bootstrap::default()).expect("JSON");
    assert_eq!(written, r#"{"samples":1000,"seed":0,"confidence":0.95}"#);
    let options = Bootstrap {
        method: IntervalMethod::Bca,
        resampling: Resampling::Grouped,
        ..Bootstrap::default()
    };
    let written = serde_json::to_string(&options).expect("JSON");
    assert!(
        written.ends_with(r#""method":"bca","resampling":"grouped"}"#),
        "{written}"
    );
    assert_eq!(
        serde_json::from_str::<Bootstrap>(&written).expect("the same"),
        options
    );
}

/// Above the bound blocks of rows are left out: nearly the interval of single rows.
#[test]
fn blocks_come_near_to_single_rows() {
    let case = case("values");
    let copies = 30;
    let mut many = case.clone();
    many.y_true = case.y_true.repeat(copies);
    many.y_pred = case.y_pred.repeat(copies);
    for value in &mut many.y_pred[..600] {
        *value += 0.1;
    }
    assert!(many.y_true.len() > mlhub_eval::MAX_JACKKNIFE);
    let corrected = many.evaluation(IntervalMethod::Bca, 2);
    let percentile = many.evaluation(IntervalMethod::Percentile, 2);
    for (corrected, percentile) in corrected.metrics.iter().zip(&percentile.metrics) {
        let (of, with) = (corrected.interval.as_ref(), percentile.interval.as_ref());
        let (of, with) = (of.expect("an interval"), with.expect("an interval"));
        // Of 1,200 rows both are near the normal interval; the correction is a part of its width.
        let width = with.high - with.low;
        assert_ne!((of.low, of.high), (with.low, with.high));
        assert!(
            (of.low - with.low).abs() < 0.3 * width && (of.high - with.high).abs() < 0.3 * width
        );
    }
}
