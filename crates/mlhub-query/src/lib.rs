//! Searching runs: a query language, a columnar table of runs in memory, and
//! filter, order, pages and groups over it.
//!
//! Pure: it reads no clock (the present time is handed in), does no I/O and does
//! not know where runs are stored. It decides nothing about who may see what.
//! The language is described for users in `docs/query.md`.

mod ast;
mod bits;
mod column;
mod error;
mod fields;
mod filter;
mod group;
mod intern;
mod lex;
pub mod limits;
mod order;
mod parse;
mod parse_name;
mod parse_order;
mod patience;
mod print;
mod read;
mod search;
mod suggest;
mod table;
mod time;
mod typed;

pub use ast::{
    Aggregate, Attribute, Comparison, Expr, GroupStatistic, Kind, Literal, Mention, Moment,
    Operand, Predicate, Query, Test,
};
pub use error::QueryError;
pub use fields::{Field, FieldFamily, FieldPage, Fields};
pub use group::{GroupBy, GroupOrder, GroupPage, GroupRow, Statistics};
pub use order::{Cursor, CursorKey, OrderKey};
pub use parse::parse;
pub use parse_order::{parse_group_order, parse_operand, parse_operands, parse_order};
pub use read::Value;
pub use search::{Hint, Page, Search};
pub use table::{Memory, RunRow, RunTable};
