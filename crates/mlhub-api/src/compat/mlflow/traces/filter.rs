//! What a filter for traces may ask, and what of it the store can answer by itself.

use mlhub_core::Timestamp;

use super::view::{NAME, SOURCE_RUN};
use crate::compat::mlflow::error::{Answer, Refusal};
use crate::compat::mlflow::filter::{Clause, How, Operand};

/// What a comparison is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entity {
    Attribute,
    Tag,
    Metadata,
    Span,
    Feedback,
    Expectation,
    Issue,
}

/// One comparison, checked.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Test {
    pub(super) entity: Entity,
    pub(super) key: String,
    pub(super) how: How,
    pub(super) value: Operand,
}

impl Entity {
    /// What a name is about, with its key: other names of the same become one.
    pub(super) fn of(entity: Option<&str>, key: String) -> Answer<(Self, String)> {
        let entity = match entity {
            None | Some("attribute" | "attributes" | "trace") => Self::Attribute,
            Some("tag" | "tags") => Self::Tag,
            Some("metadata" | "request_metadata") => Self::Metadata,
            Some("span") => Self::Span,
            Some("feedback") => Self::Feedback,
            Some("expectation") => Self::Expectation,
            Some("issue") => Self::Issue,
            Some(other) => {
                return Err(Refusal::invalid(format!(
                    "Invalid entity type '{other}'. Valid values are 'attribute', 'attributes', \
                     'trace', 'tag', 'tags', 'metadata', 'request_metadata', 'span', 'feedback', \
                     'expectation', 'issue'"
                )));
            }
        };
        if entity != Self::Attribute {
            return Ok((entity, key));
        }
        let known = |key: &str| Ok((Self::Attribute, key.to_owned()));
        match key.to_lowercase().as_str() {
            "timestamp" | "timestamp_ms" => known("timestamp_ms"),
            "execution_time" | "execution_time_ms" => known("execution_time_ms"),
            "end_time" | "end_time_ms" => known("end_time_ms"),
            "status" => known("status"),
            "request_id" => known("request_id"),
            "client_request_id" => known("client_request_id"),
            "name" => Ok((Self::Tag, NAME.to_owned())),
            "run_id" => Ok((Self::Metadata, SOURCE_RUN.to_owned())),
            "text" => Ok((Self::Span, "content".to_owned())),
            _ => Err(Refusal::invalid(format!(
                "Invalid attribute key '{key}' specified. Valid keys are 'request_id', \
                 'timestamp', 'timestamp_ms', 'execution_time', 'execution_time_ms', 'end_time', \
                 'end_time_ms', 'status', 'client_request_id', 'name', 'run_id', 'text'"
            ))),
        }
    }
}

fn is_number(key: &str) -> bool {
    matches!(key, "timestamp_ms" | "execution_time_ms" | "end_time_ms")
}

impl Test {
    /// Checks a comparison.
    pub(super) fn of(clause: Clause) -> Answer<Self> {
        let bare = clause.entity.is_none();
        let (entity, key) = Entity::of(clause.entity.as_deref(), clause.key)?;
        let test = Self {
            entity,
            key,
            how: clause.how,
            value: clause.value,
        };
        let numbers = matches!(test.value, Operand::Number(_));
        let equal = matches!(test.how, How::Equal | How::NotEqual);
        let like = matches!(test.how, How::Like | How::Ilike);
        let list = matches!(test.how, How::In | How::NotIn);
        let null = matches!(test.how, How::IsNull | How::IsNotNull);
        let (allowed, names) = match test.entity {
            Entity::Attribute if is_number(&test.key) => (
                numbers && !like && !list && !null,
                "'=', '!=', '<', '<=', '>', '>=' and a number",
            ),
            Entity::Attribute if numbers => {
                return Err(Refusal::invalid(
                    "Only the 'timestamp', 'timestamp_ms', 'execution_time', 'execution_time_ms', \
                     'end_time', 'end_time_ms' attributes support comparison with numeric values.",
                ));
            }
            Entity::Attribute => (
                equal || like || list,
                "'=', '!=', 'IN', 'NOT IN', 'LIKE', 'ILIKE'",
            ),
            Entity::Tag | Entity::Metadata => (
                !numbers && (equal || like || null || list && bare),
                "'=', '!=', 'LIKE', 'ILIKE', 'IS NULL', 'IS NOT NULL' and a text",
            ),
            Entity::Span if test.key == "content" => (like && !numbers, "'LIKE', 'ILIKE'"),
            Entity::Span => {
                check_span(&test.key)?;
                (
                    !numbers && (equal || like || list),
                    "'=', '!=', 'IN', 'NOT IN', 'LIKE', 'ILIKE'",
                )
            }
            Entity::Feedback | Entity::Expectation => match test.how {
                How::Less | How::LessOrEqual | How::Greater | How::GreaterOrEqual => {
                    (numbers, "a number behind '<', '<=', '>', '>='")
                }
                _ => (
                    !numbers && !list,
                    "'=', '!=', 'LIKE', 'ILIKE' and a text, 'IS NULL', 'IS NOT NULL'",
                ),
            },
            Entity::Issue => (
                test.key == "id" && test.how == How::Equal,
                "issue.id and '='",
            ),
        };
        match allowed {
            true => Ok(test),
            false => Err(Refusal::invalid(format!(
                "Invalid comparator '{}' for '{}' not one of {names}",
                test.how.symbol().to_uppercase(),
                test.key
            ))),
        }
    }

