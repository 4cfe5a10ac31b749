//! What an experiment consists of: its keys, their rules and their built-in defaults.
//!
//! Parameters are taken as they are; the adapter's schema judges them later.

use std::collections::BTreeMap;

use serde_json::Map;

use crate::decode::{Decoder, Fields, sound};
use crate::document::{At, Data, Document, Node};
use crate::error::{Collector, ConfigErrors, ErrorKind, quote};
use crate::experiment::{
    AdapterRef, BOOTSTRAP_METHODS, BOOTSTRAP_RESAMPLINGS, DEFAULT_BOOTSTRAP_SAMPLES,
    DEFAULT_EVALUATION_SPLIT, EvaluationSpec, Experiment, MetricRef, SplitSpec, TASKS,
    TOP_LEVEL_KEYS, TRAIN_SPLIT,
};
use crate::limits::{
    MAX_BOOTSTRAP_SAMPLES, MAX_DESCRIPTION_CHARS, MAX_LIST_ITEMS, MAX_NAME_CHARS, MAX_SEED,
    MAX_SEEDS, MAX_SLICES, MAX_TEXT_CHARS,
};
use crate::path::join;
use crate::sources::Sources;

impl Experiment {
    /// Reads an experiment out of a document, without overrides and adapter defaults.
    ///
    /// # Errors
    /// Every unknown key, wrong type and impossible value, up to [`crate::limits::MAX_ERRORS`].
    pub fn from_document(document: &Document) -> Result<Self, ConfigErrors> {
        let mut errors = Collector::default();
        let sources = Sources {
            document,
            overrides: &[],
            adapter: "",
        };
        let experiment = Decoder {
            sources,
            errors: &mut errors,
        }
        .experiment(&document.root);
        errors.finish(experiment)
    }
}

