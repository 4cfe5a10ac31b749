//! The table: a row per run, a column per key, in memory.
//!
//! It holds what can be searched, not the runs themselves. Rows of removed runs
//! are used again.

use std::collections::HashMap;

use mlhub_core::evaluation::EvaluatedMetric;
use mlhub_core::metric::MetricSummary;
use mlhub_core::run::Run;
use mlhub_core::{RunState, Timestamp};

use crate::bits::Bits;
use crate::column::{Column, LabelCell, MetricCell};
use crate::intern::{Interner, Symbol};
use crate::typed::number;

/// A run with all that can be searched of it.
#[derive(Debug, Clone, Copy)]
pub struct RunRow<'a> {
    /// The run.
    pub run: &'a Run,
    /// Its params.
    pub params: &'a [(&'a str, &'a str)],
    /// Its tags.
    pub tags: &'a [(&'a str, &'a str)],
    /// Its logged metrics.
    pub metrics: &'a [&'a MetricSummary],
    /// Its evaluated metrics.
    pub evaluated: &'a [&'a EvaluatedMetric],
}

/// Memory of a table, by what holds it. Estimates from capacities.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// Texts: ids, names, values of params and tags.
    pub text_bytes: usize,
    /// Attributes of the rows.
    pub row_bytes: usize,
    /// Params, tags and metrics.
    pub column_bytes: usize,
}

impl Memory {
    /// All of it.
    pub fn total_bytes(self) -> usize {
        self.text_bytes + self.row_bytes + self.column_bytes
    }
}

/// Which family a column belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Param,
    Tag,
    Metric,
    Evaluated,
}

/// The values of a key.
#[derive(Debug)]
pub(crate) enum Values {
    Label(Column<LabelCell>),
    Metric(Column<MetricCell>),
    Number(Column<f64>),
}

#[derive(Debug)]
struct Key {
    family: Family,
    name: Symbol,
    values: Values,
}

/// A value on its way into a column.
enum Cell {
    Label(LabelCell),
    Metric(MetricCell),
    Number(f64),
}

/// A time that is absent: no clock ever shows it.
pub(crate) const ABSENT: i64 = i64::MIN;

/// Text attributes, in the order they are stored.
pub(crate) const TEXTS: usize = 10;

/// The attributes of all rows, one list each.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// Place in the order of creation.
    pub(crate) seq: Vec<i64>,
    pub(crate) state: Vec<u8>,
    pub(crate) seed: Vec<Option<i64>>,
    pub(crate) attempt: Vec<u32>,
    pub(crate) created: Vec<i64>,
    pub(crate) started: Vec<i64>,
    pub(crate) ended: Vec<i64>,
    pub(crate) deleted: Vec<i64>,
    /// Symbols of the texts, `u32::MAX` where absent; see [`Text`].
    pub(crate) texts: [Vec<u32>; TEXTS],
    /// The keys of each row, ascending.
    keys: Vec<Box<[u32]>>,
}

/// A text attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Text {
    Id,
    Name,
    Project,
    Experiment,
    Adapter,
    AdapterVersion,
    Dataset,
    Group,
    Owner,
    Notes,
}

/// No text.
pub(crate) const NO_TEXT: u32 = u32::MAX;

/// Runs in memory, by column.
#[derive(Debug, Default)]
pub struct RunTable {
    pub(crate) rows: Rows,
    pub(crate) live: Bits,
    pub(crate) gone: Bits,
    pub(crate) texts: Interner,
    keys: Vec<Key>,
    free_keys: Vec<u32>,
    key_of: [HashMap<Symbol, u32>; 4],
    row_of: HashMap<Symbol, u32>,
    free_rows: Vec<u32>,
}

impl RunTable {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs in it, deleted ones included.
    pub fn len(&self) -> usize {
        self.row_of.len()
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.row_of.is_empty()
    }

    /// Whether it has the run.
    pub fn contains(&self, id: &str) -> bool {
        let symbol = self.texts.find(id);
        symbol.is_some_and(|symbol| self.row_of.contains_key(&symbol))
    }

    /// The rows of some runs; those that are not there have none.
    pub(crate) fn rows_of(&self, ids: &[String]) -> Bits {
        let mut found = Bits::empty(self.row_count());
        let row = |id: &String| self.row_of.get(&self.texts.find(id)?);
        for row in ids.iter().filter_map(row) {
            found.insert(*row as usize);
        }
        found
    }

    /// Rows there is room for; rows are below it.
    pub(crate) fn row_count(&self) -> usize {
        self.rows.seq.len()
    }

