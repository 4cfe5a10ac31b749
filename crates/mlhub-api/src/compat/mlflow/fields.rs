//! The fields of a request, as protocol buffers in JSON have them: absent and null are
//! one, numbers may be texts, unknown fields do not matter. Of a GET they come in the
//! query.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::error::{Answer, Refusal};
use crate::extract::read_bounded;

/// What ends the message about a field.
const SEE_DOCS: &str = "See the API docs for more information about request parameters.";
/// Characters of a value that a message repeats.
const SHOWN_CHARS: usize = 200;

/// All fields of a request.
#[derive(Debug, Default)]
pub(crate) struct Fields(pub(super) Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        if request.method() == Method::GET {
            return Self::of_uri(request.uri()).map_err(IntoResponse::into_response);
        }
        let body = Body::from_request(request, state).await?;
        Self::of_body(&body.0).map_err(IntoResponse::into_response)
    }
}

/// What stands in the places of a path's parameters, percent-decoded once.
pub(crate) struct Rest<T = String>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Rest<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let read = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        read.map(|path| Self(path.0))
            .map_err(|_| Refusal::invalid("Invalid path: it is not UTF-8").into_response())
    }
}

/// The body of a request as it came.
pub(crate) struct Body(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Response;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Response> {
        let read = read_bounded(request).await;
        read.map(Self).map_err(|refused| {
            let why = match refused.status() {
                StatusCode::PAYLOAD_TOO_LARGE => "the body is larger than what this route takes",
                _ => "the body was cut off or took too long; nothing was stored",
            };
            Refusal::invalid(why).into_response()
        })
    }
}

impl Fields {
    /// The fields in the query of an address.
    pub(super) fn of_uri(uri: &Uri) -> Answer<Self> {
        let read = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri);
        let pairs =
            read.map_err(|_| Refusal::invalid("the query of the request cannot be read"))?;
        Ok(Self::of_query(pairs.0))
    }

    fn of_query(pairs: Vec<(String, String)>) -> Self {
        let mut fields = Map::new();
        for (name, value) in pairs {
            let value = Value::String(value);
            match fields.get_mut(&name) {
                None => {
                    fields.insert(name, value);
                }
                Some(Value::Array(values)) => values.push(value),
                Some(first) => *first = Value::Array(vec![first.take(), value]),
            }
        }
        Self(fields)
    }

    pub(super) fn of_body(bytes: &[u8]) -> Answer<Self> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        let refused = |said: String| Refusal::new("BAD_REQUEST", said);
        let mut value = serde_json::from_slice(bytes).map_err(|error| {
            refused(format!(
                "the JSON body cannot be read at line {} column {}",
                error.line(),
                error.column()
            ))
        })?;
        // Old clients encode it twice.
        if let Value::String(text) = &value {
            value = serde_json::from_str(text).unwrap_or_default();
        }
        match value {
            Value::Object(fields) => Ok(Self(fields)),
            Value::Null => Ok(Self::default()),
            _ => Err(refused("the JSON body is no object".to_owned())),
        }
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text; absent when it is not there.
    pub(super) fn text(&self, name: &str) -> Answer<Option<&str>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong_type(name, other)),
        }
    }

    /// A text that must be there and not be empty.
    pub(super) fn required(&self, name: &str) -> Answer<&str> {
        self.text(name)?
            .filter(|text| !text.is_empty())
            .ok_or_else(|| missing(name))
    }

    /// The run that is meant: old clients call it otherwise.
    pub(super) fn run_id(&self) -> Answer<&str> {
        match self.text("run_id")?.filter(|text| !text.is_empty()) {
            Some(run) => Ok(run),
            None => match self.text("run_uuid")?.filter(|text| !text.is_empty()) {
                Some(run) => Ok(run),
                None => Err(missing("run_id")),
            },
        }
    }

    /// A whole number.
    pub(super) fn int(&self, name: &str) -> Answer<Option<i64>> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => integer(value)
                .map(Some)
                .ok_or_else(|| wrong_type(name, value)),
        }
    }

    /// Texts; one alone stands for itself.
    pub(super) fn texts(&self, name: &str) -> Answer<Vec<&str>> {
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(vec![text]),
            Some(Value::Array(values)) => values
                .iter()
                .map(|value| value.as_str().ok_or_else(|| wrong_type(name, value)))
                .collect(),
            Some(other) => Err(wrong_type(name, other)),
        }
    }

    /// Messages in a list.
    pub(super) fn list(&self, name: &str) -> Answer<Vec<&Map<String, Value>>> {
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(values)) => values
                .iter()
                .map(|value| value.as_object().ok_or_else(|| wrong_type(name, value)))
                .collect(),
            Some(other) => Err(wrong_type(name, other)),
        }
    }

    /// A key and its value, as one tag or param is sent. A value that is absent is empty.
    pub(super) fn pair(&self) -> Answer<(&str, &str)> {
        let key = self.required("key")?;
        Ok((key, self.text("value")?.unwrap_or_default()))
    }

    /// Keys with values in a list, such as tags. A value that is absent is empty.
    pub(super) fn pairs(&self, name: &str) -> Answer<Vec<(String, String)>> {
        let mut pairs = Vec::new();
        for (index, pair) in self.list(name)?.into_iter().enumerate() {
            let part = |part: &str| match pair.get(part) {
                None | Some(Value::Null) => Ok(None),
                Some(Value::String(text)) => Ok(Some(text.clone())),
                Some(other) => Err(wrong_type(&format!("{name}[{index}].{part}"), other)),
            };
            let key = part("key")?.filter(|key| !key.is_empty());
            let key = key.ok_or_else(|| missing(&format!("{name}[{index}].key")))?;
            pairs.push((key, part("value")?.unwrap_or_default()));
        }
        Ok(pairs)
    }
}

