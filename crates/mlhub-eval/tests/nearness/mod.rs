//! How far from a reference a value may be: 1e-12 of it, near 0 a few units of rounding.

#[track_caller]
pub(crate) fn near(what: &str, found: f64, expected: f64) {
    let apart = (found - expected).abs();
    assert!(
        apart <= 1e-12 * expected.abs() || apart <= 1e-14,
        "{what}: {found:?} and not {expected:?}"
    );
}
