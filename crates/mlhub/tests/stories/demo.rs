//! The demo: nine evaluated runs of three kinds of model on real data, twice.

use std::collections::HashSet;
use std::path::Path;

use crate::support::World;

/// Consecutive values of a row that would be a sample in a log.
const SAMPLE_VALUES: usize = 21;

/// Every stretch of consecutive values of the dataset's rows.
fn samples() -> HashSet<Vec<i64>> {
    let text = include_str!("../../../../examples/digits/digits.csv");
    let mut found = HashSet::new();
    for line in text.lines().skip(1) {
        let values: Vec<i64> = line.split(',').filter_map(whole).collect();
        assert!(values.len() > SAMPLE_VALUES);
        found.extend(values.windows(SAMPLE_VALUES).map(<[i64]>::to_vec));
    }
    found
}

/// A whole number, however it is written.
fn whole(text: &str) -> Option<i64> {
    let value: f64 = text.parse().ok()?;
    (value.fract() == 0.0).then_some(value as i64)
}

/// Whether numbers in a text, one after the other, are a stretch of a row.
fn has_sample(text: &str, samples: &HashSet<Vec<i64>>) -> bool {
    let separators = |character: char| " ,;:\t\n\r[](){}\"'".contains(character);
    let mut stretch = Vec::new();
    text.split(separators)
        .filter(|token| !token.is_empty())
        .any(|token| {
            match whole(token) {
                Some(value) => stretch.push(value),
                None => stretch.clear(),
            }
            let from = stretch.len().saturating_sub(SAMPLE_VALUES);
            samples.contains(&stretch[from..])
        })
}

/// Text of every log and event file below a folder.
fn outputs(folder: &Path, into: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            outputs(&path, into);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "log" || extension == "jsonl")
        {
            let bytes = std::fs::read(&path).expect("read");
            let text = String::from_utf8_lossy(&bytes).into_owned();
            into.push((path.display().to_string(), text));
        }
    }
}

#[test]
fn samples_would_be_seen() {
    let samples = samples();
    let text = include_str!("../../../../examples/digits/digits.csv");
    let row = text.lines().nth(700).expect("a row");
    assert!(has_sample(
        &format!("x = [{}]", row.replace(',', ".0, ")),
        &samples
    ));
    assert!(has_sample(&row.replace(',', "\n"), &samples));
    let longest = row.split(',').take(SAMPLE_VALUES - 1);
    assert!(!has_sample(
        &longest.collect::<Vec<_>>().join(","),
        &samples
    ));
}

#[test]
fn nine_runs_are_trained_evaluated_and_compared_twice() {
    let world = World::new();
    let first = world.ok(&["demo", "--exit", "--port", "0"]);
    assert!(first.stderr.contains("fetching"), "{}", first.stderr);
    assert!(first.stdout.contains("Over seeds"), "{}", first.stdout);
    assert!(first.stdout.contains("/compare?runs="), "{}", first.stdout);
    assert_nine(&world, 9);

    let second = world.ok(&["demo", "--exit", "--port", "0"]);
    assert!(!second.stderr.contains("fetching"), "{}", second.stderr);
    assert!(!second.stderr.contains("preparing"), "{}", second.stderr);
    assert_nine(&world, 18);
    same_seeds_gave_the_same_values(&world);

    let samples = samples();
    let mut texts = Vec::new();
    outputs(&world.data(), &mut texts);
    assert!(texts.len() >= 36, "two logs of each run");
    texts.push(("the command".to_owned(), first.stdout + &first.stderr));
    for (name, text) in texts {
        assert!(!has_sample(&text, &samples), "a sample is in {name}");
    }
}

fn assert_nine(world: &World, count: usize) {
    let runs = world.runs();
    assert_eq!(runs.len(), count);
    for run in &runs {
        assert_eq!(run["state"], "finished", "{run}");
        let accuracy = run["metrics"]["test/accuracy"].as_f64();
        assert!(accuracy > Some(0.85), "{accuracy:?} {run}");
        assert!(run["intervals"]["test/accuracy"]["low"].is_number());
    }
    for adapter in ["native", "sklearn", "script"] {
        let of = runs.iter().filter(|run| run["adapter"] == adapter);
        assert_eq!(of.count(), count / 3, "{adapter}");
    }
    let groups: HashSet<_> = runs
        .iter()
        .filter_map(|run| run["group"].as_str())
        .collect();
    assert_eq!(groups.len(), count / 3);
    let shown = world.json(&["show", runs[0]["id"].as_str().expect("id")]);
    assert_eq!(shown["evaluations"][0]["state"], "done");
    assert_eq!(shown["evaluations"][0]["n"], 359);
}

/// The same config and seed, another time: bit for bit.
fn same_seeds_gave_the_same_values(world: &World) {
    let runs = world.runs();
    let (second, first) = runs.split_at(9);
    for run in second {
        let twin = first
            .iter()
            .find(|other| other["name"] == run["name"] && other["adapter"] == run["adapter"])
            .expect("the same run of the first time");
        for (name, value) in run["metrics"].as_object().expect("metrics") {
            if name.starts_with("test/") {
                assert_eq!(&twin["metrics"][name], value, "{name} of {}", run["name"]);
            }
        }
    }
}
