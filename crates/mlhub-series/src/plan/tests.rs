//! The plan against a naive reading of all points, for any cut.

use std::collections::BTreeMap;

use mlhub_core::metric::AttemptSpan;
use proptest::prelude::*;

use super::*;
use crate::rollup::WIDE_POINTS;
use crate::testing::{bits, loss};
use crate::{decode, encode};

mod oracle;

use oracle::oracle;

/// A store in memory: encoded chunks and rollups by id.
#[derive(Default)]
struct Shelf {
    sealed: Vec<SealedChunk>,
    chunks: BTreeMap<i64, (Vec<u8>, Vec<u8>)>,
    tail: Vec<AttemptPoints>,
}

impl Shelf {
    fn seal(&mut self, attempt: u32, start: u64, points: &[Point]) {
        let id = 1000 - self.sealed.len() as i64;
        let rollup = Rollup::of(start, points);
        let stats = rollup.stats().expect("a chunk has points");
        self.sealed.push(SealedChunk { id, attempt, stats });
        self.chunks.insert(id, (encode(points), rollup.encode()));
    }

    /// Cuts a series at `cuts` (in per mille); what follows the last is the tail.
    fn of(series: &[AttemptPoints], cuts: &[u64], grid: u64) -> Self {
        let mut shelf = Self::default();
        for part in series {
            let length = part.points.len() as u64;
            let mut from = 0;
            for cut in cuts {
                let to = length * cut.min(&1000) / 1000 / grid * grid;
                if to > from {
                    shelf.seal(part.attempt, from, &part.points[from as usize..to as usize]);
                    from = to;
                }
            }
            shelf.tail.push(AttemptPoints {
                attempt: part.attempt,
                points: part.points[from as usize..].to_vec(),
            });
        }
        shelf
    }

    fn read(
        &self,
        attempts: &[(u32, Option<i64>)],
        origin: i64,
        window: SeriesWindow,
        reduction: Reduction,
    ) -> (SeriesView, usize) {
        let mut plan = ReadPlan::new(
            attempts,
            &self.sealed,
            &self.tail,
            Timestamp(origin),
            window,
            reduction,
        );
        let mut fetched = 0;
        for _round in 0..5 {
            let needs = plan.needs();
            if needs.is_empty() {
                return (plan.finish().expect("nothing is needed"), fetched);
            }
            fetched += needs.points.len();
            let rollups = needs
                .rollups
                .iter()
                .map(|id| (*id, Rollup::decode(&self.chunks[id].1).expect("own rollup")));
            let points = needs
                .points
                .iter()
                .map(|id| (*id, decode(&self.chunks[id].0).expect("own chunk")));
            plan.supply(rollups.rev(), points.rev()).expect("they fit");
        }
        panic!("more than four rounds");
    }
}

/// How steps, times and values of a generated series go.
#[derive(Debug, Clone, Copy)]
struct Habit {
    length: usize,
    stride: i64,
    repeat: i64,
    jump_every: u64,
    jump: i64,
    special_every: u64,
    seed: u64,
}

fn any_habit() -> impl Strategy<Value = Habit> {
    let length = prop_oneof![2 => 0usize..40, 3 => 200usize..1500, 2 => 3000usize..10_000, 1 => Just(4096usize), 1 => Just(1usize)];
    let jump = prop_oneof![
        Just(0i64),
        -200i64..200,
        10_000i64..20_000,
        Just(i64::MAX),
        Just(i64::MIN)
    ];
    (
        length,
        0i64..4,
        1i64..4,
        1u64..3000,
        jump,
        1u64..800,
        any::<u64>(),
    )
        .prop_map(
            |(length, stride, repeat, jump_every, jump, special_every, seed)| Habit {
                length,
                stride,
                repeat,
                jump_every,
                jump,
                special_every,
                seed,
            },
        )
}

fn points_of(habit: Habit) -> Vec<Point> {
    let special = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        -0.0,
        0.0,
        f64::from_bits(1),
        f64::MAX,
        f64::MIN,
        f64::from_bits(0x7ff8_0000_dead_beef),
    ];
    let mut state = habit.seed;
    let mut shift = 0i64;
    (0..habit.length as i64)
        .map(|index| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let draw = state >> 33;
            if draw.is_multiple_of(habit.jump_every) {
                shift = shift.wrapping_add(habit.jump);
            }
            let step = (index / habit.repeat * habit.stride).wrapping_add(shift);
            let value = if draw.is_multiple_of(habit.special_every) {
                special[(draw / 7 % 9) as usize]
            } else {
                (draw % 1000) as f64 / 7.0
            };
            Point {
                step,
                time: Timestamp(
                    1_000_000 + index * 10 + if draw.is_multiple_of(97) { -40 } else { 0 },
                ),
                value,
            }
        })
        .collect()
}

