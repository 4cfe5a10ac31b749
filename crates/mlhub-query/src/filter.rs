//! Which rows meet a condition, a column at a time.
//!
//! A missing value passes no test but `is null`; `not` is plain negation. NaN
//! equals NaN and is neither less nor greater than anything.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::rc::Rc;

use mlhub_core::Timestamp;
use regex::Regex;

use crate::ast::{Attribute, Comparison, Expr, Kind, Literal, Moment, Operand, Predicate, Test};
use crate::bits::{Bits, Ones, WORD_BITS};
use crate::column::LabelCell;
use crate::intern::{Interner, Symbol};
use crate::limits::DERIVED_KEPT_MAX;
use crate::patience::Patience;
use crate::read::{Cell, Derived, Reader};
use crate::table::{NO_TEXT, RunTable, Text};
use crate::typed::{compile, like_regex};

/// Words of rows between two looks at whether the question is given up.
const PATIENCE_WORDS: usize = 256;

/// Everything a condition is evaluated against.
pub(crate) struct Filter<'t> {
    pub(crate) table: &'t RunTable,
    pub(crate) now: Timestamp,
    /// The rows that there are for this query.
    pub(crate) seen: &'t Bits,
    patience: &'t Patience<'t>,
    /// Statistics over groups that were worked out, for tests of the same ones.
    derived: RefCell<Vec<(Operand, Rc<Derived>)>>,
}

impl<'t> Filter<'t> {
    pub(crate) fn new(
        table: &'t RunTable,
        now: Timestamp,
        seen: &'t Bits,
        patience: &'t Patience<'t>,
    ) -> Self {
        Self {
            table,
            now,
            seen,
            patience,
            derived: RefCell::default(),
        }
    }

