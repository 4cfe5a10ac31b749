//! The YAML of MLflow's file store: scalars, lists and mappings, nothing else.
//!
//! Scalars stay texts until somebody asks: a digest such as `1234e567` is no number, and the
//! programs that wrote these files did not take it for one. No aliases, tags or second
//! documents, so that no file can be larger in memory than on disk.

use saphyr_parser::{Event, Parser, ScalarStyle};

/// Levels of lists and mappings.
const DEPTH_MAX: usize = 16;
/// Values in one file.
const VALUES_MAX: usize = 100_000;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Yaml {
    /// A text, and whether it stood in quotes.
    Scalar(String, bool),
    /// Values.
    List(Vec<Yaml>),
    /// Keys with values, as they come.
    Map(Vec<(String, Yaml)>),
}

/// What is open while a file is read.
enum Frame {
    List(Vec<Yaml>),
    Map(Vec<(String, Yaml)>, Option<String>),
}

impl Yaml {
    /// Reads a file's text; an empty one is an empty mapping. The error says where.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut stack: Vec<Frame> = Vec::new();
        let mut root = None;
        let mut values = 0;
        let mut parser = Parser::new_from_str(text);
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|error| {
                let line = error.marker().line();
                format!("line {line}: {}", error.info())
            })?;
            let line = span.start.line();
            let refuse = |what: &str| Err(format!("line {line}: {what}"));
            let done = match event {
                Event::DocumentStart(_) if root.is_some() => {
                    return refuse("a second document starts here");
                }
                Event::Alias(_) => return refuse("aliases are not read"),
                Event::SequenceStart(..) | Event::MappingStart(..) if stack.len() >= DEPTH_MAX => {
                    return refuse("values nest too deep");
                }
                Event::SequenceStart(_, None) => {
                    stack.push(Frame::List(Vec::new()));
                    None
                }
                Event::MappingStart(_, None) => {
                    stack.push(Frame::Map(Vec::new(), None));
                    None
                }
                Event::SequenceEnd | Event::MappingEnd => stack.pop().map(Frame::value),
                Event::Scalar(text, style, _, None) => {
                    Some(Self::Scalar(text.into_owned(), style != ScalarStyle::Plain))
                }
                Event::SequenceStart(..) | Event::MappingStart(..) | Event::Scalar(..) => {
                    return refuse("tags are not read");
                }
                _ => None,
            };
            let Some(value) = done else { continue };
            values += 1;
            if values > VALUES_MAX {
                return refuse("there are too many values");
            }
            match stack.last_mut() {
                None => root = Some(value),
                Some(Frame::List(items)) => items.push(value),
                Some(Frame::Map(entries, key)) => match (key.take(), value) {
                    (Some(name), value) => entries.push((name, value)),
                    (None, Self::Scalar(name, _)) => *key = Some(name),
                    (None, _) => return refuse("a key must be a text"),
                },
            }
        }
        Ok(root.unwrap_or(Self::Map(Vec::new())))
    }

    /// The value of a key; the last one where a key comes twice, as in Python.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(entries) => entries
                .iter()
                .rfind(|(name, _)| name == key)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text of a scalar that is not null.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Scalar(text, quoted) => {
                let null = !quoted && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL");
                (!null).then_some(text)
            }
            _ => None,
        }
    }

    /// The text of a key that is there and not null.
    pub(super) fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key)?.text()
    }

    /// The whole number of a key, if there is one.
    pub(super) fn int_of(&self, key: &str) -> Result<Option<i64>, String> {
        let Some(text) = self.text_of(key) else {
            return Ok(None);
        };
        let number = text.replace('_', "").parse();
        number
            .map(Some)
            .map_err(|_| format!("`{key}` is no whole number"))
    }

    /// Keys and texts of a mapping.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        let entries = match self {
            Self::Map(entries) => entries.as_slice(),
            _ => &[],
        };
        entries
            .iter()
            .map(|(key, value)| (key.as_str(), value.text().unwrap_or_default()))
    }
}

impl Frame {
    fn value(self) -> Yaml {
        match self {
            Self::List(items) => Yaml::List(items),
            Self::Map(entries, _) => Yaml::Map(entries),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_stay_what_they_were_written_as() {
        let text = "digest: 1234e567\nname: 'null'\nend: null\nstart: 17\ntags: []\n\
                    long: \"two\\nlines é\"\nmap: {a: b, c: ~}\n";
        let yaml = Yaml::parse(text).expect("valid");
        assert_eq!(yaml.text_of("digest"), Some("1234e567"));
        assert_eq!(yaml.text_of("name"), Some("null"));
        assert_eq!(yaml.text_of("end"), None);
        assert_eq!(yaml.int_of("start"), Ok(Some(17)));
        assert_eq!(yaml.int_of("end"), Ok(None));
        assert!(yaml.int_of("digest").is_err());
        assert_eq!(yaml.get("tags"), Some(&Yaml::List(Vec::new())));
        assert_eq!(yaml.text_of("long"), Some("two\nlines é"));
        let map: Vec<_> = yaml.get("map").expect("there").texts().collect();
        assert_eq!(map, [("a", "b"), ("c", "")]);
        assert_eq!(Yaml::parse(""), Ok(Yaml::Map(Vec::new())));
    }

    #[test]
    fn what_could_grow_or_call_code_is_refused_with_its_line() {
        let bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n";
        for (text, line) in [
            (bomb, 2),
            ("a: 1\nb: !!python/object:os.system x\n", 2),
            ("a: 1\n---\nb: 2\n", 2),
            ("a: 1\n? [x]\n: 2\n", 2),
            (&"[".repeat(100), 1),
        ] {
            let refused = Yaml::parse(text).expect_err(text);
            assert!(refused.starts_with(&format!("line {line}: ")), "{refused}");
        }
        let cut = Yaml::parse("a: 'cut off").expect_err("no end");
        assert!(cut.starts_with("line "), "{cut}");
    }
}
