//! Datasets, their versions and splits, as records.

use async_trait::async_trait;
use mlhub_core::dataset::{Dataset, DatasetPreview, DatasetSplit, DatasetVersion};
use mlhub_core::store::DatasetStore;
use mlhub_core::{Error, Name, Result, Timestamp, UserId, limits};

use super::seam::{Backend, Row, Tx, Value, json_text};
use super::{SqlStore, previews};
use crate::check;

/// Runs named when a version cannot be removed.
const USERS_NAMED: usize = 5;

const VERSION_COLUMNS: &str = "SELECT dataset, version, fingerprint, format, source, row_count, \
    size_bytes, inspection, owner, created_at FROM dataset_version WHERE dataset = $1";

#[async_trait]
impl<B: Backend> DatasetStore for SqlStore<B> {
    async fn dataset_put(
        &self,
        version: &DatasetVersion,
        description: &str,
    ) -> Result<DatasetVersion> {
        check::name("the fingerprint", &version.fingerprint)?;
        check::name("the format", &version.format)?;
        check::optional("the owner", Some(&version.owner.0))?;
        check::text("the source", &version.source, limits::VALUE_MAX_BYTES)?;
        check::text("the description", description, limits::NOTES_MAX_BYTES)?;
        check::text(
            "the inspection",
            &json_text(&version.inspection)?,
            limits::SNAPSHOT_MAX_BYTES,
        )?;
        check::offset("the size", version.size_bytes)?;
        check::offset("the number of rows", version.rows.unwrap_or(0))?;
        let input = (version.clone(), description.to_owned());
        self.write("register a dataset", input, |tx, (version, description)| {
            Box::pin(put(tx, version, description))
        })
        .await
    }

    async fn dataset_list(&self) -> Result<Vec<Dataset>> {
        self.read("list datasets", (), |tx, ()| {
            Box::pin(async move {
                let sql = "SELECT name, description, created_at, latest_version FROM dataset \
                           ORDER BY name";
                let rows = tx.query(sql, &[]).await?;
                rows.into_iter().map(dataset).collect()
            })
        })
        .await
    }

    async fn dataset_get(
        &self,
        name: &Name,
        version: Option<u32>,
    ) -> Result<Option<DatasetVersion>> {
        self.read(
            "find a dataset",
            (name.clone(), version),
            |tx, (name, number)| {
                Box::pin(async move {
                    let mut sql = format!("{VERSION_COLUMNS} ORDER BY version DESC LIMIT 1");
                    let mut values = vec![name.as_str().into()];
                    if let Some(number) = number {
                        sql = format!("{VERSION_COLUMNS} AND version = $2");
                        values.push((*number).into());
                    }
                    let rows = tx.query(&sql, &values).await?;
                    rows.into_iter().next().map(version_of).transpose()
                })
            },
        )
        .await
    }

    async fn dataset_versions(&self, name: &Name) -> Result<Vec<DatasetVersion>> {
        self.read("list dataset versions", name.clone(), |tx, name| {
            Box::pin(async move {
                let sql = format!("{VERSION_COLUMNS} ORDER BY version DESC");
                let rows = tx.query(&sql, &[name.as_str().into()]).await?;
                rows.into_iter().map(version_of).collect()
            })
        })
        .await
    }

    async fn dataset_version_remove(&self, name: &Name, version: u32) -> Result<()> {
        self.write(
            "remove a dataset version",
            (name.clone(), version),
            |tx, (name, version)| Box::pin(remove(tx, name, *version)),
        )
        .await
    }

    async fn dataset_preview_put(
        &self,
        name: &Name,
        version: u32,
        preview: &DatasetPreview,
    ) -> Result<()> {
        preview.check()?;
        check::optional("the user", Some(&preview.actor.0))?;
        let input = (name.clone(), version, preview.clone());
        self.write("store a preview", input, |tx, (name, version, preview)| {
            Box::pin(previews::put(tx, name, *version, preview))
        })
        .await
    }

    async fn dataset_preview_get(
        &self,
        name: &Name,
        version: u32,
    ) -> Result<Option<DatasetPreview>> {
        let input = (name.clone(), version);
        self.read("read a preview", input, |tx, (name, version)| {
            Box::pin(previews::get(tx, name, *version))
        })
        .await
    }

