//! Two maps of one image laid over each other: pixels per class, and segments that match.
//!
//! Nothing here depends on weights. All counts are of pixels or of segments.

use std::collections::BTreeMap;

use crate::predictions::{SegmentMap, VOID_SEGMENT};
use crate::sum::CompensatedSum;

/// Pixels of one class in one image, those that are truly unlabelled left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pixels {
    /// Truly of the class.
    pub(super) truly: u64,
    /// Predicted to be.
    pub(super) predicted: u64,
    /// Both.
    pub(super) both: u64,
}

impl Pixels {
    /// In one of the two.
    pub(super) fn either(self) -> u64 {
        self.truly + self.predicted - self.both
    }
}

/// Segments of one class in one image.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Segments {
    /// Pairs of a true and a predicted segment that match.
    pub(super) matched: u64,
    /// Predicted segments that match none.
    pub(super) wrong: u64,
    /// True segments that none matches.
    pub(super) missed: u64,
    iou: CompensatedSum,
}

impl Segments {
    /// Sum of the IoU of the pairs.
    pub(super) fn iou(&self) -> f64 {
        self.iou.value()
    }
}

/// What one image adds, by class.
pub(super) struct Image {
    pub(super) pixels: Vec<(u32, Pixels)>,
    pub(super) segments: Vec<(u32, Segments)>,
}

impl Image {
    /// The maps have the same size.
    pub(super) fn of(truth: &SegmentMap, predicted: &SegmentMap) -> Self {
        let pieces = pieces(truth, predicted);
        let mut pixels: BTreeMap<u32, Pixels> = BTreeMap::new();
        for ((true_place, place), count) in &pieces {
            let Some(of_truth) = truth.segments.get(*true_place as usize) else {
                continue;
            };
            pixels.entry(of_truth.category).or_default().truly += count;
            let Some(of) = predicted.segments.get(*place as usize) else {
                continue;
            };
            let entry = pixels.entry(of.category).or_default();
            entry.predicted += count;
            if of.category == of_truth.category {
                entry.both += count;
            }
        }
        Self {
            pixels: pixels.into_iter().collect(),
            segments: matches(truth, predicted, &pieces),
        }
    }

    /// Mean IoU over the classes that are in the image, true or predicted; `None` where all is
    /// unlabelled.
    pub(super) fn mean_iou(&self) -> Option<f64> {
        let mut sum = CompensatedSum::default();
        for (_, pixels) in &self.pixels {
            sum.add(pixels.both as f64 / pixels.either() as f64);
        }
        (!self.pixels.is_empty()).then(|| sum.value() / self.pixels.len() as f64)
    }
}

/// A true and a predicted place, and the pixels that are in both.
type Piece = ((u32, u32), u64);

/// By place, each pair once.
fn pieces(truth: &SegmentMap, predicted: &SegmentMap) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut others = predicted.runs.iter().copied();
    let (mut place, mut left) = others.next().unwrap_or((VOID_SEGMENT, 0));
    for (true_place, length) in &truth.runs {
        let mut length = *length;
        while length > 0 {
            if left == 0 {
                (place, left) = others.next().unwrap_or((VOID_SEGMENT, length));
            }
            let common = length.min(left);
            pieces.push(((*true_place, place), u64::from(common)));
            length -= common;
            left -= common;
        }
    }
    pieces.sort_unstable();
    pieces.dedup_by(|next, first| {
        let is_same = next.0 == first.0;
        if is_same {
            first.1 += next.1;
        }
        is_same
    });
    pieces
}

/// Areas that the matching of segments looks at.
struct Areas {
    truths: Vec<u64>,
    predicted: Vec<u64>,
    /// Of each predicted segment, the part that is truly unlabelled.
    unlabelled: Vec<u64>,
    /// The part that is in a crowd of its category.
    crowded: Vec<u64>,
}

impl Areas {
    fn of(truth: &SegmentMap, predicted: &SegmentMap, pieces: &[Piece]) -> Self {
        let none = vec![0; predicted.segments.len()];
        let mut areas = Self {
            truths: vec![0; truth.segments.len()],
            predicted: none.clone(),
            unlabelled: none.clone(),
            crowded: none,
        };
        for ((true_place, place), count) in pieces {
            let of_truth = truth.segments.get(*true_place as usize);
            if of_truth.is_some() {
                areas.truths[*true_place as usize] += count;
            }
            let Some(of) = predicted.segments.get(*place as usize) else {
                continue;
            };
            let place = *place as usize;
            areas.predicted[place] += count;
            match of_truth {
                None => areas.unlabelled[place] += count,
                Some(truth) if truth.is_crowd && truth.category == of.category => {
                    areas.crowded[place] += count;
                }
                Some(_) => {}
            }
        }
        areas
    }
}

