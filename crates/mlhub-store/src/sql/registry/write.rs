//! Changes of models, each with its line of the trail in the same transaction.
//!
//! The model's row is held while it is changed, so that numbers are handed out
//! once and aliases move one after the other.

use std::collections::BTreeMap;

use mlhub_core::registry::{
    ModelChoice, ModelName, ModelStage, ModelStatus, ModelVersion, NewModelVersion,
    RegisteredModel, RegistryAct, RegistryChange, at_most,
};
use mlhub_core::{Error, RegisteredModelId, Result, RunId, Timestamp, limits};
use serde_json::{Value as Json, json};

use super::super::projects::take_numbers;
use super::super::seam::{Tx, Value, json_text};
use super::super::text::insert_rows;
use super::{promote, read};

/// Whoever makes or renames models holds this counter: names stay unique with a
/// clear answer.
const COUNTER: &str = "registry";

/// A model that is being changed.
pub(super) struct Held<'c> {
    id: RegisteredModelId,
    pub(super) model: RegisteredModel,
    pub(super) change: &'c RegistryChange,
}

/// What a change leaves in the trail.
pub(super) struct Told {
    version: Option<u32>,
    action: &'static str,
    detail: Json,
}

pub(super) fn told(action: &'static str, version: Option<u32>, detail: Json) -> Option<Told> {
    Some(Told {
        version,
        action,
        detail,
    })
}

/// Makes a change; returns the version it concerns.
pub(super) async fn change(tx: &mut dyn Tx, change: &RegistryChange) -> Result<Option<u32>> {
    if let RegistryAct::Create {
        id,
        description,
        tags,
    } = &change.act
    {
        return create(tx, change, id, description, tags)
            .await
            .map(|()| None);
    }
    if let RegistryAct::Rename { .. } = &change.act {
        take_numbers(tx, COUNTER, 0).await?;
    }
    let held = hold(tx, change).await?;
    let Some(told) = act(tx, &held).await? else {
        return Ok(version_of(&change.act));
    };
    let name = match &change.act {
        RegistryAct::Rename { to } => to,
        _ => &change.model,
    };
    tell(tx, &held.id, name, &told, change).await?;
    if change.act == RegistryAct::Delete {
        let sql = "DELETE FROM registry_model WHERE id = $1";
        tx.execute(sql, &[held.id.as_str().into()]).await?;
    }
    Ok(told.version)
}

fn version_of(act: &RegistryAct) -> Option<u32> {
    match act {
        RegistryAct::AliasSet { version, .. }
        | RegistryAct::StageSet { version, .. }
        | RegistryAct::Status { version, .. } => Some(*version),
        RegistryAct::Describe { version, .. } | RegistryAct::Tags { version, .. } => *version,
        _ => None,
    }
}

async fn hold<'c>(tx: &mut dyn Tx, change: &'c RegistryChange) -> Result<Held<'c>> {
    let sql = format!(
        "SELECT id FROM registry_model WHERE name = $1{}",
        tx.dialect().lock_rows()
    );
    tx.query(&sql, &[change.model.as_str().into()]).await?;
    let found = read::model(tx, &change.model).await?;
    let (id, model) = found.ok_or_else(|| Error::not_found("registered model", &change.model))?;
    Ok(Held { id, model, change })
}

async fn tell(
    tx: &mut dyn Tx,
    id: &RegisteredModelId,
    name: &ModelName,
    told: &Told,
    change: &RegistryChange,
) -> Result<()> {
    // A clock that was set back does not make a model older.
    let sql = "UPDATE registry_model SET events = events + 1, \
               updated_at = CASE WHEN updated_at < $1 THEN $1 ELSE updated_at END \
               WHERE id = $2 RETURNING events";
    let values = [change.now.0.into(), id.as_str().into()];
    let rows = tx.query(sql, &values).await?;
    let number: i64 = rows.into_iter().next().map_or(Ok(0), |mut row| row.i64())?;
    let row = vec![
        id.as_str().into(),
        number.into(),
        name.as_str().into(),
        told.version.into(),
        told.action.into(),
        json_text(&told.detail)?.into(),
        change.actor.0.as_str().into(),
        change.now.0.into(),
    ];
    let head =
        "INSERT INTO registry_event (model, number, name, version, action, detail, actor, at_ms)";
    insert_rows(tx, head, vec![row], "").await
}

