//! What a query may be at most. Past a limit a query is refused, never cut.

/// Bytes in the text of a query, an order or an operand.
pub const QUERY_MAX_BYTES: usize = 16 * 1024;
/// Parentheses and `not`s within each other.
pub const DEPTH_MAX: usize = 64;
/// Tests in one query.
pub const TESTS_MAX: usize = 1000;
/// Values in one `in (...)`.
pub const LIST_MAX: usize = 1000;
/// Bytes a compiled regular expression may take.
pub const REGEX_MAX_BYTES: usize = 1024 * 1024;
/// Brackets within each other in a regular expression.
pub const REGEX_DEPTH_MAX: u32 = 50;
/// Keys in one order.
pub const ORDER_KEYS_MAX: usize = 16;
/// Things to group by in one search.
pub const GROUP_KEYS_MAX: usize = 8;
/// Operands to summarise in one search.
pub const SUMMARISED_MAX: usize = 100;
/// Groups of one search times its keys to group by.
pub const GROUP_PARTS_MAX: usize = 4_000_000;
/// Statistics over seed groups that one condition keeps while it is looked at.
pub const DERIVED_KEPT_MAX: usize = 16;
/// Bytes of all values that one page of a search may return.
pub const VALUES_MAX_BYTES: usize = 128 * 1024 * 1024;
/// Names that no run has for which suggestions are looked for.
pub const HINTS_MAX: usize = 10;
/// Columns one search may return.
pub const COLUMNS_MAX: usize = 1000;
/// Keys offered as suggestions for one that no run has.
pub const SUGGESTIONS_MAX: usize = 3;