impl Decoder<'_> {
    /// The whole experiment; `None` only if a mistake was recorded.
    pub(crate) fn experiment(&mut self, root: &Node) -> Option<Experiment> {
        if root.data == Data::Null {
            let help = "start with `project:` and `adapter:`".to_owned();
            let message = "the experiment file is empty".to_owned();
            self.mistake(ErrorKind::MissingKey, None, "", message, "", Some(help));
            return None;
        }
        if !matches!(root.data, Data::Mapping(_)) {
            let message = format!(
                "an experiment file must be a mapping, but this is {}",
                root.data.kind()
            );
            let help = "start with `project:` and `adapter:`".to_owned();
            self.mistake(
                ErrorKind::WrongType,
                Some(root.at),
                "",
                message,
                "expected a mapping",
                Some(help),
            );
            return None;
        }
        let fields = self.fields(root, "", None, &TOP_LEVEL_KEYS)?;
        let project = self.required_name(&fields, "project", "name the project its runs belong to");
        let name = match fields.get("name") {
            Some(node) => self.name(node, "name", MAX_NAME_CHARS),
            None => self.default_name(&fields),
        };
        let description = fields
            .get("description")
            .and_then(|node| self.text(node, "description", MAX_DESCRIPTION_CHARS, true));
        let adapter = match fields.get("adapter") {
            Some(node) => self.adapter_ref(node),
            None => {
                self.missing(
                    &fields,
                    "adapter",
                    "name the adapter that trains the model, such as sklearn or script",
                );
                None
            }
        };
        let dataset = self.dataset(&fields);
        let seeds = self.seeds(&fields);
        let params = self.params(&fields);
        let splits = dataset.as_ref().and_then(|dataset| dataset.split.as_ref());
        let evaluation = self.evaluation(&fields, splits);
        let resources = self.resources(&fields);
        let environment = self.environment(&fields);
        let logs = self.logs(&fields);
        let tags = self.tags(&fields);
        Some(Experiment {
            project: project?,
            name: name?,
            description,
            adapter: adapter?,
            dataset,
            seeds: seeds?,
            params: params?,
            evaluation: evaluation?,
            resources: resources?,
            environment: environment?,
            logs: logs?,
            tags: tags?,
        })
    }

    fn required_name(&mut self, fields: &Fields<'_>, name: &str, help: &str) -> Option<String> {
        match fields.get(name) {
            Some(node) => self.name(node, &fields.path_to(name), MAX_NAME_CHARS),
            None => {
                self.missing(fields, name, help);
                None
            }
        }
    }

    /// The stem of the file name, if it can be a name.
    fn default_name(&mut self, fields: &Fields<'_>) -> Option<String> {
        let stem = self.sources.document.file_stem();
        let sound = !stem.is_empty()
            && stem.trim() == stem
            && stem.chars().count() <= MAX_NAME_CHARS
            && !stem.chars().any(char::is_control);
        if sound {
            return Some(stem.to_owned());
        }
        self.missing(
            fields,
            "name",
            "name the experiment: the file name cannot serve as its name",
        );
        None
    }

    /// `name` or `name@version`.
    pub(crate) fn adapter_ref(&mut self, node: &Node) -> Option<AdapterRef> {
        let text = self.name(node, "adapter", MAX_NAME_CHARS)?;
        let (name, version) = split_version(&text);
        let name = self.word(node, "adapter", name)?;
        let version = match version {
            Some(version) => Some(self.word(node, "adapter", version)?),
            None => None,
        };
        Some(AdapterRef { name, version })
    }

    fn seeds(&mut self, fields: &Fields<'_>) -> Option<Vec<u64>> {
        if let (Some((one, _)), Some(_)) = (fields.entry("seed"), fields.entry("seeds")) {
            let message = "`seed` and `seeds` are both set".to_owned();
            let help = Some("keep one of them".to_owned());
            self.mistake(
                ErrorKind::InvalidValue,
                Some(one.at),
                "seed",
                message,
                "",
                help,
            );
            return None;
        }
        if let Some(node) = fields.get("seed") {
            return self
                .whole(node, "seed", 0..=MAX_SEED)
                .map(|seed| vec![seed]);
        }
        let Some(node) = fields.get("seeds") else {
            return Some(vec![0]);
        };
        let Data::List(items) = &node.data else {
            self.wrong_type(node, "seeds", "a list of whole numbers");
            return None;
        };
        if items.is_empty() || items.len() > MAX_SEEDS {
            self.invalid(
                node,
                "seeds",
                &format!("must name between 1 and {MAX_SEEDS} seeds"),
                None,
            );
            return None;
        }
        let mut seeds = Vec::with_capacity(items.len());
        let mut seen = std::collections::HashSet::new();
        for item in items {
            let seed = self.whole(item, "seeds", 0..=MAX_SEED)?;
            if !seen.insert(seed) {
                let help = Some("two runs with one seed are the same run: remove one".to_owned());
                self.invalid(item, "seeds", &format!("names seed {seed} twice"), help);
                return None;
            }
            seeds.push(seed);
        }
        Some(seeds)
    }

    fn params(&mut self, fields: &Fields<'_>) -> Option<Map<String, serde_json::Value>> {
        let Some(node) = fields.get("params") else {
            return Some(Map::new());
        };
        self.open(node, "params", None)?;
        match node.to_json() {
            Ok(serde_json::Value::Object(params)) => Some(params),
            // `open` saw a mapping, which becomes an object.
            Ok(_) => None,
            Err(at) => {
                let help = "write a finite number, or null if the adapter takes it".to_owned();
                let path = path_of(node, "params", at).unwrap_or_else(|| "params".to_owned());
                let message = format!(
                    "{} is NaN or infinite, which a config cannot hold",
                    quote(&path)
                );
                self.mistake(
                    ErrorKind::InvalidValue,
                    Some(at),
                    &path,
                    message,
                    "not a finite number",
                    Some(help),
                );
                None
            }
        }
    }

    fn evaluation(
        &mut self,
        fields: &Fields<'_>,
        split: Option<&SplitSpec>,
    ) -> Option<EvaluationSpec> {
        let mut evaluation = EvaluationSpec {
            splits: default_evaluation_splits(split),
            task: None,
            metrics: Vec::new(),
            bootstrap_samples: DEFAULT_BOOTSTRAP_SAMPLES,
            bootstrap_seed: 0,
            bootstrap_method: None,
            bootstrap_resampling: None,
            threshold_split: None,
            positive_label: None,
            slices: Vec::new(),
        };
        if fields.get("evaluation").is_none() {
            return Some(evaluation);
        }
        let known = [
            "splits",
            "task",
            "metrics",
            "bootstrap",
            "positive_label",
            "slices",
            "threshold_split",
        ];
        let given = self.child(fields, "evaluation", &known)?;
        let splits = given.get("splits").map(|node| {
            self.distinct(node, "evaluation.splits", |decoder, item, path| {
                decoder.evaluation_split(item, path, split)
            })
        });
        let task = given.get("task").map(|node| self.task(node));
        let metrics = given.get("metrics").map(|node| self.metrics(node));
        let bootstrap = given
            .get("bootstrap")
            .map(|_| self.bootstrap(&given, &mut evaluation));
        let threshold = given
            .get("threshold_split")
            .map(|node| self.evaluation_split(node, "evaluation.threshold_split", split));
        let label = given.get("positive_label").map(|node| self.label(node));
        let slices = given.get("slices").map(|node| self.slices(node));
        evaluation.splits = sound(splits)?.unwrap_or(evaluation.splits);
        evaluation.task = sound(task)?;
        evaluation.metrics = sound(metrics)?.unwrap_or_default();
        sound(bootstrap)?;
        evaluation.threshold_split = sound(threshold)?;
        if let Some(split) = &evaluation.threshold_split
            && !evaluation.splits.contains(split)
        {
            evaluation.splits.push(split.clone());
        }
        evaluation.positive_label = sound(label)?;
        evaluation.slices = sound(slices)?.unwrap_or_default();
        Some(evaluation)
    }

    /// Samples, seed, method and resampling of the bootstrap, as far as they are given.
    fn bootstrap(&mut self, evaluation: &Fields<'_>, into: &mut EvaluationSpec) -> Option<()> {
        let known = ["samples", "seed", "method", "resampling"];
        let given = self.child(evaluation, "bootstrap", &known)?;
        let path = "evaluation.bootstrap.samples";
        let samples = given
            .get("samples")
            .map(|node| self.whole(node, path, 0..=MAX_BOOTSTRAP_SAMPLES));
        let path = "evaluation.bootstrap.seed";
        let seed = given
            .get("seed")
            .map(|node| self.whole(node, path, 0..=MAX_SEED));
        let path = "evaluation.bootstrap.method";
        let method = given
            .get("method")
            .map(|node| self.choice(node, path, &BOOTSTRAP_METHODS));
        let path = "evaluation.bootstrap.resampling";
        let resampling = given
            .get("resampling")
            .map(|node| self.choice(node, path, &BOOTSTRAP_RESAMPLINGS));
        into.bootstrap_samples = sound(samples)?.unwrap_or(into.bootstrap_samples);
        into.bootstrap_seed = sound(seed)?.unwrap_or(into.bootstrap_seed);
        into.bootstrap_method = sound(method)?;
        into.bootstrap_resampling = sound(resampling)?;
        Some(())
    }

    /// A task that is evaluated.
    fn task(&mut self, node: &Node) -> Option<String> {
        let path = "evaluation.task";
        if matches!(&node.data, Data::Text(text) if text == "retrieval") {
            let help = "name `ranking`: what was found for each query is a ranking of its rows";
            self.invalid(
                node,
                path,
                "is not one of the known values",
                Some(help.to_owned()),
            );
            return None;
        }
        self.choice(node, path, &TASKS)
    }

    fn label(&mut self, node: &Node) -> Option<serde_json::Value> {
        if !matches!(
            node.data,
            Data::Text(_) | Data::Integer(_) | Data::Boolean(_)
        ) {
            let expected = "a label: text, a whole number or a boolean";
            self.wrong_type(node, "evaluation.positive_label", expected);
            return None;
        }
        node.to_json().ok()
    }

    fn evaluation_split(
        &mut self,
        node: &Node,
        path: &str,
        split: Option<&SplitSpec>,
    ) -> Option<String> {
        match split {
            Some(split) => self.choice(node, path, &split.names()),
            None => {
                let text = self.text(node, path, MAX_NAME_CHARS, false)?;
                self.word(node, path, &text)
            }
        }
    }

    /// Columns of the dataset, each once.
    fn slices(&mut self, node: &Node) -> Option<Vec<String>> {
        let columns = self.distinct(node, "evaluation.slices", |decoder, item, path| {
            decoder.text(item, path, MAX_NAME_CHARS, false)
        })?;
        if columns.len() > MAX_SLICES {
            let what = format!("names more than {MAX_SLICES} columns");
            self.invalid(node, "evaluation.slices", &what, None);
            return None;
        }
        Some(columns)
    }

    /// Metrics, each by one name: one evaluation has one version of a metric.
    fn metrics(&mut self, node: &Node) -> Option<Vec<MetricRef>> {
        let mut names: Vec<String> = Vec::new();
        self.distinct(node, "evaluation.metrics", |decoder, item, path| {
            let metric = decoder.metric(item, path)?;
            if names.contains(&metric.name) {
                let what = format!("names the metric `{}` twice", metric.name);
                let help = "one evaluation has one version of a metric; keep one of them";
                decoder.invalid(item, path, &what, Some(help.to_owned()));
                return None;
            }
            names.push(metric.name.clone());
            Some(metric)
        })
    }

    fn metric(&mut self, node: &Node, path: &str) -> Option<MetricRef> {
        let text = self.text(node, path, MAX_NAME_CHARS, false)?;
        let (name, version) = split_version(&text);
        let name = self.word(node, path, name)?;
        let version = match version.map(str::parse::<u32>) {
            None => None,
            Some(Ok(version)) if version > 0 => Some(version),
            Some(_) => {
                let help = Some(format!("write `{name}` or `{name}@1`"));
                self.invalid(
                    node,
                    path,
                    "has a metric version that is no whole number above 0",
                    help,
                );
                return None;
            }
        };
        Some(MetricRef { name, version })
    }

    fn tags(&mut self, fields: &Fields<'_>) -> Option<BTreeMap<String, String>> {
        self.text_mapping(fields, "tags", |_, _, _| true)
    }

    /// A mapping of texts; `check` judges each key.
    pub(crate) fn text_mapping(
        &mut self,
        parent: &Fields<'_>,
        name: &str,
        mut check: impl FnMut(&mut Self, &crate::document::Key, &str) -> bool,
    ) -> Option<BTreeMap<String, String>> {
        let Some(node) = parent.get(name) else {
            return Some(BTreeMap::new());
        };
        let path = parent.path_to(name);
        let fields = self.open(node, &path, None)?;
        if fields.entries().len() > MAX_LIST_ITEMS {
            self.invalid(
                node,
                &path,
                &format!("must not have more than {MAX_LIST_ITEMS} entries"),
                None,
            );
            return None;
        }
        let mut texts = BTreeMap::new();
        let mut whole = true;
        for (key, node) in fields.entries() {
            let path = join(&path, &key.name);
            let sound = check(self, key, &path);
            // Unlike a name, a value may be empty.
            let value = match &node.data {
                Data::Text(text) if text.is_empty() => Some(String::new()),
                _ => self.text(node, &path, MAX_TEXT_CHARS, true),
            };
            whole &= sound && value.is_some();
            texts.extend(value.map(|value| (key.name.clone(), value)));
        }
        whole.then_some(texts)
    }
}

/// `name@version` in two; only the last `@` counts.
pub(crate) fn split_version(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once('@') {
        Some((name, version)) => (name, Some(version)),
        None => (text, None),
    }
}

/// The test split; where a split names none, every split but the one that is learned from.
fn default_evaluation_splits(split: Option<&SplitSpec>) -> Vec<String> {
    let names = split.map(SplitSpec::names).unwrap_or_default();
    if names.is_empty() || names.contains(&DEFAULT_EVALUATION_SPLIT) {
        return vec![DEFAULT_EVALUATION_SPLIT.to_owned()];
    }
    names
        .into_iter()
        .filter(|name| *name != TRAIN_SPLIT)
        .map(str::to_owned)
        .collect()
}

/// The dotted path of the value that stands at `at`.
fn path_of(node: &Node, path: &str, at: At) -> Option<String> {
    match &node.data {
        Data::Mapping(entries) => entries
            .iter()
            .find_map(|(key, child)| path_of(child, &join(path, &key.name), at)),
        Data::List(items) => items.iter().find_map(|item| path_of(item, path, at)),
        Data::Float(_) if node.at == at => Some(path.to_owned()),
        _ => None,
    }
}
