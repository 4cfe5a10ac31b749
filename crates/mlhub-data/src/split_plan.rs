//! Working out which rows go where. The algorithm is frozen (a golden test holds it), because a
//! run's split must come out the same for ever:
//!
//! 1. Rows fall into strata: one per class when stratified (in order of the label's bytes), else
//!    one. Each stratum has its own ChaCha20 generator, keyed with BLAKE3 (derive-key mode,
//!    [`SEED_CONTEXT`]) over the seed (8 bytes, little-endian) and the label, so that adding a
//!    class does not move the rows of the others.
//! 2. A stratum's rows are shuffled (Fisher-Yates from the end, unbiased by rejection) and cut
//!    into parts in order of part name. Sizes are `n * fraction` rounded down, and at least 1 when
//!    stratified (taken from the largest part if need be); the rows left over go to the largest
//!    remainders, ties by part name. What rounding kept from a part is added to its remainder in
//!    the next stratum.
//! 3. With groups, groups are shuffled with the generator of the label "" and dealt in order of
//!    size, largest first; each goes to the part that is furthest below its share of the group's
//!    classes, ties by part name.
//! 4. The rows of each part are in ascending order.
//!
//! An ordered split draws nothing: the parts take the rows from the first to the last in the
//! order named, with the sizes of an unstratified split.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use crate::column::{Coded, coded, count_rows};
use crate::error::{DataError, Result, display};
use crate::format::Format;
use crate::inspect::quick_fingerprint;
use crate::limits::STRATIFY_CLASSES_MAX;
use crate::split::{SplitPlan, SplitSpec, check_part_names};

const SEED_CONTEXT: &str = "mlhub-data split seed v1";

/// How far the fractions may sum from 1.
const FRACTION_TOLERANCE: f64 = 1e-9;

/// Plans a split. The same content, specification and seed always give the same plan.
///
/// # Errors
/// Fractions that do not sum to 1, part names that cannot be file names, an unknown column (with
/// the nearest name), an order that does not name each part once, a class with fewer rows than there are parts, a part that would be empty, a
/// part file outside the dataset's folder, a format without rows, or a file that cannot be read.
pub fn plan_split(path: &Path, format: Format, spec: &SplitSpec) -> Result<SplitPlan> {
    match spec {
        SplitSpec::Files { files } => plan_files(path, files),
        SplitSpec::Fractions {
            seed,
            fractions,
            stratify,
            group,
        } => {
            check_fractions(fractions)?;
            check_has_rows(format)?;
            let classes = match stratify {
                Some(column) => Some(coded(path, format, column, STRATIFY_CLASSES_MAX)?),
                None => None,
            };
            let groups = match group {
                Some(column) => Some(coded(path, format, column, u32::MAX as usize)?),
                None => None,
            };
            let rows = match classes.as_ref().or(groups.as_ref()) {
                Some(column) => column.codes.len() as u64,
                None => count_rows(path, format)?,
            };
            let deal = Deal {
                seed: *seed,
                fractions,
                rows,
                classes,
                classes_column: stratify.as_deref(),
            };
            let parts = match groups {
                Some(groups) => deal.groups(&groups),
                None => deal.rows()?,
            };
            let what = if group.is_some() { "groups" } else { "rows" };
            check_none_empty(&parts, rows, what)?;
            Ok(SplitPlan::of_rows(parts))
        }
        SplitSpec::Ordered { fractions, order } => {
            check_fractions(fractions)?;
            check_order(fractions, order)?;
            check_has_rows(format)?;
            let rows = count_rows(path, format)?;
            let parts = in_order(rows, fractions, order);
            check_none_empty(&parts, rows, "rows")?;
            Ok(SplitPlan::of_rows(parts))
        }
    }
}

fn check_has_rows(format: Format) -> Result<()> {
    if format == Format::Folder {
        return Err(DataError::split(
            "a plain folder has no rows to deal out; name the part files with `files`",
        ));
    }
    Ok(())
}

fn check_none_empty(parts: &BTreeMap<String, Vec<u64>>, rows: u64, what: &str) -> Result<()> {
    match parts.iter().find(|(_, rows)| rows.is_empty()) {
        Some((name, _)) => Err(DataError::split(format!(
            "part `{name}` would be empty: {rows} rows are too few {what} for its fraction; raise the fraction or leave the part out"
        ))),
        None => Ok(()),
    }
}