async fn refuse_taken(tx: &mut dyn Tx, name: &ModelName) -> Result<()> {
    match read::model(tx, name).await? {
        Some(_) => Err(Error::conflict(format!(
            "a registered model `{name}` exists"
        ))),
        None => Ok(()),
    }
}

async fn create(
    tx: &mut dyn Tx,
    change: &RegistryChange,
    id: &RegisteredModelId,
    description: &str,
    tags: &BTreeMap<String, String>,
) -> Result<()> {
    take_numbers(tx, COUNTER, 1).await?;
    refuse_taken(tx, &change.model).await?;
    let rows = tx.query("SELECT count(*) FROM registry_model", &[]).await?;
    let count: usize = rows.into_iter().next().map_or(Ok(0), |mut row| row.int())?;
    let max = limits::REGISTERED_MODELS_MAX;
    at_most("registered models", count + 1, max)?;
    let row = vec![
        id.as_str().into(),
        change.model.as_str().into(),
        description.into(),
        0i64.into(),
        0i64.into(),
        change.now.0.into(),
        change.now.0.into(),
    ];
    let head = "INSERT INTO registry_model (id, name, description, numbers, events, created_at, \
                updated_at)";
    insert_rows(tx, head, vec![row], "").await?;
    let rows = tags.iter().map(|(name, value)| {
        vec![
            id.as_str().into(),
            name.as_str().into(),
            value.as_str().into(),
        ]
    });
    let head = "INSERT INTO registry_model_tag (model, name, value)";
    insert_rows(tx, head, rows.collect(), "").await?;
    let told = Told {
        version: None,
        action: "created",
        detail: json!({"description": description, "tags": tags}),
    };
    tell(tx, id, &change.model, &told, change).await
}

async fn act(tx: &mut dyn Tx, held: &Held<'_>) -> Result<Option<Told>> {
    match &held.change.act {
        // Made before there was anything to hold.
        RegistryAct::Create { .. } => Ok(None),
        RegistryAct::Rename { to } => rename(tx, held, to).await,
        RegistryAct::Delete => {
            let detail = json!({"versions": held.model.versions, "aliases": held.model.aliases});
            Ok(told("deleted", None, detail))
        }
        RegistryAct::Describe { version, text } => describe(tx, held, *version, text).await,
        RegistryAct::Tags { version, tags } => set_tags(tx, held, *version, tags).await,
        RegistryAct::VersionAdd(new) => version_add(tx, held, new).await,
        RegistryAct::VersionDelete { version } => version_delete(tx, held, *version).await,
        RegistryAct::Status {
            version,
            status,
            message,
        } => set_status(tx, held, *version, *status, message.as_deref()).await,
        RegistryAct::AliasSet {
            alias,
            version,
            gate,
        } => promote::alias_set(tx, held, alias, *version, gate.as_ref()).await,
        RegistryAct::AliasRemove { alias } => promote::alias_remove(tx, held, alias).await,
        RegistryAct::StageSet {
            version,
            stage,
            archive_others,
            gate,
        } => promote::stage_set(tx, held, *version, *stage, *archive_others, gate.as_ref()).await,
        RegistryAct::Protect { target, rules } => promote::protect(tx, held, target, rules).await,
        RegistryAct::Unprotect { target } => promote::unprotect(tx, held, target).await,
        RegistryAct::Refuse {
            version,
            target,
            verdict,
        } => {
            one(tx, held, *version).await?;
            let detail = json!({"target": target, "gate": verdict});
            Ok(told("promotion_refused", Some(*version), detail))
        }
    }
}

/// A version of the model that is held.
pub(super) async fn one(tx: &mut dyn Tx, held: &Held<'_>, number: u32) -> Result<ModelVersion> {
    let found = read::version(tx, &held.change.model, &ModelChoice::Number(number)).await?;
    found.ok_or_else(|| {
        let named = format_args!("{}/{number}", held.change.model);
        Error::not_found("model version", named)
    })
}

impl Held<'_> {
    pub(super) fn key(&self) -> Value {
        self.id.as_str().into()
    }

    fn now(&self, before: Timestamp) -> Timestamp {
        self.change.now.max(before)
    }
}

pub(super) async fn touch(tx: &mut dyn Tx, held: &Held<'_>, version: &ModelVersion) -> Result<()> {
    let sql = "UPDATE registry_version SET updated_at = $1 WHERE model = $2 AND version = $3";
    let now = held.now(version.updated_at);
    let values = [now.0.into(), held.key(), version.version.into()];
    tx.execute(sql, &values).await.map(drop)
}

