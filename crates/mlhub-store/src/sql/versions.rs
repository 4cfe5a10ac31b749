//! Versions of artifacts and their aliases.
//!
//! A version is numbered in the transaction that stores its artifact; the row of
//! its name is held meanwhile, so that a number is handed out once. Nothing here
//! removes a version.

use async_trait::async_trait;
use mlhub_core::artifact_version::{
    Alias, ArtifactVersion, ArtifactVersionStore, NewAlias, VersionAlias, VersionChoice,
};
use mlhub_core::portable::PortableArtifactVersion;
use mlhub_core::run::Artifact;
use mlhub_core::{ArtifactPath, Error, ErrorKind, Name, Result, Timestamp, UserId, limits};

use super::seam::{Backend, Row, Tx, Value, stored};
use super::{SqlStore, labels};
use crate::check;

/// A condition on a version `v`: its content is there.
const AVAILABLE: &str = "(EXISTS (SELECT 1 FROM artifact a JOIN run r ON r.seq = a.run \
    WHERE a.hash = v.hash AND r.deleted_at IS NULL) \
    OR EXISTS (SELECT 1 FROM artifact_alias s WHERE s.project = v.project \
    AND s.name_hash = v.name_hash AND s.version = v.version))";

/// Hashes that aliases keep.
pub(crate) const ALIASED: &str = "SELECT v.hash FROM artifact_alias s JOIN artifact_version v \
    ON v.project = s.project AND v.name_hash = s.name_hash AND v.version = s.version";

#[async_trait]
impl<B: Backend> ArtifactVersionStore for SqlStore<B> {
    async fn artifact_version_find(
        &self,
        project: &Name,
        name: &ArtifactPath,
        choice: &VersionChoice,
    ) -> Result<Option<ArtifactVersion>> {
        let input = (project.clone(), name.clone(), choice.clone());
        self.read(
            "find a version of an artifact",
            input,
            |tx, (project, name, choice)| Box::pin(find(tx, project, name, choice)),
        )
        .await
    }

    async fn artifact_version_list(
        &self,
        project: &Name,
        name: &ArtifactPath,
        before: Option<u32>,
        limit: usize,
    ) -> Result<Vec<ArtifactVersion>> {
        let limit = limit.min(limits::PAGE_MAX_ROWS);
        let input = (project.clone(), name.clone(), before, limit);
        self.read(
            "list versions of an artifact",
            input,
            |tx, (project, name, before, limit)| {
                Box::pin(async move {
                    let before = before.map_or(i64::MAX, i64::from);
                    let rest = format!("v.version < $3 ORDER BY v.version DESC LIMIT {limit}");
                    select(tx, project, name, &rest, Some(before.into())).await
                })
            },
        )
        .await
    }

    async fn artifact_alias_set(&self, new: &NewAlias) -> Result<Option<String>> {
        check::optional("who sets the alias", Some(&new.actor.0))?;
        self.write("set an alias", new.clone(), |tx, new| {
            Box::pin(alias_set(tx, new))
        })
        .await
    }

    async fn artifact_alias_remove(
        &self,
        project: &Name,
        name: &ArtifactPath,
        alias: &Alias,
    ) -> Result<Option<String>> {
        let input = (project.clone(), name.clone(), alias.clone());
        self.write("remove an alias", input, |tx, (project, name, alias)| {
            Box::pin(async move {
                let key = Key::of(project, name);
                let before = hash_of(tx, &key, alias).await?;
                let sql = "DELETE FROM artifact_alias \
                           WHERE project = $1 AND name_hash = $2 AND alias = $3";
                tx.execute(sql, &key.and(alias.as_str())).await?;
                Ok(before)
            })
        })
        .await
    }

    async fn artifact_alias_blobs(&self, project: &Name) -> Result<Vec<String>> {
        self.read("list what aliases keep", project.clone(), |tx, project| {
            Box::pin(async move {
                let sql = format!("{ALIASED} WHERE s.project = $1");
                let rows = tx.query(&sql, &[project.as_str().into()]).await?;
                rows.into_iter().map(|mut row| row.text()).collect()
            })
        })
        .await
    }
}

/// What a name is found by.
struct Key([Value; 2]);

impl Key {
    fn of(project: &Name, name: &ArtifactPath) -> Self {
        Self([project.as_str().into(), labels::hash(name.as_str())])
    }

    fn and(&self, more: impl Into<Value>) -> [Value; 3] {
        let [project, name] = self.0.clone();
        [project, name, more.into()]
    }
}

