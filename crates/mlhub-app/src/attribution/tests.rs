//! A table of cases: what is blamed by which evidence; and what two records differ in.

use serde_json::json;

use super::*;
use ReproductionVerdict::{Diverged, Failed, Identical, Running, WithinTolerance};

/// A reproduction with `part=state` for each part that is not as recorded.
fn case(verdict: ReproductionVerdict, changed: &str) -> Evidence {
    let parts = [
        RunPart::Code,
        RunPart::Adapter,
        RunPart::Config,
        RunPart::Environment,
        RunPart::Dataset,
        RunPart::Machine,
    ];
    let differences = changed.split_whitespace().map(|text| {
        let (name, state) = text.split_once('=').expect("part=state");
        let part = parts.into_iter().find(|part| part.as_str() == name);
        PartDifference {
            part: part.expect("a part"),
            name: "what".to_owned(),
            was: Some("recorded".to_owned()),
            is: Some(state.to_owned()),
        }
    });
    Evidence {
        verdict,
        differences: differences.collect(),
    }
}

#[test]
fn causes_are_told_apart_by_the_evidence() {
    type Row<'a> = (
        &'a str,
        &'a [(ReproductionVerdict, &'a str)],
        &'a str,
        bool,
        &'a str,
    );
    // What differs in a diverged one; the others; the cause; whether confirmed; suspects.
    let rows: &[Row<'_>] = &[
        ("", &[], "not_deterministic", true, ""),
        ("", &[(Identical, "")], "not_deterministic", true, ""),
        ("environment=b", &[], "environment", false, "environment"),
        (
            "environment=b",
            &[(Identical, "")],
            "environment",
            true,
            "environment",
        ),
        (
            "environment=b",
            &[(WithinTolerance, "")],
            "environment",
            true,
            "environment",
        ),
        // Chance explains all: nothing is said of the environment.
        (
            "environment=b",
            &[(Diverged, "")],
            "not_deterministic",
            true,
            "",
        ),
        (
            "environment=b",
            &[(Identical, "environment=b")],
            "not_deterministic",
            true,
            "",
        ),
        // Another environment that came out the same proves that it is no chance, too.
        (
            "environment=b",
            &[(Identical, "environment=c")],
            "environment",
            true,
            "environment",
        ),
        ("machine=b", &[(Identical, "")], "hardware", true, "machine"),
        ("machine=b", &[], "hardware", false, "machine"),
        (
            "environment=b machine=b",
            &[],
            "undecided",
            false,
            "environment machine",
        ),
        (
            "environment=b machine=b",
            &[(Identical, "")],
            "undecided",
            false,
            "environment machine",
        ),
        // The recorded environment on this machine.
        (
            "environment=b machine=b",
            &[(Identical, "machine=b")],
            "environment",
            true,
            "environment",
        ),
        // A third machine says nothing of this one.
        (
            "environment=b machine=b",
            &[(Identical, "machine=c")],
            "undecided",
            false,
            "environment machine",
        ),
        (
            "environment=b machine=b",
            &[(Identical, "environment=b")],
            "hardware",
            true,
            "machine",
        ),
        // Less was changed and it diverged all the same.
        (
            "environment=b code=b",
            &[(Diverged, "code=b"), (Identical, "")],
            "code",
            true,
            "code",
        ),
        // Harmless each by itself.
        (
            "environment=b code=b",
            &[(Identical, "environment=b"), (Identical, "code=b")],
            "undecided",
            false,
            "code environment",
        ),
        // What did not end is no evidence.
        (
            "dataset=b",
            &[(Failed, ""), (Running, "")],
            "dataset",
            false,
            "dataset",
        ),
        ("config=b", &[(Identical, "")], "config", true, "config"),
        ("adapter=b", &[(Identical, "")], "adapter", true, "adapter"),
    ];
    for (changed, others, cause, confirmed, suspects) in rows {
        let others: Vec<Evidence> = others
            .iter()
            .map(|(verdict, of)| case(*verdict, of))
            .collect();
        let found = attribute(&case(Diverged, changed), &others);
        let told: Vec<&str> = found.suspects.iter().map(|part| part.as_str()).collect();
        let got = (
            found.cause.map(Cause::as_str),
            found.is_confirmed,
            told.join(" "),
        );
        let wanted = (Some(*cause), *confirmed, (*suspects).to_owned());
        assert_eq!(got, wanted, "{changed} beside {others:?}");
        assert!(!found.message.is_empty());
    }
}

