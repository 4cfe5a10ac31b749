//! Metrics of maps of segments: by pixels (semantic) and by segments (panoptic).
//!
//! What an image adds is counted once, in `overlaps`; every resample only sums. Pixels that are
//! truly unlabelled count nowhere but in the rules of panoptic quality.

mod overlaps;

use rayon::prelude::*;

use self::overlaps::{Image, Pixels, Segments};
use super::{Kind, SegmentationMetric};
use crate::predictions::{Predictions, SegmentMap, Targets};
use crate::sum::{mean, sum_rows};
use crate::weights::RowWeights;

/// Which part of panoptic quality.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quality {
    /// All of it.
    Panoptic,
    /// How well the segments that match do.
    Segmentation,
    /// How many match.
    Recognition,
}

/// Which classes count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Among {
    /// Any.
    All,
    /// Those with objects that can be counted.
    Things,
    /// The others.
    Stuff,
}

/// One class: the images that it is in, ascending, and what each adds.
#[derive(Default)]
struct Class {
    is_thing: bool,
    pixels: Vec<(u32, Pixels)>,
    segments: Vec<(u32, Segments)>,
}

/// The images of a segmentation task.
pub(crate) struct Segmentations {
    classes: Vec<Class>,
    /// Mean IoU of each image; `None` where all is unlabelled.
    image_iou: Vec<Option<f64>>,
}

/// Both columns, where they hold maps.
fn maps(predictions: &Predictions) -> Option<(&[SegmentMap], &[SegmentMap])> {
    match (predictions.y_true(), predictions.y_pred()) {
        (Targets::Masks(y_true), Some(Targets::Masks(y_pred))) => Some((y_true, y_pred)),
        _ => None,
    }
}

/// Why segments cannot be compared; `None` where they can, or there are no maps.
pub(super) fn no_segments(predictions: &Predictions) -> Option<String> {
    let (y_true, y_pred) = maps(predictions)?;
    let both = y_true.iter().zip(y_pred);
    let without = both
        .filter(|(a, b)| !a.is_panoptic || !b.is_panoptic)
        .count();
    (without > 0).then(|| {
        format!("needs `segments` in `y_true` and `y_pred` of every row, and {without} have none")
    })
}

impl Segmentations {
    /// Runs on the current thread pool. `None` unless the predictions are maps.
    pub(super) fn of(predictions: &Predictions) -> Option<Self> {
        let (y_true, y_pred) = maps(predictions)?;
        let images: Vec<Image> = y_true
            .par_iter()
            .zip(y_pred)
            .map(|(truth, predicted)| Image::of(truth, predicted))
            .collect();
        let mut classes: Vec<Class> = Vec::new();
        classes.resize_with(predictions.labels().len(), Class::default);
        for segment in y_true.iter().chain(y_pred).flat_map(|map| &map.segments) {
            classes[segment.category as usize].is_thing |= segment.is_thing;
        }
        for (row, image) in (0_u32..).zip(&images) {
            for (class, pixels) in &image.pixels {
                classes[*class as usize].pixels.push((row, *pixels));
            }
            for (class, segments) in &image.segments {
                classes[*class as usize].segments.push((row, *segments));
            }
        }
        Some(Self {
            classes,
            image_iou: images.iter().map(Image::mean_iou).collect(),
        })
    }

    /// The number of each image whose mean `image_mean_iou` is; `None` where one has none.
    pub(super) fn image_values(&self) -> Option<Vec<f64>> {
        self.image_iou.iter().copied().collect()
    }

    /// Sums over images, as far as one of the kinds looks at them.
    pub(super) fn collect<W: RowWeights>(&self, kinds: &[Kind], weights: &W) -> Collected {
        let asks = |of_segments: bool| {
            let mut kinds = kinds.iter();
            kinds.any(|kind| {
                let Kind::Segmentation(metric) = kind else {
                    return false;
                };
                matches!(metric, SegmentationMetric::Quality(..)) == of_segments
            })
        };
        let classes = || self.classes.iter();
        Collected {
            pixels: match asks(false) {
                true => classes().map(|of| PixelSums::of(of, weights)).collect(),
                false => vec![],
            },
            segments: match asks(true) {
                true => classes().map(|of| SegmentSums::of(of, weights)).collect(),
                false => vec![],
            },
            image_iou: self.image_iou(weights),
        }
    }