    /// Whether it is about spans.
    pub(super) fn of_spans(&self) -> bool {
        self.entity == Entity::Span
    }

    /// Whether a span's document has to be read for it.
    pub(super) fn needs_document(&self) -> bool {
        self.of_spans() && !matches!(self.key.as_str(), "name" | "type" | "status")
    }
}

fn check_span(key: &str) -> Answer<()> {
    let attribute = key
        .strip_prefix("attributes.")
        .is_some_and(|name| !name.is_empty());
    match attribute || matches!(key, "name" | "type" | "status") {
        true => Ok(()),
        false => Err(Refusal::invalid(format!(
            "Invalid span attribute '{key}'. Supported attributes: name, status, type, \
             attributes.<attribute_name>."
        ))),
    }
}

/// Whether any comparison is about spans.
pub(super) fn spans_asked(tests: &[Test]) -> bool {
    tests.iter().any(Test::of_spans)
}

/// The run whose traces are asked for.
pub(super) fn run_asked(tests: &[Test]) -> Option<String> {
    // Of several only one can be left to the store, and no trace is of two runs in general.
    tests
        .iter()
        .rev()
        .find_map(|test| match (&test.value, test.entity) {
            (Operand::Text(run), Entity::Metadata)
                if test.key == SOURCE_RUN && test.how == How::Equal =>
            {
                Some(run.clone())
            }
            _ => None,
        })
}

/// The times that traces may be of: not before, and not after.
pub(super) fn times_asked(tests: &[Test]) -> (Option<Timestamp>, Option<Timestamp>) {
    let (mut from, mut until) = (None, None);
    for test in tests {
        let (Operand::Number(time), Entity::Attribute, "timestamp_ms") =
            (&test.value, test.entity, test.key.as_str())
        else {
            continue;
        };
        // Rounded so that nothing is lost; each trace is compared exactly afterwards.
        let (low, high) = (
            Timestamp(time.floor() as i64),
            Timestamp(time.ceil() as i64),
        );
        if matches!(test.how, How::Greater | How::GreaterOrEqual | How::Equal) {
            from = from.max(Some(low));
        }
        if matches!(test.how, How::Less | How::LessOrEqual | How::Equal) {
            until = Some(until.map_or(high, |until: Timestamp| until.min(high)));
        }
    }
    (from, until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compat::mlflow::filter::parse;

    fn tests(filter: &str) -> Answer<Vec<Test>> {
        parse(filter)?.into_iter().map(Test::of).collect()
    }

    #[test]
    fn names_of_the_same_are_one() {
        let pairs = |filter: &str| {
            let tests = tests(filter).expect("a filter");
            (tests[0].entity, tests[0].key.clone())
        };
        assert_eq!(pairs("name = 'x'"), (Entity::Tag, NAME.to_owned()));
        assert_eq!(
            pairs("trace.status = 'OK'"),
            (Entity::Attribute, "status".to_owned())
        );
        assert_eq!(
            pairs("timestamp > 3"),
            (Entity::Attribute, "timestamp_ms".to_owned())
        );
        assert_eq!(
            pairs("run_id = 'r'"),
            (Entity::Metadata, SOURCE_RUN.to_owned())
        );
        assert_eq!(
            pairs("trace.text LIKE '%x%'"),
            (Entity::Span, "content".to_owned())
        );
        assert_eq!(
            pairs("span.attributes.a = 'x'"),
            (Entity::Span, "attributes.a".to_owned())
        );
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for filter in [
            "foo.bar = 'x'",
            "state = 'OK'",
            "status > 3",
            "timestamp_ms > 'x'",
            "timestamp_ms LIKE 'x'",
            "tags.a > 'x'",
            "tags.a IN ('x')",
            "span.foo = 'x'",
            "span.content = 'x'",
            "span.name > 3",
            "feedback.a > 'x'",
            "feedback.a = 3",
            "issue.name = 'x'",
            "prompt = 'a/1'",
        ] {
            assert!(tests(filter).is_err(), "{filter}");
        }
        for filter in [
            "status IN ('OK', 'ERROR') AND name LIKE 'a%'",
            "tags.a IS NULL AND metadata.b IS NOT NULL",
            "feedback.a > 0.5 AND expectation.b = 'x'",
            "name IN ('a')",
        ] {
            assert!(tests(filter).is_ok(), "{filter}");
        }
    }

    #[test]
    fn times_and_runs_are_left_to_the_store() {
        let asked = |filter: &str| times_asked(&tests(filter).expect("a filter"));
        assert_eq!(asked("status = 'OK'"), (None, None));
        assert_eq!(
            asked("timestamp_ms > 5 AND timestamp_ms >= 7.5 AND timestamp_ms < 9.5"),
            (Some(Timestamp(7)), Some(Timestamp(10)))
        );
        let run = tests("run_id = 'r' AND metadata.a = 'b'").expect("a filter");
        assert_eq!(run_asked(&run).as_deref(), Some("r"));
        assert_eq!(run_asked(&tests("run_id != 'r'").expect("a filter")), None);
    }
}
