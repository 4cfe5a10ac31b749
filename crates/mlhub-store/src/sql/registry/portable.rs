//! The registry out of and into archives of a whole hub.

use mlhub_core::portable::{
    PortableLine, PortableModelEvent, PortableModelVersion, PortableRegisteredModel,
};
use mlhub_core::registry::{ModelName, ModelQuery, ModelVersion, ModelVersionQuery};
use mlhub_core::{Error, Result, limits};

use super::super::portable_read::Out;
use super::super::seam::{Row, Tx, json_text};
use super::super::text::insert_rows;
use super::{read, write};

/// Every model with its versions, then the trail.
pub(crate) async fn portable(tx: &mut dyn Tx, out: &Out<'_>) -> Result<()> {
    let mut after: Option<ModelName> = None;
    loop {
        let query = ModelQuery {
            after: after.clone(),
            limit: limits::PAGE_MAX_ROWS,
            ..ModelQuery::default()
        };
        let page = read::models(tx, &query).await?;
        let Some(last) = page.last() else {
            break;
        };
        after = Some(last.name.clone());
        for model in page {
            let sql = "SELECT numbers FROM registry_model WHERE id = $1";
            let rows = tx.query(sql, &[model.id.as_str().into()]).await?;
            let numbers = rows.into_iter().next().map_or(Ok(0), |mut row| row.int())?;
            let name = model.name.clone();
            let line = PortableRegisteredModel {
                id: model.id.clone(),
                name: model.name,
                description: model.description,
                tags: model.tags,
                protections: model.protections,
                numbers,
                created_at: model.created_at,
                updated_at: model.updated_at,
            };
            out.line(PortableLine::RegisteredModel(line)).await?;
            versions(tx, &name, &model.id, out).await?;
        }
    }
    events(tx, out).await
}

async fn versions(
    tx: &mut dyn Tx,
    name: &ModelName,
    id: &mlhub_core::RegisteredModelId,
    out: &Out<'_>,
) -> Result<()> {
    let mut after = None;
    loop {
        let query = ModelVersionQuery {
            model: Some(name.clone()),
            after,
            limit: limits::PAGE_MAX_ROWS,
            ..ModelVersionQuery::default()
        };
        let page = read::versions(tx, &query).await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = Some((name.clone(), last.version));
        for version in page {
            let line = PortableModelVersion {
                model: id.clone(),
                version: version.version,
                run: version.run,
                source: version.source,
                place: version.place,
                logged_model: version.logged_model,
                description: version.description,
                tags: version.tags,
                aliases: version.aliases,
                stage: version.stage,
                status: version.status,
                status_message: version.status_message,
                created_by: version.created_by,
                created_at: version.created_at,
                updated_at: version.updated_at,
            };
            out.line(PortableLine::ModelVersion(Box::new(line))).await?;
        }
    }
}

async fn events(tx: &mut dyn Tx, out: &Out<'_>) -> Result<()> {
    let sql = format!(
        "SELECT {} FROM registry_event e WHERE e.seq > $1 ORDER BY e.seq LIMIT {}",
        read::EVENT_COLUMNS,
        limits::PAGE_MAX_ROWS
    );
    let mut after = i64::MIN;
    loop {
        let rows = tx.query(&sql, &[after.into()]).await?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in rows {
            let event = read::event(row)?;
            after = event.seq;
            let line = PortableModelEvent {
                model: event.model,
                number: event.number,
                name: event.name,
                version: event.version,
                action: event.action,
                detail: event.detail,
                actor: event.actor,
                at: event.at,
            };
            out.line(PortableLine::ModelEvent(line)).await?;
        }
    }
}

