//! The `resources`, `environment` and `logs` parts of an experiment: what one run may use
//! and see, and what is done with its output.
//!
//! The real environment is not looked at.

use std::time::Duration;

use crate::decode::{Decoder, Fields, sound};
use crate::document::{At, Data, Node};
use crate::error::{ErrorKind, quote};
use crate::experiment::{DEFAULT_GRACE, EnvironmentSpec, LogSpec, ResourceSpec};
use crate::limits::{
    MAX_DEVICES, MAX_DURATION_MS, MAX_OPEN_FILES, MAX_PROCESSES, MAX_SIZE_BYTES, MAX_TEXT_CHARS,
    MIN_OPEN_FILES,
};
use crate::quantity::{parse_duration, parse_size};
use crate::secret::Variables;

/// Variables that would let a config file take over the program or the hub.
const REFUSED_VARIABLES: [&str; 4] = ["LD_PRELOAD", "LD_AUDIT", "DYLD_INSERT_LIBRARIES", "PATH"];
/// The keys of `resources`.
const RESOURCE_KEYS: [&str; 8] = [
    "cpus",
    "memory",
    "processes",
    "output",
    "open_files",
    "gpus",
    "timeout",
    "grace",
];
/// Variables the hub sets itself begin with this.
const RESERVED_PREFIX: &str = "MLHUB_";

