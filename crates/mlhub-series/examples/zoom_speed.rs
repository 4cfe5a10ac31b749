//! How long a chart over ten million points takes, without a store: planning,
//! decoding what is needed, answering. Run with `--release`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use mlhub_core::Timestamp;
use mlhub_core::metric::{Point, Reduction, SeriesView, SeriesWindow};
use mlhub_series::{ReadPlan, Rollup, SealedChunk, WIDE_POINTS, decode, encode};

const LENGTH: i64 = 10_000_000;
const REPEATS: usize = 21;

struct Shelf {
    sealed: Vec<SealedChunk>,
    chunks: BTreeMap<i64, (Vec<u8>, Vec<u8>)>,
}

/// A noisy, decaying loss at `step`, logged some 20 times a second.
#[expect(
    clippy::cast_possible_truncation,
    reason = "frameworks log 32-bit floats"
)]
fn loss(step: i64) -> Point {
    let mut z = step
        .cast_unsigned()
        .wrapping_add(1)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let noise = (z >> 11) as f64 / (1u64 << 53) as f64;
    Point {
        step,
        time: Timestamp(1_700_000_000_000 + step * 50 + (z % 7).cast_signed()),
        value: f64::from((2.0 / (1.0 + step as f64 * 1e-3) + 0.1 * noise) as f32),
    }
}

fn shelf() -> Shelf {
    let mut shelf = Shelf {
        sealed: Vec::new(),
        chunks: BTreeMap::new(),
    };
    let begun = Instant::now();
    for start in (0..LENGTH).step_by(WIDE_POINTS as usize) {
        let points: Vec<Point> = (start..LENGTH.min(start + WIDE_POINTS as i64))
            .map(loss)
            .collect();
        let rollup = Rollup::of(start.cast_unsigned(), &points);
        if let Some(stats) = rollup.stats() {
            shelf.sealed.push(SealedChunk {
                id: start,
                attempt: 1,
                stats,
            });
            shelf
                .chunks
                .insert(start, (encode(&points), rollup.encode()));
        }
    }
    let bytes = |part: fn(&(Vec<u8>, Vec<u8>)) -> usize| {
        shelf.chunks.values().map(part).sum::<usize>() as f64 / LENGTH as f64
    };
    println!(
        "sealed {LENGTH} points in {:?}: {:.3} bytes/point of points, {:.3} of rollups",
        begun.elapsed(),
        bytes(|chunk| chunk.0.len()),
        bytes(|chunk| chunk.1.len()),
    );
    shelf
}

fn read(shelf: &Shelf, window: SeriesWindow, reduction: Reduction) -> (SeriesView, usize, usize) {
    let mut plan = ReadPlan::new(&[], &shelf.sealed, &[], Timestamp(0), window, reduction);
    let (mut rollups, mut points) = (0, 0);
    loop {
        let needs = plan.needs();
        if needs.is_empty() {
            return (plan.finish().unwrap_or_default(), rollups, points);
        }
        rollups += needs.rollups.len();
        points += needs.points.len();
        let read_rollups = needs
            .rollups
            .iter()
            .filter_map(|id| Some((*id, Rollup::decode(&shelf.chunks[id].1).ok()?)));
        let read_points = needs
            .points
            .iter()
            .filter_map(|id| Some((*id, decode(&shelf.chunks[id].0).ok()?)));
        plan.supply(read_rollups, read_points)
            .expect("what was asked for fits");
    }
}

fn main() {
    let shelf = shelf();
    let reductions = [
        ("envelope 4000", Reduction::Envelope { max_points: 4000 }),
        ("envelope 1000", Reduction::Envelope { max_points: 1000 }),
        ("lttb 1000", Reduction::Lttb { max_points: 1000 }),
    ];
    for (name, reduction) in reductions {
        for (from, to) in [
            (0, LENGTH),
            (1_000_000, 4_000_000),
            (3_000_000, 4_000_000),
            (3_000_000, 3_500_000),
            (4_000_000, 4_200_000),
            (7_000_017, 7_120_017),
            (7_000_017, 7_030_017),
            (9_999_000, LENGTH),
        ] {
            let window = SeriesWindow {
                from: Some(from),
                to: Some(to),
                ..SeriesWindow::default()
            };
            let mut times: Vec<Duration> = Vec::new();
            let mut last = (SeriesView::default(), 0, 0);
            for _ in 0..REPEATS {
                let begun = Instant::now();
                last = read(&shelf, window, reduction);
                times.push(begun.elapsed());
            }
            times.sort_unstable();
            println!(
                "{name:14} {from:>9}..{to:<9} median {:>9.3?} worst {:>9.3?}; {} of {} points, {} rollups, {} chunks",
                times[REPEATS / 2],
                times[REPEATS - 1],
                last.0.points.len(),
                last.0.total,
                last.1,
                last.2,
            );
        }
    }
}
