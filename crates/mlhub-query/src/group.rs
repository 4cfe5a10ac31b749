//! Statistics over groups of runs: seed groups in conditions and orders, and any
//! keys in a search.

mod sorting;

use std::collections::HashMap;

use mlhub_core::Timestamp;

use self::sorting::Sorting;
use crate::ast::{
    Attribute, Comparison, Expr, GroupStatistic, Kind, Literal, Moment, Operand, Predicate, Test,
};
use crate::bits::Bits;
use crate::error::QueryError;
use crate::filter::{Filter, seen};
use crate::limits::{GROUP_KEYS_MAX, GROUP_PARTS_MAX, SUMMARISED_MAX};
use crate::order::Cursor;
use crate::patience::Patience;
use crate::read::{Cell, Derived, Reader, Value};
use crate::table::{NO_TEXT, RunTable, Text};
use crate::time::{DATES_MS, in_range};

/// Statistics of the values there are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Statistics {
    /// Values, NaN included.
    pub count: u64,
    /// Their mean; absent without values.
    pub mean: Option<f64>,
    /// Their sample standard deviation; absent below two values.
    pub std: Option<f64>,
    /// The smallest, NaN left out.
    pub min: Option<f64>,
    /// The largest, NaN left out.
    pub max: Option<f64>,
}

/// Gathers [`Statistics`] in one pass (Welford 1962).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Gather {
    count: u64,
    mean: f64,
    squares: f64,
    min: Option<f64>,
    max: Option<f64>,
}

impl Gather {
    fn add(&mut self, value: f64) {
        self.count += 1;
        let before = value - self.mean;
        self.mean = if self.mean.is_finite() && value.is_finite() {
            self.mean + before / self.count as f64
        } else if self.count == 1 {
            value
        } else {
            // Infinities: inf + 1 is inf, inf - inf is NaN.
            self.mean + value
        };
        self.squares += before * (value - self.mean);
        if !value.is_nan() {
            self.min = Some(self.min.map_or(value, |min| min.min(value)));
            self.max = Some(self.max.map_or(value, |max| max.max(value)));
        }
    }

    fn done(self) -> Statistics {
        Statistics {
            count: self.count,
            mean: (self.count > 0).then_some(self.mean),
            std: (self.count > 1).then(|| (self.squares / (self.count - 1) as f64).sqrt()),
            min: self.min,
            max: self.max,
        }
    }
}

impl Statistics {
    fn pick(self, statistic: GroupStatistic) -> Option<f64> {
        match statistic {
            GroupStatistic::Mean => self.mean,
            GroupStatistic::Std => self.std,
            GroupStatistic::Min => self.min,
            GroupStatistic::Max => self.max,
            GroupStatistic::Count => Some(self.count as f64),
        }
    }
}

fn number_of(cell: Cell<'_>) -> Option<f64> {
    match cell {
        Cell::Number(number) | Cell::Label(number, _) => Some(number),
        Cell::Missing | Cell::Text(_) => None,
    }
}

/// A statistic over the seed group of every row seen.
pub(crate) fn group_values(
    table: &RunTable,
    statistic: GroupStatistic,
    of: Option<&Operand>,
    now: Timestamp,
    seen: &Bits,
) -> Derived {
    let reader = of.map(|of| table.reader(of, now, seen));
    let value = |row: usize| match &reader {
        Some(reader) => number_of(reader.cell(table, row)),
        None => Some(1.0),
    };
    let groups = &table.rows.texts[Text::Group as usize];
    let mut gathered: HashMap<u32, Gather> = HashMap::new();
    for row in seen.iter().filter(|row| groups[*row] != NO_TEXT) {
        let gather = gathered.entry(groups[row]).or_default();
        if let Some(value) = value(row) {
            gather.add(value);
        }
    }
    let picked: HashMap<u32, Option<f64>> = gathered
        .into_iter()
        .map(|(group, gather)| (group, gather.done().pick(statistic)))
        .collect();
    let mut derived = Derived {
        present: Bits::empty(table.row_count()),
        values: vec![0.0; table.row_count()],
    };
    for row in seen.iter() {
        let found = match groups[row] {
            NO_TEXT => {
                let mut alone = Gather::default();
                if let Some(value) = value(row) {
                    alone.add(value);
                }
                alone.done().pick(statistic)
            }
            group => picked.get(&group).copied().flatten(),
        };
        if let Some(value) = found {
            derived.present.insert(row);
            derived.values[row] = value;
        }
    }
    derived
}