    /// Puts a run in, or what became of it in its place.
    pub fn upsert(&mut self, run: &RunRow<'_>) {
        let known = self.texts.find(run.run.id.as_str());
        let row = match known.and_then(|symbol| self.row_of.get(&symbol)) {
            Some(row) => *row as usize,
            None => self.add_row(run.run.id.as_str()),
        };
        self.set_attributes(row, run);
        let mut keys = Vec::with_capacity(
            run.params.len() + run.tags.len() + run.metrics.len() + run.evaluated.len(),
        );
        for (family, labels) in [(Family::Param, run.params), (Family::Tag, run.tags)] {
            for (name, value) in labels {
                let cell = LabelCell::new(self.texts.take(value), number(value));
                keys.push(self.set(family, name, row, &Cell::Label(cell)));
            }
        }
        for metric in run.metrics {
            let cell = MetricCell {
                last: metric.last.value,
                min: metric.min.unwrap_or(f64::NAN),
                max: metric.max.unwrap_or(f64::NAN),
                count: metric.count as f64,
            };
            keys.push(self.set(Family::Metric, &metric.name, row, &Cell::Metric(cell)));
        }
        for metric in run.evaluated {
            let name = evaluated_key(&metric.split, &metric.name);
            keys.push(self.set(Family::Evaluated, &name, row, &Cell::Number(metric.value)));
        }
        keys.sort_unstable();
        keys.dedup();
        let before = std::mem::replace(&mut self.rows.keys[row], keys.into_boxed_slice());
        for key in before {
            if self.rows.keys[row].binary_search(&key).is_err() {
                self.clear(key, row);
            }
        }
    }

    /// Takes a run out. Returns whether it was there.
    pub fn remove(&mut self, id: &str) -> bool {
        let symbol = self.texts.find(id);
        let Some(row) = symbol.and_then(|symbol| self.row_of.remove(&symbol)) else {
            return false;
        };
        let row = row as usize;
        for key in std::mem::take(&mut self.rows.keys[row]) {
            self.clear(key, row);
        }
        for list in &mut self.rows.texts {
            let text = std::mem::replace(&mut list[row], NO_TEXT);
            if text != NO_TEXT {
                self.texts.release(Symbol(text));
            }
        }
        self.live.remove(row);
        self.gone.remove(row);
        self.free_rows.push(row as u32);
        true
    }

    fn add_row(&mut self, id: &str) -> usize {
        let row = match self.free_rows.pop() {
            Some(row) => row as usize,
            None => {
                let rows = &mut self.rows;
                rows.seq.push(0);
                rows.state.push(0);
                rows.attempt.push(0);
                rows.seed.push(None);
                for list in [
                    &mut rows.created,
                    &mut rows.started,
                    &mut rows.ended,
                    &mut rows.deleted,
                ] {
                    list.push(ABSENT);
                }
                for list in &mut rows.texts {
                    list.push(NO_TEXT);
                }
                rows.keys.push(Box::default());
                rows.seq.len() - 1
            }
        };
        let symbol = self.texts.take(id);
        self.rows.texts[Text::Id as usize][row] = symbol.0;
        self.row_of.insert(symbol, row as u32);
        self.live.insert(row);
        row
    }

    fn set_attributes(&mut self, row: usize, of: &RunRow<'_>) {
        let run = of.run;
        let time = |time: Option<Timestamp>| time.map_or(ABSENT, |time| time.0);
        let rows = &mut self.rows;
        rows.seq[row] = run.seq;
        rows.state[row] = state_code(run.state);
        rows.seed[row] = run.seed;
        rows.attempt[row] = run.attempt;
        rows.created[row] = run.created_at.0;
        rows.started[row] = time(run.started_at);
        rows.ended[row] = time(run.ended_at);
        rows.deleted[row] = time(run.deleted_at);
        match run.deleted_at {
            Some(_) => self.gone.insert(row),
            None => self.gone.remove(row),
        };
        let texts = [
            (Text::Name, Some(run.name.as_str())),
            (Text::Project, Some(run.project.as_str())),
            (Text::Experiment, Some(run.experiment.as_str())),
            (Text::Adapter, run.adapter.as_deref()),
            (Text::AdapterVersion, run.adapter_version.as_deref()),
            (Text::Dataset, run.dataset.as_deref()),
            (Text::Group, run.group.as_ref().map(|group| group.as_str())),
            (Text::Owner, Some(run.owner.0.as_str())),
            (
                Text::Notes,
                Some(run.notes.as_str()).filter(|notes| !notes.is_empty()),
            ),
        ];
        for (text, value) in texts {
            let new = value.map_or(NO_TEXT, |value| self.texts.take(value).0);
            let before = std::mem::replace(&mut self.rows.texts[text as usize][row], new);
            if before != NO_TEXT {
                self.texts.release(Symbol(before));
            }
        }
    }

    fn set(&mut self, family: Family, name: &str, row: usize, cell: &Cell) -> u32 {
        let row_count = self.row_count();
        let key = self.ensure_key(family, name);
        match (&mut self.keys[key as usize].values, cell) {
            (Values::Label(column), Cell::Label(cell)) => {
                if let Some(before) = column.set(row, *cell, row_count) {
                    self.texts.release(before.symbol());
                }
            }
            (Values::Metric(column), Cell::Metric(cell)) => {
                column.set(row, *cell, row_count);
            }
            (Values::Number(column), Cell::Number(value)) => {
                column.set(row, *value, row_count);
            }
            _ => unreachable!("a family has one kind of values"),
        }
        key
    }

