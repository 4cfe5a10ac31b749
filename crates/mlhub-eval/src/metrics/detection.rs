//! Metrics of boxes around the objects of images: the family of COCO, as pycocotools has it.
//!
//! Matching of boxes (`matching`) does not depend on weights and is done once; what is weighted
//! and drawn is a whole image. An image that a resample holds several times counts as several
//! images with the same boxes, next to each other in the order of rows. Metrics are not defined
//! for weights that are no such numbers.

mod matching;
#[cfg(test)]
mod tests;

use rayon::prelude::*;

use self::matching::{ALL_THRESHOLDS, AREAS, Outcome, State, THRESHOLDS, match_boxes};
use super::{DetectionMetric, Kind};
use crate::predictions::{ImageBox, Predictions, Targets};
use crate::sum::CompensatedSum;
use crate::weights::RowWeights;

/// Recalls at which precision is read: 0, 0.01, ..., 1.
const RECALLS: usize = 101;

/// How many predictions per image and category the three recalls look at.
const MOST_PREDICTIONS: [u8; 3] = [1, 10, matching::MAX_PREDICTIONS as u8];

/// By their area, which true boxes count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BoxArea {
    /// Any.
    All,
    /// Up to 32 x 32 pixels.
    Small,
    /// From 32 x 32 to 96 x 96 pixels.
    Medium,
    /// From 96 x 96 pixels.
    Large,
}

/// A prediction among all of its category.
struct Entry {
    image: u32,
    /// The first of [`MOST_PREDICTIONS`] that looks at it, by the predictions of the image and
    /// category that come before it.
    reach: u8,
    /// Of the same image and score as the entry before.
    is_tied: bool,
    state: State,
}

/// One category within one range of area.
#[derive(Default)]
struct Ranked {
    /// Images with true boxes that count, and how many.
    truths: Vec<(u32, u32)>,
    /// Highest score first, then by image; without those that are ignored at every threshold.
    entries: Vec<Entry>,
}

/// The images of a detection task.
pub(crate) struct Detections {
    categories: Vec<[Ranked; AREAS]>,
    /// Predicted boxes of categories that no true box has.
    unknown: usize,
}

impl Detections {
    /// Runs on the current thread pool. `None` unless the predictions are boxes.
    pub(super) fn of(predictions: &Predictions) -> Option<Self> {
        let (Targets::Boxes(y_true), Some(Targets::Boxes(y_pred))) =
            (predictions.y_true(), predictions.y_pred())
        else {
            return None;
        };
        let images: Vec<Vec<(u32, Outcome)>> = y_true
            .par_iter()
            .zip(y_pred)
            .map(|(truths, predicted)| match_image(truths, predicted))
            .collect();
        let mut outcomes: Vec<Vec<(u32, Outcome)>> = Vec::new();
        outcomes.resize_with(predictions.labels().len(), Vec::new);
        for (image, of_image) in (0_u32..).zip(images) {
            for (category, outcome) in of_image {
                outcomes[category as usize].push((image, outcome));
            }
        }
        let of_categories = outcomes.into_par_iter();
        let categories = of_categories
            .map(|images| std::array::from_fn(|area| Ranked::new(&images, area)))
            .collect();
        let predicted = y_pred.iter().flatten();
        Some(Self {
            categories,
            unknown: predicted.filter(|of| of.category.is_none()).count(),
        })
    }

    /// What a reader should know about every value.
    pub(crate) fn note(&self) -> Option<String> {
        (self.unknown > 0).then(|| {
            format!(
                "{} predicted boxes are of categories that no true box has and are left out",
                self.unknown
            )
        })
    }

    /// The values within each range of area that one of the kinds looks at.
    pub(super) fn collect<W: RowWeights>(&self, kinds: &[Kind], weights: &W) -> Collected {
        let asked = |area: usize| {
            let mut kinds = kinds.iter();
            kinds.any(
                |kind| matches!(kind, Kind::Detection(metric) if metric.area() as usize == area),
            )
        };
        Collected {
            areas: std::array::from_fn(|area| asked(area).then(|| self.values(area, weights))),
        }
    }

    /// Means over the categories that have a true box that counts.
    fn values<W: RowWeights>(&self, area: usize, weights: &W) -> AreaValues {
        let mut categories = 0_u64;
        let mut precision = [CompensatedSum::default(); THRESHOLDS];
        let mut recall = [CompensatedSum::default(); MOST_PREDICTIONS.len()];
        for ranked in &self.categories {
            let Some(of) = ranked[area].curves(weights) else {
                continue;
            };
            categories += 1;
            for (sum, precisions) in precision.iter_mut().zip(&of.precision) {
                precisions.iter().for_each(|value| sum.add(*value));
            }
            for (sum, recalls) in recall.iter_mut().zip(&of.recall) {
                recalls.iter().for_each(|value| sum.add(*value));
            }
        }
        let of_threshold = categories as f64;
        let curve = of_threshold * RECALLS as f64;
        let mut all = CompensatedSum::default();
        precision.iter().for_each(|sum| all.add(sum.value()));
        // Without a category these are 0 / 0: NaN.
        AreaValues {
            precision: all.value() / (curve * THRESHOLDS as f64),
            precision_50: precision[0].value() / curve,
            precision_75: precision[5].value() / curve,
            recall: recall.map(|sum| sum.value() / (of_threshold * THRESHOLDS as f64)),
        }
    }
}