/// Stores a model of an archive; one that is here stays as it is, but for numbers
/// that were handed out where the archive comes from.
pub(crate) async fn restore_model(tx: &mut dyn Tx, model: &PortableRegisteredModel) -> Result<()> {
    let sql = "SELECT id FROM registry_model WHERE id = $1 OR name = $2";
    let values = [model.id.as_str().into(), model.name.as_str().into()];
    let found = tx.query(sql, &values).await?.into_iter();
    let found: Vec<String> = found
        .map(|mut row: Row| row.text())
        .collect::<Result<_>>()?;
    if found.iter().any(|id| id != model.id.as_str()) {
        return Err(Error::conflict(format!(
            "the registered model `{}` is another one here; rename one of them",
            model.name
        )));
    }
    if !found.is_empty() {
        let sql = "UPDATE registry_model SET numbers = $1 WHERE id = $2 AND numbers < $1";
        let values = [model.numbers.into(), model.id.as_str().into()];
        return tx.execute(sql, &values).await.map(drop);
    }
    let row = vec![
        model.id.as_str().into(),
        model.name.as_str().into(),
        model.description.as_str().into(),
        model.numbers.into(),
        0i64.into(),
        model.created_at.0.into(),
        model.updated_at.0.into(),
    ];
    let head = "INSERT INTO registry_model (id, name, description, numbers, events, created_at, \
                updated_at)";
    insert_rows(tx, head, vec![row], "").await?;
    let id = model.id.as_str();
    let tags = model.tags.iter();
    let rows =
        tags.map(|(name, value)| vec![id.into(), name.as_str().into(), value.as_str().into()]);
    let head = "INSERT INTO registry_model_tag (model, name, value)";
    insert_rows(tx, head, rows.collect(), "").await?;
    let mut rows = Vec::new();
    for (target, rules) in &model.protections {
        rows.push(vec![
            id.into(),
            target.to_string().into(),
            json_text(rules)?.into(),
        ]);
    }
    let head = "INSERT INTO registry_protection (model, target, body)";
    insert_rows(tx, head, rows, "").await
}

/// Stores a version of an archive; one that is here stays as it is, if it is the
/// same, and aliases that are here stay where they are.
pub(crate) async fn restore_version(tx: &mut dyn Tx, line: PortableModelVersion) -> Result<()> {
    let sql = "SELECT name FROM registry_model WHERE id = $1";
    let rows = tx.query(sql, &[line.model.as_str().into()]).await?;
    let row = rows.into_iter().next();
    let mut row = row.ok_or_else(|| Error::invalid("a version stands before its model"))?;
    let name: ModelName = row.parsed()?;
    let sql = "SELECT run, source FROM registry_version WHERE model = $1 AND version = $2";
    let values = [line.model.as_str().into(), line.version.into()];
    let aliases = line.aliases.clone();
    let (id, number) = (line.model.clone(), line.version);
    match tx.query(sql, &values).await?.into_iter().next() {
        Some(mut row) => {
            let run = line.run.as_ref().map(|run| run.as_str().to_owned());
            if (row.optional_text()?, row.text()?) != (run, line.source) {
                return Err(Error::conflict(format!(
                    "version {number} of the registered model `{name}` is another one here"
                )));
            }
        }
        None => {
            let version = ModelVersion {
                model: name,
                version: line.version,
                run: line.run,
                source: line.source,
                place: line.place,
                logged_model: line.logged_model,
                description: line.description,
                tags: line.tags,
                aliases: Vec::new(),
                stage: line.stage,
                status: line.status,
                status_message: line.status_message,
                created_by: line.created_by,
                created_at: line.created_at,
                updated_at: line.updated_at,
            };
            write::insert_version(tx, &id, &version).await?;
        }
    }
    let rows = aliases
        .iter()
        .map(|alias| vec![id.as_str().into(), alias.as_str().into(), number.into()]);
    let head = "INSERT INTO registry_alias (model, alias, version)";
    let tail = " ON CONFLICT (model, alias) DO NOTHING";
    insert_rows(tx, head, rows.collect(), tail).await
}

/// Stores a line of the trail of an archive, once.
pub(crate) async fn restore_event(tx: &mut dyn Tx, event: &PortableModelEvent) -> Result<()> {
    let row = vec![
        event.model.as_str().into(),
        event.number.into(),
        event.name.as_str().into(),
        event.version.into(),
        event.action.as_str().into(),
        json_text(&event.detail)?.into(),
        event.actor.0.as_str().into(),
        event.at.0.into(),
    ];
    let head =
        "INSERT INTO registry_event (model, number, name, version, action, detail, actor, at_ms)";
    let tail = " ON CONFLICT (model, number) DO NOTHING";
    insert_rows(tx, head, vec![row], tail).await?;
    let sql = "UPDATE registry_model SET events = $1 WHERE id = $2 AND events < $1";
    let values = [event.number.into(), event.model.as_str().into()];
    tx.execute(sql, &values).await.map(drop)
}