/// The order must name each part once.
fn check_order(fractions: &BTreeMap<String, f64>, order: &[String]) -> Result<()> {
    let named: BTreeSet<&String> = order.iter().collect();
    if named.len() == order.len() && named.into_iter().eq(fractions.keys()) {
        return Ok(());
    }
    Err(DataError::split(
        "`order` must name each part of `fractions` exactly once, from the first rows to the last",
    ))
}

/// Consecutive rows for each part, in the order named.
fn in_order(
    rows: u64,
    fractions: &BTreeMap<String, f64>,
    order: &[String],
) -> BTreeMap<String, Vec<u64>> {
    let sizes = sizes(rows as usize, fractions, &vec![0.0; fractions.len()], 0);
    let sizes: BTreeMap<&String, usize> = fractions.keys().zip(sizes).collect();
    let mut next = 0;
    let mut parts = BTreeMap::new();
    for name in order {
        let end = next + sizes[name] as u64;
        parts.insert(name.clone(), (next..end).collect());
        next = end;
    }
    parts
}

fn check_fractions(fractions: &BTreeMap<String, f64>) -> Result<()> {
    check_part_names(fractions.keys())?;
    if let Some((name, fraction)) = fractions
        .iter()
        .find(|(_, f)| !(f.is_finite() && **f > 0.0 && **f <= 1.0))
    {
        return Err(DataError::split(format!(
            "fraction of part `{name}` is {fraction}; it must be above 0 and at most 1"
        )));
    }
    let sum: f64 = fractions.values().sum();
    if (sum - 1.0).abs() > FRACTION_TOLERANCE {
        return Err(DataError::split(format!(
            "the fractions sum to {sum}, not to 1"
        )));
    }
    Ok(())
}

/// The folder that part paths are relative to.
pub(crate) fn parts_root(path: &Path) -> PathBuf {
    if path.is_dir() {
        return path.to_owned();
    }
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn plan_files(path: &Path, files: &BTreeMap<String, String>) -> Result<SplitPlan> {
    check_part_names(files.keys())?;
    let root = parts_root(path);
    let mut parts = BTreeMap::new();
    for (name, relative) in files {
        let part = part_path(&root, relative)?;
        let format = Format::detect(&part)?;
        if format == Format::Folder {
            return Err(DataError::split(format!(
                "part `{name}`: a plain folder has no rows; name a file or an image folder"
            )));
        }
        let rows = count_rows(&part, format)?;
        let (fingerprint, _) = quick_fingerprint(&part, format)?;
        parts.insert(name.clone(), (relative.clone(), fingerprint, rows));
    }
    Ok(SplitPlan::of_files(parts))
}

/// Resolves a part's path, which must lie inside the dataset's folder, links followed.
pub(crate) fn part_path(root: &Path, relative: &str) -> Result<PathBuf> {
    let relative_path = Path::new(relative);
    let is_plain = relative_path
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let part = root.join(relative_path);
    let file = display(&part);
    let outside = || {
        DataError::refused(
            &file,
            "a part must lie inside the dataset's folder; give its path relative to that folder",
        )
    };
    if !is_plain {
        return Err(outside());
    }
    let canonical = |path: &Path| {
        path.canonicalize()
            .map_err(|e| DataError::io(&display(path), "open", e))
    };
    if canonical(&part)?.starts_with(canonical(root)?) {
        Ok(part)
    } else {
        Err(outside())
    }
}

struct Deal<'a> {
    seed: u64,
    fractions: &'a BTreeMap<String, f64>,
    rows: u64,
    classes: Option<Coded>,
    classes_column: Option<&'a str>,
}

