//! Maps of the segments of each image: from the cells of a file to runs, and their checks.
//!
//! What is done with the maps is in `metrics::segmentation`.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::check::Offenders;
use super::names::{Name, Names};
use super::{ImageColumns, PredictionsError, Targets};

/// Most pixels of an image.
pub const MAX_IMAGE_PIXELS: u64 = 1 << 28;

/// Most runs of one column, each of which is kept as 8 bytes.
pub const MAX_MASK_RUNS: usize = 1 << 25;

/// Stands in a run for pixels of no segment: unlabelled where true, nothing where predicted.
pub const VOID_SEGMENT: u32 = u32::MAX;

/// How an unlabelled run or category may be written, besides `null`.
const VOID: &str = "void";

/// Which segment each pixel of an image is of.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentMap {
    /// Rows of pixels.
    pub height: u32,
    /// Pixels per row.
    pub width: u32,
    /// Runs of equal pixels, row after row: the place of their segment (or [`VOID_SEGMENT`]) and
    /// their number. Together height times width pixels.
    pub runs: Vec<(u32, u32)>,
    /// The segments, each with at least one pixel.
    pub segments: Vec<MaskSegment>,
    /// Whether objects of one category are told apart, which panoptic metrics need; else there is
    /// one segment per category.
    pub is_panoptic: bool,
}

/// A segment of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaskSegment {
    /// Category, as an index into the labels.
    pub category: u32,
    /// Whether its category has objects that can be counted, as cars can and sky cannot.
    pub is_thing: bool,
    /// Whether a true segment is a region of many objects (COCO's `iscrowd`), which panoptic
    /// metrics leave out. Not looked at in predictions.
    pub is_crowd: bool,
}

/// What a run is of.
#[derive(Deserialize)]
#[serde(untagged)]
enum Key<'a> {
    #[serde(borrow)]
    Text(Cow<'a, str>),
    Whole(i64),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Map<'a> {
    size: [u32; 2],
    #[serde(borrow)]
    runs: Vec<(Option<Key<'a>>, u32)>,
    segments: Option<Listed>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Segment {
    category: Option<Name>,
    thing: Option<bool>,
    #[serde(default)]
    iscrowd: u8,
}

/// The segments of a row, by name.
struct Listed(BTreeMap<String, Segment>);

impl<'de> Deserialize<'de> for Listed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ListedVisitor)
    }
}

/// A map of its own would keep the last of two segments with one name.
struct ListedVisitor;

impl<'de> Visitor<'de> for ListedVisitor {
    type Value = Listed;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("segments by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Listed, A::Error> {
        let mut listed = BTreeMap::new();
        while let Some((name, segment)) = map.next_entry()? {
            if listed.insert(name, segment).is_some() {
                return Err(serde::de::Error::custom("a segment is listed twice"));
            }
        }
        Ok(Listed(listed))
    }
}

const FORM: &str = "do not hold a JSON map such as {\"size\": [height, width], \"runs\": \
                    [[segment, length], ...], \"segments\": {\"segment\": {\"category\": \
                    \"name\", \"thing\": true}}}, in which `segments` may be left out";
const UNKNOWN: &str = "hold a run of a segment that is not among the `segments` of the row";
const UNUSED: &str = "list a segment that no run is of";
const LENGTH: &str = "hold runs that are not as long together as the image has pixels, or are of 0";
const SIZE: &str = "hold an image of no pixels, or of more than 2^28";
const THING: &str = "call a category a thing that is stuff elsewhere, or the reverse";

/// Categories and what is known of them.
#[derive(Default)]
struct Categories {
    names: Names,
    /// Whether each is a thing, by its place among the names; `None` where nobody said.
    things: Vec<Option<bool>>,
}

impl Categories {
    fn place(&mut self, name: String, is_thing: Option<bool>) -> Result<u32, &'static str> {
        let place = self.names.place(name);
        let index = place as usize;
        self.things.resize(self.things.len().max(index + 1), None);
        let known = &mut self.things[index];
        if known.is_some() && is_thing.is_some() && *known != is_thing {
            return Err(THING);
        }
        *known = known.or(is_thing);
        Ok(place)
    }
}