    fn ensure_key(&mut self, family: Family, name: &str) -> u32 {
        let symbol = self.texts.find(name);
        if let Some(key) = symbol.and_then(|symbol| self.key_of[family as usize].get(&symbol)) {
            return *key;
        }
        let key = Key {
            family,
            name: self.texts.take(name),
            values: match family {
                Family::Param | Family::Tag => Values::Label(Column::default()),
                Family::Metric => Values::Metric(Column::default()),
                Family::Evaluated => Values::Number(Column::default()),
            },
        };
        let name = key.name;
        let index = match self.free_keys.pop() {
            Some(index) => {
                self.keys[index as usize] = key;
                index
            }
            None => {
                self.keys.push(key);
                (self.keys.len() - 1) as u32
            }
        };
        self.key_of[family as usize].insert(name, index);
        index
    }

    fn clear(&mut self, index: u32, row: usize) {
        let row_count = self.row_count();
        let key = &mut self.keys[index as usize];
        let left = match &mut key.values {
            Values::Label(column) => {
                if let Some(before) = column.clear(row, row_count) {
                    self.texts.release(before.symbol());
                }
                column.len()
            }
            Values::Metric(column) => {
                column.clear(row, row_count);
                column.len()
            }
            Values::Number(column) => {
                column.clear(row, row_count);
                column.len()
            }
        };
        if left == 0 {
            let name = key.name;
            self.key_of[key.family as usize].remove(&name);
            key.values = Values::Number(Column::default());
            self.texts.release(name);
            self.free_keys.push(index);
        }
    }

    /// The values of a key, when a run has it.
    pub(crate) fn values(&self, family: Family, name: &str) -> Option<&Values> {
        let symbol = self.texts.find(name)?;
        let key = self.key_of[family as usize].get(&symbol)?;
        Some(&self.keys[*key as usize].values)
    }

    /// The names of a family's keys, in no order.
    pub(crate) fn names(&self, family: Family) -> impl Iterator<Item = &str> {
        self.key_of[family as usize]
            .keys()
            .map(|symbol| self.texts.text(*symbol))
    }

    /// The names of a family's keys with how many of the rows have each, in no order.
    pub(crate) fn counted<'t>(
        &'t self,
        family: Family,
        rows: &'t Bits,
    ) -> impl Iterator<Item = (&'t str, usize)> {
        self.key_of[family as usize].iter().map(|(symbol, key)| {
            let count = match &self.keys[*key as usize].values {
                Values::Label(column) => column.count_in(rows),
                Values::Metric(column) => column.count_in(rows),
                Values::Number(column) => column.count_in(rows),
            };
            (self.texts.text(*symbol), count)
        })
    }

    /// The columns of tags.
    pub(crate) fn tag_columns(&self) -> impl Iterator<Item = &Column<LabelCell>> {
        self.key_of[Family::Tag as usize]
            .values()
            .filter_map(|key| match &self.keys[*key as usize].values {
                Values::Label(column) => Some(column),
                _ => None,
            })
    }

    /// The id of the run in a row.
    pub(crate) fn id(&self, row: usize) -> &str {
        self.texts
            .text(Symbol(self.rows.texts[Text::Id as usize][row]))
    }

    /// Memory it takes, estimated from capacities.
    pub fn memory(&self) -> Memory {
        let per_row = 5 * size_of::<i64>() + size_of::<Option<i64>>() + size_of::<u32>() + 1
            + TEXTS * size_of::<u32>()
            + size_of::<Box<[u32]>>()
            // The row's entry in the map of ids.
            + 2 * size_of::<u64>();
        let key_lists: usize = self.rows.keys.iter().map(|keys| size_of_val(&**keys)).sum();
        let columns: usize = self
            .keys
            .iter()
            .map(|key| {
                size_of::<Key>()
                    + match &key.values {
                        Values::Label(column) => column.bytes(),
                        Values::Metric(column) => column.bytes(),
                        Values::Number(column) => column.bytes(),
                    }
            })
            .sum();
        Memory {
            text_bytes: self.texts.bytes(),
            row_bytes: self.rows.seq.capacity() * per_row
                + key_lists
                + self.live.bytes()
                + self.gone.bytes(),
            column_bytes: columns,
        }
    }
}

/// The name of the column of an evaluated metric; splits have no `/`.
pub(crate) fn evaluated_key(split: &str, name: &str) -> String {
    format!("{split}/{name}")
}

fn state_code(state: RunState) -> u8 {
    RunState::ALL
        .iter()
        .position(|one| *one == state)
        .map_or(u8::MAX, |at| at as u8)
}

/// The name of a stored state.
pub(crate) fn state_name(code: u8) -> &'static str {
    RunState::ALL
        .get(usize::from(code))
        .map_or("", |state| state.as_str())
}