async fn find(
    tx: &mut dyn Tx,
    project: &Name,
    name: &ArtifactPath,
    choice: &VersionChoice,
) -> Result<Option<ArtifactVersion>> {
    let (rest, value) = match choice {
        VersionChoice::Latest => (format!("{AVAILABLE} ORDER BY v.version DESC LIMIT 1"), None),
        VersionChoice::Number(number) => ("v.version = $3".to_owned(), Some((*number).into())),
        VersionChoice::Alias(alias) => (
            "v.version = (SELECT s.version FROM artifact_alias s WHERE s.project = $1 \
             AND s.name_hash = $2 AND s.alias = $3)"
                .to_owned(),
            Some(alias.as_str().into()),
        ),
        VersionChoice::Content(hash) => (
            "v.hash = $3 ORDER BY v.version DESC LIMIT 1".to_owned(),
            Some(hash.as_str().into()),
        ),
    };
    Ok(select(tx, project, name, &rest, value).await?.pop())
}

/// Versions of a name; `rest` may use `value` as `$3`.
async fn select(
    tx: &mut dyn Tx,
    project: &Name,
    name: &ArtifactPath,
    rest: &str,
    value: Option<Value>,
) -> Result<Vec<ArtifactVersion>> {
    let key = Key::of(project, name);
    let sql = format!(
        "SELECT v.version, v.run, v.hash, v.size_bytes, v.kind, v.attempt, v.created_at, \
         CAST(CASE WHEN {AVAILABLE} THEN 1 ELSE 0 END AS BIGINT) FROM artifact_version v \
         WHERE v.project = $1 AND v.name_hash = $2 AND {rest}"
    );
    let mut values = key.0.to_vec();
    values.extend(value);
    let rows = tx.query(&sql, &values).await?;
    let latest = latest(tx, &key).await?;
    let mut found = Vec::with_capacity(rows.len());
    for mut row in rows {
        let version: u32 = row.int()?;
        found.push(ArtifactVersion {
            project: project.clone(),
            name: name.clone(),
            version,
            run: row.parsed()?,
            hash: row.text()?,
            size_bytes: row.int()?,
            kind: row.text()?,
            attempt: row.int()?,
            created_at: Timestamp(row.i64()?),
            aliases: Vec::new(),
            available: row.i64()? == 1,
            latest: latest == Some(version),
        });
    }
    for (version, alias) in aliases(tx, &key).await? {
        if let Some(one) = found.iter_mut().find(|one| one.version == version) {
            one.aliases.push(alias);
        }
    }
    Ok(found)
}

async fn latest(tx: &mut dyn Tx, key: &Key) -> Result<Option<u32>> {
    let sql = format!(
        "SELECT v.version FROM artifact_version v WHERE v.project = $1 AND v.name_hash = $2 \
         AND {AVAILABLE} ORDER BY v.version DESC LIMIT 1"
    );
    let rows = tx.query(&sql, &key.0).await?;
    rows.into_iter().next().map(|mut row| row.int()).transpose()
}

/// All aliases of a name, which are few, with their versions.
async fn aliases(tx: &mut dyn Tx, key: &Key) -> Result<Vec<(u32, VersionAlias)>> {
    let sql = "SELECT version, alias, actor, set_at FROM artifact_alias \
               WHERE project = $1 AND name_hash = $2 ORDER BY alias";
    let rows = tx.query(sql, &key.0).await?;
    let read =
        |mut row: Row| -> Result<(u32, VersionAlias)> { Ok((row.int()?, alias_of(&mut row)?)) };
    rows.into_iter().map(read).collect()
}

fn alias_of(row: &mut Row) -> Result<VersionAlias> {
    Ok(VersionAlias {
        alias: stored(row.text()?.parse())?,
        actor: UserId(row.text()?),
        set_at: Timestamp(row.i64()?),
    })
}

/// The content of the version that has an alias.
async fn hash_of(tx: &mut dyn Tx, key: &Key, alias: &Alias) -> Result<Option<String>> {
    let sql = format!("{ALIASED} WHERE s.project = $1 AND s.name_hash = $2 AND s.alias = $3");
    let rows = tx.query(&sql, &key.and(alias.as_str())).await?;
    rows.into_iter()
        .next()
        .map(|mut row| row.text())
        .transpose()
}

