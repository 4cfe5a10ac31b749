//! Every bound this crate enforces, by name and in one place.
//!
//! The bounds keep a hostile or broken file from costing more than a blink.
//! Nothing here is configurable: a file past a bound is refused with its name.

/// The largest experiment file, in bytes.
pub const MAX_FILE_BYTES: usize = 1024 * 1024;
/// How deep mappings and lists may nest.
pub const MAX_DEPTH: usize = 64;
/// How many values one file may hold, aliases expanded.
pub const MAX_NODES: usize = 100_000;
/// How many of those values may come from YAML aliases.
pub const MAX_ALIAS_NODES: usize = 10_000;
/// The longest key, in characters.
pub const MAX_KEY_CHARS: usize = 256;
/// How many errors of one file are told at once.
pub const MAX_ERRORS: usize = 50;
/// The widest excerpt line an error shows, in characters.
pub const MAX_EXCERPT_CHARS: usize = 100;
/// How many `--set` overrides one resolution takes.
pub const MAX_OVERRIDES: usize = 256;
/// The longest text of one override, in bytes.
pub const MAX_OVERRIDE_BYTES: usize = 64 * 1024;
/// The longest project, experiment or dataset name, in characters.
pub const MAX_NAME_CHARS: usize = 128;
/// The longest description, in characters.
pub const MAX_DESCRIPTION_CHARS: usize = 4_096;
/// The longest single text value (path, tag, environment variable), in characters.
pub const MAX_TEXT_CHARS: usize = 8_192;
/// How many seeds one experiment may name.
pub const MAX_SEEDS: usize = 1_000;
/// The largest seed: NumPy and several frameworks take 32 bits.
pub const MAX_SEED: u64 = u32::MAX as u64;
/// How many splits, metrics, tags or environment variables one list may hold.
pub const MAX_LIST_ITEMS: usize = 256;
/// The most columns an evaluation is sliced by.
pub const MAX_SLICES: usize = 10;
/// The most bootstrap samples an evaluation may ask for.
pub const MAX_BOOTSTRAP_SAMPLES: u64 = 100_000;
/// The most CPUs or GPUs one run may ask for.
pub const MAX_DEVICES: u64 = 65_536;
/// The most processes one run may be given.
pub const MAX_PROCESSES: u64 = 1 << 22;
/// The fewest open files a process may be limited to: below it interpreters do not start.
pub const MIN_OPEN_FILES: u64 = 64;
/// The most open files one process may be given.
pub const MAX_OPEN_FILES: u64 = 1 << 30;
/// The longest duration, in milliseconds (one year of 366 days).
pub const MAX_DURATION_MS: u64 = 366 * 24 * 3_600 * 1_000;
/// The largest size, in bytes (one exbibyte).
pub const MAX_SIZE_BYTES: u64 = 1 << 60;
/// How deep a parameter schema is followed when defaults are collected.
pub const MAX_SCHEMA_DEPTH: usize = 32;
/// How many schema nodes are visited when defaults are collected.
pub const MAX_SCHEMA_NODES: usize = 20_000;
/// The most memory one compiled `pattern` of a schema may take, in bytes.
pub const MAX_PATTERN_BYTES: usize = 1024 * 1024;
/// The most allowed values an error message lists.
pub const MAX_LISTED_VALUES: usize = 12;
