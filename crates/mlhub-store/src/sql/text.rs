//! Building SQL: parameters in order of appearance, rows and lists in slabs.
//!
//! Values are always bound, never written into the text; slabs come in few
//! sizes so that the number of prepared statements stays small.

use mlhub_core::Result;

use super::seam::{Row, Tx, Value};

/// Rows per multi-row INSERT, largest first.
const INSERT_SLABS: [usize; 4] = [256, 32, 4, 1];
/// Values per IN list, smallest first; shorter lists repeat their last value.
const LIST_SLABS: [usize; 4] = [1, 8, 64, 512];

/// A statement in the making.
#[derive(Debug, Default)]
pub(crate) struct Sql {
    pub(crate) text: String,
    pub(crate) values: Vec<Value>,
}

impl Sql {
    /// A statement that starts with `text`.
    pub(crate) fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            values: Vec::new(),
        }
    }

    /// Appends text.
    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Appends the next parameter.
    pub(crate) fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        let number = self.values.len();
        self.push(&format!("${number}"))
    }

    /// Appends `(a, b, c)`; at most 512 values.
    pub(crate) fn bind_list(&mut self, values: impl IntoIterator<Item = Value>) -> &mut Self {
        let mut values: Vec<Value> = values.into_iter().collect();
        let size = LIST_SLABS
            .into_iter()
            .find(|size| *size >= values.len())
            .unwrap_or(values.len());
        if let Some(last) = values.last().cloned() {
            values.resize(size, last);
        }
        for (index, value) in values.into_iter().enumerate() {
            self.push(if index == 0 { "(" } else { ", " });
            self.bind(value);
        }
        self.push(")")
    }

    /// Appends a condition: only rows behind a place in the order of these columns, each
    /// with its value there and whether it descends.
    pub(crate) fn push_behind(&mut self, keys: &[(&str, Value, bool)]) -> &mut Self {
        let beyond = |descends: bool| if descends { " < " } else { " > " };
        if let Some((column, value, descends)) = keys.first() {
            // Says nothing new, but an index finds where to begin by it.
            let sign = if *descends { " <= " } else { " >= " };
            self.push(" AND ").push(column).push(sign);
            self.bind(value.clone());
        }
        for (at, (column, value, descends)) in keys.iter().enumerate() {
            self.push(if at == 0 { " AND ((" } else { " OR (" });
            for (column, value, _) in &keys[..at] {
                self.push(column).push(" = ").bind(value.clone());
                self.push(" AND ");
            }
            self.push(column).push(beyond(*descends));
            self.bind(value.clone()).push(")");
        }
        self.push(if keys.is_empty() { "" } else { ")" })
    }

    /// Appends the order by these columns.
    pub(crate) fn push_order(&mut self, keys: &[(&str, Value, bool)]) -> &mut Self {
        for (at, (column, _, descends)) in keys.iter().enumerate() {
            self.push(if at == 0 { " ORDER BY " } else { ", " });
            self.push(column).push(if *descends { " DESC" } else { "" });
        }
        self
    }

    /// Runs it as a query.
    pub(crate) async fn query(&self, tx: &mut dyn Tx) -> Result<Vec<Row>> {
        tx.query(&self.text, &self.values).await
    }
}

/// Runs `SELECT ... IN (list) ...` over any number of values, in slabs.
pub(crate) async fn query_in(
    tx: &mut dyn Tx,
    before: &str,
    values: &[Value],
    after: &str,
) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for slab in values.chunks(LIST_SLABS[LIST_SLABS.len() - 1]) {
        let mut sql = Sql::new(before);
        sql.bind_list(slab.iter().cloned()).push(after);
        rows.extend(sql.query(tx).await?);
    }
    Ok(rows)
}

/// Runs `SELECT ... IN (list) AND run = ...` over any number of values, in slabs.
pub(crate) async fn query_in_run(
    tx: &mut dyn Tx,
    before: &str,
    values: &[Value],
    run: i64,
) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for slab in values.chunks(LIST_SLABS[LIST_SLABS.len() - 1]) {
        let mut sql = Sql::new(before);
        sql.bind_list(slab.iter().cloned())
            .push(" AND run = ")
            .bind(run);
        rows.extend(sql.query(tx).await?);
    }
    Ok(rows)
}

/// Runs `head VALUES (...), (...) tail` over any number of rows, in slabs.
pub(crate) async fn insert_rows(
    tx: &mut dyn Tx,
    head: &str,
    rows: Vec<Vec<Value>>,
    tail: &str,
) -> Result<()> {
    let mut rows = rows.into_iter();
    for slab_size in INSERT_SLABS {
        while rows.len() >= slab_size {
            let mut sql = Sql::new(head);
            for (index, row) in rows.by_ref().take(slab_size).enumerate() {
                sql.push(if index == 0 { " VALUES " } else { ", " });
                for (index, value) in row.into_iter().enumerate() {
                    sql.push(if index == 0 { "(" } else { ", " });
                    sql.bind(value);
                }
                sql.push(")");
            }
            sql.push(tail);
            tx.execute(&sql.text, &sql.values).await?;
        }
    }
    Ok(())
}

/// Rank of a number in a sort.
pub(crate) const RANK_NUMBER: i64 = 0;
/// Rank of a text in a sort.
pub(crate) const RANK_TEXT: i64 = 1;
/// Rank of NaN in a sort.
pub(crate) const RANK_NAN: i64 = 2;
/// The columns `sort_rank` and `sort_number` of a value.
pub(crate) fn sort_columns(value: f64) -> (Value, Value) {
    if value.is_nan() {
        (RANK_NAN.into(), Value::Null)
    } else {
        (RANK_NUMBER.into(), value.into())
    }
}

/// A float as the integer column that keeps its bits.
pub(crate) fn bits(value: f64) -> Value {
    Value::I64(value.to_bits().cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_numbered_as_they_appear() {
        let mut sql = Sql::new("SELECT ");
        sql.bind(1i64)
            .push(" IN ")
            .bind_list([2i64, 3].map(Value::from));
        assert_eq!(sql.text, "SELECT $1 IN ($2, $3, $4, $5, $6, $7, $8, $9)");
        assert_eq!(sql.values[8], Value::I64(3));
    }

    #[test]
    fn a_place_in_an_order_is_by_all_of_its_columns() {
        let keys = [("t", Value::I64(5), true), ("n", Value::from("x"), false)];
        let mut sql = Sql::new("SELECT 1 WHERE 1 = 1");
        sql.push_behind(&keys).push_order(&keys);
        assert_eq!(
            sql.text,
            "SELECT 1 WHERE 1 = 1 AND t <= $1 AND ((t < $2) OR (t = $3 AND n > $4)) \
             ORDER BY t DESC, n"
        );
        assert_eq!(sql.values[3], Value::from("x"));
    }
}