/// Matches the boxes of an image, category by category.
fn match_image(truths: &[ImageBox], predicted: &[ImageBox]) -> Vec<(u32, Outcome)> {
    let known =
        |boxes: &'_ [ImageBox]| -> Vec<u32> { boxes.iter().filter_map(|of| of.category).collect() };
    let mut categories = [known(truths), known(predicted)].concat();
    categories.sort_unstable();
    categories.dedup();
    let by_category = |boxes: &[ImageBox]| -> Vec<usize> {
        let mut order: Vec<usize> = (0..boxes.len()).collect();
        order.sort_by_key(|place| boxes[*place].category);
        order
    };
    let (true_order, order) = (by_category(truths), by_category(predicted));
    let outcomes = categories.into_iter().map(|category| {
        let outcome = match_boxes(
            &of_category(truths, &true_order, category),
            &of_category(predicted, &order, category),
        );
        (category, outcome)
    });
    outcomes.collect()
}

/// The boxes of one category, in the order of the list; `order` is by category.
fn of_category<'a>(boxes: &'a [ImageBox], order: &[usize], category: u32) -> Vec<&'a ImageBox> {
    let start = order.partition_point(|place| boxes[*place].category < Some(category));
    let places = order[start..].iter().map(|place| &boxes[*place]);
    places
        .take_while(|of| of.category == Some(category))
        .collect()
}

/// Precision and recall of one category.
struct CategoryCurves {
    /// At each threshold and recall, the highest precision at that recall or a higher one.
    precision: [[f64; RECALLS]; THRESHOLDS],
    /// Share of the true boxes that are found, for each number of predictions and threshold.
    recall: [[f64; THRESHOLDS]; MOST_PREDICTIONS.len()],
}

impl Ranked {
    /// From the images that have boxes of the category, in the order of rows.
    fn new(images: &[(u32, Outcome)], area: usize) -> Self {
        let mut truths = Vec::new();
        let mut found: Vec<(f64, Entry)> = Vec::new();
        for (image, outcome) in images {
            if outcome.truths[area] > 0 {
                truths.push((*image, outcome.truths[area]));
            }
            for (rank, judged) in (0_u8..).zip(&outcome.predictions) {
                let state = judged.states[area];
                if state.ignored != ALL_THRESHOLDS {
                    let reach = MOST_PREDICTIONS.partition_point(|most| *most <= rank);
                    let entry = Entry {
                        image: *image,
                        reach: reach as u8,
                        is_tied: false,
                        state,
                    };
                    found.push((judged.score, entry));
                }
            }
        }
        // Stable: equal scores stay in the order of images and lists.
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        for place in 1..found.len() {
            let (before, entry) = (&found[place - 1], &found[place]);
            found[place].1.is_tied = before.0 == entry.0 && before.1.image == entry.1.image;
        }
        Self {
            truths,
            entries: found.into_iter().map(|(_, entry)| entry).collect(),
        }
    }

    /// `None` when no true box counts.
    fn curves<W: RowWeights>(&self, weights: &W) -> Option<CategoryCurves> {
        let truths = self.truths.iter();
        let truths: u64 = truths
            .map(|(image, truths)| u64::from(*truths) * u64::from(weights.count(*image as usize)))
            .sum();
        if truths == 0 {
            return None;
        }
        let mut walk = Walk::new(truths);
        for tied in self.entries.chunk_by(|_, entry| entry.is_tied) {
            let copies = weights.count(tied[0].image as usize);
            if let [entry] = tied {
                walk.step(entry, u64::from(copies));
                continue;
            }
            // The copies of an image follow each other, each with all its tied predictions.
            for _ in 0..copies {
                tied.iter().for_each(|entry| walk.step(entry, 1));
            }
        }
        Some(walk.curves())
    }
}

/// How many predictions are right of how many that count.
#[derive(Clone, Copy, Default)]
struct Share {
    right: u64,
    counted: u64,
}

impl Share {
    /// Whether the precision is at least that of an earlier place of the walk, compared without
    /// rounding. Equal ones of more predictions are no smaller when they are rounded.
    fn reaches(self, earlier: Self) -> bool {
        self.right * earlier.counted >= earlier.right * self.counted
    }

    fn precision(self) -> f64 {
        // The reference adds the spacing of 1 to the count, too.
        self.right as f64 / (self.counted as f64 + f64::EPSILON)
    }
}

