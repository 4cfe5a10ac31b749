//! What projects share, item by item: datasets, adapters, definitions; and the
//! rules of a whole hub.

use mlhub_core::portable::{
    PortableAdapter, PortableDataset, PortableDatasetVersion, PortableDefinition, PortableLine,
    PortableRetentionRule, PortableSplit,
};
use mlhub_core::{Name, Result, Timestamp, UserId};

use super::portable_read::Out;
use super::seam::{Tx, Value};
use super::{documents, previews, registry};

/// A condition on shared rows: all of them, or those a project's runs name.
fn used(project: Option<&Name>, condition: &str) -> (String, Vec<Value>) {
    match project {
        None => ("1 = 1".to_owned(), Vec::new()),
        Some(name) => (
            condition.replace(
                "@runs@",
                "SELECT 1 FROM run r WHERE r.project = $1 AND r.deleted_at IS NULL",
            ),
            vec![name.as_str().into()],
        ),
    }
}

pub(crate) async fn shared(tx: &mut dyn Tx, project: Option<&Name>, out: &Out<'_>) -> Result<()> {
    let version_used =
        "EXISTS (@runs@ AND r.dataset = v.dataset || '@' || CAST(v.version AS TEXT))";
    let dataset_used = format!(
        "EXISTS (SELECT 1 FROM dataset_version v WHERE v.dataset = d.name AND {version_used})"
    );
    let (condition, values) = used(project, &dataset_used);
    let sql = format!(
        "SELECT d.name, d.description, d.created_at FROM dataset d WHERE {condition} ORDER BY d.name"
    );
    for mut row in tx.query(&sql, &values).await? {
        let dataset = PortableDataset {
            name: row.parsed()?,
            description: row.text()?,
            created_at: Timestamp(row.i64()?),
        };
        out.line(PortableLine::Dataset(dataset)).await?;
    }
    let (condition, values) = used(project, version_used);
    let sql = format!(
        "SELECT v.dataset, v.version FROM dataset_version v WHERE {condition} \
         ORDER BY v.dataset, v.version"
    );
    for mut row in tx.query(&sql, &values).await? {
        dataset_version(tx, &row.text()?, row.i64()?, out).await?;
    }
    adapters(tx, project, out).await?;
    definitions(tx, project, out).await
}

async fn dataset_version(
    tx: &mut dyn Tx,
    dataset: &str,
    version: i64,
    out: &Out<'_>,
) -> Result<()> {
    let key = [dataset.into(), version.into()];
    let sql = "SELECT dataset, version, fingerprint, format, source, row_count, size_bytes, \
               inspection, owner, created_at FROM dataset_version \
               WHERE dataset = $1 AND version = $2";
    for mut row in tx.query(sql, &key).await? {
        let version = PortableDatasetVersion {
            dataset: row.parsed()?,
            version: row.int()?,
            fingerprint: row.text()?,
            format: row.text()?,
            source: row.text()?,
            rows: row.optional_i64()?.map(i64::cast_unsigned),
            size_bytes: row.int()?,
            inspection: row.json()?,
            owner: UserId(row.text()?),
            created_at: Timestamp(row.i64()?),
        };
        out.line(PortableLine::DatasetVersion(version)).await?;
    }
    let sql = "SELECT hash FROM dataset_split WHERE dataset = $1 AND version = $2 ORDER BY hash";
    for mut row in tx.query(sql, &key).await? {
        let sql = "SELECT dataset, version, hash, spec, parts, created_at FROM dataset_split \
                   WHERE dataset = $1 AND version = $2 AND hash = $3";
        let values = [key[0].clone(), key[1].clone(), row.text()?.into()];
        for mut row in tx.query(sql, &values).await? {
            let split = PortableSplit {
                dataset: row.parsed()?,
                version: row.int()?,
                hash: row.text()?,
                spec: row.json()?,
                parts: row.json()?,
                created_at: Timestamp(row.i64()?),
            };
            out.line(PortableLine::Split(split)).await?;
        }
    }
    Ok(())
}

async fn adapters(tx: &mut dyn Tx, project: Option<&Name>, out: &Out<'_>) -> Result<()> {
    let (condition, values) = used(
        project,
        "EXISTS (@runs@ AND r.adapter = a.name AND r.adapter_version = a.version)",
    );
    let sql = format!(
        "SELECT a.name, a.version, a.manifest, a.created_at FROM adapter_version a \
         WHERE {condition} ORDER BY a.name, a.seq"
    );
    for mut row in tx.query(&sql, &values).await? {
        let adapter = PortableAdapter {
            name: row.text()?,
            version: row.text()?,
            manifest: row.json()?,
            created_at: Timestamp(row.i64()?),
        };
        out.line(PortableLine::Adapter(adapter)).await?;
    }
    Ok(())
}

async fn definitions(tx: &mut dyn Tx, project: Option<&Name>, out: &Out<'_>) -> Result<()> {
    let (condition, values) = used(
        project,
        "EXISTS (SELECT 1 FROM run r JOIN evaluated_metric m ON m.run = r.seq \
         WHERE r.project = $1 AND r.deleted_at IS NULL AND m.definition = d.id)",
    );
    let sql = format!(
        "SELECT d.id, d.hash, d.body FROM metric_definition d WHERE {condition} ORDER BY d.id"
    );
    for mut row in tx.query(&sql, &values).await? {
        let definition = PortableDefinition {
            id: row.text()?,
            hash: row.text()?,
            body: row.json()?,
        };
        out.line(PortableLine::Definition(definition)).await?;
    }
    Ok(())
}

/// What belongs to no project and is of a whole hub only.
pub(crate) async fn of_hub(tx: &mut dyn Tx, out: &Out<'_>) -> Result<()> {
    previews::portable(tx, out).await?;
    retention_rules(tx, out).await?;
    for document in documents::portable(tx, None).await? {
        out.line(PortableLine::HubDocument(document)).await?;
    }
    registry::portable(tx, out).await
}

async fn retention_rules(tx: &mut dyn Tx, out: &Out<'_>) -> Result<()> {
    let sql = "SELECT name, body, actor, created_at FROM retention_rule ORDER BY name";
    for mut row in tx.query(sql, &[]).await? {
        let rule = PortableRetentionRule {
            name: row.text()?,
            body: row.json()?,
            actor: row.text()?,
            created_at: Timestamp(row.i64()?),
        };
        out.line(PortableLine::RetentionRule(rule)).await?;
    }
    Ok(())
}
