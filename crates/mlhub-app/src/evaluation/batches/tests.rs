//! A file in batches is judged as a file that is read whole, and what is wrong with it is told by
//! that road alone.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use mlhub_protocol::rest::{ExpectedSplit, SliceCodes};

use super::*;
use crate::predictions;

/// More rows than a batch has, in no multiple of them.
const ROWS: u64 = 20_011;

struct File {
    path: tempfile::TempPath,
    format: Format,
}

impl File {
    fn new(format: Format, content: &str) -> Self {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), content).expect("room on the disk");
        Self {
            path: file.into_temp_path(),
            format,
        }
    }

    fn csv(header: &str, rows: u64, row: impl Fn(u64) -> String) -> Self {
        let mut content = format!("{header}\n");
        for index in 0..rows {
            writeln!(content, "{}", row(index)).expect("memory");
        }
        Self::new(Format::Csv, &content)
    }

    fn source<'a>(&'a self, wish: Wish<'a>) -> Source<'a> {
        Source {
            path: &self.path,
            name: "predictions",
            format: self.format,
            wish,
        }
    }

    fn whole(&self, wish: &Wish<'_>, plan: &EvaluationPlan) -> Result<Evaluation, String> {
        let table = predictions::read(&self.path, "predictions", self.format, wish.task);
        let table = table.map_err(|error| error.to_string())?;
        let checked = predictions::check(table, wish)?;
        let options = options::of(plan, &checked, None).map_err(|error| error.to_string())?;
        evaluate(&checked, &options).map_err(|error| error.to_string())
    }

    /// Both roads end at the same bits.
    fn assert_same(&self, task: Option<&str>, expected: &ExpectedSplit, plan: &EvaluationPlan) {
        let wish = || Wish {
            task,
            positive_label: plan.positive_label.as_deref(),
            expected: Some(expected),
        };
        let whole = self.whole(&wish(), plan).expect("sound predictions");
        let found = evaluated(&self.source(wish()), plan).expect("judged in batches");
        assert!(!found.metrics.is_empty());
        assert_eq!(format!("{found:?}"), format!("{whole:?}"));
    }
}

fn plan(metrics: &[&str], samples: u32) -> EvaluationPlan {
    EvaluationPlan {
        metrics: metrics.iter().map(|name| (*name).to_owned()).collect(),
        bootstrap_samples: samples,
        ..EvaluationPlan::default()
    }
}

fn numbered(rows: u64) -> ExpectedSplit {
    ExpectedSplit {
        rows,
        ..ExpectedSplit::default()
    }
}

#[test]
fn classes_are_judged_as_those_of_a_whole_file() {
    // Ids in another order than the rows, names that sort otherwise than they come.
    let id = |row: u64| (row * 7919) % ROWS;
    let class = |row: u64, by: u64| ["dog", "ant", "cat"][(row * by % 11 % 3) as usize];
    let file = File::csv("id,y_true,y_pred,weight", ROWS, |row| {
        let weight = (row % 5) as f64 / 3.0;
        format!("{},{},{},{weight}", id(row), class(row, 3), class(row, 5))
    });
    let all = plan(&[], 0);
    file.assert_same(None, &numbered(ROWS), &all);
    file.assert_same(Some("multiclass"), &numbered(ROWS), &all);
    let named = plan(&["f1_macro", "accuracy", "mcc"], 0);
    file.assert_same(None, &numbered(ROWS), &named);
    let ids = (0..ROWS).map(|row| row.to_string()).collect();
    let by_id = ExpectedSplit {
        ids: Some(ids),
        ..numbered(ROWS)
    };
    file.assert_same(None, &by_id, &named);
}

#[test]
fn classes_that_first_come_late_are_known_from_the_first_row() {
    let late = |row: u64| if row < ROWS - 3 { "7" } else { "x" };
    let file = File::csv("id,y_true,y_pred", ROWS, |row| {
        format!("{row},{},{}", late(row), row % 2 + 7)
    });
    file.assert_same(Some("multiclass"), &numbered(ROWS), &plan(&[], 0));
}