    fn image_iou<W: RowWeights>(&self, weights: &W) -> f64 {
        let images = &self.image_iou;
        let sum = |term: &dyn Fn(f64) -> f64| {
            sum_rows(images.len(), |image| {
                images[image].map_or(0.0, |iou| weights.weight(image) * term(iou))
            })
        };
        sum(&|iou| iou) / sum(&|_| 1.0)
    }
}

/// Sum over the images that a class is in, each by its weight.
fn weighted<W: RowWeights, T>(images: &[(u32, T)], weights: &W, term: impl Fn(&T) -> f64) -> f64 {
    sum_rows(images.len(), |place| {
        let (image, of) = &images[place];
        weights.weight(*image as usize) * term(of)
    })
}

/// Weight of the pixels of one class.
struct PixelSums {
    truly: f64,
    predicted: f64,
    both: f64,
    either: f64,
}

impl PixelSums {
    fn of<W: RowWeights>(class: &Class, weights: &W) -> Self {
        let sum =
            |term: &dyn Fn(&Pixels) -> u64| weighted(&class.pixels, weights, |of| term(of) as f64);
        Self {
            truly: sum(&|of| of.truly),
            predicted: sum(&|of| of.predicted),
            both: sum(&|of| of.both),
            either: sum(&|of| of.either()),
        }
    }
}

/// Weight of the segments of one class.
struct SegmentSums {
    is_thing: bool,
    matched: f64,
    wrong: f64,
    missed: f64,
    iou: f64,
}

impl SegmentSums {
    fn of<W: RowWeights>(class: &Class, weights: &W) -> Self {
        let sum = |term: &dyn Fn(&Segments) -> f64| weighted(&class.segments, weights, term);
        Self {
            is_thing: class.is_thing,
            matched: sum(&|of| of.matched as f64),
            wrong: sum(&|of| of.wrong as f64),
            missed: sum(&|of| of.missed as f64),
            iou: sum(&Segments::iou),
        }
    }

    /// `None` for a class without a segment that counts.
    fn quality(&self, quality: Quality) -> Option<f64> {
        let segments = self.matched + 0.5 * self.wrong + 0.5 * self.missed;
        if segments == 0.0 {
            return None;
        }
        Some(match quality {
            Quality::Panoptic => self.iou / segments,
            Quality::Segmentation if self.matched == 0.0 => 0.0,
            Quality::Segmentation => self.iou / self.matched,
            Quality::Recognition => self.matched / segments,
        })
    }
}

/// What the metrics are read from, for one set of weights.
pub(super) struct Collected {
    pixels: Vec<PixelSums>,
    segments: Vec<SegmentSums>,
    image_iou: f64,
}

impl Collected {
    pub(super) fn value(&self, metric: SegmentationMetric) -> f64 {
        use SegmentationMetric as M;
        let truly = || self.pixels.iter().filter(|of| of.truly > 0.0);
        let occurring = || self.pixels.iter().filter(|of| of.either > 0.0);
        let sum = |term: &dyn Fn(&PixelSums) -> f64| {
            let classes = &self.pixels;
            sum_rows(classes.len(), |class| term(&classes[class]))
        };
        let total = || sum(&|of| of.truly);
        match metric {
            M::PixelAccuracy => sum(&|of| of.both) / total(),
            M::MeanIou => mean(occurring().map(|of| of.both / of.either)),
            M::FrequencyWeightedIou => {
                let iou = |of: &PixelSums| match of.truly > 0.0 {
                    true => of.truly * (of.both / of.either),
                    false => 0.0,
                };
                sum(&iou) / total()
            }
            M::DiceMacro => mean(occurring().map(|of| 2.0 * of.both / (of.truly + of.predicted))),
            M::MeanClassAccuracy => mean(truly().map(|of| of.both / of.truly)),
            M::ImageMeanIou => self.image_iou,
            M::Quality(quality, among) => {
                let classes = self.segments.iter().filter(|of| match among {
                    Among::All => true,
                    Among::Things => of.is_thing,
                    Among::Stuff => !of.is_thing,
                });
                mean(classes.filter_map(|of| of.quality(quality)))
            }
        }
    }
}