#[test]
fn what_came_out_the_same_has_no_cause_and_clears_what_differs() {
    let found = attribute(&case(Identical, "machine=b code=b"), &[]);
    assert_eq!((found.cause, found.suspects), (None, Vec::new()));
    assert_eq!(
        found.message,
        "The code and the machine are not as recorded, and it makes no difference."
    );
    assert_eq!(attribute(&case(Identical, ""), &[]).message, "");
    assert_eq!(attribute(&case(Running, "code=b"), &[]).message, "");
}

fn snapshot() -> Snapshot {
    Snapshot {
        config: json!({"params": {"rate": 1}, "dataset": {"path": "rows.csv"}}),
        adapter: json!({"name": "mine", "version": "1.0.0", "digest": "d1"}),
        environment: json!({"fingerprint": "e1", "packages": ["numpy==1.26.4", "Tiny_Pack==1.0.0"]}),
        machine: json!({"processor": "A", "cores": 8, "mlhub": "0.1.0", "host": "one"}),
        code: json!({
            "root": "/w", "folder": "p", "commit": "c1",
            "untracked": {"rows.csv": "h1", "helper.py": "h2", "output.txt": "h3"},
            "sources": {"helper.py": "x = 1"},
        }),
        dataset: json!({"fingerprint": "f1", "splits": {"test": {"fingerprint": "s1"}}}),
        ..Snapshot::default()
    }
}

#[test]
fn two_records_differ_by_name_with_both_values() {
    let original = snapshot();
    assert_eq!(part_differences(&original, &original), []);
    let mut later = snapshot();
    later.config["params"]["rate"] = json!(2);
    later.adapter["digest"] = json!("d2");
    later.environment =
        json!({"fingerprint": "e2", "packages": ["numpy==1.26.4", "tiny-pack==1.0.1"]});
    later.machine["cores"] = json!(2);
    later.machine["host"] = json!("two");
    later.code = json!({
        "root": "/elsewhere", "folder": "p", "commit": "c2", "untracked": {"helper.py": "h9"},
    });
    later.dataset["splits"]["test"]["fingerprint"] = json!("s2");
    let found = part_differences(&original, &later);
    let told: Vec<String> = found
        .iter()
        .map(|one| {
            let text = |of: &Option<String>| of.clone().unwrap_or_default();
            format!(
                "{} {} {} {}",
                one.part.as_str(),
                one.name,
                text(&one.was),
                text(&one.is)
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "code commit c1 c2",
            "code helper.py h2 h9",
            "adapter files mine@1.0.0 mine@1.0.0",
            "config rate 1 2",
            "environment tiny-pack 1.0.0 1.0.1",
            "dataset test s1 s2",
            "machine cores 8 2",
        ]
    );
}

#[test]
fn packages_that_changed_are_named_with_both_versions() {
    let list = |entries: &[&str]| entries.iter().map(|&e| e.to_owned()).collect::<Vec<_>>();
    let before = list(&["numpy==1.26.4", "Scikit_Learn==1.5.0", "gone==1"]);
    let now = list(&["numpy==1.26.3", "scikit-learn==1.5.0", "new==2"]);
    let told: Vec<String> = package_changes(&before, &now)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        told,
        ["gone 1 -> none", "new none -> 2", "numpy 1.26.4 -> 1.26.3"]
    );
    // Not recorded is not the same as none.
    assert_eq!(package_changes(&[], &now), []);
}
