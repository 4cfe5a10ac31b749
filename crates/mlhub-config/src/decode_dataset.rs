//! The `dataset` part of an experiment: which data, and how its rows are split.
//!
//! Paths are texts here; nothing is opened.

use std::collections::BTreeMap;

use crate::decode::{Decoder, Fields};
use crate::decode_experiment::split_version;
use crate::document::{At, Data, Node};
use crate::error::{ErrorKind, quote};
use crate::experiment::{DatasetRef, DatasetSpec, FORMATS, SplitSpec};
use crate::limits::{MAX_LIST_ITEMS, MAX_NAME_CHARS, MAX_SEED};
use crate::path::join;

/// Fractions are decimal texts in files: sums may miss 1 by rounding only.
const FRACTION_TOLERANCE: f64 = 1e-9;

impl Decoder<'_> {
    /// The dataset, if the file names one.
    pub(crate) fn dataset(&mut self, fields: &Fields<'_>) -> Option<DatasetSpec> {
        let (key, _) = fields.entry("dataset")?;
        let known = ["name", "path", "format", "target", "id", "split", "rows"];
        let given = self.child(fields, "dataset", &known)?;
        let name = given.get("name").and_then(|node| self.dataset_ref(node));
        let path = self.optional_text(&given, "path");
        let format = given
            .get("format")
            .and_then(|node| self.choice(node, "dataset.format", &FORMATS));
        let target = self.optional_text(&given, "target");
        let id = self.optional_text(&given, "id");
        let rows = given
            .get("rows")
            .and_then(|node| self.whole(node, "dataset.rows", 1..=u64::MAX));
        let split = self.split(&given);
        let dataset = DatasetSpec {
            name,
            path,
            format,
            target,
            id,
            split,
            rows,
        };
        self.check_source(&given, &dataset, key.at);
        Some(dataset)
    }

    /// The data must be named, and once.
    fn check_source(&mut self, given: &Fields<'_>, dataset: &DatasetSpec, at: At) {
        let has_files = matches!(dataset.split, Some(SplitSpec::Files { .. }));
        let named = given.get("name").is_some() || given.get("path").is_some();
        if !named && given.get("split").is_none() {
            let help = "name a registered dataset, or give `path:` or `split: {files: ...}`";
            self.missing(given, "name", help);
        } else if !named && dataset.split.is_some() && !has_files {
            let help = "fractions need a dataset to split: give `name:` or `path:`";
            self.missing(given, "path", help);
        }
        let pinned = dataset
            .name
            .as_ref()
            .is_some_and(|name| name.version.is_some());
        let twice = if pinned && dataset.path.is_some() {
            Some((
                "`dataset.name` pins a registered version, but `dataset.path` names a file",
                "keep `path:` with a plain name, or only `name: NAME@VERSION`",
            ))
        } else if has_files && (dataset.path.is_some() || pinned) {
            Some((
                "`dataset.split.files` names the data, but so does `dataset.path` or a pinned `dataset.name`",
                "keep one of them",
            ))
        } else {
            None
        };
        if let Some((message, help)) = twice {
            let (message, help) = (message.to_owned(), Some(help.to_owned()));
            self.mistake(
                ErrorKind::InvalidValue,
                Some(at),
                "dataset",
                message,
                "",
                help,
            );
        }
    }

    fn dataset_ref(&mut self, node: &Node) -> Option<DatasetRef> {
        let text = self.name(node, "dataset.name", MAX_NAME_CHARS)?;
        let (name, version) = split_version(&text);
        if name.is_empty() || version == Some("") {
            self.invalid(node, "dataset.name", "must be NAME or NAME@VERSION", None);
            return None;
        }
        Some(DatasetRef {
            name: name.to_owned(),
            version: version.map(str::to_owned),
        })
    }

    fn split(&mut self, dataset: &Fields<'_>) -> Option<SplitSpec> {
        let (key, _) = dataset.entry("split")?;
        let known = ["seed", "fractions", "order", "stratify", "group", "files"];
        let given = self.child(dataset, "split", &known)?;
        if given.get("files").is_some() {
            return self.split_files(&given, key.at);
        }
        if given.get("fractions").is_none() {
            self.missing(
                &given,
                "fractions",
                "write {train: 0.8, test: 0.2}, or `files:` with one path per split",
            );
            return None;
        }
        if given.get("order").is_some() {
            return self.split_ordered(&given);
        }
        let seed = match given.get("seed") {
            Some(node) => self.whole(node, "dataset.split.seed", 0..=MAX_SEED),
            None => Some(0),
        };
        let stratify = self.optional_text(&given, "stratify");
        let group = self.optional_text(&given, "group");
        let fractions = self.fractions(&given)?;
        Some(SplitSpec::Fractions {
            seed: seed?,
            fractions,
            stratify,
            group,
        })
    }

    fn split_files(&mut self, given: &Fields<'_>, at: At) -> Option<SplitSpec> {
        self.exclude(
            given,
            &["seed", "fractions", "order", "stratify", "group"],
            "files",
            "split files are taken as they are: remove one of the two",
        );
        let files = self.text_mapping(given, "files", |decoder, key, path| {
            decoder.split_name(key, path)
        })?;
        if files.is_empty() || files.values().any(String::is_empty) {
            let message =
                "`dataset.split.files` must name at least one split, each with a path".to_owned();
            self.mistake(
                ErrorKind::InvalidValue,
                Some(at),
                "dataset.split.files",
                message,
                "",
                None,
            );
            return None;
        }
        Some(SplitSpec::Files { files })
    }

    /// Fractions of rows that stay in the order of the file.
    fn split_ordered(&mut self, given: &Fields<'_>) -> Option<SplitSpec> {
        let alone = self.exclude(
            given,
            &["seed", "stratify", "group"],
            "order",
            "with `order` rows stay as the file has them: remove one of the two",
        );
        let fractions = self.fractions(given);
        let node = given.get("order")?;
        let path = "dataset.split.order";
        let order = self.distinct(node, path, |decoder, item, path| {
            let text = decoder.text(item, path, MAX_NAME_CHARS, false)?;
            decoder.word(item, path, &text)
        });
        let (fractions, order) = (fractions?, order?);
        let unknown = order.iter().find(|name| !fractions.contains_key(*name));
        let left_out = fractions.keys().find(|name| !order.contains(name));
        let what = match (unknown, left_out) {
            (Some(name), _) => format!("names `{name}`, which has no fraction"),
            (None, Some(name)) => format!("leaves out `{name}`"),
            (None, None) => return alone.then_some(SplitSpec::Ordered { fractions, order }),
        };
        let help = Some(
            "name every split of `fractions` once, from the first rows to the last".to_owned(),
        );
        self.invalid(node, path, &what, help);
        None
    }

    /// Keys that mean nothing beside `beside`; whether there is none of them.
    fn exclude(&mut self, given: &Fields<'_>, names: &[&str], beside: &str, help: &str) -> bool {
        let mut none = true;
        for name in names {
            let Some((other, _)) = given
                .entry(name)
                .filter(|(_, node)| node.data != Data::Null)
            else {
                continue;
            };
            none = false;
            let path = given.path_to(name);
            self.mistake(
                ErrorKind::InvalidValue,
                Some(other.at),
                &path,
                format!("{} has no meaning beside `{beside}`", quote(&path)),
                "",
                Some(help.to_owned()),
            );
        }
        none
    }

    fn split_name(&mut self, key: &crate::document::Key, path: &str) -> bool {
        let named = Node::new(Data::Text(key.name.clone()), key.at);
        self.word(&named, path, &key.name).is_some()
    }

    fn fractions(&mut self, split: &Fields<'_>) -> Option<BTreeMap<String, f64>> {
        let path = "dataset.split.fractions";
        let node = split.get("fractions")?;
        let given = self.open(node, path, None)?;
        if given.entries().is_empty() || given.entries().len() > MAX_LIST_ITEMS {
            self.invalid(
                node,
                path,
                &format!("must name between 1 and {MAX_LIST_ITEMS} splits"),
                None,
            );
            return None;
        }
        let mut fractions = BTreeMap::new();
        let mut whole = true;
        for (key, child) in given.entries() {
            let path = join(path, &key.name);
            let named = self.split_name(key, &path);
            let share = self.fraction(child, &path);
            whole &= named && share.is_some();
            fractions.extend(share.map(|share| (key.name.clone(), share)));
        }
        if !whole {
            return None;
        }
        let sum: f64 = fractions.values().sum();
        if (sum - 1.0).abs() > FRACTION_TOLERANCE {
            let help = Some("every row belongs to one split: make them add up".to_owned());
            self.invalid(
                node,
                path,
                &format!("must add up to 1, but they add up to {sum:.4}"),
                help,
            );
            return None;
        }
        Some(fractions)
    }

    fn fraction(&mut self, node: &Node, path: &str) -> Option<f64> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "only 1 is a valid whole fraction"
        )]
        let share = match node.data {
            Data::Float(share) => share,
            Data::Integer(share) => share as f64,
            _ => {
                self.wrong_type(node, path, "a number");
                return None;
            }
        };
        if !(share > 0.0 && share <= 1.0) {
            self.invalid(node, path, "must be above 0 and at most 1", None);
            return None;
        }
        Some(share)
    }
}
