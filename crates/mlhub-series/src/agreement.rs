//! Whether two series say the same: point by point, in the order they were logged.

/// How two series agree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Agreement {
    /// The same steps with the same values, bit for bit. All NaN count as one value.
    Identical,
    /// The same steps, and values that differ by no more than the tolerance.
    Within {
        /// The first step whose value differs.
        step: i64,
        /// The largest relative difference.
        largest: f64,
    },
    /// From this step on they do not agree.
    Diverged {
        /// The first step that is beyond the tolerance, or that only one of them has.
        step: i64,
        /// The first one's value there.
        first: Option<f64>,
        /// The second one's value there.
        second: Option<f64>,
    },
}

/// |a - b| / max(|a|, |b|); 0 for the same value, infinite where only one is NaN or the signs of
/// infinity differ.
fn relative_difference(a: f64, b: f64) -> f64 {
    if a == b || (a.is_nan() && b.is_nan()) {
        return 0.0;
    }
    if !a.is_finite() || !b.is_finite() {
        return f64::INFINITY;
    }
    // Halves, so that the difference of two huge numbers stays finite.
    let difference = (a / 2.0 - b / 2.0).abs();
    difference / (a.abs().max(b.abs()) / 2.0)
}

/// The same value: equal bits, or both NaN.
fn is_same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

/// Compares two series that arrive point by point.
#[derive(Debug, Clone)]
pub struct Comparison {
    tolerance: f64,
    differs: Option<(i64, f64)>,
}

impl Comparison {
    /// `tolerance`: the largest relative difference that still counts as the same result, at least 0.
    #[must_use]
    pub fn new(tolerance: f64) -> Self {
        Self {
            tolerance,
            differs: None,
        }
    }

    /// Takes the next point of each, (step, value); `None` where a series has ended. Answers as soon
    /// as they diverge, or when both have ended.
    pub fn next(
        &mut self,
        first: Option<(i64, f64)>,
        second: Option<(i64, f64)>,
    ) -> Option<Agreement> {
        let (a, b) = match (first, second) {
            (None, None) => return Some(self.end()),
            (Some(a), Some(b)) if a.0 == b.0 => (a, b),
            (Some(a), Some(b)) => {
                // The lower step is the one that the other lacks.
                let step = a.0.min(b.0);
                let of = |point: (i64, f64)| (point.0 == step).then_some(point.1);
                return Some(Agreement::Diverged {
                    step,
                    first: of(a),
                    second: of(b),
                });
            }
            (Some((step, _)), None) | (None, Some((step, _))) => {
                return Some(Agreement::Diverged {
                    step,
                    first: first.map(|point| point.1),
                    second: second.map(|point| point.1),
                });
            }
        };
        if is_same(a.1, b.1) {
            return None;
        }
        let difference = relative_difference(a.1, b.1);
        if difference > self.tolerance {
            return Some(Agreement::Diverged {
                step: a.0,
                first: Some(a.1),
                second: Some(b.1),
            });
        }
        let (step, largest) = self.differs.unwrap_or((a.0, 0.0));
        self.differs = Some((step, largest.max(difference)));
        None
    }

    fn end(&self) -> Agreement {
        match self.differs {
            None => Agreement::Identical,
            Some((step, largest)) => Agreement::Within { step, largest },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compare(a: &[(i64, f64)], b: &[(i64, f64)], tolerance: f64) -> Agreement {
        let mut comparison = Comparison::new(tolerance);
        let (mut a, mut b) = (a.iter().copied(), b.iter().copied());
        loop {
            if let Some(found) = comparison.next(a.next(), b.next()) {
                return found;
            }
        }
    }

    #[test]
    fn the_same_bits_are_identical_and_nan_is_one_value() {
        let series = [(0, 0.5), (1, f64::NAN), (1, f64::INFINITY), (2, -0.0)];
        let other = [(0, 0.5), (1, -f64::NAN), (1, f64::INFINITY), (2, -0.0)];
        assert_eq!(compare(&series, &other, 0.0), Agreement::Identical);
        assert_eq!(compare(&[], &[], 0.0), Agreement::Identical);
    }

    #[test]
    fn names_the_first_step_beyond_the_tolerance() {
        let a = [(0, 1.0), (1, 2.0), (2, 3.0)];
        let b = [(0, 1.0), (1, 2.0 + 1e-12), (2, 4.0)];
        assert_eq!(
            compare(&a, &b, 1e-9),
            Agreement::Diverged {
                step: 2,
                first: Some(3.0),
                second: Some(4.0)
            }
        );
        assert!(matches!(
            compare(&a, &b, 0.0),
            Agreement::Diverged { step: 1, .. }
        ));
        let Agreement::Within { step, largest } = compare(&a, &b, 0.5) else {
            panic!("within a half");
        };
        assert_eq!((step, largest), (1, 0.25));
    }

    #[test]
    fn a_step_that_one_lacks_is_named() {
        let a = [(0, 1.0), (1, 2.0), (2, 3.0)];
        let gap = [(0, 1.0), (2, 3.0)];
        let lacks = |first, second| Agreement::Diverged {
            step: 1,
            first,
            second,
        };
        assert_eq!(compare(&a, &gap, 1.0), lacks(Some(2.0), None));
        assert_eq!(compare(&gap, &a, 1.0), lacks(None, Some(2.0)));
        assert_eq!(compare(&a, &a[..1], 1.0), lacks(Some(2.0), None));
    }

    #[test]
    fn zero_of_either_sign_differs_by_nothing_but_is_not_identical() {
        assert_eq!(
            compare(&[(0, 0.0)], &[(0, -0.0)], 0.0),
            Agreement::Within {
                step: 0,
                largest: 0.0
            }
        );
    }

    #[test]
    fn relative_differences_stay_finite_between_finite_numbers() {
        assert_eq!(relative_difference(f64::MAX, -f64::MAX), 2.0);
        assert_eq!(relative_difference(1.0, f64::NAN), f64::INFINITY);
        assert_eq!(
            relative_difference(f64::INFINITY, f64::NEG_INFINITY),
            f64::INFINITY
        );
        assert_eq!(relative_difference(0.0, 1.0), 1.0);
    }
}
