//! Tests of two sets of predictions against scikit-learn on the same draws.
//!
//! The values are in `golden/paired_tests.json`, made by `golden/make_paired_tests.py`.

mod nearness;

use mlhub_eval::{
    NoPairedTest, PairError, PairedMethod, PairedOptions, PairedPredictions, PairedTest,
    Predictions, PredictionsInput, Targets, Task, paired_test,
};
use serde::Deserialize;

use nearness::near;

const SAMPLES: u32 = 199;
const SEED: u64 = 5;

#[derive(Clone, Deserialize)]
struct Case {
    name: String,
    task: Task,
    y_true: Vec<f64>,
    a: Side,
    b: Side,
    weight: Option<Vec<f64>>,
    group: Option<Vec<String>>,
    tests: Vec<Expected>,
}

#[derive(Clone, Deserialize)]
struct Side {
    y_pred: Vec<f64>,
    y_score: Option<Vec<f64>>,
}

#[derive(Clone, Deserialize)]
struct Expected {
    definition: String,
    method: PairedMethod,
    value_a: f64,
    value_b: f64,
    p: f64,
    low: f64,
    high: f64,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("golden/paired_tests.json")).expect("the golden file")
}

fn case(name: &str) -> Case {
    let mut cases = cases().into_iter();
    cases.find(|case| case.name == name).expect(name)
}

impl Case {
    fn columns(&self, side: &Side) -> PredictionsInput {
        let targets = |values: &[f64]| match self.task {
            Task::Regression => Targets::Values(values.to_vec()),
            _ => Targets::Classes(values.iter().map(|class| *class as u32).collect()),
        };
        PredictionsInput {
            ids: (0..self.y_true.len())
                .map(|row| format!("id {row}"))
                .collect(),
            task: self.task,
            labels: match self.task {
                Task::Regression => vec![],
                _ => vec!["no".to_owned(), "yes".to_owned()],
            },
            y_true: targets(&self.y_true),
            y_pred: Some(targets(&side.y_pred)),
            y_score: side.y_score.clone(),
            weight: self.weight.clone(),
            group: self.group.clone(),
            numbers: Vec::new(),
        }
    }

    fn predictions(&self) -> (Predictions, Predictions) {
        let side = |side| Predictions::new(self.columns(side)).expect(&self.name);
        (side(&self.a), side(&self.b))
    }

    /// The second side with its rows in reverse, which pairing has to undo.
    fn turned(&self) -> Predictions {
        let mut turned = self.clone();
        turned.y_true.reverse();
        turned.b.y_pred.reverse();
        if let Some(scores) = &mut turned.b.y_score {
            scores.reverse();
        }
        if let Some(weight) = &mut turned.weight {
            weight.reverse();
        }
        if let Some(group) = &mut turned.group {
            group.reverse();
        }
        let mut columns = turned.columns(&turned.b);
        columns.ids.reverse();
        Predictions::new(columns).expect(&self.name)
    }

    fn test(
        &self,
        definition: &str,
        method: Option<PairedMethod>,
    ) -> Result<PairedTest, NoPairedTest> {
        let (a, b) = self.predictions();
        test(&a, &b, definition, method, 1)
    }
}

fn test(
    a: &Predictions,
    b: &Predictions,
    definition: &str,
    method: Option<PairedMethod>,
    threads: usize,
) -> Result<PairedTest, NoPairedTest> {
    let pair = PairedPredictions::new(a, b).expect("rows of the same ids");
    let options = PairedOptions {
        method,
        samples: SAMPLES,
        seed: SEED,
        threads,
        ..PairedOptions::default()
    };
    paired_test(&pair, definition, &options)
}

#[test]
fn tests_are_those_of_scikit_learn_on_the_same_draws() {
    for case in cases() {
        let (a, b) = case.predictions();
        for expected in &case.tests {
            let name = format!(
                "{}: {} by {:?}",
                case.name, expected.definition, expected.method
            );
            let found = test(&a, &b, &expected.definition, Some(expected.method), 1).expect(&name);
            near(&name, found.value_a, expected.value_a);
            near(&name, found.value_b, expected.value_b);
            near(&name, found.p_value, expected.p);
            let interval = found.interval.as_ref().expect(&name);
            near(&name, interval.low, expected.low);
            near(&name, interval.high, expected.high);
            let again = test(&a, &b, &expected.definition, Some(expected.method), 2).expect(&name);
            assert_eq!(again, found, "{name}: on two threads");
            let turned = case.turned();
            let turned = test(&a, &turned, &expected.definition, Some(expected.method), 1);
            assert_eq!(turned.expect(&name), found, "{name}: rows in another order");
        }
    }
}

