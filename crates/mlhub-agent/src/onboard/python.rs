//! What a Python file tells by its tokens: imports, entry point, options,
//! config frameworks, signs of training, printed metrics. Nothing is imported
//! or run.

use super::call::Call;
use super::lex::{Kind, Token, lex};
use super::naming;
use super::options::{self, ScriptOption};
use super::printed::{self, Printed};

/// Options of one script at most.
const OPTIONS_MAX: usize = 200;
/// Printed lines of one script at most that are read.
const PRINTED_MAX: usize = 20;

/// Something found, with its line (from 1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) what: String,
    pub(super) line: u32,
}

/// The decorator `@hydra.main`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Hydra {
    pub(super) config_path: Option<String>,
    pub(super) config_name: Option<String>,
    pub(super) line: u32,
}

/// All that is known of a Python file.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    /// Imported modules by their first name.
    pub(super) imports: Vec<Found>,
    /// The line of `if __name__ == "__main__"`.
    pub(super) main_guard: Option<u32>,
    /// How its command line is read: `argparse`, `click`, `typer`.
    pub(super) command_line: Option<Found>,
    pub(super) options: Vec<ScriptOption>,
    pub(super) hydra: Option<Hydra>,
    /// The line of `LightningCLI(...)`, and whether it has subcommands (not with `run=False`).
    pub(super) lightning_cli: Option<(u32, bool)>,
    /// The line of `HfArgumentParser(...)`, and the classes it was given.
    pub(super) hf_parser: Option<(u32, Vec<String>)>,
    /// Loops over epochs, calls of `fit`, `backward`, ...
    pub(super) signs: Vec<Found>,
    pub(super) printed: Vec<Printed>,
    /// The first line that gives a metric to a logger.
    pub(super) logged: Option<u32>,
}

/// Reads a source.
pub(super) fn read(source: &str) -> Facts {
    let tokens = lex(source);
    let mut facts = Facts::default();
    let mut header: Vec<String> = Vec::new();
    for at in 0..tokens.len() {
        let starts = at == 0 || tokens[at - 1].kind == Kind::End || tokens[at - 1].is(":");
        if starts {
            statement(&tokens[at..], &mut facts);
        }
        if tokens[at].kind == Kind::Name
            && let Some(call) = Call::read(&tokens, at + 1)
        {
            called(&tokens, at, &call, &mut header, &mut facts);
        }
    }
    if let Some((_, classes)) = facts.hf_parser.clone() {
        dataclasses(&tokens, &classes, &mut facts);
    }
    facts
}

/// What the start of a statement tells.
fn statement(tokens: &[Token], facts: &mut Facts) {
    match tokens {
        [import, names @ ..] if import.is("import") => {
            let mut fresh = true;
            for token in names.iter().take_while(|token| token.kind != Kind::End) {
                if fresh && token.kind == Kind::Name {
                    import_of(token, facts);
                }
                fresh = token.is(",");
            }
        }
        [from, module, ..] if from.is("from") && module.kind == Kind::Name => {
            import_of(module, facts);
        }
        [when, name, equals, main, ..]
            if when.is("if")
                && name.is("__name__")
                && equals.is("==")
                && main.text == "__main__" =>
        {
            facts.main_guard.get_or_insert(when.line);
        }
        [each, name, inside, ..]
            if each.is("for")
                && inside.is("in")
                && matches!(name.text.as_str(), "epoch" | "step" | "iteration" | "it") =>
        {
            facts.signs.push(Found {
                what: format!("a loop over `{}`", name.text),
                line: each.line,
            });
        }
        _ => {}
    }
}

fn import_of(token: &Token, facts: &mut Facts) {
    if !facts.imports.iter().any(|known| known.what == token.text) {
        facts.imports.push(Found {
            what: token.text.clone(),
            line: token.line,
        });
    }
}

