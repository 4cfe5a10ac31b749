//! A search: condition, order, page, columns; and what it should perhaps have said.

use std::collections::BTreeSet;
use std::sync::Arc;

use mlhub_core::Timestamp;

use crate::ast::{Expr, Mention, Operand};
use crate::bits::Bits;
use crate::error::QueryError;
use crate::filter::{Filter, seen};
use crate::limits::{COLUMNS_MAX, HINTS_MAX, ORDER_KEYS_MAX, SUGGESTIONS_MAX, VALUES_MAX_BYTES};
use crate::order::{Cursor, OrderKey, Sorter};
use crate::patience::Patience;
use crate::read::{Reader, Value, column_of};
use crate::suggest::closest;
use crate::table::{Family, RunTable};

/// Which runs, in which order, from where, and what of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Search {
    /// The condition; every run meets an absent one.
    pub filter: Option<Expr>,
    /// Only these runs, by id; any when absent.
    pub only: Option<Arc<[String]>>,
    /// The order; newest first when empty.
    pub order: Vec<OrderKey>,
    /// The place the page before ended.
    pub after: Option<Cursor>,
    /// Rows to pass over, instead of `after`.
    pub offset: usize,
    /// Rows at most.
    pub limit: usize,
    /// Values to return of each row.
    pub columns: Vec<Operand>,
}

/// Rows found.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Ids of the runs, in order.
    pub runs: Vec<String>,
    /// Values of the columns, a list per run.
    pub values: Vec<Vec<Value>>,
    /// Where the next page starts, when there is one.
    pub next: Option<Cursor>,
    /// Runs that meet the condition, on all pages.
    pub total: u64,
}

/// Something that is no mistake but finds nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// What it is about: no run has it.
    pub operand: Operand,
    /// Bytes of the query that name it.
    pub span: std::ops::Range<usize>,
    /// What runs do have that is alike, most alike first.
    pub suggestions: Vec<Operand>,
}

impl RunTable {
    /// Finds runs.
    ///
    /// # Errors
    /// More keys or columns than allowed; a cursor of another order.
    pub fn search(&self, search: &Search, now: Timestamp) -> Result<Page, QueryError> {
        self.search_until(search, now, &|| false)
    }

    /// Finds runs, and gives up once it is `late`.
    ///
    /// # Errors
    /// As [`RunTable::search`]; a late one.
    pub fn search_until(
        &self,
        search: &Search,
        now: Timestamp,
        late: &dyn Fn() -> bool,
    ) -> Result<Page, QueryError> {
        let patience = Patience::new(late);
        let refuse = |message: String| Err(QueryError::new(message, 0..0));
        if search.order.len() > ORDER_KEYS_MAX {
            return refuse(format!("more than {ORDER_KEYS_MAX} keys to order by"));
        }
        if search.columns.len() > COLUMNS_MAX {
            return refuse(format!("more than {COLUMNS_MAX} columns"));
        }
        let cursor = search.after.as_ref();
        if cursor.is_some_and(|cursor| cursor.keys.len() != search.order.len()) {
            return refuse("the cursor belongs to another order".to_owned());
        }
        if cursor.is_some() && search.offset > 0 {
            return refuse("a page starts at a cursor or at an offset, not at both".to_owned());
        }
        let seen = seen(self, search.filter.as_ref());
        let mut rows = match &search.filter {
            Some(expr) => Filter::new(self, now, &seen, &patience).rows(expr),
            None => seen.clone(),
        };
        if let Some(only) = &search.only {
            rows.and(&self.rows_of(only));
        }
        patience.check()?;
        let sorter = Sorter::new(self, &search.order, now, &seen);
        let room = search.limit.saturating_add(1);
        let mut found = match search.offset {
            0 => sorter.first(&rows, cursor, room),
            offset => sorter.from(&rows, offset, room),
        };
        let more = found.len() > search.limit;
        found.truncate(search.limit);
        Ok(Page {
            next: found.last().filter(|_| more).map(|row| sorter.cursor(*row)),
            values: self.column_values(&search.columns, &found, now, &seen, &patience)?,
            runs: found.iter().map(|row| self.id(*row).to_owned()).collect(),
            total: rows.count() as u64,
        })
    }

