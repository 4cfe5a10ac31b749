//! Definitions for images: boxes around objects.
//!
//! Text only; the arithmetic is in `metrics::detection`.

use super::Row;
use crate::definition::{Direction, Task};
use crate::metrics::{BoxArea, DetectionMetric, Kind};

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
