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
        let counts: Vec<u32> = images.iter().map(|image| image.2).collect();
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
