//! An image drawn several times is several images, and what never matches counts for nothing.

use proptest::prelude::*;

use super::*;
use crate::definition::Task;
use crate::predictions::PredictionsInput;
use crate::weights::{Counted, Unit};

/// A box on a coarse grid, so that overlaps and scores tie.
fn any_box(scored: bool) -> impl Strategy<Value = ImageBox> {
    let place = (0_u8..6, 0_u8..6, 1_u8..6, 1_u8..6);
    (place, 0_u32..3, 0_u8..6, 0_u8..4).prop_map(
        move |((x, y, width, height), category, crowd, score)| {
            let [x, y, width, height] = [x, y, width, height].map(|of| f64::from(of) * 24.0);
            ImageBox {
                bbox: [x, y, width, height],
                category: Some(category),
                is_crowd: !scored && crowd == 0,
                area: width * height,
                score: scored.then(|| f64::from(score) / 4.0),
            }
        },
    )
}

fn any_images() -> impl Strategy<Value = Vec<(Vec<ImageBox>, Vec<ImageBox>, u32)>> {
    let truths = prop::collection::vec(any_box(false), 0..5);
    let predicted = prop::collection::vec(any_box(true), 0..14);
    prop::collection::vec((truths, predicted, 0_u32..4), 1..6)
}

fn predictions<'a>(
    images: impl Iterator<Item = &'a (Vec<ImageBox>, Vec<ImageBox>, u32)> + Clone,
) -> Predictions {
    Predictions::new(PredictionsInput {
        ids: (0..images.clone().count())
            .map(|row| row.to_string())
            .collect(),
        task: Task::Detection,
        labels: ["a", "b", "c"].map(str::to_owned).to_vec(),
        y_true: Targets::Boxes(images.clone().map(|image| image.0.clone()).collect()),
        y_pred: Some(Targets::Boxes(
            images.map(|image| image.1.clone()).collect(),
        )),
        y_score: None,
        weight: None,
        group: None,
        numbers: Vec::new(),
    })
    .expect("valid boxes")
}

fn values<W: RowWeights>(of: &Predictions, weights: &W) -> Vec<u64> {
    let detections = Detections::of(of).expect("boxes");
    let values = (0..AREAS).flat_map(|area| {
        let of = detections.values(area, weights);
        [
            &[of.precision, of.precision_50, of.precision_75][..],
            &of.recall,
        ]
        .concat()
    });
    values.map(f64::to_bits).collect()
}

proptest! {
    #[test]
    fn an_image_drawn_twice_is_two_images(images in any_images()) {
        prop_assume!(images.iter().any(|image| image.2 > 0));
        let counts: Vec<u8> = images.iter().map(|image| image.2 as u8).collect();
        let repeated = images.iter().flat_map(|image| std::iter::repeat_n(image, image.2 as usize));
        prop_assert_eq!(
            values(&predictions(images.iter()), &Counted(&counts)),
            values(&predictions(repeated), &Unit)
        );
    }

    #[test]
    fn predictions_of_categories_without_truth_change_nothing(mut images in any_images()) {
        let before = values(&predictions(images.iter()), &Unit);
        let stray = ImageBox {
            bbox: [0.0, 0.0, 48.0, 48.0],
            category: None,
            is_crowd: false,
            area: 2304.0,
            score: Some(9.0),
        };
        images.iter_mut().for_each(|image| image.1.push(stray.clone()));
        let of = predictions(images.iter());
        prop_assert_eq!(before, values(&of, &Unit));
        prop_assert!(Detections::of(&of).and_then(|of| of.note()).is_some());
    }
}

#[test]
fn recalls_are_numpys() {
    assert_eq!(recall_at(29), 0.29);
    assert_eq!(recall_at(57), 0.570_000_000_000_000_1);
    assert_eq!(recall_at(100), 1.0);
}

#[test]
fn bits_are_listed_in_order() {
    assert_eq!(bits(0b10_0000_1001).collect::<Vec<_>>(), [0, 3, 9]);
    assert_eq!(bits(0).count(), 0);
}

#[test]
fn no_fewer_right_predictions_reach_a_recall() {
    for truths in [1, 2, 3, 7, 29, 50, 99, 100, 101, 1000, 36_335, 1 << 40] {
        let needed = needed(truths);
        assert_eq!(needed[RECALLS], u64::MAX);
        for (place, right) in needed[..RECALLS].iter().enumerate() {
            let reaches = |right: u64| right as f64 / truths as f64 >= recall_at(place);
            assert!(reaches(*right), "{place} of {truths}");
            assert!(*right == 0 || !reaches(right - 1));
        }
    }
}

/// The walk as it is defined: prediction by prediction, each with its own division.
fn plain_precisions(truths: u64, entries: &[(Entry, u64)]) -> [[f64; RECALLS]; THRESHOLDS] {
    std::array::from_fn(|threshold| {
        let bit = 1 << threshold;
        let (mut right, mut counted) = (0_u64, 0_u64);
        let mut precision = [0.0_f64; RECALLS];
        for (entry, copies) in entries {
            for _ in 0..*copies {
                counted += u64::from(entry.state.ignored & bit == 0);
                if entry.state.right & bit != 0 {
                    right += 1;
                    let recall = right as f64 / truths as f64;
                    let here = right as f64 / (counted as f64 + f64::EPSILON);
                    for (place, best) in precision.iter_mut().enumerate() {
                        if place == 0 || recall_at(place) <= recall {
                            *best = best.max(here);
                        }
                    }
                }
            }
        }
        precision
    })
}

proptest! {
    #[test]
    fn walks_have_the_bits_of_the_definition(
        states in prop::collection::vec((any::<u16>(), any::<u16>(), 0_u64..4), 1..80),
        more: u8,
    ) {
        let entries: Vec<(Entry, u64)> = states
            .into_iter()
            .map(|(right, ignored, copies)| {
                let ignored = ignored & ALL_THRESHOLDS;
                let state = State { right: right & ALL_THRESHOLDS & !ignored, ignored };
                (Entry { image: 0, reach: 0, is_tied: false, state }, copies)
            })
            .collect();
        // At most as many are right as there are to find.
        let truths = 1 + u64::from(more) + entries.iter().map(|entry| entry.1).sum::<u64>();
        let mut walk = Walk::new(truths);
        entries.iter().for_each(|(entry, copies)| walk.step(entry, *copies));
        let (found, plain) = (walk.curves().precision, plain_precisions(truths, &entries));
        for (found, plain) in found.iter().flatten().zip(plain.iter().flatten()) {
            prop_assert_eq!(found.to_bits(), plain.to_bits());
        }
    }
}