    async fn dataset_preview_remove(&self, name: &Name, version: u32) -> Result<bool> {
        let input = (name.clone(), version);
        self.write("remove a preview", input, |tx, (name, version)| {
            Box::pin(previews::remove(tx, name, *version))
        })
        .await
    }

    async fn split_put(&self, split: &DatasetSplit) -> Result<()> {
        check::name("the split's hash", &split.hash)?;
        check::text(
            "the split's specification",
            &json_text(&split.spec)?,
            limits::SNAPSHOT_MAX_BYTES,
        )?;
        check::text(
            "the split's parts",
            &json_text(&split.parts)?,
            limits::SNAPSHOT_MAX_BYTES,
        )?;
        self.write("store a split", split.clone(), |tx, split| {
            Box::pin(put_split(tx, split))
        })
        .await
    }

    async fn split_accept(
        &self,
        name: &Name,
        version: u32,
        hash: &str,
        part: &str,
        acceptance: &serde_json::Value,
    ) -> Result<Option<DatasetSplit>> {
        check::name("the split's part", part)?;
        let key = (name.clone(), version, hash.to_owned());
        let change = (key, part.to_owned(), acceptance.clone());
        self.write(
            "accept shared rows",
            change,
            |tx, (key, part, acceptance)| Box::pin(accept(tx, key, part, acceptance)),
        )
        .await
    }

    async fn split_list(&self, name: &Name, version: u32) -> Result<Vec<DatasetSplit>> {
        self.read(
            "list splits",
            (name.clone(), version),
            |tx, (name, version)| {
                Box::pin(async move {
                    let sql = "SELECT dataset, version, hash, spec, parts, created_at \
                           FROM dataset_split WHERE dataset = $1 AND version = $2 \
                           ORDER BY created_at, hash";
                    let rows = tx
                        .query(sql, &[name.as_str().into(), (*version).into()])
                        .await?;
                    rows.into_iter().map(split_of).collect()
                })
            },
        )
        .await
    }
}

async fn put(tx: &mut dyn Tx, new: &DatasetVersion, description: &str) -> Result<DatasetVersion> {
    let name = new.dataset.as_str();
    tx.execute(
        "INSERT INTO dataset (name, description, created_at, latest_version) \
         VALUES ($1, $2, $3, 0) ON CONFLICT (name) DO NOTHING",
        &[name.into(), description.into(), new.created_at.0.into()],
    )
    .await?;
    let sql = format!(
        "SELECT latest_version FROM dataset WHERE name = $1{}",
        tx.dialect().lock_rows()
    );
    let rows = tx.query(&sql, &[name.into()]).await?;
    let latest: u32 = rows.into_iter().next().map_or(Ok(0), |mut row| row.int())?;
    if !description.is_empty() {
        let sql = "UPDATE dataset SET description = $1 WHERE name = $2";
        tx.execute(sql, &[description.into(), name.into()]).await?;
    }
    let sql = format!("{VERSION_COLUMNS} AND fingerprint = $2");
    let values = [name.into(), new.fingerprint.as_str().into()];
    if let Some(row) = tx.query(&sql, &values).await?.into_iter().next() {
        return version_of(row);
    }
    let stored = DatasetVersion {
        version: latest + 1,
        ..new.clone()
    };
    insert(tx, &stored).await?;
    tx.execute(
        "UPDATE dataset SET latest_version = $1 WHERE name = $2",
        &[stored.version.into(), name.into()],
    )
    .await?;
    Ok(stored)
}

async fn insert(tx: &mut dyn Tx, version: &DatasetVersion) -> Result<()> {
    let rows = version
        .rows
        .map(|rows| check::offset("the number of rows", rows))
        .transpose()?;
    tx.execute(
        "INSERT INTO dataset_version (dataset, version, fingerprint, format, source, row_count, \
         size_bytes, inspection, owner, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        &[
            version.dataset.as_str().into(),
            version.version.into(),
            version.fingerprint.as_str().into(),
            version.format.as_str().into(),
            version.source.as_str().into(),
            rows.into(),
            check::offset("the size", version.size_bytes)?.into(),
            json_text(&version.inspection)?.into(),
            version.owner.0.as_str().into(),
            version.created_at.0.into(),
        ],
    )
    .await
    .map(|_| ())
}