/// Maps of segments from cells that hold JSON: `{"size": [height, width], "runs": [[segment,
/// length], ...], "segments": {"segment": {"category": "road", "thing": true}}}`. Runs are row
/// after row; a run of `null` or `"void"` is unlabelled. Of a segment `thing` (else what the
/// category is elsewhere, else false) and `iscrowd` (0 or 1, else 0) may be left out. Without
/// `segments` runs are of categories. Labels are all categories, sorted. One row is one image.
///
/// # Errors
/// [`PredictionsError::Images`] names the column, the count and the first rows of cells that hold
/// anything else; [`PredictionsError::ImageLimit`] where there is more than can be evaluated.
pub fn parse_masks(
    y_true: &[String],
    y_pred: Option<&[String]>,
) -> Result<ImageColumns, PredictionsError> {
    let mut categories = Categories::default();
    let mut truths = parse("y_true", y_true, &mut categories)?;
    let mut predicted = match y_pred {
        Some(cells) => Some(parse("y_pred", cells, &mut categories)?),
        None => None,
    };
    let (labels, moved) = categories.names.sorted();
    let maps = truths.iter_mut().chain(predicted.iter_mut().flatten());
    for segment in maps.flat_map(|map| &mut map.segments) {
        let place = segment.category as usize;
        segment.is_thing = categories.things[place].unwrap_or(false);
        segment.category = moved[place];
    }
    Ok(ImageColumns {
        labels,
        y_true: Targets::Masks(truths),
        y_pred: predicted.map(Targets::Masks),
    })
}

fn parse(
    column: &str,
    cells: &[String],
    categories: &mut Categories,
) -> Result<Vec<SegmentMap>, PredictionsError> {
    // The first problem that is met decides what is told.
    let mut wrong: Option<(&'static str, Offenders)> = None;
    let mut runs = 0;
    let mut maps = Vec::with_capacity(cells.len());
    for (row, cell) in cells.iter().enumerate() {
        let map = serde_json::from_str::<Map<'_>>(cell).map_err(|_| FORM);
        match map.and_then(|map| of_json(map, categories)) {
            Ok(map) => {
                runs += map.runs.len();
                check_total(column, runs)?;
                maps.push(map);
            }
            Err(problem) => {
                let (told, rows) = wrong.get_or_insert((problem, Offenders::default()));
                rows.note(row, *told == problem);
            }
        }
    }
    if let Some((problem, rows)) = wrong {
        rows.into_result(|count, rows| PredictionsError::Images {
            column: column.to_owned(),
            count,
            problem,
            rows,
        })?;
    }
    Ok(maps)
}

fn check_total(column: &str, found: usize) -> Result<(), PredictionsError> {
    if found > MAX_MASK_RUNS {
        return Err(PredictionsError::ImageLimit {
            column: column.to_owned(),
            found,
            what: "runs",
            limit: MAX_MASK_RUNS,
        });
    }
    Ok(())
}

/// Segments of a row under the names that its runs use.
#[derive(Default)]
struct Named {
    /// Place of each name; [`VOID_SEGMENT`] of one whose category is unlabelled.
    places: HashMap<String, u32>,
    segments: Vec<MaskSegment>,
}

impl Named {
    fn add(&mut self, name: String, segment: MaskSegment) -> u32 {
        let place = u32::try_from(self.segments.len()).unwrap_or(VOID_SEGMENT);
        self.segments.push(segment);
        self.places.insert(name, place);
        place
    }

    fn of(listed: Option<Listed>, categories: &mut Categories) -> Result<Self, &'static str> {
        let mut named = Self::default();
        for (name, segment) in listed.map(|listed| listed.0).unwrap_or_default() {
            if name == VOID || segment.iscrowd > 1 {
                return Err(FORM);
            }
            let category = segment.category.map(Name::into_text);
            let Some(category) = category.filter(|category| category != VOID) else {
                named.places.insert(name, VOID_SEGMENT);
                continue;
            };
            let segment = MaskSegment {
                category: categories.place(category, segment.thing)?,
                is_thing: false,
                is_crowd: segment.iscrowd == 1,
            };
            named.add(name, segment);
        }
        Ok(named)
    }
}