#[test]
fn the_metric_chooses_the_test() {
    let chosen = |case_name: &str, definition: &str| {
        let found = case(case_name).test(definition, None).expect(definition);
        (found.method, found.unit, found.effect.is_some())
    };
    let rows = || "rows".to_owned();
    let groups = || "groups".to_owned();
    use PairedMethod::{Bootstrap, DeLong, McNemar, Permutation};
    assert_eq!(chosen("binary", "accuracy@1"), (McNemar, rows(), true));
    assert_eq!(chosen("binary", "auroc@1"), (DeLong, rows(), true));
    assert_eq!(chosen("binary", "log_loss@1"), (Permutation, rows(), true));
    assert_eq!(chosen("binary", "f1@1"), (Bootstrap, rows(), false));
    assert_eq!(
        chosen("weighted", "accuracy@1"),
        (Permutation, rows(), false)
    );
    assert_eq!(chosen("weighted", "auroc@1"), (Bootstrap, rows(), false));
    assert_eq!(
        chosen("grouped", "accuracy@1"),
        (Permutation, groups(), false)
    );
    assert_eq!(chosen("grouped", "auroc@1"), (Bootstrap, groups(), false));
    assert_eq!(chosen("regression", "rmse@1"), (Bootstrap, rows(), false));
}

/// Every metric of every task either gets a test or says why not, and both sides mirror.
#[test]
fn every_metric_is_tested_or_refused() {
    for case in [case("binary"), case("regression")] {
        let (a, b) = case.predictions();
        for definition in mlhub_eval::definitions_for(case.task) {
            let id = definition.id();
            match test(&a, &b, &id, None, 2) {
                Ok(found) => {
                    assert!((0.0..=1.0).contains(&found.p_value), "{id}");
                    let turned = test(&b, &a, &id, None, 2).expect(&id);
                    assert_eq!(turned.difference, -found.difference, "{id}");
                    near(&id, turned.p_value, found.p_value);
                    let interval = found.interval.expect(&id);
                    assert!(interval.low <= interval.high, "{id}");
                }
                Err(NoPairedTest::Extreme { .. }) => assert_eq!(id, "max_error@1"),
                // Some values are below -1.
                Err(NoPairedTest::NotApplicable { .. }) => assert_eq!(id, "rmsle@1"),
                Err(error) => panic!("{id}: {error}"),
            }
        }
    }
}

#[test]
fn asking_for_a_test_that_does_not_fit_says_why() {
    let refusal = |name: &str, definition: &str, method: Option<PairedMethod>| {
        let error = case(name).test(definition, method).expect_err(definition);
        error.to_string()
    };
    use PairedMethod::{Bootstrap, DeLong, McNemar, Wilcoxon};
    assert_eq!(
        refusal("binary", "f1@1", Some(McNemar)),
        "the McNemar test does not fit `f1@1`: it takes a metric whose rows are right or wrong"
    );
    assert_eq!(
        refusal("grouped", "accuracy@1", Some(McNemar)),
        "the McNemar test does not fit `accuracy@1`: it takes rows that count alike and belong to no \
         group"
    );
    assert_eq!(
        refusal("binary", "log_loss@1", Some(DeLong)),
        "the DeLong test does not fit `log_loss@1`: it takes the AUROC of a binary task"
    );
    assert_eq!(
        refusal("regression", "rmse@1", Some(Wilcoxon)),
        "the Wilcoxon signed-rank test does not fit `rmse@1`: it takes a metric that is a mean over \
         rows or queries"
    );
    assert_eq!(
        refusal("regression", "max_error@1", Some(Bootstrap)),
        "`max_error@1` is decided by a single row: other rows say nothing of how it would vary, so \
         no test is honest"
    );
    assert_eq!(
        refusal("regression", "accuracy@1", None),
        "`accuracy@1` cannot be computed: not defined for a regression task"
    );
    assert!(refusal("regression", "mae@99", None).starts_with("there is no metric definition"));
    assert_eq!(
        refusal("weighted", "log_loss@1", Some(Wilcoxon)),
        "the Wilcoxon signed-rank test does not fit `log_loss@1`: it takes rows that count alike and \
         belong to no group"
    );
}

