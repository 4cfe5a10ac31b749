//! Which metrics, params and tags runs have, and how many runs have each.

use std::cmp::Reverse;

use mlhub_core::Timestamp;

use crate::ast::{Expr, Operand};
use crate::error::QueryError;
use crate::filter::{Filter, seen};
use crate::patience::Patience;
use crate::search::in_family;
use crate::table::{Family, RunTable};

/// Characters after which a part of a name begins.
const PART_MARKS: [char; 4] = ['/', '.', '_', '-'];

/// Which names are asked for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fields {
    /// Only those of runs that meet this condition.
    pub filter: Option<Expr>,
    /// Only names that start with this, or a part of which does; letters of either
    /// case. All when empty.
    pub prefix: String,
    /// Names at most.
    pub limit: usize,
}

/// What a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldFamily {
    /// A metric, logged or evaluated.
    Metric,
    /// A param.
    Param,
    /// A tag.
    Tag,
}

/// A name that runs have.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// What a query calls it.
    pub operand: Operand,
    /// What it is.
    pub family: FieldFamily,
    /// How many runs have it.
    pub runs: usize,
}

/// Names found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FieldPage {
    /// Most frequent first, then by name.
    pub fields: Vec<Field>,
    /// How many names there are without the limit.
    pub total: usize,
}

impl RunTable {
    /// The names that runs have, and gives up once it is `late`.
    ///
    /// # Errors
    /// A late one; a condition that cannot be met within its limits.
    pub fn fields_until(
        &self,
        fields: &Fields,
        now: Timestamp,
        late: &dyn Fn() -> bool,
    ) -> Result<FieldPage, QueryError> {
        let patience = Patience::new(late);
        let seen = seen(self, fields.filter.as_ref());
        let rows = match &fields.filter {
            Some(expr) => Filter::new(self, now, &seen, &patience).rows(expr),
            None => seen.clone(),
        };
        let prefix = fields.prefix.to_lowercase();
        let families = [
            (Family::Metric, FieldFamily::Metric),
            (Family::Evaluated, FieldFamily::Metric),
            (Family::Param, FieldFamily::Param),
            (Family::Tag, FieldFamily::Tag),
        ];
        let mut found: Vec<(usize, String, Field)> = Vec::new();
        for (family, shown) in families {
            patience.check()?;
            for (name, runs) in self.counted(family, &rows) {
                if runs == 0 {
                    continue;
                }
                let Some(operand) = in_family(family, name, &Operand::metric("")) else {
                    continue;
                };
                let text = operand.to_string();
                if starts(name, &prefix) || text.to_lowercase().starts_with(&prefix) {
                    let field = Field {
                        operand,
                        family: shown,
                        runs,
                    };
                    found.push((runs, text, field));
                }
            }
        }
        patience.check()?;
        let total = found.len();
        let order = |(runs, text, _): &(usize, String, Field)| (Reverse(*runs), text.clone());
        found.sort_by_cached_key(order);
        found.truncate(fields.limit);
        Ok(FieldPage {
            fields: found.into_iter().map(|(.., field)| field).collect(),
            total,
        })
    }
}

/// Whether a name, or a part of it, starts with `prefix`, which is lower case.
fn starts(name: &str, prefix: &str) -> bool {
    let name = name.to_lowercase();
    name.starts_with(prefix)
        || name
            .match_indices(PART_MARKS)
            .any(|(at, mark)| name[at + mark.len()..].starts_with(prefix))
}
