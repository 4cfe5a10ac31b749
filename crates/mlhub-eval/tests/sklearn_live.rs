//! Comparison with an installed scikit-learn on random cases.
//!
//! `MLHUB_TEST_PYTHON` names a Python interpreter that has scikit-learn >= 1.9 and
//! SciPy. Without it the test says that it compared nothing, and under `CI=true`
//! it fails. `MLHUB_TEST_SEED` draws other cases than the usual ones.

mod common;

use std::io::Write;
use std::process::{Command, Stdio};

use common::{Case, Expected};
use mlhub_eval::Task;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

const CASES: usize = 300;
const MAX_CASE_ROWS: u64 = 120;
const DEFAULT_SEED: u64 = 20_240_501;

struct Draw(ChaCha8Rng);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0.next_u64() % bound
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn column(&mut self, rows: usize, mut value: impl FnMut(&mut Self) -> f64) -> Vec<f64> {
        (0..rows).map(|_| value(self)).collect()
    }

    fn case(&mut self, number: usize) -> Case {
        let rows = 1 + self.below(MAX_CASE_ROWS) as usize;
        let task = [Task::Binary, Task::Multiclass, Task::Regression][number % 3];
        let mut case = match task {
            Task::Regression => self.regression(rows),
            _ => self.classification(task, rows),
        };
        case.name = format!("case {number}");
        if self.chance(40) {
            // Thousandths are no binary fractions; zeros now and then. Row 0 counts.
            let mut weight = self.column(rows, |draw| {
                draw.below(6) as f64 * draw.below(1000) as f64 / 1000.0
            });
            weight[0] += 1.0;
            case.weight = Some(weight);
        }
        case
    }

    fn classification(&mut self, task: Task, rows: usize) -> Case {
        let labels = if task == Task::Binary {
            2
        } else {
            2 + self.below(6)
        };
        let skill = self.below(100);
        // Now and then not every class occurs.
        let occurring = if self.chance(15) {
            1 + self.below(labels)
        } else {
            labels
        };
        let y_true = self.column(rows, |draw| draw.below(occurring) as f64);
        let y_pred = y_true
            .iter()
            .map(|class| {
                if self.chance(skill) {
                    *class
                } else {
                    self.below(labels) as f64
                }
            })
            .collect();
        let probabilities = self.chance(80);
        let steps = [3, 20, 1_000_000][self.below(3) as usize];
        let columns = if task == Task::Binary {
            1
        } else {
            labels as usize
        };
        let y_score = y_true.iter().map(|class| {
            let mut row = self.column(columns, |draw| draw.below(steps) as f64);
            let own = *class as usize;
            if let Some(own) = row.get_mut(own) {
                *own += self.below(steps) as f64;
            }
            if probabilities {
                let total = if columns == 1 {
                    steps as f64 * 2.0
                } else {
                    row.iter().sum::<f64>()
                };
                for score in &mut row {
                    *score = if total > 0.0 {
                        *score / total
                    } else {
                        1.0 / columns as f64
                    };
                }
            } else {
                // Past 1, so that they are not probabilities by accident.
                row.iter_mut().for_each(|score| *score += 2.0);
            }
            row
        });
        Case {
            name: String::new(),
            task,
            labels: labels as usize,
            y_score: Some(y_score.collect()),
            y_true,
            y_pred,
            weight: None,
            probabilities,
        }
    }

    fn regression(&mut self, rows: usize) -> Case {
        let is_whole = self.chance(40);
        let spread = [0.1, 1.0, 10.0][self.below(3) as usize];
        let value = |draw: &mut Self| {
            if is_whole {
                draw.below(7) as f64 - 3.0
            } else {
                20.0 * draw.unit() - 5.0
            }
        };
        let y_true = self.column(rows, value);
        let y_pred = y_true
            .iter()
            .map(|value| {
                if is_whole {
                    value + self.below(3) as f64
                } else {
                    value + spread * self.unit()
                }
            })
            .collect();
        Case {
            name: String::new(),
            task: Task::Regression,
            labels: 0,
            y_true,
            y_pred,
            y_score: None,
            weight: None,
            probabilities: false,
        }
    }
}

fn oracle(python: &str, cases: &[Case]) -> Vec<Expected> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/oracle.py");
    let mut child = Command::new(python)
        .args(["-B", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("MLHUB_TEST_PYTHON={python} does not start: {error}"));
    let mut stdin = child.stdin.take().expect("stdin is piped");
    // The oracle reads all before it writes, so this cannot block both.
    serde_json::to_writer(&mut stdin, cases).expect("the oracle reads its input");
    stdin.flush().expect("the oracle reads its input");
    drop(stdin);
    let output = child.wait_with_output().expect("the oracle ends");
    assert!(
        output.status.success(),
        "the oracle failed; its messages are above"
    );
    serde_json::from_slice(&output.stdout).expect("the oracle writes JSON")
}

#[test]
fn random_cases_agree_with_sklearn() {
    let Ok(python) = std::env::var("MLHUB_TEST_PYTHON") else {
        let in_ci = std::env::var("CI").is_ok_and(|ci| ci == "true" || ci == "1");
        assert!(
            !in_ci,
            "set MLHUB_TEST_PYTHON to a Python with scikit-learn: CI may not skip this"
        );
        eprintln!("skipped: MLHUB_TEST_PYTHON is not set, nothing was compared");
        return;
    };
    let seed = std::env::var("MLHUB_TEST_SEED").map_or(DEFAULT_SEED, |seed| {
        seed.parse().expect("MLHUB_TEST_SEED is a whole number")
    });
    let mut draw = Draw(ChaCha8Rng::seed_from_u64(seed));
    let cases: Vec<Case> = (0..CASES).map(|number| draw.case(number)).collect();
    let expected = oracle(&python, &cases);
    assert_eq!(expected.len(), cases.len());
    for (case, expected) in cases.iter().zip(&expected) {
        case.check(expected);
    }
}
