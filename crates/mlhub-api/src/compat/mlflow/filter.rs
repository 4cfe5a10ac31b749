//! The search grammar: comparisons joined by AND. No OR, no parentheses but those of a
//! list; words in any case.

pub(super) use super::comparison::{How, Operand};
use super::error::{Answer, Refusal};

/// Bytes of a filter.
const FILTER_MAX_BYTES: usize = 16 * 1024;

/// One comparison.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Clause {
    /// What stands before the first dot, lower case; absent for a bare name.
    pub(super) entity: Option<String>,
    /// What is compared, without quotes.
    pub(super) key: String,
    /// How.
    pub(super) how: How,
    /// With what.
    pub(super) value: Operand,
}

impl Clause {
    /// Whether its texts can be told to any database: none has a NUL.
    pub(super) fn is_plain(&self) -> bool {
        let plain = |text: &str| !text.contains('\0');
        let value = match &self.value {
            Operand::Text(text) => plain(text),
            Operand::Texts(texts) => texts.iter().all(|text| plain(text)),
            Operand::Number(_) | Operand::Nothing => true,
        };
        value && plain(&self.key)
    }
}

/// Reads a filter.
pub(super) fn parse(filter: &str) -> Answer<Vec<Clause>> {
    if filter.len() > FILTER_MAX_BYTES {
        return Err(Refusal::invalid(format!(
            "the filter has {} bytes; at most {FILTER_MAX_BYTES} are read",
            filter.len()
        )));
    }
    let mut words = Words { filter, at: 0 };
    let mut clauses = Vec::new();
    while let Some(word) = words.next()? {
        clauses.push(clause(&mut words, word)?);
        match words.next()? {
            None => break,
            Some(Word::Plain(and)) if and.eq_ignore_ascii_case("and") => {}
            Some(other) => return Err(words.invalid(&other)),
        }
    }
    Ok(clauses)
}

/// A direction after a name, as `order_by` has it: the name, and whether it descends.
pub(super) fn order(item: &str) -> Answer<(Option<String>, String, bool)> {
    let item = item.trim();
    let (name, descends) = match item.rsplit_once(char::is_whitespace) {
        Some((name, last)) if last.eq_ignore_ascii_case("desc") => (name, true),
        Some((name, last)) if last.eq_ignore_ascii_case("asc") => (name, false),
        _ => (item, false),
    };
    let mut words = Words {
        filter: name,
        at: 0,
    };
    let word = words.next()?;
    let Some(Word::Plain(name)) = word else {
        return Err(Refusal::invalid(format!(
            "Invalid order_by clause '{item}'"
        )));
    };
    // `Run name` is a key of two words.
    let rest = words.filter[words.at..].trim();
    let name = match rest {
        "" => name,
        rest if name.eq_ignore_ascii_case("run") && rest.eq_ignore_ascii_case("name") => {
            format!("{name} {rest}")
        }
        _ => {
            return Err(Refusal::invalid(format!(
                "Invalid order_by clause '{item}'"
            )));
        }
    };
    let (entity, key) = identifier(&name);
    Ok((entity, key, descends))
}

#[derive(Debug, PartialEq)]
enum Word {
    /// An identifier, a keyword or a number.
    Plain(String),
    /// A text in quotes.
    Quoted(String),
    Symbol(&'static str),
}

struct Words<'f> {
    filter: &'f str,
    at: usize,
}

const SYMBOLS: [&str; 11] = ["!=", ">=", "<=", "<>", "==", "=", "<", ">", "(", ")", ","];