/// What to group by, and what to summarise.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupBy {
    /// The condition on runs.
    pub filter: Option<Expr>,
    /// The keys: runs alike in all of them are a group.
    pub by: Vec<Operand>,
    /// What to summarise in each group.
    pub of: Vec<Operand>,
    /// The order of groups and whether it descends; most runs first when absent.
    pub order: Option<(GroupOrder, bool)>,
    /// The place the page before ended.
    pub after: Option<Cursor>,
    /// Groups at most.
    pub limit: usize,
}

/// What groups are ordered by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupOrder {
    /// The number of runs.
    Runs,
    /// One of the keys, or the mean of one of the summarised.
    Operand(Operand),
}

/// A group.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupRow {
    /// Its value of each key.
    pub keys: Vec<Value>,
    /// A condition that its runs meet, and no others among those grouped.
    pub condition: Option<Expr>,
    /// Its runs.
    pub runs: u64,
    /// Statistics, one per summarised operand.
    pub statistics: Vec<Statistics>,
}

/// Groups.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupPage {
    /// The groups, in order.
    pub groups: Vec<GroupRow>,
    /// Where the next page starts, when there is one.
    pub next: Option<Cursor>,
    /// Groups in all.
    pub total: u64,
    /// Runs in all groups.
    pub runs: u64,
}

/// A key of a group: what makes two values one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Part<'t> {
    Missing,
    Bits(u64),
    Text(&'t str),
}

fn part_of<'t>(cell: Cell<'t>) -> Part<'t> {
    match cell {
        Cell::Missing => Part::Missing,
        // One NaN, one zero; a param `0.10` is the number 0.1.
        Cell::Number(number) | Cell::Label(number, _) if number.is_nan() => {
            Part::Bits(f64::NAN.to_bits())
        }
        Cell::Number(number) | Cell::Label(number, _) => Part::Bits((number + 0.0).to_bits()),
        Cell::Text(text) => Part::Text(text),
    }
}

/// A group, with what decides its place among the others and no more.
struct Found {
    first_row: usize,
    runs: u64,
    /// Over what the groups are ordered by, when that is summarised.
    ordering: Gather,
}

/// The groups, and the group of every row.
struct Grouped {
    groups: Vec<Found>,
    /// By row: the place of its group in `groups`, or [`NONE`].
    group_of: Vec<u32>,
}

/// In place of an index: there is none.
const NONE: u32 = u32::MAX;

impl RunTable {
    /// Groups runs and summarises each group.
    ///
    /// # Errors
    /// More keys, groups or summarised operands than allowed; an order by something
    /// that is neither grouped by nor summarised.
    pub fn groups(&self, request: &GroupBy, now: Timestamp) -> Result<GroupPage, QueryError> {
        self.groups_until(request, now, &|| false)
    }

