//! The parameter schema of an adapter: its references, its defaults, its names.
//!
//! Defaults are found under `properties`, through local `$ref` and `allOf`.
//! Alternatives (`anyOf`, `oneOf`, `if`) add none: which of them holds is not
//! known before the values are.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::diff::{leaves_under, same};
use crate::limits::{MAX_SCHEMA_DEPTH, MAX_SCHEMA_NODES};

/// A default parameter that is not the same in two versions of an adapter.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DefaultChange {
    /// Dotted path, starting with `params.`.
    pub path: String,
    /// The default of the old version, if it had one.
    pub old: Option<Value>,
    /// The default of the new version, if it has one.
    pub new: Option<Value>,
}

/// The defaults that differ between two versions of a parameter schema, sorted by path.
pub fn defaults_diff(old: &Value, new: &Value) -> Vec<DefaultChange> {
    let (old, new) = (defaults(old), defaults(new));
    let mut table: BTreeMap<String, (Option<&Value>, Option<&Value>)> = BTreeMap::new();
    for leaf in leaves_under("params", &old) {
        table.entry(leaf.path).or_default().0 = Some(leaf.value);
    }
    for leaf in leaves_under("params", &new) {
        table.entry(leaf.path).or_default().1 = Some(leaf.value);
    }
    let changed = |(old, new): &(Option<&Value>, Option<&Value>)| match (old, new) {
        (Some(old), Some(new)) => !same(old, new),
        _ => true,
    };
    let rows = table.into_iter().filter(|(_, pair)| changed(pair));
    rows.map(|(path, (old, new))| DefaultChange {
        path,
        old: old.cloned(),
        new: new.cloned(),
    })
    .collect()
}

/// Every default of a schema, nested ones too.
pub(crate) fn defaults(schema: &Value) -> Map<String, Value> {
    let mut params = Map::new();
    fill_defaults(schema, &mut params);
    params
}

/// Adds the defaults of a schema to parameters that lack them.
pub(crate) fn fill_defaults(schema: &Value, params: &mut Map<String, Value>) {
    Filler {
        root: schema,
        nodes: 0,
        open: Vec::new(),
    }
    .fill(schema, params, 0);
}

/// The names of the parameters a schema knows at its top.
pub(crate) fn property_names(schema: &Value) -> Vec<&str> {
    let mut filler = Filler {
        root: schema,
        nodes: 0,
        open: Vec::new(),
    };
    filler
        .properties(schema, 0)
        .into_iter()
        .map(|(name, _)| name)
        .collect()
}

struct Filler<'s> {
    root: &'s Value,
    nodes: usize,
    /// Schemas being filled for a value that is absent; a schema that contains itself stops here.
    open: Vec<&'s Value>,
}

impl<'s> Filler<'s> {
    fn spent(&mut self, depth: usize) -> bool {
        self.nodes += 1;
        depth > MAX_SCHEMA_DEPTH || self.nodes > MAX_SCHEMA_NODES
    }

    fn target(&self, schema: &'s Value) -> Option<&'s Value> {
        local_target(self.root, schema)
    }

    /// The properties of a schema, its own before those it refers to.
    fn properties(&mut self, schema: &'s Value, depth: usize) -> Vec<(&'s str, &'s Value)> {
        let mut found = Vec::new();
        self.collect_properties(schema, depth, &mut found);
        found
    }

    fn collect_properties(
        &mut self,
        schema: &'s Value,
        depth: usize,
        found: &mut Vec<(&'s str, &'s Value)>,
    ) {
        if self.spent(depth) {
            return;
        }
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            found.extend(
                properties
                    .iter()
                    .map(|(name, property)| (name.as_str(), property)),
            );
        }
        for part in schema
            .get("allOf")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            self.collect_properties(part, depth + 1, found);
        }
        if let Some(target) = self.target(schema) {
            self.collect_properties(target, depth + 1, found);
        }
    }

    fn default_of(&mut self, schema: &'s Value, depth: usize) -> Option<Value> {
        if self.spent(depth) {
            return None;
        }
        if let Some(default) = schema.get("default") {
            return Some(default.clone());
        }
        self.target(schema)
            .and_then(|target| self.default_of(target, depth + 1))
    }

    fn fill(&mut self, schema: &'s Value, params: &mut Map<String, Value>, depth: usize) {
        if self.spent(depth) {
            return;
        }
        for (name, property) in self.properties(schema, depth) {
            match params.get_mut(name) {
                Some(Value::Object(child)) => self.fill(property, child, depth + 1),
                Some(_) => {}
                None => {
                    if let Some(value) = self.absent(schema, name, property, depth) {
                        params.insert(name.to_owned(), value);
                    }
                }
            }
        }
    }

    /// The value of a parameter that is not given, if its schema has one.
    fn absent(
        &mut self,
        parent: &Value,
        name: &str,
        property: &'s Value,
        depth: usize,
    ) -> Option<Value> {
        if let Some(mut default) = self.default_of(property, depth + 1) {
            if let Value::Object(child) = &mut default {
                self.fill(property, child, depth + 1);
            }
            return Some(default);
        }
        let real = self.target(property).unwrap_or(property);
        if self.open.iter().any(|open| std::ptr::eq(*open, real)) || std::ptr::eq(real, self.root) {
            return None;
        }
        self.open.push(real);
        let mut child = Map::new();
        self.fill(property, &mut child, depth + 1);
        self.open.pop();
        // An optional mapping that could not stand by its defaults alone is left out.
        let complete = required(real).all(|key| child.contains_key(key));
        let wanted = !child.is_empty() && (complete || required(parent).any(|key| key == name));
        wanted.then_some(Value::Object(child))
    }
}

