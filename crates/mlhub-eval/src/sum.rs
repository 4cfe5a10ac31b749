//! Summation with a fixed order and small error, so that a sum is the same on
//! every machine and thread count and agrees with exact arithmetic to ~1e-15.
//!
//! Sums of integers below 2^53 are exact. Nothing here runs on several threads:
//! parallelism in this crate is over independent results, never inside a sum.

/// Neumaier's compensated sum (A. Neumaier, ZAMM 54, 1974): the rounding error of
/// each addition is carried along and added at the end.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CompensatedSum {
    sum: f64,
    correction: f64,
}

impl CompensatedSum {
    pub(crate) fn add(&mut self, value: f64) {
        let next = self.sum + value;
        self.correction += if self.sum.abs() >= value.abs() {
            (self.sum - next) + value
        } else {
            (value - next) + self.sum
        };
        self.sum = next;
    }

    /// Adds without compensation: exact when every partial sum is an integer (or
    /// half-integer) below 2^52, and several times faster.
    pub(crate) fn add_exact(&mut self, value: f64) {
        self.sum += value;
    }

    pub(crate) fn value(self) -> f64 {
        // Past an overflow the correction is NaN and means nothing.
        if self.sum.is_finite() {
            self.sum + self.correction
        } else {
            self.sum
        }
    }
}

/// Independent partial sums of a block: enough for the compiler to vectorise
/// without reordering, which floating point forbids it to do by itself.
const LANES: usize = 8;

/// Rows per block. Blocks bound the error of the plain inner sums; they are
/// joined by a compensated sum.
const BLOCK_ROWS: usize = 512;

/// A sum over rows in a fixed order, which may come in parts: however they are cut, the sum is the
/// same to the last bit.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RowSum {
    total: CompensatedSum,
    /// Of the block that is not full.
    lanes: [f64; LANES],
    /// Rows of that block so far.
    filled: usize,
}

impl RowSum {
    /// Adds `term(0)` to `term(rows - 1)`.
    pub(crate) fn extend(&mut self, rows: usize, term: impl Fn(usize) -> f64) {
        let mut start = 0;
        while start < rows {
            let end = rows.min(start + (BLOCK_ROWS - self.filled));
            self.fill(start, end, &term);
            start = end;
        }
    }

    /// Adds rows that the block at hand has room for.
    fn fill(&mut self, start: usize, end: usize, term: &impl Fn(usize) -> f64) {
        let mut lanes = self.lanes;
        let mut row = start;
        let begun = self.filled % LANES;
        if begun > 0 {
            for slot in &mut lanes[begun..] {
                if row < end {
                    *slot += term(row);
                    row += 1;
                }
            }
        }
        while row + LANES <= end {
            for (lane, slot) in lanes.iter_mut().enumerate() {
                *slot += term(row + lane);
            }
            row += LANES;
        }
        for (slot, row) in lanes.iter_mut().zip(row..end) {
            *slot += term(row);
        }
        self.lanes = lanes;
        self.filled += end - start;
        if self.filled == BLOCK_ROWS {
            self.close();
        }
    }

    fn close(&mut self) {
        let [a, b, c, d, e, f, g, h] = self.lanes;
        self.total.add(((a + e) + (c + g)) + ((b + f) + (d + h)));
        self.lanes = [0.0; LANES];
        self.filled = 0;
    }

    pub(crate) fn value(mut self) -> f64 {
        if self.filled > 0 {
            self.close();
        }
        self.total.value()
    }
}

/// Sum of `term(0) + ... + term(rows - 1)` in a fixed order.
pub(crate) fn sum_rows(rows: usize, term: impl Fn(usize) -> f64) -> f64 {
    let mut sum = RowSum::default();
    sum.extend(rows, term);
    sum.value()
}

/// Mean of a short list in a fixed order; NaN when it is empty.
pub(crate) fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut sum = CompensatedSum::default();
    let mut count = 0_u64;
    for value in values {
        sum.add(value);
        count += 1;
    }
    sum.value() / count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cancellation_is_compensated() {
        let mut sum = CompensatedSum::default();
        for value in [1.0, 1e100, 1.0, -1e100] {
            sum.add(value);
        }
        assert_eq!(sum.value(), 2.0);
    }

    #[test]
    fn overflow_stays_infinite() {
        let mut sum = CompensatedSum::default();
        for value in [f64::MAX, f64::MAX, 1.0] {
            sum.add(value);
        }
        assert_eq!(sum.value(), f64::INFINITY);
    }

    #[test]
    fn mean_of_nothing_is_nan() {
        assert!(mean([]).is_nan());
    }

    proptest! {
        #[test]
        fn integers_sum_exactly(values in proptest::collection::vec(-1_000_000_i64..1_000_000, 0..3000)) {
            let expected: i64 = values.iter().sum();
            prop_assert_eq!(sum_rows(values.len(), |row| values[row] as f64), expected as f64);
        }

        #[test]
        fn parts_sum_as_the_whole_does(
            values in proptest::collection::vec(-1.0_f64..1.0, 1..3000),
            cuts in proptest::collection::vec(1_usize..700, 1..20),
        ) {
            let mut parts = RowSum::default();
            let mut rest = values.as_slice();
            for cut in cuts.iter().cycle() {
                let (part, after) = rest.split_at((*cut).min(rest.len()));
                parts.extend(part.len(), |row| part[row]);
                rest = after;
                if rest.is_empty() {
                    break;
                }
            }
            let whole = sum_rows(values.len(), |row| values[row]);
            prop_assert_eq!(parts.value().to_bits(), whole.to_bits());
        }

        #[test]
        fn blocks_agree_with_compensated(values in proptest::collection::vec(0.0_f64..1.0, 1..3000)) {
            let mut reference = CompensatedSum::default();
            for value in &values {
                reference.add(*value);
            }
            let sum = sum_rows(values.len(), |row| values[row]);
            prop_assert!((sum - reference.value()).abs() <= 1e-14 * reference.value().max(1e-300));
        }
    }
}
