//! Everything in bulk: the [`PortableStore`] over both databases.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use mlhub_core::Result;
use mlhub_core::portable::PortableScope;
use mlhub_core::store::{DatabaseCopy, PortableSink, PortableSource, PortableStore};

use super::seam::Backend;
use super::{SqlStore, portable_read, portable_write};

#[async_trait]
impl<B: Backend> PortableStore for SqlStore<B> {
    async fn portable_read(
        &self,
        scope: &PortableScope,
        sink: Arc<dyn PortableSink>,
    ) -> Result<()> {
        let input = (scope.clone(), sink);
        self.read("read everything", input, |tx, (scope, sink)| {
            Box::pin(portable_read::read(tx, scope, sink))
        })
        .await
    }

    async fn portable_write(&self, source: Arc<dyn PortableSource>) -> Result<()> {
        self.write("store everything", source, |tx, source| {
            Box::pin(portable_write::write(tx, &**source))
        })
        .await
    }

    async fn database_copy(&self, path: &Path) -> Result<Option<DatabaseCopy>> {
        self.backend.copy_to(path).await
    }
}
