//! Ridge regression by the normal equations, on standardised columns. Pure: no files,
//! and no randomness but from the seed it is given.

/// A fitted model: weights of raw columns, and what is added to their sum.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    pub weights: Vec<f64>,
    pub bias: f64,
}

impl Model {
    pub fn predict(&self, row: &[f64]) -> f64 {
        let terms = row
            .iter()
            .zip(&self.weights)
            .map(|(value, weight)| value * weight);
        self.bias + terms.sum::<f64>()
    }
}

fn mean(values: impl Iterator<Item = f64>, count: usize) -> f64 {
    values.sum::<f64>() / count as f64
}

/// The fit to rows that minimises `mean((y - f(x))^2) + penalty * |weights|^2`; the
/// weights are those of standardised columns. `None` when the equations have no answer
/// in doubles: columns that depend on each other, under a penalty of next to nothing.
pub fn fit(x: &[&[f64]], y: &[f64], penalty: f64) -> Option<Model> {
    let (rows, columns) = (x.len(), x.first()?.len());
    let y_mean = mean(y.iter().copied(), rows);
    let centers: Vec<f64> = (0..columns)
        .map(|j| mean(x.iter().map(|row| row[j]), rows))
        .collect();
    let scales: Vec<f64> = (0..columns)
        .map(|j| mean(x.iter().map(|row| (row[j] - centers[j]).powi(2)), rows).sqrt())
        .map(|scale| if scale > 0.0 { scale } else { 1.0 })
        .collect();
    let z = |row: &[f64], j: usize| (row[j] - centers[j]) / scales[j];
    let mut matrix = vec![vec![0.0; columns]; columns];
    let mut right = vec![0.0; columns];
    for j in 0..columns {
        for k in 0..=j {
            matrix[j][k] = mean(x.iter().map(|row| z(row, j) * z(row, k)), rows);
        }
        matrix[j][j] += penalty;
        right[j] = mean(
            x.iter().zip(y).map(|(row, y)| z(row, j) * (y - y_mean)),
            rows,
        );
    }
    let solution = solve(matrix, right)?;
    let weights: Vec<f64> = solution
        .iter()
        .zip(&scales)
        .map(|(weight, scale)| weight / scale)
        .collect();
    let shift: f64 = weights
        .iter()
        .zip(&centers)
        .map(|(weight, center)| weight * center)
        .sum();
    Some(Model {
        weights,
        bias: y_mean - shift,
    })
}

/// Solves a symmetric positive definite system, given by its lower triangle, by
/// Cholesky's factors. `None` when it is not positive definite.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Option<Vec<f64>> {
    let n = b.len();
    for j in 0..n {
        for i in j..n {
            let sum: f64 = (0..j).map(|k| a[i][k] * a[j][k]).sum();
            let rest = a[i][j] - sum;
            a[i][j] = if i > j {
                rest / a[j][j]
            } else if rest > 0.0 && rest.is_finite() {
                rest.sqrt()
            } else {
                return None;
            };
        }
    }
    for i in 0..n {
        let sum: f64 = (0..i).map(|k| a[i][k] * b[k]).sum();
        b[i] = (b[i] - sum) / a[i][i];
    }
    for i in (0..n).rev() {
        let sum: f64 = (i + 1..n).map(|k| a[k][i] * b[k]).sum();
        b[i] = (b[i] - sum) / a[i][i];
    }
    Some(b)
}

/// Which fold each row is in: even parts of an order drawn from the seed (SplitMix64).
pub fn folds(rows: usize, count: usize, seed: i64) -> Vec<usize> {
    let mut state = seed as u64;
    let mut random = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    let mut folds: Vec<usize> = (0..rows).map(|row| row % count).collect();
    for last in (1..rows).rev() {
        folds.swap(last, (random() % (last as u64 + 1)) as usize);
    }
    folds
}

/// The root of the mean squared error of rows predicted by fits to the other folds.
pub fn cross_validated(
    x: &[&[f64]],
    y: &[f64],
    folds: &[usize],
    count: usize,
    penalty: f64,
) -> Option<f64> {
    let mut squares = 0.0;
    for fold in 0..count {
        let kept = (0..x.len()).filter(|row| folds[*row] != fold);
        let (kept_x, kept_y): (Vec<&[f64]>, Vec<f64>) = kept.map(|row| (x[row], y[row])).unzip();
        let model = fit(&kept_x, &kept_y, penalty)?;
        let left_out = (0..x.len()).filter(|row| folds[*row] == fold);
        squares += left_out
            .map(|row| (y[row] - model.predict(x[row])).powi(2))
            .sum::<f64>();
    }
    Some((squares / x.len() as f64).sqrt())
}
