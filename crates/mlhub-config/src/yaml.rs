//! YAML 1.2 (core schema) to a tree with places, from the event stream of `saphyr-parser`.
//!
//! Built without recursion and within the bounds of [`crate::limits`], so an
//! alias bomb or a deep nest costs nothing. Refused: several documents, merge
//! keys, keys that are no scalars, tags beyond the core schema.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span as YamlSpan, Tag};

use crate::document::{At, Budget, Data, Key, Node, ParseFailure, Span, check_key};
use crate::limits::{MAX_ALIAS_NODES, MAX_DEPTH};
use crate::yaml_scalar::{check_collection_tag, plain, tagged};

/// A list or mapping that is not closed yet.
enum Frame {
    List {
        items: Vec<Node>,
        span: Span,
        anchor: usize,
    },
    Mapping {
        entries: Vec<(Key, Node)>,
        seen: HashMap<String, Span>,
        key: Option<Key>,
        span: Span,
        anchor: usize,
    },
}

#[derive(Default)]
struct Builder {
    stack: Vec<Frame>,
    root: Option<Node>,
    documents: usize,
    anchors: HashMap<usize, Node>,
    alias_nodes: usize,
    budget: Budget,
}

/// Parses one YAML document; an empty text is null.
pub(crate) fn parse(text: &str) -> Result<Node, ParseFailure> {
    let mut parser = Parser::new_from_str(text);
    let mut builder = Builder::default();
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| {
            ParseFailure::syntax(Some(point(*error.marker())), error.info().to_owned())
                .with_help("check the indentation and the quotes here and on the line above")
        })?;
        builder.event(event, place(span))?;
    }
    let empty = Span {
        line: 1,
        column: 1,
        width: 1,
    };
    Ok(builder
        .root
        .unwrap_or_else(|| Node::new(Data::Null, At::file(empty))))
}

fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn point(mark: Marker) -> Span {
    Span {
        line: narrow(mark.line()).max(1),
        column: narrow(mark.col()).saturating_add(1),
        width: 1,
    }
}

fn place(span: YamlSpan) -> Span {
    let same_line = span.start.line() == span.end.line();
    let width = if same_line {
        span.end.col().saturating_sub(span.start.col())
    } else {
        1
    };
    Span {
        width: narrow(width).max(1),
        ..point(span.start)
    }
}