#[test]
fn scores_are_judged_as_those_of_a_whole_file() {
    let score = |row: u64| (row * 31 % 97) as f64 / 97.0;
    let one = File::csv("id,y_true,y_score", ROWS, |row| {
        format!("{row},{},{}", row * 3 % 7 % 2, score(row))
    });
    let two = File::csv("id,y_true,y_score_no,y_score_yes", ROWS, |row| {
        let truth = ["no", "yes"][(row * 3 % 7 % 2) as usize];
        format!("{row},{truth},{},{}", 1.0 - score(row), score(row))
    });
    let flipped = EvaluationPlan {
        positive_label: Some("no".to_owned()),
        ..plan(&["auroc", "f1", "log_loss"], 0)
    };
    for plan in [plan(&[], 0), plan(&["auroc", "f1"], 20)] {
        one.assert_same(Some("binary"), &numbered(ROWS), &plan);
        two.assert_same(None, &numbered(ROWS), &plan);
    }
    two.assert_same(None, &numbered(ROWS), &flipped);
}

#[test]
fn numbers_are_judged_as_those_of_a_whole_file() {
    let value = |row: u64, by: u64| (row * by % 1_009) as f64 / 7.0 - 3.0;
    let csv = File::csv("id,y_true,y_pred", ROWS, |row| {
        format!("{row},{},{}", value(row, 31), value(row, 37))
    });
    let mut lines = String::new();
    for row in 0..ROWS {
        let (truth, predicted) = (value(row, 31), value(row, 37));
        writeln!(
            lines,
            "{{\"id\":{row},\"y_true\":{truth},\"y_pred\":{predicted},\"group\":\"g{}\"}}",
            row % 9
        )
        .expect("memory");
    }
    let jsonl = File::new(Format::Jsonl, &lines);
    for file in [csv, jsonl] {
        // All of them look at the order of rows; of those named, none does.
        file.assert_same(None, &numbered(ROWS), &plan(&[], 3));
        let sums = ["r2", "rmse", "explained_variance", "max_error", "rmsle"];
        file.assert_same(Some("regression"), &numbered(ROWS), &plan(&sums, 0));
    }
}

#[test]
fn what_is_wrong_is_left_to_who_reads_the_whole_file() {
    let expected = numbered(3);
    let few = plan(&["f1", "mae"], 0);
    for (content, words) in [
        (
            "id,y_true,y_pred\n0,a,b\n1,b,b\n0,a,a\n",
            "`0` in rows 0, 2",
        ),
        ("id,y_true,y_pred\n0,a,b\n1,b,b\n", "(2)"),
        ("id,y_true,y_pred\n0,a,b\n1,b,b\n2,a,\n", "y_pred"),
        ("id,y_true,y_pred\n0,a,b\n1,b,b\n2,a\n", "line 4"),
        ("id,y_true,y_pred\n0,1,2\n1,2,2\n2,1,inf\n", "y_pred"),
        (
            "id,y_true,y_pred,weight\n0,1,2,0\n1,2,2,0\n2,1,1,0\n",
            "weight",
        ),
        (
            "id,y_true,y_pred,weight\n0,1,2,1\n1,2,2,-1\n2,1,1,0\n",
            "weight",
        ),
    ] {
        let file = File::new(Format::Csv, content);
        let wish = || Wish {
            task: None,
            positive_label: None,
            expected: Some(&expected),
        };
        assert_eq!(evaluated(&file.source(wish()), &few), None, "{content}");
        let message = file.whole(&wish(), &few).expect_err(content);
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn what_looks_at_ids_is_left_to_who_reads_the_whole_file() {
    let file = File::csv("id,y_true,y_pred,group", 40, |row| {
        format!("{row},{},{},{}", row % 3, row % 2, row % 4)
    });
    let expected = numbered(40);
    let wish = |expected, task| Wish {
        task,
        positive_label: None,
        expected: Some(expected),
    };
    let sums = plan(&["mae"], 0);
    let source = file.source(wish(&expected, None));
    assert!(evaluated(&source, &sums).is_some());
    let grouped = EvaluationPlan {
        bootstrap_resampling: Some("grouped".to_owned()),
        ..sums.clone()
    };
    assert_eq!(evaluated(&source, &grouped), None);
    assert_eq!(evaluated(&source, &plan(&["mine.own"], 0)), None);
    let clusters = file.source(wish(&expected, Some("clustering")));
    assert_eq!(evaluated(&clusters, &plan(&[], 0)), None);
    let codes = SliceCodes {
        values: vec!["a".to_owned()],
        codes: "a".repeat(40),
    };
    let sliced = ExpectedSplit {
        slices: BTreeMap::from([("site".to_owned(), codes)]),
        ..numbered(40)
    };
    assert_eq!(evaluated(&file.source(wish(&sliced, None)), &sums), None);
}