#[test]
fn too_little_is_refused() {
    let mut few = case("regression");
    for column in [&mut few.y_true, &mut few.a.y_pred, &mut few.b.y_pred] {
        column.truncate(7);
    }
    let refused = few.test("rmse@1", None).expect_err("seven rows");
    assert_eq!(
        refused.to_string(),
        "7 rows are too few: the paired bootstrap test needs 8"
    );
    let exact = few
        .test("mae@1", None)
        .expect("all patterns of seven signs");
    assert!(exact.interval.is_none() && exact.samples == 0);
    assert_eq!((exact.p_value * 128.0).fract(), 0.0);
    for column in [&mut few.y_true, &mut few.a.y_pred, &mut few.b.y_pred] {
        column.truncate(1);
    }
    let refused = few.test("mae@1", None).expect_err("one row");
    assert_eq!(
        refused.to_string(),
        "1 rows are too few: the paired permutation test needs 2"
    );

    let mut one_sided = case("binary");
    one_sided.y_true = vec![0.0; 60];
    one_sided.y_true[..9].fill(1.0);
    let refused = one_sided.test("auroc@1", None).expect_err("nine positives");
    assert_eq!(
        refused.to_string(),
        "9 rows of the rarer class are too few: the DeLong test needs 10"
    );
}

#[test]
fn the_same_predictions_twice_have_nothing_to_test() {
    let mut same = case("binary");
    same.b = same.a.clone();
    for definition in ["auroc@1", "log_loss@1", "f1@1"] {
        let refused = same.test(definition, None).expect_err(definition);
        assert!(
            matches!(refused, NoPairedTest::Identical),
            "{definition}: {refused}"
        );
    }
    let accuracy = same.test("accuracy@1", None).expect("an interval around 0");
    assert_eq!((accuracy.p_value, accuracy.difference), (1.0, 0.0));
    assert!(accuracy.effect.is_none());
    let interval = accuracy.interval.expect("an interval");
    assert!(interval.low < 0.0 && interval.high == -interval.low);
}

#[test]
fn pairs_must_be_of_the_same_rows() {
    let case = case("binary");
    let (a, _) = case.predictions();
    let refusal = |change: &dyn Fn(&mut PredictionsInput)| {
        let mut columns = case.columns(&case.b);
        change(&mut columns);
        let b = Predictions::new(columns).expect("valid predictions");
        PairedPredictions::new(&a, &b).expect_err("another split")
    };
    let ids = refusal(&|columns| {
        columns.ids[3] = "other".to_owned();
    });
    let PairError::Ids(cause) = &ids else {
        panic!("{ids}");
    };
    assert!(cause.to_string().contains("id 3") && cause.to_string().contains("other"));
    let truth = refusal(&|columns| {
        let Targets::Classes(classes) = &mut columns.y_true else {
            panic!("classes");
        };
        classes[7] = 1 - classes[7];
    });
    assert_eq!(
        truth.to_string(),
        "column `y_true` differs in 1 rows; first rows of the first predictions (from 0): 7"
    );
    let weights = refusal(&|columns| columns.weight = Some(vec![1.0; 60]));
    assert_eq!(
        weights.to_string(),
        "only one of the two has a `weight` column"
    );
    let labels = refusal(&|columns| columns.labels.reverse());
    assert!(matches!(labels, PairError::Labels { a: 2, b: 2 }));
}

#[test]
fn a_ranking_is_tested_by_its_queries() {
    let queries = 12;
    let side = |turn: usize| {
        let rows = 0..queries * 4;
        let score = |row: usize| ((row * 7 + row / 4 * turn) % 11) as f64;
        Predictions::new(PredictionsInput {
            ids: rows.clone().map(|row| row.to_string()).collect(),
            task: Task::Ranking,
            labels: vec![],
            y_true: Targets::Values(
                rows.clone()
                    .map(|row| ((row * row + row / 4) % 3) as f64)
                    .collect(),
            ),
            y_pred: None,
            y_score: Some(rows.clone().map(score).collect()),
            weight: None,
            group: Some(rows.map(|row| format!("q{}", row / 4)).collect()),
            numbers: Vec::new(),
        })
        .expect("a ranking")
    };
    let (a, b) = (side(1), side(3));
    let by_signs = test(&a, &b, "ndcg_at_10@1", None, 2).expect("a test");
    assert_eq!(
        (by_signs.method, by_signs.unit.as_str()),
        (PairedMethod::Permutation, "queries")
    );
    assert!(by_signs.units <= queries as u64 && by_signs.n == 4 * queries as u64);
    assert!(by_signs.interval.is_some());
    let by_ranks = test(&a, &b, "ndcg_at_10@1", Some(PairedMethod::Wilcoxon), 2).expect("a test");
    assert_eq!(by_ranks.difference, by_signs.difference);
}
