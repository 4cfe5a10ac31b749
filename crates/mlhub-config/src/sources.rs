//! The stacked sources of a resolution (file, smoke settings, overrides) and how errors and
//! origins name a place in them.
//!
//! Holds no rules about values.

use serde::{Deserialize, Serialize};

use crate::document::{At, Document, Layer};
use crate::error::{ConfigError, Detail, ErrorKind, excerpt, excerpt_unnumbered, printable};
use crate::overrides::Override;

/// Where a value of a resolved config comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Origin {
    /// A default of the adapter's schema.
    AdapterDefault {
        /// Name of the adapter.
        adapter: String,
        /// Version of the adapter.
        version: String,
    },
    /// The experiment file.
    File {
        /// Its name.
        file: String,
        /// 1-based line of the value.
        line: u32,
        /// 1-based column of the value, in characters.
        column: u32,
    },
    /// An override given with the command.
    Override {
        /// Its text, secrets masked.
        text: String,
    },
    /// The smoke settings of the adapter.
    Smoke {
        /// Name of the adapter.
        adapter: String,
    },
    /// A default of the hub itself.
    BuiltinDefault,
}

/// All texts a value may come from.
#[derive(Clone, Copy)]
pub(crate) struct Sources<'a> {
    pub(crate) document: &'a Document,
    pub(crate) overrides: &'a [Override],
    /// Name of the adapter, empty while it is not known yet.
    pub(crate) adapter: &'a str,
}

/// One mistake, before its place is rendered.
pub(crate) struct Mistake<'m> {
    pub(crate) kind: ErrorKind,
    /// `None`: the file as a whole.
    pub(crate) at: Option<At>,
    pub(crate) path: &'m str,
    pub(crate) message: String,
    pub(crate) label: String,
    pub(crate) help: Option<String>,
}

impl Sources<'_> {
    /// The error for a mistake, with its place and an excerpt.
    pub(crate) fn error(&self, mistake: Mistake<'_>) -> ConfigError {
        let file = printable(self.document.file_name());
        let mut detail = Detail {
            kind: mistake.kind,
            source: file,
            line: None,
            column: None,
            path: mistake.path.to_owned(),
            message: mistake.message,
            help: mistake.help,
            excerpts: Vec::new(),
        };
        match mistake.at {
            None => {}
            Some(At {
                layer: Layer::File,
                span,
            }) => {
                detail.line = Some(span.line);
                detail.column = Some(span.column);
                detail
                    .excerpts
                    .push(excerpt(&self.document.text, span, mistake.label));
            }
            Some(At {
                layer: Layer::Override(index),
                span,
            }) => {
                detail.source = "--set".to_owned();
                if let Some(text) = self.overrides.get(index).map(Override::text) {
                    detail
                        .excerpts
                        .push(excerpt_unnumbered(text, span, mistake.label));
                }
            }
            Some(At {
                layer: Layer::Smoke,
                ..
            }) => {
                detail.source = format!("smoke settings of adapter {}", self.adapter);
            }
        }
        ConfigError::new(detail)
    }

    /// The origin of a value that stands at `at`.
    pub(crate) fn origin(&self, at: At) -> Origin {
        match at.layer {
            Layer::File => Origin::File {
                file: self.document.file_name().to_owned(),
                line: at.span.line,
                column: at.span.column,
            },
            Layer::Override(index) => Origin::Override {
                text: self
                    .overrides
                    .get(index)
                    .map(Override::masked_text)
                    .unwrap_or_default(),
            },
            Layer::Smoke => Origin::Smoke {
                adapter: self.adapter.to_owned(),
            },
        }
    }
}
