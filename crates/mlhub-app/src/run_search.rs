//! Searching runs: one implementation behind every list, table and command.
//!
//! The fixed parameters of lists are translated to the same conditions as the
//! query language has, so that they cannot disagree.

mod fields;
mod wanted;

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use mlhub_core::run::Run;
use mlhub_core::{Caller, Error, GroupId, Name, Permission, Result, RunId, RunState, Timestamp};
use mlhub_query::{
    Attribute, Expr, GroupBy, Mention, Operand, Predicate, Search, Statistics, Test, Value,
    parse_group_order, parse_order,
};

pub use self::fields::{RunField, RunFields};
pub(crate) use self::wanted::numeric;
use self::wanted::{checked_limit, equal, list_filter, list_order, operands, parsed, refusal};
use crate::run_inputs::RunsOnly;
use crate::runs::RunRow;
use crate::{Hub, cursor};

/// How long the run table works on one question.
const QUESTION_MAX: Duration = Duration::from_secs(10);

/// Says when a question that begins now has taken too long.
fn too_late() -> impl Fn() -> bool {
    let begun = Instant::now();
    move || begun.elapsed() > QUESTION_MAX
}

/// Conditions that lists have fields for; absent ones do not narrow.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    /// Only this project.
    pub project: Option<Name>,
    /// Only this experiment.
    pub experiment: Option<Name>,
    /// Only these states; empty means any.
    pub states: Vec<RunState>,
    /// Only this group.
    pub group: Option<GroupId>,
    /// Only this adapter.
    pub adapter: Option<String>,
    /// Only runs whose id, name, experiment, adapter or a tag value contains this text
    /// (case-insensitive for ASCII).
    pub text: Option<String>,
}

/// Which runs to list.
#[derive(Debug, Clone, Default)]
pub struct RunListRequest {
    /// Only these runs.
    pub filter: RunFilter,
    /// Only runs that meet this condition of the query language.
    pub query: Option<String>,
    /// `created`, `name`, `state`, `started`, `metric:NAME`, `evaluated:SPLIT/NAME`,
    /// `param:NAME`, or anything the query language can name.
    pub sort: Option<String>,
    /// `asc` or `desc` for `sort`; or, without `sort`, a whole order such as
    /// `metrics.acc desc, created`.
    pub order: Option<String>,
    /// Rows at most.
    pub limit: Option<usize>,
    /// The cursor of the previous page.
    pub cursor: Option<String>,
}

/// A page of runs with what lists show.
#[derive(Debug, Clone)]
pub struct RunRowPage {
    /// The rows.
    pub rows: Vec<RunRow>,
    /// Give it as cursor for the next page.
    pub next_cursor: Option<String>,
    /// Rows that match in all.
    pub total: u64,
}

/// What to search, and what to return of it; texts are in the query language.
#[derive(Debug, Clone, Default)]
pub struct RunSearchRequest {
    /// Only these runs.
    pub filter: RunFilter,
    /// Only runs of this choice; no groups are made of it.
    pub only: Option<RunsOnly>,
    /// The condition; empty for all runs.
    pub query: String,
    /// The order, key by key; newest first when empty. For groups at most one key.
    pub order: Vec<String>,
    /// What to group by; runs are returned when empty, groups otherwise.
    pub group_by: Vec<String>,
    /// What to summarise in each group.
    pub summarise: Vec<String>,
    /// What to return of each run; all of it when absent.
    pub columns: Option<Vec<String>>,
    /// Rows at most.
    pub limit: Option<usize>,
    /// The cursor of the previous page.
    pub cursor: Option<String>,
    /// Runs to pass over, instead of `cursor`.
    pub offset: Option<usize>,
}

/// A run found.
#[derive(Debug, Clone)]
pub struct RunFound {
    /// The run; without params, tags and metrics when columns were asked for.
    pub row: RunRow,
    /// The columns asked for.
    pub values: BTreeMap<String, Value>,
}

/// A group found.
#[derive(Debug, Clone)]
pub struct RunGroupFound {
    /// Its values of what is grouped by.
    pub keys: BTreeMap<String, Value>,
    /// A query that finds its runs.
    pub query: String,
    /// Its runs.
    pub runs: u64,
    /// Statistics of what is summarised.
    pub statistics: BTreeMap<String, Statistics>,
}