fn of_json(map: Map<'_>, categories: &mut Categories) -> Result<SegmentMap, &'static str> {
    let is_panoptic = map.segments.is_some();
    let mut named = Named::of(map.segments, categories)?;
    let mut runs = Vec::with_capacity(map.runs.len());
    for (key, length) in map.runs {
        let name = match key {
            None => Cow::Borrowed(VOID),
            Some(Key::Text(name)) => name,
            Some(Key::Whole(number)) => Cow::Owned(number.to_string()),
        };
        let place = match named.places.get(name.as_ref()) {
            _ if name == VOID => VOID_SEGMENT,
            Some(place) => *place,
            None if is_panoptic => return Err(UNKNOWN),
            None => {
                let segment = MaskSegment {
                    category: categories.place(name.as_ref().to_owned(), None)?,
                    is_thing: false,
                    is_crowd: false,
                };
                named.add(name.into_owned(), segment)
            }
        };
        runs.push((place, length));
    }
    let map = SegmentMap {
        height: map.size[0],
        width: map.size[1],
        runs,
        segments: named.segments,
        is_panoptic,
    };
    problem(&map).map_or(Ok(map), Err)
}

/// What is wrong with a map in itself.
fn problem(map: &SegmentMap) -> Option<&'static str> {
    let pixels = u64::from(map.height) * u64::from(map.width);
    if !(1..=MAX_IMAGE_PIXELS).contains(&pixels) {
        return Some(SIZE);
    }
    let mut length = 0;
    let mut used = vec![false; map.segments.len()];
    for (segment, run) in &map.runs {
        length += u64::from(*run);
        if *run == 0 || length > pixels {
            return Some(LENGTH);
        }
        match used.get_mut(*segment as usize) {
            Some(used) => *used = true,
            None if *segment == VOID_SEGMENT => {}
            None => return Some(UNKNOWN),
        }
    }
    if length < pixels {
        return Some(LENGTH);
    }
    (!used.iter().all(|used| *used)).then_some(UNUSED)
}

/// Refuses maps that cannot be compared with those of `y_true`.
pub(super) fn check(
    column: &str,
    maps: &[SegmentMap],
    y_true: &Targets,
    labels: usize,
) -> Result<(), PredictionsError> {
    check_total(column, maps.iter().map(|map| map.runs.len()).sum())?;
    let refuse = |what: &dyn Fn(usize, &SegmentMap) -> Option<&'static str>| {
        let mut wrong: Option<(&'static str, Offenders)> = None;
        for (row, map) in maps.iter().enumerate() {
            if let Some(problem) = what(row, map) {
                let (told, rows) = wrong.get_or_insert((problem, Offenders::default()));
                rows.note(row, *told == problem);
            }
        }
        let Some((problem, rows)) = wrong else {
            return Ok(());
        };
        rows.into_result(|count, rows| PredictionsError::Images {
            column: column.to_owned(),
            count,
            problem,
            rows,
        })
    };
    refuse(&|_, map| problem(map))?;
    let is_known = |of: &MaskSegment| (of.category as usize) < labels;
    refuse(&|_, map| {
        (!map.segments.iter().all(is_known))
            .then_some("hold a category that is not among the labels")
    })?;
    let Targets::Masks(truths) = y_true else {
        return Ok(());
    };
    refuse(&|row, map| {
        let truth = truths.get(row)?;
        ((map.height, map.width) != (truth.height, truth.width))
            .then_some("hold a map of another size than y_true does")
    })
}
