//! An experiment file, its adapter's defaults, smoke settings and overrides become one config
//! in which every value knows where it comes from.
//!
//! Precedence, lowest first: built-in and adapter defaults, the file, smoke
//! settings, overrides in their order. Nothing is read, fetched or guessed.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::canonical::config_hash;
use crate::decode::Decoder;
use crate::diff::{leaves, leaves_under, same};
use crate::document::{At, Data, Document, Key, Layer, Node, Span};
use crate::error::{Collector, ConfigError, ConfigErrors, ErrorKind};
use crate::experiment::{AdapterRef, Experiment};
use crate::limits::MAX_OVERRIDES;
use crate::overrides::{Override, apply, set};
use crate::path::join;
use crate::schema::{defaults, fill_defaults, property_names};
use crate::secret::Variables;
use crate::sources::{Mistake, Origin, Sources};
use crate::validate::{compile, validate};

/// What an adapter brings into a resolution.
#[derive(Debug, Clone)]
pub struct AdapterDefaults {
    /// Name of the adapter.
    pub name: String,
    /// Its exact version.
    pub version: String,
    /// JSON Schema (draft 2020-12) of its parameters, an object schema.
    pub schema: Value,
}

/// A parameter that is not at the adapter's default.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// Dotted path, starting with `params.`.
    pub path: String,
    /// The adapter's default, if it has one.
    pub default: Option<Value>,
    /// The value in the config.
    pub value: Value,
    /// Where the value comes from.
    pub origin: Origin,
}

/// A config ready to run.
#[derive(Debug, Clone, Serialize)]
pub struct Resolved {
    /// The typed experiment, parameters complete, secrets redacted; `document` is its serialised form.
    #[serde(skip)]
    pub experiment: Experiment,
    /// The complete parameters; `params` of `document`.
    #[serde(skip)]
    pub params: Map<String, Value>,
    /// The origin of every leaf of `document`, by dotted path.
    pub origins: BTreeMap<String, Origin>,
    /// The parameters that are not at their defaults.
    pub diff_from_defaults: Vec<Change>,
    /// The whole config, secrets redacted; itself a valid experiment file.
    pub document: Value,
    /// BLAKE3 of the canonical form of `document`, hexadecimal.
    pub hash: String,
    /// The real environment variables, for starting the program only.
    #[serde(skip)]
    pub environment_plain: Variables,
}

impl Document {
    /// The adapter the file asks for, overrides considered; the rest of the file may still be wrong.
    ///
    /// # Errors
    /// If no adapter is named or its name cannot be one.
    pub fn adapter(&self, overrides: &[Override]) -> Result<AdapterRef, ConfigErrors> {
        let mut errors = Collector::default();
        let sources = Sources {
            document: self,
            overrides,
            adapter: "",
        };
        let last = overrides
            .iter()
            .enumerate()
            .rfind(|(_, given)| given.is_for(&["adapter"]));
        let overridden = last.map(|(index, given)| given.value(index));
        let Some(node) = overridden.as_ref().or_else(|| {
            self.root
                .get("adapter")
                .filter(|node| node.data != Data::Null)
        }) else {
            // The whole reading of the file says best what is missing.
            return Experiment::from_document(self).map(|experiment| experiment.adapter);
        };
        let adapter = Decoder {
            sources,
            errors: &mut errors,
        }
        .adapter_ref(node);
        errors.finish(adapter)
    }
}

