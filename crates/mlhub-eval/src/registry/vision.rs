//! Definitions for images: boxes around objects, and maps of segments.
//!
//! Text only; the arithmetic is in `metrics::detection` and `metrics::segmentation`.

use super::Row;
use crate::definition::{Direction, Task};
use crate::metrics::{Among, BoxArea, DetectionMetric, Kind, Quality, SegmentationMetric};

const NO_BOX: &str = "undefined: no true box counts";

/// Larger is better, from 0 to 1.
fn box_row(
    metric: DetectionMetric,
    name: &'static str,
    params: &'static [(&'static str, f64)],
    formula: &'static str,
) -> Row {
    Row {
        kind: Kind::Detection(metric),
        name,
        tasks: &[Task::Detection],
        params,
        direction: Direction::Maximize,
        range: (Some(0.0), Some(1.0)),
        unit: None,
        formula,
        source: "Lin et al., Microsoft COCO, 2014; pycocotools COCOeval of iouType bbox",
        undefined: NO_BOX,
    }
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = box_precision_rows();
    rows.extend(box_recall_rows());
    rows.extend(pixel_rows());
    rows.extend(panoptic_rows());
    rows
}

fn box_precision_rows() -> Vec<Row> {
    use DetectionMetric as M;
    vec![
        box_row(
            M::AveragePrecision(BoxArea::All),
            "coco_ap",
            &[("max_detections", 100.0)],
            "Mean over categories, IoU thresholds 0.50, 0.55, ..., 0.95 and recalls 0, 0.01, ..., 1 \
             of the highest precision TP / (TP + FP) at that recall or a higher one, 0 where none \
             reaches it. Recall is TP / true boxes that count. Predictions are taken from the \
             highest score on, equal ones in the order of rows and of their lists, the first 100 \
             per image and category. Each takes the free true box of its image and category with \
             the highest IoU (the last of equal ones) of at least the threshold (TP), else is FP. \
             True boxes that are crowds (iscrowd), or whose area is above 1e10 square pixels, do \
             not count: what takes one, having found none that counts, is neither TP nor FP, nor \
             is what takes nothing and is larger than that; a crowd can be taken again, and its \
             IoU is intersection / area of the prediction. Categories without a true box that \
             counts are left out; NaN when none is left. Not defined for weighted rows.",
        ),
        box_row(
            M::AveragePrecision50,
            "coco_ap50",
            &[("iou", 0.5), ("max_detections", 100.0)],
            "As coco_ap, at the IoU threshold 0.50 alone.",
        ),
        box_row(
            M::AveragePrecision75,
            "coco_ap75",
            &[("iou", 0.75), ("max_detections", 100.0)],
            "As coco_ap, at the IoU threshold 0.75 alone.",
        ),
        box_row(
            M::AveragePrecision(BoxArea::Small),
            "coco_ap_small",
            &[("max_detections", 100.0), ("area_max", 1024.0)],
            "As coco_ap, where only true boxes with an area from 0 to 32^2 square pixels (both \
             included) count, and a prediction that takes none is FP only if its width times \
             height is in that range.",
        ),
        box_row(
            M::AveragePrecision(BoxArea::Medium),
            "coco_ap_medium",
            &[
                ("max_detections", 100.0),
                ("area_min", 1024.0),
                ("area_max", 9216.0),
            ],
            "As coco_ap_small, with areas from 32^2 to 96^2 square pixels.",
        ),
        box_row(
            M::AveragePrecision(BoxArea::Large),
            "coco_ap_large",
            &[("max_detections", 100.0), ("area_min", 9216.0)],
            "As coco_ap_small, with areas from 96^2 to 1e10 square pixels.",
        ),
    ]
}

fn box_recall_rows() -> Vec<Row> {
    use DetectionMetric as M;
    vec![
        box_row(
            M::Recall1,
            "coco_ar_1",
            &[("max_detections", 1.0)],
            "Mean over categories and IoU thresholds 0.50, 0.55, ..., 0.95 of the share of true \
             boxes that count that a prediction takes, looking at the prediction of highest score \
             of each image and category. Matching, what counts and categories left out are those \
             of coco_ap.",
        ),
        box_row(
            M::Recall10,
            "coco_ar_10",
            &[("max_detections", 10.0)],
            "As coco_ar_1, looking at the 10 predictions of highest score.",
        ),
        box_row(
            M::Recall(BoxArea::All),
            "coco_ar_100",
            &[("max_detections", 100.0)],
            "As coco_ar_1, looking at the 100 predictions of highest score.",
        ),
        box_row(
            M::Recall(BoxArea::Small),
            "coco_ar_small",
            &[("max_detections", 100.0), ("area_max", 1024.0)],
            "As coco_ar_100, where only true boxes with an area from 0 to 32^2 square pixels (both \
             included) count.",
        ),
        box_row(
            M::Recall(BoxArea::Medium),
            "coco_ar_medium",
            &[
                ("max_detections", 100.0),
                ("area_min", 1024.0),
                ("area_max", 9216.0),
            ],
            "As coco_ar_small, with areas from 32^2 to 96^2 square pixels.",
        ),
        box_row(
            M::Recall(BoxArea::Large),
            "coco_ar_large",
            &[("max_detections", 100.0), ("area_min", 9216.0)],
            "As coco_ar_small, with areas from 96^2 to 1e10 square pixels.",
        ),
    ]
}