/// A whole number, as a number or a text.
pub(super) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// A whole number that came as a float.
pub(super) fn whole(number: f64) -> Option<i64> {
    let whole = number.trunc() == number && number.abs() < 9.0e18;
    whole.then_some(number as i64)
}

/// A number, as a number or a text: JSON has no NaN and no infinities.
pub(super) fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => float_of_text(text),
        _ => None,
    }
}

/// The number that a text stands for.
pub(super) fn float_of_text(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        text => text.parse().ok().filter(|value: &f64| value.is_finite()),
    }
}

/// A number as JSON has it.
pub(super) fn number(value: f64) -> Value {
    match serde_json::Number::from_f64(value) {
        Some(number) => Value::Number(number),
        None if value.is_nan() => Value::from("NaN"),
        None if value > 0.0 => Value::from("Infinity"),
        None => Value::from("-Infinity"),
    }
}

/// A field that must be there is not.
pub(super) fn missing(name: &str) -> Refusal {
    Refusal::invalid(format!(
        "Missing value for required parameter '{name}'. {SEE_DOCS}"
    ))
}

/// A field has a value of another type.
pub(super) fn wrong_type(name: &str, value: &Value) -> Refusal {
    let kind = match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    };
    Refusal::invalid(format!(
        "Invalid value {} for parameter '{name}' supplied:  Hint: Value was of type '{kind}'. \
         {SEE_DOCS}",
        shown(value)
    ))
}

/// A value as messages repeat it.
pub(super) fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_CHARS) {
        None => text,
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(text: &str) -> Fields {
        Fields::of_body(text.as_bytes()).expect("an object")
    }

    #[test]
    fn numbers_may_be_texts_and_null_is_absent() {
        let all =
            fields(r#"{"a": 1, "b": "2", "c": null, "d": "NaN", "e": "-Infinity", "f": 1.0}"#);
        assert_eq!(all.int("a").expect("a"), Some(1));
        assert_eq!(all.int("b").expect("b"), Some(2));
        assert_eq!(all.int("f").expect("f"), Some(1));
        assert_eq!(all.text("c").expect("c"), None);
        assert!(float(&all.0["d"]).expect("d").is_nan());
        assert_eq!(float(&all.0["e"]), Some(f64::NEG_INFINITY));
        assert_eq!(float(&json!("1e400")), None);
        assert_eq!(number(f64::NAN), "NaN");
        assert_eq!(number(f64::INFINITY), "Infinity");
    }

    #[test]
    fn refusals_are_worded_as_clients_expect() {
        let all = fields(r#"{"name": 12, "tags": [{"value": "v"}], "list": [1]}"#);
        let said = |refusal: Refusal| format!("{refusal:?}");
        let name = said(all.text("name").expect_err("a number"));
        assert!(
            name.contains("Invalid value 12 for parameter 'name' supplied"),
            "{name}"
        );
        let tags = said(all.pairs("tags").expect_err("no key"));
        assert!(
            tags.contains("Missing value for required parameter 'tags[0].key'"),
            "{tags}"
        );
        assert!(said(all.texts("list").expect_err("numbers")).contains("'int'"));
        assert!(said(all.run_id().expect_err("no run")).contains("'run_id'"));
    }

    #[test]
    fn queries_gather_what_is_repeated() {
        let pairs = [("e", "1"), ("e", "2"), ("e", "3"), ("run_uuid", "r")];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let all = Fields::of_query(pairs.into());
        assert_eq!(all.texts("e").expect("texts"), ["1", "2", "3"]);
        assert_eq!(all.run_id().expect("a run"), "r");
    }

    #[test]
    fn bodies_may_be_empty_or_encoded_twice() {
        assert!(fields("").0.is_empty());
        assert_eq!(fields(r#""{\"a\": 1}""#).int("a").expect("a"), Some(1));
        assert!(Fields::of_body(b"[1]").is_err());
        assert!(Fields::of_body(b"{").is_err());
    }
}
