//! Tells the hub which artifacts of other runs this one used.
//!
//! The program writes an `artifact_used` record; the note on the hub is made from
//! it, before the record itself is stored, so that no death in between loses it.
//! Noting twice is noting once: a note is known by the name the run gives it.

use std::collections::BTreeMap;

use mlhub_client::Client;
use mlhub_core::limits;
use mlhub_protocol::rest::InputAdd;
use serde_json::Value;

use super::link::{Stop, stop_of};
use super::ship::Shipper;

/// The kind of record that tells a use.
pub(crate) const USED: &str = "artifact_used";
/// Bytes of a hash in a name that was too long.
const NAME_HASH_CHARACTERS: usize = 16;

/// Artifacts that were used, by what the run calls them.
pub(crate) type Inputs = BTreeMap<String, (String, String)>;

/// Reads the body of a record: what the run calls the artifact, whose it is, and
/// its path there. `None` when it does not say.
pub(crate) fn input_of(body: &Value) -> Option<(String, (String, String))> {
    let text = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
    let (run, path) = (text("run")?, text("path")?);
    let name = text("name").unwrap_or_else(|| format!("{run}/{path}"));
    Some((fitting_name(name), (run, path)))
}

/// The name, or its beginning with a hash of the whole where it is too long.
fn fitting_name(name: String) -> String {
    if name.len() <= limits::NAME_MAX_BYTES {
        return name;
    }
    let hash = blake3::hash(name.as_bytes()).to_hex();
    let mut end = limits::NAME_MAX_BYTES - NAME_HASH_CHARACTERS - 1;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}~{}", &name[..end], &hash[..NAME_HASH_CHARACTERS])
}

impl Shipper {
    /// Notes uses this process has not noted yet.
    pub(super) fn note_inputs(&mut self, client: &Client, inputs: &Inputs) -> Result<(), Stop> {
        for (name, (source, path)) in inputs {
            if self.noted.contains(name) {
                continue;
            }
            let (run, _) = self.who();
            let note = InputAdd {
                source_run: source.clone(),
                path: path.clone(),
                name: Some(name.clone()),
            };
            match client.input_add(&run, &note) {
                Ok(_) => {}
                // Whose artifact it is may be gone, or on another hub. That this run
                // is gone the next call will tell.
                Err(error) if error.is_not_found() => {
                    self.tell_unknown_input(source, path, &error.to_string());
                }
                Err(error) => match stop_of(error.clone()) {
                    Some(stop) => return Err(stop),
                    None => self.tell_unknown_input(source, path, &error.to_string()),
                },
            }
            self.noted.insert(name.clone());
        }
        Ok(())
    }

    fn tell_unknown_input(&self, source: &str, path: &str, reason: &str) {
        let message = format!(
            "that this run used `{path}` of the run `{source}` is kept as a record alone: {reason}"
        );
        self.journal.note(&message);
        self.own.warn(message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_is_named_by_its_origin_and_long_names_are_kept_apart() {
        let body = serde_json::json!({"run": "r1", "path": "artifacts/m"});
        let expected = ("r1".to_owned(), "artifacts/m".to_owned());
        assert_eq!(
            input_of(&body),
            Some(("r1/artifacts/m".to_owned(), expected))
        );
        assert_eq!(input_of(&serde_json::json!({"run": "r1"})), None);
        let long = |end: &str| serde_json::json!({"run": "r", "path": format!("{}{end}", "é".repeat(200))});
        let (one, other) = (input_of(&long("a")), input_of(&long("b")));
        let (one, other) = (one.expect("a use").0, other.expect("a use").0);
        assert!(one != other && one.len() <= limits::NAME_MAX_BYTES, "{one}");
    }
}
