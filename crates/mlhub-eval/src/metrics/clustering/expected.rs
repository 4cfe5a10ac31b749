//! The mutual information that two partitions have by chance: its mean over all partitions
//! with parts of the same sizes (Vinh, Epps and Bailey, JMLR 11, 2010).
//!
//! How many rows a class and a cluster then share is hypergeometric. Its probabilities follow
//! from each other outwards from the likeliest number, which needs no logarithms of factorials
//! and loses no digits to them.

use crate::sum::CompensatedSum;

/// Probabilities below this share of the largest add nothing.
const NEGLIGIBLE: f64 = 1e-30;

/// Expected mutual information in nat, for parts of these sizes; `rows` is the sum of each list.
pub(super) fn expected_information(classes: &[u64], clusters: &[u64], rows: u64) -> f64 {
    let (classes, clusters) = (sizes(classes), sizes(clusters));
    let mut sum = CompensatedSum::default();
    for (class, class_count) in &classes {
        for (cluster, cluster_count) in &clusters {
            let pairs = *class_count as f64 * *cluster_count as f64;
            sum.add(pairs * of_pair(*class, *cluster, rows));
        }
    }
    sum.value()
}

/// Beyond so many standard deviations, probabilities are negligible.
const NEGLIGIBLE_DEVIATIONS: f64 = 12.0;

/// About how many steps the expectation takes, for parts of these sizes that may all differ.
pub(in crate::metrics) fn steps(classes: &[u64], clusters: &[u64], rows: u64) -> f64 {
    let all = rows as f64;
    let of_pair = |class: f64, cluster: f64| {
        let possible = class.min(cluster) - (class + cluster - all).max(0.0);
        let spread = (class / all) * cluster * ((all - class) / all) * ((all - cluster) / all);
        1.0 + possible.min(2.0 * NEGLIGIBLE_DEVIATIONS * spread.sqrt())
    };
    let mut sum = 0.0;
    for class in classes {
        for cluster in clusters {
            sum += of_pair(*class as f64, *cluster as f64);
        }
    }
    sum
}

/// Different sizes above 0, ascending, each with how many parts have it.
fn sizes(parts: &[u64]) -> Vec<(u64, u64)> {
    let mut sorted: Vec<u64> = parts.iter().copied().filter(|size| *size > 0).collect();
    sorted.sort_unstable();
    let mut sizes: Vec<(u64, u64)> = Vec::new();
    for size in sorted {
        match sizes.last_mut() {
            Some((last, count)) if *last == size => *count += 1,
            _ => sizes.push((size, 1)),
        }
    }
    sizes
}

/// What one class and one cluster add on average.
fn of_pair(class: u64, cluster: u64, rows: u64) -> f64 {
    let low = (class + cluster).saturating_sub(rows);
    let high = class.min(cluster);
    let likeliest = u128::from(class + 1) * u128::from(cluster + 1) / u128::from(rows + 2);
    let likeliest = u64::try_from(likeliest).unwrap_or(high).clamp(low, high);
    let (class, cluster, rows) = (class as f64, cluster as f64, rows as f64);
    let neither = |both: f64| rows - class - cluster + both;
    let mut probability = CompensatedSum::default();
    let mut information = CompensatedSum::default();
    let mut add = |both: u64, share: f64| {
        probability.add(share);
        if both > 0 {
            let both = both as f64;
            let term = both / rows * libm::log((rows * both) / (class * cluster));
            information.add(share * term);
        }
    };
    add(likeliest, 1.0);
    let mut share = 1.0;
    for both in likeliest..high {
        let from = both as f64;
        share *= ((class - from) / (from + 1.0)) * ((cluster - from) / neither(from + 1.0));
        if share < NEGLIGIBLE {
            break;
        }
        add(both + 1, share);
    }
    share = 1.0;
    for both in (low + 1..=likeliest).rev() {
        let from = both as f64;
        share *= (from / (class - from + 1.0)) * (neither(from) / (cluster - from + 1.0));
        if share < NEGLIGIBLE {
            break;
        }
        add(both - 1, share);
    }
    information.value() / probability.value()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All orders of the clusters against the classes.
    fn by_all_orders(classes: &[u32], clusters: &mut Vec<u32>, from: usize) -> (f64, f64) {
        if from == clusters.len() {
            let rows = classes.len() as f64;
            let mut sum = 0.0;
            for class in 0..4 {
                for cluster in 0..4 {
                    let count = |is: &dyn Fn(u32, u32) -> bool| {
                        let pairs = classes.iter().zip(clusters.iter());
                        pairs.filter(|(a, b)| is(**a, **b)).count() as f64
                    };
                    let both = count(&|a, b| a == class && b == cluster);
                    if both > 0.0 {
                        let product = count(&|a, _| a == class) * count(&|_, b| b == cluster);
                        sum += both / rows * (rows * both / product).ln();
                    }
                }
            }
            return (sum, 1.0);
        }
        let mut all = (0.0, 0.0);
        for other in from..clusters.len() {
            clusters.swap(from, other);
            let (sum, orders) = by_all_orders(classes, clusters, from + 1);
            all = (all.0 + sum, all.1 + orders);
            clusters.swap(from, other);
        }
        all
    }

    #[test]
    fn it_is_the_mean_over_all_orders() {
        for (classes, clusters) in [
            ([0, 0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 2, 2, 3]),
            ([0, 0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 1, 1, 1]),
            ([0, 1, 2, 3, 0, 1, 2], [0, 0, 0, 0, 0, 0, 1]),
        ] {
            let count = |of: &[u32]| -> Vec<u64> {
                let part = |part: u32| of.iter().filter(|one| **one == part).count() as u64;
                (0..4).map(part).collect()
            };
            let found = expected_information(&count(&classes), &count(&clusters), 7);
            let (sum, orders) = by_all_orders(&classes, &mut clusters.to_vec(), 0);
            assert!(
                (found - sum / orders).abs() < 1e-13,
                "{found} {}",
                sum / orders
            );
        }
    }

    #[test]
    fn large_parts_take_few_steps_and_stay_exact() {
        // Of two even halves each, nearly 1 / (2 rows), by its expansion for many rows.
        let rows = 1_u64 << 30;
        let half = [rows / 2, rows / 2];
        let found = expected_information(&half, &half, rows);
        let expected = 0.5 / (rows as f64 - 1.0);
        assert!((found / expected - 1.0).abs() < 1e-6, "{found}");
    }
}