impl Builder {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), ParseFailure> {
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(
                        ParseFailure::syntax(Some(span), "a second document starts here")
                            .with_help("keep one experiment per file: split the file at `---`"),
                    );
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.scalar(&text, style, anchor, tag.as_deref(), span)
            }
            Event::SequenceStart(anchor, tag) => {
                check_collection_tag(tag.as_deref(), "seq", span)?;
                self.open(
                    Frame::List {
                        items: Vec::new(),
                        span,
                        anchor,
                    },
                    span,
                )
            }
            Event::MappingStart(anchor, tag) => {
                check_collection_tag(tag.as_deref(), "map", span)?;
                let (entries, seen) = (Vec::new(), HashMap::new());
                self.open(
                    Frame::Mapping {
                        entries,
                        seen,
                        key: None,
                        span,
                        anchor,
                    },
                    span,
                )
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    fn open(&mut self, frame: Frame, span: Span) -> Result<(), ParseFailure> {
        self.refuse_complex_key(span)?;
        if self.stack.len() >= MAX_DEPTH {
            return Err(ParseFailure::limit(
                Some(span),
                format!("values nest deeper than {MAX_DEPTH} levels"),
            ));
        }
        self.budget.take(1, Some(span))?;
        self.stack.push(frame);
        Ok(())
    }

    fn close(&mut self) -> Result<(), ParseFailure> {
        let (node, anchor) = match self.stack.pop() {
            Some(Frame::List {
                items,
                span,
                anchor,
            }) => (Node::new(Data::List(items), At::file(span)), anchor),
            Some(Frame::Mapping {
                entries,
                span,
                anchor,
                ..
            }) => (Node::new(Data::Mapping(entries), At::file(span)), anchor),
            None => return Ok(()),
        };
        self.finish(node, anchor)
    }

    /// Whether the next value is a key of the open mapping.
    fn wants_key(&self) -> bool {
        matches!(self.stack.last(), Some(Frame::Mapping { key: None, .. }))
    }

    fn refuse_complex_key(&self, span: Span) -> Result<(), ParseFailure> {
        if self.wants_key() {
            return Err(ParseFailure::syntax(
                Some(span),
                "a key must be plain text, not a list, mapping or alias",
            ));
        }
        Ok(())
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        span: Span,
    ) -> Result<(), ParseFailure> {
        if self.wants_key() {
            return self.key(text, style, span);
        }
        self.budget.take(1, Some(span))?;
        let data = match tag {
            Some(tag) => tagged(text, tag, span)?,
            None if style == ScalarStyle::Plain => plain(text, span)?,
            None => Data::Text(text.to_owned()),
        };
        self.finish(Node::new(data, At::file(span)), anchor)
    }

    fn key(&mut self, text: &str, style: ScalarStyle, span: Span) -> Result<(), ParseFailure> {
        if style == ScalarStyle::Plain && text == "<<" {
            return Err(ParseFailure::syntax(
                Some(span),
                "merge keys (`<<`) are not part of YAML 1.2",
            )
            .with_help("write the keys out, or use an alias as the whole value"));
        }
        if style == ScalarStyle::Plain && text.is_empty() {
            return Err(ParseFailure::syntax(
                Some(span),
                "a key is missing before `:`",
            ));
        }
        check_key(text, span)?;
        let Some(Frame::Mapping { seen, key, .. }) = self.stack.last_mut() else {
            return Ok(());
        };
        if let Some(first) = seen.insert(text.to_owned(), span) {
            return Err(ParseFailure::duplicate(text, first, span));
        }
        *key = Some(Key {
            name: text.to_owned(),
            at: At::file(span),
        });
        Ok(())
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), ParseFailure> {
        self.refuse_complex_key(span)?;
        let Some(node) = self.anchors.get(&anchor) else {
            return Err(ParseFailure::syntax(
                Some(span),
                "an alias points at a value that is not complete yet",
            ));
        };
        let (count, depth) = measure(node);
        self.alias_nodes = self.alias_nodes.saturating_add(count);
        if self.alias_nodes > MAX_ALIAS_NODES {
            let message = format!("aliases expand to more than {MAX_ALIAS_NODES} values");
            return Err(ParseFailure::limit(Some(span), message));
        }
        if self.stack.len() + depth > MAX_DEPTH {
            return Err(ParseFailure::limit(
                Some(span),
                format!("values nest deeper than {MAX_DEPTH} levels"),
            ));
        }
        self.budget.take(count, Some(span))?;
        let node = node.clone();
        self.finish(node, 0)
    }

    /// Puts a complete value where it belongs.
    fn finish(&mut self, node: Node, anchor: usize) -> Result<(), ParseFailure> {
        if anchor != 0 {
            let (count, _) = measure(&node);
            // The copy kept for aliases counts too: anchors on anchors must not add up unseen.
            self.budget.take(count, Some(node.at.span))?;
            self.anchors.insert(anchor, node.clone());
        }
        match self.stack.last_mut() {
            Some(Frame::List { items, .. }) => items.push(node),
            Some(Frame::Mapping { entries, key, .. }) => {
                entries.extend(key.take().map(|key| (key, node)))
            }
            None => self.root = Some(node),
        }
        Ok(())
    }
}

/// How many values a tree holds and how many levels of lists and mappings.
fn measure(node: &Node) -> (usize, usize) {
    let add = |(count, depth): (usize, usize), child: &Node| {
        let (more, deeper) = measure(child);
        (count + more, depth.max(deeper))
    };
    match &node.data {
        Data::List(items) => {
            let (count, depth) = items.iter().fold((1, 0), add);
            (count, depth + 1)
        }
        Data::Mapping(entries) => {
            let (count, depth) = entries.iter().map(|(_, child)| child).fold((1, 0), add);
            (count, depth + 1)
        }
        _ => (1, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_one_based_characters() {
        let root = parse("a: 1\nélan:\n  b: [x, yy]\n").expect("valid");
        let list = root
            .get("élan")
            .and_then(|node| node.get("b"))
            .expect("there");
        let Data::List(items) = list.data() else {
            panic!("a list")
        };
        assert_eq!(
            items[1].span(),
            Span {
                line: 3,
                column: 10,
                width: 2
            }
        );
        assert_eq!(
            root.entry("élan").expect("there").0.span(),
            Span {
                line: 2,
                column: 1,
                width: 4
            }
        );
    }

    #[test]
    fn aliases_are_bounded() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let refs = vec![format!("*a{}", level - 1); 10].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{refs}]\n"));
        }
        let failure = parse(&bomb).expect_err("a bomb");
        assert!(failure.message.contains("10000"), "{}", failure.message);
        assert!(parse("a: &a [*a]").is_err());
        let twice = parse("[&x {a: 1}, *x]").map(|node| node.to_json());
        assert_eq!(
            twice.expect("valid"),
            Ok(serde_json::json!([{"a": 1}, {"a": 1}]))
        );
    }

    #[test]
    fn what_is_not_plain_data_is_refused() {
        for text in [
            "a: 1\n---\nb: 2\n",
            "a: !py/object x",
            "? [a]\n: 1",
            "b: &b {x: 1}\nc: {<<: *b}",
            "!!int x",
            "a: 1\na: 2",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
        assert!(parse(&"[".repeat(10_000)).is_err());
        assert!(parse("a:\n- ").is_ok());
    }
}
