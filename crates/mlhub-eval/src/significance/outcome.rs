//! The tests of a pair, each carried out and put into words.

use super::areas::delong;
use super::choice::{Question, prepared};
use super::discordant::mcnemar;
use super::flips::{flipped, resampled_differences, share_beyond, swapped_differences};
use super::paired::{
    DifferenceInterval, Effect, MIN_BOOTSTRAP_UNITS, MIN_DELONG_CLASS_ROWS, NoPairedTest,
    PairedMethod, PairedOptions, PairedTest,
};
use super::ranks::wilcoxon;
use super::seeds::NoTest;
use crate::bootstrap::percentile;
use crate::normal;
use crate::sum::sum_rows;

/// How close two differences count as equal, relative to the values they are of: the same
/// rows in another order sum to other last bits.
const ROUNDING: f64 = 1e-12;

/// Runs on the current thread pool.
pub(super) fn answer(
    question: &Question<'_>,
    options: &PairedOptions,
) -> Result<PairedTest, NoPairedTest> {
    let method = options.method.unwrap_or_else(|| question.method());
    if let Some(reason) = question.obstacle(method) {
        return Err(NoPairedTest::WrongMethod {
            method: method.as_str(),
            definition: question.definition.clone(),
            reason,
        });
    }
    match method {
        PairedMethod::McNemar => by_discordant_rows(question, options),
        PairedMethod::DeLong => by_placements(question, options),
        PairedMethod::Permutation => by_permutation(question, options),
        PairedMethod::Wilcoxon => by_signed_ranks(question, options),
        PairedMethod::Bootstrap => by_bootstrap(question, options),
    }
}

/// What all tests have in common; the rest is filled in.
fn outline(
    question: &Question<'_>,
    options: &PairedOptions,
    method: PairedMethod,
    (p_value, detail): (f64, &str),
) -> PairedTest {
    PairedTest {
        definition: question.definition.clone(),
        value_a: question.value_a,
        value_b: question.value_b,
        difference: question.value_a - question.value_b,
        interval: None,
        p_value,
        method,
        detail: detail.to_owned(),
        effect: None,
        n: question.first.rows() as u64,
        unit: question.unit.to_owned(),
        units: question.drawing.units() as u64,
        samples: 0,
        seed: options.seed,
    }
}

fn interval(low: f64, high: f64, options: &PairedOptions, method: &str) -> DifferenceInterval {
    DifferenceInterval {
        low,
        high,
        confidence: options.confidence,
        method: method.to_owned(),
    }
}

fn effect(measure: &str, value: f64) -> Option<Effect> {
    value.is_finite().then(|| Effect {
        measure: measure.to_owned(),
        value,
    })
}

fn too_few(question: &Question<'_>, method: PairedMethod, needed: usize) -> NoPairedTest {
    NoPairedTest::TooFew {
        found: question.drawing.units(),
        unit: question.unit,
        method: method.as_str(),
        needed,
    }
}

fn undefined(question: &Question<'_>, place: &'static str) -> NoPairedTest {
    NoPairedTest::Undefined {
        definition: question.definition.clone(),
        place,
    }
}

fn by_discordant_rows(
    question: &Question<'_>,
    options: &PairedOptions,
) -> Result<PairedTest, NoPairedTest> {
    let method = PairedMethod::McNemar;
    let pairs = question.unit_pairs().unwrap_or_default();
    if pairs.len() < 2 {
        return Err(too_few(question, method, 2));
    }
    let only = |first: bool| {
        let rows = pairs
            .iter()
            .filter(|(a, b)| if first { a > b } else { b > a });
        rows.count() as u64
    };
    let test = mcnemar(
        only(true),
        only(false),
        pairs.len() as u64,
        options.confidence,
    );
    let detail = match test.chi_square {
        None => "exact binomial probability",
        Some(_) => "chi-square with continuity correction",
    };
    Ok(PairedTest {
        interval: Some(interval(test.low, test.high, options, "Bonett and Price")),
        effect: test.cohen_g.and_then(|g| effect("Cohen's g", g)),
        ..outline(question, options, method, (test.p_value, detail))
    })
}