async fn remove(tx: &mut dyn Tx, name: &Name, version: u32) -> Result<()> {
    // Whoever makes runs holds this row: none comes to refer to it meanwhile.
    super::projects::take_numbers(tx, "run", 0).await?;
    let named = format!("{name}@{version}");
    let key: [Value; 2] = [name.as_str().into(), version.into()];
    let sql = "SELECT version FROM dataset_version WHERE dataset = $1 AND version = $2";
    if tx.query(sql, &key).await?.is_empty() {
        return Err(Error::not_found("dataset version", named));
    }
    let sql = format!("SELECT id FROM run WHERE dataset = $1 ORDER BY seq LIMIT {USERS_NAMED}");
    let rows = tx.query(&sql, &[named.as_str().into()]).await?;
    let runs: Vec<String> = rows
        .into_iter()
        .map(|mut row| row.text())
        .collect::<Result<_>>()?;
    if !runs.is_empty() {
        return Err(Error::conflict(format!(
            "the dataset version `{named}` is what runs read: {}; purge them first",
            runs.join(", ")
        )));
    }
    for table in ["dataset_split", "dataset_preview", "dataset_version"] {
        let sql = format!("DELETE FROM {table} WHERE dataset = $1 AND version = $2");
        tx.execute(&sql, &key).await?;
    }
    let sql = "DELETE FROM dataset WHERE name = $1 \
               AND NOT EXISTS (SELECT 1 FROM dataset_version WHERE dataset = $1)";
    tx.execute(sql, &key[..1]).await.map(|_| ())
}

async fn put_split(tx: &mut dyn Tx, split: &DatasetSplit) -> Result<()> {
    let name = split.dataset.as_str();
    let found = tx
        .query(
            "SELECT version FROM dataset_version WHERE dataset = $1 AND version = $2",
            &[name.into(), split.version.into()],
        )
        .await?;
    if found.is_empty() {
        let version = format_args!("{name}@{}", split.version);
        return Err(Error::not_found("dataset version", version));
    }
    tx.execute(
        "INSERT INTO dataset_split (dataset, version, hash, spec, parts, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (dataset, version, hash) DO NOTHING",
        &[
            name.into(),
            split.version.into(),
            split.hash.as_str().into(),
            json_text(&split.spec)?.into(),
            json_text(&split.parts)?.into(),
            split.created_at.0.into(),
        ],
    )
    .await
    .map(|_| ())
}

/// Writes into the parts what is accepted of one of them.
async fn accept(
    tx: &mut dyn Tx,
    (name, version, hash): &(Name, u32, String),
    part: &str,
    acceptance: &serde_json::Value,
) -> Result<Option<DatasetSplit>> {
    let sql = format!(
        "SELECT dataset, version, hash, spec, parts, created_at FROM dataset_split \
         WHERE dataset = $1 AND version = $2 AND hash = $3{}",
        tx.dialect().lock_rows()
    );
    let key: [Value; 3] = [
        name.as_str().into(),
        (*version).into(),
        hash.as_str().into(),
    ];
    let Some(row) = tx.query(&sql, &key).await?.into_iter().next() else {
        return Ok(None);
    };
    let mut split = split_of(row)?;
    let Some(parts) = split.parts.as_object_mut() else {
        return Err(Error::invalid("the split's parts are no object"));
    };
    let accepted = parts
        .entry("accepted")
        .or_insert_with(|| serde_json::json!({}));
    accepted[part] = acceptance.clone();
    let text = json_text(&split.parts)?;
    check::text("the split's parts", &text, limits::SNAPSHOT_MAX_BYTES)?;
    let sql = "UPDATE dataset_split SET parts = $1 \
               WHERE dataset = $2 AND version = $3 AND hash = $4";
    let [name, version, hash] = key;
    tx.execute(sql, &[text.into(), name, version, hash]).await?;
    Ok(Some(split))
}

fn dataset(mut row: Row) -> Result<Dataset> {
    Ok(Dataset {
        name: row.parsed()?,
        description: row.text()?,
        created_at: Timestamp(row.i64()?),
        latest_version: row.int()?,
    })
}

fn version_of(mut row: Row) -> Result<DatasetVersion> {
    Ok(DatasetVersion {
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
    })
}

fn split_of(mut row: Row) -> Result<DatasetSplit> {
    Ok(DatasetSplit {
        dataset: row.parsed()?,
        version: row.int()?,
        hash: row.text()?,
        spec: row.json()?,
        parts: row.json()?,
        created_at: Timestamp(row.i64()?),
    })
}
