//! Reading one operand of one row.

use std::rc::Rc;

use mlhub_core::Timestamp;

use crate::ast::{Aggregate, Attribute, Kind, Operand};
use crate::bits::Bits;
use crate::column::{Column, LabelCell, MetricCell};
use crate::group::group_values;
use crate::intern::Symbol;
use crate::table::{ABSENT, Family, NO_TEXT, RunTable, Text, Values, evaluated_key, state_name};

/// A value of a run, as a reply carries it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// There is none.
    Missing,
    /// A number.
    Number(f64),
    /// A text; params and tags are texts as they were logged.
    Text(String),
    /// Milliseconds since the epoch.
    Moment(i64),
    /// Milliseconds.
    Duration(i64),
}

impl Value {
    /// The number it is, as it is compared and summarised: of a param or tag the one
    /// its text says.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Missing => None,
            Self::Number(number) => Some(*number),
            Self::Text(text) => crate::typed::number(text),
            Self::Moment(ms) | Self::Duration(ms) => Some(*ms as f64),
        }
    }
}

/// A value in place.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cell<'t> {
    Missing,
    Number(f64),
    Text(&'t str),
    /// A param or tag that is a number, with its text.
    Label(f64, &'t str),
}

/// Values of an operand for all rows, worked out beforehand.
#[derive(Debug)]
pub(crate) struct Derived {
    pub(crate) present: Bits,
    pub(crate) values: Vec<f64>,
}

/// Reads an operand.
pub(crate) enum Reader<'t> {
    Absent,
    Text(&'t [u32]),
    State,
    Seed,
    Attempt,
    Time(&'t [i64]),
    /// In the order of creation.
    Created,
    Duration(Timestamp),
    Label(&'t Column<LabelCell>),
    Metric(&'t Column<MetricCell>, Aggregate),
    Number(&'t Column<f64>),
    Derived(Rc<Derived>),
}

/// The text attribute, when it is one of the stored ones.
pub(crate) fn stored_text(attribute: Attribute) -> Option<Text> {
    Some(match attribute {
        Attribute::Id => Text::Id,
        Attribute::Name => Text::Name,
        Attribute::Project => Text::Project,
        Attribute::Experiment => Text::Experiment,
        Attribute::Adapter => Text::Adapter,
        Attribute::AdapterVersion => Text::AdapterVersion,
        Attribute::Dataset => Text::Dataset,
        Attribute::Group => Text::Group,
        Attribute::Owner => Text::Owner,
        Attribute::Notes => Text::Notes,
        _ => return None,
    })
}

/// The family and name of an operand's column.
pub(crate) fn column_of(operand: &Operand) -> Option<(Family, String)> {
    Some(match operand {
        Operand::Param(name) => (Family::Param, name.clone()),
        Operand::Tag(name) => (Family::Tag, name.clone()),
        Operand::Metric { name, .. } => (Family::Metric, name.clone()),
        Operand::Evaluated { split, name } => (Family::Evaluated, evaluated_key(split, name)),
        Operand::Attribute(_) | Operand::Group { .. } => return None,
    })
}

impl MetricCell {
    pub(crate) fn pick(self, aggregate: Aggregate) -> Option<f64> {
        match aggregate {
            Aggregate::Last => Some(self.last),
            Aggregate::Min => Some(self.min).filter(|value| !value.is_nan()),
            Aggregate::Max => Some(self.max).filter(|value| !value.is_nan()),
            Aggregate::Count => Some(self.count),
        }
    }
}

impl RunTable {
    /// A reader of `operand`; `seen` are the rows that statistics over groups count.
    pub(crate) fn reader(&self, operand: &Operand, now: Timestamp, seen: &Bits) -> Reader<'_> {
        if let Operand::Attribute(attribute) = operand {
            if let Some(text) = stored_text(*attribute) {
                return Reader::Text(&self.rows.texts[text as usize]);
            }
            return match attribute {
                Attribute::State => Reader::State,
                Attribute::Seed => Reader::Seed,
                Attribute::Attempt => Reader::Attempt,
                Attribute::Duration => Reader::Duration(now),
                Attribute::Started => Reader::Time(&self.rows.started),
                Attribute::Ended => Reader::Time(&self.rows.ended),
                Attribute::Deleted => Reader::Time(&self.rows.deleted),
                _ => Reader::Created,
            };
        }
        if let Operand::Group { statistic, of } = operand {
            let derived = group_values(self, *statistic, of.as_deref(), now, seen);
            return Reader::Derived(Rc::new(derived));
        }
        let values = column_of(operand).and_then(|(family, name)| self.values(family, &name));
        match (values, operand) {
            (Some(Values::Label(column)), _) => Reader::Label(column),
            (Some(Values::Metric(column)), Operand::Metric { aggregate, .. }) => {
                Reader::Metric(column, *aggregate)
            }
            (Some(Values::Number(column)), _) => Reader::Number(column),
            _ => Reader::Absent,
        }
    }

    /// Milliseconds from start to end, or to now.
    pub(crate) fn duration(&self, row: usize, now: Timestamp) -> Option<i64> {
        let (started, ended) = (self.rows.started[row], self.rows.ended[row]);
        let end = if ended == ABSENT { now.0 } else { ended };
        (started != ABSENT).then(|| end.saturating_sub(started).max(0))
    }
}

impl<'t> Reader<'t> {
    /// The value in a row, as it is compared in sorts and summarised.
    pub(crate) fn cell(&self, table: &'t RunTable, row: usize) -> Cell<'t> {
        let number = |value: Option<f64>| value.map_or(Cell::Missing, Cell::Number);
        let whole = |value: i64| match value {
            ABSENT => Cell::Missing,
            value => Cell::Number(value as f64),
        };
        match self {
            Self::Absent => Cell::Missing,
            Self::Text(symbols) => match symbols[row] {
                NO_TEXT => Cell::Missing,
                symbol => Cell::Text(table.texts.text(Symbol(symbol))),
            },
            Self::State => Cell::Text(state_name(table.rows.state[row])),
            Self::Seed => number(table.rows.seed[row].map(|seed| seed as f64)),
            Self::Attempt => Cell::Number(f64::from(table.rows.attempt[row])),
            Self::Time(times) => whole(times[row]),
            Self::Created => whole(table.rows.seq[row]),
            Self::Duration(now) => number(table.duration(row, *now).map(|ms| ms as f64)),
            Self::Label(column) => match column.get(row) {
                None => Cell::Missing,
                Some(cell) => {
                    let text = table.texts.text(cell.symbol());
                    cell.number()
                        .map_or(Cell::Text(text), |number| Cell::Label(number, text))
                }
            },
            Self::Metric(column, aggregate) => {
                number(column.get(row).and_then(|cell| cell.pick(*aggregate)))
            }
            Self::Number(column) => number(column.get(row)),
            Self::Derived(derived) => number(derived.present.get(row).then(|| derived.values[row])),
        }
    }

    /// The value in a row, for a reply.
    pub(crate) fn value(&self, table: &'t RunTable, row: usize, kind: Kind) -> Value {
        if matches!(self, Self::Created) {
            return Value::Moment(table.rows.created[row]);
        }
        match (self.cell(table, row), kind) {
            (Cell::Missing, _) => Value::Missing,
            (Cell::Number(ms), Kind::Moment) => Value::Moment(ms as i64),
            (Cell::Number(ms), Kind::Duration) => Value::Duration(ms as i64),
            (Cell::Number(number), _) => Value::Number(number),
            (Cell::Text(text) | Cell::Label(_, text), _) => Value::Text(text.to_owned()),
        }
    }
}
