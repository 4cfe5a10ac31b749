//! Retention rules, as they are stored. When they apply is not known here.

use mlhub_core::deletion::{DeletionAction, KeepBest, RetentionRule};
use mlhub_core::{Error, Name, Result, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::seam::{Row, Tx, json_text};

/// The version of the body of a rule.
const RULE_VERSION: u32 = 2;

/// What a rule is stored as.
#[derive(Serialize, Deserialize)]
struct RuleBody {
    version: u32,
    query: String,
    action: DeletionAction,
    after_ms: Option<i64>,
    keep_last: u32,
    /// Since version 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keep_best: Option<KeepBest>,
}

/// Sets a rule.
pub(crate) async fn put(tx: &mut dyn Tx, rule: &RetentionRule) -> Result<()> {
    let body = RuleBody {
        // A program that does not know all of a rule must not apply it.
        version: if rule.keep_best.is_some() {
            RULE_VERSION
        } else {
            1
        },
        query: rule.query.clone(),
        action: rule.action,
        after_ms: rule.after_ms,
        keep_last: rule.keep_last,
        keep_best: rule.keep_best.clone(),
    };
    tx.execute(
        "INSERT INTO retention_rule (name, body, actor, created_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (name) DO UPDATE SET body = excluded.body, actor = excluded.actor, \
         created_at = excluded.created_at, applied_at = NULL",
        &[
            rule.name.as_str().into(),
            json_text(&body)?.into(),
            rule.actor.0.as_str().into(),
            rule.created_at.0.into(),
        ],
    )
    .await
    .map(|_| ())
}

/// All rules by name.
pub(crate) async fn list(tx: &mut dyn Tx) -> Result<Vec<RetentionRule>> {
    let sql = "SELECT name, body, actor, created_at, applied_at FROM retention_rule ORDER BY name";
    let rows = tx.query(sql, &[]).await?;
    rows.into_iter().map(rule).collect()
}

/// Removes a rule; false when there is none.
pub(crate) async fn remove(tx: &mut dyn Tx, name: &Name) -> Result<bool> {
    let sql = "DELETE FROM retention_rule WHERE name = $1";
    Ok(tx.execute(sql, &[name.as_str().into()]).await? > 0)
}

/// Notes that a rule was applied.
pub(crate) async fn applied(tx: &mut dyn Tx, name: &Name, now: Timestamp) -> Result<()> {
    let sql = "UPDATE retention_rule SET applied_at = $1 WHERE name = $2";
    let values = [now.0.into(), name.as_str().into()];
    tx.execute(sql, &values).await.map(|_| ())
}

fn rule(mut row: Row) -> Result<RetentionRule> {
    let name = row.parsed()?;
    let body: Option<RuleBody> = row.optional_json()?;
    let body = body.ok_or_else(|| Error::internal("read a retention rule", "it has no body"))?;
    if body.version > RULE_VERSION {
        return Err(Error::new(
            mlhub_core::ErrorKind::Unsupported,
            format!("the retention rule `{name}` was set by a newer mlhub; install that version"),
        ));
    }
    Ok(RetentionRule {
        name,
        query: body.query,
        action: body.action,
        after_ms: body.after_ms,
        keep_last: body.keep_last,
        keep_best: body.keep_best,
        actor: UserId(row.text()?),
        created_at: Timestamp(row.i64()?),
        applied_at: row.optional_i64()?.map(Timestamp),
    })
}
