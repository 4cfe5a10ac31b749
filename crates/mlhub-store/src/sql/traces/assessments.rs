//! Assessments: what people and programs think of a trace. The trace's row is held while
//! they are changed.

use mlhub_core::registry::at_most;
use mlhub_core::trace::{Assessment, AssessmentChange, Trace};
use mlhub_core::{AssessmentId, Error, ErrorKind, Result, Timestamp, TraceId, limits};

use super::super::seam::{Tx, json_text};
use super::super::text::insert_rows;
use super::write::hold;

/// Stores new ones behind those that are there.
pub(super) async fn insert(
    tx: &mut dyn Tx,
    trace: &TraceId,
    first_place: i64,
    assessments: &[Assessment],
) -> Result<()> {
    let mut rows = Vec::with_capacity(assessments.len());
    for (place, assessment) in (first_place..).zip(assessments) {
        rows.push(vec![
            trace.as_str().into(),
            assessment.id.as_str().into(),
            place.into(),
            json_text(assessment)?.into(),
        ]);
    }
    let head = "INSERT INTO trace_assessment (trace, id, place, body)";
    insert_rows(tx, head, rows, "").await
}

async fn update(tx: &mut dyn Tx, trace: &TraceId, assessment: &Assessment) -> Result<()> {
    let sql = "UPDATE trace_assessment SET body = $1 WHERE trace = $2 AND id = $3";
    let values = [
        json_text(assessment)?.into(),
        trace.as_str().into(),
        assessment.id.as_str().into(),
    ];
    tx.execute(sql, &values).await.map(drop)
}

fn missing(trace: &TraceId, id: &AssessmentId) -> Error {
    Error::new(
        ErrorKind::NotFound,
        format!("Assessment with ID '{id}' not found for trace '{trace}'"),
    )
}

fn find<'t>(trace: &'t mut Trace, id: &AssessmentId) -> Option<&'t mut Assessment> {
    trace.assessments.iter_mut().find(|one| one.id == *id)
}

/// Says of one whether it is valid.
async fn set_valid(
    tx: &mut dyn Tx,
    trace: &mut Trace,
    id: &AssessmentId,
    valid: bool,
) -> Result<bool> {
    let trace_id = trace.id.clone();
    let Some(found) = find(trace, id) else {
        return Ok(false);
    };
    found.valid = valid;
    update(tx, &trace_id, found).await?;
    Ok(true)
}

pub(super) async fn add(tx: &mut dyn Tx, trace: &TraceId, assessment: &Assessment) -> Result<()> {
    let mut held = hold(tx, trace).await?;
    if find(&mut held, &assessment.id).is_some() {
        return Err(Error::conflict(format!(
            "the trace `{trace}` has an assessment `{}` already",
            assessment.id
        )));
    }
    let count = held.assessments.len() + 1;
    let max = limits::TRACE_ASSESSMENTS_MAX;
    at_most("assessments of the trace", count, max)?;
    if let Some(overridden) = &assessment.overrides
        && !set_valid(tx, &mut held, overridden, false).await?
    {
        return Err(missing(trace, overridden));
    }
    let sql = "SELECT coalesce(max(place), -1) + 1 FROM trace_assessment WHERE trace = $1";
    let mut place = 0;
    for mut row in tx.query(sql, &[trace.as_str().into()]).await? {
        place = row.i64()?;
    }
    insert(tx, trace, place, std::slice::from_ref(assessment)).await
}

pub(super) async fn change(
    tx: &mut dyn Tx,
    trace: &TraceId,
    id: &AssessmentId,
    change: &AssessmentChange,
    now: Timestamp,
) -> Result<Assessment> {
    let mut held = hold(tx, trace).await?;
    let found = find(&mut held, id).ok_or_else(|| missing(trace, id))?;
    found.follow(change, now)?;
    found.check()?;
    update(tx, trace, found).await?;
    Ok(found.clone())
}

pub(super) async fn remove(tx: &mut dyn Tx, trace: &TraceId, id: &AssessmentId) -> Result<()> {
    let mut held = hold(tx, trace).await?;
    let Some(found) = find(&mut held, id) else {
        return Ok(());
    };
    if let Some(overridden) = found.overrides.clone() {
        set_valid(tx, &mut held, &overridden, true).await?;
    }
    let sql = "DELETE FROM trace_assessment WHERE trace = $1 AND id = $2";
    tx.execute(sql, &[trace.as_str().into(), id.as_str().into()])
        .await
        .map(drop)
}