/// Segments match when they are of one category and have an IoU above one half, so none can
/// match twice.
fn matches(truth: &SegmentMap, predicted: &SegmentMap, pieces: &[Piece]) -> Vec<(u32, Segments)> {
    let areas = Areas::of(truth, predicted, pieces);
    let mut found = vec![false; truth.segments.len()];
    let mut right = vec![false; predicted.segments.len()];
    let mut classes: BTreeMap<u32, Segments> = BTreeMap::new();
    for ((true_place, place), common) in pieces {
        let (true_place, place) = (*true_place as usize, *place as usize);
        let pair = truth.segments.get(true_place);
        let Some((of_truth, of)) = pair.zip(predicted.segments.get(place)) else {
            continue;
        };
        if of_truth.is_crowd || of_truth.category != of.category {
            continue;
        }
        let both = areas.predicted[place] + areas.truths[true_place];
        let iou = *common as f64 / (both - common - areas.unlabelled[place]) as f64;
        if iou > 0.5 {
            (found[true_place], right[place]) = (true, true);
            let class = classes.entry(of.category).or_default();
            class.matched += 1;
            class.iou.add(iou);
        }
    }
    for (segment, is_found) in truth.segments.iter().zip(found) {
        if !is_found && !segment.is_crowd {
            classes.entry(segment.category).or_default().missed += 1;
        }
    }
    for (place, (segment, is_right)) in predicted.segments.iter().zip(right).enumerate() {
        let outside = areas.unlabelled[place] + areas.crowded[place];
        // Mostly where nobody looked: neither right nor wrong.
        if !is_right && 2 * outside <= areas.predicted[place] {
            classes.entry(segment.category).or_default().wrong += 1;
        }
    }
    classes.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::predictions::MaskSegment;

    fn map(width: u32, pixels: &[u32]) -> SegmentMap {
        let runs = pixels.chunk_by(|a, b| a == b);
        SegmentMap {
            height: pixels.len() as u32 / width,
            width,
            runs: runs
                .map(|run| {
                    (
                        if run[0] == 4 { VOID_SEGMENT } else { run[0] },
                        run.len() as u32,
                    )
                })
                .collect(),
            segments: [0, 0, 1, 1]
                .map(|category| MaskSegment {
                    category,
                    is_thing: true,
                    is_crowd: false,
                })
                .to_vec(),
            is_panoptic: true,
        }
    }

    proptest! {
        #[test]
        fn pieces_are_the_pixels_counted(
            pixels in prop::collection::vec((0_u32..5, 0_u32..5), 1..80),
            repeat in 1_usize..4,
        ) {
            let side = |of: fn(&(u32, u32)) -> u32| -> Vec<u32> {
                pixels.iter().flat_map(|pixel| vec![of(pixel); repeat]).collect()
            };
            let (truth, predicted) = (side(|pixel| pixel.0), side(|pixel| pixel.1));
            let mut expected: BTreeMap<(u32, u32), u64> = BTreeMap::new();
            let place = |of: &u32| if *of == 4 { VOID_SEGMENT } else { *of };
            for (a, b) in truth.iter().zip(&predicted) {
                *expected.entry((place(a), place(b))).or_default() += 1;
            }
            let found = pieces(&map(1, &truth), &map(1, &predicted));
            prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_pair_of_exactly_one_half_does_not_match() {
        let image = Image::of(&map(3, &[0, 0, 2]), &map(3, &[0, 2, 2]));
        let of = |class: usize| image.segments[class].1;
        // The listed segments 1 and 3 have no pixel here, which readers refuse.
        assert_eq!((of(0).matched, of(0).missed, of(0).wrong), (0, 2, 2));
        assert_eq!((of(1).matched, of(1).missed, of(1).wrong), (0, 2, 2));
        let image = Image::of(&map(3, &[0, 0, 0]), &map(3, &[0, 0, 2]));
        assert_eq!(image.segments[0].1.matched, 1);
        assert_eq!(image.segments[0].1.iou(), 2.0 / 3.0);
    }
}
