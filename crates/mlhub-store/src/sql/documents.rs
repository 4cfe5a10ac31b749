//! Saved views and reports, as records.

use async_trait::async_trait;
use mlhub_core::document::{
    Document, DocumentChange, DocumentHead, DocumentKind, DocumentStore, check_document_body,
    check_document_name,
};
use mlhub_core::portable::PortableDocument;
use mlhub_core::{DocumentId, Error, ErrorKind, Name, Result, Timestamp, UserId, limits};

use super::SqlStore;
use super::projects::take_numbers;
use super::seam::{Backend, Row, Tx, Value, json_text, stored};
use super::text::Sql;
use crate::check;

const HEAD_COLUMNS: &str = "id, kind, project, name, owner, revision, created_at, updated_at";

#[async_trait]
impl<B: Backend> DocumentStore for SqlStore<B> {
    async fn document_put(&self, document: &Document) -> Result<()> {
        check_document_name(&document.head.name)?;
        check_document_body(&document.body)?;
        check::optional("the owner", Some(&document.head.owner.0))?;
        self.write("store a document", document.clone(), |tx, document| {
            Box::pin(put(tx, document))
        })
        .await
    }

    async fn document_list(
        &self,
        kind: Option<DocumentKind>,
        project: Option<&Name>,
    ) -> Result<Vec<DocumentHead>> {
        let input = (kind, project.cloned());
        self.read("list documents", input, |tx, (kind, project)| {
            Box::pin(async move {
                let mut sql = Sql::new(&format!("SELECT {HEAD_COLUMNS} FROM document WHERE 1 = 1"));
                if let Some(kind) = kind {
                    sql.push(" AND kind = ").bind(kind.as_str());
                }
                if let Some(project) = project {
                    sql.push(" AND project = ").bind(project.as_str());
                }
                sql.push(" ORDER BY updated_at DESC, seq DESC");
                let rows = sql.query(tx).await?;
                rows.into_iter().map(|mut row| head(&mut row)).collect()
            })
        })
        .await
    }

    async fn document_get(&self, id: &DocumentId) -> Result<Option<Document>> {
        self.read("find a document", id.clone(), |tx, id| {
            Box::pin(get(tx, id, ""))
        })
        .await
    }

    async fn document_change(&self, change: &DocumentChange) -> Result<Document> {
        check_document_name(&change.name)?;
        check_document_body(&change.body)?;
        self.write("change a document", change.clone(), |tx, change| {
            Box::pin(put_change(tx, change))
        })
        .await
    }

    async fn document_remove(&self, id: &DocumentId) -> Result<bool> {
        self.write("remove a document", id.clone(), |tx, id| {
            Box::pin(async move {
                let sql = "DELETE FROM document WHERE id = $1";
                Ok(tx.execute(sql, &[id.as_str().into()]).await? > 0)
            })
        })
        .await
    }
}

async fn put(tx: &mut dyn Tx, document: &Document) -> Result<()> {
    let head = &document.head;
    // Whoever makes documents holds this row: their number stays within its bound.
    let seq = take_numbers(tx, "document", 1).await?;
    let rows = tx.query("SELECT count(*) FROM document", &[]).await?;
    let count: usize = rows.into_iter().next().map_or(Ok(0), |mut row| row.int())?;
    if count >= limits::DOCUMENTS_MAX {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!(
                "a hub may have {} saved views and reports; remove some that nobody needs",
                limits::DOCUMENTS_MAX
            ),
        ));
    }
    if let Some(project) = &head.project {
        let sql = "SELECT name FROM project WHERE name = $1";
        if tx.query(sql, &[project.as_str().into()]).await?.is_empty() {
            return Err(Error::not_found("project", project));
        }
    }
    if insert(tx, seq, document).await? {
        return Ok(());
    }
    Err(Error::conflict(format!(
        "the document `{}` exists",
        head.id
    )))
}

