//! Series as machines hold them, for charts: [`rest::PACKED_SERIES`] says how.

use mlhub_app::Series;
use mlhub_core::metric::Point;
use mlhub_core::{Error, Result};
use mlhub_protocol::rest;

use super::view;

const NUMBER_BYTES: usize = size_of::<f64>();
const LENGTH_BYTES: usize = size_of::<u32>();

/// The whole body.
pub(super) fn packed(series: &[Series]) -> Result<Vec<u8>> {
    let header = rest::PackedHeader {
        series: series.iter().map(head).collect(),
    };
    let mut header = serde_json::to_vec(&header)
        .map_err(|error| Error::internal("write the head of packed series", error))?;
    let start = (LENGTH_BYTES + header.len()).next_multiple_of(NUMBER_BYTES);
    header.resize(start - LENGTH_BYTES, b' ');
    let length = u32::try_from(header.len())
        .map_err(|error| Error::internal("write the head of packed series", error))?;
    let points: usize = series.iter().map(|one| one.view.points.len()).sum();
    let mut body = Vec::with_capacity(start + 3 * NUMBER_BYTES * points);
    body.extend(length.to_le_bytes());
    body.extend(header);
    for one in series {
        let points = &one.view.points;
        column(&mut body, points, |point| point.step as f64);
        column(&mut body, points, |point| point.time.0 as f64);
        column(&mut body, points, |point| point.value);
    }
    Ok(body)
}

fn column(body: &mut Vec<u8>, points: &[Point], number: impl Fn(&Point) -> f64) {
    body.extend(points.iter().flat_map(|point| number(point).to_le_bytes()));
}

fn head(series: &Series) -> rest::PackedSeries {
    rest::PackedSeries {
        run: series.run.to_string(),
        metric: series.metric.clone(),
        count: series.view.points.len() as u64,
        total: series.view.total,
        non_finite: series.view.non_finite,
        exact: series.view.exact,
        origin_ms: series.origin.0,
        attempts: view::attempt_spans(&series.view.attempts),
    }
}