    fn reader(&self, operand: &Operand) -> Reader<'t> {
        let mut derived = self.derived.borrow_mut();
        if let Some((_, known)) = derived.iter().find(|(known, _)| known == operand) {
            return Reader::Derived(Rc::clone(known));
        }
        let reader = self.table.reader(operand, self.now, self.seen);
        if let Reader::Derived(new) = &reader
            && derived.len() < DERIVED_KEPT_MAX
        {
            derived.push((operand.clone(), Rc::clone(new)));
        }
        reader
    }

    /// The rows among those seen that meet the condition; any when it is given up.
    pub(crate) fn rows(&self, expr: &Expr) -> Bits {
        match expr {
            Expr::And(parts) => {
                let mut found = self.seen.clone();
                for part in parts {
                    found.and(&self.rows(part));
                }
                found
            }
            Expr::Or(parts) => {
                let mut found = Bits::empty(self.table.row_count());
                for part in parts {
                    found.or(&self.rows(part));
                }
                found
            }
            Expr::Not(part) => {
                let mut found = self.seen.clone();
                found.and_not(&self.rows(part));
                found
            }
            Expr::Test(_) | Expr::Anywhere(_) if self.patience.is_over() => {
                Bits::empty(self.table.row_count())
            }
            Expr::Test(predicate) => self.test(predicate),
            Expr::Anywhere(text) => self.anywhere(text),
        }
    }

    /// The rows among those seen that pass.
    fn select(&self, mut passes: impl FnMut(usize) -> bool) -> Bits {
        let mut found = Bits::empty(self.table.row_count());
        for (index, word) in self.seen.words().iter().enumerate() {
            if index % PATIENCE_WORDS == 0 && self.patience.is_over() {
                break;
            }
            let mut passed = 0;
            for bit in Ones(*word) {
                passed |= u64::from(passes(index * WORD_BITS + bit)) << bit;
            }
            if passed != 0 {
                found.set_word(index, passed);
            }
        }
        found
    }

    fn test(&self, predicate: &Predicate) -> Bits {
        let Predicate { operand, test } = predicate;
        if let Test::Null { negated } = test {
            let mut found = self.present(operand);
            if !negated {
                let mut missing = self.seen.clone();
                missing.and_not(&found);
                found = missing;
            }
            return found;
        }
        let reader = self.reader(operand);
        match operand.kind() {
            Kind::Text => self.text_test(&reader, test),
            Kind::Label => self.label_test(&reader, test),
            _ => self.number_test(operand, &reader, test),
        }
    }

    fn present(&self, operand: &Operand) -> Bits {
        let reader = self.reader(operand);
        let mut found = match &reader {
            Reader::Label(column) => {
                let mut found = Bits::empty(self.table.row_count());
                column.select(&mut found, |_| true);
                found
            }
            Reader::Number(column) => {
                let mut found = Bits::empty(self.table.row_count());
                column.select(&mut found, |_| true);
                found
            }
            reader => self.select(|row| !matches!(reader.cell(self.table, row), Cell::Missing)),
        };
        found.and(self.seen);
        found
    }

    fn number_test(&self, operand: &Operand, reader: &Reader<'_>, test: &Test) -> Bits {
        let check = NumberTest::new(test, self.now);
        let mut found = Bits::empty(self.table.row_count());
        match reader {
            Reader::Metric(column, aggregate) => column.select(&mut found, |cell| {
                cell.pick(*aggregate)
                    .is_some_and(|value| check.passes(value))
            }),
            Reader::Number(column) => column.select(&mut found, |value| check.passes(value)),
            // Sorted by its place in creation order, tested by its time.
            Reader::Created if operand.kind() == Kind::Moment => {
                let created = &self.table.rows.created;
                return self.select(|row| check.passes(created[row] as f64));
            }
            reader => {
                return self.select(|row| match reader.cell(self.table, row) {
                    Cell::Number(value) => check.passes(value),
                    _ => false,
                });
            }
        }
        found.and(self.seen);
        found
    }

    fn text_test(&self, reader: &Reader<'_>, test: &Test) -> Bits {
        let check = TextTest::new(test);
        match reader {
            Reader::Text(symbols) => {
                let mut memo = Memo::new(&self.table.texts, test, check);
                self.select(|row| symbols[row] != NO_TEXT && memo.passes(Symbol(symbols[row])))
            }
            reader => self.select(|row| match reader.cell(self.table, row) {
                Cell::Text(text) => check.passes(text),
                _ => false,
            }),
        }
    }

    fn label_test(&self, reader: &Reader<'_>, test: &Test) -> Bits {
        let Reader::Label(column) = reader else {
            return Bits::empty(self.table.row_count());
        };
        let mut found = Bits::empty(self.table.row_count());
        let mut memo = Memo::new(&self.table.texts, test, TextTest::new(test));
        match test {
            Test::Compare {
                comparison,
                value: Literal::Number(value),
            } => column.select(&mut found, |cell| match cell.number() {
                Some(number) => compare(*comparison, number, *value),
                None => *comparison == Comparison::NotEqual,
            }),
            Test::In { negated, values } => column.select(&mut found, |cell| {
                values.iter().any(|value| self.label_equals(cell, value)) != *negated
            }),
            _ => column.select(&mut found, |cell| memo.passes(cell.symbol())),
        }
        found.and(self.seen);
        found
    }

    fn label_equals(&self, cell: LabelCell, value: &Literal) -> bool {
        match value {
            Literal::Number(value) => cell
                .number()
                .is_some_and(|number| compare(Comparison::Equal, number, *value)),
            Literal::Text(text) => self.table.texts.text(cell.symbol()) == text,
            Literal::Bool(truth) => truth_of(self.table.texts.text(cell.symbol())) == Some(*truth),
            Literal::Moment(_) | Literal::Duration(_) => false,
        }
    }

    fn anywhere(&self, text: &str) -> Bits {
        // By symbol: 0 not yet known, 1 without the text, 2 with it.
        let mut known = vec![0u8; self.table.texts.bound()];
        let mut contains = |symbol: Symbol| {
            let known = &mut known[symbol.0 as usize];
            if *known == 0 {
                let found = contains_ignoring_case(self.table.texts.text(symbol), text);
                *known = 1 + u8::from(found);
            }
            *known == 2
        };
        let texts = &self.table.rows.texts;
        let mut found = self.select(|row| {
            [Text::Id, Text::Name, Text::Experiment, Text::Adapter]
                .into_iter()
                .map(|text| texts[text as usize][row])
                .any(|symbol| symbol != NO_TEXT && contains(Symbol(symbol)))
        });
        for column in self.table.tag_columns() {
            column.select(&mut found, |cell| contains(cell.symbol()));
        }
        found.and(self.seen);
        found
    }
}

/// Whether `part` stands in `text`, whatever the case of ASCII letters.
fn contains_ignoring_case(text: &str, part: &str) -> bool {
    part.is_empty()
        || text
            .as_bytes()
            .windows(part.len())
            .any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
}

/// Compares numbers: NaN equals NaN, and differs from all else.
pub(crate) fn compare(comparison: Comparison, a: f64, b: f64) -> bool {
    let equal = a == b || (a.is_nan() && b.is_nan());
    match comparison {
        Comparison::Equal => equal,
        Comparison::NotEqual => !equal,
        Comparison::Less => a < b,
        Comparison::LessOrEqual => a < b || equal,
        Comparison::Greater => a > b,
        Comparison::GreaterOrEqual => a > b || equal,
    }
}

fn ordered(comparison: Comparison, order: Ordering) -> bool {
    match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }
}

