//! Evaluations, their numbers, and metric definitions.

use std::collections::BTreeSet;

use async_trait::async_trait;
use mlhub_core::evaluation::{
    EvaluatedMetric, EvaluationRecord, EvaluationState, StoredDefinition,
};
use mlhub_core::store::EvaluationStore;
use mlhub_core::{Error, EvaluationId, Result, RunId, Timestamp, limits};

use super::seam::{Backend, Row, Tx, Value, json_text};
use super::text::{bits, insert_rows, query_in, sort_columns};
use super::{SqlStore, runs};
use crate::check;

/// Evaluations without curves.
const LIST: &str = "SELECT e.id, r.id, e.split, e.predictions, e.predictions_hash, e.request, \
    e.state, e.message, e.result, NULL, e.created_at, e.ended_at \
    FROM evaluation e JOIN run r ON r.seq = e.run";
/// Evaluations with everything.
const WHOLE: &str = "SELECT e.id, r.id, e.split, e.predictions, e.predictions_hash, e.request, \
    e.state, e.message, e.result, e.curves, e.created_at, e.ended_at \
    FROM evaluation e JOIN run r ON r.seq = e.run";

#[async_trait]
impl<B: Backend> EvaluationStore for SqlStore<B> {
    async fn evaluation_put(&self, evaluation: &EvaluationRecord) -> Result<()> {
        check::name("the split", &evaluation.split)?;
        check::name("the predictions' hash", &evaluation.predictions_hash)?;
        self.write(
            "ask for an evaluation",
            evaluation.clone(),
            |tx, evaluation| Box::pin(put(tx, evaluation)),
        )
        .await
    }

    async fn evaluation_pending(&self, limit: usize) -> Result<Vec<EvaluationRecord>> {
        let limit = limit.min(limits::PAGE_MAX_ROWS) as i64;
        self.read("list pending evaluations", limit, |tx, limit| {
            Box::pin(async move {
                let sql = format!("{LIST} WHERE e.state = 'pending' ORDER BY e.seq LIMIT $1");
                let rows = tx.query(&sql, &[(*limit).into()]).await?;
                rows.into_iter().map(evaluation).collect()
            })
        })
        .await
    }

    async fn evaluation_end(
        &self,
        evaluation: &EvaluationRecord,
        metrics: &[EvaluatedMetric],
    ) -> Result<bool> {
        check_end(evaluation, metrics)?;
        let input = (evaluation.clone(), metrics.to_vec());
        self.write("store an evaluation", input, |tx, (evaluation, metrics)| {
            Box::pin(end(tx, evaluation, metrics))
        })
        .await
    }

    async fn evaluation_get(&self, id: &EvaluationId) -> Result<Option<EvaluationRecord>> {
        self.read("find an evaluation", id.clone(), |tx, id| {
            Box::pin(async move {
                let sql = format!("{WHOLE} WHERE e.id = $1");
                let rows = tx.query(&sql, &[id.as_str().into()]).await?;
                rows.into_iter().next().map(evaluation).transpose()
            })
        })
        .await
    }

    async fn evaluation_list(&self, runs: &[RunId]) -> Result<Vec<EvaluationRecord>> {
        self.read("list evaluations", runs.to_vec(), |tx, runs| {
            Box::pin(async move {
                let ids: Vec<Value> = runs.iter().map(|run| run.as_str().into()).collect();
                let before = format!("{LIST} WHERE r.id IN ");
                let rows = query_in(tx, &before, &ids, " ORDER BY e.run, e.split").await?;
                rows.into_iter().map(evaluation).collect()
            })
        })
        .await
    }

    async fn evaluated_metrics(&self, runs: &[RunId]) -> Result<Vec<EvaluatedMetric>> {
        self.read("read evaluated metrics", runs.to_vec(), |tx, runs| {
            Box::pin(async move {
                let ids: Vec<Value> = runs.iter().map(|run| run.as_str().into()).collect();
                let before = "SELECT r.id, m.split, m.name, m.definition, m.value_bits, \
                              m.low_bits, m.high_bits FROM evaluated_metric m \
                              JOIN run r ON r.seq = m.run WHERE r.id IN ";
                let after = " ORDER BY m.run, m.split, m.name";
                let rows = query_in(tx, before, &ids, after).await?;
                rows.into_iter().map(metric).collect()
            })
        })
        .await
    }

    async fn evaluated_by(&self, definition: &str, limit: usize) -> Result<Vec<RunId>> {
        let asked = (definition.to_owned(), limit);
        self.read(
            "find runs by a metric definition",
            asked,
            |tx, (definition, limit)| {
                Box::pin(async move {
                    let sql = format!(
                        "SELECT DISTINCT r.id, r.seq FROM evaluated_metric m \
                     JOIN run r ON r.seq = m.run WHERE m.definition = $1 \
                     ORDER BY r.seq DESC LIMIT {limit}"
                    );
                    let rows = tx.query(&sql, &[definition.as_str().into()]).await?;
                    rows.into_iter().map(|mut row| row.parsed()).collect()
                })
            },
        )
        .await
    }

