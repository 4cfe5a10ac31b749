//! Which predicted box takes which true box: one image and one category at a time.
//!
//! The rules are those of pycocotools' `COCOeval.evaluateImg`, comparison by comparison, since
//! ties and borders decide matches. Nothing here depends on weights.

use crate::predictions::ImageBox;

/// IoU thresholds: 0.50, 0.55, ..., 0.95.
pub(super) const THRESHOLDS: usize = 10;

/// Most predictions of an image and category that are looked at: those of highest score.
pub(super) const MAX_PREDICTIONS: usize = 100;

/// Ranges of area in square pixels, both ends included: all, small, medium, large.
const AREA_RANGES: [(f64, f64); AREAS] =
    [(0.0, 1e10), (0.0, 1024.0), (1024.0, 9216.0), (9216.0, 1e10)];

/// Number of ranges of area.
pub(super) const AREAS: usize = 4;

/// The IoU thresholds as `numpy.linspace(0.5, 0.95, 10)` has them, to the last bit.
fn thresholds() -> [f64; THRESHOLDS] {
    let last = THRESHOLDS - 1;
    let step = (0.95 - 0.5) / last as f64;
    std::array::from_fn(|place| {
        if place == last {
            0.95
        } else {
            place as f64 * step + 0.5
        }
    })
}

/// What became of a prediction within a range of area; bit t is of threshold t.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    /// It took a true box that counts.
    pub(super) right: u16,
    /// It counts as neither right nor wrong.
    pub(super) ignored: u16,
}

/// Bits of all thresholds.
pub(super) const ALL_THRESHOLDS: u16 = (1 << THRESHOLDS) - 1;

/// A prediction, and what became of it in each range of area.
pub(super) struct Judged {
    pub(super) score: f64,
    pub(super) states: [State; AREAS],
}

/// The boxes of one image and category.
pub(super) struct Outcome {
    /// Highest score first, equal ones in the order of the list.
    pub(super) predictions: Vec<Judged>,
    /// True boxes that count, per range of area.
    pub(super) truths: [u32; AREAS],
}

/// Intersection over union; of a crowd, over the area of the prediction. 0 where the boxes do
/// not overlap.
fn overlap(predicted: &ImageBox, truth: &ImageBox) -> f64 {
    let ([x, y, width, height], [left, top, wide, high]) = (predicted.bbox, truth.bbox);
    let common_width = (width + x).min(wide + left) - x.max(left);
    if common_width <= 0.0 {
        return 0.0;
    }
    let common_height = (height + y).min(high + top) - y.max(top);
    if common_height <= 0.0 {
        return 0.0;
    }
    let common = common_width * common_height;
    let area = width * height;
    let union = if truth.is_crowd {
        area
    } else {
        area + wide * high - common
    };
    common / union
}

/// Matches the boxes of one image and category.
pub(super) fn match_boxes(truths: &[&ImageBox], predictions: &[&ImageBox]) -> Outcome {
    let score = |of: &ImageBox| of.score.unwrap_or(f64::NEG_INFINITY) + 0.0;
    let mut best: Vec<&ImageBox> = predictions.to_vec();
    best.sort_by(|a, b| score(b).total_cmp(&score(a)));
    best.truncate(MAX_PREDICTIONS);
    let overlaps: Vec<f64> = best
        .iter()
        .flat_map(|predicted| truths.iter().map(|truth| overlap(predicted, truth)))
        .collect();
    let mut judged: Vec<Judged> = best
        .iter()
        .map(|predicted| Judged {
            score: score(predicted),
            states: [State::default(); AREAS],
        })
        .collect();
    let mut counted = [0; AREAS];
    for (area, range) in AREA_RANGES.into_iter().enumerate() {
        let within = Within::new(truths, &overlaps, range);
        counted[area] = within.counted as u32;
        let is_outside = |of: &ImageBox| {
            let size = of.bbox[2] * of.bbox[3];
            size < range.0 || size > range.1
        };
        for (threshold, least) in thresholds().into_iter().enumerate() {
            let mut taken = vec![false; truths.len()];
            for (place, predicted) in best.iter().enumerate() {
                let state = &mut judged[place].states[area];
                match within.find(place, least, &taken) {
                    Some(found) => {
                        taken[found] = true;
                        if found < within.counted {
                            state.right |= 1 << threshold;
                        } else {
                            state.ignored |= 1 << threshold;
                        }
                    }
                    None if is_outside(predicted) => state.ignored |= 1 << threshold,
                    None => {}
                }
            }
        }
    }
    Outcome {
        predictions: judged,
        truths: counted,
    }
}

/// The true boxes as a range of area sees them: those that count first.
struct Within<'a> {
    overlaps: &'a [f64],
    /// Places among the true boxes, in the order of this range.
    order: Vec<usize>,
    /// Whether each, in this order, is a crowd.
    is_crowd: Vec<bool>,
    /// How many of them count.
    counted: usize,
}

impl<'a> Within<'a> {
    fn new(truths: &[&ImageBox], overlaps: &'a [f64], (low, high): (f64, f64)) -> Self {
        let ignored = |of: &ImageBox| of.is_crowd || of.area < low || of.area > high;
        let mut order: Vec<usize> = (0..truths.len()).collect();
        order.sort_by_key(|place| ignored(truths[*place]));
        Self {
            overlaps,
            is_crowd: order.iter().map(|place| truths[*place].is_crowd).collect(),
            counted: truths.iter().filter(|truth| !ignored(truth)).count(),
            order,
        }
    }

    /// The true box (in this order) that a prediction takes: of highest IoU, the last of equal
    /// ones, those that count before the others. A crowd can be taken again.
    fn find(&self, prediction: usize, threshold: f64, taken: &[bool]) -> Option<usize> {
        let row = &self.overlaps[prediction * self.order.len()..];
        let mut best = threshold.min(1.0 - 1e-10);
        let mut found = None;
        for (place, truth) in self.order.iter().enumerate() {
            if taken[place] && !self.is_crowd[place] {
                continue;
            }
            if place >= self.counted && found.is_some_and(|found| found < self.counted) {
                break;
            }
            let overlap = row[*truth];
            if overlap < best {
                continue;
            }
            best = overlap;
            found = Some(place);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_numpys() {
        let expected = [
            0.5,
            0.55,
            0.6,
            0.65,
            0.7,
            0.75,
            0.8,
            0.85,
            0.899_999_999_999_999_9,
            0.95,
        ];
        assert_eq!(thresholds(), expected);
    }
}