/// Larger is better, from 0 to 1.
fn map_row(
    metric: SegmentationMetric,
    name: &'static str,
    formula: &'static str,
    source: &'static str,
) -> Row {
    Row {
        kind: Kind::Segmentation(metric),
        name,
        tasks: &[Task::Segmentation],
        params: &[],
        direction: Direction::Maximize,
        range: (Some(0.0), Some(1.0)),
        unit: None,
        formula,
        source,
        undefined: "undefined: no pixel with a weight is labelled",
    }
}

fn pixel_rows() -> Vec<Row> {
    use SegmentationMetric as M;
    let long = "Long et al., Fully convolutional networks, 2015";
    vec![
        map_row(
            M::PixelAccuracy,
            "pixel_accuracy",
            "sum_c n_cc / sum_c t_c over all images together, n_cc = sum_i w_i (pixels of image i \
             that are truly of class c and predicted to be), t_c = sum_i w_i (pixels truly of c). \
             Pixels that are truly unlabelled are left out; others that are predicted to be none \
             are wrong. NaN when no pixel is labelled.",
            long,
        ),
        map_row(
            M::MeanIou,
            "mean_iou",
            "Mean of n_cc / (t_c + p_c - n_cc) over the classes that a pixel truly is of or is \
             predicted to be, p_c = sum_i w_i (pixels predicted to be of c), with n_cc, t_c and \
             what is left out as in pixel_accuracy.",
            "Long et al., Fully convolutional networks, 2015; scikit-learn jaccard_score of \
             pixels, average=macro",
        ),
        map_row(
            M::FrequencyWeightedIou,
            "frequency_weighted_iou",
            "sum_c t_c IoU_c / sum_c t_c, IoU_c = n_cc / (t_c + p_c - n_cc), with the terms of \
             mean_iou.",
            "Long et al., Fully convolutional networks, 2015; scikit-learn jaccard_score of \
             pixels, average=weighted",
        ),
        map_row(
            M::DiceMacro,
            "dice_macro",
            "Mean of 2 n_cc / (t_c + p_c) over the classes of mean_iou, with its terms.",
            "Dice 1945; scikit-learn f1_score of pixels, average=macro",
        ),
        map_row(
            M::MeanClassAccuracy,
            "mean_class_accuracy",
            "Mean of n_cc / t_c over the classes that a pixel truly is of, with the terms of \
             pixel_accuracy.",
            "Long et al., Fully convolutional networks, 2015; scikit-learn \
             balanced_accuracy_score of pixels",
        ),
        Row {
            undefined: "undefined: no image with a weight has a labelled pixel",
            ..map_row(
                M::ImageMeanIou,
                "image_mean_iou",
                "sum_i w_i m_i / sum_i w_i, m_i the mean_iou of image i by itself. Images without \
                 a labelled pixel are left out; NaN when none is left.",
                "Csurka et al., What is a good evaluation measure for semantic segmentation?, 2013",
            )
        },
    ]
}

fn panoptic_rows() -> Vec<Row> {
    let row = |quality, among, name, formula| Row {
        undefined: match among {
            Among::All => "undefined: no class has a segment that counts",
            Among::Things => "undefined: no thing has a segment that counts",
            Among::Stuff => "undefined: no stuff has a segment that counts",
        },
        ..map_row(
            SegmentationMetric::Quality(quality, among),
            name,
            formula,
            "Kirillov et al., Panoptic segmentation, 2019; panopticapi pq_compute",
        )
    };
    vec![
        row(
            Quality::Panoptic,
            Among::All,
            "panoptic_quality",
            "Mean over classes of S / (TP + FP / 2 + FN / 2), counted over all images, each by its \
             w_i. A true and a predicted segment of one image and class match (TP) when their IoU, \
             whose union leaves out truly unlabelled pixels, is above 1/2; S sums these IoUs. \
             Other true segments are FN, but for crowds (iscrowd), which match nothing and do not \
             count. Other predicted segments are FP, but for those more than half of whose pixels \
             are truly unlabelled or in a crowd of their class. Classes without TP, FP and FN are \
             left out; NaN when none is left.",
        ),
        row(
            Quality::Segmentation,
            Among::All,
            "segmentation_quality",
            "Mean over classes of S / TP, 0 where nothing matches, with the terms and classes of \
             panoptic_quality.",
        ),
        row(
            Quality::Recognition,
            Among::All,
            "recognition_quality",
            "Mean over classes of TP / (TP + FP / 2 + FN / 2), with the terms and classes of \
             panoptic_quality.",
        ),
        row(
            Quality::Panoptic,
            Among::Things,
            "panoptic_quality_things",
            "As panoptic_quality, over the classes that are things.",
        ),
        row(
            Quality::Segmentation,
            Among::Things,
            "segmentation_quality_things",
            "As segmentation_quality, over the classes that are things.",
        ),
        row(
            Quality::Recognition,
            Among::Things,
            "recognition_quality_things",
            "As recognition_quality, over the classes that are things.",
        ),
        row(
            Quality::Panoptic,
            Among::Stuff,
            "panoptic_quality_stuff",
            "As panoptic_quality, over the classes that are not things.",
        ),
        row(
            Quality::Segmentation,
            Among::Stuff,
            "segmentation_quality_stuff",
            "As segmentation_quality, over the classes that are not things.",
        ),
        row(
            Quality::Recognition,
            Among::Stuff,
            "recognition_quality_stuff",
            "As recognition_quality, over the classes that are not things.",
        ),
    ]
}