async fn rename(tx: &mut dyn Tx, held: &Held<'_>, to: &ModelName) -> Result<Option<Told>> {
    let from = &held.change.model;
    if to == from {
        return Ok(None);
    }
    refuse_taken(tx, to).await?;
    let sql = "UPDATE registry_model SET name = $1 WHERE id = $2";
    tx.execute(sql, &[to.as_str().into(), held.key()]).await?;
    Ok(told("renamed", None, json!({"from": from, "to": to})))
}

async fn describe(
    tx: &mut dyn Tx,
    held: &Held<'_>,
    version: Option<u32>,
    text: &str,
) -> Result<Option<Told>> {
    match version {
        None if held.model.description == text => return Ok(None),
        None => {
            let sql = "UPDATE registry_model SET description = $1 WHERE id = $2";
            tx.execute(sql, &[text.into(), held.key()]).await?;
        }
        Some(number) => {
            let version = one(tx, held, number).await?;
            if version.description == text {
                return Ok(None);
            }
            let sql =
                "UPDATE registry_version SET description = $1 WHERE model = $2 AND version = $3";
            tx.execute(sql, &[text.into(), held.key(), number.into()])
                .await?;
            touch(tx, held, &version).await?;
        }
    }
    Ok(told("described", version, json!({"to": text})))
}

async fn set_tags(
    tx: &mut dyn Tx,
    held: &Held<'_>,
    version: Option<u32>,
    tags: &BTreeMap<String, Option<String>>,
) -> Result<Option<Told>> {
    let of = match version {
        Some(number) => Some(one(tx, held, number).await?),
        None => None,
    };
    let before = of.as_ref().map_or(&held.model.tags, |of| &of.tags);
    let mut changed = serde_json::Map::new();
    let mut count = before.len();
    for (name, value) in tags {
        let from = before.get(name);
        if from == value.as_ref() {
            continue;
        }
        count = count + usize::from(value.is_some()) - usize::from(from.is_some());
        changed.insert(name.clone(), json!({"from": from, "to": value}));
        tag_put(tx, held, version, name, value.as_deref()).await?;
    }
    if changed.is_empty() {
        return Ok(None);
    }
    at_most("tags", count, limits::REGISTRY_TAGS_MAX)?;
    if let Some(of) = &of {
        touch(tx, held, of).await?;
    }
    Ok(told("tagged", version, json!({"tags": changed})))
}

async fn tag_put(
    tx: &mut dyn Tx,
    held: &Held<'_>,
    version: Option<u32>,
    name: &str,
    value: Option<&str>,
) -> Result<()> {
    let mut key = vec![held.key()];
    let (table, columns, condition) = match version {
        None => (
            "registry_model_tag",
            "model, name",
            "model = $1 AND name = $2",
        ),
        Some(number) => {
            key.push(number.into());
            (
                "registry_version_tag",
                "model, version, name",
                "model = $1 AND version = $2 AND name = $3",
            )
        }
    };
    key.push(name.into());
    match value {
        None => {
            let sql = format!("DELETE FROM {table} WHERE {condition}");
            tx.execute(&sql, &key).await.map(drop)
        }
        Some(value) => {
            key.push(value.into());
            let head = format!("INSERT INTO {table} ({columns}, value)");
            let tail = format!(" ON CONFLICT ({columns}) DO UPDATE SET value = excluded.value");
            insert_rows(tx, &head, vec![key], &tail).await
        }
    }
}

/// Refuses a run that is not there, or is deleted; holds its row, so that no purge
/// of it begins meanwhile.
async fn hold_run(tx: &mut dyn Tx, run: &RunId) -> Result<()> {
    let sql = format!(
        "SELECT deleted_at FROM run WHERE id = $1{}",
        tx.dialect().lock_rows()
    );
    let rows = tx.query(&sql, &[run.as_str().into()]).await?;
    let row = rows.into_iter().next();
    let mut row = row.ok_or_else(|| Error::not_found("run", run))?;
    match row.optional_i64()? {
        Some(_) => Err(Error::conflict(format!(
            "run `{run}` is deleted; restore it before a version of a model names it"
        ))),
        None => Ok(()),
    }
}