    /// Groups runs, and gives up once it is `late`.
    ///
    /// # Errors
    /// As [`RunTable::groups`]; a late one.
    pub fn groups_until(
        &self,
        request: &GroupBy,
        now: Timestamp,
        late: &dyn Fn() -> bool,
    ) -> Result<GroupPage, QueryError> {
        check(request)?;
        let patience = Patience::new(late);
        let seen = seen(self, request.filter.as_ref());
        let rows = match &request.filter {
            Some(expr) => Filter::new(self, now, &seen, &patience).rows(expr),
            None => seen.clone(),
        };
        patience.check()?;
        // By its time, not by its place in the order of creation: runs made in one
        // moment are one group.
        let key_reader = |operand: &Operand| match operand {
            Operand::Attribute(Attribute::Created) => Reader::Time(&self.rows.created),
            operand => self.reader(operand, now, &seen),
        };
        let by: Vec<Reader<'_>> = request.by.iter().map(key_reader).collect();
        let sorting = Sorting::new(self, request, &by);
        let grouped = {
            let ordering = sorting.summarised().map(|of| self.reader(of, now, &seen));
            self.grouped(&rows, &by, ordering.as_ref())?
        };
        let groups = &grouped.groups;
        let mut order: Vec<usize> = (0..groups.len()).collect();
        order.sort_by(|a, b| sorting.compare(&groups[*a], &groups[*b]));
        let start = request.after.as_ref().map_or(0, |place| {
            order.partition_point(|group| !sorting.is_after(&groups[*group], place))
        });
        order.drain(..start);
        let more = order.len() > request.limit;
        order.truncate(request.limit);
        // The statistics of the groups of other pages are not worked out.
        let question = (now, &seen, &patience);
        let statistics = self.summarised(&request.of, &rows, &grouped, &order, question)?;
        let next = order.last().filter(|_| more);
        Ok(GroupPage {
            next: next.map(|last| sorting.place(&groups[*last])),
            groups: order
                .iter()
                .zip(statistics)
                .map(|(at, statistics)| self.group_row(request, &by, &groups[*at], statistics))
                .collect(),
            total: groups.len() as u64,
            runs: groups.iter().map(|group| group.runs).sum(),
        })
    }

    /// Finds the groups of rows.
    fn grouped<'t>(
        &'t self,
        rows: &Bits,
        by: &[Reader<'t>],
        ordering: Option<&Reader<'t>>,
    ) -> Result<Grouped, QueryError> {
        let mut groups: Vec<Found> = Vec::new();
        let mut group_of = vec![NONE; self.row_count()];
        let mut known: HashMap<Vec<Part<'t>>, u32> = HashMap::new();
        for row in rows.iter() {
            let key = by.iter().map(|one| part_of(one.cell(self, row))).collect();
            let next = groups.len();
            let at = *known.entry(key).or_insert(next as u32);
            if at as usize == next {
                if (next + 1) * by.len() > GROUP_PARTS_MAX {
                    return Err(too_many_groups());
                }
                groups.push(Found {
                    first_row: row,
                    runs: 0,
                    ordering: Gather::default(),
                });
            }
            group_of[row] = at;
            let group = &mut groups[at as usize];
            group.runs += 1;
            if let Some(value) = ordering.and_then(|reader| number_of(reader.cell(self, row))) {
                group.ordering.add(value);
            }
        }
        Ok(Grouped { groups, group_of })
    }