/// Something a query names that no run has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunSearchHint {
    /// What it says, for a person.
    pub message: String,
    /// The first character of the query it is about.
    pub position: usize,
    /// How many characters.
    pub length: usize,
    /// What could be meant, as the language writes it.
    pub suggestions: Vec<String>,
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct RunsFound {
    /// Runs, when nothing is grouped by.
    pub runs: Vec<RunFound>,
    /// Groups otherwise.
    pub groups: Vec<RunGroupFound>,
    /// Runs, or groups, on all pages.
    pub total: u64,
    /// Give it as cursor for the next page.
    pub next_cursor: Option<String>,
    /// What the query names and no run has.
    pub hints: Vec<RunSearchHint>,
}

impl Hub {
    /// A page of runs.
    ///
    /// # Errors
    /// `Invalid` with the place of a mistake in a query or order; for a cursor of
    /// another search.
    pub async fn run_list(&self, caller: &Caller, request: RunListRequest) -> Result<RunRowPage> {
        caller.require(Permission::Read)?;
        let query = request.query.as_deref().unwrap_or_default();
        let search = Search {
            filter: list_filter(&request.filter, self.parsed(query).await?.expr)?,
            order: list_order(&request)?,
            limit: checked_limit(request.limit)?,
            ..Search::default()
        };
        let cursor = request.cursor.as_deref();
        let (page, next_cursor) = self.search_page(search, "", cursor).await?;
        Ok(RunRowPage {
            rows: self.rows(self.runs_in_order(&page.runs).await?).await?,
            next_cursor,
            total: page.total,
        })
    }

    /// Searches runs, or groups them.
    ///
    /// # Errors
    /// As [`Hub::run_list`].
    pub async fn run_search(
        &self,
        caller: &Caller,
        request: RunSearchRequest,
    ) -> Result<RunsFound> {
        caller.require(Permission::Read)?;
        let query = self.parsed(&request.query).await?;
        let filter = list_filter(&request.filter, query.expr)?;
        let hints = self.hints(&request.query, query.mentions).await?;
        if request.offset.is_some() && request.cursor.is_some() {
            return Err(Error::invalid(
                "`offset` and `cursor` both say where a page starts; send one of them",
            ));
        }
        if request.offset.is_some() && !request.group_by.is_empty() {
            return Err(Error::invalid(
                "`offset` is for runs; pages of groups go on by `cursor`",
            ));
        }
        let mut found = if request.group_by.is_empty() {
            self.search_runs(&request, filter).await?
        } else {
            self.search_groups(&request, filter).await?
        };
        found.hints = hints;
        Ok(found)
    }

    /// Ids of all runs that meet a condition, newest first. Deleted runs are among
    /// them when `deleted` says so, whatever the condition names.
    ///
    /// # Errors
    /// `Invalid` with the place of a mistake.
    pub async fn run_ids_matching(
        &self,
        query: &str,
        project: Option<&Name>,
        deleted: Option<bool>,
    ) -> Result<Vec<RunId>> {
        let expr = self.parsed(query).await?.expr;
        let is = |negated| {
            Expr::Test(Predicate {
                operand: Operand::Attribute(Attribute::Deleted),
                test: Test::Null { negated },
            })
        };
        let names_deleted = |expr: &Expr| expr.names(Attribute::Deleted);
        let mut parts = Vec::new();
        match deleted {
            Some(true) => parts.push(is(true)),
            // Deleted runs are not seen, as in every list, and so are not counted in
            // seed groups either; a query that names `deleted` would see them.
            Some(false) if !expr.as_ref().is_some_and(names_deleted) => {}
            Some(false) => parts.push(is(false)),
            // Always true; it only makes deleted runs visible.
            None => parts.push(Expr::Or(vec![is(false), is(true)])),
        }
        let project = project.map(|name| equal(Attribute::Project, name.as_str()));
        parts.extend(project.into_iter().chain(expr));
        let filter = Expr::all(parts);
        let now = self.clock.now();
        self.run_index.refresh(&*self.store, now).await?;
        let search = Search {
            filter,
            limit: usize::MAX,
            ..Search::default()
        };
        let page = self
            .run_index
            .ask(move |table| table.search_until(&search, now, &too_late()))
            .await?
            .map_err(|error| refusal("query", "", &error))?;
        page.runs.into_iter().map(TryInto::try_into).collect()
    }

