//! What printed values are called, and which of them are metrics or steps: by
//! the words of their expression, the text before them and their format.

use super::lex::{Kind, Token};

/// Words of names that say that a value is a metric.
const METRIC_WORDS: [&str; 24] = [
    "loss",
    "acc",
    "accuracy",
    "error",
    "err",
    "rmse",
    "mse",
    "mae",
    "auc",
    "f1",
    "precision",
    "recall",
    "score",
    "ppl",
    "perplexity",
    "bleu",
    "dice",
    "iou",
    "r2",
    "reward",
    "lr",
    "nll",
    "elbo",
    "vloss",
];
/// Names of values that count the training.
const STEP_WORDS: [&str; 7] = [
    "epoch",
    "step",
    "iteration",
    "iter",
    "it",
    "global_step",
    "batch",
];
/// Words before `loss` and the like that belong to the name.
const PARTS: [&str; 9] = [
    "train",
    "training",
    "val",
    "valid",
    "validation",
    "test",
    "eval",
    "dev",
    "best",
];
/// Names in expressions that are how, not what.
const NOISE: [&str; 16] = [
    "item", "mean", "sum", "cpu", "numpy", "detach", "float", "int", "round", "len", "max", "min",
    "self", "args", "np", "torch",
];

/// What a value is to the hub.
pub(super) enum Role {
    Step,
    Metric(String),
    Unknown,
}

/// What a column of a table is, by its header.
pub(super) fn column_role(name: &str) -> Role {
    if STEP_WORDS.contains(&name) {
        Role::Step
    } else {
        Role::Metric(name.to_owned())
    }
}

/// What a value is, by its expression, the text before it and its format.
pub(super) fn role(tokens: &[Token], numeric: bool, before: &str) -> Role {
    let words: Vec<&str> = tokens
        .iter()
        .filter(|token| matches!(token.kind, Kind::Name | Kind::Text))
        .map(|token| token.text.as_str())
        .filter(|word| !NOISE.contains(word))
        .collect();
    let label = label(before);
    let metric = words.iter().find(|word| is_metric(word));
    if label.contains('_') && is_metric(&label) {
        return Role::Metric(label);
    }
    if let Some(word) = metric {
        return Role::Metric(group_name(word));
    }
    if is_metric(&label) {
        return Role::Metric(label);
    }
    let is_step = |word: &str| STEP_WORDS.contains(&word);
    if words.iter().any(|word| is_step(word)) || is_step(&label) {
        return Role::Step;
    }
    match words.last() {
        Some(word) if numeric => Role::Metric(group_name(word)),
        _ => Role::Unknown,
    }
}

/// The word or two before a value, as a name.
fn label(before: &str) -> String {
    let words: Vec<String> = before
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
        .map(|word| word.to_lowercase())
        .collect();
    match words.as_slice() {
        [.., part, last] if PARTS.contains(&part.as_str()) => group_name(&format!("{part}_{last}")),
        [.., last] => group_name(last),
        [] => String::new(),
    }
}

/// A text as the name of a group.
pub(super) fn group_name(text: &str) -> String {
    let name: String = text
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    let name = name.trim_matches('_');
    match name.chars().next() {
        Some(first) if first.is_ascii_digit() => format!("m_{name}"),
        Some(_) => name.to_owned(),
        None => "value".to_owned(),
    }
}

/// Whether a name is one of a metric.
pub(super) fn is_metric(name: &str) -> bool {
    name.to_lowercase()
        .split(|c: char| !c.is_ascii_alphanumeric())
        .any(|part| METRIC_WORDS.contains(&part))
}