fn required(schema: &Value) -> impl Iterator<Item = &str> {
    schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// What a local `$ref` (`#`, `#/$defs/x`) points at.
fn local_target<'s>(root: &'s Value, schema: &'s Value) -> Option<&'s Value> {
    let reference = schema.get("$ref")?.as_str()?;
    root.pointer(reference.strip_prefix('#')?)
}

/// Keywords whose values are data, not schemas.
const DATA_KEYWORDS: [&str; 4] = ["default", "const", "enum", "examples"];
/// Keywords whose values are schemas by name.
const NAMED_KEYWORDS: [&str; 5] = [
    "properties",
    "patternProperties",
    "dependentSchemas",
    "$defs",
    "definitions",
];
/// Keywords that point at another schema.
const REFERENCE_KEYWORDS: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];

/// The first reference of a schema that leads outside it.
pub(crate) fn outside_reference(schema: &Value) -> Option<&str> {
    match schema {
        Value::Object(entries) => entries.iter().find_map(|(keyword, value)| {
            if DATA_KEYWORDS.contains(&keyword.as_str()) {
                return None;
            }
            if REFERENCE_KEYWORDS.contains(&keyword.as_str()) {
                return value
                    .as_str()
                    .filter(|reference| !reference.starts_with('#'));
            }
            if NAMED_KEYWORDS.contains(&keyword.as_str()) {
                return value
                    .as_object()
                    .and_then(|named| named.values().find_map(outside_reference));
            }
            outside_reference(value)
        }),
        Value::Array(items) => items.iter().find_map(outside_reference),
        _ => None,
    }
}

/// Keywords by which a schema says itself which further keys it takes.
const OPENING_KEYWORDS: [&str; 13] = [
    "additionalProperties",
    "unevaluatedProperties",
    "patternProperties",
    "propertyNames",
    "$ref",
    "$dynamicRef",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "dependentSchemas",
    "maxProperties",
];

/// The schema with mappings closed that do not say whether they take further keys.
///
/// JSON Schema leaves them open, and a mistyped parameter would pass unseen.
/// An adapter that takes any key says `additionalProperties: true`.
pub(crate) fn closed(schema: &Value) -> Value {
    let mut schema = schema.clone();
    close(&mut schema, 0);
    schema
}

fn close(schema: &mut Value, depth: usize) {
    let Some(entries) = schema.as_object_mut().filter(|_| depth <= MAX_SCHEMA_DEPTH) else {
        return;
    };
    let silent = !OPENING_KEYWORDS
        .iter()
        .any(|keyword| entries.contains_key(*keyword));
    let Some(properties) = entries.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    for property in properties.values_mut() {
        close(property, depth + 1);
    }
    if silent {
        entries.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nested_defaults_fill_in() {
        let schema = json!({
            "properties": {
                "lr": {"default": 0.1},
                "optimizer": {"type": "object", "properties": {"name": {"default": "adam"}, "beta": {"$ref": "#/$defs/beta"}}},
                "scheduler": {"type": "object", "required": ["kind"], "properties": {"kind": {}, "gamma": {"default": 1}}},
            },
            "$defs": {"beta": {"type": "number", "default": 0.9}},
        });
        let filled = defaults(&schema);
        assert_eq!(
            Value::Object(filled),
            json!({"lr": 0.1, "optimizer": {"name": "adam", "beta": 0.9}})
        );
        let mut given = json!({"optimizer": {"beta": 0.5}, "lr": null})
            .as_object()
            .cloned()
            .expect("object");
        fill_defaults(&schema, &mut given);
        assert_eq!(
            Value::Object(given),
            json!({"lr": null, "optimizer": {"name": "adam", "beta": 0.5}})
        );
    }

    #[test]
    fn schemas_that_contain_themselves_end() {
        let schema = json!({"properties": {"child": {"$ref": "#"}, "x": {"default": 1}}});
        assert_eq!(Value::Object(defaults(&schema)), json!({"x": 1}));
        let schema = json!({
            "properties": {"a": {"$ref": "#/$defs/a"}},
            "$defs": {"a": {"properties": {"b": {"$ref": "#/$defs/b"}, "x": {"default": 1}}},
                      "b": {"properties": {"a": {"$ref": "#/$defs/a"}, "y": {"default": 2}}}},
        });
        assert_eq!(
            Value::Object(defaults(&schema)),
            json!({"a": {"x": 1, "b": {"y": 2}}})
        );
        assert!(defaults(&json!({"$ref": "#"})).is_empty());
    }

    #[test]
    fn changed_defaults_are_named() {
        let old =
            json!({"properties": {"a": {"default": 1}, "b": {"default": 1}, "c": {"default": 1}}});
        let new = json!({"properties": {"a": {"default": 1.0}, "b": {"default": 2}, "d": {"default": null}}});
        let rows = defaults_diff(&old, &new);
        let paths: Vec<_> = rows.iter().map(|row| row.path.as_str()).collect();
        assert_eq!(paths, ["params.b", "params.c", "params.d"]);
        assert_eq!((&rows[2].old, &rows[2].new), (&None, &Some(json!(null))));
    }

    #[test]
    fn references_to_the_outside_are_found() {
        assert_eq!(
            outside_reference(&json!({"properties": {"a": {"$ref": "file:///etc/passwd"}}})),
            Some("file:///etc/passwd")
        );
        assert_eq!(
            outside_reference(&json!({"properties": {"default": {"items": {"$ref": "x.json"}}}})),
            Some("x.json")
        );
        assert_eq!(
            outside_reference(&json!({"default": {"$ref": "x"}, "$ref": "#/$defs/a"})),
            None
        );
    }
}