    /// What `operand` is of each run that is not deleted and has it, as a number.
    ///
    /// # Errors
    /// `Invalid` with the place of a mistake.
    pub(crate) async fn run_numbers(&self, operand: &str) -> Result<HashMap<RunId, f64>> {
        let search = Search {
            columns: vec![numeric("by", operand)?],
            limit: usize::MAX,
            ..Search::default()
        };
        let now = self.clock.now();
        self.run_index.refresh(&*self.store, now).await?;
        let page = self
            .run_index
            .ask(move |table| table.search_until(&search, now, &too_late()))
            .await?
            .map_err(|error| refusal("by", "", &error))?;
        let mut numbers = HashMap::new();
        for (run, values) in page.runs.into_iter().zip(&page.values) {
            if let Some(number) = values.first().and_then(Value::number) {
                numbers.insert(run.try_into()?, number);
            }
        }
        Ok(numbers)
    }

    /// Reads the run table, or what changed of it, so that a search need not wait for it.
    pub async fn run_table_load(&self) -> Result<()> {
        self.run_index.refresh(&*self.store, self.clock.now()).await
    }

    /// Waits until many runs were changed that no search read since: then the table is
    /// to be read again, so that the next search need not.
    pub async fn run_table_behind(&self) {
        self.run_index.falls_behind().await;
    }

    /// Tells the run table that runs were changed by another road than the use
    /// cases of this hub.
    pub async fn runs_changed(&self, runs: Vec<RunId>) {
        let work = async { Ok(()) };
        let nothing: Result<()> = self.run_index.changing(runs, self.clock.now(), work).await;
        debug_assert!(nothing.is_ok(), "nothing was done that could fail");
    }

    /// Reads a query where that may take a while: it compiles its patterns.
    async fn parsed(&self, query: &str) -> Result<mlhub_query::Query> {
        if query.is_empty() {
            return parsed(query);
        }
        let query = query.to_owned();
        self.run_index.reading(move || parsed(&query)).await
    }

    async fn search_page(
        &self,
        mut search: Search,
        only_by: &str,
        text: Option<&str>,
    ) -> Result<(mlhub_query::Page, Option<String>)> {
        let shape = cursor::shape(search.filter.as_ref(), &search.order) + only_by;
        let (after, now) = self.place(&shape, text)?;
        search.after = after;
        self.run_index
            .refresh(&*self.store, self.clock.now())
            .await?;
        let page = self
            .run_index
            .ask(move |table| table.search_until(&search, now, &too_late()))
            .await?
            .map_err(|error| refusal("query", "", &error))?;
        let next = page
            .next
            .as_ref()
            .map(|next| cursor::encode(&shape, next, now))
            .transpose()?;
        Ok((page, next))
    }

    /// Where a page starts, and the moment that all pages of a search are about:
    /// lengths of runs that go on and times relative to now stand still from the
    /// first page on, so that no run is met twice or passed over.
    fn place(
        &self,
        shape: &str,
        cursor: Option<&str>,
    ) -> Result<(Option<mlhub_query::Cursor>, Timestamp)> {
        match cursor {
            None => Ok((None, self.clock.now())),
            Some(text) => {
                let (cursor, now) = cursor::decode(shape, text)?;
                Ok((Some(cursor), now))
            }
        }
    }

    async fn search_runs(
        &self,
        request: &RunSearchRequest,
        filter: Option<Expr>,
    ) -> Result<RunsFound> {
        let columns = operands("columns", request.columns.as_deref().unwrap_or_default())?;
        let mut order = Vec::new();
        for text in &request.order {
            order.extend(parse_order(text).map_err(|error| refusal("order", text, &error))?);
        }
        let only = request.only.as_ref();
        let search = Search {
            filter,
            only: only.map(|only| only.ids.clone()),
            order,
            after: None,
            offset: request.offset.unwrap_or(0),
            limit: checked_limit(request.limit)?,
            columns: columns.clone(),
        };
        let only_by = only.map_or("", |only| only.by.as_str());
        let cursor = request.cursor.as_deref();
        let (page, next_cursor) = self.search_page(search, only_by, cursor).await?;
        let names: Vec<&String> = request.columns.iter().flatten().collect();
        let mut values: HashMap<&str, BTreeMap<String, Value>> = page
            .runs
            .iter()
            .zip(page.values)
            .map(|(id, values)| {
                let named = names.iter().map(|name| (*name).clone()).zip(values);
                (id.as_str(), named.collect())
            })
            .collect();
        let runs = self.runs_in_order(&page.runs).await?;
        let rows = match request.columns {
            Some(_) => runs.into_iter().map(RunRow::bare).collect(),
            None => self.rows(runs).await?,
        };
        Ok(RunsFound {
            runs: rows
                .into_iter()
                .map(|row| RunFound {
                    values: values.remove(row.run.id.as_str()).unwrap_or_default(),
                    row,
                })
                .collect(),
            total: page.total,
            next_cursor,
            ..RunsFound::default()
        })
    }

