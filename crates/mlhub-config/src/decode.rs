//! Reading typed values out of a tree while collecting every mistake.
//!
//! The rules that all parts of an experiment share: types, names, numbers,
//! unknown keys. What an experiment consists of is in `decode_experiment`.

use std::ops::RangeInclusive;

use crate::document::{At, Data, Key, Node};
use crate::error::{Collector, ErrorKind, quote};
use crate::limits::{MAX_LIST_ITEMS, MAX_TEXT_CHARS};
use crate::path::join;
use crate::sources::{Mistake, Sources};
use crate::suggest::suggest;

/// Reads values and remembers what is wrong with them.
pub(crate) struct Decoder<'a> {
    pub(crate) sources: Sources<'a>,
    pub(crate) errors: &'a mut Collector,
}

/// A mapping that is being read.
pub(crate) struct Fields<'n> {
    pub(crate) path: String,
    pub(crate) at: Option<At>,
    entries: &'n [(Key, Node)],
}

impl<'n> Fields<'n> {
    /// The value under `name`; null counts as absent.
    pub(crate) fn get(&self, name: &str) -> Option<&'n Node> {
        let (_, node) = self.entry(name)?;
        (node.data != Data::Null).then_some(node)
    }

    pub(crate) fn entry(&self, name: &str) -> Option<&'n (Key, Node)> {
        self.entries.iter().find(|(key, _)| key.name == name)
    }

    pub(crate) fn entries(&self) -> &'n [(Key, Node)] {
        self.entries
    }

    pub(crate) fn path_to(&self, name: &str) -> String {
        join(&self.path, name)
    }
}

/// An optional value that was read: absent is sound, present and wrong is not.
///
/// Lets all parts of a mapping be read before the first wrong one ends the reading.
pub(crate) fn sound<T>(read: Option<Option<T>>) -> Option<Option<T>> {
    match read {
        None => Some(None),
        Some(value) => value.map(Some),
    }
}

