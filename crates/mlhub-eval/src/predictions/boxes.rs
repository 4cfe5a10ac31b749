//! Boxes around the objects of each image: from the cells of a file to lists, and their checks.
//!
//! Terms and meanings are COCO's. What is done with the boxes is in `metrics::detection`.

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::check::Offenders;
use super::names::{Name, Names};
use super::{ImageColumns, PredictionsError, Targets};

/// Most boxes of one image in one column.
pub const MAX_IMAGE_BOXES: usize = 1 << 13;

/// Most boxes of one column, each of which is kept as some 100 bytes.
pub const MAX_BOXES: usize = 1 << 23;

/// Most categories of boxes.
pub const MAX_BOX_CATEGORIES: usize = 1 << 14;

/// Largest coordinate, width or height of a box, in pixels; products of them stay finite.
pub const MAX_BOX_COORDINATE: f64 = 1e9;

/// A box of an image, true or predicted.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageBox {
    /// Left, top, width and height, in pixels; width and height are not negative.
    pub bbox: [f64; 4],
    /// Category, as an index into the labels; `None` for a predicted one that no true box has.
    pub category: Option<u32>,
    /// Whether a true box is a region of many objects (COCO's `iscrowd`), in which predictions
    /// are neither right nor wrong. Not looked at in predictions.
    pub is_crowd: bool,
    /// Area of the object in square pixels, by which a true box is small, medium or large. Of
    /// predictions it is not looked at: theirs is width times height.
    pub area: f64,
    /// How sure the prediction is, larger for surer; `None` for a true box.
    pub score: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TrueBox {
    bbox: [f64; 4],
    category: Name,
    #[serde(default)]
    iscrowd: u8,
    area: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PredictedBox {
    bbox: [f64; 4],
    category: Name,
    score: f64,
    #[serde(rename = "iscrowd")]
    _is_crowd: Option<IgnoredAny>,
    #[serde(rename = "area")]
    _area: Option<IgnoredAny>,
}

const TRUE_FORM: &str = "do not hold a JSON list of boxes such as {\"bbox\": [left, top, width, \
                         height], \"category\": \"name\"}, with \"iscrowd\" (0 or 1) and \"area\" \
                         where wanted";
const PREDICTED_FORM: &str = "do not hold a JSON list of boxes such as {\"bbox\": [left, top, \
                              width, height], \"category\": \"name\", \"score\": 0.5}";

/// Boxes per image from cells that hold JSON lists of objects: `{"bbox": [left, top, width,
/// height], "category": "name", "iscrowd": 0, "area": 12.5}` in `y_true`, where `iscrowd` (else
/// 0) and `area` (else width times height) may be left out, and the same with `"score"` in
/// `y_pred`. Labels are the categories of `y_true`, sorted. One row is one image.
///
/// # Errors
/// [`PredictionsError::Images`] names the column, the count and the first rows of cells that hold
/// anything else; [`PredictionsError::ImageLimit`] where there is more than can be evaluated.
pub fn parse_boxes(
    y_true: &[String],
    y_pred: Option<&[String]>,
) -> Result<ImageColumns, PredictionsError> {
    let mut names = Names::default();
    let mut truths = parse(("y_true", TRUE_FORM), y_true, |of: TrueBox| {
        (of.iscrowd <= 1).then(|| ImageBox {
            bbox: of.bbox,
            category: Some(names.place(of.category.into_text())),
            is_crowd: of.iscrowd == 1,
            area: of.area.unwrap_or(of.bbox[2] * of.bbox[3]),
            score: None,
        })
    })?;
    let (labels, moved) = names.sorted();
    for truth in truths.iter_mut().flatten() {
        truth.category = truth.category.map(|place| moved[place as usize]);
    }
    let places: HashMap<&str, u32> = labels.iter().map(String::as_str).zip(0..).collect();
    let predicted = y_pred.map(|cells| {
        parse(("y_pred", PREDICTED_FORM), cells, |of: PredictedBox| {
            Some(ImageBox {
                bbox: of.bbox,
                category: places.get(of.category.into_text().as_str()).copied(),
                is_crowd: false,
                area: of.bbox[2] * of.bbox[3],
                score: Some(of.score),
            })
        })
    });
    let y_pred = predicted.transpose()?.map(Targets::Boxes);
    Ok(ImageColumns {
        labels,
        y_true: Targets::Boxes(truths),
        y_pred,
    })
}

fn parse<'a, T: Deserialize<'a>>(
    (column, form): (&str, &'static str),
    cells: &'a [String],
    mut take: impl FnMut(T) -> Option<ImageBox>,
) -> Result<Vec<Vec<ImageBox>>, PredictionsError> {
    let mut wrong = Offenders::default();
    let mut total = 0;
    let mut images = Vec::with_capacity(cells.len());
    for (row, cell) in cells.iter().enumerate() {
        let boxes: Option<Vec<ImageBox>> = serde_json::from_str::<Vec<T>>(cell)
            .ok()
            .and_then(|boxes| boxes.into_iter().map(&mut take).collect());
        wrong.note(row, boxes.is_none());
        let boxes = boxes.unwrap_or_default();
        total += boxes.len();
        check_total(column, total)?;
        images.push(boxes);
    }
    wrong.into_result(|count, rows| PredictionsError::Images {
        column: column.to_owned(),
        count,
        problem: form,
        rows,
    })?;
    Ok(images)
}

fn check_total(column: &str, found: usize) -> Result<(), PredictionsError> {
    if found > MAX_BOXES {
        return Err(PredictionsError::ImageLimit {
            column: column.to_owned(),
            found,
            what: "boxes",
            limit: MAX_BOXES,
        });
    }
    Ok(())
}

/// What is wrong with a box, and whether one is right.
type Rule<'a> = (&'static str, &'a dyn Fn(&ImageBox) -> bool);

/// Refuses boxes that cannot be compared; `column` tells whether they are the true ones.
pub(super) fn check(
    column: &str,
    images: &[Vec<ImageBox>],
    labels: usize,
) -> Result<(), PredictionsError> {
    check_total(column, images.iter().map(Vec::len).sum())?;
    let is_true = column == "y_true";
    let is_number = |value: &f64| value.abs() <= MAX_BOX_COORDINATE;
    let rules: [Rule<'_>; 4] = [
        (
            "hold a box with a number that is NaN or beyond 1e9",
            &|of| of.bbox.iter().all(is_number),
        ),
        ("hold a box with a negative width, height or area", &|of| {
            of.bbox[2] >= 0.0 && of.bbox[3] >= 0.0 && of.area >= 0.0 && of.area.is_finite()
        }),
        (
            if is_true {
                "hold a box with a score; only predictions have one"
            } else {
                "hold a box without a finite score"
            },
            &|of| match of.score {
                None => is_true,
                Some(score) => !is_true && score.is_finite(),
            },
        ),
        (
            "hold a box of a category that is not among the labels",
            &|of| match of.category {
                None => !is_true,
                Some(category) => (category as usize) < labels,
            },
        ),
    ];
    let sized = |row: &Vec<ImageBox>| row.len() <= MAX_IMAGE_BOXES;
    refuse(column, images, "hold more than 8192 boxes", sized)?;
    for (problem, is_right) in rules {
        refuse(column, images, problem, |row| row.iter().all(is_right))?;
    }
    Ok(())
}

fn refuse(
    column: &str,
    images: &[Vec<ImageBox>],
    problem: &'static str,
    is_right: impl Fn(&Vec<ImageBox>) -> bool,
) -> Result<(), PredictionsError> {
    let mut wrong = Offenders::default();
    for (row, boxes) in images.iter().enumerate() {
        wrong.note(row, !is_right(boxes));
    }
    wrong.into_result(|count, rows| PredictionsError::Images {
        column: column.to_owned(),
        count,
        problem,
        rows,
    })
}