    async fn search_groups(
        &self,
        request: &RunSearchRequest,
        filter: Option<Expr>,
    ) -> Result<RunsFound> {
        let order = match request.order.as_slice() {
            [] => None,
            [text] => parse_group_order(text).map_err(|error| refusal("order", text, &error))?,
            _ => return Err(Error::invalid("groups are ordered by one key")),
        };
        let limit = checked_limit(request.limit)?;
        let shape = format!(
            "{:?} {:?} {:?} {order:?}",
            filter.as_ref().map(ToString::to_string),
            request.group_by,
            request.summarise
        );
        let (after, now) = self.place(&shape, request.cursor.as_deref())?;
        let group_by = GroupBy {
            filter: filter.clone(),
            by: operands("group_by", &request.group_by)?,
            of: operands("summarise", &request.summarise)?,
            order,
            after,
            limit,
        };
        self.run_index
            .refresh(&*self.store, self.clock.now())
            .await?;
        let page = self
            .run_index
            .ask(move |table| table.groups_until(&group_by, now, &too_late()))
            .await?
            .map_err(|error| refusal("group_by", "", &error))?;
        let next = page.next.as_ref();
        let next = next.map(|next| cursor::encode(&shape, next, now));
        let groups = page.groups.into_iter().map(|group| RunGroupFound {
            query: Expr::all(filter.iter().cloned().chain(group.condition).collect())
                .map(|expr| expr.to_string())
                .unwrap_or_default(),
            keys: request.group_by.iter().cloned().zip(group.keys).collect(),
            runs: group.runs,
            statistics: request
                .summarise
                .iter()
                .cloned()
                .zip(group.statistics)
                .collect(),
        });
        Ok(RunsFound {
            groups: groups.collect(),
            total: page.total,
            next_cursor: next.transpose()?,
            ..RunsFound::default()
        })
    }

    async fn hints(&self, query: &str, mentions: Vec<Mention>) -> Result<Vec<RunSearchHint>> {
        if mentions.is_empty() {
            return Ok(Vec::new());
        }
        self.run_index
            .refresh(&*self.store, self.clock.now())
            .await?;
        let (hints, empty) = self
            .run_index
            .ask(move |table| (table.hints(&mentions), table.is_empty()))
            .await?;
        if empty {
            return Ok(Vec::new());
        }
        Ok(hints
            .into_iter()
            .map(|hint| {
                let before = query.get(..hint.span.start).unwrap_or_default();
                let named = query.get(hint.span).unwrap_or_default();
                let suggestions: Vec<String> =
                    hint.suggestions.iter().map(ToString::to_string).collect();
                let meant = if suggestions.is_empty() {
                    String::new()
                } else {
                    format!("; did you mean {}?", suggestions.join(" or "))
                };
                RunSearchHint {
                    message: format!("no run has {}{meant}", hint.operand),
                    position: before.chars().count(),
                    length: named.chars().count(),
                    suggestions,
                }
            })
            .collect())
    }

    /// The runs in the order of their ids; those gone meanwhile are left out.
    async fn runs_in_order(&self, ids: &[String]) -> Result<Vec<Run>> {
        let wanted = ids
            .iter()
            .cloned()
            .map(RunId::try_from)
            .collect::<Result<Vec<_>>>()?;
        let mut found: HashMap<RunId, Run> = self
            .store
            .runs_get(&wanted)
            .await?
            .into_iter()
            .map(|run| (run.id.clone(), run))
            .collect();
        Ok(wanted.iter().filter_map(|id| found.remove(id)).collect())
    }
}
