//! Experiment files to resolved configs.
//!
//! [`parse`] makes a [`Document`] of YAML, TOML or JSON in which every value
//! knows its place; [`resolve`] joins it with the adapter's defaults, smoke
//! settings and overrides into a [`Resolved`] config in which every value
//! knows its [`Origin`]. Mistakes come all at once, each with its line, its
//! place and what to do about it.
//!
//! Pure: text in, values out. Reading files, finding adapters and datasets
//! and running anything is the caller's business.

mod canonical;
mod decode;
mod decode_dataset;
mod decode_experiment;
mod decode_runtime;
mod diff;
mod document;
mod error;
mod experiment;
mod json;
pub mod limits;
mod line_index;
mod overrides;
mod path;
mod quantity;
mod resolve;
mod schema;
mod secret;
mod secret_scan;
mod sources;
mod suggest;
mod toml;
mod validate;
mod yaml;
mod yaml_scalar;

pub use canonical::{canonical_json, config_hash};
pub use diff::{Difference, DifferenceMany, config_diff, config_diff_many};
pub use document::{Data, Document, Key, Node, Span, Syntax, parse};
pub use error::{ConfigError, ConfigErrors, ErrorKind};
pub use experiment::{
    AdapterRef, BOOTSTRAP_METHODS, BOOTSTRAP_RESAMPLINGS, DEFAULT_BOOTSTRAP_SAMPLES,
    DEFAULT_EVALUATION_SPLIT, DEFAULT_GRACE, DatasetRef, DatasetSpec, EnvironmentSpec,
    EvaluationSpec, Experiment, FORMATS, LogSpec, MetricRef, ResourceSpec, SplitSpec, TASKS,
    TOP_LEVEL_KEYS, TRAIN_SPLIT,
};
pub use overrides::Override;
pub use path::format_path;
pub use quantity::{QuantityError, format_duration, format_size, parse_duration, parse_size};
pub use resolve::{AdapterDefaults, Change, Resolved, resolve};
pub use schema::{DefaultChange, defaults_diff};
pub use secret::{REDACTED, Variables, looks_secret, redact};
pub use secret_scan::{SecretFinding, TOKEN_SHAPES, TokenBody, TokenShape, secrets_in};
pub use sources::Origin;
pub use suggest::suggest;
