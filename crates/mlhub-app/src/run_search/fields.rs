//! The names that runs have: metrics, params and tags, for pickers and completion.

use mlhub_core::{Caller, Error, Name, Permission, Result, limits};
use mlhub_query::{Attribute, Field, FieldFamily, Fields};

use super::{equal, refusal, too_late};
use crate::Hub;

/// A name that runs have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunField {
    /// What a query calls it, such as `metrics.loss`.
    pub operand: String,
    /// `metric`, `param` or `tag`.
    pub kind: &'static str,
    /// How many runs have it.
    pub runs: u64,
}

/// Names found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunFields {
    /// Most frequent first.
    pub fields: Vec<RunField>,
    /// How many there are without the limit.
    pub total: u64,
}

impl Hub {
    /// The names that runs of a project have, or those of all runs; only those that
    /// start with `prefix` or have a part that does.
    ///
    /// # Errors
    /// `Invalid` for a limit or prefix out of bounds.
    pub async fn run_fields(
        &self,
        caller: &Caller,
        project: Option<&Name>,
        prefix: &str,
        limit: Option<usize>,
    ) -> Result<RunFields> {
        caller.require(Permission::Read)?;
        let limit = match limit.unwrap_or(limits::PAGE_DEFAULT_ROWS) {
            limit @ 1..=limits::FIELDS_MAX => limit,
            _ => {
                return Err(Error::invalid(format!(
                    "`limit` must be 1 to {}",
                    limits::FIELDS_MAX
                )));
            }
        };
        if prefix.len() > limits::KEY_MAX_BYTES {
            return Err(Error::invalid(format!(
                "`prefix` is longer than {} bytes",
                limits::KEY_MAX_BYTES
            )));
        }
        let fields = Fields {
            filter: project.map(|name| equal(Attribute::Project, name.as_str())),
            prefix: prefix.to_owned(),
            limit,
        };
        let now = self.clock.now();
        self.run_index.refresh(&*self.store, now).await?;
        let page = self
            .run_index
            .ask(move |table| table.fields_until(&fields, now, &too_late()))
            .await?
            .map_err(|error| refusal("prefix", "", &error))?;
        Ok(RunFields {
            fields: page.fields.into_iter().map(field).collect(),
            total: page.total as u64,
        })
    }
}

fn field(field: Field) -> RunField {
    RunField {
        operand: field.operand.to_string(),
        kind: match field.family {
            FieldFamily::Metric => "metric",
            FieldFamily::Param => "param",
            FieldFamily::Tag => "tag",
        },
        runs: field.runs as u64,
    }
}
