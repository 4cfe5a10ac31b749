//! Previews of dataset versions: a few rows that somebody chose to show.

use mlhub_core::dataset::DatasetPreview;
use mlhub_core::portable::{PortableDatasetPreview, PortableLine};
use mlhub_core::{Error, ErrorKind, Name, Result, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::portable_read::Out;
use super::seam::{Row, Tx, Value, json_text};

/// The version of the body of a preview.
const PREVIEW_VERSION: u32 = 1;

/// What a preview is stored as.
#[derive(Serialize, Deserialize)]
struct PreviewBody {
    preview_version: u32,
    columns: Vec<String>,
    rows: Vec<Vec<serde_json::Value>>,
}

/// Stores the preview of a version that is there, in place of the one it has.
pub(crate) async fn put(
    tx: &mut dyn Tx,
    name: &Name,
    version: u32,
    preview: &DatasetPreview,
) -> Result<()> {
    let key: [Value; 2] = [name.as_str().into(), version.into()];
    let sql = "SELECT version FROM dataset_version WHERE dataset = $1 AND version = $2";
    if tx.query(sql, &key).await?.is_empty() {
        let named = format_args!("{name}@{version}");
        return Err(Error::not_found("dataset version", named));
    }
    let body = PreviewBody {
        preview_version: PREVIEW_VERSION,
        columns: preview.columns.clone(),
        rows: preview.rows.clone(),
    };
    let [name, version] = key;
    let sql = "INSERT INTO dataset_preview (dataset, version, body, actor, created_at) \
               VALUES ($1, $2, $3, $4, $5) ON CONFLICT (dataset, version) DO UPDATE SET \
               body = excluded.body, actor = excluded.actor, created_at = excluded.created_at";
    let values = [
        name,
        version,
        json_text(&body)?.into(),
        preview.actor.0.as_str().into(),
        preview.created_at.0.into(),
    ];
    tx.execute(sql, &values).await.map(drop)
}

/// The preview of a version.
pub(crate) async fn get(
    tx: &mut dyn Tx,
    name: &Name,
    version: u32,
) -> Result<Option<DatasetPreview>> {
    let sql = "SELECT body, actor, created_at FROM dataset_preview \
               WHERE dataset = $1 AND version = $2";
    let values = [name.as_str().into(), version.into()];
    let rows = tx.query(sql, &values).await?;
    rows.into_iter().next().map(preview).transpose()
}

/// Removes the preview of a version; false when there is none.
pub(crate) async fn remove(tx: &mut dyn Tx, name: &Name, version: u32) -> Result<bool> {
    let sql = "DELETE FROM dataset_preview WHERE dataset = $1 AND version = $2";
    let values = [name.as_str().into(), version.into()];
    Ok(tx.execute(sql, &values).await? > 0)
}

/// Hands every preview on, for an archive of a whole hub.
pub(crate) async fn portable(tx: &mut dyn Tx, out: &Out<'_>) -> Result<()> {
    let sql = "SELECT dataset, version FROM dataset_preview ORDER BY dataset, version";
    for mut row in tx.query(sql, &[]).await? {
        let (dataset, version) = (row.parsed()?, row.int()?);
        if let Some(preview) = get(tx, &dataset, version).await? {
            let line = PortableDatasetPreview {
                dataset,
                version,
                columns: preview.columns,
                rows: preview.rows,
                actor: preview.actor,
                created_at: preview.created_at,
            };
            out.line(PortableLine::DatasetPreview(line)).await?;
        }
    }
    Ok(())
}

fn preview(mut row: Row) -> Result<DatasetPreview> {
    let body: Option<PreviewBody> = row.optional_json()?;
    let body = body.ok_or_else(|| Error::internal("read a preview", "it has no body"))?;
    if body.preview_version > PREVIEW_VERSION {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "the preview was stored by a newer mlhub; install that version, or remove the preview",
        ));
    }
    Ok(DatasetPreview {
        columns: body.columns,
        rows: body.rows,
        actor: UserId(row.text()?),
        created_at: Timestamp(row.i64()?),
    })
}