impl Deal<'_> {
    fn named(&self, parts: Vec<Vec<u64>>) -> BTreeMap<String, Vec<u64>> {
        let mut named = BTreeMap::new();
        for (name, mut rows) in self.fractions.keys().zip(parts) {
            rows.sort_unstable();
            named.insert(name.clone(), rows);
        }
        named
    }

    /// Deals single rows, stratum by stratum.
    fn rows(&self) -> Result<BTreeMap<String, Vec<u64>>> {
        let mut parts: Vec<Vec<u64>> = vec![Vec::new(); self.fractions.len()];
        let mut owed = vec![0.0; self.fractions.len()];
        for (label, mut rows) in self.strata() {
            let least = usize::from(self.classes_column.is_some());
            if let Some(column) = self.classes_column
                && rows.len() < self.fractions.len()
            {
                return Err(DataError::split(format!(
                    "class `{label}` of column `{column}` has {} row(s), too few to be in each of {} parts; merge it with another class, drop it, or do not stratify",
                    rows.len(),
                    self.fractions.len()
                )));
            }
            let sizes = sizes(rows.len(), self.fractions, &owed, least);
            for ((owed, fraction), size) in owed.iter_mut().zip(self.fractions.values()).zip(&sizes)
            {
                *owed += rows.len() as f64 * fraction - *size as f64;
            }
            shuffle(&mut rows, &mut generator(self.seed, label));
            let mut rest = rows.as_slice();
            for (part, size) in parts.iter_mut().zip(sizes) {
                let (taken, left) = rest.split_at(size);
                part.extend_from_slice(taken);
                rest = left;
            }
        }
        Ok(self.named(parts))
    }

    /// Rows by class, in order of label.
    fn strata(&self) -> Vec<(&str, Vec<u64>)> {
        let Some(classes) = &self.classes else {
            return vec![("", (0..self.rows).collect())];
        };
        let mut strata: Vec<(&str, Vec<u64>)> = classes
            .labels
            .iter()
            .map(|label| (label.as_str(), Vec::new()))
            .collect();
        for (row, code) in classes.codes.iter().enumerate() {
            strata[*code as usize].1.push(row as u64);
        }
        strata.sort_by(|a, b| a.0.cmp(b.0));
        strata
    }

    /// Deals whole groups.
    fn groups(&self, groups: &Coded) -> BTreeMap<String, Vec<u64>> {
        let class_of = |row: usize| {
            self.classes
                .as_ref()
                .map_or(0, |classes| classes.codes[row] as usize)
        };
        let classes_total = self
            .classes
            .as_ref()
            .map_or(1, |classes| classes.labels.len());
        let mut class_sizes = vec![0u64; classes_total];
        let mut members: Vec<Vec<u64>> = vec![Vec::new(); groups.labels.len()];
        for (row, group) in groups.codes.iter().enumerate() {
            members[*group as usize].push(row as u64);
            class_sizes[class_of(row)] += 1;
        }
        let mut order: Vec<u64> = (0..members.len() as u64).collect();
        shuffle(&mut order, &mut generator(self.seed, ""));
        order.sort_by_key(|group| std::cmp::Reverse(members[*group as usize].len()));

        let fractions: Vec<f64> = self.fractions.values().copied().collect();
        let mut parts: Vec<Vec<u64>> = vec![Vec::new(); fractions.len()];
        let mut dealt = vec![vec![0u64; classes_total]; fractions.len()];
        for group in order {
            let rows = &members[group as usize];
            let mut counts: BTreeMap<usize, u64> = BTreeMap::new();
            rows.iter()
                .for_each(|row| *counts.entry(class_of(*row as usize)).or_default() += 1);
            // How much of its share of these classes a part still lacks.
            let lacks = |part: usize| -> f64 {
                let mut sum = 0.0;
                for (class, count) in &counts {
                    let size = class_sizes[*class] as f64;
                    sum += *count as f64 * (fractions[part] - dealt[part][*class] as f64 / size);
                }
                sum
            };
            let mut best = 0;
            for part in 1..fractions.len() {
                if lacks(part) > lacks(best) {
                    best = part;
                }
            }
            for (class, count) in &counts {
                dealt[best][*class] += count;
            }
            parts[best].extend_from_slice(rows);
        }
        self.named(parts)
    }
}

