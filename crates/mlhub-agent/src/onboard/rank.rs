//! Which Python file is the training script: points with their reasons.

use super::Evidence;
use super::python::Facts;

/// Points a training script has at least.
pub(super) const SCORE_MIN: i32 = 4;
/// Words of file names that speak for a training script.
const NAMES: [&str; 4] = ["train", "training", "trainer", "fit"];
/// Words of file names that speak of another purpose.
const OTHERS: [&str; 14] = [
    "eval",
    "evaluate",
    "predict",
    "infer",
    "inference",
    "export",
    "plot",
    "download",
    "preprocess",
    "setup",
    "conftest",
    "test",
    "tests",
    "serve",
];
/// Folders that hold something other than the main script.
const OTHER_FOLDERS: [&str; 5] = ["tests", "test", "docs", "examples", "benchmarks"];
/// Modules that train, and what they are called.
pub(super) const FRAMEWORKS: [(&str, &str); 18] = [
    ("torch", "PyTorch"),
    ("pytorch_lightning", "Lightning"),
    ("lightning", "Lightning"),
    ("transformers", "Hugging Face Transformers"),
    ("accelerate", "Hugging Face Accelerate"),
    ("peft", "PEFT"),
    ("tensorflow", "TensorFlow"),
    ("keras", "Keras"),
    ("jax", "JAX"),
    ("flax", "Flax"),
    ("sklearn", "scikit-learn"),
    ("xgboost", "XGBoost"),
    ("lightgbm", "LightGBM"),
    ("catboost", "CatBoost"),
    ("fastai", "fastai"),
    ("hydra", "Hydra"),
    ("click", "click"),
    ("typer", "typer"),
];

/// The points of a file.
#[derive(Debug, Clone, Default)]
pub(super) struct Score {
    pub(super) points: i32,
    pub(super) reasons: Vec<Evidence>,
    /// Whether anything says that it trains, not only that it can be started.
    pub(super) trains: bool,
}

impl Score {
    fn add(&mut self, points: i32, file: &str, line: u32, what: String) {
        self.points += points;
        let sign = if points < 0 { "" } else { "+" };
        self.reasons.push(Evidence {
            file: file.to_owned(),
            line,
            what: format!("{what} ({sign}{points})"),
        });
    }
}

/// Judges a file by its name and what is in it.
pub(super) fn score(path: &str, facts: &Facts) -> Score {
    let mut score = Score::default();
    by_name(path, &mut score);
    if let Some(line) = facts.main_guard {
        score.add(2, path, line, "is started as a program".to_owned());
    }
    if let Some(found) = &facts.command_line {
        let what = format!("takes options by {}", found.what);
        score.add(2, path, found.line, what);
    }
    if let Some(hydra) = &facts.hydra {
        score.add(3, path, hydra.line, "is configured by Hydra".to_owned());
        score.trains |= !facts.signs.is_empty();
    }
    if let Some((line, _)) = facts.lightning_cli {
        score.add(5, path, line, "is a LightningCLI".to_owned());
        score.trains = true;
    }
    if let Some((line, classes)) = &facts.hf_parser {
        score.add(
            3,
            path,
            *line,
            "is configured by HfArgumentParser".to_owned(),
        );
        score.trains |= classes
            .iter()
            .any(|class| class.contains("TrainingArguments"));
    }
    let framework = facts
        .imports
        .iter()
        .find(|import| FRAMEWORKS.iter().any(|(module, _)| *module == import.what));
    if let Some(import) = framework {
        score.add(1, path, import.line, format!("imports {}", import.what));
    }
    // Further signs are shown by the first of them.
    if let Some(sign) = facts.signs.first() {
        score.add(3, path, sign.line, format!("has {}", sign.what));
        score.trains = true;
    }
    if let Some(printed) = facts.printed.first() {
        let what = format!("prints {}", printed.names.join(", "));
        score.add(2, path, printed.line, what);
        score.trains = true;
    }
    score
}

fn by_name(path: &str, score: &mut Score) {
    let mut parts: Vec<&str> = path.split('/').collect();
    let last = parts.pop().unwrap_or(path);
    let stem = last.strip_suffix(".py").unwrap_or(last).to_lowercase();
    let words: Vec<&str> = stem
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    if words.iter().any(|word| NAMES.contains(word)) {
        score.add(4, path, 1, "its name says that it trains".to_owned());
        score.trains = true;
    } else if words.iter().any(|word| matches!(*word, "main" | "run")) {
        score.add(1, path, 1, "its name is that of a main program".to_owned());
    }
    if words.iter().any(|word| OTHERS.contains(word)) {
        score.add(-5, path, 1, "its name says something else".to_owned());
    }
    if parts.iter().any(|part| OTHER_FOLDERS.contains(part)) {
        score.add(-3, path, 1, "its folder is for something else".to_owned());
    }
}
