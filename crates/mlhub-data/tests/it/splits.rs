//! Splits: planning, writing, reuse, smoke subsets and the leakage guard.

use std::collections::BTreeMap;
use std::path::Path;

use arrow_array::{Int64Array, StringArray};
use mlhub_data::{
    DataError, Format, PartFile, SplitPlan, SplitSpec, leakage, materialise, plan_split,
    smoke_subset,
};
use proptest::prelude::*;

use crate::fixtures::{Folder, array, f64s, i64s, look, npy};

fn spec(seed: u64, stratify: Option<&str>, group: Option<&str>) -> SplitSpec {
    SplitSpec::Fractions {
        seed,
        fractions: [("train", 0.7), ("validation", 0.1), ("test", 0.2)]
            .map(|(n, f)| (n.to_owned(), f))
            .into(),
        stratify: stratify.map(str::to_owned),
        group: group.map(str::to_owned),
    }
}

/// `rows` rows with a class out of three (unequal) and a group out of `rows / 3`.
fn table(rows: usize) -> String {
    let class = |row: usize| ["a", "b", "a", "c", "a"][row % 5];
    let body: String = (0..rows)
        .map(|row| format!("{row},{},g{}\n", class(row), row / 3))
        .collect();
    format!("id,class,patient\n{body}")
}

fn message(result: Result<SplitPlan, DataError>) -> String {
    result.unwrap_err().to_string()
}

/// Frozen: a run's split must come out the same for ever.
#[test]
fn plans_are_frozen() {
    let folder = Folder::new();
    let path = folder.write("t.csv", table(20));
    let plan = |stratify, group| {
        let mut plan = plan_split(&path, Format::Csv, &spec(7, stratify, group)).unwrap();
        (
            plan.parts.remove("test").unwrap(),
            plan.parts.remove("validation").unwrap(),
            plan.hash,
        )
    };
    let plans = [
        plan(None, None),
        plan(Some("class"), None),
        plan(None, Some("patient")),
        plan(Some("class"), Some("patient")),
    ];
    let golden: [(&[u64], &[u64], &str); 4] = [
        (
            &[7, 8, 16, 19],
            &[1, 17],
            "v1:ccfe13c993c84ea5bbcc683f2264b85c40d9a0be064949679f411178d796bbb9",
        ),
        (
            &[2, 5, 13, 15, 16],
            &[8, 11, 14],
            "v1:8f2a90e6d7ff62c9992ef757bdf9be626d87000d16723ed6ddc696a7f2a06d78",
        ),
        (
            &[12, 13, 14],
            &[0, 1, 2],
            "v1:60d190d3a461117f69a7b9ab2e6be7b00736317cf4df67de861cc7217c0cd258",
        ),
        (
            &[12, 13, 14],
            &[0, 1, 2],
            "v1:60d190d3a461117f69a7b9ab2e6be7b00736317cf4df67de861cc7217c0cd258",
        ),
    ];
    assert_eq!(
        plans,
        golden.map(|(test, validation, hash)| (
            test.to_vec(),
            validation.to_vec(),
            hash.to_owned()
        ))
    );
}

fn ordered(parts: &[(&str, f64)], order: &[&str]) -> SplitSpec {
    SplitSpec::Ordered {
        fractions: parts
            .iter()
            .map(|(name, fraction)| ((*name).to_owned(), *fraction))
            .collect(),
        order: order.iter().map(|name| (*name).to_owned()).collect(),
    }
}

