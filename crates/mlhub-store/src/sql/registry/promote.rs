//! Aliases, stages and what protects them: what a version is promoted to.

use mlhub_core::registry::{GatePassed, ModelAlias, ModelStage, PromotionTarget, at_most};
use mlhub_core::{Error, Result, limits};
use serde_json::{Value as Json, json};

use super::super::seam::{Tx, json_text};
use super::super::text::insert_rows;
use super::write::{Held, Told, one, told, touch};

/// Refuses what is protected unless its gate was passed, and a gate that was held
/// against another version than the one that has the target now.
fn check_gate(
    held: &Held<'_>,
    target: &PromotionTarget,
    holder: Option<u32>,
    gate: Option<&GatePassed>,
) -> Result<()> {
    let rules = held.model.protections.get(target);
    let passed = gate.and_then(|gate| gate.protection.as_ref());
    if rules.is_some() && rules != passed {
        return Err(Error::conflict(format!(
            "`{target}` of the model `{}` is protected: a version gets it by passing its gate",
            held.change.model
        )));
    }
    match gate {
        Some(gate) if gate.holder != holder => Err(Error::conflict(format!(
            "`{target}` of the model `{}` was given to another version meanwhile; hold this one against it",
            held.change.model
        ))),
        _ => Ok(()),
    }
}

fn verdict_of(gate: Option<&GatePassed>) -> Option<&Json> {
    gate.map(|gate| &gate.verdict)
}

pub(super) async fn alias_set(
    tx: &mut dyn Tx,
    held: &Held<'_>,
    alias: &ModelAlias,
    number: u32,
    gate: Option<&GatePassed>,
) -> Result<Option<Told>> {
    let version = one(tx, held, number).await?;
    let from = held.model.aliases.get(alias).copied();
    if from == Some(number) {
        return Ok(None);
    }
    check_gate(held, &PromotionTarget::Alias(alias.clone()), from, gate)?;
    if from.is_none() {
        let count = held.model.aliases.len() + 1;
        at_most("aliases of the model", count, limits::MODEL_ALIASES_MAX)?;
    }
    let row = vec![held.key(), alias.as_str().into(), number.into()];
    let head = "INSERT INTO registry_alias (model, alias, version)";
    let tail = " ON CONFLICT (model, alias) DO UPDATE SET version = excluded.version";
    insert_rows(tx, head, vec![row], tail).await?;
    touch(tx, held, &version).await?;
    let detail = json!({"alias": alias, "from": from, "to": number, "gate": verdict_of(gate)});
    Ok(told("alias_set", Some(number), detail))
}

pub(super) async fn alias_remove(
    tx: &mut dyn Tx,
    held: &Held<'_>,
    alias: &ModelAlias,
) -> Result<Option<Told>> {
    let from =
        held.model.aliases.get(alias).copied().ok_or_else(|| {
            Error::not_found("alias", format_args!("{}@{alias}", held.change.model))
        })?;
    let sql = "DELETE FROM registry_alias WHERE model = $1 AND alias = $2";
    tx.execute(sql, &[held.key(), alias.as_str().into()])
        .await?;
    Ok(told(
        "alias_removed",
        Some(from),
        json!({"alias": alias, "from": from}),
    ))
}

pub(super) async fn stage_set(
    tx: &mut dyn Tx,
    held: &Held<'_>,
    number: u32,
    stage: ModelStage,
    archive_others: bool,
    gate: Option<&GatePassed>,
) -> Result<Option<Told>> {
    let version = one(tx, held, number).await?;
    let sql = "SELECT version FROM registry_version WHERE model = $1 AND stage = $2 \
               AND version <> $3 ORDER BY version DESC";
    let values = [held.key(), stage.as_str().into(), number.into()];
    let rows = tx.query(sql, &values).await?;
    let others = rows.into_iter().map(|mut row| row.int());
    let mut others: Vec<u32> = others.collect::<Result<_>>()?;
    if version.stage != stage {
        let target = PromotionTarget::Stage(stage);
        check_gate(held, &target, others.first().copied(), gate)?;
    }
    if !archive_others {
        others.clear();
    }
    if version.stage == stage && others.is_empty() {
        return Ok(None);
    }
    for (of, to) in others
        .iter()
        .map(|other| (*other, ModelStage::Archived))
        .chain([(number, stage)])
    {
        let sql = "UPDATE registry_version SET stage = $1, \
                   updated_at = CASE WHEN updated_at < $2 THEN $2 ELSE updated_at END \
                   WHERE model = $3 AND version = $4";
        let now = held.change.now.0.into();
        tx.execute(sql, &[to.as_str().into(), now, held.key(), of.into()])
            .await?;
    }
    let detail = json!({
        "from": version.stage, "to": stage, "archived": others, "gate": verdict_of(gate),
    });
    Ok(told("stage_set", Some(number), detail))
}

pub(super) async fn protect(
    tx: &mut dyn Tx,
    held: &Held<'_>,
    target: &PromotionTarget,
    rules: &Json,
) -> Result<Option<Told>> {
    let from = held.model.protections.get(target);
    if from == Some(rules) {
        return Ok(None);
    }
    let count = held.model.protections.len() + 1;
    at_most("protections of the model", count, limits::MODEL_ALIASES_MAX)?;
    let row = vec![
        held.key(),
        target.to_string().into(),
        json_text(rules)?.into(),
    ];
    let head = "INSERT INTO registry_protection (model, target, body)";
    let tail = " ON CONFLICT (model, target) DO UPDATE SET body = excluded.body";
    insert_rows(tx, head, vec![row], tail).await?;
    let detail = json!({"target": target, "from": from, "to": rules});
    Ok(told("protected", None, detail))
}

pub(super) async fn unprotect(
    tx: &mut dyn Tx,
    held: &Held<'_>,
    target: &PromotionTarget,
) -> Result<Option<Told>> {
    let from = held.model.protections.get(target);
    let from = from.ok_or_else(|| {
        Error::not_found(
            "protection",
            format_args!("{target} of {}", held.change.model),
        )
    })?;
    let sql = "DELETE FROM registry_protection WHERE model = $1 AND target = $2";
    tx.execute(sql, &[held.key(), target.to_string().into()])
        .await?;
    let detail = json!({"target": target, "from": from});
    Ok(told("unprotected", None, detail))
}
