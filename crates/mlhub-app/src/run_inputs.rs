//! Datasets that clients said their runs read: kept as records of the runs, and in memory
//! from the first question on, beside the run table and as up to date as that.
//!
//! What a run read is its client's word: no dataset of the hub need be meant by it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use mlhub_core::run::RunRecord;
use mlhub_core::{Caller, Permission, Result, RunId};
use serde_json::Value;

use crate::Hub;

/// The kind of the records. A body has `dataset` with `name` and `digest`, and `tags`,
/// each with `key` and `value`.
pub const INPUT_KIND: &str = "input_dataset";
/// The tag that says what a dataset was read for, such as training.
pub const INPUT_CONTEXT_TAG: &str = "mlflow.data.context";
/// Runs whose records are read at once.
const RUNS_AT_ONCE: usize = 64;

/// A dataset that a run read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunInput {
    /// Its name.
    pub name: String,
    /// What tells its content apart from others of the name.
    pub digest: String,
    /// What it was read for, where the client said so.
    pub context: Option<String>,
}

/// Runs that were chosen by what the query language has no words for.
#[derive(Debug, Clone)]
pub struct RunsOnly {
    /// Their ids.
    pub ids: Arc<[String]>,
    /// What they were chosen by: a page goes on only where it is the same.
    pub by: String,
}

/// A test of one dataset.
pub type RunInputTest = Box<dyn Fn(&RunInput) -> bool + Send + Sync>;

impl RunInput {
    fn of(record: &RunRecord) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let of = |name: &str| text(&record.body["dataset"][name]).unwrap_or_default();
        let tags = record.body["tags"].as_array().into_iter().flatten();
        let mut context = tags.filter(|tag| tag["key"] == INPUT_CONTEXT_TAG);
        Self {
            name: of("name"),
            digest: of("digest"),
            context: context.next().and_then(|tag| text(&tag["value"])),
        }
    }
}

/// What all runs read.
#[derive(Default)]
pub(crate) struct RunInputs {
    /// Whether every run was looked at once.
    pub(crate) loaded: bool,
    by_run: HashMap<RunId, Vec<Arc<RunInput>>>,
    /// Each dataset once, however many runs read it.
    distinct: HashSet<Arc<RunInput>>,
}

impl RunInputs {
    /// Takes in what some runs read, in the place of what was known of them.
    pub(crate) fn put(&mut self, runs: &[RunId], records: &[(RunId, RunRecord)]) {
        for run in runs {
            self.by_run.remove(run);
        }
        for (run, record) in records {
            let input = self.shared(RunInput::of(record));
            self.by_run.entry(run.clone()).or_default().push(input);
        }
    }

    fn shared(&mut self, input: RunInput) -> Arc<RunInput> {
        if let Some(known) = self.distinct.get(&input) {
            return Arc::clone(known);
        }
        let input = Arc::new(input);
        self.distinct.insert(Arc::clone(&input));
        input
    }

    /// Runs that read, for each test, a dataset that passes it.
    fn matching(&self, tests: &[RunInputTest]) -> Vec<String> {
        let passing: Vec<HashSet<*const RunInput>> = tests
            .iter()
            .map(|test| {
                let passes = |input: &&Arc<RunInput>| test(input);
                self.distinct
                    .iter()
                    .filter(passes)
                    .map(Arc::as_ptr)
                    .collect()
            })
            .collect();
        let meets = |inputs: &[Arc<RunInput>]| {
            let any = |passing: &HashSet<*const RunInput>| {
                inputs
                    .iter()
                    .any(|input| passing.contains(&Arc::as_ptr(input)))
            };
            passing.iter().all(any)
        };
        let found = self.by_run.iter().filter(|(_, inputs)| meets(inputs));
        found.map(|(run, _)| run.to_string()).collect()
    }
}

impl Hub {
    /// Ids of the runs that read, for each test, a dataset that passes it; deleted ones
    /// among them, in no order.
    pub async fn runs_with_inputs(
        &self,
        caller: &Caller,
        tests: &[RunInputTest],
    ) -> Result<Vec<String>> {
        caller.require(Permission::Read)?;
        let index = &self.run_index;
        index.inputs_refresh(&*self.store, self.clock.now()).await?;
        let inputs = index.inputs.read().await;
        Ok(inputs.matching(tests))
    }

    /// What some runs read, each dataset once.
    pub async fn inputs_of_runs(&self, caller: &Caller, runs: &[RunId]) -> Result<Vec<RunInput>> {
        caller.require(Permission::Read)?;
        let index = &self.run_index;
        index.inputs_refresh(&*self.store, self.clock.now()).await?;
        let inputs = index.inputs.read().await;
        let of = |run| inputs.by_run.get(run).into_iter().flatten();
        let distinct: HashSet<&Arc<RunInput>> = runs.iter().flat_map(of).collect();
        let mut found: Vec<RunInput> = distinct.into_iter().map(|one| (**one).clone()).collect();
        found.sort();
        Ok(found)
    }

    /// Records of one kind of some runs, oldest first.
    pub async fn run_records_many(
        &self,
        caller: &Caller,
        runs: &[RunId],
        kind: &str,
    ) -> Result<BTreeMap<RunId, Vec<RunRecord>>> {
        caller.require(Permission::Read)?;
        let mut found: BTreeMap<RunId, Vec<RunRecord>> = BTreeMap::new();
        for (run, record) in self.store.records_of(runs, kind).await? {
            found.entry(run).or_default().push(record);
        }
        Ok(found)
    }
}

/// Reads what some runs read, a few runs at a time: a record may be large.
pub(crate) async fn read(
    store: &dyn mlhub_core::store::Store,
    inputs: &tokio::sync::RwLock<RunInputs>,
    runs: &[RunId],
) -> Result<()> {
    for slab in runs.chunks(RUNS_AT_ONCE) {
        let records = store.records_of(slab, INPUT_KIND).await?;
        inputs.write().await.put(slab, &records);
    }
    Ok(())
}