/// Resolves a document into the config of a run.
///
/// `smoke` is the `smoke` section of the adapter's manifest as JSON, given for
/// smoke runs only: `params` go over those of the file, `rows` becomes
/// `dataset.rows` where the file has a dataset; `dataset`, `target` and `task`
/// are for the adapter's own check and have no effect here.
///
/// # Errors
/// Every mistake of the file, the overrides and the parameters, up to
/// [`crate::limits::MAX_ERRORS`]; a broken schema or broken smoke settings of
/// the adapter by its name.
pub fn resolve(
    document: &Document,
    adapter: &AdapterDefaults,
    overrides: &[Override],
    smoke: Option<&Value>,
) -> Result<Resolved, ConfigErrors> {
    let sources = Sources {
        document,
        overrides,
        adapter: &adapter.name,
    };
    let (closed_schema, validator) =
        compile(&adapter.schema).map_err(|what| adapter_error(&sources, adapter, &what))?;
    if overrides.len() > MAX_OVERRIDES {
        let message = format!("more than {MAX_OVERRIDES} overrides are given");
        return Err(plain_error(&sources, ErrorKind::Limit, message).into());
    }
    let mut errors = Collector::default();
    let mut root = document.root.clone();
    if let Some(smoke) = smoke {
        overlay_smoke(&mut root, smoke).map_err(|what| adapter_error(&sources, adapter, &what))?;
    }
    apply(
        &mut root,
        &sources,
        &property_names(&adapter.schema),
        &mut errors,
    );
    let mut decoder = Decoder {
        sources,
        errors: &mut errors,
    };
    let experiment = decoder.experiment(&root);
    let fitting = experiment
        .as_ref()
        .is_none_or(|experiment| check_adapter(&mut decoder, &root, &experiment.adapter, adapter));
    // Parameters are judged even if the rest is wrong: all mistakes come at once.
    let params = given_params(&root).filter(|_| fitting).map(|mut params| {
        fill_defaults(&adapter.schema, &mut params);
        validate(
            &closed_schema,
            &validator,
            &params,
            root.entry("params"),
            &sources,
            &mut errors,
        );
        params
    });
    let complete = experiment.zip(params).filter(|_| errors.is_empty());
    let (mut experiment, params) = errors.finish(complete)?;
    experiment.params = params;
    experiment.adapter.version = Some(adapter.version.clone());
    Ok(assemble(experiment, &root, adapter, &sources))
}

/// The parameters of the merged tree; `None` if they are no mapping or not finite, which its reading tells.
fn given_params(root: &Node) -> Option<Map<String, Value>> {
    match root.get("params").map(Node::to_json) {
        None | Some(Ok(Value::Null)) => Some(Map::new()),
        Some(Ok(Value::Object(params))) => Some(params),
        Some(_) => None,
    }
}

fn assemble(
    mut experiment: Experiment,
    root: &Node,
    adapter: &AdapterDefaults,
    sources: &Sources<'_>,
) -> Resolved {
    let plain = std::mem::take(&mut experiment.environment.variables);
    experiment.environment.variables = Variables::new(plain.redacted());
    let document = experiment.to_value();
    let mut places = HashMap::new();
    collect_places(root, "", false, &mut places);
    let origin_of = |path: &str, keys: &[&str]| match places.get(path) {
        Some(at) => sources.origin(*at),
        None if keys.len() > 1 && keys[0] == "params" => Origin::AdapterDefault {
            adapter: adapter.name.clone(),
            version: adapter.version.clone(),
        },
        None => Origin::BuiltinDefault,
    };
    let origins: BTreeMap<String, Origin> = leaves(&document)
        .into_iter()
        .map(|leaf| {
            let origin = origin_of(&leaf.path, &leaf.keys);
            (leaf.path, origin)
        })
        .collect();
    let diff_from_defaults = changes(&experiment.params, &adapter.schema, &origins);
    Resolved {
        params: experiment.params.clone(),
        experiment,
        origins,
        diff_from_defaults,
        hash: config_hash(&document),
        document,
        environment_plain: plain,
    }
}

/// Where each value of the merged tree stands, by dotted path.
///
/// A null outside `params` was replaced by a default and stands nowhere; `seed`
/// is found as `seeds`, which it becomes.
fn collect_places(node: &Node, path: &str, in_params: bool, places: &mut HashMap<String, At>) {
    if node.data != Data::Null || in_params {
        places.insert(path.to_owned(), node.at);
    }
    let Data::Mapping(entries) = &node.data else {
        return;
    };
    for (key, child) in entries {
        let name = if path.is_empty() && key.name == "seed" {
            "seeds"
        } else {
            &key.name
        };
        let path_to = join(path, name);
        let in_params = in_params || path == "params";
        collect_places(child, &path_to, in_params, places);
    }
}