async fn alias_set(tx: &mut dyn Tx, new: &NewAlias) -> Result<Option<String>> {
    let key = Key::of(&new.project, &new.name);
    let sql = format!(
        "SELECT versions FROM artifact_name WHERE project = $1 AND name_hash = $2{}",
        tx.dialect().lock_rows()
    );
    tx.query(&sql, &key.0).await?;
    let named = || format!("{}/{}:v{}", new.project, new.name, new.version);
    let number = VersionChoice::Number(new.version);
    let found = find(tx, &new.project, &new.name, &number).await?;
    let version = found.ok_or_else(|| Error::not_found("artifact version", named()))?;
    if !version.available {
        return Err(Error::conflict(format!(
            "the content of {} is gone with the run `{}`, so it can have no alias",
            named(),
            version.run
        )));
    }
    let before = hash_of(tx, &key, &new.alias).await?;
    if before.is_none() && aliases(tx, &key).await?.len() >= limits::ALIASES_PER_NAME_MAX {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!(
                "an artifact may have {} aliases; remove one first",
                limits::ALIASES_PER_NAME_MAX
            ),
        ));
    }
    let alias = VersionAlias {
        alias: new.alias.clone(),
        actor: new.actor.clone(),
        set_at: new.now,
    };
    let conflict = "DO UPDATE SET version = excluded.version, actor = excluded.actor, \
                    set_at = excluded.set_at";
    alias_put(tx, &key, new.version, &alias, conflict).await?;
    Ok(before)
}

async fn alias_put(
    tx: &mut dyn Tx,
    key: &Key,
    version: u32,
    alias: &VersionAlias,
    conflict: &str,
) -> Result<()> {
    let sql = format!(
        "INSERT INTO artifact_alias (project, name_hash, alias, version, actor, set_at) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (project, name_hash, alias) {conflict}"
    );
    let mut values = key.and(alias.alias.as_str()).to_vec();
    values.extend([
        version.into(),
        alias.actor.0.as_str().into(),
        alias.set_at.0.into(),
    ]);
    tx.execute(&sql, &values).await.map(|_| ())
}

/// Holds the row of a name, made when it is new, until the transaction ends.
/// Returns how many numbers were handed out.
async fn hold(tx: &mut dyn Tx, key: &Key, name: &ArtifactPath) -> Result<u32> {
    let sql = "INSERT INTO artifact_name (project, name_hash, name, versions) \
               VALUES ($1, $2, $3, 0) ON CONFLICT (project, name_hash) \
               DO UPDATE SET versions = artifact_name.versions RETURNING versions";
    let rows = tx.query(sql, &key.and(name.as_str())).await?;
    rows.into_iter().next().map_or(Ok(0), |mut row| row.int())
}

/// Whether a query with the name's key and one more value finds a row.
async fn exists(tx: &mut dyn Tx, key: &Key, condition: &str, value: &str) -> Result<bool> {
    let sql = format!(
        "SELECT v.version FROM artifact_version v \
         WHERE v.project = $1 AND v.name_hash = $2 AND {condition}"
    );
    Ok(!tx.query(&sql, &key.and(value)).await?.is_empty())
}

/// Notes what was just stored at a path of a run: the next version, unless the
/// newest has the same content.
pub(crate) async fn note(tx: &mut dyn Tx, run: i64, artifact: &Artifact) -> Result<()> {
    let project = project_of(tx, run).await?;
    let key = Key::of(&project, &artifact.path);
    let count = hold(tx, &key, &artifact.path).await?;
    let newest = "v.hash = $3 AND v.version = (SELECT max(n.version) FROM artifact_version n \
                  WHERE n.project = $1 AND n.name_hash = $2)";
    if exists(tx, &key, newest, &artifact.hash).await? {
        return Ok(());
    }
    append(tx, &key, count, &version_of(artifact)).await
}

/// Notes an artifact that is restored without its version: the next one, unless
/// any has the same content.
pub(crate) async fn note_restored(
    tx: &mut dyn Tx,
    project: &Name,
    artifact: &Artifact,
) -> Result<()> {
    let key = Key::of(project, &artifact.path);
    if exists(tx, &key, "v.hash = $3 LIMIT 1", &artifact.hash).await? {
        return Ok(());
    }
    let count = hold(tx, &key, &artifact.path).await?;
    append(tx, &key, count, &version_of(artifact)).await
}

async fn project_of(tx: &mut dyn Tx, run: i64) -> Result<Name> {
    let sql = "SELECT project FROM run WHERE seq = $1";
    let rows = tx.query(sql, &[run.into()]).await?;
    let row = rows.into_iter().next();
    row.map_or_else(|| Err(Error::not_found("run", run)), |mut row| row.parsed())
}

