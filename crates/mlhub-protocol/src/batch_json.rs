//! Reading the JSON form of a batch straight into columns: names are compared in
//! the body itself, and no point is made twice.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use mlhub_core::Timestamp;
use mlhub_core::metric::{Grouping, Point, SeriesPoints};
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};

use crate::Number;
use crate::batch::{BatchHead, ColumnBatch};
use crate::rest::RecordInput;

/// [`crate::rest::EventBatch`], as it is read.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, expecting = "a batch of events")]
struct Batch {
    writer: String,
    start: u64,
    end: u64,
    #[serde(default)]
    points: Columns,
    #[serde(default)]
    params: BTreeMap<String, String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    records: Vec<RecordInput>,
}

/// [`crate::rest::PointView`], as it is read.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, expecting = "a point")]
struct NamedPoint<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    step: i64,
    time_ms: i64,
    value: Number,
}

#[derive(Default)]
struct Columns(Vec<SeriesPoints>);

impl<'de> Deserialize<'de> for Columns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(PointsVisitor)
    }
}

struct PointsVisitor;

impl<'de> Visitor<'de> for PointsVisitor {
    type Value = Columns;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of points")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut points: A) -> Result<Columns, A::Error> {
        let mut grouping = Grouping::default();
        while let Some(point) = points.next_element::<NamedPoint<'de>>()? {
            let value = Point {
                step: point.step,
                time: Timestamp(point.time_ms),
                value: point.value.0,
            };
            grouping.push(&point.name, value);
        }
        Ok(Columns(grouping.finish()))
    }
}

impl<'de> Deserialize<'de> for ColumnBatch {
    /// Reads the JSON form.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let batch = Batch::deserialize(deserializer)?;
        Ok(Self {
            head: BatchHead {
                writer: batch.writer,
                start: batch.start,
                end: batch.end,
                params: batch.params,
                tags: batch.tags,
                records: batch.records,
            },
            series: batch.points.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lenient;
    use crate::rest::{EventBatch, PointView};

    fn any_event_batch() -> impl Strategy<Value = EventBatch> {
        let name = prop_oneof![
            prop::sample::select(vec!["loss", "a\"b\\\n", "\u{e9}\u{1f600}", ""])
                .prop_map(str::to_owned),
            (0..40u8).prop_map(|index| format!("metric/{index}")),
        ];
        let point = (name, any::<i64>(), any::<i64>(), any::<u64>()).prop_map(
            |(name, step, time_ms, bits)| PointView {
                name,
                step,
                time_ms,
                value: f64::from_bits(bits).into(),
            },
        );
        (
            prop::collection::vec(point, 0..120),
            "\\PC{0,8}",
            any::<u64>(),
        )
            .prop_map(|(points, word, end)| EventBatch {
                writer: word.clone(),
                end,
                points,
                params: [("p".to_owned(), word.clone())].into(),
                records: vec![RecordInput {
                    kind: "entry".to_owned(),
                    time_ms: 3,
                    body: serde_json::json!({"w": word}),
                }],
                ..EventBatch::default()
            })
    }

    /// NaN equals no NaN, also not itself.
    fn said(batch: &ColumnBatch) -> String {
        format!("{batch:?}")
    }

    proptest! {
        #[test]
        fn columns_are_read_as_points_are(batch in any_event_batch()) {
            let text = serde_json::to_vec(&batch).expect("JSON");
            let read: ColumnBatch = lenient::from_slice(&text).expect("own batch");
            let through: EventBatch = lenient::from_slice(&text).expect("own batch");
            prop_assert_eq!(said(&read), said(&through.into()));
        }

        #[test]
        fn what_is_refused_as_points_is_refused_as_columns(batch in any_event_batch(), place in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut text = serde_json::to_vec(&batch).expect("JSON");
            let place = place.index(text.len());
            text[place] = byte;
            let points = lenient::from_slice::<EventBatch>(&text);
            let columns = lenient::from_slice::<ColumnBatch>(&text);
            prop_assert_eq!(columns.map(|read| said(&read)).ok(), points.map(|read| said(&read.into())).ok());
        }
    }
}