/// Sizes by largest remainder, in order of part name; they sum to `rows`, and each is at least
/// `least` (`rows` must suffice). `owed` is what rounding has kept from each part in the strata
/// before, so that many small strata do not all round the same way.
fn sizes(rows: usize, fractions: &BTreeMap<String, f64>, owed: &[f64], least: usize) -> Vec<usize> {
    /// Absorbs the last bits of `rows * fraction`, so that 10 * 0.7 is 7 and its remainder 0.
    const ROUNDING: f64 = 1e-9;
    let exact: Vec<f64> = fractions
        .values()
        .map(|fraction| rows as f64 * fraction)
        .collect();
    let whole = |size: &f64| (size + ROUNDING).floor() as usize;
    let mut sizes: Vec<usize> = exact.iter().map(|size| whole(size).max(least)).collect();
    while sizes.iter().sum::<usize>() > rows {
        let mut largest = 0;
        for part in 1..sizes.len() {
            if sizes[part] > sizes[largest] {
                largest = part;
            }
        }
        sizes[largest] -= 1;
    }
    // Remainders that differ by rounding alone are a tie; the sort is stable, so ties are by name.
    let remainder = |part: usize| exact[part] - sizes[part] as f64 + owed[part];
    let remainders: Vec<i64> = (0..sizes.len())
        .map(|part| (remainder(part) / ROUNDING).round() as i64)
        .collect();
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|part| std::cmp::Reverse(remainders[*part]));
    let left = rows - sizes.iter().sum::<usize>();
    for part in order.iter().cycle().take(left) {
        sizes[*part] += 1;
    }
    sizes
}

fn generator(seed: u64, label: &str) -> ChaCha20Rng {
    let mut hasher = blake3::Hasher::new_derive_key(SEED_CONTEXT);
    hasher.update(&seed.to_le_bytes());
    hasher.update(label.as_bytes());
    ChaCha20Rng::from_seed(*hasher.finalize().as_bytes())
}

fn shuffle(items: &mut [u64], generator: &mut ChaCha20Rng) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(last as u64 + 1, generator) as usize);
    }
}

/// A number below `bound`, every one as likely: the top of the 64-bit range that would favour
/// small numbers is drawn again.
fn below(bound: u64, generator: &mut ChaCha20Rng) -> u64 {
    let fair = u64::MAX - (u64::MAX % bound + 1) % bound;
    loop {
        let drawn = generator.next_u64();
        if drawn <= fair {
            return drawn % bound;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fractions(values: &[(&str, f64)]) -> BTreeMap<String, f64> {
        values
            .iter()
            .map(|(name, fraction)| ((*name).to_owned(), *fraction))
            .collect()
    }

    #[test]
    fn sizes_follow_the_largest_remainder() {
        let usual = fractions(&[("train", 0.7), ("validation", 0.1), ("test", 0.2)]);
        assert_eq!(
            sizes(10, &usual, &[0.0; 3], 0),
            [2, 7, 1],
            "test, train, validation"
        );
        assert_eq!(sizes(150, &usual, &[0.0; 3], 0), [30, 105, 15]);
        assert_eq!(
            sizes(5, &usual, &[0.0; 3], 0),
            [1, 4, 0],
            "3.5 and 0.5 tie, train is first by name"
        );
    }

    proptest! {
        #[test]
        fn sizes_sum_to_the_rows(rows in 0usize..10_000, weights in prop::collection::vec(1u32..100, 1..8)) {
            let total: u32 = weights.iter().sum();
            let fractions = weights.iter().enumerate().map(|(i, w)| (format!("p{i}"), f64::from(*w) / f64::from(total))).collect();
            let sizes = sizes(rows, &fractions, &vec![0.0; weights.len()], 0);
            prop_assert_eq!(sizes.iter().sum::<usize>(), rows);
            for (size, fraction) in sizes.iter().zip(fractions.values()) {
                prop_assert!((*size as f64 - rows as f64 * fraction).abs() <= 1.0 + 1e-6);
            }
        }

        #[test]
        fn a_shuffle_is_a_permutation(rows in 1u64..200, seed: u64) {
            let mut items: Vec<u64> = (0..rows).collect();
            shuffle(&mut items, &mut generator(seed, "x"));
            items.sort_unstable();
            prop_assert_eq!(items, (0..rows).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_shuffle_is_frozen() {
        let mut items: Vec<u64> = (0..10).collect();
        shuffle(&mut items, &mut generator(42, "a"));
        assert_eq!(items, [9, 0, 5, 8, 3, 2, 6, 7, 4, 1]);
    }
}
