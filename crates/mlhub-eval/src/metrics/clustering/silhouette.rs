//! The mean silhouette of clusters: how much nearer rows are to their own cluster than to the
//! next one (Rousseeuw 1987).
//!
//! It looks at all pairs of rows, so it is worked out once, for the rows as they are, and never
//! for a resample.

use rayon::prelude::*;

use crate::predictions::{NumberColumn, Predictions, Targets};
use crate::sum::{CompensatedSum, sum_rows};

/// Most rows; the time grows with their square.
pub(in crate::metrics) const MAX_SILHOUETTE_ROWS: usize = 20_000;

/// Most steps (rows times rows times coordinates), about a minute on one core.
pub(in crate::metrics) const MAX_SILHOUETTE_STEPS: usize = 1 << 36;

/// The column that holds the coordinates of each row.
pub(in crate::metrics) const COORDINATES: &str = "embedding";

/// NaN when there are fewer than two clusters, or as many as rows. Runs on the current thread
/// pool; the sums of each row have a fixed order.
pub(super) fn of(predictions: &Predictions) -> Option<f64> {
    let Some(Targets::Classes(clusters)) = predictions.y_pred() else {
        return None;
    };
    let coordinates = predictions.number_column(COORDINATES)?;
    Some(mean(coordinates, clusters))
}

fn mean(coordinates: &NumberColumn, clusters: &[u32]) -> f64 {
    let mut names = clusters.to_vec();
    names.sort_unstable();
    names.dedup();
    let rows = clusters.len();
    if names.len() < 2 || names.len() == rows {
        return f64::NAN;
    }
    let place = |name: &u32| {
        names
            .binary_search(name)
            .expect("every cluster is among them")
    };
    let cluster_of: Vec<usize> = clusters.iter().map(place).collect();
    let mut sizes = vec![0_usize; names.len()];
    cluster_of.iter().for_each(|cluster| sizes[*cluster] += 1);
    let silhouettes: Vec<f64> = (0..rows)
        .into_par_iter()
        .map(|row| of_row(row, coordinates, &cluster_of, &sizes))
        .collect();
    sum_rows(rows, |row| silhouettes[row]) / rows as f64
}

/// The silhouette of one row; 0 when it is a cluster of its own.
fn of_row(row: usize, coordinates: &NumberColumn, cluster_of: &[usize], sizes: &[usize]) -> f64 {
    let own = cluster_of[row];
    if sizes[own] == 1 {
        return 0.0;
    }
    let place = |row: usize| {
        let width = coordinates.width;
        &coordinates.values[row * width..(row + 1) * width]
    };
    let mut distances = vec![CompensatedSum::default(); sizes.len()];
    for (other, cluster) in cluster_of.iter().enumerate() {
        if other != row {
            distances[*cluster].add(distance(place(row), place(other)));
        }
    }
    let within = distances[own].value() / (sizes[own] - 1) as f64;
    let others = (0..sizes.len()).filter(|cluster| *cluster != own);
    let next = others
        .map(|cluster| distances[cluster].value() / sizes[cluster] as f64)
        .fold(f64::INFINITY, f64::min);
    let larger = within.max(next);
    if larger == 0.0 {
        return 0.0;
    }
    (next - within) / larger
}

/// Euclidean.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    let squares = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b));
    squares.sum::<f64>().sqrt()
}