impl Words<'_> {
    fn next(&mut self) -> Answer<Option<Word>> {
        let rest = &self.filter[self.at..];
        let trimmed = rest.trim_start();
        self.at += rest.len() - trimmed.len();
        let Some(first) = trimmed.chars().next() else {
            return Ok(None);
        };
        if let Some(symbol) = SYMBOLS
            .into_iter()
            .find(|symbol| trimmed.starts_with(symbol))
        {
            self.at += symbol.len();
            return Ok(Some(Word::Symbol(symbol)));
        }
        if matches!(first, '\'' | '"') {
            let text = self.quoted(first)?;
            // "metrics".x is a name, 'text' is not.
            if first == '"' && self.filter[self.at..].starts_with('.') {
                let rest = self.plain()?;
                return Ok(Some(Word::Plain(format!("{text}{rest}"))));
            }
            return Ok(Some(Word::Quoted(text)));
        }
        self.plain().map(|text| Some(Word::Plain(text)))
    }

    /// A text in quotes of a kind; two of them within stand for one.
    fn quoted(&mut self, mark: char) -> Answer<String> {
        let mut text = String::new();
        let mut rest = self.filter[self.at + mark.len_utf8()..]
            .char_indices()
            .peekable();
        while let Some((place, character)) = rest.next() {
            if character != mark {
                text.push(character);
            } else if rest.next_if(|(_, next)| *next == mark).is_some() {
                text.push(mark);
            } else {
                self.at += mark.len_utf8() + place + mark.len_utf8();
                return Ok(text);
            }
        }
        Err(Refusal::invalid(format!(
            "Invalid filter '{}'. A {mark} is not closed.",
            self.filter
        )))
    }

    /// A name or a number: what stands in quotes within it keeps them.
    fn plain(&mut self) -> Answer<String> {
        let mut text = String::new();
        while let Some(first) = self.filter[self.at..].chars().next() {
            if matches!(first, '`' | '"') {
                // Marks stay, so that a dot in quotes divides nothing.
                let inner = self.quoted(first)?;
                text.extend([first]);
                text.push_str(&inner);
                text.extend([first]);
                continue;
            }
            if first.is_whitespace() || "=<>!(),'".contains(first) {
                break;
            }
            text.push(first);
            self.at += first.len_utf8();
        }
        if text.is_empty() {
            // A character that begins nothing.
            let rest = &self.filter[self.at..];
            return Err(Refusal::invalid(format!(
                "Invalid clause(s) in filter string: '{rest}'"
            )));
        }
        Ok(text)
    }

    fn invalid(&self, word: &Word) -> Refusal {
        let shown = match word {
            Word::Plain(text) | Word::Quoted(text) => text.as_str(),
            Word::Symbol(symbol) => symbol,
        };
        Refusal::invalid(format!(
            "Invalid clause(s) in filter string: '{shown}'. The filter '{}' has to be \
             comparisons joined by AND",
            self.filter
        ))
    }
}

/// A name as entity and key, without quotes.
fn identifier(text: &str) -> (Option<String>, String) {
    let bare = |part: &str| {
        let marked = |mark: char| {
            part.strip_prefix(mark)
                .and_then(|rest| rest.strip_suffix(mark))
        };
        let inner = marked('`').or_else(|| marked('"'));
        inner.unwrap_or(part).to_owned()
    };
    let quoted = text.starts_with(['`', '"']);
    match text.split_once('.') {
        Some((entity, key)) if !quoted || entity.len() > 1 && entity.ends_with(['`', '"']) => {
            (Some(bare(entity).to_lowercase()), bare(key))
        }
        _ => (None, bare(text)),
    }
}

fn clause(words: &mut Words<'_>, first: Word) -> Answer<Clause> {
    let name = match first {
        Word::Plain(name) => name,
        // A key in double quotes.
        Word::Quoted(name) => format!("`{name}`"),
        Word::Symbol(_) => return Err(words.invalid(&first)),
    };
    let (mut entity, mut key) = identifier(&name);
    let mut word = words.next()?;
    // `Run name` is a key of two words.
    if entity
        .as_deref()
        .unwrap_or(&key)
        .eq_ignore_ascii_case("run")
        && let Some(Word::Plain(second)) = &word
        && second.eq_ignore_ascii_case("name")
    {
        (entity, key) = (None, "run_name".to_owned());
        word = words.next()?;
    }
    let how = match word {
        Some(Word::Symbol("=" | "==")) => How::Equal,
        Some(Word::Symbol("!=" | "<>")) => How::NotEqual,
        Some(Word::Symbol("<")) => How::Less,
        Some(Word::Symbol("<=")) => How::LessOrEqual,
        Some(Word::Symbol(">")) => How::Greater,
        Some(Word::Symbol(">=")) => How::GreaterOrEqual,
        Some(Word::Plain(text)) => keyword(words, &text)?,
        Some(other) => return Err(words.invalid(&other)),
        None => {
            return Err(Refusal::invalid(format!(
                "Invalid clause(s) in filter string: '{name}'"
            )));
        }
    };
    let value = match how {
        How::IsNull | How::IsNotNull => Operand::Nothing,
        How::In | How::NotIn => Operand::Texts(list(words)?),
        _ => value(words)?,
    };
    Ok(Clause {
        entity,
        key,
        how,
        value,
    })
}

fn keyword(words: &mut Words<'_>, text: &str) -> Answer<How> {
    let mut then = |wanted: &str| -> Answer<bool> {
        let at = words.at;
        let found =
            matches!(words.next()?, Some(Word::Plain(text)) if text.eq_ignore_ascii_case(wanted));
        if !found {
            words.at = at;
        }
        Ok(found)
    };
    let how = match text.to_ascii_lowercase().as_str() {
        "like" => Some(How::Like),
        "ilike" => Some(How::Ilike),
        "in" => Some(How::In),
        "not" => then("in")?.then_some(How::NotIn),
        "is" => {
            let not = then("not")?;
            then("null")?.then_some(if not { How::IsNotNull } else { How::IsNull })
        }
        _ => None,
    };
    how.ok_or_else(|| words.invalid(&Word::Plain(text.to_owned())))
}

