//! What option names mean: seeds, outputs, data, and what makes a run small.

use serde_json::{Value, json};

use super::options::ScriptOption;
use super::scan::DatasetCandidate;

const SEEDS: [&str; 7] = [
    "seed",
    "random_seed",
    "random_state",
    "manual_seed",
    "rng_seed",
    "seed_everything",
    "global_seed",
];
const OUTPUTS: [&str; 11] = [
    "output",
    "output_dir",
    "out",
    "out_dir",
    "outdir",
    "save_dir",
    "save_path",
    "model_dir",
    "log_dir",
    "logdir",
    "checkpoint_dir",
];
const DATA: [&str; 11] = [
    "data",
    "data_path",
    "data_dir",
    "data_file",
    "dataset",
    "csv",
    "input",
    "train_file",
    "train_data",
    "train_path",
    "file",
];
/// Names of options that make a run small, and what they are then.
const SMALL: [(&[&str], i32); 3] = [
    (
        &[
            "epochs",
            "epoch",
            "num_epochs",
            "n_epochs",
            "nepochs",
            "max_epochs",
            "num_train_epochs",
        ],
        1,
    ),
    (
        &[
            "max_steps",
            "steps",
            "num_steps",
            "n_steps",
            "train_steps",
            "total_steps",
            "max_iter",
            "max_iters",
            "iters",
            "iterations",
            "num_iterations",
            "n_iter",
            "n_estimators",
            "num_boost_round",
            "rounds",
        ],
        10,
    ),
    (
        &["limit", "max_samples", "max_train_samples", "max_rows"],
        64,
    ),
];

fn last(name: &str) -> String {
    let last = name.rsplit('.').next().unwrap_or(name);
    last.to_lowercase()
}

/// Whether an option takes the seed.
pub(super) fn is_seed(name: &str) -> bool {
    SEEDS.contains(&last(name).as_str())
}

/// Whether an option says where results go.
pub(super) fn is_output(name: &str) -> bool {
    OUTPUTS.contains(&last(name).as_str())
}

/// The value that makes a run small, unless it is that small already.
pub(super) fn small(name: &str, default: &Value) -> Option<Value> {
    let name = last(name);
    let (_, value) = SMALL
        .iter()
        .find(|(names, _)| names.contains(&name.as_str()))?;
    let given = default.as_f64()?;
    // Below 0 stands for "no limit" in several frameworks.
    let already = given > 0.0 && given <= f64::from(*value);
    (!already).then(|| json!(value))
}

/// A value for an option that must be given and has no default.
pub(super) fn filled(option: &ScriptOption, datasets: &[DatasetCandidate]) -> Option<Value> {
    if let Some(choice) = option.choices.first() {
        return Some(choice.clone());
    }
    match datasets {
        [only] if DATA.contains(&last(&option.name).as_str()) => Some(json!(only.path)),
        _ => None,
    }
}
