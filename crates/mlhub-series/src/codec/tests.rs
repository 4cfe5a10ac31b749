//! Both versions against each other and against hostile bytes.

use mlhub_core::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::testing::{any_points, any_value, bits, loss};

fn all_bits(points: &[Point]) -> Vec<(i64, i64, u64)> {
    points.iter().map(bits).collect()
}

/// `body` behind a version 2 head whose checksum is right.
fn sealed(body: &[u8]) -> Vec<u8> {
    let mut out = vec![v2::VERSION, 0, 0, 0, 0];
    out.extend_from_slice(body);
    bytes::seal(&mut out, 1);
    out
}

proptest! {
    #[test]
    fn what_goes_in_comes_out_bit_for_bit(points in any_points(400)) {
        for chunk in [encode(&points), v1::encode(&points)] {
            prop_assert_eq!(all_bits(&decode(&chunk).expect("own chunk")), all_bits(&points));
        }
    }

    #[test]
    fn ordinary_series_come_out_bit_for_bit(
        start in any::<i64>(),
        stride in -3i64..3,
        values in prop::collection::vec(prop_oneof![
            any_value(),
            (-1e3f32..1e3).prop_map(f64::from),
            any::<u32>().prop_map(|bits| f64::from(f32::from_bits(bits))),
            (0i64..1000).prop_map(|cents| cents as f64 / 100.0),
        ], 0..600),
        repeat in 1usize..4,
    ) {
        let points: Vec<Point> = values.iter().enumerate().map(|(index, _)| Point {
            step: start.wrapping_add(stride * index as i64),
            time: Timestamp(1_700_000_000_000 + (index / repeat) as i64 * 17),
            value: values[index / repeat * repeat],
        }).collect();
        prop_assert_eq!(all_bits(&decode(&encode(&points)).expect("own chunk")), all_bits(&points));
    }

    #[test]
    fn a_cut_chunk_is_refused(points in any_points(20), cut in 1usize..40) {
        for whole in [encode(&points), v1::encode(&points)] {
            let end = whole.len().saturating_sub(cut);
            prop_assert!(decode(&whole[..end]).is_err());
        }
    }

    #[test]
    fn a_flipped_bit_is_found(points in any_points(200), place in any::<prop::sample::Index>(), bit in 0u8..8) {
        let mut chunk = encode(&points);
        let place = place.index(chunk.len());
        chunk[place] ^= 1 << bit;
        prop_assert!(decode(&chunk).is_err());
    }

    #[test]
    fn any_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..300), version in 0u8..3) {
        if let Some(first) = bytes.first_mut() {
            *first = version;
        }
        if let Ok(points) = decode(&bytes) {
            prop_assert!(points.len() <= CHUNK_POINTS_MAX.max(bytes.len() / v1::POINT_MIN_BYTES));
        }
        if let Ok(points) = decode(&sealed(&bytes)) {
            prop_assert!(points.len() <= CHUNK_POINTS_MAX);
        }
    }

    /// What a checksum does not catch: bytes changed by somebody who can compute one.
    #[test]
    fn changed_bytes_with_a_right_checksum_never_panic(
        points in any_points(600),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let chunk = encode(&points);
        let mut body = chunk[5..].to_vec();
        for (place, byte) in changes {
            let place = place.index(body.len());
            body[place] = byte;
        }
        if let Ok(points) = decode(&sealed(&body)) {
            prop_assert!(points.len() <= CHUNK_POINTS_MAX);
        }
    }
}

#[test]
fn released_versions_stay_readable() {
    // One point: step -1, time 300, value -0.0, written by hand from the formats.
    let first = [1, 1, 1, 0xd8, 0x04, 0, 0, 0, 0, 0, 0, 0, 0x80];
    let second = sealed(&[1, 0, 1, 0, 0, 0xd8, 0x04, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0x80]);
    for chunk in [first.as_slice(), &second] {
        let points = decode(chunk).expect("a released version");
        assert_eq!(all_bits(&points), [(-1, 300, (-0.0f64).to_bits())]);
    }
    let points = decode(&first).expect("version 1");
    assert_eq!(encode(&points), second);
}

#[test]
fn other_versions_and_extra_bytes_are_refused() {
    assert_eq!(decode(&[3, 0]), Err(CodecError::Version(3)));
    assert_eq!(decode(&[1, 0, 0]), Err(CodecError::Damaged));
    assert_eq!(decode(&[]), Err(CodecError::Damaged));
    // Counts without bytes behind them allocate nothing.
    let mut huge = Vec::new();
    bytes::put_varint(&mut huge, 1 << 63);
    assert_eq!(
        decode(&[&[1], huge.as_slice()].concat()),
        Err(CodecError::Damaged)
    );
    assert_eq!(decode(&sealed(&huge)), Err(CodecError::Damaged));
}

#[test]
fn pco_modes_that_ask_for_memory_are_refused() {
    // A step column of pco whose mode is a dictionary of 2^25 entries.
    let column = [4, 0, 0x04, 0xff, 0xff];
    let mut body = vec![2, 1, column.len() as u8];
    body.extend_from_slice(&column);
    assert_eq!(decode(&sealed(&body)), Err(CodecError::Damaged));
}

#[test]
fn a_chunk_too_long_for_version_two_is_version_one() {
    let points: Vec<Point> = (0..=CHUNK_POINTS_MAX as i64).map(loss).collect();
    let chunk = encode(&points);
    assert_eq!(chunk[0], v1::VERSION);
    assert_eq!(all_bits(&decode(&chunk).expect("own")), all_bits(&points));
}

/// The disk budget, with room for statistics and rollup.
#[test]
fn losses_take_few_bytes() {
    let single: Vec<Point> = (0..4096).map(loss).collect();
    let per_point = encode(&single).len() as f64 / single.len() as f64;
    assert!(per_point < 3.7, "{per_point} bytes per float32 loss");
    let double: Vec<Point> = single
        .iter()
        .map(|point| Point {
            value: point.value.sqrt() * std::f64::consts::PI,
            ..*point
        })
        .collect();
    let per_point = encode(&double).len() as f64 / double.len() as f64;
    assert!(per_point < 7.7, "{per_point} bytes per float64 loss");
}