impl Decoder<'_> {
    /// What one run may use; defaults where the file says nothing.
    pub(crate) fn resources(&mut self, fields: &Fields<'_>) -> Option<ResourceSpec> {
        if fields.get("resources").is_none() {
            return Some(ResourceSpec {
                cpus: None,
                memory_bytes: None,
                processes: None,
                output_bytes: None,
                open_files: None,
                gpus: 0,
                timeout: None,
                grace: DEFAULT_GRACE,
            });
        }
        let given = self.child(fields, "resources", &RESOURCE_KEYS)?;
        let cpus = given
            .get("cpus")
            .map(|node| self.devices(node, "resources.cpus", 1));
        let memory_bytes = given
            .get("memory")
            .map(|node| self.size(node, "resources.memory"));
        let processes = given
            .get("processes")
            .map(|node| self.whole(node, "resources.processes", 1..=MAX_PROCESSES));
        let output_bytes = given
            .get("output")
            .map(|node| self.size(node, "resources.output"));
        let open_files = given.get("open_files").map(|node| {
            self.whole(
                node,
                "resources.open_files",
                MIN_OPEN_FILES..=MAX_OPEN_FILES,
            )
        });
        let gpus = given
            .get("gpus")
            .map(|node| self.devices(node, "resources.gpus", 0));
        let timeout = given.get("timeout").map(|node| self.timeout(node));
        let grace = given
            .get("grace")
            .map(|node| self.duration(node, "resources.grace"));
        let (cpus, memory_bytes, timeout) = (sound(cpus), sound(memory_bytes), sound(timeout));
        Some(ResourceSpec {
            cpus: cpus?,
            memory_bytes: memory_bytes?,
            processes: sound(processes)?,
            output_bytes: sound(output_bytes)?,
            open_files: sound(open_files)?,
            gpus: sound(gpus)?.unwrap_or(0),
            timeout: timeout?,
            grace: sound(grace)?.unwrap_or(DEFAULT_GRACE),
        })
    }

    fn devices(&mut self, node: &Node, path: &str, least: u64) -> Option<u32> {
        self.whole(node, path, least..=MAX_DEVICES)
            .and_then(|count| u32::try_from(count).ok())
    }

    fn timeout(&mut self, node: &Node) -> Option<Duration> {
        let timeout = self.duration(node, "resources.timeout")?;
        if timeout.is_zero() {
            let help = Some("leave it out for no limit".to_owned());
            self.invalid(
                node,
                "resources.timeout",
                "must be longer than nothing",
                help,
            );
            return None;
        }
        Some(timeout)
    }

    fn size(&mut self, node: &Node, path: &str) -> Option<u64> {
        match &node.data {
            Data::Integer(_) => self.whole(node, path, 1..=MAX_SIZE_BYTES),
            Data::Text(text) => match parse_size(text) {
                Ok(0) => {
                    self.invalid(node, path, "must be more than nothing", None);
                    None
                }
                Ok(bytes) => Some(bytes),
                Err(error) => {
                    self.invalid(node, path, "is not a size", Some(error.to_string()));
                    None
                }
            },
            _ => {
                self.wrong_type(
                    node,
                    path,
                    "a size such as 4GiB, or a whole number of bytes",
                );
                None
            }
        }
    }

    fn duration(&mut self, node: &Node, path: &str) -> Option<Duration> {
        match &node.data {
            Data::Integer(_) => self
                .whole(node, path, 0..=MAX_DURATION_MS / 1_000)
                .map(Duration::from_secs),
            // The text form of a float is its shortest; milliseconds survive it exactly.
            Data::Float(seconds) => self.duration_text(node, path, &format!("{seconds}s")),
            Data::Text(text) => self.duration_text(node, path, text),
            _ => {
                self.wrong_type(
                    node,
                    path,
                    "a duration such as 30s or 1h, or a number of seconds",
                );
                None
            }
        }
    }

    fn duration_text(&mut self, node: &Node, path: &str, text: &str) -> Option<Duration> {
        match parse_duration(text) {
            Ok(duration) => Some(duration),
            Err(error) => {
                self.invalid(node, path, "is not a duration", Some(error.to_string()));
                None
            }
        }
    }

    /// What one run sees of the environment.
    pub(crate) fn environment(&mut self, fields: &Fields<'_>) -> Option<EnvironmentSpec> {
        if fields.get("environment").is_none() {
            return Some(EnvironmentSpec::default());
        }
        let given = self.child(fields, "environment", &["variables", "pass"])?;
        let variables = self.text_mapping(&given, "variables", |decoder, key, path| {
            let at = Some(key.at);
            decoder.variable_name(&key.name, at, path, true)
        });
        let pass = match given.get("pass") {
            None => Some(Vec::new()),
            Some(node) => self.distinct(node, "environment.pass", |decoder, item, path| {
                let name = decoder.text(item, path, MAX_TEXT_CHARS, false)?;
                decoder
                    .variable_name(&name, Some(item.at), path, false)
                    .then_some(name)
            }),
        };
        Some(EnvironmentSpec {
            variables: Variables::new(variables?),
            pass: pass?,
        })
    }

    /// What is done with the output of a run; `scan` is `on`, `off` or a boolean.
    pub(crate) fn logs(&mut self, fields: &Fields<'_>) -> Option<LogSpec> {
        if fields.get("logs").is_none() {
            return Some(LogSpec::default());
        }
        let given = self.child(fields, "logs", &["scan"])?;
        let scan = given.get("scan").map(|node| match node.data {
            Data::Boolean(scan) => Some(scan),
            _ => self
                .choice(node, "logs.scan", &["on", "off"])
                .map(|word| word == "on"),
        });
        Some(LogSpec {
            scan: sound(scan)?.unwrap_or(true),
        })
    }

    /// Whether a variable has a portable name that a config may use.
    fn variable_name(&mut self, name: &str, at: Option<At>, path: &str, set: bool) -> bool {
        let portable = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let (what, help) = if !portable {
            (
                "is not a name for an environment variable",
                "use letters, digits and `_`, not starting with a digit",
            )
        } else if name.starts_with(RESERVED_PREFIX) {
            (
                "is reserved: the hub sets variables that start with MLHUB_ itself",
                "choose another name",
            )
        } else if set && REFUSED_VARIABLES.contains(&name) {
            (
                "must not be set by a config",
                "set it where the agent starts, or let the program set it",
            )
        } else {
            return true;
        };
        let message = format!("the variable {} {what}", quote(name));
        self.mistake(
            ErrorKind::InvalidValue,
            at,
            path,
            message,
            "",
            Some(help.to_owned()),
        );
        false
    }
}