impl Decoder<'_> {
    /// Records a mistake of one value.
    pub(crate) fn mistake(
        &mut self,
        kind: ErrorKind,
        at: Option<At>,
        path: &str,
        message: String,
        label: &str,
        help: Option<String>,
    ) {
        if self.errors.overflows() {
            return;
        }
        let label = label.to_owned();
        self.errors.push(self.sources.error(Mistake {
            kind,
            at,
            path,
            message,
            label,
            help,
        }));
    }

    /// Records that a value of the right type cannot be.
    pub(crate) fn invalid(&mut self, node: &Node, path: &str, what: &str, help: Option<String>) {
        let message = format!("{} {what}", quote(path));
        self.mistake(
            ErrorKind::InvalidValue,
            Some(node.at),
            path,
            message,
            "",
            help,
        );
    }

    /// Records that a value has the wrong type.
    pub(crate) fn wrong_type(&mut self, node: &Node, path: &str, expected: &str) {
        let found = node.data.kind();
        let message = format!("{} must be {expected}, but it is {found}", quote(path));
        let quotable = matches!(
            node.data,
            Data::Integer(_) | Data::Float(_) | Data::Boolean(_)
        );
        let help = (expected.starts_with("text") && quotable)
            .then(|| "put the value in quotes to make it text".to_owned());
        self.mistake(
            ErrorKind::WrongType,
            Some(node.at),
            path,
            message,
            &format!("expected {expected}"),
            help,
        );
    }

    /// Records that a required key is missing.
    pub(crate) fn missing(&mut self, fields: &Fields<'_>, name: &str, help: &str) {
        let path = fields.path_to(name);
        let message = format!("the key {} is missing", quote(&path));
        let at = fields.at;
        self.mistake(
            ErrorKind::MissingKey,
            at,
            &path,
            message,
            "it belongs in here",
            Some(help.to_owned()),
        );
    }

    /// A mapping of any keys; `key` is where it is named, for mistakes about what it lacks.
    pub(crate) fn open<'n>(
        &mut self,
        node: &'n Node,
        path: &str,
        key: Option<At>,
    ) -> Option<Fields<'n>> {
        match &node.data {
            Data::Mapping(entries) => Some(Fields {
                path: path.to_owned(),
                at: key,
                entries,
            }),
            _ => {
                self.wrong_type(node, path, "a mapping");
                None
            }
        }
    }

    /// A mapping of known keys only.
    pub(crate) fn fields<'n>(
        &mut self,
        node: &'n Node,
        path: &str,
        key: Option<At>,
        known: &[&str],
    ) -> Option<Fields<'n>> {
        let fields = self.open(node, path, key)?;
        for (key, _) in fields
            .entries
            .iter()
            .filter(|(key, _)| !known.contains(&key.name.as_str()))
        {
            self.unknown_key(key, path, known);
        }
        Some(fields)
    }

    fn unknown_key(&mut self, key: &Key, parent: &str, known: &[&str]) {
        if self.errors.overflows() {
            return;
        }
        let near = suggest(&key.name, known.iter().copied());
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the keys here are {}", known.join(", ")),
        };
        let path = join(parent, &key.name);
        let message = format!("unknown key {}", quote(&path));
        self.mistake(
            ErrorKind::UnknownKey,
            Some(key.at),
            &path,
            message,
            "nothing reads this key",
            Some(help),
        );
    }

    /// A mapping under `name` of `parent`, if it is there.
    pub(crate) fn child<'n>(
        &mut self,
        parent: &Fields<'n>,
        name: &str,
        known: &[&str],
    ) -> Option<Fields<'n>> {
        let (key, _) = parent.entry(name)?;
        let node = parent.get(name)?;
        self.fields(node, &parent.path_to(name), Some(key.at), known)
    }

    /// Text without control characters (line breaks only if `multiline`), not empty, bounded.
    pub(crate) fn text(
        &mut self,
        node: &Node,
        path: &str,
        max_chars: usize,
        multiline: bool,
    ) -> Option<String> {
        let Data::Text(text) = &node.data else {
            self.wrong_type(node, path, "text");
            return None;
        };
        let allowed = |c: char| !c.is_control() || (multiline && matches!(c, '\n' | '\t'));
        let wrong = if text.is_empty() {
            "must not be empty".to_owned()
        } else if !text.chars().all(allowed) {
            "must not hold control characters".to_owned()
        } else if text.chars().count() > max_chars {
            format!("must not be longer than {max_chars} characters")
        } else {
            return Some(text.clone());
        };
        self.invalid(node, path, &wrong, None);
        None
    }

    /// Optional one-line text under `name`.
    pub(crate) fn optional_text(&mut self, fields: &Fields<'_>, name: &str) -> Option<String> {
        let node = fields.get(name)?;
        self.text(node, &fields.path_to(name), MAX_TEXT_CHARS, false)
    }

    /// A name: one line of text without white space at its ends.
    pub(crate) fn name(&mut self, node: &Node, path: &str, max_chars: usize) -> Option<String> {
        let text = self.text(node, path, max_chars, false)?;
        if text.trim() != text {
            self.invalid(node, path, "must not start or end with a space", None);
            return None;
        }
        Some(text)
    }

    /// A word of letters, digits, `_`, `-`, `+` and `.`, at most 64 characters.
    pub(crate) fn word(&mut self, node: &Node, path: &str, text: &str) -> Option<String> {
        const MAX_WORD_CHARS: usize = 64;
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+');
        if text.is_empty() || text.len() > MAX_WORD_CHARS || !text.chars().all(fits) {
            let help = format!("use 1 to {MAX_WORD_CHARS} letters, digits, `_`, `-`, `+` or `.`");
            self.invalid(node, path, "is not a name the hub can use", Some(help));
            return None;
        }
        Some(text.to_owned())
    }

    /// One of a fixed set of words.
    pub(crate) fn choice(&mut self, node: &Node, path: &str, choices: &[&str]) -> Option<String> {
        let Data::Text(text) = &node.data else {
            self.wrong_type(node, path, "text");
            return None;
        };
        if choices.contains(&text.as_str()) {
            return Some(text.clone());
        }
        let help = match suggest(text, choices.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("use one of {}", choices.join(", ")),
        };
        self.invalid(node, path, "is not one of the known values", Some(help));
        None
    }

    /// A whole number within a range.
    pub(crate) fn whole(
        &mut self,
        node: &Node,
        path: &str,
        range: RangeInclusive<u64>,
    ) -> Option<u64> {
        let Data::Integer(value) = node.data else {
            self.wrong_type(node, path, "a whole number");
            return None;
        };
        if let Some(value) = u64::try_from(value)
            .ok()
            .filter(|value| range.contains(value))
        {
            return Some(value);
        }
        self.invalid(
            node,
            path,
            &format!("must be between {} and {}", range.start(), range.end()),
            None,
        );
        None
    }

    /// A list of at most [`MAX_LIST_ITEMS`] items.
    pub(crate) fn list<'n>(&mut self, node: &'n Node, path: &str) -> Option<&'n [Node]> {
        let Data::List(items) = &node.data else {
            self.wrong_type(node, path, "a list");
            return None;
        };
        if items.len() > MAX_LIST_ITEMS {
            self.invalid(
                node,
                path,
                &format!("must not have more than {MAX_LIST_ITEMS} items"),
                None,
            );
            return None;
        }
        Some(items)
    }

    /// A list of distinct texts, each read by `read`; `None` if any of them is wrong.
    pub(crate) fn distinct<T: PartialEq>(
        &mut self,
        node: &Node,
        path: &str,
        mut read: impl FnMut(&mut Self, &Node, &str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let items = self.list(node, path)?;
        let mut values = Vec::with_capacity(items.len());
        let mut whole = true;
        for item in items {
            match read(self, item, path) {
                Some(value) if values.contains(&value) => {
                    self.invalid(
                        item,
                        path,
                        "names the same thing twice",
                        Some("keep one of them".to_owned()),
                    );
                    whole = false;
                }
                Some(value) => values.push(value),
                None => whole = false,
            }
        }
        whole.then_some(values)
    }
}
