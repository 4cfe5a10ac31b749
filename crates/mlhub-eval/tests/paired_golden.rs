//! McNemar, `DeLong`, Wilcoxon and Mann-Whitney against statsmodels, SciPy and the definition.
//!
//! The values are in `golden/paired.json`, made by `golden/make_paired.py`.

use mlhub_eval::{delong, mann_whitney, mcnemar, wilcoxon};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    mcnemar: Vec<McNemarCase>,
    wilcoxon: Vec<WilcoxonCase>,
    mann_whitney: Vec<MannWhitneyCase>,
    delong: Vec<DeLongCase>,
}

#[derive(Deserialize)]
struct McNemarCase {
    only_a: u64,
    only_b: u64,
    rows: u64,
    chi_square: Option<f64>,
    p: f64,
    low: f64,
    high: f64,
}

#[derive(Deserialize)]
struct WilcoxonCase {
    name: String,
    differences: Vec<f64>,
    positive: f64,
    negative: f64,
    z: Option<f64>,
    p: f64,
}

#[derive(Deserialize)]
struct MannWhitneyCase {
    name: String,
    a: Vec<f64>,
    b: Vec<f64>,
    u: f64,
    p: f64,
}

#[derive(Deserialize)]
struct DeLongCase {
    name: String,
    positive: Vec<bool>,
    a: Vec<f64>,
    b: Vec<f64>,
    auroc_a: f64,
    auroc_b: f64,
    variance: f64,
    z: f64,
    p: f64,
    low: f64,
    high: f64,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/paired.json")).expect("the golden file")
}

/// Near 0 only absolute agreement means anything: differences are of numbers of size 1.
fn near(what: &str, found: f64, expected: f64) {
    let apart = (found - expected).abs();
    assert!(
        apart <= 1e-12 * expected.abs() || apart <= 1e-15,
        "{what}: {found:?} and not {expected:?}"
    );
}

#[test]
fn mcnemar_is_that_of_statsmodels() {
    let cases = golden().mcnemar;
    assert!(cases.iter().any(|case| case.chi_square.is_some()));
    for case in cases {
        let found = mcnemar(case.only_a, case.only_b, case.rows, 0.95);
        let name = format!("{} and {}", case.only_a, case.only_b);
        assert_eq!(
            found.chi_square.is_some(),
            case.chi_square.is_some(),
            "{name}"
        );
        if let (Some(found), Some(expected)) = (found.chi_square, case.chi_square) {
            near(&format!("{name}: chi-square"), found, expected);
        }
        near(&format!("{name}: p"), found.p_value, case.p);
        near(&format!("{name}: low"), found.low, case.low);
        near(&format!("{name}: high"), found.high, case.high);
        let mirrored = mcnemar(case.only_b, case.only_a, case.rows, 0.95);
        assert_eq!(mirrored.p_value, found.p_value, "{name}");
        assert_eq!(mirrored.low, -found.high, "{name}");
    }
}

#[test]
fn wilcoxon_is_that_of_scipy() {
    for case in golden().wilcoxon {
        let found = wilcoxon(&case.differences).expect(&case.name);
        let name = &case.name;
        assert_eq!(found.positive_ranks, case.positive, "{name}");
        assert_eq!(found.negative_ranks, case.negative, "{name}");
        assert_eq!(found.z.is_some(), case.z.is_some(), "{name}");
        if let (Some(found), Some(expected)) = (found.z, case.z) {
            near(&format!("{name}: z"), found.abs(), expected.abs());
        }
        near(&format!("{name}: p"), found.p_value, case.p);
    }
}

#[test]
fn mann_whitney_is_that_of_scipy() {
    for case in golden().mann_whitney {
        let found = mann_whitney(&case.a, &case.b).expect(&case.name);
        let name = &case.name;
        assert_eq!(found.u, case.u, "{name}");
        near(&format!("{name}: p"), found.p_value, case.p);
        let mirrored = mann_whitney(&case.b, &case.a).expect(name);
        near(&format!("{name}: mirrored p"), mirrored.p_value, case.p);
        assert_eq!(mirrored.rank_biserial, -found.rank_biserial, "{name}");
    }
}

#[test]
fn delong_is_the_definition() {
    for case in golden().delong {
        let found = delong(&case.positive, &case.a, &case.b, 0.95).expect(&case.name);
        for (what, found, expected) in [
            ("auroc a", found.auroc_a, case.auroc_a),
            ("auroc b", found.auroc_b, case.auroc_b),
            ("variance", found.variance, case.variance),
            ("z", found.z, case.z),
            ("p", found.p_value, case.p),
            ("low", found.low, case.low),
            ("high", found.high, case.high),
        ] {
            near(&format!("{}: {what}", case.name), found, expected);
        }
    }
}
