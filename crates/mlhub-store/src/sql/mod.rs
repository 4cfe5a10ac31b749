//! Every trait of `mlhub_core::store`, in SQL that both databases speak.
//!
//! One file per aggregate. A trait method checks its input, then runs one
//! function in one transaction. Nothing here opens a connection or knows which
//! database it talks to, apart from [`Dialect`].

mod adapters;
mod artifacts;
mod attempts;
mod datasets;
mod evaluations;
mod ingest;
mod labels;
mod logs;
mod projects;
mod run_list;
mod runs;
mod seam;
mod series;
mod text;

use std::future::Future;
use std::sync::Arc;

use futures::future::BoxFuture;
use mlhub_core::Result;
pub(crate) use seam::{Access, Backend, Dialect, Row, Tx, Value};

/// A store over a database.
#[derive(Debug)]
pub struct SqlStore<B> {
    pub(crate) backend: Arc<B>,
}

impl<B> Clone for SqlStore<B> {
    fn clone(&self) -> Self {
        Self {
            backend: Arc::clone(&self.backend),
        }
    }
}

impl<B: Backend> SqlStore<B> {
    pub(crate) fn new(backend: B) -> Self {
        Self {
            backend: Arc::new(backend),
        }
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
