//! Strategies shared by the property tests of this crate.

use mlhub_core::Timestamp;
use mlhub_core::metric::Point;
use proptest::prelude::*;

/// Any 64 bits as a value, with the special ones frequent.
pub(crate) fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => any::<u64>().prop_map(f64::from_bits),
        4 => -1e3..1e3,
        1 => prop::sample::select(vec![
            f64::NAN,
            f64::from_bits(0x7ff8_0000_dead_beef),
            f64::from_bits(0xfff0_0000_0000_0001),
            f64::INFINITY,
            f64::NEG_INFINITY,
            -0.0,
            0.0,
            f64::from_bits(1),
            f64::MIN_POSITIVE,
            f64::MAX,
        ]),
    ]
}

/// Any step, with small and extreme ones frequent.
pub(crate) fn any_step() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => -5i64..50,
        1 => any::<i64>(),
        1 => prop::sample::select(vec![i64::MIN, i64::MAX, i64::MAX - 1, 0]),
    ]
}

/// Points in any order.
pub(crate) fn any_points(max: usize) -> impl Strategy<Value = Vec<Point>> {
    prop::collection::vec(
        (any_step(), any::<i64>(), any_value()).prop_map(|(step, time, value)| Point {
            step,
            time: Timestamp(time),
            value,
        }),
        0..max,
    )
}

/// A point as comparable bits: equality that tells NaN payloads and zeros apart.
pub(crate) fn bits(point: &Point) -> (i64, i64, u64) {
    (point.step, point.time.0, point.value.to_bits())
}

/// The point of a noisy, decaying float32 loss at `step`, with the clock of a
/// training loop of some 20 steps a second.
#[expect(
    clippy::cast_possible_truncation,
    reason = "frameworks log 32-bit floats"
)]
pub(crate) fn loss(step: i64) -> Point {
    // SplitMix64: cheap and the same everywhere.
    let mut z = step
        .cast_unsigned()
        .wrapping_add(1)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    let noise = (z >> 11) as f64 / (1u64 << 53) as f64;
    let value = 2.0 / (1.0 + step as f64 * 1e-3) + 0.1 * noise;
    Point {
        step,
        time: Timestamp(1_700_000_000_000 + step * 50 + (z % 7).cast_signed()),
        value: f64::from(value as f32),
    }
}