fn check(a: &SeriesView, b: &SeriesView) -> Result<(), TestCaseError> {
    prop_assert_eq!(
        (a.total, a.non_finite, a.exact),
        (b.total, b.non_finite, b.exact)
    );
    prop_assert_eq!(
        a.points.iter().map(bits).collect::<Vec<_>>(),
        b.points.iter().map(bits).collect::<Vec<_>>()
    );
    prop_assert_eq!(&a.attempts, &b.attempts);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn the_answer_is_the_documented_one_wherever_chunks_were_cut(
        parts in prop::collection::vec((prop::option::of(-10i64..12_000), any_habit()), 0..4),
        mut cuts in prop::collection::vec(0u64..1001, 0..8),
        grid in prop::sample::select(vec![1u64, 256, 256, 1024, 4096]),
        axis in prop::sample::select(vec![Axis::Step, Axis::Relative, Axis::Wall]),
        edges in (prop::option::of(0u64..1000), prop::option::of(0u64..1200)),
        attempt in prop::option::weighted(0.2, 1u32..4),
        budget in prop_oneof![5usize..60, 60usize..2000],
        how in 0u8..3,
        skip in 0u64..4000,
    ) {
        cuts.sort_unstable();
        let attempts: Vec<_> = parts.iter().enumerate().map(|(i, (from, _))| (i as u32 + 1, *from)).collect();
        let series: Vec<_> = parts.iter().enumerate().map(|(i, (_, habit))| AttemptPoints { attempt: i as u32 + 1, points: points_of(*habit) }).collect();
        let origin = 1_000_500;
        let scale = |edge: u64| match axis {
            Axis::Step => edge as i64 * 8,
            Axis::Wall => 1_000_000 + edge as i64 * 60,
            Axis::Relative => edge as i64 * 60 - 600,
        };
        let window = SeriesWindow { axis, from: edges.0.map(scale), to: edges.1.map(scale), attempt };
        let reduction = match how {
            0 => Reduction::Envelope { max_points: budget },
            1 => Reduction::Lttb { max_points: budget },
            _ => Reduction::Page { skip, limit: budget },
        };
        let expected = oracle(&attempts, &series, origin, window, reduction);
        if how < 2 {
            prop_assert!(expected.points.len() <= budget);
        }
        for (cuts, grid) in [(cuts.as_slice(), grid), (&[], 1), (&[1000], 1)] {
            let (view, _) = Shelf::of(&series, cuts, grid).read(&attempts, origin, window, reduction);
            check(&view, &expected)?;
        }
    }
}

#[test]
fn what_does_not_fit_its_chunk_is_refused() {
    let points: Vec<Point> = (0..600).map(loss).collect();
    let series = [AttemptPoints {
        attempt: 1,
        points: points.clone(),
    }];
    let shelf = Shelf::of(&series, &[1000], 1);
    let window = SeriesWindow {
        to: Some(100),
        ..SeriesWindow::default()
    };
    let plan = || {
        ReadPlan::new(
            &[],
            &shelf.sealed,
            &[],
            Timestamp(0),
            window,
            Reduction::Envelope { max_points: 8 },
        )
    };
    let mut short = plan();
    assert_eq!(short.needs().points, [1000]);
    assert_eq!(
        short.supply([], [(1000, points[1..].to_vec())]),
        Err(CodecError::Damaged)
    );
    assert_eq!(
        plan().supply([(1000, Rollup::of(256, &points))], []),
        Err(CodecError::Damaged)
    );
    assert!(plan().finish().is_none());
}

/// Ten million points: each zoom shows the true extremes and reads a bounded
/// number of chunks.
#[test]
fn any_zoom_of_ten_million_points_keeps_every_spike_and_reads_little() {
    const LENGTH: i64 = 10_000_000;
    const SPIKES: [i64; 4] = [1, 3_333_333, 5_000_001, LENGTH - 2];
    let at = |step: i64| {
        if SPIKES.contains(&step) {
            Point {
                value: 1e6 + step as f64,
                ..loss(step)
            }
        } else {
            loss(step)
        }
    };
    let mut shelf = Shelf::default();
    for start in (0..LENGTH).step_by(WIDE_POINTS as usize) {
        let points: Vec<Point> = (start..LENGTH.min(start + WIDE_POINTS as i64))
            .map(at)
            .collect();
        shelf.seal(1, start as u64, &points);
    }
    for (from, to) in [
        (0, LENGTH),
        (3_000_000, 4_000_000),
        (4_999_000, 5_001_000),
        (9_900_000, LENGTH),
        (17, 130_017),
    ] {
        for (reduction, budget) in [
            (Reduction::Envelope { max_points: 4000 }, 4000),
            (Reduction::Lttb { max_points: 1000 }, 1000),
        ] {
            let window = SeriesWindow {
                from: Some(from),
                to: Some(to),
                ..SeriesWindow::default()
            };
            let (view, fetched) = shelf.read(&[], 0, window, reduction);
            assert_eq!(view.total as i64, (to + 1).min(LENGTH) - from);
            assert!(view.points.len() <= budget);
            assert!(fetched <= 70, "{fetched} chunks read for {from}..{to}");
            for spike in SPIKES.iter().filter(|spike| (from..=to).contains(spike)) {
                assert!(
                    view.points
                        .iter()
                        .any(|point| bits(point) == bits(&at(*spike))),
                    "spike {spike} in {from}..{to}"
                );
            }
            let lowest = (from..(to + 1).min(LENGTH))
                .map(at)
                .min_by(|a, b| a.value.total_cmp(&b.value))
                .expect("some");
            assert!(
                view.points.iter().any(|point| bits(point) == bits(&lowest)),
                "lowest in {from}..{to}"
            );
        }
    }
}
