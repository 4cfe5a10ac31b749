//! Every trait of `mlhub_core::store`, in SQL that both databases speak.
//!
//! One file per aggregate. A trait method checks its input, then runs one
//! function in one transaction. Nothing here opens a connection or knows which
//! database it talks to, apart from [`Dialect`].

mod adapters;
mod artifact_removal;
mod artifacts;
pub(crate) mod attempts;
mod datasets;
mod deletions;
mod documents;
mod evaluations;
mod experiments;
pub(crate) mod labels;
mod logged_models;
mod logs;
mod portable;
mod portable_read;
mod portable_shared;
mod portable_write;
mod previews;
mod projects;
mod registry;
mod retention;
pub(crate) mod runs;
mod seam;
mod series;
pub(crate) mod text;
mod traces;
mod usage;
mod versions;

use std::future::Future;
use std::sync::Arc;

use crate::engine::Engine;
use futures::future::BoxFuture;
use mlhub_core::Result;
pub(crate) use seam::{Access, Backend, Dialect, Row, Tx, Value, json_text};

/// A store over a database.
#[derive(Debug)]
pub struct SqlStore<B> {
    pub(crate) backend: Arc<B>,
    pub(crate) engine: Arc<Engine<B>>,
}

impl<B> Clone for SqlStore<B> {
    fn clone(&self) -> Self {
        Self {
            backend: Arc::clone(&self.backend),
            engine: Arc::clone(&self.engine),
        }
    }
}

impl<B: Backend> SqlStore<B> {
    /// Opens the engine over a database whose schema is up to date.
    pub(crate) async fn over(backend: B) -> Result<Self> {
        let backend = Arc::new(backend);
        let engine = Arc::new(Engine::open(Arc::clone(&backend)).await?);
        Ok(Self { backend, engine })
    }

    fn read<I, T, W>(
        &self,
        operation: &'static str,
        input: I,
        work: W,
    ) -> impl Future<Output = Result<T>> + Send
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        W: for<'t> Fn(&'t mut (dyn Tx + 't), &'t I) -> BoxFuture<'t, Result<T>>
            + Send
            + Sync
            + 'static,
    {
        self.backend.run(Access::Read, operation, input, work)
    }

    fn write<I, T, W>(
        &self,
        operation: &'static str,
        input: I,
        work: W,
    ) -> impl Future<Output = Result<T>> + Send
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        W: for<'t> Fn(&'t mut (dyn Tx + 't), &'t I) -> BoxFuture<'t, Result<T>>
            + Send
            + Sync
            + 'static,
    {
        self.backend.run(Access::Write, operation, input, work)
    }
}