fn by_placements(
    question: &Question<'_>,
    options: &PairedOptions,
) -> Result<PairedTest, NoPairedTest> {
    let method = PairedMethod::DeLong;
    let positive: Vec<bool> = question.a.y_true.iter().map(|class| *class == 1).collect();
    let positives = positive.iter().filter(|is| **is).count();
    let rarer = positives.min(positive.len() - positives);
    if rarer < MIN_DELONG_CLASS_ROWS {
        return Err(NoPairedTest::TooFew {
            found: rarer,
            unit: "rows of the rarer class",
            method: method.as_str(),
            needed: MIN_DELONG_CLASS_ROWS,
        });
    }
    let scores = |side: &crate::metrics::Prepared<'_>| -> Vec<f64> {
        side.scores.map_or_else(Vec::new, |scores| {
            (0..side.rows).map(|row| scores.score(row, 1)).collect()
        })
    };
    let test = delong(
        &positive,
        &scores(&question.a),
        &scores(&question.b),
        options.confidence,
    )
    .map_err(|error| match error {
        NoTest::NoSpread if question.value_a == question.value_b => NoPairedTest::Identical,
        NoTest::NoSpread | NoTest::TooFew => NoPairedTest::NoSpread,
        NoTest::NotFinite => undefined(question, "in the scores"),
    })?;
    let apart = std::f64::consts::SQRT_2
        * (normal::quantile(test.auroc_a) - normal::quantile(test.auroc_b));
    Ok(PairedTest {
        interval: Some(interval(test.low, test.high, options, "DeLong")),
        effect: effect("difference of d' (binormal, equal variances)", apart),
        ..outline(
            question,
            options,
            method,
            (test.p_value, "normal approximation"),
        )
    })
}

fn by_permutation(
    question: &Question<'_>,
    options: &PairedOptions,
) -> Result<PairedTest, NoPairedTest> {
    let method = PairedMethod::Permutation;
    if question.drawing.units() < 2 {
        return Err(too_few(question, method, 2));
    }
    let Some(differences) = question.differences() else {
        return by_swaps(question, options);
    };
    if differences.iter().all(|difference| *difference == 0.0) {
        return Err(NoPairedTest::Identical);
    }
    let flipped = flipped(&differences, (options.samples, options.seed));
    let detail = match flipped.samples {
        None => "all patterns of signs",
        Some(_) => "signs at random",
    };
    let mut test = outline(question, options, method, (flipped.p_value, detail));
    test.units = differences.len() as u64;
    test.interval = resampled_interval(question, options);
    test.samples = flipped.samples.unwrap_or_default();
    if test.interval.is_some() {
        test.samples = options.samples;
    }
    if question.first.weight().is_none() && question.unit != "groups" {
        test.effect = effect("Cohen's d of the paired differences", cohen_d(&differences));
    }
    Ok(test)
}

fn by_swaps(question: &Question<'_>, options: &PairedOptions) -> Result<PairedTest, NoPairedTest> {
    let table = question.table()?;
    let columns = prepared(&table, &question.definition, question.kind)?;
    let differences = swapped_differences(
        &columns,
        question.kind,
        table.weight(),
        &question.drawing,
        (options.samples, options.seed),
    );
    let defined = defined(question, options, differences)?;
    let p_value = probability(question, &defined, 0.0)?;
    let mut test = outline(
        question,
        options,
        PairedMethod::Permutation,
        (p_value, "sides swapped at random"),
    );
    test.interval = resampled_interval(question, options);
    test.samples = options.samples;
    Ok(test)
}

fn by_signed_ranks(
    question: &Question<'_>,
    options: &PairedOptions,
) -> Result<PairedTest, NoPairedTest> {
    let method = PairedMethod::Wilcoxon;
    let differences = question.differences().unwrap_or_default();
    let found = wilcoxon(&differences).map_err(|error| match error {
        NoTest::TooFew => too_few(question, method, 2),
        NoTest::NoSpread => NoPairedTest::Identical,
        NoTest::NotFinite => undefined(question, "in the rows"),
    })?;
    let detail = match found.z {
        None => "exact probability",
        Some(_) => "normal approximation with corrections for ties and continuity",
    };
    let mut test = outline(question, options, method, (found.p_value, detail));
    test.units = found.pairs;
    test.interval = resampled_interval(question, options);
    test.samples = test.interval.as_ref().map_or(0, |_| options.samples);
    test.effect = effect("rank-biserial correlation", found.rank_biserial);
    Ok(test)
}