fn version_of(artifact: &Artifact) -> PortableArtifactVersion {
    PortableArtifactVersion {
        name: artifact.path.clone(),
        version: 0,
        run: artifact.run.clone(),
        hash: artifact.hash.clone(),
        size_bytes: artifact.size_bytes,
        artifact: artifact.kind.clone(),
        attempt: artifact.attempt,
        created_at: artifact.created_at,
        aliases: Vec::new(),
    }
}

/// Adds a version with the number `count`, the next one.
async fn append(
    tx: &mut dyn Tx,
    key: &Key,
    count: u32,
    version: &PortableArtifactVersion,
) -> Result<()> {
    let mut values = key.and(count).to_vec();
    values.extend([
        version.run.as_str().into(),
        version.hash.as_str().into(),
        check::offset("the artifact's size", version.size_bytes)?.into(),
        version.artifact.as_str().into(),
        version.attempt.into(),
        version.created_at.0.into(),
    ]);
    let sql = "INSERT INTO artifact_version (project, name_hash, version, run, hash, size_bytes, \
               kind, attempt, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    tx.execute(sql, &values).await?;
    let sql = "UPDATE artifact_name SET versions = $1 WHERE project = $2 AND name_hash = $3";
    let [project, name] = key.0.clone();
    let values = [(count + 1).into(), project, name];
    tx.execute(sql, &values).await.map(|_| ())
}

/// Puts a version of an archive back under its number. Where that number is taken
/// by another, it becomes the next one; what is here already stays as it is.
pub(crate) async fn restore(
    tx: &mut dyn Tx,
    project: &Name,
    version: &PortableArtifactVersion,
) -> Result<()> {
    let key = Key::of(project, &version.name);
    let count = hold(tx, &key, &version.name).await?;
    let here = match version.version == count {
        true => None,
        false => number_here(tx, &key, version).await?,
    };
    let number = match here {
        Some(number) => number,
        None => {
            append(tx, &key, count, version).await?;
            count
        }
    };
    for alias in &version.aliases {
        alias_put(tx, &key, number, alias, "DO NOTHING").await?;
    }
    Ok(())
}

/// The number that a version of an archive has here.
async fn number_here(
    tx: &mut dyn Tx,
    key: &Key,
    version: &PortableArtifactVersion,
) -> Result<Option<u32>> {
    let sql = "SELECT version FROM artifact_version WHERE project = $1 AND name_hash = $2 \
               AND run = $3 AND hash = $4 AND created_at = $5 \
               ORDER BY CASE WHEN version = $6 THEN 0 ELSE 1 END, version LIMIT 1";
    let mut values = key.and(version.run.as_str()).to_vec();
    values.extend([
        version.hash.as_str().into(),
        version.created_at.0.into(),
        version.version.into(),
    ]);
    let rows = tx.query(sql, &values).await?;
    rows.into_iter().next().map(|mut row| row.int()).transpose()
}

/// All versions of a project by name and number, a page after a place.
pub(crate) async fn portable(
    tx: &mut dyn Tx,
    project: &Name,
    after: Option<(&ArtifactPath, u32)>,
    limit: i64,
) -> Result<Vec<PortableArtifactVersion>> {
    let (name, number) = after.map_or(("", -1), |(name, number)| {
        (name.as_str(), i64::from(number))
    });
    let sql = "SELECT n.name, v.version, v.run, v.hash, v.size_bytes, v.kind, v.attempt, \
               v.created_at FROM artifact_name n JOIN artifact_version v \
               ON v.project = n.project AND v.name_hash = n.name_hash \
               WHERE n.project = $1 AND (n.name > $2 OR (n.name = $2 AND v.version > $3)) \
               ORDER BY n.name, v.version LIMIT $4";
    let values = [
        project.as_str().into(),
        name.into(),
        number.into(),
        limit.into(),
    ];
    let mut found = Vec::new();
    for mut row in tx.query(sql, &values).await? {
        found.push(PortableArtifactVersion {
            name: row.parsed()?,
            version: row.int()?,
            run: row.parsed()?,
            hash: row.text()?,
            size_bytes: row.int()?,
            artifact: row.text()?,
            attempt: row.int()?,
            created_at: Timestamp(row.i64()?),
            aliases: Vec::new(),
        });
    }
    for version in &mut found {
        let key = Key::of(project, &version.name);
        let sql = "SELECT alias, actor, set_at FROM artifact_alias WHERE project = $1 \
                   AND name_hash = $2 AND version = $3 ORDER BY alias";
        for mut row in tx.query(sql, &key.and(version.version)).await? {
            version.aliases.push(alias_of(&mut row)?);
        }
    }
    Ok(found)
}
