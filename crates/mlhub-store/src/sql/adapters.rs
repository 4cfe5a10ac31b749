//! Adapter versions the hub has seen.

use async_trait::async_trait;
use mlhub_core::evaluation::AdapterVersion;
use mlhub_core::store::AdapterStore;
use mlhub_core::{Result, Timestamp, limits};

use super::SqlStore;
use super::seam::{Backend, Row, json_text};
use crate::check;

#[async_trait]
impl<B: Backend> AdapterStore for SqlStore<B> {
    async fn adapter_put(&self, adapter: &AdapterVersion) -> Result<()> {
        check::name("the adapter's name", &adapter.name)?;
        check::name("the adapter's version", &adapter.version)?;
        let manifest = json_text(&adapter.manifest)?;
        check::text("the manifest", &manifest, limits::SNAPSHOT_MAX_BYTES)?;
        let input = (adapter.clone(), manifest);
        self.write(
            "store an adapter version",
            input,
            |tx, (adapter, manifest)| {
                Box::pin(async move {
                    tx.execute(
                        "INSERT INTO adapter_version (name, version, manifest, created_at) \
                     VALUES ($1, $2, $3, $4) ON CONFLICT (name, version) DO NOTHING",
                        &[
                            adapter.name.as_str().into(),
                            adapter.version.as_str().into(),
                            manifest.as_str().into(),
                            adapter.created_at.0.into(),
                        ],
                    )
                    .await
                    .map(|_| ())
                })
            },
        )
        .await
    }

    async fn adapter_list(&self) -> Result<Vec<AdapterVersion>> {
        self.read("list adapter versions", (), |tx, ()| {
            Box::pin(async move {
                let sql = "SELECT name, version, manifest, created_at FROM adapter_version \
                           ORDER BY name, seq DESC";
                let rows = tx.query(sql, &[]).await?;
                rows.into_iter().map(adapter).collect()
            })
        })
        .await
    }
}

fn adapter(mut row: Row) -> Result<AdapterVersion> {
    Ok(AdapterVersion {
        name: row.text()?,
        version: row.text()?,
        manifest: row.json()?,
        created_at: Timestamp(row.i64()?),
    })
}