/// Frozen, as the shuffled ones are.
#[test]
fn ordered_plans_are_frozen_and_follow_the_file() {
    let folder = Folder::new();
    let path = folder.write("t.csv", table(13));
    let parts = [("train", 0.7), ("validation", 0.1), ("test", 0.2)];
    let spec = ordered(&parts, &["train", "validation", "test"]);
    let plan = plan_split(&path, Format::Csv, &spec).unwrap();
    // 9.1, 1.3 and 2.6 rows: the one left over goes to test.
    assert_eq!(plan.parts["train"], (0..9).collect::<Vec<_>>());
    assert_eq!(plan.parts["validation"], [9]);
    assert_eq!(plan.parts["test"], [10, 11, 12]);
    assert_eq!(
        plan.hash,
        "v1:82b6286d5b647fd220f50c3c20a60e6309a275750ad08cac2d703b9b89b1f051"
    );

    let backwards = ordered(&parts, &["test", "validation", "train"]);
    let turned = plan_split(&path, Format::Csv, &backwards).unwrap();
    assert_eq!(turned.parts["test"], [0, 1, 2]);
    assert_ne!(turned.hash, plan.hash);

    let files = materialise(&path, Format::Csv, &plan, &folder.path("parts")).unwrap();
    let lines: Vec<String> = ["train", "validation", "test"]
        .iter()
        .flat_map(|name| {
            let text = std::fs::read_to_string(&files[*name].path).unwrap();
            text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    let source = std::fs::read_to_string(&path).unwrap();
    assert_eq!(lines, source.lines().skip(1).collect::<Vec<_>>());
}

#[test]
fn ordered_splits_that_cannot_be_are_refused() {
    let folder = Folder::new();
    let path = folder.write("t.csv", table(20));
    let parts = [("train", 0.7), ("test", 0.3)];
    for order in [
        &["train"][..],
        &["train", "test", "test"],
        &["train", "validation"],
        &[],
    ] {
        let text = message(plan_split(&path, Format::Csv, &ordered(&parts, order)));
        assert!(text.contains("`order` must name each part"), "{text}");
    }
    let small = ordered(&[("train", 0.99), ("test", 0.01)], &["train", "test"]);
    assert!(message(plan_split(&path, Format::Csv, &small)).contains("part `test` would be empty"));
    let plain = ordered(&parts, &["train", "test"]);
    assert!(
        message(plan_split(&folder.path(""), Format::Folder, &plain))
            .contains("a plain folder has no rows")
    );
}

#[test]
fn specifications_survive_json() {
    let text = r#"{"fractions":{"test":0.5,"train":0.5},"order":["train","test"]}"#;
    let in_order: SplitSpec = serde_json::from_str(text).unwrap();
    assert!(matches!(&in_order, SplitSpec::Ordered { order, .. } if order == &["train", "test"]));
    assert_eq!(serde_json::to_string(&in_order).unwrap(), text);

    let text = r#"{"seed":7,"fractions":{"train":0.5,"test":0.5},"stratify":"class"}"#;
    let parsed: SplitSpec = serde_json::from_str(text).unwrap();
    assert!(
        matches!(&parsed, SplitSpec::Fractions { seed: 7, stratify: Some(column), group: None, .. } if column == "class")
    );
    assert_eq!(
        serde_json::from_str::<SplitSpec>(&serde_json::to_string(&parsed).unwrap()).unwrap(),
        parsed
    );
    let files: SplitSpec = serde_json::from_str(r#"{"files":{"train":"a.csv"}}"#).unwrap();
    assert!(matches!(files, SplitSpec::Files { .. }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn every_row_is_in_exactly_one_part(rows in 40usize..150, seed: u64, stratified: bool, grouped: bool) {
        let folder = Folder::new();
        let path = folder.write("t.csv", table(rows));
        let spec = spec(seed, stratified.then_some("class"), grouped.then_some("patient"));
        let plan = plan_split(&path, Format::Csv, &spec).unwrap();
        prop_assert_eq!(&plan, &plan_split(&path, Format::Csv, &spec).unwrap(), "deterministic");
        let mut all: Vec<u64> = plan.parts.values().flatten().copied().collect();
        all.sort_unstable();
        prop_assert_eq!(all, (0..rows as u64).collect::<Vec<_>>());
        for (name, fraction) in [("train", 0.7), ("validation", 0.1), ("test", 0.2)] {
            let found = plan.counts[name] as f64;
            let slack = match (grouped, stratified) {
                // Groups go where their classes are lacking: two groups of three rows, found
                // over 330,000 plans to be 4.2 rows at most.
                (true, true) => 6.0,
                (true, false) => 3.0,
                (false, true) => 4.0,
                (false, false) => 1.0,
            };
            prop_assert!((found - rows as f64 * fraction).abs() <= slack, "{name}: {found} of {rows}");
        }
        if grouped {
            let mut part_of = BTreeMap::new();
            for (name, members) in &plan.parts {
                for row in members {
                    prop_assert_eq!(part_of.entry(row / 3).or_insert(name), &name, "a group in two parts");
                }
            }
        }
        if grouped && stratified {
            let class_of = |row: u64| ["a", "b", "a", "c", "a"][row as usize % 5];
            for class in ["a", "b", "c"] {
                let all = (0..rows as u64).filter(|row| class_of(*row) == class).count() as f64;
                for (name, fraction) in [("train", 0.7), ("validation", 0.1), ("test", 0.2)] {
                    let here = plan.parts[name].iter().filter(|row| class_of(**row) == class);
                    let strays = (here.count() as f64 - all * fraction).abs();
                    prop_assert!(strays <= 6.0, "{class} in {name}: {strays} rows from its share");
                }
            }
        } else if stratified {
            for members in plan.parts.values() {
                for class in ["a", "b", "c"] {
                    prop_assert!(members.iter().any(|row| ["a", "b", "a", "c", "a"][*row as usize % 5] == class));
                }
            }
        }
    }
}

#[test]
fn another_seed_is_another_split() {
    let folder = Folder::new();
    let path = folder.write("t.csv", table(50));
    let hash = |seed| {
        plan_split(&path, Format::Csv, &spec(seed, None, None))
            .unwrap()
            .hash
    };
    assert_ne!(hash(1), hash(2));
}

#[test]
fn impossible_splits_are_refused_by_name() {
    let folder = Folder::new();
    let path = folder.write("t.csv", table(20));
    let fractions = |parts: &[(&str, f64)]| SplitSpec::Fractions {
        seed: 1,
        fractions: parts
            .iter()
            .map(|(name, fraction)| ((*name).to_owned(), *fraction))
            .collect(),
        stratify: None,
        group: None,
    };
    let plan = |spec: &SplitSpec| message(plan_split(&path, Format::Csv, spec));
    assert!(
        plan(&fractions(&[("train", 0.7), ("test", 0.2)])).contains("the fractions sum to 0.8999")
    );
    assert!(
        plan(&fractions(&[("train", 1.5), ("test", -0.5)]))
            .contains("fraction of part `test` is -0.5")
    );
    assert!(plan(&fractions(&[("train", f64::NAN)])).contains("must be above 0"));
    assert!(plan(&fractions(&[("../x", 1.0)])).contains("part name `../x`"));
    assert!(plan(&fractions(&[])).contains("0 parts"));
    assert!(
        plan(&fractions(&[("train", 0.99), ("test", 0.01)]))
            .contains("part `test` would be empty: 20 rows")
    );
    assert!(plan(&spec(1, Some("clas"), None)).contains("no column `clas`, did you mean `class`?"));
    let rare = folder.write("rare.csv", format!("{}99,rare,g\n", table(20)));
    let message = message(plan_split(
        &rare,
        Format::Csv,
        &spec(1, Some("class"), None),
    ));
    assert!(
        message.contains(
            "class `rare` of column `class` has 1 row(s), too few to be in each of 3 parts"
        ),
        "{message}"
    );
}

fn parts(path: &Path, format: Format, folder: &Folder) -> (SplitPlan, BTreeMap<String, PartFile>) {
    let plan = plan_split(path, format, &spec(3, None, None)).unwrap();
    let parts = materialise(path, format, &plan, &folder.path("parts")).unwrap();
    for (name, part) in &parts {
        let inspection = look(&part.path).unwrap();
        assert_eq!(inspection.rows, Some(plan.counts[name]));
        assert_eq!(
            (inspection.rows, inspection.size_bytes),
            (Some(part.rows), part.size_bytes)
        );
        assert_eq!(inspection.fingerprint, part.fingerprint);
    }
    (plan, parts)
}

/// The rows of a part are the source's rows of the plan, by row hash.
fn assert_rows_kept(path: &Path, plan: &SplitPlan, parts: &BTreeMap<String, PartFile>) {
    let source = look(path).unwrap();
    for (name, part) in parts {
        let expected: Vec<u64> = plan.parts[name]
            .iter()
            .map(|row| source.row_hashes.as_slice()[*row as usize])
            .collect();
        assert_eq!(
            look(&part.path).unwrap().row_hashes.as_slice(),
            expected,
            "{name}"
        );
    }
    let rows: BTreeMap<_, _> = parts
        .iter()
        .map(|(name, part)| (name.clone(), look(&part.path).unwrap().row_hashes))
        .collect();
    assert!(leakage(&rows).is_clean());
}

#[test]
fn csv_parts_keep_every_byte_of_their_rows() {
    let folder = Folder::new();
    let mut text = "\u{feff}a,\"b \"\r\n".to_owned();
    let rows: Vec<String> = (0..20)
        .map(|row| format!("{row},\"x,\"\"{row}\r\ny\""))
        .collect();
    text.push_str(&rows.join("\r\n"));
    let path = folder.write("t.csv", &text);
    let (plan, parts) = parts(&path, Format::Csv, &folder);
    assert_rows_kept(&path, &plan, &parts);
    for (name, part) in &parts {
        let body: String = plan.parts[name]
            .iter()
            .map(|row| format!("{}\r\n", rows[*row as usize]))
            .collect();
        assert_eq!(
            std::fs::read_to_string(&part.path).unwrap(),
            format!("\u{feff}a,\"b \"\r\n{body}")
        );
        assert_eq!(
            part.path.file_name().unwrap().to_str().unwrap(),
            format!("{name}.csv")
        );
    }
}

#[test]
fn jsonl_parquet_npz_and_image_parts_keep_their_rows() {
    let folder = Folder::new();
    let jsonl: String = (0..20)
        .map(|row| format!("{{\"a\": {row}, \"b\": [1, {row}.5]}}\n"))
        .collect();
    let n: Vec<i64> = (0..20).collect();
    let names: Vec<String> = n.iter().map(|row| format!("r{row}")).collect();
    let matrix: Vec<f64> = (0..40).map(f64::from).collect();
    for row in 0..20 {
        folder.write(
            &format!("images/c{}/{row}.png", row % 2),
            [&b"\x89PNG\r\n\x1a\n"[..], &[row]].concat(),
        );
    }
    let sources = [
        (
            Format::Jsonl,
            folder.write("t.jsonl", format!("\u{feff}{}", jsonl.trim_end())),
        ),
        (
            Format::Parquet,
            folder.parquet(
                "t.parquet",
                vec![
                    ("a", array(Int64Array::from(n.clone()))),
                    ("b", array(StringArray::from(names))),
                ],
            ),
        ),
        (
            Format::Npz,
            folder.npz(
                "t.npz",
                &[
                    ("x", npy("<f8", true, "(20, 2)", &f64s(&matrix))),
                    ("y", npy("<i8", false, "(20,)", &i64s(&n))),
                ],
            ),
        ),
        (Format::ImageFolder, folder.path("images")),
    ];
    for (format, path) in sources {
        let (plan, parts) = parts(&path, format, &folder);
        assert_rows_kept(&path, &plan, &parts);
    }
}

#[test]
fn parts_are_reused_until_something_changes() {
    let folder = Folder::new();
    let path = folder.write("t.csv", table(30));
    let (plan, first) = parts(&path, Format::Csv, &folder);
    let stamp = |part: &PartFile| std::fs::metadata(&part.path).unwrap().modified().unwrap();
    let past = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    let train = &first["train"];
    // Reading is enough for its owner to change a file's times.
    std::fs::File::open(&train.path)
        .unwrap()
        .set_modified(past)
        .unwrap();
    for part in first.values() {
        let permissions = std::fs::metadata(&part.path).unwrap().permissions();
        assert!(permissions.readonly(), "{}", part.path.display());
    }

    let again = materialise(&path, Format::Csv, &plan, &folder.path("parts")).unwrap();
    assert_eq!(again, first);
    assert_eq!(stamp(train), past, "not written again");

    std::fs::remove_file(&train.path).unwrap();
    std::fs::write(&train.path, "id,class,patient\ndamaged,a,g\n").unwrap();
    let repaired = materialise(&path, Format::Csv, &plan, &folder.path("parts")).unwrap();
    assert_eq!(repaired, first, "a damaged part is written again");

    folder.write("t.csv", table(30).replace(",a,", ",z,"));
    let renewed = materialise(&path, Format::Csv, &plan, &folder.path("parts")).unwrap();
    assert_ne!(renewed["train"].fingerprint, first["train"].fingerprint);
    let left: Vec<_> = std::fs::read_dir(folder.path("parts"))
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(
        left.len(),
        4,
        "three parts and the manifest, nothing temporary: {left:?}"
    );
}

#[test]
fn a_plan_for_other_rows_is_refused_and_leaves_nothing() {
    let folder = Folder::new();
    let path = folder.write("t.csv", table(30));
    let plan = plan_split(&path, Format::Csv, &spec(3, None, None)).unwrap();
    folder.write("t.csv", table(29));
    let error = materialise(&path, Format::Csv, &plan, &folder.path("parts"))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("the plan names row 29, but the dataset has 29 rows"),
        "{error}"
    );
    assert!(!folder.path("parts/train.csv").exists());
}

#[test]
fn explicit_part_files_are_used_where_they_are() {
    let folder = Folder::new();
    let path = folder.write("d/all.csv", table(5));
    folder.write("d/a.csv", table(4));
    folder.write("d/sub/b.csv", table(3));
    folder.write("outside.csv", table(3));
    let files = |part: &str| SplitSpec::Files {
        files: [("train", "a.csv"), ("test", part)]
            .map(|(n, p)| (n.to_owned(), p.to_owned()))
            .into(),
    };
    for source in [path.clone(), folder.path("d")] {
        let plan = plan_split(&source, Format::Csv, &files("sub/b.csv")).unwrap();
        assert_eq!(
            plan.counts,
            [("train".to_owned(), 4), ("test".to_owned(), 3)].into()
        );
        let parts = materialise(&source, Format::Csv, &plan, &folder.path("parts")).unwrap();
        assert_eq!(parts["test"].path, folder.path("d/sub/b.csv"));
        assert_eq!(
            parts["test"].fingerprint,
            look(&parts["test"].path).unwrap().fingerprint
        );
        let rows = parts
            .iter()
            .map(|(name, part)| (name.clone(), look(&part.path).unwrap().row_hashes))
            .collect();
        let report = leakage(&rows);
        assert_eq!(
            (
                report.pairs[0].a.as_str(),
                report.pairs[0].b.as_str(),
                report.pairs[0].shared_rows
            ),
            ("train", "test", 3)
        );
        assert_eq!(report.pairs[0].first_rows_in_b, [0, 1, 2]);
    }
    for outside in ["../outside.csv", "/etc/passwd", "sub/../../outside.csv"] {
        assert!(
            message(plan_split(&path, Format::Csv, &files(outside)))
                .contains("must lie inside the dataset's folder"),
            "{outside}"
        );
    }
    assert!(
        message(plan_split(&path, Format::Csv, &files("none.csv")))
            .contains("none.csv: cannot open")
    );
}

#[test]
fn smoke_subsets_keep_the_proportions_of_classes() {
    let folder = Folder::new();
    // Sorted by class, as files often are: 60, 30 and 7 rows.
    let classes = [("a", 60), ("b", 30), ("c", 7)];
    let rows = classes
        .iter()
        .flat_map(|(class, rows)| vec![class; *rows])
        .enumerate();
    let body: String = rows
        .map(|(row, class)| format!("{row},{class}\n"))
        .collect();
    let path = folder.write("t.csv", format!("x,class\n{body}"));
    let subset = |rows| {
        let out = folder.path("smoke/s.csv");
        let part = smoke_subset(&path, Format::Csv, rows, Some("class"), &out).unwrap();
        let text = std::fs::read_to_string(&part.path).unwrap();
        let counts = classes.map(|(class, _)| {
            let end = format!(",{class}");
            text.lines().filter(|line| line.ends_with(&end)).count()
        });
        assert_eq!(part.rows, counts.iter().sum::<usize>() as u64);
        assert!(text.starts_with("x,class\n0,a\n1,a\n"), "{text}");
        counts
    };
    assert_eq!(subset(40), [24, 12, 6], "a rare class keeps six rows");
    assert_eq!(subset(3), [6, 6, 6]);
    assert_eq!(subset(1000), [60, 30, 7]);
    let first = smoke_subset(&path, Format::Csv, 3, None, &folder.path("smoke/s.csv")).unwrap();
    assert_eq!((first.rows, look(&first.path).unwrap().rows), (3, Some(3)));
    let numbers = smoke_subset(
        &path,
        Format::Csv,
        3,
        Some("x"),
        &folder.path("smoke/n.csv"),
    )
    .unwrap();
    assert_eq!(numbers.rows, 3, "a target of unique values is not a class");
    assert!(smoke_subset(&path, Format::Csv, 0, None, &folder.path("smoke/s.csv")).is_err());
    assert!(
        smoke_subset(
            &path,
            Format::Csv,
            1,
            Some("clas"),
            &folder.path("smoke/s.csv")
        )
        .is_err()
    );
}

#[test]
fn many_small_classes_still_add_up_to_the_fractions() {
    let folder = Folder::new();
    let body: String = (0..700)
        .map(|row| format!("{row},c{:03}\n", row / 7))
        .collect();
    let path = folder.write("t.csv", format!("id,class\n{body}"));
    let plan = plan_split(&path, Format::Csv, &spec(1, Some("class"), None)).unwrap();
    // Every class needs a row in validation, which is more than its tenth.
    assert_eq!(plan.counts["validation"], 100);
    for (name, expected) in [("train", 490u64), ("test", 140)] {
        assert!(
            plan.counts[name].abs_diff(expected) <= 30,
            "{:?}",
            plan.counts
        );
    }
}