/// What a call tells; its name is the token at `at`.
fn called(
    tokens: &[Token],
    at: usize,
    call: &Call<'_>,
    header: &mut Vec<String>,
    facts: &mut Facts,
) {
    let name = &tokens[at];
    let line = name.line;
    let before = |back: usize, text: &str| at >= back && tokens[at - back].is(text);
    let method = before(1, ".");
    let decorator = before(1, "@") || (method && before(3, "@"));
    match name.text.as_str() {
        "add_argument" if method => add(facts, "argparse", options::argparse(call, line), line),
        "option" | "argument" if decorator => {
            let argument = name.is("argument");
            add(facts, "click", options::click(call, argument, line), line);
        }
        "Option" | "Argument" if method && before(2, "typer") => {
            let option = options::typer(tokens, at - 2, call, name.is("Argument"));
            add(facts, "typer", option, line);
        }
        "main" if method && before(2, "hydra") && decorator => {
            facts.hydra = Some(Hydra {
                config_path: call.text("config_path"),
                config_name: call.text("config_name"),
                line,
            });
        }
        "LightningCLI" if !before(1, "class") => {
            let subcommands = call
                .get("run")
                .is_none_or(|run| !run.iter().any(|t| t.is("False")));
            facts.lightning_cli.get_or_insert((line, subcommands));
        }
        "HfArgumentParser" => facts.hf_parser = Some((line, classes_of(call))),
        "print" if !method => print(call, line, header, facts),
        "info" if method && facts.logged.is_none() => {
            let tells = call
                .positional
                .iter()
                .any(|argument| argument.iter().any(|token| naming::is_metric(&token.text)));
            facts.logged = tells.then_some(line);
        }
        _ => training_sign(name, method, facts),
    }
}

fn add(facts: &mut Facts, how: &str, option: Option<ScriptOption>, line: u32) {
    facts.command_line.get_or_insert_with(|| Found {
        what: how.to_owned(),
        line,
    });
    let Some(option) = option else {
        return;
    };
    let known = facts.options.iter().any(|known| known.name == option.name);
    if !known && facts.options.len() < OPTIONS_MAX {
        facts.options.push(option);
    }
}

fn print(call: &Call<'_>, line: u32, header: &mut Vec<String>, facts: &mut Facts) {
    for printed in printed::read(call, line, header) {
        let known = facts
            .printed
            .iter()
            .any(|known| known.pattern == printed.pattern);
        if !known && facts.printed.len() < PRINTED_MAX {
            facts.printed.push(printed);
        }
    }
    if let Some(words) = printed::header(call) {
        *header = words;
    }
}

fn training_sign(name: &Token, method: bool, facts: &mut Facts) {
    let what = match name.text.as_str() {
        "fit" | "backward" | "partial_fit" | "train_on_batch" | "zero_grad" if method => {
            format!("a call of `.{}()`", name.text)
        }
        "Trainer" | "Seq2SeqTrainer" | "SFTTrainer" | "TrainingArguments" => {
            format!("`{}`", name.text)
        }
        _ => return,
    };
    if !facts.signs.iter().any(|known| known.what == what) {
        facts.signs.push(Found {
            what,
            line: name.line,
        });
    }
}

/// The classes given to `HfArgumentParser`, alone or as a tuple.
fn classes_of(call: &Call<'_>) -> Vec<String> {
    call.positional
        .first()
        .into_iter()
        .flat_map(|argument| argument.iter())
        .filter(|token| token.kind == Kind::Name)
        .map(|token| token.text.clone())
        .collect()
}

/// The fields of those classes that this file defines.
fn dataclasses(tokens: &[Token], classes: &[String], facts: &mut Facts) {
    let mut inside: Option<usize> = None;
    for line in tokens.split(|token| token.kind == Kind::End) {
        let Some(first) = line.first() else {
            continue;
        };
        if inside.is_some_and(|column| first.column <= column) {
            inside = None;
        }
        if first.is("class") {
            let wanted = line.get(1).is_some_and(|name| classes.contains(&name.text));
            inside = wanted.then_some(first.column);
        } else if inside.is_some() {
            let option = options::dataclass_field(line);
            if let Some(option) = option
                && !facts.options.iter().any(|known| known.name == option.name)
                && facts.options.len() < OPTIONS_MAX
            {
                facts.options.push(option);
            }
        }
    }
}