    async fn definitions_put(&self, definitions: &[StoredDefinition]) -> Result<()> {
        for definition in definitions {
            check::name("the definition's id", &definition.id)?;
            check::name("the definition's hash", &definition.hash)?;
        }
        self.write(
            "store metric definitions",
            definitions.to_vec(),
            |tx, definitions| {
                Box::pin(async move {
                    for definition in definitions.iter() {
                        put_definition(tx, definition).await?;
                    }
                    Ok(())
                })
            },
        )
        .await
    }

    async fn definition_list(&self) -> Result<Vec<StoredDefinition>> {
        self.read("list metric definitions", (), |tx, ()| {
            Box::pin(async move {
                let sql = "SELECT id, hash, body FROM metric_definition ORDER BY id";
                let rows = tx.query(sql, &[]).await?;
                rows.into_iter().map(definition).collect()
            })
        })
        .await
    }
}

fn check_end(evaluation: &EvaluationRecord, metrics: &[EvaluatedMetric]) -> Result<()> {
    if evaluation.state == EvaluationState::Pending {
        return Err(Error::invalid(
            "the end of an evaluation is done or failed, not pending",
        ));
    }
    if let Some(message) = &evaluation.message {
        check::text("the evaluation's message", message, limits::NOTES_MAX_BYTES)?;
    }
    let mut names = BTreeSet::new();
    for metric in metrics {
        check::name("the metric's name", &metric.name)?;
        check::name("the metric's definition", &metric.definition)?;
        if metric.run != evaluation.run || metric.split != evaluation.split {
            return Err(Error::invalid(format!(
                "the metric {} is of another run or split than its evaluation",
                metric.definition
            )));
        }
        if !names.insert(metric.name.as_str()) {
            return Err(Error::invalid(format!(
                "the metric {} comes twice; one evaluation has one version of a metric",
                metric.name
            )));
        }
    }
    Ok(())
}

/// Stores an evaluation with its numbers as it was elsewhere.
pub(crate) async fn restore(
    tx: &mut dyn Tx,
    run: i64,
    evaluation: &mlhub_core::portable::PortableEvaluation,
) -> Result<()> {
    let text = |value: &Option<serde_json::Value>| -> Result<Value> {
        Ok(value.as_ref().map(json_text).transpose()?.into())
    };
    let sql = "INSERT INTO evaluation (id, run, split, predictions, predictions_hash, request, \
               state, message, result, curves, created_at, ended_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
               ON CONFLICT (id) DO NOTHING";
    let values = [
        evaluation.id.as_str().into(),
        run.into(),
        evaluation.split.as_str().into(),
        evaluation.predictions.as_str().into(),
        evaluation.predictions_hash.as_str().into(),
        json_text(&evaluation.request)?.into(),
        state_name(evaluation.state).into(),
        evaluation.message.as_deref().into(),
        text(&evaluation.result)?,
        text(&evaluation.curves)?,
        evaluation.created_at.0.into(),
        evaluation.ended_at.map(|time| time.0).into(),
    ];
    if tx.execute(sql, &values).await? == 0 {
        return Err(Error::conflict(format!(
            "an evaluation `{}` exists already",
            evaluation.id
        )));
    }
    let optional = |value: Option<u64>| Value::from(value.map(u64::cast_signed));
    let mut rows = std::collections::BTreeMap::new();
    for metric in &evaluation.metrics {
        let value = f64::from_bits(metric.value_bits);
        let (rank, number) = sort_columns(value);
        let row = vec![
            run.into(),
            evaluation.split.as_str().into(),
            metric.name.as_str().into(),
            metric.definition.as_str().into(),
            bits(value),
            optional(metric.low_bits),
            optional(metric.high_bits),
            rank,
            number,
        ];
        rows.insert(metric.name.as_str(), row);
    }
    let head = "INSERT INTO evaluated_metric (run, split, name, definition, value_bits, \
                low_bits, high_bits, sort_rank, sort_number)";
    insert_rows(tx, head, rows.into_values().collect(), "").await
}

async fn put(tx: &mut dyn Tx, evaluation: &EvaluationRecord) -> Result<()> {
    let run = runs::lock(tx, &evaluation.run).await?.seq;
    tx.execute(
        "DELETE FROM evaluation WHERE run = $1 AND split = $2",
        &[run.into(), evaluation.split.as_str().into()],
    )
    .await?;
    let inserted = tx
        .execute(
            "INSERT INTO evaluation (id, run, split, predictions, predictions_hash, request, \
             state, created_at) VALUES ($1, $2, $3, $4, $5, $6, 'pending', $7) \
             ON CONFLICT (id) DO NOTHING",
            &[
                evaluation.id.as_str().into(),
                run.into(),
                evaluation.split.as_str().into(),
                evaluation.predictions.as_str().into(),
                evaluation.predictions_hash.as_str().into(),
                json_text(&evaluation.request)?.into(),
                evaluation.created_at.0.into(),
            ],
        )
        .await?;
    match inserted {
        0 => Err(Error::conflict(format!(
            "an evaluation `{}` of another run or split exists already",
            evaluation.id
        ))),
        _ => Ok(()),
    }
}