fn by_bootstrap(
    question: &Question<'_>,
    options: &PairedOptions,
) -> Result<PairedTest, NoPairedTest> {
    let method = PairedMethod::Bootstrap;
    if question.drawing.units() < MIN_BOOTSTRAP_UNITS {
        return Err(too_few(question, method, MIN_BOOTSTRAP_UNITS));
    }
    let defined = defined(question, options, resampled(question, options))?;
    let p_value = probability(question, &defined, question.value_a - question.value_b)?;
    let mut test = outline(
        question,
        options,
        method,
        (p_value, "resamples around the difference"),
    );
    test.interval = Some(percentile_interval(&defined, options));
    test.samples = options.samples;
    Ok(test)
}

fn resampled(question: &Question<'_>, options: &PairedOptions) -> Vec<f64> {
    resampled_differences(
        (&question.a, &question.b),
        question.kind,
        question.first.weight(),
        &question.drawing,
        (options.samples, options.seed),
    )
}

/// The differences that are defined, ascending.
fn defined(
    question: &Question<'_>,
    options: &PairedOptions,
    mut differences: Vec<f64>,
) -> Result<Vec<f64>, NoPairedTest> {
    differences.retain(|difference| difference.is_finite());
    differences.sort_unstable_by(f64::total_cmp);
    match 2 * differences.len() > options.samples as usize {
        true => Ok(differences),
        false => Err(undefined(question, "in most of the resamples")),
    }
}

/// The share of draws at least as far from their centre as the difference is from 0.
fn probability(question: &Question<'_>, drawn: &[f64], centre: f64) -> Result<f64, NoPairedTest> {
    let difference = question.value_a - question.value_b;
    let rounding = ROUNDING * (question.value_a.abs() + question.value_b.abs());
    if drawn
        .iter()
        .chain([&difference])
        .all(|drawn| drawn.abs() <= rounding)
    {
        return Err(NoPairedTest::Identical);
    }
    if drawn
        .iter()
        .all(|drawn| (drawn - difference).abs() <= rounding)
    {
        return Err(NoPairedTest::NoSpread);
    }
    let least = difference.abs() - rounding;
    let beyond = drawn
        .iter()
        .filter(|drawn| (*drawn - centre).abs() >= least);
    Ok(share_beyond(beyond.count(), drawn.len()))
}

/// The bootstrap interval for tests that have none of their own; `None` where too few
/// rows, groups or queries, or too few resamples with a value, allow none.
fn resampled_interval(
    question: &Question<'_>,
    options: &PairedOptions,
) -> Option<DifferenceInterval> {
    if question.drawing.units() < MIN_BOOTSTRAP_UNITS {
        return None;
    }
    let defined = defined(question, options, resampled(question, options)).ok()?;
    Some(percentile_interval(&defined, options))
}

fn percentile_interval(sorted: &[f64], options: &PairedOptions) -> DifferenceInterval {
    let tail = 0.5 * (1.0 - options.confidence);
    interval(
        percentile(sorted, tail),
        percentile(sorted, 1.0 - tail),
        options,
        "paired percentile bootstrap",
    )
}

/// Mean of the differences in their standard deviations; infinite without any spread.
fn cohen_d(differences: &[f64]) -> f64 {
    let n = differences.len();
    if differences
        .iter()
        .all(|difference| *difference == differences[0])
    {
        return f64::INFINITY;
    }
    let mean = sum_rows(n, |unit| differences[unit]) / n as f64;
    let squares = sum_rows(n, |unit| {
        (differences[unit] - mean) * (differences[unit] - mean)
    });
    mean / (squares / (n - 1) as f64).sqrt()
}
