//! Rules for the JSON Schema of an adapter's params, and its defaults.
//!
//! Draft 2020-12 without remote references: checking params never fetches
//! anything. Resolving an experiment's values against it is `mlhub-config`'s
//! work.

use serde_json::{Map, Value, json};

use super::problem::Finding;

/// The dialect a schema may name in `$schema`.
pub(super) const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
/// How references must start.
const LOCAL_REFERENCE: &str = "#/$defs/";
/// Deepest nesting of a schema.
const MAX_DEPTH: usize = 32;

/// Checks a schema file's content.
pub(super) fn validate(schema: &Value) -> Result<(), Finding> {
    let root = schema
        .as_object()
        .ok_or_else(|| Finding::schema("the schema must be a JSON object"))?;
    if let Some(dialect) = root.get("$schema")
        && dialect
            .as_str()
            .map(|dialect| dialect.trim_end_matches('#'))
            != Some(DIALECT)
    {
        return Err(
            Finding::schema("`$schema` names another dialect").hint(format!("use \"{DIALECT}\""))
        );
    }
    local_only(schema, "", 0)?;
    if let Err(error) = jsonschema::draft202012::meta::validate(schema) {
        return Err(Finding::schema(format!(
            "not a valid JSON Schema at `{}`: {error}",
            error.instance_path()
        )));
    }
    if root.get("type") != Some(&json!("object"))
        || !root.get("properties").is_some_and(Value::is_object)
    {
        return Err(Finding::schema(
            "the schema must have \"type\": \"object\" and \"properties\"",
        )
        .hint("an adapter without params has \"properties\": {}"));
    }
    jsonschema::draft202012::new(schema)
        .map_err(|error| Finding::schema(format!("the schema cannot be used: {error}")))?;
    properties(schema, root, "")
}

/// Refuses references that leave the file, and nesting without end.
fn local_only(value: &Value, path: &str, depth: usize) -> Result<(), Finding> {
    if depth > MAX_DEPTH {
        return Err(Finding::schema(format!(
            "nested deeper than {MAX_DEPTH} levels at `{path}`"
        )));
    }
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let reference = matches!(key.as_str(), "$ref" | "$dynamicRef");
                if reference
                    && inner
                        .as_str()
                        .is_some_and(|target| !target.starts_with(LOCAL_REFERENCE))
                {
                    return Err(Finding::schema(format!(
                        "`{path}/{key}` refers to something outside `{LOCAL_REFERENCE}`"
                    ))
                    .hint("copy what it refers to into `$defs`; nothing is ever fetched"));
                }
                local_only(inner, &format!("{path}/{key}"), depth + 1)?;
            }
            Ok(())
        }
        Value::Array(items) => items.iter().enumerate().try_for_each(|(index, inner)| {
            local_only(inner, &format!("{path}/{index}"), depth + 1)
        }),
        _ => Ok(()),
    }
}

/// Checks that every property says what it is and that its default is allowed.
fn properties(schema: &Value, node: &Map<String, Value>, path: &str) -> Result<(), Finding> {
    let Some(properties) = node.get("properties").and_then(Value::as_object) else {
        return Ok(());
    };
    for (name, property) in properties {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        let Some(map) = property.as_object() else {
            return Err(Finding::schema(format!(
                "param `{path}` must be described by an object"
            )));
        };
        if map
            .get("description")
            .and_then(Value::as_str)
            .is_none_or(|text| text.trim().is_empty())
        {
            return Err(
                Finding::schema(format!("param `{path}` has no \"description\""))
                    .hint("say in one sentence what it does; people see it beside the field"),
            );
        }
        if let Some(default) = map.get("default") {
            let validator =
                jsonschema::draft202012::new(&with_definitions(schema, map)).map_err(|error| {
                    Finding::schema(format!("param `{path}` cannot be checked: {error}"))
                })?;
            if let Err(error) = validator.validate(default) {
                return Err(Finding::schema(format!(
                    "the default of param `{path}` breaks its own schema: {error}"
                )));
            }
        }
        self::properties(schema, map, &path)?;
    }
    Ok(())
}

/// A property's schema that can be used alone: with the file's `$defs`.
fn with_definitions(schema: &Value, property: &Map<String, Value>) -> Value {
    let mut alone = property.clone();
    if let Some(definitions) = schema.get("$defs") {
        alone.insert("$defs".to_owned(), definitions.clone());
    }
    Value::Object(alone)
}

/// The default of every param that has one.
pub(super) fn defaults(schema: &Value) -> Map<String, Value> {
    let properties = schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    properties
        .filter_map(|(name, property)| Some((name.clone(), default_of(property)?)))
        .collect()
}