async fn version_add(
    tx: &mut dyn Tx,
    held: &Held<'_>,
    new: &NewModelVersion,
) -> Result<Option<Told>> {
    // One order for everybody, so that two cannot wait for each other.
    let place_run = new.place.as_ref().map(|place| &place.run);
    let mut runs: Vec<&RunId> = new.run.iter().chain(place_run).collect();
    runs.sort();
    runs.dedup();
    for run in runs {
        hold_run(tx, run).await?;
    }
    let count = held.model.versions as usize + 1;
    at_most("versions of the model", count, limits::MODEL_VERSIONS_MAX)?;
    let sql = "UPDATE registry_model SET numbers = numbers + 1 WHERE id = $1 RETURNING numbers";
    let rows = tx.query(sql, &[held.key()]).await?;
    let number: u32 = rows.into_iter().next().map_or(Ok(0), |mut row| row.int())?;
    let version = ModelVersion {
        model: held.change.model.clone(),
        version: number,
        run: new.run.clone(),
        source: new.source.clone(),
        place: new.place.clone(),
        logged_model: new.logged_model.clone(),
        description: new.description.clone(),
        tags: new.tags.clone(),
        aliases: Vec::new(),
        stage: ModelStage::None,
        status: new.status,
        status_message: new.status_message.clone(),
        created_by: held.change.actor.clone(),
        created_at: held.change.now,
        updated_at: held.change.now,
    };
    insert_version(tx, &held.id, &version).await?;
    let detail = json!({
        "run": new.run, "source": new.source, "place": new.place,
        "logged_model": new.logged_model, "status": new.status,
    });
    Ok(told("version_added", Some(number), detail))
}

/// Stores a version with its tags; aliases are left to the caller.
pub(super) async fn insert_version(
    tx: &mut dyn Tx,
    model: &RegisteredModelId,
    version: &ModelVersion,
) -> Result<()> {
    let place = version.place.as_ref();
    let path = place.and_then(|place| place.path.as_ref());
    let row = vec![
        model.as_str().into(),
        version.version.into(),
        version.run.as_ref().map(RunId::as_str).into(),
        version.source.as_str().into(),
        place.map(|place| place.run.as_str()).into(),
        path.map(|path| path.as_str()).into(),
        version.logged_model.as_deref().into(),
        version.description.as_str().into(),
        version.stage.as_str().into(),
        version.status.as_str().into(),
        version.status_message.as_deref().into(),
        version.created_by.0.as_str().into(),
        version.created_at.0.into(),
        version.updated_at.0.into(),
    ];
    let head = "INSERT INTO registry_version (model, version, run, source, place_run, place_path, \
                logged_model, description, stage, status, status_message, actor, created_at, \
                updated_at)";
    insert_rows(tx, head, vec![row], "").await?;
    let rows = version.tags.iter().map(|(name, value)| {
        vec![
            model.as_str().into(),
            version.version.into(),
            name.as_str().into(),
            value.as_str().into(),
        ]
    });
    let head = "INSERT INTO registry_version_tag (model, version, name, value)";
    insert_rows(tx, head, rows.collect(), "").await
}

async fn version_delete(tx: &mut dyn Tx, held: &Held<'_>, number: u32) -> Result<Option<Told>> {
    let version = one(tx, held, number).await?;
    let sql = "DELETE FROM registry_version WHERE model = $1 AND version = $2";
    tx.execute(sql, &[held.key(), number.into()]).await?;
    let detail = json!({
        "run": version.run, "source": version.source, "aliases": version.aliases,
        "stage": version.stage,
    });
    Ok(told("version_deleted", Some(number), detail))
}

async fn set_status(
    tx: &mut dyn Tx,
    held: &Held<'_>,
    number: u32,
    status: ModelStatus,
    message: Option<&str>,
) -> Result<Option<Told>> {
    let version = one(tx, held, number).await?;
    if (version.status, version.status_message.as_deref()) == (status, message) {
        return Ok(None);
    }
    let sql = "UPDATE registry_version SET status = $1, status_message = $2 \
               WHERE model = $3 AND version = $4";
    let values = [
        status.as_str().into(),
        message.into(),
        held.key(),
        number.into(),
    ];
    tx.execute(sql, &values).await?;
    touch(tx, held, &version).await?;
    let detail = json!({"from": version.status, "to": status, "message": message});
    Ok(told("status_set", Some(number), detail))
}