fn value(words: &mut Words<'_>) -> Answer<Operand> {
    match words.next()? {
        Some(Word::Quoted(text)) => Ok(Operand::Text(text)),
        Some(Word::Plain(text)) => match text.parse::<f64>() {
            Ok(number) => Ok(Operand::Number(number)),
            Err(_) => Err(Refusal::invalid(format!(
                "Parameter value is either not quoted or unidentified quote types used for \
                 string value {text}. Use either single or double quotes."
            ))),
        },
        Some(other) => Err(words.invalid(&other)),
        None => Err(Refusal::invalid(
            "Invalid clause(s) in filter string: a value is missing at its end",
        )),
    }
}

fn list(words: &mut Words<'_>) -> Answer<Vec<String>> {
    let invalid = || {
        Refusal::invalid(
            "While parsing a list in the query, expected string value, punctuation, or whitespace, \
             but got different type in list",
        )
    };
    if words.next()? != Some(Word::Symbol("(")) {
        return Err(invalid());
    }
    let mut texts = Vec::new();
    loop {
        match words.next()? {
            Some(Word::Quoted(text)) => texts.push(text),
            Some(Word::Symbol(")")) if !texts.is_empty() => return Ok(texts),
            _ => return Err(invalid()),
        }
        match words.next()? {
            Some(Word::Symbol(",")) => {}
            Some(Word::Symbol(")")) => return Ok(texts),
            _ => return Err(invalid()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(filter: &str) -> Clause {
        let mut clauses = parse(filter).expect("a filter");
        assert_eq!(clauses.len(), 1, "{filter}");
        clauses.remove(0)
    }

    fn names(filter: &str) -> (Option<String>, String) {
        let clause = one(filter);
        (clause.entity, clause.key)
    }

    fn pair(entity: &str, key: &str) -> (Option<String>, String) {
        (Some(entity.to_owned()), key.to_owned())
    }

    #[test]
    fn names_are_read_with_and_without_quotes() {
        assert_eq!(names("metrics.acc > 0.5"), pair("metrics", "acc"));
        assert_eq!(names("metrics.a/b.c>=1e-3"), pair("metrics", "a/b.c"));
        assert_eq!(names("metrics.`a b = c` > 1"), pair("metrics", "a b = c"));
        assert_eq!(names("params.\"a.b c\" = 'x'"), pair("params", "a.b c"));
        assert_eq!(names("tag.`a.b` != \"x\""), pair("tag", "a.b"));
        assert_eq!(names("name LIKE 'a%'"), (None, "name".to_owned()));
        assert_eq!(names("Run name = 'x'"), (None, "run_name".to_owned()));
        assert_eq!(
            names("attributes.run_id IN ('a', \"b\")"),
            pair("attributes", "run_id")
        );
    }

    #[test]
    fn values_are_numbers_texts_or_lists() {
        assert_eq!(one("metrics.a = -1.5e3").value, Operand::Number(-1500.0));
        assert_eq!(
            one("params.a='it''s = (1)'").value,
            Operand::Text("it's = (1)".to_owned())
        );
        let list = one("run_id NOT IN ('a','b')");
        assert_eq!(list.how, How::NotIn);
        assert_eq!(
            list.value,
            Operand::Texts(vec!["a".to_owned(), "b".to_owned()])
        );
        assert_eq!(one("tags.x is not null").how, How::IsNotNull);
        assert_eq!(one("tags.x IS NULL").how, How::IsNull);
    }

    #[test]
    fn comparisons_are_joined_by_and_alone() {
        assert_eq!(parse("").expect("empty"), []);
        assert_eq!(
            parse("a.b = 'c' and metrics.x<1 AND ")
                .expect("three")
                .len(),
            2
        );
        for filter in [
            "metrics.a > 1 or metrics.b > 1",
            "(metrics.a > 1)",
            "metrics.a",
            "metrics.a >",
            "metrics.a > 'x",
            "metrics.a ~ 1",
            "params.a = b",
            "run_id in ()",
            "run_id in ('a' 'b')",
            "= 1",
        ] {
            assert!(parse(filter).is_err(), "{filter}");
        }
    }

    #[test]
    fn orders_name_a_direction() {
        let of = |item| order(item).expect("an order");
        assert_eq!(
            of("metrics.x DESC"),
            (Some("metrics".to_owned()), "x".to_owned(), true)
        );
        assert_eq!(
            of("params.`a b`"),
            (Some("params".to_owned()), "a b".to_owned(), false)
        );
        assert_eq!(of("start_time asc"), (None, "start_time".to_owned(), false));
        assert_eq!(of("Run name desc"), (None, "Run name".to_owned(), true));
        assert!(order("metrics.x SIDEWAYS").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(filter in "[a-z.'\"`=<>!(),% _0-9\u{e9}]{0,40}") {
            let _read = parse(&filter);
            let _order = order(&filter);
        }
    }
}
