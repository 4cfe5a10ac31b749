//! Reads and quotes JSON: as much as an adapter needs, without dependencies. Depth is
//! bounded. A number is kept as its text, so that seeds of 64 bits stay whole.

/// How deep values may nest.
const MAX_DEPTH: usize = 64;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads a whole text; `None` when it is no JSON.
    pub fn parse(text: &str) -> Option<Json> {
        let (value, rest) = value(text, 0)?;
        rest.trim_start().is_empty().then_some(value)
    }

    /// What lies at a path of names, such as `dataset.splits.train`.
    pub fn at(&self, path: &[&str]) -> Option<&Json> {
        let Some((name, rest)) = path.split_first() else {
            return Some(self);
        };
        let Json::Object(fields) = self else {
            return None;
        };
        let (_, value) = fields.iter().find(|(key, _)| key == name)?;
        value.at(rest)
    }

    /// The text at a path.
    pub fn text(&self, path: &[&str]) -> Option<&str> {
        match self.at(path)? {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number at a path, as any type that reads it whole.
    pub fn number<T: std::str::FromStr>(&self, path: &[&str]) -> Option<T> {
        match self.at(path)? {
            Json::Number(text) => text.parse().ok(),
            _ => None,
        }
    }
}

/// A text as JSON, with its quotes.
pub fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control < ' ' => quoted.push_str(&format!("\\u{:04x}", control as u32)),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// A value and the text behind it.
fn value(text: &str, depth: usize) -> Option<(Json, &str)> {
    if depth > MAX_DEPTH {
        return None;
    }
    let text = text.trim_start();
    match text.chars().next()? {
        '{' => fields(&text[1..], depth),
        '[' => items(&text[1..], depth),
        '"' => string(text).map(|(content, rest)| (Json::Text(content), rest)),
        'n' => Some((Json::Null, text.strip_prefix("null")?)),
        't' => Some((Json::Bool(true), text.strip_prefix("true")?)),
        'f' => Some((Json::Bool(false), text.strip_prefix("false")?)),
        _ => {
            let inside = |character: char| "+-.eE0123456789".contains(character);
            let end = text
                .find(|character| !inside(character))
                .unwrap_or(text.len());
            let (digits, rest) = text.split_at(end);
            digits.parse::<f64>().ok()?;
            Some((Json::Number(digits.to_owned()), rest))
        }
    }
}

fn items(text: &str, depth: usize) -> Option<(Json, &str)> {
    let mut items = Vec::new();
    let mut rest = text.trim_start();
    if let Some(rest) = rest.strip_prefix(']') {
        return Some((Json::List(items), rest));
    }
    loop {
        let (item, behind) = value(rest, depth + 1)?;
        items.push(item);
        let behind = behind.trim_start();
        if let Some(rest) = behind.strip_prefix(']') {
            return Some((Json::List(items), rest));
        }
        rest = behind.strip_prefix(',')?;
    }
}

fn fields(text: &str, depth: usize) -> Option<(Json, &str)> {
    let mut fields = Vec::new();
    let mut rest = text.trim_start();
    if let Some(rest) = rest.strip_prefix('}') {
        return Some((Json::Object(fields), rest));
    }
    loop {
        let (name, behind) = string(rest.trim_start())?;
        let (field, behind) = value(behind.trim_start().strip_prefix(':')?, depth + 1)?;
        fields.push((name, field));
        let behind = behind.trim_start();
        if let Some(rest) = behind.strip_prefix('}') {
            return Some((Json::Object(fields), rest));
        }
        rest = behind.strip_prefix(',')?;
    }
}

/// A text that begins with its quote.
fn string(text: &str) -> Option<(String, &str)> {
    let mut content = String::new();
    let mut rest = text.strip_prefix('"')?;
    loop {
        let end = rest.find(['"', '\\'])?;
        content.push_str(&rest[..end]);
        let behind = &rest[end + 1..];
        if rest[end..].starts_with('"') {
            return Some((content, behind));
        }
        let (character, behind) = escaped(behind)?;
        content.push(character);
        rest = behind;
    }
}

/// The character behind a backslash.
fn escaped(text: &str) -> Option<(char, &str)> {
    let mark = text.chars().next()?;
    let rest = &text[mark.len_utf8()..];
    let character = match mark {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'b' => '\u{8}',
        'f' => '\u{c}',
        '"' | '\\' | '/' => mark,
        'u' => return unicode(rest),
        _ => return None,
    };
    Some((character, rest))
}

/// Four hexadecimal digits, or a pair of such for a character beyond them.
fn unicode(text: &str) -> Option<(char, &str)> {
    let unit = |text: &str| u32::from_str_radix(text.get(..4)?, 16).ok();
    let high = unit(text)?;
    let rest = &text[4..];
    if !(0xd800..0xdc00).contains(&high) {
        return Some((char::from_u32(high)?, rest));
    }
    let rest = rest.strip_prefix("\\u")?;
    let low = unit(rest)?.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
    let character = char::from_u32(0x10000 + ((high - 0xd800) << 10) + low)?;
    Some((character, &rest[4..]))
}