fn changes(
    params: &Map<String, Value>,
    schema: &Value,
    origins: &BTreeMap<String, Origin>,
) -> Vec<Change> {
    let defaults = defaults(schema);
    let defaults: BTreeMap<String, &Value> = leaves_under("params", &defaults)
        .into_iter()
        .map(|leaf| (leaf.path, leaf.value))
        .collect();
    let mut found = Vec::new();
    for leaf in leaves_under("params", params) {
        let default = defaults.get(&leaf.path).copied();
        if default.is_some_and(|default| same(default, leaf.value)) {
            continue;
        }
        // Every leaf of the document has an origin, and the parameters are part of it.
        let origin = origins
            .get(&leaf.path)
            .cloned()
            .unwrap_or(Origin::BuiltinDefault);
        found.push(Change {
            path: leaf.path,
            default: default.cloned(),
            value: leaf.value.clone(),
            origin,
        });
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn check_adapter(
    decoder: &mut Decoder<'_>,
    root: &Node,
    wanted: &AdapterRef,
    adapter: &AdapterDefaults,
) -> bool {
    if wanted.accepts(&adapter.name, &adapter.version) {
        return true;
    }
    let message = format!(
        "the experiment asks for adapter {wanted}, but {}@{} is installed",
        adapter.name, adapter.version
    );
    let help = "install the version asked for, or change `adapter:`".to_owned();
    let at = root.get("adapter").map(|node| node.at);
    decoder.mistake(ErrorKind::Adapter, at, "adapter", message, "", Some(help));
    false
}

/// Puts the adapter's smoke settings over the file.
fn overlay_smoke(root: &mut Node, smoke: &Value) -> Result<(), String> {
    let at = At {
        layer: Layer::Smoke,
        span: Span::default(),
    };
    let settings = smoke
        .as_object()
        .ok_or("its smoke settings are not a mapping")?;
    for (key, value) in settings {
        match (key.as_str(), value) {
            ("params", Value::Object(_)) => {
                let patch = Node::from_json(value, Layer::Smoke);
                let Data::Mapping(entries) = &mut root.data else {
                    return Ok(());
                };
                match entries.iter_mut().find(|(key, _)| key.name == "params") {
                    Some((_, params)) => merge(params, patch),
                    None => entries.push((
                        Key {
                            name: "params".to_owned(),
                            at,
                        },
                        patch,
                    )),
                }
            }
            ("rows", Value::Number(rows)) if rows.as_u64().is_some_and(|rows| rows > 0) => {
                if root
                    .get("dataset")
                    .is_some_and(|dataset| matches!(dataset.data, Data::Mapping(_)))
                {
                    let rows = Node::from_json(value, Layer::Smoke);
                    // The dataset was just seen to be a mapping.
                    let _ = set(root, &["dataset", "rows"], at, rows);
                }
            }
            (_, Value::Null) => {}
            // These choose data and model of the conformance check, not of a user's smoke run.
            ("dataset" | "target" | "task", Value::String(_))
            | ("check_params", Value::Object(_)) => {}
            ("params" | "check_params", _) => {
                return Err(format!(
                    "its smoke settings have `{key}` that are no mapping"
                ));
            }
            ("rows", _) => {
                return Err(
                    "its smoke settings have `rows` that are no whole number above 0".to_owned(),
                );
            }
            (other, _) => {
                return Err(format!(
                    "its smoke settings have the unknown key `{}`",
                    crate::error::printable(other)
                ));
            }
        }
    }
    Ok(())
}

/// Mappings join key by key; anything else is replaced.
fn merge(node: &mut Node, patch: Node) {
    match (&mut node.data, patch.data) {
        (Data::Mapping(entries), Data::Mapping(patches)) => {
            for (key, patch) in patches {
                match entries.iter_mut().find(|(known, _)| known.name == key.name) {
                    Some((_, known)) => merge(known, patch),
                    None => entries.push((key, patch)),
                }
            }
        }
        (_, data) => *node = Node::new(data, patch.at),
    }
}

fn adapter_error(sources: &Sources<'_>, adapter: &AdapterDefaults, what: &str) -> ConfigErrors {
    let message = format!(
        "the adapter {}@{} is broken: {what}",
        adapter.name, adapter.version
    );
    plain_error(sources, ErrorKind::Adapter, message).into()
}

fn plain_error(sources: &Sources<'_>, kind: ErrorKind, message: String) -> ConfigError {
    sources.error(Mistake {
        kind,
        at: None,
        path: "",
        message,
        label: String::new(),
        help: None,
    })
}