/// A way through the predictions of a category, from the highest score on. Until its end all
/// numbers are integers.
struct Walk {
    truths: f64,
    predictions: u64,
    ignored: [u64; THRESHOLDS],
    right: [u64; THRESHOLDS],
    /// Right predictions that each recall takes, and one that is never reached.
    needed: [u64; RECALLS + 1],
    /// The first recall that is not reached yet.
    next_recall: [usize; THRESHOLDS],
    /// Right ones by reach: the first of an image, the next nine, the others.
    right_by_reach: [[u64; THRESHOLDS]; MOST_PREDICTIONS.len()],
    /// The best share from each recall up to the next.
    best: [[Share; RECALLS]; THRESHOLDS],
}

impl Walk {
    fn new(truths: u64) -> Self {
        Self {
            truths: truths as f64,
            predictions: 0,
            ignored: [0; THRESHOLDS],
            right: [0; THRESHOLDS],
            needed: needed(truths),
            next_recall: [1; THRESHOLDS],
            right_by_reach: [[0; THRESHOLDS]; MOST_PREDICTIONS.len()],
            best: [[Share::default(); RECALLS]; THRESHOLDS],
        }
    }

    /// Passes so many copies of a prediction, one after another. Precision rises at right
    /// predictions only, so it is read there, and with each further copy of one, so it is read
    /// at the last.
    fn step(&mut self, entry: &Entry, copies: u64) {
        if copies == 0 {
            return;
        }
        self.predictions += copies;
        for threshold in bits(entry.state.ignored) {
            self.ignored[threshold] += copies;
        }
        for threshold in bits(entry.state.right) {
            self.right[threshold] += copies;
            self.right_by_reach[entry.reach as usize][threshold] += copies;
            let share = Share {
                right: self.right[threshold],
                counted: self.predictions - self.ignored[threshold],
            };
            let next = &mut self.next_recall[threshold];
            while self.needed[*next] <= share.right {
                *next += 1;
            }
            let best = &mut self.best[threshold][*next - 1];
            if share.reaches(*best) {
                *best = share;
            }
        }
    }

    fn curves(self) -> CategoryCurves {
        let precision = self.best.map(|best| {
            let mut highest = 0.0_f64;
            let mut precision = [0.0; RECALLS];
            for (precision, share) in precision.iter_mut().zip(best).rev() {
                highest = highest.max(share.precision());
                *precision = highest;
            }
            precision
        });
        let mut found = [0; THRESHOLDS];
        let recall = self.right_by_reach.map(|of_reach| {
            std::array::from_fn(|threshold| {
                found[threshold] += of_reach[threshold];
                found[threshold] as f64 / self.truths
            })
        });
        CategoryCurves { precision, recall }
    }
}

/// The least number of right predictions of which the share of `truths`, as a float, is at least
/// each recall; then a number that is never reached.
fn needed(truths: u64) -> [u64; RECALLS + 1] {
    let mut least = 0;
    std::array::from_fn(|place| {
        if place == RECALLS {
            return u64::MAX;
        }
        // Close from below; rounding decides the rest.
        least = least.max((place as u64 * truths / 100).saturating_sub(1));
        while (least as f64 / truths as f64) < recall_at(place) {
            least += 1;
        }
        least
    })
}

/// The recalls as `numpy.linspace(0, 1, 101)` has them, to the last bit.
fn recall_at(place: usize) -> f64 {
    if place == RECALLS - 1 {
        1.0
    } else {
        place as f64 * 0.01
    }
}

/// Places of the bits that are set, ascending.
fn bits(mut of: u16) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = (of != 0).then(|| of.trailing_zeros() as usize);
        of &= of.wrapping_sub(1);
        place
    })
}

/// Values within one range of area; NaN where no category has a true box that counts.
struct AreaValues {
    precision: f64,
    precision_50: f64,
    precision_75: f64,
    recall: [f64; MOST_PREDICTIONS.len()],
}

/// What the metrics are read from, for one set of weights.
pub(super) struct Collected {
    areas: [Option<AreaValues>; AREAS],
}

impl Collected {
    pub(super) fn value(&self, metric: DetectionMetric) -> f64 {
        use DetectionMetric as M;
        let Some(values) = &self.areas[metric.area() as usize] else {
            return f64::NAN;
        };
        match metric {
            M::AveragePrecision(_) => values.precision,
            M::AveragePrecision50 => values.precision_50,
            M::AveragePrecision75 => values.precision_75,
            M::Recall1 => values.recall[0],
            M::Recall10 => values.recall[1],
            M::Recall(_) => values.recall[2],
        }
    }
}

impl DetectionMetric {
    /// Which true boxes count.
    fn area(self) -> BoxArea {
        match self {
            Self::AveragePrecision(area) | Self::Recall(area) => area,
            _ => BoxArea::All,
        }
    }
}