/// False when the id is taken.
async fn insert(tx: &mut dyn Tx, seq: i64, document: &Document) -> Result<bool> {
    let head = &document.head;
    let sql = "INSERT INTO document (seq, id, kind, project, name, owner, revision, created_at, \
               updated_at, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
               ON CONFLICT (id) DO NOTHING";
    let values = [
        seq.into(),
        head.id.as_str().into(),
        head.kind.as_str().into(),
        Value::from(head.project.as_ref().map(Name::as_str)),
        head.name.as_str().into(),
        head.owner.0.as_str().into(),
        head.revision.into(),
        head.created_at.0.into(),
        head.updated_at.0.into(),
        json_text(&document.body)?.into(),
    ];
    Ok(tx.execute(sql, &values).await? > 0)
}

async fn get(tx: &mut dyn Tx, id: &DocumentId, lock: &str) -> Result<Option<Document>> {
    let sql = format!("SELECT {HEAD_COLUMNS}, body FROM document WHERE id = $1{lock}");
    let rows = tx.query(&sql, &[id.as_str().into()]).await?;
    rows.into_iter().next().map(document).transpose()
}

async fn put_change(tx: &mut dyn Tx, change: &DocumentChange) -> Result<Document> {
    let lock = tx.dialect().lock_rows();
    let found = get(tx, &change.id, lock).await?;
    let mut found = found.ok_or_else(|| Error::not_found("document", &change.id))?;
    let stored = found.head.revision;
    if stored != change.revision {
        return Err(Error::conflict(format!(
            "the document `{}` was stored by somebody else meanwhile: its `revision` is {stored}, and this change was made from {}; read it again",
            change.id, change.revision
        ))
        .with_details(serde_json::json!({"field": "revision", "stored": stored})));
    }
    let next = stored.checked_add(1);
    found.head.revision =
        next.ok_or_else(|| Error::conflict("the document cannot change any more"))?;
    found.head.name.clone_from(&change.name);
    // A clock that was set back does not make a document older.
    found.head.updated_at = change.now.max(found.head.updated_at);
    found.body.clone_from(&change.body);
    let sql = "UPDATE document SET name = $1, revision = $2, updated_at = $3, body = $4 \
               WHERE id = $5";
    let values = [
        found.head.name.as_str().into(),
        found.head.revision.into(),
        found.head.updated_at.0.into(),
        json_text(&found.body)?.into(),
        change.id.as_str().into(),
    ];
    tx.execute(sql, &values).await?;
    Ok(found)
}

/// Documents of a project, or those of none, for an archive.
pub(crate) async fn portable(
    tx: &mut dyn Tx,
    project: Option<&Name>,
) -> Result<Vec<PortableDocument>> {
    let mut sql = Sql::new("SELECT id FROM document WHERE project ");
    match project {
        Some(project) => sql.push("= ").bind(project.as_str()),
        None => sql.push("IS NULL"),
    };
    sql.push(" ORDER BY created_at, id");
    let mut lines = Vec::new();
    for mut row in sql.query(tx).await? {
        if let Some(Document { head, body }) = get(tx, &row.parsed()?, "").await? {
            lines.push(PortableDocument {
                id: head.id,
                document: head.kind,
                name: head.name,
                owner: head.owner,
                revision: head.revision,
                created_at: head.created_at,
                updated_at: head.updated_at,
                body,
            });
        }
    }
    Ok(lines)
}

/// Stores a document of an archive; one whose id is taken stays as it is.
pub(crate) async fn restore(
    tx: &mut dyn Tx,
    project: Option<&Name>,
    line: PortableDocument,
) -> Result<()> {
    let seq = take_numbers(tx, "document", 1).await?;
    let document = Document {
        head: DocumentHead {
            id: line.id,
            kind: line.document,
            project: project.cloned(),
            name: line.name,
            owner: line.owner,
            revision: line.revision,
            created_at: line.created_at,
            updated_at: line.updated_at,
        },
        body: line.body,
    };
    insert(tx, seq, &document).await.map(drop)
}

fn head(row: &mut Row) -> Result<DocumentHead> {
    Ok(DocumentHead {
        id: row.parsed()?,
        kind: stored(row.text()?.parse())?,
        project: row
            .optional_text()?
            .map(|text| stored(text.parse()))
            .transpose()?,
        name: row.text()?,
        owner: UserId(row.text()?),
        revision: row.int()?,
        created_at: Timestamp(row.i64()?),
        updated_at: Timestamp(row.i64()?),
    })
}

fn document(mut row: Row) -> Result<Document> {
    Ok(Document {
        head: head(&mut row)?,
        body: row.json()?,
    })
}