/// The truth a text stands for.
fn truth_of(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// A test of numbers, times or lengths, ready to run.
enum NumberTest {
    Compare(Comparison, f64),
    In(bool, Vec<f64>),
    Present,
}

impl NumberTest {
    fn new(test: &Test, now: Timestamp) -> Self {
        let number = |value: &Literal| match value {
            Literal::Number(number) => *number,
            Literal::Moment(Moment::Absolute(ms)) | Literal::Duration(ms) => *ms as f64,
            Literal::Moment(Moment::Relative(ms)) => now.0.saturating_add(*ms) as f64,
            Literal::Text(_) | Literal::Bool(_) => f64::NAN,
        };
        match test {
            Test::Compare { comparison, value } => Self::Compare(*comparison, number(value)),
            Test::In { negated, values } => Self::In(*negated, values.iter().map(number).collect()),
            _ => Self::Present,
        }
    }

    fn passes(&self, value: f64) -> bool {
        match self {
            Self::Compare(comparison, with) => compare(*comparison, value, *with),
            Self::In(negated, values) => {
                values
                    .iter()
                    .any(|one| compare(Comparison::Equal, value, *one))
                    != *negated
            }
            Self::Present => true,
        }
    }
}

/// A test of texts, ready to run.
enum TextTest<'q> {
    Compare(Comparison, &'q str),
    Truth(Comparison, bool),
    In(bool, Vec<&'q str>),
    Regex(bool, Box<Regex>),
    Contains(bool, &'q str),
    Present,
    Never,
}

impl<'q> TextTest<'q> {
    fn new(test: &'q Test) -> Self {
        let regex = |negated: bool, built: Result<Regex, String>| {
            // Patterns were compiled once when the query was parsed.
            built.map_or(Self::Never, |regex| Self::Regex(negated, Box::new(regex)))
        };
        match test {
            Test::Compare { comparison, value } => match value {
                Literal::Text(text) => Self::Compare(*comparison, text),
                Literal::Bool(truth) => Self::Truth(*comparison, *truth),
                _ => Self::Never,
            },
            Test::In { negated, values } => {
                let texts = values.iter().filter_map(|value| match value {
                    Literal::Text(text) => Some(text.as_str()),
                    _ => None,
                });
                Self::In(*negated, texts.collect())
            }
            Test::Like {
                negated,
                ignore_case,
                pattern,
            } => regex(*negated, like_regex(pattern, *ignore_case)),
            Test::Matches { negated, pattern } => regex(*negated, compile(pattern)),
            Test::Contains { negated, text } => Self::Contains(*negated, text),
            Test::Present | Test::Null { .. } => Self::Present,
        }
    }

    fn passes(&self, text: &str) -> bool {
        match self {
            Self::Compare(comparison, with) => ordered(*comparison, text.cmp(with)),
            Self::Truth(Comparison::Equal, truth) => truth_of(text) == Some(*truth),
            Self::Truth(Comparison::NotEqual, truth) => truth_of(text) != Some(*truth),
            Self::Truth(comparison, truth) => {
                truth_of(text).is_some_and(|found| ordered(*comparison, found.cmp(truth)))
            }
            Self::In(negated, texts) => texts.contains(&text) != *negated,
            Self::Regex(negated, regex) => regex.is_match(text) != *negated,
            Self::Contains(negated, part) => text.contains(part) != *negated,
            Self::Present => truth_of(text) != Some(false),
            Self::Never => false,
        }
    }
}

/// A test of texts that looks at each different text once.
struct Memo<'t, 'q> {
    texts: &'t Interner,
    check: TextTest<'q>,
    /// For equality nothing need be remembered: the symbol decides.
    equal: Option<(Option<Symbol>, bool)>,
    /// By symbol: 0 not yet known, 1 fails, 2 passes.
    known: Vec<u8>,
}

impl<'t, 'q> Memo<'t, 'q> {
    fn new(texts: &'t Interner, test: &'q Test, check: TextTest<'q>) -> Self {
        let equal = match test {
            Test::Compare {
                comparison: comparison @ (Comparison::Equal | Comparison::NotEqual),
                value: Literal::Text(text),
            } => Some((texts.find(text), *comparison == Comparison::Equal)),
            _ => None,
        };
        let known = match equal {
            Some(_) => Vec::new(),
            None => vec![0; texts.bound()],
        };
        Self {
            texts,
            check,
            equal,
            known,
        }
    }

    fn passes(&mut self, symbol: Symbol) -> bool {
        if let Some((wanted, equal)) = self.equal {
            return (Some(symbol) == wanted) == equal;
        }
        let known = &mut self.known[symbol.0 as usize];
        if *known == 0 {
            *known = 1 + u8::from(self.check.passes(self.texts.text(symbol)));
        }
        *known == 2
    }
}

/// The rows a query sees: deleted ones only when its condition names `deleted`.
pub(crate) fn seen(table: &RunTable, expr: Option<&Expr>) -> Bits {
    let mut seen = Bits::empty(table.row_count());
    seen.or(&table.live);
    if !expr.is_some_and(|expr| expr.names(Attribute::Deleted)) {
        seen.and_not(&table.gone);
    }
    seen
}
