//! TOML to a tree with places, from the spans of `toml_edit`.
//!
//! Dates and times become text, as they are in the other syntaxes.

use toml_edit::{Array, Document, InlineTable, Item, Table, Value};

use crate::document::{At, Budget, Data, Key, Node, ParseFailure, Span, check_key};
use crate::limits::MAX_DEPTH;
use crate::line_index::LineIndex;

struct Reader<'t> {
    places: LineIndex<'t>,
    budget: Budget,
}

/// Parses a TOML document; the root is always a mapping.
pub(crate) fn parse(text: &str) -> Result<Node, ParseFailure> {
    let mut reader = Reader {
        places: LineIndex::new(text),
        budget: Budget::default(),
    };
    let document = Document::parse(text).map_err(|error| {
        ParseFailure::syntax(
            error.span().map(|range| reader.span(range)),
            error.message().to_owned(),
        )
    })?;
    reader.table(
        document.as_table(),
        Span {
            line: 1,
            column: 1,
            width: 1,
        },
        0,
    )
}

impl Reader<'_> {
    fn span(&self, range: std::ops::Range<usize>) -> Span {
        self.places.span(range)
    }

    fn enter(&mut self, span: Span, depth: usize) -> Result<(), ParseFailure> {
        if depth >= MAX_DEPTH {
            return Err(ParseFailure::limit(
                Some(span),
                format!("values nest deeper than {MAX_DEPTH} levels"),
            ));
        }
        self.budget.take(1, Some(span))
    }

    fn table(&mut self, table: &Table, span: Span, depth: usize) -> Result<Node, ParseFailure> {
        self.enter(span, depth)?;
        let mut entries = Vec::with_capacity(table.len());
        for (name, _) in table.iter() {
            if let Some((key, item)) = table.get_key_value(name) {
                entries.push(self.entry(key, item, span, depth)?);
            }
        }
        Ok(Node::new(Data::Mapping(entries), At::file(span)))
    }

    fn inline_table(
        &mut self,
        table: &InlineTable,
        span: Span,
        depth: usize,
    ) -> Result<Node, ParseFailure> {
        self.enter(span, depth)?;
        let mut entries = Vec::with_capacity(table.len());
        for (name, _) in table.iter() {
            if let Some((key, item)) = table.get_key_value(name) {
                entries.push(self.entry(key, item, span, depth)?);
            }
        }
        Ok(Node::new(Data::Mapping(entries), At::file(span)))
    }

    fn entry(
        &mut self,
        key: &toml_edit::Key,
        item: &Item,
        parent: Span,
        depth: usize,
    ) -> Result<(Key, Node), ParseFailure> {
        let span = key.span().map_or(parent, |range| self.span(range));
        check_key(key.get(), span)?;
        let node = self.item(item, span, depth + 1)?;
        Ok((
            Key {
                name: key.get().to_owned(),
                at: At::file(span),
            },
            node,
        ))
    }

    fn item(&mut self, item: &Item, key: Span, depth: usize) -> Result<Node, ParseFailure> {
        let span = item.span().map_or(key, |range| self.span(range));
        match item {
            // A table that is named by dotted keys or headers stands where its key stands.
            Item::Table(table) => self.table(table, key, depth),
            Item::Value(value) => self.value(value, span, depth),
            Item::ArrayOfTables(tables) => {
                self.enter(key, depth)?;
                let mut items = Vec::with_capacity(tables.len());
                for table in tables {
                    let span = table.span().map_or(key, |range| self.span(range));
                    items.push(self.table(table, span, depth + 1)?);
                }
                Ok(Node::new(Data::List(items), At::file(key)))
            }
            Item::None => Ok(Node::new(Data::Null, At::file(key))),
        }
    }

    fn value(&mut self, value: &Value, span: Span, depth: usize) -> Result<Node, ParseFailure> {
        let data = match value {
            Value::Array(array) => return self.array(array, span, depth),
            Value::InlineTable(table) => return self.inline_table(table, span, depth),
            Value::String(text) => Data::Text(text.value().clone()),
            Value::Integer(number) => Data::Integer((*number.value()).into()),
            Value::Float(number) => Data::Float(*number.value()),
            Value::Boolean(value) => Data::Boolean(*value.value()),
            Value::Datetime(moment) => Data::Text(moment.value().to_string()),
        };
        self.budget.take(1, Some(span))?;
        Ok(Node::new(data, At::file(span)))
    }

    fn array(&mut self, array: &Array, span: Span, depth: usize) -> Result<Node, ParseFailure> {
        self.enter(span, depth)?;
        let mut items = Vec::with_capacity(array.len());
        for value in array {
            let place = value.span().map_or(span, |range| self.span(range));
            items.push(self.value(value, place, depth + 1)?);
        }
        Ok(Node::new(Data::List(items), At::file(span)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_dates() {
        let root =
            parse("# first\n[dataset]\nname = \"é\" # x\n  day = 2026-01-02\n").expect("valid");
        let dataset = root.get("dataset").expect("there");
        assert_eq!(
            dataset.get("name").expect("there").span(),
            Span {
                line: 3,
                column: 8,
                width: 3
            }
        );
        let day = dataset.get("day").expect("there");
        assert_eq!(day.data(), &Data::Text("2026-01-02".to_owned()));
        assert_eq!(
            dataset.entry("day").expect("there").0.span(),
            Span {
                line: 4,
                column: 3,
                width: 3
            }
        );
    }

    #[test]
    fn deep_nests_and_duplicates_are_refused() {
        assert!(parse(&format!("a = {}{}", "[".repeat(70), "]".repeat(70))).is_err());
        assert!(parse("a = 1\na = 2\n").is_err());
        let dotted = vec!["a"; 70].join(".");
        assert!(parse(&format!("{dotted} = 1")).is_err());
    }
}
