//! The documented answer of a reading, from all points at once: slow and plain. It
//! shares nothing with the plan but the words of its inputs.

use super::*;

/// One point in the window, with all the naive reading wants to know.
#[derive(Clone, Copy)]
struct Seen {
    attempt: u32,
    place: i128,
    point: Point,
}

/// The documented answer, from all points at once.
pub(super) fn oracle(
    attempts: &[(u32, Option<i64>)],
    series: &[AttemptPoints],
    origin: i64,
    window: SeriesWindow,
    reduction: Reduction,
) -> SeriesView {
    let coordinate = |point: &Point| match window.axis {
        Axis::Step => i128::from(point.step),
        Axis::Wall => i128::from(point.time.0),
        Axis::Relative => i128::from(point.time.0) - i128::from(origin),
    };
    let inside = |attempt: u32, point: &Point| {
        let place = coordinate(point);
        let visible = attempts
            .iter()
            .all(|(number, from)| *number <= attempt || from.is_none_or(|from| point.step <= from));
        window.attempt.map_or(visible, |wanted| wanted == attempt)
            && window.from.is_none_or(|from| place >= i128::from(from))
            && window.to.is_none_or(|to| place <= i128::from(to))
    };
    // Each unit candidate as indices into `seen`, or none for a point outside.
    let mut seen: Vec<Seen> = Vec::new();
    let mut places: Vec<Vec<Option<usize>>> = Vec::new();
    for part in series {
        places.push(
            part.points
                .iter()
                .map(|point| {
                    inside(part.attempt, point).then(|| {
                        seen.push(Seen {
                            attempt: part.attempt,
                            place: coordinate(point),
                            point: *point,
                        });
                        seen.len() - 1
                    })
                })
                .collect(),
        );
    }
    let total = seen.len();
    let answer = |kept: Vec<usize>| {
        let mut spans: Vec<AttemptSpan> = Vec::new();
        for index in &kept {
            let attempt = seen[*index].attempt;
            match spans.last_mut().filter(|span| span.attempt == attempt) {
                Some(span) => span.count += 1,
                None => spans.push(AttemptSpan { attempt, count: 1 }),
            }
        }
        SeriesView {
            total: total as u64,
            non_finite: seen.iter().filter(|s| !s.point.value.is_finite()).count() as u64,
            exact: kept.len() == total,
            points: kept.iter().map(|index| seen[*index].point).collect(),
            attempts: spans,
        }
    };
    let (max_points, buckets) = match reduction {
        Reduction::Page { skip, limit } => {
            return answer((0..total).skip(skip as usize).take(limit).collect());
        }
        Reduction::Envelope { max_points } => (max_points, (max_points / 4).max(1)),
        Reduction::Lttb { max_points } => (max_points, (max_points.saturating_sub(2) / 3).max(1)),
    };
    if total <= max_points {
        return answer((0..total).collect());
    }
    let low = seen[0].place;
    let span = seen[total - 1].place - low;
    let by_coordinate = span != 0 && seen.windows(2).all(|pair| pair[0].place <= pair[1].place);
    let width = if by_coordinate {
        span + 1
    } else {
        total as i128
    };
    let place = |index: usize| {
        if by_coordinate {
            seen[index].place - low
        } else {
            index as i128
        }
    };
    let fits = |unit: &[Option<usize>]| match (unit[0], unit[unit.len() - 1]) {
        (Some(first), Some(last)) => {
            unit.iter().all(Option::is_some)
                && place(last) - place(first)
                    <= width * i128::from(UNIT_REACH_BUCKETS) / buckets as i128
        }
        _ => false,
    };
    let mut units: Vec<Vec<usize>> = Vec::new();
    for part in &places {
        for wide in part.chunks(WIDE_POINTS as usize) {
            if fits(wide) {
                units.push(wide.iter().flatten().copied().collect());
                continue;
            }
            for block in wide.chunks(ROLLUP_POINTS as usize) {
                if fits(block) {
                    units.push(block.iter().flatten().copied().collect());
                } else {
                    units.extend(block.iter().flatten().map(|index| vec![*index]));
                }
            }
        }
    }
    let extremes = |indices: &[usize]| {
        let mut finite: Vec<usize> = indices
            .iter()
            .copied()
            .filter(|i| seen[*i].point.value.is_finite())
            .collect();
        finite.sort_by(|a, b| {
            seen[*a]
                .point
                .value
                .total_cmp(&seen[*b].point.value)
                .then(a.cmp(b))
        });
        let min = finite.first().copied();
        let highest = finite.last().map(|i| seen[*i].point.value.to_bits());
        let max = finite
            .iter()
            .copied()
            .filter(|i| Some(seen[*i].point.value.to_bits()) == highest)
            .min();
        [min, max].into_iter().flatten().collect::<Vec<usize>>()
    };
    let mut filled: BTreeMap<i128, Vec<Vec<usize>>> = BTreeMap::new();
    for unit in units {
        filled
            .entry(place(unit[0]) * buckets as i128 / width)
            .or_default()
            .push(unit);
    }
    let mut kept: Vec<usize> = Vec::new();
    let mut offers: Vec<Vec<usize>> = Vec::new();
    for units in filled.values() {
        let all: Vec<usize> = units.concat();
        kept.extend(extremes(&all));
        if matches!(reduction, Reduction::Envelope { .. }) {
            kept.extend([all[0], all[all.len() - 1]]);
        }
        let mut offer: Vec<usize> = units
            .iter()
            .flat_map(|unit| {
                let mut offer = extremes(unit);
                offer.extend([unit[0], unit[unit.len() - 1]]);
                offer
            })
            .collect();
        offer.sort_unstable();
        offer.dedup();
        offers.push(offer);
    }
    if matches!(reduction, Reduction::Lttb { .. }) {
        kept.extend([0, total - 1]);
        let at = |index: usize| (place(index) as f64, seen[index].point.value);
        let finite = |indices: &[usize]| -> Vec<(f64, f64)> {
            indices
                .iter()
                .map(|i| at(*i))
                .filter(|p| p.1.is_finite())
                .collect()
        };
        let end = |index: usize| finite(&[index]).first().copied();
        let mut before = end(0);
        for (number, offer) in offers.iter().enumerate() {
            let next = offers
                .get(number + 1)
                .map(|next| finite(next))
                .filter(|next| !next.is_empty());
            let after = next
                .map(|next| {
                    let count = next.len() as f64;
                    (
                        next.iter().fold(0.0, |s, p| s + p.0) / count,
                        next.iter().fold(0.0, |s, p| s + p.1) / count,
                    )
                })
                .or_else(|| end(total - 1));
            let mut best: Option<(f64, usize)> = None;
            for index in offer
                .iter()
                .copied()
                .filter(|i| seen[*i].point.value.is_finite())
            {
                let area = match (before, after) {
                    (Some(a), Some(c)) => {
                        let b = at(index);
                        ((a.0 - c.0) * (b.1 - a.1) - (a.0 - b.0) * (c.1 - a.1)).abs()
                    }
                    _ => 0.0,
                };
                if best.is_none_or(|best| area > best.0) {
                    best = Some((area, index));
                }
            }
            if let Some((_, index)) = best {
                before = Some(at(index));
                kept.push(index);
            }
        }
    }
    kept.sort_unstable();
    kept.dedup();
    answer(kept)
}