async fn end(
    tx: &mut dyn Tx,
    evaluation: &EvaluationRecord,
    metrics: &[EvaluatedMetric],
) -> Result<bool> {
    let ended = tx
        .query(
            "UPDATE evaluation SET state = $1, message = $2, result = $3, curves = $4, \
             ended_at = $5 WHERE id = $6 AND state = 'pending' RETURNING run, split",
            &[
                state_name(evaluation.state).into(),
                evaluation.message.as_deref().into(),
                evaluation
                    .result
                    .as_ref()
                    .map(json_text)
                    .transpose()?
                    .into(),
                evaluation
                    .curves
                    .as_ref()
                    .map(json_text)
                    .transpose()?
                    .into(),
                evaluation.ended_at.map(|time| time.0).into(),
                evaluation.id.as_str().into(),
            ],
        )
        .await?;
    let Some(mut row) = ended.into_iter().next() else {
        return Ok(false);
    };
    let (run, split) = (row.i64()?, row.text()?);
    let rows = metrics.iter().map(|metric| {
        let (rank, number) = sort_columns(metric.value);
        vec![
            run.into(),
            split.as_str().into(),
            metric.name.as_str().into(),
            metric.definition.as_str().into(),
            bits(metric.value),
            metric.low.map_or(Value::Null, bits),
            metric.high.map_or(Value::Null, bits),
            rank,
            number,
        ]
    });
    let head = "INSERT INTO evaluated_metric (run, split, name, definition, value_bits, \
                low_bits, high_bits, sort_rank, sort_number)";
    insert_rows(tx, head, rows.collect(), "").await?;
    Ok(true)
}

pub(crate) async fn put_definition(tx: &mut dyn Tx, definition: &StoredDefinition) -> Result<()> {
    tx.execute(
        "INSERT INTO metric_definition (id, hash, body) VALUES ($1, $2, $3) \
         ON CONFLICT (id) DO NOTHING",
        &[
            definition.id.as_str().into(),
            definition.hash.as_str().into(),
            json_text(&definition.body)?.into(),
        ],
    )
    .await?;
    let sql = "SELECT hash FROM metric_definition WHERE id = $1";
    let rows = tx.query(sql, &[definition.id.as_str().into()]).await?;
    let stored = rows
        .into_iter()
        .next()
        .map(|mut row| row.text())
        .transpose()?;
    if stored.as_deref() == Some(definition.hash.as_str()) {
        return Ok(());
    }
    Err(Error::conflict(format!(
        "the metric definition {} is stored with another content (hash {}, not {}); \
         a changed definition needs a new version number",
        definition.id,
        stored.unwrap_or_default(),
        definition.hash
    )))
}

pub(crate) fn state_name(state: EvaluationState) -> &'static str {
    match state {
        EvaluationState::Pending => "pending",
        EvaluationState::Done => "done",
        EvaluationState::Failed => "failed",
    }
}

pub(crate) fn state_of(name: &str) -> Result<EvaluationState> {
    match name {
        "pending" => Ok(EvaluationState::Pending),
        "done" => Ok(EvaluationState::Done),
        "failed" => Ok(EvaluationState::Failed),
        _ => Err(Error::internal(
            "read an evaluation",
            format!("state {name}"),
        )),
    }
}

fn evaluation(mut row: Row) -> Result<EvaluationRecord> {
    Ok(EvaluationRecord {
        id: row.parsed()?,
        run: row.parsed()?,
        split: row.text()?,
        predictions: row.parsed()?,
        predictions_hash: row.text()?,
        request: row.json()?,
        state: state_of(&row.text()?)?,
        message: row.optional_text()?,
        result: row.optional_json()?,
        curves: row.optional_json()?,
        created_at: Timestamp(row.i64()?),
        ended_at: row.optional_i64()?.map(Timestamp),
    })
}

fn metric(mut row: Row) -> Result<EvaluatedMetric> {
    Ok(EvaluatedMetric {
        run: row.parsed()?,
        split: row.text()?,
        name: row.text()?,
        definition: row.text()?,
        value: row.bits()?,
        low: row.optional_bits()?,
        high: row.optional_bits()?,
    })
}

fn definition(mut row: Row) -> Result<StoredDefinition> {
    Ok(StoredDefinition {
        id: row.text()?,
        hash: row.text()?,
        body: row.json()?,
    })
}