    /// Values of the columns in the rows, a list per row. One column is read at a
    /// time, an equal one once.
    fn column_values(
        &self,
        columns: &[Operand],
        rows: &[usize],
        now: Timestamp,
        seen: &Bits,
        patience: &Patience<'_>,
    ) -> Result<Vec<Vec<Value>>, QueryError> {
        let mut values: Vec<Vec<Value>> = rows.iter().map(|_| Vec::new()).collect();
        let mut bytes = 0;
        for (number, operand) in columns.iter().enumerate() {
            patience.check()?;
            let equal = columns[..number].iter().position(|other| other == operand);
            let reader = match equal {
                Some(_) => Reader::Absent,
                None => self.reader(operand, now, seen),
            };
            for (listed, row) in values.iter_mut().zip(rows) {
                let value = match equal {
                    Some(at) => listed[at].clone(),
                    None => reader.value(self, *row, operand.kind()),
                };
                bytes += size_of::<Value>();
                if let Value::Text(text) = &value {
                    bytes += text.len();
                }
                listed.push(value);
            }
            if bytes > VALUES_MAX_BYTES {
                let message =
                    format!("the values of the columns take more than {VALUES_MAX_BYTES} bytes");
                return Err(
                    QueryError::new(message, 0..0).hint("ask for fewer columns, or for fewer rows")
                );
            }
        }
        Ok(values)
    }

    /// Ids of the runs that meet a condition, newest first, at most `limit`.
    ///
    /// # Errors
    /// As [`RunTable::search`].
    pub fn matching(
        &self,
        filter: &Expr,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<String>, QueryError> {
        let search = Search {
            filter: Some(filter.clone()),
            limit,
            ..Search::default()
        };
        self.search(&search, now).map(|page| page.runs)
    }

    /// What the query names that no run has, with what is alike; the first
    /// [`HINTS_MAX`] of them.
    pub fn hints(&self, mentions: &[Mention]) -> Vec<Hint> {
        let mut told = BTreeSet::new();
        mentions
            .iter()
            .filter_map(|mention| {
                let operand = mention.operand.innermost();
                let (family, name) = column_of(operand)?;
                let unknown = self.values(family, &name).is_none() && told.insert(operand.clone());
                unknown.then(|| Hint {
                    operand: operand.clone(),
                    span: mention.span.clone(),
                    suggestions: self.alike(family, &name, operand),
                })
            })
            .take(HINTS_MAX)
            .collect()
    }

    fn alike(&self, family: Family, name: &str, asked: &Operand) -> Vec<Operand> {
        let mut found: Vec<Operand> = closest(name, self.names(family), SUGGESTIONS_MAX)
            .into_iter()
            .filter_map(|name| in_family(family, name, asked))
            .collect();
        // The right name in another family.
        for other in [Family::Metric, Family::Param, Family::Tag] {
            if other != family && self.values(other, name).is_some() {
                found.extend(in_family(other, name, asked));
            }
        }
        found.truncate(SUGGESTIONS_MAX);
        found
    }

    /// Names of params, tags or metrics that runs have, for completion: those that
    /// contain `part`, in order of length, at most `limit`.
    pub fn keys_like(&self, part: &str, limit: usize) -> Vec<Operand> {
        let part = part.to_lowercase();
        let families = [
            Family::Metric,
            Family::Param,
            Family::Tag,
            Family::Evaluated,
        ];
        let mut found: Vec<Operand> = families
            .into_iter()
            .flat_map(|family| self.names(family).map(move |name| (family, name)))
            .filter(|(_, name)| name.to_lowercase().contains(&part))
            .filter_map(|(family, name)| in_family(family, name, &Operand::metric("")))
            .collect();
        found.sort_by_cached_key(|operand| {
            let text = operand.to_string();
            (text.len(), text)
        });
        found.truncate(limit);
        found
    }
}

pub(crate) fn in_family(family: Family, name: &str, asked: &Operand) -> Option<Operand> {
    Some(match family {
        Family::Param => Operand::Param(name.to_owned()),
        Family::Tag => Operand::Tag(name.to_owned()),
        Family::Metric => match asked {
            Operand::Metric { aggregate, .. } => Operand::Metric {
                name: name.to_owned(),
                aggregate: *aggregate,
            },
            _ => Operand::metric(name),
        },
        Family::Evaluated => {
            let (split, name) = name.split_once('/')?;
            Operand::Evaluated {
                split: split.to_owned(),
                name: name.to_owned(),
            }
        }
    })
}