/// A property's own default, or the object of its properties' defaults.
fn default_of(property: &Value) -> Option<Value> {
    if let Some(default) = property.get("default") {
        return Some(default.clone());
    }
    let nested = defaults(property);
    (!nested.is_empty()).then_some(Value::Object(nested))
}

/// The schema of the param at a dotted path, when the schema names it.
pub(super) fn property<'s>(schema: &'s Value, path: &str) -> Option<&'s Value> {
    let top = schema.get("properties")?;
    if let Some(found) = top.get(path) {
        return Some(found);
    }
    let mut parts = path.split('.');
    let mut found = top.get(parts.next()?)?;
    for part in parts {
        found = match found
            .get("properties")
            .and_then(|properties| properties.get(part))
        {
            Some(inner) => inner,
            // An open object may hold any key.
            None if found.get("additionalProperties") != Some(&Value::Bool(false))
                && allows_object(found) =>
            {
                return Some(found);
            }
            None => return None,
        };
    }
    Some(found)
}

fn allows_object(property: &Value) -> bool {
    match property.get("type") {
        Some(Value::String(name)) => name == "object",
        Some(Value::Array(names)) => names.iter().any(|name| name == "object"),
        _ => false,
    }
}

/// The names of the params.
pub(super) fn names(schema: &Value) -> impl Iterator<Item = &str> {
    schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
}

/// Checks params against the schema and its list of names.
///
/// # Errors
/// The dotted field and what is wrong with it; values are never shown.
pub(super) fn check_params(
    schema: &Value,
    params: &Map<String, Value>,
) -> Result<(), (String, String)> {
    let open = schema
        .get("additionalProperties")
        .is_some_and(|additional| additional != &Value::Bool(false));
    for name in params.keys() {
        if !open && !names(schema).any(|known| known == name) {
            let hint = super::near(name, names(schema))
                .map(|near| format!("; did you mean `{near}`?"))
                .unwrap_or_default();
            return Err((name.clone(), format!("unknown param `{name}`{hint}")));
        }
    }
    let validator =
        jsonschema::draft202012::new(schema).map_err(|error| (String::new(), error.to_string()))?;
    let instance = Value::Object(params.clone());
    match validator.validate(&instance) {
        Ok(()) => Ok(()),
        Err(error) => {
            let field = error
                .instance_path()
                .to_string()
                .trim_start_matches('/')
                .replace('/', ".");
            let reason = error.masked().to_string();
            Err((field, reason))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Value {
        json!({
            "$schema": DIALECT, "type": "object", "$defs": {"rate": {"type": "number", "minimum": 0}},
            "properties": {
                "lr": {"$ref": "#/$defs/rate", "default": 0.1, "description": "Step size."},
                "tree": {"type": "object", "description": "Tree.", "properties": {"depth": {"type": "integer", "default": 3, "description": "Depth."}}},
                "free": {"type": "object", "description": "Anything."}
            }
        })
    }

    #[test]
    fn a_whole_schema_passes_and_gives_defaults() {
        validate(&schema()).unwrap();
        assert_eq!(
            Value::Object(defaults(&schema())),
            json!({"lr": 0.1, "tree": {"depth": 3}})
        );
        assert!(property(&schema(), "tree.depth").is_some());
        assert!(property(&schema(), "free.anything").is_some());
        assert!(property(&schema(), "lr.x").is_none());
        assert!(property(&schema(), "nope").is_none());
    }

    #[test]
    fn params_are_judged_by_field_without_values() {
        let params = |value: Value| value.as_object().cloned().unwrap();
        assert!(check_params(&schema(), &params(json!({"lr": 1}))).is_ok());
        let (field, reason) = check_params(
            &schema(),
            &params(json!({"tree": {"depth": "hidden-value"}})),
        )
        .unwrap_err();
        assert_eq!(field, "tree.depth");
        assert!(!reason.contains("hidden-value"), "{reason}");
        let (field, reason) = check_params(&schema(), &params(json!({"lrr": 1}))).unwrap_err();
        assert_eq!((field.as_str(), reason.contains("`lr`")), ("lrr", true));
    }

    #[test]
    fn broken_schemas_are_refused() {
        let mut remote = schema();
        remote["properties"]["lr"]["$ref"] = json!("http://example.org/x.json");
        let mut silent = schema();
        silent["properties"]["tree"]["properties"]["depth"]["description"] = json!(" ");
        let mut contradictory = schema();
        contradictory["properties"]["lr"]["default"] = json!(-1);
        let mut old = schema();
        old["$schema"] = json!("http://json-schema.org/draft-07/schema#");
        let mut invalid = schema();
        invalid["properties"]["lr"]["type"] = json!("nummer");
        for bad in [
            remote,
            silent,
            contradictory,
            old,
            invalid,
            json!([]),
            json!({"type": "object"}),
        ] {
            assert!(validate(&bad).is_err(), "{bad}");
        }
    }
}
