//! Searching runs: one implementation behind every list, table and command.
//!
//! The fixed parameters of lists are translated to the same conditions as the
//! query language has, so that they cannot disagree.

use std::collections::{BTreeMap, HashMap};

use mlhub_core::run::Run;
use mlhub_core::{Caller, Error, GroupId, Name, Permission, Result, RunId, RunState, limits};
use mlhub_query::{
    Attribute, Expr, GroupBy, Literal, Mention, Operand, OrderKey, Predicate, QueryError, Search,
    Statistics, Test, Value, parse, parse_group_order, parse_operand, parse_order,
};
use serde_json::json;

use crate::runs::RunRow;
use crate::{Hub, cursor, validate};

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
        let search = Search {
            filter: list_filter(
                &request.filter,
                parsed(request.query.as_deref().unwrap_or_default())?.expr,
            )?,
            order: list_order(&request)?,
            after: None,
            limit: checked_limit(request.limit)?,
            columns: Vec::new(),
        };
        let (page, next_cursor) = self.search_page(search, request.cursor.as_deref()).await?;
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
        let query = parsed(&request.query)?;
        let filter = list_filter(&request.filter, query.expr)?;
        let hints = self.hints(&request.query, query.mentions).await?;
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
        let parsed = parsed(query)?;
        let is = |operand: Operand, test: Test| Expr::Test(Predicate { operand, test });
        let gone = Operand::Attribute(Attribute::Deleted);
        let mut parts = vec![match deleted {
            Some(deleted) => is(gone, Test::Null { negated: deleted }),
            // Always true; it only makes deleted runs visible.
            None => Expr::Or(vec![
                is(gone.clone(), Test::Null { negated: false }),
                is(gone, Test::Null { negated: true }),
            ]),
        }];
        let project = project.map(|name| equal(Attribute::Project, name.as_str()));
        parts.extend(project.into_iter().chain(parsed.expr));
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
            .ask(move |table| table.search(&search, now))
            .await?
            .map_err(|error| refusal("query", "", &error))?;
        page.runs.into_iter().map(TryInto::try_into).collect()
    }

    /// Reads the run table, so that the first search need not wait for it.
    pub async fn run_table_load(&self) -> Result<()> {
        self.run_index.refresh(&*self.store, self.clock.now()).await
    }

    /// Tells the run table that runs were changed by another road than the use
    /// cases of this hub.
    pub async fn runs_changed(&self, runs: Vec<RunId>) {
        let work = async { Ok(()) };
        let nothing: Result<()> = self.run_index.changing(runs, self.clock.now(), work).await;
        debug_assert!(nothing.is_ok(), "nothing was done that could fail");
    }

    async fn search_page(
        &self,
        mut search: Search,
        text: Option<&str>,
    ) -> Result<(mlhub_query::Page, Option<String>)> {
        let shape = cursor::shape(search.filter.as_ref(), &search.order);
        search.after = text.map(|text| cursor::decode(&shape, text)).transpose()?;
        let now = self.clock.now();
        self.run_index.refresh(&*self.store, now).await?;
        let page = self
            .run_index
            .ask(move |table| table.search(&search, now))
            .await?
            .map_err(|error| refusal("query", "", &error))?;
        let next = page
            .next
            .as_ref()
            .map(|next| cursor::encode(&shape, next))
            .transpose()?;
        Ok((page, next))
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
        let search = Search {
            filter,
            order,
            after: None,
            limit: checked_limit(request.limit)?,
            columns: columns.clone(),
        };
        let (page, next_cursor) = self.search_page(search, request.cursor.as_deref()).await?;
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
        let after = request
            .cursor
            .as_deref()
            .map(|text| cursor::decode(&shape, text));
        let offset = match after.transpose()? {
            Some(cursor) => usize::try_from(cursor.seq).unwrap_or(usize::MAX),
            None => 0,
        };
        let group_by = GroupBy {
            filter: filter.clone(),
            by: operands("group_by", &request.group_by)?,
            of: operands("summarise", &request.summarise)?,
            order,
            offset,
            limit,
        };
        let now = self.clock.now();
        self.run_index.refresh(&*self.store, now).await?;
        let page = self
            .run_index
            .ask(move |table| table.groups(&group_by, now))
            .await?
            .map_err(|error| refusal("group_by", "", &error))?;
        let end = offset.saturating_add(page.groups.len());
        let next = (!page.groups.is_empty() && (end as u64) < page.total).then(|| {
            let keys = Vec::new();
            cursor::encode(
                &shape,
                &mlhub_query::Cursor {
                    keys,
                    seq: end as i64,
                },
            )
        });
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

fn checked_limit(limit: Option<usize>) -> Result<usize> {
    match limit.unwrap_or(limits::PAGE_DEFAULT_ROWS) {
        limit @ 1..=limits::PAGE_MAX_ROWS => Ok(limit),
        _ => Err(Error::invalid(format!(
            "`limit` must be 1 to {}",
            limits::PAGE_MAX_ROWS
        ))),
    }
}

/// The error of a mistake in `text`, which the client sent as `field`.
fn refusal(field: &str, text: &str, error: &QueryError) -> Error {
    let hint = error
        .hint
        .as_ref()
        .map(|hint| format!("; {hint}"))
        .unwrap_or_default();
    let (position, length) = error.position(text);
    Error::invalid(format!("`{field}`: {}{hint}", error.message)).with_details(json!({
        "field": field,
        "message": error.message,
        "hint": error.hint,
        "position": position,
        "length": length,
        "pointer": error.pointer(text),
    }))
}

fn parsed(query: &str) -> Result<mlhub_query::Query> {
    parse(query).map_err(|error| refusal("query", query, &error))
}

fn operands(field: &str, texts: &[String]) -> Result<Vec<Operand>> {
    texts
        .iter()
        .map(|text| parse_operand(text).map_err(|error| refusal(field, text, &error)))
        .collect()
}

fn equal(attribute: Attribute, text: &str) -> Expr {
    Expr::equal(
        Operand::Attribute(attribute),
        Literal::Text(text.to_owned()),
    )
}

/// The condition that the parameters of a list stand for.
fn list_filter(request: &RunFilter, query: Option<Expr>) -> Result<Option<Expr>> {
    let fixed = [
        (
            Attribute::Project,
            request.project.as_ref().map(Name::as_str),
        ),
        (
            Attribute::Experiment,
            request.experiment.as_ref().map(Name::as_str),
        ),
        (
            Attribute::Group,
            request.group.as_ref().map(GroupId::as_str),
        ),
        (Attribute::Adapter, request.adapter.as_deref()),
    ];
    let mut parts: Vec<Expr> = fixed
        .into_iter()
        .filter_map(|(attribute, text)| Some(equal(attribute, text?)))
        .collect();
    if !request.states.is_empty() {
        let states = request.states.iter();
        parts.push(Expr::Test(Predicate {
            operand: Operand::Attribute(Attribute::State),
            test: Test::In {
                negated: false,
                values: states
                    .map(|state| Literal::Text(state.to_string()))
                    .collect(),
            },
        }));
    }
    if let Some(text) = request.text.as_deref().filter(|text| !text.is_empty()) {
        validate::key("text to find", text)?;
        parts.push(Expr::Anywhere(text.to_owned()));
    }
    parts.extend(query);
    Ok(Expr::all(parts))
}

/// The order that the parameters of a list stand for.
fn list_order(request: &RunListRequest) -> Result<Vec<OrderKey>> {
    let descending = match request.order.as_deref() {
        None | Some("desc") => true,
        Some("asc") => false,
        Some(text) if request.sort.is_none() => {
            return parse_order(text).map_err(|error| refusal("order", text, &error));
        }
        Some(_) => {
            return Err(Error::invalid(
                "`order` beside `sort` must be asc or desc; a whole order stands in `order` alone",
            ));
        }
    };
    let sort = request.sort.as_deref().unwrap_or("created");
    let operand = match sort.split_once(':') {
        Some(("metric", name)) => Operand::metric(checked_key("metric", name)?),
        Some(("param", name)) => Operand::Param(checked_key("param", name)?),
        Some(("evaluated", name)) => {
            let (split, name) = name.split_once('/').ok_or_else(|| {
                Error::invalid("`sort` by an evaluated metric is written evaluated:SPLIT/NAME")
            })?;
            Operand::Evaluated {
                split: checked_key("split", split)?,
                name: checked_key("metric", name)?,
            }
        }
        _ => parse_operand(sort).map_err(|error| refusal("sort", sort, &error))?,
    };
    Ok(vec![OrderKey {
        operand,
        descending,
    }])
}

fn checked_key(what: &'static str, name: &str) -> Result<String> {
    validate::key(what, name)?;
    Ok(name.to_owned())
}