    /// Statistics of each operand over each group of the page, a list per group. One
    /// operand is read at a time, an equal one once.
    fn summarised(
        &self,
        of: &[Operand],
        rows: &Bits,
        grouped: &Grouped,
        page: &[usize],
        (now, seen, patience): (Timestamp, &Bits, &Patience<'_>),
    ) -> Result<Vec<Vec<Statistics>>, QueryError> {
        let mut place = vec![NONE; grouped.groups.len()];
        for (at, group) in page.iter().enumerate() {
            place[*group] = at as u32;
        }
        let mut found: Vec<Vec<Statistics>> = vec![Vec::with_capacity(of.len()); page.len()];
        for (number, operand) in of.iter().enumerate() {
            patience.check()?;
            if let Some(equal) = of[..number].iter().position(|other| other == operand) {
                for statistics in &mut found {
                    statistics.push(statistics[equal]);
                }
                continue;
            }
            let reader = self.reader(operand, now, seen);
            let mut gathered = vec![Gather::default(); page.len()];
            for row in rows.iter() {
                let at = place[grouped.group_of[row] as usize];
                if at == NONE {
                    continue;
                }
                if let Some(value) = number_of(reader.cell(self, row)) {
                    gathered[at as usize].add(value);
                }
            }
            for (statistics, gather) in found.iter_mut().zip(gathered) {
                statistics.push(gather.done());
            }
        }
        Ok(found)
    }

    fn group_row(
        &self,
        request: &GroupBy,
        by: &[Reader<'_>],
        group: &Found,
        statistics: Vec<Statistics>,
    ) -> GroupRow {
        let row = group.first_row;
        let keys: Vec<Value> = by
            .iter()
            .zip(&request.by)
            .map(|(reader, operand)| reader.value(self, row, operand.kind()))
            .collect();
        let parts = by
            .iter()
            .zip(&request.by)
            .map(|(reader, operand)| {
                condition(
                    operand,
                    reader.cell(self, row),
                    &reader.value(self, row, operand.kind()),
                )
            })
            .collect();
        GroupRow {
            condition: Expr::all(parts),
            keys,
            runs: group.runs,
            statistics,
        }
    }
}

/// That an operand has the value of a group.
fn condition(operand: &Operand, cell: Cell<'_>, value: &Value) -> Expr {
    let literal = match (cell, value, operand.kind()) {
        (_, Value::Missing, _) => {
            return Expr::Test(Predicate {
                operand: operand.clone(),
                test: Test::Null { negated: false },
            });
        }
        (Cell::Number(number) | Cell::Label(number, _), _, Kind::Number | Kind::Label) => {
            Literal::Number(number)
        }
        (_, Value::Moment(ms), _) if !in_range(*ms) => return beyond_dates(operand, *ms),
        (_, Value::Moment(ms), _) => Literal::Moment(Moment::Absolute(*ms)),
        (_, Value::Duration(ms), _) => Literal::Duration(*ms),
        (_, Value::Number(number), _) => Literal::Number(*number),
        (_, Value::Text(text), _) => Literal::Text(text.clone()),
    };
    Expr::Test(Predicate {
        operand: operand.clone(),
        test: Test::Compare {
            comparison: Comparison::Equal,
            value: literal,
        },
    })
}

/// That an operand is a time that no date can say, which a clock far off reports:
/// on the same side of all dates.
fn beyond_dates(operand: &Operand, ms: i64) -> Expr {
    let (comparison, bound) = match ms < DATES_MS.start {
        true => (Comparison::Less, DATES_MS.start),
        false => (Comparison::Greater, DATES_MS.end - 1),
    };
    Expr::Test(Predicate {
        operand: operand.clone(),
        test: Test::Compare {
            comparison,
            value: Literal::Moment(Moment::Absolute(bound)),
        },
    })
}

fn check(request: &GroupBy) -> Result<(), QueryError> {
    let refusal = if request.by.is_empty() {
        Some("name something to group by".to_owned())
    } else if request.by.len() > GROUP_KEYS_MAX {
        Some(format!("more than {GROUP_KEYS_MAX} keys to group by"))
    } else if request.of.len() > SUMMARISED_MAX {
        Some(format!("more than {SUMMARISED_MAX} things to summarise"))
    } else if let Some(other) = request
        .of
        .iter()
        .find(|of| matches!(of.kind(), Kind::Text | Kind::Moment))
    {
        Some(format!(
            "`{other}` is not a number and cannot be summarised"
        ))
    } else if request
        .after
        .as_ref()
        .is_some_and(|place| place.keys.len() != request.by.len() + 1)
    {
        Some("the cursor belongs to another order".to_owned())
    } else if let Some((GroupOrder::Operand(operand), _)) = &request.order
        && !request.by.contains(operand)
        && !request.of.contains(operand)
    {
        Some(format!(
            "groups can be ordered by what is grouped by or summarised, and `{operand}` is neither"
        ))
    } else {
        None
    };
    refusal.map_or(Ok(()), |message| Err(QueryError::new(message, 0..0)))
}

fn too_many_groups() -> QueryError {
    let message = format!(
        "there are more groups than {GROUP_PARTS_MAX} divided by the number of keys to group by"
    );
    QueryError::new(message, 0..0).hint("narrow the query, or group by fewer or coarser keys")
}
